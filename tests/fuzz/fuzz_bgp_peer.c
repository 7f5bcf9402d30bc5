// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Every verb of a bgp_peer, in any order, from the bytes of the input: notes that make no sense in
 * the state, connections on both slots, messages valid and spoiled, time that jumps, a driver that
 * does not poll. What comes out must be whole messages that our own decoder accepts, deadlines must
 * lie ahead after a tick, and poll() must come to an end.
 *
 * Input: one octet of configuration, then commands: an octet (low four bits the verb, bit 4 the
 * slot) and its operands.
 */
#include "base/cursor.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_malformed.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"
#include "fuzz/rib_in_check.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum command {
	CMD_NOTE,
	CMD_RAW,     /* length, octets */
	CMD_MESSAGE, /* type, length, body: with a good header */
	CMD_OPEN,    /* a valid OPEN with some bits of choice */
	CMD_KEEPALIVE,
	CMD_TICK, /* advance by 2^n ns, or to the deadline */
	CMD_TRANSMIT,
	CMD_POLL,
	CMD_ACCEPT,
	CMD_ROUTE,
	CMD_RECONFIGURE,
	CMD_UP,     /* a whole session in one command */
	CMD_LOCAL,  /* other next hops */
	CMD_IMPORT, /* another policy */
	CMD_TAKE,   /* some of the routes that changed */
	N_COMMANDS,
};

struct run {
	struct rcur in;
	struct bgp_peer *peer;
	struct bgp_peer_config config;
	struct bgp_import import;
	nsec_t now;
};

static void check_output(const uint8_t *buf, size_t len)
{
	struct bgp_frame f;
	struct bgp_error e;

	while (len > 0) {
		enum bgp_frame_status status = bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &f, &e);

		assert(status == BGP_FRAME_MESSAGE);
		buf += f.len;
		len -= f.len;
	}
}

static void transmit(struct run *r, enum bgp_slot slot)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	check_output(buf, bgp_peer_transmit(r->peer, r->now, slot, buf, sizeof(buf)));
}

static void poll_all(struct run *r)
{
	struct bgp_event e;
	unsigned n = 0;

	while (bgp_peer_poll(r->peer, &e)) {
		n++;
		assert(n < 100);
		assert(e.slot < BGP_N_SLOTS);
	}
}

static void say_open(struct run *r, enum bgp_slot slot)
{
	uint8_t bits = rcur_u8(&r->in), more = rcur_u8(&r->in), buf[BGP_MESSAGE_MAX];
	const struct bgp_open open = {
		.asn = bits & 1 ? r->config.remote_asn : 65000,
		.hold_s = bits & 2 ? 90 : bits >> 4,
		.router_id = bits & 4 ? 0x01000000 : 0x7f000000,
		.has_as4 = bits & 8,
		.families = {bits & 64 ? 1 : 3},
		.extended_next_hop = bits & 128,
		.enhanced_refresh = bits & 16,
		.plain = more & 1,
		.extended_message = more & 2,
		.has_role = more & 4,
		.role = more >> 5,
		.llgr = {.present = more & 8, .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}},
		.gr = {.present = bits & 32,
		       .notification = more & 16,
		       .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}}};

	bgp_peer_receive(r->peer, r->now, slot, buf, bgp_open_encode(buf, sizeof(buf), &open));
}

static void say_keepalive(struct run *r, enum bgp_slot slot)
{
	uint8_t buf[BGP_MESSAGE_MAX];

	bgp_peer_receive(r->peer, r->now, slot, buf, bgp_keepalive_encode(buf, sizeof(buf)));
}

static void say_raw(struct run *r, enum bgp_slot slot)
{
	struct rcur bytes = rcur_sub(&r->in, rcur_u8(&r->in));

	bgp_peer_receive(r->peer, r->now, slot, bytes.at, rcur_left(&bytes));
}

static void say_message(struct run *r, enum bgp_slot slot)
{
	uint8_t buf[BGP_MESSAGE_MAX], type = rcur_u8(&r->in);
	struct wcur w = wcur_init(buf, sizeof(buf));
	struct rcur body = rcur_sub(&r->in, rcur_u8(&r->in));

	bgp_message_start(&w, type % 6);
	wcur_bytes(&w, body.at, rcur_left(&body));
	bgp_peer_receive(r->peer, r->now, slot, buf, bgp_message_end(&w));
}

static void advance(struct run *r)
{
	uint8_t n = rcur_u8(&r->in);
	nsec_t deadline = bgp_peer_deadline(r->peer);

	if (n >= 48 && deadline != NSEC_NEVER && deadline > r->now)
		r->now = deadline;
	else
		r->now += UINT64_C(1) << n % 48;
	bgp_peer_tick(r->peer, r->now);
	assert(bgp_peer_deadline(r->peer) > r->now);
}

static void change_route(struct run *r)
{
	uint8_t n = rcur_u8(&r->in);
	const struct ip_addr v4 = ip_addr_from_v4(0x0a000000u + (n & 15));
	const struct ip_addr v6 = {.b = {0xfd, [15] = n & 15}};
	const struct ip_prefix p = n & 8 ? ip_prefix_of(&v6, 128) : ip_prefix_of(&v4, 32);
	const struct bgp_attrs attrs = {.med = n >> 6, .has_med = true, .prepend = n >> 4 & 3};

	if (n & 0x80)
		bgp_rib_del(bgp_peer_rib(r->peer), &p);
	else if (!bgp_rib_set(bgp_peer_rib(r->peer), &p, &attrs))
		abort();
}

static void reconfigure(struct run *r)
{
	struct bgp_peer_config c = r->config;
	uint8_t n = rcur_u8(&r->in);

	c.keepalive_s = n;
	c.connect_s = n & 15;
	c.hold_s = n < 3 ? 0 : n;
	c.router_id += n == 254;
	bgp_peer_reconfigure(r->peer, r->now, &c);
	r->config = c;
}

static void bring_up(struct run *r, enum bgp_slot slot)
{
	if (slot == BGP_SLOT_ACCEPTED && !bgp_peer_accept(r->peer, r->now))
		return;
	bgp_peer_notify(r->peer, r->now, slot, BGP_NOTE_TCP_UP);
	say_open(r, slot);
	say_keepalive(r, slot);
}

static void set_local(struct run *r, enum bgp_slot slot, uint8_t bits)
{
	struct bgp_next_hops local = {0};

	if (bits & 1)
		local.ipv4 = ip_addr_from_v4(0xc0000200u + (bits >> 3));
	if (bits & 2)
		local.ipv6 = (struct ip_addr){.b = {0xfd, [15] = bits >> 3}};
	if (bits & 4)
		local.ipv6_link_local = (struct ip_addr){.b = {0xfe, 0x80, [15] = 1}};
	bgp_peer_set_local(r->peer, slot, &local);
}

static void set_import(struct run *r)
{
	r->import = rib_in_import(rcur_u8(&r->in));
	if (!bgp_peer_set_import(r->peer, &r->import)) /* only a new session brings them */
		bgp_peer_notify(r->peer, r->now, BGP_SLOT_DIALLED, BGP_NOTE_RECONFIGURED);
}

static void take(struct run *r, unsigned n)
{
	struct ip_prefix p;

	(void)bgp_rib_in_go_on(bgp_peer_rib_in(r->peer), n);
	while (n-- > 0 && bgp_rib_in_take(bgp_peer_rib_in(r->peer), &p))
		assert(p.len <= ip_addr_bits(&p.addr));
}

static void do_command(struct run *r)
{
	uint8_t byte = rcur_u8(&r->in);
	enum bgp_slot slot = byte >> 4 & 1;

	switch ((enum command)((byte & 15) % N_COMMANDS)) {
	case CMD_NOTE:
		bgp_peer_notify(r->peer, r->now, slot, rcur_u8(&r->in) % (BGP_NOTE_SYNCED + 1));
		break;
	case CMD_RAW:
		say_raw(r, slot);
		break;
	case CMD_MESSAGE:
		say_message(r, slot);
		break;
	case CMD_OPEN:
		say_open(r, slot);
		break;
	case CMD_KEEPALIVE:
		say_keepalive(r, slot);
		break;
	case CMD_TICK:
		advance(r);
		break;
	case CMD_TRANSMIT:
		transmit(r, slot);
		break;
	case CMD_POLL:
		poll_all(r);
		break;
	case CMD_ACCEPT:
		if (bgp_peer_accept(r->peer, r->now))
			bgp_peer_notify(r->peer, r->now, BGP_SLOT_ACCEPTED, BGP_NOTE_TCP_UP);
		break;
	case CMD_ROUTE:
		change_route(r);
		break;
	case CMD_RECONFIGURE:
		reconfigure(r);
		break;
	case CMD_UP:
		bring_up(r, slot);
		break;
	case CMD_LOCAL:
		set_local(r, slot, rcur_u8(&r->in));
		break;
	case CMD_IMPORT:
		set_import(r);
		break;
	case CMD_TAKE:
		take(r, rcur_u8(&r->in));
		break;
	case N_COMMANDS:
		break;
	}
}

static void check_malformed(const struct bgp_malformed *m)
{
	char text[BGP_MALFORMED_TEXT];

	if (m->n > 0)
		assert(strlen(bgp_malformed_text(m, text)) < sizeof(text) - 1); /* not cut */
}

/* At most one session, and what status shows fits it. */
static void check_info(const struct run *r)
{
	const struct bgp_peer_info info = bgp_peer_info(r->peer);

	assert((info.state == BGP_ESTABLISHED) == (info.established_at != NSEC_NEVER));
	assert(info.state == BGP_ESTABLISHED || info.routes_advertised == 0);
	assert(!info.last_error || info.last_error[0] != '\0');
	assert(info.state == BGP_ESTABLISHED || info.stale_until != NSEC_NEVER ||
	       bgp_rib_in_counts(bgp_peer_rib_in(r->peer)).n_stale == 0);
	rib_in_check(bgp_peer_rib_in(r->peer), &r->import);
	check_malformed(bgp_rib_in_malformed(bgp_peer_rib_in(r->peer)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = {.in = rcur_init(data, size), .now = NSEC_PER_SEC};
	uint8_t bits = rcur_u8(&r.in);
	struct rng rng;

	rng_seed(&rng, bits);
	r.config = (struct bgp_peer_config){.local_asn = bits & 1 ? 64500 : 4200000000,
					    .remote_asn = bits & 2 ? 64500 : 64501,
					    .families = {bits & 128 ? 1 : 3},
					    .extended_next_hop = bits & 8,
					    .router_id = 0x0a000001,
					    .hold_s = bits & 4 ? 90 : 0,
					    .keepalive_s = 30,
					    .connect_s = bits & 8 ? 5 : 0,
					    .graceful_restart = bits & 16,
					    .llgr_s = bits & 8 ? 3600 : 0,
					    .has_role = bits & 4,
					    .role = 3,
					    .restart_time_s = 120,
					    .restarted = bits & 32,
					    .forwarding_preserved = bits & 64};
	r.peer = bgp_peer_new(&r.config, &rng, NULL);
	set_local(&r, BGP_SLOT_DIALLED, 1);
	set_local(&r, BGP_SLOT_ACCEPTED, 1);
	while (rcur_left(&r.in) > 0 && !r.in.failed) {
		do_command(&r);
		check_info(&r);
	}
	r.peer = bgp_peer_free(r.peer);
	return 0;
}
