// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lack of memory, exhaustively: each allocation of each operation fails in
 * turn, in every state of the hierarchy that makes a difference to it.
 *
 * A state is one path of cgroups, of each depth up to 8, with the operation at
 * its end. Of its levels, from the top,
 *
 *	the first @open may be charged without the mutex on the tested device
 *	any are limited, and have a pool if only for that
 *	all others have a table of pools that is missing, too small or fitting
 *
 * There is a second device, charged all the way or not at all. Open pools have
 * usages, peaks and events.
 *
 * After each failure and after the next try, all files of all cgroups are
 * compared with the reference, so are the number of pools, and that of objects
 * allocated: exactly those tables may stay that were made before the failure.
 * All of it is done for many states at once, as it takes grace periods.
 *
 *	--depth DEPTH	of the path, if one allocation fails
 *	--pairs DEPTH	likewise, if two do
 *	--tables DEPTH	up to this one the table of each level is chosen by
 *			itself, else one way for all
 */

#include <kunit/test.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "reference.h"

#define DEPTH		8
#define BATCH		256

#define ROOT		0
#define MADE		(DEPTH + 1)

#define HANDLE		0
#define OBJECT		1

/* IDs are one higher, and the smallest table ends before that of the latter. */
#define OTHER		0
#define TESTED		4
#define NR_DEVICES	5

/* What is charged at the lowest open level, and how high it once was. */
#define HELD		1
#define PEAK		2

extern const struct rdmacg_ops ours_ops;

static const struct rdmacg_ops *ops = &ours_ops;

/* How deep the paths get, see above. */
static unsigned int single_depth = 5, pair_depth = 3, free_tables_depth = 2;

enum table {
	MISSING,
	TOO_SMALL,
	FITTING,
	NR_TABLES,
};

enum operation {
	CHARGE,
	LIMIT,
	MKDIR,
	NR_OPERATIONS,
	UNLIMIT = NR_OPERATIONS,	/* all; needs no memory */
};

static const char * const operation_names[NR_OPERATIONS] = {
	"charge", "limit", "mkdir",
};

struct state {
	unsigned int depth, open;
	unsigned int limits;		/* bit 0: the first level */
	unsigned int limit;		/* of all these */
	bool other_charged;
	enum table tables[DEPTH + 1];
};

/* One operation that lacks memory, or two, and one that does not. */
struct trial {
	struct state state;
	unsigned int tries;
	enum operation operation[2], last;
	unsigned int nth[2];
};

/* A trial on its way. Cgroup 1 of it is the first level, and so on. */
struct world {
	struct trial trial;
	enum table tables[DEPTH + 1];
	struct cgroup_subsys_state *css[REF_CGROUPS];
	struct reference ref;
	unsigned int nr_charged;	/* at the end of the path */
};

static struct world *worlds;
static unsigned int nr_worlds;
static struct rdmacg_device *devices[NR_DEVICES];

/* What all worlds together add to this. */
static long nr_allocated, nr_css, allocated_per_css;

/* Of a whole case. */
static struct {
	unsigned long states, trials, failures;
} walked;

static bool is_limited(const struct state *state, unsigned int level)
{
	return state->limits & 1 << (level - 1);
}

static bool has_pool(const struct state *state, unsigned int level)
{
	return level <= state->open || is_limited(state, level);
}

static const char *describe(const struct trial *trial)
{
	const struct state *state = &trial->state;
	static char text[256];
	unsigned int level, at;

	at = snprintf(text, sizeof(text),
		      "depth %u, open %u, limits %#x of %u%s, tables ",
		      state->depth, state->open, state->limits, state->limit,
		      state->other_charged ? ", other device charged" : "");
	for (level = 1; level <= state->depth; level++)
		text[at++] = "-sf"[state->tables[level]];
	at += snprintf(text + at, sizeof(text) - at, ": %s, allocation %u",
		       operation_names[trial->operation[0]], trial->nth[0]);
	if (trial->tries == 2)
		snprintf(text + at, sizeof(text) - at, "; %s, allocation %u",
			 operation_names[trial->operation[1]], trial->nth[1]);
	return text;
}

/* Operations on both the controller and the reference. */

static void world_mkdir(struct kunit *test, struct world *w, int cgroup,
			int parent)
{
	w->css[cgroup] = shim_cgroup_mkdir(w->css[parent]);
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->css[cgroup]));
	ref_mkdir(&w->ref, cgroup, parent);
}

static int try_charge(struct kunit *test, struct world *w, int cgroup,
		      int device, int resource)
{
	struct rdma_cgroup *cg = NULL;
	int ret;

	shim_cgroup_attach(w->css[cgroup]);
	ret = ops->try_charge(&cg, devices[device], resource);
	shim_cgroup_attach(ops->subsys->root);
	KUNIT_EXPECT_PTR_EQ(test, (void *)cg, ret ? NULL : (void *)w->css[cgroup]);
	return ret;
}

static void world_charge(struct kunit *test, struct world *w, int cgroup,
			 int device, int resource)
{
	int ret = try_charge(test, w, cgroup, device, resource);

	KUNIT_ASSERT_EQ(test, ret, ref_charge(&w->ref, cgroup, device, resource));
}

static void world_uncharge(struct world *w, int cgroup, int device,
			   int resource)
{
	ops->uncharge((void *)w->css[cgroup], devices[device], resource);
	ref_uncharge(&w->ref, cgroup, device, resource);
}

static __printf(4, 5)
void world_write(struct kunit *test, struct world *w, int cgroup,
		 const char *format, ...)
{
	char line[64];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	KUNIT_ASSERT_EQ(test, shim_cgroup_write(w->css[cgroup], "max", line, length), length);
	KUNIT_ASSERT_EQ(test, ref_write_max(&w->ref, cgroup, line, length), length);
}

/* The end of the path gets a table that has room for the device, but no pool. */
static void world_make_table(struct kunit *test, struct world *w, int cgroup,
			     int device)
{
	shim_fail_nth(2);
	KUNIT_ASSERT_EQ(test, try_charge(test, w, cgroup, device, OBJECT), -ENOMEM);
	shim_fail_nth(0);
}

static void world_make(struct kunit *test, struct world *w,
		       const struct trial *trial)
{
	const struct state *state = &trial->state;
	unsigned int level;
	int i;

	memset(w->css, 0, sizeof(w->css));
	w->trial = *trial;
	w->nr_charged = 0;
	ref_init(&w->ref);
	ref_device_add(&w->ref, OTHER, "other", OTHER);
	ref_device_add(&w->ref, TESTED, "tested", TESTED);

	w->css[ROOT] = ops->subsys->root;
	for (level = 1; level <= state->depth; level++)
		world_mkdir(test, w, level, level - 1);

	if (state->other_charged)
		world_charge(test, w, state->depth, OTHER, HANDLE);
	for (level = 1; level <= state->depth; level++) {
		w->tables[level] = state->tables[level];
		if (has_pool(state, level))
			continue;
		if (state->tables[level] == TOO_SMALL && !state->other_charged)
			world_make_table(test, w, level, OTHER);
		if (state->tables[level] == FITTING)
			world_make_table(test, w, level, TESTED);
	}

	if (state->open) {
		world_write(test, w, state->open, "tested hca_handle=0");
		world_charge(test, w, state->open, TESTED, HANDLE);
		world_write(test, w, state->open, "tested hca_handle=max");
		for (i = 0; i < PEAK; i++)
			world_charge(test, w, state->open, TESTED, OBJECT);
		for (; i > HELD; i--)
			world_uncharge(w, state->open, TESTED, OBJECT);
	}
	for (level = 1; level <= state->depth; level++)
		if (is_limited(state, level))
			world_write(test, w, level, "tested hca_object=%u",
				    state->limit);
}

static void world_remove(struct world *w)
{
	const struct state *state = &w->trial.state;
	unsigned int level;

	for (; w->nr_charged; w->nr_charged--)
		world_uncharge(w, state->depth, TESTED, OBJECT);
	if (state->open)
		world_uncharge(w, state->open, TESTED, OBJECT);
	if (state->other_charged)
		world_uncharge(w, state->depth, OTHER, HANDLE);
	if (w->css[MADE])
		shim_cgroup_rmdir(w->css[MADE]);
	for (level = state->depth; level; level--)
		shim_cgroup_rmdir(w->css[level]);
}

/* What the path takes of memory. */

/*
 * Does what the operation does to tables until its @nth allocation fails; 0:
 * until its end. Returns how many allocations there were.
 */
static unsigned int fill_tables(const struct state *state,
				enum operation operation, unsigned int nth,
				enum table *tables)
{
	unsigned int level, allocations = 0;

	if (operation == MKDIR)
		return allocated_per_css;
	if (operation == UNLIMIT)
		return 0;

	for (level = state->depth; level > state->open; level--) {
		/* A limit is of this cgroup alone. */
		if (operation == LIMIT && level != state->depth)
			break;
		if (has_pool(state, level))
			continue;
		if (tables[level] != FITTING) {
			if (++allocations == nth)
				break;
			tables[level] = FITTING;
		}
		if (++allocations == nth)
			break;
	}
	return allocations;
}

static unsigned int count_allocations(const struct state *state,
				      enum operation operation,
				      const enum table *tables)
{
	enum table copy[DEPTH + 1];

	memcpy(copy, tables, sizeof(copy));
	return fill_tables(state, operation, 0, copy);
}

static long world_allocated(const struct world *w)
{
	const struct state *state = &w->trial.state;
	unsigned int level;
	long count;

	count = ref_nr_pools(&w->ref, TESTED) + ref_nr_pools(&w->ref, OTHER);
	for (level = 1; level <= state->depth; level++)
		count += w->tables[level] != MISSING;
	count += (state->depth + !!w->css[MADE]) * allocated_per_css;
	return count;
}

/* Operations under test. */

static const char limit_line[] = "tested hca_object=7";

static void unlimit(struct kunit *test, struct world *w)
{
	const struct state *state = &w->trial.state;
	unsigned int level;

	for (level = 1; level <= state->depth; level++)
		if (is_limited(state, level))
			world_write(test, w, level, "tested hca_object=max");
}

static long operate(struct kunit *test, struct world *w,
		    enum operation operation)
{
	unsigned int cgroup = w->trial.state.depth;
	struct cgroup_subsys_state *css;

	switch (operation) {
	case CHARGE:
		return try_charge(test, w, cgroup, TESTED, OBJECT);
	case MKDIR:
		css = shim_cgroup_mkdir(w->css[cgroup]);
		if (IS_ERR(css))
			return PTR_ERR(css);
		w->css[MADE] = css;
		return 0;
	case UNLIMIT:
		unlimit(test, w);
		return 0;
	default:
		return shim_cgroup_write(w->css[cgroup], "max", limit_line,
					 strlen(limit_line));
	}
}

static long operate_on_reference(struct world *w, enum operation operation)
{
	unsigned int cgroup = w->trial.state.depth;
	int ret;

	switch (operation) {
	case CHARGE:
		ret = ref_charge(&w->ref, cgroup, TESTED, OBJECT);
		w->nr_charged += !ret;
		return ret;
	case MKDIR:
		ref_mkdir(&w->ref, MADE, cgroup);
		return 0;
	case UNLIMIT:
		return 0;
	default:
		return ref_write_max(&w->ref, cgroup, limit_line,
				     strlen(limit_line));
	}
}

static void compare_files(struct kunit *test, const struct world *w)
{
	static char expected[REF_CGROUPS][REF_FILES][REF_FILE_SIZE];
	static char real[REF_FILE_SIZE];
	static struct reference last;
	bool known = !memcmp(&last, &w->ref, sizeof(last));
	enum ref_file file;
	int cgroup;

	for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++) {
		for (file = 0; w->css[cgroup] && file < REF_FILES; file++) {
			char *text = expected[cgroup][file];

			if (!known)
				ref_read(&w->ref, cgroup, file, text);
			KUNIT_EXPECT_GE(test, shim_cgroup_read(w->css[cgroup],
							       ref_file_names[file],
							       real, sizeof(real)), 0);
			KUNIT_EXPECT_STREQ_MSG(test, real, text, "%s of %d: %s",
					       ref_file_names[file], cgroup,
					       describe(&w->trial));
		}
	}
	if (!known)
		memcpy(&last, &w->ref, sizeof(last));
}

/*
 * An operation that is to fail at its @nth allocation, if it has so many. With 0
 * it lacks no memory.
 */
static void try_operation(struct kunit *test, struct world *w,
			  enum operation operation, unsigned int nth)
{
	unsigned int allocations;
	bool failed;
	long ret;

	allocations = fill_tables(&w->trial.state, operation, nth, w->tables);
	shim_fail_nth(nth);
	ret = operate(test, w, operation);
	failed = nth && shim_failed();
	shim_fail_nth(0);

	KUNIT_EXPECT_EQ_MSG(test, failed, nth && nth <= allocations,
			    "number of allocations: %s", describe(&w->trial));
	if (failed)
		KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM, "%s", describe(&w->trial));
	else
		KUNIT_EXPECT_EQ_MSG(test, ret, operate_on_reference(w, operation),
				    "%s", describe(&w->trial));
	walked.failures += failed;
	compare_files(test, w);
}

/* When all has settled: what is not in the files. */
static void compare_memory(struct kunit *test, const char *when)
{
	long allocated = nr_allocated, pools = 0, csses = nr_css;
	unsigned int i;

	shim_settle();
	for (i = 0; i < nr_worlds; i++) {
		allocated += world_allocated(&worlds[i]);
		pools += ref_nr_pools(&worlds[i].ref, TESTED);
		csses += ref_nr_cgroups(&worlds[i].ref) - 1;
	}
	KUNIT_EXPECT_EQ_MSG(test, shim_nr_allocated(), allocated,
			    "objects, %s, of %u from: %s", when, nr_worlds,
			    describe(&worlds[0].trial));
	KUNIT_EXPECT_EQ_MSG(test, ops->nr_pools(devices[TESTED]), pools,
			    "pools, %s, of %u from: %s", when, nr_worlds,
			    describe(&worlds[0].trial));
	KUNIT_EXPECT_EQ_MSG(test, shim_nr_css(), csses,
			    "csses, %s, of %u from: %s", when, nr_worlds,
			    describe(&worlds[0].trial));
}

static void flush_trials(struct kunit *test)
{
	unsigned int try, i;

	compare_memory(test, "before");
	for (try = 0; try < 2 && !test->failed; try++) {
		for (i = 0; i < nr_worlds && !test->failed; i++) {
			const struct trial *trial = &worlds[i].trial;

			if (try < trial->tries)
				try_operation(test, &worlds[i], trial->operation[try],
					      trial->nth[try]);
		}
		compare_memory(test, try ? "after two failures" : "after a failure");
	}
	for (i = 0; i < nr_worlds && !test->failed; i++)
		try_operation(test, &worlds[i], worlds[i].trial.last, 0);
	compare_memory(test, "after all");

	for (i = 0; i < nr_worlds; i++)
		world_remove(&worlds[i]);
	nr_worlds = 0;
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_allocated(), nr_allocated);
	KUNIT_EXPECT_EQ(test, ops->nr_pools(devices[TESTED]), 0);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 0);
}

static void add_trial(struct kunit *test, const struct trial *trial)
{
	if (test->failed)
		return;
	world_make(test, &worlds[nr_worlds++], trial);
	walked.trials++;
	if (nr_worlds == BATCH)
		flush_trials(test);
}

/* All states, and all that can fail in each. */

typedef void (*walker)(struct kunit *test, const struct state *state,
		       enum operation operation);

static void fail_each(struct kunit *test, const struct state *state,
		      enum operation operation, enum operation last,
		      unsigned int extra)
{
	struct trial trial = {
		.state = *state,
		.tries = 1,
		.operation = { operation },
		.last = last,
	};
	unsigned int allocations;

	allocations = count_allocations(state, operation, state->tables);
	for (trial.nth[0] = 1; trial.nth[0] <= allocations + extra; trial.nth[0]++)
		add_trial(test, &trial);
}

/* It is tried again, and then must work. */
static void fail_once(struct kunit *test, const struct state *state,
		      enum operation operation)
{
	/* Unless it works once only: one try more than there are allocations. */
	fail_each(test, state, operation, operation, operation != MKDIR);
}

/* It is not tried again. What it made must not outlive the last limit. */
static void fail_and_unlimit(struct kunit *test, const struct state *state,
			     enum operation operation)
{
	fail_each(test, state, operation, UNLIMIT, 0);
}

/* A failure, then one of any operation on the same cgroup. */
static void fail_twice(struct kunit *test, const struct state *state,
		       enum operation operation)
{
	struct trial trial = {
		.state = *state,
		.tries = 2,
		.operation = { operation },
	};
	unsigned int first = count_allocations(state, operation, state->tables);

	for (trial.nth[0] = 1; trial.nth[0] <= first; trial.nth[0]++) {
		for (trial.operation[1] = 0; trial.operation[1] < NR_OPERATIONS;
		     trial.operation[1]++) {
			enum table tables[DEPTH + 1];
			unsigned int second;

			memcpy(tables, state->tables, sizeof(tables));
			fill_tables(state, operation, trial.nth[0], tables);
			second = count_allocations(state, trial.operation[1], tables);
			trial.last = trial.operation[1];
			for (trial.nth[1] = 1; trial.nth[1] <= second; trial.nth[1]++)
				add_trial(test, &trial);
		}
	}
}

/*
 * Choose the tables of this level and those below it, where there is no pool.
 * Too deep, one way is for all: that of @first, the first of these levels.
 */
static void walk_tables(struct kunit *test, struct state *state,
			unsigned int level, unsigned int first, walker walk,
			enum operation operation)
{
	/* A new cgroup has no use for the tables of others. */
	unsigned int free_depth = operation == MKDIR ? 0 : free_tables_depth;
	enum table table;

	if (level > state->depth) {
		walked.states++;
		walk(test, state, operation);
		return;
	}
	if (has_pool(state, level)) {
		state->tables[level] = FITTING;
		walk_tables(test, state, level + 1, first, walk, operation);
		return;
	}
	for (table = state->other_charged ? TOO_SMALL : MISSING; table < NR_TABLES;
	     table++) {
		if (first && state->depth > free_depth &&
		    table != state->tables[first])
			continue;
		state->tables[level] = table;
		walk_tables(test, state, level + 1, first ?: level, walk, operation);
	}
}

static void walk_states(struct kunit *test, struct state *state,
			walker walk, enum operation operation)
{
	unsigned int variant, nr_limits = 1 << state->depth;

	/* Each limit, each depth of open pools, the other device. */
	for (variant = 0; variant < nr_limits * (state->depth + 1) * 2 && !test->failed;
	     variant++) {
		state->other_charged = variant & 1;
		state->limits = variant / 2 % nr_limits;
		state->open = variant / 2 / nr_limits;
		walk_tables(test, state, 1, 0, walk, operation);
	}
}

static void walk_depths(struct kunit *test, unsigned int depth,
			unsigned int limit, walker walk,
			enum operation operation)
{
	struct state state = { .limit = limit };

	memset(&walked, 0, sizeof(walked));
	for (state.depth = 1; state.depth <= depth; state.depth++)
		walk_states(test, &state, walk, operation);
	if (!test->failed)
		flush_trials(test);
	kunit_info(test, "%lu states, %lu tries, %lu failures injected\n",
		   walked.states, walked.trials, walked.failures);
	KUNIT_EXPECT_GE(test, walked.failures, 1);
}

static int path_init(struct kunit *test)
{
	struct cgroup_subsys_state *css;
	int i;

	nr_allocated = shim_nr_allocated();
	nr_css = shim_nr_css();
	css = shim_cgroup_mkdir(ops->subsys->root);
	if (IS_ERR(css))
		return PTR_ERR(css);
	allocated_per_css = shim_nr_allocated() - nr_allocated;
	shim_cgroup_rmdir(css);
	shim_settle();

	/* Devices get the smallest IDs; those between the two need not stay. */
	devices[OTHER] = ops->device_add_as("other", OTHER);
	for (i = OTHER + 1; i < TESTED; i++)
		devices[i] = ops->device_add_as("between", i);
	devices[TESTED] = ops->device_add_as("tested", TESTED);
	for (i = OTHER + 1; i < TESTED; i++)
		ops->device_del(devices[i]);
	return 0;
}

static void path_exit(struct kunit *test)
{
	ops->device_del(devices[OTHER]);
	ops->device_del(devices[TESTED]);
}

static void charge(struct kunit *test)
{
	walk_depths(test, single_depth, 7, fail_once, CHARGE);
}

static void charge_to_be_refused(struct kunit *test)
{
	walk_depths(test, single_depth, 0, fail_once, CHARGE);
}

static void charge_given_up(struct kunit *test)
{
	walk_depths(test, single_depth, 7, fail_and_unlimit, CHARGE);
}

static void limit(struct kunit *test)
{
	walk_depths(test, single_depth, 5, fail_once, LIMIT);
}

static void limit_given_up(struct kunit *test)
{
	walk_depths(test, single_depth, 7, fail_and_unlimit, LIMIT);
}

static void new_cgroup(struct kunit *test)
{
	walk_depths(test, single_depth, 5, fail_once, MKDIR);
}

static void charge_then_any(struct kunit *test)
{
	walk_depths(test, pair_depth, 7, fail_twice, CHARGE);
}

static void limit_then_any(struct kunit *test)
{
	walk_depths(test, pair_depth, 7, fail_twice, LIMIT);
}

/* What must work when there is no memory at all. */

#define WITHOUT_MEMORY(test, statement) do {				\
	shim_fail_nth(1);						\
	statement;							\
	KUNIT_EXPECT_FALSE(test, shim_failed());			\
	shim_fail_nth(0);						\
} while (0)

static void all_else_needs_no_memory(struct kunit *test)
{
	const struct trial trial = {
		.state = {
			.depth = DEPTH,
			.open = DEPTH / 2,
			.limits = (1 << DEPTH) - 1,
			.limit = 7,
			.other_charged = true,
		},
	};
	struct world *w = &worlds[0];
	int device, resource;
	ssize_t ret;

	world_make(test, w, &trial);

	/* A device comes, is renamed as another, and goes. */
	WITHOUT_MEMORY(test, devices[1] = ops->device_add_as("new", 1));
	ref_device_add(&w->ref, 1, "new", 1);
	WITHOUT_MEMORY(test, compare_files(test, w));
	/* There is no pool, and these are no reason to make one. */
	WITHOUT_MEMORY(test, world_write(test, w, 1, "new"));
	WITHOUT_MEMORY(test, world_write(test, w, 1, "new hca_handle=max"));
	WITHOUT_MEMORY(test, ops->rename(devices[1], "tested"));
	ref_device_rename(&w->ref, 1, "tested");
	WITHOUT_MEMORY(test, compare_files(test, w));
	WITHOUT_MEMORY(test, ops->device_del(devices[1]));
	KUNIT_EXPECT_FALSE(test, ref_device_del(&w->ref, 1));

	/* Limits of pools that exist, and what is no limit. */
	WITHOUT_MEMORY(test, world_write(test, w, DEPTH, "tested hca_object=6"));
	WITHOUT_MEMORY(test, world_write(test, w, 1, "tested hca_object=5"));
	WITHOUT_MEMORY(test, ret = shim_cgroup_write(w->css[1], "max", "new hca_object=1", 16));
	KUNIT_EXPECT_EQ(test, ret, -ENODEV);
	WITHOUT_MEMORY(test, ret = shim_cgroup_write(w->css[1], "max", "tested hca_object", 17));
	KUNIT_EXPECT_EQ(test, ret, -EINVAL);

	/* A first charge of pools that a limit made; others; refusals. */
	WITHOUT_MEMORY(test, world_charge(test, w, DEPTH, TESTED, OBJECT));
	WITHOUT_MEMORY(test, world_charge(test, w, DEPTH, TESTED, OBJECT));
	WITHOUT_MEMORY(test, world_uncharge(w, DEPTH, TESTED, OBJECT));
	WITHOUT_MEMORY(test, world_write(test, w, 1, "tested hca_object=0"));
	WITHOUT_MEMORY(test, world_charge(test, w, DEPTH, TESTED, OBJECT));
	w->nr_charged = 1;

	for (device = OTHER; device <= TESTED; device += TESTED - OTHER)
		for (resource = HANDLE; resource <= OBJECT; resource++)
			WITHOUT_MEMORY(test, ops->query_limit(devices[device], resource));
	WITHOUT_MEMORY(test, compare_files(test, w));
	WITHOUT_MEMORY(test, world_remove(w));
	shim_settle();
}

static struct kunit_case path_cases[] = {
	KUNIT_CASE(charge),
	KUNIT_CASE(charge_to_be_refused),
	KUNIT_CASE(charge_given_up),
	KUNIT_CASE(limit),
	KUNIT_CASE(limit_given_up),
	KUNIT_CASE(new_cgroup),
	KUNIT_CASE(charge_then_any),
	KUNIT_CASE(limit_then_any),
	KUNIT_CASE(all_else_needs_no_memory),
	{ }
};

static struct kunit_suite path_suite = {
	.name = "no_memory",
	.init = path_init,
	.exit = path_exit,
	.test_cases = path_cases,
};

kunit_test_suite(path_suite);

/* Tables that have to grow, by how much so ever. */

/* IDs at which a table of any size is full, or must be larger. */
static const unsigned int growth_ids[] = { 1, 4, 5, 12, 13, 28, 29, 60, 61, 71 };

#define MAX_ID	71

/* What a table has beside its entries: an RCU head and its size. */
#define TABLE_HEADER	(sizeof(struct rcu_head) + sizeof(long))

/* A table made for this ID takes a whole slab object, so nothing is wasted. */
static size_t table_size(unsigned int id)
{
	return roundup_pow_of_two(TABLE_HEADER + (id + 1) * sizeof(void *));
}

struct growth {
	struct rdmacg_device *device[MAX_ID + 1];
	struct cgroup_subsys_state *path[DEPTH];
	struct cgroup_subsys_state *leaf;
	char expected[DEPTH][REF_FILE_SIZE];
};

static int growth_charge(struct growth *g, unsigned int id)
{
	struct rdma_cgroup *cg;
	int ret;

	shim_cgroup_attach(g->leaf);
	ret = ops->try_charge(&cg, g->device[id], OBJECT);
	shim_cgroup_attach(ops->subsys->root);
	return ret;
}

/* One of all devices is charged, or none with ID 0, or two. */
static void growth_compare(struct kunit *test, struct growth *g, unsigned int one,
			   unsigned int other)
{
	char real[REF_FILE_SIZE], expected[REF_FILE_SIZE];
	unsigned int id, level, at = 0;

	for (id = 1; id <= MAX_ID; id++)
		at += snprintf(expected + at, sizeof(expected) - at,
			       "dev%u hca_handle=0 hca_object=%d\n", id,
			       id == one || id == other);
	for (level = 0; level < DEPTH; level++) {
		KUNIT_EXPECT_EQ(test, shim_cgroup_read(g->path[level], "current",
						       real, sizeof(real)), at);
		KUNIT_EXPECT_STREQ_MSG(test, real, expected, "level %u", level + 1);
	}
}

/* Returns whether it failed: there may be fewer than @nth allocations. */
static bool growth_try(struct kunit *test, struct growth *g, unsigned int from,
		       unsigned int to, unsigned int nth)
{
	/* At each level there is a table, if it has to grow, and a pool. */
	bool is_table = table_size(to) > table_size(from) && nth % 2;
	unsigned int level;
	bool failed;
	int ret;

	for (level = 0; level < DEPTH; level++) {
		g->path[level] = shim_cgroup_mkdir(level ? g->path[level - 1] :
						   ops->subsys->root);
		KUNIT_ASSERT_FALSE(test, IS_ERR(g->path[level]));
	}
	g->leaf = g->path[DEPTH - 1];
	KUNIT_EXPECT_EQ(test, growth_charge(g, from), 0);

	shim_fail_nth(nth);
	ret = growth_charge(g, to);
	failed = shim_failed();
	shim_fail_nth(0);
	if (failed) {
		KUNIT_EXPECT_EQ(test, shim_failed_size(),
				is_table ? table_size(to) : ops->pool_size);
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		growth_compare(test, g, from, 0);
		KUNIT_EXPECT_EQ(test, ops->nr_pools(g->device[to]), 0);
		ret = growth_charge(g, to);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	growth_compare(test, g, from, to);

	ops->uncharge((void *)g->leaf, g->device[from], OBJECT);
	ops->uncharge((void *)g->leaf, g->device[to], OBJECT);
	for (level = DEPTH; level--; )
		shim_cgroup_rmdir(g->path[level]);
	shim_settle();
	KUNIT_EXPECT_EQ_MSG(test, shim_nr_allocated(), nr_allocated,
			    "ID %u after %u, allocation %u", to, from, nth);
	return failed;
}

static void tables_grow(struct kunit *test)
{
	struct growth *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	unsigned int id, from, to, nth, grows, tries = 0;
	char name[16];

	KUNIT_ASSERT_NOT_NULL(test, g);
	nr_allocated = shim_nr_allocated();
	for (id = 1; id <= MAX_ID; id++) {
		snprintf(name, sizeof(name), "dev%u", id);
		g->device[id] = ops->device_add(name);
	}

	for (to = 1; to < ARRAY_SIZE(growth_ids); to++) {
		for (from = 0; from < to && !test->failed; from++) {
			grows = table_size(growth_ids[to]) > table_size(growth_ids[from]);
			for (nth = 1; growth_try(test, g, growth_ids[from],
						 growth_ids[to], nth); nth++)
				;
			KUNIT_EXPECT_EQ(test, nth - 1, DEPTH * (1 + grows));
			tries += nth;
		}
	}
	for (id = 1; id <= MAX_ID; id++)
		ops->device_del(g->device[id]);
	kunit_info(test, "%u tries\n", tries);
}

static struct kunit_case growth_cases[] = {
	KUNIT_CASE(tables_grow),
	{ }
};

static struct kunit_suite growth_suite = {
	.name = "no_memory_to_grow",
	.test_cases = growth_cases,
};

kunit_test_suite(growth_suite);

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "depth", required_argument, NULL, 'd' },
		{ "pairs", required_argument, NULL, 'p' },
		{ "tables", required_argument, NULL, 't' },
		{ }
	};
	int option, failed;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned int value = optarg ? strtoul(optarg, NULL, 0) : 0;

		switch (option) {
		case 'd':
			single_depth = min_t(unsigned int, value, DEPTH);
			break;
		case 'p':
			pair_depth = min_t(unsigned int, value, DEPTH);
			break;
		case 't':
			free_tables_depth = value;
			break;
		default:
			fprintf(stderr, "Usage: %s [--depth N] [--pairs N] [--tables N]\n",
				argv[0]);
			return 2;
		}
	}
	worlds = calloc(BATCH, sizeof(*worlds));
	if (!worlds)
		return 2;

	shim_init();
	shim_cgroup_attach(shim_cgroup_init(ops->subsys));
	failed = shim_kunit_run();
	shim_cgroup_attach(NULL);
	shim_cgroup_exit(ops->subsys);
	free(worlds);
	return failed || shim_nr_allocated();
}
