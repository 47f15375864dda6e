/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _SHIM_LINUX_STRING_H
#define _SHIM_LINUX_STRING_H

#include_next <linux/string.h>
#include <sys/types.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#define strstrip	strim

#ifdef SHIM_DEBUG
/* How many strings this thread has compared. */
extern __thread unsigned long shim_nr_strcmp;
#define strcmp(a, b)	(shim_nr_strcmp++, strcmp(a, b))
#endif

/* tools/ makes it strcpy(). Threads may meet in the middle of it. */
#undef strscpy
static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size);
	bool fits = length < size;

	if (!fits)
		length = size - 1;
	memcpy(to, from, length / 2);
	shim_preempt();
	memcpy(to + length / 2, from + length / 2, length - length / 2);
	to[length] = '\0';
	return fits ? length : -E2BIG;
}

int match_string(const char * const *array, size_t n, const char *string);

static inline char *kmemdup_nul(const char *s, size_t length, gfp_t gfp)
{
	char *copy = kmalloc(length + 1, gfp);

	if (copy) {
		memcpy(copy, s, length);
		copy[length] = '\0';
	}
	return copy;
}

static inline char *kstrdup(const char *s, gfp_t gfp)
{
	return kmemdup_nul(s, strlen(s), gfp);
}

#endif
