// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl blackhole`: the operator has packets to a prefix dropped, for a while or until he takes
 * it back. What he asked for is kept under --state and is an input of the plan, which says what
 * comes of it (plan/plan_discards.h).
 */
#pragma once

#include "base/addr.h"
#include "base/limits.h"
#include "base/nsec.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct agent;
struct show_filter;
struct strbuf;
struct unix_request;

struct agent_order {
	struct ip_prefix prefix;
	nsec_t until;     /* NSEC_NEVER: until it is taken back */
	uint32_t seconds; /* from when it was asked for; 0: no end */
};
struct agent_discards {
	struct agent_order items[LIMIT_DISCARD_ORDERS];  /* by prefix */
	struct ip_prefix prefixes[LIMIT_DISCARD_ORDERS]; /* theirs, for the plan */
	size_t n;
	int error;    /* -errno of the last time that they were programmed */
	bool changed; /* what is programmed has, since */
};

/* Before the first plan. */
void discards_load(struct agent *a);

#define DISCARD_SECONDS_MAX (10 * 365 * 86400u)
/* Adds one, or gives it another time; 0: until it is removed. False: there are too many. */
bool discards_put(struct agent *a, const struct ip_prefix *prefix, uint32_t seconds) must_check;
/* False: there is none. */
bool discards_remove(struct agent *a, const struct ip_prefix *prefix) must_check;
/* That of this very prefix, or NULL. */
const struct agent_order *discards_find(const struct agent *a, const struct ip_prefix *prefix);
/*
 * Answers a request that is root's. True: there is more to come, after the next plan
 * (unix_handler).
 */
bool discards_ask(struct agent *a, const cJSON *request, struct unix_request *r,
		  struct strbuf *reply);
/* Ends those whose time is over; returns when to come again. */
nsec_t discards_tick(struct agent *a, nsec_t now);
/* The plan's into the data plane; what could not be set is logged when that begins. */
void discards_apply(struct agent *a, nsec_t now);
/* Adds the rows of the plan's to a list. */
void discards_show(const struct agent *a, const struct show_filter *filter, cJSON *out);
