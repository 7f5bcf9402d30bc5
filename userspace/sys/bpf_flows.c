// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How large the flow table is. A flow that loses its entry is cut, so flows come before megabytes:
 * it has room for twice as many as the kernel would track (nf_conntrack_max), 32 bytes each, and at
 * half load no entry drives out a living one. Lines lie in chunks of 1 MB, as many as a power of
 * two.
 *
 * A larger table lies where the one before it does not. Chunks that the word of the programs does
 * not name are nobody's: an agent that died at growing has left them.
 */
#include "sys/bpf_flows.h"

#include "sys/bpf_inner.h"
#include "sys/files.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#define FLOWS         "flows" /* the outer map */
#define FLOWS_UNKNOWN 262144u /* where nobody says how many the kernel would track */
#define CONNTRACK_MAX "/proc/sys/net/netfilter/nf_conntrack_max"
#define REFUSED_NS    (60 * NSEC_PER_SEC) /* until it is tried again */

/* Chunks of a table. */
struct run {
	uint32_t first, n;
	struct bpf_chunk *chunks; /* owned */
};

struct job {
	struct worker_job base;  /* first */
	struct bpf_flows *flows; /* not the helper's */
	struct bpf_inner inner;
	const char *pin_dir; /* borrowed, as the next two */
	int outer_fd, btf_fd;
	bool is_drop; /* else it makes them */
	struct run run;
	int error;
};

struct bpf_flows {
	struct bpf_maps *maps; /* borrowed, as the next two */
	struct lb_tables *tables;
	struct worker *worker;
	struct run now, left; /* left.n = 0: there is none */
	struct job job;
	enum { JOB_NONE, JOB_AWAY, JOB_BACK } job_is;
	nsec_t refused_at; /* 0: never */
};

static uint32_t default_entries(void)
{
	_cleanup_(freep) char *text = NULL;
	unsigned long flows;
	size_t len;

	if (file_read(CONNTRACK_MAX, 64, &text, &len) != 0)
		return FLOWS_UNKNOWN;
	flows = strtoul(text, NULL, 10);
	return flows == 0               ? FLOWS_UNKNOWN
	       : flows > UINT32_MAX / 2 ? UINT32_MAX / 2
					: (uint32_t)flows;
}

/* Chunks for so many flows at half load. */
static uint32_t chunks_for(uint32_t flows)
{
	const uint32_t flows_a_chunk = LB_FLOW_CHUNK * LB_FLOW_WAYS / 2;
	uint32_t n = 1;

	while (n < LB_FLOW_CHUNKS_MAX && n * flows_a_chunk < flows)
		n *= 2;
	return n;
}

/* --- chunks ----------------------------------------------------------------------------------- */

static void run_new(struct run *r, uint32_t first, uint32_t n)
{
	*r = (struct run){.first = first, .n = n, .chunks = xcalloc(n, sizeof(*r->chunks))};
	for (uint32_t i = 0; i < n; i++)
		r->chunks[i] = (struct bpf_chunk){.main = -1, .beside = -1};
}

static void run_free(struct run *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		bpf_chunk_discard(&r->chunks[i]);
	free(r->chunks);
	*r = (struct run){.n = 0};
}

/* Once they are mapped their fds are of no use. */
static void close_fds(struct run *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		close(r->chunks[i].main);
		r->chunks[i].main = -1;
	}
}

static int map_run(struct run *r)
{
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < r->n; i++)
		error = bpf_chunk_map(&r->chunks[i], bpf_chunk_kind(BPF_CHUNK_FLOWS));
	return error;
}

static int insert_run(const struct job *j)
{
	__u32 fds[BPF_INSERT_MAX];
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < j->run.n; i++)
		error = bpf_inner_pin(j->pin_dir, FLOWS, j->run.first + i, j->run.chunks[i].main);
	for (uint32_t done = 0; error == 0 && done < j->run.n; done += BPF_INSERT_MAX) {
		uint32_t n = j->run.n - done;

		n = n < BPF_INSERT_MAX ? n : BPF_INSERT_MAX;
		for (uint32_t i = 0; i < n; i++)
			fds[i] = (__u32)j->run.chunks[done + i].main;
		error = bpf_inner_insert(j->outer_fd, j->run.first + done, fds, n);
	}
	return error;
}

static void delete_run(const struct job *j)
{
	for (uint32_t i = 0; i < j->run.n; i++) {
		__u32 at = j->run.first + i;

		(void)bpf_map_delete_elem(j->outer_fd, &at);
		bpf_inner_unpin(j->pin_dir, FLOWS, at);
	}
}

static int make_run(struct job *j)
{
	int error = 0;

	for (uint32_t i = 0; i < j->run.n; i++) {
		j->run.chunks[i].main = bpf_inner_create(j->btf_fd, FLOWS, &j->inner);
		if (j->run.chunks[i].main < 0)
			return j->run.chunks[i].main;
	}
	error = map_run(&j->run);
	if (error == 0)
		error = insert_run(j);
	if (error != 0)
		delete_run(j);
	return error;
}

/* Those of a table that is there. */
static int open_run(const struct bpf_maps *m, struct run *r, uint64_t word)
{
	uint32_t n = (uint32_t)(word & LB_FLOWS_COUNT_MASK);
	uint32_t first = (uint32_t)word >> LB_FLOWS_FIRST_SHIFT;
	int error;

	if (n == 0 || n > LB_FLOW_CHUNKS_MAX || (n & (n - 1)) != 0 || first + n > LB_FLOW_CHUNKS)
		return -EUCLEAN;
	run_new(r, first, n);
	for (uint32_t i = 0; i < n; i++) {
		r->chunks[i].main = bpf_inner_open(m, FLOWS, first + i);
		if (r->chunks[i].main < 0)
			return r->chunks[i].main;
	}
	error = map_run(r);
	close_fds(r);
	return error;
}

/* Their lines, to be freed by the caller. */
static struct lb_flow_line **lines_of(const struct run *r)
{
	struct lb_flow_line **ret = xcalloc(r->n, sizeof(struct lb_flow_line *));

	for (uint32_t i = 0; i < r->n; i++)
		ret[i] = r->chunks[i].main_at.at;
	return ret;
}

/* --- growing ---------------------------------------------------------------------------------- */

static void work(struct worker_job *base)
{
	struct job *j = (struct job *)base;

	j->error = 0;
	if (j->is_drop)
		delete_run(j);
	else
		j->error = make_run(j);
}

static void grow(struct bpf_flows *f, const struct lb_clock *c)
{
	_cleanup_(freep) struct lb_flow_line **lines = NULL;

	close_fds(&f->job.run);
	lines = lines_of(&f->job.run);
	f->left = f->now;
	f->now = f->job.run;
	f->job.run = (struct run){.n = 0};
	lb_tables_grow_flows(f->tables, c, lines, f->now.n, f->now.first);
	log_info("bpf: flow table grows", "from_kib=%u to_kib=%u", f->left.n * 1024,
		 f->now.n * 1024);
}

/* What came of the job. */
static void finish(struct bpf_flows *f, const struct lb_clock *c)
{
	struct job *j = &f->job;

	f->job_is = JOB_NONE;
	if (j->error == 0 && !j->is_drop) {
		f->refused_at = 0;
		grow(f, c);
		return;
	}
	if (j->error != 0) {
		f->refused_at = c->now;
		log_warn("bpf: the flow table cannot grow", "to_kib=%u error=%d", j->run.n * 1024,
			 -j->error);
	}
	run_free(&j->run);
}

static void done(struct worker_job *base)
{
	((struct job *)base)->flows->job_is = JOB_BACK;
}

static void begin(struct bpf_flows *f, bool is_drop)
{
	f->job.is_drop = is_drop;
	f->job_is = JOB_AWAY;
	if (f->worker) {
		worker_add(f->worker, &f->job.base);
		return;
	}
	work(&f->job.base);
	done(&f->job.base);
}

/* Behind the table that there is, or before it. */
static uint32_t place_for(const struct run *now, uint32_t n)
{
	uint32_t first = now->first >= n ? 0 : now->first + now->n;

	assert(first + n <= LB_FLOW_CHUNKS);
	return first;
}

static bool was_refused(const struct bpf_flows *f, const struct lb_clock *c)
{
	return f->refused_at != 0 && c->now - f->refused_at < REFUSED_NS;
}

void bpf_flows_tick(struct bpf_flows *f, const struct lb_clock *c)
{
	uint32_t wanted;

	if (f->job_is == JOB_BACK)
		finish(f, c);
	if (f->job_is != JOB_NONE)
		return;
	wanted = lb_tables_flows_wanted(f->tables);
	if (lb_tables_flows_emptied(f->tables, c)) {
		lb_tables_drop_flows(f->tables);
		log_info("bpf: flow table has grown", "kib=%u", f->now.n * 1024);
		f->job.run = f->left;
		f->left = (struct run){.n = 0};
		begin(f, true);
	} else if (wanted > 0 && !was_refused(f, c)) {
		run_new(&f->job.run, place_for(&f->now, wanted), wanted);
		begin(f, false);
	}
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool has(const struct run *r, uint32_t at)
{
	return at >= r->first && at < r->first + r->n;
}

static void delete_strays(const struct bpf_flows *f)
{
	for (__u32 at = 0, id; at < LB_FLOW_CHUNKS; at++)
		if (!has(&f->now, at) && !has(&f->left, at) &&
		    bpf_map_lookup_elem(f->job.outer_fd, &at, &id) == 0) {
			(void)bpf_map_delete_elem(f->job.outer_fd, &at);
			bpf_inner_unpin(f->job.pin_dir, FLOWS, at);
		}
}

static int make_first(struct bpf_flows *f, uint32_t flow_entries)
{
	struct lb_config *config = f->maps->images.config;
	uint32_t flows = flow_entries ? flow_entries : default_entries(), n = chunks_for(flows);
	int error;

	run_new(&f->job.run, 0, n);
	error = make_run(&f->job);
	f->now = f->job.run;
	f->job.run = (struct run){.n = 0};
	if (error != 0)
		return error;
	close_fds(&f->now);
	config->flow_entries = flows;
	__atomic_store_n(&config->flows, n, __ATOMIC_RELEASE);
	return 0;
}

static int open_table(struct bpf_flows *f, const struct lb_clock *c)
{
	uint64_t word = f->maps->images.config->flows;
	_cleanup_(freep) struct lb_flow_line **now = NULL, **left = NULL;
	int error = f->now.n > 0 ? 0 : open_run(f->maps, &f->now, word);

	if (error == 0 && word >> LB_FLOWS_LEFT_SHIFT)
		error = open_run(f->maps, &f->left, word >> LB_FLOWS_LEFT_SHIFT);
	if (error != 0)
		return error;
	now = lines_of(&f->now);
	left = lines_of(&f->left);
	lb_tables_set_flows(f->tables, now, f->now.n);
	if (f->left.n > 0)
		lb_tables_set_flows_left(f->tables, c, left, f->left.n);
	return 0;
}

int bpf_flows_open(struct bpf_maps *m, struct lb_tables *t, const struct lb_clock *c,
		   uint32_t flow_entries, struct bpf_flows **ret)
{
	const struct lb_config *config = m->images.config;
	struct bpf_flows *f = xcalloc(1, sizeof(*f));
	bool is_new = config->flows == 0;
	int error;

	*f = (struct bpf_flows){.maps = m, .tables = t};
	f->job = (struct job){.base = {.run = work, .done = done},
			      .flows = f,
			      .inner = m->inners.flows,
			      .pin_dir = m->pin_dir,
			      .outer_fd = bpf_maps_fd(m, FLOWS),
			      .btf_fd = m->kept->btf_fd};
	*ret = f;
	error = is_new ? make_first(f, flow_entries) : 0;
	if (error == 0)
		error = open_table(f, c);
	if (error != 0)
		return error;
	delete_strays(f);
	log_info("bpf: flow table", "adopted=%s flows=%u kib=%u", is_new ? "no" : "yes",
		 config->flow_entries, f->now.n * 1024);
	return 0;
}

void bpf_flows_use_worker(struct bpf_flows *f, struct worker *worker)
{
	f->worker = worker;
}

struct bpf_flows *bpf_flows_close(struct bpf_flows *f)
{
	if (!f)
		return NULL;
	if (f->worker)
		worker_finish(f->worker);
	run_free(&f->now);
	run_free(&f->left);
	run_free(&f->job.run);
	free(f);
	return NULL;
}

uint32_t bpf_flows_entries(const struct bpf_flows *f)
{
	return f->maps->images.config->flow_entries;
}
