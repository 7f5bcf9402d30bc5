// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What two speakers say of routes, side by side: of each route that one of them sends to a peer
 * whether the other sends it, too, and what it says otherwise. And the same of lists of words by
 * name, such as the peers to which a Service is announced. Pure; what is compared is borrowed.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"

/* Words, sorted by strcmp, no doubles. */
struct words {
	const char *const *items;
	size_t n;
};
/* Sorts them in place and takes doubles out. */
struct words words_make(const char **items, size_t n);
bool words_equal(const struct words *a, const struct words *b);

enum route_says {
	ROUTE_SAYS_NEXT_HOP = 1 << 0,
	ROUTE_SAYS_PATH = 1 << 1,
	ROUTE_SAYS_LOCAL_PREF = 1 << 2,
	ROUTE_SAYS_MED = 1 << 3,
	ROUTE_SAYS_COMMUNITIES = 1 << 4,
	ROUTE_SAYS_LARGE = 1 << 5,
	ROUTE_SAYS_EXTENDED = 1 << 6,
	ROUTE_N_SAYS = 7,
};
/* "nextHop", "asPath", ...: of one bit. */
const char *route_says_text(unsigned bit);

struct route_said {
	const char *peer; /* to whom; as a name */
	struct ip_prefix prefix;
	unsigned known; /* bits of enum route_says; of the others nothing is known */
	struct ip_addr next_hop;
	const char *path;         /* AS numbers with one blank between them; "": none */
	uint32_t local_pref, med; /* no MED is the same as 0 (RFC 4271 9.1.2.2) */
	struct words communities, large, extended;
};

enum difference { SAME, MISSING, EXTRA, DIFFERENT, N_DIFFERENCES };
/* "equal", "missing", "extra", "different": of what is ours beside what is theirs. */
const char *difference_text(enum difference d);

struct route_difference {
	enum difference what;
	const struct route_said *theirs, *ours; /* NULL: EXTRA and MISSING */
	unsigned differs;                       /* bits of enum route_says, with DIFFERENT */
};

/*
 * Compares two lists, which it sorts by peer and prefix; of the same peer and prefix the
 * one counts of which most is known. What only one of them knows of a route is no difference.
 * Returns how many there are in *ret, by peer and prefix, equal ones too.
 */
size_t route_diff(struct route_said *theirs, size_t n_theirs, struct route_said *ours,
		  size_t n_ours, struct arena *arena, struct route_difference **ret);

/* Some words by a name, "NAMESPACE/NAME" of a Service. */
struct named_words {
	const char *name;
	struct words words;
};
struct words_difference {
	enum difference what;
	const struct named_words *theirs, *ours; /* NULL: EXTRA and MISSING */
};
/* The same of these, by name. */
size_t words_diff(struct named_words *theirs, size_t n_theirs, struct named_words *ours,
		  size_t n_ours, struct arena *arena, struct words_difference **ret);
