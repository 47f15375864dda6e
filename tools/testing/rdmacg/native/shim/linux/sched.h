/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_SCHED_H
#define _SHIM_LINUX_SCHED_H

#include <urcu/arch.h>

struct css_set;

/* Each thread is a task. */
struct task_struct {
	struct css_set *cgroups;
};

extern __thread struct task_struct *shim_current;
#define current		shim_current

#define cpu_relax()	caa_cpu_relax()
#define cond_resched()	do { } while (0)

#endif
