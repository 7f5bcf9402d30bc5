// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sources that reach no VIP: from the lists that are wanted to the steps by which the map `ranges`
 * comes to hold them, and the bits that say where the programs need to look (bpf/abi.h). The map
 * is the caller's, who does the steps; a list that changes by one prefix is one step, and with
 * many it is gone on with in the next turn.
 *
 * What is denied before and after a change is so at any time between; so is what is only asked of
 * the bits, which are set before a prefix is in the map and cleared after it is out.
 */
#pragma once

#include "lb/lb.h"
#include "lb/lb_uplinks.h"

struct lb_deny;

/* The map's LB_DENY_WORDS words, and the words that say whether they count; borrowed. */
struct lb_deny *lb_deny_new(uint64_t *bits, const struct lb_uplinks *uplinks);
struct lb_deny *lb_deny_free(struct lb_deny *d);

/* What the map holds of a former run, in any order; once, before anything else. */
void lb_deny_adopt(struct lb_deny *d, struct ip_prefix *sources, size_t n);

/*
 * Wants the sources of all these lists, and with `keep` those that are denied already; copies them.
 * Nothing happens if it wants lists of these names already.
 */
void lb_deny_want(struct lb_deny *d, const struct lb_denied *lists, size_t n, bool keep);

/* What is to be done next, all of one kind. */
struct lb_deny_step {
	bool is_put;                   /* into the map; else out of it */
	const struct ip_prefix *items; /* until the next want */
	size_t n;
};
/* At most n_max of it; false: nothing is left to be done. */
bool lb_deny_next(struct lb_deny *d, size_t n_max, struct lb_deny_step *ret);
/* The first n of that step are done. */
void lb_deny_done(struct lb_deny *d, const struct lb_deny_step *step, size_t n);
/*
 * The map is full: the next step, if there is one of the other kind, makes room. False: there is
 * none, and trying again is of no use for now.
 */
bool lb_deny_make_room(struct lb_deny *d);

/* How many prefixes are in the map, and how many are to be in the end. */
size_t lb_deny_count(const struct lb_deny *d);
size_t lb_deny_wanted(const struct lb_deny *d);
