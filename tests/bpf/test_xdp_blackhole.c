// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes: nothing reaches an address under one, be it a VIP or nobody's, whoever has the flow;
 * and each drop is counted twice, by reason and by blackhole.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define PLACE  5 /* of the blackhole's counter */
#define NOBODY (VIP + 7)

static int setup(void **state)
{
	struct bed *x = bed_make(state, 2, LB_SVC_ECHO_ANSWER);

	if (x->rig)
		bed_add(x, &x->other, 132, IPPROTO_SCTP, 2);
	return 0;
}

/* As the agent does it: the prefix, then all frontends under it. */
static void blackhole_vip(struct bed *x)
{
	rig_add_blackhole(x->rig, VIP, bed_whole(), 0, PLACE);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_BLACKHOLE);
	rig_set_flags(x->rig, &x->udp, LB_SVC_BLACKHOLE);
	rig_set_flags(x->rig, &x->other, LB_SVC_BLACKHOLE);
}

static void expect_taken(struct bed *x, const struct frame_spec *s)
{
	const uint64_t before = rig_blackhole_drops(x->rig, PLACE);

	bed_expect_drop(x, s, LB_DROP_BLACKHOLE);
	assert_int_equal(rig_blackhole_drops(x->rig, PLACE), before + 1);
}

static void expect_not_taken(struct bed *x, const struct frame_spec *s, int want)
{
	const uint64_t before = rig_drops(x->rig, LB_DROP_BLACKHOLE);

	assert_int_equal(bed_xdp(x, s), want);
	assert_int_equal(rig_drops(x->rig, LB_DROP_BLACKHOLE), before);
}

static void nothing_comes_in_to_a_vip_under_one(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *const all[] = {&x->tcp, &x->udp, &x->other};
	struct frame_spec s;

	blackhole_vip(x);
	for (size_t i = 0; i < 3; i++) {
		s = bed_request(all[i], 1000, TCP_SYN_FLAG);
		s.chunk = 1;
		expect_taken(x, &s);
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.dport = 81;
	expect_taken(x, &s);
	s.proto = 99;
	expect_taken(x, &s);
	s = (struct frame_spec){
		.src = CLIENT, .dst = VIP, .proto = bed_icmp(), .icmp_type = bed_is_v6() ? 128 : 8};
	expect_taken(x, &s);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.vlan = 7;
	expect_taken(x, &s);
}

static void living_flows_stall_and_go_on(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	expect_not_taken(x, &syn, XDP_PASS);
	bed_answer(x, &syn, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	expect_not_taken(x, &ack, XDP_PASS);
	blackhole_vip(x);
	expect_taken(x, &ack);
	rig_set_flags(x->rig, &x->tcp, 0);
	rig_del_blackhole(x->rig, VIP, bed_whole(), 0);
	expect_not_taken(x, &ack, XDP_PASS);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* Those that the kernel has, too, and whoever may come by ranges. */
static void no_flow_is_let_in_by_another_rule(void **state)
{
	static const uint32_t flags[] = {LB_SVC_KERNEL_FLOWS, LB_SVC_TAKING_OVER,
					 LB_SVC_HANDING_BACK, LB_SVC_RANGES};
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	blackhole_vip(x);
	rig_add_kernel_flow(x->rig, &s);
	rig_set_ranges(x->rig, &x->tcp, 7);
	rig_add_range(x->rig, 7, 0, 0);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		rig_set_flags(x->rig, &x->tcp, flags[i]);
		expect_not_taken(x, &s, XDP_PASS);
		rig_set_flags(x->rig, &x->tcp, flags[i] | LB_SVC_BLACKHOLE);
		expect_taken(x, &s);
	}
}

/* An address that is no VIP is dropped where its bit is set; its neighbours are not ours. */
static void addresses_that_nobody_has_are_dropped_too(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	s.dst = NOBODY;
	rig_set_vip_bit(x->rig, NOBODY);
	expect_not_taken(x, &s, XDP_PASS);
	rig_add_blackhole(x->rig, NOBODY, bed_whole(), 0, PLACE);
	expect_taken(x, &s);
	s.proto = IPPROTO_UDP;
	expect_taken(x, &s);
	s.vlan = 7;
	expect_taken(x, &s);
	s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	expect_not_taken(x, &s, XDP_PASS);
	s.dst = NOBODY + 1;
	rig_set_vip_bit(x->rig, NOBODY + 1);
	expect_not_taken(x, &s, XDP_PASS);
}

static unsigned n_same(uint32_t a, uint32_t b)
{
	uint8_t x[16], y[16];
	unsigned n = 0;

	frame_address(x, a);
	frame_address(y, b);
	while (n < 128 && !((x[n / 8] ^ y[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n - (bed_is_v6() ? 0 : 96);
}

/* The longest of several counts. */
static void prefixes_end_where_they_say(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	for (uint32_t bit = 0; bit < 32; bit++)
		rig_set_vip_bit(x->rig, NOBODY ^ UINT32_C(1) << bit);
	for (unsigned len = 8; len <= bed_whole(); len += 4) {
		rig_add_blackhole(x->rig, NOBODY, len, 0, PLACE);
		for (uint32_t bit = 0; bit < 32; bit++) {
			s.dst = NOBODY ^ UINT32_C(1) << bit;
			assert_int_equal(bed_xdp(x, &s),
					 n_same(NOBODY, s.dst) >= len ? XDP_DROP : XDP_PASS);
		}
		rig_del_blackhole(x->rig, NOBODY, len, 0);
	}
	s.dst = NOBODY ^ 1;
	rig_add_blackhole(x->rig, NOBODY, n_same(NOBODY, s.dst) - 8, 0, PLACE + 1);
	rig_add_blackhole(x->rig, NOBODY, n_same(NOBODY, s.dst), 0, PLACE);
	expect_taken(x, &s);
}

static void one_domain_is_no_other(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	s.dst = NOBODY;
	rig_set_vip_bit(x->rig, NOBODY);
	rig_add_blackhole(x->rig, NOBODY, bed_whole(), 9, PLACE);
	expect_not_taken(x, &s, XDP_PASS);
	rig_set_domain(x->rig, 9);
	expect_taken(x, &s);
}

/* What the agent asks of its own program is answered as if there were none. */
static void the_self_test_goes_through(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec sctp = bed_request(&x->other, 1000, 0);

	blackhole_vip(x);
	s.src = sctp.src = 0;
	sctp.chunk = 1;
	expect_not_taken(x, &s, XDP_PASS);
	expect_not_taken(x, &sctp, XDP_PASS);
	assert_int_equal(rig_blackhole_drops(x->rig, PLACE), 0);
}

static void fragments_are_dropped_one_by_one(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct frame all;

	s.payload = 400;
	frame_make(&all, &s);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t at = 0; at < 400; at += 200) {
			frame_cut(&x->in, &all, at, 200, 5);
			assert_int_equal(rig_xdp(x->rig, &x->in, &x->out),
					 round ? XDP_DROP : XDP_PASS);
			assert_int_equal(rig_drops(x->rig, LB_DROP_BLACKHOLE),
					 round * (at / 200 + 1));
		}
		blackhole_vip(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(nothing_comes_in_to_a_vip_under_one, setup),
		CLAIM_BOTH(living_flows_stall_and_go_on, setup),
		CLAIM_BOTH(no_flow_is_let_in_by_another_rule, setup),
		CLAIM_BOTH(addresses_that_nobody_has_are_dropped_too, setup),
		CLAIM_BOTH(prefixes_end_where_they_say, setup),
		CLAIM_BOTH(one_domain_is_no_other, setup),
		CLAIM_BOTH(the_self_test_goes_through, setup),
		CLAIM_BOTH(fragments_are_dropped_one_by_one, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
