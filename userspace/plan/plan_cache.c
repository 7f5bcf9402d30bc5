// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The first step of a draft: environment and fragments, out of the cache where they are still good.
 *
 * The environment is good while a hash over all it is built from is the same: generations of the
 * kinds, what the world may hide, node, settings, and what the ledger keeps. It borrows from the
 * world, whose objects are then the same, and from a copy of the ledger that the cache holds.
 * Fragments borrow from the environment, so they go with it. Those that were replaced stay in the
 * arena until they are as many as the others; then all is made anew.
 */
#include "plan/plan_cache.h"

#include "base/hash.h"
#include "plan/plan_draft.h"
#include "plan/plan_ledger.h"

#define GARBAGE_MIN 64 /* fragments */

/* A Service of the last plan. */
struct cached {
	uint64_t generation;
	uint64_t lines;                       /* generation of lines it names; 0: it names none */
	const char *ns, *name;                /* the cache's: the object may be gone */
	const struct plan_address *addresses; /* of the inputs; the pool's name is the cache's */
	size_t n_addresses;
	const struct plan_fragment *fragment; /* NULL: not ours */
	uint32_t number;                      /* of the fragment, among those of its plan */
};

struct plan_cache {
	struct arena *arena, *last; /* last: of the one before, for who still reads that plan */
	uint64_t hash;              /* of the environment; 0: there is none */
	struct plan_env env;
	struct cached *items; /* owned; in the order of the world's Services */
	size_t n;
	size_t n_fragments; /* of them */
	size_t n_made;      /* fragments in the arena */
	struct plan_arrangement arranged;
};

struct plan_cache *plan_cache_new(void)
{
	struct plan_cache *c = xcalloc(1, sizeof(*c));

	c->arena = arena_new();
	return c;
}

struct plan_cache *plan_cache_free(struct plan_cache *c)
{
	if (!c)
		return NULL;
	arena_free(c->arena);
	arena_free(c->last);
	plan_arrangement_done(&c->arranged);
	free(c->items);
	free(c);
	return NULL;
}

void plan_cache_drop(struct plan_cache *c)
{
	c->hash = 0;
}

static void begin_anew(struct plan_cache *c)
{
	arena_free(c->last);
	c->last = c->arena;
	c->arena = arena_new();
	c->n = c->n_fragments = c->n_made = 0;
	plan_arrangement_clear(&c->arranged);
}

/* --- the environment ------------------------------------------------------------------------- */

/* Services, their slices and Endpoints are the fragments' affair. */
static uint64_t hash_world(uint64_t h, const struct world *w)
{
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		if (kind != API_SERVICE && kind != API_ENDPOINT_SLICE && kind != API_ENDPOINTS)
			h = hash_u64(h, world_kind_generation(w, kind));
		h = hash_u64(h, world_may_hide(w, kind));
	}
	return h;
}

static uint64_t hash_node(uint64_t h, const struct plan_node *node)
{
	h = hash_u64(hash_u64(hash_u64(h, node->n_links), node->n_addrs), node->n_routes_to);
	for (size_t i = 0; i < node->n_links; i++)
		h = hash_str(hash_u64(h, (uint64_t)node->links[i].ifindex << 1 | node->links[i].up),
			     node->links[i].name);
	for (size_t i = 0; i < node->n_addrs; i++) {
		const struct plan_local_addr *a = &node->addrs[i];

		h = hash_bytes(h, &a->addr, sizeof(a->addr));
		h = hash_u64(hash_u64(h, a->len), (uint64_t)a->ifindex);
	}
	for (size_t i = 0; i < node->n_routes_to; i++) {
		const struct plan_route_to *r = &node->routes_to[i];

		h = hash_bytes(h, &r->to, sizeof(r->to));
		h = hash_bytes(h, &r->source, sizeof(r->source));
		h = hash_u64(h, (uint64_t)r->ifindex);
	}
	return h;
}

static uint64_t hash_inputs(const struct plan_inputs *in, const struct plan_ledger *ledger)
{
	const struct plan_settings *s = in->settings;
	uint64_t h = hash_u64(HASH_INIT, (uint64_t)s->dataplane << 1 | in->synced);

	h = hash_str(hash_str(hash_str(h, s->node_name), s->ns), s->lb_class);
	h = hash_node(hash_world(h, in->world), in->node);
	return plan_ledger_good_hash(hash_u64(h, ledger->router_id), ledger) | 1;
}

/* The ledger as the environment reads it, in memory that lives as long. */
static struct plan_ledger *copy_ledger(struct arena *arena, const struct plan_ledger *ledger)
{
	struct plan_ledger *ret = arena_new_of(arena, struct plan_ledger);

	*ret = (struct plan_ledger){
		.router_id = ledger->router_id, .good = ledger->good, .n_good = ledger->n_good};
	plan_ledger_copy(arena, ret);
	return ret;
}

static void take_env(struct plan_cache *c, struct plan_draft *d)
{
	const uint64_t hash = hash_inputs(d->in, d->ledger);

	if (c->hash != hash || c->n_made > 2 * c->n + GARBAGE_MIN) {
		begin_anew(c);
		plan_env_build(d->in, copy_ledger(c->arena, d->ledger), c->arena, &c->env);
		c->hash = hash;
	}
	d->env = c->env;
	d->env.settings = d->in->settings;
	d->env.ledger = d->ledger;
}

/* --- fragments ------------------------------------------------------------------------------- */

/* A walk over the Services, with what of the last plan and of the addresses is theirs. */
struct walk {
	struct plan_draft *d;
	struct plan_cache *cache; /* NULL: none */
	struct arena *arena;      /* of what is made */
	size_t i_cached, i_address;
	uint32_t *moved; /* by number in the last plan; plan_arrange.h */
	uint32_t *made;
	size_t n_made;
};

static int cmp_name(const char *ns, const char *name, const struct api_object *o)
{
	int cmp;

	if (name == o->meta.name && ns == plan_text(o->meta.ns))
		return 0;
	cmp = strcmp(ns, plan_text(o->meta.ns));
	return cmp ? cmp : strcmp(name, o->meta.name);
}

/* Both are sorted alike; addresses of what is no Service are passed over. */
static struct plan_service_input take_addresses(struct walk *w, const struct api_object *o)
{
	const struct plan_addresses *all = w->d->in->addresses;
	struct plan_service_input ret = {.service = o};

	for (; w->i_address < all->n; w->i_address++) {
		const struct plan_address *a = &all->items[w->i_address];
		const int cmp = cmp_name(plan_text(a->ns), a->name, o);

		if (cmp > 0)
			break;
		if (cmp < 0)
			continue;
		if (ret.n_addresses++ == 0)
			ret.addresses = a;
	}
	return ret;
}

static bool same_addresses(const struct cached *c, const struct plan_service_input *input)
{
	if (c->n_addresses != input->n_addresses)
		return false;
	for (size_t i = 0; i < c->n_addresses; i++)
		if (!ip_addr_equal(&c->addresses[i].addr, &input->addresses[i].addr) ||
		    strcmp(c->addresses[i].pool, input->addresses[i].pool) != 0)
			return false;
	return true;
}

/* A problem names the line of its object, which may have moved although the object is the same. */
static bool same_lines(const struct cached *c, const struct world *w)
{
	return c->lines == 0 || c->lines == world_lines_generation(w);
}

/* What there is of the Service and still good, or NULL. */
static const struct cached *find_cached(struct walk *w, const struct plan_service_input *input,
					uint64_t generation)
{
	const struct plan_cache *c = w->cache;
	const struct cached *item;

	if (!c)
		return NULL;
	while (w->i_cached < c->n && c->items[w->i_cached].generation != generation &&
	       cmp_name(c->items[w->i_cached].ns, c->items[w->i_cached].name, input->service) < 0)
		w->i_cached++;
	item = &c->items[w->i_cached];
	if (w->i_cached == c->n || item->generation != generation)
		return NULL;
	w->i_cached++;
	return same_addresses(item, input) && same_lines(item, w->d->in->world) ? item : NULL;
}

static const struct plan_fragment *make_fragment(struct walk *w, struct plan_service_input *input)
{
	const struct world *world = w->d->in->world;
	const struct api_object *o = input->service;

	if (!plan_service_is_ours(w->d->in->settings, o))
		return NULL;
	input->slices = world_slices(world, plan_text(o->meta.ns), o->meta.name);
	input->only_endpoints =
		input->slices.n == 0 &&
		world_find(world, API_ENDPOINTS, plan_text(o->meta.ns), o->meta.name);
	return plan_service(&w->d->env, input, w->arena);
}

static struct cached make_cached(struct walk *w, struct plan_service_input *input,
				 uint64_t generation)
{
	const size_t n = input->n_addresses;
	struct plan_address *addresses = arena_array_of(w->arena, n, struct plan_address);
	const struct plan_fragment *fragment = make_fragment(w, input);
	const bool names_lines = fragment && fragment->problems.n > 0;

	for (size_t i = 0; i < n; i++)
		addresses[i] = (struct plan_address){
			.addr = input->addresses[i].addr,
			.pool = arena_strdup(w->arena, input->addresses[i].pool)};
	if (w->cache)
		w->cache->n_made++;
	return (struct cached){
		.generation = generation,
		.lines = names_lines ? world_lines_generation(w->d->in->world) : 0,
		.ns = arena_strdup(w->arena, plan_text(input->service->meta.ns)),
		.name = arena_strdup(w->arena, input->service->meta.name),
		.addresses = addresses,
		.n_addresses = n,
		.fragment = fragment,
	};
}

/* The Service's fragment, in the present plan. */
static void number_fragment(struct walk *w, struct cached *item, const struct cached *old)
{
	struct plan_draft *d = w->d;
	const uint32_t number = (uint32_t)d->n_fragments;

	if (!item->fragment)
		return;
	if (old)
		w->moved[old->number] = number;
	else
		w->made[w->n_made++] = number;
	item->number = number;
	d->fragments[d->n_fragments++] = item->fragment;
}

static void walk_services(struct walk *w, struct cached *items)
{
	const struct world_list services = world_list(w->d->in->world, API_SERVICE);
	const uint64_t *generations = world_service_generations(w->d->in->world);
	struct plan_draft *d = w->d;

	d->fragments = arena_array_of(d->arena, services.n, const struct plan_fragment *);
	w->made = arena_array_of(d->arena, services.n, uint32_t);
	for (size_t i = 0; i < services.n; i++) {
		struct plan_service_input input = take_addresses(w, services.items[i]);
		const struct cached *old = find_cached(w, &input, generations[i]);

		items[i] = old ? *old : make_cached(w, &input, generations[i]);
		number_fragment(w, &items[i], old);
	}
}

static void begin_walk(struct walk *w)
{
	const size_t n = w->cache ? w->cache->n_fragments : 0;

	w->moved = arena_array_of(w->d->arena, n, uint32_t);
	for (size_t i = 0; i < n; i++)
		w->moved[i] = PLAN_GONE;
}

static void arrange(const struct walk *w, struct plan_arrangement *arranged)
{
	struct plan_draft *d = w->d;

	plan_arrange(arranged, &(struct plan_arrange_args){.fragments = d->fragments,
							   .n = d->n_fragments,
							   .moved = w->moved,
							   .made = w->made,
							   .n_made = w->n_made});
	d->arranged = arranged;
}

void plan_draft_fragments(struct plan_draft *d, struct plan_arrangement *ret_arranged)
{
	struct plan_cache *c = d->in->cache;
	const size_t n = world_list(d->in->world, API_SERVICE).n;
	struct cached *items = xcalloc(n + 1, sizeof(*items));
	struct walk w = {.d = d, .cache = c, .arena = d->arena};

	if (c) {
		take_env(c, d);
		w.arena = c->arena;
	} else {
		plan_env_build(d->in, d->ledger, d->arena, &d->env);
	}
	begin_walk(&w);
	walk_services(&w, items);
	arrange(&w, c ? &c->arranged : ret_arranged);
	if (c) {
		free(c->items);
		c->items = items;
		c->n = n;
		c->n_fragments = d->n_fragments;
	} else {
		free(items);
	}
	plan_draft_join(d);
}
