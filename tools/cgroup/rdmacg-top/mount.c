// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the rdma controller is: in one hierarchy, that of cgroup v2 or one of
 * v1, be the other one mounted as well or not.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "rdmacg-top.h"

#define CONTROLLER "rdma"

static bool has_word(const char *list, const char *separators,
		     const char *word)
{
	size_t length = strlen(word);

	while (*list) {
		size_t here = strcspn(list, separators);

		if (here == length && !strncmp(list, word, length))
			return true;
		list += here;
		list += strspn(list, separators);
	}
	return false;
}

/* In mountinfo, blanks and the like are three octal digits. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') << 6 |
				     (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/*
 * Cuts a line of mountinfo into pieces. Returns whether it is a hierarchy of
 * cgroups; then the path in @mount is a part of the line.
 */
bool parse_mount(char *mountinfo_line, struct mount *mount)
{
	enum { MOUNT_POINT = 4, BEFORE_OPTIONAL = 6 };
	char *words[BEFORE_OPTIONAL], *word, *next = mountinfo_line;
	const char *type, *options;

	mountinfo_line[strcspn(mountinfo_line, "\n")] = '\0';
	for (int i = 0; i < BEFORE_OPTIONAL; i++) {
		words[i] = strsep(&next, " ");
		if (!words[i])
			return false;
	}
	do {
		word = strsep(&next, " ");
		if (!word)
			return false;
	} while (strcmp(word, "-"));

	type = strsep(&next, " ");
	strsep(&next, " ");		/* the source */
	options = strsep(&next, " ");
	if (!options)
		return false;
	if (!strcmp(type, "cgroup2"))
		mount->version = 2;
	else if (!strcmp(type, "cgroup"))
		mount->version = 1;
	else
		return false;
	mount->has_rdma = mount->version == 1 &&
			  has_word(options, ",", CONTROLLER);
	mount->path = words[MOUNT_POINT];
	unescape(mount->path);
	return true;
}

static bool file_lists_controller(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char list[4096];
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, list, sizeof(list) - 1);
	close(fd);
	if (length < 0)
		return false;
	list[length] = '\0';
	return has_word(list, "\n ", CONTROLLER);
}

/* What is mounted over it may hide a hierarchy. */
static bool is_visible(int fd, int version)
{
	struct statfs info;

	return !fstatfs(fd, &info) &&
	       info.f_type == (version == 2 ? CGROUP2_SUPER_MAGIC :
					      CGROUP_SUPER_MAGIC);
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool has_controller(int fd, const struct mount *mount)
{
	if (!is_visible(fd, mount->version))
		return false;
	return mount->version == 2 ?
		file_lists_controller(fd, "cgroup.controllers") :
		mount->has_rdma;
}

static void find_hierarchy(struct hierarchy *hierarchy, bool *is_mounted)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	struct mount mount;
	char *line = NULL;
	size_t size = 0;

	if (!mounts)
		die("/proc/self/mountinfo: %s; mount /proc, or use --root=DIR",
		    strerror(errno));
	while (hierarchy->fd < 0 && getline(&line, &size, mounts) >= 0) {
		int fd;

		if (!parse_mount(line, &mount))
			continue;
		is_mounted[mount.version] = true;
		if (mount.version == 1 && !mount.has_rdma)
			continue;
		fd = open_directory(mount.path);
		if (fd < 0) {
			/* There may be another mount of it. */
			fprintf(stderr, "rdmacg-top: %s: %s\n", mount.path,
				strerror(errno));
			continue;
		}
		if (has_controller(fd, &mount)) {
			hierarchy->version = mount.version;
			hierarchy->path = copy_bytes(mount.path,
						     strlen(mount.path));
			hierarchy->fd = fd;
		} else {
			close(fd);
		}
	}
	free(line);
	fclose(mounts);
}

/* What /proc/cgroups says of the controller. */
enum knowledge { ABSENT, DISABLED, IN_V2, IN_V1 };

static enum knowledge ask_kernel(void)
{
	FILE *list = fopen("/proc/cgroups", "re");
	enum knowledge knowledge = ABSENT;
	int in_v1, cgroups, enabled;
	char name[32], rest[256];

	while (list && fgets(rest, sizeof(rest), list))
		if (sscanf(rest, "%31s %d %d %d", name, &in_v1, &cgroups,
			   &enabled) == 4 && !strcmp(name, CONTROLLER))
			knowledge = !enabled ? DISABLED :
				    in_v1 ? IN_V1 : IN_V2;
	if (list)
		fclose(list);
	return knowledge;
}

/* @is_mounted tells of what version hierarchies are. */
static const char *remedy(const bool *is_mounted)
{
	static const char mount_v1[] =
		"As root: cd /sys/fs/cgroup && mkdir -p rdma && mount -t cgroup -o rdma none rdma";

	switch (ask_kernel()) {
	case ABSENT:
		return "The kernel seems to lack it: use one with CONFIG_CGROUP_RDMA=y";
	case DISABLED:
		return "It is disabled: boot without cgroup_disable=rdma";
	case IN_V1:
		return mount_v1;
	default:
		if (is_mounted[2])
			return "It is not enabled here: +rdma into cgroup.subtree_control above";
		/* Where v1 is, v2 would be mounted over it. */
		return is_mounted[1] ? mount_v1 :
			"As root: mount -t cgroup2 none /sys/fs/cgroup";
	}
}

/* Sets @hierarchy to @root or, if that is NULL, to what is mounted. */
void open_hierarchy(struct hierarchy *hierarchy, const char *root)
{
	bool is_mounted[3] = { false };

	hierarchy->fd = -1;
	if (!root) {
		find_hierarchy(hierarchy, is_mounted);
		if (hierarchy->fd < 0)
			die("%s\n%s.",
			    "no hierarchy of cgroups that is mounted here has the rdma controller.",
			    remedy(is_mounted));
		return;
	}
	hierarchy->fd = open_directory(root);
	if (hierarchy->fd < 0)
		die("--root=%s: %s; it has to be a directory like /sys/fs/cgroup",
		    root, strerror(errno));
	hierarchy->version =
		faccessat(hierarchy->fd, "cgroup.controllers", F_OK, 0) ? 1 : 2;
	hierarchy->path = copy_bytes(root, strlen(root));
}
