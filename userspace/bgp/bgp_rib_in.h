// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The Adj-RIB-In of one peer: what it has announced, of each route whether it is accepted, and
 * which prefixes have changed since somebody looked. Kept is what is accepted (up to the limit) and
 * of the rest BGP_REJECTED_MAX routes for who asks why; what is beyond that is counted. Without an
 * import policy nothing is kept at all.
 *
 * Routes may be stale (RFC 4724 4.2, RFC 7313 4): as good as others, until they are swept.
 */
#pragma once

#include "bgp/bgp_family.h"
#include "bgp/bgp_import.h"

#define BGP_REJECTED_MAX 10000 /* routes that are kept though they are not accepted */

struct bgp_malformed;
struct bgp_path;
struct bgp_rib_in;
struct bgp_update;
struct bgp_update_session;

struct bgp_rib_in *bgp_rib_in_new(uint64_t seed);
struct bgp_rib_in *bgp_rib_in_free(struct bgp_rib_in *rib);

/*
 * Another policy, which is copied: what comes is judged by it from now on, and what is kept as
 * bgp_rib_in_go_on() comes to it. True: the peer has sent routes
 * that are not kept and may be accepted now, so it is to be asked for all of them again.
 */
bool bgp_rib_in_set_import(struct bgp_rib_in *rib, const struct bgp_import *import) must_check;
/* That there is a policy by which something may be accepted. */
bool bgp_rib_in_is_open(const struct bgp_rib_in *rib);

/* An UPDATE that is good: what it withdraws goes, then what it announces comes. */
void bgp_rib_in_learn(struct bgp_rib_in *rib, const struct bgp_update *u,
		      const struct bgp_update_session *s);
/* One that is treated as withdraw (RFC 7606 2): all that it names goes. */
void bgp_rib_in_unlearn(struct bgp_rib_in *rib, const struct bgp_update *u);
/* The last that was malformed, for who keeps it and who looks at it. */
struct bgp_malformed *bgp_rib_in_malformed(struct bgp_rib_in *rib);

/* All routes of the family are stale; those that were already go. */
void bgp_rib_in_stale(struct bgp_rib_in *rib, enum bgp_family family);
/* Those that are stale still go. */
void bgp_rib_in_sweep(struct bgp_rib_in *rib, enum bgp_family family);
/* All go. */
void bgp_rib_in_drop(struct bgp_rib_in *rib, enum bgp_family family);
/*
 * True, once: there is room again for routes that were over the limit and are not kept, so the peer
 * is to be asked for all of them.
 */
bool bgp_rib_in_has_room_again(struct bgp_rib_in *rib);

/*
 * What concerns all that is kept is done in pieces: routes that are gone are taken out, the others
 * judged by the policy, and what was over the limit is accepted where there is room. Looks at up to
 * n_max routes; returns at how many: 0, when there is nothing to be done.
 */
size_t bgp_rib_in_go_on(struct bgp_rib_in *rib, size_t n_max);

/*
 * The next prefix whose accepted route is another one than when it was last taken. Once
 * bgp_rib_in_go_on() is through all of them come.
 */
bool bgp_rib_in_take(struct bgp_rib_in *rib, struct ip_prefix *ret) must_check;
/* That there is one, or may be once bgp_rib_in_go_on() is through. */
bool bgp_rib_in_has_changed(const struct bgp_rib_in *rib);
/* All that are accepted are to be taken again. */
void bgp_rib_in_retake(struct bgp_rib_in *rib);
/* The accepted route's; NULL: there is none. Valid until the rib next changes. */
const struct bgp_path *bgp_rib_in_accepted(const struct bgp_rib_in *rib,
					   const struct ip_prefix *prefix);

struct bgp_rib_in_counts {
	size_t n_accepted, n_stale;  /* stale: accepted or not */
	size_t n_by[BGP_N_VERDICTS]; /* kept, by verdict */
	size_t n_paths;              /* different sets of attributes */
	size_t n_not_kept;           /* at least so many at most: a peer may announce one again */
	bool is_over_limit;          /* more were to be accepted than are */
};
struct bgp_rib_in_counts bgp_rib_in_counts(const struct bgp_rib_in *rib);

/* Walks what is kept, in prefix order. Start with *pos = 0; false at the end. */
struct bgp_rib_in_route {
	struct ip_prefix prefix;
	enum bgp_verdict verdict;
	const char *what; /* of BGP_RESERVED: what is in the way; else NULL */
	bool is_stale;
	const struct bgp_path *path; /* borrowed until the rib next changes */
};
bool bgp_rib_in_next(const struct bgp_rib_in *rib, size_t *pos, struct bgp_rib_in_route *ret);
/* The position of the first behind a prefix. */
size_t bgp_rib_in_behind(const struct bgp_rib_in *rib, const struct ip_prefix *prefix);
