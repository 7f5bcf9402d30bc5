// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What `lodectl` shows, as JSON (DESIGN 10 fixes the keys). Each reads the agent and changes
 * nothing; the caller owns the result.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

struct agent;

/* Each NULL: no restriction. */
struct show_filter {
	const char *name, *ns, *peer;
	int received; /* of routes: those that peers sent */
};

cJSON *show_status(const struct agent *a);
cJSON *show_peers(const struct agent *a, const struct show_filter *filter);
cJSON *show_routes(const struct agent *a, const struct show_filter *filter);
/* No sessions yet: an empty list, as the contract has it. */
cJSON *show_bfd(const struct agent *a, const struct show_filter *filter);
cJSON *show_services(const struct agent *a, const struct show_filter *filter);
cJSON *show_pools(const struct agent *a, const struct show_filter *filter);
cJSON *show_problems(const struct agent *a, const struct show_filter *filter);

/*
 * Adds `drops` and `passed`, counts by reason (enum lb_drop): of packets that were lost, and of
 * those that went on and are counted all the same; and `meanings`, a sentence for each.
 */
void show_add_counts(cJSON *to, const uint64_t *counts, size_t n);
/* Adds a string, or null when it is NULL or empty. */
void show_add_text(cJSON *to, const char *key, const char *text);
/* True if a filter's word is absent or equal. */
int show_matches(const char *filter, const char *text);
