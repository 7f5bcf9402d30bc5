// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* LodestoneConfig as a typed struct; the rest is as said in api/objects.h. */
#pragma once

#include "api/objects_kube.h"
#include "base/addr.h"
#include "base/community.h"

#include <stdbool.h>
#include <stdint.h>

/* What localPref becomes where it cannot be carried: towards eBGP peers. */
enum api_pref_as { API_PREF_AS_NONE, API_PREF_AS_MED, API_PREF_AS_PREPEND, API_N_PREF_AS };

enum api_dataplane_mode { API_MODE_AUTO, API_MODE_NATIVE, API_MODE_GENERIC, API_MODE_OFF };
/* Of a VIP, to packets for a port that no Service has. From strict to not; 0: nothing is said. */
enum api_unknown_port { API_UNKNOWN_DROP = 1, API_UNKNOWN_REJECT, API_UNKNOWN_PASS };
enum api_icmp_echo { API_ECHO_ANSWER, API_ECHO_DROP, API_ECHO_PASS };

/* Which announced prefixes are blackholes for what arrives on the uplinks. */
enum api_blackholes { API_BLACKHOLES_AGGREGATES, API_BLACKHOLES_ALL, API_BLACKHOLES_OFF };

/* What routes of blackholes say, beside the community BLACKHOLE. */
struct api_rtbh {
	struct ip_addr next_hops[IP_N_FAMILIES]; /* none: not said */
	const uint32_t *communities;             /* sorted, no doubles */
	size_t n_communities;
	const struct large_community *large; /* sorted, no doubles */
	size_t n_large;
};

/* Where something is answered. */
struct api_listen {
	bool is_off;
	struct ip_addr addr; /* none: all addresses */
	uint16_t port;       /* 0: not said */
};

/* `set` bits say which fields are named, so that a node's object overrides field by field. */
struct api_config {
	enum {
		API_CONFIG_MODE = 1 << 0,
		API_CONFIG_UPLINKS = 1 << 1,
		API_CONFIG_UNKNOWN_PORT = 1 << 2,
		API_CONFIG_ICMP_ECHO = 1 << 3,
		API_CONFIG_FLOW_ENTRIES = 1 << 4,
		API_CONFIG_DEFAULT_LOCAL_PREF = 1 << 5,
		API_CONFIG_GRACEFUL_RESTART = 1 << 6,
		API_CONFIG_STRICT = 1 << 7,
		API_CONFIG_DRAIN = 1 << 8,
		API_CONFIG_ROUTER_ID = 1 << 9,
		API_CONFIG_TOPOLOGY_HINTS = 1 << 10,
		API_CONFIG_NEW_FLOWS = 1 << 11,
		API_CONFIG_NEW_FLOWS_PER_SOURCE = 1 << 12,
		API_CONFIG_SOURCE_CHECK = 1 << 13,
		API_CONFIG_LISTEN = 1 << 14,
		API_CONFIG_LINK_BANDWIDTH = 1 << 15,
		API_CONFIG_PREF_AS = 1 << 16,
		API_CONFIG_BLACKHOLES = 1 << 17,
		API_CONFIG_ALWAYS_BLOCK = 1 << 18,
		API_CONFIG_RTBH_NEXT_HOPS = 1 << 19,
		API_CONFIG_RTBH_COMMUNITIES = 1 << 20,
		API_CONFIG_OBSERVE = 1 << 21,
		API_CONFIG_METRICS = 1 << 22,
		API_CONFIG_STATUS_PAGE = 1 << 23,
		API_CONFIG_FORWARDING = 1 << 24,
		API_CONFIG_NAT_PORT = 1 << 25,
	} set;
	enum api_dataplane_mode mode;
	struct api_strings uplinks;
	enum api_unknown_port unknown_port;
	enum api_icmp_echo icmp_echo;
	enum api_forwarding forwarding;
	uint16_t nat_port; /* the first of LIMIT_NAT_PORTS */
	uint32_t flow_entries;
	bool topology_hints, source_check;
	const struct ip_prefix *deny; /* a set (base/prefixes.h) */
	size_t n_deny;
	uint32_t new_flows; /* a second, of one frontend; 0: any number. Likewise of a source: */
	uint16_t new_flows_per_source;
	uint32_t default_local_pref;
	enum api_pref_as pref_as;
	bool graceful_restart, listen, link_bandwidth;
	uint32_t router_id; /* host order */
	enum api_blackholes blackholes;
	const struct ip_prefix *always_block; /* no route of a peer is accepted under these */
	size_t n_always_block;
	struct api_rtbh rtbh;
	struct api_listen metrics, status_page;
	bool strict, observe;
	uint32_t drain_s;
};
