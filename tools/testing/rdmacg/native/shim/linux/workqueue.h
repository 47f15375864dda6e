/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_WORKQUEUE_H
#define _SHIM_LINUX_WORKQUEUE_H

#include <linux/types.h>

struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);

struct work_struct {
	work_func_t func;
};

struct delayed_work {
	struct work_struct work;
	struct delayed_work *next;
	bool queued;
	unsigned long due;
};

#define DECLARE_DELAYED_WORK(name, fn)	\
	struct delayed_work name = { .work.func = fn }

bool schedule_delayed_work(struct delayed_work *dwork, unsigned long delay);

#endif
