// SPDX-License-Identifier: GPL-2.0-only
/* What all storms need: judging, chance, processes, cgroups, devices. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

#define SAID_ALOUD	12	/* complaints about one storm */
#define NR_READERS	2

struct shared *shared;
const struct hierarchy *current;
int nr_devices;
long bound_ms;

static unsigned int seed;

void add(unsigned long *count, unsigned long amount)
{
	__atomic_fetch_add(count, amount, __ATOMIC_RELAXED);
}

/* The storm goes on, to find what else is wrong, but has failed. */
void complain(enum check check, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (__atomic_fetch_add(&shared->complaints[check], 1,
			       __ATOMIC_RELAXED) >= SAID_ALOUD)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* In one write, as many processes may do so. */
	dprintf(STDOUT_FILENO, "# %s: %s\n", current->name, text);
}

/* Adds to what stands behind the storm's name. */
void figure(const char *format, ...)
{
	size_t used = strlen(shared->figures);
	va_list args;

	va_start(args, format);
	vsnprintf(shared->figures + used, sizeof(shared->figures) - used,
		  format, args);
	va_end(args);
}

/* Each process that is spawned throws its own dice from here on. */
void take_dice(unsigned int number)
{
	dice_take(seed, number);
}

void set_seed(unsigned int new)
{
	seed = new;
	shared->nr_spawned = 0;
	take_dice(0);
}

/*
 * Processes
 */

pid_t spawn(void)
{
	unsigned int number = __atomic_add_fetch(&shared->nr_spawned, 1,
						 __ATOMIC_RELAXED);
	pid_t pid = fork_child();

	if (pid < 0) {
		complain(LOAD, "cannot fork: %m");
		exit(EXIT_FAILURE);
	}
	if (!pid)
		take_dice(number);
	return pid;
}

/*
 * A process at @work, in @cgroup unless that is NULL. It leaves the CPU to the
 * director and its tools, which are few, and without which there is no storm.
 */
pid_t start(void (*work)(int number), int number, const char *cgroup)
{
	pid_t pid = spawn();
	int err;

	if (pid)
		return pid;
	nice(10);
	err = cgroup ? cg_enter_current(cgroup) : 0;
	if (err)
		complain(LOAD, "cannot enter %s: %s", cgroup, strerror(-err));
	else
		work(number);
	_exit(EXIT_SUCCESS);
}

static void judge_end(pid_t pid, int status, int signal)
{
	if (status != signal)
		complain(LOAD, "process %d ended with status %#x", pid, status);
}

/* Waits for the end of a child by @signal or, if that is 0, by itself. */
void reap(pid_t pid, int signal)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		complain(LOAD, "cannot wait for process %d: %m", pid);
	else
		judge_end(pid, status, signal);
}

/* Lets everybody come to an end. */
void finish(void)
{
	int status;
	pid_t pid;

	shared->stop = true;
	while ((pid = wait(&status)) > 0)
		judge_end(pid, status, 0);
}

void start_tenant(int number, void (*work)(int number), const char *cgroup)
{
	shared->tenants[number].pid = start(work, number, cgroup);
}

static bool all_are(bool resting)
{
	int i;

	for (i = 0; i < MAX_TENANTS; i++) {
		struct tenant *tenant = &shared->tenants[i];

		if (tenant->pid &&
		    __atomic_load_n(&tenant->resting, __ATOMIC_ACQUIRE) != resting)
			return false;
	}
	return true;
}

/* From when this returns true, what all tenants hold stays as it is. */
bool rest_tenants(void)
{
	shared->rest = true;
	if (becomes(all_are(true)))
		return true;
	complain(LOAD, "a tenant does not come to rest");
	return false;
}

void wake_tenants(void)
{
	shared->rest = false;
	if (!becomes(all_are(false)))
		complain(LOAD, "a tenant does not go on");
}

void rest_if_told(struct tenant *tenant)
{
	while (shared->rest && !shared->stop) {
		__atomic_store_n(&tenant->resting, true, __ATOMIC_RELEASE);
		sleep_us(1000);
	}
	__atomic_store_n(&tenant->resting, false, __ATOMIC_RELEASE);
}

static pid_t exec_tool(char *command)
{
	char *words[16];
	pid_t pid = spawn();
	int nr = 0;

	if (pid)
		return pid;
	while (nr < (int)ARRAY_SIZE(words) - 1 &&
	       (words[nr] = strsep(&command, " ")))
		nr++;
	words[nr] = NULL;
	/* Standard output is for TAP. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(words[0], words);
	dprintf(STDERR_FILENO, "%s: %m\n", words[0]);
	_exit(127);
}

/* Starts a program: its name and arguments have one blank between them. */
pid_t start_tool(const char *format, ...)
{
	char command[256];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return exec_tool(command);
}

bool run_tool(const char *format, ...)
{
	char command[256];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (waitpid(exec_tool(path_of("%s", command)), &status, 0) > 0 &&
	    !status)
		return true;
	complain(LOAD, "'%s' failed", command);
	return false;
}

/*
 * Cgroups and their files
 */

/* Good until it has been called many times more. */
char *path_of(const char *format, ...)
{
	static char paths[16][PATH_SIZE];
	static int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];
	va_list args;

	va_start(args, format);
	vsnprintf(path, PATH_SIZE, format, args);
	va_end(args);
	return path;
}

bool make_cgroup(const char *cgroup)
{
	if (!cg_create(cgroup))
		return true;
	complain(LOAD, "cannot make cgroup %s: %m", cgroup);
	return false;
}

/* A cgroup whose children have the controller; on v2 it holds no process. */
bool make_parent(const char *cgroup)
{
	int err = 0;

	if (!make_cgroup(cgroup))
		return false;
	if (current->unified)
		err = cg_write(cgroup, "cgroup.subtree_control", "+rdma");
	if (err)
		complain(LOAD, "cannot enable rdma in %s: %s", cgroup,
			 strerror(-err));
	return !err;
}

bool remove_cgroup(const char *cgroup)
{
	/* Its last process may still be on the way out. */
	if (becomes(!rmdir(cgroup) || errno != EBUSY) && access(cgroup, F_OK))
		return true;
	complain(LOAD, "cannot remove cgroup %s: %m", cgroup);
	return false;
}

/* Returns 0 or -errno. */
int write_limit(const char *cgroup, const char *device, enum resource resource,
		long limit)
{
	const char *name = resource == HANDLE ? "hca_handle" : "hca_object";
	char text[128];

	if (limit == NO_LIMIT)
		snprintf(text, sizeof(text), "%s %s=max", device, name);
	else
		snprintf(text, sizeof(text), "%s %s=%ld", device, name, limit);
	return cg_write(cgroup, "rdma.max", text);
}

const char * const tree[NR_TREE] = { "a", "a/x", "a/y", "a/n", "a/n/z", "b" };
const char * const leaves[NR_LEAVES] = { "a/x", "a/y", "a/n/z", "b" };

char *below_top(const char *name)
{
	return path_of("%s/%s", current->top, name);
}

char *a_leaf(int number)
{
	return below_top(leaves[number % ARRAY_SIZE(leaves)]);
}

static bool is_leaf(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++)
		if (!strcmp(name, leaves[i]))
			return true;
	return false;
}

void make_tree(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tree); i++) {
		if (is_leaf(tree[i]))
			make_cgroup(below_top(tree[i]));
		else
			make_parent(below_top(tree[i]));
	}
}

void enter(const char *cgroup, pid_t pid)
{
	int err = cg_enter(cgroup, pid);

	if (err)
		complain(LOAD, "cannot move a process to %s: %s", cgroup,
			 strerror(-err));
}

/* Writes some limit of any cgroup for @device, which may be gone. */
void limit_at_random(const char *device, int most)
{
	char *cgroup = below_top(tree[roll(ARRAY_SIZE(tree))]);
	int err = write_limit(cgroup, device, roll(NR_RESOURCES),
			      roll(4) ? 1 + roll(most) : NO_LIMIT);

	if (err && !(err == -ENODEV && shared->devices_leave))
		complain(LOAD, "cannot limit %s in %s: %s", device, cgroup,
			 strerror(-err));
}

/* Visits the cgroup at the top and all below it. */
void walk_cgroups(bool parents_last, void (*visit)(const char *cgroup))
{
	char * const roots[] = { (char *)current->top, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOSTAT | FTS_NOCHDIR,
			     NULL);
	int wanted = parents_last ? FTS_DP : FTS_D;
	FTSENT *entry;

	/* Those that go meanwhile are no directories any more. */
	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info == wanted)
			visit(entry->fts_path);
	if (tree)
		fts_close(tree);
}

/* Takes the next line off @text; false at the end. */
bool next_line(char **text, const char *file, struct line *line)
{
	char *next = strsep(text, "\n");

	if (!next || !*next)
		return false;
	if (!parse_line(next, file, line)) {
		complain(LOAD, "%s has a line \"%s\"", file, next);
		return false;
	}
	return true;
}

/* The stock controller has not all of them. */
bool has_file(const char *cgroup, const char *file)
{
	return !access(path_of("%s/%s", cgroup, file), F_OK);
}

/* The line of @device; false without complaint if there is none. */
bool find_line(const char *cgroup, const char *file, const char *device,
	       struct line *line)
{
	static char text[FILE_SIZE];
	char *rest = text;

	if (cg_read(cgroup, file, text, sizeof(text)))
		return false;
	while (next_line(&rest, file, line))
		if (!strcmp(line->device, device))
			return true;
	return false;
}

/* What is expected is the number of handles, and that of objects. */
void expect_current(const char *cgroup, int device, const long *expected)
{
	const char *name = device_name(device);
	struct line line;

	if (!find_line(cgroup, "rdma.current", name, &line))
		complain(LOAD, "%s/rdma.current has no line of %s", cgroup,
			 name);
	else if (line.values[HANDLE] != expected[HANDLE] ||
		 line.values[OBJECT] != expected[OBJECT])
		complain(LOAD, "%s counts %ld handles and %ld objects of %s, but there are %ld and %ld",
			 cgroup, line.values[HANDLE], line.values[OBJECT],
			 name, expected[HANDLE], expected[OBJECT]);
}

/* What is shown each line read, if anything. */
static void (*look_closer)(const char *cgroup, const char *file,
			   const struct line *line);

static void read_file(const char *cgroup, const char *file)
{
	static char text[FILE_SIZE];
	char *rest = text;
	struct line line;
	int err;

	err = cg_read(cgroup, file, text, sizeof(text));
	if (err) {
		/* It, or what it had of the controller, has just gone. */
		if (err != -ENOENT && err != -ENODEV)
			complain(LOAD, "cannot read %s/%s: %s", cgroup, file,
				 strerror(-err));
		return;
	}
	add(&shared->reads, 1);
	while (next_line(&rest, file, &line))
		if (look_closer)
			look_closer(cgroup, file, &line);
}

/* The file stays open for a while, whatever becomes of its cgroup. */
static void wait_for_events(const char *cgroup)
{
	struct pollfd events = {
		.fd = open(path_of("%s/rdma.events", cgroup), O_RDONLY),
		.events = POLLPRI,
	};
	char text[256];

	if (events.fd < 0)
		return;
	if (pread(events.fd, text, sizeof(text), 0) >= 0)
		poll(&events, 1, roll(20));
	close(events.fd);
}

static void read_cgroup(const char *cgroup)
{
	int i;

	if (shared->stop)
		return;
	while (shared->readers_rest && !shared->stop)
		sleep_us(10000);
	for (i = 0; i < NR_RDMA_FILES; i++)
		if (has_file(cgroup, rdma_files[i]))
			read_file(cgroup, rdma_files[i]);
	if (!roll(8))
		wait_for_events(cgroup);
	sleep_us(roll(2000));
}

static void read_all(int unused)
{
	(void)unused;
	while (!shared->stop)
		walk_cgroups(false, read_cgroup);
}

void start_readers(void (*look)(const char *cgroup, const char *file,
				const struct line *line))
{
	int i;

	look_closer = look;
	for (i = 0; i < NR_READERS; i++)
		start(read_all, i, NULL);
}

/*
 * Devices, and the links below them, which bear the same names
 */

const char *device_name(int device)
{
	return path_of("%s%d", DEVICE_PREFIX, device);
}

const char *driver_of(int number)
{
	return number % 2 ? "siw" : "rxe";
}

/* Has @tool do something to some devices: @format has the name and driver. */
bool run_batch(const char *tool, const char *format, const char *prefix,
	       int first, int count)
{
	FILE *batch = popen(tool, "we");
	int i;

	for (i = first; batch && i < first + count; i++) {
		const char *name = path_of("%s%d", prefix, i);

		fprintf(batch, format, name, driver_of(i));
	}
	if (batch && !pclose(batch))
		return true;
	complain(LOAD, "'%s' failed for %s%d to %s%d", tool, prefix, first,
		 prefix, first + count - 1);
	return false;
}

bool add_devices(const char *prefix, int first, int count)
{
	return run_batch("ip -batch -",
			 "link add %1$s type dummy\nlink set %1$s up\n",
			 prefix, first, count) &&
	       run_batch("rdma -b -", "link add %1$s type %2$s netdev %1$s\n",
			 prefix, first, count);
}

bool remove_devices(const char *prefix, int first, int count)
{
	return run_batch("rdma -b -", "link delete %s\n", prefix, first,
			 count) &&
	       run_batch("ip -batch -", "link delete %s\n", prefix, first,
			 count);
}
