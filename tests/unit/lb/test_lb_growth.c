// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The flow table grows: when, in which order, over restarts, and with writers and readers at it. As
 * programs do, a thread reads the word of the config once for each thing that it does; time goes on
 * only when each has begun anew since.
 */
#include "walk_fixture.h"

#include "lb/lb_inside.h"

#include <pthread.h>

static inline void flow_moved(__u64 rest)
{
	(void)rest;
}

#include "bpf/flow_insert.h"

#define N_CHUNKS 8 /* of all tables */
#define WAYS     (LB_FLOW_CHUNK * LB_FLOW_WAYS)

struct grown {
	struct fixture x;
	struct lb_flow_line *chunks[N_CHUNKS];
};

/* A table as a program reaches it, by the word of the config. */
struct view {
	struct lb_flow_chunks now, left;
};

static struct lb_flow_chunks half(struct lb_flow_line **chunks, uint64_t word)
{
	return (struct lb_flow_chunks){.chunks = chunks + (uint16_t)(word >> 16),
				       .n = (uint16_t)word};
}

static flow_table_t view(struct grown *g, struct view *v)
{
	uint64_t word = __atomic_load_n(&g->x.config.flows, __ATOMIC_ACQUIRE);

	v->now = half(g->chunks, word);
	v->left = half(g->chunks, word >> 32);
	v->now.left = v->left.n > 0 ? &v->left : NULL;
	return &v->now;
}

static struct lb_flow_line *new_chunk(void)
{
	struct lb_flow_line *ret = aligned_alloc(64, LB_FLOW_CHUNK * sizeof(*ret));

	memset(ret, 0, LB_FLOW_CHUNK * sizeof(*ret));
	return ret;
}

static void grown_begin(struct grown *g)
{
	*g = (struct grown){.x.n_rows = 0};
	for (unsigned i = 0; i < N_CHUNKS; i++)
		g->chunks[i] = new_chunk();
	fixture_init(&g->x);
	lb_tables_set_flows(g->x.t, g->chunks, 1);
	g->x.config.flows = 1;
	put(&g->x, 0, 4);
	pass(&g->x, AWHILE);
}

static void grown_end(struct grown *g)
{
	for (unsigned i = 0; i < N_CHUNKS; i++)
		free(g->chunks[i]);
	fixture_done(&g->x);
}

/* --- flows by number -------------------------------------------------------------------------- */

static uint64_t hash_of(uint64_t i)
{
	uint64_t x = (i + 1) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 29) * 0xd6e8feb86659fd93;
	return (x ^ x >> 32) | 4;
}

/* Of the service in this slot, in the row that its number says; all that is known of it. */
static uint64_t rest_of(uint32_t slot, uint64_t i, uint32_t state, uint8_t age)
{
	return lb_rest((uint16_t)slot, (uint16_t)(i % ROWS), 0, lb_flow_state(state, false, 1),
		       age);
}

static int make(struct grown *g, uint64_t i, uint32_t state)
{
	uint32_t slot = slot_of(&g->x, key());
	const struct lb_flow_new n = {hash_of(i), rest_of(slot, i, state, g->x.c.age), g->x.c.age};
	struct view v;

	return lb_flow_insert(view(g, &v), &n);
}

static struct lb_flow *find(struct grown *g, uint64_t i, uint64_t *ret_rest)
{
	__u64 rest = 0;
	struct view v;
	struct lb_flow *ret = lb_flow_find(view(g, &v), hash_of(i), &rest);

	*ret_rest = rest;
	return ret;
}

static void make_many(struct grown *g, uint64_t from, uint64_t n, uint32_t state)
{
	for (uint64_t i = from; i < from + n; i++)
		assert_int_equal(make(g, i, state), LB_FLOW_MADE);
}

static void all_are_found(struct grown *g, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t rest;

		assert_non_null(find(g, i, &rest));
		assert_int_equal(lb_rest_row(rest), i % ROWS);
	}
}

static uint32_t n_entries(const struct grown *g, unsigned from, unsigned n)
{
	uint32_t ret = 0;

	for (unsigned c = from; c < from + n; c++)
		for (uint32_t i = 0; i < LB_FLOW_CHUNK; i++)
			for (unsigned k = 0; k < LB_FLOW_WAYS; k++)
				ret += g->chunks[c][i].way[k].hash > LB_FLOW_FREE;
	return ret;
}

/* --- when ------------------------------------------------------------------------------------- */

static void a_table_that_is_three_eighths_full_wants_twice_the_room(void **state)
{
	struct grown g;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, WAYS / 8 * 3, LB_FLOW_ESTABLISHED);
	pass(&g.x, AWHILE);
	assert_int_equal(lb_tables_flows_wanted(g.x.t), 0);
	assert_int_equal(lb_tables_flow_usage(g.x.t).established, WAYS / 8 * 3);
	make_many(&g, WAYS / 8 * 3, 1, LB_FLOW_ESTABLISHED);
	pass(&g.x, AWHILE);
	assert_int_equal(lb_tables_flows_wanted(g.x.t), 2);
	assert_int_equal(lb_tables_flow_usage(g.x.t).places, WAYS);
	assert_false(lb_tables_flow_usage(g.x.t).growing);
	grown_end(&g);
}

static void one_that_is_nearly_full_wants_more(void **state)
{
	struct grown g;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, WAYS / 2 + 100, LB_FLOW_ESTABLISHED);
	pass(&g.x, AWHILE);
	assert_int_equal(lb_tables_flows_wanted(g.x.t), 4);
	grown_end(&g);
}

/* It is never asked for more than there can be, and for what will be no more than a
 * quarter full, if there can be as much. */
static void whatever_its_size_it_wants_no_more_than_there_can_be(void **state)
{
	struct grown g;
	size_t n_chunks;

	(void)state;
	grown_begin(&g);
	n_chunks = g.x.t->flows.n;
	for (uint32_t n = 1; n <= LB_FLOW_CHUNKS_MAX; n *= 2) {
		g.x.t->flows.n = n;
		for (unsigned eighths = 0; eighths <= 8; eighths++) {
			const uint64_t established = (uint64_t)n * WAYS / 8 * eighths;
			uint32_t wanted;

			lb_growth_judge(g.x.t, (uint32_t)established);
			wanted = lb_tables_flows_wanted(g.x.t);
			assert_int_equal(wanted > 0, eighths > 3 && n < LB_FLOW_CHUNKS_MAX);
			if (wanted == 0)
				continue;
			assert_in_range(wanted, 2 * n, LB_FLOW_CHUNKS_MAX);
			assert_true(established <= (uint64_t)wanted * WAYS / 4 ||
				    wanted == LB_FLOW_CHUNKS_MAX);
		}
	}
	g.x.t->flows.n = n_chunks;
	grown_end(&g);
}

static void what_others_are_given_room_for_makes_no_table_grow(void **state)
{
	static const uint32_t states[] = {LB_FLOW_NEW, LB_FLOW_ANSWERED, LB_FLOW_CLOSING};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(states); i++) {
		struct grown g;

		grown_begin(&g);
		make_many(&g, 0, WAYS, states[i]);
		lb_tables_tick(g.x.t, &g.x.c);
		pass(&g.x, AWHILE);
		assert_true(lb_tables_flow_usage(g.x.t).living > WAYS / 2);
		assert_int_equal(lb_tables_flows_wanted(g.x.t), 0);
		grown_end(&g);
	}
}

/* --- one thing after the other ---------------------------------------------------------------- */

static void grow(struct grown *g)
{
	pass(&g->x, AWHILE);
	assert_int_equal(lb_tables_flows_wanted(g->x.t), 2);
	lb_tables_grow_flows(g->x.t, &g->x.c, g->chunks + 1, 2, 1);
	assert_int_equal(lb_tables_flows_wanted(g->x.t), 0);
	assert_true(lb_tables_flow_usage(g->x.t).growing);
}

#define N_MANY (WAYS / 8 * 3 + 500)

static void entries_go_over_after_a_rest_and_the_old_table_is_left_at_last(void **state)
{
	struct grown g;
	nsec_t from;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
	grow(&g);
	from = g.x.c.now;
	assert_true(g.x.config.flows == (1ull << 32 | 1 << 16 | 2));
	make_many(&g, N_MANY, 100, LB_FLOW_NEW);
	assert_int_equal(n_entries(&g, 1, 2), 100);
	while (n_entries(&g, 0, 1) == N_MANY)
		pass(&g.x, SECOND / 50);
	assert_true(g.x.c.now - from >= LB_REST_NS);
	while (g.x.config.flows >> 32) {
		all_are_found(&g, N_MANY + 100);
		pass(&g.x, SECOND / 2);
	}
	assert_true(g.x.config.flows == (1 << 16 | 2));
	assert_int_equal(n_entries(&g, 0, 1), 0);
	assert_int_equal(n_entries(&g, 1, 2), N_MANY + 100);
	assert_false(lb_tables_flows_emptied(g.x.t, &g.x.c));
	pass(&g.x, 2 * LB_REST_NS);
	assert_true(lb_tables_flows_emptied(g.x.t, &g.x.c));
	lb_tables_drop_flows(g.x.t);
	assert_false(lb_tables_flows_emptied(g.x.t, &g.x.c));
	assert_false(lb_tables_flow_usage(g.x.t).growing);
	all_are_found(&g, N_MANY + 100);
	pass(&g.x, AWHILE);
	assert_int_equal(lb_tables_flow_usage(g.x.t).living, N_MANY + 100);
	assert_int_equal(lb_tables_flow_usage(g.x.t).places, 2 * WAYS);
	grown_end(&g);
}

/* Nobody is at it, so each entry has gone over when its line was looked at once. */
static void no_line_is_looked_at_again_where_nobody_is_in_the_way(void **state)
{
	struct grown g;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
	grow(&g);
	while (g.x.t->growth.phase != LB_GROWTH_EMPTIED) {
		assert_true(g.x.t->growth.is_clean);
		pass(&g.x, SECOND / 50);
	}
	assert_int_equal(n_entries(&g, 1, 2), N_MANY);
	grown_end(&g);
}

static void what_is_known_of_an_entry_goes_with_it_and_the_dead_stay(void **state)
{
	struct grown g;
	uint64_t rest;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
	make_many(&g, N_MANY, 3, LB_FLOW_CLOSING);
	grow(&g);
	for (uint64_t i = 0; i < 1000; i++) {
		struct lb_flow *way = find(&g, i, &rest);

		way->age = (uint8_t)(way->age - (i < 500 ? 100 : LB_FLOW_AGES + 1));
	}
	pass(&g.x, AWHILE);
	assert_int_equal(n_entries(&g, 0, 1), 0);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(!!find(&g, i, &rest), i < 500);
	assert_non_null(find(&g, 77, &rest));
	assert_in_range(lb_rest_silence(rest, g.x.c.age), 100, 101);
	for (uint64_t i = N_MANY; i < N_MANY + 3; i++) {
		assert_non_null(find(&g, i, &rest));
		assert_int_equal(lb_rest_state(rest), LB_FLOW_CLOSING);
	}
	grown_end(&g);
}

/* Rows are judged by what both tables hold, whenever a walk comes. */
static void a_foreign_flow_holds_its_row_open_all_the_time(void **state)
{
	struct grown g;
	uint64_t rest;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
	for (uint32_t row = 0; row < ROWS; row++) /* backend 0 is first of one in four */
		*row_at(&g.x, row) |= LB_ROW_UNSETTLED;
	pass(&g.x, AWHILE);
	grow(&g);
	for (unsigned i = 0; i < 1500; i++) {
		uint32_t n = 0;

		for (uint32_t row = 0; row < ROWS; row++)
			n += lb_row_candidate(*row_at(&g.x, row), 0) != 0;
		assert_int_equal(n_unsettled(&g.x), n);
		pass(&g.x, SECOND / 100);
	}
	assert_null(g.x.t->flows.left);
	assert_non_null(find(&g, 5, &rest));
	grown_end(&g);
}

/* --- restarts --------------------------------------------------------------------------------- */

static void restart(struct grown *g)
{
	uint64_t word = g->x.config.flows;
	struct lb_flow_chunks now = half(g->chunks, word), left = half(g->chunks, word >> 32);
	struct lb_images images = {&g->x.config,     g->x.services,  g->x.vip_bits,
				   g->x.range_names, g->x.new_flows, g->x.node_places,
				   &g->x.tunnel};

	lb_tables_free(g->x.t);
	g->x.t = lb_tables_new(&images);
	for (size_t i = 0; i < g->x.n_rows; i++)
		lb_tables_add_rows_chunk(g->x.t, g->x.rows[i]);
	for (size_t i = 0; i < g->x.n_backends; i++)
		lb_tables_add_backend_chunk(g->x.t, g->x.backends[i]);
	lb_tables_set_flows(g->x.t, now.chunks, now.n);
	if (left.n > 0)
		lb_tables_set_flows_left(g->x.t, &g->x.c, left.chunks, left.n);
	assert_int_equal(lb_tables_adopt(g->x.t, &g->x.c), 0);
}

static void an_agent_that_dies_at_it_is_followed_by_one_that_goes_on(void **state)
{
	(void)state;
	for (unsigned when = 0; when < 12; when++) {
		struct grown g;

		grown_begin(&g);
		make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
		grow(&g);
		for (unsigned i = 0; i < when; i++) {
			pass(&g.x, SECOND / 8);
			restart(&g);
			if (i == 9) { /* it had copied this one, and this one was being freed */
				uint64_t rest, at = lb_flow_first(hash_of(3), LB_FLOW_CHUNK);

				(void)find(&g, 3, &rest);
				if (g.x.config.flows >> 32)
					g.chunks[0][at].way[0].hash = LB_FLOW_WRITING;
			}
			all_are_found(&g, 3);
		}
		for (unsigned i = 0; i < 100 && g.x.config.flows >> 32; i++)
			pass(&g.x, SECOND / 2);
		assert_true(g.x.config.flows == (1 << 16 | 2));
		assert_in_range(n_entries(&g, 1, 2), N_MANY - 1, N_MANY);
		grown_end(&g);
	}
}

/* The copy was made and the entry not freed: it goes over to the copy that there is. */
static void no_entry_is_copied_twice(void **state)
{
	struct grown g;
	uint64_t rest;

	(void)state;
	grown_begin(&g);
	make_many(&g, 0, N_MANY, LB_FLOW_ESTABLISHED);
	grow(&g);
	for (uint64_t i = 0; i < 1000; i++) {
		struct lb_flow_new n = {hash_of(i), rest_of(1, i, LB_FLOW_NEW, 0), g.x.c.age};

		assert_int_equal(lb_flow_insert(&g.x.t->flows, &n), LB_FLOW_MADE);
	}
	pass(&g.x, AWHILE);
	assert_int_equal(n_entries(&g, 0, 1), 0);
	assert_int_equal(n_entries(&g, 1, 2), N_MANY);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_non_null(find(&g, i, &rest));
		assert_int_equal(lb_rest_state(rest), LB_FLOW_ESTABLISHED);
	}
	grown_end(&g);
}

/* --- with others at it ------------------------------------------------------------------------ */

#define N_THREADS 2
#define N_LAST    20000u /* flows that are there from the first on */
#define N_MADE    25000u /* flows that each thread makes at most */

struct thread {
	struct grown *g;
	pthread_t id;
	uint64_t first;
	uint64_t n_things; /* done; odd while it is at one */
	bool stop;
	uint32_t may_make; /* by now */
	uint32_t n_made, n_lost, n_wrong, n_evicted, n_changed;
};

/* One more flow, or a look at one that is there: none may be missing or another's. */
static void do_something(struct thread *th, struct rng *rng)
{
	uint64_t what = rng_below(rng, 4), rest, i = rng_below(rng, N_LAST);
	struct lb_flow *way;

	if (what == 0 && th->n_made < __atomic_load_n(&th->may_make, __ATOMIC_RELAXED)) {
		int made = make(th->g, th->first + th->n_made, LB_FLOW_ESTABLISHED);

		th->n_made += made >= LB_FLOW_MADE;
		th->n_evicted += made == LB_FLOW_MADE_BY_EVICTION;
		return;
	}
	if (what == 1 && th->n_made > 0)
		i = th->first + rng_below(rng, th->n_made);
	way = find(th->g, i, &rest);
	th->n_lost += !way;
	th->n_wrong += way && lb_rest_row(rest) != i % ROWS;
	if (way && what == 2) /* an answer */
		th->n_changed += lb_flow_change(way, rest, lb_rest_with_age(rest, (uint8_t)i % 5));
}

static void *thread_main(void *arg)
{
	struct thread *th = arg;
	struct rng rng;

	rng_seed(&rng, th->first);
	while (!__atomic_load_n(&th->stop, __ATOMIC_ACQUIRE)) {
		__atomic_add_fetch(&th->n_things, 1, __ATOMIC_SEQ_CST);
		for (int i = 0; i < 8; i++)
			do_something(th, &rng);
		__atomic_add_fetch(&th->n_things, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* All that was begun before is over. */
static void wait_for(struct thread *threads)
{
	for (unsigned i = 0; i < N_THREADS; i++) {
		uint64_t at = __atomic_load_n(&threads[i].n_things, __ATOMIC_SEQ_CST);

		while (at % 2 && __atomic_load_n(&threads[i].n_things, __ATOMIC_SEQ_CST) == at)
			sched_yield();
	}
}

/* Twice, from 1 chunk over 2 to 4. */
static void grow_under(struct grown *g, struct thread *threads)
{
	unsigned n_grown = 0, first = 0, phase = 0;

	while (n_grown < 2) {
		uint32_t wanted = lb_tables_flows_wanted(g->x.t);
		nsec_t next = lb_tables_tick(g->x.t, &g->x.c);

		if (wanted > 0) {
			first += wanted / 2;
			assert_in_range(first + wanted, 0, N_CHUNKS);
			lb_tables_grow_flows(g->x.t, &g->x.c, g->chunks + first, wanted, first);
			continue;
		}
		if (lb_tables_flows_emptied(g->x.t, &g->x.c)) {
			lb_tables_drop_flows(g->x.t);
			n_grown++;
		}
		for (unsigned i = 0; i < N_THREADS; i++)
			if (threads[i].may_make < N_MADE)
				__atomic_add_fetch(&threads[i].may_make, 100, __ATOMIC_RELAXED);
		if (g->x.t->growth.phase != phase) /* what threads began before is over now */
			wait_for(threads);
		phase = g->x.t->growth.phase;
		sched_yield();
		fixture_at(&g->x, next);
		g->x.c.age = 4;
	}
}

static void with_writers_and_readers_at_it_nothing_is_lost(void **state)
{
	struct thread threads[N_THREADS];
	struct grown g;

	(void)state;
	grown_begin(&g);
	g.x.c.age = 4;
	make_many(&g, 0, N_LAST, LB_FLOW_ESTABLISHED);
	for (unsigned i = 0; i < N_THREADS; i++) {
		threads[i] = (struct thread){.g = &g, .first = (i + 1) * 1000000};
		assert_int_equal(pthread_create(&threads[i].id, NULL, thread_main, &threads[i]), 0);
	}
	grow_under(&g, threads);
	for (unsigned i = 0; i < N_THREADS; i++) {
		__atomic_store_n(&threads[i].stop, true, __ATOMIC_RELEASE);
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].n_lost, 0);
		assert_int_equal(threads[i].n_wrong, 0);
		assert_int_equal(threads[i].n_evicted, 0);
		assert_true(threads[i].n_made > 1000 && threads[i].n_changed > 1000);
		for (uint64_t k = 0; k < threads[i].n_made; k++) {
			uint64_t rest;

			assert_non_null(find(&g, threads[i].first + k, &rest));
		}
	}
	all_are_found(&g, N_LAST);
	grown_end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_that_is_three_eighths_full_wants_twice_the_room),
		cmocka_unit_test(one_that_is_nearly_full_wants_more),
		cmocka_unit_test(whatever_its_size_it_wants_no_more_than_there_can_be),
		cmocka_unit_test(what_others_are_given_room_for_makes_no_table_grow),
		cmocka_unit_test(entries_go_over_after_a_rest_and_the_old_table_is_left_at_last),
		cmocka_unit_test(no_line_is_looked_at_again_where_nobody_is_in_the_way),
		cmocka_unit_test(what_is_known_of_an_entry_goes_with_it_and_the_dead_stay),
		cmocka_unit_test(a_foreign_flow_holds_its_row_open_all_the_time),
		cmocka_unit_test(an_agent_that_dies_at_it_is_followed_by_one_that_goes_on),
		cmocka_unit_test(no_entry_is_copied_twice),
		cmocka_unit_test(with_writers_and_readers_at_it_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
