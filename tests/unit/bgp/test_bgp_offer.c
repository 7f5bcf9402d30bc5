// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What an OPEN offers, and how much less after each refusal (RFC 5492 3, 5). */
#include "bgp/bgp_offer.h"

#include "base/rng.h"
#include "bgp/bgp_msg.h"
#include "unit/bgp/octets.h"

#define V4  BGP_FAMILY_BIT(BGP_IPV4_UNICAST)
#define ALL (V4 | BGP_FAMILY_BIT(BGP_IPV6_UNICAST))

static const struct bgp_peer_config config = {.local_asn = 4200000000,
					      .families = {ALL},
					      .router_id = 1,
					      .hold_s = 90,
					      .graceful_restart = true,
					      .llgr_s = 3600,
					      .has_role = true,
					      .role = BGP_ROLE_CUSTOMER};
static const struct bgp_graceful_restart gr = {
	.present = true, .time_s = 120, .families = {ALL}, .forwarding = {ALL}};

struct codes {
	bool has[256];
};

static struct bgp_error refusal(uint8_t subcode, const char *hex)
{
	const struct octets data = octets(hex);

	return bgp_error_with(BGP_ERROR_OPEN, subcode, data.b, data.len);
}

static bool less(struct bgp_offer *o, uint8_t subcode, const char *hex)
{
	const struct bgp_open sent = bgp_offer_open(o, &config, &gr);
	const struct bgp_error e = refusal(subcode, hex);

	return bgp_offer_less(o, &sent, &e);
}

static void everything_is_offered_at_first(void **state)
{
	const struct bgp_open o = bgp_offer_open(&(struct bgp_offer){0}, &config, &gr);
	char text[BGP_OFFER_TEXT];

	(void)state;
	assert_true(o.has_as4 && o.route_refresh && o.enhanced_refresh && o.extended_message);
	assert_true(o.has_role && o.role == BGP_ROLE_CUSTOMER && !o.plain);
	assert_true(o.gr.present && o.llgr.present && o.llgr.time_s == 3600);
	assert_int_equal(o.families.bits, ALL);
	assert_int_equal(o.llgr.forwarding.bits, ALL);
	assert_string_equal(bgp_offer_text(&(struct bgp_offer){0}, text), "");
}

/* RFC 9494 4.2: only where graceful restart is, too. */
static void long_lived_restart_is_offered_with_graceful_restart_only(void **state)
{
	const struct bgp_graceful_restart none = {0};

	(void)state;
	assert_false(bgp_offer_open(&(struct bgp_offer){0}, &config, &none).llgr.present);
}

/*
 * RFC 7313 4 has a speaker put its marks behind its End-of-RIB, and FRR up to 10.0 sends that to
 * those alone who offer graceful restart: it would answer no request of the others, ever.
 */
static void enhanced_refresh_is_offered_with_graceful_restart_only(void **state)
{
	const struct bgp_graceful_restart none = {0};
	struct bgp_offer o = {0};
	struct bgp_open open = bgp_offer_open(&o, &config, &none);

	(void)state;
	assert_true(open.route_refresh && !open.enhanced_refresh);
	assert_true(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, "4006 0078 0001 01 00"));
	open = bgp_offer_open(&o, &config, &gr);
	assert_true(open.route_refresh && !open.enhanced_refresh);
}

static void an_unknown_parameter_leads_to_bare_bgp_4(void **state)
{
	struct bgp_offer o = {0};
	struct bgp_open open;
	char text[BGP_OFFER_TEXT];

	(void)state;
	assert_true(less(&o, BGP_OPEN_UNSUPPORTED_PARAMETER, ""));
	open = bgp_offer_open(&o, &config, &gr);
	assert_true(open.plain && !open.has_as4 && !open.gr.present && !open.route_refresh);
	assert_int_equal(open.families.bits, V4);
	assert_string_equal(bgp_offer_text(&o, text), "without any capability");
	assert_false(less(&o, BGP_OPEN_UNSUPPORTED_PARAMETER, ""));
	assert_false(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, ""));
}

static void what_a_refusal_lists_is_left_out(void **state)
{
	static const struct {
		const char *data, *text; /* NULL: nothing is gained */
	} cases[] = {
		{"4600", "without enhanced route refresh"},
		{"0600 0901 03", "without extended messages, role"},
		{"4006 0078 0001 01 00", "without graceful restart"},
		{"0104 0002 00 01", "without IPv6 unicast"},
		{"0104 0001 00 01 0104 0002 00 01", "without IPv4 unicast"}, /* never both */
		{"0104 0019 00 46", NULL},                                   /* EVPN: not ours */
		{"4104 fa56ea00", NULL},
		{"c800", NULL},
		{"4601", NULL},
		{"46", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bgp_offer o = {0};
		char text[BGP_OFFER_TEXT];

		assert_int_equal(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, cases[i].data),
				 cases[i].text != NULL);
		assert_string_equal(bgp_offer_text(&o, text), cases[i].text ? cases[i].text : "");
		assert_false(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, cases[i].data));
	}
}

/* The codes of the capabilities in the OPEN that is sent. */
static struct codes said(const struct bgp_open *open)
{
	uint8_t buf[BGP_MESSAGE_MAX];
	const size_t len = bgp_open_encode(buf, sizeof(buf), open);
	struct codes ret = {{false}};
	struct rcur c = rcur_init(buf + BGP_HEADER_LEN, len - BGP_HEADER_LEN);

	(void)rcur_bytes(&c, 9); /* up to the parameters */
	c = rcur_sub(&c, rcur_u8(&c));
	while (rcur_left(&c) > 0) {
		struct rcur parameter;

		assert_int_equal(rcur_u8(&c), 2);
		parameter = rcur_sub(&c, rcur_u8(&c));
		while (rcur_left(&parameter) > 0) {
			ret.has[rcur_u8(&parameter)] = true;
			(void)rcur_bytes(&parameter, rcur_u8(&parameter));
		}
		assert_false(parameter.failed);
	}
	assert_false(c.failed);
	return ret;
}

/*
 * Whatever is offered and whichever capability a refusal lists: it is left out from then on, with
 * those that mean nothing without it. Nothing is gained by what was not said, and nothing changes.
 */
static void what_is_refused_is_not_said_again_and_nothing_else_is_lost(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		const struct bgp_peer_config any = {.local_asn = 65000,
						    .families = {ALL},
						    .router_id = 1,
						    .hold_s = 90,
						    .extended_next_hop = bits & 1,
						    .graceful_restart = bits & 2,
						    .llgr_s = bits & 4 ? 3600 : 0,
						    .has_role = bits & 8,
						    .bfd_strict = bits & 16};
		const struct bgp_graceful_restart none = {0}, *with = bits & 2 ? &gr : &none;

		for (unsigned code = 0; code < 256; code++) {
			const struct bgp_error e =
				bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY,
					       (const uint8_t[]){(uint8_t)code, 0}, 2);
			struct bgp_offer o = {0};
			const struct bgp_open first = bgp_offer_open(&o, &any, with);
			const struct codes before = said(&first);
			const bool helps = before.has[code] && code != BGP_CAP_MULTIPROTOCOL &&
					   code != BGP_CAP_AS4;
			struct bgp_open second;
			struct codes after;

			assert_int_equal(bgp_offer_less(&o, &first, &e), helps);
			assert_int_equal(bgp_offer_text(&o, (char[BGP_OFFER_TEXT]){0})[0] != 0,
					 helps);
			second = bgp_offer_open(&o, &any, with);
			after = said(&second);
			for (unsigned i = 0; i < 256; i++) {
				const bool goes = i == code || (code == BGP_CAP_GRACEFUL_RESTART &&
								(i == BGP_CAP_LONG_LIVED_GR ||
								 i == BGP_CAP_ENHANCED_REFRESH));

				assert_int_equal(after.has[i], before.has[i] && !(helps && goes));
			}
		}
	}
}

static void a_refusal_that_lists_nothing_costs_the_optional_ones_then_all(void **state)
{
	struct bgp_offer o = {0};
	struct bgp_open open;

	(void)state;
	assert_true(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, ""));
	open = bgp_offer_open(&o, &config, &gr);
	assert_true(open.has_as4 && open.families.bits == ALL && !open.gr.present);
	assert_true(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, ""));
	assert_true(bgp_offer_open(&o, &config, &gr).plain);
	assert_false(less(&o, BGP_OPEN_UNSUPPORTED_CAPABILITY, ""));
}

static void other_errors_change_nothing(void **state)
{
	struct bgp_offer o = {0};
	const struct bgp_open sent = bgp_offer_open(&o, &config, &gr);
	const struct bgp_error cease = bgp_error_make(BGP_ERROR_CEASE, 4);

	(void)state;
	assert_false(less(&o, BGP_OPEN_BAD_PEER_AS, ""));
	assert_false(less(&o, BGP_OPEN_ROLE_MISMATCH, ""));
	assert_false(bgp_offer_less(&o, &sent, &cease));
}

/* Whatever comes: each step holds back more, at least one family is left, and it ends. */
static void it_comes_to_an_end(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (unsigned round = 0; round < 2000; round++) {
		struct bgp_offer o = {0};

		for (unsigned n = 0, gained = 0; n < 50; n++) {
			const struct bgp_open sent = bgp_offer_open(&o, &config, &gr);
			uint8_t data[12];
			struct bgp_error e;

			assert_false(bgp_families_is_empty(sent.families));
			for (size_t i = 0; i < sizeof(data); i++)
				data[i] = (uint8_t)rng_below(&rng, rng_below(&rng, 2) ? 4 : 256);
			e = bgp_error_with(BGP_ERROR_OPEN,
					   rng_below(&rng, 9) ? BGP_OPEN_UNSUPPORTED_CAPABILITY
							      : BGP_OPEN_UNSUPPORTED_PARAMETER,
					   data, (size_t)rng_below(&rng, sizeof(data) + 1));
			gained += bgp_offer_less(&o, &sent, &e);
			assert_true(gained <= 9);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_offered_at_first),
		cmocka_unit_test(long_lived_restart_is_offered_with_graceful_restart_only),
		cmocka_unit_test(enhanced_refresh_is_offered_with_graceful_restart_only),
		cmocka_unit_test(an_unknown_parameter_leads_to_bare_bgp_4),
		cmocka_unit_test(what_a_refusal_lists_is_left_out),
		cmocka_unit_test(what_is_refused_is_not_said_again_and_nothing_else_is_lost),
		cmocka_unit_test(a_refusal_that_lists_nothing_costs_the_optional_ones_then_all),
		cmocka_unit_test(other_errors_change_nothing),
		cmocka_unit_test(it_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
