// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the tests of lb/ share: tables on plain memory, a clock that only the test moves, and the
 * programs' way of looking things up, written down once more from bpf/abi.h and not from lb/.
 */
#pragma once

#include "frontends.h"

#include "lb/lb_rows.h"
#include "lb/lb_tables.h"

#include "base/rng.h"

#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "bpf/wire.h"

#define MAX_CHUNKS 64
#define SECOND     NSEC_PER_SEC

struct fixture {
	struct lb_config config;
	struct lb_service *services;
	uint64_t *vip_bits, *range_names;
	struct lb_new_flows *new_flows;
	uint64_t node_places[LB_NODE_PLACES];
	struct lb_tunnel tunnel;
	struct lb_node *nodes[LB_NODE_CHUNKS];
	size_t n_nodes;
	uint64_t *rows[MAX_CHUNKS];
	struct lb_backend *backends[MAX_CHUNKS];
	size_t n_rows, n_backends;
	struct lb_flow_line *flows; /* one chunk, or none */
	struct lb_tables *t;
	struct lb_clock c;
};

static inline void fixture_at(struct fixture *x, nsec_t now)
{
	x->c = (struct lb_clock){.now = now, .quiet = now - LB_REST_NS, .age_unit = 64 * SECOND};
	x->c.age = (uint8_t)(now / (64 * SECOND));
	x->c.age_long = (uint8_t)(now / (512 * SECOND));
}

static inline struct lb_tables *fixture_tables(struct fixture *x)
{
	struct lb_tables *t = lb_tables_new(
		&(struct lb_images){&x->config, x->services, x->vip_bits, x->range_names,
				    x->new_flows, x->node_places, &x->tunnel});

	for (size_t i = 0; i < x->n_rows; i++)
		lb_tables_add_rows_chunk(t, x->rows[i]);
	for (size_t i = 0; i < x->n_backends; i++)
		lb_tables_add_backend_chunk(t, x->backends[i]);
	for (size_t i = 0; i < x->n_nodes; i++)
		lb_nodes_add_chunk(lb_tables_nodes(t), x->nodes[i]);
	lb_tables_set_flows(t, &x->flows, x->flows ? 1 : 0);
	return t;
}

static inline void fixture_init(struct fixture *x)
{
	*x = (struct fixture){.n_rows = 0};
	x->services = xcalloc(LB_SERVICE_SLOTS, sizeof(*x->services));
	x->vip_bits = xcalloc(LB_VIP_WORDS, sizeof(*x->vip_bits));
	x->range_names = xcalloc(LB_RANGE_SETS, sizeof(*x->range_names));
	x->new_flows = xcalloc(LB_SERVICE_SLOTS, sizeof(*x->new_flows));
	x->t = fixture_tables(x);
	fixture_at(x, 100 * SECOND);
	assert_int_equal(lb_tables_adopt(x->t, &x->c), 0);
}

static inline void fixture_done(struct fixture *x)
{
	lb_tables_free(x->t);
	free(x->services);
	free(x->vip_bits);
	free(x->range_names);
	free(x->new_flows);
	free(x->flows);
	for (size_t i = 0; i < x->n_rows; i++)
		free(x->rows[i]);
	for (size_t i = 0; i < x->n_backends; i++)
		free(x->backends[i]);
	for (size_t i = 0; i < x->n_nodes; i++)
		free(x->nodes[i]);
}

/* A flow table of one chunk. Without it no slot can be named by a flow. */
static inline void fixture_add_flows(struct fixture *x)
{
	x->flows = aligned_alloc(64, LB_FLOW_CHUNK * sizeof(*x->flows));
	memset(x->flows, 0, LB_FLOW_CHUNK * sizeof(*x->flows));
	lb_tables_set_flows(x->t, &x->flows, 1);
}

/* What a restarted agent does: everything but the images is forgotten. */
static inline size_t fixture_restart(struct fixture *x)
{
	lb_tables_free(x->t);
	x->t = fixture_tables(x);
	return lb_tables_adopt(x->t, &x->c);
}

static inline void fixture_add_chunk(struct fixture *x, int need)
{
	if (need == LB_NEED_ROWS_CHUNK) {
		assert_in_range(x->n_rows, 0, MAX_CHUNKS - 1);
		x->rows[x->n_rows] = xcalloc(LB_ROWS_CHUNK, sizeof(uint64_t));
		lb_tables_add_rows_chunk(x->t, x->rows[x->n_rows]);
		x->n_rows++;
		return;
	}
	if (need == LB_NEED_FAR) {
		lb_tables_add_far(x->t);
		return;
	}
	if (need == LB_NEED_NODE_CHUNK) {
		x->nodes[x->n_nodes] = xcalloc(LB_NODE_CHUNK, sizeof(struct lb_node));
		lb_nodes_add_chunk(lb_tables_nodes(x->t), x->nodes[x->n_nodes++]);
		return;
	}
	assert_int_equal(need, LB_NEED_BACKEND_CHUNK);
	assert_in_range(x->n_backends, 0, MAX_CHUNKS - 1);
	x->backends[x->n_backends] = xcalloc(LB_BACKEND_CHUNK, sizeof(struct lb_backend));
	lb_tables_add_backend_chunk(x->t, x->backends[x->n_backends]);
	x->n_backends++;
}

static inline int fixture_put(struct fixture *x, const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(x->t, &x->c, f)) > 0)
		fixture_add_chunk(x, outcome);
	return outcome;
}

static inline void fixture_set_nat(struct fixture *x, uint16_t first_port)
{
	while (lb_nodes_set_nat(lb_tables_nodes(x->t), first_port) == LB_NEED_FAR)
		lb_tables_add_far(x->t);
}

/* --- the programs' view ----------------------------------------------------------------------- */

static inline struct lb_service_key wire_key(const struct lb_key *key)
{
	struct lb_service_key ret = {.domain = key->domain, .proto = key->proto};

	memcpy(ret.addr, key->addr.b, 16);
	ret.port = __builtin_bswap16(key->port);
	return ret;
}

static inline const struct lb_service *reader_find(const struct fixture *x,
						   const struct lb_key *key, uint64_t *ret_live)
{
	struct lb_service_key want = wire_key(key);

	for (unsigned k = 0; k < 2; k++) {
		const struct lb_service *svc = &x->services[lb_service_hash(&want, k)];
		uint64_t live = __atomic_load_n(&svc->live, __ATOMIC_ACQUIRE);

		if (live & LB_LIVE_IN_USE && memcmp(&svc->key, &want, sizeof(want)) == 0) {
			*ret_live = live;
			return svc;
		}
	}
	return NULL;
}

static inline uint64_t *reader_row(const struct fixture *x, uint64_t live, uint32_t row)
{
	uint32_t at = (uint32_t)(live >> 20 & 0xfffff) * 256 + row;

	return &x->rows[at / LB_ROWS_CHUNK][at % LB_ROWS_CHUNK];
}

static inline uint32_t reader_index(uint64_t live, uint64_t row, unsigned k)
{
	return (uint32_t)(live & 0xfffff) * 16 + (uint32_t)(row >> 15 * k & 0x7fff);
}

static inline const struct lb_backend *reader_backend(const struct fixture *x, uint32_t index)
{
	return &x->backends[index / LB_BACKEND_CHUNK][index % LB_BACKEND_CHUNK];
}

static inline bool reader_in_use(const struct lb_backend *backend)
{
	return __atomic_load_n(&backend->state, __ATOMIC_ACQUIRE) >> 63;
}
