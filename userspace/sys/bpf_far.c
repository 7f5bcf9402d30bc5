// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* One job of the helper, of which nothing is read while it is away. */
#include "sys/bpf_far.h"

#include "sys/bpf_hooks.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/worker.h"

#include <errno.h>

#define RETRY_LEAST (1 * NSEC_PER_SEC)
#define RETRY_MOST  (256 * NSEC_PER_SEC)

struct bpf_far {
	struct worker_job job;               /* first */
	const struct bpf_programs *programs; /* borrowed, as the next three */
	struct lb_tables *tables;
	const struct bpf_hooks *hooks;
	struct worker *worker;
	bool is_away, is_loaded, is_waited_for;
	nsec_t begun_at, retry_after, took;
	struct arena *arena; /* owned; holds the failure; the job's while it is away */
	const char *failure;
	int error; /* of the last job */
};

static void work(struct worker_job *job)
{
	struct bpf_far *f = (struct bpf_far *)job;

	const nsec_t begun_at = clock_now();

	f->error = bpf_load_far(f->programs, f->arena, &f->failure);
	f->took = clock_now() - begun_at;
}

static void done(struct worker_job *job)
{
	struct bpf_far *f = (struct bpf_far *)job;

	f->is_away = f->is_waited_for = false;
	f->is_loaded = f->error == 0;
	if (f->is_loaded) {
		log_info("bpf: programs for other nodes and servers are loaded", "took_ms=%u",
			 (unsigned)(f->took / NSEC_PER_MSEC));
		return;
	}
	f->retry_after = f->retry_after ? nsec_min(2 * f->retry_after, RETRY_MOST) : RETRY_LEAST;
	log_warn("bpf: programs for other nodes and servers are refused", "reason=%s retry_s=%u",
		 log_quote(f->failure), (unsigned)(f->retry_after / NSEC_PER_SEC));
}

static void begin(struct bpf_far *f, nsec_t now)
{
	arena_reset(f->arena);
	f->failure = NULL;
	f->begun_at = now;
	f->is_away = true;
	if (f->worker) {
		worker_add(f->worker, &f->job);
		return;
	}
	work(&f->job);
	done(&f->job);
}

static int outcome(struct bpf_far *f, nsec_t now)
{
	const bool rests = f->error != 0 && now - f->begun_at < f->retry_after;

	if (!f->is_away && !f->is_loaded && !rests)
		begin(f, now);
	if (f->is_away || bpf_far_waits_for_hooks(f))
		return -EINPROGRESS;
	return f->error;
}

int bpf_far_for(struct bpf_far *f, nsec_t now)
{
	const int error = outcome(f, now);

	f->is_waited_for = error == -EINPROGRESS;
	if (error == 0)
		lb_tables_add_far(f->tables);
	return error;
}

bool bpf_far_is_waited_for(const struct bpf_far *f)
{
	return f->is_waited_for && (f->is_away || bpf_hooks_are_away(f->hooks));
}

bool bpf_far_waits_for_hooks(const struct bpf_far *f)
{
	return f->is_loaded && bpf_hooks_are_formers(f->hooks);
}

const char *bpf_far_failure(const struct bpf_far *f)
{
	return f->is_away ? NULL : f->failure;
}

struct bpf_far *bpf_far_new(const struct bpf_programs *programs, struct lb_tables *tables,
			    const struct bpf_hooks *hooks)
{
	struct bpf_far *f = xcalloc(1, sizeof(*f));

	*f = (struct bpf_far){.job = {.run = work, .done = done},
			      .programs = programs,
			      .tables = tables,
			      .hooks = hooks,
			      .arena = arena_new(),
			      .is_loaded = lb_tables_have_far(tables)};
	return f;
}

void bpf_far_use_worker(struct bpf_far *f, struct worker *worker)
{
	f->worker = worker;
}

struct bpf_far *bpf_far_free(struct bpf_far *f)
{
	if (!f)
		return NULL;
	if (f->worker)
		worker_finish(f->worker);
	arena_free(f->arena);
	free(f);
	return NULL;
}
