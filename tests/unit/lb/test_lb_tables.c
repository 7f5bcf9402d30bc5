// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The tables against a naive model: random puts, deletes, restarts and time, and after each step
 * the dump equals the model, every row names what rendezvous over the model's targets says, and
 * nothing was reused before it had rested.
 */
#include "service.h"
#include "unit/rounds.h"

#include <errno.h>

#define N_KEYS    12
#define N_TARGETS 40

struct model_frontend {
	bool exists;
	struct lb_frontend f;
	struct lb_target targets[N_TARGETS];
};

struct model {
	struct fixture x;
	struct rng rng;
	struct model_frontend frontends[N_KEYS];
	struct lb_backend *last; /* every backend as it was seen last */
	nsec_t *used_at;         /* and when a live service held it last */
	uint32_t *row_owner;     /* per unit of rows: service id */
	nsec_t *row_used_at;
	struct lb_service *slots; /* every slot as it was seen last */
	nsec_t *slot_used_at;
};

static void model_init(struct model *m, uint64_t seed)
{
	*m = (struct model){.rng = {{0}}};
	fixture_init(&m->x);
	rng_seed(&m->rng, seed);
	m->last = xcalloc(MAX_CHUNKS * LB_BACKEND_CHUNK, sizeof(*m->last));
	m->used_at = xcalloc(MAX_CHUNKS * LB_BACKEND_CHUNK, sizeof(*m->used_at));
	m->row_owner = xcalloc(MAX_CHUNKS * 256, sizeof(*m->row_owner));
	m->row_used_at = xcalloc(MAX_CHUNKS * 256, sizeof(*m->row_used_at));
	m->slots = xcalloc(LB_SERVICE_SLOTS, sizeof(*m->slots));
	m->slot_used_at = xcalloc(LB_SERVICE_SLOTS, sizeof(*m->slot_used_at));
}

static void model_done(struct model *m)
{
	free(m->last);
	free(m->used_at);
	free(m->row_owner);
	free(m->row_used_at);
	free(m->slots);
	free(m->slot_used_at);
	fixture_done(&m->x);
}

/* --- what must hold after every step --------------------------------------------------------- */

static void check_dump(struct model *m)
{
	struct arena *arena = arena_new();
	const struct lb_actual *actual;
	size_t n, n_want = 0;

	lb_tables_dump(m->x.t, arena, &actual, &n);
	for (size_t i = 1; i < n; i++)
		assert_true(lb_key_cmp(&actual[i - 1].key, &actual[i].key) < 0);
	for (size_t k = 0; k < N_KEYS; k++) {
		const struct lb_frontend *f = &m->frontends[k].f;
		struct lb_actual one;

		assert_int_equal(lb_tables_get(m->x.t, &f->key, arena, &one),
				 m->frontends[k].exists);
		if (!m->frontends[k].exists)
			continue;
		n_want++;
		assert_true(one.table == f->table);
		assert_int_equal(one.flags, f->flags);
		assert_int_equal(one.n_targets, f->n_targets);
		for (size_t i = 0; i < f->n_targets; i++) {
			assert_int_equal(lb_target_cmp(&one.targets[i], &f->targets[i]), 0);
			assert_int_equal(one.targets[i].state == LB_BACKEND_READY,
					 f->targets[i].state == LB_BACKEND_READY);
			assert_int_equal(one.targets[i].weight, f->targets[i].weight);
			assert_int_equal(one.targets[i].owner, f->seed);
			assert_true(ip_addr_is_none(&one.targets[i].node));
		}
	}
	assert_int_equal(n, n_want);
	arena_free(arena);
}

/* Rows over positions in the sorted targets: what the rows must mean, whatever the indices. */
static void want_rows(const struct lb_frontend *f, uint64_t rows[ROWS])
{
	struct lb_row_target targets[N_TARGETS];

	for (size_t i = 0; i < f->n_targets; i++) {
		__u32 words[4];

		memcpy(words, f->targets[i].addr.b, sizeof(words));
		targets[i].id =
			lb_wire_backend_id(words, __builtin_bswap16(f->targets[i].port), f->seed);
		targets[i].index = (uint16_t)i;
		targets[i].ready = f->targets[i].state == LB_BACKEND_READY;
		targets[i].weight = (uint8_t)f->targets[i].weight;
	}
	lb_rows_fill(targets, f->n_targets, 8, rows);
}

static void check_backend(const struct lb_frontend *f, const struct lb_target *want,
			  const struct lb_backend *have)
{
	struct lb_service_key key = wire_key(&f->key);

	assert_true(reader_in_use(have));
	assert_memory_equal(have->addr, want->addr.b, 16);
	assert_int_equal(have->port, __builtin_bswap16(want->port));
	assert_int_not_equal(have->state >> LB_BE_GEN_SHIFT & 0xff, 0);
	assert_int_equal(have->state >> LB_BE_FLAGS_SHIFT & LB_BE_READY,
			 want->state == LB_BACKEND_READY);
	assert_int_equal(have->l3_delta, lb_l3_delta(key.addr, have->addr));
	assert_int_equal(have->l4_delta, lb_l4_delta(have->l3_delta, key.port, have->port));
}

static void check_rows(struct model *m, const struct lb_frontend *f, uint64_t live)
{
	uint64_t want[ROWS];

	want_rows(f, want);
	for (uint32_t row = 0; row < ROWS; row++) {
		uint64_t have = *reader_row(&m->x, live, row);

		for (unsigned k = 0; k < LB_CANDIDATES; k++) {
			uint16_t at = lb_row_candidate(want[row], k);

			if (at == LB_ROW_NONE) {
				assert_int_equal(lb_row_candidate(have, k), LB_ROW_NONE);
				continue;
			}
			check_backend(f, &f->targets[at],
				      reader_backend(&m->x, reader_index(live, have, k)));
		}
		if (f->n_targets < 2)
			assert_false(have & LB_ROW_UNSETTLED);
	}
}

static void check_reader(struct model *m)
{
	for (size_t k = 0; k < N_KEYS; k++) {
		const struct lb_frontend *f = &m->frontends[k].f;
		struct lb_service_key key = wire_key(&f->key);
		uint32_t bit = lb_vip_bit(key.addr);
		uint64_t live = 0;
		const struct lb_service *svc = reader_find(&m->x, &f->key, &live);

		assert_int_equal(svc != NULL, m->frontends[k].exists);
		if (!svc)
			continue;
		assert_true(m->x.vip_bits[bit >> 6] >> (bit & 63) & 1);
		if (f->rows_log2 == 0) {
			assert_int_equal(live >> LB_LIVE_LOG2_SHIFT & LB_LIVE_LOG2_MASK, 0);
			continue;
		}
		assert_int_equal(!!(live >> LB_LIVE_FLAGS_SHIFT & LB_SVC_NO_BACKENDS),
				 f->n_targets == 0);
		check_rows(m, f, live);
	}
}

static void rested(struct model *m, nsec_t used_at)
{
	assert_true(used_at == 0 || m->x.c.now - used_at >= LB_REST_NS);
}

static void check_rest_of_regions(struct model *m, const struct lb_service *svc, uint64_t live)
{
	uint32_t base = (uint32_t)(live & 0xfffff) * 16;
	uint32_t unit = (uint32_t)(live >> 20 & 0xfffff);

	for (uint32_t i = base; i < base + svc->n_backends; i++) {
		const struct lb_backend *be = reader_backend(&m->x, i);

		if (!reader_in_use(be))
			continue;
		if (memcmp(be->addr, m->last[i].addr, 18) != 0)
			rested(m, m->used_at[i]);
		m->last[i] = *be;
		m->used_at[i] = m->x.c.now;
	}
	if (!(live >> LB_LIVE_LOG2_SHIFT & LB_LIVE_LOG2_MASK))
		return;
	if (m->row_owner[unit] != svc->id)
		rested(m, m->row_used_at[unit]);
	m->row_owner[unit] = svc->id;
	m->row_used_at[unit] = m->x.c.now;
}

static void check_rest(struct model *m)
{
	for (uint32_t slot = 0; slot < LB_SERVICE_SLOTS; slot++) {
		const struct lb_service *svc = &m->x.services[slot];

		if (svc->live == 0)
			continue;
		if (memcmp(&svc->key, &m->slots[slot].key, sizeof(svc->key)) != 0)
			rested(m, m->slot_used_at[slot]);
		m->slots[slot] = *svc;
		m->slot_used_at[slot] = m->x.c.now;
		check_rest_of_regions(m, svc, svc->live);
	}
}

static void check_all(struct model *m)
{
	check_dump(m);
	check_reader(m);
	check_rest(m);
}

/* --- steps ----------------------------------------------------------------------------------- */

static void random_frontend(struct model *m, size_t k)
{
	struct model_frontend *mf = &m->frontends[k];
	uint32_t share = (uint32_t)rng_below(&m->rng, 5);
	struct lb_key key = key_of(0xc0a80001 + (uint32_t)k / 3, (uint16_t)(k % 3 ? 80 + k : 0));
	size_t n = 0;

	for (uint32_t i = 0; i < N_TARGETS && key.port; i++)
		if (rng_below(&m->rng, 4) < share)
			mf->targets[n++] =
				target_of_v4(0x0a000001 + i, 8080, rng_below(&m->rng, 6) != 0);
	for (size_t i = rng_below(&m->rng, 2) ? n : 0; i < n; i++)
		mf->targets[i].weight = 1 + (uint16_t)rng_below(&m->rng, LB_WIRE_WEIGHT_MAX);
	mf->f = frontend_of(key, mf->targets, n);
	frontend_set_flags(&mf->f, (uint32_t)rng_below(&m->rng, 2));
	if (key.port && rng_below(&m->rng, 20) == 0) {
		mf->f.seed++; /* another Service took the place */
		mf->f.table = lb_table_name(&mf->f);
	}
}

static void step_put(struct model *m, size_t k)
{
	struct model_frontend *mf = &m->frontends[k];
	int outcome;

	random_frontend(m, k);
	outcome = fixture_put(&m->x, &mf->f);
	assert_true(outcome == 0 || outcome == -EAGAIN);
	mf->exists = outcome == 0;
	if (outcome != 0) /* it had to rest: whatever was there is gone for now */
		lb_tables_del(m->x.t, &m->x.c, &mf->f.key);
}

static void step_del(struct model *m, size_t k)
{
	lb_tables_del(m->x.t, &m->x.c, &m->frontends[k].f.key);
	m->frontends[k].exists = false;
}

static void step_restart(struct model *m)
{
	struct lb_service *before = xcalloc(LB_SERVICE_SLOTS, sizeof(*before));
	struct lb_config config = m->x.config;

	memcpy(before, m->x.services, LB_SERVICE_SLOTS * sizeof(*before));
	assert_int_equal(fixture_restart(&m->x), 0);
	assert_memory_equal(before, m->x.services, LB_SERVICE_SLOTS * sizeof(*before));
	if (config.next_service_id == 0) /* as good as 1, which a VIP's slot makes of it */
		config.next_service_id = m->x.config.next_service_id == 1;
	assert_memory_equal(&config, &m->x.config, sizeof(config));
	free(before);
}

static void step(struct model *m)
{
	size_t k = rng_below(&m->rng, N_KEYS);
	uint64_t dice = rng_below(&m->rng, 100);

	if (dice < 60)
		step_put(m, k);
	else if (dice < 75)
		step_del(m, k);
	else if (dice < 80)
		step_restart(m);
	else
		fixture_at(&m->x, m->x.c.now + rng_below(&m->rng, 3 * SECOND));
	lb_tables_tick(m->x.t, &m->x.c);
}

static void random_steps_keep_every_promise(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= test_rounds(3); seed++) {
		struct model m;

		model_init(&m, seed);
		for (size_t k = 0; k < N_KEYS; k++)
			random_frontend(&m, k);
		for (unsigned i = 0; i < 250; i++) {
			step(&m);
			check_all(&m);
		}
		model_done(&m);
	}
}

/* --- single claims --------------------------------------------------------------------------- */

static void the_same_put_twice_writes_nothing(void **state)
{
	struct lb_target targets[10];
	struct lb_config config;
	struct fixture x;
	uint64_t *rows = xcalloc(LB_ROWS_CHUNK, sizeof(*rows));
	struct lb_service *services = xcalloc(LB_SERVICE_SLOTS, sizeof(*services));

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 10));
	memcpy(rows, x.rows[0], LB_ROWS_CHUNK * sizeof(*rows));
	memcpy(services, x.services, LB_SERVICE_SLOTS * sizeof(*services));
	config = x.config;
	fixture_at(&x, x.c.now + SECOND);
	put_targets(&x, targets, 10);
	assert_memory_equal(rows, x.rows[0], LB_ROWS_CHUNK * sizeof(*rows));
	assert_memory_equal(services, x.services, LB_SERVICE_SLOTS * sizeof(*services));
	assert_memory_equal(&config, &x.config, sizeof(config));
	free(rows);
	free(services);
	fixture_done(&x);
}

static void a_refused_chunk_leaves_everything_as_it_was(void **state)
{
	struct lb_target targets[40];
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (unsigned fail_at = 0; fail_at < 3; fail_at++) {
		struct lb_frontend f = frontend_of(key_of(0xc0000201 + fail_at, 80), targets,
						   targets_upto(targets, 40));
		struct lb_usage usage = lb_tables_usage(x.t);
		uint64_t live;
		int outcome = lb_tables_put(x.t, &x.c, &f);

		for (unsigned i = 0; outcome > 0 && i < fail_at; i++) {
			fixture_add_chunk(&x, outcome);
			usage = lb_tables_usage(x.t);
			outcome = lb_tables_put(x.t, &x.c, &f);
		}
		if (outcome > 0) {
			struct lb_usage after = lb_tables_usage(x.t);

			assert_memory_equal(&usage, &after, sizeof(usage));
			assert_null(reader_find(&x, &f.key, &live));
		}
		assert_int_equal(fixture_put(&x, &f), 0);
		assert_non_null(reader_find(&x, &f.key, &live));
	}
	fixture_done(&x);
}

static void ids_are_never_given_twice(void **state)
{
	struct lb_target targets[4];
	struct fixture x;
	uint32_t last = 0;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	for (unsigned i = 0; i < 20; i++) {
		struct lb_key key = key_of(0xc0000201, 80);

		put_targets(&x, targets, targets_upto(targets, 4));
		assert_true(the_service(&x, &live)->id > last);
		last = the_service(&x, &live)->id;
		if (i % 3 == 0)
			fixture_restart(&x);
		lb_tables_del(x.t, &x.c, &key);
		fixture_at(&x, x.c.now + LB_REST_NS);
	}
	fixture_done(&x);
}

static bool is_tested(const struct fixture *x, const struct lb_key *key)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct lb_actual actual;

	assert_true(lb_tables_get(x->t, key, arena, &actual));
	return actual.tested;
}

static void tested_lasts_until_the_next_change_or_restart(void **state)
{
	struct lb_target targets[4];
	struct lb_key key = key_of(0xc0000201, 80);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	for (unsigned round = 0; round < 2; round++) {
		put_targets(&x, targets, targets_upto(targets, 4));
		assert_false(is_tested(&x, &key));
		lb_tables_set_tested(x.t, &key);
		put_targets(&x, targets, 4);
		assert_true(is_tested(&x, &key));
		put_targets(&x, targets, 3);
		assert_false(is_tested(&x, &key));
		lb_tables_set_tested(x.t, &key);
		lb_tables_del(x.t, &x.c, &key);
		fixture_at(&x, x.c.now + LB_REST_NS);
		put_targets(&x, targets, 4); /* in the place that the former had */
		assert_false(is_tested(&x, &key));
		lb_tables_set_tested(x.t, &key);
		fixture_restart(&x);
		assert_false(is_tested(&x, &key));
	}
	fixture_done(&x);
}

static void a_put_cut_short_by_death_is_put_again(void **state)
{
	struct lb_target targets[4];
	struct lb_key key = key_of(0xc0000201, 80);
	struct arena *arena = arena_new();
	struct lb_actual actual;
	struct fixture x;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	put_targets(&x, targets, targets_upto(targets, 4));
	/* as put leaves it in between: the name 0, rows half written */
	x.services[the_service(&x, &live) - x.services].table = 0;
	*reader_row(&x, live, 5) = LB_ROW_EMPTY;
	assert_int_equal(fixture_restart(&x), 0);
	assert_true(lb_tables_get(x.t, &key, arena, &actual));
	assert_true(actual.table == 0);
	put_targets(&x, targets, 4);
	assert_int_not_equal(lb_row_candidate(*reader_row(&x, live, 5), 0), LB_ROW_NONE);
	arena_free(arena);
	fixture_done(&x);
}

static void images_that_contradict_themselves_lose_only_the_slots_that_do(void **state)
{
	struct lb_target targets[4];
	struct lb_frontend f[3];
	struct fixture x;
	uint64_t live, other;

	(void)state;
	fixture_init(&x);
	for (uint32_t i = 0; i < 3; i++) {
		f[i] = frontend_of(key_of(0xc0000201 + i, 80), targets, targets_upto(targets, 4));
		assert_int_equal(fixture_put(&x, &f[i]), 0);
	}
	/* the second claims the first one's rows, the third has a chunk that does not exist */
	reader_find(&x, &f[0].key, &live);
	other = live & LB_LIVE_BASE_MASK << LB_LIVE_ROWS_SHIFT;
	x.services[reader_find(&x, &f[1].key, &live) - x.services].live =
		(live & ~(LB_LIVE_BASE_MASK << LB_LIVE_ROWS_SHIFT)) | other;
	x.services[reader_find(&x, &f[2].key, &live) - x.services].live |= LB_LIVE_BASE_MASK;
	assert_int_equal(fixture_restart(&x), 2);
	assert_non_null(reader_find(&x, &f[0].key, &live));
	assert_null(reader_find(&x, &f[1].key, &live));
	assert_null(reader_find(&x, &f[2].key, &live));
	fixture_at(&x, x.c.now + LB_REST_NS);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(fixture_put(&x, &f[i]), 0);
	fixture_done(&x);
}

static void more_than_the_formats_hold_is_refused(void **state)
{
	struct lb_target targets[1];
	struct lb_frontend f = frontend_of(key_of(0xc0000201, 80), targets, 0);
	struct lb_frontend vip = frontend_of(key_of(0xc0000201, 0), NULL, 0);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	f.n_targets = LB_ROW_NONE;
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EINVAL);
	f.n_targets = 0;
	f.rows_log2 = LB_ROWS_LOG2_MAX + 1;
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EINVAL);
	vip.table = 1;
	assert_int_equal(lb_tables_put(x.t, &x.c, &vip), -EINVAL);
	fixture_done(&x);
}

static void weights_out_of_range_are_refused(void **state)
{
	struct lb_target t = target_of_v4(0x0a000001, 80, true);
	struct lb_frontend f = frontend_of(key_of(0xc0000201, 80), &t, 1);
	struct fixture x;

	(void)state;
	fixture_init(&x);
	t.weight = 0;
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EINVAL);
	t.weight = LB_WIRE_WEIGHT_MAX + 1;
	assert_int_equal(lb_tables_put(x.t, &x.c, &f), -EINVAL);
	t.weight = LB_WIRE_WEIGHT_MAX;
	assert_int_equal(fixture_put(&x, &f), 0);
	fixture_done(&x);
}

static void a_weight_that_no_put_has_written_is_the_most_there_is(void **state)
{
	struct lb_target t = target_of_v4(0x0a000001, 80, true);
	struct lb_frontend f = frontend_of(key_of(0xc0000201, 80), &t, 1);
	struct arena *arena = arena_new();
	struct lb_actual actual;
	struct fixture x;
	uint64_t live;

	(void)state;
	fixture_init(&x);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_non_null(reader_find(&x, &f.key, &live));
	for (unsigned i = 0; i < 2; i++) {
		x.backends[0][reader_index(live, 0, 0)].more_weight =
			i ? 0xffff : LB_WIRE_WEIGHT_MAX;
		assert_int_equal(fixture_restart(&x), 0);
		assert_true(lb_tables_get(x.t, &f.key, arena, &actual));
		assert_int_equal(actual.targets[0].weight, LB_WIRE_WEIGHT_MAX);
	}
	arena_free(arena);
	fixture_done(&x);
}

/* An agent that names tables otherwise takes over what another wrote: no row is touched. */
static void rows_under_another_name_stay_as_they_are(void **state)
{
	uint64_t before[ROWS], live, after;
	struct lb_target targets[8];
	struct lb_frontend f;
	struct fixture x;

	(void)state;
	fixture_init(&x);
	f = frontend_of(key_of(0xc0000201, 80), targets, targets_upto(targets, 8));
	f.table ^= 1;
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_non_null(reader_find(&x, &f.key, &live));
	for (uint32_t i = 0; i < ROWS; i++) { /* half of them have settled */
		if (i % 2)
			*reader_row(&x, live, i) &= ~LB_ROW_UNSETTLED;
		before[i] = *reader_row(&x, live, i);
	}
	assert_int_equal(fixture_restart(&x), 0);
	f.table = lb_table_name(&f);
	assert_int_equal(fixture_put(&x, &f), 0);
	assert_int_equal(reader_find(&x, &f.key, &after)->table, f.table);
	assert_true(after == live);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_true(*reader_row(&x, live, i) == before[i]);
	fixture_done(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_keep_every_promise),
		cmocka_unit_test(the_same_put_twice_writes_nothing),
		cmocka_unit_test(a_refused_chunk_leaves_everything_as_it_was),
		cmocka_unit_test(ids_are_never_given_twice),
		cmocka_unit_test(tested_lasts_until_the_next_change_or_restart),
		cmocka_unit_test(a_put_cut_short_by_death_is_put_again),
		cmocka_unit_test(images_that_contradict_themselves_lose_only_the_slots_that_do),
		cmocka_unit_test(more_than_the_formats_hold_is_refused),
		cmocka_unit_test(weights_out_of_range_are_refused),
		cmocka_unit_test(a_weight_that_no_put_has_written_is_the_most_there_is),
		cmocka_unit_test(rows_under_another_name_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
