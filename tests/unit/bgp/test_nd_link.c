// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* When one link's messages are sent, and whose address it keeps. */
#include "bgp/nd_link.h"
#include "unit/bgp/octets.h"

#define BEGIN (100 * NSEC_PER_SEC)

static const struct ip_addr one = {.b = {0xfe, 0x80, [15] = 1}};
static const struct ip_addr two = {.b = {0xfe, 0x80, [15] = 2}};

struct sent {
	nsec_t advertised[64], solicited[64];
	size_t n_advertised, n_solicited;
};

/* Sends whatever is due from `now` to `until`. */
static void run(struct nd_link *l, nsec_t *now, nsec_t until, struct sent *sent)
{
	enum nd_kind kind;

	while (nd_link_deadline(l) <= until) {
		*now = nd_link_deadline(l) > *now ? nd_link_deadline(l) : *now;
		assert_true(nd_link_transmit(l, *now, &kind));
		if (kind == ND_ADVERTISEMENT)
			sent->advertised[sent->n_advertised++ % 64] = *now;
		else
			sent->solicited[sent->n_solicited++ % 64] = *now;
	}
	*now = until;
	assert_false(nd_link_transmit(l, *now, &kind));
}

static void both_are_sent_at_once_then_at_their_intervals(void **state)
{
	static const unsigned waits_s[] = {4, 8, 16, 32, 64, 64, 64};

	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct sent s = {.n_advertised = 0};
		struct nd_link l;
		nsec_t now = BEGIN;

		nd_link_start(&l, seed, now);
		run(&l, &now, BEGIN + 260 * NSEC_PER_SEC, &s);
		assert_int_equal(s.advertised[0], BEGIN);
		assert_int_equal(s.solicited[0], BEGIN);
		assert_in_range(s.n_advertised, 26, 64);
		for (size_t i = 1; i < s.n_advertised; i++)
			assert_in_range(s.advertised[i] - s.advertised[i - 1], 3 * NSEC_PER_SEC,
					10 * NSEC_PER_SEC);
		assert_int_equal(s.n_solicited, 1 + ARRAY_SIZE(waits_s));
		for (size_t i = 0; i < ARRAY_SIZE(waits_s); i++)
			assert_int_equal(s.solicited[i + 1] - s.solicited[i],
					 waits_s[i] * NSEC_PER_SEC);
	}
}

static void once_a_router_is_heard_nobody_is_asked_any_more(void **state)
{
	struct sent s = {.n_advertised = 0};
	struct nd_link l;
	nsec_t now = BEGIN;

	(void)state;
	nd_link_start(&l, 1, now);
	run(&l, &now, BEGIN + NSEC_PER_SEC, &s);
	assert_true(nd_link_receive(&l, now, ND_ADVERTISEMENT, &one, false));
	assert_true(ip_addr_equal(&l.router, &one));
	assert_false(nd_link_receive(&l, now, ND_ADVERTISEMENT, &one, false)); /* no news */
	run(&l, &now, BEGIN + 100 * NSEC_PER_SEC, &s);
	assert_int_equal(s.n_solicited, 1);
	assert_in_range(s.n_advertised, 10, 34);
	nd_link_start(&l, 2, now); /* the link was down */
	assert_true(ip_addr_is_none(&l.router));
	run(&l, &now, now, &s);
	assert_int_equal(s.n_solicited, 2);
}

/* RFC 4861 6.2.6: within half a second, but never two within three seconds. */
static void who_asks_is_answered_soon_and_all_together(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct sent s = {.n_advertised = 0};
		struct nd_link l;
		nsec_t now = BEGIN;

		nd_link_start(&l, seed, now);
		run(&l, &now, BEGIN, &s);
		for (int i = 0; i < 5; i++) {
			now += 10 * NSEC_PER_MSEC;
			assert_false(nd_link_receive(&l, now, ND_SOLICITATION, &one, false));
			assert_false(nd_link_receive(&l, now, ND_SOLICITATION, &two, true));
		}
		assert_true(ip_addr_is_none(&l.router)); /* asking makes no router */
		run(&l, &now, BEGIN + 3 * NSEC_PER_SEC, &s);
		assert_int_equal(s.n_advertised, 2);
		assert_int_equal(s.advertised[1], BEGIN + 3 * NSEC_PER_SEC);
		now = l.advertised_at + 3 * NSEC_PER_SEC - 1;
		l.advertise_at = NSEC_NEVER - 1;
		assert_false(nd_link_receive(&l, now, ND_SOLICITATION, &one, false));
		assert_in_range(l.advertise_at, now + 1, now + NSEC_PER_SEC / 2);
		l.advertise_at = now; /* one that is due anyway is put off by nobody */
		assert_false(nd_link_receive(&l, now, ND_SOLICITATION, &one, false));
		assert_int_equal(l.advertise_at, now);
	}
}

/* So two routers on one link do not take the session from each other. */
static void a_router_whose_session_is_up_is_left_for_no_other(void **state)
{
	struct nd_link l;

	(void)state;
	nd_link_start(&l, 1, BEGIN);
	assert_true(nd_link_receive(&l, BEGIN, ND_ADVERTISEMENT, &one, true));
	assert_false(nd_link_receive(&l, BEGIN, ND_ADVERTISEMENT, &two, true));
	assert_true(ip_addr_equal(&l.router, &one));
	assert_true(nd_link_receive(&l, BEGIN, ND_ADVERTISEMENT, &two, false));
	assert_true(ip_addr_equal(&l.router, &two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_sent_at_once_then_at_their_intervals),
		cmocka_unit_test(once_a_router_is_heard_nobody_is_asked_any_more),
		cmocka_unit_test(who_asks_is_answered_soon_and_all_together),
		cmocka_unit_test(a_router_whose_session_is_up_is_left_for_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
