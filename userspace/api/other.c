// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The verdicts of api/other.h. Three steps: kinds known by name, ConfigMaps that MetalLB read up to
 * 0.12, and names near to one of ours. In the groups of Kubernetes, where most kinds are not ours,
 * only a difference in case counts as near.
 *
 * A ConfigMap is MetalLB's if it is where MetalLB looked for it, or if its key `config` holds words
 * that no other program's configuration has: the name and the namespace were options.
 */
#include "api/other.h"

#include "api/fields.h"
#include "api/nearest.h"

#include <assert.h>

/* Kinds of our groups that are no objects of ours. */
static const struct stranger {
	const char *group, *kind;
	enum { STRANGER_FOREIGN, STRANGER_INFO, STRANGER_ERROR } what;
	const char *message, *remedy;
} strangers[] = {
	{"metallb.io", "L2Advertisement", STRANGER_INFO,
	 "ignored: this agent announces by BGP, not on layer 2", "nothing to do, or remove it"},
	{"metallb.io", "MetalLB", STRANGER_INFO,
	 "ignored: it tells MetalLB's operator to install MetalLB", "nothing to do, or remove it"},
	{"metallb.io", "BGPCommunity", STRANGER_ERROR, "no such kind",
	 "the kind is named Community"},
	{"metallb.io", "AddressPool", STRANGER_ERROR, "no such kind any more",
	 "write an IPAddressPool and a BGPAdvertisement"},
	{"metallb.io", "ConfigurationState", STRANGER_FOREIGN, NULL, NULL},
	{"metallb.io", "ConfigurationStatus", STRANGER_FOREIGN, NULL, NULL},
	{"metallb.io", "ServiceBGPStatus", STRANGER_FOREIGN, NULL, NULL},
	{"metallb.io", "ServiceL2Status", STRANGER_FOREIGN, NULL, NULL},
	{"frrk8s.metallb.io", "FRRK8sConfiguration", STRANGER_INFO,
	 "ignored: it tunes frr-k8s, which does not run here", "nothing to do, or remove it"},
	{"frrk8s.metallb.io", "FRROperatorConfiguration", STRANGER_INFO,
	 "ignored: it tunes frr-k8s, which does not run here", "nothing to do, or remove it"},
	{"frrk8s.metallb.io", "BGPSessionState", STRANGER_FOREIGN, NULL, NULL},
	{"frrk8s.metallb.io", "FRRNodeState", STRANGER_FOREIGN, NULL, NULL},
	{"lodestone.io", "BGPSessionState", STRANGER_FOREIGN, NULL, NULL},
};

bool api_is_in_group(const char *api_version, const char *group)
{
	const char *slash = strchr(api_version, '/');
	size_t len = slash ? (size_t)(slash - api_version) : 0;

	return strlen(group) == len && strncmp(api_version, group, len) == 0;
}

static const struct stranger *find_stranger(const struct api_named *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		if (strcmp(strangers[i].kind, o->kind) == 0 &&
		    api_is_in_group(o->api_version, strangers[i].group))
			return &strangers[i];
	return NULL;
}

static bool is_our_group(const char *api_version)
{
	return api_is_in_group(api_version, "metallb.io") ||
	       api_is_in_group(api_version, "frrk8s.metallb.io") ||
	       api_is_in_group(api_version, "lodestone.io");
}

static const char *meant_kind(const struct api_named *o)
{
	bool ours = is_our_group(o->api_version);

	for (size_t i = 0; i < ARRAY_SIZE(api_schemas); i++) {
		const char *kind = api_kind_text(api_schemas[i]->kind);

		if (api_is_in_group(o->api_version, api_schemas[i]->group) &&
		    (ours ? api_name_is_near(o->kind, kind)
			  : api_name_distance(o->kind, kind) == 0))
			return kind;
	}
	return NULL;
}

/* --- ConfigMaps --- */

/* A key of the map's data, NULL if it is not there or not text. */
static const char *data_of(const struct api_named *o, const char *key)
{
	const struct api_value *data = api_value_get(o->root, "data");
	const struct api_value *v = data ? api_value_get(data, key) : NULL;

	return v && v->type == API_VALUE_SCALAR ? v->text : NULL;
}

static bool is_named(const struct api_named *o, const char *name)
{
	return o->name && strcmp(o->name, name) == 0 &&
	       (!o->ns || strcmp(o->ns, "metallb-system") == 0);
}

static bool is_old_config(const struct api_named *o)
{
	static const char *const words[] = {"address-pools:", "peer-asn:", "bgp-communities:"};
	const char *text = data_of(o, "config");

	for (size_t i = 0; text && i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return text && is_named(o, "config");
}

static bool judge_config_map(const struct api_named *o, struct api_other *ret)
{
	*ret = (struct api_other){.severity = SEVERITY_ERROR};
	if (is_old_config(o)) {
		ret->text = (struct problem_text){
			.field = "data[config]",
			.reason = "OldConfiguration",
			.remedy = "write IPAddressPool, BGPPeer, BGPAdvertisement, Community and "
				  "BFDProfile objects instead, then remove it"};
		ret->message = "the configuration of MetalLB up to 0.12, which is not read";
		return true;
	}
	if (data_of(o, "extras") && is_named(o, "bgpextras")) {
		ret->severity = SEVERITY_WARNING;
		ret->text = (struct problem_text){
			.field = "data[extras]",
			.reason = "NotSupported",
			.remedy = "say it with the fields of BGPPeer and BGPAdvertisement, "
				  "then remove it"};
		ret->message = "lines for FRR, which does not run here; they have no effect";
		return true;
	}
	return false;
}

/* --- verdicts --- */

static bool judge_stranger(const struct stranger *s, struct api_other *ret)
{
	bool is_error = s->what == STRANGER_ERROR;

	if (s->what == STRANGER_FOREIGN)
		return false;
	assert(s->message && s->remedy);
	*ret = (struct api_other){
		.severity = is_error ? SEVERITY_ERROR : SEVERITY_INFO,
		.text = {.field = "kind",
			 .reason = is_error ? "UnknownKind" : "NotSupported",
			 .remedy = s->remedy},
		.message = s->message,
		.is_lost = is_error,
	};
	return true;
}

/* Nothing is near: a kind of a newer version, or one that never was. */
static bool judge_unknown(struct arena *arena, const struct api_named *o, struct api_other *ret)
{
	const char *meant = meant_kind(o);

	if (!meant && !is_our_group(o->api_version))
		return false;
	*ret = (struct api_other){
		.severity = meant ? SEVERITY_ERROR : SEVERITY_WARNING,
		.text = {.field = "kind",
			 .reason = "UnknownKind",
			 .remedy = meant ? arena_printf(arena, "write %s", meant)
					 : "correct the kind, or remove the object"},
		.message = arena_printf(arena, "no kind of %s that is known here%s", o->api_version,
					meant ? "" : "; ignored"),
		.is_lost = meant,
	};
	return true;
}

bool api_judge_other(struct arena *arena, const struct api_named *o, struct api_other *ret)
{
	const struct stranger *s = find_stranger(o);
	bool is_core = strcmp(o->api_version, "v1") == 0;
	bool said;

	if (s)
		said = judge_stranger(s, ret);
	else if (is_core && strcmp(o->kind, "ConfigMap") == 0)
		said = judge_config_map(o, ret);
	else
		said = judge_unknown(arena, o, ret);
	assert(!said || (ret->message && ret->text.field));
	if (said)
		ret->text.line = api_value_line(o->root, ret->text.field);
	return said;
}
