// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the programs would do with a packet of one flow, as the tables are now: the same service,
 * the same row and the same look into the flow table (bpf/target.h, bpf/select.h). Nothing is
 * changed, nothing is sent. What only the kernel knows, a pod's own sockets, is not asked.
 */
#pragma once

#include "lb/lb.h"

#include <stdbool.h>

#define LB_TRACE_CANDIDATES 4

struct lb_trace_flow {
	struct lb_key key; /* that it is sent to */
	struct ip_addr client;
	uint16_t client_port; /* host order */
};

enum lb_trace_entry { LB_TRACE_NO_ENTRY, LB_TRACE_NEW, LB_TRACE_ESTABLISHED, LB_TRACE_CLOSING };

/* As what a flow comes to a backend that answers this node (LB_BY_NAT). */
struct lb_trace_nat {
	struct ip_addr own;
	uint16_t port; /* host order; 0: it has none */
	enum lb_trace_entry entry;
};

struct lb_trace_candidate {
	struct lb_target target; /* as dump() tells it */
	bool is_gone;            /* it was taken away; readers of old rows may still see it */
	enum lb_trace_entry entry;
	struct lb_trace_nat nat;
};

struct lb_trace {
	bool has_vip;         /* the address is one of ours */
	bool has_port;        /* ... and this port of it is served; else nothing below is told */
	uint32_t flags;       /* LB_F_* */
	uint32_t row, n_rows; /* n_rows 0: it has none, and nobody is chosen */
	bool is_settled;      /* all flows of the row are the first candidate's */
	struct lb_trace_candidate candidates[LB_TRACE_CANDIDATES];
	size_t n;
	int chosen;    /* the candidate that has the flow, or would get it; -1: none */
	bool by_entry; /* ... since the flow table names it */
};
