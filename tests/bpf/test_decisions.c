// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What xdp_lb decides about each kind of packet, as one table: a row is a packet, what was done
 * before it came, and its verdict with the one counter that it moves. The rule behind all of them:
 * a packet of a flow of ours is never passed on as it came, and one of another flow never
 * rewritten.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>
#include <string.h>

#define NEXT      (-1)
#define ROUTER    0x0afe0001
#define ELSEWHERE 0xc6336463 /* no VIP */

/* What becomes of the packet. */
enum outcome {
	UNTOUCHED,
	DROPPED,
	ANSWERED,
	REFUSED, /* counted, and told (test_xdp_reject.c says how) */
	TO_FIRST,
	TO_SECOND
};

struct decision {
	const char *packet;
	void (*before)(struct bed *x, struct frame_spec *s);
	struct frame_spec spec; /* 0: client, VIP, port of the client; proto says the service */
	enum outcome outcome;
	enum lb_drop counted;
	bool later; /* a fragment without ports: its address alone changes */
};

static int setup(void **state)
{
	(void)bed_make(state, 2, LB_SVC_ECHO_ANSWER);
	return 0;
}

/* --- what was before -------------------------------------------------------------------------- */

static void pass_unknown(struct bed *x, struct frame_spec *s)
{
	(void)s;
	rig_add_vip(x->rig, VIP, LB_SVC_UNKNOWN_PASS);
}

static void no_backends(struct bed *x, struct frame_spec *s)
{
	(void)s;
	rig_set_rows(x->rig, &x->tcp, NULL, 0, 0);
	rig_set_rows(x->rig, &x->udp, NULL, 0, 0);
}

static void no_backends_told(struct bed *x, struct frame_spec *s)
{
	no_backends(x, s);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_NO_BACKENDS | LB_SVC_REJECT);
	rig_set_flags(x->rig, &x->udp, LB_SVC_NO_BACKENDS | LB_SVC_REJECT);
}

/* Nobody is in the set. */
static void ranges_of_others(struct bed *x, struct frame_spec *s)
{
	(void)s;
	rig_set_flags(x->rig, &x->tcp, LB_SVC_RANGES);
	rig_set_ranges(x->rig, &x->tcp, 7);
}

static void denied(struct bed *x, struct frame_spec *s)
{
	rig_deny(x->rig, s->src, bed_whole());
}

/* The error quotes an answer of the VIP's, and is to quote what the backend sent. */
static struct frame quoted, quoted_near;

static void quote_answer(struct bed *x, struct frame_spec *s)
{
	struct frame_spec sent = {.src = VIP,
				  .dst = CLIENT,
				  .sport = x->tcp.port,
				  .dport = 1000,
				  .proto = IPPROTO_TCP};

	frame_make(&quoted, &sent);
	sent.src = rig_backend_addr(0);
	sent.sport = RIG_BACKEND_PORT;
	frame_make(&quoted_near, &sent);
	s->src = ROUTER;
	s->icmp_type = bed_is_v6() ? 2 : 3; /* it was too big */
	s->quote = &quoted;
	s->quote_len = (uint16_t)(frame_ip_len() + 8);
}

static void quote_another(struct bed *x, struct frame_spec *s)
{
	quote_answer(x, s);
	quoted = quoted_near;
}

/* Both backends, the younger first, the flow being the older one's. */
static void younger_first(struct bed *x, struct frame_spec *s)
{
	const unsigned reversed[] = {1, 0};
	struct rig_service *service = s->proto == IPPROTO_TCP ? &x->tcp : &x->udp;
	struct frame_spec first = *s;

	first.tcp_flags = TCP_SYN_FLAG;
	frame_make(&x->in, &first);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	bed_answer(x, s, 0, TCP_ACK_FLAG);
	rig_set_rows(x->rig, service, reversed, 2, LB_ROW_UNSETTLED);
}

/* The same, and the older one has gone since. */
static void older_gone(struct bed *x, struct frame_spec *s)
{
	const unsigned second[] = {1};
	struct rig_service *service = s->proto == IPPROTO_TCP ? &x->tcp : &x->udp;

	younger_first(x, s);
	rig_set_backend(x->rig, service, 0, 0, 0);
	rig_set_rows(x->rig, service, second, 1, LB_ROW_UNSETTLED);
}

static void first_fragment(struct bed *x, struct frame_spec *s)
{
	struct frame_spec first = *s;

	first.frag = 0x2000;
	frame_make(&x->in, &first);
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
}

static void kernels_flow(struct bed *x, struct frame_spec *s)
{
	rig_set_flags(x->rig, &x->udp, LB_SVC_KERNEL_FLOWS);
	rig_add_kernel_flow(x->rig, s);
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct decision decisions[] = {
	{.packet = "not to a VIP",
	 .spec = {.dst = ELSEWHERE, .proto = IPPROTO_TCP},
	 .outcome = UNTOUCHED},
	{.packet = "not to a VIP, a fragment",
	 .spec = {.dst = ELSEWHERE, .proto = IPPROTO_UDP, .frag = 5},
	 .outcome = UNTOUCHED},
	{.packet = "to a port that is not served",
	 .spec = {.proto = IPPROTO_TCP, .dport = 81, .tcp_flags = TCP_SYN_FLAG},
	 .outcome = DROPPED,
	 .counted = LB_DROP_UNKNOWN_PORT},
	{.packet = "the same, UDP",
	 .spec = {.proto = IPPROTO_UDP, .dport = 54},
	 .outcome = DROPPED,
	 .counted = LB_DROP_UNKNOWN_PORT},
	{.packet = "the same, where the VIP passes such on",
	 .before = pass_unknown,
	 .spec = {.proto = IPPROTO_UDP, .dport = 54},
	 .outcome = UNTOUCHED},
	{.packet = "a protocol that is not served",
	 .spec = {.proto = 47},
	 .outcome = DROPPED,
	 .counted = LB_DROP_PROTOCOL},
	{.packet = "from outside of the service's ranges",
	 .before = ranges_of_others,
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_SYN_FLAG},
	 .outcome = DROPPED,
	 .counted = LB_DROP_SOURCE},
	{.packet = "from a denied source, in the middle of a flow",
	 .before = denied,
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_ACK_FLAG},
	 .outcome = DROPPED,
	 .counted = LB_DROP_DENIED},
	{.packet = "a service without a backend anywhere, where that is told: a SYN",
	 .before = no_backends_told,
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_SYN_FLAG},
	 .outcome = REFUSED,
	 .counted = LB_DROP_NO_BACKEND},
	{.packet = "the same, UDP",
	 .before = no_backends_told,
	 .spec = {.proto = IPPROTO_UDP},
	 .outcome = REFUSED,
	 .counted = LB_DROP_NO_BACKEND},
	{.packet = "a service without a backend",
	 .before = no_backends,
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_ACK_FLAG},
	 .outcome = DROPPED,
	 .counted = LB_DROP_NO_BACKEND},
	{.packet = "a known flow whose backend lives",
	 .before = younger_first,
	 .spec = {.proto = IPPROTO_TCP},
	 .outcome = TO_FIRST},
	{.packet = "the same, UDP",
	 .before = younger_first,
	 .spec = {.proto = IPPROTO_UDP},
	 .outcome = TO_FIRST},
	{.packet = "a known flow whose backend is gone",
	 .before = older_gone,
	 .spec = {.proto = IPPROTO_TCP},
	 .outcome = TO_SECOND},
	{.packet = "the same, UDP",
	 .before = older_gone,
	 .spec = {.proto = IPPROTO_UDP},
	 .outcome = TO_SECOND},
	{.packet = "a new flow",
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_SYN_FLAG},
	 .outcome = TO_FIRST},
	{.packet = "in the middle of a flow that nobody knows",
	 .spec = {.proto = IPPROTO_TCP, .tcp_flags = TCP_ACK_FLAG},
	 .outcome = TO_FIRST},
	{.packet = "a first fragment",
	 .spec = {.proto = IPPROTO_UDP, .frag = 0x2000},
	 .outcome = TO_FIRST},
	{.packet = "a later one whose first was seen",
	 .before = first_fragment,
	 .spec = {.proto = IPPROTO_UDP, .frag = 9},
	 .outcome = TO_FIRST,
	 .later = true},
	{.packet = "a later one whose first was not",
	 .spec = {.proto = IPPROTO_UDP, .frag = 9},
	 .outcome = DROPPED,
	 .counted = LB_DROP_FRAGMENT},
	{.packet = "a flow of the kernel's",
	 .before = kernels_flow,
	 .spec = {.proto = IPPROTO_UDP},
	 .outcome = UNTOUCHED},
	{.packet = "IP options, or extension headers that are walked",
	 .spec = {.proto = IPPROTO_TCP, .options = 4},
	 .outcome = TO_FIRST},
	{.packet = "an ICMP error about a flow",
	 .before = quote_answer,
	 .spec = {.proto = IPPROTO_ICMP},
	 .outcome = TO_FIRST},
	{.packet = "one about a flow of others",
	 .before = quote_another,
	 .spec = {.proto = IPPROTO_ICMP},
	 .outcome = DROPPED,
	 .counted = LB_DROP_ICMP},
	{.packet = "echo", .spec = {.proto = IPPROTO_ICMP}, .outcome = ANSWERED},
	{.packet = "TTL 1, which is the kernel's to refuse, as it is for the pod",
	 .spec = {.proto = IPPROTO_TCP, .ttl = 1},
	 .outcome = TO_FIRST},
	{.packet = "do not fragment",
	 .spec = {.proto = IPPROTO_UDP, .frag = 0x4000},
	 .outcome = TO_FIRST},
	{.packet = "a VLAN tag", .spec = {.proto = IPPROTO_TCP, .vlan = 100}, .outcome = TO_FIRST},
	{.packet = "UDP without a checksum",
	 .spec = {.proto = IPPROTO_UDP, .no_udp_checksum = true},
	 .outcome = TO_FIRST},
};

static struct frame_spec spec_of(const struct bed *x, const struct decision *d)
{
	struct frame_spec s = d->spec;

	s.src = CLIENT;
	s.dst = s.dst ? s.dst : VIP;
	s.sport = 1000;
	if (!s.dport)
		s.dport = s.proto == IPPROTO_UDP ? x->udp.port : x->tcp.port;
	if (s.proto == IPPROTO_ICMP) {
		s.proto = bed_icmp();
		s.icmp_type = bed_is_v6() ? 128 : 8;
	}
	return s;
}

static uint64_t all_drops(struct bed *x)
{
	uint64_t sum = 0;

	for (enum lb_drop i = 0; i < LB_N_DROPS; i++)
		sum += rig_drops(x->rig, i);
	return sum;
}

/* What a test packet has where its ports would be is payload. */
static void want_address_alone(struct bed *x, struct frame_spec s, const struct frame_spec *out)
{
	struct frame header;

	frame_make(&header, out);
	frame_make(&x->want, &s);
	memcpy(x->want.bytes, header.bytes, FRAME_IP + frame_ip_len());
}

static void lay_wanted(struct bed *x, const struct decision *d, struct frame_spec s)
{
	struct frame_spec out = s;

	if (d->outcome == ANSWERED) {
		out.src = VIP;
		out.dst = CLIENT;
		out.icmp_type = bed_is_v6() ? 129 : 0;
		out.turned = true;
	} else if (d->outcome >= TO_FIRST) {
		out.dst = rig_backend_addr(d->outcome == TO_SECOND);
		out.dport = RIG_BACKEND_PORT;
	}
	if (s.quote && d->outcome == TO_FIRST)
		out.quote = &quoted_near;
	frame_make(&x->want, &out);
	if (d->later)
		want_address_alone(x, s, &out);
}

static void decide(struct bed *x, const struct decision *d)
{
	static const int verdicts[] = {
		[UNTOUCHED] = XDP_PASS, [DROPPED] = XDP_DROP,  [ANSWERED] = XDP_TX,
		[REFUSED] = XDP_TX,     [TO_FIRST] = XDP_PASS, [TO_SECOND] = XDP_PASS,
	};
	struct frame_spec s = spec_of(x, d);
	const bool counts = d->outcome == DROPPED || d->outcome == REFUSED;
	uint64_t drops, reason;

	if (d->before)
		d->before(x, &s);
	drops = all_drops(x);
	reason = rig_drops(x->rig, d->counted);
	frame_make(&x->in, &s);
	lay_wanted(x, d, s);
	if (rig_xdp(x->rig, &x->in, &x->out) != verdicts[d->outcome])
		fail_msg("another verdict: %s", d->packet);
	if (d->outcome != REFUSED && !frame_equal(&x->out, &x->want))
		fail_msg("another packet: %s", d->packet);
	assert_int_equal(all_drops(x) - drops, counts);
	assert_int_equal(rig_drops(x->rig, d->counted) - reason, counts);
}

/* Each row on a bed of its own. */
static void each_packet_is_decided_as_the_table_says(void **state)
{
	bool v6;

	(void)bed_begin(state);
	v6 = bed_is_v6();
	for (size_t i = 0; i < sizeof(decisions) / sizeof(*decisions); i++) {
		void *other = (void *)(size_t)(v6 ? AF_INET6 : 0);

		setup(&other);
		decide(other, &decisions[i]);
		bed_teardown(&other);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(each_packet_is_decided_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
