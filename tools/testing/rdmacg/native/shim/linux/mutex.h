/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct mutex, one of two kinds: a pthread mutex; or, with SHIM_MUTEX_SPIN,
 * one that waits as the kernel's does while the owner runs, by spinning in a
 * queue. The latter is for measuring.
 */
#ifndef _SHIM_LINUX_MUTEX_H
#define _SHIM_LINUX_MUTEX_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <pthread.h>

#ifdef SHIM_MUTEX_SPIN

struct shim_spinner;

struct mutex {
	unsigned long locked;
	struct shim_spinner *last;
};

#define __MUTEX_INITIALIZER	{ .locked = 0 }

void shim_mutex_lock_slow(struct mutex *lock);

static inline bool shim_mutex_set(struct mutex *lock, unsigned long from,
				  unsigned long to, int order)
{
	return __atomic_compare_exchange_n(&lock->locked, &from, to, false,
					   order, __ATOMIC_RELAXED);
}

static inline void mutex_lock(struct mutex *lock)
{
	if (unlikely(!shim_mutex_set(lock, 0, 1, __ATOMIC_ACQUIRE)))
		shim_mutex_lock_slow(lock);
}

/* Not by a plain store, as the kernel's is not. */
static inline void mutex_unlock(struct mutex *lock)
{
	shim_mutex_set(lock, 1, 0, __ATOMIC_RELEASE);
}

/* Held by someone, as far as this one can tell. */
static inline bool shim_mutex_is_mine(struct mutex *lock)
{
	return READ_ONCE(lock->locked);
}

#else /* !SHIM_MUTEX_SPIN */

struct mutex {
	pthread_mutex_t mutex;
#ifdef SHIM_DEBUG
	pthread_t owner;
#endif
};

#define __MUTEX_INITIALIZER	{ .mutex = PTHREAD_MUTEX_INITIALIZER }

#ifdef SHIM_DEBUG

static inline void shim_mutex_own(struct mutex *lock, pthread_t owner)
{
	WRITE_ONCE(lock->owner, owner);
}

static inline bool shim_mutex_is_mine(struct mutex *lock)
{
	return READ_ONCE(lock->owner) == pthread_self();
}

#else

static inline void shim_mutex_own(struct mutex *lock, pthread_t owner)
{
}

#endif /* SHIM_DEBUG */

static inline void mutex_lock(struct mutex *lock)
{
	might_sleep();
	if (pthread_mutex_trylock(&lock->mutex)) {
		shim_wait();
		pthread_mutex_lock(&lock->mutex);
	}
	shim_mutex_own(lock, pthread_self());
}

static inline void mutex_unlock(struct mutex *lock)
{
	shim_mutex_own(lock, 0);
	pthread_mutex_unlock(&lock->mutex);
}

#endif /* !SHIM_MUTEX_SPIN */

#define DEFINE_MUTEX(name)	struct mutex name = __MUTEX_INITIALIZER

#endif
