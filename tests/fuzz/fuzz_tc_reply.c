// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * tc_reply as it is, compiled for the host with its headers under the sanitizers, and frames that
 * nobody would send. Nothing beyond the linear part is reached, no arithmetic is undefined, and:
 *
 *   a whole answer to a client whose flow is known gets VIP and port of the flow's Service, and
 *     nothing else of it changes but checksums; whatever else is whole leaves as it came
 *   no frame changes its length, its destination, its time to live
 *   a source that changes was a backend's and is the VIP
 *   a checksum that was right is right, that of ICMP about what it quotes, SCTP's CRC, and the part
 *     of one that the card is to finish
 *   it is sent another way or dropped only where it was turned, and its client is in a VRF
 *   no entry of the flow table is left half-written, and each is of a backend that there is
 *
 * An input: WORLD_* in two octets, then frames (bpf_host/world.h).
 */
/* Warnings that the program, which is built by its own, is not held to. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "bpf/tc_reply.bpf.c"
#pragma clang diagnostic pop

#include "tests/fuzz/bpf_host/shape.h"
#include "tests/fuzz/bpf_host/world.h"

#define WORLD_PARTIAL    1u  /* the card is to finish checksums */
#define WORLD_STRAYS     2u  /* the device is of another domain than the VIPs */
#define WORLD_VRF        4u  /* whose routes are known */
#define WORLD_NO_WAY     8u  /* and lead nowhere */
#define WORLD_GROWING    16u /* all flows are in a table that is being left */
#define WORLD_UNRECORDED 32u /* some began without an entry */
#define WORLD_AFFINITY   64u

#define DEVICE          7
#define DEVICE_OF_VRF   8
#define DEVICE_OF_ROUTE 9
#define FLOW_PORT       1000u /* of the client, of flows that have an entry */
#define UNRECORDED_PORT 2000u /* of those that have none */
#define N_FLOW_PORTS    4u    /* of either */

static const struct {
	__be16 port;
	__u8 proto;
} kinds[] = {{bpf_htons(80), IPPROTO_TCP},
	     {bpf_htons(53), IPPROTO_UDP},
	     {bpf_htons(3868), IPPROTO_SCTP}};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static const __u32 clients[2][4] = {
	{0, 0, LB_V4_PREFIX, bpf_htonl(0xc6336407)},
	{bpf_htonl(0x20010db8), bpf_htonl(0x00010000), 0, bpf_htonl(7)}};

static struct flows_inner flows_1;
static __u32 world;

long host_find_route(void *way)
{
	if (world & WORLD_NO_WAY)
		return BPF_FIB_LKUP_RET_UNREACHABLE;
	check(((struct bpf_fib_lookup *)way)->ifindex == DEVICE_OF_VRF);
	((struct bpf_fib_lookup *)way)->ifindex = DEVICE_OF_ROUTE;
	return world & WORLD_AFFINITY ? BPF_FIB_LKUP_RET_NO_NEIGH : BPF_FIB_LKUP_RET_SUCCESS;
}

long host_redirect(unsigned ifindex)
{
	check(ifindex == DEVICE_OF_ROUTE);
	return TCX_REDIRECT;
}

/* --- what agent and xdp_lb would have written ------------------------------------------------- */

static void add_maps(void)
{
	world_add_maps();
	HOST_ADD(tunnel);
	HOST_ADD(flows_1);
	HOST_ADD(backend_ports);
	HOST_ADD(vrfs);
	put_in(&flows, 1, &flows_1);
}

static void add_flow(flow_table_t t, unsigned v6, unsigned kind, __u32 backend, __u32 i)
{
	struct lb_flow_new n = {.now = age_now()};
	__u32 be[4];

	backend_addr(be, v6, backend);
	n.hash = flow_hash(be, BEHIND, clients[v6], bpf_htons(FLOW_PORT + i), kinds[kind].proto);
	n.rest = lb_rest((__u16)seen_at[v6 * 4 + kind + 1], 0, (__u16)backend,
			 lb_flow_state(i ? LB_FLOW_NEW : LB_FLOW_ESTABLISHED,
				       kinds[kind].proto == IPPROTO_UDP, 7),
			 (__u8)n.now);
	check(lb_flow_insert_free(t, &n) == LB_FLOW_MADE);
}

static void mark_flow(unsigned v6, unsigned kind, __u32 backend, __u32 i)
{
	const __u16 turn = unrecorded_turn();
	__u64 hash, be_hash;
	__u32 be[4];

	backend_addr(be, v6, backend);
	hash = flow_hash(be, BEHIND, clients[v6], bpf_htons(UNRECORDED_PORT + i),
			 kinds[kind].proto);
	be_hash = unrecorded_backend(be, BEHIND, kinds[kind].proto);
	check(lb_unrecorded_claim(unrecorded_owner_word(be_hash),
				  lb_unrecorded_owner(be_hash, (__u16)seen_at[v6 * 4 + kind + 1],
						      (__u8)(v6 * 4 + kind + 2), turn)));
	check(lb_unrecorded_mark(unrecorded_word(hash, turn), hash, turn));
}

static void add_backend(unsigned v6, unsigned kind, __u32 backend)
{
	struct lb_backend_port port = {.port = BEHIND, .proto = kinds[kind].proto};
	const __u32 yes = 1;

	backend_addr(port.addr, v6, backend);
	host_put(&backend_ports, &port, &yes);
	set_bit(&backend_bits, lb_backend_bit(port.addr, port.port, port.proto));
}

static void add_kind(unsigned v6, unsigned kind)
{
	const flow_table_t table =
		world & WORLD_GROWING ? flow_table_left(flow_table()) : flow_table();

	world_add_service(v6, kinds[kind].port, kinds[kind].proto, v6 * 4 + kind + 1,
			  world & WORLD_AFFINITY ? LB_SVC_AFFINITY : 0, 0);
	for (__u32 backend = 0; backend < N_BACKENDS; backend++) {
		add_backend(v6, kind, backend);
		for (__u32 i = 0; i < N_FLOW_PORTS; i++) {
			add_flow(table, v6, kind, backend, i);
			if (world & WORLD_UNRECORDED)
				mark_flow(v6, kind, backend, i);
		}
	}
}

static void begin(void)
{
	const void *written[] = {&flows_0,       &flows_1, &fragments,     &unrecorded,
				 &unrecorded_at, &uplinks, &backend_ports, &vrfs};
	const struct lb_config c = {.flows = world & WORLD_GROWING ? 1ull << 32 | 1u << 16 | 1 : 1};
	const __u64 uplink = (world & WORLD_STRAYS ? 5ull << LB_UPLINK_DOMAIN_SHIFT : 0) | DEVICE;
	const __u32 zero = 0, at = lb_uplink_hash(DEVICE), vrf = DEVICE_OF_VRF;

	for (unsigned i = 0; i < sizeof(written) / sizeof(*written); i++)
		host_clear(written[i]);
	host_put(&config, &zero, &c);
	host_put(&uplinks, &at, &uplink);
	if (world & WORLD_VRF)
		host_put(&vrfs, &zero, &vrf);
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned kind = 0; kind < N_KINDS; kind++)
			add_kind(v6, kind);
	host_set_partial(world & WORLD_PARTIAL);
}

/* --- what is looked at ------------------------------------------------------------------------ */

static void addrs_of(const struct shape *s, __u32 src[4], __u32 dst[4])
{
	if (s->v4) {
		addr_from_v4(src, s->v4->saddr);
		addr_from_v4(dst, s->v4->daddr);
	} else {
		addr_copy(src, s->v6->saddr.in6_u.u6_addr32);
		addr_copy(dst, s->v6->daddr.in6_u.u6_addr32);
	}
}

static bool is_backend(unsigned v6, const __u32 addr[4])
{
	__u32 be[4];

	for (__u32 i = 0; i < N_BACKENDS; i++) {
		backend_addr(be, v6, i);
		if (addr_is(addr, be))
			return true;
	}
	return false;
}

/* Whose ports, and at least as much as is looked at, lie at l4: the packet's kind, or N_KINDS. */
static unsigned kind_of(const struct shape *s, __u8 proto, unsigned l4, unsigned end)
{
	unsigned least = proto == IPPROTO_TCP ? 20 : proto == IPPROTO_UDP ? 8 : 13, kind = 0;

	while (kind < N_KINDS && kinds[kind].proto != proto)
		kind++;
	if (l4 + least > s->len || (proto == IPPROTO_SCTP && l4 + 16 > end))
		return N_KINDS;
	return kind;
}

enum is { IS_NO_ANSWER, IS_ANSWER, IS_ODD };

/* By what the world was made of. Pieces, errors and what has extension headers are odd. */
static enum is what_is(const struct shape *s, unsigned *ret_l4, unsigned *ret_kind)
{
	const __u8 *ip = s->frame + s->off;
	const unsigned v6 = !s->v4;
	__u32 src[4], dst[4];
	__be16 ports[2];
	unsigned end, i;
	__u8 proto;

	if (!s->v4 && !s->v6)
		return IS_NO_ANSWER;
	addrs_of(s, src, dst);
	proto = v6 ? s->v6->nexthdr : s->v4->protocol;
	if (proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return IS_ODD;
	if (v6 ? lb_ext_is(proto) : (ip[0] & 15) < 5 || s->v4->frag_off & bpf_htons(IP_FRAGMENT))
		return IS_ODD;
	*ret_l4 = s->off + (v6 ? 40 : (ip[0] & 15) * 4u);
	end = v6 ? *ret_l4 + bpf_ntohs(s->v6->payload_len) : s->off + bpf_ntohs(s->v4->tot_len);
	*ret_kind = kind_of(s, proto, *ret_l4, end);
	if (*ret_kind == N_KINDS || !is_backend(v6, src) || !addr_is(dst, clients[v6]))
		return IS_NO_ANSWER;
	__builtin_memcpy(ports, s->frame + *ret_l4, sizeof(ports));
	i = bpf_ntohs(ports[1]);
	if (ports[0] != BEHIND)
		return IS_NO_ANSWER;
	if (i - FLOW_PORT < N_FLOW_PORTS)
		return IS_ANSWER;
	return world & WORLD_UNRECORDED && i - UNRECORDED_PORT < N_FLOW_PORTS ? IS_ANSWER
									      : IS_NO_ANSWER;
}

/* Nothing but source address, source port and checksums. */
static void look_at_turned(struct shape *in, const struct shape *out, unsigned l4, unsigned kind)
{
	const unsigned v6 = !in->v4, check_at = kinds[kind].proto == IPPROTO_TCP   ? 16
						: kinds[kind].proto == IPPROTO_UDP ? 6
										   : 8;
	__u8 *want = (__u8 *)(unsigned long)in->frame; /* is not needed any more */

	if (v6) {
		__builtin_memcpy(want + in->off + 8, vips[1], 16);
	} else {
		__builtin_memcpy(want + in->off + 12, &vips[0][3], 4);
		__builtin_memcpy(want + in->off + 10, out->frame + in->off + 10, 2);
	}
	__builtin_memcpy(want + l4, &kinds[kind].port, 2);
	__builtin_memcpy(want + l4 + check_at, out->frame + l4 + check_at,
			 kinds[kind].proto == IPPROTO_SCTP ? 4 : 2);
	check(__builtin_memcmp(want, out->frame, in->len) == 0);
}

static void look_at_odd(const struct shape *in, const struct shape *out)
{
	const unsigned v6 = !in->v4;
	__u32 src[4], dst[4], now[4], to[4];

	addrs_of(in, src, dst);
	addrs_of(out, now, to);
	check(addr_is(dst, to));
	check(addr_is(src, now) || (is_backend(v6, src) && addr_is(now, vips[v6])));
	if (in->v4)
		check(in->v4->ttl == out->v4->ttl);
	else
		check(in->v6->hop_limit == out->v6->hop_limit);
}

static void look_at_way(int verdict, bool changed)
{
	if (verdict == TCX_NEXT) /* it did not stray, or nobody knows the way */
		check(!changed || !(world & WORLD_STRAYS) || !(world & WORLD_VRF));
	else
		check(changed && world & WORLD_STRAYS && world & WORLD_VRF &&
		      verdict == (world & WORLD_NO_WAY ? TCX_DROP : TCX_REDIRECT));
}

/* What the stack holds of a frame whose checksum the card is to finish: the pseudo header's sum. */
static bool has_right_begin(const struct payload *p)
{
	__u16 begun;

	__builtin_memcpy(&begun, p->at + p->check_at, sizeof(begun));
	return begun && begun == folded(p->pseudo);
}

static bool has_no_sum(const struct payload *p)
{
	return !p->at[p->check_at] && !p->at[p->check_at + 1];
}

static void look_at_sums(const struct shape *in, const struct shape *out)
{
	struct payload before, after;

	check(!in->v4 || !has_right_header(in) || has_right_header(out));
	if (!payload_of(in, &before))
		return;
	if (before.proto == IPPROTO_UDP) /* 0 says that there is none */
		check(payload_of(out, &after) && has_no_sum(&before) == has_no_sum(&after));
	if (world & WORLD_PARTIAL && (before.proto == IPPROTO_TCP || before.proto == IPPROTO_UDP))
		check(!has_right_begin(&before) ||
		      (payload_of(out, &after) && has_right_begin(&after)));
	else
		check(!has_right_payload(in) || has_right_payload(out));
}

static void run(const __u8 *frame, unsigned len, unsigned linear)
{
	static __u8 room[HOST_PACKET_MOST + 2];
	__u8 *before = room + 2; /* aligned as its copy is */
	struct __sk_buff skb = {.len = len, .ifindex = DEVICE};
	unsigned l4 = 0, kind = 0, now;
	bool changed;
	struct shape in, out;
	const __u8 *after;
	enum is is;
	int verdict;

	__builtin_memcpy(before, frame, len);
	in = shape_of(before, len);
	is = what_is(&in, &l4, &kind);
	host_begin(frame, len, linear, &skb.data, &skb.data_end);
	verdict = tc_reply(&skb);
	after = host_end(&now);
	out = shape_of(after, now);
	check(now == len && __builtin_memcmp(before, after, len < 14 ? len : 14) == 0);
	changed = __builtin_memcmp(before, after, len) != 0;
	look_at_sums(&in, &out);
	look_at_way(verdict, changed);
	if (is == IS_NO_ANSWER)
		check(!changed);
	if (is == IS_ODD && changed)
		look_at_odd(&in, &out);
	if (is == IS_ANSWER)
		look_at_turned(&in, &out, l4, kind);
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
	world = data[0] | (__u32)data[1] << 8;
	begin();
	world_frames(data + 2, size - 2, run);
	world_look_at_flows();
	return 0;
}
