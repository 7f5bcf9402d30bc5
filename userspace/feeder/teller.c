// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Reports are written by those who write (kube/kube_writes.h); a sweep has a request of its own. */
#include "feeder/teller.h"

#include "feeder/http.h"
#include "kube/kube_reports.h"
#include "kube/kube_sweep.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"

struct teller {
	struct teller_args args;
	struct kube_reports *reports;
	struct kube_sweep sweep;
	struct http_request *sweep_request; /* NULL: none is under way */
};

/* --- what nodes that are gone have left ------------------------------------------------------- */

static void on_sweep_head(void *ctx, int status, unsigned retry_s)
{
	struct teller *t = ctx;
	const struct kube_note note = {
		.what = KUBE_NOTE_HEAD, .status = status, .retry_s = retry_s};

	*t->args.is_unauthorized |= status == 401;
	kube_sweep_notify(&t->sweep, &note, loop_now(t->args.loop));
}

static void on_sweep_body(void *ctx, const char *data, size_t len)
{
	struct teller *t = ctx;

	kube_sweep_receive(&t->sweep, data, len);
}

static void on_sweep_end(void *ctx, const char *error)
{
	struct teller *t = ctx;
	const struct kube_note note = {.what = error ? KUBE_NOTE_LOST : KUBE_NOTE_END,
				       .why = error};

	t->sweep_request = NULL;
	*t->args.is_suspect |= error != NULL;
	kube_sweep_notify(&t->sweep, &note, loop_now(t->args.loop));
}

static const struct http_events sweep_events = {
	.head = on_sweep_head, .body = on_sweep_body, .end = on_sweep_end};

static void open_sweep(struct teller *t, nsec_t now)
{
	struct kube_request ask;

	kube_request_init(&ask);
	kube_sweep_transmit(&t->sweep, &ask, now);
	log_debug("api server: swept", "method=%s target=%s", ask.method,
		  log_quote(ask.target.data));
	t->sweep_request = http_send(t->args.http, t->args.access, &ask, &sweep_events, t);
	kube_request_done(&ask);
}

static nsec_t step_sweep(struct teller *t, nsec_t now)
{
	kube_sweep_tick(&t->sweep, now);
	switch (kube_sweep_poll(&t->sweep, now)) {
	case KUBE_ASK_NOTHING:
		break;
	case KUBE_ASK_OPEN:
		open_sweep(t, now);
		break;
	case KUBE_ASK_CLOSE:
		if (t->sweep_request)
			http_cancel(t->args.http, TAKE_PTR(t->sweep_request));
		kube_sweep_notify(&t->sweep, &(struct kube_note){.what = KUBE_NOTE_CLOSED}, now);
		break;
	}
	return kube_sweep_deadline(&t->sweep);
}

/* --- the step --------------------------------------------------------------------------------- */

nsec_t teller_step(struct teller *t, bool is_holder, nsec_t now)
{
	char stamp[CLOCK_STAMP_BYTES];

	kube_reports_hold(t->reports, is_holder);
	kube_sweep_hold(&t->sweep, is_holder, now);
	return nsec_min(step_sweep(t, now), kube_reports_step(t->reports, clock_stamp(stamp), now));
}

void teller_take(struct teller *t, const struct kube_frame *frame)
{
	kube_reports_take(t->reports, frame);
}

void teller_forget(struct teller *t)
{
	kube_reports_forget(t->reports);
}

void teller_note(struct teller *t, const struct kube_watch *watch)
{
	kube_reports_note(t->reports, watch);
}

struct teller *teller_new(const struct teller_args *args)
{
	struct teller *t = xcalloc(1, sizeof(*t));

	t->args = *args;
	kube_sweep_init(&t->sweep, args->store, args->ns);
	t->reports = kube_reports_new(&(struct kube_reports_args){.store = args->store,
								  .writes = args->writes,
								  .ns = args->ns,
								  .node = args->node,
								  .pod_name = args->pod_name,
								  .pod_uid = args->pod_uid});
	return t;
}

struct teller *teller_free(struct teller *t)
{
	if (!t)
		return NULL;
	kube_sweep_done(&t->sweep);
	kube_reports_free(t->reports);
	free(t);
	return NULL;
}
