// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rows settle by what all nodes know. The property: a row settles at no node while a living flow in
 * it has another owner than its first there; and all rows settle once no such flow is left and each
 * node was heard.
 */
#include "spread_time.h"

#define LONG (60 * SECOND)

/* At each node those rows are unsettled in which a flow lives that needs it, and no others. */
static void expect_as_flows_need(const struct spread *s)
{
	for (uint32_t node = 0; node < NODES; node++)
		for (uint32_t row = 0; row < ROWS; row++)
			assert_int_equal(spread_is_settled(s, node, row),
					 !spread_needs(s, node, row));
}

/* A flow of each of the first rows, from any node, and then a backend more. */
static void begin_with_foreign_flows(struct spread *s, uint64_t seed)
{
	spread_init(s, seed);
	spread_put_all(s, ALL & ~1u, ALL & ~1u);
	spread_pass(s, LONG);
	for (uint32_t i = 0; i < FLOWS; i++)
		spread_begin(s, i, i % NODES, i);
	spread_put_all(s, ALL, ALL);
	spread_pass(s, LONG);
}

static void without_foreign_flows_all_rows_settle_everywhere(void **state)
{
	struct spread s;

	(void)state;
	spread_init(&s, 1);
	spread_put_all(&s, ALL, ALL);
	assert_int_equal(spread_n_unsettled(&s), NODES * ROWS);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

static void a_foreign_flow_holds_its_row_at_every_node_and_no_other(void **state)
{
	struct spread s;
	uint32_t row = 0;

	(void)state;
	begin_with_foreign_flows(&s, 2);
	expect_as_flows_need(&s);
	while (!spread_needs(&s, 0, row))
		row++;
	spread_end(&s, row); /* the flow of this row is the row's number */
	spread_pass(&s, LONG);
	for (uint32_t node = 0; node < NODES; node++)
		assert_true(spread_is_settled(&s, node, row));
	assert_true(spread_n_unsettled(&s) > 0);
	spread_done(&s);
}

/* Its flows are known to nobody else. */
static void while_a_node_is_not_heard_no_row_settles_and_none_becomes_unsettled(void **state)
{
	struct spread s;
	uint32_t n;

	(void)state;
	spread_init(&s, 3);
	spread_put_all(&s, ALL & ~1u, ALL & ~1u);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	s.is_cut[4] = true;
	spread_put_all(&s, ALL, ALL);
	n = spread_n_unsettled(&s);
	assert_in_range(n, 1, NODES * ROWS / 4);
	spread_pass(&s, 5 * LONG);
	assert_int_equal(spread_n_unsettled(&s), n);
	s.is_cut[4] = false;
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

static void a_node_that_is_gone_does_not_count(void **state)
{
	struct spread s;

	(void)state;
	spread_init(&s, 4);
	s.is_cut[4] = true;
	spread_put_all(&s, ALL, ALL);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), NODES * ROWS);
	for (uint32_t i = 0; i < 4; i++)
		spread_know(&s, i, UINT32_MAX, 1u << 4);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), ROWS); /* at the one that hears nobody */
	for (uint32_t i = 0; i < 4; i++)
		spread_know(&s, i, UINT32_MAX, 0);
	spread_put_all(&s, ALL & ~3u, ALL & ~3u);
	spread_pass(&s, LONG);
	assert_true(n_unsettled(&s.nodes[0]) > 0);
	spread_done(&s);
}

/* What it said while it was one of them is nobody's: no row is held by it any more. */
static void a_node_that_is_none_any_more_holds_nothing(void **state)
{
	struct spread s;

	(void)state;
	begin_with_foreign_flows(&s, 4);
	s.is_cut[4] = true;
	for (uint32_t i = 0; i < FLOWS; i++)
		spread_end(&s, i);
	spread_pass(&s, LONG);
	assert_true(n_unsettled(&s.nodes[0]) > 0);
	for (uint32_t i = 0; i < 4; i++)
		spread_know(&s, i, UINT32_MAX & ~(1u << 4), 0);
	spread_pass(&s, LONG);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(n_unsettled(&s.nodes[i]), 0);
	spread_done(&s);
}

static void a_node_with_another_recipe_holds_all_rows(void **state)
{
	struct spread s;

	(void)state;
	spread_init(&s, 5);
	for (uint32_t i = 0; i < NODES; i++)
		spread_put(&s, i, ALL, i == 2 ? ALL & ~1u : ALL);
	spread_pass(&s, 3 * LONG);
	assert_int_equal(spread_n_unsettled(&s), NODES * ROWS);
	spread_put(&s, 2, ALL, ALL);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

/* As topology hints make them: each zone's new flows go to its own backends, all others follow. */
static void put_zones(struct spread *s)
{
	uint32_t own[2] = {0};

	for (uint32_t i = 0; i < BACKENDS; i++)
		own[node_of_backend(i) % 2] |= 1u << i;
	for (uint32_t i = 0; i < NODES; i++)
		spread_put(s, i, ALL, own[i % 2]);
}

/* Any flow of one zone needs its row unsettled in the other one: nobody's word could settle it. */
static void rows_of_two_zones_stay_unsettled_since_each_flow_needs_it(void **state)
{
	struct spread s;

	(void)state;
	spread_init(&s, 11);
	put_zones(&s);
	for (uint32_t row = 0; row < FLOWS && row < ROWS; row++) {
		spread_begin(&s, row, row % 2, row);
		for (uint32_t node = 0; node < NODES; node++)
			assert_int_equal(spread_needs(&s, node, row), node % 2 != row % 2);
	}
	spread_pass(&s, 3 * LONG);
	assert_int_equal(spread_n_unsettled(&s), NODES * ROWS);
	spread_put_all(&s, ALL, ALL); /* without hints: each settles as its flows allow */
	spread_pass(&s, LONG);
	expect_as_flows_need(&s);
	spread_done(&s);
}

static void a_node_without_the_service_says_so(void **state)
{
	struct spread s;
	const struct lb_key k = key();

	(void)state;
	spread_init(&s, 6);
	for (uint32_t i = 0; i < NODES - 1; i++)
		spread_put(&s, i, ALL, ALL);
	spread_pass(&s, LONG);
	for (uint32_t i = 0; i < NODES - 1; i++)
		assert_int_equal(n_unsettled(&s.nodes[i]), 0);
	/* It comes, with rows that no others have: nobody settles what he changes now. */
	spread_put(&s, NODES - 1, ALL & ~1u, ALL & ~1u);
	spread_pass(&s, LONG);
	for (uint32_t i = 0; i < NODES - 1; i++)
		spread_put(&s, i, ALL & ~2u, ALL & ~2u);
	spread_pass(&s, LONG);
	assert_true(n_unsettled(&s.nodes[0]) > 0);
	/* It goes. */
	lb_tables_del(s.nodes[NODES - 1].t, &s.nodes[NODES - 1].c, &k);
	spread_pass(&s, LONG);
	for (uint32_t i = 0; i < NODES - 1; i++)
		assert_int_equal(n_unsettled(&s.nodes[i]), 0);
	spread_done(&s);
}

/* Another one than the first was given a flow, and its node's walk finds it. */
static void what_one_node_finds_makes_settled_rows_unsettled_at_others(void **state)
{
	struct spread s;
	uint32_t other;

	(void)state;
	spread_init(&s, 7);
	spread_put_all(&s, ALL, ALL);
	spread_pass(&s, LONG);
	other = (spread_first(&s, 0, 9) + 1) % BACKENDS;
	s.flows[0] = (struct spread_flow){.lives = true, .row = 9, .owner = other};
	spread_pass(&s, LONG);
	for (uint32_t node = 0; node < NODES; node++)
		for (uint32_t row = 0; row < ROWS; row++)
			assert_int_equal(spread_is_settled(&s, node, row), row != 9);
	spread_end(&s, 0);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

/* What it said before says nothing of what it has since, though all have the same recipe. */
static void what_was_said_before_is_no_evidence(void **state)
{
	struct spread s;

	(void)state;
	spread_init(&s, 9);
	spread_put_all(&s, ALL, ALL);
	spread_pass(&s, LONG);
	s.flows[0] = (struct spread_flow){
		.lives = true, .row = 9, .owner = (spread_first(&s, 0, 9) + 1) % BACKENDS};
	spread_pass(&s, LONG);
	s.is_cut[(node_of_backend(s.flows[0].owner) + 1) % NODES] = true;
	spread_pass(&s, LONG);
	spread_end(&s, 0);
	spread_pass(&s, LONG);
	for (uint32_t node = 0; node < NODES; node++)
		assert_false(spread_is_settled(&s, node, 9));
	memset(s.is_cut, 0, sizeof(s.is_cut));
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

static void an_agent_that_begins_anew_learns_all_again(void **state)
{
	struct spread s;

	(void)state;
	begin_with_foreign_flows(&s, 8);
	assert_int_equal(fixture_restart(&s.nodes[1]), 0);
	spread_start(&s, 1);
	spread_pass(&s, LONG);
	expect_as_flows_need(&s);
	for (uint32_t i = 0; i < FLOWS; i++)
		spread_end(&s, i);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

/* A program gives a flow to one who is no candidate, at any moment of a walk, which may have missed
 * its entry. */
static void what_a_program_says_of_a_row_holds_until_a_walk_has_begun(void **state)
{
	const uint64_t bits = LB_ROW_UNSETTLED | LB_ROW_MARKED | LB_ROW_BEYOND;
	unsigned n_marked = 0;
	struct spread s;

	(void)state;
	spread_init(&s, 12);
	spread_put_all(&s, ALL, ALL);
	spread_pass(&s, LONG);
	for (unsigned round = 0; round < 60; round++) {
		*row_at(&s.nodes[0], 9) |= bits;
		for (unsigned step = 0; step < 100 && spread_row(&s, 0, 9) & LB_ROW_MARKED;
		     step++) {
			assert_true((spread_row(&s, 0, 9) & bits) == bits);
			n_marked++;
			spread_step(&s);
		}
		assert_false(spread_row(&s, 0, 9) & LB_ROW_MARKED);
		spread_pass(&s, (nsec_t)rng_below(&s.rng, 50) * STEP);
	}
	assert_true(n_marked > 200);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	assert_false(spread_row(&s, 0, 9) & LB_ROW_BEYOND);
	spread_done(&s);
}

/* --- the property ----------------------------------------------------------------------------- */

struct watch {
	bool settled[NODES][ROWS];
	nsec_t same_since; /* all nodes have the same backends; 0: they do not */
	uint64_t n_settled;
};

static bool are_same(const struct spread *s)
{
	for (uint32_t i = 1; i < NODES; i++)
		if (s->present[i] != s->present[0] || s->ready[i] != s->ready[0])
			return false;
	return true;
}

static void look(const struct spread *s, struct watch *w)
{
	const bool same = are_same(s);

	w->same_since = !same ? 0 : w->same_since ? w->same_since : s->now;
	for (uint32_t node = 0; node < NODES; node++)
		for (uint32_t row = 0; row < ROWS; row++) {
			const bool is = spread_is_settled(s, node, row);

			/* Who is told of a change later than others has no part in it yet. */
			if (is && !w->settled[node][row] && same) {
				assert_false(spread_needs(s, node, row));
				w->n_settled++;
			}
			w->settled[node][row] = is;
		}
}

static void random_flow(struct spread *s)
{
	const uint32_t i = (uint32_t)rng_below(&s->rng, FLOWS);

	if (s->flows[i].lives)
		spread_end(s, i);
	else
		spread_begin(s, i, (uint32_t)rng_below(&s->rng, NODES),
			     (uint32_t)rng_below(&s->rng, ROWS));
}

/* A backend comes, or drains, or takes flows again: it is told to the nodes in any order. */
static void random_change(struct spread *s, uint32_t *want_ready)
{
	const uint32_t bit = 1u << rng_below(&s->rng, BACKENDS);

	*want_ready ^= bit;
	if (!*want_ready)
		*want_ready = bit;
}

static void a_run(uint64_t seed, struct watch *w)
{
	struct spread s;
	uint32_t want = ALL >> 1;

	spread_init(&s, seed);
	memset(w, 0, sizeof(*w));
	spread_put_all(&s, ALL, want);
	s.loss = (unsigned)rng_below(&s.rng, 100);
	for (unsigned step = 0; step < 3000; step++) {
		const uint32_t node = (uint32_t)rng_below(&s.rng, NODES);

		if (rng_below(&s.rng, 400) == 0)
			random_change(&s, &want);
		if (rng_below(&s.rng, 20) == 0 && s.ready[node] != want)
			spread_put(&s, node, ALL, want);
		if (rng_below(&s.rng, 6) == 0)
			random_flow(&s);
		if (rng_below(&s.rng, 600) == 0)
			s.is_cut[node] = !s.is_cut[node];
		if (rng_below(&s.rng, 800) == 0) {
			assert_int_equal(fixture_restart(&s.nodes[node]), 0);
			spread_start(&s, node);
		}
		spread_step(&s);
		look(&s, w);
	}
	memset(s.is_cut, 0, sizeof(s.is_cut));
	s.loss = 0;
	spread_put_all(&s, ALL, want);
	spread_pass(&s, LONG);
	expect_as_flows_need(&s);
	for (uint32_t i = 0; i < FLOWS; i++)
		if (s.flows[i].lives)
			spread_end(&s, i);
	spread_pass(&s, LONG);
	assert_int_equal(spread_n_unsettled(&s), 0);
	spread_done(&s);
}

static void no_row_settles_while_a_flow_anywhere_needs_another_owner(void **state)
{
	uint64_t n_settled = 0;
	struct watch w;

	(void)state;
	for (uint64_t seed = 100; seed < 104; seed++) {
		a_run(seed, &w);
		n_settled += w.n_settled;
	}
	assert_true(n_settled > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_foreign_flows_all_rows_settle_everywhere),
		cmocka_unit_test(a_foreign_flow_holds_its_row_at_every_node_and_no_other),
		cmocka_unit_test(
			while_a_node_is_not_heard_no_row_settles_and_none_becomes_unsettled),
		cmocka_unit_test(a_node_that_is_gone_does_not_count),
		cmocka_unit_test(a_node_that_is_none_any_more_holds_nothing),
		cmocka_unit_test(a_node_with_another_recipe_holds_all_rows),
		cmocka_unit_test(rows_of_two_zones_stay_unsettled_since_each_flow_needs_it),
		cmocka_unit_test(a_node_without_the_service_says_so),
		cmocka_unit_test(what_one_node_finds_makes_settled_rows_unsettled_at_others),
		cmocka_unit_test(what_was_said_before_is_no_evidence),
		cmocka_unit_test(an_agent_that_begins_anew_learns_all_again),
		cmocka_unit_test(what_a_program_says_of_a_row_holds_until_a_walk_has_begun),
		cmocka_unit_test(no_row_settles_while_a_flow_anywhere_needs_another_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
