// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The two sinks: order of operations, what fails, what is held, and that nothing is done twice.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void begin(struct fixture *f, struct arena *arena, struct plan_apply *ret)
{
	const struct lb_store store = fake_store_ops(&f->store);
	const struct lb_actual *have;
	size_t n_have;

	store.ops->dump(store.ctx, arena, &have, &n_have);
	plan_apply_begin(
		ret, &(struct plan_stirred){f->plan.frontends, f->plan.n_frontends, have, n_have},
		&store, arena);
}

static struct plan_apply_result apply(struct fixture *f)
{
	struct arena *arena = arena_new();
	struct plan_apply a = {.at = 0};

	fake_store_apply(&f->store, &f->plan, &a, f->now, arena);
	assert_true(plan_apply_is_over(&a));
	arena_free(arena);
	return a.result;
}

static void vip_is_put_before_and_deleted_after_its_frontends(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	assert_int_equal(f->store.n_orphans, 0);
	f->plan.n_frontends = 0;
	assert_int_equal(apply(f).n_done, 2); /* fake_del asserts the order */
	assert_int_equal(f->store.n, 0);
}

static void vip_stays_while_a_frontend_of_it_cannot_be_deleted(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_apply_result r;

	(void)state;
	f->plan.n_frontends = 0;
	f->store.fail_at = f->store.n_calls + 1;
	r = apply(f);
	assert_int_equal(r.n_failed, 1);
	assert_int_equal(r.n_done, 0);
	assert_true(r.first_error < 0);
	assert_int_equal(f->store.n, 2);
	assert_int_equal(apply(f).n_done, 2);
}

static void nothing_is_done_twice(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	const size_t calls = f->store.n_calls;

	(void)state;
	assert_int_equal(apply(f).n_done, 0);
	assert_int_equal(f->store.n_calls, calls);
}

static void untested_frontend_is_tested_again_without_being_put(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct fake_frontend *fe = fake_store_find(&f->store, &f->plan.frontends[1].lb.key);
	const size_t calls = f->store.n_calls;

	(void)state;
	fe->tested = false;
	assert_int_equal(apply(f).n_done, 1);
	assert_int_equal(f->store.n_calls, calls + 1);
	assert_true(fe->tested);
}

static void frontend_that_cannot_be_put_is_not_tested(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_apply_result r;

	(void)state;
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	f->store.fail_at = f->store.n_calls + 1;
	r = apply(f);
	assert_int_equal(r.n_failed, 1);
	assert_int_equal(r.n_done, 0);
	r = apply(f);
	assert_int_equal(r.n_done, 2);
}

static void held_frontend_is_neither_changed_nor_made(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_frontend held[3] = {f->plan.frontends[0], f->plan.frontends[1]};

	(void)state;
	held[1].lb.table++;
	held[2].lb.key = held[1].lb.key;
	held[2].lb.key.addr = ip_addr_from_v4(0xc0a864ff);
	held[0].hold = held[1].hold = held[2].hold = true;
	f->plan.frontends = held;
	f->plan.n_frontends = 3;
	assert_int_equal(apply(f).n_done, 0);
	assert_int_equal(f->store.n, 2);
}

static void changed_flags_alone_are_a_change(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {dataplane: {unknownPort: pass}}");
	fixture_plan(f);
	assert_int_equal(apply(f).n_done, 1);
	assert_int_equal(f->store.items[0].flags, LB_F_UNKNOWN_PASS | LB_F_ECHO_ANSWER);
}

/* One call a turn: nothing is lost, done twice or out of order, and a put is tested after it. */
static void a_store_that_takes_little_a_turn_gets_all_in_the_end(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct arena *arena = arena_new();
	size_t turns = 0, calls;
	struct plan_apply a = {.at = 0};

	(void)state;
	fixture_add_service(f, "new", "Local", "");
	fixture_add_slice(f, "new", "10.244.0.9@node-a");
	fixture_plan(f);
	f->plan.frontends += 2; /* "web" is to go */
	f->plan.n_frontends -= 2;
	f->store.per_turn = 1;
	f->store.fail_at = f->store.n_calls + 1;
	calls = f->store.n_calls;
	begin(f, arena, &a);
	for (; !plan_apply_is_over(&a); turns++) {
		assert_true(turns < 10);
		fake_store_turn(&f->store);
		plan_apply_go_on(&a, f->now);
		assert_int_equal(f->store.n_calls, calls + turns + 1);
	}
	/* The new VIP failed, so its frontend waits; the old one went with its frontend. */
	assert_int_equal(turns, 3);
	assert_int_equal(a.result.n_failed, 1);
	assert_int_equal(a.result.n_done, 2);
	begin(f, arena, &a);
	for (turns = 0; !plan_apply_is_over(&a); turns++) {
		fake_store_turn(&f->store);
		plan_apply_go_on(&a, f->now);
	}
	assert_int_equal(turns, 3); /* VIP, frontend, its test */
	assert_int_equal(f->store.n, 2);
	assert_true(f->store.items[1].tested);
	arena_free(arena);
}

static void who_left_does_not_wait_for_new_frontends(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct arena *arena = arena_new();
	const struct plan_frontend *web;
	struct plan_apply a = {.at = 0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "x%d", i);
		fixture_add_service(f, name, "Local", "");
		fixture_add_slice(f, name, "10.244.0.9@node-a");
	}
	fixture_add_slice(f, "web", "10.244.0.6@node-a");
	fixture_plan(f);
	web = fixture_frontend(f, "192.168.100.0", 80);
	assert_non_null(web);
	f->store.per_turn = 1;
	fake_store_apply(&f->store, &f->plan, &a, f->now, arena);
	assert_false(plan_apply_is_over(&a));
	assert_int_equal(a.result.n_done, 1);
	assert_true(fake_store_find(&f->store, &web->lb.key)->table == web->lb.table);
	arena_free(arena);
}

/* Each turn has a plan of its own, and the first frontend's test fails for ever. */
static void what_fails_keeps_nobody_from_his_turn(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	struct plan_apply a = {.at = 0};

	(void)state;
	fixture_basics(f);
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d", i);
		fixture_add_service(f, name, "Local", "");
		fixture_add_slice(f, name, "10.244.0.9@node-a");
	}
	f->store.fail_tests = true;
	f->store.per_turn = 1;
	for (int turn = 0; turn < 20; turn++) {
		struct arena *arena = arena_new();

		fixture_plan(f);
		fake_store_apply(&f->store, &f->plan, &a, f->now, arena);
		arena_free(arena);
	}
	assert_int_equal(f->store.n, 10);
	assert_int_equal(f->store.n_orphans, 0);
}

static void routes_reach_only_the_peers_of_their_bitmap(void **state)
{
	struct bgp_attrs attrs[2] = {{.local_pref = 1, .has_local_pref = true},
				     {.local_pref = 2, .has_local_pref = true}};
	struct plan_route routes[2] = {{.attrs = 0, .peers = 1}, {.attrs = 1, .peers = 2}};
	const struct plan plan = {.attrs = attrs, .n_attrs = 2, .routes = routes, .n_routes = 2};
	struct bgp_rib *ribs[3] = {bgp_rib_new(NULL), bgp_rib_new(NULL), bgp_rib_new(NULL)};
	struct bgp_rib_route have;
	size_t pos;

	(void)state;
	if (!ip_prefix_parse("10.0.0.0/24", &routes[0].prefix))
		fail();
	routes[1].prefix = routes[0].prefix;
	for (size_t i = 0; i < 3; i++)
		(void)plan_apply_routes(&plan, i, ribs[i], 0);
	for (size_t i = 0; i < 2; i++) {
		pos = 0;
		assert_int_equal(bgp_rib_n_desired(ribs[i]), 1);
		assert_true(bgp_rib_next(ribs[i], &pos, &have));
		assert_int_equal(have.desired->local_pref, i + 1);
	}
	assert_int_equal(bgp_rib_n_desired(ribs[2]), 0);
	for (size_t i = 0; i < 3; i++)
		bgp_rib_free(ribs[i]);
}

static void held_route_keeps_what_the_peer_has_and_adds_nothing(void **state)
{
	struct bgp_attrs attrs = {.local_pref = 1, .has_local_pref = true};
	struct plan_route route = {.attrs = 0, .peers = 1};
	const struct plan plan = {.attrs = &attrs, .n_attrs = 1, .routes = &route, .n_routes = 1};
	struct bgp_rib *rib = bgp_rib_new(NULL);

	(void)state;
	if (!ip_prefix_parse("10.0.0.0/24", &route.prefix))
		fail();
	route.hold = true;
	(void)plan_apply_routes(&plan, 0, rib, 0);
	assert_int_equal(bgp_rib_n_desired(rib), 0);
	route.hold = false;
	(void)plan_apply_routes(&plan, 0, rib, 0);
	assert_int_equal(bgp_rib_n_desired(rib), 1);
	route.hold = true;
	(void)plan_apply_routes(&plan, 0, rib, 0);
	assert_int_equal(bgp_rib_n_desired(rib), 1);
	route.peers = 2;
	(void)plan_apply_routes(&plan, 0, rib, 0);
	assert_int_equal(bgp_rib_n_desired(rib), 0);
	bgp_rib_free(rib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vip_is_put_before_and_deleted_after_its_frontends),
		cmocka_unit_test(vip_stays_while_a_frontend_of_it_cannot_be_deleted),
		cmocka_unit_test(nothing_is_done_twice),
		cmocka_unit_test(untested_frontend_is_tested_again_without_being_put),
		cmocka_unit_test(frontend_that_cannot_be_put_is_not_tested),
		cmocka_unit_test(held_frontend_is_neither_changed_nor_made),
		cmocka_unit_test(changed_flags_alone_are_a_change),
		cmocka_unit_test(a_store_that_takes_little_a_turn_gets_all_in_the_end),
		cmocka_unit_test(who_left_does_not_wait_for_new_frontends),
		cmocka_unit_test(what_fails_keeps_nobody_from_his_turn),
		cmocka_unit_test(routes_reach_only_the_peers_of_their_bitmap),
		cmocka_unit_test(held_route_keeps_what_the_peer_has_and_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
