/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Promela model of the lifetime of pools in kernel/cgroup/rdma.c: chargers
 * that race, without the mutex, with each other, with an administrator and
 * with the end of cgroups and devices. README.md says what it stands for.
 *
 * A step is one d_step or atomic: one access that others can see, together
 * with those that only its own process or the holder of the mutex can see.
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
/* Where the chargers live: the alternatives for each. */
#ifdef HOMES
#define HOME_1	home = MIDDLE :: home = LEFT :: home = RIGHT
/* Chargers are alike, so who lives where matters only up to their order. */
#define HOME_2	home <= MIDDLE -> home = MIDDLE :: \
		home <= LEFT -> home = LEFT :: home = RIGHT
#else
#define HOME_1	home = LEFT
#define HOME_2	home = LEFT :: home = RIGHT
#endif
#define HOME_3	HOME_2

/* A step for each access of a count, in place of one for each count. */
#if defined(FINE) && !defined(PEAK)
#define PEAK
#endif

#ifndef NR_POOLS
#define NR_POOLS	7
#endif

/* Parents before children, so that a cgroup's number says who is above. */
#define TOP		0
#define MIDDLE		1
#define LEFT		2
#define RIGHT		3
#define NR_CGROUPS	4
#define ROOT		NR_CGROUPS

#define NR_RESOURCES	2
#define NONE		NR_POOLS
#define UNLIMITED	7
/* In place of a usage that was read: where a walk up is. */
#define COUNTED		5	/* and the record is still to be looked at */
#define FAILED		6
#define MOVE_ON		7

#define parent_of(c)	((c) == TOP -> ROOT : ((c) == MIDDLE -> TOP : MIDDLE))

/*
 * What must never be. They are always 0: they are there to give a failed
 * assertion a name in what Spin prints.
 */
hidden byte freed_pool_accessed, freed_cgroup_accessed, count_lost;
hidden byte counted_in_closed_pool, limit_passed, history_lost, history_invented;
hidden byte wrong_child_count, wrong_path, limit_lost, idle_pool_kept;
hidden byte pool_left_over, pool_without_device, model_too_small;
hidden byte freed_table_accessed, notice_lost;

#define CHECK(never, cond)	assert(never || (cond))

/* Rules of the code's own, with which the promises above are kept. */
#ifdef ONLY_HARM
#define CHECK_RULE(never, cond)	skip
#else
#define CHECK_RULE(never, cond)	CHECK(never, cond)
#endif

/* Counts are checked where callers keep their promises. */
#ifdef CARELESS
#define CHECK_COUNT(never, cond)	skip
#else
#define CHECK_COUNT(never, cond)	CHECK(never, cond)
#endif

/* struct rdmacg_resource_pool */
#define FREE		0
#define LINKED		1
#define UNLINKED	2	/* and not yet freed */

typedef counter_t {
	unsigned max : 3;
	unsigned usage : 3;
#ifdef PEAK
	unsigned peak : 3
#endif
}

typedef pool_t {
	unsigned state : 2;
	unsigned cg : 2;
	unsigned parent : 4;
	unsigned open : 1;
	unsigned children : 2;
	unsigned readers : 3;	/* who may still hold it, once unlinked */
#ifdef EVENTS
	/* struct rdmacg_refusals; one for all resources, as they are alike */
	unsigned own : 3;
	unsigned under : 3;
	unsigned above : 3;
	unsigned flushed_max : 3;
	unsigned flushed_fail : 3;
	unsigned total_max : 3;
	unsigned total_fail : 3;
	unsigned queued : 1;
	unsigned next : 4;
#endif
	counter_t counters[NR_RESOURCES]
}

pool_t pool[NR_POOLS];

#ifdef EVENTS
/* rdmacg_events_queue, and what is left of it to a flush that has taken it */
byte queue = NONE, flushing = NONE;
/* The delayed work; scheduling: who has to schedule it is about to. */
bit work_pending, scheduling;
#endif

/* struct rdma_cgroup; the model has one device, so one pool for each */
typedef cgroup_t {
	unsigned refs : 4;
	unsigned online : 1;
	unsigned freed : 1;
#ifdef QUERY
	unsigned readers : 3;	/* whom cgroup core waits for, without refs */
#endif
#ifdef TABLES
	unsigned table : 3;
#endif
	unsigned pools : 4	/* the device's place in its table */
}

cgroup_t cgroup[NR_CGROUPS];

#ifdef TABLES
/* struct rdmacg_pool_table: that of a cgroup, and those that it replaced */
#ifndef NR_TABLES
#define NR_TABLES	(NR_CGROUPS + ADMIN_OPS)
#endif
typedef table_t {
	unsigned state : 2;
	unsigned pools : 4;
	unsigned readers : 3
}

table_t table[NR_TABLES];
#endif

/* rdmacg_mutex: 0 or the owner's _pid; what follows is the owner's. */
byte mutex;
byte at, below, made;

#ifdef DEVICE
/* struct rdmacg_device; rpools in order, closed up, ended by NONE */
bit device_id;
byte rpools[NR_POOLS + 1];
/* The promise of the IB core: no charge in flight while it unregisters. */
bit device_usable;
byte device_users;
#ifdef CARELESS
#define may_charge	true
#define nobody_charges	true
#else
#define may_charge	device_usable
#define nobody_charges	(device_users == 0)
#endif
#define device_get()	device_users++
#define device_put()	device_users--
#else
#define device_id	1
#define may_charge	true
#define device_get()	skip
#define device_put()	skip
#endif

#ifdef ENOMEM
bit memory_fails;
#endif

/* rcu_read_lock() holders: the chargers, then the asker, a bit for each */
byte readers;

/*
 * What really happened, for CHECK(): the charges that are held, the most that
 * ever were at a time, the limits that were written, and how many charges
 * were refused by a limit in a cgroup's subtree, or from there.
 */
typedef truth_t {
#ifdef PEAK
	unsigned held : 3;
	unsigned most_held : 3;
#endif
	unsigned max : 3
}

typedef truths_t {
#ifdef EVENTS
	unsigned hits : 3;
	unsigned fails : 3;
#endif
	truth_t counters[NR_RESOURCES]
}

truths_t truth[NR_CGROUPS];

/* Chargers that were not in an attempt since the last write of a limit. */
#ifdef FINE
byte began_before_write;
#define busy()		began_before_write = began_before_write & ~me_bit
#define idle()		began_before_write = began_before_write | me_bit
#define limit_written()	began_before_write = ALL_CHARGERS
#define within_limit(p) \
	(pool[p].counters[res].usage <= pool[p].counters[res].max || \
	 (began_before_write & me_bit))
#else
#define busy()		skip
#define idle()		skip
#define limit_written()	skip
#define within_limit(p) \
	(pool[p].counters[res].usage <= pool[p].counters[res].max)
#endif

/* Scratch within one step. */
hidden byte i, j, k;

#define me_bit		(1 << (_pid - 1))
#define ALL_CHARGERS	((1 << CHARGERS) - 1)

#define TOUCH_POOL(p) \
	CHECK(freed_pool_accessed, (p) != NONE && pool[p].state != FREE)
#define TOUCH_TABLE(t)	CHECK(freed_table_accessed, table[t].state != FREE)
#define TOUCH_CGROUP(c)	CHECK(freed_cgroup_accessed, !cgroup[c].freed)

/* --- RCU and memory ------------------------------------------------------ */

/* As soon as it may be: later frees can only hide an access. */
inline pool_scrub(p)
{
	pool[p].state = FREE;
	pool[p].cg = 0;
	pool[p].parent = NONE;
	pool[p].open = 0;
	pool[p].children = 0;
	pool[p].readers = 0;
	for (j : 0 .. NR_RESOURCES - 1) {
		pool[p].counters[j].max = 0;
		pool[p].counters[j].usage = 0;
#ifdef PEAK
		pool[p].counters[j].peak = 0
#endif
	}
#ifdef EVENTS
	pool[p].own = 0;
	pool[p].under = 0;
	pool[p].above = 0;
	pool[p].flushed_max = 0;
	pool[p].flushed_fail = 0;
	pool[p].total_max = 0;
	pool[p].total_fail = 0;
	pool[p].queued = 0;
	pool[p].next = NONE
#endif
}

inline kfree_rcu(p)
{
	pool[p].state = UNLINKED;
#ifndef NO_GRACE_PERIOD
	pool[p].readers = readers;
#endif
	if
	:: pool[p].readers == 0 -> pool_scrub(p)
	:: else
	fi
}

#ifdef TABLES
inline table_scrub(t)
{
	table[t].state = FREE;
	table[t].pools = NONE;
	table[t].readers = 0
}

inline table_set(c, p)
{
	TOUCH_TABLE(cgroup[c].table);
	table[cgroup[c].table].pools = p;
	cgroup[c].pools = p
}
#else
#define table_set(c, p)	cgroup[c].pools = p
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
			if
			:: pool[i].readers == 0 -> pool_scrub(i)
			:: else
			fi
		:: else
		fi
	}
#ifdef TABLES
	for (i : 0 .. NR_TABLES - 1) {
		if
		:: table[i].state == UNLINKED ->
			table[i].readers = table[i].readers & ~me_bit;
			if
			:: table[i].readers == 0 -> table_scrub(i)
			:: else
			fi
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
	if
	:: cgroup[c].refs == 0 -> cgroup[c].readers = readers
	:: else
	fi
#endif
}

/* --- Structure, under the mutex ------------------------------------------ */

#define is_limited(p) \
	(pool[p].counters[0].max != UNLIMITED || \
	 pool[p].counters[1].max != UNLIMITED)

#ifdef PRUNE_OPEN
#define keeps_open(p)	0
#else
#define keeps_open(p)	pool[p].open
#endif
#ifdef PRUNE_PARENT
#define keeps_child(p)	0
#else
#define keeps_child(p)	(pool[p].children > 0)
#endif
#ifdef PRUNE_LIMITED
#define keeps_limit(p)	0
#else
#define keeps_limit(p)	is_limited(p)
#endif

#ifdef DEVICE
inline rpools_add(p, after)
{
	/* i is where it goes */
	i = 0;
#ifdef PARENTS_FIRST
	do
	:: rpools[i] == NONE -> break
	:: else -> i++
	od;
#else
	if
	:: after != NONE ->
		do
		:: rpools[i] == after -> i++; break
		:: else -> i++
		od
	:: else
	fi;
#endif
	j = NR_POOLS;
	do
	:: j == i -> break
	:: else -> rpools[j] = rpools[j - 1]; j--
	od;
	rpools[i] = p
}

inline rpools_del(p)
{
	i = 0;
	do
	:: rpools[i] == p -> break
	:: else -> i++
	od;
	do
	:: i == NR_POOLS -> break
	:: else -> rpools[i] = rpools[i + 1]; i++
	od
}
#else
#define rpools_add(p, after)	skip
#define rpools_del(p)		skip
#endif

/*
 * pool_make(). A cgroup's pool has a place of its own and takes another only
 * while that one waits for readers: fewer states, and nothing depends on it.
 */
inline pool_make(c)
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
	pool[made].parent = NONE;
	for (j : 0 .. NR_RESOURCES - 1) {
		pool[made].counters[j].max = UNLIMITED
	}
	table_set(c, made);
	rpools_add(made, below)
}

inline pool_free(p)
{
	TOUCH_POOL(p);
	TOUCH_CGROUP(pool[p].cg);
	for (j : 0 .. NR_RESOURCES - 1) {
		CHECK_COUNT(count_lost, pool[p].counters[j].usage == 0)
	}
	k = pool[p].cg;
	table_set(k, NONE);
	rpools_del(p);
	if
	:: pool[p].parent != NONE ->
		TOUCH_POOL(pool[p].parent);
#ifndef KEEP_CHILD_COUNT
		pool[pool[p].parent].children--
#endif
	:: else
	fi;
	kfree_rcu(p)
}

/* Only a pool that nobody counted in is to be had back. */
inline check_no_history(p)
{
#ifdef PEAK
	for (j : 0 .. NR_RESOURCES - 1) {
		CHECK(history_lost, pool[p].counters[j].peak == 0)
	}
#endif
#ifdef EVENTS
	CHECK(history_lost, !pool[p].queued && pool[p].own == 0 &&
			    pool[p].under == 0 && pool[p].above == 0);
#endif
	skip
}

/* chain_prune(at) */
inline chain_prune()
{
	do
	:: d_step {
		at != NONE && (keeps_open(at) || keeps_child(at) ||
			       keeps_limit(at)) ->
		TOUCH_POOL(at);
		at = NONE
	   }
	:: d_step {
		at != NONE && !(keeps_open(at) || keeps_child(at) ||
				keeps_limit(at)) ->
		check_no_history(at);
		below = pool[at].parent;
		pool_free(at);
#ifdef PRUNE_LEAF_ONLY
		at = NONE;
#else
		at = below;
#endif
		below = NONE
	   }
	:: at == NONE -> break
	od
}

/*
 * chain_get(): sets leaf, NONE for an error. Uses at for the cgroup, below
 * for the pool made last.
 */
inline chain_get(c, leaf, opening)
{
	d_step {
#ifdef NO_SECOND_LOOK
		if
		:: !opening -> leaf = cgroup[c].pools
		:: else
		fi;
#else
		leaf = cgroup[c].pools;
#endif
		if
#ifndef NO_REGISTERED_CHECK
		:: !device_id ->
			leaf = NONE;
			at = ROOT
#endif
		:: else -> at = (leaf == NONE -> c : ROOT)
		fi
	}
	do
	:: d_step {
		at != ROOT && at != c && cgroup[at].pools != NONE ->
		made = cgroup[at].pools;
		pool[below].parent = made;
		pool[made].children++;
		below = NONE;
		made = 0;
		at = ROOT
	   }
	:: d_step {
		at != ROOT && (at == c || cgroup[at].pools == NONE) ->
		pool_make(at);
		if
		:: below != NONE ->
			pool[below].parent = made;
			pool[made].children++
		:: else ->
			leaf = made
		fi;
#ifdef OPEN_OVERTAKES_LINK
		/* As a plain store to open may be seen before those above. */
		pool[made].open = opening;
#endif
		below = made;
		made = 0;
		at = parent_of(at)
	   }
#ifdef ENOMEM
	:: atomic {
		at != ROOT && (at == c || cgroup[at].pools == NONE) &&
		!memory_fails ->
		memory_fails = 1;
		below = NONE;
		at = leaf;
		leaf = NONE;
	   }
	   chain_prune();
	   break
#endif
	:: d_step { at == ROOT -> at = NONE; below = NONE }
	   break
	od
}

/* Sets at to the pool that chain_open() opens next, or NONE. */
inline find_closed(leaf)
{
	at = leaf;
	TOUCH_POOL(at);
#ifdef LEAF_FIRST
	do
	:: at == NONE -> break
	:: at != NONE && !pool[at].open -> break
	:: else -> at = pool[at].parent
	od;
	skip
#else
	if
	:: pool[at].open -> at = NONE
	:: else ->
		do
		:: pool[at].parent == NONE -> break
		:: else ->
			TOUCH_POOL(pool[at].parent);
			if
			:: pool[pool[at].parent].open -> break
			:: else -> at = pool[at].parent
			fi
		od
	fi
#endif
}

inline chain_open(leaf)
{
	d_step { find_closed(leaf) }
	do
	:: d_step {
		at != NONE ->
		pool[at].open = 1;
		find_closed(leaf)
	   }
	:: at == NONE -> break
	od
}

/* What must hold whenever nobody holds the mutex. */
inline mutex_unlock()
{
	for (i : 0 .. NR_CGROUPS - 1) {
		k = cgroup[i].pools;
		if
		:: k != NONE ->
			CHECK(pool_without_device, device_id);
			CHECK_RULE(wrong_path, pool[k].state == LINKED &&
					  pool[k].cg == i);
			if
			:: i == TOP ->
				CHECK_RULE(wrong_path, pool[k].parent == NONE)
			:: else ->
				CHECK_RULE(wrong_path, pool[k].parent ==
					cgroup[parent_of(i)].pools &&
					pool[k].parent != NONE);
				CHECK_RULE(wrong_path, !pool[k].open ||
					pool[pool[k].parent].open)
			fi;
			CHECK(idle_pool_kept, pool[k].open || is_limited(k) ||
					      pool[k].children > 0)
		:: else
		fi;
		for (j : 0 .. NR_RESOURCES - 1) {
			CHECK_COUNT(limit_lost, cgroup[i].freed ||
				(k == NONE -> UNLIMITED :
					      pool[k].counters[j].max) ==
				truth[i].counters[j].max)
		}
	}
	/* How many children each cgroup's pool should have. */
	for (i : TOP .. MIDDLE) {
		k = cgroup[i].pools;
		if
		:: k != NONE ->
			CHECK_RULE(wrong_child_count, pool[k].children ==
				(i == TOP ->
				 (cgroup[MIDDLE].pools != NONE) :
				 (cgroup[LEFT].pools != NONE) +
				 (cgroup[RIGHT].pools != NONE)))
		:: else
		fi
	}
	at = NONE;
	below = NONE;
	made = 0;
	mutex = 0
}

/* --- What the counts and the history must come to -------------------------- */

/* The limits and the history of @c went with its pool. */
inline truth_forget(c)
{
	for (j : 0 .. NR_RESOURCES - 1) {
		truth[c].counters[j].max = UNLIMITED;
#ifdef PEAK
		truth[c].counters[j].most_held = 0
#endif
	}
#ifdef EVENTS
	truth[c].hits = 0;
	truth[c].fails = 0
#endif
}

/* The charge has counted everywhere. */
inline truth_granted()
{
#ifdef PEAK
	k = home;
	do
	:: k == ROOT -> break
	:: else ->
		truth[k].counters[res].held++;
		if
		:: truth[k].counters[res].held >
		   truth[k].counters[res].most_held ->
			truth[k].counters[res].most_held++
		:: else
		fi;
		k = parent_of(k)
	od;
#endif
	skip
}

inline truth_refused()
{
#ifdef EVENTS
	k = home;
	i = pool[refuser].cg;
	do
	:: k == ROOT -> break
	:: else ->
		truth[k].fails++;
		if
		:: k <= i -> truth[k].hits++
		:: else
		fi;
		k = parent_of(k)
	od;
#endif
	skip
}

/* The charge at @p ends: whoever sees that must see what it left there. */
inline truth_given_back(p)
{
#ifdef PEAK
	CHECK_COUNT(history_lost, pool[p].counters[res].peak >=
				  truth[pool[p].cg].counters[res].held);
	truth[pool[p].cg].counters[res].held--;
#endif
	skip
}

/* What a file that is read after the last charge has to show. */
inline check_history(c)
{
	k = cgroup[c].pools;
#ifdef PEAK
	for (j : 0 .. NR_RESOURCES - 1) {
		if
		:: k == NONE ->
			CHECK_COUNT(history_lost,
				    truth[c].counters[j].most_held == 0)
		:: else ->
			CHECK_COUNT(history_lost, pool[k].counters[j].peak >=
						  truth[c].counters[j].most_held);
			CHECK_COUNT(history_invented,
				    truth[c].counters[j].most_held > 0 ||
				    pool[k].counters[j].peak == 0)
		fi
	}
#endif
#ifdef EVENTS
	if
	:: k == NONE -> CHECK_COUNT(history_lost, truth[c].fails == 0)
	:: else ->
		CHECK_COUNT(history_lost,
			    pool[k].total_fail == truth[c].fails &&
			    pool[k].total_max == truth[c].hits)
	fi;
#endif
	skip
}

/* --- Counting ------------------------------------------------------------ */

#ifdef PARENT_READ_EARLY
/* As a plain load of open may come after one that follows it. */
#define parent_seen	(cur == leaf -> early : pool[cur].parent)
#define look_early()	early = (leaf == NONE -> NONE : pool[leaf].parent)
#else
#define parent_seen	pool[cur].parent
#define look_early()	skip
#endif

/* From one pool to the next on the way up; cur starts as NONE. */
inline step_up()
{
	if
	:: cur == NONE -> cur = leaf
	:: else ->
		TOUCH_POOL(cur);
		cur = parent_seen
	fi
}

/* As cur's parent never changes once it is open, this is no step of its own. */
#define at_top		(parent_seen == NONE)

#ifdef CONSTANT_LIMIT
#define check_constant(p, count) \
	CHECK(limit_passed, pool[p].cg != MIDDLE || res != 0 || (count) <= 1)
#else
#define check_constant(p, count)	skip
#endif

/* counter_try_inc(), first half */
inline counter_read(p)
{
	TOUCH_POOL(p);
	CHECK_RULE(counted_in_closed_pool, pool[p].open);
	seen = pool[p].counters[res].usage;
	if
#ifndef ADD_THEN_LOOK
	:: seen >= pool[p].counters[res].max -> seen = FAILED
#endif
	:: else
	fi
}

inline counter_cmpxchg(p)
{
	TOUCH_POOL(p);
	if
#ifdef READ_THEN_STORE
	:: true ->
#else
	:: pool[p].counters[res].usage == seen ->
#endif
		pool[p].counters[res].usage = seen + 1;
		counted = seen + 1;
		seen = COUNTED;
		CHECK_COUNT(limit_passed, within_limit(p));
		check_constant(p, pool[p].counters[res].usage);
#ifdef PEAK_ON_THE_WAY
		peak_store(p, counted)
#endif
	:: else -> counter_read(p)
	fi
}

/* What chain_charge() does with the usage that it has made. */
inline look_for_record(p)
{
#ifdef PEAK
	TOUCH_POOL(p);
	record = record || counted > pool[p].counters[res].peak;
#endif
	counted = 0;
	seen = MOVE_ON
}

/* counter_raise_peak() */
inline peak_store(p, usage_seen)
{
#ifdef PEAK
	TOUCH_POOL(p);
	if
	:: usage_seen > pool[p].counters[res].peak ->
		check_constant(p, usage_seen);
		pool[p].counters[res].peak = usage_seen
	:: else
	fi;
#endif
	skip
}

/* counter_dec(), first part: record says whether to raise the peak first */
inline counter_read_dec(p, granted)
{
	TOUCH_POOL(p);
	seen = pool[p].counters[res].usage;
	CHECK_COUNT(count_lost, seen > 0);
	if
	:: seen == 0 -> seen = FAILED
#ifdef PEAK
#if !defined(NO_RECORD_AT_THE_END) && !defined(RECORD_AFTER_COUNT)
	:: seen > 0 -> record = granted && seen > pool[p].counters[res].peak
#endif
#endif
	:: else
	fi
}

inline counter_cmpxchg_dec(p, granted)
{
	TOUCH_POOL(p);
	if
	:: pool[p].counters[res].usage == seen ->
		if
		:: granted -> truth_given_back(p)
		:: else
		fi;
		pool[p].counters[res].usage--;
#ifdef RECORD_AFTER_COUNT
		if
		:: granted -> peak_store(p, seen)
		:: else
		fi;
#endif
		seen = MOVE_ON
	:: else -> counter_read_dec(p, granted)
	fi
}

/* The limit that was in the way is in refuser, or NONE. */
inline chain_charge_ends()
{
	if
	:: d_step {
		seen == MOVE_ON && at_top ->
		cur = NONE;
		truth_granted()
	   }
	   break
	:: d_step {
		seen == FAILED ->
		refuser = cur;
		cur = NONE;
		seen = MOVE_ON;
		record = 0;
		truth_refused()
	   }
	   break
	:: else
	fi
}

inline chain_charge()
{
	do
	:: atomic {
		d_step {
			seen == MOVE_ON ->
			step_up();
			counter_read(cur);
#ifndef FINE
			if
			:: seen != FAILED ->
				counter_cmpxchg(cur);
				look_for_record(cur)
			:: else
			fi
#endif
		}
		chain_charge_ends()
	   }
#ifdef FINE
	:: atomic {
		d_step { seen < COUNTED -> counter_cmpxchg(cur) }
		chain_charge_ends()
	   }
	:: atomic {
		d_step { seen == COUNTED -> look_for_record(cur) }
		chain_charge_ends()
	   }
#endif
	od
}

inline chain_raise_peaks()
{
	do
	:: atomic {
		d_step {
			seen == MOVE_ON ->
			step_up();
			TOUCH_POOL(cur);
			seen = pool[cur].counters[res].usage;
#ifndef FINE
			peak_store(cur, seen);
			seen = MOVE_ON
#endif
		}
		if
		:: seen == MOVE_ON && at_top -> cur = NONE; break
		:: else
		fi
	   }
#ifdef FINE
	:: atomic {
		d_step {
			seen < COUNTED ->
			peak_store(cur, seen);
			seen = MOVE_ON
		}
		if
		:: at_top -> cur = NONE; break
		:: else
		fi
	   }
#endif
	od
}

/* Leaves cur at the last pool, and seen at FAILED if that was not charged. */
inline chain_uncharge(end, granted)
{
	do
	:: atomic {
		d_step {
			seen == MOVE_ON ->
			step_up();
			if
			:: cur != end ->
				counter_read_dec(cur, granted);
#ifndef FINE
				if
				:: record -> peak_store(cur, seen); record = 0
				:: else
				fi;
				if
				:: seen != FAILED ->
					counter_cmpxchg_dec(cur, granted)
				:: else
				fi
#endif
			:: else
			fi
		}
		chain_uncharge_ends(end)
	   }
#ifdef FINE
	:: d_step { record -> peak_store(cur, seen); record = 0 }
	:: atomic {
		d_step {
			!record && seen < COUNTED ->
			counter_cmpxchg_dec(cur, granted)
		}
		chain_uncharge_ends(end)
	   }
#endif
	od
}

inline chain_uncharge_ends(end)
{
	if
	:: seen == FAILED -> break
	:: seen == MOVE_ON && (cur == end || parent_seen == end) -> break
	:: else
	fi
}

/* --- Events -------------------------------------------------------------- */

#ifdef EVENTS
inline queue_add(p)
{
	TOUCH_POOL(p);
	pool[p].next = queue;
	queue = p
}

inline pool_queue_events(p)
{
	if
	:: d_step { pool[p].queued -> TOUCH_POOL(p) }
	:: d_step { !pool[p].queued -> TOUCH_POOL(p); pool[p].queued = 1 }
		if
		:: d_step { queue != NONE -> queue_add(p) }
		:: d_step { queue == NONE -> queue_add(p); scheduling = 1 }
		   d_step { scheduling = 0; work_pending = 1 }
		fi
	fi
}

/* The charge from leaf was refused by refuser. */
inline chain_count_refusal()
{
	if
	:: d_step {
		refuser == leaf ->
		TOUCH_POOL(leaf);
		pool[leaf].own++
	   }
	:: d_step {
		refuser != leaf ->
		TOUCH_POOL(refuser);
		pool[refuser].under++
	   }
	   pool_queue_events(refuser);
	   if
	   :: d_step { TOUCH_POOL(leaf); pool[leaf].above++ }
	   fi
	fi;
	pool_queue_events(leaf)
}

/* Once its flag is down, a pool may be queued again. */
inline flush_flag()
{
	pool[at].queued = 0
}

inline flush_go_on()
{
	flushing = pool[at].next
}

inline flush_totals()
{
	TOUCH_POOL(at);
	TOUCH_CGROUP(pool[at].cg);
	k = at;
	do
	:: k == NONE -> break
	:: else ->
		TOUCH_POOL(k);
		pool[k].total_max = pool[k].total_max + pool[at].own +
				    pool[at].under - pool[at].flushed_max;
		pool[k].total_fail = pool[k].total_fail + pool[at].own +
				     pool[at].above - pool[at].flushed_fail;
		k = pool[k].parent
	od;
	pool[at].flushed_max = pool[at].own + pool[at].under;
	pool[at].flushed_fail = pool[at].own + pool[at].above
}

/* rdmacg_flush_events() */
inline flush_events()
{
	if
	:: d_step { flushing = queue; queue = NONE }
	fi;
	do
	:: d_step {
		flushing != NONE ->
		at = flushing;
		TOUCH_POOL(at);
#ifndef NEXT_AFTER_FLAG
		flush_go_on();
		pool[at].next = NONE;
#endif
#ifdef FLAG_AFTER_TOTALS
		flush_totals()
#else
		flush_flag()
#endif
	   }
	   d_step {
#ifdef NEXT_AFTER_FLAG
		flush_go_on();
#endif
#ifdef FLAG_AFTER_TOTALS
		flush_flag();
#else
		flush_totals();
#endif
		at = NONE
	   }
	:: flushing == NONE -> break
	od
}

/* Whoever waits for the files of @c has been told, or will be. */
inline check_notice(c)
{
	k = cgroup[c].pools;
	if
	:: k != NONE ->
		CHECK_COUNT(notice_lost, work_pending || scheduling ||
			    (pool[k].own + pool[k].under ==
			     pool[k].flushed_max &&
			     pool[k].own + pool[k].above ==
			     pool[k].flushed_fail))
	:: else
	fi
}
#else
#define chain_count_refusal()	skip
#define flush_events()		skip
#define check_notice(c)		skip
#endif

/* --- Processes ----------------------------------------------------------- */

inline charge_unlock()
{
	if
	:: slow -> mutex_unlock()
	:: else -> rcu_read_unlock()
	fi;
	slow = 0;
	idle()
}

/* What is of no use any more would only make equal states differ. */
inline cycle_end()
{
	leaf = NONE;
	cur = NONE;
	refuser = NONE;
	res = 0;
	seen = 0
}

/* First access of a search: the table, if it can be replaced, or the pool. */
#ifdef TABLES
#define find_table()	tab = cgroup[home].table
#define find_in_table() \
	TOUCH_TABLE(tab); \
	leaf = table[tab].pools; \
	tab = 0
#else
#define find_table()	leaf = cgroup[home].pools
#define find_in_table()	skip
#endif

inline uncharge()
{
#ifdef PUT_BEFORE_UNCHARGE
	if
	:: d_step { css_put(home) }
	fi;
#endif
	if
	:: d_step {
		rcu_read_lock();
		TOUCH_CGROUP(home);
		find_table()
	   }
	fi;
	d_step {
		/* pool_find_open() */
		find_in_table();
		look_early();
		seen = FAILED;
		if
		:: leaf != NONE ->
			TOUCH_POOL(leaf);
			if
			:: pool[leaf].open -> seen = MOVE_ON
			:: else
			fi
		:: else
		fi;
		CHECK_COUNT(count_lost, seen == MOVE_ON)
	}
	if
	:: seen == MOVE_ON -> chain_uncharge(NONE, 1)
	:: else
	fi;
	if
	:: d_step {
		if
		:: cur != NONE -> TOUCH_POOL(cur)
		:: else
		fi;
		rcu_read_unlock();
#ifndef PUT_BEFORE_UNCHARGE
		/* Who was not charged has no reference: see rdmacg_uncharge() */
		if
		:: seen != FAILED -> css_put(home)
		:: else
		fi;
#endif
		device_put();
		cycle_end()
	   }
	fi
}

/* A task that charges and gives back; it may be moved away while it does. */
proctype charger(byte home)
{
	byte leaf = NONE, cur = NONE, refuser = NONE;
	byte cycle, res, seen, counted;
	bit slow, record;
#ifdef TABLES
	byte tab;
#endif
#ifdef PARENT_READ_EARLY
	byte early;
#endif

	do
	:: cycle == CYCLES -> break
#ifdef DEVICE
	:: d_step {
		cycle < CYCLES && !may_charge ->
		cycle++;
		if
		:: cycle == CYCLES -> css_put(home)
		:: else
		fi
	   }
#endif
	:: atomic {
		cycle < CYCLES && may_charge ->
		cycle++;
		if
		:: res = 0
#ifdef ONE_RESOURCE
#elif defined(CONSTANT_LIMIT)
		:: res = 1
#else
		/* All that differs between the two is who comes first. */
		:: _pid != 1 || cycle > 1 -> res = 1
#endif
		fi;
		d_step {
			busy();
			device_get();
			/*
			 * task_get_css(). The task is moved away at once in
			 * its last cycle, so that its reference becomes the
			 * charge's.
			 */
			TOUCH_CGROUP(home);
			if
			:: cycle < CYCLES -> cgroup[home].refs++
			:: else
			fi;
			rcu_read_lock();
			find_table();
			look_early()
		}
	   }
	   d_step {
		/* pool_find_open() */
		find_in_table();
		if
		:: leaf == NONE -> slow = 1
		:: else ->
			TOUCH_POOL(leaf);
			slow = !pool[leaf].open
		fi;
		if
		:: slow -> rcu_read_unlock()
		:: else -> seen = MOVE_ON
		fi
	   }
	   if
	   :: d_step { slow && mutex == 0 -> mutex = _pid }
		chain_get(home, leaf, 1);
		if
		:: leaf != NONE ->
			chain_open(leaf);
			if
			:: d_step { look_early(); seen = MOVE_ON }
			fi
		:: leaf == NONE
		fi
	   :: !slow
	   fi;

	   if
	   :: d_step {
		leaf == NONE ->
#ifndef ERROR_KEEPS_MUTEX
		charge_unlock();
#endif
		css_put(home);
		device_put();
		cycle_end()
	      }
	   :: leaf != NONE ->
		chain_charge();
		if
		:: refuser != NONE ->
#ifndef EVENT_AFTER_PUT
			chain_count_refusal();
#endif
#ifdef ROLL_BACK_TOO_FAR
			refuser = pool[refuser].parent;
#endif
#ifdef ROLL_BACK_TOO_SHORT
			refuser = (leaf == refuser ||
				   pool[leaf].parent == refuser -> leaf :
				   pool[leaf].parent);
#endif
			chain_uncharge(refuser, 0);
			if
			:: d_step {
				TOUCH_POOL(cur);
				charge_unlock();
#ifndef REFUSAL_KEEPS_CSS
				css_put(home)
#endif
			   }
			fi;
#ifdef EVENT_AFTER_PUT
			chain_count_refusal();
#endif
			if
			:: d_step { device_put(); cycle_end() }
			fi
		:: refuser == NONE ->
#ifdef PEAK
			if
			:: record -> chain_raise_peaks()
			:: !record
			fi;
#endif
			if
			:: d_step {
				charge_unlock();
				record = 0;
				seen = 0;
				leaf = NONE
			   }
			fi;
			uncharge()
		fi
	   fi
	od
}

inline set_limit(c, which, limit)
{
	chain_get(c, leaf, 0);
	atomic { d_step {
		if
		:: leaf != NONE ->
			TOUCH_POOL(leaf);
			pool[leaf].counters[which].max = limit;
			truth[c].counters[which].max = limit;
			limit_written();
			at = leaf;
			leaf = NONE
		:: else
		fi
	} }
	chain_prune();
	if
	:: d_step { mutex_unlock() }
	fi
}

#ifdef DEVICE
inline unregister_device()
{
	flush_events();
	do
	:: d_step {
#ifdef FORGET_A_POOL
		rpools[0] != NONE && rpools[1] != NONE ->
#else
		rpools[0] != NONE ->
#endif
		at = rpools[0];
		pool_free(at);
		at = NONE
	   }
#ifdef FORGET_A_POOL
	:: rpools[0] == NONE || rpools[1] == NONE -> break
#else
	:: rpools[0] == NONE -> break
#endif
	od;
	atomic { d_step {
		device_id = 0;
		for (i : 0 .. NR_CGROUPS - 1) {
			truth_forget(i)
		}
		mutex_unlock()
	} }
}
#endif

#ifdef TABLES
/* table_fit(), for the sake of another device */
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
	table[i].pools = table[k].pools;
#endif
	cgroup[c].table = i;
	table[k].state = UNLINKED;
#ifndef NO_TABLE_GRACE_PERIOD
	table[k].readers = readers;
#endif
	if
	:: table[k].readers == 0 -> table_scrub(k)
	:: else
	fi
}
#endif

inline rmdir(c)
{
	cgroup[c].online = 0;
	css_put(c)
}

/*
 * All who hold the mutex for one cgroup or device after the other: since they
 * exclude each other, one process shows every order of them.
 */
proctype admin()
{
	byte ops, cg, which, limit;
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
#ifdef CONSTANT_LIMIT
		:: cg != MIDDLE -> which = 0
#else
		:: which = 0
#endif
#ifndef ONE_RESOURCE
		:: which = 1
#endif
		fi;
		if
		:: limit = 1
		:: limit = UNLIMITED
		fi
	   }
	   set_limit(cg, which, limit);
	   d_step { cg = 0; which = 0; limit = 0 }
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
		table[cgroup[cg].table].pools = cgroup[cg].pools;
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
	   d_step { nobody_charges && mutex == 0 -> mutex = _pid }
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
			if
			:: cgroup[i].online -> rmdir(i)
			:: else
			fi
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
#define looks_empty(c)	(is_dead(c) && cgroup[c].pools == NONE)

inline css_freed(c)
{
	cgroup[c].freed = 1;
#ifdef TABLES
	k = cgroup[c].table;
	table_scrub(k);
	cgroup[c].table = 0;
#endif
	if
	:: c != TOP -> css_put(parent_of(c))
	:: else
	fi
}

/*
 * css_free(). Cgroup core waits for readers before; only queries count on it,
 * so without them it is left out.
 */
proctype reaper()
{
	byte cg, found = NONE;

#ifdef CARELESS
	/* A charge that went with its device keeps its css for ever. */
end:
#endif
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
		fi;
		d_step { check_notice(cg) }
	   }
#ifdef CSS_FREE_LOCKS_LATE
	   d_step { found = cgroup[cg].pools }
	   d_step { mutex == 0 -> mutex = _pid }
#endif
#ifndef FREE_WITHOUT_FLUSH
	   flush_events();
#endif
	   if
	   :: d_step {
#ifndef CSS_FREE_LOCKS_LATE
		found = cgroup[cg].pools;
#endif
		check_history(cg);
		truth_forget(cg);
		if
		:: found != NONE ->
			TOUCH_POOL(found);
			at = pool[found].parent;
			pool_free(found);
			found = NONE
		:: else
		fi
	      }
	   fi;
	   chain_prune();
	   if
	   :: d_step { mutex_unlock() }
	   fi;
	   d_step { css_freed(cg); cg = 0 }
#ifdef CSS_FREE_LOOKS_FIRST
	:: d_step { looks_empty(TOP) -> css_freed(TOP) }
	:: d_step { looks_empty(MIDDLE) -> css_freed(MIDDLE) }
	:: d_step { looks_empty(LEFT) -> css_freed(LEFT) }
	:: d_step { looks_empty(RIGHT) -> css_freed(RIGHT) }
#endif
	:: cgroup[TOP].freed -> break
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
/* rdmacg_notify() */
proctype notifier()
{
end:
	do
	:: d_step {
		work_pending && mutex == 0 ->
		mutex = _pid;
		work_pending = 0
	   }
	   flush_events();
	   if
	   :: d_step { mutex_unlock() }
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
		if
		:: leaf != NONE -> TOUCH_POOL(leaf)
		:: else
		fi;
		TOUCH_CGROUP(home);
		home = parent_of(home)
	   }
	:: home == ROOT -> break
	od;
	if
	:: d_step { rcu_read_unlock(); leaf = NONE }
	fi
}
#endif

init {
	byte home;

	atomic {
		d_step {
			for (i : 0 .. NR_CGROUPS - 1) {
				cgroup[i].online = 1;
				cgroup[i].refs = 1 + (i == TOP) +
						 2 * (i == MIDDLE);
				cgroup[i].pools = NONE;
#ifdef TABLES
				cgroup[i].table = i;
				table[i].state = LINKED;
#endif
				truth[i].counters[0].max = UNLIMITED;
				truth[i].counters[1].max = UNLIMITED
			}
			for (i : 0 .. NR_POOLS - 1) {
				pool[i].parent = NONE;
#ifdef EVENTS
				pool[i].next = NONE
#endif
			}
#ifdef TABLES
			for (i : 0 .. NR_TABLES - 1) {
				table[i].pools = NONE
			}
#endif
			at = NONE;
			below = NONE;
			limit_written();
#ifdef DEVICE
			for (i : 0 .. NR_POOLS) {
				rpools[i] = NONE
			}
			device_id = 1;
			device_usable = 1;
#endif
#ifdef CONSTANT_LIMIT
			pool_make(MIDDLE);
			below = made;
			pool_make(TOP);
			pool[below].parent = made;
			pool[made].children = 1;
			pool[below].counters[0].max = 1;
			truth[MIDDLE].counters[0].max = 1;
			below = NONE;
			made = 0;
#endif
		}
		if
		:: HOME_1
		fi;
		cgroup[home].refs++;
		run charger(home);
#if CHARGERS > 1
		if
		:: HOME_2
		fi;
		cgroup[home].refs++;
		run charger(home);
#endif
#if CHARGERS > 2
		if
		:: HOME_3
		fi;
		cgroup[home].refs++;
		run charger(home);
#endif
		home = 0;
#ifdef QUERY
		cgroup[LEFT].refs++;
		run asker(LEFT);
#endif
		run admin();
		run reaper();
#ifdef EVENTS
		run notifier()
#endif
	}
}
