/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/ wants operands of one type. */
#ifndef _SHIM_LINUX_OVERFLOW_H
#define _SHIM_LINUX_OVERFLOW_H

#include_next <linux/overflow.h>

#undef check_add_overflow
#undef check_mul_overflow
#define check_add_overflow	__builtin_add_overflow
#define check_mul_overflow	__builtin_mul_overflow

#endif
