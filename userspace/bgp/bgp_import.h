// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which of the routes that a peer sends are accepted, as data: what it may send, and what nobody
 * may send because this host or its cluster reaches it in another way. Zeroed it accepts nothing,
 * and then nothing of the peer is kept.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"

/* Routes below the prefix of a length from..to. */
struct bgp_import_rule {
	struct ip_prefix prefix;
	uint8_t from, to;
};

/*
 * Addresses that no route is to cover or to lie in, unless a rule says exactly its prefix, and
 * nothing else.
 */
struct bgp_reserved {
	struct ip_range range;
	const char *what; /* "a pod network (Node a)" */
};

struct bgp_import {
	bool all; /* as a rule for everything would, which names nothing */
	const struct bgp_import_rule *rules;
	size_t n_rules;
	const struct bgp_reserved *reserved; /* by address, none overlaps another */
	size_t n_reserved;
	const struct ip_prefix *blocked; /* and in these there is none, whatever rules say */
	size_t n_blocked;
	size_t max_prefixes; /* accepted at the same time */
};

enum bgp_verdict {
	BGP_ACCEPTED,
	BGP_NOT_ASKED_FOR, /* by no rule */
	BGP_DEFAULT_ROUTE, /* and no rule says it in so many words */
	BGP_RESERVED,
	BGP_BLOCKED,
	BGP_OWN_ASN,      /* in AS_PATH: a loop (RFC 4271 9.1.2) */
	BGP_OWN_ROUTE,    /* ORIGINATOR_ID is our own (RFC 4456 8) */
	BGP_LEAK,         /* against the roles (RFC 9234 5) */
	BGP_OWN_NEXT_HOP, /* the next hop is our own address (RFC 4271 5.1.3) */
	BGP_OVER_LIMIT,   /* there are max_prefixes already */
	BGP_N_VERDICTS,
};
/* "not asked for", "reserved", ...; of BGP_ACCEPTED "accepted". */
const char *bgp_verdict_text(enum bgp_verdict v);

bool bgp_import_is_nothing(const struct bgp_import *i);
bool bgp_import_equal(const struct bgp_import *a, const struct bgp_import *b);
/* A deep copy in the arena. */
struct bgp_import bgp_import_copy(struct arena *arena, const struct bgp_import *i);

/*
 * What becomes of a route to the prefix, but for what depends on the route: one of the first five.
 * *ret_what: what is in the way of BGP_RESERVED, borrowed; NULL with others.
 */
enum bgp_verdict bgp_import_judge(const struct bgp_import *i, const struct ip_prefix *prefix,
				  const char **ret_what);
