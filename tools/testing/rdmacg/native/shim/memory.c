// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmalloc() and per-CPU memory. All is counted, all can be made to fail, and
 * nothing is kept for later, so that AddressSanitizer sees each free.
 */

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../native.h"
#include "shim.h"

static atomic_long_t nr_allocated, bytes_allocated;

long shim_nr_allocated(void)
{
	return atomic_long_read(&nr_allocated);
}

long shim_bytes_allocated(void)
{
	return atomic_long_read(&bytes_allocated);
}

/* Which of a thread's allocations are to fail. */
static __thread struct {
	unsigned long countdown;
	unsigned int one_in;
	unsigned int seed;
	size_t size;
} fail;

void shim_fail_nth(unsigned long nth)
{
	fail.countdown = nth;
}

bool shim_failed(void)
{
	return !fail.countdown;
}

size_t shim_failed_size(void)
{
	return fail.size;
}

void shim_fail_randomly(unsigned int one_in, unsigned int seed)
{
	fail.one_in = one_in;
	fail.seed = seed;
}

static bool may_allocate(size_t size, gfp_t gfp)
{
	bool fails;

	if (gfpflags_allow_blocking(gfp))
		might_sleep();

	fails = fail.countdown ? !--fail.countdown :
		fail.one_in && !(rand_r(&fail.seed) % fail.one_in);
	if (fails)
		fail.size = size;
	return !fails;
}

#ifdef SHIM_SLAB

/*
 * To measure: objects of a size side by side, as slabs have them, in the sizes
 * that the kernel has caches for. A slab begins with the number of its class.
 */
#define SLAB_SIZE	65536

static const size_t class_sizes[] = {
	8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192,
	16384,
};

struct free_object {
	struct free_object *next;
};

static struct {
	struct free_object *free;
	char *unused, *end;
} classes[ARRAY_SIZE(class_sizes)];

static pthread_mutex_t slab_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *object_alloc(size_t size)
{
	struct free_object *object;
	unsigned int class = 0;

	while (class_sizes[class] < size)
		if (++class == ARRAY_SIZE(class_sizes))
			abort();
	size = class_sizes[class];

	pthread_mutex_lock(&slab_mutex);
	object = classes[class].free;
	if (object) {
		classes[class].free = object->next;
	} else {
		if (classes[class].end - classes[class].unused < size) {
			char *slab = aligned_alloc(SLAB_SIZE, SLAB_SIZE);

			if (!slab)
				abort();
			*(unsigned int *)slab = class;
			classes[class].unused = slab + max_t(size_t, size, 64);
			classes[class].end = slab + SLAB_SIZE;
		}
		object = (void *)classes[class].unused;
		classes[class].unused += size;
	}
	pthread_mutex_unlock(&slab_mutex);
	atomic_long_add(size, &bytes_allocated);
	return object;
}

static void object_free(void *object)
{
	unsigned int class = *(unsigned int *)((unsigned long)object &
					       -(unsigned long)SLAB_SIZE);

	atomic_long_sub(class_sizes[class], &bytes_allocated);
	pthread_mutex_lock(&slab_mutex);
	((struct free_object *)object)->next = classes[class].free;
	classes[class].free = object;
	pthread_mutex_unlock(&slab_mutex);
}

#else /* !SHIM_SLAB */

static void *object_alloc(size_t size)
{
	/* At least what a structure of this size may ask for. */
	size_t align = max(size & -size, sizeof(void *));
	void *object;

	if (posix_memalign(&object, align, size))
		abort();
	return object;
}

static void object_free(void *object)
{
	free(object);
}

#endif /* !SHIM_SLAB */

void *kmalloc(size_t size, gfp_t gfp)
{
	void *object;

	if (!may_allocate(size, gfp))
		return NULL;

	atomic_long_inc(&nr_allocated);
	object = object_alloc(size);
	if (gfp & __GFP_ZERO)
		memset(object, 0, size);
	return object;
}

void kfree(void *object)
{
	if (!object)
		return;
	atomic_long_dec(&nr_allocated);
	object_free(object);
}

/* Of pages that nobody touched there is only the address. */
#define AREA_SIZE	(1UL << 20)
#define AREA_ALIGN	sizeof(unsigned long)

char *shim_cpu_areas[SHIM_NR_CPUS];
unsigned int shim_nr_cpus;
__thread char *shim_this_cpu;
__thread unsigned int shim_this_cpu_nr;

static pthread_mutex_t percpu_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool cpu_taken[SHIM_NR_CPUS];

/* Offsets that are free again, linked through the first area. */
static unsigned long percpu_free;
static unsigned long percpu_end = AREA_ALIGN;	/* 0 is NULL */

void shim_cpu_take(void)
{
	unsigned int cpu = 0;

	pthread_mutex_lock(&percpu_mutex);
	while (cpu_taken[cpu])
		if (++cpu == SHIM_NR_CPUS)
			abort();
	cpu_taken[cpu] = true;
	if (!shim_cpu_areas[cpu]) {
		void *area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				  -1, 0);

		if (area == MAP_FAILED)
			abort();
		shim_cpu_areas[cpu] = area;
		/* Pairs with for_each_possible_cpu(). */
		smp_store_release(&shim_nr_cpus, cpu + 1);
	}
	pthread_mutex_unlock(&percpu_mutex);

	shim_this_cpu_nr = cpu;
	shim_this_cpu = shim_cpu_areas[cpu];
}

void shim_cpu_release(void)
{
	shim_this_cpu = NULL;
	pthread_mutex_lock(&percpu_mutex);
	cpu_taken[shim_this_cpu_nr] = false;
	pthread_mutex_unlock(&percpu_mutex);
}

static unsigned long *percpu_slot(unsigned int cpu, unsigned long offset)
{
	return (unsigned long *)(shim_cpu_areas[cpu] + offset);
}

void *__alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	unsigned long offset;
	unsigned int cpu;

	if (WARN_ON(size > AREA_ALIGN || align > AREA_ALIGN) ||
	    !may_allocate(size, gfp))
		return NULL;

	pthread_mutex_lock(&percpu_mutex);
	offset = percpu_free;
	if (offset) {
		percpu_free = *percpu_slot(0, offset);
	} else {
		if (percpu_end == AREA_SIZE)
			abort();
		offset = percpu_end;
		percpu_end += AREA_ALIGN;
	}
	for_each_possible_cpu(cpu)
		*percpu_slot(cpu, offset) = 0;
	pthread_mutex_unlock(&percpu_mutex);

	atomic_long_inc(&nr_allocated);
	return (void *)offset;
}

void free_percpu(void *ptr)
{
	unsigned long offset = (unsigned long)ptr;

	if (!offset)
		return;
	atomic_long_dec(&nr_allocated);
	pthread_mutex_lock(&percpu_mutex);
	*percpu_slot(0, offset) = percpu_free;
	percpu_free = offset;
	pthread_mutex_unlock(&percpu_mutex);
}
