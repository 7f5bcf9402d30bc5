// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the feeder was told to write about this node, by object: each is told anew only if it is
 * another thing than before, and what is not reported any more is told to be over.
 */
#pragma once

#include "base/nsec.h"
#include "kube/kube_frame.h"

#include <cjson/cJSON.h>

struct agent_feed;
struct feed_reported;

/* Of a session; what the object says of it that changes by itself. */
struct feed_session {
	nsec_t since_at; /* established then; NSEC_NEVER: it is not; 0: nothing was told yet */
	char since[32];  /* by the clock of days */
	nsec_t counted_at;
	uint64_t advertised, received;
};

struct feed_reported *feed_reported_new(void);
struct feed_reported *feed_reported_free(struct feed_reported *r);

/* On the next connection nothing was told. */
void feed_reported_forget(struct feed_reported *r);

/*
 * A round of reports begins, and ends: what was not reported in between is over. `is_whole`: nor
 * is there more to come of what another process may have reported, so what else there is of ours
 * may go. False: that was not told yet, or there was no room for all, and the round is to be
 * repeated.
 */
void feed_reported_begin(struct feed_reported *r);
bool feed_reported_end(struct feed_reported *r, struct agent_feed *f, bool is_whole) must_check;

/*
 * Reports an object. `hash` stands for all that the text follows from, so that the text is made
 * only if it is needed: true: feed_report_say() is to be called with it.
 */
struct feed_object {
	enum kube_report what;
	const char *ns, *name;
};
bool feed_report_is_due(struct feed_reported *r, const struct agent_feed *f,
			const struct feed_object *o, uint64_t hash) must_check;
void feed_report_say(struct feed_reported *r, struct agent_feed *f, const struct feed_object *o,
		     cJSON *labels, cJSON *status);
/* The same where the text is at hand; takes both, of which the first may be NULL. */
void feed_report(struct feed_reported *r, struct agent_feed *f, const struct feed_object *o,
		 cJSON *labels, cJSON *status);
/* What is remembered of a session beside it; the object need not have been reported. */
struct feed_session *feed_reported_session(struct feed_reported *r, const struct feed_object *o);
