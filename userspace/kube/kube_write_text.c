// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Of what the agent wishes only what belongs there is sent on: a status and annotations of
 * MetalLB's, or the three words of an event. So whatever the agent says, nothing else of a Service
 * is ever written.
 */
#include "kube/kube_write_text.h"

#include "base/hash.h"
#include "kube/kube_ask.h"
#include "kube/kube_json.h"
#include "kube/kube_store.h"

#include <inttypes.h>

#define ANNOTATIONS  "metallb.io/"
#define NAME_BYTES   200 /* of a Service in the name of an event, which has 253 */
#define TIMEOUT_TEXT "4s"
_Static_assert(KUBE_WRITE_NS == 4 * NSEC_PER_SEC, "TIMEOUT_TEXT says the same");

static void add_json(struct strbuf *out, const cJSON *json)
{
	_cleanup_(freep) char *text = cJSON_PrintUnformatted(json);

	if (!text)
		abort();
	strbuf_add(out, text);
}

/* True: all of them are annotations that are ours to write. */
static bool are_ours(const cJSON *annotations)
{
	const cJSON *a;

	cJSON_ArrayForEach(a, annotations) if (strncmp(a->string, ANNOTATIONS,
						       strlen(ANNOTATIONS)) != 0) return false;
	return true;
}

bool kube_write_status(const struct kube_write_args *args, const struct kube_present *service,
		       struct kube_request *ret)
{
	_cleanup_(kube_json_freep) cJSON *wish = kube_json_body(args->wish, args->wish_len);
	_cleanup_(kube_json_freep) cJSON *patch = cJSON_CreateObject();
	cJSON *annotations = kube_json_get(wish, "annotations");
	cJSON *balancer = kube_json_get(wish, "loadBalancer"), *meta;

	if (!cJSON_IsObject(annotations) || !cJSON_IsObject(balancer) || !are_ours(annotations))
		return false;
	meta = cJSON_AddObjectToObject(patch, "metadata");
	cJSON_AddStringToObject(meta, "resourceVersion", service->version);
	cJSON_AddItemToObject(meta, "annotations", cJSON_DetachItemViaPointer(wish, annotations));
	cJSON_AddItemToObject(cJSON_AddObjectToObject(patch, "status"), "loadBalancer",
			      cJSON_DetachItemViaPointer(wish, balancer));
	ret->method = "PATCH";
	ret->content_type = "application/merge-patch+json";
	strbuf_printf(&ret->target,
		      "/api/v1/namespaces/%s/services/%s/status?fieldManager=lodestone"
		      "&timeout=" TIMEOUT_TEXT,
		      args->ns, args->name);
	add_json(&ret->body, patch);
	return true;
}

/* --- events ----------------------------------------------------------------------------------- */

static void add_subject(cJSON *event, const struct kube_write_args *args, const char *uid)
{
	cJSON *subject = cJSON_AddObjectToObject(event, "involvedObject");

	cJSON_AddStringToObject(subject, "apiVersion", "v1");
	cJSON_AddStringToObject(subject, "kind", "Service");
	cJSON_AddStringToObject(subject, "namespace", args->ns);
	cJSON_AddStringToObject(subject, "name", args->name);
	cJSON_AddStringToObject(subject, "uid", uid);
}

/* The same from the same place has the same name. */
static void add_name(cJSON *event, const struct kube_write_args *args, const char *uid)
{
	const uint64_t hash = hash_str(
		hash_str(hash_bytes(HASH_INIT, args->wish, args->wish_len), uid), args->node);
	cJSON *meta = cJSON_AddObjectToObject(event, "metadata");
	char name[256];

	(void)snprintf(name, sizeof(name), "%.*s.%016" PRIx64, NAME_BYTES, args->name, hash);
	cJSON_AddStringToObject(meta, "name", name);
	cJSON_AddStringToObject(meta, "namespace", args->ns);
}

/* core/v1, which MetalLB writes, and which `kubectl describe` shows with the object. */
static void add_rest(cJSON *event, const struct kube_write_args *args)
{
	char seconds[32];
	cJSON *source;

	(void)snprintf(seconds, sizeof(seconds), "%.19sZ", args->stamp);
	cJSON_AddStringToObject(event, "firstTimestamp", seconds);
	cJSON_AddStringToObject(event, "lastTimestamp", seconds);
	cJSON_AddNumberToObject(event, "count", 1);
	cJSON_AddStringToObject(event, "reportingComponent", args->component);
	cJSON_AddStringToObject(event, "reportingInstance", args->node);
	source = cJSON_AddObjectToObject(event, "source");
	cJSON_AddStringToObject(source, "component", args->component);
	cJSON_AddStringToObject(source, "host", args->node);
}

bool kube_write_event(const struct kube_write_args *args, const struct kube_present *service,
		      struct kube_request *ret)
{
	static const char *const words[] = {"type", "reason", "message"};
	_cleanup_(kube_json_freep) cJSON *wish = kube_json_body(args->wish, args->wish_len);
	_cleanup_(kube_json_freep) cJSON *object = kube_json_body(service->text, service->len);
	_cleanup_(kube_json_freep) cJSON *event = cJSON_CreateObject();
	const char *uid = kube_json_text(kube_json_get(object, "metadata"), "uid");

	cJSON_AddStringToObject(event, "apiVersion", "v1");
	cJSON_AddStringToObject(event, "kind", "Event");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *word = kube_json_text(wish, words[i]);

		if (!word)
			return false;
		cJSON_AddStringToObject(event, words[i], word);
	}
	add_name(event, args, uid ? uid : "");
	add_subject(event, args, uid ? uid : "");
	add_rest(event, args);
	ret->method = "POST";
	ret->content_type = "application/json";
	strbuf_printf(&ret->target, "/api/v1/namespaces/%s/events?timeout=" TIMEOUT_TEXT, args->ns);
	add_json(&ret->body, event);
	return true;
}

void kube_write_why(int status, const struct strbuf *answer, char *ret, size_t size)
{
	_cleanup_(kube_json_freep) cJSON *no =
		answer->len ? kube_json_body(answer->data, answer->len) : NULL;
	const char *message = kube_json_text(no, "message");

	(void)snprintf(ret, size, "status %d: %s", status, message ? message : "");
}
