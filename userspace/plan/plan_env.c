// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds the environment: settings, this node, pools. Peers, advertisements and communities have
 * files of their own. The rules are metallb.md 1.3 (which advertisement selects which pool), 3.1
 * rows 4 and 5 (this node) and the rulings of section 7; unknown names are warnings, since
 * MetalLB's silence about them is a standing complaint.
 */
#include "plan/plan_good.h"

#include "base/sorted.h"
#include "plan/plan_prefs.h"

#include <assert.h>

/* --- settings and node ---------------------------------------------------------------------- */

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
	if (from->set & API_CONFIG_FORWARDING)
		to->forwarding = from->forwarding;
	if (from->set & API_CONFIG_NAT_PORT)
		to->nat_port = from->nat_port;
	if (from->set & API_CONFIG_ICMP_ECHO)
		to->icmp_echo = from->icmp_echo;
	if (from->set & API_CONFIG_FLOW_ENTRIES) {
		to->flow_entries = from->flow_entries;
		env->flow_entries_object = object;
	}
	if (from->set & API_CONFIG_TOPOLOGY_HINTS)
		to->topology_hints = from->topology_hints;
	if (from->set & API_CONFIG_NEW_FLOWS)
		to->new_flows = from->new_flows;
	if (from->set & API_CONFIG_NEW_FLOWS_PER_SOURCE)
		to->new_flows_per_source = from->new_flows_per_source;
	if (from->set & API_CONFIG_SOURCE_CHECK)
		to->source_check = from->source_check;
	if (from->set & API_CONFIG_DEFAULT_LOCAL_PREF)
		to->default_local_pref = from->default_local_pref;
	if (from->set & API_CONFIG_PREF_AS)
		to->pref_as = from->pref_as;
	if (from->set & API_CONFIG_GRACEFUL_RESTART)
		to->graceful_restart = from->graceful_restart;
	if (from->set & API_CONFIG_LISTEN)
		to->listen = from->listen;
	if (from->set & API_CONFIG_LINK_BANDWIDTH)
		to->link_bandwidth = from->link_bandwidth;
	if (from->set & API_CONFIG_STRICT)
		to->strict = from->strict;
	if (from->set & API_CONFIG_OBSERVE)
		to->observe = from->observe;
	if (from->set & API_CONFIG_BLACKHOLES)
		to->blackholes = from->blackholes;
	if (from->set & API_CONFIG_ALWAYS_BLOCK) {
		to->always_block = from->always_block;
		to->n_always_block = from->n_always_block;
	}
	if (from->set & API_CONFIG_RTBH_NEXT_HOPS)
		memcpy(to->rtbh.next_hops, from->rtbh.next_hops, sizeof(to->rtbh.next_hops));
	if (from->set & API_CONFIG_RTBH_COMMUNITIES) {
		to->rtbh.communities = from->rtbh.communities;
		to->rtbh.n_communities = from->rtbh.n_communities;
		to->rtbh.large = from->rtbh.large;
		to->rtbh.n_large = from->rtbh.n_large;
	}
	if (from->set & API_CONFIG_DRAIN)
		to->drain_s = from->drain_s;
	to->set |= from->set;
}

/* The address of the discard prefix (RFC 6666) that blackholes of IPv6 have as their next hop. */
static const struct ip_addr discard_hop = {{[0] = 1, [15] = 1}};

static void build_settings(const struct world *world, struct plan_env *env)
{
	static const uint32_t no_export = COMMUNITY_NO_EXPORT;
	const struct api_object *all = plan_config_object(world, "default");
	const struct api_object *own = plan_config_object(world, env->settings->node_name);

	env->config.rtbh.communities = &no_export;
	env->config.rtbh.n_communities = 1;
	env->config.nat_port = PLAN_NAT_PORT_DEFAULT;
	env->config.new_flows = PLAN_NEW_FLOWS_DEFAULT;
	env->config.new_flows_per_source = PLAN_NEW_FLOWS_PER_SOURCE_DEFAULT;
	if (all)
		config_over(env, all);
	if (own && own != all)
		config_over(env, own);
	if (ip_addr_is_none(&env->config.rtbh.next_hops[IP_V6]))
		env->config.rtbh.next_hops[IP_V6] = discard_hop;
	env->config_object = own ? own : all;
	env->stands_back = all && all->config.observe;
	env->drain_ns = PLAN_DRAIN_DEFAULT_NS;
	if (env->config.set & API_CONFIG_DRAIN)
		env->drain_ns = env->config.drain_s * NSEC_PER_SEC;
	env->dataplane = env->settings->dataplane && env->config.mode != API_MODE_OFF;
}

static void build_drain(const struct api_object *node, struct plan_env *env)
{
	const struct object_ref here = {.kind = "Agent", .name = env->settings->node_name};
	const struct problem_text asked = {
		.reason = "NodeDrained",
		.remedy = "lodectl undrain, when the node is to serve again",
	};

	env->drained_by_node = node && (node->node.is_drained || node->node.removed_by);
	env->leaves = env->settings->drained || env->drained_by_node;
	env->drained = env->leaves && env->settings->drain_told;
	env->dataplane &= !env->drained;
	if (env->settings->drained)
		problem_add(&env->problems, SEVERITY_INFO, &here, &asked,
			    "nothing is announced from this node: lodectl drain was said");
	if (node && node->node.removed_by)
		object_problem(&env->problems, SEVERITY_INFO, node, "spec.taints", "NodeDrained",
			       "remove the taint, when the node is to serve again",
			       "nothing is announced from this node: the taint %s says that it is "
			       "to be removed",
			       node->node.removed_by);
	if (node && node->node.is_drained)
		object_problem(&env->problems, SEVERITY_INFO, node,
			       "metadata.annotations[lodestone.io/drain]", "NodeDrained",
			       "remove the annotation, when the node is to serve again",
			       "nothing is announced from this node: it is annotated to be "
			       "drained");
}

/* The label goes before the settings, so that labelling a node is all that it takes. */
static void build_observe(struct plan_env *env)
{
	const char *label = labels_get(&env->node_labels, PLAN_LABEL_ANNOUNCES);
	const struct object_ref here = {.kind = "Agent", .name = env->settings->node_name};
	const struct problem_text text = {
		.reason = "NodeObserves",
		.remedy = "label the Node " PLAN_LABEL_ANNOUNCES "=true, when it is to announce",
	};

	env->observes = env->config.observe;
	if (label && strcmp(label, "true") == 0)
		env->observes = false;
	if (label && strcmp(label, "false") == 0)
		env->observes = true;
	env->dataplane &= !env->observes;
	if (env->observes)
		problem_add(&env->problems, SEVERITY_INFO, &here, &text,
			    "this node only looks on: nothing is announced, forwarded or written");
}

static void build_node(const struct world *world, struct arena *arena, struct plan_env *env)
{
	static const char exclude[] = "node.kubernetes.io/exclude-from-external-load-balancers";
	const struct api_object *node = plan_node_object(world, env->settings);

	env->node_labels = plan_node_labels(world, env->settings, arena);
	env->node_excluded = labels_get(&env->node_labels, exclude) != NULL;
	env->node_unavailable = node && node->node.network_unavailable;
	build_drain(node, env);
	build_observe(env);
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

/* What announces its addresses of one family from here. */
static struct env_pool_adverts list_adverts(const struct plan_env *env, struct arena *arena,
					    const struct env_pool *pool, enum ip_family family)
{
	const struct env_advert **list =
		arena_array_of(arena, env->n_adverts, const struct env_advert *);
	struct env_pool_adverts ret = {0};
	size_t n = 0;

	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct env_advert *a = &env->adverts[i];
		const enum env_advert_fate fate = plan_advert_fate(a, pool->object, family);

		if (fate == ADVERT_ANNOUNCES)
			list[n++] = a;
		ret.n_held_back += fate == ADVERT_HELD_BACK;
	}
	assert(n + ret.n_held_back <= env->n_adverts);
	plan_env_group(pool, list, n, family, arena, &ret);
	return ret;
}

/* Known only once the advertisements are. */
static void pool_adverts(const struct plan_env *env, struct arena *arena, struct env_pool *p)
{
	for (size_t i = 0; i < env->n_adverts; i++)
		p->advertised |= plan_advert_selects(&env->adverts[i], p->object);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		p->adverts[f] = list_adverts(env, arena, p, f);
	plan_prefs_of_pool(env, arena, p);
}

/* In order of names. */
static struct env_pool *list_pools(const struct plan_inputs *in, struct arena *arena,
				   struct plan_env *env)
{
	const struct object_list list =
		plan_objects(in->world, env->settings, API_IP_ADDRESS_POOL, arena, &env->problems);
	struct env_pool *pools = arena_array_of(arena, list.n, struct env_pool);

	for (size_t i = 0; i < list.n; i++)
		pools[i].object = list.items[i];
	qsort(pools, list.n, sizeof(*pools), cmp_pool);
	env->pools = pools;
	env->n_pools = list.n;
	return pools;
}

static void check_pool_names(struct plan_env *env)
{
	for (size_t i = 0; i < env->n_adverts; i++) {
		const struct api_strings *names = &env->adverts[i].spec->pools;

		for (size_t k = 0; k < names->n; k++)
			if (!plan_env_pool(env, names->items[k]))
				object_problem(&env->problems, SEVERITY_WARNING,
					       env->adverts[i].object, "spec.ipAddressPools",
					       "UnknownPool",
					       "create the IPAddressPool, or correct the name",
					       "there is no IPAddressPool %s", names->items[k]);
	}
}

void plan_env_build(const struct plan_inputs *in, const struct plan_ledger *ledger,
		    struct arena *arena, struct plan_env *ret)
{
	struct env_pool *pools;

	*ret = (struct plan_env){.settings = in->settings,
				 .ledger = ledger,
				 .kept_router_id = ledger->router_id,
				 .problems = {.arena = arena}};
	build_settings(in->world, ret);
	build_node(in->world, arena, ret);
	plan_own_build(in->world, in->node, arena, &ret->own);
	plan_tunnels_build(in->world, in->settings->node_name, arena, &ret->problems,
			   &ret->tunnels);
	plan_env_peers(in, arena, ret);
	pools = list_pools(in, arena, ret);
	plan_env_adverts(in, arena, ret);
	for (size_t i = 0; i < ret->n_pools; i++)
		pool_adverts(ret, arena, &pools[i]);
	check_pool_names(ret);
	plan_env_findings(in, arena, ret);
	plan_good_finish(in, ret);
}
