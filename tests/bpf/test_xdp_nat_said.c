// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Backends that answer this node: what is said of packets that do not get there or back, by us and
 * by others.
 */
#include "bpf/nat_bed.h"

static void what_has_no_hop_left_is_said_to_its_sender(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG), answer;
	const uint8_t *icmp = &x->out.bytes[FRAME_IP + frame_ip_len()];

	answer = nat_answer_of(&req, nat_there(x, &req, 0), 0, TCP_ACK_FLAG);
	answer.ttl = req.ttl = 1;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(icmp[0], bed_is_v6() ? 3 : 11);
	assert_int_equal(frame_dst(&x->out), CLIENT & 0xff);
	assert_int_equal(bed_xdp(x, &answer), XDP_TX);
	assert_int_equal(icmp[0], bed_is_v6() ? 3 : 11);
	assert_int_equal(frame_dst(&x->out), rig_backend_addr(0) & 0xff);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TTL), 2);
}

static void what_does_not_fit_is_said_to_its_sender(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG), answer;
	const uint8_t *icmp = &x->out.bytes[FRAME_IP + frame_ip_len()];
	const uint16_t most = (uint16_t)(MTU - frame_ip_len() - 20);

	req.frag = bed_is_v6() ? 0 : 0x4000;
	req.payload = most;
	answer = nat_answer_of(&req, nat_there(x, &req, 0), 0, TCP_ACK_FLAG);
	req.payload++;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	assert_int_equal(icmp[0], bed_is_v6() ? 2 : 3);
	assert_int_equal(icmp[6] << 8 | icmp[7], MTU);
	answer.frag = req.frag;
	answer.payload = (uint16_t)(most + 1);
	nat_run("ip link set out0 mtu 1500");
	assert_int_equal(MTU, 1500);
	assert_int_equal(bed_xdp(x, &answer), XDP_TX);
	assert_int_equal(icmp[0], bed_is_v6() ? 2 : 3);
	assert_int_equal(icmp[6] << 8 | icmp[7], 1500);
	assert_int_equal(frame_dst(&x->out), rig_backend_addr(0) & 0xff);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TOO_BIG), 2);
}

static void pieces_are_not_translated(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	const uint64_t before = rig_drops(x->rig, LB_DROP_FRAGMENT);
	struct frame whole;

	req.payload = 600;
	frame_make(&whole, &req);
	for (size_t offset = 0; offset < 600; offset += 304) {
		frame_cut(&x->in, &whole, offset, 304, 77);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_FRAGMENT), before + 2);
	assert_int_equal(nat_count(x, 0), 0);
}

/* --- errors ----------------------------------------------------------------------------------- */

/* A router, or the backend, has something to say about what left by a port of ours. */
static void errors_about_what_left_come_to_the_client(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned i = 0; i < 4; i++) {
		struct frame_spec req = bed_request(i & 1 ? &x->tcp : &x->udp, 40000, TCP_ACK_FLAG);
		const uint32_t who = i & 2 ? rig_backend_addr(0) : ROUTER;
		struct frame_spec sent, in, want;
		struct frame quoted, quoted_want;
		uint16_t port;

		req.ttl = 33;
		port = nat_there(x, &req, 0);
		sent = nat_as_there(&req, port, 0);
		req.ttl = 32; /* as it was quoted */
		frame_make(&quoted, &sent);
		frame_make(&quoted_want, &req);
		in = bed_error_of(who, HERE, &quoted);
		want = bed_error_of(i & 2 ? VIP : ROUTER, CLIENT, &quoted_want);
		want.ttl = 63;
		assert_int_equal(bed_xdp(x, &in), XDP_REDIRECT);
		nat_expect_frame(x, &want);
	}
	assert_int_equal(nat_count(x, 0), 2);
}

/* ... and one on the way to the client about what came back. */
static void errors_about_what_came_back_go_to_the_backend(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned i = 0; i < 4; i++) {
		struct frame_spec req = bed_request(i & 1 ? &x->tcp : &x->udp, 40000, TCP_ACK_FLAG);
		const uint16_t port = nat_there(x, &req, 0);
		struct frame_spec answer = nat_answer_of(&req, port, 0, TCP_ACK_FLAG),
				  seen = answer;
		struct frame quoted, quoted_want;
		struct frame_spec in, want;

		seen.src = VIP;
		seen.sport = req.dport;
		seen.dst = CLIENT;
		seen.dport = req.sport;
		frame_make(&quoted, &seen);
		frame_make(&quoted_want, &answer);
		in = bed_error_of(i & 2 ? ROUTER : CLIENT, VIP, &quoted);
		want = bed_error_of(HERE, rig_backend_addr(0), &quoted_want);
		want.ttl = 63;
		assert_int_equal(bed_xdp(x, &in), XDP_TX);
		nat_expect_frame(x, &want);
	}
}

static void errors_about_nothing_of_ours_are_the_kernels(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG), sent, in;
	const uint16_t port = nat_there(x, &req, 0);
	struct frame quoted;

	sent = nat_as_there(&req, (uint16_t)(port ^ 1), 0);
	frame_make(&quoted, &sent);
	in = bed_error_of(ROUTER, HERE, &quoted);
	nat_expect_passed(x, &in);
	req.sport++; /* to the VIP, about a flow that has no port */
	sent = (struct frame_spec){.src = VIP,
				   .dst = CLIENT,
				   .sport = req.dport,
				   .dport = req.sport,
				   .proto = req.proto};
	frame_make(&quoted, &sent);
	in = bed_error_of(CLIENT, VIP, &quoted);
	bed_expect_drop(x, &in, LB_DROP_ICMP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(what_has_no_hop_left_is_said_to_its_sender, nat_setup),
		CLAIM_BOTH(what_does_not_fit_is_said_to_its_sender, nat_setup),
		CLAIM_BOTH(pieces_are_not_translated, nat_setup),
		CLAIM_BOTH(errors_about_what_left_come_to_the_client, nat_setup),
		CLAIM_BOTH(errors_about_what_came_back_go_to_the_backend, nat_setup),
		CLAIM_BOTH(errors_about_nothing_of_ours_are_the_kernels, nat_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
