// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The bed of tests about tunnels: another node, this node's end, and what is expected of packets
 * between them. Outer headers have a family of their own, one of `outers`.
 */
#pragma once

#include "bpf/tunnel_frame.h"

static const int outers[] = {AF_INET, AF_INET6};
static inline int tunnel_setup(void **state)
{
	(void)bed_make(state, 4, LB_SVC_ECHO_ANSWER);
	return 0;
}

static inline struct rig_hop tunnel_hop(int family)
{
	struct rig_hop h = {.ifindex = RIG_IFINDEX, .uplink = RIG_IFINDEX, .mtu = MTU};

	rig_node_address(h.source, family, HERE);
	return h;
}

/* The other node, with a way to it, and this one's end, in this outer family. */
static inline void tunnel_begin(struct bed *x, int family)
{
	const struct rig_hop h = tunnel_hop(family);

	rig_add_node(x->rig, NODE, family, THERE, 0);
	rig_set_hop(x->rig, NODE, 0, &h);
	rig_add_tunnel_end(x->rig, family, HERE);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE);
	rig_set_flags(x->rig, &x->udp, LB_SVC_REMOTE);
}

/* From the other node to this one. */
static inline struct tunnel_spec tunnel_from(int family)
{
	return (struct tunnel_spec){.family = family, .src = THERE, .dst = HERE};
}

static const unsigned tunnel_in_order[] = {0, 1, 2, 3};

/* What is sent on, or from here, over IPv4: it asks the candidate `at` of four in order, */
static inline struct tunnel_spec tunnel_asks(uint8_t at, uint8_t hops)
{
	return (struct tunnel_spec){.family = AF_INET,
				    .src = HERE,
				    .dst = THERE,
				    .at = at,
				    .flags = LB_TUNNEL_ASK,
				    .hops = hops,
				    .backends = tunnel_in_order};
}

/* or is the first's for good. */
static inline struct tunnel_spec tunnel_for_good(uint8_t hops)
{
	return (struct tunnel_spec){.family = AF_INET, .src = HERE, .dst = THERE, .hops = hops};
}

/* The same as it comes from the other node. */
static inline struct tunnel_spec tunnel_there(struct tunnel_spec t)
{
	t.src = THERE;
	t.dst = HERE;
	return t;
}

/* What a client sends, tunnelled by the other node, through xdp_lb. */
static inline int tunnel_xdp(struct bed *x, const struct frame_spec *req,
			     const struct tunnel_spec *t)
{
	struct frame inner;

	frame_make(&inner, req);
	tunnel_make(&x->in, &inner, t);
	return rig_xdp(x->rig, &x->in, &x->out);
}

/* It was given to backend i: as what the client sent to it, in a frame of the other node. */
static inline void tunnel_expect_given(struct bed *x, const struct frame_spec *req, unsigned i)
{
	struct frame_spec s = *req;

	s.dst = rig_backend_addr(i);
	s.dport = RIG_BACKEND_PORT;
	frame_make(&x->want, &s);
	memcpy(x->want.bytes, rig_neighbour, 6);
	memcpy(x->want.bytes + 6, rig_own, 6);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

/* The frame in x->out is this request on its way to another node. */
static inline void tunnel_expect_sent(struct bed *x, const struct frame_spec *req,
				      const struct tunnel_spec *t)
{
	struct frame inner;
	uint16_t port;

	frame_make(&inner, req);
	tunnel_make(&x->want, &inner, t);
	port = tunnel_take_port(&x->out, t->family);
	assert_true(port >= 49152);
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

/* A packet from another node is dropped for this reason, and none for another. */
static inline void tunnel_expect_drop(struct bed *x, const struct frame_spec *req,
				      const struct tunnel_spec *t, enum lb_drop reason)
{
	const uint64_t before = rig_drops(x->rig, reason);

	assert_int_equal(tunnel_xdp(x, req, t), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, reason), before + 1);
}
