/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a packet from another node is. Who owns an established flow is known where its socket is.
 * So a packet that asks is looked at for the candidates that are here, and goes back to who asks
 * (tunnel_told.h): the flow table or a socket knows the flow, or the next one is to be asked. From
 * the last of them it goes to other nodes (tunnel_others.h), and then to the first, for good.
 */
#pragma once

#include "admit.h"
#include "owner.h"
#include "select.h"
#include "stats.h"
#include "tunnel_choose.h"
#include "tunnel_others.h"
#include "tunnel_record.h"
#include "tunnel_taker.h"
#include "tunnel_told.h"

/* It is this backend's for good, which is here. */
static __always_inline int inner_give(struct lb_scratch *s, __u32 backend)
{
	struct flow *f = &s->flow;
	int odd;

	if (s->what == TUNNEL_ERROR)
		return backend;
	if (f->tcp_flags & TCP_RST) {
		admit_close(f, backend);
		return backend;
	}
	if (f->proto != IPPROTO_UDP && !new_flows_is_first(f) && select_is_settled(f) &&
	    !s->tunnel.hops)
		return backend;
	odd = inner_record(f, backend);
	return odd ? -odd : (int)backend;
}

/* The client of a new flow keeps this backend, which takes it. */
static __always_inline bool inner_keeps(struct flow *f, __u32 backend)
{
	if (!affinity_keeps(f, backend) ||
	    !admit_claim(f, backend, LB_BE_IN_USE | LB_BE_READY, LB_FLOW_NEW))
		return false;
	new_flows_begin(f);
	if (row_candidate(f->row, 0) != backend)
		row_mark(f->row_index);
	return true;
}

/* A witness here knows the flow to be this backend's. */
__noinline bool inner_knows(struct xdp_md *ctx, struct lb_scratch *s, __u32 backend)
{
	bool is_error;

	if (!s)
		return false;
	is_error = s->what == TUNNEL_ERROR;
	if (owner_state(&s->flow, backend, is_error ? OWNER_OF_QUOTE : OWNER_OF_PACKET))
		return true;
	if (!is_error && new_flows_is_first(&s->flow))
		return inner_keeps(&s->flow, backend);
	if (s->flow.proto != IPPROTO_TCP || !owner_by_socket(ctx, &s->flow, backend))
		return false;
	return is_error || admit_claim(&s->flow, backend, LB_BE_IN_USE, LB_FLOW_ESTABLISHED);
}

/*
 * None of those who are named knows it. A row that has forgotten an owner says so (owner_beyond.h),
 * and who is here has an entry then. OWNER_NOBODY: nobody who is here.
 */
static __always_inline int inner_beyond(const struct lb_scratch *s)
{
	int backend;

	if (!(s->flow.row & LB_ROW_BEYOND))
		return OWNER_NOBODY;
	backend =
		owner_beyond(&s->flow, s->what == TUNNEL_ERROR ? OWNER_OF_QUOTE : OWNER_OF_PACKET);
	return backend != OWNER_NOBODY && choose_is_local(&s->flow, backend) ? backend
									     : OWNER_NOBODY;
}

/* Nobody knows it. */
__noinline int inner_give_up(struct lb_scratch *s)
{
	struct lb_backend *be;
	int backend;

	if (!s)
		return -LB_DROP_TUNNEL_TARGET;
	backend = inner_taker(s);
	be = backend < 0 ? NULL : backend_slot(backend_index(s->flow.live, backend));
	if (!be)
		return -LB_DROP_TUNNEL_TARGET;
	if (choose_is_local(&s->flow, backend)) {
		s->tunnel.hops = s->tunnel.hops ? s->tunnel.hops : 1; /* it is to be recorded */
		return inner_give(s, backend);
	}
	tunnel_name(&s->tunnel.candidates[0], be);
	return inner_send_on(s, backend, 0, 0);
}

/* What goes on is asked for also where no flow begins, but not where nobody hears it. */
static __always_inline bool inner_may_ask(const struct flow *f, __u32 backend)
{
	if (new_flows_is_first(f))
		return choose_may_ask(f, backend);
	return !choose_is_server(f, backend) && !choose_is_silent(f, backend);
}

/* The candidate at `next` is to be asked where he is; as many as there are: perhaps another. */
static __always_inline int inner_ask_next(struct lb_scratch *s, __u32 next)
{
	const int other = next < LB_TUNNEL_CANDIDATES ? INNER_NOBODY : others_find(s);

	if (next == LB_TUNNEL_CANDIDATES && other == INNER_NOBODY)
		return inner_give_up(s);
	if (!inner_may_hop()) {
		stats_drop(LB_DROP_HOPS);
		return inner_give_up(s);
	}
	if (other != INNER_NOBODY)
		return others_ask(s, other);
	return inner_send_back(s, LB_TUNNEL_ASK, next) ? INNER_BACK : -LB_DROP_TUNNEL_TARGET;
}

/* A packet that asks: those who are here, in the order of the row, then who is not. */
__noinline int inner_ask(struct xdp_md *ctx, struct lb_scratch *s)
{
	__u32 next = LB_TUNNEL_CANDIDATES;
	int backend;

	if (!s)
		return -LB_DROP_TUNNEL_TARGET;
	for (__u32 i = 0; i < LB_TUNNEL_CANDIDATES; i++) {
		if (i < s->tunnel.at)
			continue;
		backend = inner_find(&s->flow, &s->tunnel.candidates[i]);
		if (backend < 0)
			continue;
		if (choose_is_local(&s->flow, backend)) {
			if (inner_knows(ctx, s, backend))
				return inner_tell(s, backend);
		} else if (inner_may_ask(&s->flow, backend)) {
			if (i == s->tunnel.at && inner_may_hop()) /* it came back */
				return inner_send_on(s, backend, LB_TUNNEL_ASK, i);
			next = i;
			break;
		}
	}
	backend = inner_beyond(s);
	return backend == OWNER_NOBODY ? inner_ask_next(s, next) : inner_tell(s, backend);
}

/* A packet that does not ask: it is for who is named. */
static __always_inline int inner_named(struct lb_scratch *s)
{
	int backend = inner_find(&s->flow, &s->tunnel.candidates[0]);

	if (backend < 0 || !choose_is_local(&s->flow, backend))
		return -LB_DROP_TUNNEL_TARGET;
	return inner_give(s, backend);
}

/* An index within the service of one who is here; an enum lb_drop, negative; INNER_ON or _BACK. */
static __always_inline int inner_owner(struct xdp_md *ctx, struct lb_scratch *s)
{
	int given;

	if (s->tunnel.flags & LB_TUNNEL_TOLD)
		return inner_learn(s);
	given = s->tunnel.flags & LB_TUNNEL_ASK ? inner_ask(ctx, s) : inner_named(s);
	if (likely(given != -LB_DROP_TUPLE_TAKEN))
		return given;
	return inner_other(&s->flow, inner_find(&s->flow, &s->tunnel.candidates[0]));
}
