// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make a device one whose driver does not say that its limits may be clamped,
 * while this module is loaded.
 */

#include <linux/module.h>
#include <rdma/ib_verbs.h>

static char *device = "mlx4_0";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "name of the device");

static int no_clamp_set(bool clamp)
{
	struct ib_device *ibdev;

	ibdev = ib_device_get_by_name(device, RDMA_DRIVER_UNKNOWN);
	if (!ibdev)
		return -ENODEV;
	ibdev->ops.uverbs_clamp_attr = clamp;
	ib_device_put(ibdev);
	return 0;
}

static int __init no_clamp_init(void)
{
	return no_clamp_set(false);
}

static void __exit no_clamp_exit(void)
{
	no_clamp_set(true);
}

module_init(no_clamp_init);
module_exit(no_clamp_exit);

MODULE_DESCRIPTION("Keeps a device's limits from being clamped");
MODULE_LICENSE("GPL");
