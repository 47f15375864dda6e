// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows for Prometheus, in its text format, in which all samples of a metric
 * are together.
 */
#include "rdmacg-top.h"

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

/* A metric is named and explained before its first sample. */
struct family {
	FILE *out;
	const char *name, *type, *help;
	bool begun;
};

static void begin_sample(struct family *family)
{
	if (!family->begun)
		fprintf(family->out, "# HELP %s %s\n# TYPE %s %s\n",
			family->name, family->help, family->name,
			family->type);
	family->begun = true;
	fputs(family->name, family->out);
}

static void end_sample(struct family *family, long long value)
{
	if (value == UNLIMITED)
		fputs(" +Inf\n", family->out);
	else
		fprintf(family->out, " %lld\n", value);
}

static void write_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	escape_for_prometheus(out, value);
	fputc('"', out);
}

static void write_cgroup_label(FILE *out, const struct cgroup *cgroup,
			       struct text *path)
{
	cgroup_path(cgroup, path);
	write_label(out, "cgroup", path->length ? path->bytes : "/");
}

static void write_device_labels(FILE *out, const struct device *device)
{
	fputc(',', out);
	write_label(out, "device", device->name);
	if (device->index != NO_INDEX)
		fprintf(out, ",index=\"%lld\"", device->index);
}

static void write_pool_sample(struct family *family, const struct row *row,
			      long long value, struct text *path)
{
	FILE *out = family->out;

	begin_sample(family);
	fputc('{', out);
	write_cgroup_label(out, row->cgroup, path);
	write_device_labels(out, row->pool->device);
	fputc(',', out);
	write_label(out, "resource", row->pool->resource);
	fputc('}', out);
	end_sample(family, value);
}

static void write_gauge(FILE *out, const char *name, const char *help,
			size_t value)
{
	struct family family = { out, name, "gauge", help, false };

	begin_sample(&family);
	end_sample(&family, (long long)value);
}

static void write_pools(FILE *out, const struct view *view, struct text *path)
{
	struct family from = {
		out, "rdmacg_limit_from_default", "gauge",
		"Whether the limit comes from the default of the cgroup.", false
	};

	for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
		struct family family = {
			out, metrics[m].name, metrics[m].type, metrics[m].help,
			false
		};

		for (size_t i = 0; i < view->nr_rows; i++) {
			const struct row *row = &view->rows[i];
			long long value = row->pool->now[metrics[m].field];

			if (value != UNKNOWN)
				write_pool_sample(&family, row, value, path);
		}
	}
	for (size_t i = 0; i < view->nr_rows; i++) {
		const struct row *row = &view->rows[i];
		const char *source = limit_from(row->cgroup, row->pool);

		if (source)
			write_pool_sample(&from, row, *source == 'd', path);
	}
}

static void write_defaults(FILE *out, struct view *view, struct text *path)
{
	struct family family = {
		out, "rdmacg_default_limit", "gauge",
		"The limit of devices that have none of their own in the cgroup.",
		false
	};

	for (struct cgroup *at = view->top; at;
	     at = next_cgroup(view->top, at)) {
		if (!at->nr_defaults || !view_matches(view, at))
			continue;
		for (size_t i = 0; i < at->nr_defaults; i++) {
			begin_sample(&family);
			fputc('{', out);
			write_cgroup_label(out, at, path);
			fputc(',', out);
			write_label(out, "resource", at->defaults[i].resource);
			fputc('}', out);
			end_sample(&family, at->defaults[i].number);
		}
	}
}

/* Leaves the braces open. */
static void begin_holding_sample(struct family *family,
				 const struct model *model,
				 const struct row *row, struct text *path)
{
	const char *place = place_name(model, row->cgroup);
	const struct holding *holding = row->holding;
	FILE *out = family->out;

	begin_sample(family);
	fputc('{', out);
	if (place)
		write_label(out, "elsewhere", place);
	else
		write_cgroup_label(out, row->cgroup, path);
	write_device_labels(out, holding->device);
	if (holding->process) {
		fprintf(out, ",pid=\"%d\",", holding->process);
		write_label(out, "command", holding->command ?: "");
	}
}

static void write_rest(FILE *out, const struct view *view,
		       const struct model *model, struct text *path)
{
	static const struct {
		const char *resource;
		bool (*get)(const struct holding *holding, long long *rest);
	} rests[] = {
		{ "hca_handle", rest_of_handles },
		{ "hca_object", rest_of_objects },
	};
	struct family family = {
		out, "rdmacg_unattributed", "gauge",
		"What is in use beyond the objects that are known by kind.",
		false
	};
	long long rest;

	for (size_t r = 0; r < ARRAY_SIZE(rests); r++)
		for (size_t i = 0; i < view->nr_rows; i++) {
			const struct row *row = &view->rows[i];

			if (!rests[r].get(row->holding, &rest))
				continue;
			begin_holding_sample(&family, model, row, path);
			fprintf(out, ",resource=\"%s\"}", rests[r].resource);
			end_sample(&family, rest);
		}
}

enum place { IN_CGROUPS = 1, ELSEWHERE = 2 };

static void write_kinds(const struct view *view, const struct model *model,
			struct family *family, enum kind first, enum kind last,
			unsigned int places, struct text *path)
{
	for (enum kind kind = first; kind <= last; kind++)
		for (size_t i = 0; i < view->nr_rows; i++) {
			const struct row *row = &view->rows[i];
			long long count = row->holding->counts[kind];
			enum place place = place_name(model, row->cgroup) ?
				ELSEWHERE : IN_CGROUPS;

			/* Elsewhere, not all is of a process. */
			if (count == UNKNOWN || !(places & place) ||
			    (view->layout == PROCESSES &&
			     !row->holding->process))
				continue;
			begin_holding_sample(family, model, row, path);
			if (kind != MR_BYTES)
				fprintf(family->out, ",kind=\"%s\"",
					kind_names[kind]);
			fputc('}', family->out);
			end_sample(family, count);
		}
}

/* Objects of cgroups are counted with those below, so others are apart. */
static void write_holdings(FILE *out, struct view *view, struct model *model,
			   enum layout layout, struct text *path)
{
	static const struct {
		enum layout layout;
		unsigned int places;
		enum kind first, last;
		const char *name, *help;
	} sets[] = {
		{ KINDS, IN_CGROUPS, 0, CONTEXT_KIND, "rdmacg_objects",
		  "Objects by kind that tasks in the cgroup, and in those below it, made." },
		{ KINDS, IN_CGROUPS, MR_BYTES, MR_BYTES, "rdmacg_mr_bytes",
		  "The length of these memory regions." },
		{ KINDS, ELSEWHERE, 0, CONTEXT_KIND, "rdmacg_elsewhere_objects",
		  "Objects by kind of the root cgroup, of the kernel, and of unknown tasks." },
		{ KINDS, ELSEWHERE, MR_BYTES, MR_BYTES,
		  "rdmacg_elsewhere_mr_bytes",
		  "The length of these memory regions." },
		{ PROCESSES, IN_CGROUPS | ELSEWHERE, 0, CONTEXT_KIND,
		  "rdmacg_process_objects",
		  "Objects by kind that the process made." },
		{ PROCESSES, IN_CGROUPS | ELSEWHERE, MR_BYTES, MR_BYTES,
		  "rdmacg_process_mr_bytes",
		  "The length of these memory regions." },
	};

	view->layout = layout;
	view_build(view, model);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct family family = {
			out, sets[i].name, "gauge", sets[i].help, false
		};

		if (sets[i].layout == layout)
			write_kinds(view, model, &family, sets[i].first,
				    sets[i].last, sets[i].places, path);
	}
	if (layout == KINDS)
		write_rest(out, view, model, path);
}

void write_prometheus(FILE *out, struct view *view, struct model *model)
{
	struct text path = { 0 };

	view->layout = LIMITS;
	view_build(view, model);
	write_pools(out, view, &path);
	write_defaults(out, view, &path);
	if (model->want_kinds) {
		write_holdings(out, view, model, KINDS, &path);
		write_gauge(out, "rdmacg_restrack_up",
			    "Whether the kernel told who made what.",
			    !model->restrack.error);
	}
	if (model->want_processes)
		write_holdings(out, view, model, PROCESSES, &path);
	write_gauge(out, "rdmacg_cgroups",
		    "How many cgroups with the rdma controller were read.",
		    model->nr_cgroups);
	write_gauge(out, "rdmacg_unreadable_cgroups",
		    "How many cgroups could not be read, or not all of them.",
		    model->nr_unreadable);
	text_free(&path);
}
