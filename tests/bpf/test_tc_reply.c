// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * tc_reply: a backend's packet leaves with the VIP as its source, whatever else leaves untouched.
 * Entries are written by xdp_lb itself, so that both halves are held against each other.
 */
#include "bpf/bed.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEXT (-1) /* TCX_NEXT, TC_ACT_UNSPEC */

static int setup(void **state)
{
	(void)bed_make(state, 2, 0);
	return 0;
}

/* What backend 0 answers to a request, as it leaves the pod, and as it must leave the node. */
static struct frame_spec answer(const struct frame_spec *req, uint8_t flags)
{
	return (struct frame_spec){.src = rig_backend_addr(0),
				   .dst = req->src,
				   .sport = RIG_BACKEND_PORT,
				   .dport = req->sport,
				   .proto = req->proto,
				   .tcp_flags = flags};
}

static struct frame_spec restored(const struct frame_spec *req, struct frame_spec s)
{
	s.src = req->dst;
	s.sport = req->dport;
	return s;
}

static void send_request(struct bed *x, const struct frame_spec *req)
{
	struct frame in, out;

	frame_make(&in, req);
	rig_xdp(x->rig, &in, &out);
}

static void expect(struct bed *x, const struct frame_spec *in, const struct frame_spec *out)
{
	struct frame sent, want, got;

	frame_make(&sent, in);
	frame_make(&want, out);
	assert_int_equal(rig_tc(x->rig, &sent, &got), NEXT);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.bytes, want.bytes, want.len);
}

static void expect_restored(struct bed *x, const struct frame_spec *req,
			    const struct frame_spec *in)
{
	struct frame_spec out = restored(req, *in);

	expect(x, in, &out);
}

static void an_answer_leaves_with_the_vip_as_its_source(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_SYN_FLAG | TCP_ACK_FLAG);

	send_request(x, &req);
	expect_restored(x, &req, &in);
	in.payload = 1400;
	in.vlan = 30;
	expect_restored(x, &req, &in);
	in.options = 10;
	expect_restored(x, &req, &in);
}

static void an_answer_of_udp_keeps_an_absent_checksum_absent(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 1000, 0), in = answer(&req, 0);

	send_request(x, &req);
	expect_restored(x, &req, &in);
	in.no_udp_checksum = true;
	expect_restored(x, &req, &in);
}

static void what_is_no_answer_leaves_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), near;

	send_request(x, &req);
	for (int i = 0; i < 6; i++) {
		near = answer(&req, TCP_ACK_FLAG);
		near.src += i == 0;
		near.dst += i == 1;
		near.sport = (uint16_t)(near.sport + (i == 2));
		near.dport = (uint16_t)(near.dport + (i == 3));
		near.proto = i == 4 ? IPPROTO_UDP : IPPROTO_TCP;
		near.frag = i == 5; /* not the first */
		expect(x, &near, &near);
	}
	near = answer(&req, 0);
	near.proto = bed_icmp();
	expect(x, &near, &near);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 0);
}

static void an_answer_cut_in_its_headers_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_ACK_FLAG);
	struct frame sent, got;

	send_request(x, &req);
	frame_make(&sent, &in);
	for (sent.len = FRAME_IP + frame_ip_len(); sent.len < FRAME_IP + frame_ip_len() + 20;
	     sent.len++) {
		assert_int_equal(rig_tc(x->rig, &sent, &got), NEXT);
		assert_true(frame_equal(&sent, &got));
	}
}

static void a_miss_from_a_backend_of_ours_is_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, 0), in = answer(&req, TCP_ACK_FLAG);

	rig_add_backend_port(x->rig, 0, IPPROTO_TCP);
	expect(x, &in, &in);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 1);
	in.sport++;
	expect(x, &in, &in);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 1);
}

static void an_answer_keeps_its_entry_young(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_ACK_FLAG);
	struct lb_flow *e;
	uint8_t age;

	send_request(x, &req);
	e = rig_flow(x->rig, &req, 0);
	age = e->age;
	bed_make_silent(e, 100);
	expect_restored(x, &req, &in);
	assert_in_range((uint8_t)(e->age - age), 0, 1);
}

static void answers_move_the_state_of_a_connection(void **state)
{
	static const struct {
		uint8_t flags;
		unsigned state;
	} steps[] = {{TCP_SYN_FLAG | TCP_ACK_FLAG, LB_FLOW_ANSWERED},
		     {TCP_SYN_FLAG | TCP_ACK_FLAG, LB_FLOW_ANSWERED},
		     {TCP_ACK_FLAG, LB_FLOW_ESTABLISHED},
		     {TCP_ACK_FLAG, LB_FLOW_ESTABLISHED},
		     {TCP_FIN_FLAG | TCP_ACK_FLAG, LB_FLOW_CLOSING},
		     {TCP_ACK_FLAG, LB_FLOW_CLOSING}};
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	send_request(x, &req);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct frame_spec in = answer(&req, steps[i].flags);

		expect_restored(x, &req, &in);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), steps[i].state);
	}
}

static void a_flow_of_udp_is_established_by_its_second_answer(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 1000, 0), in = answer(&req, 0);

	for (unsigned n = 0; n < 4; n++) {
		send_request(x, &req);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)),
				 n < 2 ? LB_FLOW_NEW + n : LB_FLOW_ESTABLISHED);
		expect_restored(x, &req, &in);
	}
}

static void a_reset_from_the_backend_closes_the_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_RST_FLAG);

	send_request(x, &req);
	bed_answer(x, &req, 0, TCP_ACK_FLAG);
	expect_restored(x, &req, &in);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_CLOSING);
	expect_restored(x, &req, &in); /* what is still under way */
}

/* Its service is gone, its slot has not been used again. */
static void a_front_end_that_is_gone_still_answers(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_ACK_FLAG);

	send_request(x, &req);
	rig_del_service(x->rig, &x->tcp);
	expect_restored(x, &req, &in);
}

/* Nothing is looked up for a source that is no backend: not even what seems to be its entry. */
static void a_source_without_a_bit_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec in = answer(&req, TCP_ACK_FLAG);

	send_request(x, &req);
	rig_add_backend_port(x->rig, 0, IPPROTO_TCP);
	rig_clear_backend_bits(x->rig);
	expect(x, &in, &in);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* The two halves are inverse: whatever comes in for the VIP goes back out from it. */
static void every_round_trip_ends_with_the_vip_as_its_source(void **state)
{
	struct bed *x = bed_begin(state);
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		const struct rig_service *s = next_random(&seed) % 2 ? &x->tcp : &x->udp;
		struct frame_spec req =
			bed_request(s, (uint16_t)(1 + next_random(&seed) % 65535), 0);
		struct frame_spec back, want;
		struct frame in, got, want_frame;

		req.src = 0x0b000000 + next_random(&seed);
		req.payload = (uint16_t)(1 + next_random(&seed) % 1200);
		req.options = (uint8_t)(next_random(&seed) % 11);
		req.tcp_flags = TCP_SYN_FLAG;
		frame_make(&in, &req);
		rig_xdp(x->rig, &in, &got);
		assert_true(frame_is_valid(&got));
		back = answer(&req, TCP_ACK_FLAG);
		back.payload = req.payload;
		want = restored(&req, back);
		frame_make(&in, &back);
		frame_make(&want_frame, &want);
		assert_int_equal(rig_tc(x->rig, &in, &got), NEXT);
		assert_true(frame_equal(&got, &want_frame));
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_answer_leaves_with_the_vip_as_its_source),
		CLAIM(an_answer_of_udp_keeps_an_absent_checksum_absent),
		CLAIM(what_is_no_answer_leaves_untouched),
		CLAIM(an_answer_cut_in_its_headers_is_left_alone),
		CLAIM(a_miss_from_a_backend_of_ours_is_counted),
		CLAIM(an_answer_keeps_its_entry_young),
		CLAIM(answers_move_the_state_of_a_connection),
		CLAIM(a_flow_of_udp_is_established_by_its_second_answer),
		CLAIM(a_reset_from_the_backend_closes_the_entry),
		CLAIM(a_front_end_that_is_gone_still_answers),
		CLAIM(a_source_without_a_bit_is_left_alone),
		CLAIM(every_round_trip_ends_with_the_vip_as_its_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
