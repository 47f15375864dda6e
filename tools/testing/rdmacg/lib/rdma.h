/* SPDX-License-Identifier: GPL-2.0-only */
/* What the controller's files say. */
#ifndef RDMACG_RDMA_H
#define RDMACG_RDMA_H

#include <stdbool.h>

#include "guest.h"

#define NO_LIMIT	2147483647L	/* "max" */
#define NR_RDMA_FILES	5		/* the stock controller has two */

/* One device's limits, usages or peaks; or two events of each resource. */
struct line {
	char device[96];	/* its name, and its index where it is shown */
	long values[2 * NR_RESOURCES];
};

extern const char * const rdma_files[NR_RDMA_FILES];

/* Returns whether it is a line as there are in @file. */
bool parse_line(const char *text, const char *file, struct line *line);
/* The line of @device in what @file says, if there is one. */
bool find_device_line(const char *text, const char *file, const char *device,
		      struct line *line);

#endif /* RDMACG_RDMA_H */
