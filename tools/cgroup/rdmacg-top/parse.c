// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines of the controller's interface files:
 *
 *	NAME [index=N] KEY=VALUE...
 *
 * An administrator may have given a device any name, even one with blanks and
 * newlines, but nothing after the name has any. So a line is read from its end.
 */
#include <ctype.h>
#include <string.h>

#include "rdmacg-top.h"

static bool parse_number(struct span text, long long *number)
{
	*number = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (!isdigit((unsigned char)text.start[i]) ||
		    __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, text.start[i] - '0',
					   number))
			return false;
	}
	return text.length;
}

static bool parse_value(struct span word, struct value *value)
{
	const char *equals = memchr(word.start, '=', word.length);
	struct span number;

	if (!equals || equals == word.start)
		return false;
	value->key.start = word.start;
	value->key.length = (size_t)(equals - word.start);
	for (size_t i = 0; i < value->key.length; i++)
		if (!isalnum((unsigned char)word.start[i]) &&
		    word.start[i] != '_' && word.start[i] != '.')
			return false;
	number.start = equals + 1;
	number.length = word.length - value->key.length - 1;
	if (number.length == 3 && !memcmp(number.start, "max", 3)) {
		value->number = UNLIMITED;
		return true;
	}
	return parse_number(number, &value->number);
}

static bool same(struct span a, struct span b)
{
	return a.length == b.length && !memcmp(a.start, b.start, a.length);
}

static bool has_key(const struct line *line, struct span key)
{
	for (size_t i = 0; i < line->nr_values; i++)
		if (same(line->values[i].key, key))
			return true;
	return false;
}

/* Returns what follows the last blank from @from on, unless nothing is before it. */
static struct span last_word(struct span text, const char *from)
{
	const char *end = text.start + text.length;
	const char *blank = end > from ?
		memrchr(from, ' ', (size_t)(end - from)) : NULL;

	if (!blank || blank == text.start)
		return (struct span){ NULL, 0 };
	return (struct span){ blank + 1, (size_t)(end - blank - 1) };
}

/* Values are not before @from. Returns false if there is none. */
static bool parse_device(struct span text, const char *from, struct line *line)
{
	struct span word;
	struct value value;

	line->index = NO_INDEX;
	line->values = line->storage + LINE_VALUES_MAX;
	line->nr_values = 0;

	/* The stock controller ends its lines with a blank. */
	if (text.start + text.length > from &&
	    text.start[text.length - 1] == ' ')
		text.length--;

	for (;;) {
		word = last_word(text, from);
		if (!word.start || !parse_value(word, &value))
			break;
		if (same(value.key, (struct span){ "index", 5 }) &&
		    value.number != UNLIMITED) {
			line->index = value.number;
			text.length -= word.length + 1;
			break;
		}
		/* A key that comes again belongs to the name. */
		if (line->nr_values == LINE_VALUES_MAX ||
		    has_key(line, value.key))
			break;
		*--line->values = value;
		line->nr_values++;
		text.length -= word.length + 1;
	}
	line->name = text;
	return line->nr_values;
}

/*
 * Takes the next device off @rest, which has the contents of a file or what
 * is left of them. Returns whether there was one.
 */
bool parse_line(struct span *rest, struct line *line)
{
	const char *end = rest->start + rest->length;
	struct span text = { rest->start, 0 };

	while (rest->length) {
		const char *from = rest->start;
		const char *newline = memchr(from, '\n', rest->length);
		const char *stop = newline ? newline : end;

		rest->start = newline ? newline + 1 : end;
		rest->length = (size_t)(end - rest->start);
		text.length = (size_t)(stop - text.start);
		if (parse_device(text, from, line))
			return true;
		/* So far it is the first part of a name with a newline. */
	}
	return false;
}
