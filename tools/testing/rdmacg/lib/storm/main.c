// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor: see storm.h for the other processes.
 *
 *	PROGRAM [--seed=N] [--seconds=N] [--rounds=N] [--spoil]
 *		[--reports=FILE] [PART-OF-NAME]
 *
 * Runs each storm, in so many rounds, each with a seed of its own, on the unified
 * hierarchy and then, unless only v2 has what it is about, on a cgroup v1 mount.
 * "v1:" is part of a name, too. Prints TAP. Needs root, the rdma controller, rxe
 * and siw, the programs ip and rdma, and nobody else who uses RDMA devices or
 * cgroups meanwhile.
 *
 * After each storm, and within a bounded time,
 *
 *	COUNTS	no usage is left at any level; the events counted at the top
 *		are as many as tenants were refused
 *	CGROUPS	no removed cgroup is left
 *	POOLS	as many pools were freed as made, by the tracepoints
 *	LOG	neither the controller has found a fault to report, nor the
 *		kernel one that begins as FILE says: see ../../qemu/reports
 *
 * With --spoil each storm is run once for each of the first three, with
 * something left on purpose; the case passes if that is noticed.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../leaks.h"
#include "storm.h"

#define DEFAULT_SECONDS	5
#define NOTHING		NR_CHECKS	/* is spoilt */
#define SPOILT_MS	2000	/* until what is spoilt has to be noticed */
#define GRACE_MS	240000	/* for what a storm does after its time */
#define TRACING		"/sys/kernel/tracing"

static struct hierarchy unified = { .name = "v2", .unified = true, .root = UNIFIED };
static struct hierarchy legacy = { .name = "v1" };
static const char *selected = "";
static unsigned int seed, rounds = 1;
static bool to_spoil;
static int kernel_log = -1;
static regex_t report_begins;
static bool knows_reports;
static int nr_cases, nr_failed;

/*
 * Pools made and freed. Each is traced in an instance of its own: what the
 * ring buffer counts is then the number of pools, be they overwritten or not.
 */
static const char * const pool_events[] = {
	"rdmacg_pool_make", "rdmacg_pool_free",
};

static char *instance(const char *event)
{
	return path_of(TRACING "/instances/%s", event);
}

static bool have_tracepoints(void)
{
	return !access(TRACING "/events/rdmacg", F_OK);
}

static void start_tracing(void)
{
	size_t i;

	for (i = 0; have_tracepoints() && i < ARRAY_SIZE(pool_events); i++) {
		char *folder = instance(pool_events[i]);

		if (mkdir(folder, 0755) && errno != EEXIST)
			err(EXIT_FAILURE, "%s", folder);
		cg_must_write(folder, "buffer_size_kb", "4096");
		cg_must_write(path_of("%s/events/rdmacg/%s", folder, pool_events[i]),
			      "enable", "1");
	}
}

static void stop_tracing(void)
{
	size_t i;

	for (i = 0; have_tracepoints() && i < ARRAY_SIZE(pool_events); i++)
		rmdir(instance(pool_events[i]));
}

static void forget_traces(void)
{
	size_t i;
	int fd;

	for (i = 0; have_tracepoints() && i < ARRAY_SIZE(pool_events); i++) {
		fd = open(path_of("%s/trace", instance(pool_events[i])),
			  O_WRONLY | O_TRUNC);
		if (fd < 0)
			err(EXIT_FAILURE, "%s", instance(pool_events[i]));
		close(fd);
	}
}

static long nr_traced(const char *event)
{
	glob_t cpus;
	long sum = 0;
	size_t i;

	glob(path_of("%s/per_cpu/cpu*", instance(event)), 0, NULL, &cpus);
	for (i = 0; i < cpus.gl_pathc; i++) {
		const char *cpu = cpus.gl_pathv[i];

		sum += cg_read_key_long(cpu, "stats", "entries: ") +
		       cg_read_key_long(cpu, "stats", "\noverrun: ");
		if (cg_read_key_long(cpu, "stats", "commit overrun: ") ||
		    cg_read_key_long(cpu, "stats", "dropped events: "))
			complain(POOLS, "%s lost events", event);
	}
	if (!cpus.gl_pathc)
		complain(POOLS, "there is no trace of %s", event);
	globfree(&cpus);
	return sum;
}

/* Cgroups of the controller's hierarchy: those removed count until freed. */
struct census {
	long cgroups;
	long dying;		/* v2 only: of these, the removed ones */
	long dying_css;		/* v2 only, since 6.12: toggled off as well */
};

static struct census take_census(void)
{
	struct census census = {};
	char text[8192] = "";
	const char *line;

	cg_read("/proc", "cgroups", text, sizeof(text));
	line = strstr(text, "\nrdma\t");
	if (!line || sscanf(line, "\nrdma %*d %ld", &census.cgroups) != 1)
		errx(EXIT_FAILURE, "/proc/cgroups has no rdma");
	if (current->unified) {
		census.dying = cg_read_key_long(current->root, "cgroup.stat",
						"nr_dying_descendants ");
		census.dying_css = cg_read_key_long(current->root, "cgroup.stat",
						    "nr_dying_subsys_rdma ");
	}
	return census;
}

static bool is_back_to(struct census before)
{
	struct census now;

	/* Zombies of the director, should it have been killed. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	/* Pages in the cache keep a cgroup that limits memory; on 5.10, any. */
	cg_must_write("/proc/sys/vm", "drop_caches", "3");
	now = take_census();
	return now.cgroups <= before.cgroups && now.dying <= before.dying &&
	       now.dying_css <= before.dying_css;
}

static void complain_of_cgroups(struct census before)
{
	struct census now = take_census();

	complain(CGROUPS, "%ld cgroups, %ld dying and %ld dying css, but before %ld, %ld and %ld",
		 now.cgroups, now.dying, now.dying_css, before.cgroups,
		 before.dying, before.dying_css);
}

/* Names what was made and not freed; the trace may lack the oldest. */
static void complain_of_pools(void)
{
	complain(POOLS, "%ld pools made, but %ld freed",
		 nr_traced(pool_events[0]), nr_traced(pool_events[1]));
	if (system("cd " TRACING "/instances\n"
		   "for i in rdmacg_pool_*; do\n"
		   "	grep -o 'cgroup=.*' $i/trace | sort > /tmp/$i\n"
		   "done\n"
		   "comm -3 /tmp/rdmacg_pool_make /tmp/rdmacg_pool_free |\n"
		   "	head -n 8 | sed 's/^/# only made, or only freed: /'"))
		complain(POOLS, "the traces cannot be compared");
}

/* How reports of the kernel begin: a regular expression on each line. */
static void read_reports(const char *path)
{
	char *line = NULL, *any = NULL;
	FILE *file = fopen(path, "re");
	size_t size = 0, used = 0;
	ssize_t length;
	FILE *joined = open_memstream(&any, &used);

	if (!file || !joined)
		err(EXIT_FAILURE, "%s", path);
	while ((length = getline(&line, &size, file)) > 0)
		if (line[0] != '#' && line[0] != '\n')
			fprintf(joined, "%s%.*s", ftell(joined) ? "|" : "",
				(int)length - 1, line);
	fclose(joined);
	fclose(file);
	if (regcomp(&report_begins, any, REG_EXTENDED | REG_NOSUB))
		errx(EXIT_FAILURE, "%s: no regular expressions", path);
	knows_reports = true;
	free(line);
	free(any);
}

/* Of a record: its text, without what follows in lines of their own. */
static void judge_record(char *record)
{
	char *text = strchr(record, ';');

	if (!text)
		return;
	text = strtok(text + 1, "\n") ?: "";
	if (!strncmp(text, "rdmacg: ", strlen("rdmacg: ")))
		complain(LOG, "the controller says: %s", text);
	else if (knows_reports && !regexec(&report_begins, text, 0, NULL, 0))
		complain(LOG, "the kernel reports: %s", text);
}

static void check_log(void)
{
	char record[8192];
	ssize_t length;

	for (;;) {
		length = read(kernel_log, record, sizeof(record) - 1);
		if (length < 0 && errno == EPIPE)
			complain(LOG, "the log was overwritten before it was read");
		else if (length <= 0)
			return;
		record[length > 0 ? length : 0] = 0;
		judge_record(record);
	}
}

/* What the walk over all cgroups found. */
static int nr_unused;
static char used[256];

static void look_for_usage(const char *cgroup)
{
	static char text[FILE_SIZE];
	char *rest = text;
	struct line line;
	int err;

	err = cg_read(cgroup, "rdma.current", text, sizeof(text));
	/* The controller may have been taken away there. */
	if (err == -ENOENT)
		return;
	if (err)
		snprintf(used, sizeof(used), "%s/rdma.current: %s", cgroup,
			 strerror(-err));
	nr_unused++;
	while (!err && next_line(&rest, "rdma.current", &line))
		if (line.values[HANDLE] || line.values[OBJECT])
			snprintf(used, sizeof(used), "%s still counts %ld handles and %ld objects of %s",
				 cgroup, line.values[HANDLE],
				 line.values[OBJECT], line.device);
}

static bool all_is_unused(void)
{
	nr_unused = 0;
	used[0] = 0;
	walk_cgroups(false, look_for_usage);
	return nr_unused && !used[0];
}

/* All refusals, anywhere, are counted in the events of the top. */
static void check_events(void)
{
	static char text[FILE_SIZE];
	unsigned long counted = 0;
	char *rest = text;
	struct line line;

	/* The stock controller has no such file. */
	if (cg_read(current->top, "rdma.events", text, sizeof(text)))
		return;
	while (next_line(&rest, "rdma.events", &line))
		counted += line.values[1] + line.values[3];
	if (counted != shared->refused)
		complain(COUNTS, "%lu refusals are counted as events, but %lu were met",
			 counted, shared->refused);
}

static void remove_one(const char *cgroup)
{
	remove_cgroup(cgroup);
}

/* Runs the storm in a process of its own, and returns when that has ended. */
static void direct(const struct storm *storm)
{
	long deadline = now_ms() + 12 * bound_ms + GRACE_MS;
	pid_t director = spawn();
	int status;

	if (!director) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		prepare_director();
		storm->direct();
		_exit(EXIT_SUCCESS);
	}
	while (!waitpid(director, &status, WNOHANG)) {
		check_log();
		sleep_us(20000);
		if (now_ms() < deadline)
			continue;
		complain(LOAD, "it does not come to an end");
		shared->stop = true;
		kill(director, SIGKILL);
		waitpid(director, &status, 0);
		break;
	}
	if (status)
		complain(LOAD, "its director ended with status %#x", status);
}

/*
 * Leaves something that the given check has to notice, for as long as the
 * process that is returned lives.
 */
static pid_t spoil(enum check check)
{
	const char *cgroup = path_of("%s/spoilt", current->top);
	struct base base = {};
	pid_t pid;

	if (check == POOLS)
		cgroup = path_of("%s/" TOP_NAME "_spoilt", current->root);
	make_cgroup(cgroup);
	if (check == POOLS)
		write_limit(cgroup, device_name(0), OBJECT, 1);
	pid = spawn();
	if (pid) {
		if (!becomes(shared->spoilt))
			complain(LOAD, "nothing is left on purpose");
		return pid;
	}
	if (check == COUNTS) {
		base.verbs = find_verbs(device_name(0));
		cg_enter_current(cgroup);
		object_make(&base, CONTEXT);
	} else if (check == CGROUPS) {
		/* A dead process that nobody buries keeps its cgroup. */
		waitid(P_PID, start(_exit, 0, cgroup), NULL, WEXITED | WNOWAIT);
	}
	shared->spoilt = true;
	for (;;)
		pause();
}

static void end_spoiler(pid_t spoiler)
{
	kill(spoiler, SIGKILL);
	reap(spoiler, SIGKILL);
}

static void check_pools(long settle_ms)
{
	long made;

	if (!have_tracepoints())
		return;
	if (!becomes_within(settle_ms, nr_traced(pool_events[0]) ==
				       nr_traced(pool_events[1])))
		complain_of_pools();
	made = nr_traced(pool_events[0]);
	if (!made)
		complain(POOLS, "no pool was ever made");
	figure(", %ld pools", made);
}

static void write_to_root(const char *change)
{
	cg_must_write(UNIFIED, "cgroup.subtree_control", change);
}

static void judge_storm(const struct storm *storm, enum check spoilt)
{
	long settle_ms = spoilt == NOTHING ? SETTLE_MS : SPOILT_MS;
	struct census before;
	pid_t spoiler = 0;
	long began;

	/*
	 * A removed cgroup that has the memory controller stays until the last
	 * page of a file that its processes were the first to read is dropped.
	 */
	write_to_root(storm->limits_memory ? "+memory" : "-memory");
	if (spoilt == POOLS)
		spoiler = spoil(spoilt);
	before = take_census();
	make_parent(current->top);

	direct(storm);

	if (spoilt == COUNTS || spoilt == CGROUPS)
		spoiler = spoil(spoilt);
	if (!becomes_within(settle_ms, all_is_unused()))
		complain(COUNTS, "%s", nr_unused ? used : "no file to be read");
	if (storm->exact_events)
		check_events();
	figure(", %d cgroups at 0", nr_unused);
	if (spoilt == COUNTS)
		end_spoiler(spoiler);

	began = now_ms();
	walk_cgroups(false, cg_kill);
	walk_cgroups(true, remove_one);
	if (!becomes_within(settle_ms, is_back_to(before)))
		complain_of_cgroups(before);
	check_pools(settle_ms);
	figure(" and gone in %ld ms", now_ms() - began);

	if (spoilt == CGROUPS || spoilt == POOLS)
		end_spoiler(spoiler);
	if (spoilt == POOLS)
		remove_cgroup(path_of("%s/" TOP_NAME "_spoilt", current->root));
}

/*
 * Whether all went well; of a spoilt storm, whether nothing was found before
 * what was spoilt, and then that. It may well have consequences.
 */
static bool passed(enum check spoilt)
{
	int i;

	for (i = 0; i < NR_CHECKS && i < (int)spoilt; i++)
		if (shared->complaints[i])
			return false;
	return spoilt == NOTHING || shared->complaints[spoilt];
}

static void report(bool passed, const char *name, const char *figures,
		   const char *lacking)
{
	if (passed && !lacking && !have_tracepoints())
		lacking = "without tracepoints nobody counts pools";
	nr_failed += !passed;
	dprintf(STDOUT_FILENO, "%sok %d - %s: %s: %s (seed %u%s)%s%s\n",
		passed ? "" : "not ", ++nr_cases, program_name, current->name, name,
		seed, figures, lacking ? " # SKIP " : "", lacking ? lacking : "");
}

static void run_storm(const struct storm *storm, enum check spoilt)
{
	static const char * const left[] = {
		[COUNTS] = "charge", [CGROUPS] = "cgroup", [POOLS] = "pool",
	};
	const char *name = storm->name;
	long began = now_ms();

	memset(shared, 0, sizeof(*shared));
	set_seed(seed);
	nr_devices = storm->nr_devices;
	if (add_devices(DEVICE_PREFIX, 0, nr_devices)) {
		forget_traces();
		judge_storm(storm, spoilt);
	}
	remove_devices(DEVICE_PREFIX, 0, nr_devices);
	check_log();
	figure(", %lu objects, %lu refused, %lu files read, %.1f s",
	       shared->made, shared->refused, shared->reads,
	       (now_ms() - began) / 1000.0);
	if (spoilt != NOTHING)
		name = path_of("%s notices a %s that is left", name,
			       left[spoilt]);
	report(passed(spoilt), name, shared->figures, NULL);
}

static void run_rounds(const struct storm *storm, enum check spoilt)
{
	unsigned int first = seed;

	for (; seed < first + rounds; seed++)
		run_storm(storm, spoilt);
	seed = first;
}

/* The hierarchies */

static bool begin_unified(void)
{
	write_to_root("+rdma");
	return true;
}

static void end_unified(void)
{
	/* Else it cannot be mounted as v1. */
	write_to_root("-rdma");
}

static bool begin_legacy(void)
{
	snprintf(legacy.root, sizeof(legacy.root), "/tmp/rdmacg_XXXXXX");
	if (!mkdtemp(legacy.root))
		err(EXIT_FAILURE, "/tmp");
	if (becomes(!mount("none", legacy.root, "cgroup", 0, "rdma")))
		return true;
	rmdir(legacy.root);
	return false;
}

static void end_legacy(void)
{
	umount(legacy.root);
	rmdir(legacy.root);
}

/* A case for each way to spoil a storm, or one as it is. */
static enum check first_case(void)
{
	return to_spoil ? COUNTS : NOTHING;
}

static enum check last_case(void)
{
	return to_spoil ? POOLS : NOTHING;
}

static bool is_selected(const struct storm *storm)
{
	return (current->unified || !storm->v2_only) &&
	       strstr(path_of("%s:%s", current->name, storm->name), selected);
}

static void run_storms(struct hierarchy *hierarchy, bool (*begin)(void),
		       void (*end)(void))
{
	enum check spoilt;
	const char *lacking;
	bool ready;
	int i;

	current = hierarchy;
	ready = begin();
	snprintf(hierarchy->top, sizeof(hierarchy->top), "%s/" TOP_NAME,
		 hierarchy->root);
	for (i = 0; i < nr_storms; i++) {
		if (!is_selected(&storms[i]))
			continue;
		if (!ready)
			report(false, storms[i].name,
			       ", the controller cannot be had: is a cgroup left?",
			       NULL);
		lacking = storms[i].lacks ? storms[i].lacks() : NULL;
		for (spoilt = first_case(); ready && spoilt <= last_case(); spoilt++) {
			if (lacking)
				report(true, storms[i].name, "", lacking);
			else
				run_rounds(&storms[i], spoilt);
		}
	}
	if (ready)
		end();
}

/* Of the whole run. */
static void check_leaks(void)
{
	bool found = leaks_judge();

	nr_failed += found;
	printf("%sok %d - %s: kmemleak finds nothing\n", found ? "not " : "",
	       ++nr_cases, program_name);
}

static int nr_selected(const struct hierarchy *hierarchy)
{
	int i, nr = 0;

	current = hierarchy;
	for (i = 0; i < nr_storms; i++)
		nr += is_selected(&storms[i]);
	return nr * rounds * (last_case() - first_case() + 1);
}

static unsigned int parse_number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!*text || *end || number > INT_MAX)
		errx(2, "%s is no number, or too large", text);
	return number;
}

static const char usage[] =
	"usage: %s [--seed=N] [--seconds=N] [--rounds=N] [--spoil] [--reports=FILE] [PART-OF-NAME]";

static void parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "reports", required_argument, NULL, 'r' },
		{ "spoil", no_argument, NULL, 'x' },
		{}
	};
	int option, i;

	seed = time(NULL) % 1000000;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			printf(usage, program_name);
			putchar('\n');
			exit(EXIT_SUCCESS);
		}
		if (option == 's')
			seed = parse_number(optarg);
		else if (option == 't')
			bound_ms = 1000 * parse_number(optarg);
		else if (option == 'n')
			rounds = parse_number(optarg);
		else if (option == 'r')
			read_reports(optarg);
		else if (option == 'x')
			to_spoil = true;
		else
			errx(2, usage, program_name);
	}
	if (optind < argc)
		selected = argv[optind];
	if (!nr_selected(&unified) && !nr_selected(&legacy)) {
		fprintf(stderr, "no storm has '%s' in its name; there are, on v1: and v2:,\n",
			selected);
		for (i = 0; i < nr_storms; i++)
			fprintf(stderr, "  %s\n", storms[i].name);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	/* siw holds root to it, too, and before Linux 5.16 it is 64 KiB. */
	struct rlimit pinned = { RLIM_INFINITY, RLIM_INFINITY };
	bool leaks;

	bound_ms = 1000 * DEFAULT_SECONDS;
	parse_arguments(argc, argv);
	setrlimit(RLIMIT_MEMLOCK, &pinned);
	leaks = !to_spoil && leaks_sought();

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (shared == MAP_FAILED || kernel_log < 0)
		err(EXIT_FAILURE, "shared memory, or /dev/kmsg");
	lseek(kernel_log, 0, SEEK_END);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start_tracing();
	/* What was made with a context that is taken away can be dropped still. */
	setenv("RDMAV_ALLOW_DISASSOC_DESTROY", "1", 1);

	dprintf(STDOUT_FILENO, "1..%d\n",
		nr_selected(&unified) + nr_selected(&legacy) + leaks);
	run_storms(&unified, begin_unified, end_unified);
	run_storms(&legacy, begin_legacy, end_legacy);
	stop_tracing();
	if (leaks)
		check_leaks();
	return nr_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
