// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Every insertion into an outer map waits for a grace period of the kernel (8 to 30 ms), or, in one
 * batch and from Linux 6.8 on, all of them together for one. Making the inner maps, which are
 * zeroed, and mapping them takes as long again when there are many. All this is one job of the
 * helper, one a kind at a time; when it comes back the chunks are handed to the tables.
 *
 * A node that gets a Service now and then adds a chunk now and then; but when chunks are asked for
 * again within a second, a whole configuration is being loaded, and each growth is five times the
 * one before it. Where it is known how much there will be all of that is made, and no more.
 */
#include "sys/bpf_grow.h"

#include "sys/bpf_inner.h"
#include "sys/worker.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#define GROW_MAX   BPF_INSERT_MAX
#define GROW_TIMES 5u
#define GROW_BYTES (40u << 20) /* at a time */
#define LOAD_NS    NSEC_PER_SEC
#define REFUSED_NS (NSEC_PER_SEC / 2)

/* How the inner maps are made. */
struct recipe {
	const struct bpf_chunk_kind *kind;
	const char *pin_dir; /* borrowed */
	struct bpf_inner main, beside;
	int main_fd, beside_fd, btf_fd; /* outer maps, types; borrowed */
};

struct job {
	struct worker_job base; /* first */
	struct bpf_grow *grow;  /* not the helper's */
	enum bpf_chunk_which which;
	struct recipe recipe;
	uint32_t first, n;
	struct bpf_chunk made[GROW_MAX];
	uint32_t n_made;
	int error; /* of the last; 0: it went well */
};

/* What is known of one kind. */
struct state {
	struct job job;
	bool is_away;
	uint32_t expected; /* chunks that there are to be; fewer than there are: nobody said */
	uint32_t last;     /* chunks that were asked for last; of expected ones 1 */
	nsec_t last_at;
	nsec_t refused_at; /* when the job's error was had */
};

struct bpf_grow {
	struct bpf_maps *maps; /* borrowed, as the next two */
	struct lb_tables *tables;
	struct worker *worker;
	struct state states[BPF_N_CHUNK_KINDS];
	bool is_waited_for;
};

/* --- the job ---------------------------------------------------------------------------------- */

static int make_chunk(const struct recipe *r, struct bpf_chunk *ret)
{
	struct bpf_chunk c = {.main = -1, .beside = -1};
	int error = 0;

	c.main = bpf_inner_create(r->btf_fd, r->kind->main, &r->main);
	if (c.main >= 0 && r->kind->beside)
		c.beside = bpf_inner_create(r->btf_fd, r->kind->beside, &r->beside);
	if (c.main < 0 || (r->kind->beside && c.beside < 0))
		error = c.main < 0 ? c.main : c.beside;
	if (error == 0)
		error = bpf_chunk_map(&c, r->kind);
	if (error != 0)
		bpf_chunk_discard(&c);
	else
		*ret = c;
	return error;
}

/* By their names, before anybody can hold them. */
static int pin_all(const struct job *j)
{
	const struct recipe *r = &j->recipe;
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < j->n_made; i++) {
		const uint32_t at = j->first + i;

		error = bpf_inner_pin(r->pin_dir, r->kind->main, at, j->made[i].main);
		if (error == 0 && r->kind->beside)
			error = bpf_inner_pin(r->pin_dir, r->kind->beside, at, j->made[i].beside);
	}
	return error;
}

static int insert_all(const struct job *j)
{
	__u32 main[GROW_MAX] = {0}, beside[GROW_MAX] = {0};
	int error = 0;

	for (uint32_t i = 0; i < j->n_made; i++) {
		main[i] = (__u32)j->made[i].main;
		beside[i] = (__u32)j->made[i].beside;
	}
	if (j->recipe.kind->beside)
		error = bpf_inner_insert(j->recipe.beside_fd, j->first, beside, j->n_made);
	return error ? error : bpf_inner_insert(j->recipe.main_fd, j->first, main, j->n_made);
}

/* As many of the wanted chunks as there is memory for; the error if there is none for one. */
static void work(struct worker_job *base)
{
	struct job *j = (struct job *)base;
	int error = 0;

	for (j->n_made = 0; error == 0 && j->n_made < j->n;) {
		error = make_chunk(&j->recipe, &j->made[j->n_made]);
		j->n_made += error == 0;
	}
	if (j->n_made > 0)
		error = pin_all(j);
	if (j->n_made > 0 && error == 0)
		error = insert_all(j);
	j->error = error;
	if (error == 0)
		return;
	for (uint32_t i = 0; i < j->n_made; i++)
		bpf_chunk_discard(&j->made[i]);
	j->n_made = 0;
}

static void done(struct worker_job *base)
{
	struct job *j = (struct job *)base;
	struct bpf_grow *g = j->grow;

	for (uint32_t i = 0; i < j->n_made; i++)
		bpf_maps_add_chunk(g->maps, g->tables, j->which, &j->made[i]);
	g->states[j->which].is_away = false;
	g->is_waited_for = false;
}

/* --- when and how much ------------------------------------------------------------------------ */

static size_t inner_bytes(const struct bpf_maps *m, const struct bpf_inner *like)
{
	bool per_cpu = like->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	return (size_t)like->max_entries * like->value_size * (per_cpu ? (size_t)m->n_cpus : 1);
}

static bool is_load(const struct state *s, nsec_t now)
{
	return s->last > 0 && now - s->last_at < LOAD_NS;
}

static bool is_expected(const struct bpf_grow *g, const struct state *s)
{
	return g->maps->n_chunks[s->job.which] < s->expected;
}

/* How many chunks to add now: one, or many if this is a part of a load. */
static uint32_t growth_of(const struct bpf_grow *g, const struct state *s, nsec_t now)
{
	const struct recipe *r = &s->job.recipe;
	size_t bytes = inner_bytes(g->maps, &r->main) + inner_bytes(g->maps, &r->beside);
	uint32_t most = GROW_BYTES / bytes < GROW_MAX ? (uint32_t)(GROW_BYTES / bytes) : GROW_MAX;
	uint32_t n = is_load(s, now) ? s->last * GROW_TIMES : 1;
	uint32_t left = r->kind->max - g->maps->n_chunks[s->job.which];

	if (is_expected(g, s))
		n = s->expected - g->maps->n_chunks[s->job.which];
	n = n < most ? n : most;
	n = n > 0 ? n : 1;
	return n < left ? n : left;
}

static void begin(struct bpf_grow *g, struct state *s, nsec_t now)
{
	struct job *j = &s->job;

	j->first = g->maps->n_chunks[j->which];
	j->n = growth_of(g, s, now);
	j->error = 0;
	s->last = is_expected(g, s) ? 1 : j->n;
	s->last_at = s->refused_at = now;
	s->is_away = true;
	if (g->worker) {
		worker_add(g->worker, &j->base);
		return;
	}
	work(&j->base);
	done(&j->base);
}

static struct state *state_of(struct bpf_grow *g, int need)
{
	if (need == LB_NEED_NODE_CHUNK)
		return &g->states[BPF_CHUNK_NODES];
	assert(need == LB_NEED_ROWS_CHUNK || need == LB_NEED_BACKEND_CHUNK);
	return &g->states[need == LB_NEED_ROWS_CHUNK ? BPF_CHUNK_ROWS : BPF_CHUNK_BACKENDS];
}

static int grow(struct bpf_grow *g, struct state *s, nsec_t now)
{
	if (!s->is_away && s->job.error != 0 && g->worker && now - s->refused_at < REFUSED_NS)
		return s->job.error;
	if (!s->is_away)
		begin(g, s, now);
	return s->is_away ? -EINPROGRESS : s->job.error;
}

int bpf_grow_for(struct bpf_grow *g, int need, nsec_t now)
{
	const int error = grow(g, state_of(g, need), now);

	g->is_waited_for = error == -EINPROGRESS;
	return error;
}

int bpf_grow_kernel_flows(struct bpf_grow *g, nsec_t now)
{
	if (g->maps->kernel_flows_fd >= 0)
		return 0;
	return grow(g, &g->states[BPF_CHUNK_KERNEL_FLOWS], now);
}

int bpf_grow_nat(struct bpf_grow *g, nsec_t now)
{
	if (g->maps->n_chunks[BPF_CHUNK_NAT] > 0)
		return 0;
	return grow(g, &g->states[BPF_CHUNK_NAT], now);
}

bool bpf_grow_is_waited_for(const struct bpf_grow *g)
{
	return g->is_waited_for;
}

static void look_ahead(struct bpf_grow *g, int need, nsec_t now)
{
	struct state *s = state_of(g, need);
	uint32_t want = is_load(s, now) ? s->last / 2 : 1;

	if (s->is_away || s->job.error != 0)
		return;
	if (g->maps->n_chunks[s->job.which] == s->job.recipe.kind->max)
		return;
	if (is_expected(g, s) || lb_tables_spare(g->tables, need) < (want > 0 ? want : 1))
		begin(g, s, now);
}

void bpf_grow_ahead(struct bpf_grow *g, nsec_t now)
{
	if (!g->worker)
		return;
	look_ahead(g, LB_NEED_ROWS_CHUNK, now);
	look_ahead(g, LB_NEED_BACKEND_CHUNK, now);
}

/* One chunk stays spare behind them, so that none is added in the midst of what follows. */
static void expect(struct bpf_grow *g, int need, uint64_t chunks)
{
	struct state *s = state_of(g, need);
	const uint32_t max = s->job.recipe.kind->max, n = g->maps->n_chunks[s->job.which];
	const uint64_t all = n + chunks + 1 - lb_tables_spare(g->tables, need);

	s->expected = all < max ? (uint32_t)all : max;
}

void bpf_grow_expect(struct bpf_grow *g, size_t n, nsec_t now)
{
	const uint64_t rows = (uint64_t)n << LB_DEFAULT_ROWS_LOG2;
	const uint64_t backends = (uint64_t)n * LB_BACKEND_UNIT;

	expect(g, LB_NEED_ROWS_CHUNK, (rows + LB_ROWS_CHUNK - 1) / LB_ROWS_CHUNK);
	expect(g, LB_NEED_BACKEND_CHUNK, (backends + LB_BACKEND_CHUNK - 1) / LB_BACKEND_CHUNK);
	bpf_grow_ahead(g, now);
}

/* --- making it -------------------------------------------------------------------------------- */

static void init(struct bpf_grow *g, enum bpf_chunk_which which, const struct bpf_inner *main,
		 const struct bpf_inner *beside)
{
	const struct bpf_chunk_kind *kind = bpf_chunk_kind(which);
	const struct bpf_maps *m = g->maps;

	g->states[which].job = (struct job){
		.base = {.run = work, .done = done},
		.grow = g,
		.which = which,
		.recipe = {.kind = kind,
			   .pin_dir = m->pin_dir,
			   .main = *main,
			   .beside = *beside,
			   .main_fd = bpf_maps_fd(m, kind->main),
			   .beside_fd = kind->beside ? bpf_maps_fd(m, kind->beside) : -1,
			   .btf_fd = m->kept->btf_fd},
	};
}

struct bpf_grow *bpf_grow_new(struct bpf_maps *m, struct lb_tables *t)
{
	const struct bpf_inner none = {.max_entries = 0};
	struct bpf_grow *g = xcalloc(1, sizeof(*g));

	*g = (struct bpf_grow){.maps = m, .tables = t};
	init(g, BPF_CHUNK_ROWS, &m->inners.rows, &none);
	init(g, BPF_CHUNK_BACKENDS, &m->inners.backends, &m->inners.counters);
	init(g, BPF_CHUNK_NODES, &m->inners.nodes, &none);
	init(g, BPF_CHUNK_KERNEL_FLOWS, &m->inners.kernel_flows, &none);
	init(g, BPF_CHUNK_NAT, &m->inners.nat, &none);
	return g;
}

void bpf_grow_use_worker(struct bpf_grow *g, struct worker *worker)
{
	g->worker = worker;
}

struct bpf_grow *bpf_grow_free(struct bpf_grow *g)
{
	if (!g)
		return NULL;
	if (g->worker)
		worker_finish(g->worker);
	free(g);
	return NULL;
}
