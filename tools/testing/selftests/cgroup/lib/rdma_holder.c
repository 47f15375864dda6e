// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma_holder.h"

struct order {
	job_fn *job;
	int what, count;
};

/*
 * Jobs: what holders do when asked
 */

int lane[2];

struct outcome make(int kind, int count)
{
	struct outcome outcome = {};

	while (outcome.done < count) {
		void *item = make_one(kind);

		if (!item) {
			outcome.err = errno;
			break;
		}
		made[kind].item[__atomic_fetch_add(&made[kind].nr, 1,
						   __ATOMIC_RELAXED)] = item;
		outcome.done++;
	}
	return outcome;
}

struct outcome drop(int kind, int count)
{
	struct outcome outcome = {};

	while (outcome.done < count && made[kind].nr) {
		if (drop_one(kind, made[kind].item[--made[kind].nr])) {
			outcome.err = errno;
			break;
		}
		outcome.done++;
	}
	return outcome;
}

static void serve(int fd)
{
	struct order order;

	while (recv(fd, &order, sizeof(order), 0) == sizeof(order)) {
		struct outcome outcome = order.job(order.what, order.count);

		if (send(fd, &outcome, sizeof(outcome), 0) < 0)
			break;
	}
	_exit(0);
}

/* Makes a child that inherits all. It serves on the lane's far end. */
struct outcome fork_child(int unused, int unused2)
{
	pid_t pid = fork();

	if (!pid) {
		close(lane[0]);
		serve(lane[1]);
	}
	return (struct outcome){ pid, pid < 0 ? errno : 0 };
}

/* Hands a descriptor over to the process that takes it. Returns 0 or an errno. */
int pass(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec byte = { "", 1 };
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	return sendmsg(lane[0], &message, 0) < 0 ? errno : 0;
}

/* Returns the descriptor, or -1. */
int take(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec into = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &into,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(lane[1], &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

struct outcome pass_context(int unused, int unused2)
{
	return (struct outcome){ 1, pass(*context_fd()) };
}

/*
 * Makes this holder's context speak through the descriptor passed; its own one
 * is closed by that.
 */
struct outcome take_context(int unused, int unused2)
{
	int fd = take();

	if (fd < 0)
		return (struct outcome){ 0, EPROTO };
	if (dup2(fd, *context_fd()) < 0 || close(fd))
		return (struct outcome){ 0, errno };
	return (struct outcome){ 1, 0 };
}

/* The outcome of a system call that has succeeded or set errno. */
struct outcome outcome_if(bool done)
{
	return (struct outcome){ done, done ? 0 : errno };
}

/* With a user namespace it is root there, and nothing more than it was here. */
struct outcome enter_namespaces(int flags, int unused)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %d 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %d 1", getegid());
	if (unshare(flags))
		return outcome_if(false);
	if (flags & CLONE_NEWUSER &&
	    (cg_write("/proc/self", "setgroups", "deny") ||
	     cg_write("/proc/self", "uid_map", uid_map) ||
	     cg_write("/proc/self", "gid_map", gid_map)))
		return outcome_if(false);
	if (flags & CLONE_NEWNS)
		return outcome_if(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
					 NULL));
	return outcome_if(true);
}

/*
 * Holders
 */

/* A child that dies with its parent. */
pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail(HERE, "fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A new holder in @cgroup that has no device to work with. */
struct holder occupy(const char *cgroup)
{
	struct holder holder;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail(HERE, "socketpair: %s", strerror(errno));
	holder.pid = spawn();
	if (!holder.pid) {
		int err = cg_enter_current(cgroup);

		if (err)
			fail(HERE, "enter %s: %s", cgroup, strerror(-err));
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	holder.fd = pair[0];
	return holder;
}

/* A new holder in @cgroup that works with @device. */
struct holder hold(const char *cgroup, const struct device *device)
{
	use_device(device);
	return occupy(cgroup);
}

void start(struct holder *holder, job_fn *job, int what, int count)
{
	struct order order = { job, what, count };

	if (send(holder->fd, &order, sizeof(order), MSG_NOSIGNAL) < 0)
		fail(HERE, "holder %d is gone", holder->pid);
}

/* Waits for the end of the job. */
struct outcome outcome_of(struct holder *holder)
{
	struct outcome outcome;

	if (recv(holder->fd, &outcome, sizeof(outcome), 0) != sizeof(outcome))
		fail(HERE, "holder %d died at work", holder->pid);
	return outcome;
}

struct outcome ask(struct holder *holder, job_fn *job, int what, int count)
{
	start(holder, job, what, count);
	return outcome_of(holder);
}

void expect_outcome(const char *where, const char *asked,
		    struct outcome outcome, int done, int err)
{
	if (outcome.done != done || outcome.err != err)
		fail(where, "%s: expected %d done, then %s; seen %d, then %s",
		     asked, done, err ? strerror(err) : "success", outcome.done,
		     outcome.err ? strerror(outcome.err) : "success");
}

/* The holder can do @count, and if @err is set, not one more. */
void expect_done(const char *where, struct holder *holder, job_fn *job,
		 enum kind kind, int count, int err)
{
	expect_outcome(where, kind_names[kind],
		       ask(holder, job, kind, err ? count + 1 : count),
		       count, err);
}

/* A holder with one context and @pds PDs. */
struct holder hold_pds(const char *cgroup, const struct device *device, int pds)
{
	struct holder holder = hold(cgroup, device);

	expect_make(&holder, CONTEXT, 1);
	expect_make(&holder, PD, pds);
	return holder;
}

void reap(pid_t pid)
{
	if (waitpid(pid, NULL, 0) != pid)
		fail(HERE, "wait for %d: %s", pid, strerror(errno));
}

/* The holder exits and leaves it to the kernel to drop what it holds. */
void release(struct holder *holder)
{
	/* Younger holders have copies of it: closing would not do. */
	shutdown(holder->fd, SHUT_RDWR);
	close(holder->fd);
	reap(holder->pid);
}

void crash(struct holder *holder)
{
	kill(holder->pid, SIGKILL);
	release(holder);
}

/* @holder tries a job on @path. Returns an errno. */
int attempt(struct holder *holder, job_fn *job, int what, const char *path,
	    const char *text)
{
	snprintf(shared->path, sizeof(shared->path), "%s", path);
	snprintf(shared->text, sizeof(shared->text), "%s", text);
	return ask(holder, job, what, 0).err;
}
