// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * lb/lb_view.c: what dump() keeps from one time to the next is what get() reads of each key at the
 * moment, whatever was put, deleted and tested meanwhile, and however much of it.
 */
#include "base/rng.h"
#include "fixture.h"
#include "lb/lb_counted.h"

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

/* What is counted is counted at the same places, in any order. */
static void assert_counted_is_what_backends_say(const struct fixture *x, const struct lb_key *key,
						struct arena *arena)
{
	const uint32_t *index;
	struct lb_counted counted;
	size_t n;

	assert_true(lb_tables_backends(x->t, key, arena, &index, &n));
	assert_true(lb_tables_counted(x->t, key, arena, &counted));
	assert_int_equal(counted.n, n);
	assert_int_equal(counted.begun, lb_tables_begun(x->t, key));
	for (size_t i = 0; i < n; i++) {
		size_t n_found = 0;

		for (size_t k = 0; k < n; k++)
			n_found += counted.index[k] == index[i];
		assert_int_equal(n_found, 1);
	}
}

static void assert_dump_is_what_get_says(struct fixture *x, struct arena *arena)
{
	const struct lb_actual *all;
	size_t n, n_found = 0;

	lb_tables_dump(x->t, arena, &all, &n);
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct lb_key key = some_key(i);
		struct lb_counted counted;
		struct lb_actual found;

		if (!lb_tables_get(x->t, &key, arena, &found)) {
			assert_false(lb_tables_counted(x->t, &key, arena, &counted));
			continue;
		}
		assert_counted_is_what_backends_say(x, &key, arena);
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

/* Whoever applies what each look says was touched to the picture of the look before has this one.
 */
struct looker {
	struct lb_actual *items; /* by number of the key; all zero: it is not there */
	size_t n_known;
	uint64_t generation;
};

static void see(struct looker *l, const struct lb_look *look, size_t number)
{
	const struct lb_key key = some_key(number);

	l->items[number] = (struct lb_actual){0};
	for (size_t i = 0; i < look->n; i++)
		if (lb_key_cmp(&look->items[i].key, &key) == 0)
			l->items[number] = look->items[i];
}

static size_t number_of(const struct lb_key *key)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct lb_key other = some_key(i);

		if (lb_key_cmp(&other, key) == 0)
			return i;
	}
	fail();
	return 0;
}

static void assert_seen(const struct looker *l, const struct lb_look *look)
{
	size_t n = 0;

	for (size_t i = 0; i < look->n; i++) {
		const struct lb_actual *had = &l->items[number_of(&look->items[i].key)];

		assert_int_equal(lb_key_cmp(&had->key, &look->items[i].key), 0);
		assert_true(had->table == look->items[i].table);
		assert_int_equal(had->flags, look->items[i].flags);
		assert_int_equal(had->tested, look->items[i].tested);
		assert_int_equal(had->n_targets, look->items[i].n_targets);
	}
	for (size_t i = 0; i < N_KEYS; i++)
		n += !ip_addr_is_none(&l->items[i].key.addr);
	assert_int_equal(n, look->n);
}

static void look_at(struct looker *l, const struct fixture *x)
{
	struct lb_look look;

	lb_tables_look(x->t, &look);
	assert_true(look.generation > l->generation);
	assert_true(look.since == 0 || look.since == l->generation);
	l->generation = look.generation;
	l->n_known += look.since != 0;
	for (size_t i = 0; look.since == 0 && i < N_KEYS; i++)
		see(l, &look, i);
	for (size_t i = 0; i < look.n_touched; i++)
		see(l, &look, number_of(&look.touched[i]));
	assert_seen(l, &look);
}

static void look_says_what_may_differ(void **state)
{
	struct arena *arena = arena_new();
	struct lb_actual items[N_KEYS];
	struct looker l = {.items = items};
	struct fixture x;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	fixture_init(&x);
	look_at(&l, &x);
	assert_int_equal(l.n_known, 0);
	for (size_t step = 0; step < N_STEPS; step++) {
		const size_t n = rng_below(&rng, step % 10 ? 8 : 600);

		for (size_t i = 0; i < n; i++)
			do_something(&x, &rng);
		fixture_at(&x, x.c.now + rng_below(&rng, 2 * SECOND));
		(void)lb_tables_tick(x.t, &x.c);
		if (rng_below(&rng, 3)) /* somebody else asks in between */
			assert_dump_is_what_get_says(&x, arena);
		if (rng_below(&rng, 3))
			look_at(&l, &x);
		arena_reset(arena);
	}
	assert_in_range(l.n_known, N_STEPS / 3, N_STEPS - 1);
	fixture_done(&x);
	arena_free(arena);
}

/* What a look told of is there until the next one, also when it was read again for somebody else.
 */
static void targets_stay_until_the_next_look(void **state)
{
	struct arena *arena = arena_new();
	struct lb_target target = target_of_v4(0x0a000001, 8080, 0);
	const struct lb_actual *all;
	struct lb_frontend f;
	struct lb_look look;
	struct fixture x;
	size_t n;

	(void)state;
	fixture_init(&x);
	for (unsigned i = 0; i < 3; i++) {
		const struct lb_target *told;

		target.port = 8080;
		f = frontend_of(some_key(1), &target, 1);
		assert_int_equal(fixture_put(&x, &f), 0);
		lb_tables_look(x.t, &look);
		told = look.items[0].targets;
		target.port++;
		f = frontend_of(some_key(1), &target, 1);
		assert_int_equal(fixture_put(&x, &f), 0);
		lb_tables_dump(x.t, arena, &all, &n);
		assert_int_equal(told->port, 8080);
	}
	fixture_done(&x);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_is_what_get_says_of_each_key),
		cmocka_unit_test(look_says_what_may_differ),
		cmocka_unit_test(targets_stay_until_the_next_look),
	};

	return cmocka_run_group_tests_name("lb_view", tests, NULL, NULL);
}
