// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What holds of an Adj-RIB-In whatever a peer has said. */
#pragma once

#include "bgp/bgp_path.h"
#include "bgp/bgp_rib_in.h"

#include <assert.h>

static inline void rib_in_check(const struct bgp_rib_in *rib, const struct bgp_import *import)
{
	const struct bgp_rib_in_counts c = bgp_rib_in_counts(rib);
	/* What changed since somebody looked may be judged by a former policy. */
	const bool is_decided = !bgp_rib_in_has_changed(rib);
	size_t pos = 0, n_by[BGP_N_VERDICTS] = {0}, n_stale = 0;
	struct ip_prefix last = {.len = 0};
	struct bgp_rib_in_route r;

	for (size_t i = 0; bgp_rib_in_next(rib, &pos, &r); i++) {
		const char *what;
		const enum bgp_verdict v = bgp_import_judge(import, &r.prefix, &what);

		assert(i == 0 || ip_prefix_cmp(&last, &r.prefix) < 0);
		assert(r.verdict != BGP_ACCEPTED || !r.path->fault);
		assert(r.verdict != BGP_ACCEPTED || !is_decided || v == BGP_ACCEPTED);
		assert((bgp_rib_in_accepted(rib, &r.prefix) != NULL) ==
		       (r.verdict == BGP_ACCEPTED));
		assert(r.path->n_as_path <= BGP_PATH_ASNS_MAX);
		assert(r.path->n_communities <= BGP_PATH_COMMUNITIES_MAX);
		n_by[r.verdict]++;
		n_stale += r.is_stale;
		last = r.prefix;
	}
	assert(memcmp(n_by, c.n_by, sizeof(n_by)) == 0 && c.n_stale == n_stale);
	assert(c.n_accepted == n_by[BGP_ACCEPTED]);
	if (!is_decided)
		return;
	assert(c.n_accepted <= import->max_prefixes);
	assert(n_by[BGP_OVER_LIMIT] == 0 || c.n_accepted == import->max_prefixes);
}

/* One of a few policies. */
static inline struct bgp_import rib_in_import(uint8_t bits)
{
	static const struct ip_prefix blocked = {.addr = {{[10] = 0xff, 0xff, 127}}, .len = 8};
	static const struct bgp_import_rule rules[] = {
		{.prefix = {.addr = {{[10] = 0xff, 0xff, 10}}, .len = 8}, .from = 8, .to = 24},
		{.prefix = {.addr = {{0x20, 0x01}}, .len = 16}, .from = 32, .to = 64}};
	static const struct bgp_reserved reserved[] = {
		{.range = {.first = {{[10] = 0xff, 0xff, 10, 1}},
			   .last = {{[10] = 0xff, 0xff, 10, 2, 255, 255}}},
		 .what = "x"}};

	return (struct bgp_import){.all = bits & 1,
				   .rules = rules,
				   .n_rules = bits >> 1 & 1 ? ARRAY_SIZE(rules) : 0,
				   .reserved = reserved,
				   .n_reserved = bits >> 2 & 1,
				   .blocked = &blocked,
				   .n_blocked = bits >> 3 & 1,
				   .max_prefixes = bits >> 4};
}
