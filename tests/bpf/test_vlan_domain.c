// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * VLANs that are another routing world than the device they come in by: the same address is a VIP
 * here and there, and the outer tag says whose. Under it everything is served that is served
 * without, by the services of that domain and by no other.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define RED  100 /* the VLAN, in domain 9 */
#define BLUE 200 /* a VLAN of which nothing is said */

struct red {
	struct rig_service vip, tcp, udp;
};
static struct red red;

static int setup(void **state)
{
	(void)bed_make(state, 1, LB_SVC_ECHO_ANSWER);
	return 0;
}

/* Backend 2 of either service has the red VIP, backend 0 the one of the device. */
static void add_red(struct bed *x, struct rig_service *s, const struct rig_service *like)
{
	const unsigned two[] = {2};

	*s = *like;
	s->id = 0;
	s->domain = 9;
	rig_add_service(x->rig, s);
	rig_add_backend(x->rig, s, 2);
	rig_set_rows(x->rig, s, two, 1, 0);
}

static struct bed *begin(void **state)
{
	struct bed *x = bed_begin(state);

	red.vip = (struct rig_service){.vip = VIP, .domain = 9, .flags = LB_SVC_ECHO_ANSWER};
	rig_add_service(x->rig, &red.vip);
	add_red(x, &red.tcp, &x->tcp);
	add_red(x, &red.udp, &x->udp);
	rig_set_vlan(x->rig, RED, 0, 9);
	return x;
}

static void tag(struct frame *f, uint16_t ethertype, uint16_t tci)
{
	const uint8_t bytes[] = {(uint8_t)(ethertype >> 8), (uint8_t)ethertype, (uint8_t)(tci >> 8),
				 (uint8_t)tci};

	memmove(&f->bytes[16], &f->bytes[12], f->len - 12);
	memcpy(&f->bytes[12], bytes, sizeof(bytes));
	f->len += sizeof(bytes);
}

/* The frame under a tag becomes that one, under the same. */
static void expect_tagged(struct bed *x, const struct frame_spec *in, const struct frame_spec *out,
			  uint16_t ethertype, uint16_t tci, int verdict)
{
	frame_make(&x->in, in);
	frame_make(&x->want, out);
	tag(&x->in, ethertype, tci);
	tag(&x->want, ethertype, tci);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static struct frame_spec delivered(struct frame_spec s, unsigned backend)
{
	s.dst = rig_backend_addr(backend);
	s.dport = RIG_BACKEND_PORT;
	return s;
}

static void expect_backend(struct bed *x, const struct frame_spec *s, uint16_t tci,
			   unsigned backend)
{
	const struct frame_spec out = delivered(*s, backend);

	expect_tagged(x, s, &out, 0x8100, tci, XDP_PASS);
}

static void a_vlan_is_served_by_its_own_domain(void **state)
{
	struct bed *x = begin(state);

	for (uint16_t port = 1000; port < 1010; port++) {
		struct frame_spec syn = bed_request(&x->tcp, port, TCP_SYN_FLAG);
		struct frame_spec more = bed_request(&x->tcp, port, TCP_ACK_FLAG);
		struct frame_spec udp = bed_request(&x->udp, port, 0);

		expect_backend(x, &syn, RED, 2);
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &syn, 2)), LB_FLOW_NEW);
		expect_backend(x, &more, RED, 2);
		expect_backend(x, &udp, RED, 2);
		expect_backend(x, &syn, BLUE, 0);
		expect_backend(x, &udp, BLUE, 0);
	}
	assert_int_equal(rig_count(x->rig, &red.tcp, 2).packets, 20);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 10);
}

/* The twelve bits that are the number, and the kind of the tag. */
static void it_is_told_by_number_and_kind(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct frame_spec mine = delivered(s, 2), others = delivered(s, 0);

	expect_backend(x, &s, 0xf000 | RED, 2);
	expect_backend(x, &s, RED + 0x400, 0);
	expect_backend(x, &s, 0, 0);
	expect_tagged(x, &s, &others, 0x88a8, RED, XDP_PASS);
	rig_set_vlan(x->rig, BLUE | LB_TAG_8021AD, 0, 9);
	expect_tagged(x, &s, &mine, 0x88a8, BLUE, XDP_PASS);
	expect_tagged(x, &s, &others, 0x8100, BLUE, XDP_PASS);
}

static void of_two_tags_the_outer_one_tells(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	const uint16_t outer[] = {RED, BLUE};

	for (unsigned i = 0; i < 2; i++) {
		struct frame_spec out = delivered(s, i ? 0 : 2);

		frame_make(&x->in, &s);
		frame_make(&x->want, &out);
		tag(&x->in, 0x8100, outer[!i]);
		tag(&x->in, 0x88a8 - (i ? 0 : 0x7a8), outer[i]);
		tag(&x->want, 0x8100, outer[!i]);
		tag(&x->want, 0x88a8 - (i ? 0 : 0x7a8), outer[i]);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		assert_true(frame_equal(&x->out, &x->want));
	}
}

static void a_vlan_without_the_vip_leaves_it_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_set_vlan(x->rig, RED, 0, 9);
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_PASS);
	s.dport = 4321;
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_PASS);
	s.dst = VIP + 1;
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_PASS);
	assert_int_equal(rig_n_flows(x->rig), 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 0);
}

/* A device that is another world, and a VLAN on it that is the first one. */
static void a_vlan_of_domain_0_on_another_domains_device_is_found(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_set_domain(x->rig, 9);
	rig_set_vlan(x->rig, RED, 0, 0);
	expect_backend(x, &s, RED, 0);
	expect_backend(x, &s, BLUE, 2);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 1);
}

static void a_vlan_is_found_behind_its_place(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	for (uint32_t at = 1; at <= LB_UPLINK_REACH_MAX; at++) {
		rig_set_vlan(x->rig, 300 + at, at, 9);
		expect_backend(x, &s, (uint16_t)(300 + at), 2);
	}
}

/* A piece of a datagram of the red VLAN, as it comes in and, if it is not dropped, leaves. */
static void expect_piece(struct bed *x, size_t offset, uint16_t tci, int verdict)
{
	const struct frame_spec in = bed_request(&x->udp, 1000, 0), out = delivered(in, 2);
	struct frame whole;

	frame_make(&whole, &in);
	frame_cut(&x->in, &whole, offset, 16, 7);
	if (verdict == XDP_PASS)
		frame_make(&whole, &out);
	frame_cut(&x->want, &whole, offset, 16, 7);
	tag(&x->in, 0x8100, tci);
	tag(&x->want, 0x8100, tci);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static void what_is_cold_without_tags_is_served_by_the_vlans_domain(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0), out;
	struct frame_spec echo = {
		.src = CLIENT, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 128 : 8};

	s.options = 2;
	expect_backend(x, &s, RED, 2);
	expect_piece(x, 0, RED, XDP_PASS);
	expect_piece(x, 16, RED, XDP_PASS);
	expect_piece(x, 16, BLUE, XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_FRAGMENT), 1);
	out = echo;
	out.src = VIP;
	out.dst = CLIENT;
	out.icmp_type = bed_is_v6() ? 129 : 0;
	out.turned = true;
	expect_tagged(x, &echo, &out, 0x8100, RED, XDP_TX);
	s = bed_request(&x->udp, 1000, 0);
	s.dport = 4321;
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 1);
}

/* Of fewer octets than its IP header says. */
static void a_first_piece_that_is_cut_is_malformed_in_a_vlan_too(void **state)
{
	struct bed *x = begin(state);
	const struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct frame whole;

	frame_make(&whole, &s);
	frame_cut(&x->in, &whole, 0, 16, 7);
	tag(&x->in, 0x8100, RED);
	x->in.len -= 4;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_true(frame_equal(&x->out, &x->in));
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 1);
}

static void errors_go_to_the_backend_of_the_vlans_domain(void **state)
{
	struct bed *x = begin(state);
	struct frame quote, near;
	struct frame_spec sent = {
		.src = VIP, .dst = CLIENT, .sport = 80, .dport = 1000, .proto = IPPROTO_TCP};
	struct frame_spec error = {.src = 0x0afe0001,
				   .dst = VIP,
				   .proto = bed_icmp(),
				   .icmp_type = bed_is_v6() ? 2 : 3,
				   .quote = &quote};
	struct frame_spec out = error;

	frame_make(&quote, &sent);
	error.quote_len = out.quote_len = (uint16_t)(quote.len - FRAME_IP);
	sent.src = rig_backend_addr(2);
	sent.sport = RIG_BACKEND_PORT;
	frame_make(&near, &sent);
	out.quote = &near;
	out.dst = rig_backend_addr(2);
	expect_tagged(x, &error, &out, 0x8100, RED, XDP_PASS);
}

/* The service of the VLAN is shared with the kernel, whose flow this is. */
static void the_kernels_flows_are_looked_up_in_the_vlans_domain(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_set_flags(x->rig, &red.tcp, LB_SVC_KERNEL_FLOWS);
	rig_add_kernel_flow(x->rig, &s);
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_PASS);
	s.sport++;
	expect_backend(x, &s, RED, 2);
}

/* Also where the reader finds the VLAN's word: it has the flag of all words. */
static void denied_sources_reach_no_vip_of_a_vlan(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_deny(x->rig, CLIENT, 32);
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_DROP);
	s.options = 2;
	expect_tagged(x, &s, &s, 0x8100, RED, XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_DENIED), 2);
	assert_int_equal(rig_n_flows(x->rig), 0);
	s.src++;
	expect_backend(x, &s, RED, 2);
}

static void malformed_packets_of_a_vlan_are_its_vips(void **state)
{
	struct bed *x = begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	frame_make(&x->in, &s);
	tag(&x->in, 0x8100, RED);
	x->in.len -= 30; /* within the TCP header */
	x->want = x->in;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 1);
	frame_make(&x->in, &s);
	tag(&x->in, 0x8100, RED);
	x->in.len = 14 + 20;
	x->want = x->in;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 1);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_vlan_is_served_by_its_own_domain),
		CLAIM(it_is_told_by_number_and_kind),
		CLAIM(of_two_tags_the_outer_one_tells),
		CLAIM(a_vlan_without_the_vip_leaves_it_alone),
		CLAIM(a_vlan_of_domain_0_on_another_domains_device_is_found),
		CLAIM(a_vlan_is_found_behind_its_place),
		CLAIM(what_is_cold_without_tags_is_served_by_the_vlans_domain),
		CLAIM(a_first_piece_that_is_cut_is_malformed_in_a_vlan_too),
		CLAIM(errors_go_to_the_backend_of_the_vlans_domain),
		CLAIM(the_kernels_flows_are_looked_up_in_the_vlans_domain),
		CLAIM(denied_sources_reach_no_vip_of_a_vlan),
		CLAIM(malformed_packets_of_a_vlan_are_its_vips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
