// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A hash table of what was told; of texts the hash is enough. */
#include "agent/feed_reported.h"

#include "agent/feed_inside.h"
#include "base/hash.h"
#include "base/mem.h"

#define uthash_malloc(size)          xmalloc(size)
#define uthash_fatal(message)        abort()
#define HASH_FUNCTION(key, len, ret) (ret) = (unsigned)hash_bytes(HASH_INIT, (key), (len))
#include <uthash.h>

#define REPORT_BYTES (KUBE_REPORT_BYTES + 1024) /* with its name and its head */

struct entry {
	UT_hash_handle hh;
	uint64_t hash;  /* of what was told on this connection; 0: nothing */
	unsigned round; /* it was reported in */
	enum kube_report what;
	struct feed_session *session; /* owned; NULL: it is of none */
	const char *ns, *name;        /* in the key */
	char key[];                   /* enum kube_report, namespace, NUL, name, NUL */
};

struct feed_reported {
	struct entry *entries;
	unsigned round;
	bool is_all; /* was told, that everything was */
	bool is_behind;
};

struct feed_reported *feed_reported_new(void)
{
	return xcalloc(1, sizeof(struct feed_reported));
}

static void drop(struct feed_reported *r, struct entry *e)
{
	HASH_DEL(r->entries, e);
	free(e->session);
	free(e);
}

struct feed_reported *feed_reported_free(struct feed_reported *r)
{
	struct entry *e, *next;

	if (!r)
		return NULL;
	HASH_ITER (hh, r->entries, e, next)
		drop(r, e);
	free(r);
	return NULL;
}

void feed_reported_forget(struct feed_reported *r)
{
	for (struct entry *e = r->entries; e; e = e->hh.next)
		e->hash = 0;
	r->is_all = false;
}

static struct entry *get(struct feed_reported *r, const struct feed_object *o)
{
	const size_t ns_size = strlen(o->ns) + 1, size = 1 + ns_size + strlen(o->name) + 1;
	struct entry *e = xcalloc(1, sizeof(*e) + size), *found;

	e->key[0] = (char)o->what;
	memcpy(e->key + 1, o->ns, ns_size);
	memcpy(e->key + 1 + ns_size, o->name, size - 1 - ns_size);
	HASH_FIND(hh, r->entries, e->key, size, found);
	if (found) {
		free(e);
		return found;
	}
	e->what = o->what;
	e->ns = e->key + 1;
	e->name = e->key + 1 + ns_size;
	HASH_ADD(hh, r->entries, key, size, e);
	return e;
}

static struct kube_text text_of(const char *text)
{
	return (struct kube_text){.text = text, .len = strlen(text)};
}

static bool has_room(struct feed_reported *r, const struct agent_feed *f)
{
	const bool has = f->out.len + REPORT_BYTES <= FEED_OUT_BYTES;

	r->is_behind |= !has;
	return has;
}

static void send_report(struct agent_feed *f, const struct entry *e, const char *text)
{
	kube_frame_encode(&f->out, &(struct kube_frame){.type = KUBE_FRAME_REPORT,
							.report = e->what,
							.ns = text_of(e->ns),
							.name = text_of(e->name),
							.text = text_of(text)});
}

void feed_reported_begin(struct feed_reported *r)
{
	r->round++;
	r->is_behind = false;
}

bool feed_reported_end(struct feed_reported *r, struct agent_feed *f, bool is_whole)
{
	struct entry *e, *next;

	HASH_ITER (hh, r->entries, e, next) {
		if (e->round == r->round || !has_room(r, f))
			continue;
		if (e->hash != 0)
			send_report(f, e, "");
		drop(r, e);
	}
	if (r->is_behind || r->is_all)
		return !r->is_behind;
	if (is_whole)
		kube_frame_encode(&f->out, &(struct kube_frame){.type = KUBE_FRAME_REPORTED});
	r->is_all = is_whole;
	return is_whole;
}

bool feed_report_is_due(struct feed_reported *r, const struct agent_feed *f,
			const struct feed_object *o, uint64_t hash)
{
	struct entry *e = get(r, o);

	e->round = r->round;
	if (e->hash == (hash | 1) || !has_room(r, f))
		return false;
	e->hash = hash | 1;
	return true;
}

static char *print(cJSON *labels, cJSON *status)
{
	cJSON *whole = cJSON_CreateObject();
	char *text;

	if (labels)
		cJSON_AddItemToObject(whole, "labels", labels);
	cJSON_AddItemToObject(whole, "status", status);
	text = cJSON_PrintUnformatted(whole);
	cJSON_Delete(whole);
	if (!text)
		abort();
	return text;
}

void feed_report_say(struct feed_reported *r, struct agent_feed *f, const struct feed_object *o,
		     cJSON *labels, cJSON *status)
{
	_cleanup_(freep) char *text = print(labels, status);

	if (strlen(text) <= KUBE_REPORT_BYTES)
		send_report(f, get(r, o), text);
}

void feed_report(struct feed_reported *r, struct agent_feed *f, const struct feed_object *o,
		 cJSON *labels, cJSON *status)
{
	_cleanup_(freep) char *text = print(labels, status);

	if (strlen(text) <= KUBE_REPORT_BYTES &&
	    feed_report_is_due(r, f, o, hash_str(HASH_INIT, text)))
		send_report(f, get(r, o), text);
}

struct feed_session *feed_reported_session(struct feed_reported *r, const struct feed_object *o)
{
	struct entry *e = get(r, o);

	if (!e->session)
		e->session = xcalloc(1, sizeof(*e->session));
	e->round = r->round;
	return e->session;
}
