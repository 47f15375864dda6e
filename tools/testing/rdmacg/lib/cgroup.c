// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"

#define TEXT_SIZE	(64 * 1024)

static int open_file(const char *cgroup, const char *file, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, file);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cg_create(const char *cgroup)
{
	return mkdir(cgroup, 0755) ? -errno : 0;
}

/* In one piece: each write is a command of its own. */
int cg_write(const char *cgroup, const char *file, const char *text)
{
	int fd = open_file(cgroup, file, O_WRONLY);
	ssize_t put;
	int err;

	if (fd < 0)
		return fd;
	put = write(fd, text, strlen(text));
	err = put < 0 ? -errno : put < (ssize_t)strlen(text) ? -EIO : 0;
	close(fd);
	return err;
}

int cg_enter(const char *cgroup, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cg_write(cgroup, "cgroup.procs", text);
}

int cg_enter_current(const char *cgroup)
{
	return cg_enter(cgroup, 0);
}

/* v1 and kernels before 5.14 have no cgroup.kill. */
void cg_kill(const char *cgroup)
{
	char text[TEXT_SIZE];
	char *word, *rest;

	if (!cg_write(cgroup, "cgroup.kill", "1") ||
	    cg_read(cgroup, "cgroup.procs", text, sizeof(text)))
		return;
	for (word = strtok_r(text, "\n", &rest); word;
	     word = strtok_r(NULL, "\n", &rest))
		kill(atoi(word), SIGKILL);
}

int cg_read(const char *cgroup, const char *file, char *text, size_t size)
{
	int fd = open_file(cgroup, file, O_RDONLY);
	size_t filled = 0;
	ssize_t got;
	int err;

	if (fd < 0)
		return fd;
	do {
		got = read(fd, text + filled, size - 1 - filled);
		if (got > 0)
			filled += got;
	} while (got > 0 && filled < size - 1);
	err = got < 0 ? -errno : 0;
	close(fd);
	text[filled] = '\0';
	return err;
}

bool cg_has(const char *cgroup, const char *file, const char *text)
{
	char content[4096];

	return !cg_read(cgroup, file, content, sizeof(content)) &&
	       strstr(content, text);
}

long cg_read_key_long(const char *cgroup, const char *file, const char *key)
{
	char content[4096];
	char *found;

	if (cg_read(cgroup, file, content, sizeof(content)))
		return -1;
	found = strstr(content, key);
	return found ? atol(found + strlen(key)) : -1;
}

void cg_must_create(const char *cgroup)
{
	int err = cg_create(cgroup);

	if (err)
		errx(EXIT_FAILURE, "cannot make %s: %s", cgroup, strerror(-err));
}

void cg_must_write(const char *cgroup, const char *file, const char *text)
{
	int err = cg_write(cgroup, file, text);

	if (err)
		errx(EXIT_FAILURE, "cannot write '%s' to %s/%s: %s", text, cgroup,
		     file, strerror(-err));
}

void cg_must_enter(const char *cgroup)
{
	int err = cg_enter_current(cgroup);

	if (err)
		errx(EXIT_FAILURE, "cannot enter %s: %s", cgroup, strerror(-err));
}

char *cg_must_read(const char *cgroup, const char *file)
{
	static char text[TEXT_SIZE];
	int err = cg_read(cgroup, file, text, sizeof(text));

	if (err)
		errx(EXIT_FAILURE, "cannot read %s/%s: %s", cgroup, file,
		     strerror(-err));
	return text;
}
