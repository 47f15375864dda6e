/* SPDX-License-Identifier: GPL-2.0-only */
/* RDMA devices: rxe and siw, each on a dummy link. */
#ifndef RDMA_DEVICE_H
#define RDMA_DEVICE_H

#include <assert.h>
#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

#define RXE_NAME	"rdmacg_rxe"	/* devices that are there for all tests */
#define SIW_NAME	"rdmacg_siw"
#define GUEST_NAME	"rdmacg_guest"	/* one that comes and goes in a test */
#define TWIN_NAME	GUEST_NAME "_2"	/* one that takes the name of that */
#define DEVICE_NAME_MAX	64		/* with the final 0, as in the kernel */
#define LONG_NAME	GUEST_NAME "_under_a_name_as_long_as_that_of_any_device_can_be_"

static_assert(sizeof(LONG_NAME) == DEVICE_NAME_MAX, "as long as can be");

/* An RDMA device. It and the network link below it bear the same name. */
struct device {
	const char *name;
	const char *driver;
	char missing[128];	/* why there is none; empty if there is one */
	struct ibv_device *verbs;
};

#define NR_DEVICES	2

extern struct device devices[NR_DEVICES];

struct device *rxe(void);
struct device *siw(void);
struct device *guest_device(void);
void use_device(const struct device *device);

/* These return 0, or what they look for, or -errno. */
int add_device(struct device *device);
int add_device_on_link(const struct device *device);
int find_device(const char *name, bool prefix);
int rename_device(const char *from, const char *to);
int move_device(__u32 index, pid_t pid, const char *name);
int remove_device(const char *name);
int remove_device_by_index(__u32 index);
int remove_link(const char *name);
int devices_are_shared(void);
int share_devices(__u8 all);
int open_renaming(void);
int rename_by_index(int fd, __u32 index, const char *to);

bool is_here(__u32 index);

#endif
