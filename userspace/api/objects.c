// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is common to objects of all kinds: their names, their references in problems, their age
 * order and their annotations. How they come to be is in api/document.c.
 */
#include "api/objects.h"

#include <assert.h>

static const char *const kinds[API_N_KINDS] = {
	[API_BGP_ADVERTISEMENT] = "BGPAdvertisement",
	[API_BGP_PEER] = "BGPPeer",
	[API_BFD_PROFILE] = "BFDProfile",
	[API_COMMUNITY] = "Community",
	[API_ENDPOINT_SLICE] = "EndpointSlice",
	[API_ENDPOINTS] = "Endpoints",
	[API_FRR_CONFIGURATION] = "FRRConfiguration",
	[API_IP_ADDRESS_POOL] = "IPAddressPool",
	[API_LODESTONE_CONFIG] = "LodestoneConfig",
	[API_NAMESPACE] = "Namespace",
	[API_NODE] = "Node",
	[API_SECRET] = "Secret",
	[API_SERVICE] = "Service",
};

const char *api_kind_text(enum api_kind kind)
{
	assert((size_t)kind < ARRAY_SIZE(kinds));
	assert(kinds[kind]);
	return kinds[kind];
}

struct api_object *api_object_free(struct api_object *o)
{
	if (o)
		arena_free(o->arena); /* and o with it */
	return NULL;
}

struct object_ref api_object_ref(const struct api_object *o)
{
	const struct api_meta *m = &o->meta;

	return (struct object_ref){
		.kind = api_kind_text(m->kind),
		.ns = m->ns,
		.name = m->name,
		.uid = m->uid,
		.file = m->file,
		.line = m->line,
	};
}

int api_object_age_cmp(const struct api_object *a, const struct api_object *b)
{
	int order =
		(a->meta.created_s > b->meta.created_s) - (a->meta.created_s < b->meta.created_s);

	if (!order)
		order = strcmp(api_kind_text(a->meta.kind), api_kind_text(b->meta.kind));
	if (!order)
		order = strcmp(a->meta.ns, b->meta.ns);
	return order ? order : strcmp(a->meta.name, b->meta.name);
}

static const struct label *find_annotation(const struct api_meta *meta, const char *name)
{
	static const char *const prefixes[] = {"metallb.io/", "metallb.universe.tf/"};
	const struct labels *all = &meta->annotations;

	for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++) {
		size_t len = strlen(prefixes[p]);

		for (size_t i = 0; i < all->n; i++)
			if (strncmp(all->items[i].key, prefixes[p], len) == 0 &&
			    strcmp(all->items[i].key + len, name) == 0)
				return &all->items[i];
	}
	return NULL;
}

const char *api_annotation(const struct api_meta *meta, const char *name)
{
	const struct label *found = find_annotation(meta, name);

	return found ? found->value : NULL;
}

const char *api_annotation_key(const struct api_meta *meta, const char *name)
{
	const struct label *found = find_annotation(meta, name);

	return found ? found->key : NULL;
}

struct api_endpoint api_slice_endpoint(const struct api_slice *s, size_t i)
{
	const uint32_t state = s->states[i], node = state >> API_ENDPOINT_NODE_SHIFT;
	struct api_endpoint ret = {
		.node_name = node ? s->node_names[node - 1] : NULL,
		.hints = s->hints ? s->hints[i] : NULL,
		.ready = state & API_ENDPOINT_READY,
		.serving = state & API_ENDPOINT_SERVING,
		.terminating = state & API_ENDPOINT_TERMINATING,
	};
	const size_t octets = s->address_octets, zero = sizeof(ret.address) - octets;

	assert(i < s->n_endpoints && (octets == 4 || octets == sizeof(ret.address)));
	if (zero > 0)
		ret.address.b[zero - 2] = ret.address.b[zero - 1] = 0xff; /* mapped */
	memcpy(ret.address.b + zero, s->addresses + i * octets, octets);
	return ret;
}
