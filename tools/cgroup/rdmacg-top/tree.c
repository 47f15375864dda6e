// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree of cgroups and the list of devices, as samples have left them, and how
 * a file in it is read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdmacg-top.h"

/* Returns the cgroup after @at and all below it, or NULL after the last. */
struct cgroup *next_beside(const struct cgroup *top, struct cgroup *at)
{
	while (at != top) {
		if (at->next)
			return at->next;
		at = at->parent;
	}
	return NULL;
}

/* Parents come before their children. */
struct cgroup *next_cgroup(const struct cgroup *top, struct cgroup *at)
{
	return at->first_child ?: next_beside(top, at);
}

/* Sets @path to the path from the hierarchy's root: "" or "/a/b". */
void cgroup_path(const struct cgroup *cgroup, struct text *path)
{
	const struct cgroup *at;
	size_t length = 0;
	char *to;

	for (at = cgroup; at->parent; at = at->parent)
		length += 1 + strlen(at->name);
	length += strlen(at->name);
	text_clear(path);
	text_reserve(path, length);
	path->length = length;
	to = path->bytes + length;
	*to = '\0';
	for (at = cgroup; at; at = at->parent) {
		length = strlen(at->name);
		to -= length;
		memcpy(to, at->name, length);
		if (at->parent)
			*--to = '/';
	}
}

bool is_top_of_hierarchy(const struct cgroup *cgroup)
{
	return !cgroup->parent && !*cgroup->name;
}

/* Returns whether it looks at all cgroups that can be seen from here. */
bool model_has_root(const struct model *model)
{
	return is_top_of_hierarchy(&model->top);
}

/* What programs call the places that are no cgroups. */
static const char *const place_names[NR_ELSEWHERE] = {
	[IN_ROOT] = "root",
	[IN_KERNEL] = "kernel",
	[IN_UNKNOWN] = "unknown",
};

/* In brackets for people, as no path begins like that. */
void name_places(struct model *model)
{
	for (size_t i = 0; i < NR_ELSEWHERE; i++) {
		struct text name = { 0 };

		text_print(&name, "[%s]", place_names[i]);
		model->elsewhere[i].name = name.bytes;
	}
}

/* Returns NULL if it is a cgroup. */
const char *place_name(const struct model *model,
		       const struct cgroup *cgroup)
{
	for (size_t i = 0; i < NR_ELSEWHERE; i++)
		if (cgroup == &model->elsewhere[i])
			return place_names[i];
	return NULL;
}

void put_device(struct model *model, struct device *device)
{
	struct device **link = &model->devices;

	if (--device->users)
		return;
	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	model->expected_device = model->devices;
	free(device->name);
	free(device->label);
	free(device);
}

/* The devices of all files are in the same order. */
struct device *find_device(struct model *model, struct span name,
			   long long index)
{
	struct device *device = model->expected_device;
	struct device *first = device;

	while (device) {
		if (device->length == name.length && device->index == index &&
		    !memcmp(device->name, name.start, name.length)) {
			model->expected_device = device->next ?: model->devices;
			return device;
		}
		device = device->next ?: model->devices;
		if (device == first)
			break;
	}
	return NULL;
}

struct device *add_device(struct model *model, struct span name,
			  long long index)
{
	struct device **link = &model->devices, *device;
	struct text label = { 0 };

	device = resize(NULL, 1, sizeof(*device));
	*device = (struct device){
		.name = copy_bytes(name.start, name.length),
		.length = name.length,
		.index = index,
	};
	text_clear(&label);
	escape_for_terminal(&label, device->name, ESCAPE_BLANKS);
	if (device->index != NO_INDEX)
		text_print(&label, "#%lld", device->index);
	device->label = label.bytes;
	while (*link)
		link = &(*link)->next;
	*link = device;
	model->expected_device = model->devices;
	return device;
}

/* A caller that keeps it counts as a user. */
struct device *get_device(struct model *model, struct span name,
			  long long index)
{
	return find_device(model, name, index) ?:
	       add_device(model, name, index);
}

/*
 * Reads a file into the model's buffer. The kernel makes such a text at once,
 * hence less than asked for is all there is. Returns whether it was read.
 */
bool read_file(struct model *model, int directory, const char *name)
{
	struct text *text = &model->contents;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	size_t room;
	ssize_t length;

	if (fd < 0)
		return false;
	text_clear(text);
	do {
		text_reserve(text, 4095);
		room = text->room - text->length - 1;
		length = read(fd, text->bytes + text->length, room);
		if (length < 0)
			break;
		text->length += (size_t)length;
	} while ((size_t)length == room);
	text->bytes[text->length] = '\0';
	close(fd);
	return length >= 0;
}
