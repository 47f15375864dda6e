/* SPDX-License-Identifier: GPL-2.0-only */
/* Just enough for lib/percpu-refcount.c, whose waits are short and rare. */
#ifndef _SHIM_LINUX_WAIT_H
#define _SHIM_LINUX_WAIT_H

#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <sched.h>

#define DECLARE_WAIT_QUEUE_HEAD(name)	int name __maybe_unused

#define wait_event(queue, condition)				\
	do { while (!(condition)) sched_yield(); } while (0)

#define wait_event_lock_irq(queue, condition, lock) do {	\
	while (!(condition)) {					\
		spin_unlock_irq(&(lock));			\
		sched_yield();					\
		spin_lock_irq(&(lock));				\
	}							\
} while (0)

#define wake_up_all(queue)	do { } while (0)

#endif
