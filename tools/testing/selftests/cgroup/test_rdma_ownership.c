// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: which cgroup a charge belongs to.
 *
 * - It belongs to the cgroup of the task that made the object, even if the task
 *   moves, or another task uses the object.
 * - It lasts until the last user of the object closes it or crashes.
 * - A cgroup can be removed, and the controller be disabled, while objects exist;
 *   the cgroups above go on counting them.
 * - A removed cgroup is freed with its last charge.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

/*
 * The owner of a charge
 */

static int test_crash_returns_every_count(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	enum kind kinds[NR_KINDS];
	struct holder holder;
	int nr = find_kinds(rxe(), kinds);
	int i, round;

	for (round = 0; round < 3; round++) {
		holder = hold_basics(cgroup, rxe());
		for (i = 0; i < nr; i++)
			expect_make(&holder, kinds[i], 2);
		expect_make(&holder, CONTEXT, 2);
		expect_usage(cgroup, rxe(), 3, 2 + 2 * nr);
		crash(&holder);
		expect_usage(cgroup, rxe(), 0, 0);
		expect_usage(parent, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

/* Killed in the middle of verbs. */
static int test_crash_at_work_returns_every_count(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int i, round;

	set_limit(cgroup, rxe(), "hca_object=9");
	for (round = 0; round < 3; round++) {
		struct crowd crowd = {};

		set_race(RACE_AHEAD);
		while (crowd.nr < NR_RACERS)
			join_crowd(&crowd, cgroup, churn,
				   crowd.nr % 2 ? PD : CQ, 0);
		set_race(RACE_ON);
		sleep_ms(30);
		for (i = 0; i < crowd.nr; i++)
			crash(&crowd.holder[i]);
		expect_usage(cgroup, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

static int test_fork_keeps_count_till_last_close(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder parent = hold_pds(first, rxe(), 2);
	struct outcome forked = ask(&parent, fork_child, 0, 0);
	struct holder child = { forked.done, lane[0] };

	expect(!forked.err, "fork: %s", strerror(forked.err));
	expect_usage(first, rxe(), 1, 2);
	expect(!cg_enter(second, child.pid), "move the child");
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 0);

	/* The child uses what it inherited, at its own expense. */
	expect_make(&child, PD, 1);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 1);
	release(&parent);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 1);
	expect_drop(&child, PD, 2);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 0);
	crash(&child);
	expect_usage(first, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_passed_context_stays_with_its_opener(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder opener = hold_pds(first, rxe(), 1);
	struct holder taker = hold_pds(second, rxe(), 0);

	expect_outcome(HERE, "pass", ask(&opener, pass_context, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(&taker, take_context, 0, 0), 1, 0);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 0);
	expect_make(&taker, PD, 3);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 3);

	/* The limits of the taker's cgroup bind it, not those of the opener's. */
	set_limit(first, rxe(), "hca_object=0");
	set_limit(second, rxe(), "hca_object=4");
	expect_refusal_after(&taker, PD, 1);
	expect_drop(&taker, PD, 1);
	crash(&opener);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 3);
	release(&taker);
	expect_usage(first, rxe(), 0, 0);
	expect_usage(second, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_migration_moves_no_charge(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder holder = hold_pds(first, rxe(), 2);

	set_limit(first, rxe(), "hca_object=2");
	set_limit(second, rxe(), "hca_handle=1 hca_object=3");
	expect(!cg_enter(second, holder.pid), "move the holder");
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 0);

	/* New ones belong to the new cgroup; old ones go from the old one. */
	expect_refusal_after(&holder, PD, 3);
	expect_refusal_after(&holder, CONTEXT, 1);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 1, 3);
	expect_drop(&holder, PD, 4);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 1, 0);
	expect(!cg_enter(first, holder.pid), "move the holder back");
	expect_refusal_after(&holder, PD, 1);
	expect_usage(first, rxe(), 1, 2);
	release(&holder);
	expect_usage(first, rxe(), 0, 0);
	expect_usage(second, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_rmdir_with_live_objects(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *doomed = new_cgroup(parent, "a");
	char *heir = new_cgroup(parent, "b");
	char *refuge = new_cgroup(root, "b");
	struct holder holder = hold_pds(doomed, rxe(), 3);
	struct holder other = hold_pds(heir, rxe(), 0);

	set_limit(parent, rxe(), "hca_object=3");
	expect(!cg_enter(refuge, holder.pid), "move the holder");
	expect(!rmdir(doomed), "%s", strerror(errno));
	expect_usage(parent, rxe(), 2, 3);
	expect_refusal_after(&other, PD, 0);
	expect_drop(&holder, PD, 1);
	expect_usage(parent, rxe(), 2, 2);
	expect_refusal_after(&other, PD, 1);
	expect_usage(heir, rxe(), 1, 1);

	/* A new one of that name starts afresh. */
	doomed = new_cgroup(parent, "a");
	expect_usage(doomed, rxe(), 0, 0);
	expect_limit(doomed, rxe(), NO_LIMIT, NO_LIMIT);

	/* Nor does the parent have to stay. */
	release(&other);
	expect_usage(parent, rxe(), 1, 2);
	expect(!rmdir(doomed) && !rmdir(heir) && !rmdir(parent), "%s",
	       strerror(errno));
	expect_usage(root, rxe(), 1, 2);
	expect_usage(refuge, rxe(), 0, 0);
	release(&holder);
	expect_usage(root, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_reenabled_controller_starts_afresh(const char *root)
{
	char *parent, *leaf;
	struct holder holder;

	parent = new_cgroup(root, "a");
	leaf = new_cgroup(parent, "a");
	set_limit(leaf, rxe(), "hca_object=9");
	holder = hold_pds(leaf, rxe(), 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "-rdma"), "disable");
	expect(access(cg_control(leaf, "rdma.current"), F_OK), "it is there");
	expect_usage(parent, rxe(), 1, 2);
	expect_make(&holder, PD, 1);
	expect_usage(parent, rxe(), 1, 3);

	expect(!cg_write(parent, "cgroup.subtree_control", "+rdma"), "enable");
	expect_usage(leaf, rxe(), 0, 0);
	expect_limit(leaf, rxe(), NO_LIMIT, NO_LIMIT);
	expect_usage(parent, rxe(), 1, 3);
	expect_make(&holder, PD, 1);
	expect_usage(leaf, rxe(), 0, 1);
	expect_usage(parent, rxe(), 1, 4);
	expect_drop(&holder, PD, 3);
	expect_usage(leaf, rxe(), 0, 0);
	expect_usage(parent, rxe(), 1, 1);
	release(&holder);
	expect_usage(parent, rxe(), 0, 0);
	return KSFT_PASS;
}

/* Those of this program's tests. At the end of each program it is seen to, too. */
static int test_all_removed_cgroups_are_freed(const char *root)
{
	return removed_cgroups_are_freed(root);
}

/*
 * A task that was refused a context must not stay, nor its cgroup with it.
 * (uverbs lost a reference there, up to Linux 6.12 at least.)
 */
static int test_refused_context_pins_no_cgroup(const char *root)
{
	struct holder holder;
	char *cgroup;
	long before;

	/* None is expected, but those that earlier tests lost are their fault. */
	(void)becomes(!nr_dying(root));
	before = nr_dying(root);
	cgroup = new_cgroup(root, "a");
	set_limit(cgroup, rxe(), "hca_handle=0");
	holder = hold(cgroup, rxe());
	expect_refusal_after(&holder, CONTEXT, 0);
	release(&holder);
	expect(!rmdir(cgroup), "%s", strerror(errno));
	expect(becomes(nr_dying(root) <= before), "%ld are dying, and %ld before",
	       nr_dying(root), before);
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_crash_returns_every_count),
	T(test_crash_at_work_returns_every_count),
	T(test_fork_keeps_count_till_last_close),
	T(test_passed_context_stays_with_its_opener),
	T(test_migration_moves_no_charge),
	T(test_rmdir_with_live_objects),
	T(test_reenabled_controller_starts_afresh, .unified_only = true),
	T(test_all_removed_cgroups_are_freed),
	T(test_refused_context_pins_no_cgroup),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
