// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What programs have counted: packets and bytes of backends, many at a time; what was dropped; and
 * what a frontend's former backends had, which lies in a pinned map by the frontend's key, so that
 * the sum of a frontend never decreases while it is there, whatever becomes of its backends and of
 * the agent.
 */
#pragma once

#include "lb/lb_counted.h"
#include "sys/bpf_dataplane.h"
#include "sys/bpf_maps.h"

/* As bpf_dataplane_counts(). */
void bpf_counts_read(const struct bpf_maps *m, size_t first, size_t n, struct bpf_packets *ret);
/* As bpf_dataplane_counts_of(). */
void bpf_counts_of(const struct bpf_maps *m, const uint32_t *index, size_t n,
		   struct bpf_packets *ret);

/* As bpf_dataplane_count(), of targets that it has, added to *total. */
void bpf_counts_sum(const struct bpf_maps *m, const struct bpf_counting *all, struct arena *scratch,
		    struct bpf_counter *total, struct bpf_counter *targets, size_t cap);

/* As bpf_dataplane_drops(). */
size_t bpf_counts_drops(const struct bpf_maps *m, uint64_t *counts, size_t cap);

/* Behind bpf_maps_open(): reads what is retired, once; and gives back the memory of that. */
void bpf_counts_open(struct bpf_maps *m);
void bpf_counts_close(struct bpf_maps *m);

/* As bpf_dataplane_retired(). */
struct bpf_packets bpf_counts_retired(const struct bpf_maps *m, const struct lb_key *key);

/*
 * Before a put: what those targets of `before` have counted that `f` has no more. After it, if it
 * went well, that is to be retired.
 */
struct bpf_packets bpf_counts_leaving(const struct bpf_maps *m, const struct lb_tables *t,
				      const struct lb_actual *before, const struct lb_frontend *f,
				      struct arena *scratch);
void bpf_counts_retire(struct bpf_maps *m, const struct lb_key *key, const struct bpf_packets *n);
/* The frontend is gone, and one of the same key begins at nothing. */
void bpf_counts_forget(struct bpf_maps *m, const struct lb_key *key);
