// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * State at a version is made by walking the history, so a replica that lags is a smaller version.
 */
#include "sim/kube/kube_model.h"

#include <assert.h>

#define MARK_NS (10 * NSEC_PER_SEC)

const enum kube_kind model_kinds[MODEL_KINDS] = {KUBE_POOL, KUBE_SERVICE, KUBE_SLICE};

static bool happens(struct model *m, unsigned per_mille)
{
	return rng_below(m->rng, 1000) < per_mille;
}

void model_init(struct model *m, struct rng *rng, const struct model_faults *faults)
{
	*m = (struct model){.rng = rng, .faults = *faults};
	for (int i = 0; i < 20; i++)
		model_change(m);
	m->first_at = m->now_at;
}

static void change(struct model *m, unsigned kind, unsigned object, bool is_gone)
{
	if (m->now_at == MODEL_LOG)
		return;
	m->log[m->now_at++] =
		(struct model_event){.kind = kind, .object = object, .is_gone = is_gone};
	m->exists[kind][object] = !is_gone;
	if (is_gone)
		m->deleted_at[kind][object] = m->now_at;
	else
		m->changed_at[kind][object] = m->now_at;
}

void model_change(struct model *m)
{
	const unsigned kind = (unsigned)rng_below(m->rng, MODEL_KINDS);
	const unsigned object = (unsigned)rng_below(m->rng, MODEL_OBJECTS);

	if (kind == 0 && m->is_absent)
		return;
	change(m, kind, object, m->exists[kind][object] && rng_below(m->rng, 3) == 0);
	if (!m->faults.keeps_history && happens(m, m->faults.compact))
		m->compacted_at = m->now_at - (unsigned)rng_below(m->rng, 3);
}

void model_set_absent(struct model *m, bool is_absent)
{
	for (unsigned i = 0; i < MODEL_OBJECTS && is_absent && !m->is_absent; i++)
		if (m->exists[0][i])
			change(m, 0, i, true);
	m->is_absent = is_absent;
}

/* --- text ------------------------------------------------------------------------------------- */

/* The version of its last change is in the object twice: where it belongs, and to be checked. */
static void add_object(struct strbuf *out, unsigned kind, unsigned object, unsigned version)
{
	strbuf_printf(
		out,
		"{\"metadata\":{\"name\":\"o%u\",\"namespace\":\"n%u\",\"uid\":\"u\","
		"\"resourceVersion\":\"%u\",\"managedFields\":[{\"f:spec\":{\"}\":\"]\\\"\"}}],"
		"\"annotations\":{\"lodestone.io/v\":\"%u\",\"other\":\"{%u\"}}}",
		object, kind, version, version, version);
}

static void add_status(struct strbuf *out, int code, const char *more)
{
	strbuf_printf(out,
		      "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
		      "\"message\":\"model says %d\",\"code\":%d%s}",
		      code, code, more);
}

static void add_mark(struct strbuf *out, unsigned version, bool is_end)
{
	strbuf_printf(out,
		      "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%u\""
		      "%s}}}\n",
		      version,
		      is_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
}

static void add_error(struct strbuf *out, int code)
{
	strbuf_add(out, "{\"type\":\"ERROR\",\"object\":");
	add_status(out, code, "");
	strbuf_add(out, "}\n");
}

static void refuse(struct model_request *r, int code, const char *more)
{
	r->status = code;
	r->is_ending = true;
	add_status(&r->out, code, more);
}

/* --- answers ---------------------------------------------------------------------------------- */

struct state {
	unsigned changed_at[MODEL_OBJECTS]; /* 0: not there */
};

static struct state state_at(const struct model *m, unsigned kind, unsigned version)
{
	struct state s = {0};

	for (unsigned v = 1; v <= version; v++)
		if (m->log[v - 1].kind == kind)
			s.changed_at[m->log[v - 1].object] = m->log[v - 1].is_gone ? 0 : v;
	return s;
}

/* The number behind a key of the query; `none` where there is none. */
static unsigned number_in(const char *target, const char *key, unsigned none)
{
	const char *at = strstr(target, key);

	return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : none;
}

/* A list of some version in one page or in several; its token is "version.next". */
static void answer_list(struct model *m, struct model_request *r, const char *target)
{
	const char *go_on = strstr(target, "continue=");
	const char *next = go_on ? strchr(go_on, '.') : NULL;
	const unsigned asked = number_in(target, "resourceVersion=", 0);
	const bool is_old = !m->faults.keeps_history && strstr(target, "resourceVersion=");
	const unsigned lag = is_old ? (unsigned)rng_below(m->rng, 6) : 0;
	unsigned version = m->now_at > m->first_at + lag ? m->now_at - lag : m->first_at;
	unsigned i = 0, n = 0;
	struct state s;

	if (go_on) {
		version = number_in(target, "continue=", 0);
		assert(next);
		i = (unsigned)strtoul(next + 1, NULL, 10);
	}
	if (go_on && version < m->compacted_at) {
		refuse(r, 410, "");
		return;
	}
	if (asked > version) {
		refuse(r, 504,
		       ",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}");
		return;
	}
	s = state_at(m, r->kind, version);
	strbuf_add(&r->out, "{\"kind\":\"List\",\"items\":[");
	for (; i < MODEL_OBJECTS; i++) {
		if (s.changed_at[i] == 0)
			continue;
		if (strstr(target, "limit=") && m->faults.pages && n == 3)
			break;
		strbuf_add(&r->out, n++ ? "," : "");
		add_object(&r->out, r->kind, i, s.changed_at[i]);
	}
	strbuf_printf(&r->out, "],\"metadata\":{\"resourceVersion\":\"%u\"", version);
	if (i < MODEL_OBJECTS)
		strbuf_printf(&r->out, ",\"continue\":\"%u.%u\"", version, i);
	strbuf_add(&r->out, "}}");
	r->is_ending = true;
}

static void tell_picture(struct model *m, struct model_request *r, unsigned version)
{
	const struct state s = state_at(m, r->kind, version);

	for (unsigned i = 0; i < MODEL_OBJECTS; i++) {
		if (s.changed_at[i] == 0)
			continue;
		strbuf_add(&r->out, "{\"type\":\"ADDED\",\"object\":");
		add_object(&r->out, r->kind, i, s.changed_at[i]);
		strbuf_add(&r->out, "}\n");
	}
	add_mark(&r->out, version, true);
	r->at = version;
}

static void answer_watch(struct model *m, struct model_request *r, const char *target, nsec_t now)
{
	const bool has_picture = strstr(target, "sendInitialEvents=true") != NULL;

	r->is_watch = true;
	r->mark_at = nsec_add(now, rng_below(m->rng, MARK_NS));
	r->ends_at = nsec_add(now, number_in(target, "timeoutSeconds=", 0) * NSEC_PER_SEC);
	r->at = number_in(target, "resourceVersion=", 0);
	if (has_picture && !m->faults.has_watch_list) {
		refuse(r, rng_below(m->rng, 2) ? 422 : 400, "");
	} else if (r->at > m->now_at) {
		refuse(r, 504,
		       ",\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\"}]}");
	} else if (has_picture) {
		tell_picture(m, r, m->now_at);
	} else if (r->at < m->compacted_at && rng_below(m->rng, 2)) {
		refuse(r, 410, "");
	} else if (r->at < m->compacted_at) {
		add_error(&r->out, 410);
		r->is_ending = true;
	}
}

static bool refuses(struct model *m, struct model_request *r)
{
	static const int codes[] = {500, 503, 429, 401};

	if (r->kind == 0 && m->is_absent)
		refuse(r, 404, "");
	else if (r->kind == 1 && m->is_forbidden)
		refuse(r, 403, "");
	else if (happens(m, m->faults.refuse))
		refuse(r, codes[rng_below(m->rng, ARRAY_SIZE(codes))],
		       rng_below(m->rng, 2) ? "" : ",\"details\":{\"retryAfterSeconds\":2}");
	return r->is_ending;
}

void model_open(struct model *m, struct model_request *r, const char *target, nsec_t now)
{
	assert(!r->is_open);
	*r = (struct model_request){.is_open = true, .status = 200, .ends_at = NSEC_NEVER};
	strbuf_init(&r->out, 1 << 24);
	while (!strstr(target, kube_resource(model_kinds[r->kind])->plural))
		r->kind++;
	assert(r->kind < MODEL_KINDS);
	if (refuses(m, r))
		return;
	if (strstr(target, "watch=1"))
		answer_watch(m, r, target, now);
	else
		answer_list(m, r, target);
}

static void tell_event(struct model *m, struct model_request *r, unsigned version)
{
	const struct model_event *e = &m->log[version - 1];
	const struct state before = state_at(m, e->kind, version - 1);
	const bool is_new = before.changed_at[e->object] == 0;

	strbuf_printf(&r->out, "{\"type\":\"%s\",\"object\":",
		      e->is_gone ? "DELETED"
		      : is_new   ? "ADDED"
				 : "MODIFIED");
	add_object(&r->out, e->kind, e->object, version);
	strbuf_add(&r->out, "}\n");
}

void model_go_on(struct model *m, struct model_request *r, nsec_t now)
{
	if (!r->is_watch || r->is_ending)
		return;
	if (r->at < m->compacted_at && m->compacted_at > 0 && rng_below(m->rng, 20) == 0) {
		add_error(&r->out, 410);
		r->is_ending = true;
		return;
	}
	for (; r->at < m->now_at; r->at++)
		if (m->log[r->at].kind == r->kind)
			tell_event(m, r, r->at + 1);
	if (now >= r->mark_at) {
		add_mark(&r->out, r->at, false);
		r->mark_at = nsec_add(now, MARK_NS);
	}
	if (happens(m, m->faults.garble))
		strbuf_add(&r->out, rng_below(m->rng, 2) ? "{\"type\":\"AD\xff\"}\n" : "]\n");
	r->is_ending = now >= r->ends_at || happens(m, m->faults.end_early) ||
		       (r->kind == 0 && m->is_absent);
}

void model_close(struct model_request *r)
{
	strbuf_done(&r->out);
	*r = (struct model_request){0};
}
