// SPDX-License-Identifier: GPL-2.0-only
/*
 * A prototype, to measure: a leaf keeps what it gave back charged to its
 * ancestors, and charges from that reserve later by one atomic on a cache line
 * of its own. See reserve.md for what came out. One device, one resource.
 *
 *	reserve check [ROUNDS]	does it count exactly?
 *	reserve bad		time of the cases that it makes worse
 *	reserve crowd		how often many tenants are in each other's way
 *
 * What counts what:
 *
 * - The usage in a pool's word is what is in use there and below, and what is
 *   reserved by pools below. HELD_BELOW says that such may have reserves; if it
 *   is not set, the usage is exact.
 * - With HELD_BELOW, nobody counts past min(max, peak) without the mutex. So no
 *   limit is passed and no record missed, however much of it is reserved.
 *   Without, max alone counts, and records are made as in the controller.
 * - HOLDS is set in a pool's word, and HELD_BELOW above it, by the mutex holder
 *   only, and only while all above are within their limits. Reserves are taken
 *   back by clearing both, which any change of mind of the pool's own tasks
 *   collides with, as all is in one word.
 * - They are taken back before anything is refused, before a record, before a
 *   usage is shown, after a limit was lowered, and before the pool is freed.
 */

/* The kernel's mutex spins. */
#define SHIM_MUTEX_SPIN

#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define UNLIMITED	S32_MAX

/* A pool's word. */
#define USAGE_MASK	((1LL << 48) - 1)
#define RESERVED_ONE	(1LL << 48)
#define RESERVED_MASK	(4095 * RESERVED_ONE)
#define HOLDS		(1LL << 60)
#define HELD_BELOW	(1LL << 61)

#define RESERVE_MAX	64

/* Charges without a reserve until the next try; more if reserves were in vain. */
#define WAIT_MIN	64
#define WAIT_MAX	65536
#define IN_VAIN_NS	10000000

/* What a charge touches is in the first line, and in no other pool's. */
#define POOL_BYTES	128

struct reserve_pool {
	struct reserve_pool	*parent;
	atomic64_t		word;
	s64			max;
	atomic64_t		peak;
	atomic64_t		refused;
	int			wait;		/* 0: holds, or never will */

	/* The rest is the mutex holder's. */
	int			penalty;
	long			held_since;
	unsigned int		nr_holders;	/* below */
	struct list_head	holders_node;
	struct rcu_head		rcu;
};

static_assert(sizeof(struct reserve_pool) <= POOL_BYTES);

struct rdma_cgroup {
	struct cgroup_subsys_state css;
	struct reserve_pool *pool;	/* NULL in the root */
};

struct rdmacg_device {
	char unused;
};

static DEFINE_MUTEX(reserve_mutex);
static LIST_HEAD(holders);

/* For "crowd". */
static unsigned long nr_slow, nr_starts, nr_stops;

static struct rdma_cgroup *css_cg(struct cgroup_subsys_state *css)
{
	return container_of(css, struct rdma_cgroup, css);
}

static s64 usage_of(s64 word)
{
	return word & USAGE_MASK;
}

static s64 reserve_of(s64 word)
{
	return (word & RESERVED_MASK) / RESERVED_ONE;
}

/* Jiffies would do. */
static long coarse_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void pool_raise_peak(struct reserve_pool *pool, s64 usage)
{
	s64 peak = atomic64_read(&pool->peak);

	while (peak < usage &&
	       !atomic64_try_cmpxchg(&pool->peak, &peak, usage))
		;
}

/* May one more be counted? -EAGAIN: no; -EBUSY: not with reserves below. */
static int pool_may_inc(struct reserve_pool *pool, s64 word)
{
	s64 max = READ_ONCE(pool->max);

	if (word & HELD_BELOW)
		return usage_of(word) < min(max, atomic64_read(&pool->peak)) ?
			0 : -EBUSY;
	return usage_of(word) < max ? 0 : -EAGAIN;
}

/* What was counted in @word, if exact, is recorded before it is history. */
static void pool_record(struct reserve_pool *pool, s64 word)
{
	if (!(word & HELD_BELOW) && usage_of(word) > atomic64_read(&pool->peak))
		pool_raise_peak(pool, usage_of(word));
}

static int pool_try_inc(struct reserve_pool *pool, bool *record)
{
	s64 word = atomic64_read(&pool->word);
	int ret;

	do {
		ret = pool_may_inc(pool, word);
		if (ret)
			return ret;
	} while (!atomic64_try_cmpxchg(&pool->word, &word, word + 1));

	*record |= usage_of(word) >= atomic64_read(&pool->peak);
	return 0;
}

static bool chain_dec(struct reserve_pool *pool, struct reserve_pool *end,
		      bool granted)
{
	for (; pool != end; pool = pool->parent) {
		s64 word = atomic64_read(&pool->word);

		do {
			if (!usage_of(word))
				return false;
			if (granted)
				pool_record(pool, word);
		} while (!atomic64_try_cmpxchg(&pool->word, &word, word - 1));
	}
	return true;
}

static void chain_record(struct reserve_pool *pool)
{
	for (; pool; pool = pool->parent)
		pool_record(pool, atomic64_read(&pool->word));
}

static bool is_below(struct reserve_pool *pool, struct reserve_pool *above)
{
	while ((pool = pool->parent))
		if (pool == above)
			return true;

	return false;
}

/* Mutex held. Ancestors of @pool up to, without, @end have one holder less. */
static void chain_release(struct reserve_pool *pool, struct reserve_pool *end,
			  s64 reserve)
{
	while ((pool = pool->parent) != end)
		/* At once, so that a word without the flag is exact. */
		atomic64_sub(--pool->nr_holders ? reserve : reserve + HELD_BELOW,
			     &pool->word);
}

static void pool_stop_holding(struct reserve_pool *pool, bool in_the_way)
{
	s64 word = atomic64_read(&pool->word);

	while (!atomic64_try_cmpxchg(&pool->word, &word,
				     word & ~(HOLDS | RESERVED_MASK)))
		;
	chain_release(pool, NULL, reserve_of(word));
	list_del(&pool->holders_node);
	nr_stops++;

	if (in_the_way && coarse_ns() - pool->held_since < IN_VAIN_NS)
		pool->penalty = min(pool->penalty * 2, WAIT_MAX);
	else
		pool->penalty = WAIT_MIN;
	WRITE_ONCE(pool->wait, pool->penalty);
}

/* Mutex held. Take back all reserves below @pool: its usage is exact then. */
static void pool_drain(struct reserve_pool *pool, bool in_the_way)
{
	struct reserve_pool *holder, *next;

	if (!pool->nr_holders)
		return;
	list_for_each_entry_safe(holder, next, &holders, holders_node)
		if (is_below(holder, pool))
			pool_stop_holding(holder, in_the_way);
}

/* Set HELD_BELOW, if the pool is within its limit and its records are made. */
static bool pool_add_holder(struct reserve_pool *pool)
{
	s64 word = atomic64_read(&pool->word);

	do {
		if (usage_of(word) > pool->max ||
		    usage_of(word) > atomic64_read(&pool->peak))
			return false;
	} while (!(word & HELD_BELOW) &&
		 !atomic64_try_cmpxchg(&pool->word, &word, word | HELD_BELOW));

	pool->nr_holders++;
	return true;
}

static void pool_start_holding(struct reserve_pool *pool)
{
	struct reserve_pool *above;
	s64 word;

	mutex_lock(&reserve_mutex);
	word = atomic64_read(&pool->word);
	if (word & HOLDS)
		goto out;
	for (above = pool->parent; above; above = above->parent) {
		if (!pool_add_holder(above)) {
			chain_release(pool, above, 0);
			WRITE_ONCE(pool->wait, pool->penalty);
			goto out;
		}
	}
	list_add(&pool->holders_node, &holders);
	pool->held_since = coarse_ns();
	nr_starts++;
	WRITE_ONCE(pool->wait, 0);
	while (!atomic64_try_cmpxchg(&pool->word, &word, word | HOLDS))
		;
out:
	mutex_unlock(&reserve_mutex);
}

/* One line, one atomic. */
static bool pool_charge_reserve(struct reserve_pool *pool)
{
	s64 word = atomic64_read(&pool->word);

	do {
		if (!(word & RESERVED_MASK) || pool_may_inc(pool, word))
			return false;
	} while (!atomic64_try_cmpxchg(&pool->word, &word,
				       word + 1 - RESERVED_ONE));

	pool_record(pool, word + 1);
	return true;
}

static bool pool_uncharge_reserve(struct reserve_pool *pool)
{
	s64 word = atomic64_read(&pool->word);

	do {
		if (!(word & HOLDS) || !usage_of(word) ||
		    reserve_of(word) >= RESERVE_MAX)
			return false;
		pool_record(pool, word);
	} while (!atomic64_try_cmpxchg(&pool->word, &word,
				       word - 1 + RESERVED_ONE));

	return true;
}

static int chain_charge(struct reserve_pool *leaf, bool may_drain)
{
	struct reserve_pool *pool;
	bool record = false;
	int ret;

	for (pool = leaf; pool; pool = pool->parent) {
		ret = pool_try_inc(pool, &record);
		if (ret == -EBUSY && may_drain) {
			pool_drain(pool, true);
			ret = pool_try_inc(pool, &record);
		}
		if (ret) {
			if (ret == -EAGAIN)
				atomic64_inc(&pool->refused);
			chain_dec(leaf, pool, false);
			return ret;
		}
	}
	if (record)
		chain_record(leaf);
	return 0;
}

static int pool_charge(struct reserve_pool *pool)
{
	bool hold = false;
	int ret = 0, wait;

	rcu_read_lock();
	if (!pool_charge_reserve(pool)) {
		ret = chain_charge(pool, false);
		wait = READ_ONCE(pool->wait);
		if (wait && !ret) {
			WRITE_ONCE(pool->wait, wait - 1);
			hold = wait == 1;
		}
	}
	rcu_read_unlock();

	if (ret == -EBUSY) {
		mutex_lock(&reserve_mutex);
		nr_slow++;
		ret = chain_charge(pool, true);
		mutex_unlock(&reserve_mutex);
	} else if (hold) {
		pool_start_holding(pool);
	}
	return ret;
}

static int reserve_try_charge(struct rdma_cgroup **cg,
			      struct rdmacg_device *device,
			      unsigned int resource)
{
	struct rdma_cgroup *mine;
	int ret = 0;

	mine = css_cg(task_get_css(current, rdma_cgrp_id));
	if (mine->pool)
		ret = pool_charge(mine->pool);
	if (ret)
		css_put(&mine->css);
	else
		*cg = mine;
	return ret;
}

static void reserve_uncharge(struct rdma_cgroup *cg,
			     struct rdmacg_device *device,
			     unsigned int resource)
{
	bool charged = true;

	if (cg->pool) {
		rcu_read_lock();
		charged = pool_uncharge_reserve(cg->pool) ||
			  chain_dec(cg->pool, NULL, true);
		rcu_read_unlock();
	}
	if (!WARN_ONCE(!charged, "uncharged that was not charged\n"))
		css_put(&cg->css);
}

static void pool_set_max(struct reserve_pool *pool, s64 max)
{
	bool lower;

	mutex_lock(&reserve_mutex);
	lower = max < pool->max;
	WRITE_ONCE(pool->max, max);
	if (lower && pool->nr_holders) {
		/*
		 * Whoever counts here by the limit of before must have done so
		 * when pools below start to hold again.
		 */
		synchronize_rcu();
		pool_drain(pool, false);
	}
	mutex_unlock(&reserve_mutex);
}

/* "NAME KEY=N": the limit is N for all names and keys. */
static ssize_t reserve_write(struct kernfs_open_file *of, char *buf,
			     size_t nbytes, loff_t off)
{
	const char *value = strrchr(buf, '=');

	if (!value)
		return -EINVAL;
	value++;
	pool_set_max(css_cg(of_css(of))->pool, strncmp(value, "max", 3) ?
		     strtol(value, NULL, 0) : UNLIMITED);
	return nbytes;
}

enum reserve_file { FILE_MAX, FILE_CURRENT, FILE_PEAK, FILE_REFUSED };

static s64 pool_show(struct reserve_pool *pool, enum reserve_file file)
{
	s64 value;

	switch (file) {
	case FILE_MAX:
		return READ_ONCE(pool->max);
	case FILE_PEAK:
		return atomic64_read(&pool->peak);
	case FILE_REFUSED:
		return atomic64_read(&pool->refused);
	case FILE_CURRENT:
		break;
	}
	mutex_lock(&reserve_mutex);
	pool_drain(pool, false);
	value = usage_of(atomic64_read(&pool->word));
	mutex_unlock(&reserve_mutex);
	return value;
}

static int reserve_show(struct seq_file *sf, void *v)
{
	seq_printf(sf, "%lld\n", pool_show(css_cg(seq_css(sf))->pool,
					   seq_cft(sf)->private));
	return 0;
}

#define RESERVE_FILE(_name, _file, ...) {		\
	.name = _name,					\
	.private = _file,				\
	.flags = CFTYPE_NOT_ON_ROOT,			\
	.seq_show = reserve_show,			\
	__VA_ARGS__					\
}

static struct cftype reserve_files[] = {
	RESERVE_FILE("max", FILE_MAX, .write = reserve_write),
	RESERVE_FILE("current", FILE_CURRENT),
	RESERVE_FILE("peak", FILE_PEAK),
	RESERVE_FILE("refused", FILE_REFUSED),
	{ }
};

static struct cgroup_subsys_state *
css_alloc_waiting(struct cgroup_subsys_state *parent, int wait)
{
	struct rdma_cgroup *cg = kzalloc(sizeof(*cg), GFP_KERNEL);

	if (!cg || !parent)
		return cg ? &cg->css : ERR_PTR(-ENOMEM);

	cg->pool = kzalloc(POOL_BYTES, GFP_KERNEL);
	if (!cg->pool) {
		kfree(cg);
		return ERR_PTR(-ENOMEM);
	}
	cg->pool->parent = css_cg(parent)->pool;
	cg->pool->max = UNLIMITED;
	/* At the top there is nothing to spare. */
	cg->pool->wait = cg->pool->parent ? wait : 0;
	cg->pool->penalty = WAIT_MIN;
	return &cg->css;
}

static struct cgroup_subsys_state *
reserve_css_alloc(struct cgroup_subsys_state *parent)
{
	return css_alloc_waiting(parent, WAIT_MIN);
}

/* The same without reserves, to compare with. */
static struct cgroup_subsys_state *
exact_css_alloc(struct cgroup_subsys_state *parent)
{
	return css_alloc_waiting(parent, 0);
}

static void reserve_css_free(struct cgroup_subsys_state *css)
{
	struct reserve_pool *pool = css_cg(css)->pool;

	if (pool) {
		mutex_lock(&reserve_mutex);
		if (atomic64_read(&pool->word) & HOLDS)
			pool_stop_holding(pool, false);
		mutex_unlock(&reserve_mutex);
		kfree_rcu(pool, rcu);
	}
	kfree(css_cg(css));
}

static struct cgroup_subsys reserve_subsys = {
	.css_alloc	= reserve_css_alloc,
	.css_free	= reserve_css_free,
	.dfl_cftypes	= reserve_files,
};

static struct cgroup_subsys exact_subsys = {
	.css_alloc	= exact_css_alloc,
	.css_free	= reserve_css_free,
	.dfl_cftypes	= reserve_files,
};

static struct rdmacg_device *reserve_device_add(const char *name)
{
	return calloc(1, sizeof(struct rdmacg_device));
}

static void reserve_device_del(struct rdmacg_device *device)
{
	free(device);
}

const struct rdmacg_ops reserve_ops = {
	.name		= "reserve",
	.pool_size	= POOL_BYTES,
	.subsys		= &reserve_subsys,
	.device_add	= reserve_device_add,
	.device_del	= reserve_device_del,
	.try_charge	= reserve_try_charge,
	.uncharge	= reserve_uncharge,
};

const struct rdmacg_ops reserve_off_ops = {
	.name		= "reserve off",
	.pool_size	= POOL_BYTES,
	.subsys		= &exact_subsys,
	.device_add	= reserve_device_add,
	.device_del	= reserve_device_del,
	.try_charge	= reserve_try_charge,
	.uncharge	= reserve_uncharge,
};

/* The program. */

extern const struct rdmacg_ops ours_ops;

#define NR_THREADS	4
#define NR_TENANTS	64
#define RESOURCE	1

#define expect(condition) do {						\
	if (!(condition)) {						\
		fprintf(stderr, "reserve: line %d: not so: %s\n",	\
			__LINE__, #condition);				\
		exit(EXIT_FAILURE);					\
	}								\
} while (0)

/* root -> [0] -> [1] -> leaves [2]... */
static struct cgroup_subsys_state *tree[2 + NR_TENANTS];
static struct rdmacg_device *device;
static const struct rdmacg_ops *ops;
static pthread_barrier_t together;
static int stop, nr_leaves;
static long granted[NR_THREADS];
static int held_most[NR_THREADS];

static int above(int node)
{
	return min(node - 1, 1);
}

static void plant(const struct rdmacg_ops *its_ops, int leaves)
{
	struct cgroup_subsys_state *root;
	int i;

	ops = its_ops;
	nr_leaves = leaves;
	root = shim_cgroup_init(ops->subsys);
	device = ops->device_add("dev0");
	for (i = 0; i < 2 + leaves; i++) {
		tree[i] = shim_cgroup_mkdir(!i ? root : tree[above(i)]);
		expect(!IS_ERR(tree[i]));
	}
}

static void fell(void)
{
	int i;

	for (i = 2 + nr_leaves; i--; )
		shim_cgroup_rmdir(tree[i]);
	shim_settle();
	ops->device_del(device);
	shim_cgroup_exit(ops->subsys);
	expect(!shim_nr_css());
	expect(list_empty(&holders));
}

static void limit(int node, long max)
{
	char text[64];

	snprintf(text, sizeof(text), "dev0 hca_object=%ld\n", max);
	expect(shim_cgroup_write(tree[node], "max", text, strlen(text)) > 0);
}

static long show(int node, const char *file)
{
	char text[64];

	expect(shim_cgroup_read(tree[node], file, text, sizeof(text)) > 0);
	return atol(text);
}

static bool charge(void)
{
	struct rdma_cgroup *cg;

	return !ops->try_charge(&cg, device, RESOURCE);
}

static void uncharge(int node)
{
	ops->uncharge(css_cg(tree[node]), device, RESOURCE);
}

static bool charge_at(int node)
{
	bool ok;

	shim_cgroup_attach(tree[node]);
	ok = charge();
	shim_cgroup_attach(NULL);
	return ok;
}

static void cycle(int node, int count)
{
	shim_cgroup_attach(tree[node]);
	while (count--)
		if (charge())
			uncharge(node);
	shim_cgroup_attach(NULL);
}

/* One thread against plain counting, over the whole tree. */
static void check_sequence(int rounds, unsigned int seed)
{
	long max[2 + NR_THREADS], use[2 + NR_THREADS], own[2 + NR_THREADS];
	long peak[2 + NR_THREADS];
	int nodes = 2 + NR_THREADS, i, node, at;
	bool ok;

	plant(&reserve_ops, NR_THREADS);
	for (i = 0; i < nodes; i++) {
		max[i] = UNLIMITED;
		use[i] = 0;
		own[i] = 0;
		peak[i] = 0;
	}
	while (rounds--) {
		node = rand_r(&seed) % nodes;
		switch (rand_r(&seed) % 256) {
		case 0:
			max[node] = rand_r(&seed) % 4 ? rand_r(&seed) % 48 : UNLIMITED;
			limit(node, max[node]);
			break;
		case 1 ... 3:
			expect(show(node, "current") == use[node]);
			break;
		case 4 ... 7:
			/* Make reserves likely. */
			cycle(node, 2 * WAIT_MIN);
			ok = true;
			for (at = node; at >= 0; at = above(at))
				ok &= use[at] < max[at];
			for (at = node; ok && at >= 0; at = above(at))
				peak[at] = max(peak[at], use[at] + 1);
			break;
		case 8 ... 130:
			ok = true;
			for (at = node; at >= 0; at = above(at))
				ok &= use[at] < max[at];
			expect(charge_at(node) == ok);
			own[node] += ok;
			for (at = node; ok && at >= 0; at = above(at)) {
				use[at]++;
				peak[at] = max(peak[at], use[at]);
			}
			break;
		default:
			if (!own[node])
				break;
			uncharge(node);
			own[node]--;
			for (at = node; at >= 0; at = above(at))
				use[at]--;
		}
		for (i = 0; i < nodes; i++)
			expect(show(i, "peak") == peak[i]);
	}
	for (i = 0; i < nodes; i++)
		while (own[i]--)
			uncharge(i);
	for (i = 0; i < nodes; i++)
		expect(!show(i, "current"));
	fell();
}

static void in_threads(void *(*work)(void *), int count)
{
	pthread_t threads[NR_THREADS];
	int i;

	pthread_barrier_init(&together, NULL, count);
	for (i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, work, (void *)(long)i);
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&together);
}

/* As many as the limit lets in, having held reserves before. */
static void *rush(void *arg)
{
	long me = (long)arg;
	int node = 2 + me % nr_leaves;

	shim_thread_start();
	cycle(node, 300);
	pthread_barrier_wait(&together);
	shim_cgroup_attach(tree[node]);
	for (granted[me] = 0; charge(); )
		granted[me]++;
	shim_cgroup_attach(NULL);
	shim_thread_stop();
	return NULL;
}

static void check_limit(int leaves, int limited, long max)
{
	long sum = 0;
	int i;

	plant(&reserve_ops, leaves);
	/* Room up to the limit that is not beyond the record. */
	limit(limited, max);
	shim_cgroup_attach(tree[2]);
	for (i = 0; i < max / 2; i++)
		expect(charge());
	shim_cgroup_attach(NULL);
	while (i--)
		uncharge(2);
	in_threads(rush, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++)
		sum += granted[i];
	expect(sum == max);
	expect(show(limited, "current") == max);
	expect(show(limited, "peak") == max);
	expect(show(0, "current") == max);
	for (i = 0; i < NR_THREADS; i++)
		while (granted[i]--)
			uncharge(2 + i % leaves);
	for (i = 0; i < 2 + leaves; i++)
		expect(!show(i, "current"));
	fell();
}

/* All hold what they may at once, and never more: this is the peak. */
static void *wave(void *arg)
{
	long me = (long)arg;
	unsigned int seed = held_most[me] * 7919 + me;
	int node = 2 + me % nr_leaves, i, count;

	shim_thread_start();
	shim_cgroup_attach(tree[node]);
	for (count = 200; count--; ) {
		int some = rand_r(&seed) % (held_most[me] + 1);

		for (i = 0; i < some; i++)
			expect(charge());
		while (i--)
			uncharge(node);
	}
	for (i = 0; i < held_most[me]; i++)
		expect(charge());
	pthread_barrier_wait(&together);
	while (i--)
		uncharge(node);
	shim_cgroup_attach(NULL);
	shim_thread_stop();
	return NULL;
}

static void check_peak(int leaves, unsigned int *seed)
{
	long sum, most = 0;
	int round, i;

	plant(&reserve_ops, leaves);
	for (round = 0; round < 8; round++) {
		sum = 0;
		for (i = 0; i < NR_THREADS; i++)
			sum += held_most[i] = 1 + rand_r(seed) % 40;
		most = max(most, sum);
		in_threads(wave, NR_THREADS);
		expect(show(0, "peak") == most);
		expect(show(1, "peak") == most);
	}
	for (i = 0; i < 2 + leaves; i++)
		expect(!show(i, "current"));
	fell();
}

/* Three charge and uncharge at random, the fourth watches and sets limits. */
static void *mix(void *arg)
{
	long me = (long)arg, before, after, max;
	unsigned int seed = me + 1;
	int node, held = 0, count;

	shim_thread_start();
	if (me == NR_THREADS - 1) {
		for (count = 50; count--; ) {
			node = rand_r(&seed) % 2;
			max = rand_r(&seed) % 60;
			limit(node, max);
			/* For the charges that began before. */
			synchronize_rcu();
			before = show(node, "current");
			after = show(node, "current");
			expect(after <= max(before, max));
			usleep(rand_r(&seed) % 400);
			after = show(node, "current");
			expect(after <= max(before, max));
		}
		__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	} else {
		node = 2 + me % nr_leaves;
		shim_cgroup_attach(tree[node]);
		while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
			if (rand_r(&seed) % 32 >= held)
				held += charge();
			else
				uncharge(node), held--;
		}
		granted[me] = held;
		shim_cgroup_attach(NULL);
	}
	shim_thread_stop();
	return NULL;
}

static void check_mix(int leaves)
{
	long sum = 0, shown = 0;
	int i;

	plant(&reserve_ops, leaves);
	stop = 0;
	in_threads(mix, NR_THREADS);
	for (i = 0; i < NR_THREADS - 1; i++)
		sum += granted[i];
	for (i = 0; i < leaves; i++)
		shown += show(2 + i, "current");
	expect(shown == sum);
	expect(show(1, "current") == sum);
	expect(show(0, "current") == sum);
	for (i = 0; i < NR_THREADS - 1; i++)
		while (granted[i]--)
			uncharge(2 + i % leaves);
	for (i = 0; i < 2 + leaves; i++)
		expect(!show(i, "current"));
	fell();
}

static void check(int rounds)
{
	unsigned int seed = 1;
	int i;

	for (i = 0; i < rounds; i++) {
		nr_slow = 0;
		nr_starts = 0;
		nr_stops = 0;
		check_sequence(20000, i + 1);
		check_limit(NR_THREADS, 0, 1000 + i);
		check_limit(NR_THREADS, 1, 100 + i);
		check_limit(2, 1, 1000 + i);
		check_limit(1, 0, 1000 + i);
		check_peak(NR_THREADS, &seed);
		check_peak(2, &seed);
		check_mix(3);
		check_mix(2);
		printf("round %d of %d: exact, with %lu reserves begun, %lu taken back, %lu slow charges\n",
		       i + 1, rounds, nr_starts, nr_stops, nr_slow);
		expect(nr_starts && nr_stops && nr_slow);
	}
}

/* The bad cases: thread 1 is in the way of thread 0, which cycles. */
enum bad { NONE, GROWS, PROBES, READS, READS_1MS, NR_BAD };

static const char *const bad_names[] = {
	"the other idles", "grows, each a record", "is refused by the parent",
	"reads the parent's usage", "reads it every 1 ms",
};

#define BAD_NS		100000000L
#define BAD_ROUNDS	9

static enum bad bad;
static double ns_per[2];

static long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void disturb(long *grown)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	char text[256];

	switch (bad) {
	case GROWS:
		expect(charge());
		++*grown;
		break;
	case PROBES:
		if (charge())
			uncharge(3);
		break;
	case READS_1MS:
		nanosleep(&pause, NULL);
		fallthrough;
	case READS:
		expect(shim_cgroup_read(tree[1], "current", text,
					sizeof(text)) > 0);
		break;
	default:
		nanosleep(&pause, NULL);
	}
}

static void *bad_work(void *arg)
{
	long me = (long)arg, began, ended, count = 0, grown = 0;
	int i;

	shim_thread_start();
	pin(me);
	shim_cgroup_attach(tree[2 + me]);
	expect(charge());
	pthread_barrier_wait(&together);
	began = now_ns();
	do {
		for (i = 0; i < 16; i++) {
			if (me)
				disturb(&grown);
			else if (charge())
				uncharge(2);
		}
		count += 16;
		ended = now_ns();
	} while (ended - began < BAD_NS);
	ns_per[me] = (double)(ended - began) / count;
	pthread_barrier_wait(&together);
	for (grown++; grown--; )
		uncharge(2 + me);
	shim_cgroup_attach(NULL);
	shim_thread_stop();
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure_bad(void)
{
	static const struct rdmacg_ops *const contestants[] = {
		&ours_ops, &reserve_off_ops, &reserve_ops,
	};
	static double ns[ARRAY_SIZE(contestants)][2][BAD_ROUNDS];
	int round, i, j;

	printf("Two tenants below one parent, depth 3. ns per pair of the one that cycles / per step of the other:\n");
	printf("%-28s", "");
	for (i = 0; i < ARRAY_SIZE(contestants); i++)
		printf(" %21s", contestants[i]->name);
	putchar('\n');
	for (bad = 0; bad < NR_BAD; bad++) {
		for (round = 0; round < BAD_ROUNDS; round++) {
			for (i = 0; i < ARRAY_SIZE(contestants); i++) {
				plant(contestants[i], 2);
				if (bad == PROBES)
					limit(1, 3);
				in_threads(bad_work, 2);
				fell();
				for (j = 0; j < 2; j++)
					ns[i][j][round] = ns_per[j];
			}
		}
		printf("%-28s", bad_names[bad]);
		for (i = 0; i < ARRAY_SIZE(contestants); i++) {
			for (j = 0; j < 2; j++)
				qsort(ns[i][j], BAD_ROUNDS, sizeof(double),
				      by_value);
			printf(" %9.0f / %9.0f", ns[i][0][BAD_ROUNDS / 2],
			       ns[i][1][BAD_ROUNDS / 2]);
		}
		putchar('\n');
		fflush(stdout);
	}
}

/*
 * Tenants below one parent, one at a time at random; each has at most @each,
 * and about half of that. Counts only, so that one core is enough.
 */
static void crowd(int tenants, int each)
{
	long steps = 4000000, charges = 0, reserved = 0, i;
	int held[NR_TENANTS] = { }, all = 0, most = 0, node;
	unsigned int seed = 1;
	unsigned long slow = 0, stops = 0;

	plant(&reserve_ops, tenants);
	for (i = 0; i < steps; i++) {
		/* The first half is for the peak to settle. */
		if (i == steps / 2) {
			slow = nr_slow;
			stops = nr_stops;
			charges = 0;
			reserved = 0;
		}
		node = rand_r(&seed) / 16 % tenants;
		if (rand_r(&seed) / 16 % each < held[node]) {
			uncharge(2 + node);
			held[node]--;
			all--;
			continue;
		}
		charges++;
		reserved += reserve_of(atomic64_read(&css_cg(tree[2 + node])->pool->word)) > 0;
		expect(charge_at(2 + node));
		held[node]++;
		most = max(most, ++all);
	}
	expect(show(1, "peak") == most);
	printf("%7d %5d %6d %6d %9.1f%% %14.4f %14.4f\n", tenants, each, most,
	       tenants * each, 100.0 * reserved / charges,
	       (double)(nr_slow - slow) / charges,
	       (double)(nr_stops - stops) / charges);
	while (tenants--)
		while (held[tenants]--)
			uncharge(2 + tenants);
	fell();
}

static void measure_crowd(void)
{
	static const int tenants[] = { 2, 8, 64 };
	static const int each[] = { 1, 8, 64 };
	int i, j;

	printf("%7s %5s %6s %6s %10s %14s %14s\n", "tenants", "each", "peak",
	       "most", "reserved", "slow/charge", "recalls/charge");
	for (i = 0; i < ARRAY_SIZE(tenants); i++)
		for (j = 0; j < ARRAY_SIZE(each); j++)
			crowd(tenants[i], each[j]);
}

static void die_usage(void)
{
	fprintf(stderr, "usage: reserve check [ROUNDS] | bad | crowd\n");
	exit(EXIT_FAILURE);
}

/* Weak, so that the benchmark can have this file as one more contestant. */
int __weak main(int argc, char **argv)
{
	setlinebuf(stdout);
	shim_init();
	if (argc > 1 && !strcmp(argv[1], "check"))
		check(argc > 2 ? atoi(argv[2]) : 5);
	else if (argc > 1 && !strcmp(argv[1], "bad"))
		measure_bad();
	else if (argc > 1 && !strcmp(argv[1], "crowd"))
		measure_crowd();
	else
		die_usage();
	return EXIT_SUCCESS;
}
