// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reading and writing of the state folder. YAML, since JSON is YAML: the addresses are written by
 * the same emitter whose output the decoder reads, the rest by cJSON.
 */
#include "agent/state.h"

#include "agent/agent.h"
#include "agent/ledger_json.h"
#include "api/emit.h"
#include "base/hash.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include <errno.h>
#include <inttypes.h>

#define ALIVE_EVERY_NS (10 * NSEC_PER_SEC)
#define RESTART_MAX_NS (130 * NSEC_PER_SEC) /* the advertised restart time and one sign of life */
#define STATE_MAX      (64u << 20)

static const char *state_path(struct arena *scratch, const struct agent *a, const char *name)
{
	return arena_printf(scratch, "%s/%s", a->options->state, name);
}

static void write_state(const struct agent *a, const char *name, const char *data, size_t len)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	int r = dir_make(a->options->state, 0750);

	if (r == 0)
		r = file_write_atomic(path, data, len, 0640);
	if (r < 0)
		log_err("state: cannot be written", "file=%s error=%s", log_quote(path),
			log_quote(strerror(-r)));
}

static char *read_state(const struct agent *a, const char *name, size_t *ret_len)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	char *text = NULL;
	int r = file_read(path, STATE_MAX, &text, ret_len);

	if (r == 0)
		return text;
	if (r != -ENOENT)
		log_err("state: cannot be read", "file=%s error=%s", log_quote(path),
			log_quote(strerror(-r)));
	return NULL;
}

/* --- addresses ---------------------------------------------------------------------------------
 */

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
	a->given = (struct plan_addresses){.items = items, .n = n};
}

void state_note_addresses(struct agent *a, const struct plan_addresses *addresses)
{
	if (addresses_hash(addresses) != addresses_hash(&a->given))
		copy_addresses(a, addresses->items, addresses->n);
}

static void save_addresses(struct agent *a)
{
	uint64_t hash = addresses_hash(&a->given);
	struct strbuf out;

	if (hash == a->ipam_hash)
		return;
	strbuf_init(&out, STATE_MAX);
	strbuf_add(&out,
		   "# Addresses this agent gave. Written by lodestoned; other agents' --config "
		   "reads it.\n");
	for (size_t i = 0; i < a->given.n; i++)
		api_emit_address(&out, a->given.items[i].ns, a->given.items[i].name,
				 &a->given.items[i].addr, a->given.items[i].pool);
	write_state(a, "addresses.yaml", out.data, out.len);
	strbuf_done(&out);
	a->ipam_hash = hash;
}

static void load_addresses(struct agent *a)
{
	size_t len, n = 0;
	_cleanup_(freep) char *text = read_state(a, "addresses.yaml", &len);
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct plan_address *items;
	struct world_list services;
	struct world *w;

	if (!text)
		return;
	w = world_new();
	world_put_source(w, "addresses.yaml", text, len);
	services = world_list(w, API_SERVICE);
	items = arena_array_of(scratch, services.n, struct plan_address);
	for (size_t i = 0; i < services.n; i++) {
		const struct api_object *o = services.items[i];
		const char *pool = api_annotation(&o->meta, "ip-allocated-from-pool");

		if (o->service.n_ingress == 0)
			continue;
		items[n++] = (struct plan_address){o->meta.ns, o->meta.name, o->service.ingress[0],
						   pool ? pool : ""};
	}
	copy_addresses(a, items, n);
	a->ipam_hash = addresses_hash(&a->given);
	world_free(w);
}

/* --- ledger ------------------------------------------------------------------------------------
 */

void state_copy_ledger(struct arena *arena, struct plan_ledger *ledger)
{
	ledger->drains =
		arena_memdup(arena, ledger->drains, ledger->n_drains * sizeof(struct plan_drain));
	ledger->leaving = arena_memdup(arena, ledger->leaving,
				       ledger->n_leaving * sizeof(struct plan_leaving));
}

static void save_ledger(struct agent *a)
{
	uint64_t hash = hash_bytes(HASH_INIT, a->ledger.drains,
				   a->ledger.n_drains * sizeof(struct plan_drain));
	char *text;

	if (hash == a->ledger_hash)
		return;
	text = ledger_to_json(&a->ledger, clock_boot_id());
	write_state(a, "ledger.yaml", text, strlen(text));
	free(text);
	a->ledger_hash = hash;
}

static void load_ledger(struct agent *a)
{
	size_t len;
	_cleanup_(freep) char *text = read_state(a, "ledger.yaml", &len);

	if (text && !ledger_from_json(text, len, clock_boot_id(), a->ledger_arena, &a->ledger))
		log_warn("state: not a ledger, begun anew", "file=ledger.yaml");
}

/* --- sign of life ------------------------------------------------------------------------------
 */

static void load_alive(struct agent *a, nsec_t now)
{
	size_t len;
	_cleanup_(freep) char *text = read_state(a, "alive.yaml", &len);
	uint64_t boot, at;

	if (!text || sscanf(text, "boot: \"%" SCNx64 "\"\nmonotonicNanoseconds: \"%" SCNu64 "\"",
			    &boot, &at) != 2)
		return;
	a->peers.restarted = boot == clock_boot_id() && at <= now && now - at < RESTART_MAX_NS;
}

static void save_alive(const struct agent *a, nsec_t now)
{
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "boot: \"%" PRIx64 "\"\nmonotonicNanoseconds: \"%" PRIu64 "\"\n",
			   clock_boot_id(), now);

	write_state(a, "alive.yaml", text, (size_t)len);
}

nsec_t state_tick(struct agent *a, nsec_t now)
{
	if (now >= a->alive_at && !a->stopping) {
		save_alive(a, now);
		a->alive_at = now + ALIVE_EVERY_NS;
	}
	return a->stopping ? NSEC_NEVER : a->alive_at;
}

void state_forget_alive(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();

	(void)unlink(state_path(scratch, a, "alive.yaml")); /* gone already is as good */
}

void state_load(struct agent *a, nsec_t now)
{
	load_addresses(a);
	load_ledger(a);
	load_alive(a, now);
}

void state_save(struct agent *a, nsec_t now)
{
	(void)state_tick(a, now);
	save_addresses(a);
	save_ledger(a);
}
