// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Source ranges: who may come to a service that has them, in both families. The rig's addresses of
 * IPv6 have nothing in common but what they are told to, so prefixes are tested with addresses that
 * share their first bits.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define SET 7u

static void use(struct bed *x, const struct rig_service *s, uint32_t flags, uint32_t set)
{
	rig_set_flags(x->rig, s, flags);
	rig_set_ranges(x->rig, s, set);
}

static int setup(void **state)
{
	struct bed *x = bed_make(state, 2, LB_SVC_ECHO_ANSWER);

	if (x->rig) {
		use(x, &x->tcp, LB_SVC_RANGES, SET);
		use(x, &x->udp, LB_SVC_RANGES, SET);
	}
	return 0;
}

static void only_sources_of_the_set_come_in(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *const both[] = {&x->tcp, &x->udp};

	rig_add_range(x->rig, SET, CLIENT, bed_whole());
	rig_add_range(x->rig, SET + 1, CLIENT + 1, bed_whole()); /* of others */
	for (size_t i = 0; i < 2; i++) {
		struct frame_spec s = bed_request(both[i], 1000, TCP_SYN_FLAG);

		assert_int_equal(bed_xdp(x, &s), XDP_PASS);
		assert_true(frame_is_valid(&x->out));
		s.src = CLIENT + 1;
		bed_expect_drop(x, &s, LB_DROP_SOURCE);
	}
	assert_int_equal(rig_n_flows(x->rig), 2);
}

static void service_without_the_flag_asks_nobody(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	bed_expect_drop(x, &s, LB_DROP_SOURCE);
	use(x, &x->tcp, 0, SET);
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
}

static void set_of_nobody_lets_nobody_in_and_that_of_all_all(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	for (uint32_t i = 0; i < 100; i++) {
		s.src = CLIENT + i * 0x01000193;
		bed_expect_drop(x, &s, LB_DROP_SOURCE);
	}
	rig_add_range(x->rig, SET, 0, 0);
	for (uint32_t i = 0; i < 100; i++) {
		s.src = CLIENT + i * 0x01000193;
		assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	}
}

/* Bits beyond the length do not matter, those before do. */
static void ranges_end_where_they_say(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);
	uint8_t a[16], b[16];

	for (unsigned len = 1; len <= bed_whole(); len++) {
		unsigned same = 0;

		rig_add_range(x->rig, SET, CLIENT, len);
		for (uint32_t bit = 0; bit < 32; bit++) {
			s.src = CLIENT ^ UINT32_C(1) << bit;
			frame_address(a, CLIENT);
			frame_address(b, s.src);
			for (same = 0; same < 128; same++)
				if ((a[same / 8] ^ b[same / 8]) >> (7 - same % 8) & 1)
					break;
			same -= bed_is_v6() ? 0 : 96;
			assert_int_equal(bed_xdp(x, &s), same >= len ? XDP_PASS : XDP_DROP);
		}
		rig_del_range(x->rig, SET, CLIENT, len);
	}
}

/* Also connections that live: a source that may not come any more is cut off at once. */
static void another_set_holds_for_living_flows(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_add_range(x->rig, SET, CLIENT, bed_whole());
	rig_add_range(x->rig, SET + 1, CLIENT + 1, bed_whole());
	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	bed_answer(x, &syn, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	assert_int_equal(bed_xdp(x, &ack), XDP_PASS);
	use(x, &x->tcp, LB_SVC_RANGES, SET + 1);
	bed_expect_drop(x, &ack, LB_DROP_SOURCE);
	use(x, &x->tcp, LB_SVC_RANGES, SET);
	assert_int_equal(bed_xdp(x, &ack), XDP_PASS);
}

/* Errors come from whoever is on the way, and echo is the VIP's, not the service's. */
static void icmp_is_asked_for_no_range(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec answer = bed_request(&x->udp, 1000, 0);
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

	answer = (struct frame_spec){
		.src = VIP, .dst = CLIENT, .sport = 53, .dport = 1000, .proto = IPPROTO_UDP};
	frame_make(&quoted, &answer);
	error.quote_len = (uint16_t)(quoted.len - FRAME_IP);
	rig_add_range(x->rig, SET, CLIENT, bed_whole());
	answer = bed_request(&x->udp, 1000, 0);
	assert_int_equal(bed_xdp(x, &answer), XDP_PASS);
	assert_int_equal(bed_xdp(x, &error), XDP_PASS);
	assert_int_equal(bed_xdp(x, &echo), XDP_TX);
}

/* The agent's own packet comes from nowhere. */
static void self_test_comes_in(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	s.src = 0;
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	assert_int_equal(rig_drops(x->rig, LB_DROP_SOURCE), 0);
}

static void ranges_hold_behind_extension_headers(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	s.options = 1;
	bed_expect_drop(x, &s, LB_DROP_SOURCE);
	rig_add_range(x->rig, SET, CLIENT, bed_whole());
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
}

/* Ten thousand of them, half of the sources inside. */
static void many_ranges_are_as_good_as_one(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	for (uint32_t i = 0; i < 10000; i++)
		rig_add_range(x->rig, SET, 0x0a000000 + 2 * i, bed_whole());
	for (uint32_t i = 0; i < 20002; i += 7) {
		s.src = 0x0a000000 + i;
		assert_int_equal(bed_xdp(x, &s), i % 2 || i >= 20000 ? XDP_DROP : XDP_PASS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(only_sources_of_the_set_come_in, setup),
		CLAIM_BOTH(service_without_the_flag_asks_nobody, setup),
		CLAIM_BOTH(set_of_nobody_lets_nobody_in_and_that_of_all_all, setup),
		CLAIM_BOTH(ranges_end_where_they_say, setup),
		CLAIM_BOTH(another_set_holds_for_living_flows, setup),
		CLAIM_BOTH(icmp_is_asked_for_no_range, setup),
		CLAIM_BOTH(self_test_comes_in, setup),
		CLAIM_BOTH(ranges_hold_behind_extension_headers, setup),
		CLAIM_BOTH(many_ranges_are_as_good_as_one, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
