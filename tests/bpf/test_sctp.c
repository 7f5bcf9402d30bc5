// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * SCTP, there and back: what a test expects has its checksum computed in full. An association is a
 * flow, whose entry goes by the chunks that begin and end it.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define NEXT   (-1)
#define ROUTER 0x0afe0001

enum {
	DATA = 0,
	INIT = 1,
	INIT_ACK = 2,
	ABORT = 6,
	SHUTDOWN = 7,
	SHUTDOWN_ACK = 8,
	COOKIE_ECHO = 10,
	COOKIE_ACK = 11,
	SHUTDOWN_COMPLETE = 14
};

static int setup(void **state)
{
	struct bed *x = bed_make(state, 2, 0);

	if (x->rig)
		bed_add(x, &x->other, 3868, IPPROTO_SCTP, 2);
	return 0;
}

static struct frame_spec request(const struct bed *x, uint16_t sport, uint8_t chunk)
{
	struct frame_spec s = bed_request(&x->other, sport, 0);

	s.chunk = chunk;
	return s;
}

static struct frame_spec answer(const struct frame_spec *req, uint8_t chunk)
{
	return (struct frame_spec){.src = rig_backend_addr(0),
				   .dst = req->src,
				   .sport = RIG_BACKEND_PORT,
				   .dport = req->sport,
				   .proto = IPPROTO_SCTP,
				   .chunk = chunk};
}

static void expect(struct bed *x, const struct frame_spec *in, int verdict,
		   const struct frame_spec *out)
{
	frame_make(&x->in, in);
	frame_make(&x->want, out);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static void deliver_to(struct bed *x, struct frame_spec s, unsigned backend)
{
	struct frame_spec out = s;

	out.dst = rig_backend_addr(backend);
	out.dport = RIG_BACKEND_PORT;
	expect(x, &s, XDP_PASS, &out);
}

static void deliver(struct bed *x, struct frame_spec s)
{
	deliver_to(x, s, 0);
}

static void reply(struct bed *x, struct frame_spec in, bool turned)
{
	struct frame_spec out = in;

	if (turned) {
		out.src = VIP;
		out.sport = x->other.port;
	}
	frame_make(&x->in, &in);
	frame_make(&x->want, &out);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->out, &x->want));
}

static void packets_of_any_length_keep_their_checksum_right(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT);

	deliver(x, s);
	for (uint16_t payload = 1; payload < 9000;
	     payload = (uint16_t)(payload + 1 + payload / 9)) {
		s = request(x, 1000, DATA);
		s.payload = payload;
		deliver(x, s);
		s = answer(&s, DATA);
		s.payload = payload;
		if (payload < 3000) /* the kernel's test runs of tc take no longer ones */
			reply(x, s, true);
	}
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void options_tags_and_headers_are_read_over(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT), back = answer(&s, INIT_ACK);

	for (uint8_t options = 0; options < 5; options++) {
		s.options = back.options = options;
		s.vlan = back.vlan = options & 1 ? 7 : 0;
		deliver(x, s);
		reply(x, back, true);
	}
}

/* A service whose backend has its port; an association's first packet. */
static struct frame_spec add_same(struct bed *x, struct rig_service *same)
{
	const unsigned first[] = {0};
	struct frame_spec s;

	*same = (struct rig_service){.vip = VIP, .port = RIG_BACKEND_PORT, .proto = IPPROTO_SCTP};
	rig_add_service(x->rig, same);
	rig_add_backend(x->rig, same, 0);
	rig_set_rows(x->rig, same, first, 1, 0);
	s = bed_request(same, 1000, 0);
	s.chunk = INIT;
	return s;
}

/* The two ends need not have the same port. */
static void a_port_that_stays_changes_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	struct rig_service same;

	deliver(x, add_same(x, &same));
}

/* Where the packet is cut, and by what it is told. */
#define CUT 1448
#define ID  77

/* All pieces of a packet, there or back, become those of the other one. */
static void expect_pieces(struct bed *x, const struct frame_spec *in, const struct frame_spec *out,
			  bool back, int verdict)
{
	struct frame whole, want;

	frame_make(&whole, in);
	frame_make(&want, out);
	for (size_t at = 0; FRAME_IP + frame_ip_len() + at < whole.len; at += CUT) {
		frame_cut(&x->in, &whole, at, CUT, ID);
		frame_cut(&x->want, &want, at, CUT, ID);
		assert_int_equal(back ? rig_tc(x->rig, &x->in, &x->out)
				      : rig_xdp(x->rig, &x->in, &x->out),
				 verdict);
		assert_true(frame_equal(&x->out, &x->want));
	}
}

static void pieces_go_where_their_port_stays(void **state)
{
	struct bed *x = bed_begin(state);
	struct rig_service same;
	struct frame_spec s = add_same(x, &same), out, back;

	deliver(x, s);
	s.chunk = DATA;
	s.payload = 4000;
	out = s;
	out.dst = rig_backend_addr(0);
	expect_pieces(x, &s, &out, false, XDP_PASS);
	assert_int_equal(rig_count(x->rig, &same, 0).packets, 4);
	back = answer(&s, DATA);
	back.payload = 4000;
	out = back;
	out.src = VIP;
	expect_pieces(x, &back, &out, true, NEXT);
}

/* How far from the end the port stands is in no first fragment. */
static void pieces_whose_port_would_change_are_dropped_and_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT), back;

	deliver(x, s);
	s.chunk = DATA;
	s.payload = 4000;
	expect_pieces(x, &s, &s, false, XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_SCTP_FRAGMENT), 1);
	assert_int_equal(rig_drops(x->rig, LB_DROP_FRAGMENT), 2);
	assert_int_equal(rig_count(x->rig, &x->other, 0).packets, 1);
	back = answer(&s, DATA);
	back.payload = 4000;
	expect_pieces(x, &back, &back, true, NEXT);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_FRAGMENT), 1);
}

/* A stack leaves it to the card, which sums up what leaves. */
static void an_unfinished_checksum_stays_so(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT);
	size_t at = FRAME_IP + frame_ip_len() + 8;

	deliver(x, s);
	s = answer(&s, INIT_ACK);
	frame_make(&x->in, &s);
	s.src = VIP;
	s.sport = x->other.port;
	frame_make(&x->want, &s);
	memset(&x->in.bytes[at], 0, 4);
	memset(&x->want.bytes[at], 0, 4);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->out, &x->want));
}

static void an_association_begins_lives_and_ends_as_a_flow(void **state)
{
	static const struct {
		uint8_t chunk;
		bool from_backend;
		unsigned becomes;
	} steps[] = {
		{INIT, false, LB_FLOW_NEW},
		{INIT_ACK, true, LB_FLOW_ANSWERED},
		{COOKIE_ECHO, false, LB_FLOW_ANSWERED},
		{COOKIE_ACK, true, LB_FLOW_ESTABLISHED},
		{DATA, false, LB_FLOW_ESTABLISHED},
		{INIT, false, LB_FLOW_ESTABLISHED},
		{DATA, true, LB_FLOW_ESTABLISHED},
		{SHUTDOWN, false, LB_FLOW_ESTABLISHED},
		{SHUTDOWN_ACK, true, LB_FLOW_CLOSING},
		{INIT, false, LB_FLOW_NEW},
		{ABORT, true, LB_FLOW_CLOSING},
		{INIT, false, LB_FLOW_NEW},
		{ABORT, false, LB_FLOW_CLOSING},
	};
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT);

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (steps[i].from_backend)
			reply(x, answer(&s, steps[i].chunk), true);
		else
			deliver(x, request(x, 1000, steps[i].chunk));
		assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), steps[i].becomes);
	}
}

static void an_association_keeps_its_backend_when_its_row_changes(void **state)
{
	const unsigned reversed[] = {1, 0};
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT);

	deliver(x, s);
	reply(x, answer(&s, INIT_ACK), true);
	reply(x, answer(&s, COOKIE_ACK), true);
	rig_set_rows(x->rig, &x->other, reversed, 2, LB_ROW_UNSETTLED);
	deliver(x, request(x, 1000, DATA));
	deliver(x, request(x, 1000, INIT));
	deliver_to(x, request(x, 1001, INIT), 1);
}

/* What is no beginning makes no entry last, as with TCP. */
static bool is_passed(struct bed *x, uint16_t sport, uint8_t chunk)
{
	const struct frame_spec s = request(x, sport, chunk);

	frame_make(&x->in, &s);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	return frame_equal(&x->in, &x->out);
}

/* As a connection of TCP: SHUTDOWN is its FIN, and an INIT behind it begins another one. */
static void an_association_of_the_kernel_is_left_to_it(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec s = request(x, 1000, DATA);

	rig_set_flags(x->rig, &x->other, LB_SVC_KERNEL_FLOWS);
	rig_add_kernel_flow(x->rig, &s);
	assert_true(is_passed(x, 1000, DATA));
	assert_true(is_passed(x, 1000, INIT));
	assert_false(is_passed(x, 1001, INIT));
	assert_false(is_passed(x, 1001, DATA));
	assert_true(is_passed(x, 1000, SHUTDOWN));
	assert_true(is_passed(x, 1000, DATA));
	assert_false(is_passed(x, 1000, INIT));
	assert_false(is_passed(x, 1000, DATA));
}

static void while_shared_an_association_goes_by_its_entry(void **state)
{
	struct bed *x = bed_begin(state);

	assert_false(is_passed(x, 1000, INIT));
	rig_set_flags(x->rig, &x->other, LB_SVC_TAKING_OVER);
	assert_false(is_passed(x, 1000, DATA));
	assert_false(is_passed(x, 1001, INIT));
	assert_true(is_passed(x, 1002, DATA));
	rig_set_flags(x->rig, &x->other, LB_SVC_HANDING_BACK);
	assert_false(is_passed(x, 1000, DATA));
	assert_true(is_passed(x, 1003, INIT));
	assert_true(is_passed(x, 1003, DATA));
}

static void an_abort_that_nobody_knows_leaves_no_trace(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, request(x, 1000, ABORT));
	deliver(x, request(x, 1001, INIT_ACK));
	assert_int_equal(rig_n_flows(x->rig), 0);
	deliver(x, request(x, 1002, DATA));
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void what_is_not_served_is_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT);

	s.dport++;
	expect(x, &s, XDP_DROP, &s);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 1);
	s = request(x, 1000, DATA);
	s.bare = true;
	for (uint16_t cut = 1; cut <= 16; cut++) {
		frame_make(&x->in, &s);
		frame_set_bytes(&x->in, (uint16_t)(frame_bytes(&x->in) - cut));
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
		assert_true(frame_equal(&x->in, &x->out));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), 16);
	s.bare = false;
	rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
	s.dport++;
	expect(x, &s, XDP_PASS, &s);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void answers_that_are_none_leave_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT), near;

	deliver(x, s);
	for (int i = 0; i < 4; i++) {
		near = answer(&s, INIT_ACK);
		near.src += i == 0;
		near.dst += i == 1;
		near.sport = (uint16_t)(near.sport + (i == 2));
		near.dport = (uint16_t)(near.dport + (i == 3));
		reply(x, near, false);
	}
	near = answer(&s, INIT_ACK);
	frame_make(&x->in, &near);
	frame_set_bytes(&x->in, (uint16_t)(frame_ip_len() + 15));
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
	assert_true(frame_equal(&x->in, &x->out));
}

/* Quotes of eight octets: ports and verification tag, from there and from here. */
static void errors_find_the_association_that_they_quote(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = request(x, 1000, INIT), sent, error;
	struct frame far, near;

	deliver(x, s);
	for (uint16_t quoted = 8; quoted < 40; quoted += 4) {
		sent = answer(&s, DATA);
		frame_make(&near, &sent);
		sent.src = VIP;
		sent.sport = x->other.port;
		frame_make(&far, &sent);
		/* which is left as it came: nobody can verify it */
		memcpy(&near.bytes[FRAME_IP + frame_ip_len() + 8],
		       &far.bytes[FRAME_IP + frame_ip_len() + 8], 4);
		error = (struct frame_spec){.src = ROUTER,
					    .dst = VIP,
					    .proto = bed_icmp(),
					    .icmp_type = bed_is_v6() ? 2 : 3,
					    .quote = &far,
					    .quote_len = (uint16_t)(frame_ip_len() + quoted)};
		frame_make(&x->in, &error);
		error.dst = rig_backend_addr(0);
		error.quote = &near;
		frame_make(&x->want, &error);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
		assert_true(frame_equal(&x->out, &x->want));
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(packets_of_any_length_keep_their_checksum_right),
		CLAIM(options_tags_and_headers_are_read_over),
		CLAIM(a_port_that_stays_changes_nothing),
		CLAIM(pieces_go_where_their_port_stays),
		CLAIM(pieces_whose_port_would_change_are_dropped_and_counted),
		CLAIM(an_unfinished_checksum_stays_so),
		CLAIM(an_association_begins_lives_and_ends_as_a_flow),
		CLAIM(an_association_keeps_its_backend_when_its_row_changes),
		CLAIM(an_abort_that_nobody_knows_leaves_no_trace),
		CLAIM_V4(an_association_of_the_kernel_is_left_to_it, setup),
		CLAIM(while_shared_an_association_goes_by_its_entry),
		CLAIM(what_is_not_served_is_counted),
		CLAIM(answers_that_are_none_leave_untouched),
		CLAIM(errors_find_the_association_that_they_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
