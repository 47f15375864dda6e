/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shims offer to the programs here, beside the kernel's own interfaces.
 */
#ifndef _RDMACG_NATIVE_H
#define _RDMACG_NATIVE_H

#include <linux/cgroup.h>

/* Before anything else. */
void shim_init(void);

/* Each thread but the first, around all it does with kernel code. */
void shim_thread_start(void);
void shim_thread_stop(void);

/* How many WARNs, and lines of pr_warn() or pr_err(), since the last call. */
unsigned int shim_take_warnings(void);
unsigned int shim_take_messages(void);

/* The same for pr_info(). */
unsigned int shim_take_infos(void);

/* The last of these. */
const char *shim_last_text(void);

/* Objects allocated by kernel code and not freed. */
long shim_nr_allocated(void);

/* How many bytes these take of the caches. Only in programs built to measure. */
long shim_bytes_allocated(void);

/* Run all work that is queued, and wait for it. */
void shim_flush_work(void);

/*
 * Wait until nothing waits for a grace period, nor will because of one; work
 * that waits for its time need not wait any longer.
 */
void shim_settle(void);

/* Of this thread's allocations, let only the @nth from now fail; 0: none. */
void shim_fail_nth(unsigned long nth);

/* True if there have been that many allocations since shim_fail_nth(). */
bool shim_failed(void);

/* How many bytes the one that failed last asked for. */
size_t shim_failed_size(void);

/* Let one in @one_in of this thread's allocations fail; 0: none. */
void shim_fail_randomly(unsigned int one_in, unsigned int seed);

/*
 * Take the core from this thread before about one in @one_in accesses to what
 * threads share; 0: none. Not in programs built to measure.
 */
void shim_preempt_randomly(unsigned int one_in, unsigned int seed);

/*
 * Call @func before this thread's @nth access to what threads share; 0: never.
 * Not in programs built to measure.
 */
void shim_call_at(unsigned int nth, void (*func)(void));

/* Call @func whenever this thread finds a lock taken; NULL: nothing. Likewise. */
void shim_call_on_wait(void (*func)(void));

/*
 * Whether this thread's tracepoints are enabled, and the name of the device in the
 * last of them. Likewise.
 */
void shim_enable_trace(bool enable);
const char *shim_traced_device(void);

/* How many strings kernel code in this thread has compared. Likewise. */
unsigned long shim_nr_compared(void);

/* A hierarchy: make its root, and free it when all else is gone. */
struct cgroup_subsys_state *shim_cgroup_init(struct cgroup_subsys *ss);
void shim_cgroup_exit(struct cgroup_subsys *ss);

/* The new css, or an error pointer. */
struct cgroup_subsys_state *shim_cgroup_mkdir(struct cgroup_subsys_state *parent);

/* No task may be in it, and no file of it in use; it lives on if charged. */
void shim_cgroup_rmdir(struct cgroup_subsys_state *css);

/* Number of csses that are not freed, roots included. */
long shim_nr_css(void);

/* Move the calling thread there; NULL: to none. */
void shim_cgroup_attach(struct cgroup_subsys_state *css);

/*
 * A system call on the file @name of @css. Both return a length or an error; a
 * text that does not fit into @size is -EOVERFLOW.
 */
ssize_t shim_cgroup_write(struct cgroup_subsys_state *css, const char *name,
			  const char *text, size_t length);
ssize_t shim_cgroup_read(struct cgroup_subsys_state *css, const char *name,
			 char *text, size_t size);

/* Call @func whenever this thread wakes pollers of a file; NULL: nothing. */
void shim_call_on_notify(void (*func)(void));

/* How often pollers of the file were notified of a change. */
unsigned long shim_cgroup_notified(struct cgroup_subsys_state *css,
				   const char *name);

/* Run all KUnit suites of the program; how many cases failed. */
int shim_kunit_run(void);

/*
 * A controller, compiled with these shims. What it exports is hidden in its
 * object but for this, so that one program can have several.
 */
struct rdma_cgroup;
struct rdmacg_device;

struct rdmacg_ops {
	const char *name;
	const char *version;		/* where it is from */
	size_t pool_size;
	struct cgroup_subsys *subsys;
	struct rdmacg_device *(*device_add)(const char *name);
	/* Before 7.3 there is no index, and the first of two of a name is taken. */
	struct rdmacg_device *(*device_add_as)(const char *name,
					       unsigned int index);
	void (*device_del)(struct rdmacg_device *device);
	/* The rdma_cgroup is its css. */
	int (*try_charge)(struct rdma_cgroup **cg, struct rdmacg_device *device,
			  unsigned int resource);
	void (*uncharge)(struct rdma_cgroup *cg, struct rdmacg_device *device,
			 unsigned int resource);
	/* Only ours. */
	int (*query_limit)(struct rdmacg_device *device, unsigned int resource);
	/* @name has at most 63 characters. */
	void (*rename)(struct rdmacg_device *device, const char *name);
	/* When nothing else runs. */
	int (*nr_pools)(struct rdmacg_device *device);
};

#endif
