// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Every verb of a set of sessions, in any order, from the bytes of the input: packets valid and
 * spoiled, echo packets that come back, arrivals before the last one, configurations that change,
 * time that jumps, a driver that does not poll. What comes out must parse, a refused packet changes
 * nothing, deadlines lie ahead when all that was due is done, and Up is never without a peer.
 *
 * Input: commands, each an octet (low three bits the verb, the rest which session) and its
 * operands.
 */
#include "base/cursor.h"
#include "bfd/bfd_set.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSIONS 4

enum command {
	CMD_ADD,
	CMD_REMOVE,
	CMD_PACKET, /* a good one, with bits of choice */
	CMD_RAW,    /* length, octets */
	CMD_NOTE,
	CMD_RECONFIGURE,
	CMD_TICK, /* advance by 2^n ns, or to the deadline; then what is due */
	CMD_POLL, /* and the last echo packet comes back, to whom it may */
};

struct run {
	struct rcur in;
	struct bfd_set *set;
	nsec_t now;
	uint8_t echo[BFD_ECHO_BYTES];
};

static struct bfd_config read_config(struct run *r, unsigned which)
{
	uint8_t bits = rcur_u8(&r->in);
	struct bfd_config c = {.peer = ip_addr_from_v4(0xc0000200u + which),
			       .ifindex = which & 1 ? 3 : 0,
			       .is_multihop = which & 2,
			       .minimum_ttl = 254,
			       .is_passive = bits & 1,
			       .terms = {(rcur_u8(&r->in) + 1u) << (bits >> 4 & 7) << 10,
					 (rcur_u8(&r->in) + 1u) << 12, rcur_u8(&r->in)}};

	if (c.terms.detect_mult == 0)
		c.terms.detect_mult = 1;
	c.echo_tx_us = bits & 64 ? 1000u << (bits >> 4 & 7) : 0;
	if (bits & 2)
		c.auth = (struct bfd_auth_key){
			.type = 1 + (bits >> 2 & 3), .id = 1, .len = 4, .key = "open"};
	return c;
}

static struct bfd_session *session(struct run *r, unsigned which)
{
	size_t n = bfd_set_count(r->set);

	return n > 0 ? bfd_set_at(r->set, which % n) : NULL;
}

static struct bfd_arrival read_arrival(struct run *r, const struct bfd_session *s)
{
	uint8_t bits = rcur_u8(&r->in);
	struct bfd_arrival a = {.at = r->now - (nsec_t)(bits >> 4) * NSEC_PER_MSEC,
				.source = s->config.peer,
				.ifindex = 3,
				.ttl = 255,
				.is_multihop = s->config.is_multihop};

	a.ttl -= bits & 1;
	a.ifindex += bits >> 1 & 1;
	a.is_multihop ^= bits >> 2 & 1;
	if (bits & 8)
		a.source = ip_addr_from_v4(0xc0000203);
	return a;
}

static void check_state(const struct bfd_session *s)
{
	assert(s->state != BFD_UP || s->remote.discriminator != 0);
	assert(s->state == BFD_UP || !s->is_polling);
	assert(s->state == BFD_UP || s->echo.interval == 0);
	assert(s->echo.interval != 0 || !s->echo.is_proven);
	assert(s->echo.interval == 0 || !s->config.is_multihop);
	assert(s->state != BFD_UP || bfd_session_detection(s) != NSEC_NEVER);
	assert(bfd_session_interval(s) > 0);
}

static void receive(struct run *r, struct bfd_session *s, const uint8_t *data, size_t len)
{
	const struct bfd_arrival a = read_arrival(r, s);
	struct bfd_session *got = NULL, before = *s;
	enum bfd_reject reject = bfd_set_receive(r->set, &a, data, len, &got);

	assert(reject < BFD_N_REJECTS);
	assert((reject == BFD_ACCEPTED) == (got != NULL));
	if (got) {
		check_state(got);
		/* What is read late is not how the peer is. */
		assert(got != s || a.at >= before.heard_at ||
		       (s->state == before.state && s->heard_at == before.heard_at &&
			memcmp(&s->remote, &before.remote, sizeof(s->remote)) == 0));
		bfd_set_touch(r->set, got);
		return;
	}
	memcpy(before.counters.rejected, s->counters.rejected, sizeof(before.counters.rejected));
	assert(memcmp(s, &before, sizeof(before)) == 0);
}

static void packet(struct run *r, struct bfd_session *s)
{
	uint8_t bits = rcur_u8(&r->in), more = rcur_u8(&r->in);
	size_t auth_len = more & 1 ? bfd_auth_len(&s->config.auth) : 0;
	struct bfd_auth_state auth = {.sent = s->auth.received + (more >> 6)};
	struct bfd_packet p = {.state = bits & 3,
			       .poll = bits & 4,
			       .final = (bits & 12) == 8,
			       .demand = bits & 16,
			       .has_auth = auth_len > 0,
			       .detect_mult = 1 + (bits >> 5),
			       .my_discriminator = 9,
			       .your_discriminator = more & 2 ? 0 : s->discriminator,
			       .min_tx_us = (uint32_t)rcur_u8(&r->in) << 12,
			       .min_rx_us = (uint32_t)rcur_u8(&r->in) << 12,
			       .min_echo_rx_us = more & 4 ? 1u << (more >> 3) : 0};
	uint8_t buf[BFD_PACKET_MAX];

	bfd_packet_encode(buf, &p, auth_len);
	if (auth_len > 0)
		bfd_auth_write(&s->config.auth, &auth, buf);
	receive(r, s, buf, BFD_PACKET_BYTES + auth_len);
}

static void do_due(struct run *r)
{
	struct bfd_session *s;
	unsigned n = 0;

	while ((s = bfd_set_due(r->set, r->now))) {
		uint8_t buf[BFD_PACKET_MAX];
		struct bfd_packet p;
		size_t len;

		assert(n++ < 4 * SESSIONS);
		bfd_session_tick(s, r->now);
		check_state(s);
		while ((len = bfd_session_transmit(s, r->now, buf)) > 0) {
			enum bfd_reject reject = bfd_packet_parse(buf, len, &p);

			/* RFC 5880 6.8.6: nobody takes Init or Up without Your Discriminator. */
			assert(reject == BFD_ACCEPTED);
			assert(!p.poll || !p.final);
			assert(!s->config.is_passive || p.your_discriminator != 0);
			assert(n++ < 4 * SESSIONS);
		}
		if (bfd_session_transmit_echo(s, r->now, r->echo))
			assert(s->remote.min_echo_rx_us != 0 && s->config.echo_tx_us != 0);
		bfd_set_touch(r->set, s);
	}
	assert(bfd_set_deadline(r->set) > r->now);
}

static void advance(struct run *r)
{
	uint8_t n = rcur_u8(&r->in);
	nsec_t deadline = bfd_set_deadline(r->set);

	if (n >= 40 && deadline != NSEC_NEVER && deadline > r->now)
		r->now = deadline;
	else
		r->now += UINT64_C(1) << n % 40;
	do_due(r);
}

static void reconfigure(struct run *r, struct bfd_session *s)
{
	struct bfd_config c = read_config(r, 0);

	c.peer = s->config.peer;
	c.ifindex = s->config.ifindex;
	c.is_multihop = s->config.is_multihop;
	bfd_session_reconfigure(s, r->now, &c);
}

static void do_command(struct run *r)
{
	uint8_t byte = rcur_u8(&r->in);
	struct bfd_session *s = session(r, byte >> 3);
	enum command command = (enum command)(byte & 7);
	struct bfd_config config;
	struct rcur bytes;
	struct bfd_event e;

	if (command == CMD_ADD) {
		config = read_config(r, byte >> 3);
		s = bfd_set_add(r->set, r->now, &config);
		return;
	}
	if (command == CMD_TICK)
		advance(r);
	if (!s || command == CMD_TICK)
		return;
	if (command == CMD_REMOVE) {
		bfd_set_remove(r->set, s);
		return;
	}
	if (command == CMD_PACKET) {
		packet(r, s);
	} else if (command == CMD_RAW) {
		bytes = rcur_sub(&r->in, rcur_u8(&r->in));
		receive(r, s, bytes.at, rcur_left(&bytes));
	} else if (command == CMD_NOTE) {
		bfd_session_notify(s, r->now, rcur_u8(&r->in) % (BFD_NOTE_PATH_DOWN + 1));
	} else if (command == CMD_RECONFIGURE) {
		reconfigure(r, s);
	} else {
		(void)bfd_session_receive_echo(s, r->now, r->echo, sizeof(r->echo));
		for (unsigned n = 0; bfd_session_poll(s, &e); n++)
			assert(n < BFD_EVENTS && e.from != e.to);
	}
	check_state(s);
	bfd_set_touch(r->set, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.in = rcur_init(data, size), .now = NSEC_PER_SEC};
	struct rng rng;

	rng_seed(&rng, size);
	r.set = bfd_set_new(SESSIONS, &rng);
	while (rcur_left(&r.in) > 0 && !r.in.failed)
		do_command(&r);
	r.set = bfd_set_free(r.set);
	return 0;
}
