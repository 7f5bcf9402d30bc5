// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which of the routes that peers have sent to a prefix are followed, and by which gateways: the
 * decision process of RFC 4271 9.1.2, among as many peers as a node has. It keeps nothing: what it
 * says follows from the Adj-RIBs-In and the node as they are.
 */
#pragma once

#include "bgp/bgp_path.h"
#include "bgp/bgp_rib_in.h"
#include "plan/fib.h"
#include "plan/plan_inputs.h"

/* A peer whose routes may be followed. */
struct receive_peer {
	const struct bgp_rib_in *rib; /* borrowed */
	uint32_t table;               /* where they go; 0: nowhere */
	uint16_t domain;              /* of its VRF: next hops are looked for there, */
	int vrf;                      /* ... and by the routes of this device; 0: by main's */
	bool is_ibgp;
	uint32_t router_id; /* of the peer */
	struct ip_addr address;
	int ifindex; /* of the way to it; 0: unknown */
};

/* Next hops whose links were looked for, each where its hash says; zeroed: none yet. */
#define RECEIVE_LINKS 64
struct receive_links {
	struct {
		struct ip_addr addr;
		int ifindex; /* 0: of none */
		uint16_t domain;
		bool is_known;
	} items[RECEIVE_LINKS];
};

struct receive_peers {
	const struct receive_peer *items;
	size_t n; /* at most 64 */
	const struct plan_node *node;
	struct receive_links *links; /* of this node as it is now; NULL: nothing is kept */
};

/* Why a route that is accepted is not followed, or that it is. */
enum receive_fate {
	RECEIVE_BEST,        /* the first of those that are followed */
	RECEIVE_MULTIPATH,   /* of equal cost, and followed as well */
	RECEIVE_UNREACHABLE, /* nothing leads to its next hop (9.1.2.1) */
	RECEIVE_WORSE,
};

struct receive_choice {
	uint64_t has;    /* bit i: peers[i] has an accepted route of the table */
	uint64_t chosen; /* those that are followed */
	size_t best;     /* one of them, if there is any */
	uint64_t unreachable;
	struct fib_hops hops; /* none: no route */
};

/* Of the peers of the table. */
void receive_choose(const struct receive_peers *peers, uint32_t table,
		    const struct ip_prefix *prefix, struct receive_choice *ret);
enum receive_fate receive_fate(const struct receive_choice *c, size_t peer);

/* The way to a path's next hop, as the kernel will be told; false: there is none. */
bool receive_resolve(const struct receive_peers *peers, const struct receive_peer *peer,
		     const struct bgp_path *path, struct fib_hop *ret, uint32_t *ret_cost);
