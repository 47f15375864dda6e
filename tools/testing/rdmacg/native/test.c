// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests beside those of kernel/cgroup/rdma_test.c, which this program runs
 * too: what takes real csses and files, and a caller's bugs.
 */

#include <kunit/test.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <pthread.h>
#include <stdio.h>

#include "native.h"

#define MANY_DEVICES	71
#define TEXT_SIZE	8192

#define HANDLE		0
#define OBJECT		1
#define NR_RESOURCES	2

extern const struct rdmacg_ops ours_kunit_ops, page_counter_ops;
/* These are there if their source was. */
extern const struct rdmacg_ops stock_spin_ops __weak, mainline_spin_ops __weak;

static const struct rdmacg_ops *ops = &ours_kunit_ops;

static struct cgroup_subsys_state *cgroup_make(struct kunit *test,
					       struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css;

	css = shim_cgroup_mkdir(parent ?: ops->subsys->root);
	KUNIT_ASSERT_FALSE(test, IS_ERR(css));
	return css;
}

/* What a task in @css would do. */
static int charge(struct kunit *test, struct cgroup_subsys_state *css,
		  struct rdmacg_device *device, unsigned int resource)
{
	struct rdma_cgroup *cg = NULL;
	int ret;

	shim_cgroup_attach(css);
	ret = ops->try_charge(&cg, device, resource);
	shim_cgroup_attach(ops->subsys->root);
	KUNIT_EXPECT_PTR_EQ(test, (void *)cg, ret ? NULL : (void *)css);
	return ret;
}

static void uncharge(struct cgroup_subsys_state *css,
		     struct rdmacg_device *device, unsigned int resource)
{
	ops->uncharge((struct rdma_cgroup *)css, device, resource);
}

static ssize_t write_max(struct cgroup_subsys_state *css, const char *text)
{
	return shim_cgroup_write(css, "max", text, strlen(text));
}

static const char *read_file(struct kunit *test,
			     struct cgroup_subsys_state *css, const char *name)
{
	char *text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_GE(test, shim_cgroup_read(css, name, text, TEXT_SIZE), 0);
	return text;
}

#define EXPECT_FILE(test, css, name, text) \
	KUNIT_EXPECT_STREQ(test, read_file(test, css, name), text)

/* Files. */

static void files_list_devices_in_order(struct kunit *test)
{
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);
	struct rdmacg_device *b = ops->device_add("b");
	struct rdmacg_device *a = ops->device_add("a");
	struct rdmacg_device *c;

	EXPECT_FILE(test, css, "current",
		    "b hca_handle=0 hca_object=0\na hca_handle=0 hca_object=0\n");
	ops->device_del(b);
	c = ops->device_add("c");
	KUNIT_EXPECT_GT(test, write_max(css, "c hca_object=3\n"), 0);
	EXPECT_FILE(test, css, "max",
		    "a hca_handle=max hca_object=max\n"
		    "c hca_handle=max hca_object=3\n");
	ops->device_del(a);
	ops->device_del(c);
	EXPECT_FILE(test, css, "max", "");
	shim_cgroup_rmdir(css);
}

static void a_write_takes_all_or_nothing(struct kunit *test)
{
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);
	struct rdmacg_device *device = ops->device_add("a");
	char buf[16];

	KUNIT_EXPECT_EQ(test, write_max(css, "a hca_object=3\n"), 15);
	KUNIT_EXPECT_EQ(test, write_max(css, "a hca_object=4 hca_handle=x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, shim_cgroup_write(css, "max", "a hca_object=1\0 2", 17), 17);
	EXPECT_FILE(test, css, "max", "a hca_handle=max hca_object=1\n");
	KUNIT_EXPECT_EQ(test, shim_cgroup_read(css, "max", buf, sizeof(buf)), -EOVERFLOW);
	ops->device_del(device);
	shim_cgroup_rmdir(css);
}

static void lack_of_memory_changes_no_line(struct kunit *test)
{
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);
	struct rdmacg_device *a = ops->device_add("a");
	struct rdmacg_device *b = ops->device_add("b");
	unsigned int nth;
	bool failed;
	ssize_t ret;

	/* A table, once made, stays. */
	KUNIT_EXPECT_GT(test, write_max(css, "b hca_object=1"), 0);
	KUNIT_EXPECT_GT(test, write_max(css, "b default"), 0);

	for (nth = 1; ; nth++) {
		shim_fail_nth(nth);
		ret = write_max(css, "a hca_object=1\ndefault hca_object=2\nb hca_object=3\n");
		failed = shim_failed();
		shim_fail_nth(0);
		if (!failed)
			break;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		EXPECT_FILE(test, css, "max",
			    "a hca_handle=max hca_object=max\n"
			    "b hca_handle=max hca_object=max\n");
		KUNIT_EXPECT_EQ(test, ops->nr_pools(a) + ops->nr_pools(b), 0);
	}
	/* The copy of the text, and two pools. */
	KUNIT_EXPECT_EQ(test, nth - 1, 3);
	EXPECT_FILE(test, css, "max",
		    "default hca_handle=max hca_object=2\n"
		    "a hca_handle=max hca_object=1\n"
		    "b hca_handle=max hca_object=3\n");
	ops->device_del(a);
	ops->device_del(b);
	shim_cgroup_rmdir(css);
}

static void root_has_no_files(struct kunit *test)
{
	char buf[16];

	KUNIT_EXPECT_EQ(test, write_max(ops->subsys->root, "a hca_object=1"), -ENOENT);
	KUNIT_EXPECT_EQ(test, shim_cgroup_read(ops->subsys->root, "current",
					       buf, sizeof(buf)), -ENOENT);
}

static void first_refusal_is_logged_once(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct cgroup_subsys_state *top = cgroup_make(test, NULL);
	struct cgroup_subsys_state *leaf = cgroup_make(test, top);
	int i;

	shim_take_infos();
	KUNIT_EXPECT_GT(test, write_max(top, "a hca_object=0"), 0);
	for (i = 0; i < 2000; i++) {
		KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), -EAGAIN);
		if (i % 500 == 0)
			read_file(test, leaf, "events");
	}
	/* From the deferred work or a read, not from the charge. */
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_take_infos(), 1);
	KUNIT_EXPECT_STREQ(test, shim_last_text(),
			   "cgroup: hca_object on a rejected by rdma controller in ");

	/* Another limit, and another resource, are news. */
	KUNIT_EXPECT_GT(test, write_max(leaf, "a hca_object=0 hca_handle=0"), 0);
	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), -EAGAIN);
	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, HANDLE), -EAGAIN);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_take_infos(), 2);

	ops->device_del(device);
	shim_cgroup_rmdir(leaf);
	shim_cgroup_rmdir(top);
}

/* One wake-up stands for many refusals, and only ancestors get one. */
static void refusals_wake_who_polls(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct cgroup_subsys_state *top = cgroup_make(test, NULL);
	struct cgroup_subsys_state *leaf = cgroup_make(test, top);
	struct cgroup_subsys_state *sibling = cgroup_make(test, top);
	int i;

	KUNIT_EXPECT_GT(test, write_max(leaf, "a hca_object=0"), 0);
	for (i = 0; i < 1000; i++)
		KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), -EAGAIN);
	shim_settle();

	KUNIT_EXPECT_GT(test, shim_cgroup_notified(leaf, "events"), 0);
	KUNIT_EXPECT_LT(test, shim_cgroup_notified(leaf, "events"), 1000);
	KUNIT_EXPECT_GT(test, shim_cgroup_notified(leaf, "events.local"), 0);
	KUNIT_EXPECT_GT(test, shim_cgroup_notified(top, "events"), 0);
	KUNIT_EXPECT_EQ(test, shim_cgroup_notified(top, "events.local"), 0);
	KUNIT_EXPECT_EQ(test, shim_cgroup_notified(sibling, "events"), 0);
	EXPECT_FILE(test, top, "events",
		    "a hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=1000 hca_object.alloc_fail=1000\n");

	ops->device_del(device);
	shim_cgroup_rmdir(leaf);
	shim_cgroup_rmdir(sibling);
	shim_cgroup_rmdir(top);
}

/* A tenant that is refused without pause must not hold up a read for ever. */

static struct {
	struct rdmacg_device *device;
	unsigned int nr_left, nr_done;
} refused_meanwhile;

static void refuse_meanwhile(void)
{
	struct rdma_cgroup *cg;

	refused_meanwhile.nr_done++;
	if (refused_meanwhile.nr_left) {
		refused_meanwhile.nr_left--;
		ops->try_charge(&cg, refused_meanwhile.device, OBJECT);
	}
}

static void a_read_of_events_ends_whatever_is_refused_meanwhile(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);

	KUNIT_EXPECT_GT(test, write_max(css, "a hca_object=0"), 0);
	KUNIT_EXPECT_EQ(test, charge(test, css, device, OBJECT), -EAGAIN);
	shim_flush_work();

	/* Each time that it wakes somebody there is one refusal more. */
	shim_cgroup_attach(css);
	KUNIT_EXPECT_EQ(test, charge(test, css, device, OBJECT), -EAGAIN);
	shim_cgroup_attach(css);
	refused_meanwhile.device = device;
	refused_meanwhile.nr_left = 1000;
	refused_meanwhile.nr_done = 0;
	shim_call_on_notify(refuse_meanwhile);
	read_file(test, css, "events");
	shim_call_on_notify(NULL);
	shim_cgroup_attach(ops->subsys->root);
	/* In both events files, once each. */
	KUNIT_EXPECT_LE(test, refused_meanwhile.nr_done, 2);
	EXPECT_FILE(test, css, "events.local",
		    "a hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=4 hca_object.alloc_fail=4\n");

	ops->device_del(device);
	shim_cgroup_rmdir(css);
}

/* The life of a css. */

static void removed_cgroups_live_until_uncharged(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct cgroup_subsys_state *top = cgroup_make(test, NULL);
	struct cgroup_subsys_state *mid = cgroup_make(test, top);
	struct cgroup_subsys_state *leaf = cgroup_make(test, mid);
	long nr_css = shim_nr_css();

	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), 0);
	shim_cgroup_rmdir(leaf);
	shim_cgroup_rmdir(mid);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css);
	EXPECT_FILE(test, top, "current", "a hca_handle=0 hca_object=2\n");

	uncharge(leaf, device, OBJECT);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css);
	uncharge(leaf, device, OBJECT);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css - 2);
	EXPECT_FILE(test, top, "current", "a hca_handle=0 hca_object=0\n");

	ops->device_del(device);
	shim_cgroup_rmdir(top);
}

static void a_dying_task_may_charge_a_removed_cgroup(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct cgroup_subsys_state *top = cgroup_make(test, NULL);
	struct cgroup_subsys_state *leaf = cgroup_make(test, top);
	long nr_css = shim_nr_css();
	struct rdma_cgroup *cg;

	shim_cgroup_attach(leaf);
	shim_cgroup_rmdir(leaf);
	shim_settle();
	KUNIT_EXPECT_EQ(test, ops->try_charge(&cg, device, OBJECT), 0);
	shim_cgroup_attach(ops->subsys->root);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css);
	EXPECT_FILE(test, top, "current", "a hca_handle=0 hca_object=1\n");
	ops->uncharge(cg, device, OBJECT);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css - 1);

	ops->device_del(device);
	shim_cgroup_rmdir(top);
}

static void many_devices_come_and_go(struct kunit *test)
{
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);
	struct rdmacg_device *devices[MANY_DEVICES];
	char name[16], line[64];
	int i;

	for (i = 0; i < MANY_DEVICES; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		devices[i] = ops->device_add(name);
		KUNIT_EXPECT_EQ(test, charge(test, css, devices[i], OBJECT), 0);
	}
	/* 7 has no common divisor with the number of devices. */
	for (i = 0; i < MANY_DEVICES; i++) {
		int nr = i * 7 % MANY_DEVICES;

		snprintf(line, sizeof(line), "dev%d hca_handle=0 hca_object=1\n",
			 nr);
		KUNIT_EXPECT_NOT_NULL(test, strstr(read_file(test, css, "current"), line));
		uncharge(css, devices[nr], OBJECT);
		ops->device_del(devices[nr]);
		KUNIT_EXPECT_NULL(test, strstr(read_file(test, css, "current"), line));
	}
	shim_cgroup_rmdir(css);
}

#ifdef SHIM_DEBUG

/* At no point of a device's removal is something used that may be freed. */
static void a_device_goes_while_memory_is_freed(struct kunit *test)
{
	struct cgroup_subsys_state *path[4];
	struct rdmacg_device *device;
	unsigned int nth;
	int i;

	for (i = 0; i < ARRAY_SIZE(path); i++)
		path[i] = cgroup_make(test, i ? path[i - 1] : NULL);
	for (nth = 1; nth < 100; nth++) {
		device = ops->device_add("a");
		KUNIT_EXPECT_EQ(test, charge(test, path[3], device, OBJECT), 0);
		uncharge(path[3], device, OBJECT);
		shim_call_at(nth, rcu_barrier);
		ops->device_del(device);
		shim_call_at(0, NULL);
	}
	while (i--)
		shim_cgroup_rmdir(path[i]);
}

/* What a device's coming and going costs grows with their number, no faster. */
static void devices_are_compared_once_each(struct kunit *test)
{
	static struct rdmacg_device *devices[500];
	unsigned long before;
	char name[16];
	int i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		devices[i] = ops->device_add(name);
	}
	before = shim_nr_compared();
	ops->device_del(devices[100]);
	KUNIT_EXPECT_LE(test, shim_nr_compared() - before, ARRAY_SIZE(devices) + 10);
	before = shim_nr_compared();
	devices[100] = ops->device_add("new");
	KUNIT_EXPECT_LE(test, shim_nr_compared() - before, ARRAY_SIZE(devices) + 10);
	/* Those of the old name, and those of the new one. */
	before = shim_nr_compared();
	ops->rename(devices[200], "newer");
	KUNIT_EXPECT_LE(test, shim_nr_compared() - before, 2 * ARRAY_SIZE(devices) + 10);
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		ops->device_del(devices[i]);
}

#endif /* SHIM_DEBUG */

/* A limit is of one cgroup, however deep. */
static void a_limit_takes_the_same_at_any_depth(struct kunit *test)
{
	static struct cgroup_subsys_state *path[600];
	struct rdmacg_device *device = ops->device_add("a");
	long allocated;
	int i;

	for (i = 0; i < ARRAY_SIZE(path); i++)
		path[i] = cgroup_make(test, i ? path[i - 1] : NULL);
	allocated = shim_nr_allocated();
	KUNIT_EXPECT_GT(test, write_max(path[i - 1], "a hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, ops->nr_pools(device), 1);
	/* A pool, and the table that it is in. */
	KUNIT_EXPECT_EQ(test, shim_nr_allocated() - allocated, 2);
	KUNIT_EXPECT_GT(test, write_max(path[i - 1], "a hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, ops->nr_pools(device), 0);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_allocated() - allocated, 1);

	ops->device_del(device);
	while (i--)
		shim_cgroup_rmdir(path[i]);
}

/* A caller's bugs. */

/* The css must not lose the reference that it did not get. */
static void expect_refused_uncharge(struct kunit *test,
				    struct cgroup_subsys_state *css,
				    struct rdmacg_device *device,
				    unsigned int resource)
{
	const char *before = read_file(test, css, "current");

	uncharge(css, device, resource);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 1);
	EXPECT_FILE(test, css, "current", before);
}

static void uncharge_without_charge_warns_and_changes_nothing(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("a");
	struct rdmacg_device *other = ops->device_add("b");
	struct cgroup_subsys_state *top = cgroup_make(test, NULL);
	struct cgroup_subsys_state *leaf = cgroup_make(test, top);
	struct cgroup_subsys_state *sibling = cgroup_make(test, top);
	long nr_css = shim_nr_css();

	/* No pool; a pool that was never charged; the charge was put back. */
	expect_refused_uncharge(test, leaf, device, OBJECT);
	KUNIT_EXPECT_GT(test, write_max(leaf, "a hca_object=5"), 0);
	expect_refused_uncharge(test, leaf, device, OBJECT);
	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), 0);
	uncharge(leaf, device, OBJECT);
	expect_refused_uncharge(test, leaf, device, OBJECT);

	/* Charged is another resource, device, or cgroup. */
	KUNIT_EXPECT_EQ(test, charge(test, leaf, device, OBJECT), 0);
	expect_refused_uncharge(test, leaf, device, HANDLE);
	expect_refused_uncharge(test, leaf, device, NR_RESOURCES);
	expect_refused_uncharge(test, leaf, other, OBJECT);
	expect_refused_uncharge(test, sibling, device, OBJECT);
	EXPECT_FILE(test, top, "current",
		    "a hca_handle=0 hca_object=1\nb hca_handle=0 hca_object=0\n");

	shim_cgroup_rmdir(leaf);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css);
	uncharge(leaf, device, OBJECT);
	shim_settle();
	KUNIT_EXPECT_EQ(test, shim_nr_css(), nr_css - 1);

	ops->device_del(device);
	ops->device_del(other);
	shim_cgroup_rmdir(sibling);
	shim_cgroup_rmdir(top);
}

static void a_count_left_at_device_removal_warns(struct kunit *test)
{
	struct rdmacg_device *device = ops->device_add("gone0");
	struct cgroup_subsys_state *css = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, charge(test, css, device, OBJECT), 0);
	shim_take_messages();
	ops->device_del(device);
	KUNIT_EXPECT_EQ(test, shim_take_messages(), 1);
	KUNIT_EXPECT_NOT_NULL(test, strstr(shim_last_text(), "gone0"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(shim_last_text(), "hca_object"));

	/* The next device starts afresh, even if it gets the old one's id. */
	device = ops->device_add("next0");
	EXPECT_FILE(test, css, "current", "next0 hca_handle=0 hca_object=0\n");
	KUNIT_EXPECT_EQ(test, charge(test, css, device, OBJECT), 0);
	uncharge(css, device, OBJECT);
	ops->device_del(device);

	/* The lost charge can't be given back, nor can its reference. */
	css_put(css);
	shim_cgroup_rmdir(css);
}

static struct kunit_case native_cases[] = {
	KUNIT_CASE(files_list_devices_in_order),
	KUNIT_CASE(a_write_takes_all_or_nothing),
	KUNIT_CASE(lack_of_memory_changes_no_line),
	KUNIT_CASE(root_has_no_files),
	KUNIT_CASE(first_refusal_is_logged_once),
	KUNIT_CASE(refusals_wake_who_polls),
	KUNIT_CASE(a_read_of_events_ends_whatever_is_refused_meanwhile),
	KUNIT_CASE(removed_cgroups_live_until_uncharged),
	KUNIT_CASE(a_dying_task_may_charge_a_removed_cgroup),
	KUNIT_CASE(many_devices_come_and_go),
#ifdef SHIM_DEBUG
	KUNIT_CASE(a_device_goes_while_memory_is_freed),
	KUNIT_CASE(devices_are_compared_once_each),
#endif
	KUNIT_CASE(a_limit_takes_the_same_at_any_depth),
	KUNIT_CASE(uncharge_without_charge_warns_and_changes_nothing),
	KUNIT_CASE(a_count_left_at_device_removal_warns),
	{ }
};

static struct kunit_suite native_suite = {
	.name = "native",
	.test_cases = native_cases,
};

kunit_test_suite(native_suite);

/* The shims' own spinlocks. Preemption is what makes threads wait for them. */

#ifdef SHIM_DEBUG

/* One waits apart from the queue, so there is none yet with two threads. */
#define SPIN_THREADS	6
#define SPIN_ROUNDS	1500

static DEFINE_SPINLOCK(spin_test_lock);
static unsigned long spin_test_count;

static void *spin_thread(void *data)
{
	unsigned long flags;
	int i;

	shim_thread_start();
	shim_preempt_randomly(20, (unsigned long)data);
	for (i = 0; i < SPIN_ROUNDS; i++) {
		spin_lock_irqsave(&spin_test_lock, flags);
		WRITE_ONCE(spin_test_count, READ_ONCE(spin_test_count) + 1);
		spin_unlock_irqrestore(&spin_test_lock, flags);
	}
	shim_thread_stop();
	return NULL;
}

static void spinlock_lets_in_one_at_a_time(struct kunit *test)
{
	pthread_t threads[SPIN_THREADS];
	unsigned long nr, i;

	for (nr = 2; nr <= SPIN_THREADS; nr++) {
		spin_test_count = 0;
		for (i = 0; i < nr; i++)
			KUNIT_ASSERT_EQ(test, pthread_create(&threads[i], NULL,
							     spin_thread, (void *)i), 0);
		for (i = 0; i < nr; i++)
			pthread_join(threads[i], NULL);
		KUNIT_EXPECT_EQ(test, spin_test_count, nr * SPIN_ROUNDS);
		KUNIT_EXPECT_EQ(test, spin_test_lock.lock.word, 0);
	}
}

static void holder_of_spinlock_is_known(struct kunit *test)
{
	static DEFINE_RAW_SPINLOCK(raw);
	static DEFINE_MUTEX(mutex);

	raw_spin_lock(&raw);
	lockdep_assert_held(&raw);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 0);
	lockdep_assert_held(&spin_test_lock);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 1);
	mutex_lock(&mutex);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 1);
	mutex_unlock(&mutex);
	raw_spin_unlock(&raw);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	KUNIT_EXPECT_EQ(test, shim_take_warnings(), 0);
}

static struct kunit_case shim_cases[] = {
	KUNIT_CASE(spinlock_lets_in_one_at_a_time),
	KUNIT_CASE(holder_of_spinlock_is_known),
	{ }
};

static struct kunit_suite shim_suite = {
	.name = "shim",
	.test_cases = shim_cases,
};

kunit_test_suite(shim_suite);

#endif /* SHIM_DEBUG */

/* What is measured side by side has to work: all behind one table. */

#define FLAVOUR_THREADS	4
#define FLAVOUR_PAIRS	2000
#define FLAVOUR_LIMIT	3

struct flavour_thread {
	pthread_t thread;
	const struct rdmacg_ops *ops;
	struct rdmacg_device *device;
	struct cgroup_subsys_state *css;
	int charged, refused, other;
};

static void *flavour_thread(void *data)
{
	struct flavour_thread *t = data;
	struct rdma_cgroup *cg;
	int i;

	shim_thread_start();
	shim_cgroup_attach(t->css);
	for (i = 0; i < FLAVOUR_PAIRS; i++) {
		switch (t->ops->try_charge(&cg, t->device, OBJECT)) {
		case 0:
			t->charged++;
			t->ops->uncharge(cg, t->device, OBJECT);
			break;
		case -EAGAIN:
			t->refused++;
			break;
		default:
			t->other++;
		}
	}
	shim_thread_stop();
	return NULL;
}

static void flavour_works(struct kunit *test, const struct rdmacg_ops *flavour)
{
	struct flavour_thread threads[FLAVOUR_THREADS] = { };
	struct cgroup_subsys_state *root, *top;
	struct rdma_cgroup *cg[FLAVOUR_LIMIT + 1];
	struct rdmacg_device *device;
	int i, charged = 0;

	root = flavour->subsys->root ?: shim_cgroup_init(flavour->subsys);
	top = shim_cgroup_mkdir(root);
	KUNIT_ASSERT_FALSE(test, IS_ERR(top));
	device = flavour->device_add("a");
	KUNIT_EXPECT_GT(test, write_max(top, "a hca_object=3"), 0);

	/* The limit holds above, and what is put back can be had again. */
	for (i = 0; i < FLAVOUR_THREADS; i++) {
		threads[i].ops = flavour;
		threads[i].device = device;
		threads[i].css = shim_cgroup_mkdir(top);
		KUNIT_ASSERT_FALSE(test, IS_ERR(threads[i].css));
	}
	shim_cgroup_attach(threads[0].css);
	for (i = 0; i < FLAVOUR_LIMIT; i++)
		KUNIT_EXPECT_EQ(test, flavour->try_charge(&cg[i], device, OBJECT), 0);
	KUNIT_EXPECT_EQ(test, flavour->try_charge(&cg[i], device, OBJECT), -EAGAIN);
	while (i--)
		flavour->uncharge(cg[i], device, OBJECT);

	for (i = 0; i < FLAVOUR_THREADS; i++)
		KUNIT_ASSERT_EQ(test, pthread_create(&threads[i].thread, NULL,
						     flavour_thread, &threads[i]), 0);
	for (i = 0; i < FLAVOUR_THREADS; i++) {
		pthread_join(threads[i].thread, NULL);
		KUNIT_EXPECT_EQ(test, threads[i].charged + threads[i].refused,
				FLAVOUR_PAIRS);
		charged += threads[i].charged;
	}
	KUNIT_EXPECT_GT(test, charged, 0);

	/* No count was lost, or the limit would not be reached just so. */
	for (i = 0; i < FLAVOUR_LIMIT; i++)
		KUNIT_EXPECT_EQ(test, flavour->try_charge(&cg[i], device, OBJECT), 0);
	KUNIT_EXPECT_EQ(test, flavour->try_charge(&cg[i], device, OBJECT), -EAGAIN);
	while (i--)
		flavour->uncharge(cg[i], device, OBJECT);

	shim_cgroup_attach(ops->subsys->root);
	for (i = 0; i < FLAVOUR_THREADS; i++)
		shim_cgroup_rmdir(threads[i].css);
	/* Stock frees a pool that was never charged only with its last limit. */
	KUNIT_EXPECT_GT(test, write_max(top, "a hca_object=max"), 0);
	shim_cgroup_rmdir(top);
	flavour->device_del(device);
	shim_settle();
	if (flavour != ops)
		shim_cgroup_exit(flavour->subsys);
}

static void ours(struct kunit *test)
{
	flavour_works(test, &ours_kunit_ops);
}

static void stock(struct kunit *test)
{
	if (&stock_spin_ops)
		flavour_works(test, &stock_spin_ops);
	else
		kunit_mark_skipped(test, "its source is not there");
}

static void mainline(struct kunit *test)
{
	if (&mainline_spin_ops)
		flavour_works(test, &mainline_spin_ops);
	else
		kunit_mark_skipped(test, "its source is not there");
}

static void page_counter(struct kunit *test)
{
	flavour_works(test, &page_counter_ops);
}

static struct kunit_case flavour_cases[] = {
	KUNIT_CASE(ours),
	KUNIT_CASE(stock),
	KUNIT_CASE(mainline),
	KUNIT_CASE(page_counter),
	{ }
};

static struct kunit_suite flavour_suite = {
	.name = "flavours",
	.test_cases = flavour_cases,
};

kunit_test_suite(flavour_suite);

int main(void)
{
	int failed;

	shim_init();
	shim_cgroup_attach(shim_cgroup_init(ops->subsys));
	failed = shim_kunit_run();
	shim_cgroup_attach(NULL);
	shim_cgroup_exit(ops->subsys);
	return failed || shim_nr_allocated();
}
