/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_MATH64_H
#define _SHIM_LINUX_MATH64_H

#include_next <linux/math64.h>

u64 int_pow(u64 base, unsigned int exp);

#define div_u64(dividend, divisor)	((u64)(dividend) / (divisor))

#endif
