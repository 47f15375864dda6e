/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs the tests of a program.
 *
 * It makes devices (rxe and siw, each on a dummy link) and cgroups, first on the
 * unified hierarchy and then on a cgroup v1 mount, and takes everything away
 * again, also after a failure or a signal.
 *
 * Three kinds of processes take part:
 *
 *   supervisor  makes and removes devices and hierarchies, runs the tests one
 *               by one, tidies up after each, and reports in TAP
 *   test        one per test; reads and writes the cgroup files, and judges
 *   holders     sit in the cgroups under test; make, keep and drop verbs
 *               objects when the test asks them to
 *
 * A test that cannot go on exits. It need not tidy up.
 */
#ifndef RDMA_RUNNER_H
#define RDMA_RUNNER_H

#include <stdbool.h>

#include "rdma_case.h"

struct rdma_test {
	int (*fn)(const char *root);
	const char *name;
	bool unified_only;	/* there is nothing like it in v1 */
	bool legacy_only;	/* nor in v2 */
};

#define T(x, ...) { x, #x, ##__VA_ARGS__ }

/* Does not return. */
void run_rdma_tests(int argc, char **argv, const struct rdma_test *tests, int nr);

#endif
