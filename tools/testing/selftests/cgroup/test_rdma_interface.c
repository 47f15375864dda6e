// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: its files.
 *
 * - Each of the five files has one line for each device, in the order in which the
 *   devices were registered, and shows the state of one moment.
 * - Only rdma.max can be written, and only with the right to do so.
 * - A write to rdma.max is taken as documented, or refused as a whole with the
 *   documented errno: all sorts of keys, numbers, blanks, indices and sizes.
 * - Each write() is parsed on its own, at any offset.
 * - A file that was opened before its cgroup was removed fails with ENODEV.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma_file.h"
#include "rdma_runner.h"
#include "rdma_tenant.h"

/*
 * Files and their formats
 */

static int test_files_exist(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct stat status;
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (stat(cg_control(cgroup, files[i]), &status))
			fail(HERE, "%s: %s", files[i], strerror(errno));
		expect((status.st_mode & 07777) == (i ? 0444 : 0644),
		       "%s has mode %o", files[i], status.st_mode);
	}
	return KSFT_PASS;
}

static int test_root_has_no_files(const char *root)
{
	int i;

	/* A cgroup namespace shows a cgroup of some depth as its root. */
	if (!access(cg_control(current->root, "cgroup.type"), F_OK))
		skip("%s is not the root of the hierarchy", current->root);
	for (i = 0; i < ARRAY_SIZE(files); i++)
		expect(access(cg_control(current->root, files[i]), F_OK),
		       "%s is there", files[i]);
	return KSFT_PASS;
}

static int test_every_device_has_one_line(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	char line[256];
	glob_t found;
	int i, j;

	rxe();
	if (glob("/sys/class/infiniband/*", 0, NULL, &found))
		skip("no devices in /sys/class/infiniband: mount sysfs");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < found.gl_pathc; j++) {
			char *name = basename(found.gl_pathv[j]);

			if (!find_line(cgroup, files[i], name, line, sizeof(line)))
				fail(HERE, "%s: no line for %s", files[i], name);
		}
		expect(cg_read_lc(cgroup, files[i]) == found.gl_pathc,
		       "%s has %ld lines", files[i],
		       cg_read_lc(cgroup, files[i]));
	}
	return KSFT_PASS;
}

static int test_lines_are_in_order_of_registration(const char *root)
{
	const char *names[] = {
		rxe()->name, siw()->name, guest_device()->name
	};
	char *cgroup = new_cgroup(root, "a");
	int i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char text[FILE_SIZE];
		char *at = text;

		read_file(cgroup, files[i], text);
		for (j = 0; at && j < ARRAY_SIZE(names); j++)
			at = strstr(at, names[j]);
		expect(at, "%s is:\n%s", files[i], text);
	}
	return KSFT_PASS;
}

static int check_format(const char *root, bool blank_matters)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder;

	set_limit(cgroup, rxe(), "hca_handle=max");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=max hca_object=max", blank_matters);
	expect_line(HERE, cgroup, "rdma.current", RXE_NAME,
		    RXE_NAME " hca_handle=0 hca_object=0", blank_matters);
	set_limit(cgroup, rxe(), "hca_handle=2 hca_object=2000");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=2 hca_object=2000", blank_matters);
	holder = hold_pds(cgroup, rxe(), 12);
	expect_line(HERE, cgroup, "rdma.current", RXE_NAME,
		    RXE_NAME " hca_handle=1 hca_object=12", blank_matters);
	/* The stock controller before 7.2 has no such file. */
	if (!access(cg_control(cgroup, "rdma.peak"), F_OK))
		expect_line(HERE, cgroup, "rdma.peak", RXE_NAME,
			    RXE_NAME " hca_handle=1 hca_object=12",
			    blank_matters);
	release(&holder);
	return KSFT_PASS;
}

static int test_format(const char *root)
{
	return check_format(root, false);
}

/* Parsers in container runtimes drop a line that ends in a blank. */
static int test_format_has_no_trailing_blank(const char *root)
{
	return check_format(root, true);
}

static int test_only_limits_can_be_written(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int i;

	for (i = 1; i < ARRAY_SIZE(files); i++) {
		int err = write_control(cgroup, files[i], RXE_NAME " hca_handle=1");

		expect(err == -EINVAL, "%s: it is %d", files[i], err);
	}
	expect_limit(cgroup, rxe(), NO_LIMIT, NO_LIMIT);
	return KSFT_PASS;
}

static int test_unprivileged_user_cannot_write(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	int status, err;
	pid_t pid;

	set_limit(cgroup, rxe(), "hca_handle=5 hca_object=6");
	pid = spawn();
	if (!pid) {
		if (setgid(NOBODY) || setuid(NOBODY))
			fail(HERE, "become user %d: %s", NOBODY,
			     strerror(errno));
		expect_limit(cgroup, rxe(), 5, 6);
		err = write_limit(cgroup, RXE_NAME, "hca_handle=7");
		expect(err == -EACCES, "it is %d", err);
		exit(KSFT_PASS);
	}
	waitpid(pid, &status, 0);
	expect(!status, "its status is %#x", status);
	expect_limit(cgroup, rxe(), 5, 6);
	return KSFT_PASS;
}

/*
 * What rdma.max takes and refuses
 */

/* What is written, and the limits then. */
struct accepted {
	char *text;
	long handles, objects;
};

static int write_accepted(const char *where, const char *root,
			  const struct accepted *writes)
{
	char *cgroup = limited_cgroup(root);

	for (; writes->text; writes++)
		expect_accepted(where, cgroup, writes->text, writes->handles,
				writes->objects);
	return KSFT_PASS;
}

#define check_accepted(root, ...)					\
	write_accepted(HERE, root, (const struct accepted[]){ __VA_ARGS__, {} })

static int write_refused(const char *where, const char *root, int err,
			 char * const *texts)
{
	char *cgroup = limited_cgroup(root);

	for (; *texts; texts++)
		expect_refused(where, cgroup, *texts, err);
	return KSFT_PASS;
}

#define check_refused(root, err, ...)					\
	write_refused(HERE, root, err, (char * const []){ __VA_ARGS__, NULL })

static int test_parse_sets_what_is_named(const char *root)
{
	return check_accepted(root,
			      { RXE_NAME " hca_handle=1", 1, 6 },
			      { RXE_NAME " hca_object=2", 1, 2 },
			      { RXE_NAME " hca_handle=3 hca_object=4", 3, 4 },
			      { RXE_NAME " hca_object=0 hca_handle=0", 0, 0 },
			      { RXE_NAME " hca_handle=max", NO_LIMIT, 0 },
			      { RXE_NAME " hca_object=max hca_handle=9", 9, NO_LIMIT });
}

static int test_parse_last_of_equal_keys_counts(const char *root)
{
	return check_accepted(root,
			      { RXE_NAME " hca_handle=1 hca_handle=2", 2, 6 },
			      { RXE_NAME " hca_handle=max hca_object=1 hca_handle=3 hca_object=max",
				3, NO_LIMIT });
}

static int test_parse_number_bases(const char *root)
{
	return check_accepted(root,
			      { RXE_NAME " hca_handle=0x11 hca_object=021", 17, 17 },
			      { RXE_NAME " hca_handle=0XfF hca_object=00", 255, 0 },
			      { RXE_NAME " hca_handle=007", 7, 0 },
			      { RXE_NAME " hca_handle=0x7fffffff", NO_LIMIT, 0 });
}

static int test_parse_s32_max_is_max(const char *root)
{
	char *cgroup = limited_cgroup(root);

	set_limit(cgroup, rxe(), "hca_handle=2147483647 hca_object=2147483646");
	expect_line(HERE, cgroup, "rdma.max", RXE_NAME,
		    RXE_NAME " hca_handle=max hca_object=2147483646", false);
	return KSFT_PASS;
}

static int test_parse_blanks_around(const char *root)
{
	return check_accepted(root,
			      { "  " RXE_NAME " hca_handle=1", 1, 6 },
			      { "\t" RXE_NAME " hca_handle=2", 2, 6 },
			      { RXE_NAME " hca_handle=3  ", 3, 6 },
			      { RXE_NAME " hca_handle=4\t", 4, 6 },
			      { RXE_NAME " hca_handle=5\n", 5, 6 },
			      { " \t" RXE_NAME " hca_object=max \t\n", 5, NO_LIMIT });
}

static int test_parse_blanks_and_tabs_between(const char *root)
{
	return check_accepted(root,
			      { RXE_NAME "  hca_handle=1", 1, 6 },
			      { RXE_NAME " hca_handle=2   hca_object=3", 2, 3 },
			      { RXE_NAME "\thca_handle=4\thca_object=5", 4, 5 },
			      { RXE_NAME " \t hca_handle=max\t \thca_object=7\n",
				NO_LIMIT, 7 });
}

static int test_parse_newline_between_keys(const char *root)
{
	return check_accepted(root,
			      { RXE_NAME " hca_handle=1\nhca_object=2", 1, 2 },
			      { RXE_NAME " hca_object=3\nhca_handle=4\n", 4, 3 });
}

static int test_parse_refuses_nothing(const char *root)
{
	return check_refused(root, EINVAL, " ", " \t ", "\n");
}

/* As runc writes it for a device without limits. */
static int test_parse_lone_device_changes_nothing(const char *root)
{
	char *cgroup = limited_cgroup(root);

	accepts(cgroup, RXE_NAME, 5, 6);
	accepts(cgroup, RXE_NAME "\n", 5, 6);
	accepts(cgroup, RXE_NAME "  ", 5, 6);
	refuses(cgroup, "rdmacg_none", ENODEV);
	refuses(cgroup, "rdmacg_none\n", ENODEV);
	return KSFT_PASS;
}

static int test_parse_refuses_bad_keys(const char *root)
{
	return check_refused(root, EINVAL,
			     RXE_NAME " hca_handles=1",
			     RXE_NAME " hca_handl=1",
			     RXE_NAME " HCA_HANDLE=1",
			     RXE_NAME " mr=1",
			     RXE_NAME " =1",
			     RXE_NAME " hca_handle",
			     RXE_NAME " hca_handle 1",
			     RXE_NAME " hca_handle = 1",
			     RXE_NAME " 1",
			     RXE_NAME " max");
}

static int test_parse_refuses_bad_values(const char *root)
{
	return check_refused(root, EINVAL,
			     RXE_NAME " hca_handle=maxx",
			     RXE_NAME " hca_handle=MAX",
			     RXE_NAME " hca_handle=max1",
			     RXE_NAME " hca_handle=-1",
			     RXE_NAME " hca_handle=x",
			     RXE_NAME " hca_handle==1");
}

static int test_parse_refuses_part_of_max(const char *root)
{
	return check_refused(root, EINVAL,
			     RXE_NAME " hca_handle=",
			     RXE_NAME " hca_object=\n",
			     RXE_NAME " hca_handle=m",
			     RXE_NAME " hca_handle=ma",
			     RXE_NAME " hca_handle= hca_object=1");
}

static int test_parse_refuses_tail_of_number(const char *root)
{
	return check_refused(root, EINVAL,
			     RXE_NAME " hca_handle=1x",
			     RXE_NAME " hca_handle=0x",
			     RXE_NAME " hca_handle=08",
			     RXE_NAME " hca_handle=1,2",
			     RXE_NAME " hca_handle=1.5",
			     RXE_NAME " hca_handle=1=2");
}

static int test_parse_refuses_large_numbers(const char *root)
{
	return check_refused(root, ERANGE,
			     RXE_NAME " hca_handle=2147483648",
			     RXE_NAME " hca_object=4294967295",
			     RXE_NAME " hca_object=4294967297",
			     RXE_NAME " hca_object=0x80000000",
			     RXE_NAME " hca_object=99999999999999999999",
			     RXE_NAME " hca_handle=1 hca_object=2147483648");
}

static int test_parse_bad_key_spoils_good_one(const char *root)
{
	return check_refused(root, EINVAL,
			     RXE_NAME " hca_handle=1 hca_object=-1",
			     RXE_NAME " hca_handle=1 hca_objects=2",
			     RXE_NAME " hca_handle=1 hca_handle=x",
			     RXE_NAME " hca_handle=max hca_object=max x",
			     RXE_NAME " hca_object=1 " RXE_NAME);
}

static int test_parse_refuses_unknown_device(const char *root)
{
	return check_refused(root, ENODEV,
			     "rdmacg_none hca_handle=1",
			     RXE_NAME "0 hca_handle=1",
			     "rdmacg_rx hca_handle=1 hca_object=2",
			     "RDMACG_RXE hca_handle=max");
}

/* The text with the index in it, as "rdma dev" shows it. */
static char *with_index(const char *format, int index)
{
	char *text;

	if (asprintf(&text, format, index) < 0)
		fail(HERE, "out of memory");
	return text;
}

/*
 * A name that several devices have needs an index, and each other name may have
 * one.
 */
static int test_parse_index_of_device(const char *root)
{
	int index = find_device(rxe()->name, false);
	char *cgroup = limited_cgroup(root);
	char text[FILE_SIZE];
	int i;

	accepts(cgroup, with_index(RXE_NAME " index=%d hca_handle=1", index),
		1, 6);
	accepts(cgroup, with_index(" " RXE_NAME "  index=%d  hca_object=2 hca_handle=max\n", index),
		NO_LIMIT, 2);
	accepts(cgroup, with_index(RXE_NAME " index=%d\n", index), NO_LIMIT, 2);

	/* As there is one device of this name, its index is not shown. */
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		read_file(cgroup, files[i], text);
		expect(!strstr(text, "index"), "%s is:\n%s", files[i], text);
	}
	return KSFT_PASS;
}

static int test_parse_refuses_index_of_other_device(const char *root)
{
	int index = find_device(siw()->name, false);

	return check_refused(root, ENODEV,
			     with_index(RXE_NAME " index=%d hca_handle=1", index),
			     RXE_NAME " index=4294967295 hca_handle=1",
			     with_index("rdmacg_none index=%d hca_handle=1", index),
			     with_index("rdmacg_none index=%d", index));
}

static int test_parse_refuses_bad_index(const char *root)
{
	int index = find_device(rxe()->name, false);

	return check_refused(root, EINVAL,
			     RXE_NAME " index hca_handle=1",
			     RXE_NAME " index= hca_handle=1",
			     RXE_NAME " index=x hca_handle=1",
			     RXE_NAME " index=max hca_handle=1",
			     RXE_NAME " index=-1 hca_handle=1",
			     with_index(RXE_NAME " index=%dx hca_handle=1", index),
			     with_index(RXE_NAME " index=%d hca_handle=-1", index),
			     with_index(RXE_NAME " index=%1$d index=%1$d hca_handle=1", index),
			     with_index(RXE_NAME " index=%1$d index=%1$d", index));
}

static int test_parse_refuses_more_than_a_page(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	static const char key[] = " hca_handle=1";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	long len[] = { page - 1, page, page + 1, 16 * page };
	char *text = malloc(16 * page + 1);
	int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		/* A name that fills what the key leaves, then a lot of blanks. */
		memset(text, 'x', len[i]);
		memcpy(text + len[i] - strlen(key), key, sizeof(key));
		refuses(cgroup, text, len[i] > page ? E2BIG : ENODEV);

		memset(text, ' ', len[i]);
		memcpy(text, line, strlen(line));
		if (len[i] > page)
			refuses(cgroup, text, E2BIG);
		else
			accepts(cgroup, text, 1, 6);
		set_limit(cgroup, rxe(), "hca_handle=5");
	}
	free(text);
	return KSFT_PASS;
}

/*
 * How rdma.max is written, and all files are read
 */

/* Returns what write() or writev() returned, or -errno. */
static ssize_t written(ssize_t ret)
{
	return ret < 0 ? -errno : ret;
}

static int open_limits(const char *cgroup)
{
	int fd = open(cg_control(cgroup, "rdma.max"), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(HERE, "open %s/rdma.max: %s", cgroup, strerror(errno));
	return fd;
}

static void expect_wrote(const char *where, const char *cgroup, ssize_t seen,
			 ssize_t expected, long handles, long objects)
{
	if (seen != expected)
		fail(where, "expected %zd, seen %zd", expected, seen);
	expect_values(where, cgroup, "rdma.max", RXE_NAME, handles, objects);
}

#define wrote(cgroup, ...)	expect_wrote(HERE, cgroup, __VA_ARGS__)

/* No part of it is taken, even if what precedes the NUL is a good line. */
static int test_write_of_megabytes(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	long len[] = { page + 1, 2 * page, 1 << 20, 8 << 20 };
	int fd = open_limits(cgroup);
	struct iovec parts[2];
	char *text = malloc(8 << 20);
	int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		memset(text, ' ', len[i]);
		memcpy(text, line, strlen(line));
		wrote(cgroup, written(write(fd, text, len[i])), -E2BIG, 5, 6);
		memset(text + strlen(line), 0, len[i] - strlen(line));
		wrote(cgroup, written(write(fd, text, len[i])), -E2BIG, 5, 6);
		wrote(cgroup, written(pwrite(fd, text, len[i], page)), -E2BIG,
		      5, 6);
	}

	/* In parts it is still one write: too long by a byte, then not. */
	memset(text, ' ', page + 1);
	memcpy(text, line, strlen(line));
	parts[0] = (struct iovec){ text, page / 2 };
	parts[1] = (struct iovec){ text + page / 2, page / 2 + 1 };
	wrote(cgroup, written(writev(fd, parts, 2)), -E2BIG, 5, 6);
	parts[1].iov_len--;
	wrote(cgroup, written(writev(fd, parts, 2)), page, 1, 6);
	return KSFT_PASS;
}

/* As in any file of the kernel's: the text ends there, whatever follows. */
static int test_write_ends_at_nul(const char *root)
{
	static const struct {
		const char *text;
		int len, err, handles;
	} writes[] = {
#define ACCEPTED(text, handles)	{ text, sizeof(text) - 1, 0, handles }
#define REFUSED(text, err)	{ text, sizeof(text) - 1, err, 5 }
		ACCEPTED(RXE_NAME " hca_handle=1\0", 1),
		ACCEPTED(RXE_NAME " hca_handle=2\0 hca_object=9", 2),
		ACCEPTED(RXE_NAME " hca_handle=3\0 hca_handle=x", 3),
		ACCEPTED(RXE_NAME " hca_handle=4\n\0\n\n", 4),
		ACCEPTED(RXE_NAME "\0 hca_handle=9", 5),
		REFUSED(RXE_NAME " hca_handle=-1\0 hca_handle=9", EINVAL),
		REFUSED(RXE_NAME " hca_han\0dle=9", EINVAL),
		REFUSED("rdmacg\0_rxe hca_handle=9", ENODEV),
		REFUSED(RXE_NAME " hca_handle=\0max", EINVAL),
		REFUSED("\0" RXE_NAME " hca_handle=9", EINVAL),
		REFUSED("\0", EINVAL),
#undef REFUSED
#undef ACCEPTED
	};
	char *cgroup = limited_cgroup(root);
	int fd = open_limits(cgroup);
	int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		int len = writes[i].len;

		wrote(cgroup, written(write(fd, writes[i].text, len)),
		      writes[i].err ? -writes[i].err : len,
		      writes[i].handles, 6);
		set_limit(cgroup, rxe(), "hca_handle=5");
	}
	return KSFT_PASS;
}

/* Each write is a line of its own, wherever in the file it is. */
static int test_split_write_is_not_joined(const char *root)
{
	static const char line[] = RXE_NAME " hca_handle=1";
	static const char key[] = "=2 hca_object=2";
	static const off_t offsets[] = { 0, 1, 4095, 4096, 1 << 30 };
	const int len = strlen(line);
	struct iovec parts[] = { { (char *)line, 15 },
				 { (char *)line + 15, len - 15 } };
	char *cgroup = limited_cgroup(root);
	int fd = open_limits(cgroup);
	int i;

	for (i = 0; i < 2; i++) {
		wrote(cgroup, written(write(fd, line, len - 2)), -EINVAL, 5, 6);
		wrote(cgroup, written(write(fd, key, 15)), -ENODEV, 5, 6);
	}
	/* What is whole without its second part is taken, and the rest not. */
	wrote(cgroup, written(write(fd, line, len)), len, 1, 6);
	wrote(cgroup, written(write(fd, key + 1, 14)), -ENODEV, 1, 6);
	wrote(cgroup, written(write(fd, line, 0)), 0, 1, 6);

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		set_limit(cgroup, rxe(), "hca_handle=5");
		wrote(cgroup, written(pwrite(fd, line, len, offsets[i])), len,
		      1, 6);
		wrote(cgroup, written(pwrite(fd, key, 15, offsets[i])), -ENODEV,
		      1, 6);
	}
	set_limit(cgroup, rxe(), "hca_handle=5");
	wrote(cgroup, written(pwrite(fd, line, len, -1)), -EINVAL, 5, 6);

	/* But these are one write. */
	wrote(cgroup, written(writev(fd, parts, ARRAY_SIZE(parts))), len, 1, 6);
	return KSFT_PASS;
}

static int test_write_from_bad_memory(const char *root)
{
	static char line[] = RXE_NAME " hca_handle=1 ";
	char *cgroup = limited_cgroup(root);
	long page = sysconf(_SC_PAGESIZE);
	int fd = open_limits(cgroup);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = memory + page - strlen(line);
	struct iovec parts[] = { { line, strlen(line) }, { NULL, 1 } };

	if (memory == MAP_FAILED || mprotect(memory + page, page, PROT_NONE))
		fail(HERE, "mmap: %s", strerror(errno));
	memcpy(text, line, strlen(line));
	wrote(cgroup, written(write(fd, text, strlen(line) + 1)), -EFAULT, 5, 6);
	wrote(cgroup, written(write(fd, NULL, page)), -EFAULT, 5, 6);
	wrote(cgroup, written(writev(fd, parts, 2)), -EFAULT, 5, 6);
	wrote(cgroup, written(write(fd, text, strlen(line))), strlen(line),
	      1, 6);
	return KSFT_PASS;
}

static int test_read_in_small_steps(const char *root)
{
	static const int steps[] = { 1, 7, 100 };
	char *cgroup = limited_cgroup(root);
	char whole[FILE_SIZE], seen[FILE_SIZE];
	int i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = cg_control(cgroup, files[i]);

		read_file(cgroup, files[i], whole);
		expect(*whole, "%s is empty", path);
		for (j = 0; j < ARRAY_SIZE(steps); j++) {
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			ssize_t len = 0, got;

			while ((got = read(fd, seen + len, steps[j])) > 0)
				len += got;
			expect(!got, "read %s: %s", path, strerror(errno));
			seen[len] = 0;
			expect(!strcmp(seen, whole), "%s in steps of %d is:\n%s",
			       path, steps[j], seen);
			close(fd);
		}
	}
	return KSFT_PASS;
}

static int test_read_at_any_offset(const char *root)
{
	char *cgroup = limited_cgroup(root);
	char whole[FILE_SIZE], seen[FILE_SIZE];
	int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = cg_control(cgroup, files[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		int at, len;

		read_file(cgroup, files[i], whole);
		len = strlen(whole);
		/* Backwards, so that nothing read before is of any help. */
		for (at = len + 1; at >= 0; at--) {
			int left = at < len ? len - at : 0;
			int part = left < 5 ? left : 5;

			expect(pread(fd, seen, 5, at) == part &&
			       !memcmp(seen, whole + at, part), "%s at %d",
			       path, at);
			expect(lseek(fd, at, SEEK_SET) == at &&
			       read(fd, seen, sizeof(seen)) == left &&
			       !memcmp(seen, whole + at, left), "%s at %d",
			       path, at);
		}
		expect(pread(fd, seen, 5, 1 << 30) == 0, "%s", path);
		expect(pread(fd, seen, 5, -1) < 0 && errno == EINVAL, "%s",
		       path);
		close(fd);
	}
	return KSFT_PASS;
}

/* A slow reader does not get the beginning of one line and the end of another. */
static int test_slow_reader_sees_one_moment(const char *root)
{
	char *cgroup = limited_cgroup(root);
	char before[FILE_SIZE], seen[FILE_SIZE];
	int fd = open_limits(cgroup);
	ssize_t len;

	read_file(cgroup, "rdma.max", before);
	expect(read(fd, seen, 10) == 10, "%s", strerror(errno));
	set_limit(cgroup, rxe(), "hca_handle=2000000000 hca_object=max");
	len = read(fd, seen + 10, sizeof(seen) - 11);
	expect(len >= 0, "%s", strerror(errno));
	seen[10 + len] = 0;
	expect(!strcmp(seen, before), "seen:\n%s", seen);

	len = pread(fd, seen, sizeof(seen) - 1, 0);
	expect(len >= 0, "%s", strerror(errno));
	seen[len] = 0;
	expect(strstr(seen, RXE_NAME " hca_handle=2000000000 hca_object=max"),
	       "seen:\n%s", seen);
	return KSFT_PASS;
}

/* A file that outlives its cgroup leads to no other of that name. */
static int test_open_file_outlives_its_cgroup(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *cgroup = new_cgroup(parent, "a");
	int max, i, nr = 1 + current->unified;
	char byte;

	for (i = 0; i < nr; i++) {
		int current_usage = open(cg_control(cgroup, "rdma.current"),
					 O_RDONLY | O_CLOEXEC);

		max = open_limits(cgroup);
		wrote(cgroup, written(write(max, RXE_NAME " hca_handle=1", 23)),
		      23, 1, NO_LIMIT);
		if (!i) {
			expect(!rmdir(cgroup), "%s", strerror(errno));
			cgroup = new_cgroup(parent, "a");
		} else {
			expect(!cg_write(parent, "cgroup.subtree_control",
					 "-rdma"), "disable");
			expect(!cg_write(parent, "cgroup.subtree_control",
					 "+rdma"), "enable");
		}
		wrote(cgroup, written(write(max, RXE_NAME " hca_handle=2", 23)),
		      -ENODEV, NO_LIMIT, NO_LIMIT);
		wrote(cgroup, written(read(max, &byte, 1)), -ENODEV, NO_LIMIT,
		      NO_LIMIT);
		wrote(cgroup, written(read(current_usage, &byte, 1)), -ENODEV,
		      NO_LIMIT, NO_LIMIT);
	}
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_files_exist),
	T(test_root_has_no_files),
	T(test_every_device_has_one_line),
	T(test_lines_are_in_order_of_registration),
	T(test_format),
	T(test_format_has_no_trailing_blank),
	T(test_only_limits_can_be_written),
	T(test_unprivileged_user_cannot_write),
	T(test_parse_sets_what_is_named),
	T(test_parse_last_of_equal_keys_counts),
	T(test_parse_number_bases),
	T(test_parse_s32_max_is_max),
	T(test_parse_blanks_around),
	T(test_parse_blanks_and_tabs_between),
	T(test_parse_newline_between_keys),
	T(test_parse_refuses_nothing),
	T(test_parse_lone_device_changes_nothing),
	T(test_parse_refuses_bad_keys),
	T(test_parse_refuses_bad_values),
	T(test_parse_refuses_part_of_max),
	T(test_parse_refuses_tail_of_number),
	T(test_parse_refuses_large_numbers),
	T(test_parse_bad_key_spoils_good_one),
	T(test_parse_refuses_unknown_device),
	T(test_parse_index_of_device),
	T(test_parse_refuses_index_of_other_device),
	T(test_parse_refuses_bad_index),
	T(test_parse_refuses_more_than_a_page),
	T(test_write_of_megabytes),
	T(test_write_ends_at_nul),
	T(test_split_write_is_not_joined),
	T(test_write_from_bad_memory),
	T(test_read_in_small_steps),
	T(test_read_at_any_offset),
	T(test_slow_reader_sees_one_moment),
	T(test_open_file_outlives_its_cgroup),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
