// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. "node-a" has eth0 (10.0.0.10), the way to every peer, eth1 (10.0.1.10) and lo.
 */
#include "fake/plan_fixture.h"

#include "base/hash.h"
#include "plan/ipam.h"
#include "plan/plan_ledger.h"

#include <assert.h>

/* Above all numbers that the allocator's results get, since a test may make such a one given. */
#define GIVEN (UINT64_C(1) << 32)

static struct ip_addr addr(const char *text)
{
	struct ip_addr ret;
	const bool ok = ip_addr_parse(text, &ret);

	assert(ok);
	return ret;
}

struct fixture *fixture_new(void)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->world = world_new();
	f->settings = (struct plan_settings){.node_name = "node-a",
					     .ns = "metallb-system",
					     .dataplane = true,
					     .drain_told = true};
	f->links[0] = (struct plan_link){.ifindex = 1, .name = "lo", .up = true};
	f->links[1] = (struct plan_link){.ifindex = 2, .name = "eth0", .up = true};
	f->links[2] = (struct plan_link){.ifindex = 3, .name = "eth1", .up = true};
	f->addrs[0] = (struct plan_local_addr){addr("10.0.0.10"), 24, 2, false};
	f->addrs[1] = (struct plan_local_addr){addr("10.0.1.10"), 24, 3, false};
	f->addrs[2] = (struct plan_local_addr){addr("127.0.0.1"), 8, 1, false};
	f->node = (struct plan_node){
		.links = f->links,
		.n_links = 3,
		.addrs = f->addrs,
		.n_addrs = 3,
		.routes_to = f->routes_to,
		.default_devices = f->default_devices,
		.gateways = f->gateways,
		.routers.items = f->routers,
		.taken = f->taken,
	};
	f->synced = true;
	f->now = 1000 * NSEC_PER_SEC;
	f->arena = arena_new(), f->last_arena = arena_new();
	f->given_arena = arena_new();
	f->given.generation = GIVEN;
	f->cache = plan_cache_new();
	f->ipam_cache = ipam_cache_new();
	f->deny = fake_deny_new();
	f->kernel = xcalloc(1, sizeof(*f->kernel));
	kernel_state_init(&f->kernel_state);
	return f;
}

static void peer_done(struct fixture_peer *p)
{
	bgp_rib_free(p->rib);
	prefix_list_unref(p->sent);
	free(p->name);
	free(p->vrf);
	free(p->interface);
}

struct fixture *fixture_free(struct fixture *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < f->n_peers; i++)
		peer_done(&f->peers[i]);
	fake_store_done(&f->store);
	fake_deny_free(f->deny);
	fixture_kernel_done(f);
	world_free(f->world);
	arena_free(f->arena);
	arena_free(f->last_arena);
	arena_free(f->given_arena);
	plan_cache_free(f->cache);
	ipam_cache_free(f->ipam_cache);
	free(f);
	return NULL;
}

void fixture_restart(struct fixture *f)
{
	world_free(f->world);
	f->world = world_new();
	plan_cache_drop(f->cache);
	ipam_cache_drop(f->ipam_cache);
	f->ledger = (struct plan_ledger){0};
	f->plan = (struct plan){0};
	fake_deny_restart(f->deny);
	fixture_kernel_adopt(f);
	for (size_t i = 0; i < f->store.n; i++)
		f->store.items[i].tested = false;
	for (size_t i = 0; i < f->n_peers; i++) {
		bgp_rib_free(f->peers[i].rib);
		f->peers[i].rib = bgp_rib_new(NULL);
		f->peers[i].routes_generation = 0;
	}
}

void fixture_freep(struct fixture **f)
{
	*f = fixture_free(*f);
}

/* --- what was observed ---------------------------------------------------------------------- */

/* As in the agent the list is another one only where it has changed. */
static void read_sent(struct fixture_peer *p)
{
	struct prefix_list *sent = prefix_list_new(bgp_rib_n_advertised(p->rib));
	struct bgp_rib_route route;
	size_t pos = 0, n = 0;

	while (bgp_rib_next(p->rib, &pos, &route))
		if (route.advertised)
			sent->items[n++] = route.prefix;
	if (prefix_list_equal(sent, p->sent)) {
		prefix_list_unref(sent);
		return;
	}
	prefix_list_unref(p->sent);
	p->sent = sent;
}

static void observe_peer(struct fixture_peer *p, struct plan_actual_peer *ret)
{
	*ret = (struct plan_actual_peer){
		.key = {p->name, p->vrf, p->interface},
		.established = !p->down,
		.established_at = p->established_at,
		.path = p->path,
		.not_agreed = p->not_agreed,
		.no_next_hop = p->no_next_hop,
		.stale_until = p->stale_until,
		.last_error = p->last_error,
		.trying_since = p->down ? p->trying_since : NSEC_NEVER,
		.refusals = p->refusals,
	};
	if (p->down)
		return;
	read_sent(p);
	ret->advertised = p->sent;
}

static int cmp_peer(const void *a, const void *b)
{
	const struct plan_actual_peer *x = a, *y = b;

	return peer_key_cmp(&x->key, &y->key);
}

static struct plan_actual observe(struct fixture *f, struct arena *arena)
{
	struct plan_actual_peer *peers = arena_array_of(arena, f->n_peers, struct plan_actual_peer);
	struct plan_actual ret = {
		.peers = peers,
		.n_peers = f->n_peers,
		.devices = f->devices,
		.n_devices = f->n_devices,
		.dataplane_failure = f->dataplane_failure,
		.pinned = f->pinned || f->strange_abi != 0,
		.strange_abi = f->strange_abi,
		.flow_entries = f->flow_entries,
		.remotes = f->remotes,
		.n_remotes = f->n_remotes,
		.ways = f->ways,
		.n_ways = f->n_ways,
	};

	for (size_t i = 0; i < f->n_peers; i++)
		observe_peer(&f->peers[i], &peers[i]);
	qsort(peers, f->n_peers, sizeof(*peers), cmp_peer);
	if (f->observe_sessions)
		f->observe_sessions(f->sessions, arena, &ret.peers, &ret.n_peers);
	ret.places_blackholes = !f->no_kernel;
	ret.blackholes = kernel_tried(&f->kernel_state, f->kernel_pass, arena);
	ret.discards = arena_memdup(arena, f->store.discards,
				    f->store.n_discards * sizeof(*f->store.discards));
	ret.n_discards = f->store.n_discards;
	fake_store_look(&f->store, arena, &ret);
	return ret;
}

/* Whatever is wrong, the operator is told what, why and what to do. */
static void check_problems(const struct problems *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct problem *p = &list->items[i];

		if (p->reason && p->message && p->remedy)
			continue;
		fprintf(stderr, "no remedy: %s: %s\n", p->reason, p->message);
		abort();
	}
}

/* The names are the world's, which may change. */
static void remember(struct fixture *f)
{
	const size_t n = f->addresses.n;
	struct plan_address *items;

	arena_reset(f->given_arena);
	items = arena_memdup(f->given_arena, f->addresses.items, n * sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		items[i].ns = arena_strdup(f->given_arena, items[i].ns);
		items[i].name = arena_strdup(f->given_arena, items[i].name);
		items[i].pool = arena_strdup(f->given_arena, items[i].pool);
	}
	f->given = (struct plan_addresses){
		.items = items, .n = n, .generation = GIVEN + ++f->n_remembered};
}

void fixture_plan(struct fixture *f)
{
	struct arena *arena = f->last_arena;
	struct plan_actual actual;
	struct ipam_inputs ipam;
	struct plan_inputs in;
	struct plan_ledger ledger;

	arena_reset(arena);
	fixture_observe_routes(f);
	actual = observe(f, arena);
	f->ipam_problems = (struct problems){.arena = arena};
	ipam = (struct ipam_inputs){
		.world = f->world,
		.settings = &f->settings,
		.node = &f->node,
		.given = &f->given,
		.pools = f->ledger.pools,
		.synced = f->synced,
	};
	ipam_recompute(f->ipam_cache, &ipam, &f->addresses, &f->ipam_problems);
	ipam_same(&ipam, &f->addresses, &f->ipam_problems);
	in = (struct plan_inputs){
		.world = f->world,
		.addresses = f->read_back ? f->read_back : &f->addresses,
		.node = &f->node,
		.actual = &actual,
		.settings = &f->settings,
		.synced = f->synced,
		.cache = f->cache,
		.explain = f->explain,
	};
	/* Mostly some of it ahead, which makes no difference. */
	(void)plan_prepare(&in, &f->ledger, f->n_plans++ % 4);
	plan_compute(&in, &f->ledger, f->now, arena, &f->plan, &ledger, &f->deadline);
	plan_same(&in, &f->ledger, f->now, &f->plan, &ledger, f->deadline);
	check_problems(&f->ipam_problems);
	check_problems(&f->plan.problems);
	/* The plan lives in this arena; the old one held the ledger until now. */
	plan_ledger_copy(arena, &ledger);
	f->ledger = ledger;
	f->last_arena = f->arena;
	f->arena = arena;
	if (f->remembers)
		remember(f);
}

/* --- sinks ---------------------------------------------------------------------------------- */

struct fixture_peer *fixture_peer(struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (strcmp(f->peers[i].name, name) == 0)
			return &f->peers[i];
	return NULL;
}

static struct fixture_peer *ensure_peer(struct fixture *f, const struct plan_peer *peer)
{
	struct fixture_peer *p = fixture_peer(f, peer->key.name);

	if (p)
		return p;
	assert(f->n_peers < FIXTURE_PEERS);
	p = &f->peers[f->n_peers++];
	*p = (struct fixture_peer){.name = xstrdup(peer->key.name),
				   .vrf = xstrdup(peer->key.vrf),
				   .interface = xstrdup(peer->key.interface),
				   .rib = bgp_rib_new(NULL)};
	return p;
}

static size_t drain(struct bgp_rib *rib)
{
	const struct bgp_rib_room room = {.families = {BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1},
					  .cap = {8, 8}};
	struct bgp_rib_work work;
	struct ip_prefix out[8];
	size_t n, total = 0;

	while ((n = bgp_rib_take(rib, &room, out, &work)))
		total += n;
	return total;
}

static size_t apply_devices(struct fixture *f)
{
	size_t n_new = 0;

	for (size_t i = 0; i < f->plan.n_devices; i++) {
		const struct plan_device *p = &f->plan.devices[i];
		const struct plan_actual_device now = {
			.ifindex = p->ifindex,
			.name = p->name,
			.xdp = p->xdp && !f->device_failure,
			.tc = p->tc && !f->device_failure,
			.nat = p->nat && !f->device_failure,
			.failure = f->device_failure,
			.failure_reason = f->device_failure ? "ForeignProgram" : NULL,
			.remedy = "take it away",
		};

		n_new += i >= f->n_devices || f->devices[i].ifindex != now.ifindex ||
			 f->devices[i].xdp != now.xdp || f->devices[i].tc != now.tc ||
			 f->devices[i].nat != now.nat;
		f->devices[i] = now;
	}
	n_new += f->n_devices > f->plan.n_devices;
	f->n_devices = f->plan.n_devices;
	return n_new;
}

/* A peer that the plan does not name any more loses its session. */
static void drop_peers(struct fixture *f)
{
	for (size_t i = 0; i < f->n_peers;) {
		if (fixture_plan_peer(f, f->peers[i].name)) {
			i++;
			continue;
		}
		peer_done(&f->peers[i]);
		f->peers[i] = f->peers[--f->n_peers];
	}
}

/* As the agent does: what is left wholly is unpinned. */
static size_t unpin(struct fixture *f)
{
	if (f->plan.dataplane)
		f->pinned = true;
	if (f->plan.strange_may_go)
		f->strange_abi = 0;
	if (f->plan.strange)
		return f->plan.strange_may_go;
	if (!f->plan.leaving || f->plan.n_frontends || f->plan.n_devices || f->store.n)
		return 0;
	f->pinned = false;
	f->store.n_rates = f->store.n_discards = 0;
	return 1;
}

/* Which prefixes are desired with which of the rib's attribute sets. */
static uint64_t desired(const struct bgp_rib *rib)
{
	struct bgp_rib_route route;
	uint64_t h = 0;

	for (size_t pos = 0; bgp_rib_next(rib, &pos, &route);) {
		h = hash_bytes(h, &route.prefix, sizeof(route.prefix));
		h = hash_bytes(h, &route.desired, sizeof(route.desired));
	}
	return h;
}

/* As the agent does, but for taking the generation's word, and that of what changed, for it. */
static void apply_routes(const struct fixture *f, size_t i, struct fixture_peer *p)
{
	uint64_t had = p->routes_generation, before;

	p->routes_generation = plan_apply_routes(&f->plan, i, p->rib, had);
	before = desired(p->rib);
	if (had != 0)
		(void)plan_apply_routes(&f->plan, i, p->rib, 0);
	if (desired(p->rib) != before) {
		fprintf(stderr, "routes of generation %lu are not those of %lu with what changed\n",
			had, p->routes_generation);
		abort();
	}
}

/* With the data plane the lists go, too. */
static size_t apply_denied(struct fixture *f)
{
	if (f->plan.dataplane || f->plan.leaving)
		return fake_deny_apply(f->deny, &f->plan,
				       f->deny_per_turn ? f->deny_per_turn : SIZE_MAX);
	fake_deny_free(f->deny);
	f->deny = fake_deny_new();
	return 0;
}

/* Before the frontends, which may ask for it. */
static size_t apply_rates(struct fixture *f)
{
	const int r = f->plan.dataplane ? fake_store_rates(&f->store, &f->plan) : 0;

	f->n_failed += r < 0;
	return r != 0;
}

static size_t apply_discards(struct fixture *f)
{
	const int r = f->plan.dataplane ? fake_store_discards(&f->store, &f->plan) : 0;

	f->n_failed += r < 0;
	return r != 0;
}

size_t fixture_apply(struct fixture *f)
{
	const struct lb_store store = fake_store_ops(&f->store);
	struct arena *scratch = arena_new();
	size_t n_ops = apply_devices(f) + apply_denied(f) + apply_rates(f) + apply_discards(f);

	if (f->plan.dataplane || f->store.n) {
		fake_store_turn(&f->store);
		plan_apply_begin(&f->apply, &f->plan.stirred, &store, scratch);
		plan_apply_go_on(&f->apply, f->now);
		n_ops += f->apply.result.n_done + f->apply.result.n_failed;
		f->n_failed += f->apply.result.n_failed;
	}
	n_ops += unpin(f) + fixture_kernel_apply(f);
	arena_free(scratch);
	if (f->observe_sessions)
		return n_ops;
	drop_peers(f);
	for (size_t i = 0; i < f->plan.n_peers; i++) {
		struct fixture_peer *p = ensure_peer(f, &f->plan.peers[i]);

		apply_routes(f, i, p);
		if (!p->down && !p->stuck)
			n_ops += drain(p->rib);
	}
	return n_ops;
}

size_t fixture_converge(struct fixture *f, size_t max)
{
	for (size_t i = 0; i < max; i++) {
		fixture_plan(f);
		if (fixture_apply(f) == 0)
			return i;
	}
	return max;
}

/* --- questions ------------------------------------------------------------------------------ */

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix ret;
	const bool ok = ip_prefix_parse(text, &ret);

	assert(ok);
	return ret;
}

const struct bgp_attrs *fixture_held(struct fixture *f, const char *peer, const char *prefix)
{
	const struct fixture_peer *p = fixture_peer(f, peer);
	const struct ip_prefix wanted = prefix_of(prefix);
	struct bgp_rib_route route;
	size_t pos = 0;

	while (p && bgp_rib_next(p->rib, &pos, &route))
		if (ip_prefix_cmp(&route.prefix, &wanted) == 0)
			return route.advertised;
	return NULL;
}

const struct plan_route *fixture_route(const struct fixture *f, const char *prefix)
{
	const struct ip_prefix wanted = prefix_of(prefix);

	for (size_t i = 0; i < f->plan.n_routes; i++)
		if (ip_prefix_cmp(&f->plan.routes[i].prefix, &wanted) == 0)
			return &f->plan.routes[i];
	return NULL;
}

const struct plan_frontend *fixture_frontend(const struct fixture *f, const char *vip,
					     uint16_t port)
{
	const struct ip_addr a = addr(vip);

	for (size_t i = 0; i < f->plan.n_frontends; i++) {
		const struct lb_key *key = &f->plan.frontends[i].lb.key;

		if (ip_addr_equal(&key->addr, &a) && key->port == port)
			return &f->plan.frontends[i];
	}
	return NULL;
}

const struct lb_target *fixture_target(const struct fixture *f, const char *vip, uint16_t port,
				       const char *address)
{
	const struct plan_frontend *fe = fixture_frontend(f, vip, port);
	struct ip_addr a;

	if (!ip_addr_parse(address, &a))
		abort();
	for (size_t i = 0; fe && i < fe->lb.n_targets; i++)
		if (ip_addr_equal(&fe->lb.targets[i].addr, &a))
			return &fe->lb.targets[i];
	return NULL;
}

const struct plan_service *fixture_service(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.n_services; i++)
		if (strcmp(f->plan.services[i].name, name) == 0)
			return &f->plan.services[i];
	return NULL;
}

const struct plan_peer *fixture_plan_peer(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->plan.n_peers; i++)
		if (strcmp(f->plan.peers[i].key.name, name) == 0)
			return &f->plan.peers[i];
	return NULL;
}

static const struct problem *find_problem(const struct problems *list, const char *reason,
					  const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].reason, reason) == 0 &&
		    (!name ||
		     (list->items[i].object.name && strcmp(list->items[i].object.name, name) == 0)))
			return &list->items[i];
	return NULL;
}

const struct problem *fixture_problem(const struct fixture *f, const char *reason, const char *name)
{
	const struct problem *p = find_problem(&f->plan.problems, reason, name);

	return p ? p : find_problem(&f->ipam_problems, reason, name);
}

size_t fixture_count(const struct fixture *f, const char *reason)
{
	size_t n = 0;

	for (size_t i = 0; i < f->plan.problems.n; i++)
		n += strcmp(f->plan.problems.items[i].reason, reason) == 0;
	for (size_t i = 0; i < f->ipam_problems.n; i++)
		n += strcmp(f->ipam_problems.items[i].reason, reason) == 0;
	return n;
}
