// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The data plane as the sinks of the plan (plan/sink.h): front ends are put, deleted and tested,
 * and ways, rates and the like are told, each only as long as the turn of the loop lasts.
 */
#include "sys/bpf_counts.h"
#include "sys/bpf_dataplane_inside.h"
#include "sys/bpf_hooks.h"
#include "sys/bpf_nodes.h"
#include "sys/bpf_ports.h"
#include "sys/bpf_selftest.h"
#include "sys/clock.h"

#include <errno.h>

#define TURN_LEAST_NS (2 * NSEC_PER_MSEC)

/* --- turns ------------------------------------------------------------------------------------ */

/* Where most of the turn is gone already there is less, but always some. */
static nsec_t turn_end(const struct bpf_dataplane *dp, nsec_t now, nsec_t clock)
{
	const nsec_t end = clock + dp->turn, least = clock + nsec_min(dp->turn, TURN_LEAST_NS);
	const nsec_t until = now + dp->turn_until;

	if (dp->turn_until == 0 || end <= until)
		return end;
	return until > least ? until : least;
}

/* By the clock, as pages that are touched first and the kernel's own work are most of the cost. */
static bool is_turn_over(struct bpf_dataplane *dp, nsec_t now)
{
	if (dp->turn == 0)
		return false;
	if (dp->turn_now == now)
		return clock_now() >= dp->turn_ends_at;
	dp->turn_now = now;
	dp->turn_ends_at = turn_end(dp, now, clock_now());
	return false;
}

/* --- front ends ------------------------------------------------------------------------------- */

static void move_counters(struct bpf_dataplane *dp)
{
	const struct lb_counter_move *moves;
	size_t n = lb_tables_take_moves(dp->tables, &moves);

	bpf_maps_move_counters(&dp->maps, moves, n);
}

static int put_tables(struct bpf_dataplane *dp, const struct lb_clock *c,
		      const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(dp->tables, c, f)) > 0) {
		outcome = outcome == LB_NEED_RANGES
				  ? bpf_ranges_fill(dp->ranges, c, f, dp->turn_ends_at)
			  : outcome == LB_NEED_FAR ? bpf_far_for(dp->far, c->now)
						   : bpf_grow_for(dp->grow, outcome, c->now);
		if (outcome != 0)
			return outcome;
	}
	bpf_grow_ahead(dp->grow, c->now);
	return outcome;
}

/* Rows that take long are made ahead, and then the put has a turn of its own. */
static bool is_prepared(struct bpf_dataplane *dp, nsec_t now, const struct lb_frontend *f)
{
	bool is_now = true;

	while (!lb_tables_prepare(dp->tables, f)) {
		is_now = dp->turn == 0;
		if (is_turn_over(dp, now))
			return false;
	}
	return is_now;
}

static int store_put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	struct bpf_dataplane *dp = ctx;
	struct lb_clock c = bpf_dataplane_clock(dp, now);
	struct bpf_packets leaving = {0};
	struct lb_actual before, after;
	bool had, has;
	int error;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	had = lb_tables_get(dp->tables, &f->key, dp->scratch, &before);
	if (had && lb_actual_is(&before, f))
		return 0;
	if (!is_prepared(dp, now, f) ||
	    !bpf_ports_use_ahead(dp->ports, f, dp->turn ? dp->turn_ends_at : NSEC_NEVER))
		return -EINPROGRESS;
	if (had)
		leaving = bpf_counts_leaving(&dp->maps, dp->tables, &before, f, dp->scratch);
	error = put_tables(dp, &c, f);
	if (error == 0)
		bpf_counts_retire(&dp->maps, &f->key, &leaving);
	move_counters(dp);
	has = lb_tables_get(dp->tables, &f->key, dp->scratch, &after);
	bpf_ports_change(dp->ports, had ? &before : NULL, has ? &after : NULL);
	if (error != -EINPROGRESS)
		bpf_ports_leave_ahead(dp->ports);
	return error;
}

static int store_del(void *ctx, nsec_t now, const struct lb_key *key)
{
	struct bpf_dataplane *dp = ctx;
	struct lb_clock c = bpf_dataplane_clock(dp, now);
	struct lb_actual before;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	if (!lb_tables_get(dp->tables, key, dp->scratch, &before))
		return 0;
	lb_tables_del(dp->tables, &c, key);
	bpf_counts_forget(&dp->maps, key);
	bpf_ports_change(dp->ports, &before, NULL);
	return 0;
}

static int store_test(void *ctx, nsec_t now, const struct lb_key *key)
{
	struct bpf_dataplane *dp = ctx;
	struct lb_actual frontend;
	int error = 0;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	arena_reset(dp->scratch);
	if (!lb_tables_get(dp->tables, key, dp->scratch, &frontend))
		return -ENOENT;
	/* A VIP alone serves no connection, nor does what is no service. */
	if (key->port != 0 && !(frontend.flags & LB_F_TUNNEL))
		error = bpf_selftest(dp->programs.xdp_fd, &frontend,
				     bpf_hooks_device_of(dp->hooks, key->domain));
	if (error == 0)
		lb_tables_set_tested(dp->tables, key);
	return error;
}

static void store_dump(void *ctx, struct arena *arena, const struct lb_actual **ret, size_t *ret_n)
{
	const struct bpf_dataplane *dp = ctx;

	lb_tables_dump(dp->tables, arena, ret, ret_n);
}

struct lb_store bpf_dataplane_store(struct bpf_dataplane *dp)
{
	static const struct lb_store_ops ops = {
		.put = store_put,
		.del = store_del,
		.test = store_test,
		.dump = store_dump,
	};

	return (struct lb_store){.ops = &ops, .ctx = dp};
}

/* --- ways, and what else is told beside them ---------------------------------------------------
 */

static int ways_denied(void *ctx, nsec_t now, const struct lb_denied *lists, size_t n, bool keep)
{
	struct bpf_dataplane *dp = ctx;

	if (is_turn_over(dp, now))
		return -EINPROGRESS;
	lb_deny_want(dp->deny, lists, n, keep);
	return bpf_deny_go_on(dp->deny, bpf_maps_fd(&dp->maps, "ranges"), dp->turn_ends_at);
}

static int ways_nodes(void *ctx, nsec_t now, const struct lb_node_told *items, size_t n)
{
	struct bpf_dataplane *dp = ctx;
	const struct lb_clock c = bpf_dataplane_clock(dp, now);

	return bpf_nodes_tell(dp->nodes, &c, items, n);
}

static int ways_next_hops(void *ctx, nsec_t now, const struct plan_next_hop *items, size_t n)
{
	struct bpf_dataplane *dp = ctx;
	const struct lb_clock c = bpf_dataplane_clock(dp, now);

	return bpf_nodes_set_hops(dp->nodes, &c, items, n);
}

static int ways_nat(void *ctx, nsec_t now, uint16_t first_port)
{
	struct bpf_dataplane *dp = ctx;
	int outcome;

	while ((outcome = bpf_nodes_set_nat(dp->nodes, now, first_port)) == LB_NEED_FAR) {
		outcome = bpf_far_for(dp->far, now);
		if (outcome != 0)
			return outcome;
	}
	return outcome;
}

static int ways_rates(void *ctx, nsec_t now, const struct plan_rate *items, size_t n)
{
	(void)now;
	return bpf_rates_apply(((struct bpf_dataplane *)ctx)->rates, items, n);
}

static int ways_discards(void *ctx, nsec_t now, const struct lb_discard *items, size_t n)
{
	(void)now;
	return bpf_discards_apply(((struct bpf_dataplane *)ctx)->discards, items, n);
}

struct lb_ways bpf_dataplane_ways(struct bpf_dataplane *dp)
{
	static const struct lb_ways_ops ops = {
		.nodes = ways_nodes,
		.next_hops = ways_next_hops,
		.nat = ways_nat,
		.denied = ways_denied,
		.rates = ways_rates,
		.discards = ways_discards,
	};

	return (struct lb_ways){.ops = &ops, .ctx = dp};
}
