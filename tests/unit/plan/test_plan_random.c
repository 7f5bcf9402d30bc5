// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Random sets of objects of all kinds, thousands of them: whatever they are, the plan is made
 * and comes to rest, applying it twice does nothing, the order in which objects were read does not
 * matter, and an object that is wrong yields the plan of the rest, and of what it was when it was
 * right. That a plan made with a cache is the one from nothing the fixture checks after each.
 */
#include "fake/random_objects.h"
#include "plan/plan_difference.h"
#include "unit/rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N_SEEDS test_rounds(300)

/* Of the other nodes some answer. */
static struct fixture *new_fixture(uint64_t seed)
{
	struct fixture *f = fixture_new();

	f->remotes[0] = (struct plan_actual_remote){ip_addr_from_v4(0x0a00000b), seed % 4};
	f->remotes[1] = (struct plan_actual_remote){ip_addr_from_v4(0x0a00000c), seed / 4 % 4};
	f->n_remotes = 2;
	return f;
}

static void come_to_rest(struct fixture *f, uint64_t seed)
{
	if (fixture_converge(f, 50) == 50)
		fail_msg("seed %llu: never comes to rest", (unsigned long long)seed);
}

/* They are of two worlds. */
static const struct plan_peer *without_objects(struct arena *arena, const struct plan *p)
{
	struct plan_peer *ret = arena_memdup(arena, p->peers, p->n_peers * sizeof(*ret));

	for (size_t i = 0; i < p->n_peers; i++)
		ret[i].object = NULL;
	return ret;
}

/* But for problems, if they are not to be looked at. */
static const char *difference(const struct fixture *a, const struct fixture *b, bool problems)
{
	struct plan x = a->plan, y = b->plan;
	struct arena *arena = arena_new();
	const char *ret;

	x.peers = without_objects(arena, &x);
	y.peers = without_objects(arena, &y);
	if (!problems)
		x.problems = y.problems = (struct problems){0};
	ret = plan_difference(&(struct plan_result){&x, &a->ledger, a->deadline},
			      &(struct plan_result){&y, &b->ledger, b->deadline});
	arena_free(arena);
	return ret;
}

/* It has a target on another node. */
static bool tunnelled(const struct fixture *f)
{
	for (size_t i = 0; i < f->plan.n_frontends; i++)
		for (size_t k = 0; k < f->plan.frontends[i].lb.n_targets; k++)
			if (!ip_addr_is_none(&f->plan.frontends[i].lb.targets[k].node))
				return true;
	return false;
}

static void the_order_of_reading_does_not_matter(void **state)
{
	size_t n_announce = 0, n_frontends = 0, n_tunnelled = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct random_set s = random_set(seed);
		struct fixture *f = new_fixture(seed), *g = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			random_put(f, &s.items[i]);
			random_put(g, &s.items[s.n - 1 - i]);
		}
		come_to_rest(f, seed);
		come_to_rest(g, seed);
		what = difference(f, g, true);
		if (what)
			fail_msg("seed %llu: by order differs: %s", (unsigned long long)seed, what);
		fixture_plan(f);
		if (fixture_apply(f) != 0)
			fail_msg("seed %llu: applying twice does something",
				 (unsigned long long)seed);
		n_announce += f->plan.n_routes > 0;
		n_frontends += f->plan.n_frontends;
		n_tunnelled += tunnelled(f);
		fixture_free(f);
		fixture_free(g);
	}
	assert_true(n_announce > N_SEEDS / 2 && n_frontends > N_SEEDS);
	assert_true(n_tunnelled > N_SEEDS / 40);
}

/* What its decoder refuses, but can tell whose it is. */
static void put_bad(struct fixture *f, const struct random_object *m)
{
	fixture_object(f, m->kind, m->name, "creationTimestamp: yesterday", m->body);
}

static void a_bad_object_yields_the_plan_of_the_rest(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct random_set s = random_set(N_SEEDS + seed);
		const size_t bad = rng_below(&s.rng, s.n);
		struct fixture *f = new_fixture(seed), *rest = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			if (i == bad)
				put_bad(f, &s.items[i]);
			else
				random_put(f, &s.items[i]);
			if (i != bad)
				random_put(rest, &s.items[i]);
		}
		come_to_rest(f, seed);
		come_to_rest(rest, seed);
		what = difference(f, rest, false);
		if (what)
			fail_msg("seed %llu: with a bad %s differs: %s", (unsigned long long)seed,
				 s.items[bad].kind, what);
		assert_true(problems_count(world_problems(f->world), SEVERITY_ERROR) > 0);
		fixture_free(f);
		fixture_free(rest);
	}
}

/* It was right once: then the plan is that of the rest and of what it was. */
static void a_bad_object_that_was_right_goes_on_as_it_was(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS / 2; seed++) {
		struct random_set s = random_set(2 * N_SEEDS + seed);
		const size_t bad = rng_below(&s.rng, s.n);
		struct fixture *f = new_fixture(seed), *good = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			random_put(f, &s.items[i]);
			random_put(good, &s.items[i]);
		}
		come_to_rest(f, seed);
		put_bad(f, &s.items[bad]);
		come_to_rest(f, seed);
		come_to_rest(good, seed);
		what = difference(f, good, false);
		if (what)
			fail_msg("seed %llu: with a bad %s that was right differs: %s",
				 (unsigned long long)seed, s.items[bad].kind, what);
		assert_true(problems_count(world_problems(f->world), SEVERITY_ERROR) > 0);
		fixture_free(f);
		fixture_free(good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_reading_does_not_matter),
		cmocka_unit_test(a_bad_object_yields_the_plan_of_the_rest),
		cmocka_unit_test(a_bad_object_that_was_right_goes_on_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
