/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_LOCKDEP_H
#define _SHIM_LINUX_LOCKDEP_H

#include <linux/bug.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#ifdef SHIM_DEBUG
static inline bool shim_spinlock_is_mine(spinlock_t *lock)
{
	return shim_spin_is_mine(&lock->lock);
}

static inline bool shim_raw_spinlock_is_mine(raw_spinlock_t *lock)
{
	return shim_spin_is_mine(&lock->lock);
}

#define lockdep_is_held(lock)	_Generic((lock),		\
	struct mutex * : shim_mutex_is_mine,			\
	spinlock_t * : shim_spinlock_is_mine,			\
	raw_spinlock_t * : shim_raw_spinlock_is_mine)(lock)
#define lockdep_assert_held(lock)	WARN_ON(!lockdep_is_held(lock))
#else
#define lockdep_is_held(lock)		true
#define lockdep_assert_held(lock)	((void)(lock))
#endif

#define might_lock(lock)		((void)(lock))

#endif
