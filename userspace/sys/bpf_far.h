// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When the far programs (lb/lb_far.h) are loaded: at the first need, by the helper, as the verifier
 * takes longer for them than a turn of the loop may last. They stay then. What was refused is tried
 * again after a while that doubles.
 */
#pragma once

#include "sys/bpf_load.h"

struct bpf_far;
struct bpf_hooks;
struct worker;

/*
 * All is borrowed and outlives it. Where the tables are far already the programs have been loaded
 * with the others, and the tables were told.
 */
struct bpf_far *bpf_far_new(const struct bpf_programs *programs, struct lb_tables *tables,
			    const struct bpf_hooks *hooks);
/* As bpf_grow_use_worker(). */
void bpf_far_use_worker(struct bpf_far *f, struct worker *worker);
struct bpf_far *bpf_far_free(struct bpf_far *f);

/*
 * For LB_NEED_FAR: 0, they are there, and the tables have been told; -EINPROGRESS: they will be;
 * another -errno: they are refused, until it is tried again.
 */
int bpf_far_for(struct bpf_far *f, nsec_t now);
/* The last answer was -EINPROGRESS, and the helper has not come back since. */
bool bpf_far_is_waited_for(const struct bpf_far *f);
/*
 * They are loaded, but what is attached still is a former run's, which may go on with none: the
 * devices are to be applied, and only then can the tables lead there.
 */
bool bpf_far_waits_for_hooks(const struct bpf_far *f);

/* Why they are not there though they are needed, in words, until it is tried again; NULL: no such
 * thing. */
const char *bpf_far_failure(const struct bpf_far *f);
