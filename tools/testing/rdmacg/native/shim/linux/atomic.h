/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's atomics as compiler builtins: the same locked instructions as
 * in the kernel, and ThreadSanitizer understands them.
 */
#ifndef _SHIM_LINUX_ATOMIC_H
#define _SHIM_LINUX_ATOMIC_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/types.h>

typedef struct {
	s64 counter;
} atomic64_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

/* Overflow wraps, as everywhere in the kernel. */
#define SHIM_WRAPPING_ADD(a, b)	((typeof(a))((unsigned long)(a) + (b)))

/* What has an _acquire, a _release and a _relaxed form. */
#define SHIM_ATOMIC_ORDERED(name, int_t, suffix, order, fail)		\
static inline int_t name##_add_return##suffix(int_t i, name##_t *v)	\
{									\
	shim_preempt();							\
	return __atomic_add_fetch(&v->counter, i, order);		\
}									\
									\
static inline int_t name##_sub_return##suffix(int_t i, name##_t *v)	\
{									\
	shim_preempt();							\
	return __atomic_sub_fetch(&v->counter, i, order);		\
}									\
									\
static inline int_t name##_fetch_add##suffix(int_t i, name##_t *v)	\
{									\
	shim_preempt();							\
	return __atomic_fetch_add(&v->counter, i, order);		\
}									\
									\
static inline int_t name##_inc_return##suffix(name##_t *v)		\
{									\
	return name##_add_return##suffix(1, v);				\
}									\
									\
static inline int_t name##_dec_return##suffix(name##_t *v)		\
{									\
	return name##_sub_return##suffix(1, v);				\
}									\
									\
static inline int_t name##_xchg##suffix(name##_t *v, int_t new)	\
{									\
	shim_preempt();							\
	return __atomic_exchange_n(&v->counter, new, order);		\
}									\
									\
static inline bool name##_try_cmpxchg##suffix(name##_t *v, int_t *old,	\
					      int_t new)		\
{									\
	shim_preempt();							\
	return __atomic_compare_exchange_n(&v->counter, old, new,	\
					   false, order, fail);		\
}									\
									\
static inline int_t name##_cmpxchg##suffix(name##_t *v, int_t old,	\
					   int_t new)			\
{									\
	name##_try_cmpxchg##suffix(v, &old, new);			\
	return old;							\
}

#define SHIM_ATOMIC(name, int_t)					\
static inline int_t name##_read(const name##_t *v)			\
{									\
	return SHIM_LOAD(&v->counter, __ATOMIC_RELAXED);		\
}									\
									\
static inline void name##_set(name##_t *v, int_t i)			\
{									\
	SHIM_STORE(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
									\
static inline int_t name##_read_acquire(const name##_t *v)		\
{									\
	return SHIM_LOAD(&v->counter, __ATOMIC_ACQUIRE);		\
}									\
									\
static inline void name##_set_release(name##_t *v, int_t i)		\
{									\
	SHIM_STORE(&v->counter, i, __ATOMIC_RELEASE);		\
}									\
									\
static inline void name##_add(int_t i, name##_t *v)			\
{									\
	shim_preempt();							\
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
									\
static inline void name##_sub(int_t i, name##_t *v)			\
{									\
	shim_preempt();							\
	__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
									\
static inline void name##_inc(name##_t *v)				\
{									\
	name##_add(1, v);						\
}									\
									\
static inline void name##_dec(name##_t *v)				\
{									\
	name##_sub(1, v);						\
}									\
									\
SHIM_ATOMIC_ORDERED(name, int_t, , __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)	\
SHIM_ATOMIC_ORDERED(name, int_t, _acquire, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED) \
SHIM_ATOMIC_ORDERED(name, int_t, _release, __ATOMIC_RELEASE, __ATOMIC_RELAXED) \
SHIM_ATOMIC_ORDERED(name, int_t, _relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED) \
									\
static inline bool name##_sub_and_test(int_t i, name##_t *v)		\
{									\
	return !name##_sub_return(i, v);				\
}									\
									\
static inline bool name##_dec_and_test(name##_t *v)			\
{									\
	return name##_sub_and_test(1, v);				\
}									\
									\
static inline bool name##_add_unless(name##_t *v, int_t i, int_t not)	\
{									\
	int_t old = name##_read(v);					\
									\
	do {								\
		if (old == not)						\
			return false;					\
	} while (!name##_try_cmpxchg(v, &old, SHIM_WRAPPING_ADD(old, i))); \
	return true;							\
}									\
									\
static inline bool name##_inc_not_zero(name##_t *v)			\
{									\
	return name##_add_unless(v, 1, 0);				\
}									\
									\
static inline int_t name##_dec_if_positive(name##_t *v)		\
{									\
	int_t new, old = name##_read(v);				\
									\
	do {								\
		new = SHIM_WRAPPING_ADD(old, -1);			\
		if (new < 0)						\
			break;						\
	} while (!name##_try_cmpxchg(v, &old, new));			\
	return new;							\
}

#define xchg(ptr, v) ({							\
	shim_preempt();							\
	__atomic_exchange_n(ptr, v, __ATOMIC_SEQ_CST);			\
})
#define try_cmpxchg(ptr, old, new) ({					\
	shim_preempt();							\
	__atomic_compare_exchange_n(ptr, old, new, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);\
})

SHIM_ATOMIC(atomic, int)
SHIM_ATOMIC(atomic64, s64)
SHIM_ATOMIC(atomic_long, long)

#endif
