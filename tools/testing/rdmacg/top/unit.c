// SPDX-License-Identifier: GPL-2.0-only
/*
 * How rdmacg-top reads a line, what the escaped name of a cgroup looks like, and
 * what is left where a kernel does not show all kinds.
 * Prints TAP.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "rdmacg-top.h"

static int number;
static int nr_failed;

static void expect(const char *promise, const char *want, const char *got)
{
	bool good = !strcmp(want, got);

	printf("%sok %d - top unit: %s\n", good ? "" : "not ", ++number,
	       promise);
	if (good)
		return;
	nr_failed++;
	printf("# want %s\n# got  %s\n", want, got);
}

/* Returns all lines of a file, as "<NAME#INDEX KEY=VALUE ...>". */
static char *parsed(const char *contents)
{
	/* Not one byte more, for the sanitizer to see what reads beyond. */
	size_t length = strlen(contents);
	char *copy = resize(NULL, length, 1);
	struct span rest = { copy, length };
	struct text text = { 0 };
	struct line line;

	memcpy(copy, contents, length);
	text_clear(&text);
	while (parse_line(&rest, &line)) {
		text_print(&text, "<%.*s", (int)line.name.length,
			   line.name.start);
		if (line.index != NO_INDEX)
			text_print(&text, "#%lld", line.index);
		for (size_t i = 0; i < line.nr_values; i++) {
			const struct value *value = &line.values[i];

			text_print(&text, " %.*s=", (int)value->key.length,
				   value->key.start);
			if (value->number == UNLIMITED)
				text_print(&text, "max");
			else
				text_print(&text, "%lld", value->number);
		}
		text_print(&text, ">");
	}
	free(copy);
	return text.bytes;
}

static void test_lines(void)
{
	static const struct {
		const char *promise, *contents, *want;
	} cases[] = {
		{ "a line", "mlx4_0 hca_handle=2 hca_object=max\n",
		  "<mlx4_0 hca_handle=2 hca_object=max>" },
		{ "a line of stock, with a blank at the end",
		  "mlx4_0 hca_handle=2 hca_object=max\040\nb x=1 ",
		  "<mlx4_0 hca_handle=2 hca_object=max><b x=1>" },
		{ "several lines", "a x=1\nb x=2\n", "<a x=1><b x=2>" },
		{ "a last line without its end", "a x=1\nb x=2",
		  "<a x=1><b x=2>" },
		{ "nothing", "", "" },
		{ "events", "a x.max=1 x.alloc_fail=2\n",
		  "<a x.max=1 x.alloc_fail=2>" },
		{ "an index", "a index=7 x=1\n", "<a#7 x=1>" },
		{ "two of one name", "a index=0 x=1\na index=12 x=2\n",
		  "<a#0 x=1><a#12 x=2>" },
		{ "a name with blanks", "a  b c x=1\n", "<a  b c x=1>" },
		{ "a name that ends with a blank", "a  x=1\n", "<a  x=1>" },
		{ "a name with an equals sign", "a=b x=1\n", "<a=b x=1>" },
		{ "a name like a value", "x=2 x=1\n", "<x=2 x=1>" },
		{ "a name with a value of the same key", "a x=2 x=1\n",
		  "<a x=2 x=1>" },
		{ "a name like an index", "index=3 index=4 x=1\n",
		  "<index=3#4 x=1>" },
		{ "a name with a newline", "a\nb x=1\nc x=2\n",
		  "<a\nb x=1><c x=2>" },
		{ "a name that ends with a newline", "a\n x=1\n",
		  "<a\n x=1>" },
		{ "the largest number", "a x=9223372036854775806\n",
		  "<a x=9223372036854775806>" },
		{ "a number that is too large is none",
		  "a x=92233720368547758070 y=1\n",
		  "<a x=92233720368547758070 y=1>" },
		{ "a negative number is none", "a x=-1 y=1\n",
		  "<a x=-1 y=1>" },
		{ "no number is none", "a x= y=1\n", "<a x= y=1>" },
		{ "no key is none", "a =1 y=1\n", "<a =1 y=1>" },
		{ "no name is no line", " x=1\n", "" },
		{ "no value is no line", "a\n", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got = parsed(cases[i].contents);

		expect(cases[i].promise, cases[i].want, got);
		free(got);
	}
}

static void test_most_values(void)
{
	struct text contents = { 0 }, want = { 0 };
	char *got;

	text_print(&contents, "a beyond=1");
	text_print(&want, "<a beyond=1");
	for (int i = 0; i < LINE_VALUES_MAX; i++) {
		text_print(&contents, " x%d=%d", i, i);
		text_print(&want, " x%d=%d", i, i);
	}
	text_print(&want, ">");
	got = parsed(contents.bytes);
	expect("as many values as the kernel may have", want.bytes, got);
	free(got);
	text_free(&contents);
	text_free(&want);
}

static void test_mounts(void)
{
	static const struct {
		const char *promise, *line, *want;
	} cases[] = {
		{ "mount of v2",
		  "41 31 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
		  "2 /sys/fs/cgroup" },
		{ "mount of v1 with the controller",
		  "41 31 0:38 / /sys/fs/cgroup/rdma rw shared:9 - cgroup none rw,rdma\n",
		  "1 rdma /sys/fs/cgroup/rdma" },
		{ "mount of v1 with others as well",
		  "41 31 0:38 / /c rw - cgroup none rw,pids,rdma,devices\n",
		  "1 rdma /c" },
		{ "mount of v1 without the controller",
		  "41 31 0:38 / /c rw - cgroup none rw,rdmax,name=rdma\n",
		  "1 /c" },
		{ "mount with several optional fields",
		  "41 31 0:38 / /c rw shared:1 master:2 propagate_from:3 - cgroup2 c rw\n",
		  "2 /c" },
		{ "mount without a source",
		  "41 31 0:38 / /c rw - cgroup2  rw\n", "2 /c" },
		{ "mount point with escapes",
		  "41 31 0:38 / /a\\040b\\011\\012\\134\\0 rw - cgroup2 c rw\n",
		  "2 /a b\t\n\\\\0" },
		{ "mount of something else",
		  "22 27 0:21 / /proc rw - proc none rw\n", "-" },
		{ "a line that is cut", "41 31 0:38 / /c rw shared:1\n", "-" },
		{ "a line that is cut later",
		  "41 31 0:38 / /c rw - cgroup2\n", "-" },
		{ "an empty line", "\n", "-" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *line = copy_bytes(cases[i].line, strlen(cases[i].line));
		struct text got = { 0 };
		struct mount mount;

		if (parse_mount(line, &mount))
			text_print(&got, "%d%s %s", mount.version,
				   mount.has_rdma ? " rdma" : "", mount.path);
		else
			text_print(&got, "-");
		expect(cases[i].promise, cases[i].want, got.bytes);
		text_free(&got);
		free(line);
	}
}

static void test_escapes(void)
{
	static const struct {
		const char *promise, *name, *want;
	} cases[] = {
		{ "plain name", "a b.slice", "a b.slice" },
		{ "newline, tab, backslash", "a\n\t\\x2d", "a\\n\\t\\\\x2d" },
		{ "what controls a terminal", "\x1b[31m\r\x7f\x01",
		  "\\x1b[31m\\x0d\\x7f\\x01" },
		{ "what controls one in UTF-8", "\xc2\x9b", "\\xc2\\x9b" },
		{ "letters", "é日本", "é日本" },
		{ "a combining mark", "e\xcc\x81", "e\xcc\x81" },
		{ "what reverses the text", "a\xe2\x80\xaez",
		  "a\\xe2\\x80\\xaez" },
		{ "what is not UTF-8", "a\xff\xe6\x97", "a\\xff\\xe6\\x97" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text got = { 0 };

		text_clear(&got);
		escape_for_terminal(&got, cases[i].name, KEEP_BLANKS);
		expect(cases[i].promise, cases[i].want, got.bytes);
		text_free(&got);
	}
}

static void test_rests(void)
{
	static const struct {
		const char *promise, *want;
		struct holding holding;
	} cases[] = {
		{ "the rest", "1 4", { .handles = 3, .objects = 9,
		  .counts = { 1, 1, 1, 1, 1, 2 } } },
		{ "a rest below zero", "-2 -1", { .objects = 4,
		  .counts = { 1, 1, 1, 1, 1, 2 } } },
		{ "a kind that is not known is a part of the rest", "1 5",
		  { .handles = 3, .objects = 9,
		    .counts = { 1, 1, 1, 1, UNKNOWN, 2 } } },
		{ "contexts that are not known leave no rest", "- 4",
		  { .handles = 3, .objects = 9,
		    .counts = { 1, 1, 1, 1, 1, UNKNOWN } } },
		{ "of nothing that is known there is no rest", "- -",
		  { .handles = 3, .objects = 9,
		    .counts = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
				UNKNOWN } } },
		{ "of what nobody counts there is no rest", "- -",
		  { .handles = UNKNOWN, .objects = UNKNOWN } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct holding *holding = &cases[i].holding;
		struct text got = { 0 };
		long long rest;

		if (rest_of_handles(holding, &rest))
			text_print(&got, "%lld ", rest);
		else
			text_print(&got, "- ");
		if (rest_of_objects(holding, &rest))
			text_print(&got, "%lld", rest);
		else
			text_print(&got, "-");
		expect(cases[i].promise, cases[i].want, got.bytes);
		text_free(&got);
	}
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		puts("Bail out! There is no locale C.UTF-8");
		return 1;
	}
	test_lines();
	test_most_values();
	test_mounts();
	test_escapes();
	test_rests();
	printf("1..%d\n", number);
	return nr_failed ? 1 : 0;
}
