// SPDX-License-Identifier: GPL-2.0-only
/* One workqueue, with one thread, which starts with the first work. */

#include <linux/workqueue.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "../native.h"
#include "shim.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct delayed_work *queue;
static bool busy, hurry;

static unsigned long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000UL + time.tv_nsec / 1000000;
}

/* Wait until something changes, or until the time, if there is one. */
static void wait_until(unsigned long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	if (ms)
		pthread_cond_timedwait(&changed, &mutex, &time);
	else
		pthread_cond_wait(&changed, &mutex);
}

/* Take a work that is due out of the queue, or say when there will be one. */
static struct delayed_work *take_due(unsigned long *next)
{
	struct delayed_work **link, *dwork;
	unsigned long now = now_ms();

	*next = 0;
	for (link = &queue; (dwork = *link); link = &dwork->next) {
		if (hurry || dwork->due <= now) {
			*link = dwork->next;
			dwork->queued = false;
			return dwork;
		}
		if (!*next || dwork->due < *next)
			*next = dwork->due;
	}
	return NULL;
}

static void *work_thread(void *unused)
{
	struct delayed_work *dwork;
	unsigned long next;

	shim_thread_start();
	pthread_mutex_lock(&mutex);
	for (;;) {
		dwork = take_due(&next);
		if (!dwork) {
			hurry = false;
			pthread_cond_broadcast(&changed);
			wait_until(next);
			continue;
		}
		busy = true;
		pthread_mutex_unlock(&mutex);
		dwork->work.func(&dwork->work);
		pthread_mutex_lock(&mutex);
		busy = false;
	}
	return NULL;
}

static void start_thread(void)
{
	pthread_condattr_t attr;
	pthread_t thread;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	if (pthread_create(&thread, NULL, work_thread, NULL))
		abort();
	pthread_detach(thread);
}

bool schedule_delayed_work(struct delayed_work *dwork, unsigned long delay)
{
	bool queued;

	shim_preempt();
	pthread_once(&once, start_thread);
	pthread_mutex_lock(&mutex);
	queued = !dwork->queued;
	if (queued) {
		dwork->queued = true;
		dwork->due = now_ms() + delay;
		dwork->next = queue;
		queue = dwork;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&mutex);
	return queued;
}

void shim_flush_work(void)
{
	pthread_mutex_lock(&mutex);
	while (queue || busy) {
		hurry = true;
		pthread_cond_broadcast(&changed);
		pthread_cond_wait(&changed, &mutex);
	}
	pthread_mutex_unlock(&mutex);
}
