// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The flow table's code on plain memory: against a plain model, at the loads that it is sized for,
 * in a flood, and with several threads at it. The programs run the same headers.
 */
#include "flow_fixture.h"

/* --- looking ---------------------------------------------------------------------------------- */

static void an_entry_is_found_with_what_was_written(void **state)
{
	struct table t;
	uint64_t rest;

	(void)state;
	table_make(&t, 1);
	assert_null(find(&t, 1, &rest));
	assert_int_equal(insert(&t, 1, LB_FLOW_NEW), LB_FLOW_MADE);
	assert_non_null(find(&t, 1, &rest));
	assert_true(rest == rest_of(1, LB_FLOW_NEW));
	assert_null(find(&t, 2, &rest));
	assert_int_equal(lb_rest_slot(rest_of(0x300020001, 1)), 1);
	assert_int_equal(lb_rest_row(rest_of(0x300020001, 1)), 2);
	assert_int_equal(lb_rest_backend(rest_of(0x300020001, 1)), 3);
	end_flow(&t, 1);
	assert_null(find(&t, 1, &rest));
	table_free(&t);
}

static void ways_fill_from_the_first_and_freed_ones_are_used_again(void **state)
{
	struct table t;
	struct lb_flow_line *line;

	(void)state;
	table_make(&t, 1);
	line = &t.chunk[0][5];
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(place(&t, 5, 9, i, LB_FLOW_ESTABLISHED), LB_FLOW_MADE);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(line->way[i].hash == placed_hash(5, 9, i));
	assert_true(lb_flow_free(&line->way[1], placed_hash(5, 9, 1), line_rest(&line->way[1])));
	assert_true(line->way[1].hash == LB_FLOW_FREE);
	assert_int_equal(place(&t, 5, 9, 4, LB_FLOW_ESTABLISHED), LB_FLOW_MADE);
	assert_true(line->way[1].hash == placed_hash(5, 9, 4));
	assert_int_equal(place(&t, 5, 9, 5, LB_FLOW_ESTABLISHED), LB_FLOW_MADE);
	assert_true(t.chunk[0][9].way[0].hash == placed_hash(5, 9, 5));
	table_free(&t);
}

/* What lies there is proof that the second line was not read. */
static void a_line_whose_last_way_was_never_used_sends_nobody_on(void **state)
{
	struct table t;
	uint64_t rest;

	(void)state;
	table_make(&t, 1);
	t.chunk[0][9].way[0].hash = placed_hash(5, 9, 0);
	assert_null(lb_flow_find(&t.chunks, placed_hash(5, 9, 0), (__u64 *)&rest));
	t.chunk[0][5].way[3].hash = LB_FLOW_FREE;
	assert_ptr_equal(lb_flow_find(&t.chunks, placed_hash(5, 9, 0), (__u64 *)&rest),
			 &t.chunk[0][9].way[0]);
	table_free(&t);
}

static void an_entry_that_changed_is_not_freed(void **state)
{
	struct table t;
	struct lb_flow *way;
	uint64_t rest, now;

	(void)state;
	table_make(&t, 1);
	(void)insert(&t, 1, LB_FLOW_NEW);
	way = find(&t, 1, &rest);
	assert_true(lb_flow_change(way, rest, rest_of(1, LB_FLOW_ESTABLISHED)));
	assert_false(lb_flow_change(way, rest, rest_of(1, LB_FLOW_CLOSING)));
	assert_false(lb_flow_free(way, hash_of(1), rest));
	assert_ptr_equal(find(&t, 1, &now), way);
	assert_true(now == rest_of(1, LB_FLOW_ESTABLISHED));
	table_free(&t);
}

/* --- who makes room --------------------------------------------------------------------------- */

/* Lines 5 and 9 full of these states, by ways; the others' second lines are 20 to 27, full, too. */
static void fill_both(struct table *t, const uint32_t states[8], const uint8_t silent[8])
{
	for (uint32_t i = 0; i < 8; i++) {
		for (uint32_t k = 0; k < 4; k++)
			(void)place(t, 20 + i, 40 + i, 100 + k, LB_FLOW_ESTABLISHED);
		if (i < 4)
			(void)place(t, 5, 20 + i, i, states[i]);
		else
			(void)place(t, 9, 20 + i, i, states[i]);
		age_way(&t->chunk[0][i < 4 ? 5 : 9].way[i % 4], silent[i]);
	}
}

static bool is_there(struct table *t, uint32_t i)
{
	return t->chunk[0][i < 4 ? 5 : 9].way[i % 4].hash == placed_hash(i < 4 ? 5 : 9, 20 + i, i);
}

/* Of both full lines, the one that goes when a flow of them comes. */
static uint32_t who_goes(const uint32_t states[8], const uint8_t silent[8], int *ret)
{
	struct table t;
	uint32_t gone = 8;
	uint64_t rest;

	table_make(&t, 1);
	fill_both(&t, states, silent);
	for (uint32_t i = 0; i < 8; i++)
		assert_true(is_there(&t, i));
	*ret = place(&t, 5, 9, 50, LB_FLOW_NEW);
	assert_non_null(lb_flow_find(&t.chunks, placed_hash(5, 9, 50), (__u64 *)&rest));
	assert_true(rest == rest_of(50, LB_FLOW_NEW));
	for (uint32_t i = 0; i < 8; i++) {
		if (is_there(&t, i))
			continue;
		assert_int_equal(gone, 8);
		gone = i;
	}
	table_free(&t);
	return gone;
}

#define E LB_FLOW_ESTABLISHED
#define N LB_FLOW_NEW
#define A LB_FLOW_ANSWERED
#define C LB_FLOW_CLOSING

static void the_most_dispensable_of_eight_makes_room(void **state)
{
	static const struct {
		uint32_t states[8];
		uint8_t silent[8];
		uint32_t goes;
		enum lb_flow_made made;
	} cases[] = {
		/* dead by age, before those that are merely new */
		{{E, N, E, N, E, E, E, E}, {0, 1, 0, 2, 0, 0, 169, 0}, 6, LB_FLOW_MADE},
		{{E, N, N, E, E, C, E, E}, {0, 1, 2, 0, 0, 4, 0, 0}, 5, LB_FLOW_MADE},
		/* the longest silent of those that are not established */
		{{E, N, E, E, E, E, A, E}, {100, 1, 0, 0, 0, 0, 2, 0}, 6, LB_FLOW_MADE},
		{{E, A, E, E, C, E, E, E}, {0, 3, 0, 0, 2, 0, 0, 9}, 1, LB_FLOW_MADE},
		/* nobody can move: the only one that is not established */
		{{E, E, E, E, E, N, E, E}, {9, 9, 9, 9, 9, 0, 9, 9}, 5, LB_FLOW_MADE},
		/* all are established: the longest silent, and it is a fault */
		{{E, E, E, E, E, E, E, E}, {1, 2, 3, 2, 1, 7, 1, 0}, 5, LB_FLOW_MADE_BY_EVICTION},
		{{E, E, E, E, E, E, E, E}, {1, 2, 168, 2, 1, 7, 1, 0}, 2, LB_FLOW_MADE_BY_EVICTION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int made;

		assert_int_equal(who_goes(cases[i].states, cases[i].silent, &made), cases[i].goes);
		assert_int_equal(made, cases[i].made);
	}
}

/* One not established or none: who has room elsewhere moves, with all that is known of it. */
static void an_entry_with_room_in_its_other_line_moves_there(void **state)
{
	static const uint32_t one_new[] = {E, E, N, E, E, E, E, E};
	static const uint32_t two_new[] = {E, E, N, E, E, E, E, N};
	static const uint8_t silent[8] = {0};

	(void)state;
	for (uint32_t mover = 0; mover < 8; mover++) {
		for (int n_new = 1; n_new <= 2; n_new++) {
			struct table t;
			uint64_t hash = placed_hash(mover < 4 ? 5 : 9, 20 + mover, mover), before;
			uint64_t rest;
			struct lb_flow *way;

			table_make(&t, 1);
			fill_both(&t, n_new == 1 ? one_new : two_new, silent);
			before = line_rest(lb_flow_find(&t.chunks, hash, (__u64 *)&rest));
			t.chunk[0][20 + mover].way[2].hash = LB_FLOW_FREE;
			assert_int_equal(place(&t, 5, 9, 50, E), LB_FLOW_MADE);
			way = lb_flow_find(&t.chunks, hash, (__u64 *)&rest);
			if (n_new == 1) {
				assert_ptr_equal(way, &t.chunk[0][20 + mover].way[2]);
				assert_true(rest == before);
			} else { /* a flood moves nobody */
				assert_true(t.chunk[0][20 + mover].way[2].hash == LB_FLOW_FREE);
			}
			table_free(&t);
		}
	}
}

static void what_died_is_dead_by_its_state_and_protocol(void **state)
{
	static const struct {
		uint32_t state;
		bool udp;
		uint32_t lives;
	} cases[] = {
		{N, false, LB_FLOW_AGES_SHORT}, {A, false, LB_FLOW_AGES},
		{E, false, LB_FLOW_AGES},       {C, false, LB_FLOW_AGES_SHORT},
		{N, true, LB_FLOW_AGES_SHORT},  {A, true, LB_FLOW_AGES_SHORT},
		{E, true, LB_FLOW_AGES_SHORT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (uint32_t now = 0; now < 256; now++) {
			uint8_t age = (uint8_t)(now - cases[i].lives);
			uint64_t rest = lb_rest(
				1, 2, 3, lb_flow_state(cases[i].state, cases[i].udp, 9), age);

			assert_int_equal(lb_rest_silence(rest, (uint8_t)now), cases[i].lives);
			assert_false(lb_rest_is_dead(rest, (uint8_t)now));
			assert_true(lb_rest_is_dead(rest, (uint8_t)(now + 1)));
			assert_true(lb_rest_is_gen(rest, 9 + 16));
			assert_false(lb_rest_is_gen(rest, 10));
		}
	}
}

/* The walk and the programs read the time once, and on other processors it goes on meanwhile. */
static void what_was_heard_of_after_the_time_was_read_lives(void **state)
{
	static const uint32_t states[] = {N, A, E, C};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		for (uint32_t now = 0; now < 256; now++) {
			uint8_t state_byte = lb_flow_state(states[i], false, 9);
			uint64_t rest = lb_rest(1, 2, 3, state_byte, (uint8_t)(now + 1));

			assert_int_equal(lb_rest_silence(rest, (uint8_t)now), 0);
			assert_false(lb_rest_is_dead(rest, (uint8_t)now));
		}
	}
}

static void answers_establish_and_ends_close(void **state)
{
	static const struct {
		uint32_t from;
		bool udp, fin, syn, rst;
		uint32_t to;
	} cases[] = {
		{N, false, false, true, false, A},  {A, false, false, true, false, A},
		{E, false, false, true, false, E},  {C, false, false, true, false, C},
		{N, false, false, false, false, E}, {A, false, false, false, false, E},
		{E, false, false, false, false, E}, {C, false, false, false, false, C},
		{N, false, false, false, true, C},  {E, false, true, false, false, C},
		{E, false, false, false, true, C},  {A, false, true, false, false, C},
		{N, true, false, false, false, A},  {A, true, false, false, false, E},
		{E, true, false, false, false, E},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t rest = lb_rest(7, 8, 9, lb_flow_state(cases[i].from, cases[i].udp, 5), 3);
		uint64_t want = lb_rest(7, 8, 9, lb_flow_state(cases[i].to, cases[i].udp, 5), 44);

		assert_true(lb_rest_after_answer(rest, cases[i].fin, cases[i].syn, cases[i].rst,
						 44) == want);
	}
}

/* --- many flows ------------------------------------------------------------------------------- */

/* At half load, in a million flows that come and go, no living one loses its entry. */
static void at_half_load_no_established_flow_is_evicted(void **state)
{
	struct table t;
	uint64_t *living, rest, next = 0;
	uint32_t n, n_faults = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	table_make(&t, 1);
	n = n_ways(&t) / 2;
	living = xcalloc(n, sizeof(*living));
	for (uint32_t i = 0; i < n; i++, next++) {
		living[i] = next;
		n_faults += insert(&t, next, E) != LB_FLOW_MADE;
	}
	for (uint32_t i = 0; i < 1000000; i++, next++) {
		uint32_t at = (uint32_t)rng_below(&rng, n);

		end_flow(&t, living[at]);
		living[at] = next;
		n_faults += insert(&t, next, E) != LB_FLOW_MADE;
	}
	assert_int_equal(n_faults, 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_non_null(find(&t, living[i], &rest));
		assert_true(rest == rest_of(living[i], E));
	}
	free(living);
	table_free(&t);
}

/* Four times as many new flows as there are places, and nobody is cut and hardly anybody moved. */
static void a_flood_evicts_no_established_flow(void **state)
{
	struct table t;
	struct lb_flow **where;
	uint32_t n, n_moved = 0;
	uint64_t rest;

	(void)state;
	table_make(&t, 1);
	n = n_ways(&t) * 3 / 10;
	where = xcalloc(n, sizeof(struct lb_flow *));
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(insert(&t, i, E), LB_FLOW_MADE);
		where[i] = find(&t, i, &rest);
	}
	for (uint32_t i = 0; i < 4 * n_ways(&t); i++)
		assert_int_equal(insert(&t, 10000000 + i, N), LB_FLOW_MADE);
	for (uint32_t i = 0; i < n; i++) {
		const struct lb_flow *way = find(&t, i, &rest);

		assert_non_null(way);
		n_moved += way != where[i];
	}
	assert_in_range(n_moved, 0, n / 20);
	free(where);
	table_free(&t);
}

#define N_MODEL 90000

/* What a flow of the model is: 0 = it has no entry, else its rest. */
struct model {
	struct table t;
	uint64_t *rest;
	struct rng rng;
	uint32_t n_lost;
};

static void model_look(struct model *m, uint32_t i)
{
	uint64_t rest = 0;

	if (!find(&m->t, i, &rest)) {
		m->n_lost += m->rest[i] != 0;
		m->rest[i] = 0; /* evicted */
		return;
	}
	assert_true(m->rest[i] != 0);
	assert_true(rest == m->rest[i]);
}

static void model_step(struct model *m, uint32_t i)
{
	uint64_t rest = 0, state = 1 + rng_below(&m->rng, 4);
	struct lb_flow *way;

	model_look(m, i);
	way = find(&m->t, i, &rest);
	if (!way) {
		if (insert(&m->t, i, (uint32_t)state) >= LB_FLOW_MADE)
			m->rest[i] = rest_of(i, (uint32_t)state);
	} else if (rng_below(&m->rng, 2)) {
		end_flow(&m->t, i);
		m->rest[i] = 0;
	} else {
		assert_true(lb_flow_change(way, rest, rest_of(i, (uint32_t)state)));
		m->rest[i] = rest_of(i, (uint32_t)state);
	}
}

/* Flows come, change and go in any order, in a table that is too small for all of them. */
static void it_never_says_what_a_plain_model_does_not(void **state)
{
	struct model m = {.rest = xcalloc(N_MODEL, sizeof(*m.rest))};

	(void)state;
	rng_seed(&m.rng, 7);
	table_make(&m.t, 1);
	for (uint32_t i = 0; i < 1500000; i++)
		model_step(&m, (uint32_t)rng_below(&m.rng, N_MODEL));
	for (uint32_t i = 0; i < N_MODEL; i++)
		model_look(&m, i);
	assert_true(m.n_lost > 1000);
	free(m.rest);
	table_free(&m.t);
}

/* --- threads ---------------------------------------------------------------------------------- */

#define N_CHURN  14000u /* of each writer; with the lasting ones 55 % of the ways */
#define N_LAST   8000u
#define N_STEPS  500000u
#define N_WRITER 2

struct contest {
	struct table *t;
	uint64_t first; /* of this writer's flows */
	uint32_t n_wrong, n_found, n_evicted, *n_running;
};

/* Makes and ends its own flows, and keeps the lasting ones young, as answers do. */
static void *writer_main(void *arg)
{
	struct contest *c = arg;
	struct rng rng;

	rng_seed(&rng, c->first + 1);
	for (uint32_t i = 0; i < N_STEPS; i++) {
		uint64_t flow = c->first + rng_below(&rng, N_CHURN), last = rng_below(&rng, N_LAST);
		uint64_t rest, hash = hash_of(flow);
		struct lb_flow *way = find(c->t, flow, &rest);

		if (way)
			(void)lb_flow_free(way, hash, rest);
		else
			c->n_evicted += insert(c->t, flow, E) == LB_FLOW_MADE_BY_EVICTION;
		way = find(c->t, last, &rest);
		if (way)
			(void)lb_flow_change(way, rest, lb_rest_with_age(rest, NOW - i % 4));
	}
	__atomic_fetch_sub(c->n_running, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Whoever is found must be who was asked for, and the lasting flows are always found. */
static void *reader_main(void *arg)
{
	struct contest *c = arg;
	struct rng rng;

	rng_seed(&rng, 99);
	while (__atomic_load_n(c->n_running, __ATOMIC_ACQUIRE) > 0) {
		uint64_t flow = rng_below(&rng, N_LAST), other = rng_below(&rng, 2 * N_CHURN);
		uint64_t rest;

		if (!find(c->t, flow, &rest) || !is_rest_of(rest, flow))
			c->n_wrong++;
		if (find(c->t, N_LAST + other, &rest) && !is_rest_of(rest, N_LAST + other))
			c->n_wrong++;
	}
	return NULL;
}

static void several_at_once_never_get_a_wrong_answer(void **state)
{
	struct table t;
	pthread_t threads[N_WRITER + 1];
	uint32_t n_running = N_WRITER;
	struct contest c[N_WRITER + 1];

	(void)state;
	table_make(&t, 1);
	for (uint32_t i = 0; i < N_LAST; i++)
		assert_int_equal(insert(&t, i, E), LB_FLOW_MADE);
	for (uint32_t i = 0; i <= N_WRITER; i++) {
		c[i] = (struct contest){
			.t = &t, .first = N_LAST + i * N_CHURN, .n_running = &n_running};
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < N_WRITER ? writer_main : reader_main, &c[i]),
				 0);
	}
	for (uint32_t i = 0; i <= N_WRITER; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(c[i].n_wrong, 0);
		assert_int_equal(c[i].n_evicted, 0);
	}
	table_free(&t);
}

/* --- places that change hands ----------------------------------------------------------------- */

#define N_PAIRS  8u      /* of lines, two established flows in each */
#define N_FLOOD  64u     /* flows of a flood that each pair is for, of which six have room */
#define N_CLAIMS 500000u /* of places that others had, by each writer */

/* Flow i of a pair; the first two are established. */
static uint64_t hash_in(uint32_t pair, uint32_t i)
{
	return placed_hash(2 * pair, 2 * pair + 1, i);
}

static int claim(struct contest *c, uint32_t pair, uint32_t i, uint32_t state)
{
	const struct lb_flow_new n = {hash_in(pair, i), rest_of(pair << 16 | i, state), NOW};

	return lb_flow_insert(&c->t->chunks, &n);
}

static bool look(struct contest *c, uint32_t pair, uint32_t i)
{
	__u64 rest = 0;
	const bool found = lb_flow_find(&c->t->chunks, hash_in(pair, i), &rest);

	c->n_wrong += found && !is_rest_of(rest, pair << 16 | i);
	return found;
}

/* Flows that begin and are never heard of again; each takes the place of another one. */
static void *flood_main(void *arg)
{
	struct contest *c = arg;
	struct rng rng;

	rng_seed(&rng, c->first + 1);
	for (uint32_t n = 0; n < N_CLAIMS;) {
		uint32_t pair = (uint32_t)rng_below(&rng, N_PAIRS);
		uint32_t i = 2 + 2 * (uint32_t)rng_below(&rng, N_FLOOD / 2) + (uint32_t)c->first;
		int made;

		if (look(c, pair, i))
			continue;
		made = claim(c, pair, i, N);
		c->n_evicted += made == LB_FLOW_MADE_BY_EVICTION;
		n += made >= LB_FLOW_MADE;
	}
	__atomic_fetch_sub(c->n_running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *watch_main(void *arg)
{
	struct contest *c = arg;
	struct rng rng;

	rng_seed(&rng, 99);
	while (__atomic_load_n(c->n_running, __ATOMIC_ACQUIRE) > 0) {
		uint32_t pair = (uint32_t)rng_below(&rng, N_PAIRS);

		c->n_wrong += !look(c, pair, (uint32_t)rng_below(&rng, 2));
		c->n_found += look(c, pair, 2 + (uint32_t)rng_below(&rng, N_FLOOD));
	}
	return NULL;
}

/* A million claims in sixteen lines, where every look meets an entry that is being replaced. */
static void nobody_is_given_half_of_an_entry_that_replaces_another(void **state)
{
	struct table t;
	pthread_t threads[N_WRITER + 1];
	uint32_t n_running = N_WRITER;
	struct contest c[N_WRITER + 1];

	(void)state;
	table_make(&t, 1);
	for (uint32_t i = 0; i <= N_WRITER; i++)
		c[i] = (struct contest){.t = &t, .first = i, .n_running = &n_running};
	for (uint32_t pair = 0; pair < N_PAIRS; pair++)
		for (uint32_t i = 0; i < 2; i++)
			assert_int_equal(claim(c, pair, i, E), LB_FLOW_MADE);
	for (uint32_t i = 0; i <= N_WRITER; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < N_WRITER ? flood_main : watch_main, &c[i]),
				 0);
	for (uint32_t i = 0; i <= N_WRITER; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(c[i].n_wrong, 0);
		assert_int_equal(c[i].n_evicted, 0);
	}
	assert_true(c[N_WRITER].n_found > 1000);
	table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_is_found_with_what_was_written),
		cmocka_unit_test(ways_fill_from_the_first_and_freed_ones_are_used_again),
		cmocka_unit_test(a_line_whose_last_way_was_never_used_sends_nobody_on),
		cmocka_unit_test(an_entry_that_changed_is_not_freed),
		cmocka_unit_test(the_most_dispensable_of_eight_makes_room),
		cmocka_unit_test(an_entry_with_room_in_its_other_line_moves_there),
		cmocka_unit_test(what_died_is_dead_by_its_state_and_protocol),
		cmocka_unit_test(what_was_heard_of_after_the_time_was_read_lives),
		cmocka_unit_test(answers_establish_and_ends_close),
		cmocka_unit_test(at_half_load_no_established_flow_is_evicted),
		cmocka_unit_test(a_flood_evicts_no_established_flow),
		cmocka_unit_test(it_never_says_what_a_plain_model_does_not),
		cmocka_unit_test(several_at_once_never_get_a_wrong_answer),
		cmocka_unit_test(nobody_is_given_half_of_an_entry_that_replaces_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
