// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Which VIPs begin settled: those that this node has never served. */
#include "walk_fixture.h"

static void put_vip(struct fixture *x, uint32_t vip)
{
	struct lb_frontend f = frontend_of(key_of(vip, 0), NULL, 0);

	assert_int_equal(fixture_put(x, &f), 0);
}

static void begin_unserved(struct fixture *x)
{
	fixture_init(x);
	fixture_add_flows(x);
	put_vip(x, WEB);
}

/* Nobody can have a flow of it, in whichever port; and that needs no walk to be known. */
static void a_vip_that_was_never_served_begins_settled(void **state)
{
	struct fixture x;

	(void)state;
	begin_unserved(&x);
	x.config.settle_from = x.c.now + LB_SETTLE_BLIND_NS; /* that is of others */
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), 0);
	put(&x, 0, 6);
	assert_true(n_unsettled(&x) > 0);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

static void a_vip_that_comes_back_begins_unsettled(void **state)
{
	const struct lb_key vip = key_of(WEB, 0);
	struct lb_key web = key();
	struct fixture x;

	(void)state;
	begin_unserved(&x);
	put(&x, 0, 5);
	lb_tables_del(x.t, &x.c, &web);
	lb_tables_del(x.t, &x.c, &vip);
	pass(&x, AWHILE);
	put_vip(&x, WEB);
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), ROWS);
	pass(&x, AWHILE);
	assert_int_equal(n_unsettled(&x), 0);
	fixture_done(&x);
}

/* A port more of a VIP that a former agent has served. */
static void what_is_adopted_was_served(void **state)
{
	struct lb_key web = key();
	struct fixture x;

	(void)state;
	begin_unserved(&x);
	put(&x, 0, 5);
	lb_tables_del(x.t, &x.c, &web);
	fixture_restart(&x);
	pass(&x, AWHILE);
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), ROWS);
	fixture_done(&x);
}

static void where_nothing_is_known_of_what_was_served_all_was(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	x.config.served_unknown = 1;
	fixture_restart(&x);
	fixture_add_flows(&x);
	put_vip(&x, WEB);
	put(&x, 0, 5);
	assert_int_equal(n_unsettled(&x), ROWS);
	fixture_done(&x);
}

static void all_that_were_served_are_told(void **state)
{
	const struct lb_vip before[] = {{.addr = ip_addr_from_v4(OTHER + 7), .domain = 2},
					{.addr = ip_addr_from_v4(OTHER), .domain = 3},
					{.addr = ip_addr_from_v4(OTHER), .domain = 1}};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct lb_key vip = key_of(WEB, 0);
	const struct lb_vip *all;
	struct fixture x;
	uint64_t at;
	size_t n;

	(void)state;
	fixture_init(&x);
	at = lb_tables_served_generation(x.t);
	lb_tables_add_served(x.t, before, 3);
	assert_true(lb_tables_served_generation(x.t) > at);
	put_vip(&x, WEB);
	at = lb_tables_served_generation(x.t);
	lb_tables_del(x.t, &x.c, &vip);
	put_vip(&x, WEB);
	lb_tables_add_served(x.t, before, 3);
	assert_true(lb_tables_served_generation(x.t) == at);
	all = lb_tables_served(x.t, arena, &n);
	assert_int_equal(n, 4);
	assert_true(ip_addr_v4(&all[0].addr) == WEB && all[0].domain == 0);
	assert_true(ip_addr_v4(&all[1].addr) == OTHER && all[1].domain == 1);
	assert_true(ip_addr_v4(&all[2].addr) == OTHER && all[2].domain == 3);
	assert_true(ip_addr_v4(&all[3].addr) == OTHER + 7 && all[3].domain == 2);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vip_that_was_never_served_begins_settled),
		cmocka_unit_test(a_vip_that_comes_back_begins_unsettled),
		cmocka_unit_test(what_is_adopted_was_served),
		cmocka_unit_test(where_nothing_is_known_of_what_was_served_all_was),
		cmocka_unit_test(all_that_were_served_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
