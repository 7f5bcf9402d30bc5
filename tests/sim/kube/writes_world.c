// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An agent that wants a value in the status of each Service, hears of them through the feed, and
 * wishes by what it has heard; a server where others change Services, too, which answers late,
 * refuses, and loses requests before and after it has done them; and a watch that lags. Whatever is
 * written was wished by who knew what it replaces, by the holder alone, and once a second at most.
 */
#include "sim/kube/writes_world.h"

#include "base/rng.h"
#include "kube/kube_feed.h"
#include "kube/kube_store.h"
#include "kube/kube_writes.h"

#include <stdio.h>

#define OBJECTS    6
#define HOSTILE_NS (120 * NSEC_PER_SEC)
#define CALM_NS    (120 * NSEC_PER_SEC)
#define QUIET_NS   (30 * NSEC_PER_SEC)
#define TURN_NS    (100 * NSEC_PER_MSEC)
#define NEWS_MAX   4096

struct service {
	unsigned version, value, noise;
	nsec_t written_at;
	unsigned n_events;
};

/* What the watch has yet to tell. */
struct news {
	unsigned object, version, value, noise;
};

struct known {
	unsigned value, noise;
	bool is_known, is_wished;
	unsigned want; /* what is wished for, if that is */
};

struct flight {
	struct kube_write *write; /* NULL: free */
	struct kube_request request;
	nsec_t arrives_at, ends_at;
	bool is_lost; /* before or after it is done */
	bool is_done;
	int status;
};

struct world {
	struct rng rng;
	nsec_t now;
	bool is_hostile, is_holder;
	struct service services[OBJECTS];
	struct news news[NEWS_MAX];
	size_t n_news;
	struct kube_store *store;
	struct kube_feed feed;
	struct kube_writes *writes;
	struct flight flights[KUBE_WRITES_OPEN];
	unsigned n_sent_events;
	nsec_t began_at;
	struct known known[OBJECTS];
	unsigned want[OBJECTS];
	uint64_t n_seen;
	bool agent_is_holder;
	nsec_t sent_at; /* the last request */
	struct writes_sim_stats stats;
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

static unsigned number_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

/* --- the server ------------------------------------------------------------------------------- */

static void tell(struct world *w, unsigned i)
{
	const struct service *s = &w->services[i];

	expect(w, w->n_news < NEWS_MAX, "too much news");
	if (w->n_news < NEWS_MAX)
		w->news[w->n_news++] = (struct news){i, s->version, s->value, s->noise};
}

static int patch(struct world *w, unsigned i, const char *body)
{
	struct service *s = &w->services[i];

	if (number_of(body, "\"resourceVersion\":\"") != s->version) {
		w->stats.conflicts++;
		return 409;
	}
	expect(w,
	       number_of(body, "\"seenValue\":") == s->value &&
		       number_of(body, "\"seenNoise\":") == s->noise,
	       "something was replaced that nobody had seen");
	expect(w, s->written_at == 0 || w->now - s->written_at >= KUBE_WRITE_EVERY_NS,
	       "a Service was written twice in a second");
	s->written_at = w->now;
	s->value = number_of(body, "\"want\":");
	s->version++;
	w->stats.commits++;
	tell(w, i);
	return 200;
}

static void serve(struct world *w, struct flight *f)
{
	const unsigned i = number_of(f->request.target.data, "/services/o");

	f->is_done = true;
	if (happens(w, 100)) {
		static const int no[] = {429, 500, 403, 504};

		f->status = no[rng_below(&w->rng, ARRAY_SIZE(no))];
		return;
	}
	if (strcmp(f->request.method, "POST") == 0) {
		w->services[number_of(f->request.body.data, "\"name\":\"o")].n_events++;
		w->stats.events++;
		f->status = 201;
		return;
	}
	f->status = patch(w, i, f->request.body.data);
}

static void answer(struct world *w, struct flight *f)
{
	struct kube_write *e = TAKE_PTR(f->write);

	kube_request_done(&f->request);
	if (f->is_lost) {
		kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_LOST, .why = "lost"},
				  w->now);
		return;
	}
	kube_write_notify(e, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = f->status},
			  w->now);
	kube_write_receive(e, "{\"message\":\"x\"}", 15);
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

/* --- the feeder ------------------------------------------------------------------------------- */

static nsec_t some_time(struct world *w)
{
	if (!w->is_hostile)
		return 1 + rng_below(&w->rng, 5 * NSEC_PER_MSEC);
	return 1 + rng_below(&w->rng, rng_below(&w->rng, 8) ? NSEC_PER_SEC / 10 : 3 * NSEC_PER_SEC);
}

/* Events leave room for addresses, and together they have a budget, too. */
static void check_event(struct world *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		n += w->flights[i].write && strcmp(w->flights[i].request.method, "POST") == 0;
	expect(w, n <= KUBE_TELLING_OPEN, "events take the room of addresses");
	expect(w,
	       ++w->n_sent_events <=
		       KUBE_TELLING_AT_ONCE + (w->now - w->began_at) / KUBE_TELL_EVERY_NS,
	       "too many events at once");
}

static void open_write(struct world *w, struct kube_write *e, struct flight *f)
{
	kube_request_init(&f->request);
	if (!kube_write_transmit(e, &f->request, "2026-01-01T00:00:00.000000Z", w->now)) {
		kube_request_done(&f->request);
		return;
	}
	expect(w, w->is_holder || strcmp(f->request.method, "POST") == 0,
	       "a status was written by who does not hold the Lease");
	w->stats.requests++;
	w->sent_at = w->now;
	f->write = e;
	f->is_done = false;
	f->is_lost = happens(w, 100);
	f->arrives_at = w->now + some_time(w);
	/* Lost on its way there, or on its way back. */
	f->ends_at =
		f->is_lost && rng_below(&w->rng, 2) ? f->arrives_at : f->arrives_at + some_time(w);
	if (strcmp(f->request.method, "POST") == 0)
		check_event(w);
}

static struct flight *free_flight(struct world *w)
{
	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		if (!w->flights[i].write)
			return &w->flights[i];
	return NULL;
}

static void feeder_runs(struct world *w)
{
	struct kube_write *e;

	if (happens(w, 10))
		w->is_holder = !w->is_holder;
	if (!w->is_hostile)
		w->is_holder = true;
	kube_writes_hold(w->writes, w->is_holder);
	kube_feed_hold(&w->feed, w->is_holder);
	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		go_on(w, &w->flights[i]);
	while ((e = kube_writes_next(w->writes, w->now))) {
		struct flight *f = free_flight(w);

		expect(w, f, "too many are under way");
		if (!f)
			return;
		open_write(w, e, f);
	}
}

/* The watch tells some of it. */
static void watch_tells(struct world *w)
{
	size_t n = w->is_hostile ? rng_below(&w->rng, 3) : w->n_news;

	n = n < w->n_news ? n : w->n_news;
	for (size_t i = 0; i < n; i++) {
		const struct news *news = &w->news[i];
		char name[8], version[16], *text = NULL;

		(void)snprintf(name, sizeof(name), "o%u", news->object);
		(void)snprintf(version, sizeof(version), "%u", news->version);
		if (asprintf(&text, "{\"metadata\":{\"uid\":\"u\"},\"value\":%u,\"noise\":%u}",
			     news->value, news->noise) < 0)
			abort();
		(void)kube_store_put(w->store, KUBE_SERVICE,
				     &(struct kube_put){.ns = "n",
							.name = name,
							.version = version,
							.text = text,
							.len = strlen(text)});
	}
	w->n_news -= n;
	memmove(w->news, w->news + n, w->n_news * sizeof(w->news[0]));
}

/* --- the agent -------------------------------------------------------------------------------- */

static void wish(struct world *w, unsigned i, enum kube_wish what, const char *text)
{
	char name[8];
	struct strbuf out;
	struct kube_frame f;
	size_t taken;

	(void)snprintf(name, sizeof(name), "o%u", i);
	strbuf_init(&out, 1 << 16);
	kube_frame_encode(&out, &(struct kube_frame){.type = KUBE_FRAME_WISH,
						     .wish = what,
						     .seen = w->n_seen,
						     .ns = {.text = "n", .len = 1},
						     .name = {.text = name, .len = strlen(name)},
						     .text = {.text = text, .len = strlen(text)}});
	expect(w, kube_frame_decode(out.data, out.len, &f, &taken) == KUBE_DECODED, "no frame");
	kube_writes_wish(w->writes, &f, w->now);
	strbuf_done(&out);
}

static void take_frame(struct world *w, const struct kube_frame *f)
{
	struct known *k;
	char text[256];

	if (f->type == KUBE_FRAME_HOLDER) {
		w->agent_is_holder = f->is_holder;
		for (unsigned i = 0; i < OBJECTS && !f->is_holder; i++)
			w->known[i].is_wished = false;
	}
	if (f->type != KUBE_FRAME_PUT)
		return;
	w->n_seen++;
	(void)snprintf(text, sizeof(text), "%.*s", (int)f->text.len, f->text.text);
	k = &w->known[strtoul(f->name.text + 1, NULL, 10)];
	*k = (struct known){.value = number_of(text, "\"value\":"),
			    .noise = number_of(text, "\"noise\":"),
			    .is_known = true};
}

static void agent_hears(struct world *w)
{
	struct strbuf in;
	size_t at = 0, taken;
	struct kube_frame f;

	strbuf_init(&in, 1 << 20);
	if (kube_feed_is_due(&w->feed))
		kube_feed_transmit(&w->feed, &in, 1 << 16);
	while (at < in.len &&
	       kube_frame_decode(in.data + at, in.len - at, &f, &taken) == KUBE_DECODED) {
		take_frame(w, &f);
		at += taken;
	}
	expect(w, at == in.len, "no frame");
	strbuf_done(&in);
}

static void agent_wishes(struct world *w)
{
	for (unsigned i = 0; i < OBJECTS && w->agent_is_holder; i++) {
		struct known *k = &w->known[i];
		char text[256];

		if (!k->is_known || (k->is_wished && k->want == w->want[i]))
			continue;
		if (k->value == w->want[i]) {
			if (k->is_wished)
				wish(w, i, KUBE_WISH_STATUS, "");
			k->is_wished = false;
			continue;
		}
		(void)snprintf(text, sizeof(text),
			       "{\"annotations\":{},\"loadBalancer\":{\"want\":%u,\"seenValue\":%u,"
			       "\"seenNoise\":%u}}",
			       w->want[i], k->value, k->noise);
		wish(w, i, KUBE_WISH_STATUS, text);
		k->is_wished = true;
		k->want = w->want[i];
	}
	if (happens(w, 300)) {
		char text[128];

		(void)snprintf(text, sizeof(text),
			       "{\"type\":\"Normal\",\"reason\":\"x\",\"message\":\"%llu\"}",
			       (unsigned long long)rng_next(&w->rng));
		wish(w, (unsigned)rng_below(&w->rng, OBJECTS), KUBE_WISH_EVENT, text);
	}
}

static void agent_restarts(struct world *w)
{
	kube_writes_forget(w->writes);
	kube_feed_begin(&w->feed, w->store);
	w->n_seen = 0;
	w->agent_is_holder = false;
	memset(w->known, 0, sizeof(w->known));
}

/* --- the run ---------------------------------------------------------------------------------- */

static void trouble(struct world *w)
{
	const unsigned i = (unsigned)rng_below(&w->rng, OBJECTS);
	struct service *s = &w->services[i];

	if (happens(w, 200))
		w->want[i] = 1 + (unsigned)rng_below(&w->rng, 9);
	if (happens(w, 100)) { /* somebody else */
		s->noise++;
		s->value = happens(w, 300) ? (unsigned)rng_below(&w->rng, 10) : s->value;
		s->version++;
		tell(w, i);
	}
	if (happens(w, 5))
		agent_restarts(w);
}

static void turn(struct world *w)
{
	w->now += 1 + rng_below(&w->rng, TURN_NS);
	trouble(w);
	watch_tells(w);
	if (!happens(w, 400))
		agent_hears(w);
	agent_wishes(w);
	feeder_runs(w);
}

static void begin(struct world *w, uint64_t seed)
{
	rng_seed(&w->rng, seed);
	w->now = w->began_at = 1000 * NSEC_PER_SEC;
	w->is_hostile = true;
	w->store = kube_store_new();
	kube_store_begin(w->store, KUBE_SERVICE);
	kube_store_end(w->store, KUBE_SERVICE);
	w->writes = kube_writes_new(&(struct kube_writes_args){.store = w->store,
							       .component = "lodestone",
							       .node = "node-a",
							       .seed = rng_next(&w->rng)});
	kube_feed_begin(&w->feed, w->store);
	for (unsigned i = 0; i < OBJECTS; i++) {
		w->services[i] = (struct service){.version = 1};
		tell(w, i);
	}
}

static void check_end(struct world *w)
{
	const nsec_t passed = HOSTILE_NS + CALM_NS;

	for (unsigned i = 0; i < OBJECTS; i++) {
		expect(w, w->want[i] == 0 || w->services[i].value == w->want[i],
		       "a status is not as it is to be");
		expect(w,
		       w->services[i].n_events <=
			       KUBE_EVENTS_AT_ONCE + 1 + passed / KUBE_EVENT_EVERY_NS,
		       "too many events");
	}
	expect(w, w->now - w->sent_at >= QUIET_NS, "nothing changes, and it is written on");
}

const char *writes_sim_run(uint64_t seed, struct writes_sim_stats *sum)
{
	struct world *w = xcalloc(1, sizeof(*w));
	const char *wrong;
	nsec_t end;

	begin(w, seed);
	for (end = w->now + HOSTILE_NS; w->now < end && !w->wrong;)
		turn(w);
	w->is_hostile = false;
	for (end = w->now + CALM_NS; w->now < end && !w->wrong;)
		turn(w);
	check_end(w);
	w->stats.out_of_date = kube_writes_count(w->writes).out_of_date;
	for (size_t i = 0; i < KUBE_WRITES_OPEN; i++)
		if (w->flights[i].write)
			kube_request_done(&w->flights[i].request);
	kube_writes_free(w->writes);
	kube_store_free(w->store);
	wrong = w->wrong;
	sum->requests += w->stats.requests;
	sum->commits += w->stats.commits;
	sum->conflicts += w->stats.conflicts;
	sum->out_of_date += w->stats.out_of_date;
	sum->events += w->stats.events;
	free(w);
	return wrong;
}
