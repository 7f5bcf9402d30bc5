// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* MSS of SYN-ACKs: what fits into a tunnel, wherever the option lies, and nothing else is changed.
 */
#include "bpf/tunnel_bed.h"

#define FITS_V4 1400
#define FITS_V6 1332

#define OPTIONS_MAX 40

static uint16_t fits(void)
{
	return bed_is_v6() ? FITS_V6 : FITS_V4;
}

/* A segment with these options, n octets of them, n a multiple of 4, and right checksums. */
static void make(struct frame *f, const struct frame_spec *req, bool restored, uint8_t flags,
		 const uint8_t *options, size_t n)
{
	const struct frame_spec s = {.src = restored ? req->dst : rig_backend_addr(0),
				     .dst = req->src,
				     .sport = restored ? req->dport : RIG_BACKEND_PORT,
				     .dport = req->sport,
				     .proto = req->proto,
				     .tcp_flags = flags,
				     .payload = (uint16_t)n,
				     .bare = n == 0,
				     .data = options};
	uint8_t *l4;
	uint32_t sum;

	frame_make(f, &s);
	l4 = &f->bytes[FRAME_IP + frame_ip_len()];
	l4[12] = (uint8_t)((20 + n) / 4 << 4);
	l4[16] = l4[17] = 0;
	sum = frame_sum(bed_is_v6() ? frame_sum((uint32_t)(6 + 20 + n), l4 - 32, 32)
				    : frame_sum((uint32_t)(6 + 20 + n), l4 - 8, 8),
			l4, 20 + n);
	put_u16(l4 + 16, (uint16_t)~sum);
}

/* A flow with backend 0; of its SYN-ACK these options become those. */
static void expect(struct bed *x, uint16_t port, uint8_t flags, const uint8_t *has,
		   const uint8_t *becomes, size_t n)
{
	struct frame_spec syn = bed_request(&x->tcp, port, TCP_SYN_FLAG);

	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	make(&x->in, &syn, false, flags, has, n);
	make(&x->want, &syn, true, flags, becomes, n);
	(void)rig_tc(x->rig, &x->in, &x->out);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

static struct bed *begin(void **state)
{
	struct bed *x = bed_begin(state);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_CLAMP);
	rig_set_mss(x->rig, FITS_V4, FITS_V6);
	return x;
}

/* The option behind so many that do nothing: at each place, even or odd. */
static void the_option_is_found_wherever_it_lies(void **state)
{
	struct bed *x = begin(state);

	for (unsigned at = 0; at <= OPTIONS_MAX - 4; at++) {
		uint8_t has[OPTIONS_MAX], becomes[OPTIONS_MAX];

		memset(has, 1, sizeof(has));
		has[at] = 2;
		has[at + 1] = 4;
		put_u16(&has[at + 2], 1460);
		memcpy(becomes, has, sizeof(has));
		put_u16(&becomes[at + 2], fits());
		expect(x, (uint16_t)(40000 + at), TCP_SYN_FLAG | TCP_ACK_FLAG, has, becomes,
		       sizeof(has));
	}
}

/* As Linux has them. */
static void other_options_stay(void **state)
{
	uint8_t has[] = {4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 2, 4, 0x23, 0x00};
	uint8_t becomes[sizeof(has)];
	struct bed *x = begin(state);

	memcpy(becomes, has, sizeof(has));
	put_u16(&becomes[18], fits());
	expect(x, 40000, TCP_SYN_FLAG | TCP_ACK_FLAG, has, becomes, sizeof(has));
}

static void what_fits_stays(void **state)
{
	uint8_t has[] = {2, 4, 0, 0};
	struct bed *x = begin(state);

	put_u16(&has[2], fits());
	expect(x, 40000, TCP_SYN_FLAG | TCP_ACK_FLAG, has, has, sizeof(has));
	put_u16(&has[2], 536);
	expect(x, 40001, TCP_SYN_FLAG | TCP_ACK_FLAG, has, has, sizeof(has));
	put_u16(&has[2], (size_t)fits() + 1);
	rig_set_mss(x->rig, 0, 0); /* nothing is known of tunnels */
	expect(x, 40002, TCP_SYN_FLAG | TCP_ACK_FLAG, has, has, sizeof(has));
	rig_set_mss(x->rig, FITS_V4, FITS_V6);
	rig_set_flags(x->rig, &x->tcp, 0);
	expect(x, 40003, TCP_SYN_FLAG | TCP_ACK_FLAG, has, has, sizeof(has));
}

/* Data that looks like the option, or an option that is none. */
static void nothing_else_is_taken_for_it(void **state)
{
	static const uint8_t ends[] = {0, 2, 4, 0xff, 0xff, 0, 0, 0};
	static const uint8_t long_[] = {2, 5, 0xff, 0xff, 1, 1, 1, 1};
	static const uint8_t cut[] = {1, 1, 1, 1, 1, 1, 2, 4};
	static const uint8_t loops[] = {8, 0, 2, 4, 0xff, 0xff, 1, 1};
	static const uint8_t beyond[] = {8, 200, 2, 4, 0xff, 0xff, 1, 1};
	static const uint8_t mss[] = {2, 4, 0xff, 0xff, 1, 1, 1, 1};
	const uint8_t *all[] = {ends, long_, cut, loops, beyond};
	struct bed *x = begin(state);

	for (uint16_t i = 0; i < 5; i++)
		expect(x, (uint16_t)(40000 + i), TCP_SYN_FLAG | TCP_ACK_FLAG, all[i], all[i], 8);
	expect(x, 40010, TCP_ACK_FLAG, mss, mss, 8); /* of no SYN */
	expect(x, 40011, TCP_SYN_FLAG | TCP_ACK_FLAG, mss, mss, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(the_option_is_found_wherever_it_lies, tunnel_setup),
		CLAIM_BOTH(other_options_stay, tunnel_setup),
		CLAIM_BOTH(what_fits_stays, tunnel_setup),
		CLAIM_BOTH(nothing_else_is_taken_for_it, tunnel_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
