// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Objects are cut and never made a tree of (kube/kube_cut.h); what else is said is short. */
#include "kube/kube_object.h"

#include "base/limits.h"
#include "kube/kube_cut.h"
#include "kube/kube_frame.h"
#include "kube/kube_json.h"

#include <assert.h>

#define INITIAL_END "k8s.io/initial-events-end"

static const char *text_of(struct arena *arena, const cJSON *object, const char *key)
{
	return arena_strdup(arena, cJSON_GetStringValue(kube_json_get(object, key)));
}

static unsigned number_of(const cJSON *object, const char *key)
{
	const cJSON *number = kube_json_get(object, key);

	return cJSON_IsNumber(number) && number->valueint > 0 ? (unsigned)number->valueint : 0;
}

/* --- what was said ---------------------------------------------------------------------------- */

static const char *part_of(struct arena *arena, const struct kube_part *part)
{
	return part->text ? arena_strndup(arena, part->text, part->len) : NULL;
}

static char *copy_of(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* An object; of one that is gone there is no more than its name. */
static void read_object(struct arena *arena, enum kube_kind kind, const struct kube_part *object,
			struct kube_message *ret)
{
	const struct kube_resource *r = kube_resource(kind);
	struct strbuf text;
	struct kube_cut cut;

	strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
	if (!kube_cut_object(object->text, object->len, r, &text, &cut) || text.truncated ||
	    !cut.name.text || cut.name.len == 0 || cut.name.len > KUBE_NAME_BYTES ||
	    cut.ns.len > KUBE_NAME_BYTES) {
		ret->said = KUBE_SAID_NOTHING;
		strbuf_done(&text);
		return;
	}
	ret->ns = cut.ns.text ? part_of(arena, &cut.ns) : "";
	ret->name = part_of(arena, &cut.name);
	ret->version = part_of(arena, &cut.version);
	if (ret->said == KUBE_SAID_OBJECT) {
		ret->text = copy_of(text.data, text.len);
		ret->text_len = text.len;
		if (r->keeps_status && cut.status.text)
			ret->status = copy_of(cut.status.text, cut.status.len);
	}
	strbuf_done(&text);
}

static void read_status(struct arena *arena, const cJSON *status, struct kube_message *ret)
{
	const cJSON *details = kube_json_get(status, "details"), *cause;
	const char *message = text_of(arena, status, "message");

	ret->said = KUBE_SAID_NO;
	ret->code = (int)number_of(status, "code");
	ret->retry_s = number_of(details, "retryAfterSeconds");
	ret->message = message ? message : "";
	cJSON_ArrayForEach(cause, kube_json_get(details, "causes"))
	{
		const char *reason = cJSON_GetStringValue(kube_json_get(cause, "reason"));

		ret->is_from_future |= reason && strcmp(reason, "ResourceVersionTooLarge") == 0;
	}
}

static void read_bookmark(struct arena *arena, const cJSON *object, struct kube_message *ret)
{
	const cJSON *meta = kube_json_get(object, "metadata");
	const char *end = cJSON_GetStringValue(
		kube_json_get(kube_json_get(meta, "annotations"), INITIAL_END));

	ret->version = text_of(arena, meta, "resourceVersion");
	ret->is_initial_end = end && strcmp(end, "true") == 0;
	if (!ret->version)
		ret->said = KUBE_SAID_NOTHING;
}

/* A bookmark, or a Status. */
static void read_word(struct arena *arena, const struct kube_part *object, struct kube_message *ret)
{
	_cleanup_(kube_json_freep) cJSON *json = kube_json_piece(object->text, object->len);

	if (!json)
		ret->said = KUBE_SAID_NOTHING;
	else if (ret->said == KUBE_SAID_MARK)
		read_bookmark(arena, json, ret);
	else
		read_status(arena, json, ret);
}

void kube_read_event(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		     struct kube_message *ret)
{
	static const struct {
		const char *type;
		enum kube_said said;
	} types[] = {
		{"ADDED", KUBE_SAID_OBJECT}, {"MODIFIED", KUBE_SAID_OBJECT},
		{"DELETED", KUBE_SAID_GONE}, {"BOOKMARK", KUBE_SAID_MARK},
		{"ERROR", KUBE_SAID_NO},
	};
	struct kube_part type, object;

	*ret = (struct kube_message){.said = KUBE_SAID_NOTHING};
	if (!kube_json_is_text(piece, len) || !kube_cut_event(piece, len, &type, &object) ||
	    !type.text || !object.text)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (type.len == strlen(types[i].type) &&
		    memcmp(type.text, types[i].type, type.len) == 0)
			ret->said = types[i].said;
	if (ret->said == KUBE_SAID_OBJECT || ret->said == KUBE_SAID_GONE)
		read_object(arena, kind, &object, ret);
	else if (ret->said != KUBE_SAID_NOTHING)
		read_word(arena, &object, ret);
	assert(!ret->text == (ret->said != KUBE_SAID_OBJECT));
}

void kube_read_item(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		    struct kube_message *ret)
{
	const struct kube_part object = {.text = piece, .len = len};

	*ret = (struct kube_message){.said = kube_json_is_text(piece, len) ? KUBE_SAID_OBJECT
									   : KUBE_SAID_NOTHING};
	if (ret->said == KUBE_SAID_OBJECT)
		read_object(arena, kind, &object, ret);
}

void kube_read_list_meta(struct arena *arena, const char *piece, size_t len,
			 struct kube_message *ret)
{
	_cleanup_(kube_json_freep) cJSON *json = kube_json_piece(piece, len);
	const char *go_on = text_of(arena, json, "continue");

	*ret = (struct kube_message){.said = KUBE_SAID_NOTHING};
	ret->version = text_of(arena, json, "resourceVersion");
	if (!ret->version)
		return;
	ret->said = KUBE_SAID_MARK;
	ret->go_on = go_on && *go_on ? go_on : NULL;
}

void kube_read_status(struct arena *arena, const char *body, size_t len, struct kube_message *ret)
{
	cJSON *json = kube_json_body(body, len);

	*ret = (struct kube_message){.said = KUBE_SAID_NO};
	read_status(arena, json, ret);
	cJSON_Delete(json);
}
