// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make a device one whose driver does not say that its limits may be clamped,
 * while this module is loaded.
 *
 * It is a client of the IB core, as not all kernels let a module look a device
 * up by its name.
 */

#include <linux/module.h>
#include <rdma/ib_verbs.h>

static char *device = "mlx4_0";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "name of the device");

static bool found;

static int no_clamp_add(struct ib_device *ibdev)
{
	if (strcmp(dev_name(&ibdev->dev), device))
		return -EOPNOTSUPP;
	ibdev->ops.uverbs_clamp_attr = false;
	found = true;
	return 0;
}

static void no_clamp_remove(struct ib_device *ibdev, void *client_data)
{
	ibdev->ops.uverbs_clamp_attr = true;
}

static struct ib_client no_clamp_client = {
	.name = "no_clamp",
	.add = no_clamp_add,
	.remove = no_clamp_remove,
};

static int __init no_clamp_init(void)
{
	int err = ib_register_client(&no_clamp_client);

	if (!err && !found) {
		ib_unregister_client(&no_clamp_client);
		return -ENODEV;
	}
	return err;
}

static void __exit no_clamp_exit(void)
{
	ib_unregister_client(&no_clamp_client);
}

module_init(no_clamp_init);
module_exit(no_clamp_exit);

MODULE_DESCRIPTION("Keeps a device's limits from being clamped");
MODULE_LICENSE("GPL");
