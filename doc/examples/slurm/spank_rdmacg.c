// SPDX-License-Identifier: GPL-2.0-only
/*
 * A SPANK plugin for Slurm: each job gets a default limit of RDMA contexts and
 * objects, on each node and each device of it. In cgroup v2 only.
 *
 *	cc -Wall -Wextra -O2 -shared -fPIC -o rdmacg.so spank_rdmacg.c
 *
 * In plugstack.conf(5), with the limits:
 *
 *	required /usr/local/lib/slurm/rdmacg.so hca_handle=16 hca_object=20000
 *
 * A job that cannot be limited does not run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <slurm/slurm_errno.h>
#include <slurm/spank.h>

SPANK_PLUGIN(rdmacg, 1);

#define CGROUP_ROOT "/sys/fs/cgroup"

static bool write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool done = file >= 0 && write(file, text, strlen(text)) > 0;

	if (!done)
		slurm_error("rdmacg: %s does not take \"%s\": %s", path, text,
			    strerror(errno));
	if (file >= 0)
		close(file);
	return done;
}

/* Of this process, cut behind that of its job. */
static bool find_job(char *path, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;
	char line[PATH_MAX];

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *job = strstr(line, "/job_");

		if (strncmp(line, "0::/", 4) || !job)
			continue;
		job[1 + strcspn(job + 1, "/\n")] = '\0';
		snprintf(path, size, "%s", line + strlen("0::"));
		found = true;
	}
	if (file)
		fclose(file);
	if (!found)
		slurm_error("rdmacg: this task is in no cgroup of a job: ProctrackType=proctrack/cgroup in slurm.conf makes one");
	return found;
}

/* The controller has to be on in each cgroup above that of the job. */
static bool limit_job(const char *job, const char *limit)
{
	char path[2 * PATH_MAX];

	for (const char *end = job; end; end = strchr(end + 1, '/')) {
		snprintf(path, sizeof(path), "%s%.*s/cgroup.subtree_control",
			 CGROUP_ROOT, (int)(end - job), job);
		if (!write_file(path, "+rdma"))
			return false;
	}
	snprintf(path, sizeof(path), "%s%s/rdma.max", CGROUP_ROOT, job);
	return write_file(path, limit);
}

/*
 * As root, in the cgroup of a task: each of a job does it anew. Slurm 22.05 takes
 * only a negative number for an error, and ESPANK_ERROR is 3000.
 */
int slurm_spank_task_init_privileged(spank_t spank, int argc, char *argv[])
{
	char limit[256] = "default", job[PATH_MAX];

	(void)spank;
	for (int i = 0; i < argc; i++) {
		size_t length = strlen(limit);
		size_t room = sizeof(limit) - length;

		if ((size_t)snprintf(limit + length, room, " %s", argv[i]) >= room) {
			slurm_error("rdmacg: too much in plugstack.conf");
			return SLURM_ERROR;
		}
	}
	return find_job(job, sizeof(job)) && limit_job(job, limit) ?
		ESPANK_SUCCESS : SLURM_ERROR;
}
