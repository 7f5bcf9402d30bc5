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

/* Addresses and ports in host order. Zero fields have a sensible meaning where one is given. */
struct frame_spec {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint8_t tcp_flags; /* 0: ACK */
	uint8_t ttl;       /* 0: 64 */
	uint8_t icmp_type;
	uint16_t frag;    /* the IP header's fragment word */
	uint16_t payload; /* bytes after the L4 header, 0: 20 */
	bool bare;        /* none at all */
	uint16_t vlan;    /* 0: no tag */
	uint8_t options;  /* words of IP options */
	bool no_udp_checksum;
	bool turned; /* as an answer: MAC addresses exchanged */
	/* ICMP: instead of a payload, so much of this untagged frame from its IP header on */
	const struct frame *quote;
	uint16_t quote_len;
};

void frame_make(struct frame *f, const struct frame_spec *s);
bool frame_equal(const struct frame *a, const struct frame *b);
/* Internet checksum over bytes, to be continued from sum (host order, not complemented). */
uint32_t frame_sum(uint32_t sum, const void *data, size_t len);
/* True if the IP and the TCP or UDP checksum of an untagged frame are right. */
bool frame_is_valid(const struct frame *f);
/* Where the IP header of an untagged frame begins. */
#define FRAME_IP 14
