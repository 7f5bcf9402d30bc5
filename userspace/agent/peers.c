// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers and their sockets. Every input (a timer, bytes, a connection that came up) ends in
 * peer_pump(), which does what the protocol object asks for until it asks for nothing more, and
 * writes what it has to say. The object is the only one that decides; a socket error is just
 * another input.
 */
#include "agent/peers_inside.h"

#include "agent/peer_config.h"
#include "agent/peer_index.h"
#include "plan/plan_peer_change.h"
#include "plan/sink.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/memory.h"

#include <assert.h>

static const char *peer_text(const struct agent_peer *p)
{
	return p->key.name;
}

/* --- what was written ------------------------------------------------------------------------- */

bool peer_has_tail(const struct agent_peer *p)
{
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		if (p->links[i].tail_len > 0)
			return true;
	return false;
}

static void forget_written(struct agent_peer *p)
{
	p->written = prefix_list_unref(p->written);
	p->is_behind = false;
}

/* All UPDATEs that say what is advertised are the kernel's. */
static void note_written(struct agent_peer *p)
{
	struct bgp_peer_info info = bgp_peer_info(p->bgp);

	if (info.updates_sent == p->updates_seen || peer_has_tail(p))
		return;
	p->updates_seen = info.updates_sent;
	p->is_behind = p->all->written = true;
}

static bool log_route(struct agent_peer *p, const struct ip_prefix *prefix,
		      const struct bgp_attrs *attrs)
{
	route_log_add(&p->all->route_log, loop_now(p->all->loop), peer_text(p), &p->config.address,
		      prefix, attrs);
	return true;
}

static struct prefix_list *list_advertised(const struct bgp_rib *rib)
{
	struct prefix_list *ret = prefix_list_new(bgp_rib_n_advertised(rib));
	struct bgp_rib_route route;
	size_t pos = 0, n = 0;

	while (bgp_rib_next(rib, &pos, &route))
		if (route.advertised)
			ret->items[n++] = route.prefix;
	assert(n == ret->n);
	return ret;
}

/* Mostly all peers have the same, and then they have one list. */
static struct prefix_list *share(const struct agent_peers *all, struct prefix_list *list)
{
	for (size_t i = 0; i < all->n; i++) {
		struct prefix_list *other = all->items[i]->written;

		if (!other || !prefix_list_equal(other, list))
			continue;
		prefix_list_unref(list);
		return prefix_list_ref(other);
	}
	return list;
}

/* What the router was told since then, other attributes too. */
static void log_routes(struct agent_peer *p, const struct prefix_list *before)
{
	const size_t n_before = prefix_list_n(before);
	struct bgp_rib_route route;
	size_t pos = 0, gone = 0;
	bool any = false;

	while (bgp_rib_next(bgp_peer_rib(p->bgp), &pos, &route)) {
		if (!route.advertised)
			continue;
		while (gone < n_before && ip_prefix_cmp(&before->items[gone], &route.prefix) < 0)
			any = log_route(p, &before->items[gone++], NULL);
		gone += gone < n_before && ip_prefix_cmp(&before->items[gone], &route.prefix) == 0;
		if (route.is_news)
			any = log_route(p, &route.prefix, route.advertised);
	}
	while (gone < n_before)
		any = log_route(p, &before->items[gone++], NULL);
	if (any)
		route_log_total(&p->all->route_log, loop_now(p->all->loop), peer_text(p),
				&p->config.address, prefix_list_n(p->written));
	bgp_rib_is_known(bgp_peer_rib(p->bgp));
}

/* Before the plan asks: takes note of what is advertised, unless more of it is being written. */
static void read_written(struct agent_peer *p)
{
	struct prefix_list *before;

	if (!p->is_behind || peer_has_tail(p))
		return;
	before = TAKE_PTR(p->written);
	p->written = share(p->all, list_advertised(bgp_peer_rib(p->bgp)));
	p->is_behind = false;
	log_routes(p, before);
	prefix_list_unref(before);
}

/* --- what the protocol object asks for -------------------------------------------------------- */

/* Why there is no session, once for each reason: an attempt a second is no news. */
static void note_reason(struct agent_peer *p, nsec_t now)
{
	const char *reason = bgp_peer_info(p->bgp).last_error;
	char text[PLAN_PEER_TEXT];

	if (!peer_history_is_news(&p->history, reason))
		return;
	peer_history_add(&p->history, now, "no session: %s", reason);
	log_warn("bgp: session does not come up", "peer=%s address=%s reason=%s", peer_text(p),
		 plan_peer_text(&p->config, text), log_quote(reason));
}

/* An attempt without an answer: what the kernel knows of it by now. */
static void note_silence(struct agent_peer *p, nsec_t now)
{
	struct peer_link *l = &p->links[BGP_SLOT_DIALLED];
	const char *why = link_silence(l, now);

	if (why) {
		bgp_peer_set_error(p->bgp, why);
		note_reason(p, now);
		p->all->changed = true;
	}
	why = link_unheard(l, now);
	if (why) {
		link_drop(l, now, why);
		peer_pump(p, now);
	}
}

static void note_attempt(struct agent_peer *p)
{
	if (p->attempted && p->refusals < UINT16_MAX)
		p->refusals++;
	if (p->attempted && p->refusals == PLAN_REFUSALS)
		p->all->changed = true;
	p->attempted = true;
}

/* The router keeps what it has as stale, if both sides have agreed on that (RFC 4724). */
static void note_stale(struct agent_peer *p, nsec_t now)
{
	p->stale_until = nsec_add(now, p->config.bgp.restart_time_s * NSEC_PER_SEC);
}

static void note_down(struct agent_peer *p, nsec_t now)
{
	struct bgp_peer_info info = bgp_peer_info(p->bgp);
	char text[PLAN_PEER_TEXT];

	if (info.gr_negotiated)
		note_stale(p, now);

	p->trying_since = now;
	forget_written(p);
	p->all->urgent = true;
	log_warn("bgp: session down", "peer=%s address=%s reason=%s", peer_text(p),
		 plan_peer_text(&p->config, text),
		 log_quote(info.last_error ? info.last_error : "closed"));
	(void)peer_history_is_news(&p->history, info.last_error);
}

static void note_up(struct agent_peer *p)
{
	struct bgp_peer_info info = bgp_peer_info(p->bgp);
	char text[PLAN_PEER_TEXT];

	p->refusals = 0;
	p->attempted = false;
	(void)peer_history_is_news(&p->history, NULL);
	log_info("bgp: session established",
		 "peer=%s address=%s remote-as=%u hold=%u graceful-restart=%s", peer_text(p),
		 plan_peer_text(&p->config, text), info.remote_asn, info.hold_s,
		 info.gr_negotiated ? "yes" : "no");
}

static void handle(struct agent_peer *p, const struct bgp_event *e, nsec_t now)
{
	struct peer_link *l = &p->links[e->slot];

	if (e->from != e->to)
		peer_history_state(&p->history, now, e, bgp_peer_info(p->bgp).last_error);
	switch (e->type) {
	case BGP_EVENT_CONNECT:
		note_attempt(p);
		link_dial(l, now);
		break;
	case BGP_EVENT_CLOSE:
		link_end(l, now);
		break;
	case BGP_EVENT_UP:
		p->all->changed = true;
		note_up(p);
		break;
	case BGP_EVENT_DOWN:
		p->all->changed = true;
		note_down(p, now);
		break;
	case BGP_EVENT_STATE:
		log_debug("bgp: state", "peer=%s from=%s to=%s", peer_text(p),
			  bgp_state_text(e->from), bgp_state_text(e->to));
		if (e->to < e->from)
			note_reason(p, now);
		break;
	}
}

void peer_pump(struct agent_peer *p, nsec_t now)
{
	struct bgp_peer_info info;
	struct bgp_event e;

	/* Flushing may lose the connection, which is an event again. */
	do {
		while (bgp_peer_poll(p->bgp, &e))
			handle(p, &e, now);
		for (size_t i = 0; i < BGP_N_SLOTS; i++)
			link_flush(&p->links[i], now);
	} while (bgp_peer_poll(p->bgp, &e) && (handle(p, &e, now), true));
	note_written(p);
	info = bgp_peer_info(p->bgp);
	p->has_said_all |= info.end_of_rib_sent;
	peer_history_said(&p->history, &info);
	malformed_log_tell(&p->malformed, now, peer_text(p), &p->history,
			   bgp_rib_in_malformed(bgp_peer_rib_in(p->bgp)));
}

/* --- coming and going ------------------------------------------------------------------------- */

static void start(struct agent_peer *p, nsec_t now)
{
	struct bgp_peer_config config = p->config.bgp;
	struct rng rng;

	/* An object that was stopped has asked for an end of every connection it had. */
	assert(p->links[BGP_SLOT_DIALLED].fd < 0 && p->links[BGP_SLOT_ACCEPTED].fd < 0);
	rng_seed(&rng, rng_next(&p->all->rng));
	config.restarted = p->follows && !p->has_said_all && config.graceful_restart;
	config.forwarding_preserved =
		p->has_said_all || (p->all->forwarding_preserved && config.restarted);
	if (config.restarted)
		note_stale(p, now);
	p->bgp = bgp_peer_new(&config, &rng, p->all->prefixes);
	p->trying_since = now;
	p->attempted = p->is_drained = false;
	p->is_held = p->all->holds;
	p->refusals = 0;
	p->updates_seen = p->malformed.n_seen = 0;
	p->all->changed = true; /* the plan that began it did not see what it may keep stale */
	p->routes_generation = 0;
	if (!p->is_held)
		bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_START);
}

static struct agent_peer *peer_new(struct agent_peers *all, const struct plan_peer *want,
				   nsec_t now)
{
	struct agent_peer *p = xcalloc(1, sizeof(*p));

	p->all = all;
	peer_config_copy(&p->config, want);
	p->key = p->config.key;
	p->follows = all->restarted;
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		p->links[i] = (struct peer_link){.peer = p, .slot = (enum bgp_slot)i, .fd = -1};
	log_info(all->holds ? "bgp: peer configured, looking on"
			    : "bgp: peer configured, starting session",
		 "peer=%s", peer_text(p));
	start(p, now);
	return p;
}

static void peer_free(struct agent_peer *p)
{
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		link_close(&p->links[i]);
	bgp_peer_free(p->bgp);
	forget_written(p);
	peer_config_done(&p->config);
	free(p);
}

static void peer_remove(struct agent_peer *p, nsec_t now)
{
	log_info("bgp: peer deconfigured, closing session", "peer=%s", peer_text(p));
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_DECONFIGURED);
	peer_pump(p, now);
	receiving_forget(p->all->receiving, p);
	peer_free(p);
}

/* Ends the session: the changed configuration starts another. */
static void peer_reset(struct agent_peer *p, nsec_t now)
{
	log_info("bgp: configuration change resets the session", "peer=%s", peer_text(p));
	peer_history_add(&p->history, now, "the configuration has changed: a new session");
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_RECONFIGURED);
	peer_pump(p, now);
	receiving_forget(p->all->receiving, p);
	p->bgp = bgp_peer_free(p->bgp);
}

/*
 * A peer by interface whose link went down or came up, or whose router has another address: what
 * there was is lost, not ended, so there is nobody to be told. The next begins with no pause.
 */
static void peer_move(struct agent_peer *p, const struct plan_peer *want, nsec_t now)
{
	const bool is_gone = ip_addr_is_none(&want->address);
	struct bgp_event e;
	char text[PLAN_PEER_TEXT];

	peer_history_add(&p->history, now, is_gone ? "%s: no router there" : "it is at %s now",
			 plan_peer_text(want, text));
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		link_drop(&p->links[i], now,
			  is_gone ? "the link is down, or has no link-local address any more"
				  : "the router has another address");
	while (bgp_peer_poll(p->bgp, &e))
		if (e.type != BGP_EVENT_CONNECT) /* where it was */
			handle(p, &e, now);
	receiving_forget(p->all->receiving, p);
	p->bgp = bgp_peer_free(p->bgp);
}

/*
 * A session goes on under another key, if the router's is changed, too, before its hold timer ends:
 * until then each drops what the other sends, and sends again what was dropped. One that is still
 * to come up does not wait for that.
 */
static bool rekey(struct agent_peer *p, const struct plan_peer *want, nsec_t now)
{
	if (bgp_peer_info(p->bgp).state != BGP_ESTABLISHED)
		return false;
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		if (!link_rekey(&p->links[i], want))
			return false;
	bgp_peer_reconfigure(p->bgp, now, &want->bgp);
	log_info("bgp: session goes on under another key", "peer=%s", peer_text(p));
	peer_history_add(&p->history, now, "the session goes on under another MD5 password");
	return true;
}

/* Takes the plan's configuration, in place if it can be done without closing the session. */
static void peer_change(struct agent_peer *p, const struct plan_peer *want, nsec_t now)
{
	switch (plan_peer_change(&p->config, want)) {
	case PEER_UNTOUCHED:
		p->config.ifindex = want->ifindex;
		return;
	case PEER_NONE:
	case PEER_RESEND: /* which the object does by itself */
		bgp_peer_reconfigure(p->bgp, now, &want->bgp);
		break;
	case PEER_REKEY:
		if (!rekey(p, want, now))
			peer_reset(p, now);
		break;
	case PEER_RESET:
	case N_PEER_ACTIONS:
		if (want->key.interface[0] != '\0' &&
		    !ip_addr_equal(&p->config.address, &want->address))
			peer_move(p, want, now);
		else
			peer_reset(p, now);
		break;
	}
	peer_config_done(&p->config);
	peer_config_copy(&p->config, want);
	p->key = p->config.key;
	p->all->changed = true;
	if (!p->bgp)
		start(p, now);
	for (size_t i = 0; i < BGP_N_SLOTS; i++)
		link_set_next_hops(&p->links[i]);
}

void agent_peers_init(struct agent_peers *all, struct loop *loop, struct worker *network,
		      uint64_t seed)
{
	*all = (struct agent_peers){.loop = loop,
				    .network = network,
				    .closings = {.loop = loop},
				    .scratch = xmalloc(PEERS_SCRATCH_BYTES)};
	listening_init(all);
	unnumbered_init(all);
	rng_seed(&all->rng, seed);
	all->prefixes = bgp_rib_prefixes_new();
}

void agent_peers_done(struct agent_peers *all)
{
	listening_done(all);
	unnumbered_done(all);
	for (size_t i = 0; i < all->n; i++)
		peer_free(all->items[i]);
	bgp_rib_prefixes_free(all->prefixes);
	closings_done(&all->closings);
	free(all->items);
	free(all->index);
	free(all->scratch);
	*all = (struct agent_peers){0};
}

void agent_peers_give_back(struct agent_peers *all)
{
	memory_give_back_room(all->scratch, PEERS_SCRATCH_BYTES);
}

void agent_peers_apply(struct agent_peers *all, const struct plan *plan, nsec_t now)
{
	struct agent_peer **items = xcalloc(plan->n_peers + 1, sizeof(struct agent_peer *));
	size_t have = 0, n = 0;

	peers_hold(all, plan->observes, now);
	/* Both sides are sorted by key: one merge. */
	for (size_t want = 0; want < plan->n_peers || have < all->n;) {
		int c = want == plan->n_peers ? 1
			: have == all->n
				? -1
				: peer_key_cmp(&plan->peers[want].key, &all->items[have]->key);

		if (c > 0) {
			peer_remove(all->items[have++], now);
			all->changed = true;
			continue;
		}
		if (c < 0) {
			items[n++] = peer_new(all, &plan->peers[want++], now);
			continue;
		}
		peer_change(all->items[have], &plan->peers[want], now);
		items[n++] = all->items[have++];
		want++;
	}
	free(all->items);
	all->items = items;
	all->n = n;
	all->n_applied = 0;
	peer_index_build(all);
	listening_apply(all, now);
	unnumbered_apply(all, now);
	for (size_t i = 0; i < n; i++)
		peer_pump(items[i], now);
}

bool agent_peers_have_routes_left(const struct agent_peers *all)
{
	return all->n_applied < all->n;
}

bool agent_peers_apply_routes(struct agent_peers *all, const struct plan *plan, nsec_t now)
{
	struct agent_peer *p;
	size_t i;

	assert(all->n == plan->n_peers);
	if (!agent_peers_have_routes_left(all))
		return false;
	i = (all->first_applied + all->n_applied) % all->n;
	p = all->items[i];
	p->routes_generation =
		plan_apply_routes(plan, i, bgp_peer_rib(p->bgp), p->routes_generation);
	if (plan->end_of_rib)
		bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_SYNCED);
	peer_pump(p, now);
	all->n_applied++;
	return agent_peers_have_routes_left(all);
}

void agent_peers_stop_routes(struct agent_peers *all)
{
	if (agent_peers_have_routes_left(all))
		all->first_applied = (all->first_applied + all->n_applied) % all->n;
	all->n_applied = all->n;
}

nsec_t agent_peers_tick(struct agent_peers *all, nsec_t now)
{
	nsec_t deadline = nsec_min(closings_tick(&all->closings, now), listening_tick(all, now));

	deadline = nsec_min(deadline, route_log_tick(&all->route_log, now));
	deadline = nsec_min(deadline, unnumbered_tick(all, now));
	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];

		note_silence(p, now);
		if (bgp_peer_deadline(p->bgp) <= now) {
			for (size_t k = 0; k < BGP_N_SLOTS; k++)
				link_hear(&p->links[k], now);
			bgp_peer_tick(p->bgp, now);
			peer_pump(p, now);
		}
		deadline = nsec_min(deadline, bgp_peer_deadline(p->bgp));
		deadline = nsec_min(deadline, link_silence_deadline(&p->links[BGP_SLOT_DIALLED]));
	}
	return deadline;
}

bool agent_peers_are_closed(const struct agent_peers *all)
{
	return closings_are_done(&all->closings);
}

void agent_peers_notify(struct agent_peers *all, enum bgp_note note, nsec_t now)
{
	for (size_t i = 0; i < all->n; i++) {
		bgp_peer_notify(all->items[i]->bgp, now, BGP_SLOT_DIALLED, note);
		peer_pump(all->items[i], now);
	}
}

/* Of a session those of the families that are not among the others. */
static struct bgp_families without(struct bgp_families all, struct bgp_families others,
				   const struct bgp_peer_info *info)
{
	return (struct bgp_families){
		info->state == BGP_ESTABLISHED ? all.bits & (uint8_t)~others.bits : 0};
}

void agent_peers_actual(const struct agent_peers *all, struct arena *arena,
			const struct plan_actual_peer **ret, size_t *ret_n)
{
	struct plan_actual_peer *list = arena_array_of(arena, all->n, struct plan_actual_peer);

	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];
		struct bgp_peer_info info = bgp_peer_info(p->bgp);

		read_written(p);
		list[i] = (struct plan_actual_peer){
			.key = {arena_strdup(arena, p->key.name), arena_strdup(arena, p->key.vrf),
				arena_strdup(arena, p->key.interface)},
			.established = info.state == BGP_ESTABLISHED,
			.established_at = info.established_at,
			.path = p->path,
			.end_of_rib_sent = info.end_of_rib_sent,
			.not_agreed = without(p->config.bgp.families, info.families, &info),
			.no_next_hop = without(info.families, info.announced, &info),
			.stale_until = info.end_of_rib_sent ? 0 : p->stale_until,
			.last_error = arena_strdup(arena, info.last_error),
			.trying_since = info.state == BGP_ESTABLISHED || p->is_drained || p->is_held
						? NSEC_NEVER
						: p->trying_since,
			.refusals = p->refusals,
			.over_limit = bgp_rib_in_counts(bgp_peer_rib_in(p->bgp)).is_over_limit,
			.advertised = p->written,
		};
	}
	*ret = list;
	*ret_n = all->n;
}
