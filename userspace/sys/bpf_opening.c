// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Jobs of helpers: first the maps, and then side by side the tables in them and the programs. These
 * have a thread of their own, since what fills the maps meanwhile has jobs for the worker, and one
 * after the other, since who tells what to fill them with needs a processor, too. The data plane
 * gets its worker only on the loop's thread: a helper cannot give jobs to itself.
 */
#include "sys/bpf_opening.h"

#include "sys/bpf_load.h"
#include "sys/worker.h"

#include <assert.h>
#include <unistd.h>

enum which { MAPS, TABLES, XDP, TC, N_PARTS };

/* What it makes is its thread's until it is over. */
struct part {
	struct worker_job base; /* first */
	struct bpf_opening *opening;
	struct arena *arena; /* owned; holds the failure */
	const char *failure;
	int error;
	int fd;       /* of a program; owned until it is handed over */
	bool is_over; /* the loop's, as all is once it is set */
};

struct bpf_opening {
	struct part parts[N_PARTS];
	struct bpf_opening_args args;
	struct worker *loader; /* owned; NULL: not yet */
	char *pin_dir;         /* owned */
	nsec_t begun_at;
	struct bpf_programs programs; /* owned until there is a data plane */
	bool has_programs;
	struct bpf_dataplane *dp; /* owned until it is taken */
};

static void load_maps(struct worker_job *base)
{
	struct part *p = (struct part *)base;
	struct bpf_opening *o = p->opening;
	const struct bpf_load_args args = {.pin_dir = o->pin_dir,
					   .knows_served = o->args.dataplane.knows_served};

	p->error = bpf_load_maps(&args, p->arena, &o->programs, &p->failure);
	o->has_programs = p->error == 0;
}

static void open_tables(struct worker_job *base)
{
	struct part *p = (struct part *)base;
	struct bpf_opening *o = p->opening;

	p->error = bpf_dataplane_open_tables(&o->args.dataplane, &o->programs, p->arena,
					     o->begun_at, &o->dp, &p->failure);
}

static void load(struct part *p, enum bpf_load_which which)
{
	p->error = bpf_load_program(&p->opening->programs, which, p->opening->pin_dir, p->arena,
				    &p->fd, &p->failure);
}

static void load_xdp(struct worker_job *base)
{
	load((struct part *)base, BPF_LOAD_XDP);
}

static void load_tc(struct worker_job *base)
{
	load((struct part *)base, BPF_LOAD_TC);
}

bool bpf_opening_has_maps(const struct bpf_opening *o)
{
	return o->parts[MAPS].is_over && (o->parts[MAPS].error || o->parts[TABLES].is_over);
}

bool bpf_opening_is_over(const struct bpf_opening *o)
{
	return bpf_opening_has_maps(o) &&
	       (o->parts[MAPS].error || (o->parts[XDP].is_over && o->parts[TC].is_over));
}

static void done(struct worker_job *base)
{
	struct part *p = (struct part *)base;
	struct bpf_opening *o = p->opening;

	p->is_over = true;
	if (p == &o->parts[MAPS] && p->error == 0) {
		o->loader = worker_new(o->args.loop);
		worker_add(o->loader, &o->parts[XDP].base);
		worker_add(o->loader, &o->parts[TC].base);
		worker_add(o->args.worker, &o->parts[TABLES].base);
	}
	if (bpf_opening_has_maps(o))
		o->args.on_over(o->args.ctx);
}

struct bpf_opening *bpf_opening_new(const struct bpf_opening_args *args, nsec_t now)
{
	static void (*const runs[N_PARTS])(struct worker_job *) = {
		[MAPS] = load_maps, [TABLES] = open_tables, [XDP] = load_xdp, [TC] = load_tc};
	struct bpf_opening *o = xcalloc(1, sizeof(*o));

	*o = (struct bpf_opening){
		.args = *args, .pin_dir = xstrdup(args->dataplane.pin_dir), .begun_at = now};
	o->args.dataplane.pin_dir = o->pin_dir;
	for (size_t i = 0; i < N_PARTS; i++)
		o->parts[i] = (struct part){.base = {.run = runs[i], .done = done},
					    .opening = o,
					    .arena = arena_new(),
					    .fd = -1};
	worker_add(args->worker, &o->parts[MAPS].base);
	return o;
}

static int failure_of(const struct bpf_opening *o, enum which first, enum which last,
		      struct arena *arena, const char **ret_failure)
{
	for (enum which i = first; i <= last; i++)
		if (o->parts[i].error != 0) {
			*ret_failure = arena_strdup(arena, o->parts[i].failure);
			return o->parts[i].error;
		}
	return 0;
}

int bpf_opening_take(struct bpf_opening *o, struct arena *arena, struct bpf_dataplane **ret,
		     bool *ret_adopted, const char **ret_failure)
{
	const int error = failure_of(o, MAPS, TABLES, arena, ret_failure);

	assert(bpf_opening_has_maps(o));
	if (error != 0)
		return error;
	*ret = TAKE_PTR(o->dp);
	*ret_adopted = o->programs.adopted;
	o->has_programs = false;
	bpf_dataplane_use_worker(*ret, o->args.worker);
	return 0;
}

int bpf_opening_end(struct bpf_opening *o, struct bpf_dataplane *dp, struct arena *arena,
		    const char **ret_failure)
{
	const int error = failure_of(o, XDP, TC, arena, ret_failure);

	assert(bpf_opening_is_over(o) && !o->dp);
	if (error != 0)
		return error;
	bpf_dataplane_run(dp, o->parts[XDP].fd, o->parts[TC].fd);
	o->parts[XDP].fd = o->parts[TC].fd = -1;
	return 0;
}

struct bpf_opening *bpf_opening_free(struct bpf_opening *o)
{
	if (!o)
		return NULL;
	if (!bpf_opening_has_maps(o))
		worker_finish(o->args.worker);
	worker_free(o->loader);
	for (size_t i = 0; i < N_PARTS; i++) {
		if (o->parts[i].fd >= 0)
			close(o->parts[i].fd);
		arena_free(o->parts[i].arena);
	}
	if (o->dp)
		bpf_dataplane_close(o->dp);
	else if (o->has_programs)
		bpf_unload(&o->programs);
	free(o->pin_dir);
	free(o);
	return NULL;
}
