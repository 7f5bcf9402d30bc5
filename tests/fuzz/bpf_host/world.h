/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * What the agent would have written for the programs: two VIPs, IPv4's and IPv6's, three backends
 * of each, and Services that are told from each other by their port. Included behind the program,
 * whose maps these are.
 */
#pragma once

#define FRAMES_MOST 16
#define SLOTS       8 /* of services */
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
static __u32 seen_at[SLOTS];

static const __u32 vips[2][4] = {{0, 0, LB_V4_PREFIX, VIP_V4},
				 {bpf_htonl(0x20010db8), 0, 0, bpf_htonl(1)}};

/* --- maps ------------------------------------------------------------------------------------- */

static void put_in(const void *outer, __u32 at, const void *inner)
{
	host_put(outer, &at, &inner);
}

/* Those of maps.h. */
static void world_add_maps(void)
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
	HOST_ADD(fragments);
	HOST_ADD(drops);
	HOST_ADD(uplinks);
	HOST_ADD(backend_bits);
	HOST_ADD(config);
	HOST_ADD(unrecorded);
	HOST_ADD(unrecorded_at);
	put_in(&rows, 0, &rows_0);
	put_in(&backends, 0, &backends_0);
	put_in(&counters, 0, &counters_0);
	put_in(&flows, 0, &flows_0);
}

static void world_set_keys(void)
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

/* --- services --------------------------------------------------------------------------------- */

/* Backend i, 0 to N_BACKENDS - 1. */
static void backend_addr(__u32 addr[4], unsigned v6, __u32 i)
{
	addr_from_v4(addr, bpf_htonl(BACKEND_V4 + i));
	if (v6) {
		addr_copy(addr, vips[1]);
		addr[3] = bpf_htonl(BACKEND_V4 + i);
	}
}

/* In 256 rows of its own, and with backends of its own. */
static void world_add_service(unsigned v6, __be16 port, __u8 proto, unsigned n, __u32 flags,
			      __u64 bits)
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

		backend_addr(be.addr, v6, i);
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

/* --- inputs ----------------------------------------------------------------------------------- */

/* No entry is left half-written, and each is of a backend that there is. */
static void world_look_at_flows(void)
{
	const __u32 zero = 0;
	const struct lb_flow_line *line = host_lookup(&flows_0, &zero);

	for (unsigned i = 0; i < LB_FLOW_CHUNK * LB_FLOW_WAYS; i++) {
		const struct lb_flow *way = &line[i / LB_FLOW_WAYS].way[i % LB_FLOW_WAYS];

		check(way->hash != LB_FLOW_WRITING);
		check(way->hash <= LB_FLOW_FREE || way->backend < N_BACKENDS);
	}
}

/*
 * An input: two octets for the world, then frames: their length in two octets, how much of them is
 * in the first buffer in units of four (0: all), and themselves.
 */
static void world_frames(const __u8 *data, unsigned long size,
			 void (*run)(const __u8 *frame, unsigned len, unsigned linear))
{
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
}
