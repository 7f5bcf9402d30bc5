// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One thread, one loop. Events of requests only tell the watches; the step asks each watch what it
 * wants and does it, looks whether the connection is alive, and has the agent told.
 */
#include "feeder/feeder.h"

#include "feeder/access.h"
#include "feeder/agent_link.h"
#include "feeder/http.h"
#include "feeder/writer.h"
#include "kube/kube_link.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <signal.h>
#include <unistd.h>

#define TARGET_BYTES 16384
#define PROBE        "/version"
#define STOP_NS      (5 * NSEC_PER_SEC) /* a write under way, and then the Lease */

struct feeder;

struct watcher {
	struct kube_watch watch;
	struct feeder *feeder;
	struct http_request *request; /* NULL: none is under way */
	enum kube_state said;         /* state that was logged last */
};

struct feeder {
	struct access *access;
	struct loop *loop;
	struct http *http;
	struct kube_store *store;
	struct kube_feed feed;
	struct agent_link *agent;
	struct watcher watchers[KUBE_N_KINDS];
	struct kube_link link;
	struct http_request *probe;
	struct writer *writer;
	bool is_unauthorized;    /* since the credentials were read last */
	unsigned access_version; /* with which is asked */
	nsec_t stop_at;          /* at the latest; NSEC_NEVER: not asked to */
};

static nsec_t now_of(const struct feeder *f)
{
	return loop_now(f->loop);
}

/* --- what happens to requests ----------------------------------------------------------------- */

static void on_head(void *ctx, int status, unsigned retry_s)
{
	struct watcher *w = ctx;
	struct feeder *f = w->feeder;

	kube_link_heard(&f->link, now_of(f));
	f->is_unauthorized |= status == 401;
	kube_watch_notify(
		&w->watch,
		&(struct kube_note){.what = KUBE_NOTE_HEAD, .status = status, .retry_s = retry_s},
		now_of(f));
}

static void on_body(void *ctx, const char *data, size_t len)
{
	struct watcher *w = ctx;

	kube_link_heard(&w->feeder->link, now_of(w->feeder));
	kube_watch_receive(&w->watch, data, len, now_of(w->feeder));
}

static void on_end(void *ctx, const char *error)
{
	struct watcher *w = ctx;
	const struct kube_note note = {.what = error ? KUBE_NOTE_LOST : KUBE_NOTE_END,
				       .why = error};

	w->request = NULL;
	kube_watch_notify(&w->watch, &note, now_of(w->feeder));
}

static const struct http_events watch_events = {.head = on_head, .body = on_body, .end = on_end};

/* Any answer is a sign of life. */
static void on_probe_head(void *ctx, int status, unsigned retry_s)
{
	struct feeder *f = ctx;

	(void)status, (void)retry_s;
	kube_link_heard(&f->link, now_of(f));
}

static void on_probe_body(void *ctx, const char *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
}

static void on_probe_end(void *ctx, const char *error)
{
	struct feeder *f = ctx;

	(void)error; /* the watches lose theirs by the same cause */
	f->probe = NULL;
}

static const struct http_events probe_events = {
	.head = on_probe_head, .body = on_probe_body, .end = on_probe_end};

/* --- the step --------------------------------------------------------------------------------- */

static void tell_state(struct watcher *w)
{
	const char *kind = kube_resource(w->watch.kind)->kind;

	kube_feed_note(&w->feeder->feed, &w->watch);
	writer_note(w->feeder->writer, &w->watch);
	if (w->said == w->watch.state)
		return;
	w->said = w->watch.state;
	if (w->said == KUBE_WATCHING)
		log_info("api server: watching", "kind=%s objects=%zu", kind,
			 kube_store_count(w->feeder->store, w->watch.kind));
	else if (w->said == KUBE_ABSENT && kube_resource(w->watch.kind)->is_own)
		log_info("api server: nothing is told in objects of a kind that is not installed",
			 "kind=%s", kind);
	else if (w->said == KUBE_ABSENT)
		log_debug("api server: not installed", "kind=%s", kind);
	else
		log_warn("api server: not watched", "kind=%s reason=%s", kind,
			 log_quote(w->watch.why));
}

static void open_request(struct watcher *w, nsec_t now)
{
	struct feeder *f = w->feeder;
	struct strbuf target;

	strbuf_init(&target, TARGET_BYTES);
	kube_watch_transmit(&w->watch, &target, now);
	log_debug("api server: asked", "target=%s", log_quote(target.data));
	w->request = http_get(f->http, f->access, target.data, &watch_events, w);
	strbuf_done(&target);
}

static void step_watch(struct watcher *w, nsec_t now)
{
	kube_watch_tick(&w->watch, now);
	if (kube_watch_poll(&w->watch, now) == KUBE_ASK_CLOSE) {
		if (w->request)
			http_cancel(w->feeder->http, TAKE_PTR(w->request));
		kube_watch_notify(&w->watch, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, now);
	}
	if (kube_watch_poll(&w->watch, now) == KUBE_ASK_OPEN)
		open_request(w, now);
	tell_state(w);
}

static bool has_requests(const struct feeder *f)
{
	for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++)
		if (f->watchers[k].request)
			return true;
	return false;
}

/* While nothing is under way there is no connection to look after. */
static nsec_t step_link(struct feeder *f, nsec_t now)
{
	if (!has_requests(f))
		kube_link_heard(&f->link, now);
	switch (kube_link_poll(&f->link, now)) {
	case KUBE_LINK_NOTHING:
		break;
	case KUBE_LINK_PROBE:
		kube_link_probed(&f->link, now);
		if (!f->probe)
			f->probe = http_get(f->http, f->access, PROBE, &probe_events, f);
		break;
	case KUBE_LINK_DEAD:
		log_warn("api server: the connection is dead", "silentSeconds=%llu",
			 (unsigned long long)((KUBE_LINK_IDLE_NS + KUBE_LINK_PROBE_NS) /
					      NSEC_PER_SEC));
		http_reset(f->http, "the server has fallen silent");
		kube_link_heard(&f->link, now);
		break;
	}
	return kube_link_deadline(&f->link);
}

static nsec_t refresh_access(struct feeder *f, nsec_t now)
{
	const bool is_doubted = http_take_distrust(f->http) | f->is_unauthorized;
	struct strbuf why;

	strbuf_init(&why, 1024);
	if (!access_refresh(f->access, now, is_doubted, &why))
		log_warn("credentials: cannot be read", "error=%s", log_quote(why.data));
	f->is_unauthorized = false;
	strbuf_done(&why);
	if (f->access_version != f->access->version) {
		log_info("credentials: read anew, and they are others", "server=%s",
			 log_quote(f->access->server));
		f->access_version = f->access->version;
		for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++)
			kube_watch_hurry(&f->watchers[k].watch, now);
		writer_hurry(f->writer);
	}
	return access_deadline(f->access);
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct feeder *f = ctx;
	nsec_t next = http_tick(f->http, now);
	const char *nobody;

	next = nsec_min(next, refresh_access(f, now));
	next = nsec_min(next, writer_step(f->writer, now));
	kube_feed_hold(&f->feed, writer_is_holder(f->writer));
	nobody = writer_nobody_holds(f->writer);
	kube_feed_allocator(&f->feed, !nobody, nobody ? nobody : "");
	for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++)
		step_watch(&f->watchers[k], now);
	next = nsec_min(next, step_link(f, now));
	next = nsec_min(next, agent_link_step(f->agent, now));
	for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++)
		next = nsec_min(next, kube_watch_deadline(&f->watchers[k].watch));
	next = nsec_min(next, http_tick(f->http, now)); /* what was asked for is on its way */
	if (f->stop_at != NSEC_NEVER && (now >= f->stop_at || writer_is_left(f->writer)))
		loop_stop(f->loop);
	return nsec_min(next, f->stop_at);
}

/* --- open and close --------------------------------------------------------------------------- */

static void on_signal(void *ctx, int signo)
{
	struct feeder *f = ctx;

	log_info("stopping", "signal=%d", signo);
	f->stop_at = nsec_add(loop_now(f->loop), STOP_NS);
	writer_leave(f->writer);
}

static void on_said(void *ctx, const struct kube_frame *frame)
{
	struct feeder *f = ctx;

	writer_take(f->writer, frame);
}

static void on_agent_lost(void *ctx)
{
	struct feeder *f = ctx;

	writer_forget(f->writer);
}

static const struct agent_link_events agent_events = {.said = on_said, .lost = on_agent_lost};

static void start(struct feeder *f, const struct feeder_args *args)
{
	uint64_t seed = 0;

	f->loop = loop_new();
	/* Of a thousand nodes no two are to wait equally long; pods all have the same process id.
	 */
	if (getentropy(&seed, sizeof(seed)) != 0)
		abort();
	f->http = http_new(f->loop);
	f->store = kube_store_new();
	f->agent = agent_link_new(f->loop, &(struct agent_link_args){.path = args->agent,
								     .feed = &f->feed,
								     .store = f->store,
								     .events = &agent_events,
								     .ctx = f});
	for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++) {
		const struct kube_watch_args w = {.kind = k,
						  .ns = args->ns,
						  .node = args->node,
						  .store = f->store,
						  .seed = seed + k};

		f->watchers[k].feeder = f;
		kube_watch_init(&f->watchers[k].watch, &w);
	}
	f->stop_at = NSEC_NEVER;
	f->writer = writer_new(&(struct writer_args){.loop = f->loop,
						     .access = f->access,
						     .store = f->store,
						     .services = &f->watchers[KUBE_SERVICE].watch,
						     .ns = args->ns,
						     .node = args->node,
						     .pod_name = args->pod_name,
						     .pod_uid = args->pod_uid,
						     .is_unauthorized = &f->is_unauthorized,
						     .seed = seed + KUBE_N_KINDS});
	kube_feed_begin(&f->feed, f->store);
	loop_signal(f->loop, SIGTERM, on_signal, f);
	loop_signal(f->loop, SIGINT, on_signal, f);
}

int feeder_run(const struct feeder_args *args)
{
	struct feeder f = {.access = args->access, .access_version = args->access->version};
	int r;

	start(&f, args);
	r = loop_run(f.loop, step, &f);
	f.http = http_free(f.http);
	f.writer = writer_free(f.writer);
	agent_link_free(f.agent);
	for (enum kube_kind k = 0; k < KUBE_N_KINDS; k++)
		kube_watch_done(&f.watchers[k].watch);
	kube_store_free(f.store);
	loop_free(f.loop);
	return r;
}
