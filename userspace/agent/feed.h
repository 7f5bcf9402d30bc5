// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The API server as a source of objects, by way of the feeder, which connects to a socket of ours
 * and tells what is there (kube/kube_frame.h). Each object is a source of the world.
 *
 * What was told stays in force until it is told otherwise: a feeder that dies, or an API server
 * that is away, changes nothing. The source is complete once every kind was told completely, or is
 * one that the feeder may not see. Until then what comes is kept back for a few seconds, so that
 * plans are made of a whole picture where that is to be had.
 */
#pragma once

#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct cJSON;
struct problems;

/* Opens the socket, if one was asked for. 0, or -errno after saying on stderr what failed. */
int feed_start(struct agent *a);
void feed_stop(struct agent *a);

/* An earlier run has saved an object of that source. False: it is not one of the feed's. */
bool feed_expect(struct agent *a, const char *source);

/*
 * Takes what was told since, as far as a turn goes, into the world. While the data plane is opened
 * it is read ahead only, and the world stays as it is.
 */
void feed_step(struct agent *a, nsec_t now);
/* When it has something to do at the latest, where what was told waits until `coalesced_at`. */
nsec_t feed_deadline(const struct agent *a, nsec_t coalesced_at);
/* There is something to read ahead. */
bool feed_may_read_ahead(const struct agent *a);
/* It is us who say what Services of the API server are to have. */
bool feed_is_holder(const struct agent *a);
/*
 * Asks for what is to be written to the API server, by the plan that was just made and the world
 * that it was made of.
 */
void feed_wishes_step(struct agent *a);
/* Has told what became of it, once a second at most; returns when to call again at the latest. */
nsec_t feed_report_step(struct agent *a, nsec_t now);
/* The feeder is to tell everything again. */
void feed_repeat(struct agent *a);

void feed_problems_add(const struct agent *a, struct problems *list);
/* For metrics. */
#define FEED_STATES 5 /* of the watch of a kind, enum kube_state */
const char *feed_state_text(size_t state);
struct feed_figures {
	bool is_connected, is_holder;
	uint64_t n_updates;        /* objects that were told of, since the start */
	size_t kinds[FEED_STATES]; /* by state */
};
/* False: there is no feed. */
bool feed_figures(const struct agent *a, struct feed_figures *ret);

/* NULL without a feed. */
struct cJSON *feed_show(const struct agent *a, nsec_t now);
