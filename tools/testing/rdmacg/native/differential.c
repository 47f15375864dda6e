// SPDX-License-Identifier: GPL-2.0-only
/*
 * This controller and mainline's side by side: a random sequence of operations
 * is applied to both, and after each step all results and all files of all
 * cgroups are compared. Differences are allowed only where find_difference()
 * knows one; and mainline has a blank at the end of lines of three files.
 *
 * Mainline has no default limits. What one amounts to is written there for each
 * device, also for one that comes later.
 *
 *	differential [--seed SEED] [--steps STEPS]
 *
 * A seed always leads to the same steps. What shows a difference tells its seed
 * and how many steps lead there.
 */

#include <linux/kernel.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "differences.h"
#include "native.h"

#define ROOT		0
#define NR_CGROUPS	7		/* with the root */
#define NR_DEVICES	4
#define NR_CHARGES	48
#define NR_RESOURCES	2
#define NR_FILES	5
#define TEXT_SIZE	4096
#define NAME_SIZE	64
#define STEPS_PER_SETTLE 1000
#define NR_REMEMBERED	12		/* of the last operations, to be shown */

extern const struct rdmacg_ops ours_ops;
/* This is there if its source was. */
extern const struct rdmacg_ops mainline_ops __weak;

enum side { OURS, THEIRS, NR_SIDES };

static const struct rdmacg_ops *sides[NR_SIDES];

static const char * const files[NR_FILES] = {
	"max", "current", "peak", "events", "events.local",
};

/* Few, so that often two devices have one. */
static const char names[][NAME_SIZE] = {
	"mlx4_0", "ocrdma1", "a", "index=1",
	"a_name_that_is_as_long_as_the_name_of_an_RDMA_device_can_be_now",
};

static struct cgroup_pair {
	bool exists;
	int parent, nr_children;
	struct cgroup_subsys_state *css[NR_SIDES];
} cgroups[NR_CGROUPS];

static struct device_pair {
	bool exists;
	char name[NAME_SIZE];
	unsigned int index;
	struct rdmacg_device *device[NR_SIDES];
} devices[NR_DEVICES];

static struct charge_pair {
	struct rdma_cgroup *cg[NR_SIDES];
	int device;
	unsigned int resource;
} charges[NR_CHARGES];

static int nr_charges, task_cgroup;
static unsigned int next_index;
static unsigned long seed, step, state;

/* What came of it, so that it is seen when nothing much does. */
static unsigned long nr_granted, nr_refused, nr_taken, nr_bad, nr_explained;

/* The last operations, to find the cause of a difference. */
static char remembered[NR_REMEMBERED][256];
static unsigned long nr_operations;

static __printf(1, 2) void remember(const char *format, ...)
{
	char *text = remembered[nr_operations++ % NR_REMEMBERED];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(*remembered), format, args);
	va_end(args);
}

static void show(const char *text)
{
	for (; *text; text++) {
		if (*text >= ' ' && *text <= '~')
			putchar(*text);
		else
			printf("\\x%02x", (unsigned char)*text);
	}
}

static __noreturn __printf(1, 2) void differ(const char *format, ...)
{
	unsigned long i;
	va_list args;

	i = nr_operations > NR_REMEMBERED ? nr_operations - NR_REMEMBERED : 0;
	for (; i < nr_operations; i++) {
		printf("# ");
		show(remembered[i % NR_REMEMBERED]);
		putchar('\n');
	}
	printf("# DIFFERENCE: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nnot ok 1 both do the same # SEED=%lu STEPS=%lu\n", seed, step + 1);
	exit(EXIT_FAILURE);
}

/* Of our own, so that a seed leads to the same everywhere. */
static unsigned int choose(unsigned int count)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (state >> 33) % count;
}

static bool one_in(unsigned int count)
{
	return !choose(count);
}

/* -1 if there is none. */
static int choose_cgroup(bool (*wanted)(int cgroup))
{
	int cgroup, chosen = -1;
	unsigned int count = 0;

	for (cgroup = 0; cgroup < NR_CGROUPS; cgroup++)
		if (cgroups[cgroup].exists && wanted(cgroup) && one_in(++count))
			chosen = cgroup;
	return chosen;
}

static bool is_any(int cgroup)
{
	return true;
}

static bool is_limitable(int cgroup)
{
	return cgroup != ROOT;
}

/* A cgroup with a live task in it cannot be removed. */
static bool is_removable(int cgroup)
{
	return cgroup != ROOT && cgroup != task_cgroup &&
	       !cgroups[cgroup].nr_children;
}

static int choose_device(void)
{
	int device, chosen = -1;
	unsigned int count = 0;

	for (device = 0; device < NR_DEVICES; device++)
		if (devices[device].exists && one_in(++count))
			chosen = device;
	return chosen;
}

/* Operations. */

static void move_task(int cgroup)
{
	remember("the task goes to %d", cgroup);
	task_cgroup = cgroup;
}

static void make_cgroup(int parent)
{
	struct cgroup_pair *new = cgroups;
	enum side side;

	while (new->exists)
		if (++new == cgroups + NR_CGROUPS)
			return;
	remember("mkdir %td in %d", new - cgroups, parent);
	new->exists = true;
	new->parent = parent;
	new->nr_children = 0;
	cgroups[parent].nr_children++;
	for (side = 0; side < NR_SIDES; side++) {
		new->css[side] = shim_cgroup_mkdir(cgroups[parent].css[side]);
		if (IS_ERR(new->css[side]))
			abort();
	}
}

static void remove_cgroup(int cgroup)
{
	enum side side;

	remember("rmdir %d", cgroup);
	cgroups[cgroup].exists = false;
	cgroups[cgroups[cgroup].parent].nr_children--;
	for (side = 0; side < NR_SIDES; side++)
		shim_cgroup_rmdir(cgroups[cgroup].css[side]);
}

static void charge(int device, unsigned int resource)
{
	struct charge_pair *new = &charges[nr_charges];
	int result[NR_SIDES];
	enum side side;

	for (side = 0; side < NR_SIDES; side++) {
		shim_cgroup_attach(cgroups[task_cgroup].css[side]);
		new->cg[side] = NULL;
		result[side] = sides[side]->try_charge(&new->cg[side],
						       devices[device].device[side],
						       resource);
		if (new->cg[side] != (result[side] ? NULL :
				      (void *)cgroups[task_cgroup].css[side]))
			differ("%s charged another cgroup", sides[side]->name);
	}
	shim_cgroup_attach(NULL);
	remember("charge %d, device %d, resource %u: %d", task_cgroup, device,
		 resource, result[OURS]);
	if (result[OURS] != result[THEIRS])
		differ("a charge: %d, not %d", result[OURS], result[THEIRS]);
	if (result[OURS]) {
		nr_refused++;
		return;
	}
	nr_granted++;
	new->device = device;
	new->resource = resource;
	nr_charges++;
}

static void uncharge(int nr)
{
	struct charge_pair *old = &charges[nr];
	enum side side;

	remember("uncharge %d, device %d, resource %u", nr, old->device,
		 old->resource);
	for (side = 0; side < NR_SIDES; side++)
		sides[side]->uncharge(old->cg[side],
				      devices[old->device].device[side],
				      old->resource);
	*old = charges[--nr_charges];
}

static long write_max(enum side side, int cgroup, const char *text)
{
	return shim_cgroup_write(cgroups[cgroup].css[side], "max", text,
				 strlen(text));
}

static void read_file(enum side side, int cgroup, const char *name, char *text)
{
	if (shim_cgroup_read(cgroups[cgroup].css[side], name, text, TEXT_SIZE) < 0)
		abort();
}

/* No device is called so. */
static bool is_default(const char *line)
{
	return !strncmp(line, "default ", strlen("default "));
}

/* Give mainline's the limits that ours has, line by line. */
static void repeat_limits(int cgroup)
{
	static char text[TEXT_SIZE];
	char *line, *rest = text;

	read_file(OURS, cgroup, "max", text);
	while ((line = strsep(&rest, "\n")) && *line)
		if (!is_default(line) && write_max(THEIRS, cgroup, line) < 0)
			abort();
}

static void add_device(const char *name)
{
	struct device_pair *new = devices;
	enum side side;
	int cgroup;

	while (new->exists)
		if (++new == devices + NR_DEVICES)
			return;
	remember("device %td comes: %s index=%u", new - devices, name, next_index);
	new->exists = true;
	new->index = next_index++;
	strscpy(new->name, name, sizeof(new->name));
	for (side = 0; side < NR_SIDES; side++)
		new->device[side] = sides[side]->device_add_as(name, new->index);
	for (cgroup = ROOT + 1; cgroup < NR_CGROUPS; cgroup++)
		if (cgroups[cgroup].exists)
			repeat_limits(cgroup);
}

static void rename_device(int device, const char *name)
{
	enum side side;

	remember("device %d gets another name: %s", device, name);
	strscpy(devices[device].name, name, sizeof(devices[device].name));
	for (side = 0; side < NR_SIDES; side++)
		sides[side]->rename(devices[device].device[side], name);
}

/* The IB core does so only when there is no object left. */
static void remove_device(int device)
{
	enum side side;
	int i;

	for (i = nr_charges - 1; i >= 0; i--)
		if (charges[i].device == device)
			uncharge(i);
	remember("device %d goes", device);
	devices[device].exists = false;
	for (side = 0; side < NR_SIDES; side++)
		sides[side]->device_del(devices[device].device[side]);
}

static void write_limits(int cgroup, const char *text)
{
	long ours = write_max(OURS, cgroup, text);
	long theirs = write_max(THEIRS, cgroup, text);

	remember("write to %d: %ld, %s", cgroup, ours, text);
	if (ours > 0)
		nr_taken++;
	else
		nr_bad++;
	if (ours == theirs)
		return;
	nr_explained++;
	if (!find_difference(MAINLINE, text, ours, theirs))
		differ("a write: %ld, not %ld", ours, theirs);
	repeat_limits(cgroup);
}

/* Lines. */

static bool has_dup(int device)
{
	int other;

	for (other = 0; other < NR_DEVICES; other++)
		if (other != device && devices[other].exists &&
		    !strcmp(devices[other].name, devices[device].name))
			return true;

	return false;
}

static const char * const resources[NR_RESOURCES] = { "hca_handle", "hca_object" };

static const char * const limits[] = {
	"0", "1", "2", "3", "5", "8", "max", "max", "2147483647", "0x2", "03",
};

static char *make_limits(char *line, bool of_default)
{
	unsigned int resource, which = choose(4);
	const char *limit;

	for (resource = 0; resource < NR_RESOURCES; resource++) {
		limit = limits[choose(ARRAY_SIZE(limits))];
		if (!of_default && one_in(16))
			limit = "default";
		if (which == 2 || which == resource)
			line += sprintf(line, " %s=%s", resources[resource], limit);
	}
	return line;
}

/* As they should be; but at times it is not said which of two devices is meant. */
static void make_line(char *line, int device)
{
	if (one_in(8)) {
		make_limits(stpcpy(line, "default"), true);
		return;
	}
	line = stpcpy(line, devices[device].name);
	if (one_in(8) || (has_dup(device) && !one_in(8)))
		line += sprintf(line, " index=%u", devices[device].index);
	if (one_in(16))
		sprintf(line, " default");
	else
		make_limits(line, false);
}

static const char * const blanks[] = { " ", " ", " ", " ", "  ", "\t", "\n", " \t " };

static const char * const ends[] = { "\n", "\t\n", "\n\n", "\r\n", "\v", "\f ", "\xa0" };

static const char * const keys[] = {
	"hca_handle=", "hca_object=", "hca_handle=", "hca_object=", "index=",
	"hca_handle", "hca_objects=", "=", "HCA_OBJECT=", "", "bogus", "default",
	"\nmlx4_0 hca_handle=", "\ndefault hca_object=",
};

static const char * const values[] = {
	"0", "1", "2", "3", "7", "max", "", "m", "ma", "maxx", "+1", "-0", "-", "-1",
	"--1", "-x", "1x", "1,2", "0x", "0x1f", "08", "017", "1.5", "4294967297",
	"2147483648", "18446744073709551617", "-18446744073709551615",
	"00000000000000000000000005", "default",
};

static char *add_blank(char *end)
{
	return stpcpy(end, blanks[choose(ARRAY_SIZE(blanks))]);
}

/* Pieces of correct and of bad lines, at times with one character replaced. */
static void make_odd_line(char *line, int device)
{
	char *end = line;

	if (one_in(8))
		end = add_blank(end);
	if (!one_in(16))
		end = stpcpy(end, one_in(8) ? "nobody" : one_in(8) ? "default" :
			     devices[device].name);
	if (has_dup(device) && !one_in(4))
		end += sprintf(end, " index=%u", devices[device].index);
	do {
		end = add_blank(end);
		end = stpcpy(end, keys[choose(ARRAY_SIZE(keys))]);
		end = stpcpy(end, values[choose(ARRAY_SIZE(values))]);
	} while (one_in(2));
	if (one_in(4))
		end = stpcpy(end, ends[choose(ARRAY_SIZE(ends))]);
	if (one_in(4))
		line[choose(end - line)] = 1 + choose(255);
}

/* One step. */

static void do_something(void)
{
	char line[512];
	int device = choose_device();
	unsigned int what = choose(1000);

	if (what < 20) {
		make_cgroup(choose_cgroup(is_any));
	} else if (what < 35) {
		int cgroup = choose_cgroup(is_removable);

		if (cgroup >= 0)
			remove_cgroup(cgroup);
	} else if (what < 90) {
		move_task(choose_cgroup(is_any));
	} else if (what < 100 || device < 0) {
		add_device(names[choose(ARRAY_SIZE(names))]);
	} else if (what < 106) {
		remove_device(device);
	} else if (what < 115) {
		rename_device(device, names[choose(ARRAY_SIZE(names))]);
	} else if (what < 300) {
		int cgroup = choose_cgroup(is_limitable);

		if (cgroup < 0)
			return;
		if (one_in(3))
			make_odd_line(line, device);
		else
			make_line(line, device);
		write_limits(cgroup, line);
	} else if (what < 700) {
		if (nr_charges < NR_CHARGES)
			charge(device, choose(100) ? choose(NR_RESOURCES) : NR_RESOURCES);
	} else if (nr_charges) {
		uncharge(choose(nr_charges));
	}
}

/* Of max, current and peak, each of mainline's lines has a blank at its end. */
static bool is_same(const char *ours, const char *theirs, bool blank)
{
	if (is_default(ours))
		ours = strchr(ours, '\n') + 1;
	for (; *ours; ours++, theirs++) {
		if (blank && *ours == '\n' && *theirs++ != ' ')
			return false;
		if (*ours != *theirs)
			return false;
	}
	return !*theirs;
}

static void compare_files(void)
{
	static char ours[TEXT_SIZE], theirs[TEXT_SIZE];
	int cgroup, file;

	for (cgroup = ROOT + 1; cgroup < NR_CGROUPS; cgroup++) {
		if (!cgroups[cgroup].exists)
			continue;
		for (file = 0; file < NR_FILES; file++) {
			read_file(OURS, cgroup, files[file], ours);
			read_file(THEIRS, cgroup, files[file], theirs);
			if (!is_same(ours, theirs, file < 3))
				differ("rdma.%s of %d is\n%sand not\n%s", files[file],
				       cgroup, ours, theirs);
		}
	}
}

static void settle(void)
{
	shim_settle();
	if (shim_take_warnings() || shim_take_messages())
		differ("a warning: %s", shim_last_text());
}

static void remove_all(void)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (devices[i].exists)
			remove_device(i);
	task_cgroup = ROOT;
	while ((i = choose_cgroup(is_removable)) >= 0)
		remove_cgroup(i);
	settle();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "steps", required_argument, NULL, 'n' },
		{ }
	};
	unsigned long steps = 1000000;
	long nr_allocated;
	enum side side;
	int option;

	seed = time(NULL);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (option == 'n')
			steps = strtoul(optarg, NULL, 0);
		else
			return EXIT_FAILURE;
	}

	printf("1..1\n");
	if (!&mainline_ops) {
		printf("ok 1 both do the same # SKIP the source of mainline's is not there\n");
		return EXIT_SUCCESS;
	}

	shim_init();
	sides[OURS] = &ours_ops;
	sides[THEIRS] = &mainline_ops;
	cgroups[ROOT].exists = true;
	for (side = 0; side < NR_SIDES; side++)
		cgroups[ROOT].css[side] = shim_cgroup_init(sides[side]->subsys);
	nr_allocated = shim_nr_allocated();

	printf("# SEED=%lu STEPS=%lu\n", seed, steps);
	fflush(stdout);
	state = seed;
	for (step = 0; step < steps; step++) {
		do_something();
		compare_files();
		if (!(step % STEPS_PER_SETTLE))
			settle();
	}
	remove_all();
	if (shim_nr_allocated() != nr_allocated)
		differ("%ld objects left", shim_nr_allocated() - nr_allocated);
	printf("# charges: %lu granted, %lu refused; lines: %lu taken, %lu refused, %lu taken differently\n",
	       nr_granted, nr_refused, nr_taken, nr_bad, nr_explained);
	printf("ok 1 both do the same\n");
	return EXIT_SUCCESS;
}
