/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of cgroup core as a controller sees of it; the rest is in cgroup.c.
 */
#ifndef _SHIM_LINUX_CGROUP_H
#define _SHIM_LINUX_CGROUP_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <sys/types.h>

enum cgroup_subsys_id {
	rdma_cgrp_id,
	CGROUP_SUBSYS_COUNT,
};

enum {
	CSS_NO_REF	= 1 << 0,
};

enum {
	CFTYPE_NOT_ON_ROOT	= 1 << 1,
};

struct cgroup_subsys;
struct kernfs_open_file;

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_root {
	struct cgroup cgrp;
};

extern struct cgroup_root cgrp_dfl_root;

/* There are no paths here. */
static inline void pr_cont_cgroup_path(struct cgroup *cgrp)
{
}

static inline u64 cgroup_id(const struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

/* How often pollers of the file would have been woken. */
struct cgroup_file {
	atomic_long_t notified;
};

/* See shim_call_on_notify(). */
extern __thread void (*shim_on_notify)(void);

static inline void cgroup_file_notify(struct cgroup_file *cfile)
{
	atomic_long_inc(&cfile->notified);
	if (shim_on_notify)
		shim_on_notify();
}

/*
 * As large as in a 64-bit kernel, and what a charge touches is where it is there:
 * refcnt and flags in the first lines, parent next to the controller's own.
 */
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys *ss;
	struct percpu_ref refcnt;
	char lists[48];
	int id;
	unsigned int flags;
	u64 serial_nr;
	atomic_t online_cnt;
	struct rcu_head rcu;		/* to go offline, and to be freed */
	char works[72];
	struct cgroup_subsys_state *parent;
	int nr_descendants;
};

struct cftype {
	char name[64];
	unsigned long private;
	unsigned int flags;
	unsigned int file_offset;
	int (*seq_show)(struct seq_file *sf, void *v);
	ssize_t (*write)(struct kernfs_open_file *of, char *buf, size_t nbytes,
			 loff_t off);
};

struct cgroup_subsys {
	struct cgroup_subsys_state *(*css_alloc)(struct cgroup_subsys_state *parent);
	int (*css_online)(struct cgroup_subsys_state *css);
	void (*css_offline)(struct cgroup_subsys_state *css);
	void (*css_free)(struct cgroup_subsys_state *css);
	struct cftype *dfl_cftypes;
	struct cftype *legacy_cftypes;
	struct cgroup_subsys_state *root;
};

struct css_set {
	struct cgroup_subsys_state *subsys[CGROUP_SUBSYS_COUNT];
};

struct kernfs_open_file {
	struct cgroup_subsys_state *css;
	struct cftype *cft;
};

static inline struct cgroup_subsys_state *of_css(struct kernfs_open_file *of)
{
	return of->css;
}

static inline struct cftype *of_cft(struct kernfs_open_file *of)
{
	return of->cft;
}

static inline struct cgroup_subsys_state *seq_css(struct seq_file *sf)
{
	return of_css(sf->private);
}

static inline struct cftype *seq_cft(struct seq_file *sf)
{
	return of_cft(sf->private);
}

#define CGROUP_REF_FN_ATTRS	static inline
#define CGROUP_REF_EXPORT(fn)
#include <linux/cgroup_refcnt.h>

static inline struct cgroup_subsys_state *task_css(struct task_struct *task,
						   int id)
{
	return rcu_dereference(task->cgroups)->subsys[id];
}

/* The css of @task, with a reference; it may be offline, but is not free. */
static inline struct cgroup_subsys_state *
task_get_css(struct task_struct *task, int id)
{
	struct cgroup_subsys_state *css;

	rcu_read_lock();
	while (!css_tryget(css = task_css(task, id)))
		cpu_relax();
	rcu_read_unlock();
	return css;
}

#endif
