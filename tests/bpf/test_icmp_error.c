// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * ICMP errors through both programs. In: a router complains of what a backend sent, and quotes it
 * with the VIP as its source. Out: a backend or the node complains of what a client sent, and
 * quotes it with the backend as its destination. What must come of it is built from fields with
 * full checksums, so every sum, of both IP headers, of what is quoted and of the message, is held
 * against one that was computed in full.
 */
#include "bpf/bed.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUTER       0x0afe0001
#define NEXT         (-1)
#define LOOKS_MAPPED 0x787dd0b9 /* a client: the third word of its IPv6 address is 0xffff */

/* Of either family, in the order of the names. */
enum error { UNREACHABLE, TIME_EXCEEDED, PARAMETER, TOO_BIG, REDIRECT };

static uint8_t type_of(enum error e)
{
	static const uint8_t v4[] = {3, 11, 12, 3, 5}, v6[] = {1, 3, 4, 2, 137};

	return bed_is_v6() ? v6[e] : v4[e];
}

static const unsigned reversed[] = {3, 2, 1, 0};

static int setup(void **state)
{
	(void)bed_make(state, 4, 0);
	return 0;
}

/* What the VIP answers to a request, as the routers see it. */
static struct frame_spec answer(const struct rig_service *s, uint16_t sport)
{
	return (struct frame_spec){.src = VIP,
				   .dst = CLIENT,
				   .sport = s->port,
				   .dport = sport,
				   .proto = s->proto,
				   .ttl = 1};
}

/* The same as the backend sent it. */
static struct frame_spec as_sent(struct frame_spec s, unsigned backend)
{
	s.src = rig_backend_addr(backend);
	s.sport = RIG_BACKEND_PORT;
	return s;
}

/* A packet of the client's, as the backend got it. */
static struct frame_spec as_delivered(struct frame_spec s)
{
	s.dst = rig_backend_addr(0);
	s.dport = RIG_BACKEND_PORT;
	return s;
}

/* The frame of an error: `outer`, quoting len bytes of `quoted`; all of it if there are fewer. */
static void make_error(struct frame *f, struct frame_spec outer, const struct frame_spec *quoted,
		       size_t len)
{
	struct frame quote;

	frame_make(&quote, quoted);
	outer.proto = bed_icmp();
	outer.quote = &quote;
	outer.quote_len = (uint16_t)(len < quote.len - FRAME_IP ? len : quote.len - FRAME_IP);
	frame_make(f, &outer);
}

/*
 * As make_error(), of what must become of the error `in`. Half a checksum that was quoted is no use
 * to anybody and stays as it is.
 */
static void make_changed(struct frame *f, const struct frame *in, struct frame_spec outer,
			 const struct frame_spec *quoted, size_t len)
{
	size_t icmp = FRAME_IP + (outer.vlan ? 4u : 0) + frame_l3_len(&outer);
	size_t half = icmp + 8 + frame_l3_len(quoted) + 16;
	uint32_t sum;

	make_error(f, outer, quoted, len);
	if (quoted->proto != IPPROTO_TCP || f->len != half + 1)
		return;
	f->bytes[half] = in->bytes[half];
	f->bytes[icmp + 2] = 0;
	f->bytes[icmp + 3] = 0;
	outer.proto = bed_icmp();
	sum = ~frame_sum(frame_pseudo_sum(&outer, f->len - icmp), &f->bytes[icmp], f->len - icmp);
	f->bytes[icmp + 2] = (uint8_t)(sum >> 8);
	f->bytes[icmp + 3] = (uint8_t)sum;
}

static struct frame_spec from_router(enum error e)
{
	return (struct frame_spec){.src = ROUTER, .dst = VIP, .icmp_type = type_of(e)};
}

static void expect_verdict(struct bed *x, const struct frame *in, int verdict,
			   const struct frame *want)
{
	struct frame got;

	assert_int_equal(rig_xdp(x->rig, in, &got), verdict);
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.bytes, want->bytes, want->len);
}

static void expect_drop(struct bed *x, const struct frame *in)
{
	uint64_t before = rig_drops(x->rig, LB_DROP_ICMP);

	expect_verdict(x, in, XDP_DROP, in);
	assert_int_equal(rig_drops(x->rig, LB_DROP_ICMP), before + 1);
}

/* An error about an answer is delivered to this backend, outside and inside as it sent it. */
static void expect_delivered(struct bed *x, struct frame_spec outer,
			     const struct frame_spec *quoted, size_t len, unsigned backend)
{
	struct frame_spec sent = as_sent(*quoted, backend);
	struct frame in, want;

	make_error(&in, outer, quoted, len);
	outer.dst = rig_backend_addr(backend);
	make_changed(&want, &in, outer, &sent, len);
	expect_verdict(x, &in, XDP_PASS, &want);
}

static void deliver(struct bed *x, const struct frame_spec *s)
{
	struct frame in, out;

	frame_make(&in, s);
	assert_int_equal(rig_xdp(x->rig, &in, &out), XDP_PASS);
}

/* --- in --------------------------------------------------------------------------------------- */

static void errors_reach_the_backend_that_sent_what_they_quote(void **state)
{
	struct bed *x = bed_begin(state);
	const size_t least = frame_ip_len() + 8;

	for (enum error e = UNREACHABLE; e <= TOO_BIG; e++) {
		struct frame_spec tcp = answer(&x->tcp, 1000), udp = answer(&x->udp, 1000);
		struct frame_spec outer = from_router(e);

		expect_delivered(x, outer, &tcp, least, 0);
		expect_delivered(x, outer, &tcp, 1500, 0);
		expect_delivered(x, outer, &udp, least, 0);
		udp.no_udp_checksum = true;
		expect_delivered(x, outer, &udp, 1500, 0);
		tcp.frag = 0x2000; /* the first fragment has the ports */
		expect_delivered(x, outer, &tcp, 1500, 0);
		outer.vlan = 100;
		expect_delivered(x, outer, &tcp, 1500, 0);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_ICMP), 0);
	assert_int_equal(rig_count(x->rig, &x->tcp, 0).packets, 16);
}

/* Every length of the quote, with every length of both headers. */
static void a_quote_of_any_length_is_served_from_the_ports_on(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned i = 0; i < 2u * 11 * 3; i++) {
		struct frame_spec outer = from_router(UNREACHABLE);
		struct frame_spec quoted = answer(i % 2 ? &x->tcp : &x->udp, (uint16_t)(1 + i));
		size_t ports;

		quoted.options = (uint8_t)(i / 2 % 11);
		outer.options = (uint8_t)(i / 22 * 5);
		ports = frame_l3_len(&quoted) + 8;
		for (size_t len = 0; len <= ports + 40; len++) {
			struct frame in;

			make_error(&in, outer, &quoted, len);
			if (len < ports)
				expect_drop(x, &in);
			else
				expect_delivered(x, outer, &quoted, len, 0);
		}
	}
}

/* What follows the message in the frame is no part of the quote, whatever lies there. */
static void padding_is_no_quote(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec outer = from_router(UNREACHABLE), quoted = answer(&x->tcp, 1000);
	struct frame_spec sent = as_sent(quoted, 0);
	struct frame in, want;

	for (size_t len = frame_ip_len(); len < frame_ip_len() + 20; len++) {
		make_error(&in, outer, &quoted, len);
		outer.dst = rig_backend_addr(0);
		make_changed(&want, &in, outer, &sent, len);
		outer.dst = VIP;
		for (int i = 0; i < 30; i++)
			in.bytes[in.len++] = want.bytes[want.len++] = 0x5a;
		if (len < frame_ip_len() + 8)
			expect_drop(x, &in);
		else
			expect_verdict(x, &in, XDP_PASS, &want);
	}
}

static void a_cut_error_is_not_rewritten(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec quoted = answer(&x->tcp, 1000);
	struct frame in, out;
	size_t whole;

	make_error(&in, from_router(UNREACHABLE), &quoted, frame_ip_len() + 20);
	whole = in.len;
	for (in.len = FRAME_IP + frame_ip_len(); in.len < whole; in.len++) {
		assert_int_equal(rig_xdp(x->rig, &in, &out), XDP_DROP);
		assert_true(frame_equal(&in, &out));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_MALFORMED), whole - FRAME_IP - frame_ip_len());
}

static void in_an_unsettled_row_the_owner_is_looked_up(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec quoted = answer(&x->tcp, 1000);

	deliver(x, &syn);
	rig_set_rows(x->rig, &x->tcp, reversed, 4, LB_ROW_UNSETTLED);
	expect_delivered(x, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8, 0);
	rig_forget_flows(x->rig);
	expect_delivered(x, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8, 3); /* nobody */
}

static void an_error_leaves_no_trace(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec quoted = answer(&x->tcp, 1000);

	for (int i = 0; i < 2; i++) {
		rig_set_rows(x->rig, &x->tcp, reversed, 4, i ? LB_ROW_UNSETTLED : 0);
		expect_delivered(x, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8, 3);
	}
	assert_int_equal(rig_n_flows(x->rig), 0);
}

static void errors_find_the_row_of_their_flow(void **state)
{
	struct bed *x = bed_begin(state);

	for (int sticky = 0; sticky < 2; sticky++) {
		x->tcp.flags = sticky ? LB_SVC_AFFINITY : 0;
		rig_add_service(x->rig, &x->tcp);
		for (unsigned i = 0; i < 4; i++)
			rig_add_backend(x->rig, &x->tcp, i);
		rig_set_mixed_rows(x->rig, &x->tcp, 4, 0, 0);
		for (uint16_t port = 1; port < 200; port++) {
			struct frame_spec ack = bed_request(&x->tcp, port, TCP_ACK_FLAG);
			struct frame_spec quoted = answer(&x->tcp, port);
			struct frame in, out;

			frame_make(&in, &ack);
			rig_xdp(x->rig, &in, &out);
			expect_delivered(x, from_router(TIME_EXCEEDED), &quoted,
					 frame_ip_len() + 20,
					 frame_dst(&out) - (rig_backend_addr(0) & 0xff));
		}
	}
}

static void what_quotes_nothing_of_ours_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);

	for (int i = 0; i < 8; i++) {
		struct frame_spec outer = from_router(i == 0 ? REDIRECT : UNREACHABLE);
		struct frame_spec quoted = answer(&x->tcp, 1000);
		struct frame in;

		quoted.src += i == 1;
		quoted.sport = (uint16_t)(quoted.sport + (i == 2));
		quoted.frag = i == 3 ? 1 : 0;
		quoted.proto = i == 4 ? bed_icmp() : i == 5 ? IPPROTO_UDP : quoted.proto;
		make_error(&in, outer, &quoted, frame_ip_len() + 20);
		if (i == 6)
			in.bytes[FRAME_IP + frame_ip_len() + 8] ^= 0x20; /* the other version */
		if (i == 7 && !bed_is_v6())
			in.bytes[FRAME_IP + 28] = 0x44; /* a header of 16 bytes */
		if (i == 7 && bed_is_v6())
			continue;
		expect_drop(x, &in);
	}
}

static void without_a_usable_backend_an_error_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec quoted = answer(&x->tcp, 1000);
	struct frame in;

	make_error(&in, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8);
	rig_set_backend(x->rig, &x->tcp, 0, 0, 0);
	expect_drop(x, &in);
	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	expect_drop(x, &in);
}

static void an_error_about_a_port_that_is_passed_is_passed(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec quoted = answer(&x->tcp, 1000);
	struct frame in;

	rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
	quoted.sport = 22;
	make_error(&in, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8);
	expect_verdict(x, &in, XDP_PASS, &in);
	quoted.src++;
	make_error(&in, from_router(UNREACHABLE), &quoted, frame_ip_len() + 8);
	expect_drop(x, &in);
}

/* --- out -------------------------------------------------------------------------------------- */

static void expect_out(struct bed *x, const struct frame *in, const struct frame *want)
{
	struct frame got;

	assert_int_equal(rig_tc(x->rig, in, &got), NEXT);
	assert_int_equal(got.len, want->len);
	assert_memory_equal(got.bytes, want->bytes, want->len);
}

static struct frame_spec to_client(uint32_t src)
{
	return (struct frame_spec){.src = src, .dst = CLIENT, .icmp_type = type_of(UNREACHABLE)};
}

/* An error about a request that backend 0 got leaves as one about the request itself. */
static void expect_restored(struct bed *x, struct frame_spec outer, const struct frame_spec *req,
			    size_t len)
{
	struct frame_spec got = as_delivered(*req);
	struct frame in, want;

	make_error(&in, outer, &got, len);
	if (outer.src == rig_backend_addr(0))
		outer.src = VIP;
	make_changed(&want, &in, outer, req, len);
	expect_out(x, &in, &want);
}

static void errors_leave_with_the_vip_in_their_quote(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *services[] = {&x->tcp, &x->udp};

	for (unsigned i = 0; i < 2 * 11; i++) {
		const struct rig_service *s = services[i % 2];
		struct frame_spec req = bed_request(s, (uint16_t)(1000 + i), TCP_SYN_FLAG);
		struct frame_spec pod = to_client(rig_backend_addr(0)), node = to_client(ROUTER);
		size_t ports;

		req.options = (uint8_t)(i / 2);
		pod.options = (uint8_t)(i / 2);
		pod.vlan = i % 3 ? 0 : 30;
		ports = frame_l3_len(&req) + 8;
		deliver(x, &req);
		for (size_t len = ports; len <= ports + 40; len++) {
			expect_restored(x, pod, &req, len);
			expect_restored(x, node, &req, len);
		}
		req.no_udp_checksum = true;
		expect_restored(x, pod, &req, 1500);
	}
}

static void established_connections_get_their_errors_too(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	deliver(x, &req);
	bed_answer(x, &req, 0, TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_ESTABLISHED);
	expect_restored(x, to_client(ROUTER), &req, 1500);
}

/* Of an IPv4 address in its 16 octets that is one of three words. */
static void an_address_that_only_looks_like_one_of_ipv4_is_one_of_ipv6(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec node = to_client(ROUTER), quoted = answer(&x->tcp, 1000);

	req.src = node.dst = quoted.dst = LOOKS_MAPPED;
	deliver(x, &req);
	expect_restored(x, node, &req, 1500);
	expect_delivered(x, from_router(UNREACHABLE), &quoted, 1500, 0);
}

static void errors_that_quote_nothing_of_ours_leave_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	deliver(x, &req);
	for (int i = 0; i < 8; i++) {
		struct frame_spec outer = to_client(rig_backend_addr(0)), got = as_delivered(req);
		struct frame in;

		outer.dst += i == 0; /* not to whom it quotes */
		outer.icmp_type = type_of(i == 1 ? REDIRECT : UNREACHABLE);
		outer.frag = i == 2 ? 0x2000 : 0;
		got.dst += i == 3;
		got.dport = (uint16_t)(got.dport + (i == 4));
		got.sport = (uint16_t)(got.sport + (i == 5));
		got.frag = i == 6 ? 1 : 0;
		make_error(&in, outer, &got, frame_ip_len() + (i == 7 ? 7 : 20));
		expect_out(x, &in, &in);
	}
}

static void an_error_cut_anywhere_leaves_untouched(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), got = as_delivered(req);
	struct frame in;

	deliver(x, &req);
	make_error(&in, to_client(ROUTER), &got, frame_ip_len() + 8);
	for (in.len--; in.len >= FRAME_IP + frame_ip_len(); in.len--)
		expect_out(x, &in, &in);
}

/* Both ways over many tuples: every checksum as computed in full. */
static void errors_keep_all_their_checksums_right(void **state)
{
	struct bed *x = bed_begin(state);
	uint32_t seed = 7;

	for (int i = 0; i < 5000; i++) {
		const struct rig_service *s = i % 2 ? &x->tcp : &x->udp;
		struct frame_spec req, quoted;
		size_t len;

		seed = seed * 1664525 + 1013904223;
		req = bed_request(s, (uint16_t)(1 + (seed >> 8) % 65535), TCP_SYN_FLAG);
		req.payload = (uint16_t)(1 + (seed >> 4) % 600);
		quoted = answer(s, req.sport);
		quoted.payload = req.payload;
		len = frame_ip_len() + 8 + (seed >> 10) % 500;
		deliver(x, &req);
		expect_delivered(x, from_router(UNREACHABLE), &quoted, len, 0);
		expect_restored(x, to_client(rig_backend_addr(0)), &req, len);
	}
}

/*
 * The change of a port may nearly undo that of the address, and a UDP packet without a checksum has
 * no sum of its own that changes with them: then the sum of all changes carries twice.
 */
static void ports_near_each_other_keep_all_checksums_right(void **state)
{
	struct bed *x = bed_begin(state);

	for (int i = -20; i <= 20; i++) {
		const int step = i % 2 ? 0x100 : 1; /* in either octet of the sum's word */
		const uint16_t port = (uint16_t)(RIG_BACKEND_PORT + i * step);
		const uint8_t proto = i / 2 % 2 ? IPPROTO_TCP : IPPROTO_UDP;
		struct frame_spec req, quoted;

		bed_add(x, &x->other, port, proto, 1);
		/* No two of them may have one tuple of the backend's. */
		req = bed_request(&x->other, (uint16_t)(1000 + i), TCP_SYN_FLAG);
		quoted = answer(&x->other, req.sport);
		for (int bare = 0; bare < 2; bare++) {
			req.no_udp_checksum = quoted.no_udp_checksum = bare;
			deliver(x, &req);
			expect_delivered(x, from_router(UNREACHABLE), &quoted, 1500, 0);
			expect_restored(x, to_client(ROUTER), &req, 1500);
		}
		rig_del_service(x->rig, &x->other);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(errors_reach_the_backend_that_sent_what_they_quote),
		CLAIM(a_quote_of_any_length_is_served_from_the_ports_on),
		CLAIM(padding_is_no_quote),
		CLAIM(a_cut_error_is_not_rewritten),
		CLAIM(in_an_unsettled_row_the_owner_is_looked_up),
		CLAIM(an_error_leaves_no_trace),
		CLAIM(errors_find_the_row_of_their_flow),
		CLAIM(what_quotes_nothing_of_ours_is_dropped),
		CLAIM(without_a_usable_backend_an_error_is_dropped),
		CLAIM(an_error_about_a_port_that_is_passed_is_passed),
		CLAIM(errors_leave_with_the_vip_in_their_quote),
		CLAIM(established_connections_get_their_errors_too),
		CLAIM(an_address_that_only_looks_like_one_of_ipv4_is_one_of_ipv6),
		CLAIM(errors_that_quote_nothing_of_ours_leave_untouched),
		CLAIM(an_error_cut_anywhere_leaves_untouched),
		CLAIM(errors_keep_all_their_checksums_right),
		CLAIM(ports_near_each_other_keep_all_checksums_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
