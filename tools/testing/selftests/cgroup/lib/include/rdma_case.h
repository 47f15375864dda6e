/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each test of the rdma controller is judged by, and what the processes
 * that take part in it have in common.
 */
#ifndef RDMA_CASE_H
#define RDMA_CASE_H

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "cgroup_util.h"
#include "kselftest.h"

#ifndef __printf
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#endif

#define TOP_NAME	"rdmacg_test"	/* the cgroup that holds all others */
#define TRACING		"/sys/kernel/tracing"
#define TRACE		TRACING "/instances/" TOP_NAME	/* disturbs no other */
#define SETTLE_MS	10000		/* for what the kernel ends in the background */

/* What all processes see. */
extern struct shared {
	int race;		/* RACE_AHEAD, ... */
	int nr_done;		/* of what is done over and over in the race */
	char reason[256];	/* why the test was skipped */
	char result[1024];	/* of a job, besides its outcome */
	char path[PATH_MAX];	/* the file that a job is about */
	char text[PATH_MAX];	/* what is written there, say */

	/* What a test has changed, and is to be as it was; empty: nothing. */
	int twin;		/* index of a device in a net namespace; 0: none */
	bool exclusive;		/* devices are seen in their net namespace alone */
	char node[128];		/* of a device */
	mode_t node_mode;
	char mount_options[256];	/* of cgroup v2 */
} *shared;

/* Where cgroups are made. */
struct hierarchy {
	const char *name;
	bool unified;
	char root[PATH_MAX];		/* the mount */
	char top[PATH_MAX];		/* our cgroup below it */
	bool own_mount;			/* v1: nobody had mounted it */
};

/* The hierarchy under test. */
extern struct hierarchy *current;

void __printf(2, 3) fail(const char *where, const char *format, ...);
void __printf(1, 2) skip(const char *format, ...);
void sleep_ms(long ms);

#define STRING_OF(x)	#x
#define STRING(x)	STRING_OF(x)
#define HERE		__FILE__ ":" STRING(__LINE__)

#define expect(condition, format, ...) do {				\
	if (!(condition))						\
		fail(HERE, "expected " #condition ": " format,		\
		     ##__VA_ARGS__);					\
} while (0)

/* Repeats @condition until it holds, for as long as the kernel may need. */
#define becomes(condition) ({						\
	int _tries = SETTLE_MS / 10;					\
									\
	while (!(condition) && --_tries)				\
		sleep_ms(10);						\
	_tries > 0;							\
})

#endif
