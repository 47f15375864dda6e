/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spinlocks that cost what the kernel's queued ones do: a compare-and-exchange
 * to take a free one, a plain store to give it back, and preemption counted.
 * Waiters get the lock in the order in which they came (spinlock.c). Nothing
 * here interrupts a thread, so there are no interrupts to be disabled.
 */
#ifndef _SHIM_LINUX_SPINLOCK_H
#define _SHIM_LINUX_SPINLOCK_H

#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/types.h>
#include <pthread.h>

/* Four bytes, as in the kernel, so that structures have its layout. */
struct shim_spinlock {
	union {
		u32 word;	/* 0: free */
		struct {
			u8 locked;
			u8 pending;	/* there is a waiter before the queue */
			u16 last;	/* of the queue */
		};
		u16 locked_pending;
	};
#ifdef SHIM_DEBUG
	pthread_t owner;
#endif
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

void shim_spin_lock_slow(struct shim_spinlock *lock);

static inline void shim_spin_set_owner(struct shim_spinlock *lock,
				       pthread_t owner)
{
#ifdef SHIM_DEBUG
	__atomic_store_n(&lock->owner, owner, __ATOMIC_RELAXED);
#endif
}

static inline void shim_spin_lock(struct shim_spinlock *lock)
{
	u32 free = 0;

	shim_preempt();
	preempt_disable();
	if (unlikely(!__atomic_compare_exchange_n(&lock->word, &free, 1, false,
						  __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)))
		shim_spin_lock_slow(lock);
	shim_spin_set_owner(lock, pthread_self());
}

/* Only reads a lock that is held. */
static inline bool shim_spin_trylock(struct shim_spinlock *lock)
{
	u32 free = 0;

	shim_preempt();
	preempt_disable();
	if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) ||
	    !__atomic_compare_exchange_n(&lock->word, &free, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		preempt_enable();
		return false;
	}
	shim_spin_set_owner(lock, pthread_self());
	return true;
}

static inline void shim_spin_unlock(struct shim_spinlock *lock)
{
	shim_preempt();
	shim_spin_set_owner(lock, 0);
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

#ifdef SHIM_DEBUG
static inline bool shim_spin_is_mine(struct shim_spinlock *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == pthread_self();
}
#endif

/* Different types, as in the kernel, so that one is not taken for the other. */
typedef struct {
	struct shim_spinlock lock;
} spinlock_t;

typedef struct {
	struct shim_spinlock lock;
} raw_spinlock_t;

#define __SPIN_LOCK_UNLOCKED(name)	((spinlock_t){ })
#define __RAW_SPIN_LOCK_UNLOCKED(name)	((raw_spinlock_t){ })
#define DEFINE_SPINLOCK(name)		spinlock_t name = { }
#define DEFINE_RAW_SPINLOCK(name)	raw_spinlock_t name = { }

#define SHIM_SPINLOCK(prefix)						\
static inline void prefix##_lock_init(prefix##lock_t *lock)		\
{									\
	*lock = (prefix##lock_t){ };					\
}									\
									\
static inline void prefix##_lock(prefix##lock_t *lock)			\
{									\
	shim_spin_lock(&lock->lock);					\
}									\
									\
static inline bool prefix##_trylock(prefix##lock_t *lock)		\
{									\
	return shim_spin_trylock(&lock->lock);				\
}									\
									\
static inline void prefix##_unlock(prefix##lock_t *lock)		\
{									\
	shim_spin_unlock(&lock->lock);					\
}

SHIM_SPINLOCK(spin)
SHIM_SPINLOCK(raw_spin)

#define spin_lock_irq(lock)		spin_lock(lock)
#define spin_unlock_irq(lock)		spin_unlock(lock)
#define raw_spin_lock_irq(lock)		raw_spin_lock(lock)
#define raw_spin_unlock_irq(lock)	raw_spin_unlock(lock)

#define spin_lock_irqsave(lock, flags) do {			\
	local_irq_save(flags);					\
	spin_lock(lock);					\
} while (0)
#define spin_unlock_irqrestore(lock, flags) do {		\
	spin_unlock(lock);					\
	local_irq_restore(flags);				\
} while (0)
#define raw_spin_lock_irqsave(lock, flags) do {			\
	local_irq_save(flags);					\
	raw_spin_lock(lock);					\
} while (0)
#define raw_spin_unlock_irqrestore(lock, flags) do {		\
	raw_spin_unlock(lock);					\
	local_irq_restore(flags);				\
} while (0)

#endif
