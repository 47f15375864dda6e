// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a spinlock, as the kernel's queued one has it. The first waiter
 * polls the lock itself; later ones are in a queue, each polling memory of its own,
 * and only the head of the queue polls the lock.
 */

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "shim.h"

#define LOCKED		0x1U
#define PENDING		0x100U
#define LAST_SHIFT	16

static_assert(SHIM_NR_CPUS < (u16)-1);

/* A thread waits for one lock at a time: nothing interrupts it. */
struct waiter {
	struct waiter *next;
	bool is_head;
} ____cacheline_aligned;

static struct waiter waiters[SHIM_NR_CPUS];

__thread unsigned int shim_preempt_count;

static u32 load_word(struct shim_spinlock *lock)
{
	return SHIM_LOAD(&lock->word, __ATOMIC_ACQUIRE);
}

/* The word has the queue's last in its upper half, as number of its CPU + 1. */
static void wait_in_queue(struct shim_spinlock *lock)
{
	struct waiter *me = &waiters[shim_this_cpu_nr], *next;
	u16 number = shim_this_cpu_nr + 1, before;
	unsigned int spins = 0;
	u32 word;

	me->next = NULL;
	me->is_head = false;
	before = __atomic_exchange_n(&lock->last, number, __ATOMIC_ACQ_REL);
	if (before) {
		smp_store_release(&waiters[before - 1].next, me);
		while (!smp_load_acquire(&me->is_head))
			shim_relax(&spins);
	}

	while ((word = load_word(lock)) & (LOCKED | PENDING))
		shim_relax(&spins);
	/* If there is no other waiter, the queue ends here. */
	if (word == (u32)number << LAST_SHIFT &&
	    __atomic_compare_exchange_n(&lock->word, &word, LOCKED, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;

	__atomic_store_n(&lock->locked, 1, __ATOMIC_RELAXED);
	while (!(next = smp_load_acquire(&me->next)))
		shim_relax(&spins);
	smp_store_release(&next->is_head, true);
}

void shim_spin_lock_slow(struct shim_spinlock *lock)
{
	unsigned int spins = 0;
	u32 word = load_word(lock);

	if (!(word & ~LOCKED)) {
		shim_preempt();
		word = __atomic_fetch_or(&lock->word, PENDING, __ATOMIC_ACQUIRE);
		if (!(word & ~LOCKED)) {
			while (load_word(lock) & LOCKED)
				shim_relax(&spins);
			__atomic_store_n(&lock->locked_pending, LOCKED,
					 __ATOMIC_RELAXED);
			return;
		}
		if (!(word & PENDING))
			__atomic_store_n(&lock->pending, 0, __ATOMIC_RELAXED);
	}
	wait_in_queue(lock);
}
