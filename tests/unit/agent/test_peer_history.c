// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What is remembered of a peer: the last 64 events, the last NOTIFICATIONs, and what is news. */
#include "agent/peer_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_last_64_events_are_kept_in_their_order(void **state)
{
	struct peer_history h = {.n = 0};
	char text[16];

	(void)state;
	assert_null(peer_history_get(&h, 0));
	for (nsec_t i = 0; i < 200; i++) {
		peer_history_add(&h, i, "event %u", (unsigned)i);
		assert_int_equal(h.n, i < PEER_EVENTS ? i + 1 : PEER_EVENTS);
		for (size_t k = 0; k < h.n; k++) {
			const nsec_t at = i + 1 - h.n + k;

			(void)snprintf(text, sizeof(text), "event %u", (unsigned)at);
			assert_int_equal(peer_history_get(&h, k)->at, at);
			assert_string_equal(peer_history_get(&h, k)->text, text);
		}
		assert_null(peer_history_get(&h, h.n));
	}
}

static void a_long_text_is_cut(void **state)
{
	struct peer_history h = {.n = 0};
	char text[2 * PEER_EVENT_TEXT];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	peer_history_add(&h, 1, "%s", text);
	assert_int_equal(strlen(peer_history_get(&h, 0)->text), PEER_EVENT_TEXT - 1);
}

static void a_fall_says_why_and_a_rise_does_not(void **state)
{
	const struct bgp_event rise = {.type = BGP_EVENT_STATE,
				       .slot = BGP_SLOT_DIALLED,
				       .from = BGP_CONNECT,
				       .to = BGP_OPEN_SENT};
	const struct bgp_event fall = {.type = BGP_EVENT_DOWN,
				       .slot = BGP_SLOT_ACCEPTED,
				       .from = BGP_ESTABLISHED,
				       .to = BGP_IDLE};
	struct peer_history h = {.n = 0};

	(void)state;
	peer_history_state(&h, 1, &rise, "refused");
	peer_history_state(&h, 2, &fall, "hold timer expired");
	peer_history_state(&h, 3, &fall, NULL);
	assert_string_equal(peer_history_get(&h, 0)->text, "Connect to OpenSent");
	assert_string_equal(peer_history_get(&h, 1)->text,
			    "accepted connection: Established to Idle: hold timer expired");
	assert_string_equal(peer_history_get(&h, 2)->text,
			    "accepted connection: Established to Idle");
}

/* A protocol object that begins anew has said nothing yet: what was said before stays. */
static void the_last_notifications_outlive_the_session(void **state)
{
	const struct bgp_said first = {.at = 5, .error = bgp_error_make(6, 2)};
	const struct bgp_said second = {.at = 7, .error = bgp_error_make(4, 0)};
	struct peer_history h = {.n = 0};

	(void)state;
	peer_history_said(&h, &(struct bgp_peer_info){.said = &first});
	assert_int_equal(h.said.error.code, 6);
	assert_int_equal(h.heard.at, 0);
	peer_history_said(&h, &(struct bgp_peer_info){.heard = &second});
	assert_int_equal(h.said.error.code, 6);
	assert_int_equal(h.heard.error.code, 4);
	peer_history_said(&h, &(struct bgp_peer_info){.heard = &first});
	assert_int_equal(h.heard.error.code, 4);
}

static void a_reason_is_news_once(void **state)
{
	struct peer_history h = {.n = 0};

	(void)state;
	assert_false(peer_history_is_news(&h, NULL));
	assert_true(peer_history_is_news(&h, "refused"));
	assert_false(peer_history_is_news(&h, "refused"));
	assert_true(peer_history_is_news(&h, "no answer"));
	assert_true(peer_history_is_news(&h, "refused"));
	assert_false(peer_history_is_news(&h, NULL)); /* the session came up */
	assert_true(peer_history_is_news(&h, "refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_64_events_are_kept_in_their_order),
		cmocka_unit_test(a_long_text_is_cut),
		cmocka_unit_test(a_fall_says_why_and_a_rise_does_not),
		cmocka_unit_test(the_last_notifications_outlive_the_session),
		cmocka_unit_test(a_reason_is_news_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
