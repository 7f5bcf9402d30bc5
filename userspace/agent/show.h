// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What `lodectl` shows, as JSON (DESIGN 10 fixes the keys). Each reads the agent and changes
 * nothing; the caller owns the result.
 */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/nsec.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct agent;

/*
 * How far a long list was told. Each call goes on behind what the one before told last and tells
 * about SHOW_PIECE items; the plan may be another one by then, so an item that comes or goes
 * meanwhile may be told or not.
 */
#define SHOW_PIECE 400 /* routes, backends, and Services without any */
struct show_cursor {
	bool is_over;            /* that was the rest */
	bool is_begun, has_told; /* has_told: there was something in it */
	size_t at;               /* Services, backends: items before it were told */
	size_t within;           /* backends: and so many of this one, or of the last Service */
	bool is_open;            /* Services: there are more of that one's, see show_services() */
	uint64_t last; /* Services: the last of them; backends: this one; a hash of the key */
	struct ip_prefix prefix; /* routes: the last one */
};

/* Each NULL: no restriction. */
struct show_filter {
	const char *name, *ns, *peer;
	const char *vrf;            /* "default": of none */
	const char *prefix;         /* what lies in `within` */
	const struct ip_addr *vips; /* of routes: those that one of these lies in */
	size_t n_vips;
	bool is_of_service; /* ... if there are any */
	struct ip_prefix within;
	bool received; /* of routes: those that peers sent */
	bool planned;  /* of routes: those that are to be sent, or would be */
};

/*
 * What a request wants, its strings and what is in the arena borrowed. False: *ret_error is a
 * sentence.
 */
bool show_filter_read(const struct agent *a, const cJSON *request, struct arena *arena,
		      struct show_filter *ret, const char **ret_error) must_check;
/* The routing world of a peer, "" for the default one, is not left out. */
bool show_matches_vrf(const struct show_filter *filter, const char *vrf);
/* Nor is the prefix: of this name, within the one asked for, and on the way to the Service. */
bool show_matches_prefix(const struct show_filter *filter, const struct ip_prefix *prefix);
/* Nor a Service's address, which may be none. */
bool show_matches_vip(const struct show_filter *filter, const struct ip_addr *vip);

cJSON *show_status(const struct agent *a);
/* Adds "unwell": peers, reasons of Services and problems, the first few of each by name. */
void show_unwell(const struct agent *a, cJSON *to);
/* Adds "objects": how many are configured, and their fingerprint. */
void show_objects(const struct agent *a, cJSON *to);
cJSON *show_peers(const struct agent *a, const struct show_filter *filter);
/* In pieces; zero the cursor at first. */
cJSON *show_routes(const struct agent *a, const struct show_filter *filter, struct show_cursor *c);
/* The same of routes that peers have sent. */
cJSON *show_received(const struct agent *a, const struct show_filter *filter,
		     struct show_cursor *c);
/*
 * Backends are the last of a Service's values. A Service of very many is told in pieces, too: as
 * long as the cursor is open the next piece is not of Services but of backends, which belong to the
 * last one.
 */
cJSON *show_services(const struct agent *a, const struct show_filter *filter,
		     struct show_cursor *c);
/* A row for each backend of each frontend, also of those whose Service is gone. */
cJSON *show_backends(const struct agent *a, const struct show_filter *filter,
		     struct show_cursor *c);
/* Adds kernelRoutes: how many of ours the kernel was told, and put again after somebody's hand. */
void show_kernel_routes(const struct agent *a, cJSON *to);
cJSON *show_bfd(const struct agent *a, const struct show_filter *filter);
cJSON *show_blackholes(const struct agent *a, const struct show_filter *filter);
/* Adds otherNodes: how many are asked for their echo, and answer. */
void show_other_nodes(const struct agent *a, cJSON *to);
cJSON *show_nodes(const struct agent *a, const struct show_filter *filter);
cJSON *show_pools(const struct agent *a, const struct show_filter *filter);
cJSON *show_problems(const struct agent *a, const struct show_filter *filter);
struct problem;
cJSON *show_problem(const struct agent *a, const struct problem *p);

/*
 * Adds `drops` and `passed`, counts by reason (enum lb_drop): of packets that were lost, and of
 * those that went on and are counted all the same; and `meanings`, a sentence for each.
 */
void show_add_counts(cJSON *to, const uint64_t *counts, size_t n);
/* Adds drainSeconds, those that are left until then; 0: null. */
void show_add_left(cJSON *to, nsec_t until);
/* Adds a string, or null when it is NULL or empty. */
void show_add_text(cJSON *to, const char *key, const char *text);
/* True if a filter's word is absent or equal. */
int show_matches(const char *filter, const char *text);
