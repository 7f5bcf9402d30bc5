// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Backends that answer this node, where the way to them leads by a device without XDP: xdp_nat
 * hands on to tc what is to leave by it, and tc_nat takes what comes in by it. That tc_nat sends
 * what it was handed is shown by the lab alone (`nat`): a test run has no metadata.
 */
#include "bpf/nat_bed.h"

#define BESIDE_DEVICE 77u /* which is none that XDP sends by */
#define NEXT          (-1)
#define DROP          2
#define REDIRECT      7

/* What nat_meta.h says. */
struct meta {
	uint32_t magic, ifindex;
};

static void set_way(struct bed *x)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rig_hop h = tunnel_hop(frame_family());

		h.ifindex = BESIDE_DEVICE;
		rig_node_address(h.source, frame_family(), HERE);
		rig_set_hop(x->rig, NODE + i, 0, &h);
	}
}

/* Passed on for tc: as it is to leave, in the Ethernet header that it came in. */
static void expect_handed_on(struct bed *x, const struct frame_spec *want)
{
	struct meta told;

	frame_make(&x->want, want);
	memcpy(&told, x->out.bytes, sizeof(told));
	assert_int_equal(told.magic, 0x6c64616e);
	assert_int_equal(told.ifindex, BESIDE_DEVICE);
	assert_int_equal(x->out.len, x->want.len + sizeof(told));
	assert_memory_equal(x->out.bytes + sizeof(told), x->want.bytes, x->want.len);
}

static uint16_t there(struct bed *x, const struct frame_spec *req)
{
	struct frame_spec want;
	uint16_t port;

	assert_int_equal(bed_xdp(x, req), XDP_PASS);
	port = nat_port_at(&x->out, sizeof(struct meta));
	want = nat_as_there(req, port, 0);
	expect_handed_on(x, &want);
	return port;
}

/* The frame through tc_nat, which leaves it as it is wanted. */
static void expect(struct bed *x, const struct frame_spec *in, const struct frame_spec *want,
		   int verdict)
{
	frame_make(&x->in, in);
	frame_make(&x->want, want);
	assert_int_equal(rig_tc_nat(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static struct frame_spec turned(const struct frame_spec *req, const struct frame_spec *answer)
{
	struct frame_spec want = *answer;

	want.src = req->dst;
	want.sport = req->dport;
	want.dst = req->src;
	want.dport = req->sport;
	want.ttl = (uint8_t)((answer->ttl ? answer->ttl : 64) - 1);
	return want;
}

static void a_flow_leaves_by_tc_and_comes_back_by_it(void **state)
{
	struct bed *x = bed_begin(state);

	set_way(x);
	for (unsigned i = 0; i < 200; i++) {
		struct frame_spec req = bed_request(i & 1 ? &x->tcp : &x->udp,
						    (uint16_t)(40000 + i * 7), TCP_SYN_FLAG);
		struct frame_spec answer, want;

		req.vlan = i & 2 ? 7 : 0;
		req.payload = (uint16_t)(i + 1);
		req.no_udp_checksum = !(i & 1) && i & 4;
		answer = nat_answer_of(&req, there(x, &req), 0, TCP_ACK_FLAG);
		answer.payload = (uint16_t)(2 * i + 1);
		answer.ttl = (uint8_t)(2 + i);
		answer.no_udp_checksum = req.no_udp_checksum;
		want = turned(&req, &answer);
		expect(x, &answer, &want, REDIRECT);
	}
	assert_int_equal(nat_count(x, LB_FLOW_NEW), 0);
	assert_int_equal(nat_count(x, 0), 200);
}

static void answers_move_the_flows_state(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec answer, want;
	uint16_t port;

	set_way(x);
	port = there(x, &req);
	assert_int_equal(nat_count(x, LB_FLOW_NEW), 1);
	answer = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	want = turned(&req, &answer);
	expect(x, &answer, &want, REDIRECT);
	assert_int_equal(nat_count(x, LB_FLOW_ESTABLISHED), 1);
	answer.tcp_flags = want.tcp_flags = TCP_RST_FLAG;
	expect(x, &answer, &want, REDIRECT);
	assert_int_equal(nat_count(x, LB_FLOW_CLOSING), 1);
}

static void what_else_comes_in_goes_by_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec answer, other;
	uint16_t port;

	set_way(x);
	port = there(x, &req);
	answer = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	other = answer;
	other.sport++; /* of no backend */
	expect(x, &other, &other, NEXT);
	other = answer;
	other.dport = 6443; /* to no port of ours */
	expect(x, &other, &other, NEXT);
	other = answer;
	other.dst = MOVED; /* to another address of this node */
	expect(x, &other, &other, NEXT);
	other = answer;
	other.proto = IPPROTO_UDP;
	expect(x, &other, &other, NEXT);
	other = answer;
	other.frag = 0x2000;
	expect(x, &other, &other, NEXT);
	expect(x, &req, &req, NEXT);
	rig_set_nat_range(x->rig, FIRST, 0);
	expect(x, &answer, &answer, NEXT);
	assert_int_equal(nat_count(x, LB_FLOW_NEW), 1);
}

static void what_cannot_go_on_is_dropped_and_counted(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct frame_spec answer;
	uint16_t port;

	set_way(x);
	port = there(x, &req);
	answer = nat_answer_of(&req, port, 0, TCP_ACK_FLAG);
	answer.ttl = 1;
	expect(x, &answer, &answer, DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TTL), 1);
	answer.ttl = 64;
	answer.payload = (uint16_t)(MTU + 1 - frame_ip_len() - 20);
	nat_run("ip link set out0 mtu 1500");
	assert_int_equal(MTU, 1500);
	expect(x, &answer, &answer, DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TOO_BIG), 1);
}

/* A client to whom no route leads: the kernel says so, to the VIP that sends it. */
static void without_a_way_to_the_client_it_is_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG), answer, want;

	req.src = STRANGER;
	set_way(x);
	answer = nat_answer_of(&req, there(x, &req), 0, TCP_ACK_FLAG);
	want = turned(&req, &answer);
	want.ttl = 64;
	expect(x, &answer, &want, NEXT);
}

/* A router, or the backend, has something to say about what left by a port of ours. */
static void errors_about_what_left_come_to_the_client(void **state)
{
	struct bed *x = bed_begin(state);

	set_way(x);
	for (unsigned i = 0; i < 4; i++) {
		struct frame_spec req = bed_request(i & 1 ? &x->tcp : &x->udp, 40000, TCP_ACK_FLAG);
		const uint32_t who = i & 2 ? rig_backend_addr(0) : ROUTER;
		struct frame_spec sent, in, want;
		struct frame quoted, quoted_want;
		uint16_t port;

		req.ttl = 33;
		port = there(x, &req);
		sent = nat_as_there(&req, port, 0);
		req.ttl = 32; /* as it was quoted */
		frame_make(&quoted, &sent);
		frame_make(&quoted_want, &req);
		in = bed_error_of(who, HERE, &quoted);
		want = bed_error_of(i & 2 ? VIP : ROUTER, CLIENT, &quoted_want);
		want.ttl = 63;
		expect(x, &in, &want, REDIRECT);
		sent.sport ^= 1; /* of no flow */
		frame_make(&quoted, &sent);
		in = bed_error_of(who, HERE, &quoted);
		expect(x, &in, &in, NEXT);
	}
	assert_int_equal(nat_count(x, 0), 2);
}

/* ... and what a router on the way to the client says of an answer is the backend's to know. */
static void errors_about_what_came_back_leave_by_tc(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG), answer, seen, in, want;
	struct frame quoted, quoted_want;

	set_way(x);
	answer = nat_answer_of(&req, there(x, &req), 0, TCP_ACK_FLAG);
	seen = turned(&req, &answer);
	seen.ttl = 64;
	frame_make(&quoted, &seen);
	frame_make(&quoted_want, &answer);
	in = bed_error_of(ROUTER, VIP, &quoted);
	want = bed_error_of(HERE, rig_backend_addr(0), &quoted_want);
	want.ttl = 63;
	assert_int_equal(bed_xdp(x, &in), XDP_PASS);
	expect_handed_on(x, &want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_flow_leaves_by_tc_and_comes_back_by_it, nat_setup),
		CLAIM_BOTH(answers_move_the_flows_state, nat_setup),
		CLAIM_BOTH(what_else_comes_in_goes_by_untouched, nat_setup),
		CLAIM_BOTH(what_cannot_go_on_is_dropped_and_counted, nat_setup),
		CLAIM_BOTH(without_a_way_to_the_client_it_is_the_kernels, nat_setup),
		CLAIM_BOTH(errors_about_what_left_come_to_the_client, nat_setup),
		CLAIM_BOTH(errors_about_what_came_back_leave_by_tc, nat_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
