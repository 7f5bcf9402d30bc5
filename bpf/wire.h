/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What nodes must agree on, with a version (DESIGN 7.2 step 5): the row hash of a flow, the recipe
 * that a service's rows are made by, and the recipe's name; what they send each other has versions
 * of its own (wire_tunnel.h). Integer arithmetic only, the same on
 * every architecture; golden vectors are in tests/unit/lb/test_wire.c. Changing anything here means
 * a new LB_WIRE_VERSION.
 *
 * BPF includes it after vmlinux.h, user space after <linux/types.h>.
 */
#pragma once

#ifndef LB_WIRE_VERSION /* a build for the lab has another one, as the versions of wire_tunnel.h   \
			 */
#define LB_WIRE_VERSION 3
#endif
#define LB_WIRE_SEED          1 /* what seeds begin with, whatever the version: they name Services */
#define LB_WIRE_WEIGHT_MAX    16  /* of a backend; the least is 1 */
#define LB_WIRE_QUOTA_PERCENT 102 /* the most of its share of the rows, */
#define LB_WIRE_LEAST_PERCENT 98  /* and the least */

#define LB_WIRE_M1 0x9fb21c651e98df25ull
#define LB_WIRE_M2 0xd6e8feb86659fd93ull

/*
 * Two multiplies with shifts: a full mix of 64 bits. In two halves, because what many mixes with
 * one `a` have in common need be computed but once.
 */
static inline __attribute__((always_inline)) __u64 lb_wire_mix_begin(__u64 a)
{
	__u64 x = (a ^ LB_WIRE_M2) * LB_WIRE_M1;

	return x ^ (x >> 29);
}

static inline __attribute__((always_inline)) __u64 lb_wire_mix_end(__u64 begun, __u64 b)
{
	__u64 x = (begun ^ b) * LB_WIRE_M2;

	return x ^ (x >> 32);
}

static inline __attribute__((always_inline)) __u64 lb_wire_mix(__u64 a, __u64 b)
{
	return lb_wire_mix_end(lb_wire_mix_begin(a), b);
}

/*
 * Hash of a flow for its row. Addresses and ports as they lie in the packet (network order, read as
 * little-endian integers), src as four words in the 16-byte form. With affinity, sport = dport = 0.
 * The row is (hash >> 32) * n_rows >> 32.
 */
static inline __attribute__((always_inline)) __u64
lb_wire_flow_hash(const __u32 src[4], __u16 sport, __u16 dport, __u32 seed)
{
	__u64 low = (__u64)src[1] << 32 | src[0];
	__u64 high = (__u64)src[3] << 32 | src[2];
	__u64 ports = (__u64)seed << 32 | (__u32)sport << 16 | dport;

	return lb_wire_mix(high ^ (low * LB_WIRE_M1), ports);
}

static inline __attribute__((always_inline)) __u32 lb_wire_row(__u64 hash, __u32 log2_rows)
{
	return (__u32)(hash >> (64 - log2_rows));
}

/*
 * The recipe of a row table. What goes in: the service's seed, the number of rows, and of each
 * backend its address, port and weight and whether it takes new flows. Not the node that it runs
 * on, nor anything that only one node knows.
 *
 * Each backend draws as often as it has weight, and its best draw is its standing in the row. So a
 * backend of weight 1 stands where it would without weights, and more weight lifts a backend and
 * moves nobody else. The row's first is the best that is ready (if none is, the best) and, with
 * rows filled from 0 up, first of fewer rows than its quota; then follow the others by standing.
 *
 * What the quotas leave over may so be one backend's alone, which then has too few rows. So three
 * times, for its candidates [1], [2] and [3] as they were left, each row from 0 up is looked at
 * again: if that candidate is first of fewer rows than its least and the row's first of more than
 * its own, they change: the candidate is first, and the others follow by standing. Nobody comes
 * into a row that way who was not in it.
 *
 * Where much drains, as in a rollout of all backends at once, most flows that live have a draining
 * owner, which four younger ones often outrank. So there, if all three that follow are ready, the
 * last of them makes way for the best that drains. Not where little does: then the third is the
 * owner of a flow more often, for the rollout goes on step by step.
 */

/* Whether so much drains, by numbers of backends that are ready and that drain. */
static inline __attribute__((always_inline)) __u32 lb_wire_keeps_draining(__u32 ready,
									  __u32 draining)
{
	return draining > ready / 2;
}

/* What the draws of a backend are made from; draw < weight, and the first is the backend's own. */
static inline __attribute__((always_inline)) __u64 lb_wire_draw_id(__u64 id, __u32 draw)
{
	return draw ? lb_wire_mix(id, draw) : id;
}

/*
 * The most rows a backend may be first of: ceil(rows * 1.02 * weight / total), total being the
 * weights of all that may be first. All above 0. The quotas together hold at least all rows.
 */
static inline __attribute__((always_inline)) __u32 lb_wire_quota(__u32 rows, __u32 weight,
								 __u32 total)
{
	__u64 share = (__u64)total * 100;

	return (__u32)(((__u64)rows * LB_WIRE_QUOTA_PERCENT * weight + share - 1) / share);
}

/*
 * The fewest rows a backend is to be first of: floor(rows * 0.98 * weight / total), and at least
 * one less than its share: where that is some ten rows, one more or less is 10 % of it, and to hold
 * all to the row would move too many.
 */
static inline __attribute__((always_inline)) __u32 lb_wire_least(__u32 rows, __u32 weight,
								 __u32 total)
{
	__u64 share = (__u64)rows * weight;
	__u32 whole = (__u32)(share / total);
	__u32 least = (__u32)(share * LB_WIRE_LEAST_PERCENT / ((__u64)total * 100));

	return whole && least == whole ? whole - 1 : least;
}

/*
 * A draw in a row; the higher comes first. id = lb_wire_draw_id() of lb_wire_backend_id();
 * begun = lb_wire_mix_begin(id).
 */
static inline __attribute__((always_inline)) __u64 lb_wire_weight_begun(__u64 begun, __u32 row)
{
	return lb_wire_mix_end(begun, (__u64)row * LB_WIRE_M1);
}

static inline __attribute__((always_inline)) __u64 lb_wire_weight(__u64 id, __u32 row)
{
	return lb_wire_weight_begun(lb_wire_mix_begin(id), row);
}

/* Identity of a backend within its service, from what all nodes know of it. */
static inline __attribute__((always_inline)) __u64 lb_wire_backend_id(const __u32 addr[4],
								      __u16 port, __u32 seed)
{
	__u64 low = (__u64)addr[1] << 32 | addr[0];
	__u64 high = (__u64)addr[3] << 32 | addr[2];

	return lb_wire_mix(high ^ (low * LB_WIRE_M1), (__u64)seed << 32 | port);
}

/*
 * Name of a recipe, by which nodes tell each other which rows they use: begun with what all
 * backends share, then each of them added in the order of address and port.
 */
static inline __attribute__((always_inline)) __u64 lb_wire_recipe(__u32 seed, __u32 log2_rows)
{
	return lb_wire_mix((__u64)LB_WIRE_VERSION << 32 | log2_rows, seed);
}

static inline __attribute__((always_inline)) __u64 lb_wire_recipe_add(__u64 recipe, __u64 id,
								      __u32 weight, __u32 ready)
{
	return lb_wire_mix(lb_wire_mix(recipe, id), (__u64)weight << 1 | !!ready);
}

#include "wire_settle.h"
#include "wire_tunnel.h"
