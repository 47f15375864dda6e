// SPDX-License-Identifier: GPL-2.0-only
/*
 * The live view: the terminal, what is selected, and the keys.
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "screen.h"

#define CTRL(letter)	((letter) & 0x1f)
#define ESCAPE		0x1b

static atomic_int stopped_by;

static void stop(int number)
{
	stopped_by = number;
}

static void leave_curses(void)
{
	leave_screen = NULL;
	endwin();
}

static bool wants_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	return (!no_color || !*no_color) && has_colors();
}

static void choose_colours(struct screen *screen)
{
	static const struct {
		short foreground, background;
	} pairs[NR_COLOURS] = {
		[GOOD] = { COLOR_GREEN, -1 },
		[HIGH] = { COLOR_YELLOW, -1 },
		[FULL] = { COLOR_RED, -1 },
		[HEADING] = { COLOR_BLACK, COLOR_GREEN },
		[SORTED] = { COLOR_BLACK, COLOR_CYAN },
	};

	screen->colours[HIGH] = A_BOLD;
	screen->colours[FULL] = A_BOLD;
	screen->colours[HEADING] = A_REVERSE;
	screen->colours[SORTED] = A_REVERSE | A_BOLD | A_UNDERLINE;
	screen->colours[FAINT] = A_DIM;
	if (!wants_colours() || start_color() == ERR)
		return;
	use_default_colors();
	for (short i = 0; i < NR_COLOURS; i++)
		if (pairs[i].foreground != pairs[i].background) {
			init_pair(i, pairs[i].foreground, pairs[i].background);
			screen->colours[i] = COLOR_PAIR(i);
		}
	screen->colours[FULL] |= A_BOLD;
}

static void enter_curses(struct screen *screen)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	const struct sigaction action = { .sa_handler = stop };
	const char *terminal = getenv("TERM");

	if (!newterm(NULL, stdout, stdin))
		die("there is no screen on a terminal of type '%s': set TERM, or use --once",
		    terminal ? terminal : "");
	leave_screen = leave_curses;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	timeout(0);
	choose_colours(screen);
}

static unsigned long long serial_of(const struct row *row)
{
	if (row->holding)
		return row->holding->serial;
	return row->pool ? row->pool->serial : row->cgroup->serial;
}

static void select_row(struct screen *screen, size_t row)
{
	size_t nr_rows = screen->view->nr_rows;

	screen->selected = row < nr_rows ? row : nr_rows ? nr_rows - 1 : 0;
	screen->selected_serial = screen->selected ?
		serial_of(selected_row(screen)) : 0;
}

static void select_cgroup(struct screen *screen, const struct cgroup *cgroup)
{
	const struct view *view = screen->view;

	for (size_t i = 0; i < view->nr_rows; i++)
		if (view->rows[i].cgroup == cgroup) {
			select_row(screen, i);
			return;
		}
}

/* What was selected stays so, wherever it is by now. */
static void rebuild(struct screen *screen)
{
	const struct view *view = screen->view;
	size_t row = screen->selected;

	view_build(screen->view, screen->model);
	if (!screen->selected_serial)
		row = 0;
	for (size_t i = 0; screen->selected_serial && i < view->nr_rows; i++)
		if (serial_of(&view->rows[i]) == screen->selected_serial) {
			row = i;
			break;
		}
	select_row(screen, row);
}

/* Widths only grow, lest columns jump about, until what is shown changes. */
static void rebuild_all(struct screen *screen)
{
	memset(screen->widths, 0, sizeof(screen->widths));
	rebuild(screen);
}

static void set_string(char **string, const char *value)
{
	free(*string);
	*string = value ? copy_bytes(value, strlen(value)) : NULL;
}

static void move_selected(struct screen *screen, long by)
{
	size_t up = by < 0 ? (size_t)-by : 0;

	if (by >= 0)
		select_row(screen, screen->selected + (size_t)by);
	else
		select_row(screen, screen->selected > up ?
				   screen->selected - up : 0);
}

static void sort_by(struct screen *screen, enum column column)
{
	if (!column_is_in(screen->view->layout, column))
		return;
	screen->view->sort = column;
	rebuild(screen);
}

/* To the next column that is something of its own. */
static void sort_by_neighbour(struct screen *screen, int step)
{
	int column = (int)sort_column(screen->view);

	do {
		column = (column + step + NR_COLUMNS) % NR_COLUMNS;
	} while (column == BAR_COLUMN ||
		 !column_is_in(screen->view->layout, (enum column)column));
	sort_by(screen, (enum column)column);
}

/* What it shows of tasks was not read before, even if it is paused. */
static void show_next_layout(struct screen *screen)
{
	struct view *view = screen->view;

	view->layout = (view->layout + 1) % NR_LAYOUTS;
	want_for_layout(screen->model, view->layout);
	if (view->layout != LIMITS)
		model_sample(screen->model);
	screen->selected_serial = 0;
	rebuild_all(screen);
}

static void choose_device(struct screen *screen, bool forward)
{
	const struct device *chosen = NULL, *before = NULL;
	struct view *view = screen->view;

	for (const struct device *at = screen->model->devices; at;
	     at = at->next) {
		if (view->device && !strcmp(at->label, view->device)) {
			chosen = forward ? at->next : before;
			break;
		}
		before = at;
		if (!view->device) {
			chosen = at;
			if (forward)
				break;
		}
	}
	set_string(&view->device, chosen ? chosen->label : NULL);
	rebuild_all(screen);
}

static void set_fold(struct screen *screen, struct cgroup *cgroup,
		     bool collapse)
{
	cgroup->collapsed = collapse;
	rebuild(screen);
	select_cgroup(screen, cgroup);
}

/* What cannot be folded any further is a part of what can. */
static void fold(struct screen *screen, bool collapse)
{
	const struct row *row = selected_row(screen);
	const struct cgroup *top = screen->view->top;
	struct cgroup *cgroup;

	if (!row || !screen->view->tree)
		return;
	cgroup = row->cgroup;
	if (!cgroup->parent)
		return;
	if (collapse && cgroup != top &&
	    (cgroup->collapsed || !has_shown_children(cgroup)))
		cgroup = cgroup->parent;
	if (cgroup != top)
		set_fold(screen, cgroup, collapse);
}

static void toggle_fold(struct screen *screen)
{
	const struct row *row = selected_row(screen);

	if (row && screen->view->tree && row->cgroup != screen->view->top &&
	    has_shown_children(row->cgroup))
		set_fold(screen, row->cgroup, !row->cgroup->collapsed);
}

static void fold_all(struct screen *screen, bool collapse)
{
	const struct row *row = selected_row(screen);
	const struct cgroup *top = screen->view->top, *selected;

	if (!row || !screen->view->tree)
		return;
	for (struct cgroup *at = screen->view->top; at;
	     at = next_cgroup(top, at))
		at->collapsed = collapse;
	selected = row->cgroup;
	while (collapse && selected != top && selected->parent &&
	       selected->parent != top)
		selected = selected->parent;
	rebuild(screen);
	select_cgroup(screen, selected);
}

static void look_below(struct screen *screen)
{
	const struct row *row = selected_row(screen);
	struct text path = { 0 };

	if (!row || !row->cgroup->parent)
		return;
	cgroup_path(row->cgroup, &path);
	free(screen->view->below);
	screen->view->below = path.bytes;
	screen->selected_serial = 0;
	rebuild_all(screen);
}

/* Not above what was asked for at the start. */
static void look_above(struct screen *screen)
{
	struct view *view = screen->view;
	char *slash;

	if (!view->below)
		return;
	slash = strrchr(view->below, '/');
	*slash = '\0';
	if (!strcmp(view->below, screen->model->top.name))
		set_string(&view->below, NULL);
	rebuild_all(screen);
}

static void look_at_all(struct screen *screen)
{
	struct view *view = screen->view;

	set_string(&view->device, NULL);
	set_string(&view->below, NULL);
	set_string(&view->match, NULL);
	rebuild_all(screen);
}

static void take_answer(struct screen *screen)
{
	size_t room = MATCH_MAX * MB_CUR_MAX + 1;
	char *bytes = resize(NULL, room, 1);

	if (wcstombs(bytes, screen->answer, room) != (size_t)-1)
		set_string(&screen->view->match, *bytes ? bytes : NULL);
	free(bytes);
	rebuild_all(screen);
}

static void on_answer_key(struct screen *screen, bool is_function, wint_t key)
{
	size_t length = wcslen(screen->answer);

	if ((is_function && key == KEY_BACKSPACE) ||
	    (!is_function && (key == CTRL('h') || key == 0x7f))) {
		if (length)
			screen->answer[length - 1] = L'\0';
	} else if (!is_function && key == ESCAPE) {
		screen->asking = false;
		*screen->answer = L'\0';
	} else if ((!is_function && (key == '\r' || key == '\n')) ||
		   (is_function && key == KEY_ENTER)) {
		screen->asking = false;
		return;
	} else if (!is_function && printable_width((wchar_t)key) > 0 &&
		   length + 1 < MATCH_MAX) {
		screen->answer[length] = (wchar_t)key;
		screen->answer[length + 1] = L'\0';
	}
	take_answer(screen);
}

static void toggle(struct screen *screen, bool *what)
{
	*what = !*what;
	rebuild_all(screen);
}

static void on_function_key(struct screen *screen, wint_t key)
{
	long page = screen->list_lines > 1 ? screen->list_lines - 1 : 1;

	switch (key) {
	case KEY_UP:
		move_selected(screen, -1);
		break;
	case KEY_DOWN:
		move_selected(screen, 1);
		break;
	case KEY_PPAGE:
		move_selected(screen, -page);
		break;
	case KEY_NPAGE:
		move_selected(screen, page);
		break;
	case KEY_HOME:
		select_row(screen, 0);
		break;
	case KEY_END:
		select_row(screen, SIZE_MAX);
		break;
	case KEY_LEFT:
		fold(screen, true);
		break;
	case KEY_RIGHT:
		fold(screen, false);
		break;
	case KEY_ENTER:
		look_below(screen);
		break;
	case KEY_BACKSPACE:
		look_above(screen);
		break;
	case KEY_F(1):
		screen->help = true;
		break;
	case KEY_RESIZE:
		memset(screen->widths, 0, sizeof(screen->widths));
		break;
	}
}

static bool on_sort_key(struct screen *screen, wint_t key)
{
	static const struct {
		wint_t key;
		enum column column;
	} sort_keys[] = {
		{ 'P', PERCENT_COLUMN }, { 'U', USAGE_COLUMN },
		{ 'M', LIMIT_COLUMN }, { 'K', PEAK_COLUMN },
		{ 'H', HIT_RATE_COLUMN }, { 'F', FAIL_RATE_COLUMN },
		{ 'N', CGROUP_COLUMN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sort_keys); i++)
		if (sort_keys[i].key == key) {
			sort_by(screen, sort_keys[i].column);
			return true;
		}
	return false;
}

static void on_key(struct screen *screen, wint_t key)
{
	struct view *view = screen->view;

	if (on_sort_key(screen, key))
		return;
	switch (key) {
	case 'q':
		screen->quit = true;
		break;
	case 'h':
	case '?':
		screen->help = true;
		break;
	case 'k':
		move_selected(screen, -1);
		break;
	case 'j':
		move_selected(screen, 1);
		break;
	case 'g':
		select_row(screen, 0);
		break;
	case 'G':
		select_row(screen, SIZE_MAX);
		break;
	case 'p':
		screen->paused = !screen->paused;
		break;
	case '<':
		sort_by_neighbour(screen, -1);
		break;
	case '>':
		sort_by_neighbour(screen, 1);
		break;
	case 'r':
		toggle(screen, &view->reverse);
		break;
	case 'a':
		toggle(screen, &view->all);
		break;
	case 'l':
		toggle(screen, &view->local);
		break;
	case 't':
		toggle(screen, &view->tree);
		break;
	case 'v':
		show_next_layout(screen);
		break;
	case 'd':
		choose_device(screen, true);
		break;
	case 'D':
		choose_device(screen, false);
		break;
	case '/':
		screen->asking = true;
		break;
	case '\r':
	case '\n':
		look_below(screen);
		break;
	case CTRL('h'):
	case 0x7f:
		look_above(screen);
		break;
	case ESCAPE:
		*screen->answer = L'\0';
		look_at_all(screen);
		break;
	case ' ':
		toggle_fold(screen);
		break;
	case '-':
		fold(screen, true);
		break;
	case '+':
		fold(screen, false);
		break;
	case 'c':
		fold_all(screen, true);
		break;
	case 'e':
		fold_all(screen, false);
		break;
	case CTRL('l'):
		clearok(stdscr, TRUE);
		break;
	}
}

static void take_keys(struct screen *screen)
{
	wint_t key;
	int kind;

	while ((kind = get_wch(&key)) != ERR) {
		bool is_function = kind == KEY_CODE_YES;

		if (is_function && key == KEY_RESIZE)
			on_function_key(screen, key);
		else if (screen->help)
			screen->help = false;
		else if (screen->asking)
			on_answer_key(screen, is_function, key);
		else if (is_function)
			on_function_key(screen, key);
		else
			on_key(screen, key);
	}
}

static void wait_for_keys(struct screen *screen)
{
	struct pollfd keyboard = { .fd = STDIN_FILENO, .events = POLLIN };
	double left = screen->due - seconds_now();
	int milliseconds = screen->paused ? -1 :
			   left > 0 ? (int)(left * 1000) + 1 : 0;

	/* It may be a change of size that interrupts it, which is a key too. */
	poll(&keyboard, 1, milliseconds);
	if (keyboard.revents & (POLLHUP | POLLERR | POLLNVAL))
		screen->quit = true;
	else
		take_keys(screen);
}

void run_screen(struct view *view, struct model *model, double delay)
{
	struct screen screen = {
		.view = view,
		.model = model,
		.delay = delay,
	};

	enter_curses(&screen);
	while (!screen.quit && !stopped_by) {
		if (!screen.paused && seconds_now() >= screen.due) {
			model_sample(model);
			rebuild(&screen);
			screen.due = seconds_now() + delay;
		}
		draw(&screen);
		wait_for_keys(&screen);
	}
	leave_curses();
	if (stopped_by) {
		signal(stopped_by, SIG_DFL);
		raise(stopped_by);
	}
}
