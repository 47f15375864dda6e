/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_COMPILER_H
#define _SHIM_LINUX_COMPILER_H

#include_next <linux/compiler.h>

#ifdef SHIM_DEBUG
/*
 * Comes before each access to what threads share, and loses the core at some of
 * them: see shim_preempt_randomly(). Left alone, a thread is hardly ever
 * preempted within the few instructions between two of them.
 */
extern __thread unsigned int shim_preempt_in;
void shim_preempt_now(void);

static inline void shim_preempt(void)
{
	if (unlikely(shim_preempt_in) && !--shim_preempt_in)
		shim_preempt_now();
}
#else
#define shim_preempt()		do { } while (0)
#endif

/* Builtins, since ThreadSanitizer takes a volatile access for a plain one. */
#define SHIM_LOAD(p, order) ({				\
	shim_preempt();					\
	__atomic_load_n(p, order);			\
})
#define SHIM_STORE(p, v, order) do {			\
	shim_preempt();					\
	__atomic_store_n(p, v, order);			\
} while (0)

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)		SHIM_LOAD(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	SHIM_STORE(&(x), v, __ATOMIC_RELAXED)

#define data_race(expr)		(expr)

#ifndef __percpu
#define __percpu
#endif

#endif
