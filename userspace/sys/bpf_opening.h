// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Opening the data plane beside the loop. First the maps and the tables in them: moments, or for
 * those of a former run a fifth of a second. With these the loop can go on, and fills them while
 * the kernel verifies the programs, which takes as long.
 */
#pragma once

#include "sys/bpf_dataplane.h"

struct bpf_opening;

struct bpf_opening_args {
	struct bpf_dataplane_args dataplane; /* copied */
	struct worker *worker;               /* borrowed, outlives the data plane */
	struct loop *loop;                   /* whose worker that is; borrowed */
	void (*on_over)(void *ctx);          /* by the loop's thread: there is more of it */
	void *ctx;
};

struct bpf_opening *bpf_opening_new(const struct bpf_opening_args *args, nsec_t now);
bool bpf_opening_has_maps(const struct bpf_opening *o);
bool bpf_opening_is_over(const struct bpf_opening *o);
/*
 * Once it has the maps: what became of them, and the data plane with the worker. Once only; the
 * data plane is the caller's then, who closes it not before bpf_opening_free().
 */
int bpf_opening_take(struct bpf_opening *o, struct arena *arena, struct bpf_dataplane **ret,
		     bool *ret_adopted, const char **ret_failure) must_check;
/*
 * Once it is over: what became of the programs, which the data plane that was taken runs. Once
 * only.
 */
int bpf_opening_end(struct bpf_opening *o, struct bpf_dataplane *dp, struct arena *arena,
		    const char **ret_failure) must_check;
/* Waits for what is under way and lets go of what nobody took. NULL is fine. */
struct bpf_opening *bpf_opening_free(struct bpf_opening *o);
