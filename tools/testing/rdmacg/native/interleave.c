// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every pair of operations, with a switch from one thread to the other at every
 * point: the first is stopped before its nth access to what threads share, for
 * each n, the other runs as far as the locks let it, and then both end. Results
 * and files have to be those of the reference after the two in one order or the
 * other.
 *
 * This finds, in each run and whatever the machine's load, what goes wrong if
 * one thread comes between two steps of another. What takes more switches, or
 * a CPU that reorders, is left to the races of stress.c and to the models.
 *
 * Two things are no single step, and need none. The numbers of an events file
 * are judged one by one: each is at least what it was before, and at most what
 * it is after. And if two levels get full at once, either may be the one that
 * refuses, so no setup here has that.
 */

#include <kunit/test.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "reference.h"

enum place { ROOT, TOP, MID, LEAF, SIBLING, NR_CGROUPS };

enum { HANDLE, OBJECT };

/*
 * Devices. The one called B needs a larger table of pools than the other; NEW
 * comes only by an operation.
 */
enum { A, B, NEW, FILLER, NR_DEVICES = FILLER + 4 };

#define MAX_SETUP	6
#define MAX_OTHER	6	/* operations of the other thread */
#define RUNS_PER_SETTLE	256

extern const struct rdmacg_ops ours_ops;
static const struct rdmacg_ops *ops = &ours_ops;

static bool run_all;

enum kind {
	NONE, CHARGE, UNCHARGE, QUERY, WRITE, READ, POLL, RENAME, ADD, DEL, RMDIR,
};

/* What kinds there are tells which members count. */
struct operation {
	enum kind kind;
	enum place cgroup;
	int device, resource;
	enum ref_file file;
	const char *text;	/* of a write, or a name */
};

#define OP_CHARGE(c, d, r)	{ CHARGE, c, d, r }
#define OP_UNCHARGE(c)		{ UNCHARGE, c, A, OBJECT }
#define OP_QUERY(c)		{ QUERY, c, A, OBJECT }
#define OP_WRITE(c, t)		{ WRITE, c, .text = t }
#define OP_READ(c, f)		{ READ, c, .file = f }
#define OP_POLL(c)		{ POLL, c }
#define OP_RENAME(t)		{ RENAME, .device = A, .text = t }

static const struct operation operations[] = {
	OP_CHARGE(LEAF, A, OBJECT),
	OP_CHARGE(LEAF, A, HANDLE),
	OP_CHARGE(LEAF, B, OBJECT),
	OP_CHARGE(SIBLING, A, OBJECT),
	OP_CHARGE(TOP, A, OBJECT),
	OP_UNCHARGE(LEAF),
	OP_UNCHARGE(SIBLING),
	OP_QUERY(LEAF),
	OP_WRITE(LEAF, "dev hca_object=1"),
	OP_WRITE(LEAF, "dev hca_object=max"),
	OP_WRITE(LEAF, "other hca_object=3\ndev hca_object=2"),
	OP_WRITE(MID, "dev hca_object=1 hca_handle=0"),
	OP_WRITE(TOP, "dev hca_object=0"),
	OP_WRITE(TOP, "dev default"),
	OP_WRITE(TOP, "default hca_object=1"),
	OP_READ(LEAF, REF_CURRENT),
	OP_READ(LEAF, REF_EVENTS_LOCAL),
	OP_READ(MID, REF_PEAK),
	OP_READ(TOP, REF_MAX),
	OP_READ(TOP, REF_CURRENT),
	OP_READ(TOP, REF_EVENTS),
	OP_RENAME("other"),
	OP_RENAME("name"),
	{ ADD, .device = NEW, .text = "dev" },
	{ DEL, .device = B },
	{ RMDIR, SIBLING },
};

/* What has been done before. */
static const struct setup {
	const char *name;
	struct operation operations[MAX_SETUP];
	bool named_only;	/* for sequences that name it */
} setups[] = {
	{ "nothing" },
	{ "limit of the leaf", {
		OP_WRITE(LEAF, "dev hca_object=1"),
	} },
	{ "limit above", {
		OP_WRITE(TOP, "dev hca_object=1"),
	} },
	{ "charged and uncharged", {
		OP_CHARGE(LEAF, A, OBJECT),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_UNCHARGE(LEAF),
		OP_UNCHARGE(SIBLING),
		OP_WRITE(MID, "dev hca_object=1"),
	} },
	{ "leaf full", {
		OP_WRITE(LEAF, "dev hca_object=1"),
		OP_CHARGE(LEAF, A, OBJECT),
	} },
	{ "room for one above", {
		OP_CHARGE(LEAF, A, HANDLE),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_WRITE(TOP, "dev hca_object=2"),
	} },
	{ "room for one here and above", {
		OP_CHARGE(LEAF, A, HANDLE),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_WRITE(LEAF, "dev hca_object=1"),
		OP_WRITE(TOP, "dev hca_object=2"),
	}, .named_only = true },
	{ "limit of the leaf, full above", {
		OP_WRITE(LEAF, "dev hca_object=1"),
		OP_WRITE(TOP, "dev hca_object=1"),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_CHARGE(LEAF, A, HANDLE),
	} },
	{ "full above", {
		OP_CHARGE(LEAF, A, OBJECT),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_WRITE(MID, "dev hca_object=2"),
		OP_CHARGE(LEAF, A, OBJECT),
	} },
	{ "default above", {
		OP_WRITE(TOP, "default hca_object=1"),
		OP_CHARGE(TOP, A, HANDLE),
	} },
};

struct result {
	long value;
	char text[REF_FILE_SIZE];	/* that was read, or the name in the trace */
};

static struct world {
	struct reference ref;
	struct cgroup_subsys_state *css[NR_CGROUPS];
	struct rdmacg_device *device[NR_DEVICES];
	int held[NR_CGROUPS][NR_DEVICES][REF_RESOURCES];
	char files[NR_CGROUPS][REF_FILES][REF_FILE_SIZE];
} world;

static const char *describe(const struct operation *op)
{
	static char texts[2][128];
	static unsigned int last;
	static const char * const names[] = {
		[CHARGE] = "charge", [UNCHARGE] = "uncharge", [QUERY] = "query",
		[WRITE] = "write", [READ] = "read", [POLL] = "poll", [RENAME] = "rename",
		[ADD] = "add", [DEL] = "remove device", [RMDIR] = "rmdir",
	};
	char *text = texts[last++ % 2];

	snprintf(text, sizeof(*texts), "%s, cgroup %d, device %d, resource %d, %s",
		 names[op->kind], op->cgroup, op->device, op->resource,
		 op->kind == READ ? ref_file_names[op->file] : op->text ?: "");
	return text;
}

/* An operation on the controller, by the calling thread. */
static void perform(const struct operation *op, struct result *result)
{
	struct cgroup_subsys_state *css = world.css[op->cgroup];
	struct rdmacg_device *device = world.device[op->device];
	struct rdma_cgroup *cg;

	result->value = 0;
	result->text[0] = '\0';
	switch (op->kind) {
	case NONE:
		break;
	case CHARGE:
		shim_enable_trace(true);
		result->value = ops->try_charge(&cg, device, op->resource);
		strscpy(result->text, shim_traced_device(), sizeof(result->text));
		shim_enable_trace(false);
		break;
	case UNCHARGE:
		ops->uncharge((void *)css, device, op->resource);
		break;
	case QUERY:
		result->value = ops->query_limit(device, op->resource);
		break;
	case WRITE:
		result->value = shim_cgroup_write(css, "max", op->text,
						  strlen(op->text));
		break;
	case READ:
		result->value = shim_cgroup_read(css, ref_file_names[op->file],
						 result->text,
						 sizeof(result->text));
		break;
	case POLL:
		shim_flush_work();
		result->value = shim_cgroup_notified(css, "events.local") > 0;
		break;
	case RENAME:
		ops->rename(device, op->text);
		break;
	case ADD:
		world.device[op->device] = ops->device_add_as(op->text, op->device);
		break;
	case DEL:
		ops->device_del(device);
		break;
	case RMDIR:
		shim_cgroup_rmdir(css);
		break;
	}
}

static void perform_on(struct reference *ref, const struct operation *op,
		       struct result *result)
{
	result->value = 0;
	result->text[0] = '\0';
	switch (op->kind) {
	case NONE:
		break;
	case CHARGE:
		result->value = ref_charge(ref, op->cgroup, op->device, op->resource);
		strscpy(result->text, ref->devices[op->device].name,
			sizeof(result->text));
		break;
	case UNCHARGE:
		ref_uncharge(ref, op->cgroup, op->device, op->resource);
		break;
	case QUERY:
		result->value = ref_query_limit(ref, op->cgroup, op->device,
						op->resource);
		break;
	case WRITE:
		result->value = ref_write_max(ref, op->cgroup, op->text,
					      strlen(op->text));
		break;
	case READ:
		result->value = ref_read(ref, op->cgroup, op->file, result->text);
		break;
	case POLL:
		result->value = ref->cgroups[op->cgroup].local_changes > 0;
		break;
	case RENAME:
		ref_device_rename(ref, op->device, op->text);
		break;
	case ADD:
		ref_device_add(ref, op->device, op->text, op->device);
		break;
	case DEL:
		ref_device_del(ref, op->device);
		break;
	case RMDIR:
		ref_rmdir(ref, op->cgroup);
		break;
	}
}

/* The task that charges, or asks for its limit, is in that cgroup. */
static void enter(const struct operation *op)
{
	bool as_task = op->kind == CHARGE || op->kind == QUERY;

	shim_cgroup_attach(as_task ? world.css[op->cgroup] : NULL);
}

static void count_held(const struct operation *op, const struct result *result)
{
	int *held = &world.held[op->cgroup][op->device][op->resource];

	if (op->kind == CHARGE && !result->value)
		++*held;
	else if (op->kind == UNCHARGE)
		--*held;
}

static void add_device(int device, const char *name)
{
	world.device[device] = ops->device_add_as(name, device);
	ref_device_add(&world.ref, device, name, device);
}

static void world_make(struct kunit *test, const struct setup *setup)
{
	static const enum place parents[NR_CGROUPS] = {
		[TOP] = ROOT, [MID] = TOP, [LEAF] = MID, [SIBLING] = MID,
	};
	static struct result result, expected;
	int i;

	memset(&world, 0, sizeof(world));
	ref_init(&world.ref);
	world.css[ROOT] = ops->subsys->root;
	for (i = TOP; i < NR_CGROUPS; i++) {
		world.css[i] = shim_cgroup_mkdir(world.css[parents[i]]);
		KUNIT_ASSERT_FALSE(test, IS_ERR(world.css[i]));
		ref_mkdir(&world.ref, i, parents[i]);
	}
	add_device(A, "dev");
	for (i = FILLER; i < NR_DEVICES; i++)
		world.device[i] = ops->device_add_as("filler", i);
	add_device(B, "other");
	for (i = FILLER; i < NR_DEVICES; i++)
		ops->device_del(world.device[i]);
	for (i = 0; i < MAX_SETUP && setup->operations[i].kind; i++) {
		const struct operation *op = &setup->operations[i];

		enter(op);
		perform(op, &result);
		perform_on(&world.ref, op, &expected);
		KUNIT_ASSERT_EQ(test, result.value, expected.value);
		count_held(op, &result);
	}
	shim_cgroup_attach(NULL);
}

/* What is left, as the reference has it. */
static void world_remove(const struct reference *ref)
{
	int i, device, resource;

	for (i = NR_CGROUPS - 1; i > ROOT; i--) {
		for (device = 0; device < NR_DEVICES; device++)
			for (resource = 0; resource < REF_RESOURCES; resource++)
				while (world.held[i][device][resource]-- > 0)
					ops->uncharge((void *)world.css[i],
						      world.device[device], resource);
		if (!ref->cgroups[i].removed)
			shim_cgroup_rmdir(world.css[i]);
	}
	for (device = 0; device < NR_DEVICES; device++)
		if (ref->devices[device].registered)
			ops->device_del(world.device[device]);
}

/* The other thread. */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	enum { IDLE, RUNNING, WAITING, STOP } state;
	const struct operation *operations;
	unsigned int nr_operations;
	unsigned int next, end;		/* which of these are to be done */
	bool waited;
	struct result results[MAX_OTHER];
} other = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static void set_state(int from, int to)
{
	pthread_mutex_lock(&other.mutex);
	if (other.state == from)
		other.state = to;
	pthread_cond_broadcast(&other.changed);
	pthread_mutex_unlock(&other.mutex);
}

/* The lock that the other one needs is held by the first, which must go on. */
static void other_waits(void)
{
	other.waited = true;
	set_state(RUNNING, WAITING);
}

static void *other_thread(void *unused)
{
	shim_thread_start();
	pthread_mutex_lock(&other.mutex);
	for (;;) {
		while (other.state == IDLE)
			pthread_cond_wait(&other.changed, &other.mutex);
		if (other.state == STOP)
			break;
		pthread_mutex_unlock(&other.mutex);

		for (; other.next < other.end; other.next++) {
			const struct operation *op = &other.operations[other.next];

			enter(op);
			shim_call_on_wait(other_waits);
			perform(op, &other.results[other.next]);
			shim_call_on_wait(NULL);
		}
		shim_cgroup_attach(NULL);

		pthread_mutex_lock(&other.mutex);
		other.state = IDLE;
		pthread_cond_broadcast(&other.changed);
	}
	pthread_mutex_unlock(&other.mutex);
	shim_thread_stop();
	return NULL;
}

static void wait_for_other(void)
{
	pthread_mutex_lock(&other.mutex);
	while (other.state != IDLE)
		pthread_cond_wait(&other.changed, &other.mutex);
	pthread_mutex_unlock(&other.mutex);
}

/* Let the other thread do operations up to @end. False: it waits for a lock. */
static bool switch_to_other(unsigned int end)
{
	bool done;

	pthread_mutex_lock(&other.mutex);
	other.end = end;
	other.state = RUNNING;
	pthread_cond_broadcast(&other.changed);
	while (other.state == RUNNING)
		pthread_cond_wait(&other.changed, &other.mutex);
	done = other.state == IDLE;
	pthread_mutex_unlock(&other.mutex);
	return done;
}

/* How many operations the other does at the first stop; when the second is. */
static unsigned int nr_at_first_stop, second_stop;
static unsigned int nr_stops;

/* Nobody else is about, and the other must not find a lock taken. */
static bool settled, never_waits;

static void stop_again(void)
{
	nr_stops++;
	switch_to_other(other.nr_operations);
}

static void stop(void)
{
	nr_stops++;
	if (switch_to_other(nr_at_first_stop) &&
	    nr_at_first_stop < other.nr_operations)
		shim_call_at(second_stop, stop_again);
}

/* What may come of it. */

static bool is_events(const struct operation *op)
{
	return op->kind == READ &&
	       (op->file == REF_EVENTS || op->file == REF_EVENTS_LOCAL);
}

/* Each number of @text is at least that of @low and at most that of @high. */
static bool is_between(const char *text, const char *low, const char *high)
{
	long value, least, most;

	while ((text = strchr(text, '='))) {
		low = strchr(low, '=');
		high = strchr(high, '=');
		if (!low || !high)
			return false;
		value = strtol(++text, NULL, 10);
		least = strtol(++low, NULL, 10);
		most = strtol(++high, NULL, 10);
		if (value < least || value > most)
			return false;
	}
	return !strchr(low, '=') && !strchr(high, '=');
}

/* A read of events sees some of the refusals that the other thread is about. */
static bool reads_some(struct reference ref, const struct operation *read,
		       const char *text, const struct operation *next,
		       unsigned int nr_next)
{
	static struct result least, most;

	perform_on(&ref, read, &least);
	while (nr_next--) {
		if (next->kind == CHARGE)
			perform_on(&ref, next, &most);
		next++;
	}
	perform_on(&ref, read, &most);
	return is_between(text, least.text, most.text);
}

/*
 * Do to @ref what both threads did, @first after @at operations of the other.
 * Returns whether all results are as they were with the controller.
 */
static bool explains(struct reference *ref, const struct operation *first,
		     const struct result *result, unsigned int at)
{
	static struct result expected;
	unsigned int i, nr = other.nr_operations;
	bool same = true;

	*ref = world.ref;
	for (i = 0; i <= nr && same; i++) {
		bool is_first = i == at;
		unsigned int nr_other = i - (i > at);
		const struct operation *op = is_first ? first :
					     &other.operations[nr_other];
		const struct result *real = is_first ? result :
					    &other.results[nr_other];

		if (is_events(op) && is_first)
			same = reads_some(*ref, op, real->text,
					  &other.operations[i], nr - i);
		else if (is_events(op))
			same = reads_some(*ref, op, real->text, first, i < at);
		perform_on(ref, op, &expected);
		if (!is_events(op))
			same = real->value == expected.value &&
			       !strcmp(real->text, expected.text);
	}
	return same;
}

static void read_files(bool removed)
{
	int i, file;

	for (i = TOP; i < NR_CGROUPS; i++)
		for (file = 0; file < REF_FILES && !(i == SIBLING && removed); file++)
			shim_cgroup_read(world.css[i], ref_file_names[file],
					 world.files[i][file], REF_FILE_SIZE);
}

/* Files, and how many pools there are. */
static bool state_is(const struct reference *ref)
{
	static char expected[REF_FILE_SIZE];
	int i, file;

	for (i = TOP; i < NR_CGROUPS; i++) {
		for (file = 0; file < REF_FILES && !ref->cgroups[i].removed; file++) {
			ref_read(ref, i, file, expected);
			if (strcmp(world.files[i][file], expected))
				return false;
		}
	}
	for (i = 0; i < NR_DEVICES; i++)
		if (ref->devices[i].registered &&
		    ops->nr_pools(world.device[i]) != ref_nr_pools(ref, i))
			return false;
	return true;
}

static void show(struct kunit *test, const struct setup *setup,
		 const struct operation *first, const struct result *result,
		 unsigned int nth)
{
	unsigned int i;

	kunit_info(test, "after: %s\n", setup->name);
	kunit_info(test, "%s: %ld\n%s", describe(first), result->value, result->text);
	kunit_info(test, "stopped before access %u, while the other does\n", nth);
	for (i = 0; i < other.nr_operations; i++)
		kunit_info(test, "%s: %ld\n%s", describe(&other.operations[i]),
			   other.results[i].value, other.results[i].text);
	for (i = TOP; i < NR_CGROUPS; i++)
		kunit_info(test, "cgroup %d:\n%s%s%s%s", i,
			   world.files[i][REF_MAX], world.files[i][REF_CURRENT],
			   world.files[i][REF_PEAK], world.files[i][REF_EVENTS]);
}

/* How often @first was stopped; all of it is undone. */
static unsigned int run(struct kunit *test, const struct setup *setup,
			const struct operation *first, unsigned int nth)
{
	static unsigned int nr_runs;
	static struct reference ref;
	static struct result result;
	bool removes = first->kind == RMDIR, explained = false;
	unsigned int i;

	world_make(test, setup);
	for (i = 0; i < other.nr_operations; i++)
		removes = removes || other.operations[i].kind == RMDIR;
	if (settled)
		shim_settle();
	other.next = 0;
	other.waited = false;
	nr_stops = 0;

	enter(first);
	shim_call_at(nth, stop);
	perform(first, &result);
	shim_call_at(0, NULL);
	shim_cgroup_attach(NULL);
	/* What was left to do. */
	wait_for_other();
	switch_to_other(other.nr_operations);
	wait_for_other();
	if (removes || ++nr_runs % RUNS_PER_SETTLE == 0)
		shim_settle();

	read_files(removes);
	for (i = 0; i <= other.nr_operations && !explained; i++)
		explained = explains(&ref, first, &result, i) && state_is(&ref);
	if (!explained)
		show(test, setup, first, &result, nth);
	KUNIT_ASSERT_TRUE(test, explained);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 0);
	if (never_waits)
		KUNIT_EXPECT_FALSE(test, other.waited);

	count_held(first, &result);
	for (i = 0; i < other.nr_operations; i++)
		count_held(&other.operations[i], &other.results[i]);
	world_remove(&ref);
	return nr_stops;
}

/* Stop @first everywhere, twice if there are @again operations for then. */
static void run_each(struct kunit *test, const struct setup *setup,
		     const struct operation *first,
		     const struct operation *others, unsigned int nr_others,
		     unsigned int nr_again, unsigned long *runs)
{
	unsigned int nth, stops;

	other.operations = others;
	other.nr_operations = nr_others + nr_again;
	nr_at_first_stop = nr_others;
	nth = 1;
	do {
		second_stop = 1;
		do {
			stops = run(test, setup, first, nth);
			++*runs;
			second_stop++;
		} while (stops == 2 && !test->failed);
		nth++;
	} while (stops && !test->failed);
}

static bool uses(const struct operation *op, enum place cgroup)
{
	return op->cgroup == cgroup && op->kind != UNCHARGE;
}

/* What the controller's callers promise not to do at once. */
static bool may_meet(const struct operation *one, const struct operation *two)
{
	if (one->kind == DEL)
		return two->kind != DEL && !(two->kind == CHARGE && two->device == B);
	if (one->kind == RMDIR)
		return !uses(two, SIBLING);
	return one->kind != ADD || two->kind != ADD;
}

static bool changes_nothing(const struct operation *op)
{
	return op->kind == READ || op->kind == QUERY;
}

/* What is to be uncharged was charged. */
static bool is_possible(const struct setup *setup, const struct operation *op)
{
	int i, held = 0;

	if (op->kind != UNCHARGE)
		return true;
	for (i = 0; i < MAX_SETUP; i++)
		if (setup->operations[i].cgroup == op->cgroup &&
		    setup->operations[i].device == op->device &&
		    setup->operations[i].resource == op->resource)
			held += (setup->operations[i].kind == CHARGE) -
				(setup->operations[i].kind == UNCHARGE);
	return held > 0;
}

static void any_two(struct kunit *test)
{
	const struct operation *first, *second, *end;
	const struct setup *setup;
	unsigned long runs = 0;
	unsigned int pair;

	end = operations + ARRAY_SIZE(operations);
	for (setup = setups; setup < setups + ARRAY_SIZE(setups); setup++) {
		if (setup->named_only)
			continue;
		pair = setup - setups;
		for (first = operations; first < end; first++) {
			for (second = operations; second < end; second++) {
				/* Each pair is in some of the setups. */
				if (pair++ % (run_all ? 1 : 4))
					continue;
				if (!may_meet(first, second) || !may_meet(second, first) ||
				    !is_possible(setup, first) ||
				    !is_possible(setup, second) ||
				    (first == second && first->kind == UNCHARGE) ||
				    (changes_nothing(first) && changes_nothing(second)))
					continue;
				run_each(test, setup, first, second, 1, 0, &runs);
			}
		}
	}
	kunit_info(test, "%lu interleavings\n", runs);
}

/* One operation, and several that go on while it is stopped. */
static const struct {
	struct operation first;
	struct operation others[MAX_OTHER];
	unsigned int nr_again;		/* how many of these at a second stop */
	const char *setup;		/* the only one, or NULL */
	bool settled, never_waits;
} sequences[] = {
	/* There always is room, under one limit or the other. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_WRITE(TOP, "dev hca_object=9"),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_CHARGE(SIBLING, A, OBJECT),
	} },
	/* The same, the other way round: there is less usage, then a limit. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_UNCHARGE(SIBLING),
		OP_WRITE(TOP, "dev hca_object=1"),
	} },
	/* A refusal that has been returned is in the next read. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(LEAF, A, OBJECT),
		OP_READ(LEAF, REF_EVENTS_LOCAL),
		OP_READ(TOP, REF_EVENTS),
	} },
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_READ(SIBLING, REF_EVENTS_LOCAL),
		OP_READ(MID, REF_EVENTS_LOCAL),
		OP_READ(TOP, REF_EVENTS),
	} },
	{ OP_READ(TOP, REF_EVENTS), {
		OP_CHARGE(LEAF, A, OBJECT),
		OP_CHARGE(LEAF, A, OBJECT),
	} },
	/* Nor does a refusal wait for another that wakes pollers. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_POLL(SIBLING),
		OP_POLL(MID),
	}, .setup = "full above", .settled = true },
	/* It waits for no charge, and for no reader or writer of limits. */
	{ OP_CHARGE(LEAF, A, HANDLE), {
		OP_CHARGE(LEAF, A, OBJECT),
	}, .setup = "full above", .settled = true,
	  .never_waits = true },
	{ OP_READ(LEAF, REF_CURRENT), {
		OP_CHARGE(LEAF, A, OBJECT),
	}, .setup = "full above", .settled = true,
	  .never_waits = true },
	{ OP_WRITE(LEAF, "dev hca_handle=5"), {
		OP_CHARGE(LEAF, A, OBJECT),
	}, .setup = "full above", .settled = true,
	  .never_waits = true },
	/* A limit stays as it is while a charge that has the lock looks at it. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_WRITE(TOP, "dev hca_object=1"),
	}, .nr_again = 1 },
	/* No usage has a charge, not for a moment, that is refused in the end. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_CHARGE(LEAF, A, OBJECT),
	}, .nr_again = 1, .setup = "room for one here and above" },
	/* Pools come and go while they are looked for. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_WRITE(LEAF, "dev hca_object=1"),
		OP_WRITE(LEAF, "dev default"),
		OP_WRITE(MID, "dev hca_handle=1"),
		OP_WRITE(MID, "dev default"),
	} },
	{ OP_QUERY(LEAF), {
		OP_WRITE(LEAF, "dev hca_object=1"),
		OP_WRITE(LEAF, "dev default"),
	} },
	/* All below a pool that is being opened. */
	{ OP_CHARGE(LEAF, A, OBJECT), {
		OP_CHARGE(LEAF, A, OBJECT),
		OP_CHARGE(MID, A, OBJECT),
		OP_CHARGE(SIBLING, A, OBJECT),
		OP_CHARGE(TOP, A, OBJECT),
		OP_READ(TOP, REF_CURRENT),
	} },
	/* A name, and the devices that shared it. */
	{ OP_RENAME("other"), {
		{ ADD, .device = NEW, .text = "other" },
		OP_READ(TOP, REF_CURRENT),
	} },
};

static void any_sequence(struct kunit *test)
{
	const struct setup *setup;
	unsigned long runs = 0;
	unsigned int i, nr;

	for (setup = setups; setup < setups + ARRAY_SIZE(setups); setup++) {
		for (i = 0; i < ARRAY_SIZE(sequences); i++) {
			const struct operation *others = sequences[i].others;

			for (nr = 0; nr < MAX_OTHER && others[nr].kind &&
			     is_possible(setup, &others[nr]); nr++)
				;
			if ((nr < MAX_OTHER && others[nr].kind) ||
			    (sequences[i].setup ?
			     strcmp(sequences[i].setup, setup->name) :
			     setup->named_only))
				continue;
			settled = sequences[i].settled;
			never_waits = sequences[i].never_waits;
			run_each(test, setup, &sequences[i].first, others,
				 nr - sequences[i].nr_again,
				 sequences[i].nr_again, &runs);
		}
	}
	kunit_info(test, "%lu interleavings\n", runs);
}

static struct kunit_case interleave_cases[] = {
	KUNIT_CASE(any_sequence),
	KUNIT_CASE(any_two),
	{ }
};

static struct kunit_suite interleave_suite = {
	.name = "interleaved",
	.test_cases = interleave_cases,
};

kunit_test_suite(interleave_suite);

/* With --all, each pair after each setup. */
int main(int argc, char **argv)
{
	pthread_t thread;
	int failed;

	run_all = argc > 1 && !strcmp(argv[1], "--all");
	shim_init();
	shim_cgroup_init(ops->subsys);
	if (pthread_create(&thread, NULL, other_thread, NULL))
		return 2;
	failed = shim_kunit_run();
	set_state(IDLE, STOP);
	pthread_join(thread, NULL);
	shim_cgroup_exit(ops->subsys);
	return failed || shim_nr_allocated();
}
