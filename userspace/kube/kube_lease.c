// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Look, and by what is seen: create it, take it, renew it, or watch it and look again. What a lost
 * answer would have said is found out by looking: if we are the holder, nobody else has taken it,
 * for our identity is nobody else's; but it is only held from a renewal on that was granted.
 */
#include "kube/kube_lease.h"

#include "kube/kube_json.h"

#include <assert.h>

#define ANSWER_BYTES 65536 /* a Lease, with its managedFields */
#define REST_NS      (30 * NSEC_PER_SEC)
#define FORBIDDEN_NS                                                                               \
	(20 * NSEC_PER_SEC) /* until it is believed: a server that starts refuses all */
#define CROWD        5      /* so many may look every two seconds */
#define STEP_NS      (10 * NSEC_PER_MSEC) /* for each node, */
#define STEPS_MAX_NS (5 * NSEC_PER_SEC)   /* ... up to that: not all look at once */
#define WATCH_MIN_S  300                  /* a watch is asked for so long, and up to twice that */
#define USEFUL_NS    (1 * NSEC_PER_SEC)   /* one that ends sooner is not resumed at once */
#define RESUME_NS    (200 * NSEC_PER_MSEC)

void kube_lease_init(struct kube_lease *l, const struct kube_lease_args *args)
{
	*l = (struct kube_lease){.ns = args->ns,
				 .name = args->name,
				 .identity = args->identity,
				 .step = KUBE_LEASE_LOOK};
	rng_seed(&l->rng, args->seed);
	strbuf_init(&l->answer, ANSWER_BYTES);
	kube_split_init(&l->split, KUBE_SPLIT_EVENTS);
}

void kube_lease_done(struct kube_lease *l)
{
	strbuf_done(&l->answer);
	kube_split_done(&l->split);
	free(l->version);
	free(l->holder);
	free(l->acquired);
}

static bool is_open(const struct kube_lease *l)
{
	return l->at == NSEC_NEVER && l->step != KUBE_LEASE_GIVEN;
}

bool kube_lease_is_held(const struct kube_lease *l, nsec_t now)
{
	return l->is_ours && !l->is_leaving && now < nsec_add(l->renewed_at, KUBE_LEASE_HELD_NS);
}

bool kube_lease_has_nobody(const struct kube_lease *l, nsec_t now)
{
	return !l->is_leaving && l->looked_at != 0 &&
	       now < nsec_add(l->looked_at, KUBE_LEASE_NOBODY_NS) &&
	       now >= nsec_add(l->held_at, KUBE_LEASE_NOBODY_NS);
}

/* --- what comes next -------------------------------------------------------------------------- */

static void next(struct kube_lease *l, enum kube_lease_step step, nsec_t at)
{
	assert((at == NSEC_NEVER) == (step == KUBE_LEASE_GIVEN)); /* else a request is under way */
	l->step = step;
	l->at = at;
}

static nsec_t soon(struct kube_lease *l, nsec_t after)
{
	return after + rng_below(&l->rng, after / 5 + 1);
}

/* Between two looks. */
static nsec_t patience(struct kube_lease *l)
{
	const nsec_t long_enough = KUBE_LEASE_RETRY_NS * (l->n_nodes / CROWD + 1);

	return soon(l, nsec_min(long_enough, KUBE_LEASE_LASTS_NS));
}

static bool is_our_name(const struct kube_lease *l)
{
	return l->holder && strcmp(l->holder, l->identity) == 0;
}

static nsec_t expires_at(const struct kube_lease *l)
{
	return nsec_add(l->seen_at, KUBE_LEASE_LASTS_NS);
}

/* When a watch has heard enough: nobody has it, or nobody will have had it for long enough. */
static nsec_t watched_until(struct kube_lease *l, nsec_t now)
{
	const nsec_t steps = nsec_min((l->n_nodes + 1) * STEP_NS, STEPS_MAX_NS);

	return nsec_add(*l->holder ? expires_at(l) : now, rng_below(&l->rng, steps));
}

/* What is to be done about the Lease as it was seen. */
static void decide(struct kube_lease *l, nsec_t now)
{
	assert(l->version && l->holder); /* it was seen */
	const bool is_free = is_our_name(l) || !*l->holder || now >= expires_at(l);

	if (l->is_leaving && is_our_name(l))
		next(l, KUBE_LEASE_GIVE, now);
	else if (l->is_leaving)
		next(l, KUBE_LEASE_GIVEN, NSEC_NEVER);
	else if (is_free)
		next(l, KUBE_LEASE_TAKE, now);
	else if (!l->cannot_watch)
		next(l, KUBE_LEASE_WATCH, now);
	else
		next(l, KUBE_LEASE_LOOK, nsec_min(nsec_add(now, patience(l)), expires_at(l)));
}

static bool is_forbidden(struct kube_lease *l, nsec_t now)
{
	if (l->status != 403)
		l->forbidden_at = 0;
	else if (l->forbidden_at == 0)
		l->forbidden_at = now;
	return l->forbidden_at != 0 && now - l->forbidden_at >= FORBIDDEN_NS;
}

/* The server's, or another's word is awaited. */
static void fail(struct kube_lease *l, nsec_t now, const char *why)
{
	nsec_t delay = soon(l, KUBE_LEASE_RETRY_NS / 2);
	const bool rests = is_forbidden(l, now);

	if (!l->is_ours && l->n_failures > 0)
		delay = rests ? soon(l, REST_NS) : patience(l);
	l->n_failures++;
	(void)snprintf(l->why, sizeof(l->why), "%s", why);
	if (l->retry_s > 0 && !l->is_ours)
		delay = nsec_min(l->retry_s * NSEC_PER_SEC, REST_NS);
	next(l, KUBE_LEASE_LOOK, nsec_add(now, delay));
}

void kube_lease_hurry(struct kube_lease *l, nsec_t now)
{
	if (!is_open(l) && l->step != KUBE_LEASE_GIVEN && *l->why)
		l->at = nsec_min(l->at, now);
}

void kube_lease_leave(struct kube_lease *l, nsec_t now)
{
	const bool was_ours = l->is_ours;

	if (l->is_leaving)
		return;
	l->is_leaving = true;
	if (is_open(l))
		return; /* what becomes of it decides */
	next(l, was_ours ? KUBE_LEASE_GIVE : KUBE_LEASE_GIVEN, was_ours ? now : NSEC_NEVER);
}

bool kube_lease_is_left(const struct kube_lease *l)
{
	return l->step == KUBE_LEASE_GIVEN;
}

/* --- requests --------------------------------------------------------------------------------- */

static nsec_t request_ends(const struct kube_lease *l)
{
	if (l->step != KUBE_LEASE_WATCH)
		return nsec_add(l->sent_at, KUBE_WRITE_NS);
	return l->is_leaving ? 0 : l->until;
}

enum kube_ask kube_lease_poll(const struct kube_lease *l, nsec_t now)
{
	if (l->step == KUBE_LEASE_GIVEN)
		return KUBE_ASK_NOTHING;
	if (is_open(l))
		return now >= request_ends(l) ? KUBE_ASK_CLOSE : KUBE_ASK_NOTHING;
	return now >= l->at ? KUBE_ASK_OPEN : KUBE_ASK_NOTHING;
}

nsec_t kube_lease_deadline(const struct kube_lease *l)
{
	nsec_t at = is_open(l) ? request_ends(l) : l->at;

	if (l->is_ours && !l->is_leaving)
		at = nsec_min(at, nsec_add(l->renewed_at, KUBE_LEASE_HELD_NS));
	return at;
}

static void add_spec(const struct kube_lease *l, cJSON *lease, const char *stamp)
{
	const bool gives = l->step == KUBE_LEASE_GIVE, keeps = is_our_name(l);
	const unsigned transitions = l->transitions + (l->version && !keeps);
	cJSON *spec = cJSON_AddObjectToObject(lease, "spec");

	cJSON_AddStringToObject(spec, "holderIdentity", gives ? "" : l->identity);
	cJSON_AddNumberToObject(spec, "leaseDurationSeconds",
				gives ? 1 : (double)(KUBE_LEASE_LASTS_NS / NSEC_PER_SEC));
	cJSON_AddStringToObject(spec, "acquireTime", keeps && l->acquired ? l->acquired : stamp);
	cJSON_AddStringToObject(spec, "renewTime", stamp);
	cJSON_AddNumberToObject(spec, "leaseTransitions", transitions);
}

static void add_body(const struct kube_lease *l, struct strbuf *body, const char *stamp)
{
	_cleanup_(kube_json_freep) cJSON *lease = cJSON_CreateObject();
	_cleanup_(freep) char *text = NULL;
	cJSON *meta;

	assert(l->step == KUBE_LEASE_CREATE || l->version); /* a write names what it replaces */
	cJSON_AddStringToObject(lease, "apiVersion", "coordination.k8s.io/v1");
	cJSON_AddStringToObject(lease, "kind", "Lease");
	meta = cJSON_AddObjectToObject(lease, "metadata");
	cJSON_AddStringToObject(meta, "name", l->name);
	cJSON_AddStringToObject(meta, "namespace", l->ns);
	if (l->step != KUBE_LEASE_CREATE)
		cJSON_AddStringToObject(meta, "resourceVersion", l->version);
	add_spec(l, lease, stamp);
	text = cJSON_PrintUnformatted(lease);
	if (!text)
		abort();
	strbuf_add(body, text);
}

/* Versions are digits, and names have nothing that is to be encoded. */
static void add_watch(struct kube_lease *l, struct strbuf *target)
{
	strbuf_printf(target,
		      "?watch=1&fieldSelector=metadata.name%%3D%s&resourceVersion=%s"
		      "&timeoutSeconds=%u",
		      l->name, l->version, WATCH_MIN_S + (unsigned)rng_below(&l->rng, WATCH_MIN_S));
}

void kube_lease_transmit(struct kube_lease *l, struct kube_request *ret, const char *stamp,
			 nsec_t now)
{
	const bool is_stream = l->step == KUBE_LEASE_WATCH, is_new = l->step == KUBE_LEASE_CREATE;
	const bool is_write = l->step != KUBE_LEASE_LOOK && !is_stream;

	assert(!is_open(l) && l->step != KUBE_LEASE_GIVEN);
	strbuf_printf(&ret->target, "/apis/coordination.k8s.io/v1/namespaces/%s/leases", l->ns);
	if (is_stream)
		add_watch(l, &ret->target);
	else
		strbuf_printf(&ret->target, "%s%s?timeout=%llus", is_new ? "" : "/",
			      is_new ? "" : l->name,
			      (unsigned long long)(KUBE_WRITE_NS / NSEC_PER_SEC));
	ret->is_stream = is_stream;
	ret->method = !is_write ? "GET" : is_new ? "POST" : "PUT";
	ret->content_type = is_write ? "application/json" : NULL;
	if (is_write)
		add_body(l, &ret->body, stamp);
	if (is_stream)
		l->until = watched_until(l, now);
	kube_split_done(&l->split);
	kube_split_init(&l->split, KUBE_SPLIT_EVENTS);
	strbuf_done(&l->answer);
	l->at = NSEC_NEVER;
	l->sent_at = now;
	l->status = 0;
	l->retry_s = 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void replace(char **text, const char *by)
{
	free(*text);
	*text = xstrdup(by);
}

static void note_holder(struct kube_lease *l, nsec_t now)
{
	l->held_at = now;
	l->refused[0] = '\0';
}

static void note_look(struct kube_lease *l, nsec_t now)
{
	if (l->looked_at == 0)
		note_holder(l, now);
	l->looked_at = now;
}

/* False: it is no Lease. */
static bool see(struct kube_lease *l, const cJSON *lease, nsec_t now)
{
	const cJSON *spec = kube_json_get(lease, "spec");
	const cJSON *transitions = kube_json_get(spec, "leaseTransitions");
	const char *version = kube_json_text(kube_json_get(lease, "metadata"), "resourceVersion");
	const char *holder = kube_json_text(spec, "holderIdentity");
	const char *acquired = kube_json_text(spec, "acquireTime");

	if (!version || !*version)
		return false;
	if (!l->version || strcmp(l->version, version) != 0) {
		l->seen_at = now;
		if (holder && *holder)
			note_holder(l, now);
	}
	replace(&l->version, version);
	replace(&l->holder, holder ? holder : "");
	replace(&l->acquired, acquired ? acquired : "");
	l->transitions = cJSON_IsNumber(transitions) && transitions->valueint > 0
				 ? (unsigned)transitions->valueint
				 : 0;
	return true;
}

static bool see_answer(struct kube_lease *l, nsec_t now)
{
	_cleanup_(kube_json_freep) cJSON *lease = kube_json_body(l->answer.data, l->answer.len);

	return see(l, lease, now);
}

/* Anything but that it is there and so says no more than that it is to be looked at. */
static void take_event(struct kube_lease *l, const struct strbuf *piece, nsec_t now)
{
	_cleanup_(kube_json_freep) cJSON *event = kube_json_piece(piece->data, piece->len);
	const char *type = kube_json_text(event, "type");
	const bool is_there = type && (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0);

	if (is_there && see(l, kube_json_get(event, "object"), now))
		l->until = is_our_name(l) ? now : watched_until(l, now);
	else
		l->until = now;
}

void kube_lease_receive(struct kube_lease *l, const char *data, size_t len, nsec_t now)
{
	enum kube_piece piece;

	if (!is_open(l))
		return;
	if (l->step != KUBE_LEASE_WATCH || l->status != 200) {
		strbuf_add_len(&l->answer, data, len);
		return;
	}
	while ((piece = kube_split_next(&l->split, &data, &len)) == KUBE_PIECE_ITEM)
		take_event(l, &l->split.piece, now);
	if (piece == KUBE_PIECE_BAD)
		l->until = now;
}

/* It was granted. That it is ours counts from when it was asked for. */
static void is_granted(struct kube_lease *l, nsec_t now)
{
	assert(l->step == KUBE_LEASE_CREATE || l->step == KUBE_LEASE_TAKE);
	assert(l->sent_at <= now);
	l->is_ours = true;
	l->renewed_at = l->sent_at;
	note_holder(l, now);
	if (l->is_leaving)
		next(l, KUBE_LEASE_GIVE, now);
	else
		next(l, KUBE_LEASE_TAKE, nsec_add(now, KUBE_LEASE_RETRY_NS));
}

static void say_no(struct kube_lease *l, nsec_t now)
{
	_cleanup_(kube_json_freep) cJSON *no = kube_json_body(l->answer.data, l->answer.len);
	const char *message = kube_json_text(no, "message");
	char why[sizeof(l->why)];

	(void)snprintf(why, sizeof(why), "status %d to the Lease: %s", l->status,
		       message ? message : "");
	if (l->step != KUBE_LEASE_LOOK)
		memcpy(l->refused, why, sizeof(l->refused));
	fail(l, now, why);
}

static void answered(struct kube_lease *l, nsec_t now)
{
	const bool was_look = l->step == KUBE_LEASE_LOOK, is_well = l->status / 100 == 2;

	if (is_well && l->step == KUBE_LEASE_GIVE) {
		l->is_ours = false;
		next(l, KUBE_LEASE_GIVEN, NSEC_NEVER);
		return;
	}
	if (was_look && (is_well || l->status == 404))
		note_look(l, now);
	if (was_look && l->status == 404 && !l->is_leaving) {
		next(l, KUBE_LEASE_CREATE, now);
		return;
	}
	if (!was_look && (l->status == 409 || l->status == 404)) {
		/* Somebody else was faster, or a request of ours that was given up for lost. */
		next(l, KUBE_LEASE_LOOK, nsec_add(now, rng_below(&l->rng, NSEC_PER_SEC / 10)));
		return;
	}
	if (!is_well || !see_answer(l, now)) {
		say_no(l, now);
		return;
	}
	l->n_failures = 0;
	l->why[0] = '\0';
	if (was_look) {
		decide(l, now);
		return;
	}
	l->forbidden_at = 0;
	is_granted(l, now);
}

/* Of the watch: by itself, as we asked, or never begun. What was missed is found by looking. */
static void watch_ended(struct kube_lease *l, nsec_t now)
{
	const bool is_refused =
		l->status / 100 == 4 && l->status != 401 && l->status != 410 && l->status != 429;

	l->cannot_watch |= is_refused;
	if (l->is_leaving || is_refused)
		decide(l, now);
	else if (l->status == 200 || l->status == 410)
		next(l, KUBE_LEASE_LOOK,
		     nsec_add(now, now - l->sent_at < USEFUL_NS ? soon(l, KUBE_LEASE_RETRY_NS)
								: rng_below(&l->rng, RESUME_NS)));
	else
		say_no(l, now);
}

/* Leaving, one try is enough: what is not given back expires. */
static void lost(struct kube_lease *l, nsec_t now, const char *why)
{
	if (l->is_leaving && l->step == KUBE_LEASE_GIVE)
		next(l, KUBE_LEASE_GIVEN, NSEC_NEVER);
	else
		fail(l, now, why);
}

void kube_lease_notify(struct kube_lease *l, const struct kube_note *note, nsec_t now)
{
	if (!is_open(l))
		return;
	switch (note->what) {
	case KUBE_NOTE_HEAD:
		l->status = note->status;
		l->retry_s = note->retry_s;
		break;
	case KUBE_NOTE_END:
		if (l->step == KUBE_LEASE_WATCH)
			watch_ended(l, now);
		else
			answered(l, now);
		break;
	case KUBE_NOTE_LOST:
		lost(l, now, note->why);
		break;
	case KUBE_NOTE_CLOSED:
		if (l->step == KUBE_LEASE_WATCH && l->is_leaving)
			decide(l, now);
		else if (l->step == KUBE_LEASE_WATCH)
			next(l, KUBE_LEASE_LOOK, now);
		else
			lost(l, now, "the server does not answer about the Lease");
		break;
	}
	kube_lease_tick(l, now);
}

void kube_lease_tick(struct kube_lease *l, nsec_t now)
{
	if (l->is_ours && now >= nsec_add(l->renewed_at, KUBE_LEASE_HELD_NS))
		l->is_ours = false;
}
