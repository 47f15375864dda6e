// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prepares, and judges what is left. Run in the guest, on a kernel with
 * CONFIG_FAILSLAB and CONFIG_DEBUG_KMEMLEAK; prints TAP.
 *
 *	faults [--seed N] [--seconds N] [--links N] [NAME]
 *
 * NAME is a part of the names of the cases to run. --links is how many of the
 * allocations fail that make a new rxe device; four times as many for siw; 0
 * stands for all, which takes an hour.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

static const char *wanted = "";
static bool complained, found_any;
static FILE *passed_over;	/* the cases that are not wanted, to name them */

void complain(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s\n", text);
	complained = true;
}

bool has_complained(void)
{
	return complained;
}

void give_up(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_exit_fail_msg("%s\n", text);
}

void report(const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	ksft_test_result(!complained, "faults: %s\n", name);
	complained = false;
}

bool is_wanted(const char *name)
{
	bool wants = strstr(name, wanted);

	found_any |= wants;
	if (!wants && !found_any)
		fprintf(passed_over, "# %s\n", name);
	return wants;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up("cannot write '%s' to %s: %m", text, path);
	close(fd);
}

void make_cgroup(const char *cgroup)
{
	if (cg_create(cgroup))
		give_up("cannot make %s: %m", cgroup);
}

void write_control(const char *cgroup, const char *file, const char *text)
{
	int err = cg_write(cgroup, file, text);

	if (err)
		give_up("cannot write '%s' to %s/%s: %s", text, cgroup, file,
			strerror(-err));
}

void enter_cgroup(const char *cgroup)
{
	int err = cg_enter_current(cgroup);

	if (err)
		give_up("cannot enter %s: %s", cgroup, strerror(-err));
}

char *read_control(const char *cgroup, const char *file)
{
	static char text[TEXT_SIZE];
	int err = cg_read(cgroup, file, text, sizeof(text));

	if (err)
		give_up("cannot read %s/%s: %s", cgroup, file, strerror(-err));
	return text;
}

/* The line of @device, and all that follow, or NULL. */
static const char *find_line(const char *text, const char *device)
{
	size_t length = strlen(device);

	while (strncmp(text, device, length) || text[length] != ' ') {
		text = strchr(text, '\n');
		if (!text)
			return NULL;
		text++;
	}
	return text;
}

void find_values(const char *text, const char *device, long values[NR_RESOURCES])
{
	const char *line = find_line(text, device);

	if (!line ||
	    sscanf(line, "%*s hca_handle=%ld hca_object=%ld", &values[HANDLE],
		   &values[OBJECT]) != 2)
		give_up("no values of %s in '%s'", device, text);
}

bool is_listed(const char *cgroup, const char *device)
{
	return find_line(read_control(cgroup, "rdma.max"), device);
}

static void prepare(void)
{
	/* They take no part, and it is faster without. */
	write_control(CGROUPS, "cgroup.subtree_control", "-memory -pids +rdma");
	/* Each move of a process waits for a grace period, or several. */
	write_file("/sys/kernel/rcu_expedited", "1");
	devices_find();
	inject_init();
	if (system("ip link add " NEW_LINK " type dummy && ip link set " NEW_LINK " up"))
		give_up("cannot make the link " NEW_LINK);
}

static void judge_what_is_left(void)
{
	if (!becomes(!cg_read_key_long(CGROUPS, "cgroup.stat", "nr_dying_descendants ")))
		complain("%ld cgroups linger",
			 cg_read_key_long(CGROUPS, "cgroup.stat", "nr_dying_descendants "));
	report("no cgroup lingers");

	if (leaks_judge())
		complain("see above");
	report("no leak");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "links", required_argument, NULL, 'l' },
		{ }
	};
	unsigned int seed = time(NULL), seconds = 30, link_trials = 8;
	char *names = NULL;
	size_t names_size;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned int value = optarg ? strtoul(optarg, NULL, 0) : 0;

		switch (option) {
		case 'r':
			seed = value;
			break;
		case 's':
			seconds = value;
			break;
		case 'l':
			link_trials = value;
			break;
		default:
			fprintf(stderr, "Usage: %s [--seed N] [--seconds N] [--links N] [NAME]\n",
				argv[0]);
			return KSFT_FAIL;
		}
	}
	if (argv[optind])
		wanted = argv[optind];
	setvbuf(stdout, NULL, _IOLBF, 0);

	ksft_print_header();
	passed_over = open_memstream(&names, &names_size);
	if (!passed_over)
		give_up("no memory for names: %m");
	prepare();
	leaks_forget();
	walk_all(link_trials);
	fail_all_at_random(seed, seconds);
	if (!found_any) {
		fclose(passed_over);
		fputs(names, stdout);
		give_up("no case has '%s' in its name; above is what there is", wanted);
	}
	show_refused();
	inject_exit();
	judge_what_is_left();

	ksft_set_plan(ksft_test_num());
	ksft_print_cnts();
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}
