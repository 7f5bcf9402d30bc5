// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which request comes next. What its body says is read in kube/kube_answer.c, and what a refusal
 * means is decided there, too; both end in one of the functions of kube/kube_watch_inside.h.
 *
 * Backoff is client-go's: 0.8 s, doubled up to 30 s, each with as much again at random, so that a
 * thousand nodes do not come back at once; two minutes without a failure forget them. A stream that
 * served us and was cut (a server that restarts, GOAWAY) is no failure: it is resumed at once.
 */
#include "kube/kube_watch.h"

#include "kube/kube_store.h"
#include "kube/kube_watch_inside.h"

#include <assert.h>
#include <stdarg.h>

#define FORGET_NS       (120 * NSEC_PER_SEC) /* failures that are longer ago do not count */
#define RESUME_NS       (200 * NSEC_PER_MSEC)
#define USEFUL_NS       (1 * NSEC_PER_SEC) /* a stream that lived so long was no failure */
#define WATCH_MIN_S     300                /* a stream is asked for so long, and up to twice that */
#define OVERDUE_NS      (30 * NSEC_PER_SEC) /* ... and is dead so much later */
#define SILENCE_NS      (60 * NSEC_PER_SEC) /* a picture that is being told goes on sooner */
#define SILENT_START_NS (30 * NSEC_PER_SEC) /* a server that knows nothing of sendInitialEvents */
#define RETRY_MAX_S     60                  /* of what a server may make us wait */

void kube_watch_init(struct kube_watch *w, const struct kube_watch_args *args)
{
	*w = (struct kube_watch){.kind = args->kind,
				 .ns = args->ns,
				 .node = args->node,
				 .store = args->store,
				 .by_lists = kube_resource(args->kind)->is_many,
				 .arena = arena_new()};
	w->step = kube_watch_picture(w);
	rng_seed(&w->rng, args->seed);
	strbuf_init(&w->refusal, KUBE_STATUS_BYTES);
	kube_split_init(&w->split, KUBE_SPLIT_EVENTS);
}

void kube_watch_done(struct kube_watch *w)
{
	kube_split_done(&w->split);
	strbuf_done(&w->refusal);
	arena_free(w->arena);
	free(w->version);
	free(w->go_on);
	free(w->list_version);
}

/* --- how it goes ------------------------------------------------------------------------------ */

static void printf_like(3, 0)
	say(struct kube_watch *w, enum kube_state state, const char *fmt, va_list ap)
{
	assert(state != KUBE_WATCHING);
	w->state = state;
	(void)vsnprintf(w->why, sizeof(w->why), fmt, ap); /* cut, if it is long */
}

void kube_watch_say(struct kube_watch *w, enum kube_state state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(w, state, fmt, ap);
	va_end(ap);
}

void kube_watch_goes_well(struct kube_watch *w)
{
	w->state = KUBE_WATCHING;
	w->why[0] = '\0';
	w->n_absent = 0;
}

/* Nothing of what is asked for goes on where the last answer ended. */
static void next_at(struct kube_watch *w, nsec_t at)
{
	w->at = at;
	w->phase = w->phase == KUBE_OPEN ? KUBE_CLOSING : KUBE_WAITING;
}

void kube_watch_again(struct kube_watch *w, enum kube_step step, nsec_t at)
{
	assert(step != KUBE_STEP_WATCH || w->version); /* it goes on from one */
	w->step = step;
	next_at(w, at);
}

enum kube_step kube_watch_picture(const struct kube_watch *w)
{
	return w->by_lists ? KUBE_STEP_LIST : KUBE_STEP_WATCH_LIST;
}

/* A page goes on only where the one before was whole, so a list that failed begins anew. */
static void begin_anew(struct kube_watch *w)
{
	free(TAKE_PTR(w->go_on));
}

void kube_watch_fail_as(struct kube_watch *w, enum kube_state state, nsec_t now, const char *fmt,
			...)
{
	nsec_t delay = KUBE_BACKOFF_MIN_NS;
	va_list ap;

	va_start(ap, fmt);
	say(w, state, fmt, ap);
	va_end(ap);
	if (w->n_failures > 0 && now - w->failed_at > FORGET_NS)
		w->n_failures = 0;
	for (unsigned i = 0; i < w->n_failures && delay < KUBE_BACKOFF_MAX_NS; i++)
		delay *= 2;
	delay = nsec_min(delay, KUBE_BACKOFF_MAX_NS);
	w->n_failures++;
	w->failed_at = now;
	delay += rng_below(&w->rng, delay);
	/* Not sooner than the server says; one that says so again and again is asked later. */
	if (delay < nsec_min(w->retry_s, RETRY_MAX_S) * NSEC_PER_SEC)
		delay = nsec_min(w->retry_s, RETRY_MAX_S) * NSEC_PER_SEC +
			rng_below(&w->rng, NSEC_PER_SEC);
	assert(delay >= KUBE_BACKOFF_MIN_NS); /* whatever the server says */
	begin_anew(w);
	next_at(w, nsec_add(now, delay));
}

void kube_watch_rest(struct kube_watch *w, enum kube_state state, nsec_t now, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(w, state, fmt, ap);
	va_end(ap);
	begin_anew(w);
	next_at(w, nsec_add(now, KUBE_BACKOFF_MAX_NS + rng_below(&w->rng, KUBE_BACKOFF_MAX_NS)));
}

void kube_watch_relist(struct kube_watch *w, enum kube_from from, nsec_t now)
{
	/* Asked for the latest it has nothing to refuse: then something else is wrong. */
	if (w->step != KUBE_STEP_WATCH && w->from == KUBE_FROM_LATEST && !w->go_on) {
		kube_watch_fail(w, now, "the server has no version of the %s that it would tell",
				kube_resource(w->kind)->plural);
		return;
	}
	begin_anew(w);
	w->from = from;
	kube_watch_again(w, kube_watch_picture(w), now);
}

void kube_watch_refresh(struct kube_watch *w, nsec_t now)
{
	const bool waits = w->phase == KUBE_WAITING && w->at > now;

	begin_anew(w);
	w->from = KUBE_FROM_LATEST;
	kube_watch_again(w, kube_watch_picture(w), waits ? w->at : now);
}

void kube_watch_by_lists(struct kube_watch *w, nsec_t now)
{
	w->by_lists = true;
	kube_watch_again(w, KUBE_STEP_LIST, now);
}

void kube_watch_hurry(struct kube_watch *w, nsec_t now)
{
	if (w->phase != KUBE_WAITING || (w->state != KUBE_FAILING && w->state != KUBE_REFUSED))
		return;
	w->n_failures = 0;
	w->at = nsec_min(w->at, now);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static void add_encoded(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
				      (c >= 'A' && c <= 'Z') || strchr("-._~", c);

		if (is_plain)
			strbuf_add_len(out, text, 1);
		else
			strbuf_printf(out, "%%%02X", c);
	}
}

static void add_version(struct strbuf *out, const char *version)
{
	strbuf_add(out, "&resourceVersion=");
	add_encoded(out, version);
}

static void add_list(struct kube_watch *w, struct strbuf *target)
{
	if (w->go_on) {
		strbuf_printf(target, "&limit=%d&continue=", KUBE_PAGE);
		add_encoded(target, w->go_on);
	} else if (w->from == KUBE_FROM_LAST && w->version) {
		add_version(target, w->version);
		strbuf_add(target, "&resourceVersionMatch=NotOlderThan");
	} else if (!kube_resource(w->kind)->is_many) {
		/*
		 * Only this one is paged: pages of a version go past the server's cache, and so do
		 * all of them before 1.34, which would cost it most where there is most to tell.
		 */
		strbuf_printf(target, "&limit=%d", KUBE_PAGE);
	}
}

static void add_watch(struct kube_watch *w, struct strbuf *target, nsec_t now)
{
	const unsigned seconds = WATCH_MIN_S + (unsigned)rng_below(&w->rng, WATCH_MIN_S);

	strbuf_printf(target, "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%u", seconds);
	w->ends_at = nsec_add(now, seconds * NSEC_PER_SEC);
	if (w->step == KUBE_STEP_WATCH) {
		add_version(target, w->version);
		return;
	}
	strbuf_add(target, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
	if (w->from == KUBE_FROM_LAST && w->version)
		add_version(target, w->version);
}

static void add_own(const struct kube_watch *w, struct strbuf *target)
{
	char label[KUBE_LABEL_BYTES + 1];

	strbuf_add(target, "&labelSelector=");
	add_encoded(target, KUBE_NODE_LABEL "=");
	add_encoded(target, kube_node_label(w->node, label));
}

static void begin_request(struct kube_watch *w, nsec_t now)
{
	assert(!w->go_on || w->step == KUBE_STEP_LIST); /* pages are a list's */
	w->phase = KUBE_OPEN;
	w->opened_at = w->heard_at = now;
	w->ends_at = NSEC_NEVER;
	w->status = 0;
	w->retry_s = 0;
	w->n_heard = 0;
	strbuf_done(&w->refusal);
	kube_split_done(&w->split);
	kube_split_init(&w->split, w->step == KUBE_STEP_LIST ? KUBE_SPLIT_LIST : KUBE_SPLIT_EVENTS);
	free(TAKE_PTR(w->list_version));
	if (w->step != KUBE_STEP_WATCH && !w->go_on)
		kube_store_begin(w->store, w->kind);
}

void kube_watch_transmit(struct kube_watch *w, struct strbuf *target, nsec_t now)
{
	const struct kube_resource *r = kube_resource(w->kind);
	const bool is_core = !strchr(r->group_version, '/');

	assert(w->phase == KUBE_WAITING);
	begin_request(w, now);
	strbuf_printf(target, "/%s/%s/", is_core ? "api" : "apis", r->group_version);
	if (r->is_ours_only)
		strbuf_printf(target, "namespaces/%s/", w->ns);
	/* What follows begins with an ampersand each, so that none needs to know whether it is
	 * first. */
	strbuf_printf(target, "%s?%s", r->plural, r->select ? r->select : "pretty=false");
	if (r->is_own)
		add_own(w, target);
	if (w->step == KUBE_STEP_LIST)
		add_list(w, target);
	else
		add_watch(w, target, now);
}

enum kube_ask kube_watch_poll(const struct kube_watch *w, nsec_t now)
{
	if (w->phase == KUBE_CLOSING)
		return KUBE_ASK_CLOSE;
	return w->phase == KUBE_WAITING && now >= w->at ? KUBE_ASK_OPEN : KUBE_ASK_NOTHING;
}

/* --- what happens to it ----------------------------------------------------------------------- */

/* A server that tells a picture falls silent only if it is dead, or does not tell one. */
static nsec_t silence_ends(const struct kube_watch *w)
{
	if (w->step == KUBE_STEP_WATCH)
		return NSEC_NEVER;
	if (w->step == KUBE_STEP_WATCH_LIST && w->status == 200)
		return nsec_add(w->heard_at, SILENT_START_NS);
	return nsec_add(w->heard_at, SILENCE_NS);
}

static void fall_silent(struct kube_watch *w, nsec_t now)
{
	if (w->step == KUBE_STEP_WATCH_LIST && w->status == 200)
		kube_watch_by_lists(w, now);
	else
		kube_watch_fail(w, now, "no answer for %llu s",
				(unsigned long long)(SILENCE_NS / NSEC_PER_SEC));
}

nsec_t kube_watch_deadline(const struct kube_watch *w)
{
	if (w->phase == KUBE_WAITING)
		return w->at;
	if (w->phase == KUBE_CLOSING)
		return 0;
	return nsec_min(nsec_add(w->ends_at, OVERDUE_NS), silence_ends(w));
}

void kube_watch_tick(struct kube_watch *w, nsec_t now)
{
	if (w->phase != KUBE_OPEN || now < kube_watch_deadline(w))
		return;
	if (now >= silence_ends(w))
		fall_silent(w, now);
	else /* it should have ended by itself */
		kube_watch_again(w, w->step, now);
}

/* A stream ended, whether as agreed or not: it is resumed, unless it has been of no use. */
static void stream_ends(struct kube_watch *w, const char *why, nsec_t now)
{
	const bool was_useful = w->n_heard > 0 || now - w->opened_at >= USEFUL_NS;

	if (w->step == KUBE_STEP_WATCH && w->status == 200 && was_useful)
		kube_watch_again(w, KUBE_STEP_WATCH, nsec_add(now, rng_below(&w->rng, RESUME_NS)));
	else
		kube_watch_fail(w, now, "%s", why);
}

static void body_ends(struct kube_watch *w, nsec_t now)
{
	assert(w->phase == KUBE_WAITING);
	if (w->status != 200)
		kube_answer_refusal(w, now);
	else if (w->step == KUBE_STEP_LIST)
		kube_answer_list_end(w, now);
	else if (w->step == KUBE_STEP_WATCH_LIST && w->n_heard > 0)
		kube_watch_by_lists(w, now); /* it ran its time, and never came to an end */
	else
		stream_ends(w, "the server ended the watch at once", now);
}

void kube_watch_notify(struct kube_watch *w, const struct kube_note *note, nsec_t now)
{
	const bool was_open = w->phase == KUBE_OPEN;

	if (w->phase == KUBE_WAITING)
		return;
	w->heard_at = now;
	switch (note->what) {
	case KUBE_NOTE_HEAD:
		w->status = note->status;
		w->retry_s = note->retry_s;
		if (w->status == 200)
			w->was_unauthorized = w->is_forbidden = false;
		if (w->status == 200 && w->step == KUBE_STEP_WATCH)
			kube_watch_goes_well(w);
		return;
	case KUBE_NOTE_CLOSED:
		break;
	case KUBE_NOTE_END:
		w->phase = KUBE_WAITING;
		if (was_open)
			body_ends(w, now);
		return;
	case KUBE_NOTE_LOST:
		w->phase = KUBE_WAITING;
		if (was_open)
			stream_ends(w, note->why, now);
		return;
	}
	w->phase = KUBE_WAITING;
	if (was_open) /* nobody asked for that */
		stream_ends(w, "closed", now);
}

void kube_watch_receive(struct kube_watch *w, const char *data, size_t len, nsec_t now)
{
	if (w->phase != KUBE_OPEN)
		return;
	w->heard_at = now;
	if (w->status == 200)
		kube_answer_body(w, data, len, now);
	else
		strbuf_add_len(&w->refusal, data, len); /* as far as it has room */
}
