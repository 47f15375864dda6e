// SPDX-License-Identifier: GPL-2.0-only
/* What tenants do: make and drop verbs objects. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storms.h"

/* Those that siw cannot make come last. */
enum kind { PD, CQ, MR, SRQ, QP, NR_SIW_KINDS, AH = NR_SIW_KINDS, MW, NR_KINDS };

#define BITE	(1 << 20)	/* of memory, by the hungry */

static struct ibv_device *devices[MAX_DEVICES];

/* The entry stays good for as long as the process lives. */
struct ibv_device *find_verbs(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	for (; list && *list; list++)
		if (!strcmp(ibv_get_device_name(*list), name))
			return *list;
	return NULL;
}

/* Before tenants are started, which inherit what was found. */
void find_devices(void)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		devices[i] = find_verbs(device_name(i));
		if (!devices[i])
			complain(LOAD, "libibverbs does not find %s",
				 device_name(i));
	}
}

static void hold(struct session *session, enum resource resource, int change)
{
	if (session->device >= 0)
		session->tenant->held[session->device][resource] += change;
	if (change > 0 && resource == OBJECT)
		add(&shared->made, 1);
}

/* Notes that a verb was refused. There may be other reasons than a limit. */
static void judge_refusal(const char *what)
{
	bool gone = errno == ENODEV || errno == ENOENT || errno == ENXIO ||
		    errno == EIO;

	if (errno == EAGAIN)
		add(&shared->refused, 1);
	else if (!(gone && shared->devices_leave) &&
		 !(errno == ENOMEM && shared->memory_ends))
		complain(LOAD, "cannot make %s: %m", what);
}

static struct ibv_qp *make_qp(struct session *session)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = session->cq,
		.recv_cq = session->cq,
		.cap = { 1, 1, 1, 1, 0 },
		.qp_type = IBV_QPT_RC,
	};

	return ibv_create_qp(session->pd, &attr);
}

static struct ibv_ah *make_ah(struct session *session)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = 1,
		/* A multicast group: it needs neither address nor route. */
		.grh = { .dgid.raw = { 0xff, 2, [15] = 1 }, .hop_limit = 1 },
	};

	return ibv_create_ah(session->pd, &attr);
}

static void *make(struct session *session, int kind)
{
	struct ibv_srq_init_attr srq_attr = { .attr = { 1, 1, 0 } };
	static char memory[4096];

	switch (kind) {
	case PD:
		return ibv_alloc_pd(session->context);
	case CQ:
		return ibv_create_cq(session->context, 1, NULL, NULL, 0);
	case MR:
		return ibv_reg_mr(session->pd, memory, sizeof(memory),
				  IBV_ACCESS_LOCAL_WRITE);
	case SRQ:
		return ibv_create_srq(session->pd, &srq_attr);
	case QP:
		return make_qp(session);
	case AH:
		return make_ah(session);
	default:
		return ibv_alloc_mw(session->pd, IBV_MW_TYPE_1);
	}
}

static int drop(int kind, void *object)
{
	switch (kind) {
	case PD:
		return ibv_dealloc_pd(object);
	case CQ:
		return ibv_destroy_cq(object);
	case MR:
		return ibv_dereg_mr(object);
	case SRQ:
		return ibv_destroy_srq(object);
	case QP:
		return ibv_destroy_qp(object);
	case AH:
		return ibv_destroy_ah(object);
	default:
		return ibv_dealloc_mw(object);
	}
}

static void judge_drop(struct session *session, const char *what, int err)
{
	if (err)
		complain(LOAD, "cannot drop %s: %s", what, strerror(err));
	else
		hold(session, OBJECT, -1);
}

static const char * const kind_names[NR_KINDS] = {
	"PD", "CQ", "MR", "SRQ", "QP", "AH", "MW",
};

void make_one(struct session *session)
{
	int kind = roll(session->rxe ? NR_KINDS : NR_SIW_KINDS);
	void *object = make(session, kind);

	if (!object) {
		judge_refusal(kind_names[kind]);
		return;
	}
	session->objects[session->nr].kind = kind;
	session->objects[session->nr++].object = object;
	hold(session, OBJECT, 1);
}

void drop_one(struct session *session)
{
	int which = roll(session->nr);
	int kind = session->objects[which].kind;

	judge_drop(session, kind_names[kind],
		   drop(kind, session->objects[which].object));
	session->objects[which] = session->objects[--session->nr];
}

static void eat(void)
{
	char *memory = mmap(NULL, BITE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		memset(memory, 1, BITE);
}

static void obey_director(struct tenant *tenant)
{
	rest_if_told(tenant);
	if (tenant->hungry)
		eat();
}

/* Makes or drops one. */
void step(struct session *session)
{
	obey_director(session->tenant);
	if (session->nr == MAX_OBJECTS || (session->nr && roll(5) < 2))
		drop_one(session);
	else
		make_one(session);
}

/* Drops all, in any order. */
void close_session(struct session *session)
{
	while (session->nr)
		drop_one(session);
	if (session->cq)
		judge_drop(session, "CQ", ibv_destroy_cq(session->cq));
	if (session->pd)
		judge_drop(session, "PD", ibv_dealloc_pd(session->pd));
	if (ibv_close_device(session->context))
		complain(LOAD, "cannot close a context: %m");
	else
		hold(session, HANDLE, -1);
}

/* @device is the number of @verbs if it stays, or -1. */
bool open_session_with(struct session *session, struct tenant *tenant,
		       struct ibv_device *verbs, int device, bool rxe)
{
	*session = (struct session){
		.tenant = tenant, .device = device, .rxe = rxe,
	};
	session->context = ibv_open_device(verbs);
	if (!session->context) {
		judge_refusal("context");
		return false;
	}
	hold(session, HANDLE, 1);

	session->pd = ibv_alloc_pd(session->context);
	if (session->pd) {
		hold(session, OBJECT, 1);
		session->cq = ibv_create_cq(session->context, 1, NULL, NULL, 0);
	}
	if (!session->cq) {
		judge_refusal("the first PD or CQ");
		close_session(session);
		return false;
	}
	hold(session, OBJECT, 1);
	return true;
}

/* A new context with a PD and a CQ; false if it was refused. */
bool open_session(struct session *session, struct tenant *tenant, int device)
{
	return open_session_with(session, tenant, devices[device], device,
				 !strcmp(driver_of(device), "rxe"));
}

/* Works with one device after the other until the end of the storm. */
void churn(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	struct session session;
	int steps;

	while (!shared->stop) {
		obey_director(tenant);
		if (!open_session(&session, tenant, roll(nr_devices))) {
			sleep_us(roll(2000));
			continue;
		}
		for (steps = roll(2 * MAX_OBJECTS); steps && !shared->stop; steps--)
			step(&session);
		close_session(&session);
	}
}
