// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is told of this node in objects of the API server: what the agent has reported, compared
 * with what a watch says is there. What differs is written, what is there and was not reported is
 * deleted, and what is as it should be costs nothing: a feeder that is new adopts what the last one
 * has written, and what somebody else has changed or deleted is put right without a path of its
 * own.
 *
 * Objects of this node's own carry its label and belong to its pod, with which they go. Their names
 * follow from what they are of, so a node has one of each. They are applied without force: one that
 * another program has made is his. Status of users' objects is written by who allocates, with
 * force, for whoever wrote it before may be gone for good.
 *
 * An object is written once a second at most, by kube_writes. One that comes back otherwise than it
 * was written is tried less and less often, up to once in five minutes: two who disagree about an
 * object are not to load the server.
 */
#pragma once

#include "base/nsec.h"
#include "kube/kube_frame.h"

struct kube_reports;
struct kube_store;
struct kube_watch;
struct kube_writes;

#define KUBE_REPORTS_WAITING   64 /* requests that were asked for and not made yet */
#define KUBE_REPORT_RETRY_MAX  (300 * NSEC_PER_SEC)
#define KUBE_REPORT_LOOK_EVERY (200 * NSEC_PER_MSEC)

/* All of it outlives the reports. */
struct kube_reports_args {
	struct kube_store *store;
	struct kube_writes *writes;
	const char *ns, *node;
	const char *pod_name, *pod_uid; /* whose the objects are; NULL: the Node's */
};
struct kube_reports *kube_reports_new(const struct kube_reports_args *args);
struct kube_reports *kube_reports_free(struct kube_reports *r);

/* A frame of type report or reported came. */
void kube_reports_take(struct kube_reports *r, const struct kube_frame *frame);
/* The agent is gone; what it reported stays so until the next one has said all. */
void kube_reports_forget(struct kube_reports *r);
/* How the watch of a kind goes. */
void kube_reports_note(struct kube_reports *r, const struct kube_watch *w);
/* Whether it is us who allocate. */
void kube_reports_hold(struct kube_reports *r, bool is_holder);

/*
 * Has written what is due; the stamp is the time of day, RFC 3339 in microseconds. Returns when to
 * call again at the latest.
 */
nsec_t kube_reports_step(struct kube_reports *r, const char *stamp, nsec_t now);
