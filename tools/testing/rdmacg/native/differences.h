/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a write to rdma.max may lead to in this controller that it does not in
 * another, and why: see README.md.
 */
#ifndef _RDMACG_DIFFERENCES_H
#define _RDMACG_DIFFERENCES_H

#include <stdbool.h>
#include <stddef.h>

enum peer { MAINLINE, STOCK, NR_PEERS };

struct difference {
	const char *name;
	/* One of these tells that it may be this: of a line, or of a value. */
	bool (*line)(const char *line);
	bool (*value)(const char *value, size_t length);
	int ours, theirs;
	unsigned int peers;		/* bits */
	unsigned long count[NR_PEERS];
};

extern struct difference differences[];
extern const int nr_differences;

/*
 * What explains that @text led to @ours here and to @theirs there, be it a
 * result or, where both take it, limits; NULL: nothing does.
 */
struct difference *find_difference(enum peer peer, const char *text,
				   long ours, long theirs);

#endif
