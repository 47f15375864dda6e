// SPDX-License-Identifier: GPL-2.0-only
/* See reference.h. */

#include "reference.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT		0
#define BLANKS		" \t\n"
#define UNCHANGED	(-1)

const char * const ref_file_names[REF_FILES] = {
	"max", "current", "peak", "events", "events.local",
};

const char * const ref_resource_names[REF_RESOURCES] = {
	"hca_handle", "hca_object",
};

void ref_init(struct reference *ref)
{
	memset(ref, 0, sizeof(*ref));
	ref->cgroups[ROOT].exists = true;
}

/* The life of cgroups. */

void ref_mkdir(struct reference *ref, int cgroup, int parent)
{
	struct ref_cgroup *new = &ref->cgroups[cgroup];
	int d, r;

	memset(new, 0, sizeof(*new));
	new->exists = true;
	new->parent = parent;
	for (d = 0; d < REF_DEVICES; d++)
		for (r = 0; r < REF_RESOURCES; r++)
			new->counters[d][r].limit = REF_UNLIMITED;
	ref->cgroups[parent].nr_children++;
}

/* A removed cgroup lives on while it has charges, tasks, or such children. */
static void forget_unneeded(struct reference *ref, int cgroup)
{
	struct ref_cgroup *c = &ref->cgroups[cgroup];

	while (c->removed && !c->nr_children && !c->nr_tasks && !c->nr_charges) {
		c->exists = false;
		c = &ref->cgroups[c->parent];
		c->nr_children--;
	}
}

void ref_rmdir(struct reference *ref, int cgroup)
{
	ref->cgroups[cgroup].removed = true;
	forget_unneeded(ref, cgroup);
}

void ref_enter(struct reference *ref, int cgroup)
{
	ref->cgroups[cgroup].nr_tasks++;
}

void ref_leave(struct reference *ref, int cgroup)
{
	ref->cgroups[cgroup].nr_tasks--;
	forget_unneeded(ref, cgroup);
}

int ref_nr_cgroups(const struct reference *ref)
{
	int cgroup, count = 0;

	for (cgroup = 0; cgroup < REF_CGROUPS; cgroup++)
		count += ref->cgroups[cgroup].exists;
	return count;
}

/* Devices. */

void ref_device_add(struct reference *ref, int device, const char *name,
		    unsigned int index)
{
	ref->devices[device].registered = true;
	ref->devices[device].index = index;
	ref_device_rename(ref, device, name);
	ref->order[ref->nr_registered++] = device;
}

void ref_device_rename(struct reference *ref, int device, const char *name)
{
	snprintf(ref->devices[device].name, REF_NAME_SIZE, "%s", name);
}

bool ref_device_del(struct reference *ref, int device)
{
	bool charged = false;
	int i, cgroup, r;

	for (cgroup = 0; cgroup < REF_CGROUPS; cgroup++) {
		for (r = 0; r < REF_RESOURCES; r++) {
			struct ref_counter *counter =
				&ref->cgroups[cgroup].counters[device][r];

			if (ref->cgroups[cgroup].exists && counter->usage)
				charged = true;
			*counter = (struct ref_counter){ .limit = REF_UNLIMITED };
		}
	}

	ref->devices[device].registered = false;
	for (i = 0; ref->order[i] != device; i++)
		;
	ref->nr_registered--;
	for (; i < ref->nr_registered; i++)
		ref->order[i] = ref->order[i + 1];
	return charged;
}

/* Charges. */

int ref_charge(struct reference *ref, int cgroup, int device, unsigned int resource)
{
	struct ref_counter *counter;
	int c, limiter = ROOT;

	if (resource >= REF_RESOURCES)
		return -EINVAL;

	for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent) {
		counter = &ref->cgroups[c].counters[device][resource];
		counter->tried = true;
		if (limiter == ROOT && counter->usage >= counter->limit)
			limiter = c;
	}

	if (limiter != ROOT) {
		ref->cgroups[limiter].counters[device][resource].local.max++;
		ref->cgroups[limiter].local_changes++;
		for (c = limiter; c != ROOT; c = ref->cgroups[c].parent)
			ref->cgroups[c].counters[device][resource].total.max++;

		ref->cgroups[cgroup].counters[device][resource].local.alloc_fail++;
		ref->cgroups[cgroup].local_changes++;
		for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent) {
			ref->cgroups[c].counters[device][resource].total.alloc_fail++;
			ref->cgroups[c].events_changes++;
		}
		return -EAGAIN;
	}

	for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent) {
		counter = &ref->cgroups[c].counters[device][resource];
		counter->usage++;
		if (counter->peak < counter->usage)
			counter->peak = counter->usage;
	}
	ref->cgroups[cgroup].nr_charges++;
	return 0;
}

void ref_drop_charge(struct reference *ref, int cgroup)
{
	ref->cgroups[cgroup].nr_charges--;
	forget_unneeded(ref, cgroup);
}

void ref_uncharge(struct reference *ref, int cgroup, int device,
		  unsigned int resource)
{
	int c;

	for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent)
		ref->cgroups[c].counters[device][resource].usage--;
	ref_drop_charge(ref, cgroup);
}

long ref_query_limit(const struct reference *ref, int cgroup, int device,
		     unsigned int resource)
{
	long lowest = REF_UNLIMITED;
	int c;

	if (resource >= REF_RESOURCES)
		return REF_UNLIMITED;

	for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent)
		if (lowest > ref->cgroups[c].counters[device][resource].limit)
			lowest = ref->cgroups[c].counters[device][resource].limit;
	return lowest;
}

/* A limit, or any attempt to charge: those leave something to remember. */
static bool has_something_to_keep(const struct ref_counter *counters)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++)
		if (counters[r].limit != REF_UNLIMITED || counters[r].tried)
			return true;

	return false;
}

int ref_nr_pools(const struct reference *ref, int device)
{
	int cgroup, count = 0;

	for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++)
		if (ref->cgroups[cgroup].exists &&
		    has_something_to_keep(ref->cgroups[cgroup].counters[device]))
			count++;
	return count;
}

/* Writes. */

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return INT_MAX;
}

/*
 * Digits alone, in the base that they say, as the kernel's kstrto...() have it:
 * what does not fit 64 bits is out of range whatever follows.
 */
static int parse_digits(const char *text, unsigned long long *value)
{
	int base = 10;

	if (text[0] == '0') {
		base = 8;
		if ((text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16) {
			base = 16;
			text += 2;
		}
	}

	if (digit_value(*text) >= base)
		return -EINVAL;
	for (*value = 0; digit_value(*text) < base; text++)
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit_value(*text), value))
			return -ERANGE;
	return *text ? -EINVAL : 0;
}

static int parse_index(const char *text, unsigned int *index)
{
	unsigned long long value;
	int err = parse_digits(text + (*text == '+'), &value);

	if (err)
		return err;
	if (value > UINT_MAX)
		return -ERANGE;
	*index = value;
	return 0;
}

static int parse_limit(const char *text, long *limit)
{
	bool negative = *text == '-';
	unsigned long long value;
	int err;

	if (!strcmp(text, "max")) {
		*limit = REF_UNLIMITED;
		return 0;
	}

	err = parse_digits(text + (negative || *text == '+'), &value);
	if (err)
		return err;
	/* A negative int is a number, but no limit. */
	if (value > (unsigned long long)INT_MAX + negative)
		return -ERANGE;
	if (negative && value)
		return -EINVAL;
	*limit = value;
	return 0;
}

/* What the kernel takes for blank at either end of what is written. */
static bool is_space(char c)
{
	return c && strchr(" \t\n\v\f\r\xa0", c);
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && is_space(end[-1]))
		*--end = '\0';
	while (is_space(*text))
		text++;
	return text;
}

static int resource_of(const char *key)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++)
		if (!strcmp(key, ref_resource_names[r]))
			return r;

	return -1;
}

/* The first fault from left to right decides, and the device comes last. */
static int apply_line(struct reference *ref, int cgroup, char *line)
{
	long limits[REF_RESOURCES] = { UNCHANGED, UNCHANGED };
	bool has_index = false;
	int i, r, err, device = -1;
	unsigned int index = 0;
	char *name, *word, *rest, *value;

	line = trim(line);
	name = strtok_r(line, BLANKS, &rest);
	if (!name)
		return -EINVAL;
	while ((word = strtok_r(NULL, BLANKS, &rest))) {
		value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!strcmp(word, "index")) {
			if (has_index)
				return -EINVAL;
			has_index = true;
			err = parse_index(value, &index);
		} else {
			r = resource_of(word);
			if (r < 0)
				return -EINVAL;
			err = parse_limit(value, &limits[r]);
		}
		if (err)
			return err;
	}

	for (i = 0; i < ref->nr_registered; i++) {
		const struct ref_device *d = &ref->devices[ref->order[i]];

		if (strcmp(d->name, name) || (has_index && d->index != index))
			continue;
		if (device >= 0)
			return -ENOTUNIQ;
		device = ref->order[i];
	}
	if (device < 0)
		return -ENODEV;

	for (r = 0; r < REF_RESOURCES; r++)
		if (limits[r] != UNCHANGED)
			ref->cgroups[cgroup].counters[device][r].limit = limits[r];
	return 0;
}

long ref_write_max(struct reference *ref, int cgroup, const char *data,
		   size_t length)
{
	char *line;
	int err;

	if (cgroup == ROOT)
		return -ENOENT;

	/* It ends at the first zero, if it has one. */
	line = strndup(data, length);
	if (!line)
		abort();
	err = apply_line(ref, cgroup, line);
	free(line);
	return err ? err : (long)length;
}

/* Reads. */

static bool has_namesake(const struct reference *ref, int device)
{
	int i;

	for (i = 0; i < ref->nr_registered; i++)
		if (ref->order[i] != device &&
		    !strcmp(ref->devices[ref->order[i]].name,
			    ref->devices[device].name))
			return true;

	return false;
}

static char *add_text(char *end, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end += vsprintf(end, format, args);
	va_end(args);
	return end;
}

static char *add_events(char *end, const char *name, struct ref_events events)
{
	return add_text(end, " %s.max=%ld %s.alloc_fail=%ld", name, events.max,
			name, events.alloc_fail);
}

static char *add_counter(char *end, const char *name, enum ref_file file,
			 const struct ref_counter *counter)
{
	switch (file) {
	case REF_MAX:
		if (counter->limit == REF_UNLIMITED)
			return add_text(end, " %s=max", name);
		return add_text(end, " %s=%ld", name, counter->limit);
	case REF_CURRENT:
		return add_text(end, " %s=%ld", name, counter->usage);
	case REF_PEAK:
		return add_text(end, " %s=%ld", name, counter->peak);
	case REF_EVENTS:
		return add_events(end, name, counter->total);
	case REF_EVENTS_LOCAL:
		return add_events(end, name, counter->local);
	default:
		abort();
	}
}

long ref_read(const struct reference *ref, int cgroup, enum ref_file file,
	      char text[REF_FILE_SIZE])
{
	char *end = text;
	int i, r;

	if (cgroup == ROOT)
		return -ENOENT;

	*end = '\0';
	for (i = 0; i < ref->nr_registered; i++) {
		int device = ref->order[i];

		end = add_text(end, "%s", ref->devices[device].name);
		if (has_namesake(ref, device))
			end = add_text(end, " index=%u", ref->devices[device].index);
		for (r = 0; r < REF_RESOURCES; r++)
			end = add_counter(end, ref_resource_names[r], file,
					  &ref->cgroups[cgroup].counters[device][r]);
		end = add_text(end, "\n");
	}
	return end - text;
}
