/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations that fail, on a kernel with CONFIG_FAILSLAB. What returns an int
 * returns 0 or a negative errno.
 */
#ifndef RDMACG_FAILSLAB_H
#define RDMACG_FAILSLAB_H

#include <stdbool.h>

/* None fails yet, nor ever one of a process that has not asked for it. */
int failslab_prepare(void);
/* Of those of processes with make-it-fail set, so many per cent fail. */
int failslab_percent(unsigned int percent);

/* Each thread that is to use the others calls this first. */
int fail_nth_begin(void);
/* The @nth allocation of this thread from now fails. */
void fail_nth(unsigned int nth);
/* No more does; whether one did. Else *@left, if not NULL, says how many didn't. */
bool fail_end(unsigned int *left);

#endif /* RDMACG_FAILSLAB_H */
