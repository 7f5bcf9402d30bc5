// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Several candidates, each with a clock of its own that is off by hours and a little fast or slow,
 * and one server that compares versions. Candidates are paused in the middle of anything, killed
 * and started anew; requests and answers are delayed and lost; watches tell late, are cut, refused,
 * garbled and fall silent; the server is away. After that nothing fails, and one must hold the
 * Lease without an end.
 */
#include "sim/kube/lease_world.h"

#include "kube/kube_lease.h"

#include <stdio.h>

#define CANDIDATES 4
#define HOSTILE_NS (600 * NSEC_PER_SEC)
#define CALM_NS    (120 * NSEC_PER_SEC)
#define TURN_NS    (200 * NSEC_PER_MSEC)
#define DELAY_NS   (6 * NSEC_PER_SEC)
#define HOURS_NS   (3600 * NSEC_PER_SEC)

enum flight { NO_REQUEST, ON_ITS_WAY, ANSWERED, LOST_ANSWER, STREAMING, SILENT };

struct candidate {
	struct kube_lease lease;
	struct kube_request request;
	char identity[32];
	nsec_t offset;
	unsigned rate; /* in thousandths */
	nsec_t paused_until;
	enum flight flight;
	nsec_t arrives_at;
	int status;
	char *answer;  /* owned; of a watch, the event that is on its way, or NULL */
	unsigned told; /* that version, to a watch */
	char *late;    /* owned; the body of a write that was given up, and arrives all the same */
	nsec_t late_at;
	bool is_leaving;
};

struct world {
	struct rng rng;
	nsec_t now; /* true time */
	bool is_hostile, is_down;
	struct candidate candidates[CANDIDATES];
	unsigned n_started;
	unsigned version;   /* of the Lease at the server; 0: there is none */
	char *spec;         /* owned */
	nsec_t held_until;  /* somebody could act as its holder up to then... */
	const char *holder; /* who acted last */
	struct lease_sim_stats stats;
	const char *wrong;
};

static nsec_t clock_of(const struct world *w, const struct candidate *c)
{
	return c->offset + w->now / 1000 * c->rate;
}

static bool happens(struct world *w, unsigned per_mille)
{
	return w->is_hostile && rng_below(&w->rng, 1000) < per_mille;
}

static void start(struct world *w, struct candidate *c)
{
	(void)snprintf(c->identity, sizeof(c->identity), "candidate-%u", ++w->n_started);
	c->offset = rng_below(&w->rng, 9 * HOURS_NS);
	c->rate = 990 + (unsigned)rng_below(&w->rng, 20);
	c->flight = NO_REQUEST;
	c->paused_until = 0;
	c->is_leaving = false;
	kube_lease_init(&c->lease, &(struct kube_lease_args){.ns = "metallb-system",
							     .name = "lodestone-ipam",
							     .identity = c->identity,
							     .seed = rng_next(&w->rng)});
	c->lease.n_nodes = CANDIDATES;
	kube_request_init(&c->request);
}

static void end(struct candidate *c)
{
	kube_lease_done(&c->lease);
	kube_request_done(&c->request);
	free(TAKE_PTR(c->answer));
}

/* --- the server ------------------------------------------------------------------------------- */

static char *print_lease(const struct world *w)
{
	char *text = NULL;

	if (asprintf(&text, "{\"metadata\":{\"resourceVersion\":\"%u\"},\"spec\":%s}", w->version,
		     w->spec) < 0)
		abort();
	return text;
}

/* A write is granted that names the present version. */
static bool grant(struct world *w, const char *body)
{
	const char *spec = strstr(body, "\"spec\":");
	const char *named = strstr(body, "\"resourceVersion\":\"");
	const unsigned version =
		named ? (unsigned)strtoul(named + strlen("\"resourceVersion\":\""), NULL, 10) : 0;

	if (version != w->version)
		return false;
	w->version++;
	free(w->spec);
	w->spec = strdup(spec + strlen("\"spec\":"));
	w->spec[strlen(w->spec) - 1] = '\0'; /* the object's own brace */
	return true;
}

static nsec_t some_time(struct world *w)
{
	if (!w->is_hostile)
		return 1;
	return rng_below(&w->rng, rng_below(&w->rng, 10) ? NSEC_PER_SEC / 10 : DELAY_NS);
}

static void begin_watch(struct world *w, struct candidate *c)
{
	static const int refusals[] = {500, 429, 410};
	const char *from = strstr(c->request.target.data, "&resourceVersion=");

	if (happens(w, 100)) {
		c->status = refusals[rng_below(&w->rng, ARRAY_SIZE(refusals))];
		c->answer = strdup("{\"message\":\"no\"}");
		c->flight = ANSWERED;
		return;
	}
	c->told = (unsigned)strtoul(from + strlen("&resourceVersion="), NULL, 10);
	c->flight = happens(w, 50) ? SILENT : STREAMING;
	kube_lease_notify(&c->lease, &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = 200},
			  clock_of(w, c));
}

static void serve(struct world *w, struct candidate *c)
{
	const bool is_get = strcmp(c->request.method, "GET") == 0;

	free(TAKE_PTR(c->answer));
	if (c->request.is_stream) {
		begin_watch(w, c);
		return;
	}
	if (is_get)
		c->status = w->version ? 200 : 404;
	else
		c->status = grant(w, c->request.body.data) ? 201 : 409;
	c->answer = c->status / 100 == 2 ? print_lease(w) : strdup("{\"message\":\"no\"}");
	c->flight = happens(w, 50) ? LOST_ANSWER : ANSWERED;
	c->arrives_at = w->now + some_time(w);
}

/* --- a candidate ------------------------------------------------------------------------------ */

/* It would act now: nobody else may have acted since this one was granted it. */
static void act(struct world *w, struct candidate *c)
{
	if (!kube_lease_is_held(&c->lease, clock_of(w, c)))
		return;
	for (unsigned i = 0; i < CANDIDATES; i++) {
		struct candidate *other = &w->candidates[i];

		if (other != c && kube_lease_is_held(&other->lease, clock_of(w, other)) &&
		    !w->wrong)
			w->wrong = "two hold the Lease";
	}
	w->stats.turns_held++;
	if (w->holder != c->identity)
		w->stats.changes++;
	w->holder = c->identity;
}

static void lose(struct world *w, struct candidate *c, unsigned what)
{
	struct kube_note note = {.why = "lost"};

	note.what = what ? KUBE_NOTE_CLOSED : KUBE_NOTE_LOST;
	c->flight = NO_REQUEST;
	kube_lease_notify(&c->lease, &note, clock_of(w, c));
}

static void take_answer(struct world *w, struct candidate *c)
{
	c->flight = NO_REQUEST;
	kube_lease_notify(&c->lease,
			  &(struct kube_note){.what = KUBE_NOTE_HEAD, .status = c->status},
			  clock_of(w, c));
	kube_lease_receive(&c->lease, c->answer, strlen(c->answer), clock_of(w, c));
	kube_lease_notify(&c->lease, &(struct kube_note){.what = KUBE_NOTE_END}, clock_of(w, c));
}

/* What was to be told when it was begun, some time later, in two pieces. */
static void stream(struct world *w, struct candidate *c)
{
	static const char garbled[] = "}{\"type\":7}";
	_cleanup_(freep) char *lease = NULL;
	size_t len, half;

	if (happens(w, 10)) {
		lose(w, c, 0);
		return;
	}
	if (happens(w, 10)) {
		c->flight = NO_REQUEST;
		kube_lease_notify(&c->lease, &(struct kube_note){.what = KUBE_NOTE_END},
				  clock_of(w, c));
		return;
	}
	if (happens(w, 10))
		c->flight = SILENT;
	if (happens(w, 5))
		kube_lease_receive(&c->lease, garbled, strlen(garbled), clock_of(w, c));
	if (!c->answer && c->told != w->version) {
		lease = print_lease(w);
		c->told = w->version;
		c->arrives_at = w->now + some_time(w);
		if (asprintf(&c->answer, "{\"type\":\"MODIFIED\",\"object\":%s}\n", lease) < 0)
			abort();
	} else if (c->answer && w->now >= c->arrives_at) {
		len = strlen(c->answer);
		half = rng_below(&w->rng, len);
		kube_lease_receive(&c->lease, c->answer, half, clock_of(w, c));
		kube_lease_receive(&c->lease, c->answer + half, len - half, clock_of(w, c));
		free(TAKE_PTR(c->answer));
		w->stats.events++;
	}
}

/* A request that was given up may arrive all the same, some time. */
static void give_up(struct world *w, struct candidate *c)
{
	const bool is_write = c->request.body.len > 0;

	if (c->flight == ON_ITS_WAY && is_write && !c->late && happens(w, 700)) {
		c->late = strdup(c->request.body.data);
		c->late_at = w->now + rng_below(&w->rng, 5 * DELAY_NS);
	}
	lose(w, c, 1);
}

static void open_request(struct world *w, struct candidate *c)
{
	kube_request_done(&c->request);
	kube_request_init(&c->request);
	kube_lease_transmit(&c->lease, &c->request, "2026-01-01T00:00:00.000000Z", clock_of(w, c));
	w->stats.requests++;
	c->flight = ON_ITS_WAY;
	c->arrives_at = w->now + some_time(w);
}

static void run(struct world *w, struct candidate *c)
{
	kube_lease_tick(&c->lease, clock_of(w, c));
	if (c->flight == ANSWERED && w->now >= c->arrives_at)
		take_answer(w, c);
	else if (c->flight == LOST_ANSWER && w->now >= c->arrives_at)
		lose(w, c, 0);
	else if (c->flight == STREAMING && !w->is_down)
		stream(w, c);
	if (happens(w, 1))
		c->is_leaving = true;
	if (c->is_leaving)
		kube_lease_leave(&c->lease, clock_of(w, c));
	switch (kube_lease_poll(&c->lease, clock_of(w, c))) {
	case KUBE_ASK_NOTHING:
		break;
	case KUBE_ASK_OPEN:
		open_request(w, c);
		break;
	case KUBE_ASK_CLOSE:
		give_up(w, c);
		break;
	}
	if (kube_lease_is_left(&c->lease)) {
		end(c);
		start(w, c);
		w->stats.left++;
	}
	act(w, c);
}

static void turn(struct world *w)
{
	w->now += 1 + rng_below(&w->rng, TURN_NS);
	if (happens(w, w->is_down ? 20 : 2))
		w->is_down = !w->is_down;
	for (unsigned i = 0; i < CANDIDATES; i++) {
		struct candidate *c = &w->candidates[i];

		if (c->flight == ON_ITS_WAY && w->now >= c->arrives_at && !w->is_down)
			serve(w, c);
		if (c->late && w->now >= c->late_at) {
			w->stats.late += grant(w, c->late);
			free(TAKE_PTR(c->late));
		}
		if (happens(w, 2))
			c->paused_until = w->now + rng_below(&w->rng, 40 * NSEC_PER_SEC);
		if (happens(w, 1)) {
			end(c);
			start(w, c);
		}
		if (w->now >= c->paused_until)
			run(w, c);
	}
}

const char *lease_sim_run(uint64_t seed, struct lease_sim_stats *sum)
{
	struct world *w = xcalloc(1, sizeof(*w));
	nsec_t until;
	unsigned held;
	const char *wrong;

	rng_seed(&w->rng, seed);
	w->now = 1000 * NSEC_PER_SEC;
	w->is_hostile = true;
	for (unsigned i = 0; i < CANDIDATES; i++)
		start(w, &w->candidates[i]);
	for (until = w->now + HOSTILE_NS; w->now < until && !w->wrong;)
		turn(w);
	w->is_hostile = w->is_down = false;
	for (unsigned i = 0; i < CANDIDATES; i++)
		w->candidates[i].is_leaving = false;
	for (until = w->now + CALM_NS / 2; w->now < until && !w->wrong;)
		turn(w);
	held = w->stats.turns_held;
	for (until = w->now + CALM_NS / 2; w->now < until && !w->wrong;) {
		turn(w);
		if (++held != w->stats.turns_held && !w->wrong)
			w->wrong = "nothing fails, and nobody holds the Lease";
	}
	wrong = w->wrong;
	sum->requests += w->stats.requests;
	sum->turns_held += w->stats.turns_held;
	sum->changes += w->stats.changes;
	sum->left += w->stats.left;
	sum->late += w->stats.late;
	sum->events += w->stats.events;
	for (unsigned i = 0; i < CANDIDATES; i++) {
		end(&w->candidates[i]);
		free(w->candidates[i].late);
	}
	free(w->spec);
	free(w);
	return wrong;
}
