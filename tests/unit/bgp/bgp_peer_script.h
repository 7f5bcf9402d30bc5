// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A peer under test and what the other side does to it, one call a step. Shared by the tests of
 * bgp_peer.c.
 */
#pragma once

#include "bgp_script.h"

#define NOW SECONDS(1000)

#define D BGP_SLOT_DIALLED
#define A BGP_SLOT_ACCEPTED

static inline struct bgp_peer *new_peer(const struct bgp_peer_config *config)
{
	const struct bgp_next_hops local = {.ipv4 = ip_addr_from_v4(0xc0000201)};
	struct bgp_peer *p;
	struct rng rng;

	rng_seed(&rng, 11);
	p = bgp_peer_new(config, &rng, NULL);
	bgp_peer_set_local(p, D, &local);
	bgp_peer_set_local(p, A, &local);
	return p;
}

static inline struct bgp_peer *started_peer(const struct bgp_peer_config *config)
{
	struct bgp_peer *p = new_peer(config);

	bgp_peer_notify(p, NOW, D, BGP_NOTE_START);
	return p;
}

static inline struct script_text sent(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	uint8_t buf[32 << 10];

	return script_text_of(buf, bgp_peer_transmit(p, now, slot, buf, sizeof(buf)));
}

/* What poll() says: "CONNECT", "CLOSE:A", "UP", "DOWN", "Idle>Connect" ... */
static inline struct script_text events(struct bgp_peer *p)
{
	static const char *const name[] = {[BGP_EVENT_CONNECT] = "CONNECT",
					   [BGP_EVENT_CLOSE] = "CLOSE",
					   [BGP_EVENT_UP] = "UP",
					   [BGP_EVENT_DOWN] = "DOWN"};
	struct script_text t = {.s = ""};
	struct bgp_event e;
	char word[64];

	while (bgp_peer_poll(p, &e)) {
		if (e.type == BGP_EVENT_STATE)
			(void)snprintf(word, sizeof(word), "%s>%s", bgp_state_text(e.from),
				       bgp_state_text(e.to));
		else
			(void)snprintf(word, sizeof(word), "%s", name[e.type]);
		if (e.slot == A)
			(void)snprintf(word + strlen(word), sizeof(word) - strlen(word), ":A");
		text_add(&t, word);
	}
	return t;
}

static inline void say_open(struct bgp_peer *p, nsec_t now, enum bgp_slot slot,
			    const struct bgp_open *open)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(p, now, slot, buf, bgp_open_encode(buf, sizeof(buf), open));
}

static inline void say_keepalive(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(p, now, slot, buf, bgp_keepalive_encode(buf, sizeof(buf)));
}

static inline void say_error(struct bgp_peer *p, nsec_t now, enum bgp_slot slot,
			     const struct bgp_error *e)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(p, now, slot, buf, bgp_notification_encode(buf, sizeof(buf), e));
}

static inline void say_refresh_mark(struct bgp_peer *p, nsec_t now, enum bgp_slot slot,
				    uint8_t subtype)
{
	const struct bgp_route_refresh r = {
		.afi = BGP_AFI_IPV4, .safi = BGP_SAFI_UNICAST, .subtype = subtype};
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(p, now, slot, buf, bgp_route_refresh_encode(buf, sizeof(buf), &r));
}

static inline void say_refresh(struct bgp_peer *p, nsec_t now, enum bgp_slot slot)
{
	say_refresh_mark(p, now, slot, BGP_REFRESH_REQUEST);
}

/* TCP, OPENs and KEEPALIVEs of one connection; leaves nothing to send or to poll. */
static inline void bring_up(struct bgp_peer *p, nsec_t now, enum bgp_slot slot,
			    const struct bgp_open *open)
{
	bgp_peer_notify(p, now, slot, BGP_NOTE_TCP_UP);
	say_open(p, now, slot, open);
	say_keepalive(p, now, slot);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	assert_string_equal(sent(p, now, slot).s, "OPEN KEEPALIVE");
	(void)events(p);
}

/* Time passes until the peer wants to dial; returns when that was. */
static inline nsec_t wait_for_connect(struct bgp_peer *p, nsec_t now)
{
	struct script_text t = events(p);

	while (!strstr(t.s, "CONNECT")) {
		now = bgp_peer_deadline(p);
		assert_true(now != NSEC_NEVER);
		bgp_peer_tick(p, now);
		t = events(p);
	}
	return now;
}
