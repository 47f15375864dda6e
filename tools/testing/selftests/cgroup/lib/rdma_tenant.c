// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma_file.h"
#include "rdma_tenant.h"

/* Gives up root's rights for good. */
static struct outcome become_user(int id, int unused)
{
	if (setgroups(0, NULL) || setgid(id) || setuid(id))
		return outcome_if(false);
	/* With its user a process loses both; the latter to map its IDs. */
	return outcome_if(!prctl(PR_SET_PDEATHSIG, SIGKILL) &&
			  !prctl(PR_SET_DUMPABLE, 1));
}

struct outcome write_file(int unused, int unused2)
{
	ssize_t len = strlen(shared->text);
	int fd = open(shared->path, O_WRONLY | O_CLOEXEC);
	struct outcome outcome;

	outcome = outcome_if(fd >= 0 && write(fd, shared->text, len) == len);
	close(fd);
	return outcome;
}

struct outcome make_directory(int unused, int unused2)
{
	return outcome_if(!mkdir(shared->path, 0755));
}

struct outcome remove_directory(int unused, int unused2)
{
	return outcome_if(!rmdir(shared->path));
}

struct outcome remove_file(int unused, int unused2)
{
	return outcome_if(!unlink(shared->path));
}

struct outcome rename_path(int unused, int unused2)
{
	return outcome_if(!rename(shared->path, shared->text));
}

struct outcome truncate_file(int size, int unused)
{
	return outcome_if(!truncate(shared->path, size));
}

struct outcome change_mode(int mode, int unused)
{
	return outcome_if(!chmod(shared->path, mode));
}

struct outcome change_owner(int id, int unused)
{
	return outcome_if(!chown(shared->path, id, -1));
}

struct outcome find_path(int unused, int unused2)
{
	return outcome_if(!access(shared->path, F_OK));
}

/* Has a child that begins its life in another cgroup. */
struct outcome clone_into(int unused, int unused2)
{
	int fd = open(shared->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid = fd < 0 ? -1 : clone_into_cgroup(fd);
	struct outcome outcome = outcome_if(pid >= 0);

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	close(fd);
	return outcome;
}

/*
 * Makes the hierarchy's mount show what this process's namespace does. What it
 * showed is in the way, as it is the same file system, and is covered first.
 */
struct outcome mount_own_view(int unused, int unused2)
{
	const char *type = current->unified ? "cgroup2" : "cgroup";
	const char *options = current->unified ? NULL : "rdma";

	return outcome_if(!mount("none", current->root, "tmpfs", 0, NULL) &&
			  !mount("none", current->root, type, 0, options));
}

static int kept = -1;		/* a file that this process has open */

struct outcome open_file(int flags, int unused)
{
	close(kept);
	kept = open(shared->path, flags | O_CLOEXEC);
	return outcome_if(kept >= 0);
}

/* The same file once more, with other rights. */
struct outcome reopen_kept(int flags, int unused)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept);
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return outcome_if(fd >= 0);
}

struct outcome write_kept(int unused, int unused2)
{
	ssize_t len = strlen(shared->text);

	return outcome_if(write(kept, shared->text, len) == len);
}

struct outcome change_mode_of_kept(int mode, int unused)
{
	return outcome_if(!fchmod(kept, mode));
}

static struct outcome pass_kept(int unused, int unused2)
{
	return (struct outcome){ 1, pass(kept) };
}

static struct outcome take_kept(int unused, int unused2)
{
	close(kept);
	kept = take();
	return (struct outcome){ 1, kept < 0 ? EPROTO : 0 };
}

void expect_attempt(const char *where, const char *asked, struct holder *holder,
		    job_fn *job, int what, const char *path, const char *text,
		    int err)
{
	int seen = attempt(holder, job, what, path, text);

	if (seen != err)
		fail(where, "%s %s '%s': expected %s, seen %s", asked, path,
		     quoted(text), err ? strerror(err) : "success",
		     seen ? strerror(seen) : "success");
}

/* All users may use the device. */
static void admit_users(const struct device *device)
{
	char path[sizeof(shared->node)];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/infiniband/%s", node_name(device->verbs));
	if (stat(path, &status) || (status.st_mode & 0006) == 0006)
		return;
	shared->node_mode = status.st_mode & 07777;
	memcpy(shared->node, path, sizeof(path));
	chmod(path, 0666);
}

/* A user's process in @cgroup, with a device or without. */
struct holder user_in(const char *cgroup, const struct device *device, int id)
{
	struct holder user = device ? hold(cgroup, device) : occupy(cgroup);

	if (device)
		admit_users(device);
	expect_outcome(HERE, "become a user", ask(&user, become_user, id, 0),
		       1, 0);
	return user;
}

/* The file that @from has open, as it is. */
void hand_over(struct holder *from, struct holder *to)
{
	expect_outcome(HERE, "pass", ask(from, pass_kept, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(to, take_kept, 0, 0), 1, 0);
}

void put_into_namespaces(struct holder *holder, int flags)
{
	struct outcome outcome = ask(holder, enter_namespaces, flags, 0);

	if (outcome.err)
		skip("cannot be root in namespaces of its own: %s (are user namespaces allowed?)",
		     strerror(outcome.err));
}

/* As the kernel's documents say: not what sets the limits. */
void delegate(const char *cgroup, int id)
{
	static const char * const unified_files[] = {
		"cgroup.procs", "cgroup.threads", "cgroup.subtree_control",
	};
	static const char * const legacy_files[] = { "cgroup.procs", "tasks" };
	const char * const *names = current->unified ? unified_files :
						       legacy_files;
	int nr = current->unified ? ARRAY_SIZE(unified_files) :
				    ARRAY_SIZE(legacy_files);
	int err = chown(cgroup, id, id);

	while (nr && !err)
		err = chown(cg_control(cgroup, names[--nr]), id, id);
	if (err)
		fail(HERE, "chown in %s: %s", cgroup, strerror(errno));
}

char *delegated_cgroup(const char *root, const char *name)
{
	char *cgroup = new_cgroup(root, name);

	delegate(cgroup, TENANT);
	return cgroup;
}

/* Moves the tenant below the cgroup that it got, so that it may limit itself. */
char *settle(struct holder *tenant, const char *own)
{
	char *leaf = cg_name(own, "leaf");

	may(tenant, make_directory, 0, leaf);
	may_enter(tenant, leaf);
	if (current->unified)
		may_write(tenant, own, "cgroup.subtree_control", "+rdma");
	return leaf;
}
