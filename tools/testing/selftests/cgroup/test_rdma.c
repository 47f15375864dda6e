// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: limits, in one cgroup and in a hierarchy.
 *
 * - Each verbs object counts as one, in the cgroup of the task that made it and in
 *   all cgroups above, with or without a limit, until it is destroyed.
 * - Exactly as many objects of any kind can be made as the limit allows, however
 *   many threads, processes and cgroups try at the same time.
 * - A refused charge is counted nowhere and does not affect other cgroups.
 * - What only the driver refuses, what has no object ID, and what the kernel makes
 *   for itself is not counted.
 * - A limit can be set below the usage, and be removed.
 * - A default limit applies to each device without a limit of its own.
 * - A write of several lines takes effect as a whole or not at all.
 *
 * Usage: test_rdma [-l] [PART-OF-NAME]	for instance: test_rdma v1:test_handle
 *
 * Runs the cases with that part in their names, or lists them with -l. All
 * test_rdma programs take these arguments.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

/*
 * Counts and limits
 */

static int test_counts_without_any_limit(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_usage(cgroup, rxe(), 0, 0);
	expect_make(&holder, CONTEXT, 3);
	expect_make(&holder, PD, 20);
	expect_usage(cgroup, rxe(), 3, 20);
	expect_usage(root, rxe(), 3, 20);
	expect_drop(&holder, PD, 19);
	expect_usage(cgroup, rxe(), 3, 1);
	expect_drop(&holder, PD, 1);
	expect_drop(&holder, CONTEXT, 3);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_usage(root, rxe(), 0, 0);
	release(&holder);
	return KSFT_PASS;
}

static int check_limit_is_exact(const char *root, int kind, crowd_fn *gather)
{
	static const int limits[] = { 0, 1, 2, 17 };
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		char name[] = { 'a' + i, 0 };
		char *cgroup = new_cgroup(root, name);
		struct crowd crowd;

		crowd = crowd_at_limit(cgroup, kind, limits[i], gather);
		release_crowd(&crowd);
		expect_usage(cgroup, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

static int test_handle_limit_is_exact(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, one_thread);
}

static int test_handle_limit_is_exact_for_threads(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_threads);
}

static int test_handle_limit_is_exact_for_processes(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_processes);
}

static int test_handle_limit_is_exact_for_cgroups(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_cgroups);
}

static int test_object_limit_is_exact(const char *root)
{
	return check_limit_is_exact(root, PD, one_thread);
}

static int test_object_limit_is_exact_for_threads(const char *root)
{
	return check_limit_is_exact(root, PD, many_threads);
}

static int test_object_limit_is_exact_for_processes(const char *root)
{
	return check_limit_is_exact(root, PD, many_processes);
}

static int test_object_limit_is_exact_for_cgroups(const char *root)
{
	return check_limit_is_exact(root, PD, many_cgroups);
}

/* Two cgroups fight for what their parent has, and never get more of it. */
static int test_usage_never_passes_limit(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *child[] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	const int parent_limit = BATCH + 1, child_limit = BATCH - 1;
	int i, made_in_all = 0, refused = 0;
	struct crowd crowd = {};

	set_limit_of(parent, rxe(), "hca_object", parent_limit);
	for (i = 0; i < 4; i++) {
		set_limit_of(child[i % 2], rxe(), "hca_object", child_limit);
		join_crowd(&crowd, child[i % 2], churn, PD, 0);
	}
	set_race(RACE_ON);
	for (i = 0; i < 200; i++) {
		long seen = read_values(parent, "rdma.current", RXE_NAME).objects;

		expect(seen >= 0 && seen <= parent_limit, "%ld", seen);
		seen = read_values(child[i % 2], "rdma.current", RXE_NAME).objects;
		expect(seen >= 0 && seen <= child_limit, "%ld", seen);
	}
	set_race(RACE_OVER);
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(outcome.err != -1, "a verb failed, and not with EAGAIN");
		made_in_all += outcome.done;
		refused += outcome.err == EAGAIN;
	}
	expect(made_in_all, "nothing was let through");
	expect(refused, "nothing was refused");
	expect_usage(parent, rxe(), 4, 0);
	expect_usage(child[0], rxe(), 2, 0);
	expect_usage(child[1], rxe(), 2, 0);
	return KSFT_PASS;
}

static int check_kinds_count_one(const char *root, const struct device *device)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, device);
	enum kind kinds[NR_KINDS];
	int i, count, nr = find_kinds(device, kinds);

	for (i = 0; i < nr; i++) {
		const char *name = kind_names[kinds[i]];

		for (count = 1; count <= 3; count++) {
			expect_make(&holder, kinds[i], 1);
			expect_values(name, cgroup, "rdma.current",
				      device->name, 1, 2 + count);
		}
		expect_drop(&holder, kinds[i], 3);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 2);
	}
	/* What is left to the kernel to drop. */
	for (i = 0; i < nr; i++)
		expect_make(&holder, kinds[i], 1);
	expect_usage(cgroup, device, 1, 2 + nr);
	release(&holder);
	expect_usage(cgroup, device, 0, 0);
	return KSFT_PASS;
}

static int test_rxe_objects_count_one_each(const char *root)
{
	return check_kinds_count_one(root, rxe());
}

static int test_siw_objects_count_one_each(const char *root)
{
	return check_kinds_count_one(root, siw());
}

static int check_kinds_are_refused(const char *root, const struct device *device)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, device);

	set_limit(cgroup, device, "hca_handle=1 hca_object=3");
	expect_kinds_are_refused(&holder, cgroup, device);
	return KSFT_PASS;
}

static int test_rxe_objects_are_refused(const char *root)
{
	return check_kinds_are_refused(root, rxe());
}

static int test_siw_objects_are_refused(const char *root)
{
	return check_kinds_are_refused(root, siw());
}

/* A completion channel is a file, and has no ID. */
static int test_channel_is_no_object(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=0");
	holder = hold(cgroup, rxe());
	expect_make(&holder, CONTEXT, 1);
	expect_make(&holder, CHANNEL, 3);
	expect_usage(cgroup, rxe(), 1, 0);
	expect_drop(&holder, CHANNEL, 3);
	expect_usage(cgroup, rxe(), 1, 0);
	return KSFT_PASS;
}

/* Something else than the controller refuses it, before or after the charge. */
static int test_failed_verb_leaves_no_count(const char *root)
{
	static const enum kind kinds[] = { BAD_MR, BAD_AH, BAD_CQ };
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, rxe());
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *name = kind_names[kinds[i]];
		struct outcome outcome = ask(&holder, make, kinds[i], 1);

		expect(!outcome.done, "made: %s", name);
		expect(outcome.err && outcome.err != EAGAIN, "%s: it is %d",
		       name, outcome.err);
		expect_values(name, cgroup, "rdma.current", RXE_NAME, 1, 2);
	}
	return KSFT_PASS;
}

static struct outcome add_guest_device(int unused, int unused2)
{
	guest_device();
	return (struct outcome){ 1, 0 };
}

/* The kernel makes PDs, CQs and QPs of its own where a device comes up. */
static int test_kernel_users_are_not_charged(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_outcome(HERE, "add a device",
		       ask(&holder, add_guest_device, 0, 0), 1, 0);
	expect_values(HERE, cgroup, "rdma.current", GUEST_NAME, 0, 0);
	expect_values(HERE, root, "rdma.current", GUEST_NAME, 0, 0);
	return KSFT_PASS;
}

/*
 * Hierarchy
 */

static int test_parent_limit_binds_children(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *first = new_cgroup(parent, "a");
	char *second = new_cgroup(parent, "b");
	struct holder one, other;

	set_limit(parent, rxe(), "hca_handle=2 hca_object=3");
	one = hold_pds(first, rxe(), 2);
	other = hold_pds(second, rxe(), 0);
	expect_refusal_after(&other, CONTEXT, 0);
	expect_refusal_after(&other, PD, 1);
	expect_refusal_after(&one, PD, 0);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 1, 1);
	expect_usage(parent, rxe(), 2, 3);

	/* What one gives back the other may have. */
	expect_drop(&one, PD, 1);
	expect_refusal_after(&other, PD, 1);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 1, 2);
	expect_usage(parent, rxe(), 2, 3);
	return KSFT_PASS;
}

/* Each level but one has room. Wherever that one is, nothing stays counted. */
static int test_refusal_is_rolled_back_at_every_level(const char *root)
{
	char *level[4];
	struct holder holder;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	holder = hold_pds(level[3], rxe(), 2);
	for (i = 0; i < ARRAY_SIZE(level); i++) {
		set_limit(level[i], rxe(), "hca_handle=1 hca_object=2");
		expect_refusal_after(&holder, PD, 0);
		expect_refusal_after(&holder, CONTEXT, 0);
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_usage(level[j], rxe(), 1, 2);
		set_limit(level[i], rxe(), "hca_handle=max hca_object=max");
	}
	expect_make(&holder, PD, 1);
	expect_usage(level[0], rxe(), 1, 3);
	return KSFT_PASS;
}

static int test_sibling_is_unharmed(const char *root)
{
	char *greedy = new_cgroup(root, "a");
	char *modest = new_cgroup(root, "b");
	struct holder one, other;
	int i;

	set_limit(greedy, rxe(), "hca_handle=1 hca_object=2");
	set_limit(modest, rxe(), "hca_object=4");
	one = hold_pds(greedy, rxe(), 2);
	other = hold_pds(modest, rxe(), 1);
	for (i = 0; i < 50; i++) {
		expect_refusal_after(&one, PD, 0);
		expect_refusal_after(&one, CONTEXT, 0);
	}
	expect_usage(greedy, rxe(), 1, 2);
	expect_usage(modest, rxe(), 1, 1);
	expect_refusal_after(&other, PD, 3);
	expect_usage(greedy, rxe(), 1, 2);
	expect_usage(modest, rxe(), 1, 4);
	expect_usage(root, rxe(), 2, 6);
	return KSFT_PASS;
}

static int test_deep_hierarchy(const char *root)
{
	char *level[32];
	struct holder holder;
	int i;

	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	set_limit(level[0], rxe(), "hca_object=2");
	holder = hold_pds(level[ARRAY_SIZE(level) - 1], rxe(), 1);
	expect_refusal_after(&holder, PD, 1);
	for (i = 0; i < ARRAY_SIZE(level); i++)
		expect_usage(level[i], rxe(), 1, 2);
	release(&holder);
	for (i = 0; i < ARRAY_SIZE(level); i++)
		expect_usage(level[i], rxe(), 0, 0);
	return KSFT_PASS;
}

/*
 * Limits that change while objects live
 */

static int test_limit_below_usage(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, rxe(), 5);

	set_limit(cgroup, rxe(), "hca_handle=0 hca_object=3");
	expect_limit(cgroup, rxe(), 0, 3);
	expect_usage(cgroup, rxe(), 1, 5);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_drop(&holder, PD, 2);
	expect_refusal_after(&holder, PD, 0);
	expect_drop(&holder, PD, 1);
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, rxe(), 1, 3);
	set_limit(cgroup, rxe(), "hca_object=4");
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, rxe(), 1, 4);
	return KSFT_PASS;
}

static int test_reset_to_max(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=2");
	set_limit(cgroup, rxe(), "hca_handle=max hca_object=max");
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=2");
	holder = hold_pds(cgroup, rxe(), 1);
	expect_refusal_after(&holder, PD, 1);
	set_limit(cgroup, rxe(), "hca_handle=max");
	expect_refusal_after(&holder, PD, 0);
	set_limit(cgroup, rxe(), "hca_object=max");
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, rxe(), 1, 2);
	expect_make(&holder, PD, 20);
	expect_make(&holder, CONTEXT, 2);
	expect_usage(cgroup, rxe(), 3, 22);
	release(&holder);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	return KSFT_PASS;
}

/*
 * Defaults, and several lines in a write
 */

static int test_lines_are_set_together(const char *root)
{
	char *cgroup = limited_cgroup(root);

	writes(cgroup, RXE_NAME " hca_handle=1\n" SIW_NAME " hca_object=2\n");
	expect_limit(cgroup, rxe(), 1, 6);
	expect_limit(cgroup, siw(), NO_LIMIT, 2);
	writes(cgroup, RXE_NAME " hca_handle=3\n\n" RXE_NAME " hca_object=4");
	expect_limit(cgroup, rxe(), 3, 4);

	refuses(cgroup, RXE_NAME " hca_handle=7\n" SIW_NAME " hca_object=x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=7\nrdmacg_none hca_object=1", ENODEV);
	refuses(cgroup, "default hca_handle=7\n" SIW_NAME " hca_object=-1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=7\ndefault default", EINVAL);
	return KSFT_PASS;
}

static int test_limits_are_saved_and_restored(const char *root)
{
	static const char * const commands[] = {
		"cat %1$s > %2$s", "cp %1$s %2$s", "tee %2$s < %1$s > /dev/null",
	};
	char *from = limited_cgroup(root), *to = new_cgroup(root, "b");
	char saved[FILE_SIZE], restored[FILE_SIZE], command[2 * PATH_MAX];
	int i;

	siw();
	writes(from, "default hca_handle=9\n" SIW_NAME " hca_object=3");
	read_file(from, "rdma.max", saved);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		writes(to, "default hca_handle=max hca_object=max\n"
		       RXE_NAME " default\n" SIW_NAME " default");
		snprintf(command, sizeof(command), commands[i],
			 cg_control(from, "rdma.max"), cg_control(to, "rdma.max"));
		expect(!system(command), "%s", command);
		read_file(to, "rdma.max", restored);
		expect(!strcmp(saved, restored), "by '%s': expected\n%s, seen\n%s",
		       command, saved, restored);
	}
	return KSFT_PASS;
}

static int test_default_binds_each_device(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct holder holder, other;
	char text[FILE_SIZE];

	writes(parent, "default hca_handle=1 hca_object=2");
	expect_limit(parent, rxe(), 1, 2);
	expect_limit(parent, siw(), 1, 2);
	expect_limit(leaf, rxe(), NO_LIMIT, NO_LIMIT);
	read_file(parent, "rdma.max", text);
	expect(!strncmp(text, "default hca_handle=1 hca_object=2\n", 34),
	       "the first line is not the default's:\n%s", text);
	read_file(leaf, "rdma.max", text);
	expect(!strstr(text, "default"), "a default is inherited:\n%s", text);
	read_file(parent, "rdma.current", text);
	expect(!strstr(text, "default"), "rdma.current has one:\n%s", text);

	holder = hold_pds(leaf, rxe(), 2);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	other = hold_pds(leaf, siw(), 2);
	expect_refusal_after(&other, PD, 0);

	writes(parent, "default hca_object=3");
	expect_refusal_after(&holder, PD, 1);
	expect_refusal_after(&other, PD, 1);
	writes(parent, "default hca_handle=max hca_object=max");
	expect_make(&holder, PD, 5);
	read_file(parent, "rdma.max", text);
	expect(!strstr(text, "default"), "it is still there:\n%s", text);
	return KSFT_PASS;
}

static int test_default_binds_a_device_added_later(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest;
	struct holder holder;
	int i;

	writes(cgroup, "default hca_object=2");
	guest = guest_device();
	for (i = 0; i < 2; i++) {
		if (i)
			expect(!add_device_on_link(guest), "add it again");
		expect_limit(cgroup, guest, NO_LIMIT, 2);
		holder = hold_pds(cgroup, guest, 0);
		expect_refusal_after(&holder, PD, 2);
		release(&holder);
		/* An own limit goes with the device, the default does not. */
		set_limit(cgroup, guest, "hca_object=7");
		expect(!remove_device(GUEST_NAME), "remove it");
	}
	return KSFT_PASS;
}

static int test_own_limit_overrides_the_default(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	siw();
	accepts(cgroup, RXE_NAME " hca_handle=7", 7, NO_LIMIT);
	writes(cgroup, "default hca_handle=2 hca_object=1");
	expect_limit(cgroup, rxe(), 7, 1);
	expect_limit(cgroup, siw(), 2, 1);

	/* "max" exempts a device, also from a default that changes. */
	accepts(cgroup, RXE_NAME " hca_object=max", 7, NO_LIMIT);
	writes(cgroup, "default hca_object=0");
	expect_limit(cgroup, rxe(), 7, NO_LIMIT);
	holder = hold_pds(cgroup, rxe(), 5);

	accepts(cgroup, RXE_NAME " hca_handle=default", 2, NO_LIMIT);
	accepts(cgroup, RXE_NAME " default", 2, 0);
	expect_refusal_after(&holder, PD, 0);

	/* The order of lines in one write does not matter. */
	writes(cgroup, "default hca_object=max");
	writes(cgroup, RXE_NAME " hca_object=max\ndefault hca_object=3");
	expect_limit(cgroup, rxe(), 2, NO_LIMIT);
	return KSFT_PASS;
}

static int test_default_is_no_own_limit_of_a_device(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, "default default", EINVAL);
	refuses(cgroup, "default=default", EINVAL);
	refuses(cgroup, "default hca_handle=default", EINVAL);
	refuses(cgroup, "default index=4294967295 hca_handle=1", ENODEV);
	refuses(cgroup, RXE_NAME " hca_handle=defaults", EINVAL);
	refuses(cgroup, RXE_NAME " default=1", EINVAL);
	/* Without a default there is none to exempt a device from. */
	accepts(cgroup, RXE_NAME " hca_handle=max", NO_LIMIT, 6);
	writes(cgroup, "default hca_handle=4");
	expect_limit(cgroup, rxe(), 4, 6);
	return KSFT_PASS;
}

static int test_device_called_default(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	char text[FILE_SIZE], line[128];
	struct holder holder;
	int err, index;

	holder = hold_pds(cgroup, guest_device(), 1);
	index = find_device(GUEST_NAME, false);
	err = rename_device(GUEST_NAME, "default");
	expect(!err, "rename: %s", strerror(-err));

	snprintf(line, sizeof(line), "default index=%d hca_handle=1 hca_object=1\n",
		 index);
	read_file(cgroup, "rdma.current", text);
	expect(strstr(text, line), "expected %s, seen\n%s", line, text);
	snprintf(line, sizeof(line),
		 "default hca_handle=8\ndefault index=%d hca_object=2", index);
	writes(cgroup, line);
	snprintf(line, sizeof(line), "default index=%d hca_handle=8 hca_object=2\n",
		 index);
	read_file(cgroup, "rdma.max", text);
	expect(strstr(text, line), "expected %s, seen\n%s", line, text);
	expect_refusal_after(&holder, PD, 1);

	expect(!rename_device("default", GUEST_NAME), "rename it back");
	expect_values(HERE, cgroup, "rdma.max", GUEST_NAME, 8, 2);
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_counts_without_any_limit),
	T(test_handle_limit_is_exact),
	T(test_handle_limit_is_exact_for_threads),
	T(test_handle_limit_is_exact_for_processes),
	T(test_handle_limit_is_exact_for_cgroups),
	T(test_object_limit_is_exact),
	T(test_object_limit_is_exact_for_threads),
	T(test_object_limit_is_exact_for_processes),
	T(test_object_limit_is_exact_for_cgroups),
	T(test_usage_never_passes_limit),
	T(test_rxe_objects_count_one_each),
	T(test_siw_objects_count_one_each),
	T(test_rxe_objects_are_refused),
	T(test_siw_objects_are_refused),
	T(test_channel_is_no_object),
	T(test_failed_verb_leaves_no_count),
	T(test_kernel_users_are_not_charged),
	T(test_parent_limit_binds_children),
	T(test_refusal_is_rolled_back_at_every_level),
	T(test_sibling_is_unharmed),
	T(test_deep_hierarchy),
	T(test_limit_below_usage),
	T(test_reset_to_max),
	T(test_lines_are_set_together),
	T(test_limits_are_saved_and_restored),
	T(test_default_binds_each_device),
	T(test_default_binds_a_device_added_later),
	T(test_own_limit_overrides_the_default),
	T(test_default_is_no_own_limit_of_a_device),
	T(test_device_called_default),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
