// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A hash table of what was reported. An object that is there and was not reported gets an entry
 * without a text, which lasts until it is gone. An entry is compared with its object only when one
 * of both has changed.
 */
#include "kube/kube_reports.h"

#include "base/hash.h"
#include "kube/kube_json.h"
#include "kube/kube_report_text.h"
#include "kube/kube_store.h"
#include "kube/kube_watch.h"
#include "kube/kube_writes.h"

#include <assert.h>

#define uthash_malloc(size)           xmalloc(size)
#define uthash_fatal(message)         abort()
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)hash_bytes(HASH_INIT, key, len))
#include <uthash.h>

#define RETRY_MIN_NS (1 * NSEC_PER_SEC)
#define FORGET_NS    (60 * NSEC_PER_SEC) /* so long as it should be, and nobody disagrees */

static const struct {
	enum kube_kind kind;
	bool is_holders; /* written by who allocates */
} kinds[KUBE_N_REPORTS] = {
	[KUBE_REPORT_SERVICE] = {KUBE_SERVICE_STATUS, false},
	[KUBE_REPORT_CONFIGURATION] = {KUBE_CONFIGURATION, false},
	[KUBE_REPORT_SESSION] = {KUBE_SESSION, false},
	[KUBE_REPORT_POOL] = {KUBE_POOL, true},
	[KUBE_REPORT_PEER] = {KUBE_PEER, true},
	[KUBE_REPORT_ADVERTISEMENT] = {KUBE_ADVERTISEMENT, true},
	[KUBE_REPORT_ALLOCATOR] = {KUBE_CONFIGURATION, true},
};

struct report {
	UT_hash_handle hh;
	enum kube_report what;
	char *text;                        /* owned; NULL: there is to be no such object */
	bool is_seen;                      /* on this connection */
	bool is_compared;                  /* since it changed */
	uint64_t compared_with;            /* the object as of this change */
	enum kube_report_need need, asked; /* asked: the last time */
	unsigned tries;                    /* to ask for that */
	nsec_t not_before;
	const char *ns, *name; /* in the key */
	char key[];            /* the kind's byte, namespace, NUL, name, NUL */
};

struct kube_reports {
	struct kube_reports_args args;
	struct report *entries;
	bool is_watched[KUBE_N_KINDS];
	bool is_holder;
	bool is_whole;  /* all was reported on this connection */
	bool is_due;    /* something changed since it was looked at */
	uint64_t news;  /* of the store, when it was */
	nsec_t look_at; /* not before */
	nsec_t next;
};

struct kube_reports *kube_reports_new(const struct kube_reports_args *args)
{
	struct kube_reports *r = xcalloc(1, sizeof(*r));

	r->args = *args;
	r->next = NSEC_NEVER;
	return r;
}

static void drop(struct kube_reports *r, struct report *e)
{
	HASH_DEL(r->entries, e);
	free(e->text);
	free(e);
}

struct kube_reports *kube_reports_free(struct kube_reports *r)
{
	struct report *e, *next;

	if (!r)
		return NULL;
	HASH_ITER (hh, r->entries, e, next)
		drop(r, e);
	free(r);
	return NULL;
}

/* --- what is reported ------------------------------------------------------------------------- */

/* Added, if it is not there and there is room. */
static struct report *get(struct kube_reports *r, enum kube_report what, const struct kube_text *ns,
			  const struct kube_text *name, bool add)
{
	const size_t size = 1 + ns->len + 1 + name->len + 1;
	struct report *e = xcalloc(1, sizeof(*e) + size), *found;

	assert(what < KUBE_N_REPORTS && name->len > 0);
	e->key[0] = (char)kinds[what].kind;
	memcpy(e->key + 1, ns->text, ns->len);
	memcpy(e->key + 1 + ns->len + 1, name->text, name->len);
	HASH_FIND(hh, r->entries, e->key, size, found);
	if (found || !add || HASH_COUNT(r->entries) >= LIMIT_OBJECTS) {
		free(e);
		return found;
	}
	e->what = what;
	e->ns = e->key + 1;
	e->name = e->key + 1 + ns->len + 1;
	HASH_ADD(hh, r->entries, key, size, e);
	return e;
}

/* Users' objects and what is the allocator's go on without us; what is our own is to go. */
static void unreport(struct kube_reports *r, struct report *e)
{
	if (kinds[e->what].is_holders) {
		drop(r, e);
		return;
	}
	free(TAKE_PTR(e->text));
	e->is_compared = false;
	e->not_before = 0;
}

static void set_text(struct report *e, const struct kube_text *text)
{
	free(e->text);
	e->text = xmalloc(text->len + 1);
	memcpy(e->text, text->text, text->len);
	e->text[text->len] = '\0';
	e->is_compared = false;
	e->tries = 0;
	e->not_before = 0;
}

static void take_all(struct kube_reports *r)
{
	struct report *e, *next;

	HASH_ITER (hh, r->entries, e, next)
		if (e->text && !e->is_seen)
			unreport(r, e);
	r->is_whole = true;
}

void kube_reports_take(struct kube_reports *r, const struct kube_frame *frame)
{
	struct report *e;

	r->is_due = true;
	if (frame->type == KUBE_FRAME_REPORTED) {
		take_all(r);
		return;
	}
	e = get(r, frame->report, &frame->ns, &frame->name, frame->text.len > 0);
	if (!e)
		return;
	e->is_seen = true;
	if (frame->text.len == 0) {
		unreport(r, e);
	} else if (!e->text || strlen(e->text) != frame->text.len ||
		   memcmp(e->text, frame->text.text, frame->text.len) != 0 ||
		   e->what != frame->report) {
		e->what = frame->report;
		set_text(e, &frame->text);
	}
}

void kube_reports_forget(struct kube_reports *r)
{
	for (struct report *e = r->entries; e; e = e->hh.next)
		e->is_seen = false;
	r->is_whole = false;
}

void kube_reports_note(struct kube_reports *r, const struct kube_watch *w)
{
	const bool is_watched = w->state == KUBE_WATCHING;

	r->is_due |= is_watched != r->is_watched[w->kind];
	r->is_watched[w->kind] = is_watched;
}

void kube_reports_hold(struct kube_reports *r, bool is_holder)
{
	r->is_due |= is_holder != r->is_holder;
	r->is_holder = is_holder;
}

/* --- what is to be written -------------------------------------------------------------------- */

static void find_owner(const struct kube_reports *r, cJSON **node, struct kube_report_args *ret)
{
	struct kube_present present;

	ret->owner_kind = "Pod";
	ret->owner_name = r->args.pod_name;
	ret->owner_uid = r->args.pod_uid;
	if (ret->owner_uid ||
	    !kube_store_find(r->args.store, KUBE_NODE, "", r->args.node, &present))
		return;
	*node = kube_json_body(present.text, present.len);
	ret->owner_kind = "Node";
	ret->owner_name = r->args.node;
	ret->owner_uid = kube_json_text(kube_json_get(*node, "metadata"), "uid");
}

static void ask(struct kube_reports *r, struct report *e, const struct kube_report_args *args,
		const struct kube_present *present, nsec_t now)
{
	const enum kube_kind kind = kinds[e->what].kind;
	struct kube_report_request request;
	nsec_t delay = RETRY_MIN_NS;

	assert(e->is_compared && e->need != KUBE_NEED_NOTHING && now >= e->not_before);
	if (e->need != e->asked)
		e->tries = 0;
	e->asked = e->need;
	for (unsigned i = 0; i < e->tries && delay < KUBE_REPORT_RETRY_MAX; i++)
		delay *= 2;
	e->tries++;
	e->not_before = nsec_add(now, nsec_min(2 * delay, KUBE_REPORT_RETRY_MAX));
	kube_report_request(args, e->need, present, &request);
	kube_writes_ready(r->args.writes,
			  &(struct kube_ready){.kind = kind,
					       .is_holders = kinds[e->what].is_holders,
					       .ns = e->ns,
					       .name = e->name,
					       .method = request.method,
					       .content_type = request.content_type,
					       .target = request.target,
					       .body = request.body},
			  now);
	free(request.target);
	free(request.body);
}

static void compare(struct report *e, const struct kube_report_args *args,
		    const struct kube_present *present)
{
	const uint64_t change = present ? present->changed : 0;

	if (e->is_compared && e->compared_with == change)
		return;
	e->need = kube_report_need(args, present);
	e->is_compared = true;
	e->compared_with = change;
}

/* When it is to be looked at again. */
static nsec_t look(struct kube_reports *r, struct report *e, struct kube_report_args args,
		   nsec_t now)
{
	const enum kube_kind kind = kinds[e->what].kind;
	struct kube_present present;
	bool is_there;

	if (!r->is_watched[kind] || (kinds[e->what].is_holders && !r->is_holder))
		return NSEC_NEVER;
	is_there = kube_store_find(r->args.store, kind, e->ns, e->name, &present);
	if (!e->text && !is_there) {
		drop(r, e);
		return NSEC_NEVER;
	}
	args.kind = kind;
	args.ns = e->ns;
	args.name = e->name;
	args.report = e->text;
	compare(e, &args, is_there ? &present : NULL);
	if (e->need == KUBE_NEED_NOTHING) {
		if (now >= nsec_add(e->not_before, FORGET_NS))
			e->tries = 0;
		return NSEC_NEVER;
	}
	if (now < e->not_before)
		return e->not_before;
	if (kube_writes_waiting(r->args.writes) >= KUBE_REPORTS_WAITING)
		return nsec_add(now, NSEC_PER_SEC);
	ask(r, e, &args, is_there ? &present : NULL, now);
	return e->not_before;
}

/* What is there and nobody has reported. */
static void find_strays(struct kube_reports *r)
{
	for (enum kube_report what = KUBE_REPORT_SERVICE; what <= KUBE_REPORT_SESSION; what++) {
		const void *cursor = NULL;
		const char *ns, *name;

		while (kube_store_next(r->args.store, kinds[what].kind, &cursor, &ns, &name)) {
			const struct kube_text in = {.text = ns, .len = strlen(ns)};
			const struct kube_text of = {.text = name, .len = strlen(name)};

			/* What another allocator is about to take over has no entry here. */
			if (what != KUBE_REPORT_CONFIGURATION || strcmp(name, "controller") != 0)
				(void)get(r, what, &in, &of, true);
		}
	}
}

static bool has_news(const struct kube_reports *r)
{
	return r->is_due || kube_store_news(r->args.store) != r->news;
}

static nsec_t deadline(const struct kube_reports *r)
{
	return has_news(r) ? nsec_min(r->look_at, r->next) : r->next;
}

nsec_t kube_reports_step(struct kube_reports *r, const char *stamp, nsec_t now)
{
	struct kube_report_args args = {.node = r->args.node, .stamp = stamp};
	_cleanup_(kube_json_freep) cJSON *node = NULL;
	struct report *e, *next;

	if (now < deadline(r))
		return deadline(r);
	r->is_due = false;
	r->news = kube_store_news(r->args.store);
	r->look_at = nsec_add(now, KUBE_REPORT_LOOK_EVERY);
	r->next = NSEC_NEVER;
	if (r->is_whole)
		find_strays(r);
	find_owner(r, &node, &args);
	HASH_ITER (hh, r->entries, e, next)
		r->next = nsec_min(r->next, look(r, e, args, now));
	return r->next;
}
