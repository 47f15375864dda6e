// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view: what is seen.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screen.h"

#define BAR_WIDTH	12
#define NAME_WIDTH_MIN	24	/* of cgroups: other columns make way for it */
#define DEVICES_MAX	4	/* that have a line at the top */

enum cut { CUT_RIGHT, CUT_LEFT };

static const struct {
	const char *keys, *meaning;
} help_lines[] = {
	{ "q", "quit" },
	{ "h  ?", "this help" },
	{ "Up Down PgUp PgDn Home End", "move; also k, j, g, G" },
	{ "p", "pause, go on" },
	{ "", "" },
	{ "<  >", "sort by the column to the left, to the right" },
	{ "P U M K", "sort by USE%, USAGE, LIMIT (max), PEAK" },
	{ "H F N", "sort by HIT/s, FAIL/s, name of the cgroup" },
	{ "r", "reverse" },
	{ "v", "limits, kinds of objects, processes that made them" },
	{ "a", "all rows, or only what is in use, was, or is limited" },
	{ "d  D", "only the next device, the previous one; then all" },
	{ "/", "only cgroups with this in their path" },
	{ "Enter  Backspace", "only what is below this cgroup; one level up" },
	{ "Esc", "without these three" },
	{ "l", "events of each cgroup alone, or with those below it" },
	{ "", "" },
	{ "t", "tree, or list" },
	{ "Space  +  -", "unfold or fold the branch; also Right, Left" },
	{ "e  c", "unfold all, fold all" },
	{ "", "" },
	{ "HIT/s", "refused by the limit of the cgroup or of one below it" },
	{ "FAIL/s", "refused to a process in the cgroup or in one below it" },
};

struct row *selected_row(const struct screen *screen)
{
	return screen->selected < screen->view->nr_rows ?
		&screen->view->rows[screen->selected] : NULL;
}

/* Returns how many columns it took, of @room at most. */
static int put(int y, int x, int room, const char *string, enum cut cut)
{
	size_t length = strlen(string);
	wchar_t *wide = resize(NULL, length + 2, sizeof(*wide));
	wchar_t *start = wide + 1, *end, ellipsis;
	int width;

	if (room <= 0 || mbtowc(&ellipsis, glyphs->ellipsis, MB_CUR_MAX) < 0) {
		free(wide);
		return 0;
	}
	length = mbstowcs(start, string, length + 1);
	if (length == (size_t)-1)
		length = 0;
	end = start + length;
	width = wcswidth(start, length);
	if (width > room) {
		while (width >= room)
			width -= wcwidth(cut == CUT_LEFT ? *start++ : *--end);
		if (cut == CUT_LEFT)
			*--start = ellipsis;
		else
			*end++ = ellipsis;
		width++;
	}
	mvaddnwstr(y, x, start, (int)(end - start));
	free(wide);
	return width;
}

static void fill_line(int y, attr_t attributes)
{
	attrset((int)attributes);
	mvhline(y, 0, ' ', COLS);
}

/* Of one resource of one device. */
struct total {
	double usage;
	double fails;		/* by second, or UNKNOWN */
};

static size_t device_number(const struct model *model,
			    const struct device *device)
{
	size_t number = 0;

	for (const struct device *at = model->devices; at != device;
	     at = at->next)
		number++;
	return number;
}

static size_t resource_number(const struct model *model, const char *resource)
{
	size_t number = 0;

	while (model->resources[number] != resource)
		number++;
	return number;
}

static void add_to_totals(const struct model *model, struct total *totals,
			  const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->nr_pools; i++) {
		const struct pool *pool = &cgroup->pools[i];
		struct total *total = totals +
			device_number(model, pool->device) *
			model->nr_resources +
			resource_number(model, pool->resource);
		double fails = rate(model, pool, FAILS);

		if (pool->now[USAGE] > 0)
			total->usage += (double)pool->now[USAGE];
		if (fails >= 0)
			total->fails = fails + fmax(total->fails, 0);
	}
}

/*
 * Returns all resources of one device after another. Usage has that of those
 * below in it, so the topmost cgroups have it all.
 */
static struct total *sum_up(const struct model *model,
			    const struct cgroup *top)
{
	size_t nr = device_number(model, NULL) * model->nr_resources;
	struct total *totals = resize(NULL, nr, sizeof(*totals));

	for (size_t i = 0; i < nr; i++)
		totals[i] = (struct total){ 0, UNKNOWN };
	if (top && top->nr_pools)
		add_to_totals(model, totals, top);
	else if (top)
		for (const struct cgroup *at = top->first_child; at;
		     at = at->next)
			add_to_totals(model, totals, at);
	return totals;
}

static void draw_device(const struct screen *screen, int y,
			const struct device *device,
			const struct total *totals)
{
	const struct model *model = screen->model;
	struct text line = { 0 };
	double fails = UNKNOWN;
	int x;

	attrset(A_BOLD);
	x = 1 + put(y, 1, COLS - 1, device->label, CUT_RIGHT);
	text_clear(&line);
	for (size_t i = 0; i < model->nr_resources; i++) {
		text_print(&line, "  %s %.0f", model->resources[i],
			   totals[i].usage);
		if (totals[i].fails >= 0)
			fails = totals[i].fails + fmax(fails, 0);
	}
	attrset(A_NORMAL);
	x += put(y, x, COLS - x, line.bytes, CUT_RIGHT);
	if (fails >= 0) {
		text_clear(&line);
		text_print(&line, "  refused ");
		add_rate(&line, fails);
		text_print(&line, "/s");
		attrset((int)screen->colours[fails > 0 ? FULL : PLAIN]);
		put(y, x, COLS - x, line.bytes, CUT_RIGHT);
	}
	text_free(&line);
}

/* Returns the line after. */
static int draw_devices(const struct screen *screen, int y)
{
	const struct model *model = screen->model;
	const struct device *device = model->devices;
	struct total *totals;

	if (LINES < 12)
		return y;
	totals = sum_up(model, screen->view->top);
	for (size_t i = 0; device && i < DEVICES_MAX; i++) {
		draw_device(screen, y++, device,
			    totals + i * model->nr_resources);
		device = device->next;
	}
	if (device) {
		attrset((int)screen->colours[FAINT]);
		put(y++, 1, COLS - 1, "and more devices", CUT_RIGHT);
	}
	free(totals);
	return y;
}

static void draw_title(const struct screen *screen)
{
	const struct model *model = screen->model;
	time_t now = time(NULL);
	struct text line = { 0 };
	char clock[16];
	int x = 1;

	attrset(A_BOLD);
	x += put(0, x, COLS - x, "rdmacg-top", CUT_RIGHT);
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	text_print(&line, "  %s  every %g s  cgroup v%d  %zu cgroups", clock,
		   screen->delay, model->hierarchy->version,
		   model->nr_cgroups);
	if (model->nr_unreadable)
		text_print(&line, ", %zu unreadable", model->nr_unreadable);
	text_print(&line, "  %zu rows", screen->view->nr_rows);
	attrset(A_NORMAL);
	x += put(0, x, COLS - x, line.bytes, CUT_RIGHT);
	if (screen->paused) {
		attrset((int)screen->colours[HIGH]);
		put(0, x, COLS - x, "  PAUSED", CUT_RIGHT);
	}
	text_free(&line);
}

static void add_filter(struct text *line, const char *what, const char *value)
{
	text_print(line, "  %s ", what);
	escape_for_terminal(line, value, KEEP_BLANKS);
}

/* Returns the line after: there is one only if something is not the usual. */
static int draw_filters(const struct screen *screen, int y)
{
	const struct view *view = screen->view;
	struct text line = { 0 };

	text_clear(&line);
	if (view->device)
		text_print(&line, "  device %s", view->device);
	if (view->device_pattern)
		add_filter(&line, "devices", view->device_pattern);
	if (view->below)
		add_filter(&line, "below", view->below);
	else if (*screen->model->top.name)
		add_filter(&line, "below", screen->model->top.name);
	if (view->match)
		add_filter(&line, "with", view->match);
	if (view->local)
		text_print(&line, "  events of each cgroup alone");
	if (view->all)
		text_print(&line, "  all rows");
	if (line.length) {
		attrset((int)screen->colours[HIGH]);
		put(y++, 1, COLS - 1, line.bytes + 2, CUT_RIGHT);
	}
	text_free(&line);
	return y;
}

static void grow_width(struct screen *screen, enum column column,
		       const char *cell)
{
	int width = terminal_width(cell);

	if (width > screen->widths[column])
		screen->widths[column] = width;
}

static size_t rows_end(const struct screen *screen)
{
	size_t end = screen->first + (size_t)screen->list_lines;

	return end < screen->view->nr_rows ? end : screen->view->nr_rows;
}

/* Returns how much room that gives. */
static int hide(int *width)
{
	int room = *width ? *width + 1 : 0;

	*width = 0;
	return room;
}

/*
 * Hides what there is no room for: its width becomes 0. Some columns make way
 * for all of the names, others only as long as too little of them is seen.
 */
static void fit_columns(struct screen *screen, int widths[NR_COLUMNS])
{
	static const enum column luxuries[] = {
		HITS_COLUMN, FAILS_COLUMN, BAR_COLUMN,
	};
	static const enum column dispensable[] = {
		FROM_COLUMN, PEAK_COLUMN, HIT_RATE_COLUMN, FAIL_RATE_COLUMN,
		LIMIT_COLUMN, HANDLES_COLUMN, SRQS_COLUMN, PDS_COLUMN,
		CQS_COLUMN, CONTEXTS_COLUMN, BYTES_COLUMN, RESOURCE_COLUMN,
		COMMAND_COLUMN, DEVICE_COLUMN,
	};
	int wanted = screen->widths[CGROUP_COLUMN];
	int needed = wanted < NAME_WIDTH_MIN ? wanted : NAME_WIDTH_MIN;
	int room = COLS;

	for (enum column column = 0; column < CGROUP_COLUMN; column++) {
		widths[column] = screen->widths[column];
		room -= widths[column] ? widths[column] + 1 : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(luxuries) && room < wanted; i++)
		room += hide(&widths[luxuries[i]]);
	for (size_t i = 0; i < ARRAY_SIZE(dispensable) && room < needed; i++)
		room += hide(&widths[dispensable[i]]);
}

static void measure_columns(struct screen *screen, int widths[NR_COLUMNS])
{
	struct text cell = { 0 };

	for (enum column column = 0; column < NR_COLUMNS; column++) {
		if (!column_is_in(screen->view->layout, column))
			continue;
		grow_width(screen, column, column_headings[column]);
		for (size_t i = screen->first; i < rows_end(screen); i++) {
			text_clear(&cell);
			add_cell(&cell, screen->view, screen->model,
				 &screen->view->rows[i], column);
			grow_width(screen, column, cell.bytes);
		}
	}
	if (column_is_in(screen->view->layout, BAR_COLUMN))
		screen->widths[BAR_COLUMN] = BAR_WIDTH;
	text_free(&cell);
	fit_columns(screen, widths);
}

static void draw_headings(const struct screen *screen, int y,
			  const int widths[NR_COLUMNS])
{
	const struct view *view = screen->view;
	int x = 0;

	fill_line(y, screen->colours[HEADING]);
	for (enum column column = 0; column < NR_COLUMNS; column++) {
		const char *heading = column_headings[column];
		int fill = column_is_text(column) ? 0 :
			   widths[column] - (int)strlen(heading);

		if (!widths[column] && column != CGROUP_COLUMN)
			continue;
		attrset((int)screen->colours[column == sort_column(view) ?
					     SORTED : HEADING]);
		put(y, x + fill, COLS - x - fill, heading, CUT_RIGHT);
		x += widths[column] + 1;
	}
}

static enum colour colour_of_percent(double part)
{
	return part >= 100 ? FULL : part >= 80 ? HIGH : GOOD;
}

static enum colour colour_of_cell(const struct row *row, enum column column,
				  const char *cell)
{
	if (!strcmp(cell, "-"))
		return FAINT;
	if (!row->pool)
		return PLAIN;
	switch (column) {
	case PERCENT_COLUMN:
	case BAR_COLUMN:
		return colour_of_percent(percent(row->pool));
	case HIT_RATE_COLUMN:
	case FAIL_RATE_COLUMN:
		return strcmp(cell, "0") ? FULL : FAINT;
	default:
		return PLAIN;
	}
}

static void add_bar(struct text *out, const struct pool *pool)
{
	double part = percent(pool);
	int marks = (int)((part < 100 ? part : 100) / 100 * (BAR_WIDTH - 2));

	if (part < 0)
		return;
	/* A little is more than nothing. */
	if (!marks && part > 0)
		marks = 1;
	text_print(out, "[%-*.*s]", BAR_WIDTH - 2, marks, "||||||||||");
}

static void draw_row(const struct screen *screen, int y, size_t number,
		     const int widths[NR_COLUMNS])
{
	const struct view *view = screen->view;
	const struct row *row = &view->rows[number];
	bool is_selected = number == screen->selected;
	struct text cell = { 0 };
	int x = 0;

	fill_line(y, is_selected ? A_REVERSE : A_NORMAL);
	for (enum column column = 0; column < NR_COLUMNS; column++) {
		enum colour colour;
		int fill;

		if (!widths[column] && column != CGROUP_COLUMN)
			continue;
		text_clear(&cell);
		if (column != BAR_COLUMN)
			add_cell(&cell, view, screen->model, row, column);
		else if (row->pool)
			add_bar(&cell, row->pool);
		colour = colour_of_cell(row, column, cell.bytes);
		attrset((int)(is_selected ? A_REVERSE :
					    screen->colours[colour]));
		fill = column_is_text(column) ? 0 :
			widths[column] - terminal_width(cell.bytes);
		put(y, x + fill, column == CGROUP_COLUMN ? COLS - x :
				 widths[column], cell.bytes,
		    column == CGROUP_COLUMN && !view->tree ? CUT_LEFT :
							     CUT_RIGHT);
		x += widths[column] + 1;
	}
	text_free(&cell);
}

/* Adds all counts of events, whichever the list shows. */
static void add_events(struct text *line, const struct pool *pool)
{
	static const struct {
		const char *name;
		enum field field;
	} counts[] = {
		{ "hits", HITS }, { "local", LOCAL_HITS },
		{ "fails", FAILS }, { "local", LOCAL_FAILS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (pool->now[counts[i].field] != UNKNOWN)
			text_print(line, "  %s %lld", counts[i].name,
				   pool->now[counts[i].field]);
}

static void add_default(struct text *line, const struct row *row)
{
	long long limit = default_limit(row->cgroup, row->pool->resource);

	if (limit != UNLIMITED)
		text_print(line, "  default %lld", limit);
}

/* Says what is not told by a path. */
static void add_meaning(struct text *line, const struct model *model,
			const struct cgroup *cgroup)
{
	static const char *const meanings[NR_ELSEWHERE] = {
		[IN_ROOT] = "in the root cgroup: not counted",
		[IN_KERNEL] = "made by the kernel: not counted",
		[IN_UNKNOWN] = "made by tasks that ended or are out of sight",
	};

	for (size_t i = 0; i < NR_ELSEWHERE; i++)
		if (cgroup == &model->elsewhere[i])
			text_print(line, "  %s", meanings[i]);
}

/* With the path, of which the list may have shown only a part. */
static void draw_selected(const struct screen *screen, int y)
{
	const struct row *row = selected_row(screen);
	struct text path = { 0 }, shown = { 0 }, rest = { 0 };
	int room, x = 1;

	if (!row)
		return;
	cgroup_path(row->cgroup, &path);
	text_clear(&shown);
	escape_for_terminal(&shown, path.length ? path.bytes : "/",
			    KEEP_BLANKS);
	text_clear(&rest);
	if (row->pool) {
		text_print(&rest, "  %s %s", row->pool->device->label,
			   row->pool->resource);
		add_default(&rest, row);
		add_events(&rest, row->pool);
	} else if (row->holding) {
		text_print(&rest, "  %s", row->holding->device->label);
		add_meaning(&rest, screen->model, row->cgroup);
	}
	room = COLS - x - terminal_width(rest.bytes);
	if (room < COLS / 2)
		room = COLS / 2;
	attrset(A_BOLD);
	x += put(y, x, room, shown.bytes, CUT_LEFT);
	attrset(A_NORMAL);
	put(y, x, COLS - x, rest.bytes, CUT_RIGHT);
	text_free(&path);
	text_free(&shown);
	text_free(&rest);
}

static void draw_keys(const struct screen *screen, int y)
{
	static const char *const keys[][2] = {
		{ "h", "Help" }, { "q", "Quit" }, { "<>", "Sort" },
		{ "r", "Reverse" }, { "t", "Tree" }, { "Space", "Fold" },
		{ "v", "View" }, { "d", "Device" }, { "/", "Find" },
		{ "Enter", "Below" },
		{ "a", "All" }, { "l", "Local" }, { "p", "Pause" },
	};
	int x = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (x + (int)strlen(keys[i][0]) + (int)strlen(keys[i][1]) >
		    COLS)
			break;
		attrset(A_BOLD);
		x += put(y, x, COLS - x, keys[i][0], CUT_RIGHT);
		attrset((int)screen->colours[HEADING]);
		x += put(y, x, COLS - x, keys[i][1], CUT_RIGHT);
		attrset(A_NORMAL);
		x++;
	}
}

static void draw_question(const struct screen *screen, int y)
{
	int x = 1, room;
	size_t from = 0;

	attrset(A_BOLD);
	x += put(y, x, COLS - x, "Only paths with: ", CUT_RIGHT);
	attrset(A_NORMAL);
	room = COLS - x - 1;
	while (screen->answer[from] &&
	       wcswidth(screen->answer + from, MATCH_MAX) > room)
		from++;
	mvaddwstr(y, x, screen->answer + from);
}

static void draw_help(void)
{
	int y = 0;

	attrset(A_BOLD);
	put(y, 1, COLS - 1, "rdmacg-top: keys", CUT_RIGHT);
	y += 2;
	for (size_t i = 0; i < ARRAY_SIZE(help_lines) && y < LINES - 1; i++) {
		attrset(A_BOLD);
		put(y, 1, COLS - 1, help_lines[i].keys, CUT_RIGHT);
		attrset(A_NORMAL);
		put(y++, 29, COLS - 29, help_lines[i].meaning, CUT_RIGHT);
	}
	attrset(A_REVERSE);
	put(LINES - 1, 1, COLS - 1, "Any key goes back", CUT_RIGHT);
}

static void scroll_to_selected(struct screen *screen)
{
	size_t lines = screen->list_lines > 0 ? (size_t)screen->list_lines : 1;
	size_t nr_rows = screen->view->nr_rows;
	size_t last = nr_rows > lines ? nr_rows - lines : 0;

	if (screen->first > screen->selected)
		screen->first = screen->selected;
	if (screen->first + lines <= screen->selected)
		screen->first = screen->selected - lines + 1;
	if (screen->first > last)
		screen->first = last;
}

static void draw_list(struct screen *screen)
{
	int y = draw_filters(screen, draw_devices(screen, 1));
	int widths[NR_COLUMNS] = { 0 };
	const char *hint;

	screen->list_lines = LINES - y - 3;
	if (screen->list_lines < 1)
		screen->list_lines = 1;
	scroll_to_selected(screen);
	measure_columns(screen, widths);
	draw_headings(screen, y++, widths);
	for (size_t i = screen->first; i < rows_end(screen); i++)
		draw_row(screen, y++, i, widths);

	hint = why_empty(screen->view, screen->model);
	attrset(A_NORMAL);
	if (hint)
		put(y + 1, 1, COLS - 1, hint, CUT_RIGHT);
	draw_selected(screen, LINES - 2);
	if (screen->asking)
		draw_question(screen, LINES - 1);
	else
		draw_keys(screen, LINES - 1);
}

void draw(struct screen *screen)
{
	attrset(A_NORMAL);
	erase();
	if (screen->help) {
		draw_help();
	} else {
		draw_title(screen);
		draw_list(screen);
	}
	curs_set(screen->asking);
	refresh();
}
