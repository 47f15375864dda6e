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

/* Room for the name of a device, with its end; IB_DEVICE_NAME_MAX. */
#define RDMACG_DEVICE_NAME_MAX 64

struct rdmacg_pool_table;

struct rdma_cgroup {
	struct cgroup_subsys_state css;
	struct rdmacg_pool_table __rcu *table;
	struct cgroup_file events_file;
	struct cgroup_file events_local_file;
};

/**
 * struct rdmacg_device - a device whose objects are counted
 * @name: set by the owner before registration, and read only then
 * @index: likewise; tells devices of one name apart, see "rdma dev"
 * @id: smallest positive number free at registration, 0 while not registered
 * @namesake: another registered device has the same name
 * @label: the name as the interface files show it; heads the device's lines
 * @dev_node: position among all devices, in order of registration
 * @rpools: the device's pools in all cgroups, children before parents
 *
 * Part of the owner's device structure, which must come zeroed. From @id on,
 * all is the controller's own.
 */
struct rdmacg_device {
	char *name;
	u32 index;

	unsigned int id;
	bool namesake;
	char label[RDMACG_DEVICE_NAME_MAX];
	struct list_head dev_node;
	struct list_head rpools;
};

void rdmacg_register_device(struct rdmacg_device *device);
void rdmacg_unregister_device(struct rdmacg_device *device);
void rdmacg_rename_device(struct rdmacg_device *device, const char *name);

int rdmacg_try_charge(struct rdma_cgroup **rdmacg,
		      struct rdmacg_device *device,
		      enum rdmacg_resource_type index);
void rdmacg_uncharge(struct rdma_cgroup *cg,
		     struct rdmacg_device *device,
		     enum rdmacg_resource_type index);
int rdmacg_query_limit(struct rdmacg_device *device,
		       enum rdmacg_resource_type index);

#endif	/* CONFIG_CGROUP_RDMA */
#endif	/* _CGROUP_RDMA_H */
