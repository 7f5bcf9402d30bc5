// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Holding a Lease (coordination.k8s.io/v1), so that of all nodes one allocates addresses. The verbs
 * are those of a watch (kube/kube_watch.h).
 *
 * Never two at once: whether a Lease has expired is judged by our own clock alone, from when it was
 * last seen to change, never by the times that stand in it, which are another machine's. Who holds
 * it counts from when the renewal was sent, and for 10 s; who waits counts from when the change was
 * seen, which is later, and for 15 s. Every write names the version that it replaces, so of two who
 * take it at once one is refused, and so is a renewal that comes late. The clock is one that does
 * not jump, and 15 s of one machine must be more than 10 s of another.
 *
 * Who waits watches it. When nothing was heard of it for so long that it has expired, it is looked
 * at before it is taken; so a watch that has stalled is late, and never wrong. The more nodes there
 * are, the longer each waits by chance before he does, for all have heard the same, and one is
 * enough. Where the server lets us look but not watch, the more nodes there are, the longer each
 * waits between two looks: with a thousand somebody has always looked just now.
 */
#pragma once

#include "base/rng.h"
#include "kube/kube_ask.h"
#include "kube/kube_split.h"

#include <stdbool.h>

#define KUBE_LEASE_LASTS_NS (15 * NSEC_PER_SEC) /* without a change, then anybody may take it */
#define KUBE_LEASE_HELD_NS  (10 * NSEC_PER_SEC) /* without a renewal, then we do not hold it */
#define KUBE_LEASE_RETRY_NS (2 * NSEC_PER_SEC)  /* between renewals, and between looks */
#define KUBE_LEASE_NOBODY_NS                                                                       \
	(60 * NSEC_PER_SEC) /* without a sign of a holder, though it can be looked at */

enum kube_lease_step {
	KUBE_LEASE_LOOK,
	KUBE_LEASE_WATCH, /* another has it: until he has not */
	KUBE_LEASE_CREATE,
	KUBE_LEASE_TAKE, /* and to renew it, if we are its holder */
	KUBE_LEASE_GIVE, /* it back */
	KUBE_LEASE_GIVEN,
};

struct kube_lease {
	const char *ns, *name, *identity; /* borrowed; the last is nobody else's, ever */
	struct rng rng;
	unsigned n_nodes; /* that may be looking, too */

	enum kube_lease_step step;
	nsec_t at; /* not asked before; NSEC_NEVER: a request is under way */
	bool is_leaving;
	bool cannot_watch; /* the server has refused that */

	/* As it was seen last. */
	char *version, *holder, *acquired; /* owned; NULL: never seen */
	unsigned transitions;
	nsec_t seen_at;    /* it changed */
	nsec_t looked_at;  /* ... or not; 0: never yet */
	nsec_t held_at;    /* the last sign of a holder; at first, that it was looked for one */
	char refused[256]; /* why it was not ours since then; "": it was not tried */

	/* Of the request under way. */
	nsec_t sent_at;
	int status;
	unsigned retry_s;
	struct strbuf answer;
	struct kube_split split; /* of a watch */
	nsec_t until;            /* ... which ends then, and is looked once more */

	bool is_ours;        /* as far as the server has said; see kube_lease_is_held() */
	nsec_t renewed_at;   /* the request that was granted was sent then */
	unsigned n_failures; /* in a row */
	nsec_t forbidden_at; /* since when it is refused for want of a right; 0: it is not */
	char why[256];       /* the last request failed; "": it did not */
};

struct kube_lease_args {
	const char *ns, *name, *identity; /* all outlive the lease */
	uint64_t seed;
};

void kube_lease_init(struct kube_lease *l, const struct kube_lease_args *args);
void kube_lease_done(struct kube_lease *l);

/* It is ours now. To be asked right before anything is done by that right. */
bool kube_lease_is_held(const struct kube_lease *l, nsec_t now);
/* For a minute nobody has held it, us included: `refused` says why we do not, if that is known. */
bool kube_lease_has_nobody(const struct kube_lease *l, nsec_t now);
/* We do not hold it any more, and give it back, so that another need not wait for it to expire. */
void kube_lease_leave(struct kube_lease *l, nsec_t now);
/* There is nothing (left) to give back. */
bool kube_lease_is_left(const struct kube_lease *l);

enum kube_ask kube_lease_poll(const struct kube_lease *l, nsec_t now);
/* The request that is under way from here on. `stamp`: the time of day, RFC 3339 in microseconds.
 */
void kube_lease_transmit(struct kube_lease *l, struct kube_request *ret, const char *stamp,
			 nsec_t now);
void kube_lease_receive(struct kube_lease *l, const char *data, size_t len, nsec_t now);
void kube_lease_notify(struct kube_lease *l, const struct kube_note *note, nsec_t now);
/* What failed may go well now (the credentials are others): it is asked again at once. */
void kube_lease_hurry(struct kube_lease *l, nsec_t now);
/* Time went by: what was ours may have ended. */
void kube_lease_tick(struct kube_lease *l, nsec_t now);
/* When to tick and to poll at the latest. */
nsec_t kube_lease_deadline(const struct kube_lease *l);
