// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Packets to real servers beyond the nodes, which answer their clients directly. */
#include "bpf/tunnel_bed.h"

static const unsigned ways[] = {LB_WAY_L2, LB_WAY_IPIP, LB_WAY_GUE};
#define SERVER     NODE
#define OTHER_NODE 78u
#define THIRD      0x0a090003 /* its end */

/* A real server is no node, and is at no end of a tunnel; this node needs none, either. */
static void server_begin(struct bed *x, int family, unsigned way)
{
	struct rig_hop h = tunnel_hop(family);

	h.is_on_link = true;
	rig_add_node(x->rig, SERVER, family, THERE, 0);
	rig_set_node_state(x->rig, SERVER, LB_NODE_IN_USE);
	rig_set_hop(x->rig, SERVER, 0, &h);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE);
	rig_set_flags(x->rig, &x->udp, LB_SVC_REMOTE);
	rig_set_server(x->rig, &x->tcp, 0, SERVER, way);
	rig_set_server(x->rig, &x->udp, 0, SERVER, way);
}

static size_t over_of(unsigned way, int family)
{
	if (way == LB_WAY_L2)
		return 0;
	return tunnel_ip_len(family) + (way == LB_WAY_GUE ? 8 : 0);
}

/* What x->out has to be: the packet as it was but for a hop, behind what the way adds. */
static void expect_frame(struct bed *x, struct frame *inner, unsigned way, int family, uint8_t tos)
{
	const size_t len = inner->len - FRAME_IP;
	struct tunnel_spec t = {.family = family, .src = HERE, .dst = THERE, .tos = tos};
	uint8_t *at;

	if (way == LB_WAY_IPIP)
		t.proto = bed_is_v6() ? 41 : 4;
	at = put_ethernet(x->want.bytes, way == LB_WAY_L2 ? frame_family() : family);
	if (way != LB_WAY_L2)
		at = put_outer_ip(at, &t, len + (way == LB_WAY_GUE ? 8 : 0));
	if (way == LB_WAY_GUE) {
		assert_true(tunnel_take_port(&x->out, family) >= 49152);
		at = put_u16(at, 0);
		at = put_u16(at, LB_GUE_PORT);
		at = put_u16(at, 8 + len);
		at = put_u16(at, 0);
	} else if (way == LB_WAY_IPIP && family == AF_INET6) {
		x->out.bytes[FRAME_IP + 1] &= 0xf0; /* the flow's label */
		x->out.bytes[FRAME_IP + 2] = x->out.bytes[FRAME_IP + 3] = 0;
	}
	memcpy(at, &inner->bytes[FRAME_IP], len);
	x->want.len = (size_t)(at + len - x->want.bytes);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

static void expect_sent(struct bed *x, const struct frame_spec *req, unsigned way, int family)
{
	struct frame_spec s = *req;
	struct frame inner;

	s.ttl = (uint8_t)((s.ttl ? s.ttl : 64) - 1);
	frame_make(&inner, &s);
	expect_frame(x, &inner, way, family, 0);
}

/* --- what leaves ------------------------------------------------------------------------------ */

static void each_way_has_its_headers_and_the_packet_stays(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct frame_spec datagram = bed_request(&x->udp, 40000, 0);

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 3; k++) {
			server_begin(x, outers[i], ways[k]);
			assert_int_equal(bed_xdp(x, &ack), XDP_TX);
			expect_sent(x, &ack, ways[k], outers[i]);
			assert_int_equal(bed_xdp(x, &datagram), XDP_TX);
			expect_sent(x, &datagram, ways[k], outers[i]);
		}
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 6);
	assert_int_equal(rig_n_flows(x->rig), 1); /* the datagrams' */
}

static void classes_are_copied_outside(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	struct frame inner;

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 1; k < 3; k++) {
			server_begin(x, outers[i], ways[k]);
			for (unsigned tos = 0; tos < 256; tos += 51) {
				frame_make(&x->in, &req);
				if (bed_is_v6()) {
					x->in.bytes[FRAME_IP] = (uint8_t)(0x60 | tos >> 4);
					x->in.bytes[FRAME_IP + 1] = (uint8_t)(tos << 4);
				} else {
					x->in.bytes[FRAME_IP + 1] = (uint8_t)tos;
					put_u16(&x->in.bytes[FRAME_IP + 10], 0);
					put_u16(&x->in.bytes[FRAME_IP + 10],
						(uint16_t)~frame_sum(0, &x->in.bytes[FRAME_IP],
								     20));
				}
				inner = x->in;
				inner.bytes[FRAME_IP + (bed_is_v6() ? 7 : 8)]--;
				if (!bed_is_v6()) {
					put_u16(&inner.bytes[FRAME_IP + 10], 0);
					put_u16(&inner.bytes[FRAME_IP + 10],
						(uint16_t)~frame_sum(0, &inner.bytes[FRAME_IP],
								     20));
				}
				assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
				expect_frame(x, &inner, ways[k], outers[i], (uint8_t)tos);
			}
		}
}

/* Whatever the header's sum is: the one that is corrected is right. */
static void a_hop_is_counted_by_any_checksum(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	server_begin(x, AF_INET, LB_WAY_L2);
	for (unsigned ttl = 2; ttl < 256; ttl++) {
		req.ttl = (uint8_t)ttl;
		req.payload = (uint16_t)(20 + ttl * 5);
		req.src = CLIENT + ttl * 7919;
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		expect_sent(x, &req, LB_WAY_L2, AF_INET);
		assert_true(frame_is_valid(&x->out));
	}
}

static void what_has_no_hop_left_is_said_to_its_client(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const uint8_t *icmp = &x->out.bytes[FRAME_IP + frame_ip_len()];

	req.ttl = 1;
	for (size_t k = 0; k < 3; k++) {
		server_begin(x, AF_INET, ways[k]);
		assert_int_equal(bed_xdp(x, &req), XDP_TX);
		assert_int_equal(icmp[0], bed_is_v6() ? 3 : 11);
		assert_int_equal(icmp[1], 0);
		assert_int_equal(frame_dst(&x->out), CLIENT & 0xff);
		assert_int_equal(rig_drops(x->rig, LB_DROP_TTL), k + 1);
	}
}

static void what_does_not_fit_is_said_to_its_client_too(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const uint8_t *icmp = &x->out.bytes[FRAME_IP + frame_ip_len()];
	unsigned n = 0;

	req.frag = bed_is_v6() ? 0 : 0x4000;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 3; k++) {
			const size_t most = MTU - over_of(ways[k], outers[i]);

			server_begin(x, outers[i], ways[k]);
			req.payload = (uint16_t)(most - frame_ip_len() - 20);
			assert_int_equal(bed_xdp(x, &req), XDP_TX);
			assert_int_equal(x->out.len, FRAME_IP + MTU);
			req.payload++;
			assert_int_equal(bed_xdp(x, &req), XDP_TX);
			assert_true(x->out.len < 200);
			assert_int_equal(icmp[0], bed_is_v6() ? 2 : 3);
			assert_int_equal(icmp[1], bed_is_v6() ? 0 : 4);
			assert_int_equal(icmp[6] << 8 | icmp[7], most);
			assert_int_equal(rig_drops(x->rig, LB_DROP_TOO_BIG), ++n);
		}
}

static void what_may_be_cut_and_is_too_large_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);

	server_begin(x, AF_INET, LB_WAY_IPIP);
	req.payload = MTU - 20 - 28;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	req.payload++;
	bed_expect_drop(x, &req, LB_DROP_TOO_BIG);
}

/* --- ways ------------------------------------------------------------------------------------- */

/* A router would send it back here: the address is the VIP. Other headers say where it is to go. */
static void over_a_router_only_what_has_another_header_gets(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct rig_hop h = tunnel_hop(AF_INET);

	server_begin(x, AF_INET, LB_WAY_L2);
	rig_set_hop(x->rig, SERVER, 0, &h);
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
	rig_set_server(x->rig, &x->tcp, 0, SERVER, LB_WAY_IPIP);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	expect_sent(x, &req, LB_WAY_IPIP, AF_INET);
	rig_set_server(x->rig, &x->tcp, 0, SERVER, LB_WAY_L2);
	h.is_on_link = true;
	h.is_torn = true; /* and the kernel has it on no link here */
	rig_set_hop(x->rig, SERVER, 0, &h);
	bed_expect_drop(x, &req, LB_DROP_NO_NEXT_HOP);
}

static void it_leaves_by_another_device_where_the_way_does(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct rig_hop h = tunnel_hop(AF_INET);

	server_begin(x, AF_INET, LB_WAY_L2);
	h.is_on_link = true;
	h.ifindex = RIG_IFINDEX + 1;
	rig_set_hop(x->rig, SERVER, 0, &h);
	assert_int_equal(bed_xdp(x, &req), XDP_DROP); /* it is not among the devices */
	rig_add_device(x->rig, RIG_IFINDEX + 1);
	assert_int_equal(bed_xdp(x, &req), XDP_REDIRECT);
	expect_sent(x, &req, LB_WAY_L2, AF_INET);
}

/* --- flows ------------------------------------------------------------------------------------ */

/* No echo is asked of it: whether it is ready the EndpointSlice says. */
static void a_flow_begins_there_and_stays_when_rows_change(void **state)
{
	const unsigned swapped[] = {1, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct lb_flow *entry;

	server_begin(x, AF_INET, LB_WAY_GUE);
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){0, 1}, 2, LB_ROW_UNSETTLED);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	expect_sent(x, &req, LB_WAY_GUE, AF_INET);
	entry = rig_remote_flow(x->rig, &req, 0);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_NEW);
	rig_set_rows(x->rig, &x->tcp, swapped, 2, LB_ROW_UNSETTLED);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	expect_sent(x, &req, LB_WAY_GUE, AF_INET);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_ANSWERED);
	req.tcp_flags = TCP_RST_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(rig_flow_state(entry), LB_FLOW_CLOSING);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* Nobody can be asked at a real server: the nodes after it are, and the row's first has the rest.
 */
static void a_flow_that_nobody_knows_is_asked_for_at_nodes_alone(void **state)
{
	const unsigned named[] = {0, 1, 0, 0};
	const struct rig_hop h = tunnel_hop(AF_INET);
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const uint8_t *data = &x->out.bytes[FRAME_IP + 20 + 8 + 4];

	server_begin(x, AF_INET, LB_WAY_IPIP);
	rig_set_rows(x->rig, &x->tcp, named, 2, LB_ROW_UNSETTLED);
	rig_add_node(x->rig, OTHER_NODE, AF_INET, THIRD, 1);
	rig_set_hop(x->rig, OTHER_NODE, 0, &h);
	rig_set_remote(x->rig, &x->tcp, 1, OTHER_NODE);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(x->out.bytes[FRAME_IP + 19], THIRD & 0xff);
	assert_int_equal(data[1], 1); /* the second is asked first */
	assert_int_equal(data[2], LB_TUNNEL_ASK);
	assert_int_equal(rig_n_flows(x->rig), 0);
	rig_set_server(x->rig, &x->tcp, 1, SERVER, LB_WAY_IPIP);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	expect_sent(x, &req, LB_WAY_IPIP, AF_INET);
	assert_non_null(rig_remote_flow(x->rig, &req, 0));
}

/* ... and so does a node that is asked: what nobody there knows goes back to the first. */
static void a_node_that_is_asked_asks_no_real_server(void **state)
{
	const unsigned named[] = {0, 1, 0, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	rig_add_node(x->rig, OTHER_NODE, AF_INET, THIRD, 1);
	rig_set_server(x->rig, &x->tcp, 1, OTHER_NODE, LB_WAY_IPIP);
	rig_set_rows(x->rig, &x->tcp, named, 2, LB_ROW_UNSETTLED);
	t.flags = LB_TUNNEL_ASK;
	t.backends = named;
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	tunnel_expect_given(x, &req, 0);
}

static void later_fragments_follow_the_first(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	struct frame whole;

	server_begin(x, AF_INET, LB_WAY_L2);
	req.payload = 600;
	frame_make(&whole, &req);
	for (size_t offset = 0; offset < 600; offset += 304) {
		frame_cut(&x->in, &whole, offset, 304, 77);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
		memcpy(x->want.bytes, x->in.bytes, x->in.len);
		(void)put_ethernet(x->want.bytes, frame_family());
		x->want.bytes[FRAME_IP + (bed_is_v6() ? 7 : 8)]--;
		if (!bed_is_v6()) {
			put_u16(&x->want.bytes[FRAME_IP + 10], 0);
			put_u16(&x->want.bytes[FRAME_IP + 10],
				(uint16_t)~frame_sum(0, &x->want.bytes[FRAME_IP], 20));
		}
		assert_int_equal(x->out.len, x->in.len);
		assert_memory_equal(x->out.bytes, x->want.bytes, x->in.len);
	}
}

/* The real server sent what it is about as the VIP, and has to hear of it as the VIP. */
static void errors_about_its_answers_go_there(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec answer = {.src = VIP,
				    .dst = CLIENT,
				    .sport = 80,
				    .dport = 40000,
				    .proto = IPPROTO_TCP,
				    .payload = 200};
	struct frame quoted;
	struct frame_spec error = {.src = CLIENT,
				   .dst = VIP,
				   .proto = bed_icmp(),
				   .icmp_type = bed_is_v6() ? 2 : 3,
				   .quote = &quoted,
				   .quote_len = 64};

	frame_make(&quoted, &answer);
	server_begin(x, AF_INET, LB_WAY_L2);
	assert_int_equal(bed_xdp(x, &error), XDP_TX);
	expect_sent(x, &error, LB_WAY_L2, AF_INET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(each_way_has_its_headers_and_the_packet_stays, tunnel_setup),
		CLAIM_BOTH(classes_are_copied_outside, tunnel_setup),
		CLAIM_BOTH(a_hop_is_counted_by_any_checksum, tunnel_setup),
		CLAIM_BOTH(what_has_no_hop_left_is_said_to_its_client, tunnel_setup),
		CLAIM_BOTH(what_does_not_fit_is_said_to_its_client_too, tunnel_setup),
		CLAIM_V4(what_may_be_cut_and_is_too_large_is_dropped, tunnel_setup),
		CLAIM_BOTH(over_a_router_only_what_has_another_header_gets, tunnel_setup),
		CLAIM_BOTH(it_leaves_by_another_device_where_the_way_does, tunnel_setup),
		CLAIM_BOTH(a_flow_begins_there_and_stays_when_rows_change, tunnel_setup),
		CLAIM_V4(a_flow_that_nobody_knows_is_asked_for_at_nodes_alone, tunnel_setup),
		CLAIM_BOTH(a_node_that_is_asked_asks_no_real_server, tunnel_setup),
		CLAIM_BOTH(later_fragments_follow_the_first, tunnel_setup),
		CLAIM_BOTH(errors_about_its_answers_go_there, tunnel_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
