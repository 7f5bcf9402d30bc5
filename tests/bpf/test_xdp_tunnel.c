// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Packets to backends on other nodes: what leaves for there, and what comes from there. */
#include "bpf/tunnel_bed.h"

/* --- to another node -------------------------------------------------------------------------- */

static void what_is_for_another_node_goes_there_in_gue(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (size_t i = 0; i < 2; i++) {
		const struct tunnel_spec want = {.family = outers[i], .src = HERE, .dst = THERE};

		tunnel_begin(x, outers[i]);
		rig_set_remote(x->rig, &x->tcp, 0, NODE);
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		tunnel_expect_sent(x, &req, &want);
	}
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 2);
	assert_int_equal(rig_n_flows(x->rig), 0); /* the row is settled: nobody looks */
}

static void datagrams_go_there_too_and_have_an_entry(void **state)
{
	const struct tunnel_spec want = {.family = AF_INET, .src = HERE, .dst = THERE};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->udp, 0, NODE);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		tunnel_expect_sent(x, &req, &want);
	}
	assert_int_equal(rig_n_flows(x->rig), 1);
	assert_non_null(rig_remote_flow(x->rig, &req, 0));
}

static void a_new_flow_has_an_entry_by_client_and_vip(void **state)
{
	const struct tunnel_spec want = {.family = AF_INET, .src = HERE, .dst = THERE};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct lb_flow *entry;

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	entry = rig_remote_flow(x->rig, &req, 0);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_NEW);
	assert_int_equal(entry->backend, 0);
	assert_int_equal(rig_n_flows(x->rig), 1);
	assert_null(rig_flow(x->rig, &req, 0));
}

/* Of an unsettled row: its own entry says whose it is, and its packets keep that young. */
static void a_flow_that_began_here_is_kept_by_its_entry(void **state)
{
	const unsigned swapped[] = {1, 0}, named[] = {0};
	const struct tunnel_spec want = {
		.family = AF_INET, .src = HERE, .dst = THERE, .backends = named};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct lb_flow *entry;

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_remote(x->rig, &x->tcp, 1, NODE);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	rig_set_rows(x->rig, &x->tcp, swapped, 2, LB_ROW_UNSETTLED);
	entry = rig_remote_flow(x->rig, &req, 0);
	bed_make_silent(entry, 2);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_ANSWERED); /* never more: see entry.h */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_ANSWERED);
	req.tcp_flags = TCP_ACK_FLAG | TCP_FIN_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_CLOSING);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* The entry is young again by each packet. */
static void the_clients_packets_keep_the_entry_young(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct lb_flow *entry;
	uint8_t age;

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){0, 1}, 2, LB_ROW_UNSETTLED);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	entry = rig_remote_flow(x->rig, &req, 0);
	age = entry->age;
	bed_make_silent(entry, 100);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_true((uint8_t)(entry->age - age) <= 1);
}

static void new_flows_do_not_go_to_a_node_that_is_silent(void **state)
{
	const struct tunnel_spec want = {.family = AF_INET, .src = HERE, .dst = THERE};
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 40001, TCP_ACK_FLAG);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_node_state(x->rig, NODE, LB_NODE_IN_USE | LB_NODE_KNOWN);
	assert_int_equal(bed_xdp(x, &ack), XDP_TX); /* who is there already may still be */
	tunnel_expect_sent(x, &ack, &want);
	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), 2); /* backend 1 */
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 1)), LB_FLOW_NEW);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
}

/* A node of its own, which is well, and whose number is at another place. */
#define OTHER_NODE  8
#define OTHER_THERE (THERE + 7)

/* The first candidate is on a node that is well when the flow begins; `state` is what it is then.
 */
static void fall_silent(struct bed *x, const struct frame_spec *syn, uint64_t state)
{
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_node_state(x->rig, NODE, LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE);
	assert_int_equal(bed_xdp(x, syn), XDP_TX);
	assert_int_equal(rig_remote_flow(x->rig, syn, 0)->backend, 0);
	rig_set_node_state(x->rig, NODE, state);
}

/* Silent, or no node any more. */
static const uint64_t silent[] = {LB_NODE_IN_USE | LB_NODE_KNOWN, LB_NODE_IN_USE, 0};

/* Whose SYN was not answered sends it again: to one who is here, who has all that follows. */
static void a_repeated_syn_chooses_anew_when_its_node_is_silent(void **state)
{
	const unsigned in_order[] = {0, 1};
	struct bed *x = bed_begin(state);

	tunnel_begin(x, AF_INET);
	for (unsigned i = 0; i < 6; i++) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(40000 + i), TCP_SYN_FLAG);

		rig_set_rows(x->rig, &x->tcp, in_order, 2, i % 2 ? LB_ROW_UNSETTLED : 0);
		fall_silent(x, &req, silent[i / 2]);
		assert_int_equal(bed_xdp(x, &req), XDP_PASS);
		assert_int_equal(frame_dst(&x->out), 2);
		assert_int_equal(rig_flow_state(rig_remote_flow(x->rig, &req, 0)), LB_FLOW_CLOSING);
		assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
		assert_int_equal(bed_xdp(x, &req), XDP_PASS); /* once more */
		req.tcp_flags = TCP_ACK_FLAG;
		assert_int_equal(bed_xdp(x, &req), XDP_PASS);
		assert_int_equal(frame_dst(&x->out), 2);
	}
}

/* The next candidate is on a third node: the entry is the same one, and names him. */
static void a_flow_that_leaves_a_silent_node_is_another_nodes(void **state)
{
	const unsigned in_order[] = {0, 1}, named[] = {1};
	const struct tunnel_spec want = {
		.family = AF_INET, .src = HERE, .dst = OTHER_THERE, .backends = named};
	const struct rig_hop h = tunnel_hop(AF_INET);
	struct bed *x = bed_begin(state);

	tunnel_begin(x, AF_INET);
	rig_add_node(x->rig, OTHER_NODE, AF_INET, OTHER_THERE, 1);
	rig_set_hop(x->rig, OTHER_NODE, 0, &h);
	for (unsigned i = 0; i < 2; i++) {
		struct frame_spec req = bed_request(&x->tcp, (uint16_t)(40000 + i), TCP_SYN_FLAG);

		rig_set_rows(x->rig, &x->tcp, in_order, 2, i ? LB_ROW_UNSETTLED : 0);
		fall_silent(x, &req, silent[0]);
		rig_set_remote(x->rig, &x->tcp, 1, OTHER_NODE);
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		tunnel_expect_sent(x, &req, &want);
		assert_int_equal(rig_remote_flow(x->rig, &req, 0)->backend, 1);
		req.tcp_flags = TCP_ACK_FLAG;
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		tunnel_expect_sent(x, &req, &want);
		assert_int_equal(rig_n_flows(x->rig), i + 1);
	}
}

/* A port that a client uses again, while the entry of its last flow is there. */
static void a_port_that_is_used_again_leaves_a_silent_node(void **state)
{
	const unsigned in_order[] = {1, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	tunnel_begin(x, AF_INET);
	fall_silent(x, &req, LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE);
	req.tcp_flags = TCP_ACK_FLAG;
	rig_set_rows(x->rig, &x->tcp, in_order, 2, LB_ROW_UNSETTLED);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(rig_flow_state(rig_remote_flow(x->rig, &req, 0)), LB_FLOW_ANSWERED);
	rig_set_node_state(x->rig, NODE, silent[0]);
	assert_int_equal(bed_xdp(x, &req), XDP_TX); /* what goes on may still be heard there */
	req.tcp_flags = TCP_SYN_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), 2);
}

/* All four candidates are on nodes that do not answer: another pod has it, and all that follows. */
static void without_a_candidate_that_answers_another_pod_has_it(void **state)
{
	const unsigned in_order[] = {0, 1, 2, 3};
	const unsigned named[] = {5};
	const struct tunnel_spec want = {
		.family = AF_INET, .src = HERE, .dst = OTHER_THERE, .backends = named};
	const struct rig_hop h = tunnel_hop(AF_INET);
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	tunnel_begin(x, AF_INET);
	rig_add_node(x->rig, OTHER_NODE, AF_INET, OTHER_THERE, 1);
	rig_set_hop(x->rig, OTHER_NODE, 0, &h);
	for (unsigned i = 0; i < 6; i++) {
		rig_add_backend(x->rig, &x->tcp, i);
		rig_set_remote(x->rig, &x->tcp, i, NODE);
	}
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	rig_set_node_state(x->rig, NODE, silent[0]);
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
	for (unsigned local = 0; local < 2; local++) {
		const int verdict = local ? XDP_PASS : XDP_TX;

		req = bed_request(&x->tcp, (uint16_t)(40000 + local), TCP_SYN_FLAG);
		rig_set_rows(x->rig, &x->tcp, in_order, 4, 0);
		if (local)
			rig_set_backend(x->rig, &x->tcp, 5,
					LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL, 1);
		else
			rig_set_remote(x->rig, &x->tcp, 5, OTHER_NODE);
		for (unsigned i = 0; i < 4; i++) {
			req.tcp_flags = i < 2 ? TCP_SYN_FLAG : TCP_ACK_FLAG;
			assert_int_equal(bed_xdp(x, &req), verdict);
			if (local)
				assert_int_equal(frame_dst(&x->out), 6);
			else
				tunnel_expect_sent(x, &req, &want);
		}
		assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
		assert_int_equal(rig_n_flows(x->rig), local + 1);
	}
}

/* Datagrams do not say which is the first: of a flow that is known none begins it anew. */
static void a_flow_of_datagrams_stays_at_a_silent_node(void **state)
{
	const unsigned in_order[] = {0, 1};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->udp, 0, NODE);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	rig_set_node_state(x->rig, NODE, silent[0]);
	for (unsigned i = 0; i < 2; i++) {
		rig_set_rows(x->rig, &x->udp, in_order, 2, i ? LB_ROW_UNSETTLED : 0);
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
	}
	assert_int_equal(rig_n_flows(x->rig), 1);
	req.sport++;
	rig_set_rows(x->rig, &x->udp, in_order, 2, 0);
	assert_int_equal(bed_xdp(x, &req), XDP_PASS); /* but none begins there */
	assert_int_equal(frame_dst(&x->out), 2);
}

static void private_data_has_the_version_that_the_node_is_sent(void **state)
{
	struct tunnel_spec want = {.family = AF_INET, .src = HERE, .dst = THERE, .version = 1};
	struct bed *x = bed_begin(state);
	struct frame_spec ack = bed_request(&x->tcp, 40001, TCP_ACK_FLAG);
	const uint64_t known = LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE;

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	assert_int_equal(bed_xdp(x, &ack), XDP_TX);
	tunnel_expect_sent(x, &ack, &want); /* the lowest, as long as none is told */
	rig_set_node_state(x->rig, NODE, known | 3ull << LB_NODE_VERSION_SHIFT);
	want.version = 3;
	assert_int_equal(bed_xdp(x, &ack), XDP_TX);
	tunnel_expect_sent(x, &ack, &want);
}

static void marks_and_classes_are_copied_outside(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (size_t i = 0; i < 2; i++) {
		tunnel_begin(x, outers[i]);
		rig_set_remote(x->rig, &x->tcp, 0, NODE);
		for (unsigned tos = 0; tos < 256; tos += 37) {
			uint8_t *ip = &x->in.bytes[FRAME_IP];
			const uint8_t *out = &x->out.bytes[FRAME_IP];

			frame_make(&x->in, &req);
			if (bed_is_v6()) {
				ip[0] = (uint8_t)(0x60 | tos >> 4);
				ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0xf));
			} else {
				ip[1] = (uint8_t)tos;
			}
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
			assert_int_equal(outers[i] == AF_INET
						 ? out[1]
						 : (uint8_t)(out[0] << 4 | out[1] >> 4),
					 tos);
		}
	}
}

/* Routers tell tunnels' flows apart by the source port, and one flow's packets are not. */
static void each_flow_has_a_source_port_of_its_own(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	uint16_t first, again, other;

	tunnel_begin(x, AF_INET6);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	first = tunnel_take_port(&x->out, AF_INET6);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	again = tunnel_take_port(&x->out, AF_INET6);
	req.sport++;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	other = tunnel_take_port(&x->out, AF_INET6);
	assert_int_equal(first, again);
	assert_int_not_equal(first, other);
}

/* Nor are the pieces of one packet, the later of which say no ports. */
static void the_pieces_of_a_packet_have_one_source_port(void **state)
{
	const uint16_t piece = 800;
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	struct frame_spec other = bed_request(&x->tcp, 40001, TCP_ACK_FLAG);
	struct frame whole;
	uint16_t first = 0;

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	rig_set_remote(x->rig, &x->udp, 0, NODE);
	req.payload = 3 * piece;
	frame_make(&whole, &req);
	other.vlan = 5; /* which is not sent at once */
	for (uint16_t i = 0; i < 4; i++) {
		frame_cut(&x->in, &whole, i * piece, piece, 7);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
		if (i == 0)
			first = tunnel_take_port(&x->out, AF_INET);
		else
			assert_int_equal(tunnel_take_port(&x->out, AF_INET), first);
		other.sport++;
		assert_int_equal(bed_xdp(x, &other), XDP_TX);
	}
}

static void what_does_not_fit_is_said_to_its_client(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (size_t i = 0; i < 2; i++) {
		const size_t most = (size_t)MTU - tunnel_ip_len(outers[i]) - 8 - 4 -
				    tunnel_data_len(&(struct tunnel_spec){.flags = 0});
		const size_t said = (size_t)MTU - tunnel_ip_len(outers[i]) - 8 - 4 -
				    tunnel_data_len(&(struct tunnel_spec){.flags = LB_TUNNEL_ASK});
		const uint8_t *icmp = &x->out.bytes[FRAME_IP + frame_ip_len()];

		tunnel_begin(x, outers[i]);
		rig_set_remote(x->rig, &x->tcp, 0, NODE);
		req.frag = bed_is_v6() ? 0 : 0x4000;
		req.payload = (uint16_t)(most - frame_ip_len() - 20);
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		assert_int_equal(x->out.len, FRAME_IP + MTU);
		req.payload++;
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		assert_true(x->out.len < 200);
		assert_int_equal(icmp[0], bed_is_v6() ? 2 : 3);
		assert_int_equal(icmp[1], bed_is_v6() ? 0 : 4);
		assert_int_equal(icmp[6] << 8 | icmp[7], said);
		assert_int_equal(rig_drops(x->rig, LB_DROP_TOO_BIG), i + 1);
	}
}

static void what_may_be_cut_and_does_not_fit_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->udp, 0, NODE);
	req.payload = MTU - 44 - 28; /* what a packet may have that is somebody's */
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(x->out.len, FRAME_IP + MTU);
	req.payload++;
	bed_expect_drop(x, &req, LB_DROP_TOO_BIG);
}

/* --- ways ------------------------------------------------------------------------------------- */

static void the_way_of_the_uplink_is_preferred(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct rig_hop h = tunnel_hop(AF_INET);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	h.uplink = 0;
	rig_set_hop(x->rig, NODE, 0, &h);
	h.ifindex = RIG_IFINDEX + 1; /* not among the devices: who goes there is dropped */
	rig_set_hop(x->rig, NODE, 5, &h);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	h.uplink = RIG_IFINDEX;
	rig_set_hop(x->rig, NODE, 5, &h);
	assert_int_equal(bed_xdp(x, &req), XDP_DROP);
	rig_add_device(x->rig, RIG_IFINDEX + 1);
	assert_int_equal(bed_xdp(x, &req), XDP_REDIRECT);
	h.ifindex = RIG_IFINDEX;
	rig_set_hop(x->rig, NODE, 0, &(struct rig_hop){.ifindex = RIG_IFINDEX + 1, .mtu = MTU});
	rig_set_hop(x->rig, NODE, 5, &h);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
}

/* A way that is just being changed is none: neither is what the kernel does not know. */
static void a_way_that_changes_is_not_taken(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct rig_hop h = tunnel_hop(AF_INET);

	tunnel_begin(x, AF_INET);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	h.is_torn = true;
	rig_set_hop(x->rig, NODE, 0, &h);
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
	h.is_torn = false;
	h.tag = 9;
	rig_set_hop(x->rig, NODE, 0, &h);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	rig_set_hop(x->rig, NODE, 0, &(struct rig_hop){.ifindex = 0});
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
	rig_set_hop(x->rig, NODE, 0, &h);
	rig_set_node_state(x->rig, NODE, 0);
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(what_is_for_another_node_goes_there_in_gue, tunnel_setup),
		CLAIM_BOTH(datagrams_go_there_too_and_have_an_entry, tunnel_setup),
		CLAIM_BOTH(a_new_flow_has_an_entry_by_client_and_vip, tunnel_setup),
		CLAIM_BOTH(a_flow_that_began_here_is_kept_by_its_entry, tunnel_setup),
		CLAIM_BOTH(the_clients_packets_keep_the_entry_young, tunnel_setup),
		CLAIM_BOTH(new_flows_do_not_go_to_a_node_that_is_silent, tunnel_setup),
		CLAIM_BOTH(a_repeated_syn_chooses_anew_when_its_node_is_silent, tunnel_setup),
		CLAIM_BOTH(a_flow_that_leaves_a_silent_node_is_another_nodes, tunnel_setup),
		CLAIM_BOTH(a_port_that_is_used_again_leaves_a_silent_node, tunnel_setup),
		CLAIM_BOTH(without_a_candidate_that_answers_another_pod_has_it, tunnel_setup),
		CLAIM_BOTH(a_flow_of_datagrams_stays_at_a_silent_node, tunnel_setup),
		CLAIM_BOTH(private_data_has_the_version_that_the_node_is_sent, tunnel_setup),
		CLAIM_BOTH(marks_and_classes_are_copied_outside, tunnel_setup),
		CLAIM_BOTH(each_flow_has_a_source_port_of_its_own, tunnel_setup),
		CLAIM_BOTH(the_pieces_of_a_packet_have_one_source_port, tunnel_setup),
		CLAIM_BOTH(what_does_not_fit_is_said_to_its_client, tunnel_setup),
		CLAIM_V4(what_may_be_cut_and_does_not_fit_is_dropped, tunnel_setup),
		CLAIM_BOTH(the_way_of_the_uplink_is_preferred, tunnel_setup),
		CLAIM_BOTH(a_way_that_changes_is_not_taken, tunnel_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
