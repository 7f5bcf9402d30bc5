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
#include "plan/plan_hash.h"
#include "plan/plan_kept.h"
#include "plan/plan_ledger.h"

#include <assert.h>

#define GARBAGE_MIN 64 /* fragments */

#define ENDPOINTS_OF_ONE 40 /* in a portion that is made ahead, so many weigh as a Service does */

/* A Service of the last plan. */
struct cached {
	uint64_t lines;                       /* generation of lines it names; 0: it names none */
	const char *ns, *name;                /* the cache's: the object may be gone */
	const struct plan_address *addresses; /* of the inputs; the pool's name is the cache's */
	size_t n_addresses;
	const struct plan_fragment *fragment; /* NULL: not ours */
	const struct plan_fragment *arranged; /* by the last plan, under this number; NULL: none */
	uint32_t number;
};

struct plan_cache {
	struct arena *arena, *last; /* last: of the one before, for who still reads that plan */
	uint64_t hash;              /* of the environment; 0: there is none */
	struct plan_env env;

	/* In the order of the world's Services; all owned. */
	struct cached *items;
	uint64_t *generations; /* of each; apart, since they are what is looked at every time */
	size_t n;
	const struct plan_fragment **fragments; /* by number */
	size_t n_fragments;
	uint64_t services, addresses; /* generations: of the list of Services, of the addresses */
	uint64_t lines;               /* ... and of all lines */

	size_t n_made; /* fragments in the arena */
	bool planned;  /* a plan borrows from the arena */
	bool once;     /* for one plan; the arena is that plan's */
	struct plan_arrangement arranged;
	struct plan_kept kept; /* of the last plan; nothing if it is for one plan */
};

struct plan_cache *plan_cache_new(void)
{
	struct plan_cache *c = xcalloc(1, sizeof(*c));

	c->arena = arena_new();
	return c;
}

struct plan_cache *plan_cache_once(struct arena *arena)
{
	struct plan_cache *c = xcalloc(1, sizeof(*c));

	c->arena = arena;
	c->once = true;
	return c;
}

static void forget_services(struct plan_cache *c)
{
	free(c->items);
	free(c->generations);
	free(c->fragments);
	c->items = NULL;
	c->generations = NULL;
	c->fragments = NULL;
	c->n = c->n_fragments = 0;
}

struct plan_cache *plan_cache_free(struct plan_cache *c)
{
	if (!c)
		return NULL;
	forget_services(c);
	plan_arrangement_done(&c->arranged);
	plan_kept_done(&c->kept);
	if (!c->once)
		arena_free(c->arena);
	arena_free(c->last);
	free(c);
	return NULL;
}

struct plan_kept *plan_cache_kept(struct plan_cache *c)
{
	return c->once ? NULL : &c->kept;
}

void plan_cache_drop(struct plan_cache *c)
{
	c->hash = 0;
}

void plan_cache_forget_last(struct plan_cache *c)
{
	c->last = arena_free(c->last);
}

static void begin_anew(struct plan_cache *c)
{
	assert(!c->once || (c->n_made == 0 && c->n == 0));
	if (c->once)
		return; /* and nothing was there before */
	assert(c->arena != c->last);
	if (c->planned) {
		arena_free(c->last);
		c->last = c->arena;
	} else {
		arena_free(c->arena);
	}
	c->arena = arena_new();
	c->planned = false;
	c->n_made = 0;
	forget_services(c);
	plan_arrangement_clear(&c->arranged);
	c->kept.is_valid = false;
}

/* --- the environment ------------------------------------------------------------------------- */

/* Services, their slices and Endpoints are the fragments' affair. */
static uint64_t hash_inputs(const struct plan_inputs *in, const struct plan_ledger *ledger)
{
	uint64_t h = hash_u64(HASH_INIT, in->synced);

	h = plan_hash_settings(h, in->settings);
	h = plan_hash_node(plan_hash_world(h, in->world, false), in->node);
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

/* What the walk over the Services writes; it becomes the cache's. */
struct walked {
	struct cached *items;
	uint64_t *generations;
	const struct plan_fragment **fragments;
	size_t n, n_fragments;
};
/* The walk, with what of the last plan and of the addresses is the next Service's. */
struct walk {
	struct plan_draft *d;
	struct plan_cache *cache; /* with nothing in it where the caller has none */
	size_t i_cached, i_address;
	uint32_t *moved; /* plan_arrange.h, as below; NULL: nothing moved */
	struct plan_made *made;
	size_t n_made, cap_made;
	struct walked to;
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

/* What the last plan had of the Service, or NULL. */
static const struct cached *find_cached(struct walk *w, const struct api_object *o,
					uint64_t generation)
{
	const struct plan_cache *c = w->cache;

	for (; w->i_cached < c->n; w->i_cached++) {
		const struct cached *item = &c->items[w->i_cached];
		const int cmp = c->generations[w->i_cached] == generation
					? 0
					: cmp_name(item->ns, item->name, o);

		if (cmp >= 0)
			return cmp == 0 ? item : NULL;
	}
	return NULL;
}

/* A problem names the line of its object, which may have moved although the object is the same. */
static bool same_lines(const struct walk *w, const struct cached *c)
{
	return c->lines == 0 || c->lines == world_lines_generation(w->d->in->world);
}

static uint64_t lines_of(const struct walk *w, const struct plan_fragment *f)
{
	return f && f->problems.n > 0 ? world_lines_generation(w->d->in->world) : 0;
}

static bool is_good(const struct walk *w, const struct cached *item, uint64_t generation,
		    const struct plan_service_input *input)
{
	assert((size_t)(item - w->cache->items) < w->cache->n);
	return w->cache->generations[item - w->cache->items] == generation &&
	       same_addresses(item, input) && same_lines(w, item);
}

static const struct plan_fragment *make_fragment(struct walk *w, struct plan_service_input *input)
{
	w->cache->n_made++;
	if (!plan_service_is_ours(w->d->in->settings, input->service))
		return NULL;
	plan_service_input_slices(w->d->in->world, input);
	return plan_service(&w->d->env, input, w->cache->arena);
}

static struct cached make_cached(struct walk *w, struct plan_service_input *input)
{
	struct arena *arena = w->cache->arena;
	const size_t n = input->n_addresses;
	struct plan_address *addresses = arena_array_of(arena, n, struct plan_address);
	const struct plan_fragment *fragment = make_fragment(w, input);

	for (size_t i = 0; i < n; i++)
		addresses[i] = (struct plan_address){
			.addr = input->addresses[i].addr,
			.pool = arena_strdup(arena, input->addresses[i].pool)};
	return (struct cached){
		.lines = lines_of(w, fragment),
		.ns = arena_strdup(arena, plan_text(input->service->meta.ns)),
		.name = arena_strdup(arena, input->service->meta.name),
		.addresses = addresses,
		.n_addresses = n,
		.fragment = fragment,
	};
}

static void note_made(struct walk *w, uint32_t number, const struct plan_fragment *was)
{
	*(struct plan_made *)arena_push(w->d->arena, &w->made, &w->n_made, &w->cap_made,
					sizeof(*w->made)) =
		(struct plan_made){.number = number, .was = was};
}

/* The Service's fragment, in the present plan. */
static void number_fragment(struct walk *w, struct cached *item, const struct cached *old)
{
	const struct plan_fragment *was = old ? old->arranged : NULL;

	item->arranged = item->fragment;
	if (!item->fragment)
		return;
	item->number = (uint32_t)w->to.n_fragments;
	w->to.fragments[w->to.n_fragments++] = item->fragment;
	assert(item->number <= w->to.n); /* not every Service has one */
	if (was)
		w->moved[old->number] = item->number;
	if (was != item->fragment)
		note_made(w, item->number, was);
}

/* Services came, went, or have other addresses, or nothing is known of them yet. */
static void walk_all(struct walk *w, const struct world_list *services, const uint64_t *generations)
{
	w->moved = arena_array_of(w->d->arena, w->cache->n_fragments, uint32_t);
	for (size_t i = 0; i < w->cache->n_fragments; i++)
		w->moved[i] = PLAN_GONE;
	w->to = (struct walked){
		.items = xcalloc(services->n, sizeof(struct cached)),
		.generations = xcalloc(services->n, sizeof(uint64_t)),
		.fragments = xcalloc(services->n, sizeof(struct plan_fragment *)),
	};
	for (; w->to.n < services->n; w->to.n++) {
		const size_t i = w->to.n;
		struct plan_service_input input = take_addresses(w, services->items[i]);
		const struct cached *old = find_cached(w, services->items[i], generations[i]);
		const bool good = old && is_good(w, old, generations[i], &input);

		w->to.items[i] = good ? *old : make_cached(w, &input);
		w->to.generations[i] = generations[i];
		number_fragment(w, &w->to.items[i], old);
	}
	forget_services(w->cache);
	w->cache->items = w->to.items;
	w->cache->generations = w->to.generations;
	w->cache->n = w->to.n;
	w->cache->fragments = w->to.fragments;
	w->cache->n_fragments = w->to.n_fragments;
}

/*
 * From the i-th on the first whose generation differs, n if none: with thousands of Services this
 * is looked at in each plan, so it is done by many at once.
 */
static size_t next_changed(const struct plan_cache *c, const uint64_t *generations, size_t i)
{
	enum { BLOCK = 64 };

	while (c->n - i >= BLOCK &&
	       memcmp(c->generations + i, generations + i, BLOCK * sizeof(*generations)) == 0)
		i += BLOCK;
	while (i < c->n && c->generations[i] == generations[i])
		i++;
	return i;
}

/* The same Services with the same addresses: of some the slices changed, or lines they name. */
static void walk_changed(struct walk *w, const struct world_list *services,
			 const uint64_t *generations)
{
	struct plan_cache *c = w->cache;
	const bool lines_moved = c->lines != world_lines_generation(w->d->in->world);

	for (size_t i = 0; i < services->n; i++) {
		struct cached *item;
		struct plan_service_input input;
		const struct plan_fragment *was;

		if (!lines_moved)
			i = next_changed(c, generations, i);
		if (i == services->n)
			break;
		item = &c->items[i];
		if (c->generations[i] == generations[i] && same_lines(w, item))
			continue;
		input = (struct plan_service_input){.service = services->items[i]};
		was = item->arranged;
		input.addresses = item->addresses;
		input.n_addresses = item->n_addresses;
		item->fragment = make_fragment(w, &input);
		item->lines = lines_of(w, item->fragment);
		item->arranged = item->fragment;
		c->generations[i] = generations[i];
		if (!item->fragment)
			continue;
		c->fragments[item->number] = item->fragment;
		note_made(w, item->number, was);
	}
}

/* At most the slices of some changed since the last plan, and lines. */
static bool same_services(const struct plan_cache *c, const struct plan_inputs *in)
{
	return c->generations && c->services == world_kind_generation(in->world, API_SERVICE) &&
	       in->addresses->generation != 0 && c->addresses == in->addresses->generation;
}

static void walk_services(struct walk *w)
{
	const struct plan_inputs *in = w->d->in;
	const struct world_list services = world_list(in->world, API_SERVICE);
	const uint64_t *generations = world_service_generations(in->world);
	struct plan_cache *c = w->cache;

	if (same_services(c, in))
		walk_changed(w, &services, generations);
	else
		walk_all(w, &services, generations);
	c->services = world_kind_generation(in->world, API_SERVICE);
	c->addresses = in->addresses->generation;
	c->lines = world_lines_generation(in->world);
}

void plan_draft_fragments(struct plan_draft *d, struct plan_cache *c)
{
	struct walk w = {.d = d, .cache = c};

	take_env(c, d);
	walk_services(&w);
	d->same_shape =
		plan_arrange(&c->arranged, &(struct plan_arrange_args){.fragments = c->fragments,
								       .n = c->n_fragments,
								       .moved = w.moved,
								       .made = w.made,
								       .n_made = w.n_made});
	assert(c->n_fragments <= c->n);
	assert(c->arranged.n == c->n_fragments);
	d->fragments = c->fragments;
	d->arranged = &c->arranged;
	d->made = w.made;
	d->n_made = w.n_made;
	c->planned = true;
}

/* --- ahead of a plan -------------------------------------------------------------------------- */

/* What is left of a portion behind the Service. The last one may be more than was left. */
static size_t take_of(size_t n_left, const struct world *w, const struct api_object *service)
{
	const struct world_list slices =
		world_slices(w, plan_text(service->meta.ns), service->meta.name);
	size_t n = 0, weight;

	for (size_t i = 0; i < slices.n; i++)
		n += slices.items[i]->slice.n_endpoints;
	weight = 1 + n * service->service.n_ports / ENDPOINTS_OF_ONE;
	return n_left > weight ? n_left - weight : 0;
}

/* What is not made yet stays as it was, or is not there. True: all is made. */
static bool prepare(struct walk *w, const struct world_list *services, size_t n_max)
{
	const uint64_t *generations = world_service_generations(w->d->in->world);
	struct plan_cache *c = w->cache;
	struct cached *items = xcalloc(services->n, sizeof(*items));
	uint64_t *item_generations = xcalloc(services->n, sizeof(*item_generations));
	size_t n = 0, n_left = n_max;
	bool all = true;

	for (size_t i = 0; i < services->n; i++) {
		struct plan_service_input input = take_addresses(w, services->items[i]);
		const struct cached *old = find_cached(w, services->items[i], generations[i]);
		const bool good = old && is_good(w, old, generations[i], &input);

		all &= good || n_left > 0;
		if (!old && n_left == 0)
			continue;
		items[n] = good || n_left == 0 ? *old : make_cached(w, &input);
		items[n].arranged = old ? old->arranged : NULL;
		items[n].number = old ? old->number : 0;
		item_generations[n] =
			good || n_left > 0 ? generations[i] : c->generations[old - c->items];
		if (!good && n_left > 0)
			n_left = take_of(n_left, w->d->in->world, services->items[i]);
		n++;
	}
	assert(all || n_left == 0);
	free(c->items);
	free(c->generations);
	c->items = items;
	c->generations = item_generations;
	c->n = n;
	c->services = 0; /* the next plan looks at all */
	return all;
}

/* What changed is one portion at most. */
static bool are_few(const struct plan_cache *c, const struct world *w, size_t n_max)
{
	const uint64_t *generations = world_service_generations(w);
	const struct world_list services = world_list(w, API_SERVICE);
	size_t n_left = n_max, i = next_changed(c, generations, 0);

	assert(c->n == services.n);
	for (; i < c->n && n_left > 0; i = next_changed(c, generations, i + 1))
		n_left = take_of(n_left, w, services.items[i]);
	return i == c->n && (c->lines == world_lines_generation(w) || c->n <= n_max);
}

bool plan_prepare(const struct plan_inputs *in, const struct plan_ledger *ledger, size_t n_max)
{
	struct plan_draft d = {.in = in, .ledger = ledger};
	struct walk w = {.d = &d, .cache = in->cache};
	const struct world_list services = world_list(in->world, API_SERVICE);

	take_env(in->cache, &d);
	if (same_services(in->cache, in) && are_few(in->cache, in->world, n_max))
		return true; /* the plan makes them as quickly */
	return prepare(&w, &services, n_max);
}
