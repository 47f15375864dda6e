// SPDX-License-Identifier: GPL-2.0-only
/* Start-up, threads, warnings, and the functions that tools/lib does not have. */

#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../native.h"
#include "shim.h"

/* More than that would bury the first ones, which tell most. */
#define SHOWN_TEXTS	20

static pthread_mutex_t print_mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned int nr_texts, nr_warnings, nr_messages, nr_infos;
static char last_text[256];

void shim_init(void)
{
	shim_thread_start();
	shim_rcu_init();
}

void shim_thread_start(void)
{
	shim_rcu_register();
	shim_cpu_take();
}

void shim_thread_stop(void)
{
	shim_cgroup_attach(NULL);
	shim_cpu_release();
	shim_rcu_unregister();
}

void shim_print(bool warning, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&print_mutex);
	va_start(args, format);
	vsnprintf(last_text, sizeof(last_text), format, args);
	va_end(args);
	if (warning)
		nr_warnings++;
	else
		nr_messages++;
	if (nr_texts++ < SHOWN_TEXTS)
		fprintf(stderr, "# %s: %s", warning ? "WARN" : "message", last_text);
	pthread_mutex_unlock(&print_mutex);
}

void shim_print_info(const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&print_mutex);
	va_start(args, format);
	vsnprintf(last_text, sizeof(last_text), format, args);
	va_end(args);
	nr_infos++;
	pthread_mutex_unlock(&print_mutex);
}

static unsigned int take(unsigned int *count)
{
	unsigned int taken;

	pthread_mutex_lock(&print_mutex);
	taken = *count;
	*count = 0;
	pthread_mutex_unlock(&print_mutex);
	return taken;
}

unsigned int shim_take_warnings(void)
{
	return take(&nr_warnings);
}

unsigned int shim_take_messages(void)
{
	return take(&nr_messages);
}

unsigned int shim_take_infos(void)
{
	return take(&nr_infos);
}

const char *shim_last_text(void)
{
	return last_text;
}

#ifdef SHIM_DEBUG
void might_sleep(void)
{
	WARN(rcu_read_lock_held(), "may sleep within rcu_read_lock()\n");
	WARN(shim_preempt_count, "may sleep with a spinlock held\n");
}

__thread unsigned int shim_preempt_in;
static __thread unsigned int preempt_one_in, preempt_seed;

__thread unsigned long shim_nr_strcmp;

unsigned long shim_nr_compared(void)
{
	return shim_nr_strcmp;
}

__thread bool shim_tracing;
static __thread char traced_device[64];

void shim_enable_trace(bool enable)
{
	shim_tracing = enable;
	traced_device[0] = '\0';
}

void shim_trace(u64 cgroup, const char *device, ...)
{
	snprintf(traced_device, sizeof(traced_device), "%s", device);
}

const char *shim_traced_device(void)
{
	return traced_device;
}

static __thread void (*call_at)(void), (*call_on_wait)(void);

void shim_call_at(unsigned int nth, void (*func)(void))
{
	shim_preempt_in = nth;
	call_at = nth ? func : NULL;
}

void shim_call_on_wait(void (*func)(void))
{
	call_on_wait = func;
}

void shim_wait(void)
{
	if (call_on_wait)
		call_on_wait();
}

void shim_preempt_now(void)
{
	void (*func)(void) = call_at;

	if (func) {
		call_at = NULL;
		func();
		return;
	}
	/* Often for a moment, and at times for several grace periods. */
	if (rand_r(&preempt_seed) % 8)
		sched_yield();
	else
		usleep(rand_r(&preempt_seed) % 200);
	shim_preempt_in = 1 + rand_r(&preempt_seed) % (2 * preempt_one_in);
}

void shim_preempt_randomly(unsigned int one_in, unsigned int seed)
{
	preempt_one_in = one_in;
	preempt_seed = seed;
	shim_preempt_in = one_in;
}
#endif

int match_string(const char * const *array, size_t n, const char *string)
{
	size_t i;

	for (i = 0; i < n && array[i]; i++)
		if (!strcmp(array[i], string))
			return i;

	return -EINVAL;
}
