// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sources of what begins beyond the rate of its service: how many SYNs of each are let in, and how
 * one proves that it is there. What the SYN-ACK must be is written down here once more.
 */
#include "bpf/flood_bed.h"

#include <string.h>

#define PER_SOURCE 3u
#define IN_SEQ     0x01020304u /* of frame_make() */

static size_t l4(const struct frame_spec *s)
{
	return FRAME_IP + (s->vlan ? 4 : 0) + frame_l3_len(s);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void expect_drop(struct bed *x, const struct frame_spec *s, enum lb_drop reason)
{
	const uint64_t before = rig_drops(x->rig, reason);

	assert_int_equal(send_spec(x, s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
}

/* --- so many of each ------------------------------------------------------------------------- */

static void a_source_has_so_many_syns_beyond_the_rate(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	rig_set_source_flows(x->rig, PER_SOURCE);
	for (unsigned i = 0; i < PER_SOURCE; i++, s.sport++)
		expect_given_to_backend(x, &s);
	expect_drop(x, &s, LB_DROP_SOURCE_RATE);
	s.src++;
	expect_given_to_backend(x, &s);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), PER_SOURCE + 1);
}

static void within_the_rate_no_source_is_asked_for(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_set_source_flows(x->rig, 1);
	rig_set_limit(x->rig, &x->tcp, 100u | LB_LIMIT_CHECK);
	for (unsigned i = 0; i < 100; i++, s.sport++)
		expect_given_to_backend(x, &s);
	assert_int_equal(send_spec(x, &s), XDP_TX);
}

static void a_source_of_ipv6_is_its_site(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	uint8_t *saddr;

	use_up(x, &x->tcp);
	rig_set_source_flows(x->rig, PER_SOURCE);
	frame_make(&x->in, &s);
	saddr = &x->in.bytes[FRAME_IP + (bed_is_v6() ? 8 : 12)];
	for (unsigned i = 0; i < PER_SOURCE; i++) {
		saddr[bed_is_v6() ? 8 + i : 3]++; /* IPv4: each is another */
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
	saddr[bed_is_v6() ? 15 : 3]++;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), bed_is_v6() ? XDP_DROP : XDP_PASS);
	if (bed_is_v6())
		saddr[7]++;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
}

static void what_is_no_syn_is_not_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	rig_set_source_flows(x->rig, PER_SOURCE);
	use_up(x, &x->udp);
	rig_set_limit(x->rig, &x->udp, RATE | LB_LIMIT_CHECK);
	for (unsigned i = 0; i < 3 * PER_SOURCE; i++, s.sport++)
		expect_given_to_backend(x, &s);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 3 * PER_SOURCE);
}

/* --- proof ----------------------------------------------------------------------------------- */

static void check_from_now_on(struct bed *x)
{
	use_up(x, &x->tcp);
	rig_set_limit(x->rig, &x->tcp, RATE | LB_LIMIT_CHECK);
}

/* The SYN is answered by one that asks; returns what it acknowledges. */
static uint32_t expect_asked(struct bed *x, const struct frame_spec *s)
{
	const uint64_t asked = rig_drops(x->rig, LB_DROP_UNPROVEN);
	const uint64_t packets = rig_count(x->rig, &x->tcp, 0).packets;
	struct frame_spec out = {.src = s->dst,
				 .dst = s->src,
				 .sport = s->dport,
				 .dport = s->sport,
				 .proto = IPPROTO_TCP,
				 .tcp_flags = TCP_SYN_FLAG | TCP_ACK_FLAG,
				 .vlan = s->vlan,
				 .bare = true,
				 .turned = true};
	const size_t at = l4(s);
	uint32_t ack;

	assert_int_equal(send_spec(x, s), XDP_TX);
	ack = get32(&x->out.bytes[at + 8]);
	assert_true(ack - IN_SEQ > 0x10000);
	x->out.len = at + 20; /* what is behind it is for Ethernet */
	if (!s->vlan)
		assert_true(frame_is_valid(&x->out));
	frame_make(&x->want, &out);
	assert_memory_equal(x->out.bytes, x->want.bytes, FRAME_IP + (s->vlan ? 4 : 0));
	assert_memory_equal(&x->out.bytes[at], &x->want.bytes[at], 4);           /* ports */
	assert_memory_equal(&x->out.bytes[at + 12], &x->want.bytes[at + 12], 2); /* flags */
	assert_memory_equal(&x->out.bytes[at - (bed_is_v6() ? 32 : 8)],
			    &x->want.bytes[at - (bed_is_v6() ? 32 : 8)], bed_is_v6() ? 32 : 8);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNPROVEN), asked + 1);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, packets);
	assert_null(rig_flow(x->rig, s, 0));
	return ack;
}

/* What a stack answers to that. */
static int reset(struct bed *x, const struct frame_spec *s, uint32_t seq)
{
	struct frame_spec rst = *s;

	rst.tcp_flags = TCP_RST_FLAG;
	rst.bare = true;
	frame_make(&x->in, &rst);
	put32(&x->in.bytes[l4(s) + 4], seq);
	return rig_xdp(x->rig, &x->in, &x->out);
}

/* The answer counts wherever it lies: behind options, and in IPv6 behind headers. */
static void an_answer_behind_options_counts(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), behind = s;
	uint32_t ack;

	check_from_now_on(x);
	ack = expect_asked(x, &s);
	behind.options = 2;
	assert_int_equal(reset(x, &behind, ack), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_PROVEN), 1);
}

static void who_answers_is_let_in(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	const uint64_t packets = rig_count(x->rig, &x->tcp, 0).packets + RATE;

	check_from_now_on(x);
	assert_int_equal(reset(x, &s, expect_asked(x, &s)), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_PROVEN), 1);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, packets);
	expect_given_to_backend(x, &s);
	assert_non_null(rig_flow(x->rig, &s, 0));
	s.sport++; /* it was the source that was proven */
	expect_given_to_backend(x, &s);
	s.src++;
	(void)expect_asked(x, &s);
}

static void who_only_sends_is_not_let_in(void **state)
{
	struct bed *x = bed_begin(state);

	check_from_now_on(x);
	for (uint32_t i = 0; i < 1000; i++) {
		struct frame_spec s = syn_from(&x->tcp, i * 60001);

		(void)expect_asked(x, &s);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_PROVEN), 0);
}

/* Nor who guesses, and his resets are what they are. */
static void other_resets_prove_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), near;
	uint32_t ack;

	check_from_now_on(x);
	ack = expect_asked(x, &s);
	for (int bit = 0; bit < 31; bit++)
		assert_int_equal(reset(x, &s, ack ^ 1u << bit), XDP_PASS);
	near = s;
	near.sport++;
	assert_int_equal(reset(x, &near, ack), XDP_PASS);
	near = s;
	near.src++;
	assert_int_equal(reset(x, &near, ack), XDP_PASS);
	near = s;
	near.dst = x->other.vip;
	near.dport = x->other.port;
	rig_set_limit(x->rig, &x->other, RATE | LB_LIMIT_CHECK);
	assert_int_equal(reset(x, &near, ack), XDP_PASS);
	rig_set_limit(x->rig, &x->tcp, RATE);
	assert_int_equal(reset(x, &s, ack), XDP_PASS);
	rig_set_limit(x->rig, &x->tcp, RATE | LB_LIMIT_CHECK);
	assert_int_equal(rig_drops(x->rig, LB_DROP_PROVEN), 0);
	(void)expect_asked(x, &s);
	assert_int_equal(reset(x, &s, ack), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_PROVEN), 1);
}

static void proven_sources_have_as_many_entries_again(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	check_from_now_on(x);
	(void)reset(x, &s, expect_asked(x, &s));
	for (unsigned i = 0; i < RATE; i++, s.sport++) {
		expect_given_to_backend(x, &s);
		assert_non_null(rig_flow(x->rig, &s, 0));
	}
	expect_given_to_backend(x, &s);
	assert_null(rig_flow(x->rig, &s, 0));
	assert_int_equal(rig_new_flows(x->rig, &x->tcp), 2 * RATE);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 1);
}

static void it_is_asked_by_the_way_it_came(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	check_from_now_on(x);
	s.vlan = 30;
	assert_int_equal(reset(x, &s, expect_asked(x, &s)), XDP_DROP);
	expect_given_to_backend(x, &s);
}

/* What a client would take for the beginning of its connection. */
static void a_cookie_is_never_acceptable(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	uint32_t ack;

	check_from_now_on(x);
	ack = expect_asked(x, &s);
	frame_make(&x->in, &s);
	put32(&x->in.bytes[l4(&s) + 4], ack - 1);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
	assert_int_equal(get32(&x->out.bytes[l4(&s) + 8]), ack ^ 0x80000000u);
	assert_int_equal(reset(x, &s, ack ^ 0x80000000u), XDP_DROP);
	expect_given_to_backend(x, &s);
}

static void nobody_is_asked_who_is_no_host(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	check_from_now_on(x);
	s.src = 0xe0000001;
	if (bed_is_v6()) {
		frame_make(&x->in, &s);
		x->in.bytes[FRAME_IP + 8] = 0xff;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	} else {
		assert_int_equal(send_spec(x, &s), XDP_DROP);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNPROVEN), 1);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_source_has_so_many_syns_beyond_the_rate),
		CLAIM(within_the_rate_no_source_is_asked_for),
		CLAIM(a_source_of_ipv6_is_its_site),
		CLAIM(what_is_no_syn_is_not_counted),
		CLAIM(who_answers_is_let_in),
		CLAIM(an_answer_behind_options_counts),
		CLAIM(who_only_sends_is_not_let_in),
		CLAIM(other_resets_prove_nothing),
		CLAIM(proven_sources_have_as_many_entries_again),
		CLAIM(it_is_asked_by_the_way_it_came),
		CLAIM(a_cookie_is_never_acceptable),
		CLAIM(nobody_is_asked_who_is_no_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
