// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which kinds of objects a cgroup has: what restrack says of tasks, joined with
 * the tasks of each cgroup.
 *
 * Two views of the same may differ. The controller charged the cgroup in which
 * a task was when it made an object; restrack names who made it, wherever that
 * task is now, and only as long as it is there. What rdma.current has beyond
 * what is found here is the rest, which may be less than nothing.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdmacg-top.h"

static const char handles[] = "hca_handle", objects[] = "hca_object";

const char *const kind_names[NR_KINDS] = {
	[CONTEXT_KIND] = "context",
	[QP_KIND] = "qp",
	[CQ_KIND] = "cq",
	[MR_KIND] = "mr",
	[PD_KIND] = "pd",
	[SRQ_KIND] = "srq",
	[MR_BYTES] = "mr_bytes",
};

/* Returns whether the rest is known. */
bool rest_of_handles(const struct holding *holding, long long *rest)
{
	if (holding->handles == UNKNOWN ||
	    holding->counts[CONTEXT_KIND] == UNKNOWN)
		return false;
	*rest = holding->handles - holding->counts[CONTEXT_KIND];
	return true;
}

/* A kind that this kernel does not show is a part of the rest. */
bool rest_of_objects(const struct holding *holding, long long *rest)
{
	bool known = false;

	*rest = holding->objects;
	for (size_t i = 0; i < NR_OBJECT_KINDS; i++)
		if (holding->counts[i] != UNKNOWN) {
			*rest -= holding->counts[i];
			known = true;
		}
	return known && holding->objects != UNKNOWN;
}

/*
 * What has not the controller is charged to the next above that has. The root
 * has none, and nobody counts what is there.
 */
static struct cgroup *charged_cgroup(struct model *model,
				     struct cgroup *cgroup)
{
	for (struct cgroup *at = cgroup; at; at = at->parent)
		if (at->has_controller)
			return at;
	return model_has_root(model) ? &model->elsewhere[IN_ROOT] : NULL;
}

/* By thread: an object is that of the thread that made it. */
void kinds_read_tasks(struct model *model, struct cgroup *cgroup,
		      int directory, bool *unreadable)
{
	const char *name = model->hierarchy->version == 1 ? "tasks" :
							    "cgroup.threads";
	struct restrack *restrack = &model->restrack;
	struct cgroup *charged = charged_cgroup(model, cgroup);
	const struct maker *end;
	char *line, *next;

	if (!restrack->nr_makers || !charged)
		return;
	end = restrack->makers + restrack->nr_makers;
	if (!read_file(model, directory, name)) {
		/* It may be gone, as its tasks then are. */
		*unreadable |= !faccessat(directory, name, F_OK, 0);
		return;
	}
	for (line = model->contents.bytes; *line; line = next) {
		int task = (int)strtol(line, &next, 10);
		struct maker *maker = task > 0 ?
			find_makers(restrack, task) : NULL;

		for (; maker && maker < end && maker->task == task; maker++)
			maker->cgroup = charged;
		next += strcspn(next, "\n");
		next += *next == '\n';
	}
}

/* From one sample to the next, they are in the same order. */
static struct holding *get_holding(struct model *model,
				   struct holdings *holdings,
				   struct device *device, int process)
{
	size_t nr = holdings->nr;
	struct holding *holding;

	for (size_t i = 0; i < nr; i++) {
		size_t at = (holdings->expected + i) % nr;

		holding = &holdings->all[at];
		if (holding->device == device && holding->process == process) {
			holdings->expected = at + 1;
			goto found;
		}
	}
	holdings->all = resize(holdings->all, nr + 1, sizeof(*holding));
	holding = &holdings->all[holdings->nr++];
	*holding = (struct holding){
		.device = device,
		.process = process,
		.serial = ++model->last_serial,
		.sample = model->sample - 1,
	};
	device->users++;
found:
	if (holding->sample != model->sample) {
		holding->sample = model->sample;
		holding->handles = UNKNOWN;
		holding->objects = UNKNOWN;
		memset(holding->counts, 0, sizeof(holding->counts));
	}
	return holding;
}

static void drop_holding(struct model *model, struct holding *holding)
{
	put_device(model, holding->device);
	free(holding->command);
}

/* Forgets what this sample has not. */
static void drop_unseen(struct model *model, struct holdings *holdings)
{
	size_t kept = 0;

	for (size_t i = 0; i < holdings->nr; i++) {
		if (holdings->all[i].sample == model->sample)
			holdings->all[kept++] = holdings->all[i];
		else
			drop_holding(model, &holdings->all[i]);
	}
	holdings->nr = kept;
}

static void drop_all(struct model *model, struct holdings *holdings)
{
	while (holdings->nr)
		drop_holding(model, &holdings->all[--holdings->nr]);
	free(holdings->all);
	*holdings = (struct holdings){ 0 };
}

void kinds_drop(struct model *model, struct cgroup *cgroup)
{
	drop_all(model, &cgroup->kinds);
	drop_all(model, &cgroup->processes);
}

static bool is_same_device(const struct device *device,
			   const struct tracked_device *tracked)
{
	return (device->index == NO_INDEX || device->index == tracked->index) &&
	       !strcmp(device->name, tracked->name);
}

/* Returns the device as the files of cgroups call it. */
static struct device *device_of(struct model *model,
				const struct tracked_device *tracked)
{
	const struct restrack *restrack = &model->restrack;
	struct span name = { tracked->name, strlen(tracked->name) };
	bool needs_index = !strcmp(tracked->name, "default");

	for (struct device *at = model->devices; at; at = at->next)
		if (is_same_device(at, tracked))
			return at;
	for (size_t i = 0; i < restrack->nr_devices; i++)
		needs_index |= &restrack->devices[i] != tracked &&
			       !strcmp(restrack->devices[i].name,
				       tracked->name);
	return get_device(model, name, needs_index ? tracked->index : NO_INDEX);
}

static const struct tracked_device *
tracked_as(const struct restrack *restrack, const struct device *device)
{
	for (size_t i = 0; i < restrack->nr_devices; i++)
		if (is_same_device(device, &restrack->devices[i]))
			return &restrack->devices[i];
	return NULL;
}

/* What is counted of a cgroup has a place for its kinds. */
static void take_usage(struct model *model, struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->nr_pools; i++) {
		const struct pool *pool = &cgroup->pools[i];
		struct holding *holding = get_holding(model, &cgroup->kinds,
						      pool->device, 0);

		if (!strcmp(pool->resource, handles))
			holding->handles = pool->now[USAGE];
		else if (!strcmp(pool->resource, objects))
			holding->objects = pool->now[USAGE];
	}
}

/* Reads a line of a file in /proc. */
static bool read_proc(int task, const char *name, const char *key,
		      char *line, int size)
{
	char *path = NULL;
	bool found = false;
	FILE *file;

	if (asprintf(&path, "/proc/%d/%s", task, name) < 0)
		die("out of memory");
	file = fopen(path, "re");
	free(path);
	while (file && !found && fgets(line, size, file))
		found = !strncmp(line, key, strlen(key));
	if (file)
		fclose(file);
	return found;
}

static int process_of(int task)
{
	static const char key[] = "Tgid:";
	char line[256];

	return read_proc(task, "status", key, line, sizeof(line)) ?
		atoi(line + strlen(key)) : task;
}

static char *command_of(int process)
{
	char line[64];

	if (!read_proc(process, "comm", "", line, sizeof(line)))
		return NULL;
	return copy_bytes(line, strcspn(line, "\n"));
}

static void take_process(struct model *model, struct cgroup *cgroup,
			 struct device *device, const struct maker *maker)
{
	int process = maker->task > 0 ? process_of(maker->task) : 0;
	struct holding *holding = get_holding(model, &cgroup->processes,
					      device, process);

	add_counts(holding->counts, maker->counts);
	if (process && !holding->command)
		holding->command = command_of(process);
}

static void take_maker(struct model *model, const struct maker *maker)
{
	struct tracked_device *tracked = find_tracked(&model->restrack,
						      maker->device);
	struct device *device = device_of(model, tracked);
	struct cgroup *cgroup = maker->cgroup;

	/* Of what is asked for, it is in none. */
	if (!cgroup && !model_has_root(model))
		return;
	if (!cgroup)
		cgroup = &model->elsewhere[maker->task == TASK_KERNEL ?
					   IN_KERNEL : IN_UNKNOWN];
	if (model->want_processes)
		take_process(model, cgroup, device, maker);
	/* The root has no sum: it would not be of what is counted. */
	for (; cgroup; cgroup = cgroup->parent)
		if (cgroup->has_controller ||
		    (!cgroup->parent && cgroup != &model->top))
			add_counts(get_holding(model, &cgroup->kinds, device,
					       0)->counts, maker->counts);
}

/* Of a device that restrack does not show, nothing is known. */
static void end_holdings(struct model *model, struct holdings *holdings)
{
	drop_unseen(model, holdings);
	for (size_t i = 0; i < holdings->nr; i++) {
		const struct tracked_device *tracked =
			tracked_as(&model->restrack, holdings->all[i].device);
		long long *counts = holdings->all[i].counts;

		for (enum kind kind = 0; kind <= CONTEXT_KIND; kind++)
			if (!tracked || !(tracked->known & 1U << kind))
				counts[kind] = UNKNOWN;
		if (counts[MR_KIND] == UNKNOWN)
			counts[MR_BYTES] = UNKNOWN;
	}
}

static void end_cgroup(struct model *model, struct cgroup *cgroup)
{
	end_holdings(model, &cgroup->kinds);
	end_holdings(model, &cgroup->processes);
}

/* They are not wanted any more, and keep no device in sight. */
void kinds_drop_all(struct model *model)
{
	for (struct cgroup *at = &model->top; at;
	     at = next_cgroup(&model->top, at))
		kinds_drop(model, at);
	for (size_t i = 0; i < NR_ELSEWHERE; i++)
		kinds_drop(model, &model->elsewhere[i]);
}

/* After the walk, which found the cgroups of tasks. */
void kinds_join(struct model *model)
{
	const struct restrack *restrack = &model->restrack;
	struct cgroup *at;

	for (at = &model->top; at; at = next_cgroup(&model->top, at))
		take_usage(model, at);
	for (size_t i = 0; i < restrack->nr_makers; i++)
		take_maker(model, &restrack->makers[i]);
	for (at = &model->top; at; at = next_cgroup(&model->top, at))
		end_cgroup(model, at);
	for (size_t i = 0; i < NR_ELSEWHERE; i++)
		end_cgroup(model, &model->elsewhere[i]);
}
