// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Ledger and sign of life. YAML, since JSON is YAML: the ledger is written by cJSON.
 */
#include "agent/state.h"

#include "agent/agent.h"
#include "agent/ledger_json.h"
#include "agent/state_files.h"
#include "agent/state_world.h"
#include "plan/plan_ledger.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <inttypes.h>

#define ALIVE_EVERY_NS  (10 * NSEC_PER_SEC)
#define LEDGER_EVERY_NS (1 * NSEC_PER_SEC)
#define RESTART_MAX_NS  (130 * NSEC_PER_SEC) /* the advertised restart time and one sign of life */

/* --- ledger ----------------------------------------------------------------------------------- */

/* As it is on its way to the disk. */
static void note_saved_ledger(struct agent *a, uint64_t hash)
{
	a->ledger_hash = hash;
	arena_reset(a->saved_ledger_arena);
	a->saved_ledger = a->ledger;
	plan_ledger_copy(a->saved_ledger_arena, &a->saved_ledger);
}

static void write_ledger(struct agent *a, uint64_t hash)
{
	char *text = ledger_to_json(&a->ledger, clock_boot_id());

	note_saved_ledger(a, hash);
	state_write(a,
		    &(struct state_file){.name = STATE_LEDGER,
					 .mode = STATE_SECRET_MODE,
					 .hash = &a->ledger_hash},
		    text, strlen(text));
}

/* Drains that come and go are written together, at most every LEDGER_EVERY_NS. */
static void save_ledger(struct agent *a, nsec_t now)
{
	const uint64_t hash = plan_ledger_hash(&a->ledger);

	if (hash != a->ledger_hash) {
		const bool may_wait =
			a->ledger_hash != 0 && plan_ledger_may_wait(&a->saved_ledger, &a->ledger);

		a->ledger_at =
			nsec_min(a->ledger_at, may_wait ? nsec_add(now, LEDGER_EVERY_NS) : now);
		if (now < a->ledger_at)
			return;
		write_ledger(a, hash);
	}
	a->ledger_at = NSEC_NEVER;
}

static void load_ledger(struct agent *a, nsec_t now)
{
	const struct ledger_clock clock = {.boot = clock_boot_id(), .now = now};
	size_t len;
	_cleanup_(freep) char *text = state_read(a, STATE_LEDGER, &len);
	struct ledger_reading reading;

	if (!text)
		return;
	reading = ledger_from_json(text, len, &clock, a->ledger_arena);
	a->ledger = reading.ledger;
	if (!reading.is_ledger)
		log_warn("state: not a ledger, begun anew", "file=" STATE_LEDGER);
	else if (reading.n_bad > 0)
		log_warn("state: damaged items left out", "file=" STATE_LEDGER " items=%zu",
			 reading.n_bad);
}

/* --- sign of life ----------------------------------------------------------------------------- */

static void load_alive(struct agent *a, nsec_t now)
{
	size_t len;
	_cleanup_(freep) char *text = state_read(a, "alive.yaml", &len);
	uint64_t boot, at;

	if (!text || sscanf(text, "boot: \"%" SCNx64 "\"\nmonotonicNanoseconds: \"%" SCNu64 "\"",
			    &boot, &at) != 2)
		return;
	a->peers.restarted = boot == clock_boot_id() && at <= now && now - at < RESTART_MAX_NS;
}

static void save_alive(struct agent *a, nsec_t now)
{
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "boot: \"%" PRIx64 "\"\nmonotonicNanoseconds: \"%" PRIu64 "\"\n",
			   clock_boot_id(), now);

	state_write(a, &(struct state_file){.name = "alive.yaml", .mode = STATE_MODE},
		    xstrdup(text), (size_t)len);
}

nsec_t state_tick(struct agent *a, nsec_t now)
{
	if (now >= a->alive_at && !a->stopping) {
		save_alive(a, now);
		a->alive_at = now + ALIVE_EVERY_NS;
	}
	if (now >= a->ledger_at)
		save_ledger(a, now);
	if (a->stopping)
		return NSEC_NEVER;
	return nsec_min(nsec_min(a->alive_at, a->ledger_at),
			nsec_min(state_tick_served(a, now), state_tick_world(a, now)));
}

void state_forget_alive(struct agent *a)
{
	state_remove(a, "alive.yaml");
}

void state_load(struct agent *a, nsec_t now)
{
	a->saved_ledger_arena = arena_new();
	a->ledger_at = NSEC_NEVER;
	state_load_addresses(a);
	load_ledger(a, now);
	load_alive(a, now);
	state_load_served(a);
	state_load_world(a);
}

void state_finish(struct agent *a, nsec_t now)
{
	if (a->ledger_at != NSEC_NEVER) {
		a->ledger_at = now;
		save_ledger(a, now);
	}
	state_save_world(a, now);
}

void state_done(struct agent *a)
{
	state_world_done(a);
	state_done_served(a);
	arena_free(a->saved_ledger_arena);
}

void state_save(struct agent *a, nsec_t now)
{
	(void)state_tick(a, now);
	save_ledger(a, now);
}
