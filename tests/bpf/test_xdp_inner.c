// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Packets from other nodes: given to the backend that they name as if they had come by themselves,
 * and nothing else. Outer headers can be forged by anybody, so what is inside has to pass all that
 * it would have to pass without them.
 */
#include "bpf/tunnel_bed.h"

#define RANGES 3u

/* --- taken out and given ---------------------------------------------------------------------- */

static void what_comes_from_another_node_is_given_to_its_backend(void **state)
{
	const unsigned named[] = {2};
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 40000, 0);

	for (size_t i = 0; i < 2; i++) {
		struct tunnel_spec t = tunnel_from(outers[i]);

		tunnel_begin(x, outers[i]);
		assert_int_equal(tunnel_xdp(x, &tcp, &t), XDP_PASS);
		tunnel_expect_given(x, &tcp, 0);
		t.backends = named; /* whoever is named, and not whom the row says */
		assert_int_equal(tunnel_xdp(x, &udp, &t), XDP_PASS);
		tunnel_expect_given(x, &udp, 2);
	}
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 2);
	assert_int_equal(rig_count(x->rig, &x->udp, 2).packets, 2);
}

/* A flow begins: its backend's answers leave from here, with the VIP. */
static void answers_leave_with_the_vip(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);
	struct frame_spec s = {.src = rig_backend_addr(0),
			       .dst = CLIENT,
			       .sport = RIG_BACKEND_PORT,
			       .dport = 40000,
			       .proto = IPPROTO_TCP,
			       .tcp_flags = TCP_SYN_FLAG | TCP_ACK_FLAG};

	tunnel_begin(x, AF_INET);
	assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
	tunnel_expect_given(x, &syn, 0);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 0)), LB_FLOW_NEW);
	frame_make(&x->in, &s);
	(void)rig_tc(x->rig, &x->in, &x->out);
	s.src = VIP;
	s.sport = 80;
	frame_make(&x->want, &s);
	assert_true(frame_equal(&x->out, &x->want));
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 0)), LB_FLOW_ANSWERED);
}

/* Two VIPs, one backend, one client port: the node that named it does not know of the other one. */
static void where_the_port_is_in_use_another_one_here_has_the_flow(void **state)
{
	const unsigned only[] = {0};
	struct bed *x = bed_begin(state);
	struct frame_spec first = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), req;
	const struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	bed_add(x, &x->other, 443, IPPROTO_TCP, 4);
	req = bed_request(&x->other, 1000, TCP_SYN_FLAG);
	assert_int_equal(tunnel_xdp(x, &first, &t), XDP_PASS);
	tunnel_expect_given(x, &first, 0);
	rig_set_remote(x->rig, &x->other, 1, NODE); /* not that one: nobody would find it there */
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	tunnel_expect_given(x, &req, 2);
	assert_int_equal(rig_marked(x->rig, &x->other), 1);
	req.tcp_flags = TCP_ACK_FLAG;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
		tunnel_expect_given(x, &req, 2);
	}
	first.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(tunnel_xdp(x, &first, &t), XDP_PASS);
	tunnel_expect_given(x, &first, 0);
	req = bed_request(&x->other, 1001, TCP_SYN_FLAG); /* nobody but 0 is left for it */
	first = bed_request(&x->tcp, 1001, TCP_SYN_FLAG);
	assert_int_equal(tunnel_xdp(x, &first, &t), XDP_PASS);
	rig_set_rows(x->rig, &x->other, only, 1, 0);
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUPLE_TAKEN), 1);
}

/* Whom a row does not name is looked for among all of its service's. */
static void a_backend_that_the_row_does_not_name_is_found(void **state)
{
	const unsigned named[] = {3};
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	t.backends = named;
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){0, 1}, 2, 0);
	tunnel_expect_drop(x, &syn, &t, LB_DROP_TUNNEL_TARGET);
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
	tunnel_expect_given(x, &syn, 3);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1); /* its row has another first */
}

/* As for what comes by itself: a settled row's packet looks at no flow. */
static void a_settled_rows_packet_leaves_no_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS);
	ack.tcp_flags = TCP_SYN_FLAG | TCP_ACK_FLAG; /* which begins nothing either */
	assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS);
	assert_int_equal(rig_n_flows(x->rig), 0);
	ack.tcp_flags = TCP_ACK_FLAG;
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){1, 0}, 2, LB_ROW_UNSETTLED);
	assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS); /* its sender knows better */
	tunnel_expect_given(x, &ack, 0);
	assert_non_null(rig_flow(x->rig, &ack, 0));
}

static void a_reset_closes_its_flow(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	req.tcp_flags = TCP_RST_FLAG;
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	tunnel_expect_given(x, &req, 0);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_CLOSING);
}

/* Any of the ten places of an address, and no other. */
static void a_node_is_known_by_either_of_its_places(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	tunnel_begin(x, AF_INET);
	for (unsigned place = 0; place < 2 * LB_NODE_WAYS; place++) {
		struct tunnel_spec t = tunnel_from(AF_INET);

		t.src = 0x0a0a0000 + place;
		tunnel_expect_drop(x, &ack, &t, LB_DROP_TUNNEL_SOURCE);
		rig_add_node(x->rig, 100 + place, AF_INET, t.src, place);
		assert_int_equal(tunnel_xdp(x, &ack, &t), XDP_PASS);
		tunnel_expect_given(x, &ack, 0);
		rig_set_node_state(x->rig, 100 + place, LB_NODE_IN_USE | LB_NODE_USABLE);
		tunnel_expect_drop(x, &ack, &t, LB_DROP_TUNNEL_SOURCE);
	}
}

/* Each mark outside and inside (RFC 6040, figure 4), in both orders of families. */
static void marks_of_the_way_are_merged(void **state)
{
	static const uint8_t merged[4][4] = {
		/* outer: not, ECT(1), ECT(0), CE */
		{0, 0, 0, 0xff}, /* of a sender that knows none */
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};
	struct bed *x = bed_begin(state);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (unsigned i = 0; i < 32; i++) {
		const unsigned inner = i / 4 % 4, outer = i % 4;
		struct tunnel_spec t = tunnel_from(outers[i / 16]);
		const uint8_t *ip = &x->out.bytes[FRAME_IP];
		struct frame frame;
		uint8_t *tos;

		tunnel_begin(x, t.family);
		frame_make(&frame, &ack);
		tos = &frame.bytes[FRAME_IP + 1];
		*tos = (uint8_t)(bed_is_v6() ? inner << 4 | (*tos & 0xf) : 0x28 | inner);
		if (!bed_is_v6()) {
			frame.bytes[FRAME_IP + 10] = frame.bytes[FRAME_IP + 11] = 0;
			put_u16(&frame.bytes[FRAME_IP + 10],
				(uint16_t)~frame_sum(0, &frame.bytes[FRAME_IP], 20));
		}
		t.tos = (uint8_t)(0xb8 | outer); /* what the class outside became is no matter */
		tunnel_make(&x->in, &frame, &t);
		if (merged[inner][outer] == 0xff) {
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
			continue;
		}
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		assert_int_equal(bed_is_v6() ? ip[1] >> 4 : ip[1],
				 bed_is_v6() ? merged[inner][outer] : 0x28 | merged[inner][outer]);
		assert_true(frame_is_valid(&x->out));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUNNEL_ECN), 2);
}

/* --- who forges gains nothing ----------------------------------------------------------------- */

static void what_is_inside_passes_all_that_it_would_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET6);

	tunnel_begin(x, AF_INET6);
	rig_deny(x->rig, CLIENT, bed_whole());
	tunnel_expect_drop(x, &req, &t, LB_DROP_DENIED);
	rig_undeny(x->rig, CLIENT, bed_whole());
	rig_set_ranges(x->rig, &x->tcp, RANGES);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_RANGES);
	tunnel_expect_drop(x, &req, &t, LB_DROP_SOURCE);
	rig_add_range(x->rig, RANGES, CLIENT, bed_whole());
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_RATE);
	rig_set_rate(x->rig, VIP, 0, 1, 5000000000);
	tunnel_expect_drop(x, &req, &t, LB_DROP_RATE);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_BLACKHOLE);
	tunnel_expect_drop(x, &req, &t, LB_DROP_BLACKHOLE);
	req.tcp_flags = TCP_SYN_FLAG;
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_PAUSED);
	tunnel_expect_drop(x, &req, &t, LB_DROP_PAUSED);
}

static void new_flows_are_counted_here_too(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	rig_set_limit(x->rig, &x->tcp, 1);
	assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
	syn.sport++;
	assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
	assert_int_equal(rig_n_flows(x->rig), 1);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 1);
	rig_set_source_flows(x->rig, 1);
	syn.sport++;
	assert_int_equal(tunnel_xdp(x, &syn, &t), XDP_PASS);
	syn.sport++;
	tunnel_expect_drop(x, &syn, &t, LB_DROP_SOURCE_RATE);
}

static void only_backends_of_the_vip_that_are_here_are_reached(void **state)
{
	const unsigned stranger[] = {9};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	t.backends = stranger; /* a pod of nobody's */
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	bed_add(x, &x->other, 81, IPPROTO_TCP, 1);
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	t.backends = NULL; /* one of the other port's, but not of this one's here */
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	req.dport = 81;
	assert_int_equal(tunnel_xdp(x, &req, &t), XDP_PASS);
	req.dport = 82;
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	req.dst = rig_backend_addr(0); /* past the VIP */
	req.dport = RIG_BACKEND_PORT;
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	req.src = 0; /* the agent's self-test, which is let in everywhere */
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	req = (struct frame_spec){
		.src = CLIENT, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 128 : 8};
	tunnel_expect_drop(x, &req, &t, LB_DROP_TUNNEL_TARGET);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void what_is_sent_to_the_end_itself_goes_no_further(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec t = tunnel_from(frame_family());
	struct frame inner;

	tunnel_begin(x, frame_family());
	frame_make(&inner, &req);
	tunnel_make(&x->in, &inner, &t);
	tunnel_make(&x->want, &x->in, &t); /* a tunnel in a tunnel */
	assert_int_equal(rig_xdp(x->rig, &x->want, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUNNEL_TARGET), 1);
}

/* Every other port of the node's address is the kernel's, as is all that is no UDP. */
static void all_else_of_the_nodes_address_is_passed(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = {.src = THERE, .dst = HERE, .sport = 1, .dport = 6081};

	tunnel_begin(x, frame_family());
	for (unsigned i = 0; i < 4; i++) {
		s.proto = i == 0 ? IPPROTO_UDP : i == 3 ? bed_icmp() : IPPROTO_TCP;
		s.dport = i == 2 ? 22 : i == 1 ? LB_GUE_PORT : 6081;
		s.icmp_type = bed_is_v6() ? 128 : 8;
		assert_int_equal(bed_xdp(x, &s), XDP_PASS);
		assert_true(frame_equal(&x->in, &x->out));
	}
}

/* --- what is not understood ------------------------------------------------------------------- */

static void another_version_is_not_read(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec good = tunnel_from(AF_INET);
	const unsigned all[] = {0, 1, 2, 3};
	struct tunnel_spec t[8];

	tunnel_begin(x, AF_INET);
	for (size_t i = 0; i < 8; i++)
		t[i] = good;
	t[0].version = LB_TUNNEL_VERSION + 1;
	t[1].gue_first = 0x43; /* GUE's version 1 */
	t[2].gue_first = 4;    /* no length of ours */
	t[3].gue_flags = 1;
	t[4].at = 1; /* who is not named */
	t[5].hops = LB_TUNNEL_HOPS_MAX + 1;
	t[6].flags = 4;
	t[7].flags = LB_TUNNEL_ASK | LB_TUNNEL_TOLD;
	t[7].backends = all;
	for (size_t i = 0; i < 8; i++)
		tunnel_expect_drop(x, &req, &t[i], LB_DROP_TUNNEL_VERSION);
	assert_int_equal(tunnel_xdp(x, &req, &good), XDP_PASS);
}

/*
 * A frame that ends before its packet does is no packet of ours: passed as it came, and the kernel
 * drops it. One whose lengths contradict each other is dropped.
 */
static void what_is_cut_is_malformed(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (size_t i = 0; i < 2; i++) {
		const struct tunnel_spec t = tunnel_from(outers[i]);
		const size_t l4 = FRAME_IP + tunnel_ip_len(outers[i]);
		struct frame inner;

		tunnel_begin(x, outers[i]);
		frame_make(&inner, &req);
		tunnel_make(&x->want, &inner, &t);
		for (size_t len = l4 + 8; len < x->want.len; len++) {
			x->in = x->want;
			x->in.len = len;
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
			assert_true(frame_equal(&x->in, &x->out));
		}
		/* Whole, but of a length that the outer header does not say. */
		x->in = x->want;
		x->in.bytes[l4 + 8 + 4 + tunnel_data_len(&t) + (bed_is_v6() ? 5 : 3)]++;
		x->in.bytes[x->in.len++] = 0;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	}
}

/* Who sends to a node fragments nothing, and sends no options. */
static void a_part_of_an_outer_packet_is_malformed(void **state)
{
	static const uint8_t more_fragments = 0x20;
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);
	struct frame inner;

	tunnel_begin(x, AF_INET);
	frame_make(&inner, &req);
	tunnel_make(&x->in, &inner, &t);
	x->in.bytes[FRAME_IP + 6] |= more_fragments;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 1);
}

/* The IPv4 VIP as an IPv6 address, for a backend that is named so, too. */
static void a_mapped_address_inside_is_nobodys(void **state)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	const uint32_t vip = htonl(VIP), backend = htonl(rig_backend_addr(0));
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);
	uint8_t *named, *ip;
	struct frame inner;

	tunnel_begin(x, AF_INET);
	frame_use_family(AF_INET6);
	frame_make(&inner, &req);
	tunnel_make(&x->in, &inner, &t);
	ip = &x->in.bytes[FRAME_IP + tunnel_ip_len(AF_INET) + 12 + tunnel_data_len(&t)];
	frame_use_family(AF_INET);
	named = &x->in.bytes[FRAME_IP + tunnel_ip_len(AF_INET) + 16];
	memcpy(named, prefix, sizeof(prefix));
	memcpy(named + sizeof(prefix), &backend, sizeof(backend));
	memcpy(ip + 24, prefix, sizeof(prefix));
	memcpy(ip + 24 + sizeof(prefix), &vip, sizeof(vip));
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUNNEL_TARGET), 1);
}

/* --- echo ------------------------------------------------------------------------------------- */

static void echo_frame(struct frame_spec *s, uint8_t data[28])
{
	static const uint8_t request[28] = {0x20, 0, 0, 0, 'L', 'o', 'd', 'e', 1, 9,  9,  9,
					    1,    2, 3, 4, 5,   6,   7,   8,   9, 10, 11, 12};

	memcpy(data, request, sizeof(request));
	*s = (struct frame_spec){.src = THERE,
				 .dst = HERE,
				 .sport = 50001,
				 .dport = LB_GUE_PORT,
				 .proto = IPPROTO_UDP,
				 .payload = 28,
				 .data = data};
}

static void expect_answers(struct bed *x, uint8_t kind)
{
	struct frame_spec s, want;
	uint8_t data[28], said[28];

	for (unsigned i = 0; i < 2; i++) {
		echo_frame(&s, data);
		s.no_udp_checksum = i && !bed_is_v6();
		assert_int_equal(bed_xdp(x, &s), XDP_TX);
		want = s;
		memcpy(said, data, sizeof(said));
		said[8] = kind;
		said[9] = LB_TUNNEL_LEAST;
		said[10] = LB_TUNNEL_VERSION;
		said[11] = LB_WIRE_VERSION;
		want.data = said;
		want.src = HERE;
		want.dst = THERE;
		want.sport = LB_GUE_PORT;
		want.dport = 50001;
		want.turned = true;
		frame_make(&x->want, &want);
		assert_true(frame_equal(&x->out, &x->want));
	}
	s.src = CLIENT;
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_SOURCE);
}

static void an_echo_is_answered_with_what_is_spoken_here(void **state)
{
	struct bed *x = bed_begin(state);

	tunnel_begin(x, frame_family());
	expect_answers(x, LB_ECHO_ANSWER);
	rig_close_end(x->rig);
	expect_answers(x, LB_ECHO_CLOSED);
}

/* What agents tell each other: of nodes that are known, and as it came. */
static void what_is_for_the_agent_is_passed_to_it(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s;
	uint8_t data[28];

	tunnel_begin(x, frame_family());
	echo_frame(&s, data);
	data[8] = LB_ECHO_SETTLING;
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	frame_make(&x->want, &s);
	assert_true(frame_equal(&x->out, &x->want));
	s.src = CLIENT;
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_SOURCE);
}

static void what_is_no_request_is_not_answered(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s;
	uint8_t data[28];

	tunnel_begin(x, frame_family());
	echo_frame(&s, data);
	data[8] = 2; /* an answer: else two could go on for ever */
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_VERSION);
	echo_frame(&s, data);
	data[7]++;
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_VERSION);
	echo_frame(&s, data);
	data[1] = 1; /* another kind of control packet */
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_VERSION);
	echo_frame(&s, data);
	s.payload = 27;
	bed_expect_drop(x, &s, LB_DROP_TUNNEL_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(what_comes_from_another_node_is_given_to_its_backend, tunnel_setup),
		CLAIM_BOTH(answers_leave_with_the_vip, tunnel_setup),
		CLAIM_BOTH(where_the_port_is_in_use_another_one_here_has_the_flow, tunnel_setup),
		CLAIM_BOTH(a_backend_that_the_row_does_not_name_is_found, tunnel_setup),
		CLAIM_BOTH(a_settled_rows_packet_leaves_no_entry, tunnel_setup),
		CLAIM_BOTH(a_reset_closes_its_flow, tunnel_setup),
		CLAIM_BOTH(a_node_is_known_by_either_of_its_places, tunnel_setup),
		CLAIM_BOTH(marks_of_the_way_are_merged, tunnel_setup),
		CLAIM_BOTH(what_is_inside_passes_all_that_it_would_alone, tunnel_setup),
		CLAIM_BOTH(new_flows_are_counted_here_too, tunnel_setup),
		CLAIM_BOTH(only_backends_of_the_vip_that_are_here_are_reached, tunnel_setup),
		CLAIM_BOTH(what_is_sent_to_the_end_itself_goes_no_further, tunnel_setup),
		CLAIM_BOTH(all_else_of_the_nodes_address_is_passed, tunnel_setup),
		CLAIM_BOTH(another_version_is_not_read, tunnel_setup),
		CLAIM_BOTH(what_is_cut_is_malformed, tunnel_setup),
		CLAIM_BOTH(a_part_of_an_outer_packet_is_malformed, tunnel_setup),
		CLAIM_V4(a_mapped_address_inside_is_nobodys, tunnel_setup),
		CLAIM_BOTH(an_echo_is_answered_with_what_is_spoken_here, tunnel_setup),
		CLAIM_BOTH(what_is_for_the_agent_is_passed_to_it, tunnel_setup),
		CLAIM_BOTH(what_is_no_request_is_not_answered, tunnel_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
