// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts how often a second objects are made and destroyed on a device: by
 * one process, and by one for each CPU, in cgroups of their own three levels
 * deep with one parent. Needs the rdma controller on /sys/fs/cgroup, and root.
 *
 *	verbs-bench DEVICE
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#define TOP	"/sys/fs/cgroup/verbs-bench"
#define NS	1000000000L
#define RUN_NS	(2 * NS)
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct ibv_context *context;
static struct ibv_pd *pd;
static union ibv_gid gid;
static int gid_index;

static int pair_pd(void)
{
	struct ibv_pd *made = ibv_alloc_pd(context);

	return !made || ibv_dealloc_pd(made);
}

static int pair_cq(void)
{
	struct ibv_cq *made = ibv_create_cq(context, 1, NULL, NULL, 0);

	return !made || ibv_destroy_cq(made);
}

static int pair_ah(void)
{
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = gid, .sgid_index = gid_index, .hop_limit = 1 },
	};
	struct ibv_ah *made = ibv_create_ah(pd, &attr);

	return !made || ibv_destroy_ah(made);
}

static const struct {
	const char *name;
	int (*pair)(void);
} cases[] = {
	{ "PD", pair_pd },
	{ "CQ", pair_cq },
	{ "AH", pair_ah },
};

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NS + time.tv_nsec;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s: %s", path, text);
	close(fd);
}

static void make_cgroup(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		err(1, "%s", path);
}

static void open_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	while (list && *list && strcmp(ibv_get_device_name(*list), name))
		list++;
	if (!list || !*list)
		errx(1, "there is no device %s", name);
	context = ibv_open_device(*list);
	pd = context ? ibv_alloc_pd(context) : NULL;
	if (!pd)
		err(1, "%s", name);
	/* Only a GID that is an IPv4 address can be reached in the guest. */
	while (!ibv_query_gid(context, 1, gid_index, &gid) &&
	       !IN6_IS_ADDR_V4MAPPED((struct in6_addr *)&gid))
		gid_index++;
}

static void enter_cgroup(const char *path)
{
	char procs[96];

	make_cgroup(path);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	write_file(procs, "0");
}

/* In a process of its own, till it is killed: one refusal after the other. */
static void be_refused(const char *device)
{
	char limit[64];

	enter_cgroup(TOP "/parent/refused");
	open_device(device);
	snprintf(limit, sizeof(limit), "%s hca_object=0", device);
	write_file(TOP "/parent/refused/rdma.max", limit);
	while (!ibv_alloc_pd(context) && errno == EAGAIN)
		;
	errx(1, "a PD above the limit");
}

/* In a process and a cgroup of its own: how many pairs per second. */
static void run(int number, const char *device, int which, double *rate)
{
	long began, ended, pairs = 0;
	char path[64];

	snprintf(path, sizeof(path), TOP "/parent/leaf%d", number);
	enter_cgroup(path);
	open_device(device);
	began = now();
	do {
		if (cases[which].pair())
			err(1, "%s", cases[which].name);
		pairs++;
		ended = now();
	} while (ended - began < RUN_NS);
	*rate = (double)pairs * NS / (ended - began);
	/* What the parent has printed is not the child's to print again. */
	_exit(0);
}

static void measure(const char *device, int which, int processes,
		    const char *remark)
{
	double *rates, sum = 0;
	int number, status;

	rates = mmap(NULL, processes * sizeof(*rates), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rates == MAP_FAILED)
		err(1, "mmap");
	for (number = 0; number < processes; number++)
		if (!fork())
			run(number, device, which, &rates[number]);
	for (number = 0; number < processes; number++)
		if (wait(&status) < 0 || status)
			errx(1, "a process failed");
	for (number = 0; number < processes; number++)
		sum += rates[number];
	printf("%s, %d at work%s: %.0f\n", cases[which].name, processes, remark,
	       sum);
	munmap(rates, processes * sizeof(*rates));
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int i;
	pid_t neighbour;

	if (argc != 2)
		errx(2, "usage: verbs-bench DEVICE");
	make_cgroup(TOP);
	write_file(TOP "/cgroup.subtree_control", "+rdma");
	make_cgroup(TOP "/parent");
	write_file(TOP "/parent/cgroup.subtree_control", "+rdma");

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		measure(argv[1], i, 1, "");
		measure(argv[1], i, cpus, "");
	}
	neighbour = fork();
	if (!neighbour)
		be_refused(argv[1]);
	measure(argv[1], 0, 1, ", a neighbour being refused");
	kill(neighbour, SIGKILL);
	return 0;
}
