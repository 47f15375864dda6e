// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a charge and its uncharge take: our controller, the stock one, and a
 * bare page_counter chain of the same depth, side by side.
 *
 *	bench [--rounds N] [--only PART-OF-NAME] [CSV]
 *
 * In each round all contestants run the same case for a few milliseconds each,
 * in an order that changes from round to round, so that what else happens on
 * the machine meets all of them alike. A ratio is the median of the ratios
 * within rounds. A run in which a thread lost its core is done again, up to
 * five times.
 *
 * Each thread has a core of its own, as long as there are enough, and holds a
 * standing charge: without it the stock controller would free and make its
 * pools in each pair, which would flatter ours.
 */

#include <linux/kernel.h>
#include <linux/cgroup.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define MAX_THREADS	64
#define MAX_ROUNDS	200
#define MAX_DEPTH	8
#define BATCH		64		/* pairs between two looks at the clock */
#define RUN_NS		4000000L
#define TRIES		6		/* of a run that is disturbed */
#define RESOURCE	1		/* hca_object */

extern const struct rdmacg_ops ours_ops, stock_ops, stock_spin_ops;
extern const struct rdmacg_ops page_counter_ops;

static const struct rdmacg_ops *const contestants[] = {
	&ours_ops, &stock_ops, &stock_spin_ops, &page_counter_ops,
};

#define NR_CONTESTANTS	ARRAY_SIZE(contestants)
enum { OURS, STOCK, STOCK_SPIN, PAGE_COUNTER };

enum sharing { SEPARATE, SHARED_PARENT, ONE_CGROUP };

static const char *const sharing_names[] = {
	"separate subtrees", "shared parent", "one cgroup",
};

enum noise {
	QUIET,
	FILES,		/* reads and writes those of the first leaf */
	REFUSALS,	/* is refused, without a pause, in a leaf of its own */
};

struct bench_case {
	char name[64];
	int threads, depth;
	enum sharing sharing;
	int devices;		/* with pools; the last one is used */
	int cgroups;		/* leaves of each thread, used in turn */
	bool refused;		/* at the leaf's limit */
	enum noise noise;	/* what one more thread does meanwhile */
};

/* A contestant's hierarchy for the case at hand. */
struct field {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *root;
	struct cgroup_subsys_state **all;	/* parents before children */
	int nr_all;
	struct cgroup_subsys_state **leaves;	/* threads * cgroups */
	struct cgroup_subsys_state *refused_leaf;
	struct rdmacg_device **devices;
};

struct worker {
	pthread_t thread;
	int number;
	long began, ended, pairs;	/* of the last run; ns */
	bool lost_core;
};

static struct worker workers[MAX_THREADS];
static const struct bench_case *now;
static struct field *field;
static int start_count, done_count, run_number;
static bool stop_noise;
static long nr_cpus;

static void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

static long now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % nr_cpus, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

/* Waits without sleeping, so that all start within nanoseconds. */
static void wait_for(int *count, int value)
{
	int spins = 0;

	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < value)
		if (now->threads + !!now->noise >= nr_cpus || ++spins > 1000)
			sched_yield();
}

static struct rdmacg_device *device_in_use(const struct field *f)
{
	return f->devices[now->devices - 1];
}

static void pairs(void)
{
	const struct rdmacg_ops *ops = field->ops;
	struct rdmacg_device *device = device_in_use(field);
	struct rdma_cgroup *cg;
	int i;

	for (i = 0; i < BATCH; i++) {
		if (now->refused) {
			if (ops->try_charge(&cg, device, RESOURCE) != -EAGAIN)
				die("a charge at the limit", EPROTO);
		} else {
			if (ops->try_charge(&cg, device, RESOURCE))
				die("a charge without limit", EPROTO);
			ops->uncharge(cg, device, RESOURCE);
		}
	}
}

static void measure(struct worker *me)
{
	struct cgroup_subsys_state **mine;
	long before = switches();
	int leaf = 0;

	mine = &field->leaves[me->number * now->cgroups];
	shim_cgroup_attach(mine[0]);
	pairs();
	__atomic_add_fetch(&start_count, 1, __ATOMIC_ACQ_REL);
	wait_for(&start_count, now->threads);

	me->pairs = 0;
	me->began = now_ns();
	do {
		if (now->cgroups > 1) {
			leaf = (leaf + 1) % now->cgroups;
			shim_cgroup_attach(mine[leaf]);
		}
		pairs();
		me->pairs += BATCH;
		me->ended = now_ns();
	} while (me->ended - me->began < RUN_NS);
	me->lost_core = switches() != before;
	shim_cgroup_attach(NULL);
}

static void *work(void *arg)
{
	struct worker *me = arg;
	int run = 0;

	shim_thread_start();
	pin(me->number);
	for (;;) {
		wait_for(&run_number, ++run);
		if (!field)
			break;
		measure(me);
		__atomic_add_fetch(&done_count, 1, __ATOMIC_ACQ_REL);
	}
	shim_thread_stop();
	return NULL;
}

static bool noise_goes_on(void)
{
	return !__atomic_load_n(&stop_noise, __ATOMIC_ACQUIRE);
}

static void use_files(void)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	static const char line[] = "dev0 hca_object=1000000\n";
	char text[65536];

	while (noise_goes_on()) {
		shim_cgroup_read(field->leaves[0], "current", text, sizeof(text));
		shim_cgroup_write(field->leaves[0], "max", line, sizeof(line) - 1);
		nanosleep(&pause, NULL);
	}
}

static void be_refused(void)
{
	struct rdma_cgroup *cg;

	shim_cgroup_attach(field->refused_leaf);
	while (noise_goes_on())
		if (field->ops->try_charge(&cg, device_in_use(field), RESOURCE) != -EAGAIN)
			die("a charge at the limit", EPROTO);
	shim_cgroup_attach(NULL);
}

static void *make_noise(void *arg)
{
	shim_thread_start();
	pin(now->threads);
	if (now->noise == FILES)
		use_files();
	else
		be_refused();
	shim_thread_stop();
	return NULL;
}

/* One run of one contestant: ns per pair and thread, or -1 to try again. */
static double run_once(struct field *f, bool may_fail)
{
	long began = LONG_MAX, ended = 0, nr = 0;
	pthread_t noise;
	int i;

	field = f;
	start_count = 0;
	done_count = 0;
	stop_noise = false;
	if (now->noise)
		pthread_create(&noise, NULL, make_noise, NULL);
	__atomic_add_fetch(&run_number, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&done_count, __ATOMIC_ACQUIRE) < now->threads)
		usleep(200);
	if (now->noise) {
		__atomic_store_n(&stop_noise, true, __ATOMIC_RELEASE);
		pthread_join(noise, NULL);
	}
	for (i = 0; i < now->threads; i++) {
		if (may_fail && workers[i].lost_core && now->threads <= nr_cpus)
			return -1;
		began = min(began, workers[i].began);
		ended = max(ended, workers[i].ended);
		nr += workers[i].pairs;
	}
	return (double)(ended - began) * now->threads / nr;
}

static struct cgroup_subsys_state *make_css(struct field *f,
					    struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *css = shim_cgroup_mkdir(parent);

	if (IS_ERR(css))
		die("cgroup", -PTR_ERR(css));
	f->all[f->nr_all++] = css;
	return css;
}

static struct cgroup_subsys_state *make_chain(struct field *f,
					      struct cgroup_subsys_state *top,
					      int length)
{
	while (length--)
		top = make_css(f, top);
	return top;
}

static void set_limit(struct field *f, struct cgroup_subsys_state *css,
		      int limit)
{
	char text[64];

	snprintf(text, sizeof(text), "dev%d hca_object=%d\n", now->devices - 1,
		 limit);
	if (shim_cgroup_write(css, "max", text, strlen(text)) < 0)
		die("a limit", EPROTO);
}

static void set_up(struct field *f, const struct rdmacg_ops *ops)
{
	struct cgroup_subsys_state *parent = NULL;
	int nr_leaves = now->threads * now->cgroups;
	struct rdma_cgroup *cg;
	char text[64];
	int i, j;

	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->root = shim_cgroup_init(ops->subsys);
	f->all = calloc(nr_leaves + MAX_THREADS * MAX_DEPTH + 1, sizeof(*f->all));
	f->leaves = calloc(nr_leaves, sizeof(*f->leaves));
	f->devices = calloc(now->devices, sizeof(*f->devices));
	if (!f->all || !f->leaves || !f->devices)
		die("set-up", ENOMEM);

	for (i = 0; i < now->devices; i++) {
		snprintf(text, sizeof(text), "dev%d", i);
		f->devices[i] = ops->device_add(text);
	}
	for (i = 0; i < nr_leaves; i++) {
		if (i % now->cgroups == 0 && (now->sharing == SEPARATE || !i))
			parent = make_chain(f, f->root, now->depth - 1);
		if (now->sharing == ONE_CGROUP && i)
			f->leaves[i] = f->leaves[0];
		else
			f->leaves[i] = make_css(f, parent);
	}
	if (now->noise == REFUSALS) {
		f->refused_leaf = make_css(f, parent);
		set_limit(f, f->refused_leaf, 0);
	}
	for (i = 0; i < nr_leaves; i++) {
		shim_cgroup_attach(f->leaves[i]);
		for (j = 0; j < now->devices; j++)
			if (ops->try_charge(&cg, f->devices[j], RESOURCE))
				die("a standing charge", EPROTO);
		shim_cgroup_attach(NULL);
		if (now->refused)
			set_limit(f, f->leaves[i], 1);
	}
}

static void tear_down(struct field *f)
{
	int nr_leaves = now->threads * now->cgroups;
	int i, j;

	for (i = 0; i < nr_leaves; i++)
		for (j = 0; j < now->devices; j++)
			f->ops->uncharge((struct rdma_cgroup *)f->leaves[i],
					 f->devices[j], RESOURCE);
	while (f->nr_all)
		shim_cgroup_rmdir(f->all[--f->nr_all]);
	shim_settle();
	for (i = 0; i < now->devices; i++)
		f->ops->device_del(f->devices[i]);
	shim_cgroup_exit(f->ops->subsys);
	free(f->all);
	free(f->leaves);
	free(f->devices);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double low, median, high;	/* quartiles and the middle */
};

static struct spread spread_of(const double *values, int nr)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, nr * sizeof(*values));
	qsort(sorted, nr, sizeof(*sorted), by_value);
	return (struct spread){ sorted[nr / 4], sorted[nr / 2],
				sorted[nr - 1 - nr / 4] };
}

static struct spread ratio_of(double ns[][MAX_ROUNDS], int a, int b, int nr)
{
	double ratios[MAX_ROUNDS];
	int i;

	for (i = 0; i < nr; i++)
		ratios[i] = ns[a][i] / ns[b][i];
	return spread_of(ratios, nr);
}

static void report(double ns[][MAX_ROUNDS], int rounds, FILE *csv)
{
	struct spread time[NR_CONTESTANTS], stock, spin, counter;
	size_t i;

	for (i = 0; i < NR_CONTESTANTS; i++)
		time[i] = spread_of(ns[i], rounds);
	stock = ratio_of(ns, OURS, STOCK, rounds);
	spin = ratio_of(ns, OURS, STOCK_SPIN, rounds);
	counter = ratio_of(ns, OURS, PAGE_COUNTER, rounds);

	printf("%-46s %8.1f %9.1f %9.1f %9.1f   %5.2f (%.2f-%.2f)  %5.2f (%.2f-%.2f)  %5.2f (%.2f-%.2f)\n",
	       now->name, time[OURS].median, time[STOCK].median,
	       time[STOCK_SPIN].median, time[PAGE_COUNTER].median,
	       stock.median, stock.low, stock.high,
	       spin.median, spin.low, spin.high,
	       counter.median, counter.low, counter.high);
	fflush(stdout);
	if (!csv)
		return;
	for (i = 0; i < NR_CONTESTANTS; i++)
		fprintf(csv, "%s,%d,%d,%s,%d,%d,%d,%d,%s,%.2f,%.2f,%.2f,%.3f,%.3f,%.3f\n",
			now->name, now->threads, now->depth,
			sharing_names[now->sharing], now->devices, now->cgroups,
			now->refused, now->noise, contestants[i]->name,
			time[i].low, time[i].median, time[i].high,
			ratio_of(ns, i, STOCK, rounds).median,
			ratio_of(ns, i, STOCK_SPIN, rounds).median,
			ratio_of(ns, i, PAGE_COUNTER, rounds).median);
}

static void run_case(const struct bench_case *c, int rounds, FILE *csv)
{
	static double ns[NR_CONTESTANTS][MAX_ROUNDS];
	struct field fields[NR_CONTESTANTS];
	int round, turn, i, tries;

	now = c;
	for (i = 0; i < (int)NR_CONTESTANTS; i++)
		set_up(&fields[i], contestants[i]);
	run_number = 0;
	for (i = 0; i < c->threads; i++) {
		workers[i].number = i;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}

	for (round = 0; round < rounds; round++) {
		for (turn = 0; turn < (int)NR_CONTESTANTS; turn++) {
			i = (round + turn) % NR_CONTESTANTS;
			tries = TRIES;
			do {
				ns[i][round] = run_once(&fields[i], --tries);
			} while (ns[i][round] < 0);
		}
	}

	field = NULL;
	__atomic_add_fetch(&run_number, 1, __ATOMIC_ACQ_REL);
	for (i = 0; i < c->threads; i++)
		pthread_join(workers[i].thread, NULL);
	for (i = 0; i < (int)NR_CONTESTANTS; i++)
		tear_down(&fields[i]);
	report(ns, rounds, csv);
}

static struct bench_case cases[128];
static int nr_cases;

static struct bench_case *add(const char *prefix, int threads, int depth,
			      enum sharing sharing)
{
	struct bench_case *c = &cases[nr_cases++];

	*c = (struct bench_case){ .threads = threads, .depth = depth,
				  .sharing = sharing, .devices = 1,
				  .cgroups = 1 };
	snprintf(c->name, sizeof(c->name), "%s%d thread%s; depth %d%s%s", prefix,
		 threads, threads > 1 ? "s" : "", depth, threads > 1 ? "; " : "",
		 threads > 1 ? sharing_names[sharing] : "");
	return c;
}

static void list_cases(void)
{
	static const int depths[] = { 1, 3, 8 };
	static const int devices[] = { 4, 32, 256 };
	static const int cgroups[] = { 100, 10000 };
	char prefix[32];
	size_t i;
	int threads;

	for (threads = 1; threads <= 2 * nr_cpus && threads <= MAX_THREADS;
	     threads *= 2) {
		for (i = 0; i < ARRAY_SIZE(depths); i++) {
			add("", threads, depths[i], SEPARATE);
			if (threads > 1 && depths[i] > 1)
				add("", threads, depths[i], SHARED_PARENT);
		}
		if (threads > 1)
			add("", threads, 3, ONE_CGROUP);
		add("refused: ", threads, 3, SEPARATE)->refused = true;
	}
	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		snprintf(prefix, sizeof(prefix), "%d devices: ", devices[i]);
		add(prefix, 1, 1, SEPARATE)->devices = devices[i];
	}
	for (i = 0; i < ARRAY_SIZE(cgroups); i++) {
		snprintf(prefix, sizeof(prefix), "%d cgroups: ", cgroups[i]);
		add(prefix, 1, 3, SHARED_PARENT)->cgroups = cgroups[i];
	}
	add("files in use: ", 1, 3, SEPARATE)->noise = FILES;
	add("a neighbour refused: ", 1, 3, SEPARATE)->noise = REFUSALS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ }
	};
	const char *only = "";
	FILE *csv = NULL;
	int rounds = 41, option, i;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			rounds = atoi(optarg);
		else if (option == 'o')
			only = optarg;
		else
			return EXIT_FAILURE;
	}
	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "bench: --rounds takes 1 to %d\n", MAX_ROUNDS);
		return EXIT_FAILURE;
	}
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (argv[optind]) {
		csv = fopen(argv[optind], "we");
		if (!csv)
			die(argv[optind], errno);
		fprintf(csv, "case,threads,depth,sharing,devices,cgroups,refused,noise,contestant,ns low,ns,ns high,to stock,to stock spin,to page_counter\n");
	}

	shim_init();
	list_cases();
	printf("%ld cores, %d rounds; ns per charge and uncharge and thread: medians. Ratios: ours to each, with quartiles.\n",
	       nr_cpus, rounds);
	printf("pool: ours %zu bytes, stock %zu, page_counter %zu\n",
	       ours_ops.pool_size, stock_ops.pool_size,
	       page_counter_ops.pool_size);
	printf("%-46s %8s %9s %9s %9s   %-18s %-18s %-18s\n", "", "ours", "stock",
	       "stock/spin", "page_ctr", "/stock", "/stock-spin", "/page_counter");
	for (i = 0; i < nr_cases; i++)
		if (strstr(cases[i].name, only))
			run_case(&cases[i], rounds, csv);
	if (csv && fclose(csv))
		die(argv[optind], errno);
	return EXIT_SUCCESS;
}
