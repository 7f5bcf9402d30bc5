// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Limits of packets a second. Most tests set the bucket's word, far ahead of now or at rest; the
 * clock is asked once, where it is about time.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <time.h>

#define LONG_NS 3600000000000ull /* used up for so long */
#define BURST   100              /* of a thousand a second, in a tenth of one */

static int setup(void **state)
{
	struct bed *x = bed_make(state, 2, LB_SVC_ECHO_ANSWER);

	if (x->rig) {
		bed_add(x, &x->other, 132, IPPROTO_SCTP, 2);
		rig_set_flags(x->rig, &x->tcp, LB_SVC_RATE);
		rig_set_flags(x->rig, &x->udp, LB_SVC_RATE);
		rig_set_flags(x->rig, &x->other, LB_SVC_RATE);
	}
	return 0;
}

static int verdict(struct bed *x, const struct frame_spec *s)
{
	frame_make(&x->in, s);
	return rig_xdp(x->rig, &x->in, &x->out);
}

static void expect_limited(struct bed *x, const struct frame_spec *s)
{
	const uint64_t before = rig_drops(x->rig, LB_DROP_RATE);

	assert_int_equal(verdict(x, s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_RATE), before + 1);
	assert_true(frame_equal(&x->in, &x->out));
}

static void a_vip_without_a_limit_has_none(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	assert_int_equal(verdict(x, &s), XDP_PASS);
	rig_set_rate(x->rig, VIP, 1, 1, LONG_NS); /* of another domain, and of another VIP */
	rig_set_rate(x->rig, VIP + 1, 0, 1, LONG_NS);
	assert_int_equal(verdict(x, &s), XDP_PASS);
	rig_set_rate(x->rig, VIP, 0, 0, LONG_NS);
	assert_int_equal(verdict(x, &s), XDP_PASS);
	rig_set_rate(x->rig, VIP, 0, 1, LONG_NS);
	expect_limited(x, &s);
}

/* The same address in a VRF is another VIP. */
static void each_domains_vip_has_its_own(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct rig_service there = x->tcp;

	there.domain = 7;
	rig_add_service(x->rig, &there);
	rig_add_backend(x->rig, &there, 0);
	rig_set_rows(x->rig, &there, (const unsigned[]){0}, 1, 0);
	rig_set_flags(x->rig, &there, LB_SVC_RATE);
	rig_set_domain(x->rig, 7);
	rig_set_rate(x->rig, VIP, 0, 1, LONG_NS);
	assert_int_equal(verdict(x, &s), XDP_PASS);
	rig_set_rate(x->rig, VIP, 7, 1, LONG_NS);
	expect_limited(x, &s);
	rig_set_rate(x->rig, VIP, 0, 0, 0);
	expect_limited(x, &s);
	rig_set_domain(x->rig, 0);
	assert_int_equal(verdict(x, &s), XDP_PASS);
}

/* What lives and what begins, of all protocols, also behind options; but only where it is asked. */
static void beyond_the_limit_nothing_comes_in(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *const all[] = {&x->tcp, &x->udp, &x->other};

	for (size_t i = 0; i < 3; i++) {
		struct frame_spec s = bed_request(all[i], 1000, TCP_SYN_FLAG);

		s.chunk = 1;
		rig_set_rate(x->rig, VIP, 0, 1000, 0);
		assert_int_equal(verdict(x, &s), XDP_PASS);
		s.tcp_flags = TCP_ACK_FLAG;
		s.chunk = 0;
		assert_int_equal(verdict(x, &s), XDP_PASS);
		s.options = 2;
		assert_int_equal(verdict(x, &s), XDP_PASS);
		rig_set_rate(x->rig, VIP, 0, 1000, LONG_NS);
		expect_limited(x, &s);
		s.options = 0;
		expect_limited(x, &s);
		rig_set_flags(x->rig, all[i], 0);
		assert_int_equal(verdict(x, &s), XDP_PASS);
	}
	assert_int_equal(rig_n_flows(x->rig), 3);
}

/* Whoever is kept out takes nobody's place; the agent's own packet neither. */
static void who_may_not_come_takes_no_place(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_RATE | LB_SVC_RANGES);
	rig_set_ranges(x->rig, &x->tcp, 7);
	rig_add_range(x->rig, 7, CLIENT, bed_is_v6() ? 128 : 32);
	rig_set_rate(x->rig, VIP, 0, 1, 0);
	for (int i = 0; i < 10; i++) {
		s.src = i % 2 ? 0 : CLIENT + 1;
		assert_int_equal(verdict(x, &s), i % 2 ? XDP_PASS : XDP_DROP);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_SOURCE), 5);
	assert_int_equal(rig_drops(x->rig, LB_DROP_RATE), 0);
	s.src = CLIENT;
	assert_int_equal(verdict(x, &s), XDP_PASS);
	expect_limited(x, &s); /* one a second */
	s.src = 0;
	assert_int_equal(verdict(x, &s), XDP_PASS);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* So many of n packets as came in. */
static unsigned come_in(struct bed *x, unsigned n)
{
	unsigned ret = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct frame_spec s =
			bed_request(i % 2 ? &x->tcp : &x->udp, 1000, TCP_ACK_FLAG);

		ret += verdict(x, &s) == XDP_PASS;
	}
	return ret;
}

/* After a rest a burst, then as time goes by; both services of the VIP share it. */
static void as_many_come_in_as_time_allows(void **state)
{
	const struct timespec rest = {.tv_nsec = 30000000};
	struct bed *x = bed_begin(state);
	unsigned n = 0, tries = 0;
	double began;

	rig_set_rate(x->rig, VIP, 0, 1000, 0);
	began = seconds();
	while (seconds() < began + 0.25) {
		n += come_in(x, 10);
		tries += 10;
	}
	assert_in_range(n, BURST, BURST + 1 + (unsigned)(1000 * (seconds() - began)));
	assert_int_equal(rig_drops(x->rig, LB_DROP_RATE), tries - n);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	assert_int_equal(come_in(x, 30), 30);
}

/* High rates are no multiple of a nanosecond, low ones longer than a burst. */
static void rates_of_all_sizes_are_met(void **state)
{
	static const struct {
		uint32_t rate, burst;
	} cases[] = {{1, 1}, {9, 1}, {10, 1}, {20, 2}, {300, 30}};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const double began = seconds();
		unsigned n, more;

		rig_set_rate(x->rig, VIP, 0, cases[i].rate, 0);
		n = come_in(x, 100);
		more = (unsigned)(cases[i].rate * (seconds() - began)) + 1;
		assert_in_range(n, cases[i].burst, cases[i].burst + more);
	}
	rig_set_rate(x->rig, VIP, 0, 100000000, 0);
	assert_int_equal(come_in(x, 1000), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_vip_without_a_limit_has_none, setup),
		CLAIM_BOTH(each_domains_vip_has_its_own, setup),
		CLAIM_BOTH(beyond_the_limit_nothing_comes_in, setup),
		CLAIM_BOTH(who_may_not_come_takes_no_place, setup),
		CLAIM_BOTH(as_many_come_in_as_time_allows, setup),
		CLAIM_BOTH(rates_of_all_sizes_are_met, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
