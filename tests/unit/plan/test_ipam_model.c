// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The allocator against a naive one, over thousands of small random worlds: pools that overlap, in
 * pieces, avoiding, pinned; Services that have addresses, ask for some, ask for pools, share, or
 * cannot be seen. The naive one walks address by address, pool by pool and user by user, and knows
 * no sorted set, no cursor and no index.
 */
#include "fake/plan_fixture.h"

#include "base/rng.h"
#include "plan/plan_objects.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_WORLDS     3000
#define MAX_SERVICES 10
#define MAX_POOLS    4
#define FIRST        0x0a0000f8u /* 10.0.0.248: .255 and .0 lie in between */
#define N_ADDRESSES  18u

/* --- the naive allocator -------------------------------------------------------------------- */

struct service {
	const struct api_object *o; /* NULL: kept for one that cannot be seen */
	struct ip_addr asked, owned;
	const char *owned_pool, *wish, *key;
	bool refused, waits, by_wish;
	struct ip_addr has, leaves; /* leaves: has that as well, until all have moved */
	const struct api_object *pool;
};

struct model {
	struct object_list pools;
	struct ip_addr router; /* never given */
	struct service services[2 * MAX_SERVICES];
	size_t n;
};

static bool holds(const struct api_object *pool, const struct ip_addr *a)
{
	for (size_t i = 0; i < pool->pool.n_ranges; i++)
		if (ip_range_has(&pool->pool.ranges[i], a))
			return true;
	return false;
}

static bool avoids(const struct api_object *pool, const struct ip_addr *a)
{
	return pool->pool.avoid_buggy && (a->b[15] == 0 || a->b[15] == 255);
}

static bool admits(const struct api_object *pool, const struct api_object *service)
{
	if (!pool->pool.has_service_allocation)
		return true;
	return (pool->pool.namespaces.n == 0 ||
		plan_strings_have(&pool->pool.namespaces, service->meta.ns)) &&
	       selectors_match(&pool->pool.service_selectors, &service->meta.labels, true);
}

static const struct api_object *oldest(const struct model *m, const struct ip_addr *a)
{
	for (size_t i = 0; i < m->pools.n; i++)
		if (holds(m->pools.items[i], a))
			return m->pools.items[i];
	return NULL;
}

static const struct api_object *named(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->pools.n; i++)
		if (strcmp(m->pools.items[i]->meta.name, name) == 0)
			return m->pools.items[i];
	return NULL;
}

static bool uses(const struct service *s, const struct ip_addr *a)
{
	return (s->pool && ip_addr_equal(&s->has, a)) || ip_addr_equal(&s->leaves, a);
}

static const struct api_object *by_right(const struct model *m, const struct service *s,
					 const struct ip_addr *a)
{
	const struct api_object *p = named(m, s->owned_pool);

	return p && ip_addr_equal(a, &s->owned) && holds(p, a) ? p : oldest(m, a);
}

static const struct api_object *say(const struct model *m, const struct service *s,
				    const struct ip_addr *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->services[i].o && m->services[i].pool &&
		    ip_addr_equal(&m->services[i].has, a))
			return m->services[i].pool;
	return by_right(m, s, a);
}

static bool may_share(const struct service *user, const struct service *s, const struct ip_addr *a)
{
	const struct api_service *x, *y = &s->o->service;

	if (!user->o)
		return ip_addr_equal(&s->owned, a);
	x = &user->o->service;
	if (!user->key || !s->key || strcmp(user->key, s->key) != 0 ||
	    x->policy_local != y->policy_local)
		return false;
	for (size_t i = 0; i < x->n_ports; i++)
		for (size_t k = 0; k < y->n_ports; k++)
			if (x->ports[i].port == y->ports[k].port &&
			    x->ports[i].protocol == y->ports[k].protocol)
				return false;
	return true;
}

static bool is_in_the_way(const struct service *user, const struct service *s,
			  const struct ip_addr *a)
{
	return uses(user, a) && !may_share(user, s, a);
}

static bool is_taken(const struct model *m, const struct service *s, const struct ip_addr *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (is_in_the_way(&m->services[i], s, a))
			return true;
	return false;
}

static bool is_allowed(struct model *m, const struct service *s, const struct ip_addr *a,
		       const char *wish)
{
	const struct api_object *p = say(m, s, a);

	return p && !ip_addr_equal(a, &m->router) && admits(p, s->o) &&
	       (!wish || strcmp(wish, p->meta.name) == 0) && !avoids(p, a) && !is_taken(m, s, a);
}

static void take(const struct model *m, struct service *s, const struct ip_addr *a)
{
	s->pool = say(m, s, a);
	s->has = *a;
}

static void keep(struct model *m, struct service *s)
{
	if (!s->o || ip_addr_is_none(&s->owned) ||
	    (!ip_addr_is_none(&s->asked) && !ip_addr_equal(&s->asked, &s->owned)))
		return;
	if (is_allowed(m, s, &s->owned, NULL))
		take(m, s, &s->owned);
	else
		s->waits = s->waits && !named(m, s->owned_pool);
}

static void ask(struct model *m, struct service *s)
{
	if (!s->o || s->pool || ip_addr_is_none(&s->asked) || !is_allowed(m, s, &s->asked, s->wish))
		return;
	take(m, s, &s->asked);
	s->by_wish = true;
}

static void fall_back(struct model *m, struct service *s, struct service **list, size_t *n)
{
	const struct api_object *p = by_right(m, s, &s->owned);
	bool may = p && admits(p, s->o) && !avoids(p, &s->owned) &&
		   !ip_addr_equal(&s->owned, &m->router);

	if (ip_addr_is_none(&s->owned) || ip_addr_equal(&s->owned, &s->asked))
		return;
	for (size_t i = 0; i < m->n; i++)
		may &= !is_in_the_way(&m->services[i], s, &s->owned) || m->services[i].by_wish;
	for (size_t i = 0; i < m->n && may; i++) {
		struct service *user = &m->services[i];

		if (!is_in_the_way(user, s, &s->owned))
			continue;
		user->pool = NULL;
		user->by_wish = false;
		list[(*n)++] = user;
	}
	if (is_allowed(m, s, &s->owned, NULL))
		take(m, s, &s->owned);
}

static void ask_all(struct model *m)
{
	struct service *list[2 * MAX_SERVICES];
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		ask(m, &m->services[i]);
	for (size_t i = 0; i < m->n; i++)
		if (m->services[i].o && !m->services[i].pool &&
		    !ip_addr_is_none(&m->services[i].asked))
			list[n++] = &m->services[i];
	for (size_t i = 0; i < n; i++)
		fall_back(m, list[i], list, &n);
}

/* Address by address. */
static bool take_from(struct model *m, struct service *s, const struct api_object *p)
{
	for (size_t i = 0; i < p->pool.n_ranges; i++)
		for (uint32_t k = 0; k < N_ADDRESSES; k++) {
			const struct ip_addr a = ip_addr_from_v4(FIRST + k);
			const struct api_object *has_say = NULL;

			if (!ip_range_has(&p->pool.ranges[i], &a) || avoids(p, &a) ||
			    ip_addr_equal(&a, &m->router) || is_taken(m, s, &a))
				continue;
			for (size_t u = 0; u < m->n && !has_say; u++)
				if (m->services[u].o && m->services[u].pool &&
				    ip_addr_equal(&m->services[u].has, &a))
					has_say = m->services[u].pool;
			if ((has_say ? has_say : oldest(m, &a)) != p)
				continue;
			s->pool = p;
			s->has = a;
			return true;
		}
	return false;
}

static void move(struct model *m, struct service *s)
{
	const struct api_object *p = s->wish ? named(m, s->wish) : NULL;
	const struct ip_addr before = s->has;

	if (!s->o || !s->pool || !p || p == s->pool || s->refused || !ip_addr_is_none(&s->asked) ||
	    !admits(p, s->o))
		return;
	s->leaves = before;
	if (!take_from(m, s, p))
		s->leaves = (struct ip_addr){0};
}

/* Of the pools that may be tried the first in order after `after`. */
static const struct api_object *next_pool(const struct model *m, const struct service *s,
					  size_t *at)
{
	for (; *at < 3 * m->pools.n; ++*at) {
		/* pinned with a priority, pinned without, all others; equals by age */
		const size_t round = *at / m->pools.n;
		const struct api_object *p = m->pools.items[*at % m->pools.n];
		const size_t of = !p->pool.has_service_allocation ? 2 : p->pool.priority == 0;

		if (of == round && p->pool.auto_assign && admits(p, s->o))
			return p;
	}
	return NULL;
}

static void take_any(struct model *m, struct service *s)
{
	size_t at = 0;
	const struct api_object *p;

	if (!s->o || s->pool || s->refused || s->waits || !ip_addr_is_none(&s->asked))
		return;
	if (s->wish) {
		p = named(m, s->wish);
		if (p && admits(p, s->o))
			(void)take_from(m, s, p);
		return;
	}
	for (; (p = next_pool(m, s, &at)); at++)
		if (take_from(m, s, p))
			return;
}

static void allocate(struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		keep(m, &m->services[i]);
	ask_all(m);
	for (size_t i = 0; i < m->n; i++)
		move(m, &m->services[i]);
	for (size_t i = 0; i < m->n; i++)
		if (m->services[i].o)
			m->services[i].leaves = (struct ip_addr){0};
	for (size_t i = 0; i < m->n; i++)
		take_any(m, &m->services[i]);
}

/* --- a random world ------------------------------------------------------------------------- */

struct making {
	struct fixture *f;
	struct rng *rng;
	struct arena *arena;
	struct model *m;
	struct plan_address given[MAX_SERVICES];
	size_t n_given;
};

static uint32_t below(struct making *w, uint32_t n)
{
	return (uint32_t)rng_below(w->rng, n);
}

static bool one_in(struct making *w, uint32_t n)
{
	return below(w, n) == 0;
}

static const char *text_of(struct making *w, uint32_t i)
{
	const struct ip_addr a = ip_addr_from_v4(FIRST + i);

	return ip_addr_text(&a, arena_alloc(w->arena, 1, IP_ADDR_TEXT));
}

static const char *pool_name(struct making *w)
{
	return arena_printf(w->arena, "p%u", below(w, MAX_POOLS + 1));
}

/* Ranges that do not overlap each other, in any order. */
static const char *ranges(struct making *w)
{
	const char *ret = "";
	uint32_t at = below(w, 6);

	while (at < N_ADDRESSES) {
		const uint32_t len = below(w, 6);
		const uint32_t last = at + len < N_ADDRESSES ? at + len : N_ADDRESSES - 1;
		const char *one = arena_printf(w->arena, "%s-%s", text_of(w, at), text_of(w, last));
		const bool in_front = one_in(w, 2);

		ret = arena_printf(w->arena, "%s%s%s", in_front ? one : ret, *ret ? ", " : "",
				   in_front ? ret : one);
		at = last + 1 + below(w, 12);
	}
	return *ret ? ret : text_of(w, 0);
}

static void make_pool(struct making *w, size_t i)
{
	const char *body = arena_printf(w->arena, "spec: {addresses: [%s]%s%s", ranges(w),
					one_in(w, 4) ? ", autoAssign: false" : "",
					one_in(w, 3) ? ", avoidBuggyIPs: true" : "");

	if (one_in(w, 3))
		body = arena_printf(
			w->arena, "%s, serviceAllocation: {priority: %u%s%s}", body,
			one_in(w, 2) ? 5 : 0, one_in(w, 3) ? ", namespaces: [default]" : "",
			one_in(w, 3) ? ", serviceSelectors: [{matchLabels: {tier: gold}}]" : "");
	fixture_object(w->f, "IPAddressPool", arena_printf(w->arena, "p%zu", i),
		       one_in(w, 2) ? arena_printf(w->arena,
						   "creationTimestamp: \"2024-01-0%uT00:00:00Z\"",
						   1 + below(w, 3))
				    : "",
		       arena_printf(w->arena, "%s}", body));
}

static uint32_t any_address(struct making *w)
{
	return below(w, N_ADDRESSES + 1);
}

static void make_request(struct making *w, struct service *s, const char **annotations)
{
	const uint32_t i = any_address(w);

	if (one_in(w, 2))
		return;
	s->refused = one_in(w, 6);
	if (!s->refused)
		s->asked = ip_addr_from_v4(FIRST + i);
	*annotations = arena_printf(w->arena, "%s, metallb.io/loadBalancerIPs: \"%s%s\"",
				    *annotations, text_of(w, i), s->refused ? ",10.0.0.1" : "");
}

static void make_owned(struct making *w, struct service *s, const char *name,
		       const char **annotations, const char **status)
{
	const uint32_t i = any_address(w);

	s->owned_pool = "";
	if (one_in(w, 3))
		return;
	s->owned = ip_addr_from_v4(FIRST + i);
	s->owned_pool = pool_name(w);
	if (one_in(w, 2)) {
		*status = arena_printf(w->arena, "\nstatus: {loadBalancer: {ingress: [{ip: %s}]}}",
				       text_of(w, i));
		*annotations = arena_printf(w->arena, "%s, metallb.io/ip-allocated-from-pool: %s",
					    *annotations, s->owned_pool);
		return;
	}
	s->waits = true; /* as far as it alone can say */
	w->given[w->n_given++] = (struct plan_address){"default", name, s->owned, s->owned_pool};
}

static void make_service(struct making *w, size_t i)
{
	static const char *const ports[] = {"{name: a, port: 80}", "{name: a, port: 53}",
					    "{name: a, port: 53, protocol: UDP}",
					    "{name: a, port: 80}, {name: b, port: 53}"};
	const char *name = arena_printf(w->arena, "s%02zu", i);
	struct service *s = &w->m->services[w->m->n++];
	const char *annotations = "a: b", *status = "";

	make_request(w, s, &annotations);
	make_owned(w, s, name, &annotations, &status);
	if (one_in(w, 3)) {
		s->wish = pool_name(w);
		annotations = arena_printf(w->arena, "%s, metallb.io/address-pool: %s", annotations,
					   s->wish);
	}
	if (!one_in(w, 3)) {
		s->key = one_in(w, 3) ? "j" : "k";
		annotations = arena_printf(w->arena, "%s, metallb.io/allow-shared-ip: %s",
					   annotations, s->key);
	}
	fixture_object(w->f, "Service", name,
		       arena_printf(w->arena, "labels: {tier: %s}, annotations: {%s}",
				    one_in(w, 2) ? "gold" : "tin", annotations),
		       arena_printf(w->arena,
				    "spec: {type: LoadBalancer, externalTrafficPolicy: %s, "
				    "ports: [%s]}%s",
				    one_in(w, 4) ? "Local" : "Cluster",
				    ports[below(w, ARRAY_SIZE(ports))], status));
}

/* A Service that cannot be seen: something of it was given an address. */
static void make_unseen(struct making *w)
{
	struct service *s = &w->m->services[w->m->n];

	if (one_in(w, 2))
		return;
	fixture_put(w->f, "broken", "kind: [unclosed\n");
	if (one_in(w, 2) || w->n_given == MAX_SERVICES)
		return;
	w->m->n++;
	s->leaves = ip_addr_from_v4(FIRST + any_address(w));
	w->given[w->n_given++] = (struct plan_address){"default", "zz", s->leaves, "p0"};
}

static void make_router(struct making *w)
{
	const uint32_t i = any_address(w);

	if (one_in(w, 2))
		return;
	w->m->router = ip_addr_from_v4(FIRST + i);
	fixture_object(w->f, "BGPPeer", "r", "",
		       arena_printf(w->arena,
				    "spec: {myASN: 64512, peerASN: 64513, peerAddress: %s}",
				    text_of(w, i)));
}

/* By name, as ipam_compute goes through them. */
static void look_up(struct making *w)
{
	struct model *m = w->m;

	m->pools = plan_objects(w->f->world, &w->f->settings, API_IP_ADDRESS_POOL, w->arena, NULL);
	for (size_t i = 0; i < m->n; i++)
		m->services[i].o = world_find(w->f->world, API_SERVICE, "default",
					      arena_printf(w->arena, "s%02zu", i));
}

static void compare(struct making *w, uint64_t seed)
{
	size_t at = 0;

	for (size_t i = 0; i < w->m->n; i++) {
		const struct service *s = &w->m->services[i];
		const struct plan_address *a =
			at < w->f->addresses.n ? &w->f->addresses.items[at] : NULL;
		const bool same = a && s->o && strcmp(a->name, s->o->meta.name) == 0;

		if (same != (s->o && s->pool))
			fail_msg("seed %lu: s%02zu has %s address", seed, i, same ? "an" : "no");
		if (!same)
			continue;
		at++;
		if (!ip_addr_equal(&a->addr, &s->has) || strcmp(a->pool, s->pool->meta.name) != 0)
			fail_msg("seed %lu: s%02zu has another address", seed, i);
	}
}

static void one_world(uint64_t seed)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct rng rng;
	struct model m = {0};
	struct making w = {.f = f, .rng = &rng, .arena = arena, .m = &m};
	size_t n_pools, n_services;

	rng_seed(&rng, seed);
	n_pools = 1 + rng_below(&rng, MAX_POOLS);
	n_services = 1 + rng_below(&rng, MAX_SERVICES - 1);
	for (size_t i = 0; i < n_pools; i++)
		make_pool(&w, i);
	for (size_t i = 0; i < n_services; i++)
		make_service(&w, i);
	make_unseen(&w);
	make_router(&w);
	f->given = (struct plan_addresses){.items = w.given, .n = w.n_given};
	look_up(&w);
	for (size_t i = 0; i < m.n; i++)
		m.services[i].waits = m.services[i].waits && !ipam_is_complete(f->world);
	allocate(&m);
	fixture_plan(f);
	compare(&w, seed);
}

static void same_as_address_by_address(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_WORLDS; seed++)
		one_world(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_address_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
