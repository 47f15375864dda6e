// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMA cgroup controller: limits how many RDMA device contexts and verbs
 * objects the processes of a cgroup may hold, per device.
 *
 * The contract
 * ------------
 * Each object is charged to the cgroup of the task that makes it, and to all
 * ancestors of that cgroup but the root, before the driver is asked for it.
 * If that would take any of them above its limit, the charge fails with
 * -EAGAIN and counts nowhere. The object stays charged to that cgroup,
 * wherever its owners move, until it is destroyed; it keeps the cgroup's css
 * alive, not its directory. A limit below what is in use is fine: it refuses
 * what is new and takes nothing away. The root cgroup has neither limits nor
 * counters. Objects that the kernel makes for itself are never charged.
 *
 * Pools
 * -----
 * A pool holds the limits and the usage of one cgroup on one device. Whoever
 * has a pool has one in each ancestor too, and points to that of its parent;
 * those pointers are a charge's whole way up.
 *
 * rdmacg_mutex guards structure: which devices and pools there are, what
 * points to what, who writes a limit. A charge that finds its pool, and every
 * uncharge, does without: under rcu_read_lock() it only changes usages, each
 * by a compare-and-exchange that never passes the limit, so no usage is ever
 * above a limit by a charge that began after that limit was written.
 *
 * Why a charge without the mutex walks no freed memory, and none is lost:
 *
 * - A pool is made closed, and nobody counts in a closed one. A charge that
 *   finds no pool, or a closed one, takes the mutex, makes what is missing,
 *   opens the path from the top down and counts before it lets go.
 * - So an open pool has only open ones above it: finding the leaf open is
 *   enough to walk all the way (the acquire in pool_find_open() pairs with
 *   the release in chain_open()).
 * - Opening is for good. A closed pool may be unlinked as soon as it has no
 *   limit and no child; who looked it up before sees it closed until RCU lets
 *   it be freed. An open one stays, idle or not, till its cgroup or its
 *   device goes.
 * - The cgroup outlives its pool's users: a charge runs with a reference to
 *   the css, which it keeps if it succeeds, and cgroup core frees a css only
 *   after all css below it.
 * - The device outlives them as well: the IB core unregisters it when no
 *   object is left and none can be made.
 *
 * A charge counts from the leaf upwards. One that is refused at the top has
 * been counted below for a moment, and a neighbour down there, at its limit
 * just then, may be refused although either order of the two would have let
 * it in; nor does the neighbour's peak tell the two apart. In return no usage
 * ever passes a limit, and a tenant that keeps running into its own limit
 * touches no counter that it shares with others.
 *
 * Peaks and events
 * ----------------
 * They are a pool's history, and why an open pool is worth keeping. A peak is
 * raised by charges that were granted at all levels, before the uncharge that
 * ends one of them (counter_dec() tells how). A refusal is counted where it
 * happened before the charge is rolled back; the totals of the hierarchy, and
 * the waking of those who poll the files, follow in batches.
 */

#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/cgroup_rdma.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#define CREATE_TRACE_POINTS
#include <trace/events/rdmacg.h>

#define RDMACG_UNLIMITED	S32_MAX
#define RDMACG_UNLIMITED_STR	"max"
#define RDMACG_INDEX_STR	"index"
#define RDMACG_BLANKS		" \t"

/* How long refusals may pile up before those who wait for them are told. */
#define RDMACG_NOTIFY_MS	10

/* As users write and read them; what is not named here does not build. */
static const char * const rdmacg_resource_names[] = {
	[RDMACG_RESOURCE_HCA_HANDLE]	= "hca_handle",
	[RDMACG_RESOURCE_HCA_OBJECT]	= "hca_object",
};

static_assert(ARRAY_SIZE(rdmacg_resource_names) == RDMACG_RESOURCE_MAX);
/* pool_flush_events() has all of them on its stack. */
static_assert(RDMACG_RESOURCE_MAX <= 64);

enum rdmacg_file {
	RDMACG_FILE_MAX,
	RDMACG_FILE_CURRENT,
	RDMACG_FILE_PEAK,
	RDMACG_FILE_EVENTS,
	RDMACG_FILE_EVENTS_LOCAL,
};

struct rdmacg_counter {
	s64		max;
	atomic64_t	usage;
	atomic64_t	peak;
};

/* What there is to be told about refused charges, as in rdma.events. */
struct rdmacg_events {
	s64	max;		/* refused by a limit here */
	s64	alloc_fail;	/* refused to tasks here, wherever the limit */
};

/*
 * Charges that were refused. Who is refused counts, without the mutex, only
 * where it happened: most often that is one cache line of his own. The mutex
 * holder adds up the hierarchy later, see rdmacg_flush_events().
 */
struct rdmacg_refusals {
	atomic64_t		own;	/* tasks here, by the limit here */
	atomic64_t		below;	/* tasks below, by the limit here */
	atomic64_t		above;	/* tasks here, by a limit above */

	struct rdmacg_events	flushed;	/* what of these is in totals */
	struct rdmacg_events	total;		/* here and below */
};

/*
 * The pools of a cgroup, by device id. One that has become too small is
 * replaced, and read on by those who found it before.
 */
struct rdmacg_pool_table {
	struct rcu_head				rcu;
	unsigned int				size;
	struct rdmacg_resource_pool __rcu	*pools[];
};

/* What a charge touches comes first, to lie in as few cache lines as it can. */
struct rdmacg_resource_pool {
	struct rdmacg_resource_pool	*parent;
	bool				open;
	struct rdmacg_counter		counters[RDMACG_RESOURCE_MAX];

	struct rdmacg_refusals		refusals[RDMACG_RESOURCE_MAX];
	struct llist_node		events_node;
	bool				events_queued;

	/* The rest is the mutex holder's. */
	struct rdma_cgroup		*cg;
	struct rdmacg_device		*device;
	struct list_head		dev_node;
	unsigned int			nr_children;
	union {
		struct rcu_head			rcu;	/* once unlinked */
		struct rdmacg_resource_pool	*below;	/* see chain_open() */
	};
};

static DEFINE_MUTEX(rdmacg_mutex);
static LIST_HEAD(rdmacg_devices);

/* Makes readers of a device's label without the mutex try again. */
static seqcount_t rdmacg_label_seq = SEQCNT_ZERO(rdmacg_label_seq);

/* Pools with refusals that no total has yet. */
static LLIST_HEAD(rdmacg_events_queue);

static void rdmacg_notify(struct work_struct *work);
static DECLARE_DELAYED_WORK(rdmacg_notify_work, rdmacg_notify);

static struct rdma_cgroup *css_rdmacg(struct cgroup_subsys_state *css)
{
	return container_of(css, struct rdma_cgroup, css);
}

static struct rdma_cgroup *rdmacg_parent(struct rdma_cgroup *cg)
{
	return css_rdmacg(cg->css.parent);
}

static bool rdmacg_is_root(struct rdma_cgroup *cg)
{
	return !cg->css.parent;
}

/* Copy a device's name, which may be about to change. */
static void rdmacg_copy_label(struct rdmacg_device *device, char *label)
{
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&rdmacg_label_seq);
		memcpy(label, device->label, sizeof(device->label));
	} while (read_seqcount_retry(&rdmacg_label_seq, seq));
}

/* All work for an event is behind the branch that is patched out. */
#define pool_trace(event, pool, ...)					\
	do {								\
		if (trace_rdmacg_##event##_enabled()) {			\
			char label[RDMACG_DEVICE_NAME_MAX];		\
									\
			rdmacg_copy_label((pool)->device, label);	\
			trace_rdmacg_##event(				\
				cgroup_id((pool)->cg->css.cgroup),	\
				label, ##__VA_ARGS__);			\
		}							\
	} while (0)

#define pool_trace_count(event, pool, index, amount, usage)		\
	pool_trace(event, pool, rdmacg_resource_names[index], amount,	\
		   usage, READ_ONCE((pool)->counters[index].max))

/* Raise the peak to a usage that was reached. */
static void counter_raise_peak(struct rdmacg_counter *counter, s64 usage)
{
	s64 peak = atomic64_read(&counter->peak);

	while (peak < usage &&
	       !atomic64_try_cmpxchg(&counter->peak, &peak, usage))
		;
}

/*
 * Count one more, unless that would pass the limit. Returns the new usage, or
 * 0 if refused.
 */
static s64 counter_try_inc(struct rdmacg_counter *counter)
{
	s64 usage = atomic64_read(&counter->usage);

	do {
		if (usage >= READ_ONCE(counter->max))
			return 0;
	} while (!atomic64_try_cmpxchg(&counter->usage, &usage, usage + 1));

	return usage + 1;
}

/*
 * Count one less; false if there is nothing to take away.
 *
 * Who was granted a charge looks for a record only when it is granted at all
 * levels. By then the usage that made it a record may be history, so no such
 * usage is left without being recorded, except by a charge that is undone.
 */
static bool counter_dec(struct rdmacg_counter *counter, bool granted)
{
	s64 usage = atomic64_read(&counter->usage);

	do {
		if (usage <= 0)
			return false;
		if (granted && usage > atomic64_read(&counter->peak))
			counter_raise_peak(counter, usage);
	} while (!atomic64_try_cmpxchg(&counter->usage, &usage, usage - 1));

	return true;
}

/*
 * Uncharge @pool and those above it, up to but without @end. False, with that
 * pool and all above it untouched, if one of them was not charged.
 */
static bool chain_uncharge(struct rdmacg_resource_pool *pool,
			   struct rdmacg_resource_pool *end,
			   enum rdmacg_resource_type index, bool granted)
{
	for (; pool != end; pool = pool->parent)
		if (!counter_dec(&pool->counters[index], granted))
			return false;

	return true;
}

static void chain_raise_peaks(struct rdmacg_resource_pool *pool,
			      enum rdmacg_resource_type index)
{
	for (; pool; pool = pool->parent) {
		struct rdmacg_counter *counter = &pool->counters[index];

		counter_raise_peak(counter, atomic64_read(&counter->usage));
	}
}

static struct rdmacg_events
refusals_local(const struct rdmacg_refusals *refusals)
{
	s64 own = atomic64_read(&refusals->own);

	return (struct rdmacg_events){
		.max = own + atomic64_read(&refusals->below),
		.alloc_fail = own + atomic64_read(&refusals->above),
	};
}

static void pool_queue_events(struct rdmacg_resource_pool *pool)
{
	/* Pairs with pool_flush_events(): one of us sees what the other did. */
	smp_mb__after_atomic();
	if (READ_ONCE(pool->events_queued) || xchg(&pool->events_queued, true))
		return;

	/* The first in the queue starts the clock for all. */
	if (llist_add(&pool->events_node, &rdmacg_events_queue))
		schedule_delayed_work(&rdmacg_notify_work,
				      msecs_to_jiffies(RDMACG_NOTIFY_MS));
}

/* A charge that began at @leaf was refused by the limit of @limiter. */
static void chain_count_refusal(struct rdmacg_resource_pool *leaf,
				struct rdmacg_resource_pool *limiter,
				enum rdmacg_resource_type index)
{
	pool_trace_count(refuse, limiter, index, 1,
			 atomic64_read(&limiter->counters[index].usage));

	if (limiter == leaf) {
		atomic64_inc(&leaf->refusals[index].own);
	} else {
		atomic64_inc(&limiter->refusals[index].below);
		pool_queue_events(limiter);
		atomic64_inc(&leaf->refusals[index].above);
	}
	pool_queue_events(leaf);
}

/* Charge the open pool @leaf and those above it: all or, with -EAGAIN, none. */
static int chain_charge(struct rdmacg_resource_pool *leaf,
			enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	bool record = false;
	s64 usage;

	for (pool = leaf; pool; pool = pool->parent) {
		usage = counter_try_inc(&pool->counters[index]);
		if (!usage) {
			chain_count_refusal(leaf, pool, index);
			chain_uncharge(leaf, pool, index, false);
			return -EAGAIN;
		}
		record |= usage > atomic64_read(&pool->counters[index].peak);
	}

	if (unlikely(record))
		chain_raise_peaks(leaf, index);
	pool_trace_count(charge, leaf, index, 1,
			 atomic64_read(&leaf->counters[index].usage));
	return 0;
}

/* Under RCU or the mutex. No pool has the id of an unregistered device, 0. */
static struct rdmacg_resource_pool *pool_find(struct rdma_cgroup *cg,
					      struct rdmacg_device *device)
{
	struct rdmacg_pool_table *table;

	table = rcu_dereference_check(cg->table,
				      lockdep_is_held(&rdmacg_mutex));
	if (!table || device->id >= table->size)
		return NULL;

	return rcu_dereference_check(table->pools[device->id],
				     lockdep_is_held(&rdmacg_mutex));
}

/* Make room for a pool of @device in the table of @cg. 0 or -ENOMEM. */
static int table_fit(struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_pool_table *old, *new;
	unsigned int size;

	old = rcu_dereference_protected(cg->table,
					lockdep_is_held(&rdmacg_mutex));
	if (old && device->id < old->size)
		return 0;

	/* Most hosts have few devices, and some have hundreds. */
	size = roundup_pow_of_two(max(device->id + 1, 4U));
	new = kzalloc(struct_size(new, pools, size), GFP_KERNEL);
	if (!new)
		return -ENOMEM;

	new->size = size;
	if (old)
		memcpy(new->pools, old->pools, old->size * sizeof(*old->pools));
	rcu_assign_pointer(cg->table, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static void table_set(struct rdma_cgroup *cg, struct rdmacg_device *device,
		      struct rdmacg_resource_pool *pool)
{
	struct rdmacg_pool_table *table;

	table = rcu_dereference_protected(cg->table,
					  lockdep_is_held(&rdmacg_mutex));
	rcu_assign_pointer(table->pools[device->id], pool);
}

/* The pool if it may be counted in without the mutex. Under RCU. */
static struct rdmacg_resource_pool *pool_find_open(struct rdma_cgroup *cg,
						   struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool = pool_find(cg, device);

	/* Pairs with chain_open(): what is open has a whole path above it. */
	return pool && smp_load_acquire(&pool->open) ? pool : NULL;
}

/*
 * Make a closed pool without a parent. On the device's list it comes right
 * after @below, its child to be, so that children are always before parents.
 */
static struct rdmacg_resource_pool *
pool_make(struct rdma_cgroup *cg, struct rdmacg_device *device,
	  struct rdmacg_resource_pool *below)
{
	struct rdmacg_resource_pool *pool;
	int i;

	lockdep_assert_held(&rdmacg_mutex);

	if (table_fit(cg, device))
		return ERR_PTR(-ENOMEM);
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return ERR_PTR(-ENOMEM);

	pool->cg = cg;
	pool->device = device;
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		pool->counters[i].max = RDMACG_UNLIMITED;

	list_add(&pool->dev_node, below ? &below->dev_node : &device->rpools);
	table_set(cg, device, pool);
	pool_trace(pool_make, pool);
	return pool;
}

/*
 * Add what @pool counted since the last time to its own and its ancestors'
 * totals, and wake who waits for the files that show it.
 */
static void pool_flush_events(struct rdmacg_resource_pool *pool)
{
	struct rdmacg_events new[RDMACG_RESOURCE_MAX];
	struct rdmacg_resource_pool *above;
	int i;

	/*
	 * From now on the pool may be queued again: release, as whoever follows
	 * the queue has to have read where it goes on.
	 */
	smp_store_release(&pool->events_queued, false);
	/* Pairs with pool_queue_events(). */
	smp_mb();

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		struct rdmacg_refusals *refusals = &pool->refusals[i];
		struct rdmacg_events local = refusals_local(refusals);

		new[i].max = local.max - refusals->flushed.max;
		new[i].alloc_fail = local.alloc_fail -
				    refusals->flushed.alloc_fail;
		refusals->flushed = local;
	}

	cgroup_file_notify(&pool->cg->events_local_file);
	for (above = pool; above; above = above->parent) {
		for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
			above->refusals[i].total.max += new[i].max;
			above->refusals[i].total.alloc_fail += new[i].alloc_fail;
		}
		cgroup_file_notify(&above->cg->events_file);
	}
}

/*
 * Bring the totals up to date. Whoever frees a pool has to do so first; no one
 * is refused in that pool any more, so it is not queued again.
 */
static void rdmacg_flush_events(void)
{
	struct rdmacg_resource_pool *pool, *next;

	lockdep_assert_held(&rdmacg_mutex);

	llist_for_each_entry_safe(pool, next, llist_del_all(&rdmacg_events_queue),
				  events_node)
		pool_flush_events(pool);
}

/*
 * cgroup_file_notify() takes a lock that all cgroups share. From here it is
 * called for a batch of refusals, not for each.
 */
static void rdmacg_notify(struct work_struct *work)
{
	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	mutex_unlock(&rdmacg_mutex);
}

static void pool_free(struct rdmacg_resource_pool *pool)
{
	lockdep_assert_held(&rdmacg_mutex);

	pool_trace(pool_free, pool);
	table_set(pool->cg, pool->device, NULL);
	list_del(&pool->dev_node);
	if (pool->parent)
		pool->parent->nr_children--;
	kfree_rcu(pool, rcu);
}

static bool pool_is_limited(struct rdmacg_resource_pool *pool)
{
	int i;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (pool->counters[i].max != RDMACG_UNLIMITED)
			return true;

	return false;
}

/*
 * Free @pool if nothing speaks for keeping it, and then its parent if it was
 * all that spoke for that one, and so on. @pool may be NULL.
 */
static void chain_prune(struct rdmacg_resource_pool *pool)
{
	struct rdmacg_resource_pool *parent;

	while (pool && !pool->open && !pool->nr_children &&
	       !pool_is_limited(pool)) {
		parent = pool->parent;
		pool_free(pool);
		pool = parent;
	}
}

/*
 * Find the pool of @cg, not the root, on @device, or make it and those that
 * miss above it. -ENODEV if the device is not registered. -ENOMEM leaves all
 * as it was.
 */
static struct rdmacg_resource_pool *chain_get(struct rdma_cgroup *cg,
					      struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *leaf, *below, *pool;

	lockdep_assert_held(&rdmacg_mutex);

	if (!device->id)
		return ERR_PTR(-ENODEV);

	leaf = pool_find(cg, device);
	if (leaf)
		return leaf;

	for (below = NULL; !rdmacg_is_root(cg); cg = rdmacg_parent(cg)) {
		bool found;

		pool = pool_find(cg, device);
		found = pool;
		if (!found)
			pool = pool_make(cg, device, below);
		if (IS_ERR(pool)) {
			chain_prune(leaf);
			return pool;
		}

		if (below) {
			below->parent = pool;
			pool->nr_children++;
		} else {
			leaf = pool;
		}
		if (found)
			break;
		below = pool;
	}
	return leaf;
}

/* Let charges into @pool without the mutex, from now on and for good. */
static void chain_open(struct rdmacg_resource_pool *pool)
{
	struct rdmacg_resource_pool *below = NULL;

	lockdep_assert_held(&rdmacg_mutex);

	for (; pool && !pool->open; pool = pool->parent) {
		pool->below = below;
		below = pool;
	}

	/* From the top down, as each of these may be some task's leaf. */
	for (pool = below; pool; pool = pool->below) {
		/* Pairs with pool_find_open(). */
		smp_store_release(&pool->open, true);
	}
}

/*
 * Charge @cg, not the root, whose pool is missing or closed. Counting before
 * the mutex is let go spares another search, which could miss again.
 */
static int rdmacg_charge_slow(struct rdma_cgroup *cg,
			      struct rdmacg_device *device,
			      enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	int ret;

	mutex_lock(&rdmacg_mutex);
	pool = chain_get(cg, device);
	if (IS_ERR(pool)) {
		ret = PTR_ERR(pool);
	} else {
		chain_open(pool);
		ret = chain_charge(pool, index);
	}
	mutex_unlock(&rdmacg_mutex);
	return ret;
}

/* Charge @cg. On success the caller's css reference becomes the charge's. */
static int rdmacg_charge(struct rdma_cgroup *cg, struct rdmacg_device *device,
			 enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	int ret;

	if (rdmacg_is_root(cg))
		return 0;

	rcu_read_lock();
	pool = pool_find_open(cg, device);
	if (pool)
		ret = chain_charge(pool, index);
	rcu_read_unlock();

	if (!pool)
		ret = rdmacg_charge_slow(cg, device, index);
	return ret;
}

/*
 * Under RCU. An ancestor may have a pool, and a limit, where @cg has none; and
 * a pool that is just being made may not yet lead to its parent. So this looks
 * at each cgroup for itself. Without a reference to the css it relies on the
 * grace period that cgroup core lets pass before css_free().
 */
static s64 rdmacg_lowest_limit(struct rdma_cgroup *cg,
			       struct rdmacg_device *device,
			       enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	s64 limit = RDMACG_UNLIMITED;

	for (; !rdmacg_is_root(cg); cg = rdmacg_parent(cg)) {
		pool = pool_find(cg, device);
		if (pool)
			limit = min(limit, READ_ONCE(pool->counters[index].max));
	}
	return limit;
}

/**
 * rdmacg_try_charge - charge one unit to the current task's cgroup
 * @rdmacg: where to store the cgroup that was charged; it is what
 *	    rdmacg_uncharge() wants back
 * @device: registered device on which the unit is about to be made
 * @index: what it is a unit of
 *
 * Charges the cgroup and each of its ancestors below the root, or none.
 * On success the caller owes one rdmacg_uncharge(), which may come from any
 * task. Until then the charge holds a reference to the cgroup's css.
 *
 * Context: Process context. Takes a mutex, and so may sleep, only if the
 *	    cgroup was not charged for this device before.
 * Return: 0, or one of these with nothing charged and *@rdmacg as it was:
 *	   * -EAGAIN if a cgroup on the way up is at its limit
 *	   * -ENOMEM if there is no memory for new counters
 *	   * -ENODEV if @device is not registered
 *	   * -EINVAL if there is no resource @index
 */
int rdmacg_try_charge(struct rdma_cgroup **rdmacg,
		      struct rdmacg_device *device,
		      enum rdmacg_resource_type index)
{
	struct rdma_cgroup *cg;
	int ret;

	if (index >= RDMACG_RESOURCE_MAX)
		return -EINVAL;

	cg = css_rdmacg(task_get_css(current, rdma_cgrp_id));
	ret = rdmacg_charge(cg, device, index);
	if (ret)
		css_put(&cg->css);
	else
		*rdmacg = cg;
	return ret;
}
EXPORT_SYMBOL(rdmacg_try_charge);

/**
 * rdmacg_uncharge - give back what one rdmacg_try_charge() took
 * @cg: cgroup that was charged
 * @device: device that was charged for, still registered
 * @index: resource that was charged
 *
 * To uncharge what is not charged is a bug of the caller. It warns once and
 * changes nothing: no count falls below zero, no reference is dropped.
 *
 * Context: Any context but NMI. Takes no lock.
 */
void rdmacg_uncharge(struct rdma_cgroup *cg,
		     struct rdmacg_device *device,
		     enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	bool charged = true;

	if (WARN_ON_ONCE(index >= RDMACG_RESOURCE_MAX))
		return;

	if (!rdmacg_is_root(cg)) {
		rcu_read_lock();
		pool = pool_find_open(cg, device);
		charged = pool && chain_uncharge(pool, NULL, index, true);
		if (charged)
			pool_trace_count(uncharge, pool, index, 1,
					 atomic64_read(&pool->counters[index].usage));
		rcu_read_unlock();
	}

	if (!WARN_ONCE(!charged, "rdmacg: %s uncharged that was not charged\n",
		       rdmacg_resource_names[index]))
		css_put(&cg->css);
}
EXPORT_SYMBOL(rdmacg_uncharge);

/* Registration cannot fail, so this looks for a free id without memory. */
static unsigned int rdmacg_free_id(void)
{
	struct rdmacg_device *device;
	unsigned int id = 1;

	lockdep_assert_held(&rdmacg_mutex);

again:
	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		if (device->id == id) {
			id++;
			goto again;
		}
	}
	return id;
}

/* Names may have come, gone or changed: find those that are borne twice. */
static void rdmacg_mark_namesakes(void)
{
	struct rdmacg_device *device, *other;

	lockdep_assert_held(&rdmacg_mutex);

	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		device->namesake = false;
		list_for_each_entry(other, &rdmacg_devices, dev_node)
			if (other != device &&
			    !strcmp(other->label, device->label))
				device->namesake = true;
	}
}

static void rdmacg_set_label(struct rdmacg_device *device, const char *name)
{
	unsigned long flags;

	/* Who uncharges may be an interrupt, and wait here for the writer. */
	local_irq_save(flags);
	write_seqcount_begin(&rdmacg_label_seq);
	strscpy(device->label, name, sizeof(device->label));
	write_seqcount_end(&rdmacg_label_seq);
	local_irq_restore(flags);

	rdmacg_mark_namesakes();
}

/**
 * rdmacg_register_device - make a device known to the controller
 * @device: zeroed but for its name and index
 *
 * From now on the device has a line in every interface file, and may be
 * charged for.
 *
 * Context: Process context, may sleep.
 */
void rdmacg_register_device(struct rdmacg_device *device)
{
	INIT_LIST_HEAD(&device->rpools);

	mutex_lock(&rdmacg_mutex);
	device->id = rdmacg_free_id();
	list_add_tail(&device->dev_node, &rdmacg_devices);
	rdmacg_set_label(device, device->name);
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_register_device);

/**
 * rdmacg_rename_device - give a device another name
 * @device: device, registered or not
 * @name: what to call it; copied
 *
 * Limits and counters stay with the device. Whoever reads or writes an
 * interface file meanwhile finds it under the old name or under the new one.
 *
 * Context: Process context, may sleep.
 */
void rdmacg_rename_device(struct rdmacg_device *device, const char *name)
{
	mutex_lock(&rdmacg_mutex);
	if (device->id)
		rdmacg_set_label(device, name);
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_rename_device);

/**
 * rdmacg_unregister_device - make the controller forget a device
 * @device: registered device of which all objects are gone, and on which no
 *	    other can be made
 *
 * Its limits and counters go with it, in every cgroup.
 *
 * Context: Process context, may sleep.
 */
void rdmacg_unregister_device(struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool, *next;
	int i;

	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	list_for_each_entry_safe(pool, next, &device->rpools, dev_node) {
		for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
			if (atomic64_read(&pool->counters[i].usage))
				pr_warn_once("rdmacg: %s removed while %s is still charged\n",
					     device->label,
					     rdmacg_resource_names[i]);
		pool_free(pool);
	}
	list_del(&device->dev_node);
	device->id = 0;
	rdmacg_mark_namesakes();
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_unregister_device);

/**
 * rdmacg_query_limit - how much of a device the current task may ever have
 * @device: registered device
 * @index: resource
 *
 * Context: Any context but NMI. Takes no lock.
 * Return: the lowest limit of the task's cgroup and its ancestors, in units of
 *	   the resource; S32_MAX if none of them has one, or if there is no
 *	   resource @index.
 */
int rdmacg_query_limit(struct rdmacg_device *device,
		       enum rdmacg_resource_type index)
{
	struct rdma_cgroup *cg;
	int limit;

	if (index >= RDMACG_RESOURCE_MAX)
		return RDMACG_UNLIMITED;

	rcu_read_lock();
	cg = css_rdmacg(task_css(current, rdma_cgrp_id));
	limit = rdmacg_lowest_limit(cg, device, index);
	rcu_read_unlock();
	return limit;
}
EXPORT_SYMBOL(rdmacg_query_limit);

static int rdmacg_resource_index(const char *name)
{
	int i;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (!strcmp(rdmacg_resource_names[i], name))
			return i;

	return -EINVAL;
}

/* A number in any base, or "max". */
static int rdmacg_parse_limit(const char *str, int *limit)
{
	int ret;

	if (!strcmp(str, RDMACG_UNLIMITED_STR)) {
		*limit = RDMACG_UNLIMITED;
		return 0;
	}

	ret = kstrtoint(str, 0, limit);
	if (ret)
		return ret;
	return *limit < 0 ? -EINVAL : 0;
}

/* Cut off the next word between blanks; NULL when there is none left. */
static char *rdmacg_next_word(char **rest)
{
	char *word;

	do {
		word = strsep(rest, RDMACG_BLANKS);
	} while (word && !*word);

	return word;
}

/* One line written to rdma.max. */
struct rdmacg_order {
	char		*name;
	bool		has_index;
	unsigned int	index;
	int		limits[RDMACG_RESOURCE_MAX];	/* -1: stays as it is */
};

/*
 * Take "NAME [index=N] KEY=LIMIT ..." to pieces. Returns 0, -EINVAL or
 * -ERANGE.
 */
static int rdmacg_parse(char *line, struct rdmacg_order *order)
{
	bool has_limit = false;
	char *word, *key;
	int i, ret;

	order->has_index = false;
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		order->limits[i] = -1;

	line = strstrip(line);
	/* kstrtoint() would pass over the end of a first line of two. */
	if (strchr(line, '\n'))
		return -EINVAL;

	order->name = rdmacg_next_word(&line);
	while ((word = rdmacg_next_word(&line))) {
		key = strsep(&word, "=");
		if (!word)
			return -EINVAL;
		if (!strcmp(key, RDMACG_INDEX_STR)) {
			order->has_index = true;
			ret = kstrtouint(word, 0, &order->index);
		} else {
			i = rdmacg_resource_index(key);
			if (i < 0)
				return i;
			has_limit = true;
			ret = rdmacg_parse_limit(word, &order->limits[i]);
		}
		if (ret)
			return ret;
	}
	return has_limit ? 0 : -EINVAL;
}

/* The device that is meant, or -ENODEV, or -ENOTUNIQ if several may be. */
static struct rdmacg_device *
rdmacg_find_device(const struct rdmacg_order *order)
{
	struct rdmacg_device *device, *found = NULL;

	lockdep_assert_held(&rdmacg_mutex);

	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		if (strcmp(device->label, order->name) ||
		    (order->has_index && device->index != order->index))
			continue;
		if (found)
			return ERR_PTR(-ENOTUNIQ);
		found = device;
	}
	return found ?: ERR_PTR(-ENODEV);
}

static void pool_set_limits(struct rdmacg_resource_pool *pool,
			    const int *limits)
{
	int i;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		if (limits[i] < 0)
			continue;
		WRITE_ONCE(pool->counters[i].max, limits[i]);
		pool_trace_count(limit, pool, i, 0,
				 atomic64_read(&pool->counters[i].usage));
	}
}

/* Carry out one line written to rdma.max: all of it, or nothing. */
static int rdmacg_set_limits(struct rdma_cgroup *cg, char *line)
{
	struct rdmacg_resource_pool *pool;
	struct rdmacg_order order;
	struct rdmacg_device *device;
	int ret;

	ret = rdmacg_parse(line, &order);
	if (ret)
		return ret;

	mutex_lock(&rdmacg_mutex);
	device = rdmacg_find_device(&order);
	pool = IS_ERR(device) ? ERR_CAST(device) : chain_get(cg, device);
	if (IS_ERR(pool)) {
		ret = PTR_ERR(pool);
	} else {
		pool_set_limits(pool, order.limits);
		chain_prune(pool);
	}
	mutex_unlock(&rdmacg_mutex);
	return ret;
}

static void rdmacg_show_limit(struct seq_file *sf, int index, s64 limit)
{
	if (limit == RDMACG_UNLIMITED)
		seq_printf(sf, " %s=" RDMACG_UNLIMITED_STR,
			   rdmacg_resource_names[index]);
	else
		seq_printf(sf, " %s=%lld", rdmacg_resource_names[index], limit);
}

static void rdmacg_show_count(struct seq_file *sf, int index,
			      const char *suffix, s64 count)
{
	seq_printf(sf, " %s%s=%lld", rdmacg_resource_names[index], suffix,
		   count);
}

static void rdmacg_show_events(struct seq_file *sf, int index,
			       struct rdmacg_events events)
{
	rdmacg_show_count(sf, index, ".max", events.max);
	rdmacg_show_count(sf, index, ".alloc_fail", events.alloc_fail);
}

/* One device's line. A pool that does not exist reads as an unused one. */
static void rdmacg_show_device(struct seq_file *sf, enum rdmacg_file file,
			       struct rdma_cgroup *cg,
			       struct rdmacg_device *device)
{
	/* Not const: on i386, atomic64_read() is a locked write as well. */
	static struct rdmacg_resource_pool unused = {
		.counters[0 ... RDMACG_RESOURCE_MAX - 1].max = RDMACG_UNLIMITED,
	};
	const struct rdmacg_resource_pool *pool = pool_find(cg, device);
	int i;

	lockdep_assert_held(&rdmacg_mutex);

	if (!pool)
		pool = &unused;

	seq_puts(sf, device->label);
	if (device->namesake)
		seq_printf(sf, " " RDMACG_INDEX_STR "=%u", device->index);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		const struct rdmacg_counter *counter = &pool->counters[i];
		const struct rdmacg_refusals *refusals = &pool->refusals[i];

		switch (file) {
		case RDMACG_FILE_MAX:
			rdmacg_show_limit(sf, i, counter->max);
			break;
		case RDMACG_FILE_CURRENT:
			rdmacg_show_count(sf, i, "",
					  atomic64_read(&counter->usage));
			break;
		case RDMACG_FILE_PEAK:
			rdmacg_show_count(sf, i, "",
					  atomic64_read(&counter->peak));
			break;
		case RDMACG_FILE_EVENTS:
			rdmacg_show_events(sf, i, refusals->total);
			break;
		case RDMACG_FILE_EVENTS_LOCAL:
			rdmacg_show_events(sf, i, refusals_local(refusals));
			break;
		}
	}
	seq_putc(sf, '\n');
}

static int rdmacg_seq_show(struct seq_file *sf, void *v)
{
	struct rdma_cgroup *cg = css_rdmacg(seq_css(sf));
	enum rdmacg_file file = seq_cft(sf)->private;
	struct rdmacg_device *device;

	mutex_lock(&rdmacg_mutex);
	/* Only totals wait to be added up. */
	if (file == RDMACG_FILE_EVENTS)
		rdmacg_flush_events();
	list_for_each_entry(device, &rdmacg_devices, dev_node)
		rdmacg_show_device(sf, file, cg, device);
	mutex_unlock(&rdmacg_mutex);
	return 0;
}

static ssize_t rdmacg_max_write(struct kernfs_open_file *of, char *buf,
				size_t nbytes, loff_t off)
{
	return rdmacg_set_limits(css_rdmacg(of_css(of)), buf) ?: nbytes;
}

#define RDMACG_FILE(_name, _file, ...) {		\
	.name = _name,					\
	.private = _file,				\
	.flags = CFTYPE_NOT_ON_ROOT,			\
	.seq_show = rdmacg_seq_show,			\
	__VA_ARGS__					\
}

static struct cftype rdmacg_files[] = {
	RDMACG_FILE("max", RDMACG_FILE_MAX, .write = rdmacg_max_write),
	RDMACG_FILE("current", RDMACG_FILE_CURRENT),
	RDMACG_FILE("peak", RDMACG_FILE_PEAK),
	RDMACG_FILE("events", RDMACG_FILE_EVENTS,
		    .file_offset = offsetof(struct rdma_cgroup, events_file)),
	RDMACG_FILE("events.local", RDMACG_FILE_EVENTS_LOCAL,
		    .file_offset = offsetof(struct rdma_cgroup,
					    events_local_file)),
	{ }
};

static struct cgroup_subsys_state *
rdmacg_css_alloc(struct cgroup_subsys_state *parent_css)
{
	struct rdma_cgroup *cg = kzalloc(sizeof(*cg), GFP_KERNEL);

	if (!cg)
		return ERR_PTR(-ENOMEM);

	return &cg->css;
}

/*
 * Nothing is charged to @css any more. Its pools are looked up with the mutex
 * held, as a device that goes may just be freeing one.
 */
static void rdmacg_css_free(struct cgroup_subsys_state *css)
{
	struct rdma_cgroup *cg = css_rdmacg(css);
	struct rdmacg_resource_pool *pool, *parent;
	struct rdmacg_device *device;

	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		pool = pool_find(cg, device);
		if (!pool)
			continue;
		parent = pool->parent;
		pool_free(pool);
		chain_prune(parent);
	}
	mutex_unlock(&rdmacg_mutex);
	kfree(rcu_access_pointer(cg->table));
	kfree(cg);
}

struct cgroup_subsys rdma_cgrp_subsys = {
	.css_alloc	= rdmacg_css_alloc,
	.css_free	= rdmacg_css_free,
	.dfl_cftypes	= rdmacg_files,
	.legacy_cftypes	= rdmacg_files,
};

#ifdef CONFIG_CGROUP_RDMA_KUNIT_TEST
#include "rdma_test.c"
#endif
