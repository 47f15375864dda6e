// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the rdma cgroup controller: what is reported outside of its files.
 *
 * - A query of a device reports at most the lowest limit of the caller's cgroup
 *   and those above for what is counted, and everything else unchanged.
 * - Tracepoints report charges, refusals, limits and pools, each with its cgroup.
 * - The kernel log has one line for the first refusal by a limit.
 */
#define _GNU_SOURCE

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma_charge.h"
#include "rdma_file.h"
#include "rdma_runner.h"

/*
 * What a device claims to have
 */

/* What a device says of itself. */
struct device_attr {
#if HAVE_LIBIBVERBS
	struct ibv_device_attr_ex verbs;
#endif
};

static_assert(sizeof(struct device_attr) <= sizeof(shared->result), "too large");

#if HAVE_LIBIBVERBS

/* All that verbs objects are counted by; each of 32 bits. */
#define COUNT(field) { #field, offsetof(struct device_attr, verbs.field) }
static const struct {
	const char *name;
	size_t at;
} object_counts[] = {
	COUNT(orig_attr.max_qp),
	COUNT(orig_attr.max_cq),
	COUNT(orig_attr.max_mr),
	COUNT(orig_attr.max_pd),
	COUNT(orig_attr.max_mw),
	COUNT(orig_attr.max_ah),
	COUNT(orig_attr.max_srq),
	COUNT(orig_attr.max_raw_ipv6_qp),
	COUNT(orig_attr.max_raw_ethy_qp),
	COUNT(rss_caps.max_rwq_indirection_tables),
	COUNT(max_wq_type_rq),
};

#undef COUNT

/* Returns 0 or an errno. */
static int query_device(struct device_attr *attr, bool extended)
{
	struct ibv_context *context = made[CONTEXT].item[0];

	memset(attr, 0, sizeof(*attr));
	if (extended)
		return ibv_query_device_ex(context, NULL, &attr->verbs);
	return ibv_query_device(context, &attr->verbs.orig_attr);
}

#else

/* Not reached: use_device() has ended the test. */

static const struct {
	const char *name;
	size_t at;
} object_counts[] = {};

static int query_device(struct device_attr *attr, bool extended)
{
	return -1;
}

#endif /* HAVE_LIBIBVERBS */

static struct outcome query(int extended, int unused)
{
	struct device_attr attr;
	int err = query_device(&attr, extended);

	memcpy(shared->result, &attr, sizeof(attr));
	return (struct outcome){ !err, err };
}

static struct device_attr seen_by(struct holder *holder, bool extended)
{
	struct device_attr attr;

	expect_outcome(HERE, "query the device", ask(holder, query, extended, 0),
		       1, 0);
	memcpy(&attr, shared->result, sizeof(attr));
	return attr;
}

/* What it has, without a limit, in both forms of the verb. */
struct hardware {
	struct device_attr attr[2];
};

static struct hardware hardware_seen_by(struct holder *holder)
{
	return (struct hardware){
		{ seen_by(holder, false), seen_by(holder, true) }
	};
}

/* Returns how many values were above @limit. */
static int clamp_counts(struct device_attr *attr, unsigned int limit)
{
	int i, nr = 0;

	for (i = 0; i < ARRAY_SIZE(object_counts); i++) {
		__u32 *count = (void *)attr + object_counts[i].at;

		nr += *count > limit;
		*count = *count > limit ? limit : *count;
	}
	return nr;
}

/* What counts objects is at most @limit, and all else as it was. */
static void expect_clamped(const char *where, struct holder *holder,
			   const struct hardware *hardware, int limit)
{
	int extended, i;

	for (extended = 0; extended < 2; extended++) {
		struct device_attr expected = hardware->attr[extended];
		struct device_attr seen = seen_by(holder, extended);

		if (!clamp_counts(&expected, limit) && limit < 10)
			fail(where, "the device has hardly anything to limit");
		for (i = 0; i < ARRAY_SIZE(object_counts); i++) {
			size_t at = object_counts[i].at;
			__u32 *value = (void *)&seen + at;
			__u32 *right = (void *)&expected + at;

			if (*value != *right)
				fail(where, "%s, extended %d: expected %u, seen %u",
				     object_counts[i].name, extended, *right,
				     *value);
		}
		if (memcmp(&seen, &expected, sizeof(seen)))
			fail(where, "what counts no objects has changed, extended %d",
			     extended);
	}
}

static int check_query(const char *root, const struct device *device)
{
	char *cgroup = new_cgroup(root, "a");
	struct holder holder = hold_pds(cgroup, device, 3);
	struct hardware hardware = hardware_seen_by(&holder);

	set_limit(cgroup, device, "hca_handle=1");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	set_limit(cgroup, device, "hca_object=7");
	expect_clamped(HERE, &holder, &hardware, 7);
	set_limit(cgroup, device, "hca_object=0");
	expect_clamped(HERE, &holder, &hardware, 0);
	/* More than there is of some, and less than there is of others. */
	set_limit(cgroup, device, "hca_object=40000");
	expect_clamped(HERE, &holder, &hardware, 40000);
	set_limit(cgroup, device, "hca_object=max");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	return KSFT_PASS;
}

static int test_query_tells_limit_on_rxe(const char *root)
{
	return check_query(root, rxe());
}

static int test_query_tells_limit_on_siw(const char *root)
{
	return check_query(root, siw());
}

/* Nothing need be charged to the caller's cgroup. */
static int test_query_tells_lowest_limit(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *top = new_cgroup(root, "b");
	char *middle = new_cgroup(top, "a");
	char *leaf = new_cgroup(middle, "a");
	struct holder holder = hold_pds(first, rxe(), 0);
	struct hardware hardware = hardware_seen_by(&holder);

	expect(!cg_enter(leaf, holder.pid), "move the holder");
	expect_clamped(HERE, &holder, &hardware, NO_LIMIT);
	set_limit(top, rxe(), "hca_object=5");
	expect_clamped(HERE, &holder, &hardware, 5);
	set_limit(middle, rxe(), "hca_object=6");
	expect_clamped(HERE, &holder, &hardware, 5);
	set_limit(leaf, rxe(), "hca_object=4");
	expect_clamped(HERE, &holder, &hardware, 4);
	set_limit(leaf, rxe(), "hca_object=max");
	set_limit(top, rxe(), "hca_object=max");
	expect_clamped(HERE, &holder, &hardware, 6);
	return KSFT_PASS;
}

/* Not its opener's, and not the one where the caller was before. */
static int test_query_tells_limit_of_caller(const char *root)
{
	char *first = new_cgroup(root, "a");
	char *second = new_cgroup(root, "b");
	struct holder opener = hold_pds(first, rxe(), 0);
	struct holder taker = hold_pds(second, rxe(), 0);
	struct hardware hardware = hardware_seen_by(&opener);

	set_limit(first, rxe(), "hca_object=5");
	set_limit(second, rxe(), "hca_object=9");
	ask(&opener, pass_context, 0, 0);
	expect_outcome(HERE, "take", ask(&taker, take_context, 0, 0), 1, 0);
	expect_clamped(HERE, &taker, &hardware, 9);
	expect_clamped(HERE, &opener, &hardware, 5);
	expect(!cg_enter(second, opener.pid), "move the opener");
	expect_clamped(HERE, &opener, &hardware, 9);
	expect(!cg_enter(first, taker.pid), "move the taker");
	expect_clamped(HERE, &taker, &hardware, 5);
	return KSFT_PASS;
}

/* As does the tool that administrators use. */
static int test_devinfo_tells_limit(const char *root)
{
	static const char * const counts[] = {
		"max_qp", "max_cq", "max_mr", "max_mw", "max_pd", "max_ah",
		"max_srq",
	};
	static const char * const others[] = {
		"max_qp_wr", "max_cqe", "max_sge", "max_mcast_grp",
	};
	char *cgroup = new_cgroup(root, "a");
	bool has_windows = has_kind(rxe(), MW_1);
	char line[256], key[64];
	int pair[2], value, status, i, nr = 0;
	FILE *output;
	pid_t pid;

	set_limit(cgroup, rxe(), "hca_object=7");
	if (pipe2(pair, O_CLOEXEC))
		fail(HERE, "pipe: %s", strerror(errno));
	pid = spawn();
	if (!pid) {
		if (dup2(pair[1], STDOUT_FILENO) >= 0 &&
		    !cg_enter_current(cgroup))
			execlp("ibv_devinfo", "ibv_devinfo", "-v", "-d",
			       RXE_NAME, NULL);
		_exit(errno == ENOENT ? 127 : EXIT_FAILURE);
	}
	close(pair[1]);
	output = fdopen(pair[0], "r");
	while (fgets(line, sizeof(line), output)) {
		if (sscanf(line, " %63[^:]: %d", key, &value) != 2)
			continue;
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			if (strcmp(key, counts[i]))
				continue;
			expect(value == (!has_windows && !strcmp(key, "max_mw") ?
					 0 : 7), "%s is %d", key, value);
			nr++;
		}
		for (i = 0; i < ARRAY_SIZE(others); i++) {
			if (strcmp(key, others[i]))
				continue;
			expect(value > 7, "%s is %d", key, value);
			nr++;
		}
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip("no ibv_devinfo: install the tools of libibverbs");
	expect(!status, "status %#x of ibv_devinfo", status);
	expect(nr == ARRAY_SIZE(counts) + ARRAY_SIZE(others),
	       "it told only %d of them", nr);
	return KSFT_PASS;
}

/*
 * Tracepoints
 */

static void start_tracing(void)
{
	if (access(TRACING "/instances", F_OK))
		skip("no tracefs: mount it on " TRACING);
	if (mkdir(TRACE, 0755) && errno != EEXIST)
		fail(HERE, "make " TRACE ": %s", strerror(errno));
	if (cg_write(TRACE "/events/rdmacg", "enable", "1"))
		fail(HERE, "the kernel has no rdmacg tracepoints, or they cannot be enabled");
}

/* How many lines of the trace have this text. */
static int nr_traced(const char *text)
{
	FILE *trace = fopen(TRACE "/trace", "r");
	char line[512];
	int nr = 0;

	if (!trace)
		fail(HERE, "open " TRACE "/trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), trace))
		nr += !!strstr(line, text);
	fclose(trace);
	return nr;
}

static unsigned long long id_of(const char *cgroup)
{
	struct stat status;

	if (stat(cgroup, &status))
		fail(HERE, "%s: %s", cgroup, strerror(errno));
	return status.st_ino;
}

/* The cgroup of an event: taken while it is there, and good for ever. */
struct traced {
	unsigned long long cgroup;
	const char *device;
};

static struct traced traced(const char *cgroup, const char *device)
{
	return (struct traced){ id_of(cgroup), device };
}

static void expect_counted(const char *where, const char *event,
			   struct traced by, const char *resource, int usage,
			   int limit, int times)
{
	char text[256];
	int seen;

	snprintf(text, sizeof(text),
		 ": rdmacg_%s: cgroup=%llu device=%s resource=%s usage=%d limit=%d\n",
		 event, by.cgroup, by.device, resource, usage, limit);
	seen = nr_traced(text);
	if (seen != times)
		fail(where, "expected %d times, seen %d%.*s", times, seen,
		     (int)strlen(text) - 1, text);
}

/* How often there was an event, whatever else it says. */
static int nr_events(const char *event, struct traced by)
{
	char text[256];

	snprintf(text, sizeof(text), ": rdmacg_%s: cgroup=%llu device=%s%c",
		 event, by.cgroup, by.device,
		 strncmp(event, "pool", 4) ? ' ' : '\n');
	return nr_traced(text);
}

static void expect_nr_events(const char *where, const char *event,
			     struct traced by, int nr)
{
	int seen = nr_events(event, by);

	if (seen != nr)
		fail(where, "expected %d of %s for cgroup %llu, seen %d", nr,
		     event, by.cgroup, seen);
}

#define expect_traced(...)	expect_counted(HERE, __VA_ARGS__)

#define expect_nr(...)		expect_nr_events(HERE, __VA_ARGS__)

static int test_trace_of_charges(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	char *other = new_cgroup(root, "b");
	struct traced by_parent = traced(parent, RXE_NAME);
	struct traced by_leaf = traced(leaf, RXE_NAME);
	struct traced by_other = traced(other, RXE_NAME);
	struct holder holder;

	start_tracing();
	set_limit(parent, rxe(), "hca_object=2");
	set_limit(leaf, rxe(), "hca_handle=1");
	holder = hold_pds(leaf, rxe(), 2);
	expect_traced("charge", by_leaf, "hca_handle", 1, 1, 1);
	expect_traced("charge", by_leaf, "hca_object", 1, NO_LIMIT, 1);
	expect_traced("charge", by_leaf, "hca_object", 2, NO_LIMIT, 1);
	expect_nr("charge", by_leaf, 3);
	expect_nr("charge", by_parent, 0);
	expect_nr("refuse", by_leaf, 0);

	/* The event names the cgroup that has the limit. */
	expect_refusal_after(&holder, PD, 0);
	expect_traced("refuse", by_parent, "hca_object", 2, 2, 1);
	expect_nr("refuse", by_leaf, 0);
	expect_refusal_after(&holder, CONTEXT, 0);
	expect_traced("refuse", by_leaf, "hca_handle", 1, 1, 1);
	expect_nr("refuse", by_leaf, 1);
	expect_nr("refuse", by_parent, 1);
	expect_nr("charge", by_leaf, 3);
	expect_nr("uncharge", by_leaf, 0);

	/* What was charged goes from where it was charged. */
	expect(!cg_enter(other, holder.pid), "move the holder");
	expect_drop(&holder, PD, 2);
	expect_traced("uncharge", by_leaf, "hca_object", 1, NO_LIMIT, 1);
	expect_traced("uncharge", by_leaf, "hca_object", 0, NO_LIMIT, 1);
	release(&holder);
	expect_traced("uncharge", by_leaf, "hca_handle", 0, 1, 1);
	expect_nr("uncharge", by_leaf, 3);
	expect_nr("uncharge", by_parent, 0);
	expect_nr("charge", by_other, 0);
	return KSFT_PASS;
}

static int test_trace_of_limits_and_pools(const char *root)
{
	char *parent = new_cgroup(root, "a");
	char *leaf = new_cgroup(parent, "a");
	struct traced by_parent = traced(parent, RXE_NAME);
	struct traced by_leaf = traced(leaf, RXE_NAME);
	struct holder holder;

	start_tracing();
	set_limit(leaf, rxe(), "hca_object=3");
	expect_traced("limit", by_leaf, "hca_object", 0, 3, 1);
	expect_nr("limit", by_leaf, 1);
	expect_nr("limit", by_parent, 0);
	expect_nr("pool_make", by_leaf, 1);
	expect_nr("pool_make", by_parent, 0);
	expect_nr("pool_free", by_leaf, 0);

	/* What is refused leaves no trace. */
	refuses(leaf, RXE_NAME " hca_object=4 hca_handle=-1", EINVAL);
	expect_nr("limit", by_leaf, 1);

	set_limit(leaf, rxe(), "hca_handle=2 hca_object=max");
	expect_traced("limit", by_leaf, "hca_handle", 0, 2, 1);
	expect_traced("limit", by_leaf, "hca_object", 0, NO_LIMIT, 1);
	expect_nr("pool_free", by_leaf, 0);
	set_limit(leaf, rxe(), "hca_handle=max");
	expect_nr("pool_free", by_leaf, 1);

	/* A charge needs one in each ancestor, a limit did not. */
	holder = hold_pds(leaf, rxe(), 2);
	expect_nr("pool_make", by_leaf, 2);
	expect_nr("pool_make", by_parent, 1);
	set_limit(parent, rxe(), "hca_object=1");
	expect_traced("limit", by_parent, "hca_object", 2, 1, 1);
	release(&holder);
	expect_nr("pool_free", by_leaf, 1);
	expect(!rmdir(leaf), "%s", strerror(errno));
	expect(becomes(nr_events("pool_free", by_leaf) == 2), "it is not freed");
	expect_nr("pool_make", by_leaf, 2);
	expect_nr("pool_free", by_parent, 0);
	return KSFT_PASS;
}

static int test_trace_of_other_device(const char *root)
{
	char *cgroup = new_cgroup(root, "a");
	struct traced first = traced(cgroup, GUEST_NAME);
	struct traced then = traced(cgroup, LONG_NAME);
	struct holder holder = hold_pds(cgroup, guest_device(), 0);

	start_tracing();
	expect_make(&holder, PD, 1);
	expect_traced("charge", first, "hca_object", 1, NO_LIMIT, 1);
	expect(!rename_device(GUEST_NAME, LONG_NAME), "rename it");
	expect_make(&holder, PD, 1);
	expect_traced("charge", then, "hca_object", 2, NO_LIMIT, 1);
	release(&holder);
	expect_traced("uncharge", then, "hca_object", 0, NO_LIMIT, 1);
	expect_nr("pool_free", then, 0);
	expect(!remove_device(LONG_NAME), "remove it");
	expect_nr("pool_free", then, 1);
	expect_nr("charge", traced(cgroup, RXE_NAME), 0);
	return KSFT_PASS;
}

/* How many lines of the kernel's log have this text. */
static int nr_logged(const char *text)
{
	int size = klogctl(10, NULL, 0), len, nr = 0;
	char *log = calloc(1, size + 1), *at = log;

	len = log ? klogctl(3, log, size) : -1;
	if (len < 0)
		fail(HERE, "read the kernel's log: %s", strerror(errno));
	while ((at = strstr(at, text))) {
		nr++;
		at++;
	}
	free(log);
	return nr;
}

static int test_first_refusal_is_logged_once(const char *root)
{
	static const char by_parent[] = "/logs (limit 2)\n";
	static const char by_leaf[] = "/logs/a (limit 1)\n";
	static const char message[] =
		"cgroup: hca_object on " RXE_NAME " rejected by rdma controller in /";
	char *parent = new_cgroup(root, "logs");
	char *leaf = new_cgroup(parent, "a");
	int before = nr_logged(by_parent), before_leaf = nr_logged(by_leaf);
	int messages = nr_logged(message);
	struct holder holder;
	int i;

	set_limit(parent, rxe(), "hca_object=2");
	holder = hold_pds(leaf, rxe(), 2);
	for (i = 0; i < 50; i++)
		expect_refusal_after(&holder, PD, 0);
	expect(becomes(nr_logged(by_parent) == before + 1), "%d lines",
	       nr_logged(by_parent) - before);

	/* Another limit is news. */
	set_limit(leaf, rxe(), "hca_object=1");
	expect_refusal_after(&holder, PD, 0);
	expect(becomes(nr_logged(by_leaf) == before_leaf + 1), "no line");
	expect(nr_logged(by_parent) == before + 1, "the parent's again");
	expect(nr_logged(message) == messages + 2, "no '%s'", message);
	return KSFT_PASS;
}

static const struct rdma_test tests[] = {
	T(test_query_tells_limit_on_rxe),
	T(test_query_tells_limit_on_siw),
	T(test_query_tells_lowest_limit),
	T(test_query_tells_limit_of_caller),
	T(test_devinfo_tells_limit),
	T(test_trace_of_charges),
	T(test_trace_of_limits_and_pools),
	T(test_trace_of_other_device),
	T(test_first_refusal_is_logged_once),
};

int main(int argc, char **argv)
{
	run_rdma_tests(argc, argv, tests, ARRAY_SIZE(tests));
}
