// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes on demand, as the plan's tests ask for them: by the operator, by the Service "web",
 * and told to peers that want to hear of them.
 */
#pragma once

#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ip_prefix orders[8];

/* The operator's blackholes, of one list of prefixes with blanks; sorted. */
static inline void order(struct fixture *f, const char *prefixes)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	char *text = arena_strdup(arena, prefixes), *at = text, *word;
	size_t n = 0;

	while ((word = strsep(&at, " ")))
		if (word[0])
			assert_true(ip_prefix_parse(word, &orders[n++]));
	f->settings.discards = orders;
	f->settings.n_discards = n;
}

/* `where`: peerAddress and what else the spec has. */
static inline void put_peer(struct fixture *f, const char *name, bool asks, const char *where)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, asks ? "annotations: {lodestone.io/rtbh: \"true\"}" : "",
		       arena_printf(arena, "spec: {myASN: 64512, peerASN: 64513, %s}", where));
}

static inline void annotate(struct fixture *f, const char *annotations)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	fixture_object(f, "Service", "web", arena_printf(arena, "annotations: {%s}", annotations),
		       "spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: "
		       "[{port: 80}]}");
}

static inline bool has_community(const struct bgp_attrs *a, uint32_t c)
{
	for (size_t i = 0; a && i < a->n_communities; i++)
		if (a->communities[i] == c)
			return true;
	return false;
}
