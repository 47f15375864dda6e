// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

#include "rdma_charge.h"
#include "rdma_file.h"

int race(void)
{
	return __atomic_load_n(&shared->race, __ATOMIC_ACQUIRE);
}

void set_race(int state)
{
	__atomic_store_n(&shared->race, state, __ATOMIC_RELEASE);
	syscall(SYS_futex, &shared->race, FUTEX_WAKE, INT_MAX);
}

int nr_done(void)
{
	return __atomic_load_n(&shared->nr_done, __ATOMIC_ACQUIRE);
}

void one_done(void)
{
	__atomic_fetch_add(&shared->nr_done, 1, __ATOMIC_RELEASE);
}

/* A late thread must not wait for ever. */
void wait_for_race(void)
{
	while (race() == RACE_AHEAD)
		syscall(SYS_futex, &shared->race, FUTEX_WAIT, RACE_AHEAD, NULL);
}

static struct outcome make_when_racing(int kind, int count)
{
	wait_for_race();
	return make(kind, count);
}

static void *run_racer(void *arg)
{
	struct outcome *outcome = arg;

	*outcome = make_when_racing(outcome->done, RACER_TRIES);
	return NULL;
}

/*
 * @count threads of the holder race until each was refused one. The errno is
 * that of all refusals, or -1 if they differ.
 */
static struct outcome race_threads(int kind, int count)
{
	struct outcome sum = {}, each[NR_RACERS];
	pthread_t thread[NR_RACERS];
	int i;

	for (i = 0; i < count; i++) {
		each[i].done = kind;
		if (pthread_create(&thread[i], NULL, run_racer, &each[i]))
			fail(HERE, "cannot start a thread");
	}
	set_race(RACE_ON);
	for (i = 0; i < count; i++) {
		pthread_join(thread[i], NULL);
		sum.done += each[i].done;
		if (i && sum.err != each[i].err)
			sum.err = -1;
		else
			sum.err = each[i].err;
	}
	return sum;
}

/*
 * Makes as many as a batch holds or the controller lets through, and drops
 * them: once, and over and over while the race lasts. Counts what was made; the
 * errno is EAGAIN if one was refused, and -1 if anything else went wrong.
 */
struct outcome churn(int kind, int unused)
{
	struct outcome outcome = {};

	wait_for_race();
	do {
		void *item[BATCH];
		int nr = 0;

		while (nr < BATCH && (item[nr] = make_one(kind)))
			nr++;
		if (nr < BATCH && outcome.err != -1)
			outcome.err = errno == EAGAIN ? EAGAIN : -1;
		outcome.done += nr;
		while (nr)
			if (drop_one(kind, item[--nr]))
				outcome.err = -1;
	} while (race() == RACE_ON);
	return outcome;
}

/*
 * Tries to make one, @count times, and drops what it has when that is a batch
 * or one was refused. Counts refusals; the errno is that of what else failed.
 */
struct outcome struggle(int kind, int count)
{
	struct outcome refusals = {};
	void *item[BATCH];
	int nr = 0;

	wait_for_race();
	while (count--) {
		item[nr] = make_one(kind);
		if (!item[nr]) {
			refusals.done += errno == EAGAIN;
			refusals.err = errno == EAGAIN ? refusals.err : errno;
		} else if (++nr < BATCH) {
			continue;
		}
		while (nr)
			if (drop_one(kind, item[--nr]))
				refusals.err = errno;
	}
	return refusals;
}

/* Adds a holder, and starts it with @job. */
void join_crowd(struct crowd *crowd, const char *cgroup, job_fn *job, int kind,
		int count)
{
	struct holder *holder = &crowd->holder[crowd->nr++];

	*holder = hold(cgroup, rxe());
	if (kind != CONTEXT)
		expect_make(holder, CONTEXT, 1);
	start(holder, job, kind, count);
}

void one_thread(struct crowd *crowd, const char *cgroup, int kind)
{
	join_crowd(crowd, cgroup, make, kind, RACER_TRIES);
}

void many_threads(struct crowd *crowd, const char *cgroup, int kind)
{
	join_crowd(crowd, cgroup, race_threads, kind, NR_RACERS);
}

void many_processes(struct crowd *crowd, const char *cgroup, int kind)
{
	while (crowd->nr < NR_RACERS)
		join_crowd(crowd, cgroup, make_when_racing, kind, RACER_TRIES);
	set_race(RACE_ON);
}

void many_cgroups(struct crowd *crowd, const char *cgroup, int kind)
{
	while (crowd->nr < NR_RACERS) {
		char name[] = { 'a' + crowd->nr, 0 };

		join_crowd(crowd, new_cgroup(cgroup, name), make_when_racing,
			   kind, RACER_TRIES);
	}
	set_race(RACE_ON);
}

/* All of a new crowd in @cgroup run into its limit, and nobody gets past it. */
struct crowd crowd_at_limit(const char *cgroup, int kind, int limit,
			    crowd_fn *gather)
{
	struct crowd crowd = {};
	int i;

	set_limit_of(cgroup, rxe(), kind == CONTEXT ? "hca_handle" : "hca_object",
		     limit);
	set_race(RACE_AHEAD);
	gather(&crowd, cgroup, kind);
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(outcome.err == EAGAIN, "it is %d", outcome.err);
		crowd.made += outcome.done;
	}
	expect(crowd.made == limit, "%d of %d", crowd.made, limit);
	if (kind == CONTEXT)
		expect_usage(cgroup, rxe(), limit, 0);
	else
		expect_usage(cgroup, rxe(), crowd.nr, limit);
	return crowd;
}

void release_crowd(struct crowd *crowd)
{
	while (crowd->nr)
		release(&crowd->holder[--crowd->nr]);
}

/* Makes what all others are made from, a context, a PD and a CQ. */
void make_basics(struct holder *holder)
{
	expect_make(holder, CONTEXT, 1);
	expect_make(holder, PD, 1);
	expect_make(holder, CQ, 1);
}

struct holder hold_basics(const char *cgroup, const struct device *device)
{
	struct holder holder = hold(cgroup, device);

	make_basics(&holder);
	return holder;
}

/*
 * Before Linux 5.14, rxe has no memory windows, and no AHs for today's libibverbs,
 * which forgets what it made.
 */
bool has_kind(const struct device *device, enum kind kind)
{
	struct holder holder = hold_basics(current->root, device);
	bool has = ask(&holder, make, kind, 1).err != EOPNOTSUPP;

	release(&holder);
	return has;
}

/* Puts the kinds of objects that @device has into @found. Returns how many. */
int find_kinds(const struct device *device, enum kind *found)
{
	/* All have contexts: one ends the list. */
	static const enum kind of_rxe[] = {
		PD, CQ, CQ_EX, QP_RC, QP_UC, QP_UD, QP_EX, MR, MW_1, MW_2, AH,
		SRQ, CONTEXT
	};
	static const enum kind of_siw[] = { PD, CQ, QP_RC, MR, SRQ, CONTEXT };
	const enum kind *kind = strcmp(device->driver, "siw") ? of_rxe : of_siw;
	int nr = 0;

	for (; *kind != CONTEXT; kind++)
		if (has_kind(device, *kind))
			found[nr++] = *kind;
	return nr;
}

/* The holder has made the basics, and may have one object more. */
void expect_kinds_are_refused(struct holder *holder, const char *cgroup,
			      const struct device *device)
{
	enum kind kinds[NR_KINDS];
	int i, nr = find_kinds(device, kinds);

	for (i = 0; i < nr; i++) {
		const char *name = kind_names[kinds[i]];

		expect_refusal_after(holder, kinds[i], 1);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 3);
		expect_drop(holder, kinds[i], 1);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 2);
	}
	expect_refusal_after(holder, CONTEXT, 0);
	expect_usage(cgroup, device, 1, 2);
}
