// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Prefixes as UPDATEs carry them: a length in bits and as many octets as that takes (RFC 4271 4.3,
 * RFC 4760 5), one behind the other, of one family. IPv6 prefixes within ::ffff:0:0/96 are no
 * routes and are passed over.
 */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "bgp/bgp_family.h"

/* The longest prefix, and the longest of all families. */
#define BGP_NLRI_IPV4_MAX 5
#define BGP_NLRI_MAX      17

/*
 * Walks prefixes of the family (copy the cursor first): false at the end, or where one is too long
 * or cut off. Host bits are cleared (RFC 4271 4.3: trailing bits are irrelevant).
 */
bool bgp_nlri_next(struct rcur *c, enum bgp_family family, struct ip_prefix *ret) must_check;

/* How many there are; false: one is too long or cut off (RFC 7606 5.3). *ret untouched then. */
bool bgp_nlri_count(struct rcur c, enum bgp_family family, size_t *ret) must_check;

/* Writes prefixes of the family until `reserve` octets are left of the room; returns how many. */
size_t bgp_nlri_write(struct wcur *w, enum bgp_family family, const struct ip_prefix *prefixes,
		      size_t n, size_t reserve);
