// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What goes wrong: routes that come and go, a network that resets and stalls, operators who stop
 * and start, an agent that crashes, and a neighbour that speaks garbage. Every choice comes from
 * the world's generator.
 */
#include "sim/sim_pair.h"

static uint64_t chance(struct sim_world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

static void change_route(struct sim_world *w)
{
	unsigned i = (unsigned)chance(w, SIM_ROUTES), variant = (unsigned)chance(w, 6);
	const struct bgp_attrs attrs = sim_attrs(variant);
	const struct ip_prefix prefix = sim_prefix(i);
	struct sim_route *r = &w->want[i];

	if (variant != 0 && r->variant == 0)
		r->since = w->now;
	r->variant = variant;
	if (!w->end[0].peer || !w->check.synced)
		return; /* it will be part of the first picture */
	if (variant == 0)
		bgp_rib_del(bgp_peer_rib(w->end[0].peer), &prefix);
	else if (!bgp_rib_set(bgp_peer_rib(w->end[0].peer), &prefix, &attrs))
		sim_violation(&w->check, "the rib refuses a route");
}

/* One that is up; NULL: there is none. */
static struct sim_link *random_link(struct sim_world *w)
{
	const uint64_t first = chance(w, SIM_LINKS);

	for (size_t i = 0; i < SIM_LINKS; i++) {
		struct sim_link *l = &w->links[(first + i) % SIM_LINKS];

		if (l->is_used && l->is_up)
			return l;
	}
	return NULL;
}

static void reset_link(struct sim_world *w)
{
	struct sim_link *l = random_link(w);

	if (l)
		sim_link_reset(l, w->now);
}

static void stall_link(struct sim_world *w)
{
	struct sim_link *l = random_link(w);

	if (l)
		sim_link_stall(l, (int)chance(w, 2), w->now + chance(w, 100) * NSEC_PER_SEC);
}

static void note(struct sim_world *w, int end, enum bgp_note note)
{
	if (w->end[end].peer)
		bgp_peer_notify(w->end[end].peer, w->now, BGP_SLOT_DIALLED, note);
	sim_world_pump(w, end);
}

static void stop_or_start(struct sim_world *w)
{
	int end = (int)chance(w, 2);
	struct sim_end *e = &w->end[end];

	note(w, end, e->is_stopped ? BGP_NOTE_START : BGP_NOTE_STOP);
	e->is_stopped = !e->is_stopped;
}

static void crash(struct sim_world *w)
{
	if (!w->end[0].peer)
		return;
	if (chance(w, 2))
		note(w, 0, BGP_NOTE_RESTARTING);
	sim_world_crash_agent(w);
}

/* Another IPv6 next hop: routes of that family are sent again, the session goes on. */
static void renumber(struct sim_world *w)
{
	struct sim_end *e = &w->end[0];
	struct bgp_next_hops local;

	w->renumbered++;
	local = sim_next_hops(w, 0);
	if (chance(w, 4) == 0)
		local.ipv6 = (struct ip_addr){0}; /* for a while: the next one has one again */
	for (enum bgp_slot slot = 0; e->peer && slot < BGP_N_SLOTS; slot++)
		bgp_peer_set_local(e->peer, slot, &local);
	sim_world_pump(w, 0);
}

/* Both ends hear of it; one that was Up and is not any more ends the session. */
static void bfd(struct sim_world *w, bool is_up)
{
	w->check.bfd_is_up = is_up;
	for (int end = 0; end < 2; end++) {
		struct bgp_peer *peer = w->end[end].peer;

		if (peer)
			bgp_peer_set_bfd(peer, w->now, is_up);
		if (peer && !is_up)
			bgp_peer_notify(peer, w->now, BGP_SLOT_DIALLED, BGP_NOTE_BFD_DOWN);
		sim_world_pump(w, end);
	}
}

void sim_faults_step(struct sim_world *w)
{
	w->next_fault = w->now + chance(w, 4 * NSEC_PER_SEC);
	switch (chance(w, 24)) {
	case 0:
		reset_link(w);
		break;
	case 1:
		stall_link(w);
		break;
	case 2:
		stop_or_start(w);
		break;
	case 3:
		if (chance(w, 3) == 0)
			crash(w);
		break;
	case 4:
		if (chance(w, 2))
			note(w, (int)chance(w, 2), BGP_NOTE_NUDGE);
		else
			bfd(w, chance(w, 4) > 0);
		break;
	case 5:
		renumber(w);
		break;
	default:
		for (uint64_t n = chance(w, 20); n > 0; n--)
			change_route(w);
		sim_world_pump(w, 0);
		break;
	}
}

void sim_faults_stop(struct sim_world *w)
{
	struct rng rng;

	w->next_fault = w->next_hostile = NSEC_NEVER;
	for (size_t i = 0; i < SIM_LINKS; i++) {
		sim_link_stall(&w->links[i], 0, 0);
		sim_link_stall(&w->links[i], 1, 0);
	}
	if (w->is_hostile) {
		struct sim_socket *s = &w->end[1].socket[BGP_SLOT_ACCEPTED];

		w->is_hostile = false;
		if (s->link)
			sim_link_close(s->link, 1, w->now);
		s->link = NULL;
		s->tail_len = 0;
		rng_seed(&rng, rng_next(&w->rng));
		w->end[1].peer = bgp_peer_new(&w->end[1].config, &rng, NULL);
		w->end[1].is_stopped = true;
	}
	for (enum bgp_slot slot = 0; w->end[0].peer && slot < BGP_N_SLOTS; slot++) {
		const struct bgp_next_hops local = sim_next_hops(w, 0);

		bgp_peer_set_local(w->end[0].peer, slot, &local);
	}
	bfd(w, true);
	for (int end = 0; end < 2; end++) {
		if (w->end[end].is_stopped)
			note(w, end, BGP_NOTE_START);
		w->end[end].is_stopped = false;
	}
}

/* ---- the hostile speaker --------------------------------------------------------------------- */

static size_t valid_message(struct sim_world *w, uint8_t *buf, size_t cap)
{
	static const uint8_t update[] = {0,   0, 0, 20, 0x40, 1,    1,    0,    0x40, 2,
					 6,   2, 1, 0,  0,    0xfb, 0xf5, 0x40, 3,    4,
					 192, 0, 2, 2,  24,   198,  51,   100};
	const struct bgp_open open = {.asn = w->end[1].config.local_asn,
				      .hold_s = (uint16_t)(3 + chance(w, 200)),
				      .router_id = w->end[1].config.router_id,
				      .has_as4 = true,
				      .families = {(uint8_t)(1 + chance(w, 3))},
				      .route_refresh = true,
				      .enhanced_refresh = chance(w, 2)};
	const struct bgp_route_refresh refresh = {.afi = 1, .safi = 1};
	const struct bgp_error error =
		bgp_error_make((uint8_t)chance(w, 9), (uint8_t)chance(w, 12));
	struct wcur c = wcur_init(buf, cap);

	switch (chance(w, 8)) {
	case 0:
	case 1:
		return bgp_open_encode(buf, cap, &open);
	case 2:
		bgp_message_start(&c, BGP_UPDATE);
		wcur_bytes(&c, update, sizeof(update));
		return bgp_message_end(&c);
	case 3:
		return bgp_route_refresh_encode(buf, cap, &refresh);
	case 4:
		return chance(w, 4) ? bgp_keepalive_encode(buf, cap)
				    : bgp_notification_encode(buf, cap, &error);
	default:
		return bgp_keepalive_encode(buf, cap);
	}
}

static void spoil(struct sim_world *w, uint8_t *buf, size_t len)
{
	for (uint64_t n = 1 + chance(w, 3); n > 0; n--) {
		/* Past the marker as a rule, or every error would be the same. */
		size_t from = chance(w, 8) ? BGP_MARKER_LEN : 0;

		buf[from + chance(w, len - from)] = (uint8_t)chance(w, 256);
	}
}

void sim_hostile_step(struct sim_world *w)
{
	struct sim_socket *s = &w->end[1].socket[BGP_SLOT_ACCEPTED];
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t len;

	w->next_hostile = w->now + chance(w, chance(w, 10) ? NSEC_PER_SEC / 4 : 40 * NSEC_PER_SEC);
	if (!s->link || !s->link->is_up)
		return;
	if (chance(w, 30) == 0) {
		sim_link_close(s->link, 1, w->now);
		s->link = NULL;
		return;
	}
	len = valid_message(w, buf, sizeof(buf));
	if (chance(w, 6) == 0)
		spoil(w, buf, len);
	(void)sim_link_write(s->link, 0, w->now, &w->rng, &w->weather, buf, len);
}
