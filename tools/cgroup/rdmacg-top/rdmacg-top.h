/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rdmacg-top shows what cgroups use of RDMA devices, and who is refused.
 *
 * mount.c finds the hierarchy that has the rdma controller. model.c walks it
 * and keeps what the files say, read by parse.c, from one sample to the next.
 * view.c makes of that the rows that are wanted, in order; table.c and export.c
 * print them. The live view, screen.c and draw.c, is all that knows a screen.
 */
#ifndef RDMACG_TOP_H
#define RDMACG_TOP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <wchar.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define __printf(a, b) __attribute__((__format__(__printf__, a, b)))

/* util.c */

/* A string that grows. It ends in a NUL, which its length leaves out. */
struct text {
	char *bytes;
	size_t length;
	size_t room;
};

/* Called before a message that ends the program, if a screen hides stderr. */
extern void (*leave_screen)(void);

__printf(1, 2) noreturn void die(const char *format, ...);
double seconds_now(void);
void *resize(void *old, size_t count, size_t size);
char *copy_bytes(const char *bytes, size_t length);
void text_reserve(struct text *text, size_t more);
void text_clear(struct text *text);
void text_add(struct text *text, const char *bytes, size_t length);
__printf(2, 3) void text_print(struct text *text, const char *format, ...);
void text_free(struct text *text);

/* escape.c */

enum escape { KEEP_BLANKS, ESCAPE_BLANKS };

void escape_for_terminal(struct text *out, const char *bytes,
			 enum escape blanks);
int terminal_width(const char *string);
int printable_width(wchar_t c);
void escape_for_json(FILE *out, const char *bytes);
void escape_for_prometheus(FILE *out, const char *bytes);

/* parse.c */

#define UNKNOWN		(-1LL)
#define UNLIMITED	LLONG_MAX

/* The controller has room for 64 resources; each has two counts of events. */
#define LINE_VALUES_MAX	(2 * 64)

#define NO_INDEX	UNKNOWN

struct span {
	const char *start;
	size_t length;
};

struct value {
	struct span key;
	long long number;
};

/* What an interface file says about one device. */
struct line {
	struct span name;
	long long index;	/* if there are namesakes, else NO_INDEX */
	struct value *values;
	size_t nr_values;
	struct value storage[LINE_VALUES_MAX];
};

bool parse_line(struct span *rest, struct line *line);

/* mount.c */

struct hierarchy {
	int version;		/* of cgroups: 1 or 2 */
	char *path;
	int fd;
};

struct mount {
	int version;
	bool has_rdma;		/* as far as mountinfo says: v1 only */
	char *path;
};

bool parse_mount(char *mountinfo_line, struct mount *mount);
void open_hierarchy(struct hierarchy *hierarchy, const char *root);

/* model.c */

enum field {
	USAGE,
	LIMIT,
	PEAK,
	HITS,			/* refused by a limit here or below */
	FAILS,			/* refused to who is here or below */
	LOCAL_HITS,
	LOCAL_FAILS,
	NR_FIELDS,
	FIRST_COUNTER = HITS,
};

struct device {
	struct device *next;
	char *name;
	size_t length;
	long long index;
	char *label;		/* of terminals */
	unsigned long users;
};

/* One resource of one device, in one cgroup. */
struct pool {
	struct device *device;
	const char *resource;	/* the same pointer for the same name */
	unsigned long long serial;
	unsigned int sample;	/* that saw it last */
	long long now[NR_FIELDS];
	long long before[NR_FIELDS - FIRST_COUNTER];
};

struct cgroup {
	struct cgroup *parent;
	struct cgroup *first_child;
	struct cgroup *next;
	char *name;
	unsigned long long id;
	unsigned long long serial;
	unsigned int depth;
	unsigned int sample;
	struct pool *pools;
	size_t nr_pools;

	/* These are the view's. */
	bool collapsed;
	bool shown;
	bool last;		/* of those of its parent that are shown */
	double key;
};

struct model {
	const struct hierarchy *hierarchy;
	bool want_local;

	/* The top has the path from the hierarchy's root for a name. */
	struct cgroup top;

	double interval;	/* between the last two samples, or 0 */
	size_t nr_cgroups;	/* that have the controller */
	size_t nr_unreadable;

	double sampled_at;
	unsigned int sample;
	unsigned long long last_serial;
	void *by_id;
	struct device *devices;
	struct device *expected_device;
	char **resources;
	size_t nr_resources;
	size_t expected_pool;
	struct text path;
	struct text contents;
	char *entries;
};

struct model *model_new(const struct hierarchy *hierarchy, const char *top);
void model_free(struct model *model);
bool model_top_exists(struct model *model);
void model_sample(struct model *model);
void model_take_file(struct model *model, struct cgroup *cgroup, size_t file,
		     struct span contents);
extern const size_t nr_files;

void cgroup_path(const struct cgroup *cgroup, struct text *path);
struct cgroup *next_cgroup(const struct cgroup *top, struct cgroup *at);
struct cgroup *next_beside(const struct cgroup *top, struct cgroup *at);

/* view.c */

enum column {
	PERCENT_COLUMN,
	BAR_COLUMN,
	USAGE_COLUMN,
	LIMIT_COLUMN,
	PEAK_COLUMN,
	HIT_RATE_COLUMN,
	FAIL_RATE_COLUMN,
	HITS_COLUMN,
	FAILS_COLUMN,
	DEVICE_COLUMN,
	RESOURCE_COLUMN,
	CGROUP_COLUMN,
	NR_COLUMNS,
};

struct row {
	struct cgroup *cgroup;
	struct pool *pool;	/* NULL if it only leads to those below */
	bool first;		/* of its cgroup in a tree */
	double key;
};

struct view {
	/* What is wanted. */
	const char *device_pattern;
	char *device;		/* the label, or NULL */
	char *below;		/* path of the topmost cgroup, or NULL */
	char *match;		/* what paths contain, or NULL */
	bool all;
	bool tree;
	bool local;
	bool reverse;
	enum column sort;

	/* What that gives. */
	struct row *rows;
	size_t nr_rows;
	struct cgroup *top;	/* NULL if it is not there */
	size_t room;
	struct cgroup **siblings;
	size_t siblings_room;
	struct text path;
};

void view_build(struct view *view, struct model *model);
void view_free(struct view *view);
bool has_shown_children(const struct cgroup *cgroup);
long long field_shown(const struct view *view, const struct pool *pool,
		      enum column column);
double percent(const struct pool *pool);
double rate(const struct model *model, const struct pool *pool,
	    enum field counter);

/* table.c */

struct glyphs {
	const char *ellipsis, *pass, *branch, *last_branch, *open, *closed;
};

extern const struct glyphs *glyphs;

extern const char *const column_names[NR_COLUMNS];
extern const char *const column_headings[NR_COLUMNS];

void choose_glyphs(void);
bool column_is_text(enum column column);
void add_rate(struct text *out, double per_second);
void add_cell(struct text *out, const struct view *view,
	      const struct model *model, const struct row *row,
	      enum column column);
const char *why_empty(const struct view *view, const struct model *model);
void write_table(FILE *out, const struct view *view,
		 const struct model *model);

/* export.c */

void write_json(FILE *out, const struct view *view, const struct model *model);
void write_prometheus(FILE *out, const struct view *view,
		      const struct model *model);

/* screen.c */

void run_screen(struct view *view, struct model *model, double delay);

#endif
