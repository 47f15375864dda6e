#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""See each test fail: break the controller in one place, and run the test.

mutants.py --build FOLDER --make COMMAND... [--only PART]

A mutant is a copy of rdma.c with some text replaced, and the test that has to
notice. Each test is run with the unbroken controller first, which must pass; one
that takes ten times as long as that, and a minute, is taken for a deadlock.
--only runs the mutants that have PART in their names. Results are in KTAP.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
RDMA = HERE.parents[3] / "kernel/cgroup/rdma.c"

# What runs a test, in the folder of the build; each ends by itself.
TESTS = {
    "test": ["asan/test"],
    "alloc_fail": ["asan/alloc_fail"],
    "interleave": ["asan/interleave"],
    "corpus": ["asan/fuzz_ops", "-runs=0", str(HERE / "corpus/ops")],
    "lines": ["asan/fuzz_max", "-runs=0", str(HERE / "corpus/max")],
    "tsan": ["tsan/stress", "--seconds", "60"],
}

# Name, test, text in rdma.c, what is in its place.
MUTANTS = [
    # Charges.
    ("no second look under the lock", "interleave",
     """	rdmacg_top_lock(leaf->top);
	full = rdmacg_path_find_full(leaf, index);
""", """	rdmacg_top_lock(leaf->top);
"""),
    ("no look without the lock", "interleave",
     """	full = rdmacg_path_find_full(leaf, index);
	if (full)
		return rdmacg_path_refuse(leaf, full, index);

	rdmacg_top_lock(""", """	rdmacg_top_lock("""),
    ("counts before it looks", "interleave",
     """	full = rdmacg_path_find_full(leaf, index);
	if (full)
		return rdmacg_path_refuse(leaf, full, index);

	rdmacg_top_lock(""", """	rdmacg_top_lock(""",
     """	full = rdmacg_path_find_full(leaf, index);
	for (pool = full ? NULL : leaf; pool; pool = pool->parent) {
		usage = pool->usage[index] + 1;
		WRITE_ONCE(pool->usage[index], usage);
		if (usage > pool->peak[index])
			pool->peak[index] = usage;
		if (unlikely(usage >= pool->max[index]))
			rdmacg_mask_assign(pool->full, index, true);
	}
""", """	for (pool = leaf; pool; pool = pool->parent) {
		WRITE_ONCE(pool->usage[index], pool->usage[index] + 1);
		rdmacg_pool_update_full(pool, index);
	}
	for (full = NULL, pool = leaf; pool; pool = pool->parent)
		if (!full && pool->usage[index] > pool->max[index])
			full = pool;
	for (pool = leaf; pool; pool = pool->parent) {
		if (full)
			WRITE_ONCE(pool->usage[index], pool->usage[index] - 1);
		rdmacg_pool_update_full(pool, index);
		if (!full && pool->usage[index] > pool->peak[index])
			pool->peak[index] = pool->usage[index];
	}
"""),
    ("looks at the leaf alone", "test",
     """	while (pool && !rdmacg_mask_test(pool->full, index))
		pool = pool->parent;
""", """	if (!rdmacg_mask_test(pool->full, index))
		pool = NULL;
"""),
    ("counts in the leaf alone", "test",
     """	for (pool = full ? NULL : leaf; pool; pool = pool->parent) {
""", """	for (pool = full ? NULL : leaf; pool; pool = NULL) {
"""),
    ("a limit lets one too many in", "test",
     """		if (unlikely(usage >= pool->max[index]))
""", """		if (unlikely(usage > pool->max[index]))
"""),
    ("full for good", "test",
     """		if (unlikely(rdmacg_mask_test(pool->full, index)))
			rdmacg_pool_update_full(pool, index);
""", """		;
"""),
    ("full until the usage is below by one more", "test",
     """			   pool->usage[index] >= pool->max[index]);
""", """			   pool->usage[index] + 1 >= pool->max[index]);
"""),
    ("a limit write does not look at the usage", "test",
     """			WRITE_ONCE(pool->max[i], max[i]);
		rdmacg_pool_update_full(pool, i);
""", """			WRITE_ONCE(pool->max[i], max[i]);
"""),
    ("a new pool ignores a default of 0", "test",
     """		pool->max[i] = cg->default_max[i];
		rdmacg_pool_update_full(pool, i);
""", """		pool->max[i] = cg->default_max[i];
"""),
    ("a mask loses its other bits", "test",
     """	u32 word = mask[index / 32] & ~BIT(index % 32);
""", """	u32 word = 0;
"""),
    ("tired of waiting for the lock", "interleave",
     """			return;
	}
	spin_lock(&top->lock);
""", """			return;
	}
"""),
    ("charge unlocks too early", "interleave",
     """	for (pool = full ? NULL : leaf; pool; pool = pool->parent) {
		usage = pool->usage[index] + 1;
""", """	spin_unlock(&leaf->top->lock);
	for (pool = full ? NULL : leaf; pool; pool = pool->parent) {
		usage = pool->usage[index] + 1;
""", """	usage = leaf->usage[index];
	spin_unlock(&leaf->top->lock);
""", """	usage = leaf->usage[index];
"""),
    ("charge takes the leaf's lock", "interleave",
     """	rdmacg_top_lock(leaf->top);
	full = rdmacg_path_find_full(leaf, index);
""", """	rdmacg_top_lock(leaf);
	full = rdmacg_path_find_full(leaf, index);
""", """	usage = leaf->usage[index];
	spin_unlock(&leaf->top->lock);
""", """	usage = leaf->usage[index];
	spin_unlock(&leaf->lock);
"""),
    ("uncharge takes the leaf's lock", "interleave",
     """	rdmacg_top_lock(leaf->top);
	usage = leaf""", """	rdmacg_top_lock(leaf);
	usage = leaf""",
     """			rdmacg_pool_update_full(pool, index);
	}
	spin_unlock(&leaf->top->lock);
""", """			rdmacg_pool_update_full(pool, index);
	}
	spin_unlock(&leaf->lock);
"""),
    ("uncharge in the leaf alone", "test",
     """	for (pool = usage < 0 ? NULL : leaf; pool; pool = pool->parent) {
""", """	for (pool = usage < 0 ? NULL : leaf; pool; pool = NULL) {
"""),
    ("uncharge below zero", "test",
     """	for (pool = usage < 0 ? NULL : leaf; pool; pool = pool->parent) {
""", """	for (pool = leaf; pool; pool = pool->parent) {
"""),
    ("bad uncharge drops a reference", "test",
     """	if (!WARN_ONCE(!charged, "rdmacg: %s uncharged that was not charged\\n",
		       rdmacg_resource_names[index]))
		css_put(""", """	if (WARN_ONCE(!charged, "rdmacg: %s uncharged that was not charged\\n",
		       rdmacg_resource_names[index]) || true)
		css_put("""),
    ("refused charge keeps its reference", "test",
     """	ret = rdmacg_charge(cg, device, index);
	if (ret)
		css_put(&cg->css);
	else
""", """	ret = rdmacg_charge(cg, device, index);
	if (!ret)
"""),
    ("charge for a device that is gone", "test",
     """	pool = device->id ? rdmacg_path_open(cg, device) : ERR_PTR(-ENODEV);
""", """	pool = rdmacg_path_open(cg, device);
"""),
    # Peaks.
    ("peak not raised", "test",
     """			pool->peak[index] = usage;
""", """			;
"""),
    ("peak is the last usage", "corpus",
     """		if (usage > pool->peak[index])
			pool->peak[index] = usage;
""", """		pool->peak[index] = usage;
"""),
    ("peak raised by a refusal", "test",
     """	rdmacg_trace_count(refuse, full, index, READ_ONCE(full->usage[index]));
""", """	rdmacg_trace_count(refuse, full, index, READ_ONCE(full->usage[index]));
	if (leaf != full && leaf->peak[index] == leaf->usage[index])
		leaf->peak[index]++;
"""),
    # Opening.
    ("opened without release", "tsan",
     """	smp_store_release(&pool->open, true);
""", """	WRITE_ONCE(pool->open, true);
"""),
    ("found open without acquire", "tsan",
     """	return pool && smp_load_acquire(&pool->open) ? pool : NULL;
""", """	return pool && READ_ONCE(pool->open) ? pool : NULL;
"""),
    ("open before it is linked", "tsan",
     """	pool->parent = parent;
	pool->top = top;
""", """	smp_store_release(&pool->open, true);
	pool->parent = parent;
	pool->top = top;
""", """	smp_store_release(&pool->open, true);
}
""", """}
"""),
    ("opened from the bottom up", "interleave",
     """	while (closed) {
		pool = closed;
		closed = pool->next;
		rdmacg_pool_open(pool, parent, !closed);
		parent = pool;
	}
	return parent;
""", """	for (pool = closed; pool; pool = pool->next) {
		smp_store_release(&pool->open, true);
		if (!pool->next)
			break;
	}
	while (closed) {
		pool = closed;
		closed = pool->next;
		rdmacg_pool_open(pool, parent, !closed);
		parent = pool;
	}
	return parent;
"""),
    ("a shared usage used twice", "test",
     """top->shared_usage[top->nr_shared++];
""", """top->shared_usage[top->nr_shared];
"""),
    ("one shared usage too many", "test",
     """top->nr_shared < RDMACG_SHARED_USAGES)
""", """top->nr_shared <= RDMACG_SHARED_USAGES)
"""),
    ("lack of memory leaves closed pools", "alloc_fail",
     """		closed = pool->next;
		rdmacg_pool_free_unused(pool);
	}
	return ERR_PTR(-ENOMEM);
""", """		closed = pool->next;
	}
	return ERR_PTR(-ENOMEM);
"""),
    # Refusals.
    ("refusal counted at the wrong level", "test",
     """		rdmacg_pool_refuse(full, &full->refusals[index].below);
""", """		rdmacg_pool_refuse(leaf->parent, &leaf->parent->refusals[index].below);
"""),
    ("refusal above counted as one here", "test",
     """		rdmacg_pool_refuse(leaf, &leaf->refusals[index].above);
""", """		rdmacg_pool_refuse(leaf, &leaf->refusals[index].own);
"""),
    ("refusal of an own limit not counted below", "test",
     """		new[i].alloc_fail = own + atomic_xchg(&refusals->above, 0);
""", """		new[i].alloc_fail = atomic_xchg(&refusals->above, 0);
"""),
    ("refusal not counted further up", "test",
     """	for (above = pool; above; above = above->parent) {
		for (i = 0;""", """	for (above = pool; above; above = NULL) {
		for (i = 0;"""),
    ("nobody above is woken", "test",
     """		cgroup_file_notify(&above->cg->events_file);
	}
""", """	}
	cgroup_file_notify(&pool->cg->events_file);
"""),
    ("nobody is woken by events.local", "test",
     """	cgroup_file_notify(&pool->cg->events_local_file);
""", ""),
    ("mark cleared after the counts are read", "interleave",
     """	smp_store_release(&pool->events_queued, false);
	smp_mb();

	for (i = 0;""", """	for (i = 0;""",
     """	cgroup_file_notify(&pool->cg->events_local_file);
	for (above""", """	smp_store_release(&pool->events_queued, false);
	smp_mb();
	cgroup_file_notify(&pool->cg->events_local_file);
	for (above"""),
    ("counted after the mark is looked at", "interleave",
     """	atomic_inc(refusals);
	smp_mb__after_atomic();
	if (READ_ONCE(pool->events_queued))
		return;
""", """	if (READ_ONCE(pool->events_queued)) {
		atomic_inc(refusals);
		return;
	}
	atomic_inc(refusals);
"""),
    ("marked before it is in the queue", "interleave",
     """	if (READ_ONCE(pool->events_queued))
		return;

	raw_spin_lock""", """	if (xchg(&pool->events_queued, true))
		return;
	WRITE_ONCE(pool->next, NULL);

	raw_spin_lock""",
     """	queue = !smp_load_acquire(&pool->events_queued);
""", """	queue = true;
"""),
    ("mark cleared without release", "tsan",
     """	smp_store_release(&pool->events_queued, false);
""", """	WRITE_ONCE(pool->events_queued, false);
"""),
    ("mark looked at without acquire", "tsan",
     """	queue = !smp_load_acquire(&pool->events_queued);
""", """	queue = !READ_ONCE(pool->events_queued);
"""),
    ("queued without the lock", "tsan",
     """	raw_spin_lock(&rdmacg_events_lock);
	queue = !""", """	queue = !""",
     """		WRITE_ONCE(pool->events_queued, true);
	}
	raw_spin_unlock(&rdmacg_events_lock);
""", """		WRITE_ONCE(pool->events_queued, true);
	}
"""),
    ("only the first in the queue starts the work", "interleave",
     """	if (queue)
		schedule_delayed_work(""", """	if (queue && !pool->next)
		schedule_delayed_work("""),
    ("pools taken off the queue one by one", "test",
     """	queue = rdmacg_events_queue;
	rdmacg_events_queue = NULL;
	raw_spin_unlock(&rdmacg_events_lock);

	while (queue) {
		pool = queue;
		queue = pool->next;
		rdmacg_pool_flush_events(pool);
	}
""", """	while ((queue = rdmacg_events_queue)) {
		pool = queue;
		rdmacg_events_queue = pool->next;
		raw_spin_unlock(&rdmacg_events_lock);
		rdmacg_pool_flush_events(pool);
		raw_spin_lock(&rdmacg_events_lock);
	}
	raw_spin_unlock(&rdmacg_events_lock);
"""),
    ("reads do not flush", "test",
     """	if (file == RDMACG_FILE_EVENTS || file == RDMACG_FILE_EVENTS_LOCAL)
		rdmacg_flush_events();
""", ""),
    ("each refusal is logged", "test",
     """		if (new[i].max && !pool->local[i].max)
""", """		if (new[i].max)
"""),
    # Memory.
    ("charge outside of RCU", "tsan",
     """	rcu_read_lock();
	pool = rdmacg_pool_find_open(cg, device);
	if (pool)
		ret = rdmacg_path_charge(pool, index);
	rcu_read_unlock();
""", """	pool = rdmacg_pool_find_open(cg, device);
	if (pool)
		ret = rdmacg_path_charge(pool, index);
"""),
    ("uncharge outside of RCU", "tsan",
     """		rcu_read_lock();
		pool = rdmacg_pool_find_open(cg, device);
		charged = pool && rdmacg_path_uncharge(pool, index);
		rcu_read_unlock();
""", """		pool = rdmacg_pool_find_open(cg, device);
		charged = pool && rdmacg_path_uncharge(pool, index);
"""),
    ("query outside of RCU", "tsan",
     """	rcu_read_lock();
	cg = css_rdmacg(task_css(current, rdma_cgrp_id));
	limit = rdmacg_lowest_limit(cg, device, index);
	rcu_read_unlock();
""", """	cg = css_rdmacg(task_css(current, rdma_cgrp_id));
	limit = rdmacg_lowest_limit(cg, device, index);
"""),
    ("pool freed at once", "interleave",
     """	kfree_rcu(pool, rcu);
""", """	kfree(pool);
"""),
    ("old table freed at once", "interleave",
     """		kfree_rcu(old, rcu);
""", """		kfree(old);
"""),
    ("old table forgotten", "test",
     """		memcpy(new->pools, old->pools, old->size * sizeof(*old->pools));
""", """		;
"""),
    ("table read behind its end", "test",
     """	if (!table || device->id >= table->size)
		return NULL;
""", """	if (!table || device->id > table->size)
		return NULL;
"""),
    ("table wastes its slab object", "alloc_fail",
     """	bytes = roundup_pow_of_two(struct_size(new, pools, device->id + 1));
""", """	bytes = struct_size(new, pools, roundup_pow_of_two(device->id + 1));
"""),
    ("open pool freed with its limit", "interleave",
     """	if (pool->open)
		return;
	for (i""", """	for (i"""),
    ("closed pool kept without a limit", "test",
     """			return;
	rdmacg_pool_free(pool);
""", """			return;
"""),
    ("cgroup freed while its pool is queued", "corpus",
     """	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_free(pool);
""", """	mutex_lock(&rdmacg_mutex);
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_free(pool);
"""),
    ("first pool of a dying cgroup looked up without the mutex", "tsan",
     """	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	while ((pool = rdmacg_pool_next(cg, &id)))
		rdmacg_pool_free(pool);
	mutex_unlock(&rdmacg_mutex);
	kfree(rcu""", """	pool = rdmacg_pool_next(cg, &id);
	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	for (; pool; pool = rdmacg_pool_next(cg, &id))
		rdmacg_pool_free(pool);
	mutex_unlock(&rdmacg_mutex);
	kfree(rcu"""),
    # Devices.
    ("device removed while its pool is queued", "test",
     """	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	while (!list_empty(&device->rpools)) {
""", """	mutex_lock(&rdmacg_mutex);
	while (!list_empty(&device->rpools)) {
"""),
    ("usage read in a top that may be freed", "test",
     """		for (i = 0; pool->top == pool && i < RDMACG_RESOURCE_MAX; i++)
""", """		for (i = 0; i < RDMACG_RESOURCE_MAX; i++)
"""),
    ("name changes without the seqcount", "interleave",
     """	write_seqcount_begin(&rdmacg_name_seq);
	strscpy(device->shown_name, name, sizeof(device->shown_name));
	write_seqcount_end(&rdmacg_name_seq);
""", """	strscpy(device->shown_name, name, sizeof(device->shown_name));
"""),
    ("device of the old name keeps its index", "corpus",
     """		rdmacg_set_name(device, name);
		rdmacg_update_dup_name(old);
""", """		rdmacg_set_name(device, name);
"""),
    ("removed device leaves an index behind", "corpus",
     """	device->id = 0;
	rdmacg_update_dup_name(device->shown_name);
""", """	device->id = 0;
"""),
    ("second device of a name without an index", "corpus",
     """		device->dup_name = first || !strcmp(name, RDMACG_DEFAULT_STR);
""", """		device->dup_name = !strcmp(name, RDMACG_DEFAULT_STR);
"""),
    ("free ids not used again", "test",
     """		if (list_entry(node, struct rdmacg_device, id_node)->id != id)
			break;
""", ""),
    ("all devices compared with all", "test",
     """	list_add_tail(&device->dev_node, &rdmacg_devices);
	rdmacg_set_name(""", """	list_add_tail(&device->dev_node, &rdmacg_devices);
	{
		struct rdmacg_device *each;

		list_for_each_entry(each, &rdmacg_devices, dev_node)
			rdmacg_update_dup_name(each->shown_name);
	}
	rdmacg_set_name("""),
    # Limits.
    ("limits written without the lock", "interleave",
     """	spin_lock(&pool->top->lock);
	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		if (max[i] != RDMACG_UNCHANGED)
			rdmacg_mask_assign(pool->own_max""", """	for (i = 0; i < RDMACG_RESOURCE_MAX; i++) {
		if (max[i] != RDMACG_UNCHANGED)
			rdmacg_mask_assign(pool->own_max""",
     """		rdmacg_pool_update_full(pool, i);
	}
	spin_unlock(&pool->top->lock);
""", """		rdmacg_pool_update_full(pool, i);
	}
"""),
    ("limit makes the pools above as well", "test",
     """		pool = rdmacg_pool_get(cg, device);
		if (!pool)
			return -ENOMEM;
	}
	if (!apply""", """		struct rdma_cgroup *up;

		for (up = cg; !rdmacg_is_root(up); up = rdmacg_parent(up))
			rdmacg_pool_get(up, device);
		pool = rdmacg_pool_get(cg, device);
		if (!pool)
			return -ENOMEM;
	}
	if (!apply"""),
    ("two devices of a name are one", "lines",
     """		if (found)
			return ERR_PTR(-ENOTUNIQ);
		found = device;
""", """		if (!found)
			found = device;
"""),
    ("lines not checked first", "lines",
     """	if (copy)
		ret = rdmacg_update_lines(cg, copy, false);
""", ""),
    ("query ignores the limits above", "test",
     """					  READ_ONCE(cg->default_max[index]));
	}
""", """					  READ_ONCE(cg->default_max[index]));
		break;
	}
"""),
    ("new pool ignores the default", "corpus",
     """		pool->max[i] = cg->default_max[i];
""", """		pool->max[i] = RDMACG_UNLIMITED;
"""),
    ("default does not reach pools that exist", "corpus",
     """		rdmacg_pool_set_limits(pool, unchanged);
""", """		;
"""),
    ("default overrides own limits", "corpus",
     """		if (!rdmacg_mask_test(pool->own_max, i))
			WRITE_ONCE(""", """		if (max[i] < 0)
			WRITE_ONCE("""),
    ("query ignores defaults", "test",
     """					  READ_ONCE(cg->default_max[index]));
""", """					  RDMACG_UNLIMITED);
"""),
    ("max is kept where there is no default", "corpus",
     """			rdmacg_mask_assign(pool->own_max, i, false);
	rdmacg_pool""", """			;
	rdmacg_pool"""),
    ("a line has the index of the one before", "lines",
     """			update.has_index = false;
""", ""),
    ("a line has the limits of the one before", "lines",
     """			rdmacg_fill_limits(update.max, RDMACG_UNCHANGED);
			word""", """			word""",
     """	struct rdmacg_limit_update update = { };
""", """	struct rdmacg_limit_update update = { };

	rdmacg_fill_limits(update.max, RDMACG_UNCHANGED);
"""),
    # Files.
    ("no line for the default", "corpus",
     """	if (file == RDMACG_FILE_MAX)
		rdmacg_show_default(sf, cg);
""", ""),
    ("line read without the lock", "tsan",
     """		rdmacg_top_lock(pool->top);
		memcpy(usage, pool->usage, sizeof(usage));
		memcpy(peak, pool->peak, sizeof(peak));
		spin_unlock(&pool->top->lock);
""", """		memcpy(usage, pool->usage, sizeof(usage));
		memcpy(peak, pool->peak, sizeof(peak));
"""),
]


def mutate(text, replacements):
    """Replace each piece of text, which must be there once."""
    for old, new in zip(replacements[::2], replacements[1::2]):
        if text.count(old) != 1:
            raise ValueError(f"found {text.count(old)} times:\n{old}")
        text = text.replace(old, new)
    return text


def build(folder, make, test, text):
    """Build the test with this text as the controller."""
    mutant = folder / "mutant/rdma.c"
    mutant.parent.mkdir(parents=True, exist_ok=True)
    mutant.write_text(text)
    done = subprocess.run([*make, f"O={folder}", f"RDMA={mutant}",
                           folder / TESTS[test][0]],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError("does not build:\n" + done.stderr)


def passes(folder, test, limit):
    """Whether the test passes in time."""
    program, *options = TESTS[test]
    try:
        done = subprocess.run(["setarch", "-R", folder / program, *options],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, "TSAN_OPTIONS": "halt_on_error=1"},
                              cwd=folder, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return False
    return not done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--make", nargs=argparse.REMAINDER, required=True)
    args = parser.parse_args()
    # Comments may change, and say nothing here.
    original = re.sub(r"^[ \t]*/\*.*?\*/\n", "", RDMA.read_text(), flags=re.S | re.M)
    mutants = [m for m in MUTANTS if args.only in m[0]]
    if not mutants:
        parser.error(f"no mutant has '{args.only}' in its name")
    runs = [("unbroken", test) for test in TESTS if any(m[1] == test for m in mutants)]
    runs += mutants
    limits = {}
    failed = 0
    print(f"1..{len(runs)}", flush=True)
    for number, (name, test, *replacements) in enumerate(runs, 1):
        error = ""
        try:
            build(args.build, args.make, test, mutate(original, replacements))
            start = time.monotonic()
            ok = passes(args.build, test, limits.get(test, 900)) != bool(replacements)
            # A broken lock may well end in a deadlock.
            limits.setdefault(test, 60 + 10 * (time.monotonic() - start))
        except ValueError as exception:
            ok, error = False, str(exception).strip()
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} {test}: {name}")
        print(re.sub("^", "# ", error, flags=re.M) + "\n" if error else "", end="",
              flush=True)
    print(f"# passed: {len(runs) - failed}, skipped: 0, failed: {failed}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
