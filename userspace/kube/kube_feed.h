// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The feeder's end of a connection to the agent: what it has not been told yet, as frames. Nothing
 * is queued here. What is to be said follows from the store and from how the watches go, so an
 * agent that does not read for a while is told less, not more; and a connection that begins anew
 * (either side has restarted) begins with everything.
 */
#pragma once

#include "base/strbuf.h"
#include "kube/kube_frame.h"
#include "kube/kube_watch.h"

struct kube_store;

struct kube_feed {
	struct kube_store *store; /* borrowed */
	bool is_greeted;          /* the hello was said */
	bool is_holder;
	bool is_told_holder; /* the agent was told that */
	bool is_loss_due;    /* ... and that is over, whatever came after */
	bool is_unallocated; /* nobody says what Services are to have */
	bool is_allocator_due;
	char unallocated_why[KUBE_WHY_BYTES + 1];
	struct kube_feed_kind {
		bool is_complete;  /* that was said */
		bool is_state_due; /* to be said */
		enum kube_state state;
		char why[KUBE_WHY_BYTES + 1];
	} kinds[KUBE_N_KINDS];
};

/* The other side is one that knows nothing. How the watches go stays as it was said last. */
void kube_feed_begin(struct kube_feed *f, struct kube_store *store);

/* How a kind's watch goes, in its words; told if that is another thing than before. */
void kube_feed_note(struct kube_feed *f, const struct kube_watch *w);

/* Whether the agent is to say what Services are to have; told if that is another thing than before.
 */
void kube_feed_hold(struct kube_feed *f, bool is_holder);

/* Whether nobody at all does, and why not us; told likewise. */
void kube_feed_allocator(struct kube_feed *f, bool is_there, const char *why);

/* There is something to say. */
bool kube_feed_is_due(const struct kube_feed *f);
/* Appends whole frames until there are about so many bytes of them, or nothing is left to say. */
void kube_feed_transmit(struct kube_feed *f, struct strbuf *out, size_t bytes);
