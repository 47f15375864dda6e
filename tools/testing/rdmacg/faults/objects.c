// SPDX-License-Identifier: GPL-2.0-only
/* RDMA devices, by netlink, and what is opened on them. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <rdma/rdma_netlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

/* Those of the guest. */
struct device devices[] = {
	{ .name = "mlx4_0", .is_rxe = true },
	{ .name = "ocrdma1" },
};

const int nr_devices = ARRAY_SIZE(devices);

void devices_find(void)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		devices[i].verbs = find_verbs(devices[i].name);
		if (!devices[i].verbs)
			errx(EXIT_FAILURE, "there is no device %s", devices[i].name);
		devices[i].nr_kinds = nr_kinds_of(devices[i].is_rxe);
	}
}

void base_open(struct base *base, const struct device *device)
{
	*base = (struct base){ .verbs = device->verbs };
	base->context = object_make(base, CONTEXT);
	if (!base->context)
		errx(EXIT_FAILURE, "cannot open %s: %m", device->name);
	base->pd = object_make(base, PD);
	base->cq = object_make(base, CQ);
	if (!base->pd || !base->cq)
		errx(EXIT_FAILURE, "cannot make a PD and a CQ on %s: %m", device->name);
	if (device->nr_kinds > AH)
		find_address(base);
}

void base_close(struct base *base)
{
	if (ibv_destroy_cq(base->cq) || ibv_dealloc_pd(base->pd) ||
	    ibv_close_device(base->context))
		complain("cannot give back what was made on %s: %m",
			 ibv_get_device_name(base->verbs));
}

bool is_listed(const char *cgroup, const char *device)
{
	struct line line;

	return find_device_line(cg_must_read(cgroup, "rdma.max"), "rdma.max", device,
				&line);
}

void read_usage(const char *cgroup, const char *device, long used[NR_RESOURCES])
{
	const char *text = cg_must_read(cgroup, "rdma.current");
	struct line line;

	if (!find_device_line(text, "rdma.current", device, &line))
		errx(EXIT_FAILURE, "no usage of %s in '%s'", device, text);
	memcpy(used, line.values, NR_RESOURCES * sizeof(*used));
}

/*
 * Netlink. Requests are answered before they return, if at all: without memory
 * the answer itself may be lost.
 */

struct request {
	char text[512];
	struct nlmsghdr *head;
};

static struct mnl_socket *rdma_socket(void)
{
	static struct mnl_socket *socket;

	if (!socket) {
		socket = mnl_socket_open2(NETLINK_RDMA, SOCK_CLOEXEC);
		if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
			errx(EXIT_FAILURE, "no RDMA netlink: %m");
	}
	return socket;
}

static void request_begin(struct request *request, int command, int flags)
{
	static unsigned int seq;

	request->head = mnl_nlmsg_put_header(request->text);
	request->head->nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command);
	request->head->nlmsg_flags = NLM_F_REQUEST | flags;
	request->head->nlmsg_seq = ++seq;
}

/* Each message of the answer goes to @see. Returns 0 or an errno. */
static int request_send(struct request *request, mnl_cb_t see, void *data)
{
	struct mnl_socket *socket = rdma_socket();
	static char answer[TEXT_SIZE];
	ssize_t length;
	int more;

	if (mnl_socket_sendto(socket, request->text, request->head->nlmsg_len) < 0)
		return errno;
	do {
		length = recv(mnl_socket_get_fd(socket), answer, sizeof(answer),
			      MSG_DONTWAIT);
		if (length < 0)
			return errno;
		more = mnl_cb_run(answer, length, request->head->nlmsg_seq,
				  mnl_socket_get_portid(socket), see, data);
		if (more < 0)
			return errno;
	} while (more > 0);
	return 0;
}

/* A device looked for, by its name. */
struct search {
	const char *name;
	bool found;
	unsigned int index;
};

static int see_device(const struct nlmsghdr *head, void *data)
{
	struct search *search = data;
	const char *name = NULL;
	struct nlattr *attr;
	unsigned int index = 0;

	mnl_attr_for_each(attr, head, 0) {
		if (mnl_attr_get_type(attr) == RDMA_NLDEV_ATTR_DEV_NAME)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == RDMA_NLDEV_ATTR_DEV_INDEX)
			index = mnl_attr_get_u32(attr);
	}
	if (name && !strcmp(name, search->name)) {
		search->found = true;
		search->index = index;
	}
	return MNL_CB_OK;
}

static struct search find(const char *name)
{
	struct search search = { .name = name };
	struct request request;
	int err;

	request_begin(&request, RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	err = request_send(&request, see_device, &search);
	if (err)
		errx(EXIT_FAILURE, "cannot list the RDMA devices: %s", strerror(err));
	return search;
}

bool device_exists(const char *name)
{
	return find(name).found;
}

/* What device_send() will send. */
static struct request asked;

static void ask(int command, const char *device)
{
	unsigned int index = find(device).index;

	request_begin(&asked, command, NLM_F_ACK);
	mnl_attr_put_u32(asked.head, RDMA_NLDEV_ATTR_DEV_INDEX, index);
}

void device_ask_add(const char *driver)
{
	request_begin(&asked, RDMA_NLDEV_CMD_NEWLINK, NLM_F_ACK);
	mnl_attr_put_strz(asked.head, RDMA_NLDEV_ATTR_DEV_NAME, NEW_DEVICE);
	mnl_attr_put_strz(asked.head, RDMA_NLDEV_ATTR_LINK_TYPE, driver);
	mnl_attr_put_strz(asked.head, RDMA_NLDEV_ATTR_NDEV_NAME, NEW_LINK);
}

void device_ask_delete(const char *name)
{
	ask(RDMA_NLDEV_CMD_DELLINK, name);
}

void device_ask_rename(const char *from, const char *to)
{
	ask(RDMA_NLDEV_CMD_SET, from);
	mnl_attr_put_strz(asked.head, RDMA_NLDEV_ATTR_DEV_NAME, to);
}

int device_send(void)
{
	return request_send(&asked, NULL, NULL);
}
