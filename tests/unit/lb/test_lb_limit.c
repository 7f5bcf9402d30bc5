// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The limit of a service's new flows: it lies in the service's slot before readers find that, a
 * change of it is one store and nothing else, and what the programs have counted stays.
 */
#include "service.h"

#include "lb/lb_counted.h"

#include <errno.h>

static struct lb_frontend limited(struct lb_target *target, uint64_t limit)
{
	struct lb_frontend f;

	*target = target_of_v4(0x0a000001, 8080, true);
	f = frontend_of(key_of(0xc0000201, 80), target, 1);
	f.limit = limit;
	return f;
}

static struct lb_new_flows *new_flows_of(const struct fixture *x)
{
	uint64_t live;

	return &x->new_flows[the_service(x, &live) - x->services];
}

static uint64_t limit_told(const struct fixture *x)
{
	struct lb_look look;

	lb_tables_look(x->t, &look);
	assert_int_equal(look.n, 1);
	return look.items[0].limit;
}

static void a_limit_has_three_parts(void **state)
{
	(void)state;
	assert_true(lb_limit(0, 0, true) == 0);
	assert_true(lb_limit(0, 500, true) == UINT64_C(500) << 32);
	assert_true(lb_limit(1, 0, false) == 1);
	assert_true(lb_limit(16000000, 0, false) == 16000000);
	assert_true(lb_limit(7, 500, false) == (UINT64_C(500) << 32 | 7));
	assert_true(lb_limit(7, UINT16_MAX, true) == (UINT64_C(0xffff) << 32 | 0x80000007));
}

static void a_service_has_its_limit_from_the_start(void **state)
{
	struct fixture x;
	struct lb_target target;
	struct lb_frontend f = limited(&target, lb_limit(100, 5, true));

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_true(new_flows_of(&x)->limit == (uint32_t)f.limit);
	assert_true(new_flows_of(&x)->spent == 0);
	assert_true(limit_told(&x) == f.limit);
	fixture_restart(&x);
	assert_true(limit_told(&x) == f.limit);
	fixture_done(&x);
}

static void another_limit_changes_nothing_else(void **state)
{
	struct fixture x;
	struct lb_target target;
	struct lb_frontend f = limited(&target, lb_limit(100, 5, false));
	struct lb_service before;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &f), 0);
	lb_tables_set_tested(x.t, &f.key);
	before = *the_service(&x, &live);
	new_flows_of(&x)->spent = 77u << 24 | 3;
	f.limit = lb_limit(200, 5, true);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_memory_equal(the_service(&x, &live), &before, sizeof(before));
	assert_true(new_flows_of(&x)->limit == (uint32_t)f.limit);
	assert_true(new_flows_of(&x)->spent == (77u << 24 | 3));
	assert_true(limit_told(&x) == f.limit);
	assert_int_equal(x.config.source_flows, 5);
	f.limit = lb_limit(0, 6, true);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_true(new_flows_of(&x)->limit == 0);
	assert_int_equal(x.config.source_flows, 6);
	assert_true(limit_told(&x) == f.limit);
	fixture_done(&x);
}

static void the_next_service_of_a_slot_has_its_own(void **state)
{
	struct fixture x;
	struct lb_target target;
	struct lb_frontend f = limited(&target, lb_limit(100, 5, true));

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &f), 0);
	new_flows_of(&x)->spent = 3;
	f.seed++; /* another Service at the same place */
	f.limit = 0;
	f.table = lb_table_name(&f);
	while (fixture_put(&x, &f) == -EAGAIN)
		fixture_at(&x, x.c.now + SECOND);
	assert_true(new_flows_of(&x)->limit == 0);
	assert_true(new_flows_of(&x)->spent == 0);
	fixture_done(&x);
}

static void a_vip_has_none(void **state)
{
	struct fixture x;
	struct lb_frontend f = frontend_of(key_of(0xc0000201, 0), NULL, 0);

	(void)state;
	fixture_init(&x);
	f.limit = 1;
	assert_int_equal(fixture_put(&x, &f), -EINVAL);
	f.limit = 0;
	assert_int_equal(fixture_put(&x, &f), 0);
	fixture_done(&x);
}

/* As long as the service is there, whatever it is put with, and whoever looks. */
static void flows_that_have_begun_stay_with_their_service(void **state)
{
	struct fixture x;
	struct lb_target target;
	struct lb_frontend f = limited(&target, lb_limit(100, 5, false));
	const struct lb_key other = key_of(0xc0000201, 81);

	(void)state;
	fixture_init(&x);
	assert_int_equal(lb_tables_begun(x.t, &f.key), 0);
	assert_int_equal(fixture_put(&x, &f), 0);
	new_flows_of(&x)->begun = UINT64_C(1) << 40;
	assert_true(lb_tables_begun(x.t, &f.key) == UINT64_C(1) << 40);
	assert_int_equal(lb_tables_begun(x.t, &other), 0);
	f.limit = lb_limit(200, 5, false);
	assert_int_equal(fixture_put(&x, &f), 0);
	fixture_restart(&x);
	assert_true(lb_tables_begun(x.t, &f.key) == UINT64_C(1) << 40);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_that_have_begun_stay_with_their_service),
		cmocka_unit_test(a_limit_has_three_parts),
		cmocka_unit_test(a_service_has_its_limit_from_the_start),
		cmocka_unit_test(another_limit_changes_nothing_else),
		cmocka_unit_test(the_next_service_of_a_slot_has_its_own),
		cmocka_unit_test(a_vip_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
