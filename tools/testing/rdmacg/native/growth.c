// SPDX-License-Identifier: GPL-2.0-only
/*
 * How what each operation takes grows with the number of cgroups, the depth and
 * the number of devices: ours, mainline's and an older stock controller.
 *
 *	growth [--check] [CSV]
 *
 * Three things are taken. Steps are the basic blocks of the controller that an
 * operation runs through, those of callbacks included: the compiler counts, so
 * they are the same in each run and on each machine. Memory is what the
 * controller has allocated for all, in the sizes of the kernel's caches. Times
 * are medians. An exponent is the slope of a line through the logarithms, for the
 * upper half of the sizes.
 *
 * With --check no time is taken, and KTAP says whether anything of ours takes
 * steps or memory that grow faster than in another controller.
 */

#include <linux/kernel.h>
#include <linux/cgroup.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

#define MAX_SIZES	10
#define MANY_DEVICES	8		/* where the number of cgroups grows */
#define RESOURCE	1		/* hca_object */
#define REPEATS		3		/* of steps, to take the fewest of */
#define ROUNDS		9		/* of times, to take the median of */
#define BATCH_NS	200000
#define MARGIN		0.05		/* of an exponent */
#define TEXT_SIZE	524288

/* Each controller twice: to count steps, and to take times. */
extern const struct rdmacg_ops ours_ops, ours_steps_ops;
/* These are there if their source was. */
extern const struct rdmacg_ops mainline_spin_ops __weak, stock_spin_ops __weak;
extern const struct rdmacg_ops mainline_steps_ops __weak, stock_steps_ops __weak;

enum contestant { OURS, MAINLINE, STOCK, NR_CONTESTANTS };

static const char * const contestant_names[] = { "ours", "mainline", "stock" };
static const struct rdmacg_ops *counted[NR_CONTESTANTS], *timed[NR_CONTESTANTS];

enum axis { CGROUPS, DEPTH, DEVICES, UNUSED_DEVICES, NR_AXES };

static const struct {
	const char *name, *title;
	int sizes[MAX_SIZES];
} axes[] = {
	[CGROUPS] = { "cgroups", "cgroups below one, each with limits and charges on 8 devices",
		      { 10, 30, 100, 300, 1000, 3000, 10000 } },
	[DEPTH] = { "depth", "levels, each with a limit and charges on 1 device",
		    { 1, 3, 10, 30, 100, 300, 1000 } },
	[DEVICES] = { "devices", "devices, all limited and charged for in a cgroup",
		      { 1, 4, 16, 64, 250, 500, 1000, 2000 } },
	[UNUSED_DEVICES] = { "unused devices",
			     "devices, one of them limited and charged for in a cgroup",
			     { 1, 4, 16, 64, 250, 500, 1000, 2000 } },
};

struct world {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *root, *top, *leaf;
	struct cgroup_subsys_state **all;	/* parents before children */
	struct cgroup_subsys_state **charged;
	int nr_all, nr_charged;
	struct rdmacg_device **devices;
	int nr_devices, first_used;
};

static unsigned long steps;

/* What gcc's -fsanitize-coverage=trace-pc calls. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	__atomic_add_fetch(&steps, 1, __ATOMIC_RELAXED);
}

static void charge_one(struct world *w, struct cgroup_subsys_state *css, int device)
{
	struct rdma_cgroup *cg;

	shim_cgroup_attach(css);
	if (w->ops->try_charge(&cg, w->devices[device], RESOURCE))
		die("a charge without limit", EPROTO);
	shim_cgroup_attach(NULL);
}

static void uncharge(struct world *w, struct cgroup_subsys_state *css, int device)
{
	w->ops->uncharge((struct rdma_cgroup *)css, w->devices[device], RESOURCE);
}

static void write_max(struct cgroup_subsys_state *css, const char *text)
{
	if (shim_cgroup_write(css, "max", text, strlen(text)) < 0)
		die("a write to rdma.max", EPROTO);
}

static void limit(struct cgroup_subsys_state *css, int device, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "dev%d hca_object=%s\n", device, value);
	write_max(css, text);
}

static struct cgroup_subsys_state *make(struct world *w,
					struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css = make_cgroup(parent);

	w->all[w->nr_all++] = css;
	return css;
}

static void make_leaf(struct world *w, struct cgroup_subsys_state *parent)
{
	int i;

	w->leaf = make(w, parent);
	for (i = w->first_used; i < w->nr_devices; i++) {
		limit(w->leaf, i, "1000000");
		charge_one(w, w->leaf, i);
	}
	w->charged[w->nr_charged++] = w->leaf;
}

static void set_up(struct world *w, const struct rdmacg_ops *ops, enum axis axis, int size)
{
	char name[32];
	int i;

	*w = (struct world){ .ops = ops, .root = shim_cgroup_init(ops->subsys) };
	w->nr_devices = axis == CGROUPS ? MANY_DEVICES : axis == DEPTH ? 1 : size;
	w->first_used = axis == UNUSED_DEVICES ? size - 1 : 0;
	w->all = calloc(size + 2, sizeof(*w->all));
	w->charged = calloc(size + 2, sizeof(*w->charged));
	w->devices = calloc(w->nr_devices, sizeof(*w->devices));
	if (!w->all || !w->charged || !w->devices)
		die("set-up", ENOMEM);
	for (i = 0; i < w->nr_devices; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		w->devices[i] = ops->device_add(name);
	}

	w->top = axis == DEPTH ? w->root : make(w, w->root);
	w->leaf = w->top;
	for (i = 0; i < (axis == CGROUPS || axis == DEPTH ? size : 1); i++)
		make_leaf(w, axis == DEPTH ? w->leaf : w->top);
	if (axis == DEPTH)
		w->top = w->all[0];
	shim_settle();
}

/* Devices first: what limits are left in 6.12's cgroups, only they take away. */
static void tear_down(struct world *w)
{
	int i, j;

	for (i = 0; i < w->nr_charged; i++)
		for (j = w->first_used; j < w->nr_devices; j++)
			uncharge(w, w->charged[i], j);
	while (w->nr_devices)
		w->ops->device_del(w->devices[--w->nr_devices]);
	while (w->nr_all)
		shim_cgroup_rmdir(w->all[--w->nr_all]);
	shim_settle();
	shim_cgroup_exit(w->ops->subsys);
	free(w->all);
	free(w->charged);
	free(w->devices);
}

/* The operations. Each leaves all as it was; false: this controller has none. */

static bool op_charge(struct world *w)
{
	struct rdmacg_device *device = w->devices[w->nr_devices - 1];
	struct rdma_cgroup *cg;

	if (w->ops->try_charge(&cg, device, RESOURCE))
		die("a charge without limit", EPROTO);
	w->ops->uncharge(cg, device, RESOURCE);
	return true;
}

static void before_refused(struct world *w)
{
	limit(w->top, w->nr_devices - 1, "0");
}

static void after_refused(struct world *w)
{
	limit(w->top, w->nr_devices - 1, w->top == w->leaf ? "1000000" : "max");
}

static bool op_refused(struct world *w)
{
	struct rdma_cgroup *cg;

	if (w->ops->try_charge(&cg, w->devices[w->nr_devices - 1], RESOURCE) != -EAGAIN)
		die("a charge at the limit", EPROTO);
	return true;
}

static bool op_limit(struct world *w)
{
	limit(w->leaf, w->nr_devices - 1, "1000000");
	return true;
}

/* Without defaults, there is a limit to be written for each device. */
static bool op_default(struct world *w)
{
	int i;

	if (w->ops->query_limit) {
		write_max(w->leaf, "default hca_handle=1000000");
		write_max(w->leaf, "default hca_handle=max");
		return true;
	}
	for (i = 0; i < w->nr_devices; i++)
		limit(w->leaf, i, "1000000");
	for (i = 0; i < w->first_used; i++)
		limit(w->leaf, i, "max");
	return true;
}

static bool read_file(struct world *w, const char *name)
{
	static char text[TEXT_SIZE];
	ssize_t ret = shim_cgroup_read(w->leaf, name, text, sizeof(text));

	if (ret < 0 && ret != -ENOENT)
		die(name, -ret);
	return ret > 0;
}

static bool op_max(struct world *w)
{
	return read_file(w, "max");
}

static bool op_current(struct world *w)
{
	return read_file(w, "current");
}

static bool op_peak(struct world *w)
{
	return read_file(w, "peak");
}

static bool op_events(struct world *w)
{
	return read_file(w, "events");
}

static bool op_events_local(struct world *w)
{
	return read_file(w, "events.local");
}

/* The life of a cgroup beside the leaf, which uses devices from @first_used on. */
static bool live(struct world *w, int first_used)
{
	struct cgroup_subsys_state *css = make_cgroup(w->leaf->parent);
	int i;

	for (i = first_used; i < w->nr_devices; i++)
		charge_one(w, css, i);
	for (i = first_used; i < w->nr_devices; i++)
		uncharge(w, css, i);
	shim_cgroup_rmdir(css);
	return true;
}

static bool op_live_unused(struct world *w)
{
	return live(w, w->nr_devices);
}

static bool op_live_one(struct world *w)
{
	return live(w, w->nr_devices - 1);
}

static bool op_live_all(struct world *w)
{
	return live(w, w->first_used);
}

static bool op_register(struct world *w)
{
	w->ops->device_del(w->ops->device_add("another"));
	return true;
}

static bool op_rename(struct world *w)
{
	w->ops->rename(w->devices[0], "another");
	w->ops->rename(w->devices[0], "dev0");
	return true;
}

/* The last one, as it cannot be repeated. */
static void before_remove(struct world *w)
{
	int i;

	w->nr_devices--;
	for (i = 0; i < w->nr_charged; i++)
		uncharge(w, w->charged[i], w->nr_devices);
}

static bool op_remove(struct world *w)
{
	w->ops->device_del(w->devices[w->nr_devices]);
	return true;
}

enum operation {
	CHARGE, REFUSED, LIMIT, DEFAULT, READ_MAX, READ_CURRENT, READ_PEAK, READ_EVENTS,
	READ_EVENTS_LOCAL, LIVE_UNUSED, LIVE_ONE, LIVE_ALL, REGISTER, RENAME, REMOVE,
	NR_OPERATIONS,
	MEMORY = NR_OPERATIONS,		/* of all that is there before these */
	NR_ROWS,
};

static const struct {
	const char *name;
	bool (*run)(struct world *w);
	void (*before)(struct world *w);
	void (*after)(struct world *w);
} operations[NR_ROWS] = {
	[CHARGE] = { "charge and uncharge", op_charge },
	[REFUSED] = { "refusal by the top", op_refused, before_refused, after_refused },
	[LIMIT] = { "write a limit", op_limit },
	[DEFAULT] = { "write a default, or a limit for each device", op_default },
	[READ_MAX] = { "read max", op_max },
	[READ_CURRENT] = { "read current", op_current },
	[READ_PEAK] = { "read peak", op_peak },
	[READ_EVENTS] = { "read events", op_events },
	[READ_EVENTS_LOCAL] = { "read events.local", op_events_local },
	[LIVE_UNUSED] = { "mkdir and rmdir", op_live_unused },
	[LIVE_ONE] = { "mkdir, first charge, rmdir", op_live_one },
	[LIVE_ALL] = { "the same, charged on all devices", op_live_all },
	[REGISTER] = { "register and remove a device", op_register },
	[RENAME] = { "rename a device, and back", op_rename },
	[REMOVE] = { "remove a device that all use", op_remove, before_remove },
	[MEMORY] = { "memory of all that" },
};

struct figures {
	double steps, ns;		/* negative: has none */
};

static struct figures table[NR_AXES][NR_ROWS][NR_CONTESTANTS][MAX_SIZES];

static double count_steps(struct world *w, enum operation op)
{
	double fewest = INFINITY;
	unsigned long before;
	int i;

	for (i = 0; i < (op == REMOVE ? 1 : REPEATS); i++) {
		/* What is left to callbacks and workers belongs to it. */
		shim_settle();
		before = steps;
		if (!operations[op].run(w))
			return -1;
		shim_settle();
		fewest = min(fewest, (double)(steps - before));
	}
	return fewest;
}

static double take_time(struct world *w, enum operation op)
{
	double ns[ROUNDS];
	long began, batch = 1, took;
	int round = 0, i;

	shim_settle();
	while (round < ROUNDS) {
		began = now_ns();
		for (i = 0; i < batch; i++)
			if (!operations[op].run(w))
				return -1;
		if (op >= LIVE_UNUSED && op <= LIVE_ALL)
			shim_settle();
		took = now_ns() - began;
		if (op == REMOVE)
			return took;
		if (took < BATCH_NS && !round)
			batch *= 2;
		else
			ns[round++] = (double)took / batch;
	}
	qsort(ns, ROUNDS, sizeof(*ns), by_value);
	return ns[ROUNDS / 2];
}

static void measure(enum axis axis, int at, enum contestant which, bool times)
{
	const struct rdmacg_ops *ops = times ? timed[which] : counted[which];
	long bytes = shim_bytes_allocated();
	struct figures *figures;
	struct world w;
	int op;

	set_up(&w, ops, axis, axes[axis].sizes[at]);
	table[axis][MEMORY][which][at].steps = shim_bytes_allocated() - bytes;
	shim_cgroup_attach(w.leaf);
	for (op = 0; op < NR_OPERATIONS; op++) {
		figures = &table[axis][op][which][at];
		if (operations[op].before)
			operations[op].before(&w);
		if (times)
			figures->ns = take_time(&w, op);
		else
			figures->steps = count_steps(&w, op);
		if (operations[op].after)
			operations[op].after(&w);
		/* Some move this thread. */
		if (op != REMOVE)
			shim_cgroup_attach(w.leaf);
	}
	shim_cgroup_attach(NULL);
	tear_down(&w);
	if (shim_bytes_allocated() != bytes)
		die("memory that is left", EPROTO);
}

static int nr_sizes(enum axis axis)
{
	int nr = 0;

	while (nr < MAX_SIZES && axes[axis].sizes[nr])
		nr++;
	return nr;
}

/* Least squares. NAN: not measured. */
static double exponent(enum axis axis, int row, enum contestant which, bool of_time)
{
	double x, y, sx = 0, sy = 0, sxx = 0, sxy = 0;
	int last = nr_sizes(axis), first = last / 2, i;

	for (i = first; i < last; i++) {
		const struct figures *figures = &table[axis][row][which][i];

		y = of_time ? figures->ns : figures->steps;
		if (y < 0 || !counted[which] || (of_time && row == MEMORY))
			return NAN;
		x = log(axes[axis].sizes[i]);
		y = log(max(y, 1.0));
		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
	}
	i = last - first;
	return (i * sxy - sx * sy) / (i * sxx - sx * sx);
}

static void print_number(double value, const char *format)
{
	if (isnan(value) || value < 0)
		printf(" %9s", "-");
	else
		printf(format, value);
}

static void print_table(enum axis axis)
{
	int row, which, last = nr_sizes(axis) - 1;
	const struct figures *figures;

	printf("\n%d to %d %s\n", axes[axis].sizes[0], axes[axis].sizes[last],
	       axes[axis].title);
	printf("%-44s %29s %29s %29s\n%-44s", "", "exponent of steps", "exponent of time",
	       "ns with the most", "");
	for (which = 0; which < 3 * NR_CONTESTANTS; which++)
		printf(" %9s", contestant_names[which % NR_CONTESTANTS]);
	putchar('\n');
	for (row = 0; row < NR_ROWS; row++) {
		printf("%-44s", row == MEMORY ? "memory of all that, in the end bytes" :
						operations[row].name);
		for (which = 0; which < NR_CONTESTANTS; which++)
			print_number(fabs(exponent(axis, row, which, false)), " %9.2f");
		for (which = 0; which < NR_CONTESTANTS; which++) {
			double slope = exponent(axis, row, which, true);

			/* Times may fall a little. */
			print_number(isnan(slope) ? slope : max(slope, 0.0), " %9.2f");
		}
		for (which = 0; which < NR_CONTESTANTS; which++) {
			figures = &table[axis][row][which][last];
			print_number(!counted[which] ? NAN :
				     row == MEMORY ? figures->steps : figures->ns, " %9.0f");
		}
		putchar('\n');
	}
}

static void write_csv(FILE *csv)
{
	int axis, row, which, at;

	fprintf(csv, "axis,size,operation,contestant,steps or bytes,ns\n");
	for (axis = 0; axis < NR_AXES; axis++)
		for (row = 0; row < NR_ROWS; row++)
			for (which = 0; which < NR_CONTESTANTS; which++)
				for (at = 0; at < nr_sizes(axis); at++) {
					struct figures *f = &table[axis][row][which][at];

					if (counted[which] && f->steps >= 0)
						fprintf(csv, "%s,%d,\"%s\",%s,%.0f,%.1f\n",
							axes[axis].name, axes[axis].sizes[at],
							operations[row].name,
							contestant_names[which], f->steps, f->ns);
				}
}

#define CORE_WALKS	"the IB core compares the names of all devices then, too"
#define HAS_COME	"a device that goes has come, see there"
#define TABLE		"a cgroup has a table by device, so that a charge searches no list"

static const struct {
	enum axis axis;
	int row;
	double exponent;		/* that it has, and no other */
	const char *why;
} exceptions[] = {
	{ DEVICES, REGISTER, 1, CORE_WALKS },
	{ DEVICES, RENAME, 1, CORE_WALKS },
	{ DEVICES, REMOVE, 1, HAS_COME },
	{ UNUSED_DEVICES, REGISTER, 1, CORE_WALKS },
	{ UNUSED_DEVICES, RENAME, 1, CORE_WALKS },
	{ UNUSED_DEVICES, REMOVE, 1, HAS_COME },
	{ UNUSED_DEVICES, LIVE_ONE, 1, TABLE },
	{ UNUSED_DEVICES, LIVE_ALL, 1, TABLE },
	{ UNUSED_DEVICES, MEMORY, 1, TABLE },
};

static int nr_tests, nr_failed;

static void result(bool good, const char *format, const char *what, const char *axis,
		   const char *remark)
{
	printf("%sok %d - ", good ? "" : "not ", ++nr_tests);
	printf(format, what, axis);
	printf("%s\n", remark);
	nr_failed += !good;
}

static void check_row(enum axis axis, int row)
{
	double ours = exponent(axis, row, OURS, false), lowest = INFINITY, most;
	char remark[160] = "";
	size_t i;
	int which;

	for (which = MAINLINE; which < NR_CONTESTANTS; which++)
		if (!isnan(exponent(axis, row, which, false)))
			lowest = min(lowest, exponent(axis, row, which, false));
	if (isinf(lowest))
		return;
	most = lowest + MARGIN;
	for (i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (exceptions[i].axis != axis || exceptions[i].row != row)
			continue;
		snprintf(remark, sizeof(remark), ": %s", exceptions[i].why);
		/* An exception that is none is one line too many. */
		if (ours <= most)
			most = -1;
		else
			most = exceptions[i].exponent + MARGIN;
	}
	if (ours > most)
		snprintf(remark, sizeof(remark),
			 ": exponent %.2f, the others' %.2f; adapt exceptions[] if that has to be",
			 ours, lowest);
	result(ours <= most, "growth: %s: no faster with %s than the others", operations[row].name,
	       axes[axis].name, remark);
}

static void check_charge(enum axis axis)
{
	const struct figures *figures = table[axis][CHARGE][OURS];
	bool same = true;
	int i;

	for (i = 1; i < nr_sizes(axis); i++)
		same = same && figures[i].steps == figures[0].steps;
	result(same, "growth: %s: steps are the same whatever the number of %s",
	       operations[CHARGE].name, axes[axis].name, "");
}

static int check(void)
{
	int axis, row;

	if (!counted[MAINLINE] && !counted[STOCK])
		result(true, "growth: %s%s", "no faster than other controllers", "",
		       " # SKIP no source of one; set MAINLINE or STOCK");
	for (axis = 0; axis < NR_AXES; axis++) {
		if (axis != DEPTH)
			check_charge(axis);
		for (row = 0; row < NR_ROWS; row++)
			check_row(axis, row);
	}
	printf("1..%d\n", nr_tests);
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ }
	};
	bool only_check = false;
	FILE *csv;
	int option, axis, at, which;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'c')
			return EXIT_FAILURE;
		only_check = true;
	}
	csv = open_csv(argv[optind]);
	counted[OURS] = &ours_steps_ops;
	counted[MAINLINE] = &mainline_steps_ops;
	counted[STOCK] = &stock_steps_ops;
	timed[OURS] = &ours_ops;
	timed[MAINLINE] = &mainline_spin_ops;
	timed[STOCK] = &stock_spin_ops;

	shim_init();
	for (axis = 0; axis < NR_AXES; axis++)
		for (at = 0; at < nr_sizes(axis); at++) {
			if (!only_check)
				fprintf(stderr, "%d %s\n", axes[axis].sizes[at], axes[axis].name);
			for (which = 0; which < NR_CONTESTANTS; which++) {
				if (counted[which])
					measure(axis, at, which, false);
				if (counted[which] && !only_check)
					measure(axis, at, which, true);
			}
		}
	if (only_check)
		return check();

	for (which = 0; which < NR_CONTESTANTS; which++)
		if (counted[which])
			printf("%s: %s\n", contestant_names[which], counted[which]->version);
	for (axis = 0; axis < NR_AXES; axis++)
		print_table(axis);
	if (csv) {
		write_csv(csv);
		if (fclose(csv))
			die(argv[optind], errno);
	}
	return EXIT_SUCCESS;
}
