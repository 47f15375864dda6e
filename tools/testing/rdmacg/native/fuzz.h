/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The controller and the reference side by side. Each function here does the
 * same to both, and compares what they answer; on a difference it says so and
 * aborts, which makes libFuzzer keep the input.
 *
 * Set RDMACG_FUZZ_TRACE to see each operation.
 */
#ifndef _RDMACG_FUZZ_H
#define _RDMACG_FUZZ_H

#include "native.h"
#include "reference.h"

extern const struct rdmacg_ops ours_fuzz_ops;

struct fuzz_world {
	struct reference ref;
	struct cgroup_subsys_state *css[REF_CGROUPS];
	struct rdmacg_device *device[REF_DEVICES];
	/* Of the files that notify: what they had told when last compared. */
	struct fuzz_told {
		unsigned long changes, notified;
	} events[REF_CGROUPS], local[REF_CGROUPS];
};

extern struct fuzz_world fuzz_world;

__printf(1, 2) void fuzz_trace(const char *format, ...);
void fuzz_expect(const char *what, long real, long expected);

/* Once in a program. */
void fuzz_init(void);

/* A world of the root alone; and its end, when nothing else is left. */
void fuzz_begin(void);
void fuzz_end(void);

/* The next operation lacks memory when it asks the @nth time. */
void fuzz_fail_nth(unsigned long nth);

/* The new one, or the root if there was no memory. */
int fuzz_mkdir(int parent);
void fuzz_rmdir(int cgroup);

/* Index and number are the same. */
void fuzz_device_add(int device, const char *name);
void fuzz_device_rename(int device, const char *name);
/* All charges are to be dropped, without an uncharge. */
void fuzz_device_del(int device);

/* The task is in @cgroup; true if charged. */
bool fuzz_charge(int cgroup, int device, unsigned int resource);
void fuzz_uncharge(int cgroup, int device, unsigned int resource);
/* A caller's bug: nothing is charged. */
void fuzz_uncharge_none(int cgroup, int device, unsigned int resource);
void fuzz_query(int cgroup, int device, unsigned int resource);

/* True if it was taken. */
bool fuzz_write(int cgroup, const char *data, size_t length);
void fuzz_compare_file(int cgroup, enum ref_file file);
void fuzz_compare_files(int cgroup);
void fuzz_compare_pools(void);

/* Let grace periods pass, so that what is used too late shows; nothing else. */
void fuzz_free(void);

/* Wait for all that is still to happen; then compare what is not in files. */
void fuzz_settle(void);

#endif
