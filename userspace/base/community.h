// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGP communities as values and as text: standard (RFC 1997, "64512:100" and the well-known names
 * of metallb.md ruling 2), large (RFC 8092, "large:1:2:3" on input, "1:2:3" on output), and of the
 * extended ones route target and site of origin (RFC 4360, "rt:64512:100", "soo:64512:100") and
 * link bandwidth (draft-ietf-idr-link-bandwidth, "lb:64512:1000").
 */
#pragma once

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct large_community {
	uint32_t global, local1, local2;
};

enum community_type { COMMUNITY_STANDARD, COMMUNITY_LARGE, COMMUNITY_EXTENDED };

struct community {
	enum community_type type;
	uint32_t standard; /* host order, high half = ASN */
	struct large_community large;
	uint64_t extended; /* host order, type on top */
};

#define COMMUNITY_NO_EXPORT         UINT32_C(0xffffff01)
#define COMMUNITY_NO_ADVERTISE      UINT32_C(0xffffff02)
#define COMMUNITY_GRACEFUL_SHUTDOWN UINT32_C(0xffff0000)
#define COMMUNITY_BLACKHOLE         UINT32_C(0xffff029a)
#define COMMUNITY_TEXT              40

enum community_parse {
	COMMUNITY_OK,
	COMMUNITY_NOT_A_VALUE,  /* no such syntax: may still be an alias */
	COMMUNITY_OUT_OF_RANGE, /* right syntax, a part too large */
	COMMUNITY_LARGE_BARE,   /* three parts without "large:": the remedy is the prefix */
};

/*
 * Parses a literal or a well-known name (case-insensitive, '_' as '-'). *ret is written only with
 * COMMUNITY_OK.
 */
enum community_parse community_parse(const char *text, struct community *ret) must_check;
/*
 * The same for extended communities: "rt:" or "soo:", an AS or an IPv4 address, a colon, a number.
 * Behind an AS of up to 65535 it may have four octets (RFC 4360 3.1), behind a greater one (RFC
 * 5668) or an address two. Or "lb:", an AS of up to 65535, a colon, a number of Mb/s.
 */
enum community_parse community_parse_extended(const char *text, struct community *ret) must_check;
/* Link bandwidth, not passed on to other ASes, in octets a second. */
uint64_t community_bandwidth(uint16_t asn, float octets);
bool community_is_bandwidth(uint64_t extended);
int community_cmp(const struct community *a, const struct community *b);
int large_community_cmp(const struct large_community *a, const struct large_community *b);

/* "64512:100", or the well-known name's number form as DESIGN 10 shows it; large: "1:2:3". */
const char *community_text(uint32_t standard, char buf[COMMUNITY_TEXT]);
const char *large_community_text(const struct large_community *c, char buf[COMMUNITY_TEXT]);
/* "0x0002fde800000064": extended communities are known by their octets alone (RFC 4360). */
const char *extended_community_text(uint64_t c, char buf[COMMUNITY_TEXT]);
/* As community_parse_extended() reads it; "": it is of another type. */
const char *route_community_text(uint64_t c, char buf[COMMUNITY_TEXT]);
/* The well-known name ("no-export") or NULL. */
const char *community_name(uint32_t standard);
/* True for the values that keep a route from being passed on (no-export, no-advertise, ...). */
bool community_limits_propagation(uint32_t standard);
