// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * To which address of each node a tunnel leads: by the Node objects alone, and the same at both
 * ends whatever these say, which random sets of them hold up to.
 */
#include "plan/plan_tunnels.h"

#include "base/rng.h"
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Addresses as they stand in the Node: "10.0.0.10 fd00::10", all InternalIP but those with an E. */
static void put_node(struct fixture *f, const char *name, const char *addresses)
{
	char body[512] = "status: {addresses: [", copy[256], *at = copy;
	const char *word;

	snprintf(copy, sizeof(copy), "%s", addresses);
	while ((word = strsep(&at, " ")) && *word) {
		const size_t len = strlen(body);
		const bool external = word[0] == 'E';

		snprintf(body + len, sizeof(body) - len, "{type: %s, address: \"%s\"}, ",
			 external ? "ExternalIP" : "InternalIP", word + external);
	}
	snprintf(body + strlen(body), sizeof(body) - strlen(body), "]}");
	fixture_object(f, "Node", name, "", body);
}

static struct plan_tunnels tunnels(struct fixture *f, const char *node, struct problems *problems)
{
	struct plan_tunnels ret;

	problems->arena = f->arena;
	plan_tunnels_build(f->world, node, f->arena, problems, &ret);
	return ret;
}

static const char *to(const struct plan_tunnels *t, const char *node)
{
	static char text[IP_ADDR_TEXT];
	const struct ip_addr *addr = plan_tunnel_to(t, node);

	return addr ? ip_addr_text(addr, text) : "none";
}

static void the_family_is_ipv4_where_both_have_it(void **state)
{
	static const struct {
		const char *here, *there, *want, *own4, *own6;
	} cases[] = {
		{"10.0.0.10", "10.0.0.11", "10.0.0.11", "10.0.0.10", "none"},
		{"fd00::10 10.0.0.10", "fd00::11 10.0.0.11", "10.0.0.11", "10.0.0.10", "none"},
		{"fd00::10 10.0.0.10", "fd00::11", "fd00::11", "none", "fd00::10"},
		{"10.0.0.10", "fd00::11", "none", "none", "none"},
		/* The first of the family; what is external is no end. */
		{"E192.0.2.9 10.0.0.10 10.9.9.9", "E192.0.2.8 10.0.0.11 10.9.9.8", "10.0.0.11",
		 "10.0.0.10", "none"},
		{"E192.0.2.9", "10.0.0.11", "none", "none", "none"},
		{"", "10.0.0.11", "none", "none", "none"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		struct problems problems = {0};
		struct plan_tunnels t;
		char text[IP_ADDR_TEXT];

		put_node(f, "node-a", cases[i].here);
		put_node(f, "node-b", cases[i].there);
		t = tunnels(f, "node-a", &problems);
		assert_string_equal(to(&t, "node-b"), cases[i].want);
		assert_string_equal(
			ip_addr_is_none(&t.own[IP_V4]) ? "none" : ip_addr_text(&t.own[IP_V4], text),
			cases[i].own4);
		assert_string_equal(
			ip_addr_is_none(&t.own[IP_V6]) ? "none" : ip_addr_text(&t.own[IP_V6], text),
			cases[i].own6);
		assert_int_equal(problems.n, 0);
		assert_string_equal(to(&t, "node-a"), "none");
	}
}

static void without_a_node_of_its_own_there_is_no_tunnel(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct problems problems = {0};
	struct plan_tunnels t;

	(void)state;
	put_node(f, "node-b", "10.0.0.11");
	t = tunnels(f, "node-a", &problems);
	assert_int_equal(t.n, 0);
}

static void an_address_of_two_leads_to_neither(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct problems problems = {0};
	struct plan_tunnels t;

	(void)state;
	put_node(f, "node-a", "10.0.0.10");
	put_node(f, "node-b", "10.0.0.11");
	put_node(f, "node-c", "10.0.0.11");
	put_node(f, "node-d", "10.0.0.13");
	t = tunnels(f, "node-a", &problems);
	assert_int_equal(t.n, 1);
	assert_string_equal(to(&t, "node-d"), "10.0.0.13");
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.items[0].reason, "TunnelAddressTwice");
	assert_string_equal(problems.items[0].object.name, "node-b");
	assert_string_equal(problems.items[1].object.name, "node-c");
	/* Its own is worth nothing then, either. */
	problems.n = 0;
	t = tunnels(f, "node-b", &problems);
	assert_int_equal(t.n, 0);
	assert_true(ip_addr_is_none(&t.own[IP_V4]));
}

/* From both ends of each pair: both or neither, in one family, and each ends where it is sent. */
static void both_ends_agree(void **state)
{
	enum { SEEDS = 300, NODES = 5 };
	size_t n_tunnels = 0, n_v6 = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		struct problems problems = {0};
		struct plan_tunnels t[NODES];
		char names[NODES][8];
		struct rng rng;

		rng_seed(&rng, seed);
		for (unsigned i = 0; i < NODES; i++) {
			const unsigned host = 1 + (unsigned)rng_below(&rng, 12);
			const unsigned shape = (unsigned)rng_below(&rng, 4);
			char v4[32] = "", v6[32] = "", text[80];

			snprintf(names[i], sizeof(names[i]), "n%u", i);
			if (shape & 1)
				snprintf(v4, sizeof(v4), "10.0.0.%u", host);
			if (shape & 2)
				snprintf(v6, sizeof(v6), "fd00::%u", host);
			snprintf(text, sizeof(text), "%s%s%s", v6, shape == 3 ? " " : "", v4);
			put_node(f, names[i], text);
		}
		for (unsigned i = 0; i < NODES; i++)
			t[i] = tunnels(f, names[i], &problems);
		for (unsigned i = 0; i < NODES; i++)
			for (unsigned k = 0; k < NODES; k++) {
				const struct ip_addr *there = plan_tunnel_to(&t[i], names[k]);
				const struct ip_addr *back = plan_tunnel_to(&t[k], names[i]);
				enum ip_family family;

				assert_true(!there == !back);
				if (!there)
					continue;
				family = ip_family_of(there);
				assert_int_equal(ip_family_of(back), family);
				assert_true(ip_addr_equal(there, &t[k].own[family]));
				assert_string_equal(plan_tunnel_node(&t[i], there), names[k]);
				n_tunnels++;
				n_v6 += family == IP_V6;
			}
	}
	assert_true(n_tunnels > SEEDS && n_v6 > SEEDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_family_is_ipv4_where_both_have_it),
		cmocka_unit_test(without_a_node_of_its_own_there_is_no_tunnel),
		cmocka_unit_test(an_address_of_two_leads_to_neither),
		cmocka_unit_test(both_ends_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
