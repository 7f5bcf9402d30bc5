// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes from peers: the plan says by which policy they are accepted, and from there on they go by
 * themselves, prefix by prefix, from the Adj-RIBs-In through the choice into the kernel
 * (docs/decisions/090). Here is when: some of each in a turn, so that a full table delays nobody.
 */
#pragma once

#include "base/nsec.h"
#include "plan/fib.h"
#include "plan/plan_receive_choice.h"
#include "sys/netlink.h"

#include <cjson/cJSON.h>

struct agent;
struct agent_peer;
struct plan;
struct problems;
struct rtnl_fib;

#define RECEIVING_ASKED_MAX 128 /* next hops that lie on no link of this node */

/* A table that routes were ever put into. */
struct receiving_table {
	uint32_t number;
	size_t walk; /* the routes before this one are still to be decided anew */
};

struct agent_receiving {
	struct rtnl_fib *rtnl;         /* owned; NULL: routes cannot be installed */
	int error;                     /* why: -errno */
	struct fib *fib;               /* owned */
	struct receive_peer peers[64]; /* as agent_peers; of them: */
	uint64_t open;                 /* something may be accepted */
	uint64_t over;                 /* ... and more is sent than may be */
	struct receive_peers all;
	struct receive_links links; /* that all of them lead to, since the last plan */
	struct receiving_table tables[64];
	size_t n_tables;
	uint64_t seen;  /* hash of what the choice depends on beside the routes */
	nsec_t look_at; /* the kernel is looked at then */
	bool is_looking, has_looked;
	bool is_looks_turn; /* of the helper, before that of changes */
	bool is_busy;       /* something was done that is not told yet */
	struct netlink_ask
		asked[RECEIVING_ASKED_MAX]; /* the kernel is asked for the way to these */
	size_t n_asked;
	struct fib_counts said; /* when there was nothing to do last; problems are of these */
};

/* Total. */
void receiving_start(struct agent *a);
void receiving_stop(struct agent *a);

/* The socket by which routes are installed (netlink_ignore()); 0: none. */
uint32_t receiving_port(const struct agent *a);

/* Gives the peers, which are the plan's, their policies, and looks again where need be. */
void receiving_apply(struct agent *a, const struct plan *plan, nsec_t now);
/* A peer is about to be freed: its routes go, some in each turn. Before that. */
void receiving_forget(struct agent_receiving *r, struct agent_peer *p);
/* Somebody changed routes where ours are. */
void receiving_look(struct agent *a, nsec_t now);

/* Some of what there is to do; returns when to come again. */
nsec_t receiving_step(struct agent *a, nsec_t now);

void receiving_problems(const struct agent *a, struct problems *list);

/* lodestoned --cleanup: takes away all that is ours. 0 or -errno. */
int receiving_cleanup(void) must_check;
