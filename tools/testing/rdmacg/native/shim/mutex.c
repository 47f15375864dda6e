// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow path of a mutex like the kernel's: a waiter stands in a queue, each
 * looking at memory of its own, and only the first looks at the mutex.
 */
#define SHIM_MUTEX_SPIN

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/mutex.h>

#include "shim.h"

struct shim_spinner {
	struct shim_spinner *next;
	bool first;
} ____cacheline_aligned;

void shim_mutex_lock_slow(struct mutex *lock)
{
	struct shim_spinner me = { .next = NULL }, *before, *last, *next;
	unsigned int spins = 0;

	before = __atomic_exchange_n(&lock->last, &me, __ATOMIC_ACQ_REL);
	if (before) {
		smp_store_release(&before->next, &me);
		while (!smp_load_acquire(&me.first))
			shim_relax(&spins);
	}

	while (READ_ONCE(lock->locked) ||
	       !shim_mutex_set(lock, 0, 1, __ATOMIC_ACQUIRE))
		shim_relax(&spins);

	last = &me;
	if (__atomic_compare_exchange_n(&lock->last, &last, NULL, false,
					__ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return;
	while (!(next = smp_load_acquire(&me.next)))
		shim_relax(&spins);
	smp_store_release(&next->first, true);
}
