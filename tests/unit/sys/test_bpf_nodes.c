// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Other nodes in this machine's kernel: chunks that come when they are needed, devices to redirect
 * to, restarts. What is in the chunks is tests/unit/lb/test_lb_nodes.c's, what programs make of it
 * tests/bpf's.
 */
#include "bpf_under_test.h"

#include <errno.h>
#include <net/if.h>

static int tell(struct under_test *u, uint32_t n)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);
	struct lb_node_told *items = xcalloc(n, sizeof(*items));
	int outcome;

	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct lb_node_told){.addr = ip_addr_from_v4(0x0a090001 + i),
						 .usable = true};
	outcome = ways.ops->nodes(ways.ctx, u->now, items, n);
	free(items);
	return outcome;
}

static struct plan_next_hop hop_by(int ifindex, bool on_link)
{
	return (struct plan_next_hop){.uplink = 7,
				      .node = ip_addr_from_v4(0x0a090001),
				      .source = ip_addr_from_v4(0x0a090099),
				      .ifindex = ifindex,
				      .on_link = on_link,
				      .nat = !on_link,
				      .mtu = 1500,
				      .mac = {2, 0, 0, 0, 0, 1},
				      .own_mac = {2, 0, 0, 0, 0, 2}};
}

static int set(struct under_test *u, const struct plan_next_hop *hop, size_t n)
{
	const struct lb_ways ways = bpf_dataplane_ways(u->dp);

	return ways.ops->next_hops(ways.ctx, u->now, hop, n);
}

static int set_hop(struct under_test *u, int ifindex)
{
	const struct plan_next_hop hop = hop_by(ifindex, false);

	return set(u, &hop, ifindex ? 1 : 0);
}

/* The node of a number, as the programs see it. */
static struct lb_node node(struct under_test *u, uint32_t number)
{
	const uint32_t at = number / LB_NODE_CHUNK, in = number % LB_NODE_CHUNK;
	struct lb_node ret;
	char name[32];
	int fd;

	(void)snprintf(name, sizeof(name), "chunks/nodes-%u", at);
	fd = pinned(u, name);
	assert_int_equal(bpf_map_lookup_elem(fd, &in, &ret), 0);
	close(fd);
	return ret;
}

static bool has_device(struct under_test *u, uint32_t ifindex)
{
	const int fd = pinned(u, "maps/next_devices");
	uint32_t value;
	const bool ret = bpf_map_lookup_elem(fd, &ifindex, &value) == 0;

	close(fd);
	return ret;
}

static void chunks_come_when_they_are_needed_and_stay(void **state)
{
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(tell(&u, 100), 0);
	assert_true(node(&u, 1).state == (LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE));
	assert_true(node(&u, 100).state & LB_NODE_KNOWN);
	u.dp = bpf_dataplane_close(u.dp);
	open_dp(&u);
	assert_true(u.adopted);
	assert_true(node(&u, 100).state & LB_NODE_KNOWN); /* until something else is told */
	assert_int_equal(tell(&u, 2), 0);
	assert_true(node(&u, 2).state & LB_NODE_KNOWN);
	assert_true(node(&u, 100).state == LB_NODE_IN_USE);
	end(&u);
}

static void devices_are_those_that_ways_lead_by(void **state)
{
	const int loopback = (int)if_nametoindex("lo");
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(tell(&u, 1), 0);
	assert_int_equal(set_hop(&u, loopback), 0);
	assert_true(has_device(&u, (uint32_t)loopback));
	assert_int_equal((uint32_t)node(&u, 1).hops[0].way, loopback);
	u.dp = bpf_dataplane_close(u.dp);
	open_dp(&u);
	assert_int_equal((uint32_t)node(&u, 1).hops[0].way, loopback); /* it goes on meanwhile */
	assert_int_equal(set_hop(&u, 0x7ffffff0), -EINVAL);            /* there is no such device */
	assert_false(has_device(&u, (uint32_t)loopback));
	assert_int_equal(set_hop(&u, 0), 0);
	assert_int_equal((uint32_t)node(&u, 1).hops[0].way, 0);
	end(&u);
}

static void all_that_is_known_of_a_way_is_told(void **state)
{
	const uint32_t loopback = if_nametoindex("lo");
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(tell(&u, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		const struct plan_next_hop told = hop_by((int)loopback, i);
		struct lb_next_hop is;

		assert_int_equal(set(&u, &told, 1), 0);
		is = node(&u, 1).hops[0];
		assert_int_equal((uint32_t)is.way, loopback);
		assert_int_equal((uint16_t)(is.way >> LB_HOP_MTU_SHIFT), told.mtu);
		assert_memory_equal(&is.neighbour, told.mac, sizeof(told.mac));
		assert_memory_equal(&is.own, told.own_mac, sizeof(told.own_mac));
		assert_memory_equal(is.source, &told.source, sizeof(is.source));
		assert_int_equal(is.uplink, told.uplink);
		assert_int_equal(is.flags, told.on_link ? LB_HOP_ON_LINK : LB_HOP_NAT);
	}
	end(&u);
}

static bool is_backend_port(struct under_test *u, uint32_t v4)
{
	const struct ip_addr addr = ip_addr_from_v4(v4);
	struct lb_backend_port key = {.port = htons(8080), .proto = IPPROTO_TCP};
	const int fd = pinned(u, "maps/backend_ports");
	uint32_t value;
	bool ret;

	memcpy(key.addr, addr.b, sizeof(key.addr));
	ret = bpf_map_lookup_elem(fd, &key, &value) == 0;
	close(fd);
	return ret;
}

/* A frontend with one target here and one there passes its test, and only answers from here count.
 */
static void a_frontend_has_targets_here_and_there(void **state)
{
	struct lb_target targets[] = {
		{.addr = ip_addr_from_v4(0x0a000001), .port = 8080, .weight = 1},
		{.addr = ip_addr_from_v4(0x0a000002),
		 .node = ip_addr_from_v4(0x0a090001),
		 .port = 8080,
		 .weight = 1}};
	struct lb_frontend f = {
		.key = {.addr = ip_addr_from_v4(VIP), .port = PORT, .proto = IPPROTO_TCP},
		.seed = lb_seed("default", "web"),
		.rows_log2 = 8,
		.targets = targets,
		.n_targets = 2};
	struct under_test u;

	SKIP_IF_REFUSED((struct bpf_fixture *)*state);
	begin(&u, state);
	assert_int_equal(tell(&u, 1), 0);
	f.table = lb_table_name(&f);
	assert_int_equal(u.store.ops->put(u.store.ctx, u.now, &f), 0);
	assert_int_equal(u.store.ops->test(u.store.ctx, u.now, &f.key), 0);
	assert_true(is_backend_port(&u, 0x0a000001));
	assert_false(is_backend_port(&u, 0x0a000002));
	assert_int_equal(u.store.ops->del(u.store.ctx, u.now, &f.key), 0);
	assert_false(is_backend_port(&u, 0x0a000001));
	end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_come_when_they_are_needed_and_stay),
		cmocka_unit_test(devices_are_those_that_ways_lead_by),
		cmocka_unit_test(all_that_is_known_of_a_way_is_told),
		cmocka_unit_test(a_frontend_has_targets_here_and_there),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
