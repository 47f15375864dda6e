// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMA cgroup controller: caps how many RDMA device contexts and verbs objects
 * the processes of a cgroup may hold, per device.
 *
 * Copyright (C) 2016 Parav Pandit <pandit.parav@gmail.com>
 *
 * Contract
 * --------
 * An object is charged to the cgroup of the task that creates it, and to every
 * ancestor of that cgroup below the root, before the driver is asked for it.
 * If any of them is at its limit, the charge fails with -EAGAIN and counts
 * nowhere. The object stays charged there, wherever tasks move, until it is
 * destroyed; it keeps the css alive, not the directory. A limit below the usage
 * refuses new charges and takes nothing away. The root cgroup has neither
 * limits nor counters. Objects that the kernel creates for itself are not
 * charged.
 *
 * Pools
 * -----
 * A pool holds the limits, usages and history (peaks and refusals) of one
 * cgroup on one device. A limit is the pool's own, or the cgroup's default. A
 * write of an own limit creates a closed pool: it is linked to no other pool,
 * nothing is counted in it, and it is freed with its last own limit. The first
 * charge in a cgroup opens the pools on the path to the root, from the top down,
 * and links each to its parent. Opening is one-way: an open pool has a history,
 * and is freed with its css or its device.
 *
 * Locking
 * -------
 * rdmacg_mutex guards structure: the list of devices, the tables of pools,
 * creating, opening and freeing pools, writing limits, the totals of events.
 *
 * pool->top->lock nests inside. There is one for each device and top-level
 * cgroup, and it guards the usages and peaks of all open pools of that subtree;
 * limits change under both locks. Subtrees have no ancestor in common but the
 * root, so they share neither a lock nor a counter.
 *
 * A charge or uncharge in an open pool runs under rcu_read_lock() and takes
 * only the latter:
 *
 * - A charge first looks for a pool on its path that is at its limit, without
 *   the lock. If there is one, it fails right there, and has written nothing
 *   but the counters of that refusal. It reads one mark a pool, which changes
 *   with a usage or limit under the lock, so this is exact, and reads no cache
 *   line that other charges write as long as they meet no limit.
 * - Otherwise it looks again under the lock, and then adds one at each level. So
 *   no usage ever passes a limit or includes a charge that is refused, nothing
 *   has to be undone, and usages and peaks of a subtree are always those of one
 *   moment.
 *
 * Nothing that such a charge or uncharge touches can be freed under it:
 *
 * - An open pool has only open ones above it, so finding the first one open
 *   (acquire, pairs with the release in rdmacg_pool_open()) makes the way up
 *   safe to walk.
 * - A closed pool may be freed while a charge looks at it. The charge sees that
 *   it is closed and takes the mutex; RCU keeps the memory until then.
 * - A charge holds a css reference, which a successful one keeps until its
 *   uncharge. cgroup core frees a css after all css below it, and a grace period
 *   after its last reference.
 * - The IB core unregisters a device when it has no object left and none can be
 *   created.
 *
 * Refusals are counted by atomics in the pool that was charged and in the one
 * at its limit. A delayed work adds them up the hierarchy and wakes pollers, as
 * cgroup_file_notify() takes a lock that all cgroups share. A read of the events
 * files does the same first: see rdmacg_pool_flush_events() for why it misses
 * no refusal.
 *
 * Each barrier, and some other things that order accesses, name their litmus
 * tests, which are in tools/testing/rdmacg/litmus/.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/cgroup.h>
#include <linux/cgroup_rdma.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#define CREATE_TRACE_POINTS
#include <trace/events/rdmacg.h>

#define RDMACG_UNLIMITED	S32_MAX
#define RDMACG_UNLIMITED_STR	"max"
#define RDMACG_INDEX_STR	"index"
#define RDMACG_DEFAULT_STR	"default"

/* What a write may ask for in place of a limit. */
#define RDMACG_UNCHANGED	(-1)
#define RDMACG_USE_DEFAULT	(-2)

/* How long refusals are collected before pollers are woken. */
#define RDMACG_NOTIFY_MS	10

/* How many pools of a subtree have their usages beside its lock. */
#define RDMACG_SHARED_USAGES	7

/* How often a busy lock is polled before waiting for it in its queue. */
#define RDMACG_LOCK_POLLS	64

/* A mask has one bit for each resource. */
#define RDMACG_MASK_WORDS	DIV_ROUND_UP(RDMACG_RESOURCE_MAX, 32)

/* Keys of the interface files. A resource without a name does not build. */
static const char * const rdmacg_resource_names[] = {
	[RDMACG_RESOURCE_HCA_HANDLE]	= "hca_handle",
	[RDMACG_RESOURCE_HCA_OBJECT]	= "hca_object",
};

static_assert(ARRAY_SIZE(rdmacg_resource_names) == RDMACG_RESOURCE_MAX);
/* Some functions have an array of this size on their stack. */
static_assert(RDMACG_RESOURCE_MAX <= 64);

enum rdmacg_file {
	RDMACG_FILE_MAX,
	RDMACG_FILE_CURRENT,
	RDMACG_FILE_PEAK,
	RDMACG_FILE_EVENTS,
	RDMACG_FILE_EVENTS_LOCAL,
};

/* The keys of the events files. */
struct rdmacg_events {
	s64	max;		/* refused by the limit of this cgroup */
	s64	alloc_fail;	/* refused to tasks of this cgroup */
};

/* Refusals since the last flush. */
struct rdmacg_refusals {
	atomic_t	own;	/* to tasks of this cgroup, by its own limit */
	atomic_t	below;	/* to tasks of descendants, by this limit */
	atomic_t	above;	/* to tasks of this cgroup, by another limit */
};

/*
 * The pools of a cgroup, by device id. A table that is too small is replaced,
 * and freed when RCU readers have left it.
 */
struct rdmacg_pool_table {
	struct rcu_head				rcu;
	unsigned int				size;
	struct rdmacg_resource_pool __rcu	*pools[];
};

/*
 * One cgroup on one device. The cache lines that charges on other CPUs write
 * decide what a charge costs, so each group of fields begins a line.
 */
struct rdmacg_resource_pool {
	/* What each charge reads and few write. */
	struct rdmacg_resource_pool	*parent;
	struct rdmacg_resource_pool	*top;	/* itself while closed */
	int				*usage;	/* own_usage, or one of top's */
	int				max[RDMACG_RESOURCE_MAX];
	int				peak[RDMACG_RESOURCE_MAX];
	/* Bits of the resources whose usage is at the limit. */
	u32				full[RDMACG_MASK_WORDS];
	/* A word, as some architectures cannot store a byte alone. */
	unsigned int			open;
	struct rdma_cgroup		*cg;
	struct rdmacg_device		*device;

	/* What only charges to this very cgroup, and refusals, write. */
	int				own_usage[RDMACG_RESOURCE_MAX]
						____cacheline_aligned_in_smp;
	struct rdmacg_refusals		refusals[RDMACG_RESOURCE_MAX];
	unsigned int			events_queued;
	unsigned int			nr_shared;	/* of shared_usage */
	/* Next below while a path is opened, then next in the events queue. */
	struct rdmacg_resource_pool	*next;
	union {
		struct list_head	dev_node;
		struct rcu_head		rcu;	/* once unlinked */
	};

	/* What each charge in the subtree of a top writes; and own limits. */
	spinlock_t			lock ____cacheline_aligned_in_smp;
	int				shared_usage[RDMACG_SHARED_USAGES]
						    [RDMACG_RESOURCE_MAX];
	/* Bits of the resources whose limit is the pool's own. */
	u32				own_max[RDMACG_MASK_WORDS];

	/* What only the mutex holder uses. */
	struct rdmacg_events		local[RDMACG_RESOURCE_MAX]
						____cacheline_aligned_in_smp;
	struct rdmacg_events		total[RDMACG_RESOURCE_MAX];
};

static DEFINE_MUTEX(rdmacg_mutex);

/* In order of registration, as the files show them; and by id. */
static LIST_HEAD(rdmacg_devices);
static LIST_HEAD(rdmacg_devices_by_id);

/* Makes readers of a device's name that do not hold the mutex try again. */
static seqcount_t rdmacg_name_seq = SEQCNT_ZERO(rdmacg_name_seq);

/* Pools with refusals that are in no total yet, linked by their next. */
static struct rdmacg_resource_pool *rdmacg_events_queue;
static DEFINE_RAW_SPINLOCK(rdmacg_events_lock);

static void rdmacg_flush_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(rdmacg_flush_work, rdmacg_flush_work_fn);

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

/* Copy a device's name, which may be changing. See litmus/name-seqcount. */
static void rdmacg_copy_name(struct rdmacg_device *device, char *name)
{
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&rdmacg_name_seq);
		memcpy(name, device->shown_name, sizeof(device->shown_name));
	} while (read_seqcount_retry(&rdmacg_name_seq, seq));
}

/* All work for an event is behind the branch that is patched out. */
#define rdmacg_trace_pool(event, pool, ...)				\
	do {								\
		if (trace_rdmacg_##event##_enabled()) {			\
			char name[RDMACG_DEVICE_NAME_MAX];		\
									\
			rdmacg_copy_name((pool)->device, name);		\
			trace_rdmacg_##event(				\
				cgroup_id((pool)->cg->css.cgroup),	\
				name, ##__VA_ARGS__);			\
		}							\
	} while (0)

#define rdmacg_trace_count(event, pool, index, usage)			\
	rdmacg_trace_pool(event, pool, rdmacg_resource_names[index],	\
			  usage, READ_ONCE((pool)->max[index]))

static bool rdmacg_mask_test(const u32 *mask, int index)
{
	return READ_ONCE(mask[index / 32]) & BIT(index % 32);
}

static void rdmacg_mask_assign(u32 *mask, int index, bool value)
{
	u32 word = mask[index / 32] & ~BIT(index % 32);

	WRITE_ONCE(mask[index / 32], value ? word | BIT(index % 32) : word);
}

/*
 * Mark whether @pool is at its limit. Under pool->top->lock. See
 * litmus/limit-lowered, litmus/limit-uncharge.
 */
static void rdmacg_pool_update_full(struct rdmacg_resource_pool *pool, int index)
{
	rdmacg_mask_assign(pool->full, index,
			   pool->usage[index] >= pool->max[index]);
}

/*
 * The first pool from @pool up that is marked as full, or NULL. Without
 * pool->top->lock this is exact, too: a mark is old only to a caller that cannot
 * know of the change yet. See litmus/limit-raised.
 */
static struct rdmacg_resource_pool *
rdmacg_path_find_full(struct rdmacg_resource_pool *pool,
		      enum rdmacg_resource_type index)
{
	while (pool && !rdmacg_mask_test(pool->full, index))
		pool = pool->parent;

	return pool;
}

/* Count one refusal, and see that it gets into the totals. */
static void rdmacg_pool_refuse(struct rdmacg_resource_pool *pool,
			       atomic_t *refusals)
{
	bool queue;

	atomic_inc(refusals);
	/* Pairs with rdmacg_pool_flush_events(). See litmus/events-mark. */
	smp_mb__after_atomic();
	if (READ_ONCE(pool->events_queued))
		return;

	/* See litmus/events-queue. */
	raw_spin_lock(&rdmacg_events_lock);
	/*
	 * Pairs with the release in rdmacg_pool_flush_events(). See
	 * litmus/events-next.
	 */
	queue = !smp_load_acquire(&pool->events_queued);
	if (queue) {
		pool->next = rdmacg_events_queue;
		rdmacg_events_queue = pool;
		WRITE_ONCE(pool->events_queued, true);
	}
	raw_spin_unlock(&rdmacg_events_lock);

	/* Not only if the queue was empty: the task that found it so may be held up. */
	if (queue)
		schedule_delayed_work(&rdmacg_flush_work,
				      msecs_to_jiffies(RDMACG_NOTIFY_MS));
}

/* A charge to @leaf was refused, as @full on its path is at its limit. */
static int rdmacg_path_refuse(struct rdmacg_resource_pool *leaf,
			      struct rdmacg_resource_pool *full,
			      enum rdmacg_resource_type index)
{
	rdmacg_trace_count(refuse, full, index, READ_ONCE(full->usage[index]));

	if (full == leaf) {
		rdmacg_pool_refuse(leaf, &leaf->refusals[index].own);
	} else {
		rdmacg_pool_refuse(full, &full->refusals[index].below);
		rdmacg_pool_refuse(leaf, &leaf->refusals[index].above);
	}
	return -EAGAIN;
}

/*
 * Wait for the lock of @top, to count or to read counts. A CPU in the lock's
 * queue gets it at the next unlock, so between CPUs that charge without pause the
 * cache line with lock and usages would move each time, which takes far longer
 * than what is done under the lock. So poll first, for some microseconds at most,
 * and let the CPU that has the line go on. The queue then ends the wait.
 */
static noinline void rdmacg_top_lock_slow(struct rdmacg_resource_pool *top)
	__acquires(&top->lock)
{
	int i;

	for (i = 0; i < RDMACG_LOCK_POLLS; i++) {
		cpu_relax();
		if (spin_trylock(&top->lock))
			return;
	}
	spin_lock(&top->lock);
}

static void rdmacg_top_lock(struct rdmacg_resource_pool *top)
	__acquires(&top->lock)
{
	/* Lockdep learns nothing from a lock that was tried for. */
	might_lock(&top->lock);
	if (!spin_trylock(&top->lock))
		rdmacg_top_lock_slow(top);
}

/* Charge the open pool @leaf and those above it: all, or none and -EAGAIN. */
static int rdmacg_path_charge(struct rdmacg_resource_pool *leaf,
			      enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool, *full;
	int usage;

	full = rdmacg_path_find_full(leaf, index);
	if (full)
		return rdmacg_path_refuse(leaf, full, index);

	/* See litmus/lock-counts. */
	rdmacg_top_lock(leaf->top);
	full = rdmacg_path_find_full(leaf, index);
	for (pool = full ? NULL : leaf; pool; pool = pool->parent) {
		usage = pool->usage[index] + 1;
		WRITE_ONCE(pool->usage[index], usage);
		if (usage > pool->peak[index])
			pool->peak[index] = usage;
		if (unlikely(usage >= pool->max[index]))
			rdmacg_mask_assign(pool->full, index, true);
	}
	usage = leaf->usage[index];
	spin_unlock(&leaf->top->lock);

	if (full)
		return rdmacg_path_refuse(leaf, full, index);
	rdmacg_trace_count(charge, leaf, index, usage);
	return 0;
}

/* Uncharge the open pool @leaf and those above it. False: was not charged. */
static bool rdmacg_path_uncharge(struct rdmacg_resource_pool *leaf,
				 enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	int usage;

	rdmacg_top_lock(leaf->top);
	/* Whatever is charged here is charged above as well. */
	usage = leaf->usage[index] - 1;
	for (pool = usage < 0 ? NULL : leaf; pool; pool = pool->parent) {
		WRITE_ONCE(pool->usage[index], pool->usage[index] - 1);
		if (unlikely(rdmacg_mask_test(pool->full, index)))
			rdmacg_pool_update_full(pool, index);
	}
	spin_unlock(&leaf->top->lock);

	if (usage < 0)
		return false;
	rdmacg_trace_count(uncharge, leaf, index, usage);
	return true;
}

/*
 * Under RCU or the mutex. No pool has the id of an unregistered device, 0. See
 * litmus/pool-publish, litmus/pool-end.
 */
static struct rdmacg_resource_pool *
rdmacg_pool_find(struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_pool_table *table;

	table = rcu_dereference_check(cg->table,
				      lockdep_is_held(&rdmacg_mutex));
	if (!table || device->id >= table->size)
		return NULL;

	return rcu_dereference_check(table->pools[device->id],
				     lockdep_is_held(&rdmacg_mutex));
}

/* The first pool of @cg from device @id on, which is moved past it; or NULL. */
static struct rdmacg_resource_pool *
rdmacg_pool_next(struct rdma_cgroup *cg, unsigned int *id)
{
	struct rdmacg_resource_pool *pool = NULL;
	struct rdmacg_pool_table *table;

	table = rcu_dereference_protected(cg->table,
					  lockdep_is_held(&rdmacg_mutex));
	while (!pool && table && *id < table->size)
		pool = rcu_dereference_protected(table->pools[(*id)++],
						 lockdep_is_held(&rdmacg_mutex));

	return pool;
}

/* Under RCU: the pool of @cg if it is open, or NULL. */
static struct rdmacg_resource_pool *
rdmacg_pool_find_open(struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool = rdmacg_pool_find(cg, device);

	/* Pairs with rdmacg_pool_open(). See litmus/open-link. */
	return pool && smp_load_acquire(&pool->open) ? pool : NULL;
}

/* Make room for a pool of @device in the table of @cg. 0 or -ENOMEM. */
static int rdmacg_table_fit(struct rdma_cgroup *cg,
			    struct rdmacg_device *device)
{
	struct rdmacg_pool_table *old, *new;
	size_t bytes;

	old = rcu_dereference_protected(cg->table,
					lockdep_is_held(&rdmacg_mutex));
	if (old && device->id < old->size)
		return 0;

	/* As many places as the slab object has room for. */
	bytes = roundup_pow_of_two(struct_size(new, pools, device->id + 1));
	new = kzalloc(bytes, GFP_KERNEL);
	if (!new)
		return -ENOMEM;

	new->size = (bytes - sizeof(*new)) / sizeof(*new->pools);
	if (old)
		memcpy(new->pools, old->pools, old->size * sizeof(*old->pools));
	/* See litmus/pool-publish. */
	rcu_assign_pointer(cg->table, new);
	/* See litmus/pool-end. */
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static void rdmacg_table_set(struct rdma_cgroup *cg,
			     struct rdmacg_device *device,
			     struct rdmacg_resource_pool *pool)
{
	struct rdmacg_pool_table *table;

	table = rcu_dereference_protected(cg->table,
					  lockdep_is_held(&rdmacg_mutex));
	/* See litmus/pool-publish. */
	rcu_assign_pointer(table->pools[device->id], pool);
}

/* Find the pool of @cg, or create a closed one; NULL without memory. */
static struct rdmacg_resource_pool *
rdmacg_pool_get(struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool = rdmacg_pool_find(cg, device);
	int i;

	lockdep_assert_held(&rdmacg_mutex);

	if (pool)
		return pool;
	if (rdmacg_table_fit(cg, device))
		return NULL;
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return NULL;

	pool->top = pool;
	pool->usage = pool->own_usage;
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		pool->max[i] = cg->default_max[i];
		rdmacg_pool_update_full(pool, i);
	}
	pool->cg = cg;
	pool->device = device;
	spin_lock_init(&pool->lock);
	list_add(&pool->dev_node, &device->rpools);
	rdmacg_table_set(cg, device, pool);
	rdmacg_trace_pool(pool_make, pool);
	return pool;
}

/*
 * Free a pool without refusals that are still to be flushed. The caller knows
 * that it is closed, or that nothing is charged to it any more.
 */
static void rdmacg_pool_free(struct rdmacg_resource_pool *pool)
{
	lockdep_assert_held(&rdmacg_mutex);

	rdmacg_trace_pool(pool_free, pool);
	rdmacg_table_set(pool->cg, pool->device, NULL);
	list_del(&pool->dev_node);
	/* See litmus/pool-end. */
	kfree_rcu(pool, rcu);
}

/* Free @pool if it is closed and has no own limit. */
static void rdmacg_pool_free_unused(struct rdmacg_resource_pool *pool)
{
	int i;

	if (pool->open)
		return;
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (rdmacg_mask_test(pool->own_max, i))
			return;
	rdmacg_pool_free(pool);
}

/*
 * Let charges into @pool without the mutex, from now on and for good. @parent
 * is open, or NULL at the top.
 */
static void rdmacg_pool_open(struct rdmacg_resource_pool *pool,
			     struct rdmacg_resource_pool *parent, bool is_leaf)
{
	struct rdmacg_resource_pool *top = parent ? parent->top : pool;

	lockdep_assert_held(&rdmacg_mutex);

	pool->parent = parent;
	pool->top = top;
	/*
	 * A CPU that takes top->lock owns the cache line it is in, so usages
	 * that charges share are kept there. A leaf is seldom shared, and a tenant
	 * refused by its own limit must not read what its neighbours write.
	 */
	if ((!parent || !is_leaf) && top->nr_shared < RDMACG_SHARED_USAGES)
		pool->usage = top->shared_usage[top->nr_shared++];

	/*
	 * Pairs with rdmacg_pool_find_open(). See litmus/open-link,
	 * litmus/open-path.
	 */
	smp_store_release(&pool->open, true);
}

/* Open the pool of @cg, not the root, and all above it. -ENOMEM: none. */
static struct rdmacg_resource_pool *
rdmacg_path_open(struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool, *closed = NULL, *parent = NULL;

	for (; !parent && !rdmacg_is_root(cg); cg = rdmacg_parent(cg)) {
		pool = rdmacg_pool_get(cg, device);
		if (!pool)
			goto free_unused;
		if (pool->open) {
			parent = pool;
		} else {
			pool->next = closed;
			closed = pool;
		}
	}

	/* From the top down, so that all above an open pool is open. */
	while (closed) {
		pool = closed;
		closed = pool->next;
		rdmacg_pool_open(pool, parent, !closed);
		parent = pool;
	}
	return parent;

free_unused:
	while (closed) {
		pool = closed;
		closed = pool->next;
		rdmacg_pool_free_unused(pool);
	}
	return ERR_PTR(-ENOMEM);
}

/*
 * Charge @cg, not the root, if it has no open pool. Charging before the mutex
 * is released spares another search, which could fail again.
 */
static int rdmacg_charge_slow(struct rdma_cgroup *cg,
			      struct rdmacg_device *device,
			      enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	int ret;

	mutex_lock(&rdmacg_mutex);
	pool = device->id ? rdmacg_path_open(cg, device) : ERR_PTR(-ENODEV);
	ret = IS_ERR(pool) ? PTR_ERR(pool) : rdmacg_path_charge(pool, index);
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
	pool = rdmacg_pool_find_open(cg, device);
	if (pool)
		ret = rdmacg_path_charge(pool, index);
	rcu_read_unlock();

	if (!pool)
		ret = rdmacg_charge_slow(cg, device, index);
	return ret;
}

/**
 * rdmacg_try_charge - charge one unit to the current task's cgroup
 * @rdmacg: where to store the cgroup that was charged, for rdmacg_uncharge()
 * @device: registered device on which the unit is about to be created
 * @index: resource that it is a unit of
 *
 * Charges the cgroup and each of its ancestors below the root, or none.
 * On success the caller owes one rdmacg_uncharge(), which may come from any
 * task. Until then the charge holds a reference to the cgroup's css.
 *
 * Context: Process context. May sleep if the cgroup was not charged for
 *	    @device before.
 * Return: 0, or one of these, with nothing charged and *@rdmacg unchanged:
 *	   * -EAGAIN if the cgroup or an ancestor is at its limit
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
 * rdmacg_uncharge - give back one rdmacg_try_charge()
 * @cg: cgroup that was charged
 * @device: device that was charged for, still registered
 * @index: resource that was charged
 *
 * To uncharge what is not charged is a bug of the caller. It warns once and
 * changes nothing: no count falls below zero, no reference is dropped.
 *
 * Context: Process context. Takes a spinlock.
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
		pool = rdmacg_pool_find_open(cg, device);
		charged = pool && rdmacg_path_uncharge(pool, index);
		rcu_read_unlock();
	}

	if (!WARN_ONCE(!charged, "rdmacg: %s uncharged that was not charged\n",
		       rdmacg_resource_names[index]))
		css_put(&cg->css);
}
EXPORT_SYMBOL(rdmacg_uncharge);

/*
 * Under RCU. This walks the cgroups, as a closed pool has no parent. See
 * litmus/css-query.
 */
static int rdmacg_lowest_limit(struct rdma_cgroup *cg,
			       struct rdmacg_device *device,
			       enum rdmacg_resource_type index)
{
	struct rdmacg_resource_pool *pool;
	int limit = RDMACG_UNLIMITED;

	for (; !rdmacg_is_root(cg); cg = rdmacg_parent(cg)) {
		pool = rdmacg_pool_find(cg, device);
		limit = min(limit, pool ? READ_ONCE(pool->max[index]) :
					  READ_ONCE(cg->default_max[index]));
	}
	return limit;
}

/**
 * rdmacg_query_limit - how many units the current task could ever hold
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

/* Later than the refusal, so the limit is the one in force by now. */
static void rdmacg_log_first_refusal(struct rdmacg_resource_pool *pool,
				     enum rdmacg_resource_type index)
{
	pr_info("cgroup: %s on %s rejected by rdma controller in ",
		rdmacg_resource_names[index], pool->device->shown_name);
	pr_cont_cgroup_path(pool->cg->css.cgroup);
	pr_cont(" (limit %d)\n", pool->max[index]);
}

/*
 * Add the refusals of @pool since the last flush to its own totals and its
 * ancestors', and wake pollers of the files that show them.
 *
 * No refusal is missed. Either rdmacg_pool_refuse() saw the mark that is
 * cleared here, and then its count, made before, is read here: full barriers on
 * both sides. Or it queues the pool again, and then it returns only after the
 * pool is in the queue, where the next flush finds it.
 */
static void rdmacg_pool_flush_events(struct rdmacg_resource_pool *pool)
{
	struct rdmacg_events new[RDMACG_RESOURCE_MAX];
	struct rdmacg_resource_pool *above;
	int i;

	lockdep_assert_held(&rdmacg_mutex);

	/*
	 * Release, as pool->next has to be read before it is used again. See
	 * litmus/events-next.
	 */
	smp_store_release(&pool->events_queued, false);
	/* Pairs with rdmacg_pool_refuse(). See litmus/events-mark. */
	smp_mb();

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		struct rdmacg_refusals *refusals = &pool->refusals[i];
		int own = atomic_xchg(&refusals->own, 0);

		new[i].max = own + atomic_xchg(&refusals->below, 0);
		new[i].alloc_fail = own + atomic_xchg(&refusals->above, 0);
		if (new[i].max && !pool->local[i].max)
			rdmacg_log_first_refusal(pool, i);
		pool->local[i].max += new[i].max;
		pool->local[i].alloc_fail += new[i].alloc_fail;
	}

	cgroup_file_notify(&pool->cg->events_local_file);
	for (above = pool; above; above = above->parent) {
		for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
			above->total[i].max += new[i].max;
			above->total[i].alloc_fail += new[i].alloc_fail;
		}
		cgroup_file_notify(&above->cg->events_file);
	}
}

/*
 * Bring the totals up to date, also before a pool is freed: one in which
 * nothing can be refused any more is not queued again.
 *
 * The whole queue is taken off first. If one pool were taken after another, a
 * tenant that is refused without pause could keep this going for ever.
 */
static void rdmacg_flush_events(void)
{
	struct rdmacg_resource_pool *pool, *queue;

	raw_spin_lock(&rdmacg_events_lock);
	queue = rdmacg_events_queue;
	rdmacg_events_queue = NULL;
	raw_spin_unlock(&rdmacg_events_lock);

	while (queue) {
		pool = queue;
		queue = pool->next;
		rdmacg_pool_flush_events(pool);
	}
}

static void rdmacg_flush_work_fn(struct work_struct *work)
{
	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	mutex_unlock(&rdmacg_mutex);
}

/*
 * Find out again which devices called @name need an index to be told apart,
 * from each other or from the default.
 */
static void rdmacg_update_dup_name(const char *name)
{
	struct rdmacg_device *device, *first = NULL;

	lockdep_assert_held(&rdmacg_mutex);

	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		if (strcmp(device->shown_name, name))
			continue;
		device->dup_name = first || !strcmp(name, RDMACG_DEFAULT_STR);
		if (first)
			first->dup_name = true;
		else
			first = device;
	}
}

static void rdmacg_set_name(struct rdmacg_device *device, const char *name)
{
	/*
	 * Readers spin while this writes, so it must not be preempted. See
	 * litmus/name-seqcount.
	 */
	preempt_disable();
	write_seqcount_begin(&rdmacg_name_seq);
	strscpy(device->shown_name, name, sizeof(device->shown_name));
	write_seqcount_end(&rdmacg_name_seq);
	preempt_enable();

	rdmacg_update_dup_name(device->shown_name);
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
	struct list_head *node;
	unsigned int id = 1;

	INIT_LIST_HEAD(&device->rpools);

	mutex_lock(&rdmacg_mutex);
	/* The lowest free id, as it is an index into tables. */
	list_for_each(node, &rdmacg_devices_by_id) {
		if (list_entry(node, struct rdmacg_device, id_node)->id != id)
			break;
		id++;
	}
	device->id = id;
	list_add_tail(&device->id_node, node);
	list_add_tail(&device->dev_node, &rdmacg_devices);
	rdmacg_set_name(device, device->name);
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_register_device);

/**
 * rdmacg_rename_device - give a device another name
 * @device: device, registered or not
 * @name: new name, which is copied
 *
 * Limits and counters stay with the device. A concurrent reader or writer of an
 * interface file finds it under the old name or under the new one.
 *
 * Context: Process context, may sleep.
 */
void rdmacg_rename_device(struct rdmacg_device *device, const char *name)
{
	char old[RDMACG_DEVICE_NAME_MAX];

	mutex_lock(&rdmacg_mutex);
	if (device->id) {
		strscpy(old, device->shown_name, sizeof(old));
		rdmacg_set_name(device, name);
		rdmacg_update_dup_name(old);
	}
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_rename_device);

/**
 * rdmacg_unregister_device - make the controller forget a device
 * @device: registered device that has no object left, and on which none can be
 *	    created
 *
 * Its limits and counters go with it, in every cgroup.
 *
 * Context: Process context, may sleep.
 */
void rdmacg_unregister_device(struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *pool;
	int i;

	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	while (!list_empty(&device->rpools)) {
		pool = list_first_entry(&device->rpools,
					struct rdmacg_resource_pool, dev_node);
		/* A top has all that is charged below it. See litmus/device-end. */
		for (i = 0; pool->top == pool && i < RDMACG_RESOURCE_MAX; i++)
			if (READ_ONCE(pool->usage[i]))
				pr_warn_once("rdmacg: %s removed while %s is still charged\n",
					     device->shown_name,
					     rdmacg_resource_names[i]);
		rdmacg_pool_free(pool);
	}
	list_del(&device->dev_node);
	list_del(&device->id_node);
	device->id = 0;
	rdmacg_update_dup_name(device->shown_name);
	mutex_unlock(&rdmacg_mutex);
}
EXPORT_SYMBOL(rdmacg_unregister_device);

/* What a write to rdma.max asks for one device, or as default. */
struct rdmacg_limit_update {
	const char	*name;
	bool		has_index;
	unsigned int	index;
	/* A limit, RDMACG_UNCHANGED or RDMACG_USE_DEFAULT. */
	int		max[RDMACG_RESOURCE_MAX];
};

static void rdmacg_fill_limits(int *max, int limit)
{
	int i;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		max[i] = limit;
}

/* A number in any base, "max" or "default". */
static int rdmacg_parse_limit(const char *str, int *limit)
{
	int ret;

	if (!strcmp(str, RDMACG_UNLIMITED_STR)) {
		*limit = RDMACG_UNLIMITED;
		return 0;
	}
	if (!strcmp(str, RDMACG_DEFAULT_STR)) {
		*limit = RDMACG_USE_DEFAULT;
		return 0;
	}

	ret = kstrtoint(str, 0, limit);
	if (ret)
		return ret;
	return *limit < 0 ? -EINVAL : 0;
}

/* Parse "index=N", "RESOURCE=LIMIT" or "default". */
static int rdmacg_parse_word(char *word, struct rdmacg_limit_update *update)
{
	const char *key = strsep(&word, "=");
	int i;

	if (!word) {
		rdmacg_fill_limits(update->max, RDMACG_USE_DEFAULT);
		return strcmp(key, RDMACG_DEFAULT_STR) ? -EINVAL : 0;
	}

	if (!strcmp(key, RDMACG_INDEX_STR)) {
		if (update->has_index)
			return -EINVAL;
		update->has_index = true;
		/* Decimal, as "rdma dev" shows it. */
		return kstrtouint(word, 10, &update->index);
	}

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (!strcmp(key, rdmacg_resource_names[i]))
			return rdmacg_parse_limit(word, &update->max[i]);
	return -EINVAL;
}

/* Cut off the next word between blanks; NULL if there is none left. */
static char *rdmacg_next_word(char **rest)
{
	char *word;

	do {
		word = strsep(rest, " \t");
	} while (word && !*word);

	return word;
}

/* The device that is meant, or -ENODEV, or -ENOTUNIQ if several may be. */
static struct rdmacg_device *
rdmacg_find_device(const struct rdmacg_limit_update *update)
{
	struct rdmacg_device *device, *found = NULL;

	lockdep_assert_held(&rdmacg_mutex);

	list_for_each_entry(device, &rdmacg_devices, dev_node) {
		if (strcmp(device->shown_name, update->name) ||
		    (update->has_index && device->index != update->index))
			continue;
		if (found)
			return ERR_PTR(-ENOTUNIQ);
		found = device;
	}
	return found ?: ERR_PTR(-ENODEV);
}

/* Set own limits of @pool, or what is new of the default. */
static void rdmacg_pool_set_limits(struct rdmacg_resource_pool *pool,
				   const int *max)
{
	const int *default_max = pool->cg->default_max;
	int i;

	spin_lock(&pool->top->lock);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		if (max[i] != RDMACG_UNCHANGED)
			rdmacg_mask_assign(pool->own_max, i, max[i] >= 0);

		if (!rdmacg_mask_test(pool->own_max, i))
			WRITE_ONCE(pool->max[i], default_max[i]);
		else if (max[i] >= 0)
			WRITE_ONCE(pool->max[i], max[i]);
		rdmacg_pool_update_full(pool, i);
	}
	spin_unlock(&pool->top->lock);
}

/* Drop what a write has left of no use. */
static void rdmacg_pool_tidy(struct rdmacg_resource_pool *pool)
{
	int i;

	/* "max" is an own limit only as an exception to a default. */
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (pool->max[i] == RDMACG_UNLIMITED &&
		    pool->cg->default_max[i] == RDMACG_UNLIMITED)
			rdmacg_mask_assign(pool->own_max, i, false);
	rdmacg_pool_free_unused(pool);
}

static void rdmacg_set_default(struct rdma_cgroup *cg, const int *max)
{
	static const int unchanged[RDMACG_RESOURCE_MAX] = {
		[0 ... RDMACG_RESOURCE_MAX - 1] = RDMACG_UNCHANGED,
	};
	struct rdmacg_resource_pool *pool;
	unsigned int id = 0;
	int i;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		if (max[i] == RDMACG_UNCHANGED)
			continue;
		WRITE_ONCE(cg->default_max[i], max[i]);
		if (trace_rdmacg_limit_enabled())
			trace_rdmacg_limit(cgroup_id(cg->css.cgroup),
					   RDMACG_DEFAULT_STR,
					   rdmacg_resource_names[i], 0, max[i]);
	}
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_set_limits(pool, unchanged);
}

/*
 * Carry out @update, or only do what can fail of it. 0, or with no limit changed
 * -EINVAL, -ENODEV, -ENOTUNIQ or -ENOMEM.
 */
static int rdmacg_update_limits(struct rdma_cgroup *cg,
				const struct rdmacg_limit_update *update,
				bool apply)
{
	const int *max = update->max;
	struct rdmacg_resource_pool *pool;
	struct rdmacg_device *device;
	int i;

	if (!strcmp(update->name, RDMACG_DEFAULT_STR) && !update->has_index) {
		for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
			if (max[i] == RDMACG_USE_DEFAULT)
				return -EINVAL;
		if (apply)
			rdmacg_set_default(cg, max);
		return 0;
	}

	device = rdmacg_find_device(update);
	if (IS_ERR(device))
		return PTR_ERR(device);
	pool = rdmacg_pool_find(cg, device);
	for (i = 0; i < RDMACG_RESOURCE_MAX && !pool; i++) {
		/* No limit where there is none, unless a later line adds one. */
		if (max[i] < 0 || (apply && max[i] == RDMACG_UNLIMITED &&
				   cg->default_max[i] == RDMACG_UNLIMITED))
			continue;
		pool = rdmacg_pool_get(cg, device);
		if (!pool)
			return -ENOMEM;
	}
	if (!apply || !pool)
		return 0;

	rdmacg_pool_set_limits(pool, max);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		if (max[i] != RDMACG_UNCHANGED)
			rdmacg_trace_count(limit, pool, i,
					   READ_ONCE(pool->usage[i]));
	return 0;
}

/*
 * Parse lines of "NAME [index=N] [KEY=LIMIT ...]", where NAME may be "default",
 * and carry out each, or only check them. A line that begins with a "KEY=LIMIT"
 * goes on with the last name.
 */
static int rdmacg_update_lines(struct rdma_cgroup *cg, char *text, bool apply)
{
	struct rdmacg_limit_update update = { };
	char *line, *word;
	int ret;

	while ((line = strsep(&text, "\n"))) {
		word = rdmacg_next_word(&line);
		if (word && (!update.name || !strchr(word, '='))) {
			ret = update.name ?
			      rdmacg_update_limits(cg, &update, apply) : 0;
			if (ret)
				return ret;
			update.name = word;
			update.has_index = false;
			rdmacg_fill_limits(update.max, RDMACG_UNCHANGED);
			word = rdmacg_next_word(&line);
		}
		for (; word; word = rdmacg_next_word(&line)) {
			ret = rdmacg_parse_word(word, &update);
			if (ret)
				return ret;
		}
	}
	return rdmacg_update_limits(cg, &update, apply);
}

/* Carry out a write to rdma.max: all of it, or nothing. */
static int rdmacg_set_limits(struct rdma_cgroup *cg, char *text)
{
	struct rdmacg_resource_pool *pool;
	unsigned int id = 0;
	char *copy = NULL;
	int ret = 0;

	text = strstrip(text);
	/* The first word is a name whatever is in it, but for this slip. */
	if (!*text || strstarts(text, RDMACG_DEFAULT_STR "="))
		return -EINVAL;
	/* To check all lines before the first is carried out. */
	if (strchr(text, '\n')) {
		copy = kstrdup(text, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}

	mutex_lock(&rdmacg_mutex);
	if (copy)
		ret = rdmacg_update_lines(cg, copy, false);
	if (!ret)
		ret = rdmacg_update_lines(cg, text, true);
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_tidy(pool);
	mutex_unlock(&rdmacg_mutex);
	kfree(copy);
	return ret;
}

static void rdmacg_show_count(struct seq_file *sf, int index,
			      const char *suffix, s64 count)
{
	seq_printf(sf, " %s%s=%lld", rdmacg_resource_names[index], suffix,
		   count);
}

static void rdmacg_show_limit(struct seq_file *sf, int index, int limit)
{
	if (limit == RDMACG_UNLIMITED)
		seq_printf(sf, " %s=" RDMACG_UNLIMITED_STR,
			   rdmacg_resource_names[index]);
	else
		rdmacg_show_count(sf, index, "", limit);
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
	static const struct rdmacg_events no_events;
	struct rdmacg_resource_pool *pool = rdmacg_pool_find(cg, device);
	int usage[RDMACG_RESOURCE_MAX] = { };
	int peak[RDMACG_RESOURCE_MAX] = { };
	int i;

	lockdep_assert_held(&rdmacg_mutex);

	/* Of one moment, for all resources. */
	if (pool) {
		rdmacg_top_lock(pool->top);
		memcpy(usage, pool->usage, sizeof(usage));
		memcpy(peak, pool->peak, sizeof(peak));
		spin_unlock(&pool->top->lock);
	}

	seq_puts(sf, device->shown_name);
	if (device->dup_name)
		seq_printf(sf, " " RDMACG_INDEX_STR "=%u", device->index);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		switch (file) {
		case RDMACG_FILE_MAX:
			rdmacg_show_limit(sf, i, pool ? pool->max[i] :
							cg->default_max[i]);
			break;
		case RDMACG_FILE_CURRENT:
			rdmacg_show_count(sf, i, "", usage[i]);
			break;
		case RDMACG_FILE_PEAK:
			rdmacg_show_count(sf, i, "", peak[i]);
			break;
		case RDMACG_FILE_EVENTS:
			rdmacg_show_events(sf, i, pool ? pool->total[i] :
							 no_events);
			break;
		case RDMACG_FILE_EVENTS_LOCAL:
			rdmacg_show_events(sf, i, pool ? pool->local[i] :
							 no_events);
			break;
		}
	}
	seq_putc(sf, '\n');
}

/* The line of the default, if there is one. */
static void rdmacg_show_default(struct seq_file *sf, struct rdma_cgroup *cg)
{
	int i, lowest = RDMACG_UNLIMITED;

	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		lowest = min(lowest, cg->default_max[i]);
	if (lowest == RDMACG_UNLIMITED)
		return;

	seq_puts(sf, RDMACG_DEFAULT_STR);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
		rdmacg_show_limit(sf, i, cg->default_max[i]);
	seq_putc(sf, '\n');
}

static int rdmacg_seq_show(struct seq_file *sf, void *v)
{
	struct rdma_cgroup *cg = css_rdmacg(seq_css(sf));
	enum rdmacg_file file = seq_cft(sf)->private;
	struct rdmacg_device *device;

	mutex_lock(&rdmacg_mutex);
	if (file == RDMACG_FILE_EVENTS || file == RDMACG_FILE_EVENTS_LOCAL)
		rdmacg_flush_events();
	if (file == RDMACG_FILE_MAX)
		rdmacg_show_default(sf, cg);
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

	rdmacg_fill_limits(cg->default_max, RDMACG_UNLIMITED);
	return &cg->css;
}

/*
 * Nothing is charged to @css any more, and no css is below it. See
 * litmus/css-free.
 */
static void rdmacg_css_free(struct cgroup_subsys_state *css)
{
	struct rdma_cgroup *cg = css_rdmacg(css);
	struct rdmacg_resource_pool *pool;
	unsigned int id = 0;

	/* There never was a pool, so none is to be found, nor in the events queue. */
	if (!rcu_access_pointer(cg->table)) {
		kfree(cg);
		return;
	}

	/* With the mutex even to look, as a device may be taking a pool away. */
	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_free(pool);
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
