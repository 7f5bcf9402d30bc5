// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The router id as a router sees it, with a whole agent: the same from session to session and from
 * start to start, whatever comes and goes on the node, and never worth a session.
 */
#include "agent_rig.h"

#define PEER_WITHOUT_ID                                                                            \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system}\n"                                         \
	"spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"              \
	" sourceAddress: 10.0.0.1}\n"
#define NODE(address)                                                                              \
	"apiVersion: v1\nkind: Node\nmetadata: {name: node}\n"                                     \
	"status: {addresses: [{type: InternalIP, address: " address "}]}\n"
#define CONFIG(id)                                                                                 \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: node}\n"       \
	"spec: {bgp: {routerID: " id "}}\n"

static struct agent_rig *rig_announced(void)
{
	struct agent_rig *rig = rig_new();

	rig_write(rig, "peer.yaml", PEER_WITHOUT_ID);
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->open.router_id, NODE_ADDR);
	return rig;
}

static bool knows_the_bridge(const struct agent_rig *rig)
{
	const struct plan_node *node = &rig->agent.current->node;
	const struct ip_addr bridge = ip_addr_from_v4(0x01f40001);

	for (size_t i = 0; i < node->n_addrs; i++)
		if (ip_addr_equal(&node->addrs[i].addr, &bridge))
			return true;
	return false;
}
static bool says_9(const struct agent_rig *rig)
{
	return rig->agent.current->plan.peers[0].bgp.router_id == 0x09090909;
}
static bool has_the_node(const struct agent_rig *rig)
{
	return world_list(rig->agent.world, API_NODE).n == 1 && rig->turns > 100;
}
static bool many_turns(const struct agent_rig *rig)
{
	return rig->turns > 100;
}

/* Nothing was said or lost, and nothing comes after all. */
static void assert_undisturbed(struct agent_rig *rig)
{
	rig->turns = 0;
	RIG_WAIT(rig, many_turns);
	assert_int_equal(rig->router->connections, 1);
	assert_int_equal(rig->router->notification.code, 0);
	assert_true(rig->router->fd >= 0);
}

static void bridge_with_a_lower_address_disturbs_nobody(void **state)
{
	struct agent_rig *rig = rig_announced();

	(void)state;
	assert_int_equal(system("ip link add br9 type bridge; ip link set br9 up;"
				" ip addr add 1.244.0.1/24 dev br9"),
			 0);
	RIG_WAIT(rig, knows_the_bridge);
	assert_undisturbed(rig);
	assert_int_equal(rig->agent.current->plan.peers[0].bgp.router_id, NODE_ADDR);
	rig_free(rig);
}

static void restarted_agent_says_the_same_id(void **state)
{
	struct agent_rig *rig = rig_announced();

	(void)state;
	rig_write(rig, "node.yaml", NODE("10.0.0.77")); /* which would have been asked first */
	RIG_WAIT(rig, has_the_node);
	assert_undisturbed(rig);
	rig_crash(rig);
	rig->router->announced = rig->router->end_of_ribs = 0;
	rig_start(rig);
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->open.router_id, NODE_ADDR);
	rig_free(rig);
}

static void id_asked_for_is_said_by_the_next_session(void **state)
{
	struct agent_rig *rig = rig_announced();

	(void)state;
	rig_write(rig, "id.yaml", CONFIG("9.9.9.9"));
	RIG_WAIT(rig, says_9);
	assert_undisturbed(rig);
	router_hang_up(rig->router);
	rig->router->announced = rig->router->end_of_ribs = 0;
	RIG_WAIT(rig, rig_announces);
	assert_int_equal(rig->router->open.router_id, 0x09090909);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_with_a_lower_address_disturbs_nobody),
		cmocka_unit_test(restarted_agent_says_the_same_id),
		cmocka_unit_test(id_asked_for_is_said_by_the_next_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
