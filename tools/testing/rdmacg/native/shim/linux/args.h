/* SPDX-License-Identifier: GPL-2.0-only */
/* Both the C library and the kernel define __CONCAT(), to the same effect. */
#ifndef _SHIM_LINUX_ARGS_H
#define _SHIM_LINUX_ARGS_H

#undef __CONCAT
#include_next <linux/args.h>

#endif
