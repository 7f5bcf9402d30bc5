// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frames beyond a page: they lie in several buffers, of which the program sees the first one at
 * once. What is changed in them lies at their beginning, what is asked of them at their end.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define ROUTER 0x0afe0001
#define ID     77

/* From one that a page has just no room for to the largest. */
static const uint16_t payloads[] = {3400, 3800, 4096, 5000, 8192, 8900};
#define N_PAYLOADS (sizeof(payloads) / sizeof(*payloads))

static int setup(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

static void expect(struct bed *x, int verdict)
{
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

static struct frame_spec delivered(struct frame_spec s)
{
	s.dst = rig_backend_addr(0);
	s.dport = RIG_BACKEND_PORT;
	return s;
}

static void deliver(struct bed *x, const struct frame_spec *s)
{
	const struct frame_spec out = delivered(*s);

	frame_make(&x->in, s);
	frame_make(&x->want, &out);
	expect(x, XDP_PASS);
}

/* A header that claims one octet more than all buffers together have is cut. */
static void they_are_served_and_cut_ones_are_not(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *both[] = {&x->tcp, &x->udp};

	for (size_t i = 0; i < 2 * N_PAYLOADS; i++) {
		struct frame_spec s = bed_request(both[i % 2], (uint16_t)(1000 + i), 0);

		s.payload = payloads[i / 2];
		deliver(x, &s);
		s.vlan = 100;
		deliver(x, &s);
		s.options = 4;
		deliver(x, &s);
		frame_make(&x->in, &s);
		x->in.len--;
		x->want = x->in;
		expect(x, XDP_DROP);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 2 * N_PAYLOADS);
}

static void echo_is_answered(void **state)
{
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < N_PAYLOADS; i++) {
		struct frame_spec s = {.src = CLIENT,
				       .dst = VIP,
				       .proto = bed_icmp(),
				       .icmp_type = bed_is_v6() ? 128 : 8,
				       .payload = payloads[i]};

		frame_make(&x->in, &s);
		s.src = VIP;
		s.dst = CLIENT;
		s.icmp_type = bed_is_v6() ? 129 : 0;
		s.turned = true;
		frame_make(&x->want, &s);
		expect(x, XDP_TX);
	}
}

/* Of a packet that no frame holds. */
static void pieces_go_to_one_backend(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0), out;
	struct frame whole, want;

	s.payload = 9000;
	out = delivered(s);
	frame_make(&whole, &s);
	frame_make(&want, &out);
	for (size_t at = 0; at < 9000; at += 4000) {
		frame_cut(&x->in, &whole, at, 4000, ID);
		frame_cut(&x->want, &want, at, 4000, ID);
		expect(x, XDP_PASS);
	}
}

/* Some routers quote all of a packet that did not fit. */
static void errors_that_quote_them_reach_the_backend(void **state)
{
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < N_PAYLOADS; i++) {
		struct frame_spec sent = {.src = VIP,
					  .dst = CLIENT,
					  .sport = x->tcp.port,
					  .dport = 1000,
					  .proto = IPPROTO_TCP,
					  .payload = 8900};
		struct frame_spec error = {.src = ROUTER,
					   .dst = VIP,
					   .proto = bed_icmp(),
					   .icmp_type = bed_is_v6() ? 2 : 3,
					   .quote_len = payloads[i]};
		struct frame quote;

		frame_make(&quote, &sent);
		error.quote = &quote;
		frame_make(&x->in, &error);
		sent.src = rig_backend_addr(0);
		sent.sport = RIG_BACKEND_PORT;
		frame_make(&quote, &sent);
		error.dst = rig_backend_addr(0);
		frame_make(&x->want, &error);
		expect(x, XDP_PASS);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(they_are_served_and_cut_ones_are_not),
		CLAIM(echo_is_answered),
		CLAIM(pieces_go_to_one_backend),
		CLAIM(errors_that_quote_them_reach_the_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
