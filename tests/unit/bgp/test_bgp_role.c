// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Roles (RFC 9234) in UPDATEs: who adds Only to Customer, and what it means where it comes in. What
 * OPENs say of roles is tested with them.
 */
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_notification.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"
#include "bgp/bgp_update.h"
#include "unit/bgp/update_made.h"

#define N_ROLES 5
#define OURS    UINT32_C(4200000001)
#define THEIRS  65001
#define OTC     "c0 23 04 "

static struct bgp_update_session with_role(enum bgp_role role)
{
	struct bgp_update_session s = session(OURS, false, true);

	s.remote_asn = THEIRS;
	s.has_role = true;
	s.role = (uint8_t)role;
	return s;
}

/* Whether a route goes out with it; behind all other attributes, since its number is the highest.
 */
static bool adds_it(const struct bgp_update_session *s)
{
	const struct octets otc = octets(OTC "fa56ea01");
	struct ip_prefix to = prefix("192.0.2.1/32");
	const struct bgp_attrs attrs = {.has_med = true};
	const struct bgp_update_batch batch = {.attrs = &attrs, .prefixes = &to, .n = 1};
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken, len = bgp_update_encode(buf, sizeof(buf), s, &batch, &taken);

	assert_int_equal(taken, 1);
	len -= 5; /* the prefix */
	return memcmp(&buf[len - otc.len], otc.b, otc.len) == 0;
}

static void routes_that_go_down_or_to_a_peer_are_only_for_customers(void **state)
{
	static const bool wants[N_ROLES] = {
		[BGP_ROLE_PROVIDER] = true,
		[BGP_ROLE_RS] = true,
		[BGP_ROLE_PEER] = true,
	};

	(void)state;
	for (enum bgp_role role = 0; role < N_ROLES; role++) {
		struct bgp_update_session s = with_role(role);

		assert_int_equal(adds_it(&s), wants[role]);
		s.as4 = false; /* its AS has four octets nevertheless */
		assert_int_equal(adds_it(&s), wants[role]);
		s.has_role = false;
		assert_false(adds_it(&s));
		s = with_role(role);
		s.is_ibgp = true;
		assert_false(adds_it(&s));
	}
}

/* A route of theirs, with the attribute's value (octets in hex) or "" for none. */
static enum bgp_update_result decode(const struct bgp_update_session *s, const char *otc,
				     struct bgp_update *ret)
{
	const struct octets attrs = octets(
				    "40 01 01 00  40 02 06 02 01 0000fde9  40 03 04 0a000002"),
			    more = octets(otc), nlri = octets("18 0a0102");
	struct octets body = octets("0000 0000");
	struct bgp_error error;

	body.b[3] = (uint8_t)(attrs.len + more.len);
	memcpy(&body.b[4], attrs.b, attrs.len);
	memcpy(&body.b[4 + attrs.len], more.b, more.len);
	memcpy(&body.b[4 + attrs.len + more.len], nlri.b, nlri.len);
	body.len = 4 + attrs.len + more.len + nlri.len;
	return bgp_update_decode(rcur_init(body.b, body.len), s, ret, &error);
}

static void what_came_down_once_does_not_come_up_again(void **state)
{
	/* By our role: with their own AS, with another one. */
	static const bool leaks[N_ROLES][2] = {
		[BGP_ROLE_PROVIDER] = {true, true},
		[BGP_ROLE_RS] = {true, true},
		[BGP_ROLE_PEER] = {false, true},
	};
	struct bgp_update u;

	(void)state;
	for (enum bgp_role role = 0; role < N_ROLES; role++) {
		struct bgp_update_session s = with_role(role);

		assert_int_equal(decode(&s, "", &u), BGP_UPDATE_OK);
		assert_false(u.is_leak);
		assert_int_equal(decode(&s, OTC "0000fde9", &u), BGP_UPDATE_OK);
		assert_int_equal(u.is_leak, leaks[role][0]);
		assert_int_equal(decode(&s, OTC "0000fdea", &u), BGP_UPDATE_OK);
		assert_int_equal(u.is_leak, leaks[role][1]);
		s.has_role = false;
		assert_int_equal(decode(&s, OTC "0000fdea", &u), BGP_UPDATE_OK);
		assert_false(u.is_leak);
		s = with_role(role);
		s.is_ibgp = true;
		assert_int_equal(decode(&s, OTC "0000fdea", &u), BGP_UPDATE_TREAT_AS_WITHDRAW);
		assert_false(u.is_leak); /* it lacks LOCAL_PREF; the role is none there */
	}
}

static void malformed_it_withdraws(void **state)
{
	const struct bgp_update_session s = with_role(BGP_ROLE_CUSTOMER);
	struct bgp_update u;

	(void)state;
	assert_int_equal(decode(&s, "c0 23 03 00fde9", &u), BGP_UPDATE_TREAT_AS_WITHDRAW);
	assert_int_equal(decode(&s, "c0 23 05 0000fde900", &u), BGP_UPDATE_TREAT_AS_WITHDRAW);
	assert_int_equal(decode(&s, "80 23 04 0000fde9", &u), BGP_UPDATE_TREAT_AS_WITHDRAW);
	assert_int_equal(u.bad_attr, BGP_ATTR_ONLY_TO_CUSTOMER);
}

static void roles_that_do_not_go_together_are_named(void **state)
{
	const struct bgp_error error = {.code = BGP_ERROR_OPEN, .subcode = BGP_OPEN_ROLE_MISMATCH};
	const struct bgp_peer_config config = {.has_role = true, .role = BGP_ROLE_RS_CLIENT};
	struct bgp_open open = {.has_role = true, .role = BGP_ROLE_CUSTOMER};
	char buf[BGP_CAPABILITIES_TEXT];

	(void)state;
	assert_string_equal(
		bgp_open_refused_text(&error, &open, &config, buf),
		"the peer has the role customer, which does not go with ours, rs-client "
		"(RFC 9234)");
	open.role = 5;
	assert_non_null(strstr(bgp_open_refused_text(&error, &open, &config, buf), "unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_that_go_down_or_to_a_peer_are_only_for_customers),
		cmocka_unit_test(what_came_down_once_does_not_come_up_again),
		cmocka_unit_test(malformed_it_withdraws),
		cmocka_unit_test(roles_that_do_not_go_together_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
