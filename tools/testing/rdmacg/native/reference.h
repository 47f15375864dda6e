/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rdmacg promises, as a program of one thread that keeps every counter in
 * a plain array: to compare the controller with, not to learn from its code.
 *
 * Cgroups and devices are numbers, which the caller chooses; cgroup 0 is the
 * root.
 */
#ifndef _RDMACG_REFERENCE_H
#define _RDMACG_REFERENCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define REF_CGROUPS	16
#define REF_DEVICES	10
#define REF_RESOURCES	2
#define REF_NAME_SIZE	64
#define REF_FILE_SIZE	4096
#define REF_UNLIMITED	INT_MAX
#define REF_NO_LIMIT	(-1)	/* of its own */

enum ref_file {
	REF_MAX,
	REF_CURRENT,
	REF_PEAK,
	REF_EVENTS,
	REF_EVENTS_LOCAL,
	REF_FILES,
};

extern const char * const ref_file_names[REF_FILES];
extern const char * const ref_resource_names[REF_RESOURCES];

struct ref_events {
	long max;		/* refused by a limit here */
	long alloc_fail;	/* refused to tasks here */
};

/* One resource of one cgroup on one device. */
struct ref_counter {
	long own_limit, usage, peak;
	struct ref_events local;
	struct ref_events total;	/* here and below */
	bool tried;			/* by a charge that came this way */
};

struct ref_cgroup {
	bool exists;		/* till nothing needs it */
	bool removed;		/* has no directory any more */
	int parent;
	int nr_children, nr_tasks, nr_charges;
	/* How often what an events file shows has changed. */
	unsigned long events_changes, local_changes;
	long default_limits[REF_RESOURCES];
	struct ref_counter counters[REF_DEVICES][REF_RESOURCES];
};

struct ref_device {
	bool registered;
	unsigned int index;
	char name[REF_NAME_SIZE];
};

struct reference {
	struct ref_cgroup cgroups[REF_CGROUPS];
	struct ref_device devices[REF_DEVICES];
	int order[REF_DEVICES];		/* of registration */
	int nr_registered;
};

void ref_init(struct reference *ref);

void ref_mkdir(struct reference *ref, int cgroup, int parent);
void ref_rmdir(struct reference *ref, int cgroup);

/* A task comes, or goes. */
void ref_enter(struct reference *ref, int cgroup);
void ref_leave(struct reference *ref, int cgroup);

void ref_device_add(struct reference *ref, int device, const char *name,
		    unsigned int index);
void ref_device_rename(struct reference *ref, int device, const char *name);

/* True if something was still charged. Such charges can't be uncharged. */
bool ref_device_del(struct reference *ref, int device);

/* 0 or an error, as of the controller's function. */
int ref_charge(struct reference *ref, int cgroup, int device, unsigned int resource);
void ref_uncharge(struct reference *ref, int cgroup, int device,
		  unsigned int resource);

/* A charge that is forgotten when its device has gone. */
void ref_drop_charge(struct reference *ref, int cgroup);

/* The limit in force in this cgroup alone. */
long ref_limit(const struct reference *ref, int cgroup, int device,
	       unsigned int resource);

long ref_query_limit(const struct reference *ref, int cgroup, int device,
		     unsigned int resource);

/* How many cgroups must have a pool on the device. */
int ref_nr_pools(const struct reference *ref, int device);

/* How many cgroups there are, the root included. */
int ref_nr_cgroups(const struct reference *ref);

/* As system calls: a length or an error. */
long ref_write_max(struct reference *ref, int cgroup, const char *data,
		   size_t length);
long ref_read(const struct reference *ref, int cgroup, enum ref_file file,
	      char text[REF_FILE_SIZE]);

#endif
