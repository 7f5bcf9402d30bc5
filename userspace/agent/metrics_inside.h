// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the files that collect metrics share (metrics.c). A text is made of parts, each of which
 * tells a few families and is called again until it has told all of them; between two calls the
 * loop may turn, and the plan be another one, so a part keeps copies. Nobody else includes this.
 */
#pragma once

#include "agent/metrics_kept.h"
#include "agent/metrics_table.h"
#include "base/arena.h"
#include "base/limits.h"

struct agent;
struct metrics_peer;
struct metrics_service;

struct metrics_text {
	enum exposition_format format;
	nsec_t now; /* when it was begun */
	struct strbuf out;
	struct strbuf labels;          /* scratch */
	struct metrics_kept *kept;     /* the agent's */
	struct arena *arena;           /* owned; holds what parts keep */
	struct arena *scratch;         /* owned; of one call */
	struct metrics_peer *peers;    /* in the arena, */
	size_t n_peers;                /* as of when it was begun */
	struct metrics_service *items; /* ports of Services, by the plan's order; owned */
	size_t n_items, cap_items, n_untold;
	const char *last_ns, *last_name; /* of the Service gathered last; NULL: none was */
	uint32_t *counters; /* of the items' backends, by their number in the data plane; owned */
	size_t n_counters, cap_counters;
	size_t counted; /* the item whose counters are read */
	size_t at;      /* of the part that is under way: what is before it was told */
};

#define METRICS_PIECE 128 /* items that a call tells */

/* A part. True: it is over, and `at` is 0 again. */
typedef bool (*metrics_part)(const struct agent *a, struct metrics_text *t);

void metrics_family(struct metrics_text *t, enum metric id);
/* A sample with these labels' values, as many as the family has. */
void metrics_sample(struct metrics_text *t, enum metric id, uint64_t value,
		    const char *const *labels);
/* Head and the one sample of a family without labels. */
void metrics_single(struct metrics_text *t, enum metric id, uint64_t value);
void metrics_single_histogram(struct metrics_text *t, enum metric id, const char *key,
			      const struct histogram *h);

/* Gathered when a text is begun, so that one text has values of one time. */
void metrics_gather_peers(const struct agent *a, struct metrics_text *t);

bool metrics_tell_agent(const struct agent *a, struct metrics_text *t);
bool metrics_tell_sources(const struct agent *a, struct metrics_text *t);
bool metrics_tell_pools(const struct agent *a, struct metrics_text *t);
bool metrics_tell_dataplane(const struct agent *a, struct metrics_text *t);
bool metrics_tell_bgp(const struct agent *a, struct metrics_text *t);
bool metrics_tell_bfd(const struct agent *a, struct metrics_text *t);
bool metrics_gather_services(const struct agent *a, struct metrics_text *t);
bool metrics_read_counters(const struct agent *a, struct metrics_text *t);
bool metrics_tell_services(const struct agent *a, struct metrics_text *t);
bool metrics_tell_announced(const struct agent *a, struct metrics_text *t);
