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

/*
 * A later number is due when what is written has a meaning that the programs or the agent of before
 * would take for another one, or when a map that holds flows, or says whose they are, has another
 * shape (bpf_maps.h). Pinned maps from LB_ABI_OLDEST on are read as they are and then have our
 * number; all others are left by the gates. 3: backends that are not here are reached in several
 * ways (LB_WAY_*).
 */
#ifndef LB_ABI_VERSION /* a build for the lab has a later one */
#define LB_ABI_VERSION 3
#endif
#define LB_ABI_OLDEST 2

#ifndef __bpf__
#include <assert.h>
#endif

/* --- sizes ------------------------------------------------------------------------------------ */

#define LB_SERVICE_SLOTS  65536u /* power of two; the agent fills a third of it (limits.h) */
#define LB_VIP_WORDS      1024u  /* 64 Kbit over the hash of the destination */
#define LB_ROWS_CHUNK     65536u /* rows of one inner array: 512 KiB */
#define LB_ROWS_CHUNKS    1024u
#define LB_ROWS_UNIT      256u  /* rows_base counts in these */
#define LB_BACKEND_CHUNK  1024u /* backends (and counters) of one inner array */
#define LB_BACKEND_CHUNKS 1024u
#define LB_BACKEND_UNIT   16u    /* backends_base counts in these */
#define LB_FLOW_CHUNK     16384u /* flow lines of one inner array: 1 MB */
#define LB_FLOW_CHUNKS    1024u  /* of all tables together */
#define LB_FLOW_CHUNKS_MAX                                                                         \
	512u                 /* of one table: 32 million flows; a power of two, as is each table */
#define LB_ROWS_LOG2_MIN   8 /* 256 rows, for tests; services use 2,048 */
#define LB_ROWS_LOG2_MAX   16
#define LB_REST_NS         1000000000ull
#define LB_SETTLE_BLIND_NS (3 * 3600 * LB_REST_NS) /* in which all flows that live have spoken */
#define LB_UPLINKS         1024u                   /* power of two; words of `uplinks` */

/* --- service ---------------------------------------------------------------------------------- */

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

#define LB_SVC_AFFINITY (1u << 0) /* row by client address alone; `affinity` says how long */
#define LB_SVC_UNKNOWN_PASS                                                                        \
	(1u << 1)                    /* VIP slot: a port we do not serve is passed, else dropped   \
				      */
#define LB_SVC_ECHO_ANSWER (1u << 2) /* VIP slot: ICMP echo is answered here */
#define LB_SVC_ECHO_PASS   (1u << 3) /* VIP slot: ICMP echo is passed; neither: dropped */
#define LB_SVC_NO_BACKENDS (1u << 4) /* every candidate is gone: drop, counted */
#define LB_SVC_CLOSED      (1u << 8) /* no flow begins: nobody is ready; those that live go on */
#define LB_SVC_PAUSED      (1u << 9) /* the same, as the operator asked for */
#define LB_SVC_REJECT                                                                              \
	(1u << 10) /* what finds no backend is answered (reject.h), VIP slot: no port */
#define LB_SVC_RANGES (1u << 11) /* sources are looked for in the set `ranges` (ranges.h) */
#define LB_SVC_RATE   (1u << 12) /* the VIP is looked for in `rates` (rate.h) */
#define LB_SVC_BLACKHOLE                                                                           \
	(1u << 13) /* all is dropped: the VIP lies under a prefix of `blackholes` (blackhole.h) */
#define LB_SVC_TUNNEL (1u << 14) /* no service: where tunnels from other nodes end (tunnel.h) */
#define LB_SVC_CLAMP  (1u << 15) /* SYN-ACKs get the MSS that fits into a tunnel (lb_tunnel) */
#define LB_SVC_REMOTE                                                                              \
	(1u << 16) /* it has backends on other nodes: what is not at once known is xdp_tunnel's */

/* With whom the packets of a service are shared, one of these or none (kernel_flow.h). */
#define LB_SVC_KERNEL_FLOWS (1u << 5) /* the kernel has those flows that `kernel_flows` names */
#define LB_SVC_TAKING_OVER                                                                         \
	(1u << 6)                     /* also whatever does not begin and has no entry in `flows`  \
				       */
#define LB_SVC_HANDING_BACK (1u << 7) /* all that has no entry in `flows`; what begins, too */
#define LB_SVC_SHARED       (LB_SVC_KERNEL_FLOWS | LB_SVC_TAKING_OVER | LB_SVC_HANDING_BACK)

/* map `services`, array, mmap-able. Agent writes, bpf reads. */
struct lb_service {
	__u64 live;
	struct lb_service_key key;
	__u32 id;   /* of its own for each service that was ever here: a slot's next has another */
	__u32 seed; /* row hash seed: of namespace/name, equal on every node */
	__u32 n_backends;  /* length of the backend region in use */
	__u16 ranges;      /* with LB_SVC_RANGES: number of a set of source ranges */
	__u16 affinity;    /* with LB_SVC_AFFINITY: ages a client keeps its backend (_LONG) */
	__u64 table;       /* agent only: name of the recipe the rows were filled from */
	__u64 settle_from; /* agent only: no row settles before, CLOCK_MONOTONIC in ns */
};

/* Ages in lb_service.affinity are at most so many, so that they can be told from each other. */
#define LB_AFFINITY_AGES_MAX 240u
#define LB_AFFINITY_LONG     0x8000u /* they are longer by LB_AGE_LONG_SHIFT bits */
#define LB_AGE_LONG_SHIFT    3

/* --- source ranges --------------------------------------------------------------------------- */

#define LB_RANGE_SETS 4096u    /* of ranges that differ; 0 is none of them */
#define LB_RANGES     1048576u /* of all sets together */

/*
 * Key of map `ranges` (LPM trie without preallocation; its values mean nothing): a source range in
 * a set. A set is filled before a service names it, and emptied after the last did and a rest.
 * Agent writes, bpf reads.
 */
struct lb_range {
	__u32 len; /* in bits, those of `set` and of an IPv4 range's mapped form included */
	__u32 set;
	__u32 addr[4];
};
#define LB_RANGE_SET_BITS 32u

/* map `range_names`, array of words, mmap-able, by set: agent only; 0 = no set, or half a one. */

/* --- denied sources -------------------------------------------------------------------------- */

/*
 * Sources that reach no VIP lie in `ranges`, too, in a set of each family that no service names.
 *
 * map `deny_bits`, array of words, mmap-able: in which /16 of IPv4, or hash of a /32 of IPv6, there
 * may be any (lb_deny_bit_v4(), lb_deny_bit_v6()). Looked at while LB_UPLINK_DENIES is set. Agent
 * writes, bpf reads.
 */
#define LB_DENY_SET_V4 LB_RANGE_SETS
#define LB_DENY_SET_V6 (LB_RANGE_SETS + 1)
#define LB_DENY_BITS   65536u /* of each family */
#define LB_DENY_WORDS  (2 * LB_DENY_BITS / 64)

/* --- blackholes ------------------------------------------------------------------------------ */

/*
 * Destinations that nothing reaches: map `blackholes` (LPM trie, keys as of `ranges` with the
 * domain in the place of the set) says for each prefix its place in `blackhole_drops`, per-CPU
 * array of words: packets that were dropped for it. A frontend under one says so by
 * LB_SVC_BLACKHOLE; all else is looked for where its bit in `vip_bits` is set. The agent writes the
 * prefix, bpf counts.
 */
#define LB_BLACKHOLES 1024u

/* --- answers that reject --------------------------------------------------------------------- */

/*
 * map `rejects`, array of words, by the VIP's bit: until when its answers are used up in advance
 * (reject.h), CLOCK_MONOTONIC in ns. bpf writes.
 */
#define LB_REJECT_WORDS 4096u

/* --- new flows -------------------------------------------------------------------------------- */

/*
 * map `new_flows`, array by slot of `services`, mmap-able: how many flows of a service may get an
 * entry in a window of time (common.h, about a second), and how many have. The agent writes `limit`
 * before it publishes the slot, and by one store later; bpf writes the others. `begun` goes with
 * the service when it gets another slot, and is 0 for the next one of the slot.
 */
struct lb_new_flows {
	__u32 limit; /* bits 0..23 how many, 0: any number; LB_LIMIT_CHECK */
	__u32 spent; /* bits 0..23 how many had one, 24..31 in which window */
	__u64 begun; /* flows that were let in as new ones, also those without an entry */
};
#define LB_LIMIT_FLOWS_MASK 0xffffffu
#define LB_LIMIT_CHECK      (1u << 31) /* beyond it sources are proven (source_check.h) */
#define LB_SPENT_SHIFT      24

/*
 * map `unrecorded`, array of words: marks of flows that were let in without an entry
 * (unrecorded.h), those of even turns and those of odd ones. map `unrecorded_at`, array of words:
 * whose such flows the answers of a backend are. bpf reads and writes both.
 */
#define LB_UNRECORDED_WORDS 32768u /* power of two; of each half: 512 KB together */
#define LB_UNRECORDED_AT    4096u  /* power of two */

/* maps `sources` (source_table.h), where each has 8 octets, 256 KB, and `proven`, 128 KB. bpf reads
 * and writes. */
#define LB_SOURCE_WORDS   16384u /* power of two; there are twice as many */
#define LB_PROVEN_LINES   4096u  /* power of two */
#define LB_PROVEN_WAYS    4
#define LB_PROVEN_WINDOWS 300u /* that a proof lasts: about as many seconds */
struct lb_proven_line {
	__u64 way[LB_PROVEN_WAYS];
};

/* --- rates ----------------------------------------------------------------------------------- */

/* map `rates`, hash by VIP: how many packets a second its Services let in that ask for a limit. */
struct lb_rate_key {
	__u32 addr[4];
	__u16 domain;
	__u16 zero;
};
struct lb_rate {
	__u64 until;   /* used up in advance so far, in rate.h's unit; bpf writes */
	__u32 packets; /* a second; agent writes */
	__u32 zero;
};
#define LB_RATES 4096u

/* --- rows ------------------------------------------------------------------------------------- */

/*
 * A row: candidates [0]..[3] of 15 bits each from bit 0 up, as indices into the service's backends;
 * LB_ROW_NONE = no such candidate.
 *
 * Bit 60, unsettled: the flow table says who owns a flow of this row. Bit 61, marked: bpf has given
 * a flow of this row to another candidate than [0] since the agent last looked. The agent writes by
 * compare-and-swap; bpf sets both bits (and bit 62) by one atomic OR and nothing else. The agent
 * clears the mark, looks through the flow table, and settles a row of which it found no such flow
 * and no mark.
 *
 * Bit 62, beyond, of an unsettled row: a flow may belong to a backend that is no candidate, so all
 * backends of the service are asked before it counts as unknown. Agent writes; bpf sets it with the
 * mark where it has given a flow to none of the candidates.
 */
#define LB_ROW_NONE      0x7fffu
#define LB_ROW_BITS      15
#define LB_ROW_UNSETTLED (1ull << 60)
#define LB_ROW_MARKED    (1ull << 61)
#define LB_ROW_BEYOND    (1ull << 62)
#define LB_BEYOND_MAX    256u                  /* backends that are asked at most */
#define LB_ROW_EMPTY     0x0fffffffffffffffull /* four times none, settled */
#define LB_CANDIDATES    4

/* --- backend ---------------------------------------------------------------------------------- */

/* State word: bits 0..31 nsid + 1 of the pod's network namespace (0 = unknown), 32..43 node (0 =
 * this one), 44..47 LB_WAY_*, 48..55 generation (never 0 in use), 56..63 LB_BE_* flags. */
#define LB_BE_NSID_SHIFT  0
#define LB_BE_NSID_SELF   0xffffffffull /* the namespace that the uplink is in (host network) */
#define LB_BE_NODE_SHIFT  32
#define LB_BE_GEN_SHIFT   48
#define LB_BE_FLAGS_SHIFT 56
#define LB_BE_READY       (1u << 0) /* takes new flows */
#define LB_BE_LOCAL       (1u << 1)
#define LB_BE_IN_USE      (1u << 7)

/*
 * How a packet gets to a backend that is not here. LB_WAY_L2, _IPIP and _GUE lead to a real server
 * beyond the nodes (dsr.h), which has the VIP itself and answers clients directly; LB_WAY_NAT to
 * whatever answers this node (nat.h). The "node" of all four is the backend itself.
 */
#define LB_BE_WAY_SHIFT 44
#define LB_BE_WAY_MASK  0xfull
#define LB_WAY_TUNNEL   0u /* to the node that it is on (tunnel.h) */
#define LB_WAY_L2       1u /* on a link with it: another MAC address */
#define LB_WAY_IPIP     2u /* in IP (RFC 2003, 2473, 4213) */
#define LB_WAY_GUE      3u /* in GUE of variant 1, which has no header of its own */
#define LB_WAY_NAT      4u /* as if from this node, and back by it; it need not be a real server */

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
/*
 * The packet that the agent gives the program xdp_sums (sums.h): which n counters, each by the
 * index of its backend, of how many processors; behind that their sums come back.
 */
#define LB_SUMS 168u /* in a packet, of which the kernel takes no more than a page */
struct lb_sums {
	__u32 n, cpus;
	__u32 index[LB_SUMS];
	struct lb_counter of[LB_SUMS];
};
/*
 * map `retired`, a trie whose keys all have their full length, since only that grows with what is
 * in it: what backends have counted that a service has no more. Agent writes, nobody else reads.
 */
#define LB_RETIRED      16384u
#define LB_RETIRED_BITS (8 * sizeof(struct lb_service_key))
struct lb_retired_key {
	__u32 bits; /* LB_RETIRED_BITS */
	struct lb_service_key service;
};

/* --- flow table ------------------------------------------------------------------------------- */

/*
 * Who has a flow and by which front end it came: one entry, keyed by the tuple of the backend's own
 * packets (backend address, port, protocol, client address, port). Of the key only its keyed hash
 * is here (flow_hash.h). How entries are found, made and given up: flow_table.h.
 *
 * The hash says whose the rest is: 0 = never used, 1 = being written, 2 = free again. It changes by
 * compare-and-swap only; the other 8 bytes are written plainly while it is 1, else by
 * compare-and-swap as one word. This is a frozen format: another one needs a table of its own.
 */
struct lb_flow {
	__u64 hash;
	__u16 slot;    /* in `services`: the front end */
	__u16 row;     /* within the service */
	__u16 backend; /* index within the service */
	__u8 state;    /* bits 0..2 LB_FLOW_*, bit 3 UDP, bits 4..7 the backend's generation */
	__u8 age;      /* bpf_jiffies64 in units of about 64 s: when it was last heard of */
};
#define LB_FLOW_UNUSED  0ull
#define LB_FLOW_WRITING 1ull
#define LB_FLOW_FREE    2ull
#define LB_FLOW_WAYS    4

/* map `flows`: array of maps, inner array mmap-able. bpf writes; the agent frees what is dead. */
struct lb_flow_line {
	struct lb_flow way[LB_FLOW_WAYS];
} __attribute__((aligned(64)));

/* States. Others than LB_FLOW_ESTABLISHED are given up first where room is wanted. */
#define LB_FLOW_NEW         1u /* its first packet was seen */
#define LB_FLOW_ANSWERED    2u /* by a SYN-ACK, or by one datagram */
#define LB_FLOW_ESTABLISHED 3u
#define LB_FLOW_CLOSING     4u /* FIN from the backend or RST either way: the key may be taken */
#define LB_FLOW_AFFINE      5u /* no flow: the backend that a client keeps (affinity.h) */
#define LB_FLOW_STATE_MASK  7u
#define LB_FLOW_UDP         8u
#define LB_FLOW_LONG        8u /* of LB_FLOW_AFFINE: its age is as LB_AFFINITY_LONG says */
#define LB_FLOW_GEN_SHIFT   4

/* Units of age that a flow's entry lives without being heard of. */
#define LB_FLOW_AGES       168u /* TCP that was answered: three hours */
#define LB_FLOW_AGES_SHORT 3u   /* all else */

/* The secret of the hash, expanded: constants of the programs. */
#define LB_FLOW_WORDS 10
struct lb_flow_keys {
	__u64 high[LB_FLOW_WORDS], low[LB_FLOW_WORDS];
	__u64 high_begin, low_begin;       /* with which the sums begin */
	__u64 high_begin_v4, low_begin_v4; /* ... with the constant words of IPv4 addresses added */
	__u64 mix[3];
	__u64 cookie[2]; /* of source_table.h's, not of the hash */
};

/* --- flows of the kernel ---------------------------------------------------------------------- */

/*
 * map `kernel_flows`, a hash behind an array of maps of one place, since its buckets are 1 MB:
 * flows to our VIPs that the kernel translated before we began, the way their client sends. Asked
 * for services that are LB_SVC_KERNEL_FLOWS or LB_SVC_TAKING_OVER only. The agent makes it when
 * there is a first flow, puts and deletes; bpf moves the state (kernel_flow_state.h).
 */
struct lb_kernel_flow {
	__u32 client[4];
	__u32 vip[4];
	__be16 client_port;
	__be16 port;
	__u8 proto;
	__u8 zero[3];
};
#define LB_KERNEL_FLOWS_MAX    65536u
#define LB_KERNEL_FLOW_OPEN    0u /* value of the map, a __u32 */
#define LB_KERNEL_FLOW_CLOSING 1u /* its client sent FIN or RST */
#define LB_KERNEL_FLOW_OVER    2u /* a new connection has its ports since: ours */

/* --- fragments -------------------------------------------------------------------------------- */

/*
 * What the first fragment of an IP packet says for those that follow it without ports: one entry
 * keyed by source, destination, identification, protocol and domain, of which only the keyed hash
 * is here (LB_FLOW_UNUSED and LB_FLOW_WRITING as there). How entries are found, made and given up:
 * fragment_table.h.
 */
struct lb_fragment {
	__u64 hash;
	__u32 target; /* to a VIP: index over all backends, or LB_FRAGMENT_PASS; answer: service */
	__u8 gen;     /* of the backend; answer: the lowest octet of the service's id */
	__u8 state;   /* LB_FRAGMENT_* */
	__u16 age;    /* bpf_jiffies64 in units of about 4 ms */
};
#define LB_FRAGMENT_PASS     0xffffffffu /* the kernel's: passed on as it came */
#define LB_FRAGMENT_FOLLOWED 1u          /* another fragment has come since */
#define LB_FRAGMENT_ALONE    16u         /* by so much older an entry counts that has none */
#define LB_FRAGMENT_AGES     7500u       /* 30 s, for which Linux keeps pieces, too */
#define LB_FRAGMENT_WAYS     4
#define LB_FRAGMENT_LINES    4096u /* power of two; 256 KB */

/* map `fragments`, array of lines. bpf reads and writes. */
struct lb_fragment_line {
	struct lb_fragment way[LB_FRAGMENT_WAYS];
} __attribute__((aligned(64)));

/* --- address translation ---------------------------------------------------------------------- */

/*
 * map `nat`: an array of maps of one place, made with the first backend that is LB_WAY_NAT; inner
 * array by port of the range in lb_tunnel.nat, counted from its first. A line has up to four flows
 * that leave by that port, each to another backend. bpf reads and writes (nat_table.h).
 *
 * `way` is as in the flow table: the hash, here of the backend's packets to this port (nat_hash()),
 * which changes by compare-and-swap only, and the second word, that keeps age and state.
 * LB_FLOW_UNUSED says more: as long as the last way is that, no flow that may lie in this line was
 * sent to a later one of its lines.
 */
#define LB_NAT_LINES 16384u /* ports, of which a range has a part or all */
#define LB_NAT_TRIES 8u     /* ports that a flow may have with one backend */

/* What of the flow is not in the hash. It is whole if its sum is right (nat_sum()). */
struct lb_nat {
	__u32 client[4];
	__u32 vip[4];
	__u32 own[4]; /* this node's address, that the backend knows as the client's */
	__be16 client_port;
	__be16 vip_port;
	__u16 domain; /* of the VIP */
	__u16 zero;
	__u32 uplink; /* ifindex of the device that its client's packets come in by */
	__u32 sum;
};

struct lb_nat_line {
	struct lb_flow way[LB_FLOW_WAYS];
	struct lb_nat of[LB_FLOW_WAYS]; /* written while the hash is LB_FLOW_WRITING */
} __attribute__((aligned(64)));

/* --- the rest --------------------------------------------------------------------------------- */

/* Why a packet was dropped, or counted as odd. Texts: lb_drop_text() in userspace/lb/lb_drops.h. */
enum lb_drop {
	LB_DROP_NONE = 0,
	LB_DROP_UNKNOWN_PORT,   /* to a VIP of ours, port not served */
	LB_DROP_NO_BACKEND,     /* service without any candidate, or without one that is ready */
	LB_DROP_TUPLE_TAKEN,    /* every candidate's reply key belongs to another living flow */
	LB_DROP_FRAGMENT,       /* to a VIP: no first fragment was seen, or no TCP, UDP or SCTP */
	LB_DROP_MALFORMED,      /* truncated or inconsistent headers to a VIP */
	LB_DROP_PROTOCOL,       /* neither TCP, UDP, SCTP nor ICMP to a VIP */
	LB_DROP_ICMP,           /* echo refused, or an error that quotes no flow of ours */
	LB_DROP_TTL,            /* to a real server, and it was its last hop */
	LB_DROP_REPLY_MISS,     /* counted, not dropped: from a backend of ours, without entry */
	LB_DROP_REPLY_FRAGMENT, /* counted, not dropped: an answer whose later fragments will go as
				   they are */
	LB_DROP_FLOW_EVICTED, /* counted, not dropped: an established flow lost its entry to another
			       */
	LB_DROP_EXTENSION,    /* to a VIP with IPv6 extension headers that are not walked (ext.h) */
	LB_DROP_PAUSED,       /* a flow that would begin at a service that is paused */
	LB_DROP_NO_ANSWER,    /* counted beside its reason: not rejected, as too many were */
	LB_DROP_SOURCE,       /* from a source outside of loadBalancerSourceRanges */
	LB_DROP_DENIED,       /* from a denied source */
	LB_DROP_UNRECORDED,   /* counted, not dropped: a flow that began without an entry, as more
				 began than have one */
	LB_DROP_BEYOND,       /* dropped instead, as its answer could not be told from others */
	LB_DROP_SOURCE_RATE,  /* a SYN beyond that rate, of a source that sent too many of them */
	LB_DROP_UNPROVEN,     /* the same, whose source was asked to prove that it is there */
	LB_DROP_PROVEN,       /* a reset that proves it; nobody else needs it */
	LB_DROP_RATE,         /* more packets than the VIP's limit */
	LB_DROP_SCTP_FRAGMENT, /* a first fragment, to a backend with another port than the VIP's */
	LB_DROP_REPLY_NO_WAY,  /* an answer to a client of a VRF, whose routes lead nowhere */
	LB_DROP_BLACKHOLE,     /* to an address under a blackhole */
	LB_DROP_TUNNEL_SOURCE, /* a tunnel's packet from no node that is known */
	LB_DROP_TUNNEL_VERSION, /* one that is not understood: GUE or private data */
	LB_DROP_TUNNEL_TARGET,  /* one for no backend of that VIP here */
	LB_DROP_TUNNEL_ECN,  /* marked on the way although its sender cannot be told (RFC 6040) */
	LB_DROP_TOO_BIG,     /* does not fit into the tunnel */
	LB_DROP_NO_NEXT_HOP, /* no way to its backend's node is known */
	LB_DROP_HOPS,      /* counted, not dropped: an owner was not asked for, as too many were */
	LB_DROP_NAT_PORTS, /* no source port is left for a flow to its backend */
	LB_N_DROPS,
};

/* map `drops`: per-CPU array by enum lb_drop. bpf writes. */

/* --- capture ---------------------------------------------------------------------------------- */

/*
 * Only the programs that are built for it have these maps (capture_note.h), and only while somebody
 * captures are they there.
 *
 * map `capture`, array of one: what is captured. Agent writes, before the programs are attached.
 */
#define LB_CAPTURE_VIPS  32u
#define LB_CAPTURE_BYTES 1536u /* of a frame at most: it has room for one of 1,500 octets */
#define LB_CAPTURE_RING  (1u << 20)
#define LB_CAPTURE_IN    (1u << 0) /* what clients send, also from other nodes, */
#define LB_CAPTURE_REPLY (1u << 1) /* and what they are answered */
struct lb_capture_vip {
	__u32 addr[4];
	__be16 port; /* 0: all of the address, */
	__u8 proto;  /* else with this protocol */
	__u8 zero;
};
struct lb_capture {
	__u64 until;   /* in jiffies: nothing is captured from then on */
	__u64 reasons; /* a bit for each enum lb_drop: only what was counted by one; 0: all */
	__u32 client[4], mask[4]; /* clients whose address is this under the mask */
	__u32 flags;              /* LB_CAPTURE_* */
	__u32 bytes;              /* of a frame that are kept, LB_CAPTURE_BYTES at most */
	__u32 looks, takes; /* frames that a processor looks at, and takes, in a jiffy at most */
	__u32 n_vips;       /* 0: any */
	__u32 zero;
	struct lb_capture_vip vips[LB_CAPTURE_VIPS];
};

/* What lies in the ring buffer `capture_ring`, and `kept` octets of the frame behind it. */
enum lb_capture_point {
	LB_CAPTURE_ARRIVED, /* as it came; its verdict is known already */
	LB_CAPTURE_LEFT,    /* the same packet afterwards, if it is another one then */
	LB_CAPTURE_REPLY_ARRIVED,
	LB_CAPTURE_REPLY_LEFT,
};
#define LB_CAPTURE_NOBODY (~0u)
struct lb_captured {
	__u64 at;      /* CLOCK_MONOTONIC, ns */
	__u64 reasons; /* by which it was counted, as above */
	__u32 ifindex;
	__u32 len; /* of the frame */
	__u32 kept;
	__u32 backend; /* index over all backends, LB_CAPTURE_NOBODY: it went to none */
	__u32 ip_off;  /* of the IP header; of the client's packet, if that is in a tunnel */
	__u16 point;   /* enum lb_capture_point */
	__s16 verdict; /* of XDP, or what tc_reply answers */
};

/* map `capturing`, per-CPU array of two, for each direction: bpf alone, but for the sums. */
struct lb_capturing {
	__u64 tick;         /* jiffies in which */
	__u32 looks, takes; /* so many were looked at, and taken */
	__u64 missed;       /* frames that were to be taken, and could not be, */
	__u64 unseen;       /* and that nobody looked at */
	__u32 is_meant;     /* the frame that is under way; the rest is of it */
	__u32 l4_off;
	struct lb_captured frame;
	__u8 bytes[LB_CAPTURE_BYTES];
};

/*
 * map `vrfs`, hash: the device of a VRF, whose routes answers to its clients take, by domain. Agent
 * writes, bpf reads.
 */
#define LB_VRFS 64u

/*
 * map `uplinks`, array of words, mmap-able: the domains of devices, and of VLANs on them; a device
 * that is not there has domain 0, a VLAN that of its device. Agent writes, bpf reads.
 *   bits  0..31  ifindex of the device that lies here; 0 = none. With LB_UPLINK_VLAN, too: a VLAN
 * that is told by the outer tag of frames on it
 *   bits 32..47  its domain
 *   bits 48..50  reach: what has its place, by lb_uplink_hash() or lb_uplink_vlan_hash(), here lies
 * here or at most so many words behind. So nearly everything is found, or found to be missing, at
 * once.
 *   bits 51..62  of a VLAN its number, 1 to 4094; LB_UPLINK_8021AD says that it has such tags
 *   bit      63  LB_UPLINK_DENIES, in all words or none: some sources are denied
 */
#define LB_UPLINK_VLAN         0x80000000u /* no device has such an ifindex */
#define LB_UPLINK_8021AD       0x40000000u /* of a VLAN; devices beyond it have none that are told */
#define LB_UPLINK_DOMAIN_SHIFT 32
#define LB_UPLINK_REACH_SHIFT  48
#define LB_UPLINK_REACH_MAX    7u
#define LB_UPLINK_DENIES       (1ull << 63)
#define LB_UPLINK_TAG_SHIFT    51
/* A tag as the functions below take it. */
#define LB_TAG_VID    0xfffu
#define LB_TAG_8021AD 0x1000u

/* --- other nodes ------------------------------------------------------------------------------ */

#define LB_NODES       4096u /* numbers are local to this node; 0 is itself */
#define LB_NODE_BITS   12
#define LB_NODE_CHUNK  32u /* nodes of one inner array */
#define LB_NODE_CHUNKS (LB_NODES / LB_NODE_CHUNK)
#define LB_NODE_HOPS   8u /* uplinks that are told apart */

/*
 * How a packet for a node leaves. Three words, each of which is stored at once; one that was read
 * is of the other two if their tags are equal, else the way is just being changed. The rest is
 * written while `way` is 0.
 */
struct lb_next_hop {
	__u64 way; /* bits 0..31 ifindex that it leaves by, 0: unknown; 32..47 MTU; 48..63 tag */
	__u64 neighbour; /* bits 0..47 its MAC address as it lies in memory, 48..63 tag */
	__u64 own;       /* the same of the device */
	__u32 source[4]; /* of the outer header */
	__u64 uplink;    /* ifindex of the device that the packet came in by */
	__u32 flags;     /* LB_HOP_* */
	__u32 zero_word;
	__u64 zero;
};
#define LB_HOP_ON_LINK   1u /* the neighbour is the node itself */
#define LB_HOP_NAT       2u /* answers of the "node" come to `source`: its bit in vip_bits is set */
#define LB_HOP_MTU_SHIFT 32
#define LB_HOP_TAG_SHIFT 48

/* State word: bits 0..31 agent only; 32..39 version of what is sent to it, 0: the lowest;
 * LB_NODE_*. */
#define LB_NODE_VERSION_SHIFT 32
#define LB_NODE_IN_USE        (1ull << 63) /* it has the address, which backends may lie at */
#define LB_NODE_KNOWN         (1ull << 62) /* it is a node of the cluster: packets of its are taken */
#define LB_NODE_USABLE        (1ull << 61) /* its echo answers, and it speaks what we speak */
#define LB_NODE_LEAVES        (1ull << 60) /* ... but no flow is to begin there (LB_ECHO_CLOSED) */

/*
 * map `nodes`: array of maps, inner array mmap-able, by number. Agent writes, bpf reads. A real
 * server has a number, too, and is never LB_NODE_KNOWN by that.
 */
struct lb_node {
	__u64 state;
	__u32 addr[4]; /* that tunnels to it end at, and those from it come from */
	__u64 zero[5];
	struct lb_next_hop hops[LB_NODE_HOPS]; /* the first is that of any other uplink, too */
};

/*
 * map `node_places`, array of words, mmap-able: the number of a node by its address, at one of two
 * places (lb_node_place()), each of up to five numbers from bit 0 up, 0: none. Agent writes, bpf
 * reads.
 */
#define LB_NODE_PLACES 1024u /* power of two */
#define LB_NODE_WAYS   5

/* map `tunnel`, array of one, mmap-able. Agent writes, bpf reads. */
struct lb_tunnel {
	__u64 mss; /* bits 0..15 of TCP over IPv4, 16..31 over IPv6, that fits; 0: as it is */
	__u32 own_v4[4], own_v6[4]; /* where tunnels end here, in domain 0; zero: nowhere */
	__u64 closed;               /* not 0: no flow is to begin here, and the echo says so */
	__u64 nat; /* bits 0..15 first port of the range, 16..31 how many; 0: there is none */
	__u64 zero;
};
#define LB_TUNNEL_MSS_V6_SHIFT 16
#define LB_NAT_COUNT_SHIFT     16

/* map `next_devices`, device hash by ifindex: those by which packets for nodes leave. Agent writes.
 */
#define LB_NEXT_DEVICES 64u

/*
 * map `backend_bits`, array of words, mmap-able: a bit for each hash of (address, port, protocol)
 * of a local backend (lb_backend_bit()), so that tc_reply leaves other traffic alone at once. Agent
 * writes.
 */
#define LB_BACKEND_WORDS 1024u /* 64 Kbit */

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

/*
 * map `config`, array of one, mmap-able. Agent writes. The first word and `boot` lie where they do
 * in every version.
 */
struct lb_config {
	__u32 abi_version;
	__u32 wire_version;
	__u64 flows; /* LB_FLOWS_*: where the flow table lies; 0: there is none yet */
	__u32 next_service_id;
	__u32 flow_entries;   /* agent only: flows that the table was made for */
	__u64 boot;           /* hash of the boot id the maps were made under */
	__u64 flow_secret[2]; /* of the flow table's hash */
	__u64 settle_from;    /* agent only: as in lb_service, for those of VIPs served before */
	__u32 served_unknown; /* agent only: 1: any VIP may have been, nothing is known of it */
	__u32 source_flows;   /* SYNs of a source in a window, beyond a limit; 0: any number */
};
/*
 * A flow table in 32 bits: how many chunks, a power of two, and the first of them. The lower half
 * of the word is the table in which entries are made; the upper half, 0 if there is none, the one
 * that is being left for it, where each is looked for first. Read and stored as one.
 */
#define LB_FLOWS_COUNT_MASK  0xffffull
#define LB_FLOWS_FIRST_SHIFT 16
#define LB_FLOWS_LEFT_SHIFT  32

/* --- BFD -------------------------------------------------------------------------------------- */

/* A session's place is the low bits of our discriminator; those beyond are not looked after. */
#define LB_BFD_SESSIONS 64u
#define LB_BFD_BITS     10 /* of a discriminator, that number the sessions of a host */
#define LB_BFD_PORT     3784
#define LB_BFD_WORDS    6 /* of a control packet without authentication: 24 octets */

#define LB_BFD_ECHO_PORT 3785

/* What the agent tells of a single-hop session that is Up at both ends. */
struct lb_bfd_told {
	__u64 detection_ns; /* a peer that is silent for so long is not spoken for */
	__u64 interval_ns;  /* negotiated, between two of our packets */
	__u32 peer[4];
	__u32 local[4];
	__u32 heard[LB_BFD_WORDS];  /* what the peer says, as on the wire, P and F clear */
	__u32 answer[LB_BFD_WORDS]; /* what we say, the same */
	__u32 ifindex;              /* 0: any device */
	__be16 source_port;
	__u16 flags; /* LB_BFD_* */
};

#define LB_BFD_ANSWERS  (1u << 0) /* the peer's packets are answered, once its clock is proven */
#define LB_BFD_REFLECTS (1u << 1) /* so are its echo packets, by themselves */
#define LB_BFD_PATIENT                                                                             \
	(1u << 2) /* the agent sends two intervals after our last packet, else one                 \
		   */

/*
 * A peer's clock is its own if so many of its packets came when our last one was long ago: not as
 * an answer to it.
 */
#define LB_BFD_PROOF 3

/*
 * The agent writes through the mapping, while `version` is odd, and the programs take nothing
 * unless they have read the same even version before and after. A program that writes its line
 * after that, of a session that is no more, has written what nobody reads.
 */
struct lb_bfd {
	__u64 version;
	__u64 valid_until; /* CLOCK_MONOTONIC, ns, as all times; the agent puts it off; 0: none */
	struct lb_bfd_told told;
	__u64 sent_at; /* our last packet, if the agent sent it; at any time */
	/* Its own line: the programs', begun by the agent with what its socket saw. */
	__u64 seen_at;     /* the peer's last packet */
	__u64 answered_at; /* our last packet, if the program sent it */
	__u64 n_seen;      /* without a gap of the detection time; from 0, as those below */
	__u64 n_answered;
	__u64 n_reflected;
	__u64 n_proofs; /* packets that were no answer to ours, up to LB_BFD_PROOF */
	/* Until then the timer of the program sees to it that the agent is woken where it has to
	 * send, or the peer is silent; 0: the agent does so itself. */
	__u64 timed_at;
	__u64 zero;
};

/* By which it is woken; what it holds is the place of the session. */
#define LB_BFD_WOKEN_BYTES 4096u

/* Whose echo packets are looked at: the place of the session. */
struct lb_bfd_echo {
	__u32 peer[4];
	__u32 ifindex; /* as the session's */
};

/* --- functions of the slots, local to a node -------------------------------------------------- */

#define LB_SLOT_M1 0x9e3779b97f4a7c15ull
#define LB_SLOT_M2 0xd6e8feb86659fd93ull
/* The host's compiler, where it does not optimise, has one copy of each under the sanitizers. */
#ifdef __OPTIMIZE__
#define LB_INLINE static inline __attribute__((always_inline))
#else
#define LB_INLINE static inline
#endif

/* Bit of a destination in `vip_bits`, 0..65535: word bit >> 6, bit (bit & 63) of that word. */
LB_INLINE __u32 lb_vip_bit(const __u32 addr[4])
{
	__u64 low = (__u64)addr[1] << 32 | addr[0];
	__u64 high = (__u64)addr[3] << 32 | addr[2];

	return (__u32)(((low * LB_SLOT_M2 ^ high) * LB_SLOT_M1) >> 48);
}

/* Bit of a local backend in `backend_bits`: word bit >> 6, bit (bit & 63) of that word. */
LB_INLINE __u32 lb_backend_bit(const __u32 addr[4], __be16 port, __u8 proto)
{
	__u64 low = (__u64)addr[1] << 32 | addr[0];
	__u64 high = (__u64)addr[3] << 32 | addr[2];

	high ^= (__u64)proto << 16 | port;
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

/* The two places (which = 0, 1) in `node_places` of a node's address. */
LB_INLINE __u32 lb_node_place(const __u32 addr[4], __u32 which)
{
	__u64 low = (__u64)addr[1] << 32 | addr[0];
	__u64 high = (__u64)addr[3] << 32 | addr[2];
	__u64 x = (low * LB_SLOT_M2 ^ high) * LB_SLOT_M1;

	x = (x ^ x >> 32) * LB_SLOT_M2;
	return (__u32)(x >> (which ? 32 : 54)) & (LB_NODE_PLACES - 1);
}

/* Bit of a source in `deny_bits`, by the first octets of its address, two at a time as they lie. */
LB_INLINE __u32 lb_deny_bit_v4(__u16 first)
{
	return first;
}
LB_INLINE __u32 lb_deny_bit_v6(__u16 first, __u16 second)
{
	return LB_DENY_BITS + (__u16)(first * 0x9e37u + second);
}

/* The same for a VLAN on it, told by `tag`: its number, with LB_TAG_8021AD if it has such tags. */
LB_INLINE __u32 lb_uplink_vlan_hash(__u32 ifindex, __u32 tag)
{
	return lb_uplink_hash(ifindex ^ tag << 19);
}

/* Of a VLAN's word all but domain, reach and LB_UPLINK_DENIES; ifindex < LB_UPLINK_8021AD. */
LB_INLINE __u64 lb_uplink_vlan(__u32 ifindex, __u32 tag)
{
	return (__u64)(tag & LB_TAG_VID) << LB_UPLINK_TAG_SHIFT | ifindex | LB_UPLINK_VLAN |
	       (tag & LB_TAG_8021AD ? LB_UPLINK_8021AD : 0);
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
LB_STATIC_ASSERT(lb_range, 24);
LB_STATIC_ASSERT(lb_new_flows, 16);
LB_STATIC_ASSERT(lb_proven_line, 32);
LB_STATIC_ASSERT(lb_rate_key, 20);
LB_STATIC_ASSERT(lb_rate, 16);
LB_STATIC_ASSERT(lb_backend, 32);
LB_STATIC_ASSERT(lb_next_hop, 64);
LB_STATIC_ASSERT(lb_node, 64 + 64 * LB_NODE_HOPS);
LB_STATIC_ASSERT(lb_tunnel, 64);
LB_STATIC_ASSERT(lb_flow, 16);
LB_STATIC_ASSERT(lb_flow_line, 64);
LB_STATIC_ASSERT(lb_nat, 64);
LB_STATIC_ASSERT(lb_nat_line, 320);
LB_STATIC_ASSERT(lb_fragment, 16);
LB_STATIC_ASSERT(lb_fragment_line, 64);
LB_STATIC_ASSERT(lb_config, 64);
LB_STATIC_ASSERT(lb_backend_port, 20);
LB_STATIC_ASSERT(lb_kernel_flow, 40);
LB_STATIC_ASSERT(lb_bfd_told, 104);
LB_STATIC_ASSERT(lb_bfd, 192);
LB_STATIC_ASSERT(lb_bfd_echo, 20);
LB_STATIC_ASSERT(lb_capture_vip, 20);
LB_STATIC_ASSERT(lb_capture, 72 + 20 * LB_CAPTURE_VIPS);
LB_STATIC_ASSERT(lb_captured, 40);
LB_STATIC_ASSERT(lb_capturing, 80 + LB_CAPTURE_BYTES);
_Static_assert(LB_N_DROPS <= 64, "a bit of a word for each reason");
_Static_assert(__builtin_offsetof(struct lb_service, id) == 32, "offset of lb_service.id");
_Static_assert(__builtin_offsetof(struct lb_backend, port) == 24, "offset of lb_backend.port");
_Static_assert(__builtin_offsetof(struct lb_flow, slot) == 8, "offset of lb_flow.slot");
_Static_assert(__builtin_offsetof(struct lb_fragment, target) == 8, "offset of lb_fragment.target");
_Static_assert(__builtin_offsetof(struct lb_config, boot) == 24, "offset of lb_config.boot");
_Static_assert(__builtin_offsetof(struct lb_bfd, seen_at) == 128, "offset of lb_bfd.seen_at");
