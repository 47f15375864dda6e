// SPDX-License-Identifier: GPL-2.0-only
/* See fuzz.h. */

#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the last of a cgroup is gone: offline, css_free(), pools. */
#define GRACE_PERIODS	4

static const struct rdmacg_ops *ops = &ours_fuzz_ops;

struct fuzz_world fuzz_world;
static struct fuzz_world *w = &fuzz_world;
static struct reference *ref = &fuzz_world.ref;

static bool tracing, failing;
static long nr_allocated;

void fuzz_trace(const char *format, ...)
{
	va_list args;

	if (!tracing)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static __noreturn __printf(1, 2) void differ(const char *format, ...)
{
	va_list args;

	fputs("# DIFFERENCE: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void fuzz_expect(const char *what, long real, long expected)
{
	fuzz_trace("\t%s: %ld", what, real);
	if (real != expected)
		differ("%s: %ld, not %ld", what, real, expected);
}

void fuzz_init(void)
{
	tracing = getenv("RDMACG_FUZZ_TRACE");
	shim_init();
	shim_cgroup_attach(shim_cgroup_init(ops->subsys));
	nr_allocated = shim_nr_allocated();
}

void fuzz_begin(void)
{
	memset(w, 0, sizeof(*w));
	ref_init(ref);
	failing = false;
	shim_fail_nth(0);
	w->css[0] = ops->subsys->root;
}

void fuzz_end(void)
{
	fuzz_settle();
	fuzz_expect("objects left", shim_nr_allocated(), nr_allocated);
}

void fuzz_fail_nth(unsigned long nth)
{
	fuzz_trace("no memory at the %lu. time", nth);
	failing = true;
	shim_fail_nth(nth);
}

/* True if the operation that ended with @ret was refused memory. */
static bool out_of_memory(long ret)
{
	bool failed = failing && shim_failed();

	shim_fail_nth(0);
	failing = false;
	if (failed)
		fuzz_expect("without memory", ret, -ENOMEM);
	return failed;
}

int fuzz_mkdir(int parent)
{
	struct cgroup_subsys_state *css;
	int cgroup;

	for (cgroup = 1; ref->cgroups[cgroup].exists; cgroup++)
		;
	fuzz_trace("mkdir %d in %d", cgroup, parent);
	css = shim_cgroup_mkdir(w->css[parent]);
	if (out_of_memory(IS_ERR(css) ? PTR_ERR(css) : 0))
		return 0;
	if (IS_ERR(css))
		differ("mkdir: %ld", PTR_ERR(css));

	w->css[cgroup] = css;
	w->events[cgroup] = (struct fuzz_told){ 0 };
	w->local[cgroup] = (struct fuzz_told){ 0 };
	ref_mkdir(ref, cgroup, parent);
	return cgroup;
}

void fuzz_rmdir(int cgroup)
{
	fuzz_trace("rmdir %d", cgroup);
	shim_cgroup_rmdir(w->css[cgroup]);
	ref_rmdir(ref, cgroup);
}

void fuzz_device_add(int device, const char *name)
{
	fuzz_trace("device %d comes: %s", device, name);
	w->device[device] = ops->device_add_as(name, device);
	ref_device_add(ref, device, name, device);
}

void fuzz_device_rename(int device, const char *name)
{
	fuzz_trace("device %d is renamed: %s", device, name);
	ops->rename(w->device[device], name);
	ref_device_rename(ref, device, name);
}

void fuzz_device_del(int device)
{
	fuzz_trace("device %d goes", device);
	ops->device_del(w->device[device]);
	fuzz_expect("told of left charges", shim_take_messages() > 0,
		    ref_device_del(ref, device));
}

bool fuzz_charge(int cgroup, int device, unsigned int resource)
{
	struct rdma_cgroup * const none = (void *)&none;
	struct rdma_cgroup *cg = none;
	int ret;

	fuzz_trace("charge %d on device %d: resource %u", cgroup, device, resource);
	ret = ops->try_charge(&cg, w->device[device], resource);
	if (!out_of_memory(ret))
		fuzz_expect("charge", ret,
			    ref_charge(ref, cgroup, device, resource));
	if (cg != (ret ? none : (void *)w->css[cgroup]))
		differ("charge: wrong cgroup stored");
	return !ret;
}

void fuzz_uncharge(int cgroup, int device, unsigned int resource)
{
	fuzz_trace("uncharge %d on device %d: resource %u", cgroup, device, resource);
	ops->uncharge((void *)w->css[cgroup], w->device[device], resource);
	ref_uncharge(ref, cgroup, device, resource);
	fuzz_expect("warnings", shim_take_warnings(), 0);
}

void fuzz_uncharge_none(int cgroup, int device, unsigned int resource)
{
	fuzz_trace("uncharge, falsely, %d on device %d: resource %u", cgroup,
		   device, resource);
	ops->uncharge((void *)w->css[cgroup], w->device[device], resource);
	fuzz_expect("warnings", shim_take_warnings(), 1);
}

void fuzz_query(int cgroup, int device, unsigned int resource)
{
	fuzz_trace("query %d on device %d: resource %u", cgroup, device, resource);
	fuzz_expect("query", ops->query_limit(w->device[device], resource),
		    ref_query_limit(ref, cgroup, device, resource));
}

bool fuzz_write(int cgroup, const char *data, size_t length)
{
	long ret;

	fuzz_trace("write to %d: %.*s", cgroup, (int)length, data);
	ret = shim_cgroup_write(w->css[cgroup], "max", data, length);
	if (!out_of_memory(ret))
		fuzz_expect("write", ret, ref_write_max(ref, cgroup, data, length));
	return ret >= 0;
}

void fuzz_compare_file(int cgroup, enum ref_file file)
{
	static char real[REF_FILE_SIZE], expected[REF_FILE_SIZE];
	const char *name = ref_file_names[file];
	long length;

	fuzz_trace("read %s of %d", name, cgroup);
	length = shim_cgroup_read(w->css[cgroup], name, real, sizeof(real));
	fuzz_expect("length", length, ref_read(ref, cgroup, file, expected));
	if (length > 0 && strcmp(real, expected))
		differ("%s of %d is\n%snot\n%s", name, cgroup, real, expected);
}

void fuzz_compare_files(int cgroup)
{
	enum ref_file file;

	for (file = 0; file < REF_FILES; file++)
		fuzz_compare_file(cgroup, file);
}

void fuzz_compare_pools(void)
{
	int i;

	for (i = 0; i < ref->nr_registered; i++) {
		int device = ref->order[i];

		fuzz_trace("pools on device %d", device);
		fuzz_expect("pools", ops->nr_pools(w->device[device]),
			    ref_nr_pools(ref, device));
	}
}

/* Pollers were woken, if and only if there is something new to read. */
static void compare_told(int cgroup, const char *name, struct fuzz_told *told,
			 unsigned long changes)
{
	unsigned long notified = shim_cgroup_notified(w->css[cgroup], name);

	fuzz_trace("%s of %d", name, cgroup);
	fuzz_expect("notified", notified != told->notified,
		    changes != told->changes);
	*told = (struct fuzz_told){ changes, notified };
}

void fuzz_free(void)
{
	int i;

	fuzz_trace("what may be freed is freed");
	for (i = 0; i < GRACE_PERIODS; i++)
		rcu_barrier();
}

void fuzz_settle(void)
{
	int cgroup;

	fuzz_trace("settle");
	shim_settle();
	for (cgroup = 1; cgroup < REF_CGROUPS; cgroup++) {
		const struct ref_cgroup *c = &ref->cgroups[cgroup];

		if (!c->exists || c->removed)
			continue;
		compare_told(cgroup, "events", &w->events[cgroup],
			     c->events_changes);
		compare_told(cgroup, "events.local", &w->local[cgroup],
			     c->local_changes);
	}
	fuzz_compare_pools();
	fuzz_expect("cgroups", shim_nr_css(), ref_nr_cgroups(ref));
	fuzz_expect("warnings", shim_take_warnings(), 0);
	fuzz_expect("messages", shim_take_messages(), 0);
}
