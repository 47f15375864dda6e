/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets memory be refused to the RDMA cgroup controller, with all of the verbs
 * path on top of it, and proves that nothing comes of it.
 *
 *	cases.c		says which cases fail, and why
 *	inject.c	lets allocations fail, and tells which did
 *	objects.c	RDMA devices; what is opened on them
 *	walk.c		each allocation of an operation fails in turn
 *	storm.c		allocations of many processes fail at random
 *	main.c		prepares, judges what is left
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdio.h>

#include "../lib/cgroup.h"
#include "../lib/dice.h"
#include "../lib/failslab.h"
#include "../lib/guest.h"
#include "../lib/leaks.h"
#include "../lib/rdma.h"

#define CGROUPS		"/sys/fs/cgroup"
#define TOP		CGROUPS "/rdmacg_faults"	/* holds all others */
#define PATH_SIZE	256
#define TEXT_SIZE	(16 * 1024)

#define NEW_DEVICE	"faults_dev"	/* one that comes and goes */
#define NEW_LINK	"faults0"	/* the link below it */
#define OTHER_NAME	"faults_renamed"

/* cases.c */

/* Only cases with @part in their names are wanted. */
void begin_cases(const char *part);
/* Ends the program if there was none. */
void need_a_case(void);
/* Returns the program's exit status. */
int end_cases(void);
bool is_wanted(const char *name);
/* Says what is wrong; the case has failed, but may go on. */
void complain(const char *format, ...) __printf(1, 2);
bool has_complained(void);
/* Ends the case. */
void report(const char *format, ...) __printf(1, 2);

/* inject.c */

/* What was refused memory since the last time, and what pools there were. */
struct told {
	unsigned int controller, others;
	int pools;		/* made, less freed */
};

void inject_init(void);
void inject_exit(void);
/* Of those with make-it-fail set, so many per cent fail. */
void fail_randomly(unsigned int percent);
/* Pools count only if they are of one of these cgroups. */
void read_told(struct told *told, const unsigned long long *cgroups, int nr);
void show_refused(void);

/* objects.c */

struct device {
	const char *name;
	bool is_rxe;
	enum kind nr_kinds;	/* those that the driver has */
	struct ibv_device *verbs;
};

extern struct device devices[];
extern const int nr_devices;

void devices_find(void);
void base_open(struct base *base, const struct device *device);
void base_close(struct base *base);

/* What a cgroup's files say of a device. */
bool is_listed(const char *cgroup, const char *device);
void read_usage(const char *cgroup, const char *device, long used[NR_RESOURCES]);

/* What is asked for last is sent, as often as one likes. */
void device_ask_add(const char *driver);	/* NEW_DEVICE on NEW_LINK */
void device_ask_delete(const char *name);
void device_ask_rename(const char *from, const char *to);
/* Returns 0 or an errno; which may also be that of an answer that got lost. */
int device_send(void);
/* What the IB core says. */
bool device_exists(const char *name);

/* walk.c */
void walk_all(unsigned int link_trials);

/* storm.c */
void fail_all_at_random(unsigned int seed, unsigned int seconds);

#endif /* FAULTS_H */
