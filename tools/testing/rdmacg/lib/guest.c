// SPDX-License-Identifier: GPL-2.0-only
/* Verbs objects, by libibverbs, processes, and time. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define PORT	1

const char * const kind_names[NR_KINDS] = {
	"context", "PD", "CQ", "QP", "MR", "SRQ", "MW", "AH",
};

struct ibv_device *find_verbs(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	/* Not freed, for the sake of its entries. */
	for (; list && *list; list++)
		if (!strcmp(ibv_get_device_name(*list), name))
			return *list;
	return NULL;
}

enum kind nr_kinds_of(bool rxe)
{
	int version, patchlevel;
	struct utsname name;

	uname(&name);
	/*
	 * Older ones have no memory windows, and make AHs of which today's
	 * libibverbs thinks that they failed.
	 */
	if (sscanf(name.release, "%d.%d", &version, &patchlevel) == 2 &&
	    (version < 5 || (version == 5 && patchlevel < 14)))
		rxe = false;
	return rxe ? NR_KINDS : NR_SIW_KINDS;
}

/*
 * RoCE has an entry for IPv4 if the netdev has such an address; the first entry,
 * of IPv6, may not resolve.
 */
void find_address(struct base *base)
{
	struct ibv_global_route *route = &base->ah.grh;
	int i;

	base->ah.is_global = 1;
	base->ah.port_num = PORT;
	for (i = 0; !ibv_query_gid(base->context, PORT, i, &route->dgid); i++) {
		if (IN6_IS_ADDR_V4MAPPED((struct in6_addr *)&route->dgid)) {
			route->sgid_index = i;
			return;
		}
	}
	ibv_query_gid(base->context, PORT, 0, &route->dgid);
}

void *object_make(const struct base *base, enum kind kind)
{
	static char memory[4096];
	struct ibv_srq_init_attr srq = { .attr = { 1, 1, 0 } };
	struct ibv_qp_init_attr qp = {
		.send_cq = base->cq,
		.recv_cq = base->cq,
		.cap = { 1, 1, 1, 1, 0 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_ah_attr ah = base->ah;

	switch (kind) {
	case CONTEXT:
		return ibv_open_device(base->verbs);
	case PD:
		return ibv_alloc_pd(base->context);
	case CQ:
		return ibv_create_cq(base->context, 1, NULL, NULL, 0);
	case QP:
		return ibv_create_qp(base->pd, &qp);
	case MR:
		return ibv_reg_mr(base->pd, memory, sizeof(memory),
				  IBV_ACCESS_LOCAL_WRITE);
	case SRQ:
		return ibv_create_srq(base->pd, &srq);
	case MW:
		return ibv_alloc_mw(base->pd, IBV_MW_TYPE_1);
	default:
		return ibv_create_ah(base->pd, &ah);
	}
}

int object_drop(enum kind kind, void *object)
{
	switch (kind) {
	case CONTEXT:
		return ibv_close_device(object);
	case PD:
		return ibv_dealloc_pd(object);
	case CQ:
		return ibv_destroy_cq(object);
	case QP:
		return ibv_destroy_qp(object);
	case MR:
		return ibv_dereg_mr(object);
	case SRQ:
		return ibv_destroy_srq(object);
	case MW:
		return ibv_dealloc_mw(object);
	default:
		return ibv_destroy_ah(object);
	}
}

pid_t fork_child(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS + now.tv_nsec;
}

long now_ms(void)
{
	return now_ns() / 1000000;
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

void sort(long *values, long nr)
{
	qsort(values, nr, sizeof(*values), by_value);
}

void sleep_us(long us)
{
	struct timespec duration = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&duration, NULL);
}
