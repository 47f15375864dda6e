/* SPDX-License-Identifier: GPL-2.0-only */
/* Verbs objects, which a process makes and drops. */
#ifndef RDMA_VERBS_H
#define RDMA_VERBS_H

#if __has_include("infiniband/verbs.h")
#include <infiniband/verbs.h>
#define HAVE_LIBIBVERBS	1
#else
#define HAVE_LIBIBVERBS	0
#endif

struct ibv_device;

enum kind {
	CONTEXT, PD, CQ, CQ_EX, QP_RC, QP_UC, QP_UD, QP_EX, MR, MW_1, MW_2, AH,
	SRQ, CHANNEL,

	/* These ask for what a driver must refuse. */
	BAD_MR, BAD_AH, BAD_CQ,

	NR_KINDS
};

extern const char * const kind_names[NR_KINDS];

#define MAX_MADE	256	/* of one kind by one process */

/* What this process has made, the newest last. Its threads may race. */
extern struct made {
	int nr;
	void *item[MAX_MADE];
} made[NR_KINDS];

struct ibv_device *find_verbs(const char *name);
void use_verbs(struct ibv_device *verbs);
const char *node_name(const struct ibv_device *verbs);
void *make_one(enum kind kind);
int drop_one(enum kind kind, void *item);
int *context_fd(void);

#endif
