/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_LOCKDEP_H
#define _SHIM_LINUX_LOCKDEP_H

#include <linux/bug.h>
#include <linux/mutex.h>

#ifdef SHIM_DEBUG
static inline bool shim_is_taken_for_held(void *lock)
{
	return true;
}

/* Only a mutex knows. */
#define lockdep_is_held(lock)	_Generic((lock),		\
	struct mutex * : shim_mutex_is_mine,			\
	default : shim_is_taken_for_held)(lock)
#define lockdep_assert_held(lock)	WARN_ON(!lockdep_is_held(lock))
#else
#define lockdep_is_held(lock)		true
#define lockdep_assert_held(lock)	((void)(lock))
#endif

#endif
