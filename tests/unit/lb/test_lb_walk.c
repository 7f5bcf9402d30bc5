// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The walk: which entries it frees, what it counts, and when the slot of a service that is gone can
 * be another's.
 */
#include "walk_fixture.h"

#include <errno.h>

#define SLICE        (20 * NSEC_PER_MSEC) /* so long a walk pauses behind one */
#define A_QUICK_WALK (20 * NSEC_PER_MSEC) /* of a few slices */

/* --- what dies -------------------------------------------------------------------------------- */

static void entries_are_freed_when_they_have_been_silent_for_their_time(void **state)
{
	static const uint32_t states[] = {LB_FLOW_NEW, LB_FLOW_ANSWERED, LB_FLOW_ESTABLISHED,
					  LB_FLOW_CLOSING};
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	for (uint32_t i = 0; i < 4; i++)
		flow_in_state(&x, i, key(), i, 0, states[i]);
	pass(&x, 3 * 64 * SECOND);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(is_there(&x, i));
	pass(&x, 2 * 64 * SECOND);
	assert_false(is_there(&x, 0));
	assert_false(is_there(&x, 3));
	pass(&x, 160 * 64 * SECOND);
	assert_true(is_there(&x, 1));
	assert_true(is_there(&x, 2));
	pass(&x, 10 * 64 * SECOND);
	assert_false(is_there(&x, 1));
	assert_false(is_there(&x, 2));
	fixture_done(&x);
}

static void entries_die_with_their_backend_or_its_generation(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	for (uint16_t i = 0; i < 5; i++)
		flow(&x, i, i, i);
	flow(&x, 6, 0, 0);
	entry(&x, 6)->state ^= 3 << LB_FLOW_GEN_SHIFT;
	flow(&x, 7, 0, 0);
	entry(&x, 7)->backend = 900; /* beyond its region */
	flow(&x, 8, 0, 0);
	entry(&x, 8)->row = ROWS;
	put(&x, 2, 5);
	pass(&x, AWHILE);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(is_there(&x, i), i >= 2 && i < 5);
	fixture_done(&x);
}

static void entries_die_with_their_service(void **state)
{
	struct fixture x;
	struct lb_key k = key();

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	put_at(&x, key_of(OTHER, 80), 0, 5, 0);
	flow(&x, 0, 0, 0);
	flow_in_state(&x, 1, key_of(OTHER, 80), 0, 0, LB_FLOW_ESTABLISHED);
	lb_tables_del(x.t, &x.c, &k);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	assert_true(is_there(&x, 1));
	fixture_done(&x);
}

/* The same key put anew, at its other place, is another service. */
static void entries_do_not_pass_to_a_service_of_the_same_name(void **state)
{
	struct fixture x;
	struct lb_key k = key();
	uint32_t slot;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	slot = slot_of(&x, k);
	flow(&x, 0, 0, 0);
	lb_tables_del(x.t, &x.c, &k);
	put(&x, 0, 5);
	assert_int_not_equal(slot_of(&x, k), slot);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	fixture_done(&x);
}

/* While nobody reads no entry comes, and none needs to be looked for. */
static void slots_are_used_again_at_once_while_nobody_reads(void **state)
{
	struct fixture x;
	struct lb_key k = key();

	(void)state;
	begin(&x);
	x.c.quiet = x.c.now;
	for (int i = 0; i < 5; i++) {
		put(&x, 0, 5);
		lb_tables_del(x.t, &x.c, &k);
	}
	fixture_done(&x);
}

/* --- what is counted -------------------------------------------------------------------------- */

static void living_flows_are_counted_by_backend(void **state)
{
	struct arena *arena = arena_new();
	struct lb_key k = key();
	const uint32_t *index, *count;
	struct fixture x;
	size_t n;

	(void)state;
	begin(&x);
	put(&x, 0, 3);
	for (uint16_t i = 0; i < 6; i++)
		flow_in_state(&x, i, key(), i,
			      i < 3   ? 0
			      : i < 5 ? 1
				      : 2,
			      i ? LB_FLOW_ESTABLISHED : LB_FLOW_NEW);
	pass(&x, AWHILE);
	assert_true(lb_tables_backends(x.t, &k, arena, &index, &n));
	count = lb_tables_flows(x.t, index, n, arena);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(count[i], 3 - i);
	entry(&x, 5)->hash = LB_FLOW_FREE;
	pass(&x, AWHILE);
	assert_true(lb_tables_backends(x.t, &k, arena, &index, &n));
	count = lb_tables_flows(x.t, index, n, arena);
	assert_int_equal(count[2], 0);
	assert_false(lb_tables_backends(x.t, &(struct lb_key){.port = 9}, arena, &index, &n));
	arena_free(arena);
	fixture_done(&x);
}

/* --- slots ------------------------------------------------------------------------------------ */

/* A key whose first place is this one, and its second, if that matters. */
static struct lb_key key_with_place(uint32_t first)
{
	struct lb_service_key wire;
	struct lb_key at;

	for (uint32_t i = 1;; i++) {
		at = key_of(OTHER + (i >> 15), (uint16_t)(1 + (i & 0x7fff)));
		wire = wire_key(&at);
		if (lb_service_hash(&wire, 0) == first && lb_service_hash(&wire, 1) != first)
			return at;
	}
}

static void a_slot_is_used_again_when_no_flow_names_it(void **state)
{
	struct lb_key k = key(), at;
	struct fixture x;
	uint32_t slot;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	slot = slot_of(&x, k);
	at = key_with_place(slot);
	pass(&x, AWHILE);
	lb_tables_del(x.t, &x.c, &k);
	fixture_at(&x, x.c.now + 2 * LB_REST_NS); /* rested, but nobody has walked */
	put_at(&x, at, 0, 5, 0);
	assert_int_not_equal(slot_of(&x, at), slot);
	lb_tables_del(x.t, &x.c, &at);
	pass(&x, AWHILE);
	put_at(&x, at, 0, 5, 0);
	assert_int_equal(slot_of(&x, at), slot);
	fixture_done(&x);
}

/* Also in tables that hold nothing any more, else it would never be. */
static void the_last_service_that_goes_is_walked_for(void **state)
{
	struct lb_key k = key();
	struct fixture x;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	flow(&x, 0, 0, 0);
	pass(&x, AWHILE);
	lb_tables_del(x.t, &x.c, &k);
	pass(&x, AWHILE);
	assert_false(is_there(&x, 0));
	assert_true(lb_tables_tick(x.t, &x.c) == NSEC_NEVER);
	fixture_done(&x);
}

/* A key that must make room moves to its other place, and so do the entries that name it. */
static void the_flows_of_a_service_that_moves_get_its_new_slot(void **state)
{
	struct lb_key k = key(), wants, stands;
	struct lb_service_key wire = wire_key(&k);
	struct lb_target target = target_of_v4(TARGETS, 8080, true);
	struct lb_frontend f;
	struct fixture x;
	uint32_t from, to;

	(void)state;
	begin(&x);
	put(&x, 0, 5);
	flow(&x, 0, 3, 2);
	pass(&x, AWHILE);
	from = slot_of(&x, k);
	to = lb_service_hash(&wire, lb_service_hash(&wire, 0) == from);
	wants = key_with_place(from);
	wire = wire_key(&wants);
	stands = key_with_place(lb_service_hash(&wire, 1));
	put_at(&x, stands, 0, 5, 0);
	f = frontend_of(wants, &target, 1);
	while (fixture_put(&x, &f) != 0)
		pass(&x, SECOND);
	pass(&x, AWHILE);
	assert_int_equal(slot_of(&x, k), to);
	assert_true(is_there(&x, 0));
	assert_int_equal(entry(&x, 0)->slot, to);
	assert_int_equal(entry(&x, 0)->row, 3);
	assert_int_equal(entry(&x, 0)->backend, 2);
	fixture_done(&x);
}

/* Until the next walk is some seconds away. */
static void let_walk_end(struct fixture *x)
{
	while (lb_tables_tick(x->t, &x->c) < x->c.now + SECOND)
		fixture_at(x, lb_tables_tick(x->t, &x->c));
}

/* Whoever waits for a slot does not wait for the pause between two walks. */
static void a_put_that_waits_for_a_slot_has_it_walked_for(void **state)
{
	struct lb_key k = key();
	struct lb_target target = target_of_v4(TARGETS, 8080, true);
	struct lb_frontend f = frontend_of(k, &target, 1);
	struct fixture x;
	nsec_t freed;

	(void)state;
	begin(&x);
	put_at(&x, key_of(OTHER, 80), 0, 1, 0);
	pass(&x, AWHILE);
	let_walk_end(&x);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_put(&x, &f), 0);
		lb_tables_del(x.t, &x.c, &k);
	}
	freed = x.c.now;
	let_walk_end(&x); /* who had a slot at once has asked for none */
	assert_int_equal(x.c.now, freed);
	assert_int_equal(fixture_put(&x, &f), -EAGAIN);
	fixture_at(&x, freed + LB_REST_NS);
	assert_int_equal(fixture_put(&x, &f), -EAGAIN);
	pass(&x, A_QUICK_WALK);
	assert_int_equal(fixture_put(&x, &f), 0);
	fixture_done(&x);
}

/* It began too early to free the slot, so it is in the way of the one that does. */
static void a_put_that_waits_has_a_walk_that_is_under_way_hurry(void **state)
{
	struct lb_key k = key();
	struct lb_target target = target_of_v4(TARGETS, 8080, true);
	struct lb_frontend f = frontend_of(k, &target, 1);
	struct fixture x;

	(void)state;
	begin(&x);
	put_at(&x, key_of(OTHER, 80), 0, 1, 0);
	pass(&x, AWHILE);
	let_walk_end(&x);
	fixture_at(&x, lb_tables_tick(x.t, &x.c));
	assert_int_equal(lb_tables_tick(x.t, &x.c) - x.c.now, SLICE); /* the next has begun */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_put(&x, &f), 0);
		lb_tables_del(x.t, &x.c, &k);
	}
	assert_int_equal(fixture_put(&x, &f), -EAGAIN);
	pass(&x, A_QUICK_WALK);
	assert_true(lb_tables_tick(x.t, &x.c) - x.c.now > SLICE); /* it is over */
	fixture_done(&x);
}

/* Four slices for the lines of a chunk, and one each for the rows of few services. */
static void a_walk_is_cut_into_slices(void **state)
{
	struct fixture x;
	unsigned n = 0;

	(void)state;
	begin(&x);
	for (uint16_t port = 80; port < 90; port++)
		put_at(&x, key_of(OTHER, port), 0, 5, 0);
	for (nsec_t next = x.c.now; next < x.c.now + SECOND; n++) {
		fixture_at(&x, next);
		next = lb_tables_tick(x.t, &x.c);
	}
	assert_int_equal(n, 1 + 1 + 4 + 1);
	fixture_done(&x);
}

static void idle_tables_want_no_tick(void **state)
{
	struct fixture x;

	(void)state;
	begin(&x);
	assert_true(lb_tables_tick(x.t, &x.c) == NSEC_NEVER);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_freed_when_they_have_been_silent_for_their_time),
		cmocka_unit_test(entries_die_with_their_backend_or_its_generation),
		cmocka_unit_test(entries_die_with_their_service),
		cmocka_unit_test(entries_do_not_pass_to_a_service_of_the_same_name),
		cmocka_unit_test(slots_are_used_again_at_once_while_nobody_reads),
		cmocka_unit_test(living_flows_are_counted_by_backend),
		cmocka_unit_test(a_slot_is_used_again_when_no_flow_names_it),
		cmocka_unit_test(the_last_service_that_goes_is_walked_for),
		cmocka_unit_test(the_flows_of_a_service_that_moves_get_its_new_slot),
		cmocka_unit_test(a_put_that_waits_for_a_slot_has_it_walked_for),
		cmocka_unit_test(a_put_that_waits_has_a_walk_that_is_under_way_hurry),
		cmocka_unit_test(a_walk_is_cut_into_slices),
		cmocka_unit_test(idle_tables_want_no_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
