// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What addresses claim: with policy Local each leads to the nodes that have its pods, also where an
 * aggregate draws its packets to others.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"
#include "plan/plan_explain.h"
#include "unit/rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NET  "192.168.100.0/24"
#define HOST "192.168.100.0/32"

static void advertise(struct fixture *f, const char *name, const char *spec)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPAdvertisement", name, "", arena_printf(arena, "spec: {%s}", spec));
	fixture_converge(f, 10);
}

static struct fixture *announced_to_two(void)
{
	struct fixture *f = fixture_announced();

	fixture_object(f, "BGPPeer", "i1", "",
		       "spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.9}");
	return f;
}

/* Whether the aggregate's communities, localPref and path are its own, too. */
static void assert_same(struct fixture *f, const char *peer, const char *a, const char *b)
{
	const struct bgp_attrs *x = fixture_held(f, peer, a), *y = fixture_held(f, peer, b);

	assert_non_null(x);
	assert_non_null(y);
	assert_int_equal(bgp_attrs_cmp(x, y), 0);
}

static void an_address_of_policy_local_leads_beside_its_aggregate(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();

	(void)state;
	advertise(f, "adv",
		  "aggregationLength: 24, localPref: 70, asPathPrepend: 2, communities: [\"1:1\", "
		  "no-advertise]");
	assert_same(f, "r1", NET, HOST);
	assert_same(f, "i1", NET, HOST);
	assert_int_equal(fixture_held(f, "i1", HOST)->local_pref, 70);
	assert_int_equal(fixture_held(f, "r1", HOST)->n_communities, 2);
	assert_int_equal(f->plan.n_routes, 2);

	/* Another's pods keep the aggregate here; what leads to "web" goes with its own. */
	fixture_add_service(f, "zoo", "Local", "");
	fixture_add_slice(f, "zoo", "10.244.0.6@node-a");
	fixture_add_slice(f, "web", "10.244.0.5@node-b");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", NET));
	assert_null(fixture_held(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r1", "192.168.100.1/32"));
}

static void policy_cluster_and_strict_have_the_aggregate_alone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();

	(void)state;
	advertise(f, "adv", "aggregationLength: 24");
	assert_non_null(fixture_held(f, "r1", HOST));
	fixture_add_service(f, "web", "Cluster", "");
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r1", NET));
	fixture_add_service(f, "web", "Local", "");
	fixture_converge(f, 10);
	assert_non_null(fixture_held(f, "r1", HOST));
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {strict: true}");
	fixture_converge(f, 10);
	assert_null(fixture_held(f, "r1", HOST));
	assert_non_null(fixture_held(f, "r1", NET));
}

/* Who has the address itself by an advertisement of that length has what that says, and no more. */
static void an_advertisement_of_the_address_itself_goes_before(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();

	(void)state;
	advertise(f, "adv", "aggregationLength: 24, localPref: 70, communities: [\"1:1\"]");
	advertise(f, "host", "peers: [i1], localPref: 80, communities: [\"2:2\", no-advertise]");
	assert_int_equal(fixture_held(f, "i1", HOST)->local_pref, 80);
	assert_int_equal(fixture_held(f, "i1", HOST)->n_communities, 2);
	assert_int_equal(fixture_held(f, "i1", HOST)->communities[0], 2 << 16 | 2);
	assert_same(f, "r1", NET, HOST);
	assert_null(fixture_problem(f, "OverriddenByNewer", NULL));

	/* For other Services only: then the aggregate stands in again. */
	advertise(f, "host",
		  "peers: [i1], localPref: 80, serviceSelectors: [{matchLabels: {no: one}}]");
	assert_same(f, "i1", NET, HOST);
}

static void of_several_aggregates_the_longest_says_how(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();

	(void)state;
	advertise(f, "adv", "aggregationLength: 24, localPref: 70, communities: [\"1:1\"]");
	advertise(f, "longer", "aggregationLength: 28, localPref: 80, peers: [i1]");
	assert_same(f, "i1", "192.168.100.0/28", HOST);
	assert_same(f, "r1", NET, HOST);
	assert_null(fixture_held(f, "r1", "192.168.100.0/28"));
	assert_int_equal(fixture_held(f, "i1", HOST)->n_communities, 0);
	assert_null(fixture_problem(f, "OverriddenByNewer", NULL));
}

static void what_the_service_asks_for_itself_counts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {linkBandwidth: auto}}");
	fixture_object(f, "Service", "web",
		       "annotations: {lodestone.io/peers: i1, lodestone.io/med: \"5\"}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: "
		       "80, protocol: TCP}]}");
	advertise(f, "adv", "aggregationLength: 24");
	assert_null(fixture_held(f, "r1", HOST));
	assert_null(fixture_held(f, "r1", NET));
	assert_int_equal(fixture_held(f, "i1", HOST)->med, 5);
	assert_int_equal(fixture_held(f, "i1", HOST)->bandwidth, 1); /* its pods alone */
	assert_int_equal(fixture_held(f, "i1", NET)->bandwidth, 0);
}

static void an_explanation_says_that_it_leads(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();
	struct plan_explain e = {.what = EXPLAIN_SERVICE, .ns = "default", .name = "web"};
	size_t n_hosts = 0;

	(void)state;
	advertise(f, "adv", "aggregationLength: 24");
	advertise(f, "host", "peers: [i1]");
	f->explain = &e;
	fixture_plan(f);
	assert_int_equal(e.items[0].adverts.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct plan_step *s = &e.items[0].adverts.items[i];
		const bool leads = strstr(s->message, "policy Local");

		assert_int_equal(leads, strcmp(s->name, "adv") == 0);
	}
	for (size_t i = 0; i < e.items[0].ways.n; i++) {
		const struct plan_way *w = &e.items[0].ways.items[i];

		if (w->prefix.len < 32)
			continue;
		n_hosts++;
		assert_true(w->announced);
		assert_string_equal(w->advertisement, strcmp(w->peer, "i1") == 0 ? "host" : "adv");
	}
	assert_int_equal(n_hosts, 2);
	f->explain = NULL;
}

/* lodestone.io/peers of the Service leaves peers out there, too. */
static void other_nodes_are_told_for_the_peers_that_are_wanted(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = announced_to_two();
	struct plan_explain e = {.what = EXPLAIN_SERVICE, .ns = "default", .name = "web"};

	(void)state;
	fixture_object(f, "Node", "node-b", "labels: {kubernetes.io/hostname: node-b}", "");
	fixture_add_slice(f, "web", "10.244.0.5@node-a 10.244.0.6@node-b");
	fixture_object(f, "Service", "web", "annotations: {lodestone.io/peers: i1}",
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: "
		       "80, protocol: TCP}]}");
	f->explain = &e;
	fixture_plan(f);
	assert_int_equal(e.n_nodes, 1);
	assert_true(e.nodes[0].announces);
	assert_int_equal(e.nodes[0].peers.n, 1);
	assert_string_equal(e.nodes[0].peers.items[0], "i1");
	f->explain = NULL;
}

/* --- several nodes ---------------------------------------------------------------------------- */

enum { N_NODES = 3, N_SERVICES = 6, N_PEERS = 2, N_ADVERTS = 4 };
#define N_SEEDS test_rounds(50)

struct site {
	struct rng rng;
	struct fixture *nodes[N_NODES];
	bool is_local[N_SERVICES];
	bool has_pod[N_SERVICES][N_NODES];
	struct ip_addr vips[N_SERVICES];
	/* Addresses that were led, by family; of them, those that a node without pods drew, too. */
	unsigned n_led[IP_N_FAMILIES], n_astray;
};

static unsigned below(struct site *s, unsigned n)
{
	return (unsigned)rng_below(&s->rng, n);
}

static void put_all(struct site *s, const char *kind, const char *name, const char *meta,
		    const char *body)
{
	for (size_t i = 0; i < N_NODES; i++)
		fixture_object(s->nodes[i], kind, name, meta, body);
}

/* Even ones are of IPv4, odd ones of IPv6; half of the addresses are in the first /28 or /124. */
static void put_service(struct site *s, unsigned i, struct arena *arena)
{
	const char *name = arena_printf(arena, "s%u", i), *ends = "";
	const unsigned host = below(s, 2) * 32 + i;
	const char *vip = i % 2 ? arena_printf(arena, "2001:db8::%x", host)
				: arena_printf(arena, "192.168.100.%u", host);

	s->is_local[i] = below(s, 4) != 0;
	assert_true(ip_addr_parse(vip, &s->vips[i]));
	put_all(s, "Service", name, arena_printf(arena, "labels: {tier: %c}", 'a' + below(s, 2)),
		arena_printf(arena,
			     "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
			     "loadBalancerIP: \"%s\", ipFamilies: [IPv%c], ports: [{port: 80}]}",
			     s->is_local[i] ? "Local" : "Cluster", vip, i % 2 ? '6' : '4'));
	for (unsigned k = 0; k < N_NODES; k++) {
		s->has_pod[i][k] = below(s, 2);
		if (s->has_pod[i][k])
			ends = arena_printf(arena, "%s{addresses: [\"%s%u\"], nodeName: node-%c}, ",
					    ends, i % 2 ? "2001:db8:f::" : "10.244.0.", i + 1,
					    'a' + k);
	}
	put_all(s, "EndpointSlice", name,
		arena_printf(arena, "labels: {kubernetes.io/service-name: %s}", name),
		arena_printf(arena,
			     "addressType: IPv%c\nports: [{name: \"\", port: 8080, protocol: "
			     "TCP}]\nendpoints: [%s]",
			     i % 2 ? '6' : '4', ends));
}

static void put_advert(struct site *s, unsigned i, struct arena *arena)
{
	static const unsigned lengths[][2] = {
		{24, 120}, {24, 120}, {28, 124}, {24, 128}, {32, 128}};
	static const char *const peers[] = {"", "", ", peers: [r1]", ", peers: [r2]"};
	const unsigned *length = lengths[below(s, ARRAY_SIZE(lengths))];
	const char *more = below(s, 3) ? ""
				       : ", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: "
					 "node-a}}]";

	if (length[0] == 32 && below(s, 2))
		more = ", serviceSelectors: [{matchLabels: {tier: a}}]";
	put_all(s, "BGPAdvertisement", arena_printf(arena, "a%u", i), "",
		arena_printf(arena,
			     "spec: {aggregationLength: %u, aggregationLengthV6: %u, communities: "
			     "[\"1:%u\"]%s%s}",
			     length[0], length[1], i, peers[below(s, ARRAY_SIZE(peers))], more));
}

static void put_site(struct site *s)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (unsigned i = 0; i < N_NODES; i++) {
		s->nodes[i] = fixture_new();
		fixture_give_ipv6(s->nodes[i]);
		s->nodes[i]->settings.node_name =
			(const char *const[]){"node-a", "node-b", "node-c"}[i];
	}
	put_all(s, "IPAddressPool", "all", "",
		"spec: {addresses: [192.168.100.0/24, \"2001:db8::/120\"]}");
	for (unsigned i = 0; i < N_PEERS; i++)
		put_all(s, "BGPPeer", arena_printf(arena, "r%u", i + 1), "",
			arena_printf(arena,
				     "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.%u, "
				     "dualStackAddressFamily: true}",
				     i + 1));
	for (unsigned i = 0; i < N_ADVERTS; i++)
		put_advert(s, i, arena);
	for (unsigned i = 0; i < N_SERVICES; i++)
		put_service(s, i, arena);
	for (unsigned i = 0; i < N_NODES; i++)
		assert_in_range(fixture_converge(s->nodes[i], 20), 0, 19);
}

/* The length of the longest prefix of the address that the node sent the router; -1: none. */
static int longest(struct fixture *f, const char *peer, const struct ip_addr *vip)
{
	char text[IP_PREFIX_TEXT];
	int len = ip_addr_bits(vip);

	for (; len >= 0; len--) {
		const struct ip_prefix prefix = ip_prefix_of(vip, (uint8_t)len);

		if (fixture_held(f, peer, ip_prefix_text(&prefix, text)))
			break;
	}
	return len;
}

/* A router sends to those nodes whose route is the most precise. */
static void check_address(struct site *s, const char *peer, unsigned i)
{
	int lengths[N_NODES], best = -1;
	bool is_led = false, goes_astray = false;

	for (unsigned k = 0; k < N_NODES; k++) {
		lengths[k] = longest(s->nodes[k], peer, &s->vips[i]);
		best = lengths[k] > best ? lengths[k] : best;
		is_led |= s->has_pod[i][k] && lengths[k] >= 0;
		goes_astray |= !s->has_pod[i][k] && lengths[k] >= 0;
	}
	if (!s->is_local[i] || !is_led)
		return;
	s->n_led[ip_family_of(&s->vips[i])]++;
	s->n_astray += goes_astray;
	for (unsigned k = 0; k < N_NODES; k++)
		if (lengths[k] == best)
			assert_true(s->has_pod[i][k]);
}

static void routers_send_to_nodes_with_pods(void **state)
{
	unsigned n_led[IP_N_FAMILIES] = {0}, n_astray = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct site s = {.n_astray = 0};

		rng_seed(&s.rng, seed);
		print_message("seed %lu\n", (unsigned long)seed);
		put_site(&s);
		for (unsigned i = 0; i < N_SERVICES; i++)
			for (unsigned p = 0; p < N_PEERS; p++)
				check_address(&s, p ? "r2" : "r1", i);
		for (unsigned i = 0; i < N_NODES; i++)
			fixture_free(s.nodes[i]);
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			n_led[f] += s.n_led[f];
		n_astray += s.n_astray;
	}
	print_message("%u and %u addresses led, %u of them past nodes without pods\n", n_led[IP_V4],
		      n_led[IP_V6], n_astray);
	assert_true(n_led[IP_V4] > N_SEEDS && n_led[IP_V6] > N_SEEDS && n_astray > N_SEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_of_policy_local_leads_beside_its_aggregate),
		cmocka_unit_test(policy_cluster_and_strict_have_the_aggregate_alone),
		cmocka_unit_test(an_advertisement_of_the_address_itself_goes_before),
		cmocka_unit_test(of_several_aggregates_the_longest_says_how),
		cmocka_unit_test(what_the_service_asks_for_itself_counts),
		cmocka_unit_test(an_explanation_says_that_it_leads),
		cmocka_unit_test(other_nodes_are_told_for_the_peers_that_are_wanted),
		cmocka_unit_test(routers_send_to_nodes_with_pods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
