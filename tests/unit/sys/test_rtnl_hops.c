// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/rtnl_hops: ways by each uplink, in a fresh network namespace with two cables; and that what
 * is asked of the kernel for their neighbours' sake is taken back exactly.
 */
#include "sys/rtnl_hops.h"

#include "base/rng.h"
#include "sys/netlink.h"
#include "sys/nlsock.h"
#include "sys_test.h"

#include <linux/netlink.h>
#include <net/if.h>

struct rig {
	struct nlsock *s;
	struct arena *arena;
	int up0, up1;
	struct hop_ask asks[4];
	size_t n;
	struct hop_picture picture;
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

/* up0 with 10.0.0.10/24 and fd00::10/64, up1 with 10.1.0.10/24. */
static struct rig rig_new(void)
{
	struct rig r = {.arena = arena_new()};

	netns_enter();
	run("for i in 0 1; do ip link add up$i type veth peer name far$i && ip link set up$i up &&"
	    " ip link set far$i up; done && ip link set up0 address 02:00:00:00:00:10 &&"
	    " ip link set up1 address 02:00:00:00:01:10 mtu 1400 &&"
	    " ip addr add 10.0.0.10/24 dev up0 && ip addr add 10.1.0.10/24 dev up1 &&"
	    " ip addr add fd00::10/64 dev up0 nodad");
	assert_int_equal(nlsock_open(NETLINK_ROUTE, &r.s), 0);
	r.up0 = (int)if_nametoindex("up0");
	r.up1 = (int)if_nametoindex("up1");
	return r;
}

static void rig_free(struct rig *r)
{
	nlsock_free(r->s);
	arena_free(r->arena);
}

static void ask(struct rig *r, int uplink, const char *node)
{
	r->asks[r->n].uplink = uplink;
	r->asks[r->n].node = addr(node);
	r->asks[r->n].source = addr(ip_addr_is_v4(&r->asks[r->n].node) ? "10.0.0.10" : "fd00::10");
	r->n++;
}

static void look(struct rig *r)
{
	assert_int_equal(rtnl_hops_look(r->s, r->asks, r->n, r->arena, &r->picture), 0);
}

static void assert_mac(const uint8_t mac[6], uint8_t fifth, uint8_t last)
{
	const uint8_t want[6] = {2, 0, 0, 0, fifth, last};

	assert_memory_equal(mac, want, 6);
}

static void a_node_on_the_link_is_its_own_hop(void **state)
{
	struct rig r = rig_new();
	const struct plan_next_hop *hop;

	(void)state;
	run("ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev up0 nud stale");
	ask(&r, r.up0, "10.0.0.11");
	look(&r);
	assert_int_equal(r.picture.n, 1);
	hop = &r.picture.hops[0];
	assert_int_equal(hop->uplink, r.up0);
	assert_int_equal(hop->ifindex, r.up0);
	assert_int_equal(hop->mtu, 1500);
	assert_mac(hop->mac, 0, 0x11);
	assert_mac(hop->own_mac, 0, 0x10);
	assert_int_equal(r.picture.n_neighbours, 1);
	assert_int_equal(r.picture.neighbours[0].ifindex, r.up0);
	run("ip -d neigh show 10.0.0.11 dev up0 | grep -q managed");
	rig_free(&r);
}

static void a_gateway_is_the_hop_of_all_behind_it(void **state)
{
	struct rig r = rig_new();

	(void)state;
	run("ip route add 10.9.0.0/16 via 10.1.0.1 dev up1 mtu 1300 &&"
	    " ip neigh replace 10.1.0.1 lladdr 02:00:00:00:01:01 dev up1 nud stale");
	ask(&r, r.up1, "10.9.0.1");
	ask(&r, r.up1, "10.9.0.2");
	look(&r);
	assert_int_equal(r.picture.n, 2);
	assert_int_equal(r.picture.n_neighbours, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_mac(r.picture.hops[i].mac, 1, 1);
		assert_int_equal(r.picture.hops[i].mtu, 1300);
	}
	/* Another gateway, and no route by the first uplink: what came in there leaves by this. */
	run("ip route replace 10.9.0.0/16 via 10.1.0.2 dev up1 &&"
	    " ip neigh replace 10.1.0.2 lladdr 02:00:00:00:01:02 dev up1 nud stale");
	r.n = 0;
	ask(&r, r.up0, "10.9.0.1");
	ask(&r, r.up1, "10.9.0.1");
	look(&r);
	assert_int_equal(r.picture.n, 2);
	assert_int_equal(r.picture.hops[0].uplink, r.up0);
	assert_int_equal(r.picture.hops[0].ifindex, r.up1);
	assert_int_equal(r.picture.hops[0].mtu, 1400);
	assert_mac(r.picture.hops[0].own_mac, 1, 0x10);
	assert_mac(r.picture.hops[1].mac, 1, 2);
	rig_free(&r);
}

/* Whom one asks about, and the end of his hop's MAC address. */
struct expected {
	int uplink; /* 0 or 1 */
	const char *node;
	uint8_t fifth, last;
};

static void expect_two(const char *setup, const struct expected want[2])
{
	struct rig r = rig_new();

	run("%s", setup);
	for (size_t i = 0; i < 2; i++)
		ask(&r, want[i].uplink ? r.up1 : r.up0, want[i].node);
	look(&r);
	assert_int_equal(r.picture.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_mac(r.picture.hops[i].mac, want[i].fifth, want[i].last);
	rig_free(&r);
}

/* Each uplink by its own of the next hops of one route. */
static void of_several_next_hops_the_uplinks_own_counts(void **state)
{
	const struct expected want[] = {{0, "10.9.0.1", 0, 1}, {1, "10.9.0.1", 1, 1}};

	(void)state;
	expect_two(
		"ip route add 10.9.0.0/16 nexthop via 10.0.0.1 dev up0 nexthop via 10.1.0.1 dev up1 &&"
		" ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev up0 nud stale &&"
		" ip neigh replace 10.1.0.1 lladdr 02:00:00:00:01:01 dev up1 nud stale",
		want);
}

static void ipv6_is_as_ipv4(void **state)
{
	const struct expected want[] = {{0, "fd00::11", 0, 0x11}, {0, "fd09::1", 0, 1}};

	(void)state;
	expect_two("ip route add fd09::/64 via fd00::1 dev up0 &&"
		   " ip neigh replace fd00::1 lladdr 02:00:00:00:00:01 dev up0 nud stale &&"
		   " ip neigh replace fd00::11 lladdr 02:00:00:00:00:11 dev up0 nud stale",
		   want);
}

/* --- which route ------------------------------------------------------------------------------ */

/* Devices of random routes: the two uplinks, and one that is none. */
#define N_DEVICES 3
static const char *const device_names[N_DEVICES] = {"up0", "up1", "side"};
static const unsigned lengths[] = {0, 8, 16, 24, 32};

struct routes {
	bool has[N_DEVICES][ARRAY_SIZE(lengths)]; /* of 10.9.9.9 */
};

/* With a metric for each device, so that there may be one of each length by each. */
static void make_routes(struct rng *rng, struct routes *ret)
{
	FILE *batch = popen("ip -batch -", "we");

	assert_non_null(batch);
	for (size_t d = 0; d < N_DEVICES; d++)
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			const char *const prefixes[] = {"default", "10.0.0.0/8", "10.9.0.0/16",
							"10.9.9.0/24", "10.9.9.9/32"};

			if (ret->has[d][i])
				fprintf(batch, "route del %s dev %s\n", prefixes[i],
					device_names[d]);
			ret->has[d][i] = rng_below(rng, 3) == 0;
			if (ret->has[d][i])
				fprintf(batch, "route add %s via 10.%zu.0.1 dev %s metric %zu\n",
					prefixes[i], d, device_names[d], 1 + (d + i) % 3);
		}
	assert_int_equal(pclose(batch), 0);
}

static int longest(const struct routes *r, size_t device)
{
	int ret = -1;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		if (r->has[device][i])
			ret = (int)lengths[i];
	return ret;
}

/* Which devices may be a way for what comes in by this uplink: bits. */
static unsigned right_ones(const struct routes *r, size_t uplink, bool by_any)
{
	const size_t n = by_any ? 3 : 2;
	unsigned ret = 0;
	int most = -1;

	for (size_t d = 0; d < N_DEVICES; d++)
		most = longest(r, d) > most ? longest(r, d) : most;
	if (most < 0)
		return 0;
	if (longest(r, uplink) == most)
		return 1u << uplink;
	for (size_t d = 0; d < n; d++)
		if (longest(r, d) == most)
			ret |= 1u << d;
	if (longest(r, 2) == most && !by_any) /* the kernel may take either of two that are equal */
		ret |= longest(r, uplink) >= 0 ? 1u << uplink : 1u << 2;
	return ret;
}

static unsigned which_device(int ifindex)
{
	for (size_t d = 0; d < N_DEVICES; d++)
		if ((int)if_nametoindex(device_names[d]) == ifindex)
			return 1u << d;
	return 0;
}

static void the_longest_prefix_wins_and_of_equals_the_uplink_itself(void **state)
{
	struct rig r = rig_new();
	struct routes routes = {0};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	run("ip link add side type veth peer name beside && ip link set side up && ip link set beside up &&"
	    " ip addr add 10.2.0.10/24 dev side");
	for (unsigned d = 0; d < N_DEVICES; d++)
		run("ip neigh replace 10.%u.0.1 lladdr 02:00:00:00:0%u:01 dev %s nud permanent", d,
		    d, device_names[d]);
	for (int round = 0; round < 60; round++) {
		const bool by_any = round & 1;

		make_routes(&rng, &routes);
		r.n = 0;
		ask(&r, r.up0, "10.9.9.9");
		ask(&r, r.up1, "10.9.9.9");
		r.asks[0].by_any = r.asks[1].by_any = by_any;
		look(&r);
		for (size_t i = 0, at = 0; i < 2; i++) {
			const unsigned right = right_ones(&routes, i, by_any);

			if (!right)
				continue;
			assert_true(at < r.picture.n);
			assert_int_equal(r.picture.hops[at].uplink, r.asks[i].uplink);
			assert_true(which_device(r.picture.hops[at++].ifindex) & right);
		}
	}
	rig_free(&r);
}

/* What real servers need to know: whether nobody is between, and from where packets would go. */
static void the_source_is_the_kernels_where_none_is_asked_for(void **state)
{
	struct rig r = rig_new();

	(void)state;
	run("ip addr add 10.0.0.77/24 dev up0 && ip route add 10.9.0.0/16 via 10.0.0.1 src 10.0.0.77 &&"
	    " ip route add fd09::/64 via fd00::1 dev up0 &&"
	    " ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev up0 nud stale &&"
	    " ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev up0 nud stale &&"
	    " ip neigh replace fd00::1 lladdr 02:00:00:00:00:01 dev up0 nud stale");
	ask(&r, r.up0, "10.0.0.11");
	ask(&r, r.up0, "10.9.0.1");
	ask(&r, r.up0, "fd09::1");
	for (size_t i = 0; i < 3; i++)
		r.asks[i].source = (struct ip_addr){0};
	look(&r);
	assert_int_equal(r.picture.n, 3);
	assert_int_equal(ip_addr_v4(&r.picture.hops[0].source), 0x0a00000a);
	assert_true(r.picture.hops[0].on_link);
	assert_int_equal(ip_addr_v4(&r.picture.hops[1].source), 0x0a00004d);
	assert_false(r.picture.hops[1].on_link);
	assert_true(ip_addr_equal(&r.picture.hops[2].source,
				  &(struct ip_addr){.b = {0xfd, [15] = 0x10}}));
	assert_false(r.picture.hops[2].on_link);
	rig_free(&r);
}

static void what_is_not_known_yet_is_asked_for(void **state)
{
	struct rig r = rig_new();

	(void)state;
	ask(&r, r.up0, "10.0.0.11");
	ask(&r, r.up0, "10.200.0.1"); /* no way at all */
	look(&r);
	assert_int_equal(r.picture.n, 0);
	assert_int_equal(r.picture.n_neighbours, 1);
	run("ip -d neigh show 10.0.0.11 dev up0 | grep -q managed");
	/* Nor does a device that is gone hurt. */
	run("ip link del up0");
	look(&r);
	assert_int_equal(r.picture.n, 0);
	rig_free(&r);
}

/* What others made is as it was; what nobody needs any more is the kernel's again. */
static void neighbours_are_let_go_and_no_other_is_touched(void **state)
{
	struct rig r = rig_new();

	(void)state;
	run("ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev up0 nud permanent &&"
	    " ip neigh replace 10.0.0.13 lladdr 02:00:00:00:00:13 dev up0 nud stale &&"
	    " ip neigh replace 10.0.0.14 lladdr 02:00:00:00:00:14 dev up0 managed protocol boot");
	ask(&r, r.up0, "10.0.0.11");
	ask(&r, r.up0, "10.0.0.13");
	look(&r);
	assert_int_equal(r.picture.n, 2);
	run("ip -N -d neigh show 10.0.0.13 dev up0 | grep -q 'managed.*proto 196'");
	run("! ip -d neigh show 10.0.0.11 dev up0 | grep -q managed");
	r.n = 0;
	look(&r);
	assert_int_equal(r.picture.n_neighbours, 0);
	run("! ip -d neigh show 10.0.0.13 dev up0 | grep -q managed");
	run("ip -d neigh show 10.0.0.14 dev up0 | grep -q managed");
	run("ip -d neigh show 10.0.0.11 dev up0 | grep -q PERMANENT");
	rig_free(&r);
}

/* Between nothing and a host route: one that is longer than the default, or leads elsewhere.
 * Addresses that are found to be nobody else's are heard meanwhile, too. */
static void a_route_that_may_lead_to_a_watched_address_is_heard(void **state)
{
	const struct ip_addr to[] = {addr("10.50.7.9"), addr("2001:db8:7::9")};
	struct rig r = rig_new();
	struct netlink *nl;

	(void)state;
	assert_int_equal(netlink_open(&nl), 0);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	netlink_watch_ways(nl, to, 2);
	(void)netlink_receive(nl);
	for (int i = 0; i < 2; i++) { /* again after a refresh, which sets the filter anew */
		run("ip route add 10.60.0.0/16 via 10.0.0.11 dev up0");
		run("ip route del 10.60.0.0/16");
		run("ip -6 route add blackhole 2001:db9::/32 && ip -6 route del blackhole 2001:db9::/32");
		assert_false(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		run("ip route add 10.50.0.0/16 via 10.0.0.11 dev up0");
		assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		run("ip route change 10.50.0.0/16 via 10.0.0.12 dev up0");
		assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		run("ip route del 10.50.0.0/16");
		assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		run("ip -6 route add blackhole 2001:db8:7::/48");
		assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		run("ip -6 route del blackhole 2001:db8:7::/48");
		assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
		assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	}
	netlink_watch_ways(nl, NULL, 0);
	run("ip route add 10.50.0.0/16 via 10.0.0.11 dev up0");
	assert_false(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
	netlink_free(nl);
	rig_free(&r);
}

static void a_change_of_a_watched_neighbour_is_heard(void **state)
{
	struct rig r = rig_new();
	struct netlink *nl;
	struct hop_neighbour watched = {.ifindex = r.up0, .addr = addr("10.0.0.11")};

	(void)state;
	assert_int_equal(netlink_open(&nl), 0);
	netlink_watch_neighbours(nl, &watched, 1);
	run("ip neigh replace 10.0.0.12 lladdr 02:00:00:00:00:12 dev up0 nud stale");
	assert_false(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
	run("ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:11 dev up0 nud stale");
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
	run("ip neigh replace 10.0.0.11 lladdr 02:00:00:00:00:99 dev up0 nud stale");
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
	run("ip neigh del 10.0.0.11 dev up0");
	assert_true(netlink_receive(nl) & NETLINK_CHANGED_HOPS);
	netlink_free(nl);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_on_the_link_is_its_own_hop),
		cmocka_unit_test(a_gateway_is_the_hop_of_all_behind_it),
		cmocka_unit_test(of_several_next_hops_the_uplinks_own_counts),
		cmocka_unit_test(the_source_is_the_kernels_where_none_is_asked_for),
		cmocka_unit_test(ipv6_is_as_ipv4),
		cmocka_unit_test(the_longest_prefix_wins_and_of_equals_the_uplink_itself),
		cmocka_unit_test(what_is_not_known_yet_is_asked_for),
		cmocka_unit_test(neighbours_are_let_go_and_no_other_is_touched),
		cmocka_unit_test(a_route_that_may_lead_to_a_watched_address_is_heard),
		cmocka_unit_test(a_change_of_a_watched_neighbour_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
