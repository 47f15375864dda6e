/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Storms on the rdma cgroup controller: many processes make and drop verbs
 * objects while somebody does damage to their cgroups, their limits, their
 * devices or themselves. Afterwards nothing may be left of it.
 *
 *	supervisor	prepares each storm, and judges what it left (main.c)
 *	director	one per storm: starts all others, does the damage
 *	tenants		sit in cgroups; make and drop verbs objects
 *	readers		read all files of all cgroups all the time (common.c)
 *
 * A program has directors and tenants of its own, and a table of storms.
 */
#ifndef STORM_H
#define STORM_H

#include <sys/types.h>

#include "../cgroup.h"
#include "../dice.h"
#include "../guest.h"
#include "../rdma.h"

#define UNIFIED		"/sys/fs/cgroup"	/* where the guest has v2 */
#define TOP_NAME	"rdmacg_storms"	/* the cgroup that holds all others */
#define DEVICE_PREFIX	"storm"		/* of devices that stay all the storm */
#define MAX_DEVICES	4
#define MAX_TENANTS	8
#define NR_TREE		6		/* cgroups of make_tree() */
#define NR_LEAVES	4
#define PATH_SIZE	512
#define FILE_SIZE	(128 * 1024)

/* What can be found wrong: meanwhile, and with what is left. */
enum check { LOAD, COUNTS, CGROUPS, POOLS, LOG, NR_CHECKS };

/* What a tenant tells of itself. */
struct tenant {
	pid_t pid;
	pid_t heir;		/* its child, which shares its contexts */
	bool resting;		/* makes and drops nothing while it is set */
	bool hungry;		/* is to take memory until it is killed */
	long held[MAX_DEVICES][NR_RESOURCES];
};

/* What all processes see. */
struct shared {
	bool stop;		/* tenants and readers are to end */
	bool rest;		/* tenants are to keep still */
	bool readers_rest;
	bool devices_leave;	/* verbs may fail for that */
	bool memory_ends;	/* and for that */
	bool spoilt;		/* something is left on purpose */
	bool opened;		/* many devices, each that could be */
	unsigned int round;	/* odd while the device that leaves is there */
	unsigned int nr_spawned;
	unsigned long made, refused, reads, rounds;
	unsigned int complaints[NR_CHECKS];
	struct tenant tenants[MAX_TENANTS];
	char figures[1024];	/* what a storm says of itself */
};

struct hierarchy {
	const char *name;
	bool unified;
	char root[PATH_SIZE / 4];	/* the mount */
	char top[PATH_SIZE / 2];	/* our cgroup below it */
};

struct storm {
	const char *name;
	void (*direct)(void);	/* in a process of its own */
	int nr_devices;
	bool v2_only;
	bool limits_memory;
	bool exact_events;	/* a refused tenant lives to note it */
	const char *(*lacks)(void);	/* why it cannot be run here, or NULL */
};

extern struct shared *shared;
extern const struct hierarchy *current;
extern int nr_devices;
extern long bound_ms;	/* for how long a storm is to rage */

/* Of the program. */
extern const char * const program_name;
void prepare_director(void);
extern const struct storm storms[];
extern const int nr_storms;

/* common.c */
void complain(enum check check, const char *format, ...) __printf(2, 3);
void figure(const char *format, ...) __printf(1, 2);
void add(unsigned long *count, unsigned long amount);
void set_seed(unsigned int seed);
void take_dice(unsigned int number);

pid_t spawn(void);
pid_t start(void (*work)(int number), int number, const char *cgroup);
void reap(pid_t pid, int signal);
void finish(void);
void start_tenant(int number, void (*work)(int number), const char *cgroup);
bool rest_tenants(void);
void wake_tenants(void);
void rest_if_told(struct tenant *tenant);
pid_t start_tool(const char *format, ...) __printf(1, 2);
bool run_tool(const char *format, ...) __printf(1, 2);

char *path_of(const char *format, ...) __printf(1, 2);
bool make_cgroup(const char *cgroup);
bool make_parent(const char *cgroup);
bool remove_cgroup(const char *cgroup);
int write_limit(const char *cgroup, const char *device, enum resource resource,
		long limit);
/* Tenants and their leaves; on v2 their parents hold no processes. */
extern const char * const tree[NR_TREE];
extern const char * const leaves[NR_LEAVES];
char *below_top(const char *name);
char *a_leaf(int number);
void make_tree(void);
void enter(const char *cgroup, pid_t pid);
void limit_at_random(const char *device, int most);
void walk_cgroups(bool parents_last, void (*visit)(const char *cgroup));
bool next_line(char **text, const char *file, struct line *line);
bool find_line(const char *cgroup, const char *file, const char *device,
	       struct line *line);
void expect_current(const char *cgroup, int device, const long *expected);

bool has_file(const char *cgroup, const char *file);
void start_readers(void (*look)(const char *cgroup, const char *file,
				const struct line *line));

const char *device_name(int device);
const char *driver_of(int number);
bool run_batch(const char *tool, const char *format, const char *prefix,
	       int first, int count);
bool add_devices(const char *prefix, int first, int count);
bool remove_devices(const char *prefix, int first, int count);

#endif /* STORM_H */
