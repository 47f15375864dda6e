// SPDX-License-Identifier: GPL-2.0-only
/* What waits for a grace period, and the thread that waits with it. */

#include <linux/membarrier.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../native.h"
#include "shim.h"

/* What kfree_rcu() hands over as function is smaller than any function. */
#define KFREE_OFFSETS	4096

#ifdef SHIM_TSAN
char shim_rcu_readers;
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rcu_head *first, **last = &first;
static unsigned long nr_queued, nr_done;

static struct rcu_head **next_of(struct rcu_head *head)
{
	return (struct rcu_head **)&head->next;
}

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	*next_of(head) = NULL;

	pthread_mutex_lock(&mutex);
	*last = head;
	last = next_of(head);
	nr_queued++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

#ifdef SHIM_RCU_NESTING

__thread unsigned int shim_rcu_nesting;
static pthread_mutex_t readers_mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int *readers[SHIM_NR_CPUS];

static void replace_reader(unsigned int *from, unsigned int *to)
{
	int i;

	pthread_mutex_lock(&readers_mutex);
	for (i = 0; readers[i] != from; i++)
		if (i == SHIM_NR_CPUS - 1)
			abort();
	readers[i] = to;
	pthread_mutex_unlock(&readers_mutex);
}

void shim_rcu_register(void)
{
	replace_reader(NULL, &shim_rcu_nesting);
}

void shim_rcu_unregister(void)
{
	replace_reader(&shim_rcu_nesting, NULL);
}

/* A full barrier on each core that runs a reader, which has only barrier(). */
static void barrier_for_all(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) &&
	    (syscall(SYS_membarrier,
		     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ||
	     syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)))
		abort();
}

/* Each reader is seen once outside. */
void synchronize_rcu(void)
{
	int i;

	barrier_for_all();
	pthread_mutex_lock(&readers_mutex);
	for (i = 0; i < SHIM_NR_CPUS; i++)
		while (readers[i] && READ_ONCE(*readers[i]))
			sched_yield();
	pthread_mutex_unlock(&readers_mutex);
	barrier_for_all();
}

#else /* !SHIM_RCU_NESTING */

void shim_rcu_register(void)
{
	urcu_memb_register_thread();
}

void shim_rcu_unregister(void)
{
	urcu_memb_unregister_thread();
}

void synchronize_rcu(void)
{
	urcu_memb_synchronize_rcu();
	__tsan_acquire(&shim_rcu_readers);
}

#endif /* !SHIM_RCU_NESTING */

static unsigned long run_all(struct rcu_head *head)
{
	unsigned long count;

	for (count = 0; head; count++) {
		struct rcu_head *next = *next_of(head);
		unsigned long offset = (unsigned long)head->func;

		if (offset < KFREE_OFFSETS)
			kfree((void *)head - offset);
		else
			head->func(head);
		head = next;
	}
	return count;
}

static void *rcu_thread(void *unused)
{
	struct rcu_head *head;
	unsigned long count;

	shim_thread_start();
	pthread_mutex_lock(&mutex);
	for (;;) {
		while (!first)
			pthread_cond_wait(&changed, &mutex);
		head = first;
		first = NULL;
		last = &first;
		pthread_mutex_unlock(&mutex);

		synchronize_rcu();
		count = run_all(head);

		pthread_mutex_lock(&mutex);
		nr_done += count;
		pthread_cond_broadcast(&changed);
	}
	return NULL;
}

void rcu_barrier(void)
{
	unsigned long until;

	pthread_mutex_lock(&mutex);
	until = nr_queued;
	while (nr_done < until)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void shim_settle(void)
{
	shim_flush_work();
	/* Callbacks may queue others, so this waits for more than at first. */
	pthread_mutex_lock(&mutex);
	while (nr_done < nr_queued)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void shim_rcu_init(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, rcu_thread, NULL))
		abort();
	pthread_detach(thread);
}
