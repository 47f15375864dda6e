/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rdmacg-top shows what cgroups use of RDMA devices, and which are refused.
 *
 * mount.c finds the hierarchy that has the rdma controller. model.c walks it
 * and keeps what the files say, read by parse.c, from one sample to the next, in
 * the tree of tree.c. If asked for, restrack.c adds which task made which kinds of
 * objects, and kinds.c joins that with the tasks of cgroups. view.c makes of all
 * that the rows that are wanted, in order; table.c, json.c and prometheus.c print
 * them. The live view, screen.c and draw.c, is all that knows a screen. No two
 * files need each other.
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
	long long index;	/* where two have this name, else NO_INDEX */
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

/* restrack.c */

enum kind {
	QP_KIND,
	CQ_KIND,
	MR_KIND,
	PD_KIND,
	SRQ_KIND,
	CONTEXT_KIND,
	MR_BYTES,		/* not a kind, but summed up as they are */
	NR_KINDS,
	NR_OBJECT_KINDS = CONTEXT_KIND,
};

enum { TASK_UNKNOWN = 0, TASK_KERNEL = -1 };

struct cgroup;
struct nlmsghdr;

/* What one task made of one device. */
struct maker {
	unsigned int device;
	int task;		/* a thread's ID */
	struct cgroup *cgroup;	/* kinds.c finds it */
	long long counts[NR_KINDS];
};

struct tracked_device {
	unsigned int index;
	char *name;
	unsigned int known;	/* kinds, as bits */
};

struct restrack {
	const char *recorded;	/* the file to read instead, or NULL */
	const char *error;	/* why there is nothing, or NULL */
	struct tracked_device *devices;
	size_t nr_devices;
	struct maker *makers;
	size_t nr_makers;
	size_t room;
	struct mnl_socket *socket;
	unsigned int sequence;
	char *buffer;
};

void restrack_take(struct restrack *restrack, const struct nlmsghdr *message);
void restrack_take_all(struct restrack *restrack, const void *messages,
		       size_t length);
void restrack_sample(struct restrack *restrack);
void restrack_free(struct restrack *restrack);
struct tracked_device *find_tracked(const struct restrack *restrack,
				    unsigned int index);
struct maker *find_makers(const struct restrack *restrack, int task);
void add_counts(long long *sums, const long long *more);

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

/* A limit of devices that have none of their own. */
struct default_limit {
	const char *resource;
	long long number;
};

/* Objects of one device, by kind: of a cgroup, or of a process in it. */
struct holding {
	struct device *device;
	int process;		/* 0: all, with those of cgroups below */
	char *command;		/* of the process, or NULL */
	unsigned long long serial;
	unsigned int sample;	/* that saw it last */
	long long counts[NR_KINDS];
	long long handles;	/* in rdma.current */
	long long objects;
};

struct holdings {
	struct holding *all;
	size_t nr;
	size_t expected;
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
	bool has_controller;
	struct pool *pools;
	size_t nr_pools;
	struct default_limit *defaults;
	size_t nr_defaults;
	struct holdings kinds;
	struct holdings processes;

	/* These are the view's. */
	bool collapsed;
	bool shown;
	bool last;		/* of those of its parent that are shown */
	double key;
};

/* Where objects are that no cgroup shows, or none that can be told. */
enum elsewhere { IN_ROOT, IN_KERNEL, IN_UNKNOWN, NR_ELSEWHERE };

struct model {
	const struct hierarchy *hierarchy;
	bool want_local;
	bool want_kinds;
	bool want_processes;	/* besides */
	bool has_kinds;

	/* The top has the path from the hierarchy's root for a name. */
	struct cgroup top;
	/* These are no cgroups, and have no parent. */
	struct cgroup elsewhere[NR_ELSEWHERE];
	struct restrack restrack;

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

const char *limit_from(const struct cgroup *cgroup, const struct pool *pool);
long long default_limit(const struct cgroup *cgroup, const char *resource);

/* tree.c */

void cgroup_path(const struct cgroup *cgroup, struct text *path);
struct cgroup *next_cgroup(const struct cgroup *top, struct cgroup *at);
struct cgroup *next_beside(const struct cgroup *top, struct cgroup *at);
bool is_top_of_hierarchy(const struct cgroup *cgroup);
bool model_has_root(const struct model *model);
void name_places(struct model *model);
const char *place_name(const struct model *model,
		       const struct cgroup *cgroup);
struct device *find_device(struct model *model, struct span name,
			   long long index);
struct device *add_device(struct model *model, struct span name,
			  long long index);
struct device *get_device(struct model *model, struct span name,
			  long long index);
void put_device(struct model *model, struct device *device);
bool read_file(struct model *model, int directory, const char *name);

/* kinds.c */

extern const char *const kind_names[NR_KINDS];
void kinds_read_tasks(struct model *model, struct cgroup *cgroup,
		      int directory, bool *unreadable);
void kinds_join(struct model *model);
void kinds_drop(struct model *model, struct cgroup *cgroup);
void kinds_drop_all(struct model *model);
bool rest_of_handles(const struct holding *holding, long long *rest);
bool rest_of_objects(const struct holding *holding, long long *rest);

/* view.c */

enum layout { LIMITS, KINDS, PROCESSES, NR_LAYOUTS };

enum column {
	PERCENT_COLUMN,
	BAR_COLUMN,
	USAGE_COLUMN,
	LIMIT_COLUMN,
	FROM_COLUMN,
	PEAK_COLUMN,
	HIT_RATE_COLUMN,
	FAIL_RATE_COLUMN,
	HITS_COLUMN,
	FAILS_COLUMN,
	PROCESS_COLUMN,
	HANDLES_COLUMN,
	CONTEXTS_COLUMN,
	OBJECTS_COLUMN,
	QPS_COLUMN,
	CQS_COLUMN,
	MRS_COLUMN,
	PDS_COLUMN,
	SRQS_COLUMN,
	REST_COLUMN,
	BYTES_COLUMN,
	DEVICE_COLUMN,
	RESOURCE_COLUMN,
	COMMAND_COLUMN,
	CGROUP_COLUMN,
	NR_COLUMNS,
};

/* Neither a pool nor a holding: it only leads to those below. */
struct row {
	struct cgroup *cgroup;
	struct pool *pool;
	struct holding *holding;
	bool first;		/* of its cgroup in a tree */
	double key;
};

struct view {
	/* What is wanted. */
	const char *device_pattern;
	char *device;		/* the label, or NULL */
	char *below;		/* path of the topmost cgroup, or NULL */
	char *match;		/* what paths contain, or NULL */
	enum layout layout;
	bool all;
	bool tree;
	bool local;
	bool reverse;
	enum column sort;	/* if the layout has it */

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
bool column_is_text(enum column column);
bool column_is_in(enum layout layout, enum column column);
bool view_matches(struct view *view, const struct cgroup *cgroup);
void want_for_layout(struct model *model, enum layout layout);
enum column sort_column(const struct view *view);
const struct device *row_device(const struct row *row);
bool has_shown_children(const struct cgroup *cgroup);
long long field_shown(const struct view *view, const struct pool *pool,
		      enum column column);
bool holding_number(const struct holding *holding, enum column column,
		    long long *number);
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
void add_rate(struct text *out, double per_second);
void add_cell(struct text *out, const struct view *view,
	      const struct model *model, const struct row *row,
	      enum column column);
const char *why_empty(const struct view *view, const struct model *model);
void write_table(FILE *out, const struct view *view,
		 const struct model *model);

/* json.c */

void write_json(FILE *out, struct view *view, struct model *model);

/* prometheus.c */

void write_prometheus(FILE *out, struct view *view, struct model *model);

/* screen.c */

void run_screen(struct view *view, struct model *model, double delay);

#endif
