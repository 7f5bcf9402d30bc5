/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The only place where a struct shared between the BPF programs and user space is defined (DESIGN
 * 7.3). Fixed-width types, explicit zero padding, never packed; BPF includes it after vmlinux.h,
 * user space after <linux/types.h>. Addresses are 16 bytes, IPv4 in its mapped form, network order.
 *
 * How a packet finds its backend:
 *
 *   destination ─► vip_bits ─(bit clear)─► not for us, PASS
 *        │
 *        ▼ two slots by hash (cuckoo)
 *   services[] ─live word─► rows[rows_base + row] ─candidate─► backends[backends_base + index]
 *
 * What the program reads together and the agent changes at run time lies in one aligned 64-bit
 * word: the live word of a service, a row, the state word of a backend. The agent stores it once,
 * through the mapping. Everything else is written only while the word is 0 (nothing points at it),
 * and a freed slot or region rests LB_REST_NS before it is used again.
 */
#pragma once

#define LB_ABI_VERSION 1

#ifndef __bpf__
#include <assert.h>
#endif

/* --- sizes -------------------------------------------------------------------------------------
 */

#define LB_SERVICE_SLOTS  65536u /* power of two; the agent fills a third of it (limits.h) */
#define LB_VIP_WORDS      1024u  /* 64 Kbit over the hash of the destination */
#define LB_ROWS_CHUNK     65536u /* rows of one inner array: 512 KiB */
#define LB_ROWS_CHUNKS    1024u
#define LB_ROWS_UNIT      256u  /* rows_base counts in these */
#define LB_BACKEND_CHUNK  1024u /* backends (and counters) of one inner array */
#define LB_BACKEND_CHUNKS 1024u
#define LB_BACKEND_UNIT   16u   /* backends_base counts in these */
#define LB_LATE_PER_VALUE 4096u /* rows a value of the `late` inner arrays covers */
#define LB_ROWS_LOG2_MIN  8     /* 256 rows, for tests; services use 2,048 */
#define LB_ROWS_LOG2_MAX  16
#define LB_REST_NS        1000000000ull
#define LB_UPLINKS        1024u /* power of two; words of `uplinks` */

/* --- service -----------------------------------------------------------------------------------
 */

/* Key of a frontend. Port 0 and protocol 0: the VIP itself (echo, unknown ports). */
struct lb_service_key {
	__u32 addr[4];
	__be16 port;
	__u16 domain;
	__u8 proto;
	__u8 zero[3];
};

/*
 * Live word: 0 = free slot.
 *   bits  0..19  backends_base, in LB_BACKEND_UNIT
 *   bits 20..39  rows_base, in LB_ROWS_UNIT
 *   bits 40..44  log2 of the row count; 0 = no rows (a VIP slot)
 *   bits 45..62  LB_SVC_* flags
 *   bit  63      always 1 in use
 */
#define LB_LIVE_BACKENDS_SHIFT 0
#define LB_LIVE_ROWS_SHIFT     20
#define LB_LIVE_LOG2_SHIFT     40
#define LB_LIVE_FLAGS_SHIFT    45
#define LB_LIVE_IN_USE         (1ull << 63)
#define LB_LIVE_BASE_MASK      0xfffffull
#define LB_LIVE_LOG2_MASK      0x1full
#define LB_LIVE_FLAGS_MASK     0x3ffffull

#define LB_SVC_AFFINITY (1u << 0) /* row by client address alone */
#define LB_SVC_UNKNOWN_PASS                                                                        \
	(1u << 1)                    /* VIP slot: a port we do not serve is passed, else dropped   \
				      */
#define LB_SVC_ECHO_ANSWER (1u << 2) /* VIP slot: ICMP echo is answered here */
#define LB_SVC_ECHO_PASS   (1u << 3) /* VIP slot: ICMP echo is passed; neither: dropped */
#define LB_SVC_NO_BACKENDS (1u << 4) /* every candidate is gone: drop, counted */

/* map `services`, array, mmap-able. Agent writes, bpf reads. */
struct lb_service {
	__u64 live;
	struct lb_service_key key;
	__u32 id;   /* never reused while flows may remember it; named by flow and reply entries */
	__u32 seed; /* row hash seed: of namespace/name, equal on every node */
	__u32 n_backends; /* agent only: length of the backend region in use */
	__u64 table;      /* agent only: name of the recipe the rows were filled from */
	__u64 spare;
};

/* --- rows --------------------------------------------------------------------------------------
 */

/*
 * A row: candidates [0]..[3] of 15 bits each from bit 0 up, as indices into the service's backends;
 * LB_ROW_NONE = no such candidate. Bit 60 = unsettled. The agent writes by compare-and-swap, bpf
 * sets the unsettled bit by an atomic OR and nothing else.
 */
#define LB_ROW_NONE      0x7fffu
#define LB_ROW_BITS      15
#define LB_ROW_UNSETTLED (1ull << 60)
#define LB_ROW_EMPTY     0x0fffffffffffffffull /* four times none, settled */
#define LB_CANDIDATES    4

/*
 * map `late`: array of maps beside `rows`, inner value = age of the last packet of each row that
 * was delivered to a candidate other than [0]; 0 = never. bpf writes, agent reads to settle rows.
 */
struct lb_late {
	__u16 age[LB_LATE_PER_VALUE];
};

/* --- backend -----------------------------------------------------------------------------------
 */

/* State word: bits 0..31 nsid + 1 of the pod's network namespace (0 = unknown), 32..47 node (0 =
 * this one), 48..55 generation (never 0 in use), 56..63 LB_BE_* flags. */
#define LB_BE_NSID_SHIFT  0
#define LB_BE_NSID_SELF   0xffffffffull /* the namespace that the uplink is in (host network) */
#define LB_BE_NODE_SHIFT  32
#define LB_BE_GEN_SHIFT   48
#define LB_BE_FLAGS_SHIFT 56
#define LB_BE_READY       (1u << 0) /* takes new flows */
#define LB_BE_LOCAL       (1u << 1)
#define LB_BE_IN_USE      (1u << 7)

/* map `backends`: array of maps, inner array mmap-able. Agent writes, bpf reads. */
struct lb_backend {
	__u64 state;
	__u32 addr[4];
	__be16 port;
	__u16 l3_delta;    /* one's complement sums, VIP -> backend: address only, */
	__u16 l4_delta;    /* address and port; added to the checksum fields (RFC 1624) */
	__u16 more_weight; /* above 1, for the agent alone: 0 is what was always here */
};

/* map `counters`: array of maps, inner per-CPU array, same index as `backends`. bpf writes. */
struct lb_counter {
	__u64 packets, bytes;
};

/* --- flow cache --------------------------------------------------------------------------------
 */

/* Age: bpf_jiffies64 scaled to about 4 s, 16 bits (wraps after three days); 0 is never used. */
#define LB_AGES_TCP 2640u /* three hours: a flow that was silent for longer is taken for dead */
#define LB_AGES_UDP 44u   /* three minutes */
struct lb_flow4 {
	__be32 saddr;
	__be16 sport;
	__u16 age; /* 0 = empty way */
	__u32 service_id;
	__u16 backend; /* index within the service */
	__u8 gen;      /* of the backend when the flow was recorded */
	__u8 flags;    /* LB_FLOW_* */
};
#define LB_FLOW_SEEN_TWICE (1u << 0) /* its reply entry was promoted */
#define LB_FLOW4_WAYS      4

/* map `flow4`: array of lines, index = cpu << bits | bucket; one owner CPU a line. bpf writes. */
struct lb_flow4_line {
	struct lb_flow4 way[LB_FLOW4_WAYS];
};

struct lb_flow6 {
	__u32 saddr[4];
	__be16 sport;
	__u16 age;
	__u32 service_id;
	__u16 backend;
	__u8 gen;
	__u8 flags;
	__u32 spare;
};
#define LB_FLOW6_WAYS 2
struct lb_flow6_line {
	struct lb_flow6 way[LB_FLOW6_WAYS];
};

/*
 * map `handshakes`: one bit per hash of a TCP flow and CPU, set by its SYN and taken by its second
 * packet, which then promotes the reply entry. So an established packet costs one bit test, no
 * call.
 */
#define LB_HANDSHAKE_WORDS 1024u /* 64 Kbit a CPU */
struct lb_handshakes {           /* the one value of a per-CPU array */
	__u64 word[LB_HANDSHAKE_WORDS];
};

/* --- replies -----------------------------------------------------------------------------------
 */

/* maps `reply_new` and `reply`, LRU hash. Key: the reply's own tuple as tc_reply sees it. */
struct lb_reply_key {
	__u32 backend[4];
	__u32 client[4];
	__be16 backend_port;
	__be16 client_port;
	__u8 proto;
	__u8 zero[3];
};
struct lb_reply {
	__u32 vip[4];
	__be16 vip_port;
	__u16 domain;
	__u32 service_id;
	__u32 ifindex; /* uplink the request came in by */
	__u16 backend; /* index within the service */
	__u16 age;     /* last seen, as in the flow cache */
	__u8 flags;    /* LB_REPLY_* */
	__u8 gen;      /* of the backend */
	__u8 spare[14];
};
#define LB_REPLY_CLOSED                                                                            \
	(1u << 0) /* FIN from the backend or RST either way: the key may be taken                  \
		   */

/* --- the rest ----------------------------------------------------------------------------------
 */

/* Why a packet was dropped, or counted as odd. Texts: lb_drop_text() in userspace/lb/lb_drops.h. */
enum lb_drop {
	LB_DROP_NONE = 0,
	LB_DROP_UNKNOWN_PORT,   /* to a VIP of ours, port not served */
	LB_DROP_NO_BACKEND,     /* service without any candidate */
	LB_DROP_TUPLE_TAKEN,    /* every candidate's reply key belongs to another living flow */
	LB_DROP_FRAGMENT,       /* IPv4 fragment to a VIP */
	LB_DROP_MALFORMED,      /* truncated or inconsistent headers to a VIP */
	LB_DROP_PROTOCOL,       /* neither TCP, UDP nor ICMP to a VIP */
	LB_DROP_ICMP,           /* echo refused, or an error that quotes no flow of ours */
	LB_DROP_TTL,            /* reserved for packets that would loop */
	LB_DROP_REPLY_MISS,     /* counted, not dropped: from a backend of ours, without entry */
	LB_DROP_REPLY_FRAGMENT, /* counted, not dropped: an answer whose fragments went as they were
				 */
	LB_N_DROPS,
};

/* map `drops`: per-CPU array by enum lb_drop. bpf writes. */

/*
 * map `uplinks`, array of words, mmap-able: the domains of devices; one that is not there has
 * domain 0. Agent writes, bpf reads.
 *   bits  0..31  ifindex of the device that lies here; 0 = none
 *   bits 32..47  its domain
 *   bits 48..50  reach: a device whose place by lb_uplink_hash() is this one lies here or at most
 * so many words behind. So nearly every device is found, or found to be missing, at once.
 */
#define LB_UPLINK_DOMAIN_SHIFT 32
#define LB_UPLINK_REACH_SHIFT  48
#define LB_UPLINK_REACH_MAX    7u

/*
 * map `backend_ports`: LRU-free hash of (address, port, protocol) of every local backend, so that a
 * reply without an entry can be told from any other traffic. Agent writes, tc_reply reads on a
 * miss.
 */
struct lb_backend_port {
	__u32 addr[4];
	__be16 port;
	__u8 proto;
	__u8 zero;
};

/* map `config`, array of one, mmap-able. Agent writes. */
struct lb_config {
	__u32 abi_version;
	__u32 wire_version;
	__u64 flow_seed; /* secret */
	__u32 flow_bits; /* log2 of the flow lines of one CPU */
	__u32 next_service_id;
	__u64 boot; /* hash of the boot id the maps were made under */
	__u64 spare[4];
};

/* --- functions of the slots, local to a node -----------------------------------------------------
 */

#define LB_SLOT_M1 0x9e3779b97f4a7c15ull
#define LB_SLOT_M2 0xd6e8feb86659fd93ull
#define LB_INLINE  static inline __attribute__((always_inline))

/* Bit of a destination in `vip_bits`, 0..65535: word bit >> 6, bit (bit & 63) of that word. */
LB_INLINE __u32 lb_vip_bit(const __u32 addr[4])
{
	__u64 low = (__u64)addr[1] << 32 | addr[0];
	__u64 high = (__u64)addr[3] << 32 | addr[2];

	return (__u32)(((low * LB_SLOT_M2 ^ high) * LB_SLOT_M1) >> 48);
}

/*
 * Index in `services` of the first (which = 0) or second (1) slot a key may lie in. The second has
 * a multiplication of its own: other bits of the first one's product are not independent enough for
 * a cuckoo table (neighbouring addresses then collide in both places).
 */
LB_INLINE __u32 lb_service_hash(const struct lb_service_key *key, __u32 which)
{
	__u64 low = (__u64)key->addr[1] << 32 | key->addr[0];
	__u64 high = (__u64)key->addr[3] << 32 | key->addr[2];
	__u64 rest = (__u64)key->proto << 32 | (__u64)key->domain << 16 | key->port;
	__u64 x = (low * LB_SLOT_M2 ^ high) * LB_SLOT_M1;

	x = (x ^ x >> 29 ^ rest) * LB_SLOT_M2;
	if (which)
		x = (x ^ x >> 32) * LB_SLOT_M1;
	return (__u32)(x >> 48) & (LB_SERVICE_SLOTS - 1);
}

/* Where in `uplinks` a device lies, or from where on it is looked for. */
LB_INLINE __u32 lb_uplink_hash(__u32 ifindex)
{
	return ifindex * 0x9e3779b1u >> 22 & (LB_UPLINKS - 1);
}

/* lb_backend.l3_delta: what turning `from` into `to` adds to a checksum's one's complement sum. */
LB_INLINE __u16 lb_l3_delta(const __u32 from[4], const __u32 to[4])
{
	__u64 sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (__u64)(__u32)~from[i] + to[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* lb_backend.l4_delta: the same with the port, in network order as it lies in memory. */
LB_INLINE __u16 lb_l4_delta(__u16 l3_delta, __be16 from_port, __be16 to_port)
{
	__u32 sum = (__u32)l3_delta + (__u16)~from_port + to_port;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

#define LB_STATIC_ASSERT(type, size)                                                               \
	_Static_assert(sizeof(struct type) == (size), "the size of " #type " is an ABI")
LB_STATIC_ASSERT(lb_service_key, 24);
LB_STATIC_ASSERT(lb_service, 64);
LB_STATIC_ASSERT(lb_backend, 32);
LB_STATIC_ASSERT(lb_flow4_line, 64);
LB_STATIC_ASSERT(lb_flow6_line, 64);
LB_STATIC_ASSERT(lb_reply_key, 40);
LB_STATIC_ASSERT(lb_reply, 48);
LB_STATIC_ASSERT(lb_config, 64);
LB_STATIC_ASSERT(lb_backend_port, 20 + 0);
_Static_assert(__builtin_offsetof(struct lb_service, id) == 32, "offset of lb_service.id");
_Static_assert(__builtin_offsetof(struct lb_backend, port) == 24, "offset of lb_backend.port");
_Static_assert(__builtin_offsetof(struct lb_reply, service_id) == 20, "offset of lb_reply");
