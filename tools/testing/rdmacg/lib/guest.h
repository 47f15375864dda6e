/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs that work with verbs in the guest share. */
#ifndef RDMACG_GUEST_H
#define RDMACG_GUEST_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <sys/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef __printf
#define __printf(a, b) __attribute__((format(printf, a, b)))
#endif

#define NS		1000000000LL	/* in a second */
#define SETTLE_MS	30000	/* for what the kernel ends later */

/* What the controller counts. */
enum resource { HANDLE, OBJECT, NR_RESOURCES };

/* Those that siw cannot make, nor rxe before Linux 5.14, come last. */
enum kind {
	CONTEXT, PD, CQ, QP, MR, SRQ, NR_SIW_KINDS,
	MW = NR_SIW_KINDS, AH, NR_KINDS
};

/* A context, and what objects are made of. */
struct base {
	struct ibv_device *verbs;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_ah_attr ah;
};

extern const char * const kind_names[NR_KINDS];

/* Good for as long as the process lives; NULL if there is no such device. */
struct ibv_device *find_verbs(const char *name);
/* How many of the kinds this kernel's driver has. */
enum kind nr_kinds_of(bool rxe);
/* Sets the address of AHs to one that leads back to the port itself. */
void find_address(struct base *base);
/* Returns NULL, and sets errno, if it fails. */
void *object_make(const struct base *base, enum kind kind);
/* Returns 0 or an errno. */
int object_drop(enum kind kind, void *object);

/* A child that dies with its parent. */
pid_t fork_child(void);

long long now_ns(void);
long now_ms(void);
void sleep_us(long us);
/* The smallest first. */
void sort(long *values, long nr);

/* Repeats @condition until it holds, but not for longer than @ms. */
#define becomes_within(ms, condition) ({				\
	long _deadline = now_ms() + (ms);				\
	bool _holds;							\
									\
	while (!(_holds = (condition)) && now_ms() < _deadline)		\
		sleep_us(5000);						\
	_holds;								\
})

#define becomes(condition) becomes_within(SETTLE_MS, condition)

#endif /* RDMACG_GUEST_H */
