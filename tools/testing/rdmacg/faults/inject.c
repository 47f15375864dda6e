// SPDX-License-Identifier: GPL-2.0-only
/* Fault injection, what the tracepoints tell of it, and leaks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define TRACE		"/sys/kernel/tracing/instances/rdmacg_faults/"
#define MAX_SITES	512
#define LEAK_AGE_MS	6000	/* younger ones are not looked at */

static int nth_fd, pipe_fd;

/* The functions that were refused memory. */
static struct site {
	char name[64];
	unsigned int count;
} sites[MAX_SITES];
static int nr_sites;

/* Functions of the controller. */
static const char * const controller[] = { "rdmacg_" };

/* What stands between the one who wants memory and the tracepoint. */
static const char * const allocators[] = {
	"trace_", "do_trace_", "__trace_", "__do_trace_", "kmalloc", "__kmalloc",
	"kzalloc", "_kzalloc", "kcalloc", "kmem_cache_", "__kmem_cache_", "kstrdup",
	"kmemdup", "kvmalloc", "__kvmalloc", "kvzalloc",
};

/*
 * Leaks of others that come to light, by functions that all have to be in the
 * backtrace.
 */
static const struct {
	const char *functions[2];
	const char *reason;
} known_leaks[] = {
	{
		.functions = { "siw_umem_get+", "siw_reg_user_mr+" },
		.reason = "siw_reg_user_mr() forgets the memory if siw_mr_add_mem() fails",
	},
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

/*
 * kmemleak's own notes do not fail: it would do without, and each would be one
 * more try. Returns whether this kernel can be told so.
 */
static bool spare_kmemleak(void)
{
	bool spared = true;
	glob_t found;
	size_t i;

	if (glob("/sys/kernel/slab/*/failslab", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc; i++) {
		int fd;

		if (strstr(found.gl_pathv[i], "kmemleak"))
			continue;
		fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);
		spared &= fd >= 0 && write(fd, "1", 1) == 1;
		close(fd);
	}
	globfree(&found);
	return spared;
}

void inject_init(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		give_up("no /proc/thread-self/fail-nth: %m; use CONFIG=debug");

	write_file(FAILSLAB "probability", "0");
	write_file(FAILSLAB "times", "-1");
	write_file(FAILSLAB "ignore-gfp-wait", "N");
	write_file(FAILSLAB "task-filter", "Y");
	write_file(FAILSLAB "cache-filter", spare_kmemleak() ? "Y" : "N");
	/* The log needs no stack of each: the tracepoints tell. */
	write_file(FAILSLAB "verbose", "0");

	if (mkdir(TRACE, 0755) && errno != EEXIST)
		give_up("cannot make %s: %m", TRACE);
	write_file(TRACE "buffer_size_kb", "1024");
	/* Inlined or not, helpers hide who it was that called them. */
	write_file(TRACE "options/stacktrace", "1");
	write_file(TRACE "events/kmem/kmalloc/filter", "ptr == 0");
	write_file(TRACE "events/kmem/kmem_cache_alloc/filter", "ptr == 0");
	write_file(TRACE "events/kmem/kmalloc/enable", "1");
	write_file(TRACE "events/kmem/kmem_cache_alloc/enable", "1");
	write_file(TRACE "events/rdmacg/rdmacg_pool_make/enable", "1");
	write_file(TRACE "events/rdmacg/rdmacg_pool_free/enable", "1");
	pipe_fd = open(TRACE "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (pipe_fd < 0)
		give_up("cannot open the trace: %m");
}

void inject_exit(void)
{
	close(pipe_fd);
	rmdir(TRACE);
}

void fail_nth(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, length, 0) != length)
		give_up("cannot ask for a fault: %m");
}

bool fail_end(unsigned int *left)
{
	char text[16] = "";
	unsigned int nth;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		give_up("cannot read what is left of a fault: %m");
	nth = strtoul(text, NULL, 10);
	fail_nth(0);
	if (left)
		*left = nth;
	return !nth;
}

void fail_randomly(unsigned int percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", percent);
	write_file(FAILSLAB "probability", text);
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

/*
 * Leaks
 */

/* kmemleak passes over what is young, and believes only what two scans found. */
static void scan(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		sleep_us(LEAK_AGE_MS * 1000L);
		write_file(KMEMLEAK, "scan");
	}
}

void leaks_forget(void)
{
	scan();
	write_file(KMEMLEAK, "clear");
}

/* The reason to let a leak pass, or NULL. */
static const char *known_leak(const char *record)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_leaks); i++)
		if (strstr(record, known_leaks[i].functions[0]) &&
		    strstr(record, known_leaks[i].functions[1]))
			return known_leaks[i].reason;

	return NULL;
}

static void judge_leak(const char *record)
{
	const char *reason = known_leak(record);
	char *copy, *line, *rest;

	if (reason) {
		printf("# a leak, but known: %s\n", reason);
		return;
	}
	complain("a leak:");
	copy = strdup(record);
	rest = copy;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("#   %s\n", line);
	free(copy);
}

void leaks_judge(void)
{
	static const char begin[] = "unreferenced object";
	static char text[16 * TEXT_SIZE];
	char *record, *next;
	FILE *file;

	scan();
	file = fopen(KMEMLEAK, "re");
	if (!file)
		give_up("cannot read %s: %m", KMEMLEAK);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);

	for (record = strstr(text, begin); record; record = next) {
		next = strstr(record + 1, begin);
		if (next)
			next[-1] = '\0';
		judge_leak(record);
	}
	/* Nobody has to judge them again. */
	write_file(KMEMLEAK, "clear");
}
