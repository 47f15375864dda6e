// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory, strings and time. Without memory the program ends.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rdmacg-top.h"

void (*leave_screen)(void);

noreturn void die(const char *format, ...)
{
	va_list args;

	if (leave_screen)
		leave_screen();
	fputs("rdmacg-top: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

/* From an unknown point on. */
double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void *resize(void *old, size_t count, size_t size)
{
	void *new = reallocarray(old, count ? count : 1, size);

	if (!new)
		die("out of memory");
	return new;
}

char *copy_bytes(const char *bytes, size_t length)
{
	char *copy = resize(NULL, length + 1, 1);

	memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

/* Makes room for so many bytes and a NUL. */
void text_reserve(struct text *text, size_t more)
{
	size_t need = text->length + more + 1;

	if (need <= text->room)
		return;
	text->room = need > 2 * text->room ? need : 2 * text->room;
	text->bytes = resize(text->bytes, text->room, 1);
}

void text_clear(struct text *text)
{
	text->length = 0;
	text_reserve(text, 0);
	text->bytes[0] = '\0';
}

void text_add(struct text *text, const char *bytes, size_t length)
{
	text_reserve(text, length);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_print(struct text *text, const char *format, ...)
{
	char *printed;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&printed, format, args);
	va_end(args);
	if (length < 0)
		die("out of memory");
	text_add(text, printed, (size_t)length);
	free(printed);
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}
