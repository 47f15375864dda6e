// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a charge and its uncharge take: our controller, mainline's and an
 * older stock one, and a bare page_counter chain of the same depth, side by side.
 * The other controllers' mutex spins as the kernel's does while its owner runs.
 *
 *	bench [--quick] [--realtime] [--rounds N] [--only PART-OF-NAME] [CSV]
 *
 * In each round all contestants run the same case for a few milliseconds each,
 * in an order that changes from round to round, so that what else happens on
 * the machine meets all of them alike. A ratio is the median of the ratios
 * within rounds. A run in which a thread lost its core is done again, up to
 * five times. With --realtime, which takes a privilege, nothing else gets the cores
 * during a run: for a machine that has other work.
 *
 * Each thread has a core of its own, as long as there are enough, and holds a
 * standing charge: without it the stock controller would free and make its
 * pools in each pair, which would flatter ours.
 */

#include <linux/kernel.h>
#include <linux/cache.h>
#include <linux/cgroup.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"

#define MAX_THREADS	64
#define MAX_ROUNDS	200
#define LINE_TURNS	2000
#define MACHINE_TRIES	20
#define BATCH		64		/* pairs between two looks at the clock */
#define RUN_NS		4000000L
#define TRIES		6		/* of a run that is disturbed */
#define RESOURCE	1		/* hca_object */
#define MANY_DEVICES	2000
#define DEVICE_ROUNDS	3
#define QUICK_ROUNDS	5
#define QUICK_CGROUPS	200		/* in all of a case, for --quick */

extern const struct rdmacg_ops ours_ops, page_counter_ops;
/* These are there if their source was. */
extern const struct rdmacg_ops mainline_spin_ops __weak, stock_spin_ops __weak;

enum contestant { OURS, MAINLINE, STOCK, PAGE_COUNTER, NR_CONTESTANTS };

static const struct rdmacg_ops *contestants[NR_CONTESTANTS];

enum noise {
	QUIET,
	FILES,		/* reads and writes those of the first leaf, with pauses */
	READS,		/* reads its rdma.current without a pause */
	REFUSED_BY_OWN,	/* is refused without a pause in a sibling of that leaf */
	REFUSED_ABOVE,	/* likewise, by the limit of a sibling of its parent */
};

struct bench_case {
	char name[64];
	int threads, depth;
	int own;		/* levels that a thread has for itself; the rest is shared */
	int devices;		/* with pools; the last one is used */
	int cgroups;		/* leaves of each thread, used in turn */
	bool bushy;		/* at each level there is a sibling with charges */
	bool refused;		/* at the leaf's limit */
	bool work;		/* half a microsecond of something else in each pair */
	enum noise noise;	/* what one more thread does meanwhile */
};

/* A contestant's hierarchy for the case at hand. */
struct field {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *root;
	struct cgroup_subsys_state **all;	/* parents before children */
	struct cgroup_subsys_state **charged;	/* for each device */
	int nr_all, nr_charged;
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
static bool stop_noise, noise_lost_core;
static unsigned int work_steps;

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

/*
 * What the figures rest on: the time of a locked operation, and that of a cache
 * line from one core to another. Of several tries the shortest, which is the one
 * that nothing disturbed.
 */
static unsigned int line_turn ____cacheline_aligned;
static long line_ns;

static void *take_turns(void *side)
{
	unsigned int turn;
	long began = 0;

	pin(!!side);
	set_realtime(true);
	for (turn = !!side; turn < LINE_TURNS + 2; turn += 2) {
		while (__atomic_load_n(&line_turn, __ATOMIC_ACQUIRE) != turn)
			;
		/* Now the other is there, too. */
		if (turn == 2)
			began = now_ns();
		__atomic_store_n(&line_turn, turn + 1, __ATOMIC_RELEASE);
	}
	if (!side)
		line_ns = min(line_ns, now_ns() - began);
	set_realtime(false);
	return NULL;
}

static void report_machine(void)
{
	long ns, locked_ns = LONG_MAX;
	pthread_t threads[2];
	int i, j;

	line_ns = LONG_MAX;
	for (i = 0; i < MACHINE_TRIES; i++) {
		ns = now_ns();
		for (j = 0; j < LINE_TURNS; j++)
			__atomic_add_fetch(&line_turn, 1, __ATOMIC_SEQ_CST);
		locked_ns = min(locked_ns, now_ns() - ns);

		line_turn = 0;
		for (j = 0; j < 2 && nr_cpus > 1; j++)
			pthread_create(&threads[j], NULL, take_turns,
				       j ? &threads[j] : NULL);
		for (j = 0; j < 2 && nr_cpus > 1; j++)
			pthread_join(threads[j], NULL);
	}
	printf("%ld cores; a locked operation takes %.1f ns", nr_cpus,
	       (double)locked_ns / LINE_TURNS);
	if (nr_cpus > 1)
		printf(", a cache line from one core to another %.0f",
		       (double)line_ns / LINE_TURNS);
	putchar('\n');
}

/* Takes a core's time and nothing else. */
static unsigned int do_work(unsigned int steps)
{
	unsigned int value = steps;

	while (steps--) {
		value = value * 1103515245 + 12345;
		__asm__ volatile("" : "+r" (value));
	}
	return value;
}

/* The shortest of several tries is the one that nothing interrupted. */
static void measure_work(void)
{
	long ns, shortest = LONG_MAX;
	int i;

	for (i = 0; i < 100; i++) {
		ns = now_ns();
		do_work(10000);
		ns = now_ns() - ns;
		shortest = min(shortest, ns);
	}
	work_steps = 500L * 10000 / shortest;
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
		if (now->work)
			do_work(work_steps);
	}
}

static void measure(struct worker *me)
{
	struct cgroup_subsys_state **mine;
	long before;
	int leaf = 0;

	set_realtime(true);
	before = switches();
	mine = &field->leaves[me->number * now->cgroups];
	shim_cgroup_attach(mine[0]);
	pairs();
	__atomic_add_fetch(&start_count, 1, __ATOMIC_ACQ_REL);
	wait_for(&start_count, now->threads + !!now->noise);

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
	set_realtime(false);
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

static void read_without_pause(void)
{
	char text[4096];

	while (noise_goes_on())
		shim_cgroup_read(field->leaves[0], "current", text, sizeof(text));
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
	long before;

	shim_thread_start();
	pin(now->threads);
	set_realtime(true);
	before = switches();
	__atomic_add_fetch(&start_count, 1, __ATOMIC_ACQ_REL);
	if (now->noise == FILES)
		use_files();
	else if (now->noise == READS)
		read_without_pause();
	else
		be_refused();
	noise_lost_core = switches() != before;
	set_realtime(false);
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
		if (may_fail && noise_lost_core)
			return -1;
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
	struct cgroup_subsys_state *css = make_cgroup(parent);

	f->all[f->nr_all++] = css;
	return css;
}

static void charge_standing(struct field *f, struct cgroup_subsys_state *css)
{
	struct rdma_cgroup *cg;
	int i;

	shim_cgroup_attach(css);
	for (i = 0; i < now->devices; i++)
		if (f->ops->try_charge(&cg, f->devices[i], RESOURCE))
			die("a standing charge", EPROTO);
	shim_cgroup_attach(NULL);
	f->charged[f->nr_charged++] = css;
}

static struct cgroup_subsys_state *make_level(struct field *f,
					      struct cgroup_subsys_state *parent)
{
	if (now->bushy)
		charge_standing(f, make_css(f, parent));
	return make_css(f, parent);
}

static struct cgroup_subsys_state *make_chain(struct field *f,
					      struct cgroup_subsys_state *top,
					      int length)
{
	while (length-- > 0)
		top = make_level(f, top);
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

/* A leaf that is refused: by its own limit, or by that of a parent of its own. */
static void make_refused(struct field *f, struct cgroup_subsys_state *parent)
{
	struct cgroup_subsys_state *limited;

	if (now->noise == REFUSED_ABOVE)
		parent = parent->parent;
	limited = make_css(f, parent);
	f->refused_leaf = now->noise == REFUSED_ABOVE ? make_css(f, limited) :
							limited;
	charge_standing(f, f->refused_leaf);
	set_limit(f, limited, 1);
}

static void set_up(struct field *f, const struct rdmacg_ops *ops)
{
	int nr_leaves = now->threads * now->cgroups;
	int most = 2 * (nr_leaves + now->threads * now->depth) + 2;
	struct cgroup_subsys_state *shared, *parent = NULL;
	char text[64];
	int i;

	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->root = shim_cgroup_init(ops->subsys);
	f->all = calloc(most, sizeof(*f->all));
	f->charged = calloc(most, sizeof(*f->charged));
	f->leaves = calloc(nr_leaves, sizeof(*f->leaves));
	f->devices = calloc(now->devices, sizeof(*f->devices));
	if (!f->all || !f->charged || !f->leaves || !f->devices)
		die("set-up", ENOMEM);

	for (i = 0; i < now->devices; i++) {
		snprintf(text, sizeof(text), "dev%d", i);
		f->devices[i] = ops->device_add(text);
	}

	shared = make_chain(f, f->root, now->depth - now->own);
	for (i = 0; i < nr_leaves; i++) {
		if (i % now->cgroups == 0)
			parent = make_chain(f, shared, now->own - 1);
		f->leaves[i] = now->own ? make_level(f, parent) : shared;
		charge_standing(f, f->leaves[i]);
		if (now->refused)
			set_limit(f, f->leaves[i], 1);
	}
	if (now->noise >= REFUSED_BY_OWN)
		make_refused(f, parent);
}

static void tear_down(struct field *f)
{
	int i;

	while (f->nr_charged--)
		for (i = 0; i < now->devices; i++)
			f->ops->uncharge((struct rdma_cgroup *)f->charged[f->nr_charged],
					 f->devices[i], RESOURCE);
	while (f->nr_all)
		shim_cgroup_rmdir(f->all[--f->nr_all]);
	shim_settle();
	for (i = 0; i < now->devices; i++)
		f->ops->device_del(f->devices[i]);
	shim_cgroup_exit(f->ops->subsys);
	free(f->all);
	free(f->charged);
	free(f->leaves);
	free(f->devices);
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

/* What takes no part has no times. */
static void report(const char *name, double ns[][MAX_ROUNDS], int rounds, FILE *csv)
{
	struct spread ratio;
	int i, to;

	printf("%-52s", name);
	for (i = 0; i < NR_CONTESTANTS; i++) {
		if (ns[i][0])
			printf(" %9.1f", spread_of(ns[i], rounds).median);
		else
			printf(" %9s", "-");
	}
	for (to = MAINLINE; to < NR_CONTESTANTS; to++) {
		if (!ns[to][0]) {
			printf("  %-17s", "    -");
			continue;
		}
		ratio = ratio_of(ns, OURS, to, rounds);
		printf("  %5.2f (%.2f-%.2f)", ratio.median, ratio.low, ratio.high);
	}
	putchar('\n');
	fflush(stdout);
	if (!csv)
		return;

	for (i = 0; i < NR_CONTESTANTS; i++) {
		struct spread time = spread_of(ns[i], rounds);

		if (!ns[i][0])
			continue;
		fprintf(csv, "%s,%s,%.2f,%.2f,%.2f", name, contestants[i]->name,
			time.low, time.median, time.high);
		for (to = MAINLINE; to < NR_CONTESTANTS; to++) {
			if (ns[to][0])
				fprintf(csv, ",%.3f", ratio_of(ns, i, to, rounds).median);
			else
				fputc(',', csv);
		}
		fputc('\n', csv);
	}
}

static void run_case(const struct bench_case *c, int rounds, FILE *csv)
{
	static double ns[NR_CONTESTANTS][MAX_ROUNDS];
	struct field fields[NR_CONTESTANTS];
	int round, turn, i, tries;

	now = c;
	for (i = 0; i < NR_CONTESTANTS; i++)
		if (contestants[i])
			set_up(&fields[i], contestants[i]);
	run_number = 0;
	for (i = 0; i < c->threads; i++) {
		workers[i].number = i;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}

	for (round = 0; round < rounds; round++) {
		for (turn = 0; turn < NR_CONTESTANTS; turn++) {
			i = (round + turn) % NR_CONTESTANTS;
			if (!contestants[i])
				continue;
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
	for (i = 0; i < NR_CONTESTANTS; i++)
		if (contestants[i])
			tear_down(&fields[i]);
	report(c->name, ns, rounds, csv);
}

/* Many devices: how long each takes to come, to be renamed, read, and to go. */

enum step { REGISTER, RENAME, READ_FILE, REMOVE, NR_STEPS };

static const char * const step_names[] = {
	"register", "rename", "read rdma.current of", "remove",
};

static void time_devices(const struct rdmacg_ops *ops, double ns[NR_STEPS])
{
	static struct rdmacg_device *devices[MANY_DEVICES];
	static char text[MANY_DEVICES * 64];
	long times[NR_STEPS + 1];
	struct cgroup_subsys_state *css;
	char name[32];
	int i;

	css = make_cgroup(shim_cgroup_init(ops->subsys));
	times[REGISTER] = now_ns();
	for (i = 0; i < MANY_DEVICES; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		devices[i] = ops->device_add(name);
	}
	times[RENAME] = now_ns();
	for (i = 0; i < MANY_DEVICES; i++) {
		snprintf(name, sizeof(name), "new%d", i);
		ops->rename(devices[i], name);
	}
	times[READ_FILE] = now_ns();
	if (shim_cgroup_read(css, "current", text, sizeof(text)) < 0)
		die("rdma.current", EPROTO);
	times[REMOVE] = now_ns();
	for (i = 0; i < MANY_DEVICES; i++)
		ops->device_del(devices[i]);
	times[NR_STEPS] = now_ns();

	for (i = 0; i < NR_STEPS; i++)
		ns[i] = (double)(times[i + 1] - times[i]) / MANY_DEVICES;
	shim_cgroup_rmdir(css);
	shim_settle();
	shim_cgroup_exit(ops->subsys);
}

static void run_devices(int rounds, FILE *csv)
{
	static double ns[NR_STEPS][NR_CONTESTANTS][MAX_ROUNDS];
	double times[NR_STEPS];
	int round, i, step;
	char name[64];

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < PAGE_COUNTER; i++) {
			if (!contestants[i])
				continue;
			time_devices(contestants[i], times);
			for (step = 0; step < NR_STEPS; step++)
				ns[step][i][round] = times[step];
		}
	}
	for (step = 0; step < NR_STEPS; step++) {
		snprintf(name, sizeof(name), "%s %d devices: each", step_names[step],
			 MANY_DEVICES);
		report(name, ns[step], rounds, csv);
	}
}

static struct bench_case cases[128];
static int nr_cases;

static struct bench_case *add(const char *prefix, int threads, int depth, int own)
{
	struct bench_case *c = &cases[nr_cases++];
	const char *sharing = "";

	*c = (struct bench_case){ .threads = threads, .depth = depth, .own = own,
				  .devices = 1, .cgroups = 1 };
	if (threads > 1)
		sharing = !own ? "; one cgroup" : own == depth ? "; separate subtrees" :
			  own == 1 ? "; shared parent" : "; shared top levels";
	snprintf(c->name, sizeof(c->name), "%s%d thread%s; depth %d%s", prefix,
		 threads, threads > 1 ? "s" : "", depth, sharing);
	return c;
}

static void list_cases(void)
{
	static const int depths[] = { 1, 3, 8 };
	static const int very_deep[] = { 100, 1000 };
	static const int devices[] = { 4, 32, 256 };
	static const int cgroups[] = { 100, 10000 };
	char prefix[32];
	size_t i;
	int threads;

	for (threads = 1; threads <= nr_cpus && threads <= MAX_THREADS; threads *= 2) {
		for (i = 0; i < ARRAY_SIZE(depths); i++)
			add("", threads, depths[i], depths[i]);
		for (i = 1; i < ARRAY_SIZE(depths); i++) {
			if (threads > 1)
				add("", threads, depths[i], 1);
			add("bushy: ", threads, depths[i], 1)->bushy = true;
		}
		if (threads > 1) {
			add("with other work: ", threads, 8, 1)->work = true;
			/* As Kubernetes has it: all pods, class, pod, container. */
			add("", threads, 4, 2);
			add("with other work: ", threads, 4, 2)->work = true;
			add("", threads, 3, 0);
		}
		add("refused: ", threads, 3, 3)->refused = true;
	}
	for (i = 0; i < ARRAY_SIZE(very_deep); i++)
		add("", 1, very_deep[i], very_deep[i]);
	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		snprintf(prefix, sizeof(prefix), "%d devices: ", devices[i]);
		add(prefix, 1, 1, 1)->devices = devices[i];
	}
	for (i = 0; i < ARRAY_SIZE(cgroups); i++) {
		snprintf(prefix, sizeof(prefix), "%d cgroups: ", cgroups[i]);
		add(prefix, 1, 3, 1)->cgroups = cgroups[i];
	}
	add("neighbour refused: ", 1, 3, 1)->noise = REFUSED_BY_OWN;
	add("neighbour refused above: ", 1, 3, 1)->noise = REFUSED_ABOVE;
	add("files in use: ", 1, 3, 1)->noise = FILES;
	add("rdma.current being read: ", 1, 3, 1)->noise = READS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "realtime", no_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ }
	};
	const char *only = "";
	FILE *csv;
	int rounds = 41, option, i;
	bool quick = false;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'q') {
			quick = true;
			rounds = QUICK_ROUNDS;
		} else if (option == 't') {
			realtime = true;
		} else if (option == 'r') {
			rounds = atoi(optarg);
		} else if (option == 'o') {
			only = optarg;
		} else {
			return EXIT_FAILURE;
		}
	}
	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "bench: --rounds takes 1 to %d\n", MAX_ROUNDS);
		return EXIT_FAILURE;
	}
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	csv = open_csv(argv[optind]);
	if (csv)
		fprintf(csv, "case,contestant,ns low,ns,ns high,to mainline,to stock,to page_counter\n");

	contestants[OURS] = &ours_ops;
	contestants[MAINLINE] = &mainline_spin_ops;
	contestants[STOCK] = &stock_spin_ops;
	contestants[PAGE_COUNTER] = &page_counter_ops;
	shim_init();
	measure_work();
	list_cases();
	report_machine();
	printf("%d rounds; ns per charge and uncharge and thread: medians. Ratios: ours to each, with quartiles.\n",
	       rounds);
	for (i = 0; i < NR_CONTESTANTS; i++)
		if (contestants[i])
			printf("%s: %s, %zu bytes a pool\n", contestants[i]->name,
			       contestants[i]->version, contestants[i]->pool_size);
	printf("%-52s %9s %9s %9s %9s  %-17s  %-17s  %s\n", "", "ours", "mainline",
	       "stock", "page_ctr", "/ mainline", "/ stock", "/ page_counter");
	for (i = 0; i < nr_cases; i++)
		if (strstr(cases[i].name, only) &&
		    !(quick && cases[i].depth + cases[i].cgroups > QUICK_CGROUPS))
			run_case(&cases[i], rounds, csv);
	if (strstr("devices", only))
		run_devices(min(rounds, DEVICE_ROUNDS), csv);
	if (csv && fclose(csv))
		die(argv[optind], errno);
	return EXIT_SUCCESS;
}
