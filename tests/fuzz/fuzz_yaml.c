// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes the way from YAML text to the world (libFuzzer). The input is put as a source, once over a
 * world that holds good objects and once again unchanged. Beside the sanitizers these must hold:
 * the same text twice changes nothing, every problem has a place and a reason, every object has a
 * name, what the planner may rely on is true of every object, and what would be saved of it makes
 * the same world again; and what is read as JSON is what libyaml makes of it.
 */
#include "api/text_pack.h"
#include "api/world.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "tests/unit/api/json_oracle.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] = "apiVersion: metallb.io/v1beta1\n"
			     "kind: IPAddressPool\n"
			     "metadata: {name: production-pool, namespace: metallb-system}\n"
			     "spec: {addresses: [192.0.2.0/24]}\n";

static void check_problems(const struct world *w)
{
	const struct problems *problems = world_problems(w);
	struct arena *arena = arena_new();

	for (size_t i = 0; i < problems->n; i++) {
		assert(problems->items[i].reason && problems->items[i].message);
		assert(problems->items[i].remedy);
		assert(problems->items[i].object.file);
		assert(problem_line(arena, &problems->items[i]));
	}
	arena_free(arena);
}

static void check_peer(const struct api_peer *p)
{
	assert(p->my_asn != 0);
	assert(p->port != 0);
	assert(p->hold_s == 0 || p->hold_s >= 3);
	assert(p->keepalive_s <= p->hold_s);
	assert(ip_addr_is_none(&p->address) == !!p->interface);
}

static void check_object(const struct world *w, const struct api_object *o)
{
	assert(*o->meta.name);
	assert(world_find(w, o->meta.kind, o->meta.ns, o->meta.name) == o);
	if (o->meta.kind == API_BGP_PEER)
		check_peer(&o->peer);
	if (o->meta.kind == API_IP_ADDRESS_POOL)
		assert(o->pool.n_ranges > 0);
	if (o->meta.kind == API_SERVICE)
		assert(!o->service.is_load_balancer || o->service.n_ports > 0);
}

/* The line of one saved document, which must hold nothing that ends it. */
static void check_line(const struct strbuf *text)
{
	assert(strlen(text->data) == text->len);
	assert(!strpbrk(text->data, "\n\r"));
}

static void check_saved(const struct world *w)
{
	struct world *anew = world_new();

	for (unsigned shard = 0; shard < WORLD_SHARDS; shard++) {
		struct world_place at = {0};
		const struct api_object *o, *again;

		while ((o = world_shard_next(w, shard, &at))) {
			struct strbuf text;
			bool ok;

			strbuf_init(&text, LIMIT_DOCUMENT_BYTES);
			api_text_unpack(&text, o->text, o->text_len);
			ok = world_restore(
				anew, o->meta.file,
				&(struct world_document){text.data, text.len, o->meta.line});
			assert(ok);
			check_line(&text);
			strbuf_done(&text);
			again = world_find(anew, o->meta.kind, o->meta.ns, o->meta.name);
			assert(again && again->meta.line <= o->meta.line);
		}
		assert(world_shard_hash(anew, shard) == world_shard_hash(w, shard));
	}
	world_free(anew);
}

static void check_json(const char *text, size_t len)
{
	struct arena *arena = arena_new();

	assert(json_is_as_libyaml(arena, text, len));
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = world_new();
	uint64_t generation;

	check_json((const char *)data, size);
	world_put_source(w, "a.yaml", before, strlen(before));
	world_put_source(w, "a.yaml", (const char *)data, size);
	generation = world_generation(w);
	for (int kind = 0; kind < API_N_KINDS; kind++) {
		struct world_list list = world_list(w, (enum api_kind)kind);

		for (size_t i = 0; i < list.n; i++)
			check_object(w, list.items[i]);
	}
	check_problems(w);
	check_saved(w);
	world_put_source(w, "a.yaml", (const char *)data, size);
	assert(world_generation(w) == generation);
	world_drop_source(w, "a.yaml");
	assert(world_problems(w)->n == 0);
	world_free(w);
	return 0;
}
