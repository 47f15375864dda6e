/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs that measure have in common. */
#ifndef _RDMACG_MEASURE_H
#define _RDMACG_MEASURE_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "native.h"

static long nr_cpus;
static bool realtime;		/* for the machine that has other work */

static inline void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(error));
	exit(EXIT_FAILURE);
}

static inline struct cgroup_subsys_state *make_cgroup(struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css = shim_cgroup_mkdir(parent);

	if (IS_ERR(css))
		die("cgroup", -PTR_ERR(css));
	return css;
}

/* NULL if there is no path. */
static inline FILE *open_csv(const char *path)
{
	FILE *csv = path ? fopen(path, "we") : NULL;

	if (path && !csv)
		die(path, errno);
	return csv;
}

static inline long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static inline void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % nr_cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* For this thread, and only while something is measured. */
static inline void set_realtime(bool on)
{
	struct sched_param param = { .sched_priority = on };

	if (realtime && sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param))
		die("--realtime", errno);
}

/* How often this thread has lost its core. */
static inline long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#endif
