// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A session under test and what its peer says, one call a step. Shared by the tests of bfd/.
 */
#pragma once

#include "bfd/bfd_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS(n)  ((n)*NSEC_PER_MSEC)
#define NOW    MS(100000)
#define PEER   UINT32_C(0xc0000202)
#define LOCAL  UINT32_C(0xc0000201)
#define OURS   77
#define THEIRS 99

static inline struct bfd_config usual_config(void)
{
	return (struct bfd_config){.peer = ip_addr_from_v4(PEER),
				   .local = ip_addr_from_v4(LOCAL),
				   .terms = {50000, 50000, 3}};
}

static inline struct bfd_session new_session(const struct bfd_config *config)
{
	struct bfd_session s;
	struct rng rng;

	rng_seed(&rng, 5);
	bfd_session_init(&s, config, OURS, &rng, NOW);
	return s;
}

static inline struct bfd_arrival usual_arrival(nsec_t at)
{
	return (struct bfd_arrival){.at = at,
				    .source = ip_addr_from_v4(PEER),
				    .destination = ip_addr_from_v4(LOCAL),
				    .ifindex = 3,
				    .ttl = 255};
}

/* What the peer says, 50 ms both ways, three times. */
static inline struct bfd_packet usual_packet(enum bfd_state state)
{
	static const uint8_t nothing[BFD_PACKET_BYTES];

	return (struct bfd_packet){.state = state,
				   .detect_mult = 3,
				   .my_discriminator = THEIRS,
				   .your_discriminator = OURS,
				   .min_tx_us = 50000,
				   .min_rx_us = 50000,
				   .data = nothing,
				   .len = sizeof(nothing)};
}

static inline void hear_packet(struct bfd_session *s, nsec_t at, const struct bfd_packet *p)
{
	const struct bfd_arrival a = usual_arrival(at);

	assert_int_equal(bfd_session_receive(s, &a, p), BFD_ACCEPTED);
}

static inline void hear(struct bfd_session *s, nsec_t at, enum bfd_state state)
{
	const struct bfd_packet p = usual_packet(state);

	hear_packet(s, at, &p);
}

/* What is sent now: false if nothing is. */
static inline bool say(struct bfd_session *s, nsec_t now, struct bfd_packet *ret)
{
	uint8_t buf[BFD_PACKET_MAX];
	size_t len = bfd_session_transmit(s, now, buf);

	if (len == 0)
		return false;
	assert_int_equal(bfd_packet_parse(buf, len, ret), BFD_ACCEPTED);
	return true;
}

/* All that is sent now; how many packets. */
static inline unsigned say_all(struct bfd_session *s, nsec_t now)
{
	struct bfd_packet p;
	unsigned n = 0;

	while (say(s, now, &p))
		n++;
	return n;
}

/* Up at NOW, its poll sequence over, nothing left to send. */
static inline struct bfd_session up_session(const struct bfd_config *config)
{
	struct bfd_session s = new_session(config);
	struct bfd_packet p = usual_packet(BFD_UP);
	struct bfd_event e;

	hear(&s, NOW, BFD_DOWN);
	hear(&s, NOW, BFD_INIT);
	(void)say_all(&s, NOW);
	p.final = true;
	hear_packet(&s, NOW, &p);
	while (bfd_session_poll(&s, &e))
		;
	assert_int_equal(s.state, BFD_UP);
	assert_false(s.is_polling);
	return s;
}

/* "Down>Init Init>Up" */
static inline const char *changes(struct bfd_session *s, char buf[128])
{
	struct bfd_event e;
	size_t n = 0;

	buf[0] = '\0';
	while (bfd_session_poll(s, &e))
		n += (size_t)snprintf(buf + n, 128 - n, "%s%s>%s", n > 0 ? " " : "",
				      bfd_state_text(e.from), bfd_state_text(e.to));
	return buf;
}
