// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Death of the agent between any two stores into the images. While a put or a delete runs, the
 * images are behind a wall (wall.h). Afterwards the images are remade as they were behind the k-th
 * store; a new agent adopts them and applies what is wanted, as the planner does. It must end where
 * a fresh agent ends, and never take away services that the operation did not touch.
 *
 * By the same means a reader that began before marks a row behind any of the stores.
 */
#include "service.h"

#if defined(__x86_64__)

#include "wall.h"

#include <sys/mman.h>

/* --- images that are copied ------------------------------------------------------------------- */

static void *pages(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	return at;
}

/* One chunk of each kind, in pages of their own; no tables yet. */
static void images_init(struct fixture *x)
{
	*x = (struct fixture){.n_rows = 1, .n_backends = 1};
	x->services = pages(LB_SERVICE_SLOTS * sizeof(*x->services));
	x->vip_bits = pages(LB_VIP_WORDS * sizeof(*x->vip_bits));
	x->new_flows = pages(LB_SERVICE_SLOTS * sizeof(*x->new_flows));
	x->rows[0] = pages(LB_ROWS_CHUNK * sizeof(uint64_t));
	x->backends[0] = pages(LB_BACKEND_CHUNK * sizeof(struct lb_backend));
	x->range_names = xcalloc(LB_RANGE_SETS, sizeof(*x->range_names)); /* none is used */
	x->t = fixture_tables(x);
	fixture_at(x, 100 * SECOND);
}

static void images_done(struct fixture *x)
{
	lb_tables_free(x->t);
	free(x->range_names);
	munmap(x->services, LB_SERVICE_SLOTS * sizeof(*x->services));
	munmap(x->vip_bits, LB_VIP_WORDS * sizeof(*x->vip_bits));
	munmap(x->new_flows, LB_SERVICE_SLOTS * sizeof(*x->new_flows));
	munmap(x->rows[0], LB_ROWS_CHUNK * sizeof(uint64_t));
	munmap(x->backends[0], LB_BACKEND_CHUNK * sizeof(struct lb_backend));
}

static void images_copy(struct fixture *to, const struct fixture *from)
{
	to->config = from->config;
	to->c = from->c;
	memcpy(to->services, from->services, LB_SERVICE_SLOTS * sizeof(*to->services));
	memcpy(to->vip_bits, from->vip_bits, LB_VIP_WORDS * sizeof(*to->vip_bits));
	memcpy(to->new_flows, from->new_flows, LB_SERVICE_SLOTS * sizeof(*to->new_flows));
	memcpy(to->rows[0], from->rows[0], LB_ROWS_CHUNK * sizeof(uint64_t));
	memcpy(to->backends[0], from->backends[0], LB_BACKEND_CHUNK * sizeof(struct lb_backend));
}

static void images_apply(struct fixture *x, const struct store *s)
{
	char *const at[N_REGIONS] = {
		[SERVICES] = (char *)x->services,    [VIP_BITS] = (char *)x->vip_bits,
		[NEW_FLOWS] = (char *)x->new_flows,  [ROWS_REGION] = (char *)x->rows[0],
		[BACKENDS] = (char *)x->backends[0],
	};

	memcpy(at[s->region] + s->offset, s->line, line_size(s));
}

/* --- what is wanted --------------------------------------------------------------------------- */

#define MAX_TARGETS 24
#define MAX_WANTED  8

/* A frontend or, if it has no port, a VIP; n: targets of it, of which the last `draining` drain. */
struct wish {
	uint32_t vip;
	uint16_t port;
	uint32_t first, n, draining, flags, reseed;
};

struct wanted {
	struct lb_frontend f[MAX_WANTED];
	struct lb_target targets[MAX_WANTED][MAX_TARGETS];
	size_t n;
};

static void want(struct wanted *w, const struct wish *wish)
{
	struct lb_target *targets = w->targets[w->n];
	struct lb_frontend *f = &w->f[w->n++];

	for (uint32_t i = 0; i < wish->n; i++)
		targets[i] = target_of_v4(0x0a000001 + wish->first + i, 8080,
					  i + wish->draining < wish->n);
	*f = frontend_of(key_of(0xc0000200 + wish->vip, wish->port), targets, wish->n);
	frontend_set_flags(f, wish->flags);
	f->seed += wish->reseed;
	f->table = wish->port ? lb_table_name(f) : 0;
}

static const struct lb_frontend *wanted_of(const struct wanted *w, const struct lb_key *key)
{
	for (size_t i = 0; i < w->n; i++)
		if (lb_key_cmp(&w->f[i].key, key) == 0)
			return &w->f[i];
	return NULL;
}

/* As the planner does, as often as it takes: what differs is put, what is not wanted deleted. */
static void converge(struct fixture *x, const struct wanted *w)
{
	struct arena *arena = arena_new();
	const struct lb_actual *have;
	bool again = true;
	size_t n;

	for (unsigned round = 0; again; round++) {
		assert_in_range(round, 0, 4);
		again = false;
		for (size_t i = 0; i < w->n; i++) {
			int outcome = lb_tables_put(x->t, &x->c, &w->f[i]);

			assert_true(outcome == 0 || outcome == -EAGAIN || outcome > 0);
			again |= outcome != 0; /* > 0: no chunk, but what rests will do */
		}
		lb_tables_dump(x->t, arena, &have, &n);
		for (size_t i = 0; i < n; i++)
			if (!wanted_of(w, &have[i].key))
				lb_tables_del(x->t, &x->c, &have[i].key);
		fixture_at(x, x->c.now + LB_REST_NS);
		lb_tables_tick(x->t, &x->c);
	}
	arena_free(arena);
}

static const struct lb_backend *backend_at(const struct fixture *x, uint64_t live, uint64_t row,
					   unsigned k)
{
	return reader_backend(x, reader_index(live, row, k));
}

/* A reader finds in both the same flags, and in each row the same backends in the same states. */
static void same_frontend(const struct fixture *a, const struct fixture *b,
			  const struct lb_frontend *f)
{
	uint64_t live_a, live_b;
	const struct lb_service *in_a = reader_find(a, &f->key, &live_a);
	const struct lb_service *in_b = reader_find(b, &f->key, &live_b);

	assert_non_null(in_a);
	assert_non_null(in_b);
	assert_int_equal(live_a >> LB_LIVE_LOG2_SHIFT, live_b >> LB_LIVE_LOG2_SHIFT);
	assert_int_equal(in_a->seed, in_b->seed);
	assert_true(in_a->table == in_b->table);
	for (uint32_t i = 0; i < ROWS && f->rows_log2; i++) {
		uint64_t row_a = *reader_row(a, live_a, i), row_b = *reader_row(b, live_b, i);

		for (unsigned k = 0; k < LB_CANDIDATES; k++) {
			const struct lb_backend *at_a, *at_b;

			assert_int_equal(lb_row_candidate(row_a, k) == LB_ROW_NONE,
					 lb_row_candidate(row_b, k) == LB_ROW_NONE);
			if (lb_row_candidate(row_a, k) == LB_ROW_NONE)
				continue;
			at_a = backend_at(a, live_a, row_a, k);
			at_b = backend_at(b, live_b, row_b, k);
			assert_int_equal(at_a->state >> LB_BE_FLAGS_SHIFT,
					 at_b->state >> LB_BE_FLAGS_SHIFT);
			assert_memory_equal(at_a->addr, at_b->addr, 24);
		}
	}
}

/* What is dumped is what was put; backends that left do not stay in use. */
static void same_targets(const struct fixture *x, const struct lb_frontend *f)
{
	struct arena *arena = arena_new();
	struct lb_actual actual;

	assert_true(lb_tables_get(x->t, &f->key, arena, &actual));
	assert_int_equal(actual.n_targets, f->n_targets);
	for (size_t i = 0; i < f->n_targets; i++)
		assert_int_equal(lb_target_cmp(&actual.targets[i], &f->targets[i]), 0);
	arena_free(arena);
}

/* Two tables that mean the same, and of which neither holds room that nobody uses. */
static void same_tables(const struct fixture *a, const struct fixture *b, const struct wanted *w)
{
	struct lb_usage in_a = lb_tables_usage(a->t), in_b = lb_tables_usage(b->t);

	assert_int_equal(in_a.services, w->n);
	assert_int_equal(in_b.services, w->n);
	assert_int_equal(in_a.rows, in_b.rows);
	assert_memory_equal(a->vip_bits, b->vip_bits, LB_VIP_WORDS * sizeof(*a->vip_bits));
	for (size_t i = 0; i < w->n; i++) {
		same_frontend(a, b, &w->f[i]);
		same_targets(a, &w->f[i]);
	}
}

/* --- the claim -------------------------------------------------------------------------------- */

#define BYSTANDERS                                                                                 \
	{.vip = 1}, {.vip = 1, .port = 80, .n = 5},                                                \
	{                                                                                          \
		.vip = 2, .port = 80, .n = 9                                                       \
	}

/* What is there, and what is wanted then. */
static const struct change {
	const char *what;
	struct wish before[MAX_WANTED], after[MAX_WANTED];
} changes[] = {
	{"a new VIP", {BYSTANDERS}, {BYSTANDERS, {.vip = 3, .flags = LB_F_ECHO_ANSWER}}},
	{"a VIP that goes", {BYSTANDERS, {.vip = 3}}, {BYSTANDERS}},
	{"another behaviour of a VIP",
	 {BYSTANDERS, {.vip = 3}},
	 {BYSTANDERS, {.vip = 3, .flags = LB_F_UNKNOWN_PASS}}},
	{"a new frontend", {BYSTANDERS}, {BYSTANDERS, {.vip = 3, .port = 80, .n = 7}}},
	{"a frontend that goes", {BYSTANDERS, {.vip = 3, .port = 80, .n = 7}}, {BYSTANDERS}},
	{"backends that come",
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 7}},
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 12}}},
	{"backends that come and a region that grows",
	 {BYSTANDERS, {.vip = 3, .port = 80, .first = 2, .n = 14}},
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 20}}},
	{"backends that go or drain",
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 12}},
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 8, .draining = 2}}},
	{"all backends go",
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 6}},
	 {BYSTANDERS, {.vip = 3, .port = 80}}},
	{"affinity",
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 6}},
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 6, .flags = LB_F_AFFINITY}}},
	{"another Service in its place",
	 {BYSTANDERS, {.vip = 3, .port = 80, .n = 6}},
	 {BYSTANDERS, {.vip = 3, .port = 80, .first = 9, .n = 6, .reseed = 1}}},
};

static void want_all(struct wanted *w, const struct wish wishes[MAX_WANTED])
{
	w->n = 0;
	for (size_t i = 0; i < MAX_WANTED && wishes[i].vip; i++)
		want(w, &wishes[i]);
}

/* Row stores are alike and many; of the others none is left out. */
static bool is_sampled(size_t k)
{
	size_t region = wall.stores[k].region;

	return k + 1 == wall.n_stores || region != ROWS_REGION || k % 97 == 0;
}

static void restart_and_compare(struct fixture *x, const struct fixture *fresh,
				const struct wanted *w)
{
	static const struct wish bystanders[MAX_WANTED] = {BYSTANDERS};
	static struct wanted untouched;

	want_all(&untouched, bystanders);
	fixture_restart(x);
	for (size_t i = 0; i < untouched.n; i++)
		same_frontend(x, fresh, &untouched.f[i]);
	fixture_at(x, x->c.now + SECOND);
	converge(x, w);
	same_tables(x, fresh, w);
}

static bool is_target_of(const struct lb_frontend *f, const struct lb_backend *backend)
{
	for (size_t i = 0; i < f->n_targets; i++)
		if (memcmp(f->targets[i].addr.b, backend->addr, sizeof(backend->addr)) == 0)
			return true;
	return false;
}

/*
 * What a reader may meet where it looks for f: a whole service or none, and in each row a backend
 * that it has or had. `other` is the same frontend as it was or will be; NULL: it comes or goes.
 */
static void reader_is_safe(const struct fixture *x, const struct lb_frontend *f,
			   const struct lb_frontend *other)
{
	const struct lb_service_key want = wire_key(&f->key);
	uint64_t live;

	for (unsigned k = 0; k < 2; k++) {
		const uint32_t slot = lb_service_hash(&want, k);
		const struct lb_service_key *key = &x->services[slot].key;

		if (x->services[slot].live & LB_LIVE_IN_USE)
			assert_true(lb_service_hash(key, 0) == slot ||
				    lb_service_hash(key, 1) == slot);
	}
	if (!other || other->seed != f->seed)
		return;
	assert_non_null(reader_find(x, &f->key, &live));
	if (f->n_targets == 0 || other->n_targets == 0)
		return;
	for (uint32_t i = 0; i < ROWS; i++) {
		const uint64_t row = *reader_row(x, live, i);
		const struct lb_backend *backend = backend_at(x, live, row, 0);

		assert_true(is_target_of(f, backend) || is_target_of(other, backend));
	}
}

static void readers_are_safe(const struct fixture *x, const struct wanted goals[2])
{
	for (size_t i = 0; i < goals[0].n; i++)
		reader_is_safe(x, &goals[0].f[i], wanted_of(&goals[1], &goals[0].f[i].key));
	for (size_t i = 0; i < goals[1].n; i++)
		reader_is_safe(x, &goals[1].f[i], wanted_of(&goals[0], &goals[1].f[i].key));
}

static void images_fresh(struct fixture *x, const struct wanted *w)
{
	images_init(x);
	converge(x, w);
}

/* The next agent may want what its predecessor was about to do, or what was there before that. */
static size_t crash_at_every_store(const struct change *change)
{
	static struct wanted goals[2];
	struct fixture fresh[2], x, crashed, state;
	size_t n_checked = 0;

	want_all(&goals[0], change->before);
	want_all(&goals[1], change->after);
	images_fresh(&fresh[0], &goals[0]);
	images_fresh(&fresh[1], &goals[1]);
	images_fresh(&x, &goals[0]);
	fixture_restart(&x); /* the run that dies is not the first */
	fixture_at(&x, x.c.now + 2 * SECOND);
	lb_tables_tick(x.t, &x.c);
	images_init(&state);
	images_init(&crashed);
	images_copy(&state, &x);
	wall_up(&x);
	converge(&x, &goals[1]);
	wall_down();
	same_tables(&x, &fresh[1], &goals[1]);
	state.config = x.config; /* an id that was drawn and not used is lost, no more */
	for (size_t k = 0; k < wall.n_stores; k++) {
		images_apply(&state, &wall.stores[k]);
		readers_are_safe(&state, goals);
		for (unsigned goal = 0; is_sampled(k) && goal < 2; goal++) {
			images_copy(&crashed, &state);
			restart_and_compare(&crashed, &fresh[goal], &goals[goal]);
			n_checked++;
		}
	}
	images_done(&fresh[0]);
	images_done(&fresh[1]);
	images_done(&x);
	images_done(&crashed);
	images_done(&state);
	return n_checked;
}

static void death_behind_any_store_is_healed_by_the_next_agent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		size_t n = crash_at_every_store(&changes[i]);

		print_message("%s: %zu stores, %zu restarts\n", changes[i].what, wall.n_stores, n);
		assert_true(n > 0);
	}
}

/* --- a reader instead of a death -------------------------------------------------------------- */

static uint64_t *web_row(const struct fixture *x, const struct wanted *w, uint32_t row)
{
	uint64_t live;

	assert_non_null(reader_find(x, &w->f[0].key, &live));
	return reader_row(x, live, row);
}

/* One settled service, in tables that have run for a while. */
static void begin_settled(struct fixture *x, const struct wanted *w)
{
	images_fresh(x, w);
	for (uint32_t row = 0; row < ROWS; row++)
		*web_row(x, w, row) &= ~LB_ROW_UNSETTLED;
	fixture_at(x, x->c.now + 2 * SECOND);
	lb_tables_tick(x->t, &x->c);
}

/* So many stores there were until the service went on in other rows, or had all its new ones. */
static size_t stores_until_live(void)
{
	size_t n_services = 0; /* the name of the table is taken away before all else */

	for (size_t k = 0; k < wall.n_stores; k++)
		if (wall.stores[k].region == SERVICES && ++n_services == 2)
			return k + 1;
	return wall.n_stores;
}

/*
 * Puts with a mark in `row` behind store k; how many stores there were, and how the row ends. What
 * was marked before the new rows were there counts with the put already.
 */
static size_t put_with_a_mark(const struct wanted *before, const struct wanted *after, uint32_t row,
			      size_t k, bool *ret_unsettled)
{
	struct fixture x;
	size_t n;

	begin_settled(&x, before);
	wall_up(&x);
	wall.mark_behind = k;
	wall.row = k ? web_row(&x, before, row) : NULL;
	assert_int_equal(lb_tables_put(x.t, &x.c, &after->f[0]), 0);
	wall_down();
	n = wall.n_stores;
	if (wall.row) /* the reader was slower than all of it */
		*wall.row |= LB_ROW_UNSETTLED | LB_ROW_MARKED;
	wall.row = NULL;
	if (k > 0 && k <= stores_until_live() && !(*web_row(&x, after, row) & LB_ROW_UNSETTLED))
		fail_msg("the mark behind store %zu is not there yet", k);
	fixture_at(&x, x.c.now + LB_REST_NS);
	lb_tables_tick(x.t, &x.c);
	*ret_unsettled = *web_row(&x, after, row) & LB_ROW_UNSETTLED;
	images_done(&x);
	return n;
}

static void a_mark_behind_any_store_is_kept(void **state)
{
	static const struct change puts[] = {
		{"rows that stay",
		 {{.vip = 3, .port = 80, .n = 5}},
		 {{.vip = 3, .port = 80, .n = 6}}},
		{"rows that move",
		 {{.vip = 3, .port = 80, .first = 2, .n = 14}},
		 {{.vip = 3, .port = 80, .n = 20}}},
	};
	static struct wanted before, after;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(puts); i++) {
		bool unsettled = true;
		uint32_t row = 0;
		size_t n = 0;

		want_all(&before, puts[i].before);
		want_all(&after, puts[i].after);
		for (; unsettled; row++) /* one that this put does not unsettle */
			n = put_with_a_mark(&before, &after, row, 0, &unsettled);
		row--;
		assert_true(n > 10);
		for (size_t k = 1; k <= n + 1; k += k + 40 < n ? 13 : 1) { /* rows are many */
			(void)put_with_a_mark(&before, &after, row, k, &unsettled);
			if (!unsettled)
				fail_msg("%s: lost behind store %zu of %zu", puts[i].what, k, n);
		}
	}
}

#else

static void a_mark_behind_any_store_is_kept(void **state)
{
	(void)state;
	skip();
}

static void death_behind_any_store_is_healed_by_the_next_agent(void **state)
{
	(void)state;
	skip(); /* stores are trapped by the means of x86-64 */
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(death_behind_any_store_is_healed_by_the_next_agent),
		cmocka_unit_test(a_mark_behind_any_store_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
