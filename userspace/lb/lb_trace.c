// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A settled row is its first candidate's, whatever entries say; in another one the entry decides,
 * one that is closing only if there is no other, and without any the flow is new.
 */
#include "lb/lb_trace.h"

#include "lb/lb_inside.h"

#include "bpf/flow_hash.h"
#include "bpf/wire.h"

#include <assert.h>

static uint64_t hash_of(const struct lb_tables *t, const struct lb_trace_flow *flow,
			const struct lb_backend *backend)
{
	struct lb_flow_keys keys;
	uint32_t client[4];

	lb_flow_keys(t->config->flow_secret, &keys);
	memcpy(client, flow->client.b, sizeof(client));
	return lb_flow_hash(&keys, backend->addr, client,
			    lb_flow_ports(backend->port, __builtin_bswap16(flow->client_port)),
			    flow->key.proto);
}

/* What the table says of the flow with this backend, `index` within the service in `slot`. */
static enum lb_trace_entry entry_of(const struct lb_tables *t, const struct lb_trace_flow *flow,
				    const struct lb_backend *backend, uint16_t index)
{
	__u64 rest = 0;

	if (t->flows.n == 0 || !lb_flow_find(&t->flows, hash_of(t, flow, backend), &rest) ||
	    lb_rest_backend(rest) != index || !lb_rest_is_gen(rest, lb_state_gen(backend->state)) ||
	    lb_rest_is_affine(rest))
		return LB_TRACE_NO_ENTRY;
	switch (lb_rest_state(rest)) {
	case LB_FLOW_ESTABLISHED:
		return LB_TRACE_ESTABLISHED;
	case LB_FLOW_CLOSING:
		return LB_TRACE_CLOSING;
	default:
		return LB_TRACE_NEW;
	}
}

static struct lb_trace_candidate candidate_of(const struct lb_tables *t,
					      const struct lb_trace_flow *flow,
					      const struct lb_service *svc, uint16_t index)
{
	const uint32_t at = lb_live_of(svc->live).backends_base * LB_BACKEND_UNIT + index;
	const struct lb_backend *backend = lb_backend_at(t, at);
	const uint64_t flags = backend->state >> LB_BE_FLAGS_SHIFT;
	struct lb_trace_candidate ret = {
		.target = {.port = __builtin_bswap16(backend->port), .owner = svc->seed},
		.is_gone = !(flags & LB_BE_IN_USE),
	};

	memcpy(ret.target.addr.b, backend->addr, sizeof(ret.target.addr.b));
	ret.target.state = flags & LB_BE_READY ? LB_BACKEND_READY : LB_BACKEND_DRAINING;
	if (!ret.is_gone)
		ret.entry = entry_of(t, flow, backend, index);
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

void lb_trace(const struct lb_tables *t, const struct lb_trace_flow *flow, struct lb_trace *ret)
{
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
		ret->candidates[ret->n++] = candidate_of(t, flow, svc, lb_row_candidate(word, k));
	choose(ret);
	assert(ret->row < ret->n_rows && ret->n <= LB_TRACE_CANDIDATES);
	assert(ret->chosen < (int)ret->n && (!ret->by_entry || ret->chosen >= 0));
}
