// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Requests of the Lease and of the writes are carried, nothing is decided. The Lease counts in a
 * clock that goes on while the machine is suspended; it is read anew at each look, for the time of
 * a turn may be older than the turn is long.
 */
#include "feeder/writer.h"

#include "feeder/http.h"
#include "feeder/teller.h"
#include "kube/kube_lease.h"
#include "kube/kube_writes.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <inttypes.h>

#define LEASE_NAME "lodestone-ipam"
#define COMPONENT  "lodestone"

struct job {
	struct writer *writer;
	struct kube_write *write;     /* NULL: free */
	struct http_request *request; /* NULL: it has ended */
};

struct writer {
	struct writer_args args;
	struct http *http;
	struct kube_lease lease;
	struct http_request *lease_request; /* NULL: none is under way */
	struct kube_writes *writes;
	struct teller *teller;
	struct job jobs[KUBE_WRITES_OPEN];
	char identity[320];
	bool was_held;       /* at the last step */
	bool is_refreshed;   /* since then all Services were asked for anew, and they had come... */
	unsigned n_pictures; /* ... so often before */
	bool is_leaving;
	bool is_suspect; /* the connection: something was lost on it */
	char said[256];  /* about the Lease, that it is said once */
};

/* --- the Lease's request ---------------------------------------------------------------------- */

static void note_status(struct writer *w, int status)
{
	*w->args.is_unauthorized |= status == 401;
}

static void on_lease_head(void *ctx, int status, unsigned retry_s)
{
	struct writer *w = ctx;
	const struct kube_note note = {
		.what = KUBE_NOTE_HEAD, .status = status, .retry_s = retry_s};

	note_status(w, status);
	kube_lease_notify(&w->lease, &note, clock_boot());
}

static void on_lease_body(void *ctx, const char *data, size_t len)
{
	struct writer *w = ctx;

	kube_lease_receive(&w->lease, data, len, clock_boot());
}

static void on_lease_end(void *ctx, const char *error)
{
	struct writer *w = ctx;
	const struct kube_note note = {.what = error ? KUBE_NOTE_LOST : KUBE_NOTE_END,
				       .why = error};

	w->lease_request = NULL;
	w->is_suspect |= error != NULL;
	kube_lease_notify(&w->lease, &note, clock_boot());
}

static const struct http_events lease_events = {
	.head = on_lease_head, .body = on_lease_body, .end = on_lease_end};

static void open_lease(struct writer *w)
{
	struct kube_request ask;
	char stamp[CLOCK_STAMP_BYTES];

	kube_request_init(&ask);
	kube_lease_transmit(&w->lease, &ask, clock_stamp(stamp), clock_boot());
	w->lease_request =
		ask.is_stream ? http_get(w->http, w->args.access, ask.target.data, &lease_events, w)
			      : http_send(w->http, w->args.access, &ask, &lease_events, w);
	kube_request_done(&ask);
}

static void step_lease(struct writer *w)
{
	w->lease.n_nodes = (unsigned)kube_store_count(w->args.store, KUBE_NODE);
	kube_lease_tick(&w->lease, clock_boot());
	switch (kube_lease_poll(&w->lease, clock_boot())) {
	case KUBE_ASK_NOTHING:
		break;
	case KUBE_ASK_OPEN:
		open_lease(w);
		break;
	case KUBE_ASK_CLOSE:
		if (w->lease_request)
			http_cancel(w->http, TAKE_PTR(w->lease_request));
		w->is_suspect |= w->lease.step != KUBE_LEASE_WATCH;
		kube_lease_notify(&w->lease, &(struct kube_note){.what = KUBE_NOTE_CLOSED},
				  clock_boot());
		break;
	}
}

/* Its reason, once; and that it is ours, or not any more. */
static void tell_lease(struct writer *w, bool is_held)
{
	if (is_held != w->was_held)
		log_info(is_held ? "lease: held" : "lease: not held any more",
			 "name=" LEASE_NAME " identity=%s", log_quote(w->identity));
	if (strcmp(w->said, w->lease.why) == 0)
		return;
	memcpy(w->said, w->lease.why, sizeof(w->said));
	if (*w->said)
		log_warn("lease: cannot be asked for", "name=" LEASE_NAME " reason=%s",
			 log_quote(w->said));
}

static void note_lease(struct writer *w, nsec_t now)
{
	const bool is_held = kube_lease_is_held(&w->lease, clock_boot());

	tell_lease(w, is_held);
	w->is_refreshed &= w->was_held;
	w->was_held = is_held;
	/* A first picture that is on its way is awaited, for there is more to it than allocating.
	 */
	if (is_held && !w->is_refreshed && w->args.services->n_pictures > 0) {
		kube_watch_refresh(w->args.services, now);
		w->n_pictures = w->args.services->n_pictures;
		w->is_refreshed = true;
	}
	kube_writes_hold(w->writes, writer_is_holder(w));
}

bool writer_is_holder(const struct writer *w)
{
	return w->was_held && w->is_refreshed && w->args.services->n_pictures != w->n_pictures &&
	       kube_lease_is_held(&w->lease, clock_boot()) && !w->is_leaving;
}

const char *writer_nobody_holds(const struct writer *w)
{
	return kube_lease_has_nobody(&w->lease, clock_boot()) ? w->lease.refused : NULL;
}

/* --- writes ----------------------------------------------------------------------------------- */

static void on_head(void *ctx, int status, unsigned retry_s)
{
	struct job *j = ctx;
	const struct kube_note note = {
		.what = KUBE_NOTE_HEAD, .status = status, .retry_s = retry_s};

	note_status(j->writer, status);
	kube_write_notify(j->write, &note, loop_now(j->writer->args.loop));
}

static void on_body(void *ctx, const char *data, size_t len)
{
	struct job *j = ctx;

	kube_write_receive(j->write, data, len);
}

static void on_end(void *ctx, const char *error)
{
	struct job *j = ctx;
	const struct kube_note note = {.what = error ? KUBE_NOTE_LOST : KUBE_NOTE_END,
				       .why = error};

	j->request = NULL;
	j->writer->is_suspect |= error != NULL;
	kube_write_notify(TAKE_PTR(j->write), &note, loop_now(j->writer->args.loop));
}

static const struct http_events write_events = {.head = on_head, .body = on_body, .end = on_end};

static struct job *free_job(struct writer *w)
{
	struct job *j = w->jobs;

	while (j < w->jobs + KUBE_WRITES_OPEN && j->write)
		j++;
	return j < w->jobs + KUBE_WRITES_OPEN ? j : NULL;
}

static void open_write(struct writer *w, struct job *j, struct kube_write *write, nsec_t now)
{
	struct kube_request ask;
	char stamp[CLOCK_STAMP_BYTES];

	kube_request_init(&ask);
	if (kube_write_transmit(write, &ask, clock_stamp(stamp), now)) {
		log_debug("api server: written", "method=%s target=%s body=%s", ask.method,
			  log_quote(ask.target.data), log_quote(ask.body.data));
		*j = (struct job){.writer = w, .write = write};
		j->request = http_send(w->http, w->args.access, &ask, &write_events, j);
	}
	kube_request_done(&ask);
}

static void step_writes(struct writer *w, nsec_t now)
{
	struct kube_write *e;
	struct job *j;
	const char *said;

	while ((j = free_job(w))) {
		/* Now, not when the turn began. */
		kube_writes_hold(w->writes, writer_is_holder(w));
		e = kube_writes_next(w->writes, now);
		if (!e)
			break;
		open_write(w, j, e, now);
	}
	said = kube_writes_said(w->writes);
	if (*said)
		log_warn("api server: not written", "what=%s", log_quote(said));
}

/* --- the step --------------------------------------------------------------------------------- */

/* On a connection that has lost something nothing more is asked: it may be lost itself. */
static void look_after_connection(struct writer *w)
{
	if (w->is_suspect)
		http_reset(w->http, "another request was lost on the connection");
	w->is_suspect = false;
}

/* What is under way ends first: another holder must not be met by it. */
static void step_leaving(struct writer *w)
{
	if (w->is_leaving && kube_writes_open(w->writes) == 0)
		kube_lease_leave(&w->lease, clock_boot());
}

static nsec_t lease_deadline(const struct writer *w, nsec_t now)
{
	const nsec_t at = kube_lease_deadline(&w->lease), boot = clock_boot();

	if (at == NSEC_NEVER)
		return NSEC_NEVER;
	return at > boot ? nsec_add(now, at - boot) : now;
}

nsec_t writer_step(struct writer *w, nsec_t now)
{
	nsec_t next;

	(void)http_tick(w->http, now);
	*w->args.is_unauthorized |= http_take_distrust(w->http);
	look_after_connection(w);
	step_leaving(w);
	step_lease(w);
	note_lease(w, now);
	next = w->is_leaving ? NSEC_NEVER : teller_step(w->teller, writer_is_holder(w), now);
	step_writes(w, now);
	next = nsec_min(next, nsec_min(lease_deadline(w, now), kube_writes_deadline(w->writes)));
	return nsec_min(next, http_tick(w->http, now)); /* what was asked for is on its way */
}

void writer_take(struct writer *w, const struct kube_frame *frame)
{
	if (frame->type == KUBE_FRAME_WISH)
		kube_writes_wish(w->writes, frame, loop_now(w->args.loop));
	else
		teller_take(w->teller, frame);
}

void writer_note(struct writer *w, const struct kube_watch *watch)
{
	teller_note(w->teller, watch);
}

void writer_forget(struct writer *w)
{
	kube_writes_forget(w->writes);
	teller_forget(w->teller);
}

void writer_hurry(struct writer *w)
{
	kube_lease_hurry(&w->lease, clock_boot());
}

void writer_leave(struct writer *w)
{
	w->is_leaving = true;
	kube_writes_stop(w->writes);
}

bool writer_is_left(const struct writer *w)
{
	return w->is_leaving && kube_lease_is_left(&w->lease);
}

/* --- open and close --------------------------------------------------------------------------- */

struct writer *writer_new(const struct writer_args *args)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	struct rng rng;

	w->args = *args;
	rng_seed(&rng, args->seed);
	/* A pod that was replaced on the same node is another one. */
	(void)snprintf(w->identity, sizeof(w->identity), "%.253s_%016" PRIx64, args->node,
		       rng_next(&rng));
	w->http = http_new(args->loop);
	w->writes = kube_writes_new(&(struct kube_writes_args){.store = args->store,
							       .component = COMPONENT,
							       .node = args->node,
							       .seed = rng_next(&rng)});
	w->teller = teller_new(&(struct teller_args){.loop = args->loop,
						     .http = w->http,
						     .access = args->access,
						     .store = args->store,
						     .writes = w->writes,
						     .ns = args->ns,
						     .node = args->node,
						     .pod_name = args->pod_name,
						     .pod_uid = args->pod_uid,
						     .is_unauthorized = args->is_unauthorized,
						     .is_suspect = &w->is_suspect});
	kube_lease_init(&w->lease, &(struct kube_lease_args){.ns = args->ns,
							     .name = LEASE_NAME,
							     .identity = w->identity,
							     .seed = rng_next(&rng)});
	return w;
}

struct writer *writer_free(struct writer *w)
{
	if (!w)
		return NULL;
	w->http = http_free(w->http);
	teller_free(w->teller);
	kube_writes_free(w->writes);
	kube_lease_done(&w->lease);
	free(w);
	return NULL;
}
