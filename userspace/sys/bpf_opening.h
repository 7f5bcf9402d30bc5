// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Opening the data plane beside the loop. The kernel verifies the programs for a tenth of a second,
 * and adopting the tables of a former run takes twice that, so the helper does both, and what it
 * made is handed over as a whole.
 */
#pragma once

#include "sys/bpf_dataplane.h"

struct bpf_opening;

struct bpf_opening_args {
	struct bpf_dataplane_args dataplane; /* copied */
	struct worker *worker;               /* borrowed, outlives the data plane */
	void (*on_over)(void *ctx);          /* by the loop's thread: it can be taken now */
	void *ctx;
};

struct bpf_opening *bpf_opening_new(const struct bpf_opening_args *args, nsec_t now);
bool bpf_opening_is_over(const struct bpf_opening *o);
/*
 * Once it is over: what bpf_dataplane_open() said, the data plane with the worker. Once only; the
 * data plane is the caller's then.
 */
int bpf_opening_take(struct bpf_opening *o, struct arena *arena, struct bpf_dataplane **ret,
		     bool *ret_adopted, const char **ret_failure) must_check;
/* Waits until it is over and lets go of what nobody took. NULL is fine. */
struct bpf_opening *bpf_opening_free(struct bpf_opening *o);
