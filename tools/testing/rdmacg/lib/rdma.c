// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma.h"

const char * const rdma_files[NR_RDMA_FILES] = {
	"rdma.current", "rdma.max", "rdma.peak", "rdma.events",
	"rdma.events.local",
};

static bool parse_limit(const char *text, long *value)
{
	char *end;

	*value = NO_LIMIT;
	if (!strcmp(text, "max"))
		return true;
	*value = strtol(text, &end, 10);
	return !*end && *value >= 0;
}

/* "NAME", or "NAME index=N". */
static bool is_device(const char *text)
{
	const char *index = strchr(text, ' ');
	int end = 0;

	if (!index)
		return *text;
	if (sscanf(index, " index=%*u%n", &end) == EOF)
		return false;
	return index > text && end && !index[end];
}

bool parse_line(const char *text, const char *file, struct line *line)
{
	const char *keys = strstr(text, " hca_handle");
	char handles[24], objects[24];
	int end = 0;

	if (!keys)
		return false;
	snprintf(line->device, sizeof(line->device), "%.*s",
		 (int)(keys - text), text);
	if (!is_device(line->device))
		return false;
	if (!strncmp(file, "rdma.events", strlen("rdma.events")))
		return sscanf(keys, " hca_handle.max=%ld hca_handle.alloc_fail=%ld hca_object.max=%ld hca_object.alloc_fail=%ld %n",
			      &line->values[0], &line->values[1],
			      &line->values[2], &line->values[3], &end) == 4 &&
		       !keys[end];
	return sscanf(keys, " hca_handle=%23s hca_object=%23s %n", handles,
		      objects, &end) == 2 &&
	       !keys[end] && parse_limit(handles, &line->values[HANDLE]) &&
	       parse_limit(objects, &line->values[OBJECT]);
}

bool find_device_line(const char *text, const char *file, const char *device,
		      struct line *line)
{
	char one[256];
	size_t length;

	for (; *text; text += length + !!text[length]) {
		length = strcspn(text, "\n");
		snprintf(one, sizeof(one), "%.*s", (int)length, text);
		if (parse_line(one, file, line) && !strcmp(line->device, device))
			return true;
	}
	return false;
}
