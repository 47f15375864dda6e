// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

#define TEST_TIMEOUT	120		/* seconds */

static struct hierarchy unified = { .name = "v2", .unified = true };
static struct hierarchy legacy = { .name = "v1" };
static const struct rdma_test *tests;
static int nr_tests;
static const char *selected = "";	/* part of the names of tests to run */
static int stop_signal;
static bool cgroups_are_left;		/* though removed, which no case may tell */
static sigset_t watched;

static bool is_selected(const struct hierarchy *hierarchy,
			const struct rdma_test *test)
{
	char name[128];

	if (hierarchy->unified ? test->legacy_only : test->unified_only)
		return false;
	snprintf(name, sizeof(name), "%s:%s", hierarchy->name, test->name);
	return strstr(name, selected);
}

static int nr_selected(const struct hierarchy *hierarchy)
{
	int i, nr = 0;

	for (i = 0; i < nr_tests; i++)
		nr += is_selected(hierarchy, &tests[i]);
	return nr;
}

static void list_selected(const char *prefix)
{
	const struct hierarchy *hierarchies[] = { &unified, &legacy };
	int h, i;

	for (h = 0; h < ARRAY_SIZE(hierarchies); h++)
		for (i = 0; i < nr_tests; i++)
			if (is_selected(hierarchies[h], &tests[i]))
				printf("%s%s:%s\n", prefix,
				       hierarchies[h]->name, tests[i].name);
}

/* A plan of no cases would pass. */
static void die_of_no_case(void)
{
	const char *wanted = selected;

	selected = "";
	list_selected("# ");
	ksft_exit_fail_msg("no case has '%s' in its name; above is what there is\n",
			   wanted);
}

static int remove_below(const char *path, const struct stat *status, int type,
			struct FTW *at)
{
	if (type == FTW_DP && at->level)
		cg_destroy(path);
	return 0;
}

/* Ends and removes whatever a test, or a run that was killed, has left. */
void tidy_up(void)
{
	int index;

	nftw(current->top, remove_below, 16, FTW_DEPTH | FTW_PHYS);
	while (wait(NULL) > 0)
		;
	/* It returns from its namespace, maybe under a name of the kernel's. */
	if (shared->twin && becomes(is_here(shared->twin)))
		remove_device_by_index(shared->twin);
	while ((index = find_device(GUEST_NAME, true)) >= 0)
		if (remove_device_by_index(index))
			break;
	remove_link(GUEST_NAME);
	remove_link(TWIN_NAME);
	if (shared->exclusive && !becomes(!share_devices(true)))
		ksft_print_msg("devices cannot be seen from all net namespaces again\n");
	rmdir(TRACE);
	if (shared->node[0])
		chmod(shared->node, shared->node_mode);
	if (shared->mount_options[0])
		mount("none", unified.root, NULL, MS_REMOUNT,
		      shared->mount_options);
	shared->twin = 0;
	shared->exclusive = false;
	shared->node[0] = 0;
	shared->mount_options[0] = 0;
}

/* Runs @fn in a process of its own, which may exit at any place. */
int run(int (*fn)(const char *root))
{
	time_t deadline = time(NULL) + TEST_TIMEOUT;
	int status = -1;
	pid_t pid;

	set_race(RACE_AHEAD);
	shared->nr_done = 0;
	pid = fork();
	if (pid < 0) {
		ksft_print_msg("fork: %s\n", strerror(errno));
		return KSFT_FAIL;
	}
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &watched, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, lane))
			fail(HERE, "socketpair: %s", strerror(errno));
		exit(fn(current->top));
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		struct timespec second = { 1, 0 };
		int number = sigtimedwait(&watched, NULL, &second);

		if (number > 0 && number != SIGCHLD)
			stop_signal = number;
		if (stop_signal || time(NULL) > deadline)
			kill(pid, SIGKILL);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	ksft_print_msg("ended by signal %d, limit %d s\n", WTERMSIG(status),
		       TEST_TIMEOUT);
	return KSFT_FAIL;
}

/* Holds after each test once all it made has been removed. */
static int nothing_is_left(const char *root)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (!devices[i].missing[0])
			expect_usage(root, &devices[i], 0, 0);
	return KSFT_PASS;
}

static void report(const struct rdma_test *test, int ret, const char *reason)
{
	switch (ret) {
	case KSFT_PASS:
		ksft_test_result_pass("%s:%s\n", current->name, test->name);
		break;
	case KSFT_SKIP:
		ksft_test_result_skip("%s:%s: %s\n", current->name, test->name,
				      reason);
		break;
	default:
		ksft_test_result_fail("%s:%s\n", current->name, test->name);
		break;
	}
}

static bool find_mount(const char *type, const char *option, char *path)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	bool found = false;

	while (mounts && !found && (mount = getmntent(mounts))) {
		found = !strcmp(mount->mnt_type, type) &&
			(!option || hasmntopt(mount, option));
		if (found)
			snprintf(path, PATH_MAX, "%s", mount->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

static bool only_root_is_left(void)
{
	int nr_cgroups = 0;

	hierarchy_of_rdma(&nr_cgroups);
	return nr_cgroups == 1;
}

static bool is_unified(void)
{
	int nr_cgroups;

	return hierarchy_of_rdma(&nr_cgroups) == 0;
}

static int enable_in_children(const char *change)
{
	return cg_write(unified.root, "cgroup.subtree_control", (char *)change);
}

/* These return NULL, or why tests cannot be run in the hierarchy. */

static const char *begin_unified(void)
{
	if (!unified.root[0])
		return "cgroup v2 is not mounted";
	if (cg_read_strstr(unified.root, "cgroup.controllers", "rdma"))
		return "v2 does not have the rdma controller (is it mounted as v1, or off?)";
	if (enable_in_children("+rdma"))
		return "cannot enable rdma for the children of the root";
	return NULL;
}

static const char *begin_legacy(void)
{
	bool mounted;

	if (find_mount("cgroup", "rdma", legacy.root))
		return NULL;
	/* A controller leaves v2 only when no cgroup there uses it. */
	if (unified.root[0] && enable_in_children("-rdma"))
		return "a v2 cgroup has rdma in its cgroup.subtree_control";
	snprintf(legacy.root, sizeof(legacy.root), "/tmp/rdmacg_XXXXXX");
	if (!mkdtemp(legacy.root))
		return "cannot make a mount point in /tmp";
	drop_caches();
	mounted = becomes(!mount("none", legacy.root, "cgroup", 0, "rdma"));
	if (!mounted) {
		rmdir(legacy.root);
		return "cannot mount rdma as v1 (is a removed v2 cgroup not freed?)";
	}
	legacy.own_mount = true;
	return NULL;
}

static void end_legacy(void)
{
	if (!legacy.own_mount)
		return;
	/* With a cgroup left, its hierarchy outlives the mount: no need to wait. */
	if (!cgroups_are_left && !becomes(only_root_is_left()))
		ksft_print_msg("a v1 cgroup cannot be freed: is a charge left?\n");
	umount(legacy.root);
	rmdir(legacy.root);
	if (!cgroups_are_left && !becomes(is_unified()))
		ksft_print_msg("rdma did not return to the unified hierarchy\n");
}

static void run_tests(struct hierarchy *hierarchy, const char *(*begin)(void))
{
	const char *reason;
	int i, ret;

	if (stop_signal || !nr_selected(hierarchy))
		return;
	reason = begin();
	current = hierarchy;
	snprintf(hierarchy->top, sizeof(hierarchy->top), "%.4000s/" TOP_NAME,
		 hierarchy->root);
	if (!reason) {
		if (cg_create(hierarchy->top) && errno != EEXIST)
			reason = "cannot make cgroup " TOP_NAME;
		else
			tidy_up();
	}
	for (i = 0; i < nr_tests; i++) {
		if (!is_selected(hierarchy, &tests[i]))
			continue;
		if (reason) {
			report(&tests[i], KSFT_SKIP, reason);
			continue;
		}
		ret = run(tests[i].fn);
		tidy_up();
		if (stop_signal)
			break;
		if (run(nothing_is_left) != KSFT_PASS)
			ret = KSFT_FAIL;
		report(&tests[i], ret, shared->reason);
	}
	if (reason)
		return;
	if (!stop_signal && run(removed_cgroups_are_freed) == KSFT_FAIL) {
		ksft_print_msg("%s: removed cgroups are left\n", hierarchy->name);
		cgroups_are_left = true;
	}
	cg_destroy(hierarchy->top);
}

/* Two runs at a time would remove each other's devices and cgroups. */
static bool is_only_run(void)
{
	struct sockaddr_un name = { AF_UNIX, "\0" TOP_NAME };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* Bound as long as this process lives, and not in any file system. */
	return fd >= 0 && !bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static void remove_devices(void)
{
	int i;

	for (i = 0; i < NR_DEVICES; i++) {
		remove_device(devices[i].name);
		remove_link(devices[i].name);
	}
}

void run_rdma_tests(int argc, char **argv, const struct rdma_test *list, int nr)
{
	bool only_list = argc > 1 && !strcmp(argv[1], "-l");
	bool was_enabled;
	int i, nr_planned;

	tests = list;
	nr_tests = nr;
	if (argc > 1 + only_list)
		selected = argv[1 + only_list];
	nr_planned = nr_selected(&unified) + nr_selected(&legacy);
	if (only_list) {
		list_selected("");
		exit(nr_planned ? KSFT_PASS : KSFT_FAIL);
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);	/* users are to see the cgroups made here */
	ksft_print_header();
	if (!nr_planned)
		die_of_no_case();
	if (geteuid())
		ksft_exit_skip("only root may make devices and cgroups\n");
	if (!is_only_run())
		ksft_exit_skip("another run is going on; wait for its end\n");
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ksft_exit_fail_msg("own mounts: %s\n", strerror(errno));

	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGHUP);
	sigprocmask(SIG_BLOCK, &watched, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));

	ksft_set_plan(nr_planned);
	remove_devices();
	for (i = 0; i < NR_DEVICES; i++)
		if (add_device(&devices[i]))
			ksft_print_msg("%s\n", devices[i].missing);

	find_mount("cgroup2", NULL, unified.root);
	was_enabled = unified.root[0] &&
		      !cg_read_strstr(unified.root, "cgroup.subtree_control", "rdma");
	run_tests(&unified, begin_unified);
	run_tests(&legacy, begin_legacy);
	end_legacy();
	if (unified.root[0])
		enable_in_children(was_enabled ? "+rdma" : "-rdma");

	remove_devices();
	if (stop_signal)
		ksft_exit_fail_msg("stopped by signal %d\n", stop_signal);
	if (ksft_get_fail_cnt() || cgroups_are_left)
		ksft_exit_fail();
	ksft_exit_pass();
}
