// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the same lines to rdma.max of this controller, of mainline's and of an
 * older stock one, and lists those that another takes differently, by what
 * explains it; see README.md. It fails if nothing explains a difference, or if
 * something that is said to explain some explains none.
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

#include "differences.h"
#include "native.h"

#define LINE_SIZE	1024
#define BLANKS		" \t"
#define SHOWN_EXAMPLES	3
#define SHOWN_FAILURES	20

extern const struct rdmacg_ops ours_ops;
/* These are there if their source was. */
extern const struct rdmacg_ops mainline_ops __weak, stock_ops __weak;

static const struct {
	const char *name;
	unsigned int index;
} devices[] = {
	{ "mlx4_0", 0 }, { "ocrdma1", 1 }, { "twin", 2 }, { "twin", 3 },
	{ "twin", 8 }, { "twin", 10 },
};

/* What to put together: each with each. */
static const char * const names[] = {
	"mlx4_0", "twin", "nobody", "default", "", " mlx4_0"
};

static const char * const separators[] = { " ", "  ", "\t" };
static const char * const keys[] = {
	"hca_handle=", "hca_object=", "index=", "hca_handle", "HCA_HANDLE=",
	"hca_objects=", "=", "hca_handle ="
};

static const char * const values[] = {
	"", "0", "1", "2", "3", "12", "m", "ma", "max", "maxx", "Max", "+1", "-0",
	"-", "-x", "-1", "--1", "+-1", "1x", "1,2", "1=2", "0x", "0x1f", "0X1F", "0xg", "010",
	"0x3", "08", "0b1", "1.5", "1e3", "x", "2147483646", "2147483647", "2147483648",
	"4294967295", "4294967296", "-2147483648", "-2147483649",
	"9223372036854775808", "18446744073709551615", "18446744073709551616",
	"18446744073709551617", "18446744073709551617x", "-18446744073709551615",
	"-18446744073709551617", "0x80000000",
	"017777777777", "00000000000000000000000005", "default",
};

static const char * const rests[] = {
	"", "\n", " \n", "\t", "\n\n", "\r\n", " hca_object=7", "  hca_object=7\n",
	"\thca_object=7", "\nhca_object=7", "\n hca_object=7", " hca_object=m",
	" hca_object=7x", " hca_handle=9\n", " bogus=1", " bogus", " index=2",
	" index=3\n", " ,hca_object=7", " default", "\nocrdma1 hca_object=3",
};

struct side {
	const struct rdmacg_ops *ops;
	struct cgroup_subsys_state *css;
	/* Of the last line: */
	long result;
	char limits[256];
};

static struct side ours, others[NR_PEERS];

static unsigned long nr_lines, nr_unexplained;

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

static void show_difference(const char *what, const struct side *other,
			    const char *data, size_t length)
{
	printf("# %-16s ours: ", what);
	show_side(&ours);
	printf("%s: ", other->ops->name);
	show_side(other);
	printf("'");
	for (; length--; data++) {
		if (isprint(*data))
			putchar(*data);
		else
			printf("\\x%02x", (unsigned char)*data);
	}
	printf("'\n");
}

/* Only what is not max; of the devices, only their numbers; no default. */
static void read_limits(struct side *side)
{
	char text[LINE_SIZE], *end = side->limits;
	char *line, *word, *lines, *words;
	int device = 0;

	if (shim_cgroup_read(side->css, "max", text, sizeof(text)) < 0)
		abort();
	*end = '\0';
	for (line = strtok_r(text, "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines)) {
		if (!strcmp(strtok_r(line, BLANKS, &words), "default"))
			continue;
		while ((word = strtok_r(NULL, BLANKS, &words)))
			if (strncmp(word, "index=", strlen("index=")) &&
			    !strstr(word, "=max"))
				end += sprintf(end, "%d:%s ", device, word);
		device++;
	}
	if (end == side->limits)
		sprintf(end, "no limit ");
}

static const char no_default[] = "default hca_handle=max hca_object=max";

static void write_line(struct side *side, const char *data, size_t length)
{
	size_t i;

	side->result = shim_cgroup_write(side->css, "max", data, length);
	read_limits(side);

	/* The others have no default. */
	if (shim_cgroup_write(side->css, "max", no_default,
			      sizeof(no_default) - 1) < 0 && side == &ours)
		abort();
	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		char line[64], index[16] = "";

		if (side != &others[STOCK])
			snprintf(index, sizeof(index), " index=%u", devices[i].index);
		snprintf(line, sizeof(line), "%s%s hca_handle=max hca_object=max",
			 devices[i].name, index);
		if (shim_cgroup_write(side->css, "max", line, strlen(line)) < 0)
			abort();
	}
}

static void compare_with(enum peer peer, const char *data, size_t length)
{
	struct side *other = &others[peer];
	struct difference *difference;
	char text[LINE_SIZE];

	write_line(other, data, length);
	if (ours.result == other->result && !strcmp(ours.limits, other->limits))
		return;

	snprintf(text, sizeof(text), "%.*s", (int)length, data);
	difference = find_difference(peer, text, ours.result, other->result);
	if (difference) {
		if (difference->count[peer]++ < SHOWN_EXAMPLES)
			show_difference(difference->name, other, data, length);
	} else if (nr_unexplained++ < SHOWN_FAILURES) {
		show_difference("NOT EXPLAINED", other, data, length);
	}
}

static void compare(const char *data, size_t length)
{
	enum peer peer;

	nr_lines++;
	write_line(&ours, data, length);
	for (peer = 0; peer < NR_PEERS; peer++)
		if (others[peer].ops)
			compare_with(peer, data, length);
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

static void begin(struct side *side, const struct rdmacg_ops *ops)
{
	size_t i;

	if (!ops)
		return;
	side->ops = ops;
	side->css = shim_cgroup_mkdir(shim_cgroup_init(ops->subsys));
	if (IS_ERR(side->css))
		abort();
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		ops->device_add_as(devices[i].name, devices[i].index);
}

/* The result of one half of the work: what compares with @peer. */
static bool all_are_used(enum peer peer)
{
	const struct difference *d;
	bool all = true;

	for (d = differences; d < differences + nr_differences; d++) {
		if (!(d->peers & 1 << peer))
			continue;
		printf("# %-16s %6lu lines of %s\n", d->name, d->count[peer],
		       others[peer].ops->name);
		all = all && d->count[peer];
	}
	return all;
}

int main(int argc, char **argv)
{
	int failed = 0, nr = 1;
	enum peer peer;

	shim_init();
	begin(&ours, &ours_ops);
	begin(&others[MAINLINE], &mainline_ops);
	begin(&others[STOCK], &stock_ops);

	printf("1..%d\n", 1 + NR_PEERS);
	compare_made();
	while (--argc)
		compare_files_of(*++argv);

	printf("%sok 1 each difference is explained (%lu of %lu lines have one that is not)\n",
	       nr_unexplained ? "not " : "", nr_unexplained, nr_lines);
	failed += !!nr_unexplained;
	for (peer = 0; peer < NR_PEERS; peer++) {
		static const char what[] = "each explanation is needed for";
		static const char * const names[] = { "mainline", "stock" };

		nr++;
		if (!others[peer].ops) {
			printf("ok %d %s %s # SKIP its source is not there\n", nr,
			       what, names[peer]);
		} else if (all_are_used(peer)) {
			printf("ok %d %s %s\n", nr, what, names[peer]);
		} else {
			printf("not ok %d %s %s\n", nr, what, names[peer]);
			failed++;
		}
	}
	return failed;
}
