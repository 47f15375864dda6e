/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints that nobody listens to. */
#ifndef _SHIM_LINUX_TRACEPOINT_H
#define _SHIM_LINUX_TRACEPOINT_H

#define TP_PROTO(args...)	args
#define TP_ARGS(args...)	args

#define DECLARE_EVENT_CLASS(class, proto, args...)
#define DEFINE_EVENT(class, name, proto, args)			\
	static inline void trace_##name(proto)			\
	{							\
	}							\
	static inline bool trace_##name##_enabled(void)		\
	{							\
		return false;					\
	}
#define TRACE_EVENT(name, proto, args, rest...)	\
	DEFINE_EVENT(, name, PARAMS(proto), PARAMS(args))
#define PARAMS(args...)		args

#endif
