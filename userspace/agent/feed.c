// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One feeder at a time; another one waits in the backlog until it is gone. Bytes are read when they
 * are there, frames are taken in the step, which is where the world may change. A frame that is
 * none, or one out of order, ends the connection; the feeder comes again and begins anew.
 */
#include "agent/feed.h"

#include "agent/agent.h"
#include "agent/apply.h"
#include "agent/feed_inside.h"
#include "agent/sources.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#define SOURCE_KUBE "kube"
#define SLICE_NS    (8 * NSEC_PER_MSEC) /* of a turn */
#define WHOLE_NS    (3 * NSEC_PER_SEC)  /* a first picture is waited for so long */
#define ANSWER_NS   (50 * NSEC_PER_MSEC)
#define READ_BYTES  (64u << 10) /* from twice as much on malloc asks the kernel each time */

/* --- the connection --------------------------------------------------------------------------- */

static void watch_listener(struct agent_feed *f)
{
	loop_fd_want(f->listener_watch, f->fd < 0, false);
}

static void hang_up(struct agent *a, const char *why)
{
	struct agent_feed *f = a->feed;

	log_warn("feed: the feeder is gone", "reason=%s", log_quote(why));
	f->watch = loop_fd_free(f->watch);
	close(TAKE_FD(f->fd));
	f->in.len = 0;
	feed_wishes_forget(f);
	feed_reported_forget(f->reported);
	f->is_greeted = f->is_holder = f->is_holder_told = f->is_unallocated = false;
	f->since = loop_now(a->loop);
	watch_listener(f);
	agent_input_changed(&a->inputs, INPUT_STATE);
}

static void want(struct agent_feed *f)
{
	loop_fd_want(f->watch, f->in.len < KUBE_FRAME_BYTES, f->sent < f->out.len);
}

static void on_bytes(void *ctx, bool readable, bool writable)
{
	struct agent *a = ctx;
	struct agent_feed *f = a->feed;
	char *bytes = xmalloc(READ_BYTES);
	ssize_t got = readable ? recv(f->fd, bytes, READ_BYTES, MSG_DONTWAIT) : -1;

	if (!readable) {
		if (writable && !feed_wishes_write(a))
			hang_up(a, strerror(errno));
	} else if (got > 0) {
		strbuf_add_len(&f->in, bytes, (size_t)got);
		/* The step reads on once it has taken some of it. */
		want(f);
		f->is_read_due = true;
		agent_input_changed(&a->inputs, INPUT_FEED);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		hang_up(a, got == 0 ? "it has closed the connection" : strerror(errno));
	}
	free(bytes);
}

static bool greet(int fd)
{
	const struct kube_frame hello = {.type = KUBE_FRAME_HELLO, .version = KUBE_FEED_VERSION};
	struct strbuf out;
	bool is_sent;

	strbuf_init(&out, 64);
	kube_frame_encode(&out, &hello);
	is_sent = send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)out.len;
	strbuf_done(&out);
	return is_sent;
}

static void on_feeder(void *ctx, bool readable, bool writable)
{
	_cleanup_(fd_closep) int fd = -1;
	struct agent *a = ctx;
	struct agent_feed *f = a->feed;

	(void)readable, (void)writable;
	fd = accept4(f->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 || !greet(fd))
		return;
	f->fd = TAKE_FD(fd);
	f->since = loop_now(a->loop);
	f->watch = loop_fd_new(a->loop, "feed", f->fd, on_bytes, a);
	loop_fd_want(f->watch, true, false);
	watch_listener(f);
}

/* --- frames ----------------------------------------------------------------------------------- */

static void begin(struct agent *a, const struct kube_frame *frame)
{
	struct agent_feed *f = a->feed;

	memset(f->kinds, 0, sizeof(f->kinds));
	f->n_kinds = frame->n_kinds;
	for (size_t i = 0; i < f->n_kinds; i++)
		(void)snprintf(f->kinds[i].name, sizeof(f->kinds[i].name), "%.*s",
			       (int)frame->kinds[i].len, frame->kinds[i].text);
	f->is_greeted = true;
	f->n_told = f->n_seen = 0;
	feed_report_due(f, loop_now(a->loop));
	f->foreign_version = 0;
	f->whole_by = nsec_add(loop_now(a->loop), WHOLE_NS);
	feed_names_unsee(f->names);
	log_info("feed: a feeder has connected", "kinds=%zu", f->n_kinds);
	agent_input_changed(&a->inputs, INPUT_STATE);
}

static void forget_gone(struct agent_feed *f, struct feed_way *w)
{
	for (size_t i = 0; i < w->n_gone; i++) {
		feed_names_drop(f->names, w->gone[i]);
		free(w->gone[i]);
	}
	w->n_gone = 0;
}

static bool is_of_services(const struct feed_kind *k)
{
	return strcmp(k->name, "Service") == 0 || strcmp(k->name, "EndpointSlice") == 0;
}

bool feed_has_arrived(const struct agent_feed *f)
{
	return f->ways[FEED_SETTINGS].changes.n == 0 && f->ways[FEED_SERVICES].changes.n == 0;
}

static bool is_away(const struct agent_feed *f)
{
	return f->ways[FEED_SETTINGS].changes.is_away || f->ways[FEED_SERVICES].changes.is_away;
}

/* One way is over before the other goes on, so at most one change is half decoded. */
static bool read_on(struct agent_feed *f)
{
	return source_changes_read_on(&f->ways[FEED_SETTINGS].changes, f->until) &&
	       source_changes_read_on(&f->ways[FEED_SERVICES].changes, f->until);
}

/* What was decoded of it goes into the world, and the plan is due. */
static void apply_way(struct agent *a, struct feed_way *w)
{
	source_changes_apply(&w->changes, a->world);
	forget_gone(a->feed, w);
	w->round++;
	sources_told(a);
}

static void apply(struct agent *a)
{
	struct agent_feed *f = a->feed;

	apply_way(a, &f->ways[FEED_SETTINGS]);
	apply_way(a, &f->ways[FEED_SERVICES]);
	f->n_seen = f->n_told;
}

static struct feed_way *way_of(struct agent_feed *f, const struct feed_kind *k)
{
	return &f->ways[is_of_services(k) ? FEED_SERVICES : FEED_SETTINGS];
}

/* Names stay known until what has become of them is in the world. */
static void change(struct agent *a, struct feed_way *w, struct feed_name *name,
		   const struct kube_text *text)
{
	struct agent_feed *f = a->feed;
	struct watch_file file = {.event = text ? WATCH_CHANGED : WATCH_GONE, .path = name->text};

	if (text) {
		file.text = xmalloc(text->len + 1);
		memcpy(file.text, text->text, text->len);
		file.text[text->len] = '\0';
		file.len = text->len;
	} else {
		*(char **)xpush(&w->gone, &w->n_gone, &w->cap_gone, sizeof(char *)) =
			xstrdup(name->text);
	}
	name->round = w->round;
	name->is_seen = true;
	source_changes_add(&w->changes, a->world, &file, f->until);
}

/* False: the object has a change already that must be in the world before it is put. */
static bool take_change(struct agent *a, const struct kube_frame *frame)
{
	struct agent_feed *f = a->feed;
	const struct feed_kind *k = &f->kinds[frame->kind];
	_cleanup_(freep) char *source = feed_name_make(k->name, &frame->ns, &frame->name);
	struct feed_name *name = feed_names_get(f->names, source);
	struct feed_way *w = way_of(f, k);
	const bool is_put = frame->type == KUBE_FRAME_PUT;

	if (is_put && name->round == w->round)
		return false;
	feed_wishes_told(f, name);
	f->n_updates++;
	f->n_told++;
	change(a, w, name, is_put ? &frame->text : NULL);
	return true;
}

static void complete(struct agent *a, struct feed_kind *k)
{
	struct agent_feed *f = a->feed;

	for (struct feed_name *n = feed_names_first(f->names); n; n = feed_names_next(n))
		if (!n->is_seen && feed_name_is_of(n, k->name))
			change(a, way_of(f, k), n, NULL);
	k->is_complete = true;
}

static bool is_whole(const struct agent_feed *f)
{
	for (size_t i = 0; i < f->n_kinds; i++)
		if (!f->kinds[i].is_complete && f->kinds[i].state != KUBE_REFUSED)
			return false;
	return f->is_greeted;
}

/*
 * What is not told yet is of kinds that seem not to be installed: the plan of what is there is as
 * good as it will be, and nothing is withdrawn until they are complete, too.
 */
static bool is_as_good_as_whole(const struct agent_feed *f, bool with_services)
{
	for (size_t i = 0; i < f->n_kinds; i++)
		if (!f->kinds[i].is_complete && f->kinds[i].state != KUBE_REFUSED &&
		    f->kinds[i].state != KUBE_ABSENT &&
		    (with_services || !is_of_services(&f->kinds[i])))
			return false;
	return f->is_greeted;
}

/* Until then what comes is kept back, so that plans are made of a whole picture. */
static bool is_waited_for(const struct agent_feed *f, nsec_t now)
{
	return !f->was_whole && !is_as_good_as_whole(f, true) && now < f->whole_by;
}

static void note_whole(struct agent *a)
{
	struct agent_feed *f = a->feed;

	if (f->was_whole || !is_whole(f))
		return;
	f->was_whole = true;
	log_info("feed: the picture is complete", "objects=%zu", feed_names_count(f->names));
}

static void set_state(struct agent *a, const struct kube_frame *frame)
{
	struct feed_kind *k = &a->feed->kinds[frame->kind];

	k->state = (enum kube_state)frame->state;
	(void)snprintf(k->why, sizeof(k->why), "%.*s", (int)frame->text.len, frame->text.text);
	agent_input_changed(&a->inputs, INPUT_STATE);
}

/* Who is to allocate begins once all that was told before is in the world, and ends at once. */
static void note_holder(struct agent *a)
{
	struct agent_feed *f = a->feed;

	if (f->is_holder == f->is_holder_told)
		return;
	f->is_holder = f->is_holder_told;
	if (!f->is_holder)
		feed_wishes_lost(f);
	log_info("feed: allocating addresses", "holder=%s", f->is_holder ? "yes" : "no");
	agent_input_changed(&a->inputs, INPUT_OBJECTS);
}

static void set_allocator(struct agent *a, const struct kube_frame *frame)
{
	struct agent_feed *f = a->feed;

	f->is_unallocated = !frame->is_holder;
	(void)snprintf(f->unallocated_why, sizeof(f->unallocated_why), "%.*s", (int)frame->text.len,
		       frame->text.text);
	agent_input_changed(&a->inputs, INPUT_STATE);
}

enum taken { TAKEN, AFTER_APPLY, WRONG };

static enum taken take_frame(struct agent *a, const struct kube_frame *frame)
{
	struct agent_feed *f = a->feed;

	if (frame->type == KUBE_FRAME_HELLO) {
		if (f->is_greeted)
			return WRONG;
		if (frame->version == KUBE_FEED_VERSION)
			begin(a, frame);
		else
			f->foreign_version = frame->version;
		return f->is_greeted ? TAKEN : WRONG;
	}
	if (f->is_greeted && frame->type == KUBE_FRAME_HOLDER) {
		f->is_holder_told = frame->is_holder;
		if (!frame->is_holder)
			note_holder(a);
		return TAKEN;
	}
	if (f->is_greeted && frame->type == KUBE_FRAME_ALLOCATOR) {
		set_allocator(a, frame);
		return TAKEN;
	}
	if (!f->is_greeted || frame->kind >= f->n_kinds)
		return WRONG;
	switch (frame->type) {
	case KUBE_FRAME_HELLO:
	case KUBE_FRAME_PUT:
	case KUBE_FRAME_GONE:
		return take_change(a, frame) ? TAKEN : AFTER_APPLY;
	case KUBE_FRAME_COMPLETE:
		complete(a, &f->kinds[frame->kind]);
		break;
	case KUBE_FRAME_STATE:
		set_state(a, frame);
		break;
	case KUBE_FRAME_HOLDER: /* were taken above */
	case KUBE_FRAME_ALLOCATOR:
	case KUBE_FRAME_WISH: /* these are ours to say */
	case KUBE_FRAME_REPORT:
	case KUBE_FRAME_REPORTED:
		return WRONG;
	}
	note_whole(a);
	return TAKEN;
}

/* --- the step --------------------------------------------------------------------------------- */

/* Takes frames until there are no more, or the time is over. False: it is over. */
static bool take_frames(struct agent *a, size_t *ret_at)
{
	struct agent_feed *f = a->feed;

	while (read_on(f)) {
		struct kube_frame frame;
		size_t taken = 0;
		const enum kube_decoded d = kube_frame_decode(f->in.data + *ret_at,
							      f->in.len - *ret_at, &frame, &taken);
		const enum taken is = d == KUBE_DECODED ? take_frame(a, &frame)
							: (d == KUBE_DECODED_BAD ? WRONG : TAKEN);

		if (d == KUBE_DECODED_MORE)
			return true;
		if (is == WRONG) {
			hang_up(a, f->foreign_version ? "it speaks another version"
						      : "what it says is not understood");
			return true;
		}
		f->is_blocked = is == AFTER_APPLY && apply_is_opening(a);
		if (f->is_blocked)
			return false;
		if (is == AFTER_APPLY)
			apply(a);
		else
			*ret_at += taken;
		if (clock_now() >= f->until)
			return false;
	}
	return false;
}

static void keep_rest(struct agent_feed *f, size_t at)
{
	if (f->fd < 0)
		return;
	if (at > 0)
		memmove(f->in.data, f->in.data + at, f->in.len - at);
	f->in.len -= at;
	if (f->in.len == 0)
		strbuf_done(&f->in);
	want(f);
}

/*
 * Settings go ahead of the Services that are waited for: sessions come up meanwhile, and the
 * programs are loaded. What hangs on a whole picture, hooks and gate 5, goes on waiting.
 */
static void arrive(struct agent *a, nsec_t now)
{
	struct agent_feed *f = a->feed;
	const bool was_awaited = a->awaits_services;

	a->awaits_services = is_waited_for(f, now);
	if (a->awaits_services) {
		if (f->ways[FEED_SETTINGS].changes.n > 0 && is_as_good_as_whole(f, false))
			apply_way(a, &f->ways[FEED_SETTINGS]);
		return;
	}
	if (!feed_has_arrived(f))
		apply(a);
	else if (was_awaited)
		sources_told(a); /* nothing came of it, but what waited for it */
	note_holder(a);
	if (f->was_whole)
		agent_source_complete(&a->inputs, SOURCE_KUBE);
}

void feed_step(struct agent *a, nsec_t now)
{
	struct agent_feed *f = a->feed;
	bool is_through = true;
	size_t at = 0;

	if (!f || is_away(f))
		return;
	f->is_open |= a->is_scanned; /* what was saved is in the world, or nothing was */
	if (!f->is_open)
		return;
	agent_inputs_done(&a->inputs, DUE_FEED);
	f->is_read_due = false;
	f->until = nsec_add(clock_now(), SLICE_NS);
	if (f->fd >= 0 && f->in.len > 0)
		is_through = take_frames(a, &at);
	is_through &= read_on(f);
	keep_rest(f, at);
	f->is_read_due |= !is_through && !is_away(f) && !f->is_blocked;
	if ((!is_through || apply_is_opening(a)) && !is_away(f))
		agent_input_changed(&a->inputs, INPUT_FEED);
	if (is_through && !apply_is_opening(a))
		arrive(a, now);
}

/*
 * One address was asked for a moment ago: what comes is most likely that it is written, and its
 * route waits for nothing else. Of many addresses the plans are gathered, as of all news.
 */
static bool awaits_an_answer(const struct agent *a)
{
	const struct agent_feed *f = a->feed;

	return f->n_wished == 1 && a->restless < AGENT_RESTLESS &&
	       loop_now(a->loop) < nsec_add(f->wished_at, ANSWER_NS);
}

nsec_t feed_deadline(const struct agent *a, nsec_t coalesced_at)
{
	const struct agent_feed *f = a->feed;

	if (!f || is_away(f) || !(f->is_open || a->is_scanned))
		return NSEC_NEVER;
	if (agent_inputs_due(&a->inputs, DUE_FEED))
		return awaits_an_answer(a) ? 0 : coalesced_at;
	return a->awaits_services ? f->whole_by : NSEC_NEVER;
}

bool feed_may_read_ahead(const struct agent *a)
{
	return a->feed && a->feed->is_read_due;
}

void feed_repeat(struct agent *a)
{
	if (a->feed && a->feed->fd >= 0)
		hang_up(a, "it is to tell everything again: there is room for more objects now");
}

bool feed_expect(struct agent *a, const char *source)
{
	if (!a->feed || strncmp(source, FEED_PREFIX, strlen(FEED_PREFIX)) != 0)
		return false;
	(void)feed_names_get(a->feed->names, source);
	return true;
}

/* --- open and close --------------------------------------------------------------------------- */

static void on_text_read(void *ctx)
{
	struct agent *a = ctx;

	a->feed->is_read_due = true;
	agent_input_changed(&a->inputs, INPUT_FEED);
}

int feed_start(struct agent *a)
{
	const struct unix_listener_args args = {.path = a->options->feed,
						.group = LODESTONE_FEED_GROUP};
	struct agent_feed *f;
	int r;

	if (!a->options->feed)
		return 0;
	f = xcalloc(1, sizeof(*f));
	r = unix_listener_open(&args, &f->listener);
	if (r < 0) {
		fprintf(stderr, "lodestoned: --feed %s: %s\n", a->options->feed, strerror(-r));
		free(f);
		return r;
	}
	f->fd = -1;
	f->since = clock_now();
	f->names = feed_names_new();
	f->reported = feed_reported_new();
	strbuf_init(&f->in, KUBE_FRAME_BYTES + READ_BYTES);
	strbuf_init(&f->out, FEED_OUT_BYTES);
	a->feed = f;
	a->cluster = FEED_PREFIX;
	for (size_t i = 0; i < FEED_N_WAYS; i++) {
		f->ways[i].round = 1;
		source_changes_use_helper(&f->ways[i].changes, a->reader, on_text_read, a);
	}
	agent_source_add(&a->inputs, SOURCE_KUBE);
	f->listener_watch = loop_fd_new(a->loop, "feed", f->listener.fd, on_feeder, a);
	watch_listener(f);
	return 0;
}

void feed_stop(struct agent *a)
{
	struct agent_feed *f = TAKE_PTR(a->feed);

	if (!f)
		return;
	loop_fd_free(f->watch);
	fd_closep(&f->fd);
	loop_fd_free(f->listener_watch);
	unix_listener_close(&f->listener);
	for (size_t i = 0; i < FEED_N_WAYS; i++) {
		source_changes_done(&f->ways[i].changes);
		forget_gone(f, &f->ways[i]);
		free(f->ways[i].gone);
	}
	feed_names_free(f->names);
	feed_reported_free(f->reported);
	strbuf_done(&f->in);
	strbuf_done(&f->out);
	free(f);
}
