/* SPDX-License-Identifier: GPL-2.0-only */
/* Tenants: holders without root's rights, and what they may do and may not. */
#ifndef RDMA_TENANT_H
#define RDMA_TENANT_H

#include "rdma_holder.h"

#define NOBODY		65534		/* the ID of some user who is not root */
#define TENANT		60001		/* of one to whom cgroups are delegated */
#define NEIGHBOUR	60002		/* of another */

struct holder user_in(const char *cgroup, const struct device *device, int id);
void put_into_namespaces(struct holder *holder, int flags);
void delegate(const char *cgroup, int id);
char *delegated_cgroup(const char *root, const char *name);
char *settle(struct holder *tenant, const char *own);
void hand_over(struct holder *from, struct holder *to);

/* Jobs on the file or directory shared->path. */
job_fn write_file, open_file, remove_file, truncate_file, change_mode;
job_fn change_owner, rename_path, find_path, make_directory, remove_directory;
job_fn clone_into, mount_own_view;

/* Jobs on the file that is open. */
job_fn reopen_kept, write_kept, change_mode_of_kept;

void expect_attempt(const char *where, const char *asked, struct holder *holder,
		    job_fn *job, int what, const char *path, const char *text,
		    int err);

#define may(holder, job, what, path)					\
	expect_attempt(HERE, #job, holder, job, what, path, "", 0)

#define may_not(holder, job, what, path, err)				\
	expect_attempt(HERE, #job, holder, job, what, path, "", err)

#define may_write(holder, cgroup, file, text)				\
	may_not_write(holder, cgroup, file, text, 0)

#define may_not_write(holder, cgroup, file, text, err)			\
	expect_attempt(HERE, "write", holder, write_file, 0,		\
		       cg_control(cgroup, file), text, err)

#define may_write_kept(holder, text)	may_not_write_kept(holder, text, 0)

#define may_not_write_kept(holder, text, err)				\
	expect_attempt(HERE, "write what is open", holder, write_kept, 0, "", \
		       text, err)

#define may_not_rename(holder, from, to, err)				\
	expect_attempt(HERE, "rename to", holder, rename_path, 0, from, to, err)

#define may_enter(holder, cgroup)	may_write(holder, cgroup, "cgroup.procs", "0")

#define may_not_enter(holder, cgroup, err)					\
	may_not_write(holder, cgroup, "cgroup.procs", "0", err)

#endif
