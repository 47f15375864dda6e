// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IB core's side of the RDMA cgroup controller: it turns an ib_device and
 * the owner field of a context or object into the controller's own terms.
 */

#include "core_priv.h"

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
