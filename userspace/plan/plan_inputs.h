// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the plan is computed from: the observed world, this node, what the sinks confirmed, the
 * settings; and the ledger, the plan's only memory. All of it is borrowed for one computation. The
 * arrays are sorted as said at each, free of doubles, and NULL only with a count of 0.
 */
#pragma once

#include "api/world.h"
#include "base/community.h"
#include "plan/plan_actual_peer.h"
#include "plan/plan_addresses.h"
#include "plan/plan_cache.h"
#include "plan/plan_device.h"
#include "plan/plan_kernel.h"
#include "plan/plan_remote.h"
#include "plan/plan_router.h"
#include "plan/plan_vip.h"

/* --- inputs --------------------------------------------------------------------------------- */
struct plan_settings {
	const char *node_name;    /* whose plan this is */
	const char *ns;           /* MetalLB's namespace, "metallb-system" */
	const char *lb_class;     /* NULL: only Services without a class */
	bool dataplane;           /* false: mode off asked for by the command line's environment */
	bool drained, drain_told; /* asked to leave the network; routers had time to hear of it */
	const struct ip_prefix *discards; /* blackholes that the operator asks for; sorted */
	size_t n_discards;
};
/* A link of this node, from netlink. */
struct plan_link {
	int ifindex;
	const char *name;
	bool up, bond, bridge, raw; /* raw: packets without an Ethernet header (WireGuard, PPP) */
	bool strips_tags; /* its driver keeps VLAN tags beside the frame; asked where VLANs lie */
	uint16_t tag;     /* a VLAN's number, with PLAN_LINK_8021AD if it has such tags; 0: none */
	int lower;        /* the device that a VLAN lies on; 0: none is, here */
	int master;       /* the bond, bridge or VRF that it is a port of; 0: none */
	uint32_t table;   /* a VRF's routing table; 0: it is no VRF */
	bool made_here;   /* a VRF of our making */
	bool strict_source; /* IPv4 sources must be routed back by the device (rp_filter 1) */
};
/* An address of this node. */
struct plan_local_addr {
	struct ip_addr addr;
	uint8_t len;
	int ifindex;
	bool passing; /* temporary (RFC 8981) or deprecated: nothing lasting is to name it */
};
/* Where a default route leads by a router: its address and the device. */
struct plan_gateway {
	struct ip_addr addr;
	int ifindex;
};
/* The way to a peer's address: the device, and the source the kernel would take. */
struct plan_route_to {
	struct ip_addr to, source; /* without a route: source none, */
	int ifindex;               /* ... and this 0 */
	struct ip_addr gateway;    /* none: it is on the link */
	bool is_received;          /* by a route of ours that a peer has sent */
	int vrf;                   /* in whose table: the VRF's own device; 0: in none */
};
struct plan_node {
	const struct plan_link *links; /* by ifindex */
	size_t n_links;
	const struct plan_local_addr *addrs;
	size_t n_addrs;
	const struct plan_route_to *routes_to; /* by address, VRF */
	size_t n_routes_to;
	const int *default_devices; /* devices of the default routes of all tables in use, sorted */
	size_t n_default_devices;
	const struct plan_gateway *gateways; /* theirs, by address, device */
	size_t n_gateways;
	struct plan_routers routers;    /* heard on the links of peers by interface */
	const struct plan_taken *taken; /* by VIP: those that were asked about */
	size_t n_taken;
	enum plan_ask ask;
};
/* What the sinks confirmed. */
struct plan_actual_device {
	int ifindex;
	const char *name;
	bool xdp, tc, nat;          /* attached and verified */
	bool generic;               /* XDP in generic (skb) mode */
	const char *failure;        /* what was refused, NULL = nothing: "EBUSY ..." in words */
	const char *failure_reason; /* CamelCase reason for the problem */
	const char *remedy;
};
struct plan_actual {
	const struct plan_actual_peer *peers; /* by key */
	size_t n_peers;
	const struct lb_actual *frontends; /* by key */
	size_t n_frontends;
	/* All that differs from the picture whose generation was `since`, 0: not known, has one. */
	const struct lb_key *touched;
	size_t n_touched;
	uint64_t generation, since;
	const struct plan_actual_device *devices; /* by ifindex */
	size_t n_devices;
	const struct plan_actual_remote *remotes; /* that were asked, by address */
	size_t n_remotes;
	const struct plan_next_hop *ways; /* to nodes that were asked about, by uplink, node */
	size_t n_ways;
	uint32_t flow_entries;         /* as many the tables of flows hold; 0: there are none */
	const char *dataplane_failure; /* the programs could not be loaded; NULL = loaded */
	bool pinned; /* ours is in the kernel, if only of a former run: it may still forward */
	/* Blackholes that were tried, whatever became of them, and the devices they are for. */
	struct plan_blackholes blackholes;
	bool places_blackholes;            /* somebody tries; else nothing waits for it */
	const struct lb_discard *discards; /* dropped, sorted */
	size_t n_discards;
	uint32_t strange_abi; /* what is pinned is of this version of the maps, which we do not
				 read, and may forward; 0: it is not */
};

struct plan_explain;
struct plan_inputs {
	const struct world *world;
	const struct plan_addresses *addresses;
	const struct plan_node *node;
	const struct plan_actual *actual;
	const struct plan_settings *settings;
	bool synced; /* every source has delivered its first complete picture (gate 5) */
	struct plan_cache *cache;     /* plan_cache.h; NULL: all is made from nothing */
	struct plan_explain *explain; /* plan_explain.h: to be filled in; NULL: nobody asks */
};
/* --- ledger: the plan's only memory --------------------------------------------------------- */
/* A backend that left the EndpointSlices and keeps its flows until `until`. */
struct plan_drain {
	struct lb_key frontend;
	struct lb_target target;
	nsec_t until;
};
/* A VIP or frontend that no Service wants: since when no session holds a route to it. */
struct plan_leaving {
	struct lb_key frontend;
	nsec_t unheld_since; /* NSEC_NEVER: still held */
};
/* A route that is not wanted any more and waits for its replacement (gate 3): since when. */
struct plan_waiting {
	struct ip_prefix prefix;
	nsec_t since;
};
/*
 * The last version of an advertisement or peer that resolved without an error, as it was resolved
 * then: what stays in force while the present version has one.
 */
struct plan_good {
	enum api_kind kind;
	const char *ns, *name;
	uint64_t hash;    /* of the object */
	const char *text; /* a document that the decoder reads; what follows overrides it */
	const uint32_t *communities; /* sorted, no doubles */
	size_t n_communities;
	const struct large_community *large; /* sorted, no doubles */
	size_t n_large;
	const uint64_t *extended; /* sorted, no doubles */
	size_t n_extended;
	/* By name: those that its length, where it aggregates, fitted. */
	struct api_strings pools[IP_N_FAMILIES];
	const uint8_t *password; /* NULL = none; never shown */
	size_t password_len;
};
struct plan_ledger {
	const struct plan_drain *drains; /* by frontend, target */
	size_t n_drains;
	const struct plan_leaving *leaving; /* by frontend */
	size_t n_leaving;
	const struct plan_waiting *waiting; /* by prefix */
	size_t n_waiting;
	uint32_t router_id; /* of sessions that are given none, host order; 0: not chosen yet */
	struct api_strings pools; /* names, oldest first (ipam_order.h); written by ipam_compute */
	const struct plan_good *good; /* by kind, ns, name */
	size_t n_good;
};
/* Without a session for so long, or refused so often, and it is a problem. */
#define PLAN_SILENT_NS        (10 * NSEC_PER_SEC)
#define PLAN_REFUSALS         3
#define PLAN_DRAIN_DEFAULT_NS (60 * NSEC_PER_SEC)
/* Unless LodestoneConfig says otherwise: of a frontend in a second, and of one source beyond it. */
#define PLAN_NEW_FLOWS_DEFAULT            100000u
#define PLAN_NAT_PORT_DEFAULT             16384 /* below what Linux gives programs */
#define PLAN_NEW_FLOWS_PER_SOURCE_DEFAULT 500u
#define PLAN_UNHELD_NS                    (2 * NSEC_PER_SEC) /* gate 2: for the routers' FIBs */
#define PLAN_WAITING_NS                   (5 * NSEC_PER_SEC) /* gate 3: so long for peers that do not read */
