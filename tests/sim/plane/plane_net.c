// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The neighbours and the connections to them. The agent dials, the routers listen. A router is a
 * second instance of the speaker; its table is made by decoding what it is given, message by
 * message, with the stale marks and the timer of a graceful-restart helper (RFC 4724 4.2).
 */
#include "sim/plane/plane.h"

#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_update.h"

#include <assert.h>

enum { AGENT, ROUTER };

/* --- sockets ---------------------------------------------------------------------------------- */

static bool is_up(const struct plane_socket *s)
{
	return s->link && s->link->is_up;
}

static struct plane_socket *socket_of(struct plane *p, unsigned i, int end)
{
	return end == AGENT ? &p->sessions[i].socket : &p->routers[i].socket;
}

static struct bgp_peer *speaker_of(const struct plane *p, unsigned i, int end)
{
	return end == AGENT ? p->sessions[i].peer : p->routers[i].peer;
}

static enum bgp_slot slot_of(int end)
{
	return end == AGENT ? BGP_SLOT_DIALLED : BGP_SLOT_ACCEPTED;
}

static void drop(struct plane *p, unsigned i, int end)
{
	struct plane_socket *s = socket_of(p, i, end);

	if (s->link)
		sim_link_close(s->link, end, p->now);
	s->link = NULL;
	s->first = s->len = 0;
	if (end == ROUTER)
		p->routers[i].rx_len = 0;
}

void plane_net_drop(struct plane *p, unsigned i)
{
	drop(p, i, AGENT);
}

static void flush(struct plane *p, unsigned i, int end)
{
	struct plane_socket *s = socket_of(p, i, end);
	struct bgp_peer *speaker = speaker_of(p, i, end);
	size_t n = sim_link_write(s->link, 1 - end, p->now, &p->rng, &p->weather,
				  s->tail + s->first, s->len);

	s->first += n;
	s->len -= n;
	if (n > 0 && speaker)
		bgp_peer_notify(speaker, p->now, slot_of(end), BGP_NOTE_SENT);
}

/* Looks at what the agent says before it is on its way. */
static void look_at_sent(struct plane *p, unsigned i, const uint8_t *data, size_t len)
{
	struct bgp_frame f;
	struct bgp_error e;

	while (len > 0) {
		if (bgp_header_parse(data, len, BGP_MESSAGE_MAX, &f, &e) != BGP_FRAME_MESSAGE) {
			plane_violation(p, "peer %u: no whole message", i);
			return;
		}
		if (f.type == BGP_UPDATE)
			plane_check_sent(p, i, f.body);
		data += f.len;
		len -= f.len;
	}
}

static bool fill(struct plane *p, unsigned i, int end)
{
	struct plane_socket *s = socket_of(p, i, end);

	if (s->len > 0)
		return false;
	s->first = 0;
	s->len = bgp_peer_transmit(speaker_of(p, i, end), p->now, slot_of(end), s->tail,
				   sizeof(s->tail));
	if (end == AGENT)
		look_at_sent(p, i, s->tail, s->len);
	return s->len > 0;
}

static void write_all(struct plane *p, unsigned i, int end)
{
	if (!is_up(socket_of(p, i, end)))
		return;
	do {
		flush(p, i, end);
	} while (fill(p, i, end));
}

static void close_socket(struct plane *p, unsigned i, int end)
{
	write_all(p, i, end);
	drop(p, i, end);
}

/* --- the agent's end -------------------------------------------------------------------------- */

static void dial(struct plane *p, unsigned i)
{
	struct plane_socket *s = &p->sessions[i].socket;
	const bool faulty = p->now < p->faults_end;
	nsec_t at = p->now + p->weather.delay_min + plane_chance(p, p->weather.delay_max);

	assert(!s->link);
	if (faulty && plane_chance(p, 10) == 0)
		at = NSEC_NEVER; /* SYNs are lost */
	for (size_t k = 0; k < PLANE_LINKS; k++) {
		if (p->links[i][k].is_used)
			continue;
		s->link = &p->links[i][k];
		sim_link_dial(s->link, AGENT, at, faulty && plane_chance(p, 6) == 0);
		return;
	}
	plane_violation(p, "links leak");
}

/* What the kernel took wholly, as agent/peers.c finds it. */
static void note_written(struct plane *p, unsigned i)
{
	struct plane_session *s = &p->sessions[i];
	const struct bgp_peer_info info = bgp_peer_info(s->peer);
	struct bgp_rib_route route;
	struct plane_prefixes now = {0};
	size_t pos = 0;

	if (info.updates_sent == s->updates_seen || s->socket.len > 0)
		return;
	s->updates_seen = info.updates_sent;
	while (bgp_rib_next(bgp_peer_rib(s->peer), &pos, &route)) {
		if (!route.advertised)
			continue;
		plane_add(&now, &route.prefix, p->now);
		plane_find(&now, &route.prefix)->is_blackhole =
			plane_is_blackhole(route.advertised);
	}
	for (size_t k = 0; k < s->written.n; k++)
		if (!plane_find(&now, &s->written.items[k].prefix) &&
		    !s->written.items[k].is_blackhole)
			plane_add(&s->lost, &s->written.items[k].prefix, p->now);
	plane_clear(&s->written);
	s->written = now;
	p->dirty = true;
	if (info.end_of_rib_sent)
		s->held_until = 0;
}

void plane_net_pump_agent(struct plane *p, unsigned i)
{
	struct plane_session *s = &p->sessions[i];
	struct bgp_event e;

	do {
		while (s->peer && bgp_peer_poll(s->peer, &e)) {
			if (e.type == BGP_EVENT_CONNECT)
				dial(p, i);
			else if (e.type == BGP_EVENT_CLOSE)
				close_socket(p, i, AGENT);
			else if (e.type == BGP_EVENT_DOWN)
				plane_agent_note_down(p, i);
			if (e.type == BGP_EVENT_UP) {
				p->dirty = true;
				p->stats.sessions++;
			}
		}
		if (s->peer)
			write_all(p, i, AGENT);
	} while (s->peer && bgp_peer_poll(s->peer, &e) && (plane_violation(p, "writing asks"), 0));
	if (s->peer)
		note_written(p, i);
}

/* --- the router's table ----------------------------------------------------------------------- */

static bool is_fresh(const struct plane_prefix *e, nsec_t at)
{
	(void)at;
	return !e->is_stale;
}

static void forget_stale(struct plane_router *r)
{
	plane_keep(&r->table, is_fresh, 0);
	r->stale_until = NSEC_NEVER;
}

static void router_up(struct plane_router *r)
{
	const struct bgp_peer_info info = bgp_peer_info(r->peer);

	r->is_up = true;
	r->had_gr = info.gr_negotiated;
	r->was_notified = false;
	if (!r->had_gr || !r->has_forwarding)
		forget_stale(r);
	r->stale_until = NSEC_NEVER; /* now it is End-of-RIB that is waited for */
}

static void router_down(struct plane *p, struct plane_router *r)
{
	r->is_up = false;
	if (!r->had_gr || r->was_notified) {
		plane_clear(&r->table);
		return;
	}
	for (size_t k = 0; k < r->table.n; k++)
		r->table.items[k].is_stale = true;
	p->stats.stale_kept += r->table.n;
	r->stale_until = p->now + PLANE_RESTART;
}

static void take_prefixes(struct plane *p, struct plane_router *r, struct rcur c,
			  enum bgp_family family, bool announced)
{
	struct ip_prefix prefix;

	while (bgp_nlri_next(&c, family, &prefix)) {
		p->stats.ipv6_routes += announced && family == BGP_IPV6_UNICAST;
		if (announced)
			plane_add(&r->table, &prefix, p->now);
		else
			plane_remove(&r->table, &prefix);
	}
}

/* Of other families nothing is dropped at this one's End-of-RIB. */
static bool is_kept_at_end(const struct plane_prefix *e, nsec_t family)
{
	return !e->is_stale || bgp_family_of_addr(&e->prefix.addr) != (enum bgp_family)family;
}

static void end_of_rib(struct plane_router *r, const struct bgp_update *u)
{
	enum bgp_family family;

	if (bgp_family_of(u->eor_afi, u->eor_safi, &family))
		plane_keep(&r->table, is_kept_at_end, family);
}

static void router_update(struct plane *p, struct plane_router *r, struct rcur body)
{
	const struct bgp_update_session session = {.is_ibgp = r->config.local_asn ==
							      r->config.remote_asn,
						   .as4 = true,
						   .families = r->config.families};
	struct bgp_update u;
	struct bgp_error e;

	if (bgp_update_decode(body, &session, &u, &e) != BGP_UPDATE_OK) {
		plane_violation(p, "a malformed UPDATE arrived: %s", u.reason);
		return;
	}
	p->stats.updates++;
	take_prefixes(p, r, u.withdrawn, BGP_IPV4_UNICAST, false);
	take_prefixes(p, r, u.mp_unreach.nlri, u.mp_unreach.family, false);
	take_prefixes(p, r, u.nlri, BGP_IPV4_UNICAST, true);
	take_prefixes(p, r, u.mp_reach.nlri, u.mp_reach.family, true);
	if (u.is_end_of_rib)
		end_of_rib(r, &u);
}

static void router_heard(struct plane *p, unsigned i, const struct bgp_frame *f)
{
	struct plane_router *r = &p->routers[i];
	struct bgp_open open;
	struct bgp_error e;

	if (f->type == BGP_OPEN && bgp_open_decode(f->body, &open, &e))
		r->has_forwarding =
			open.gr.present && bgp_families_has(open.gr.forwarding, BGP_IPV4_UNICAST);
	if (f->type == BGP_NOTIFICATION)
		r->was_notified = true;
}

static void pump_router(struct plane *p, unsigned i)
{
	struct plane_router *r = &p->routers[i];
	struct bgp_event e;

	while (r->peer && bgp_peer_poll(r->peer, &e)) {
		if (e.type == BGP_EVENT_CONNECT)
			bgp_peer_notify(r->peer, p->now, BGP_SLOT_DIALLED, BGP_NOTE_TCP_FAILED);
		else if (e.type == BGP_EVENT_CLOSE && e.slot == BGP_SLOT_ACCEPTED)
			close_socket(p, i, ROUTER);
		else if (e.type == BGP_EVENT_UP)
			router_up(r);
		else if (e.type == BGP_EVENT_DOWN)
			router_down(p, r);
	}
	if (r->peer)
		write_all(p, i, ROUTER);
}

/* One message after the other, so that the table changes in the session's own time. */
static void router_receive(struct plane *p, unsigned i, const uint8_t *data, size_t len)
{
	struct plane_router *r = &p->routers[i];
	const struct sim_link *link = r->socket.link;
	struct bgp_frame f;
	struct bgp_error e;

	for (size_t k = 0; k < len && r->socket.link == link; k++) {
		assert(r->rx_len < sizeof(r->rx));
		r->rx[r->rx_len++] = data[k];
		if (r->rx_len < BGP_HEADER_LEN ||
		    bgp_header_parse(r->rx, r->rx_len, sizeof(r->rx), &f, &e) != BGP_FRAME_MESSAGE)
			continue;
		router_heard(p, i, &f);
		bgp_peer_receive(r->peer, p->now, BGP_SLOT_ACCEPTED, r->rx, r->rx_len);
		r->rx_len = 0;
		pump_router(p, i);
		if (f.type == BGP_UPDATE && r->is_up)
			router_update(p, r, f.body);
	}
}

/* --- connections ------------------------------------------------------------------------------ */

static void failed(struct plane *p, unsigned i, int end)
{
	struct bgp_peer *speaker = speaker_of(p, i, end);

	drop(p, i, end);
	if (speaker)
		bgp_peer_notify(speaker, p->now, slot_of(end), BGP_NOTE_TCP_FAILED);
	if (end == AGENT)
		plane_net_pump_agent(p, i);
	else
		pump_router(p, i);
}

static void set_next_hops(struct plane *p, unsigned i, int end)
{
	struct bgp_next_hops hops = {0};

	if (end == AGENT)
		hops = p->sessions[i].next_hops;
	hops.ipv4 = ip_addr_from_v4(0x0a000001 + i * 2 + (unsigned)end);
	bgp_peer_set_local(speaker_of(p, i, end), slot_of(end), &hops);
}

void plane_net_set_next_hops(struct plane *p, unsigned i)
{
	set_next_hops(p, i, AGENT);
}

static void came_up(struct plane *p, unsigned i, int end)
{
	struct bgp_peer *speaker = speaker_of(p, i, end);

	if (!speaker)
		return;
	set_next_hops(p, i, end);
	bgp_peer_notify(speaker, p->now, slot_of(end), BGP_NOTE_TCP_UP);
	if (end == AGENT)
		plane_net_pump_agent(p, i);
	else
		pump_router(p, i);
}

static bool accepts(struct plane *p, unsigned i, struct sim_link *l)
{
	struct plane_router *r = &p->routers[i];

	if (r->socket.link || (r->peer && !bgp_peer_accept(r->peer, p->now)))
		return false;
	r->socket.link = l;
	r->socket.first = r->socket.len = r->rx_len = 0;
	return true;
}

static void connected(struct plane *p, unsigned i, struct sim_link *l)
{
	if (p->sessions[i].socket.link != l) /* the process is gone */
		return;
	if (l->is_refused || !accepts(p, i, l)) {
		failed(p, i, AGENT);
		return;
	}
	l->is_up = true;
	came_up(p, i, AGENT);
	if (p->routers[i].socket.link == l)
		came_up(p, i, ROUTER);
}

/* True if there may be more. */
static bool deliver(struct plane *p, unsigned i, int end)
{
	struct plane_socket *s = socket_of(p, i, end);
	struct sim_link *l = s->link;
	uint8_t buf[8192];
	size_t n;

	if (!is_up(s) || sim_link_next(l) > p->now)
		return false;
	n = sim_link_read(l, end, p->now, buf, sizeof(buf));
	if (n > 0 && end == ROUTER && p->routers[i].peer) {
		router_receive(p, i, buf, n);
	} else if (n > 0 && end == AGENT && p->sessions[i].peer) {
		bgp_peer_receive(p->sessions[i].peer, p->now, BGP_SLOT_DIALLED, buf, n);
		plane_net_pump_agent(p, i);
	}
	if (s->link == l && sim_link_at_end(l, end, p->now)) {
		failed(p, i, end);
		return false;
	}
	return n > 0;
}

void plane_net_deliver(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		for (size_t k = 0; k < PLANE_LINKS; k++) {
			struct sim_link *l = &p->links[i][k];

			if (l->is_used && !l->is_up && l->connected_at <= p->now)
				connected(p, i, l);
		}
		for (int end = 0; end < 2; end++)
			while (deliver(p, i, end) && p->violation[0] == '\0')
				;
	}
}

void plane_net_tick(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		struct plane_router *r = &p->routers[i];

		if (r->stale_until <= p->now)
			forget_stale(r);
		if (r->peer) {
			bgp_peer_tick(r->peer, p->now);
			pump_router(p, i);
		}
		if (p->sessions[i].peer) {
			bgp_peer_tick(p->sessions[i].peer, p->now);
			plane_net_pump_agent(p, i);
		}
	}
}

nsec_t plane_net_next(const struct plane *p)
{
	nsec_t next = p->next_hostile;

	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		for (size_t k = 0; k < PLANE_LINKS; k++)
			next = nsec_min(next, sim_link_next(&p->links[i][k]));
		next = nsec_min(next, p->routers[i].stale_until);
		for (int end = 0; end < 2; end++)
			if (speaker_of(p, i, end))
				next = nsec_min(next, bgp_peer_deadline(speaker_of(p, i, end)));
	}
	return next;
}

/* --- neighbours ------------------------------------------------------------------------------- */

static void make_router(struct plane *p, unsigned i)
{
	struct plane_router *r = &p->routers[i];
	struct rng rng;

	rng_seed(&rng, rng_next(&p->rng));
	r->peer = bgp_peer_new(&r->config, &rng, NULL);
	bgp_peer_notify(r->peer, p->now, BGP_SLOT_DIALLED, BGP_NOTE_START);
	pump_router(p, i);
}

void plane_net_init(struct plane *p)
{
	static const uint32_t asns[PLANE_PEERS] = {64513, 64512, 64514};
	static const uint16_t holds[] = {9, 30, 90, 180};
	const bool hostile = plane_chance(p, 2);

	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		const uint16_t hold = holds[plane_chance(p, ARRAY_SIZE(holds))];

		p->routers[i].stale_until = NSEC_NEVER;
		p->routers[i].config = (struct bgp_peer_config){
			.local_asn = asns[i],
			.remote_asn = 64512,
			.families = {i == 1 ? 3 : BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
			.router_id = 0x01010101 + i,
			.hold_s = hold,
			.keepalive_s = hold / 3,
			.graceful_restart = plane_chance(p, 3) > 0,
			.restart_time_s = 120,
		};
		if (!hostile || i != PLANE_PEERS - 1)
			make_router(p, i);
	}
	p->next_hostile = hostile ? p->now : NSEC_NEVER;
}

void plane_net_done(struct plane *p)
{
	for (unsigned i = 0; i < PLANE_PEERS; i++) {
		bgp_peer_free(p->routers[i].peer);
		bgp_peer_free(p->sessions[i].peer);
		plane_clear(&p->routers[i].table);
		plane_clear(&p->sessions[i].written);
		prefix_list_unref(p->sessions[i].told);
		plane_clear(&p->sessions[i].lost);
	}
}

void plane_net_reform(struct plane *p)
{
	const unsigned i = PLANE_PEERS - 1;

	p->next_hostile = NSEC_NEVER;
	for (unsigned k = 0; k < PLANE_PEERS; k++)
		for (size_t n = 0; n < PLANE_LINKS; n++)
			for (int end = 0; end < 2; end++)
				sim_link_stall(&p->links[k][n], end, 0);
	if (p->routers[i].peer)
		return;
	drop(p, i, ROUTER);
	make_router(p, i);
}

/* --- the hostile speaker ---------------------------------------------------------------------- */

static size_t hostile_message(struct plane *p, uint8_t *buf, size_t cap)
{
	const struct bgp_peer_config *c = &p->routers[PLANE_PEERS - 1].config;
	const struct bgp_open open = {.asn = c->local_asn,
				      .hold_s = (uint16_t)(3 + plane_chance(p, 200)),
				      .router_id = c->router_id,
				      .has_as4 = true,
				      .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
				      .route_refresh = true};
	const struct bgp_route_refresh refresh = {.afi = 1, .safi = 1};
	const struct bgp_error error =
		bgp_error_make((uint8_t)plane_chance(p, 9), (uint8_t)plane_chance(p, 12));

	switch (plane_chance(p, 8)) {
	case 0:
	case 1:
		return bgp_open_encode(buf, cap, &open);
	case 2:
		return bgp_route_refresh_encode(buf, cap, &refresh);
	case 3:
		return plane_chance(p, 4) ? bgp_keepalive_encode(buf, cap)
					  : bgp_notification_encode(buf, cap, &error);
	default:
		return bgp_keepalive_encode(buf, cap);
	}
}

void plane_net_hostile(struct plane *p)
{
	struct plane_socket *s = &p->routers[PLANE_PEERS - 1].socket;
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t len;

	p->next_hostile = p->now + plane_chance(p, 2 * NSEC_PER_SEC);
	if (!is_up(s))
		return;
	if (plane_chance(p, 30) == 0) {
		drop(p, PLANE_PEERS - 1, ROUTER);
		return;
	}
	len = hostile_message(p, buf, sizeof(buf));
	if (plane_chance(p, 5) == 0)
		buf[plane_chance(p, len)] = (uint8_t)plane_chance(p, 256);
	(void)sim_link_write(s->link, AGENT, p->now, &p->rng, &p->weather, buf, len);
}
