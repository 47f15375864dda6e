// SPDX-License-Identifier: GPL-2.0-only
/*
 * One controller, ours or one to compare with: the file CONTROLLER, unchanged,
 * and the table FLAVOUR_ops, which is all that other objects see of it.
 */

#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>

#include CONTROLLER

#include "native.h"

#define NAME_SIZE	64	/* IB_DEVICE_NAME_MAX */
#define PASTE(a, b)	a##b
#define OPS_NAME(name)	PASTE(name, _ops)
#define STRING(x)	#x
#define NAME_OF(x)	STRING(x)

static_assert(!offsetof(struct rdma_cgroup, css));

/* From malloc(), so that a use after removal shows, and no fault is injected. */
static struct rdmacg_device *flavour_device_add_as(const char *name,
						   unsigned int index)
{
	struct rdmacg_device *device = calloc(1, sizeof(*device));

	if (device)
		device->name = calloc(1, NAME_SIZE);
	if (!device || !device->name)
		abort();
	strscpy(device->name, name, NAME_SIZE);
#ifdef HAS_INDEX
	device->index = index;
#endif
	rdmacg_register_device(device);
	return device;
}

static struct rdmacg_device *flavour_device_add(const char *name)
{
	return flavour_device_add_as(name, 0);
}

static void flavour_device_del(struct rdmacg_device *device)
{
	rdmacg_unregister_device(device);
	free(device->name);
	free(device);
}

static int flavour_nr_pools(struct rdmacg_device *device)
{
	struct list_head *node;
	int count = 0;

	list_for_each(node, &device->rpools)
		count++;
	return count;
}

#ifdef PEER
#define rdmacg_query_limit	NULL

/* As the IB core does, under a lock of its own. */
static void rdmacg_rename_device(struct rdmacg_device *device, const char *name)
{
	strscpy(device->name, name, NAME_SIZE);
}
#endif

const struct rdmacg_ops OPS_NAME(FLAVOUR) = {
	.name		= NAME_OF(FLAVOUR),
	.version	= VERSION,
	.pool_size	= sizeof(struct rdmacg_resource_pool),
	.subsys		= &rdma_cgrp_subsys,
	.device_add	= flavour_device_add,
	.device_add_as	= flavour_device_add_as,
	.device_del	= flavour_device_del,
	.try_charge	= rdmacg_try_charge,
	.uncharge	= rdmacg_uncharge,
	.query_limit	= rdmacg_query_limit,
	.rename		= rdmacg_rename_device,
	.nr_pools	= flavour_nr_pools,
};
