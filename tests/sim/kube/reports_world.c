// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An agent that reports objects of its own and the status of a user's; a server that holds them,
 * answers late, refuses, and loses requests before and after they are done; others who delete and
 * change what is there; a watch that lags; agents and feeders that restart. Once nothing goes wrong
 * any more what was reported stands there and nothing else of ours does, and then nothing is
 * written, by a feeder that is new either. No object is written more than once a second, and
 * nothing of anybody else's is touched.
 */
#include "sim/kube/reports_world.h"

#include "base/rng.h"
#include "kube/kube_reports.h"
#include "kube/kube_store.h"
#include "kube/kube_watch.h"
#include "kube/kube_writes.h"

#include <stdio.h>

#define OBJECTS    6 /* of our own; the one behind them is a user's */
#define POOL       OBJECTS
#define N_OBJECTS  (OBJECTS + 1)
#define HOSTILE_NS (120 * NSEC_PER_SEC)
#define CALM_NS    (400 * NSEC_PER_SEC) /* who has given up for long has tried again by then */
#define QUIET_NS   (60 * NSEC_PER_SEC)
#define TURN_NS    (200 * NSEC_PER_MSEC)

struct object {
	bool is_there, is_labelled;
	unsigned value;
	nsec_t written_at;
	bool is_told; /* by the watch, as it is now */
};

struct flight {
	struct kube_write *write; /* NULL: free */
	struct kube_request request;
	nsec_t arrives_at, ends_at;
	bool is_lost, is_done;
	int status;
};

struct world {
	struct rng rng;
	nsec_t now, sent_at;
	bool is_hostile;
	struct object objects[N_OBJECTS];
	unsigned want[N_OBJECTS]; /* 0: nothing is reported */
	struct kube_store *store;
	struct kube_writes *writes;
	struct kube_reports *reports;
	struct flight flights[KUBE_WRITES_OPEN];
	struct reports_sim_stats stats;
	const char *wrong;
};

static void expect(struct world *w, bool holds, const char *what)
{
	if (!holds && !w->wrong)
		w->wrong = what;
}

static bool happens(struct world *w, unsigned per_mille)
{
	return w->is_hostile && rng_below(&w->rng, 1000) < per_mille;
}

static enum kube_kind kind_of(unsigned i)
{
	return i == POOL ? KUBE_POOL : KUBE_SERVICE_STATUS;
}

/* --- the server ------------------------------------------------------------------------------- */

static unsigned number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

static int change(struct world *w, const struct kube_request *r)
{
	const char *name = strstr(r->target.data, "/o");
	const unsigned i = name ? (unsigned)strtoul(name + 2, NULL, 10) : N_OBJECTS;
	struct object *o = &w->objects[i < N_OBJECTS ? i : 0];
	const bool is_status = strstr(r->target.data, "/status?");

	expect(w, i < N_OBJECTS, "an object of somebody else's was written");
	expect(w, i != POOL || (is_status && strstr(r->target.data, "ipaddresspools")),
	       "more than the status of a user's object was written");
	expect(w, o->written_at == 0 || w->now - o->written_at >= KUBE_WRITE_EVERY_NS,
	       "an object was written twice in a second");
	o->is_told = false;
	if (strcmp(r->method, "DELETE") == 0) {
		if (!o->is_there)
			return 404;
		*o = (struct object){.written_at = w->now};
		w->stats.deleted++;
		return 200;
	}
	if (is_status && !o->is_there)
		return 404;
	o->written_at = w->now;
	o->is_there = true;
	if (is_status)
		o->value = number_behind(r->body.data, "\"value\":");
	else
		o->is_labelled = strstr(r->body.data, "\"lodestone.io/node\":\"node-a\"");
	w->stats.commits++;
	return 200;
}

static void serve(struct world *w, struct flight *f)
{
	static const int no[] = {429, 500, 403, 409, 504};

	f->is_done = true;
	if (happens(w, 150)) {
		f->status = no[rng_below(&w->rng, ARRAY_SIZE(no))];
		w->stats.refused++;
		return;
	}
	f->status = change(w, &f->request);
}

static void answer(struct world *w, struct flight *f)
{
	struct kube_write *e = TAKE_PTR(f->write);
	const struct kube_note lost = {.what = KUBE_NOTE_LOST, .why = "lost"};

	kube_request_done(&f->request);
	if (f->is_lost) {
		kube_write_notify(e, &lost, w->now);
		return;
	}
	kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = f->status},
			  w->now);
	kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_END}, w->now);
}

static void go_on(struct world *w, struct flight *f)
{
	if (!f->write)
		return;
	if (!f->is_done && w->now >= f->arrives_at && !(f->is_lost && f->arrives_at == f->ends_at))
		serve(w, f);
	if (w->now >= f->ends_at)
		answer(w, f);
}

/* What is there is told again sometimes, what has changed at last. */
static void tell(struct world *w, unsigned i)
{
	struct object *o = &w->objects[i];
	char name[8], *text = NULL, *status = NULL;

	if (o->is_told || happens(w, 700))
		return;
	o->is_told = true;
	(void)snprintf(name, sizeof(name), "o%u", i);
	if (!o->is_there) {
		kube_store_remove(w->store, kind_of(i), "n", name);
		return;
	}
	if (asprintf(&text, "{\"metadata\":{\"labels\":{%s}}}",
		     o->is_labelled ? "\"lodestone.io/node\":\"node-a\"" : "\"a\":\"b\"") < 0 ||
	    asprintf(&status, "{\"value\":%u,\"of\":\"another\"}", o->value) < 0)
		abort();
	(void)kube_store_put(w->store, kind_of(i),
			     &(struct kube_put){.ns = "n",
						.name = name,
						.text = text,
						.len = strlen(text),
						.status = status});
}

/* --- the feeder ------------------------------------------------------------------------------- */

static nsec_t some_time(struct world *w)
{
	return 1 + rng_below(&w->rng, w->is_hostile ? NSEC_PER_SEC : 5 * NSEC_PER_MSEC);
}

static void open_write(struct world *w, struct kube_write *e)
{
	struct flight *f = w->flights;

	while (f < w->flights + KUBE_WRITES_OPEN && f->write)
		f++;
	expect(w, f < w->flights + KUBE_WRITES_OPEN, "too many are under way");
	if (w->wrong)
		return;
	kube_request_init(&f->request);
	if (!kube_write_transmit(e, &f->request, "2026-01-01T00:00:00.000000Z", w->now)) {
		kube_request_done(&f->request);
		return;
	}
	w->stats.requests++;
	w->sent_at = w->now;
	*f = (struct flight){.write = e,
			     .request = f->request,
			     .is_lost = happens(w, 100),
			     .arrives_at = w->now + some_time(w)};
	f->ends_at = f->is_lost && happens(w, 500) ? f->arrives_at : f->arrives_at + some_time(w);
}

static void feeder_runs(struct world *w)
{
	struct kube_write *e;

	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		go_on(w, &w->flights[i]);
	for (unsigned i = 0; i < N_OBJECTS; i++)
		tell(w, i);
	(void)kube_reports_step(w->reports, "2026-01-01T00:00:00.000000Z", w->now);
	while ((e = kube_writes_next(w->writes, w->now)) && !w->wrong)
		open_write(w, e);
}

static void feeder_begins(struct world *w)
{
	static const enum kube_kind watched[] = {KUBE_SERVICE_STATUS, KUBE_POOL};

	w->store = kube_store_new();
	w->writes = kube_writes_new(&(struct kube_writes_args){
		.store = w->store, .node = "node-a", .seed = rng_next(&w->rng)});
	w->reports = kube_reports_new(&(struct kube_reports_args){
		.store = w->store, .writes = w->writes, .ns = "n", .node = "node-a"});
	kube_writes_hold(w->writes, true);
	kube_reports_hold(w->reports, true);
	for (unsigned i = 0; i < N_OBJECTS; i++)
		w->objects[i].is_told = false;
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		kube_reports_note(w->reports,
				  &(struct kube_watch){.kind = watched[i], .state = KUBE_WATCHING});
}

static void feeder_ends(struct world *w)
{
	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		if (TAKE_PTR(w->flights[i].write))
			kube_request_done(&w->flights[i].request);
	kube_reports_free(w->reports);
	kube_writes_free(w->writes);
	kube_store_free(w->store);
}

/* --- the agent -------------------------------------------------------------------------------- */

static void take(struct world *w, const struct kube_frame *frame)
{
	struct strbuf out;
	struct kube_frame f;
	size_t taken;

	strbuf_init(&out, 1 << 16);
	kube_frame_encode(&out, frame);
	expect(w, kube_frame_decode(out.data, out.len, &f, &taken) == KUBE_DECODED, "no frame");
	kube_reports_take(w->reports, &f);
	strbuf_done(&out);
}

static void report(struct world *w, unsigned i)
{
	char name[8], text[128] = "";

	(void)snprintf(name, sizeof(name), "o%u", i);
	if (w->want[i] > 0)
		(void)snprintf(text, sizeof(text),
			       "{\"labels\":{},\"status\":{\"value\":%u,\"none\":\"\"}}",
			       w->want[i]);
	take(w, &(struct kube_frame){.type = KUBE_FRAME_REPORT,
				     .report = i == POOL ? KUBE_REPORT_POOL : KUBE_REPORT_SERVICE,
				     .ns = {.text = "n", .len = 1},
				     .name = {.text = name, .len = strlen(name)},
				     .text = {.text = text, .len = strlen(text)}});
}

static void agent_begins(struct world *w)
{
	kube_reports_forget(w->reports);
	for (unsigned i = 0; i < N_OBJECTS; i++)
		if (w->want[i] > 0)
			report(w, i);
	take(w, &(struct kube_frame){.type = KUBE_FRAME_REPORTED});
}

/* --- the run ---------------------------------------------------------------------------------- */

static void trouble(struct world *w)
{
	const unsigned i = (unsigned)rng_below(&w->rng, N_OBJECTS);
	struct object *o = &w->objects[i];

	if (happens(w, 200)) {
		w->want[i] = (unsigned)rng_below(&w->rng, 4);
		report(w, i);
	}
	if (happens(w, 50) && o->is_there) { /* somebody else */
		o->is_there = i == POOL || rng_below(&w->rng, 2);
		o->value = (unsigned)rng_below(&w->rng, 4);
		o->is_labelled &= o->is_there && rng_below(&w->rng, 2);
		o->is_told = false;
	}
	if (happens(w, 10))
		agent_begins(w);
	if (happens(w, 5)) {
		w->stats.restarts++;
		feeder_ends(w);
		feeder_begins(w);
		/* A watch tells all there is before anything is believed. */
		for (unsigned k = 0; k < N_OBJECTS; k++)
			while (!w->objects[k].is_told)
				tell(w, k);
		/* Nobody knows when the last one wrote. */
		for (unsigned k = 0; k < N_OBJECTS; k++)
			w->objects[k].written_at = 0;
		agent_begins(w);
	}
}

static void turn(struct world *w)
{
	w->now += 1 + rng_below(&w->rng, TURN_NS);
	trouble(w);
	feeder_runs(w);
}

static void check_end(struct world *w)
{
	for (unsigned i = 0; i < OBJECTS; i++) {
		const struct object *o = &w->objects[i];

		expect(w, w->want[i] == 0 || (o->is_there && o->value == w->want[i]),
		       "an object does not say what was reported");
		expect(w, w->want[i] == 0 || o->is_labelled, "an object lacks its label");
		expect(w, w->want[i] != 0 || !o->is_there,
		       "an object is there that nobody reports");
	}
	expect(w, w->objects[POOL].is_there, "a user's object was deleted");
	expect(w, w->want[POOL] == 0 || w->objects[POOL].value == w->want[POOL],
	       "the status of a user's object is not what was reported");
	expect(w, w->now - w->sent_at >= QUIET_NS, "nothing changes, and it is written on");
}

/* Who comes after has nothing to write. */
static void check_adopted(struct world *w)
{
	const unsigned before = w->stats.requests;

	feeder_ends(w);
	feeder_begins(w);
	for (unsigned k = 0; k < N_OBJECTS; k++)
		tell(w, k);
	agent_begins(w);
	for (int i = 0; i < 20; i++)
		turn(w);
	expect(w, w->stats.requests == before, "a feeder that is new wrote what stood there");
}

const char *reports_sim_run(uint64_t seed, struct reports_sim_stats *sum)
{
	struct world *w = xcalloc(1, sizeof(*w));
	const char *wrong;
	nsec_t end;

	rng_seed(&w->rng, seed);
	w->now = 1000 * NSEC_PER_SEC;
	w->is_hostile = true;
	w->objects[POOL].is_there = true;
	feeder_begins(w);
	agent_begins(w);
	for (end = w->now + HOSTILE_NS; w->now < end && !w->wrong;)
		turn(w);
	w->is_hostile = false;
	for (end = w->now + CALM_NS; w->now < end && !w->wrong;)
		turn(w);
	if (!w->wrong)
		check_end(w);
	if (!w->wrong)
		check_adopted(w);
	feeder_ends(w);
	wrong = w->wrong;
	sum->requests += w->stats.requests;
	sum->commits += w->stats.commits;
	sum->deleted += w->stats.deleted;
	sum->refused += w->stats.refused;
	sum->restarts += w->stats.restarts;
	free(w);
	return wrong;
}
