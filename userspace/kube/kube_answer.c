// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the API server answers. Objects go into the store; everything else is a decision about what
 * is asked next.
 *
 * A version that the server no longer has (410) is climbed up to step by step: first a picture that
 * is not older than what is known here, so that time never runs backwards between two servers, then
 * the latest. A kind is believed to be absent only when that was said twice: a server that has just
 * started may not have heard of its CRDs yet.
 */
#include "kube/kube_watch_inside.h"

#include "kube/kube_object.h"
#include "kube/kube_store.h"

#include <assert.h>

#define ABSENT_NS    (1 * NSEC_PER_SEC)  /* until it is asked the second time */
#define FORBIDDEN_NS (20 * NSEC_PER_SEC) /* until it is believed */

static const char *verb_of(const struct kube_watch *w)
{
	return w->step == KUBE_STEP_LIST ? "list" : "watch";
}

static void set_version(struct kube_watch *w, const char *version)
{
	if (!version)
		return;
	free(w->version);
	w->version = xstrdup(version);
}

/* --- no --------------------------------------------------------------------------------------- */

/*
 * A server that has just started refuses everybody for a while, until it has read its own roles;
 * and a kind that is refused for good holds nothing up any more (agent/feed.h).
 */
static void is_forbidden(struct kube_watch *w, const struct kube_message *m, nsec_t now)
{
	const struct kube_resource *r = kube_resource(w->kind);
	const bool is_core = !strchr(r->group_version, '/');
	const int group_len = is_core ? 0 : (int)strcspn(r->group_version, "/");

	if (!w->is_forbidden)
		w->forbidden_at = now;
	w->is_forbidden = true;
	kube_watch_fail_as(w, now - w->forbidden_at < FORBIDDEN_NS ? KUBE_FAILING : KUBE_REFUSED,
			   now, "no right to %s %s%s%.*s%s%s: %s", verb_of(w), r->plural,
			   is_core ? "" : ".", group_len, r->group_version,
			   r->is_ours_only ? " in namespace " : "", r->is_ours_only ? w->ns : "",
			   m->message);
}

static void is_absent(struct kube_watch *w, nsec_t now)
{
	const struct kube_resource *r = kube_resource(w->kind);

	if (!r->is_custom) {
		kube_watch_fail(w, now, "the server does not know %s", r->plural);
		return;
	}
	/* Who waits for a whole picture need not wait for it any more; complete it is not yet. */
	if (++w->n_absent < 2) {
		kube_watch_say(w, KUBE_ABSENT, "%s is not installed", r->kind);
		kube_watch_again(w, w->step, nsec_add(now, ABSENT_NS));
		return;
	}
	kube_store_begin(w->store, w->kind);
	kube_store_end(w->store, w->kind);
	free(TAKE_PTR(w->version));
	w->from = KUBE_FROM_LATEST;
	w->step = kube_watch_picture(w);
	kube_watch_rest(w, KUBE_ABSENT, now, "%s is not installed", r->kind);
}

/* The token may have been renewed: whoever carries requests reads it again. */
static void is_unauthorized(struct kube_watch *w, const struct kube_message *m, nsec_t now)
{
	if (w->was_unauthorized) {
		kube_watch_fail(w, now, "the credentials are refused: %s", m->message);
		return;
	}
	w->was_unauthorized = true;
	kube_watch_again(w, w->step, now);
}

/* A server that cannot tell what is there by a watch says so in one of many ways. */
static bool cannot_watch_list(const struct kube_watch *w, int code)
{
	return w->step == KUBE_STEP_WATCH_LIST &&
	       (code == 400 || code == 405 || code == 406 || code == 422 || code == 501);
}

static void refuse(struct kube_watch *w, int code, const struct kube_message *m, nsec_t now)
{
	if (m->retry_s > w->retry_s)
		w->retry_s = m->retry_s;
	if (code == 410) {
		const bool was_watch = w->step == KUBE_STEP_WATCH;

		kube_watch_relist(w, was_watch ? KUBE_FROM_LAST : KUBE_FROM_LATEST, now);
	} else if (m->is_from_future) {
		kube_watch_relist(w, KUBE_FROM_LATEST, now);
	} else if (cannot_watch_list(w, code)) {
		kube_watch_by_lists(w, now);
	} else if (code == 401) {
		is_unauthorized(w, m, now);
	} else if (code == 403) {
		is_forbidden(w, m, now);
	} else if (code == 404) {
		is_absent(w, now);
	} else {
		kube_watch_fail(w, now, "status %d to %s: %s", code, verb_of(w), m->message);
	}
}

void kube_answer_refusal(struct kube_watch *w, nsec_t now)
{
	struct kube_message m;

	assert(w->status != 200);
	kube_read_status(w->arena, w->refusal.len > 0 ? w->refusal.data : "", w->refusal.len, &m);
	refuse(w, w->status, &m, now);
	arena_reset(w->arena);
}

/* --- lists ------------------------------------------------------------------------------------ */

static void picture_is_complete(struct kube_watch *w, const char *version)
{
	assert(version && !w->go_on); /* pages to come would be gone with it */
	set_version(w, version);
	kube_store_end(w->store, w->kind);
	w->from = KUBE_FROM_LAST;
	w->n_pictures++;
	kube_watch_goes_well(w);
}

void kube_answer_list_end(struct kube_watch *w, nsec_t now)
{
	assert(w->step == KUBE_STEP_LIST);
	if (!kube_split_is_whole(&w->split) || !w->list_version) {
		kube_watch_fail(w, now, "the list ended in the middle");
	} else if (w->go_on) {
		kube_watch_again(w, KUBE_STEP_LIST, now);
	} else {
		picture_is_complete(w, w->list_version);
		kube_watch_again(w, KUBE_STEP_WATCH, now);
	}
}

static void put(struct kube_watch *w, struct kube_message *m)
{
	(void)kube_store_put(w->store, w->kind,
			     &(struct kube_put){.ns = m->ns,
						.name = m->name,
						.version = m->version,
						.text = TAKE_PTR(m->text),
						.len = m->text_len,
						.status = TAKE_PTR(m->status)});
}

/* False: it is no such list. The token of the page before was used up by asking for this one. */
static bool read_list_piece(struct kube_watch *w, enum kube_piece piece)
{
	const struct strbuf *text = &w->split.piece;
	struct kube_message m;

	if (piece == KUBE_PIECE_ITEM) {
		kube_read_item(w->arena, w->kind, text->data, text->len, &m);
		if (m.said == KUBE_SAID_OBJECT)
			put(w, &m);
		return m.said == KUBE_SAID_OBJECT;
	}
	kube_read_list_meta(w->arena, text->data, text->len, &m);
	if (m.said != KUBE_SAID_MARK)
		return false;
	free(w->list_version);
	w->list_version = xstrdup(m.version);
	free(w->go_on);
	w->go_on = m.go_on ? xstrdup(m.go_on) : NULL;
	return true;
}

/* --- watches ---------------------------------------------------------------------------------- */

static void read_mark(struct kube_watch *w, const struct kube_message *m)
{
	if (w->step == KUBE_STEP_WATCH)
		set_version(w, m->version);
	else if (m->is_initial_end) {
		picture_is_complete(w, m->version);
		w->step = KUBE_STEP_WATCH;
	}
}

/*
 * While the picture is being told versions mean nothing yet: objects come in no order of theirs,
 * and to resume at one would leave others out.
 */
static bool read_event(struct kube_watch *w, nsec_t now)
{
	const struct strbuf *text = &w->split.piece;
	struct kube_message m;

	assert(w->step != KUBE_STEP_LIST);
	kube_read_event(w->arena, w->kind, text->data, text->len, &m);
	switch (m.said) {
	case KUBE_SAID_NOTHING:
		return false;
	case KUBE_SAID_OBJECT:
		put(w, &m);
		break;
	case KUBE_SAID_GONE:
		kube_store_remove(w->store, w->kind, m.ns, m.name);
		break;
	case KUBE_SAID_MARK:
		w->n_heard++;
		read_mark(w, &m);
		return true;
	case KUBE_SAID_NO:
		refuse(w, m.code, &m, now);
		return true;
	}
	w->n_heard++;
	if (w->step == KUBE_STEP_WATCH) {
		set_version(w, m.version);
		kube_watch_goes_well(w);
	}
	return true;
}

void kube_answer_body(struct kube_watch *w, const char *data, size_t len, nsec_t now)
{
	while (w->phase == KUBE_OPEN) {
		const enum kube_piece piece = kube_split_next(&w->split, &data, &len);
		bool is_understood = piece != KUBE_PIECE_BAD;

		if (piece == KUBE_PIECE_NONE)
			break;
		if (piece != KUBE_PIECE_BAD)
			is_understood = w->step == KUBE_STEP_LIST ? read_list_piece(w, piece)
								  : read_event(w, now);
		if (!is_understood)
			kube_watch_fail(w, now, "the answer to %s cannot be understood",
					verb_of(w));
		arena_reset(w->arena);
	}
}
