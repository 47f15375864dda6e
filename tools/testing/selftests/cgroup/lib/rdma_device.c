// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <rdma/rdma_netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "rdma_case.h"
#include "rdma_device.h"
#include "rdma_verbs.h"

struct device devices[NR_DEVICES] = {
	{ .name = RXE_NAME, .driver = "rxe" },
	{ .name = SIW_NAME, .driver = "siw" },
};

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

/*
 * Returns the length of the kernel's answer, of which @answer takes @size bytes,
 * or -errno, be it that the answer is an error.
 */
static ssize_t converse(int fd, const struct message *message, void *answer,
			size_t size)
{
	ssize_t len = send(fd, message, message->head.nlmsg_len, 0);
	const struct nlmsghdr *head = answer;
	const struct nlmsgerr *error = NLMSG_DATA(head);

	if (len >= 0)
		len = recv(fd, answer, size, 0);
	if (len < 0)
		return -errno;
	if (len < NLMSG_LENGTH(sizeof(error->error)))
		return -EPROTO;
	return head->nlmsg_type == NLMSG_ERROR && error->error ? error->error : len;
}

/* The same on a socket of its own. */
static ssize_t exchange(int protocol, const struct message *message,
			void *answer, size_t size)
{
	int fd = open_netlink(protocol);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = converse(fd, message, answer, size);
	close(fd);
	return len;
}

/* Has something done. Returns 0 or -errno. */
static int request(int protocol, struct message *message)
{
	char answer[1024];
	ssize_t len;

	message->head.nlmsg_flags |= NLM_F_ACK;
	len = exchange(protocol, message, answer, sizeof(answer));
	return len < 0 ? len : 0;
}

static void start_nldev(struct message *message, int command, int flags)
{
	start_message(message, RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command), flags);
}

static int attr_of_device(const struct nlmsghdr *head, int type, void *data,
			  size_t size)
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
bool is_here(__u32 index)
{
	struct message message;
	char answer[4096];

	start_nldev(&message, RDMA_NLDEV_CMD_GET, 0);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	return exchange(NETLINK_RDMA, &message, answer, sizeof(answer)) > 0;
}

/* Moves a device, under another name unless that is NULL, to where @pid is. */
int move_device(__u32 index, pid_t pid, const char *name)
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
int devices_are_shared(void)
{
	struct message message;
	char answer[4096];
	__u8 is_shared;
	ssize_t len;
	int err;

	start_nldev(&message, RDMA_NLDEV_CMD_SYS_GET, 0);
	len = exchange(NETLINK_RDMA, &message, answer, sizeof(answer));
	if (len < 0)
		return len;
	err = attr_of_device((struct nlmsghdr *)answer,
			     RDMA_NLDEV_SYS_ATTR_NETNS_MODE, &is_shared,
			     sizeof(is_shared));
	return err ? err : is_shared;
}

int share_devices(__u8 all)
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
int find_device(const char *name, bool prefix)
{
	size_t compared = strlen(name) + (prefix ? 0 : 1);
	int fd = open_netlink(NETLINK_RDMA), found = -ENODEV;
	char buf[16 * 1024];
	struct message message;
	bool done = false;
	ssize_t len;

	if (fd < 0)
		return fd;
	start_nldev(&message, RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	len = converse(fd, &message, buf, sizeof(buf));
	while (len > 0 && !done) {
		const struct nlmsghdr *head = (struct nlmsghdr *)buf;

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
		if (!done)
			len = recv(fd, buf, sizeof(buf), 0);
	}
	close(fd);
	return found;
}

int remove_device_by_index(__u32 index)
{
	struct message message;

	start_nldev(&message, RDMA_NLDEV_CMD_DELLINK, 0);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	return request(NETLINK_RDMA, &message);
}

/* What rename_by_index() needs, for as many times as wanted; or -errno. */
int open_renaming(void)
{
	return open_netlink(NETLINK_RDMA);
}

int rename_by_index(int fd, __u32 index, const char *to)
{
	struct message message;
	char answer[1024];
	ssize_t len;

	start_nldev(&message, RDMA_NLDEV_CMD_SET, NLM_F_ACK);
	append_attr(&message, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	append_string(&message, RDMA_NLDEV_ATTR_DEV_NAME, to);
	len = converse(fd, &message, answer, sizeof(answer));
	return len < 0 ? len : 0;
}

int rename_device(const char *from, const char *to)
{
	int index = find_device(from, false);
	int fd, err;

	if (index < 0)
		return index;
	fd = open_renaming();
	if (fd < 0)
		return fd;
	err = rename_by_index(fd, index, to);
	close(fd);
	return err;
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

int remove_link(const char *name)
{
	struct ifinfomsg info = {};
	struct message message;

	start_message(&message, RTM_DELLINK, 0);
	append(&message, &info, sizeof(info));
	append_string(&message, IFLA_IFNAME, name);
	return request(NETLINK_ROUTE, &message);
}

int add_device_on_link(const struct device *device)
{
	struct message message;

	start_nldev(&message, RDMA_NLDEV_CMD_NEWLINK, 0);
	append_string(&message, RDMA_NLDEV_ATTR_DEV_NAME, device->name);
	append_string(&message, RDMA_NLDEV_ATTR_LINK_TYPE, device->driver);
	append_string(&message, RDMA_NLDEV_ATTR_NDEV_NAME, device->name);
	return request(NETLINK_RDMA, &message);
}

/* Blocks while a process has a context of the device open. */
int remove_device(const char *name)
{
	int index = find_device(name, false);

	return index < 0 ? index : remove_device_by_index(index);
}

/* Returns 0 or -errno; then device->missing says what to do. */
int add_device(struct device *device)
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
	device->verbs = find_verbs(device->name);
	return 0;
}

static struct device *need_device(struct device *device)
{
	if (device->missing[0])
		skip("%s", device->missing);
	return device;
}

/* The device most tests use. */
struct device *rxe(void)
{
	return need_device(&devices[0]);
}

struct device *siw(void)
{
	return need_device(&devices[1]);
}

/* A device for one test: comes late, goes early, or changes its name. */
struct device *guest_device(void)
{
	static struct device guest = { .name = GUEST_NAME, .driver = "rxe" };

	rxe();
	if (add_device(&guest))
		fail(HERE, "%s", guest.missing);
	return &guest;
}

void use_device(const struct device *device)
{
	if (!HAVE_LIBIBVERBS)
		skip("built without libibverbs: install its development files");
	if (!device->verbs)
		skip("libibverbs does not find %s: no provider for %s?",
		     device->name, device->driver);
	use_verbs(device->verbs);
}
