/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shims' own files know of each other. */
#ifndef _SHIM_H
#define _SHIM_H

/* A CPU of its own for the calling thread; see linux/percpu.h. */
void shim_cpu_take(void);
void shim_cpu_release(void);

/* Run all work that is queued, and wait for it. */
void shim_flush_work(void);

void shim_rcu_init(void);
void shim_rcu_register(void);
void shim_rcu_unregister(void);

#endif
