// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Both families on one session, over a real socket: the next hop of the other family is the plan's,
 * a new one is said without a new session, and what the session does not carry is confirmed so.
 */
#include "unit/agent/peers_rig.h"

#define V4 BGP_FAMILY_BIT(BGP_IPV4_UNICAST)
#define V6 BGP_FAMILY_BIT(BGP_IPV6_UNICAST)

static bool has_both(const struct rig *rig)
{
	return rig->router->announced == 2 && rig->router->end_of_ribs == 2;
}
static bool has_ipv6_again(const struct rig *rig)
{
	return rig->router->announced == 3;
}
static bool has_ipv4(const struct rig *rig)
{
	return rig->router->announced == 1 && rig->router->end_of_ribs == 1;
}
static bool has_an_end(const struct rig *rig)
{
	return rig->router->end_of_ribs == 1;
}

/* One route of each family, to a router that lists these. */
static struct rig *rig_dual(uint8_t families)
{
	const struct ip_addr v6 = {.b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	struct rig *rig = rig_new();

	rig->router->families.bits = families;
	rig->peer.bgp.families.bits = V4 | V6;
	rig->peer.next_hops.ipv6 = (struct ip_addr){.b = {0xfd, [15] = 1}};
	rig->routes[1].prefix = ip_prefix_of(&v6, 128);
	return rig;
}

static void another_next_hop_is_said_on_the_same_session(void **state)
{
	struct rig *rig = rig_dual(V4 | V6);

	(void)state;
	apply(rig, 2);
	WAIT_FOR(rig, has_both);
	assert_true(ip_addr_equal(&rig->router->mp_next_hop, &rig->peer.next_hops.ipv6));
	assert_int_equal(actual(rig).not_agreed.bits | actual(rig).no_next_hop.bits, 0);

	rig->peer.next_hops.ipv6.b[15] = 2;
	apply(rig, 2);
	WAIT_FOR(rig, has_ipv6_again);
	assert_true(ip_addr_equal(&rig->router->mp_next_hop, &rig->peer.next_hops.ipv6));
	assert_int_equal(rig->router->connections, 1);

	rig->peer.next_hops.ipv6 = (struct ip_addr){0};
	apply(rig, 2);
	assert_int_equal(actual(rig).no_next_hop.bits, V6);
	assert_int_equal(actual(rig).not_agreed.bits, 0);
	rig_free(rig);
}

static void a_family_that_the_router_does_not_list_is_confirmed_so(void **state)
{
	struct rig *rig = rig_dual(V4);

	(void)state;
	apply(rig, 2);
	WAIT_FOR(rig, has_ipv4);
	assert_int_equal(actual(rig).not_agreed.bits, V6);
	assert_int_equal(actual(rig).no_next_hop.bits, 0);
	rig_free(rig);
}

/* IPv6 alone agreed, and no next hop for it: nothing can be announced, and that is confirmed. */
static void a_session_without_any_next_hop_says_so(void **state)
{
	struct rig *rig = rig_dual(V6);

	(void)state;
	rig->peer.next_hops.ipv6 = (struct ip_addr){0};
	apply(rig, 0);
	WAIT_FOR(rig, has_an_end);
	assert_int_equal(actual(rig).not_agreed.bits, V4);
	assert_int_equal(actual(rig).no_next_hop.bits, V6);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_next_hop_is_said_on_the_same_session),
		cmocka_unit_test(a_family_that_the_router_does_not_list_is_confirmed_so),
		cmocka_unit_test(a_session_without_any_next_hop_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
