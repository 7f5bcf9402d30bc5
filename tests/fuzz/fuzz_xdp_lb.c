// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * xdp_lb as it is, compiled for the host with its headers under the sanitizers, and frames that
 * nobody would send. Nothing beyond the first buffer is reached, no arithmetic is undefined, and:
 *
 *   what is not for a VIP is passed as it came
 *   what is passed has its length, its source, its time to live; where it was changed it goes to a
 *     backend, and a checksum of IP, TCP or UDP that was right is right
 *   what is sent back goes to its source, with right checksums
 *   what leaves for another node is whole inside; what comes from there ends at a backend
 *   what is translated has right checksums where it had them, and nothing of it is half-written
 *   no entry of the flow table is left half-written, and each is of a backend that there is
 *
 * An input: LB_SVC_* flags in two octets, then frames: their length in two octets, how much of them
 * is in the first buffer in units of four (0: all), and themselves.
 */
/* Warnings that the program, which is built by its own, is not held to. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "bpf/xdp_lb.bpf.c"
#pragma clang diagnostic pop

#include "tests/fuzz/bpf_host/shape.h"
#include "tests/fuzz/bpf_host/world.h"

#define INGRESS   7
#define ELSEWHERE 8
#define SPREADS   0x8000u /* of an input's flags: TCP and UDP have a backend on another node */
#define NAT_TCP   0x0800u /* ... that answers this node, whose ends are also its addresses for it */
#define NAT_UDP   0x0400u
#define NAT_FIRST 16384
#define NAT_PORTS 4u

static struct bpf_sock socket;

void *host_find_socket(const void *tuple, unsigned len, unsigned long long netns)
{
	const __u8 last = ((const __u8 *)tuple)[len - 5]; /* of the client's port */

	socket.state = last & 1 ? BPF_TCP_LISTEN : 1;
	return last & 2 && netns ? &socket : NULL;
}

long host_find_route(void *way)
{
	((struct bpf_fib_lookup *)way)->ifindex = INGRESS;
	((struct bpf_fib_lookup *)way)->mtu_result = 1400;
	return BPF_FIB_LKUP_RET_SUCCESS;
}

long host_redirect(unsigned ifindex)
{
	check(ifindex == ELSEWHERE);
	return XDP_REDIRECT;
}

/* --- what the agent would have written -------------------------------------------------------- */

static struct nodes_inner nodes_0;
static struct kernel_flows_inner kernel_flows_0;
static struct nat_inner nat_0;
static const __u32 ends[2][4] = {{0, 0, LB_V4_PREFIX, bpf_htonl(0x0a090002)},
				 {bpf_htonl(0x20010db8), 9, 9, bpf_htonl(2)}};

static void add_maps(void)
{
	world_add_maps();
	HOST_ADD_OUTER(kernel_flows);
	HOST_ADD(kernel_flows_0);
	HOST_ADD(rejects);
	HOST_ADD(ranges);
	HOST_ADD(deny_bits);
	HOST_ADD(rates);
	HOST_ADD(blackholes);
	HOST_ADD(blackhole_drops);
	HOST_ADD(new_flows);
	HOST_ADD(sources);
	HOST_ADD(proven);
	HOST_ADD(scratch);
	HOST_ADD(bfd_sessions);
	HOST_ADD(bfd_echoes);
	HOST_ADD_OUTER(nodes);
	HOST_ADD(nodes_0);
	HOST_ADD(node_places);
	HOST_ADD(tunnel);
	HOST_ADD(hops);
	HOST_ADD(next_devices);
	HOST_ADD_OUTER(nat);
	HOST_ADD(nat_0);
	put_in(&nat, 0, &nat_0);
	put_in(&nodes, 0, &nodes_0);
	put_in(&kernel_flows, 0, &kernel_flows_0);
}

/* One node of each family, the first with a way, the second by the kernel's. */
static void add_node(unsigned v6, __u32 ifindex)
{
	const __u64 mac = 0x00000badc0de02ull;
	struct lb_node node = {.state = LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE};
	const __u32 number = v6 + 1, zero = 0;
	struct lb_tunnel own = {.nat = lb_nat_range(NAT_FIRST, NAT_PORTS)};
	__u64 word = number;
	__u32 place;

	addr_copy(node.addr, ends[v6]);
	node.addr[3] = bpf_htonl(0x0a090001);
	if (!v6)
		node.hops[0] = (struct lb_next_hop){.way = ifindex | 1500ull << LB_HOP_MTU_SHIFT,
						    .neighbour = mac,
						    .own = mac + 1,
						    .uplink = ifindex == INGRESS ? INGRESS : 0,
						    .flags = LB_HOP_ON_LINK};
	addr_copy(node.hops[0].source, ends[v6]);
	host_put(&nodes_0, &number, &node);
	place = lb_node_place(node.addr, v6);
	host_put(&node_places, &place, &word);
	addr_copy(own.own_v4, ends[0]);
	addr_copy(own.own_v6, ends[1]);
	host_put(&tunnel, &zero, &own);
}

/* Tunnels end at the addresses of the VIPs' neighbours; slots and bits are the world's. */
static void add_end(unsigned v6)
{
	struct lb_service s = {.key = {.port = bpf_htons(LB_GUE_PORT), .proto = IPPROTO_UDP},
			       .live = LB_LIVE_IN_USE | (__u64)LB_SVC_TUNNEL
								<< LB_LIVE_FLAGS_SHIFT};
	__u32 slot;

	addr_copy(s.key.addr, ends[v6]);
	slot = lb_service_hash(&s.key, 0);
	host_put(&services, &slot, &s);
	set_bit(&vip_bits, lb_vip_bit(ends[v6]));
}

/* Backend 2 of a service is on a node, or a real server by another way, by its state word. */
static void move_backend(unsigned n, __u32 number, __u64 way)
{
	const __u32 at = n * LB_BACKEND_UNIT + 2;
	struct lb_backend *be = host_lookup(&backends_0, &at);

	be->state &= ~((__u64)LB_BE_LOCAL << LB_BE_FLAGS_SHIFT | 0xffffffffull);
	be->state &= ~(LB_BE_WAY_MASK << LB_BE_WAY_SHIFT);
	be->state |= (__u64)number << LB_BE_NODE_SHIFT | way << LB_BE_WAY_SHIFT;
}

static void add_range(__u32 set)
{
	const struct lb_range half = {
		.len = LB_RANGE_SET_BITS + 97, .set = set, .addr = {0, 0, V4_PREFIX}};
	const __u32 yes = 1;

	host_put(&ranges, &half, &yes);
}

/* Of all of IPv4; its TCP service says so, too. */
static void add_blackhole(void)
{
	const struct lb_range all = {.len = LB_RANGE_SET_BITS + 96, .addr = {0, 0, V4_PREFIX}};
	const __u32 place = 3;

	host_put(&blackholes, &all, &place);
}

/* What the program writes; the rest is written anew. */
static void clear(void)
{
	const void *written[] = {
		&flows_0, &kernel_flows_0, &fragments,  &rejects,       &rates,   &ranges, &sources,
		&proven,  &blackholes,     &unrecorded, &unrecorded_at, &scratch, &hops};

	for (unsigned i = 0; i < sizeof(written) / sizeof(*written); i++)
		host_clear(written[i]);
	for (__u32 line = 0; line < NAT_PORTS; line++) {
		const struct lb_nat_line none = {};

		host_put(&nat_0, &line, &none);
	}
}

static void begin(__u32 flags)
{
	const struct lb_config c = {.flows = 1, .source_flows = 2};
	const __u32 zero = 0, vip_flags = flags & 0xf, shared = flags & 0xe0;
	const __u32 remote = flags & SPREADS ? LB_SVC_REMOTE : 0;
	const struct lb_new_flows few = {.limit = 3 | (flags & 1 ? LB_LIMIT_CHECK : 0)};
	struct lb_rate_key rate = {.domain = 0};
	const struct lb_rate rare = {.packets = 100};

	clear();
	host_put(&config, &zero, &c);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		set_bit(&vip_bits, lb_vip_bit(vips[v6]));
		world_add_service(v6, 0, 0, v6 * 4, vip_flags | LB_SVC_REJECT, 0);
		world_add_service(v6, bpf_htons(80), IPPROTO_TCP, v6 * 4 + 1,
				  (flags & 0x3f1f) | remote, 0);
		world_add_service(v6, bpf_htons(53), IPPROTO_UDP, v6 * 4 + 2,
				  shared | (flags & 1) | remote,
				  flags & 2 ? LB_ROW_UNSETTLED | LB_ROW_BEYOND : 0);
		world_add_service(v6, bpf_htons(3868), IPPROTO_SCTP, v6 * 4 + 3, flags & 1,
				  LB_ROW_UNSETTLED);
		add_end(v6);
		add_node(v6, flags & 0x4000 ? ELSEWHERE : INGRESS);
		if (remote) {
			move_backend(v6 * 4 + 1, 1 + (flags & 1),
				     flags & NAT_TCP ? LB_WAY_NAT : flags >> 5 & 3);
			move_backend(v6 * 4 + 2, 1 + (flags & 1), flags & NAT_UDP ? LB_WAY_NAT : 0);
		}
		addr_copy(rate.addr, vips[v6]);
		host_put(&rates, &rate, &rare);
	}
	host_put(&new_flows, &seen_at[1], &few);
	add_range(1);
	if (flags & 4)
		add_range(LB_DENY_SET_V4);
	if (flags & LB_SVC_BLACKHOLE)
		add_blackhole();
}

/* --- what is looked at ------------------------------------------------------------------------ */

static bool is_for_vip(const struct shape *s)
{
	if (s->v4)
		return s->v4->daddr == VIP_V4;
	return !s->v6 || addr_is(s->v6->daddr.in6_u.u6_addr32, vips[1]);
}

static bool is_for_end(const struct shape *s)
{
	if (s->v4)
		return s->v4->daddr == ends[0][3];
	return s->v6 && addr_is(s->v6->daddr.in6_u.u6_addr32, ends[1]);
}

/* It is on its way to a node. */
static bool is_for_node(const struct shape *s)
{
	const __be32 node = bpf_htonl(0x0a090001);

	if (s->v4)
		return s->v4->daddr == node;
	return s->v6 && s->v6->daddr.in6_u.u6_addr32[3] == node;
}

/* It is in GUE, as it came but for its frame. */
static void look_at_sent(const struct shape *in, const struct shape *out)
{
	unsigned len = in->len - in->off;

	check(is_for_vip(in) || is_for_end(in));
	check(out->v4 || out->v6);
	if (out->v4)
		check(has_right_header(out));
	if (!is_for_end(in))
		check(out->len > len &&
		      __builtin_memcmp(in->frame + in->off, out->frame + out->len - len, len) == 0);
}

/* It is on its way to a real server, as it came but for a hop, whatever is before it. */
static void look_at_forwarded(const struct shape *in, const struct shape *out)
{
	const unsigned len = in->len - in->off, l4 = in->v4 ? 12 : 8; /* behind TTL and its sum */
	const __u8 *inner = out->frame + out->len - len;

	check(is_for_vip(in) || is_for_end(in));
	if (is_for_end(in))
		return;
	check(out->len - out->off >= len && len > l4);
	check(!out->v4 || inner == out->frame + out->off || has_right_header(out));
	check(__builtin_memcmp(in->frame + in->off, inner, in->v4 ? 8 : 7) == 0);
	check(__builtin_memcmp(in->frame + in->off + l4, inner + l4, len - l4) == 0);
	check(inner[in->v4 ? 8 : 7] == in->frame[in->off + (in->v4 ? 8 : 7)] - 1);
}

static bool counts_as_hop(const struct shape *in, const struct shape *out)
{
	const unsigned len = in->len - in->off, ttl = in->v4 ? 8 : 7;

	return len > ttl && out->len >= len &&
	       out->frame[out->len - len + ttl] == (__u8)(in->frame[in->off + ttl] - 1);
}

static bool is_for_backend(const struct shape *s)
{
	__be32 last = s->v4 ? s->v4->daddr : s->v6->daddr.in6_u.u6_addr32[3];

	return bpf_ntohl(last) - BACKEND_V4 < N_BACKENDS;
}

/* It was for a backend, or from one; or it is an answer to who sent it. */
static void look_at_translated(const struct shape *in, const struct shape *out)
{
	check(is_for_vip(in) || is_for_end(in));
	check(out->v4 || out->v6);
	check(!has_right_header(in) || has_right_header(out));
	check(!has_right_payload(in) || has_right_payload(out));
}

static void look_at_lines(void)
{
	for (__u32 at = 0; at < NAT_PORTS; at++) {
		const struct lb_nat_line *line = host_lookup(&nat_0, &at);

		for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
			const __u64 hash = line->way[way].hash;

			check(hash != LB_FLOW_WRITING);
			check(hash <= LB_FLOW_FREE ||
			      lb_nat_sum(&line->of[way], hash) == line->of[way].sum);
			for (unsigned other = 0; other < way; other++)
				check(hash <= LB_FLOW_FREE || hash != line->way[other].hash);
		}
	}
}

static void look_at_passed(const struct shape *in, const struct shape *out)
{
	bool changed = __builtin_memcmp(in->frame, out->frame, in->len) != 0;

	check(in->len == out->len);
	check(!changed || is_for_vip(in));
	check(__builtin_memcmp(in->frame, out->frame, 14) == 0);
	if (in->v4) {
		check(in->v4->saddr == out->v4->saddr && in->v4->ttl == out->v4->ttl);
		check(!has_right_header(in) || has_right_header(out));
		check(!has_right_payload(in) || has_right_payload(out));
	}
	if (in->v6)
		check(addr_is(in->v6->saddr.in6_u.u6_addr32, out->v6->saddr.in6_u.u6_addr32) &&
		      in->v6->hop_limit == out->v6->hop_limit);
	if (changed && (in->v4 || in->v6))
		check(is_for_backend(out));
}

static void look_at_answer(const struct shape *in, const struct shape *out)
{
	check(!(in->v4 || in->v6) || is_for_vip(in));
	if (in->v4) {
		check(out->v4 && out->v4->daddr == in->v4->saddr && out->v4->saddr == VIP_V4);
		check(!has_right_header(in) || has_right_header(out));
	}
	if (in->v6)
		check(out->v6 &&
		      addr_is(out->v6->daddr.in6_u.u6_addr32, in->v6->saddr.in6_u.u6_addr32));
}

static void run(const __u8 *frame, unsigned len, unsigned linear)
{
	static __u8 room[HOST_PACKET_MOST + 2];
	__u8 *before = room + 2; /* aligned as its copy is */
	struct xdp_md ctx = {.ingress_ifindex = INGRESS};
	struct shape in, out;
	const __u8 *after;
	unsigned called, last = BESIDE_BFD;
	int verdict;

	__builtin_memcpy(before, frame, len);
	in = shape_of(before, len);
	host_begin(frame, len, linear, &ctx.data, &ctx.data_end);
	verdict = xdp_lb(&ctx);
	while ((called = host_was_tail_called())) {
		last = called - 1;
		verdict = last == BESIDE_BFD      ? xdp_bfd(&ctx)
			  : last == BESIDE_TUNNEL ? xdp_tunnel(&ctx)
			  : last == BESIDE_INNER  ? xdp_inner(&ctx)
			  : last == BESIDE_NAT    ? xdp_nat(&ctx)
			  : last == BESIDE_ONCE   ? xdp_at_once(&ctx)
			  : last == BESIDE_OPENED ? xdp_opened(&ctx)
						  : xdp_dsr(&ctx);
	}
	if (last == BESIDE_OPENED)
		last = BESIDE_INNER;
	after = host_end(&len);
	out = shape_of(after, len);
	check(verdict == XDP_PASS || verdict == XDP_DROP || verdict == XDP_TX ||
	      (verdict == XDP_REDIRECT && last != BESIDE_INNER));
	if (verdict == XDP_PASS && last != BESIDE_INNER)
		look_at_passed(&in, &out);
	if (verdict == XDP_PASS && last == BESIDE_INNER)
		check(is_for_end(&in) && out.len < in.len &&
		      ((!out.v4 && !out.v6) || is_for_backend(&out)));
	if (last == BESIDE_ONCE && verdict != XDP_DROP && counts_as_hop(&in, &out))
		last = BESIDE_DSR;
	if ((verdict == XDP_TX || verdict == XDP_REDIRECT) && is_for_node(&out) &&
	    (last == BESIDE_TUNNEL ||
	     (last != BESIDE_DSR && last != BESIDE_NAT && out.len > in.len)))
		look_at_sent(&in, &out);
	else if (last == BESIDE_DSR && verdict != XDP_DROP &&
		 (is_for_node(&out) || ((out.v4 || out.v6) && is_for_vip(&out))))
		look_at_forwarded(&in, &out);
	else if (last == BESIDE_NAT && (verdict == XDP_TX || verdict == XDP_REDIRECT))
		look_at_translated(&in, &out);
	else if (verdict == XDP_TX && !is_for_end(&in))
		look_at_answer(&in, &out);
	if (verdict == XDP_DROP)
		check(is_for_vip(&in) || is_for_end(&in));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)
{
	static bool is_set_up;

	if (!is_set_up) {
		add_maps();
		world_set_keys();
		is_set_up = true;
	}
	if (size < 2)
		return 0;
	begin(data[0] | (__u32)data[1] << 8);
	world_frames(data + 2, size - 2, run);
	world_look_at_flows();
	look_at_lines();
	return 0;
}
