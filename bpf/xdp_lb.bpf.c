// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balancer: takes packets for our VIPs from the wire, gives each flow a backend, rewrites the
 * destination and passes the packet on to the kernel, whose routes deliver it. Everything else goes
 * by untouched. Replies are tc_reply's.
 *
 * This file is the table of contents; each step is a header of its own. The common case, TCP of a
 * settled row, runs straight through: service slot, row, backend slot, all of them array reads that
 * the verifier inlines, no helper call and no call at all. Whatever is rarer is a subprogram
 * (select.h, vip.h), so that one program object is the whole of it and its replacement is atomic.
 *
 * A packet from 0.0.0.0 is the agent's self-test: it takes the whole path and leaves no trace, no
 * counter, no entry. No such packet is routed.
 */
#include "vmlinux.h"

#include "backend.h"
#include "common.h"
#include "maps.h"
#include "parse.h"
#include "rewrite.h"
#include "row.h"
#include "scratch.h"
#include "select.h"
#include "service.h"
#include "stats.h"
#include "target.h"
#include "vip.h"

char LICENSE[] SEC("license") = "GPL";

/* --- turning cold -------------------------------------------------------------------------------
 */

static __always_inline int unserved(struct xdp_md *ctx, const struct packet *p, enum lb_drop reason)
{
	struct lb_scratch *s = scratch_get();

	if (!s)
		return XDP_PASS;
	addr_from_v4(s->packet.saddr, p->saddr);
	addr_from_v4(s->packet.daddr, p->daddr);
	return vip_unserved(ctx, s, reason);
}

static __always_inline int choose_by_flow(struct xdp_md *ctx, const struct packet *p,
					  const struct target *t)
{
	struct lb_scratch *s = scratch_get();
	struct flow *f;

	if (!s)
		return ADMIT_DROP(LB_DROP_NO_BACKEND);
	f = &s->flow;
	addr_from_v4(f->saddr, p->saddr);
	addr_from_v4(f->daddr, p->daddr);
	f->sport = p->sport;
	f->dport = p->dport;
	f->proto = p->proto;
	f->tcp_flags = p->tcp_flags;
	target_fill(f, t);
	return select_backend(ctx, f);
}

/* --- the common case -----------------------------------------------------------------------------
 */

/* The backend for this packet, an index within the service, or ADMIT_DROP(). */
static __always_inline int choose(struct xdp_md *ctx, const struct packet *p,
				  const struct target *t)
{
	int backend;

	if (unlikely(!p->saddr))
		return row_candidate(t->row, 0);
	backend = select_at_once(p, t);
	return likely(backend != OWNER_NOBODY) ? backend : choose_by_flow(ctx, p, t);
}

static __always_inline bool find_service(const struct xdp_md *ctx, const struct packet *p,
					 struct target *t)
{
	struct lb_service_key key = {.port = p->dport, .proto = p->proto};

	addr_from_v4(key.addr, p->daddr);
	return target_service(ctx, &key, t);
}

static __always_inline bool find_row(const struct packet *p, struct target *t)
{
	__u32 saddr[4];

	addr_from_v4(saddr, p->saddr);
	return target_row(saddr, p->sport, p->dport, t);
}

static __always_inline int deliver(const struct packet *p, __u32 index)
{
	struct lb_backend *be = backend_slot(index);

	if (unlikely(!be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE)))
		return vip_drop(!p->saddr, LB_DROP_NO_BACKEND);
	rewrite_to_backend(p, be);
	if (likely(p->saddr))
		stats_delivered(index, p->bytes);
	return XDP_PASS;
}

SEC("xdp.frags")
int xdp_lb(struct xdp_md *ctx)
{
	struct packet p = {};
	struct target t = {};
	enum lb_drop odd;
	int backend;

	if (!parse_ipv4(ctx, &p) || likely(!service_may_be_ours(p.daddr)))
		return XDP_PASS;
	odd = parse_l4(ctx, &p);
	if (likely(!odd) && unlikely(!find_service(ctx, &p, &t)))
		odd = LB_DROP_UNKNOWN_PORT;
	if (unlikely(odd))
		return unserved(ctx, &p, odd);
	if (unlikely(!find_row(&p, &t)))
		return vip_drop(!p.saddr, LB_DROP_NO_BACKEND);
	backend = choose(ctx, &p, &t);
	if (unlikely(backend < 0))
		return vip_drop(!p.saddr, -backend);
	return deliver(&p, backend_index(t.live, backend));
}
