// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Dropping walks an object along the paths that are kept; how deep that goes is the table's, not
 * the object's.
 */
#include "kube/kube_object.h"

#include "base/limits.h"
#include "kube/kube_frame.h"
#include "kube/kube_json.h"

#include <assert.h>

#define INITIAL_END "k8s.io/initial-events-end"
#define PATH_BYTES  64

static const char *text_of(struct arena *arena, const cJSON *object, const char *key)
{
	return arena_strdup(arena, cJSON_GetStringValue(kube_json_get(object, key)));
}

static unsigned number_of(const cJSON *object, const char *key)
{
	const cJSON *number = kube_json_get(object, key);

	return cJSON_IsNumber(number) && number->valueint > 0 ? (unsigned)number->valueint : 0;
}

/* --- what is kept ----------------------------------------------------------------------------- */

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

/* The path of a member: `at` holds that of its object, `len` long. False: longer than any is. */
static bool enter(char at[static PATH_BYTES], size_t len, const char *name)
{
	const size_t more = strlen(name);

	if (len + 1 + more >= PATH_BYTES)
		return false;
	if (len > 0)
		at[len++] = '.';
	memcpy(at + len, name, more + 1);
	return true;
}

static void drop(cJSON *object, const char *path, const char *const *keep)
{
	const size_t len = strlen(path);
	char at[PATH_BYTES];
	cJSON *next;

	if (!cJSON_IsObject(object))
		return;
	assert(len < PATH_BYTES);
	memcpy(at, path, len);
	for (cJSON *member = object->child; member; member = next) {
		const enum fate fate = enter(at, len, member->string) ? fate_of(at, keep) : DROPPED;

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
	cJSON *meta = kube_json_get(object, "metadata"), *next;

	assert(object);
	for (cJSON *member = object->child; member; member = next) {
		const bool is_meta = member == meta;
		const char *const *keep = !is_meta    ? r->keep
					  : r->is_own ? kube_keep_own_metadata
						      : kube_keep_metadata;
		const enum fate fate = is_meta ? ENTERED : fate_of(member->string, keep);

		next = member->next;
		if (fate == DROPPED)
			cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
		else if (fate == ENTERED)
			drop_below(member, member->string, keep);
	}
	drop_others(kube_json_get(meta, "annotations"), kube_keep_annotations);
	if (r->label_prefix)
		drop_others(kube_json_get(meta, "labels"), labels);
}

/* Items of a list do not say what they are; all say it first. */
static char *print(cJSON *object, const struct kube_resource *r, size_t *ret_len)
{
	_cleanup_(kube_json_freep) cJSON *whole = cJSON_CreateObject();
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

/* --- what was said ---------------------------------------------------------------------------- */

static void read_object(struct arena *arena, enum kube_kind kind, cJSON *object,
			struct kube_message *ret)
{
	const struct kube_resource *r = kube_resource(kind);
	const cJSON *meta = kube_json_get(object, "metadata"), *status;

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
	status = r->keeps_status ? kube_json_get(object, "status") : NULL;
	if (status)
		ret->status = cJSON_PrintUnformatted(status);
	drop_unread(object, r);
	ret->text = print(object, r, &ret->text_len);
	if (ret->text && ret->text_len > LIMIT_DOCUMENT_BYTES)
		free(TAKE_PTR(ret->text));
	if (ret->text)
		return;
	free(TAKE_PTR(ret->status));
	ret->said = KUBE_SAID_NOTHING;
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
	_cleanup_(kube_json_freep) cJSON *json = kube_json_piece(piece, len);
	const char *type = cJSON_GetStringValue(kube_json_get(json, "type"));
	cJSON *object = kube_json_get(json, "object");

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
	assert(!ret->text == (ret->said != KUBE_SAID_OBJECT));
}

void kube_read_item(struct arena *arena, enum kube_kind kind, const char *piece, size_t len,
		    struct kube_message *ret)
{
	_cleanup_(kube_json_freep) cJSON *json = kube_json_piece(piece, len);

	*ret = (struct kube_message){.said = json ? KUBE_SAID_OBJECT : KUBE_SAID_NOTHING};
	if (json)
		read_object(arena, kind, json, ret);
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
