// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The filter on notifications, in the kernel: of random routes each that matters comes through, and
 * of the others none that its first 32 bits tell apart.
 */
#include "base/rng.h"
#include "plan/plan_kernel.h"
#include "sys/netlink_filter.h"
#include "sys/nlsock.h"
#include "sys/rtnl.h"

#include "sys_test.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#define N_ROUTES 150

struct bed {
	struct mnl_socket *s;
	struct ip_addr asked[4];
};

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_true(ip_addr_parse(text, &a));
	return a;
}

static void bed_begin(struct bed *b)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK};
	static const char *const asked[] = {"10.7.0.9", "192.0.2.1", "2001:db8:7::9", "fd00::1"};

	netns_enter();
	run("ip link set lo up");
	b->s = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK);
	assert_non_null(b->s);
	assert_int_equal(mnl_socket_bind(b->s, 0, MNL_SOCKET_AUTOPID), 0);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		b->asked[i] = addr(asked[i]);
	assert_int_equal(netlink_filter(mnl_socket_get_fd(b->s),
					&(struct netlink_filter_args){.asked = b->asked, .n = 4}),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		assert_int_equal(mnl_socket_setsockopt(b->s, NETLINK_ADD_MEMBERSHIP,
						       (void *)(uintptr_t)&groups[i], sizeof(int)),
				 0);
}

static unsigned heard(struct bed *b)
{
	char buf[8192];
	unsigned n = 0;

	while (mnl_socket_recvfrom(b->s, buf, sizeof(buf)) > 0)
		n++;
	return n;
}

static bool shares(const struct ip_prefix *p, const struct ip_addr *a)
{
	const uint8_t len = p->len < 32 ? p->len : 32;
	const struct ip_prefix near = ip_prefix_of(&p->addr, len);

	return ip_addr_is_v4(&p->addr) == ip_addr_is_v4(a) && ip_prefix_has(&near, a);
}

static bool comes_through(const struct bed *b, const struct ip_prefix *p, uint32_t table)
{
	if (p->len == 0 || p->len == ip_addr_bits(&p->addr) || (table >= 0x4c00 && table < 0x4e00))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(b->asked); i++)
		if (shares(p, &b->asked[i]))
			return true;
	return false;
}

static struct ip_prefix random_prefix(struct rng *r, const struct bed *b)
{
	struct ip_addr a = b->asked[rng_below(r, ARRAY_SIZE(b->asked))];
	const bool is_v4 = ip_addr_is_v4(&a);
	const uint8_t bit = (uint8_t)rng_below(r, is_v4 ? 32 : 64); /* one bit is another, mostly */

	if (rng_below(r, 4))
		a.b[(is_v4 ? 12 : 0) + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	return ip_prefix_of(&a, (uint8_t)rng_below(r, is_v4 ? 33 : 129));
}

static void what_matters_comes_through_and_little_else(void **state)
{
	static const uint32_t tables[] = {254, 77, 300, 19601, 19624, 19728, 40000};
	unsigned n_through = 0;
	struct rng r;
	struct bed b;

	(void)state;
	bed_begin(&b);
	rng_seed(&r, 7);
	for (int i = 0; i < N_ROUTES; i++) {
		const struct ip_prefix p = random_prefix(&r, &b);
		const uint32_t table = tables[rng_below(&r, ARRAY_SIZE(tables))];
		char text[IP_PREFIX_TEXT];
		const bool expected = comes_through(&b, &p, table);

		if (ip_addr_is_v4(&p.addr) ? p.addr.b[12] >= 224 : p.addr.b[0] == 0xff)
			continue;
		ip_prefix_text(&p, text);
		run("ip route add blackhole %s table %u && ip route del blackhole %s table %u",
		    text, table, text, table);
		if (heard(&b) != (expected ? 2 : 0))
			fail_msg("%s in table %u: expected %d", text, table, expected);
		n_through += expected;
	}
	assert_in_range(n_through, N_ROUTES / 4, 3 * N_ROUTES / 4);
	(void)mnl_socket_close(b.s);
}

/* Of the number the filter looks at the highest octet. */
static void what_is_in_the_tables_of_a_vrf_comes_through(void **state)
{
	const uint32_t highest = KERNEL_VRF_TABLES >> 24;
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip route add blackhole 172.16.0.0/16 table %u", (highest << 24) - 1);
	assert_int_equal(heard(&b), 0);
	run("ip route add blackhole 172.16.0.0/16 table %u", KERNEL_VRF_TABLES + 1024);
	assert_int_equal(heard(&b), 1);
	(void)mnl_socket_close(b.s);
}

static void what_is_not_about_routes_always_comes_through(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip link add lt0 type veth peer name lt1");
	assert_true(heard(&b) >= 2);
	(void)mnl_socket_close(b.s);
}

static void with_too_many_addresses_all_comes_through(void **state)
{
	struct ip_addr many[300];
	struct bed b;

	(void)state;
	bed_begin(&b);
	run("ip route add blackhole 172.16.0.0/16");
	assert_int_equal(heard(&b), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = ip_addr_from_v4(0x0a000000 + i);
	assert_int_equal(netlink_filter(mnl_socket_get_fd(b.s),
					&(struct netlink_filter_args){.asked = many, .n = 256}),
			 0);
	run("ip route del blackhole 172.16.0.0/16; ip route add blackhole 10.0.0.0/16");
	assert_int_equal(heard(&b), 1);
	assert_int_equal(netlink_filter(mnl_socket_get_fd(b.s),
					&(struct netlink_filter_args){.asked = many, .n = 300}),
			 0);
	run("ip route add blackhole 172.16.0.0/16");
	assert_int_equal(heard(&b), 1);
	(void)mnl_socket_close(b.s);
}

/* A blackhole by this socket, which is there then, or not. */
static void put_route(struct nlsock *by, enum kernel_verb verb)
{
	const struct ip_addr net = addr("198.51.100.0");
	const struct ip_prefix prefix = ip_prefix_of(&net, 24);
	const struct kernel_op op = {.verb = verb, .route = kernel_blackhole_route(&prefix, 0)};
	const struct kernel_sink sink = rtnl_sink(by);
	int error;

	sink.ops->apply(sink.ctx, &op, 1, &error);
	assert_int_equal(error, 0);
}

/* Whatever it is about, and whether addresses are asked for or too many of them. */
static void what_comes_of_sockets_of_ours_is_dropped(void **state)
{
	struct ip_addr many[300];
	struct nlsock *ours[2], *other;
	uint32_t ports[2];
	struct bed b;

	(void)state;
	bed_begin(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = ip_addr_from_v4(0x0a000000 + i);
	assert_int_equal(nlsock_open_strict(&other), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		assert_int_equal(nlsock_open_strict(&ours[i]), 0);
		ports[i] = nlsock_port(ours[i]);
	}
	for (size_t n = 4; n <= ARRAY_SIZE(many); n += ARRAY_SIZE(many) - 4) {
		const struct netlink_filter_args args = {
			.asked = many, .n = n, .ignored = ports, .n_ignored = 2};

		assert_int_equal(netlink_filter(mnl_socket_get_fd(b.s), &args), 0);
		for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
			put_route(ours[i], KERNEL_PUT_ROUTE);
			assert_int_equal(heard(&b), 0);
			put_route(other, KERNEL_DEL_ROUTE);
			assert_int_equal(heard(&b), 1);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		nlsock_free(ours[i]);
	nlsock_free(other);
	(void)mnl_socket_close(b.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matters_comes_through_and_little_else),
		cmocka_unit_test(what_is_in_the_tables_of_a_vrf_comes_through),
		cmocka_unit_test(what_is_not_about_routes_always_comes_through),
		cmocka_unit_test(with_too_many_addresses_all_comes_through),
		cmocka_unit_test(what_comes_of_sockets_of_ours_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
