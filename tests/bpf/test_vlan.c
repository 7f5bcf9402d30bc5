// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frames with VLAN tags: one or two, of either kind and in either order, for everything that either
 * program does with a frame. What a test expects is the same packet under the same tags.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define NEXT   (-1)
#define ROUTER 0x0afe0001

/* EtherTypes of the tags, outer first; 0: none. */
static const uint16_t tags[][2] = {{0x8100, 0},      {0x88a8, 0},      {0x88a8, 0x8100},
				   {0x8100, 0x8100}, {0x88a8, 0x88a8}, {0x8100, 0x88a8}};
#define N_TAGS (sizeof(tags) / sizeof(*tags))

static int setup(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

/* The same frame with these tags in it. */
static void tag(struct frame *f, const uint16_t types[2])
{
	for (int i = 1; i >= 0; i--) {
		const uint8_t bytes[] = {(uint8_t)(types[i] >> 8), (uint8_t)types[i], 0x6f,
					 (uint8_t)(0x10 + i)};

		if (!types[i])
			continue;
		memmove(&f->bytes[16], &f->bytes[12], f->len - 12);
		memcpy(&f->bytes[12], bytes, sizeof(bytes));
		f->len += sizeof(bytes);
	}
}

static void lay(struct bed *x, const struct frame_spec *in, const struct frame_spec *out,
		const uint16_t types[2])
{
	frame_make(&x->in, in);
	frame_make(&x->want, out);
	tag(&x->in, types);
	tag(&x->want, types);
}

static void expect(struct bed *x, int verdict)
{
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static struct frame_spec delivered(struct frame_spec s)
{
	s.dst = rig_backend_addr(0);
	s.dport = RIG_BACKEND_PORT;
	return s;
}

static struct frame_spec answer(const struct frame_spec *req)
{
	return (struct frame_spec){.src = rig_backend_addr(0),
				   .dst = req->src,
				   .sport = RIG_BACKEND_PORT,
				   .dport = req->sport,
				   .proto = req->proto,
				   .tcp_flags = TCP_ACK_FLAG};
}

static void packets_under_tags_are_served_and_answered(void **state)
{
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < N_TAGS; i++)
		for (int udp = 0; udp < 2; udp++) {
			struct rig_service *service = udp ? &x->udp : &x->tcp;
			struct frame_spec req =
				bed_request(service, (uint16_t)(1000 + i), TCP_SYN_FLAG);
			struct frame_spec out = delivered(req), back = answer(&req), turned = back;

			lay(x, &req, &out, tags[i]);
			expect(x, XDP_PASS);
			assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_NEW);
			turned.src = VIP;
			turned.sport = service->port;
			lay(x, &back, &turned, tags[i]);
			assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
			assert_true(frame_equal(&x->out, &x->want));
		}
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).bytes, N_TAGS * (frame_ip_len() + 40));
}

/* Options, extension headers, echo, and pieces. */
static void what_goes_the_cold_way_does_so_under_tags(void **state)
{
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < N_TAGS; i++) {
		struct frame_spec echo = {.src = CLIENT,
					  .dst = VIP,
					  .proto = bed_icmp(),
					  .icmp_type = bed_is_v6() ? 128 : 8};
		struct frame_spec s = bed_request(&x->udp, 1000, 0), out;

		s.options = 2;
		out = delivered(s);
		lay(x, &s, &out, tags[i]);
		expect(x, XDP_PASS);
		s.options = 0;
		s.frag = 0x2000;
		out = delivered(s);
		lay(x, &s, &out, tags[i]);
		expect(x, XDP_PASS);
		out = echo;
		out.src = VIP;
		out.dst = CLIENT;
		out.icmp_type = bed_is_v6() ? 129 : 0;
		out.turned = true;
		lay(x, &echo, &out, tags[i]);
		expect(x, XDP_TX);
	}
}

static void errors_under_tags_reach_their_backend(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame quote, near;

	for (size_t i = 0; i < N_TAGS; i++) {
		struct frame_spec sent = {.src = VIP,
					  .dst = CLIENT,
					  .sport = 80,
					  .dport = 1000,
					  .proto = IPPROTO_TCP};
		struct frame_spec error = {.src = ROUTER,
					   .dst = VIP,
					   .proto = bed_icmp(),
					   .icmp_type = bed_is_v6() ? 2 : 3,
					   .quote = &quote};
		struct frame_spec out = error;

		frame_make(&quote, &sent);
		error.quote_len = out.quote_len = (uint16_t)(quote.len - FRAME_IP);
		sent.src = rig_backend_addr(0);
		sent.sport = RIG_BACKEND_PORT;
		frame_make(&near, &sent);
		out.quote = &near;
		out.dst = rig_backend_addr(0);
		lay(x, &error, &out, tags[i]);
		expect(x, XDP_PASS);
	}
}

static void three_tags_are_not_ours(void **state)
{
	static const uint16_t third[2] = {0x8100, 0};
	struct bed *x = bed_begin(state);

	for (size_t i = 2; i < N_TAGS; i++) {
		struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

		lay(x, &s, &s, tags[i]);
		tag(&x->in, third);
		x->want = x->in;
		expect(x, XDP_PASS);
		assert_int_equal(rig_tc(x->rig, &x->in, &x->out), NEXT);
		assert_true(frame_equal(&x->out, &x->want));
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* However little of it there is, nothing is read that is not there. */
static void a_frame_cut_within_its_tags_or_behind_them_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	for (size_t i = 0; i < N_TAGS; i++) {
		lay(x, &s, &s, tags[i]);
		for (size_t len = 14; len < 22 + frame_ip_len() - (tags[i][1] ? 0 : 4); len++) {
			x->in.len = x->want.len = len;
			expect(x, XDP_PASS);
		}
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(packets_under_tags_are_served_and_answered),
		CLAIM(what_goes_the_cold_way_does_so_under_tags),
		CLAIM(errors_under_tags_reach_their_backend),
		CLAIM(three_tags_are_not_ours),
		CLAIM(a_frame_cut_within_its_tags_or_behind_them_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
