/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_MM_H
#define _SHIM_LINUX_MM_H

#include <asm/page.h>

#define mem_dump_obj(object)	do { } while (0)

#endif
