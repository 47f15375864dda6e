// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of which rxe or siw has at least one, with values that are taken, and
 * how often each is made. Where calls need more than the right kinds of values to
 * succeed, as a QP that changes its state, there are several.
 */
#include "fuzz.h"

#define FIELDS(...)	(const struct field[]){ __VA_ARGS__, {} }
#define AT(type, member, ...)						\
	{ .at = offsetof(struct ib_uverbs_##type, member),		\
	  .size = sizeof(((struct ib_uverbs_##type *)0)->member),	\
	  .what = __VA_ARGS__ }

#define PLAIN(name, type)						\
	.number = IB_USER_VERBS_CMD_##name, .in = sizeof(struct ib_uverbs_##type)
#define EXTENDED(name, type)						\
	.number = IB_USER_VERBS_EX_CMD_##name, .extended = true,	\
	.in = sizeof(struct ib_uverbs_##type)
#define ANSWER(type)	.out = sizeof(struct ib_uverbs_##type)
#define MAKES(kind, type, member)					\
	.makes = UVERBS_OBJECT_##kind, ANSWER(type),			\
	.made_at = offsetof(struct ib_uverbs_##type, member)
#define DROPS(kind, type, member)					\
	.drops = UVERBS_OBJECT_##kind,					\
	.fields = FIELDS(AT(type, member, V_HANDLE, UVERBS_OBJECT_##kind))

/* Those of enum ib_access_flags that a user may ask for. */
#define ACCESS		0x3f

#define AH_ATTR(type, member)						\
	AT(type, member.grh.dgid, V_GID),				\
	AT(type, member.grh.hop_limit, V_CONST, 1),			\
	AT(type, member.is_global, V_CONST, 1),				\
	AT(type, member.port_num, V_CONST, 1)

#define QP_FIELDS(type, qp_kind)					\
	AT(type, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),		\
	AT(type, send_cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),		\
	AT(type, recv_cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),		\
	AT(type, max_send_wr, V_SIZE, 16),				\
	AT(type, max_recv_wr, V_NUMBER, 16),				\
	AT(type, max_send_sge, V_SIZE, 4),				\
	AT(type, max_recv_sge, V_NUMBER, 4),				\
	AT(type, max_inline_data, V_NUMBER, 64),			\
	AT(type, sq_sig_all, V_NUMBER, 1),				\
	AT(type, qp_type, V_CONST, qp_kind)

#define WITH_SRQ(type)							\
	AT(type, is_srq, V_CONST, 1),					\
	AT(type, srq_handle, V_HANDLE, UVERBS_OBJECT_SRQ)

/* From one state to the next, by what is said of it. */
#define MOVES(mask, state, ...)						\
	PLAIN(MODIFY_QP, modify_qp),					\
	.fields = FIELDS(						\
		AT(modify_qp, qp_handle, V_HANDLE, UVERBS_OBJECT_QP),	\
		AT(modify_qp, attr_mask, V_CONST, mask),		\
		AT(modify_qp, qp_state, V_CONST, state),		\
		AT(modify_qp, port_num, V_CONST, 1), ##__VA_ARGS__)

#define TO_INIT		1
#define TO_RTR		2
#define TO_RTS		3
#define TO_ERROR	6

/* Work requests behind a post, one of each sort. */
struct ib_uverbs_one_send {
	struct ib_uverbs_post_send head;
	struct ib_uverbs_send_wr wr;
	struct ib_uverbs_sge sge;
};

struct ib_uverbs_one_recv {
	struct ib_uverbs_post_recv head;
	struct ib_uverbs_recv_wr wr;
	struct ib_uverbs_sge sge;
};

#define SGE_FIELDS(type)						\
	AT(type, wr.num_sge, V_NUMBER, 1),				\
	AT(type, sge.addr, V_MEMORY),					\
	AT(type, sge.length, V_NUMBER, 4096),				\
	AT(type, sge.lkey, V_ANSWERED)

#define POSTS_RECV(kind)						\
	.in = sizeof(struct ib_uverbs_one_recv),			\
	ANSWER(post_recv_resp),						\
	.fields = FIELDS(						\
		AT(one_recv, head.qp_handle, V_HANDLE, UVERBS_OBJECT_##kind),	\
		AT(one_recv, head.wr_count, V_CONST, 1),		\
		AT(one_recv, head.sge_count, V_CONST, 1),		\
		AT(one_recv, head.wqe_size, V_CONST,			\
		   sizeof(struct ib_uverbs_recv_wr)),			\
		SGE_FIELDS(one_recv))

const struct command commands[] = {
	/* A file has one context: this fails but for the first. */
	{
		.weight = 1, PLAIN(GET_CONTEXT, get_context), .driver = true,
		MAKES(ASYNC_EVENT, get_context_resp, async_fd),
	}, {
		.weight = 1, PLAIN(QUERY_DEVICE, query_device),
		ANSWER(query_device_resp),
	}, {
		.weight = 1, PLAIN(QUERY_PORT, query_port),
		ANSWER(query_port_resp),
		.fields = FIELDS(AT(query_port, port_num, V_CONST, 1)),
	}, {
		.weight = 1, EXTENDED(QUERY_DEVICE, ex_query_device),
		ANSWER(ex_query_device_resp),
	},

	{
		.weight = 4, PLAIN(ALLOC_PD, alloc_pd), .driver = true,
		MAKES(PD, alloc_pd_resp, pd_handle),
	}, {
		.weight = 1, PLAIN(DEALLOC_PD, dealloc_pd),
		DROPS(PD, dealloc_pd, pd_handle),
	},

	{
		.weight = 3, PLAIN(CREATE_AH, create_ah), .driver = true,
		MAKES(AH, create_ah_resp, ah_handle),
		.fields = FIELDS(
			AT(create_ah, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AH_ATTR(create_ah, attr)),
	}, {
		.weight = 1, PLAIN(DESTROY_AH, destroy_ah),
		DROPS(AH, destroy_ah, ah_handle),
	},

	{
		.weight = 5, PLAIN(REG_MR, reg_mr), .driver = true,
		.driver_in = 8, MAKES(MR, reg_mr_resp, mr_handle),
		.fields = FIELDS(
			AT(reg_mr, start, V_MEMORY),
			AT(reg_mr, length, V_SIZE, 20000),
			AT(reg_mr, hca_va, V_MEMORY),
			AT(reg_mr, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(reg_mr, access_flags, V_FLAGS, ACCESS)),
	}, {
		.weight = 2, PLAIN(REREG_MR, rereg_mr), .driver = true,
		ANSWER(rereg_mr_resp),
		.fields = FIELDS(
			AT(rereg_mr, mr_handle, V_HANDLE, UVERBS_OBJECT_MR),
			AT(rereg_mr, flags, V_FLAGS, 7),
			AT(rereg_mr, start, V_MEMORY),
			AT(rereg_mr, length, V_SIZE, 20000),
			AT(rereg_mr, hca_va, V_MEMORY),
			AT(rereg_mr, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(rereg_mr, access_flags, V_FLAGS, ACCESS)),
	}, {
		.weight = 1, PLAIN(DEREG_MR, dereg_mr),
		DROPS(MR, dereg_mr, mr_handle),
	},

	{
		.weight = 3, PLAIN(ALLOC_MW, alloc_mw), .driver = true,
		MAKES(MW, alloc_mw_resp, mw_handle),
		.fields = FIELDS(
			AT(alloc_mw, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(alloc_mw, mw_type, V_SIZE, 2)),
	}, {
		.weight = 1, PLAIN(DEALLOC_MW, dealloc_mw),
		DROPS(MW, dealloc_mw, mw_handle),
	},

	{
		.weight = 2, PLAIN(CREATE_COMP_CHANNEL, create_comp_channel),
		MAKES(COMP_CHANNEL, create_comp_channel_resp, fd),
	}, {
		.weight = 4, PLAIN(CREATE_CQ, create_cq), .driver = true,
		MAKES(CQ, create_cq_resp, cq_handle),
		.fields = FIELDS(
			AT(create_cq, cqe, V_SIZE, 64),
			AT(create_cq, comp_channel, V_EVENTS,
			   UVERBS_OBJECT_COMP_CHANNEL)),
	}, {
		.weight = 3, EXTENDED(CREATE_CQ, ex_create_cq), .driver = true,
		MAKES(CQ, ex_create_cq_resp, base.cq_handle),
		.fields = FIELDS(
			AT(ex_create_cq, cqe, V_SIZE, 64),
			AT(ex_create_cq, comp_channel, V_EVENTS,
			   UVERBS_OBJECT_COMP_CHANNEL)),
	}, {
		.weight = 2, PLAIN(RESIZE_CQ, resize_cq), .driver = true,
		ANSWER(resize_cq_resp),
		.fields = FIELDS(
			AT(resize_cq, cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),
			AT(resize_cq, cqe, V_SIZE, 200)),
	}, {
		.weight = 1, PLAIN(POLL_CQ, poll_cq),
		.out = sizeof(struct ib_uverbs_poll_cq_resp) +
		       4 * sizeof(struct ib_uverbs_wc),
		.fields = FIELDS(
			AT(poll_cq, cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),
			AT(poll_cq, ne, V_NUMBER, 4)),
	}, {
		.weight = 1, PLAIN(REQ_NOTIFY_CQ, req_notify_cq),
		.fields = FIELDS(
			AT(req_notify_cq, cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),
			AT(req_notify_cq, solicited_only, V_NUMBER, 1)),
	}, {
		.weight = 1, PLAIN(DESTROY_CQ, destroy_cq),
		ANSWER(destroy_cq_resp), DROPS(CQ, destroy_cq, cq_handle),
	},

	{
		.weight = 3, PLAIN(CREATE_SRQ, create_srq), .driver = true,
		MAKES(SRQ, create_srq_resp, srq_handle),
		.fields = FIELDS(
			AT(create_srq, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(create_srq, max_wr, V_SIZE, 32),
			AT(create_srq, max_sge, V_SIZE, 4),
			AT(create_srq, srq_limit, V_NUMBER, 1)),
	}, {
		.weight = 1, PLAIN(CREATE_XSRQ, create_xsrq), .driver = true,
		MAKES(SRQ, create_srq_resp, srq_handle),
		.fields = FIELDS(
			AT(create_xsrq, srq_type, V_NUMBER, 2),
			AT(create_xsrq, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(create_xsrq, max_wr, V_SIZE, 32),
			AT(create_xsrq, max_sge, V_SIZE, 4),
			AT(create_xsrq, xrcd_handle, V_MAYBE, UVERBS_OBJECT_XRCD),
			AT(create_xsrq, cq_handle, V_MAYBE, UVERBS_OBJECT_CQ)),
	}, {
		.weight = 2, PLAIN(MODIFY_SRQ, modify_srq), .driver = true,
		.driver_in = 8,
		.fields = FIELDS(
			AT(modify_srq, srq_handle, V_HANDLE, UVERBS_OBJECT_SRQ),
			AT(modify_srq, attr_mask, V_FLAGS, 3),
			AT(modify_srq, max_wr, V_SIZE, 64),
			AT(modify_srq, srq_limit, V_NUMBER, 4),
			/* For rxe: where to tell of the new queue. */
			{ .at = sizeof(struct ib_uverbs_modify_srq),
			  .size = 8, .what = V_ANSWER }),
	}, {
		.weight = 1, PLAIN(QUERY_SRQ, query_srq), ANSWER(query_srq_resp),
		.fields = FIELDS(
			AT(query_srq, srq_handle, V_HANDLE, UVERBS_OBJECT_SRQ)),
	}, {
		.weight = 1, .number = IB_USER_VERBS_CMD_POST_SRQ_RECV,
		POSTS_RECV(SRQ),
	}, {
		.weight = 1, PLAIN(DESTROY_SRQ, destroy_srq),
		ANSWER(destroy_srq_resp), DROPS(SRQ, destroy_srq, srq_handle),
	},

	{
		.weight = 4, PLAIN(CREATE_QP, create_qp), .driver = true,
		MAKES(QP, create_qp_resp, qp_handle),
		.fields = FIELDS(QP_FIELDS(create_qp, IB_UVERBS_QPT_RC)),
	}, {
		.weight = 2, PLAIN(CREATE_QP, create_qp), .driver = true,
		MAKES(QP, create_qp_resp, qp_handle),
		.fields = FIELDS(QP_FIELDS(create_qp, IB_UVERBS_QPT_UD)),
	}, {
		.weight = 2, PLAIN(CREATE_QP, create_qp), .driver = true,
		MAKES(QP, create_qp_resp, qp_handle),
		.fields = FIELDS(QP_FIELDS(create_qp, IB_UVERBS_QPT_RC),
				 WITH_SRQ(create_qp)),
	}, {
		.weight = 2, EXTENDED(CREATE_QP, ex_create_qp), .driver = true,
		MAKES(QP, ex_create_qp_resp, base.qp_handle),
		.fields = FIELDS(QP_FIELDS(ex_create_qp, IB_UVERBS_QPT_UC)),
	}, {
		.weight = 1, PLAIN(OPEN_QP, open_qp), .driver = true,
		MAKES(QP, create_qp_resp, qp_handle),
		.fields = FIELDS(
			AT(open_qp, pd_handle, V_MAYBE, UVERBS_OBJECT_XRCD),
			AT(open_qp, qpn, V_ANSWERED),
			AT(open_qp, qp_type, V_CONST, IB_UVERBS_QPT_XRC_TGT)),
	}, {
		.weight = 1, PLAIN(QUERY_QP, query_qp), ANSWER(query_qp_resp),
		.fields = FIELDS(
			AT(query_qp, qp_handle, V_HANDLE, UVERBS_OBJECT_QP),
			AT(query_qp, attr_mask, V_FLAGS, 0x1fffff)),
	}, {
		/* Connected ones: state, access, P_Key, port. */
		.weight = 3, MOVES(0x39, TO_INIT,
			AT(modify_qp, qp_access_flags, V_FLAGS, ACCESS)),
	}, {
		/* Datagrams: state, P_Key, port, Q_Key. */
		.weight = 2, MOVES(0x71, TO_INIT,
			AT(modify_qp, qkey, V_CONST, 1)),
	}, {
		/* RC: state, address, MTU, PSN, reads, RNR timer, other QP. */
		.weight = 3, MOVES(0x129181, TO_RTR,
			AT(modify_qp, dest.dgid, V_GID),
			AT(modify_qp, dest.is_global, V_CONST, 1),
			AT(modify_qp, dest.port_num, V_CONST, 1),
			AT(modify_qp, dest.hop_limit, V_CONST, 1),
			AT(modify_qp, dest_qp_num, V_ANSWERED),
			AT(modify_qp, path_mtu, V_SIZE, 5),
			AT(modify_qp, max_dest_rd_atomic, V_NUMBER, 4),
			AT(modify_qp, min_rnr_timer, V_NUMBER, 31)),
	}, {
		.weight = 1, MOVES(1, TO_RTR),
	}, {
		/* RC: state, timeout, retries, PSN, reads. */
		.weight = 2, MOVES(0x12e01, TO_RTS,
			AT(modify_qp, timeout, V_NUMBER, 31),
			AT(modify_qp, retry_cnt, V_NUMBER, 7),
			AT(modify_qp, rnr_retry, V_NUMBER, 7),
			AT(modify_qp, max_rd_atomic, V_NUMBER, 4)),
	}, {
		.weight = 1, MOVES(0x10001, TO_RTS),
	}, {
		.weight = 1, MOVES(1, TO_ERROR),
	}, {
		.weight = 1, MOVES(1, 0),
	}, {
		.weight = 1, EXTENDED(MODIFY_QP, ex_modify_qp), .driver = true,
		ANSWER(ex_modify_qp_resp),
		.fields = FIELDS(
			AT(ex_modify_qp, base.qp_handle, V_HANDLE, UVERBS_OBJECT_QP),
			AT(ex_modify_qp, base.attr_mask, V_FLAGS, 0x3ffffff),
			AT(ex_modify_qp, base.qp_state, V_NUMBER, 6),
			AT(ex_modify_qp, base.port_num, V_CONST, 1)),
	}, {
		.weight = 1, .number = IB_USER_VERBS_CMD_POST_SEND,
		.in = sizeof(struct ib_uverbs_one_send),
		ANSWER(post_send_resp),
		.fields = FIELDS(
			AT(one_send, head.qp_handle, V_HANDLE, UVERBS_OBJECT_QP),
			AT(one_send, head.wr_count, V_CONST, 1),
			AT(one_send, head.sge_count, V_CONST, 1),
			AT(one_send, head.wqe_size, V_CONST,
			   sizeof(struct ib_uverbs_send_wr)),
			AT(one_send, wr.opcode, V_NUMBER, 15),
			AT(one_send, wr.send_flags, V_FLAGS, 0x1f),
			AT(one_send, wr.wr.ud.ah, V_MAYBE, UVERBS_OBJECT_AH),
			SGE_FIELDS(one_send)),
	}, {
		.weight = 1, .number = IB_USER_VERBS_CMD_POST_RECV,
		POSTS_RECV(QP),
	}, {
		.weight = 2, PLAIN(ATTACH_MCAST, attach_mcast),
		.fields = FIELDS(
			AT(attach_mcast, gid, V_GID),
			AT(attach_mcast, qp_handle, V_HANDLE, UVERBS_OBJECT_QP)),
	}, {
		.weight = 1, PLAIN(DETACH_MCAST, detach_mcast),
		.fields = FIELDS(
			AT(detach_mcast, gid, V_GID),
			AT(detach_mcast, qp_handle, V_HANDLE, UVERBS_OBJECT_QP)),
	}, {
		.weight = 1, PLAIN(DESTROY_QP, destroy_qp),
		ANSWER(destroy_qp_resp), DROPS(QP, destroy_qp, qp_handle),
	},

	/* Those that neither driver has are to be refused. */
	{
		.weight = 1, PLAIN(OPEN_XRCD, open_xrcd), .driver = true,
		MAKES(XRCD, open_xrcd_resp, xrcd_handle),
		.fields = FIELDS(AT(open_xrcd, fd, V_CONST, -1)),
	}, {
		.weight = 1, EXTENDED(CREATE_FLOW, create_flow),
		MAKES(FLOW, create_flow_resp, flow_handle),
		.fields = FIELDS(
			AT(create_flow, qp_handle, V_HANDLE, UVERBS_OBJECT_QP)),
	}, {
		.weight = 1, EXTENDED(CREATE_WQ, ex_create_wq), .driver = true,
		MAKES(WQ, ex_create_wq_resp, wq_handle),
		.fields = FIELDS(
			AT(ex_create_wq, pd_handle, V_HANDLE, UVERBS_OBJECT_PD),
			AT(ex_create_wq, cq_handle, V_HANDLE, UVERBS_OBJECT_CQ),
			AT(ex_create_wq, max_wr, V_SIZE, 16),
			AT(ex_create_wq, max_sge, V_SIZE, 4)),
	},
};

const int nr_commands = ARRAY_SIZE(commands);

#define ATTRS(...)	(const struct attr[]){ __VA_ARGS__, {} }
#define IDR(name, object)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_IDR, .arg = UVERBS_OBJECT_##object }
#define MAY_IDR(name, object)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_IDR, .optional = true,	\
	  .arg = UVERBS_OBJECT_##object }
#define MAY_FD(name, object)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_FD, .optional = true,	\
	  .arg = UVERBS_OBJECT_##object }
#define NEW(name, object)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_NEW, .arg = UVERBS_OBJECT_##object }
#define DROP(name, object)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_DROP, .arg = UVERBS_OBJECT_##object }
#define IN(name, bytes, ...)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_IN, .size = bytes,	\
	  .what = __VA_ARGS__ }
#define MAY_IN(name, bytes, ...)					\
	{ .id = UVERBS_ATTR_##name, .kind = A_IN, .optional = true,	\
	  .size = bytes, .what = __VA_ARGS__ }
#define IN_STRUCT(name, type, ...)					\
	{ .id = UVERBS_ATTR_##name, .kind = A_IN,			\
	  .size = sizeof(struct ib_uverbs_##type), .fields = FIELDS(__VA_ARGS__) }
#define OUT(name, bytes)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_OUT, .size = bytes }
#define MAY_OUT(name, bytes)						\
	{ .id = UVERBS_ATTR_##name, .kind = A_OUT, .optional = true, .size = bytes }
/* For the driver. */
#define UHW	OUT(UHW_OUT, 48)

#define DESTROYS(kind)							\
	.weight = 1, .object = UVERBS_OBJECT_##kind,			\
	.method = UVERBS_METHOD_##kind##_DESTROY,			\
	.attrs = ATTRS(DROP(DESTROY_##kind##_HANDLE, kind))

#define QP_ATTRS(type)							\
	NEW(CREATE_QP_HANDLE, QP),					\
	IDR(CREATE_QP_PD_HANDLE, PD),					\
	IDR(CREATE_QP_SEND_CQ_HANDLE, CQ),				\
	IDR(CREATE_QP_RECV_CQ_HANDLE, CQ),				\
	MAY_IDR(CREATE_QP_SRQ_HANDLE, SRQ),				\
	MAY_FD(CREATE_QP_EVENT_FD, ASYNC_EVENT),			\
	IN(CREATE_QP_USER_HANDLE, 8, V_NUMBER, 100),			\
	IN_STRUCT(CREATE_QP_CAP, qp_cap,				\
		  AT(qp_cap, max_send_wr, V_SIZE, 16),			\
		  AT(qp_cap, max_recv_wr, V_NUMBER, 16),		\
		  AT(qp_cap, max_send_sge, V_SIZE, 4),			\
		  AT(qp_cap, max_recv_sge, V_NUMBER, 4)),		\
	IN(CREATE_QP_TYPE, 8, V_CONST, type),				\
	MAY_IN(CREATE_QP_FLAGS, 8, V_CONST, 0),				\
	OUT(CREATE_QP_RESP_CAP, sizeof(struct ib_uverbs_qp_cap)),	\
	OUT(CREATE_QP_RESP_QP_NUM, 4),					\
	UHW

const struct method methods[] = {
	{
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_GET_CONTEXT,
		.attrs = ATTRS(MAY_OUT(GET_CONTEXT_NUM_COMP_VECTORS, 4),
			       MAY_OUT(GET_CONTEXT_CORE_SUPPORT, 8), UHW),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_QUERY_CONTEXT,
		.attrs = ATTRS(MAY_OUT(QUERY_CONTEXT_NUM_COMP_VECTORS, 4),
			       MAY_OUT(QUERY_CONTEXT_CORE_SUPPORT, 8)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_INFO_HANDLES,
		.attrs = ATTRS(IN(INFO_OBJECT_ID, 8, V_NUMBER, NR_OBJECTS),
			       MAY_OUT(INFO_TOTAL_HANDLES, 4),
			       OUT(INFO_HANDLES_LIST, 64)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_QUERY_PORT,
		.attrs = ATTRS(IN(QUERY_PORT_PORT_NUM, 8, V_CONST, 1),
			       OUT(QUERY_PORT_RESP,
				   sizeof(struct ib_uverbs_query_port_resp_ex))),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_QUERY_GID_TABLE,
		.attrs = ATTRS(IN(QUERY_GID_TABLE_ENTRY_SIZE, 8, V_CONST,
				  sizeof(struct ib_uverbs_gid_entry)),
			       MAY_IN(QUERY_GID_TABLE_FLAGS, 8, V_CONST, 0),
			       OUT(QUERY_GID_TABLE_RESP_ENTRIES,
				   8 * sizeof(struct ib_uverbs_gid_entry)),
			       OUT(QUERY_GID_TABLE_RESP_NUM_ENTRIES, 8)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DEVICE,
		.method = UVERBS_METHOD_QUERY_GID_ENTRY,
		.attrs = ATTRS(IN(QUERY_GID_ENTRY_PORT, 8, V_CONST, 1),
			       IN(QUERY_GID_ENTRY_GID_INDEX, 8, V_NUMBER, 3),
			       IN(QUERY_GID_ENTRY_FLAGS, 8, V_CONST, 0),
			       OUT(QUERY_GID_ENTRY_RESP_ENTRY,
				   sizeof(struct ib_uverbs_gid_entry))),
	}, {
		.weight = 2, .object = UVERBS_OBJECT_ASYNC_EVENT,
		.method = UVERBS_METHOD_ASYNC_EVENT_ALLOC,
		.attrs = ATTRS({ .id = UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE,
				 .kind = A_NEW_FD,
				 .arg = UVERBS_OBJECT_ASYNC_EVENT }),
	}, {
		.weight = 4, .object = UVERBS_OBJECT_CQ,
		.method = UVERBS_METHOD_CQ_CREATE,
		.attrs = ATTRS(NEW(CREATE_CQ_HANDLE, CQ),
			       IN(CREATE_CQ_CQE, 4, V_SIZE, 64),
			       IN(CREATE_CQ_USER_HANDLE, 8, V_NUMBER, 100),
			       IN(CREATE_CQ_COMP_VECTOR, 4, V_CONST, 0),
			       MAY_FD(CREATE_CQ_COMP_CHANNEL, COMP_CHANNEL),
			       MAY_FD(CREATE_CQ_EVENT_FD, ASYNC_EVENT),
			       OUT(CREATE_CQ_RESP_CQE, 4), UHW),
	}, {
		.weight = 4, .object = UVERBS_OBJECT_QP,
		.method = UVERBS_METHOD_QP_CREATE,
		.attrs = ATTRS(QP_ATTRS(IB_UVERBS_QPT_RC)),
	}, {
		.weight = 2, .object = UVERBS_OBJECT_QP,
		.method = UVERBS_METHOD_QP_CREATE,
		.attrs = ATTRS(QP_ATTRS(IB_UVERBS_QPT_UD)),
	}, {
		.weight = 3, .object = UVERBS_OBJECT_SRQ,
		.method = UVERBS_METHOD_SRQ_CREATE,
		.attrs = ATTRS(NEW(CREATE_SRQ_HANDLE, SRQ),
			       IDR(CREATE_SRQ_PD_HANDLE, PD),
			       IN(CREATE_SRQ_TYPE, 8, V_CONST, 0),
			       IN(CREATE_SRQ_USER_HANDLE, 8, V_NUMBER, 100),
			       IN(CREATE_SRQ_MAX_WR, 4, V_SIZE, 32),
			       IN(CREATE_SRQ_MAX_SGE, 4, V_SIZE, 4),
			       IN(CREATE_SRQ_LIMIT, 4, V_NUMBER, 1),
			       MAY_FD(CREATE_SRQ_EVENT_FD, ASYNC_EVENT),
			       OUT(CREATE_SRQ_RESP_MAX_WR, 4),
			       OUT(CREATE_SRQ_RESP_MAX_SGE, 4),
			       OUT(CREATE_SRQ_RESP_SRQ_NUM, 4), UHW),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_MR,
		.method = UVERBS_METHOD_QUERY_MR,
		.attrs = ATTRS(IDR(QUERY_MR_HANDLE, MR),
			       OUT(QUERY_MR_RESP_LKEY, 4),
			       OUT(QUERY_MR_RESP_RKEY, 4),
			       OUT(QUERY_MR_RESP_LENGTH, 8),
			       MAY_OUT(QUERY_MR_RESP_IOVA, 8)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_MR,
		.method = UVERBS_METHOD_ADVISE_MR,
		.attrs = ATTRS(IDR(ADVISE_MR_PD_HANDLE, PD),
			       IN(ADVISE_MR_ADVICE, 8, V_NUMBER, 2),
			       IN(ADVISE_MR_FLAGS, 8, V_FLAGS, 1),
			       IN_STRUCT(ADVISE_MR_SGE_LIST, sge,
					 AT(sge, addr, V_MEMORY),
					 AT(sge, length, V_SIZE, 4096),
					 AT(sge, lkey, V_ANSWERED))),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_MR,
		.method = UVERBS_METHOD_REG_DMABUF_MR,
		.attrs = ATTRS(NEW(REG_DMABUF_MR_HANDLE, MR),
			       IDR(REG_DMABUF_MR_PD_HANDLE, PD),
			       IN(REG_DMABUF_MR_OFFSET, 8, V_CONST, 0),
			       IN(REG_DMABUF_MR_LENGTH, 8, V_SIZE, 4096),
			       IN(REG_DMABUF_MR_IOVA, 8, V_CONST, 0),
			       IN(REG_DMABUF_MR_FD, 4, V_NUMBER, 20),
			       MAY_IN(REG_DMABUF_MR_ACCESS_FLAGS, 8, V_FLAGS, ACCESS),
			       OUT(REG_DMABUF_MR_RESP_LKEY, 4),
			       OUT(REG_DMABUF_MR_RESP_RKEY, 4)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_DM,
		.method = UVERBS_METHOD_DM_ALLOC,
		.attrs = ATTRS(NEW(ALLOC_DM_HANDLE, DM),
			       IN(ALLOC_DM_LENGTH, 8, V_SIZE, 4096),
			       IN(ALLOC_DM_ALIGNMENT, 4, V_CONST, 0)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_COUNTERS,
		.method = UVERBS_METHOD_COUNTERS_CREATE,
		.attrs = ATTRS(NEW(CREATE_COUNTERS_HANDLE, COUNTERS)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_CQ,
		.method = UVERBS_METHOD_CQ_DESTROY,
		.attrs = ATTRS(DROP(DESTROY_CQ_HANDLE, CQ),
			       OUT(DESTROY_CQ_RESP, 8)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_QP,
		.method = UVERBS_METHOD_QP_DESTROY,
		.attrs = ATTRS(DROP(DESTROY_QP_HANDLE, QP),
			       OUT(DESTROY_QP_RESP, 4)),
	}, {
		.weight = 1, .object = UVERBS_OBJECT_SRQ,
		.method = UVERBS_METHOD_SRQ_DESTROY,
		.attrs = ATTRS(DROP(DESTROY_SRQ_HANDLE, SRQ),
			       OUT(DESTROY_SRQ_RESP, 4)),
	},
	{ DESTROYS(PD) },
	{ DESTROYS(AH) },
	{ DESTROYS(MR) },
	{ DESTROYS(MW) },
};

const int nr_methods = ARRAY_SIZE(methods);

bool is_fd(unsigned int kind)
{
	return kind == UVERBS_OBJECT_COMP_CHANNEL ||
	       kind == UVERBS_OBJECT_ASYNC_EVENT;
}
