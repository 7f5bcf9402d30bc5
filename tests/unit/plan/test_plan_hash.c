// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * plan/plan_hash.h: what an environment was made from says so when it is another. Of a node each
 * field that the environment reads moves the hash.
 */
#include "base/hash.h"
#include "plan/plan_hash.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A node with one of each. */
struct bed {
	struct plan_link links[1];
	struct plan_local_addr addrs[1];
	struct plan_route_to ways[1];
	struct plan_gateway gateways[1];
	struct plan_router routers[1];
	struct plan_node node;
};

static void make(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	b->links[0].name = "eth0";
	b->node = (struct plan_node){.links = b->links,
				     .n_links = 1,
				     .addrs = b->addrs,
				     .n_addrs = 1,
				     .routes_to = b->ways,
				     .n_routes_to = 1,
				     .gateways = b->gateways,
				     .n_gateways = 1,
				     .routers = {.items = b->routers, .n = 1}};
}

#define SPOIL(change)                                                                              \
	do {                                                                                       \
		if (i-- == 0) {                                                                    \
			change;                                                                    \
			return true;                                                               \
		}                                                                                  \
	} while (0)

/* Field i is another; false: there are fewer. */
static bool spoil(struct bed *b, size_t i)
{
	SPOIL(b->node.n_links--);
	SPOIL(b->links[0].ifindex++);
	SPOIL(b->links[0].up = true);
	SPOIL(b->links[0].name = "eth1");
	SPOIL(b->links[0].master++);
	SPOIL(b->links[0].table++);
	SPOIL(b->node.n_addrs--);
	SPOIL(b->addrs[0].addr.b[15]++);
	SPOIL(b->addrs[0].len++);
	SPOIL(b->addrs[0].ifindex++);
	SPOIL(b->addrs[0].passing = true);
	SPOIL(b->node.n_routes_to--);
	SPOIL(b->ways[0].to.b[15]++);
	SPOIL(b->ways[0].source.b[15]++);
	SPOIL(b->ways[0].ifindex++);
	SPOIL(b->ways[0].vrf++);
	SPOIL(b->node.n_gateways--);
	SPOIL(b->gateways[0].addr.b[15]++);
	SPOIL(b->gateways[0].ifindex++);
	SPOIL(b->node.routers.n--);
	SPOIL(b->routers[0].addr.b[15]++);
	SPOIL(b->routers[0].ifindex++);
	return false;
}

static void each_field_of_a_node_moves_the_hash(void **state)
{
	struct bed whole, other;

	(void)state;
	make(&whole);
	for (size_t i = 0;; i++) {
		make(&other);
		assert_int_equal(plan_hash_node(HASH_INIT, &other.node),
				 plan_hash_node(HASH_INIT, &whole.node));
		if (!spoil(&other, i))
			break;
		if (plan_hash_node(HASH_INIT, &other.node) ==
		    plan_hash_node(HASH_INIT, &whole.node))
			fail_msg("number %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_field_of_a_node_moves_the_hash),
	};

	return cmocka_run_group_tests_name("plan_hash", tests, NULL, NULL);
}
