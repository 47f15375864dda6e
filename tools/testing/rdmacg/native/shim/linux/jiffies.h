/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_JIFFIES_H
#define _SHIM_LINUX_JIFFIES_H

/* A jiffy is a millisecond. */
#define msecs_to_jiffies(ms)	((unsigned long)(ms))

#endif
