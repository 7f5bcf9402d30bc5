// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a connection sends: whole messages in the order OPEN, NOTIFICATION, KEEPALIVE, requests,
 * UPDATE. UPDATEs are made from the Adj-RIB-Out at that moment, so nothing stale is ever queued,
 * and End-of-RIB follows when it is drained for the first time (RFC 4724 4.1).
 */
#include "bgp/bgp_conn.h"

#include "bgp/bgp_fsm.h"

#include <assert.h>

/*
 * How many prefixes to take at once. What was taken has to be written, and a batch of one attribute
 * set may need several messages: `most` fill one behind a small set, and `sure` fit behind the
 * largest (63 large communities, 255 prepends twice over for AS4_PATH), with the marks of all
 * families behind them.
 */
static const struct {
	size_t most, sure;
} batch_sizes[BGP_N_FAMILIES] = {
	[BGP_IPV4_UNICAST] = {800, 250},
	[BGP_IPV6_UNICAST] = {232, 60},
};
#define BATCH_MAX      800
#define BATCH_MESSAGES 4 /* hold `most` prefixes in any case */

/* The send buffer of one transmit(). */
struct out {
	uint8_t *at;
	size_t room, len;
};

static void advance(struct out *out, size_t n)
{
	assert(n > 0 && n <= out->room);
	out->at += n;
	out->room -= n;
	out->len += n;
}

/* Writes one batch; returns how many prefixes its first message took. */
static size_t send_batch(struct bgp_conn *c, const struct bgp_update_session *session,
			 struct out *out, struct bgp_update_batch batch)
{
	size_t first = 0, taken;

	while (batch.n > 0) {
		size_t cap = out->room < bgp_conn_max_len(c) ? out->room : bgp_conn_max_len(c);

		advance(out, bgp_update_encode(out->at, cap, session, &batch, &taken));
		first = first ? first : taken;
		batch.prefixes += taken;
		batch.n -= taken;
	}
	return first;
}

/* As many prefixes as the buffer holds behind any set, or as `fit` says of the set at hand. */
static void set_caps(struct bgp_rib_room *room, const struct out *out, const size_t *fit)
{
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		assert(batch_sizes[f].sure * BATCH_MESSAGES >= batch_sizes[f].most);
		room->cap[f] = out->room >= BATCH_MESSAGES * BGP_MESSAGE_MAX ? fit[f]
									     : batch_sizes[f].sure;
	}
}

static void send_updates(struct bgp_conn *c, struct out *out, struct bgp_families families)
{
	const struct bgp_update_session session = bgp_conn_session(c);
	struct bgp_rib_room room = {.families = families};
	struct ip_prefix prefixes[BATCH_MAX];
	struct bgp_rib_work work;
	size_t fit[BGP_N_FAMILIES];

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		fit[f] = batch_sizes[f].most;
		bgp_families_put(&room.no_next_hop, f, !bgp_update_has_next_hop(&session, f));
	}
	while (out->room >= BGP_MESSAGE_MAX) {
		size_t n, taken;

		set_caps(&room, out, fit);
		n = bgp_rib_take(c->rib, &room, prefixes, &work);
		if (n == 0)
			return;
		assert(n <= room.cap[work.family] && bgp_families_has(families, work.family));
		taken = send_batch(c, &session, out,
				   (struct bgp_update_batch){.family = work.family,
							     .attrs = work.attrs,
							     .prefixes = prefixes,
							     .n = n});
		if (taken < n)
			fit[work.family] = taken;   /* as many of this set fill one message */
		else if (n < room.cap[work.family]) /* the set is done, the next may be smaller */
			fit[work.family] = batch_sizes[work.family].most;
	}
}

/* BoRR, the routes, EoRR; or just the routes, towards a peer without RFC 7313. */
static void send_refresh_mark(struct bgp_conn *c, struct out *out, enum bgp_family family,
			      uint8_t subtype)
{
	const struct bgp_route_refresh mark = {
		.afi = bgp_family_afi(family), .safi = bgp_family_safi(family), .subtype = subtype};

	if (c->sent.enhanced_refresh && c->received.enhanced_refresh)
		advance(out, bgp_route_refresh_encode(out->at, out->room, &mark));
}

/* What goes before the routes of a family. */
static void send_begin(struct bgp_conn *c, struct out *out, enum bgp_family family)
{
	enum bgp_refresh_state *refresh = &c->refresh[family];

	/* RFC 7313 4: no BoRR before the End-of-RIB; what a request asks for is under way then. */
	if (*refresh == BGP_REFRESH_ASKED && !bgp_families_has(c->end_of_rib_sent, family)) {
		*refresh = BGP_REFRESH_NONE;
	} else if (*refresh == BGP_REFRESH_ASKED && out->room >= BGP_MESSAGE_MAX) {
		send_refresh_mark(c, out, family, BGP_REFRESH_BEGIN);
		*refresh = BGP_REFRESH_RUNNING;
	}
}

/* What goes behind them. */
static void send_end(struct bgp_conn *c, struct out *out, enum bgp_family family)
{
	if (bgp_rib_dirty(c->rib, family))
		return; /* the marks wait for the rest */
	if (c->refresh[family] == BGP_REFRESH_RUNNING) {
		send_refresh_mark(c, out, family, BGP_REFRESH_END);
		c->refresh[family] = BGP_REFRESH_NONE;
	} else if (c->synced && !bgp_families_has(c->end_of_rib_sent, family)) {
		advance(out, bgp_end_of_rib_encode(out->at, out->room, family));
		bgp_families_put(&c->end_of_rib_sent, family, true);
		assert(c->refresh[family] == BGP_REFRESH_NONE);
	}
}

/* RFC 2918: asks for the routes of the families that are wanted again. */
static void send_requests(struct bgp_conn *c, struct out *out)
{
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		const struct bgp_route_refresh request = {.afi = bgp_family_afi(f),
							  .safi = bgp_family_safi(f),
							  .subtype = BGP_REFRESH_REQUEST};

		if (!bgp_families_has(c->send_request, f) || out->room < BGP_MESSAGE_MAX)
			continue;
		advance(out, bgp_route_refresh_encode(out->at, out->room, &request));
		bgp_families_put(&c->send_request, f, false);
	}
}

static void send_routes(struct bgp_conn *c, nsec_t now, struct out *out)
{
	const struct bgp_families families = bgp_conn_families(c);
	size_t before = out->len;

	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		if (bgp_families_has(families, f))
			send_begin(c, out, f);
	send_updates(c, out, families);
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
		if (bgp_families_has(families, f))
			send_end(c, out, f);
	if (out->len > before) /* RFC 4271 8.2.2: an UPDATE sent restarts the KeepaliveTimer */
		bgp_fsm_restart_keepalive(c, now);
}

static void count_sent(struct bgp_messages *to, const uint8_t *buf, size_t len)
{
	for (size_t at = 0; at < len;)
		at += bgp_message_count(to, buf + at);
}

size_t bgp_conn_transmit(struct bgp_conn *c, nsec_t now, uint8_t *buf, size_t cap)
{
	struct out out = {.at = buf, .room = cap};

	assert(cap >= BGP_MESSAGE_MAX);
	if (c->send_open)
		advance(&out, bgp_open_encode(out.at, out.room, &c->sent));
	if (c->send_notification) {
		advance(&out, bgp_notification_encode(out.at, out.room, &c->notification));
		c->said = (struct bgp_said){.at = now, .error = c->notification};
	}
	if (c->send_keepalive)
		advance(&out, bgp_keepalive_encode(out.at, out.room));
	c->send_open = c->send_notification = c->send_keepalive = false;
	if (c->state == BGP_ESTABLISHED) {
		send_requests(c, &out);
		send_routes(c, now, &out);
	}
	assert(out.len + out.room == cap);
	count_sent(&c->counters.messages.sent, buf, out.len);
	return out.len;
}
