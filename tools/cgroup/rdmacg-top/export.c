// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows for programs: JSON, and the text format of Prometheus.
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

static void write_json_row(FILE *out, const struct model *model,
			   const struct row *row, struct text *path)
{
	const struct pool *pool = row->pool;

	fputs("{\"cgroup\": ", out);
	write_json_path(out, row->cgroup, path);
	fprintf(out, ", \"id\": %llu, \"device\": ", row->cgroup->id);
	write_json_string(out, pool->device->name);
	fputs(", \"index\": ", out);
	write_json_count(out, pool->device->index);
	fprintf(out, ", \"resource\": \"%s\", \"usage\": ", pool->resource);
	write_json_count(out, pool->now[USAGE]);
	fputs(", \"limit\": ", out);
	write_json_count(out, pool->now[LIMIT]);
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

void write_json(FILE *out, const struct view *view, const struct model *model)
{
	struct text path = { 0 };
	struct timespec now;
	bool first = true;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "{\"time\": %lld.%03ld, \"hierarchy\": {\"version\": %d, \"path\": ",
		(long long)now.tv_sec, now.tv_nsec / 1000000,
		model->hierarchy->version);
	write_json_string(out, model->hierarchy->path);
	fputs("}, \"interval\": ", out);
	write_json_decimal(out, model->interval > 0 ? model->interval :
						      UNKNOWN);
	fprintf(out, ", \"cgroups\": %zu, \"unreadable\": %zu,\n \"rows\": [",
		model->nr_cgroups, model->nr_unreadable);
	for (size_t i = 0; i < view->nr_rows; i++) {
		if (!view->rows[i].pool)
			continue;
		fputs(first ? "\n  " : ",\n  ", out);
		write_json_row(out, model, &view->rows[i], &path);
		first = false;
	}
	fputs("\n]}\n", out);
	text_free(&path);
}

static const struct {
	const char *name, *type, *help;
	enum field field;
} metrics[] = {
	{ "rdmacg_usage", "gauge",
	  "What the cgroup and those below it hold of the resource.", USAGE },
	{ "rdmacg_limit", "gauge",
	  "How much of the resource the cgroup may hold; +Inf if it has no limit.",
	  LIMIT },
	{ "rdmacg_peak", "gauge",
	  "The highest usage since the cgroup was made.", PEAK },
	{ "rdmacg_limit_hits_total", "counter",
	  "Requests refused by the limit of the cgroup or of one below it.",
	  HITS },
	{ "rdmacg_failures_total", "counter",
	  "Requests refused to a process in the cgroup or in one below it.",
	  FAILS },
	{ "rdmacg_limit_hits_local_total", "counter",
	  "Requests refused by the limit of the cgroup itself.", LOCAL_HITS },
	{ "rdmacg_failures_local_total", "counter",
	  "Requests refused to a process in the cgroup itself.", LOCAL_FAILS },
};

static void write_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	escape_for_prometheus(out, value);
	fputc('"', out);
}

static void write_labels(FILE *out, const struct row *row, struct text *path)
{
	const struct device *device = row->pool->device;

	fputc('{', out);
	cgroup_path(row->cgroup, path);
	write_label(out, "cgroup", path->length ? path->bytes : "/");
	fputc(',', out);
	write_label(out, "device", device->name);
	if (device->index != NO_INDEX)
		fprintf(out, ",index=\"%lld\"", device->index);
	fputc(',', out);
	write_label(out, "resource", row->pool->resource);
	fputc('}', out);
}

static void write_gauge(FILE *out, const char *name, const char *help,
			size_t value)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %zu\n", name, help,
		name, name, value);
}

/* All lines of one metric have to be together. */
void write_prometheus(FILE *out, const struct view *view,
		      const struct model *model)
{
	struct text path = { 0 };

	for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
		bool first = true;

		for (size_t i = 0; i < view->nr_rows; i++) {
			const struct row *row = &view->rows[i];
			long long value;

			if (!row->pool)
				continue;
			value = row->pool->now[metrics[m].field];
			if (value == UNKNOWN)
				continue;
			if (first)
				fprintf(out, "# HELP %s %s\n# TYPE %s %s\n",
					metrics[m].name, metrics[m].help,
					metrics[m].name, metrics[m].type);
			first = false;
			fputs(metrics[m].name, out);
			write_labels(out, row, &path);
			if (value == UNLIMITED)
				fputs(" +Inf\n", out);
			else
				fprintf(out, " %lld\n", value);
		}
	}
	write_gauge(out, "rdmacg_cgroups",
		    "How many cgroups with the rdma controller were read.",
		    model->nr_cgroups);
	write_gauge(out, "rdmacg_unreadable_cgroups",
		    "How many cgroups could not be read, or not all of them.",
		    model->nr_unreadable);
	text_free(&path);
}
