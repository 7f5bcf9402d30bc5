// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Frames for the data plane's tests: built from a few fields, with every checksum computed in full.
 * What a program should make of a frame is built the same way from other fields, so a test compares
 * whole frames, and an incremental checksum is held against a full one in every test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX    9100 /* a jumbo frame */
#define TCP_FIN_FLAG 0x01
#define TCP_SYN_FLAG 0x02
#define TCP_RST_FLAG 0x04
#define TCP_ACK_FLAG 0x10

struct frame {
	size_t len;
	uint8_t bytes[FRAME_MAX];
};

/*
 * The family that frames are made in, and that 32-bit addresses are meant in, from here on: AF_INET
 * or AF_INET6. A test is written once, with short addresses, and runs in both.
 */
void frame_use_family(int family);
int frame_family(void);
/*
 * An address of 16 bytes in network order. IPv4: mapped. IPv6: all of its words follow from v4,
 * which is the last of them; 0 is the unspecified address.
 */
void frame_address(uint8_t to[16], uint32_t v4);

/* Addresses and ports in host order. Zero fields have a sensible meaning where one is given. */
struct frame_spec {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t tcp_flags;   /* 0: ACK */
	uint8_t ttl;         /* 0: 64 */
	uint8_t icmp_type;   /* IPv4's or IPv6's */
	uint8_t chunk;       /* SCTP: the first chunk's type */
	uint16_t frag;       /* IPv4's fragment word; IPv6: a header that says the same, if any */
	uint16_t payload;    /* bytes after the L4 header, 0: 20 */
	bool bare;           /* none at all */
	const uint8_t *data; /* that payload; NULL: some bytes */
	uint16_t vlan;       /* 0: no tag */
	uint8_t options;     /* IPv4: words of IP options; IPv6: units of a header of options */
	/* IPv6: extension headers, which come first, and the first's number; the last's next is set
	 */
	const uint8_t *extension;
	uint16_t extension_len;
	uint8_t extension_first, extension_last; /* where in them the last begins */
	bool no_udp_checksum;
	bool turned; /* as an answer: MAC addresses exchanged */
	/* ICMP: instead of a payload, so much of this untagged frame from its IP header on */
	const struct frame *quote;
	uint16_t quote_len;
};

void frame_make(struct frame *f, const struct frame_spec *s);
/*
 * A fragment of an untagged frame without extension headers: `len` bytes from `offset` on, counted
 * behind the IP header, or what is left from there.
 */
void frame_cut(struct frame *f, const struct frame *whole, size_t offset, size_t len, uint32_t id);
/* Length of an IP header without options. */
size_t frame_ip_len(void);
/* What an untagged frame's IP header says of its packet's length, itself included; not below it. */
uint16_t frame_bytes(const struct frame *f);
void frame_set_bytes(struct frame *f, uint16_t bytes);
/* Length of what lies before the transport's header, from the IP header on. */
size_t frame_l3_len(const struct frame_spec *s);
/* The last byte of an untagged frame's destination. */
uint8_t frame_dst(const struct frame *f);
bool frame_equal(const struct frame *a, const struct frame *b);
/* Internet checksum over bytes, to be continued from sum (host order, not complemented). */
uint32_t frame_sum(uint32_t sum, const void *data, size_t len);
/* The sum that ICMPv6, TCP and UDP begin with: of the addresses, the protocol and this length. */
uint32_t frame_pseudo_sum(const struct frame_spec *s, size_t len);
/* True if the IP and the TCP or UDP checksum of an untagged frame are right. */
bool frame_is_valid(const struct frame *f);
/* Where the IP header of an untagged frame begins. */
#define FRAME_IP 14
