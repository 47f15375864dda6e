// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cgroup may have any name without a slash and a NUL, and the user to whom a
 * subtree is delegated chooses it: it must neither spoil a terminal nor the
 * format that a program reads.
 */
#include <string.h>
#include <wctype.h>

#include "rdmacg-top.h"

/* These have no width and move or hide what is next to them. */
static bool is_invisible(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0x61c || c == 0xfeff;
}

/* Returns how many columns it takes, or -1 if it must not be shown as it is. */
int printable_width(wchar_t c)
{
	return iswprint((wint_t)c) && !is_invisible(c) ? wcwidth(c) : -1;
}

/*
 * Escapes as "ls -b" does. What the locale cannot show is escaped too, hence
 * the result is always a string of the locale.
 */
void escape_for_terminal(struct text *out, const char *bytes,
			 enum escape blanks)
{
	size_t left = strlen(bytes);
	mbstate_t state = { 0 };
	size_t length;
	wchar_t c;

	for (; left; bytes += length, left -= length) {
		length = mbrtowc(&c, bytes, left, &state);
		if (length == (size_t)-1 || length == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			length = 1;
			c = L'\0';
		}
		if (c == L'\n')
			text_print(out, "\\n");
		else if (c == L'\t')
			text_print(out, "\\t");
		else if (c == L'\\')
			text_print(out, "\\\\");
		else if (printable_width(c) >= 0 &&
			 !(blanks == ESCAPE_BLANKS && iswspace((wint_t)c)))
			text_add(out, bytes, length);
		else
			for (size_t i = 0; i < length; i++)
				text_print(out, "\\x%02x",
					   (unsigned char)bytes[i]);
	}
}

/* Of a string that was escaped. */
int terminal_width(const char *string)
{
	size_t left = strlen(string);
	mbstate_t state = { 0 };
	size_t length;
	int width = 0;
	wchar_t c;

	for (; left; string += length, left -= length) {
		length = mbrtowc(&c, string, left, &state);
		if (length == (size_t)-1 || length == (size_t)-2)
			break;
		width += wcwidth(c);
	}
	return width;
}

/*
 * Returns the length of the UTF-8 character here, or 0 if there is none: no
 * longer form than needed, no surrogate, nothing beyond U+10FFFF.
 */
static size_t utf8_length(const unsigned char *at)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return length;
}

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

/*
 * Both formats are UTF-8, and their readers refuse the whole file for one byte
 * that is not. Such a byte becomes U+FFFD and its two digits. So does each byte
 * of an U+FFFD that was there before: different names stay different.
 */
static void write_utf8(FILE *out, const char *bytes,
		       void (*write_ascii)(FILE *out, char c))
{
	for (size_t length; *bytes; bytes += length) {
		length = utf8_length((const unsigned char *)bytes);
		if (length == 1) {
			write_ascii(out, *bytes);
		} else if (length && strncmp(bytes, REPLACEMENT, length)) {
			fwrite(bytes, 1, length, out);
		} else {
			fprintf(out, REPLACEMENT "%02x", (unsigned char)*bytes);
			length = 1;
		}
	}
}

static void write_json_ascii(FILE *out, char c)
{
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if ((unsigned char)c < ' ' || c == '\x7f')
		fprintf(out, "\\u%04x", (unsigned int)c);
	else
		fputc(c, out);
}

static void write_prometheus_ascii(FILE *out, char c)
{
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (c == '\n')
		fputs("\\n", out);
	else
		fputc(c, out);
}

void escape_for_json(FILE *out, const char *bytes)
{
	write_utf8(out, bytes, write_json_ascii);
}

void escape_for_prometheus(FILE *out, const char *bytes)
{
	write_utf8(out, bytes, write_prometheus_ascii);
}
