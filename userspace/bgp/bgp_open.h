// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * OPEN and its capabilities. Decoding (is it well formed?) and validation (is it the peer we want?)
 * are two steps, each yielding the NOTIFICATION that RFC 4271 6.2 asks for. The same struct is
 * encoded and decoded, so the two are tested against each other. Unknown capabilities are skipped
 * (RFC 5492), known ones of an impossible length are taken as not sent, but for the 4-octet AS
 * number (RFC 6793), which is an error: nothing about the peer's AS would be known.
 */
#pragma once

#include "base/cursor.h"
#include "base/mem.h"
#include "bgp/bgp_error.h"
#include "bgp/bgp_family.h"
#include "bgp/bgp_wire.h"

#include <stdbool.h>

/* Capability 64, RFC 4724 3 and RFC 8538. Of several the last counts (RFC 4724 3). */
struct bgp_graceful_restart {
	bool present;
	bool restarting;   /* R: the speaker has restarted */
	bool notification; /* N: GR also applies to NOTIFICATION and hold timer expiry (RFC 8538) */
	uint16_t time_s;   /* 0..4095 */
	struct bgp_families families;   /* listed, of those that we speak */
	struct bgp_families forwarding; /* F: whose forwarding state was kept; listed ones only */
};

/* Capability 71, RFC 9494 3: routes stay for so long behind the time of graceful restart. */
struct bgp_long_lived {
	bool present;
	uint32_t time_s;                /* 24 bits; of the families, the longest when decoded */
	struct bgp_families families;   /* of those that we speak */
	struct bgp_families forwarding; /* F */
};

struct bgp_open {
	bool plain;     /* encode only: without any optional parameter, whatever is said below */
	uint32_t asn;   /* the 4-octet capability's if has_as4, else the My AS field */
	uint16_t my_as; /* the field; set by decode, ignored by encode */
	uint16_t hold_s;
	uint32_t router_id; /* host order */

	bool has_as4;
	bool has_multiprotocol; /* any capability 1 was sent; set by decode only */
	/* Capability 1, of those that we speak; IPv4 unicast if none of capability 1 came at all.
	 */
	struct bgp_families families;
	bool route_refresh; /* 2 or the old 128 */
	bool enhanced_refresh;
	bool extended_message;
	bool extended_next_hop; /* RFC 8950: IPv4 unicast with an IPv6 next hop */
	bool has_role;
	uint8_t role; /* RFC 9234, if has_role */
	struct bgp_graceful_restart gr;
	struct bgp_long_lived llgr;
	bool bfd_strict; /* waits for BFD before the session is Established */
};

/*
 * Decodes an OPEN's body. False: *ret_error says which NOTIFICATION to send, *ret is untouched:
 * 2/1 another version (data: ours), 2/4 unknown optional parameter, 2/0 malformed parameter or
 * capability. Reads nothing of a message of another version but that octet.
 */
bool bgp_open_decode(struct rcur body, struct bgp_open *ret,
		     struct bgp_error *ret_error) must_check;

struct bgp_open_expect {
	uint32_t local_asn;
	uint32_t local_router_id; /* host order */
	uint32_t remote_asn;      /* ignored if one of the next is set */
	bool any_external, any_internal;
	struct bgp_families families; /* one of these is enough; not empty */
	bool has_role;                /* ours, on eBGP; a peer that says none has any */
	uint8_t role;
};

/*
 * Is this the neighbour we expect? False with the NOTIFICATION in *ret_error: 2/2 AS number 0,
 * AS_TRANS alone, field and capability at odds, or another AS than configured; 2/3 id 0, or our own
 * in our own AS (RFC 6286 2.2); 2/6 hold time 1 or 2; 2/7 the peer lists address families but none
 * of those wanted (data: a capability for each of these); 2/11 a role that does not go with ours
 * (RFC 9234 4.2).
 */
bool bgp_open_validate(const struct bgp_open *open, const struct bgp_open_expect *expect,
		       struct bgp_error *ret_error) must_check;

/*
 * Writes one OPEN; returns its length, 0 if cap is too small (BGP_MESSAGE_MAX always suffices).
 * Sends asn (as AS_TRANS in the field when above 65535, and always in capability 65), hold_s,
 * router_id; families, route_refresh, extended_next_hop, enhanced_refresh, extended_message, role,
 * gr, llgr and bfd_strict as told; no capability at all if plain.
 */
size_t bgp_open_encode(uint8_t *buf, size_t cap, const struct bgp_open *open);
