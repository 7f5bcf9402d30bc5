// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The way to another node where the agent told none: the kernel's, by its routes and neighbours,
 * which are those of a network namespace of the test's own.
 */
#include "bpf/nat_bed.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>

/* Node i is reached by the family outers[i]. */
static void add_node(struct bed *x, unsigned i)
{
	char text[INET6_ADDRSTRLEN], ways[256];
	uint8_t there[16];

	rig_node_address(there, outers[i], THERE);
	inet_ntop(outers[i], outers[i] == AF_INET6 ? there : there + 12, text, sizeof(text));
	snprintf(ways, sizeof(ways),
		 "ip route add %s dev out0 && ip neigh add %s lladdr 02:00:00:aa:bb:01 dev out0",
		 text, text);
	nat_run(ways);
	rig_add_node(x->rig, NODE + i, outers[i], THERE, i);
}

/* This node's own ends, from which it asks. */
static void add_ends(struct bed *x)
{
	const uint32_t zero = 0;
	struct lb_tunnel t = {0};

	rig_node_address((uint8_t *)t.own_v4, AF_INET, HERE);
	rig_node_address((uint8_t *)t.own_v6, AF_INET6, HERE);
	rig_must(bpf_map_update_elem(bpf_map__fd(x->rig->xdp->maps.tunnel), &zero, &t, BPF_ANY),
		 "write tunnel");
}

static int setup(void **state)
{
	struct bed *x = bed_make(state, 1, 0);

	if (!x->rig)
		return 0;
	assert_return_code(unshare(CLONE_NEWNET), errno);
	nat_run("ip link add out0 address 02:00:00:aa:bb:02 type veth peer name out1 && ip link set lo up && "
		"ip link set out0 up && ip link set out1 up && "
		"echo 1 >/proc/sys/net/ipv4/conf/all/forwarding && "
		"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	rig_add_device(x->rig, if_nametoindex("out0"));
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE);
	add_ends(x);
	for (unsigned i = 0; i < 2; i++)
		add_node(x, i);
	return 0;
}

static void a_way_that_nobody_told_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	uint8_t ends[16];

	for (unsigned i = 0; i < 2; i++) {
		const bool is_v6 = outers[i] == AF_INET6;
		const unsigned len = is_v6 ? 16 : 4;

		rig_set_remote(x->rig, &x->tcp, 0, NODE + i);
		assert_int_equal(bed_xdp(x, &req), XDP_REDIRECT);
		assert_memory_equal(x->out.bytes, rig_neighbour, 6);
		assert_memory_equal(x->out.bytes + 6, rig_own, 6);
		assert_int_equal(x->out.bytes[12], is_v6 ? 0x86 : 0x08);
		rig_node_address(ends, outers[i], HERE);
		assert_memory_equal(&x->out.bytes[FRAME_IP + (is_v6 ? 8 : 12)], ends + 16 - len,
				    len);
		rig_node_address(ends, outers[i], THERE);
		assert_memory_equal(&x->out.bytes[FRAME_IP + (is_v6 ? 24 : 16)], ends + 16 - len,
				    len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_way_that_nobody_told_is_the_kernels, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
