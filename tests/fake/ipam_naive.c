// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. The passes are those of plan/ipam.c, each as plain as it can be said.
 */
#include "fake/ipam_naive.h"

struct ip_addr naive_address(enum ip_family f, uint32_t i)
{
	const uint32_t low = 0xf8 + i;
	struct ip_addr ret = {{0x20, 0x01, 0x0d, 0xb8}};

	if (f == IP_V4)
		return ip_addr_from_v4(0x0a000000 + low);
	ret.b[14] = (uint8_t)(low >> 8);
	ret.b[15] = (uint8_t)low;
	return ret;
}

/* --- who may have what ------------------------------------------------------------------------ */

static bool holds(const struct api_object *pool, const struct ip_addr *a)
{
	for (size_t i = 0; i < pool->pool.n_ranges; i++)
		if (ip_range_has(&pool->pool.ranges[i], a))
			return true;
	return false;
}

static bool avoids(const struct api_object *pool, const struct ip_addr *a)
{
	return pool->pool.avoid_buggy && ip_addr_is_v4(a) && (a->b[15] == 0 || a->b[15] == 255);
}

static bool admits(const struct api_object *pool, const struct api_object *service)
{
	if (!pool->pool.has_service_allocation)
		return true;
	return (pool->pool.namespaces.n == 0 ||
		plan_strings_have(&pool->pool.namespaces, service->meta.ns)) &&
	       selectors_match(&pool->pool.service_selectors, &service->meta.labels, true);
}

static const struct api_object *oldest(const struct naive *m, const struct ip_addr *a)
{
	for (size_t i = 0; i < m->pools.n; i++)
		if (holds(m->pools.items[i], a))
			return m->pools.items[i];
	return NULL;
}

static const struct api_object *named(const struct naive *m, const char *name)
{
	for (size_t i = 0; i < m->pools.n; i++)
		if (strcmp(m->pools.items[i]->meta.name, name) == 0)
			return m->pools.items[i];
	return NULL;
}

static const struct naive_part *part_of(const struct naive_service *s, const struct ip_addr *a)
{
	return &s->parts[ip_family_of(a)];
}

static bool uses(const struct naive_service *s, const struct ip_addr *a)
{
	const struct naive_part *part = part_of(s, a);

	return (part->pool && ip_addr_equal(&part->has, a)) || ip_addr_equal(&part->leaves, a);
}

static const struct api_object *by_right(const struct naive *m, const struct naive_service *s,
					 const struct ip_addr *a)
{
	const struct naive_part *part = part_of(s, a);
	const struct api_object *p = named(m, part->owned_pool);

	return p && ip_addr_equal(a, &part->owned) && holds(p, a) ? p : oldest(m, a);
}

/* The pool that somebody has it from already, or NULL. */
static const struct api_object *had_from(const struct naive *m, const struct ip_addr *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->services[i].o && part_of(&m->services[i], a)->pool &&
		    ip_addr_equal(&part_of(&m->services[i], a)->has, a))
			return part_of(&m->services[i], a)->pool;
	return NULL;
}

static const struct api_object *say(const struct naive *m, const struct naive_service *s,
				    const struct ip_addr *a)
{
	const struct api_object *had = had_from(m, a);

	return had ? had : by_right(m, s, a);
}

static bool may_share(const struct naive_service *user, const struct naive_service *s,
		      const struct ip_addr *a)
{
	const struct api_service *x, *y = &s->o->service;

	if (!user->o)
		return ip_addr_equal(&part_of(s, a)->owned, a);
	x = &user->o->service;
	if (!user->key || !s->key || strcmp(user->key, s->key) != 0 ||
	    x->policy_local != y->policy_local || (x->policy_local && x->pods != y->pods))
		return false;
	for (size_t i = 0; i < x->n_ports; i++)
		for (size_t k = 0; k < y->n_ports; k++)
			if (x->ports[i].port == y->ports[k].port &&
			    x->ports[i].protocol == y->ports[k].protocol)
				return false;
	return true;
}

static bool is_in_the_way(const struct naive_service *user, const struct naive_service *s,
			  const struct ip_addr *a)
{
	return uses(user, a) && !may_share(user, s, a);
}

static bool is_taken(const struct naive *m, const struct naive_service *s, const struct ip_addr *a)
{
	for (size_t i = 0; i < m->n; i++)
		if (is_in_the_way(&m->services[i], s, a))
			return true;
	return false;
}

static bool is_allowed(const struct naive *m, const struct naive_service *s,
		       const struct ip_addr *a, const char *wish)
{
	const struct api_object *p = say(m, s, a);

	return p && !ip_addr_equal(a, &m->router) && admits(p, s->o) &&
	       (!wish || strcmp(wish, p->meta.name) == 0) && !avoids(p, a) && !is_taken(m, s, a);
}

static void take(const struct naive *m, struct naive_service *s, const struct ip_addr *a)
{
	struct naive_part *part = &s->parts[ip_family_of(a)];

	part->pool = say(m, s, a);
	part->has = *a;
}

/* --- certain addresses ------------------------------------------------------------------------ */

static void keep(struct naive *m, struct naive_service *s, struct naive_part *part)
{
	if (!s->o || !part->wanted || ip_addr_is_none(&part->owned) ||
	    (!ip_addr_is_none(&part->asked) && !ip_addr_equal(&part->asked, &part->owned)))
		return;
	if (is_allowed(m, s, &part->owned, NULL))
		take(m, s, &part->owned);
	else
		part->waits = part->waits && !named(m, part->owned_pool);
}

static void ask(struct naive *m, struct naive_service *s, struct naive_part *part)
{
	if (!s->o || !part->wanted || part->pool || ip_addr_is_none(&part->asked) ||
	    !is_allowed(m, s, &part->asked, s->wish))
		return;
	take(m, s, &part->asked);
	part->by_wish = true;
}

static void fall_back(struct naive *m, struct naive_service *s, enum ip_family f,
		      struct naive_service **list, size_t *n)
{
	struct naive_part *part = &s->parts[f];
	const struct api_object *p = by_right(m, s, &part->owned);
	bool may = p && admits(p, s->o) && !avoids(p, &part->owned) &&
		   !ip_addr_equal(&part->owned, &m->router);

	if (ip_addr_is_none(&part->owned) || ip_addr_equal(&part->owned, &part->asked))
		return;
	for (size_t i = 0; i < m->n; i++)
		may &= !is_in_the_way(&m->services[i], s, &part->owned) ||
		       m->services[i].parts[f].by_wish;
	for (size_t i = 0; i < m->n && may; i++) {
		struct naive_service *user = &m->services[i];

		if (!is_in_the_way(user, s, &part->owned))
			continue;
		user->parts[f].pool = NULL;
		user->parts[f].by_wish = false;
		list[(*n)++] = user;
	}
	if (is_allowed(m, s, &part->owned, NULL))
		take(m, s, &part->owned);
}

static void ask_all(struct naive *m, enum ip_family f)
{
	struct naive_service *list[2 * NAIVE_SERVICES];
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		ask(m, &m->services[i], &m->services[i].parts[f]);
	for (size_t i = 0; i < m->n; i++) {
		const struct naive_part *part = &m->services[i].parts[f];

		if (m->services[i].o && part->wanted && !part->pool &&
		    !ip_addr_is_none(&part->asked))
			list[n++] = &m->services[i];
	}
	for (size_t i = 0; i < n; i++)
		fall_back(m, list[i], f, list, &n);
}

/* --- any address ------------------------------------------------------------------------------ */

/* Address by address; none: the pool has none left. */
static struct ip_addr first_of(const struct naive *m, const struct naive_service *s,
			       const struct api_object *p, enum ip_family f)
{
	for (size_t i = 0; i < p->pool.n_ranges; i++)
		for (uint32_t k = 0; k < NAIVE_ADDRESSES; k++) {
			const struct ip_addr a = naive_address(f, k);
			const struct api_object *had = had_from(m, &a);

			if (ip_range_has(&p->pool.ranges[i], &a) && !avoids(p, &a) &&
			    !ip_addr_equal(&a, &m->router) && !is_taken(m, s, &a) &&
			    (had ? had : oldest(m, &a)) == p)
				return a;
		}
	return (struct ip_addr){0};
}

/* An address of each of these families, or none at all. */
static bool take_all_of(struct naive *m, struct naive_service *s, const struct api_object *p,
			const bool families[IP_N_FAMILIES])
{
	struct ip_addr found[IP_N_FAMILIES];

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		found[f] = first_of(m, s, p, f);
		if (families[f] && ip_addr_is_none(&found[f]))
			return false;
	}
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (families[f]) {
			s->parts[f].has = found[f];
			s->parts[f].pool = p;
		}
	return true;
}

/* The nth way to fulfil the wish for these families; false: there are no more. */
static bool nth_way(const struct naive_service *s, const bool families[IP_N_FAMILIES], size_t nth,
		    bool ret[IP_N_FAMILIES])
{
	const bool two = families[IP_V4] && families[IP_V6];

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		ret[f] = families[f] && (nth == 0 || (f == s->primary) == (nth == 1));
	return nth == 0 || (two && !s->all && nth < 3);
}

static void move(struct naive *m, struct naive_service *s)
{
	const struct api_object *p = s->wish ? named(m, s->wish) : NULL;
	const struct naive_service before = *s;
	bool families[IP_N_FAMILIES], way[IP_N_FAMILIES];
	bool any = false;

	if (!s->o || !p || s->refused || !admits(p, s->o))
		return;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		families[f] = s->parts[f].pool && s->parts[f].pool != p &&
			      ip_addr_is_none(&s->parts[f].asked);
		any |= families[f];
	}
	for (size_t i = 0; any && nth_way(s, families, i, way); i++)
		if (take_all_of(m, s, p, way)) {
			for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
				if (way[f])
					s->parts[f].leaves = before.parts[f].has;
			return;
		}
}

/* Of the pools that may be tried the first in order after `at`. */
static const struct api_object *next_pool(const struct naive *m, const struct naive_service *s,
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

static void take_any(struct naive *m, struct naive_service *s)
{
	const struct api_object *with = NULL, *p;
	bool families[IP_N_FAMILIES], way[IP_N_FAMILIES], any = false;

	if (!s->o || s->refused)
		return;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const struct naive_part *part = &s->parts[f];

		if (part->wanted && !part->pool &&
		    (ip_addr_is_none(&part->asked) ? part->waits : s->all))
			return;
		with = part->pool ? part->pool : with;
		families[f] = part->wanted && !part->pool && ip_addr_is_none(&part->asked);
		any |= families[f];
	}
	if (s->wish)
		with = named(m, s->wish);
	for (size_t i = 0; any && nth_way(s, families, i, way); i++) {
		if (s->wish || with) {
			if (with && admits(with, s->o) && take_all_of(m, s, with, way))
				return;
			continue;
		}
		for (size_t at = 0; (p = next_pool(m, s, &at)); at++)
			if (take_all_of(m, s, p, way))
				return;
	}
}

void naive_allocate(struct naive *m)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		for (size_t i = 0; i < m->n; i++)
			keep(m, &m->services[i], &m->services[i].parts[f]);
		ask_all(m, f);
	}
	for (size_t i = 0; i < m->n; i++)
		move(m, &m->services[i]);
	for (size_t i = 0; i < m->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES && m->services[i].o; f++)
			m->services[i].parts[f].leaves = (struct ip_addr){0};
	for (size_t i = 0; i < m->n; i++)
		take_any(m, &m->services[i]);
}
