/* SPDX-License-Identifier: GPL-2.0-only */
/* Leaks, as kmemleak finds them. To look takes some seconds. */
#ifndef RDMACG_LEAKS_H
#define RDMACG_LEAKS_H

#include <stdbool.h>

/* Whether the kernel has kmemleak. */
bool leaks_sought(void);
/* Those that there are do not count. */
void leaks_forget(void);
/* Shows each. Returns how many are faults, not known ones of others; or -1. */
int leaks_judge(void);

#endif /* RDMACG_LEAKS_H */
