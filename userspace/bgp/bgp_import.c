// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rules are few and are tried one by one; reserved ranges may be as many as there are nodes and
 * Services, and are searched.
 */
#include "bgp/bgp_import.h"

const char *bgp_verdict_text(enum bgp_verdict v)
{
	static const char *const text[BGP_N_VERDICTS] = {
		[BGP_ACCEPTED] = "accepted",
		[BGP_NOT_ASKED_FOR] = "not asked for",
		[BGP_DEFAULT_ROUTE] = "default route",
		[BGP_RESERVED] = "reserved",
		[BGP_BLOCKED] = "blocked",
		[BGP_OWN_ASN] = "own AS number in the path",
		[BGP_OWN_ROUTE] = "own route reflected",
		[BGP_LEAK] = "leaked",
		[BGP_OWN_NEXT_HOP] = "own address as next hop",
		[BGP_OVER_LIMIT] = "over the limit",
	};

	return v < BGP_N_VERDICTS ? text[v] : "unknown";
}

bool bgp_import_is_nothing(const struct bgp_import *i)
{
	return !i->all && i->n_rules == 0;
}

static bool same(const void *a, const void *b, size_t n, size_t size)
{
	return n == 0 || memcmp(a, b, n * size) == 0;
}

bool bgp_import_equal(const struct bgp_import *a, const struct bgp_import *b)
{
	if (a->all != b->all || a->n_rules != b->n_rules || a->n_reserved != b->n_reserved ||
	    a->n_blocked != b->n_blocked || a->max_prefixes != b->max_prefixes)
		return false;
	if (!same(a->rules, b->rules, a->n_rules, sizeof(*a->rules)) ||
	    !same(a->blocked, b->blocked, a->n_blocked, sizeof(*a->blocked)))
		return false;
	for (size_t i = 0; i < a->n_reserved; i++)
		if (!same(&a->reserved[i].range, &b->reserved[i].range, 1,
			  sizeof(a->reserved[i].range)) ||
		    strcmp(a->reserved[i].what, b->reserved[i].what) != 0)
			return false;
	return true;
}

struct bgp_import bgp_import_copy(struct arena *arena, const struct bgp_import *i)
{
	struct bgp_reserved *reserved = arena_array_of(arena, i->n_reserved, struct bgp_reserved);
	struct bgp_import ret = *i;

	for (size_t k = 0; k < i->n_reserved; k++) {
		const char *what = i->reserved[k].what;
		const bool again = k > 0 && strcmp(what, reserved[k - 1].what) == 0;

		reserved[k] = (struct bgp_reserved){.range = i->reserved[k].range,
						    .what = again ? reserved[k - 1].what
								  : arena_strdup(arena, what)};
	}
	ret.rules = arena_memdup(arena, i->rules, i->n_rules * sizeof(*i->rules));
	ret.blocked = arena_memdup(arena, i->blocked, i->n_blocked * sizeof(*i->blocked));
	ret.reserved = reserved;
	return ret;
}

/* What the prefix covers or lies in; NULL: nothing. */
static const struct bgp_reserved *reserved_by(const struct bgp_import *i, const struct ip_prefix *p)
{
	const struct ip_range range = ip_prefix_range(p);
	size_t low = 0, high = i->n_reserved;

	while (low < high) { /* the first that does not end before the prefix begins */
		const size_t middle = low + (high - low) / 2;

		if (ip_addr_cmp(&i->reserved[middle].range.last, &range.first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == i->n_reserved || !ip_range_overlaps(&i->reserved[low].range, &range))
		return NULL;
	return &i->reserved[low];
}

static bool is_under(const struct ip_prefix *p, const struct ip_prefix *under)
{
	return p->len >= under->len && ip_prefix_has(under, &p->addr);
}

static bool is_blocked(const struct bgp_import *i, const struct ip_prefix *p)
{
	for (size_t k = 0; k < i->n_blocked; k++)
		if (is_under(p, &i->blocked[k]))
			return true;
	return false;
}

enum bgp_verdict bgp_import_judge(const struct bgp_import *i, const struct ip_prefix *prefix,
				  const char **ret_what)
{
	bool is_asked_for = i->all, is_named = false;
	const struct bgp_reserved *reserved;

	*ret_what = NULL;
	for (size_t k = 0; k < i->n_rules; k++) {
		const struct bgp_import_rule *r = &i->rules[k];

		if (!is_under(prefix, &r->prefix) || prefix->len < r->from || prefix->len > r->to)
			continue;
		is_asked_for = true;
		is_named |= r->from == r->to && prefix->len == r->prefix.len;
	}
	if (!is_asked_for)
		return BGP_NOT_ASKED_FOR;
	if (is_blocked(i, prefix))
		return BGP_BLOCKED;
	if (is_named)
		return BGP_ACCEPTED;
	if (prefix->len == 0)
		return BGP_DEFAULT_ROUTE;
	reserved = reserved_by(i, prefix);
	if (!reserved)
		return BGP_ACCEPTED;
	*ret_what = reserved->what;
	return BGP_RESERVED;
}
