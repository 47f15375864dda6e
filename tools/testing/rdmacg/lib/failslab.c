// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "failslab.h"
#include "guest.h"

#define FAILSLAB	"/sys/kernel/debug/failslab"

static int nth_fd = -1;

/*
 * kmemleak's own notes do not fail: it would do without, and each would be one
 * more try. Returns whether this kernel can be told so.
 */
static bool spare_kmemleak(void)
{
	bool spared = true;
	glob_t found;
	size_t i;

	if (glob("/sys/kernel/slab/*/failslab", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc; i++) {
		int fd;

		if (strstr(found.gl_pathv[i], "kmemleak"))
			continue;
		fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);
		spared &= fd >= 0 && write(fd, "1", 1) == 1;
		close(fd);
	}
	globfree(&found);
	return spared;
}

int failslab_prepare(void)
{
	const char * const settings[][2] = {
		{ "probability", "0" },
		{ "times", "-1" },
		{ "ignore-gfp-wait", "N" },
		{ "task-filter", "Y" },
		{ "cache-filter", spare_kmemleak() ? "Y" : "N" },
		/* The log needs no stack of each. */
		{ "verbose", "0" },
	};
	int ret = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings) && !ret; i++)
		ret = cg_write(FAILSLAB, settings[i][0], settings[i][1]);
	return ret;
}

int failslab_percent(unsigned int percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", percent);
	return cg_write(FAILSLAB, "probability", text);
}

int fail_nth_begin(void)
{
	if (nth_fd >= 0)
		close(nth_fd);
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd < 0 ? -errno : 0;
}

void fail_nth(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_fd, text, length, 0) != length)
		err(EXIT_FAILURE, "cannot ask for a fault");
}

bool fail_end(unsigned int *left)
{
	char text[16] = "";
	unsigned int nth;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		err(EXIT_FAILURE, "cannot read what is left of a fault");
	nth = strtoul(text, NULL, 10);
	fail_nth(0);
	if (left)
		*left = nth;
	return !nth;
}
