// SPDX-License-Identifier: GPL-2.0-only
/* What each process does. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/failslab.h"
#include "fuzz.h"

#define MAX_CONTEXTS	3
#define MAX_MAPS	6
#define MAX_CHILDREN	2
#define CHILD_STEPS	80
#define PAGE		4096UL
#define FIRST_LIFE	1000	/* dice with a lower number are others' */

int post[2];

static struct context contexts[MAX_CONTEXTS];
static struct {
	void *at;
	size_t size;
} maps[MAX_MAPS];
static int touch_fd = -1;
static int nr_children;		/* -1: is one itself */

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);

	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* The file of a device; or -1, as it may just have gone. */
static int open_file_of(const char *device)
{
	char name[64];
	int fd = -1;
	glob_t found;
	size_t i;

	if (glob("/sys/class/infiniband_verbs/uverbs*", 0, NULL, &found))
		return -1;
	for (i = 0; i < found.gl_pathc && fd < 0; i++) {
		if (!read_text(path_of("%s/ibdev", found.gl_pathv[i]), name,
			       sizeof(name)))
			continue;
		name[strcspn(name, "\n")] = '\0';
		if (!strcmp(name, device))
			fd = open(path_of("/dev/infiniband/%s",
					  strrchr(found.gl_pathv[i], '/') + 1),
				  O_RDWR | O_CLOEXEC);
	}
	globfree(&found);
	return fd;
}

static void read_gid(const char *device, unsigned char *gid)
{
	char text[64];
	unsigned int part;
	int i;

	if (!read_text(path_of("/sys/class/infiniband/%s/ports/1/gids/0", device),
		       text, sizeof(text)))
		return;
	for (i = 0; i < 8 && sscanf(text + 5 * i, "%4x", &part) == 1; i++) {
		gid[2 * i] = part >> 8;
		gid[2 * i + 1] = part;
	}
}

static void open_one(struct context *context)
{
	int number = roll(nr_devices + 1);
	const char *device = number < nr_devices ? device_name(number) : GUEST;
	bool is_siw = number < nr_devices ? !strcmp(driver_of(number), "siw") :
					    counted->guest_is_siw;

	context->fd = open_file_of(device);
	if (context->fd < 0) {
		sleep_us(1000);
		return;
	}
	context->opener = getpid();
	context->works = false;
	context->driver = is_siw ? RDMA_DRIVER_SIW : RDMA_DRIVER_RXE;
	read_gid(device, context->gid);
	forget_objects(context);
}

/* Its events' files, if there are any, have a life of their own. */
static void close_one(struct context *context)
{
	bool fails = !roll(4);

	if (roll(2))
		forget_objects(context);
	if (fails)
		fail_nth(1 + roll(8));
	close(context->fd);
	if (fails)
		fail_end(NULL);
	context->fd = -1;
}

static void map(const struct context *context)
{
	int which = roll(MAX_MAPS);
	__u64 offset = context->offsets[roll(MAX_OFFSETS)];
	size_t size = (1 + roll(4)) * PAGE;

	choose_mutations();
	if (maps[which].at)
		munmap(maps[which].at, maps[which].size);
	if (odd())
		offset = roll(0x7fffffff);
	if (odd())
		size = roll(0x7fffffff);
	maps[which].size = size;
	maps[which].at = mmap(NULL, size,
			      odd() ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE,
			      odd() ? MAP_PRIVATE : MAP_SHARED, context->fd,
			      offset & ~(PAGE - 1));
	if (maps[which].at == MAP_FAILED)
		maps[which].at = NULL;
	else
		add(&counted->maps, 1);
}

/* The kernel reads it for us: it answers where we would be killed. */
static void touch(void)
{
	int which = roll(MAX_MAPS);

	if (maps[which].at && pwrite(touch_fd, maps[which].at, 64, 0) < 0) {
		munmap(maps[which].at, maps[which].size);
		maps[which].at = NULL;
	}
}

static void read_events(const struct context *context)
{
	unsigned int kind = roll(2) ? UVERBS_OBJECT_COMP_CHANNEL :
				      UVERBS_OBJECT_ASYNC_EVENT;
	struct pollfd events = { .events = POLLIN };
	char text[64];

	if (!context->nr[kind])
		return;
	events.fd = context->handles[kind][roll(context->nr[kind])];
	fcntl(events.fd, F_SETFL, O_NONBLOCK);
	poll(&events, 1, 0);
	if (read(events.fd, text, roll(sizeof(text))) < 0)
		poll(&events, 1, roll(2));
}

/* A process that gets it asks the kernel what there is. */
static void pass_on(const struct context *context)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {
		.head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS },
	};
	struct iovec text = { (void *)context, sizeof(*context) };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &context->fd, sizeof(int));
	sendmsg(post[0], &message, MSG_DONTWAIT);
}

static void take_over(struct context *context)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec text = { context, sizeof(*context) };
	struct msghdr message = {
		.msg_iov = &text, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct pollfd ready = { .fd = post[1], .events = POLLIN };

	if (poll(&ready, 1, 0) != 1)
		return;
	close_one(context);
	if (recvmsg(post[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return;
	context->fd = -1;
	memset(context->nr, 0, sizeof(context->nr));
	if (!message.msg_controllen)
		return;
	memcpy(&context->fd, CMSG_DATA(&control.head), sizeof(int));
	learn_handles(context);
	add(&counted->passed, 1);
}

static void step(void);

/* A child that shares all that there is, and does the same for a while. */
static void fork_one(void)
{
	unsigned int seed = roll(0x7fffffff);
	int steps;

	while (nr_children > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		nr_children--;
	if (nr_children < 0 || nr_children == MAX_CHILDREN)
		return;
	if (spawn()) {
		nr_children++;
		add(&counted->forks, 1);
		return;
	}
	take_dice(seed);
	nr_children = -1;
	if (fail_nth_begin())
		_exit(EXIT_FAILURE);
	for (steps = roll(CHILD_STEPS); steps && !shared->stop; steps--)
		step();
	_exit(EXIT_SUCCESS);
}

static void step(void)
{
	struct context *context = &contexts[roll(MAX_CONTEXTS)];

	if (context->fd < 0) {
		open_one(context);
		return;
	}
	if (!context->works && roll(8)) {
		get_context(context);
		return;
	}
	switch (roll(80)) {
	case 0 ... 1:
		close_one(context);
		break;
	case 2 ... 3:
		map(context);
		break;
	case 4 ... 5:
		touch();
		break;
	case 6 ... 8:
		read_events(context);
		break;
	case 9:
		fork_one();
		break;
	case 10:
		pass_on(context);
		break;
	case 11:
		take_over(context);
		break;
	default:
		call(context);
	}
}

/* Until the end of the round. Each life has dice of its own. */
void play(int life)
{
	int i;

	take_dice(FIRST_LIFE + life);
	touch_fd = memfd_create("touched", MFD_CLOEXEC);
	calls_begin();
	for (i = 0; i < MAX_CONTEXTS; i++)
		contexts[i].fd = -1;
	while (!shared->stop)
		step();
}
