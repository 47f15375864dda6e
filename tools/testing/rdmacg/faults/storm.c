// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random faults: for some time, tenants make and drop verbs objects while others
 * write limits and make and remove cgroups, and of all they allocate some per
 * cent fails. What they try follows from the seed, what fails does not.
 *
 * A library that lacks memory may lose an object that it made, so nobody knows
 * what is held meanwhile. When all have gone, everything has to be 0.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

#define GROUPS		2
#define LEAVES		2	/* in each group; a tenant in each */
#define TENANTS		(GROUPS * LEAVES)
#define OBJECTS		12	/* of a tenant at a time */
#define PERCENT		2

/* What all processes see. */
static struct {
	bool stop;
	unsigned long made, refused, limits, limits_refused, cgroups, cgroups_refused;
} *shared;

static void count(unsigned long *good, unsigned long *bad, bool is_good)
{
	__atomic_fetch_add(is_good ? good : bad, 1, __ATOMIC_RELAXED);
}

static bool is_over(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static const char *group_path(int group)
{
	static char text[PATH_SIZE];

	snprintf(text, sizeof(text), TOP "/%d", group);
	return text;
}

static const char *leaf_path(int tenant)
{
	static char text[PATH_SIZE];

	snprintf(text, sizeof(text), TOP "/%d/%d", tenant / LEAVES, tenant % LEAVES);
	return text;
}

/* A context comes, has objects, and goes with all that the library has lost. */
static void use_context(const struct device *device)
{
	struct base base = { .verbs = device->verbs };
	struct {
		enum kind kind;
		void *object;
	} held[OBJECTS];
	int nr = 0, steps;

	base.context = object_make(&base, CONTEXT);
	count(&shared->made, &shared->refused, base.context);
	if (!base.context)
		return;
	base.pd = object_make(&base, PD);
	base.cq = object_make(&base, CQ);

	for (steps = roll(4 * OBJECTS); base.pd && base.cq && steps && !is_over(); steps--) {
		if (nr && (nr == OBJECTS || roll(3) == 0)) {
			int which = roll(nr);

			object_drop(held[which].kind, held[which].object);
			held[which] = held[--nr];
			continue;
		}
		held[nr].kind = PD + roll(NR_SIW_KINDS - PD);
		held[nr].object = object_make(&base, held[nr].kind);
		count(&shared->made, &shared->refused, held[nr].object);
		nr += !!held[nr].object;
	}
	object_drop(CONTEXT, base.context);
}

/* Moving needs memory as well. */
static void move(const char *cgroup)
{
	while (cg_enter_current(cgroup))
		sleep_us(1000);
}

static void be_tenant(int number)
{
	const struct device *device;
	char leaf[PATH_SIZE], new[PATH_SIZE];

	snprintf(leaf, sizeof(leaf), "%s", leaf_path(number));
	snprintf(new, sizeof(new), "%.*s-new", PATH_SIZE - 8, leaf);
	cg_must_enter(leaf);
	cg_must_write("/proc/self", "make-it-fail", "1");

	while (!is_over()) {
		device = &devices[roll(nr_devices)];
		if (roll(2) || mkdir(new, 0755)) {
			use_context(device);
			continue;
		}
		/* A cgroup that has no counters yet. */
		move(new);
		use_context(device);
		move(leaf);
		while (rmdir(new))
			sleep_us(1000);
	}
}

/* Limits that are seldom in the way, or none. */
static void write_limits(int unused)
{
	char text[128];

	(void)unused;
	cg_must_write("/proc/self", "make-it-fail", "1");
	while (!is_over()) {
		int tenant = roll(TENANTS + GROUPS);
		const char *device = devices[roll(nr_devices)].name;

		if (roll(2))
			snprintf(text, sizeof(text), "%s hca_object=%d", device, 1 + roll(20));
		else
			snprintf(text, sizeof(text), "%s hca_object=max hca_handle=max", device);
		count(&shared->limits, &shared->limits_refused,
		      !cg_write(tenant < TENANTS ? leaf_path(tenant) :
				group_path(tenant - TENANTS), "rdma.max", text));
		sleep_us(1000);
	}
}

/* Of new ones, with pools of their own. */
static void make_cgroups(int unused)
{
	char path[PATH_SIZE + 8], text[128];

	(void)unused;
	cg_must_write("/proc/self", "make-it-fail", "1");
	while (!is_over()) {
		snprintf(path, sizeof(path), "%s/%d", group_path(roll(GROUPS)), LEAVES);
		snprintf(text, sizeof(text), "%s hca_object=%d",
			 devices[roll(nr_devices)].name, roll(20));
		if (mkdir(path, 0755)) {
			count(&shared->cgroups, &shared->cgroups_refused, false);
			continue;
		}
		count(&shared->cgroups, &shared->cgroups_refused, true);
		cg_write(path, "rdma.max", text);
		while (rmdir(path) && errno == ENOMEM)
			;
	}
}

static void start(void (*work)(int number), int number, unsigned int seed)
{
	pid_t pid = fork_child();

	if (pid < 0)
		err(EXIT_FAILURE, "cannot fork");
	if (pid)
		return;
	dice_take(seed, number);
	work(number);
	_exit(EXIT_SUCCESS);
}

static void make_all(void)
{
	int i;

	cg_must_create(TOP);
	cg_must_write(TOP, "cgroup.subtree_control", "+rdma");
	for (i = 0; i < GROUPS; i++) {
		cg_must_create(group_path(i));
		cg_must_write(group_path(i), "cgroup.subtree_control", "+rdma");
	}
	for (i = 0; i < TENANTS; i++)
		cg_must_create(leaf_path(i));
}

static void expect_nothing(const char *cgroup)
{
	long used[NR_RESOURCES];
	int d;

	for (d = 0; d < nr_devices; d++) {
		read_usage(cgroup, devices[d].name, used);
		if (used[HANDLE] || used[OBJECT])
			complain("%s: %ld handles, %ld objects of %s are left", cgroup,
				 used[HANDLE], used[OBJECT], devices[d].name);
	}
}

static void remove_cgroup(const char *cgroup)
{
	expect_nothing(cgroup);
	if (rmdir(cgroup))
		complain("cannot remove %s: %m", cgroup);
}

static void remove_all(void)
{
	int i;

	for (i = 0; i < TENANTS; i++)
		remove_cgroup(leaf_path(i));
	for (i = 0; i < GROUPS; i++)
		remove_cgroup(group_path(i));
	remove_cgroup(TOP);
}

void fail_all_at_random(unsigned int seed, unsigned int seconds)
{
	unsigned int controller = 0, others = 0;
	int i, status, nr_failed = 0;
	struct told told;
	long until;

	if (!is_wanted("storm") || !seconds)
		return;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		errx(EXIT_FAILURE, "no memory to share: %m");
	printf("# storm: seed %u, %u s, %d %% fail\n", seed, seconds, PERCENT);
	make_all();
	fail_randomly(PERCENT);
	until = now_ms() + seconds * 1000L;
	for (i = 0; i < TENANTS; i++)
		start(be_tenant, i, seed);
	start(write_limits, TENANTS, seed);
	start(make_cgroups, TENANTS + 1, seed);

	while (now_ms() < until) {
		sleep_us(100000);
		read_told(&told, NULL, 0);
		controller += told.controller;
		others += told.others;
	}
	shared->stop = true;
	fail_randomly(0);
	while (wait(&status) > 0)
		nr_failed += !!status;
	if (nr_failed)
		complain("%d processes did not end by themselves", nr_failed);
	remove_all();

	printf("# storm: objects %lu made, %lu refused; limits %lu, %lu; cgroups %lu, %lu; "
	       "%u faults in the controller, %u elsewhere\n", shared->made,
	       shared->refused, shared->limits, shared->limits_refused, shared->cgroups,
	       shared->cgroups_refused, controller, others);
	if (!shared->made || !shared->refused || !controller)
		complain("not enough happened");
	report("storm");
}
