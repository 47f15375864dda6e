// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's resource tracking ("restrack") says over RDMA netlink: for
 * each device, how many objects of which kind every task made.
 *
 * It names the task that made an object, by its thread ID, as long as that task
 * is there and can be seen from here. Messages are taken one by one, be they
 * from the kernel or from a file in which they were recorded.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <rdma/rdma_netlink.h>
#include <stdlib.h>
#include <string.h>

#include "rdmacg-top.h"

/* The loops of libmnl's headers are not ours. */
#pragma GCC diagnostic ignored "-Wconversion"

#define BUFFER_SIZE	(64 * 1024)

static const struct {
	unsigned short command, table, entry;
} dumps[] = {
	[QP_KIND] = { RDMA_NLDEV_CMD_RES_QP_GET, RDMA_NLDEV_ATTR_RES_QP,
		      RDMA_NLDEV_ATTR_RES_QP_ENTRY },
	[CQ_KIND] = { RDMA_NLDEV_CMD_RES_CQ_GET, RDMA_NLDEV_ATTR_RES_CQ,
		      RDMA_NLDEV_ATTR_RES_CQ_ENTRY },
	[MR_KIND] = { RDMA_NLDEV_CMD_RES_MR_GET, RDMA_NLDEV_ATTR_RES_MR,
		      RDMA_NLDEV_ATTR_RES_MR_ENTRY },
	[PD_KIND] = { RDMA_NLDEV_CMD_RES_PD_GET, RDMA_NLDEV_ATTR_RES_PD,
		      RDMA_NLDEV_ATTR_RES_PD_ENTRY },
	[SRQ_KIND] = { RDMA_NLDEV_CMD_RES_SRQ_GET, RDMA_NLDEV_ATTR_RES_SRQ,
		       RDMA_NLDEV_ATTR_RES_SRQ_ENTRY },
	[CONTEXT_KIND] = { RDMA_NLDEV_CMD_RES_CTX_GET, RDMA_NLDEV_ATTR_RES_CTX,
			   RDMA_NLDEV_ATTR_RES_CTX_ENTRY },
};

static const struct nlattr *get_attr(const struct nlattr *attr,
				     unsigned short type,
				     enum mnl_attr_data_type data)
{
	return mnl_attr_get_type(attr) == type &&
	       mnl_attr_validate(attr, data) >= 0 ? attr : NULL;
}

struct tracked_device *find_tracked(const struct restrack *restrack,
				    unsigned int index)
{
	for (size_t i = 0; i < restrack->nr_devices; i++)
		if (restrack->devices[i].index == index)
			return &restrack->devices[i];
	return NULL;
}

static void take_device(struct restrack *restrack, unsigned int index,
			const char *name)
{
	if (find_tracked(restrack, index))
		return;
	restrack->devices = resize(restrack->devices, restrack->nr_devices + 1,
				   sizeof(*restrack->devices));
	restrack->devices[restrack->nr_devices++] = (struct tracked_device){
		.index = index,
		.name = copy_bytes(name, strlen(name)),
		.known = ~0U,
	};
}

/* What one task made comes mostly in a row. */
static struct maker *get_maker(struct restrack *restrack, unsigned int device,
			       int task)
{
	size_t nr = restrack->nr_makers;
	struct maker *last = nr ? &restrack->makers[nr - 1] : NULL;

	if (last && last->device == device && last->task == task)
		return last;
	if (nr == restrack->room) {
		restrack->room = nr ? 2 * nr : 64;
		restrack->makers = resize(restrack->makers, restrack->room,
					  sizeof(*restrack->makers));
	}
	last = &restrack->makers[restrack->nr_makers++];
	*last = (struct maker){ .device = device, .task = task };
	return last;
}

static void add_up(long long *sum, long long more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = LLONG_MAX;
}

void add_counts(long long *sums, const long long *more)
{
	for (size_t i = 0; i < NR_KINDS; i++)
		if (more[i] != UNKNOWN)
			add_up(&sums[i], more[i]);
}

/* An entry without a PID is of a task that has ended, or is out of sight. */
static void take_entry(struct restrack *restrack, unsigned int device,
		       enum kind kind, const struct nlattr *entry)
{
	int task = TASK_UNKNOWN;
	unsigned long long bytes = 0;
	struct nlattr *attr;
	struct maker *maker;

	mnl_attr_for_each_nested(attr, entry) {
		if (get_attr(attr, RDMA_NLDEV_ATTR_RES_PID, MNL_TYPE_U32))
			task = (int)(mnl_attr_get_u32(attr) & INT_MAX);
		else if (get_attr(attr, RDMA_NLDEV_ATTR_RES_KERN_NAME,
				  MNL_TYPE_STRING))
			task = TASK_KERNEL;
		else if (get_attr(attr, RDMA_NLDEV_ATTR_RES_MRLEN,
				  MNL_TYPE_U64))
			bytes = mnl_attr_get_u64(attr);
	}
	maker = get_maker(restrack, device, task);
	add_up(&maker->counts[kind], 1);
	if (kind == MR_KIND)
		add_up(&maker->counts[MR_BYTES], bytes > LLONG_MAX ?
		       LLONG_MAX : (long long)bytes);
}

static void take_table(struct restrack *restrack, unsigned int index,
		       enum kind kind, const struct nlattr *table)
{
	struct nlattr *entry;

	/* It may have come since the devices were listed. */
	if (!find_tracked(restrack, index))
		return;
	mnl_attr_for_each_nested(entry, table)
		if (get_attr(entry, dumps[kind].entry, MNL_TYPE_NESTED))
			take_entry(restrack, index, kind, entry);
}

/* Takes what one message says. A device's is to come before its objects'. */
void restrack_take(struct restrack *restrack, const struct nlmsghdr *message)
{
	const struct nlattr *index = NULL, *name = NULL, *table = NULL;
	struct nlattr *attr;
	enum kind kind;

	for (kind = 0; kind < ARRAY_SIZE(dumps); kind++)
		if (message->nlmsg_type ==
		    RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, dumps[kind].command))
			break;
	if (kind == ARRAY_SIZE(dumps) && message->nlmsg_type !=
	    RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_GET))
		return;
	mnl_attr_for_each(attr, message, 0) {
		index = get_attr(attr, RDMA_NLDEV_ATTR_DEV_INDEX,
				 MNL_TYPE_U32) ?: index;
		name = get_attr(attr, RDMA_NLDEV_ATTR_DEV_NAME,
				MNL_TYPE_NUL_STRING) ?: name;
		if (kind < ARRAY_SIZE(dumps))
			table = get_attr(attr, dumps[kind].table,
					 MNL_TYPE_NESTED) ?: table;
	}
	if (index && table)
		take_table(restrack, mnl_attr_get_u32(index), kind, table);
	else if (index && name)
		take_device(restrack, mnl_attr_get_u32(index),
			    mnl_attr_get_str(name));
}

static int take_message(const struct nlmsghdr *message, void *restrack)
{
	restrack_take(restrack, message);
	return MNL_CB_OK;
}

/* Asks for all of a command. Returns whether it got an answer, or sets errno. */
static bool dump(struct restrack *restrack, unsigned short command,
		 const struct tracked_device *device)
{
	struct mnl_socket *socket = restrack->socket;
	unsigned int port = mnl_socket_get_portid(socket);
	struct nlmsghdr *request;
	ssize_t length;
	int more;

	request = mnl_nlmsg_put_header(restrack->buffer);
	request->nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = ++restrack->sequence;
	if (device)
		mnl_attr_put_u32(request, RDMA_NLDEV_ATTR_DEV_INDEX,
				 device->index);
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return false;
	do {
		length = mnl_socket_recvfrom(socket, restrack->buffer,
					     BUFFER_SIZE);
		if (length < 0)
			return false;
		more = mnl_cb_run(restrack->buffer, (size_t)length,
				  restrack->sequence, port, take_message,
				  restrack);
		/* It is left from a dump that was given up. */
		if (more < 0 && errno == ESRCH)
			more = MNL_CB_OK;
	} while (more > MNL_CB_STOP);
	return more == MNL_CB_STOP;
}

static bool open_socket(struct restrack *restrack)
{
	if (restrack->socket)
		return true;
	restrack->socket = mnl_socket_open2(NETLINK_RDMA, SOCK_CLOEXEC);
	if (!restrack->socket)
		return false;
	restrack->buffer = resize(restrack->buffer, BUFFER_SIZE, 1);
	return mnl_socket_bind(restrack->socket, 0, MNL_SOCKET_AUTOPID) >= 0;
}

static void close_socket(struct restrack *restrack)
{
	if (restrack->socket)
		mnl_socket_close(restrack->socket);
	restrack->socket = NULL;
}

static void ask_kernel(struct restrack *restrack)
{
	if (!open_socket(restrack) ||
	    !dump(restrack, RDMA_NLDEV_CMD_GET, NULL)) {
		restrack->error = strerror(errno);
		close_socket(restrack);
		return;
	}
	/* A device may be gone by now, and not every kernel knows each kind. */
	for (size_t i = 0; i < restrack->nr_devices; i++)
		for (enum kind kind = 0; kind < ARRAY_SIZE(dumps); kind++)
			if (!dump(restrack, dumps[kind].command,
				  &restrack->devices[i]))
				restrack->devices[i].known &= ~(1U << kind);
}

/* Takes messages that follow each other, as far as they are whole. */
void restrack_take_all(struct restrack *restrack, const void *messages,
		       size_t length)
{
	const struct nlmsghdr *message = messages;
	int left = length > INT_MAX ? INT_MAX : (int)length;

	/* libmnl takes a length of more than INT_MAX for less than nothing. */
	for (; mnl_nlmsg_ok(message, left) &&
	     message->nlmsg_len <= (unsigned int)left;
	     message = mnl_nlmsg_next(message, &left))
		restrack_take(restrack, message);
}

static void read_recorded(struct restrack *restrack)
{
	FILE *file = fopen(restrack->recorded, "re");
	struct text text = { 0 };
	size_t length;

	if (!file) {
		restrack->error = strerror(errno);
		return;
	}
	do {
		text_reserve(&text, BUFFER_SIZE);
		length = fread(text.bytes + text.length, 1, BUFFER_SIZE, file);
		text.length += length;
	} while (length);
	fclose(file);
	restrack_take_all(restrack, text.bytes, text.length);
	text_free(&text);
}

static int compare_makers(const void *one, const void *other)
{
	const struct maker *a = one, *b = other;

	return (a->task > b->task) - (a->task < b->task) ?:
	       (a->device > b->device) - (a->device < b->device);
}

static void merge_makers(struct restrack *restrack)
{
	struct maker *makers = restrack->makers;
	size_t nr = 0;

	if (restrack->nr_makers)
		qsort(makers, restrack->nr_makers, sizeof(*makers),
		      compare_makers);
	for (size_t i = 0; i < restrack->nr_makers; i++) {
		if (nr && !compare_makers(&makers[nr - 1], &makers[i]))
			add_counts(makers[nr - 1].counts, makers[i].counts);
		else
			makers[nr++] = makers[i];
	}
	restrack->nr_makers = nr;
}

static void forget(struct restrack *restrack)
{
	while (restrack->nr_devices)
		free(restrack->devices[--restrack->nr_devices].name);
	restrack->nr_makers = 0;
	restrack->error = NULL;
}

/* Afterwards, makers are in the order of tasks, and of devices. */
void restrack_sample(struct restrack *restrack)
{
	forget(restrack);
	if (restrack->recorded)
		read_recorded(restrack);
	else
		ask_kernel(restrack);
	merge_makers(restrack);
}

/* Returns the first of what a task made, or NULL. */
struct maker *find_makers(const struct restrack *restrack, int task)
{
	size_t low = 0, high = restrack->nr_makers;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (restrack->makers[middle].task < task)
			low = middle + 1;
		else
			high = middle;
	}
	return low < restrack->nr_makers &&
	       restrack->makers[low].task == task ?
		&restrack->makers[low] : NULL;
}

void restrack_free(struct restrack *restrack)
{
	forget(restrack);
	close_socket(restrack);
	free(restrack->devices);
	free(restrack->makers);
	free(restrack->buffer);
}
