// SPDX-License-Identifier: GPL-2.0-only
/*
 * How what each operation takes in the guest grows with the number of cgroups, the
 * depth or the number of devices, for bench-guest.py to compare with stock.
 *
 *	verbs-growth cgroups|depth|devices
 *
 * Prints "SIZE OPERATION: NUMBER" for each size: ns, medians, or KiB of memory. Makes
 * its cgroups on /sys/fs/cgroup, and its devices, and leaves them there.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/cgroup.h"
#include "../lib/guest.h"

#define ROOT		"/sys/fs/cgroup"
#define TOP		ROOT "/verbs-growth"
#define MAX_SIZES	5
#define MANY_DEVICES	8	/* where the number of cgroups grows */
#define ROUNDS		9	/* to take the median of */
#define BATCH_NS	5000000
#define SPARES		16	/* devices that come and go at a time */
#define RENAMES		200
#define TEXT_SIZE	(128 * 1024)

enum axis { CGROUPS, DEPTH, DEVICES, NR_AXES };

static const struct {
	const char *name;
	int sizes[MAX_SIZES];
} axes[NR_AXES] = {
	[CGROUPS] = { "cgroups", { 100, 300, 1000, 3000, 10000 } },
	[DEPTH] = { "depth", { 10, 30, 100, 300, 1000 } },
	[DEVICES] = { "devices", { 8, 32, 128, 256, 512 } },
};

static enum axis axis;
static int nr_devices;
/* The cgroup in which this process is, as its current directory: deep paths take time. */
static const char leaf[] = ".";
static char text[TEXT_SIZE];
static struct base base;

static void limit(const char *cgroup, int device, const char *value)
{
	char words[64];

	snprintf(words, sizeof(words), "growth%d hca_object=%s", device, value);
	cg_must_write(cgroup, "rdma.max", words);
}

/* Has @tool do one thing for each of the devices from @first on. */
static void run_batch(const char *tool, const char *format, int first, int end)
{
	FILE *batch = popen(tool, "we");
	int i;

	for (i = first; batch && i < end; i++)
		fprintf(batch, format, i);
	if (!batch || pclose(batch))
		errx(1, "%s failed", tool);
}

static void add_devices(int end)
{
	run_batch("ip -batch -", "link add growth%1$d type dummy\nlink set growth%1$d up\n",
		  nr_devices, end);
	run_batch("rdma -b -", "link add growth%1$d type rxe netdev growth%1$d\n",
		  nr_devices, end);
	nr_devices = end;
}

static void make(const char *cgroup)
{
	int i;

	cg_must_create(cgroup);
	for (i = 0; i < nr_devices; i++)
		limit(cgroup, i, "1000000");
}

static void go_to(const char *cgroup)
{
	if (chdir(cgroup))
		err(1, "%s", cgroup);
}

/* From a size to the next; then this process is in the last cgroup. */
static void grow(int from, int to)
{
	char name[16];
	int i;

	cg_must_enter(ROOT);
	if (axis == DEVICES)
		add_devices(to);
	for (i = from; i < to; i++) {
		switch (axis) {
		case CGROUPS:
			snprintf(name, sizeof(name), "%d", i);
			go_to(TOP);
			make(name);
			go_to(name);
			break;
		case DEPTH:
			cg_must_write(leaf, "cgroup.subtree_control", "+rdma");
			make("below");
			go_to("below");
			break;
		default:
			limit(leaf, i, "1000000");
		}
	}
	cg_must_enter(leaf);
}

/* Where devices are in a list, that is the worst case. */
static void open_last(void)
{
	char name[32];

	if (base.context)
		ibv_close_device(base.context);
	snprintf(name, sizeof(name), "growth%d", nr_devices - 1);
	base.verbs = find_verbs(name);
	base.context = base.verbs ? ibv_open_device(base.verbs) : NULL;
	if (!base.context)
		err(1, "%s", name);
}

/* The operations. Each leaves all as it was; false: this kernel has none. */

static bool op_charge(void)
{
	void *pd = object_make(&base, PD);

	if (!pd || object_drop(PD, pd))
		err(1, "a PD");
	return true;
}

static bool op_refused(void)
{
	if (object_make(&base, PD) || errno != EAGAIN)
		errx(1, "a PD above the limit");
	return true;
}

static bool op_limit(void)
{
	limit(leaf, nr_devices - 1, "1000000");
	return true;
}

/* Without defaults, there is a limit to be written for each device. */
static bool op_default(void)
{
	int i;

	if (!cg_write(leaf, "rdma.max", "default hca_handle=1000000")) {
		cg_must_write(leaf, "rdma.max", "default hca_handle=max");
		return true;
	}
	for (i = 0; i < nr_devices; i++)
		limit(leaf, i, "1000000");
	return true;
}

static bool read_file(const char *file)
{
	int error = cg_read(leaf, file, text, sizeof(text));

	if (error && error != -ENOENT)
		errx(1, "%s: %s", file, strerror(-error));
	return !error;
}

static bool op_max(void)
{
	return read_file("rdma.max");
}

static bool op_current(void)
{
	return read_file("rdma.current");
}

static bool op_peak(void)
{
	return read_file("rdma.peak");
}

static bool op_events(void)
{
	return read_file("rdma.events");
}

static bool op_live(void)
{
	cg_must_create(TOP "/new");
	if (rmdir(TOP "/new"))
		err(1, TOP "/new");
	return true;
}

static bool op_live_one(void)
{
	cg_must_create(TOP "/new");
	cg_must_enter(TOP "/new");
	op_charge();
	cg_must_enter(leaf);
	if (rmdir(TOP "/new"))
		err(1, TOP "/new");
	return true;
}

/*
 * The tool knows only the devices that there were when it began: what it adds takes
 * another call to remove, but one that it has renamed still has its old name for it.
 */
static bool op_register(void)
{
	run_batch("rdma -b -", "link add spare%1$d type rxe netdev spare%1$d\n", 0, SPARES);
	run_batch("rdma -b -", "link delete spare%d\n", 0, SPARES);
	return true;
}

static bool op_rename(void)
{
	run_batch("rdma -b -", "dev set growth0 name renamed%d\ndev set growth0 name growth0\n",
		  0, RENAMES);
	return true;
}

/* What the tool itself takes. */
static bool op_tool(void)
{
	run_batch("rdma -b -", "\n", 0, 1);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(void);
	const char *limit;	/* of the top meanwhile, if not "max" */
	int calls, times;	/* of the tool; what these do */
} operations[] = {
	{ "charge and uncharge", .run = op_charge },
	{ "refusal by the top", .run = op_refused, .limit = "0" },
	{ "write a limit", .run = op_limit },
	{ "write a default, or a limit for each device", .run = op_default },
	{ "read max", .run = op_max },
	{ "read current", .run = op_current },
	{ "read peak", .run = op_peak },
	{ "read events", .run = op_events },
	{ "mkdir and rmdir", .run = op_live },
	{ "mkdir, first charge, rmdir", .run = op_live_one },
	{ "register and remove a device", .run = op_register, .calls = 2, .times = SPARES },
	{ "rename a device, and back", .run = op_rename, .calls = 1, .times = RENAMES },
};

/* The median of what one run takes; -1: there is no such operation. */
static long take_ns(bool (*run)(void))
{
	long ns[ROUNDS], began, took, batch = 1;
	int round = 0, i;

	while (round < ROUNDS) {
		began = now_ns();
		for (i = 0; i < batch; i++)
			if (!run())
				return -1;
		took = now_ns() - began;
		if (took < BATCH_NS && !round)
			batch *= 2;
		else
			ns[round++] = took / batch;
	}
	sort(ns, ROUNDS);
	return ns[ROUNDS / 2];
}

static void measure(int size)
{
	size_t i;
	long ns;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		limit(TOP, nr_devices - 1, operations[i].limit ?: "max");
		ns = take_ns(operations[i].run);
		if (operations[i].calls)
			ns = (ns - operations[i].calls * take_ns(op_tool)) / operations[i].times;
		if (ns >= 0)
			printf("%d %s: %ld\n", size, operations[i].name, ns);
	}
}

/* What the kernel has in its caches and for each CPU, in KiB. */
static long kernel_memory(void)
{
	return cg_read_key_long("/proc", "meminfo", "Slab: ") +
	       cg_read_key_long("/proc", "meminfo", "Percpu: ");
}

int main(int argc, char **argv)
{
	int size, before = 0, i;
	long empty;

	while (argc == 2 && axis < NR_AXES && strcmp(argv[1], axes[axis].name))
		axis++;
	if (argc != 2 || axis == NR_AXES)
		errx(2, "usage: verbs-growth cgroups|depth|devices");
	setlinebuf(stdout);
	cg_must_create(TOP);
	cg_must_write(TOP, "cgroup.subtree_control", "+rdma");
	run_batch("ip -batch -", "link add spare%1$d type dummy\nlink set spare%1$d up\n",
		  0, SPARES);
	add_devices(axis == CGROUPS ? MANY_DEVICES : 1);
	go_to(TOP);
	if (axis == DEVICES) {
		make("all");
		go_to("all");
	}
	empty = kernel_memory();
	for (i = 0; i < MAX_SIZES; i++, before = size) {
		size = axes[axis].sizes[i];
		grow(before, size);
		open_last();
		printf("%d memory: %ld\n", size, kernel_memory() - empty);
		measure(size);
	}
	return 0;
}
