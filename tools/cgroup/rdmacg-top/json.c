// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows for programs, as JSON.
 */
#include <time.h>

#include "rdmacg-top.h"

static void write_json_string(FILE *out, const char *bytes)
{
	fputc('"', out);
	escape_for_json(out, bytes);
	fputc('"', out);
}

static void write_json_path(FILE *out, const struct cgroup *cgroup,
			    struct text *path)
{
	cgroup_path(cgroup, path);
	write_json_string(out, path->length ? path->bytes : "/");
}

static void write_json_count(FILE *out, long long count)
{
	if (count == UNKNOWN)
		fputs("null", out);
	else if (count == UNLIMITED)
		fputs("\"max\"", out);
	else
		fprintf(out, "%lld", count);
}

/* NULL if it is not known. */
static void write_json_word(FILE *out, const char *word)
{
	if (word)
		write_json_string(out, word);
	else
		fputs("null", out);
}

static void write_json_decimal(FILE *out, double number)
{
	if (number < 0)
		fputs("null", out);
	else
		fprintf(out, "%.3f", number);
}

static void write_json_events(FILE *out, const struct pool *pool,
			      const char *name, enum field hits,
			      enum field fails)
{
	fprintf(out, ", \"%s\": {\"max\": ", name);
	write_json_count(out, pool->now[hits]);
	fputs(", \"alloc_fail\": ", out);
	write_json_count(out, pool->now[fails]);
	fputc('}', out);
}

static void write_json_rates(FILE *out, const struct model *model,
			     const struct pool *pool, const char *name,
			     enum field hits, enum field fails)
{
	fprintf(out, ", \"%s\": {\"max\": ", name);
	write_json_decimal(out, rate(model, pool, hits));
	fputs(", \"alloc_fail\": ", out);
	write_json_decimal(out, rate(model, pool, fails));
	fputc('}', out);
}

static void write_json_cgroup(FILE *out, const struct cgroup *cgroup,
			      struct text *path)
{
	fputs("{\"cgroup\": ", out);
	write_json_path(out, cgroup, path);
	fprintf(out, ", \"id\": %llu", cgroup->id);
}

static void write_json_device(FILE *out, const struct device *device)
{
	fputs(", \"device\": ", out);
	write_json_string(out, device->name);
	fputs(", \"index\": ", out);
	write_json_count(out, device->index);
}

static void write_json_row(FILE *out, const struct model *model,
			   const struct row *row, struct text *path)
{
	const struct pool *pool = row->pool;

	write_json_cgroup(out, row->cgroup, path);
	write_json_device(out, pool->device);
	fprintf(out, ", \"resource\": \"%s\", \"usage\": ", pool->resource);
	write_json_count(out, pool->now[USAGE]);
	fputs(", \"limit\": ", out);
	write_json_count(out, pool->now[LIMIT]);
	fputs(", \"limit_from\": ", out);
	write_json_word(out, limit_from(row->cgroup, pool));
	fputs(", \"percent\": ", out);
	write_json_decimal(out, percent(pool));
	fputs(", \"peak\": ", out);
	write_json_count(out, pool->now[PEAK]);
	write_json_events(out, pool, "events", HITS, FAILS);
	write_json_events(out, pool, "events_local", LOCAL_HITS, LOCAL_FAILS);
	write_json_rates(out, model, pool, "events_per_second", HITS, FAILS);
	write_json_rates(out, model, pool, "events_local_per_second",
			 LOCAL_HITS, LOCAL_FAILS);
	fputc('}', out);
}

static void write_json_rest(FILE *out, const struct holding *holding)
{
	long long rest;

	fputs(", \"rest\": {\"hca_handle\": ", out);
	if (rest_of_handles(holding, &rest))
		fprintf(out, "%lld", rest);
	else
		fputs("null", out);
	fputs(", \"hca_object\": ", out);
	if (rest_of_objects(holding, &rest))
		fprintf(out, "%lld", rest);
	else
		fputs("null", out);
	fputc('}', out);
}

static void write_json_holding(FILE *out, const struct model *model,
			       enum layout layout, const struct row *row,
			       struct text *path)
{
	const struct holding *holding = row->holding;
	const char *place = place_name(model, row->cgroup);

	if (place)
		fputs("{\"cgroup\": null, \"id\": null", out);
	else
		write_json_cgroup(out, row->cgroup, path);
	fputs(", \"elsewhere\": ", out);
	write_json_word(out, place);
	write_json_device(out, holding->device);
	if (layout == PROCESSES) {
		fputs(", \"pid\": ", out);
		write_json_count(out, holding->process ?: UNKNOWN);
		fputs(", \"command\": ", out);
		write_json_word(out, holding->command);
	} else {
		fputs(", \"hca_handle\": ", out);
		write_json_count(out, holding->handles);
		fputs(", \"hca_object\": ", out);
		write_json_count(out, holding->objects);
		write_json_rest(out, holding);
	}
	for (enum kind kind = 0; kind < NR_KINDS; kind++) {
		fprintf(out, ", \"%s\": ", kind_names[kind]);
		if (holding->counts[kind] == UNKNOWN)
			fputs("null", out);
		else
			fprintf(out, "%lld", holding->counts[kind]);
	}
	fputc('}', out);
}

/* All rows of a layout, as an array of this name. */
static void write_json_rows(FILE *out, struct view *view, struct model *model,
			    enum layout layout, const char *name)
{
	struct text path = { 0 };
	bool first = true;

	view->layout = layout;
	view_build(view, model);
	fprintf(out, ",\n \"%s\": [", name);
	for (size_t i = 0; i < view->nr_rows; i++) {
		const struct row *row = &view->rows[i];

		fputs(first ? "\n  " : ",\n  ", out);
		first = false;
		if (layout == LIMITS)
			write_json_row(out, model, row, &path);
		else
			write_json_holding(out, model, layout, row, &path);
	}
	fputs("\n]", out);
	text_free(&path);
}

static void write_json_defaults(FILE *out, struct view *view)
{
	struct text path = { 0 };
	bool first = true;

	fputs(",\n \"defaults\": [", out);
	for (struct cgroup *at = view->top; at;
	     at = next_cgroup(view->top, at)) {
		if (!at->nr_defaults || !view_matches(view, at))
			continue;
		for (size_t i = 0; i < at->nr_defaults; i++) {
			fputs(first ? "\n  " : ",\n  ", out);
			first = false;
			write_json_cgroup(out, at, &path);
			fprintf(out, ", \"resource\": \"%s\", \"limit\": ",
				at->defaults[i].resource);
			write_json_count(out, at->defaults[i].number);
			fputc('}', out);
		}
	}
	fputs("\n]", out);
	text_free(&path);
}

void write_json(FILE *out, struct view *view, struct model *model)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "{\"time\": %lld.%03ld, \"hierarchy\": {\"version\": %d, \"path\": ",
		(long long)now.tv_sec, now.tv_nsec / 1000000,
		model->hierarchy->version);
	write_json_string(out, model->hierarchy->path);
	fputs("}, \"interval\": ", out);
	write_json_decimal(out, model->interval > 0 ? model->interval :
						      UNKNOWN);
	fprintf(out, ", \"cgroups\": %zu, \"unreadable\": %zu",
		model->nr_cgroups, model->nr_unreadable);
	if (model->want_kinds) {
		fputs(", \"restrack_error\": ", out);
		write_json_word(out, model->restrack.error);
	}
	write_json_rows(out, view, model, LIMITS, "rows");
	write_json_defaults(out, view);
	if (model->want_kinds)
		write_json_rows(out, view, model, KINDS, "kinds");
	if (model->want_processes)
		write_json_rows(out, view, model, PROCESSES, "processes");
	fputs("}\n", out);
}
