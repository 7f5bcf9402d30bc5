// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A turn: time goes on, the server changes, each request says some bytes or is cut, watches are
 * asked what they want, and the agent reads what the feed has for it. For the first two minutes
 * everything may fail; then it has ten in which nothing does.
 */
#include "sim/kube/kube_world.h"

#include "kube/kube_feed.h"
#include "kube/kube_frame.h"
#include "kube/kube_store.h"

#include <assert.h>

#define HOSTILE_NS (120 * NSEC_PER_SEC)
#define CALM_NS    (600 * NSEC_PER_SEC)
#define TURN_NS    (200 * NSEC_PER_MSEC)
#define READ_BYTES 2048

struct known {
	unsigned version; /* 0: not known */
	bool is_seen;     /* on this connection */
};

struct agent {
	struct known objects[MODEL_KINDS][MODEL_OBJECTS];
	bool is_complete[MODEL_KINDS];
	uint8_t place[MODEL_KINDS]; /* of the kinds in the hello */
	bool is_greeted;
	struct strbuf in;
};

struct world {
	struct rng rng;
	nsec_t now;
	struct model model;
	struct kube_store *store;
	struct kube_feed feed;
	struct kube_watch watches[MODEL_KINDS];
	struct model_request requests[MODEL_KINDS];
	struct agent agent;
	bool always[MODEL_KINDS][MODEL_OBJECTS]; /* there from the start */
	bool has_been_absent;
	struct kube_sim_stats stats;
	const char *wrong;
};

static void expect(struct world *w, bool holds, const char *what)
{
	if (!holds && !w->wrong)
		w->wrong = what;
}

static bool happens(struct world *w, unsigned per_mille)
{
	return rng_below(&w->rng, 1000) < per_mille;
}

/* --- the agent -------------------------------------------------------------------------------- */

static void lose(struct world *w, unsigned kind, unsigned object)
{
	struct known *k = &w->agent.objects[kind][object];

	expect(w, w->model.deleted_at[kind][object] > k->version,
	       "an object was taken away that was never deleted");
	*k = (struct known){0};
}

static void take_complete(struct world *w, unsigned kind)
{
	struct agent *a = &w->agent;

	a->is_complete[kind] = true;
	for (unsigned i = 0; i < MODEL_OBJECTS; i++) {
		if (a->objects[kind][i].version && !a->objects[kind][i].is_seen)
			lose(w, kind, i);
		expect(w, !w->always[kind][i] || a->objects[kind][i].version,
		       "complete, and not all of it was told");
	}
}

static unsigned number_of(const struct kube_text *t, const char *key)
{
	char *text = strndup(t->text, t->len);
	const char *at = strstr(text, key);
	const unsigned n = at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;

	free(text);
	return n;
}

static void take_put(struct world *w, unsigned kind, const struct kube_frame *f)
{
	struct known *k = &w->agent.objects[kind][number_of(&f->name, "o")];
	const unsigned version = number_of(&f->text, "lodestone.io/v\":\"");

	expect(w, number_of(&f->ns, "n") == kind, "an object of another namespace");
	expect(w, version >= k->version && version > 0, "an object became an older one");
	expect(w, !memmem(f->text.text, f->text.len, "managedFields", 13), "unread text was sent");
	*k = (struct known){.version = version, .is_seen = true};
}

static void take_frame(struct world *w, const struct kube_frame *f)
{
	struct agent *a = &w->agent;
	unsigned kind = 0;

	w->stats.frames++;
	if (f->type == KUBE_FRAME_HELLO) {
		expect(w, !a->is_greeted && f->n_kinds == KUBE_N_TOLD, "a second hello");
		a->is_greeted = true;
		for (uint8_t i = 0; i < f->n_kinds; i++)
			for (unsigned k = 0; k < MODEL_KINDS; k++)
				if (kube_text_is(&f->kinds[i], kube_resource(model_kinds[k])->kind))
					a->place[k] = i;
		return;
	}
	expect(w, a->is_greeted, "a frame before the hello");
	while (kind < MODEL_KINDS && a->place[kind] != f->kind)
		kind++;
	if (kind == MODEL_KINDS || w->wrong)
		expect(w, w->wrong, "a kind that is not watched");
	else if (f->type == KUBE_FRAME_PUT)
		take_put(w, kind, f);
	else if (f->type == KUBE_FRAME_GONE)
		lose(w, kind, number_of(&f->name, "o"));
	else if (f->type == KUBE_FRAME_COMPLETE)
		take_complete(w, kind);
}

static void agent_reads(struct world *w)
{
	struct agent *a = &w->agent;
	struct kube_frame f;
	size_t taken, at = 0;

	for (unsigned i = 0; i < MODEL_KINDS; i++)
		kube_feed_note(&w->feed, &w->watches[i]);
	if (kube_feed_is_due(&w->feed) && a->in.len < READ_BYTES)
		kube_feed_transmit(&w->feed, &a->in, READ_BYTES);
	for (;;) {
		/* It has read to somewhere in the middle of a frame, and reads on in the next turn.
		 */
		const size_t readable = at + rng_below(&w->rng, a->in.len - at + 1);
		const enum kube_decoded d =
			a->in.len ? kube_frame_decode(a->in.data + at, readable - at, &f, &taken)
				  : KUBE_DECODED_MORE;

		expect(w, d == KUBE_DECODED || d == KUBE_DECODED_MORE, "no frame");
		if (d != KUBE_DECODED)
			break;
		take_frame(w, &f);
		at += taken;
	}
	if (at > 0)
		memmove(a->in.data, a->in.data + at, a->in.len - at);
	a->in.len -= at;
}

/* Its connection begins anew; what it knows it keeps until that is complete. */
static void agent_begins(struct world *w)
{
	struct agent *a = &w->agent;

	for (unsigned k = 0; k < MODEL_KINDS; k++) {
		a->is_complete[k] = false;
		for (unsigned i = 0; i < MODEL_OBJECTS; i++)
			a->objects[k][i].is_seen = false;
	}
	a->is_greeted = false;
	a->in.len = 0;
	kube_feed_begin(&w->feed, w->store);
}

/* --- the feeder ------------------------------------------------------------------------------- */

static void feeder_ends(struct world *w)
{
	for (unsigned i = 0; i < MODEL_KINDS; i++) {
		w->stats.pictures += w->watches[i].n_pictures;
		expect(w,
		       !w->model.faults.keeps_history || w->has_been_absent ||
			       w->watches[i].n_pictures <= 1,
		       "asked for a picture although it could have gone on");
		kube_watch_done(&w->watches[i]);
		model_close(&w->requests[i]);
	}
	w->store = kube_store_free(w->store);
}

static void feeder_begins(struct world *w)
{
	w->store = kube_store_new();
	w->feed = (struct kube_feed){0};
	for (unsigned i = 0; i < MODEL_KINDS; i++)
		kube_watch_init(&w->watches[i],
				&(struct kube_watch_args){.kind = model_kinds[i],
							  .ns = "metallb-system",
							  .store = w->store,
							  .seed = rng_next(&w->rng)});
	agent_begins(w);
}

static void lose_request(struct world *w, unsigned i)
{
	w->stats.cuts++;
	model_close(&w->requests[i]);
	kube_watch_notify(&w->watches[i], &(struct kube_note){.what = KUBE_NOTE_LOST, .why = "cut"},
			  w->now);
}

static void deliver(struct world *w, unsigned i)
{
	struct model_request *r = &w->requests[i];
	struct kube_watch *watch = &w->watches[i];
	size_t n = rng_below(&w->rng, 4) ? r->out.len : rng_below(&w->rng, r->out.len + 1);

	if (!r->has_head)
		kube_watch_notify(watch,
				  &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = r->status},
				  w->now);
	r->has_head = true;
	if (n > 0) {
		kube_watch_receive(watch, r->out.data, n, w->now);
		memmove(r->out.data, r->out.data + n, r->out.len - n);
		r->out.len -= n;
	}
	if (r->is_ending && r->out.len == 0) {
		model_close(r);
		kube_watch_notify(watch, &(struct kube_note){.what = KUBE_NOTE_END}, w->now);
	}
}

static void open_request(struct world *w, unsigned i)
{
	struct strbuf target;

	w->stats.requests++;
	strbuf_init(&target, 4096);
	kube_watch_transmit(&w->watches[i], &target, w->now);
	model_open(&w->model, &w->requests[i], target.data, w->now);
	strbuf_done(&target);
}

static void go_on(struct world *w, unsigned i)
{
	struct model_request *r = &w->requests[i];

	kube_watch_tick(&w->watches[i], w->now);
	if (r->is_open && (w->model.is_down || happens(w, w->model.faults.cut)))
		lose_request(w, i);
	if (r->is_open)
		model_go_on(&w->model, r, w->now);
	if (r->is_open)
		deliver(w, i);
	switch (kube_watch_poll(&w->watches[i], w->now)) {
	case KUBE_ASK_NOTHING:
		break;
	case KUBE_ASK_OPEN:
		expect(w, !r->is_open, "a second request");
		open_request(w, i);
		break;
	case KUBE_ASK_CLOSE:
		model_close(r);
		kube_watch_notify(&w->watches[i], &(struct kube_note){.what = KUBE_NOTE_CLOSED},
				  w->now);
		break;
	}
}

/* --- the run ---------------------------------------------------------------------------------- */

static void trouble(struct world *w)
{
	while (rng_below(&w->rng, 3) == 0) {
		model_change(&w->model);
		w->stats.changes++;
	}
	if (happens(w, 5))
		w->model.is_down = !w->model.is_down;
	if (happens(w, 3)) {
		model_set_absent(&w->model, !w->model.is_absent);
		w->has_been_absent = true;
	}
	for (unsigned k = 0; k < MODEL_KINDS; k++)
		for (unsigned i = 0; i < MODEL_OBJECTS; i++)
			w->always[k][i] &= w->model.deleted_at[k][i] <= w->model.first_at;
	if (happens(w, 3))
		w->model.is_forbidden = !w->model.is_forbidden;
	if (happens(w, 3)) {
		agent_begins(w);
		w->stats.restarts++;
	}
	if (happens(w, 2)) {
		feeder_ends(w);
		feeder_begins(w);
		w->stats.restarts++;
	}
}

static void calm(struct world *w)
{
	struct model_faults *f = &w->model.faults;

	f->cut = f->refuse = f->compact = f->garble = f->end_early = 0;
	w->model.is_down = w->model.is_forbidden = false;
	model_set_absent(&w->model, false);
}

static void check_end(struct world *w)
{
	for (unsigned k = 0; k < MODEL_KINDS; k++) {
		expect(w, w->agent.is_complete[k], "never complete");
		expect(w, w->watches[k].state == KUBE_WATCHING, "a watch does not go well");
		for (unsigned i = 0; i < MODEL_OBJECTS; i++) {
			const unsigned is = w->model.exists[k][i] ? w->model.changed_at[k][i] : 0;

			expect(w, w->agent.objects[k][i].version == is,
			       "the agent knows something else than what is there");
		}
	}
}

static void turn(struct world *w)
{
	w->now += 1 + rng_below(&w->rng, TURN_NS);
	for (unsigned i = 0; i < MODEL_KINDS; i++)
		go_on(w, i);
	agent_reads(w);
}

static void choose(struct world *w, struct model_faults *f)
{
	*f = (struct model_faults){
		.cut = (unsigned)rng_below(&w->rng, 2) * (unsigned)rng_below(&w->rng, 60),
		.refuse = (unsigned)rng_below(&w->rng, 2) * (unsigned)rng_below(&w->rng, 500),
		.compact = (unsigned)rng_below(&w->rng, 2) * (unsigned)rng_below(&w->rng, 200),
		.garble = (unsigned)rng_below(&w->rng, 3) == 0 ? 5 : 0,
		.end_early = (unsigned)rng_below(&w->rng, 30),
		.has_watch_list = rng_below(&w->rng, 2),
		.pages = rng_below(&w->rng, 2),
		.keeps_history = rng_below(&w->rng, 3) == 0,
	};
}

const char *kube_sim_run(uint64_t seed, struct kube_sim_stats *sum)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct model_faults faults;
	const char *wrong;

	rng_seed(&w->rng, seed);
	w->now = 1000 * NSEC_PER_SEC;
	choose(w, &faults);
	model_init(&w->model, &w->rng, &faults);
	memcpy(w->always, w->model.exists, sizeof(w->always));
	strbuf_init(&w->agent.in, 1 << 24);
	feeder_begins(w);
	const nsec_t end = w->now + HOSTILE_NS;
	while (w->now < end && !w->wrong) {
		trouble(w);
		turn(w);
	}
	calm(w);
	while (w->now < end + CALM_NS && !w->wrong)
		turn(w);
	check_end(w);
	feeder_ends(w);
	wrong = w->wrong;
	sum->requests += w->stats.requests;
	sum->pictures += w->stats.pictures;
	sum->changes += w->stats.changes;
	sum->frames += w->stats.frames;
	sum->cuts += w->stats.cuts;
	sum->restarts += w->stats.restarts;
	strbuf_done(&w->agent.in);
	free(w);
	return wrong;
}
