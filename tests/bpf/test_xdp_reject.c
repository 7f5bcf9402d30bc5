// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services that take no new flow: who is told so and how, who is only dropped, and who goes on.
 * What an answer must be is written down here once more, from the RFCs.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>
#include <time.h>

#define BURST  100         /* answers of one VIP at once; one more each millisecond */
#define IN_SEQ 0x01020304u /* of frame_make() */
#define IN_ACK 0x0a0b0c0du
#define TTL    64

/* Nobody behind the services, and that is told. */
static int setup(void **state)
{
	struct bed *x = bed_make(state, 0, LB_SVC_ECHO_ANSWER);

	if (x->rig) {
		rig_set_flags(x->rig, &x->tcp, LB_SVC_NO_BACKENDS | LB_SVC_REJECT);
		rig_set_flags(x->rig, &x->udp, LB_SVC_NO_BACKENDS | LB_SVC_REJECT);
	}
	return 0;
}

/* Two backends each. */
static int setup_served(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

static int verdict(struct bed *x, const struct frame_spec *s)
{
	frame_make(&x->in, s);
	return rig_xdp(x->rig, &x->in, &x->out);
}

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

/* Of a new IP header that frame_make() has made: no id, no label, not to be fragmented; sums anew.
 */
static void renew(struct frame *f, size_t ip, size_t l4, size_t check, uint32_t pseudo)
{
	if (bed_is_v6()) {
		put32(&f->bytes[ip], 0x60000000);
	} else {
		put16(&f->bytes[ip + 4], 0);
		put16(&f->bytes[ip + 6], 0x4000);
		put16(&f->bytes[ip + 10], 0);
		put16(&f->bytes[ip + 10], ~frame_sum(0, &f->bytes[ip], 20));
	}
	put16(&f->bytes[l4 + check], 0);
	put16(&f->bytes[l4 + check], ~frame_sum(pseudo, &f->bytes[l4], f->len - l4));
}

static uint32_t pseudo_of(const struct frame_spec *s, size_t len)
{
	uint8_t addr[32];

	if (s->proto == IPPROTO_ICMP)
		return 0;
	frame_address(addr, s->src);
	frame_address(addr + 16, s->dst);
	return bed_is_v6() ? frame_sum((uint32_t)(s->proto + len), addr, 32)
			   : frame_sum(frame_sum((uint32_t)(s->proto + len), addr + 12, 4),
				       addr + 28, 4);
}

static struct frame_spec turned(const struct frame_spec *in)
{
	return (struct frame_spec){.src = in->dst,
				   .dst = in->src,
				   .sport = in->dport,
				   .dport = in->sport,
				   .proto = in->proto,
				   .vlan = in->vlan,
				   .bare = true,
				   .turned = true};
}

/* Compared as far as the IP packet goes; what is cut stays a frame that Ethernet carries. */
static void expect_out(struct bed *x)
{
	const size_t least = x->in.len < 60 ? x->in.len : 60;

	assert_int_equal(x->out.len, x->want.len > least ? x->want.len : least);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

static void expect_reset(struct bed *x, const struct frame_spec *in, uint8_t flags, uint32_t seq,
			 uint32_t ack)
{
	struct frame_spec out = turned(in);
	const size_t ip = FRAME_IP + (in->vlan ? 4 : 0);
	const size_t l4 = ip + frame_ip_len();

	out.tcp_flags = flags;
	frame_make(&x->want, &out);
	put32(&x->want.bytes[l4 + 4], seq);
	put32(&x->want.bytes[l4 + 8], ack);
	put16(&x->want.bytes[l4 + 14], 0);
	renew(&x->want, ip, l4, 16, pseudo_of(&out, 20));
	assert_int_equal(verdict(x, in), XDP_TX);
	expect_out(x);
}

static void expect_unreachable(struct bed *x, const struct frame_spec *in)
{
	struct frame_spec out = turned(in);
	const size_t ip = FRAME_IP + (in->vlan ? 4 : 0);
	const size_t l4 = ip + frame_ip_len();
	struct frame quoted;

	frame_make(&quoted, in);
	memmove(&quoted.bytes[FRAME_IP], &quoted.bytes[ip], quoted.len - ip);
	out.proto = bed_icmp();
	out.icmp_type = bed_is_v6() ? 1 : 3;
	out.quote = &quoted;
	out.quote_len = (uint16_t)(frame_l3_len(in) + 8);
	frame_make(&x->want, &out);
	x->want.bytes[l4 + 1] = bed_is_v6() ? 4 : 3;
	put32(&x->want.bytes[l4 + 4], 0);
	renew(&x->want, ip, l4, 2, pseudo_of(&out, x->want.len - l4));
	assert_int_equal(verdict(x, in), XDP_TX);
	expect_out(x);
}

static void expect_drop(struct bed *x, const struct frame_spec *in, enum lb_drop reason)
{
	const uint64_t before = rig_drops(x->rig, reason);

	assert_int_equal(verdict(x, in), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void tcp_is_reset(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	s.bare = true;
	expect_reset(x, &s, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 1);
	s.bare = false;
	s.payload = 33; /* Fast Open */
	expect_reset(x, &s, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 34);
	s.tcp_flags = TCP_FIN_FLAG;
	expect_reset(x, &s, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 34);
	s.tcp_flags = TCP_ACK_FLAG;
	s.payload = 1400;
	expect_reset(x, &s, TCP_RST_FLAG, IN_ACK, 0);
	s.tcp_flags = TCP_ACK_FLAG | TCP_FIN_FLAG;
	expect_reset(x, &s, TCP_RST_FLAG, IN_ACK, 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 5);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_ANSWER), 0);
}

static void reset_is_answered_by_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_RST_FLAG);

	expect_drop(x, &s, LB_DROP_NO_BACKEND);
	s.tcp_flags |= TCP_ACK_FLAG;
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
}

static void udp_is_told_that_the_port_is_unreachable(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	expect_unreachable(x, &s);
	s.bare = true;
	expect_unreachable(x, &s);
	s.bare = false;
	s.payload = 1400;
	expect_unreachable(x, &s);
	s.no_udp_checksum = true;
	expect_unreachable(x, &s);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 4);
}

static void tags_options_and_extension_headers_are_no_hindrance(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	tcp.vlan = udp.vlan = 42;
	expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 21);
	expect_unreachable(x, &udp);
	tcp.vlan = udp.vlan = 0;
	tcp.options = udp.options = 2;
	expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 21);
	expect_unreachable(x, &udp);
}

static void add_outer_tag(struct frame *f)
{
	static const uint8_t tag[] = {0x88, 0xa8, 0, 7};

	memmove(&f->bytes[16], &f->bytes[12], f->len - 12);
	memcpy(&f->bytes[12], tag, sizeof(tag));
	f->len += sizeof(tag);
}

/* As with one, with the other before it. */
/* All of a jumbo frame but its beginning goes. */
static void frames_beyond_a_page_are_answered_by_short_ones(void **state)
{
	static const uint16_t payloads[] = {3400, 4096, 8900};
	struct bed *x = bed_begin(state);

	for (size_t i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
		struct frame_spec udp = bed_request(&x->udp, 1000, 0);

		tcp.payload = udp.payload = payloads[i];
		expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 1 + payloads[i]);
		expect_unreachable(x, &udp);
		tcp.vlan = udp.vlan = 100;
		expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 1 + payloads[i]);
		expect_unreachable(x, &udp);
	}
}

static void two_tags_go_back_with_the_answer(void **state)
{
	struct bed *x = bed_begin(state);
	const struct rig_service *const both[] = {&x->tcp, &x->udp};

	for (size_t i = 0; i < 2; i++) {
		struct frame_spec s = bed_request(both[i], 1000, TCP_SYN_FLAG);

		s.vlan = 42;
		s.payload = 200;
		assert_int_equal(verdict(x, &s), XDP_TX);
		x->want = x->out;
		add_outer_tag(&x->want);
		add_outer_tag(&x->in);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_TX);
		assert_memory_equal(x->out.bytes, x->want.bytes, bed_is_v6() ? 82 : 62);
		assert_in_range(x->out.len, 60, x->want.len);
	}
}

/* More of it than is quoted. */
static void headers_without_end_are_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	s.options = 20;
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
}

static void a_tcp_header_that_contradicts_itself_is_dropped(void **state)
{
	static const uint8_t doffs[] = {0, 4, 15};
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	for (size_t i = 0; i < sizeof(doffs); i++) {
		frame_make(&x->in, &s);
		x->in.bytes[FRAME_IP + frame_ip_len() + 12] = (uint8_t)(doffs[i] << 4);
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	}
}

static void nobody_is_told_who_is_no_single_host(void **state)
{
	static const uint32_t nobody[] = {0x7f000001, 0xe0000001, 0xffffffff, 0x00000001};
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	for (size_t i = 0; i < sizeof(nobody) / sizeof(*nobody) && !bed_is_v6(); i++) {
		s.src = nobody[i];
		expect_drop(x, &s, LB_DROP_NO_BACKEND);
	}
	s.src = CLIENT;
	frame_make(&x->in, &s);
	if (bed_is_v6())
		x->in.bytes[FRAME_IP + 8] = 0xff; /* a group's address as the source */
	else
		x->in.bytes[0] |= 1; /* sent to a group */
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
	s.proto = IPPROTO_UDP;
	s.dport = 53;
	frame_make(&x->in, &s);
	x->in.bytes[0] |= 1;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_DROP);
}

static void without_the_flag_it_is_only_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_NO_BACKENDS);
	rig_set_flags(x->rig, &x->udp, LB_SVC_CLOSED);
	expect_drop(x, &tcp, LB_DROP_NO_BACKEND);
	assert_true(frame_equal(&x->in, &x->out));
	expect_drop(x, &udp, LB_DROP_NO_BACKEND);
	assert_true(frame_equal(&x->in, &x->out));
}

/* The agent's packet sees that nobody is there, and nobody counts it. */
static void self_test_is_dropped_without_an_answer(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	s.src = 0;
	assert_int_equal(verdict(x, &s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 0);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* How many of 1,000 requests are answered; at most so many more as the time allows. */
static unsigned answered(struct bed *x, const struct frame_spec *s)
{
	const double began = now_ms();
	unsigned n = 0;

	frame_make(&x->in, s);
	for (unsigned i = 0; i < 1000; i++)
		n += rig_xdp(x->rig, &x->in, &x->out) == XDP_TX;
	assert_in_range(n, 0, BURST + (unsigned)(now_ms() - began) + 1);
	return n;
}

static void answers_are_limited_by_vip(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct rig_service other = {.vip = VIP + 1,
				    .port = 80,
				    .proto = IPPROTO_TCP,
				    .flags = LB_SVC_NO_BACKENDS | LB_SVC_REJECT};
	const unsigned first = answered(x, &s);

	assert_in_range(first, BURST, 1000);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_BACKEND), 1000);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_ANSWER), 1000 - first);
	rig_add_vip(x->rig, VIP + 1, 0);
	rig_add_service(x->rig, &other);
	s.dst = VIP + 1;
	assert_in_range(answered(x, &s), BURST, 1000);
}

/* --- closed and paused ------------------------------------------------------------------------ */

static void close_services(struct bed *x, uint32_t flags)
{
	rig_set_flags(x->rig, &x->tcp, flags);
	rig_set_flags(x->rig, &x->udp, flags);
}

static void expect_delivered(struct bed *x, const struct frame_spec *s, unsigned backend)
{
	struct frame_spec out = *s;

	out.dst = rig_backend_addr(backend);
	out.dport = RIG_BACKEND_PORT;
	frame_make(&x->want, &out);
	assert_int_equal(verdict(x, s), XDP_PASS);
	assert_true(frame_equal(&x->out, &x->want));
}

/* In settled rows and in others: what has begun goes on, and nothing else begins. */
static void expect_closed(struct bed *x, uint32_t flag, enum lb_drop reason, uint64_t row_bits)
{
	static const unsigned in_order[] = {0, 1}, turned_round[] = {1, 0};
	struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec ack = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);
	const unsigned owner = row_bits ? 1 : 0;

	/* They begin with backend 0, or with 1 before the rows changed. */
	rig_set_rows(x->rig, &x->tcp, owner ? turned_round : in_order, 2, 0);
	rig_set_rows(x->rig, &x->udp, owner ? turned_round : in_order, 2, 0);
	expect_delivered(x, &syn, owner);
	bed_answer(x, &syn, owner, TCP_SYN_FLAG | TCP_ACK_FLAG);
	bed_answer(x, &syn, owner, TCP_ACK_FLAG);
	expect_delivered(x, &udp, owner);
	rig_set_rows(x->rig, &x->tcp, in_order, 2, row_bits);
	rig_set_rows(x->rig, &x->udp, in_order, 2, row_bits);
	close_services(x, flag);
	expect_delivered(x, &ack, owner);
	expect_delivered(x, &syn, owner); /* sent again */
	expect_delivered(x, &udp, owner);
	syn.sport = udp.sport = 1001;
	expect_drop(x, &syn, reason);
	expect_drop(x, &udp, reason);
	assert_int_equal(rig_n_flows(x->rig), 2);
	close_services(x, flag | LB_SVC_REJECT);
	expect_reset(x, &syn, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 21);
	expect_unreachable(x, &udp);
	assert_int_equal(rig_n_flows(x->rig), 2);
	close_services(x, 0);
	expect_delivered(x, &syn, 0);
	expect_delivered(x, &udp, 0);
}

static void paused_service_goes_on_with_what_it_has(void **state)
{
	struct bed *x = bed_begin(state);

	expect_closed(x, LB_SVC_PAUSED, LB_DROP_PAUSED, 0);
	rig_forget_flows(x->rig);
	expect_closed(x, LB_SVC_PAUSED, LB_DROP_PAUSED, LB_ROW_UNSETTLED);
}

static void closed_service_goes_on_with_what_it_has(void **state)
{
	struct bed *x = bed_begin(state);

	expect_closed(x, LB_SVC_CLOSED, LB_DROP_NO_BACKEND, 0);
	rig_forget_flows(x->rig);
	expect_closed(x, LB_SVC_CLOSED, LB_DROP_NO_BACKEND, LB_ROW_UNSETTLED);
}

/* A connection that has ended is none that lives, though its tuple comes again. */
static void tuple_of_an_ended_connection_does_not_begin_anew(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	expect_delivered(x, &s, 0);
	bed_answer(x, &s, 0, TCP_RST_FLAG);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_CLOSING);
	close_services(x, LB_SVC_PAUSED);
	expect_drop(x, &s, LB_DROP_PAUSED);
}

/* A full table, a backend that may not: these are no news for the client. */
static void other_reasons_are_not_told(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	close_services(x, LB_SVC_REJECT);
	for (unsigned i = 0; i < 2; i++)
		rig_set_backend(x->rig, &x->tcp, i, 0, 1);
	expect_drop(x, &s, LB_DROP_TUPLE_TAKEN);
}

/* --- ports that no service has ---------------------------------------------------------------- */

static int setup_rejecting(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER | LB_SVC_REJECT);
	return 0;
}

static void an_unknown_port_is_told_where_the_vip_says_so(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	tcp.dport = udp.dport = 9;
	expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 21);
	expect_unreachable(x, &udp);
	tcp.options = udp.options = 2; /* by the way of packets that are looked at closer */
	expect_reset(x, &tcp, TCP_RST_FLAG | TCP_ACK_FLAG, 0, IN_SEQ + 21);
	expect_unreachable(x, &udp);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 4);
	tcp.tcp_flags = TCP_RST_FLAG;
	expect_drop(x, &tcp, LB_DROP_UNKNOWN_PORT);
	rig_set_vip_flags(x->rig, VIP, LB_SVC_ECHO_ANSWER);
	tcp.tcp_flags = TCP_SYN_FLAG;
	expect_drop(x, &tcp, LB_DROP_UNKNOWN_PORT);
	expect_drop(x, &udp, LB_DROP_UNKNOWN_PORT);
}

/* As any other answer of the VIP's. */
static void answers_for_unknown_ports_are_limited(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	unsigned n;

	s.dport = 9;
	n = answered(x, &s);
	assert_in_range(n, BURST, 1000);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 1000);
	assert_int_equal(rig_drops(x->rig, LB_DROP_NO_ANSWER), 1000 - n);
}

/* The services of the VIP are asked for the same by flags of their own. */
static void other_packets_to_a_vip_that_tells_are_as_ever(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	assert_int_equal(verdict(x, &s), XDP_PASS);
	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	expect_drop(x, &s, LB_DROP_NO_BACKEND);
	s.proto = 47;
	expect_drop(x, &s, LB_DROP_PROTOCOL);
	s.proto = IPPROTO_TCP;
	s.dport = 9;
	s.src = 0;
	assert_int_equal(verdict(x, &s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNKNOWN_PORT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(tcp_is_reset, setup),
		CLAIM_BOTH(reset_is_answered_by_nothing, setup),
		CLAIM_BOTH(udp_is_told_that_the_port_is_unreachable, setup),
		CLAIM_BOTH(tags_options_and_extension_headers_are_no_hindrance, setup),
		CLAIM_BOTH(frames_beyond_a_page_are_answered_by_short_ones, setup),
		CLAIM_BOTH(two_tags_go_back_with_the_answer, setup),
		CLAIM_V6(headers_without_end_are_dropped, setup),
		CLAIM_BOTH(a_tcp_header_that_contradicts_itself_is_dropped, setup),
		CLAIM_BOTH(nobody_is_told_who_is_no_single_host, setup),
		CLAIM_BOTH(without_the_flag_it_is_only_dropped, setup),
		CLAIM_BOTH(self_test_is_dropped_without_an_answer, setup),
		CLAIM_BOTH(answers_are_limited_by_vip, setup),
		CLAIM_BOTH(paused_service_goes_on_with_what_it_has, setup_served),
		CLAIM_BOTH(closed_service_goes_on_with_what_it_has, setup_served),
		CLAIM_BOTH(tuple_of_an_ended_connection_does_not_begin_anew, setup_served),
		CLAIM_BOTH(other_reasons_are_not_told, setup_served),
		CLAIM_BOTH(an_unknown_port_is_told_where_the_vip_says_so, setup_rejecting),
		CLAIM_BOTH(answers_for_unknown_ports_are_limited, setup_rejecting),
		CLAIM_BOTH(other_packets_to_a_vip_that_tells_are_as_ever, setup_rejecting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
