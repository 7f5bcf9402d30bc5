// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A settled row is its first candidate's, whatever entries say; in another one the entry decides,
 * one that is closing only if there is no other, and without any the flow is new.
 */
#include "lb/lb_trace.h"

#include "lb/lb_inside.h"

#include "bpf/flow_hash.h"
#include "bpf/nat_ports.h"
#include "bpf/wire.h"

#include <assert.h>

/* One flow, and what is needed to find it in the two tables. */
struct tracing {
	const struct lb_tables *t;
	const struct lb_trace_flow *flow;
	const struct lb_nat_line *nat; /* NULL: none */
	struct lb_flow_keys keys;
	uint32_t client[4], vip[4];
};

static bool is_local(const struct lb_backend *backend)
{
	return backend->state >> LB_BE_FLAGS_SHIFT & LB_BE_LOCAL;
}

/* As flow_hash_words() of bpf/flow.h. */
static uint64_t hash_words(const struct tracing *t, const uint32_t backend[4],
			   const uint32_t client[4], uint32_t ports, uint32_t proto)
{
	if (backend[2] == LB_V4_PREFIX && !backend[1] && !backend[0])
		return lb_flow_hash_v4(&t->keys, backend[3], client[3], ports, proto);
	return lb_flow_hash(&t->keys, backend, client, ports, proto);
}

/* As entry_hash() of bpf/entry.h. */
static uint64_t hash_of(const struct tracing *t, const struct lb_backend *backend)
{
	const struct lb_trace_flow *f = t->flow;
	const uint16_t client_port = __builtin_bswap16(f->client_port);

	if (!is_local(backend))
		return hash_words(t, t->vip, t->client,
				  lb_flow_ports(__builtin_bswap16(f->key.port), client_port),
				  lb_remote_proto(f->key.proto, f->key.domain));
	return hash_words(t, backend->addr, t->client, lb_flow_ports(backend->port, client_port),
			  f->key.proto);
}

static enum lb_trace_entry state_of(uint64_t rest)
{
	switch (lb_rest_state(rest)) {
	case LB_FLOW_ESTABLISHED:
		return LB_TRACE_ESTABLISHED;
	case LB_FLOW_CLOSING:
		return LB_TRACE_CLOSING;
	default:
		return LB_TRACE_NEW;
	}
}

/* --- flows whose source is translated --------------------------------------------------------- */

static bool is_nat_of(const struct tracing *t, const struct lb_nat *n)
{
	return memcmp(n->client, t->client, sizeof(t->client)) == 0 &&
	       memcmp(n->vip, t->vip, sizeof(t->vip)) == 0 &&
	       n->client_port == __builtin_bswap16(t->flow->client_port) &&
	       n->vip_port == __builtin_bswap16(t->flow->key.port) &&
	       n->domain == t->flow->key.domain;
}

/* In the line of one port. False: it may be in that of another one. */
static bool find_in_line(const struct tracing *t, const struct lb_nat_line *line, uint64_t hash,
			 struct lb_trace_nat *ret)
{
	const uint32_t way = lb_flow_way_of((const struct lb_flow_line *)line->way, hash);
	struct lb_flow entry;
	struct lb_nat n;

	if (!way)
		return false;
	n = line->of[way - 1];
	if (n.sum != lb_nat_sum(&n, hash) || !is_nat_of(t, &n))
		return false;
	memcpy(ret->own.b, n.own, sizeof(ret->own.b));
	entry = line->way[way - 1];
	ret->entry = state_of(*lb_flow_rest_of(&entry));
	return true;
}

/* As nat_find() of bpf/nat_find.h. */
static struct lb_trace_nat find_nat(const struct tracing *t, const struct lb_backend *backend)
{
	static const uint32_t nobody[4];
	const uint64_t range = lb_nodes_nat(lb_tables_nodes(t->t));
	const uint64_t flow = hash_of(t, backend);
	struct lb_trace_nat ret = {.port = 0};

	if (!t->nat || lb_nat_count(range) == 0)
		return ret;
	for (uint32_t i = 0; i < LB_NAT_TRIES && !ret.port; i++) {
		const uint32_t at = lb_nat_line(flow, i, lb_nat_count(range));
		const uint16_t port = (uint16_t)(lb_nat_first(range) + at);
		const uint64_t hash =
			hash_words(t, backend->addr, nobody,
				   lb_flow_ports(backend->port, __builtin_bswap16(port)),
				   lb_nat_proto(t->flow->key.proto));

		if (find_in_line(t, &t->nat[at], hash, &ret))
			ret.port = port;
	}
	return ret;
}

/* --- candidates ------------------------------------------------------------------------------- */

/* What the table says of the flow with this backend, `index` within the service in `slot`. */
static enum lb_trace_entry entry_of(const struct tracing *t, const struct lb_backend *backend,
				    uint16_t index)
{
	const struct lb_flow_chunks *flows = &t->t->flows;
	__u64 rest = 0;

	if (flows->n == 0 || !lb_flow_find(flows, hash_of(t, backend), &rest) ||
	    lb_rest_backend(rest) != index || !lb_rest_is_gen(rest, lb_state_gen(backend->state)) ||
	    lb_rest_is_affine(rest))
		return LB_TRACE_NO_ENTRY;
	return state_of(rest);
}

static struct lb_trace_candidate candidate_of(const struct tracing *t, const struct lb_service *svc,
					      uint16_t index)
{
	const uint32_t at = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT + index;
	const struct lb_backend *backend = lb_backend_at(t->t, at);
	const uint64_t flags = backend->state >> LB_BE_FLAGS_SHIFT;
	struct lb_trace_candidate ret = {
		.target = {.port = __builtin_bswap16(backend->port), .owner = svc->seed},
		.is_gone = !(flags & LB_BE_IN_USE),
	};

	memcpy(ret.target.addr.b, backend->addr, sizeof(ret.target.addr.b));
	ret.target.state = flags & LB_BE_READY ? LB_BACKEND_READY : LB_BACKEND_DRAINING;
	if (!ret.is_gone)
		ret.entry = entry_of(t, backend, index);
	if (!ret.is_gone && (backend->state >> LB_BE_WAY_SHIFT & LB_BE_WAY_MASK) == LB_WAY_NAT)
		ret.nat = find_nat(t, backend);
	return ret;
}

static uint32_t row_of(const struct lb_trace_flow *flow, const struct lb_service *svc,
		       const struct lb_live *live)
{
	const bool sticky = live->flags & LB_SVC_AFFINITY;
	uint32_t client[4];

	memcpy(client, flow->client.b, sizeof(client));
	return lb_wire_row(
		lb_wire_flow_hash(client, sticky ? 0 : __builtin_bswap16(flow->client_port),
				  sticky ? 0 : __builtin_bswap16(flow->key.port), svc->seed),
		live->rows_log2);
}

static void choose(struct lb_trace *ret)
{
	int closing = -1;

	for (size_t i = 0; i < ret->n && !ret->is_settled; i++) {
		const enum lb_trace_entry entry = ret->candidates[i].entry;

		if (entry == LB_TRACE_CLOSING && closing < 0)
			closing = (int)i;
		if (entry != LB_TRACE_NEW && entry != LB_TRACE_ESTABLISHED)
			continue;
		ret->chosen = (int)i;
		ret->by_entry = true;
		return;
	}
	ret->by_entry = closing >= 0;
	ret->chosen = ret->by_entry ? closing : ret->n > 0 ? 0 : -1;
}

void lb_trace(const struct lb_tables *t, const struct lb_trace_flow *flow,
	      const struct lb_nat_line *nat, struct lb_trace *ret)
{
	struct tracing x = {.t = t, .flow = flow, .nat = nat};
	const struct lb_key vip = {.addr = flow->key.addr, .domain = flow->key.domain};
	const uint32_t slot = lb_slots_find(&t->slots, &flow->key);
	const struct lb_service *svc;
	struct lb_live live;
	uint64_t word;

	*ret = (struct lb_trace){.chosen = -1};
	ret->has_vip = lb_slots_find(&t->slots, &vip) != LB_NO_SLOT;
	ret->has_port = slot != LB_NO_SLOT;
	if (!ret->has_port)
		return;
	lb_flow_keys(t->config->flow_secret, &x.keys);
	memcpy(x.client, flow->client.b, sizeof(x.client));
	memcpy(x.vip, flow->key.addr.b, sizeof(x.vip));
	svc = &t->slots.image[slot];
	live = lb_live_of(svc->live);
	ret->flags = live.flags & ~LB_SVC_NO_BACKENDS;
	if (live.rows_log2 == 0 || live.flags & LB_SVC_NO_BACKENDS)
		return;
	ret->n_rows = UINT32_C(1) << live.rows_log2;
	ret->row = row_of(flow, svc, &live);
	word = __atomic_load_n(lb_row_at(t, live.rows_base * LB_ROWS_UNIT + ret->row),
			       __ATOMIC_ACQUIRE);
	ret->is_settled = !(word & LB_ROW_UNSETTLED);
	for (unsigned k = 0; k < LB_CANDIDATES && lb_row_candidate(word, k) != LB_ROW_NONE; k++)
		ret->candidates[ret->n++] = candidate_of(&x, svc, lb_row_candidate(word, k));
	choose(ret);
	assert(ret->row < ret->n_rows && ret->n <= LB_TRACE_CANDIDATES);
	assert(ret->chosen < (int)ret->n && (!ret->by_entry || ret->chosen >= 0));
}
