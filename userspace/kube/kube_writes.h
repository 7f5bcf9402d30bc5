// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the agent wishes to be written of Services, on its way to the API server. A wish stands for
 * itself: a newer one of the same Service takes its place, and it goes on being tried, later and
 * later, until it is fulfilled, taken back, or out of date. So there is one entry for each Service
 * at most, however often the agent speaks and whatever the server answers.
 *
 * A status is written by the holder of the Lease alone, as a patch that names the version of the
 * Service that the agent had seen when it wished: the agent was told of it on this connection, no
 * later than it says, and nothing else is known since. What somebody else has changed in the
 * meantime is refused by the server (409) or forgotten here; the agent hears of the change, and
 * wishes anew. Of one Service a status is written once a second at most.
 *
 * An event is written once. Its name follows from what it says, so that the server, which has it
 * already, refuses to take it twice; and of one Service there are 25, and then one in five minutes.
 * Events tell of what has happened, and addresses are waited for: of the former two are under way
 * at a time, and of all Services together there are 50, and then ten a second.
 *
 * The verbs are those of a watch, for each write by itself.
 */
#pragma once

#include "kube/kube_ask.h"
#include "kube/kube_frame.h"

#define KUBE_WRITES_OPEN     8 /* under way at a time */
#define KUBE_WRITE_EVERY_NS  (1 * NSEC_PER_SEC)
#define KUBE_TELLING_OPEN    2 /* ... of those that tell of something */
#define KUBE_TELLING_AT_ONCE 50
#define KUBE_TELL_EVERY_NS   (100 * NSEC_PER_MSEC)
#define KUBE_EVENTS_AT_ONCE  25
#define KUBE_EVENT_EVERY_NS  (300 * NSEC_PER_SEC)
#define KUBE_WRITE_RETRY_MAX (30 * NSEC_PER_SEC)

struct kube_store;
struct kube_write;
struct kube_writes;

struct kube_writes_args {
	struct kube_store *store; /* these outlive the writes */
	const char *component;    /* events say that it speaks */
	const char *node;         /* ... and where */
	uint64_t seed;
};
struct kube_writes *kube_writes_new(const struct kube_writes_args *args);
struct kube_writes *kube_writes_free(struct kube_writes *w);

/* A frame of type wish came. */
void kube_writes_wish(struct kube_writes *w, const struct kube_frame *frame, nsec_t now);
/*
 * A request that is made as it stands, once, and with those that tell: what becomes of it shows in
 * the object, and why it could not be done is said once. Of one object there is one; a newer takes
 * its place.
 */
struct kube_ready {
	enum kube_kind kind; /* of the object */
	bool is_holders;     /* only as long as statuses may be written */
	const char *ns, *name;
	const char *method, *content_type; /* static; the latter NULL: no body */
	const char *target, *body;         /* body: NULL: none */
};
void kube_writes_ready(struct kube_writes *w, const struct kube_ready *ready, nsec_t now);
/* So many of these are to be made yet. */
size_t kube_writes_waiting(const struct kube_writes *w);

/* The agent that has wished is gone: nothing is wished. */
void kube_writes_forget(struct kube_writes *w);
/* Whether statuses may be written; to be said right before each write, too. Not so at first. */
void kube_writes_hold(struct kube_writes *w, bool is_holder);
/* Nothing is opened any more. */
void kube_writes_stop(struct kube_writes *w);
/* Requests under way. */
size_t kube_writes_open(const struct kube_writes *w);

/*
 * The next one to be opened, or NULL. Whoever takes it calls kube_write_transmit(): true: it is
 * under way, as *ret says; false: there was nothing to write after all, or not now.
 */
struct kube_write *kube_writes_next(struct kube_writes *w, nsec_t now);
bool kube_write_transmit(struct kube_write *e, struct kube_request *ret, const char *stamp,
			 nsec_t now) must_check;
/* One that was under way for too long, to be given up and notified as closed; or NULL. */
struct kube_write *kube_writes_overdue(struct kube_writes *w, nsec_t now);
void kube_write_receive(struct kube_write *e, const char *data, size_t len);
/* At the end of the request the write may be gone. */
void kube_write_notify(struct kube_write *e, const struct kube_note *note, nsec_t now);
nsec_t kube_writes_deadline(const struct kube_writes *w);

/* What went wrong since this was called last, in words, "" if nothing did. */
const char *kube_writes_said(struct kube_writes *w);

struct kube_writes_counts {
	unsigned written, refused, out_of_date, failed;
};
struct kube_writes_counts kube_writes_count(const struct kube_writes *w);
