// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Several nodes with tables of their own, one Service whose backends are spread over them, and a
 * network between them that loses and delays what they say of unsettled rows. A flow begins at any
 * node, with the backend that is first there, and lies in the flow table of that backend's node.
 */
#pragma once

#include "walk_fixture.h"

#include "lb/lb_settling.h"

#define NODES     5u
#define BACKENDS  12u
#define FLOWS     200u
#define IN_FLIGHT 256u
#define STEP      (100 * NSEC_PER_MSEC)
#define NODE_ADDR 0x0a090001u
#define ALL       ((1u << BACKENDS) - 1)

struct spread_flow {
	bool lives;
	uint32_t row, owner;
};
struct spread_message {
	nsec_t at; /* 0: none */
	uint32_t from, to;
	struct lb_settling_message m;
};
struct spread {
	struct fixture nodes[NODES];
	uint32_t present[NODES], ready[NODES]; /* bits of backends, as each node was told */
	bool has_service[NODES], is_cut[NODES];
	struct spread_flow flows[FLOWS];
	struct spread_message wire[IN_FLIGHT];
	struct rng rng;
	unsigned loss; /* of 256 */
	nsec_t now;
	uint64_t octets;
};

static inline struct ip_addr node_addr(uint32_t node)
{
	return ip_addr_from_v4(NODE_ADDR + node);
}

static inline uint32_t node_of_backend(uint32_t backend)
{
	return backend % NODES;
}

/* --- what a node is told ---------------------------------------------------------------------- */

static inline void spread_put(struct spread *s, uint32_t node, uint32_t present, uint32_t ready)
{
	struct lb_target targets[BACKENDS];
	struct lb_frontend f;
	size_t n = 0;

	for (uint32_t i = 0; i < BACKENDS; i++) {
		if (!(present >> i & 1))
			continue;
		targets[n] = target_of_v4(TARGETS + i, 8080, ready >> i & 1);
		if (node_of_backend(i) != node)
			targets[n].node = node_addr(node_of_backend(i));
		n++;
	}
	f = frontend_of(key(), targets, n);
	frontend_set_flags(&f, LB_F_CLAMP);
	assert_int_equal(fixture_put(&s->nodes[node], &f), 0);
	s->present[node] = present;
	s->ready[node] = ready;
	s->has_service[node] = true;
}

static inline void spread_put_all(struct spread *s, uint32_t present, uint32_t ready)
{
	for (uint32_t i = 0; i < NODES; i++)
		spread_put(s, i, present, ready);
}

static inline void spread_know(struct spread *s, uint32_t node, uint32_t nodes, uint32_t gone)
{
	struct lb_settling_node others[NODES];
	size_t n = 0;

	for (uint32_t i = 0; i < NODES; i++)
		if (i != node && nodes >> i & 1)
			others[n++] = (struct lb_settling_node){.addr = node_addr(i),
								.gone = gone >> i & 1};
	lb_settling_set_nodes(lb_tables_settling(s->nodes[node].t), others, n, s->now);
}

static inline void spread_start(struct spread *s, uint32_t node)
{
	lb_settling_begin(lb_tables_settling(s->nodes[node].t), rng_next(&s->rng) | 1);
	spread_know(s, node, UINT32_MAX, 0);
}

static inline void spread_init(struct spread *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	rng_seed(&s->rng, seed);
	for (uint32_t i = 0; i < NODES; i++) {
		fixture_init(&s->nodes[i]);
		fixture_add_flows(&s->nodes[i]);
		s->now = s->nodes[i].c.now;
		spread_start(s, i);
	}
}

static inline void spread_done(struct spread *s)
{
	for (uint32_t i = 0; i < NODES; i++)
		fixture_done(&s->nodes[i]);
}

/* --- rows and flows --------------------------------------------------------------------------- */

static inline uint64_t spread_row(const struct spread *s, uint32_t node, uint32_t row)
{
	return *row_at(&s->nodes[node], row);
}

static inline bool spread_is_settled(const struct spread *s, uint32_t node, uint32_t row)
{
	return !(spread_row(s, node, row) & LB_ROW_UNSETTLED);
}

/* The backend that is first of a row at a node. */
static inline uint32_t spread_first(const struct spread *s, uint32_t node, uint32_t row)
{
	const struct fixture *x = &s->nodes[node];
	const uint32_t index = reader_index(service(x, key())->live, spread_row(s, node, row), 0);
	uint32_t addr;

	memcpy(&addr, &reader_backend(x, index)->addr[3], sizeof(addr));
	return __builtin_bswap32(addr) - TARGETS;
}

/* The index of a backend within the service at its own node. */
static inline uint16_t spread_index(const struct spread *s, uint32_t backend)
{
	const struct fixture *x = &s->nodes[node_of_backend(backend)];
	const struct lb_service *svc = service(x, key());

	for (uint16_t i = 0; i < svc->n_backends; i++) {
		const struct lb_backend *be = reader_backend(x, reader_index(svc->live, i, 0));

		if (reader_in_use(be) && be->addr[3] == __builtin_bswap32(TARGETS + backend))
			return i;
	}
	fail_msg("backend %u is not there", backend);
	return 0;
}

static inline void spread_write(struct spread *s, uint32_t i)
{
	const struct spread_flow *f = &s->flows[i];
	struct fixture *x = &s->nodes[node_of_backend(f->owner)];

	flow(x, i, f->row, spread_index(s, f->owner));
}

static inline void spread_begin(struct spread *s, uint32_t i, uint32_t node, uint32_t row)
{
	s->flows[i] = (struct spread_flow){
		.lives = true, .row = row, .owner = spread_first(s, node, row)};
	spread_write(s, i);
}

static inline void spread_end(struct spread *s, uint32_t i)
{
	entry(&s->nodes[node_of_backend(s->flows[i].owner)], i)->hash = LB_FLOW_FREE;
	s->flows[i].lives = false;
}

/* A living flow of the row has another owner than the first at this node. */
static inline bool spread_needs(const struct spread *s, uint32_t node, uint32_t row)
{
	const uint32_t first = spread_first(s, node, row);

	for (uint32_t i = 0; i < FLOWS; i++)
		if (s->flows[i].lives && s->flows[i].row == row && s->flows[i].owner != first)
			return true;
	return false;
}

static inline uint32_t spread_n_unsettled(const struct spread *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < NODES; i++)
		n += n_unsettled(&s->nodes[i]);
	return n;
}
