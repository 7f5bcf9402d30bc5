/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What nodes send each other, part of wire.h: GUE (draft-ietf-intarea-gue, version 0) over UDP, the
 * private data of a packet that goes to another node, and the control echo by which nodes learn
 * that another one is there and what it speaks. All of it is named by addresses and ports, never by
 * numbers of one node; fields of more than an octet are in network order. Golden vectors are in
 * tests/unit/lb/test_wire_tunnel.c.
 *
 *   outer IP | UDP to LB_GUE_PORT, no checksum | GUE, 4 octets | private data | the client's packet
 *   outer IP | UDP to LB_GUE_PORT              | GUE, C set    | struct lb_tunnel_echo
 *
 * What a version of it cannot read it must not be sent: nodes send each other private data of the
 * highest version that the echoes of all of them name, since it may be sent on from one to another.
 */
#pragma once

#ifndef LB_TUNNEL_VERSION
#define LB_TUNNEL_VERSION 1 /* of private data; the highest that is spoken, */
#endif
#define LB_TUNNEL_LEAST 1 /* and the lowest */

/* --- GUE -------------------------------------------------------------------------------------- */

#define LB_GUE_PORT     6080
#define LB_GUE_BYTES    4u
#define LB_GUE_CONTROL  0x20u /* of the first octet; above it the version, 0, below it Hlen */
#define LB_GUE_HLEN     0x1fu /* 32-bit words behind the first one */
#define LB_GUE_IPIP     4     /* second octet: the client's packet is IPv4, */
#define LB_GUE_IPV6     41    /* or IPv6; */
#define LB_GUE_ECHO     0     /* of a control packet: what it is is said behind the header */
#define LB_GUE_PORT_LOW 49152u
#define LB_GUE_PORTS    16384u /* source ports from there on, so that routers spread the flows */

/* The header as one word in host order; `words` of private data or nothing. */
static inline __attribute__((always_inline)) __u32 lb_gue_word(__u32 words, __u32 proto)
{
	return words << 24 | proto << 16;
}

/* Source port in host order, by a flow's lb_wire_flow_hash(). */
static inline __attribute__((always_inline)) __u16 lb_gue_source_port(__u64 hash)
{
	return (__u16)(LB_GUE_PORT_LOW + ((__u32)hash & (LB_GUE_PORTS - 1)));
}

/* --- private data ----------------------------------------------------------------------------- */

/*
 * Whose the packet is: a backend of the Service that its own destination names. Either one is named
 * and has it for good; or, LB_TUNNEL_ASK, nobody knows whose flow it is, and all candidates of its
 * row are named, of which the one at `at` is asked. Who has the owner sends the packet back to who
 * asks: LB_TUNNEL_TOLD, the owner is named; so who asked remembers him and sends the packet there,
 * for good, and all that follow. Who has not, sends it back with the next one in `at`, who is asked
 * then; and the last one sends it to the first, for good, perhaps by others, each of whom it names
 * and asks in the last one's place.
 *
 * On the wire: the four octets, all addresses (of the packet's family), all ports, zeroes up to a
 * whole word. A candidate that is not there has port 0.
 */
#define LB_TUNNEL_ASK        1u
#define LB_TUNNEL_TOLD       2u
#define LB_TUNNEL_CANDIDATES 4u
#define LB_TUNNEL_HOPS_MAX   8u /* three times back and on, back once more, and to the owner */

struct lb_tunnel_candidate {
	__u32 addr[4]; /* IPv4 in its mapped form, network order */
	__u16 port;    /* network order */
	__u16 zero;
};
struct lb_tunnel_data {
	__u8 version;
	__u8 at;    /* less than LB_TUNNEL_CANDIDATES; 0 if only one is named */
	__u8 flags; /* LB_TUNNEL_ASK or LB_TUNNEL_TOLD, or nothing */
	__u8 hops;  /* nodes that it was sent on by */
	struct lb_tunnel_candidate candidates[LB_TUNNEL_CANDIDATES];
};
#define LB_TUNNEL_WORDS_MAX 19u

static inline __attribute__((always_inline)) __u32 lb_tunnel_named(__u32 flags)
{
	return flags & LB_TUNNEL_ASK ? LB_TUNNEL_CANDIDATES : 1;
}

/* Length in 32-bit words, as Hlen has it: 3 or 7, 6 or 19. */
static inline __attribute__((always_inline)) __u32 lb_tunnel_words(int is_v4, __u32 flags)
{
	__u32 n = lb_tunnel_named(flags);

	return 1 + n * (is_v4 ? 1 : 4) + (n + 1) / 2;
}

/* What the tunnel adds to a packet: outer IP header, UDP, GUE, private data; in octets. */
static inline __attribute__((always_inline)) __u32 lb_tunnel_overhead(int outer_v4, int inner_v4,
								      __u32 flags)
{
	return (outer_v4 ? 20 : 40) + 8 + LB_GUE_BYTES + 4 * lb_tunnel_words(inner_v4, flags);
}

static inline __attribute__((always_inline)) __u32 lb_tunnel_first(const struct lb_tunnel_data *d)
{
	union {
		__u8 octets[4];
		__u32 word;
	} u = {.octets = {d->version, d->at, d->flags, d->hops}};

	return u.word;
}

/* Two ports as they lie side by side. */
static inline __attribute__((always_inline)) __u32 lb_tunnel_ports(__u16 first, __u16 second)
{
	union {
		__u16 ports[2];
		__u32 word;
	} u = {.ports = {first, second}};

	return u.word;
}

/* Writes `n` candidates, 1 or LB_TUNNEL_CANDIDATES: lb_tunnel_words() words. */
static inline __attribute__((always_inline)) void
lb_tunnel_put(__u32 *to, const struct lb_tunnel_data *d, int is_v4, __u32 n)
{
	const struct lb_tunnel_candidate *c = d->candidates;

	*to++ = lb_tunnel_first(d);
#pragma GCC unroll 4
	for (__u32 i = 0; i < n; i++)
#pragma GCC unroll 4
		for (__u32 k = is_v4 ? 3 : 0; k < 4; k++)
			*to++ = c[i].addr[k];
#pragma GCC unroll 2
	for (__u32 i = 0; i < n; i += 2)
		*to++ = lb_tunnel_ports(c[i].port, n > 1 ? c[i + 1].port : 0);
}

/* Reads what lb_tunnel_put() has written; candidates that are not named are left as they are. */
static inline __attribute__((always_inline)) void
lb_tunnel_get(struct lb_tunnel_data *d, const __u32 *from, int is_v4, __u32 n)
{
	struct lb_tunnel_candidate *c = d->candidates;
	const __u8 *first = (const __u8 *)from;
	const __u16 *ports = (const __u16 *)(from + 1 + n * (is_v4 ? 1 : 4));

	d->version = first[0];
	d->at = first[1];
	d->flags = first[2];
	d->hops = first[3];
	from++;
#pragma GCC unroll 4
	for (__u32 i = 0; i < n; i++) {
		c[i].addr[0] = is_v4 ? 0 : from[i * 4];
		c[i].addr[1] = is_v4 ? 0 : from[i * 4 + 1];
		c[i].addr[2] = is_v4 ? __builtin_bswap32(0xffff) : from[i * 4 + 2];
		c[i].addr[3] = is_v4 ? from[i] : from[i * 4 + 3];
		c[i].port = ports[i];
		c[i].zero = 0;
	}
}

/* --- control echo ----------------------------------------------------------------------------- */

/*
 * Behind the header of a control packet. The one who is asked turns the packet round and fills in
 * `kind` and what it speaks itself; sequence, token and what follows come back as they were.
 */
struct lb_tunnel_echo {
	__u8 magic[4];
	__u8 kind; /* LB_ECHO_* */
	__u8 least,
		most; /* private data that the sender reads: LB_TUNNEL_LEAST, LB_TUNNEL_VERSION */
	__u8 recipe;  /* LB_WIRE_VERSION: by which it makes the rows of Services */
	__u8 sequence[4]; /* of the sender, from the highest octet on */
	__u8 token[8];    /* that only the one who is asked sees */
	__u8 follow[2];   /* octets that follow, as sequence; what they mean `kind` says */
	__u8 zero[2];
};
#define LB_ECHO_MAGIC                                                                              \
	{                                                                                          \
		'L', 'o', 'd', 'e'                                                                 \
	}
#define LB_ECHO_REQUEST 1
#define LB_ECHO_ANSWER  2
#define LB_ECHO_CLOSED  4 /* an answer: no flow is to begin here; who cannot read it hears none */
_Static_assert(sizeof(struct lb_tunnel_echo) == 24, "the control echo is a format between nodes");
