/* SPDX-License-Identifier: GPL-2.0-only */
/* Warnings are counted, each time, so that tests can look for them. */
#ifndef _SHIM_ASM_BUG_H
#define _SHIM_ASM_BUG_H

#include <linux/compiler.h>
#include <linux/printk.h>

#define WARN(condition, format...) ({			\
	int __ret_warn = !!(condition);			\
							\
	if (unlikely(__ret_warn))			\
		shim_print(true, format);		\
	unlikely(__ret_warn);				\
})

#define WARN_ON(condition)						\
	WARN(condition, "%s:%d: %s\n", __FILE__, __LINE__, #condition)

/* As for pr_warn_once(). */
#define WARN_ONCE	WARN
#define WARN_ON_ONCE	WARN_ON

#endif
