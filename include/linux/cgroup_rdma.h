/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RDMA cgroup controller: what the IB core sees of it.
 *
 * Copyright (C) 2016 Parav Pandit <pandit.parav@gmail.com>
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
	int default_max[RDMACG_RESOURCE_MAX];
	struct cgroup_file events_file;
	struct cgroup_file events_local_file;
};

/**
 * struct rdmacg_device - a device whose objects are counted
 * @name: set by the owner before registration, and read only then
 * @index: likewise; tells devices of one name apart, see "rdma dev"
 * @id: lowest positive number free at registration, 0 while not registered
 * @dup_name: another registered device has the same name
 * @shown_name: the name in the interface files, a copy
 * @dev_node: position among all devices, in order of registration
 * @id_node: position among all devices, by @id
 * @rpools: the device's pools in all cgroups
 *
 * Part of the owner's device structure, which must come zeroed. All from @id
 * on is private to the controller.
 */
struct rdmacg_device {
	char *name;
	u32 index;

	unsigned int id;
	bool dup_name;
	char shown_name[RDMACG_DEVICE_NAME_MAX];
	struct list_head dev_node;
	struct list_head id_node;
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
