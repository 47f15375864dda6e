/* SPDX-License-Identifier: GPL-2.0-only */
/* Charges of every kind, by one task or by many at a time. */
#ifndef RDMA_CHARGE_H
#define RDMA_CHARGE_H

#include <stdbool.h>

#include "rdma_holder.h"

/* Holders wait for the race to begin; some of them go on until it is over. */
enum { RACE_AHEAD, RACE_ON, RACE_OVER };

int race(void);
void set_race(int state);
void wait_for_race(void);
int nr_done(void);
void one_done(void);

#define NR_RACERS	8
#define RACER_TRIES	24
#define BATCH		4	/* of objects that churn() and struggle() have */

job_fn churn, struggle;

/* Holders that together make all of a kind that they may. */
struct crowd {
	struct holder holder[NR_RACERS];
	int nr;
	int made;
};

typedef void crowd_fn(struct crowd *crowd, const char *cgroup, int kind);

crowd_fn one_thread, many_threads, many_processes, many_cgroups;

void join_crowd(struct crowd *crowd, const char *cgroup, job_fn *job, int kind,
		int count);
struct crowd crowd_at_limit(const char *cgroup, int kind, int limit,
			    crowd_fn *gather);
void release_crowd(struct crowd *crowd);

/* The kinds of objects that a device has. */
void make_basics(struct holder *holder);
struct holder hold_basics(const char *cgroup, const struct device *device);
bool has_kind(const struct device *device, enum kind kind);
int find_kinds(const struct device *device, enum kind *found);
void expect_kinds_are_refused(struct holder *holder, const char *cgroup,
			      const struct device *device);

#endif
