/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_PREEMPT_H
#define _SHIM_LINUX_PREEMPT_H

#include <linux/compiler.h>

/* How many spinlocks this thread holds, and other reasons not to sleep. */
extern __thread unsigned int shim_preempt_count;

#define preempt_disable() do {		\
	shim_preempt_count++;		\
	barrier();			\
} while (0)
#define preempt_enable() do {		\
	barrier();			\
	shim_preempt_count--;		\
} while (0)

#endif
