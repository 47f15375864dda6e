/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live view: screen.c has the terminal and the keys, draw.c what is seen.
 */
#ifndef RDMACG_TOP_SCREEN_H
#define RDMACG_TOP_SCREEN_H

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "rdmacg-top.h"

#define MATCH_MAX	256

enum colour { PLAIN, GOOD, HIGH, FULL, HEADING, SORTED, FAINT, NR_COLOURS };

struct screen {
	struct view *view;
	struct model *model;
	double delay;
	double due;		/* when the next sample is */

	bool quit;
	bool paused;
	bool help;
	bool asking;		/* for what paths have to contain */
	wchar_t answer[MATCH_MAX];

	size_t selected;
	unsigned long long selected_serial;	/* 0: what is at the top */
	size_t first;		/* row that is on the first line of the list */
	int list_lines;
	int widths[NR_COLUMNS];
	attr_t colours[NR_COLOURS];
};

struct row *selected_row(const struct screen *screen);
void draw(struct screen *screen);

#endif
