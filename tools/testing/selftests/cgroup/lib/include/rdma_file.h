/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups, the controller's files in them, and what is expected there. */
#ifndef RDMA_FILE_H
#define RDMA_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "rdma_case.h"
#include "rdma_device.h"

#define FILE_SIZE	(16 * 1024)
#define NO_LIMIT	2147483647	/* S32_MAX, written as "max" */

#define NR_FILES	5

extern const char * const files[NR_FILES];

char *new_cgroup(const char *parent, const char *name);
char *limited_cgroup(const char *root);
int write_control(const char *cgroup, const char *file, char *text);
void read_file(const char *cgroup, const char *file, char *text);
const char *quoted(const char *text);

int hierarchy_of_rdma(int *nr_cgroups);
void drop_caches(void);
long nr_dying(const char *root);
int removed_cgroups_are_freed(const char *root);

/* Lines. */
bool find_line(const char *cgroup, const char *file, const char *device,
	       char *line, size_t size);
void expect_line(const char *where, const char *cgroup, const char *file,
		 const char *device, const char *expected, bool blank_matters);
long value_of(const char *line, const char *key);

/* Limits, usage and peaks. */
struct values {
	long handles, objects;
};

struct values read_values(const char *cgroup, const char *file,
			  const char *device);
void expect_values(const char *where, const char *cgroup, const char *file,
		   const char *device, long handles, long objects);

#define expect_usage(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.current", (device)->name,	\
		      handles, objects)

#define expect_limit(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.max", (device)->name, handles, objects)

#define expect_peak(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.peak", (device)->name, handles, objects)

/* Refused charges: by a limit, and to tasks. */
struct events {
	long handle_max, handle_fail, object_max, object_fail;
};

struct events read_events(const char *cgroup, const char *file);
void expect_counts(const char *where, const char *cgroup, const char *file,
		   const char *device, struct events events);

#define expect_events_of(cgroup, device, ...)				\
	expect_counts(HERE, cgroup, "rdma.events", (device)->name,	\
		      (struct events){ __VA_ARGS__ })

#define expect_events(cgroup, ...)					\
	expect_events_of(cgroup, rxe(), __VA_ARGS__)

#define expect_local_events(cgroup, ...)				\
	expect_counts(HERE, cgroup, "rdma.events.local", RXE_NAME,	\
		      (struct events){ __VA_ARGS__ })

/* Writes to rdma.max. */
int write_limit(const char *cgroup, const char *device, const char *keys);
void set_limit(const char *cgroup, const struct device *device,
	       const char *keys);
void set_limit_of(const char *cgroup, const struct device *device,
		  const char *key, int limit);
void write_all(const char *where, const char *cgroup, char *text);
void expect_accepted(const char *where, const char *cgroup, char *text,
		     long handles, long objects);
void expect_refused(const char *where, const char *cgroup, char *text,
		    int expected);

#define writes(cgroup, text)	write_all(HERE, cgroup, text)

#define accepts(cgroup, text, handles, objects)				\
	expect_accepted(HERE, cgroup, text, handles, objects)

#define refuses(cgroup, text, expected)					\
	expect_refused(HERE, cgroup, text, expected)

/* Waits for a file to change, in both ways that there are. */
enum { BY_POLL = 1, BY_INOTIFY = 2 };

struct watch {
	char *path;
	bool told;		/* whether it is to be woken */
	int file, inotify;
};

struct watch watch(const char *cgroup, const char *file, bool told);
bool catch_up(const struct watch *watch, char *text);
int woken(const struct watch *watch, int timeout_ms);
void expect_quiet(const char *where, const struct watch *watches, int nr,
		  bool all);
void expect_told(const char *where, const struct watch *watches, int nr);

#endif
