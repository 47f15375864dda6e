/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Promela model of kernel/cgroup/rdma.c: charges that race, without the mutex,
 * with each other, with an administrator, with readers of the events files and
 * with the end of cgroups and devices. README.md says what stands for what.
 *
 * A step is one d_step or atomic: one access that others can see, together
 * with those that only its own process or the holder of a lock can see.
 *
 *	top
 *	 `- middle
 *	     |- left
 *	     `- right
 */

#ifndef CHARGERS
#define CHARGERS	2
#endif
#ifndef CYCLES
#define CYCLES		2
#endif
/* What the administrator does before taking everything down. */
#ifndef ADMIN_OPS
#define ADMIN_OPS	1
#endif
#ifndef READS
#define READS		1
#endif
#ifndef NR_POOLS
#define NR_POOLS	7
#endif

/* Where the chargers live. They are alike, so only the pair matters. */
#ifdef HOMES
#define HOME_1	home = MIDDLE :: home = LEFT :: home = RIGHT
#define HOME_2	home <= MIDDLE -> home = MIDDLE :: \
		home <= LEFT -> home = LEFT :: home = RIGHT
#else
#define HOME_1	home = LEFT
#define HOME_2	home = LEFT :: home = RIGHT
#endif

/* Parents before children, so that a cgroup's number says what is above. */
#define TOP		0
#define MIDDLE		1
#define LEFT		2
#define RIGHT		3
#define NR_CGROUPS	4
#define ROOT		NR_CGROUPS

#define NONE		NR_POOLS
#define UNLIMITED	7

#define parent_of(c)	((c) == TOP -> ROOT : ((c) == MIDDLE -> TOP : MIDDLE))
/* Is cgroup c, or one below it, cgroup d? */
#define has_below(c, d)	((c) == (d) || ((c) <= MIDDLE && (c) < (d)))

/*
 * What must never be. They are always 0: they are there to give a failed
 * assertion a name in what Spin prints.
 */
hidden byte freed_pool_accessed, freed_table_accessed, freed_cgroup_accessed;
hidden byte count_lost, counted_in_closed_pool, limit_passed;
hidden byte refused_in_vain, refused_but_counted;
hidden byte history_lost, limit_lost, idle_pool_kept, wrong_path;
hidden byte refusal_unread, wake_up_lost, queued_twice, freed_in_queue;
hidden byte pool_left_over, pool_without_device, model_too_small;

#define CHECK(never, cond)	assert(never || (cond))

/* struct rdmacg_resource_pool, with one resource */
#define FREE		0
#define LINKED		1
#define UNLINKED	2	/* and not yet freed */

typedef pool_t {
	unsigned state : 2;
	unsigned cg : 2;
	unsigned parent : 4;
	unsigned top : 4;
	unsigned next : 4;
	unsigned open : 1;
	unsigned locked : 1;
	unsigned max : 3;
	unsigned usage : 3;
	unsigned at_limit : 1;
	unsigned used : 1;	/* no such field: something was counted here */
	unsigned readers : 3;	/* what kfree_rcu() waits for */
#ifdef EVENTS
	/* struct rdmacg_refusals, struct rdmacg_events */
	unsigned own : 3;
	unsigned below : 3;
	unsigned above : 3;
	unsigned total_max : 3;
	unsigned total_fail : 3;
	unsigned queued : 1;
	unsigned scheduling : 2	/* no such field: tasks that are about to */
#endif
}

pool_t pool[NR_POOLS];

#ifdef EVENTS
/* rdmacg_events_queue, and what is left of it to a flush that has taken it */
byte queue = NONE, flushing = NONE;
bit work_pending;
#endif

/* struct rdma_cgroup; one device, so one pool for each */
typedef cgroup_t {
	unsigned refs : 4;
	unsigned online : 1;
	unsigned freed : 1;
#ifdef QUERY
	unsigned readers : 3;	/* what cgroup core waits for, without refs */
#endif
#ifdef TABLES
	unsigned table : 3;
#endif
	unsigned pool : 4	/* the device's place in its table */
}

cgroup_t cgroup[NR_CGROUPS];

#ifdef TABLES
/* struct rdmacg_pool_table: that of a cgroup, and those that it replaced */
#define NR_TABLES	(NR_CGROUPS + ADMIN_OPS)
typedef table_t {
	unsigned state : 2;
	unsigned pool : 4;
	unsigned readers : 3
}

table_t table[NR_TABLES];
#endif

/* rdmacg_mutex: 0 or the owner's _pid; what follows is the owner's. */
byte mutex;
byte at, closed;

#ifdef DEVICE
bit device_id;
/* The promise of the IB core: no charge in flight while it unregisters. */
bit device_usable;
byte device_users;
#define device_get()	device_users++
#define device_put()	device_users--
/* After that, a charge is an error, but no harm. */
#define may_charge	(device_usable || !device_id)
#ifdef CHARGED_IN_REMOVAL
#define none_charges	true
#else
#define none_charges	(device_users == 0)
#endif
#else
#define device_id	1
#define may_charge	true
#define device_get()	skip
#define device_put()	skip
#endif

#ifdef ENOMEM
bit memory_fails;
#endif

/* rcu_read_lock() holders, a bit for each: the chargers, then the asker */
byte readers;

/*
 * What really happened, for CHECK(): the charges that are granted, the limit
 * that was written, and how many refusals were returned that were due to a
 * limit in a cgroup's subtree, or came from there.
 */
typedef truth_t {
	unsigned held : 3;
	unsigned max : 3;
#ifdef EVENTS
	unsigned hits : 3;
	unsigned fails : 3
#endif
}

truth_t truth[NR_CGROUPS];

/* A step after a loop, as Spin can jump into no d_step. */
#define STEP(...)	if :: d_step { __VA_ARGS__ } fi

#define WHEN(cond, ...)	if :: cond -> __VA_ARGS__ :: else fi

/* Scratch within one step. */
hidden byte i, j, k;

#define me_bit		(1 << (_pid - 1))

#define TOUCH_POOL(p) \
	CHECK(freed_pool_accessed, (p) != NONE && pool[p].state != FREE)
#define TOUCH_TABLE(t)	CHECK(freed_table_accessed, table[t].state != FREE)
#define TOUCH_CGROUP(c)	CHECK(freed_cgroup_accessed, !cgroup[c].freed)

/* --- RCU and memory ------------------------------------------------------ */

inline pool_scrub(p)
{
	pool[p].state = FREE;
	pool[p].cg = 0;
	pool[p].parent = NONE;
	pool[p].top = NONE;
	pool[p].next = NONE;
	pool[p].open = 0;
	pool[p].locked = 0;
	pool[p].max = 0;
	pool[p].usage = 0;
	pool[p].at_limit = 0;
	pool[p].used = 0;
	pool[p].readers = 0;
#ifdef EVENTS
	pool[p].own = 0;
	pool[p].below = 0;
	pool[p].above = 0;
	pool[p].total_max = 0;
	pool[p].total_fail = 0;
	pool[p].queued = 0;
	pool[p].scheduling = 0
#endif
}

/* As soon as it may be: later frees can only hide an access. */
inline kfree_rcu(p)
{
	pool[p].state = UNLINKED;
#ifndef NO_GRACE_PERIOD
	pool[p].readers = readers;
#endif
	WHEN(pool[p].readers == 0, pool_scrub(p))
}

#ifdef TABLES
inline table_scrub(t)
{
	table[t].state = FREE;
	table[t].pool = NONE;
	table[t].readers = 0
}

inline table_set(c, p)
{
	TOUCH_TABLE(cgroup[c].table);
	table[cgroup[c].table].pool = p;
	cgroup[c].pool = p
}
#else
#define table_set(c, p)	cgroup[c].pool = p
#endif

inline rcu_read_lock()
{
	readers = readers | me_bit
}

inline rcu_read_unlock()
{
	readers = readers & ~me_bit;
	for (i : 0 .. NR_POOLS - 1) {
		if
		:: pool[i].state == UNLINKED ->
			pool[i].readers = pool[i].readers & ~me_bit;
			WHEN(pool[i].readers == 0, pool_scrub(i))
		:: else
		fi
	}
#ifdef TABLES
	for (i : 0 .. NR_TABLES - 1) {
		if
		:: table[i].state == UNLINKED ->
			table[i].readers = table[i].readers & ~me_bit;
			WHEN(table[i].readers == 0, table_scrub(i))
		:: else
		fi
	}
#endif
#ifdef QUERY
	for (i : 0 .. NR_CGROUPS - 1) {
		cgroup[i].readers = cgroup[i].readers & ~me_bit
	}
#endif
}

inline css_put(c)
{
	TOUCH_CGROUP(c);
	CHECK(freed_cgroup_accessed, cgroup[c].refs > 0);
	cgroup[c].refs--;
#ifdef QUERY
	WHEN(cgroup[c].refs == 0, cgroup[c].readers = readers)
#endif
}

/* --- Structure, under the mutex ------------------------------------------ */

/*
 * rdmacg_pool_get(), if there is none; into made. A cgroup's pool has a place
 * of its own and takes another only while that one waits for readers: fewer
 * states, and nothing depends on it.
 */
inline pool_make(c, made)
{
	TOUCH_CGROUP(c);
	made = c;
	if
	:: pool[c].state != FREE ->
		made = NR_CGROUPS;
		do
		:: made == NR_POOLS || pool[made].state == FREE -> break
		:: else -> made++
		od
	:: else
	fi;
	CHECK(model_too_small, made != NR_POOLS);
	pool[made].state = LINKED;
	pool[made].cg = c;
	pool[made].top = made;
	pool[made].max = UNLIMITED;
	table_set(c, made)
}

inline pool_free(p)
{
	TOUCH_POOL(p);
	TOUCH_CGROUP(pool[p].cg);
	CHECK(count_lost, pool[p].usage == 0);
#ifdef EVENTS
	CHECK(freed_in_queue, !pool[p].queued);
#endif
	k = pool[p].cg;
	table_set(k, NONE);
	kfree_rcu(p)
}

#ifdef FREE_OPEN
#define keeps_open(p)	0
#else
#define keeps_open(p)	pool[p].open
#endif
#ifdef FREE_LIMITED
#define keeps_limit(p)	0
#else
#define keeps_limit(p)	(pool[p].max != UNLIMITED)
#endif

/* rdmacg_pool_free_unused() */
inline pool_free_unused(p)
{
	TOUCH_POOL(p);
#ifndef KEEP_UNUSED
	if
	:: !keeps_open(p) && !keeps_limit(p) ->
		CHECK(history_lost, !pool[p].used);
		pool_free(p)
	:: else
	fi;
#endif
	skip
}

/* What rdmacg_path_open() has for the pool of a cgroup, for an open one. */
#ifdef NO_SECOND_LOOK
#define found(c)	((c) == home -> leaf : cgroup[c].pool)
#else
#define found(c)	cgroup[c].pool
#endif
#ifdef STOP_AT_CLOSED
#define found_open(p)	1
#else
#define found_open(p)	pool[p].open
#endif
#ifdef NO_REGISTERED_CHECK
#define registered	1
#else
#define registered	device_id
#endif

/* The list of pools to open begins at the top, if all is well. */
inline path_add_closed(p)
{
	CHECK(queued_twice, pool[p].next == NONE);
#ifdef LEAF_FIRST
	k = closed;
	do
	:: k == NONE -> closed = p; break
	:: k != NONE && pool[k].next == NONE -> pool[k].next = p; break
	:: else -> k = pool[k].next
	od;
#else
	pool[p].next = closed;
	closed = p;
#endif
	at = parent_of(at)
}

inline path_next_closed(p)
{
	p = closed;
	closed = pool[p].next;
	pool[p].next = NONE
}

/* rdmacg_pool_open(), but for the store to open */
inline pool_link(p)
{
	k = parent_of(pool[p].cg);
	pool[p].parent = (k == ROOT -> NONE : cgroup[k].pool);
	pool[p].top = cgroup[TOP].pool
}

/* rdmacg_path_open(); leaf is NONE if it fails. */
inline path_open()
{
	d_step {
		if
		:: registered -> at = home
		:: else -> leaf = NONE
		fi
	}
	do
	:: d_step {
		at != ROOT && found(at) != NONE ->
		j = found(at);
		leaf = (at == home -> j : leaf);
		TOUCH_POOL(j);
		if
		:: found_open(j) -> at = ROOT
		:: else -> path_add_closed(j)
		fi
	   }
	:: d_step {
		at != ROOT && found(at) == NONE ->
		pool_make(at, j);
		leaf = (at == home -> j : leaf);
		path_add_closed(j)
	   }
#ifdef ENOMEM
	:: d_step {
		at != ROOT && found(at) == NONE && !memory_fails ->
		memory_fails = 1;
		leaf = NONE;
		at = ROOT
	   }
	   do
	   :: d_step {
		closed != NONE ->
		path_next_closed(j);
		pool_free_unused(j)
	      }
	   :: closed == NONE -> break
	   od
#endif
	:: at == ROOT -> break
	od;
	do
	:: d_step {
		closed != NONE ->
		path_next_closed(at);
#ifdef OPEN_OVERTAKES_LINK
		/* As without the release. */
		pool[at].open = 1
	   }
	   d_step {
		pool_link(at);
#else
		pool_link(at);
		pool[at].open = 1;
#endif
		at = ROOT
	   }
	:: closed == NONE -> break
	od
}

/* What must hold whenever the mutex is free. */
inline mutex_unlock()
{
	for (i : 0 .. NR_CGROUPS - 1) {
		k = cgroup[i].pool;
		if
		:: k != NONE ->
			CHECK(pool_without_device, device_id);
			CHECK(wrong_path, pool[k].state == LINKED &&
				pool[k].cg == i && (!pool[k].open ||
				(i == TOP && pool[k].parent == NONE) ||
				(i != TOP && pool[pool[k].parent].open &&
				 pool[k].parent == cgroup[parent_of(i)].pool)));
			CHECK(wrong_path, !pool[k].open ||
				pool[k].top == cgroup[TOP].pool);
			CHECK(idle_pool_kept, pool[k].open ||
				pool[k].max != UNLIMITED)
		:: else
		fi;
		CHECK(limit_lost, cgroup[i].freed ||
			(k == NONE -> UNLIMITED : pool[k].max) == truth[i].max)
	}
	at = ROOT;
	closed = NONE;
	mutex = 0
}

/* --- What the counts and the history must come to ------------------------ */

/* The limits and the history of @c went with its pool. */
inline truth_forget(c)
{
	truth[c].max = UNLIMITED;
#ifdef EVENTS
	truth[c].hits = 0;
	truth[c].fails = 0
#endif
}

#ifdef VAIN
/*
 * Chargers in an attempt to charge, where each lives, and those for which some
 * level was full at some instant of the attempt.
 */
byte attempting, justified;
byte home_of[CHARGERS];

/* After each write that can fill p: which chargers it justifies to refuse. */
inline justify(p)
{
	if
	:: pool[p].usage >= pool[p].max ->
		for (k : 0 .. CHARGERS - 1) {
			WHEN((attempting & (1 << k)) &&
			     has_below(pool[p].cg, home_of[k]),
			     justified = justified | (1 << k))
		}
	:: else
	fi
}

inline attempt_begins()
{
	attempting = attempting | me_bit;
	for (i : 0 .. NR_CGROUPS - 1) {
		j = cgroup[i].pool;
		WHEN(has_below(i, home) && j != NONE &&
		     pool[j].usage >= pool[j].max,
		     justified = justified | me_bit)
	}
}

inline attempt_ends()
{
	attempting = attempting & ~me_bit;
	justified = justified & ~me_bit
}

#define check_refusal()	CHECK(refused_in_vain, justified & me_bit)
#else
#define justify(p)		skip
#define attempt_begins()	skip
#define attempt_ends()		skip
#define check_refusal()		skip
#endif

/* The lock is about to be released: what a file would show now. */
inline check_snapshot()
{
	for (i : 0 .. NR_CGROUPS - 1) {
		k = cgroup[i].pool;
		CHECK(count_lost,
		      (k == NONE -> 0 : pool[k].usage) == truth[i].held)
	};
	skip
}

inline truth_count(c, n)
{
	k = c;
	do
	:: k == ROOT -> break
	:: else ->
		truth[k].held = truth[k].held + n;
		k = parent_of(k)
	od;
	skip
}

/* --- Counting ------------------------------------------------------------ */

#ifdef LINK_READ_EARLY
/* As a plain load of open may come after those that follow it. */
#define look_early() \
	if \
	:: leaf != NONE -> early = pool[leaf].parent; early_top = pool[leaf].top \
	:: else \
	fi
#define above(p)	((p) == leaf && !slow -> early : pool[p].parent)
#define lock_of(p)	(slow -> pool[p].top : early_top)
#else
#define look_early()	skip
#define above(p)	pool[p].parent
#ifdef OWN_LOCK
#define lock_of(p)	(p)
#else
#define lock_of(p)	pool[p].top
#endif
#endif

/* rdmacg_path_find_full() without the lock, from cur up; sets limiter. */
inline path_find_full()
{
	do
	:: cur == NONE -> break
	:: d_step {
		cur != NONE ->
		TOUCH_POOL(cur);
		CHECK(counted_in_closed_pool, pool[cur].open);
		if
		:: pool[cur].at_limit ->
			limiter = cur;
			check_refusal();
			cur = NONE
		:: else -> cur = above(cur)
		fi
	   }
	od
}

#define lock_is_free	(pool[lock_of(leaf)].locked == 0)

/* rdmacg_pool_update_full() */
inline update_full(p)
{
	pool[p].at_limit = (pool[p].usage >= pool[p].max)
}

inline pool_add(p)
{
	TOUCH_POOL(p);
	CHECK(counted_in_closed_pool, pool[p].open);
	pool[p].usage++;
	pool[p].used = 1;
	CHECK(limit_passed, pool[p].usage <= pool[p].max);
	CHECK(refused_but_counted, pool[p].usage <= truth[pool[p].cg].held);
	update_full(p);
	justify(p)
}

/* rdmacg_path_charge(); limiter is the pool that refuses, or NONE. */
inline path_charge()
{
	STEP(cur = leaf);
	path_find_full();
	if
	:: limiter != NONE
	/* Lock, and look again: usages and limits hold still now. */
	:: d_step {
		limiter == NONE && lock_is_free ->
		TOUCH_POOL(lock_of(leaf));
		pool[lock_of(leaf)].locked = 1;
#ifndef NO_LOOK_UNDER_LOCK
		limiter = leaf;
		do
		:: limiter == NONE -> break
		:: limiter != NONE && pool[limiter].at_limit -> break
		:: else -> limiter = above(limiter)
		od;
#endif
		if
		:: limiter != NONE ->
			check_refusal();
#ifdef ADD_ON_THE_WAY
			cur = (limiter == leaf -> NONE : leaf)
#endif
		:: else ->
			cur = leaf;
			truth_count(home, 1)
		fi
	   }
	   do
	   :: d_step {
		cur != NONE ->
		pool_add(cur);
		cur = (above(cur) == limiter -> NONE : above(cur))
	      }
	   :: d_step {
		cur == NONE ->
		check_snapshot();
		pool[lock_of(leaf)].locked = 0
	      }
	      break
	   od
	fi
}

/* rdmacg_path_uncharge() */
inline path_uncharge()
{
	if
	:: d_step {
#ifndef UNCHARGE_WITHOUT_LOCK
		lock_is_free ->
		pool[lock_of(leaf)].locked = 1;
#endif
		TOUCH_POOL(lock_of(leaf));
		CHECK(count_lost, pool[leaf].usage > 0);
		cur = leaf;
		truth_count(home, -1)
	   }
	fi;
	do
	:: d_step {
		cur != NONE ->
		TOUCH_POOL(cur);
		pool[cur].usage--;
#ifndef FULL_AFTER_UNCHARGE
		update_full(cur);
#endif
		cur = above(cur)
	   }
	:: d_step {
		cur == NONE ->
		check_snapshot();
#ifndef UNCHARGE_WITHOUT_LOCK
		pool[lock_of(leaf)].locked = 0
#endif
	   }
	   break
	od
}

/* --- Events -------------------------------------------------------------- */

#ifdef EVENTS
/* The refusal returns: from now on, a read has to show it. */
inline truth_refused()
{
	j = pool[limiter].cg;
	k = home;
	do
	:: k == ROOT -> break
	:: else ->
		truth[k].fails++;
		WHEN(k <= j, truth[k].hits++);
		k = parent_of(k)
	od;
	skip
}

inline count_refusal(p)
{
	TOUCH_POOL(p);
	if
	:: limiter == leaf -> pool[p].own++
	:: limiter != leaf && p == limiter -> pool[p].below++
	:: else -> pool[p].above++
	fi
}

inline mark(p)
{
	pool[p].queued = 1;
	pool[p].scheduling++
}

inline unscheduled(p)
{
	pool[p].scheduling--;
	looked = 0
}

inline queue_add(p)
{
	TOUCH_POOL(p);
	CHECK(queued_twice, pool[p].next == NONE && queue != p);
	pool[p].next = queue;
#ifdef SCHEDULE_IF_EMPTY
	WHEN(queue != NONE, unscheduled(p));
#endif
	queue = p
}

#ifdef NO_LOOK_UNDER_EVENTS_LOCK
#define still_unmarked(p)	true
#else
#define still_unmarked(p)	(!pool[p].queued)
#endif

/* rdmacg_pool_refuse(); looked: has seen no mark, and is to schedule. */
inline pool_refuse(p)
{
#ifdef LOOK_BEFORE_COUNT
	STEP(TOUCH_POOL(p); looked = !pool[p].queued);
	STEP(count_refusal(p));
#else
	STEP(count_refusal(p));
	STEP(TOUCH_POOL(p); looked = !pool[p].queued);
#endif
	if
	:: !looked
	:: d_step { looked && !still_unmarked(p) -> TOUCH_POOL(p); looked = 0 }
	:: d_step {
		looked && still_unmarked(p) ->
		mark(p);
#ifdef MARK_THEN_QUEUE
	   }
	   d_step {
#endif
		queue_add(p)
	   }
	   if
	   :: d_step { looked -> work_pending = 1; unscheduled(p) }
	   :: !looked
	   fi
	fi
}

/* Is a pool in the queue, and nothing will come for it? */
#define forgotten(p) \
	(pool[p].queued && !pool[p].scheduling && !work_pending && \
	 (mutex == 0 || mutex == _pid))

/* rdmacg_path_refuse() */
inline path_refuse()
{
	if
	:: limiter != leaf -> pool_refuse(limiter)
	:: limiter == leaf
	fi;
	pool_refuse(leaf);
	if
	:: d_step {
		CHECK(wake_up_lost, !forgotten(limiter) && !forgotten(leaf));
		truth_refused()
	   }
	fi
}

inline flush_next()
{
	flushing = pool[at].next;
	pool[at].next = NONE
}

inline flush_counts()
{
	TOUCH_POOL(at);
	TOUCH_CGROUP(pool[at].cg);
	k = at;
	do
	:: k == NONE -> break
	:: else ->
		TOUCH_POOL(k);
		pool[k].total_max = pool[k].total_max +
				    pool[at].own + pool[at].below;
		pool[k].total_fail = pool[k].total_fail +
				     pool[at].own + pool[at].above;
		k = pool[k].parent
	od;
	pool[at].own = 0;
	pool[at].below = 0;
	pool[at].above = 0
}

/* rdmacg_flush_events(), rdmacg_pool_flush_events() */
inline flush_events()
{
	STEP(flushing = queue; queue = NONE);
	do
	:: d_step {
		flushing != NONE ->
		at = flushing;
		TOUCH_POOL(at);
#ifndef NEXT_AFTER_MARK
		flush_next();
#endif
#ifdef MARK_AFTER_COUNTS
		flush_counts()
#else
		pool[at].queued = 0
#endif
	   }
	   d_step {
#ifdef NEXT_AFTER_MARK
		flush_next();
#endif
#ifdef MARK_AFTER_COUNTS
		pool[at].queued = 0;
#else
		flush_counts();
#endif
		at = ROOT
	   }
	:: flushing == NONE -> break
	od
}

/* What a file that is read after the last charge has to show. */
inline check_history(c)
{
	k = cgroup[c].pool;
	if
	:: k == NONE -> CHECK(refusal_unread, truth[c].fails == 0)
	:: else ->
		CHECK(refusal_unread, pool[k].total_fail == truth[c].fails &&
				      pool[k].total_max == truth[c].hits)
	fi
}
#else
#define path_refuse()	skip
#define flush_events()	skip
#define check_history(c)	skip
#endif

/* --- Processes ----------------------------------------------------------- */

/* First access of a search: the table, if it can be replaced, or the pool. */
#ifdef TABLES
#define find_table()	tab = cgroup[home].table
#define find_in_table() \
	TOUCH_TABLE(tab); \
	leaf = table[tab].pool; \
	tab = 0
#else
#define find_table()	leaf = cgroup[home].pool
#define find_in_table()	skip
#endif

#ifdef IGNORE_CLOSED
#define seen_open(p)	1
#else
#define seen_open(p)	pool[p].open
#endif

inline charge_unlock()
{
	attempt_ends();
	if
	:: slow -> mutex_unlock()
	:: else -> rcu_read_unlock()
	fi;
	slow = 0
}

/* What is of no use any more would only make equal states differ. */
inline cycle_end()
{
	device_put();
	leaf = NONE;
	limiter = NONE
}

/* rdmacg_uncharge() */
inline uncharge()
{
#ifdef PUT_BEFORE_UNCHARGE
	STEP(css_put(home));
#endif
	if
	:: d_step {
		rcu_read_lock();
		TOUCH_CGROUP(home);
		find_table();
		look_early()
	   }
	fi;
	if
	:: d_step {
		find_in_table();
		CHECK(count_lost, leaf != NONE);
		TOUCH_POOL(leaf);
		CHECK(count_lost, pool[leaf].open)
	   }
	fi;
	path_uncharge();
	if
	:: d_step {
		rcu_read_unlock();
#ifndef PUT_BEFORE_UNCHARGE
		css_put(home);
#endif
		cycle_end()
	   }
	fi
}

/* A task that charges and gives back; it may be moved away while it does. */
proctype charger(byte home)
{
	byte leaf = NONE, cur = NONE, limiter = NONE;
	byte cycle;
	bit slow;
#ifdef EVENTS
	bit looked;
#endif
#ifdef TABLES
	byte tab;
#endif
#ifdef LINK_READ_EARLY
	byte early, early_top;
#endif

	do
	:: cycle == CYCLES -> break
	:: d_step {
		cycle < CYCLES && may_charge ->
		cycle++;
		device_get();
		attempt_begins();
		/*
		 * task_get_css(). The task is moved away at once in its last
		 * cycle, so that its reference becomes the charge's.
		 */
		TOUCH_CGROUP(home);
		WHEN(cycle < CYCLES, cgroup[home].refs++);
		rcu_read_lock();
		find_table();
		look_early()
	   }
	   d_step {
		/* rdmacg_pool_find_open() */
		find_in_table();
		if
		:: leaf == NONE -> slow = 1
		:: else ->
			TOUCH_POOL(leaf);
			slow = !seen_open(leaf)
		fi;
		WHEN(slow, rcu_read_unlock())
	   }
	   if
	   :: d_step { slow && mutex == 0 -> mutex = _pid }
		path_open()
	   :: !slow
	   fi;

	   if
	   :: d_step {
		leaf == NONE ->
#ifndef ERROR_KEEPS_MUTEX
		charge_unlock();
#endif
		css_put(home);
		cycle_end()
	      }
	   :: leaf != NONE ->
		path_charge();
		if
		:: limiter != NONE ->
#ifndef REFUSE_AFTER_PUT
			path_refuse();
#endif
			if
			:: d_step {
				charge_unlock();
#ifndef REFUSAL_KEEPS_CSS
				css_put(home)
#endif
			   }
			fi;
#ifdef REFUSE_AFTER_PUT
			path_refuse();
#endif
			STEP(cycle_end())
		:: limiter == NONE ->
			STEP(charge_unlock(); leaf = NONE);
			uncharge()
		fi
	   fi
	od
}

/* rdmacg_pool_set_limits(), and what is around it */
inline set_limit(c, limit)
{
	if
	:: d_step {
		leaf = cgroup[c].pool;
		WHEN(leaf == NONE && limit != UNLIMITED && device_id,
		     pool_make(c, leaf))
	   }
	fi;
	if
	:: leaf == NONE
	:: d_step {
#ifdef LIMIT_WITHOUT_LOCK
		leaf != NONE ->
#else
		leaf != NONE && pool[pool[leaf].top].locked == 0 ->
#endif
		TOUCH_POOL(leaf);
		pool[leaf].max = limit;
		truth[c].max = limit;
#ifndef NOT_FULL_AFTER_WRITE
		update_full(leaf);
#endif
		justify(leaf)
	   }
	   d_step { pool_free_unused(leaf); leaf = NONE }
	fi;
	STEP(mutex_unlock())
}

#ifdef DEVICE
inline unregister_device()
{
	flush_events();
	STEP(at = 0);
	do
	:: d_step {
		at < NR_CGROUPS ->
		WHEN(cgroup[at].pool != NONE,
		     i = cgroup[at].pool; pool_free(i));
		truth_forget(at);
		at++
	   }
	:: at == NR_CGROUPS -> break
	od;
	STEP(device_id = 0; mutex_unlock())
}
#endif

#ifdef TABLES
/* rdmacg_table_fit(), for the sake of another device */
inline table_replace(c)
{
	i = NR_CGROUPS;
	do
	:: i == NR_TABLES || table[i].state == FREE -> break
	:: else -> i++
	od;
	CHECK(model_too_small, i != NR_TABLES);
	k = cgroup[c].table;
	table[i].state = LINKED;
#ifndef COPY_AFTER_PUBLISHING
	table[i].pool = table[k].pool;
#endif
	cgroup[c].table = i;
	table[k].state = UNLINKED;
#ifndef NO_TABLE_GRACE_PERIOD
	table[k].readers = readers;
#endif
	WHEN(table[k].readers == 0, table_scrub(k))
}
#endif

inline rmdir(c)
{
	cgroup[c].online = 0;
	css_put(c)
}

/*
 * All that take the mutex for a cgroup's files or a device, one after the
 * other: since they exclude each other, one process shows every order of them.
 */
proctype admin()
{
	byte ops, cg, limit;
	byte leaf = NONE;

	do
	:: ops == ADMIN_OPS -> break
	:: atomic {
		ops < ADMIN_OPS && mutex == 0 && cgroup[MIDDLE].online ->
		mutex = _pid;
		ops++;
		if
		:: cg = MIDDLE
		:: cgroup[LEFT].online -> cg = LEFT
		fi;
		if
		:: limit = 1
		:: limit = UNLIMITED
		fi
	   }
	   set_limit(cg, limit);
	   d_step { cg = 0; limit = 0 }
	:: d_step { ops < ADMIN_OPS && cgroup[LEFT].online ->
		ops++;
		rmdir(LEFT)
	   }
	:: d_step { ops < ADMIN_OPS && cgroup[RIGHT].online ->
		ops++;
		rmdir(RIGHT)
	   }
#ifdef TABLES
	:: atomic {
		ops < ADMIN_OPS && mutex == 0 && cgroup[MIDDLE].online ->
		mutex = _pid;
		ops++;
		if
		:: cg = MIDDLE
		:: cgroup[LEFT].online -> cg = LEFT
		fi;
		d_step { table_replace(cg) }
	   }
	   d_step {
#ifdef COPY_AFTER_PUBLISHING
		table[cgroup[cg].table].pool = cgroup[cg].pool;
#endif
		cg = 0;
		mutex_unlock()
	   }
#endif
#ifdef DEVICE
	:: d_step { ops < ADMIN_OPS && device_usable ->
		ops++;
		device_usable = 0
	   }
	   d_step { none_charges && mutex == 0 -> mutex = _pid }
	   unregister_device()
	:: d_step { ops < ADMIN_OPS && !device_usable && mutex == 0 ->
		ops++;
		device_id = 1;
		device_usable = 1
	   }
#endif
	od;

	/* One step: it is up to the reaper in what order they go. */
	if
	:: d_step {
		for (i : 0 .. NR_CGROUPS - 1) {
			WHEN(cgroup[i].online, rmdir(i))
		}
	   }
	fi
}

#if defined(QUERY) && !defined(NO_CSS_GRACE_PERIOD)
#define is_dead(c) \
	(cgroup[c].refs == 0 && cgroup[c].readers == 0 && !cgroup[c].freed)
#else
#define is_dead(c)	(cgroup[c].refs == 0 && !cgroup[c].freed)
#endif

inline css_freed(c)
{
	cgroup[c].freed = 1;
#ifdef TABLES
	k = cgroup[c].table;
	table_scrub(k);
	cgroup[c].table = 0;
#endif
#ifndef PARENTS_MAY_GO_FIRST
	WHEN(c != TOP, css_put(parent_of(c)))
#endif
}

#define all_freed \
	(cgroup[TOP].freed && cgroup[MIDDLE].freed && \
	 cgroup[LEFT].freed && cgroup[RIGHT].freed)

/*
 * rdmacg_css_free(). Cgroup core waits for readers before; only queries need
 * that, so without them it is left out.
 */
proctype reaper()
{
	byte cg, found = NONE;

	do
	:: atomic {
#ifndef CSS_FREE_LOCKS_LATE
		mutex == 0 &&
#endif
		(is_dead(TOP) || is_dead(MIDDLE) || is_dead(LEFT) ||
		 is_dead(RIGHT)) ->
#ifndef CSS_FREE_LOCKS_LATE
		mutex = _pid;
#endif
		if
		:: is_dead(TOP) -> cg = TOP
		:: is_dead(MIDDLE) -> cg = MIDDLE
		:: is_dead(LEFT) -> cg = LEFT
		:: is_dead(RIGHT) -> cg = RIGHT
		fi
	   }
#ifdef CSS_FREE_LOCKS_LATE
	   d_step { found = cgroup[cg].pool }
	   d_step { mutex == 0 -> mutex = _pid }
#endif
#ifndef FREE_WITHOUT_FLUSH
	   flush_events();
#endif
	   if
	   :: d_step {
#ifndef CSS_FREE_LOCKS_LATE
		found = cgroup[cg].pool;
#endif
		check_history(cg);
		truth_forget(cg);
		WHEN(found != NONE, pool_free(found); found = NONE);
		mutex_unlock()
	      }
	   fi;
	   d_step { css_freed(cg); cg = 0 }
	:: all_freed -> break
	od;

	/* Each charger held a reference until it was done. */
	if
	:: d_step {
		for (i : 0 .. NR_POOLS - 1) {
			CHECK(pool_left_over, pool[i].state == FREE || readers)
		}
	   }
	fi
}

#ifdef EVENTS
/*
 * rdmacg_flush_work_fn(), and READS reads of the events files of all cgroups. They
 * exclude each other, so one process shows every order of them.
 */
proctype reader()
{
	byte reads;
	byte hits[NR_CGROUPS], fails[NR_CGROUPS];

end:
	do
	:: d_step {
		work_pending && mutex == 0 ->
		mutex = _pid;
		work_pending = 0
	   }
	   flush_events();
	   STEP(mutex_unlock())
	:: d_step {
		reads < READS && mutex == 0 ->
		mutex = _pid;
		reads++;
		for (i : 0 .. NR_CGROUPS - 1) {
			hits[i] = truth[i].hits;
			fails[i] = truth[i].fails
		}
	   }
	   flush_events();
	   if
	   :: d_step {
		for (i : 0 .. NR_CGROUPS - 1) {
			k = cgroup[i].pool;
			if
			:: k != NONE ->
				CHECK(refusal_unread,
					    pool[k].total_max >= hits[i] &&
					    pool[k].total_fail >= fails[i])
			:: else ->
				CHECK(refusal_unread, fails[i] == 0)
			fi;
			hits[i] = 0;
			fails[i] = 0
		}
		mutex_unlock()
	      }
	   fi
	od
}
#endif

#ifdef QUERY
/*
 * rdmacg_query_limit(), by a task of the left cgroup. It is moved away at once,
 * so that only RCU keeps what it looks at.
 */
proctype asker(byte home)
{
	byte leaf = NONE;
#ifdef TABLES
	byte tab;
#endif

	d_step {
		rcu_read_lock();
		css_put(home)
	}
	do
	:: d_step { home != ROOT -> TOUCH_CGROUP(home); find_table() }
	   d_step { find_in_table() }
	   d_step {
		/* Its limit, and the way up. */
		WHEN(leaf != NONE, TOUCH_POOL(leaf));
		TOUCH_CGROUP(home);
		home = parent_of(home)
	   }
	:: home == ROOT -> break
	od;
	STEP(rcu_read_unlock(); leaf = NONE)
}
#endif

inline start_charger(number)
{
	cgroup[home].refs++;
#ifdef VAIN
	home_of[number] = home;
#endif
	run charger(home)
}

init {
	byte home;

	atomic {
		d_step {
			for (i : 0 .. NR_CGROUPS - 1) {
				cgroup[i].online = 1;
				cgroup[i].refs = 1;
#ifndef PARENTS_MAY_GO_FIRST
				cgroup[i].refs = 1 + (i == TOP) +
						 2 * (i == MIDDLE);
#endif
				cgroup[i].pool = NONE;
#ifdef TABLES
				cgroup[i].table = i;
				table[i].state = LINKED;
#endif
				truth[i].max = UNLIMITED
			}
#ifdef TABLES
			for (i : 0 .. NR_TABLES - 1) {
				table[i].pool = NONE
			}
#endif
			for (i : 0 .. NR_POOLS - 1) {
				pool_scrub(i)
			}
			at = ROOT;
			closed = NONE;
#ifdef DEVICE
			device_id = 1;
			device_usable = 1;
#endif
#ifdef LIMITED
			/* A limit to begin with, in a closed pool. */
			pool_make(MIDDLE, j);
			pool[j].max = LIMITED;
			update_full(j);
			truth[MIDDLE].max = LIMITED;
#endif
		}
		if
		:: HOME_1
		fi;
		start_charger(0);
#if CHARGERS > 1
		if
		:: HOME_2
		fi;
		start_charger(1);
#endif
#if CHARGERS > 2
		if
		:: HOME_2
		fi;
		start_charger(2);
#endif
		home = 0;
#ifdef QUERY
		cgroup[LEFT].refs++;
		run asker(LEFT);
#endif
		run admin();
		run reaper();
#ifdef EVENTS
		run reader()
#endif
	}
}
