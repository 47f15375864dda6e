/* SPDX-License-Identifier: GPL-2.0-only */
/* As in the kernel, and not in tools/, 64 bits are a long long. */
#ifndef _SHIM_LINUX_TYPES_H
#define _SHIM_LINUX_TYPES_H

#define u64 tools_u64
#define s64 tools_s64
#include_next <linux/types.h>
#undef u64
#undef s64

typedef __u64 u64;
typedef __s64 s64;

#endif
