// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The bed of tests about backends that answer this node: two of them for each service, the table of
 * translated flows, and a network namespace of the test's own that has the way back to the client.
 * Each frame that comes out is held against one that is made from its fields, with all its sums.
 */
#pragma once

#include "bpf/tunnel_bed.h"

#include "bpf/nat_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>

#define FIRST    16384
#define PORTS    16384u
#define STRANGER 0xcb007109 /* a client to whom no route leads */
#define ROUTER   0x0afe0001
#define MOVED    0x0a090063 /* another address of this node */

static inline const char *nat_address(char text[INET6_ADDRSTRLEN], uint32_t v4)
{
	uint8_t bytes[16];

	frame_address(bytes, v4);
	return bed_is_v6() ? inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN)
			   : inet_ntop(AF_INET, bytes + 12, text, INET6_ADDRSTRLEN);
}

static inline void nat_run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static inline void nat_add_server(struct bed *x, struct rig_service *s, unsigned i, uint32_t source)
{
	const uint32_t number = NODE + i;
	struct rig_hop h = tunnel_hop(frame_family());

	rig_node_address(h.source, frame_family(), source);
	rig_add_node(x->rig, number, frame_family(), rig_backend_addr(i), i);
	rig_set_node_state(x->rig, number, LB_NODE_IN_USE);
	rig_set_hop(x->rig, number, 0, &h);
	rig_set_flags(x->rig, s, LB_SVC_REMOTE);
	rig_set_server(x->rig, s, i, number, LB_WAY_NAT);
}

static inline int nat_setup(void **state)
{
	char text[INET6_ADDRSTRLEN], ways[512];
	struct bed *x = bed_make(state, 4, LB_SVC_ECHO_ANSWER);

	if (!x->rig)
		return 0;
	assert_return_code(unshare(CLONE_NEWNET), errno);
	nat_run("ip link add out0 address 02:00:00:aa:bb:02 type veth peer name out1 && ip link set lo up && ip link set out0 up && "
		"ip link set out1 up && echo 1 >/proc/sys/net/ipv4/conf/all/forwarding && "
		"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	nat_address(text, CLIENT);
	snprintf(ways, sizeof(ways),
		 "ip route add %s dev out0 && ip neigh add %s lladdr 02:00:00:aa:bb:01 dev out0",
		 text, text);
	nat_run(ways);
	rig_add_device(x->rig, if_nametoindex("out0"));
	rig_set_nat(x->rig, FIRST, PORTS);
	rig_set_vip_bit(x->rig, HERE);
	rig_set_vip_bit(x->rig, MOVED);
	for (unsigned i = 0; i < 2; i++) {
		nat_add_server(x, &x->tcp, i, HERE);
		nat_add_server(x, &x->udp, i, HERE);
	}
	return 0;
}

/* --- what is expected ------------------------------------------------------------------------- */

static inline uint16_t nat_port_at(const struct frame *f, size_t off)
{
	const uint8_t *at = &f->bytes[FRAME_IP + frame_ip_len() + off];

	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline struct frame_spec nat_as_there(const struct frame_spec *req, uint16_t port,
					     unsigned i)
{
	struct frame_spec s = *req;

	s.src = HERE;
	s.sport = port;
	s.dst = rig_backend_addr(i);
	s.dport = RIG_BACKEND_PORT;
	s.ttl = (uint8_t)((s.ttl ? s.ttl : 64) - 1);
	s.vlan = 0;
	return s;
}

static inline void nat_expect_frame(struct bed *x, const struct frame_spec *want)
{
	frame_make(&x->want, want);
	(void)put_ethernet(x->want.bytes, frame_family());
	assert_int_equal(x->out.len, x->want.len);
	assert_memory_equal(x->out.bytes, x->want.bytes, x->want.len);
}

/* The request leaves for backend i; by which port. */
static inline uint16_t nat_there(struct bed *x, const struct frame_spec *req, unsigned i)
{
	struct frame_spec want;
	uint16_t port;

	assert_int_equal(bed_xdp(x, req), XDP_TX);
	port = nat_port_at(&x->out, 0);
	assert_in_range(port, FIRST, FIRST + PORTS - 1);
	want = nat_as_there(req, port, i);
	nat_expect_frame(x, &want);
	return port;
}

/* What backend i answers to what left by this port. */
static inline struct frame_spec nat_answer_of(const struct frame_spec *req, uint16_t port,
					      unsigned i, uint8_t flags)
{
	return (struct frame_spec){.src = rig_backend_addr(i),
				   .dst = HERE,
				   .sport = RIG_BACKEND_PORT,
				   .dport = port,
				   .proto = req->proto,
				   .tcp_flags = flags};
}

static inline void nat_back(struct bed *x, const struct frame_spec *req, uint16_t port, unsigned i,
			    uint8_t flags)
{
	const struct frame_spec answer = nat_answer_of(req, port, i, flags);
	struct frame_spec want = answer;

	want.src = req->dst;
	want.sport = req->dport;
	want.dst = req->src;
	want.dport = req->sport;
	want.ttl = 63;
	assert_int_equal(bed_xdp(x, &answer), XDP_REDIRECT);
	nat_expect_frame(x, &want);
}

/* It is the kernel's, as it came. */
static inline void nat_expect_passed(struct bed *x, const struct frame_spec *s)
{
	assert_int_equal(bed_xdp(x, s), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
}

static inline void nat_establish(struct bed *x, const struct frame_spec *req, uint16_t port,
				 unsigned i)
{
	nat_back(x, req, port, i, TCP_SYN_FLAG | TCP_ACK_FLAG);
	nat_back(x, req, port, i, TCP_ACK_FLAG);
}

/* Entries of the table in this state; 0: in any. */
static inline unsigned nat_count(struct bed *x, unsigned state)
{
	const struct lb_nat_line *lines = rig_nat_line(x->rig, 0);
	unsigned n = 0;

	for (unsigned i = 0; i < LB_NAT_LINES; i++)
		for (unsigned k = 0; k < LB_FLOW_WAYS; k++)
			n += lines[i].way[k].hash > LB_FLOW_FREE &&
			     (!state || rig_flow_state(&lines[i].way[k]) == state);
	return n;
}

/* Which way of its line the only flow of a port is in. */
static inline unsigned nat_way_of(struct bed *x, uint16_t port)
{
	const struct lb_nat_line *line = rig_nat_line(x->rig, (uint32_t)(port - FIRST));
	unsigned way = 0;

	while (way < LB_FLOW_WAYS - 1 && line->way[way].hash <= LB_FLOW_FREE)
		way++;
	return way;
}

static inline struct lb_flow *nat_only(struct bed *x, uint16_t port)
{
	return &rig_nat_line(x->rig, (uint32_t)(port - FIRST))->way[nat_way_of(x, port)];
}
