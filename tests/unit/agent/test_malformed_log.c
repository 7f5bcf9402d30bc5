// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A malformed UPDATE is in the log with every octet, in the history with words, and a router that
 * goes on with it does not fill either.
 */
#include "peers_rig.h"

#include "agent/malformed_log.h"
#include "bgp/bgp_malformed.h"
#include "errors.h"

#define MINUTE (60 * NSEC_PER_SEC)

/* Of so many prefixes of 32 bits, with an ORIGIN that there is not. */
static size_t malformed(uint8_t *buf, unsigned n)
{
	static const uint8_t attrs[] = {0x40, 1,    1, 9,    0x40, 2, 6,  2, 1, 0,
					0,    0xfc, 0, 0x40, 3,    4, 10, 0, 0, 2};
	struct wcur w = wcur_init(buf, BGP_MESSAGE_MAX);

	bgp_message_start(&w, BGP_UPDATE);
	wcur_u16(&w, 0);
	wcur_u16(&w, sizeof(attrs));
	wcur_bytes(&w, attrs, sizeof(attrs));
	for (unsigned i = 0; i < n; i++) {
		wcur_u8(&w, 32);
		wcur_u32(&w, 0xc6336400 + i);
	}
	return bgp_message_end(&w);
}

/* The octets that the lines of the log have, one behind the other. */
static size_t octets_of(const char *text, uint8_t *ret)
{
	size_t n = 0;

	while ((text = strstr(text, "hex="))) {
		unsigned v;

		for (text += 4; sscanf(text, "%2x", &v) == 1; text += 2)
			ret[n++] = (uint8_t)v;
	}
	return n;
}

static void every_octet_of_a_long_one_is_told(void **state)
{
	const struct bgp_update_session session = {
		.local_asn = NODE_ASN, .as4 = true, .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	uint8_t whole[BGP_MESSAGE_MAX], told[BGP_MESSAGE_MAX];
	const size_t len = malformed(whole, 800);
	struct bgp_malformed m = {.n = 0};
	struct malformed_log l = {0};
	struct peer_history h = {.n = 0};
	const char *text;
	int errors;

	(void)state;
	log_init(LOG_LEVEL_WARN, false);
	malformed_log_tell(&l, MINUTE, "r", &h, &m); /* there is none */
	assert_null(peer_history_get(&h, 0));
	bgp_malformed_keep(&m, whole, len, &session);
	errors = errors_begin();
	malformed_log_tell(&l, MINUTE, "r", &h, &m);
	text = errors_end(errors);
	assert_non_null(strstr(text, "bgp: malformed UPDATE\" peer=r reason=\"ORIGIN value "
				     "undefined (attribute 1): its routes count as withdrawn; it "
				     "names 198.51.100.0/32, "));
	assert_non_null(strstr(text, "count=1"));
	assert_int_equal(octets_of(text, told), len);
	assert_memory_equal(told, whole, len);
	assert_non_null(strstr(peer_history_get(&h, 0)->text, "malformed UPDATE: ORIGIN value"));
	bgp_malformed_done(&m);
}

/* Once a minute, the last and how many there were. */
static void one_after_the_other_is_counted(void **state)
{
	const struct bgp_update_session session = {
		.local_asn = NODE_ASN, .as4 = true, .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)}};
	struct bgp_malformed m = {.n = 0};
	struct malformed_log l = {0};
	struct peer_history h = {.n = 0};
	uint8_t whole[BGP_MESSAGE_MAX];
	const char *text;
	int errors;

	(void)state;
	log_init(LOG_LEVEL_WARN, false);
	for (unsigned i = 1; i <= 5; i++) {
		bgp_malformed_keep(&m, whole, malformed(whole, i), &session);
		malformed_log_tell(&l, MINUTE + i, "r", &h, &m);
		assert_int_equal(h.n, 1);
	}
	errors = errors_begin();
	malformed_log_tell(&l, 2 * MINUTE, "r", &h, &m);
	text = errors_end(errors);
	assert_string_equal(text, ""); /* from the first one on it is a minute */
	errors = errors_begin();
	malformed_log_tell(&l, 2 * MINUTE + 1, "r", &h, &m);
	malformed_log_tell(&l, 9 * MINUTE, "r", &h, &m); /* nothing new */
	text = errors_end(errors);
	assert_non_null(strstr(text, "count=5"));
	assert_non_null(strstr(text, "198.51.100.4/32"));
	assert_int_equal(h.n, 2);
	bgp_malformed_done(&m);
}

static bool is_told(const struct rig *rig)
{
	return rig->peers.items[0]->malformed.n_seen == 1;
}

static void the_session_stays_and_it_is_told_at_once(void **state)
{
	struct rig *rig = rig_new();
	uint8_t whole[BGP_MESSAGE_MAX], told[BGP_MESSAGE_MAX];
	const size_t len = malformed(whole, 3);
	const struct peer_history *h;
	int errors;

	(void)state;
	log_init(LOG_LEVEL_WARN, false);
	apply(rig, 0);
	WAIT_FOR(rig, is_up);
	errors = errors_begin();
	router_say(rig->router, whole, len);
	WAIT_FOR(rig, is_told);
	assert_int_equal(octets_of(errors_end(errors), told), len);
	assert_memory_equal(told, whole, len);
	assert_true(is_up(rig));
	h = &rig->peers.items[0]->history;
	assert_non_null(strstr(peer_history_get(h, h->n - 1)->text, "malformed UPDATE"));

	/* Another object counts from the beginning. */
	rig->peer.bgp.local_asn++;
	apply(rig, 0);
	assert_int_equal(rig->peers.items[0]->malformed.n_seen, 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_octet_of_a_long_one_is_told),
		cmocka_unit_test(one_after_the_other_is_counted),
		cmocka_unit_test(the_session_stays_and_it_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
