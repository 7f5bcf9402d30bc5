// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses this agent gave: written as Services with status by the emitter whose output the
 * decoder reads. What is written is what the allocator is told next time, so an address is
 * forgotten only when it is certain that its Service is gone. Where the file is missing or damaged,
 * what the data plane of a former process serves tells the rest.
 */
#include "agent/state.h"

#include "agent/agent.h"
#include "agent/state_files.h"
#include "api/emit.h"
#include "base/hash.h"
#include "plan/ipam.h"
#include "sys/bpf_dataplane.h"
#include "sys/log.h"

#include <assert.h>
#include <errno.h>

#define TEXT_MAX     (64u << 20)
#define SAVE_WAIT_NS (1 * NSEC_PER_SEC) /* a disk that hangs holds nobody back for longer */

static uint64_t addresses_hash(const struct plan_addresses *list)
{
	uint64_t h = HASH_INIT;

	for (size_t i = 0; i < list->n; i++) {
		h = hash_str(h, list->items[i].ns);
		h = hash_str(h, list->items[i].name);
		h = hash_bytes(h, &list->items[i].addr, sizeof(struct ip_addr));
		h = hash_str(h, list->items[i].pool);
	}
	return h;
}

static void copy_addresses(struct agent *a, const struct plan_address *from, size_t n)
{
	struct arena *arena = arena_new();
	struct plan_address *items = arena_array_of(arena, n, struct plan_address);

	for (size_t i = 0; i < n; i++)
		items[i] = (struct plan_address){
			.ns = arena_strdup(arena, from[i].ns),
			.name = arena_strdup(arena, from[i].name),
			.addr = from[i].addr,
			.pool = arena_strdup(arena, from[i].pool),
		};
	arena_free(a->given_arena);
	a->given_arena = arena;
	a->given = (struct plan_addresses){
		.items = items, .n = n, .generation = a->given.generation + 1};
}

static int cmp_service(const struct plan_address *a, const struct plan_address *b)
{
	const int cmp = strcmp(a->ns, b->ns);

	return cmp ? cmp : strcmp(a->name, b->name);
}

static int cmp_family(const struct plan_address *a, const struct plan_address *b)
{
	const int cmp = cmp_service(a, b);

	return cmp ? cmp : (int)ip_family_of(&a->addr) - (int)ip_family_of(&b->addr);
}

struct plan_addresses state_merge_addresses(const struct plan_addresses *new,
					    const struct plan_addresses *old, struct arena *scratch)
{
	struct plan_address *items = arena_array_of(scratch, new->n + old->n, struct plan_address);
	size_t i = 0, n = 0;

	for (size_t k = 0; k < old->n; k++) {
		while (i < new->n && cmp_family(&new->items[i], &old->items[k]) < 0)
			items[n++] = new->items[i++];
		if (i == new->n || cmp_family(&new->items[i], &old->items[k]) != 0)
			items[n++] = old->items[k];
	}
	while (i < new->n)
		items[n++] = new->items[i++];
	return (struct plan_addresses){.items = items, .n = n};
}

/* What Services of the API server have stands there. */
static struct plan_addresses given_here(const struct agent *a, const struct plan_addresses *all,
					struct arena *scratch)
{
	struct plan_address *items = arena_array_of(scratch, all->n, struct plan_address);
	size_t n = 0;

	if (!a->cluster)
		return *all;
	for (size_t i = 0; i < all->n; i++) {
		const struct plan_address *item = &all->items[i];
		const struct api_object *o =
			world_find(a->world, API_SERVICE, item->ns, item->name);

		if (!o || strncmp(o->meta.file, a->cluster, strlen(a->cluster)) != 0)
			items[n++] = *item;
	}
	return (struct plan_addresses){.items = items, .n = n};
}

void state_note_addresses(struct agent *a, const struct plan_addresses *addresses)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_addresses all;

	if (addresses->generation == a->noted_given || a->is_given_lost)
		return;
	all = given_here(a, addresses, scratch);
	if (!agent_inputs_are_complete(&a->inputs) || !ipam_is_complete(a->world))
		all = state_merge_addresses(&all, &a->given, scratch);
	if (addresses_hash(&all) != addresses_hash(&a->given))
		copy_addresses(a, all.items, all.n);
	a->noted_given = addresses->generation;
}

/*
 * The document of the Service that the first of n is of; returns how many are. Where they are of
 * several pools, which an edit of the pools alone brings about, the first one's is named: the
 * others' is found by who holds them.
 */
static size_t emit_service(struct strbuf *out, const struct plan_address *items, size_t n)
{
	struct ip_addr addrs[IP_N_FAMILIES];
	struct api_allocation a = {
		.ns = items->ns, .name = items->name, .addrs = addrs, .pool = items->pool};

	while (a.n_addrs < n && cmp_service(items, &items[a.n_addrs]) == 0) {
		assert(a.n_addrs < IP_N_FAMILIES);
		addrs[a.n_addrs] = items[a.n_addrs].addr;
		a.n_addrs++;
	}
	api_emit_allocation(out, &a);
	return a.n_addrs;
}

void state_save_addresses(struct agent *a, nsec_t now)
{
	struct strbuf out;
	uint64_t hash;

	/* No hash of what was given: it could not be written. */
	if (a->given.generation == a->saved_given &&
	    (a->ipam_hash != 0 || a->given.generation == 0))
		return;
	hash = addresses_hash(&a->given);
	if (hash == a->ipam_hash) {
		a->saved_given = a->given.generation;
		return;
	}
	strbuf_init(&out, TEXT_MAX);
	strbuf_add(&out,
		   "# Addresses this agent gave. Written by lodestoned; other agents' --config "
		   "reads it.\n");
	for (size_t i = 0; i < a->given.n;)
		i += emit_service(&out, &a->given.items[i], a->given.n - i);
	a->ipam_hash = hash;
	a->saved_given = a->given.generation;
	if (a->addresses_away == 0)
		a->addresses_since = now;
	state_write(a,
		    &(struct state_file){.name = STATE_ADDRESSES,
					 .mode = STATE_MODE,
					 .hash = &a->ipam_hash,
					 .n_away = &a->addresses_away},
		    out.data, out.len); /* the buffer goes with it */
}

nsec_t state_addresses_until(const struct agent *a)
{
	if (a->addresses_away == 0 || a->state_error != 0)
		return 0;
	return nsec_add(a->addresses_since, SAVE_WAIT_NS);
}

/* What can be read of it counts; what cannot is kept for a human. */
static void set_aside(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, STATE_ADDRESSES);
	const char *aside = state_path(scratch, a, STATE_ADDRESSES ".bad");

	if (rename(path, aside) < 0)
		log_err("state: cannot be set aside", "file=%s error=%s", log_quote(path),
			log_quote(strerror(errno)));
	else
		log_err("state: cannot be read wholly, set aside", "file=%s", log_quote(aside));
	a->ipam_hash = 0;
}

/* The first address of each family, in the order of families. */
static size_t read_service(const struct api_object *o, struct plan_address *ret)
{
	const struct api_service *s = &o->service;
	const char *pool = api_annotation(&o->meta, "ip-allocated-from-pool");
	size_t n = 0;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		size_t i = 0;

		while (i < s->n_ingress && ip_family_of(&s->ingress[i]) != f)
			i++;
		if (i < s->n_ingress)
			ret[n++] = (struct plan_address){o->meta.ns, o->meta.name, s->ingress[i],
							 pool ? pool : ""};
	}
	return n;
}

struct plan_addresses state_addresses_of(const struct world *w, struct arena *arena)
{
	const struct world_list services = world_list(w, API_SERVICE);
	struct plan_address *items =
		arena_array_of(arena, IP_N_FAMILIES * services.n, struct plan_address);
	size_t n = 0;

	for (size_t i = 0; i < services.n; i++)
		n += read_service(services.items[i], &items[n]);
	return (struct plan_addresses){.items = items, .n = n};
}

void state_load_addresses(struct agent *a)
{
	size_t len;
	_cleanup_(freep) char *text = state_read(a, STATE_ADDRESSES, &len);
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_addresses found;
	struct world *w;

	a->is_given_lost = !text;
	if (!text)
		return;
	w = world_new();
	world_put_source(w, STATE_ADDRESSES, text, len);
	found = state_addresses_of(w, scratch);
	copy_addresses(a, found.items, found.n);
	a->ipam_hash = addresses_hash(&a->given);
	if (problems_count(world_problems(w), SEVERITY_ERROR) > 0 || world_foreign(w) > 0) {
		a->is_given_lost = true;
		set_aside(a);
	}
	world_free(w);
}

void state_rebuild_addresses(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const struct lb_actual *stored;
	struct plan_addresses found;
	struct lb_store store;
	size_t n;

	if (!a->is_given_lost || !agent_inputs_are_complete(&a->inputs) ||
	    (!a->dataplane && bpf_dataplane_is_pinned(a->options->pin)))
		return;
	a->is_given_lost = false;
	if (!a->dataplane || !a->adopted)
		return; /* nothing of a former process is there */
	store = bpf_dataplane_store(a->dataplane);
	store.ops->dump(store.ctx, scratch, &stored, &n);
	ipam_rebuild(a->world, &a->settings, stored, n, scratch, &found);
	found = given_here(a, &found, scratch);
	if (found.n == 0)
		return;
	log_warn("state: addresses are taken from what is served", "addresses=%zu", found.n);
	found = state_merge_addresses(&a->given, &found, scratch);
	copy_addresses(a, found.items, found.n);
}
