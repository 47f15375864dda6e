// SPDX-License-Identifier: GPL-2.0-only
/* Fault injection, and what the tracepoints tell of it. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#define TRACE		"/sys/kernel/tracing/instances/rdmacg_faults"
#define MAX_SITES	512

static int pipe_fd;

/* The functions that were refused memory. */
static struct site {
	char name[64];
	unsigned int count;
} sites[MAX_SITES];
static int nr_sites;

/* Functions of the controller. */
static const char * const controller[] = { "rdmacg_" };

/* What stands between the caller that wants memory and the tracepoint. */
static const char * const allocators[] = {
	"trace_", "do_trace_", "__trace_", "__do_trace_", "kmalloc", "__kmalloc",
	"kzalloc", "_kzalloc", "kcalloc", "kmem_cache_", "__kmem_cache_", "kstrdup",
	"kmemdup", "kvmalloc", "__kvmalloc", "kvzalloc",
};

static bool begins_like(const char *name, const char * const *list, size_t size)
{
	while (size--)
		if (!strncmp(name, list[size], strlen(list[size])))
			return true;

	return false;
}

static bool is_controller(const char *name)
{
	return begins_like(name, controller, ARRAY_SIZE(controller));
}

void inject_init(void)
{
	int err = failslab_prepare() ?: fail_nth_begin();

	if (err)
		errx(EXIT_FAILURE, "allocations cannot be made to fail: %s; use CONFIG=debug",
		     strerror(-err));

	if (mkdir(TRACE, 0755) && errno != EEXIST)
		errx(EXIT_FAILURE, "cannot make %s: %m", TRACE);
	cg_must_write(TRACE, "buffer_size_kb", "1024");
	/* Inlined or not, helpers hide their callers. */
	cg_must_write(TRACE, "options/stacktrace", "1");
	cg_must_write(TRACE, "events/kmem/kmalloc/filter", "ptr == 0");
	cg_must_write(TRACE, "events/kmem/kmem_cache_alloc/filter", "ptr == 0");
	cg_must_write(TRACE, "events/kmem/kmalloc/enable", "1");
	cg_must_write(TRACE, "events/kmem/kmem_cache_alloc/enable", "1");
	cg_must_write(TRACE, "events/rdmacg/rdmacg_pool_make/enable", "1");
	cg_must_write(TRACE, "events/rdmacg/rdmacg_pool_free/enable", "1");
	pipe_fd = open(TRACE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (pipe_fd < 0)
		errx(EXIT_FAILURE, "cannot open the trace: %m");
}

void inject_exit(void)
{
	close(pipe_fd);
	rmdir(TRACE);
}

void fail_randomly(unsigned int percent)
{
	int err = failslab_percent(percent);

	if (err)
		errx(EXIT_FAILURE, "allocations cannot be made to fail: %s", strerror(-err));
}

static void note_site(const char *name)
{
	int i;

	for (i = 0; i < nr_sites && strcmp(sites[i].name, name); i++)
		;
	if (i == MAX_SITES)
		return;
	if (i == nr_sites)
		snprintf(sites[nr_sites++].name, sizeof(sites[i].name), "%s", name);
	sites[i].count++;
}

static bool is_one_of(unsigned long long cgroup,
		      const unsigned long long *cgroups, int nr)
{
	while (nr--)
		if (cgroups[nr] == cgroup)
			return true;

	return false;
}

/* The lines of an event are itself, "<stack trace>", and one for each caller. */
static void read_line(const char *line, struct told *told,
		      const unsigned long long *cgroups, int nr)
{
	static bool is_refusal;
	unsigned long long cgroup;
	const char *at;
	char name[64];

	if (sscanf(line, " => %63[^+ ]", name) == 1) {
		if (!is_refusal || begins_like(name, allocators, ARRAY_SIZE(allocators)))
			return;
		is_refusal = false;
		note_site(name);
		if (is_controller(name))
			told->controller++;
		else
			told->others++;
		return;
	}
	if (strstr(line, "<stack trace>"))
		return;

	is_refusal = strstr(line, " call_site=");
	at = strstr(line, " rdmacg_pool_");
	if (at && sscanf(strchr(at, ':') ?: "", ": cgroup=%llu", &cgroup) == 1 &&
	    is_one_of(cgroup, cgroups, nr))
		told->pools += strstr(at, "_make:") ? 1 : -1;
}

void read_told(struct told *told, const unsigned long long *cgroups, int nr)
{
	static char text[TEXT_SIZE];
	size_t used = 0;
	ssize_t got;

	memset(told, 0, sizeof(*told));
	/* Lines may be cut by the end of the buffer. */
	while ((got = read(pipe_fd, text + used, sizeof(text) - 1 - used)) > 0) {
		char *line = text, *end;

		text[used + got] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			read_line(line, told, cgroups, nr);
			line = end + 1;
		}
		used = strlen(line);
		memmove(text, line, used);
	}
}

static int by_count(const void *left, const void *right)
{
	return ((struct site *)right)->count - ((struct site *)left)->count;
}

void show_refused(void)
{
	int i;

	qsort(sites, nr_sites, sizeof(*sites), by_count);
	printf("# refused memory, of the controller:");
	for (i = 0; i < nr_sites; i++)
		if (is_controller(sites[i].name))
			printf(" %s %u", sites[i].name, sites[i].count);
	printf("\n# and of others:");
	for (i = 0; i < nr_sites; i++)
		if (!is_controller(sites[i].name))
			printf(" %s %u", sites[i].name, sites[i].count);
	putchar('\n');
}
