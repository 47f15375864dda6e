// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tenant can do to a neighbour, which has another top-level cgroup: how
 * long each charge with its uncharge takes the neighbour while the tenant does
 * one thing in a loop. Ours, mainline's and an older stock controller.
 *
 *	fairness [--realtime] [--rounds N] [CSV]
 *
 * The neighbour has a core of its own and looks at the clock before and after
 * each operation, which the figures include. It charges a cgroup three levels
 * deep that has charges already; or, in the second half, one that is made anew
 * each time, as the first charge of a container is. In each round all controllers
 * run for some milliseconds; a run in which the neighbour lost its core is done
 * again. With --realtime, which takes a privilege, nothing else gets the cores.
 */

#include <linux/kernel.h>
#include <linux/cgroup.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

#define RUN_NS		5000000L
#define MAX_SAMPLES	8388608	/* of all rounds */
#define TRIES		6
#define NR_DEVICES	8
#define NR_MANY		100		/* cgroups of a tenant that is refused in all */
#define DEPTH		3
#define RESOURCE	1		/* hca_object */

extern const struct rdmacg_ops ours_spin_ops;
/* These are there if their source was. */
extern const struct rdmacg_ops mainline_spin_ops __weak, stock_spin_ops __weak;

enum contestant { OURS, MAINLINE, STOCK, NR_CONTESTANTS };

static const char * const contestant_names[] = { "ours", "mainline", "stock" };

struct world {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *root;
	struct cgroup_subsys_state *neighbour[DEPTH], *tenant[DEPTH], *many[NR_MANY];
	struct rdmacg_device *devices[NR_DEVICES];
	float *samples;
	long nr_samples, nr_taken;	/* in rounds that count; in all */
};

static struct world worlds[NR_CONTESTANTS];
static bool started, stop;

/* Of the calling thread's cgroup. */
static void pair(struct world *w)
{
	struct rdma_cgroup *cg;

	if (w->ops->try_charge(&cg, w->devices[0], RESOURCE))
		die("a charge without limit", EPROTO);
	w->ops->uncharge(cg, w->devices[0], RESOURCE);
}

static void be_refused(struct world *w)
{
	struct rdma_cgroup *cg;

	if (w->ops->try_charge(&cg, w->devices[0], RESOURCE) != -EAGAIN)
		die("a charge at the limit", EPROTO);
}

static void write_max(struct cgroup_subsys_state *css, const char *text)
{
	if (shim_cgroup_write(css, "max", text, strlen(text)) < 0)
		die("a write to rdma.max", EPROTO);
}

static void read_file(struct cgroup_subsys_state *css, const char *name)
{
	char text[8192];
	ssize_t ret = shim_cgroup_read(css, name, text, sizeof(text));

	if (ret < 0 && ret != -ENOENT)
		die(name, -ret);
}

/* What the tenant does, in a loop. It starts in its cgroup at the bottom. */

static void do_nothing(struct world *w)
{
	usleep(1000);
}

static void do_charge(struct world *w)
{
	pair(w);
}

static void do_cgroups(struct world *w)
{
	struct cgroup_subsys_state *css = make_cgroup(w->tenant[DEPTH - 1]);

	shim_cgroup_attach(css);
	pair(w);
	shim_cgroup_attach(w->tenant[DEPTH - 1]);
	shim_cgroup_rmdir(css);
	shim_settle();
}

static void do_limits(struct world *w)
{
	write_max(w->tenant[0], "dev7 hca_object=1000000");
}

static void do_default(struct world *w)
{
	/* 6.12 and mainline have none: then for each device, one after the other. */
	static const char * const limits[] = {
		"dev0 hca_handle=1000", "dev1 hca_handle=1000", "dev2 hca_handle=1000",
		"dev3 hca_handle=1000", "dev4 hca_handle=1000", "dev5 hca_handle=1000",
		"dev6 hca_handle=1000", "dev7 hca_handle=1000",
	};
	int i;

	if (w->ops->query_limit) {
		write_max(w->tenant[0], "default hca_handle=1000");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		write_max(w->tenant[0], limits[i]);
}

static void do_reads(struct world *w)
{
	read_file(w->tenant[0], "max");
	read_file(w->tenant[0], "current");
	read_file(w->tenant[0], "peak");
	read_file(w->tenant[0], "events.local");
}

/* As one that polls does whenever it is woken. */
static void do_poll(struct world *w)
{
	be_refused(w);
	read_file(w->tenant[0], "events");
}

static void do_many_refusals(struct world *w)
{
	int i;

	for (i = 0; i < NR_MANY; i++) {
		shim_cgroup_attach(w->many[i]);
		be_refused(w);
	}
}

enum limited { NOWHERE, AT_LEAF, AT_TOP };

static const struct deed {
	const char *name;
	void (*func)(struct world *w);
	enum limited limited;
} deeds[] = {
	{ "does nothing", do_nothing },
	{ "charges and uncharges", do_charge },
	{ "makes, charges and removes cgroups", do_cgroups },
	{ "writes a limit", do_limits },
	{ "writes a default, or 8 limits", do_default },
	{ "reads its files", do_reads },
	{ "is refused by its own limit", be_refused, AT_LEAF },
	{ "is refused by a limit above", be_refused, AT_TOP },
	{ "is refused, and reads events each time", do_poll, AT_TOP },
	{ "is refused in 100 cgroups in turn", do_many_refusals, AT_TOP },
};

static void set_limited(struct world *w, enum limited limited)
{
	if (limited)
		write_max(w->tenant[limited == AT_LEAF ? DEPTH - 1 : 0],
			  "dev0 hca_object=0");
}

static void lift_limit(struct world *w, enum limited limited)
{
	if (limited)
		write_max(w->tenant[limited == AT_LEAF ? DEPTH - 1 : 0],
			  "dev0 hca_object=max");
}

struct job {
	struct world *world;
	const struct deed *deed;
};

static void *be_tenant(void *arg)
{
	const struct job *job = arg;

	shim_thread_start();
	pin(1);
	set_realtime(true);
	shim_cgroup_attach(job->world->tenant[DEPTH - 1]);
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		job->deed->func(job->world);
		/* Callbacks and workers of the controller have this core, too. */
		sched_yield();
	}
	set_realtime(false);
	shim_thread_stop();
	return NULL;
}

/* Returns whether it kept its core. */
static bool measure(struct world *w, bool anew)
{
	struct cgroup_subsys_state *css = w->neighbour[DEPTH - 1];
	long before, began, until, now;

	set_realtime(true);
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		sched_yield();
	before = switches();
	shim_cgroup_attach(css);
	pair(w);
	now = now_ns();
	until = now + RUN_NS;
	while (now < until && w->nr_taken < MAX_SAMPLES) {
		if (anew) {
			css = make_cgroup(w->neighbour[DEPTH - 2]);
			shim_cgroup_attach(css);
			now = now_ns();
		}
		began = now;
		pair(w);
		now = now_ns();
		w->samples[w->nr_taken++] = now - began;
		if (anew) {
			shim_cgroup_attach(NULL);
			shim_cgroup_rmdir(css);
		}
	}
	shim_cgroup_attach(NULL);
	before = switches() - before;
	set_realtime(false);
	return !before;
}

static void run(struct world *w, const struct deed *deed, bool anew)
{
	struct job job = { w, deed };
	pthread_t thread;
	int tries = TRIES;
	bool good;

	set_limited(w, deed->limited);
	do {
		w->nr_taken = w->nr_samples;
		started = false;
		stop = false;
		pthread_create(&thread, NULL, be_tenant, &job);
		good = measure(w, anew);
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
		/* Not while the neighbour is measured. */
		shim_settle();
	} while (!good && --tries);
	w->nr_samples = w->nr_taken;
	lift_limit(w, deed->limited);
}

static void set_up(struct world *w, const struct rdmacg_ops *ops)
{
	struct cgroup_subsys_state *first, *second;
	struct rdma_cgroup *cg;
	char name[32];
	int i;

	*w = (struct world){ .ops = ops, .root = shim_cgroup_init(ops->subsys) };
	w->samples = malloc(MAX_SAMPLES * sizeof(*w->samples));
	if (!w->samples)
		die("set-up", ENOMEM);
	for (i = 0; i < NR_DEVICES; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		w->devices[i] = ops->device_add(name);
	}
	first = w->root;
	second = w->root;
	for (i = 0; i < DEPTH; i++) {
		first = make_cgroup(first);
		w->neighbour[i] = first;
		second = make_cgroup(second);
		w->tenant[i] = second;
	}
	for (i = 0; i < NR_MANY; i++)
		w->many[i] = make_cgroup(w->tenant[DEPTH - 2]);
	/* Standing charges, or stock would free its pools in each pair. */
	for (i = 0; i < NR_DEVICES; i++) {
		shim_cgroup_attach(first);
		if (ops->try_charge(&cg, w->devices[i], RESOURCE))
			die("a standing charge", EPROTO);
		shim_cgroup_attach(second);
		if (ops->try_charge(&cg, w->devices[i], RESOURCE))
			die("a standing charge", EPROTO);
	}
	for (i = 0; i < NR_MANY; i++) {
		shim_cgroup_attach(w->many[i]);
		if (ops->try_charge(&cg, w->devices[0], RESOURCE))
			die("a standing charge", EPROTO);
	}
	shim_cgroup_attach(NULL);
}

static int by_float(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void report(const char *charge, const struct deed *deed, FILE *csv)
{
	double at[NR_CONTESTANTS][3] = { };
	int which, i;

	for (which = 0; which < NR_CONTESTANTS; which++) {
		struct world *w = &worlds[which];

		if (!w->nr_samples)
			continue;
		qsort(w->samples, w->nr_samples, sizeof(*w->samples), by_float);
		at[which][0] = w->samples[w->nr_samples / 2];
		at[which][1] = w->samples[w->nr_samples - 1 - w->nr_samples / 100];
		at[which][2] = w->samples[w->nr_samples - 1];
		if (csv)
			fprintf(csv, "%s,\"%s\",%s,%ld,%.0f,%.0f,%.0f\n", charge, deed->name,
				contestant_names[which], w->nr_samples, at[which][0], at[which][1],
				at[which][2]);
		w->nr_samples = 0;
	}
	printf("%-40s", deed->name);
	for (i = 0; i < 3; i++)
		for (which = 0; which < NR_CONTESTANTS; which++)
			printf(" %9.0f", at[which][i]);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "realtime", no_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'r' },
		{ }
	};
	static const struct rdmacg_ops *contestants[NR_CONTESTANTS];
	int option, rounds = 5, round, which, anew;
	FILE *csv;
	size_t i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			realtime = true;
		else if (option == 'r')
			rounds = atoi(optarg);
		else
			return EXIT_FAILURE;
	}
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (rounds < 1 || nr_cpus < 2) {
		fprintf(stderr, "fairness: needs 2 cores, and --rounds of 1 or more\n");
		return EXIT_FAILURE;
	}
	csv = open_csv(argv[optind]);
	if (csv)
		fprintf(csv, "charge,tenant,contestant,samples,ns median,ns 99 %%,ns most\n");
	contestants[OURS] = &ours_spin_ops;
	contestants[MAINLINE] = &mainline_spin_ops;
	contestants[STOCK] = &stock_spin_ops;

	/* Threads that the shims start have the tenant's core and its priority. */
	pin(1);
	set_realtime(true);
	shim_init();
	for (which = 0; which < NR_CONTESTANTS; which++) {
		if (!contestants[which])
			continue;
		set_up(&worlds[which], contestants[which]);
		set_limited(&worlds[which], AT_LEAF);
		shim_cgroup_attach(worlds[which].tenant[DEPTH - 1]);
		be_refused(&worlds[which]);
		shim_cgroup_attach(NULL);
		lift_limit(&worlds[which], AT_LEAF);
		shim_settle();
	}
	set_realtime(false);
	pin(0);

	for (anew = 0; anew < 2; anew++) {
		printf("\n%s: ns\n%-40s %29s %29s %29s\n%-40s",
		       anew ? "First charge in a new cgroup, and uncharge" :
			      "Charge and uncharge", "while the tenant", "median",
		       "99th percentile", "most", "");
		for (i = 0; i < 3 * NR_CONTESTANTS; i++)
			printf(" %9s", contestant_names[i % NR_CONTESTANTS]);
		putchar('\n');
		for (i = 0; i < ARRAY_SIZE(deeds); i++) {
			for (round = 0; round < rounds; round++)
				for (which = 0; which < NR_CONTESTANTS; which++)
					if (contestants[which])
						run(&worlds[which], &deeds[i], anew);
			report(anew ? "first" : "any", &deeds[i], csv);
		}
	}
	if (csv && fclose(csv))
		die(argv[optind], errno);
	return EXIT_SUCCESS;
}
