// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: devices that come, go and change names.
 *
 * - Each device has its own limits and counts from its registration to its
 *   removal. The next device of that name starts without any.
 * - A device can be removed while it is in use.
 * - A new name changes nothing else, and no file ever shows part of a name.
 * - Devices with the same name, which net namespaces allow, are told apart by an
 *   index, which no other device has.
 * - A device keeps its limits when it moves to another net namespace and back.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

static bool is_listed(const char *cgroup, const char *device)
{
	char line[256];
	bool in_max = find_line(cgroup, "rdma.max", device, line, sizeof(line));

	return find_line(cgroup, "rdma.current", device, line, sizeof(line)) ||
	       in_max;
}

static int test_devices_are_independent(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder one, other;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=1");
	set_limit(cgroup, siw(), "hca_object=3");
	expect_limit(cgroup, rxe(), 1, 1);
	expect_limit(cgroup, siw(), NO_LIMIT, 3);
	one = hold_pds(cgroup, rxe(), 0);
	other = hold_pds(cgroup, siw(), 0);
	expect_refusal_after(&one, PD, 1);
	expect_refusal_after(&other, PD, 3);
	expect_refusal_after(&one, CONTEXT, 0);
	expect_make(&other, CONTEXT, 1);
	expect_usage(cgroup, rxe(), 1, 1);
	expect_usage(cgroup, siw(), 2, 3);
	release(&one);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_usage(cgroup, siw(), 2, 3);
	return KSFT_PASS;
}

static int test_device_added_later(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder before = hold_pds(cgroup, rxe(), 2);
	struct device *guest;
	struct holder holder;

	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect(write_limit(cgroup, GUEST_NAME, "hca_handle=1") == -ENODEV,
	       "limit before it is there");
	guest = guest_device();
	expect_limit(cgroup, guest, NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, guest, 0, 0);
	set_limit(cgroup, guest, "hca_object=1");
	holder = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, guest, 1, 1);
	expect_usage(cgroup, rxe(), 1, 2);
	release(&before);
	return KSFT_PASS;
}

static pid_t start_removal(const char *name)
{
	pid_t pid = spawn();

	if (!pid)
		exit(remove_device(name) ? EXIT_FAILURE : EXIT_SUCCESS);
	if (!becomes(find_device(name, false) < 0))
		fail(HERE, "%s is not being removed", name);
	return pid;
}

/* Whether the driver can take a context from its user, as its function tells. */
static bool takes_contexts_away(const struct device *device)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[512], name[256], wanted[64];
	bool known = false, found = false;

	snprintf(wanted, sizeof(wanted), "%s_disassociate_ucontext",
		 device->driver);
	while (symbols && !found && fgets(line, sizeof(line), symbols)) {
		known = sscanf(line, "%*s %*s %255s", name) == 1;
		found = known && !strcmp(name, wanted);
	}
	if (symbols)
		fclose(symbols);
	if (!known)
		skip("no /proc/kallsyms, which tells what removal waits for");
	return found;
}

static int test_device_deleted_while_open(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest = guest_device();
	struct holder holder = hold_pds(cgroup, guest, 3);
	struct holder other = hold_pds(cgroup, rxe(), 2);
	pid_t removal;

	set_limit(cgroup, guest, "hca_handle=2 hca_object=4");
	removal = start_removal(GUEST_NAME);
	if (takes_contexts_away(guest)) {
		reap(removal);
		expect_outcome(HERE, "PD of a removed device",
			       ask(&holder, make, PD, 1), 0, EIO);
	} else {
		/* Until the user closes it, all works and counts as before. */
		expect_usage(cgroup, guest, 1, 3);
		expect_refusal_after(&holder, PD, 1);
		expect_drop(&holder, PD, 2);
		expect_usage(cgroup, guest, 1, 2);
		expect_usage(root, guest, 1, 2);
		expect_drop(&holder, PD, 2);
		expect_drop(&holder, CONTEXT, 1);
		reap(removal);
	}
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect(!is_listed(root, GUEST_NAME), "it is");
	expect(write_limit(cgroup, GUEST_NAME, "hca_handle=1") == -ENODEV,
	       "limit after it has gone");
	expect_usage(cgroup, rxe(), 1, 2);
	expect_drop(&other, PD, 2);
	expect_usage(cgroup, rxe(), 1, 0);
	/* The holder has survived; what it still has open counts nowhere. */
	release(&holder);
	expect_usage(cgroup, rxe(), 1, 0);

	/* The next of that name is another device. */
	remove_link(GUEST_NAME);
	guest = guest_device();
	expect_limit(cgroup, guest, NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, guest, 0, 0);
	return KSFT_PASS;
}

static int test_device_deleted_and_its_user_killed(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, guest_device());
	pid_t removal;

	removal = start_removal(GUEST_NAME);
	crash(&holder);
	reap(removal);
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect_usage(cgroup, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_devices_come_and_go_under_load(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	struct holder steady = hold_pds(cgroup, rxe(), 2);
	int round;

	for (round = 0; round < 4; round++) {
		struct device *guest = guest_device();
		struct holder opener = hold(cgroup, guest);
		struct holder user = hold_pds(cgroup, guest, 1);
		pid_t removal;
		int i;

		expect_limit(parent, guest, NO_LIMIT, NO_LIMIT);
		set_race(RACE_AHEAD);
		start(&opener, churn, CONTEXT, 0);
		start(&user, churn, PD, 0);
		set_race(RACE_ON);
		for (i = 0; i < 10; i++)
			set_limit_of(parent, guest, "hca_object", 2 + i % 3);
		removal = start_removal(GUEST_NAME);
		for (i = 0; i < 10; i++) {
			int err = write_limit(cgroup, GUEST_NAME, "hca_object=3");

			expect(!err || err == -ENODEV, "it is %d", err);
			expect_usage(cgroup, rxe(), 1, 2);
		}
		crash(&user);
		crash(&opener);
		reap(removal);
		expect(!is_listed(cgroup, GUEST_NAME), "it is");
		expect(!is_listed(parent, GUEST_NAME), "it is");
		remove_link(GUEST_NAME);
	}
	expect_usage(parent, rxe(), 1, 2);
	release(&steady);
	expect_usage(parent, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_device_renamed(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, guest_device(), 2);
	int i;

	set_limit(cgroup, &(struct device){ .name = GUEST_NAME },
		  "hca_handle=1 hca_object=3");
	for (i = 0; i < 2; i++) {
		const char *from = i ? LONG_NAME : GUEST_NAME;
		const char *to = i ? GUEST_NAME : LONG_NAME;
		int err = rename_device(from, to);

		expect(!err, "to %s: %s", to, strerror(-err));
		expect(!is_listed(cgroup, from), "%s is", from);
		expect_values(HERE, cgroup, "rdma.max", to, 1, 3);
		expect_values(HERE, cgroup, "rdma.current", to, 1, 2);
		expect(write_limit(cgroup, from, "hca_object=9") == -ENODEV,
		       "the old name %s can still be written", from);
		expect_refusal_after(&holder, PD, 1);
		expect_values(HERE, cgroup, "rdma.current", to, 1, 3);
		expect_drop(&holder, PD, 1);
		expect(!write_limit(cgroup, to, "hca_handle=1"), "limit %s", to);
	}
	release(&holder);
	expect_values(HERE, cgroup, "rdma.current", GUEST_NAME, 0, 0);
	return KSFT_PASS;
}

/*
 * What is read while it is copied shows best if names are long, and differ in
 * most of their letters.
 */
static const char * const renamed[] = {
	GUEST_NAME "_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	GUEST_NAME "_bbbbbbbbbbbbbbbbbbbbbbbbbbb",
};

/* Two that share a CPU take turns, and hardly ever meet. */
static void stay_on_cpu(int nr)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(nr, &cpus);
	/* There may be no such CPU: then this goes on where it is. */
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Renames the device back and forth while the race lasts, as fast as it can. */
static void rename_when_racing(int index)
{
	int i, fd = open_renaming();

	for (i = 1; race() == RACE_ON; i++) {
		int err = rename_by_index(fd, index, renamed[i % 2]);

		expect(!err, "to %s: %s", renamed[i % 2], strerror(-err));
		one_done();
	}
}

/* There is one line of the device, under one of its names. */
static bool is_torn(const char *text)
{
	const char *at = strstr(text, GUEST_NAME);
	size_t len = at ? strcspn(at, "\n ") : 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(renamed); i++)
		if (len == strlen(renamed[i]) && !memcmp(at, renamed[i], len))
			return strstr(at + len, GUEST_NAME);
	return true;
}

static int test_device_renamed_under_load(const char *root)
{
	enum { RENAMES = 20000 };
	char *cgroup = new_cgroup(root, "a");
	int index, reads, i, nr = 0, nr_torn = 0;
	char text[FILE_SIZE], torn[FILE_SIZE] = "";
	int fd[ARRAY_SIZE(files)];
	pid_t renamer;

	set_limit(cgroup, guest_device(), "hca_object=7");
	index = find_device(GUEST_NAME, false);
	expect(!rename_device(GUEST_NAME, renamed[0]), "rename it");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd[nr] = open(cg_control(cgroup, files[i]), O_RDONLY | O_CLOEXEC);
		nr += fd[nr] >= 0;
	}
	set_race(RACE_ON);
	renamer = spawn();
	stay_on_cpu(!renamer);
	if (!renamer) {
		rename_when_racing(index);
		exit(KSFT_PASS);
	}
	for (reads = 0; nr_done() < RENAMES; reads++) {
		ssize_t len = pread(fd[reads % nr], text, sizeof(text) - 1, 0);

		expect(len > 0, "read: %s", strerror(errno));
		text[len] = 0;
		if (is_torn(text)) {
			nr_torn++;
			memcpy(torn, text, len + 1);
		}
		if (reads % 64)
			continue;
		i = write_limit(cgroup, renamed[0], "hca_object=7");
		expect(!i || i == -ENODEV, "it is %d", i);
		expect(!waitpid(renamer, NULL, WNOHANG), "the renamer has ended");
	}
	set_race(RACE_OVER);
	waitpid(renamer, &i, 0);
	expect(!i, "status %#x of the renamer", i);
	expect(!nr_torn, "%d of %d, after %d renames, the last:\n%s", nr_torn,
	       reads, nr_done(), torn);
	expect_values(HERE, cgroup, "rdma.max", renamed[nr_done() % 2],
		      NO_LIMIT, 7);
	return KSFT_PASS;
}

/*
 * Devices of one name, in net namespaces of their own
 */

static struct outcome use_own_device(int unused, int unused2)
{
	static struct device own = { .name = GUEST_NAME, .driver = "rxe" };

	own.verbs = find_verbs(own.name);
	use_device(&own);
	return outcome_if(true);
}

static struct outcome rename_own_device(int unused, int unused2)
{
	int err = rename_device(shared->path, shared->text);

	return (struct outcome){ !err, -err };
}

static struct outcome see_line(int file, int unused)
{
	char line[256];

	return (struct outcome){ find_line(shared->path, files[file],
					   shared->text, line, sizeof(line)) };
}

/* A holder in a net namespace, where it has a device and sees no other. */
static struct holder hold_twin(const char *cgroup)
{
	static struct device twin = { .name = TWIN_NAME, .driver = "rxe" };
	struct holder holder = occupy(cgroup);
	int err;

	rxe();
	if (devices_are_shared() < 0)
		skip("the kernel has no mode for devices in net namespaces");
	if (devices_are_shared()) {
		/* Namespaces of tests before this one may be about to end. */
		if (!becomes(share_devices(false) != -EBUSY))
			skip("there are other net namespaces, with which the mode of devices cannot change");
		expect(!devices_are_shared(), "they still are");
		shared->exclusive = true;
	}
	expect_outcome(HERE, "enter a namespace",
		       ask(&holder, enter_namespaces, CLONE_NEWNET, 0), 1, 0);
	expect(!add_device(&twin), "%s", twin.missing);
	shared->twin = find_device(TWIN_NAME, false);
	err = move_device(shared->twin, holder.pid, NULL);
	if (err == -EOPNOTSUPP) {
		remove_device(TWIN_NAME);
		shared->twin = 0;
		skip("rxe cannot move to another net namespace: is the kernel older than 7.3?");
	}
	expect(!err, "move it: %s", strerror(-err));
	expect(!is_here(shared->twin), "it is");
	return holder;
}

/* A name with an index. So its line begins, and a line written to it. */
static struct device labelled(int index)
{
	char *label = malloc(DEVICE_NAME_MAX);

	snprintf(label, DEVICE_NAME_MAX, GUEST_NAME " index=%d", index);
	return (struct device){ .name = label };
}

struct twins {
	struct holder holder;		/* of the twin, in its namespace */
	struct device twin, other;	/* registered in this order */
	struct device *guest;		/* the other, as verbs know it */
};

static struct twins make_twins(const char *cgroup)
{
	struct twins twins = { hold_twin(cgroup) };
	int err;

	twins.guest = guest_device();
	err = attempt(&twins.holder, rename_own_device, 0, TWIN_NAME, GUEST_NAME);
	if (err == EEXIST)
		skip("no two devices can have one name here");
	expect(!err, "take the other's name: %s", strerror(err));
	twins.twin = labelled(shared->twin);
	twins.other = labelled(find_device(GUEST_NAME, false));
	return twins;
}

/* Both have their line in each file, in order, and no other has an index. */
static void expect_twins(const char *where, const char *cgroup,
			 const struct twins *twins)
{
	char text[FILE_SIZE], *first, *second;
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		first = strstr(text, GUEST_NAME);
		second = first ? strstr(first + 1, GUEST_NAME) : NULL;
		if (!second || strstr(second + 1, GUEST_NAME) ||
		    strncmp(first, twins->twin.name, strlen(twins->twin.name)) ||
		    strncmp(second, twins->other.name, strlen(twins->other.name)) ||
		    strstr(text, "index=") < first ||
		    strstr(strchr(second, '\n'), "index="))
			fail(where, "%s is:\n%s", files[i], text);
	}
}

/* Nor does anything have an index once the names differ. */
static void expect_names(const char *where, const char *cgroup,
			 const char *first, const char *second)
{
	char text[FILE_SIZE], line[256];
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		if (strstr(text, "index=") ||
		    !find_line(cgroup, files[i], first, line, sizeof(line)) ||
		    !find_line(cgroup, files[i], second, line, sizeof(line)))
			fail(where, "%s is:\n%s", files[i], text);
	}
}

static int test_twins_are_told_apart_by_index(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	char line[128];

	expect_twins(HERE, cgroup, &twins);
	refuses(cgroup, GUEST_NAME " hca_handle=1", ENOTUNIQ);
	refuses(cgroup, GUEST_NAME " index=4294967295 hca_handle=1", ENODEV);
	set_limit(cgroup, &twins.other, "hca_handle=2 hca_object=9");
	refuses(cgroup, GUEST_NAME " hca_handle=max", ENOTUNIQ);
	snprintf(line, sizeof(line), "%s hca_handle=1x", twins.twin.name);
	refuses(cgroup, line, EINVAL);
	expect_limit(cgroup, &twins.twin, NO_LIMIT, NO_LIMIT);
	set_limit(cgroup, &twins.twin, "hca_object=4");
	expect_limit(cgroup, &twins.twin, NO_LIMIT, 4);
	expect_limit(cgroup, &twins.other, 2, 9);
	return KSFT_PASS;
}

static int test_twins_are_limited_apart(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	struct holder holder;

	set_limit(cgroup, &twins.twin, "hca_object=3");
	set_limit(cgroup, &twins.other, "hca_object=1");
	expect_outcome(HERE, "find the twin",
		       ask(&twins.holder, use_own_device, 0, 0), 1, 0);
	expect_make(&twins.holder, CONTEXT, 1);
	holder = hold_pds(cgroup, twins.guest, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_refusal_after(&twins.holder, PD, 3);
	expect_refusal_after(&twins.holder, PD, 0);
	expect_usage(cgroup, &twins.twin, 1, 3);
	expect_usage(cgroup, &twins.other, 1, 1);
	expect_events_of(cgroup, &twins.twin, 0, 0, 2, 2);
	expect_events_of(cgroup, &twins.other, 0, 0, 1, 1);
	expect_drop(&twins.holder, PD, 3);
	expect_usage(cgroup, &twins.twin, 1, 0);
	expect_usage(cgroup, &twins.other, 1, 1);
	expect_peak(cgroup, &twins.twin, 1, 3);
	expect_peak(cgroup, &twins.other, 1, 1);
	release(&holder);
	expect_usage(cgroup, &twins.other, 0, 0);
	expect_usage(root, &twins.twin, 1, 0);
	return KSFT_PASS;
}

/* With the second of a name its index goes, whichever way that goes. */
static int test_index_goes_with_the_twin(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	char line[256];
	int i;

	set_limit(cgroup, &twins.twin, "hca_object=3");
	set_limit(cgroup, &twins.other, "hca_object=1");
	expect(!attempt(&twins.holder, rename_own_device, 0, GUEST_NAME,
			LONG_NAME), "rename the twin");
	expect_names(HERE, cgroup, LONG_NAME, GUEST_NAME);
	expect_limit(cgroup, twins.guest, NO_LIMIT, 1);
	accepts(cgroup, GUEST_NAME " hca_handle=4", NO_LIMIT, NO_LIMIT);
	accepts(cgroup, LONG_NAME " hca_handle=5", NO_LIMIT, NO_LIMIT);
	expect(!attempt(&twins.holder, rename_own_device, 0, LONG_NAME,
			GUEST_NAME), "rename the twin again");
	expect_twins(HERE, cgroup, &twins);
	expect_limit(cgroup, &twins.twin, 5, 3);
	expect_limit(cgroup, &twins.other, 4, 1);

	expect(!remove_device(GUEST_NAME), "remove the other");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		expect(find_line(cgroup, files[i], GUEST_NAME, line,
				 sizeof(line)) && !strstr(line, "index="),
		       "%s has '%s'", files[i], line);
	}
	expect_limit(cgroup, twins.guest, 5, 3);
	return KSFT_PASS;
}

/* A move takes contexts away, but keeps limits and history. */
static int test_moved_device_keeps_its_limits(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder there = hold_twin(cgroup);
	struct holder here;
	struct device moved = { .name = LONG_NAME };
	struct device *guest = guest_device();
	int index = find_device(GUEST_NAME, false);

	set_limit(cgroup, guest, "hca_handle=1 hca_object=3");
	here = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&here, PD, 3);
	expect_refusal_after(&here, CONTEXT, 0);

	/* Into a namespace, under another name. */
	expect(!move_device(index, there.pid, LONG_NAME), "move it");
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect_usage(cgroup, &moved, 0, 0);
	expect_limit(cgroup, &moved, 1, 3);
	expect_peak(cgroup, &moved, 1, 3);
	expect_events_of(cgroup, &moved, 1, 1, 1, 1);
	expect_outcome(HERE, "PD of a moved device", ask(&here, make, PD, 1),
		       0, EIO);
	expect(!attempt(&there, rename_own_device, 0, LONG_NAME, GUEST_NAME),
	       "rename it there");
	expect_outcome(HERE, "find it", ask(&there, use_own_device, 0, 0), 1, 0);
	expect_make(&there, CONTEXT, 1);
	expect_refusal_after(&there, PD, 3);
	expect_usage(cgroup, guest, 1, 3);

	/* What the first holder has open is nothing by now. */
	release(&here);
	expect_usage(cgroup, guest, 1, 3);
	expect_usage(root, guest, 1, 3);
	release(&there);
	expect_usage(cgroup, guest, 0, 0);
	return KSFT_PASS;
}

/* The kernel takes the device back, and gives it a name that is free there. */
static int test_namespace_ends_under_load(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	struct holder heir = hold_pds(cgroup, rxe(), 0);
	char name[DEVICE_NAME_MAX];
	struct device back = { .name = name };

	snprintf(name, sizeof(name), "ibdev%d", shared->twin);
	set_limit(cgroup, &twins.twin, "hca_object=3");
	expect_outcome(HERE, "find the twin",
		       ask(&twins.holder, use_own_device, 0, 0), 1, 0);
	expect_make(&twins.holder, CONTEXT, 1);

	/* An heir outside goes on with it, which does not keep the namespace. */
	expect_outcome(HERE, "pass", ask(&twins.holder, pass_context, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(&heir, take_context, 0, 0), 1, 0);
	expect_make(&heir, PD, 1);
	expect_usage(cgroup, &twins.twin, 1, 1);
	start(&heir, churn, PD, 0);
	start(&twins.holder, churn, PD, 0);
	set_race(RACE_ON);
	crash(&twins.holder);
	expect(becomes(is_here(shared->twin)), "it does not come back");
	set_race(RACE_OVER);
	outcome_of(&heir);
	expect_names(HERE, cgroup, name, GUEST_NAME);
	expect_limit(cgroup, &back, NO_LIMIT, 3);
	expect_usage(cgroup, &back, 0, 0);
	expect_usage(root, &back, 0, 0);
	release(&heir);
	expect_usage(root, &back, 0, 0);
	return KSFT_PASS;
}

/* The files tell a container of devices that it cannot use. */
static int test_container_sees_all_devices(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	int i;

	snprintf(shared->path, sizeof(shared->path), "%s", cgroup);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(shared->text, sizeof(shared->text), "%s",
			 twins.twin.name);
		expect_outcome(HERE, files[i],
			       ask(&twins.holder, see_line, i, 0), 1, 0);
		snprintf(shared->text, sizeof(shared->text), "%s",
			 twins.other.name);
		expect_outcome(HERE, files[i],
			       ask(&twins.holder, see_line, i, 0), 1, 0);
	}
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_devices_are_independent),
	T(test_device_added_later),
	T(test_device_deleted_while_open),
	T(test_device_deleted_and_its_user_killed),
	T(test_devices_come_and_go_under_load),
	T(test_device_renamed),
	T(test_device_renamed_under_load),
	T(test_twins_are_told_apart_by_index),
	T(test_twins_are_limited_apart),
	T(test_index_goes_with_the_twin),
	T(test_moved_device_keeps_its_limits),
	T(test_namespace_ends_under_load),
	T(test_container_sees_all_devices),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
