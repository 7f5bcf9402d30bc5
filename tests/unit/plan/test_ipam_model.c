// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The allocator against a naive one (ipam_naive.h), over thousands of small random worlds: pools
 * that overlap, of one family or two, in pieces, avoiding, pinned; Services of one family or two
 * that have addresses, ask for some, ask for pools, share, or cannot be seen.
 *
 * And against itself: with IPv4 and IPv6 in each other's place everybody gets the same.
 */
#include "fake/ipam_naive.h"

#include "base/rng.h"
#include "unit/rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_WORLDS     test_rounds(1000)
#define MAX_SERVICES 10
#define MAX_POOLS    4

struct making {
	struct fixture *f;
	struct rng *rng;
	struct arena *arena;
	struct naive *m;
	bool symmetric; /* nothing that is of one family alone */
	bool mirrored;  /* with symmetric: the families change places */
	struct plan_address given[IP_N_FAMILIES * MAX_SERVICES];
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

static enum ip_family real(const struct making *w, enum ip_family f)
{
	return w->mirrored ? 1 - f : f;
}

static struct ip_addr address_of(struct making *w, enum ip_family f, uint32_t i)
{
	return naive_address(real(w, f), i);
}

static const char *text_of(struct making *w, enum ip_family f, uint32_t i)
{
	const struct ip_addr a = address_of(w, f, i);

	return ip_addr_text(&a, arena_alloc(w->arena, 1, IP_ADDR_TEXT));
}

static uint32_t any_address(struct making *w)
{
	return below(w, NAIVE_ADDRESSES + 1);
}

static const char *pool_name(struct making *w)
{
	return arena_printf(w->arena, "p%u", below(w, MAX_POOLS + 1));
}

/* --- pools ------------------------------------------------------------------------------------ */

/* Adds ranges that do not overlap each other, in any order. */
static const char *add_ranges(struct making *w, enum ip_family f, const char *list)
{
	uint32_t at = below(w, 6);

	while (at < NAIVE_ADDRESSES) {
		const uint32_t len = below(w, 6);
		const uint32_t last = at + len < NAIVE_ADDRESSES ? at + len : NAIVE_ADDRESSES - 1;
		const char *one =
			arena_printf(w->arena, "\"%s-%s\"", text_of(w, f, at), text_of(w, f, last));
		const bool in_front = one_in(w, 2);

		list = arena_printf(w->arena, "%s%s%s", in_front ? one : list, *list ? ", " : "",
				    in_front ? list : one);
		at = last + 1 + below(w, 12);
	}
	return list;
}

static const char *ranges(struct making *w)
{
	const uint32_t families = below(w, 3); /* one, the other, both */
	const char *ret = "";

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (families == 2 || families == f)
			ret = add_ranges(w, f, ret);
	return *ret ? ret : arena_printf(w->arena, "\"%s-%s\"", text_of(w, 0, 0), text_of(w, 0, 0));
}

static void make_pool(struct making *w, size_t i)
{
	const char *body =
		arena_printf(w->arena, "spec: {addresses: [%s]%s%s", ranges(w),
			     one_in(w, 4) ? ", autoAssign: false" : "",
			     one_in(w, 3) && !w->symmetric ? ", avoidBuggyIPs: true" : "");

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

/* --- Services --------------------------------------------------------------------------------- */

static void make_request(struct making *w, struct naive_service *s, const char **annotations)
{
	const char *list = "";
	bool refused = false;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const uint32_t i = any_address(w);

		if (one_in(w, 2))
			continue;
		s->parts[real(w, f)].asked = address_of(w, f, i);
		list = arena_printf(w->arena, "%s,%s", list, text_of(w, f, i));
		if (one_in(w, 8)) {
			list = arena_printf(w->arena, "%s,%s", list, text_of(w, f, 0));
			refused = true;
		}
	}
	if (!*list)
		return;
	*annotations = arena_printf(w->arena, "%s, metallb.io/loadBalancerIPs: \"%s\"",
				    *annotations, list);
	s->refused = refused;
	for (enum ip_family f = 0; f < IP_N_FAMILIES && refused; f++)
		s->parts[f].asked = (struct ip_addr){0};
}

struct owned {
	bool in_object, given;
};

static void make_owned(struct making *w, struct naive_service *s, const char *name,
		       const char **annotations, const char **status,
		       struct owned ret[IP_N_FAMILIES])
{
	const char *ingress = "", *in_object = pool_name(w);

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const uint32_t i = any_address(w);
		const char *of = pool_name(w);
		struct naive_part *part = &s->parts[real(w, f)];
		struct owned *owned = &ret[real(w, f)];

		part->owned_pool = "";
		if (one_in(w, 3))
			continue;
		part->owned = address_of(w, f, i);
		owned->in_object = one_in(w, 2);
		owned->given = !owned->in_object;
		part->waits = true; /* as far as it alone can say */
		part->owned_pool = owned->in_object ? in_object : of;
		if (owned->in_object)
			ingress = arena_printf(w->arena, "%s{ip: \"%s\"}, ", ingress,
					       text_of(w, f, i));
	}
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (ret[f].given)
			w->given[w->n_given++] = (struct plan_address){
				"default", name, s->parts[f].owned, s->parts[f].owned_pool};
	if (!*ingress)
		return;
	*status = arena_printf(w->arena, "\nstatus: {loadBalancer: {ingress: [%s]}}", ingress);
	*annotations = arena_printf(w->arena, "%s, metallb.io/ip-allocated-from-pool: %s",
				    *annotations, in_object);
}

/* Nothing is said: what it asks for says it, else what it has. */
static void want_unsaid(struct naive_service *s, const struct owned owned[IP_N_FAMILIES])
{
	bool asks = false, has = false;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		asks |= !ip_addr_is_none(&s->parts[f].asked);
		has |= owned[f].in_object || (s->refused && owned[f].given);
	}
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		s->parts[f].wanted = asks  ? !ip_addr_is_none(&s->parts[f].asked)
				     : has ? owned[f].in_object || owned[f].given
					   : f == IP_V4;
}

/* The part of its spec about families. */
static const char *make_wanted(struct making *w, struct naive_service *s,
			       const struct owned owned[IP_N_FAMILIES])
{
	static const char *const names[] = {"IPv4", "IPv6"};
	static const char *const policies[] = {", ipFamilyPolicy: PreferDualStack",
					       ", ipFamilyPolicy: RequireDualStack", ""};
	const enum ip_family first = real(w, below(w, IP_N_FAMILIES));
	const uint32_t policy = below(w, 3);

	s->primary = first;
	s->all = policy == 1;
	s->parts[first].wanted = true;
	s->parts[1 - first].wanted = policy < 2;
	if (one_in(w, 3) && !w->symmetric) {
		s->primary = IP_V4;
		s->all = false;
		want_unsaid(s, owned);
		return "";
	}
	return arena_printf(w->arena, ", ipFamilies: [%s]%s", names[first], policies[policy]);
}

static void make_service(struct making *w, size_t i)
{
	static const char *const ports[] = {"{name: a, port: 80}", "{name: a, port: 53}",
					    "{name: a, port: 53, protocol: UDP}",
					    "{name: a, port: 80}, {name: b, port: 53}"};
	const char *name = arena_printf(w->arena, "s%02zu", i);
	struct naive_service *s = &w->m->services[w->m->n++];
	const char *annotations = "a: b", *status = "", *families;
	struct owned owned[IP_N_FAMILIES] = {0};

	make_request(w, s, &annotations);
	make_owned(w, s, name, &annotations, &status, owned);
	families = make_wanted(w, s, owned);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (!s->parts[f].wanted)
			s->parts[f] = (struct naive_part){.owned_pool = ""};
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
				    "selector: {app: %s}, ports: [%s]%s}%s",
				    one_in(w, 3) ? "Local" : "Cluster", one_in(w, 3) ? "a" : "b",
				    ports[below(w, ARRAY_SIZE(ports))], families, status));
}

/* A Service that cannot be seen: something of it was given an address. */
static void make_unseen(struct making *w)
{
	struct naive_service *s = &w->m->services[w->m->n];
	const enum ip_family f = below(w, IP_N_FAMILIES);
	const struct ip_addr a = address_of(w, f, any_address(w));

	if (one_in(w, 2))
		return;
	fixture_put(w->f, "broken", "kind: [unclosed\n");
	if (one_in(w, 2) || w->n_given == ARRAY_SIZE(w->given))
		return;
	w->m->n++;
	s->parts[real(w, f)].leaves = a;
	w->given[w->n_given++] = (struct plan_address){"default", "zz", a, "p0"};
}

static void make_router(struct making *w)
{
	const enum ip_family f = below(w, IP_N_FAMILIES);
	const uint32_t i = any_address(w);

	if (one_in(w, 2))
		return;
	w->m->router = address_of(w, f, i);
	fixture_object(w->f, "BGPPeer", "r", "",
		       arena_printf(w->arena,
				    "spec: {myASN: 64512, peerASN: 64513, peerAddress: \"%s\"}",
				    text_of(w, f, i)));
}

/* By name, as ipam_compute goes through them. */
static void look_up(struct making *w)
{
	struct naive *m = w->m;

	m->pools = plan_objects(w->f->world, &w->f->settings, API_IP_ADDRESS_POOL, w->arena, NULL);
	for (size_t i = 0; i < m->n; i++) {
		m->services[i].o = world_find(w->f->world, API_SERVICE, "default",
					      arena_printf(w->arena, "s%02zu", i));
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			m->services[i].parts[f].waits =
				m->services[i].parts[f].waits && !ipam_is_complete(w->f->world);
	}
}

/* --- the comparison --------------------------------------------------------------------------- */

/* Which address of a family each Service has, from 1; by the families as they were made. */
struct result {
	uint32_t has[NAIVE_SERVICES][IP_N_FAMILIES];
};

static void compare(struct making *w, uint64_t seed, struct result *ret)
{
	const struct plan_addresses *all = &w->f->addresses;
	size_t at = 0;

	for (size_t i = 0; i < w->m->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			const struct naive_service *s = &w->m->services[i];
			const struct naive_part *part = &s->parts[f];
			const struct plan_address *a = at < all->n ? &all->items[at] : NULL;
			const bool same = a && s->o && strcmp(a->name, s->o->meta.name) == 0 &&
					  ip_family_of(&a->addr) == f;

			if (same != (s->o && part->pool))
				fail_msg("seed %lu: s%02zu has %s %s address", seed, i,
					 same ? "an" : "no", ip_family_text(f));
			if (!same)
				continue;
			at++;
			if (!ip_addr_equal(&a->addr, &part->has) ||
			    strcmp(a->pool, part->pool->meta.name) != 0)
				fail_msg("seed %lu: s%02zu has another %s address", seed, i,
					 ip_family_text(f));
			ret->has[i][real(w, f)] = a->addr.b[15] + 256u * a->addr.b[14];
		}
	assert_int_equal(at, all->n);
}

static void one_world(uint64_t seed, bool symmetric, bool mirrored, struct result *ret)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct rng rng;
	struct naive m = {0};
	struct making w = {.f = f,
			   .rng = &rng,
			   .arena = arena,
			   .m = &m,
			   .symmetric = symmetric,
			   .mirrored = mirrored};
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
	naive_allocate(&m);
	fixture_plan(f);
	*ret = (struct result){0};
	compare(&w, seed, ret);
}

static void same_as_address_by_address(void **state)
{
	struct result result;

	(void)state;
	for (uint64_t seed = 1; seed <= N_WORLDS; seed++)
		one_world(seed, false, false, &result);
}

static void families_in_each_others_place_get_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_WORLDS / 3; seed++) {
		struct result result, mirror;

		one_world(seed, true, false, &result);
		one_world(seed, true, true, &mirror);
		if (memcmp(&result, &mirror, sizeof(result)) != 0)
			fail_msg("seed %lu: the mirrored world differs", seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_address_by_address),
		cmocka_unit_test(families_in_each_others_place_get_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
