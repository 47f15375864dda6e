// SPDX-License-Identifier: GPL-2.0-only
/* See reference.h. */

#include "reference.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT		0
#define BLANKS		" \t"
#define UNCHANGED	(-1)
#define USE_DEFAULT	(-2)

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
			new->counters[d][r].own_limit = REF_NO_LIMIT;
	for (r = 0; r < REF_RESOURCES; r++)
		new->default_limits[r] = REF_UNLIMITED;
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
			*counter = (struct ref_counter){ .own_limit = REF_NO_LIMIT };
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

long ref_limit(const struct reference *ref, int cgroup, int device,
	       unsigned int resource)
{
	const struct ref_cgroup *c = &ref->cgroups[cgroup];
	long own = c->counters[device][resource].own_limit;

	return own == REF_NO_LIMIT ? c->default_limits[resource] : own;
}

int ref_charge(struct reference *ref, int cgroup, int device, unsigned int resource)
{
	struct ref_counter *counter;
	int c, limiter = ROOT;

	if (resource >= REF_RESOURCES)
		return -EINVAL;

	for (c = cgroup; c != ROOT; c = ref->cgroups[c].parent) {
		counter = &ref->cgroups[c].counters[device][resource];
		counter->tried = true;
		if (limiter == ROOT &&
		    counter->usage >= ref_limit(ref, c, device, resource))
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
		if (lowest > ref_limit(ref, c, device, resource))
			lowest = ref_limit(ref, c, device, resource);
	return lowest;
}

/* A limit, or any attempt to charge: those leave something to remember. */
static bool has_something_to_keep(const struct ref_counter *counters)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++)
		if (counters[r].own_limit != REF_NO_LIMIT || counters[r].tried)
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
 * Digits alone, of base 10, or with 0 the one that they say, as the kernel's
 * kstrto...() have it: what does not fit 64 bits is out of range whatever follows.
 */
static int parse_digits(const char *text, int base, unsigned long long *value)
{
	if (!base)
		base = text[0] == '0' ? 8 : 10;
	if (base == 8) {
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
	int err = parse_digits(text + (*text == '+'), 10, &value);

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
	if (!strcmp(text, "default")) {
		*limit = USE_DEFAULT;
		return 0;
	}

	err = parse_digits(text + (negative || *text == '+'), 0, &value);
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

/* What a write says of one device, or as default. */
struct request {
	char *name;
	bool has_index;
	unsigned int index;
	long limits[REF_RESOURCES];
};

static void fill(long *limits, long value)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++)
		limits[r] = value;
}

static int parse_word(struct request *request, char *word)
{
	char *value = strchr(word, '=');
	int r;

	if (!value) {
		if (strcmp(word, "default"))
			return -EINVAL;
		fill(request->limits, USE_DEFAULT);
		return 0;
	}

	*value++ = '\0';
	if (!strcmp(word, "index")) {
		if (request->has_index)
			return -EINVAL;
		request->has_index = true;
		return parse_index(value, &request->index);
	}
	r = resource_of(word);
	if (r < 0)
		return -EINVAL;
	return parse_limit(value, &request->limits[r]);
}

/* "max" is no own limit where the default is the same. */
static void forget_needless(struct ref_cgroup *c)
{
	int d, r;

	for (d = 0; d < REF_DEVICES; d++)
		for (r = 0; r < REF_RESOURCES; r++)
			if (c->counters[d][r].own_limit == REF_UNLIMITED &&
			    c->default_limits[r] == REF_UNLIMITED)
				c->counters[d][r].own_limit = REF_NO_LIMIT;
}

static int apply_default(struct ref_cgroup *c, const long *limits)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++) {
		if (limits[r] == USE_DEFAULT)
			return -EINVAL;
		if (limits[r] != UNCHANGED)
			c->default_limits[r] = limits[r];
	}
	return 0;
}

static int apply_request(struct reference *ref, int cgroup,
			 const struct request *request)
{
	struct ref_cgroup *c = &ref->cgroups[cgroup];
	int i, r, device = -1;

	if (!strcmp(request->name, "default") && !request->has_index)
		return apply_default(c, request->limits);

	for (i = 0; i < ref->nr_registered; i++) {
		const struct ref_device *d = &ref->devices[ref->order[i]];

		if (strcmp(d->name, request->name) ||
		    (request->has_index && d->index != request->index))
			continue;
		if (device >= 0)
			return -ENOTUNIQ;
		device = ref->order[i];
	}
	if (device < 0)
		return -ENODEV;

	for (r = 0; r < REF_RESOURCES; r++) {
		if (request->limits[r] == USE_DEFAULT)
			c->counters[device][r].own_limit = REF_NO_LIMIT;
		else if (request->limits[r] != UNCHANGED)
			c->counters[device][r].own_limit = request->limits[r];
	}
	return 0;
}

/*
 * The first fault decides: of the lines for a device from left to right, then
 * the device, then the lines for the next one.
 */
static int apply_text(struct reference *ref, int cgroup, char *text)
{
	struct request request = { };
	char *line, *word, *rest;
	int err;

	text = trim(text);
	if (!*text || !strncmp(text, "default=", strlen("default=")))
		return -EINVAL;

	while ((line = strsep(&text, "\n"))) {
		word = strtok_r(line, BLANKS, &rest);
		if (!word)
			continue;
		if (!request.name || !strchr(word, '=')) {
			if (request.name) {
				err = apply_request(ref, cgroup, &request);
				if (err)
					return err;
			}
			request = (struct request){ .name = word };
			fill(request.limits, UNCHANGED);
			word = strtok_r(NULL, BLANKS, &rest);
		}
		for (; word; word = strtok_r(NULL, BLANKS, &rest)) {
			err = parse_word(&request, word);
			if (err)
				return err;
		}
	}
	return apply_request(ref, cgroup, &request);
}

long ref_write_max(struct reference *ref, int cgroup, const char *data,
		   size_t length)
{
	struct ref_cgroup before;
	char *text;
	int err;

	if (cgroup == ROOT)
		return -ENOENT;

	/* It ends at the first zero, if it has one. */
	text = strndup(data, length);
	if (!text)
		abort();
	before = ref->cgroups[cgroup];
	err = apply_text(ref, cgroup, text);
	free(text);
	if (err) {
		ref->cgroups[cgroup] = before;
		return err;
	}
	forget_needless(&ref->cgroups[cgroup]);
	return length;
}

/* Reads. */

static bool needs_index(const struct reference *ref, int device)
{
	int i;

	if (!strcmp(ref->devices[device].name, "default"))
		return true;
	for (i = 0; i < ref->nr_registered; i++)
		if (ref->order[i] != device &&
		    !strcmp(ref->devices[ref->order[i]].name,
			    ref->devices[device].name))
			return true;

	return false;
}

static bool has_default(const struct ref_cgroup *c)
{
	int r;

	for (r = 0; r < REF_RESOURCES; r++)
		if (c->default_limits[r] != REF_UNLIMITED)
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

static char *add_limit(char *end, const char *name, long limit)
{
	if (limit == REF_UNLIMITED)
		return add_text(end, " %s=max", name);
	return add_text(end, " %s=%ld", name, limit);
}

static char *add_counter(char *end, const char *name, enum ref_file file,
			 const struct ref_counter *counter, long limit)
{
	switch (file) {
	case REF_MAX:
		return add_limit(end, name, limit);
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
	if (file == REF_MAX && has_default(&ref->cgroups[cgroup])) {
		end = add_text(end, "default");
		for (r = 0; r < REF_RESOURCES; r++)
			end = add_limit(end, ref_resource_names[r],
					ref->cgroups[cgroup].default_limits[r]);
		end = add_text(end, "\n");
	}
	for (i = 0; i < ref->nr_registered; i++) {
		int device = ref->order[i];

		end = add_text(end, "%s", ref->devices[device].name);
		if (needs_index(ref, device))
			end = add_text(end, " index=%u", ref->devices[device].index);
		for (r = 0; r < REF_RESOURCES; r++)
			end = add_counter(end, ref_resource_names[r], file,
					  &ref->cgroups[cgroup].counters[device][r],
					  ref_limit(ref, cgroup, device, r));
		end = add_text(end, "\n");
	}
	return end - text;
}
