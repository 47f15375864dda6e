// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rdmacg-top.h"

enum { EXIT_USAGE = 2 };

/* The longest wait that poll() takes is 24 days. */
#define DELAY_MIN	0.01
#define DELAY_MAX	1000000

static const char usage[] =
	"Usage: rdmacg-top [OPTION]... [CGROUP]\n"
	"Shows what cgroups use of RDMA devices, their limits, and which are refused.\n"
	"CGROUP is a path below the mount point: only it and what is below are shown.\n"
	"\n"
	"Without a terminal, or with one of these, it prints once and ends:\n"
	"  -1, --once            a table\n"
	"  -j, --json            JSON\n"
	"  -p, --prometheus      the text format of Prometheus\n"
	"\n"
	"  -a, --all             also what is not limited and was never used\n"
	"  -d, --delay=SECONDS   between two samples (1); without a screen, take two,\n"
	"                        so that there are rates\n"
	"  -D, --device=PATTERN  only devices of such names, as in 'mlx5_*'\n"
	"  -k, --kinds           QPs, CQs, MRs ... of each cgroup; with -j, -p: as well\n"
	"  -l, --local           events of each cgroup without those below it\n"
	"  -P, --pids            what each process made; with -j, -p: as well\n"
	"      --restrack=FILE   take who made what from FILE, not from the kernel\n"
	"  -r, --reverse         sort the other way round\n"
	"      --root=DIR        read DIR instead of what is mounted\n"
	"  -s, --sort=COLUMN     percent (the default), usage, limit, from, peak,\n"
	"                        hit-rate, fail-rate, hits, fails, device, resource,\n"
	"                        cgroup; of kinds: handles, contexts, objects, qp, cq,\n"
	"                        mr, pd, srq, rest, mr-bytes; of processes: pid, command\n"
	"  -t, --tree            show the hierarchy\n"
	"  -V, --version\n"
	"  -h, --help\n"
	"\n"
	"In the live view, h lists the keys. NO_COLOR in the environment is respected.\n";

enum output { SCREEN, ONCE, JSON, PROMETHEUS };

struct options {
	enum output output;
	const char *root;
	const char *recorded;
	char *below;
	bool processes;
	bool sorted;		/* by what is asked for */
	double delay;		/* 0: not given */
};

static __printf(1, 2) noreturn void bad_usage(const char *format, ...)
{
	va_list args;

	fputs("rdmacg-top: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'rdmacg-top --help'.\n", stderr);
	exit(EXIT_USAGE);
}

static double parse_delay(const char *text)
{
	char *end;
	double delay = strtod(text, &end);

	if (end == text || *end || !(delay >= DELAY_MIN && delay <= DELAY_MAX))
		bad_usage("--delay=%s: give seconds, from %g to %d", text,
			  DELAY_MIN, DELAY_MAX);
	return delay;
}

static enum column parse_column(const char *name)
{
	for (enum column column = 0; column < NR_COLUMNS; column++)
		if (column_names[column] &&
		    !strcmp(column_names[column], name))
			return column;
	bad_usage("--sort=%s: there is no such column", name);
}

/* A full disk may show only now. */
static void end_output(void)
{
	if (fclose(stdout))
		die("cannot write the output: %s", strerror(errno));
}

static void choose_output(struct options *options, enum output output)
{
	if (options->output != SCREEN && options->output != output)
		bad_usage("only one of --once, --json and --prometheus is possible");
	options->output = output;
}

/* Programs get all rows, of which some have the column. */
static void check_column(const struct options *options,
			 const struct view *view)
{
	if (options->sorted && !column_is_in(view->layout, view->sort) &&
	    options->output != JSON && options->output != PROMETHEUS)
		bad_usage("--sort=%s: this view has no such column",
			  column_names[view->sort]);
}

static noreturn void print_and_exit(const char *text)
{
	fputs(text, stdout);
	end_output();
	exit(EXIT_SUCCESS);
}

static void parse_options(int argc, char **argv, struct options *options,
			  struct view *view)
{
	static const struct option known[] = {
		{ "once", no_argument, NULL, '1' },
		{ "json", no_argument, NULL, 'j' },
		{ "prometheus", no_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "delay", required_argument, NULL, 'd' },
		{ "device", required_argument, NULL, 'D' },
		{ "kinds", no_argument, NULL, 'k' },
		{ "local", no_argument, NULL, 'l' },
		{ "pids", no_argument, NULL, 'P' },
		{ "restrack", required_argument, NULL, 'K' },
		{ "reverse", no_argument, NULL, 'r' },
		{ "root", required_argument, NULL, 'R' },
		{ "sort", required_argument, NULL, 's' },
		{ "tree", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "1jpad:D:klPrs:tVh", known,
				     NULL)) != -1) {
		switch (option) {
		case '1':
			choose_output(options, ONCE);
			break;
		case 'j':
			choose_output(options, JSON);
			break;
		case 'p':
			choose_output(options, PROMETHEUS);
			break;
		case 'a':
			view->all = true;
			break;
		case 'd':
			options->delay = parse_delay(optarg);
			break;
		case 'D':
			view->device_pattern = optarg;
			break;
		case 'k':
			view->layout = KINDS;
			break;
		case 'K':
			options->recorded = optarg;
			break;
		case 'l':
			view->local = true;
			break;
		case 'P':
			options->processes = true;
			view->layout = PROCESSES;
			break;
		case 'r':
			view->reverse = true;
			break;
		case 'R':
			options->root = optarg;
			break;
		case 's':
			view->sort = parse_column(optarg);
			options->sorted = true;
			break;
		case 't':
			view->tree = true;
			break;
		case 'V':
			print_and_exit("rdmacg-top " VERSION "\n");
		case 'h':
			print_and_exit(usage);
		default:
			fputs("Try 'rdmacg-top --help'.\n", stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind + 1 < argc)
		bad_usage("%s: only one cgroup is possible", argv[optind + 1]);
	options->below = argv[optind];
	check_column(options, view);
}

/*
 * Returns the path from the hierarchy's root, as "/a/b" or "". It may be given
 * with the mount point, and with more slashes than needed.
 */
static char *normal_path(const struct hierarchy *hierarchy, const char *given)
{
	struct text path = { 0 };
	size_t length = strlen(hierarchy->path);

	text_clear(&path);
	if (!strncmp(given, hierarchy->path, length) &&
	    (!given[length] || given[length] == '/'))
		given += length;
	while (*given) {
		length = strcspn(given, "/");
		if (length == 2 && !strncmp(given, "..", 2))
			bad_usage("a path with '..' is not possible");
		if (length && !(length == 1 && *given == '.')) {
			text_add(&path, "/", 1);
			text_add(&path, given, length);
		}
		given += length;
		given += strspn(given, "/");
	}
	return path.bytes;
}

static void wait_for(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9),
	};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void print_once(const struct options *options, struct view *view,
		       struct model *model)
{
	const char *hint = NULL;

	model_sample(model);
	if (options->delay > 0) {
		wait_for(options->delay);
		model_sample(model);
	}
	switch (options->output) {
	case JSON:
		write_json(stdout, view, model);
		break;
	case PROMETHEUS:
		write_prometheus(stdout, view, model);
		break;
	default:
		view_build(view, model);
		write_table(stdout, view, model);
		hint = why_empty(view, model);
		break;
	}
	end_output();
	if (hint)
		fprintf(stderr, "rdmacg-top: %s\n", hint);
}

int main(int argc, char **argv)
{
	struct options options = { .output = SCREEN };
	struct hierarchy hierarchy = { .fd = -1 };
	struct view view = { .sort = PERCENT_COLUMN };
	struct model *model;
	char *below;

	setlocale(LC_CTYPE, "");
	choose_glyphs();
	parse_options(argc, argv, &options, &view);
	if (options.output == SCREEN &&
	    !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		options.output = ONCE;
	/* That is not for programs, for which every row is complete. */
	if (options.output == JSON || options.output == PROMETHEUS)
		view.tree = false;

	open_hierarchy(&hierarchy, options.root);
	below = normal_path(&hierarchy, options.below ?: "");
	model = model_new(&hierarchy, below);
	if (!model_top_exists(model))
		die("%s%s: %s; see 'ls %s' for what there is", hierarchy.path,
		    below, strerror(errno), hierarchy.path);
	model->want_local = options.output != ONCE || view.local;
	model->restrack.recorded = options.recorded;
	want_for_layout(model, view.layout);
	if (options.output == JSON || options.output == PROMETHEUS)
		model->want_processes = options.processes;
	if (options.output == SCREEN)
		run_screen(&view, model, options.delay > 0 ? options.delay : 1);
	else
		print_once(&options, &view, model);

	model_free(model);
	view_free(&view);
	free(below);
	free(hierarchy.path);
	close(hierarchy.fd);
	return EXIT_SUCCESS;
}
