// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts how often a second objects are made and destroyed on a device: by
 * one process, and by one for each CPU, in cgroups of their own three levels
 * deep with one parent. Needs the rdma controller on /sys/fs/cgroup, and root.
 *
 *	verbs-bench DEVICE
 *	verbs-bench DEVICE fairness
 *
 * With fairness, it tells instead how many ns one process takes to make and destroy
 * a PD while a tenant below another top-level cgroup does one thing in a loop.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/cgroup.h"
#include "../lib/guest.h"

#define TOP	"/sys/fs/cgroup/verbs-bench"
#define NEIGHBOUR "/sys/fs/cgroup/verbs-neighbour"
#define RUN_NS	(2 * NS)
#define MAX_SAMPLES 1048576

static const enum kind kinds[] = { PD, CQ, AH };
static struct base base;

static void pair(enum kind kind)
{
	void *object = object_make(&base, kind);

	if (!object || object_drop(kind, object))
		err(1, "%s", kind_names[kind]);
}

static void open_device(const char *name)
{
	base.verbs = find_verbs(name);
	if (!base.verbs)
		errx(1, "there is no device %s", name);
	base.context = object_make(&base, CONTEXT);
	base.pd = base.context ? object_make(&base, PD) : NULL;
	if (!base.pd)
		err(1, "%s", name);
	find_address(&base);
}

static void enter_cgroup(const char *path)
{
	if (access(path, F_OK))
		cg_must_create(path);
	cg_must_enter(path);
}

/* In a process of its own, till it is killed: one refusal after the other. */
static void be_refused(const char *device)
{
	char limit[64];

	enter_cgroup(TOP "/parent/refused");
	open_device(device);
	snprintf(limit, sizeof(limit), "%s hca_object=0", device);
	cg_must_write(TOP "/parent/refused", "rdma.max", limit);
	while (!object_make(&base, PD) && errno == EAGAIN)
		;
	errx(1, "a PD above the limit");
}

/* In a process and a cgroup of its own: how many pairs per second. */
static void run(int number, const char *device, enum kind kind, double *rate)
{
	long began, ended, pairs = 0;
	char path[64];

	snprintf(path, sizeof(path), TOP "/parent/leaf%d", number);
	enter_cgroup(path);
	open_device(device);
	began = now_ns();
	do {
		pair(kind);
		pairs++;
		ended = now_ns();
	} while (ended - began < RUN_NS);
	*rate = (double)pairs * NS / (ended - began);
	/* What the parent has printed is not the child's to print again. */
	_exit(0);
}

static void measure(const char *device, enum kind kind, int processes,
		    const char *remark)
{
	double *rates, sum = 0;
	int number, status;

	rates = mmap(NULL, processes * sizeof(*rates), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rates == MAP_FAILED)
		err(1, "mmap");
	for (number = 0; number < processes; number++)
		if (!fork())
			run(number, device, kind, &rates[number]);
	for (number = 0; number < processes; number++)
		if (wait(&status) < 0 || status)
			errx(1, "a process failed");
	for (number = 0; number < processes; number++)
		sum += rates[number];
	printf("%s, %d at work%s: %.0f\n", kind_names[kind], processes, remark, sum);
	munmap(rates, processes * sizeof(*rates));
}

static const char *target;	/* the device */

/* What a tenant does again and again, in a process of its own, till it is killed. */

static void make_cgroups(void)
{
	for (;;) {
		cg_must_create(TOP "/parent/new");
		if (rmdir(TOP "/parent/new"))
			err(1, "rmdir");
	}
}

static void write_limits(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%s hca_object=1000000", target);
	for (;;)
		cg_must_write(TOP "/parent", "rdma.max", text);
}

/* On stock, which has none, a limit. */
static void write_defaults(void)
{
	static const char text[] = "default hca_handle=1000";
	int fd = open(TOP "/parent/rdma.max", O_WRONLY);

	while (write(fd, text, strlen(text)) > 0)
		;
	write_limits();
}

/* Those that there are. */
static void read_files(void)
{
	static const char * const names[] = { "max", "current", "peak", "events" };
	char path[64], text[4096];
	unsigned int i;
	int fds[ARRAY_SIZE(names)];

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), TOP "/parent/rdma.%s", names[i]);
		fds[i] = open(path, O_RDONLY);
	}
	for (i = 0; ; i = (i + 1) % ARRAY_SIZE(names))
		if (fds[i] >= 0 && pread(fds[i], text, sizeof(text), 0) < 0)
			err(1, "%s", names[i]);
}

/* 6.12 has nothing to poll. */
static void poll_events(void)
{
	struct pollfd poll_fd = { .events = POLLPRI };
	char text[4096];

	poll_fd.fd = open(TOP "/parent/rdma.events", O_RDONLY);
	if (!fork())
		be_refused(target);
	while (poll_fd.fd >= 0) {
		if (pread(poll_fd.fd, text, sizeof(text), 0) < 0)
			err(1, "rdma.events");
		poll(&poll_fd, 1, -1);
	}
	pause();
}

static void be_refused_on_target(void)
{
	be_refused(target);
}

static const struct {
	const char *name;
	void (*func)(void);
} deeds[] = {
	{ "does nothing", NULL },
	{ "makes cgroups", make_cgroups },
	{ "writes limits", write_limits },
	{ "writes defaults", write_defaults },
	{ "reads its files", read_files },
	{ "is refused", be_refused_on_target },
	{ "is refused, and polls", poll_events },
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void measure_beside(unsigned int deed, long *samples)
{
	long nr = 0, before, after;
	pid_t tenant = 0;

	if (deeds[deed].func) {
		tenant = fork();
		if (!tenant) {
			setpgid(0, 0);
			pin(1);
			deeds[deed].func();
		}
		setpgid(tenant, tenant);
		usleep(100000);
	}
	after = now_ns();
	for (before = after; nr < MAX_SAMPLES && after - before < RUN_NS;) {
		long began = after;

		pair(PD);
		after = now_ns();
		samples[nr++] = after - began;
	}
	if (tenant) {
		/* Also what it has started. */
		kill(-tenant, SIGKILL);
		if (waitpid(tenant, NULL, 0) < 0)
			err(1, "wait");
	}
	sort(samples, nr);
	printf("%s, median: %ld\n", deeds[deed].name, samples[nr / 2]);
	printf("%s, 99th percentile: %ld\n", deeds[deed].name, samples[nr - 1 - nr / 100]);
	printf("%s, most: %ld\n", deeds[deed].name, samples[nr - 1]);
}

static void measure_fairness(void)
{
	long *samples = calloc(MAX_SAMPLES, sizeof(*samples));
	unsigned int i;

	if (!samples)
		err(1, "samples");
	cg_must_create(NEIGHBOUR);
	cg_must_write(NEIGHBOUR, "cgroup.subtree_control", "+rdma");
	enter_cgroup(NEIGHBOUR "/leaf");
	open_device(target);
	pin(0);
	for (i = 0; i < ARRAY_SIZE(deeds); i++)
		measure_beside(i, samples);
	free(samples);
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i;
	pid_t neighbour;

	if (argc != 2 && (argc != 3 || strcmp(argv[2], "fairness")))
		errx(2, "usage: verbs-bench DEVICE [fairness]");
	cg_must_create(TOP);
	cg_must_write(TOP, "cgroup.subtree_control", "+rdma");
	cg_must_create(TOP "/parent");
	cg_must_write(TOP "/parent", "cgroup.subtree_control", "+rdma");
	if (argc == 3) {
		target = argv[1];
		measure_fairness();
		return 0;
	}

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		measure(argv[1], kinds[i], 1, "");
		measure(argv[1], kinds[i], cpus, "");
	}
	neighbour = fork();
	if (!neighbour)
		be_refused(argv[1]);
	measure(argv[1], PD, 1, ", a neighbour being refused");
	kill(neighbour, SIGKILL);
	return 0;
}
