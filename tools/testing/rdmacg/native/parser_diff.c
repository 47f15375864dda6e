// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the same lines to rdma.max of this controller and of the stock one,
 * and lists those that they take differently, by the rule that explains it; see
 * README.md. It fails if no rule explains a difference, or if a rule has
 * nothing to explain.
 *
 * The lines are made of all that is below, and read from the files in the
 * folders that are named on the command line.
 */

#include <linux/kernel.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

#define LINE_SIZE	1024
#define BLANKS		" \t"
#define SPACES		" \t\n\v\f\r\xa0"	/* which strstrip() takes off */
#define STOCK_DIGITS	23			/* more are too many for match_int() */
#define SHOWN_EXAMPLES	3
#define SHOWN_FAILURES	20

extern const struct rdmacg_ops ours_ops, stock_ops;

static const char * const device_names[] = { "mlx4_0", "ocrdma1", "twin", "twin" };

/* What to put together: each with each. */
static const char * const names[] = { "mlx4_0", "twin", "nobody", "", " mlx4_0" };
static const char * const separators[] = { " ", "  ", "\t" };
static const char * const keys[] = {
	"hca_handle=", "hca_object=", "index=", "hca_handle", "HCA_HANDLE=",
	"hca_objects=", "=", "hca_handle ="
};

static const char * const values[] = {
	"", "0", "1", "2", "3", "12", "m", "ma", "max", "maxx", "Max", "+1", "-0",
	"-", "-x", "-1", "--1", "+-1", "1x", "1,2", "1=2", "0x", "0x1f", "0X1F", "0xg", "017",
	"08", "0b1", "1.5", "1e3", "x", "2147483646", "2147483647", "2147483648",
	"4294967295", "4294967296", "-2147483648", "-2147483649",
	"9223372036854775808", "18446744073709551615", "18446744073709551616",
	"18446744073709551617", "18446744073709551617x", "0x80000000",
	"017777777777", "00000000000000000000000005",
};

static const char * const rests[] = {
	"", "\n", " \n", "\t", "\n\n", "\r\n", " hca_object=7", "  hca_object=7\n",
	"\thca_object=7", "\nhca_object=7", "\n hca_object=7", " hca_object=m",
	" hca_object=7x", " hca_handle=9\n", " bogus=1", " bogus", " index=2",
	" index=3\n", " ,hca_object=7",
};

struct side {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *css;
	/* Of the last line: */
	long result;
	char limits[256];
};

static struct side ours = { .ops = &ours_ops };
static struct side stock = { .ops = &stock_ops };

/* Features of a line, all but the spaces around it. */

static bool ends_in_two(const char *line)
{
	return strchr(line, '\n');
}

static bool has_odd_blanks(const char *line)
{
	return strchr(line, '\t') || strstr(line, "  ");
}

static bool is_namesake(const char *line)
{
	return !strncmp(line, "twin", strcspn(line, BLANKS));
}

/* The word after this one. */
static const char *next_word(const char *word)
{
	word += strcspn(word, BLANKS);
	return word + strspn(word, BLANKS);
}

static bool has_index(const char *line)
{
	for (line = next_word(line); *line; line = next_word(line))
		if (!strncmp(line, "index=", strlen("index=")))
			return true;

	return false;
}

static bool has_name_only(const char *line)
{
	return !*next_word(line);
}

/* True if a value is as @test says; its length is without what follows. */
static bool any_value(const char *line,
		      bool (*test)(const char *value, size_t length))
{
	for (line = next_word(line); *line; line = next_word(line)) {
		size_t key = strcspn(line, BLANKS "=");

		if (line[key] == '=' &&
		    test(line + key + 1, strcspn(line + key + 1, BLANKS)))
			return true;
	}
	return false;
}

/* How much of it is a number, from its begin. */
static size_t number_length(const char *value, size_t length)
{
	char *end;

	if (!length || strspn(value, SPACES))
		return 0;
	strtoull(value, &end, 0);
	return end - value;
}

static bool is_followed(const char *value, size_t length)
{
	size_t number = number_length(value, length);

	return number && number < length;
}

static bool is_out_of_range(const char *value, size_t length)
{
	bool negative = *value == '-';
	unsigned long long number;

	errno = 0;
	number = strtoull(value + negative, NULL, 0);
	return number_length(value, length) &&
	       (errno == ERANGE || number > S32_MAX + (unsigned long long)negative);
}

static bool is_part_of_max(const char *value, size_t length)
{
	return length < strlen("max") && !strncmp(value, "max", length);
}

/* Of a sign alone, stock goes on as if it were a number. */
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
	return length > STOCK_DIGITS;
}

#define TAKEN	0
#define ANY	1		/* no result of a write */

/* The first that fits explains a difference. */
static struct rule {
	const char *name;
	bool (*line)(const char *line);
	bool (*value)(const char *value, size_t length);
	int ours, stock;
	unsigned long count;
} rules[] = {
	{ "name-only", has_name_only, NULL, -EINVAL, ANY },
	{ "two-lines", ends_in_two, NULL, -EINVAL, ANY },
	{ "namesake", is_namesake, NULL, -ENOTUNIQ, TAKEN },
	{ "index", has_index, NULL, ANY, -EINVAL },
	{ "out-of-range", NULL, is_out_of_range, -ERANGE, ANY },
	{ "part-of-max", NULL, is_part_of_max, -EINVAL, ANY },
	{ "followed-number", NULL, is_followed, -EINVAL, ANY },
	{ "minus", NULL, is_minus, -EINVAL, ANY },
	{ "plus", NULL, is_plus, ANY, -EINVAL },
	{ "many-digits", NULL, is_long, ANY, -EINVAL },
	{ "blanks", has_odd_blanks, NULL, ANY, ANY },
};

static unsigned long nr_lines, nr_unexplained;

static bool result_fits(int rule, long result)
{
	return rule == ANY || (rule == TAKEN ? result >= 0 : result == rule);
}

static struct rule *find_rule(const char *line)
{
	struct rule *rule;

	for (rule = rules; rule < rules + ARRAY_SIZE(rules); rule++)
		if (result_fits(rule->ours, ours.result) &&
		    result_fits(rule->stock, stock.result) &&
		    (rule->line ? rule->line(line) : any_value(line, rule->value)))
			return rule;

	return NULL;
}

static void show_side(const struct side *side)
{
	if (side->result < 0)
		printf("%s ", side->result == -EINVAL ? "EINVAL" :
		       side->result == -ERANGE ? "ERANGE" :
		       side->result == -ENODEV ? "ENODEV" :
		       side->result == -ENOTUNIQ ? "ENOTUNIQ" : "?");
	else
		printf("%s", side->limits);
}

static void show_difference(const char *what, const char *data, size_t length)
{
	printf("# %-16s ours: ", what);
	show_side(&ours);
	printf("stock: ");
	show_side(&stock);
	printf("'");
	for (; length--; data++) {
		if (isprint(*data))
			putchar(*data);
		else
			printf("\\x%02x", (unsigned char)*data);
	}
	printf("'\n");
}

/* Only what is not max; of the devices, only their numbers. */
static void read_limits(struct side *side)
{
	char text[LINE_SIZE], *end = side->limits;
	char *line, *word, *lines, *words;
	int device = 0;

	if (shim_cgroup_read(side->css, "max", text, sizeof(text)) < 0)
		abort();
	*end = '\0';
	for (line = strtok_r(text, "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines), device++) {
		strtok_r(line, BLANKS, &words);
		while ((word = strtok_r(NULL, BLANKS, &words)))
			if (strncmp(word, "index=", strlen("index=")) &&
			    !strstr(word, "=max"))
				end += sprintf(end, "%d:%s ", device, word);
	}
	if (end == side->limits)
		sprintf(end, "no limit ");
}

static void write_line(struct side *side, const char *data, size_t length)
{
	size_t i;

	side->result = shim_cgroup_write(side->css, "max", data, length);
	read_limits(side);

	for (i = 0; i < ARRAY_SIZE(device_names); i++) {
		char line[64], index[16] = "";

		if (side == &ours)
			snprintf(index, sizeof(index), " index=%zu", i);
		snprintf(line, sizeof(line), "%s%s hca_handle=max hca_object=max",
			 device_names[i], index);
		if (shim_cgroup_write(side->css, "max", line, strlen(line)) < 0)
			abort();
	}
}

static void compare(const char *data, size_t length)
{
	char line[LINE_SIZE], *start = line, *end;
	struct rule *rule;

	nr_lines++;
	write_line(&ours, data, length);
	write_line(&stock, data, length);
	if (ours.result == stock.result && !strcmp(ours.limits, stock.limits))
		return;

	snprintf(line, sizeof(line), "%.*s", (int)length, data);
	start += strspn(line, SPACES);
	for (end = start + strlen(start);
	     end > start && strchr(SPACES, end[-1]); end--)
		end[-1] = '\0';

	rule = find_rule(start);
	if (rule) {
		if (rule->count++ < SHOWN_EXAMPLES)
			show_difference(rule->name, data, length);
	} else if (nr_unexplained++ < SHOWN_FAILURES) {
		show_difference("NOT EXPLAINED", data, length);
	}
}

static void compare_made(void)
{
	char line[LINE_SIZE];
	size_t n, s, k, v, r;

	for (n = 0; n < ARRAY_SIZE(names); n++) {
		compare(names[n], strlen(names[n]));
		for (s = 0; s < ARRAY_SIZE(separators); s++)
			for (k = 0; k < ARRAY_SIZE(keys); k++)
				for (v = 0; v < ARRAY_SIZE(values); v++)
					for (r = 0; r < ARRAY_SIZE(rests); r++) {
						snprintf(line, sizeof(line),
							 "%s%s%s%s%s", names[n],
							 separators[s], keys[k],
							 values[v], rests[r]);
						compare(line, strlen(line));
					}
	}
}

static void compare_files_of(const char *folder)
{
	char path[LINE_SIZE], data[LINE_SIZE];
	struct dirent *entry;
	size_t length;
	FILE *file;
	DIR *dir = opendir(folder);

	if (!dir) {
		perror(folder);
		exit(2);
	}
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = fopen(path, "r");
		if (!file) {
			perror(path);
			exit(2);
		}
		length = fread(data, 1, sizeof(data), file);
		fclose(file);
		compare(data, length);
	}
	closedir(dir);
}

static void begin(struct side *side)
{
	size_t i;

	side->css = shim_cgroup_mkdir(shim_cgroup_init(side->ops->subsys));
	if (IS_ERR(side->css))
		abort();
	for (i = 0; i < ARRAY_SIZE(device_names); i++)
		side->ops->device_add_as(device_names[i], i);
}

int main(int argc, char **argv)
{
	bool all_used = true;
	size_t i;

	shim_init();
	begin(&ours);
	begin(&stock);

	printf("1..2\n");
	compare_made();
	while (--argc)
		compare_files_of(*++argv);

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		printf("# %-16s %6lu lines\n", rules[i].name, rules[i].count);
		all_used = all_used && rules[i].count;
	}
	printf("%sok 1 each difference is explained (%lu of %lu lines are not)\n",
	       nr_unexplained ? "not " : "", nr_unexplained, nr_lines);
	printf("%sok 2 each rule explains a difference\n", all_used ? "" : "not ");
	return nr_unexplained || !all_used;
}
