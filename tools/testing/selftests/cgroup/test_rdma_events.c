// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: peaks and events.
 *
 * - rdma.peak is the highest usage that the cgroup had.
 * - rdma.events counts each refusal once by the cgroup of the limit and once by
 *   the cgroup of the task, there and in all cgroups above. rdma.events.local
 *   counts it only there.
 * - No count is lost under load, with a removed limit, or with a removed cgroup.
 * - poll() and inotify report each change of rdma.events, at a bounded rate, and
 *   nothing else.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

/*
 * History: peaks and events
 */

static int test_format_of_peak(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
		    RXE_NAME " hca_handle=0 hca_object=0", false);
	holder = hold_pds(cgroup, rxe(), 12);
	release(&holder);
	expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
		    RXE_NAME " hca_handle=1 hca_object=12", false);
	return KSFT_PASS;
}

static int test_format_of_events(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *child = new_cgroup(parent, "a");
	struct holder holder;
	int i;

	expect_events(child, 0, 0, 0, 0);
	expect_local_events(child, 0, 0, 0, 0);
	set_limit(parent, rxe(), "hca_handle=1");
	set_limit(child, rxe(), "hca_object=0");
	holder = hold_pds(child, rxe(), 0);
	for (i = 0; i < 2; i++)
		expect_refusal_after(&holder, CONTEXT, 0);
	for (i = 0; i < 13; i++)
		expect_refusal_after(&holder, PD, 0);
	expect_events(child, 0, 2, 13, 13);
	expect_local_events(child, 0, 2, 13, 13);
	expect_events(parent, 2, 2, 13, 13);
	expect_local_events(parent, 2, 0, 0, 0);
	return KSFT_PASS;
}

static int test_peak_is_highest_usage(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_peak(cgroup, rxe(), 0, 0);
	expect_make(&holder, CONTEXT, 2);
	expect_make(&holder, PD, 3);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_drop(&holder, PD, 3);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_make(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_make(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 2, 4);
	expect_make(&holder, CONTEXT, 1);
	expect_peak(cgroup, rxe(), 3, 4);
	return KSFT_PASS;
}

/* Idle and without a limit a cgroup keeps the history that it has. */
static int test_history_outlives_usage_and_limits(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	struct holder holder;

	set_limit(parent, rxe(), "hca_handle=5");
	set_limit(cgroup, rxe(), "hca_object=3");
	holder = hold_pds(cgroup, rxe(), 0);
	expect_refusal_after(&holder, PD, 3);
	release(&holder);
	set_limit(cgroup, rxe(), "hca_object=max");
	set_limit(parent, rxe(), "hca_handle=max");
	expect_usage(cgroup, rxe(), 0, 0);
	expect_peak(cgroup, rxe(), 1, 3);
	expect_peak(parent, rxe(), 1, 3);
	expect_events(cgroup, 0, 0, 1, 1);
	expect_local_events(cgroup, 0, 0, 1, 1);
	expect_events(parent, 0, 0, 1, 1);
	return KSFT_PASS;
}

/* The highest sum that there was, which is not the sum of the highest. */
static int test_peak_of_parent(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *first = new_cgroup(parent, "a");
	char *second = new_cgroup(parent, "b");
	struct holder one = hold_pds(first, rxe(), 4);
	struct holder other;

	release(&one);
	other = hold_pds(second, rxe(), 3);
	expect_peak(first, rxe(), 1, 4);
	expect_peak(second, rxe(), 1, 3);
	expect_peak(parent, rxe(), 1, 4);
	one = hold_pds(first, rxe(), 2);
	expect_peak(first, rxe(), 1, 4);
	expect_peak(parent, rxe(), 2, 5);
	release(&one);
	release(&other);
	expect_peak(parent, rxe(), 2, 5);
	return KSFT_PASS;
}

/* Not where the limit is, nor below it, where it had been counted. */
static int test_refused_charge_raises_no_peak(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *middle = new_cgroup(parent, "a");
	char *leaf = new_cgroup(middle, "a");
	struct holder holder;

	set_limit(parent, rxe(), "hca_handle=1 hca_object=2");
	holder = hold_pds(leaf, rxe(), 0);
	expect_refusal_after(&holder, PD, 2);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_peak(leaf, rxe(), 1, 2);
	expect_peak(middle, rxe(), 1, 2);
	expect_peak(parent, rxe(), 1, 2);
	return KSFT_PASS;
}

/* A lower limit makes no history undone, and lets none be made. */
static int test_peak_follows_no_limit(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, rxe(), 5);

	set_limit(cgroup, rxe(), "hca_object=3");
	expect_peak(cgroup, rxe(), 1, 5);
	expect_drop(&holder, PD, 4);
	expect_refusal_after(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 1, 5);
	set_limit(cgroup, rxe(), "hca_object=7");
	expect_refusal_after(&holder, PD, 4);
	expect_peak(cgroup, rxe(), 1, 7);
	return KSFT_PASS;
}

/* The peak is the limit that was run into, and each racer was refused once. */
static int check_history_is_exact(const char *root, int kind, int refusals,
				  crowd_fn *gather)
{
	static const int limits[] = { 0, 1, 7 };
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		char name[] = { 'a' + i, 0 };
		char *cgroup = new_cgroup(root, name);
		struct crowd crowd;
		int handles, objects;

		crowd = crowd_at_limit(cgroup, kind, limits[i], gather);
		handles = kind == CONTEXT ? limits[i] : crowd.nr;
		objects = kind == CONTEXT ? 0 : limits[i];
		expect_peak(cgroup, rxe(), handles, objects);
		release_crowd(&crowd);
		expect_peak(cgroup, rxe(), handles, objects);
		if (kind == CONTEXT)
			expect_events(cgroup, refusals, refusals, 0, 0);
		else
			expect_events(cgroup, 0, 0, refusals, refusals);
	}
	return KSFT_PASS;
}

static int test_history_is_exact_for_threads(const char *root)
{
	return check_history_is_exact(root, CONTEXT, NR_RACERS, many_threads);
}

static int test_history_is_exact_for_processes(const char *root)
{
	return check_history_is_exact(root, PD, NR_RACERS, many_processes);
}

static int test_history_is_exact_for_cgroups(const char *root)
{
	return check_history_is_exact(root, PD, NR_RACERS, many_cgroups);
}

/* In the cgroup of the limit, in that of the task, between and above them. */
static int test_events_tell_who_and_by_whom(const char *root)
{
	char *top = new_cgroup(root, "a");
	char *limiter = new_cgroup(top, "a");
	char *middle = new_cgroup(limiter, "a");
	char *leaf = new_cgroup(middle, "a");
	char *sibling = new_cgroup(middle, "b");
	struct holder holder;

	set_limit(limiter, rxe(), "hca_object=1");
	holder = hold_pds(leaf, rxe(), 1);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, PD, 0);
	expect_events(leaf, 0, 0, 0, 2);
	expect_local_events(leaf, 0, 0, 0, 2);
	expect_events(middle, 0, 0, 0, 2);
	expect_local_events(middle, 0, 0, 0, 0);
	expect_events(limiter, 0, 0, 2, 2);
	expect_local_events(limiter, 0, 0, 2, 0);
	expect_events(top, 0, 0, 2, 2);
	expect_local_events(top, 0, 0, 0, 0);

	/* The lower of two limits counts, and one refusal has one cause. */
	set_limit(leaf, rxe(), "hca_handle=1 hca_object=1");
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_events(leaf, 1, 1, 1, 3);
	expect_local_events(leaf, 1, 1, 1, 3);
	expect_events(middle, 1, 1, 1, 3);
	expect_local_events(middle, 0, 0, 0, 0);
	expect_events(limiter, 1, 1, 3, 3);
	expect_local_events(limiter, 0, 0, 2, 0);
	expect_events(top, 1, 1, 3, 3);
	expect_local_events(top, 0, 0, 0, 0);

	expect_events(sibling, 0, 0, 0, 0);
	expect_local_events(sibling, 0, 0, 0, 0);
	return KSFT_PASS;
}

/* The first thing ever to happen below the top is a refusal. */
static int test_events_where_nothing_was_counted(const char *root)
{
	char *level[6];
	struct events before, after;
	struct holder holder;
	int i;

	before = read_events(root, "rdma.events");
	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	set_limit(level[1], rxe(), "hca_handle=0");
	holder = hold(level[5], rxe());
	expect_refusal_after(&holder, CONTEXT, 0);
	for (i = 0; i < ARRAY_SIZE(level); i++) {
		expect_events(level[i], i <= 1, 1, 0, 0);
		expect_local_events(level[i], i == 1, i == 5, 0, 0);
		expect_peak(level[i], rxe(), 0, 0);
	}
	after = read_events(root, "rdma.events");
	expect(after.handle_max == before.handle_max + 1 &&
	       after.handle_fail == before.handle_fail + 1, "%ld %ld, %ld %ld",
	       before.handle_max, before.handle_fail, after.handle_max,
	       after.handle_fail);
	return KSFT_PASS;
}

/* What only a driver refuses is none of the controller's business. */
static int test_failed_verb_is_no_event(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, rxe());

	set_limit(cgroup, rxe(), "hca_object=3");
	expect(!ask(&holder, make, BAD_AH, 1).done, "made");
	expect(!ask(&holder, make, BAD_CQ, 1).done, "made");
	expect_events(cgroup, 0, 0, 0, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_events(cgroup, 0, 0, 1, 1);
	return KSFT_PASS;
}

/* Each refusal that a racer saw is counted once: by cause, and by victim. */
static int test_events_add_up_under_load(const char *root)
{
	enum { TRIES = 100, ROUNDS = 50, LIMIT = 5 };
	char *parent = new_cgroup(root, "a");
	char *idle = new_cgroup(parent, "c");
	char *child[2] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	struct holder holder = hold_pds(idle, rxe(), LIMIT - 2), late;
	int refused[2] = {}, sum, i;
	struct events of_parent, local[2];
	long peak = 0, failed = 0;
	struct crowd crowd = {};

	/* What is left is less than a batch, and still less in one of them. */
	set_limit_of(parent, rxe(), "hca_object", LIMIT);
	set_limit_of(child[0], rxe(), "hca_object", 1);
	while (crowd.nr < NR_RACERS)
		join_crowd(&crowd, child[crowd.nr % 2], struggle, PD, TRIES);
	set_race(RACE_ON);
	for (i = 0; i < ROUNDS; i++) {
		struct values now = read_values(parent, "rdma.peak", RXE_NAME);
		struct events events = read_events(parent, "rdma.events");

		expect(now.objects >= peak && now.objects <= LIMIT,
		       "%ld after %ld", now.objects, peak);
		peak = now.objects;
		expect(events.object_fail >= failed, "%ld after %ld",
		       events.object_fail, failed);
		failed = events.object_fail;
	}
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(!outcome.err, "a verb failed: %s", strerror(outcome.err));
		refused[i % 2] += outcome.done;
	}
	sum = refused[0] + refused[1];
	expect(sum, "nobody was refused");

	for (i = 0; i < ARRAY_SIZE(child); i++) {
		local[i] = read_events(child[i], "rdma.events.local");
		expect_events(child[i], 0, 0, local[i].object_max, refused[i]);
		expect(local[i].object_fail == refused[i], "%ld of %d",
		       local[i].object_fail, refused[i]);
	}
	expect(!local[1].object_max, "%ld without a limit of its own",
	       local[1].object_max);
	expect_events(parent, 0, 0, sum, sum);
	of_parent = read_events(parent, "rdma.events.local");
	expect(of_parent.object_max == sum - local[0].object_max &&
	       of_parent.object_fail == 0, "%ld %ld of %d",
	       of_parent.object_max, of_parent.object_fail, sum);
	expect_peak(parent, rxe(), NR_RACERS + 1, LIMIT);

	/* No less when the refused processes have gone. */
	release_crowd(&crowd);
	/* Those in the second child may have left nothing to the first's. */
	late = hold_pds(child[0], rxe(), 1);
	release(&late);
	expect_peak(child[0], rxe(), NR_RACERS / 2, 1);
	expect(!rmdir(child[0]) && !rmdir(child[1]), "%s", strerror(errno));
	expect_events(parent, 0, 0, sum, sum);
	release(&holder);
	expect_peak(parent, rxe(), NR_RACERS + 1, LIMIT);
	return KSFT_PASS;
}

/* Is refused over and over while the race lasts. */
static struct outcome be_refused(int kind, int unused)
{
	struct outcome outcome = {};

	wait_for_race();
	do {
		if (make_one(kind) || errno != EAGAIN)
			outcome.err = -1;
		else
			one_done();
	} while (race() == RACE_ON && !outcome.err);
	return outcome;
}

/* What a verb has returned is in the next read, wherever its cgroup counts. */
static int test_events_are_never_stale(const char *root)
{
	enum { READS = 20000, STRUGGLERS = 4 };
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	int of_leaf = open(cg_control(leaf, "rdma.events"), O_RDONLY | O_CLOEXEC);
	int of_parent = open(cg_control(parent, "rdma.events"),
			     O_RDONLY | O_CLOEXEC);
	int fd[] = { of_leaf, of_parent };
	struct crowd crowd = {};
	int i;

	set_limit(parent, rxe(), "hca_object=0");
	while (crowd.nr < STRUGGLERS)
		join_crowd(&crowd, leaf, be_refused, PD, 0);
	set_race(RACE_ON);
	for (i = 0; i < READS || nr_done() < READS; i++) {
		int known = nr_done();
		char text[FILE_SIZE];
		ssize_t len = pread(fd[i % 2], text, sizeof(text) - 1, 0);
		long seen;

		expect(len > 0, "read: %s", strerror(errno));
		text[len] = 0;
		seen = value_of(strstr(text, RXE_NAME), " hca_object.alloc_fail=");
		expect(seen >= known, "%ld of %d, at read %d", seen, known, i);
		/* It was the parent's limit. */
		seen = value_of(strstr(text, RXE_NAME), " hca_object.max=");
		known = fd[i % 2] == of_parent ? known : 0;
		expect(seen >= known, "%ld of %d, at read %d", seen, known, i);
	}
	set_race(RACE_OVER);
	for (i = 0; i < crowd.nr; i++)
		expect(!outcome_of(&crowd.holder[i]).err,
		       "a PD was made, or failed for another reason");
	expect_events(leaf, 0, 0, 0, nr_done());
	expect_events(parent, 0, 0, nr_done(), nr_done());
	return KSFT_PASS;
}

static int test_events_survive_removal(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *refuge = new_cgroup(root, "b");
	char *doomed[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(doomed); i++) {
		char name[] = { 'a' + i, 0 };
		struct holder holder;

		doomed[i] = new_cgroup(parent, name);
		set_limit(doomed[i], rxe(), "hca_object=2");
		holder = hold_pds(doomed[i], rxe(), 2);
		expect_drop(&holder, PD, 2);
		expect_drop(&holder, CONTEXT, 1);
		expect_make(&holder, CONTEXT, 1);
		expect_refusal_after(&holder, PD, 2);
		expect(!cg_enter(refuge, holder.pid), "move the holder");
		expect(!rmdir(doomed[i]), "%s", strerror(errno));
		/* The second's charges outlive it, too. */
		if (i != 1)
			crash(&holder);
	}
	expect_events(parent, 0, 0, 3, 3);
	sleep_ms(200);
	expect_events(parent, 0, 0, 3, 3);
	expect_local_events(parent, 0, 0, 0, 0);
	expect_events(refuge, 0, 0, 0, 0);
	expect_peak(parent, rxe(), 2, 4);

	/* A new one of that name has no past. */
	doomed[0] = new_cgroup(parent, "a");
	expect_events(doomed[0], 0, 0, 0, 0);
	expect_peak(doomed[0], rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_history_goes_with_device(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest = guest_device();
	struct holder holder;
	char line[256];

	set_limit(cgroup, guest, "hca_object=2");
	holder = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&holder, PD, 2);
	release(&holder);
	expect_peak(cgroup, guest, 1, 2);
	expect(find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)) &&
	       value_of(line, " hca_object.max=") == 1, "%s", line);
	expect_events(cgroup, 0, 0, 0, 0);
	expect(!remove_device(GUEST_NAME), "remove it");
	remove_link(GUEST_NAME);
	expect(!find_line(cgroup, "rdma.peak", GUEST_NAME, line, sizeof(line)) &&
	       !find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)),
	       "it is still there: %s", line);

	guest = guest_device();
	expect_peak(cgroup, guest, 0, 0);
	expect(find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)) &&
	       value_of(line, " hca_object.max=") == 0, "%s", line);
	return KSFT_PASS;
}

static int test_reenabled_controller_has_no_history(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct holder holder;

	set_limit(leaf, rxe(), "hca_object=2");
	holder = hold_pds(leaf, rxe(), 0);
	expect_refusal_after(&holder, PD, 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "-rdma"), "disable");
	expect_events(parent, 0, 0, 1, 1);
	expect_peak(parent, rxe(), 1, 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "+rdma"), "enable");
	expect_events(leaf, 0, 0, 0, 0);
	expect_local_events(leaf, 0, 0, 0, 0);
	expect_peak(leaf, rxe(), 0, 0);
	expect_make(&holder, PD, 1);
	expect_peak(leaf, rxe(), 0, 1);
	expect_peak(parent, rxe(), 1, 3);
	expect_events(parent, 0, 0, 1, 1);
	return KSFT_PASS;
}

/* Also if another process reads before the waiting ones have been woken. */
static int check_wake_ups_of_parents_limit(const char *root, bool read_at_once)
{
	char *top = new_cgroup(root, "a");
	char *limiter = new_cgroup(top, "a");
	char *middle = new_cgroup(limiter, "a");
	char *leaf = new_cgroup(middle, "a");
	char *sibling = new_cgroup(middle, "b");
	struct holder holder = hold_pds(leaf, rxe(), 1);
	struct watch watches[] = {
		watch(top, "rdma.events", true),
		watch(top, "rdma.events.local", false),
		watch(limiter, "rdma.events", true),
		watch(limiter, "rdma.events.local", true),
		watch(middle, "rdma.events", true),
		watch(middle, "rdma.events.local", false),
		watch(leaf, "rdma.events", true),
		watch(leaf, "rdma.events.local", true),
		watch(sibling, "rdma.events", false),
		watch(sibling, "rdma.events.local", false),
	};

	/* To grant and give back, and to read, is no event. */
	set_limit(limiter, rxe(), "hca_object=1");
	expect_drop(&holder, PD, 1);
	expect_make(&holder, PD, 1);
	expect_events(top, 0, 0, 0, 0);
	expect_quiet(HERE, watches, ARRAY_SIZE(watches), true);

	expect_refusal_after(&holder, PD, 0);
	if (read_at_once)
		expect_local_events(middle, 0, 0, 0, 0);
	expect_told(HERE, watches, ARRAY_SIZE(watches));
	return KSFT_PASS;
}

static int test_parents_limit_wakes(const char *root)
{
	return check_wake_ups_of_parents_limit(root, false);
}

static int test_parents_limit_wakes_though_read(const char *root)
{
	return check_wake_ups_of_parents_limit(root, true);
}

static int test_own_limit_wakes(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	char *sibling = new_cgroup(parent, "b");
	struct holder holder = hold(leaf, rxe());
	struct watch watches[] = {
		watch(parent, "rdma.events", true),
		watch(parent, "rdma.events.local", false),
		watch(leaf, "rdma.events", true),
		watch(leaf, "rdma.events.local", true),
		watch(sibling, "rdma.events", false),
		watch(sibling, "rdma.events.local", false),
	};
	int i;

	/* A reader that has caught up is woken again. */
	set_limit(leaf, rxe(), "hca_handle=0");
	for (i = 1; i <= 3; i++) {
		char text[FILE_SIZE];
		int j;

		expect_refusal_after(&holder, CONTEXT, 0);
		expect_told(HERE, watches, ARRAY_SIZE(watches));
		for (j = 0; j < ARRAY_SIZE(watches); j++) {
			catch_up(&watches[j], text);
			expect(value_of(strstr(text, RXE_NAME),
					" hca_handle.alloc_fail=") ==
			       (watches[j].told ? i : 0), "%s is:\n%s",
			       watches[j].path, text);
		}
		expect_quiet(HERE, watches, ARRAY_SIZE(watches), true);
	}
	return KSFT_PASS;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * A process that reads only when woken sees every refusal in the end, and is not
 * woken for each: no file is reported as changed twice in 10 ms.
 */
static int test_storm_of_refusals_wakes_seldom(const char *root)
{
	enum { TRIES = 3000, STORMERS = 4 };
	char *parent = new_cgroup(root, "a");
	char *child[2] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	struct watch events = watch(parent, "rdma.events", true);
	int polls = 0, inotifies = 0, i;
	struct crowd crowd = {};
	long started, limit, seen = 0;

	set_limit(parent, rxe(), "hca_object=0");
	while (crowd.nr < STORMERS)
		join_crowd(&crowd, child[crowd.nr % 2], struggle, PD, TRIES);
	started = now_ms();
	set_race(RACE_ON);
	while (seen < STORMERS * TRIES || !inotifies) {
		int by = woken(&events, SETTLE_MS);
		char text[FILE_SIZE];

		expect(by, "not woken after %ld of %d", seen, STORMERS * TRIES);
		polls += !!(by & BY_POLL);
		inotifies += catch_up(&events, text);
		seen = value_of(strstr(text, RXE_NAME), " hca_object.max=");
	}
	limit = (now_ms() - started) / 10 + 2;
	for (i = 0; i < crowd.nr; i++)
		expect_outcome(HERE, "refusals", outcome_of(&crowd.holder[i]),
			       TRIES, 0);
	expect_events(parent, 0, 0, seen, STORMERS * TRIES);
	expect(polls && polls <= limit, "%d, limit %ld", polls, limit);
	expect(inotifies <= limit, "%d, limit %ld", inotifies, limit);
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_format_of_peak),
	T(test_format_of_events),
	T(test_peak_is_highest_usage),
	T(test_peak_of_parent),
	T(test_refused_charge_raises_no_peak),
	T(test_peak_follows_no_limit),
	T(test_events_tell_who_and_by_whom),
	T(test_events_where_nothing_was_counted),
	T(test_failed_verb_is_no_event),
	T(test_events_add_up_under_load),
	T(test_events_are_never_stale),
	T(test_events_survive_removal),
	T(test_history_outlives_usage_and_limits),
	T(test_history_is_exact_for_threads),
	T(test_history_is_exact_for_processes),
	T(test_history_is_exact_for_cgroups),
	T(test_history_goes_with_device),
	T(test_reenabled_controller_has_no_history, .unified_only = true),
	T(test_parents_limit_wakes),
	T(test_parents_limit_wakes_though_read),
	T(test_own_limit_wakes),
	T(test_storm_of_refusals_wakes_seldom),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
