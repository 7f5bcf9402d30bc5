// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What was answered is remembered by address, also that nothing is known: a process of this host or
 * an address behind a device that has no peer has the flow table as its only witness, and a pod
 * behind a bridge is known only once it has spoken; both are asked for again in the next round, and
 * when the kernel has learned of a neighbour, which may be the pod that has spoken. A round walks
 * the plan in the order of keys, and rests where it meets a pod that is still asked for; at its end
 * what no frontend names any more is forgotten.
 *
 * Between rounds nobody walks the plan: a frontend that was put before all its pods were known is
 * due by its key, and so is the one that was told without a pod that is known by now. Where these
 * are too many, or a pod is of several frontends, a round tells all.
 */
#include "agent/pods.h"

#include "base/hash.h"
#include "base/sorted.h"
#include "plan/plan_sort.h"

#include <assert.h>

#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

struct pod {
	struct ip_addr addr;
	int nsid;         /* negative: not known */
	unsigned round;   /* it was asked for in */
	unsigned learned; /* ... and what had been learned by then */
	bool is_asked;    /* ... and is not answered yet */
	enum { LACKED_NOWHERE, LACKED_ONCE, LACKED_OFTEN } lacked;
	struct lb_key key; /* once: of the frontend that was told without it, in this round */
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

static struct pod *find(const struct pods *pods, const struct ip_addr *addr)
{
	struct pod *pod;

	HASH_FIND(hh, pods->known, addr, sizeof(*addr), pod);
	return pod;
}

/* False: there are enough of them for now. */
static bool ask(struct pods *pods, struct pod *pod)
{
	if (pods->is_asking || pods->n_asks == PODS_ASKS)
		return false;
	pods->asks[pods->n_asks++] = pod->addr;
	if (pod->round != pods->round) /* which tells all */
		pod->lacked = LACKED_NOWHERE;
	pod->round = pods->round;
	pod->learned = pods->learned;
	pod->is_asked = true;
	return true;
}

static void ask_all(struct pods *pods)
{
	if (pods->is_asking || pods->n_asks == 0)
		return;
	pods->is_asking = true;
	pods->ops->ask(pods->ctx, pods->asks, pods->n_asks);
}

static struct pod *add(struct pods *pods, const struct ip_addr *addr)
{
	struct pod *pod = xcalloc(1, sizeof(*pod));

	pod->addr = *addr;
	pod->nsid = -1;
	pod->round = pods->round - 1;
	HASH_ADD(hh, pods->known, addr, sizeof(pod->addr), pod);
	return pod;
}

/* What is known of it in this round; NULL: that is still asked for, or to be. */
static struct pod *get(struct pods *pods, const struct ip_addr *addr)
{
	struct pod *pod = find(pods, addr);

	if (!pod)
		pod = add(pods, addr);
	if (!pod->is_asked && pod->round != pods->round)
		(void)ask(pods, pod);
	return pod->is_asked || pod->round != pods->round ? NULL : pod;
}

/* The frontend is told without it. */
static void note_lack(struct pod *pod, const struct lb_key *key)
{
	if (pod->lacked == LACKED_NOWHERE) {
		pod->lacked = LACKED_ONCE;
		pod->key = *key;
	} else if (lb_key_cmp(&pod->key, key) != 0) {
		pod->lacked = LACKED_OFTEN;
	}
}

/* False: not all are known, and nothing was told; the others are asked for, as far as it goes. */
static bool tell(struct pods *pods, const struct lb_frontend *f)
{
	_cleanup_(freep) struct lb_nsid *nsids = xcalloc(f->n_targets + 1, sizeof(*nsids));
	bool all = true;
	size_t n = 0;

	for (size_t i = 0; i < f->n_targets; i++) {
		const struct ip_addr *addr = &f->targets[i].addr;
		struct pod *pod;

		if (!ip_addr_is_none(&f->targets[i].node))
			continue;
		pod = get(pods, addr);
		all &= pod != NULL;
		if (pod && pod->nsid < 0)
			note_lack(pod, &f->key);
		if (!pod || pod->nsid < 0 || (n > 0 && ip_addr_equal(&nsids[n - 1].addr, addr)))
			continue;
		nsids[n++] = (struct lb_nsid){.addr = *addr, .nsid = (uint32_t)pod->nsid};
	}
	if (!all)
		return false;
	pods->ops->tell(pods->ctx, &f->key, nsids, n);
	return true;
}

/* All are told once more. */
static void begin_round(struct pods *pods)
{
	pods->in_round = true;
	pods->is_begun = false;
	pods->n_due = 0;
}

/* This one is told once all its pods are known. */
static void add_due(struct pods *pods, const struct lb_key *key)
{
	for (size_t i = 0; i < pods->n_due; i++)
		if (lb_key_cmp(&pods->due[i], key) == 0)
			return;
	if (pods->n_due < PODS_DUE)
		pods->due[pods->n_due++] = *key;
	else
		begin_round(pods);
}

/* --- the store -------------------------------------------------------------------------------- */

static int put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	struct pods *pods = ctx;
	int r = pods->store.ops->put(pods->store.ctx, now, f);

	if (r != 0 || f->n_targets == 0)
		return r;
	if (!tell(pods, f))
		add_due(pods, &f->key);
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

/* It is known now: who was told without it is told anew. */
static void mend(struct pods *pods, const struct pod *pod)
{
	if (pod->lacked == LACKED_OFTEN)
		begin_round(pods);
	else if (pod->lacked == LACKED_ONCE)
		add_due(pods, &pod->key);
}

void pods_answered(struct pods *pods, const int *nsids, size_t n)
{
	assert(pods->is_asking && n == pods->n_asks);
	for (size_t i = 0; i < n; i++) {
		struct pod *pod = find(pods, &pods->asks[i]);

		if (!pod) /* nobody names it any more */
			continue;
		pod->nsid = nsids[i];
		pod->is_asked = false;
		if (pod->nsid >= 0)
			mend(pods, pod);
	}
	pods->is_asking = false;
	pods->n_asks = 0;
}

/* False: not all could be. */
static bool ask_for_unknown(struct pods *pods)
{
	struct pod *pod, *next;

	HASH_ITER (hh, pods->known, pod, next) {
		if (pod->nsid >= 0 || pod->is_asked || pod->learned == pods->learned)
			continue;
		if (!ask(pods, pod))
			return false;
	}
	return true;
}

static int cmp_key(const void *key, const void *item)
{
	const struct plan_frontend *f = item;

	return lb_key_cmp(key, &f->lb.key);
}

/* The round rests at this one; what those behind it will need is asked for beside it. */
static void rest(struct pods *pods, const struct plan *plan, size_t at)
{
	pods->from = plan->frontends[at].lb.key;
	pods->is_begun = true;
	for (size_t i = at + 1, n = 0; i < plan->n_frontends && n < PODS_TOLD; i++) {
		const struct plan_frontend *f = &plan->frontends[i];

		for (size_t k = 0; !f->hold && k < f->lb.n_targets; k++)
			(void)get(pods, &f->lb.targets[k].addr);
		n += f->lb.n_targets;
	}
}

/* True: there is more to tell of. */
static bool go_round(struct pods *pods, const struct plan *plan)
{
	size_t i = 0, n_told = 0;

	if (pods->is_begun)
		i = plan_lower_bound(&pods->from, plan->frontends, plan->n_frontends,
				     sizeof(*plan->frontends), cmp_key);
	for (; i < plan->n_frontends; i++) {
		const struct plan_frontend *f = &plan->frontends[i];

		if (f->hold || f->lb.n_targets == 0)
			continue;
		if (n_told >= PODS_TOLD) {
			pods->from = f->lb.key;
			pods->is_begun = true;
			return true;
		}
		if (!tell(pods, &f->lb)) {
			rest(pods, plan, i);
			return false;
		}
		n_told += f->lb.n_targets;
	}
	pods->in_round = false;
	forget(pods, false);
	return false;
}

/* True: there is more to tell of. */
static bool tell_due(struct pods *pods, const struct plan *plan)
{
	size_t n_told = 0, n_left = 0;

	for (size_t i = 0; i < pods->n_due; i++) {
		const struct lb_key *key = &pods->due[i];
		const struct plan_frontend *f = sorted_find(key, plan->frontends, plan->n_frontends,
							    sizeof(*plan->frontends), cmp_key);

		if (!f || f->hold || f->lb.n_targets == 0)
			continue; /* it is put again if it is wanted again */
		if (n_told < PODS_TOLD && tell(pods, &f->lb))
			n_told += f->lb.n_targets;
		else
			pods->due[n_left++] = *key;
	}
	pods->n_due = n_left;
	return n_told >= PODS_TOLD && n_left > 0;
}

bool pods_tick(struct pods *pods, const struct plan *plan)
{
	bool more = false;

	if (pods->is_asking)
		return false;
	if (pods->has_learned)
		pods->has_learned = !ask_for_unknown(pods);
	if (pods->in_round)
		more = go_round(pods, plan);
	more |= tell_due(pods, plan);
	ask_all(pods);
	return more;
}
