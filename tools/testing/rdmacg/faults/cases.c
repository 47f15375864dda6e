// SPDX-License-Identifier: GPL-2.0-only
/* The cases: which are wanted, what is wrong with the one that runs. */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's; it counts in each file by itself, so no other one includes it. */
#include "kselftest.h"
#include "faults.h"

static const char *wanted;
static bool complained, found_any;
static FILE *passed_over;	/* the cases that are not wanted, to name them */
static char *names;
static size_t names_size;

void begin_cases(const char *part)
{
	ksft_print_header();
	wanted = part;
	passed_over = open_memstream(&names, &names_size);
	if (!passed_over)
		err(EXIT_FAILURE, "no memory for names");
}

void need_a_case(void)
{
	fclose(passed_over);
	if (found_any)
		return;
	fputs(names, stdout);
	errx(EXIT_FAILURE, "no case has '%s' in its name; above is what there is", wanted);
}

int end_cases(void)
{
	ksft_set_plan(ksft_test_num());
	ksft_print_cnts();
	return ksft_get_fail_cnt() ? KSFT_FAIL : KSFT_PASS;
}

void complain(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ksft_print_msg("%s\n", text);
	complained = true;
}

bool has_complained(void)
{
	return complained;
}

void report(const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	ksft_test_result(!complained, "faults: %s\n", name);
	complained = false;
}

bool is_wanted(const char *name)
{
	bool wants = strstr(name, wanted);

	found_any |= wants;
	if (!wants && !found_any)
		fprintf(passed_over, "# %s\n", name);
	return wants;
}
