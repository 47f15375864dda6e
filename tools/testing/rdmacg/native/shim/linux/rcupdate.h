/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU by liburcu: its readers and its grace periods. Only what waits for a
 * grace period is queued here (rcu.c), since liburcu's call_rcu() lets 10 ms pass
 * between two batches, in which no use after free shows.
 *
 * To measure, with SHIM_RCU_NESTING, a reader does what it does in a preemptible
 * kernel, which is less than in liburcu: it counts in its task.
 */
#ifndef _SHIM_LINUX_RCUPDATE_H
#define _SHIM_LINUX_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <urcu/urcu-memb.h>

#ifdef SHIM_TSAN
/*
 * ThreadSanitizer sees nothing of what liburcu does, as that is not compiled
 * with it. What it has to know is that a grace period comes after the end of
 * each read-side critical section that it waited for.
 */
extern char shim_rcu_readers;
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
/* It knows of no dependencies, and takes the load for a relaxed one. */
#define SHIM_CONSUME	__ATOMIC_ACQUIRE
#else
#define __tsan_acquire(addr)	do { } while (0)
#define __tsan_release(addr)	do { } while (0)
#define SHIM_CONSUME	__ATOMIC_RELAXED
#endif

#ifdef SHIM_RCU_NESTING
extern __thread unsigned int shim_rcu_nesting;

#define rcu_read_lock()		do { shim_rcu_nesting++; barrier(); } while (0)
#define rcu_read_unlock()	do { barrier(); shim_rcu_nesting--; } while (0)
#define rcu_read_lock_held()	(shim_rcu_nesting > 0)
#else
#define rcu_read_lock()		urcu_memb_read_lock()
#define rcu_read_unlock() do {				\
	__tsan_release(&shim_rcu_readers);		\
	urcu_memb_read_unlock();			\
} while (0)
#define rcu_read_lock_held()	urcu_memb_read_ongoing()
#endif

#undef rcu_dereference
#undef rcu_assign_pointer
#define rcu_dereference(p)	SHIM_LOAD(&(p), SHIM_CONSUME)
#define rcu_dereference_raw(p)			rcu_dereference(p)
#define rcu_dereference_check(p, condition)	rcu_dereference(p)
#define rcu_dereference_protected(p, condition)	rcu_dereference(p)
#define rcu_access_pointer(p)			rcu_dereference(p)
#define rcu_assign_pointer(p, v)	SHIM_STORE(&(p), v, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(p, v)		WRITE_ONCE(p, v)

typedef void (*rcu_callback_t)(struct rcu_head *head);

void call_rcu(struct rcu_head *head, rcu_callback_t func);
void rcu_barrier(void);
void synchronize_rcu(void);

#define call_rcu_hurry	call_rcu

/* As in the kernel, what is no address is an offset: see rcu.c. */
#define kfree_rcu(ptr, member)						\
	call_rcu(&(ptr)->member,					\
		 (rcu_callback_t)offsetof(typeof(*(ptr)), member))

#endif
