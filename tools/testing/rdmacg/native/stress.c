// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races: more threads than cores charge, uncharge, write limits, read files, and
 * add and remove devices and cgroups at random, while others look whether the
 * contract holds. Each thread keeps a log of what it holds, to compare with.
 *
 * A run has several lives, each with a tree and devices of its own; at its end
 * nothing may be left. A life has rounds; between two of them all is quiet, and
 * every count, limit and css is compared with what it should be.
 *
 * What may be said about usage while limits change: it is at most @high, the
 * highest limit in force since the round began or, if that was more, the usage
 * of then. A writer that raises a limit raises @high first; a reader reads the
 * usage first, and @high then. Once a limit was lowered, and each charge is over that
 * had begun before, usage is either within it or only falls.
 *
 * The threads share as little as can be, and without ordering where that will
 * do: an order made here would hide from ThreadSanitizer one that is missing
 * in the controller.
 */

#include <linux/kernel.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define MAX_THREADS	64
#define NR_WATCHERS	2		/* threads that only read files */
#define DEVICES		10		/* some xarrays get a second level */
#define RESOURCES	2
#define MAX_HELD	64		/* charges in one thread's log */
#define MAILBOXES	4
#define UNLIMITED	S32_MAX
#define USE_DEFAULT	(-1)
#define LIFE_MS		2500
#define ROUND_MS	60
#define FILE_SIZE	2048

extern const struct rdmacg_ops ours_ops;
static const struct rdmacg_ops *ops = &ours_ops;

static const char * const resource_names[RESOURCES] = {
	"hca_handle", "hca_object",
};

/* The promises. */
enum promise {
	ADMISSION, LIMIT, LOWERED, REFUSAL, COUNTS, LIMITS, PEAKS, EVENTS,
	SEEN, LINES, LEVELS, ROOM, QUERY, FORMAT, RESULT, CSSES, MEMORY, WARNINGS,
	NR_PROMISES,
};

static struct {
	const char *name;
	unsigned long checked, broken;
} promises[NR_PROMISES] = {
	[ADMISSION]	= { "limit_n_admits_exactly_n_racing_charges" },
	[LIMIT]		= { "usage_is_never_above_the_limit_or_negative" },
	[LOWERED]	= { "lowered_limit_holds_when_the_write_returns" },
	[REFUSAL]	= { "no_charge_is_refused_without_a_limit" },
	[COUNTS]	= { "quiet_usage_is_the_sum_of_all_charges_below" },
	[LIMITS]	= { "quiet_limits_are_those_written" },
	[PEAKS]		= { "peak_is_the_highest_usage" },
	[EVENTS]	= { "each_refusal_is_told_once_where_it_belongs" },
	[SEEN]		= { "refusals_returned_are_in_the_next_read" },
	[LINES]		= { "line_is_of_one_moment" },
	[LEVELS]	= { "parent_has_what_its_children_have_and_no_refused_charge_shows" },
	[ROOM]		= { "no_charge_is_refused_while_there_is_room" },
	[QUERY]		= { "queried_limit_is_one_in_force" },
	[FORMAT]	= { "files_are_well_formed_at_any_time" },
	[RESULT]	= { "operations_return_what_they_may" },
	[CSSES]		= { "csses_live_as_long_as_they_are_used" },
	[MEMORY]	= { "all_memory_is_freed" },
	[WARNINGS]	= { "no_warning" },
};

enum operation {
	CHARGED, REFUSED, NO_MEMORY, UNCHARGED, PASSED_ON, MOVED, EXITED,
	LIMIT_WRITTEN, LIMIT_TAKEN_BACK, DEFAULT_WRITTEN, LIMIT_PROBED,
	LIMIT_QUERIED, BAD_WRITE, FILE_READ, CGROUP_MADE, CGROUP_REMOVED,
	DEVICE_REPLACED, DEVICE_RENAMED,
	NR_OPERATIONS,
};

static const char * const operation_names[NR_OPERATIONS] = {
	"charged", "refused", "no memory", "uncharged", "passed on", "moved",
	"exited", "limits written", "limits taken back", "defaults written",
	"limits probed", "limits queried", "bad writes", "files read",
	"cgroups made", "cgroups removed", "devices replaced",
	"devices renamed",
};

/* One resource of one cgroup on one device. */
struct cell {
	long limit;		/* in force after the last write; under node.admin */
	bool own;		/* not the default of its node */
	long high;		/* most that may be in use; see above */
	long top, low;		/* highest and lowest limit of this round */
	long refused;		/* to tasks in this very cgroup */
	long refused_gone;	/* and to those in cgroups below that are gone */

	/* While events are judged: attempts here and below, all refused. */
	long begun, returned;

	/* When quiet. */
	long charged;		/* here and below */
	long all_refused;	/* here and below */
	long peak;
	long told;		/* refusals by limits here and below */
};

/* A cgroup, and after rmdir what is left of it. */
struct node {
	struct node *next;	/* of all */
	struct node *parent;
	struct cgroup_subsys_state *css;
	bool removed;
	bool used;		/* when quiet: the css must be there */
	int nr_tasks;
	pthread_mutex_t admin;
	long default_limit[RESOURCES];	/* for new devices as well */
	struct cell cells[DEVICES][RESOURCES];
};

/*
 * Places of cgroups. A thread that holds the lock for reading is in a system call
 * on a file, which rmdir waits for.
 */
static const int parent_slots[] = {
	-1, -1, 0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 11, 11, 13,
};

#define SLOTS	ARRAY_SIZE(parent_slots)

static struct slot {
	pthread_rwlock_t lock;
	struct node *node;
} slots[SLOTS];

/* Like cgroup_mutex: the tree, and which task is where. */
static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER;
static struct node *all_nodes;

/*
 * A thread that holds the lock for reading may charge, unless @closing, and write
 * limits. A charge in a mailbox belongs to the thread that takes it out.
 */
static struct device {
	pthread_rwlock_t lock;
	struct rdmacg_device *device;
	char name[24];
	unsigned int generation;
	bool closing;
	unsigned long mailboxes[MAILBOXES];
} devices[DEVICES];

/* The registered ones, in order of registration. */
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static int order[DEVICES], nr_ordered;

struct charge {
	struct node *node;
	unsigned char device, resource;
};

struct thread {
	pthread_t thread;
	unsigned int number;
	u64 random;
	struct node *node;		/* whose css is current's */
	bool exiting;
	struct charge charges[MAX_HELD];
	int nr_charges;
	unsigned long nr_held[DEVICES];	/* for the thread that removes it */
	unsigned long in_charge;	/* odd: within try_charge() */
	unsigned long counts[NR_OPERATIONS];
	unsigned int nr_admitted;
} __aligned(64);

static struct thread threads[MAX_THREADS];
static unsigned int nr_threads;
static pthread_barrier_t barrier;
static bool stop;

enum phase {
	PHASE_ADMIT,
	PHASE_POOLS,
	PHASE_EVENTS,
	PHASE_GROW,
	PHASE_SHRINK,
	PHASE_ROOM,
	PHASE_UNCHARGE,
	PHASE_ENTER,
	PHASE_RANDOM,
	PHASE_END,
};

static struct {
	enum phase phase;
	bool admin;			/* limits are written */
	bool hotplug;			/* devices and cgroups come and go */
	bool no_memory;
	unsigned int preempt_one_in;
	struct node *leaves[MAX_THREADS];
	unsigned int nr_tries;		/* to charge */
	unsigned int pool;		/* number of leaf and device */
	struct node *limited;		/* the one that refuses all */
	unsigned int nr_running;	/* threads in this phase */
	struct node *crowded;		/* has a limit of 1, and two threads */
	long room;			/* charges that may be begun now */
	bool room_wanted;		/* to lower the limit by it */
} plan;

static unsigned long operations[NR_OPERATIONS];

static u64 next_random(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static unsigned int below(u64 *state, unsigned int n)
{
	return next_random(state) % n;
}

/* Each thread's own, so that counting does not slow them all down. */
static __thread unsigned long checked[NR_PROMISES];

static void add_checked(void)
{
	int i;

	for (i = 0; i < NR_PROMISES; i++)
		__atomic_fetch_add(&promises[i].checked, checked[i],
				   __ATOMIC_RELAXED);
}

/* Only few words for what is wrong many times. */
static void __printf(3, 4)
promise(enum promise nr, bool kept, const char *format, ...)
{
	va_list args;

	checked[nr]++;
	if (kept || __atomic_fetch_add(&promises[nr].broken, 1,
				       __ATOMIC_RELAXED) >= 5)
		return;
	flockfile(stdout);
	printf("# %s: ", promises[nr].name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	funlockfile(stdout);
}

static void raise_to(long *value, long to)
{
	long old = READ_ONCE(*value);

	while (old < to && !try_cmpxchg(value, &old, to))
		;
}

static void lower_to(long *value, long to)
{
	long old = READ_ONCE(*value);

	while (old > to && !try_cmpxchg(value, &old, to))
		;
}

/* Files. */

enum file {
	CURRENT, MAX, PEAK, ALL_EVENTS, LOCAL_EVENTS, NR_FILES,
};

#define MAX_KEYS	4

/* The keys of a resource are side by side. */
static const struct {
	const char *name;
	unsigned int nr_keys;
	const char *keys[MAX_KEYS];
} files[NR_FILES] = {
	[CURRENT] = { "current", 2, { "hca_handle", "hca_object" } },
	[MAX] = { "max", 2, { "hca_handle", "hca_object" } },
	[PEAK] = { "peak", 2, { "hca_handle", "hca_object" } },
	[ALL_EVENTS] = { "events", 4, {
		"hca_handle.max", "hca_handle.alloc_fail",
		"hca_object.max", "hca_object.alloc_fail" } },
	[LOCAL_EVENTS] = { "events.local", 4, {
		"hca_handle.max", "hca_handle.alloc_fail",
		"hca_object.max", "hca_object.alloc_fail" } },
};

/* What a file had to say. */
struct content {
	unsigned int nr_lines;
	int devices[DEVICES];			/* of each line */
	unsigned int generations[DEVICES];	/* likewise */
	long values[DEVICES][MAX_KEYS];		/* of each device */
	long defaults[MAX_KEYS];
};

/* A value, and what follows; -1 if it is none. */
static long parse_value(const char **text)
{
	char *end;
	long value;

	if (!strncmp(*text, "max", 3)) {
		*text += 3;
		return UNLIMITED;
	}
	value = strtol(*text, &end, 10);
	if (end == *text || **text == '+')
		return -1;
	*text = end;
	return value;
}

static bool parse_values(enum file file, const char **text, long *values)
{
	unsigned int i;
	size_t length;

	for (i = 0; i < files[file].nr_keys; i++) {
		length = strlen(files[file].keys[i]);
		if (*(*text)++ != ' ' ||
		    strncmp(*text, files[file].keys[i], length) ||
		    (*text)[length] != '=')
			return false;
		*text += length + 1;
		values[i] = parse_value(text);
		if (values[i] < 0)
			return false;
	}
	return *(*text)++ == '\n';
}

static bool parse_line(enum file file, const char **text,
		       struct content *content)
{
	unsigned int line = content->nr_lines++;
	int device, length;

	if (line == DEVICES ||
	    sscanf(*text, "dev%d.%u%n", &device, &content->generations[line],
		   &length) != 2 ||
	    device < 0 || device >= DEVICES)
		return false;
	content->devices[line] = device;
	*text += length;
	return parse_values(file, text, content->values[device]);
}

/* The first line of a file, if there is a default. */
static bool parse_default(enum file file, const char **text,
			  struct content *content)
{
	size_t length = strlen("default");
	bool ok;
	int i;

	for (i = 0; i < RESOURCES; i++)
		content->defaults[i] = UNLIMITED;
	if (file != MAX || strncmp(*text, "default", length))
		return true;
	*text += length;
	ok = parse_values(file, text, content->defaults);
	/* Not without need. */
	for (i = 0; ok && i < RESOURCES; i++)
		if (content->defaults[i] != UNLIMITED)
			return true;
	return false;
}

/* Which device is registered may change at any time, but not what a line is. */
static bool read_file(struct node *node, enum file file,
		      struct content *content)
{
	char text[FILE_SIZE];
	const char *rest = text;
	ssize_t length;
	bool ok;

	memset(content, 0, sizeof(*content));
	length = shim_cgroup_read(node->css, files[file].name, text,
				  sizeof(text));
	promise(RESULT, length >= 0, "reading %s: %zd", files[file].name,
		length);
	if (length < 0)
		return false;
	ok = parse_default(file, &rest, content);
	while (ok && *rest)
		ok = parse_line(file, &rest, content);
	promise(FORMAT, ok, "%s:\n%s", files[file].name, text);
	return ok;
}

/* Read a file as far as it can be judged any time. */
static void watch(struct node *node, enum file file)
{
	struct content content;
	unsigned int i, j;

	if (!read_file(node, file, &content) || file != CURRENT)
		return;
	for (i = 0; i < content.nr_lines; i++) {
		int device = content.devices[i];

		for (j = 0; j < RESOURCES; j++) {
			long high = __atomic_load_n(&node->cells[device][j].high,
						    __ATOMIC_SEQ_CST);

			promise(LIMIT, content.values[device][j] <= high,
				"dev%d.%u %s: %ld, at most %ld", device,
				content.generations[i], resource_names[j],
				content.values[device][j], high);
		}
	}
}

static long usage_of(struct node *node, int device, int resource)
{
	struct content content;

	if (!read_file(node, CURRENT, &content))
		return 0;
	return content.values[device][resource];
}

/* Charging. */

static int random_device(struct thread *me)
{
	/* Two of them are busy. */
	return below(&me->random, below(&me->random, 2) ? 2 : DEVICES);
}

static void hold(struct thread *me, struct node *node, int device, int resource)
{
	me->charges[me->nr_charges++] = (struct charge) {
		.node = node, .device = device, .resource = resource,
	};
	__atomic_store_n(&me->nr_held[device], me->nr_held[device] + 1,
			 __ATOMIC_RELEASE);
}

static struct charge let_go(struct thread *me, int nr)
{
	struct charge charge = me->charges[nr];

	me->charges[nr] = me->charges[--me->nr_charges];
	__atomic_store_n(&me->nr_held[charge.device],
			 me->nr_held[charge.device] - 1, __ATOMIC_RELEASE);
	return charge;
}

static void uncharge(struct thread *me, int nr)
{
	struct charge charge = me->charges[nr];

	ops->uncharge((struct rdma_cgroup *)charge.node->css,
		      devices[charge.device].device, charge.resource);
	let_go(me, nr);
	me->counts[UNCHARGED]++;
}

static void uncharge_one(struct thread *me)
{
	if (me->nr_charges)
		uncharge(me, below(&me->random, me->nr_charges));
}

/* No cgroup on the way up had a limit in this round that could be reached. */
static bool unlimited(struct node *node, int device, int resource)
{
	for (; node; node = node->parent)
		if (__atomic_load_n(&node->cells[device][resource].low,
				    __ATOMIC_RELAXED) < MAX_THREADS * MAX_HELD)
			return false;

	return true;
}

/* With the device's lock. */
static int charge(struct thread *me, int device, int resource)
{
	struct rdma_cgroup *cg = NULL;
	int ret;

	__atomic_exchange_n(&me->in_charge, me->in_charge + 1, __ATOMIC_SEQ_CST);
	ret = ops->try_charge(&cg, devices[device].device, resource);
	__atomic_store_n(&me->in_charge, me->in_charge + 1, __ATOMIC_RELEASE);

	switch (ret) {
	case 0:
		promise(RESULT, (void *)cg == (void *)me->node->css,
			"another cgroup was charged");
		hold(me, me->node, device, resource);
		me->counts[CHARGED]++;
		break;
	case -EAGAIN:
		__atomic_fetch_add(&me->node->cells[device][resource].refused, 1,
				   __ATOMIC_RELAXED);
		promise(REFUSAL, !unlimited(me->node, device, resource),
			"dev%d %s", device, resource_names[resource]);
		me->counts[REFUSED]++;
		break;
	case -ENOMEM:
		promise(RESULT, plan.no_memory, "a charge ran out of memory");
		me->counts[NO_MEMORY]++;
		break;
	default:
		promise(RESULT, false, "a charge returned %d", ret);
	}
	return ret;
}

/* Put one charge into a mailbox, and take out what was in there. */
static void pass_on(struct thread *me, int nr)
{
	struct device *device = &devices[nr];
	unsigned long *mailbox, letter = 0;
	int i;

	mailbox = &device->mailboxes[below(&me->random, MAILBOXES)];
	for (i = 0; i < me->nr_charges; i++) {
		if (me->charges[i].device == nr) {
			letter = (unsigned long)me->charges[i].node |
				 me->charges[i].resource;
			break;
		}
	}
	if (!letter && me->nr_charges == MAX_HELD)
		return;

	if (letter)
		let_go(me, i);
	letter = __atomic_exchange_n(mailbox, letter, __ATOMIC_ACQ_REL);
	if (letter)
		hold(me, (struct node *)(letter & ~1ul), nr, letter & 1);
	me->counts[PASSED_ON]++;
}

/* The lowest limit on the way up; each may just be changing. */
static void query_limit(struct thread *me, int device, int resource)
{
	int limit = ops->query_limit(devices[device].device, resource);
	long low = UNLIMITED, top = UNLIMITED;
	struct node *node;

	for (node = me->node; node; node = node->parent) {
		struct cell *cell = &node->cells[device][resource];

		low = min(low, __atomic_load_n(&cell->low, __ATOMIC_SEQ_CST));
		top = min(top, __atomic_load_n(&cell->top, __ATOMIC_SEQ_CST));
	}
	promise(QUERY, limit >= low && limit <= top, "%d, not %ld to %ld",
		limit, low, top);
	me->counts[LIMIT_QUERIED]++;
}

static void use_device(struct thread *me)
{
	int nr = random_device(me), steps = 1 + below(&me->random, 40);
	struct device *device = &devices[nr];

	pthread_rwlock_rdlock(&device->lock);
	while (device->device && !device->closing && steps--) {
		switch (below(&me->random, 16)) {
		case 0:
			pass_on(me, nr);
			break;
		case 1 ... 6:
			uncharge_one(me);
			break;
		case 7:
			query_limit(me, nr, below(&me->random, RESOURCES));
			break;
		default:
			if (me->nr_charges < MAX_HELD)
				charge(me, nr, below(&me->random, RESOURCES));
			else
				uncharge_one(me);
		}
	}
	pthread_rwlock_unlock(&device->lock);
}

/* Give up all that is held on devices that are about to be removed. */
static void leave_closing_devices(struct thread *me)
{
	int i;

	for (i = me->nr_charges - 1; i >= 0; i--)
		if (READ_ONCE(devices[me->charges[i].device].closing))
			uncharge(me, i);
}

/* Devices. */

static void next_name(int nr)
{
	struct device *device = &devices[nr];

	snprintf(device->name, sizeof(device->name), "dev%d.%u", nr,
		 ++device->generation);
}

static void device_add(int nr)
{
	struct device *device = &devices[nr];

	pthread_mutex_lock(&order_lock);
	next_name(nr);
	device->device = ops->device_add(device->name);
	order[nr_ordered++] = nr;
	pthread_mutex_unlock(&order_lock);
}

static void device_remove(int nr)
{
	int i;

	pthread_mutex_lock(&order_lock);
	ops->device_del(devices[nr].device);
	devices[nr].device = NULL;
	for (i = 0; order[i] != nr; i++)
		;
	memmove(&order[i], &order[i + 1], (--nr_ordered - i) * sizeof(*order));
	pthread_mutex_unlock(&order_lock);
}

static bool is_held(int nr)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++)
		if (__atomic_load_n(&threads[i].nr_held[nr], __ATOMIC_ACQUIRE))
			return true;

	return false;
}

static void empty_mailboxes(int nr)
{
	struct device *device = &devices[nr];
	unsigned long letter;
	int i;

	for (i = 0; i < MAILBOXES; i++) {
		letter = __atomic_exchange_n(&device->mailboxes[i], 0,
					     __ATOMIC_ACQ_REL);
		if (letter)
			ops->uncharge((struct rdma_cgroup *)
				      ((struct node *)(letter & ~1ul))->css,
				      device->device, letter & 1);
	}
}

/* Before it is in force. */
static void announce_limit(struct cell *cell, long limit)
{
	raise_to(&cell->high, limit);
	raise_to(&cell->top, limit);
	lower_to(&cell->low, limit);
}

/* All goes with the device, and a new one has the defaults. */
static void forget_pools(int nr)
{
	struct node *node;
	int i;

	pthread_mutex_lock(&tree);
	for (node = all_nodes; node; node = node->next) {
		for (i = 0; i < RESOURCES; i++) {
			struct cell *cell = &node->cells[nr][i];

			announce_limit(cell, node->default_limit[i]);
			cell->limit = node->default_limit[i];
			cell->own = false;
			cell->refused = 0;
			cell->refused_gone = 0;
			cell->peak = 0;
		}
	}
	pthread_mutex_unlock(&tree);
}

/* What the IB core does: no new objects, the old ones go, then the device. */
static void replace_device(struct thread *me)
{
	int nr = below(&me->random, DEVICES);
	struct device *device = &devices[nr];
	bool mine;

	pthread_rwlock_wrlock(&device->lock);
	mine = !device->closing;
	WRITE_ONCE(device->closing, true);
	pthread_rwlock_unlock(&device->lock);
	if (!mine)
		return;

	while (is_held(nr) && !READ_ONCE(stop)) {
		leave_closing_devices(me);
		sched_yield();
	}

	pthread_rwlock_wrlock(&device->lock);
	if (!is_held(nr)) {
		empty_mailboxes(nr);
		device_remove(nr);
		forget_pools(nr);
		if (below(&me->random, 2)) {
			pthread_rwlock_unlock(&device->lock);
			sched_yield();
			pthread_rwlock_wrlock(&device->lock);
		}
		device_add(nr);
		me->counts[DEVICE_REPLACED]++;
	}
	WRITE_ONCE(device->closing, false);
	pthread_rwlock_unlock(&device->lock);
}

static void rename_device(struct thread *me)
{
	int nr = below(&me->random, DEVICES);
	struct device *device = &devices[nr];

	pthread_rwlock_wrlock(&device->lock);
	if (device->device) {
		next_name(nr);
		ops->rename(device->device, device->name);
		me->counts[DEVICE_RENAMED]++;
	}
	pthread_rwlock_unlock(&device->lock);
}

/* Cgroups. */

static struct node *node_make(struct node *parent)
{
	struct cgroup_subsys_state *css;
	struct node *node;
	int i;

	css = shim_cgroup_mkdir(parent ? parent->css : ops->subsys->root);
	if (IS_ERR(css)) {
		promise(RESULT, plan.no_memory && PTR_ERR(css) == -ENOMEM,
			"mkdir: %ld", PTR_ERR(css));
		return NULL;
	}

	node = calloc(1, sizeof(*node));
	if (!node)
		abort();
	node->parent = parent;
	node->css = css;
	pthread_mutex_init(&node->admin, NULL);
	for (i = 0; i < RESOURCES; i++)
		node->default_limit[i] = UNLIMITED;
	for (i = 0; i < DEVICES * RESOURCES; i++)
		node->cells[i / RESOURCES][i % RESOURCES] = (struct cell) {
			.limit = UNLIMITED, .high = UNLIMITED,
			.top = UNLIMITED, .low = UNLIMITED,
		};
	node->next = all_nodes;
	all_nodes = node;
	return node;
}

static bool has_children(struct node *node)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (slots[i].node && slots[i].node->parent == node)
			return true;

	return false;
}

/* With the tree's lock. False if there is no cgroup, or one that must stay. */
static bool slot_remove(int nr)
{
	struct node *node = slots[nr].node;

	if (!node || node->nr_tasks || has_children(node))
		return false;

	pthread_rwlock_wrlock(&slots[nr].lock);
	slots[nr].node = NULL;
	pthread_rwlock_unlock(&slots[nr].lock);
	node->removed = true;
	shim_cgroup_rmdir(node->css);
	return true;
}

/* With the tree's lock. */
static bool slot_make(int nr)
{
	int parent = parent_slots[nr];
	struct node *node;

	if (slots[nr].node || (parent >= 0 && !slots[parent].node))
		return false;

	node = node_make(parent >= 0 ? slots[parent].node : NULL);
	if (!node)
		return false;
	pthread_rwlock_wrlock(&slots[nr].lock);
	slots[nr].node = node;
	pthread_rwlock_unlock(&slots[nr].lock);
	return true;
}

static void change_tree(struct thread *me)
{
	int nr = below(&me->random, SLOTS);

	pthread_mutex_lock(&tree);
	if (slot_remove(nr))
		me->counts[CGROUP_REMOVED]++;
	else if (slot_make(nr))
		me->counts[CGROUP_MADE]++;
	pthread_mutex_unlock(&tree);
}

/* With the tree's lock. */
static void task_leave(struct thread *me)
{
	if (me->node && !me->exiting)
		me->node->nr_tasks--;
	me->exiting = false;
	me->node = NULL;
}

static void task_move(struct thread *me, struct node *node)
{
	pthread_mutex_lock(&tree);
	task_leave(me);
	me->node = node;
	node->nr_tasks++;
	shim_cgroup_attach(node->css);
	pthread_mutex_unlock(&tree);
}

static void move(struct thread *me)
{
	struct node *node;

	pthread_mutex_lock(&tree);
	node = slots[below(&me->random, SLOTS)].node;
	if (node)
		node->nr_tasks++;	/* to stay until we are in there */
	pthread_mutex_unlock(&tree);
	if (!node)
		return;

	task_move(me, node);
	pthread_mutex_lock(&tree);
	node->nr_tasks--;
	pthread_mutex_unlock(&tree);
	me->counts[MOVED]++;
}

/* The cgroup may be removed now, and is still charged by this task. */
static void begin_to_exit(struct thread *me)
{
	pthread_mutex_lock(&tree);
	if (!me->exiting) {
		me->node->nr_tasks--;
		me->exiting = true;
		me->counts[EXITED]++;
	}
	pthread_mutex_unlock(&tree);
}

/* Limits. */

static long random_limit(struct thread *me)
{
	switch (below(&me->random, 8)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2 ... 3:
		return UNLIMITED;
	default:
		return below(&me->random, 48);
	}
}

/* A line for rdma.max; @limit may be USE_DEFAULT. */
static ssize_t write_limit(struct node *node, const char *name, int resource,
			   long limit)
{
	char text[64];
	ssize_t ret;
	int length;

	length = snprintf(text, sizeof(text), "%s %s=", name,
			  resource_names[resource]);
	if (limit == UNLIMITED)
		length += sprintf(text + length, "max");
	else if (limit == USE_DEFAULT)
		length += sprintf(text + length, "default");
	else
		length += sprintf(text + length, "%ld", limit);

	ret = shim_cgroup_write(node->css, "max", text, length);
	promise(RESULT, ret == length || (ret == -ENOMEM && plan.no_memory),
		"writing a limit: %zd", ret);
	return ret == length ? 0 : ret;
}

/* With all locks that it takes. An own limit, or USE_DEFAULT. */
static ssize_t set_limit(struct node *node, int nr, int resource, long limit)
{
	struct cell *cell = &node->cells[nr][resource];
	long standard = node->default_limit[resource];
	long result = limit == USE_DEFAULT ? standard : limit;
	ssize_t ret;

	announce_limit(cell, result);
	ret = write_limit(node, devices[nr].name, resource, limit);
	if (!ret) {
		cell->limit = result;
		/* "max" is an own limit only as an exception. */
		cell->own = limit != USE_DEFAULT &&
			    (limit != UNLIMITED || standard != UNLIMITED);
	}
	return ret;
}

/* With the locks of all devices as well. */
static ssize_t set_default(struct node *node, int resource, long limit)
{
	struct cell *cell;
	ssize_t ret;
	int i;

	for (i = 0; i < DEVICES; i++)
		if (!node->cells[i][resource].own)
			announce_limit(&node->cells[i][resource], limit);
	ret = write_limit(node, "default", resource, limit);
	if (ret)
		return ret;

	node->default_limit[resource] = limit;
	for (i = 0; i < DEVICES; i++) {
		cell = &node->cells[i][resource];
		if (!cell->own)
			cell->limit = limit;
		else if (limit == UNLIMITED && cell->limit == UNLIMITED)
			cell->own = false;
	}
	return 0;
}

/* Each charge that was under way when this was called is over. */
static void wait_for_charges(void)
{
	unsigned long at;
	unsigned int i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < nr_threads; i++) {
		at = __atomic_load_n(&threads[i].in_charge, __ATOMIC_SEQ_CST);
		while (at % 2 && __atomic_load_n(&threads[i].in_charge,
						 __ATOMIC_SEQ_CST) == at)
			sched_yield();
	}
}

static void probe_limit(struct node *node, int nr, int resource)
{
	long limit = node->cells[nr][resource].limit;
	long usage, now;
	int i;

	wait_for_charges();
	usage = usage_of(node, nr, resource);
	for (i = 0; i < 8; i++) {
		now = usage_of(node, nr, resource);
		promise(LOWERED, now <= max(limit, usage),
			"limit %ld, usage %ld and then %ld", limit, usage, now);
		usage = now;
	}
}

static void bad_write(struct node *node, int nr)
{
	char text[64];
	int length;
	ssize_t ret;

	length = snprintf(text, sizeof(text), "%s hca_object=0 hca_handle=x",
			  devices[nr].name);
	ret = shim_cgroup_write(node->css, "max", text, length);
	promise(RESULT, ret == -EINVAL, "a bad write: %zd", ret);

	/* Its last name, or that of the device before it. */
	length = snprintf(text, sizeof(text), "dev%d.%u hca_object=0", nr,
			  devices[nr].generation - 1);
	ret = shim_cgroup_write(node->css, "max", text, length);
	promise(RESULT, ret == -ENODEV, "an unknown device: %zd", ret);
}

static void administer(struct thread *me)
{
	int nr = random_device(me), resource = below(&me->random, RESOURCES);
	struct slot *slot = &slots[below(&me->random, SLOTS)];
	struct node *node;

	pthread_rwlock_rdlock(&devices[nr].lock);
	pthread_rwlock_rdlock(&slot->lock);
	node = slot->node;
	if (node && devices[nr].device) {
		pthread_mutex_lock(&node->admin);
		switch (below(&me->random, 32)) {
		case 0 ... 3:
			bad_write(node, nr);
			me->counts[BAD_WRITE]++;
			break;
		case 4:
			if (set_limit(node, nr, resource, below(&me->random, 8)))
				break;
			probe_limit(node, nr, resource);
			me->counts[LIMIT_PROBED]++;
			break;
		case 5 ... 7:
			set_limit(node, nr, resource, USE_DEFAULT);
			me->counts[LIMIT_TAKEN_BACK]++;
			break;
		default:
			set_limit(node, nr, resource, random_limit(me));
			me->counts[LIMIT_WRITTEN]++;
		}
		pthread_mutex_unlock(&node->admin);
	}
	pthread_rwlock_unlock(&slot->lock);
	pthread_rwlock_unlock(&devices[nr].lock);
}

/* What begins after the write is bound on each device without an own limit. */
static void administer_default(struct thread *me)
{
	struct slot *slot = &slots[below(&me->random, SLOTS)];
	int nr, resource = below(&me->random, RESOURCES);
	struct node *node;

	for (nr = 0; nr < DEVICES; nr++)
		pthread_rwlock_rdlock(&devices[nr].lock);
	pthread_rwlock_rdlock(&slot->lock);
	node = slot->node;
	if (node) {
		pthread_mutex_lock(&node->admin);
		if (!set_default(node, resource, random_limit(me)))
			me->counts[DEFAULT_WRITTEN]++;
		for (nr = 0; nr < DEVICES; nr++)
			if (devices[nr].device)
				probe_limit(node, nr, resource);
		pthread_mutex_unlock(&node->admin);
	}
	pthread_rwlock_unlock(&slot->lock);
	for (nr = 0; nr < DEVICES; nr++)
		pthread_rwlock_unlock(&devices[nr].lock);
}

static void read_files(struct thread *me)
{
	struct slot *slot = &slots[below(&me->random, SLOTS)];

	pthread_rwlock_rdlock(&slot->lock);
	if (slot->node) {
		watch(slot->node, below(&me->random, NR_FILES));
		me->counts[FILE_READ]++;
	}
	pthread_rwlock_unlock(&slot->lock);
}

/* Threads. */

static void run_random(struct thread *me)
{
	bool watcher = me->number < NR_WATCHERS;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	if (plan.no_memory)
		shim_fail_randomly(20, next_random(&me->random));
	while (!READ_ONCE(stop)) {
		unsigned int dice = below(&me->random, 64);

		leave_closing_devices(me);
		if (watcher || dice < 4)
			read_files(me);
		else if (dice < 8)
			move(me);
		else if (dice < 9)
			begin_to_exit(me);
		else if (dice < 16 && plan.admin)
			if (below(&me->random, 8))
				administer(me);
			else
				administer_default(me);
		else if (dice < 24 && plan.hotplug)
			change_tree(me);
		else if (dice < 25 && plan.hotplug)
			replace_device(me);
		else if (dice < 26 && plan.hotplug)
			rename_device(me);
		else if (dice < 30)
			uncharge_one(me);
		else
			use_device(me);
	}
	shim_fail_randomly(0, 0);
	shim_preempt_randomly(0, 0);
}

static void run_admit(struct thread *me)
{
	unsigned int i;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	me->nr_admitted = 0;
	for (i = 0; i < plan.nr_tries; i++)
		me->nr_admitted += !charge(me, 0, 0);
	shim_preempt_randomly(0, 0);
}

/* Some write limits while others charge, all to the same leaf and device. */
static void run_pools(struct thread *me)
{
	unsigned int pool, last = UINT_MAX;
	struct node *leaf;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	while (!READ_ONCE(stop)) {
		pool = READ_ONCE(plan.pool);
		leaf = plan.leaves[pool / DEVICES];
		if (me->number % 2) {
			pthread_mutex_lock(&leaf->admin);
			if (below(&me->random, 2))
				set_limit(leaf, pool % DEVICES, 0,
					  UNLIMITED - below(&me->random, 2));
			else
				set_default(leaf, 0,
					    UNLIMITED - below(&me->random, 2));
			pthread_mutex_unlock(&leaf->admin);
			continue;
		}
		if (pool != last) {
			task_move(me, leaf);
			last = pool;
		}
		if (!charge(me, pool % DEVICES, 0))
			uncharge_one(me);
	}
	shim_preempt_randomly(0, 0);
}

static bool is_below(struct node *node, struct node *above)
{
	while (node && node != above)
		node = node->parent;
	return node;
}

/* Of the lines there is one in which all numbers count. */
static bool is_within(const long *values, long low, long high)
{
	return values[0] >= low && values[0] <= high &&
	       values[1] >= low && values[1] <= high;
}

/*
 * Read what shows refusals at some level. It has at least those that had been
 * returned when the read began, and at most those begun when it ended.
 */
static void judge_events(struct thread *me)
{
	static const long none[2];
	struct node *node = me->node, *up;
	struct content content;
	const long *values = content.values[0];
	bool local = below(&me->random, 4) == 0;
	struct cell *cell;
	long low, high;

	for (up = node->parent; up && below(&me->random, 2); up = up->parent)
		node = up;
	/* In these files, of the limited one, the keys differ. */
	if (local && node == plan.limited)
		local = false;
	cell = &node->cells[0][0];
	low = __atomic_load_n(&cell->returned, __ATOMIC_SEQ_CST);
	if (!read_file(node, local ? LOCAL_EVENTS : ALL_EVENTS, &content))
		return;
	high = __atomic_load_n(&cell->begun, __ATOMIC_SEQ_CST);

	if (local || !is_below(plan.limited, node)) {
		/* Refused here, or in a leaf, by a limit above. */
		bool own = node == me->node;

		promise(SEEN, values[0] == 0 && values[1] >= (own ? low : 0) &&
			values[1] <= high, "%ld by limits, %ld, of %ld to %ld",
			values[0], values[1], low, high);
	} else {
		promise(SEEN, is_within(values, low, high),
			"%ld by limits, %ld, of %ld to %ld", values[0],
			values[1], low, high);
	}
	promise(SEEN, !memcmp(values + 2, none, sizeof(none)),
		"another resource was refused");
}

/* Each attempt is refused, and looked for. */
static void run_events(struct thread *me)
{
	struct node *node;
	unsigned int i;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	for (i = 0; i < plan.nr_tries; i++) {
		for (node = me->node; node; node = node->parent)
			__atomic_fetch_add(&node->cells[0][0].begun, 1,
					   __ATOMIC_SEQ_CST);
		promise(SEEN, charge(me, 0, 0) == -EAGAIN, "not refused");
		for (node = me->node; node; node = node->parent)
			__atomic_fetch_add(&node->cells[0][0].returned, 1,
					   __ATOMIC_SEQ_CST);
		judge_events(me);
	}
	shim_preempt_randomly(0, 0);
}

/* A handle, and only then an object: so there are as many handles at least. */
static void run_grow(struct thread *me)
{
	unsigned int i;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	for (i = 0; i < plan.nr_tries && me->nr_charges < MAX_HELD - 1; i++)
		if (!charge(me, 0, 0))
			charge(me, 0, 1);
	shim_preempt_randomly(0, 0);
	__atomic_fetch_sub(&plan.nr_running, 1, __ATOMIC_RELEASE);
}

/* Objects first, so again there are as many handles at least. */
static void run_shrink(struct thread *me)
{
	int i, resource;

	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	for (resource = 1; resource >= 0; resource--)
		for (i = me->nr_charges - 1; i >= 0; i--)
			if (me->charges[i].resource == resource)
				uncharge(me, i);
	shim_preempt_randomly(0, 0);
	__atomic_fetch_sub(&plan.nr_running, 1, __ATOMIC_RELEASE);
}

static bool take_room(void)
{
	long room = READ_ONCE(plan.room);

	while (room > 0)
		if (try_cmpxchg(&plan.room, &room, room - 1))
			return true;
	return false;
}

static void give_room(long room)
{
	__atomic_fetch_add(&plan.room, room, __ATOMIC_SEQ_CST);
}

/* Charge only if, by the threads' own count, the limit has room for it. */
static void run_room(struct thread *me)
{
	shim_preempt_randomly(plan.preempt_one_in, next_random(&me->random));
	while (!READ_ONCE(stop)) {
		if (me->node == plan.crowded) {
			if (!charge(me, 0, 0))
				uncharge_one(me);
			continue;
		}
		if (me->nr_charges < MAX_HELD && below(&me->random, 3) &&
		    !READ_ONCE(plan.room_wanted) && take_room()) {
			int ret = charge(me, 0, 0);

			promise(ROOM, !ret, "%d", ret);
			if (!ret)
				continue;
		} else if (me->nr_charges) {
			uncharge_one(me);
		} else {
			sched_yield();
			continue;
		}
		give_room(1);
	}
	for (; me->nr_charges; give_room(1))
		uncharge_one(me);
	shim_preempt_randomly(0, 0);
}

static void *thread_main(void *data)
{
	struct thread *me = data;

	shim_thread_start();
	for (;;) {
		pthread_barrier_wait(&barrier);
		switch (plan.phase) {
		case PHASE_ADMIT:
			task_move(me, plan.leaves[me->number]);
			/* All at once. */
			pthread_barrier_wait(&barrier);
			run_admit(me);
			break;
		case PHASE_POOLS:
			run_pools(me);
			break;
		case PHASE_EVENTS:
			task_move(me, plan.leaves[me->number]);
			run_events(me);
			break;
		case PHASE_GROW:
			task_move(me, plan.leaves[me->number]);
			run_grow(me);
			break;
		case PHASE_SHRINK:
			run_shrink(me);
			break;
		case PHASE_ROOM:
			task_move(me, plan.leaves[me->number]);
			run_room(me);
			break;
		case PHASE_UNCHARGE:
			while (me->nr_charges)
				uncharge_one(me);
			break;
		case PHASE_ENTER:
			task_move(me, slots[me->number % SLOTS].node);
			break;
		case PHASE_RANDOM:
			run_random(me);
			break;
		case PHASE_END:
			pthread_mutex_lock(&tree);
			task_leave(me);
			pthread_mutex_unlock(&tree);
			shim_thread_stop();
			add_checked();
			return NULL;
		}
		pthread_barrier_wait(&barrier);
	}
}

static void begin(enum phase phase)
{
	plan.phase = phase;
	pthread_barrier_wait(&barrier);
}

static void end(void)
{
	pthread_barrier_wait(&barrier);
}

/* When all is quiet. */

static void count_charge(struct node *node, int device, int resource)
{
	for (node->used = true; node; node = node->parent)
		node->cells[device][resource].charged++;
}

static void count_refusals(struct node *node, int device, int resource)
{
	struct cell *cell = &node->cells[device][resource];
	long refused = cell->refused + cell->refused_gone;

	for (; node; node = node->parent)
		node->cells[device][resource].all_refused += refused;
}

/* What each cgroup should have, by the threads' logs. */
static void count_all(void)
{
	struct node *node;
	unsigned int i, j;

	for (node = all_nodes; node; node = node->next) {
		node->used = !node->removed;
		for (i = 0; i < DEVICES; i++) {
			for (j = 0; j < RESOURCES; j++) {
				node->cells[i][j].charged = 0;
				node->cells[i][j].all_refused = 0;
			}
		}
	}

	for (node = all_nodes; node; node = node->next)
		for (i = 0; i < DEVICES; i++)
			for (j = 0; j < RESOURCES; j++)
				count_refusals(node, i, j);

	for (i = 0; i < nr_threads; i++) {
		for (j = 0; j < threads[i].nr_charges; j++)
			count_charge(threads[i].charges[j].node,
				     threads[i].charges[j].device,
				     threads[i].charges[j].resource);
		if (threads[i].node)
			threads[i].node->used = true;
	}
	for (i = 0; i < DEVICES; i++) {
		for (j = 0; j < MAILBOXES; j++) {
			unsigned long letter = devices[i].mailboxes[j];

			if (letter)
				count_charge((struct node *)(letter & ~1ul), i,
					     letter & 1);
		}
	}
}

static bool read_all_lines(struct node *node, enum file file,
			   struct content *content)
{
	unsigned int i;
	bool ok;

	if (!read_file(node, file, content))
		return false;
	ok = content->nr_lines == nr_ordered;
	for (i = 0; ok && i < nr_ordered; i++)
		ok = content->devices[i] == order[i] &&
		     content->generations[i] == devices[order[i]].generation;
	promise(FORMAT, ok, "%s: not all devices in their order",
		files[file].name);
	return ok;
}

static void check_cell(struct node *node, int device, int i,
		       const struct content *contents)
{
	struct cell *cell = &node->cells[device][i], *above;
	long usage = contents[CURRENT].values[device][i];
	long limit = contents[MAX].values[device][i];
	long peak = contents[PEAK].values[device][i];
	const long *all = &contents[ALL_EVENTS].values[device][2 * i];
	const long *local = &contents[LOCAL_EVENTS].values[device][2 * i];

	promise(COUNTS, usage == cell->charged, "dev%d %s: %ld, not %ld",
		device, resource_names[i], usage, cell->charged);
	promise(LIMITS, limit == cell->limit, "dev%d %s: %ld, not %ld", device,
		resource_names[i], limit, cell->limit);
	promise(PEAKS, peak >= usage && peak >= cell->peak,
		"dev%d %s: %ld, after %ld, with usage %ld", device,
		resource_names[i], peak, cell->peak, usage);
	cell->peak = peak;

	promise(EVENTS, local[1] == cell->refused && all[1] == cell->all_refused,
		"dev%d %s: %ld and %ld refused here and below, not %ld and %ld",
		device, resource_names[i], local[1], all[1], cell->refused,
		cell->all_refused);
	/* Each is refused by one limit, which is on the way up. */
	promise(EVENTS, node->parent ? all[0] <= all[1] : all[0] == all[1],
		"dev%d %s: %ld limits refused %ld", device, resource_names[i],
		all[0], all[1]);
	/* A child comes before its parent. */
	promise(EVENTS, all[0] >= local[0] + cell->told,
		"dev%d %s: %ld limits refused, and %ld below and %ld here",
		device, resource_names[i], all[0], cell->told, local[0]);
	if (node->parent) {
		above = &node->parent->cells[device][i];
		above->told += all[0];
	}
}

static void check_node(struct node *node)
{
	struct content contents[NR_FILES];
	int i, j;

	for (i = 0; i < NR_FILES; i++)
		if (!read_all_lines(node, i, &contents[i]))
			return;
	for (j = 0; j < RESOURCES; j++)
		promise(LIMITS,
			contents[MAX].defaults[j] == node->default_limit[j],
			"default %s: %ld, not %ld", resource_names[j],
			contents[MAX].defaults[j], node->default_limit[j]);
	for (i = 0; i < nr_ordered; i++)
		for (j = 0; j < RESOURCES; j++)
			check_cell(node, order[i], j, contents);
}

/* What it was refused is not forgotten above. */
static void forget_node(struct node *node)
{
	int i, j;

	for (i = 0; node->parent && i < DEVICES; i++)
		for (j = 0; j < RESOURCES; j++)
			node->parent->cells[i][j].refused_gone +=
				node->cells[i][j].refused +
				node->cells[i][j].refused_gone;
	pthread_mutex_destroy(&node->admin);
	free(node);
}

/* Forget the removed cgroups that nobody uses; how many csses there should be. */
static long count_csses(void)
{
	struct node *node, **link;
	long count = 1;			/* the root's */

	/* A child comes before its parent, as it was made later. */
	for (node = all_nodes; node; node = node->next)
		if (node->used && node->parent)
			node->parent->used = true;

	for (link = &all_nodes; (node = *link);) {
		if (node->used) {
			count++;
			link = &node->next;
		} else {
			*link = node->next;
			forget_node(node);
		}
	}
	return count;
}

/* What a round begins with. */
static void reset_cells(struct node *node)
{
	int i, j;

	for (i = 0; i < DEVICES; i++) {
		for (j = 0; j < RESOURCES; j++) {
			struct cell *cell = &node->cells[i][j];

			cell->high = max(cell->limit, cell->charged);
			cell->top = cell->limit;
			cell->low = cell->limit;
			cell->told = 0;
		}
	}
}

static void check_quiet(void)
{
	struct node *node;
	long csses;

	shim_settle();
	count_all();
	csses = count_csses();
	promise(CSSES, shim_nr_css() == csses, "%ld, not %ld", shim_nr_css(),
		csses);
	promise(WARNINGS, !shim_take_warnings() && !shim_take_messages(),
		"%s", shim_last_text());

	for (node = all_nodes; node; node = node->next)
		if (!node->removed)
			check_node(node);
	for (node = all_nodes; node; node = node->next)
		reset_cells(node);
}

static void sleep_ms(unsigned int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static unsigned long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000UL + time.tv_nsec / 1000000;
}

static unsigned int random_preemption(u64 *random)
{
	static const unsigned int one_in[] = { 0, 30, 100, 300, 1000 };

	return one_in[below(random, ARRAY_SIZE(one_in))];
}

/* Tasks stay where they are for now. */
static void remove_all_nodes(void)
{
	struct node *node;

	for (node = all_nodes; node; node = node->next) {
		if (!node->removed) {
			node->removed = true;
			shim_cgroup_rmdir(node->css);
		}
	}
}

/* A path of up to @most cgroups; below it are the threads' own, or they share. */
static unsigned int make_path(u64 *random, struct node **path, unsigned int most)
{
	unsigned int depth = 1 + below(random, most), i;
	bool own_leaf = below(random, 2);

	for (i = 0; i < depth; i++)
		path[i] = node_make(i ? path[i - 1] : NULL);
	for (i = 0; i < nr_threads; i++)
		plan.leaves[i] = own_leaf ? node_make(path[depth - 1]) :
					    path[depth - 1];
	plan.preempt_one_in = random_preemption(random);
	return depth;
}

/*
 * A path of cgroups, one of them with a limit, and a leaf for each thread, which
 * may be the end of that path. Some have pools before the race begins.
 */
static void race_for_admission(u64 *random)
{
	struct node *path[5], *node;
	unsigned int depth = make_path(random, path, ARRAY_SIZE(path));
	unsigned int limited = below(random, depth), i, admitted = 0;
	long limit;

	plan.nr_tries = 1 + below(random, 30);
	limit = below(random, nr_threads * plan.nr_tries + 1);
	if (below(random, 2))
		set_limit(path[limited], 0, 0, limit);
	else
		set_default(path[limited], 0, limit);
	if (below(random, 2)) {
		struct thread me = { .node = path[depth - 1] };

		shim_cgroup_attach(me.node->css);
		if (!charge(&me, 0, 0))
			uncharge(&me, 0);
		shim_cgroup_attach(NULL);
	}
	path[limited]->cells[0][0].high = limit;

	begin(PHASE_ADMIT);
	pthread_barrier_wait(&barrier);
	while (below(random, 8)) {
		node = below(random, 2) ? path[below(random, depth)] :
					  plan.leaves[below(random, nr_threads)];
		watch(node, below(random, NR_FILES));
		/* Pools that come and go while first charges look for them. */
		if (node != path[limited])
			set_limit(node, 0, 0, below(random, 2) ?
				  UNLIMITED : UNLIMITED - 1);
	}
	end();

	for (i = 0; i < nr_threads; i++)
		admitted += threads[i].nr_admitted;
	promise(ADMISSION, admitted == limit, "%u of %ld, depth %u", admitted,
		limit, depth);
	check_quiet();
	for (i = 0; i < depth; i++) {
		struct cell *cell = &path[i]->cells[0][0];

		/* Where no charge was undone, the peak is the usage. */
		promise(PEAKS, i <= limited ? cell->peak == limit :
					      cell->peak >= limit,
			"%ld at level %u of %u, with a limit of %ld at %u",
			cell->peak, i, depth, limit, limited);
	}
	begin(PHASE_UNCHARGE);
	end();
	check_quiet();
	remove_all_nodes();
}

/* First charges, while limit writes make and remove the same pools. */
static void race_for_pools(u64 *random)
{
	struct node *parent = node_make(NULL);
	unsigned int i;

	for (i = 0; i < nr_threads; i++)
		plan.leaves[i] = node_make(parent);
	plan.preempt_one_in = 5 + below(random, 50);
	plan.pool = 0;
	WRITE_ONCE(stop, false);
	begin(PHASE_POOLS);
	for (i = 1; i < nr_threads * DEVICES; i++) {
		usleep(200);
		WRITE_ONCE(plan.pool, i);
	}
	WRITE_ONCE(stop, true);
	end();
	check_quiet();
	remove_all_nodes();
}

static void race_for_events(u64 *random)
{
	struct node *path[4];
	unsigned int depth = make_path(random, path, ARRAY_SIZE(path));

	plan.limited = path[below(random, depth)];
	plan.nr_tries = 1 + below(random, 50);
	set_limit(plan.limited, 0, 0, 0);
	begin(PHASE_EVENTS);
	end();
	check_quiet();
	remove_all_nodes();
}

/*
 * While usages only grow, those of the leaves, read after their parent's, add up
 * to that at least, and to no more than their parent's, read after them; likewise
 * while they only fall.
 */
static void watch_levels(struct node *parent, bool grow)
{
	struct content before, content, after, peak;
	long sum[RESOURCES] = { };
	unsigned int i, j;

	if (!read_file(parent, CURRENT, &before))
		return;
	for (i = 0; i < nr_threads; i++) {
		/* One or all. */
		if (i && plan.leaves[i] == plan.leaves[0])
			break;
		if (!read_file(plan.leaves[i], CURRENT, &content))
			return;
		promise(LINES, content.values[0][1] <= content.values[0][0],
			"%ld handles, %ld objects", content.values[0][0],
			content.values[0][1]);
		for (j = 0; j < RESOURCES; j++)
			sum[j] += content.values[0][j];
	}
	if (!read_file(parent, PEAK, &peak) || !read_file(parent, CURRENT, &after))
		return;

	for (j = 0; j < RESOURCES; j++) {
		long low = (grow ? &before : &after)->values[0][j];
		long high = (grow ? &after : &before)->values[0][j];

		promise(LEVELS, sum[j] >= low && sum[j] <= high,
			"%ld in children, and %ld to %ld", sum[j], low, high);
		promise(PEAKS, !grow || (peak.values[0][j] >= low &&
					 peak.values[0][j] <= high),
			"%ld, and %ld to %ld in use", peak.values[0][j], low, high);
	}
	promise(LINES, after.values[0][1] <= after.values[0][0],
		"%ld handles, %ld objects", after.values[0][0], after.values[0][1]);
}

static void watch_phase(enum phase phase, struct node *parent)
{
	plan.nr_running = nr_threads;
	begin(phase);
	do {
		watch_levels(parent, phase == PHASE_GROW);
	} while (__atomic_load_n(&plan.nr_running, __ATOMIC_ACQUIRE));
	end();
}

/* Usages grow, then fall; a limit, which may be 0, refuses some of the charges. */
static void race_for_levels(u64 *random)
{
	struct node *path[4], *limited;
	unsigned int depth = make_path(random, path, ARRAY_SIZE(path)), i;
	int resource;

	plan.nr_tries = 1 + below(random, 30);
	limited = path[below(random, depth)];
	for (resource = 0; resource < RESOURCES && below(random, 3); resource++)
		set_limit(limited, 0, resource,
			  below(random, 3) * below(random, nr_threads * plan.nr_tries));

	watch_phase(PHASE_GROW, path[depth - 1]);
	check_quiet();
	/* Usages did not fall. */
	for (i = 0; i < depth; i++)
		for (resource = 0; resource < RESOURCES; resource++)
			promise(PEAKS, path[i]->cells[0][resource].peak ==
				path[i]->cells[0][resource].charged,
				"%ld, and never more than %ld were in use",
				path[i]->cells[0][resource].peak,
				path[i]->cells[0][resource].charged);
	watch_phase(PHASE_SHRINK, path[depth - 1]);
	check_quiet();
	remove_all_nodes();
}

/*
 * Limits rise, and the room for charges after them; then that is taken back, and
 * limits fall after it. One more may be charged in a cgroup where all else is
 * refused, which must take no room.
 */
static void race_for_room(u64 *random)
{
	struct node *path[4], *limited;
	unsigned int depth = make_path(random, path, ARRAY_SIZE(path)), i;
	long limit = 1, step, taken;

	limited = path[below(random, depth)];
	set_limit(limited, 0, 0, limit);
	plan.crowded = node_make(path[depth - 1]);
	set_limit(plan.crowded, 0, 0, 1);
	plan.leaves[0] = plan.crowded;
	plan.leaves[1] = plan.crowded;
	plan.room = 0;
	WRITE_ONCE(stop, false);
	begin(PHASE_ROOM);
	for (i = 0; i < 12; i++) {
		step = 1 + below(random, 5);
		limit += step;
		set_limit(limited, 0, 0, limit);
		give_room(step);
		/* For a moment only: all that is promised is what stays. */
		set_limit(limited, 0, 0, limit + 1);
		set_limit(limited, 0, 0, limit);
		usleep(below(random, 50));
	}
	WRITE_ONCE(stop, true);
	end();
	check_quiet();

	WRITE_ONCE(stop, false);
	begin(PHASE_ROOM);
	while (limit > 1) {
		step = 1 + below(random, min(limit - 1, 5L));
		WRITE_ONCE(plan.room_wanted, true);
		for (taken = 0; taken < step; sched_yield())
			taken += take_room();
		WRITE_ONCE(plan.room_wanted, false);
		limit -= step;
		set_limit(limited, 0, 0, limit);
	}
	WRITE_ONCE(stop, true);
	end();
	check_quiet();
	plan.crowded = NULL;
	remove_all_nodes();
}

static void run_round(u64 *random)
{
	plan.admin = below(random, 3);
	plan.hotplug = below(random, 3);
	plan.no_memory = !below(random, 3);
	plan.preempt_one_in = random_preemption(random);
	WRITE_ONCE(stop, false);
	begin(PHASE_RANDOM);
	sleep_ms(ROUND_MS);
	WRITE_ONCE(stop, true);
	end();
	check_quiet();
	plan.no_memory = false;
}

static void start_threads(u64 *random)
{
	unsigned int i;

	memset(threads, 0, sizeof(threads));
	pthread_barrier_init(&barrier, NULL, nr_threads + 1);
	for (i = 0; i < nr_threads; i++) {
		threads[i].number = i;
		threads[i].random = next_random(random);
		if (pthread_create(&threads[i].thread, NULL, thread_main,
				   &threads[i]))
			abort();
	}
}

static void join_threads(void)
{
	unsigned int i, j;

	begin(PHASE_END);
	for (i = 0; i < nr_threads; i++) {
		pthread_join(threads[i].thread, NULL);
		for (j = 0; j < NR_OPERATIONS; j++)
			operations[j] += threads[i].counts[j];
	}
	pthread_barrier_destroy(&barrier);
}

static void run_life(u64 *random, unsigned long until)
{
	static void (* const races[])(u64 *random) = {
		race_for_admission, race_for_events, race_for_levels,
		race_for_room,
	};
	long allocated = shim_nr_allocated();
	unsigned long life_end = min(now_ms() + LIFE_MS, until);
	unsigned int i;
	int nr;

	for (i = 0; i < DEVICES; i++)
		device_add(i);
	start_threads(random);

	do {
		if (below(random, 40))
			races[below(random, ARRAY_SIZE(races))](random);
		else
			race_for_pools(random);
	} while (now_ms() < life_end - LIFE_MS / 2);

	for (i = 0; i < SLOTS; i++)
		slot_make(i);
	begin(PHASE_ENTER);
	end();
	check_quiet();
	do {
		run_round(random);
	} while (now_ms() < life_end);

	begin(PHASE_UNCHARGE);
	end();
	for (i = 0; i < DEVICES; i++)
		empty_mailboxes(i);
	check_quiet();

	join_threads();
	for (nr = SLOTS - 1; nr >= 0; nr--)
		slot_remove(nr);
	check_quiet();
	promise(CSSES, !all_nodes, "some are left");
	for (i = 0; i < DEVICES; i++)
		device_remove(i);
	shim_settle();
	promise(MEMORY, shim_nr_allocated() == allocated, "%ld objects left",
		shim_nr_allocated() - allocated);
}

/* Each thing that can happen did, or nothing is known of it. */
static bool all_happened(void)
{
	int i;

	for (i = 0; i < NR_OPERATIONS; i++)
		if (!operations[i])
			return false;

	return true;
}

static int report(void)
{
	int i, failed = 0;

	for (i = 0; i < NR_OPERATIONS; i++)
		printf("# %s: %lu\n", operation_names[i], operations[i]);
	printf("1..%d\n", NR_PROMISES);
	for (i = 0; i < NR_PROMISES; i++) {
		bool ok = !promises[i].broken;

		printf("%sok %d %s # ", ok ? "" : "not ", i + 1,
		       promises[i].name);
		if (ok && (!promises[i].checked || !all_happened()))
			printf("SKIP so slow a machine that not all came to pass\n");
		else
			printf("%lu of %lu times broken\n", promises[i].broken,
			       promises[i].checked);
		failed += !ok;
	}
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "threads", required_argument, NULL, 't' },
		{ }
	};
	pthread_rwlockattr_t attr;
	unsigned long until, seconds = 10;
	u64 random = time(NULL) ^ getpid();
	unsigned int i;
	int option;

	nr_threads = max(8L, 4 * sysconf(_SC_NPROCESSORS_ONLN));
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			random = strtoull(optarg, NULL, 0);
			break;
		case 't':
			nr_threads = strtoul(optarg, NULL, 0);
			break;
		default:
			fprintf(stderr, "Usage: %s [--seconds N] [--seed N] [--threads N]\n",
				argv[0]);
			return 2;
		}
	}
	nr_threads = min_t(unsigned int, nr_threads, MAX_THREADS);
	printf("# seed %llu, %u threads, %lu s\n", random, nr_threads, seconds);
	fflush(stdout);

	/* A deadlock ends the program. */
	alarm(seconds * 8 + 60);
	shim_init();
	shim_cgroup_init(ops->subsys);
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr,
				      PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (i = 0; i < SLOTS; i++)
		pthread_rwlock_init(&slots[i].lock, &attr);
	for (i = 0; i < DEVICES; i++)
		pthread_rwlock_init(&devices[i].lock, &attr);

	until = now_ms() + seconds * 1000;
	do {
		run_life(&random, until);
	} while (now_ms() < until);
	/* On a busy machine the rare operations may take longer to come. */
	while (!all_happened() && now_ms() < until + seconds * 3000)
		run_life(&random, now_ms() + LIFE_MS);

	shim_cgroup_exit(ops->subsys);
	promise(MEMORY, !shim_nr_allocated(), "%ld objects left",
		shim_nr_allocated());
	add_checked();
	return report() ? 1 : 0;
}
