// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rdma_case.h"

struct shared *shared;
struct hierarchy *current;

/* Ends the test. */
void __printf(2, 3) fail(const char *where, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s: %s\n", where, text);
	exit(KSFT_FAIL);
}

/* Ends the test, too: it cannot be run here. */
void __printf(1, 2) skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(shared->reason, sizeof(shared->reason), format, args);
	va_end(args);
	exit(KSFT_SKIP);
}

void sleep_ms(long ms)
{
	struct timespec duration = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&duration, NULL);
}
