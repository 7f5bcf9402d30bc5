// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The bed that most packet tests lie in: a rig with one VIP, a TCP and a UDP service on it and some
 * backends in order in every row. Where BPF is refused the bed has no rig, and each test that
 * begins in it skips, loudly.
 *
 * Tests run in both families, CLAIM_BOTH(): the same test with the same short addresses.
 */
#pragma once

#include "bpf/rig.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define VIP    0xc6336401 /* 198.51.100.1 */
#define CLIENT 0xcb007107 /* 203.0.113.7 */

struct bed {
	struct rig *rig; /* NULL: BPF is refused */
	struct rig_service tcp, udp, other;
	struct frame in, out, want;
};

/* A service on the VIP whose rows name the backends 0 to n - 1. */
static inline void bed_add(struct bed *x, struct rig_service *s, uint16_t port, uint8_t proto,
			   unsigned n)
{
	const unsigned in_order[] = {0, 1, 2, 3};

	*s = (struct rig_service){.vip = VIP, .port = port, .proto = proto};
	rig_add_service(x->rig, s);
	for (unsigned i = 0; i < n; i++)
		rig_add_backend(x->rig, s, i);
	rig_set_rows(x->rig, s, in_order, n, 0);
}

/* The bed on this rig, which is NULL where BPF is refused, for the reason that is said. */
static inline struct bed *bed_make_on(void **state, struct rig *rig, const char *why, unsigned n,
				      uint32_t vip_flags)
{
	struct bed *x = calloc(1, sizeof(*x));

	frame_use_family(*state ? AF_INET6 : AF_INET);
	*state = x;
	x->rig = rig;
	if (!x->rig) {
		print_message("BPF is refused here (%s): nothing of the data plane is tested\n",
			      why);
		return x;
	}
	rig_add_vip(x->rig, VIP, vip_flags);
	bed_add(x, &x->tcp, 80, IPPROTO_TCP, n);
	bed_add(x, &x->udp, 53, IPPROTO_UDP, n);
	return x;
}

/* The bed with `n` backends a service and these flags of the VIP; without a rig where BPF is
 * refused. */
static inline struct bed *bed_make(void **state, unsigned n, uint32_t vip_flags)
{
	const char *why = "";
	struct rig *rig = rig_new(&why);

	return bed_make_on(state, rig, why, n, vip_flags);
}

/* A test in both families, or in one; `setup` ends in bed_make(). */
#define CLAIM_V4(f, setup)                                                                         \
	{                                                                                          \
#f ", IPv4", f, setup, bed_teardown, NULL                                          \
	}
#define CLAIM_V6(f, setup)                                                                         \
	{                                                                                          \
#f ", IPv6", f, setup, bed_teardown, (void *)(size_t)AF_INET6                      \
	}
#define CLAIM_BOTH(f, setup) CLAIM_V4(f, setup), CLAIM_V6(f, setup)

static inline bool bed_is_v6(void)
{
	return frame_family() == AF_INET6;
}

/* Length of a prefix that is one address. */
static inline unsigned bed_whole(void)
{
	return bed_is_v6() ? 128 : 32;
}

static inline uint8_t bed_icmp(void)
{
	return bed_is_v6() ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* Of a router or a host: what the quoted packet is about does not get there. */
static inline struct frame_spec bed_error_of(uint32_t src, uint32_t dst, const struct frame *quoted)
{
	return (struct frame_spec){.src = src,
				   .dst = dst,
				   .proto = bed_icmp(),
				   .icmp_type = bed_is_v6() ? 2 : 3,
				   .quote = quoted,
				   .quote_len = (uint16_t)(quoted->len - FRAME_IP)};
}

static inline int bed_teardown(void **state)
{
	struct bed *x = *state;

	rig_free(x->rig);
	free(x);
	return 0;
}

/* First in each test. */
static inline struct bed *bed_begin(void **state)
{
	struct bed *x = *state;

	if (!x->rig)
		skip();
	return x;
}

/* What a client sends to a service. */
static inline struct frame_spec bed_request(const struct rig_service *s, uint16_t sport,
					    uint8_t flags)
{
	return (struct frame_spec){.src = CLIENT,
				   .dst = s->vip,
				   .sport = sport,
				   .dport = s->port,
				   .proto = s->proto,
				   .tcp_flags = flags};
}

/* Backend i answers a request: through tc_reply, which keeps the flow's entry. */
static inline void bed_answer(struct bed *x, const struct frame_spec *req, unsigned i,
			      uint8_t flags)
{
	const struct frame_spec s = {.src = rig_backend_addr(i),
				     .dst = req->src,
				     .sport = RIG_BACKEND_PORT,
				     .dport = req->sport,
				     .proto = req->proto,
				     .tcp_flags = flags};
	struct frame in, out;

	frame_make(&in, &s);
	(void)rig_tc(x->rig, &in, &out);
}

static inline void bed_make_silent(struct lb_flow *entry, unsigned units)
{
	entry->age = (uint8_t)(entry->age - units);
}

/* The frame of a spec through xdp_lb; what became of it is in x->out. */
static inline int bed_xdp(struct bed *x, const struct frame_spec *s)
{
	frame_make(&x->in, s);
	return rig_xdp(x->rig, &x->in, &x->out);
}

/* It is dropped as it was, and counted once by this reason. */
static inline void bed_expect_drop(struct bed *x, const struct frame_spec *s, enum lb_drop reason)
{
	const uint64_t before = rig_drops(x->rig, reason);

	assert_int_equal(bed_xdp(x, s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
	assert_true(frame_equal(&x->in, &x->out));
}
