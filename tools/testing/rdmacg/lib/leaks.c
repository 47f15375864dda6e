// SPDX-License-Identifier: GPL-2.0-only
/* Leaks, as kmemleak finds them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "guest.h"
#include "leaks.h"

#define FOLDER		"/sys/kernel/debug"
#define AGE_MS		6000	/* younger ones are not looked at */
#define TEXT_SIZE	(256 * 1024)

/*
 * Leaks of others that come to light when memory is refused, by functions that all
 * have to be in the backtrace.
 */
static const struct {
	const char *functions[2];
	const char *reason;
} known_leaks[] = {
	{
		.functions = { "siw_umem_get+", "siw_reg_user_mr+" },
		.reason = "siw_reg_user_mr() forgets the memory if siw_mr_add_mem() fails",
	},
	{
		.functions = { "radix_tree_insert+", "uverbs_alloc_api+" },
		.reason = "radix_tree_insert() leaves an empty node if there is no memory for the next",
	},
};

bool leaks_sought(void)
{
	return !access(FOLDER "/kmemleak", F_OK);
}

static void tell(const char *word)
{
	int err = cg_write(FOLDER, "kmemleak", word);

	if (err)
		printf("# cannot tell kmemleak to %s: %s\n", word, strerror(-err));
}

/* kmemleak passes over what is young, and believes only what two scans found. */
static void scan(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		sleep_us(AGE_MS * 1000L);
		tell("scan");
	}
}

void leaks_forget(void)
{
	scan();
	tell("clear");
}

/* The reason to let a leak pass, or NULL. */
static const char *known_leak(const char *record)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_leaks); i++)
		if (strstr(record, known_leaks[i].functions[0]) &&
		    strstr(record, known_leaks[i].functions[1]))
			return known_leaks[i].reason;

	return NULL;
}

/* True if it is a fault. */
static bool judge(char *record)
{
	const char *reason = known_leak(record);
	char *line;

	if (reason) {
		printf("# a leak, but known: %s\n", reason);
		return false;
	}
	printf("# a leak:\n");
	while ((line = strsep(&record, "\n")))
		if (*line)
			printf("#   %s\n", line);
	return true;
}

int leaks_judge(void)
{
	static const char begin[] = "unreferenced object";
	static char text[TEXT_SIZE];
	char *record, *next;
	int err, nr = 0;

	scan();
	err = cg_read(FOLDER, "kmemleak", text, sizeof(text));
	if (err) {
		printf("# cannot read what kmemleak found: %s\n", strerror(-err));
		return -1;
	}
	for (record = strstr(text, begin); record; record = next) {
		next = strstr(record + 1, begin);
		if (next)
			next[-1] = '\0';
		nr += judge(record);
	}
	/* Nobody has to judge them again. */
	tell("clear");
	return nr;
}
