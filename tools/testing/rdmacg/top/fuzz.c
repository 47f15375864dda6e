// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anything as the contents of the files, as messages of RDMA netlink, as a line of
 * mountinfo, and as a name.
 * libFuzzer calls this, with sanitizers on.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "rdmacg-top.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	return 0;
}

static void require(bool condition, const char *promise)
{
	if (condition)
		return;
	fprintf(stderr, "broken promise: %s\n", promise);
	abort();
}

/* Names and keys are of the text, and lines in its order. */
static void check_lines(struct span contents)
{
	const char *end = contents.start + contents.length, *last;
	struct span rest = contents;
	struct line line;

	for (last = contents.start; parse_line(&rest, &line);
	     last = rest.start) {
		require(line.name.start >= last && line.name.length > 0,
			"a line has a name, after the last line");
		require(line.nr_values > 0 &&
			line.nr_values <= LINE_VALUES_MAX,
			"a line has values, but not too many");
		for (size_t i = 0; i < line.nr_values; i++) {
			const struct value *value = &line.values[i];

			require(value->number >= 0, "no value is negative");
			require(value->key.start > line.name.start +
				line.name.length && value->key.length > 0,
				"keys come after the name");
		}
		require(rest.start + rest.length == end,
			"what is left ends where the contents end");
	}
}

/* The contents of files, with a form feed between, in one sample after another. */
static void check_model(struct span contents)
{
	const struct hierarchy hierarchy = { .version = 2, .path = "", .fd = -1 };
	struct model *model = model_new(&hierarchy, "");
	struct view view = { .all = true, .tree = contents.length % 2 };
	FILE *sink = fopen("/dev/null", "we");

	for (size_t file = 0; contents.length; file++) {
		const char *end = memchr(contents.start, '\f',
					 contents.length);
		size_t length = end ? (size_t)(end - contents.start) :
				      contents.length;

		model->sample = (unsigned int)(file / nr_files);
		model_take_file(model, &model->top, file % nr_files,
				(struct span){ contents.start, length });
		length += !!end;
		contents.start += length;
		contents.length -= length;
	}
	view_build(&view, model);
	write_table(sink, &view, model);
	write_json(sink, &view, model);
	write_prometheus(sink, &view, model);
	view_free(&view);
	model_free(model);
	fclose(sink);
}

/* Those of a kernel are aligned. */
static void check_restrack(struct span contents)
{
	char *copy = copy_bytes(contents.start, contents.length);
	struct restrack restrack = { 0 };

	restrack_take_all(&restrack, copy, contents.length);
	for (size_t i = 0; i < restrack.nr_makers; i++) {
		const struct maker *maker = &restrack.makers[i];
		long long sum = 0;

		require(find_tracked(&restrack, maker->device),
			"a maker's device is known");
		require(maker->task >= TASK_KERNEL,
			"a task has a number, or is the kernel");
		for (enum kind kind = 0; kind <= CONTEXT_KIND; kind++)
			sum += maker->counts[kind];
		require(sum > 0 && maker->counts[MR_BYTES] >= 0,
			"who is a maker made something");
	}
	restrack_free(&restrack);
	free(copy);
}

static void check_mount(const char *string)
{
	char *line = copy_bytes(string, strlen(string));
	struct mount mount;

	if (parse_mount(line, &mount))
		require(strlen(mount.path) < strlen(string),
			"a path is shorter than its line");
	free(line);
}

static void check_escapes(const char *string)
{
	struct text text = { 0 };

	text_clear(&text);
	escape_for_terminal(&text, string, ESCAPE_BLANKS);
	require(terminal_width(text.bytes) >= 0, "a name has a width");
	require(!strpbrk(text.bytes, "\n\t\r\x1b\x7f "),
		"nothing controls the terminal");
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span contents = { (const char *)data, size };
	char *string = copy_bytes(contents.start, size);

	check_lines(contents);
	check_model(contents);
	check_restrack(contents);
	check_mount(string);
	check_escapes(string);
	free(string);
	return 0;
}
