// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sets of source ranges: a reader finds a whole set behind every service that asks for one, at any
 * time, and a set is given to others only when no reader can hold its number. What is in the sets
 * is kept here, as the kernel would.
 */
#include "fixture.h"

#include <errno.h>

#define N_SERVICES 12
#define N_NAMES    5
#define STEPS      6000

/* What lies in each set: the name it was filled for, 0 = nothing. */
struct sets {
	struct fixture x;
	uint64_t filled[LB_RANGE_SETS];
	struct lb_target target;
	struct rng rng;
};

static struct lb_frontend ranged(struct sets *s, uint32_t service, uint64_t name)
{
	struct lb_frontend f = frontend_of(key_of(0xc0000201 + service, 80), &s->target, 1);

	f.flags = name ? LB_F_RANGES : 0;
	f.ranges_name = name;
	return f;
}

static void fill(struct sets *s, uint64_t name)
{
	uint32_t set;

	assert_int_equal(lb_tables_take_ranges(s->x.t, &set), 0);
	assert_in_range(set, 1, LB_RANGE_SETS - 1);
	assert_int_equal(s->filled[set], 0);
	s->filled[set] = name;
	lb_tables_name_ranges(s->x.t, &s->x.c, set, name);
}

static int put(struct sets *s, const struct lb_frontend *f)
{
	int outcome;

	while ((outcome = lb_tables_put(s->x.t, &s->x.c, f)) > 0) {
		if (outcome == LB_NEED_RANGES)
			fill(s, f->ranges_name);
		else
			fixture_add_chunk(&s->x, outcome);
	}
	return outcome;
}

static void empty_unused(struct sets *s)
{
	uint32_t set;

	while (lb_tables_drop_ranges(s->x.t, &s->x.c, &set)) {
		assert_int_not_equal(s->filled[set], 0);
		s->filled[set] = 0;
		lb_tables_give_ranges(s->x.t, set);
	}
}

/* The name of what a reader of this service looks into; 0: it lets everybody in. */
static uint64_t seen(struct sets *s, uint32_t service)
{
	const struct lb_key key = key_of(0xc0000201 + service, 80);
	uint64_t live;
	const struct lb_service *svc = reader_find(&s->x, &key, &live);

	if (!svc || !(live >> LB_LIVE_FLAGS_SHIFT & LB_SVC_RANGES))
		return 0;
	assert_in_range(svc->ranges, 1, LB_RANGE_SETS - 1);
	assert_int_not_equal(s->filled[svc->ranges], 0);
	return s->filled[svc->ranges];
}

static void setup_sets(struct sets *s)
{
	*s = (struct sets){.target = target_of_v4(0x0a000001, 8080, true)};
	fixture_init(&s->x);
	rng_seed(&s->rng, 7);
}

/* What is named is found again: no two sets are filled for one name. */
static void expect_each_once(const struct sets *s)
{
	unsigned n[N_NAMES + 1] = {0};

	for (uint32_t i = 0; i < LB_RANGE_SETS; i++)
		if (s->filled[i])
			assert_int_equal(n[s->filled[i]]++, 0);
}

/* Against a plain model, over restarts, with sets that several services share. */
static void every_service_has_the_ranges_it_was_put_with(void **state)
{
	struct sets *s = xcalloc(1, sizeof(*s));
	uint64_t want[N_SERVICES] = {0};
	nsec_t now = 100 * SECOND;

	(void)state;
	setup_sets(s);
	for (int step = 0; step < STEPS; step++) {
		const uint32_t i = (uint32_t)rng_below(&s->rng, N_SERVICES);
		const struct lb_frontend f =
			ranged(s, i, rng_below(&s->rng, 3) ? 1 + rng_below(&s->rng, N_NAMES) : 0);

		now += rng_below(&s->rng, SECOND / 2);
		fixture_at(&s->x, now);
		switch (rng_below(&s->rng, 8)) {
		case 0:
			lb_tables_del(s->x.t, &s->x.c, &f.key);
			want[i] = 0;
			break;
		case 1:
			assert_int_equal(fixture_restart(&s->x), 0);
			break;
		default:
			if (put(s, &f) == 0)
				want[i] = f.ranges_name;
		}
		(void)lb_tables_tick(s->x.t, &s->x.c);
		empty_unused(s);
		for (uint32_t k = 0; k < N_SERVICES; k++)
			assert_int_equal(seen(s, k), want[k]);
		expect_each_once(s);
	}
	fixture_done(&s->x);
	free(s);
}

static void dump_tells_the_name_of_the_ranges(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct sets *s = xcalloc(1, sizeof(*s));
	const struct lb_actual *all;
	struct lb_actual one;
	struct lb_frontend f;
	size_t n;

	(void)state;
	setup_sets(s);
	f = ranged(s, 0, 9);
	assert_int_equal(put(s, &f), 0);
	lb_tables_dump(s->x.t, arena, &all, &n);
	assert_int_equal(all[0].ranges_name, 9);
	assert_int_equal(all[0].flags, LB_F_RANGES);
	assert_true(lb_tables_get(s->x.t, &f.key, arena, &one));
	assert_int_equal(one.ranges_name, 9);
	f = ranged(s, 0, 0);
	assert_int_equal(put(s, &f), 0);
	lb_tables_dump(s->x.t, arena, &all, &n);
	assert_int_equal(all[0].ranges_name, 0);
	fixture_done(&s->x);
	free(s);
}

/* Readers that still hold its number find what they look for. */
static void set_rests_before_it_is_emptied(void **state)
{
	struct sets *s = xcalloc(1, sizeof(*s));
	struct lb_frontend f;
	uint32_t set;

	(void)state;
	setup_sets(s);
	f = ranged(s, 0, 9);
	assert_int_equal(put(s, &f), 0);
	f = ranged(s, 0, 8);
	assert_int_equal(put(s, &f), 0);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_at(&s->x, 100 * SECOND + LB_REST_NS - 1);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_at(&s->x, 100 * SECOND + LB_REST_NS);
	assert_true(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	assert_int_equal(s->filled[set], 9);
	assert_false(lb_tables_has_ranges(s->x.t, set));
	/* It is not filled for anybody before it is given back. */
	assert_int_equal(lb_tables_take_ranges(s->x.t, &(uint32_t){0}), 0);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &(uint32_t){0}));
	fixture_done(&s->x);
	free(s);
}

/* Nobody knows how long ago the agent before this one gave it up, or whether it got that far. */
static void set_rests_after_a_restart(void **state)
{
	static const nsec_t later = 500 * SECOND;
	struct sets *s = xcalloc(1, sizeof(*s));
	struct lb_frontend f;
	uint32_t set;

	(void)state;
	setup_sets(s);
	for (uint64_t name = 7; name <= 9; name++) {
		f = ranged(s, 0, name);
		assert_int_equal(put(s, &f), 0);
	}
	fixture_at(&s->x, later);
	assert_int_equal(fixture_restart(&s->x), 0);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_at(&s->x, later + LB_REST_NS - 1);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_at(&s->x, later + LB_REST_NS);
	for (uint64_t name = 7; name <= 8; name++) {
		assert_true(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
		assert_int_equal(s->filled[set], name);
	}
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_done(&s->x);
	free(s);
}

/* A set that no put came to use, as when the tables were full. */
static void set_that_nobody_came_to_use_rests_too(void **state)
{
	struct sets *s = xcalloc(1, sizeof(*s));
	uint32_t set;

	(void)state;
	setup_sets(s);
	fill(s, 9);
	assert_false(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	fixture_at(&s->x, 100 * SECOND + LB_REST_NS);
	assert_true(lb_tables_drop_ranges(s->x.t, &s->x.c, &set));
	assert_int_equal(s->filled[set], 9);
	fixture_done(&s->x);
	free(s);
}

static void sets_are_as_many_as_there_are(void **state)
{
	struct sets *s = xcalloc(1, sizeof(*s));
	uint32_t set, last = 0;

	(void)state;
	setup_sets(s);
	for (uint32_t i = 1; i < LB_RANGE_SETS; i++) {
		assert_int_equal(lb_tables_take_ranges(s->x.t, &set), 0);
		assert_int_equal(set, last + 1);
		last = set;
	}
	assert_int_equal(lb_tables_take_ranges(s->x.t, &set), -ENOSPC);
	lb_tables_give_ranges(s->x.t, 17);
	assert_int_equal(lb_tables_take_ranges(s->x.t, &set), 0);
	assert_int_equal(set, 17);
	fixture_done(&s->x);
	free(s);
}

/* An agent that died while it filled one leaves no name; what contradicts itself is taken out. */
static void adoption_trusts_no_number(void **state)
{
	static const uint16_t wrong[] = {0, 2, LB_RANGE_SETS, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct sets *s = xcalloc(1, sizeof(*s));
		struct lb_frontend f;
		uint64_t live;

		setup_sets(s);
		f = ranged(s, 0, 9);
		assert_int_equal(put(s, &f), 0);
		for (uint32_t k = 0; k < LB_SERVICE_SLOTS; k++)
			if (s->x.services[k].live)
				s->x.services[k].ranges = wrong[i];
		assert_int_equal(fixture_restart(&s->x), 1);
		assert_null(reader_find(&s->x, &f.key, &live));
		fixture_done(&s->x);
		free(s);
	}
}

static void flag_and_name_go_together(void **state)
{
	struct sets *s = xcalloc(1, sizeof(*s));
	struct lb_frontend f;

	(void)state;
	setup_sets(s);
	f = ranged(s, 0, 9);
	f.flags = 0;
	assert_int_equal(lb_tables_put(s->x.t, &s->x.c, &f), -EINVAL);
	f.flags = LB_F_RANGES;
	f.ranges_name = 0;
	assert_int_equal(lb_tables_put(s->x.t, &s->x.c, &f), -EINVAL);
	f = frontend_of(key_of(0xc0000201, 0), NULL, 0);
	f.ranges_name = 9;
	assert_int_equal(lb_tables_put(s->x.t, &s->x.c, &f), -EINVAL);
	fixture_done(&s->x);
	free(s);
}

static void names_differ_where_ranges_do(void **state)
{
	const struct ip_addr a = ip_addr_from_v4(0x0a000000), b = ip_addr_from_v4(0x0b000000);
	const struct ip_prefix two[] = {ip_prefix_of(&a, 8), ip_prefix_of(&b, 8)};
	const struct ip_prefix other = ip_prefix_of(&a, 9);

	(void)state;
	assert_int_not_equal(lb_ranges_name(NULL, 0), 0);
	assert_int_not_equal(lb_ranges_name(two, 1), lb_ranges_name(two, 2));
	assert_int_not_equal(lb_ranges_name(two, 1), lb_ranges_name(two + 1, 1));
	assert_int_not_equal(lb_ranges_name(two, 1), lb_ranges_name(&other, 1));
	assert_int_not_equal(lb_ranges_name(two, 1), lb_ranges_name(NULL, 0));
	assert_int_equal(lb_ranges_name(two, 2), lb_ranges_name(two, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_service_has_the_ranges_it_was_put_with),
		cmocka_unit_test(dump_tells_the_name_of_the_ranges),
		cmocka_unit_test(set_rests_before_it_is_emptied),
		cmocka_unit_test(set_rests_after_a_restart),
		cmocka_unit_test(set_that_nobody_came_to_use_rests_too),
		cmocka_unit_test(sets_are_as_many_as_there_are),
		cmocka_unit_test(adoption_trusts_no_number),
		cmocka_unit_test(flag_and_name_go_together),
		cmocka_unit_test(names_differ_where_ranges_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
