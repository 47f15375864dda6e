// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: what its files, its tracepoints and the
 * limits that verbs report promise to user space, proved with verbs objects on
 * software RDMA devices.
 *
 * The program makes its own devices (rxe and siw, each on a dummy link) and its
 * own cgroups, first on the unified hierarchy and then on a cgroup v1 mount, and
 * takes everything away again, also after a failure or a signal.
 *
 * Three kinds of processes take part:
 *
 *   supervisor  makes and removes devices and hierarchies, runs the tests one
 *               by one, tidies up after each, and reports in TAP
 *   test        one per test; reads and writes the cgroup files, and judges
 *   holders     sit in the cgroups under test; make, keep and drop verbs
 *               objects when the test asks them to
 *
 * A test that cannot go on exits. It need not tidy up.
 *
 * Usage: test_rdma [PART-OF-NAME]    for instance: test_rdma v1:test_parse
 */
#define _GNU_SOURCE

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <mntent.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <rdma/rdma_netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if __has_include("infiniband/verbs.h")
#include <infiniband/verbs.h>
#define HAVE_LIBIBVERBS
#endif

#include "../kselftest.h"
#include "cgroup_util.h"

#ifndef __printf
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#endif

#define TOP_NAME	"rdmacg_test"	/* the cgroup that holds all others */
#define RXE_NAME	"rdmacg_rxe"	/* devices made here, there for all tests */
#define SIW_NAME	"rdmacg_siw"
#define GUEST_NAME	"rdmacg_guest"	/* one that comes and goes in a test */
#define TWIN_NAME	GUEST_NAME "_2"	/* one that takes the name of that */
#define DEVICE_NAME_MAX	64		/* with the final 0, as in the kernel */
#define LONG_NAME	GUEST_NAME "_under_a_name_as_long_as_that_of_any_device_can_be_"
#define NO_LIMIT	2147483647	/* S32_MAX, written as "max" */
#define TRACING		"/sys/kernel/tracing"
#define TRACE		TRACING "/instances/" TOP_NAME	/* disturbs no other */
#define NOBODY		65534		/* the ID of some user who is not root */
#define TENANT		60001		/* of one to whom cgroups are delegated */
#define NEIGHBOUR	60002		/* of another */
#define TEST_TIMEOUT	120		/* seconds */
#define SETTLE_MS	10000		/* for what the kernel ends in the background */

static_assert(sizeof(LONG_NAME) == DEVICE_NAME_MAX, "as long as can be");

/* An RDMA device. It and the network link below it bear the same name. */
struct device {
	const char *name;
	const char *driver;
	char missing[128];	/* why there is none; empty if there is one */
#ifdef HAVE_LIBIBVERBS
	struct ibv_device *verbs;
#endif
};

static struct device devices[] = {
	{ .name = RXE_NAME, .driver = "rxe" },
	{ .name = SIW_NAME, .driver = "siw" },
};

/* What a device says of itself. */
struct device_attr {
#ifdef HAVE_LIBIBVERBS
	struct ibv_device_attr_ex verbs;
#endif
};

/* What all processes see. */
static struct {
	int race;		/* RACE_AHEAD, ... */
	int nr_done;		/* of what is done over and over in the race */
	char reason[256];	/* why the test was skipped */
	struct device_attr attr;	/* what a holder was told last */
	char path[PATH_MAX];	/* the file that a job is about */
	char text[PATH_MAX];	/* what is written there, say */

	/* What a test has changed, and is to be as it was; empty: nothing. */
	int twin;		/* index of a device in a net namespace; 0: none */
	bool exclusive;		/* devices are seen in their net namespace alone */
	char node[128];		/* of a device */
	mode_t node_mode;
	char mount_options[256];	/* of cgroup v2 */
} *shared;

/* Where cgroups are made. */
static struct hierarchy {
	const char *name;
	bool unified;
	char root[PATH_MAX];		/* the mount */
	char top[PATH_MAX];		/* our cgroup below it */
	bool own_mount;			/* v1: nobody had mounted it */
} unified = { .name = "v2", .unified = true }, legacy = { .name = "v1" };

/* The hierarchy under test. */
static struct hierarchy *current;

/*
 * Judging
 */

/* Ends the test. */
static void __printf(2, 3) fail(const char *where, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s: %s\n", where, text);
	exit(KSFT_FAIL);
}

/* Ends the test, too: it cannot be run here. */
static void __printf(1, 2) skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(shared->reason, sizeof(shared->reason), format, args);
	va_end(args);
	exit(KSFT_SKIP);
}

#define STRING_OF(x)	#x
#define STRING(x)	STRING_OF(x)
#define HERE		"line " STRING(__LINE__)

#define expect(condition, format, ...) do {				\
	if (!(condition))						\
		fail(HERE, "expected " #condition ": " format,		\
		     ##__VA_ARGS__);					\
} while (0)

static void sleep_ms(long ms)
{
	struct timespec duration = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&duration, NULL);
}

/* Repeats @condition until it holds, for as long as the kernel may need. */
#define becomes(condition) ({						\
	int _tries = SETTLE_MS / 10;					\
									\
	while (!(condition) && --_tries)				\
		sleep_ms(10);						\
	_tries > 0;							\
})

/*
 * Netlink: RDMA devices, and the links below them
 */

struct message {
	struct nlmsghdr head;
	char body[512];
};

static void start_message(struct message *message, int type, int flags)
{
	memset(message, 0, sizeof(*message));
	message->head.nlmsg_len = NLMSG_LENGTH(0);
	message->head.nlmsg_type = type;
	message->head.nlmsg_flags = NLM_F_REQUEST | flags;
}

static void *append(struct message *message, const void *data, size_t len)
{
	char *end = (char *)message + message->head.nlmsg_len;

	memcpy(end, data, len);
	message->head.nlmsg_len += NLMSG_ALIGN(len);
	return end;
}

static struct nlattr *append_attr(struct message *message, int type,
				  const void *data, size_t len)
{
	struct nlattr head = { .nla_len = NLA_HDRLEN + len, .nla_type = type };
	struct nlattr *attr = append(message, &head, sizeof(head));

	append(message, data, len);
	return attr;
}

static void append_string(struct message *message, int type, const char *text)
{
	append_attr(message, type, text, strlen(text) + 1);
}

/* Returns a socket, or -errno. */
static int open_netlink(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	return fd < 0 ? -errno : fd;
}

/* Returns a socket with the kernel's answer to @message pending, or -errno. */
static int send_message(int protocol, struct message *message)
{
	int fd = open_netlink(protocol);

	if (fd < 0)
		return fd;
	if (send(fd, message, message->head.nlmsg_len, 0) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* Returns what the kernel says to a request that wants something done. */
static int receive_ack(int fd)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr ack;
		char rest[1024];
	} answer;
	ssize_t len = recv(fd, &answer, sizeof(answer), 0);

	if (len < (ssize_t)NLMSG_LENGTH(sizeof(answer.ack)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.ack.error;
}

static int request(int protocol, struct message *message)
{
	int fd, err;

	message->head.nlmsg_flags |= NLM_F_ACK;
	fd = send_message(protocol, message);
	if (fd < 0)
		return fd;
	err = receive_ack(fd);
	close(fd);
	return err;
}

static void start_nldev(struct message *message, int command, int flags)
{
	start_message(message, RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command), flags);
}

static int attr_of_device(const struct nlmsghdr *head, int type,
			  void *data, size_t size)
{
	const char *at = NLMSG_DATA(head);
	const char *end = (char *)head + head->nlmsg_len;

	while (at < end) {
		const struct nlattr *attr = (const struct nlattr *)at;
		size_t len = attr->nla_len - NLA_HDRLEN;

		if (attr->nla_type == type) {
			memcpy(data, attr + 1, len < size ? len : size);
			return 0;
		}
		at += NLA_ALIGN(attr->nla_len);
	}
	return -ENOENT;
}

/* Whether a device is in this process's net namespace, or seen from there. */
static bool is_here(__u32 index)
{
	struct message message;
	char answer[4096];
	bool here;
	int fd;

	start_nldev(&message, RDMA_NLDEV_CMD_GET, 0);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	fd = send_message(NETLINK_RDMA, &message);
	if (fd < 0)
		return false;
	here = recv(fd, answer, sizeof(answer), 0) > 0 &&
	       ((struct nlmsghdr *)answer)->nlmsg_type != NLMSG_ERROR;
	close(fd);
	return here;
}

/* Moves a device, under another name unless that is NULL, to where @pid is. */
static int move_device(__u32 index, pid_t pid, const char *name)
{
	struct message message;
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	start_nldev(&message, RDMA_NLDEV_CMD_SET, 0);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	append_attr(&message, RDMA_NLDEV_NET_NS_FD, &fd, sizeof(fd));
	if (name)
		append_string(&message, RDMA_NLDEV_ATTR_DEV_NAME, name);
	err = request(NETLINK_RDMA, &message);
	close(fd);
	return err;
}

/* Returns whether devices are seen from all net namespaces, or -errno. */
static int devices_are_shared(void)
{
	struct message message;
	char answer[4096];
	__u8 is_shared;
	ssize_t len;
	int fd;

	start_nldev(&message, RDMA_NLDEV_CMD_SYS_GET, 0);
	fd = send_message(NETLINK_RDMA, &message);
	if (fd < 0)
		return fd;
	len = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	if (len < NLMSG_HDRLEN ||
	    attr_of_device((struct nlmsghdr *)answer,
			   RDMA_NLDEV_SYS_ATTR_NETNS_MODE, &is_shared,
			   sizeof(is_shared)))
		return -EPROTO;
	return is_shared;
}

static int share_devices(__u8 all)
{
	struct message message;

	start_nldev(&message, RDMA_NLDEV_CMD_SYS_SET, 0);
	append_attr(&message, RDMA_NLDEV_SYS_ATTR_NETNS_MODE, &all, sizeof(all));
	return request(NETLINK_RDMA, &message);
}

/*
 * Finds the first device for which @name is the name or, with @prefix, the
 * start of it. Returns its index or -errno.
 */
static int find_device(const char *name, bool prefix)
{
	size_t compared = strlen(name) + (prefix ? 0 : 1);
	int fd, found = -ENODEV;
	char buf[16 * 1024];
	struct message message;
	bool done = false;

	start_nldev(&message, RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	fd = send_message(NETLINK_RDMA, &message);
	if (fd < 0)
		return fd;
	while (!done) {
		const struct nlmsghdr *head = (struct nlmsghdr *)buf;
		ssize_t len = recv(fd, buf, sizeof(buf), 0);

		done = len <= 0;
		for (; !done && NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
			char seen[DEVICE_NAME_MAX] = "";
			__u32 index;

			done = head->nlmsg_type == NLMSG_DONE ||
			       head->nlmsg_type == NLMSG_ERROR;
			if (done ||
			    attr_of_device(head, RDMA_NLDEV_ATTR_DEV_NAME,
					   seen, sizeof(seen)) ||
			    attr_of_device(head, RDMA_NLDEV_ATTR_DEV_INDEX,
					   &index, sizeof(index)))
				continue;
			if (found < 0 && !strncmp(seen, name, compared))
				found = index;
		}
	}
	close(fd);
	return found;
}

static int remove_device_by_index(__u32 index)
{
	struct message message;

	start_nldev(&message, RDMA_NLDEV_CMD_DELLINK, 0);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	return request(NETLINK_RDMA, &message);
}

static void start_renaming(struct message *message, __u32 index, const char *to)
{
	start_nldev(message, RDMA_NLDEV_CMD_SET, 0);
	append_attr(message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	append_string(message, RDMA_NLDEV_ATTR_DEV_NAME, to);
}

static int rename_device(const char *from, const char *to)
{
	int index = find_device(from, false);
	struct message message;

	if (index < 0)
		return index;
	start_renaming(&message, index, to);
	return request(NETLINK_RDMA, &message);
}

static int add_link(const char *name)
{
	struct ifinfomsg info = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct message message;
	struct nlattr *nest;

	start_message(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	append(&message, &info, sizeof(info));
	append_string(&message, IFLA_IFNAME, name);
	nest = append_attr(&message, IFLA_LINKINFO, "", 0);
	append_string(&message, IFLA_INFO_KIND, "dummy");
	nest->nla_len = (char *)&message + message.head.nlmsg_len - (char *)nest;
	return request(NETLINK_ROUTE, &message);
}

static int remove_link(const char *name)
{
	struct ifinfomsg info = {};
	struct message message;

	start_message(&message, RTM_DELLINK, 0);
	append(&message, &info, sizeof(info));
	append_string(&message, IFLA_IFNAME, name);
	return request(NETLINK_ROUTE, &message);
}

static int add_device_on_link(const struct device *device)
{
	struct message message;

	start_nldev(&message, RDMA_NLDEV_CMD_NEWLINK, 0);
	append_string(&message, RDMA_NLDEV_ATTR_DEV_NAME, device->name);
	append_string(&message, RDMA_NLDEV_ATTR_LINK_TYPE, device->driver);
	append_string(&message, RDMA_NLDEV_ATTR_NDEV_NAME, device->name);
	return request(NETLINK_RDMA, &message);
}

/* Blocks while a process has a context of the device open. */
static int remove_device(const char *name)
{
	int index = find_device(name, false);

	return index < 0 ? index : remove_device_by_index(index);
}

/*
 * Verbs
 */

enum kind {
	CONTEXT, PD, CQ, CQ_EX, QP_RC, QP_UC, QP_UD, QP_EX, MR, MW_1, MW_2, AH,
	SRQ, CHANNEL,

	/* These ask for what a driver must refuse. */
	BAD_MR, BAD_AH, BAD_CQ,

	NR_KINDS
};

static const char * const kind_names[NR_KINDS] = {
	[CONTEXT] = "context",
	[PD] = "PD",
	[CQ] = "CQ",
	[CQ_EX] = "extended CQ",
	[QP_RC] = "RC QP",
	[QP_UC] = "UC QP",
	[QP_UD] = "UD QP",
	[QP_EX] = "extended QP",
	[MR] = "MR",
	[MW_1] = "type 1 MW",
	[MW_2] = "type 2 MW",
	[AH] = "AH",
	[SRQ] = "SRQ",
	[CHANNEL] = "completion channel",
	[BAD_MR] = "MR of no memory",
	[BAD_AH] = "AH of no port",
	[BAD_CQ] = "too large CQ",
};

#define MAX_MADE	256	/* of one kind by one process */

/* What this process has made, the newest last. Its threads may race. */
static struct {
	int nr;
	void *item[MAX_MADE];
} made[NR_KINDS];

#ifdef HAVE_LIBIBVERBS

static struct ibv_device *used;		/* the device this process works with */

static void *make_qp(struct ibv_pd *pd, struct ibv_cq *cq, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { 1, 1, 1, 1 },
		.qp_type = type,
	};

	return ibv_create_qp(pd, &attr);
}

static void *make_qp_ex(struct ibv_pd *pd, struct ibv_cq *cq)
{
	struct ibv_qp_init_attr_ex attr = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { 1, 1, 1, 1 },
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD |
			     IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_SEND,
	};

	return ibv_create_qp_ex(pd->context, &attr);
}

static void *make_mr(struct ibv_pd *pd, bool with_memory)
{
	size_t size = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (!with_memory)
		munmap(memory, size);
	return ibv_reg_mr(pd, memory, size, IBV_ACCESS_LOCAL_WRITE);
}

static void *make_ah(struct ibv_pd *pd, int port)
{
	struct ibv_ah_attr attr = {
		.is_global = 1,
		.port_num = port,
		/* To a multicast group no route need be known. */
		.grh = { .dgid.raw = { 0xff, 2, [15] = 1 }, .hop_limit = 1 },
	};

	return ibv_create_ah(pd, &attr);
}

/*
 * Makes one, in the oldest context, with the oldest PD and CQ. Returns NULL and
 * sets errno if it is refused.
 */
static void *make_one(enum kind kind)
{
	struct ibv_context *context = made[CONTEXT].item[0];
	struct ibv_pd *pd = made[PD].item[0];
	struct ibv_cq *cq = made[CQ].item[0];
	struct ibv_cq_init_attr_ex cq_attr = { .cqe = 1 };
	struct ibv_srq_init_attr srq_attr = { .attr = { 1, 1, 0 } };

	switch (kind) {
	case CONTEXT:
		return ibv_open_device(used);
	case PD:
		return ibv_alloc_pd(context);
	case CQ:
		return ibv_create_cq(context, 1, NULL, NULL, 0);
	case CQ_EX:
		return ibv_create_cq_ex(context, &cq_attr);
	case QP_RC:
		return make_qp(pd, cq, IBV_QPT_RC);
	case QP_UC:
		return make_qp(pd, cq, IBV_QPT_UC);
	case QP_UD:
		return make_qp(pd, cq, IBV_QPT_UD);
	case QP_EX:
		return make_qp_ex(pd, cq);
	case MR:
		return make_mr(pd, true);
	case MW_1:
		return ibv_alloc_mw(pd, IBV_MW_TYPE_1);
	case MW_2:
		return ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	case AH:
		return make_ah(pd, 1);
	case SRQ:
		return ibv_create_srq(pd, &srq_attr);
	case CHANNEL:
		return ibv_create_comp_channel(context);
	case BAD_MR:
		return make_mr(pd, false);
	case BAD_AH:
		return make_ah(pd, 200);
	case BAD_CQ:
		return ibv_create_cq(context, INT_MAX, NULL, NULL, 0);
	default:
		return NULL;
	}
}

/* Returns 0 if it is gone. */
static int drop_one(enum kind kind, void *item)
{
	switch (kind) {
	case CONTEXT:
		return ibv_close_device(item);
	case PD:
		return ibv_dealloc_pd(item);
	case CQ:
	case CQ_EX:
		return ibv_destroy_cq(item);
	case QP_RC:
	case QP_UC:
	case QP_UD:
	case QP_EX:
		return ibv_destroy_qp(item);
	case MR:
		return ibv_dereg_mr(item);
	case MW_1:
	case MW_2:
		return ibv_dealloc_mw(item);
	case AH:
		return ibv_destroy_ah(item);
	case SRQ:
		return ibv_destroy_srq(item);
	case CHANNEL:
		return ibv_destroy_comp_channel(item);
	default:
		return -1;
	}
}

/* All that verbs objects are counted by; each of 32 bits. */
#define COUNT(field) { #field, offsetof(struct device_attr, verbs.field) }
static const struct {
	const char *name;
	size_t at;
} object_counts[] = {
	COUNT(orig_attr.max_qp),
	COUNT(orig_attr.max_cq),
	COUNT(orig_attr.max_mr),
	COUNT(orig_attr.max_pd),
	COUNT(orig_attr.max_mw),
	COUNT(orig_attr.max_ah),
	COUNT(orig_attr.max_srq),
	COUNT(orig_attr.max_raw_ipv6_qp),
	COUNT(orig_attr.max_raw_ethy_qp),
	COUNT(rss_caps.max_rwq_indirection_tables),
	COUNT(max_wq_type_rq),
};

#undef COUNT

/* Returns 0 or an errno. */
static int query_device(struct device_attr *attr, bool extended)
{
	struct ibv_context *context = made[CONTEXT].item[0];

	memset(attr, 0, sizeof(*attr));
	if (extended)
		return ibv_query_device_ex(context, NULL, &attr->verbs);
	return ibv_query_device(context, &attr->verbs.orig_attr);
}

static void find_verbs(struct device *device)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	device->verbs = NULL;
	/* Not freed: the entry found is used for as long as the process lives. */
	for (; list && *list && !device->verbs; list++)
		if (!strcmp(ibv_get_device_name(*list), device->name))
			device->verbs = *list;
}

static void use_device(const struct device *device)
{
	if (!device->verbs)
		skip("libibverbs does not find %s: no provider for %s?",
		     device->name, device->driver);
	used = device->verbs;
}

static const char *node_name(const struct device *device)
{
	return device->verbs->dev_name;
}

/* Everything a context does goes through this file descriptor. */
static int *context_fd(void)
{
	struct ibv_context *context = made[CONTEXT].item[0];

	return &context->cmd_fd;
}

#else

/* Not reached: use_device() has ended the test. */

static void *make_one(enum kind kind)
{
	return NULL;
}

static int drop_one(enum kind kind, void *item)
{
	return 0;
}

static const struct {
	const char *name;
	size_t at;
} object_counts[] = {};

static int query_device(struct device_attr *attr, bool extended)
{
	return -1;
}

static void find_verbs(struct device *device)
{
}

static void use_device(const struct device *device)
{
	skip("built without libibverbs: install its development files");
}

static const char *node_name(const struct device *device)
{
	return NULL;
}

static int *context_fd(void)
{
	return NULL;
}

#endif /* HAVE_LIBIBVERBS */

/* Returns 0 or -errno; then device->missing says what to do. */
static int add_device(struct device *device)
{
	int err = add_link(device->name);

	if (err) {
		snprintf(device->missing, sizeof(device->missing),
			 "cannot add dummy link %s: %s (is the driver there?)",
			 device->name, strerror(-err));
		return err;
	}
	err = add_device_on_link(device);
	if (err) {
		snprintf(device->missing, sizeof(device->missing),
			 "cannot add %s device %s: %s (is the %s driver there?)",
			 device->driver, device->name, strerror(-err),
			 device->driver);
		remove_link(device->name);
		return err;
	}
	device->missing[0] = 0;
	find_verbs(device);
	return 0;
}

/*
 * Jobs: what holders do when asked
 */

struct outcome {
	int done;		/* how many of what was asked for */
	int err;		/* errno of what failed, 0 if nothing did */
};

typedef struct outcome job_fn(int what, int count);

struct order {
	job_fn *job;
	int what, count;
};

/* A way between two holders, or to the child of one. */
static int lane[2];

static struct outcome make(int kind, int count)
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

static struct outcome drop(int kind, int count)
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

enum { RACE_AHEAD, RACE_ON, RACE_OVER };

static int race(void)
{
	return __atomic_load_n(&shared->race, __ATOMIC_ACQUIRE);
}

static void set_race(int state)
{
	__atomic_store_n(&shared->race, state, __ATOMIC_RELEASE);
	syscall(SYS_futex, &shared->race, FUTEX_WAKE, INT_MAX);
}

static int nr_done(void)
{
	return __atomic_load_n(&shared->nr_done, __ATOMIC_ACQUIRE);
}

static void one_done(void)
{
	__atomic_fetch_add(&shared->nr_done, 1, __ATOMIC_RELEASE);
}

/* Who comes too late must not wait for ever. */
static void wait_for_race(void)
{
	while (race() == RACE_AHEAD)
		syscall(SYS_futex, &shared->race, FUTEX_WAIT, RACE_AHEAD, NULL);
}

static struct outcome make_when_racing(int kind, int count)
{
	wait_for_race();
	return make(kind, count);
}

#define NR_RACERS	8
#define RACER_TRIES	24

static void *run_racer(void *arg)
{
	struct outcome *outcome = arg;

	*outcome = make_when_racing(outcome->done, RACER_TRIES);
	return NULL;
}

/*
 * @count threads of the holder race until each was refused one. The errno is
 * that of all refusals, or -1 if they differ.
 */
static struct outcome race_threads(int kind, int count)
{
	struct outcome sum = {}, each[NR_RACERS];
	pthread_t thread[NR_RACERS];
	int i;

	for (i = 0; i < count; i++) {
		each[i].done = kind;
		if (pthread_create(&thread[i], NULL, run_racer, &each[i]))
			fail(HERE, "cannot start a thread");
	}
	set_race(RACE_ON);
	for (i = 0; i < count; i++) {
		pthread_join(thread[i], NULL);
		sum.done += each[i].done;
		if (i && sum.err != each[i].err)
			sum.err = -1;
		else
			sum.err = each[i].err;
	}
	return sum;
}

#define BATCH	4

/*
 * Makes as many as a batch holds or the controller lets through, and drops
 * them: once, and over and over while the race lasts. Counts what was made; the
 * errno is EAGAIN if one was refused, and -1 if anything else went wrong.
 */
static struct outcome churn(int kind, int unused)
{
	struct outcome outcome = {};

	wait_for_race();
	do {
		void *item[BATCH];
		int nr = 0;

		while (nr < BATCH && (item[nr] = make_one(kind)))
			nr++;
		if (nr < BATCH && outcome.err != -1)
			outcome.err = errno == EAGAIN ? EAGAIN : -1;
		outcome.done += nr;
		while (nr)
			if (drop_one(kind, item[--nr]))
				outcome.err = -1;
	} while (race() == RACE_ON);
	return outcome;
}

/*
 * Tries to make one, @count times, and drops what it has when that is a batch
 * or one was refused. Counts refusals; the errno is that of what else failed.
 */
static struct outcome struggle(int kind, int count)
{
	struct outcome refusals = {};
	void *item[BATCH];
	int nr = 0;

	wait_for_race();
	while (count--) {
		item[nr] = make_one(kind);
		if (!item[nr]) {
			refusals.done += errno == EAGAIN;
			refusals.err = errno == EAGAIN ? refusals.err : errno;
		} else if (++nr < BATCH) {
			continue;
		}
		while (nr)
			if (drop_one(kind, item[--nr]))
				refusals.err = errno;
	}
	return refusals;
}

static struct outcome query(int extended, int unused)
{
	int err = query_device(&shared->attr, extended);

	return (struct outcome){ !err, err };
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
static struct outcome fork_child(int unused, int unused2)
{
	pid_t pid = fork();

	if (!pid) {
		close(lane[0]);
		serve(lane[1]);
	}
	return (struct outcome){ pid, pid < 0 ? errno : 0 };
}

/* Hands a descriptor over to whoever takes it. Returns 0 or an errno. */
static int pass(int fd)
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
static int take(void)
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

static struct outcome pass_context(int unused, int unused2)
{
	return (struct outcome){ 1, pass(*context_fd()) };
}

/*
 * Makes this holder's context speak through the descriptor passed; its own one
 * is closed by that.
 */
static struct outcome take_context(int unused, int unused2)
{
	int fd = take();

	if (fd < 0)
		return (struct outcome){ 0, EPROTO };
	if (dup2(fd, *context_fd()) < 0 || close(fd))
		return (struct outcome){ 0, errno };
	return (struct outcome){ 1, 0 };
}

/* The outcome of a system call that has succeeded or set errno. */
static struct outcome outcome_if(bool done)
{
	return (struct outcome){ done, done ? 0 : errno };
}

/* Gives up root's rights for good. */
static struct outcome become_user(int id, int unused)
{
	if (setgroups(0, NULL) || setgid(id) || setuid(id))
		return outcome_if(false);
	/* With its user a process loses both; the latter to map its IDs. */
	return outcome_if(!prctl(PR_SET_PDEATHSIG, SIGKILL) &&
			  !prctl(PR_SET_DUMPABLE, 1));
}

/* With a user namespace it is root there, and nothing more than it was here. */
static struct outcome enter_namespaces(int flags, int unused)
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

static struct outcome write_file(int unused, int unused2)
{
	ssize_t len = strlen(shared->text);
	int fd = open(shared->path, O_WRONLY | O_CLOEXEC);
	struct outcome outcome;

	outcome = outcome_if(fd >= 0 && write(fd, shared->text, len) == len);
	close(fd);
	return outcome;
}

static struct outcome make_directory(int unused, int unused2)
{
	return outcome_if(!mkdir(shared->path, 0755));
}

static struct outcome remove_directory(int unused, int unused2)
{
	return outcome_if(!rmdir(shared->path));
}

static struct outcome remove_file(int unused, int unused2)
{
	return outcome_if(!unlink(shared->path));
}

static struct outcome rename_path(int unused, int unused2)
{
	return outcome_if(!rename(shared->path, shared->text));
}

static struct outcome truncate_file(int size, int unused)
{
	return outcome_if(!truncate(shared->path, size));
}

static struct outcome change_mode(int mode, int unused)
{
	return outcome_if(!chmod(shared->path, mode));
}

static struct outcome change_owner(int id, int unused)
{
	return outcome_if(!chown(shared->path, id, -1));
}

static struct outcome find_path(int unused, int unused2)
{
	return outcome_if(!access(shared->path, F_OK));
}

/* Returns 0 or a negative errno, also where cg_write() returns -1 for each. */
static int write_control(const char *cgroup, const char *file, char *text)
{
	int ret = cg_write(cgroup, file, text);

	return ret == -1 ? -errno : ret;
}

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

/* Has a child that begins its life in another cgroup. */
static struct outcome clone_into(int unused, int unused2)
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
static struct outcome mount_own_view(int unused, int unused2)
{
	const char *type = current->unified ? "cgroup2" : "cgroup";
	const char *options = current->unified ? NULL : "rdma";

	return outcome_if(!mount("none", current->root, "tmpfs", 0, NULL) &&
			  !mount("none", current->root, type, 0, options));
}

static int kept = -1;		/* a file that this process has open */

static struct outcome open_file(int flags, int unused)
{
	close(kept);
	kept = open(shared->path, flags | O_CLOEXEC);
	return outcome_if(kept >= 0);
}

/* The same file once more, with other rights. */
static struct outcome reopen_kept(int flags, int unused)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept);
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return outcome_if(fd >= 0);
}

static struct outcome write_kept(int unused, int unused2)
{
	ssize_t len = strlen(shared->text);

	return outcome_if(write(kept, shared->text, len) == len);
}

static struct outcome change_mode_of_kept(int mode, int unused)
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

/*
 * Holders
 */

struct holder {
	pid_t pid;
	int fd;
};

/* A child that dies with its parent. */
static pid_t spawn(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail(HERE, "fork: %s", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* A new holder in @cgroup that has no device to work with. */
static struct holder occupy(const char *cgroup)
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
static struct holder hold(const char *cgroup, const struct device *device)
{
	use_device(device);
	return occupy(cgroup);
}

static void start(struct holder *holder, job_fn *job, int what, int count)
{
	struct order order = { job, what, count };

	if (send(holder->fd, &order, sizeof(order), MSG_NOSIGNAL) < 0)
		fail(HERE, "holder %d is gone", holder->pid);
}

/* Waits for the end of the job. */
static struct outcome outcome_of(struct holder *holder)
{
	struct outcome outcome;

	if (recv(holder->fd, &outcome, sizeof(outcome), 0) != sizeof(outcome))
		fail(HERE, "holder %d died at work", holder->pid);
	return outcome;
}

static struct outcome ask(struct holder *holder, job_fn *job, int what, int count)
{
	start(holder, job, what, count);
	return outcome_of(holder);
}

static void expect_outcome(const char *where, const char *asked,
			   struct outcome outcome, int done, int err)
{
	if (outcome.done != done || outcome.err != err)
		fail(where, "%s: expected %d done, then %s; seen %d, then %s",
		     asked, done, err ? strerror(err) : "success", outcome.done,
		     outcome.err ? strerror(outcome.err) : "success");
}

/* The holder can do @count, and if @err is set, not one more. */
static void expect_done(const char *where, struct holder *holder, job_fn *job,
			enum kind kind, int count, int err)
{
	expect_outcome(where, kind_names[kind],
		       ask(holder, job, kind, err ? count + 1 : count),
		       count, err);
}

#define expect_make(holder, kind, count)				\
	expect_done(HERE, holder, make, kind, count, 0)

#define expect_refusal_after(holder, kind, count)			\
	expect_done(HERE, holder, make, kind, count, EAGAIN)

#define expect_drop(holder, kind, count)				\
	expect_done(HERE, holder, drop, kind, count, 0)

/* A holder with one context and @pds PDs. */
static struct holder hold_pds(const char *cgroup, const struct device *device,
			      int pds)
{
	struct holder holder = hold(cgroup, device);

	expect_make(&holder, CONTEXT, 1);
	expect_make(&holder, PD, pds);
	return holder;
}

static void reap(pid_t pid)
{
	if (waitpid(pid, NULL, 0) != pid)
		fail(HERE, "wait for %d: %s", pid, strerror(errno));
}

/* The holder exits and leaves it to the kernel to drop what it holds. */
static void release(struct holder *holder)
{
	/* Younger holders have copies of it: closing would not do. */
	shutdown(holder->fd, SHUT_RDWR);
	close(holder->fd);
	reap(holder->pid);
}

static void crash(struct holder *holder)
{
	kill(holder->pid, SIGKILL);
	release(holder);
}

/*
 * Cgroups and their files
 */

#define FILE_SIZE	(16 * 1024)

/* A new cgroup with the controller. On v2 no process may be in @parent. */
static char *new_cgroup(const char *parent, const char *name)
{
	char *cgroup = cg_name(parent, name);
	int err = 0;

	if (current->unified)
		err = write_control(parent, "cgroup.subtree_control", "+rdma");
	if (err)
		fail(HERE, "enable rdma in %s: %s", parent, strerror(-err));
	if (cg_create(cgroup))
		fail(HERE, "make %s: %s", cgroup, strerror(errno));
	return cgroup;
}

static void read_file(const char *cgroup, const char *file, char *text)
{
	int err = cg_read(cgroup, file, text, FILE_SIZE);

	if (err)
		fail(HERE, "read %s/%s: %s", cgroup, file, strerror(-err));
}

/* Copies the line of @device to @line, or returns false. */
static bool find_line(const char *cgroup, const char *file, const char *device,
		      char *line, size_t size)
{
	size_t len = strlen(device);
	char text[FILE_SIZE];
	char *at, *rest = text;

	read_file(cgroup, file, text);
	while ((at = strsep(&rest, "\n"))) {
		if (strncmp(at, device, len) || at[len] != ' ')
			continue;
		snprintf(line, size, "%s", at);
		return true;
	}
	return false;
}

static bool is_listed(const char *cgroup, const char *device)
{
	char line[256];
	bool in_max = find_line(cgroup, "rdma.max", device, line, sizeof(line));

	return find_line(cgroup, "rdma.current", device, line, sizeof(line)) ||
	       in_max;
}

struct values {
	long handles, objects;
};

static long value_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	if (!at)
		return -1;
	at += strlen(key);
	return strncmp(at, "max", 3) ? strtol(at, NULL, 10) : NO_LIMIT;
}

/* Both values are -1 if the device has no line. */
static struct values read_values(const char *cgroup, const char *file,
				 const char *device)
{
	char line[256] = "";

	find_line(cgroup, file, device, line, sizeof(line));
	return (struct values){ value_of(line, " hca_handle="),
				value_of(line, " hca_object=") };
}

static void expect_values(const char *where, const char *cgroup,
			  const char *file, const char *device,
			  long handles, long objects)
{
	struct values seen = read_values(cgroup, file, device);

	if (seen.handles != handles || seen.objects != objects)
		fail(where, "%s/%s: expected %s %ld %ld, seen %ld %ld", cgroup,
		     file, device, handles, objects, seen.handles, seen.objects);
}

#define expect_usage(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.current", (device)->name,	\
		      handles, objects)

#define expect_limit(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.max", (device)->name, handles, objects)

#define expect_peak(cgroup, device, handles, objects)			\
	expect_values(HERE, cgroup, "rdma.peak", (device)->name, handles, objects)

/* Refused charges: by a limit, and to tasks. */
struct events {
	long handle_max, handle_fail, object_max, object_fail;
};

static struct events read_events(const char *cgroup, const char *file)
{
	char line[256] = "";

	find_line(cgroup, file, RXE_NAME, line, sizeof(line));
	return (struct events){ value_of(line, " hca_handle.max="),
				value_of(line, " hca_handle.alloc_fail="),
				value_of(line, " hca_object.max="),
				value_of(line, " hca_object.alloc_fail=") };
}

static int write_limit(const char *cgroup, const char *device, const char *keys)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s", device, keys);
	return write_control(cgroup, "rdma.max", line);
}

static void set_limit(const char *cgroup, const struct device *device,
		      const char *keys)
{
	int err = write_limit(cgroup, device->name, keys);

	if (err)
		fail(HERE, "write '%s %s' to %s/rdma.max: %s", device->name,
		     keys, cgroup, strerror(-err));
}

static void set_limit_of(const char *cgroup, const struct device *device,
			 const char *key, int limit)
{
	char keys[64];

	snprintf(keys, sizeof(keys), "%s=%d", key, limit);
	set_limit(cgroup, device, keys);
}

static struct device *need_device(struct device *device)
{
	if (device->missing[0])
		skip("%s", device->missing);
	return device;
}

/* The device most tests use. */
static struct device *rxe(void)
{
	return need_device(&devices[0]);
}

static struct device *siw(void)
{
	return need_device(&devices[1]);
}

/* A device for one test: comes late, goes early, or changes its name. */
static struct device *guest_device(void)
{
	static struct device guest = { .name = GUEST_NAME, .driver = "rxe" };

	rxe();
	if (add_device(&guest))
		fail(HERE, "%s", guest.missing);
	return &guest;
}

/* Where the controller is: 0 is the unified hierarchy. -1 if it is nowhere. */
static int hierarchy_of_rdma(int *nr_cgroups)
{
	FILE *file = fopen("/proc/cgroups", "r");
	int hierarchy = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "rdma %d %d", &hierarchy, nr_cgroups) == 2)
			break;
	if (file)
		fclose(file);
	return hierarchy;
}

/*
 * Files and their formats
 */

static const char * const files[] = {
	"rdma.max",	/* the one that can be written */
	"rdma.current",
	"rdma.peak",
	"rdma.events",
	"rdma.events.local",
};

static int test_files_exist(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct stat status;
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (stat(cg_control(cgroup, files[i]), &status))
			fail(HERE, "%s: %s", files[i], strerror(errno));
		expect((status.st_mode & 07777) == (i ? 0444 : 0644),
		       "%s has mode %o", files[i], status.st_mode);
	}
	return KSFT_PASS;
}

static int test_root_has_no_files(const char *root)
{
	int i;

	/* A cgroup namespace shows a cgroup of some depth as its root. */
	if (!access(cg_control(current->root, "cgroup.type"), F_OK))
		skip("%s is not the root of the hierarchy", current->root);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		expect(access(cg_control(current->root, files[i]), F_OK),
		       "%s is there", files[i]);
	return KSFT_PASS;
}

static int test_every_device_has_one_line(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	char line[256];
	glob_t found;
	int i, j;

	rxe();
	if (glob("/sys/class/infiniband/*", 0, NULL, &found))
		skip("no devices in /sys/class/infiniband: mount sysfs");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < found.gl_pathc; j++) {
			char *name = basename(found.gl_pathv[j]);

			if (!find_line(cgroup, files[i], name, line, sizeof(line)))
				fail(HERE, "%s: no line for %s", files[i], name);
		}
		expect(cg_read_lc(cgroup, files[i]) == found.gl_pathc,
		       "%s has %ld lines", files[i],
		       cg_read_lc(cgroup, files[i]));
	}
	return KSFT_PASS;
}

static int test_lines_are_in_order_of_registration(const char *root)
{
	const char *names[] = {
		rxe()->name, siw()->name, guest_device()->name
	};
	char *cgroup = new_cgroup(root, "a");
	int i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char text[FILE_SIZE];
		char *at = text;

		read_file(cgroup, files[i], text);
		for (j = 0; at && j < ARRAY_SIZE(names); j++)
			at = strstr(at, names[j]);
		expect(at, "%s is:\n%s", files[i], text);
	}
	return KSFT_PASS;
}

static void expect_line(const char *where, const char *cgroup, const char *file,
			const char *device, const char *expected,
			bool blank_matters)
{
	char line[256] = "";
	size_t len;

	find_line(cgroup, file, device, line, sizeof(line));
	len = strlen(line);
	if (!blank_matters && len && line[len - 1] == ' ')
		line[len - 1] = 0;
	if (strcmp(line, expected))
		fail(where, "%s/%s: expected '%s', seen '%s'", cgroup, file,
		     expected, line);
}

static void expect_counts(const char *where, const char *cgroup,
			  const char *file, const char *device,
			  struct events events)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "%s hca_handle.max=%ld hca_handle.alloc_fail=%ld hca_object.max=%ld hca_object.alloc_fail=%ld",
		 device, events.handle_max, events.handle_fail,
		 events.object_max, events.object_fail);
	expect_line(where, cgroup, file, device, line, true);
}

#define expect_events_of(cgroup, device, ...)				\
	expect_counts(HERE, cgroup, "rdma.events", (device)->name,	\
		      (struct events){ __VA_ARGS__ })

#define expect_events(cgroup, ...)					\
	expect_events_of(cgroup, rxe(), __VA_ARGS__)

#define expect_local_events(cgroup, ...)				\
	expect_counts(HERE, cgroup, "rdma.events.local", RXE_NAME,	\
		      (struct events){ __VA_ARGS__ })

static int check_format(const char *root, bool blank_matters)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=max");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=max hca_object=max", blank_matters);
	expect_line(HERE, cgroup, "rdma.current", RXE_NAME,
		    RXE_NAME " hca_handle=0 hca_object=0", blank_matters);
	set_limit(cgroup, rxe(), "hca_handle=2 hca_object=2000");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=2 hca_object=2000", blank_matters);
	holder = hold_pds(cgroup, rxe(), 12);
	expect_line(HERE, cgroup, "rdma.current", RXE_NAME,
		    RXE_NAME " hca_handle=1 hca_object=12", blank_matters);
	/* The stock controller before 7.2 has no such file. */
	if (!access(cg_control(cgroup, "rdma.peak"), F_OK))
		expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
			    RXE_NAME " hca_handle=1 hca_object=12",
			    blank_matters);
	release(&holder);
	return KSFT_PASS;
}

static int test_format(const char *root)
{
	return check_format(root, false);
}

/* Parsers in container runtimes drop a line that ends in a blank. */
static int test_format_has_no_trailing_blank(const char *root)
{
	return check_format(root, true);
}

static int test_format_of_peak(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
		    RXE_NAME " hca_handle=0 hca_object=0", false);
	holder = hold_pds(cgroup, rxe(), 12);
	release(&holder);
	expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
		    RXE_NAME " hca_handle=1 hca_object=12", false);
	return KSFT_PASS;
}

static int test_format_of_events(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *child = new_cgroup(parent, "a");
	struct holder holder;
	int i;

	expect_events(child, 0, 0, 0, 0);
	expect_local_events(child, 0, 0, 0, 0);
	set_limit(parent, rxe(), "hca_handle=1");
	set_limit(child, rxe(), "hca_object=0");
	holder = hold_pds(child, rxe(), 0);
	for (i = 0; i < 2; i++)
		expect_refusal_after(&holder, CONTEXT, 0);
	for (i = 0; i < 13; i++)
		expect_refusal_after(&holder, PD, 0);
	expect_events(child, 0, 2, 13, 13);
	expect_local_events(child, 0, 2, 13, 13);
	expect_events(parent, 2, 2, 13, 13);
	expect_local_events(parent, 2, 0, 0, 0);
	return KSFT_PASS;
}

static int test_only_limits_can_be_written(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int i;

	for (i = 1; i < ARRAY_SIZE(files); i++) {
		int err = write_control(cgroup, files[i], RXE_NAME " hca_handle=1");

		expect(err == -EINVAL, "%s: it is %d", files[i], err);
	}
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	return KSFT_PASS;
}

static int test_unprivileged_user_cannot_write(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int status, err;
	pid_t pid;

	set_limit(cgroup, rxe(), "hca_handle=5 hca_object=6");
	pid = spawn();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			fail(HERE, "become user %d: %s", NOBODY,
			     strerror(errno));
		expect_limit(cgroup, rxe(), 5, 6);
		err = write_limit(cgroup, RXE_NAME, "hca_handle=7");
		expect(err == -EACCES, "it is %d", err);
		exit(KSFT_PASS);
	}
	waitpid(pid, &status, 0);
	expect(!status, "its status is %#x", status);
	expect_limit(cgroup, rxe(), 5, 6);
	return KSFT_PASS;
}

/*
 * What rdma.max takes and refuses
 */

/* A cgroup with limits that no refused write may change. */
static char *limited_cgroup(const char *root)
{
	char *cgroup = new_cgroup(root, "a");

	set_limit(cgroup, rxe(), "hca_handle=5 hca_object=6");
	return cgroup;
}

/* Makes control characters visible, and cuts what is long. */
static const char *quoted(const char *text)
{
	static char buf[128];
	size_t len = 0;

	while (*text && len < sizeof(buf) - 2) {
		if (*text == '\n' || *text == '\t') {
			buf[len++] = '\\';
			buf[len++] = *text == '\n' ? 'n' : 't';
		} else {
			buf[len++] = *text;
		}
		text++;
	}
	buf[len] = 0;
	return buf;
}

static void expect_accepted(const char *where, const char *cgroup, char *text,
			    long handles, long objects)
{
	int err = write_control(cgroup, "rdma.max", text);

	if (err)
		fail(where, "write '%s': expected success, seen %s",
		     quoted(text), strerror(-err));
	expect_values(where, cgroup, "rdma.max", RXE_NAME, handles, objects);
}

#define accepts(cgroup, text, handles, objects)				\
	expect_accepted(HERE, cgroup, text, handles, objects)

static void expect_refused(const char *where, const char *cgroup, char *text,
			   int expected)
{
	char before[FILE_SIZE], after[FILE_SIZE];
	int err;

	read_file(cgroup, "rdma.max", before);
	err = write_control(cgroup, "rdma.max", text);
	read_file(cgroup, "rdma.max", after);
	if (err != -expected)
		fail(where, "write '%s': expected %s, seen %s", quoted(text),
		     strerror(expected), strerror(-err));
	if (strcmp(before, after))
		fail(where, "write '%s': refused, but it changed limits to\n%s",
		     quoted(text), after);
}

#define refuses(cgroup, text, expected)					\
	expect_refused(HERE, cgroup, text, expected)

static int test_parse_sets_what_is_named(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME " hca_handle=1", 1, 6);
	accepts(cgroup, RXE_NAME " hca_object=2", 1, 2);
	accepts(cgroup, RXE_NAME " hca_handle=3 hca_object=4", 3, 4);
	accepts(cgroup, RXE_NAME " hca_object=0 hca_handle=0", 0, 0);
	accepts(cgroup, RXE_NAME " hca_handle=max", NO_LIMIT, 0);
	accepts(cgroup, RXE_NAME " hca_object=max hca_handle=9", 9, NO_LIMIT);
	return KSFT_PASS;
}

static int test_parse_last_of_equal_keys_counts(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME " hca_handle=1 hca_handle=2", 2, 6);
	accepts(cgroup, RXE_NAME " hca_handle=max hca_object=1 hca_handle=3 hca_object=max",
		3, NO_LIMIT);
	return KSFT_PASS;
}

static int test_parse_number_bases(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME " hca_handle=0x11 hca_object=021", 17, 17);
	accepts(cgroup, RXE_NAME " hca_handle=0XfF hca_object=00", 255, 0);
	accepts(cgroup, RXE_NAME " hca_handle=007", 7, 0);
	accepts(cgroup, RXE_NAME " hca_handle=0x7fffffff", NO_LIMIT, 0);
	return KSFT_PASS;
}

static int test_parse_s32_max_is_max(const char *root)
{
	char *cgroup = limited_cgroup(root);

	set_limit(cgroup, rxe(), "hca_handle=2147483647 hca_object=2147483646");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=max hca_object=2147483646", false);
	return KSFT_PASS;
}

static int test_parse_blanks_around(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, "  " RXE_NAME " hca_handle=1", 1, 6);
	accepts(cgroup, "\t" RXE_NAME " hca_handle=2", 2, 6);
	accepts(cgroup, RXE_NAME " hca_handle=3  ", 3, 6);
	accepts(cgroup, RXE_NAME " hca_handle=4\t", 4, 6);
	accepts(cgroup, RXE_NAME " hca_handle=5\n", 5, 6);
	accepts(cgroup, " \t" RXE_NAME " hca_object=max \t\n", 5, NO_LIMIT);
	return KSFT_PASS;
}

static int test_parse_blanks_and_tabs_between(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME "  hca_handle=1", 1, 6);
	accepts(cgroup, RXE_NAME " hca_handle=2   hca_object=3", 2, 3);
	accepts(cgroup, RXE_NAME "\thca_handle=4\thca_object=5", 4, 5);
	accepts(cgroup, RXE_NAME " \t hca_handle=max\t \thca_object=7\n",
		NO_LIMIT, 7);
	return KSFT_PASS;
}

static int test_parse_newline_between_keys(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME " hca_handle=1\nhca_object=2", 1, 2);
	accepts(cgroup, RXE_NAME " hca_object=3\nhca_handle=4\n", 4, 3);
	return KSFT_PASS;
}

static int test_parse_refuses_nothing(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, " ", EINVAL);
	refuses(cgroup, " \t ", EINVAL);
	refuses(cgroup, "\n", EINVAL);
	return KSFT_PASS;
}

/* As runc writes it for a device without limits. */
static int test_parse_lone_device_changes_nothing(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME, 5, 6);
	accepts(cgroup, RXE_NAME "\n", 5, 6);
	accepts(cgroup, RXE_NAME "  ", 5, 6);
	refuses(cgroup, "rdmacg_none", ENODEV);
	refuses(cgroup, "rdmacg_none\n", ENODEV);
	return KSFT_PASS;
}

static int test_parse_refuses_bad_keys(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handles=1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handl=1", EINVAL);
	refuses(cgroup, RXE_NAME " HCA_HANDLE=1", EINVAL);
	refuses(cgroup, RXE_NAME " mr=1", EINVAL);
	refuses(cgroup, RXE_NAME " =1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle 1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle = 1", EINVAL);
	refuses(cgroup, RXE_NAME " 1", EINVAL);
	refuses(cgroup, RXE_NAME " max", EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_bad_values(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handle=maxx", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=MAX", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=max1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=-1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle==1", EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_part_of_max(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handle=", EINVAL);
	refuses(cgroup, RXE_NAME " hca_object=\n", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=m", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=ma", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle= hca_object=1", EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_tail_of_number(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handle=1x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=0x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=08", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=1,2", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=1.5", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=1=2", EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_large_numbers(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handle=2147483648", ERANGE);
	refuses(cgroup, RXE_NAME " hca_object=4294967295", ERANGE);
	refuses(cgroup, RXE_NAME " hca_object=4294967297", ERANGE);
	refuses(cgroup, RXE_NAME " hca_object=0x80000000", ERANGE);
	refuses(cgroup, RXE_NAME " hca_object=99999999999999999999", ERANGE);
	refuses(cgroup, RXE_NAME " hca_handle=1 hca_object=2147483648", ERANGE);
	return KSFT_PASS;
}

static int test_parse_bad_key_spoils_good_one(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, RXE_NAME " hca_handle=1 hca_object=-1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=1 hca_objects=2", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=1 hca_handle=x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=max hca_object=max x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_object=1 " RXE_NAME, EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_unknown_device(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, "rdmacg_none hca_handle=1", ENODEV);
	refuses(cgroup, RXE_NAME "0 hca_handle=1", ENODEV);
	refuses(cgroup, "rdmacg_rx hca_handle=1 hca_object=2", ENODEV);
	refuses(cgroup, "RDMACG_RXE hca_handle=max", ENODEV);
	return KSFT_PASS;
}

/*
 * A name that several devices bear needs the index that "rdma dev" shows, and
 * no name minds it.
 */
static int test_parse_index_of_device(const char *root)
{
	int index = find_device(rxe()->name, false);
	char *cgroup = limited_cgroup(root);
	char text[FILE_SIZE];
	int i;

	snprintf(text, sizeof(text), RXE_NAME " index=%d hca_handle=1", index);
	accepts(cgroup, text, 1, 6);
	snprintf(text, sizeof(text),
		 " " RXE_NAME "  index=%d  hca_object=2 hca_handle=max\n",
		 index);
	accepts(cgroup, text, NO_LIMIT, 2);
	snprintf(text, sizeof(text), RXE_NAME " index=%d\n", index);
	accepts(cgroup, text, NO_LIMIT, 2);

	/* As there is one device of this name, its index is not shown. */
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		expect(!strstr(text, "index"), "%s is:\n%s", files[i], text);
	}
	return KSFT_PASS;
}

static int test_parse_refuses_index_of_other_device(const char *root)
{
	int index = find_device(siw()->name, false);
	char *cgroup = limited_cgroup(root);
	char text[128];

	rxe();
	snprintf(text, sizeof(text), RXE_NAME " index=%d hca_handle=1", index);
	refuses(cgroup, text, ENODEV);
	refuses(cgroup, RXE_NAME " index=4294967295 hca_handle=1", ENODEV);
	snprintf(text, sizeof(text), "rdmacg_none index=%d hca_handle=1", index);
	refuses(cgroup, text, ENODEV);
	snprintf(text, sizeof(text), "rdmacg_none index=%d", index);
	refuses(cgroup, text, ENODEV);
	return KSFT_PASS;
}

static int test_parse_refuses_bad_index(const char *root)
{
	int index = find_device(rxe()->name, false);
	char *cgroup = limited_cgroup(root);
	char text[128];

	refuses(cgroup, RXE_NAME " index hca_handle=1", EINVAL);
	refuses(cgroup, RXE_NAME " index= hca_handle=1", EINVAL);
	refuses(cgroup, RXE_NAME " index=x hca_handle=1", EINVAL);
	refuses(cgroup, RXE_NAME " index=max hca_handle=1", EINVAL);
	refuses(cgroup, RXE_NAME " index=-1 hca_handle=1", EINVAL);
	snprintf(text, sizeof(text), RXE_NAME " index=%dx hca_handle=1", index);
	refuses(cgroup, text, EINVAL);
	snprintf(text, sizeof(text), RXE_NAME " index=%d hca_handle=-1", index);
	refuses(cgroup, text, EINVAL);
	snprintf(text, sizeof(text), RXE_NAME " index=%d index=%d hca_handle=1",
		 index, index);
	refuses(cgroup, text, EINVAL);
	snprintf(text, sizeof(text), RXE_NAME " index=%d index=%d", index, index);
	refuses(cgroup, text, EINVAL);
	return KSFT_PASS;
}

static int test_parse_refuses_more_than_a_page(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	static const char key[] = " hca_handle=1";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	long len[] = { page - 1, page, page + 1, 16 * page };
	char *text = malloc(16 * page + 1);
	int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		/* A name that fills what the key leaves, then a lot of blanks. */
		memset(text, 'x', len[i]);
		memcpy(text + len[i] - strlen(key), key, sizeof(key));
		refuses(cgroup, text, len[i] > page ? E2BIG : ENODEV);

		memset(text, ' ', len[i]);
		memcpy(text, line, strlen(line));
		if (len[i] > page)
			refuses(cgroup, text, E2BIG);
		else
			accepts(cgroup, text, 1, 6);
		set_limit(cgroup, rxe(), "hca_handle=5");
	}
	free(text);
	return KSFT_PASS;
}

/*
 * How rdma.max is written, and all files are read
 */

/* Returns what write() or writev() returned, or -errno. */
static ssize_t written(ssize_t ret)
{
	return ret < 0 ? -errno : ret;
}

static int open_limits(const char *cgroup)
{
	int fd = open(cg_control(cgroup, "rdma.max"), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(HERE, "open %s/rdma.max: %s", cgroup, strerror(errno));
	return fd;
}

static void expect_wrote(const char *where, const char *cgroup, ssize_t seen,
			 ssize_t expected, long handles, long objects)
{
	if (seen != expected)
		fail(where, "expected %zd, seen %zd", expected, seen);
	expect_values(where, cgroup, "rdma.max", RXE_NAME, handles, objects);
}

#define wrote(cgroup, ...)	expect_wrote(HERE, cgroup, __VA_ARGS__)

/* No part of it is taken, be it a good line for those who stop at a 0. */
static int test_write_of_megabytes(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	long len[] = { page + 1, 2 * page, 1 << 20, 8 << 20 };
	int fd = open_limits(cgroup);
	struct iovec parts[2];
	char *text = malloc(8 << 20);
	int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		memset(text, ' ', len[i]);
		memcpy(text, line, strlen(line));
		wrote(cgroup, written(write(fd, text, len[i])), -E2BIG, 5, 6);
		memset(text + strlen(line), 0, len[i] - strlen(line));
		wrote(cgroup, written(write(fd, text, len[i])), -E2BIG, 5, 6);
		wrote(cgroup, written(pwrite(fd, text, len[i], page)), -E2BIG,
		      5, 6);
	}

	/* In parts it is still one write: too long by a byte, then not. */
	memset(text, ' ', page + 1);
	memcpy(text, line, strlen(line));
	parts[0] = (struct iovec){ text, page / 2 };
	parts[1] = (struct iovec){ text + page / 2, page / 2 + 1 };
	wrote(cgroup, written(writev(fd, parts, 2)), -E2BIG, 5, 6);
	parts[1].iov_len--;
	wrote(cgroup, written(writev(fd, parts, 2)), page, 1, 6);
	return KSFT_PASS;
}

/* As in any file of the kernel's: the text ends there, whatever follows. */
static int test_write_ends_at_nul(const char *root)
{
	static const struct {
		const char *text;
		int len, err, handles;
	} writes[] = {
#define ACCEPTED(text, handles)	{ text, sizeof(text) - 1, 0, handles }
#define REFUSED(text, err)	{ text, sizeof(text) - 1, err, 5 }
		ACCEPTED(RXE_NAME " hca_handle=1\0", 1),
		ACCEPTED(RXE_NAME " hca_handle=2\0 hca_object=9", 2),
		ACCEPTED(RXE_NAME " hca_handle=3\0 hca_handle=x", 3),
		ACCEPTED(RXE_NAME " hca_handle=4\n\0\n\n", 4),
		ACCEPTED(RXE_NAME "\0 hca_handle=9", 5),
		REFUSED(RXE_NAME " hca_handle=-1\0 hca_handle=9", EINVAL),
		REFUSED(RXE_NAME " hca_han\0dle=9", EINVAL),
		REFUSED("rdmacg\0_rxe hca_handle=9", ENODEV),
		REFUSED(RXE_NAME " hca_handle=\0max", EINVAL),
		REFUSED("\0" RXE_NAME " hca_handle=9", EINVAL),
		REFUSED("\0", EINVAL),
#undef REFUSED
#undef ACCEPTED
	};
	char *cgroup = limited_cgroup(root);
	int fd = open_limits(cgroup);
	int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		int len = writes[i].len;

		wrote(cgroup, written(write(fd, writes[i].text, len)),
		      writes[i].err ? -writes[i].err : len,
		      writes[i].handles, 6);
		set_limit(cgroup, rxe(), "hca_handle=5");
	}
	return KSFT_PASS;
}

/* Each write is a line of its own, wherever in the file it is. */
static int test_split_write_is_not_joined(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	static const char key[] = "=2 hca_object=2";
	static const off_t offsets[] = { 0, 1, 4095, 4096, 1 << 30 };
	const int len = strlen(line);
	struct iovec parts[] = { { (char *)line, 15 },
				 { (char *)line + 15, len - 15 } };
	char *cgroup = limited_cgroup(root);
	int fd = open_limits(cgroup);
	int i;

	for (i = 0; i < 2; i++) {
		wrote(cgroup, written(write(fd, line, len - 2)), -EINVAL, 5, 6);
		wrote(cgroup, written(write(fd, key, 15)), -ENODEV, 5, 6);
	}
	/* What is whole without its second part is taken, and the rest not. */
	wrote(cgroup, written(write(fd, line, len)), len, 1, 6);
	wrote(cgroup, written(write(fd, key + 1, 14)), -ENODEV, 1, 6);
	wrote(cgroup, written(write(fd, line, 0)), 0, 1, 6);

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		set_limit(cgroup, rxe(), "hca_handle=5");
		wrote(cgroup, written(pwrite(fd, line, len, offsets[i])), len,
		      1, 6);
		wrote(cgroup, written(pwrite(fd, key, 15, offsets[i])), -ENODEV,
		      1, 6);
	}
	set_limit(cgroup, rxe(), "hca_handle=5");
	wrote(cgroup, written(pwrite(fd, line, len, -1)), -EINVAL, 5, 6);

	/* But these are one write. */
	wrote(cgroup, written(writev(fd, parts, ARRAY_SIZE(parts))), len, 1, 6);
	return KSFT_PASS;
}

static int test_write_from_bad_memory(const char *root)
{
	static char line[] = RXE_NAME " hca_handle=1 ";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	int fd = open_limits(cgroup);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = memory + page - strlen(line);
	struct iovec parts[] = { { line, strlen(line) }, { NULL, 1 } };

	if (memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE))
		fail(HERE, "mmap: %s", strerror(errno));
	memcpy(text, line, strlen(line));
	wrote(cgroup, written(write(fd, text, strlen(line) + 1)), -EFAULT, 5, 6);
	wrote(cgroup, written(write(fd, NULL, page)), -EFAULT, 5, 6);
	wrote(cgroup, written(writev(fd, parts, 2)), -EFAULT, 5, 6);
	wrote(cgroup, written(write(fd, text, strlen(line))), strlen(line),
	      1, 6);
	return KSFT_PASS;
}

static int test_read_in_small_steps(const char *root)
{
	static const int steps[] = { 1, 7, 100 };
	char *cgroup = limited_cgroup(root);
	char whole[FILE_SIZE], seen[FILE_SIZE];
	int i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = cg_control(cgroup, files[i]);

		read_file(cgroup, files[i], whole);
		expect(*whole, "%s is empty", path);
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			ssize_t len = 0, got;

			while ((got = read(fd, seen + len, steps[j])) > 0)
				len += got;
			expect(!got, "read %s: %s", path, strerror(errno));
			seen[len] = 0;
			expect(!strcmp(seen, whole), "%s in steps of %d is:\n%s",
			       path, steps[j], seen);
			close(fd);
		}
	}
	return KSFT_PASS;
}

static int test_read_at_any_offset(const char *root)
{
	char *cgroup = limited_cgroup(root);
	char whole[FILE_SIZE], seen[FILE_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = cg_control(cgroup, files[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		int at, len;

		read_file(cgroup, files[i], whole);
		len = strlen(whole);
		/* Backwards, so that nothing read before is of any help. */
		for (at = len + 1; at >= 0; at--) {
			int left = at < len ? len - at : 0;
			int part = left < 5 ? left : 5;

			expect(pread(fd, seen, 5, at) == part &&
			       !memcmp(seen, whole + at, part), "%s at %d",
			       path, at);
			expect(lseek(fd, at, SEEK_SET) == at &&
			       read(fd, seen, sizeof(seen)) == left &&
			       !memcmp(seen, whole + at, left), "%s at %d",
			       path, at);
		}
		expect(pread(fd, seen, 5, 1 << 30) == 0, "%s", path);
		expect(pread(fd, seen, 5, -1) < 0 && errno == EINVAL, "%s",
		       path);
		close(fd);
	}
	return KSFT_PASS;
}

/* Who reads slowly does not get the beginning of one line, and the end of another. */
static int test_slow_reader_sees_one_moment(const char *root)
{
	char *cgroup = limited_cgroup(root);
	char before[FILE_SIZE], seen[FILE_SIZE];
	int fd = open_limits(cgroup);
	ssize_t len;

	read_file(cgroup, "rdma.max", before);
	expect(read(fd, seen, 10) == 10, "%s", strerror(errno));
	set_limit(cgroup, rxe(), "hca_handle=2000000000 hca_object=max");
	len = read(fd, seen + 10, sizeof(seen) - 11);
	expect(len >= 0, "%s", strerror(errno));
	seen[10 + len] = 0;
	expect(!strcmp(seen, before), "seen:\n%s", seen);

	len = pread(fd, seen, sizeof(seen) - 1, 0);
	expect(len >= 0, "%s", strerror(errno));
	seen[len] = 0;
	expect(strstr(seen, RXE_NAME " hca_handle=2000000000 hca_object=max"),
	       "seen:\n%s", seen);
	return KSFT_PASS;
}

/*
 * Counts and limits
 */

static int test_counts_without_any_limit(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_usage(cgroup, rxe(), 0, 0);
	expect_make(&holder, CONTEXT, 3);
	expect_make(&holder, PD, 20);
	expect_usage(cgroup, rxe(), 3, 20);
	expect_usage(root, rxe(), 3, 20);
	expect_drop(&holder, PD, 19);
	expect_usage(cgroup, rxe(), 3, 1);
	expect_drop(&holder, PD, 1);
	expect_drop(&holder, CONTEXT, 3);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_usage(root, rxe(), 0, 0);
	release(&holder);
	return KSFT_PASS;
}

/* Holders that together make all of a kind that they may. */
struct crowd {
	struct holder holder[NR_RACERS];
	int nr;
	int made;
};

/* Adds a holder, and starts it with @job. */
static void join_crowd(struct crowd *crowd, const char *cgroup, job_fn *job,
		       int kind, int count)
{
	struct holder *holder = &crowd->holder[crowd->nr++];

	*holder = hold(cgroup, rxe());
	if (kind != CONTEXT)
		expect_make(holder, CONTEXT, 1);
	start(holder, job, kind, count);
}

static void one_thread(struct crowd *crowd, const char *cgroup, int kind)
{
	join_crowd(crowd, cgroup, make, kind, RACER_TRIES);
}

static void many_threads(struct crowd *crowd, const char *cgroup, int kind)
{
	join_crowd(crowd, cgroup, race_threads, kind, NR_RACERS);
}

static void many_processes(struct crowd *crowd, const char *cgroup, int kind)
{
	while (crowd->nr < NR_RACERS)
		join_crowd(crowd, cgroup, make_when_racing, kind, RACER_TRIES);
	set_race(RACE_ON);
}

static void many_cgroups(struct crowd *crowd, const char *cgroup, int kind)
{
	while (crowd->nr < NR_RACERS) {
		char name[] = { 'a' + crowd->nr, 0 };

		join_crowd(crowd, new_cgroup(cgroup, name), make_when_racing,
			   kind, RACER_TRIES);
	}
	set_race(RACE_ON);
}

typedef void crowd_fn(struct crowd *crowd, const char *cgroup, int kind);

/* All of a new crowd in @cgroup run into its limit, and nobody gets past it. */
static struct crowd crowd_at_limit(const char *cgroup, int kind, int limit,
				   crowd_fn *gather)
{
	struct crowd crowd = {};
	int i;

	set_limit_of(cgroup, rxe(), kind == CONTEXT ? "hca_handle" : "hca_object",
		     limit);
	set_race(RACE_AHEAD);
	gather(&crowd, cgroup, kind);
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(outcome.err == EAGAIN, "it is %d", outcome.err);
		crowd.made += outcome.done;
	}
	expect(crowd.made == limit, "%d of %d", crowd.made, limit);
	if (kind == CONTEXT)
		expect_usage(cgroup, rxe(), limit, 0);
	else
		expect_usage(cgroup, rxe(), crowd.nr, limit);
	return crowd;
}

static void release_crowd(struct crowd *crowd)
{
	while (crowd->nr)
		release(&crowd->holder[--crowd->nr]);
}

static int check_limit_is_exact(const char *root, int kind, crowd_fn *gather)
{
	static const int limits[] = { 0, 1, 2, 17 };
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		char name[] = { 'a' + i, 0 };
		char *cgroup = new_cgroup(root, name);
		struct crowd crowd;

		crowd = crowd_at_limit(cgroup, kind, limits[i], gather);
		release_crowd(&crowd);
		expect_usage(cgroup, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

static int test_handle_limit_is_exact(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, one_thread);
}

static int test_handle_limit_is_exact_for_threads(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_threads);
}

static int test_handle_limit_is_exact_for_processes(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_processes);
}

static int test_handle_limit_is_exact_for_cgroups(const char *root)
{
	return check_limit_is_exact(root, CONTEXT, many_cgroups);
}

static int test_object_limit_is_exact(const char *root)
{
	return check_limit_is_exact(root, PD, one_thread);
}

static int test_object_limit_is_exact_for_threads(const char *root)
{
	return check_limit_is_exact(root, PD, many_threads);
}

static int test_object_limit_is_exact_for_processes(const char *root)
{
	return check_limit_is_exact(root, PD, many_processes);
}

static int test_object_limit_is_exact_for_cgroups(const char *root)
{
	return check_limit_is_exact(root, PD, many_cgroups);
}

/* Two cgroups fight for what their parent has, and never get more of it. */
static int test_usage_never_passes_limit(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *child[] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	const int parent_limit = BATCH + 1, child_limit = BATCH - 1;
	int i, made_in_all = 0, refused = 0;
	struct crowd crowd = {};

	set_limit_of(parent, rxe(), "hca_object", parent_limit);
	for (i = 0; i < 4; i++) {
		set_limit_of(child[i % 2], rxe(), "hca_object", child_limit);
		join_crowd(&crowd, child[i % 2], churn, PD, 0);
	}
	set_race(RACE_ON);
	for (i = 0; i < 200; i++) {
		long seen = read_values(parent, "rdma.current", RXE_NAME).objects;

		expect(seen >= 0 && seen <= parent_limit, "%ld", seen);
		seen = read_values(child[i % 2], "rdma.current", RXE_NAME).objects;
		expect(seen >= 0 && seen <= child_limit, "%ld", seen);
	}
	set_race(RACE_OVER);
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(outcome.err != -1, "a verb failed, and not with EAGAIN");
		made_in_all += outcome.done;
		refused += outcome.err == EAGAIN;
	}
	expect(made_in_all, "nothing was let through");
	expect(refused, "nothing was refused");
	expect_usage(parent, rxe(), 4, 0);
	expect_usage(child[0], rxe(), 2, 0);
	expect_usage(child[1], rxe(), 2, 0);
	return KSFT_PASS;
}

static const enum kind rxe_kinds[] = {
	PD, CQ, CQ_EX, QP_RC, QP_UC, QP_UD, QP_EX, MR, MW_1, MW_2, AH, SRQ,
};

static const enum kind siw_kinds[] = { PD, CQ, QP_RC, MR, SRQ };

/* A holder with one context, PD and CQ: all that others are made from. */
static struct holder hold_basics(const char *cgroup, const struct device *device)
{
	struct holder holder = hold_pds(cgroup, device, 1);

	expect_make(&holder, CQ, 1);
	return holder;
}

/*
 * Put those of @kinds into @known that @device has: before Linux 5.14, rxe has no
 * memory windows, and no AHs for today's libibverbs, which forgets what it made.
 */
static int find_known(const struct device *device, const enum kind *kinds,
		      int nr, enum kind *known)
{
	struct holder holder = hold_basics(current->root, device);
	int i, nr_known = 0;

	for (i = 0; i < nr; i++)
		if (ask(&holder, make, kinds[i], 1).err != EOPNOTSUPP)
			known[nr_known++] = kinds[i];
	release(&holder);
	return nr_known;
}

static int check_kinds_count_one(const char *root, const struct device *device,
				 const enum kind *kinds, int nr)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, device);
	enum kind known[NR_KINDS];
	int i, count;

	nr = find_known(device, kinds, nr, known);
	for (i = 0; i < nr; i++) {
		const char *name = kind_names[known[i]];

		for (count = 1; count <= 3; count++) {
			expect_make(&holder, known[i], 1);
			expect_values(name, cgroup, "rdma.current",
				      device->name, 1, 2 + count);
		}
		expect_drop(&holder, known[i], 3);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 2);
	}
	/* What is left to the kernel to drop. */
	for (i = 0; i < nr; i++)
		expect_make(&holder, known[i], 1);
	expect_usage(cgroup, device, 1, 2 + nr);
	release(&holder);
	expect_usage(cgroup, device, 0, 0);
	return KSFT_PASS;
}

static int test_rxe_objects_count_one_each(const char *root)
{
	return check_kinds_count_one(root, rxe(), rxe_kinds,
				     ARRAY_SIZE(rxe_kinds));
}

static int test_siw_objects_count_one_each(const char *root)
{
	return check_kinds_count_one(root, siw(), siw_kinds,
				     ARRAY_SIZE(siw_kinds));
}

/* The holder has a context, a PD and a CQ, and may have one object more. */
static void expect_kinds_are_refused(struct holder *holder, const char *cgroup,
				     const struct device *device,
				     const enum kind *kinds, int nr)
{
	enum kind known[NR_KINDS];
	int i;

	nr = find_known(device, kinds, nr, known);
	for (i = 0; i < nr; i++) {
		const char *name = kind_names[known[i]];

		expect_refusal_after(holder, known[i], 1);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 3);
		expect_drop(holder, known[i], 1);
		expect_values(name, cgroup, "rdma.current", device->name, 1, 2);
	}
	expect_refusal_after(holder, CONTEXT, 0);
	expect_usage(cgroup, device, 1, 2);
}

static int check_kinds_are_refused(const char *root, const struct device *device,
				   const enum kind *kinds, int nr)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, device);

	set_limit(cgroup, device, "hca_handle=1 hca_object=3");
	expect_kinds_are_refused(&holder, cgroup, device, kinds, nr);
	return KSFT_PASS;
}

static int test_rxe_objects_are_refused(const char *root)
{
	return check_kinds_are_refused(root, rxe(), rxe_kinds,
				       ARRAY_SIZE(rxe_kinds));
}

static int test_siw_objects_are_refused(const char *root)
{
	return check_kinds_are_refused(root, siw(), siw_kinds,
				       ARRAY_SIZE(siw_kinds));
}

/* A completion channel is a file, and has no ID. */
static int test_channel_is_no_object(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=0");
	holder = hold(cgroup, rxe());
	expect_make(&holder, CONTEXT, 1);
	expect_make(&holder, CHANNEL, 3);
	expect_usage(cgroup, rxe(), 1, 0);
	expect_drop(&holder, CHANNEL, 3);
	expect_usage(cgroup, rxe(), 1, 0);
	return KSFT_PASS;
}

/* Something else than the controller refuses it, before or after the charge. */
static int test_failed_verb_leaves_no_count(const char *root)
{
	static const enum kind kinds[] = { BAD_MR, BAD_AH, BAD_CQ };
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, rxe());
	int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *name = kind_names[kinds[i]];
		struct outcome outcome = ask(&holder, make, kinds[i], 1);

		expect(!outcome.done, "made: %s", name);
		expect(outcome.err && outcome.err != EAGAIN, "%s: it is %d",
		       name, outcome.err);
		expect_values(name, cgroup, "rdma.current", RXE_NAME, 1, 2);
	}
	return KSFT_PASS;
}

static struct outcome add_guest_device(int unused, int unused2)
{
	guest_device();
	return (struct outcome){ 1, 0 };
}

/* The kernel makes PDs, CQs and QPs of its own where a device comes up. */
static int test_kernel_users_are_not_charged(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_outcome(HERE, "add a device",
		       ask(&holder, add_guest_device, 0, 0), 1, 0);
	expect_values(HERE, cgroup, "rdma.current", GUEST_NAME, 0, 0);
	expect_values(HERE, root, "rdma.current", GUEST_NAME, 0, 0);
	return KSFT_PASS;
}

/*
 * Hierarchy
 */

static int test_parent_limit_binds_children(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *first = new_cgroup(parent, "a");
	char *second = new_cgroup(parent, "b");
	struct holder one, other;

	set_limit(parent, rxe(), "hca_handle=2 hca_object=3");
	one = hold_pds(first, rxe(), 2);
	other = hold_pds(second, rxe(), 0);
	expect_refusal_after(&other, CONTEXT, 0);
	expect_refusal_after(&other, PD, 1);
	expect_refusal_after(&one, PD, 0);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 1, 1);
	expect_usage(parent, rxe(), 2, 3);

	/* What one gives back the other may have. */
	expect_drop(&one, PD, 1);
	expect_refusal_after(&other, PD, 1);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 1, 2);
	expect_usage(parent, rxe(), 2, 3);
	return KSFT_PASS;
}

/* Each level but one has room. Wherever that one is, nothing stays counted. */
static int test_refusal_is_rolled_back_at_every_level(const char *root)
{
	char *level[4];
	struct holder holder;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	holder = hold_pds(level[3], rxe(), 2);
	for (i = 0; i < ARRAY_SIZE(level); i++) {
		set_limit(level[i], rxe(), "hca_handle=1 hca_object=2");
		expect_refusal_after(&holder, PD, 0);
		expect_refusal_after(&holder, CONTEXT, 0);
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_usage(level[j], rxe(), 1, 2);
		set_limit(level[i], rxe(), "hca_handle=max hca_object=max");
	}
	expect_make(&holder, PD, 1);
	expect_usage(level[0], rxe(), 1, 3);
	return KSFT_PASS;
}

static int test_sibling_is_unharmed(const char *root)
{
	char *greedy = new_cgroup(root, "a");
	char *modest = new_cgroup(root, "b");
	struct holder one, other;
	int i;

	set_limit(greedy, rxe(), "hca_handle=1 hca_object=2");
	set_limit(modest, rxe(), "hca_object=4");
	one = hold_pds(greedy, rxe(), 2);
	other = hold_pds(modest, rxe(), 1);
	for (i = 0; i < 50; i++) {
		expect_refusal_after(&one, PD, 0);
		expect_refusal_after(&one, CONTEXT, 0);
	}
	expect_usage(greedy, rxe(), 1, 2);
	expect_usage(modest, rxe(), 1, 1);
	expect_refusal_after(&other, PD, 3);
	expect_usage(greedy, rxe(), 1, 2);
	expect_usage(modest, rxe(), 1, 4);
	expect_usage(root, rxe(), 2, 6);
	return KSFT_PASS;
}

static int test_deep_hierarchy(const char *root)
{
	char *level[32];
	struct holder holder;
	int i;

	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	set_limit(level[0], rxe(), "hca_object=2");
	holder = hold_pds(level[ARRAY_SIZE(level) - 1], rxe(), 1);
	expect_refusal_after(&holder, PD, 1);
	for (i = 0; i < ARRAY_SIZE(level); i++)
		expect_usage(level[i], rxe(), 1, 2);
	release(&holder);
	for (i = 0; i < ARRAY_SIZE(level); i++)
		expect_usage(level[i], rxe(), 0, 0);
	return KSFT_PASS;
}

/*
 * Limits that change while objects live
 */

static int test_limit_below_usage(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, rxe(), 5);

	set_limit(cgroup, rxe(), "hca_handle=0 hca_object=3");
	expect_limit(cgroup, rxe(), 0, 3);
	expect_usage(cgroup, rxe(), 1, 5);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_drop(&holder, PD, 2);
	expect_refusal_after(&holder, PD, 0);
	expect_drop(&holder, PD, 1);
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, rxe(), 1, 3);
	set_limit(cgroup, rxe(), "hca_object=4");
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, rxe(), 1, 4);
	return KSFT_PASS;
}

static int test_reset_to_max(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=2");
	set_limit(cgroup, rxe(), "hca_handle=max hca_object=max");
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=2");
	holder = hold_pds(cgroup, rxe(), 1);
	expect_refusal_after(&holder, PD, 1);
	set_limit(cgroup, rxe(), "hca_handle=max");
	expect_refusal_after(&holder, PD, 0);
	set_limit(cgroup, rxe(), "hca_object=max");
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, rxe(), 1, 2);
	expect_make(&holder, PD, 20);
	expect_make(&holder, CONTEXT, 2);
	expect_usage(cgroup, rxe(), 3, 22);
	release(&holder);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	return KSFT_PASS;
}

/*
 * Who owns a charge
 */

static int test_crash_returns_every_count(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	enum kind known[NR_KINDS];
	struct holder holder;
	int nr = find_known(rxe(), rxe_kinds, ARRAY_SIZE(rxe_kinds), known);
	int i, round;

	for (round = 0; round < 3; round++) {
		holder = hold_basics(cgroup, rxe());
		for (i = 0; i < nr; i++)
			expect_make(&holder, known[i], 2);
		expect_make(&holder, CONTEXT, 2);
		expect_usage(cgroup, rxe(), 3, 2 + 2 * nr);
		crash(&holder);
		expect_usage(cgroup, rxe(), 0, 0);
		expect_usage(parent, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

/* Killed in the middle of verbs. */
static int test_crash_at_work_returns_every_count(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int i, round;

	set_limit(cgroup, rxe(), "hca_object=9");
	for (round = 0; round < 3; round++) {
		struct crowd crowd = {};

		set_race(RACE_AHEAD);
		while (crowd.nr < NR_RACERS)
			join_crowd(&crowd, cgroup, churn,
				   crowd.nr % 2 ? PD : CQ, 0);
		set_race(RACE_ON);
		sleep_ms(30);
		for (i = 0; i < crowd.nr; i++)
			crash(&crowd.holder[i]);
		expect_usage(cgroup, rxe(), 0, 0);
	}
	return KSFT_PASS;
}

static int test_fork_keeps_count_till_last_close(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder parent = hold_pds(first, rxe(), 2);
	struct outcome forked = ask(&parent, fork_child, 0, 0);
	struct holder child = { forked.done, lane[0] };

	expect(!forked.err, "fork: %s", strerror(forked.err));
	expect_usage(first, rxe(), 1, 2);
	expect(!cg_enter(second, child.pid), "move the child");
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 0);

	/* The child uses what it inherited, at its own expense. */
	expect_make(&child, PD, 1);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 1);
	release(&parent);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 1);
	expect_drop(&child, PD, 2);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 0);
	crash(&child);
	expect_usage(first, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_passed_context_stays_with_its_opener(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder opener = hold_pds(first, rxe(), 1);
	struct holder taker = hold_pds(second, rxe(), 0);

	expect_outcome(HERE, "pass", ask(&opener, pass_context, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(&taker, take_context, 0, 0), 1, 0);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 0);
	expect_make(&taker, PD, 3);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 3);

	/* The limits of the taker's cgroup bind it, not those of the opener's. */
	set_limit(first, rxe(), "hca_object=0");
	set_limit(second, rxe(), "hca_object=4");
	expect_refusal_after(&taker, PD, 1);
	expect_drop(&taker, PD, 1);
	crash(&opener);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 0, 3);
	release(&taker);
	expect_usage(first, rxe(), 0, 0);
	expect_usage(second, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_migration_moves_no_charge(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder holder = hold_pds(first, rxe(), 2);

	set_limit(first, rxe(), "hca_object=2");
	set_limit(second, rxe(), "hca_handle=1 hca_object=3");
	expect(!cg_enter(second, holder.pid), "move the holder");
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 0, 0);

	/* New ones belong to the new cgroup; old ones go from the old one. */
	expect_refusal_after(&holder, PD, 3);
	expect_refusal_after(&holder, CONTEXT, 1);
	expect_usage(first, rxe(), 1, 2);
	expect_usage(second, rxe(), 1, 3);
	expect_drop(&holder, PD, 4);
	expect_usage(first, rxe(), 1, 1);
	expect_usage(second, rxe(), 1, 0);
	expect(!cg_enter(first, holder.pid), "move the holder back");
	expect_refusal_after(&holder, PD, 1);
	expect_usage(first, rxe(), 1, 2);
	release(&holder);
	expect_usage(first, rxe(), 0, 0);
	expect_usage(second, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_rmdir_with_live_objects(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *doomed = new_cgroup(parent, "a");
	char *heir = new_cgroup(parent, "b");
	char *refuge = new_cgroup(root, "b");
	struct holder holder = hold_pds(doomed, rxe(), 3);
	struct holder other = hold_pds(heir, rxe(), 0);

	set_limit(parent, rxe(), "hca_object=3");
	expect(!cg_enter(refuge, holder.pid), "move the holder");
	expect(!rmdir(doomed), "%s", strerror(errno));
	expect_usage(parent, rxe(), 2, 3);
	expect_refusal_after(&other, PD, 0);
	expect_drop(&holder, PD, 1);
	expect_usage(parent, rxe(), 2, 2);
	expect_refusal_after(&other, PD, 1);
	expect_usage(heir, rxe(), 1, 1);

	/* A new one of that name starts afresh. */
	doomed = new_cgroup(parent, "a");
	expect_usage(doomed, rxe(), 0, 0);
	expect_limit(doomed, rxe(), NO_LIMIT, NO_LIMIT);

	/* Nor does the parent have to stay. */
	release(&other);
	expect_usage(parent, rxe(), 1, 2);
	expect(!rmdir(doomed) && !rmdir(heir) && !rmdir(parent), "%s",
	       strerror(errno));
	expect_usage(root, rxe(), 1, 2);
	expect_usage(refuge, rxe(), 0, 0);
	release(&holder);
	expect_usage(root, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_reenabled_controller_starts_afresh(const char *root)
{
	char *parent, *leaf;
	struct holder holder;

	parent = new_cgroup(root, "a");
	leaf = new_cgroup(parent, "a");
	set_limit(leaf, rxe(), "hca_object=9");
	holder = hold_pds(leaf, rxe(), 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "-rdma"), "disable");
	expect(access(cg_control(leaf, "rdma.current"), F_OK), "it is there");
	expect_usage(parent, rxe(), 1, 2);
	expect_make(&holder, PD, 1);
	expect_usage(parent, rxe(), 1, 3);

	expect(!cg_write(parent, "cgroup.subtree_control", "+rdma"), "enable");
	expect_usage(leaf, rxe(), 0, 0);
	expect_limit(leaf, rxe(), NO_LIMIT, NO_LIMIT);
	expect_usage(parent, rxe(), 1, 3);
	expect_make(&holder, PD, 1);
	expect_usage(leaf, rxe(), 0, 1);
	expect_usage(parent, rxe(), 1, 4);
	expect_drop(&holder, PD, 3);
	expect_usage(leaf, rxe(), 0, 0);
	expect_usage(parent, rxe(), 1, 1);
	release(&holder);
	expect_usage(parent, rxe(), 0, 0);
	return KSFT_PASS;
}

/*
 * History: peaks and events
 */

static int test_peak_is_highest_usage(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold(cgroup, rxe());

	expect_peak(cgroup, rxe(), 0, 0);
	expect_make(&holder, CONTEXT, 2);
	expect_make(&holder, PD, 3);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_drop(&holder, PD, 3);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_make(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 2, 3);
	expect_make(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 2, 4);
	expect_make(&holder, CONTEXT, 1);
	expect_peak(cgroup, rxe(), 3, 4);
	return KSFT_PASS;
}

/* Idle and without a limit a cgroup keeps the history that it has. */
static int test_history_outlives_usage_and_limits(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	struct holder holder;

	set_limit(parent, rxe(), "hca_handle=5");
	set_limit(cgroup, rxe(), "hca_object=3");
	holder = hold_pds(cgroup, rxe(), 0);
	expect_refusal_after(&holder, PD, 3);
	release(&holder);
	set_limit(cgroup, rxe(), "hca_object=max");
	set_limit(parent, rxe(), "hca_handle=max");
	expect_usage(cgroup, rxe(), 0, 0);
	expect_peak(cgroup, rxe(), 1, 3);
	expect_peak(parent, rxe(), 1, 3);
	expect_events(cgroup, 0, 0, 1, 1);
	expect_local_events(cgroup, 0, 0, 1, 1);
	expect_events(parent, 0, 0, 1, 1);
	return KSFT_PASS;
}

/* The highest sum that there was, which is not the sum of the highest. */
static int test_peak_of_parent(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *first = new_cgroup(parent, "a");
	char *second = new_cgroup(parent, "b");
	struct holder one = hold_pds(first, rxe(), 4);
	struct holder other;

	release(&one);
	other = hold_pds(second, rxe(), 3);
	expect_peak(first, rxe(), 1, 4);
	expect_peak(second, rxe(), 1, 3);
	expect_peak(parent, rxe(), 1, 4);
	one = hold_pds(first, rxe(), 2);
	expect_peak(first, rxe(), 1, 4);
	expect_peak(parent, rxe(), 2, 5);
	release(&one);
	release(&other);
	expect_peak(parent, rxe(), 2, 5);
	return KSFT_PASS;
}

/* Not where the limit is, nor below it, where it had been counted. */
static int test_refused_charge_raises_no_peak(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *middle = new_cgroup(parent, "a");
	char *leaf = new_cgroup(middle, "a");
	struct holder holder;

	set_limit(parent, rxe(), "hca_handle=1 hca_object=2");
	holder = hold_pds(leaf, rxe(), 0);
	expect_refusal_after(&holder, PD, 2);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_peak(leaf, rxe(), 1, 2);
	expect_peak(middle, rxe(), 1, 2);
	expect_peak(parent, rxe(), 1, 2);
	return KSFT_PASS;
}

/* A lower limit makes no history undone, and lets none be made. */
static int test_peak_follows_no_limit(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, rxe(), 5);

	set_limit(cgroup, rxe(), "hca_object=3");
	expect_peak(cgroup, rxe(), 1, 5);
	expect_drop(&holder, PD, 4);
	expect_refusal_after(&holder, PD, 2);
	expect_peak(cgroup, rxe(), 1, 5);
	set_limit(cgroup, rxe(), "hca_object=7");
	expect_refusal_after(&holder, PD, 4);
	expect_peak(cgroup, rxe(), 1, 7);
	return KSFT_PASS;
}

/* The peak is the limit that was run into, and each racer was refused once. */
static int check_history_is_exact(const char *root, int kind, int refusals,
				  crowd_fn *gather)
{
	static const int limits[] = { 0, 1, 7 };
	int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		char name[] = { 'a' + i, 0 };
		char *cgroup = new_cgroup(root, name);
		struct crowd crowd;
		int handles, objects;

		crowd = crowd_at_limit(cgroup, kind, limits[i], gather);
		handles = kind == CONTEXT ? limits[i] : crowd.nr;
		objects = kind == CONTEXT ? 0 : limits[i];
		expect_peak(cgroup, rxe(), handles, objects);
		release_crowd(&crowd);
		expect_peak(cgroup, rxe(), handles, objects);
		if (kind == CONTEXT)
			expect_events(cgroup, refusals, refusals, 0, 0);
		else
			expect_events(cgroup, 0, 0, refusals, refusals);
	}
	return KSFT_PASS;
}

static int test_history_is_exact_for_threads(const char *root)
{
	return check_history_is_exact(root, CONTEXT, NR_RACERS, many_threads);
}

static int test_history_is_exact_for_processes(const char *root)
{
	return check_history_is_exact(root, PD, NR_RACERS, many_processes);
}

static int test_history_is_exact_for_cgroups(const char *root)
{
	return check_history_is_exact(root, PD, NR_RACERS, many_cgroups);
}

/* Whose limit it was, whose task, and all that lies between and above. */
static int test_events_tell_who_and_by_whom(const char *root)
{
	char *top = new_cgroup(root, "a");
	char *limiter = new_cgroup(top, "a");
	char *middle = new_cgroup(limiter, "a");
	char *leaf = new_cgroup(middle, "a");
	char *sibling = new_cgroup(middle, "b");
	struct holder holder;

	set_limit(limiter, rxe(), "hca_object=1");
	holder = hold_pds(leaf, rxe(), 1);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, PD, 0);
	expect_events(leaf, 0, 0, 0, 2);
	expect_local_events(leaf, 0, 0, 0, 2);
	expect_events(middle, 0, 0, 0, 2);
	expect_local_events(middle, 0, 0, 0, 0);
	expect_events(limiter, 0, 0, 2, 2);
	expect_local_events(limiter, 0, 0, 2, 0);
	expect_events(top, 0, 0, 2, 2);
	expect_local_events(top, 0, 0, 0, 0);

	/* The lower of two limits counts, and one refusal has one cause. */
	set_limit(leaf, rxe(), "hca_handle=1 hca_object=1");
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_events(leaf, 1, 1, 1, 3);
	expect_local_events(leaf, 1, 1, 1, 3);
	expect_events(middle, 1, 1, 1, 3);
	expect_local_events(middle, 0, 0, 0, 0);
	expect_events(limiter, 1, 1, 3, 3);
	expect_local_events(limiter, 0, 0, 2, 0);
	expect_events(top, 1, 1, 3, 3);
	expect_local_events(top, 0, 0, 0, 0);

	expect_events(sibling, 0, 0, 0, 0);
	expect_local_events(sibling, 0, 0, 0, 0);
	return KSFT_PASS;
}

/* The first thing ever to happen below the top is a refusal. */
static int test_events_where_nothing_was_counted(const char *root)
{
	char *level[6];
	struct events before, after;
	struct holder holder;
	int i;

	before = read_events(root, "rdma.events");
	for (i = 0; i < ARRAY_SIZE(level); i++)
		level[i] = new_cgroup(i ? level[i - 1] : root, "a");
	set_limit(level[1], rxe(), "hca_handle=0");
	holder = hold(level[5], rxe());
	expect_refusal_after(&holder, CONTEXT, 0);
	for (i = 0; i < ARRAY_SIZE(level); i++) {
		expect_events(level[i], i <= 1, 1, 0, 0);
		expect_local_events(level[i], i == 1, i == 5, 0, 0);
		expect_peak(level[i], rxe(), 0, 0);
	}
	after = read_events(root, "rdma.events");
	expect(after.handle_max == before.handle_max + 1 &&
	       after.handle_fail == before.handle_fail + 1, "%ld %ld, %ld %ld",
	       before.handle_max, before.handle_fail, after.handle_max,
	       after.handle_fail);
	return KSFT_PASS;
}

/* What only a driver refuses is none of the controller's business. */
static int test_failed_verb_is_no_event(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, rxe());

	set_limit(cgroup, rxe(), "hca_object=3");
	expect(!ask(&holder, make, BAD_AH, 1).done, "made");
	expect(!ask(&holder, make, BAD_CQ, 1).done, "made");
	expect_events(cgroup, 0, 0, 0, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_events(cgroup, 0, 0, 1, 1);
	return KSFT_PASS;
}

/* Each refusal that a racer saw is counted once: by cause, and by victim. */
static int test_events_add_up_under_load(const char *root)
{
	enum { TRIES = 100, ROUNDS = 50, LIMIT = 5 };
	char *parent = new_cgroup(root, "a");
	char *idle = new_cgroup(parent, "c");
	char *child[2] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	struct holder holder = hold_pds(idle, rxe(), LIMIT - 2), late;
	int refused[2] = {}, sum, i;
	struct events of_parent, local[2];
	long peak = 0, failed = 0;
	struct crowd crowd = {};

	/* What is left is less than a batch, and still less in one of them. */
	set_limit_of(parent, rxe(), "hca_object", LIMIT);
	set_limit_of(child[0], rxe(), "hca_object", 1);
	while (crowd.nr < NR_RACERS)
		join_crowd(&crowd, child[crowd.nr % 2], struggle, PD, TRIES);
	set_race(RACE_ON);
	for (i = 0; i < ROUNDS; i++) {
		struct values now = read_values(parent, "rdma.peak", RXE_NAME);
		struct events events = read_events(parent, "rdma.events");

		expect(now.objects >= peak && now.objects <= LIMIT,
		       "%ld after %ld", now.objects, peak);
		peak = now.objects;
		expect(events.object_fail >= failed, "%ld after %ld",
		       events.object_fail, failed);
		failed = events.object_fail;
	}
	for (i = 0; i < crowd.nr; i++) {
		struct outcome outcome = outcome_of(&crowd.holder[i]);

		expect(!outcome.err, "a verb failed: %s", strerror(outcome.err));
		refused[i % 2] += outcome.done;
	}
	sum = refused[0] + refused[1];
	expect(sum, "nobody was refused");

	for (i = 0; i < ARRAY_SIZE(child); i++) {
		local[i] = read_events(child[i], "rdma.events.local");
		expect_events(child[i], 0, 0, local[i].object_max, refused[i]);
		expect(local[i].object_fail == refused[i], "%ld of %d",
		       local[i].object_fail, refused[i]);
	}
	expect(!local[1].object_max, "%ld without a limit of its own",
	       local[1].object_max);
	expect_events(parent, 0, 0, sum, sum);
	of_parent = read_events(parent, "rdma.events.local");
	expect(of_parent.object_max == sum - local[0].object_max &&
	       of_parent.object_fail == 0, "%ld %ld of %d",
	       of_parent.object_max, of_parent.object_fail, sum);
	expect_peak(parent, rxe(), NR_RACERS + 1, LIMIT);

	/* No less when those who were refused have gone. */
	release_crowd(&crowd);
	/* Those in the second child may have left nothing to the first's. */
	late = hold_pds(child[0], rxe(), 1);
	release(&late);
	expect_peak(child[0], rxe(), NR_RACERS / 2, 1);
	expect(!rmdir(child[0]) && !rmdir(child[1]), "%s", strerror(errno));
	expect_events(parent, 0, 0, sum, sum);
	release(&holder);
	expect_peak(parent, rxe(), NR_RACERS + 1, LIMIT);
	return KSFT_PASS;
}

/* Removed so soon that nobody can have read or passed on what it counted. */
/* Is refused over and over while the race lasts. */
static struct outcome be_refused(int kind, int unused)
{
	struct outcome outcome = {};

	wait_for_race();
	do {
		if (make_one(kind) || errno != EAGAIN)
			outcome.err = -1;
		else
			one_done();
	} while (race() == RACE_ON && !outcome.err);
	return outcome;
}

/* What a verb has returned is in the next read, wherever its cgroup counts. */
static int test_events_are_never_stale(const char *root)
{
	enum { READS = 20000, STRUGGLERS = 4 };
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	int of_leaf = open(cg_control(leaf, "rdma.events"), O_RDONLY | O_CLOEXEC);
	int of_parent = open(cg_control(parent, "rdma.events"),
			     O_RDONLY | O_CLOEXEC);
	int fd[] = { of_leaf, of_parent };
	struct crowd crowd = {};
	int i;

	set_limit(parent, rxe(), "hca_object=0");
	while (crowd.nr < STRUGGLERS)
		join_crowd(&crowd, leaf, be_refused, PD, 0);
	set_race(RACE_ON);
	for (i = 0; i < READS || nr_done() < READS; i++) {
		int known = nr_done();
		char text[FILE_SIZE];
		ssize_t len = pread(fd[i % 2], text, sizeof(text) - 1, 0);
		long seen;

		expect(len > 0, "read: %s", strerror(errno));
		text[len] = 0;
		seen = value_of(strstr(text, RXE_NAME), " hca_object.alloc_fail=");
		expect(seen >= known, "%ld of %d, at read %d", seen, known, i);
		/* It was the parent's limit. */
		seen = value_of(strstr(text, RXE_NAME), " hca_object.max=");
		known = fd[i % 2] == of_parent ? known : 0;
		expect(seen >= known, "%ld of %d, at read %d", seen, known, i);
	}
	set_race(RACE_OVER);
	for (i = 0; i < crowd.nr; i++)
		expect(!outcome_of(&crowd.holder[i]).err,
		       "a PD was made, or failed for another reason");
	expect_events(leaf, 0, 0, 0, nr_done());
	expect_events(parent, 0, 0, nr_done(), nr_done());
	return KSFT_PASS;
}

static int test_events_survive_removal(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *refuge = new_cgroup(root, "b");
	char *doomed[3];
	int i;

	for (i = 0; i < ARRAY_SIZE(doomed); i++) {
		char name[] = { 'a' + i, 0 };
		struct holder holder;

		doomed[i] = new_cgroup(parent, name);
		set_limit(doomed[i], rxe(), "hca_object=2");
		holder = hold_pds(doomed[i], rxe(), 2);
		expect_drop(&holder, PD, 2);
		expect_drop(&holder, CONTEXT, 1);
		expect_make(&holder, CONTEXT, 1);
		expect_refusal_after(&holder, PD, 2);
		expect(!cg_enter(refuge, holder.pid), "move the holder");
		expect(!rmdir(doomed[i]), "%s", strerror(errno));
		/* The second's charges outlive it, too. */
		if (i != 1)
			crash(&holder);
	}
	expect_events(parent, 0, 0, 3, 3);
	sleep_ms(200);
	expect_events(parent, 0, 0, 3, 3);
	expect_local_events(parent, 0, 0, 0, 0);
	expect_events(refuge, 0, 0, 0, 0);
	expect_peak(parent, rxe(), 2, 4);

	/* A new one of that name has no past. */
	doomed[0] = new_cgroup(parent, "a");
	expect_events(doomed[0], 0, 0, 0, 0);
	expect_peak(doomed[0], rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_history_goes_with_device(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest = guest_device();
	struct holder holder;
	char line[256];

	set_limit(cgroup, guest, "hca_object=2");
	holder = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&holder, PD, 2);
	release(&holder);
	expect_peak(cgroup, guest, 1, 2);
	expect(find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)) &&
	       value_of(line, " hca_object.max=") == 1, "%s", line);
	expect_events(cgroup, 0, 0, 0, 0);
	expect(!remove_device(GUEST_NAME), "remove it");
	remove_link(GUEST_NAME);
	expect(!find_line(cgroup, "rdma.peak", GUEST_NAME, line, sizeof(line)) &&
	       !find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)),
	       "it is still there: %s", line);

	guest = guest_device();
	expect_peak(cgroup, guest, 0, 0);
	expect(find_line(cgroup, "rdma.events", GUEST_NAME, line, sizeof(line)) &&
	       value_of(line, " hca_object.max=") == 0, "%s", line);
	return KSFT_PASS;
}

static int test_reenabled_controller_has_no_history(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct holder holder;

	set_limit(leaf, rxe(), "hca_object=2");
	holder = hold_pds(leaf, rxe(), 0);
	expect_refusal_after(&holder, PD, 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "-rdma"), "disable");
	expect_events(parent, 0, 0, 1, 1);
	expect_peak(parent, rxe(), 1, 2);
	expect(!cg_write(parent, "cgroup.subtree_control", "+rdma"), "enable");
	expect_events(leaf, 0, 0, 0, 0);
	expect_local_events(leaf, 0, 0, 0, 0);
	expect_peak(leaf, rxe(), 0, 0);
	expect_make(&holder, PD, 1);
	expect_peak(leaf, rxe(), 0, 1);
	expect_peak(parent, rxe(), 1, 3);
	expect_events(parent, 0, 0, 1, 1);
	return KSFT_PASS;
}

/*
 * Who waits for events
 */

enum { BY_POLL = 1, BY_INOTIFY = 2 };

/* Waits for a file to change, in both ways that there are. */
struct watch {
	char *path;
	bool told;		/* whether it is to be woken */
	int file, inotify;
};

/*
 * Reads the file, and is from now on woken by what changes later. Returns
 * whether inotify had something to say.
 */
static bool catch_up(const struct watch *watch, char *text)
{
	bool notified = false;
	ssize_t len;

	while (read(watch->inotify, text, FILE_SIZE) > 0)
		notified = true;
	len = pread(watch->file, text, FILE_SIZE - 1, 0);
	if (len < 0)
		fail(HERE, "read %s: %s", watch->path, strerror(errno));
	text[len] = 0;
	return notified;
}

static struct watch watch(const char *cgroup, const char *file, bool told)
{
	struct watch watch = { cg_control(cgroup, file), told };
	char text[FILE_SIZE];

	watch.file = open(watch.path, O_RDONLY | O_CLOEXEC);
	watch.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch.file < 0 ||
	    inotify_add_watch(watch.inotify, watch.path, IN_MODIFY) < 0)
		fail(HERE, "wait for %s: %s", watch.path, strerror(errno));
	catch_up(&watch, text);
	return watch;
}

/* Returns what has woken it. */
static int woken(const struct watch *watch, int timeout_ms)
{
	struct pollfd on[] = {
		{ .fd = watch->file, .events = POLLPRI },
		{ .fd = watch->inotify, .events = POLLIN },
	};

	if (poll(on, ARRAY_SIZE(on), timeout_ms) < 0)
		fail(HERE, "poll %s: %s", watch->path, strerror(errno));
	return (on[0].revents & POLLPRI ? BY_POLL : 0) |
	       (on[1].revents & POLLIN ? BY_INOTIFY : 0);
}

#define A_WHILE	100	/* ms; much longer than it takes to wake someone */

/* None is woken, or none of those that are not to be told. */
static void expect_quiet(const char *where, const struct watch *watches, int nr,
			 bool all)
{
	int i;

	sleep_ms(A_WHILE);
	for (i = 0; i < nr; i++)
		if ((all || !watches[i].told) && woken(&watches[i], 0))
			fail(where, "%s: woken by %d, though it is as it was",
			     watches[i].path, woken(&watches[i], 0));
}

static void expect_told(const char *where, const struct watch *watches, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (watches[i].told &&
		    !becomes(woken(&watches[i], 0) == (BY_POLL | BY_INOTIFY)))
			fail(where, "%s: woken by %d", watches[i].path,
			     woken(&watches[i], 0));
	expect_quiet(where, watches, nr, false);
}

/* Also if somebody reads before those who wait have been woken. */
static int check_wake_ups_of_parents_limit(const char *root, bool read_at_once)
{
	char *top = new_cgroup(root, "a");
	char *limiter = new_cgroup(top, "a");
	char *middle = new_cgroup(limiter, "a");
	char *leaf = new_cgroup(middle, "a");
	char *sibling = new_cgroup(middle, "b");
	struct holder holder = hold_pds(leaf, rxe(), 1);
	struct watch watches[] = {
		watch(top, "rdma.events", true),
		watch(top, "rdma.events.local", false),
		watch(limiter, "rdma.events", true),
		watch(limiter, "rdma.events.local", true),
		watch(middle, "rdma.events", true),
		watch(middle, "rdma.events.local", false),
		watch(leaf, "rdma.events", true),
		watch(leaf, "rdma.events.local", true),
		watch(sibling, "rdma.events", false),
		watch(sibling, "rdma.events.local", false),
	};

	/* To grant and give back, and to read, is no event. */
	set_limit(limiter, rxe(), "hca_object=1");
	expect_drop(&holder, PD, 1);
	expect_make(&holder, PD, 1);
	expect_events(top, 0, 0, 0, 0);
	expect_quiet(HERE, watches, ARRAY_SIZE(watches), true);

	expect_refusal_after(&holder, PD, 0);
	if (read_at_once)
		expect_local_events(middle, 0, 0, 0, 0);
	expect_told(HERE, watches, ARRAY_SIZE(watches));
	return KSFT_PASS;
}

static int test_parents_limit_wakes(const char *root)
{
	return check_wake_ups_of_parents_limit(root, false);
}

static int test_parents_limit_wakes_though_read(const char *root)
{
	return check_wake_ups_of_parents_limit(root, true);
}

static int test_own_limit_wakes(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	char *sibling = new_cgroup(parent, "b");
	struct holder holder = hold(leaf, rxe());
	struct watch watches[] = {
		watch(parent, "rdma.events", true),
		watch(parent, "rdma.events.local", false),
		watch(leaf, "rdma.events", true),
		watch(leaf, "rdma.events.local", true),
		watch(sibling, "rdma.events", false),
		watch(sibling, "rdma.events.local", false),
	};
	int i;

	/* Whoever has caught up is woken again. */
	set_limit(leaf, rxe(), "hca_handle=0");
	for (i = 1; i <= 3; i++) {
		char text[FILE_SIZE];
		int j;

		expect_refusal_after(&holder, CONTEXT, 0);
		expect_told(HERE, watches, ARRAY_SIZE(watches));
		for (j = 0; j < ARRAY_SIZE(watches); j++) {
			catch_up(&watches[j], text);
			expect(value_of(strstr(text, RXE_NAME),
					" hca_handle.alloc_fail=") ==
			       (watches[j].told ? i : 0), "%s is:\n%s",
			       watches[j].path, text);
		}
		expect_quiet(HERE, watches, ARRAY_SIZE(watches), true);
	}
	return KSFT_PASS;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Who reads only when woken gets to see every refusal in the end, and is not
 * woken for each: no file is reported as changed twice in 10 ms.
 */
static int test_storm_of_refusals_wakes_seldom(const char *root)
{
	enum { TRIES = 3000, STORMERS = 4 };
	char *parent = new_cgroup(root, "a");
	char *child[2] = { new_cgroup(parent, "a"), new_cgroup(parent, "b") };
	struct watch events = watch(parent, "rdma.events", true);
	int polls = 0, inotifies = 0, i;
	struct crowd crowd = {};
	long started, limit, seen = 0;

	set_limit(parent, rxe(), "hca_object=0");
	while (crowd.nr < STORMERS)
		join_crowd(&crowd, child[crowd.nr % 2], struggle, PD, TRIES);
	started = now_ms();
	set_race(RACE_ON);
	while (seen < STORMERS * TRIES || !inotifies) {
		int by = woken(&events, SETTLE_MS);
		char text[FILE_SIZE];

		expect(by, "not woken after %ld of %d", seen, STORMERS * TRIES);
		polls += !!(by & BY_POLL);
		inotifies += catch_up(&events, text);
		seen = value_of(strstr(text, RXE_NAME), " hca_object.max=");
	}
	limit = (now_ms() - started) / 10 + 2;
	for (i = 0; i < crowd.nr; i++)
		expect_outcome(HERE, "refusals", outcome_of(&crowd.holder[i]),
			       TRIES, 0);
	expect_events(parent, 0, 0, seen, STORMERS * TRIES);
	expect(polls && polls <= limit, "%d, limit %ld", polls, limit);
	expect(inotifies <= limit, "%d, limit %ld", inotifies, limit);
	return KSFT_PASS;
}

/*
 * What a device claims to have
 */

static struct device_attr seen_by(struct holder *holder, bool extended)
{
	expect_outcome(HERE, "query the device", ask(holder, query, extended, 0),
		       1, 0);
	return shared->attr;
}

/* What it has, without a limit, in both forms of the verb. */
struct hardware {
	struct device_attr attr[2];
};

static struct hardware hardware_seen_by(struct holder *holder)
{
	return (struct hardware){
		{ seen_by(holder, false), seen_by(holder, true) }
	};
}

/* Returns how many values were above @limit. */
static int clamp_counts(struct device_attr *attr, unsigned int limit)
{
	int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(object_counts); i++) {
		__u32 *count = (void *)attr + object_counts[i].at;

		nr += *count > limit;
		*count = *count > limit ? limit : *count;
	}
	return nr;
}

/* What counts objects is at most @limit, and all else as it was. */
static void expect_clamped(const char *where, struct holder *holder,
			   const struct hardware *hardware, int limit)
{
	int extended, i;

	for (extended = 0; extended < 2; extended++) {
		struct device_attr expected = hardware->attr[extended];
		struct device_attr seen = seen_by(holder, extended);

		if (!clamp_counts(&expected, limit) && limit < 10)
			fail(where, "the device has hardly anything to limit");
		for (i = 0; i < ARRAY_SIZE(object_counts); i++) {
			size_t at = object_counts[i].at;
			__u32 *value = (void *)&seen + at;
			__u32 *right = (void *)&expected + at;

			if (*value != *right)
				fail(where, "%s, extended %d: expected %u, seen %u",
				     object_counts[i].name, extended, *right,
				     *value);
		}
		if (memcmp(&seen, &expected, sizeof(seen)))
			fail(where, "what counts no objects has changed, extended %d",
			     extended);
	}
}

static int check_query(const char *root, const struct device *device)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, device, 3);
	struct hardware hardware = hardware_seen_by(&holder);

	set_limit(cgroup, device, "hca_handle=1");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	set_limit(cgroup, device, "hca_object=7");
	expect_clamped(HERE, &holder, &hardware, 7);
	set_limit(cgroup, device, "hca_object=0");
	expect_clamped(HERE, &holder, &hardware, 0);
	/* More than there is of some, and less than there is of others. */
	set_limit(cgroup, device, "hca_object=40000");
	expect_clamped(HERE, &holder, &hardware, 40000);
	set_limit(cgroup, device, "hca_object=max");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	return KSFT_PASS;
}

static int test_query_tells_limit_on_rxe(const char *root)
{
	return check_query(root, rxe());
}

static int test_query_tells_limit_on_siw(const char *root)
{
	return check_query(root, siw());
}

/* Nor need there be anything charged to the cgroup of who asks. */
static int test_query_tells_lowest_limit(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *top = new_cgroup(root, "b");
	char *middle = new_cgroup(top, "a");
	char *leaf = new_cgroup(middle, "a");
	struct holder holder = hold_pds(first, rxe(), 0);
	struct hardware hardware = hardware_seen_by(&holder);

	expect(!cg_enter(leaf, holder.pid), "move the holder");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	set_limit(top, rxe(), "hca_object=5");
	expect_clamped(HERE, &holder, &hardware, 5);
	set_limit(middle, rxe(), "hca_object=6");
	expect_clamped(HERE, &holder, &hardware, 5);
	set_limit(leaf, rxe(), "hca_object=4");
	expect_clamped(HERE, &holder, &hardware, 4);
	set_limit(leaf, rxe(), "hca_object=max");
	set_limit(top, rxe(), "hca_object=max");
	expect_clamped(HERE, &holder, &hardware, 6);
	return KSFT_PASS;
}

/* Not its opener's, and not the one where the caller was before. */
static int test_query_tells_limit_of_caller(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder opener = hold_pds(first, rxe(), 0);
	struct holder taker = hold_pds(second, rxe(), 0);
	struct hardware hardware = hardware_seen_by(&opener);

	set_limit(first, rxe(), "hca_object=5");
	set_limit(second, rxe(), "hca_object=9");
	ask(&opener, pass_context, 0, 0);
	expect_outcome(HERE, "take", ask(&taker, take_context, 0, 0), 1, 0);
	expect_clamped(HERE, &taker, &hardware, 9);
	expect_clamped(HERE, &opener, &hardware, 5);
	expect(!cg_enter(second, opener.pid), "move the opener");
	expect_clamped(HERE, &opener, &hardware, 9);
	expect(!cg_enter(first, taker.pid), "move the taker");
	expect_clamped(HERE, &taker, &hardware, 5);
	return KSFT_PASS;
}

/* As does the tool that administrators use. */
static int test_devinfo_tells_limit(const char *root)
{
	static const char * const counts[] = {
		"max_qp", "max_cq", "max_mr", "max_mw", "max_pd", "max_ah",
		"max_srq",
	};
	static const char * const others[] = {
		"max_qp_wr", "max_cqe", "max_sge", "max_mcast_grp",
	};
	char *cgroup = new_cgroup(root, "a");
	enum kind window = MW_1;
	bool has_windows = find_known(rxe(), &window, 1, &window);
	char line[256], key[64];
	int pair[2], value, status, i, nr = 0;
	FILE *output;
	pid_t pid;

	set_limit(cgroup, rxe(), "hca_object=7");
	if (pipe2(pair, O_CLOEXEC))
		fail(HERE, "pipe: %s", strerror(errno));
	pid = spawn();
	if (!pid) {
		if (dup2(pair[1], STDOUT_FILENO) >= 0 &&
		    !cg_enter_current(cgroup))
			execlp("ibv_devinfo", "ibv_devinfo", "-v", "-d",
			       RXE_NAME, NULL);
		_exit(errno == ENOENT ? 127 : EXIT_FAILURE);
	}
	close(pair[1]);
	output = fdopen(pair[0], "r");
	while (fgets(line, sizeof(line), output)) {
		if (sscanf(line, " %63[^:]: %d", key, &value) != 2)
			continue;
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			if (strcmp(key, counts[i]))
				continue;
			expect(value == (!has_windows && !strcmp(key, "max_mw") ?
					 0 : 7), "%s is %d", key, value);
			nr++;
		}
		for (i = 0; i < ARRAY_SIZE(others); i++) {
			if (strcmp(key, others[i]))
				continue;
			expect(value > 7, "%s is %d", key, value);
			nr++;
		}
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip("no ibv_devinfo: install the tools of libibverbs");
	expect(!status, "status %#x of ibv_devinfo", status);
	expect(nr == ARRAY_SIZE(counts) + ARRAY_SIZE(others),
	       "it told only %d of them", nr);
	return KSFT_PASS;
}

/*
 * Tracepoints
 */

static void start_tracing(void)
{
	if (access(TRACING "/instances", F_OK))
		skip("no tracefs: mount it on " TRACING);
	if (mkdir(TRACE, 0755) && errno != EEXIST)
		fail(HERE, "make " TRACE ": %s", strerror(errno));
	if (cg_write(TRACE "/events/rdmacg", "enable", "1"))
		fail(HERE, "the kernel has no rdmacg tracepoints, or they cannot be enabled");
}

/* How many lines of the trace have this text. */
static int nr_traced(const char *text)
{
	FILE *trace = fopen(TRACE "/trace", "r");
	char line[512];
	int nr = 0;

	if (!trace)
		fail(HERE, "open " TRACE "/trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), trace))
		nr += !!strstr(line, text);
	fclose(trace);
	return nr;
}

static unsigned long long id_of(const char *cgroup)
{
	struct stat status;

	if (stat(cgroup, &status))
		fail(HERE, "%s: %s", cgroup, strerror(errno));
	return status.st_ino;
}

/* Whom an event is about: taken while the cgroup is there, and good for ever. */
struct traced {
	unsigned long long cgroup;
	const char *device;
};

static struct traced traced(const char *cgroup, const char *device)
{
	return (struct traced){ id_of(cgroup), device };
}

static void expect_counted(const char *where, const char *event,
			   struct traced by, const char *resource, int usage,
			   int limit, int times)
{
	char text[256];
	int seen;

	snprintf(text, sizeof(text),
		 ": rdmacg_%s: cgroup=%llu device=%s resource=%s usage=%d limit=%d\n",
		 event, by.cgroup, by.device, resource, usage, limit);
	seen = nr_traced(text);
	if (seen != times)
		fail(where, "expected %d times, seen %d%.*s", times, seen,
		     (int)strlen(text) - 1, text);
}

/* How often there was an event, whatever else it says. */
static int nr_events(const char *event, struct traced by)
{
	char text[256];

	snprintf(text, sizeof(text), ": rdmacg_%s: cgroup=%llu device=%s%c",
		 event, by.cgroup, by.device,
		 strncmp(event, "pool", 4) ? ' ' : '\n');
	return nr_traced(text);
}

static void expect_nr_events(const char *where, const char *event,
			     struct traced by, int nr)
{
	int seen = nr_events(event, by);

	if (seen != nr)
		fail(where, "expected %d of %s for cgroup %llu, seen %d", nr,
		     event, by.cgroup, seen);
}

#define expect_traced(...)	expect_counted(HERE, __VA_ARGS__)

#define expect_nr(...)		expect_nr_events(HERE, __VA_ARGS__)

static int test_trace_of_charges(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	char *other = new_cgroup(root, "b");
	struct traced by_parent = traced(parent, RXE_NAME);
	struct traced by_leaf = traced(leaf, RXE_NAME);
	struct traced by_other = traced(other, RXE_NAME);
	struct holder holder;

	start_tracing();
	set_limit(parent, rxe(), "hca_object=2");
	set_limit(leaf, rxe(), "hca_handle=1");
	holder = hold_pds(leaf, rxe(), 2);
	expect_traced("charge", by_leaf, "hca_handle", 1, 1, 1);
	expect_traced("charge", by_leaf, "hca_object", 1, NO_LIMIT, 1);
	expect_traced("charge", by_leaf, "hca_object", 2, NO_LIMIT, 1);
	expect_nr("charge", by_leaf, 3);
	expect_nr("charge", by_parent, 0);
	expect_nr("refuse", by_leaf, 0);

	/* It is told whose limit it was. */
	expect_refusal_after(&holder, PD, 0);
	expect_traced("refuse", by_parent, "hca_object", 2, 2, 1);
	expect_nr("refuse", by_leaf, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_traced("refuse", by_leaf, "hca_handle", 1, 1, 1);
	expect_nr("refuse", by_leaf, 1);
	expect_nr("refuse", by_parent, 1);
	expect_nr("charge", by_leaf, 3);
	expect_nr("uncharge", by_leaf, 0);

	/* What was charged goes from where it was charged. */
	expect(!cg_enter(other, holder.pid), "move the holder");
	expect_drop(&holder, PD, 2);
	expect_traced("uncharge", by_leaf, "hca_object", 1, NO_LIMIT, 1);
	expect_traced("uncharge", by_leaf, "hca_object", 0, NO_LIMIT, 1);
	release(&holder);
	expect_traced("uncharge", by_leaf, "hca_handle", 0, 1, 1);
	expect_nr("uncharge", by_leaf, 3);
	expect_nr("uncharge", by_parent, 0);
	expect_nr("charge", by_other, 0);
	return KSFT_PASS;
}

static int test_trace_of_limits_and_pools(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct traced by_parent = traced(parent, RXE_NAME);
	struct traced by_leaf = traced(leaf, RXE_NAME);
	struct holder holder;

	start_tracing();
	set_limit(leaf, rxe(), "hca_object=3");
	expect_traced("limit", by_leaf, "hca_object", 0, 3, 1);
	expect_nr("limit", by_leaf, 1);
	expect_nr("limit", by_parent, 0);
	expect_nr("pool_make", by_leaf, 1);
	expect_nr("pool_make", by_parent, 0);
	expect_nr("pool_free", by_leaf, 0);

	/* What is refused leaves no trace. */
	refuses(leaf, RXE_NAME " hca_object=4 hca_handle=-1", EINVAL);
	expect_nr("limit", by_leaf, 1);

	set_limit(leaf, rxe(), "hca_handle=2 hca_object=max");
	expect_traced("limit", by_leaf, "hca_handle", 0, 2, 1);
	expect_traced("limit", by_leaf, "hca_object", 0, NO_LIMIT, 1);
	expect_nr("pool_free", by_leaf, 0);
	set_limit(leaf, rxe(), "hca_handle=max");
	expect_nr("pool_free", by_leaf, 1);

	/* A charge needs one in each ancestor, a limit did not. */
	holder = hold_pds(leaf, rxe(), 2);
	expect_nr("pool_make", by_leaf, 2);
	expect_nr("pool_make", by_parent, 1);
	set_limit(parent, rxe(), "hca_object=1");
	expect_traced("limit", by_parent, "hca_object", 2, 1, 1);
	release(&holder);
	expect_nr("pool_free", by_leaf, 1);
	expect(!rmdir(leaf), "%s", strerror(errno));
	expect(becomes(nr_events("pool_free", by_leaf) == 2), "it is not freed");
	expect_nr("pool_make", by_leaf, 2);
	expect_nr("pool_free", by_parent, 0);
	return KSFT_PASS;
}

static int test_trace_of_other_device(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct traced first = traced(cgroup, GUEST_NAME);
	struct traced then = traced(cgroup, LONG_NAME);
	struct holder holder = hold_pds(cgroup, guest_device(), 0);

	start_tracing();
	expect_make(&holder, PD, 1);
	expect_traced("charge", first, "hca_object", 1, NO_LIMIT, 1);
	expect(!rename_device(GUEST_NAME, LONG_NAME), "rename it");
	expect_make(&holder, PD, 1);
	expect_traced("charge", then, "hca_object", 2, NO_LIMIT, 1);
	release(&holder);
	expect_traced("uncharge", then, "hca_object", 0, NO_LIMIT, 1);
	expect_nr("pool_free", then, 0);
	expect(!remove_device(LONG_NAME), "remove it");
	expect_nr("pool_free", then, 1);
	expect_nr("charge", traced(cgroup, RXE_NAME), 0);
	return KSFT_PASS;
}

/*
 * Devices
 */

/*
 * Defaults, and several lines in a write
 */

static void write_all(const char *where, const char *cgroup, char *text)
{
	int err = write_control(cgroup, "rdma.max", text);

	if (err)
		fail(where, "write '%s': %s", quoted(text), strerror(-err));
}

#define writes(cgroup, text)	write_all(HERE, cgroup, text)

static int test_lines_are_set_together(const char *root)
{
	char *cgroup = limited_cgroup(root);

	writes(cgroup, RXE_NAME " hca_handle=1\n" SIW_NAME " hca_object=2\n");
	expect_limit(cgroup, rxe(), 1, 6);
	expect_limit(cgroup, siw(), NO_LIMIT, 2);
	writes(cgroup, RXE_NAME " hca_handle=3\n\n" RXE_NAME " hca_object=4");
	expect_limit(cgroup, rxe(), 3, 4);

	refuses(cgroup, RXE_NAME " hca_handle=7\n" SIW_NAME " hca_object=x", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=7\nrdmacg_none hca_object=1", ENODEV);
	refuses(cgroup, "default hca_handle=7\n" SIW_NAME " hca_object=-1", EINVAL);
	refuses(cgroup, RXE_NAME " hca_handle=7\ndefault default", EINVAL);
	return KSFT_PASS;
}

static int test_limits_are_saved_and_restored(const char *root)
{
	static const char * const commands[] = {
		"cat %1$s > %2$s", "cp %1$s %2$s", "tee %2$s < %1$s > /dev/null",
	};
	char *from = limited_cgroup(root), *to = new_cgroup(root, "b");
	char saved[FILE_SIZE], restored[FILE_SIZE], command[2 * PATH_MAX];
	int i;

	siw();
	writes(from, "default hca_handle=9\n" SIW_NAME " hca_object=3");
	read_file(from, "rdma.max", saved);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		writes(to, "default hca_handle=max hca_object=max\n"
		       RXE_NAME " default\n" SIW_NAME " default");
		snprintf(command, sizeof(command), commands[i],
			 cg_control(from, "rdma.max"), cg_control(to, "rdma.max"));
		expect(!system(command), "%s", command);
		read_file(to, "rdma.max", restored);
		expect(!strcmp(saved, restored), "by '%s': expected\n%s, seen\n%s",
		       command, saved, restored);
	}
	return KSFT_PASS;
}

static int test_default_binds_each_device(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct holder holder, other;
	char text[FILE_SIZE];

	writes(parent, "default hca_handle=1 hca_object=2");
	expect_limit(parent, rxe(), 1, 2);
	expect_limit(parent, siw(), 1, 2);
	expect_limit(leaf, rxe(), NO_LIMIT, NO_LIMIT);
	read_file(parent, "rdma.max", text);
	expect(!strncmp(text, "default hca_handle=1 hca_object=2\n", 34),
	       "the first line is not the default's:\n%s", text);
	read_file(leaf, "rdma.max", text);
	expect(!strstr(text, "default"), "a default is inherited:\n%s", text);
	read_file(parent, "rdma.current", text);
	expect(!strstr(text, "default"), "rdma.current has one:\n%s", text);

	holder = hold_pds(leaf, rxe(), 2);
	expect_refusal_after(&holder, PD, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	other = hold_pds(leaf, siw(), 2);
	expect_refusal_after(&other, PD, 0);

	writes(parent, "default hca_object=3");
	expect_refusal_after(&holder, PD, 1);
	expect_refusal_after(&other, PD, 1);
	writes(parent, "default hca_handle=max hca_object=max");
	expect_make(&holder, PD, 5);
	read_file(parent, "rdma.max", text);
	expect(!strstr(text, "default"), "it is still there:\n%s", text);
	return KSFT_PASS;
}

static int test_default_binds_a_device_added_later(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest;
	struct holder holder;
	int i;

	writes(cgroup, "default hca_object=2");
	guest = guest_device();
	for (i = 0; i < 2; i++) {
		if (i)
			expect(!add_device_on_link(guest), "add it again");
		expect_limit(cgroup, guest, NO_LIMIT, 2);
		holder = hold_pds(cgroup, guest, 0);
		expect_refusal_after(&holder, PD, 2);
		release(&holder);
		/* An own limit goes with the device, the default does not. */
		set_limit(cgroup, guest, "hca_object=7");
		expect(!remove_device(GUEST_NAME), "remove it");
	}
	return KSFT_PASS;
}

static int test_own_limit_overrides_the_default(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	siw();
	accepts(cgroup, RXE_NAME " hca_handle=7", 7, NO_LIMIT);
	writes(cgroup, "default hca_handle=2 hca_object=1");
	expect_limit(cgroup, rxe(), 7, 1);
	expect_limit(cgroup, siw(), 2, 1);

	/* "max" exempts a device, also from a default that changes. */
	accepts(cgroup, RXE_NAME " hca_object=max", 7, NO_LIMIT);
	writes(cgroup, "default hca_object=0");
	expect_limit(cgroup, rxe(), 7, NO_LIMIT);
	holder = hold_pds(cgroup, rxe(), 5);

	accepts(cgroup, RXE_NAME " hca_handle=default", 2, NO_LIMIT);
	accepts(cgroup, RXE_NAME " default", 2, 0);
	expect_refusal_after(&holder, PD, 0);

	/* The order of lines in one write does not matter. */
	writes(cgroup, "default hca_object=max");
	writes(cgroup, RXE_NAME " hca_object=max\ndefault hca_object=3");
	expect_limit(cgroup, rxe(), 2, NO_LIMIT);
	return KSFT_PASS;
}

static int test_default_is_no_own_limit_of_a_device(const char *root)
{
	char *cgroup = limited_cgroup(root);

	refuses(cgroup, "default default", EINVAL);
	refuses(cgroup, "default=default", EINVAL);
	refuses(cgroup, "default hca_handle=default", EINVAL);
	refuses(cgroup, "default index=4294967295 hca_handle=1", ENODEV);
	refuses(cgroup, RXE_NAME " hca_handle=defaults", EINVAL);
	refuses(cgroup, RXE_NAME " default=1", EINVAL);
	/* Without a default there is none to exempt a device from. */
	accepts(cgroup, RXE_NAME " hca_handle=max", NO_LIMIT, 6);
	writes(cgroup, "default hca_handle=4");
	expect_limit(cgroup, rxe(), 4, 6);
	return KSFT_PASS;
}

static int test_device_called_default(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	char text[FILE_SIZE], line[128];
	struct holder holder;
	int err, index;

	holder = hold_pds(cgroup, guest_device(), 1);
	index = find_device(GUEST_NAME, false);
	err = rename_device(GUEST_NAME, "default");
	expect(!err, "rename: %s", strerror(-err));

	snprintf(line, sizeof(line), "default index=%d hca_handle=1 hca_object=1\n",
		 index);
	read_file(cgroup, "rdma.current", text);
	expect(strstr(text, line), "expected %s, seen\n%s", line, text);
	snprintf(line, sizeof(line),
		 "default hca_handle=8\ndefault index=%d hca_object=2", index);
	writes(cgroup, line);
	snprintf(line, sizeof(line), "default index=%d hca_handle=8 hca_object=2\n",
		 index);
	read_file(cgroup, "rdma.max", text);
	expect(strstr(text, line), "expected %s, seen\n%s", line, text);
	expect_refusal_after(&holder, PD, 1);

	expect(!rename_device("default", GUEST_NAME), "rename it back");
	expect_values(HERE, cgroup, "rdma.max", GUEST_NAME, 8, 2);
	return KSFT_PASS;
}

/* How many lines of the kernel's log have this text. */
static int nr_logged(const char *text)
{
	int size = klogctl(10, NULL, 0), len, nr = 0;
	char *log = calloc(1, size + 1), *at = log;

	len = log ? klogctl(3, log, size) : -1;
	if (len < 0)
		fail(HERE, "read the kernel's log: %s", strerror(errno));
	while ((at = strstr(at, text))) {
		nr++;
		at++;
	}
	free(log);
	return nr;
}

static int test_first_refusal_is_logged_once(const char *root)
{
	static const char by_parent[] = "/logs (limit 2)\n";
	static const char by_leaf[] = "/logs/a (limit 1)\n";
	static const char message[] =
		"cgroup: hca_object on " RXE_NAME " rejected by rdma controller in /";
	char *parent = new_cgroup(root, "logs");
	char *leaf = new_cgroup(parent, "a");
	int before = nr_logged(by_parent), before_leaf = nr_logged(by_leaf);
	int messages = nr_logged(message);
	struct holder holder;
	int i;

	set_limit(parent, rxe(), "hca_object=2");
	holder = hold_pds(leaf, rxe(), 2);
	for (i = 0; i < 50; i++)
		expect_refusal_after(&holder, PD, 0);
	expect(becomes(nr_logged(by_parent) == before + 1), "%d lines",
	       nr_logged(by_parent) - before);

	/* Another limit is news. */
	set_limit(leaf, rxe(), "hca_object=1");
	expect_refusal_after(&holder, PD, 0);
	expect(becomes(nr_logged(by_leaf) == before_leaf + 1), "no line");
	expect(nr_logged(by_parent) == before + 1, "the parent's again");
	expect(nr_logged(message) == messages + 2, "no '%s'", message);
	return KSFT_PASS;
}

static int test_devices_are_independent(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder one, other;

	set_limit(cgroup, rxe(), "hca_handle=1 hca_object=1");
	set_limit(cgroup, siw(), "hca_object=3");
	expect_limit(cgroup, rxe(), 1, 1);
	expect_limit(cgroup, siw(), NO_LIMIT, 3);
	one = hold_pds(cgroup, rxe(), 0);
	other = hold_pds(cgroup, siw(), 0);
	expect_refusal_after(&one, PD, 1);
	expect_refusal_after(&other, PD, 3);
	expect_refusal_after(&one, CONTEXT, 0);
	expect_make(&other, CONTEXT, 1);
	expect_usage(cgroup, rxe(), 1, 1);
	expect_usage(cgroup, siw(), 2, 3);
	release(&one);
	expect_usage(cgroup, rxe(), 0, 0);
	expect_usage(cgroup, siw(), 2, 3);
	return KSFT_PASS;
}

static int test_device_added_later(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder before = hold_pds(cgroup, rxe(), 2);
	struct device *guest;
	struct holder holder;

	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect(write_limit(cgroup, GUEST_NAME, "hca_handle=1") == -ENODEV,
	       "limit before it is there");
	guest = guest_device();
	expect_limit(cgroup, guest, NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, guest, 0, 0);
	set_limit(cgroup, guest, "hca_object=1");
	holder = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_usage(cgroup, guest, 1, 1);
	expect_usage(cgroup, rxe(), 1, 2);
	release(&before);
	return KSFT_PASS;
}

static pid_t start_removal(const char *name)
{
	pid_t pid = spawn();

	if (!pid)
		exit(remove_device(name) ? EXIT_FAILURE : EXIT_SUCCESS);
	if (!becomes(find_device(name, false) < 0))
		fail(HERE, "%s is not being removed", name);
	return pid;
}

/* Whether the driver can take a context from its user, as its function tells. */
static bool takes_contexts_away(const struct device *device)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[512], name[256], wanted[64];
	bool known = false, found = false;

	snprintf(wanted, sizeof(wanted), "%s_disassociate_ucontext",
		 device->driver);
	while (symbols && !found && fgets(line, sizeof(line), symbols)) {
		known = sscanf(line, "%*s %*s %255s", name) == 1;
		found = known && !strcmp(name, wanted);
	}
	if (symbols)
		fclose(symbols);
	if (!known)
		skip("no /proc/kallsyms, which tells what removal waits for");
	return found;
}

static int test_device_deleted_while_open(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct device *guest = guest_device();
	struct holder holder = hold_pds(cgroup, guest, 3);
	struct holder other = hold_pds(cgroup, rxe(), 2);
	pid_t removal;

	set_limit(cgroup, guest, "hca_handle=2 hca_object=4");
	removal = start_removal(GUEST_NAME);
	if (takes_contexts_away(guest)) {
		reap(removal);
		expect_outcome(HERE, "PD of a removed device",
			       ask(&holder, make, PD, 1), 0, EIO);
	} else {
		/* Until the user closes it, all works and counts as before. */
		expect_usage(cgroup, guest, 1, 3);
		expect_refusal_after(&holder, PD, 1);
		expect_drop(&holder, PD, 2);
		expect_usage(cgroup, guest, 1, 2);
		expect_usage(root, guest, 1, 2);
		expect_drop(&holder, PD, 2);
		expect_drop(&holder, CONTEXT, 1);
		reap(removal);
	}
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect(!is_listed(root, GUEST_NAME), "it is");
	expect(write_limit(cgroup, GUEST_NAME, "hca_handle=1") == -ENODEV,
	       "limit after it has gone");
	expect_usage(cgroup, rxe(), 1, 2);
	expect_drop(&other, PD, 2);
	expect_usage(cgroup, rxe(), 1, 0);
	/* The holder has survived; what it still has open counts nowhere. */
	release(&holder);
	expect_usage(cgroup, rxe(), 1, 0);

	/* The next of that name is another device. */
	remove_link(GUEST_NAME);
	guest = guest_device();
	expect_limit(cgroup, guest, NO_LIMIT, NO_LIMIT);
	expect_usage(cgroup, guest, 0, 0);
	return KSFT_PASS;
}

static int test_device_deleted_and_its_user_killed(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_basics(cgroup, guest_device());
	pid_t removal;

	removal = start_removal(GUEST_NAME);
	crash(&holder);
	reap(removal);
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect_usage(cgroup, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_devices_come_and_go_under_load(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	struct holder steady = hold_pds(cgroup, rxe(), 2);
	int round;

	for (round = 0; round < 4; round++) {
		struct device *guest = guest_device();
		struct holder opener = hold(cgroup, guest);
		struct holder user = hold_pds(cgroup, guest, 1);
		pid_t removal;
		int i;

		expect_limit(parent, guest, NO_LIMIT, NO_LIMIT);
		set_race(RACE_AHEAD);
		start(&opener, churn, CONTEXT, 0);
		start(&user, churn, PD, 0);
		set_race(RACE_ON);
		for (i = 0; i < 10; i++)
			set_limit_of(parent, guest, "hca_object", 2 + i % 3);
		removal = start_removal(GUEST_NAME);
		for (i = 0; i < 10; i++) {
			int err = write_limit(cgroup, GUEST_NAME, "hca_object=3");

			expect(!err || err == -ENODEV, "it is %d", err);
			expect_usage(cgroup, rxe(), 1, 2);
		}
		crash(&user);
		crash(&opener);
		reap(removal);
		expect(!is_listed(cgroup, GUEST_NAME), "it is");
		expect(!is_listed(parent, GUEST_NAME), "it is");
		remove_link(GUEST_NAME);
	}
	expect_usage(parent, rxe(), 1, 2);
	release(&steady);
	expect_usage(parent, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_device_renamed(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, guest_device(), 2);
	int i;

	set_limit(cgroup, &(struct device){ .name = GUEST_NAME },
		  "hca_handle=1 hca_object=3");
	for (i = 0; i < 2; i++) {
		const char *from = i ? LONG_NAME : GUEST_NAME;
		const char *to = i ? GUEST_NAME : LONG_NAME;
		int err = rename_device(from, to);

		expect(!err, "to %s: %s", to, strerror(-err));
		expect(!is_listed(cgroup, from), "%s is", from);
		expect_values(HERE, cgroup, "rdma.max", to, 1, 3);
		expect_values(HERE, cgroup, "rdma.current", to, 1, 2);
		expect(write_limit(cgroup, from, "hca_object=9") == -ENODEV,
		       "the old name %s can still be written", from);
		expect_refusal_after(&holder, PD, 1);
		expect_values(HERE, cgroup, "rdma.current", to, 1, 3);
		expect_drop(&holder, PD, 1);
		expect(!write_limit(cgroup, to, "hca_handle=1"), "limit %s", to);
	}
	release(&holder);
	expect_values(HERE, cgroup, "rdma.current", GUEST_NAME, 0, 0);
	return KSFT_PASS;
}

/*
 * What is read while it is copied shows best if names are long, and differ in
 * most of their letters.
 */
static const char * const renamed[] = {
	GUEST_NAME "_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	GUEST_NAME "_bbbbbbbbbbbbbbbbbbbbbbbbbbb",
};

/* Two that share a CPU take turns, and hardly ever meet. */
static void stay_on_cpu(int nr)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(nr, &cpus);
	/* There may be no such CPU: then this goes on where it is. */
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Renames the device to and fro while the race lasts, as fast as it can. */
static void rename_when_racing(int index)
{
	int i, fd = open_netlink(NETLINK_RDMA);
	struct message to[2];

	for (i = 0; i < ARRAY_SIZE(to); i++) {
		start_renaming(&to[i], index, renamed[i]);
		to[i].head.nlmsg_flags |= NLM_F_ACK;
	}
	for (i = 1; race() == RACE_ON; i++) {
		ssize_t len = to[i % 2].head.nlmsg_len;
		int err = send(fd, &to[i % 2], len, 0) == len ?
			  receive_ack(fd) : -errno;

		expect(!err, "to %s: %s", renamed[i % 2], strerror(-err));
		one_done();
	}
}

/* There is one line of the device, under one of its names. */
static bool is_torn(const char *text)
{
	const char *at = strstr(text, GUEST_NAME);
	size_t len = at ? strcspn(at, "\n ") : 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(renamed); i++)
		if (len == strlen(renamed[i]) && !memcmp(at, renamed[i], len))
			return strstr(at + len, GUEST_NAME);
	return true;
}

static int test_device_renamed_under_load(const char *root)
{
	enum { RENAMES = 20000 };
	char *cgroup = new_cgroup(root, "a");
	int index, reads, i, nr = 0, nr_torn = 0;
	char text[FILE_SIZE], torn[FILE_SIZE] = "";
	int fd[ARRAY_SIZE(files)];
	pid_t renamer;

	set_limit(cgroup, guest_device(), "hca_object=7");
	index = find_device(GUEST_NAME, false);
	expect(!rename_device(GUEST_NAME, renamed[0]), "rename it");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		fd[nr] = open(cg_control(cgroup, files[i]), O_RDONLY | O_CLOEXEC);
		nr += fd[nr] >= 0;
	}
	set_race(RACE_ON);
	renamer = spawn();
	stay_on_cpu(!renamer);
	if (!renamer) {
		rename_when_racing(index);
		exit(KSFT_PASS);
	}
	for (reads = 0; nr_done() < RENAMES; reads++) {
		ssize_t len = pread(fd[reads % nr], text, sizeof(text) - 1, 0);

		expect(len > 0, "read: %s", strerror(errno));
		text[len] = 0;
		if (is_torn(text)) {
			nr_torn++;
			memcpy(torn, text, len + 1);
		}
		if (reads % 64)
			continue;
		i = write_limit(cgroup, renamed[0], "hca_object=7");
		expect(!i || i == -ENODEV, "it is %d", i);
		expect(!waitpid(renamer, NULL, WNOHANG), "the renamer has ended");
	}
	set_race(RACE_OVER);
	waitpid(renamer, &i, 0);
	expect(!i, "status %#x of the renamer", i);
	expect(!nr_torn, "%d of %d, after %d renames, the last:\n%s", nr_torn,
	       reads, nr_done(), torn);
	expect_values(HERE, cgroup, "rdma.max", renamed[nr_done() % 2],
		      NO_LIMIT, 7);
	return KSFT_PASS;
}

/*
 * Devices of one name, in net namespaces of their own
 */

/* @who tries a job on @path. Returns an errno. */
static int attempt(struct holder *who, job_fn *job, int what, const char *path,
		   const char *text)
{
	snprintf(shared->path, sizeof(shared->path), "%s", path);
	snprintf(shared->text, sizeof(shared->text), "%s", text);
	return ask(who, job, what, 0).err;
}

static struct outcome use_own_device(int unused, int unused2)
{
	static struct device own = { .name = GUEST_NAME, .driver = "rxe" };

	find_verbs(&own);
	use_device(&own);
	return outcome_if(true);
}

static struct outcome rename_own_device(int unused, int unused2)
{
	int err = rename_device(shared->path, shared->text);

	return (struct outcome){ !err, -err };
}

static struct outcome see_line(int file, int unused)
{
	char line[256];

	return (struct outcome){ find_line(shared->path, files[file],
					   shared->text, line, sizeof(line)) };
}

/* A holder in a net namespace, where it has a device and sees no other. */
static struct holder hold_twin(const char *cgroup)
{
	static struct device twin = { .name = TWIN_NAME, .driver = "rxe" };
	struct holder holder = occupy(cgroup);
	int err;

	rxe();
	if (devices_are_shared() < 0)
		skip("the kernel has no mode for devices in net namespaces");
	if (devices_are_shared()) {
		/* Namespaces of tests before this one may be about to end. */
		if (!becomes(share_devices(false) != -EBUSY))
			skip("there are other net namespaces, with which the mode of devices cannot change");
		expect(!devices_are_shared(), "they still are");
		shared->exclusive = true;
	}
	expect_outcome(HERE, "enter a namespace",
		       ask(&holder, enter_namespaces, CLONE_NEWNET, 0), 1, 0);
	expect(!add_device(&twin), "%s", twin.missing);
	shared->twin = find_device(TWIN_NAME, false);
	err = move_device(shared->twin, holder.pid, NULL);
	if (err == -EOPNOTSUPP) {
		remove_device(TWIN_NAME);
		shared->twin = 0;
		skip("rxe cannot move to another net namespace: is the kernel older than 7.3?");
	}
	expect(!err, "move it: %s", strerror(-err));
	expect(!is_here(shared->twin), "it is");
	return holder;
}

/* A name with an index. So its line begins, and a line written to it. */
static struct device labelled(int index)
{
	char *label = malloc(DEVICE_NAME_MAX);

	snprintf(label, DEVICE_NAME_MAX, GUEST_NAME " index=%d", index);
	return (struct device){ .name = label };
}

struct twins {
	struct holder holder;		/* of the twin, in its namespace */
	struct device twin, other;	/* registered in this order */
	struct device *guest;		/* the other, as verbs know it */
};

static struct twins make_twins(const char *cgroup)
{
	struct twins twins = { hold_twin(cgroup) };
	int err;

	twins.guest = guest_device();
	err = attempt(&twins.holder, rename_own_device, 0, TWIN_NAME, GUEST_NAME);
	if (err == EEXIST)
		skip("no two devices can have one name here");
	expect(!err, "take the other's name: %s", strerror(err));
	twins.twin = labelled(shared->twin);
	twins.other = labelled(find_device(GUEST_NAME, false));
	return twins;
}

/* Both have their line in each file, in order, and no other has an index. */
static void expect_twins(const char *where, const char *cgroup,
			 const struct twins *twins)
{
	char text[FILE_SIZE], *first, *second;
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		first = strstr(text, GUEST_NAME);
		second = first ? strstr(first + 1, GUEST_NAME) : NULL;
		if (!second || strstr(second + 1, GUEST_NAME) ||
		    strncmp(first, twins->twin.name, strlen(twins->twin.name)) ||
		    strncmp(second, twins->other.name, strlen(twins->other.name)) ||
		    strstr(text, "index=") < first ||
		    strstr(strchr(second, '\n'), "index="))
			fail(where, "%s is:\n%s", files[i], text);
	}
}

/* Nor does anything have an index once the names differ. */
static void expect_names(const char *where, const char *cgroup,
			 const char *first, const char *second)
{
	char text[FILE_SIZE], line[256];
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		if (strstr(text, "index=") ||
		    !find_line(cgroup, files[i], first, line, sizeof(line)) ||
		    !find_line(cgroup, files[i], second, line, sizeof(line)))
			fail(where, "%s is:\n%s", files[i], text);
	}
}

static int test_twins_are_told_apart_by_index(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	char line[128];

	expect_twins(HERE, cgroup, &twins);
	refuses(cgroup, GUEST_NAME " hca_handle=1", ENOTUNIQ);
	refuses(cgroup, GUEST_NAME " index=4294967295 hca_handle=1", ENODEV);
	set_limit(cgroup, &twins.other, "hca_handle=2 hca_object=9");
	refuses(cgroup, GUEST_NAME " hca_handle=max", ENOTUNIQ);
	snprintf(line, sizeof(line), "%s hca_handle=1x", twins.twin.name);
	refuses(cgroup, line, EINVAL);
	expect_limit(cgroup, &twins.twin, NO_LIMIT, NO_LIMIT);
	set_limit(cgroup, &twins.twin, "hca_object=4");
	expect_limit(cgroup, &twins.twin, NO_LIMIT, 4);
	expect_limit(cgroup, &twins.other, 2, 9);
	return KSFT_PASS;
}

static int test_twins_are_limited_apart(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	struct holder holder;

	set_limit(cgroup, &twins.twin, "hca_object=3");
	set_limit(cgroup, &twins.other, "hca_object=1");
	expect_outcome(HERE, "find the twin",
		       ask(&twins.holder, use_own_device, 0, 0), 1, 0);
	expect_make(&twins.holder, CONTEXT, 1);
	holder = hold_pds(cgroup, twins.guest, 0);
	expect_refusal_after(&holder, PD, 1);
	expect_refusal_after(&twins.holder, PD, 3);
	expect_refusal_after(&twins.holder, PD, 0);
	expect_usage(cgroup, &twins.twin, 1, 3);
	expect_usage(cgroup, &twins.other, 1, 1);
	expect_events_of(cgroup, &twins.twin, 0, 0, 2, 2);
	expect_events_of(cgroup, &twins.other, 0, 0, 1, 1);
	expect_drop(&twins.holder, PD, 3);
	expect_usage(cgroup, &twins.twin, 1, 0);
	expect_usage(cgroup, &twins.other, 1, 1);
	expect_peak(cgroup, &twins.twin, 1, 3);
	expect_peak(cgroup, &twins.other, 1, 1);
	release(&holder);
	expect_usage(cgroup, &twins.other, 0, 0);
	expect_usage(root, &twins.twin, 1, 0);
	return KSFT_PASS;
}

/* With the second of a name its index goes, whichever way that goes. */
static int test_index_goes_with_the_twin(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	char line[256];
	int i;

	set_limit(cgroup, &twins.twin, "hca_object=3");
	set_limit(cgroup, &twins.other, "hca_object=1");
	expect(!attempt(&twins.holder, rename_own_device, 0, GUEST_NAME,
			LONG_NAME), "rename the twin");
	expect_names(HERE, cgroup, LONG_NAME, GUEST_NAME);
	expect_limit(cgroup, twins.guest, NO_LIMIT, 1);
	accepts(cgroup, GUEST_NAME " hca_handle=4", NO_LIMIT, NO_LIMIT);
	accepts(cgroup, LONG_NAME " hca_handle=5", NO_LIMIT, NO_LIMIT);
	expect(!attempt(&twins.holder, rename_own_device, 0, LONG_NAME,
			GUEST_NAME), "rename the twin again");
	expect_twins(HERE, cgroup, &twins);
	expect_limit(cgroup, &twins.twin, 5, 3);
	expect_limit(cgroup, &twins.other, 4, 1);

	expect(!remove_device(GUEST_NAME), "remove the other");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		expect(find_line(cgroup, files[i], GUEST_NAME, line,
				 sizeof(line)) && !strstr(line, "index="),
		       "%s has '%s'", files[i], line);
	}
	expect_limit(cgroup, twins.guest, 5, 3);
	return KSFT_PASS;
}

/* A move takes contexts away, but keeps limits and history. */
static int test_moved_device_keeps_its_limits(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder there = hold_twin(cgroup);
	struct holder here;
	struct device moved = { .name = LONG_NAME };
	struct device *guest = guest_device();
	int index = find_device(GUEST_NAME, false);

	set_limit(cgroup, guest, "hca_handle=1 hca_object=3");
	here = hold_pds(cgroup, guest, 0);
	expect_refusal_after(&here, PD, 3);
	expect_refusal_after(&here, CONTEXT, 0);

	/* Into a namespace, under another name. */
	expect(!move_device(index, there.pid, LONG_NAME), "move it");
	expect(!is_listed(cgroup, GUEST_NAME), "it is");
	expect_usage(cgroup, &moved, 0, 0);
	expect_limit(cgroup, &moved, 1, 3);
	expect_peak(cgroup, &moved, 1, 3);
	expect_events_of(cgroup, &moved, 1, 1, 1, 1);
	expect_outcome(HERE, "PD of a moved device", ask(&here, make, PD, 1),
		       0, EIO);
	expect(!attempt(&there, rename_own_device, 0, LONG_NAME, GUEST_NAME),
	       "rename it there");
	expect_outcome(HERE, "find it", ask(&there, use_own_device, 0, 0), 1, 0);
	expect_make(&there, CONTEXT, 1);
	expect_refusal_after(&there, PD, 3);
	expect_usage(cgroup, guest, 1, 3);

	/* What the first holder has open is nothing by now. */
	release(&here);
	expect_usage(cgroup, guest, 1, 3);
	expect_usage(root, guest, 1, 3);
	release(&there);
	expect_usage(cgroup, guest, 0, 0);
	return KSFT_PASS;
}

/* The kernel takes the device back, and gives it a name that is free there. */
static int test_namespace_ends_under_load(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	struct holder heir = hold_pds(cgroup, rxe(), 0);
	char name[DEVICE_NAME_MAX];
	struct device back = { .name = name };

	snprintf(name, sizeof(name), "ibdev%d", shared->twin);
	set_limit(cgroup, &twins.twin, "hca_object=3");
	expect_outcome(HERE, "find the twin",
		       ask(&twins.holder, use_own_device, 0, 0), 1, 0);
	expect_make(&twins.holder, CONTEXT, 1);

	/* An heir outside goes on with it, which does not keep the namespace. */
	expect_outcome(HERE, "pass", ask(&twins.holder, pass_context, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(&heir, take_context, 0, 0), 1, 0);
	expect_make(&heir, PD, 1);
	expect_usage(cgroup, &twins.twin, 1, 1);
	start(&heir, churn, PD, 0);
	start(&twins.holder, churn, PD, 0);
	set_race(RACE_ON);
	crash(&twins.holder);
	expect(becomes(is_here(shared->twin)), "it does not come back");
	set_race(RACE_OVER);
	outcome_of(&heir);
	expect_names(HERE, cgroup, name, GUEST_NAME);
	expect_limit(cgroup, &back, NO_LIMIT, 3);
	expect_usage(cgroup, &back, 0, 0);
	expect_usage(root, &back, 0, 0);
	release(&heir);
	expect_usage(root, &back, 0, 0);
	return KSFT_PASS;
}

/* The files tell a container of devices that it cannot use. */
static int test_container_sees_all_devices(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct twins twins = make_twins(cgroup);
	int i;

	snprintf(shared->path, sizeof(shared->path), "%s", cgroup);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(shared->text, sizeof(shared->text), "%s",
			 twins.twin.name);
		expect_outcome(HERE, files[i],
			       ask(&twins.holder, see_line, i, 0), 1, 0);
		snprintf(shared->text, sizeof(shared->text), "%s",
			 twins.other.name);
		expect_outcome(HERE, files[i],
			       ask(&twins.holder, see_line, i, 0), 1, 0);
	}
	return KSFT_PASS;
}

/*
 * Delegation: what tenants may do that are not root
 */

static void expect_attempt(const char *where, const char *asked,
			   struct holder *who, job_fn *job, int what,
			   const char *path, const char *text, int err)
{
	int seen = attempt(who, job, what, path, text);

	if (seen != err)
		fail(where, "%s %s '%s': expected %s, seen %s", asked, path,
		     quoted(text), err ? strerror(err) : "success",
		     seen ? strerror(seen) : "success");
}

#define may(who, job, what, path)					\
	expect_attempt(HERE, #job, who, job, what, path, "", 0)

#define may_not(who, job, what, path, err)				\
	expect_attempt(HERE, #job, who, job, what, path, "", err)

#define may_write(who, cgroup, file, text)				\
	may_not_write(who, cgroup, file, text, 0)

#define may_not_write(who, cgroup, file, text, err)			\
	expect_attempt(HERE, "write", who, write_file, 0,		\
		       cg_control(cgroup, file), text, err)

#define may_write_kept(who, text)	may_not_write_kept(who, text, 0)

#define may_not_write_kept(who, text, err)				\
	expect_attempt(HERE, "write what is open", who, write_kept, 0, "", \
		       text, err)

#define may_not_rename(who, from, to, err)				\
	expect_attempt(HERE, "rename to", who, rename_path, 0, from, to, err)

#define may_enter(who, cgroup)	may_write(who, cgroup, "cgroup.procs", "0")

#define may_not_enter(who, cgroup, err)					\
	may_not_write(who, cgroup, "cgroup.procs", "0", err)

/* Whoever is a user may use the device. */
static void admit_users(const struct device *device)
{
	char path[sizeof(shared->node)];
	struct stat status;

	snprintf(path, sizeof(path), "/dev/infiniband/%s", node_name(device));
	if (stat(path, &status) || (status.st_mode & 0006) == 0006)
		return;
	shared->node_mode = status.st_mode & 07777;
	memcpy(shared->node, path, sizeof(path));
	chmod(path, 0666);
}

/* A user's process in @cgroup, with a device or without. */
static struct holder user_in(const char *cgroup, const struct device *device,
			     int id)
{
	struct holder user = device ? hold(cgroup, device) : occupy(cgroup);

	if (device)
		admit_users(device);
	expect_outcome(HERE, "become a user", ask(&user, become_user, id, 0),
		       1, 0);
	return user;
}

/* The file that @from has open, as it is. */
static void hand_over(struct holder *from, struct holder *to)
{
	expect_outcome(HERE, "pass", ask(from, pass_kept, 0, 0), 1, 0);
	expect_outcome(HERE, "take", ask(to, take_kept, 0, 0), 1, 0);
}

static void put_into_namespaces(struct holder *holder, int flags)
{
	struct outcome outcome = ask(holder, enter_namespaces, flags, 0);

	if (outcome.err)
		skip("cannot be root in namespaces of its own: %s (are user namespaces allowed?)",
		     strerror(outcome.err));
}

/* As the kernel's documents say: not what sets the limits. */
static void delegate(const char *cgroup, int id)
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

static char *delegated_cgroup(const char *root, const char *name)
{
	char *cgroup = new_cgroup(root, name);

	delegate(cgroup, TENANT);
	return cgroup;
}

/* Moves the tenant below the cgroup that it got, so that it may limit itself. */
static char *settle(struct holder *tenant, const char *own)
{
	char *leaf = cg_name(own, "leaf");

	may(tenant, make_directory, 0, leaf);
	may_enter(tenant, leaf);
	if (current->unified)
		may_write(tenant, own, "cgroup.subtree_control", "+rdma");
	return leaf;
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
	expect_make(&tenant, CONTEXT, 1);
	expect_make(&tenant, PD, 1);
	expect_make(&tenant, CQ, 1);
	expect_kinds_are_refused(&tenant, leaf, rxe(), rxe_kinds,
				 ARRAY_SIZE(rxe_kinds));
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
 * file may write there, and may go on when its rights are gone. As to who is
 * moved, the rights of whoever opened count, not of whoever writes.
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

/* A file that outlives its cgroup leads to no other of that name. */
static int test_open_file_outlives_its_cgroup(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	int max, i, nr = 1 + current->unified;
	char byte;

	for (i = 0; i < nr; i++) {
		int current_usage = open(cg_control(cgroup, "rdma.current"),
					 O_RDONLY | O_CLOEXEC);

		max = open_limits(cgroup);
		wrote(cgroup, written(write(max, RXE_NAME " hca_handle=1", 23)),
		      23, 1, NO_LIMIT);
		if (!i) {
			expect(!rmdir(cgroup), "%s", strerror(errno));
			cgroup = new_cgroup(parent, "a");
		} else {
			expect(!cg_write(parent, "cgroup.subtree_control",
					 "-rdma"), "disable");
			expect(!cg_write(parent, "cgroup.subtree_control",
					 "+rdma"), "enable");
		}
		wrote(cgroup, written(write(max, RXE_NAME " hca_handle=2", 23)),
		      -ENODEV, NO_LIMIT, NO_LIMIT);
		wrote(cgroup, written(read(max, &byte, 1)), -ENODEV, NO_LIMIT,
		      NO_LIMIT);
		wrote(cgroup, written(read(current_usage, &byte, 1)), -ENODEV,
		      NO_LIMIT, NO_LIMIT);
	}
	return KSFT_PASS;
}

/*
 * Namespaces
 */

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
	put_into_namespaces(&tenant, CLONE_NEWUSER | CLONE_NEWCGROUP |
				     CLONE_NEWNS | CLONE_NEWNET);
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
	expect_make(&tenant, CONTEXT, 1);
	expect_make(&tenant, PD, 1);
	expect_make(&tenant, CQ, 1);
	expect_usage(own, rxe(), 1, 2);
	set_limit(own, rxe(), "hca_handle=1 hca_object=3");
	expect_kinds_are_refused(&tenant, own, rxe(), rxe_kinds,
				 ARRAY_SIZE(rxe_kinds));
	expect_usage(root, rxe(), 1, 2);
	release(&tenant);
	expect_usage(own, rxe(), 0, 0);
	return KSFT_PASS;
}

static int test_user_namespace_is_limited(const char *root)
{
	return check_user_in_namespaces(root, CLONE_NEWUSER | CLONE_NEWCGROUP |
					      CLONE_NEWNS);
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
	put_into_namespaces(&tenant, CLONE_NEWUSER | CLONE_NEWCGROUP |
				     CLONE_NEWNS);
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
	put_into_namespaces(&tenant, CLONE_NEWUSER | CLONE_NEWCGROUP |
				     CLONE_NEWNS);
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

/* Who may only read, and sees nothing but its own, may wait. */
static int test_namespace_is_woken(const char *root)
{
	char *own = new_cgroup(root, "a");
	struct holder tenant = user_in(own, rxe(), TENANT);
	int i;

	set_limit(own, rxe(), "hca_object=0");
	put_into_namespaces(&tenant, CLONE_NEWUSER | CLONE_NEWCGROUP |
				     CLONE_NEWNS);
	may(&tenant, mount_own_view, 0, "");
	expect_make(&tenant, CONTEXT, 1);
	may(&tenant, start_watch, 0, "");
	for (i = 1; i <= 2; i++) {
		expect_refusal_after(&tenant, PD, 0);
		may(&tenant, expect_woken, i, "");
	}
	return KSFT_PASS;
}

/* Linux 5.10 keeps a removed cgroup as long as it has pages in the cache. */
static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	/* Without the right to, this shows in what is still there. */
	if (fd < 0 || write(fd, "3", 1) != 1)
		ksft_print_msg("cannot drop caches: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* How many cgroups of this program were removed, but are not freed yet. */
static long nr_dying(const char *root)
{
	int nr_cgroups = 0;

	drop_caches();
	if (current->unified)
		return cg_read_key_long(root, "cgroup.stat",
					"nr_dying_descendants ");
	if (!current->own_mount)
		skip("others may have cgroups in this hierarchy");
	hierarchy_of_rdma(&nr_cgroups);
	return nr_cgroups - 2;	/* the root and ours */
}

/* Those of all tests before this one, whatever happened in them. */
static int test_all_removed_cgroups_are_freed(const char *root)
{
	expect(becomes(!nr_dying(root)), "%ld are not", nr_dying(root));
	return KSFT_PASS;
}

/*
 * A task that was refused a context must not stay, nor its cgroup with it.
 * (uverbs lost a reference there, up to Linux 6.12 at least.)
 */
static int test_refused_context_pins_no_cgroup(const char *root)
{
	struct holder holder;
	char *cgroup;
	long before;

	/* None is expected, but those that earlier tests lost are their fault. */
	(void)becomes(!nr_dying(root));
	before = nr_dying(root);
	cgroup = new_cgroup(root, "a");
	set_limit(cgroup, rxe(), "hca_handle=0");
	holder = hold(cgroup, rxe());
	expect_refusal_after(&holder, CONTEXT, 0);
	release(&holder);
	expect(!rmdir(cgroup), "%s", strerror(errno));
	expect(becomes(nr_dying(root) <= before), "%ld are dying, and %ld before",
	       nr_dying(root), before);
	return KSFT_PASS;
}

#define T(x, ...) { x, #x, ##__VA_ARGS__ }
static const struct rdma_test {
	int (*fn)(const char *root);
	const char *name;
	bool unified_only;	/* there is nothing like it in v1 */
	bool legacy_only;	/* nor in v2 */
} tests[] = {
	T(test_files_exist),
	T(test_root_has_no_files),
	T(test_every_device_has_one_line),
	T(test_lines_are_in_order_of_registration),
	T(test_format),
	T(test_format_has_no_trailing_blank),
	T(test_format_of_peak),
	T(test_format_of_events),
	T(test_only_limits_can_be_written),
	T(test_unprivileged_user_cannot_write),
	T(test_parse_sets_what_is_named),
	T(test_parse_last_of_equal_keys_counts),
	T(test_parse_number_bases),
	T(test_parse_s32_max_is_max),
	T(test_parse_blanks_around),
	T(test_parse_blanks_and_tabs_between),
	T(test_parse_newline_between_keys),
	T(test_parse_refuses_nothing),
	T(test_parse_lone_device_changes_nothing),
	T(test_parse_refuses_bad_keys),
	T(test_parse_refuses_bad_values),
	T(test_parse_refuses_part_of_max),
	T(test_parse_refuses_tail_of_number),
	T(test_parse_refuses_large_numbers),
	T(test_parse_bad_key_spoils_good_one),
	T(test_parse_refuses_unknown_device),
	T(test_parse_index_of_device),
	T(test_parse_refuses_index_of_other_device),
	T(test_parse_refuses_bad_index),
	T(test_parse_refuses_more_than_a_page),
	T(test_write_of_megabytes),
	T(test_write_ends_at_nul),
	T(test_split_write_is_not_joined),
	T(test_write_from_bad_memory),
	T(test_read_in_small_steps),
	T(test_read_at_any_offset),
	T(test_slow_reader_sees_one_moment),
	T(test_counts_without_any_limit),
	T(test_handle_limit_is_exact),
	T(test_handle_limit_is_exact_for_threads),
	T(test_handle_limit_is_exact_for_processes),
	T(test_handle_limit_is_exact_for_cgroups),
	T(test_object_limit_is_exact),
	T(test_object_limit_is_exact_for_threads),
	T(test_object_limit_is_exact_for_processes),
	T(test_object_limit_is_exact_for_cgroups),
	T(test_usage_never_passes_limit),
	T(test_rxe_objects_count_one_each),
	T(test_siw_objects_count_one_each),
	T(test_rxe_objects_are_refused),
	T(test_siw_objects_are_refused),
	T(test_channel_is_no_object),
	T(test_failed_verb_leaves_no_count),
	T(test_kernel_users_are_not_charged),
	T(test_parent_limit_binds_children),
	T(test_refusal_is_rolled_back_at_every_level),
	T(test_sibling_is_unharmed),
	T(test_deep_hierarchy),
	T(test_limit_below_usage),
	T(test_reset_to_max),
	T(test_crash_returns_every_count),
	T(test_crash_at_work_returns_every_count),
	T(test_fork_keeps_count_till_last_close),
	T(test_passed_context_stays_with_its_opener),
	T(test_migration_moves_no_charge),
	T(test_rmdir_with_live_objects),
	T(test_reenabled_controller_starts_afresh, .unified_only = true),
	T(test_peak_is_highest_usage),
	T(test_peak_of_parent),
	T(test_refused_charge_raises_no_peak),
	T(test_peak_follows_no_limit),
	T(test_events_tell_who_and_by_whom),
	T(test_events_where_nothing_was_counted),
	T(test_failed_verb_is_no_event),
	T(test_events_add_up_under_load),
	T(test_events_are_never_stale),
	T(test_events_survive_removal),
	T(test_history_outlives_usage_and_limits),
	T(test_history_is_exact_for_threads),
	T(test_history_is_exact_for_processes),
	T(test_history_is_exact_for_cgroups),
	T(test_history_goes_with_device),
	T(test_reenabled_controller_has_no_history, .unified_only = true),
	T(test_parents_limit_wakes),
	T(test_parents_limit_wakes_though_read),
	T(test_own_limit_wakes),
	T(test_storm_of_refusals_wakes_seldom),
	T(test_query_tells_limit_on_rxe),
	T(test_query_tells_limit_on_siw),
	T(test_query_tells_lowest_limit),
	T(test_query_tells_limit_of_caller),
	T(test_devinfo_tells_limit),
	T(test_trace_of_charges),
	T(test_trace_of_limits_and_pools),
	T(test_trace_of_other_device),
	T(test_lines_are_set_together),
	T(test_limits_are_saved_and_restored),
	T(test_default_binds_each_device),
	T(test_default_binds_a_device_added_later),
	T(test_own_limit_overrides_the_default),
	T(test_default_is_no_own_limit_of_a_device),
	T(test_device_called_default),
	T(test_first_refusal_is_logged_once),
	T(test_devices_are_independent),
	T(test_device_added_later),
	T(test_device_deleted_while_open),
	T(test_device_deleted_and_its_user_killed),
	T(test_devices_come_and_go_under_load),
	T(test_device_renamed),
	T(test_device_renamed_under_load),
	T(test_twins_are_told_apart_by_index),
	T(test_twins_are_limited_apart),
	T(test_index_goes_with_the_twin),
	T(test_moved_device_keeps_its_limits),
	T(test_namespace_ends_under_load),
	T(test_container_sees_all_devices),
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
	T(test_open_file_outlives_its_cgroup),
	T(test_namespace_cannot_write_its_root, .unified_only = true),
	T(test_namespace_cannot_be_left, .unified_only = true),
	T(test_user_namespace_gives_no_rights),
	T(test_user_namespace_is_limited),
	T(test_net_namespace_is_limited),
	T(test_user_namespace_limits_its_children),
	T(test_namespace_sees_no_other_cgroup),
	T(test_namespace_is_woken),
	T(test_all_removed_cgroups_are_freed),
	T(test_refused_context_pins_no_cgroup),
};

#undef T

/*
 * The supervisor
 */

static const char *selected = "";	/* part of the names of tests to run */
static int stop_signal;
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

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		nr += is_selected(hierarchy, &tests[i]);
	return nr;
}

/* A plan of no cases would pass. */
static void die_of_no_case(void)
{
	const struct hierarchy *hierarchies[] = { &unified, &legacy };
	const char *wanted = selected;
	int h, i;

	selected = "";
	for (h = 0; h < ARRAY_SIZE(hierarchies); h++)
		for (i = 0; i < ARRAY_SIZE(tests); i++)
			if (is_selected(hierarchies[h], &tests[i]))
				ksft_print_msg("%s:%s\n", hierarchies[h]->name,
					       tests[i].name);
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
static void tidy_up(void)
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
static int run(int (*fn)(const char *root))
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

	for (i = 0; i < ARRAY_SIZE(devices); i++)
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
	/* With a cgroup left, its hierarchy would outlive the mount. */
	if (!becomes(only_root_is_left()))
		ksft_print_msg("a v1 cgroup cannot be freed: is a charge left?\n");
	umount(legacy.root);
	rmdir(legacy.root);
	if (!becomes(is_unified()))
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
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
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
	if (!reason)
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

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		remove_device(devices[i].name);
		remove_link(devices[i].name);
	}
}

int main(int argc, char **argv)
{
	bool was_enabled;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);	/* users are to see the cgroups made here */
	ksft_print_header();
	if (argc > 1)
		selected = argv[1];
	if (!nr_selected(&unified) && !nr_selected(&legacy))
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

	ksft_set_plan(nr_selected(&unified) + nr_selected(&legacy));
	remove_devices();
	for (i = 0; i < ARRAY_SIZE(devices); i++)
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
	if (ksft_get_fail_cnt())
		ksft_exit_fail();
	ksft_exit_pass();
}
