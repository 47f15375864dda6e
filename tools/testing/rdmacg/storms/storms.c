// SPDX-License-Identifier: GPL-2.0-only
/* The storms, and the table of them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storms.h"

/* How often a storm does what it is about, even if that takes longer. */
#define LEAST	20

/*
 * A device is removed and added over and over, while tenants work with it.
 * Its removal waits for all that have it open. It always has the same driver: a slow
 * process may open the next device for the one that it knew.
 */
#define GUEST		"storm_guest"
#define ROUNDS		100	/* even if that takes longer, up to */
#define ROUNDS_MS	(12 * bound_ms)
#define GUEST_TENANTS	3

static bool is_listed(const char *device)
{
	struct line line;
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(tree); i++)
		for (j = 0; j < NR_RDMA_FILES; j++)
			if (find_line(below_top(tree[i]), rdma_files[j], device,
				      &line))
				return true;
	return false;
}

static void use_guest(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	struct ibv_device *guest = NULL;
	unsigned int round, seen = 0;
	struct session session;
	bool open;
	int steps;

	while (!shared->stop) {
		round = shared->round;
		if (round != seen)
			guest = round % 2 ? find_verbs(GUEST) : NULL;
		seen = round;
		if (guest && roll(8))
			open = open_session_with(&session, tenant, guest, -1,
						 current->unified);
		else
			open = open_session(&session, tenant, roll(nr_devices));
		if (!open) {
			sleep_us(roll(3000));
			continue;
		}
		for (steps = roll(MAX_OBJECTS / 2); steps && !shared->stop;
		     steps--)
			step(&session);
		sleep_us(roll(2000));
		close_session(&session);
	}
}

static void kill_and_replace(int number)
{
	struct tenant *tenant = &shared->tenants[number];

	kill(tenant->pid, SIGKILL);
	reap(tenant->pid, SIGKILL);
	start_tenant(number, use_guest, a_leaf(number));
}

static void link_delete(void)
{
	long began = now_ms();
	int i, round, kills = 0;

	make_tree();
	run_tool("ip link add " GUEST " type dummy");
	run_tool("ip link set " GUEST " up");
	shared->devices_leave = true;
	start_readers(NULL);
	for (i = 0; i < GUEST_TENANTS; i++)
		start_tenant(i, use_guest, a_leaf(i));

	for (round = 0; now_ms() < began + bound_ms ||
	     (round < ROUNDS && now_ms() < began + ROUNDS_MS); round++) {
		unsigned long goal;
		long patience;
		pid_t removal;

		if (!run_tool("rdma link add " GUEST " type %s netdev " GUEST,
			      current->unified ? "rxe" : "siw"))
			break;
		shared->round++;
		goal = shared->made + 1 + roll(40);
		for (patience = now_ms() + 2000;
		     shared->made < goal && now_ms() < patience;) {
			limit_at_random(GUEST, 30);
			sleep_us(roll(3000));
		}
		removal = start_tool("rdma link delete " GUEST);
		if (roll(2)) {
			sleep_us(roll(20000));
			kill_and_replace(roll(GUEST_TENANTS));
			kills++;
		}
		while (roll(4))
			limit_at_random(GUEST, 30);
		reap(removal, 0);
		shared->round++;
		if (is_listed(GUEST))
			complain(LOAD, "a removed device is still listed");
	}
	finish();
	run_tool("ip link delete " GUEST);
	figure(", %d rounds, %d killed", round, kills);
}

/*
 * Two devices of one name move between three net namespaces, one at a time to
 * where there is none, while tenants in each of these work with what is there.
 */
#define TWIN		"storm_twin"	/* its link, and its name at first */
#define NETNS		"/run/netns/"
#define LEAST_MOVES	8	/* each takes contexts away, and more than a moment */

static const char * const spaces[] = { "storm_first", "storm_a", "storm_b" };

/* Runs a program in a namespace. */
#define run_in(space, format, ...)					\
	run_tool("nsenter --net=" NETNS "%s " format, spaces[space], ##__VA_ARGS__)

static const char *cannot_move(void)
{
	if (!system("grep -qw rxe_disassociate_ucontext /proc/kallsyms"))
		return NULL;
	return "rxe cannot move to another net namespace before Linux 7.3";
}

static void use_what_is_there(int number)
{
	const char *space = path_of(NETNS "%s", spaces[number]);
	struct tenant *tenant = &shared->tenants[number];
	struct ibv_device *guest = NULL;
	unsigned int seen = -1;
	struct session session;
	int steps;

	if (setns(open(space, O_RDONLY | O_CLOEXEC), CLONE_NEWNET))
		complain(LOAD, "cannot enter %s: %m", space);
	while (!shared->stop) {
		if (shared->round != seen) {
			seen = shared->round;
			guest = find_verbs(GUEST);
		}
		if (!guest ||
		    !open_session_with(&session, tenant, guest, -1, true)) {
			sleep_us(roll(3000));
			continue;
		}
		for (steps = roll(MAX_OBJECTS); steps && !shared->stop; steps--)
			step(&session);
		close_session(&session);
	}
}

/* How the files call the two, in the order of their registration. */
static bool find_labels(char label[2][sizeof(((struct line *)0)->device)])
{
	static char text[FILE_SIZE];
	char *rest = text;
	struct line line;
	int nr = 0;

	if (cg_read(current->top, "rdma.max", text, sizeof(text)))
		return false;
	while (nr < 2 && next_line(&rest, "rdma.max", &line))
		if (!strncmp(line.device, GUEST " index=", strlen(GUEST " index=")))
			memcpy(label[nr++], line.device, sizeof(line.device));
	return nr == 2;
}

/* The first is in the second namespace, and the other in the first. */
static bool make_twins(void)
{
	size_t i;

	if (!run_tool("rdma system set netns exclusive") ||
	    !run_tool("ip netns attach %s %d", spaces[0], getpid()))
		return false;
	for (i = 1; i < ARRAY_SIZE(spaces); i++)
		run_tool("ip netns add %s", spaces[i]);
	run_tool("ip link add " TWIN " type dummy");
	run_tool("ip link add " GUEST " type dummy");
	run_tool("ip link set " TWIN " up");
	run_tool("ip link set " GUEST " up");
	return run_tool("rdma link add " TWIN " type rxe netdev " TWIN) &&
	       run_tool("rdma dev set " TWIN " netns %s", spaces[1]) &&
	       run_in(1, "rdma dev set " TWIN " name " GUEST) &&
	       run_tool("rdma link add " GUEST " type rxe netdev " GUEST);
}

static void remove_twins(const int *space)
{
	size_t i;

	for (i = 0; i < 2; i++)
		run_in(space[i], "rdma link delete " GUEST);
	run_tool("ip link delete " TWIN);
	run_tool("ip link delete " GUEST);
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		run_tool("ip netns delete %s", spaces[i]);
	/* Namespaces end some time after their last process. */
	if (!becomes(!system("rdma system set netns shared 2> /dev/null")))
		complain(LOAD, "devices cannot be seen from all namespaces again");
}

static void move_twins(void)
{
	char label[2][sizeof(((struct line *)0)->device)];
	long until = now_ms() + bound_ms;
	int space[2] = { 1, 0 };
	int i, moves, which, to;

	make_tree();
	shared->devices_leave = true;
	if (!make_twins() || !find_labels(label)) {
		complain(LOAD, "there are no two devices of one name");
		return;
	}
	start_readers(NULL);
	for (i = 0; i < (int)ARRAY_SIZE(spaces); i++)
		start_tenant(i, use_what_is_there, a_leaf(i));
	for (moves = 0; now_ms() < until || moves < LEAST_MOVES; moves++) {
		unsigned long goal = shared->made + 1 + roll(20);
		long patience = now_ms() + 2000;

		while (shared->made < goal && now_ms() < patience) {
			limit_at_random(label[roll(2)], 30);
			sleep_us(roll(3000));
		}
		which = roll(2);
		to = 3 - space[0] - space[1];
		if (!run_in(space[which], "rdma dev set " GUEST " netns %s",
			    spaces[to]))
			break;
		space[which] = to;
		shared->round++;
		if (!is_listed(label[0]) || !is_listed(label[1]))
			complain(LOAD, "a device that moved is not listed by its index");
	}
	finish();
	remove_twins(space);
	if (is_listed(GUEST))
		complain(LOAD, "a removed device is still listed");
	figure(", %d moves", moves);
}

/*
 * Cgroups are made, filled and removed while the objects live on, which then
 * only their ancestors count.
 */
#define CHURNERS	4
#define MAX_DEPTH	3

static void expect_held(const char *cgroup, const struct tenant *tenant)
{
	int i;

	for (i = 0; i < nr_devices; i++)
		expect_current(cgroup, i, tenant->held[i]);
}

/* Makes one or more new cgroups in @home, one in another; @leaf is the last. */
static void dig(const char *home, int count, char *leaf)
{
	int depth = 1 + roll(MAX_DEPTH);

	snprintf(leaf, PATH_SIZE, "%s", home);
	while (depth--) {
		sprintf(leaf + strlen(leaf), "/%d", count);
		if (depth)
			make_parent(leaf);
		else
			make_cgroup(leaf);
	}
}

/* The reverse. */
static void fill_up(const char *home, char *leaf)
{
	while (strcmp(leaf, home)) {
		remove_cgroup(leaf);
		*strrchr(leaf, '/') = 0;
	}
}

static void leave_cgroups_behind(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	char home[PATH_SIZE], leaf[PATH_SIZE];
	struct session session;
	int steps, count;
	bool open;

	snprintf(home, sizeof(home), "%s/home%d", current->top, number);
	make_parent(home);
	for (count = 0; !shared->stop; count++) {
		dig(home, count, leaf);
		enter(leaf, 0);
		if (roll(2))
			write_limit(leaf, device_name(roll(nr_devices)), OBJECT,
				    roll(MAX_OBJECTS));
		open = open_session(&session, tenant, roll(nr_devices));
		for (steps = open ? roll(MAX_OBJECTS) : 0; steps; steps--)
			step(&session);
		enter(below_top("park"), 0);
		expect_held(leaf, tenant);
		fill_up(home, leaf);
		expect_held(home, tenant);
		if (!open)
			continue;
		while (session.nr && roll(MAX_OBJECTS / 4))
			drop_one(&session);
		expect_held(home, tenant);
		close_session(&session);
		expect_held(home, tenant);
	}
	add(&shared->rounds, count);
}

static void cgroup_churn(void)
{
	int i;

	make_cgroup(below_top("park"));
	start_readers(NULL);
	for (i = 0; i < CHURNERS; i++)
		start_tenant(i, leave_cgroups_behind, NULL);
	sleep_us(bound_ms * 1000);
	finish();
	figure(", %lu cgroups left behind", shared->rounds);
}

/*
 * Processes are moved between cgroups while they make objects: each counts
 * where its maker was, and the sums are right.
 */
#define MOVED		4
#define CHECK_EVERY_MS	700

static void add_held(int device, int nr_tenants, long *sum)
{
	int i, j;

	for (i = 0; i < nr_tenants; i++)
		for (j = 0; j < NR_RESOURCES; j++)
			sum[j] += shared->tenants[i].held[device][j];
}

/* @parent counts what its children count, while tenants rest. */
static void expect_sum_of_children(const char *parent, int device)
{
	size_t i, length = strlen(parent);
	long sum[NR_RESOURCES] = {};
	struct line line = {};

	for (i = 0; i < ARRAY_SIZE(tree); i++) {
		if (strncmp(tree[i], parent, length) ||
		    tree[i][length] != '/' || strchr(tree[i] + length + 1, '/'))
			continue;
		if (!find_line(below_top(tree[i]), "rdma.current",
			       device_name(device), &line))
			complain(LOAD, "no line in %s", tree[i]);
		sum[HANDLE] += line.values[HANDLE];
		sum[OBJECT] += line.values[OBJECT];
	}
	expect_current(below_top(parent), device, sum);
}

static void expect_sums(void)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		long sum[NR_RESOURCES] = {};

		add_held(i, MOVED, sum);
		expect_current(current->top, i, sum);
		expect_sum_of_children("a", i);
		expect_sum_of_children("a/n", i);
	}
}

static void migrate(void)
{
	long until = now_ms() + bound_ms, next_check = now_ms();
	int i, moves, checks = 0;

	make_tree();
	start_readers(NULL);
	for (i = 0; i < MOVED; i++)
		start_tenant(i, churn, a_leaf(i));
	for (moves = 0; now_ms() < until || moves < LEAST || !checks; moves++) {
		enter(a_leaf(roll(ARRAY_SIZE(leaves))),
		      shared->tenants[roll(MOVED)].pid);
		if (!roll(4))
			limit_at_random(device_name(roll(nr_devices)),
					MOVED * MAX_OBJECTS);
		sleep_us(roll(2000));
		if (now_ms() < next_check + CHECK_EVERY_MS || !rest_tenants())
			continue;
		expect_sums();
		wake_tenants();
		checks++;
		next_check = now_ms();
	}
	finish();
	figure(", %d moves, %d sums", moves, checks);
}

/*
 * Holders are killed, by SIGKILL and for the memory they take, some while a
 * child still shares their contexts. Each time all they had is given back.
 */
#define HOLDERS		4
#define HOLDER_MEMORY	"8M"
/* Memory is limited on v2, wherever the rdma controller is. */
#define MEMORY_ROOT	UNIFIED "/" TOP_NAME

static char *leaf_of(int number)
{
	return path_of("%s/holder%d", current->top, number);
}

static char *memory_cgroup(int number)
{
	return path_of(MEMORY_ROOT "/holder%d", number);
}

static void make_memory_cgroups(void)
{
	int i, err;

	if (!current->unified)
		make_cgroup(MEMORY_ROOT);
	err = cg_write(MEMORY_ROOT, "cgroup.subtree_control", "+memory");
	for (i = 0; !err && i < HOLDERS; i++) {
		if (!current->unified)
			make_cgroup(memory_cgroup(i));
		err = cg_write(memory_cgroup(i), "memory.max", HOLDER_MEMORY);
		if (!err && i % 2)
			err = cg_write(memory_cgroup(i), "memory.oom.group",
				       "1");
	}
	if (err)
		complain(LOAD, "cannot limit memory: %s", strerror(-err));
}

static void remove_memory_cgroups(void)
{
	int i;

	for (i = 0; i < HOLDERS; i++)
		remove_cgroup(memory_cgroup(i));
	remove_cgroup(MEMORY_ROOT);
}

static void hold_with_heir(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	struct session session;
	pid_t heir = -1;
	int steps;

	if (!current->unified)
		enter(memory_cgroup(number), 0);
	if (!open_session(&session, tenant, roll(nr_devices)))
		return;
	for (steps = roll(MAX_OBJECTS / 4); steps; steps--)
		step(&session);
	if (roll(2)) {
		heir = fork();
		while (!heir && !shared->stop)
			sleep_us(10000);
		if (!heir)
			_exit(EXIT_SUCCESS);
	}
	tenant->heir = heir;
	while (!shared->stop && roll(MAX_OBJECTS))
		step(&session);
	close_session(&session);
	churn(number);
}

/* Returns when it may be killed. */
static void start_holder(int number)
{
	struct tenant *tenant = &shared->tenants[number];

	tenant->heir = 0;
	tenant->hungry = false;
	start_tenant(number, hold_with_heir, leaf_of(number));
	if (!becomes(tenant->heir))
		complain(LOAD, "a holder does not get ready");
}

/* Returns whether it was for the memory it took. */
static bool kill_holder(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	int order = roll(3);

	if (order == 0 && tenant->heir > 0)
		kill(tenant->heir, SIGKILL);
	if (order == 2)
		tenant->hungry = true;
	else
		kill(tenant->pid, SIGKILL);
	reap(tenant->pid, SIGKILL);
	/* Now it is our child. */
	if (tenant->heir > 0) {
		kill(tenant->heir, SIGKILL);
		reap(tenant->heir, SIGKILL);
	}
	return order == 2;
}

static bool is_unused(const char *cgroup)
{
	struct line line;
	int i;

	for (i = 0; i < nr_devices; i++)
		if (!find_line(cgroup, "rdma.current", device_name(i), &line) ||
		    line.values[HANDLE] || line.values[OBJECT])
			return false;
	return true;
}

static long oom_kills(void)
{
	long sum = 0;
	int i;

	for (i = 0; i < HOLDERS; i++)
		sum += cg_read_key_long(memory_cgroup(i), "memory.events",
					"oom_kill ");
	return sum;
}

static void kill_holders(void)
{
	long until = now_ms() + bound_ms;
	int i, killed, starved = 0;

	shared->memory_ends = true;
	for (i = 0; i < HOLDERS; i++)
		make_cgroup(leaf_of(i));
	make_memory_cgroups();
	start_readers(NULL);
	for (i = 0; i < HOLDERS; i++)
		start_holder(i);
	for (killed = 0; now_ms() < until || killed < LEAST || !starved; killed++) {
		i = roll(HOLDERS);
		sleep_us(roll(20000));
		starved += kill_holder(i);
		if (!becomes(is_unused(leaf_of(i))))
			complain(LOAD, "what a killed holder had stays counted");
		start_holder(i);
	}
	if (oom_kills() < starved)
		complain(LOAD, "%d starved, but the kernel counts %ld", starved,
			 oom_kills());
	finish();
	if (!current->unified)
		remove_memory_cgroups();
	figure(", %d killed, %d of them by OOM", killed, starved);
}

/*
 * Limits are rewritten at random. Each cgroup has two ceilings, in its name,
 * which none of its limits passes, and so no usage and no peak may either.
 */
#define LIMIT_WRITERS	2
#define CEILING_PHASES	3
#define LOOKS		12	/* at a usage, after its limit was written */

/* A binary tree: tenants sit in the second half. */
static struct ceiling {
	char cgroup[PATH_SIZE];
	long most[NR_RESOURCES];
} ceilings[7];

#define FIRST_LEAF	(ARRAY_SIZE(ceilings) / 2)

/* The readers' part. */
static void below_ceiling(const char *cgroup, const char *file,
			  const struct line *line)
{
	long most[NR_RESOURCES];
	int i;

	if (strcmp(file, "rdma.current") && strcmp(file, "rdma.peak"))
		return;
	if (sscanf(strrchr(cgroup, '/'), "/ceiling-%*d-%ld-%ld", &most[HANDLE],
		   &most[OBJECT]) != NR_RESOURCES)
		return;
	for (i = 0; i < NR_RESOURCES; i++)
		if (line->values[i] > most[i])
			complain(LOAD, "%s of %s has %ld, but no limit was ever above %ld",
				 file, cgroup, line->values[i], most[i]);
}

static void make_ceilings(int phase)
{
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(ceilings); i++) {
		struct ceiling *ceiling = &ceilings[i];

		ceiling->most[HANDLE] = 2 + roll(5);
		ceiling->most[OBJECT] = 4 + roll(MAX_OBJECTS);
		snprintf(ceiling->cgroup, PATH_SIZE, "%s/ceiling-%zu-%ld-%ld",
			 i ? ceilings[(i - 1) / 2].cgroup : current->top,
			 phase * ARRAY_SIZE(ceilings) + i,
			 ceiling->most[HANDLE], ceiling->most[OBJECT]);
		if (i < FIRST_LEAF)
			make_parent(ceiling->cgroup);
		else
			make_cgroup(ceiling->cgroup);
		for (j = 0; j < nr_devices * NR_RESOURCES; j++)
			write_limit(ceiling->cgroup, device_name(j / NR_RESOURCES),
				    j % NR_RESOURCES,
				    ceiling->most[j % NR_RESOURCES]);
	}
}

/*
 * While @limit is in force, usage may fall, but rise no further than to it.
 * Charges that began before it was written are over first: they run under RCU.
 */
static void expect_no_rise(const char *cgroup, int device,
			   enum resource resource, long limit)
{
	const char *name = device_name(device);
	struct line line = {};
	long most = -1;
	int looks;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		complain(LOAD, "membarrier: %m");
	for (looks = 0; looks < LOOKS; looks++) {
		if (!find_line(cgroup, "rdma.current", name, &line))
			complain(LOAD, "%s has no line of %s", cgroup, name);
		if (most >= 0 && line.values[resource] > most &&
		    line.values[resource] > limit)
			complain(LOAD, "%s rose from %ld to %ld, above its limit of %ld",
				 cgroup, most, line.values[resource], limit);
		most = line.values[resource];
		sleep_us(roll(1000));
	}
}

/* Each writer has cgroups of its own, so that it knows what is in force. */
static void rewrite_limits(int number)
{
	int count;

	for (count = 0; !shared->stop; count++) {
		int which = roll(ARRAY_SIZE(ceilings));
		struct ceiling *ceiling = &ceilings[which];
		int device = roll(nr_devices), resource = roll(NR_RESOURCES);
		long limit = ceiling->most[resource];
		int err;

		if (which % LIMIT_WRITERS != number)
			continue;
		if (roll(3))
			limit = roll(limit + 1);
		err = write_limit(ceiling->cgroup, device_name(device),
				  resource, limit);
		if (err)
			complain(LOAD, "cannot limit %s: %s", ceiling->cgroup,
				 strerror(-err));
		expect_no_rise(ceiling->cgroup, device, resource, limit);
	}
	add(&shared->rounds, count);
}

static void rewrite(void)
{
	int phase, i;

	for (phase = 0; phase < CEILING_PHASES; phase++) {
		make_ceilings(phase);
		shared->stop = false;
		start_readers(below_ceiling);
		for (i = 0; i < LIMIT_WRITERS; i++)
			start(rewrite_limits, i, NULL);
		for (i = 0; i < (int)(ARRAY_SIZE(ceilings) - FIRST_LEAF); i++)
			start_tenant(i, churn, ceilings[FIRST_LEAF + i].cgroup);
		sleep_us(bound_ms * 1000 / CEILING_PHASES);
		finish();
	}
	figure(", %lu limits", shared->rounds);
}

/*
 * The controller is taken from cgroups and given back, while tenants in them
 * make objects. Without it they are charged where the next one above has it.
 */
static bool toggle(const char *parent)
{
	int err = cg_write(parent, "cgroup.subtree_control",
			   roll(2) ? "+rdma" : "-rdma");

	/* Children may have it still, or @parent none to give. */
	if (err && err != -EBUSY && err != -ENOENT)
		complain(LOAD, "cannot change the controllers of %s: %s",
			 parent, strerror(-err));
	return !err;
}

static void expect_all_in_a(void)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		long in_a[NR_RESOURCES] = {}, all[NR_RESOURCES] = {};

		/* The last tenant is in b. */
		add_held(i, ARRAY_SIZE(leaves) - 1, in_a);
		add_held(i, ARRAY_SIZE(leaves), all);
		expect_current(below_top("a"), i, in_a);
		expect_current(current->top, i, all);
	}
}

static void take_and_give(void)
{
	long until = now_ms() + bound_ms, next_check = now_ms();
	int i, toggles = 0, checks = 0;

	make_tree();
	start_readers(NULL);
	for (i = 0; i < (int)ARRAY_SIZE(leaves); i++)
		start_tenant(i, churn, a_leaf(i));
	while (now_ms() < until || toggles < LEAST || !checks) {
		toggles += toggle(below_top(roll(2) ? "a" : "a/n"));
		/* Limits go with the controller. */
		write_limit(a_leaf(roll(ARRAY_SIZE(leaves))),
			    device_name(roll(nr_devices)), OBJECT,
			    roll(MAX_OBJECTS));
		sleep_us(roll(10000));
		if (now_ms() < next_check + CHECK_EVERY_MS || !rest_tenants())
			continue;
		expect_all_in_a();
		wake_tenants();
		checks++;
		next_check = now_ms();
	}
	finish();
	figure(", %d toggles, %d sums", toggles, checks);
}

/*
 * Many cgroups, each with limits on all devices. Measures what they cost.
 */
#define MANY_PARENTS	100
#define MANY_CHILDREN	99	/* of each parent */
#define V1_SHARE	10	/* v1 has a tenth: it is much the same */
#define VISITORS	4

static int nr_parents;

static char *many_parent(int number)
{
	return path_of("%s/%d", current->top, number);
}

static char *many_child(int number)
{
	return path_of("%s/%d/%d", current->top, number / MANY_CHILDREN,
		       number % MANY_CHILDREN);
}

static void limit_all(const char *cgroup)
{
	int i, fd = open(path_of("%s/rdma.max", cgroup), O_WRONLY);

	for (i = 0; i < nr_devices; i++)
		if (dprintf(fd, "%s hca_object=1000", device_name(i)) < 0)
			complain(LOAD, "cannot limit %s: %m", cgroup);
	close(fd);
}

/* Makes objects in one cgroup after the other. */
static void visit_at_random(int number)
{
	struct tenant *tenant = &shared->tenants[number];
	struct session session;
	int steps;

	while (!shared->stop) {
		enter(many_child(roll(nr_parents * MANY_CHILDREN)), 0);
		add(&shared->rounds, 1);
		if (!open_session(&session, tenant, roll(nr_devices)))
			continue;
		for (steps = roll(MAX_OBJECTS / 2); steps; steps--)
			step(&session);
		close_session(&session);
	}
}

static const char *file_to_read;

static void read_one(const char *cgroup)
{
	static char text[FILE_SIZE];
	int err = cg_read(cgroup, file_to_read, text, sizeof(text));

	if (err)
		complain(LOAD, "cannot read %s/%s: %s", cgroup, file_to_read,
			 strerror(-err));
}

/* In bytes. */
static long meminfo(const char *key)
{
	long kb = cg_read_key_long("/proc", "meminfo", key);

	if (kb < 0)
		complain(LOAD, "/proc/meminfo has no %s", key);
	return 1024 * kb;
}

/* What the kernel keeps for itself. */
static long kernel_memory(void)
{
	return meminfo("\nSlab:") + meminfo("\nPercpu:");
}

static void read_all_files(int nr_cgroups)
{
	long began;
	int i;

	for (i = 0; i < NR_RDMA_FILES; i++) {
		file_to_read = rdma_files[i];
		if (!has_file(current->top, rdma_files[i]))
			continue;
		began = now_ms();
		walk_cgroups(false, read_one);
		figure(", %s read in %ld us", rdma_files[i] + strlen("rdma."),
		       1000 * (now_ms() - began) / nr_cgroups);
	}
}

static void many_cgroups(void)
{
	long began = now_ms(), until = began + 4 * bound_ms;
	long memory = kernel_memory(), memory_of_cgroups, memory_before_pools;
	int most = MANY_PARENTS / (current->unified ? 1 : V1_SHARE);
	int i, j, nr_cgroups;

	start_readers(NULL);
	for (i = 0; i < most && now_ms() < until; i++) {
		make_parent(many_parent(i));
		for (j = 0; j < MANY_CHILDREN; j++)
			make_cgroup(many_child(i * MANY_CHILDREN + j));
	}
	nr_parents = i;
	nr_cgroups = 1 + nr_parents * (1 + MANY_CHILDREN);
	figure(", %d cgroups made in %ld ms", nr_cgroups, now_ms() - began);
	memory_of_cgroups = kernel_memory() - memory;

	shared->readers_rest = true;
	/* What a file costs that has been opened is no pool's cost. */
	file_to_read = "rdma.max";
	walk_cgroups(false, read_one);
	memory_before_pools = kernel_memory();
	began = now_ms();
	walk_cgroups(false, limit_all);
	figure(", %d pools in %ld ms", nr_cgroups * nr_devices,
	       now_ms() - began);
	figure(", %ld B a cgroup, %ld B a pool",
	       memory_of_cgroups / nr_cgroups,
	       (kernel_memory() - memory_before_pools) / nr_cgroups / nr_devices);
	read_all_files(nr_cgroups);
	shared->readers_rest = false;

	for (i = 0; i < VISITORS; i++)
		start_tenant(i, visit_at_random, NULL);
	sleep_us(bound_ms * 1000 / 2);
	finish();
	figure(", %lu visits", shared->rounds);
}

/*
 * As many devices as there is time and room for: each is limited, charged
 * for and read; then they go, one after the other, and many at once.
 */
#define MANY		"storm_many"
#define MOST_DEVICES	512
#define AT_A_TIME	16
#define LEAST_MEMORY	(256 << 20)	/* to be left for all else */

static int nr_many;

static void open_many(int unused)
{
	/* A context takes two, and some are open already. */
	struct rlimit descriptors = { 3 * MOST_DEVICES, 3 * MOST_DEVICES };
	struct ibv_device **list = ibv_get_device_list(NULL);
	int opened = 0;

	(void)unused;
	setrlimit(RLIMIT_NOFILE, &descriptors);
	for (; list && *list; list++) {
		struct ibv_context *context;

		if (strncmp(ibv_get_device_name(*list), MANY, strlen(MANY)))
			continue;
		context = ibv_open_device(*list);
		if (!context || !ibv_alloc_pd(context)) {
			complain(LOAD, "cannot use device %d of many: %m",
				 opened);
			continue;
		}
		opened++;
		add(&shared->made, 1);
		errno = 0;
		if (ibv_alloc_pd(context) || errno != EAGAIN)
			complain(LOAD, "no limit on device %d of many", opened);
		else
			add(&shared->refused, 1);
	}
	shared->opened = true;
	while (!shared->rest)
		sleep_us(1000);
	/* All that it has is left to the kernel. */
}

/* All devices are there, in order, each with these values in @file. */
static void expect_many(const char *name, const char *file, long value)
{
	const char *cgroup = below_top(name);
	static char text[FILE_SIZE];
	char *rest = text;
	struct line line;
	int nr = 0;

	if (cg_read(cgroup, file, text, sizeof(text)))
		complain(LOAD, "cannot read %s/%s", cgroup, file);
	while (next_line(&rest, file, &line)) {
		if (strncmp(line.device, MANY, strlen(MANY)))
			continue;
		if (strcmp(line.device, path_of("%s%d", MANY, nr++)) ||
		    line.values[HANDLE] != value || line.values[OBJECT] != value)
			complain(LOAD, "%s/%s has %s with %ld and %ld, not number %d with %ld",
				 cgroup, file, line.device, line.values[HANDLE],
				 line.values[OBJECT], nr - 1, value);
	}
	if (nr != nr_many)
		complain(LOAD, "%s/%s has %d devices of %d", cgroup, file, nr,
			 nr_many);
}

static bool many_are_listed(void)
{
	static char text[FILE_SIZE];

	return cg_read(current->top, "rdma.current", text, sizeof(text)) ||
	       strstr(text, MANY);
}

/* Half of them as anybody would, the others by removing what they are on. */
static void remove_many(void)
{
	int half = nr_many / 2;

	remove_devices(MANY, 0, half);
	run_batch("ip -batch -", "link set %s group 77\n", MANY, half,
		  nr_many - half);
	run_tool("ip link delete group 77");
	if (!becomes(!many_are_listed()))
		complain(LOAD, "devices are listed whose links were removed");
}

static void many_devices(void)
{
	long began = now_ms();
	long until = began + (current->unified ? 4 : 1) * bound_ms;
	pid_t user;
	int i;

	make_tree();
	start_readers(NULL);
	while (nr_many + AT_A_TIME <= MOST_DEVICES && now_ms() < until &&
	       meminfo("\nMemAvailable:") > LEAST_MEMORY &&
	       add_devices(MANY, nr_many, AT_A_TIME))
		nr_many += AT_A_TIME;
	figure(", %d devices added in %ld ms", nr_many, now_ms() - began);
	if (!nr_many)
		complain(LOAD, "no device was added: give the guest more memory");

	began = now_ms();
	for (i = 0; i < nr_many * NR_RESOURCES; i++)
		if (write_limit(below_top("a"),
				path_of("%s%d", MANY, i / NR_RESOURCES),
				i % NR_RESOURCES, 1))
			complain(LOAD, "cannot limit device %d of many", i / 2);
	figure(", limited in %ld", now_ms() - began);

	began = now_ms();
	user = start(open_many, 0, a_leaf(0));
	while (!shared->opened && !shared->complaints[LOAD])
		sleep_us(1000);
	figure(", used in %ld", now_ms() - began);
	expect_many("a", "rdma.max", 1);
	if (has_file(current->top, "rdma.peak"))
		expect_many("a", "rdma.peak", 1);
	expect_many("a", "rdma.current", 1);
	expect_many("a/x", "rdma.current", 1);
	shared->rest = true;
	reap(user, 0);
	expect_many("a", "rdma.current", 0);

	began = now_ms();
	remove_many();
	figure(", removed in %ld", now_ms() - began);
	finish();
}

const char * const program_name = "storms";

const struct storm storms[] = {
	{ "link-delete", link_delete, .nr_devices = 1 },
	{ "net-namespaces", move_twins, .nr_devices = 1, .lacks = cannot_move },
	{ "cgroup-churn", cgroup_churn, .nr_devices = 2, .exact_events = true },
	{ "migrate", migrate, .nr_devices = 2, .exact_events = true },
	{ "kill", kill_holders, .nr_devices = 2, .limits_memory = true },
	{ "limits", rewrite, .nr_devices = 2, .exact_events = true },
	{ "toggle", take_and_give, .nr_devices = 2, .v2_only = true,
	  .exact_events = true },
	{ "many-cgroups", many_cgroups, .nr_devices = 4, .exact_events = true },
	{ "many-devices", many_devices, .nr_devices = 1 },
};

const int nr_storms = ARRAY_SIZE(storms);
