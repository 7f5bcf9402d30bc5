// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Denied sources: nothing of theirs reaches a VIP, whatever it is and whoever has its flow; and
 * whatever else they send is not ours.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

static int setup(void **state)
{
	struct bed *x = bed_make(state, 2, LB_SVC_ECHO_ANSWER);

	if (x->rig)
		bed_add(x, &x->other, 132, IPPROTO_SCTP, 2);
	return 0;
}

static void expect_not_denied(struct bed *x, const struct frame_spec *s, int want)
{
	const uint64_t before = rig_drops(x->rig, LB_DROP_DENIED);

	assert_int_equal(bed_xdp(x, s), want);
	assert_int_equal(rig_drops(x->rig, LB_DROP_DENIED), before);
}

static void nothing_of_a_denied_source_comes_in(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *const all[] = {&x->tcp, &x->udp, &x->other};

	rig_deny(x->rig, CLIENT, bed_whole());
	for (size_t i = 0; i < 3; i++) {
		struct frame_spec s = bed_request(all[i], 1000, TCP_SYN_FLAG);

		s.chunk = 1;
		bed_expect_drop(x, &s, LB_DROP_DENIED);
		s.src = CLIENT + 1; /* with the same bit */
		expect_not_denied(x, &s, XDP_PASS);
	}
	assert_int_equal(rig_n_flows(x->rig), 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rig_count(x->rig, &x->tcp, (unsigned)i).packets +
					 rig_count(x->rig, &x->udp, (unsigned)i).packets,
				 i == 0 ? 2 : 0);
}

/* Whatever the reason would be without the list. */
static void nor_does_what_no_service_takes(void **state)
{
	static const uint8_t options[] = {60, 0, 1, 4, 0, 0, 0, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_deny(x->rig, CLIENT, bed_whole());
	s.dport = 81;
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	s.proto = 99;
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	if (bed_is_v6()) {
		s.extension = options;
		s.extension_len = sizeof(options);
		s.extension_first = 0;
	} else {
		s.options = 2;
	}
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.vlan = 7;
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_set_vip_flags(x->rig, VIP, LB_SVC_UNKNOWN_PASS | LB_SVC_ECHO_PASS);
	s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	s.dport = 81;
	bed_expect_drop(x, &s, LB_DROP_DENIED);
}

/* The bits lie only about who may be ours. */
static void what_is_not_for_a_vip_is_not_ours(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_deny(x->rig, CLIENT, bed_whole());
	s.dst = VIP + 1;
	expect_not_denied(x, &s, XDP_PASS);
	for (uint32_t i = 2; i < 70000; i += 23) {
		s.dst = VIP + i;
		frame_make(&x->in, &s);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_DENIED), 0);
	rig_del_service(x->rig, &x->tcp);
	rig_del_service(x->rig, &(struct rig_service){.vip = VIP});
	s.dst = VIP; /* its bit is still set */
	expect_not_denied(x, &s, XDP_PASS);
}

/* Living ones stall at once, and go on once their source is denied no more. */
static void living_flows_stall_and_go_on(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	bed_answer(x, &syn, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	assert_int_equal(bed_xdp(x, &ack), XDP_PASS);
	assert_int_equal(bed_xdp(x, &udp), XDP_PASS);
	rig_deny(x->rig, CLIENT, bed_whole());
	bed_expect_drop(x, &ack, LB_DROP_DENIED);
	bed_expect_drop(x, &udp, LB_DROP_DENIED);
	rig_undeny(x->rig, CLIENT, bed_whole());
	expect_not_denied(x, &ack, XDP_PASS);
	expect_not_denied(x, &udp, XDP_PASS);
	assert_int_equal(rig_n_flows(x->rig), 2);
}

/* Also flows of the kernel, and those that a service lets in by its ranges. */
static void no_list_of_who_may_come_helps(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_RANGES);
	rig_set_ranges(x->rig, &x->tcp, 7);
	rig_add_range(x->rig, 7, 0, 0);
	expect_not_denied(x, &s, XDP_PASS);
	rig_deny(x->rig, CLIENT, bed_whole());
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_HANDING_BACK);
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_undeny(x->rig, CLIENT, bed_whole());
	expect_not_denied(x, &s, XDP_PASS);
}

static void echo_and_errors_are_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec answer = {
		.src = VIP, .dst = CLIENT, .sport = 53, .dport = 1000, .proto = IPPROTO_UDP};
	struct frame_spec request = bed_request(&x->udp, 1000, 0);
	struct frame quoted;
	struct frame_spec error = {.src = CLIENT + 9,
				   .dst = VIP,
				   .proto = bed_icmp(),
				   .icmp_type = bed_is_v6() ? 1 : 3,
				   .quote = &quoted};
	struct frame_spec echo = {.src = CLIENT + 9,
				  .dst = VIP,
				  .proto = bed_icmp(),
				  .icmp_type = bed_is_v6() ? 128 : 8};

	frame_make(&quoted, &answer);
	error.quote_len = (uint16_t)(quoted.len - FRAME_IP);
	assert_int_equal(bed_xdp(x, &request), XDP_PASS);
	expect_not_denied(x, &error, XDP_PASS);
	expect_not_denied(x, &echo, XDP_TX);
	rig_deny(x->rig, CLIENT + 9, bed_whole());
	bed_expect_drop(x, &error, LB_DROP_DENIED);
	bed_expect_drop(x, &echo, LB_DROP_DENIED);
	/* It is the sender that counts, not whom the error is about. */
	rig_undeny(x->rig, CLIENT + 9, bed_whole());
	rig_deny(x->rig, CLIENT, bed_whole());
	expect_not_denied(x, &error, XDP_PASS);
}

static void fragments_are_dropped_one_by_one(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	struct frame all;

	s.payload = 400;
	frame_make(&all, &s);
	for (size_t at = 0; at < 400; at += 200) {
		frame_cut(&x->in, &all, at, 200, 5);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
	rig_deny(x->rig, CLIENT, bed_whole());
	for (size_t at = 0; at < 400; at += 200) {
		const uint64_t before = rig_drops(x->rig, LB_DROP_DENIED);

		frame_cut(&x->in, &all, at, 200, 5);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
		assert_int_equal(rig_drops(x->rig, LB_DROP_DENIED), before + 1);
	}
}

/* Neither flag nor bit denies by itself, but without either nobody is. */
static void flag_and_bit_only_say_where_to_look(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_deny(x->rig, CLIENT, bed_whole());
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_set_denies(x->rig, false);
	expect_not_denied(x, &s, XDP_PASS);
	rig_set_denies(x->rig, true);
	rig_set_deny_bit(x->rig, CLIENT, false);
	expect_not_denied(x, &s, XDP_PASS);
	rig_set_deny_bit(x->rig, CLIENT, true);
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_undeny(x->rig, CLIENT, bed_whole());
	expect_not_denied(x, &s, XDP_PASS);
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

static void prefixes_end_where_they_say(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	for (unsigned len = 0; len <= bed_whole(); len += len < 8 ? 1 : 4) {
		rig_deny(x->rig, CLIENT, len);
		for (uint32_t bit = 0; bit < 32; bit++) {
			s.src = CLIENT ^ UINT32_C(1) << bit;
			rig_set_deny_bit(x->rig, s.src, true);
			assert_int_equal(bed_xdp(x, &s),
					 n_same(CLIENT, s.src) >= len ? XDP_DROP : XDP_PASS);
		}
		rig_undeny(x->rig, CLIENT, len);
	}
}

/* A family's list of all is the other's of none; each test sees one of the two. */
static void all_of_a_family_are_none_of_the_other(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	const int family = frame_family();

	rig_set_deny_bit(x->rig, CLIENT, true);
	frame_use_family(family == AF_INET ? AF_INET6 : AF_INET);
	rig_deny(x->rig, 0, 0);
	frame_use_family(family);
	expect_not_denied(x, &s, XDP_PASS);
	rig_deny(x->rig, 0, 0);
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	s.src = 0; /* the agent's own */
	expect_not_denied(x, &s, XDP_PASS);
	s.dport = 81;
	expect_not_denied(x, &s, XDP_DROP);
}

/* Whatever device it comes by, also one that has a domain of its own, or lies behind another. */
static void every_device_is_asked(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct rig_service far = {.vip = VIP, .port = 80, .proto = IPPROTO_TCP, .domain = 9};

	rig_add_service(x->rig, &far);
	rig_set_uplink(x->rig, RIG_IFINDEX + 1, 0, 5);
	rig_set_uplink(x->rig, RIG_IFINDEX, 1, 0);
	rig_set_reach(x->rig, 1);
	rig_deny(x->rig, CLIENT, bed_whole());
	bed_expect_drop(x, &s, LB_DROP_DENIED);
	rig_set_domain(x->rig, 9);
	rig_deny(x->rig, CLIENT, bed_whole());
	bed_expect_drop(x, &s, LB_DROP_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(nothing_of_a_denied_source_comes_in, setup),
		CLAIM_BOTH(nor_does_what_no_service_takes, setup),
		CLAIM_BOTH(what_is_not_for_a_vip_is_not_ours, setup),
		CLAIM_BOTH(living_flows_stall_and_go_on, setup),
		CLAIM_BOTH(no_list_of_who_may_come_helps, setup),
		CLAIM_BOTH(echo_and_errors_are_dropped, setup),
		CLAIM_BOTH(fragments_are_dropped_one_by_one, setup),
		CLAIM_BOTH(flag_and_bit_only_say_where_to_look, setup),
		CLAIM_BOTH(prefixes_end_where_they_say, setup),
		CLAIM_BOTH(all_of_a_family_are_none_of_the_other, setup),
		CLAIM_BOTH(every_device_is_asked, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
