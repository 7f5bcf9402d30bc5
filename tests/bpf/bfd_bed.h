// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A BFD session that the programs look after, and its peer's packets, for the packet tests.
 */
#pragma once

#include "bpf/bed.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#define PEER   0x0a3c0101
#define LOCAL  0x0a3c0102
#define PLACE  5u
#define OURS   (0xabc << LB_BFD_BITS | PLACE)
#define FACING 6u /* where the peer's own session lies, if it is one of ours */
#define THEIRS (0xdef << LB_BFD_BITS | FACING)
#define PORT   50123
#define MS     1000000ull
#define SECOND (1000 * MS)
#define PACKET 24
#define P_BIT  0x20 /* of the second octet */
#define F_BIT  0x10
#define C_BIT  0x08

static inline int bfd_setup(void **state)
{
	(void)bed_make(state, 1, 0);
	return 0;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

/* State Up, three times 50 ms each way. */
static inline void bfd_packet(uint8_t to[PACKET], uint32_t mine, uint32_t yours)
{
	static const uint8_t first[] = {0x20, 0xc0, 3, PACKET};

	memcpy(to, first, sizeof(first));
	put32(to + 4, mine);
	put32(to + 8, yours);
	put32(to + 12, 50000);
	put32(to + 16, 50000);
	put32(to + 20, 0);
}

static inline void peers_packet(uint8_t to[PACKET])
{
	bfd_packet(to, THEIRS, OURS);
}

static inline void our_packet(uint8_t to[PACKET])
{
	bfd_packet(to, OURS, THEIRS);
	to[1] |= C_BIT;
}

/* A session whose peer was heard now, and that says nothing by itself. */
static inline struct lb_bfd bfd_session(void)
{
	struct lb_bfd e = {.valid_until = now_ns() + 60 * SECOND,
			   .seen_at = now_ns(),
			   .told = {.detection_ns = 60 * SECOND,
				    .interval_ns = 20 * SECOND,
				    .source_port = htons(PORT)}};

	frame_address((uint8_t *)e.told.peer, PEER);
	frame_address((uint8_t *)e.told.local, LOCAL);
	peers_packet((uint8_t *)e.told.heard);
	our_packet((uint8_t *)e.told.answer);
	return e;
}

/* One that would answer now. */
static inline struct lb_bfd bfd_answering(void)
{
	struct lb_bfd e = bfd_session();

	e.told.flags = LB_BFD_ANSWERS;
	e.n_proofs = LB_BFD_PROOF;
	return e;
}

struct bfd_frame {
	struct frame_spec spec;
	uint8_t data[PACKET + 4];
};

static inline void bfd_make(struct bfd_frame *p)
{
	*p = (struct bfd_frame){.spec = {.src = PEER,
					 .dst = LOCAL,
					 .sport = 49152,
					 .dport = LB_BFD_PORT,
					 .proto = IPPROTO_UDP,
					 .ttl = 255,
					 .payload = PACKET,
					 .data = p->data}};
	peers_packet(p->data);
}
