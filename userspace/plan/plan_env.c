// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds the environment: settings, this node, advertisements, pools. Peers and communities have
 * files of their own. The rules are metallb.md 1.3 (which advertisement selects which pool), 3.1
 * rows 4 and 5 (this node) and the rulings of section 7; unknown names are warnings, since
 * MetalLB's silence about them is a standing complaint.
 */
#include "plan/plan_env.h"

#include "base/sorted.h"

/* --- settings and node ---------------------------------------------------------------------- */

static const struct api_object *find_config(const struct world *world, const char *name)
{
	const struct world_list all = world_list(world, API_LODESTONE_CONFIG);

	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, name) == 0)
			return all.items[i];
	return NULL;
}

static void config_over(struct plan_env *env, const struct api_object *object)
{
	const struct api_config *from = &object->config;
	struct api_config *to = &env->config;

	if (from->set & API_CONFIG_ROUTER_ID) {
		to->router_id = from->router_id;
		env->router_id_object = object;
	}
	if (from->set & API_CONFIG_MODE)
		to->mode = from->mode;
	if (from->set & API_CONFIG_UPLINKS)
		to->uplinks = from->uplinks;
	if (from->set & API_CONFIG_UNKNOWN_PORT)
		to->unknown_port = from->unknown_port;
	if (from->set & API_CONFIG_ICMP_ECHO)
		to->icmp_echo = from->icmp_echo;
	if (from->set & API_CONFIG_FLOW_ENTRIES) {
		to->flow_entries = from->flow_entries;
		env->flow_entries_object = object;
	}
	if (from->set & API_CONFIG_DEFAULT_LOCAL_PREF)
		to->default_local_pref = from->default_local_pref;
	if (from->set & API_CONFIG_GRACEFUL_RESTART)
		to->graceful_restart = from->graceful_restart;
	if (from->set & API_CONFIG_STRICT)
		to->strict = from->strict;
	if (from->set & API_CONFIG_DRAIN)
		to->drain_s = from->drain_s;
	to->set |= from->set;
}

static void build_settings(const struct world *world, struct plan_env *env)
{
	const struct api_object *all = find_config(world, "default");
	const struct api_object *own = find_config(world, env->settings->node_name);

	if (all)
		config_over(env, all);
	if (own && own != all)
		config_over(env, own);
	env->config_object = own ? own : all;
	env->drain_ns = PLAN_DRAIN_DEFAULT_NS;
	if (env->config.set & API_CONFIG_DRAIN)
		env->drain_ns = env->config.drain_s * NSEC_PER_SEC;
	env->dataplane = env->settings->dataplane && env->config.mode != API_MODE_OFF;
}

static void build_node(const struct world *world, struct arena *arena, struct plan_env *env)
{
	static const char exclude[] = "node.kubernetes.io/exclude-from-external-load-balancers";
	const struct api_object *node = plan_node_object(world, env->settings);

	env->node_labels = plan_node_labels(world, env->settings, arena);
	env->node_excluded = labels_get(&env->node_labels, exclude) != NULL;
	env->node_unavailable = node && node->node.network_unavailable;
	if (env->node_excluded)
		object_problem(&env->problems, SEVERITY_WARNING, node, "metadata.labels",
			       "NodeLabeledExcludeBalancers",
			       "remove the label to announce from here",
			       "nothing is announced from this node: it is labelled %s", exclude);
	if (env->node_unavailable)
		object_problem(&env->problems, SEVERITY_WARNING, node, "status.conditions",
			       "NodeNetworkUnavailable", "wait for the CNI, or repair it",
			       "nothing is announced from this node: its network is unavailable");
}

/* --- advertisements ------------------------------------------------------------------------- */

static int cmp_peer_name(const void *key, const void *item)
{
	const struct env_peer_name *p = item;

	return strcmp(key, p->name);
}

static void resolve_peers(struct plan_env *env, struct env_advert *a)
{
	const struct api_strings *names = &a->object->advertisement.peers;

	if (names->n == 0)
		a->peers = env->n_peers == 64 ? UINT64_MAX : (UINT64_C(1) << env->n_peers) - 1;
	for (size_t i = 0; i < names->n; i++) {
		const struct env_peer_name *p =
			sorted_find(names->items[i], env->peer_names, env->n_peer_names,
				    sizeof(*env->peer_names), cmp_peer_name);

		if (p)
			a->peers |= p->bit;
		else
			object_problem(&env->problems, SEVERITY_WARNING, a->object, "spec.peers",
				       "UnknownPeer", "create the BGPPeer, or correct the name",
				       "there is no BGPPeer %s", names->items[i]);
	}
}

/* What the peers' kind makes of the attributes: rulings 6 and DESIGN 4. */
static void check_attributes(struct plan_env *env, const struct env_advert *a)
{
	const struct api_advertisement *spec = &a->object->advertisement;

	if (!a->here)
		return;
	if (spec->local_pref && (a->peers & env->ebgp))
		object_problem(&env->problems, SEVERITY_INFO, a->object, "spec.localPref",
			       "LocalPrefOnEbgp",
			       "use communities or asPathPrepend towards eBGP peers",
			       "localPref is not carried on eBGP, so not to BGPPeer %s",
			       env->peers[__builtin_ctzll(a->peers & env->ebgp)].key.name);
	if (spec->as_path_prepend && (a->peers & ~env->ebgp))
		object_problem(&env->problems, SEVERITY_WARNING, a->object, "spec.asPathPrepend",
			       "PrependOnIbgp", "use localPref towards iBGP peers",
			       "asPathPrepend is without effect on iBGP, so to BGPPeer %s",
			       env->peers[__builtin_ctzll(a->peers & ~env->ebgp)].key.name);
}

static void build_adverts(const struct plan_inputs *in, struct arena *arena, struct plan_env *env)
{
	const struct object_list list = plan_objects(in->world, env->settings,
						     API_BGP_ADVERTISEMENT, arena, &env->problems);
	const struct object_list resources =
		plan_objects(in->world, env->settings, API_COMMUNITY, arena, &env->problems);
	struct env_advert *adverts = arena_array_of(arena, list.n, struct env_advert);

	for (size_t i = 0; i < list.n; i++) {
		struct env_advert *a = &adverts[i];

		a->object = list.items[i];
		a->age = i;
		a->here = selectors_match(&a->object->advertisement.node_selectors,
					  &env->node_labels, true);
		resolve_peers(env, a);
		plan_env_communities(&resources, &env->problems, a);
		check_attributes(env, a);
	}
	env->adverts = adverts;
	env->n_adverts = list.n;
}

/* --- pools ---------------------------------------------------------------------------------- */

static int cmp_pool(const void *a, const void *b)
{
	const struct env_pool *x = a, *y = b;

	return strcmp(x->object->meta.name, y->object->meta.name);
}

static int cmp_pool_name(const void *key, const void *item)
{
	const struct env_pool *p = item;

	return strcmp(key, p->object->meta.name);
}

const struct env_pool *plan_env_pool(const struct plan_env *env, const char *name)
{
	return sorted_find(name, env->pools, env->n_pools, sizeof(*env->pools), cmp_pool_name);
}

static bool advert_selects(const struct api_advertisement *spec, const struct api_object *pool)
{
	if (spec->pools.n == 0 && spec->pool_selectors.n == 0)
		return true;
	if (plan_strings_have(&spec->pools, pool->meta.name))
		return true;
	return selectors_match(&spec->pool_selectors, &pool->meta.labels, false);
}

/* metallb.md 1.3: no shorter than the widest CIDR of any IPv4 entry; names the entry if it is. */
static bool aggregation_fits(const struct env_advert *a, const struct api_pool *pool,
			     uint8_t *ret_least)
{
	uint8_t least = 0;

	for (size_t i = 0; i < pool->n_ranges; i++) {
		const struct ip_range *r = &pool->ranges[i];
		const uint8_t len = ip_range_shortest_cidr(r);

		if (ip_addr_is_v4(&r->first) && len > least)
			least = len;
	}
	*ret_least = least;
	return a->object->advertisement.aggregation_length >= least;
}

static void pool_adverts(struct plan_env *env, struct arena *arena, struct env_pool *p)
{
	const struct env_advert **list =
		arena_array_of(arena, env->n_adverts, const struct env_advert *);

	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct env_advert *a = &env->adverts[i];
		const bool selects = advert_selects(&a->object->advertisement, p->object);
		uint8_t least;

		p->advertised |= selects;
		if (!selects || !a->here)
			continue;
		if (!aggregation_fits(a, &p->object->pool, &least)) {
			object_problem(
				&env->problems, SEVERITY_ERROR, a->object, "spec.aggregationLength",
				"AggregationTooShort",
				"use a longer aggregationLength, or name only pools it fits",
				"/%u is wider than a range of pool %s, which needs /%u or longer",
				a->object->advertisement.aggregation_length, p->object->meta.name,
				least);
			p->n_held++;
		} else if (a->held) {
			p->n_held++;
		} else {
			list[p->n_adverts++] = a;
		}
	}
	p->adverts = list;
}

static void build_pools(const struct plan_inputs *in, struct arena *arena, struct plan_env *env)
{
	const struct object_list list =
		plan_objects(in->world, env->settings, API_IP_ADDRESS_POOL, arena, &env->problems);
	struct env_pool *pools = arena_array_of(arena, list.n, struct env_pool);

	for (size_t i = 0; i < list.n; i++) {
		pools[i].object = list.items[i];
		pool_adverts(env, arena, &pools[i]);
	}
	qsort(pools, list.n, sizeof(*pools), cmp_pool);
	env->pools = pools;
	env->n_pools = list.n;
}

static void check_pool_names(struct plan_env *env)
{
	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct api_object *o = env->adverts[i].object;
		const struct api_strings *names = &o->advertisement.pools;

		for (size_t k = 0; k < names->n; k++)
			if (!plan_env_pool(env, names->items[k]))
				object_problem(&env->problems, SEVERITY_WARNING, o,
					       "spec.ipAddressPools", "UnknownPool",
					       "create the IPAddressPool, or correct the name",
					       "there is no IPAddressPool %s", names->items[k]);
	}
}

void plan_env_build(const struct plan_inputs *in, uint32_t kept_router_id, struct arena *arena,
		    struct plan_env *ret)
{
	*ret = (struct plan_env){.settings = in->settings,
				 .kept_router_id = kept_router_id,
				 .problems = {.arena = arena}};
	build_settings(in->world, ret);
	build_node(in->world, arena, ret);
	plan_own_build(in->world, in->node, arena, &ret->own);
	plan_env_peers(in, arena, ret);
	build_adverts(in, arena, ret);
	build_pools(in, arena, ret);
	check_pool_names(ret);
}
