// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds RDMA verbs objects on one device, to have something that is counted.
 *
 *	verbs DEVICE [WORD]...
 *
 * It obeys the words of its command line, then those on standard input:
 *
 *	KIND		make objects of this kind until one is refused
 *	KIND=COUNT	make so many
 *	-KIND		give back those it holds, the newest first
 *	-KIND=COUNT	give back so many
 *	quit		end, as at the end of the input
 *
 * KIND is context, pd, cq, qp, mr, srq, mw or ah.  What an object is made of
 * must be there already; it takes the newest context, PD and CQ.  Nothing is
 * made that was not asked for.
 *
 * Each word is answered by one line:
 *
 *	KIND: made N, held N
 *	KIND: made N, held N; VERB: ERRNO (MEANING)
 *	KIND: made N, held N; no KIND
 *	KIND: released N, held N
 *	KIND: released N, held N; VERB: ERRNO (MEANING)
 *
 * and the end, before which all is given back, by "all: released N, held N".
 * A signal ends it too; the kernel then takes back what it holds.
 *
 * Exit status: 0 whatever was refused, 1 if something could not be given
 * back, 2 if there is no such device or no such word.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/guest.h"

/* Stands for a verb that failed and left errno alone; some providers do. */
#define NO_ERRNO -1

enum { EXIT_HELD = 1, EXIT_USAGE };

#define NONE NR_KINDS

struct kind_info {
	const char *name;
	const char *make_verb;
	const char *release_verb;
	int needs[2];

	void **held;
	size_t nr_held;
	size_t room;
};

static struct kind_info kinds[NR_KINDS] = {
	[CONTEXT] = { "context", "ibv_open_device", "ibv_close_device",
		      { NONE, NONE } },
	[PD]	  = { "pd", "ibv_alloc_pd", "ibv_dealloc_pd",
		      { CONTEXT, NONE } },
	[CQ]	  = { "cq", "ibv_create_cq", "ibv_destroy_cq",
		      { CONTEXT, NONE } },
	[QP]	  = { "qp", "ibv_create_qp", "ibv_destroy_qp", { PD, CQ } },
	[MR]	  = { "mr", "ibv_reg_mr", "ibv_dereg_mr", { PD, NONE } },
	[SRQ]	  = { "srq", "ibv_create_srq", "ibv_destroy_srq",
		      { PD, NONE } },
	[MW]	  = { "mw", "ibv_alloc_mw", "ibv_dealloc_mw", { PD, NONE } },
	[AH]	  = { "ah", "ibv_create_ah", "ibv_destroy_ah", { PD, NONE } },
};

static struct ibv_device *device;
static int exit_status;

static void *newest(int kind)
{
	size_t nr = kinds[kind].nr_held;

	return nr ? kinds[kind].held[nr - 1] : NULL;
}

/* Returns NULL with errno if it is refused. */
static void *make_object(int kind)
{
	struct base base = {
		.verbs = device,
		.context = newest(CONTEXT),
		.pd = newest(PD),
		.cq = newest(CQ),
	};

	if (kind == AH)
		find_address(&base);
	return object_make(&base, kind);
}

static void hold(struct kind_info *kind, void *object)
{
	if (kind->nr_held == kind->room) {
		kind->room = kind->room ? 2 * kind->room : 16;
		kind->held = reallocarray(kind->held, kind->room,
					  sizeof(*kind->held));
		if (!kind->held)
			err(EXIT_FAILURE, "cannot note what is held");
	}
	kind->held[kind->nr_held++] = object;
}

static void end_answer(const char *verb, int error)
{
	if (error == NO_ERRNO)
		printf("; %s: unknown (no errno)", verb);
	else if (error)
		printf("; %s: %s (%s)", verb, strerrorname_np(error),
		       strerror(error));
	putchar('\n');
}

static void make(int number, unsigned long count)
{
	struct kind_info *kind = &kinds[number];
	unsigned long made = 0;
	int error = 0;
	void *object;

	for (int i = 0; i < 2; i++) {
		int need = kind->needs[i];

		if (need != NONE && !kinds[need].nr_held) {
			printf("%s: made 0, held %zu; no %s\n", kind->name,
			       kind->nr_held, kinds[need].name);
			return;
		}
	}
	for (; made < count && !error; made += !error) {
		errno = 0;
		object = make_object(number);
		if (object)
			hold(kind, object);
		else
			error = errno ?: NO_ERRNO;
	}
	printf("%s: made %lu, held %zu", kind->name, made, kind->nr_held);
	end_answer(kind->make_verb, error);
}

/* Returns how many were given back; if one could not be, *error says why. */
static unsigned long release(int number, unsigned long count, int *error)
{
	struct kind_info *kind = &kinds[number];
	unsigned long released = 0;

	for (; released < count && kind->nr_held; released++) {
		*error = object_drop(number, newest(number));
		if (*error) {
			if (*error < 0)
				*error = errno;
			exit_status = EXIT_HELD;
			break;
		}
		kind->nr_held--;
	}
	return released;
}

static void release_all(void)
{
	unsigned long released = 0;
	size_t held = 0;
	int error;

	for (int i = NR_KINDS; i--; held += kinds[i].nr_held)
		released += release(i, ULONG_MAX, &error);
	printf("all: released %lu, held %zu\n", released, held);
}

/* Returns the kind that is meant, or NONE. */
static int parse(const char *word, unsigned long *count)
{
	size_t length = strcspn(word, "=");
	const char *number = word + length;
	char *end;

	*count = ULONG_MAX;
	if (*number == '=') {
		*count = strtoul(++number, &end, 10);
		if (!isdigit(*number) || *end)
			return NONE;
	}
	for (int i = 0; i < NR_KINDS; i++)
		if (strlen(kinds[i].name) == length &&
		    !strncmp(kinds[i].name, word, length))
			return i;
	return NONE;
}

static void obey(const char *word)
{
	bool give_back = word[0] == '-';
	unsigned long count, released;
	int kind = parse(word + give_back, &count);
	int error = 0;

	if (kind == NONE) {
		fprintf(stderr, "verbs: %s: use [-]KIND[=COUNT], KIND being one of",
			word);
		for (int i = 0; i < NR_KINDS; i++)
			fprintf(stderr, " %s", kinds[i].name);
		fputc('\n', stderr);
		exit_status = EXIT_USAGE;
	} else if (give_back) {
		released = release(kind, count, &error);
		printf("%s: released %lu, held %zu", kinds[kind].name,
		       released, kinds[kind].nr_held);
		end_answer(kinds[kind].release_verb, error);
	} else {
		make(kind, count);
	}
}

static struct ibv_device *find_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	if (!list)
		err(EXIT_USAGE, "the RDMA devices cannot be listed");
	for (struct ibv_device **at = list; *at; at++)
		if (!strcmp(ibv_get_device_name(*at), name))
			return *at;
	warnx("there is no RDMA device %s, but:", name);
	for (; *list; list++)
		warnx("  %s", ibv_get_device_name(*list));
	exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	char word[32];

	if (argc < 2)
		errx(EXIT_USAGE, "use: verbs DEVICE [[-]KIND[=COUNT]]...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	device = find_device(argv[1]);
	for (int i = 2; i < argc; i++)
		obey(argv[i]);
	while (scanf("%31s", word) == 1 && strcmp(word, "quit"))
		obey(word);
	release_all();
	return exit_status;
}
