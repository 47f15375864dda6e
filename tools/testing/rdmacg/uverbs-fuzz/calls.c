// SPDX-License-Identifier: GPL-2.0-only
/* How calls are put together, and what is wrong with them. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/failslab.h"
#include "fuzz.h"

/*
 * What calls read and write lies where nothing else is, so that an address with a
 * wrong bit in it leads nowhere.
 */
#define ARENA		0x510000000000UL
#define AREA_SIZE	0x10000UL
#define REQUEST		ARENA
#define DATA		(REQUEST + AREA_SIZE / 2)	/* of attributes */
#define ANSWER		(ARENA + AREA_SIZE)
#define DRIVER_ANSWER	(ANSWER + AREA_SIZE / 2)
#define MEMORY		(ARENA + 2 * AREA_SIZE)	/* to be registered */
#define READ_ONLY	(ARENA + 3 * AREA_SIZE)
#define NOTHING		(ARENA + 4 * AREA_SIZE)
#define PAGE		4096UL

#define DRIVER_OUT	48	/* bytes that are enough for any answer */
#define MAX_ATTRS	24
#define NR_NUMBERS	16
#define FAULT_IN	8	/* calls of which one is refused memory */
#define FAULT_AMONG	16	/* its first allocations */

struct counted *counted;

static __u32 first_fd;		/* that may be one of uverbs */
static int one_in;
static __u32 numbers[NR_NUMBERS];
static unsigned int next_number;

void calls_begin(void)
{
	static const struct {
		unsigned long start;
		int protection, flags;
	} areas[] = {
		{ REQUEST, PROT_READ | PROT_WRITE, MAP_PRIVATE },
		{ ANSWER, PROT_READ | PROT_WRITE, MAP_PRIVATE },
		{ MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED },
		{ READ_ONLY, PROT_READ, MAP_PRIVATE },
		{ NOTHING, PROT_NONE, MAP_PRIVATE },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (mmap((void *)areas[i].start, AREA_SIZE, areas[i].protection,
			 areas[i].flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
			complain(LOAD, "no memory for calls: %m");
	err = fail_nth_begin();
	if (err)
		complain(LOAD, "allocations cannot be made to fail: %s",
			 strerror(-err));
	first_fd = dup(STDOUT_FILENO);
	close(first_fd);
}

void choose_mutations(void)
{
	static const int choices[] = { 0, 0, 0, 0, 0, 40, 20, 8, 3 };

	one_in = choices[roll(ARRAY_SIZE(choices))];
}

/* So often something is not as it should be. */
bool odd(void)
{
	return one_in && !roll(one_in);
}

/*
 * Values
 */

static __u64 strange_number(void)
{
	static const __u64 choices[] = {
		0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255,
		256, 511, 1024, 4095, 4096, 4097, 16383, 32767, 32768, 65535, 65536,
		0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffff000, -2, -1,
	};

	return choices[roll(ARRAY_SIZE(choices))];
}

static __u64 strange_address(void)
{
	const __u64 choices[] = {
		0, 1, 4096, REQUEST, ANSWER + 1, ANSWER + AREA_SIZE - 4,
		MEMORY + 4095, READ_ONLY, NOTHING - 8, NOTHING, NOTHING + AREA_SIZE,
		0x7ffffffff000, 0x800000000000, 0xffff888000000000,
		0xffffffff81000000, -1,
	};

	return choices[roll(ARRAY_SIZE(choices))];
}

/* Often the latest, so that it gets somewhere. */
static __u32 known(const struct context *context, unsigned int kind)
{
	int nr = context->nr[kind];

	if (!nr)
		return roll(4);
	return context->handles[kind][roll(2) ? nr - 1 : roll(nr)];
}

static __u32 strange_handle(const struct context *context)
{
	if (roll(2))
		return known(context, roll(NR_OBJECTS));
	return strange_number();
}

static __u64 some_value(const struct context *context, enum what what,
			unsigned long long arg)
{
	bool is_odd = odd();

	switch (what) {
	case V_NUMBER:
		return is_odd ? strange_number() : (__u64)roll(arg + 1);
	case V_SIZE:
		return is_odd ? strange_number() : 1 + (__u64)roll(arg);
	case V_FLAGS:
		if (is_odd)
			return strange_number();
		return arg & (roll(3) ? 1 : roll(0x7fffffff));
	case V_MAYBE:
	case V_HANDLE:
		if (is_odd)
			return strange_handle(context);
		return what == V_MAYBE && roll(2) ? 0 : known(context, arg);
	case V_EVENTS:
		if (is_odd)
			return strange_handle(context);
		return context->nr[arg] && roll(2) ? known(context, arg) : (__u64)-1;
	case V_MEMORY:
		return is_odd ? strange_address() : MEMORY + roll(8) * PAGE;
	case V_ANSWER:
		return is_odd ? strange_address() : ANSWER + AREA_SIZE / 4;
	case V_ANSWERED:
		return is_odd ? strange_number() : numbers[roll(NR_NUMBERS)];
	default:
		return is_odd ? strange_number() : arg;
	}
}

static void put_gid(const struct context *context, void *gid)
{
	/* Those of multicast groups need neither route nor neighbour. */
	unsigned char group[16] = { 0xff, 2, [15] = 1 + roll(2) };

	memcpy(gid, roll(3) ? group : context->gid, sizeof(group));
}

static void put_fields(const struct context *context, const struct field *field,
		       void *request)
{
	for (; field && field->size; field++) {
		__u64 value;

		if (field->what == V_GID) {
			put_gid(context, request + field->at);
			continue;
		}
		value = some_value(context, field->what, field->arg);
		memcpy(request + field->at, &value, field->size);
	}
}

/* Turns bits, and puts in what counters and sizes trip over. */
static void spoil(void *bytes, size_t size)
{
	while (size >= sizeof(__u32) && odd()) {
		__u32 number = strange_number();

		if (roll(2))
			((unsigned char *)bytes)[roll(size)] ^= 1 << roll(8);
		else
			memcpy(bytes + roll(size - 3) / 4 * 4, &number, 4);
	}
}

static size_t spoilt_size(size_t size)
{
	static const int steps[] = { -8, -4, -1, 1, 4, 8, 64 };

	if (!odd())
		return size;
	if (roll(2))
		return size + steps[roll(ARRAY_SIZE(steps))];
	return strange_number() % (AREA_SIZE / 2);
}

/*
 * Objects
 */

static void remember_number(__u32 number)
{
	numbers[next_number++ % NR_NUMBERS] = number;
}

static void remember(struct context *context, unsigned int kind, __u32 handle)
{
	int at = context->nr[kind];

	/* Not one of ours: the answer may have gone elsewhere. */
	if (is_fd(kind) && handle < first_fd)
		return;
	if (at == MAX_HANDLES) {
		at = roll(MAX_HANDLES);
		if (is_fd(kind))
			close(context->handles[kind][at]);
	} else {
		context->nr[kind]++;
	}
	context->handles[kind][at] = handle;
	add(&counted->made[kind], 1);
	if (!is_fd(kind))
		add(&shared->made, 1);
}

/* One in two is forgotten: later calls may use a handle that is gone. */
static void forget(struct context *context, unsigned int kind, __u32 handle)
{
	int i;

	for (i = 0; i < context->nr[kind] && roll(2); i++)
		if (context->handles[kind][i] == handle)
			context->handles[kind][i] =
				context->handles[kind][--context->nr[kind]];
}

void forget_objects(struct context *context)
{
	unsigned int kind;

	for (kind = 0; kind < NR_OBJECTS; kind++) {
		while (is_fd(kind) && context->nr[kind])
			close(context->handles[kind][--context->nr[kind]]);
		context->nr[kind] = 0;
	}
	context->next_offset = 0;
	memset(context->offsets, 0, sizeof(context->offsets));
}

/* What the driver told may be where its queues can be mapped. */
static void remember_offsets(struct context *context, const void *told)
{
	const __u64 *words = told;
	int i;

	for (i = 0; i < 4; i++)
		if (words[i])
			context->offsets[context->next_offset++ % MAX_OFFSETS] =
				words[i];
}

/*
 * Calls
 */

static bool note_result(struct context *context, long ret)
{
	add(&counted->calls, 1);
	if (ret >= 0) {
		add(&counted->good, 1);
		context->works = true;
	} else if (errno == EAGAIN) {
		add(&shared->refused, 1);
	}
	return ret >= 0;
}

static bool begin_fault(void)
{
	bool fails = !roll(FAULT_IN);

	if (fails)
		fail_nth(1 + roll(FAULT_AMONG));
	return fails;
}

static void end_fault(bool began)
{
	int before = errno;

	if (began && fail_end(NULL))
		add(&counted->faults, 1);
	errno = before;
}

static long write_at(const struct context *context, size_t size)
{
	bool fails = begin_fault();
	long ret = write(context->fd, (void *)REQUEST, size);

	end_fault(fails);
	return ret;
}

static long ioctl_at(const struct context *context)
{
	bool fails = begin_fault();
	long ret = ioctl(context->fd, odd() ? strange_number() : RDMA_VERBS_IOCTL,
			 (void *)REQUEST);

	end_fault(fails);
	return ret;
}

static void note_made(struct context *context, const struct command *command,
		      const void *driver)
{
	const void *answer = (void *)ANSWER;
	__u32 first;

	if (command->drops) {
		memcpy(&first, (void *)REQUEST +
		       sizeof(struct ib_uverbs_cmd_hdr) + command->fields->at, 4);
		forget(context, command->drops, first);
	}
	if (!command->makes)
		return;
	memcpy(&first, answer + command->made_at, sizeof(first));
	remember(context, command->makes, first);
	memcpy(&first, answer + command->made_at + 4, sizeof(first));
	remember_number(first);
	remember_offsets(context, driver);
}

/* Plain and extended ones differ in where sizes stand, and in what. */
static void write_command(struct context *context, const struct command *command)
{
	struct ib_uverbs_cmd_hdr *head = (void *)REQUEST;
	struct ib_uverbs_ex_cmd_hdr *extended = (void *)(head + 1);
	size_t unit = command->extended ? 8 : 4;
	size_t in = spoilt_size((command->in + unit - 1) / unit * unit);
	size_t driver_in = command->driver ? spoilt_size(command->driver_in) : 0;
	size_t driver_out = command->driver ? spoilt_size(DRIVER_OUT) : 0;
	size_t out = spoilt_size(command->out);
	__u64 answer = odd() ? strange_address() : ANSWER;
	size_t heads = sizeof(*head) + command->extended * sizeof(*extended);
	size_t size = heads + in + driver_in;
	void *body = (void *)REQUEST + heads;

	memset((void *)REQUEST, 0, sizeof(*head) + sizeof(*extended) + 512);
	head->command = command->number;
	if (command->extended) {
		head->command |= IB_USER_VERBS_CMD_FLAG_EXTENDED;
		head->in_words = in / unit;
		head->out_words = out / unit;
		extended->response = answer;
		extended->provider_in_words = driver_in / unit;
		extended->provider_out_words = driver_out / unit;
	} else {
		head->in_words = size / unit;
		head->out_words = (out + driver_out) / unit;
		if (command->out)
			memcpy(body, &answer, sizeof(answer));
	}
	put_fields(context, command->fields, body);
	spoil((void *)REQUEST, heads + command->in);

	memset((void *)ANSWER, 0, command->out + DRIVER_OUT);
	if (note_result(context, write_at(context, spoilt_size(size))))
		note_made(context, command, (void *)ANSWER + out);
}

static struct ib_uverbs_attr *add_attr(struct ib_uverbs_ioctl_hdr *head,
				       unsigned int id, size_t size, __u64 data)
{
	struct ib_uverbs_attr *attr = &head->attrs[head->num_attrs++];

	*attr = (struct ib_uverbs_attr){
		.attr_id = id,
		.len = spoilt_size(size),
		.flags = UVERBS_ATTR_F_MANDATORY,
		.data = data,
	};
	return attr;
}

static struct ib_uverbs_ioctl_hdr *begin_ioctl(const struct context *context,
					       unsigned int object,
					       unsigned int method)
{
	struct ib_uverbs_ioctl_hdr *head = (void *)REQUEST;

	*head = (struct ib_uverbs_ioctl_hdr){
		.object_id = odd() ? roll(NR_OBJECTS + 2) : (int)object,
		.method_id = odd() ? roll(8) : (int)method,
		.driver_id = odd() ? strange_number() : context->driver,
	};
	return head;
}

/* Leaves out, doubles, or spoils some attributes. */
static void spoil_attrs(struct ib_uverbs_ioctl_hdr *head)
{
	struct ib_uverbs_attr *attrs = head->attrs;

	while (head->num_attrs && odd()) {
		attrs[roll(head->num_attrs)] = attrs[head->num_attrs - 1];
		head->num_attrs--;
	}
	while (head->num_attrs && head->num_attrs < MAX_ATTRS && odd()) {
		attrs[head->num_attrs] = attrs[roll(head->num_attrs)];
		if (roll(2))
			attrs[head->num_attrs].attr_id = roll(24) | roll(3) << 12;
		head->num_attrs++;
	}
	spoil(attrs, head->num_attrs * sizeof(*attrs));
	head->length = sizeof(*head) + head->num_attrs * sizeof(*attrs);
	spoil(head, sizeof(*head));
}

/* INVOKE_WRITE: the same as by write(), with attributes in place of sizes. */
static void invoke_command(struct context *context, const struct command *command)
{
	struct ib_uverbs_ioctl_hdr *head =
		begin_ioctl(context, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);
	void *body = (void *)DATA;

	memset(body, 0, 512);
	put_fields(context, command->fields, body);
	spoil(body, command->in);
	add_attr(head, UVERBS_ATTR_WRITE_CMD, 8, command->number |
		 (command->extended ? IB_USER_VERBS_CMD_FLAG_EXTENDED : 0));
	/* What is no longer than an address takes its place. */
	add_attr(head, UVERBS_ATTR_CORE_IN, command->in,
		 command->in > sizeof(__u64) ? DATA : *(__u64 *)body);
	if (command->out)
		add_attr(head, UVERBS_ATTR_CORE_OUT, command->out, ANSWER);
	if (command->driver_in)
		add_attr(head, UVERBS_ATTR_UHW_IN, command->driver_in,
			 DATA + command->in);
	if (command->driver)
		add_attr(head, UVERBS_ATTR_UHW_OUT, DRIVER_OUT, DRIVER_ANSWER);
	spoil_attrs(head);

	memset((void *)ANSWER, 0, command->out);
	memset((void *)DRIVER_ANSWER, 0, DRIVER_OUT);
	if (note_result(context, ioctl_at(context)))
		note_made(context, command, (void *)DRIVER_ANSWER);
}

/* What is longer than the attribute lies at @*data, which moves on. */
static void put_input(const struct context *context,
		      struct ib_uverbs_ioctl_hdr *head, const struct attr *attr,
		      void **data)
{
	if (!attr->fields) {
		add_attr(head, attr->id, attr->size,
			 some_value(context, attr->what, attr->arg));
		return;
	}
	memset(*data, 0, attr->size);
	put_fields(context, attr->fields, *data);
	add_attr(head, attr->id, attr->size, (unsigned long)*data);
	*data += attr->size;
}

static __u64 some_handle(const struct context *context, const struct attr *attr)
{
	return some_value(context, V_HANDLE, attr->arg);
}

static void put_attrs(const struct context *context,
		      struct ib_uverbs_ioctl_hdr *head, const struct attr *attr)
{
	void *data = (void *)DATA, *answer = (void *)ANSWER;

	for (; attr->kind; attr++) {
		bool lacks = (attr->kind == A_IDR || attr->kind == A_FD) &&
			     !context->nr[attr->arg];

		if (attr->optional && (lacks || roll(2)))
			continue;
		switch (attr->kind) {
		case A_IDR:
		case A_FD:
		case A_DROP:
			add_attr(head, attr->id, 0, some_handle(context, attr));
			break;
		case A_IN:
			put_input(context, head, attr, &data);
			break;
		case A_OUT:
			if (attr->id == UVERBS_ATTR_UHW_OUT)
				answer = (void *)DRIVER_ANSWER;
			add_attr(head, attr->id, attr->size,
				 odd() ? strange_address() : (unsigned long)answer);
			answer += attr->size;
			break;
		default:
			add_attr(head, attr->id, 0, 0);
		}
	}
}

/* The attributes that are left may be others, in another order. */
static const struct ib_uverbs_attr *find_attr(const struct ib_uverbs_ioctl_hdr *head,
					      unsigned int id)
{
	int i;

	for (i = 0; i < head->num_attrs && i < MAX_ATTRS; i++)
		if (head->attrs[i].attr_id == id)
			return &head->attrs[i];
	return NULL;
}

static void call_method(struct context *context, const struct method *method)
{
	struct ib_uverbs_ioctl_hdr *head =
		begin_ioctl(context, method->object, method->method);
	const struct attr *attr;

	put_attrs(context, head, method->attrs);
	spoil_attrs(head);
	memset((void *)ANSWER, 0, 1024);
	memset((void *)DRIVER_ANSWER, 0, DRIVER_OUT);
	if (!note_result(context, ioctl_at(context)))
		return;

	for (attr = method->attrs; attr->kind; attr++) {
		const struct ib_uverbs_attr *sent = find_attr(head, attr->id);

		if (!sent)
			continue;
		if (attr->kind == A_NEW || attr->kind == A_NEW_FD) {
			remember(context, attr->arg, sent->data);
			remember_number(*(__u32 *)ANSWER);
			remember_offsets(context, (void *)DRIVER_ANSWER);
		} else if (attr->kind == A_DROP) {
			forget(context, attr->arg, sent->data);
		}
	}
}

/* What one of each kind of object has to be known for. */
static bool have_fields(const struct context *context, const struct field *field)
{
	for (; field && field->size; field++)
		if (field->what == V_HANDLE && !context->nr[field->arg])
			return false;
	return true;
}

static bool have_attrs(const struct context *context, const struct attr *attr)
{
	for (; attr->kind; attr++)
		if ((attr->kind == A_IDR || attr->kind == A_DROP) &&
		    !attr->optional && !context->nr[attr->arg])
			return false;
	return true;
}

static const struct command *some_command(void)
{
	int i, sum = 0;

	for (i = 0; i < nr_commands; i++)
		sum += commands[i].weight;
	sum = roll(sum);
	for (i = 0; (sum -= commands[i].weight) >= 0; i++)
		;
	return &commands[i];
}

static const struct method *some_method(void)
{
	int i, sum = 0;

	for (i = 0; i < nr_methods; i++)
		sum += methods[i].weight;
	sum = roll(sum);
	for (i = 0; (sum -= methods[i].weight) >= 0; i++)
		;
	return &methods[i];
}

static void make_call(struct context *context)
{
	const struct command *command;
	const struct method *method;
	int tries = odd() ? 1 : 8;

	if (!roll(3)) {
		do
			method = some_method();
		while (--tries && !have_attrs(context, method->attrs));
		call_method(context, method);
		return;
	}
	do
		command = some_command();
	while (--tries && !have_fields(context, command->fields));
	if (roll(8) > (context->opener == getpid() ? 2 : 6))
		write_command(context, command);
	else
		invoke_command(context, command);
}

void call(struct context *context)
{
	choose_mutations();
	make_call(context);
	one_in = 0;
}

/* By write(), which brings a file for events, or by ioctl(). */
void get_context(struct context *context)
{
	choose_mutations();
	if (roll(2))
		write_command(context, &commands[0]);
	else
		call_method(context, &methods[0]);
	one_in = 0;
}

void learn_handles(struct context *context)
{
	unsigned int kind;
	int i;

	for (kind = 0; kind < NR_OBJECTS; kind++) {
		struct ib_uverbs_ioctl_hdr *head =
			begin_ioctl(context, UVERBS_OBJECT_DEVICE,
				    UVERBS_METHOD_INFO_HANDLES);

		if (is_fd(kind))
			continue;
		add_attr(head, UVERBS_ATTR_INFO_OBJECT_ID, 8, kind);
		add_attr(head, UVERBS_ATTR_INFO_HANDLES_LIST, 4 * MAX_HANDLES, ANSWER);
		add_attr(head, UVERBS_ATTR_INFO_TOTAL_HANDLES, 4, ANSWER + 4096);
		head->length = sizeof(*head) + head->num_attrs * sizeof(*head->attrs);
		*(__u32 *)(ANSWER + 4096) = 0;
		if (!note_result(context, ioctl_at(context)))
			continue;
		for (i = 0; i < *(int *)(ANSWER + 4096) && i < MAX_HANDLES; i++)
			context->handles[kind][i] = ((__u32 *)ANSWER)[i];
		context->nr[kind] = i;
	}
}
