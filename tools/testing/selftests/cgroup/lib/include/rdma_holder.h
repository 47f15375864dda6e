/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holders: processes in the cgroups under test, which do jobs when asked, and
 * keep what they have made.
 */
#ifndef RDMA_HOLDER_H
#define RDMA_HOLDER_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "rdma_case.h"
#include "rdma_device.h"
#include "rdma_verbs.h"

struct outcome {
	int done;		/* how many of what was asked for */
	int err;		/* errno of what failed, 0 if nothing did */
};

typedef struct outcome job_fn(int what, int count);

struct holder {
	pid_t pid;
	int fd;
};

/* A way between two holders, or to the child of one. */
extern int lane[2];

pid_t spawn(void);
void reap(pid_t pid);
struct holder occupy(const char *cgroup);
struct holder hold(const char *cgroup, const struct device *device);
struct holder hold_pds(const char *cgroup, const struct device *device, int pds);
void release(struct holder *holder);
void crash(struct holder *holder);

void start(struct holder *holder, job_fn *job, int what, int count);
struct outcome outcome_of(struct holder *holder);
struct outcome ask(struct holder *holder, job_fn *job, int what, int count);
int attempt(struct holder *holder, job_fn *job, int what, const char *path,
	    const char *text);
void expect_outcome(const char *where, const char *asked,
		    struct outcome outcome, int done, int err);
void expect_done(const char *where, struct holder *holder, job_fn *job,
		 enum kind kind, int count, int err);

#define expect_make(holder, kind, count)				\
	expect_done(HERE, holder, make, kind, count, 0)

#define expect_refusal_after(holder, kind, count)			\
	expect_done(HERE, holder, make, kind, count, EAGAIN)

#define expect_drop(holder, kind, count)				\
	expect_done(HERE, holder, drop, kind, count, 0)

/* Jobs, and what they are made of. */
struct outcome outcome_if(bool done);
int pass(int fd);
int take(void);
job_fn make, drop, fork_child, pass_context, take_context, enter_namespaces;

#endif
