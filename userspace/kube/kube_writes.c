// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A hash table of entries, which are looked at one after the other: as many as there are Services
 * whose status is not as it is to be, so few, except when all are to get an address at once. Those
 * that tell may be thousands after a start: nobody looks at them while all of them must wait.
 *
 * An entry outlives its wish for a second, so that the next one of the same Service waits for what
 * is left of it.
 */
#include "kube/kube_writes.h"

#include "base/hash.h"
#include "base/rng.h"
#include "kube/kube_store.h"
#include "kube/kube_write_text.h"

#include <assert.h>

#define uthash_malloc(size)           xmalloc(size)
#define uthash_fatal(message)         abort()
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)hash_bytes(HASH_INIT, key, len))
#include <uthash.h>

#define RETRY_MIN_NS   (20 * NSEC_PER_MSEC)
#define CONFIRM_NS     (5 * NSEC_PER_SEC) /* the agent sees what was written, and says no more */
#define OVERLOAD_NS    (1 * NSEC_PER_SEC)
#define OVERLOAD_MAX_S 60
#define ENTRIES_MAX    LIMIT_OBJECTS
#define BUDGETS_MAX    LIMIT_SERVICES

struct kube_write {
	UT_hash_handle hh;
	struct kube_writes *all;
	char *text; /* owned; NULL: nothing is wished */
	size_t len;
	uint64_t seen;
	nsec_t at; /* not before */
	nsec_t written_at;
	unsigned n_failures;
	enum kube_wish wish; /* 0: it is ready as it stands: */
	const char *method, *content_type;
	char *target; /* owned */
	enum kube_kind kind;
	bool is_holders;
	bool is_open, has_written;
	/* Of the request under way. */
	nsec_t sent_at;
	int status;
	unsigned retry_s;
	struct strbuf answer;
	struct kube_text ns, name; /* in the key */
	char key[];                /* the wish's byte, [hash,] namespace, NUL, name, NUL */
};

/* How many events of a Service may still be written; forgotten when it is all of them again. */
struct budget {
	UT_hash_handle hh;
	nsec_t full_at; /* all of them again */
	char key[];
};

struct kube_writes {
	struct kube_writes_args args;
	struct rng rng;
	struct kube_write *entries;
	struct kube_write *turn; /* where looking goes on, so that all have theirs */
	struct budget *budgets;
	size_t n_open, n_telling;  /* the latter: of the former */
	size_t n_ready, n_tells;   /* entries that are, and that tell */
	nsec_t looked_at;          /* by kube_writes_next() */
	int refused[KUBE_N_KINDS]; /* by this status, and that was said; 0: not so */
	nsec_t not_before;         /* the server is overloaded */
	nsec_t all_told_at;        /* the budget of all that tell is full again */
	bool is_stopped, is_holder;
	struct kube_writes_counts counts;
	char said[256], saying[256];
};

struct kube_writes *kube_writes_new(const struct kube_writes_args *args)
{
	struct kube_writes *w = xcalloc(1, sizeof(*w));

	w->args = *args;
	rng_seed(&w->rng, args->seed);
	return w;
}

static bool tells(const struct kube_write *e)
{
	return e->wish != KUBE_WISH_STATUS;
}

static void drop(struct kube_write *e)
{
	struct kube_writes *w = e->all;

	if (w->turn == e)
		w->turn = e->hh.next;
	HASH_DEL(w->entries, e);
	assert(w->n_ready > 0 || e->wish != 0);
	w->n_ready -= e->wish == 0;
	w->n_tells -= tells(e);
	strbuf_done(&e->answer);
	free(e->text);
	free(e->target);
	free(e);
}

static void drop_budget(struct kube_writes *w, struct budget *b)
{
	HASH_DEL(w->budgets, b);
	free(b);
}

struct kube_writes *kube_writes_free(struct kube_writes *w)
{
	struct kube_write *e, *next;
	struct budget *b, *next_b;

	if (!w)
		return NULL;
	HASH_ITER (hh, w->entries, e, next)
		drop(e);
	HASH_ITER (hh, w->budgets, b, next_b)
		drop_budget(w, b);
	free(w);
	return NULL;
}

/* --- wishes ----------------------------------------------------------------------------------- */

/* Events of one Service are told apart by what they say, and objects by their kind. */
static size_t key_of(const struct kube_frame *f, char *key)
{
	const uint64_t hash =
		f->wish != KUBE_WISH_STATUS ? hash_bytes(HASH_INIT, f->text.text, f->text.len) : 0;
	const size_t head = 1 + sizeof(hash), size = head + f->ns.len + f->name.len + 2;

	if (!key)
		return size;
	key[0] = (char)f->wish;
	memcpy(key + 1, &hash, sizeof(hash));
	memcpy(key + head, f->ns.text, f->ns.len);
	memcpy(key + head + f->ns.len + 1, f->name.text, f->name.len);
	return size;
}

static struct kube_write *get(struct kube_writes *w, const struct kube_frame *f)
{
	const size_t size = key_of(f, NULL), head = 1 + sizeof(uint64_t);
	struct kube_write *e = xcalloc(1, sizeof(*e) + size), *found;

	(void)key_of(f, e->key);
	HASH_FIND(hh, w->entries, e->key, size, found);
	if (found || HASH_COUNT(w->entries) >= ENTRIES_MAX) {
		free(e);
		return found;
	}
	e->all = w;
	e->wish = f->wish;
	w->n_ready += e->wish == 0;
	w->n_tells += tells(e);
	e->ns = (struct kube_text){.text = e->key + head, .len = f->ns.len};
	e->name = (struct kube_text){.text = e->key + head + f->ns.len + 1, .len = f->name.len};
	strbuf_init(&e->answer, KUBE_STATUS_BYTES);
	HASH_ADD(hh, w->entries, key, size, e);
	return e;
}

/* Its budget may be needed for a moment. */
static void end_wish(struct kube_write *e)
{
	free(TAKE_PTR(e->text));
	free(TAKE_PTR(e->target));
	if (!e->is_open && !e->has_written)
		drop(e);
}

static void set_text(struct kube_write *e, const char *text, size_t len, nsec_t now)
{
	free(e->text);
	e->text = xmalloc(len + 1);
	memcpy(e->text, text, len);
	e->text[len] = '\0';
	e->len = len;
	e->n_failures = 0;
	e->at = now;
	if (e->has_written)
		e->at = nsec_add(e->written_at, KUBE_WRITE_EVERY_NS);
}

void kube_writes_wish(struct kube_writes *w, const struct kube_frame *frame, nsec_t now)
{
	const bool may_be = w->is_holder || frame->wish != KUBE_WISH_STATUS;
	struct kube_write *e = may_be ? get(w, frame) : NULL;

	if (!e)
		return;
	if (frame->text.len == 0) {
		end_wish(e);
		return;
	}
	e->seen = frame->seen;
	set_text(e, frame->text.text, frame->text.len, now);
}

/* An object is named by its kind, too. */
void kube_writes_ready(struct kube_writes *w, const struct kube_ready *ready, nsec_t now)
{
	const char *plural = kube_resource(ready->kind)->plural;
	const struct kube_frame key = {.wish = 0,
				       .ns = {.text = ready->ns, .len = strlen(ready->ns)},
				       .name = {.text = ready->name, .len = strlen(ready->name)},
				       .text = {.text = plural, .len = strlen(plural)}};
	struct kube_write *e = get(w, &key);

	if (!e || e->is_open)
		return;
	e->kind = ready->kind;
	e->is_holders = ready->is_holders;
	e->method = ready->method;
	e->content_type = ready->content_type;
	free(e->target);
	e->target = xstrdup(ready->target);
	set_text(e, ready->body ? ready->body : "", ready->body ? strlen(ready->body) : 0, now);
}

size_t kube_writes_waiting(const struct kube_writes *w)
{
	return w->n_ready;
}

/* What is ready is about objects, not of the agent. */
void kube_writes_forget(struct kube_writes *w)
{
	struct kube_write *e, *next;

	HASH_ITER (hh, w->entries, e, next)
		if (e->wish != 0)
			end_wish(e);
}

void kube_writes_hold(struct kube_writes *w, bool is_holder)
{
	struct kube_write *e, *next;

	if (w->is_holder == is_holder)
		return;
	w->is_holder = is_holder;
	HASH_ITER (hh, w->entries, e, next)
		if (e->wish == KUBE_WISH_STATUS || e->is_holders)
			end_wish(e);
}

void kube_writes_stop(struct kube_writes *w)
{
	w->is_stopped = true;
	kube_writes_forget(w);
}

size_t kube_writes_open(const struct kube_writes *w)
{
	return w->n_open;
}

/* --- budgets of events ------------------------------------------------------------------------ */

static nsec_t when_full(void)
{
	return KUBE_EVENTS_AT_ONCE * KUBE_EVENT_EVERY_NS;
}

static void forget_full(struct kube_writes *w, nsec_t now)
{
	struct budget *b, *next;

	HASH_ITER (hh, w->budgets, b, next)
		if (b->full_at <= now)
			drop_budget(w, b);
}

/* True: one more of that Service may be written, and counts. */
static bool spend(struct kube_writes *w, const struct kube_write *e, nsec_t now)
{
	const size_t size = e->ns.len + e->name.len + 2;
	struct budget *b;

	HASH_FIND(hh, w->budgets, e->ns.text, size, b);
	if (!b && HASH_COUNT(w->budgets) >= BUDGETS_MAX) {
		forget_full(w, now);
		if (HASH_COUNT(w->budgets) >= BUDGETS_MAX)
			return false;
	}
	if (!b) {
		b = xcalloc(1, sizeof(*b) + size);
		memcpy(b->key, e->ns.text, size);
		HASH_ADD(hh, w->budgets, key, size, b);
	}
	if (b->full_at < now)
		b->full_at = now;
	if (b->full_at + KUBE_EVENT_EVERY_NS > now + when_full())
		return false;
	b->full_at += KUBE_EVENT_EVERY_NS;
	return true;
}

/* --- which is next ---------------------------------------------------------------------------- */

/* When one more of those that tell may be opened. */
static nsec_t may_tell_at(const struct kube_writes *w)
{
	const nsec_t all = KUBE_TELLING_AT_ONCE * KUBE_TELL_EVERY_NS;
	const nsec_t full = nsec_add(w->all_told_at, KUBE_TELL_EVERY_NS);

	if (w->n_telling >= KUBE_TELLING_OPEN)
		return NSEC_NEVER;
	return full > all ? full - all : 0;
}

/* There are none but those that tell, and none may be opened; those that are have a second. */
static bool all_must_wait(const struct kube_writes *w, nsec_t now)
{
	return w->n_tells == HASH_COUNT(w->entries) && now < may_tell_at(w);
}

/* Not before this, whatever it asks for itself. */
static nsec_t opens_at(const struct kube_write *e)
{
	const nsec_t at = e->at > e->all->not_before ? e->at : e->all->not_before;
	const nsec_t tell_at = tells(e) ? may_tell_at(e->all) : 0;

	return at > tell_at ? at : tell_at;
}

static bool is_due(const struct kube_write *e, nsec_t now)
{
	return !e->is_open && e->text && now >= opens_at(e);
}

/* Its second is over, and nothing is wished. */
static bool is_idle(const struct kube_write *e, nsec_t now)
{
	return !e->is_open && !e->text &&
	       (!e->has_written || now >= nsec_add(e->written_at, KUBE_WRITE_EVERY_NS));
}

struct kube_write *kube_writes_next(struct kube_writes *w, nsec_t now)
{
	size_t n = HASH_COUNT(w->entries);

	w->looked_at = now;
	if (w->is_stopped || w->n_open >= KUBE_WRITES_OPEN || all_must_wait(w, now))
		return NULL;
	for (; n > 0; n--) {
		struct kube_write *e = w->turn ? w->turn : w->entries;

		w->turn = e->hh.next;
		if (is_idle(e, now))
			drop(e);
		else if (is_due(e, now))
			return e;
	}
	return NULL;
}

struct kube_write *kube_writes_overdue(struct kube_writes *w, nsec_t now)
{
	struct kube_write *e = w->n_open > 0 ? w->entries : NULL;

	while (e && !(e->is_open && now >= nsec_add(e->sent_at, KUBE_WRITE_NS)))
		e = e->hh.next;
	return e;
}

nsec_t kube_writes_deadline(const struct kube_writes *w)
{
	const bool is_full = w->is_stopped || w->n_open >= KUBE_WRITES_OPEN;
	nsec_t at = NSEC_NEVER;

	if (w->entries && !w->is_stopped && all_must_wait(w, w->looked_at))
		return nsec_min(may_tell_at(w), nsec_add(w->looked_at, NSEC_PER_SEC));
	for (const struct kube_write *e = w->entries; e; e = e->hh.next) {
		if (e->is_open)
			at = nsec_min(at, nsec_add(e->sent_at, KUBE_WRITE_NS));
		else if (!is_full && e->text)
			at = nsec_min(at, opens_at(e));
		else if (!is_full)
			at = nsec_min(at, nsec_add(e->written_at, KUBE_WRITE_EVERY_NS));
	}
	return at;
}

/* --- requests --------------------------------------------------------------------------------- */

static void out_of_date(struct kube_write *e)
{
	e->all->counts.out_of_date++;
	end_wish(e);
}

/* The Service as the agent has seen it, and nothing newer is known. */
static bool find_seen(const struct kube_write *e, struct kube_present *ret)
{
	return kube_store_find(e->all->args.store, KUBE_SERVICE, e->ns.text, e->name.text, ret) &&
	       (e->wish != KUBE_WISH_STATUS ||
		(ret->version && ret->told != 0 && ret->told <= e->seen));
}

static void count_open(struct kube_write *e, nsec_t now)
{
	struct kube_writes *w = e->all;

	assert(w->n_open < KUBE_WRITES_OPEN);
	w->n_open++;
	if (!tells(e))
		return;
	assert(w->n_telling < KUBE_TELLING_OPEN);
	w->n_telling++;
	if (w->all_told_at < now)
		w->all_told_at = now;
	w->all_told_at += KUBE_TELL_EVERY_NS;
}

static void transmit_ready(const struct kube_write *e, struct kube_request *ret)
{
	assert(e->target && !e->content_type == (e->len == 0)); /* a body and what it is */
	ret->method = e->method;
	ret->content_type = e->content_type;
	strbuf_add(&ret->target, e->target);
	strbuf_add_len(&ret->body, e->text, e->len);
}

static bool transmit_wish(struct kube_write *e, struct kube_request *ret, const char *stamp,
			  nsec_t now)
{
	const struct kube_writes *w = e->all;
	struct kube_present service = {0};
	const struct kube_write_args args = {.ns = e->ns.text,
					     .name = e->name.text,
					     .wish = e->text,
					     .wish_len = e->len,
					     .component = w->args.component,
					     .node = w->args.node,
					     .stamp = stamp};

	if (!find_seen(e, &service))
		return false;
	if (e->wish == KUBE_WISH_STATUS)
		return kube_write_status(&args, &service, ret);
	return spend(e->all, e, now) && kube_write_event(&args, &service, ret);
}

bool kube_write_transmit(struct kube_write *e, struct kube_request *ret, const char *stamp,
			 nsec_t now)
{
	assert(!e->is_open && e->text);
	if (e->wish == 0) {
		transmit_ready(e, ret);
	} else if (!transmit_wish(e, ret, stamp, now)) {
		out_of_date(e);
		return false;
	}
	strbuf_done(&e->answer);
	e->is_open = true;
	e->sent_at = now;
	e->status = 0;
	e->retry_s = 0;
	count_open(e, now);
	return true;
}

void kube_write_receive(struct kube_write *e, const char *data, size_t len)
{
	if (e->status / 100 != 2)
		strbuf_add_len(&e->answer, data, len);
}

static void again(struct kube_write *e, nsec_t now, nsec_t first)
{
	nsec_t delay = first;

	assert(e->text && e->wish != 0); /* who asked for what is ready asks again */
	for (unsigned i = 0; i < e->n_failures && delay < KUBE_WRITE_RETRY_MAX; i++)
		delay *= 2;
	e->n_failures++;
	delay = nsec_min(delay, KUBE_WRITE_RETRY_MAX);
	delay += rng_below(&e->all->rng, delay);
	e->at = nsec_add(now, delay);
	if (e->has_written && e->wish == KUBE_WISH_STATUS) {
		const nsec_t next = nsec_add(e->written_at, KUBE_WRITE_EVERY_NS);

		e->at = e->at > next ? e->at : next;
	}
}

/* Whoever asked for it asks again, later and later; that a kind is refused is said once. */
static void fail_ready(struct kube_write *e, const char *why)
{
	struct kube_writes *w = e->all;

	if (w->refused[e->kind] != e->status)
		(void)snprintf(w->said, sizeof(w->said), "%s %s/%s: %s",
			       kube_resource(e->kind)->plural, e->ns.text, e->name.text, why);
	w->refused[e->kind] = e->status;
	end_wish(e);
}

static void fail(struct kube_write *e, nsec_t now, const char *why)
{
	struct kube_writes *w = e->all;

	w->counts.failed++;
	if (e->wish == 0) {
		fail_ready(e, why);
		return;
	}
	(void)snprintf(w->said, sizeof(w->said), "%s/%s: %s", e->ns.text, e->name.text, why);
	again(e, now, KUBE_WRITE_EVERY_NS);
}

static void written(struct kube_write *e, nsec_t now)
{
	e->all->counts.written++;
	e->has_written = true;
	e->written_at = now;
	if (e->wish == 0)
		e->all->refused[e->kind] = 0;
	if (tells(e) || !e->text)
		end_wish(e);
	else /* should nobody take it back, it did not become so */
		again(e, now, CONFIRM_NS);
}

static void overloaded(struct kube_write *e, nsec_t now)
{
	struct kube_writes *w = e->all;
	const nsec_t asked = nsec_min(e->retry_s, OVERLOAD_MAX_S) * NSEC_PER_SEC;

	w->not_before =
		nsec_add(now, (asked ? asked : OVERLOAD_NS) + rng_below(&w->rng, OVERLOAD_NS));
	e->at = w->not_before;
}

static void answered(struct kube_write *e, nsec_t now)
{
	struct kube_writes *w = e->all;
	char why[200];

	if (e->status / 100 == 2) {
		written(e, now);
	} else if (!e->text) {
		end_wish(e);
	} else if (e->status == 409 && e->wish == KUBE_WISH_STATUS) {
		w->counts.refused++;
		again(e, now, RETRY_MIN_NS);
	} else if (e->status == 404 || (e->status == 409 && e->wish == KUBE_WISH_EVENT)) {
		end_wish(e); /* the object is gone; the event is there */
	} else if (e->status == 429) {
		overloaded(e, now);
	} else {
		kube_write_why(e->status, &e->answer, why, sizeof(why));
		fail(e, now, why);
	}
}

void kube_write_notify(struct kube_write *e, const struct kube_note *note, nsec_t now)
{
	const char *lost = note->what == KUBE_NOTE_LOST ? note->why : "no answer";

	assert(e->is_open);
	if (note->what == KUBE_NOTE_HEAD) {
		e->status = note->status;
		e->retry_s = note->retry_s;
		return;
	}
	e->is_open = false;
	e->all->n_open--;
	e->all->n_telling -= tells(e);
	assert(e->all->n_telling <= e->all->n_open);
	if (note->what == KUBE_NOTE_END) {
		answered(e, now);
		return;
	}
	e->has_written = true; /* perhaps */
	e->written_at = now;
	if (e->text)
		fail(e, now, lost);
}

const char *kube_writes_said(struct kube_writes *w)
{
	memcpy(w->saying, w->said, sizeof(w->saying));
	w->said[0] = '\0';
	return w->saying;
}

struct kube_writes_counts kube_writes_count(const struct kube_writes *w)
{
	return w->counts;
}
