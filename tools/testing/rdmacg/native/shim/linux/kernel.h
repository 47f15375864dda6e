/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_KERNEL_H
#define _SHIM_LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <errno.h>
#include <limits.h>
#include <linux/bug.h>
#include <linux/export.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/printk.h>

/* tools/ makes it nothing. */
#undef synchronize_rcu

#define S32_MAX		INT_MAX

#ifdef SHIM_DEBUG
/* Warns within rcu_read_lock(). */
void might_sleep(void);
/* Comes before a thread waits for a lock: see shim_call_on_wait(). */
void shim_wait(void);
#else
#define might_sleep()	do { } while (0)
#define shim_wait()	do { } while (0)
#endif

#endif
