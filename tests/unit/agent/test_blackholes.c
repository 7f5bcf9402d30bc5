// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes by a whole agent: one that may not change the kernel's routes says so, announces all
 * the same, and places them once it may; and what was taken away without a word is put back.
 */
#include "agent_rig.h"
#include "sys/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>

#define AGGREGATE                                                                                  \
	"apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\n"                                    \
	"metadata: {name: p, namespace: metallb-system}\nspec: {addresses: [192.0.2.0/28]}\n"      \
	"---\napiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"                            \
	"metadata: {name: a, namespace: metallb-system}\nspec: {aggregationLength: 28}\n"
#define UPLINK                                                                                     \
	"apiVersion: lodestone.io/v1alpha1\nkind: LodestoneConfig\nmetadata: {name: default}\n"    \
	"spec: {dataplane: {mode: \"off\", uplinks: [d0]}}\n"

static atomic_bool refuses;

/* In the place of libmnl's, by which the helper's changes go: as to one without the right to. */
ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t len)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *m = buf;

	if (refuses && (m->nlmsg_type == RTM_NEWROUTE || m->nlmsg_type == RTM_NEWRULE)) {
		errno = EPERM;
		return -1;
	}
	return sendto(mnl_socket_get_fd(s), buf, len, 0, (const struct sockaddr *)&kernel,
		      sizeof(kernel));
}

static bool is_placed(void)
{
	return system("ip route show table 19628 2>/dev/null | grep -q 'blackhole 192.0.2.0/28' &&"
		      " ip rule | grep -q 'iif d0 lookup 19628'") == 0;
}

static bool announces_and_tells(const struct agent_rig *rig)
{
	return rig_announces(rig) && rig_problem(rig, "BlackholesRefused");
}

static bool has_nothing_to_tell(const struct agent_rig *rig)
{
	return !rig_problem(rig, "BlackholesRefused");
}

static struct agent_rig *begin(void)
{
	struct agent_rig *rig = rig_new();

	assert_int_equal(system("ip link add d0 type veth peer name d1;"
				" ip addr add 10.9.0.1/24 dev d0; ip link set d0 up"),
			 0);
	rig_write(rig, "a-config.yaml", UPLINK);
	rig_write(rig, "pool.yaml", AGGREGATE);
	rig_start(rig);
	return rig;
}

static void what_the_kernel_refuses_is_told_and_the_prefix_announced(void **state)
{
	struct agent_rig *rig = begin();
	const struct problem *p;

	(void)state;
	refuses = true;
	RIG_WAIT(rig, announces_and_tells);
	refuses = false;
	p = rig_problem(rig, "BlackholesRefused");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_string_equal(p->object.kind, "Node");
	assert_string_equal(p->object.name, "node");
	assert_string_equal(p->field, "blackholes");
	assert_non_null(strstr(p->message, "1 of 1 prefixes have no blackhole"));
	assert_non_null(strstr(p->message, "Operation not permitted"));
	assert_non_null(strstr(p->remedy, "CAP_NET_ADMIN"));
	assert_false(is_placed());
	/* A rule of somebody's comes and goes: a look. */
	assert_int_equal(system("ip rule add pref 77 lookup 7; ip rule del pref 77"), 0);
	RIG_WAIT(rig, has_nothing_to_tell);
	assert_true(is_placed());
	assert_int_equal(rig->router->withdrawn, 0);
	rig_free(rig);
}

static bool announces_a_blackhole(const struct agent_rig *rig)
{
	return rig_announces(rig) && rig->agent.blackholes.state.n_blackholes == 1;
}

static nsec_t wait_until;
static bool time_is_over(const struct agent_rig *rig)
{
	(void)rig;
	return clock_now() >= wait_until;
}

/* What a look brings about is no reason for another one. */
static void one_change_of_somebodys_costs_one_look(void **state)
{
	struct agent_rig *rig = begin();
	nsec_t before, after;

	(void)state;
	RIG_WAIT(rig, announces_a_blackhole);
	before = rig->agent.blackholes.pass_at;
	assert_int_equal(system("ip rule add pref 77 lookup 7; ip rule del pref 77"), 0);
	wait_until = clock_now() + NSEC_PER_SEC;
	RIG_WAIT(rig, time_is_over);
	after = rig->agent.blackholes.pass_at;
	assert_true(after > before);
	wait_until = clock_now() + NSEC_PER_SEC / 2;
	RIG_WAIT(rig, time_is_over);
	assert_true(rig->agent.blackholes.pass_at == after);
	rig_free(rig);
}

static bool has_repaired(const struct agent_rig *rig)
{
	return rig->agent.blackholes.state.repaired > 0;
}

/* Over a socket of the agent's own, of which it is told nothing; a minute later it looks. */
static void what_was_taken_away_without_a_word_is_found_by_the_next_look(void **state)
{
	const struct ip_addr net = ip_addr_from_v4(0xc0000200);
	const struct ip_prefix prefix = ip_prefix_of(&net, 28);
	const struct kernel_op op = {.verb = KERNEL_DEL_ROUTE,
				     .route = kernel_blackhole_route(&prefix, 0)};
	struct agent_rig *rig = begin();
	struct kernel_sink sink;
	int error;

	(void)state;
	RIG_WAIT(rig, announces_a_blackhole);
	assert_true(is_placed());
	sink = rtnl_sink(rig->agent.blackholes.sock);
	sink.ops->apply(sink.ctx, &op, 1, &error);
	assert_int_equal(error, 0);
	assert_false(is_placed());
	assert_true(rig->agent.blackholes.pass_at < clock_now() + 61 * NSEC_PER_SEC);
	assert_true(rig->agent.resync_at < clock_now() + 61 * NSEC_PER_SEC);
	rig->agent.blackholes.pass_at = rig->agent.resync_at = clock_now();
	RIG_WAIT(rig, has_repaired);
	assert_true(is_placed());
	assert_int_equal(rig->agent.blackholes.state.repaired, 1);
	rig_free(rig);
}

static void what_a_former_agent_placed_is_cleaned_up(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	assert_int_equal(system("ip route add blackhole 198.51.100.0/24"), 0);
	RIG_WAIT(rig, announces_a_blackhole);
	assert_true(is_placed());
	rig_crash(rig);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(blackholes_cleanup(), 0);
		assert_int_not_equal(system("ip route show table 19628 2>/dev/null | grep -q . || "
					    "ip rule | grep -q 19628"),
				     0);
	}
	assert_int_equal(system("ip route | grep -q 'blackhole 198.51.100.0/24'"), 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_refuses_is_told_and_the_prefix_announced),
		cmocka_unit_test(one_change_of_somebodys_costs_one_look),
		cmocka_unit_test(what_was_taken_away_without_a_word_is_found_by_the_next_look),
		cmocka_unit_test(what_a_former_agent_placed_is_cleaned_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
