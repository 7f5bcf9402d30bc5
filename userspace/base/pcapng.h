// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Captured packets in the form that tcpdump and Wireshark read (draft-ietf-opsawg-pcapng): blocks
 * one behind the other, each of a type and a length, in the byte order of this machine, as the
 * first one says. Pcapng and not pcap, since that knows neither interfaces nor comments.
 *
 * Blocks are added to a strbuf; what finds no room in it marks it truncated, and then the last
 * block is no whole one.
 */
#pragma once

#include "base/nsec.h"
#include "base/strbuf.h"

#include <stdint.h>

#define PCAPNG_COMMENT 512u /* octets of one at most, longer ones are cut */
#define PCAPNG_NAME    64u  /* the same of an interface's name and description */
/* The most that pcapng_packet() adds for a frame of which so many octets are kept. */
#define PCAPNG_PACKET_BYTES(kept) (PCAPNG_COMMENT + 96u + (size_t)(kept))

/* The first block; what wrote it ("lodestoned 1.2"), and who (the node). */
void pcapng_begin(struct strbuf *to, const char *program, const char *comment);

/*
 * The next interface, which packets name by its number from 0 on: Ethernet, times in nanoseconds.
 * `snaplen`: octets of a frame that are kept at most.
 */
void pcapng_interface(struct strbuf *to, const char *name, const char *description,
		      uint32_t snaplen);

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };
struct pcapng_packet {
	uint32_t interface;
	uint64_t at;          /* ns since 1970 */
	const uint8_t *bytes; /* `kept` of them */
	uint32_t kept, len;   /* of all `len` octets of the frame; kept <= len */
	const char *comment;  /* NULL: none */
	enum pcapng_direction direction;
};
void pcapng_packet(struct strbuf *to, const struct pcapng_packet *p);

/* Of an interface at the end: frames that were for the file, and those of them it has not. */
void pcapng_statistics(struct strbuf *to, uint32_t interface, uint64_t at, uint64_t received,
		       uint64_t dropped);
