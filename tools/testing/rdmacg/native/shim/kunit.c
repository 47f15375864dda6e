// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs KUnit suites, and reports in KTAP as the kernel does. A case also fails
 * if it leaves memory allocated, or a warning that it did not ask for.
 */

#include <kunit/test.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../native.h"

extern struct kunit_suite *__start_kunit_suites[], *__stop_kunit_suites[];

struct kunit_memory {
	struct kunit_memory *next;
	long long data[];
};

void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	struct kunit_memory *memory = calloc(1, sizeof(*memory) + size);

	if (!memory)
		return NULL;
	memory->next = test->memory;
	test->memory = memory;
	return memory->data;
}

static void free_memory(struct kunit *test)
{
	struct kunit_memory *memory;

	while ((memory = test->memory)) {
		test->memory = memory->next;
		free(memory);
	}
}

void kunit_fail(struct kunit *test, bool fatal, const char *file, int line,
		const char *format, ...)
{
	va_list args;

	test->failed = true;
	printf("    # %s:%d: expected ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (fatal)
		longjmp(test->abort, 1);
}

/* Whether it passed; @skipped says why it did not run. */
static bool run_case(struct kunit_suite *suite, struct kunit_case *c,
		     const char **skipped)
{
	struct kunit test = { .priv = NULL };
	long before = shim_nr_allocated();

	if (!setjmp(test.abort)) {
		if (suite->init && suite->init(&test))
			KUNIT_FAIL(&test, "suite init to succeed");
		else
			c->run_case(&test);
	}
	if (suite->exit && !setjmp(test.abort))
		suite->exit(&test);

	shim_fail_nth(0);
	shim_settle();
	KUNIT_EXPECT_EQ(&test, shim_nr_allocated(), before);
	KUNIT_EXPECT_EQ(&test, shim_take_warnings(), 0);
	free_memory(&test);
	*skipped = test.skipped;
	return !test.failed;
}

static int run_suite(struct kunit_suite *suite)
{
	int count = 0, failed = 0;
	struct kunit_case *c;

	for (c = suite->test_cases; c->run_case; c++)
		count++;
	printf("    KTAP version 1\n    # Subtest: %s\n    1..%d\n",
	       suite->name, count);

	count = 0;
	for (c = suite->test_cases; c->run_case; c++) {
		const char *skipped;
		bool ok = run_case(suite, c, &skipped);

		printf("    %sok %d %s%s%s\n", ok ? "" : "not ", ++count, c->name,
		       skipped ? " # SKIP " : "", skipped ?: "");
		fflush(stdout);
		failed += !ok;
	}
	return failed;
}

int shim_kunit_run(void)
{
	struct kunit_suite **suite;
	int count = 0, total = 0;

	printf("KTAP version 1\n1..%td\n",
	       __stop_kunit_suites - __start_kunit_suites);
	for (suite = __start_kunit_suites; suite < __stop_kunit_suites; suite++) {
		int failed = run_suite(*suite);

		printf("%sok %d %s\n", failed ? "not " : "", ++count,
		       (*suite)->name);
		total += failed;
	}
	return total;
}
