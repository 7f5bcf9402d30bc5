// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * xdp_lb as it is, compiled for the host with its headers under the sanitizers, and frames that
 * nobody would send. Nothing beyond the first buffer is reached, no arithmetic is undefined, and:
 *
 *   what is not for a VIP is passed as it came
 *   what is passed has its length, its source, its time to live; where it was changed it goes to a
 *     backend, and a checksum of IP, TCP or UDP that was right is right
 *   what is sent back goes to its source, with right checksums
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

#define FRAMES_MOST 16
#define SLOTS       8 /* of services, which are told from each other by their port */
#define N_BACKENDS  3
#define VIP_V4      bpf_htonl(0xc0000201)
#define BACKEND_V4  0x0a000001u
#define BEHIND      bpf_htons(8080)

#define check(what)                                                                                \
	do {                                                                                       \
		if (!(what))                                                                       \
			__builtin_trap();                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size);

static struct rows_inner rows_0;
static struct backends_inner backends_0;
static struct counters_inner counters_0;
static struct flows_inner flows_0;
static struct bpf_sock socket;
static __u32 seen_at[SLOTS];

static const __u32 vips[2][4] = {{0, 0, LB_V4_PREFIX, VIP_V4},
				 {bpf_htonl(0x20010db8), 0, 0, bpf_htonl(1)}};

void *host_find_socket(const void *tuple, unsigned len, unsigned long long netns)
{
	const __u8 last = ((const __u8 *)tuple)[len - 5]; /* of the client's port */

	socket.state = last & 1 ? BPF_TCP_LISTEN : 1;
	return last & 2 && netns ? &socket : NULL;
}

/* --- what the agent would have written -----------------------------------------------------------
 */

static void put_in(const void *outer, const void *inner)
{
	const __u32 zero = 0;

	host_put(outer, &zero, &inner);
}

static void add_maps(void)
{
	HOST_ADD(services);
	HOST_ADD(vip_bits);
	HOST_ADD_OUTER(rows);
	HOST_ADD_OUTER(backends);
	HOST_ADD_OUTER(counters);
	HOST_ADD_OUTER(flows);
	HOST_ADD(rows_0);
	HOST_ADD(backends_0);
	HOST_ADD(counters_0);
	HOST_ADD(flows_0);
	HOST_ADD(kernel_flows);
	HOST_ADD(fragments);
	HOST_ADD(drops);
	HOST_ADD(uplinks);
	HOST_ADD(backend_bits);
	HOST_ADD(rejects);
	HOST_ADD(ranges);
	HOST_ADD(deny_bits);
	HOST_ADD(rates);
	HOST_ADD(blackholes);
	HOST_ADD(blackhole_drops);
	HOST_ADD(config);
	HOST_ADD(new_flows);
	HOST_ADD(unrecorded);
	HOST_ADD(unrecorded_at);
	HOST_ADD(sources);
	HOST_ADD(proven);
	HOST_ADD(scratch);
	HOST_ADD(bfd_sessions);
	HOST_ADD(bfd_echoes);
	put_in(&rows, &rows_0);
	put_in(&backends, &backends_0);
	put_in(&counters, &counters_0);
	put_in(&flows, &flows_0);
}

static void set_keys(void)
{
	struct lb_flow_keys keys;
	__u64 x = 1, *word = (void *)&keys;

	for (unsigned i = 0; i < sizeof(keys) / sizeof(x); i++) {
		x = (x ^ x >> 29) * LB_SLOT_M1 + i;
		word[i] = x;
	}
	lb_flow_keys_finish(&keys);
	host_set_constant(&flow_keys, &keys, sizeof(keys));
}

static void set_bit(const void *map, __u32 bit)
{
	const __u32 word = bit >> 6;
	__u64 *bits = host_lookup(map, &word);

	*bits |= 1ull << (bit & 63);
}

/* In 256 rows of its own, and with backends of its own. */
static void add_service(unsigned v6, __be16 port, __u8 proto, unsigned n, __u32 flags, __u64 bits)
{
	struct lb_service s = {.key = {.port = port, .proto = proto},
			       .id = n + 1,
			       .seed = n,
			       .n_backends = N_BACKENDS,
			       .ranges = 1,
			       .affinity = 3};
	__u32 slot, at;

	addr_copy(s.key.addr, vips[v6]);
	s.live = LB_LIVE_IN_USE | (__u64)flags << LB_LIVE_FLAGS_SHIFT |
		 (__u64)n << LB_LIVE_ROWS_SHIFT | n;
	if (port)
		s.live |= 8ull << LB_LIVE_LOG2_SHIFT;
	slot = lb_service_hash(&s.key, n & 1);
	seen_at[n] = slot;
	host_put(&services, &slot, &s);
	for (__u32 i = 0; i < N_BACKENDS; i++) {
		struct lb_backend be = {.port = BEHIND};

		addr_from_v4(be.addr, bpf_htonl(BACKEND_V4 + i));
		if (v6) {
			addr_copy(be.addr, vips[1]);
			be.addr[3] = bpf_htonl(BACKEND_V4 + i);
		}
		be.state = (__u64)(LB_BE_IN_USE | LB_BE_LOCAL | LB_BE_READY) << LB_BE_FLAGS_SHIFT |
			   7ull << LB_BE_GEN_SHIFT | LB_BE_NSID_SELF;
		be.l3_delta = lb_l3_delta(vips[v6], be.addr);
		be.l4_delta = lb_l4_delta(be.l3_delta, port, BEHIND);
		at = n * LB_BACKEND_UNIT + i;
		host_put(&backends_0, &at, &be);
	}
	for (__u32 i = 0; i < LB_ROWS_UNIT; i++) {
		const __u64 row = 0x7fffull << 45 | (__u64)((i + 2) % 3) << 30 |
				  (__u64)((i + 1) % 3) << 15 | i % 3 | bits;

		at = n * LB_ROWS_UNIT + i;
		host_put(&rows_0, &at, &row);
	}
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
	const void *written[] = {&flows_0,    &kernel_flows, &fragments,     &rejects,
				 &rates,      &ranges,       &sources,       &proven,
				 &blackholes, &unrecorded,   &unrecorded_at, &scratch};

	for (unsigned i = 0; i < sizeof(written) / sizeof(*written); i++)
		host_clear(written[i]);
}

static void begin(__u32 flags)
{
	const struct lb_config c = {.flows = 1, .source_flows = 2};
	const __u32 zero = 0, vip_flags = flags & 0xf, shared = flags & 0xe0;
	const struct lb_new_flows few = {.limit = 3 | (flags & 1 ? LB_LIMIT_CHECK : 0)};
	struct lb_rate_key rate = {.domain = 0};
	const struct lb_rate rare = {.packets = 100};

	clear();
	host_put(&config, &zero, &c);
	for (unsigned v6 = 0; v6 < 2; v6++) {
		set_bit(&vip_bits, lb_vip_bit(vips[v6]));
		add_service(v6, 0, 0, v6 * 4, vip_flags | LB_SVC_REJECT, 0);
		add_service(v6, bpf_htons(80), IPPROTO_TCP, v6 * 4 + 1, flags & ~0xe0u, 0);
		add_service(v6, bpf_htons(53), IPPROTO_UDP, v6 * 4 + 2, shared | (flags & 1),
			    flags & 2 ? LB_ROW_UNSETTLED | LB_ROW_BEYOND : 0);
		add_service(v6, bpf_htons(3868), IPPROTO_SCTP, v6 * 4 + 3, flags & 1,
			    LB_ROW_UNSETTLED);
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

/* --- what is looked at ---------------------------------------------------------------------------
 */

struct shape {
	const __u8 *frame;
	unsigned len;
	const struct iphdr *v4;
	const struct ipv6hdr *v6;
};

/* Of a frame without tags that has a whole IP header. */
static struct shape shape_of(const __u8 *frame, unsigned len)
{
	const struct ethhdr *eth = (const void *)frame;
	struct shape s = {.frame = frame, .len = len};

	if (len >= sizeof(*eth) + sizeof(struct iphdr) && eth->h_proto == bpf_htons(ETH_P_IP))
		s.v4 = (const void *)(eth + 1);
	if (len >= sizeof(*eth) + sizeof(struct ipv6hdr) && eth->h_proto == bpf_htons(ETH_P_IPV6))
		s.v6 = (const void *)(eth + 1);
	return s;
}

static __u16 folded(__u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __u64 sum_of(const __u8 *bytes, unsigned len)
{
	__u64 sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum += i & 1 ? (__u64)bytes[i] << 8 : bytes[i];
	return sum;
}

static bool has_right_header(const struct shape *s)
{
	unsigned len = (s->frame[14] & 15) * 4u;

	return len >= sizeof(struct iphdr) && len <= s->len - 14 &&
	       folded(sum_of(s->frame + 14, len)) == 0xffff;
}

/* Whole TCP or UDP over IPv4 without options, whose checksum is right. */
static bool has_right_payload(const struct shape *s)
{
	unsigned len = s->v4 ? bpf_ntohs(s->v4->tot_len) : 0;
	const __u8 *l4 = s->frame + 14 + sizeof(struct iphdr);
	__u64 sum;

	if (!s->v4 || s->frame[14] != 0x45 || s->v4->frag_off & bpf_htons(IP_FRAGMENT) ||
	    len > s->len - 14 || len < 40 ||
	    (s->v4->protocol != IPPROTO_TCP && s->v4->protocol != IPPROTO_UDP))
		return false;
	if (s->v4->protocol == IPPROTO_UDP && !((const struct udphdr *)l4)->check)
		return false;
	len -= (unsigned)sizeof(struct iphdr);
	sum = sum_of(l4, len) + sum_of((const __u8 *)&s->v4->saddr, 8) +
	      bpf_htons((__u16)(s->v4->protocol + len));
	return folded(sum) == 0xffff;
}

static bool is_for_vip(const struct shape *s)
{
	if (s->v4)
		return s->v4->daddr == VIP_V4;
	return !s->v6 || addr_is(s->v6->daddr.in6_u.u6_addr32, vips[1]);
}

static bool is_for_backend(const struct shape *s)
{
	__be32 last = s->v4 ? s->v4->daddr : s->v6->daddr.in6_u.u6_addr32[3];

	return bpf_ntohl(last) - BACKEND_V4 < N_BACKENDS;
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

static void look_at_flows(void)
{
	const __u32 zero = 0;
	const struct lb_flow_line *line = host_lookup(&flows_0, &zero);

	for (unsigned i = 0; i < LB_FLOW_CHUNK * LB_FLOW_WAYS; i++) {
		const struct lb_flow *way = &line[i / LB_FLOW_WAYS].way[i % LB_FLOW_WAYS];

		check(way->hash != LB_FLOW_WRITING);
		check(way->hash <= LB_FLOW_FREE || way->backend < N_BACKENDS);
	}
}

static void run(const __u8 *frame, unsigned len, unsigned linear)
{
	static __u8 room[HOST_PACKET_MOST + 2];
	__u8 *before = room + 2; /* aligned as its copy is */
	struct xdp_md ctx = {.ingress_ifindex = 7};
	struct shape in, out;
	const __u8 *after;
	int verdict;

	__builtin_memcpy(before, frame, len);
	in = shape_of(before, len);
	host_begin(frame, len, linear, &ctx.data, &ctx.data_end);
	verdict = xdp_lb(&ctx);
	if (host_was_tail_called())
		verdict = xdp_bfd(&ctx);
	after = host_end(&len);
	out = shape_of(after, len);
	check(verdict == XDP_PASS || verdict == XDP_DROP || verdict == XDP_TX);
	if (verdict == XDP_PASS)
		look_at_passed(&in, &out);
	if (verdict == XDP_TX)
		look_at_answer(&in, &out);
	if (verdict == XDP_DROP)
		check(is_for_vip(&in));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)
{
	static bool is_set_up;

	if (!is_set_up) {
		add_maps();
		set_keys();
		is_set_up = true;
	}
	if (size < 2)
		return 0;
	begin(data[0] | (__u32)data[1] << 8);
	data += 2;
	size -= 2;
	for (unsigned n = 0; n < FRAMES_MOST && size > 3; n++) {
		unsigned len = (data[0] | (unsigned)data[1] << 8) % HOST_PACKET_MOST;
		unsigned linear = data[2] ? data[2] * 4u : len;

		data += 3;
		size -= 3;
		len = len < size ? len : (unsigned)size;
		if (len < 14)
			break;
		linear = linear < 14 ? 14 : linear;
		run(data, len, linear < len ? linear : len);
		data += len;
		size -= len;
		host_pass_time(1);
	}
	look_at_flows();
	return 0;
}
