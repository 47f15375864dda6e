// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: delegation and namespaces.
 *
 * - A tenant, to whom a cgroup is delegated, can limit the cgroups below it. It
 *   can neither change nor evade its own limit: not by child cgroups, threads,
 *   disabling the controller, leaving the cgroup, or removing the device.
 * - It cannot change anything of another tenant.
 * - What can be written to an open file depends on the task that opened it.
 * - User, cgroup, mount and net namespaces change none of this. A task in them sees
 *   only its own cgroup, and is woken by its events.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"
#include "rdma_tenant.h"

/* In a cgroup of its own; v1 allows that. */
static void *enter_and_make(void *arg)
{
	struct outcome *outcome = arg;
	int err = write_control(shared->path, "tasks", "0");

	if (err)
		*outcome = (struct outcome){ 0, -err };
	else
		*outcome = make(outcome->done, RACER_TRIES);
	return NULL;
}

static struct outcome make_in_thread(int kind, int unused)
{
	struct outcome outcome = { kind };
	pthread_t thread;

	if (pthread_create(&thread, NULL, enter_and_make, &outcome))
		fail(HERE, "cannot start a thread");
	pthread_join(thread, NULL);
	return outcome;
}

static int test_tenant_limits_its_children(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	struct holder tenant = user_in(own, rxe(), TENANT);
	char *leaf = settle(&tenant, own);
	char *other = cg_name(own, "other");
	struct stat status;

	expect(!stat(cg_control(leaf, "rdma.max"), &status), "%s",
	       strerror(errno));
	expect(status.st_uid == TENANT && (status.st_mode & 07777) == 0644,
	       "user %d, mode %o", status.st_uid, status.st_mode);

	/* Also on itself, and to change its mind. */
	may_write(&tenant, leaf, "rdma.max",
		  RXE_NAME " hca_handle=1 hca_object=3");
	expect_limit(leaf, rxe(), 1, 3);
	make_basics(&tenant);
	expect_kinds_are_refused(&tenant, leaf, rxe());
	expect_usage(own, rxe(), 1, 2);
	may_not_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=x",
		      EINVAL);
	may_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=max");
	expect_make(&tenant, PD, 5);
	expect_usage(own, rxe(), 1, 7);

	may(&tenant, make_directory, 0, other);
	may_write(&tenant, other, "rdma.max", RXE_NAME " hca_object=0");
	may_enter(&tenant, other);
	expect_refusal_after(&tenant, PD, 0);
	may(&tenant, remove_directory, 0, leaf);
	expect_usage(own, rxe(), 1, 7);
	release(&tenant);
	expect_usage(own, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_tenant_cannot_change_its_limit(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *limits = cg_control(own, "rdma.max");
	struct holder tenant;
	int i;

	set_limit(own, rxe(), "hca_handle=5 hca_object=6");
	tenant = user_in(own, NULL, TENANT);
	may_not_write(&tenant, own, "rdma.max", RXE_NAME " hca_handle=7",
		      EACCES);
	may_not_write(&tenant, own, "rdma.max", RXE_NAME " hca_handle=4",
		      EACCES);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *file = cg_control(own, files[i]);

		may_not(&tenant, open_file, O_WRONLY, file, EACCES);
		may_not(&tenant, open_file, O_RDWR, file, EACCES);
		may_not(&tenant, open_file, O_RDONLY | O_TRUNC, file, EACCES);
		may(&tenant, open_file, O_RDONLY, file);
		may_not_write_kept(&tenant, RXE_NAME " hca_handle=7", EBADF);
		may_not(&tenant, reopen_kept, O_WRONLY, "", EACCES);
		may_not(&tenant, reopen_kept, O_RDWR, "", EACCES);
		may_not(&tenant, change_mode_of_kept, 0666, "", EPERM);
		may_not(&tenant, change_mode, 0666, file, EPERM);
		may_not(&tenant, change_owner, TENANT, file, EPERM);
		may_not(&tenant, truncate_file, 0, file, EACCES);
		/* The directory is its own. */
		may_not(&tenant, remove_file, 0, file, EPERM);
		may_not_rename(&tenant, file, cg_control(own, "rdma.old"),
			       current->unified ? EPERM : ENOTDIR);
	}
	settle(&tenant, own);
	may_not_write(&tenant, own, "rdma.max", RXE_NAME " hca_handle=7",
		      EACCES);
	expect_limit(own, rxe(), 5, 6);

	/* It is this one right that it must not have. */
	expect(!chown(limits, TENANT, -1), "%s", strerror(errno));
	may_write(&tenant, own, "rdma.max", RXE_NAME " hca_handle=7");
	expect_limit(own, rxe(), 7, 6);
	return KSFT_PASS;
}

static int test_limits_of_children_give_no_more(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *child[3], *grandchild;
	struct holder tenant;
	int i;

	set_limit(own, rxe(), "hca_handle=2 hca_object=4");
	tenant = user_in(own, rxe(), TENANT);
	child[0] = settle(&tenant, own);
	child[1] = cg_name(own, "b");
	child[2] = cg_name(own, "c");
	may(&tenant, make_directory, 0, child[1]);
	may(&tenant, make_directory, 0, child[2]);
	for (i = 0; i < ARRAY_SIZE(child); i++)
		may_write(&tenant, child[i], "rdma.max",
			  RXE_NAME " hca_handle=100 hca_object=2147483646");
	expect_make(&tenant, CONTEXT, 1);
	expect_make(&tenant, PD, 2);
	may_enter(&tenant, child[1]);
	expect_make(&tenant, PD, 1);
	may_enter(&tenant, child[2]);
	expect_refusal_after(&tenant, PD, 1);
	expect_refusal_after(&tenant, CONTEXT, 1);
	expect_usage(own, rxe(), 2, 4);

	/* Nor does a cgroup that goes take anything with it, or one more level. */
	may_enter(&tenant, child[0]);
	may(&tenant, remove_directory, 0, child[1]);
	may(&tenant, remove_directory, 0, child[2]);
	grandchild = cg_name(child[0], "d");
	may(&tenant, make_directory, 0, grandchild);
	may_enter(&tenant, grandchild);
	expect_refusal_after(&tenant, PD, 0);
	if (current->unified)
		may_write(&tenant, child[0], "cgroup.subtree_control", "+rdma");
	may_write(&tenant, grandchild, "rdma.max", RXE_NAME " hca_object=max");
	expect_refusal_after(&tenant, PD, 0);
	expect_refusal_after(&tenant, CONTEXT, 0);
	expect_usage(own, rxe(), 2, 4);
	expect_usage(child[0], rxe(), 1, 2);
	expect_drop(&tenant, PD, 1);
	expect_refusal_after(&tenant, PD, 1);
	expect_usage(own, rxe(), 2, 4);
	return KSFT_PASS;
}

/* What is made below stays counted above, with the controller and without. */
static int test_tenant_gains_nothing_by_toggling(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	struct holder tenant;
	char *leaf;
	int i;

	set_limit(own, rxe(), "hca_handle=1 hca_object=4");
	tenant = user_in(own, rxe(), TENANT);
	leaf = settle(&tenant, own);
	expect_make(&tenant, CONTEXT, 1);
	for (i = 1; i <= 3; i++) {
		expect_make(&tenant, PD, 1);
		may_write(&tenant, own, "cgroup.subtree_control", "-rdma");
		may_not(&tenant, find_path, 0, cg_control(leaf, "rdma.max"),
			ENOENT);
		expect_usage(own, rxe(), 1, i);
		may_write(&tenant, own, "cgroup.subtree_control", "+rdma");
		may_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=99");
		expect_usage(own, rxe(), 1, i);
		expect_refusal_after(&tenant, CONTEXT, 0);
	}
	expect_refusal_after(&tenant, PD, 1);
	may_write(&tenant, own, "cgroup.subtree_control", "-rdma");
	expect_refusal_after(&tenant, PD, 0);
	expect_limit(own, rxe(), 1, 4);
	may_not_write(&tenant, root, "cgroup.subtree_control", "-rdma", EACCES);
	expect_drop(&tenant, PD, 4);
	expect_usage(own, rxe(), 1, 0);
	return KSFT_PASS;
}

/* A cgroup for threads belongs to the domain above it, and to its limits. */
static int test_tenant_gains_nothing_by_threads(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *threads = cg_name(own, "threads");
	char *other = delegated_cgroup(root, "b");
	struct holder tenant;

	set_limit(own, rxe(), "hca_handle=1 hca_object=4");
	tenant = user_in(own, rxe(), TENANT);
	expect_make(&tenant, CONTEXT, 1);
	expect_make(&tenant, PD, 1);
	may_not_write(&tenant, own, "cgroup.type", "threaded", EACCES);
	may(&tenant, make_directory, 0, threads);
	may_write(&tenant, threads, "cgroup.type", "threaded");
	may_write(&tenant, threads, "cgroup.threads", "0");
	expect_refusal_after(&tenant, PD, 3);
	expect_refusal_after(&tenant, CONTEXT, 0);
	expect_usage(own, rxe(), 1, 4);
	may_not(&tenant, find_path, 0, cg_control(threads, "rdma.max"), ENOENT);
	may_not_write(&tenant, other, "cgroup.threads", "0", EACCES);
	return KSFT_PASS;
}

/* In v1 a thread may be elsewhere than its process, but not further up. */
static int test_thread_is_bound_by_its_own_cgroup(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *alien = new_cgroup(root, "b");
	struct holder tenant;
	char *leaf;

	set_limit(own, rxe(), "hca_handle=1 hca_object=5");
	tenant = user_in(own, rxe(), TENANT);
	leaf = settle(&tenant, own);
	may_enter(&tenant, own);
	may_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=2");
	expect_make(&tenant, CONTEXT, 1);
	expect_make(&tenant, PD, 1);
	may_not(&tenant, make_in_thread, PD, leaf, EAGAIN);
	expect_usage(leaf, rxe(), 0, 2);
	may_not(&tenant, make_in_thread, PD, alien, EACCES);
	expect_usage(own, rxe(), 1, 3);
	expect_refusal_after(&tenant, PD, 2);
	may_not(&tenant, make_in_thread, PD, own, EAGAIN);
	expect_usage(leaf, rxe(), 0, 2);
	expect_usage(own, rxe(), 1, 5);
	return KSFT_PASS;
}

static int test_tenant_cannot_leave(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *second = delegated_cgroup(root, "b");
	char *alien = new_cgroup(root, "c");
	char *inner = cg_name(second, "inner");
	struct holder tenant;
	char *leaf;
	int round;

	set_limit(own, rxe(), "hca_object=1");
	tenant = user_in(own, rxe(), TENANT);
	leaf = settle(&tenant, own);
	may(&tenant, make_directory, 0, inner);
	expect_make(&tenant, CONTEXT, 1);
	for (round = 0; round < 2; round++) {
		may_not_enter(&tenant, current->root, EACCES);
		may_not_enter(&tenant, root, EACCES);
		may_not_enter(&tenant, alien, EACCES);
		may_not(&tenant, make_directory, 0, cg_name(root, "d"), EACCES);
		may_not(&tenant, make_directory, 0, cg_name(alien, "d"), EACCES);
		may_not(&tenant, remove_directory, 0, own, EACCES);
		may_not_rename(&tenant, own, cg_name(root, "d"), EACCES);
		may_not_rename(&tenant, leaf, cg_name(second, "leaf"),
			       current->unified ? EPERM : EIO);
		if (current->unified) {
			/* Though both are its own: they are two delegations. */
			may_not_enter(&tenant, second, EACCES);
			may_not_enter(&tenant, inner, EACCES);
			may_not(&tenant, clone_into, 0, second, EACCES);
			may_not(&tenant, clone_into, 0, alien, EACCES);
			may(&tenant, clone_into, 0, leaf);
		}
		expect_refusal_after(&tenant, PD, 1 - round);
		expect_usage(own, rxe(), 1, 1);
	}
	/* Moved by root, it is bound by another limit, and may not go back. */
	set_limit(alien, rxe(), "hca_object=2");
	expect(!cg_enter(alien, tenant.pid), "move the tenant");
	expect_refusal_after(&tenant, PD, 2);
	expect_usage(own, rxe(), 1, 1);
	expect_usage(alien, rxe(), 0, 2);
	if (current->unified)
		may_not_enter(&tenant, leaf, EACCES);
	return KSFT_PASS;
}

/* Neither to its advantage nor to the other's harm; nor to look, if so wanted. */
static int test_tenant_cannot_touch_neighbour(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *next = new_cgroup(root, "b");
	struct holder tenant, neighbour;
	char *leaf, *theirs, pid[16];
	int i;

	delegate(next, NEIGHBOUR);
	set_limit(next, rxe(), "hca_handle=1 hca_object=2");
	tenant = user_in(own, NULL, TENANT);
	neighbour = user_in(next, rxe(), NEIGHBOUR);
	leaf = settle(&tenant, own);
	theirs = settle(&neighbour, next);
	may_write(&tenant, leaf, "rdma.max",
		  RXE_NAME " hca_handle=0 hca_object=0");

	may_not_write(&tenant, next, "rdma.max", RXE_NAME " hca_object=0",
		      EACCES);
	may_not_write(&tenant, theirs, "rdma.max", RXE_NAME " hca_object=0",
		      EACCES);
	may_not(&tenant, change_mode, 0666, cg_control(theirs, "rdma.max"),
		EPERM);
	may_not(&tenant, make_directory, 0, cg_name(theirs, "a"), EACCES);
	may_not_enter(&tenant, theirs, EACCES);
	if (current->unified)
		may_not_write(&tenant, next, "cgroup.subtree_control", "-rdma",
			      EACCES);
	/* Drawn in there, it would be bound by the tenant's limit. */
	snprintf(pid, sizeof(pid), "%d", neighbour.pid);
	may_not_write(&tenant, leaf, "cgroup.procs", pid, EACCES);
	expect_make(&neighbour, CONTEXT, 1);
	expect_refusal_after(&neighbour, PD, 2);
	expect_usage(theirs, rxe(), 1, 2);
	expect_usage(own, rxe(), 0, 0);
	expect_limit(theirs, rxe(), NO_LIMIT, NO_LIMIT);

	/* The root user may hide all of a tenant's, or a single file. */
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *of_next = cg_control(next, files[i]);
		char *of_theirs = cg_control(theirs, files[i]);

		may(&tenant, open_file, O_RDONLY, of_next);
		may(&tenant, open_file, O_RDONLY, of_theirs);
		expect(!chmod(of_next, 0600), "%s", strerror(errno));
		may_not(&tenant, open_file, O_RDONLY, of_next, EACCES);
		may(&tenant, open_file, O_RDONLY, of_theirs);
	}
	expect(!chmod(next, 0700), "%s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		may_not(&tenant, open_file, O_RDONLY,
			cg_control(theirs, files[i]), EACCES);
		may(&neighbour, open_file, O_RDONLY,
		    cg_control(theirs, files[i]));
	}
	return KSFT_PASS;
}

static struct outcome remove_guest(int unused, int unused2)
{
	int err = remove_device(GUEST_NAME);

	return (struct outcome){ !err, -err };
}

static struct outcome remove_guest_link(int unused, int unused2)
{
	int err = remove_link(GUEST_NAME);

	return (struct outcome){ !err, -err };
}

static struct outcome rename_guest(int unused, int unused2)
{
	int err = rename_device(GUEST_NAME, LONG_NAME);

	return (struct outcome){ !err, -err };
}

/* Limits go with their device: a tenant that could make it go had none. */
static int test_tenant_cannot_remove_device(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	struct device *guest = guest_device();
	struct holder tenant = user_in(own, NULL, TENANT);

	set_limit(own, guest, "hca_object=3");
	may_not(&tenant, remove_guest, 0, "", EPERM);
	may_not(&tenant, remove_guest_link, 0, "", EPERM);
	may_not(&tenant, rename_guest, 0, "", EPERM);

	/* Not even as an administrator of a network of its own. */
	put_into_namespaces(&tenant, CLONE_NEWUSER | CLONE_NEWNET);
	may_not(&tenant, remove_guest, 0, "", EPERM);
	may_not(&tenant, remove_guest_link, 0, "", ENODEV);
	may_not(&tenant, rename_guest, 0, "", EPERM);
	expect_limit(own, guest, NO_LIMIT, 3);
	return KSFT_PASS;
}

/*
 * What a file allows is decided when it is opened: a tenant that got an open
 * file may write there, and may go on when its rights are gone. Which processes
 * it may move depends on the rights of the opener, not on those of the writer.
 */
static int test_opener_decides(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	char *alien = new_cgroup(root, "b");
	struct holder tenant = user_in(own, NULL, TENANT);
	struct holder helper = occupy(alien);
	char *leaf = settle(&tenant, own);

	/* From root to the tenant. */
	may(&helper, open_file, O_WRONLY, cg_control(own, "rdma.max"));
	hand_over(&helper, &tenant);
	may_write_kept(&tenant, RXE_NAME " hca_object=9");
	expect_limit(own, rxe(), NO_LIMIT, 9);
	may_not(&tenant, reopen_kept, O_WRONLY, "", EACCES);
	may_not_write(&tenant, own, "rdma.max", RXE_NAME " hca_object=8",
		      EACCES);

	/* From the tenant to root, as with a helper's standard output. */
	may(&tenant, open_file, O_RDONLY, cg_control(own, "rdma.max"));
	hand_over(&tenant, &helper);
	may_not_write_kept(&helper, RXE_NAME " hca_object=7", EBADF);
	expect_limit(own, rxe(), NO_LIMIT, 9);
	may(&tenant, open_file, O_WRONLY, cg_control(leaf, "cgroup.procs"));
	hand_over(&tenant, &helper);
	may_not_write_kept(&helper, "0", EACCES);
	may(&tenant, open_file, O_WRONLY, cg_control(leaf, "rdma.max"));
	hand_over(&tenant, &helper);
	may_write_kept(&helper, RXE_NAME " hca_object=6");
	expect_limit(leaf, rxe(), NO_LIMIT, 6);

	/* To take back what was delegated closes no file. */
	delegate(own, 0);
	expect(!chown(cg_control(leaf, "rdma.max"), 0, 0), "%s",
	       strerror(errno));
	may_not_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=5",
		      EACCES);
	may_write_kept(&tenant, RXE_NAME " hca_object=4");
	expect_limit(leaf, rxe(), NO_LIMIT, 4);
	return KSFT_PASS;
}

/*
 * Namespaces
 */

#define CONTAINER	(CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS)

/* What all mounts of cgroup v2 have in common, as one word. */
static void read_mount_options(char *options, size_t size)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	char line[2048], seen[256], *at;

	options[0] = 0;
	while (mounts && fgets(line, sizeof(line), mounts)) {
		at = strstr(line, " - cgroup2 ");
		if (at && sscanf(at, " - cgroup2 %*s %255s", seen) == 1)
			snprintf(options, size, "%s", seen);
	}
	if (mounts)
		fclose(mounts);
}

static bool has_nsdelegate(void)
{
	char options[256];

	read_mount_options(options, sizeof(options));
	return strstr(options, "nsdelegate");
}

/* Namespaces become bounds, everywhere, till tidy_up() undoes it. */
static void need_nsdelegate(void)
{
	char options[300];

	if (has_nsdelegate())
		return;
	read_mount_options(shared->mount_options,
			   sizeof(shared->mount_options));
	snprintf(options, sizeof(options), "%s,nsdelegate",
		 shared->mount_options);
	if (mount("none", current->root, NULL, MS_REMOUNT, options))
		skip("cannot remount cgroup v2 with nsdelegate: %s",
		     strerror(errno));
}

/* Not even by root, whatever the files' modes say. */
static int test_namespace_cannot_write_its_root(const char *root)
{
	char *own = new_cgroup(root, "a");
	struct holder inside = occupy(own);
	struct holder outside = occupy(new_cgroup(root, "b"));
	char *leaf;

	may(&inside, open_file, O_WRONLY, cg_control(own, "rdma.max"));
	put_into_namespaces(&inside, CLONE_NEWCGROUP);
	leaf = settle(&inside, own);
	if (!has_nsdelegate())
		may_write(&inside, own, "rdma.max", RXE_NAME " hca_object=1");
	need_nsdelegate();
	set_limit(own, rxe(), "hca_object=5");
	may_not_write(&inside, own, "rdma.max", RXE_NAME " hca_object=6",
		      EPERM);
	may_not_write(&inside, own, "rdma.max", RXE_NAME " hca_object=4",
		      EPERM);
	may_write(&inside, leaf, "rdma.max", RXE_NAME " hca_object=7");
	expect_limit(own, rxe(), NO_LIMIT, 5);
	expect_limit(leaf, rxe(), NO_LIMIT, 7);

	/* It is decided by where the file was opened. */
	may_write_kept(&inside, RXE_NAME " hca_object=6");
	expect_limit(own, rxe(), NO_LIMIT, 6);
	may(&inside, open_file, O_WRONLY, cg_control(own, "rdma.max"));
	hand_over(&inside, &outside);
	may_not_write_kept(&outside, RXE_NAME " hca_object=8", EPERM);
	may_write(&outside, own, "rdma.max", RXE_NAME " hca_object=9");
	expect_limit(own, rxe(), NO_LIMIT, 9);
	return KSFT_PASS;
}

static int test_namespace_cannot_be_left(const char *root)
{
	char *own = new_cgroup(root, "a");
	char *alien = new_cgroup(root, "b");
	struct holder inside = hold(own, rxe());
	char *leaf;

	set_limit(own, rxe(), "hca_object=1");
	put_into_namespaces(&inside, CLONE_NEWCGROUP);
	if (!has_nsdelegate()) {
		may_enter(&inside, alien);
		may_enter(&inside, own);
	}
	leaf = settle(&inside, own);
	need_nsdelegate();
	may_not_enter(&inside, alien, ENOENT);
	may_not_enter(&inside, current->root, ENOENT);
	may_not(&inside, clone_into, 0, alien, ENOENT);
	may(&inside, clone_into, 0, leaf);
	expect_make(&inside, CONTEXT, 1);
	expect_refusal_after(&inside, PD, 1);
	expect_usage(own, rxe(), 1, 1);
	return KSFT_PASS;
}

/* Root of a user namespace, seen from outside, is the user who made it. */
static int test_user_namespace_gives_no_rights(const char *root)
{
	char *own = new_cgroup(root, "a");
	char *alien = new_cgroup(root, "b");
	struct holder tenant = user_in(own, rxe(), TENANT);
	const char *seen[2] = { own, current->root };
	int i;

	set_limit(own, rxe(), "hca_handle=1 hca_object=3");
	put_into_namespaces(&tenant, CONTAINER | CLONE_NEWNET);
	may_not_enter(&tenant, alien, EACCES);
	/* Neither there, nor where its own mount has its cgroup as the root. */
	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		char *limits = cg_control(seen[i], "rdma.max");

		if (i)
			may(&tenant, mount_own_view, 0, "");
		may(&tenant, open_file, O_RDONLY, limits);
		may_not_write(&tenant, seen[i], "rdma.max",
			      RXE_NAME " hca_object=9", EACCES);
		may_not(&tenant, reopen_kept, O_WRONLY, "", EACCES);
		may_not(&tenant, change_mode, 0666, limits, EPERM);
		may_not(&tenant, change_owner, 0, limits, EPERM);
		may_not(&tenant, make_directory, 0, cg_name(seen[i], "leaf"),
			EACCES);
		may_not_enter(&tenant, seen[i], EACCES);
		if (current->unified)
			may_not_write(&tenant, seen[i],
				      "cgroup.subtree_control", "+rdma",
				      EACCES);
	}
	expect_limit(own, rxe(), 1, 3);
	return KSFT_PASS;
}

static int check_user_in_namespaces(const char *root, int flags)
{
	char *own = new_cgroup(root, "a");
	struct holder tenant = user_in(own, rxe(), TENANT);

	put_into_namespaces(&tenant, flags);
	make_basics(&tenant);
	expect_usage(own, rxe(), 1, 2);
	set_limit(own, rxe(), "hca_handle=1 hca_object=3");
	expect_kinds_are_refused(&tenant, own, rxe());
	expect_usage(root, rxe(), 1, 2);
	release(&tenant);
	expect_usage(own, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_user_namespace_is_limited(const char *root)
{
	return check_user_in_namespaces(root, CONTAINER);
}

static struct outcome see_limit(int handles, int unused)
{
	expect_values(HERE, shared->path, "rdma.max", RXE_NAME, handles,
		      NO_LIMIT);
	return outcome_if(true);
}

/* Devices may be shared with other network namespaces; then limits are, too. */
static int test_net_namespace_is_limited(const char *root)
{
	char *own = new_cgroup(root, "b");
	struct holder elsewhere = user_in(own, rxe(), TENANT);
	char mode[8] = "";

	cg_read("/sys/module/ib_core/parameters", "netns_mode", mode,
		sizeof(mode));
	if (*mode != 'Y')
		skip("devices are not shared with other network namespaces");
	set_limit(own, rxe(), "hca_handle=4");
	put_into_namespaces(&elsewhere, CLONE_NEWUSER | CLONE_NEWNET);
	may(&elsewhere, see_limit, 4, own);
	release(&elsewhere);
	return check_user_in_namespaces(root, CLONE_NEWUSER | CLONE_NEWNET);
}

static int test_user_namespace_limits_its_children(const char *root)
{
	char *own = delegated_cgroup(root, "a");
	struct holder tenant;
	struct stat status;
	char *leaf;

	set_limit(own, rxe(), "hca_handle=1 hca_object=3");
	tenant = user_in(own, rxe(), TENANT);
	put_into_namespaces(&tenant, CONTAINER);
	may(&tenant, mount_own_view, 0, "");

	/* There its own cgroup is the root, and has files all the same. */
	leaf = settle(&tenant, current->root);
	may_write(&tenant, leaf, "rdma.max", RXE_NAME " hca_object=2");
	expect(!stat(cg_control(own, "leaf/rdma.max"), &status), "%s",
	       strerror(errno));
	expect(status.st_uid == TENANT, "user %d", status.st_uid);
	leaf = cg_name(own, "leaf");
	expect_limit(leaf, rxe(), NO_LIMIT, 2);
	expect_make(&tenant, CONTEXT, 1);
	expect_refusal_after(&tenant, PD, 2);
	may_write(&tenant, cg_name(current->root, "leaf"), "rdma.max",
		  RXE_NAME " hca_object=max");
	expect_refusal_after(&tenant, PD, 1);
	expect_refusal_after(&tenant, CONTEXT, 0);
	expect_usage(leaf, rxe(), 1, 3);
	expect_usage(own, rxe(), 1, 3);

	may_not_write(&tenant, current->root, "rdma.max",
		      RXE_NAME " hca_object=9", EACCES);
	may_not(&tenant, change_owner, 0,
		cg_control(current->root, "rdma.max"), EPERM);
	expect_limit(own, rxe(), 1, 3);
	if (!current->unified)
		return KSFT_PASS;

	/* With nsdelegate that is safe even if the file is given away. */
	need_nsdelegate();
	expect(!chown(cg_control(own, "rdma.max"), TENANT, -1), "%s",
	       strerror(errno));
	may_not_write(&tenant, current->root, "rdma.max",
		      RXE_NAME " hca_object=9", EPERM);
	expect_limit(own, rxe(), 1, 3);
	return KSFT_PASS;
}

static struct outcome see_only_own_cgroup(int unused, int unused2)
{
	const char *mine = current->unified ? "0::/\n" : ":rdma:/\n";
	char text[FILE_SIZE];
	glob_t found;

	read_file("/proc/self", "cgroup", text);
	expect(strstr(text, mine), "seen:\n%s", text);
	expect(glob(cg_control(current->root, "*/rdma.max"), 0, NULL, &found) ==
	       GLOB_NOMATCH, "%s is there", found.gl_pathv[0]);
	expect_values(HERE, current->root, "rdma.max", RXE_NAME, 3, NO_LIMIT);
	return outcome_if(true);
}

static int test_namespace_sees_no_other_cgroup(const char *root)
{
	char *own = new_cgroup(root, "a");
	char *alien = new_cgroup(root, "b");
	struct holder tenant = user_in(own, NULL, TENANT);
	int i;

	set_limit(root, rxe(), "hca_handle=9");
	set_limit(own, rxe(), "hca_handle=3");
	put_into_namespaces(&tenant, CONTAINER);
	may(&tenant, find_path, 0, cg_control(alien, "rdma.max"));
	may(&tenant, mount_own_view, 0, "");
	may(&tenant, see_only_own_cgroup, 0, "");
	may_not(&tenant, find_path, 0, cg_control(alien, "rdma.max"), ENOENT);
	may_not(&tenant, find_path, 0, cg_control(own, "rdma.max"), ENOENT);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		may(&tenant, find_path, 0, cg_control(current->root, files[i]));
		may_not(&tenant, find_path, 0,
			cg_control(cg_name(current->root, "../b"), files[i]),
			ENOENT);
		may_not(&tenant, find_path, 0,
			cg_control(cg_name(current->root, ".."), files[i]),
			ENOENT);
	}
	set_limit(root, rxe(), "hca_handle=max");
	return KSFT_PASS;
}

static struct watch watched_inside;

static struct outcome start_watch(int unused, int unused2)
{
	watched_inside = watch(current->root, "rdma.events", true);
	return outcome_if(true);
}

static struct outcome expect_woken(int refusals, int unused)
{
	char text[FILE_SIZE];

	expect_told(HERE, &watched_inside, 1);
	catch_up(&watched_inside, text);
	expect(value_of(strstr(text, RXE_NAME), " hca_object.max=") == refusals,
	       "seen:\n%s", text);
	return outcome_if(true);
}

/* A process that may only read, and sees only its own cgroup, may wait. */
static int test_namespace_is_woken(const char *root)
{
	char *own = new_cgroup(root, "a");
	struct holder tenant = user_in(own, rxe(), TENANT);
	int i;

	set_limit(own, rxe(), "hca_object=0");
	put_into_namespaces(&tenant, CONTAINER);
	may(&tenant, mount_own_view, 0, "");
	expect_make(&tenant, CONTEXT, 1);
	may(&tenant, start_watch, 0, "");
	for (i = 1; i <= 2; i++) {
		expect_refusal_after(&tenant, PD, 0);
		may(&tenant, expect_woken, i, "");
	}
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_tenant_limits_its_children),
	T(test_tenant_cannot_change_its_limit),
	T(test_limits_of_children_give_no_more),
	T(test_tenant_gains_nothing_by_toggling, .unified_only = true),
	T(test_tenant_gains_nothing_by_threads, .unified_only = true),
	T(test_thread_is_bound_by_its_own_cgroup, .legacy_only = true),
	T(test_tenant_cannot_leave),
	T(test_tenant_cannot_touch_neighbour),
	T(test_tenant_cannot_remove_device),
	T(test_opener_decides),
	T(test_namespace_cannot_write_its_root, .unified_only = true),
	T(test_namespace_cannot_be_left, .unified_only = true),
	T(test_user_namespace_gives_no_rights),
	T(test_user_namespace_is_limited),
	T(test_net_namespace_is_limited),
	T(test_user_namespace_limits_its_children),
	T(test_namespace_sees_no_other_cgroup),
	T(test_namespace_is_woken),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
