// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench SAMPLES [DIR RECORDED]: what it costs rdmacg-top to look at a hierarchy.
 *
 * Reads DIR, or what is mounted, so many times, and prints means of what one
 * refresh took. The first one, which has to learn all names, is apart. RECORDED
 * has messages of RDMA netlink.
 */
#include <err.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "rdmacg-top.h"

struct cost {
	double wall, user, system;
};

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static struct cost cost_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct cost){
		seconds_now(), seconds(usage.ru_utime), seconds(usage.ru_stime)
	};
}

static void print_cost(const char *what, struct cost from, int times)
{
	struct cost to = cost_now();
	double unit = 1000.0 / times;

	printf("%-16s %9.2f ms, user %9.2f, system %9.2f\n", what,
	       unit * (to.wall - from.wall), unit * (to.user - from.user),
	       unit * (to.system - from.system));
}

static void sample(struct model *model, const char *what, int times)
{
	struct cost start = cost_now();

	for (int i = 0; i < times; i++)
		model_sample(model);
	print_cost(what, start, times);
}

static void build(struct view *view, struct model *model, const char *what,
		  int times)
{
	struct cost start = cost_now();

	for (int i = 0; i < times; i++)
		view_build(view, model);
	print_cost(what, start, times);
}

int main(int argc, char **argv)
{
	int times = argc > 1 ? atoi(argv[1]) : 0;
	struct hierarchy hierarchy;
	struct model *model;
	struct rusage usage;

	if ((argc != 2 && argc != 4) || times < 1)
		errx(2, "use: bench SAMPLES [DIR RECORDED]");
	open_hierarchy(&hierarchy, argv[2]);
	model = model_new(&hierarchy, "");

	model->restrack.recorded = argc > 3 ? argv[3] : NULL;
	sample(model, "first refresh", 1);
	sample(model, "refresh", times);
	model->want_local = true;
	sample(model, "with local", times);

	build(&(struct view){ .sort = PERCENT_COLUMN }, model, "list", times);
	build(&(struct view){ .tree = true }, model, "tree", times);
	build(&(struct view){ .all = true }, model, "list of all", times);
	build(&(struct view){ .tree = true, .all = true }, model,
	      "tree of all", times);

	want_for_layout(model, KINDS);
	sample(model, "first with kinds", 1);
	sample(model, "with kinds", times);
	build(&(struct view){ .layout = KINDS }, model, "list of kinds", times);
	want_for_layout(model, PROCESSES);
	sample(model, "with processes", times);

	getrusage(RUSAGE_SELF, &usage);
	printf("%zu cgroups, at most %ld MiB\n", model->nr_cgroups,
	       usage.ru_maxrss / 1024);
	return 0;
}
