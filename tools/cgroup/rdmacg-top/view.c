// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rows are wanted, and in what order.
 */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rdmacg-top.h"

long long field_shown(const struct view *view, const struct pool *pool,
		      enum column column)
{
	switch (column) {
	case USAGE_COLUMN:
		return pool->now[USAGE];
	case LIMIT_COLUMN:
		return pool->now[LIMIT];
	case PEAK_COLUMN:
		return pool->now[PEAK];
	case HITS_COLUMN:
		return pool->now[view->local ? LOCAL_HITS : HITS];
	case FAILS_COLUMN:
		return pool->now[view->local ? LOCAL_FAILS : FAILS];
	default:
		return UNKNOWN;
	}
}

/* Which layouts have a column, as bits. */
static const unsigned char column_layouts[NR_COLUMNS] = {
	[PERCENT_COLUMN] = 1 << LIMITS,
	[BAR_COLUMN] = 1 << LIMITS,
	[USAGE_COLUMN] = 1 << LIMITS,
	[LIMIT_COLUMN] = 1 << LIMITS,
	[FROM_COLUMN] = 1 << LIMITS,
	[PEAK_COLUMN] = 1 << LIMITS,
	[HIT_RATE_COLUMN] = 1 << LIMITS,
	[FAIL_RATE_COLUMN] = 1 << LIMITS,
	[HITS_COLUMN] = 1 << LIMITS,
	[FAILS_COLUMN] = 1 << LIMITS,
	[PROCESS_COLUMN] = 1 << PROCESSES,
	[HANDLES_COLUMN] = 1 << KINDS,
	[CONTEXTS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[OBJECTS_COLUMN] = 1 << KINDS,
	[QPS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[CQS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[MRS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[PDS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[SRQS_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[REST_COLUMN] = 1 << KINDS,
	[BYTES_COLUMN] = 1 << KINDS | 1 << PROCESSES,
	[DEVICE_COLUMN] = 1 << LIMITS | 1 << KINDS | 1 << PROCESSES,
	[RESOURCE_COLUMN] = 1 << LIMITS,
	[COMMAND_COLUMN] = 1 << PROCESSES,
	[CGROUP_COLUMN] = 1 << LIMITS | 1 << KINDS | 1 << PROCESSES,
};

bool column_is_text(enum column column)
{
	return column == FROM_COLUMN || column == DEVICE_COLUMN ||
	       column == RESOURCE_COLUMN || column == COMMAND_COLUMN ||
	       column == CGROUP_COLUMN;
}

bool column_is_in(enum layout layout, enum column column)
{
	return column_layouts[column] & 1 << layout;
}

void want_for_layout(struct model *model, enum layout layout)
{
	model->want_kinds = layout != LIMITS;
	model->want_processes = layout == PROCESSES;
}

/* Returns what rows are sorted by: what is asked for, if they have it. */
enum column sort_column(const struct view *view)
{
	static const enum column usual[NR_LAYOUTS] = {
		[LIMITS] = PERCENT_COLUMN,
		[KINDS] = OBJECTS_COLUMN,
		[PROCESSES] = QPS_COLUMN,
	};

	return column_is_in(view->layout, view->sort) ? view->sort :
							usual[view->layout];
}

const struct device *row_device(const struct row *row)
{
	return row->pool ? row->pool->device : row->holding->device;
}

/* Returns how much of the limit is used, or UNKNOWN; 0 of 0 is all. */
double percent(const struct pool *pool)
{
	if (pool->now[USAGE] == UNKNOWN || pool->now[LIMIT] == UNKNOWN ||
	    pool->now[LIMIT] == UNLIMITED)
		return UNKNOWN;
	if (!pool->now[LIMIT])
		return 100;
	return 100 * (double)pool->now[USAGE] / (double)pool->now[LIMIT];
}

/* Returns how much it rose per second between the last two samples. */
double rate(const struct model *model, const struct pool *pool,
	    enum field counter)
{
	long long now = pool->now[counter];
	long long before = pool->before[counter - FIRST_COUNTER];

	if (now == UNKNOWN || before == UNKNOWN || model->interval <= 0)
		return UNKNOWN;
	/* The controller was taken out and put in again, or the device was. */
	if (now < before)
		before = 0;
	return (double)(now - before) / model->interval;
}

/* Returns whether it is known, and sets @number. */
bool holding_number(const struct holding *holding, enum column column,
		    long long *number)
{
	switch (column) {
	case PROCESS_COLUMN:
		*number = holding->process ?: UNKNOWN;
		break;
	case HANDLES_COLUMN:
		*number = holding->handles;
		break;
	case OBJECTS_COLUMN:
		*number = holding->objects;
		break;
	case CONTEXTS_COLUMN:
		*number = holding->counts[CONTEXT_KIND];
		break;
	case QPS_COLUMN:
		*number = holding->counts[QP_KIND];
		break;
	case CQS_COLUMN:
		*number = holding->counts[CQ_KIND];
		break;
	case MRS_COLUMN:
		*number = holding->counts[MR_KIND];
		break;
	case PDS_COLUMN:
		*number = holding->counts[PD_KIND];
		break;
	case SRQS_COLUMN:
		*number = holding->counts[SRQ_KIND];
		break;
	case BYTES_COLUMN:
		*number = holding->counts[MR_BYTES];
		break;
	case REST_COLUMN:
		return rest_of_objects(holding, number);
	default:
		return false;
	}
	return *number != UNKNOWN;
}

/* Returns what rows are sorted by, for columns of numbers. */
static double number_shown(const struct view *view, const struct model *model,
			   const struct row *row)
{
	const struct pool *pool = row->pool;
	long long number;

	if (row->holding)
		return holding_number(row->holding, sort_column(view),
				      &number) ? (double)number : -HUGE_VAL;
	switch (sort_column(view)) {
	case PERCENT_COLUMN:
	case BAR_COLUMN:
		return percent(pool);
	case HIT_RATE_COLUMN:
		return rate(model, pool, view->local ? LOCAL_HITS : HITS);
	case FAIL_RATE_COLUMN:
		return rate(model, pool, view->local ? LOCAL_FAILS : FAILS);
	default:
		return (double)field_shown(view, pool, sort_column(view));
	}
}

/* A pool without a limit that nobody ever used, as far as can be known. */
static bool is_idle(const struct pool *pool)
{
	if (pool->now[LIMIT] != UNLIMITED && pool->now[LIMIT] != UNKNOWN)
		return false;
	for (size_t i = 0; i < NR_FIELDS; i++)
		if (i != LIMIT && pool->now[i] > 0)
			return false;
	return true;
}

static bool is_empty(const struct holding *holding)
{
	if (holding->handles > 0 || holding->objects > 0)
		return false;
	for (size_t i = 0; i < NR_KINDS; i++)
		if (holding->counts[i] > 0)
			return false;
	return true;
}

static bool is_wanted(const struct view *view, const struct row *row)
{
	const struct device *device = row_device(row);

	return (view->all || !(row->pool ? is_idle(row->pool) :
					   is_empty(row->holding))) &&
	       (!view->device || !strcmp(view->device, device->label)) &&
	       (!view->device_pattern ||
		!fnmatch(view->device_pattern, device->name, 0));
}

/* Returns whether the path has the text in it that is looked for. */
bool view_matches(struct view *view, const struct cgroup *cgroup)
{
	if (!view->match)
		return true;
	cgroup_path(cgroup, &view->path);
	return strstr(view->path.bytes, view->match);
}

static void add_row(struct view *view, const struct model *model,
		    const struct row *row)
{
	struct row *added;

	if (view->nr_rows == view->room) {
		view->room = view->room ? 2 * view->room : 64;
		view->rows = resize(view->rows, view->room,
				    sizeof(*view->rows));
	}
	added = &view->rows[view->nr_rows++];
	*added = *row;
	added->key = row->pool || row->holding ?
		     number_shown(view, model, row) : UNKNOWN;
}

/* Returns whether there are any. */
static bool add_rows(struct view *view, const struct model *model,
		     struct cgroup *cgroup)
{
	const struct holdings *holdings = view->layout == KINDS ?
		&cgroup->kinds : &cgroup->processes;
	size_t before = view->nr_rows, nr = view->layout == LIMITS ?
		cgroup->nr_pools : holdings->nr;
	struct row row = { .cgroup = cgroup };

	if (!nr || !view_matches(view, cgroup))
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (view->layout == LIMITS)
			row.pool = &cgroup->pools[i];
		else
			row.holding = &holdings->all[i];
		row.first = view->nr_rows == before;
		if (is_wanted(view, &row))
			add_row(view, model, &row);
	}
	return view->nr_rows > before;
}

/* By path, children after their parents. */
static int compare_places(const struct cgroup *a, const struct cgroup *b)
{
	unsigned int depth_a = a->depth, depth_b = b->depth;

	if (a == b)
		return 0;
	while (a->depth > depth_b)
		a = a->parent;
	while (b->depth > depth_a)
		b = b->parent;
	if (a == b)
		return depth_a > depth_b ? 1 : -1;
	while (a->parent != b->parent) {
		a = a->parent;
		b = b->parent;
	}
	return strcmp(a->name, b->name);
}

/* Large numbers come first. */
static int compare_keys(double a, double b)
{
	return (b > a) - (b < a);
}

static int compare_rows(const void *one, const void *other, void *arg)
{
	const struct view *view = arg;
	const struct row *a = one, *b = other;
	int order;

	switch (sort_column(view)) {
	case DEVICE_COLUMN:
		order = strcmp(row_device(a)->label, row_device(b)->label);
		break;
	case FROM_COLUMN:
		order = strcmp(limit_from(a->cgroup, a->pool) ?: "",
			       limit_from(b->cgroup, b->pool) ?: "");
		break;
	case COMMAND_COLUMN:
		order = strcmp(a->holding->command ?: "",
			       b->holding->command ?: "");
		break;
	case RESOURCE_COLUMN:
		order = strcmp(a->pool->resource, b->pool->resource);
		break;
	case CGROUP_COLUMN:
		order = compare_places(a->cgroup, b->cgroup);
		break;
	default:
		order = compare_keys(a->key, b->key);
		break;
	}
	if (view->reverse)
		order = -order;
	if (!order && a->pool)
		order = compare_keys((double)a->pool->now[USAGE],
				     (double)b->pool->now[USAGE]);
	if (!order)
		order = compare_places(a->cgroup, b->cgroup);
	/* Then in the order of the files, or of processes. */
	return order ?: (a->pool > b->pool) - (a->pool < b->pool) ?:
	       (a->holding > b->holding) - (a->holding < b->holding);
}

static int compare_siblings(const void *one, const void *other, void *arg)
{
	const struct view *view = arg;
	const struct cgroup *a = *(struct cgroup *const *)one;
	const struct cgroup *b = *(struct cgroup *const *)other;
	int order = column_is_text(sort_column(view)) ?
		strcmp(a->name, b->name) : compare_keys(a->key, b->key);

	if (a->shown != b->shown)
		return a->shown ? -1 : 1;
	if (view->reverse)
		order = -order;
	return order ?: strcmp(a->name, b->name);
}

/* Those that are not shown come last. */
static void sort_children(struct view *view, struct cgroup *cgroup)
{
	struct cgroup **siblings = view->siblings;
	size_t nr = 0;

	for (struct cgroup *at = cgroup->first_child; at; at = at->next) {
		if (nr == view->siblings_room) {
			view->siblings_room = nr ? 2 * nr : 64;
			siblings = resize(siblings, view->siblings_room,
					  sizeof(*siblings));
			view->siblings = siblings;
		}
		siblings[nr++] = at;
	}
	if (!nr)
		return;
	qsort_r(siblings, nr, sizeof(*siblings), compare_siblings, view);
	cgroup->first_child = siblings[0];
	for (size_t i = 0; i < nr; i++) {
		siblings[i]->next = i + 1 < nr ? siblings[i + 1] : NULL;
		siblings[i]->last = i + 1 == nr || !siblings[i + 1]->shown;
	}
}

bool has_shown_children(const struct cgroup *cgroup)
{
	const struct cgroup *at = cgroup->first_child;

	while (at && !at->shown)
		at = at->next;
	return at;
}

static void show_with_ancestors(const struct view *view, struct cgroup *cgroup,
				double key)
{
	for (struct cgroup *at = cgroup; ; at = at->parent) {
		/* Then it is no news to those above either. */
		if (at->shown && at->key >= key)
			return;
		at->key = key;
		at->shown = true;
		if (at == view->top)
			return;
	}
}

/* What no cgroup shows is a part of all, but of no branch. */
static void add_elsewhere(struct view *view, struct model *model)
{
	if (view->layout != LIMITS && view->top == &model->top)
		for (size_t i = 0; i < NR_ELSEWHERE; i++)
			add_rows(view, model, &model->elsewhere[i]);
}

/* A branch is where the largest number in it belongs. */
static void build_tree(struct view *view, struct model *model)
{
	struct cgroup *at;

	for (at = view->top; at; at = next_cgroup(view->top, at))
		at->shown = false;
	for (at = view->top; at; at = next_cgroup(view->top, at))
		add_rows(view, model, at);
	for (size_t i = 0; i < view->nr_rows; i++)
		show_with_ancestors(view, view->rows[i].cgroup,
				    view->rows[i].key);

	view->nr_rows = 0;
	at = view->top->shown ? view->top : NULL;
	while (at) {
		/* A top without numbers says nothing. */
		if (!add_rows(view, model, at) && at != view->top)
			add_row(view, model, &(struct row){
				.cgroup = at, .first = true
			});
		if (at->collapsed && at != view->top) {
			at = next_beside(view->top, at);
		} else {
			sort_children(view, at);
			at = next_cgroup(view->top, at);
		}
		while (at && !at->shown)
			at = next_beside(view->top, at);
	}
	add_elsewhere(view, model);
}

static void build_list(struct view *view, struct model *model)
{
	for (struct cgroup *at = view->top; at; at = next_cgroup(view->top, at))
		add_rows(view, model, at);
	add_elsewhere(view, model);
	if (view->nr_rows)
		qsort_r(view->rows, view->nr_rows, sizeof(*view->rows),
			compare_rows, view);
}

/* Returns the cgroup of this path, which the model's top may be in, or NULL. */
static struct cgroup *find_cgroup(struct model *model, const char *path)
{
	const char *top = model->top.name;
	struct cgroup *at = &model->top;

	if (strncmp(path, top, strlen(top)))
		return NULL;
	path += strlen(top);
	if (*path && *path != '/')
		return NULL;
	for (; *path; path += strcspn(path, "/")) {
		size_t length = strcspn(++path, "/");

		for (at = at->first_child; at; at = at->next)
			if (!strncmp(at->name, path, length) &&
			    !at->name[length])
				break;
		if (!at)
			return NULL;
	}
	return at;
}

/* Anew after each sample, as that frees what is gone. */
void view_build(struct view *view, struct model *model)
{
	view->nr_rows = 0;
	view->top = view->below ? find_cgroup(model, view->below) : &model->top;
	if (!view->top)
		return;
	if (view->tree)
		build_tree(view, model);
	else
		build_list(view, model);
}

void view_free(struct view *view)
{
	free(view->device);
	free(view->below);
	free(view->match);
	free(view->rows);
	free(view->siblings);
	text_free(&view->path);
}
