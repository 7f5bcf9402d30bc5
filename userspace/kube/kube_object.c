// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Pieces through cJSON. Its recursion is bounded, for the splitter bounds the depth. cJSON takes
 * any bytes in strings, so that they are UTF-8 is checked before.
 *
 * Dropping walks an object along the paths that are kept; how deep that goes is the table's, not
 * the object's.
 */
#include "kube/kube_object.h"

#include "base/limits.h"
#include "kube/kube_frame.h"
#include "kube/kube_split.h"

#include <assert.h>
#include <cjson/cJSON.h>

#define INITIAL_END "k8s.io/initial-events-end"
#define PATH_BYTES  64

/* --- text ---------------------------------------------------------------------------------------
 */

/* How many bytes of well-formed UTF-8 (RFC 3629) the character has; 0: it is none. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char first, last, low, high; /* of the leading byte, and of the second */
		unsigned char len;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (*at < forms[i].first || *at > forms[i].last)
			continue;
		if (left < forms[i].len)
			return 0;
		if (forms[i].len > 1 && (at[1] < forms[i].low || at[1] > forms[i].high))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static bool is_utf8(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + len;

	while (at < end) {
		size_t n = utf8_len(at, (size_t)(end - at));

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

static cJSON *parse(const char *text, size_t len)
{
	cJSON *json = is_utf8(text, len) ? cJSON_ParseWithLength(text, len) : NULL;

	if (json && cJSON_IsObject(json))
		return json;
	cJSON_Delete(json);
	return NULL;
}

static void json_freep(cJSON **json)
{
	cJSON_Delete(*json);
}

static cJSON *get(const cJSON *object, const char *key)
{
	return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static const char *text_of(struct arena *arena, const cJSON *object, const char *key)
{
	return arena_strdup(arena, cJSON_GetStringValue(get(object, key)));
}

static unsigned number_of(const cJSON *object, const char *key)
{
	const cJSON *number = get(object, key);

	return cJSON_IsNumber(number) && number->valueint > 0 ? (unsigned)number->valueint : 0;
}

/* --- what is kept -------------------------------------------------------------------------------
 */

enum fate { DROPPED, ENTERED, KEPT };

static enum fate fate_of(const char *path, const char *const *keep)
{
	const size_t len = strlen(path);

	for (; *keep; keep++) {
		if (strcmp(*keep, path) == 0)
			return KEPT;
		if (strncmp(*keep, path, len) == 0 && (*keep)[len] == '.')
			return ENTERED;
	}
	return DROPPED;
}

static void drop(cJSON *object, const char *path, const char *const *keep);

/* Of a list the elements stand at its own path. */
static void drop_below(cJSON *value, const char *path, const char *const *keep)
{
	cJSON *element;

	if (cJSON_IsObject(value))
		drop(value, path, keep);
	else
		cJSON_ArrayForEach(element, value) drop(element, path, keep);
}

static void drop(cJSON *object, const char *path, const char *const *keep)
{
	cJSON *next;

	if (!cJSON_IsObject(object))
		return;
	for (cJSON *member = object->child; member; member = next) {
		char at[PATH_BYTES];
		const int len =
			snprintf(at, sizeof(at), "%s%s%s", path, *path ? "." : "", member->string);
		const enum fate fate =
			len < (int)sizeof(at) ? fate_of(at, keep) : DROPPED; /* longer than any */

		next = member->next;
		if (fate == DROPPED)
			cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
		else if (fate == ENTERED)
			drop_below(member, at, keep);
	}
}

static bool has_prefix(const char *key, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (strncmp(key, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

/* Members of other names than with one of the prefixes. */
static void drop_others(cJSON *object, const char *const *prefixes)
{
	cJSON *next;

	for (cJSON *member = object ? object->child : NULL; member; member = next) {
		next = member->next;
		if (!has_prefix(member->string, prefixes))
			cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
	}
}

static void drop_unread(cJSON *object, const struct kube_resource *r)
{
	const char *const labels[] = {r->label_prefix, NULL};
	cJSON *meta = get(object, "metadata"), *next;

	assert(object);
	for (cJSON *member = object->child; member; member = next) {
		const bool is_meta = member == meta;
		const char *const *keep = is_meta ? kube_keep_metadata : r->keep;
		const enum fate fate = is_meta ? ENTERED : fate_of(member->string, keep);

		next = member->next;
		if (fate == DROPPED)
			cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
		else if (fate == ENTERED)
			drop_below(member, member->string, keep);
	}
	drop_others(get(meta, "annotations"), kube_keep_annotations);
	if (r->label_prefix)
		drop_others(get(meta, "labels"), labels);
}

/* Items of a list do not say what they are; all say it first. */
static char *print(cJSON *object, const struct kube_resource *r, size_t *ret_len)
{
	_cleanup_(json_freep) cJSON *whole = cJSON_CreateObject();
	cJSON *member;
	char *text;

	cJSON_AddStringToObject(whole, "apiVersion", r->group_version);
	cJSON_AddStringToObject(whole, "kind", r->kind);
	while ((member = object->child)) {
		cJSON_DetachItemViaPointer(object, member);
		cJSON_AddItemToObject(whole, member->string, member);
	}
	text = cJSON_PrintUnformatted(whole);
	*ret_len = text ? strlen(text) : 0;
	return text;
}

/* --- what was said ------------------------------------------------------------------------------
 */

static void read_object(struct arena *arena, enum kube_kind kind, cJSON *object,
			struct kube_message *ret)
{
	const struct kube_resource *r = kube_resource(kind);
	const cJSON *meta = get(object, "metadata");

	ret->ns = text_of(arena, meta, "namespace");
	ret->name = text_of(arena, meta, "name");
	ret->version = text_of(arena, meta, "resourceVersion");
	if (!ret->ns)
		ret->ns = "";
	if (!ret->name || !*ret->name || strlen(ret->name) > KUBE_NAME_BYTES ||
	    strlen(ret->ns) > KUBE_NAME_BYTES)
		ret->said = KUBE_SAID_NOTHING;
	if (ret->said != KUBE_SAID_OBJECT)
		return;
	drop_unread(object, r);
	ret->text = print(object, r, &ret->text_len);
	if (ret->text && ret->text_len > LIMIT_DOCUMENT_BYTES)
		free(TAKE_PTR(ret->text));
	if (!ret->text)
		ret->said = KUBE_SAID_NOTHING;
}

static void read_status(struct arena *arena, const cJSON *status, struct kube_message *ret)
{
	const cJSON *details = get(status, "details"), *cause;
	const char *message = text_of(arena, status, "message");

	ret->said = KUBE_SAID_NO;
	ret->code = (int)number_of(status, "code");
	ret->retry_s = number_of(details, "retryAfterSeconds");
	ret->message = message ? message : "";
	cJSON_ArrayForEach(cause, get(details, "causes"))
	{
		const char *reason = cJSON_GetStringValue(get(cause, "reason"));

		ret->is_from_future |= reason && strcmp(reason, "ResourceVersionTooLarge") == 0;
	}
}

static void read_bookmark(struct arena *arena, const cJSON *object, struct kube_message *ret)
{
	const cJSON *meta = get(object, "metadata");
	const char *end = cJSON_GetStringValue(get(get(meta, "annotations"), INITIAL_END));

	ret->version = text_of(arena, meta, "resourceVersion");
	ret->is_initial_end = end && strcmp(end, "true") == 0;
	if (!ret->version)
		ret->said = KUBE_SAID_NOTHING;
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
	_cleanup_(json_freep) cJSON *json = parse(piece, len);
	const char *type = cJSON_GetStringValue(get(json, "type"));
	cJSON *object = get(json, "object");

	*ret = (struct kube_message){.said = KUBE_SAID_NOTHING};
	if (!type || !cJSON_IsObject(object))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i].type) == 0)
			ret->said = types[i].said;
	if (ret->said == KUBE_SAID_MARK)
		read_bookmark(arena, object, ret);
	else if (ret->said == KUBE_SAID_NO)
		read_status(arena, object, ret);
	else if (ret->said != KUBE_SAID_NOTHING)
		read_object(arena, kind, object, ret);
}

void kube_read_item(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		    struct kube_message *ret)
{
	_cleanup_(json_freep) cJSON *json = parse(piece, len);

	*ret = (struct kube_message){.said = json ? KUBE_SAID_OBJECT : KUBE_SAID_NOTHING};
	if (json)
		read_object(arena, kind, json, ret);
}

void kube_read_list_meta(struct arena *arena, const char *piece, size_t len,
			 struct kube_message *ret)
{
	_cleanup_(json_freep) cJSON *json = parse(piece, len);
	const char *go_on = text_of(arena, json, "continue");

	*ret = (struct kube_message){.said = KUBE_SAID_NOTHING};
	ret->version = text_of(arena, json, "resourceVersion");
	if (!ret->version)
		return;
	ret->said = KUBE_SAID_MARK;
	ret->go_on = go_on && *go_on ? go_on : NULL;
}

/* What is no Status (a proxy's page) is not parsed twice for its depth: it is not parsed at all. */
void kube_read_status(struct arena *arena, const char *body, size_t len, struct kube_message *ret)
{
	struct kube_split split;
	cJSON *json = NULL;

	kube_split_init(&split, KUBE_SPLIT_EVENTS);
	if (kube_split_next(&split, &body, &len) == KUBE_PIECE_ITEM)
		json = parse(split.piece.data, split.piece.len);
	kube_split_done(&split);
	*ret = (struct kube_message){.said = KUBE_SAID_NO};
	read_status(arena, json, ret);
	cJSON_Delete(json);
}
