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
 * counter, no flow, no reply entry. No such packet is routed.
 */
#include "vmlinux.h"

#include "backend.h"
#include "common.h"
#include "flow.h"
#include "maps.h"
#include "parse.h"
#include "rewrite.h"
#include "row.h"
#include "select.h"
#include "service.h"
#include "stats.h"
#include "target.h"
#include "vip.h"

char LICENSE[] SEC("license") = "GPL";

/* The backend for this packet, an index within the service, or ADMIT_DROP(). */
static __always_inline int choose(struct xdp_md *ctx, const struct packet *p,
				  const struct target *t)
{
	__u64 hash = flow_hash(p->saddr, p->sport, t->service->id);

	if (likely(select_is_plain(t->row, p->proto, p->tcp_flags, hash)) || !p->saddr)
		return row_candidate(t->row, 0);

	struct flow f = target_flow(p, t, hash);

	return select_backend(ctx, &f);
}

static __always_inline int deliver(const struct packet *p, __u32 index)
{
	struct lb_backend *be = backend_slot(index);

	if (unlikely(!be || !backend_is(READ_ONCE(be->state), LB_BE_IN_USE)))
		return vip_drop(p->saddr, LB_DROP_NO_BACKEND);
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
	if (likely(!odd) && unlikely(!target_service(ctx, &p, &t)))
		odd = LB_DROP_UNKNOWN_PORT;
	if (unlikely(odd))
		return vip_unserved(ctx, p.saddr, p.daddr, odd);
	if (unlikely(!target_row(&p, &t)))
		return vip_drop(p.saddr, LB_DROP_NO_BACKEND);
	backend = choose(ctx, &p, &t);
	if (unlikely(backend < 0))
		return vip_drop(p.saddr, -backend);
	return deliver(&p, backend_index(t.live, backend));
}
