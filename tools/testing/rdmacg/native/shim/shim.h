/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shims' own files know of each other. */
#ifndef _SHIM_H
#define _SHIM_H

#include <linux/kernel.h>
#include <linux/sched.h>
#include <sched.h>

/*
 * While the kernel spins, the owner of the lock runs: it is not preempted, or
 * the kernel stops spinning. Here it may need the core of the one that spins.
 */
#ifdef SHIM_DEBUG
#define SHIM_SPINS_PER_YIELD	16
#else
#define SHIM_SPINS_PER_YIELD	1024
#endif

static inline void shim_relax(unsigned int *spins)
{
	shim_wait();
	cpu_relax();
	if (!(++*spins % SHIM_SPINS_PER_YIELD))
		sched_yield();
}

/* A CPU of its own for the calling thread; see linux/percpu.h. */
void shim_cpu_take(void);
void shim_cpu_release(void);

void shim_rcu_init(void);
void shim_rcu_register(void);
void shim_rcu_unregister(void);

#endif
