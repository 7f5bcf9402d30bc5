// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The plan: the whole desired state of this node, computed by one pure function from everything
 * that was observed (DESIGN 1). All arrays are sorted by key and free of doubles, so that each sink
 * is driven by one merge-diff. A plan and what it points to is of one arena; sinks copy what stays.
 *
 *   inputs { world, addresses, node, actual, settings } + ledger + now
 *      └─► plan { peers, routes, frontends, devices, services, problems } + ledger' + deadline
 */
#pragma once

#include "bgp/bgp_attrs.h"
#include "bgp/bgp_peer.h"
#include "plan/plan_bfd.h"
#include "plan/plan_device.h"
#include "plan/plan_discards.h"
#include "plan/plan_inputs.h"
#include "plan/plan_made_vrf.h"
#include "plan/plan_receive.h"

#define PLAN_NO_DOMAIN UINT16_MAX /* of a peer whose VRF is not there: no VIP is in it */

struct plan_peer {
	struct peer_key key;
	struct ip_addr address, source; /* source none: the kernel's choice */
	int ifindex;                    /* of the device of the way to it; 0: no way is known */
	uint16_t port;
	int vrf;              /* ifindex of its VRF's device; 0: in none, or there is no such VRF */
	uint32_t table;       /* whose routes lead to it: its VRF's; main's; 0: there is no VRF */
	uint16_t domain;      /* of its VRF: the VIPs of no other are announced to it */
	uint8_t ttl;          /* 1 for directly connected eBGP, else 255 */
	uint8_t ttl_security; /* packets from more hops away are dropped (RFC 5082); 0: none are */
	bool listen;          /* it may dial us, too */
	const uint8_t *password; /* TCP MD5 key (RFC 2385), NULL = none; never shown */
	size_t password_len;
	struct bgp_next_hops next_hops; /* those that the session's own end does not say */
	struct bgp_families carried; /* of bgp.families: those that have a next hop, or may have */
	struct bgp_peer_config bgp;
	struct plan_bfd bfd;
	const struct api_object *object; /* borrowed from the world: only while planning */
};

/* Prefix to set, for a group of peers. A prefix may stand in several rows with disjoint peers. */
struct plan_route {
	struct ip_prefix prefix;
	bool hold;      /* keep what the peers have, whatever it is (gate 3, 5); attrs is unused */
	uint32_t attrs; /* index into plan.attrs */
	uint64_t peers; /* bit i: plan.peers[i] */
};

struct plan_frontend {
	struct lb_frontend lb;
	bool hold;    /* leave what is programmed as it is (gates 2 and 5); lb says what that is */
	bool leaving; /* nobody wants it any more, so it need not pass a test either */
};

/*
 * A VIP that is wanted and not programmed yet, or that is shared with the kernel: until all of the
 * kernel's flows have ended conntrack is asked about it.
 */
struct plan_begin {
	struct plan_vip vip;
	bool takes;      /* what the kernel has is to be entered: some of it is new or taken over */
	bool programmed; /* all of it takes what begins: what is asked now misses no flow */
	bool waits;      /* something of it begins when this is answered */
};

/* So many packets a second for a VIP, of those of its frontends that are LB_F_RATE together. */
struct plan_rate {
	struct plan_vip vip;
	uint32_t packets;
};

struct plan_service {
	const char *ns, *name;
	struct plan_vip vip; /* address none: it has none */
	uint16_t port;
	const char *protocol;                 /* "TCP" */
	const struct plan_backends *backends; /* plan_backends.h; NULL: there are none */
	size_t n_backends;
	uint16_t health_port; /* healthCheckNodePort, the same in all rows of a Service; 0: none */
	bool paused;          /* no flow begins */
	uint32_t rate_limit;  /* packets a second that it asks for; 0: none */
	uint32_t n_local_ready; /* what it answers: endpoints here that are ready, on any port */
	bool announced;
	const char *reason; /* why not announced (metallb.md 3.1 words), or "announced" */
};

/* What a health-check node port answers for (plan_health.h). */
struct plan_health {
	uint16_t port;
	const char *ns, *name; /* the Service */
	uint32_t endpoints;    /* ready ones on this node */
	bool is_serving;       /* packets that routers send here are served */
};

/*
 * The frontends that may differ from what the store has, and what of all that it has is not the
 * same for certain. Of the others the store has what the plan wants. Both by lb key.
 */
struct plan_stirred {
	const struct plan_frontend *frontends;
	size_t n_frontends;
	const struct lb_actual *stored;
	size_t n_stored;
};

/*
 * Backends of VIPs in VRFs at addresses of this node itself, one each; none: there is none. Sockets
 * that are in no VRF take what arrives in one only if the host is told so (tcp_l3mdev_accept).
 */
struct plan_own_sockets {
	struct ip_addr tcp, udp;
};

struct plan {
	const struct plan_peer *peers; /* by key */
	size_t n_peers;
	const struct plan_import *imports; /* as peers */
	const struct bgp_attrs *attrs;     /* sorted by content */
	size_t n_attrs;
	const struct plan_route *routes; /* by prefix, attrs */
	size_t n_routes;
	uint64_t routes_generation; /* the same in plans of a cache: the same routes; 0: unknown */
	const struct ip_prefix *changed; /* sorted; else as of generation - 1; NULL: unknown */
	size_t n_changed;
	const struct plan_frontend *frontends; /* by lb key */
	size_t n_frontends;
	struct plan_stirred stirred;
	const struct plan_begin *begins; /* VIPs of which conntrack is asked; by VIP */
	size_t n_begins;
	struct ip_addr tunnel_ends[IP_N_FAMILIES]; /* of this node; none: no tunnel of it */
	const struct plan_remote *remotes;         /* by address */
	size_t n_remotes;
	const struct plan_way_end *way_ends; /* of these and of real servers, by address */
	size_t n_way_ends;
	const struct plan_next_hop *next_hops; /* to them, by uplink, node */
	size_t n_next_hops;
	uint16_t nat_port; /* first source port for targets that are LB_BY_NAT; 0: there are none */
	/* Sources that reach no VIP of whatever domain, whatever ranges say; they add up. */
	const struct lb_denied *denied; /* by their object's name */
	size_t n_denied;
	bool keeps_denied;             /* gate 5: what is denied already stays so */
	const struct plan_rate *rates; /* by VIP */
	size_t n_rates;
	const struct plan_discard *discards; /* by what */
	size_t n_discards;
	const struct plan_device *devices; /* by ifindex */
	size_t n_devices;
	const struct plan_service *services; /* by ns, name, vip, port, protocol */
	size_t n_services;
	const struct plan_health *health; /* by port */
	size_t n_health;
	struct plan_blackholes blackholes;
	struct plan_own_sockets sockets_in_vrfs;
	const struct plan_made_vrf *made_vrfs; /* by name */
	size_t n_made_vrfs;
	bool end_of_rib; /* gate 5: sessions may send End-of-RIB */
	bool dataplane;  /* effective mode is not off, nor does another version have to go first */
	bool leaving; /* what is pinned or attached is being left by the gates: mode is off, or */
	bool leaves;  /* this node is to be drained; announced as such until it is */
	bool drained, drained_by_node; /* nothing is to be announced; as its Node says */
	bool observes, stands_back;    /* no session is begun; addresses are others' to give */
	bool strange, strange_may_go;  /* it is of another version of the maps; its flows ended */
	uint32_t flow_entries;
	nsec_t drain_ns;          /* of what leaves and drains, at most */
	struct problems problems; /* sorted; the world's are not repeated here */
};

/*
 * Computes the plan. Total: it cannot fail; what cannot be done becomes a problem. The results live
 * in `arena` (strings may be borrowed from the inputs, which must outlive the plan's use); with a
 * cache, routes, frontends and services may be the cache's, until the next plan is made with it.
 * *ret_deadline: when time alone would change the result, NSEC_NEVER if it would not.
 */
void plan_compute(const struct plan_inputs *in, const struct plan_ledger *ledger, nsec_t now,
		  struct arena *arena, struct plan *ret_plan, struct plan_ledger *ret_ledger,
		  nsec_t *ret_deadline);

/*
 * Makes ahead, for the plan of these inputs, at most `n_max` of what it needs of each Service (and
 * the fewer, the more endpoints these have), and keeps it in their cache (which must be there);
 * actual is not looked at. True: so few are left at most, so that plan_compute() does little more
 * than put it side by side. The plan is the same, whether it was prepared or not, wholly or for
 * other inputs.
 */
bool plan_prepare(const struct plan_inputs *in, const struct plan_ledger *ledger, size_t n_max);
