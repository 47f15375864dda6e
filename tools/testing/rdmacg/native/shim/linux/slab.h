/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocation is counted, and can be made to fail: see native.h. */
#ifndef _SHIM_LINUX_SLAB_H
#define _SHIM_LINUX_SLAB_H

#include_next <linux/slab.h>

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kzalloc(n * size, gfp);
}

/* Where tools/include lacks it, callers leave GFP_KERNEL out. */
#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif
#define kzalloc_objs(object, n)	kcalloc(n, sizeof(object), GFP_KERNEL)

#endif
