// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the RDMA cgroup controller.
 *
 * Part of rdma.c, to see what it keeps to itself. The cgroups are made by the
 * controller's own css callbacks, but hang in no mounted hierarchy, so that
 * the tests need no user space and disturb nobody.
 */

#include <kunit/test.h>

#define RDMACG_TEST_CGROUPS	400
#define RDMACG_TEST_DEVICES	3
#define RDMACG_TEST_HANDLE	RDMACG_RESOURCE_HCA_HANDLE
#define RDMACG_TEST_OBJECT	RDMACG_RESOURCE_HCA_OBJECT

/* What a test made and has not removed, for rdmacg_test_exit() to remove. */
struct rdmacg_test {
	struct rdma_cgroup	*root;
	struct rdma_cgroup	*cgroups[RDMACG_TEST_CGROUPS];
	int			nr_cgroups;
	struct rdmacg_device	devices[RDMACG_TEST_DEVICES];
	char			line[192];
	/* What tracepoints tell of a css: all of them are of this cgroup. */
	struct cgroup		*cgroup;
};

static char *rdmacg_test_names[RDMACG_TEST_DEVICES] = {
	"kunit_rdma0", "kunit_rdma1", "kunit_rdma2",
};

static void rdmacg_test_css_release(struct percpu_ref *ref)
{
	/* Each test looks for itself whether the last reference is gone. */
}

static struct rdma_cgroup *rdmacg_test_css(struct kunit *test,
					   struct rdma_cgroup *parent)
{
	struct cgroup_subsys_state *parent_css = parent ? &parent->css : NULL;
	struct cgroup_subsys_state *css = rdmacg_css_alloc(parent_css);

	KUNIT_ASSERT_FALSE(test, IS_ERR(css));
	css->parent = parent_css;
	css->cgroup = ((struct rdmacg_test *)test->priv)->cgroup;
	/* In atomic mode a kill needs no grace period. */
	KUNIT_ASSERT_EQ(test, 0,
			percpu_ref_init(&css->refcnt, rdmacg_test_css_release,
					PERCPU_REF_INIT_ATOMIC, GFP_KERNEL));
	return css_rdmacg(css);
}

static void rdmacg_test_css_free(struct rdma_cgroup *cg)
{
	percpu_ref_exit(&cg->css.refcnt);
	rdmacg_css_free(&cg->css);
}

/* Make a cgroup below @parent, or below the root if that is NULL. */
static struct rdma_cgroup *cgroup_make(struct kunit *test,
				       struct rdma_cgroup *parent)
{
	struct rdmacg_test *t = test->priv;
	struct rdma_cgroup *cg;

	KUNIT_ASSERT_LT(test, t->nr_cgroups, RDMACG_TEST_CGROUPS);
	cg = rdmacg_test_css(test, parent ?: t->root);
	t->cgroups[t->nr_cgroups++] = cg;
	return cg;
}

/* What rmdir does: only charges keep the css now. */
static void cgroup_rmdir(struct rdma_cgroup *cg)
{
	percpu_ref_kill(&cg->css.refcnt);
}

/* What cgroup core does once nothing refers to the css of a removed cgroup. */
static void cgroup_gone(struct kunit *test, struct rdma_cgroup *cg)
{
	struct rdmacg_test *t = test->priv;
	int i;

	KUNIT_ASSERT_TRUE(test, percpu_ref_is_zero(&cg->css.refcnt));
	for (i = 0; i < t->nr_cgroups; i++) {
		if (t->cgroups[i] == cg) {
			memmove(&t->cgroups[i], &t->cgroups[i + 1],
				(t->nr_cgroups - i - 1) * sizeof(cg));
			t->nr_cgroups--;
			break;
		}
	}
	rdmacg_test_css_free(cg);
}

static struct rdmacg_device *add_device(struct kunit *test, int nr)
{
	struct rdmacg_test *t = test->priv;

	t->devices[nr].name = rdmacg_test_names[nr];
	t->devices[nr].index = 40 + nr;
	rdmacg_register_device(&t->devices[nr]);
	return &t->devices[nr];
}

/* rdmacg_try_charge() as a task in @cg would call it. */
static int charge(struct rdma_cgroup *cg, struct rdmacg_device *device,
		  enum rdmacg_resource_type index)
{
	int ret;

	css_get(&cg->css);
	ret = rdmacg_charge(cg, device, index);
	if (ret)
		css_put(&cg->css);
	return ret;
}

static void uncharge(struct rdma_cgroup *cg, struct rdmacg_device *device,
		     enum rdmacg_resource_type index, int count)
{
	while (count--)
		rdmacg_uncharge(cg, device, index);
}

/* Charge till refused, or @most times; says how often it went through. */
static int charge_up_to(struct kunit *test, struct rdma_cgroup *cg,
			struct rdmacg_device *device,
			enum rdmacg_resource_type index, int most)
{
	int count, ret;

	for (count = 0; count < most; count++) {
		ret = charge(cg, device, index);
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -EAGAIN);
			break;
		}
	}
	return count;
}

/* Write to rdma.max; the controller cuts the line up, so it gets a copy. */
static int write_max(struct kunit *test, struct rdma_cgroup *cg,
		     const char *line)
{
	char *copy = kunit_kzalloc(test, strlen(line) + 1, GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, copy);
	memcpy(copy, line, strlen(line));
	return rdmacg_set_limits(cg, copy);
}

/* A device's line in one of the files, without its line break. */
static const char *line(struct kunit *test, enum rdmacg_file file,
			struct rdma_cgroup *cg, struct rdmacg_device *device)
{
	struct rdmacg_test *t = test->priv;
	struct seq_file sf = { .buf = t->line, .size = sizeof(t->line) };

	mutex_lock(&rdmacg_mutex);
	rdmacg_flush_events();
	rdmacg_show_device(&sf, file, cg, device);
	mutex_unlock(&rdmacg_mutex);

	KUNIT_ASSERT_LT(test, sf.count, sf.size);
	KUNIT_ASSERT_GT(test, sf.count, (size_t)0);
	KUNIT_EXPECT_EQ(test, t->line[sf.count - 1], (char)'\n');
	t->line[sf.count - 1] = '\0';
	return t->line;
}

/* All of these use the "test" of the case they stand in. */
#define EXPECT_MAX(cg, device, text) \
	KUNIT_EXPECT_STREQ(test, line(test, RDMACG_FILE_MAX, cg, device), text)
#define EXPECT_CURRENT(cg, device, text) \
	KUNIT_EXPECT_STREQ(test, line(test, RDMACG_FILE_CURRENT, cg, device), text)
#define EXPECT_PEAK(cg, device, text) \
	KUNIT_EXPECT_STREQ(test, line(test, RDMACG_FILE_PEAK, cg, device), text)
#define EXPECT_EVENTS(cg, device, text) \
	KUNIT_EXPECT_STREQ(test, line(test, RDMACG_FILE_EVENTS, cg, device), text)
#define EXPECT_LOCAL(cg, device, text) \
	KUNIT_EXPECT_STREQ(test, line(test, RDMACG_FILE_EVENTS_LOCAL, cg, device), text)

static struct rdmacg_resource_pool *pool(struct rdma_cgroup *cg,
					 struct rdmacg_device *device)
{
	struct rdmacg_resource_pool *found;

	mutex_lock(&rdmacg_mutex);
	found = rdmacg_pool_find(cg, device);
	mutex_unlock(&rdmacg_mutex);
	return found;
}

static int nr_pools(struct rdmacg_device *device)
{
	struct list_head *node;
	int count = 0;

	mutex_lock(&rdmacg_mutex);
	list_for_each(node, &device->rpools)
		count++;
	mutex_unlock(&rdmacg_mutex);
	return count;
}

static int usage(struct rdma_cgroup *cg, struct rdmacg_device *device,
		 enum rdmacg_resource_type index)
{
	return pool(cg, device)->usage[index];
}

static void set_usage(struct rdma_cgroup *cg, struct rdmacg_device *device,
		      enum rdmacg_resource_type index, int value)
{
	pool(cg, device)->usage[index] = value;
}

static int rdmacg_test_init(struct kunit *test)
{
	struct rdmacg_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	t->cgroup = kunit_kzalloc(test, sizeof(*t->cgroup), GFP_KERNEL);
	if (!t->cgroup)
		return -ENOMEM;
	/* One that has a path, for the log. */
	t->cgroup->kn = cgrp_dfl_root.cgrp.kn;
	t->root = rdmacg_test_css(test, NULL);
	return 0;
}

static void rdmacg_test_exit(struct kunit *test)
{
	struct rdmacg_test *t = test->priv;
	int i;

	if (!t)
		return;
	for (i = 0; i < RDMACG_TEST_DEVICES; i++)
		if (t->devices[i].id)
			rdmacg_unregister_device(&t->devices[i]);
	/* Parents were made before their children. */
	while (t->nr_cgroups)
		rdmacg_test_css_free(t->cgroups[--t->nr_cgroups]);
	if (t->root)
		rdmacg_test_css_free(t->root);
}

/* The life of a pool. */

static void rdmacg_no_pool_reads_as_unused(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=max hca_object=max");
	EXPECT_CURRENT(cg, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
}

static void rdmacg_limit_makes_one_closed_pool(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, cgroup_make(test, top));

	KUNIT_EXPECT_EQ(test, write_max(test, leaf, "kunit_rdma0 hca_object=5"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	KUNIT_EXPECT_FALSE(test, pool(leaf, dev)->open);
	KUNIT_EXPECT_TRUE(test, !pool(leaf, dev)->parent);
	EXPECT_MAX(leaf, dev, "kunit_rdma0 hca_handle=max hca_object=5");
	EXPECT_MAX(top, dev, "kunit_rdma0 hca_handle=max hca_object=max");
	EXPECT_CURRENT(leaf, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
}

static void rdmacg_charge_links_pools_up_to_the_top(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *leaf = cgroup_make(test, mid);

	/* Some of the path have a closed pool with a limit already. */
	KUNIT_EXPECT_EQ(test, write_max(test, mid, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 3);
	KUNIT_EXPECT_TRUE(test, pool(leaf, dev)->parent == pool(mid, dev));
	KUNIT_EXPECT_TRUE(test, pool(mid, dev)->parent == pool(top, dev));
	KUNIT_EXPECT_TRUE(test, !pool(top, dev)->parent);
	KUNIT_EXPECT_TRUE(test, pool(leaf, dev)->top == pool(top, dev));
	KUNIT_EXPECT_TRUE(test, pool(mid, dev)->top == pool(top, dev));
	KUNIT_EXPECT_TRUE(test, pool(top, dev)->top == pool(top, dev));
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), -EAGAIN);
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
}

/* Usages lie beside the lock, in their own pool, or where no place is left. */
static void rdmacg_usages_are_kept_apart_wherever_they_are(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *path[2 * RDMACG_SHARED_USAGES], *side;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(path); i++)
		path[i] = cgroup_make(test, i ? path[i - 1] : NULL);
	side = cgroup_make(test, path[1]);

	/* First as leaves, from the middle up and from there down. */
	KUNIT_EXPECT_EQ(test, charge(path[1], dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(path[ARRAY_SIZE(path) - 1], dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(side, dev, RDMACG_TEST_HANDLE), 0);

	for (i = 0; i < ARRAY_SIZE(path); i++) {
		KUNIT_EXPECT_EQ(test, usage(path[i], dev, RDMACG_TEST_OBJECT), i < 2 ? 2 : 1);
		KUNIT_EXPECT_EQ(test, usage(path[i], dev, RDMACG_TEST_HANDLE), i < 2 ? 1 : 0);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, pool(path[i], dev)->usage,
					    pool(path[j], dev)->usage);
	}
	KUNIT_EXPECT_PTR_EQ(test, pool(path[0], dev)->usage,
			    &pool(path[0], dev)->shared_usage[0][0]);
	KUNIT_EXPECT_PTR_EQ(test, pool(path[1], dev)->usage,
			    &pool(path[1], dev)->own_usage[0]);
	KUNIT_EXPECT_PTR_EQ(test, pool(path[2], dev)->usage,
			    &pool(path[0], dev)->shared_usage[1][0]);
	KUNIT_EXPECT_EQ(test, pool(path[0], dev)->nr_shared, (unsigned int)RDMACG_SHARED_USAGES);

	uncharge(side, dev, RDMACG_TEST_HANDLE, 1);
	uncharge(path[1], dev, RDMACG_TEST_OBJECT, 1);
	uncharge(path[ARRAY_SIZE(path) - 1], dev, RDMACG_TEST_OBJECT, 1);
	for (i = 0; i < ARRAY_SIZE(path); i++)
		EXPECT_CURRENT(path[i], dev, "kunit_rdma0 hca_handle=0 hca_object=0");
}

static void rdmacg_charge_makes_pools_without_any_limit(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, top);

	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 2);
	KUNIT_EXPECT_TRUE(test, pool(leaf, dev)->open);
	KUNIT_EXPECT_TRUE(test, pool(top, dev)->open);

	/* A limit that comes later has to know what is in use already. */
	KUNIT_EXPECT_EQ(test, write_max(test, leaf, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), -EAGAIN);
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
}

static void rdmacg_idle_pools_go_with_their_last_limit(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *left = cgroup_make(test, mid);
	struct rdma_cgroup *right = cgroup_make(test, mid);

	KUNIT_EXPECT_EQ(test, write_max(test, left, "kunit_rdma0 hca_object=1 hca_handle=1"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, right, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, top, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 3);

	KUNIT_EXPECT_EQ(test, write_max(test, left, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 3);
	KUNIT_EXPECT_EQ(test, write_max(test, left, "kunit_rdma0 hca_handle=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 2);
	KUNIT_EXPECT_EQ(test, write_max(test, right, "kunit_rdma0 hca_object=2147483647"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	KUNIT_EXPECT_EQ(test, write_max(test, top, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
}

static void rdmacg_max_written_to_no_pool_leaves_none(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, cgroup_make(test, NULL));

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
}

static void rdmacg_charged_pool_stays_without_limit(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=0"), 0);
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), -EAGAIN);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), 0);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
}

static void rdmacg_pools_go_with_their_cgroup(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *used = cgroup_make(test, top);
	struct rdma_cgroup *other = cgroup_make(test, NULL);
	struct rdma_cgroup *limited = cgroup_make(test, other);

	KUNIT_EXPECT_EQ(test, charge(used, dev, RDMACG_TEST_OBJECT), 0);
	uncharge(used, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, write_max(test, limited, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 3);

	/* The parent was charged as well, and keeps its history. */
	cgroup_rmdir(used);
	cgroup_gone(test, used);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 2);
	cgroup_rmdir(limited);
	cgroup_gone(test, limited);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	KUNIT_EXPECT_TRUE(test, pool(top, dev));
}

static void rdmacg_opening_a_middle_pool_keeps_the_leaf_closed(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *leaf = cgroup_make(test, mid);

	KUNIT_EXPECT_EQ(test, write_max(test, leaf, "kunit_rdma0 hca_object=3"), 0);
	KUNIT_EXPECT_EQ(test, charge(mid, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_TRUE(test, pool(top, dev)->open);
	KUNIT_EXPECT_TRUE(test, pool(mid, dev)->open);
	KUNIT_EXPECT_FALSE(test, pool(leaf, dev)->open);

	/* So the leaf alone may go. */
	KUNIT_EXPECT_EQ(test, write_max(test, leaf, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 2);
	uncharge(mid, dev, RDMACG_TEST_OBJECT, 1);
}

/* Charging and limits. */

static void rdmacg_charge_counts_at_every_level(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *leaf = cgroup_make(test, mid);

	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 3), 3);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, mid, dev, RDMACG_TEST_OBJECT, 2), 2);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, top, dev, RDMACG_TEST_HANDLE, 1), 1);

	EXPECT_CURRENT(leaf, dev, "kunit_rdma0 hca_handle=0 hca_object=3");
	EXPECT_CURRENT(mid, dev, "kunit_rdma0 hca_handle=0 hca_object=5");
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=1 hca_object=5");

	uncharge(mid, dev, RDMACG_TEST_OBJECT, 2);
	uncharge(top, dev, RDMACG_TEST_HANDLE, 1);
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=0 hca_object=3");
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 3);
	EXPECT_CURRENT(leaf, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
}

static void rdmacg_refusal_at_any_level_counts_nowhere(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *path[4], *sibling;
	int level, i;

	for (i = 0; i < ARRAY_SIZE(path); i++)
		path[i] = cgroup_make(test, i ? path[i - 1] : NULL);
	sibling = cgroup_make(test, path[2]);
	KUNIT_EXPECT_EQ(test, charge(sibling, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(path[3], dev, RDMACG_TEST_OBJECT), 0);

	for (level = 0; level < ARRAY_SIZE(path); level++) {
		char limit[64];

		snprintf(limit, sizeof(limit), "kunit_rdma0 hca_object=%d",
			 usage(path[level], dev, RDMACG_TEST_OBJECT));
		KUNIT_EXPECT_EQ(test, write_max(test, path[level], limit), 0);
		KUNIT_EXPECT_EQ(test, charge(path[3], dev, RDMACG_TEST_OBJECT), -EAGAIN);
		for (i = 0; i < ARRAY_SIZE(path); i++)
			KUNIT_EXPECT_EQ(test, usage(path[i], dev, RDMACG_TEST_OBJECT),
					i == 3 ? 1 : 2);
		KUNIT_EXPECT_EQ(test, usage(sibling, dev, RDMACG_TEST_OBJECT), 1);
		/* The other resource has a limit of its own. */
		KUNIT_EXPECT_EQ(test, charge(path[3], dev, RDMACG_TEST_HANDLE), 0);
		uncharge(path[3], dev, RDMACG_TEST_HANDLE, 1);
		write_max(test, path[level], "kunit_rdma0 hca_object=max");
	}

	KUNIT_EXPECT_EQ(test, charge(path[3], dev, RDMACG_TEST_OBJECT), 0);
	uncharge(path[3], dev, RDMACG_TEST_OBJECT, 2);
	uncharge(sibling, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, usage(path[0], dev, RDMACG_TEST_OBJECT), 0);
}

static void rdmacg_limits_of_zero_and_one(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=0 hca_handle=1"), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 2), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_HANDLE, 2), 1);
	EXPECT_CURRENT(cg, dev, "kunit_rdma0 hca_handle=1 hca_object=0");
	uncharge(cg, dev, RDMACG_TEST_HANDLE, 1);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_HANDLE, 2), 1);
	uncharge(cg, dev, RDMACG_TEST_HANDLE, 1);
}

static void rdmacg_limits_of_s32_max_and_one_less(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=2147483646"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=max hca_object=2147483646");
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), 0);
	set_usage(cg, dev, RDMACG_TEST_OBJECT, S32_MAX - 2);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 3), 1);

	/* S32_MAX is how "max" is stored, and still no count passes it. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=2147483647"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=max hca_object=max");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 3), 1);
	EXPECT_CURRENT(cg, dev, "kunit_rdma0 hca_handle=0 hca_object=2147483647");

	set_usage(cg, dev, RDMACG_TEST_OBJECT, 3);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 3);
	KUNIT_EXPECT_EQ(test, usage(cg, dev, RDMACG_TEST_OBJECT), 0);
}

static void rdmacg_limit_below_usage_only_refuses(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 5), 5);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=2"), 0);
	EXPECT_CURRENT(cg, dev, "kunit_rdma0 hca_handle=0 hca_object=5");
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 3);
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), -EAGAIN);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 9), 1);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 2);
}

static void rdmacg_charge_stays_where_it_was_made(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *from = cgroup_make(test, NULL);
	struct rdma_cgroup *to = cgroup_make(test, NULL);

	/* A task makes one object, moves, makes another, destroys the first. */
	KUNIT_EXPECT_EQ(test, charge(from, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(to, dev, RDMACG_TEST_OBJECT), 0);
	uncharge(from, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, usage(from, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, usage(to, dev, RDMACG_TEST_OBJECT), 1);
	uncharge(to, dev, RDMACG_TEST_OBJECT, 1);
}

static void rdmacg_removed_cgroup_lives_until_uncharged(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, top);

	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 2), 2);
	cgroup_rmdir(leaf);
	KUNIT_EXPECT_FALSE(test, percpu_ref_is_zero(&leaf->css.refcnt));
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=0 hca_object=2");

	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
	/* A task on its way out may still charge. */
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), 0);
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_FALSE(test, percpu_ref_is_zero(&leaf->css.refcnt));
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_TRUE(test, percpu_ref_is_zero(&leaf->css.refcnt));
	cgroup_gone(test, leaf);
	EXPECT_CURRENT(top, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
}

static void rdmacg_refused_charge_keeps_no_reference(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, cgroup_make(test, NULL));

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=0"), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 1), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 1), 0);
	cgroup_rmdir(cg);
	KUNIT_EXPECT_TRUE(test, percpu_ref_is_zero(&cg->css.refcnt));
	cgroup_gone(test, cg);
}

static void rdmacg_deep_hierarchy(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = top, *branch = NULL;
	int depth;

	for (depth = 2; depth < RDMACG_TEST_CGROUPS; depth++) {
		leaf = cgroup_make(test, leaf);
		if (depth == RDMACG_TEST_CGROUPS / 2)
			branch = cgroup_make(test, leaf);
	}
	KUNIT_EXPECT_EQ(test, write_max(test, top, "kunit_rdma0 hca_object=3"), 0);
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), depth - 1);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, branch, dev, RDMACG_TEST_OBJECT, 9), 2);
	KUNIT_EXPECT_EQ(test, charge(leaf, dev, RDMACG_TEST_OBJECT), -EAGAIN);
	KUNIT_EXPECT_EQ(test, usage(top, dev, RDMACG_TEST_OBJECT), 3);
	KUNIT_EXPECT_EQ(test, usage(leaf, dev, RDMACG_TEST_OBJECT), 1);
	KUNIT_EXPECT_EQ(test, usage(rdmacg_parent(branch), dev, RDMACG_TEST_OBJECT), 3);
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 1);
	uncharge(branch, dev, RDMACG_TEST_OBJECT, 2);
	KUNIT_EXPECT_EQ(test, usage(top, dev, RDMACG_TEST_OBJECT), 0);
}

static void rdmacg_root_is_never_counted(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdmacg_test *t = test->priv;
	struct rdma_cgroup *cg = NULL;

	KUNIT_EXPECT_EQ(test, charge(t->root, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	uncharge(t->root, dev, RDMACG_TEST_OBJECT, 1);

	/* The same through the front door: kernel threads live in the root. */
	KUNIT_EXPECT_EQ(test, rdmacg_try_charge(&cg, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_ASSERT_TRUE(test, cg);
	KUNIT_EXPECT_TRUE(test, rdmacg_is_root(cg));
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	rdmacg_uncharge(cg, dev, RDMACG_TEST_OBJECT);
}

static void rdmacg_unknown_resource_is_refused(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = NULL;

	KUNIT_EXPECT_EQ(test, rdmacg_try_charge(&cg, dev, RDMACG_RESOURCE_MAX), -EINVAL);
	KUNIT_EXPECT_TRUE(test, !cg);
}

/* Devices. */

static void rdmacg_devices_are_counted_apart(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma1 hca_object=2"), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev0, RDMACG_TEST_OBJECT, 9), 1);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev1, RDMACG_TEST_OBJECT, 9), 2);
	EXPECT_CURRENT(cg, dev0, "kunit_rdma0 hca_handle=0 hca_object=1");
	EXPECT_CURRENT(cg, dev1, "kunit_rdma1 hca_handle=0 hca_object=2");
	uncharge(cg, dev1, RDMACG_TEST_OBJECT, 2);
	EXPECT_CURRENT(cg, dev0, "kunit_rdma0 hca_handle=0 hca_object=1");
	uncharge(cg, dev0, RDMACG_TEST_OBJECT, 1);
}

static void rdmacg_device_takes_its_pools_along(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *used = cgroup_make(test, top);
	struct rdma_cgroup *limited = cgroup_make(test, top);

	KUNIT_EXPECT_EQ(test, charge(used, dev0, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, charge(used, dev1, RDMACG_TEST_OBJECT), 0);
	uncharge(used, dev0, RDMACG_TEST_OBJECT, 1);
	KUNIT_EXPECT_EQ(test, write_max(test, limited, "kunit_rdma0 hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, limited, "kunit_rdma1 hca_object=2"), 0);

	rdmacg_unregister_device(dev0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev0), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, used, "kunit_rdma0 hca_object=1"), -ENODEV);
	KUNIT_EXPECT_EQ(test, charge(used, dev0, RDMACG_TEST_OBJECT), -ENODEV);
	EXPECT_CURRENT(used, dev1, "kunit_rdma1 hca_handle=0 hca_object=1");
	EXPECT_MAX(limited, dev1, "kunit_rdma1 hca_handle=max hca_object=2");

	/* The next device may get what the last one had, but not its limits. */
	add_device(test, 2);
	EXPECT_MAX(limited, &((struct rdmacg_test *)test->priv)->devices[2],
		   "kunit_rdma2 hca_handle=max hca_object=max");
	uncharge(used, dev1, RDMACG_TEST_OBJECT, 1);
}

static void rdmacg_device_removal_tolerates_a_lost_charge(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, cgroup_make(test, NULL));

	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), 0);
	rdmacg_unregister_device(dev);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);

	dev = add_device(test, 1);
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), 0);
	EXPECT_CURRENT(cg, dev, "kunit_rdma1 hca_handle=0 hca_object=1");
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 1);
	css_put(&cg->css);
	cgroup_rmdir(cg);
	cgroup_gone(test, cg);
}

static void rdmacg_unregistered_device_is_refused(struct kunit *test)
{
	struct rdmacg_test *t = test->priv;
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, charge(cg, &t->devices[0], RDMACG_TEST_OBJECT), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=1"), -ENODEV);
}

static void rdmacg_free_ids_are_used_again(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	unsigned int id = dev0->id;

	KUNIT_EXPECT_NE(test, dev0->id, dev1->id);
	rdmacg_unregister_device(dev0);
	KUNIT_EXPECT_EQ(test, add_device(test, 2)->id, id);
	KUNIT_EXPECT_NE(test, add_device(test, 0)->id, id);
}

static int lowest_limit(struct rdma_cgroup *cg, struct rdmacg_device *device,
			enum rdmacg_resource_type index)
{
	int limit;

	rcu_read_lock();
	limit = rdmacg_lowest_limit(cg, device, index);
	rcu_read_unlock();
	return limit;
}

static void rdmacg_lowest_limit_of_all_levels(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *leaf = cgroup_make(test, mid);

	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev, RDMACG_TEST_OBJECT), S32_MAX);
	/* An ancestor has a pool, and the cgroup itself has none. */
	KUNIT_EXPECT_EQ(test, write_max(test, top, "kunit_rdma0 hca_object=7"), 0);
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev, RDMACG_TEST_OBJECT), 7);
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev, RDMACG_TEST_HANDLE), S32_MAX);
	KUNIT_EXPECT_EQ(test, write_max(test, leaf, "kunit_rdma0 hca_object=9"), 0);
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev, RDMACG_TEST_OBJECT), 7);
	KUNIT_EXPECT_EQ(test, write_max(test, mid, "kunit_rdma0 hca_object=0"), 0);
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, lowest_limit(top, dev, RDMACG_TEST_OBJECT), 7);

	/* The test itself runs in the root, where nothing is limited. */
	KUNIT_EXPECT_EQ(test, rdmacg_query_limit(dev, RDMACG_TEST_OBJECT), S32_MAX);
	KUNIT_EXPECT_EQ(test, rdmacg_query_limit(dev, RDMACG_RESOURCE_MAX), S32_MAX);
}

/* Peaks. */

static void rdmacg_peak_stays_when_usage_falls(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *left = cgroup_make(test, top);
	struct rdma_cgroup *right = cgroup_make(test, top);

	EXPECT_PEAK(left, dev, "kunit_rdma0 hca_handle=0 hca_object=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, left, dev, RDMACG_TEST_OBJECT, 3), 3);
	uncharge(left, dev, RDMACG_TEST_OBJECT, 2);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, right, dev, RDMACG_TEST_OBJECT, 4), 4);
	EXPECT_PEAK(left, dev, "kunit_rdma0 hca_handle=0 hca_object=3");
	EXPECT_PEAK(right, dev, "kunit_rdma0 hca_handle=0 hca_object=4");
	EXPECT_PEAK(top, dev, "kunit_rdma0 hca_handle=0 hca_object=5");
	uncharge(left, dev, RDMACG_TEST_OBJECT, 1);
	uncharge(right, dev, RDMACG_TEST_OBJECT, 4);

	KUNIT_EXPECT_EQ(test, write_max(test, left, "kunit_rdma0 hca_object=9"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, left, "kunit_rdma0 hca_object=max"), 0);
	EXPECT_PEAK(left, dev, "kunit_rdma0 hca_handle=0 hca_object=3");
	EXPECT_PEAK(top, dev, "kunit_rdma0 hca_handle=0 hca_object=5");
}

static void rdmacg_refused_charge_is_no_record(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, cgroup_make(test, top));

	KUNIT_EXPECT_EQ(test, write_max(test, top, "kunit_rdma0 hca_object=2"), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 9), 2);
	EXPECT_PEAK(leaf, dev, "kunit_rdma0 hca_handle=0 hca_object=2");
	EXPECT_PEAK(top, dev, "kunit_rdma0 hca_handle=0 hca_object=2");
	uncharge(leaf, dev, RDMACG_TEST_OBJECT, 2);
}

/* Events. */

static void rdmacg_events_tell_who_refused_and_who_was_refused(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *mid = cgroup_make(test, top);
	struct rdma_cgroup *leaf = cgroup_make(test, mid);

	/* One by the leaf's own limit, two by the middle, three by the top. */
	write_max(test, leaf, "kunit_rdma0 hca_object=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	write_max(test, leaf, "kunit_rdma0 hca_object=max");
	write_max(test, mid, "kunit_rdma0 hca_object=0 hca_handle=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	write_max(test, mid, "kunit_rdma0 hca_object=max");
	write_max(test, top, "kunit_rdma0 hca_object=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	/* And one attempt of the middle itself, of the other resource. */
	KUNIT_EXPECT_EQ(test, charge_up_to(test, mid, dev, RDMACG_TEST_HANDLE, 1), 0);

	EXPECT_LOCAL(leaf, dev, "kunit_rdma0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=1 hca_object.alloc_fail=6");
	EXPECT_LOCAL(mid, dev, "kunit_rdma0 hca_handle.max=1 hca_handle.alloc_fail=1 hca_object.max=2 hca_object.alloc_fail=0");
	EXPECT_LOCAL(top, dev, "kunit_rdma0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=3 hca_object.alloc_fail=0");
	EXPECT_EVENTS(leaf, dev, "kunit_rdma0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=1 hca_object.alloc_fail=6");
	EXPECT_EVENTS(mid, dev, "kunit_rdma0 hca_handle.max=1 hca_handle.alloc_fail=1 hca_object.max=3 hca_object.alloc_fail=6");
	EXPECT_EVENTS(top, dev, "kunit_rdma0 hca_handle.max=1 hca_handle.alloc_fail=1 hca_object.max=6 hca_object.alloc_fail=6");
}

static void rdmacg_events_outlive_the_cgroup_in_its_ancestors(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, top);

	write_max(test, leaf, "kunit_rdma0 hca_object=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev, RDMACG_TEST_OBJECT, 1), 0);
	cgroup_rmdir(leaf);
	cgroup_gone(test, leaf);
	EXPECT_EVENTS(top, dev, "kunit_rdma0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=1 hca_object.alloc_fail=1");
	EXPECT_LOCAL(top, dev, "kunit_rdma0 hca_handle.max=0 hca_handle.alloc_fail=0 hca_object.max=0 hca_object.alloc_fail=0");
}

static void rdmacg_device_goes_with_events_queued(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	write_max(test, cg, "kunit_rdma0 hca_object=0");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 1), 0);
	rdmacg_unregister_device(dev);
	KUNIT_EXPECT_TRUE(test, !rdmacg_events_queue);
}

/* Names of devices. */

static void rdmacg_same_name_needs_index(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	struct rdmacg_device *dev2 = add_device(test, 2);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	EXPECT_MAX(cg, dev1, "kunit_rdma1 hca_handle=max hca_object=max");
	rdmacg_rename_device(dev1, "kunit_rdma0");
	EXPECT_MAX(cg, dev0, "kunit_rdma0 index=40 hca_handle=max hca_object=max");
	EXPECT_CURRENT(cg, dev1, "kunit_rdma0 index=41 hca_handle=0 hca_object=0");
	EXPECT_MAX(cg, dev2, "kunit_rdma2 hca_handle=max hca_object=max");

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=1"), -ENOTUNIQ);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 index=42 hca_object=1"), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma1 index=41 hca_object=1"), -ENODEV);
	KUNIT_EXPECT_EQ(test, nr_pools(dev0) + nr_pools(dev1), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 index=41 hca_object=1"), 0);
	EXPECT_MAX(cg, dev0, "kunit_rdma0 index=40 hca_handle=max hca_object=max");
	EXPECT_MAX(cg, dev1, "kunit_rdma0 index=41 hca_handle=max hca_object=1");
	/* A device with a name of its own may be told by its index as well. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma2 index=042 hca_object=2"), 0);
	EXPECT_MAX(cg, dev2, "kunit_rdma2 hca_handle=max hca_object=2");

	rdmacg_unregister_device(dev0);
	EXPECT_MAX(cg, dev1, "kunit_rdma0 hca_handle=max hca_object=1");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=3"), 0);
}

static void rdmacg_renamed_device_keeps_limits_and_counts(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=4"), 0);
	KUNIT_EXPECT_EQ(test, charge(cg, dev, RDMACG_TEST_OBJECT), 0);
	rdmacg_rename_device(dev, "kunit_other");
	EXPECT_MAX(cg, dev, "kunit_other hca_handle=max hca_object=4");
	EXPECT_CURRENT(cg, dev, "kunit_other hca_handle=0 hca_object=1");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=5"), -ENODEV);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_other hca_object=5"), 0);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 1);
}

/* The text written to rdma.max. */

static const struct {
	const char *line;
	int error;
} rdmacg_refused[] = {
	{ "", -EINVAL },
	{ "\n", -EINVAL },
	{ " \t ", -EINVAL },
	{ "kunit_rdma", -ENODEV },
	{ "kunit_rdma0 index=41", -ENODEV },
	{ "hca_object=1", -ENODEV },
	{ "kunit_rdma0 nonsense=1", -EINVAL },
	{ "kunit_rdma0 HCA_OBJECT=1", -EINVAL },
	{ "kunit_rdma0 hca_objects=1", -EINVAL },
	{ "kunit_rdma0 hca_obj=1", -EINVAL },
	{ "kunit_rdma0 hca_object", -EINVAL },
	{ "kunit_rdma0 hca_object 1", -EINVAL },
	{ "kunit_rdma0 =1", -EINVAL },
	{ "kunit_rdma0 =", -EINVAL },
	{ "kunit_rdma0 hca_object=", -EINVAL },
	{ "kunit_rdma0 hca_object= 1", -EINVAL },
	{ "kunit_rdma0 hca_object==1", -EINVAL },
	{ "kunit_rdma0 hca_object=1=2", -EINVAL },
	{ "kunit_rdma0 hca_object=m", -EINVAL },
	{ "kunit_rdma0 hca_object=ma", -EINVAL },
	{ "kunit_rdma0 hca_object=maxx", -EINVAL },
	{ "kunit_rdma0 hca_object=MAX", -EINVAL },
	{ "kunit_rdma0 hca_object=-1", -EINVAL },
	{ "kunit_rdma0 hca_object=-2147483648", -EINVAL },
	{ "kunit_rdma0 hca_object=1x", -EINVAL },
	{ "kunit_rdma0 hca_object=0x", -EINVAL },
	{ "kunit_rdma0 hca_object=1,2", -EINVAL },
	{ "kunit_rdma0 hca_object=1.5", -EINVAL },
	{ "kunit_rdma0 hca_object=08", -EINVAL },
	{ "kunit_rdma0 hca_handle=7,hca_object=7", -EINVAL },
	{ "kunit_rdma0 hca_handle=7 hca_object=m", -EINVAL },
	{ "kunit_rdma0 hca_handle=7 nonsense=7", -EINVAL },
	{ "kunit_rdma0 hca_handle=7 hca_object", -EINVAL },
	{ "kunit_rdma0 hca_handle=7\nkunit_rdma1 hca_handle=x", -EINVAL },
	{ "kunit_rdma0 hca_handle=7\nkunit_rdma hca_handle=7", -ENODEV },
	{ "kunit_rdma0 hca_handle=7\ndefault hca_handle=7x", -EINVAL },
	{ "default hca_handle=7\nkunit_rdma hca_handle=7", -ENODEV },
	{ "kunit_rdma1 hca_handle=7\nkunit_rdma0 hca_handle=2147483648", -ERANGE },
	{ "kunit_rdma1 hca_handle=7\n\nkunit_rdma0 hca_handle=7 nonsense", -EINVAL },
	{ "kunit_rdma0 hca_handle=7\nnonsense=7", -EINVAL },
	{ "default=default", -EINVAL },
	{ "default default", -EINVAL },
	{ "default hca_handle=default", -EINVAL },
	{ "default hca_handle=7 hca_object=default", -EINVAL },
	{ "default hca_handle=-1", -EINVAL },
	{ "default hca_handle=2147483648", -ERANGE },
	{ "default index=40 hca_handle=7", -ENODEV },
	{ "kunit_rdma0 hca_handle=xdefault", -EINVAL },
	{ "kunit_rdma0 defaults", -EINVAL },
	{ "kunit_rdma0 max", -EINVAL },
	{ "kunit_rdma0 index=40 hca_handle=7 index=40", -EINVAL },
	{ "kunit_rdma0 index= hca_handle=7", -EINVAL },
	{ "kunit_rdma0 index hca_handle=7", -EINVAL },
	{ "kunit_rdma0 index=-1 hca_handle=7", -EINVAL },
	{ "kunit_rdma0 index=max hca_handle=7", -EINVAL },
	{ "kunit_rdma0 index=0x28 hca_handle=7", -EINVAL },
	{ "kunit_rdma0 index=050 hca_handle=7", -ENODEV },
	{ "kunit_rdma0 index=4294967296 hca_handle=7", -ERANGE },
	{ "kunit_rdma0 index=41 hca_handle=7", -ENODEV },
	{ "kunit_rdma0 hca_object=2147483648", -ERANGE },
	{ "kunit_rdma0 hca_object=4294967297", -ERANGE },
	{ "kunit_rdma0 hca_object=18446744073709551617", -ERANGE },
	{ "kunit_rdma0 hca_object=0x80000000", -ERANGE },
	{ "kunit_rdma0 hca_handle=7 hca_object=2147483648", -ERANGE },
	{ "kunit_rdma hca_object=1", -ENODEV },
	{ "kunit_rdma00 hca_object=1", -ENODEV },
	{ "KUNIT_RDMA0 hca_object=1", -ENODEV },
	{ "kunit_rdma2 hca_object=1", -ENODEV },
	{ "hca_handle=7 hca_object=7", -ENODEV },
};

static void rdmacg_refused_lines_change_nothing(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	struct rdma_cgroup *limited = cgroup_make(test, NULL);
	struct rdma_cgroup *fresh = cgroup_make(test, NULL);
	struct rdma_cgroup *used = cgroup_make(test, NULL);
	int i;

	write_max(test, limited, "kunit_rdma0 hca_handle=3 hca_object=4");
	KUNIT_EXPECT_EQ(test, charge(used, dev0, RDMACG_TEST_OBJECT), 0);

	for (i = 0; i < ARRAY_SIZE(rdmacg_refused); i++) {
		const char *text = rdmacg_refused[i].line;
		int error = rdmacg_refused[i].error;

		KUNIT_EXPECT_EQ_MSG(test, write_max(test, limited, text), error,
				    "for '%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, write_max(test, fresh, text), error,
				    "for '%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, write_max(test, used, text), error,
				    "for '%s'", text);
		EXPECT_MAX(limited, dev0, "kunit_rdma0 hca_handle=3 hca_object=4");
		EXPECT_MAX(used, dev0, "kunit_rdma0 hca_handle=max hca_object=max");
		KUNIT_EXPECT_TRUE(test, !pool(fresh, dev0));
		KUNIT_EXPECT_EQ(test, fresh->default_max[RDMACG_TEST_HANDLE], S32_MAX);
		KUNIT_EXPECT_EQ(test, nr_pools(dev0), 2);
		KUNIT_EXPECT_EQ(test, nr_pools(dev1), 0);
	}
	EXPECT_CURRENT(used, dev0, "kunit_rdma0 hca_handle=0 hca_object=1");
	uncharge(used, dev0, RDMACG_TEST_OBJECT, 1);
}

static const struct {
	const char *line;
	const char *shown;
} rdmacg_accepted[] = {
	{ "kunit_rdma0 hca_handle=1 hca_object=2", "hca_handle=1 hca_object=2" },
	{ "kunit_rdma0 hca_object=2 hca_handle=1", "hca_handle=1 hca_object=2" },
	{ "kunit_rdma0 hca_object=2\n", "hca_handle=max hca_object=2" },
	{ "  \tkunit_rdma0\t \thca_handle=1   hca_object=2 \t \n",
	  "hca_handle=1 hca_object=2" },
	{ "kunit_rdma0 hca_handle=1\n \nhca_object=2", "hca_handle=1 hca_object=2" },
	{ "kunit_rdma0\nhca_handle=1", "hca_handle=1 hca_object=max" },
	{ "kunit_rdma0 index=40", "hca_handle=max hca_object=max" },
	{ "kunit_rdma0 default", "hca_handle=max hca_object=max" },
	{ "kunit_rdma0 hca_handle=4 default hca_object=1", "hca_handle=max hca_object=1" },
	{ "kunit_rdma0 hca_handle=4 hca_handle=default", "hca_handle=max hca_object=max" },
	{ "kunit_rdma0 hca_handle=1\nkunit_rdma0 hca_handle=2", "hca_handle=2 hca_object=max" },
	{ "kunit_rdma0 hca_handle=1\n\tkunit_rdma0\n hca_object=2\n", "hca_handle=1 hca_object=2" },
	{ "kunit_rdma0 hca_object=1 hca_object=2", "hca_handle=max hca_object=2" },
	{ "kunit_rdma0 hca_object=1 hca_object=max", "hca_handle=max hca_object=max" },
	{ "kunit_rdma0 hca_object=0", "hca_handle=max hca_object=0" },
	{ "kunit_rdma0 hca_object=0x10 hca_handle=010",
	  "hca_handle=8 hca_object=16" },
	{ "kunit_rdma0 hca_object=0X1f", "hca_handle=max hca_object=31" },
	{ "kunit_rdma0 hca_object=+5", "hca_handle=max hca_object=5" },
	{ "kunit_rdma0 hca_object=0x7fffffff", "hca_handle=max hca_object=max" },
	{ "kunit_rdma0 hca_object=2147483646",
	  "hca_handle=max hca_object=2147483646" },
};

static void rdmacg_accepted_lines(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);
	int i;

	for (i = 0; i < ARRAY_SIZE(rdmacg_accepted); i++) {
		const char *text = rdmacg_accepted[i].line;

		KUNIT_EXPECT_EQ_MSG(test, write_max(test, cg, text), 0, "for '%s'", text);
		KUNIT_EXPECT_STREQ_MSG(test, line(test, RDMACG_FILE_MAX, cg, dev) +
				       strlen("kunit_rdma0 "),
				       rdmacg_accepted[i].shown, "for '%s'", text);
		text = "kunit_rdma0 hca_handle=max hca_object=max";
		KUNIT_EXPECT_EQ(test, write_max(test, cg, text), 0);
		KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	}
}

static void rdmacg_unnamed_limits_stay(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=1 hca_object=2"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=3"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=1 hca_object=3");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=max"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=max hca_object=3");
	/* A device alone asks for nothing. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 index=40\n"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=max hca_object=3");
}

static void rdmacg_lines_are_set_together(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdmacg_device *dev1 = add_device(test, 1);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg,
					"default hca_handle=9 hca_object=max\n"
					"kunit_rdma0 hca_handle=1 hca_object=2\n"
					"kunit_rdma1 hca_object=3\n"), 0);
	EXPECT_MAX(cg, dev0, "kunit_rdma0 hca_handle=1 hca_object=2");
	EXPECT_MAX(cg, dev1, "kunit_rdma1 hca_handle=9 hca_object=3");
}

/* Default limits. */

static void rdmacg_default_binds_each_device(struct kunit *test)
{
	struct rdmacg_device *dev0 = add_device(test, 0);
	struct rdma_cgroup *top = cgroup_make(test, NULL);
	struct rdma_cgroup *leaf = cgroup_make(test, top);
	struct rdmacg_device *dev1;

	KUNIT_EXPECT_EQ(test, charge(leaf, dev0, RDMACG_TEST_OBJECT), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, top, "default hca_object=2"), 0);
	EXPECT_MAX(top, dev0, "kunit_rdma0 hca_handle=max hca_object=2");
	EXPECT_MAX(leaf, dev0, "kunit_rdma0 hca_handle=max hca_object=max");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev0, RDMACG_TEST_OBJECT, 9), 1);

	/* Without a pool, and on a device that comes later. */
	dev1 = add_device(test, 1);
	KUNIT_EXPECT_EQ(test, nr_pools(dev1), 0);
	EXPECT_MAX(top, dev1, "kunit_rdma1 hca_handle=max hca_object=2");
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev1, RDMACG_TEST_OBJECT), 2);
	KUNIT_EXPECT_EQ(test, lowest_limit(leaf, dev1, RDMACG_TEST_HANDLE), S32_MAX);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev1, RDMACG_TEST_OBJECT, 9), 2);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev1, RDMACG_TEST_HANDLE, 9), 9);

	KUNIT_EXPECT_EQ(test, write_max(test, top, "default hca_object=max"), 0);
	EXPECT_MAX(top, dev0, "kunit_rdma0 hca_handle=max hca_object=max");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, leaf, dev0, RDMACG_TEST_OBJECT, 3), 3);
	uncharge(leaf, dev0, RDMACG_TEST_OBJECT, 5);
	uncharge(leaf, dev1, RDMACG_TEST_OBJECT, 2);
	uncharge(leaf, dev1, RDMACG_TEST_HANDLE, 9);
}

static void rdmacg_own_limit_overrides_the_default(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=5 hca_object=6"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=7"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=7 hca_object=6");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=1 hca_object=2"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=7 hca_object=2");

	/* "max" is an exception as well, and stays one for a new default. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=max"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_object=3"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=7 hca_object=max");
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 5), 5);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 5);

	/* Own limits are taken back one by one, or all. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=default"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=1 hca_object=max");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 default"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=1 hca_object=3");
}

static void rdmacg_pools_go_with_their_last_own_limit(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	/* Where there is no default, "max" is nothing to remember. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=4"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=4 hca_object=max");

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_handle=max hca_object=1"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "kunit_rdma0 hca_object=default"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 1);
	/* An exception from a default goes with it. */
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=max"), 0);
	KUNIT_EXPECT_EQ(test, nr_pools(dev), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=4"), 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=4 hca_object=max");
}

static void rdmacg_default_outlives_its_devices(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_handle=0 hca_object=1\n"
					"kunit_rdma0 hca_object=5"), 0);
	rdmacg_unregister_device(dev);
	dev = add_device(test, 0);
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=0 hca_object=1");
	/* Also what creates the pool may be refused. */
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_HANDLE, 9), 0);
	KUNIT_EXPECT_EQ(test, charge_up_to(test, cg, dev, RDMACG_TEST_OBJECT, 9), 1);
	uncharge(cg, dev, RDMACG_TEST_OBJECT, 1);
}

static void rdmacg_device_called_default_needs_its_index(struct kunit *test)
{
	struct rdmacg_device *dev = add_device(test, 0);
	struct rdma_cgroup *cg = cgroup_make(test, NULL);

	rdmacg_rename_device(dev, "default");
	EXPECT_CURRENT(cg, dev, "default index=40 hca_handle=0 hca_object=0");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default index=40 hca_object=2"), 0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_object=7 hca_handle=8"), 0);
	EXPECT_MAX(cg, dev, "default index=40 hca_handle=8 hca_object=2");
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default index=40 default"), 0);
	EXPECT_MAX(cg, dev, "default index=40 hca_handle=8 hca_object=7");
	rdmacg_rename_device(dev, "kunit_rdma0");
	EXPECT_MAX(cg, dev, "kunit_rdma0 hca_handle=8 hca_object=7");
}

static void rdmacg_default_line_comes_first(struct kunit *test)
{
	struct rdmacg_test *t = test->priv;
	struct rdma_cgroup *cg = cgroup_make(test, NULL);
	struct seq_file sf = { .buf = t->line, .size = sizeof(t->line) };

	rdmacg_show_default(&sf, cg);
	KUNIT_EXPECT_EQ(test, sf.count, (size_t)0);
	KUNIT_EXPECT_EQ(test, write_max(test, cg, "default hca_object=12"), 0);
	rdmacg_show_default(&sf, cg);
	t->line[sf.count] = '\0';
	KUNIT_EXPECT_STREQ(test, (const char *)t->line,
			   "default hca_handle=max hca_object=12\n");
}

static struct kunit_case rdmacg_cases[] = {
	KUNIT_CASE(rdmacg_no_pool_reads_as_unused),
	KUNIT_CASE(rdmacg_limit_makes_one_closed_pool),
	KUNIT_CASE(rdmacg_charge_links_pools_up_to_the_top),
	KUNIT_CASE(rdmacg_usages_are_kept_apart_wherever_they_are),
	KUNIT_CASE(rdmacg_charge_makes_pools_without_any_limit),
	KUNIT_CASE(rdmacg_idle_pools_go_with_their_last_limit),
	KUNIT_CASE(rdmacg_max_written_to_no_pool_leaves_none),
	KUNIT_CASE(rdmacg_charged_pool_stays_without_limit),
	KUNIT_CASE(rdmacg_pools_go_with_their_cgroup),
	KUNIT_CASE(rdmacg_opening_a_middle_pool_keeps_the_leaf_closed),
	KUNIT_CASE(rdmacg_charge_counts_at_every_level),
	KUNIT_CASE(rdmacg_refusal_at_any_level_counts_nowhere),
	KUNIT_CASE(rdmacg_limits_of_zero_and_one),
	KUNIT_CASE(rdmacg_limits_of_s32_max_and_one_less),
	KUNIT_CASE(rdmacg_limit_below_usage_only_refuses),
	KUNIT_CASE(rdmacg_charge_stays_where_it_was_made),
	KUNIT_CASE(rdmacg_removed_cgroup_lives_until_uncharged),
	KUNIT_CASE(rdmacg_refused_charge_keeps_no_reference),
	KUNIT_CASE(rdmacg_deep_hierarchy),
	KUNIT_CASE(rdmacg_root_is_never_counted),
	KUNIT_CASE(rdmacg_unknown_resource_is_refused),
	KUNIT_CASE(rdmacg_devices_are_counted_apart),
	KUNIT_CASE(rdmacg_device_takes_its_pools_along),
	KUNIT_CASE(rdmacg_device_removal_tolerates_a_lost_charge),
	KUNIT_CASE(rdmacg_unregistered_device_is_refused),
	KUNIT_CASE(rdmacg_free_ids_are_used_again),
	KUNIT_CASE(rdmacg_lowest_limit_of_all_levels),
	KUNIT_CASE(rdmacg_peak_stays_when_usage_falls),
	KUNIT_CASE(rdmacg_refused_charge_is_no_record),
	KUNIT_CASE(rdmacg_events_tell_who_refused_and_who_was_refused),
	KUNIT_CASE(rdmacg_events_outlive_the_cgroup_in_its_ancestors),
	KUNIT_CASE(rdmacg_device_goes_with_events_queued),
	KUNIT_CASE(rdmacg_same_name_needs_index),
	KUNIT_CASE(rdmacg_renamed_device_keeps_limits_and_counts),
	KUNIT_CASE(rdmacg_refused_lines_change_nothing),
	KUNIT_CASE(rdmacg_accepted_lines),
	KUNIT_CASE(rdmacg_unnamed_limits_stay),
	KUNIT_CASE(rdmacg_lines_are_set_together),
	KUNIT_CASE(rdmacg_default_binds_each_device),
	KUNIT_CASE(rdmacg_own_limit_overrides_the_default),
	KUNIT_CASE(rdmacg_pools_go_with_their_last_own_limit),
	KUNIT_CASE(rdmacg_default_outlives_its_devices),
	KUNIT_CASE(rdmacg_device_called_default_needs_its_index),
	KUNIT_CASE(rdmacg_default_line_comes_first),
	{ }
};

static struct kunit_suite rdmacg_suite = {
	.name = "rdmacg",
	.init = rdmacg_test_init,
	.exit = rdmacg_test_exit,
	.test_cases = rdmacg_cases,
};

kunit_test_suite(rdmacg_suite);
