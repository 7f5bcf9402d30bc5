// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An object says what was reported if all that was reported stands in it: others may have added
 * labels, conditions and fields of their own. The time of a condition is not reported, for it stays
 * as long as the condition's status does; it is put in here.
 */
#include "kube/kube_report_text.h"

#include "base/strbuf.h"
#include "kube/kube_json.h"
#include "kube/kube_store.h"

#include <assert.h>

#define TIMEOUT_TEXT "4s" /* as of every write, see kube/kube_write_text.c */
#define TARGET_BYTES 4096

/* --- comparing -------------------------------------------------------------------------------- */

static bool says(const cJSON *object, const cJSON *wanted);

/* Of two lists of conditions that of the type; of others the element at the same place. */
static const cJSON *counterpart(const cJSON *list, const cJSON *wanted, int place)
{
	const char *type = kube_json_text(wanted, "type");
	const cJSON *item;

	if (!type)
		return cJSON_GetArrayItem(list, place);
	cJSON_ArrayForEach(item, list)
	{
		const char *of = kube_json_text(item, "type");

		if (of && strcmp(of, type) == 0)
			return item;
	}
	return NULL;
}

static bool list_says(const cJSON *list, const cJSON *wanted)
{
	const cJSON *item;
	int place = 0;

	cJSON_ArrayForEach(item, wanted)
	{
		if (!says(counterpart(list, item, place), item))
			return false;
		if (!kube_json_text(item, "type") &&
		    cJSON_GetArraySize(list) != cJSON_GetArraySize(wanted))
			return false;
		place++;
	}
	return place > 0 || cJSON_GetArraySize(list) == 0;
}

/* The server leaves out fields that are empty. */
static bool is_empty(const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	return (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 0) || (text && !*text);
}

static bool says(const cJSON *object, const cJSON *wanted)
{
	const cJSON *member;

	if (!object)
		return is_empty(wanted);
	if (cJSON_IsArray(wanted))
		return cJSON_IsArray(object) && list_says(object, wanted);
	if (!cJSON_IsObject(wanted))
		return cJSON_Compare(object, wanted, true);
	cJSON_ArrayForEach(member, wanted) if (!says(kube_json_get(object, member->string),
						     member)) return false;
	return true;
}

static cJSON *parse(const char *text)
{
	return text ? kube_json_body(text, strlen(text)) : NULL;
}

static bool is_owned(const cJSON *meta, const char *uid)
{
	const cJSON *owner;

	if (!uid)
		return true;
	cJSON_ArrayForEach(owner, kube_json_get(meta, "ownerReferences"))
	{
		const char *of = kube_json_text(owner, "uid");

		if (of && strcmp(of, uid) == 0)
			return true;
	}
	return false;
}

/* All labels, that of the node among them. */
static cJSON *labels_of(const struct kube_report_args *args, const cJSON *report)
{
	char label[KUBE_LABEL_BYTES + 1];
	cJSON *labels = kube_json_get(report, "labels");

	labels = labels ? cJSON_Duplicate(labels, true) : cJSON_CreateObject();
	cJSON_AddStringToObject(labels, KUBE_NODE_LABEL, kube_node_label(args->node, label));
	return labels;
}

static bool is_object_right(const struct kube_report_args *args, const cJSON *report,
			    const struct kube_present *present)
{
	_cleanup_(kube_json_freep) cJSON *object = parse(present->text);
	_cleanup_(kube_json_freep) cJSON *labels = labels_of(args, report);
	const cJSON *meta = kube_json_get(object, "metadata");

	return says(kube_json_get(meta, "labels"), labels) && is_owned(meta, args->owner_uid);
}

enum kube_report_need kube_report_need(const struct kube_report_args *args,
				       const struct kube_present *present)
{
	_cleanup_(kube_json_freep) cJSON *report = parse(args->report);
	_cleanup_(kube_json_freep) cJSON *status = parse(present ? present->status : NULL);
	const bool is_own = kube_resource(args->kind)->is_own;

	if (!args->report)
		return present ? KUBE_NEED_DELETE : KUBE_NEED_NOTHING;
	if (!is_own && !present)
		return KUBE_NEED_NOTHING;
	if (is_own && (!present || !is_object_right(args, report, present)))
		return KUBE_NEED_OBJECT;
	return says(status, kube_json_get(report, "status")) ? KUBE_NEED_NOTHING : KUBE_NEED_STATUS;
}

/* --- requests --------------------------------------------------------------------------------- */

static char *print(const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	if (!text)
		abort();
	return text;
}

static char *target_of(const struct kube_report_args *args, enum kube_report_need need)
{
	const struct kube_resource *r = kube_resource(args->kind);
	struct strbuf out;
	char *ret;

	strbuf_init(&out, TARGET_BYTES);
	strbuf_printf(&out, "/apis/%s/namespaces/%s/%s/%s%s?timeout=" TIMEOUT_TEXT,
		      r->group_version, args->ns, r->plural, args->name,
		      need == KUBE_NEED_STATUS ? "/status" : "");
	if (need != KUBE_NEED_DELETE)
		strbuf_printf(&out, "&fieldManager=lodestone%s", r->is_own ? "" : "&force=true");
	ret = xstrdup(out.data);
	strbuf_done(&out);
	return ret;
}

static void add_owner(cJSON *meta, const struct kube_report_args *args)
{
	cJSON *list, *owner;

	if (!args->owner_uid)
		return;
	list = cJSON_AddArrayToObject(meta, "ownerReferences");
	owner = cJSON_CreateObject();
	cJSON_AddStringToObject(owner, "apiVersion", "v1");
	cJSON_AddStringToObject(owner, "kind", args->owner_kind);
	cJSON_AddStringToObject(owner, "name", args->owner_name);
	cJSON_AddStringToObject(owner, "uid", args->owner_uid);
	cJSON_AddItemToArray(list, owner);
}

/* Since when the condition is so: as the object says, if it is not another one now. */
static void add_times(cJSON *status, const struct kube_present *present, const char *stamp)
{
	_cleanup_(kube_json_freep) cJSON *was = parse(present ? present->status : NULL);
	const cJSON *old = kube_json_get(was, "conditions");
	char now[32];
	cJSON *c;

	(void)snprintf(now, sizeof(now), "%.19sZ", stamp);
	cJSON_ArrayForEach(c, kube_json_get(status, "conditions"))
	{
		const cJSON *before = counterpart(old, c, 0);
		const char *time = kube_json_text(before, "lastTransitionTime");

		if (!says(kube_json_get(before, "status"), kube_json_get(c, "status")))
			time = NULL;
		cJSON_AddStringToObject(c, "lastTransitionTime", time ? time : now);
	}
}

static char *body_of(const struct kube_report_args *args, enum kube_report_need need,
		     const struct kube_present *present)
{
	const struct kube_resource *r = kube_resource(args->kind);
	_cleanup_(kube_json_freep) cJSON *report = parse(args->report);
	_cleanup_(kube_json_freep) cJSON *body = cJSON_CreateObject();
	cJSON *meta, *status = kube_json_get(report, "status");

	cJSON_AddStringToObject(body, "apiVersion", r->group_version);
	cJSON_AddStringToObject(body, "kind", r->kind);
	meta = cJSON_AddObjectToObject(body, "metadata");
	cJSON_AddStringToObject(meta, "name", args->name);
	cJSON_AddStringToObject(meta, "namespace", args->ns);
	if (need == KUBE_NEED_OBJECT) {
		cJSON_AddItemToObject(meta, "labels", labels_of(args, report));
		add_owner(meta, args);
	} else if (status) {
		add_times(status, present, args->stamp);
		cJSON_AddItemToObject(body, "status", cJSON_DetachItemViaPointer(report, status));
	}
	return print(body);
}

void kube_report_request(const struct kube_report_args *args, enum kube_report_need need,
			 const struct kube_present *present, struct kube_report_request *ret)
{
	assert(need != KUBE_NEED_NOTHING);
	assert((need == KUBE_NEED_DELETE) == !args->report);
	*ret = (struct kube_report_request){.method = "DELETE", .target = target_of(args, need)};
	if (need == KUBE_NEED_DELETE)
		return;
	ret->method = "PATCH";
	ret->content_type = "application/apply-patch+yaml";
	ret->body = body_of(args, need, present);
}
