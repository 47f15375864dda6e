/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of cgroups. The kernel's own tests have such helpers too, but not all
 * bases the same ones. What returns an int returns 0 or a negative errno.
 */
#ifndef RDMACG_CGROUP_H
#define RDMACG_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

int cg_create(const char *cgroup);
int cg_write(const char *cgroup, const char *file, const char *text);
int cg_enter(const char *cgroup, pid_t pid);
/* Moves the calling process. */
int cg_enter_current(const char *cgroup);
/* Kills whatever is in @cgroup itself, once. */
void cg_kill(const char *cgroup);
/* Cuts off what does not fit into @text. */
int cg_read(const char *cgroup, const char *file, char *text, size_t size);
bool cg_has(const char *cgroup, const char *file, const char *text);
/* The number behind the first @key, which includes its blank; or -1. */
long cg_read_key_long(const char *cgroup, const char *file, const char *key);

/* The same, for what the program cannot do without: it ends if they fail. */
void cg_must_create(const char *cgroup);
void cg_must_write(const char *cgroup, const char *file, const char *text);
void cg_must_enter(const char *cgroup);		/* the calling process */
/* Good until the next call. */
char *cg_must_read(const char *cgroup, const char *file);

#endif /* RDMACG_CGROUP_H */
