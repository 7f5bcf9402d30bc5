// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What only IPv6 has: extension headers in every order that is served and in those that are not, on
 * the way there, on the way back and in what errors quote; addresses that look like IPv4's;
 * neighbour discovery, which is nobody's but the kernel's. All else is tested in both families
 * together.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define NEXT   (-1)
#define ROUTER 0x0afe0001

enum {
	HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	ESP = 50,
	AH = 51,
	NONE = 59,
	DST = 60,
	MOBILITY = 135
};

/* Extension headers of a packet. */
struct chain {
	uint8_t bytes[256];
	uint16_t len;
	uint8_t first, last;
};

static int setup(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

/* One more header: its number, its length in units of 8, and what its third and fourth byte are. */
static void add(struct chain *c, uint8_t number, uint8_t units, uint16_t word)
{
	uint8_t *at = &c->bytes[c->len];

	if (c->len)
		c->bytes[c->last] = number;
	else
		c->first = number;
	memset(at, 0, 8u * units);
	at[1] = (uint8_t)(units - 1);
	at[2] = (uint8_t)(word >> 8);
	at[3] = (uint8_t)word;
	c->last = (uint8_t)c->len;
	c->len = (uint16_t)(c->len + 8 * units);
}

static struct frame_spec with(struct frame_spec s, const struct chain *c)
{
	s.extension = c->bytes;
	s.extension_len = c->len;
	s.extension_first = c->first;
	s.extension_last = c->last;
	return s;
}

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
	assert_true(frame_equal(&x->out, &x->want));
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

/* What is behind the headers is served like a packet that has none: same backend, same entry. */
static void expect_served(struct bed *x, const struct chain *c)
{
	struct frame_spec tcp = with(bed_request(&x->tcp, 1000, TCP_ACK_FLAG), c);
	struct frame_spec udp = with(bed_request(&x->udp, 1000, 0), c);
	struct frame_spec echo = with(
		(struct frame_spec){
			.src = CLIENT, .dst = VIP, .proto = IPPROTO_ICMPV6, .icmp_type = 128},
		c);
	struct frame_spec answer = echo;

	expect_delivered(x, &tcp);
	tcp.tcp_flags = TCP_SYN_FLAG;
	expect_delivered(x, &tcp);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &tcp, 0)), LB_FLOW_NEW);
	tcp.vlan = 9;
	tcp.payload = 1400;
	expect_delivered(x, &tcp);
	expect_delivered(x, &udp);
	udp.no_udp_checksum = true;
	expect_delivered(x, &udp);
	answer.src = VIP;
	answer.dst = CLIENT;
	answer.icmp_type = 129;
	answer.turned = true;
	expect(x, &echo, XDP_TX, &answer);
	tcp.dport = 81;
	expect_drop(x, &tcp, LB_DROP_UNKNOWN_PORT);
}

static void expect_unserved(struct bed *x, const struct chain *c, enum lb_drop reason)
{
	struct frame_spec s = with(bed_request(&x->tcp, 1000, TCP_ACK_FLAG), c);

	expect_drop(x, &s, reason);
	s.dst++;
	expect(x, &s, XDP_PASS, &s);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void headers_are_walked_in_every_order_that_belongs(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned set = 1; set < 32; set++)
		for (uint8_t units = 1; units < 4; units++) {
			struct chain c = {.len = 0};

			if (set & 1)
				add(&c, HOP, units, 0x0104);
			if (set & 2)
				add(&c, DST, 1, 0);
			if (set & 4)
				add(&c, ROUTING, units, 0x0400); /* no segments left */
			if (set & 8)
				add(&c, FRAGMENT, 1, 0); /* atomic: offset 0, none follow */
			if (set & 16)
				add(&c, DST, units, 0);
			rig_forget_flows(x->rig);
			expect_served(x, &c);
		}
}

static void six_headers_are_walked_and_seven_are_not(void **state)
{
	struct bed *x = bed_begin(state);
	struct chain c = {.len = 0};

	for (int i = 0; i < 6; i++) {
		add(&c, DST, 1, 0);
		rig_forget_flows(x->rig);
		expect_served(x, &c);
	}
	rig_forget_flows(x->rig);
	add(&c, DST, 1, 0);
	expect_unserved(x, &c, LB_DROP_EXTENSION);
}

static void a_header_in_the_wrong_place_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct chain late = {.len = 0}, twice = {.len = 0}, on_its_way = {.len = 0};

	add(&late, DST, 1, 0);
	add(&late, HOP, 1, 0);
	expect_unserved(x, &late, LB_DROP_EXTENSION);
	add(&twice, FRAGMENT, 1, 0);
	add(&twice, FRAGMENT, 1, 0);
	expect_unserved(x, &twice, LB_DROP_EXTENSION);
	add(&on_its_way, ROUTING, 3, 0x0001);
	expect_unserved(x, &on_its_way, LB_DROP_EXTENSION);
}

/* A change of ours would break what they protect; others are not known to us. */
static void what_no_rewrite_may_touch_is_dropped_or_passed_as_the_vip_says(void **state)
{
	static const uint8_t numbers[] = {ESP, AH, NONE, MOBILITY, 253, 1, 47};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < sizeof(numbers); i++)
		for (int behind = 0; behind < 2; behind++) {
			struct frame_spec s = bed_request(&x->tcp, 1000, 0);
			struct chain c = {.len = 0};

			s.proto = numbers[i];
			add(&c, DST, 1, 0);
			if (behind)
				s = with(s, &c);
			rig_add_vip(x->rig, VIP, 0);
			expect_drop(x, &s, LB_DROP_PROTOCOL);
			rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
			expect(x, &s, XDP_PASS, &s);
		}
}

static void a_fragment_behind_other_headers_is_one(void **state)
{
	static const uint16_t words[] = {0x0008, 0x0009, 0xfff8, 0x0001, 0x0008};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct chain c = {.len = 0};
		struct frame_spec s;

		add(&c, HOP, 1, 0);
		add(&c, FRAGMENT, 1, words[i]);
		s = with(bed_request(&x->tcp, 1000, TCP_ACK_FLAG), &c);
		if (i < 3) {
			expect_unserved(x, &c, LB_DROP_FRAGMENT);
		} else if (i == 3) { /* the first */
			expect_delivered(x, &s);
		} else {
			frame_make(&x->in, &s);
			x->want = x->in;
			frame_address(&x->want.bytes[FRAME_IP + 24], rig_backend_addr(0));
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
			assert_true(frame_equal(&x->out, &x->want));
		}
	}
}

/* However much of the frame there is, and whatever the IP header says of it. */
static void headers_that_are_cut_are_malformed(void **state)
{
	struct bed *x = bed_begin(state);
	struct chain c = {.len = 0};
	struct frame_spec s;
	size_t l4;

	add(&c, HOP, 1, 0);
	add(&c, DST, 2, 0);
	s = with(bed_request(&x->tcp, 1000, TCP_ACK_FLAG), &c);
	l4 = frame_l3_len(&s);
	for (uint16_t bytes = 40; bytes < l4 + 20; bytes++) {
		frame_make(&x->in, &s);
		frame_set_bytes(&x->in, bytes);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
		assert_true(frame_equal(&x->in, &x->out));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), l4 + 20 - 40);
	frame_make(&x->in, &s);
	x->in.bytes[FRAME_IP + 40 + 8 + 1] = 255; /* a length beyond the packet */
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), l4 + 20 - 40 + 1);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* In unsettled rows, for the self-test and without a backend: as the straight path does it. */
static void the_way_behind_the_headers_is_the_usual_one(void **state)
{
	const unsigned reversed[] = {1, 0};
	struct bed *x = bed_begin(state);
	struct chain c = {.len = 0};
	struct frame_spec syn, ack, out;

	add(&c, DST, 1, 0);
	syn = with(bed_request(&x->tcp, 1000, TCP_SYN_FLAG), &c);
	ack = with(bed_request(&x->tcp, 1000, TCP_ACK_FLAG), &c);
	expect_delivered(x, &syn);
	rig_set_rows(x->rig, &x->tcp, reversed, 2, LB_ROW_UNSETTLED);
	expect_delivered(x, &ack);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 2);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).bytes, 2 * (40 + 8 + 20 + 20));

	syn.src = 0;
	out = delivered(syn);
	out.dst = rig_backend_addr(1);
	expect(x, &syn, XDP_PASS, &out);
	assert_int_equal(rig_count(x->rig, &x->tcp, 1).packets, 0);
	assert_int_equal(rig_n_flows(x->rig), 1);

	rig_set_backend(x->rig, &x->tcp, 1, 0, 0);
	rig_set_rows(x->rig, &x->tcp, reversed, 1, 0);
	expect_drop(x, &ack, LB_DROP_NO_BACKEND);
	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	expect_drop(x, &ack, LB_DROP_NO_BACKEND);
}

static void answers_behind_headers_leave_with_the_vip(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->udp, 1000, 0);

	expect_delivered(x, &req);
	for (int i = 0; i < 6; i++) {
		struct chain c = {.len = 0};
		struct frame_spec in = {.src = rig_backend_addr(0),
					.dst = CLIENT,
					.sport = RIG_BACKEND_PORT,
					.dport = 1000,
					.proto = IPPROTO_UDP};

		add(&c, i % 2 ? HOP : DST, (uint8_t)(1 + i), 0);
		if (i > 2)
			add(&c, FRAGMENT, 1, i == 5 ? 1 : 0);
		in = with(in, &c);
		frame_make(&x->in, &in);
		in.src = VIP;
		in.sport = 53;
		frame_make(&x->want, &in);
		assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
		assert_true(frame_equal(&x->out, &x->want));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_FRAGMENT), 0);
}

/* A router complains of an answer that had headers: the quote is walked like a packet. */
static void quotes_behind_headers_reach_their_backend(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned outer_too = 0; outer_too < 2; outer_too++)
		for (unsigned cut = 0; cut < 2; cut++) {
			struct chain c = {.len = 0};
			struct frame quote, quoted_as_sent;
			struct frame_spec quoted = {.src = VIP,
						    .dst = CLIENT,
						    .sport = 80,
						    .dport = 1000,
						    .proto = IPPROTO_TCP};
			struct frame_spec error = {
				.src = ROUTER, .dst = VIP, .proto = IPPROTO_ICMPV6, .icmp_type = 2};

			add(&c, HOP, 2, 0);
			add(&c, FRAGMENT, 1, 1);
			quoted = with(quoted, &c);
			frame_make(&quote, &quoted);
			error.quote = &quote;
			error.quote_len = (uint16_t)(quote.len - FRAME_IP - cut);
			error.options = outer_too ? 2 : 0;
			frame_make(&x->in, &error);
			quoted.src = rig_backend_addr(0);
			quoted.sport = RIG_BACKEND_PORT;
			frame_make(&quoted_as_sent, &quoted);
			error.quote = &quoted_as_sent;
			error.dst = rig_backend_addr(0);
			frame_make(&x->want, &error);
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
			assert_true(frame_equal(&x->out, &x->want));
		}
}

/* Of the IPv4 VIP's mapped form, IPv6 packets are not ours, and meet no flow of it. */
static void mapped_addresses_are_not_ours(void **state)
{
	static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct bed *x = bed_begin(state);
	struct rig_service s;
	struct frame_spec req, back;

	frame_use_family(AF_INET);
	rig_add_vip(x->rig, VIP, LB_SVC_ECHO_ANSWER);
	bed_add(x, &s, 80, IPPROTO_TCP, 1);
	req = bed_request(&s, 1000, TCP_SYN_FLAG);
	expect_delivered(x, &req);
	frame_use_family(AF_INET6);

	frame_make(&x->in, &req);
	memcpy(&x->in.bytes[FRAME_IP + 24], mapped, sizeof(mapped));
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));

	back = (struct frame_spec){.src = rig_backend_addr(0),
				   .dst = CLIENT,
				   .sport = RIG_BACKEND_PORT,
				   .dport = 1000,
				   .proto = IPPROTO_TCP};
	frame_make(&x->in, &back);
	memcpy(&x->in.bytes[FRAME_IP + 8], mapped, sizeof(mapped));
	memcpy(&x->in.bytes[FRAME_IP + 24], mapped, sizeof(mapped));
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->in, &x->out));
}

/* A client that claims a mapped address meets no flow of IPv4, and gets its answers. */
static void a_client_with_a_mapped_address_has_a_flow_of_its_own(void **state)
{
	static const uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct rig_service v4;

	frame_use_family(AF_INET);
	rig_add_vip(x->rig, VIP, 0);
	bed_add(x, &v4, 80, IPPROTO_TCP, 1);
	expect_delivered(x, &syn);
	assert_int_equal(rig_n_flows(x->rig), 1);
	frame_use_family(AF_INET6);
	frame_make(&x->in, &syn);
	memcpy(&x->in.bytes[FRAME_IP + 8], mapped, sizeof(mapped));
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), rig_backend_addr(0) & 0xff);
	assert_int_equal(rig_n_flows(x->rig), 2);
}

/* Both families of one Service, side by side in the same maps. */
static void two_families_share_the_maps(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service v6 = x->tcp;
	struct rig_service v4;
	struct frame_spec syn;

	frame_use_family(AF_INET);
	rig_add_vip(x->rig, VIP, 0);
	bed_add(x, &v4, 80, IPPROTO_TCP, 2);
	for (uint16_t port = 1; port < 2000; port++) {
		frame_use_family(port % 2 ? AF_INET : AF_INET6);
		syn = bed_request(port % 2 ? &v4 : &v6, port, TCP_SYN_FLAG);
		expect_delivered(x, &syn);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 0)), LB_FLOW_NEW);
	}
	assert_int_equal(rig_n_flows(x->rig), 1999);
	assert_int_equal(rig_count(x->rig, &v4, 0).packets, 1000);
	assert_int_equal(rig_count(x->rig, &v6, 0).packets, 999);
}

static void neighbour_discovery_of_others_passes_untouched(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint8_t type = 130; type < 144; type++)
		for (int group = 0; group < 2; group++) {
			struct frame_spec s = {.src = CLIENT,
					       .dst = VIP + 1,
					       .proto = IPPROTO_ICMPV6,
					       .icmp_type = type,
					       .ttl = 255};

			frame_make(&x->in, &s);
			if (group) { /* ff02::1:ffXX:XXXX, of the VIP itself */
				memset(&x->in.bytes[FRAME_IP + 24], 0, 13);
				x->in.bytes[FRAME_IP + 24] = 0xff;
				x->in.bytes[FRAME_IP + 25] = 2;
				x->in.bytes[FRAME_IP + 35] = 1;
				x->in.bytes[FRAME_IP + 36] = 0xff;
			}
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
			assert_true(frame_equal(&x->in, &x->out));
		}
	for (int i = 0; i < LB_N_DROPS; i++)
		assert_int_equal(rig_drops(x->rig, (enum lb_drop)i), 0);
}

/* Every word of an address counts: a flow's, a VIP's, a backend's. */
static void each_octet_of_an_address_tells_packets_apart(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	for (unsigned at = 8; at < 40; at++) {
		frame_make(&x->in, &syn);
		x->in.bytes[FRAME_IP + at] ^= 1;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		if (at >= 24)
			assert_true(frame_equal(&x->in, &x->out));
		assert_int_equal(rig_n_flows(x->rig), at < 24 ? at - 7 : 16);
	}
}

#define CLAIM(f) CLAIM_V6(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(headers_are_walked_in_every_order_that_belongs),
		CLAIM(six_headers_are_walked_and_seven_are_not),
		CLAIM(a_header_in_the_wrong_place_is_dropped),
		CLAIM(what_no_rewrite_may_touch_is_dropped_or_passed_as_the_vip_says),
		CLAIM(a_fragment_behind_other_headers_is_one),
		CLAIM(headers_that_are_cut_are_malformed),
		CLAIM(the_way_behind_the_headers_is_the_usual_one),
		CLAIM(answers_behind_headers_leave_with_the_vip),
		CLAIM(quotes_behind_headers_reach_their_backend),
		CLAIM(mapped_addresses_are_not_ours),
		CLAIM(a_client_with_a_mapped_address_has_a_flow_of_its_own),
		CLAIM(two_families_share_the_maps),
		CLAIM(neighbour_discovery_of_others_passes_untouched),
		CLAIM(each_octet_of_an_address_tells_packets_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
