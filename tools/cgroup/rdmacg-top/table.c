// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cells of the table, on the screen and off it.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "rdmacg-top.h"

/* More levels than these are hinted at. */
#define LEVELS_DRAWN 16

const char *const column_names[NR_COLUMNS] = {
	[PERCENT_COLUMN] = "percent",
	[USAGE_COLUMN] = "usage",
	[LIMIT_COLUMN] = "limit",
	[FROM_COLUMN] = "from",
	[PEAK_COLUMN] = "peak",
	[HIT_RATE_COLUMN] = "hit-rate",
	[FAIL_RATE_COLUMN] = "fail-rate",
	[HITS_COLUMN] = "hits",
	[FAILS_COLUMN] = "fails",
	[PROCESS_COLUMN] = "pid",
	[HANDLES_COLUMN] = "handles",
	[CONTEXTS_COLUMN] = "contexts",
	[OBJECTS_COLUMN] = "objects",
	[QPS_COLUMN] = "qp",
	[CQS_COLUMN] = "cq",
	[MRS_COLUMN] = "mr",
	[PDS_COLUMN] = "pd",
	[SRQS_COLUMN] = "srq",
	[REST_COLUMN] = "rest",
	[BYTES_COLUMN] = "mr-bytes",
	[DEVICE_COLUMN] = "device",
	[RESOURCE_COLUMN] = "resource",
	[COMMAND_COLUMN] = "command",
	[CGROUP_COLUMN] = "cgroup",
};

const char *const column_headings[NR_COLUMNS] = {
	[PERCENT_COLUMN] = "USE%",
	[BAR_COLUMN] = "",
	[USAGE_COLUMN] = "USAGE",
	[LIMIT_COLUMN] = "LIMIT",
	[FROM_COLUMN] = "FROM",
	[PEAK_COLUMN] = "PEAK",
	[HIT_RATE_COLUMN] = "HIT/s",
	[FAIL_RATE_COLUMN] = "FAIL/s",
	[HITS_COLUMN] = "HITS",
	[FAILS_COLUMN] = "FAILS",
	[PROCESS_COLUMN] = "PID",
	[HANDLES_COLUMN] = "HANDLES",
	[CONTEXTS_COLUMN] = "CTX",
	[OBJECTS_COLUMN] = "OBJECTS",
	[QPS_COLUMN] = "QP",
	[CQS_COLUMN] = "CQ",
	[MRS_COLUMN] = "MR",
	[PDS_COLUMN] = "PD",
	[SRQS_COLUMN] = "SRQ",
	[REST_COLUMN] = "REST",
	[BYTES_COLUMN] = "MR-BYTES",
	[DEVICE_COLUMN] = "DEVICE",
	[RESOURCE_COLUMN] = "RESOURCE",
	[COMMAND_COLUMN] = "COMMAND",
	[CGROUP_COLUMN] = "CGROUP",
};

static const struct glyphs ascii_glyphs = {
	"~", "| ", "|-", "`-", "- ", "+ ",
};

static const struct glyphs utf8_glyphs = {
	"…", "│ ", "├─", "└─", "▾ ", "▸ ",
};

const struct glyphs *glyphs = &ascii_glyphs;

/* After the locale was set. */
void choose_glyphs(void)
{
	if (!strcmp(nl_langinfo(CODESET), "UTF-8"))
		glyphs = &utf8_glyphs;
}

static void add_count(struct text *out, long long count)
{
	if (count == UNKNOWN)
		text_print(out, "-");
	else if (count == UNLIMITED)
		text_print(out, "max");
	else
		text_print(out, "%lld", count);
}

void add_rate(struct text *out, double per_second)
{
	if (per_second < 0)
		text_print(out, "-");
	else if (per_second > 0 && per_second < 100)
		text_print(out, "%.1f", per_second);
	else
		text_print(out, "%.0f", per_second);
}

/* 99.9 % is not yet all. */
static void add_percent(struct text *out, double part)
{
	if (part < 0)
		text_print(out, "-");
	else if (part > 999)
		text_print(out, ">999");
	else
		text_print(out, "%d", (int)part);
}

/* Draws from the topmost level that is shown down to this one. */
static void add_branch(struct text *out, const struct view *view,
		       const struct row *row, bool has_children)
{
	const struct cgroup *levels[LEVELS_DRAWN], *at;
	size_t nr = 0;

	for (at = row->cgroup; at != view->top && nr < LEVELS_DRAWN;
	     at = at->parent)
		levels[nr++] = at;
	if (at != view->top)
		text_print(out, "%s", glyphs->ellipsis);
	while (nr--) {
		bool last = levels[nr]->last;

		if (nr || !row->first)
			text_print(out, "%s", last ? "  " : glyphs->pass);
		else
			text_print(out, "%s", last ? glyphs->last_branch :
						     glyphs->branch);
	}
	if (!row->first && has_children && !row->cgroup->collapsed)
		text_print(out, "%s", glyphs->pass);
}

static void add_name(struct text *out, const struct view *view,
		     const struct row *row)
{
	const struct cgroup *cgroup = row->cgroup;
	struct text path = { 0 };

	if (view->tree && (cgroup->parent || cgroup == view->top)) {
		bool has_children = has_shown_children(cgroup);

		add_branch(out, view, row, has_children);
		if (!row->first)
			return;
		if (cgroup != view->top && has_children)
			text_print(out, "%s", cgroup->collapsed ?
				   glyphs->closed : glyphs->open);
	}
	if (!view->tree || cgroup == view->top || !cgroup->parent) {
		cgroup_path(cgroup, &path);
		escape_for_terminal(out, path.length ? path.bytes : "/",
				    KEEP_BLANKS);
		text_free(&path);
	} else {
		escape_for_terminal(out, cgroup->name, KEEP_BLANKS);
	}
}

/* In binary units, of which three figures are enough. */
static void add_bytes(struct text *out, long long bytes)
{
	static const char units[] = "BKMGTPE";
	double number = (double)bytes;
	size_t unit = 0;

	while (number >= 1024 && unit + 2 < sizeof(units)) {
		number /= 1024;
		unit++;
	}
	text_print(out, "%.*f%c", unit && number < 100, number, units[unit]);
}

static void add_holding_cell(struct text *out, const struct holding *holding,
			     enum column column)
{
	long long number;

	if (column == DEVICE_COLUMN)
		text_print(out, "%s", holding->device->label);
	else if (column == COMMAND_COLUMN && holding->command)
		escape_for_terminal(out, holding->command, ESCAPE_BLANKS);
	else if (!holding_number(holding, column, &number))
		text_print(out, "-");
	else if (column == BYTES_COLUMN)
		add_bytes(out, number);
	else
		text_print(out, "%lld", number);
}

/* Adds the text of a cell, which is empty where a row has nothing. */
void add_cell(struct text *out, const struct view *view,
	      const struct model *model, const struct row *row,
	      enum column column)
{
	const struct pool *pool = row->pool;

	if (column == CGROUP_COLUMN) {
		add_name(out, view, row);
		return;
	}
	if (row->holding)
		add_holding_cell(out, row->holding, column);
	if (!pool)
		return;
	switch (column) {
	case FROM_COLUMN:
		text_print(out, "%s", limit_from(row->cgroup, pool) ?: "-");
		break;
	case PERCENT_COLUMN:
		add_percent(out, percent(pool));
		break;
	case HIT_RATE_COLUMN:
		add_rate(out, rate(model, pool,
				   view->local ? LOCAL_HITS : HITS));
		break;
	case FAIL_RATE_COLUMN:
		add_rate(out, rate(model, pool,
				   view->local ? LOCAL_FAILS : FAILS));
		break;
	case DEVICE_COLUMN:
		text_print(out, "%s", pool->device->label);
		break;
	case RESOURCE_COLUMN:
		text_print(out, "%s", pool->resource);
		break;
	default:
		add_count(out, field_shown(view, pool, column));
		break;
	}
}

/* Returns why it is not known who made what, with what to do, or NULL. */
static const char *why_no_kinds(const struct view *view,
				const struct model *model)
{
	if (view->layout == LIMITS || !model->restrack.error)
		return NULL;
	return model->restrack.recorded ?
		"The file of --restrack cannot be read." :
		"The kernel does not tell who made what: modprobe ib_core.";
}

/* Returns what to do to see something, or NULL if there is something. */
const char *why_empty(const struct view *view, const struct model *model)
{
	const char *no_kinds = why_no_kinds(view, model);

	if (no_kinds || view->nr_rows)
		return no_kinds;
	if (!view->top)
		return "There is no such cgroup any more.";
	if (!model->nr_cgroups && model->hierarchy->version == 1)
		return "There is no cgroup but the root: mkdir one.";
	if (!model->nr_cgroups)
		return "The controller is off: +rdma into cgroup.subtree_control of the root.";
	if (!model->devices)
		return "There is no RDMA device, or none that may be read.";
	if (view->layout == PROCESSES && !view->device &&
	    !view->device_pattern && !view->match)
		return "No process has an object of a device.";
	if (view->device || view->device_pattern || view->match)
		return "Nothing is in use or limited that is looked for.";
	return "Nothing is in use, and nothing is limited.";
}

static void write_cell(FILE *out, enum column column, const char *cell,
		       int width)
{
	int fill = width - terminal_width(cell);

	if (column == CGROUP_COLUMN)
		fprintf(out, "%s\n", cell);
	else if (column_is_text(column))
		fprintf(out, "%s%*s ", cell, fill, "");
	else
		fprintf(out, "%*s%s ", fill, "", cell);
}

static bool has_cells(const struct view *view, enum column column)
{
	return column != BAR_COLUMN && column_is_in(view->layout, column);
}

/* All columns are as wide as needed, with the path, of any length, at the end. */
void write_table(FILE *out, const struct view *view, const struct model *model)
{
	int widths[NR_COLUMNS];
	struct text cell = { 0 };

	for (enum column column = 0; column < CGROUP_COLUMN; column++) {
		widths[column] = (int)strlen(column_headings[column]);
		for (size_t i = 0; has_cells(view, column) &&
		     i < view->nr_rows; i++) {
			int width;

			text_clear(&cell);
			add_cell(&cell, view, model, &view->rows[i], column);
			width = terminal_width(cell.bytes);
			if (width > widths[column])
				widths[column] = width;
		}
	}
	widths[CGROUP_COLUMN] = 0;
	for (enum column column = 0; column < NR_COLUMNS; column++)
		if (has_cells(view, column))
			write_cell(out, column, column_headings[column],
				   widths[column]);
	for (size_t i = 0; i < view->nr_rows; i++)
		for (enum column column = 0; column < NR_COLUMNS; column++) {
			if (!has_cells(view, column))
				continue;
			text_clear(&cell);
			add_cell(&cell, view, model, &view->rows[i], column);
			write_cell(out, column, cell.bytes, widths[column]);
		}
	text_free(&cell);
}
