// SPDX-License-Identifier: GPL-2.0-only
/*
 * The director of a round: starts players, and does damage to their cgroups, their
 * limits, a device of theirs, and to themselves.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/failslab.h"
#include "fuzz.h"

#define NR_PLAYERS	NR_LEAVES
#define MOST		60	/* of a limit: now and then in the way */
#define LEAST_CALLS	4000	/* even if that takes longer */

static pid_t players[NR_PLAYERS];
static int nr_lives;

/* The device that comes and goes: its removal waits for its users. */
static bool guest_is_there;
static pid_t removal;
static int nr_removals;

void prepare_director(void)
{
	int err = failslab_prepare();

	counted = mmap(NULL, sizeof(*counted), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counted == MAP_FAILED)
		complain(LOAD, "no memory to count in: %m");
	if (err)
		complain(LOAD, "allocations cannot be made to fail: %s; use CONFIG=debug",
			 strerror(-err));
}

static void start_player(int number)
{
	players[number] = start(play, nr_lives++, a_leaf(number));
}

static void add_guest(void)
{
	counted->guest_is_siw = roll(2);
	guest_is_there = run_tool("rdma link add " GUEST " type %s netdev " GUEST,
				  counted->guest_is_siw ? "siw" : "rxe");
}

static void see_to_guest(void)
{
	if (!guest_is_there) {
		add_guest();
	} else if (!removal) {
		if (roll(10))
			return;
		removal = start_tool("rdma link delete " GUEST);
		nr_removals++;
	} else if (waitpid(removal, NULL, WNOHANG) == removal) {
		removal = 0;
		guest_is_there = false;
	}
}

static void kill_player(void)
{
	int number = roll(NR_PLAYERS);

	kill(players[number], SIGKILL);
	reap(players[number], SIGKILL);
	start_player(number);
}

static void do_damage(void)
{
	switch (roll(16)) {
	case 0:
		kill_player();
		break;
	case 1 ... 3:
		see_to_guest();
		break;
	case 4 ... 5:
		enter(a_leaf(roll(NR_LEAVES)), players[roll(NR_PLAYERS)]);
		break;
	default:
		limit_at_random(roll(4) ? device_name(roll(nr_devices)) : GUEST, MOST);
	}
}

/* Children of killed players went with them. */
static void reap_all(void)
{
	int status;
	pid_t pid;

	shared->stop = true;
	/* What nobody has taken over would keep the device from going. */
	close(post[0]);
	close(post[1]);
	while ((pid = wait(&status)) > 0)
		if (status && status != SIGKILL)
			complain(LOAD, "process %d ended with status %#x", pid, status);
}

static void tell_objects(void)
{
	static const struct {
		unsigned int kind;
		const char *name;
	} kinds[] = {
		{ UVERBS_OBJECT_PD, "PDs" },
		{ UVERBS_OBJECT_CQ, "CQs" },
		{ UVERBS_OBJECT_QP, "QPs" },
		{ UVERBS_OBJECT_MR, "MRs" },
		{ UVERBS_OBJECT_SRQ, "SRQs" },
		{ UVERBS_OBJECT_COMP_CHANNEL, "completion channels" },
		{ UVERBS_OBJECT_ASYNC_EVENT, "event files" },
		{ UVERBS_OBJECT_MW, "MWs" },
		{ UVERBS_OBJECT_AH, "AHs" },
	};
	/* The last two: see nr_kinds_of(). */
	size_t i, nr = ARRAY_SIZE(kinds) - (nr_kinds_of(true) < NR_KINDS ? 2 : 0);

	for (i = 0; i < nr; i++) {
		figure(", %lu %s", counted->made[kinds[i].kind], kinds[i].name);
		if (!counted->made[kinds[i].kind])
			complain(LOAD, "no %s were made", kinds[i].name);
	}
}

static void play_round(void)
{
	long until = now_ms() + bound_ms;
	int i;

	make_tree();
	run_tool("ip link add " GUEST " type dummy");
	run_tool("ip link set " GUEST " up");
	shared->devices_leave = true;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, post))
		complain(LOAD, "files cannot be passed on: %m");
	for (i = 0; i < NR_PLAYERS; i++)
		start_player(i);
	while ((now_ms() < until || counted->calls < LEAST_CALLS || !nr_removals) &&
	       !shared->complaints[LOAD]) {
		do_damage();
		sleep_us(roll(20000));
	}
	reap_all();
	if (guest_is_there && !removal)
		run_tool("rdma link delete " GUEST);
	run_tool("ip link delete " GUEST);

	figure(", %lu calls, %lu good, %lu refused memory", counted->calls,
	       counted->good, counted->faults);
	figure(", %d lives, %lu forks, %lu files passed on, %lu maps, %d removals",
	       nr_lives, counted->forks, counted->passed, counted->maps, nr_removals);
	tell_objects();
}

const char * const program_name = "uverbs-fuzz";

const struct storm storms[] = {
	{ "round", play_round, .nr_devices = 2, .v2_only = true },
};

const int nr_storms = ARRAY_SIZE(storms);
