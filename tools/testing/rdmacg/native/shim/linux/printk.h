/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_PRINTK_H
#define _SHIM_LINUX_PRINTK_H

#include <linux/compiler.h>
#include <stdbool.h>

/* Count and show a text; see shim_take_warnings(). */
__printf(2, 3)
void shim_print(bool warning, const char *format, ...);

#undef pr_err
#undef pr_warn
#undef pr_info
#undef pr_cont
#undef pr_debug
#define pr_err(...)	shim_print(false, __VA_ARGS__)
#define pr_warn(...)	shim_print(false, __VA_ARGS__)
/* 'Once' is for the reader of a log; tests here want to see each one. */
#define pr_warn_once	pr_warn
/* Only counted; see shim_take_infos(). */
__printf(1, 2)
void shim_print_info(const char *format, ...);
#define pr_info(...)	shim_print_info(__VA_ARGS__)
#define pr_cont(...)	do { } while (0)
#define pr_debug(...)	do { } while (0)

#endif
