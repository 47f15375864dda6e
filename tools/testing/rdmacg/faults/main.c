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
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <time.h>

#include "faults.h"

static void prepare(void)
{
	/* They take no part, and it is faster without. */
	cg_must_write(CGROUPS, "cgroup.subtree_control", "-memory -pids +rdma");
	/* Each move of a process waits for a grace period, or several. */
	cg_must_write("/sys/kernel", "rcu_expedited", "1");
	devices_find();
	inject_init();
	if (system("ip link add " NEW_LINK " type dummy && ip link set " NEW_LINK " up"))
		errx(EXIT_FAILURE, "cannot make the link " NEW_LINK);
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
			return EXIT_FAILURE;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);

	begin_cases(argv[optind] ?: "");
	prepare();
	leaks_forget();
	walk_all(link_trials);
	fail_all_at_random(seed, seconds);
	need_a_case();
	show_refused();
	inject_exit();
	judge_what_is_left();
	return end_cases();
}
