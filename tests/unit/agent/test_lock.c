// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Whoever configures the kernel's network holds up everybody who asks it or changes it, and the
 * agent's loop is not to be among them: a whole agent with links, blackholes, VRFs, pods and a
 * route that its router sent to ask for and to change, while somebody else holds that lock. What
 * waits for it is announced afterwards, and not before.
 */
#include "agent_rig.h"
#include "sys/netlink.h"
#include "sys/netlink_pods.h"
#include "sys/rtnl_fib.h"
#include "unit/sys/rtnl_hold.h"

#define AGGREGATE(length)                                                                          \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [192.0.2.0/24]}\n"      \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: a, namespace: metallb-system}\nspec: {aggregationLength: " length "}\n"
#define UPLINK                                                                                     \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"    \
	"spec: {dataplane: {mode: \"off\", uplinks: [d0]}}\n"
#define MADE_VRF                                                                                   \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: red, namespace: metallb-system, annotations:"                            \
	" {lodestone.io/create-vrf: \"1000\"}}\n"                                                  \
	"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.9.9.9, vrf: red}\n"

#define RECEIVE                                                                                    \
	"apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n"                          \
	"metadata: {name: r, namespace: frr-k8s-system}\n"                                         \
	"spec: {bgp: {routers: [{asn: 64513, neighbors: [\n"                                       \
	"  {address: 10.0.0.2, asn: 64512, toReceive: {allowed: {mode: all}}}]}]}}\n"

static unsigned n_announced; /* before */
static size_t n_answers;

static bool has_placed(const struct agent_rig *rig)
{
	return rig_announces(rig) && rig->agent.blackholes.state.n_blackholes == 1 &&
	       !rig->agent.blackholes.job && rig->agent.receiving.has_looked;
}

/* All that is to be done waits: for the lock, or behind something that does. */
static bool is_all_away(const struct agent_rig *rig)
{
	const struct agent *a = &rig->agent;

	return a->blackholes.job && a->vrfs.job && rtnl_fib_is_away(a->receiving.rtnl) &&
	       a->current->plan.blackholes.n == 2;
}

static bool has_turned(const struct agent_rig *rig)
{
	return rig->turns > 50;
}

static bool is_all_done(const struct agent_rig *rig)
{
	const struct agent *a = &rig->agent;

	return !a->blackholes.job && a->blackholes.state.n_blackholes == 1 && !a->vrfs.job &&
	       fib_counts(a->receiving.fib).n_placed == 1 && rig->router->announced > n_announced &&
	       rig->router->withdrawn > 0;
}

static void count_answers(void *ctx, const struct ip_addr *pods, const int *nsids, size_t n)
{
	(void)ctx, (void)pods;
	for (size_t i = 0; i < n; i++)
		assert_true(nsids[i] < 0);
	n_answers += n;
}

static bool has_link(const struct plan_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (strcmp(node->links[i].name, name) == 0)
			return true;
	return false;
}

static bool is_all_done_and_read(const struct agent_rig *rig)
{
	return is_all_done(rig) && has_link(netlink_node(rig->agent.netlink), "d2");
}

/* 198.51.100.0/24, by way of a neighbour on d0. */
static void router_says_a_route(struct router *r)
{
	const struct bgp_update_session session = {.local_asn = ROUTER_ASN,
						   .remote_asn = NODE_ASN,
						   .as4 = true,
						   .families = {1},
						   .local = {.ipv4 = ip_addr_from_v4(0x0a090002)}};
	static const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP};
	const struct ip_addr net = ip_addr_from_v4(0xc6336400);
	const struct ip_prefix prefix = ip_prefix_of(&net, 24);
	const struct bgp_update_batch batch = {
		.family = BGP_IPV4_UNICAST, .attrs = &attrs, .prefixes = &prefix, .n = 1};
	uint8_t buf[BGP_MESSAGE_MAX];
	size_t taken;

	router_say(r, buf, bgp_update_encode(buf, sizeof(buf), &session, &batch, &taken));
	assert_int_equal(taken, 1);
}

static void the_loop_turns_while_somebody_holds_the_kernels_lock(void **state)
{
	const struct ip_addr pod = ip_addr_from_v4(0x0a090002);
	struct netlink_pods *pods;
	struct agent_rig *rig = rig_new();

	(void)state;
	assert_int_equal(system("ip link add d0 type veth peer name d1; ip link set d1 up;"
				" ip addr add 10.9.0.1/24 dev d0; ip link set d0 up"),
			 0);
	rig_write(rig, "a-config.yaml", UPLINK);
	rig_write(rig, "pool.yaml", AGGREGATE("28"));
	rig_write(rig, "receive.yaml", RECEIVE);
	rig_start(rig);
	pods = netlink_pods_new(
		&(struct netlink_pods_args){.worker = rig->agent.network, .told = count_answers});
	RIG_WAIT(rig, has_placed);
	worker_finish(rig->agent.network); /* nothing is read that would see what comes now */
	n_announced = rig->router->announced;

	/* What the agent is to hear of comes before. */
	assert_int_equal(system("ip link add d2 type veth peer name d3; ip link set d2 up;"
				" ip addr add 10.8.0.1/24 dev d2"),
			 0);
	if (!rtnl_hold_begin()) {
		netlink_pods_free(pods);
		rig_free(rig);
		skip();
	}
	rig_write(rig, "pool.yaml", AGGREGATE("27"));
	rig_write(rig, "red.yaml", MADE_VRF);
	router_says_a_route(rig->router);
	RIG_WAIT(rig, is_all_away);
	netlink_pods_ask(pods, &pod,
			 1); /* behind what waits: the first of it need not take the lock */
	rig->turns = 0;
	RIG_WAIT(rig, has_turned);
	assert_non_null(rig->agent.blackholes.job);
	assert_non_null(rig->agent.vrfs.job);
	assert_int_equal(fib_counts(rig->agent.receiving.fib).n_placed, 0);
	assert_false(has_link(netlink_node(rig->agent.netlink), "d2"));
	assert_int_equal(n_answers, 0);
	assert_int_equal(rig->router->announced, n_announced);
	assert_int_equal(rig->router->withdrawn, 0);
	assert_int_equal(rig->router->connections, 1);
	if (!rtnl_hold_end())
		fail_msg("the loop waited for the lock");

	RIG_WAIT(rig, is_all_done_and_read);
	assert_int_equal(n_answers, 1);
	assert_int_equal(
		system("ip route show table 19627 | grep -q 'blackhole 192.0.2.0/27' &&"
		       " ip route show table 19800 | grep -q '198.51.100.0/24 via 10.9.0.2'"),
		0);
	assert_int_not_equal(system("ip route show table 19628 2>/dev/null | grep -q blackhole"),
			     0);
	worker_finish(rig->agent.network);
	netlink_pods_free(pods);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loop_turns_while_somebody_holds_the_kernels_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
