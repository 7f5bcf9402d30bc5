// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A plan is made, what it asks for is told to the next one as done, and so on until nothing
 * changes. It begins with nothing in place, so that nothing has to leave.
 */
#include "plan/plan_settled.h"

#include "plan/plan_difference.h"

#include <assert.h>

#define ROUNDS_MAX                                                                                 \
	8 /* VIPs, then routes, then what waits for these: three, and one that finds it so */

/* All that the plan has for the peer was sent to it. */
static struct prefix_list *sent_to(const struct plan *plan, size_t peer, struct arena *arena)
{
	struct prefix_list *ret;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_routes; i++)
		n += plan->routes[i].peers >> peer & 1;
	ret = arena_alloc(arena, 1, sizeof(*ret) + n * sizeof(*ret->items));
	ret->n_users = 1;
	for (size_t i = 0; i < plan->n_routes; i++)
		if (plan->routes[i].peers >> peer & 1)
			ret->items[ret->n++] = plan->routes[i].prefix;
	assert(ret->n == n);
	return ret;
}

static void settle_peers(const struct plan *plan, nsec_t now, struct arena *arena,
			 struct plan_actual *ret)
{
	struct plan_actual_peer *peers =
		arena_array_of(arena, plan->n_peers, struct plan_actual_peer);

	for (size_t i = 0; i < plan->n_peers; i++)
		peers[i] = (struct plan_actual_peer){.key = plan->peers[i].key,
						     .established = true,
						     .end_of_rib_sent = true,
						     .established_at = now,
						     .advertised = sent_to(plan, i, arena),
						     .trying_since = NSEC_NEVER};
	ret->peers = peers;
	ret->n_peers = plan->n_peers;
}

static void settle_frontends(const struct plan *plan, struct arena *arena, struct plan_actual *ret)
{
	struct lb_actual *all = arena_array_of(arena, plan->n_frontends, struct lb_actual);

	for (size_t i = 0; i < plan->n_frontends; i++) {
		const struct lb_frontend *lb = &plan->frontends[i].lb;

		all[i] = (struct lb_actual){.key = lb->key,
					    .table = lb->table,
					    .ranges_name = lb->ranges_name,
					    .limit = lb->limit,
					    .flags = lb->flags,
					    .seed = lb->seed,
					    .rows_log2 = lb->rows_log2,
					    .tested = true,
					    .targets = lb->targets,
					    .n_targets = lb->n_targets};
	}
	ret->frontends = all;
	ret->n_frontends = plan->n_frontends;
}

static void settle_ways(const struct plan *plan, struct arena *arena, struct plan_actual *ret)
{
	struct plan_actual_device *devices =
		arena_array_of(arena, plan->n_devices, struct plan_actual_device);
	struct plan_actual_remote *remotes =
		arena_array_of(arena, plan->n_remotes, struct plan_actual_remote);
	struct lb_discard *discards = arena_array_of(arena, plan->n_discards, struct lb_discard);

	for (size_t i = 0; i < plan->n_devices; i++)
		devices[i] = (struct plan_actual_device){.ifindex = plan->devices[i].ifindex,
							 .name = plan->devices[i].name,
							 .xdp = plan->devices[i].xdp,
							 .tc = plan->devices[i].tc,
							 .nat = plan->devices[i].nat,
							 .generic = plan->devices[i].allow_generic};
	for (size_t i = 0; i < plan->n_remotes; i++)
		remotes[i] = (struct plan_actual_remote){plan->remotes[i].addr, REMOTE_ANSWERS};
	for (size_t i = 0; i < plan->n_discards; i++)
		discards[i] = plan->discards[i].what;
	ret->devices = devices;
	ret->n_devices = plan->n_devices;
	ret->remotes = remotes;
	ret->n_remotes = plan->n_remotes;
	ret->discards = discards;
	ret->n_discards = plan->n_discards;
}

static bool is_same(const struct plan *a, const struct plan *b)
{
	const struct plan_ledger none = {0};

	return !plan_difference(&(struct plan_result){a, &none, 0},
				&(struct plan_result){b, &none, 0});
}

/* Of no world any more: two of them are compared. */
static void forget_objects(struct plan *plan, struct arena *arena)
{
	struct plan_peer *peers = arena_memdup(arena, plan->peers, plan->n_peers * sizeof(*peers));

	for (size_t i = 0; i < plan->n_peers; i++)
		peers[i].object = NULL;
	plan->peers = peers;
}

void plan_settled(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
		  struct arena *arena, struct plan *ret)
{
	struct plan_ledger kept = {.router_id = ledger->router_id,
				   .pools = ledger->pools,
				   .good = ledger->good,
				   .n_good = ledger->n_good};
	struct plan_actual actual = {0};
	struct plan_inputs inputs = *in;
	struct plan former;
	nsec_t deadline;

	inputs.actual = &actual;
	inputs.cache = NULL;
	*ret = (struct plan){0};
	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct plan_ledger next;

		former = *ret;
		plan_compute(&inputs, &kept, now, arena, ret, &next, &deadline);
		kept = next;
		assert(kept.n_drains == 0 && kept.n_leaving == 0); /* nothing was there before */
		if (i > 0 && is_same(&former, ret))
			break;
		settle_peers(ret, now, arena, &actual);
		settle_frontends(ret, arena, &actual);
		settle_ways(ret, arena, &actual);
		now = nsec_add(now, ret->drain_ns);
	}
	forget_objects(ret, arena);
}
