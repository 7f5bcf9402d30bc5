// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The BGP sessions of this node: which BGPPeers select it, who owns a session that several of them
 * describe (ruling 13: the oldest), which version of the object is in force, and the order in which
 * the rest of the plan knows them. A peer that cannot be run as it was asked for is held back, or
 * keeps its last good version.
 */
#include "plan/plan_peers.h"

#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_router_id.h"

#include <assert.h>

int peer_key_cmp(const struct peer_key *a, const struct peer_key *b)
{
	int cmp = strcmp(a->name, b->name);

	if (cmp == 0)
		cmp = strcmp(a->vrf, b->vrf);
	return cmp ? cmp : strcmp(a->interface, b->interface);
}

/* --- who owns a session --------------------------------------------------------------------- */

static bool same_session(const struct api_peer *a, const struct api_peer *b)
{
	return ip_addr_equal(&a->address, &b->address) &&
	       strcmp(plan_text(a->vrf), plan_text(b->vrf)) == 0 &&
	       strcmp(plan_text(a->interface), plan_text(b->interface)) == 0;
}

static bool agrees(const struct api_peer *a, const struct api_peer *b)
{
	return a->my_asn == b->my_asn && a->peer_asn == b->peer_asn &&
	       a->dynamic_asn == b->dynamic_asn && a->port == b->port;
}

static const struct peer_candidate *owner_of(const struct peers_build *b,
					     const struct peer_candidate *c)
{
	for (const struct peer_candidate *o = b->items; o < c; o++)
		if (!o->owner && (strcmp(o->object->meta.name, c->object->meta.name) == 0 ||
				  same_session(o->spec, c->spec)))
			return o;
	return NULL;
}

/* False: another BGPPeer has the session, and this one is not an alias of it. */
static bool find_owner(struct peers_build *b, struct peer_candidate *c)
{
	c->owner = owner_of(b, c);
	if (!c->owner)
		return true;
	c->aliased = !b->env->config.strict && agrees(c->owner->spec, c->spec);
	if (b->env->config.strict)
		return peer_is_strict(b, c);
	peer_problem(b, c->aliased ? SEVERITY_WARNING : SEVERITY_ERROR, c, "spec.peerAddress",
		     "DuplicatePeer", "keep one BGPPeer for each router and node",
		     "BGPPeer %s %s and owns the session; this one %s", c->owner->object->meta.name,
		     api_object_age_cmp(c->owner->object, c->object) < 0 ? "is older"
									 : "is here already",
		     c->aliased     ? "stands for it in advertisements"
		     : c->last.good ? "differs in ASN or port: its last good version stays in force"
				    : "differs in ASN or port and is not used");
	return c->aliased;
}

/* --- which version -------------------------------------------------------------------------- */

/* All that is wrong with it is told at once. */
static bool take_present(struct peers_build *b, struct peer_candidate *c)
{
	bool ok;

	c->spec = &c->object->peer;
	if (!find_owner(b, c))
		return false;
	ok = !b->env->config.strict || peer_is_strict(b, c);
	if (c->owner)
		return ok;
	ok &= peer_session_is_supported(b, c);
	ok &= peer_password_resolve(b, c);
	ok &= peer_session_has_source(b, c);
	ok &= peer_vrf_is_edited_well(b, c);
	return ok;
}

/* False: there is none, or it is not for this node any more, or its session is another's now. */
static bool take_last(struct peers_build *b, struct peer_candidate *c)
{
	const struct plan_good *g = c->last.good;

	if (!g)
		return false;
	c->spec = &c->last.object->peer;
	c->is_last = true;
	c->owner = owner_of(b, c);
	if (g->password_len) /* the plan outlives the ledger it was made from */
		c->peer.password = arena_memdup(b->arena, g->password, g->password_len);
	c->peer.password_len = g->password_len;
	return !c->owner && selectors_match(&c->spec->node_selectors, &b->env->node_labels, true);
}

static void learn(struct peers_build *b, const struct peer_candidate *c)
{
	struct plan_good *g = c->is_last ? plan_good_keep(b->env, c->last.good)
					 : plan_good_learn(b->env, c->object);

	assert(c->started); /* only of what runs */
	g->password = c->peer.password;
	g->password_len = c->peer.password_len;
}

static void start(struct peers_build *b, struct peer_candidate *c)
{
	if (!take_present(b, c) && !take_last(b, c)) {
		if (!c->owner && !b->env->config.strict)
			peer_bfd_check(b, c);
		return;
	}
	assert(c->spec && (!c->owner || !c->owner->owner)); /* an owner is nobody's alias */
	if (c->owner)
		return;
	if (b->env->n_peers == LIMIT_PEERS) {
		peer_problem(b, SEVERITY_ERROR, c, NULL, "TooManyPeers",
			     "select fewer nodes with each BGPPeer",
			     "a node has at most %d sessions; this one is not started",
			     LIMIT_PEERS);
		c->surplus = true;
		return;
	}
	peer_session_fill(b, c);
	c->started = true;
	b->env->n_peers++;
	if (c->object->text)
		learn(b, c);
}

static int cmp_candidate(const void *a, const void *b)
{
	const struct peer_candidate *const *x = a, *const *y = b;

	return peer_key_cmp(&(*x)->peer.key, &(*y)->peer.key);
}

/* The setting: also of one node only, unless strict. 0: none. */
static uint32_t configured_router_id(const struct peers_build *b)
{
	struct plan_env *env = b->env;
	const struct api_object *o = env->router_id_object;

	if (!o)
		return 0;
	if (strcmp(o->meta.name, env->settings->node_name) == 0 ||
	    world_list(b->in->world, API_NODE).n < 2)
		return env->config.router_id;
	object_problem(&env->problems, SEVERITY_WARNING, o, "spec.bgp.routerID", "RouterIdShared",
		       "leave it out, or set it in a LodestoneConfig named after the node",
		       "several nodes would use the same router id; %s",
		       env->config.strict ? "it is used as asked for (strict)"
					  : "this node uses one of its own");
	return env->config.strict ? env->config.router_id : 0;
}

static void set_router_ids(struct peers_build *b, struct plan_peer *peers, size_t n)
{
	const uint32_t configured = configured_router_id(b);
	const uint32_t own = plan_router_id(b->in, peers, n, &b->env->kept_router_id);

	for (size_t i = 0; i < n; i++)
		if (peers[i].bgp.router_id == 0)
			peers[i].bgp.router_id = configured ? configured : own;
}

static void add_external(struct plan_env *env, const struct peer_candidate *c)
{
	const enum api_pref_as as = c->spec->has_pref_as ? c->spec->pref_as : env->config.pref_as;

	env->ebgp |= c->bit;
	env->pref_as[as] |= c->bit;
}

void plan_env_domains(struct plan_env *env, struct arena *arena)
{
	struct env_domain *domains = arena_array_of(arena, env->n_peers, struct env_domain);
	size_t n = 0;

	for (size_t i = 0; i < env->n_peers; i++) {
		const uint16_t domain = env->peers[i].domain;
		size_t k = 0;

		while (k < n && domains[k].domain != domain)
			k++;
		n += k == n;
		assert(k < env->n_peers);
		domains[k].domain = domain;
		domains[k].peers |= UINT64_C(1) << i;
	}
	env->domains = domains;
	env->n_domains = n;
}

static void number_peers(struct peers_build *b)
{
	struct plan_env *env = b->env;
	struct peer_candidate **started =
		arena_array_of(b->arena, env->n_peers, struct peer_candidate *);
	struct plan_peer *peers = arena_array_of(b->arena, env->n_peers, struct plan_peer);
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].started)
			started[n++] = &b->items[i];
	qsort(started, n, sizeof(*started), cmp_candidate);
	for (size_t i = 0; i < n; i++)
		peers[i] = started[i]->peer;
	set_router_ids(b, peers, n);
	for (size_t i = 0; i < n; i++) {
		started[i]->bit = UINT64_C(1) << i;
		if (started[i]->spec->rtbh)
			env->rtbh |= started[i]->bit;
		if (!peer_is_internal(started[i]->spec))
			add_external(env, started[i]);
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			if (bgp_families_has(peers[i].carried, plan_bgp_family(f)))
				env->carriers[f] |= started[i]->bit;
	}
	assert(n == env->n_peers && n <= LIMIT_PEERS);
	env->peers = peers;
	plan_env_domains(env, b->arena);
}

static int cmp_name(const void *a, const void *b)
{
	const struct env_peer_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static enum env_peer_fate fate_of(const struct peer_candidate *c)
{
	if (c->started)
		return PEER_SESSION;
	if (c->owner)
		return c->aliased ? PEER_ALIAS : PEER_DUPLICATE;
	return c->surplus ? PEER_TOO_MANY : PEER_HELD_BACK;
}

/* Every BGPPeer's name, also of those that are for other nodes: they are known all the same. */
static void name_peers(struct peers_build *b, const struct object_list *all)
{
	struct env_peer_name *names = arena_array_of(b->arena, all->n, struct env_peer_name);

	for (size_t i = 0; i < all->n; i++)
		names[i].name = all->items[i]->meta.name;
	qsort(names, all->n, sizeof(*names), cmp_name);
	for (size_t i = 0; i < b->n; i++) {
		const struct peer_candidate *c = &b->items[i];
		const struct env_peer_name key = {.name = c->object->meta.name};
		struct env_peer_name *found =
			sorted_find(&key, names, all->n, sizeof(*names), cmp_name);

		assert(found && (c->bit == 0 || c->started));
		if (c->owner)
			found->bit |= c->aliased ? c->owner->bit : 0;
		else
			found->bit |= c->bit;
		found->fate = fate_of(c);
		found->owner = c->owner ? c->owner->object->meta.name : NULL;
		found->is_last = c->is_last;
	}
	b->env->peer_names = names;
	b->env->n_peer_names = all->n;
}

/*
 * What runs keeps its session, whoever comes along, and so it comes first: peers whose session is
 * the one they had, then those that had another, then those that had none.
 */
enum rank { RANK_RUNS, RANK_MOVES, RANK_NEW, N_RANKS };

static enum rank rank_of(const struct plan_last *last, const struct api_object *o)
{
	if (!last->good)
		return RANK_NEW;
	return same_session(&last->object->peer, &o->peer) ? RANK_RUNS : RANK_MOVES;
}

static void add_candidates(struct peers_build *b, const struct object_list *all, enum rank rank)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct api_object *o = all->items[i];
		const struct plan_last last = plan_good_find(b->env, o);
		struct peer_candidate *c;

		if (rank_of(&last, o) != rank ||
		    !selectors_match(&o->peer.node_selectors, &b->env->node_labels, true))
			continue;
		c = &b->items[b->n++];
		*c = (struct peer_candidate){.object = o, .last = last};
		start(b, c);
	}
}

void plan_env_peers(const struct plan_inputs *in, struct arena *arena, struct plan_env *env)
{
	const struct object_list all =
		plan_objects(in->world, env->settings, API_BGP_PEER, arena, &env->problems);
	struct peers_build b = {.in = in,
				.arena = arena,
				.env = env,
				.items = arena_array_of(arena, all.n, struct peer_candidate)};

	for (int rank = 0; rank < N_RANKS; rank++)
		add_candidates(&b, &all, (enum rank)rank);
	assert(b.n <= all.n); /* each has one rank */
	peer_bfd_share(&b);
	number_peers(&b);
	name_peers(&b, &all);
	env->made_vrfs = b.made_vrfs;
	env->n_made_vrfs = b.n_made_vrfs;
}
