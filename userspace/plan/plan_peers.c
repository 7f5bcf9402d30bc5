// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The BGP sessions of this node: which BGPPeers select it, who owns a session that several of them
 * describe (ruling 13: the oldest), passwords (ruling 4), source address (12), router id, timers. A
 * peer that cannot be run as it was asked for, such as one without its password, is held back: a
 * session with less protection than was ordered is worse than none. No password is ever in a text.
 */
#include "plan/plan_good.h"

#include "base/limits.h"
#include "base/sorted.h"
#include "plan/plan_router_id.h"

#include <assert.h>

#define RESTART_TIME_S 120 /* as FRR, which MetalLB's users know */

struct candidate {
	const struct api_object *object; /* as it is now: its name and problems */
	const struct api_peer *spec;     /* the version in force: the object's, or the last good */
	struct plan_last last;
	bool is_last;                  /* ... which of them */
	const struct candidate *owner; /* of the session, NULL: itself */
	uint64_t bit;                  /* of the session, once it is known */
	bool aliased, started;
	struct plan_peer peer;
};

struct peers_build {
	const struct plan_inputs *in;
	struct arena *arena;
	struct plan_env *env;
	struct candidate *items; /* by rank, then oldest first */
	size_t n;
};

#define peer_problem(b, severity, c, ...)                                                          \
	object_problem(&(b)->env->problems, severity, (c)->object, __VA_ARGS__)

int peer_key_cmp(const struct peer_key *a, const struct peer_key *b)
{
	int cmp = strcmp(a->name, b->name);

	if (cmp == 0)
		cmp = strcmp(a->vrf, b->vrf);
	return cmp ? cmp : strcmp(a->interface, b->interface);
}

/* What an error means for the session. */
static const char *consequence(const struct candidate *c)
{
	return c->last.good ? "its last good version stays in force" : "the session is not started";
}

static bool is_internal(const struct api_peer *spec)
{
	if (spec->dynamic_asn != API_ASN_FIXED)
		return spec->dynamic_asn == API_ASN_INTERNAL;
	return spec->my_asn == spec->peer_asn;
}

/* --- password ------------------------------------------------------------------------------- */

static const struct api_object *find_secret(const struct peers_build *b, const char *name)
{
	const struct world_list all = world_list(b->in->world, API_SECRET);

	for (size_t i = 0; i < all.n; i++) {
		const struct api_meta *m = &all.items[i]->meta;
		const char *ns = plan_text(m->ns);

		if (strcmp(m->name, name) == 0 &&
		    (ns[0] == '\0' || strcmp(ns, b->env->settings->ns) == 0))
			return all.items[i];
	}
	return NULL;
}

static const struct api_secret_item *secret_password(const struct api_object *secret)
{
	for (size_t i = 0; secret && i < secret->secret.n; i++)
		if (strcmp(secret->secret.items[i].key, "password") == 0)
			return &secret->secret.items[i];
	return NULL;
}

static bool set_password(struct peers_build *b, struct candidate *c, const uint8_t *key, size_t len)
{
	if (len == 0 || len > LIMIT_PASSWORD_BYTES) {
		peer_problem(b, SEVERITY_ERROR, c, "spec.password", "InvalidPassword",
			     "use a password of 1 to 80 bytes", "the password has %zu bytes; %s",
			     len, consequence(c));
		return false;
	}
	c->peer.password = key;
	c->peer.password_len = len;
	return true;
}

/* Of "key\n" and "key\r\n", what echo and editors leave behind: without it. */
static size_t without_line_end(const uint8_t *key, size_t len)
{
	if (len > 0 && key[len - 1] == '\n') {
		len--;
		len -= len > 0 && key[len - 1] == '\r';
	}
	return len;
}

static bool set_password_of_secret(struct peers_build *b, struct candidate *c,
				   const struct api_object *secret,
				   const struct api_secret_item *item)
{
	const size_t len = without_line_end(item->data, item->len);

	if (len < item->len)
		object_problem(&b->env->problems, SEVERITY_INFO, secret,
			       arena_printf(b->arena, "%s[%s]", item->section, item->key),
			       "LineEndDropped",
			       "nothing to do, or encode it without one: echo -n KEY | base64",
			       "ends with a line end, which is not part of the password here");
	return set_password(b, c, item->data, len);
}

static bool password_by_reference(struct peers_build *b, struct candidate *c, const char *name,
				  const char *field)
{
	const struct api_object *secret = find_secret(b, name);
	const struct api_secret_item *item = secret_password(secret);

	if (!item) {
		peer_problem(b, SEVERITY_ERROR, c, field, "SecretMissing",
			     arena_printf(b->arena,
					  "create it in namespace %s, with the key password",
					  b->env->settings->ns),
			     "%s; %s",
			     secret ? arena_printf(b->arena, "Secret %s has no key password", name)
				    : arena_printf(b->arena, "there is no Secret %s", name),
			     consequence(c));
		return false;
	}
	if (!secret->secret.type || strcmp(secret->secret.type, "kubernetes.io/basic-auth") != 0)
		peer_problem(b, SEVERITY_WARNING, c, field, "SecretType",
			     "make it a Secret of type kubernetes.io/basic-auth",
			     "Secret %s is not of the type MetalLB demands", name);
	return set_password_of_secret(b, c, secret, item);
}

/* A literal, cut to len bytes where it had a line end: `password: |` leaves one. */
static bool set_literal(struct peers_build *b, struct candidate *c, size_t len)
{
	const char *password = c->spec->password;

	peer_problem(b, SEVERITY_INFO, c, "spec.password", "PasswordLiteral",
		     "use passwordSecret, so that the object does not hold the password",
		     "using literal: no Secret has the name given as password");
	if (password[len])
		peer_problem(b, SEVERITY_INFO, c, "spec.password", "LineEndDropped",
			     "nothing to do, or write it on one line",
			     "ends with a line end, which is not part of the password here");
	return set_password(b, c, (const uint8_t *)password, len);
}

/*
 * What would be taken for a literal now was the name of a Secret before: its password is not the
 * text itself.
 */
static bool was_reference(const struct candidate *c, const char *text)
{
	const struct plan_good *last = c->last.good;

	return last && strcmp(c->spec->password, plan_text(c->last.object->peer.password)) == 0 &&
	       (last->password_len != strlen(text) ||
		memcmp(last->password, text, last->password_len) != 0);
}

/* Ruling 4. False: the password that is asked for cannot be had. */
static bool resolve_password(struct peers_build *b, struct candidate *c)
{
	static const char prefix[] = "secretref:";
	const struct api_peer *spec = c->spec;
	const struct api_secret_item *item;
	const struct api_object *secret;
	const char *text;
	size_t len;

	if (spec->password_secret)
		return password_by_reference(b, c, spec->password_secret, "spec.passwordSecret");
	if (!spec->password || spec->password[0] == '\0')
		return true;
	len = without_line_end((const uint8_t *)spec->password, strlen(spec->password));
	text = arena_strndup(b->arena, spec->password, len);
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		return password_by_reference(b, c, text + sizeof(prefix) - 1, "spec.password");
	secret = find_secret(b, text);
	item = secret_password(secret);
	if (!item && was_reference(c, text))
		return password_by_reference(b, c, text, "spec.password");
	if (!item)
		return set_literal(b, c, len);
	peer_problem(b, SEVERITY_INFO, c, "spec.password", "PasswordResolvedFromSecret",
		     "use passwordSecret to say so in the object",
		     "the password is the key password of the Secret that spec.password names");
	return set_password_of_secret(b, c, secret, item);
}

/* --- addresses and identifiers -------------------------------------------------------------- */

static bool is_local(const struct plan_node *node, const struct ip_addr *a)
{
	for (size_t i = 0; i < node->n_addrs; i++)
		if (ip_addr_equal(&node->addrs[i].addr, a))
			return true;
	return false;
}

/* False: an edit names an address that is not this node's, and the one before is. */
static bool check_source(struct peers_build *b, const struct candidate *c)
{
	const struct ip_addr *source = &c->spec->source_address;
	char text[IP_ADDR_TEXT];

	if (ip_addr_is_none(source) || is_local(b->in->node, source))
		return true;
	if (c->last.good && !ip_addr_equal(source, &c->last.object->peer.source_address)) {
		peer_problem(b, SEVERITY_ERROR, c, "spec.sourceAddress", "SourceAddressNotLocal",
			     "give the node that address, or select only the node that has it",
			     "%s is not an address of this node; %s", ip_addr_text(source, text),
			     consequence(c));
		return false;
	}
	peer_problem(b, SEVERITY_WARNING, c, "spec.sourceAddress", "SourceAddressNotLocal",
		     "give the node that address, or select only the node that has it",
		     "%s is not an address of this node; the kernel chooses the source",
		     ip_addr_text(source, text));
	return true;
}

static size_t nodes_selected(const struct peers_build *b, const struct candidate *c)
{
	const struct world_list nodes = world_list(b->in->world, API_NODE);
	size_t n = 0;

	for (size_t i = 0; i < nodes.n; i++)
		n += selectors_match(&c->spec->node_selectors, &nodes.items[i]->meta.labels, true);
	return n;
}

/* Ruling 12: one id on two nodes makes the router refuse one of them. 0: the node's own. */
static uint32_t resolve_router_id(struct peers_build *b, const struct candidate *c)
{
	const uint32_t asked = c->spec->router_id;

	if (asked == 0 || nodes_selected(b, c) < 2)
		return asked;
	peer_problem(b, SEVERITY_WARNING, c, "spec.routerID", "RouterIdShared",
		     "leave routerID out, or give each node a BGPPeer of its own",
		     "several nodes would use the same router id; %s",
		     b->env->config.strict ? "it is used as asked for (strict)"
					   : "this node uses one of its own");
	return b->env->config.strict ? asked : 0;
}

static void resolve_bfd(struct peers_build *b, const struct candidate *c)
{
	const char *name = c->spec->bfd_profile;
	const struct object_list all =
		plan_objects(b->in->world, b->env->settings, API_BFD_PROFILE, b->arena, NULL);

	if (!name || name[0] == '\0')
		return;
	for (size_t i = 0; i < all.n; i++) {
		if (strcmp(all.items[i]->meta.name, name) != 0)
			continue;
		peer_problem(b, SEVERITY_INFO, c, "spec.bfdProfile", "NotSupportedYet",
			     "rely on the hold timer meanwhile",
			     "BFD is not supported yet; the session runs without it");
		return;
	}
	peer_problem(b, SEVERITY_WARNING, c, "spec.bfdProfile", "BFDProfileMissing",
		     "create the BFDProfile, or correct the name",
		     "there is no BFDProfile %s; the session runs without BFD", name);
}

/* --- one peer ------------------------------------------------------------------------------- */

static bool is_supported(struct peers_build *b, const struct candidate *c)
{
	const struct api_peer *spec = c->spec;
	const char *field = NULL;

	if (plan_text(spec->interface)[0] != '\0')
		field = "spec.interface";
	else if (plan_text(spec->vrf)[0] != '\0')
		field = "spec.vrf";
	else if (ip_addr_is_none(&spec->address) || !ip_addr_is_v4(&spec->address))
		field = "spec.peerAddress";
	if (field)
		peer_problem(b, SEVERITY_ERROR, c, field, "NotSupportedYet",
			     "use an IPv4 peerAddress in the default VRF",
			     "only IPv4 sessions in the default VRF are supported yet; %s",
			     consequence(c));
	return !field;
}

static uint32_t own_asn(struct peers_build *b, const struct candidate *c)
{
	const struct api_peer *spec = c->spec;

	if (spec->local_asn == 0)
		return spec->my_asn;
	if (!is_internal(spec))
		return spec->local_asn;
	peer_problem(b, SEVERITY_WARNING, c, "spec.localASN", "LocalAsnOnIbgp",
		     "leave localASN out",
		     "localASN has no meaning on an iBGP session and is not used");
	return spec->my_asn;
}

static void fill_session(struct peers_build *b, struct candidate *c)
{
	const struct api_peer *spec = c->spec;
	const struct api_config *config = &b->env->config;
	const struct plan_route_to *way = plan_way_to(b->in->node, &spec->address);

	c->peer.key = (struct peer_key){.name = c->object->meta.name,
					.vrf = plan_text(spec->vrf),
					.interface = plan_text(spec->interface)};
	c->peer.address = spec->address;
	c->peer.ifindex = way ? way->ifindex : 0;
	c->peer.port = spec->port ? spec->port : 179;
	c->peer.ttl = spec->ebgp_multihop || is_internal(spec) ? 255 : 1;
	c->peer.object = c->object;
	c->peer.bgp = (struct bgp_peer_config){
		.local_asn = own_asn(b, c),
		.remote_asn = spec->dynamic_asn == API_ASN_FIXED ? spec->peer_asn : 0,
		.any_internal = spec->dynamic_asn == API_ASN_INTERNAL,
		.any_external = spec->dynamic_asn == API_ASN_EXTERNAL,
		.families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
		.router_id = resolve_router_id(b, c),
		.hold_s = spec->hold_s,
		.keepalive_s = spec->keepalive_s,
		.connect_s = spec->connect_s,
		.graceful_restart = config->set & API_CONFIG_GRACEFUL_RESTART
					    ? config->graceful_restart
					    : spec->graceful_restart,
		.restart_time_s = RESTART_TIME_S,
	};
	if (is_local(b->in->node, &spec->source_address))
		c->peer.source = spec->source_address;
	resolve_bfd(b, c);
	if (spec->dual_stack)
		peer_problem(b, SEVERITY_INFO, c, "spec.dualStackAddressFamily", "NotSupportedYet",
			     "nothing to do: IPv4 works without it",
			     "only IPv4 routes are announced yet");
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

static const struct candidate *owner_of(const struct peers_build *b, const struct candidate *c)
{
	for (const struct candidate *o = b->items; o < c; o++)
		if (!o->owner && (strcmp(o->object->meta.name, c->object->meta.name) == 0 ||
				  same_session(o->spec, c->spec)))
			return o;
	return NULL;
}

/* False: another BGPPeer has the session, and this one is not an alias of it. */
static bool find_owner(struct peers_build *b, struct candidate *c)
{
	c->owner = owner_of(b, c);
	if (!c->owner)
		return true;
	c->aliased = agrees(c->owner->spec, c->spec);
	peer_problem(b, c->aliased ? SEVERITY_WARNING : SEVERITY_ERROR, c, "spec.peerAddress",
		     "DuplicatePeer", "keep one BGPPeer for each router and node",
		     "BGPPeer %s %s and owns the session; this one %s", c->owner->object->meta.name,
		     c->owner->last.good ? "is here already" : "is older",
		     c->aliased     ? "stands for it in advertisements"
		     : c->last.good ? "differs in ASN or port: its last good version stays in force"
				    : "differs in ASN or port and is not used");
	return c->aliased;
}

/* --- which version -------------------------------------------------------------------------- */

static bool take_present(struct peers_build *b, struct candidate *c)
{
	c->spec = &c->object->peer;
	return find_owner(b, c) &&
	       (c->owner || (is_supported(b, c) && resolve_password(b, c) && check_source(b, c)));
}

/* False: there is none, or it is not for this node any more, or its session is another's now. */
static bool take_last(struct peers_build *b, struct candidate *c)
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

static void learn(struct peers_build *b, const struct candidate *c)
{
	struct plan_good *g = c->is_last ? plan_good_keep(b->env, c->last.good)
					 : plan_good_learn(b->env, c->object);

	g->password = c->peer.password;
	g->password_len = c->peer.password_len;
}

static void start(struct peers_build *b, struct candidate *c)
{
	if (!take_present(b, c) && !take_last(b, c))
		return;
	assert(c->spec && (!c->owner || !c->owner->owner)); /* an owner is nobody's alias */
	if (c->owner)
		return;
	if (b->env->n_peers == LIMIT_PEERS) {
		peer_problem(b, SEVERITY_ERROR, c, NULL, "TooManyPeers",
			     "select fewer nodes with each BGPPeer",
			     "a node has at most %d sessions; this one is not started",
			     LIMIT_PEERS);
		return;
	}
	fill_session(b, c);
	c->started = true;
	b->env->n_peers++;
	if (c->object->text)
		learn(b, c);
}

static int cmp_candidate(const void *a, const void *b)
{
	const struct candidate *const *x = a, *const *y = b;

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

static void number_peers(struct peers_build *b)
{
	struct plan_env *env = b->env;
	struct candidate **started = arena_array_of(b->arena, env->n_peers, struct candidate *);
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
		if (!is_internal(started[i]->spec))
			env->ebgp |= started[i]->bit;
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			if (bgp_families_has(peers[i].bgp.families, plan_bgp_family(f)))
				env->carriers[f] |= started[i]->bit;
	}
	assert(n == env->n_peers && n <= LIMIT_PEERS);
	env->peers = peers;
}

static int cmp_name(const void *a, const void *b)
{
	const struct env_peer_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Every BGPPeer's name, also of those that are for other nodes: they are known all the same. */
static void name_peers(struct peers_build *b, const struct object_list *all)
{
	struct env_peer_name *names = arena_array_of(b->arena, all->n, struct env_peer_name);

	for (size_t i = 0; i < all->n; i++)
		names[i].name = all->items[i]->meta.name;
	qsort(names, all->n, sizeof(*names), cmp_name);
	for (size_t i = 0; i < b->n; i++) {
		const struct candidate *c = &b->items[i];
		const struct env_peer_name key = {.name = c->object->meta.name};
		struct env_peer_name *found =
			sorted_find(&key, names, all->n, sizeof(*names), cmp_name);

		if (c->owner)
			found->bit |= c->aliased ? c->owner->bit : 0;
		else
			found->bit |= c->bit;
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
		struct candidate *c;

		if (rank_of(&last, o) != rank ||
		    !selectors_match(&o->peer.node_selectors, &b->env->node_labels, true))
			continue;
		c = &b->items[b->n++];
		*c = (struct candidate){.object = o, .last = last};
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
				.items = arena_array_of(arena, all.n, struct candidate)};

	for (int rank = 0; rank < N_RANKS; rank++)
		add_candidates(&b, &all, (enum rank)rank);
	assert(b.n <= all.n); /* each has one rank */
	number_peers(&b);
	name_peers(&b, &all);
}
