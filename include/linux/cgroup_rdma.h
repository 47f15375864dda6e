/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RDMA cgroup controller: what the IB core sees of it.
 */

#ifndef _CGROUP_RDMA_H
#define _CGROUP_RDMA_H

#include <linux/cgroup.h>

/* At most 64; each needs its name in rdmacg_resource_names[] as well. */
enum rdmacg_resource_type {
	RDMACG_RESOURCE_HCA_HANDLE,	/* open device contexts */
	RDMACG_RESOURCE_HCA_OBJECT,	/* verbs objects: PD, CQ, QP, MR, ... */
	RDMACG_RESOURCE_MAX,
};

#ifdef CONFIG_CGROUP_RDMA

struct rdmacg_pool_table;

struct rdma_cgroup {
	struct cgroup_subsys_state css;
	struct rdmacg_pool_table __rcu *table;
};

/**
 * struct rdmacg_device - a device whose objects are counted
 * @name: set by the owner before registration, valid until unregistration;
 *	  heads the device's line in every interface file
 * @id: smallest positive number free at registration, 0 while not
 *	registered; the controller's own
 * @dev_node: position among all devices, in order of registration;
 *	      the controller's own
 * @rpools: the device's pools in all cgroups, children before parents;
 *	    the controller's own
 *
 * Part of the owner's device structure, which must come zeroed.
 */
struct rdmacg_device {
	char *name;
	unsigned int id;
	struct list_head dev_node;
	struct list_head rpools;
};

void rdmacg_register_device(struct rdmacg_device *device);
void rdmacg_unregister_device(struct rdmacg_device *device);

int rdmacg_try_charge(struct rdma_cgroup **rdmacg,
		      struct rdmacg_device *device,
		      enum rdmacg_resource_type index);
void rdmacg_uncharge(struct rdma_cgroup *cg,
		     struct rdmacg_device *device,
		     enum rdmacg_resource_type index);

#endif	/* CONFIG_CGROUP_RDMA */
#endif	/* _CGROUP_RDMA_H */
