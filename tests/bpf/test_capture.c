// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The programs that capture do what the others do, and tell of what they were asked for: what came,
 * what it became, which backend has it or why it was dropped. All else leaves no record, and what
 * is too much is counted.
 */
#include "bpf/rig_capture.h"
#include "bpf/tunnel_bed.h"

#include <arpa/inet.h>
#include <string.h>

#define NEXT         (-1) /* TCX_NEXT */
#define VERIFIED_MAX 60000
#define MANY         1000 /* frames that the ring buffer has no room for, each as large as may be */

struct capture_bed {
	struct bed *bed;
	struct rig_capture *capture;
	struct lb_capture asked;
	struct rig_captured got[RIG_CAPTURED];
};

static int setup(void **state)
{
	struct capture_bed *y = calloc(1, sizeof(*y));

	y->bed = bed_make(state, 4, LB_SVC_ECHO_ANSWER);
	if (y->bed->rig)
		y->capture = rig_capture_new(y->bed->rig);
	y->asked = (struct lb_capture){.flags = LB_CAPTURE_IN | LB_CAPTURE_REPLY,
				       .bytes = 256,
				       .looks = 1000,
				       .takes = 1000};
	*state = y;
	return 0;
}

static int teardown(void **state)
{
	struct capture_bed *y = *state;
	void *bed = y->bed;

	rig_capture_free(y->capture);
	free(y);
	return bed_teardown(&bed);
}

static struct capture_bed *begin(void **state)
{
	struct capture_bed *y = *state;

	if (!y->bed->rig)
		skip();
	return y;
}

/* How many records a frame leaves, on its way in; its verdict is in *ret. */
static unsigned request(struct capture_bed *y, const struct frame_spec *s, int *ret)
{
	rig_capture_ask(y->capture, &y->asked);
	frame_make(&y->bed->in, s);
	*ret = rig_capture_xdp(y->capture, &y->bed->in, &y->bed->out);
	return rig_capture_take(y->capture, y->got);
}

static unsigned n_of(struct capture_bed *y, const struct frame_spec *s)
{
	int verdict;

	return request(y, s, &verdict);
}

static void expect_record(const struct rig_captured *r, const struct frame *f,
			  enum lb_capture_point point)
{
	assert_int_equal(r->head.point, point);
	assert_int_equal(r->head.len, f->len);
	assert_int_equal(r->head.kept, f->len);
	assert_memory_equal(r->bytes, f->bytes, f->len);
	assert_int_equal(r->head.ifindex, RIG_IFINDEX);
	assert_true(r->head.at > 0);
}

/* --- requests --------------------------------------------------------------------------------- */

static void a_request_is_told_as_it_came_and_as_it_left(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_SYN_FLAG);
	struct frame in, out;
	int verdict;

	assert_int_equal(request(y, &s, &verdict), 2);
	assert_int_equal(verdict, XDP_PASS);
	expect_record(&y->got[0], &y->bed->in, LB_CAPTURE_ARRIVED);
	expect_record(&y->got[1], &y->bed->out, LB_CAPTURE_LEFT);
	assert_int_equal(y->got[0].head.ip_off, FRAME_IP);
	assert_int_equal(y->got[0].head.backend, y->bed->tcp.backends_base);
	assert_int_equal(y->got[0].head.verdict, XDP_PASS);
	assert_int_equal(y->got[0].head.reasons, 0);
	s.tcp_flags = TCP_ACK_FLAG; /* as the program that runs has it */
	frame_make(&in, &s);
	assert_int_equal(rig_xdp(y->bed->rig, &in, &out), XDP_PASS);
	assert_int_equal(n_of(y, &s), 2);
	assert_true(frame_equal(&out, &y->bed->out));
	s.vlan = 30;
	assert_int_equal(n_of(y, &s), 2);
	assert_int_equal(y->got[0].head.ip_off, FRAME_IP + 4);
}

static void what_is_not_asked_for_is_not_told(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG), other = s;

	other.dst = VIP + 1;
	assert_int_equal(n_of(y, &other), 0);
	other = s;
	other.src = 0; /* the agent's self-test */
	assert_int_equal(n_of(y, &other), 0);
	y->asked.flags = LB_CAPTURE_REPLY;
	assert_int_equal(n_of(y, &s), 0);
	y->asked.flags = LB_CAPTURE_IN;
	y->asked.until = 1;
	assert_int_equal(n_of(y, &s), 0);
	y->asked.until = 0;
	assert_int_equal(n_of(y, &s), 2);
}

static void clients_are_told_by_their_prefix(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG);

	frame_address((uint8_t *)y->asked.client, CLIENT);
	memset(y->asked.mask, 0xff, sizeof(y->asked.mask));
	assert_int_equal(n_of(y, &s), 2);
	s.src = CLIENT ^ 1;
	assert_int_equal(n_of(y, &s), 0);
	y->asked.mask[3] = htonl(0xfffffff0);
	if (!bed_is_v6()) /* all words of its address differ there */
		assert_int_equal(n_of(y, &s), 2);
	y->asked.mask[0] = y->asked.mask[1] = y->asked.mask[2] = y->asked.mask[3] = 0;
	assert_int_equal(n_of(y, &s), 2);
}

static void vips_are_told_by_address_and_port(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec tcp = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG);
	struct frame_spec udp = bed_request(&y->bed->udp, 1000, 0);
	struct lb_capture_vip *v = &y->asked.vips[LB_CAPTURE_VIPS - 1];

	y->asked.n_vips = LB_CAPTURE_VIPS; /* the last one of as many as there may be */
	*v = (struct lb_capture_vip){.port = htons(80), .proto = IPPROTO_TCP};
	frame_address((uint8_t *)v->addr, VIP);
	assert_int_equal(n_of(y, &tcp), 2);
	assert_int_equal(n_of(y, &udp), 0);
	v->proto = IPPROTO_UDP;
	assert_int_equal(n_of(y, &tcp), 0);
	v->port = 0;
	assert_int_equal(n_of(y, &udp), 2);
	frame_address((uint8_t *)v->addr, VIP + 1);
	assert_int_equal(n_of(y, &udp), 0);
}

static void drops_are_told_with_their_reason(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_SYN_FLAG);
	int verdict;

	rig_set_flags(y->bed->rig, &y->bed->tcp, LB_SVC_RANGES);
	rig_set_ranges(y->bed->rig, &y->bed->tcp, 7);
	assert_int_equal(request(y, &s, &verdict), 1);
	assert_int_equal(verdict, XDP_DROP);
	expect_record(&y->got[0], &y->bed->in, LB_CAPTURE_ARRIVED);
	assert_int_equal(y->got[0].head.verdict, XDP_DROP);
	assert_int_equal(y->got[0].head.reasons, 1ull << LB_DROP_SOURCE);
	assert_int_equal(y->got[0].head.backend, LB_CAPTURE_NOBODY);
	y->asked.reasons = 1ull << LB_DROP_SOURCE;
	assert_int_equal(n_of(y, &s), 1);
	y->asked.reasons = 1ull << LB_DROP_DENIED;
	assert_int_equal(n_of(y, &s), 0);
	y->asked.reasons = ~0ull;
	rig_set_flags(y->bed->rig, &y->bed->tcp, 0);
	assert_int_equal(n_of(y, &s), 0); /* what is served is not dropped */
	s.dport = 81;
	assert_int_equal(n_of(y, &s), 1);
	assert_int_equal(y->got[0].head.reasons, 1ull << LB_DROP_UNKNOWN_PORT);
}

/* Who is refused by an answer: that is what leaves. */
static void an_answer_in_place_of_a_backend_is_told(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_SYN_FLAG);
	int verdict;

	rig_set_flags(y->bed->rig, &y->bed->tcp, LB_SVC_CLOSED | LB_SVC_REJECT);
	assert_int_equal(request(y, &s, &verdict), 2);
	assert_int_equal(verdict, XDP_TX);
	expect_record(&y->got[1], &y->bed->out, LB_CAPTURE_LEFT);
	assert_int_equal(y->got[0].head.reasons, 1ull << LB_DROP_NO_BACKEND);
}

/* --- replies ---------------------------------------------------------------------------------- */

static unsigned reply(struct capture_bed *y, const struct frame_spec *s)
{
	rig_capture_ask(y->capture, &y->asked);
	frame_make(&y->bed->in, s);
	assert_int_equal(rig_capture_tc(y->capture, &y->bed->in, &y->bed->out), NEXT);
	return rig_capture_take(y->capture, y->got);
}

static void a_reply_is_told_as_the_backends_and_as_the_vips(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec req = bed_request(&y->bed->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec s = {.src = rig_backend_addr(0),
			       .dst = CLIENT,
			       .sport = RIG_BACKEND_PORT,
			       .dport = 1000,
			       .proto = IPPROTO_TCP};
	struct lb_capture_vip *v = &y->asked.vips[0];

	assert_int_equal(n_of(y, &req), 2);
	assert_int_equal(reply(y, &s), 2);
	expect_record(&y->got[0], &y->bed->in, LB_CAPTURE_REPLY_ARRIVED);
	expect_record(&y->got[1], &y->bed->out, LB_CAPTURE_REPLY_LEFT);
	assert_int_equal(y->got[0].head.verdict, NEXT);
	y->asked.n_vips = 1;
	*v = (struct lb_capture_vip){.port = htons(80), .proto = IPPROTO_TCP};
	frame_address((uint8_t *)v->addr, VIP);
	assert_int_equal(reply(y, &s), 2);
	v->port = htons(81);
	assert_int_equal(reply(y, &s), 0);
	y->asked.n_vips = 0;
	y->asked.flags = LB_CAPTURE_IN;
	assert_int_equal(reply(y, &s), 0);
	y->asked.flags = LB_CAPTURE_REPLY;
	s.dport = 1001; /* of no flow of ours */
	assert_int_equal(reply(y, &s), 0);
	s.src = rig_backend_addr(9);
	assert_int_equal(reply(y, &s), 0);
}

/* --- between nodes ---------------------------------------------------------------------------- */

static void what_comes_in_a_tunnel_is_told_by_what_is_inside(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 40000, TCP_ACK_FLAG);

	for (size_t i = 0; i < 2; i++) {
		struct tunnel_spec t = tunnel_from(outers[i]);
		struct frame inner;

		tunnel_begin(y->bed, outers[i]);
		frame_make(&inner, &s);
		tunnel_make(&y->bed->in, &inner, &t);
		frame_address((uint8_t *)y->asked.client, CLIENT);
		memset(y->asked.mask, 0xff, sizeof(y->asked.mask));
		rig_capture_ask(y->capture, &y->asked);
		assert_int_equal(rig_capture_xdp(y->capture, &y->bed->in, &y->bed->out), XDP_PASS);
		tunnel_expect_given(y->bed, &s, 0);
		assert_int_equal(rig_capture_take(y->capture, y->got), 2);
		expect_record(&y->got[0], &y->bed->in, LB_CAPTURE_ARRIVED);
		expect_record(&y->got[1], &y->bed->out, LB_CAPTURE_LEFT);
		assert_int_equal(y->got[0].head.ip_off, y->bed->in.len - (inner.len - FRAME_IP));
		assert_int_equal(y->got[0].head.backend, y->bed->tcp.backends_base);
		y->asked.mask[0] = ~0u;
		frame_address((uint8_t *)y->asked.client, CLIENT + 1);
		rig_capture_ask(y->capture, &y->asked);
		(void)rig_capture_xdp(y->capture, &y->bed->in, &y->bed->out);
		assert_int_equal(rig_capture_take(y->capture, y->got), 0);
	}
}

static void what_goes_into_a_tunnel_is_told_as_it_leaves(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 40000, TCP_ACK_FLAG);
	int verdict;

	tunnel_begin(y->bed, AF_INET);
	rig_set_remote(y->bed->rig, &y->bed->tcp, 0, NODE);
	assert_int_equal(request(y, &s, &verdict), 2);
	assert_int_equal(verdict, XDP_TX);
	expect_record(&y->got[0], &y->bed->in, LB_CAPTURE_ARRIVED);
	expect_record(&y->got[1], &y->bed->out, LB_CAPTURE_LEFT);
	assert_int_equal(y->got[0].head.backend, y->bed->tcp.backends_base);
	assert_true(y->bed->out.len > y->bed->in.len);
}

static void a_forged_tunnel_is_told_as_a_drop(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec t = tunnel_from(AF_INET);
	struct frame inner;

	tunnel_begin(y->bed, AF_INET);
	t.src = THERE + 1;
	frame_make(&inner, &s);
	tunnel_make(&y->bed->in, &inner, &t);
	y->asked.reasons = 1ull << LB_DROP_TUNNEL_SOURCE;
	rig_capture_ask(y->capture, &y->asked);
	assert_int_equal(rig_capture_xdp(y->capture, &y->bed->in, &y->bed->out), XDP_DROP);
	assert_int_equal(rig_capture_take(y->capture, y->got), 1);
	assert_int_equal(y->got[0].head.reasons, 1ull << LB_DROP_TUNNEL_SOURCE);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void no_more_of_a_frame_is_kept_than_was_asked_for(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG);

	s.payload = 8000; /* in several buffers */
	y->asked.bytes = 64;
	assert_int_equal(n_of(y, &s), 2);
	assert_int_equal(y->got[0].head.kept, 64);
	assert_int_equal(y->got[1].head.kept, 64);
	assert_int_equal(y->got[0].head.len, y->bed->in.len);
	y->asked.bytes = LB_CAPTURE_BYTES;
	assert_int_equal(n_of(y, &s), 2);
	assert_int_equal(y->got[1].head.kept, LB_CAPTURE_BYTES);
	assert_memory_equal(y->got[1].bytes, y->bed->out.bytes, LB_CAPTURE_BYTES);
}

/* In one jiffy, which may end between two of them: so there are many. */
static void what_is_too_much_is_counted_and_served(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG);
	uint64_t missed, unseen, unseen_before;
	unsigned n = 0;

	y->asked.takes = 1;
	for (unsigned i = 0; i < MANY; i++)
		n += n_of(y, &s);
	rig_capture_missed(y->capture, &missed, &unseen_before);
	assert_true(missed > 0);
	assert_int_equal(unseen_before, 0);
	assert_int_equal(n, 2 * (MANY - missed));
	y->asked.looks = 1;
	for (unsigned i = n = 0; i < MANY; i++) {
		int verdict;

		n += request(y, &s, &verdict);
		assert_int_equal(verdict, XDP_PASS);
	}
	rig_capture_missed(y->capture, &missed, &unseen);
	assert_true(unseen > 0);
	assert_int_equal(n, 2 * (MANY - unseen));
}

static void a_ring_that_nobody_reads_holds_nobody_up(void **state)
{
	struct capture_bed *y = begin(state);
	struct frame_spec s = bed_request(&y->bed->tcp, 1000, TCP_ACK_FLAG);
	uint64_t missed, unseen;
	unsigned n;

	s.payload = 1400;
	y->asked.bytes = LB_CAPTURE_BYTES;
	y->asked.takes = y->asked.looks = 1000000;
	rig_capture_ask(y->capture, &y->asked);
	frame_make(&y->bed->in, &s);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(rig_capture_xdp(y->capture, &y->bed->in, &y->bed->out), XDP_PASS);
	n = rig_capture_take(y->capture, y->got);
	rig_capture_missed(y->capture, &missed, &unseen);
	assert_true(missed > 0);
	assert_in_range(n + missed, MANY, 2 * MANY);
	assert_int_equal(n_of(y, &s), 2); /* there is room again */
}

static void the_programs_that_capture_are_verified_in_time(void **state)
{
	struct capture_bed *y = begin(state);
	const uint32_t xdp = rig_capture_verified(y->capture, RIG_XDP);
	const uint32_t tc = rig_capture_verified(y->capture, RIG_TC);

	print_message("  that capture: xdp_lb %u instructions verified, tc_reply %u\n", xdp, tc);
	assert_in_range(xdp, 1, VERIFIED_MAX);
	assert_in_range(tc, 1, VERIFIED_MAX);
}

#define CAPTURE_V4(f)                                                                              \
	{                                                                                          \
#f ", IPv4", f, setup, teardown, NULL                                              \
	}
#define CAPTURE_BOTH(f)                                                                            \
	CAPTURE_V4(f),                                                                             \
	{                                                                                          \
#f ", IPv6", f, setup, teardown, (void *)(size_t)AF_INET6                          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPTURE_BOTH(a_request_is_told_as_it_came_and_as_it_left),
		CAPTURE_BOTH(what_is_not_asked_for_is_not_told),
		CAPTURE_BOTH(clients_are_told_by_their_prefix),
		CAPTURE_BOTH(vips_are_told_by_address_and_port),
		CAPTURE_BOTH(drops_are_told_with_their_reason),
		CAPTURE_BOTH(an_answer_in_place_of_a_backend_is_told),
		CAPTURE_BOTH(a_reply_is_told_as_the_backends_and_as_the_vips),
		CAPTURE_BOTH(what_comes_in_a_tunnel_is_told_by_what_is_inside),
		CAPTURE_BOTH(what_goes_into_a_tunnel_is_told_as_it_leaves),
		CAPTURE_BOTH(a_forged_tunnel_is_told_as_a_drop),
		CAPTURE_BOTH(no_more_of_a_frame_is_kept_than_was_asked_for),
		CAPTURE_V4(what_is_too_much_is_counted_and_served),
		CAPTURE_V4(a_ring_that_nobody_reads_holds_nobody_up),
		CAPTURE_V4(the_programs_that_capture_are_verified_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
