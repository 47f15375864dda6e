/* SPDX-License-Identifier: GPL-2.0-only */
/* tools/include has it here, or in <linux/kernel.h>. */
#if __has_include_next(<linux/container_of.h>)
#include_next <linux/container_of.h>
#else
#include <linux/kernel.h>
#endif
