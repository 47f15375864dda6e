// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzing: the input is written to rdma.max of a cgroup, in one write, or in
 * several: two zeros end one. Each gets the reference's result. In the end
 * limits and pools must be as the reference says, here and in the parent.
 */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STANDING_LIMIT	"mlx4_0 hca_handle=3"

enum { ROOT, TOP, LEAF };

/* Two have one name, and others look like what may follow a name. */
static const char * const names[] = {
	"mlx4_0", "ocrdma1", "twin", "twin", "hca_object=1", "max",
	"default",
};

static unsigned long nr_writes, nr_taken;

static void tell_writes(void)
{
	fprintf(stderr, "stat::number_of_writes: , %lu writes, %lu refused\n",
		nr_writes, nr_writes - nr_taken);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int i;

	atexit(tell_writes);

	fuzz_init();
	fuzz_begin();
	fuzz_mkdir(ROOT);
	fuzz_mkdir(TOP);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		fuzz_device_add(i, names[i]);
	fuzz_write(LEAF, STANDING_LIMIT, strlen(STANDING_LIMIT));
	return 0;
}

static void restore_limits(void)
{
	static const char no_default[] = "default hca_handle=max hca_object=max";
	const struct ref_counter *counters;
	char line[64];
	int i;

	fuzz_write(LEAF, no_default, strlen(no_default));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		counters = fuzz_world.ref.cgroups[LEAF].counters[i];
		if (counters[0].own_limit == REF_NO_LIMIT &&
		    counters[1].own_limit == REF_NO_LIMIT)
			continue;
		snprintf(line, sizeof(line), "%s index=%d default", names[i], i);
		fuzz_write(LEAF, line, strlen(line));
	}
	fuzz_compare_pools();
	fuzz_write(LEAF, STANDING_LIMIT, strlen(STANDING_LIMIT));
}

/* True if it was taken. */
static bool write_one(const u8 *data, size_t size)
{
	bool taken = fuzz_write(LEAF, (const char *)data, size);

	nr_writes++;
	nr_taken += taken;
	return taken;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end;
	bool taken = false;

	while ((end = memmem(data, size, "\0", 2))) {
		taken |= write_one(data, end - data);
		size -= end + 2 - data;
		data = end + 2;
	}
	taken |= write_one(data, size);

	fuzz_compare_file(LEAF, REF_MAX);
	fuzz_compare_file(TOP, REF_MAX);
	fuzz_compare_pools();
	/* What is refused has changed nothing, as was just seen. */
	if (taken)
		restore_limits();
	return 0;
}
