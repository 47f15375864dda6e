// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the files of the hierarchy say, from one sample to the next.
 *
 * A cgroup is known by its inode, which in cgroup v2 is its ID: one that was
 * removed and made anew under the same name is another one. A device is known by
 * its name, and by its index where another one has the same name.
 *
 * Cgroups and devices come and go while they are read. What is not there, or
 * may not be read, has no values; that is no error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdmacg-top.h"

#define NOTHING		((size_t)-1)

/* Room for what one getdents64() returns. */
#define ENTRIES_SIZE	(32 * 1024)

/* The stock controller has only the first two. */
static const struct {
	const char *name;
	struct {
		const char *suffix;	/* of the keys */
		enum field field;
	} values[2];
	size_t nr_values;
	bool local;
} files[] = {
	{ "rdma.current", { { "", USAGE } }, 1, false },
	{ "rdma.max", { { "", LIMIT } }, 1, false },
	{ "rdma.peak", { { "", PEAK } }, 1, false },
	{ "rdma.events",
	  { { ".max", HITS }, { ".alloc_fail", FAILS } }, 2, false },
	{ "rdma.events.local",
	  { { ".max", LOCAL_HITS }, { ".alloc_fail", LOCAL_FAILS } }, 2, true },
};

const size_t nr_files = ARRAY_SIZE(files);

/* Opens "a/b/c", however long, piece by piece. */
static int open_below(int directory, char *path, int flags)
{
	int at = directory, next;

	for (;;) {
		bool is_rest = strlen(path) < PATH_MAX;
		char *slash = is_rest ? NULL : memrchr(path, '/', PATH_MAX);

		if (!is_rest && !slash) {
			errno = ENAMETOOLONG;
			next = -1;
		} else if (is_rest) {
			next = openat(at, *path ? path : ".",
				      flags | O_DIRECTORY | O_CLOEXEC);
		} else {
			*slash = '\0';
			next = openat(at, path,
				      O_PATH | O_DIRECTORY | O_CLOEXEC);
			*slash = '/';
			path = slash + 1;
		}
		if (at != directory)
			close(at);
		if (is_rest || next < 0)
			return next;
		at = next;
	}
}

/* Sets *@listable to whether its children can be read. */
static int open_cgroup(struct model *model, const struct cgroup *cgroup,
		       bool *listable)
{
	char *path;
	int fd;

	cgroup_path(cgroup, &model->path);
	path = model->path.bytes + (*model->path.bytes == '/');
	fd = open_below(model->hierarchy->fd, path, O_RDONLY);
	*listable = fd >= 0;
	if (fd < 0 && errno == EACCES)
		fd = open_below(model->hierarchy->fd, path, O_PATH);
	return fd;
}

static int compare_ids(const void *a, const void *b)
{
	const struct cgroup *one = a, *other = b;

	return (one->id > other->id) - (one->id < other->id);
}

/* Forgets the pools that no file of this sample had. */
static void drop_unseen_pools(struct model *model, struct cgroup *cgroup)
{
	size_t kept = 0;

	for (size_t i = 0; i < cgroup->nr_pools; i++) {
		if (cgroup->pools[i].sample == model->sample)
			cgroup->pools[kept++] = cgroup->pools[i];
		else
			put_device(model, cgroup->pools[i].device);
	}
	cgroup->nr_pools = kept;
}

static void drop_pools(struct model *model, struct cgroup *cgroup)
{
	while (cgroup->nr_pools)
		put_device(model, cgroup->pools[--cgroup->nr_pools].device);
}

/* Leaves the name. */
static void drop_contents(struct model *model, struct cgroup *cgroup)
{
	drop_pools(model, cgroup);
	free(cgroup->pools);
	free(cgroup->defaults);
	kinds_drop(model, cgroup);
}

/* Frees a cgroup that its parent no longer has, and all below it. */
static void free_cgroups(struct model *model, struct cgroup *top)
{
	struct cgroup *at = top, *parent;

	for (;;) {
		while (at->first_child)
			at = at->first_child;
		parent = at == top ? NULL : at->parent;
		if (parent)
			parent->first_child = at->next;
		tdelete(at, &model->by_id, compare_ids);
		drop_contents(model, at);
		free(at->name);
		free(at);
		if (!parent)
			return;
		at = parent;
	}
}

/* Forgets the children that no list of this sample had. */
static void drop_unseen_children(struct model *model, struct cgroup *cgroup)
{
	struct cgroup **link = &cgroup->first_child, *child;

	while ((child = *link)) {
		if (child->sample == model->sample) {
			link = &child->next;
			continue;
		}
		*link = child->next;
		free_cgroups(model, child);
	}
}

static void see_child(struct model *model, struct cgroup *parent,
		      const char *name, unsigned long long id)
{
	const struct cgroup key = { .id = id };
	struct cgroup **known = tfind(&key, &model->by_id, compare_ids);
	struct cgroup *child;

	if (known) {
		child = *known;
		/* A mount may show it a second time, elsewhere. */
		if (child->parent != parent)
			return;
		/* In v1, cgroups can be renamed. */
		if (strcmp(child->name, name)) {
			free(child->name);
			child->name = copy_bytes(name, strlen(name));
		}
	} else {
		child = resize(NULL, 1, sizeof(*child));
		*child = (struct cgroup){
			.parent = parent,
			.next = parent->first_child,
			.name = copy_bytes(name, strlen(name)),
			.id = id,
			.serial = ++model->last_serial,
			.depth = parent->depth + 1,
		};
		parent->first_child = child;
		if (!tsearch(child, &model->by_id, compare_ids))
			die("out of memory");
	}
	child->sample = model->sample;
}

static bool is_directory(int directory, const struct dirent64 *entry)
{
	int fd;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	fd = openat(directory, entry->d_name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void list_children(struct model *model, struct cgroup *cgroup,
			  int directory)
{
	const struct dirent64 *entry;
	ssize_t length;

	while ((length = getdents64(directory, model->entries,
				    ENTRIES_SIZE)) > 0)
		for (ssize_t at = 0; at < length; at += entry->d_reclen) {
			entry = (const void *)(model->entries + at);
			if (strcmp(entry->d_name, ".") &&
			    strcmp(entry->d_name, "..") &&
			    is_directory(directory, entry))
				see_child(model, cgroup, entry->d_name,
					  entry->d_ino);
		}
}

static const char *find_resource(struct model *model, struct span name)
{
	size_t i;

	for (i = 0; i < model->nr_resources; i++)
		if (!strncmp(model->resources[i], name.start, name.length) &&
		    !model->resources[i][name.length])
			return model->resources[i];
	model->resources = resize(model->resources, i + 1,
				  sizeof(*model->resources));
	model->nr_resources++;
	return model->resources[i] = copy_bytes(name.start, name.length);
}

/* The pools of all files of a cgroup are in the same order. */
static struct pool *get_pool(struct model *model, struct cgroup *cgroup,
			     struct device *device, const char *resource)
{
	size_t nr = cgroup->nr_pools;
	struct pool *pool;

	for (size_t i = 0; i < nr; i++) {
		size_t at = (model->expected_pool + i) % nr;

		pool = &cgroup->pools[at];
		if (pool->device == device && pool->resource == resource) {
			model->expected_pool = at + 1;
			return pool;
		}
	}
	cgroup->pools = resize(cgroup->pools, nr + 1, sizeof(*pool));
	pool = &cgroup->pools[cgroup->nr_pools++];
	*pool = (struct pool){
		.device = device,
		.resource = resource,
		.serial = ++model->last_serial,
	};
	for (size_t i = 0; i < ARRAY_SIZE(pool->now); i++)
		pool->now[i] = UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(pool->before); i++)
		pool->before[i] = UNKNOWN;
	device->users++;
	return pool;
}

/* Returns which value of a file has this key, which loses its suffix. */
static size_t find_value(size_t file, struct span *key)
{
	const char *dot = memchr(key->start, '.', key->length);
	size_t name_length = dot ? (size_t)(dot - key->start) : key->length;
	size_t suffix_length = key->length - name_length;

	for (size_t i = 0; i < files[file].nr_values; i++) {
		const char *suffix = files[file].values[i].suffix;

		if (strlen(suffix) == suffix_length &&
		    !memcmp(suffix, key->start + name_length, suffix_length)) {
			key->length = name_length;
			return i;
		}
	}
	return NOTHING;
}

/*
 * The limits of devices that have none of their own: a line of rdma.max alone,
 * before its devices. Where the kernel knows of it, a device of this name has an
 * index. Where it does not, such a device is in rdma.current as well, which is
 * read first.
 */
static bool is_default(const struct line *line, size_t file)
{
	static const char name[] = "default";

	return files[file].values[0].field == LIMIT &&
	       line->index == NO_INDEX &&
	       line->name.length == sizeof(name) - 1 &&
	       !memcmp(line->name.start, name, sizeof(name) - 1);
}

static void take_defaults(struct model *model, struct cgroup *cgroup,
			  const struct line *line)
{
	cgroup->defaults = resize(cgroup->defaults, line->nr_values,
				  sizeof(*cgroup->defaults));
	cgroup->nr_defaults = line->nr_values;
	for (size_t i = 0; i < line->nr_values; i++)
		cgroup->defaults[i] = (struct default_limit){
			find_resource(model, line->values[i].key),
			line->values[i].number
		};
}

/* Returns the limit of devices that have none of their own. */
long long default_limit(const struct cgroup *cgroup, const char *resource)
{
	for (size_t i = 0; i < cgroup->nr_defaults; i++)
		if (cgroup->defaults[i].resource == resource)
			return cgroup->defaults[i].number;
	return UNLIMITED;
}

/*
 * Returns what a limit comes from, or NULL if there is none. The kernel does
 * not tell a limit of the device's own from the default that it equals.
 */
const char *limit_from(const struct cgroup *cgroup, const struct pool *pool)
{
	long long limit = pool->now[LIMIT];
	long long by_default = default_limit(cgroup, pool->resource);

	if (limit == UNKNOWN || (limit == UNLIMITED && by_default == UNLIMITED))
		return NULL;
	return limit == by_default ? "default" : "own";
}

/* Takes over what this file says. */
void model_take_file(struct model *model, struct cgroup *cgroup, size_t file,
		     struct span contents)
{
	struct line line;

	model->expected_device = model->devices;
	model->expected_pool = 0;
	while (parse_line(&contents, &line)) {
		struct device *device = find_device(model, line.name,
						    line.index);

		if (!device && is_default(&line, file)) {
			take_defaults(model, cgroup, &line);
			continue;
		}
		for (size_t i = 0; i < line.nr_values; i++) {
			struct span key = line.values[i].key;
			size_t value = find_value(file, &key);
			enum field field;
			struct pool *pool;

			if (value == NOTHING || !key.length)
				continue;
			if (!device)
				device = add_device(model, line.name,
						    line.index);
			field = files[file].values[value].field;
			pool = get_pool(model, cgroup, device,
					find_resource(model, key));
			pool->sample = model->sample;
			pool->now[field] = line.values[i].number;
			/* The stock controller shows its largest usage so. */
			if (field != LIMIT && pool->now[field] == UNLIMITED)
				pool->now[field] = INT_MAX;
		}
	}
}

/* A removed cgroup's files are not found or, if still open, have no device. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ENODEV || error == ENOTDIR;
}

static void begin_pools(struct cgroup *cgroup)
{
	cgroup->nr_defaults = 0;
	for (size_t p = 0; p < cgroup->nr_pools; p++) {
		struct pool *pool = &cgroup->pools[p];

		for (size_t i = 0; i < ARRAY_SIZE(pool->before); i++)
			pool->before[i] = pool->now[FIRST_COUNTER + i];
		for (size_t i = 0; i < ARRAY_SIZE(pool->now); i++)
			pool->now[i] = UNKNOWN;
	}
}

/* Returns whether the cgroup has the controller. */
static bool read_files(struct model *model, struct cgroup *cgroup,
		       int directory, bool *unreadable)
{
	bool exists = false;

	begin_pools(cgroup);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i].local && !model->want_local)
			continue;
		if (read_file(model, directory, files[i].name)) {
			exists = true;
			model_take_file(model, cgroup, i, (struct span){
				model->contents.bytes, model->contents.length
			});
		} else if (!is_gone(errno)) {
			exists = true;
			*unreadable = true;
		} else if (!exists) {
			/* Without the first it has none. */
			break;
		}
	}
	drop_unseen_pools(model, cgroup);
	model->nr_cgroups += exists;
	return exists;
}

/*
 * In v2, only children of a cgroup that has the controller can have it, but
 * tasks below one that has not are a part of what is above. A directory of cgroups
 * has as many links as it has children, and two more: not to list what has none
 * spares half of the time.
 */
static bool may_have_children(const struct model *model,
			      const struct cgroup *cgroup,
			      const struct stat *info)
{
	if (info->st_nlink == 2)
		return false;
	return cgroup->has_controller || model->hierarchy->version == 1 ||
	       is_top_of_hierarchy(cgroup) || model->want_kinds;
}

static void read_cgroup(struct model *model, struct cgroup *cgroup)
{
	bool unreadable = false, listable;
	int directory = open_cgroup(model, cgroup, &listable);
	struct stat info;

	if (directory >= 0 && !fstat(directory, &info)) {
		if (!cgroup->parent)
			cgroup->id = info.st_ino;
		cgroup->has_controller = read_files(model, cgroup, directory,
						    &unreadable);
		if (model->want_kinds)
			kinds_read_tasks(model, cgroup, directory, &unreadable);
		if (may_have_children(model, cgroup, &info)) {
			if (listable)
				list_children(model, cgroup, directory);
			else
				unreadable = true;
		}
	} else {
		unreadable = !is_gone(errno);
		cgroup->has_controller = false;
		drop_pools(model, cgroup);
	}
	if (directory >= 0)
		close(directory);
	drop_unseen_children(model, cgroup);
	model->nr_unreadable += unreadable;
}

/* Walks the hierarchy once. */
void model_sample(struct model *model)
{
	double before = model->sampled_at;

	model->sampled_at = seconds_now();
	model->interval = model->sample ? model->sampled_at - before : 0;
	model->sample++;
	model->nr_cgroups = 0;
	model->nr_unreadable = 0;
	if (model->want_kinds)
		restrack_sample(&model->restrack);
	for (struct cgroup *at = &model->top; at;
	     at = next_cgroup(&model->top, at))
		read_cgroup(model, at);
	if (model->want_kinds)
		kinds_join(model);
	else if (model->has_kinds)
		kinds_drop_all(model);
	model->has_kinds = model->want_kinds;
}

/* @top is the path of a cgroup, "" for all: nothing above it is read. */
struct model *model_new(const struct hierarchy *hierarchy, const char *top)
{
	struct model *model = resize(NULL, 1, sizeof(*model));

	*model = (struct model){
		.hierarchy = hierarchy,
		.top.name = copy_bytes(top, strlen(top)),
		.entries = resize(NULL, ENTRIES_SIZE, 1),
	};
	name_places(model);
	return model;
}

bool model_top_exists(struct model *model)
{
	bool listable;
	int fd = open_cgroup(model, &model->top, &listable);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void model_free(struct model *model)
{
	while (model->top.first_child) {
		struct cgroup *child = model->top.first_child;

		model->top.first_child = child->next;
		free_cgroups(model, child);
	}
	drop_contents(model, &model->top);
	free(model->top.name);
	kinds_drop_all(model);
	for (size_t i = 0; i < NR_ELSEWHERE; i++)
		free(model->elsewhere[i].name);
	restrack_free(&model->restrack);
	for (size_t i = 0; i < model->nr_resources; i++)
		free(model->resources[i]);
	free(model->resources);
	text_free(&model->path);
	text_free(&model->contents);
	free(model->entries);
	free(model);
}
