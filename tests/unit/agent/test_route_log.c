// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes in the log: in the words that people search for, and few of them however many routes
 * there are.
 */
#include "agent/route_log.h"

#include "bgp/bgp_attrs.h"
#include "log_capture.h"

#include <string.h>

#define NOW (1000 * NSEC_PER_SEC)

static void add(struct route_log *l, nsec_t now, uint32_t i, const struct bgp_attrs *attrs)
{
	const struct ip_addr to = ip_addr_from_v4(0x0a000001),
			     vip = ip_addr_from_v4(0xc0a80000 + i);
	const struct ip_prefix prefix = ip_prefix_of(&vip, 32);

	route_log_add(l, now, "r1", &to, &prefix, attrs);
}

static void a_route_is_told_with_its_router_and_communities(void **state)
{
	static const uint32_t communities[] = {0xfc000064, COMMUNITY_NO_EXPORT};
	static const struct large_community large[] = {{1, 2, 3}};
	const struct bgp_attrs attrs = {
		.communities = communities, .n_communities = 2, .large = large, .n_large = 1};
	const struct ip_addr to = ip_addr_from_v4(0x0a000001);
	struct route_log l = {0};
	const char *text;

	add(&l, NOW, 1, &attrs);
	add(&l, NOW, 2, &(struct bgp_attrs){0});
	add(&l, NOW, 1, NULL);
	route_log_total(&l, NOW, "r1", &to, 7);
	text = said(*state);
	assert_int_equal(lines(text), 4);
	assert_non_null(strstr(text, "advertised"));
	assert_non_null(strstr(text, "peer=r1 address=10.0.0.1 routes=7"));
	assert_non_null(strstr(text, "bgp: announce"));
	assert_non_null(strstr(text, "peer=r1 address=10.0.0.1 prefix=192.168.0.1/32 "
				     "community=64512:100,65535:65281,1:2:3"));
	assert_non_null(strstr(text, "prefix=192.168.0.2/32 community=none"));
	assert_non_null(strstr(text, "bgp: withdraw"));
}

static void thousands_are_counted(void **state)
{
	const struct ip_addr to = ip_addr_from_v4(0x0a000001);
	struct route_log l = {0};
	nsec_t next;

	for (uint32_t i = 0; i < 5000; i++)
		add(&l, NOW, i, &(struct bgp_attrs){0});
	route_log_total(&l, NOW, "r1", &to,
			5000); /* there is no room for it, and none is waited for */
	assert_int_equal(lines(said(*state)), ROUTE_LOG_BURST);
	next = route_log_tick(&l, NOW);
	assert_int_equal(next, NOW + ROUTE_LOG_A_LINE);
	assert_int_equal(lines(said(*state)), 0);
	assert_int_equal(route_log_tick(&l, next), NSEC_NEVER);
	assert_non_null(strstr(said(*state), "count=4950"));
	assert_int_equal(route_log_tick(&l, next + NSEC_PER_SEC), NSEC_NEVER);
	assert_int_equal(lines(said(*state)), 0);

	/* In the long run it is one line in so long, and after quiet a burst again. */
	for (uint32_t i = 0; i < 100; i++)
		add(&l, next + i * ROUTE_LOG_A_LINE / 2, i, NULL);
	assert_in_range(lines(said(*state)), 49, 51);
	for (uint32_t i = 0; i < 100; i++)
		add(&l, next + 1000 * NSEC_PER_SEC, i, NULL);
	assert_int_equal(lines(said(*state)), ROUTE_LOG_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_route_is_told_with_its_router_and_communities,
						capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(thousands_are_counted, capture_begin, capture_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
