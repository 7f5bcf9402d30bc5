// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A list, page by page, and then for each node that is gone one deletion for each kind, the
 * ConfigurationState last: what is given up in between is found again.
 */
#include "kube/kube_sweep.h"

#include "base/mem.h"
#include "kube/kube_json.h"
#include "kube/kube_kinds.h"
#include "kube/kube_store.h"

#include <assert.h>

#define OPEN_NS (30 * NSEC_PER_SEC) /* so long for an answer */
#define SELECT  "labelSelector=lodestone.io%2Fnode"

static const enum kube_kind kinds[] = {KUBE_SERVICE_STATUS, KUBE_SESSION, KUBE_CONFIGURATION};

void kube_sweep_init(struct kube_sweep *s, const struct kube_store *store, const char *ns)
{
	*s = (struct kube_sweep){.store = store, .ns = ns, .at = NSEC_NEVER};
	kube_split_init(&s->split, KUBE_SPLIT_LIST);
}

static void forget_dead(struct kube_sweep *s)
{
	for (size_t i = 0; i < s->n_dead; i++)
		free(TAKE_PTR(s->dead[i]));
	s->n_dead = s->n_done = s->n_kinds_done = 0;
	s->is_deleting = false;
}

void kube_sweep_done(struct kube_sweep *s)
{
	forget_dead(s);
	free(TAKE_PTR(s->go_on));
	kube_split_done(&s->split);
}

void kube_sweep_hold(struct kube_sweep *s, bool is_holder, nsec_t now)
{
	if (s->is_holder == is_holder)
		return;
	s->is_holder = is_holder;
	s->at = is_holder ? nsec_add(now, KUBE_SWEEP_SOON_NS) : NSEC_NEVER;
	forget_dead(s);
	free(TAKE_PTR(s->go_on));
}

void kube_sweep_tick(struct kube_sweep *s, nsec_t now)
{
	const size_t n = kube_store_count(s->store, KUBE_NODE);

	if (n < s->n_nodes && s->is_holder)
		s->at = nsec_min(s->at, nsec_add(now, KUBE_SWEEP_SOON_NS));
	s->n_nodes = n;
}

enum kube_ask kube_sweep_poll(const struct kube_sweep *s, nsec_t now)
{
	if (s->is_open)
		return now >= nsec_add(s->opened_at, OPEN_NS) ? KUBE_ASK_CLOSE : KUBE_ASK_NOTHING;
	return s->is_holder && now >= s->at && kube_store_is_complete(s->store, KUBE_NODE)
		       ? KUBE_ASK_OPEN
		       : KUBE_ASK_NOTHING;
}

nsec_t kube_sweep_deadline(const struct kube_sweep *s)
{
	return s->is_open ? nsec_add(s->opened_at, OPEN_NS) : s->at;
}

void kube_sweep_transmit(struct kube_sweep *s, struct kube_request *ret, nsec_t now)
{
	const struct kube_resource *r =
		kube_resource(s->is_deleting ? kinds[s->n_kinds_done] : KUBE_CONFIGURATION);

	assert(!s->is_open && s->is_holder);
	assert(!s->is_deleting || s->n_done < s->n_dead);
	ret->method = s->is_deleting ? "DELETE" : "GET";
	strbuf_printf(&ret->target, "/apis/%s/namespaces/%s/%s?%s", r->group_version, s->ns,
		      r->plural, SELECT);
	if (s->is_deleting) /* names of nodes and their labels have no letters that need a code */
		strbuf_printf(&ret->target, "%%3D%s", s->dead[s->n_done]);
	else
		strbuf_printf(&ret->target, "&limit=500%s%s", s->go_on ? "&continue=" : "",
			      s->go_on ? s->go_on : "");
	kube_split_done(&s->split);
	kube_split_init(&s->split, KUBE_SPLIT_LIST);
	free(TAKE_PTR(s->go_on));
	s->is_open = true;
	s->opened_at = now;
	s->status = 0;
}

/* --- the list --------------------------------------------------------------------------------- */

/* One whose name is too long for a label has a number there. */
static bool is_alive(const struct kube_sweep *s, const char *label)
{
	struct kube_present present;
	const void *cursor = NULL;
	const char *ns, *name;

	if (kube_store_find(s->store, KUBE_NODE, "", label, &present))
		return true;
	while (kube_store_next(s->store, KUBE_NODE, &cursor, &ns, &name)) {
		char of[KUBE_LABEL_BYTES + 1];

		if (strlen(name) > KUBE_LABEL_BYTES &&
		    strcmp(kube_node_label(name, of), label) == 0)
			return true;
	}
	return false;
}

static bool is_plain(const char *label)
{
	return *label && strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(label);
}

static void read_item(struct kube_sweep *s)
{
	_cleanup_(kube_json_freep) cJSON *item =
		kube_json_piece(s->split.piece.data, s->split.piece.len);
	const char *label = kube_json_text(kube_json_get(kube_json_get(item, "metadata"), "labels"),
					   KUBE_NODE_LABEL);

	assert(!s->is_deleting); /* from a list, and of that there is no more */
	if (!label || !is_plain(label) || s->n_dead == KUBE_SWEEP_NODES || is_alive(s, label))
		return;
	for (size_t i = 0; i < s->n_dead; i++)
		if (strcmp(s->dead[i], label) == 0)
			return;
	s->dead[s->n_dead++] = xstrdup(label);
}

static void read_meta(struct kube_sweep *s)
{
	_cleanup_(kube_json_freep) cJSON *meta =
		kube_json_piece(s->split.piece.data, s->split.piece.len);
	const char *go_on = kube_json_text(meta, "continue");

	free(TAKE_PTR(s->go_on));
	if (go_on && *go_on)
		s->go_on = xstrdup(go_on);
}

void kube_sweep_receive(struct kube_sweep *s, const char *data, size_t len)
{
	enum kube_piece piece;

	if (s->status != 200 || s->is_deleting)
		return; /* a refusal, or what was deleted */
	while ((piece = kube_split_next(&s->split, &data, &len)) != KUBE_PIECE_NONE &&
	       piece != KUBE_PIECE_BAD)
		if (piece == KUBE_PIECE_ITEM)
			read_item(s);
		else
			read_meta(s);
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static void rest(struct kube_sweep *s, nsec_t now)
{
	forget_dead(s);
	free(TAKE_PTR(s->go_on));
	s->at = s->is_holder ? nsec_add(now, KUBE_SWEEP_EVERY_NS) : NSEC_NEVER;
}

static void listed(struct kube_sweep *s, nsec_t now)
{
	if (s->status != 200 || (!s->go_on && s->n_dead == 0)) {
		rest(s, now);
		return;
	}
	s->is_deleting = !s->go_on;
	s->at = now;
}

/* Of a kind that is not installed there is nothing (404). */
static void deleted(struct kube_sweep *s, nsec_t now)
{
	assert(s->n_done < s->n_dead);
	if (s->status / 100 != 2 && s->status != 404) {
		rest(s, now);
		return;
	}
	s->at = now;
	if (++s->n_kinds_done < ARRAY_SIZE(kinds))
		return;
	s->n_kinds_done = 0;
	if (++s->n_done == s->n_dead)
		rest(s, now);
}

void kube_sweep_notify(struct kube_sweep *s, const struct kube_note *note, nsec_t now)
{
	if (note->what == KUBE_NOTE_HEAD) {
		s->status = note->status;
		return;
	}
	assert(s->is_open);
	s->is_open = false;
	if (note->what != KUBE_NOTE_END || !s->is_holder)
		rest(s, now);
	else if (s->is_deleting)
		deleted(s, now);
	else
		listed(s, now);
}
