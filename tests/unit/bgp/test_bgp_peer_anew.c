// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Of a session nothing is left in the next one but that there was one (RFC 4724 3, F): two peers
 * have had sessions with routers that offered and said different things. Now they talk with one
 * that offers and says the same to both: they answer with the same octets and report the same at
 * each step, but for what is counted over a peer's life.
 */
#include "bgp_peer_script.h"

#include "unit/bgp/octets.h"
#include "unit/rounds.h"

static struct bgp_peer_config any_config(struct rng *rng)
{
	struct bgp_peer_config config = script_config();

	config.families.bits = (uint8_t)(rng_below(rng, 3) + 1);
	config.extended_next_hop = rng_below(rng, 2);
	config.graceful_restart = rng_below(rng, 4) > 0;
	config.llgr_s = rng_below(rng, 2) ? 1000 : 0;
	config.has_role = rng_below(rng, 2);
	config.role = BGP_ROLE_CUSTOMER;
	config.bfd_strict = rng_below(rng, 4) == 0;
	config.any_external = rng_below(rng, 2);
	return config;
}

/* Of any neighbour's that speaks one of our families. */
static struct bgp_open any_open(struct rng *rng, const struct bgp_peer_config *config)
{
	struct bgp_open open = script_open();

	open.asn += config->any_external ? (uint32_t)rng_below(rng, 100000) : 0;
	open.router_id += (uint32_t)rng_below(rng, 5);
	open.hold_s = rng_below(rng, 4) == 0 ? 0 : (uint16_t)(3 + rng_below(rng, 200));
	open.families.bits |= (uint8_t)(config->families.bits | rng_below(rng, 4));
	if (rng_below(rng, 2))
		open.families = config->families;
	open.route_refresh = rng_below(rng, 4) > 0;
	open.enhanced_refresh = rng_below(rng, 4) > 0;
	open.extended_message = rng_below(rng, 2);
	open.extended_next_hop = rng_below(rng, 2);
	open.has_role = rng_below(rng, 2);
	open.role = BGP_ROLE_PROVIDER;
	open.gr.present = rng_below(rng, 4) > 0;
	open.gr.notification = rng_below(rng, 2);
	open.gr.time_s = (uint16_t)rng_below(rng, 4096);
	open.gr.families = open.families;
	open.bfd_strict = rng_below(rng, 2);
	open.plain = rng_below(rng, 8) == 0 && config->families.bits & 1 && open.asn < 65536;
	return open;
}

/* A message of that type whose body is zeroes; they mean something in an UPDATE only. */
static void say_zeroes(struct bgp_peer *p, nsec_t now, uint8_t type, size_t len)
{
	uint8_t *buf = xcalloc(1, len);

	memset(buf, 0xff, BGP_MARKER_LEN);
	buf[16] = (uint8_t)(len >> 8);
	buf[17] = (uint8_t)len;
	buf[18] = type;
	bgp_peer_receive(p, now, D, buf, len);
	free(buf);
}

static void set_route(struct bgp_peer *p, uint32_t med)
{
	const struct bgp_attrs attrs = {.has_med = true, .med = med};
	const struct ip_prefix prefix = script_prefix("192.0.2.0/24");

	assert_true(bgp_rib_set(bgp_peer_rib(p), &prefix, &attrs));
}

static void say_route(struct bgp_peer *p, nsec_t now)
{
	const struct bgp_open *theirs = bgp_peer_info(p).theirs;
	const struct bgp_update_session session = {.local_asn = theirs ? theirs->asn : REMOTE_ASN,
						   .as4 = theirs && theirs->has_as4,
						   .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
						   .local.ipv4 = ip_addr_from_v4(0xc0000202)};
	const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP};
	const struct ip_prefix prefix = script_prefix("198.51.100.0/24");
	const struct bgp_update_batch batch = {
		.family = BGP_IPV4_UNICAST, .attrs = &attrs, .prefixes = &prefix, .n = 1};
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t n;

	bgp_peer_receive(p, now, D, buf, bgp_update_encode(buf, sizeof(buf), &session, &batch, &n));
}

/* One thing that happens in a session, by chance. */
static void any_step(struct bgp_peer *p, nsec_t now, struct rng *rng,
		     const struct bgp_peer_config *config)
{
	const struct bgp_open open = any_open(rng, config);
	const uint64_t what = rng_below(rng, 16);
	const struct bgp_route_refresh refresh = {
		.afi = (uint16_t)(1 + rng_below(rng, 2)),
		.safi = BGP_SAFI_UNICAST,
		.subtype = rng_below(rng, 2) ? BGP_REFRESH_REQUEST : (uint8_t)rng_below(rng, 3)};
	uint8_t buf[BGP_MESSAGE_MAX];

	switch (what) {
	case 0:
		say_open(p, now, D, &open);
		break;
	case 1:
		say_zeroes(p, now, BGP_UPDATE, BGP_MESSAGE_MAX + 1 + rng_below(rng, 9));
		break;
	case 2:
	case 3:
		bgp_peer_receive(
			p, now, D, buf,
			bgp_end_of_rib_encode(buf, sizeof(buf),
					      what == 2 ? BGP_IPV4_UNICAST : BGP_IPV6_UNICAST));
		break;
	case 4:
	case 5:
		bgp_peer_set_bfd(p, now, what == 5);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		bgp_peer_receive(p, now, D, buf,
				 bgp_route_refresh_encode(buf, sizeof(buf), &refresh));
		break;
	case 10:
		set_route(p, (uint32_t)rng_below(rng, 3));
		break;
	case 11:
		memset(buf, 0xff, sizeof(buf));
		bgp_peer_receive(p, now, D, buf, 1 + rng_below(rng, 5)); /* a message begins */
		break;
	case 12:
		say_route(p, now);
		break;
	default:
		say_keepalive(p, now, D);
	}
}

static void same_open(const struct bgp_open *a, const struct bgp_open *b)
{
	uint8_t x[BGP_MESSAGE_MAX], y[BGP_MESSAGE_MAX];
	size_t len;

	assert_int_equal(a != NULL, b != NULL);
	if (!a)
		return;
	len = bgp_open_encode(x, sizeof(x), a);
	assert_int_equal(len, bgp_open_encode(y, sizeof(y), b));
	assert_memory_equal(x, y, len);
}

static void same(struct bgp_peer *p, struct bgp_peer *q, nsec_t now)
{
	const struct bgp_peer_info a = bgp_peer_info(p), b = bgp_peer_info(q);
	uint8_t x[16384], y[16384];
	size_t len;

	assert_int_equal(a.state, b.state);
	assert_int_equal(a.remote_asn, b.remote_asn);
	assert_int_equal(a.remote_router_id, b.remote_router_id);
	assert_int_equal(a.hold_s, b.hold_s);
	assert_int_equal(a.keepalive_s, b.keepalive_s);
	assert_int_equal(a.gr_negotiated, b.gr_negotiated);
	assert_int_equal(a.end_of_rib_sent, b.end_of_rib_sent);
	assert_int_equal(a.end_of_rib_received, b.end_of_rib_received);
	assert_int_equal(a.families.bits, b.families.bits);
	assert_int_equal(a.announced.bits, b.announced.bits);
	assert_int_equal(a.routes_advertised, b.routes_advertised);
	assert_int_equal(a.routes_received, b.routes_received);
	same_open(a.ours, b.ours);
	same_open(a.theirs, b.theirs);
	len = bgp_peer_transmit(p, now, D, x, sizeof(x));
	assert_int_equal(len, bgp_peer_transmit(q, now, D, y, sizeof(y)));
	assert_memory_equal(x, y, len);
	assert_string_equal(events(p).s, events(q).s);
}

static struct bgp_peer *any_peer(const struct bgp_peer_config *config)
{
	struct bgp_peer *p = started_peer(config);

	bgp_peer_notify(p, NOW, D, BGP_NOTE_SYNCED);
	bgp_peer_set_bfd(p, NOW, true);
	set_route(p, 0);
	return p;
}

static void begin(struct bgp_peer *p, const struct bgp_open *open)
{
	uint8_t buf[16384];

	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_UP);
	say_open(p, NOW, D, open);
	say_keepalive(p, NOW, D);
	assert_int_equal(bgp_peer_info(p).state, BGP_ESTABLISHED);
	while (bgp_peer_transmit(p, NOW, D, buf, sizeof(buf)) > 0)
		;
	assert_true(bgp_peer_info(p).end_of_rib_sent);
}

/* The session is lost; returns when the next is dialled. */
static nsec_t end(struct bgp_peer *p)
{
	nsec_t now;

	bgp_peer_notify(p, NOW, D, BGP_NOTE_TCP_FAILED);
	now = wait_for_connect(p, NOW);
	bgp_peer_set_bfd(p, now, true);
	set_route(p, 0);
	(void)events(p);
	return now;
}

/* Both have had a session: one with a router that offered and said anything, the other one with a
 * router that said nothing. Returns when both dial again. */
static nsec_t live_once(struct bgp_peer *p, struct bgp_peer *q, struct rng *rng,
			const struct bgp_peer_config *config)
{
	const struct bgp_open open = any_open(rng, config), other = any_open(rng, config);
	uint8_t buf[16384];
	nsec_t now, then;

	begin(p, &open);
	for (uint64_t n = rng_below(rng, 10); n > 0; n--) {
		any_step(p, NOW, rng, config);
		if (rng_below(rng, 2))
			(void)bgp_peer_transmit(p, NOW, D, buf, sizeof(buf));
	}
	begin(q, &other);
	now = end(p);
	then = end(q);
	return now > then ? now : then;
}

static void a_session_leaves_nothing_to_the_next(void **state)
{
	struct rng rng = octets_rng("a_session_leaves_nothing");
	unsigned n_up = 0;

	(void)state;
	for (unsigned round = 0; round < test_rounds(2000); round++) {
		const struct bgp_peer_config config = any_config(&rng);
		struct bgp_peer *p = any_peer(&config), *q = any_peer(&config);
		const nsec_t now = live_once(p, q, &rng, &config);
		const struct bgp_open open = any_open(&rng, &config);

		bgp_peer_notify(p, now, D, BGP_NOTE_TCP_UP);
		bgp_peer_notify(q, now, D, BGP_NOTE_TCP_UP);
		same(p, q, now);
		if (rng_below(&rng, 4) > 0) {
			say_open(p, now, D, &open);
			say_open(q, now, D, &open);
			same(p, q, now);
		}
		for (int i = 0; i < 10; i++) {
			struct rng again = rng;

			any_step(q, now, &again, &config);
			any_step(p, now, &rng, &config);
			if (bgp_peer_info(q).state < BGP_OPEN_SENT)
				break;
			n_up += bgp_peer_info(q).state == BGP_ESTABLISHED;
			same(p, q, now);
		}
		bgp_peer_free(q);
		bgp_peer_free(p);
	}
	assert_true(n_up > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_leaves_nothing_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
