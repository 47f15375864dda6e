// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rdma_verbs.h"

const char * const kind_names[NR_KINDS] = {
	[CONTEXT] = "context",
	[PD] = "PD",
	[CQ] = "CQ",
	[CQ_EX] = "extended CQ",
	[QP_RC] = "RC QP",
	[QP_UC] = "UC QP",
	[QP_UD] = "UD QP",
	[QP_EX] = "extended QP",
	[MR] = "MR",
	[MW_1] = "type 1 MW",
	[MW_2] = "type 2 MW",
	[AH] = "AH",
	[SRQ] = "SRQ",
	[CHANNEL] = "completion channel",
	[BAD_MR] = "MR of no memory",
	[BAD_AH] = "AH of no port",
	[BAD_CQ] = "too large CQ",
};

struct made made[NR_KINDS];

#if HAVE_LIBIBVERBS

static struct ibv_device *used;	/* the device this process works with */

static void *make_qp(struct ibv_pd *pd, struct ibv_cq *cq, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { 1, 1, 1, 1 },
		.qp_type = type,
	};

	return ibv_create_qp(pd, &attr);
}

static void *make_qp_ex(struct ibv_pd *pd, struct ibv_cq *cq)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { 1, 1, 1, 1 },
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD |
			     IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_SEND,
	};

	return ibv_create_qp_ex(pd->context, &attr);
}

static void *make_mr(struct ibv_pd *pd, bool with_memory)
{
	size_t size = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (!with_memory)
		munmap(memory, size);
	return ibv_reg_mr(pd, memory, size, IBV_ACCESS_LOCAL_WRITE);
}

static void *make_ah(struct ibv_pd *pd, int port)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = port,
		/* To a multicast group no route need be known. */
		.grh = { .dgid.raw = { 0xff, 2, [15] = 1 }, .hop_limit = 1 },
	};

	return ibv_create_ah(pd, &attr);
}

/*
 * Makes one, in the oldest context, with the oldest PD and CQ. Returns NULL and
 * sets errno if it is refused.
 */
void *make_one(enum kind kind)
{
	struct ibv_context *context = made[CONTEXT].item[0];
	struct ibv_pd *pd = made[PD].item[0];
	struct ibv_cq *cq = made[CQ].item[0];
	struct ibv_cq_init_attr_ex cq_attr = { .cqe = 1 };
	struct ibv_srq_init_attr srq_attr = { .attr = { 1, 1, 0 } };

	switch (kind) {
	case CONTEXT:
		return ibv_open_device(used);
	case PD:
		return ibv_alloc_pd(context);
	case CQ:
		return ibv_create_cq(context, 1, NULL, NULL, 0);
	case CQ_EX:
		return ibv_create_cq_ex(context, &cq_attr);
	case QP_RC:
		return make_qp(pd, cq, IBV_QPT_RC);
	case QP_UC:
		return make_qp(pd, cq, IBV_QPT_UC);
	case QP_UD:
		return make_qp(pd, cq, IBV_QPT_UD);
	case QP_EX:
		return make_qp_ex(pd, cq);
	case MR:
		return make_mr(pd, true);
	case MW_1:
		return ibv_alloc_mw(pd, IBV_MW_TYPE_1);
	case MW_2:
		return ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	case AH:
		return make_ah(pd, 1);
	case SRQ:
		return ibv_create_srq(pd, &srq_attr);
	case CHANNEL:
		return ibv_create_comp_channel(context);
	case BAD_MR:
		return make_mr(pd, false);
	case BAD_AH:
		return make_ah(pd, 200);
	case BAD_CQ:
		return ibv_create_cq(context, INT_MAX, NULL, NULL, 0);
	default:
		return NULL;
	}
}

/* Returns 0 if it is gone. */
int drop_one(enum kind kind, void *item)
{
	switch (kind) {
	case CONTEXT:
		return ibv_close_device(item);
	case PD:
		return ibv_dealloc_pd(item);
	case CQ:
	case CQ_EX:
		return ibv_destroy_cq(item);
	case QP_RC:
	case QP_UC:
	case QP_UD:
	case QP_EX:
		return ibv_destroy_qp(item);
	case MR:
		return ibv_dereg_mr(item);
	case MW_1:
	case MW_2:
		return ibv_dealloc_mw(item);
	case AH:
		return ibv_destroy_ah(item);
	case SRQ:
		return ibv_destroy_srq(item);
	case CHANNEL:
		return ibv_destroy_comp_channel(item);
	default:
		return -1;
	}
}

/* Returns NULL if libibverbs does not find it, or is not there. */
struct ibv_device *find_verbs(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	/* Not freed: the entry found is used for as long as the process lives. */
	for (; list && *list; list++)
		if (!strcmp(ibv_get_device_name(*list), name))
			return *list;
	return NULL;
}

void use_verbs(struct ibv_device *verbs)
{
	used = verbs;
}

const char *node_name(const struct ibv_device *verbs)
{
	return verbs->dev_name;
}

/* Everything a context does goes through this file descriptor. */
int *context_fd(void)
{
	struct ibv_context *context = made[CONTEXT].item[0];

	return &context->cmd_fd;
}

#else

struct ibv_device *find_verbs(const char *name)
{
	return NULL;
}

/* Not reached: use_device() has ended the test. */

void use_verbs(struct ibv_device *verbs)
{
}

const char *node_name(const struct ibv_device *verbs)
{
	return NULL;
}

void *make_one(enum kind kind)
{
	return NULL;
}

int drop_one(enum kind kind, void *item)
{
	return 0;
}

int *context_fd(void)
{
	return NULL;
}

#endif /* HAVE_LIBIBVERBS */
