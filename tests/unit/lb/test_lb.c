// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fixture.h"

#include "base/hash.h"

static struct lb_frontend web(const struct lb_target *targets, size_t n)
{
	return frontend_of(key_of(0xc0000201, 80), targets, n);
}

static void seeds_are_the_same_on_every_node(void **state)
{
	(void)state;
	assert_int_equal(lb_seed("default", "web"), 0x492e5dae); /* golden */
	assert_int_equal(lb_seed("a", "bc"), 0x91398322);
	assert_int_equal(lb_seed("ab", "c"), 0x168a9024);
}

static void targets_are_ordered_by_address_then_port(void **state)
{
	struct lb_target a = target_of_v4(0x0a000001, 9, true);
	struct lb_target b = target_of_v4(0x0a000002, 8, true);
	struct lb_target c = target_of_v4(0x0a000002, 9, false);

	(void)state;
	assert_true(lb_target_cmp(&a, &b) < 0);
	assert_true(lb_target_cmp(&b, &c) < 0);
	assert_true(lb_target_cmp(&c, &a) > 0);
	b.state = LB_BACKEND_DRAINING;
	b.port = 9;
	assert_int_equal(lb_target_cmp(&b, &c), 0);
}

static void a_table_is_named_by_everything_that_fills_it(void **state)
{
	struct lb_target targets[] = {target_of_v4(0x0a000001, 80, true),
				      target_of_v4(0x0a000002, 80, true)};
	struct lb_frontend f = web(targets, 2);
	uint64_t name = lb_table_name(&f);

	(void)state;
	assert_true(name != 0 && lb_table_name(&f) == name);
	targets[1].state = LB_BACKEND_DRAINING;
	assert_true(lb_table_name(&f) != name);
	targets[1].state = LB_BACKEND_READY;
	targets[1].port = 81;
	assert_true(lb_table_name(&f) != name);
	targets[1].port = 80;
	f.n_targets = 1;
	assert_true(lb_table_name(&f) != name);
	f.n_targets = 2;
	f.rows_log2 = 9;
	assert_true(lb_table_name(&f) != name);
	f.rows_log2 = 8;
	f.seed++;
	assert_true(lb_table_name(&f) != name);
	f.seed--;
	f.key.port = 81;
	assert_true(lb_table_name(&f) != name);
	f.key.port = 80;
	assert_true(lb_table_name(&f) == name);
	targets[0].weight = 2;
	assert_true(lb_table_name(&f) != name);
	targets[0].weight = 1;
	targets[0].node = ip_addr_from_v4(0x0a0a0001);
	assert_true(lb_table_name(&f) != name);
	name = lb_table_name(&f);
	targets[0].way = LB_BY_L2;
	assert_true(lb_table_name(&f) != name);
	targets[0].way = LB_BY_TUNNEL;
	targets[1].node = targets[0].node;
	targets[0].node = (struct ip_addr){0};
	assert_true(lb_table_name(&f) != name);
}

/* What fills it is the recipe that nodes tell each other: who is ready is said as it says it. */
static void the_name_of_a_table_begins_with_its_recipe(void **state)
{
	const struct lb_target targets[] = {target_of_v4(0x0a000001, 80, true),
					    target_of_v4(0x0a000002, 80, false)};
	const struct lb_frontend f = web(targets, 2);
	uint64_t h = lb_wire_recipe(f.seed, f.rows_log2);

	(void)state;
	h = lb_wire_recipe_add(h, lb_target_id(&targets[0], f.seed), targets[0].weight, true);
	h = lb_wire_recipe_add(h, lb_target_id(&targets[1], f.seed), targets[1].weight, false);
	assert_true(lb_table_name(&f) == hash_bytes(h, &f.key, sizeof(f.key)));
}

static void the_owner_does_not_change_the_name_of_a_table(void **state)
{
	struct lb_target t = target_of_v4(0x0a000001, 80, true);
	struct lb_frontend f = web(&t, 1);
	uint64_t name = lb_table_name(&f);

	(void)state;
	t.owner = 1; /* it is the frontend's, whose seed is in the name */
	assert_true(lb_table_name(&f) == name);
}

static void flags_do_not_change_the_name_of_a_table(void **state)
{
	struct lb_frontend f = web(NULL, 0);
	uint64_t name = lb_table_name(&f);

	(void)state;
	f.flags = LB_F_AFFINITY;
	assert_true(lb_table_name(&f) == name);
}

/* It is written with the rows, and nothing else says that it has changed. */
static void the_time_of_an_affinity_changes_the_name_of_a_table(void **state)
{
	struct lb_frontend f = web(NULL, 0);
	const uint64_t none = lb_table_name(&f);
	uint64_t an_hour;

	(void)state;
	f.flags = LB_F_AFFINITY;
	f.affinity_s = 3600;
	an_hour = lb_table_name(&f);
	assert_true(an_hour != none);
	f.affinity_s = 3601;
	assert_true(lb_table_name(&f) != an_hour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_the_same_on_every_node),
		cmocka_unit_test(targets_are_ordered_by_address_then_port),
		cmocka_unit_test(a_table_is_named_by_everything_that_fills_it),
		cmocka_unit_test(the_name_of_a_table_begins_with_its_recipe),
		cmocka_unit_test(the_owner_does_not_change_the_name_of_a_table),
		cmocka_unit_test(flags_do_not_change_the_name_of_a_table),
		cmocka_unit_test(the_time_of_an_affinity_changes_the_name_of_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
