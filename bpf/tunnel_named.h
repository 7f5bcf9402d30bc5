/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom the private data of a tunnel's packet names: an address and port become a backend's index.
 */
#pragma once

#include "backend.h"
#include "bucket.h"
#include "common.h"
#include "row.h"
#include "scratch.h"
#include "service.h"

/* Packets that a CPU sends on, or searches for: one each so many ns, and so many at once. */
#define INNER_HOP_COST_NS  10000ull
#define INNER_HOP_BURST_NS 10000000ull
#define INNER_SEARCH_MAX   4096u /* backends of a service that are looked through */
#define INNER_NOBODY       (-1)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hops SEC(".maps");

static __always_inline bool inner_may_hop(void)
{
	__u32 zero = 0;
	__u64 *word = bpf_map_lookup_elem(&hops, &zero);

	return word && bucket_take(word, bpf_ktime_get_ns(), INNER_HOP_COST_NS, INNER_HOP_BURST_NS);
}

static __always_inline void tunnel_name(struct lb_tunnel_candidate *c, const struct lb_backend *be)
{
	addr_copy(c->addr, be->addr);
	c->port = be->port;
	c->zero = 0;
}

static __always_inline bool inner_names(const struct lb_tunnel_candidate *c,
					const struct lb_backend *be)
{
	return be->port == c->port && addr_is(be->addr, c->addr);
}

static __always_inline bool inner_is(const struct flow *f, __u32 backend,
				     const struct lb_tunnel_candidate *c)
{
	struct lb_backend *be = backend_slot(backend_index(f->live, backend));

	return be && backend_is(READ_ONCE(be->state), LB_BE_IN_USE) && inner_names(c, be);
}

struct inner_search {
	const struct flow *f;
	const struct lb_tunnel_candidate *c;
	int found;
	__u32 zero;
};

/* 1 ends the search. */
static long inner_compare(__u32 backend, void *ctx)
{
	struct inner_search *s = ctx;

	if (!inner_is(s->f, backend, s->c))
		return 0;
	s->found = backend;
	return 1;
}

/* Among all backends of the service: rows here may not be those of the sender just now. */
__noinline int inner_search(const struct flow *f, const struct lb_tunnel_candidate *c)
{
	struct inner_search s = {.f = f, .c = c, .found = INNER_NOBODY};
	const struct lb_service *svc;
	__u32 n;

	if (!f || !c)
		return INNER_NOBODY;
	svc = service_at(f->slot);
	n = svc ? READ_ONCE(svc->n_backends) : 0;
	if (!n || !inner_may_hop())
		return INNER_NOBODY;
	bpf_loop(n < INNER_SEARCH_MAX ? n : INNER_SEARCH_MAX, inner_compare, &s, 0);
	return s.found;
}

/* The backend that a candidate is, an index within the service; nearly always one of its row. */
__noinline int inner_find(const struct flow *f, const struct lb_tunnel_candidate *c)
{
	if (!f || !c || !c->port)
		return INNER_NOBODY;
	for (__u32 i = 0; i < LB_CANDIDATES; i++) {
		__u32 backend = row_candidate(f->row, i);

		if (backend == LB_ROW_NONE)
			break;
		if (inner_is(f, backend, c))
			return backend;
	}
	return inner_search(f, c);
}
