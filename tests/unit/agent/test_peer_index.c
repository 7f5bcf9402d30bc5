// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A peer is found by its address, VRF and interface, all three, whatever the order of the keys, and
 * as long as it is in the plan.
 */
#include "agent/peers.h"

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

/* By key; nobody listens at their addresses, which are this host's own. */
static const struct place {
	const char *name, *vrf, *interface;
	uint32_t address; /* 0: none */
} places[] = {
	{"a", "", "", 0x7f000009},     {"b", "blue", "", 0x7f000002}, {"c", "", "", 0x7f000002},
	{"d", "", "eth1", 0x7f000002}, {"e", "", "eth1", 0},          {"f", "", "eth0", 0},
	{"g", "red", "eth0", 0},
};

static struct ip_addr address_of(uint32_t v4)
{
	return v4 ? ip_addr_from_v4(v4) : (struct ip_addr){0};
}

static const struct agent_peer *find(const struct agent_peers *all, const struct place *p)
{
	const struct ip_addr address = address_of(p->address);

	return agent_peers_find(all, &address, p->vrf, p->interface);
}

static void apply(struct agent_peers *all, const struct plan_peer *peers, size_t n)
{
	const struct plan plan = {.peers = peers, .n_peers = n};

	agent_peers_apply(all, &plan, clock_now());
}

/* From `first` on the peers are in the plan. */
static void assert_found(const struct agent_peers *all, size_t first)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct agent_peer *p = find(all, &places[i]);

		if (i < first) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_string_equal(p->key.name, places[i].name);
	}
}

static void a_peer_is_found_by_address_vrf_and_interface(void **state)
{
	static const struct place nobody[] = {
		{"", "", "", 0x7f000001}, {"", "blue", "", 0x7f000009},
		{"", "red", "eth1", 0},   {"", "", "eth0", 0x7f000002},
		{"", "", "", 0},
	};
	struct plan_peer peers[ARRAY_SIZE(places)] = {0};
	struct loop *loop = loop_new();
	struct agent_peers all;

	(void)state;
	log_init(LOG_LEVEL_ERR, false);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		peers[i].key =
			(struct peer_key){places[i].name, places[i].vrf, places[i].interface};
		peers[i].address = address_of(places[i].address);
		peers[i].port = 1;
		peers[i].ttl = 1;
		peers[i].bgp = (struct bgp_peer_config){
			.local_asn = 64512,
			.remote_asn = 64513,
			.families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
			.router_id = 1,
		};
	}
	agent_peers_init(&all, loop, NULL, 7); /* none is by interface */
	assert_null(find(&all, &places[0]));   /* before the first plan */
	apply(&all, peers, ARRAY_SIZE(peers));
	assert_found(&all, 0);
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++)
		assert_null(find(&all, &nobody[i]));
	apply(&all, peers + 2, ARRAY_SIZE(peers) - 2);
	assert_found(&all, 2);
	peers[2].address = ip_addr_from_v4(0x7f000001);
	apply(&all, peers + 2, ARRAY_SIZE(peers) - 2);
	assert_null(find(&all, &places[2]));
	assert_string_equal(find(&all, &nobody[0])->key.name, "c");
	agent_peers_done(&all);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_is_found_by_address_vrf_and_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
