// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Packets for backends that answer this node: there as from this node, back as from the VIP; which
 * port a flow has, and who gives way to whom.
 */
#include "bpf/nat_bed.h"

/* --- there and back --------------------------------------------------------------------------- */

static void a_flow_leaves_as_this_nodes_and_comes_back_as_the_vips(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 40000, 0);
	uint16_t port = nat_there(x, &tcp, 0);

	nat_back(x, &tcp, port, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	tcp.tcp_flags = TCP_ACK_FLAG;
	tcp.payload = 700;
	assert_int_equal(nat_there(x, &tcp, 0), port);
	nat_back(x, &tcp, port, 0, TCP_ACK_FLAG);
	port = nat_there(x, &udp, 0);
	assert_int_equal(nat_there(x, &udp, 0), port);
	nat_back(x, &udp, port, 0, 0);
	assert_int_equal(nat_count(x, 0), 2);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 2);
}

static void sums_are_right_whatever_ports_and_addresses_are(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned i = 0; i < 400; i++) {
		struct frame_spec req = bed_request(i & 1 ? &x->tcp : &x->udp,
						    (uint16_t)(1024 + i * 161), TCP_SYN_FLAG);

		req.payload = (uint16_t)(i * 3 + 1);
		req.ttl = (uint8_t)(2 + i % 250);
		nat_back(x, &req, nat_there(x, &req, 0), 0, i & 2 ? TCP_ACK_FLAG : TCP_SYN_FLAG);
	}
	assert_int_equal(nat_count(x, 0), 400);
}

/* RFC 768: a UDP checksum that is not there stays so. */
static void a_datagram_without_a_checksum_gets_none(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec udp = bed_request(&x->udp, 40000, 0);

	udp.no_udp_checksum = true;
	(void)nat_there(x, &udp, 0);
}

static void a_tag_is_taken_off(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	tcp.vlan = 7;
	(void)nat_there(x, &tcp, 0);
}

static void flows_to_one_backend_have_ports_of_their_own(void **state)
{
	struct bed *x = bed_begin(state);
	uint8_t used[PORTS] = {0};

	for (unsigned i = 0; i < 2000; i++) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(1024 + i), TCP_SYN_FLAG);
		uint16_t port = nat_there(x, &req, 0);

		assert_false(used[port - FIRST]);
		used[port - FIRST] = 1;
	}
	for (unsigned i = 0; i < 2000; i++) { /* and keep them */
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(1024 + i), TCP_ACK_FLAG);

		assert_true(used[nat_there(x, &req, 0) - FIRST]);
	}
	assert_int_equal(nat_count(x, 0), 2000);
}

/* What is kept says which port it is, not where there is room now. */
static void a_flow_keeps_its_port_when_earlier_ones_become_free(void **state)
{
	struct bed *x = bed_begin(state);
	uint16_t ports[200];

	rig_set_nat(x->rig, FIRST, 512);
	for (unsigned i = 0; i < 200; i++) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(1024 + i), TCP_SYN_FLAG);

		ports[i] = nat_there(x, &req, 0);
		nat_establish(x, &req, ports[i], 0);
	}
	for (unsigned i = 0; i < 200; i += 2)
		nat_only(x, ports[i])->hash = LB_FLOW_FREE;
	for (unsigned i = 1; i < 200; i += 2) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(1024 + i), TCP_ACK_FLAG);

		assert_int_equal(nat_there(x, &req, 0), ports[i]);
	}
}

static void one_port_serves_several_backends(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const unsigned second[] = {1};

	rig_set_nat(x->rig, FIRST, 1);
	assert_int_equal(nat_there(x, &req, 0), FIRST);
	rig_set_rows(x->rig, &x->tcp, second, 1, 0);
	assert_int_equal(nat_there(x, &req, 1), FIRST);
	nat_back(x, &req, FIRST, 0, TCP_ACK_FLAG);
	nat_back(x, &req, FIRST, 1, TCP_ACK_FLAG);
	assert_int_equal(nat_count(x, 0), 2);
}

/* Another address of this node is the source for new flows; those that there are know the old one.
 */
static void a_flow_keeps_its_source_address(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec old = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec new = bed_request(&x->tcp, 40001, TCP_SYN_FLAG), want;
	const uint16_t port = nat_there(x, &old, 0);

	nat_add_server(x, &x->tcp, 0, MOVED);
	assert_int_equal(nat_there(x, &old, 0), port);
	nat_back(x, &old, port, 0, TCP_ACK_FLAG);
	assert_int_equal(bed_xdp(x, &new), XDP_TX);
	want = nat_as_there(&new, nat_port_at(&x->out, 0), 0);
	want.src = MOVED;
	nat_expect_frame(x, &want);
}

/* The row's first is another one now, and the flow has an entry in the flow table. */
static void a_flow_keeps_its_backend_when_rows_change(void **state)
{
	const unsigned order[] = {0, 1}, swapped[] = {1, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	uint16_t port;

	rig_set_rows(x->rig, &x->tcp, order, 2, LB_ROW_UNSETTLED);
	port = nat_there(x, &req, 0);
	rig_set_rows(x->rig, &x->tcp, swapped, 2, LB_ROW_UNSETTLED);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(nat_there(x, &req, 0), port);
	nat_back(x, &req, port, 0, TCP_ACK_FLAG);
}

/* --- what is not ours ------------------------------------------------------------------------- */

static void what_else_comes_to_this_node_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG), other;
	const uint16_t port = nat_there(x, &req, 0);

	other = nat_answer_of(&req, port, 1, TCP_ACK_FLAG); /* of another backend */
	nat_expect_passed(x, &other);
	other = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	other.sport++;
	nat_expect_passed(x, &other);
	other = nat_answer_of(&req, (uint16_t)(port == FIRST ? FIRST + 1 : port - 1), 0,
			      TCP_ACK_FLAG);
	nat_expect_passed(x, &other);
	other = nat_answer_of(&req, 6443, 0, TCP_ACK_FLAG); /* of no port of the range */
	nat_expect_passed(x, &other);
	other = nat_answer_of(&req, port, 0, 0);
	other.proto = IPPROTO_UDP;
	nat_expect_passed(x, &other);
	other = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	other.dst = MOVED; /* to another address of this node */
	nat_expect_passed(x, &other);
	other = (struct frame_spec){.src = CLIENT,
				    .dst = HERE,
				    .proto = bed_icmp(),
				    .icmp_type = bed_is_v6() ? 128 : 8};
	nat_expect_passed(x, &other);
}

/* As a reader finds it that comes between two writers. */
static void an_entry_that_is_not_whole_is_nobodys(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG), answer;
	const uint16_t port = nat_there(x, &req, 0);

	answer = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	rig_nat_line(x->rig, (uint32_t)(port - FIRST))->of[nat_way_of(x, port)].client[3] ^=
		htonl(1);
	nat_expect_passed(x, &answer);
}

static void without_a_table_nothing_leaves(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	rig_set_nat(x->rig, 0, 0);
	bed_expect_drop(x, &req, LB_DROP_NAT_PORTS);
	assert_int_equal(nat_count(x, 0), 0);
}

static void without_a_neighbour_on_the_way_back_the_kernel_has_it(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG), answer, want;

	req.src = STRANGER;
	answer = nat_answer_of(&req, nat_there(x, &req, 0), 0, TCP_ACK_FLAG);
	want = answer;
	want.src = VIP;
	want.sport = x->tcp.port;
	want.dst = STRANGER;
	want.dport = 40000;
	assert_int_equal(bed_xdp(x, &answer), XDP_PASS);
	frame_make(&x->want, &want);
	assert_true(frame_equal(&x->out, &x->want));
}

/* --- states, and room ------------------------------------------------------------------------- */

static void states_follow_what_is_said(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const uint16_t port = nat_there(x, &req, 0);
	struct lb_flow *entry = nat_only(x, port);

	assert_int_equal(rig_flow_state(entry), LB_FLOW_NEW);
	nat_back(x, &req, port, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_ANSWERED);
	nat_back(x, &req, port, 0, TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_ESTABLISHED);
	req.tcp_flags = TCP_RST_FLAG;
	(void)nat_there(x, &req, 0);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_CLOSING);
	req.tcp_flags = TCP_SYN_FLAG;
	assert_int_equal(nat_there(x, &req, 0), port);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_NEW);
	nat_establish(x, &req, port, 0);
	nat_back(x, &req, port, 0, TCP_FIN_FLAG | TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_CLOSING);
}

static void packets_of_either_side_keep_an_entry_young(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	const uint16_t port = nat_there(x, &req, 0);
	struct lb_flow *entry = nat_only(x, port);
	const uint8_t age = entry->age;

	bed_make_silent(entry, 3);
	(void)nat_there(x, &req, 0);
	assert_int_equal(entry->age, age);
	bed_make_silent(entry, 3);
	nat_back(x, &req, port, 0, 0);
	assert_int_equal(entry->age, age);
}

static void a_reset_of_nobody_begins_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_RST_FLAG);

	bed_expect_drop(x, &req, LB_DROP_NO_BACKEND);
	assert_int_equal(nat_count(x, 0), 0);
}

/* Flows that live keep their ports, whatever comes; those that have not begun give way. */
static void no_port_is_taken_from_who_lives(void **state)
{
	struct bed *x = bed_begin(state);
	unsigned n = 0, refused = 0;
	uint16_t ports[8];

	rig_set_nat(x->rig, FIRST, 8);
	for (unsigned i = 0; n < 8 && i < 100; i++) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(1024 + i), TCP_SYN_FLAG);
		const uint64_t before = rig_drops(x->rig, LB_DROP_NAT_PORTS);

		if (bed_xdp(x, &req) == XDP_TX) {
			ports[n] = nat_port_at(&x->out, 0);
			nat_establish(x, &req, ports[n++], 0);
		} else {
			assert_int_equal(rig_drops(x->rig, LB_DROP_NAT_PORTS), before + 1);
			refused++;
		}
	}
	assert_int_equal(n, 8);
	for (unsigned i = 0; i < 500; i++) { /* a flood finds nothing */
		const struct frame_spec syn =
			bed_request(&x->tcp, (uint16_t)(20000 + i), TCP_SYN_FLAG);

		bed_expect_drop(x, &syn, LB_DROP_NAT_PORTS);
	}
	assert_int_equal(nat_count(x, LB_FLOW_ESTABLISHED), 8);
	nat_only(x, ports[3])->state = LB_FLOW_CLOSING | 1 << LB_FLOW_GEN_SHIFT;
	n = 0;
	for (unsigned i = 0; i < 500; i++) {
		const struct frame_spec syn =
			bed_request(&x->tcp, (uint16_t)(30000 + i), TCP_SYN_FLAG);

		if (bed_xdp(x, &syn) == XDP_TX) {
			assert_int_equal(nat_port_at(&x->out, 0), ports[3]);
			n++;
		}
	}
	assert_true(n > 100); /* each of which drove out the one before */
	assert_int_equal(nat_count(x, LB_FLOW_ESTABLISHED), 7);
	assert_int_equal(nat_count(x, 0), 8);
}

static void who_has_been_silent_for_too_long_gives_way(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct frame_spec next = bed_request(&x->tcp, 40001, TCP_SYN_FLAG);

	rig_set_nat(x->rig, FIRST, 1);
	nat_establish(x, &req, nat_there(x, &req, 0), 0);
	bed_make_silent(nat_only(x, FIRST), LB_FLOW_AGES);
	bed_expect_drop(x, &next, LB_DROP_NAT_PORTS);
	bed_make_silent(nat_only(x, FIRST), 1);
	assert_int_equal(nat_there(x, &next, 0), FIRST);
	assert_int_equal(nat_count(x, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_flow_leaves_as_this_nodes_and_comes_back_as_the_vips, nat_setup),
		CLAIM_BOTH(sums_are_right_whatever_ports_and_addresses_are, nat_setup),
		CLAIM_V4(a_datagram_without_a_checksum_gets_none, nat_setup),
		CLAIM_BOTH(a_tag_is_taken_off, nat_setup),
		CLAIM_BOTH(flows_to_one_backend_have_ports_of_their_own, nat_setup),
		CLAIM_BOTH(a_flow_keeps_its_port_when_earlier_ones_become_free, nat_setup),
		CLAIM_BOTH(one_port_serves_several_backends, nat_setup),
		CLAIM_BOTH(a_flow_keeps_its_source_address, nat_setup),
		CLAIM_BOTH(a_flow_keeps_its_backend_when_rows_change, nat_setup),
		CLAIM_BOTH(what_else_comes_to_this_node_is_the_kernels, nat_setup),
		CLAIM_BOTH(an_entry_that_is_not_whole_is_nobodys, nat_setup),
		CLAIM_BOTH(without_a_table_nothing_leaves, nat_setup),
		CLAIM_BOTH(without_a_neighbour_on_the_way_back_the_kernel_has_it, nat_setup),
		CLAIM_V4(states_follow_what_is_said, nat_setup),
		CLAIM_V4(packets_of_either_side_keep_an_entry_young, nat_setup),
		CLAIM_BOTH(a_reset_of_nobody_begins_nothing, nat_setup),
		CLAIM_BOTH(no_port_is_taken_from_who_lives, nat_setup),
		CLAIM_V4(who_has_been_silent_for_too_long_gives_way, nat_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
