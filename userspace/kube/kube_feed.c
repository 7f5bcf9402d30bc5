// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The order: hello, how the watches go, objects in the order of their changes, and, when the store
 * has nothing more of a kind whose picture is complete, that it is.
 */
#include "kube/kube_feed.h"

#include "kube/kube_store.h"

#include <assert.h>

void kube_feed_begin(struct kube_feed *f, struct kube_store *store)
{
	f->store = store;
	f->is_greeted = false;
	f->is_told_holder = f->is_loss_due = false;
	f->is_allocator_due = f->is_unallocated;
	for (enum kube_kind k = 0; k < KUBE_N_TOLD; k++) {
		f->kinds[k].is_complete = false;
		f->kinds[k].is_state_due = f->kinds[k].state != KUBE_STARTING;
	}
	kube_store_rewind(store);
}

void kube_feed_note(struct kube_feed *f, const struct kube_watch *w)
{
	struct kube_feed_kind *k = &f->kinds[w->kind];

	if (w->kind >= KUBE_N_TOLD)
		return;
	if (k->state == w->state && strncmp(k->why, w->why, KUBE_WHY_BYTES) == 0)
		return;
	k->state = w->state;
	(void)snprintf(k->why, sizeof(k->why), "%s", w->why); /* cut, if it is long */
	k->is_state_due = true;
}

/* What was wished until then is forgotten: who lost it is told so, though it be his again. */
void kube_feed_hold(struct kube_feed *f, bool is_holder)
{
	f->is_loss_due |= f->is_told_holder && !is_holder;
	f->is_holder = is_holder;
}

void kube_feed_allocator(struct kube_feed *f, bool is_there, const char *why)
{
	if (f->is_unallocated == !is_there &&
	    (is_there || strncmp(f->unallocated_why, why, KUBE_WHY_BYTES) == 0))
		return;
	f->is_unallocated = !is_there;
	(void)snprintf(f->unallocated_why, sizeof(f->unallocated_why), "%s", is_there ? "" : why);
	f->is_allocator_due = true;
}

/* Whoever is told that a kind is complete has been told of all its objects. */
static bool is_complete_due(const struct kube_feed *f, enum kube_kind k)
{
	return !f->kinds[k].is_complete && kube_store_is_complete(f->store, k) &&
	       kube_store_untold(f->store, k) == 0;
}

/* Who begins to say what Services are to have has been told of all of them. */
static bool is_gain_due(const struct kube_feed *f)
{
	return f->is_holder && !(f->is_told_holder && !f->is_loss_due) &&
	       kube_store_untold(f->store, KUBE_SERVICE) == 0;
}

bool kube_feed_is_due(const struct kube_feed *f)
{
	bool is_due = !f->is_greeted || f->is_loss_due || is_gain_due(f) || f->is_allocator_due;

	for (enum kube_kind k = 0; k < KUBE_N_TOLD && !is_due; k++)
		is_due = f->kinds[k].is_state_due || is_complete_due(f, k) ||
			 kube_store_untold(f->store, k) > 0;
	return is_due;
}

static struct kube_text text_of(const char *text)
{
	return (struct kube_text){.text = text, .len = strlen(text)};
}

static void greet(struct kube_feed *f, struct strbuf *out)
{
	struct kube_frame hello = {.type = KUBE_FRAME_HELLO, .version = KUBE_FEED_VERSION};

	for (enum kube_kind k = 0; k < KUBE_N_TOLD; k++)
		hello.kinds[hello.n_kinds++] = text_of(kube_resource(k)->kind);
	kube_frame_encode(out, &hello);
	f->is_greeted = true;
}

static void tell_states(struct kube_feed *f, struct strbuf *out)
{
	for (enum kube_kind k = 0; k < KUBE_N_TOLD; k++) {
		const struct kube_frame state = {.type = KUBE_FRAME_STATE,
						 .kind = (uint8_t)k,
						 .state = (uint8_t)f->kinds[k].state,
						 .text = text_of(f->kinds[k].why)};

		if (f->kinds[k].is_state_due)
			kube_frame_encode(out, &state);
		f->kinds[k].is_state_due = false;
	}
}

static void say_holder(struct kube_feed *f, struct strbuf *out, bool is_holder)
{
	assert(f->is_told_holder != is_holder); /* a loss is told before the next gain */
	kube_frame_encode(out,
			  &(struct kube_frame){.type = KUBE_FRAME_HOLDER, .is_holder = is_holder});
	f->is_told_holder = is_holder;
	f->is_loss_due = false;
}

static void tell_holder(struct kube_feed *f, struct strbuf *out)
{
	if (f->is_loss_due)
		say_holder(f, out, false);
	if (is_gain_due(f))
		say_holder(f, out, true);
}

static void tell_allocator(struct kube_feed *f, struct strbuf *out)
{
	if (f->is_allocator_due)
		kube_frame_encode(out, &(struct kube_frame){.type = KUBE_FRAME_ALLOCATOR,
							    .is_holder = !f->is_unallocated,
							    .text = text_of(f->unallocated_why)});
	f->is_allocator_due = false;
}

static void tell_complete(struct kube_feed *f, struct strbuf *out)
{
	for (enum kube_kind k = 0; k < KUBE_N_TOLD; k++) {
		if (!is_complete_due(f, k))
			continue;
		f->kinds[k].is_complete = true;
		kube_frame_encode(
			out, &(struct kube_frame){.type = KUBE_FRAME_COMPLETE, .kind = (uint8_t)k});
	}
}

static void tell_change(const struct kube_change *c, struct strbuf *out)
{
	assert(c->kind < KUBE_N_TOLD);
	kube_frame_encode(out,
			  &(struct kube_frame){.type = c->text ? KUBE_FRAME_PUT : KUBE_FRAME_GONE,
					       .kind = (uint8_t)c->kind,
					       .ns = text_of(c->ns),
					       .name = text_of(c->name),
					       .text = {.text = c->text, .len = c->len}});
}

void kube_feed_transmit(struct kube_feed *f, struct strbuf *out, size_t bytes)
{
	struct kube_change change;

	if (!f->is_greeted)
		greet(f, out);
	tell_states(f, out);
	tell_allocator(f, out);
	tell_holder(f, out);
	tell_complete(f, out); /* what a kind has may have been told by the call before */
	while (out->len < bytes && kube_store_tell(f->store, &change)) {
		tell_change(&change, out);
		tell_complete(f, out);
		tell_holder(f, out);
	}
}
