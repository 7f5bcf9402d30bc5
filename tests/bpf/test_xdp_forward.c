// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * xdp_lb, one packet at a time: what it leaves alone, what it rewrites and how exactly, what it
 * drops and under which reason. Which backend a flow gets is test_xdp_select.c.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One VIP with TCP 80 and UDP 53, backend 0 each, settled rows. */
static int setup(void **state)
{
	(void)bed_make(state, 1, LB_SVC_ECHO_ANSWER);
	return 0;
}

static struct frame_spec tcp(uint8_t flags)
{
	return (struct frame_spec){.src = CLIENT,
				   .dst = VIP,
				   .sport = 40000,
				   .dport = 80,
				   .proto = IPPROTO_TCP,
				   .tcp_flags = flags};
}

static struct frame_spec udp(void)
{
	return (struct frame_spec){
		.src = CLIENT, .dst = VIP, .sport = 40000, .dport = 53, .proto = IPPROTO_UDP};
}

/* The same packet as its backend must see it. */
static struct frame_spec delivered(struct frame_spec s)
{
	s.dst = rig_backend_addr(0);
	s.dport = RIG_BACKEND_PORT;
	return s;
}

static void expect(struct bed *x, const struct frame_spec *in, int verdict,
		   const struct frame_spec *out)
{
	frame_make(&x->in, in);
	frame_make(&x->want, out);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

static void expect_delivered(struct bed *x, const struct frame_spec *in)
{
	struct frame_spec out = delivered(*in);

	expect(x, in, XDP_PASS, &out);
}

static void expect_drop(struct bed *x, const struct frame_spec *in, enum lb_drop reason)
{
	uint64_t before = rig_drops(x->rig, reason);

	expect(x, in, XDP_DROP, in);
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
}

static uint64_t all_drops(struct bed *x)
{
	uint64_t sum = 0;

	for (int i = 0; i < LB_N_DROPS; i++)
		sum += rig_drops(x->rig, (enum lb_drop)i);
	return sum;
}

static void what_is_not_ours_passes_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	for (uint32_t i = 1; i < 5000; i++) {
		s.dst = VIP + i * 7;
		s.frag = i % 3 ? 0 : 0x2000;
		s.proto = i % 5 ? IPPROTO_TCP : bed_icmp();
		expect(x, &s, XDP_PASS, &s);
	}
	assert_int_equal(all_drops(x), 0);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void another_address_with_the_same_bit_passes_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);
	uint32_t vip[4], other[4];

	frame_address((uint8_t *)vip, VIP);
	do {
		s.dst++;
		frame_address((uint8_t *)other, s.dst);
	} while (lb_vip_bit(vip) != lb_vip_bit(other));
	expect(x, &s, XDP_PASS, &s);
	s.frag = 0x2000;
	expect(x, &s, XDP_PASS, &s);
	s.proto = bed_icmp();
	expect(x, &s, XDP_PASS, &s);
	assert_int_equal(all_drops(x), 0);
}

static void foreign_ethertypes_pass_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	frame_make(&x->in, &s);
	for (unsigned type = 0; type < 0x10000; type += 13) {
		x->in.bytes[12] = (uint8_t)(type >> 8);
		x->in.bytes[13] = (uint8_t)type;
		if (type == 0x0800 || type == 0x86dd)
			continue;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		assert_true(frame_equal(&x->in, &x->out));
	}
}

static void a_syn_is_rewritten_and_recorded(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	expect_delivered(x, &s);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_NEW);
}

static void an_established_packet_of_a_settled_row_leaves_no_trace(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_ACK_FLAG);

	for (uint16_t i = 0; i < 1000; i++) {
		s.sport = (uint16_t)(1000 + i);
		expect_delivered(x, &s);
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
}

static void packets_and_bytes_are_counted_by_backend(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_ACK_FLAG);
	struct lb_counter count;

	for (int i = 0; i < 3; i++)
		expect_delivered(x, &s);
	count = rig_count(x->rig, &x->tcp, 0);
	assert_int_equal(count.packets, 3);
	assert_int_equal(count.bytes, 3 * (x->in.len - FRAME_IP));
	assert_int_equal(rig_count(x->rig, &x->udp, 0).packets, 0);
}

static void udp_is_rewritten_with_and_without_a_checksum(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = udp();

	expect_delivered(x, &s);
	s.no_udp_checksum = true;
	expect_delivered(x, &s);
}

/* Over all ports the sum takes every value, also 0, which must be sent as 0xffff (RFC 768). */
static void checksums_are_right_for_every_client_port(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s;

	for (unsigned port = 1; port < 0x10000; port++) {
		s = tcp(TCP_ACK_FLAG);
		s.sport = (uint16_t)port;
		expect_delivered(x, &s);
	}
	for (unsigned port = 1; port < 0x10000; port += 1) {
		s = udp();
		s.sport = (uint16_t)port;
		expect_delivered(x, &s);
	}
}

static void odd_headers_are_served_all_the_same(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_ACK_FLAG);

	for (uint8_t words = 0; words <= 10; words++) {
		s.options = words;
		s.vlan = 0;
		expect_delivered(x, &s);
		s.vlan = 100;
		expect_delivered(x, &s);
	}
	s = udp();
	s.payload = 1400;
	s.frag = 0x4000; /* do not fragment */
	expect_delivered(x, &s);
	s.ttl = 1;
	expect_delivered(x, &s);
}

static void an_unknown_port_is_dropped_or_passed_as_the_vip_says(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	s.dport = 81;
	expect_drop(x, &s, LB_DROP_UNKNOWN_PORT);
	s.dport = 53; /* UDP only */
	expect_drop(x, &s, LB_DROP_UNKNOWN_PORT);
	s.proto = 47;
	expect_drop(x, &s, LB_DROP_PROTOCOL);
	rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
	expect(x, &s, XDP_PASS, &s);
	s.proto = IPPROTO_TCP;
	expect(x, &s, XDP_PASS, &s);
}

static void echo_is_answered_passed_or_dropped_as_the_vip_says(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = {
		.src = CLIENT, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 128 : 8};
	struct frame_spec answer = s;

	s.ttl = 3;
	answer.src = VIP;
	answer.dst = CLIENT;
	answer.icmp_type = bed_is_v6() ? 129 : 0;
	answer.turned = true;
	expect(x, &s, XDP_TX, &answer);
	s.options = answer.options = 3;
	s.vlan = answer.vlan = 7;
	expect(x, &s, XDP_TX, &answer);
	rig_add_vip(x->rig, VIP, LB_SVC_ECHO_PASS);
	expect(x, &s, XDP_PASS, &s);
	rig_add_vip(x->rig, VIP, 0);
	expect_drop(x, &s, LB_DROP_ICMP);
}

static void only_echo_requests_to_our_own_station_are_answered(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = {.src = CLIENT, .dst = VIP, .proto = bed_icmp()};
	const uint8_t request = bed_is_v6() ? 128 : 8;

	for (unsigned type = 0; type < 256; type++) {
		s.icmp_type = (uint8_t)type;
		if (type != request)
			expect_drop(x, &s, LB_DROP_ICMP);
	}
	s.icmp_type = request;
	frame_make(&x->in, &s);
	x->in.bytes[0] |= 1; /* a group address is no station */
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
}

static void without_a_backend_packets_are_dropped_and_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);
	const unsigned first[] = {0};

	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
	rig_set_rows(x->rig, &x->tcp, first, 1, 0);
	rig_set_backend(x->rig, &x->tcp, 0, 0, 0);
	s.tcp_flags = TCP_ACK_FLAG;
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
	x->tcp.flags = LB_SVC_NO_BACKENDS;
	rig_add_service(x->rig, &x->tcp);
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
	rig_add_backend(x->rig, &x->tcp, 0); /* whoever has the slot now */
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
}

/* A frame that ends early: dropped once its destination can be read, and never written to. */
static void a_cut_frame_of_any_length_is_not_rewritten(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec specs[] = {tcp(TCP_SYN_FLAG), tcp(TCP_ACK_FLAG), udp()};

	for (size_t i = 0; i < 3 * 11 * 2; i++) {
		struct frame_spec s = specs[i % 3];
		size_t whole_ip;

		s.options = (uint8_t)(i / 3 % 11);
		s.vlan = i >= 33 ? 5 : 0;
		frame_make(&x->in, &s);
		whole_ip = FRAME_IP + (s.vlan ? 4 : 0) + frame_ip_len();
		for (size_t len = 14, whole = x->in.len; len < whole; len++) {
			int verdict;

			x->in.len = len;
			verdict = rig_xdp(x->rig, &x->in, &x->out);
			assert_int_equal(verdict, len < whole_ip ? XDP_PASS : XDP_DROP);
			assert_true(frame_equal(&x->in, &x->out));
		}
	}
	assert_int_equal(all_drops(x), rig_drops(x->rig, LB_DROP_MALFORMED));
}

/* The IP header itself speaks of fewer bytes than its own and the next header need. */
static void lengths_that_leave_no_room_for_the_headers_are_malformed(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec specs[] = {tcp(TCP_ACK_FLAG), udp()};

	for (size_t i = 0; i < 2; i++) {
		uint16_t least = bed_is_v6() ? 40 : 0;
		uint16_t need = (uint16_t)(frame_ip_len() + (i ? 8 : 20));

		for (uint16_t len = least; len < need; len++) {
			frame_make(&x->in, &specs[i]);
			frame_set_bytes(&x->in, len);
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
			assert_true(frame_equal(&x->in, &x->out));
		}
		for (unsigned first = 0; first < 256; first++) {
			if (first >= 0x45 && !bed_is_v6())
				break;
			if (first >> 4 == 6 && bed_is_v6())
				continue;
			frame_make(&x->in, &specs[i]);
			x->in.bytes[FRAME_IP] = (uint8_t)first;
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
			assert_true(frame_equal(&x->in, &x->out));
		}
	}
	assert_int_equal(all_drops(x), rig_drops(x->rig, LB_DROP_MALFORMED));
}

static void the_self_test_packet_takes_the_path_and_leaves_no_trace(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec specs[] = {tcp(TCP_SYN_FLAG), tcp(TCP_ACK_FLAG), tcp(TCP_RST_FLAG),
				     udp()};
	uint64_t bits[] = {0, LB_ROW_UNSETTLED};
	const unsigned first[] = {0};

	for (size_t i = 0; i < 8; i++) {
		struct frame_spec s = specs[i % 4];

		s.src = 0;
		rig_set_rows(x->rig, &x->tcp, first, 1, bits[i / 4]);
		expect_delivered(x, &s);
		s.dport = 9;
		expect(x, &s, XDP_DROP, &s);
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 0);
	assert_int_equal(rig_count(x->rig, &x->udp, 0).packets, 0);
	assert_int_equal(all_drops(x), 0);
}

/* Rows, backends and counters beyond the first inner map of each. */
static void a_service_among_hundreds_is_served(void **state)
{
	struct bed *x = bed_begin(state);
	const unsigned first[] = {0};
	struct rig_service many;

	for (uint16_t i = 0; i < 300; i++) {
		struct frame_spec s = tcp(TCP_ACK_FLAG);

		many = (struct rig_service){.vip = VIP, .proto = IPPROTO_TCP};
		many.port = s.dport = (uint16_t)(1000 + i);
		rig_add_service(x->rig, &many);
		rig_add_backend(x->rig, &many, 0);
		rig_set_rows(x->rig, &many, first, 1, 0);
		expect_delivered(x, &s);
		assert_int_equal(rig_count(x->rig, &many, 0).packets, 1);
	}
	assert_in_range(many.rows_base, LB_ROWS_CHUNK, 2 * LB_ROWS_CHUNK);
	assert_in_range(many.backends_base, 4 * LB_BACKEND_CHUNK, 5 * LB_BACKEND_CHUNK);
}

static uint32_t place_of(const struct rig_service *s, uint32_t which)
{
	struct lb_service_key key = {.port = htons(s->port), .proto = s->proto};

	frame_address((uint8_t *)key.addr, s->vip);
	return lb_service_hash(&key, which);
}

/* Another's key lies in its first place, as it does for a tenth of the keys of a big node. */
static void a_service_in_its_second_place_is_served(void **state)
{
	struct bed *x = bed_begin(state);
	const unsigned first[] = {0};
	unsigned n = 0;

	for (uint16_t port = 1000; port < 65535 && n < 3; port++) {
		struct rig_service s = {.vip = VIP, .port = port, .proto = IPPROTO_UDP};
		struct rig_service blocker = {.vip = VIP + 7, .proto = IPPROTO_TCP};
		struct frame_spec in = bed_request(&s, port, 0); /* no two meet at the backend */

		for (blocker.port = 1; blocker.port < 4000; blocker.port++)
			if (place_of(&blocker, 0) == place_of(&s, 0))
				break;
		if (blocker.port == 4000)
			continue;
		n++;
		rig_add_service(x->rig, &blocker);
		rig_add_service(x->rig, &s);
		rig_add_backend(x->rig, &s, 0);
		rig_set_rows(x->rig, &s, first, 1, 0);
		expect_delivered(x, &in);
	}
	assert_int_equal(n, 3);
}

static void a_vip_serves_its_own_domain_only(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	rig_set_domain(x->rig, 7);
	expect(x, &s, XDP_PASS, &s);
	rig_set_domain(x->rig, 0);
	expect_delivered(x, &s);
}

/* Another device lies at its place; what is beyond the place's reach is not looked at. */
static void a_domain_is_found_behind_its_place_as_far_as_the_reach_goes(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = tcp(TCP_SYN_FLAG);

	rig_set_uplink(x->rig, RIG_IFINDEX + 1, 0, 9);
	expect_delivered(x, &s);
	for (uint32_t at = 1; at <= LB_UPLINK_REACH_MAX; at++) {
		rig_set_uplink(x->rig, RIG_IFINDEX, at, 7);
		rig_set_reach(x->rig, at - 1);
		expect_delivered(x, &s);
		rig_set_reach(x->rig, at);
		expect(x, &s, XDP_PASS, &s);
		rig_set_uplink(x->rig, RIG_IFINDEX + 2, at, 7);
		expect_delivered(x, &s);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(what_is_not_ours_passes_untouched),
		CLAIM(another_address_with_the_same_bit_passes_untouched),
		CLAIM(foreign_ethertypes_pass_untouched),
		CLAIM(a_syn_is_rewritten_and_recorded),
		CLAIM(an_established_packet_of_a_settled_row_leaves_no_trace),
		CLAIM(packets_and_bytes_are_counted_by_backend),
		CLAIM(udp_is_rewritten_with_and_without_a_checksum),
		CLAIM(checksums_are_right_for_every_client_port),
		CLAIM(odd_headers_are_served_all_the_same),
		CLAIM(an_unknown_port_is_dropped_or_passed_as_the_vip_says),
		CLAIM(echo_is_answered_passed_or_dropped_as_the_vip_says),
		CLAIM(only_echo_requests_to_our_own_station_are_answered),
		CLAIM(without_a_backend_packets_are_dropped_and_counted),
		CLAIM(a_cut_frame_of_any_length_is_not_rewritten),
		CLAIM(lengths_that_leave_no_room_for_the_headers_are_malformed),
		CLAIM(the_self_test_packet_takes_the_path_and_leaves_no_trace),
		CLAIM(a_service_among_hundreds_is_served),
		CLAIM(a_service_in_its_second_place_is_served),
		CLAIM(a_vip_serves_its_own_domain_only),
		CLAIM(a_domain_is_found_behind_its_place_as_far_as_the_reach_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
