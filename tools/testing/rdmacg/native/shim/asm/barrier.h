/* SPDX-License-Identifier: GPL-2.0-only */
/* Barriers as compiler builtins, so that ThreadSanitizer understands them. */
#ifndef _SHIM_ASM_BARRIER_H
#define _SHIM_ASM_BARRIER_H

#include <linux/compiler.h>

#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

/* On x86 an atomic read-modify-write is a full barrier by itself. */
#if defined(__x86_64__) && !defined(SHIM_TSAN)
#define smp_mb__before_atomic()	__atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define smp_mb__before_atomic()	smp_mb()
#endif
#define smp_mb__after_atomic()	smp_mb__before_atomic()

#define smp_load_acquire(p)	SHIM_LOAD(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	SHIM_STORE(p, v, __ATOMIC_RELEASE)

#endif
