// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* How a BGP neighbour is configured: what its session begins with. Include bgp/bgp_peer.h. */
#pragma once

#include "bgp/bgp_family.h"

struct bgp_peer_config {
	uint32_t local_asn;
	uint32_t remote_asn; /* 0 with any_external/any_internal */
	bool any_external, any_internal;
	struct bgp_families families; /* offered; not empty */
	bool extended_next_hop;       /* offered: IPv4 routes may have IPv6 next hops (RFC 8950) */
	uint32_t router_id;           /* host order, not 0; a new one counts from the next OPEN */
	uint16_t hold_s, keepalive_s; /* hold 0 or >= 3 */
	uint16_t connect_s;           /* ConnectRetryTime; 0 = 1 s doubling to 30 s, jittered */
	bool graceful_restart;        /* advertise capability 64 */
	uint16_t restart_time_s;      /* 1..4095 */
	uint32_t llgr_s; /* with graceful restart: capability 71 (RFC 9494), 24 bits; 0: without */
	bool has_role;   /* capability 9 (RFC 9234); on eBGP only */
	uint8_t role;    /* enum bgp_role: ours */
	/*
	 * Established only while BFD permits it (bgp_peer_set_bfd()); capability 74, by which a
	 * peer that has it waits as well (draft-ietf-idr-bgp-bfd-strict-mode).
	 */
	bool bfd_strict;
	bool graceful_shutdown; /* routes say that this node is about to leave (RFC 8326) */
	/*
	 * This process follows an earlier one with sessions: set the R bit until the first
	 * End-of-RIB went out, and the F bit if the data plane kept forwarding meanwhile (pinned
	 * maps adopted).
	 */
	bool restarted, forwarding_preserved;
};
