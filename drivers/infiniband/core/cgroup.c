// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IB core's side of the RDMA cgroup controller: it turns an ib_device and
 * the owner field of a context or object into the controller's own terms.
 *
 * Copyright (C) 2016 Parav Pandit <pandit.parav@gmail.com>
 */

#include "core_priv.h"

static_assert(RDMACG_DEVICE_NAME_MAX == IB_DEVICE_NAME_MAX);

/**
 * ib_device_register_rdmacg - let cgroups limit what is made on a device
 * @device: device that user space cannot reach yet
 *
 * Context: Process context, may sleep. To be called before the first user
 *	    can open @device, as what was not charged cannot be uncharged.
 */
void ib_device_register_rdmacg(struct ib_device *device)
{
	device->cg_device.name = device->name;
	device->cg_device.index = device->index;
	rdmacg_register_device(&device->cg_device);
}

/**
 * ib_device_unregister_rdmacg - undo ib_device_register_rdmacg()
 * @device: device that has no user left, and that none can open any more
 *
 * Context: Process context, may sleep.
 */
void ib_device_unregister_rdmacg(struct ib_device *device)
{
	rdmacg_unregister_device(&device->cg_device);
}

/**
 * ib_rdmacg_try_charge - charge the calling task's cgroup
 * @cg_obj: remembers the cgroup that was charged, for ib_rdmacg_uncharge()
 * @device: device on which a context or object is about to be made
 * @resource_index: what is about to be made
 *
 * Context: Process context, may sleep.
 * Return: 0, or what rdmacg_try_charge() refuses with; @cg_obj is then as it
 *	   was.
 */
int ib_rdmacg_try_charge(struct ib_rdmacg_object *cg_obj,
			 struct ib_device *device,
			 enum rdmacg_resource_type resource_index)
{
	return rdmacg_try_charge(&cg_obj->cg, &device->cg_device,
				 resource_index);
}
EXPORT_SYMBOL(ib_rdmacg_try_charge);

/**
 * ib_rdmacg_uncharge - give back one ib_rdmacg_try_charge()
 * @cg_obj: as that charge left it
 * @device: device that was charged for
 * @resource_index: resource that was charged
 *
 * Context: Any context that rdmacg_uncharge() allows.
 */
void ib_rdmacg_uncharge(struct ib_rdmacg_object *cg_obj,
			struct ib_device *device,
			enum rdmacg_resource_type resource_index)
{
	rdmacg_uncharge(cg_obj->cg, &device->cg_device, resource_index);
}
EXPORT_SYMBOL(ib_rdmacg_uncharge);

/* Lower each number of verbs objects to @limit. */
static void ib_clamp_attr(struct ib_device_attr *attr, int limit)
{
	int *counts[] = {
		&attr->max_qp, &attr->max_raw_ipv6_qp, &attr->max_raw_ethy_qp,
		&attr->max_cq, &attr->max_srq, &attr->max_pd, &attr->max_mr,
		&attr->max_mw, &attr->max_ah,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		*counts[i] = min(*counts[i], limit);

	attr->max_wq_type_rq = min_t(u32, attr->max_wq_type_rq, limit);
	attr->rss_caps.max_rwq_indirection_tables =
		min_t(u32, attr->rss_caps.max_rwq_indirection_tables, limit);
}

/**
 * ib_rdmacg_clamp_attr - cap what a device offers by what a task may have
 * @device: device that was queried
 * @attr: what the hardware supports. Each number of verbs objects becomes the
 *	  calling task's limit where that is lower.
 *
 * Does nothing unless the driver sets uverbs_clamp_attr in its ib_device_ops:
 * some user space providers size tables by these numbers, and index them with
 * what the hardware says.
 *
 * Context: Any context but NMI.
 */
void ib_rdmacg_clamp_attr(struct ib_device *device, struct ib_device_attr *attr)
{
	if (device->ops.uverbs_clamp_attr)
		ib_clamp_attr(attr,
			      rdmacg_query_limit(&device->cg_device,
						 RDMACG_RESOURCE_HCA_OBJECT));
}
EXPORT_SYMBOL(ib_rdmacg_clamp_attr);

/**
 * ib_device_rename_rdmacg - tell the controller a device's new name
 * @device: device whose name has changed
 *
 * Context: Process context, may sleep.
 */
void ib_device_rename_rdmacg(struct ib_device *device)
{
	rdmacg_rename_device(&device->cg_device, device->name);
}

/* As part of a module it would need a second module_init() in some kernels. */
#if defined(CONFIG_CGROUP_RDMA_KUNIT_TEST) && IS_BUILTIN(CONFIG_INFINIBAND)
#include "cgroup_test.c"
#endif
