// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One job of the helper. The data plane gets its worker only here, on the loop's thread: the helper
 * cannot give jobs to itself.
 */
#include "sys/bpf_opening.h"

#include "sys/worker.h"

#include <assert.h>

struct bpf_opening {
	struct worker_job base; /* first */
	struct bpf_opening_args args;
	char *pin_dir; /* owned */
	nsec_t begun_at;
	struct arena *arena; /* owned; holds the failure */
	struct bpf_dataplane *dp;
	bool adopted;
	const char *failure;
	int error;
	bool is_over; /* the loop's, as all is once it is set */
};

static void work(struct worker_job *base)
{
	struct bpf_opening *o = (struct bpf_opening *)base;

	o->error = bpf_dataplane_open(&o->args.dataplane, o->arena, o->begun_at, &o->dp,
				      &o->adopted, &o->failure);
	if (o->error != 0)
		o->dp = NULL;
}

static void done(struct worker_job *base)
{
	struct bpf_opening *o = (struct bpf_opening *)base;

	o->is_over = true;
	o->args.on_over(o->args.ctx);
}

struct bpf_opening *bpf_opening_new(const struct bpf_opening_args *args, nsec_t now)
{
	struct bpf_opening *o = xcalloc(1, sizeof(*o));

	*o = (struct bpf_opening){.base = {.run = work, .done = done},
				  .args = *args,
				  .pin_dir = xstrdup(args->dataplane.pin_dir),
				  .begun_at = now,
				  .arena = arena_new()};
	o->args.dataplane.pin_dir = o->pin_dir;
	worker_add(args->worker, &o->base);
	return o;
}

bool bpf_opening_is_over(const struct bpf_opening *o)
{
	return o->is_over;
}

int bpf_opening_take(struct bpf_opening *o, struct arena *arena, struct bpf_dataplane **ret,
		     bool *ret_adopted, const char **ret_failure)
{
	assert(o->is_over);
	if (o->error != 0) {
		*ret_failure = arena_strdup(arena, o->failure);
		return o->error;
	}
	*ret = TAKE_PTR(o->dp);
	*ret_adopted = o->adopted;
	bpf_dataplane_use_worker(*ret, o->args.worker);
	return 0;
}

struct bpf_opening *bpf_opening_free(struct bpf_opening *o)
{
	if (!o)
		return NULL;
	if (!o->is_over)
		worker_finish(o->args.worker);
	bpf_dataplane_close(o->dp);
	arena_free(o->arena);
	free(o->pin_dir);
	free(o);
	return NULL;
}
