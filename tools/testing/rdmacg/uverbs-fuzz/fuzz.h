/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strange input to the files /dev/infiniband/uverbs*, by write() and ioctl():
 * mostly what makes sense, in sequences that do, with mutations. All that rxe and
 * siw can make is made, by processes that fork, pass their files on, are killed,
 * moved, limited, refused memory, and lose a device. See ../lib/storm/storm.h for
 * the processes that start, judge and tidy up.
 *
 *	rounds.c	the director, and the table of what there is to run
 *	player.c	what each process does
 *	calls.c		how calls are put together, and mutated
 *	commands.c	the calls there are
 */
#ifndef UVERBS_FUZZ_H
#define UVERBS_FUZZ_H

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <stddef.h>

#include "../lib/storm/storm.h"

#define GUEST		"storm_guest"	/* the device that comes and goes */
#define NR_OBJECTS	(UVERBS_OBJECT_ASYNC_EVENT + 1)
#define MAX_HANDLES	12	/* of a kind that are remembered */
#define MAX_OFFSETS	8

/* An open file, and what was made with it, as far as that is known. */
struct context {
	int fd;			/* or -1 */
	pid_t opener;		/* nobody else may use write() */
	bool works;		/* some call was taken */
	unsigned int driver;	/* RDMA_DRIVER_* */
	int nr[NR_OBJECTS];
	__u32 handles[NR_OBJECTS][MAX_HANDLES];	/* of some kinds these are fds */
	__u64 offsets[MAX_OFFSETS];		/* that mmap() may take */
	unsigned int next_offset;
	unsigned char gid[16];			/* the device's own */
};

/* What all processes count, as calls.c says. */
struct counted {
	bool guest_is_siw;
	unsigned long calls, good, faults, passed, forks, maps;
	unsigned long made[NR_OBJECTS];
};

extern struct counted *counted;

/* commands.c: a value of a field, or of an attribute. */
enum what {
	V_CONST,		/* @arg */
	V_NUMBER,		/* from 0 to @arg */
	V_SIZE,			/* from 1 to @arg */
	V_FLAGS,		/* some of the bits of @arg */
	V_HANDLE,		/* of an object of kind @arg */
	V_MAYBE,		/* the same, or 0 */
	V_EVENTS,		/* fd of kind @arg, or -1 */
	V_MEMORY,		/* address of memory that can be registered */
	V_ANSWER,		/* address that the kernel may write to */
	V_ANSWERED,		/* a number of an earlier answer: a key, a QP's */
	V_GID,			/* 16 bytes */
};

struct field {
	unsigned short at, size;	/* 0 bytes: the last one */
	unsigned char what;
	unsigned long long arg;
};

/* By write(), and by UVERBS_METHOD_INVOKE_WRITE. */
struct command {
	unsigned int number;
	bool extended;
	bool driver;		/* takes data of the driver's */
	unsigned char weight;
	unsigned char makes, drops;	/* UVERBS_OBJECT_*, or 0 */
	unsigned short in, out;	/* bytes */
	unsigned short driver_in;
	unsigned short made_at;	/* in the answer */
	const struct field *fields;
};

/* By ioctl(). */
enum attr_kind { A_END, A_IDR, A_FD, A_NEW, A_NEW_FD, A_DROP, A_IN, A_OUT };

struct attr {
	unsigned short id;
	unsigned char kind;
	bool optional;
	unsigned short size;
	unsigned char what;		/* of A_IN */
	unsigned long long arg;		/* what kind of object, or as of a field */
	const struct field *fields;	/* of a structure */
};

struct method {
	unsigned short object, method;
	unsigned char weight;
	const struct attr *attrs;
};

extern const struct command commands[];
extern const int nr_commands;
extern const struct method methods[];
extern const int nr_methods;
/* Those of @kind that are fds have no handle. */
bool is_fd(unsigned int kind);

/* calls.c */
/* Once in each process. */
void calls_begin(void);
/* Makes each call until the next one more or less strange. */
void choose_mutations(void);
bool odd(void);
void forget_objects(struct context *context);
void get_context(struct context *context);
void call(struct context *context);
/* Asks the kernel which handles there are. */
void learn_handles(struct context *context);

/* player.c */
extern int post[2];	/* through which files are passed on */
void play(int life);

#endif /* UVERBS_FUZZ_H */
