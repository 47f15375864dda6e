// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <unistd.h>

#include "rdma_file.h"

/* Returns 0 or a negative errno, also where cg_write() returns -1 for each. */
int write_control(const char *cgroup, const char *file, char *text)
{
	int ret = cg_write(cgroup, file, text);

	return ret == -1 ? -errno : ret;
}

/* A new cgroup with the controller. On v2 no process may be in @parent. */
char *new_cgroup(const char *parent, const char *name)
{
	char *cgroup = cg_name(parent, name);
	int err = 0;

	if (current->unified)
		err = write_control(parent, "cgroup.subtree_control", "+rdma");
	if (err)
		fail(HERE, "enable rdma in %s: %s", parent, strerror(-err));
	if (cg_create(cgroup))
		fail(HERE, "make %s: %s", cgroup, strerror(errno));
	return cgroup;
}

void read_file(const char *cgroup, const char *file, char *text)
{
	int err = cg_read(cgroup, file, text, FILE_SIZE);

	if (err)
		fail(HERE, "read %s/%s: %s", cgroup, file, strerror(-err));
}

/* Copies the line of @device to @line, or returns false. */
bool find_line(const char *cgroup, const char *file, const char *device,
	       char *line, size_t size)
{
	size_t len = strlen(device);
	char text[FILE_SIZE];
	char *at, *rest = text;

	read_file(cgroup, file, text);
	while ((at = strsep(&rest, "\n"))) {
		if (strncmp(at, device, len) || at[len] != ' ')
			continue;
		snprintf(line, size, "%s", at);
		return true;
	}
	return false;
}

long value_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	if (!at)
		return -1;
	at += strlen(key);
	return strncmp(at, "max", 3) ? strtol(at, NULL, 10) : NO_LIMIT;
}

/* Both values are -1 if the device has no line. */
struct values read_values(const char *cgroup, const char *file,
			  const char *device)
{
	char line[256] = "";

	find_line(cgroup, file, device, line, sizeof(line));
	return (struct values){ value_of(line, " hca_handle="),
				value_of(line, " hca_object=") };
}

void expect_values(const char *where, const char *cgroup, const char *file,
		   const char *device, long handles, long objects)
{
	struct values seen = read_values(cgroup, file, device);

	if (seen.handles != handles || seen.objects != objects)
		fail(where, "%s/%s: expected %s %ld %ld, seen %ld %ld", cgroup,
		     file, device, handles, objects, seen.handles, seen.objects);
}

struct events read_events(const char *cgroup, const char *file)
{
	char line[256] = "";

	find_line(cgroup, file, RXE_NAME, line, sizeof(line));
	return (struct events){ value_of(line, " hca_handle.max="),
				value_of(line, " hca_handle.alloc_fail="),
				value_of(line, " hca_object.max="),
				value_of(line, " hca_object.alloc_fail=") };
}

int write_limit(const char *cgroup, const char *device, const char *keys)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s", device, keys);
	return write_control(cgroup, "rdma.max", line);
}

void set_limit(const char *cgroup, const struct device *device,
	       const char *keys)
{
	int err = write_limit(cgroup, device->name, keys);

	if (err)
		fail(HERE, "write '%s %s' to %s/rdma.max: %s", device->name,
		     keys, cgroup, strerror(-err));
}

void set_limit_of(const char *cgroup, const struct device *device,
		  const char *key, int limit)
{
	char keys[64];

	snprintf(keys, sizeof(keys), "%s=%d", key, limit);
	set_limit(cgroup, device, keys);
}

/* Where the controller is: 0 is the unified hierarchy. -1 if it is nowhere. */
int hierarchy_of_rdma(int *nr_cgroups)
{
	FILE *file = fopen("/proc/cgroups", "r");
	int hierarchy = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "rdma %d %d", &hierarchy, nr_cgroups) == 2)
			break;
	if (file)
		fclose(file);
	return hierarchy;
}

const char * const files[NR_FILES] = {
	"rdma.max",	/* the one that can be written */
	"rdma.current",
	"rdma.peak",
	"rdma.events",
	"rdma.events.local",
};

void expect_line(const char *where, const char *cgroup, const char *file,
		 const char *device, const char *expected, bool blank_matters)
{
	char line[256] = "";
	size_t len;

	find_line(cgroup, file, device, line, sizeof(line));
	len = strlen(line);
	if (!blank_matters && len && line[len - 1] == ' ')
		line[len - 1] = 0;
	if (strcmp(line, expected))
		fail(where, "%s/%s: expected '%s', seen '%s'", cgroup, file,
		     expected, line);
}

void expect_counts(const char *where, const char *cgroup, const char *file,
		   const char *device, struct events events)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "%s hca_handle.max=%ld hca_handle.alloc_fail=%ld hca_object.max=%ld hca_object.alloc_fail=%ld",
		 device, events.handle_max, events.handle_fail,
		 events.object_max, events.object_fail);
	expect_line(where, cgroup, file, device, line, true);
}

/* A cgroup with limits that no refused write may change. */
char *limited_cgroup(const char *root)
{
	char *cgroup = new_cgroup(root, "a");

	set_limit(cgroup, rxe(), "hca_handle=5 hca_object=6");
	return cgroup;
}

/* Makes control characters visible, and cuts what is long. */
const char *quoted(const char *text)
{
	static char buf[128];
	size_t len = 0;

	while (*text && len < sizeof(buf) - 2) {
		if (*text == '\n' || *text == '\t') {
			buf[len++] = '\\';
			buf[len++] = *text == '\n' ? 'n' : 't';
		} else {
			buf[len++] = *text;
		}
		text++;
	}
	buf[len] = 0;
	return buf;
}

void expect_accepted(const char *where, const char *cgroup, char *text,
		     long handles, long objects)
{
	int err = write_control(cgroup, "rdma.max", text);

	if (err)
		fail(where, "write '%s': expected success, seen %s",
		     quoted(text), strerror(-err));
	expect_values(where, cgroup, "rdma.max", RXE_NAME, handles, objects);
}

void expect_refused(const char *where, const char *cgroup, char *text,
		    int expected)
{
	char before[FILE_SIZE], after[FILE_SIZE];
	int err;

	read_file(cgroup, "rdma.max", before);
	err = write_control(cgroup, "rdma.max", text);
	read_file(cgroup, "rdma.max", after);
	if (err != -expected)
		fail(where, "write '%s': expected %s, seen %s", quoted(text),
		     strerror(expected), strerror(-err));
	if (strcmp(before, after))
		fail(where, "write '%s': refused, but it changed limits to\n%s",
		     quoted(text), after);
}

/*
 * Waiting for events
 */

/*
 * Reads the file, and is from now on woken by what changes later. Returns
 * whether inotify had something to say.
 */
bool catch_up(const struct watch *watch, char *text)
{
	bool notified = false;
	ssize_t len;

	while (read(watch->inotify, text, FILE_SIZE) > 0)
		notified = true;
	len = pread(watch->file, text, FILE_SIZE - 1, 0);
	if (len < 0)
		fail(HERE, "read %s: %s", watch->path, strerror(errno));
	text[len] = 0;
	return notified;
}

struct watch watch(const char *cgroup, const char *file, bool told)
{
	struct watch watch = { cg_control(cgroup, file), told };
	char text[FILE_SIZE];

	watch.file = open(watch.path, O_RDONLY | O_CLOEXEC);
	watch.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch.file < 0 ||
	    inotify_add_watch(watch.inotify, watch.path, IN_MODIFY) < 0)
		fail(HERE, "wait for %s: %s", watch.path, strerror(errno));
	catch_up(&watch, text);
	return watch;
}

/* Returns what has woken it. */
int woken(const struct watch *watch, int timeout_ms)
{
	struct pollfd on[] = {
		{ .fd = watch->file, .events = POLLPRI },
		{ .fd = watch->inotify, .events = POLLIN },
	};

	if (poll(on, ARRAY_SIZE(on), timeout_ms) < 0)
		fail(HERE, "poll %s: %s", watch->path, strerror(errno));
	return (on[0].revents & POLLPRI ? BY_POLL : 0) |
	       (on[1].revents & POLLIN ? BY_INOTIFY : 0);
}

#define A_WHILE	100	/* ms; much longer than it takes to wake someone */

/* None is woken, or none of those that are not to be told. */
void expect_quiet(const char *where, const struct watch *watches, int nr,
		  bool all)
{
	int i;

	sleep_ms(A_WHILE);
	for (i = 0; i < nr; i++)
		if ((all || !watches[i].told) && woken(&watches[i], 0))
			fail(where, "%s: woken by %d, though it is as it was",
			     watches[i].path, woken(&watches[i], 0));
}

void expect_told(const char *where, const struct watch *watches, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (watches[i].told &&
		    !becomes(woken(&watches[i], 0) == (BY_POLL | BY_INOTIFY)))
			fail(where, "%s: woken by %d", watches[i].path,
			     woken(&watches[i], 0));
	expect_quiet(where, watches, nr, false);
}

void write_all(const char *where, const char *cgroup, char *text)
{
	int err = write_control(cgroup, "rdma.max", text);

	if (err)
		fail(where, "write '%s': %s", quoted(text), strerror(-err));
}

/* Linux 5.10 keeps a removed cgroup as long as it has pages in the cache. */
void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	/* Without the right to, this shows in what is still there. */
	if (fd < 0 || write(fd, "3", 1) != 1)
		ksft_print_msg("cannot drop caches: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* How many cgroups of this program were removed, but are not freed yet. */
long nr_dying(const char *root)
{
	int nr_cgroups = 0;

	drop_caches();
	if (current->unified)
		return cg_read_key_long(root, "cgroup.stat",
					"nr_dying_descendants ");
	if (!current->own_mount)
		skip("others may have cgroups in this hierarchy");
	hierarchy_of_rdma(&nr_cgroups);
	return nr_cgroups - 2;	/* the root and ours */
}

/* All that were removed, whatever happened in them. */
int removed_cgroups_are_freed(const char *root)
{
	expect(becomes(!nr_dying(root)), "%ld are not", nr_dying(root));
	return KSFT_PASS;
}
