// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What was asked is remembered by address, also that nothing is known: a process of this host or an
 * address behind a device that has no peer has the flow table as its only witness, and a pod behind
 * a bridge is known only once it has spoken; both are asked for again in the next round, and when
 * the kernel has learned of a neighbour, which may be the pod that has spoken. A round
 * walks the plan in the order of keys; at its end what no frontend names any more is forgotten.
 */
#include "agent/pods.h"

#include "base/hash.h"
#include "plan/plan_sort.h"

#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

struct pod {
	struct ip_addr addr;
	int nsid;         /* negative: not known */
	unsigned round;   /* it was asked for in */
	unsigned learned; /* ... and what had been learned by then */
	UT_hash_handle hh;
};

void pods_init(struct pods *pods, const struct pods_ops *ops, void *ctx)
{
	*pods = (struct pods){.ops = ops, .ctx = ctx};
}

/* Those that were not asked in this round, or all. */
static void forget(struct pods *pods, bool all)
{
	struct pod *pod, *next;

	HASH_ITER (hh, pods->known, pod, next) {
		if (!all && pod->round == pods->round)
			continue;
		HASH_DEL(pods->known, pod);
		free(pod);
	}
}

void pods_done(struct pods *pods)
{
	forget(pods, true);
}

static void begin_turn(struct pods *pods, nsec_t now)
{
	if (pods->turn == now)
		return;
	pods->turn = now;
	pods->asks_left = PODS_ASKS;
}

static struct pod *find(const struct pods *pods, const struct ip_addr *addr)
{
	struct pod *pod;

	HASH_FIND(hh, pods->known, addr, sizeof(*addr), pod);
	return pod;
}

static void ask(struct pods *pods, struct pod *pod)
{
	pods->asks_left--;
	pod->learned = pods->learned;
	pod->nsid = pods->ops->ask(pods->ctx, &pod->addr);
}

/* What is known of it in this round; NULL: nothing, and it cannot be asked for in this turn. */
static const struct pod *get(struct pods *pods, const struct ip_addr *addr)
{
	struct pod *pod = find(pods, addr);

	if (pod && pod->round == pods->round)
		return pod;
	if (pods->asks_left == 0)
		return NULL;
	if (!pod) {
		pod = xcalloc(1, sizeof(*pod));
		pod->addr = *addr;
		HASH_ADD(hh, pods->known, addr, sizeof(pod->addr), pod);
	}
	pod->round = pods->round;
	ask(pods, pod);
	return pod;
}

/* False: not all could be asked for, and nothing was told. */
static bool tell(struct pods *pods, const struct lb_frontend *f)
{
	_cleanup_(freep) struct lb_nsid *nsids = xcalloc(f->n_targets + 1, sizeof(*nsids));
	size_t n = 0;

	for (size_t i = 0; i < f->n_targets; i++) {
		const struct ip_addr *addr = &f->targets[i].addr;
		const struct pod *pod = get(pods, addr);

		if (!pod)
			return false;
		if (pod->nsid < 0 || (n > 0 && ip_addr_equal(&nsids[n - 1].addr, addr)))
			continue;
		nsids[n++] = (struct lb_nsid){.addr = *addr, .nsid = (uint32_t)pod->nsid};
	}
	pods->ops->tell(pods->ctx, &f->key, nsids, n);
	return true;
}

/* All are told once more. */
static void begin_round(struct pods *pods)
{
	pods->in_round = true;
	pods->is_begun = false;
}

/* --- the store -------------------------------------------------------------------------------- */

static int put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	struct pods *pods = ctx;
	int r = pods->store.ops->put(pods->store.ctx, now, f);

	if (r != 0 || f->n_targets == 0)
		return r;
	begin_turn(pods, now);
	if (!tell(pods, f))
		begin_round(pods);
	return 0;
}

static int del(void *ctx, nsec_t now, const struct lb_key *key)
{
	const struct pods *pods = ctx;

	return pods->store.ops->del(pods->store.ctx, now, key);
}

static int test(void *ctx, nsec_t now, const struct lb_key *key)
{
	const struct pods *pods = ctx;

	return pods->store.ops->test(pods->store.ctx, now, key);
}

static void dump(void *ctx, struct arena *arena, const struct lb_actual **ret, size_t *ret_n)
{
	const struct pods *pods = ctx;

	pods->store.ops->dump(pods->store.ctx, arena, ret, ret_n);
}

struct lb_store pods_store(struct pods *pods, const struct lb_store *store)
{
	static const struct lb_store_ops ops = {.put = put, .del = del, .test = test, .dump = dump};

	pods->store = *store;
	return (struct lb_store){.ops = &ops, .ctx = pods};
}

/* --- rounds ----------------------------------------------------------------------------------- */

void pods_ask_anew(struct pods *pods)
{
	pods->round++;
	begin_round(pods);
}

void pods_learned(struct pods *pods)
{
	pods->learned++;
	pods->has_learned = true;
}

/* False: there are no asks left for all. */
static bool ask_for_unknown(struct pods *pods)
{
	struct pod *pod, *next;

	HASH_ITER (hh, pods->known, pod, next) {
		if (pod->nsid >= 0 || pod->learned == pods->learned)
			continue;
		if (pods->asks_left == 0)
			return false;
		ask(pods, pod);
		if (pod->nsid >= 0)
			begin_round(pods);
	}
	pods->has_learned = false;
	return true;
}

static int cmp_key(const void *key, const void *item)
{
	const struct plan_frontend *f = item;

	return lb_key_cmp(key, &f->lb.key);
}

bool pods_tick(struct pods *pods, const struct plan *plan, nsec_t now)
{
	size_t i = 0, n_told = 0;

	begin_turn(pods, now);
	if (pods->has_learned && !ask_for_unknown(pods))
		return true;
	if (!pods->in_round)
		return false;
	if (pods->is_begun)
		i = plan_lower_bound(&pods->from, plan->frontends, plan->n_frontends,
				     sizeof(*plan->frontends), cmp_key);
	for (; i < plan->n_frontends; i++) {
		const struct plan_frontend *f = &plan->frontends[i];

		if (f->hold || f->lb.n_targets == 0)
			continue;
		if (n_told < PODS_TOLD && tell(pods, &f->lb)) {
			n_told += f->lb.n_targets;
			continue;
		}
		pods->from = f->lb.key;
		pods->is_begun = true;
		return true;
	}
	pods->in_round = false;
	forget(pods, false);
	return false;
}
