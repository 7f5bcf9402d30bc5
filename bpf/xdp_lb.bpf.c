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
#include "vip.h"

char LICENSE[] SEC("license") = "GPL";

/* Where the packet goes, as far as it is known without looking at its flow. */
struct target {
	struct lb_service *service;
	__u64 *row_slot;
	__u64 live;
	__u64 row;
	__u32 row_index;
	__u32 ifindex;
	__u16 domain;
};

static __always_inline bool find_service(struct xdp_md *ctx, const struct packet *p,
					 struct target *t)
{
	struct lb_service_key key;

	t->ifindex = ctx->ingress_ifindex;
	t->domain = service_domain(t->ifindex);
	service_key_v4(&key, p->daddr, t->domain);
	key.port = p->dport;
	key.proto = p->proto;
	t->service = service_find(&key, &t->live);
	return t->service;
}

/* The service's row for this packet; false: it has none, or nothing in it. */
static __always_inline bool find_row(const struct packet *p, struct target *t)
{
	bool sticky = service_flags(t->live) & LB_SVC_AFFINITY;
	__u32 saddr[4];

	addr_from_v4(saddr, p->saddr);
	if (unlikely(!row_exists(t->live) || service_flags(t->live) & LB_SVC_NO_BACKENDS))
		return false;
	t->row_index =
		row_index(t->live, lb_wire_flow_hash(saddr, sticky ? 0 : p->sport,
						     sticky ? 0 : p->dport, t->service->seed));
	t->row_slot = row_slot(t->row_index);
	if (!t->row_slot)
		return false;
	t->row = READ_ONCE(*t->row_slot);
	return row_candidate(t->row, 0) != LB_ROW_NONE;
}

/* The backend for this packet, an index within the service, or SELECT_DROP(). */
static __always_inline int choose(struct xdp_md *ctx, const struct packet *p,
				  const struct target *t)
{
	__u64 hash = flow_hash(p->saddr, p->sport, t->service->id);

	if (likely(select_is_plain(t->row, p->proto, p->tcp_flags, hash)) || !p->saddr)
		return row_candidate(t->row, 0);

	struct flow f = {
		.service = t->service,
		.row_slot = t->row_slot,
		.row = t->row,
		.live = t->live,
		.hash = hash,
		.row_index = t->row_index,
		.ifindex = t->ifindex,
		.saddr = p->saddr,
		.daddr = p->daddr,
		.sport = p->sport,
		.dport = p->dport,
		.domain = t->domain,
		.age = age_now(),
		.proto = p->proto,
		.tcp_flags = p->tcp_flags,
	};

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
	if (likely(!odd) && unlikely(!find_service(ctx, &p, &t)))
		odd = LB_DROP_UNKNOWN_PORT;
	if (unlikely(odd))
		return vip_unserved(ctx, p.saddr, p.daddr, odd);
	if (unlikely(!find_row(&p, &t)))
		return vip_drop(p.saddr, LB_DROP_NO_BACKEND);
	backend = choose(ctx, &p, &t);
	if (unlikely(backend < 0))
		return vip_drop(p.saddr, -backend);
	return deliver(&p, backend_index(t.live, backend));
}
