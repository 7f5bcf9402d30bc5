// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lb/lb_view.c: what dump() keeps from one time to the next is what get() reads of each key at the
 * moment, whatever was put, deleted and tested meanwhile, and however much of it.
 */
#include "base/rng.h"
#include "fixture.h"

enum { N_KEYS = 300, N_TARGETS = 5, N_STEPS = 120 };

static struct lb_key some_key(size_t i)
{
	return key_of(0xc0000201 + (uint32_t)(i / 2), (uint16_t)(i % 2 ? 80 : 0));
}

static void do_something(struct fixture *x, struct rng *rng)
{
	const struct lb_key key = some_key(rng_below(rng, N_KEYS));
	struct lb_target targets[N_TARGETS];
	const size_t n = key.port ? 1 + rng_below(rng, N_TARGETS) : 0;
	struct lb_frontend f;

	switch (rng_below(rng, 4)) {
	case 0:
		lb_tables_del(x->t, &x->c, &key);
		return;
	case 1:
		lb_tables_set_tested(x->t, &key);
		return;
	default:
		break;
	}
	for (size_t i = 0; i < n; i++)
		targets[i] = target_of_v4(0x0a000001 + (uint32_t)(i * 9 + rng_below(rng, 9)), 8080,
					  rng_below(rng, 2));
	f = frontend_of(key, targets, n);
	f.flags = rng_below(rng, 2) ? LB_F_UNKNOWN_PASS : 0;
	(void)!fixture_put(x, &f); /* refused is as good */
}

static void assert_same(const struct lb_actual *a, const struct lb_actual *b)
{
	assert_int_equal(lb_key_cmp(&a->key, &b->key), 0);
	assert_true(a->table == b->table);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->tested, b->tested);
	assert_int_equal(a->n_targets, b->n_targets);
	for (size_t i = 0; i < a->n_targets; i++) {
		assert_int_equal(lb_target_cmp(&a->targets[i], &b->targets[i]), 0);
		assert_int_equal(a->targets[i].state, b->targets[i].state);
	}
}

static void assert_dump_is_what_get_says(struct fixture *x, struct arena *arena)
{
	const struct lb_actual *all;
	size_t n, n_found = 0;

	lb_tables_dump(x->t, arena, &all, &n);
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct lb_key key = some_key(i);
		struct lb_actual found;

		if (!lb_tables_get(x->t, &key, arena, &found))
			continue;
		assert_in_range(n_found, 0, n - 1);
		assert_same(&all[n_found++], &found);
	}
	assert_int_equal(n_found, n);
}

static void dump_is_what_get_says_of_each_key(void **state)
{
	struct arena *arena = arena_new();
	struct fixture x;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	fixture_init(&x);
	for (size_t step = 0; step < N_STEPS; step++) {
		const size_t n = rng_below(&rng, step % 10 ? 8 : 600);

		for (size_t i = 0; i < n; i++)
			do_something(&x, &rng);
		fixture_at(&x, x.c.now + rng_below(&rng, 2 * SECOND));
		(void)lb_tables_tick(x.t, &x.c);
		assert_dump_is_what_get_says(&x, arena);
		arena_reset(arena);
	}
	assert_int_equal(fixture_restart(&x), 0);
	assert_dump_is_what_get_says(&x, arena);
	fixture_done(&x);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_is_what_get_says_of_each_key),
	};

	return cmocka_run_group_tests_name("lb_view", tests, NULL, NULL);
}
