// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bare chain of page counters behind the same table, to measure against: no
 * references, no devices, one resource.
 */

#include <linux/kernel.h>
#include <linux/page_counter.h>
#include <linux/slab.h>
#include <stdlib.h>
#include <string.h>

#include PAGE_COUNTER

#include "native.h"

struct rdma_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter counter;
};

struct rdmacg_device {
	char unused;
};

static struct rdma_cgroup *css_cg(struct cgroup_subsys_state *css)
{
	return container_of(css, struct rdma_cgroup, css);
}

static struct cgroup_subsys_state *
page_counter_css_alloc(struct cgroup_subsys_state *parent)
{
	struct rdma_cgroup *cg = kzalloc(sizeof(*cg), GFP_KERNEL);

	if (!cg)
		return ERR_PTR(-ENOMEM);

	/* As in the controllers, the root does not count. */
	page_counter_init(&cg->counter, parent && parent->parent ?
			  &css_cg(parent)->counter : NULL, false);
	return &cg->css;
}

static void page_counter_css_free(struct cgroup_subsys_state *css)
{
	kfree(css_cg(css));
}

/* "NAME KEY=N": the limit is N for all names and keys. */
static ssize_t page_counter_write(struct kernfs_open_file *of, char *buf,
				  size_t nbytes, loff_t off)
{
	struct page_counter *counter = &css_cg(of_css(of))->counter;
	const char *value = strrchr(buf, '=');
	unsigned long limit;
	int err;

	if (!value)
		return -EINVAL;
	value++;
	if (!strncmp(value, "max", 3))
		limit = PAGE_COUNTER_MAX;
	else
		limit = strtoul(value, NULL, 0);
	err = page_counter_set_max(counter, limit);
	return err ?: nbytes;
}

static int page_counter_show(struct seq_file *sf, void *v)
{
	struct page_counter *counter = &css_cg(seq_css(sf))->counter;

	if (seq_cft(sf)->write)
		seq_printf(sf, "%lu\n", READ_ONCE(counter->max));
	else
		seq_printf(sf, "%lu\n", page_counter_read(counter));
	return 0;
}

static struct cftype page_counter_files[] = {
	{
		.name = "max",
		.seq_show = page_counter_show,
		.write = page_counter_write,
	},
	{
		.name = "current",
		.seq_show = page_counter_show,
	},
	{ }
};

static struct cgroup_subsys page_counter_subsys = {
	.css_alloc	= page_counter_css_alloc,
	.css_free	= page_counter_css_free,
	.dfl_cftypes	= page_counter_files,
};

static struct rdmacg_device *page_counter_device_add(const char *name)
{
	return calloc(1, sizeof(struct rdmacg_device));
}

static void page_counter_device_del(struct rdmacg_device *device)
{
	free(device);
}

static int page_counter_chain_charge(struct rdma_cgroup **cg,
				     struct rdmacg_device *device,
				     unsigned int resource)
{
	struct rdma_cgroup *mine = css_cg(task_css(current, rdma_cgrp_id));
	struct page_counter *fail;

	if (!page_counter_try_charge(&mine->counter, 1, &fail))
		return -EAGAIN;
	*cg = mine;
	return 0;
}

static void page_counter_chain_uncharge(struct rdma_cgroup *cg,
					struct rdmacg_device *device,
					unsigned int resource)
{
	page_counter_uncharge(&cg->counter, 1);
}

const struct rdmacg_ops page_counter_ops = {
	.name		= "page_counter",
	.version	= VERSION,
	.pool_size	= sizeof(struct page_counter),
	.subsys		= &page_counter_subsys,
	.device_add	= page_counter_device_add,
	.device_del	= page_counter_device_del,
	.try_charge	= page_counter_chain_charge,
	.uncharge	= page_counter_chain_uncharge,
};
