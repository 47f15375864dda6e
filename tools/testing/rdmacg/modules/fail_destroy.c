// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make a driver fail to destroy an object, as broken hardware would: while
 * this module is loaded, the function that its parameter names does nothing
 * but return -EBUSY.
 */

#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char *function = "rxe_dealloc_pd";
module_param(function, charp, 0444);
MODULE_PARM_DESC(function, "driver's destroy verb, by its symbol");

static int fail_destroy_instead(void)
{
	return -EBUSY;
}

/* At the function's first instruction, what is called may still be another. */
static int fail_destroy_pre(struct kprobe *probe, struct pt_regs *regs)
{
	instruction_pointer_set(regs, (unsigned long)fail_destroy_instead);
	return 1;
}

/* Keeps the probe from being optimized to a jump, which could not return. */
static void fail_destroy_post(struct kprobe *probe, struct pt_regs *regs,
			      unsigned long flags)
{
}

static struct kprobe fail_destroy_probe = {
	.pre_handler = fail_destroy_pre,
	.post_handler = fail_destroy_post,
};

static int __init fail_destroy_init(void)
{
	fail_destroy_probe.symbol_name = function;
	return register_kprobe(&fail_destroy_probe);
}

static void __exit fail_destroy_exit(void)
{
	unregister_kprobe(&fail_destroy_probe);
}

module_init(fail_destroy_init);
module_exit(fail_destroy_exit);

MODULE_DESCRIPTION("Makes a driver's destroy verb fail");
MODULE_LICENSE("GPL");
