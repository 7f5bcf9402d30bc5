// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a Service asks of its routes itself, beside the advertisement: united, before it, and apart
 * by kind of peer only where that makes a difference.
 */
#include "base/limits.h"
#include "base/rng.h"
#include "made_draft.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ADDR 0xc0a86401 /* 192.168.100.1 */

/* Two VIPs under one aggregate; p0 is an eBGP peer, p1 is an iBGP one. */
struct own_draft {
	struct made_draft m;
	struct service_attrs own[MADE_VIPS];
	struct plan_claim_more more[MADE_VIPS];
};

static void begin(struct own_draft *o, uint8_t len)
{
	const struct plan_vip vips[] = {{.addr = ip_addr_from_v4(ADDR)},
					{.addr = ip_addr_from_v4(ADDR + 1)}};

	made_draft(&o->m, vips);
	o->m.d.env.ebgp = P0;
	memset(o->own, 0, sizeof(o->own));
	for (size_t i = 0; i < MADE_VIPS; i++) {
		o->m.claims[i].prefix = ip_prefix_of(&vips[i].addr, len);
		o->more[i] = (struct plan_claim_more){.own = &o->own[i]};
		o->m.claims[i].more = &o->more[i];
		o->own[i].service = &o->m.services[i];
	}
}

static const struct bgp_attrs *attrs(const struct own_draft *o, size_t row)
{
	assert_in_range(row, 0, o->m.plan.n_routes - 1);
	assert_false(o->m.plan.routes[row].hold);
	return &o->m.plan.attrs[o->m.plan.routes[row].attrs];
}

static void service_that_asks_for_nothing_shares_the_set_of_all(void **state)
{
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	o.m.claims[1].more = NULL;
	o.m.spec.as_path_prepend = 2;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_attrs, 1);
	assert_int_equal(o.m.plan.n_routes, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(o.m.plan.routes[i].peers, P0 | P1);
	assert_int_equal(attrs(&o, 0)->prepend, 2);
	made_draft_done(&o.m);
}

static void own_attributes_are_of_their_services_routes_alone(void **state)
{
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	o.own[1].has_med = true;
	o.own[1].med = 0;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_routes, 2);
	assert_false(attrs(&o, 0)->has_med);
	assert_true(attrs(&o, 1)->has_med);
	assert_int_equal(attrs(&o, 1)->med, 0);
	assert_int_equal(o.m.plan.routes[1].peers, P0 | P1); /* a MED is for both kinds */
	made_draft_done(&o.m);
}

static void own_communities_add_to_the_advertisements(void **state)
{
	static const uint32_t of_advert[] = {1, 3}, mine[] = {2, 3};
	static const struct large_community wide[] = {{1, 2, 3}};
	static const uint64_t extended[2][2] = {{7, 9}, {8, 9}};
	struct own_draft o;

	(void)state;
	begin(&o, 24);
	o.m.advert.communities = of_advert;
	o.m.advert.n_communities = 2;
	o.own[0].communities = mine;
	o.own[0].n_communities = 2;
	o.own[1].large = wide;
	o.own[1].n_large = 1;
	for (size_t i = 0; i < 2; i++) {
		o.own[i].extended = extended[i];
		o.own[i].n_extended = 2;
	}
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_routes, 1);
	assert_int_equal(attrs(&o, 0)->n_communities, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(attrs(&o, 0)->communities[i], i + 1);
	assert_int_equal(attrs(&o, 0)->n_large, 1);
	assert_int_equal(attrs(&o, 0)->n_extended, 3);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(attrs(&o, 0)->extended[i], i + 7);
	made_draft_done(&o.m);
}

static void prepend_of_a_service_is_for_ebgp_peers_and_splits_the_kinds(void **state)
{
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	o.own[0].prepend = 5;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_routes, 3);
	assert_int_equal(o.m.plan.routes[0].peers | o.m.plan.routes[1].peers, P0 | P1);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(attrs(&o, i)->prepend, o.m.plan.routes[i].peers == P0 ? 5 : 0);
	assert_int_equal(o.m.plan.routes[2].peers, P0 | P1);
	made_draft_done(&o.m);
}

/* Where both kinds come to the same set, they share the row. */
static void kinds_whose_sets_are_equal_share_a_row(void **state)
{
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	o.m.spec.as_path_prepend = 5;
	o.own[0].prepend = 5;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_routes, 2);
	assert_int_equal(o.m.plan.routes[0].peers, P0 | P1);
	assert_int_equal(o.m.plan.n_attrs, 1);
	made_draft_done(&o.m);
}

static void newest_service_under_one_prefix_wins(void **state)
{
	struct own_draft o;

	(void)state;
	for (uint8_t newest = 0; newest < MADE_VIPS; newest++) {
		begin(&o, 24);
		o.m.services[newest].meta.created_s = 100;
		o.m.spec.as_path_prepend = 9;
		for (uint8_t i = 0; i < MADE_VIPS; i++) {
			o.own[i].has_med = true;
			o.own[i].med = i + 1u;
			o.own[i].prepend = i + 1u;
		}
		made_draft_steps(&o.m);
		assert_int_equal(o.m.plan.n_routes, 2);
		for (size_t i = 0; i < 2; i++) {
			const bool external = o.m.plan.routes[i].peers == P0;

			assert_int_equal(attrs(&o, i)->med, newest + 1);
			assert_int_equal(attrs(&o, i)->prepend, external ? newest + 1 : 9);
		}
		made_draft_done(&o.m);
	}
}

/* Two Services on different ports of one address. */
static void services_that_share_a_vip_are_both_heard(void **state)
{
	static const uint32_t mine[] = {2, 3};
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	for (size_t i = 0; i < MADE_VIPS; i++) {
		o.own[i].communities = &mine[i];
		o.own[i].n_communities = 1;
	}
	o.m.claims[1].prefix = o.m.claims[0].prefix;
	o.m.claims[1].vip = o.m.ports[1].row.vip = o.m.claims[0].vip;
	o.m.ports[1].lb.key.addr = o.m.claims[0].vip.addr;
	o.m.ports[1].lb.key.port = 81;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_routes, 1);
	assert_int_equal(attrs(&o, 0)->n_communities, 2);
	made_draft_done(&o.m);
}

/* The limit is of all three lists together: at it a route goes out, past it none does. */
static void communities_of_all_kinds_count_together(void **state)
{
	static uint32_t standard[LIMIT_COMMUNITIES];
	static struct large_community large[LIMIT_COMMUNITIES];
	static uint64_t extended[LIMIT_COMMUNITIES];
	struct own_draft o;

	(void)state;
	for (uint32_t i = 0; i < LIMIT_COMMUNITIES; i++) {
		standard[i] = i;
		large[i].global = i;
		extended[i] = i;
	}
	for (size_t past = 0; past < 2; past++)
		for (size_t without = 0; without < 3; without++) {
			const size_t half = LIMIT_COMMUNITIES / 2, rest = LIMIT_COMMUNITIES - half;

			begin(&o, 24);
			o.own[0].communities = standard;
			o.own[0].large = large;
			o.own[0].extended = extended;
			o.own[0].n_communities = without == 0 ? 0 : rest + past;
			o.own[0].n_large = without == 1 ? 0 : half;
			o.own[0].n_extended = without == 2 ? 0 : without == 0 ? rest + past : half;
			made_draft_steps(&o.m);
			assert_int_equal(o.m.plan.n_routes, 1 - past);
			assert_int_equal(o.m.plan.problems.n, past);
			made_draft_done(&o.m);
		}
}

/* --- groups ---------------------------------------------------------------------------------- */

enum { N_ADVERTS = 5, N_TRIALS = 3000 };

/* Advertisements in one group, or each in its own, for both Services. */
struct grouped {
	struct own_draft o;
	struct env_advert adverts[N_ADVERTS];
	const struct env_advert *list[N_ADVERTS];
	struct api_advertisement specs[N_ADVERTS];
	struct api_object objects[N_ADVERTS];
	struct env_group groups[N_ADVERTS];
	struct plan_claim claims[MADE_VIPS][N_ADVERTS];
};
static const uint32_t numbers[] = {1, 2, 3, 4};
static const char *const names[N_ADVERTS] = {"a", "b", "c", "d", "e"};

static void make_advert(struct grouped *g, size_t i, struct rng *rng)
{
	g->specs[i] = (struct api_advertisement){.local_pref = (uint32_t)rng_below(rng, 3)};
	g->specs[i].as_path_prepend = (uint8_t)rng_below(rng, 3);
	g->objects[i].meta.name = names[i];
	g->adverts[i] = (struct env_advert){.object = &g->objects[i],
					    .spec = &g->specs[i],
					    .communities = &numbers[rng_below(rng, 4)],
					    .n_communities = rng_below(rng, 2),
					    .age = i,
					    .peers = rng_below(rng, 4)};
}

static void make_own(struct grouped *g, size_t i, struct rng *rng)
{
	struct service_attrs *own = &g->o.own[i];

	own->has_med = rng_below(rng, 2);
	own->med = own->has_med ? (uint32_t)rng_below(rng, 2) : 0;
	own->prepend = (uint8_t)(rng_below(rng, 2) * 4);
	own->excluded = rng_below(rng, 4) ? 0 : 1 + rng_below(rng, 2);
	own->is_unresolved = rng_below(rng, 8) == 0;
	g->o.m.programmed[2 * i + 1].tested = rng_below(rng, 6) > 0;
}

static void make_claims(struct grouped *g, size_t i, size_t n, bool has_own)
{
	struct made_draft *m = &g->o.m;

	for (size_t k = 0; k < n; k++) {
		g->claims[i][k] = m->claims[i];
		g->claims[i][k].by = &g->groups[k];
		g->claims[i][k].more = has_own ? &g->o.more[i] : NULL;
		g->claims[i][k].n_ports = 1;
	}
	m->fragments[i].claims = g->claims[i];
	m->fragments[i].n_claims = n;
}

/* All in one group; in two, whose ages take turns; or each in its own. */
static void make_groups(struct grouped *g, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		g->groups[i].items = &g->list[at];
		for (size_t k = i; k < N_ADVERTS; k += n) {
			g->list[at++] = &g->adverts[k];
			g->groups[i].peers |= g->adverts[k].peers;
			g->groups[i].n++;
		}
	}
	assert_int_equal(at, N_ADVERTS);
}

static void make_grouped(struct grouped *g, uint64_t seed, size_t n)
{
	struct rng rng;

	rng_seed(&rng, seed);
	memset(g, 0, sizeof(*g));
	begin(&g->o, rng_below(&rng, 2) ? 24 : 32);
	for (size_t i = 0; i < N_ADVERTS; i++)
		make_advert(g, i, &rng);
	make_groups(g, n);
	for (size_t i = 0; i < MADE_VIPS; i++) {
		make_own(g, i, &rng);
		make_claims(g, i, n, rng_below(&rng, 2));
	}
	if (rng_below(&rng, 2))
		g->o.m.d.env.pref_as[API_PREF_AS_PREPEND] = P0;
	made_draft_steps(&g->o.m);
}

static void assert_same_plan(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->n_routes, b->n_routes);
	assert_int_equal(a->n_attrs, b->n_attrs);
	for (size_t i = 0; i < a->n_attrs; i++)
		assert_int_equal(bgp_attrs_cmp(&a->attrs[i], &b->attrs[i]), 0);
	for (size_t i = 0; i < a->n_routes; i++) {
		const struct plan_route *x = &a->routes[i], *y = &b->routes[i];

		assert_int_equal(ip_prefix_cmp(&x->prefix, &y->prefix), 0);
		assert_int_equal(x->peers, y->peers);
		assert_int_equal(x->attrs, y->attrs);
		assert_int_equal(x->hold, y->hold);
	}
	assert_int_equal(a->n_services, b->n_services);
	for (size_t i = 0; i < a->n_services; i++)
		assert_string_equal(a->services[i].reason, b->services[i].reason);
}

/* And what is told of them, once as often as twice. */
static void assert_same_problems(struct plan *a, struct plan *b)
{
	problems_sort(&a->problems);
	problems_sort(&b->problems);
	assert_int_equal(a->problems.n, b->problems.n);
	for (size_t i = 0; i < a->problems.n; i++)
		assert_int_equal(problem_cmp(&a->problems.items[i], &b->problems.items[i]), 0);
}

static void grouped_or_apart_advertisements_come_to_the_same(void **state)
{
	size_t n_split = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_TRIALS; seed++) {
		struct grouped together, apart;

		make_grouped(&together, seed, 1);
		for (size_t n = 2; n <= N_ADVERTS; n += N_ADVERTS - 2) {
			make_grouped(&apart, seed, n);
			assert_same_plan(&together.o.m.plan, &apart.o.m.plan);
			assert_same_problems(&together.o.m.plan, &apart.o.m.plan);
			made_draft_done(&apart.o.m);
		}
		n_split += together.o.m.plan.n_attrs > 1;
		made_draft_done(&together.o.m);
	}
	assert_true(n_split > N_TRIALS / 3);
}

/* Services that ask for the same are told apart where both are heard, and only there. */
static void neighbours_that_ask_for_the_same_share_their_set(void **state)
{
	struct own_draft o;

	(void)state;
	begin(&o, 32);
	for (size_t i = 0; i < MADE_VIPS; i++)
		o.own[i].bandwidth = 3;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_attrs, 1);
	assert_int_equal(attrs(&o, 0)->bandwidth, 3);
	made_draft_done(&o.m);

	begin(&o, 32);
	o.own[0].bandwidth = 3;
	o.own[1].bandwidth = 4;
	made_draft_steps(&o.m);
	assert_int_equal(o.m.plan.n_attrs, 2);
	assert_int_equal(attrs(&o, 1)->bandwidth, 4);
	made_draft_done(&o.m);

	begin(&o, 24);
	for (size_t i = 0; i < MADE_VIPS; i++)
		o.own[i].bandwidth = 3;
	made_draft_steps(&o.m);
	assert_int_equal(attrs(&o, 0)->bandwidth, 6); /* pods of both are behind it */
	made_draft_done(&o.m);
}

/* What was found out for one prefix is used again for another, but not for other peers. */
static void other_peers_are_not_taken_for_the_same(void **state)
{
	enum { N_PLACES = 512 }; /* where a group lies decides what it is looked up beside */
	const struct plan_vip vips[] = {{.addr = ip_addr_from_v4(ADDR)},
					{.addr = ip_addr_from_v4(ADDR + 1)}};
	const struct ip_prefix first = ip_prefix_of(&vips[0].addr, 32);
	struct env_group *groups = xcalloc(N_PLACES, sizeof(*groups));

	(void)state;
	for (size_t i = 0; i < N_PLACES; i++) {
		struct prefix_list *had = prefix_list_new(1);
		struct made_draft m;

		made_draft(&m, vips);
		groups[i] = m.group;
		m.claims[0].by = m.claims[1].by = &groups[i];
		m.d.peers_open = P0;
		m.d.peers_stale = P1; /* it keeps what it has, and gets nothing new */
		had->items[0] = first;
		m.sessions[1].advertised = had;
		made_draft_steps(&m);
		assert_int_equal(m.plan.n_routes, 2);
		assert_int_equal(m.plan.routes[0].peers, P0 | P1);
		assert_int_equal(m.plan.routes[1].peers, P0);
		made_draft_done(&m);
	}
	free(groups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_that_asks_for_nothing_shares_the_set_of_all),
		cmocka_unit_test(own_attributes_are_of_their_services_routes_alone),
		cmocka_unit_test(own_communities_add_to_the_advertisements),
		cmocka_unit_test(prepend_of_a_service_is_for_ebgp_peers_and_splits_the_kinds),
		cmocka_unit_test(kinds_whose_sets_are_equal_share_a_row),
		cmocka_unit_test(newest_service_under_one_prefix_wins),
		cmocka_unit_test(services_that_share_a_vip_are_both_heard),
		cmocka_unit_test(communities_of_all_kinds_count_together),
		cmocka_unit_test(grouped_or_apart_advertisements_come_to_the_same),
		cmocka_unit_test(neighbours_that_ask_for_the_same_share_their_set),
		cmocka_unit_test(other_peers_are_not_taken_for_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
