/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rdmacg

#if !defined(_TRACE_RDMACG_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_RDMACG_H

#include <linux/cgroup_rdma.h>
#include <linux/tracepoint.h>

#define RDMACG_TRACE_RESOURCE_LEN 32

/*
 * The cgroup is given by its ID, in cgroup v2 the inode number of its
 * directory. Names are kept in arrays, as __assign_str() is not the same in
 * all kernels.
 */

DECLARE_EVENT_CLASS(rdmacg_count,

	TP_PROTO(u64 cgroup, const char *device, const char *resource,
		 int usage, int limit),

	TP_ARGS(cgroup, device, resource, usage, limit),

	TP_STRUCT__entry(
		__field(u64, cgroup)
		__array(char, device, RDMACG_DEVICE_NAME_MAX)
		__array(char, resource, RDMACG_TRACE_RESOURCE_LEN)
		__field(int, usage)
		__field(int, limit)
	),

	TP_fast_assign(
		__entry->cgroup = cgroup;
		strscpy(__entry->device, device, RDMACG_DEVICE_NAME_MAX);
		strscpy(__entry->resource, resource, RDMACG_TRACE_RESOURCE_LEN);
		__entry->usage = usage;
		__entry->limit = limit;
	),

	TP_printk("cgroup=%llu device=%s resource=%s usage=%d limit=%d",
		  __entry->cgroup, __entry->device, __entry->resource,
		  __entry->usage, __entry->limit)
);

/* Usage and limit are those of the task's own cgroup, after the charge. */
DEFINE_EVENT(rdmacg_count, rdmacg_charge,
	TP_PROTO(u64 cgroup, const char *device, const char *resource,
		 int usage, int limit),
	TP_ARGS(cgroup, device, resource, usage, limit)
);

/* Those of the cgroup that was charged, after the uncharge. */
DEFINE_EVENT(rdmacg_count, rdmacg_uncharge,
	TP_PROTO(u64 cgroup, const char *device, const char *resource,
		 int usage, int limit),
	TP_ARGS(cgroup, device, resource, usage, limit)
);

/* Those of the cgroup whose limit refused. */
DEFINE_EVENT(rdmacg_count, rdmacg_refuse,
	TP_PROTO(u64 cgroup, const char *device, const char *resource,
		 int usage, int limit),
	TP_ARGS(cgroup, device, resource, usage, limit)
);

/* A limit was written: the limit is the new one. */
DEFINE_EVENT(rdmacg_count, rdmacg_limit,
	TP_PROTO(u64 cgroup, const char *device, const char *resource,
		 int usage, int limit),
	TP_ARGS(cgroup, device, resource, usage, limit)
);

DECLARE_EVENT_CLASS(rdmacg_pool,

	TP_PROTO(u64 cgroup, const char *device),

	TP_ARGS(cgroup, device),

	TP_STRUCT__entry(
		__field(u64, cgroup)
		__array(char, device, RDMACG_DEVICE_NAME_MAX)
	),

	TP_fast_assign(
		__entry->cgroup = cgroup;
		strscpy(__entry->device, device, RDMACG_DEVICE_NAME_MAX);
	),

	TP_printk("cgroup=%llu device=%s", __entry->cgroup, __entry->device)
);

DEFINE_EVENT(rdmacg_pool, rdmacg_pool_make,
	TP_PROTO(u64 cgroup, const char *device),
	TP_ARGS(cgroup, device)
);

DEFINE_EVENT(rdmacg_pool, rdmacg_pool_free,
	TP_PROTO(u64 cgroup, const char *device),
	TP_ARGS(cgroup, device)
);

#endif /* _TRACE_RDMACG_H */

#include <trace/define_trace.h>
