// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Metrics and health over HTTP (docs/metrics.md): where they are answered for follows
 * LodestoneConfig, a text is made in slices of METRICS_SLICE_NS, one a turn of the loop, and goes
 * out when the counts that it tells are kept (STATE/counts.yaml), so that none of them decreases
 * over a restart, however the agent ends. A disk that does not answer delays a text by
 * METRICS_KEEP_NS at most.
 */
#pragma once

#include "base/histogram.h"
#include "base/problem.h"

#define METRICS_SLICE_NS (400 * NSEC_PER_USEC)
#define METRICS_KEEP_NS  (100 * NSEC_PER_MSEC)

struct agent;

/* How long things took, since the start of this process. */
struct metrics_times {
	struct histogram turn, plan, apply;
};

void metrics_start(struct agent *a);
/* Before the loop is freed. */
void metrics_stop(struct agent *a);

/* A plan was made: what the configuration says of the address counts from now on. */
void metrics_apply(struct agent *a, nsec_t now);
/* Makes a slice of a text if somebody waits for one; returns when to call again. */
nsec_t metrics_step(struct agent *a, nsec_t now);

void metrics_note_turn(struct agent *a, nsec_t length);
void metrics_note_plan(struct agent *a, nsec_t length);
void metrics_note_apply(struct agent *a, nsec_t length);
const struct metrics_times *metrics_times_of(const struct agent *a);

/* A port that cannot be answered on. */
void metrics_problems(const struct agent *a, struct problems *list);
