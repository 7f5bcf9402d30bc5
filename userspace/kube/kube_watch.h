// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Keeping up with one kind of object at the API server: which request is to be made next, and what
 * its answer means. The HTTP library carries requests, the store gets objects; here is only what
 * decides. As every protocol object it has six verbs:
 *
 *   in   receive   bytes of the body of the request under way
 *        notify    its status, its end, or that it was lost
 *        tick      time went by
 *   out  poll      whether a request is to be opened or given up
 *        transmit  which request that is, as path and query
 *        deadline  when to tick at the latest
 *
 * First comes a watch that tells what is there and goes on with what changes (KEP-3157), or, where
 * the server cannot or the objects are many, a list and then a watch from its version. A watch that
 * ends is resumed where it was; only a server that no longer knows that version (410) costs a new
 * picture, and then first of at least that version and, should that be refused, too, of the latest.
 * While nothing can be asked the store stays as it is.
 */
#pragma once

#include "base/arena.h"
#include "base/nsec.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "kube/kube_ask.h"
#include "kube/kube_kinds.h"
#include "kube/kube_split.h"
#include "kube/kube_state.h"

#include <stdbool.h>

#define KUBE_BACKOFF_MIN_NS (800 * NSEC_PER_MSEC)
#define KUBE_BACKOFF_MAX_NS (30 * NSEC_PER_SEC)
#define KUBE_PAGE           500 /* items of a page, where a list is paged at all */

struct kube_store;

enum kube_step { KUBE_STEP_WATCH_LIST, KUBE_STEP_LIST, KUBE_STEP_WATCH };
enum kube_from { KUBE_FROM_LATEST, KUBE_FROM_LAST };
enum kube_phase { KUBE_WAITING, KUBE_OPEN, KUBE_CLOSING };

struct kube_watch {
	enum kube_kind kind;
	const char *ns, *node;    /* ours; borrowed */
	struct kube_store *store; /* borrowed */
	struct rng rng;

	/* What is asked next, or is under way. */
	enum kube_step step;
	enum kube_from from; /* which version is good enough for a picture */
	enum kube_phase phase;
	nsec_t at;     /* waiting: not before */
	char *version; /* owned; the last one heard of; NULL: none */
	char *go_on;   /* owned; token of the list's next page; NULL: its first */
	bool by_lists; /* pictures are lists: it is many, or the server tells none by a watch */

	/* Of the request under way. */
	nsec_t opened_at, heard_at, ends_at; /* ends_at: the server was asked to end it by then */
	int status;                          /* 0: not known yet */
	unsigned retry_s;
	struct kube_split split;
	struct strbuf refusal; /* the body of an answer that is none */
	struct arena *arena;   /* owned; of one piece */
	char *list_version;    /* owned; of the page that is being read */
	unsigned n_heard;      /* events of it */

	/* How it goes. */
	enum kube_state state;
	char why[256];       /* it is not KUBE_WATCHING; "" otherwise */
	unsigned n_failures; /* in a row, for the backoff */
	nsec_t failed_at;
	unsigned n_absent; /* 404 in a row */
	bool is_forbidden; /* 403 in a row, since: */
	nsec_t forbidden_at;
	bool was_unauthorized; /* once in a row */
	unsigned n_pictures;   /* for whoever counts: complete ones */
};

struct kube_watch_args {
	enum kube_kind kind;
	const char *ns;   /* where our own objects are; outlives the watch */
	const char *node; /* ... and who has written them; likewise */
	struct kube_store *store;
	uint64_t seed;
};

void kube_watch_init(struct kube_watch *w, const struct kube_watch_args *args);
void kube_watch_done(struct kube_watch *w);

/* A new picture is wanted, of the latest version, whatever is known: n_pictures says when it is
 * there.
 */
void kube_watch_refresh(struct kube_watch *w, nsec_t now);

/* What failed may go well now (the credentials are others): it is asked again at once. */
void kube_watch_hurry(struct kube_watch *w, nsec_t now);
enum kube_ask kube_watch_poll(const struct kube_watch *w, nsec_t now);
/* Appends path and query of the request to be opened, which is under way from here on. */
void kube_watch_transmit(struct kube_watch *w, struct strbuf *target, nsec_t now);
void kube_watch_receive(struct kube_watch *w, const char *data, size_t len, nsec_t now);
void kube_watch_notify(struct kube_watch *w, const struct kube_note *note, nsec_t now);
void kube_watch_tick(struct kube_watch *w, nsec_t now);
nsec_t kube_watch_deadline(const struct kube_watch *w);
