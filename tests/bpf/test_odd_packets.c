// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Packets that no well-behaved sender sends often: resets and odd flags that must not make a flow's
 * traces last, frames with padding, of odd lengths.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEXT (-1)

static const unsigned in_order[] = {0, 1};

static int setup(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

/* x->in goes through xdp_lb and must come out as x->want. */
static void expect(struct bed *x, int verdict)
{
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

/* Lays the packet in x->in, and in x->want as this backend must get it. */
static void lay(struct bed *x, struct frame_spec s, unsigned backend)
{
	frame_make(&x->in, &s);
	s.dst = rig_backend_addr(backend);
	s.dport = RIG_BACKEND_PORT;
	frame_make(&x->want, &s);
}

static void deliver(struct bed *x, struct frame_spec s, unsigned backend)
{
	lay(x, s, backend);
	expect(x, XDP_PASS);
}

static void pad(struct frame *f, size_t len)
{
	while (f->len < len)
		f->bytes[f->len++] = 0xa5;
}

/* --- flags ------------------------------------------------------------------------------------ */

/* A flood with forged sources draws a reset from each of them. */
static void a_reset_as_second_packet_makes_nothing_last(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	for (uint64_t bits = 0; bits < 2; bits++) {
		rig_set_rows(x->rig, &x->tcp, in_order, 2, bits ? LB_ROW_UNSETTLED : 0);
		s.sport++;
		s.tcp_flags = TCP_SYN_FLAG;
		deliver(x, s, 0);
		s.tcp_flags = TCP_RST_FLAG;
		deliver(x, s, 0);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_CLOSING);
	}
}

static void a_syn_with_odd_flags_makes_nothing_last(void **state)
{
	static const uint8_t flags[] = {TCP_SYN_FLAG | TCP_ACK_FLAG, TCP_SYN_FLAG | TCP_RST_FLAG,
					TCP_SYN_FLAG | TCP_RST_FLAG | TCP_ACK_FLAG};
	struct bed *x = bed_begin(state);

	for (uint16_t i = 0; i < 6; i++) {
		struct frame_spec s = bed_request(&x->tcp, (uint16_t)(1000 + i), flags[i % 3]);

		rig_set_rows(x->rig, &x->tcp, in_order, 2, i < 3 ? 0 : LB_ROW_UNSETTLED);
		deliver(x, s, 0);
		assert_null(rig_flow(x->rig, &s, 0));
		s.tcp_flags = TCP_SYN_FLAG;
		deliver(x, s, 0);
		s.tcp_flags = flags[i % 3];
		deliver(x, s, 0);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)),
				 i % 3 ? LB_FLOW_CLOSING : LB_FLOW_NEW);
	}
}

static void a_reset_that_nobody_knows_leaves_no_trace(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_RST_FLAG);

	rig_set_rows(x->rig, &x->tcp, in_order, 2, LB_ROW_UNSETTLED);
	deliver(x, s, 0);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* Else a flood at a port where nobody listens would drive out the entries of living flows. */
static void a_refusal_by_the_backend_makes_nothing_last(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), back;

	deliver(x, s, 0);
	back = (struct frame_spec){.src = rig_backend_addr(0),
				   .dst = CLIENT,
				   .sport = RIG_BACKEND_PORT,
				   .dport = 1000,
				   .proto = IPPROTO_TCP,
				   .tcp_flags = TCP_RST_FLAG | TCP_ACK_FLAG};
	frame_make(&x->in, &back);
	back.src = VIP;
	back.sport = 80;
	frame_make(&x->want, &back);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->out, &x->want));
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_CLOSING);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void padding_is_carried_but_not_counted(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint16_t payload = 1; payload < 6; payload++) {
		struct frame_spec tcp = bed_request(&x->tcp, payload, TCP_ACK_FLAG);
		struct frame_spec udp = bed_request(&x->udp, payload, 0);

		tcp.payload = udp.payload = payload;
		lay(x, tcp, 0);
		pad(&x->in, 80);
		pad(&x->want, 80);
		expect(x, XDP_PASS);
		lay(x, udp, 0);
		pad(&x->in, 60);
		pad(&x->want, 60);
		expect(x, XDP_PASS);
	}
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).bytes,
			 5 * (frame_ip_len() + 20) + 1 + 2 + 3 + 4 + 5);
	assert_int_equal(rig_count(x->rig, &x->udp, 0).bytes,
			 5 * (frame_ip_len() + 8) + 1 + 2 + 3 + 4 + 5);
}

static void echo_of_any_length_is_answered_with_the_right_checksum(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint16_t payload = 0; payload < 9000; payload = (uint16_t)(payload + 1 + payload / 4))
		for (int padded = 0; padded < 2; padded++) {
			struct frame_spec s = {.src = CLIENT,
					       .dst = VIP,
					       .proto = bed_icmp(),
					       .icmp_type = bed_is_v6() ? 128 : 8,
					       .payload = payload,
					       .bare = !payload};

			frame_make(&x->in, &s);
			s.src = VIP;
			s.dst = CLIENT;
			s.icmp_type = bed_is_v6() ? 129 : 0;
			s.turned = true;
			frame_make(&x->want, &s);
			if (padded) {
				pad(&x->in, 60);
				pad(&x->want, 60);
			}
			expect(x, XDP_TX);
		}
}

/* The pod's kernel is the judge of UDP's own length; we only know where the ports are. */
static void a_wrong_udp_length_is_the_backends_to_judge(void **state)
{
	static const uint8_t lengths[] = {0, 7, 8, 255};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < sizeof(lengths); i++) {
		struct frame_spec s = bed_request(&x->udp, 1000, 0);
		size_t at = FRAME_IP + frame_ip_len() + 4;

		s.no_udp_checksum = true;
		lay(x, s, 0);
		x->in.bytes[at] = x->want.bytes[at] = 0;
		x->in.bytes[at + 1] = x->want.bytes[at + 1] = lengths[i];
		expect(x, XDP_PASS);
	}
}

/* Nor is TCP's header longer or shorter for us: what is changed lies in its first 20 octets. */
static void a_wrong_data_offset_is_the_backends_to_judge(void **state)
{
	struct bed *x = bed_begin(state);
	size_t at = FRAME_IP + frame_ip_len() + 12;

	for (unsigned offset = 0; offset < 16; offset++) {
		lay(x, bed_request(&x->tcp, 1000, TCP_ACK_FLAG), 0);
		x->in.bytes[at] = x->want.bytes[at] = (uint8_t)(offset << 4);
		expect(x, XDP_PASS);
	}
}

/* An IP header of another version than the frame says, or shorter than the least there is. */
static void a_version_or_length_that_contradicts_is_malformed(void **state)
{
	struct bed *x = bed_begin(state);
	uint64_t dropped = 0;

	for (unsigned first = 0; first < 256; first++) {
		unsigned version = first >> 4, words = first & 15;

		if (bed_is_v6() ? version == 6 : version == 4 && words >= 5)
			continue;
		lay(x, bed_request(&x->tcp, 1000, TCP_SYN_FLAG), 0);
		x->in.bytes[FRAME_IP] = (uint8_t)first;
		x->want = x->in;
		expect(x, XDP_DROP);
		dropped++;
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), dropped);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void an_empty_datagram_is_served(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	s.no_udp_checksum = true;
	s.payload = 1;
	lay(x, s, 0);
	/* One byte less, by the header; what is left of it is padding. */
	frame_set_bytes(&x->in, (uint16_t)(frame_bytes(&x->in) - 1));
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), frame_dst(&x->want));
	assert_int_equal(rig_count(x->rig, &x->udp, 0).bytes, frame_ip_len() + 8);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_reset_as_second_packet_makes_nothing_last),
		CLAIM(a_syn_with_odd_flags_makes_nothing_last),
		CLAIM(a_reset_that_nobody_knows_leaves_no_trace),
		CLAIM(a_refusal_by_the_backend_makes_nothing_last),
		CLAIM(padding_is_carried_but_not_counted),
		CLAIM(echo_of_any_length_is_answered_with_the_right_checksum),
		CLAIM(a_wrong_udp_length_is_the_backends_to_judge),
		CLAIM(a_wrong_data_offset_is_the_backends_to_judge),
		CLAIM(a_version_or_length_that_contradicts_is_malformed),
		CLAIM(an_empty_datagram_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
