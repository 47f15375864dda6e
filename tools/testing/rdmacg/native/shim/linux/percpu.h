/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU memory: a 'CPU' is an area that a thread has to itself from
 * shim_thread_start() to shim_thread_stop(). A __percpu pointer is an offset
 * into the areas, so that this_cpu_add() is one plain addition. Areas stay when
 * their thread ends, with all that was counted there.
 */
#ifndef _SHIM_LINUX_PERCPU_H
#define _SHIM_LINUX_PERCPU_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>

#define SHIM_NR_CPUS	128

extern char *shim_cpu_areas[SHIM_NR_CPUS];
extern unsigned int shim_nr_cpus;
extern __thread char *shim_this_cpu;
extern __thread unsigned int shim_this_cpu_nr;

void *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp);
void free_percpu(void *ptr);

#define SHIM_PERCPU(area, ptr)	((typeof(ptr))((area) + (unsigned long)(ptr)))

#define per_cpu_ptr(ptr, cpu)	SHIM_PERCPU(shim_cpu_areas[cpu], ptr)
#define this_cpu_ptr(ptr)	SHIM_PERCPU(shim_this_cpu, ptr)
#define this_cpu_add(var, n)	((void)(*this_cpu_ptr(&(var)) += (n)))
#define this_cpu_sub(var, n)	this_cpu_add(var, -(n))
#define this_cpu_inc(var)	this_cpu_add(var, 1)
#define this_cpu_dec(var)	this_cpu_add(var, -1)

#define for_each_possible_cpu(cpu) \
	for ((cpu) = 0; (cpu) < READ_ONCE(shim_nr_cpus); (cpu)++)

#endif
