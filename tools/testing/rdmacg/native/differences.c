// SPDX-License-Identifier: GPL-2.0-only
/* See differences.h. */

#include "differences.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS		" \t\n"
#define SPACES		" \t\n\v\f\r\xa0"	/* which strstrip() takes off */
#define MOST_DIGITS	23			/* more are too many for match_int() */

/* Features of a text, all but the spaces around it. */

static bool is_empty(const char *text)
{
	return !*text;
}

static bool has_two_lines(const char *text)
{
	return strchr(text, '\n');
}

static bool has_odd_blanks(const char *text)
{
	return strpbrk(text, "\t\n") || strstr(text, "  ");
}

static bool any_text(const char *text)
{
	return true;
}

/* Of the first blank, only ' ' ends a name. */
static bool has_odd_blank_after_name(const char *text)
{
	return text[strcspn(text, BLANKS)] != ' ';
}

/* The word after this one. */
static const char *next_word(const char *word)
{
	word += strcspn(word, BLANKS);
	return word + strspn(word, BLANKS);
}

static bool has_index(const char *text)
{
	for (text = next_word(text); *text; text = next_word(text))
		if (!strncmp(text, "index=", strlen("index=")))
			return true;

	return false;
}

/* Decimal here; mainline wants it to be octal as well, and takes the decimal. */
static bool has_index_with_zero(const char *text)
{
	for (text = next_word(text); *text; text = next_word(text))
		if (!strncmp(text, "index=0", strlen("index=0")))
			return true;

	return false;
}

/* As a name, which may have a slip after it. */
static bool begins_with_default(const char *text)
{
	return !strncmp(text, "default", strlen("default"));
}

/* As a value, or in place of all keys. */
static bool has_default(const char *text)
{
	for (text = next_word(text); *text; text = next_word(text)) {
		size_t length = strcspn(text, BLANKS), name = strlen("default");

		if (length >= name && !strncmp(text + length - name, "default", name))
			return true;
	}
	return false;
}

/* True if a value is as @test says; its length is without what follows. */
static bool any_value(const char *text,
		      bool (*test)(const char *value, size_t length))
{
	for (text = next_word(text); *text; text = next_word(text)) {
		size_t key = strcspn(text, BLANKS "=");

		if (text[key] == '=' &&
		    test(text + key + 1, strcspn(text + key + 1, BLANKS)))
			return true;
	}
	return false;
}

/* How much of it is a number, from its begin. */
static size_t number_length(const char *value, size_t length)
{
	size_t sign = *value == '-' || *value == '+';
	char *end;

	if (!length || strspn(value, SPACES))
		return 0;
	/* To the kernel and to older C libraries, this is 0 and a letter. */
	if (value[sign] == '0' && (value[sign + 1] | 0x20) == 'b')
		return sign + 1;
	strtoull(value, &end, 0);
	return end - value;
}

static bool is_followed(const char *value, size_t length)
{
	size_t number = number_length(value, length);

	return number && number < length;
}

/* If its amount is above @most, be it even beyond 64 bits. */
static bool is_above(const char *value, size_t length, unsigned long long most)
{
	unsigned long long number;

	errno = 0;
	number = strtoull(value + (*value == '-'), NULL, 0);
	return number_length(value, length) && (errno == ERANGE || number > most);
}

static bool is_out_of_range(const char *value, size_t length)
{
	return is_above(value, length, INT_MAX + (unsigned long long)(*value == '-'));
}

/* More than a signed long long, or less: others go on with 64 bits of it. */
static bool is_wrapped(const char *value, size_t length)
{
	return is_above(value, length, LLONG_MAX);
}

static bool is_part_of_max(const char *value, size_t length)
{
	return length < strlen("max") && !strncmp(value, "max", length);
}

/* Of a sign alone, others go on as if it were a number. */
static bool is_minus(const char *value, size_t length)
{
	return length && *value == '-' && !isdigit(value[1]);
}

static bool is_plus(const char *value, size_t length)
{
	return length && *value == '+';
}

static bool is_long(const char *value, size_t length)
{
	return length > MOST_DIGITS;
}

#define TAKEN	0
#define ANY	1		/* no result of a write */
#define BOTH	(1 << MAINLINE | 1 << STOCK)

/*
 * The first that fits explains a difference. What mainline takes, we take to the
 * same effect, but for slips of its number parser: so at least one of the two
 * has to be an error, unless it is the older stock.
 */
struct difference differences[] = {
	{ "empty", is_empty, NULL, -EINVAL, -ENODEV, BOTH },
	{ "wrapped", NULL, is_wrapped, -ERANGE, ANY, BOTH },
	{ "out-of-range", NULL, is_out_of_range, -ERANGE, -EINVAL, BOTH },
	{ "minus", NULL, is_minus, -EINVAL, ANY, BOTH },
	{ "plus", NULL, is_plus, ANY, -EINVAL, BOTH },
	{ "many-digits", NULL, is_long, ANY, -EINVAL, BOTH },
	{ "default", begins_with_default, NULL, ANY, -ENODEV, BOTH },
	{ "is-default", has_default, NULL, ANY, -EINVAL, BOTH },
	{ "blank-after-name", has_odd_blank_after_name, NULL, ANY, -ENODEV,
	  1 << MAINLINE },
	{ "several-lines", has_two_lines, NULL, ANY, -EINVAL, 1 << MAINLINE },
	{ "index-zero", has_index_with_zero, NULL, ANY, -EINVAL, 1 << MAINLINE },

	{ "index", has_index, NULL, ANY, -EINVAL, 1 << STOCK },
	{ "two-of-a-name", any_text, NULL, -ENOTUNIQ, TAKEN, 1 << STOCK },
	{ "part-of-max", NULL, is_part_of_max, -EINVAL, ANY, 1 << STOCK },
	{ "followed-number", NULL, is_followed, -EINVAL, ANY, 1 << STOCK },
	{ "two-lines", has_two_lines, NULL, ANY, ANY, 1 << STOCK },
	{ "blanks", has_odd_blanks, NULL, ANY, ANY, 1 << STOCK },
};

const int nr_differences = sizeof(differences) / sizeof(*differences);

static bool result_fits(int expected, long result)
{
	return expected == ANY ||
	       (expected == TAKEN ? result >= 0 : result == expected);
}

struct difference *find_difference(enum peer peer, const char *text,
				   long ours, long theirs)
{
	struct difference *d, *found = NULL;
	char *line, *start, *end;

	line = strdup(text);
	if (!line)
		abort();
	start = line + strspn(line, SPACES);
	for (end = start + strlen(start);
	     end > start && strchr(SPACES, end[-1]); end--)
		end[-1] = '\0';

	for (d = differences; d < differences + nr_differences && !found; d++)
		if (d->peers & 1 << peer &&
		    result_fits(d->ours, ours) && result_fits(d->theirs, theirs) &&
		    (d->line ? d->line(start) : any_value(start, d->value)))
			found = d;
	free(line);
	return found;
}
