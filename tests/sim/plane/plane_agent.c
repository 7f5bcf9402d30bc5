// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The agent as agent/ drives it, without a syscall: inputs, plan, sinks in their order, a few
 * rounds a turn, and what is on disk. A crash loses the rest; what the kernel holds stays in the
 * fixture.
 */
#include "sim/plane/plane.h"

#include "api/text_pack.h"
#include "base/limits.h"
#include "plan/plan_ledger.h"
#include "plan/sink.h"

#include <assert.h>

#define ROUNDS_MAX   4
#define RESTLESS_MAX 200 /* turns in a row */
#define RETRY_NS     (1 * NSEC_PER_SEC)

/* One object of the saved world. */
struct plane_saved {
	char *source, *text; /* owned */
};

/* --- on disk ---------------------------------------------------------------------------------- */

static void forget_saved(struct plane *p)
{
	for (size_t i = 0; i < p->n_saved; i++) {
		free(p->saved[i].source);
		free(p->saved[i].text);
	}
	free(p->saved);
	p->saved = NULL;
	p->n_saved = 0;
}

/* As it was printed, for whom agent/world_text.c writes it. */
static char *text_of(const struct api_object *o)
{
	struct strbuf out;

	strbuf_init(&out, LIMIT_DOCUMENT_BYTES);
	api_text_unpack(&out, o->text, o->text_len);
	return out.data;
}

static void save_world(struct plane *p)
{
	size_t cap = 0;

	forget_saved(p);
	for (unsigned shard = 0; shard < WORLD_SHARDS; shard++) {
		struct world_place at = {0};
		const struct api_object *o;

		while ((o = world_shard_next(p->f->world, shard, &at)))
			*(struct plane_saved *)xpush(&p->saved, &p->n_saved, &cap,
						     sizeof(*p->saved)) = (struct plane_saved){
				.source = xstrdup(o->meta.file), .text = text_of(o)};
	}
}

static void restore_world(struct plane *p)
{
	for (size_t i = 0; i < p->n_saved; i++) {
		const struct world_document document = {
			.text = p->saved[i].text, .len = strlen(p->saved[i].text), .line = 1};

		if (!world_restore(p->f->world, p->saved[i].source, &document))
			plane_violation(p, "what was saved cannot be read: %s", p->saved[i].text);
	}
}

/* What may wait is on disk sometime; or it never comes there, before a crash. */
static const struct plan_ledger *ledger_to_save(struct plane *p)
{
	const bool waits = plan_ledger_may_wait(&p->ledger, &p->f->ledger) && plane_chance(p, 3);

	return waits ? &p->ledger : &p->f->ledger;
}

/* Addresses and ledger, after every plan: written before anybody is told of them. */
static void save_state(struct plane *p)
{
	struct arena *arena = arena_new();
	const struct plan_addresses *from = p->f->synced ? &p->f->addresses : &p->given;
	struct plan_address *items = arena_array_of(arena, from->n, struct plan_address);

	for (size_t i = 0; i < from->n; i++) {
		items[i] = from->items[i];
		items[i].ns = arena_strdup(arena, from->items[i].ns);
		items[i].name = arena_strdup(arena, from->items[i].name);
		items[i].pool = arena_strdup(arena, from->items[i].pool);
	}
	p->given = (struct plan_addresses){.items = items, .n = from->n};
	p->ledger = *ledger_to_save(p);
	plan_ledger_copy(arena, &p->ledger);
	arena_free(p->kept);
	p->kept = arena;
	p->f->given = p->given;
}

void plane_agent_done(struct plane *p)
{
	forget_saved(p);
}

/* --- peers ------------------------------------------------------------------------------------ */

static unsigned index_of(const char *name)
{
	assert(name[0] == 'p' && name[1] >= '0' && name[1] < '0' + PLANE_PEERS);
	return (unsigned)(name[1] - '0');
}

static bool is_recent(const struct plane_prefix *e, nsec_t now)
{
	return e->at + PLAN_UNHELD_NS > now;
}

/* What a session held is held no more by it, or, by a helper, for as long as it keeps it. */
void plane_agent_note_down(struct plane *p, unsigned i)
{
	struct plane_session *s = &p->sessions[i];

	if (bgp_peer_info(s->peer).gr_negotiated)
		s->stale_until = s->held_until = p->now + PLANE_RESTART;
	for (size_t k = 0; k < s->written.n; k++)
		if (!s->written.items[k].is_blackhole)
			plane_add(&s->lost, &s->written.items[k].prefix, p->now);
	plane_clear(&s->written);
	p->dirty = true;
}

/*
 * The plan hears of it with the end of the session, or before. What is not up again at the end is
 * BGP without BFD, which is as good.
 */
void plane_agent_bfd(struct plane *p)
{
	struct plane_session *s = &p->sessions[plane_chance(p, PLANE_PEERS)];

	if (!s->peer)
		return;
	s->lost_at = s->lost_at ? 0 : p->now;
	p->dirty = true;
	if (!s->lost_at)
		return;
	p->stats.lost++;
	if (plane_chance(p, 2))
		plane_agent_step(p);
	if (!s->peer)
		return;
	bgp_peer_notify(s->peer, p->now, BGP_SLOT_DIALLED, BGP_NOTE_BFD_DOWN);
	plane_net_pump_agent(p, (unsigned)(s - p->sessions));
}

static struct prefix_list *told(struct plane_session *s)
{
	prefix_list_unref(s->told);
	s->told = prefix_list_new(s->written.n);
	for (size_t k = 0; k < s->written.n; k++)
		s->told->items[k] = s->written.items[k].prefix;
	return s->told;
}

static void observe(void *ctx, struct arena *arena, const struct plan_actual_peer **ret,
		    size_t *ret_n)
{
	static const char *const names[PLANE_PEERS] = {"p0", "p1", "p2"};
	struct plan_actual_peer *all = arena_array_of(arena, PLANE_PEERS, struct plan_actual_peer);
	struct plane *p = ctx;
	size_t n = 0;

	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		struct plane_session *s = &p->sessions[i];
		struct bgp_peer_info info;

		if (!s->peer)
			continue;
		info = bgp_peer_info(s->peer);
		all[n++] = (struct plan_actual_peer){
			.key = {names[i], "", ""},
			.established = info.state == BGP_ESTABLISHED,
			.established_at = info.established_at,
			.path = {s->lost_at, s->lost_at ? "detection time expired" : NULL},
			.end_of_rib_sent = info.end_of_rib_sent,
			.not_agreed = {info.state == BGP_ESTABLISHED
					       ? s->families.bits & ~info.families.bits
					       : 0},
			.no_next_hop = {info.families.bits & ~info.announced.bits},
			.stale_until = info.end_of_rib_sent ? 0 : s->stale_until,
			.advertised = told(s),
		};
	}
	*ret = all;
	*ret_n = n;
}

static void begin_session(struct plane *p, unsigned i, const struct plan_peer *want)
{
	struct bgp_peer_config config = want->bgp;
	struct plane_session *s = &p->sessions[i];
	struct rng rng;

	config.restarted = p->restarted && config.graceful_restart;
	config.forwarding_preserved = config.restarted;
	if (config.restarted)
		s->stale_until = p->now + PLANE_RESTART;
	rng_seed(&rng, rng_next(&p->rng));
	s->peer = bgp_peer_new(&config, &rng, NULL);
	s->updates_seen = s->routes_generation = 0;
	bgp_peer_notify(s->peer, p->now, BGP_SLOT_DIALLED, BGP_NOTE_START);
}

static void apply_sessions(struct plane *p)
{
	const struct plan *plan = &p->f->plan;

	for (size_t k = 0; k < plan->n_peers; k++) {
		const unsigned i = index_of(plan->peers[k].key.name);
		struct plane_session *s = &p->sessions[i];

		p->dirty |=
			memcmp(&s->next_hops, &plan->peers[k].next_hops, sizeof(s->next_hops)) != 0;
		s->next_hops = plan->peers[k].next_hops;
		s->families = plan->peers[k].bgp.families;
		if (!s->peer)
			begin_session(p, i, &plan->peers[k]);
		plane_net_set_next_hops(p, i);
		plane_net_pump_agent(p, i);
		s->routes_generation =
			plan_apply_routes(plan, k, bgp_peer_rib(s->peer), s->routes_generation);
		if (plan->end_of_rib)
			bgp_peer_notify(s->peer, p->now, BGP_SLOT_DIALLED, BGP_NOTE_SYNCED);
		plane_net_pump_agent(p, i);
	}
	if (p->f->synced)
		p->restarted = false;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static bool apply_round(struct plane *p)
{
	struct plane_before *before;
	size_t n_ops, n_failed = p->f->n_failed;
	const bool was_leaving = p->f->plan.leaving;

	p->dirty = false;
	p->f->now = p->now;
	p->stats.plans++;
	plane_flows_recall(p);
	fixture_plan(p->f);
	plane_check_addresses(p);
	save_state(p);
	before = plane_check_before(p);
	n_ops = fixture_apply(p->f);
	plane_check_after(p, before);
	plane_check_served(p);
	if (was_leaving && !p->f->plan.leaving && !p->f->plan.dataplane) {
		p->stats.left += !p->f->plan.drained;
		p->stats.drained += p->f->plan.drained;
	}
	p->retry_at = p->f->n_failed > n_failed || !plan_apply_is_over(&p->f->apply)
			      ? p->now + RETRY_NS
			      : NSEC_NEVER;
	apply_sessions(p);
	plane_flows_ask(p);
	return n_ops > 0 || p->dirty;
}

/* As in agent/reconcile.c: what is left is the next turn's affair; what failed has its own time. */
static void apply_rounds(struct plane *p)
{
	bool again = true;

	for (unsigned i = 0; again && i < ROUNDS_MAX && p->violation[0] == '\0'; i++)
		again = apply_round(p);
	p->dirty |= again && p->retry_at == NSEC_NEVER;
	p->restless = p->dirty ? p->restless + 1 : 0;
	if (p->restless == RESTLESS_MAX)
		plane_violation(p, "plans never come to rest");
}

void plane_agent_step(struct plane *p)
{
	if (!p->is_alive)
		return;
	if (!p->dirty && p->f->deadline > p->now && p->retry_at > p->now)
		return;
	apply_rounds(p);
	for (unsigned i = 0; i < PLANE_PEERS; i++)
		plane_keep(&p->sessions[i].lost, is_recent, p->now);
	if (plane_chance(p, 3))
		save_world(p);
}

nsec_t plane_agent_next(const struct plane *p)
{
	nsec_t next = nsec_min(p->restart_at, p->synced_at);

	if (!p->is_alive)
		return next;
	if (p->dirty)
		return p->now + NSEC_PER_MSEC;
	return nsec_min(next, nsec_min(p->f->deadline, p->retry_at));
}

/* --- life ------------------------------------------------------------------------------------- */

static void let_go(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		struct plane_session *s = &p->sessions[i];

		s->peer = bgp_peer_free(s->peer);
		plane_net_drop(p, i);
		plane_clear(&s->written);
		s->told = prefix_list_unref(s->told);
		plane_clear(&s->lost);
		s->stale_until = s->lost_at = 0;
	}
}

void plane_agent_crash(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++)
		if (p->sessions[i].peer && bgp_peer_info(p->sessions[i].peer).gr_negotiated)
			p->sessions[i].held_until = p->now + PLANE_RESTART;
	let_go(p);
	plane_flows_crash(p);
	p->is_alive = false;
	p->stats.crashes++;
	p->synced_at = p->retry_at = NSEC_NEVER;
	p->restart_at = p->now + plane_chance(p, 20 * NSEC_PER_SEC);
}

/* A new process above the same kernel. */
void plane_agent_start(struct plane *p)
{
	fixture_restart(p->f);
	p->f->observe_sessions = observe;
	p->f->sessions = p;
	p->f->given = p->given;
	p->f->ledger = p->ledger;
	p->f->synced = false;
	p->f->settings.drained = p->drained;
	plane_world_set_orders(p, p->f);
	p->f->deny_per_turn = 1 + plane_chance(p, 4);
	fake_store_adopt(&p->f->store);
	p->restarted = p->stats.crashes > 0;
	restore_world(p);
	p->is_alive = p->dirty = true;
	p->restart_at = NSEC_NEVER;
	p->synced_at =
		p->now + plane_chance(p, plane_chance(p, 3) ? NSEC_PER_SEC : 30 * NSEC_PER_SEC);
}

/* The folder can be read: all of its files, and no others. */
void plane_agent_sync(struct plane *p)
{
	plane_world_put_all(p, p->f);
	for (size_t i = 0; i < p->n_saved; i++)
		if (!plane_world_has(p, p->saved[i].source))
			world_drop_source(p->f->world, p->saved[i].source);
	p->f->synced = true;
	p->synced_at = NSEC_NEVER;
	p->dirty = true;
}
