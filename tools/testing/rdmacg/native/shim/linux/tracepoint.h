/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of which only the device's name is kept: see shim_traced_device(). */
#ifndef _SHIM_LINUX_TRACEPOINT_H
#define _SHIM_LINUX_TRACEPOINT_H

#define TP_PROTO(args...)	args
#define TP_ARGS(args...)	args

#define DECLARE_EVENT_CLASS(class, proto, args...)
#ifdef SHIM_DEBUG
extern __thread bool shim_tracing;
void shim_trace(u64 cgroup, const char *device, ...);
#else
#define shim_tracing		false
#define shim_trace(args...)	do { } while (0)
#endif

#define DEFINE_EVENT(class, name, proto, args)			\
	static inline void trace_##name(proto)			\
	{							\
		shim_trace(args);				\
	}							\
	static inline bool trace_##name##_enabled(void)		\
	{							\
		return shim_tracing;				\
	}
#define TRACE_EVENT(name, proto, args, rest...)	\
	DEFINE_EVENT(, name, PARAMS(proto), PARAMS(args))
#define PARAMS(args...)		args

#endif
