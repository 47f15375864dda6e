// SPDX-License-Identifier: GPL-2.0-only
/*
 * Systematic faults: the 1st, 2nd, 3rd ... allocation of an operation fails,
 * until there are no more. Each time it is done in new cgroups, as a cgroup that
 * was charged once keeps its counters. After each failure
 *
 *	the operation has failed, or succeeded, as a whole
 *	rdma.current is exact in each cgroup on the path
 *	these have as many pools as before
 *	all files are as before, if it was the controller that failed
 *	the same operation works, and can be undone
 *	the cgroups can be removed
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#define DEPTH		5
#define COUNTING	1000000		/* more than any operation allocates */
#define ROUNDS		3
#define NEW_CGROUP	"new"

/* How deep the path is, and what pools it has already. */
struct scene {
	int depth;
	int level;	/* of the lowest pool; 0: there is none */
	bool open;	/* it was charged, and so has others above it */
};

/* What fails. */
struct subject {
	const char *name;
	void (*prepare)(void);
	int (*operate)(void);		/* returns 0 or an errno */
	bool (*is_done)(void);		/* where a failure to answer is none */
	void (*check)(bool done);
	void (*undo)(void);
	void (*clean_up)(void);

	bool any_error;			/* not just ENOMEM */
	bool charges;			/* then its undoing leaves pools */
	int makes_pools;		/* how many */
	unsigned int controller;	/* how many allocations are the controller's */
	unsigned int trials;		/* at most; 0: as many as can be */
};

static const struct device *device;
static struct base base;
static struct scene scene;
static enum kind kind;
static void *object;
static const char *driver;
static int file;

/* From the first level on. */
static char path[DEPTH][PATH_SIZE];
static unsigned long long ids[DEPTH];
static const char *leaf;
static int pools;		/* that the path has */

static struct {
	unsigned int trials, failed, tolerated, controller, other_errors;
	int other_error;
} counts;

static struct told listen(void)
{
	struct told told;

	read_told(&told, ids, scene.depth);
	pools += told.pools;
	return told;
}

/* Scenes */

static void expect_pools(int expected, const char *when)
{
	listen();
	if (pools != expected)
		complain("%d pools %s, not %d", pools, when, expected);
}

static void charge_once(const char *cgroup)
{
	void *pd;

	cg_must_enter(cgroup);
	pd = object_make(&base, PD);
	cg_must_enter(CGROUPS);
	if (!pd || object_drop(PD, pd))
		errx(EXIT_FAILURE, "cannot make and drop a PD on %s: %m", device->name);
}

static void write_limit(const char *cgroup, const char *limit)
{
	char text[128];

	snprintf(text, sizeof(text), "%s hca_object=%s", device->name, limit);
	cg_must_write(cgroup, "rdma.max", text);
}

static int pools_of_scene(void)
{
	return scene.open ? scene.level : !!scene.level;
}

static void make_scene(void)
{
	struct stat status;
	int i;

	pools = 0;
	for (i = 0; i < scene.depth; i++) {
		if (i)
			snprintf(path[i], PATH_SIZE, "%.*s/%d", PATH_SIZE - 8,
				 path[i - 1], i + 1);
		else
			snprintf(path[i], PATH_SIZE, "%s", TOP);
		cg_must_create(path[i]);
		if (stat(path[i], &status))
			errx(EXIT_FAILURE, "%s: %m", path[i]);
		ids[i] = status.st_ino;
		if (i + 1 == scene.level && scene.open)
			charge_once(path[i]);
		if (i + 1 == scene.level && !scene.open)
			write_limit(path[i], "1000");
		if (i + 1 < scene.depth)
			cg_must_write(path[i], "cgroup.subtree_control", "+rdma");
	}
	leaf = path[scene.depth - 1];
	expect_pools(pools_of_scene(), "for a start");
}

static void remove_scene(void)
{
	int i;

	for (i = scene.depth - 1; i >= 0; i--)
		if (rmdir(path[i]))
			errx(EXIT_FAILURE, "cannot remove %s: %m", path[i]);
}

/* All files of all cgroups on the path. */
static void read_files(char *text, size_t size)
{
	size_t i, used = 0;
	int level;

	for (level = 0; level < scene.depth; level++)
		for (i = 0; i < NR_RDMA_FILES; i++)
			used += snprintf(text + used, size - used, "%s",
					 cg_must_read(path[level], rdma_files[i]));
}

/* One fault */

static void note_error(const struct subject *subject, int err)
{
	if (err == ENOMEM)
		return;
	if (!subject->any_error)
		complain("failed with %s", strerrorname_np(err));
	counts.other_errors++;
	counts.other_error = err;
}

static bool try_once(const struct subject *subject)
{
	int err = subject->operate();

	if (err && (!subject->is_done || !subject->is_done())) {
		complain("the next try fails with %s", strerrorname_np(err));
		return false;
	}
	return true;
}

/* It has failed. @told is the function that was refused memory. */
static void judge_failure(const struct subject *subject, const struct told *told,
			  const char *before)
{
	static char after[TEXT_SIZE];
	bool strict = told->controller || !subject->charges;
	int before_it = pools_of_scene(), with_it = before_it + subject->makes_pools;

	subject->check(false);
	/* What failed after it was charged has left pools, and a peak. */
	if (strict) {
		read_files(after, sizeof(after));
		if (strcmp(before, after))
			complain("files changed from\n%sto\n%s", before, after);
		expect_pools(before_it, "after a failure");
	} else if (pools != before_it && pools != with_it) {
		complain("%d pools after a failure, neither %d nor %d", pools,
			 before_it, with_it);
	}
}

/* Returns whether there were so many allocations. */
static bool fail_once(const struct subject *subject, unsigned int nth,
		      unsigned int *left)
{
	static char before[TEXT_SIZE];
	bool failed, done;
	struct told told;
	int err;

	make_scene();
	subject->prepare();
	read_files(before, sizeof(before));
	listen();

	fail_nth(nth);
	err = subject->operate();
	failed = fail_end(left);

	told = listen();
	done = subject->is_done ? subject->is_done() : !err;
	counts.trials++;
	counts.failed += failed && !done;
	counts.tolerated += failed && done;
	counts.controller += told.controller;
	if (err)
		note_error(subject, err);
	if (!failed && !done)
		complain("fails with %s though nothing else does",
			 strerrorname_np(err));

	if (!done) {
		judge_failure(subject, &told, before);
		done = try_once(subject);
	}
	if (done) {
		subject->check(true);
		expect_pools(pools_of_scene() + subject->makes_pools,
			     "after success");
		subject->undo();
		subject->check(false);
		expect_pools(pools_of_scene() +
			     (subject->charges ? subject->makes_pools : 0),
			     "when undone");
	}
	subject->clean_up();
	remove_scene();
	if (has_complained())
		complain("with the %u. allocation", nth);
	return failed;
}

/*
 * Some functions do not allocate each time, so counting may miss an allocation of
 * the controller, or meet it twice: then it goes on.
 */
static void fail_each(const struct subject *subject)
{
	unsigned int nth, rounds = 0;

	do {
		for (nth = 1; !has_complained() && fail_once(subject, nth, NULL); nth++)
			;
	} while (!has_complained() && counts.controller < subject->controller &&
		 ++rounds < ROUNDS);
	if (!has_complained() && counts.controller < subject->controller)
		complain("the controller was refused memory %u times, not %u",
			 counts.controller, subject->controller);
}

static void fail_some(const struct subject *subject, unsigned int total)
{
	unsigned int i;

	for (i = 0; i < subject->trials && !has_complained(); i++)
		fail_once(subject, 1 + i * total / subject->trials, NULL);
}

static void walk(const struct subject *subject)
{
	unsigned int left, total;
	long start = now_ms();
	char name[128];

	snprintf(name, sizeof(name), "%s%s%s, depth %d, %s to %d",
		 device ? device->name : "", device ? " " : "", subject->name,
		 scene.depth, scene.open ? "open" : "closed", scene.level);
	if (!scene.level)
		*strrchr(name, ',') = '\0';
	if (!is_wanted(name))
		return;

	memset(&counts, 0, sizeof(counts));
	fail_once(subject, COUNTING, &left);
	total = COUNTING - left;
	if (subject->trials && total > subject->trials)
		fail_some(subject, total);
	else
		fail_each(subject);
	printf("# %s: %u allocations, %u tries in %ld ms, %u failed, ", name, total,
	       counts.trials, now_ms() - start, counts.failed);
	printf("%u to no effect, %u of the controller", counts.tolerated,
	       counts.controller);
	if (counts.other_errors)
		printf("; %u errors like %s", counts.other_errors,
		       strerrorname_np(counts.other_error));
	putchar('\n');
	report("%s", name);
}

/* Verbs */

static void prepare_verb(void)
{
	cg_must_enter(leaf);
}

static int make(void)
{
	errno = 0;
	object = object_make(&base, kind);
	return object ? 0 : errno ?: EIO;
}

static void check_charge(bool done)
{
	enum resource charged = kind == CONTEXT ? HANDLE : OBJECT;
	long used[NR_RESOURCES];
	int i, d;

	for (i = 0; i < scene.depth; i++) {
		for (d = 0; d < nr_devices; d++) {
			read_usage(path[i], devices[d].name, used);
			if (&devices[d] == device)
				used[charged] -= done;
			if (used[HANDLE] || used[OBJECT])
				complain("%s, level %d: %ld handles, %ld objects too many",
					 devices[d].name, i + 1, used[HANDLE],
					 used[OBJECT]);
		}
	}
}

static void drop(void)
{
	int err = object_drop(kind, object);

	if (err)
		complain("cannot give it back: %s", strerror(err));
}

static void leave_cgroup(void)
{
	cg_must_enter(CGROUPS);
}

static void walk_verb(void)
{
	struct subject subject = {
		.name = kind_names[kind],
		.prepare = prepare_verb,
		.operate = make,
		.check = check_charge,
		.undo = drop,
		.clean_up = leave_cgroup,
		.any_error = true,
		.charges = true,
		.makes_pools = scene.depth - pools_of_scene(),
		/* Each has a table. */
		.controller = 2 * (scene.depth - pools_of_scene()),
	};

	walk(&subject);
}

/* Limits */

static void open_control(const char *control)
{
	char name[PATH_SIZE + 32];

	snprintf(name, sizeof(name), "%s/%s", leaf, control);
	file = open(name, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		errx(EXIT_FAILURE, "cannot open %s", name);
}

static void open_max(void)
{
	open_control("rdma.max");
}

static int write_text(const char *text)
{
	size_t length = strlen(text);

	return pwrite(file, text, length, 0) == (ssize_t)length ? 0 : errno;
}

static int write_line(const char *name, const char *limit)
{
	char line[128];

	snprintf(line, sizeof(line), "%s hca_object=%s", name, limit);
	return write_text(line);
}

static int limit(void)
{
	return write_line(device->name, "7");
}

static int limit_all(void)
{
	char text[256];
	int i, used = 0;

	for (i = 0; i < nr_devices; i++)
		used += snprintf(text + used, sizeof(text) - used,
				 "%s hca_object=7\n", devices[i].name);
	return write_text(text);
}

static void expect_limit(const char *name, const char *limit)
{
	char line[128];

	snprintf(line, sizeof(line), "%s hca_handle=max hca_object=%s\n", name,
		 limit);
	if (!cg_has(leaf, "rdma.max", line))
		complain("the limit of %s is not %s", name, limit);
}

static void check_limit(bool done)
{
	expect_limit(device->name, done ? "7" : "max");
}

static void check_all_limits(bool done)
{
	int i;

	for (i = 0; i < nr_devices; i++)
		expect_limit(devices[i].name, done ? "7" : "max");
}

static void lift(const char *name)
{
	int err = write_line(name, "max");

	if (err)
		complain("the limit of %s cannot be lifted: %s", name,
			 strerror(err));
}

static void unlimit(void)
{
	lift(device->name);
}

static void unlimit_all(void)
{
	int i;

	for (i = 0; i < nr_devices; i++)
		lift(devices[i].name);
}

static void close_file(void)
{
	close(file);
}

static void walk_limit(void)
{
	struct subject subject = {
		.name = "limit",
		.prepare = open_max,
		.operate = limit,
		.check = check_limit,
		.undo = unlimit,
		.clean_up = close_file,
		.makes_pools = 1,
		.controller = 2,
	};

	walk(&subject);
}

/* All lines of a write, or none. */
static void walk_lines(void)
{
	struct subject subject = {
		.name = "limits in one write",
		.prepare = open_max,
		.operate = limit_all,
		.check = check_all_limits,
		.undo = unlimit_all,
		.clean_up = close_file,
		.makes_pools = nr_devices,
		/* A copy of the text, and one table. */
		.controller = 2 + nr_devices,
	};

	walk(&subject);
}

/* New cgroups, and those that get the controller */

static char *new_cgroup(void)
{
	static char text[PATH_SIZE + 8];

	snprintf(text, sizeof(text), "%s/" NEW_CGROUP, leaf);
	return text;
}

static void prepare_mkdir(void)
{
	cg_must_write(leaf, "cgroup.subtree_control", "+rdma");
}

static int make_new_cgroup(void)
{
	return mkdir(new_cgroup(), 0755) ? errno : 0;
}

static void check_mkdir(bool done)
{
	if (done != !access(new_cgroup(), F_OK))
		complain("the cgroup is%s there", done ? " not" : "");
	if (done && !is_listed(new_cgroup(), devices[0].name))
		complain("no device in the new cgroup");
}

static void remove_new_cgroup(void)
{
	if (rmdir(new_cgroup()))
		complain("cannot remove it: %m");
}

static void do_nothing(void)
{
}

static void prepare_enable(void)
{
	cg_must_create(new_cgroup());
	open_control("cgroup.subtree_control");
}

static int enable(void)
{
	return pwrite(file, "+rdma", 5, 0) == 5 ? 0 : errno;
}

static void check_enable(bool done)
{
	if (cg_has(leaf, "cgroup.subtree_control", "rdma") != done)
		complain("the controller is%s enabled", done ? " not" : "");
	if (cg_has(new_cgroup(), "rdma.max", devices[0].name) != done)
		complain("the cgroup below has%s rdma.max", done ? " no" : "");
}

static void disable(void)
{
	cg_must_write(leaf, "cgroup.subtree_control", "-rdma");
}

static void end_enable(void)
{
	close(file);
	remove_new_cgroup();
}

static void walk_cgroups(void)
{
	static const struct subject mkdir = {
		.name = "new cgroup",
		.prepare = prepare_mkdir,
		.operate = make_new_cgroup,
		.check = check_mkdir,
		.undo = remove_new_cgroup,
		.clean_up = do_nothing,
		.controller = 1,
	};
	static const struct subject subtree_control = {
		.name = "enabled controller",
		.prepare = prepare_enable,
		.operate = enable,
		.check = check_enable,
		.undo = disable,
		.clean_up = end_enable,
		.controller = 1,
	};

	walk(&mkdir);
	walk(&subtree_control);
}

/* Devices */

static void must_send(void)
{
	int err = device_send();

	if (err)
		complain("the request to the RDMA device fails: %s", strerror(err));
}

static void prepare_add(void)
{
	device_ask_add(driver);
}

static bool is_added(void)
{
	return device_exists(NEW_DEVICE);
}

static void check_listed(bool done)
{
	if (is_listed(leaf, NEW_DEVICE) != done)
		complain("the device is%s listed", done ? " not" : "");
}

static void delete(void)
{
	device_ask_delete(NEW_DEVICE);
	must_send();
}

static void prepare_delete(void)
{
	device_ask_add(driver);
	must_send();
	device_ask_delete(NEW_DEVICE);
}

static bool is_deleted(void)
{
	return !is_added();
}

static void check_not_listed(bool done)
{
	check_listed(!done);
}

static void add(void)
{
	device_ask_add(driver);
	must_send();
}

static void prepare_rename(void)
{
	device_ask_rename(NEW_DEVICE, OTHER_NAME);
}

static bool is_renamed(void)
{
	return device_exists(OTHER_NAME);
}

static void check_name(bool done)
{
	check_listed(!done);
	if (is_listed(leaf, OTHER_NAME) != done)
		complain("the new name is%s listed", done ? " not" : "");
}

static void rename_back(void)
{
	device_ask_rename(OTHER_NAME, NEW_DEVICE);
	must_send();
}

static void walk_devices(unsigned int trials)
{
	static const struct subject rename = {
		.name = "renamed device",
		.prepare = prepare_rename,
		.operate = device_send,
		.is_done = is_renamed,
		.check = check_name,
		.undo = rename_back,
		.clean_up = do_nothing,
		.any_error = true,
	};
	struct subject subject = {
		.prepare = prepare_add,
		.operate = device_send,
		.is_done = is_added,
		.check = check_listed,
		.undo = delete,
		.clean_up = do_nothing,
		.any_error = true,
		.trials = trials,
	};

	/* Of rxe there are thousands, as it has large tables. */
	driver = "rxe";
	subject.name = "new rxe device";
	walk(&subject);
	driver = "siw";
	subject.name = "new siw device";
	subject.trials *= 4;
	walk(&subject);

	subject.name = "removed device";
	subject.prepare = prepare_delete;
	subject.is_done = is_deleted;
	subject.check = check_not_listed;
	subject.undo = add;
	subject.clean_up = delete;
	subject.trials = 0;
	walk(&subject);

	add();
	walk(&rename);
	delete();
}

/*
 * Calls @go for paths of each depth up to @depth without pools, and for that
 * depth with all pools that it may have.
 */
static void walk_scenes(int depth, void (*go)(void))
{
	scene.level = 0;
	for (scene.depth = 1; scene.depth < depth; scene.depth++)
		go();
	for (; scene.level < scene.depth; scene.level++) {
		scene.open = false;
		go();
		scene.open = true;
		if (scene.level)
			go();
	}
}

static void set_scene(int depth)
{
	scene = (struct scene){ .depth = depth };
}

void walk_all(unsigned int link_trials)
{
	int i;

	for (i = 0; i < nr_devices; i++) {
		device = &devices[i];
		base_open(&base, device);
		/* Libraries allocate more the first time. */
		for (kind = 0; kind < device->nr_kinds; kind++) {
			make();
			drop();
		}

		kind = CONTEXT;
		set_scene(1);
		walk_verb();
		set_scene(DEPTH);
		walk_verb();
		kind = PD;
		walk_scenes(i ? 2 : DEPTH, walk_verb);
		set_scene(2);
		for (kind = PD + 1; kind < device->nr_kinds; kind++)
			walk_verb();
		walk_scenes(i ? 2 : DEPTH, walk_limit);
		base_close(&base);
	}

	device = NULL;
	set_scene(2);
	walk_lines();
	set_scene(1);
	walk_cgroups();
	set_scene(DEPTH);
	walk_cgroups();
	set_scene(1);
	walk_devices(link_trials);
}
