// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Objects go into the world in the order in which they were saved. At one that is large it stops
 * until the helper has decoded it. Nothing is saved before all of it is through, so who ends
 * meanwhile leaves what was saved as it was.
 */
#include "agent/state_world_load.h"

#include "agent/agent.h"
#include "agent/feed.h"
#include "agent/state_files.h"
#include "base/limits.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include <assert.h>
#include <errno.h>

#define FILE_MAX_BYTES (2 * LIMIT_CONFIG_BYTES) /* one file may hold all objects, in more words */
#define LARGE_BYTES    (128u << 10)             /* of an object: to decode it takes a turn's time */

void state_shard_name(unsigned shard, char name[STATE_NAME_BYTES])
{
	(void)snprintf(name, STATE_NAME_BYTES, "world/%02x.yaml", shard);
}

/* Kept for a human, and out of the way of what will be saved. */
static void set_aside(const struct agent *a, struct state_loading *l, const char *name)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	const char *aside = arena_printf(scratch, "%s.bad", path);

	l->damage.files++;
	if (rename(path, aside) < 0)
		log_err("state: cannot be set aside", "file=%s error=%s", log_quote(path),
			log_quote(strerror(errno)));
	else
		log_err("state: is damaged, set aside", "file=%s", log_quote(aside));
}

/* True if the file holds the object as the world now does. */
static bool put_object(struct agent *a, struct state_loading *l, const struct world_text_item *item,
		       struct api_object *object)
{
	if (object) {
		world_saved_put(a->world, item->source, object);
		return world_shard_of(item->source) == l->shard;
	}
	log_warn("state: an object of the last run is not right any more", "file=%s line=%u",
		 log_quote(item->source), item->document.line);
	l->damage.objects++;
	return false;
}

static void read_large(struct worker_job *job)
{
	struct state_large *l = (struct state_large *)job;

	l->object = world_saved_read(&l->item.document);
}

static void take_large(struct worker_job *job)
{
	struct state_large *l = (struct state_large *)job;

	l->is_away = false;
	l->is_back = true;
	l->agent->scan_at = 0;
}

static void give_large(struct agent *a, struct state_large *l, const struct world_text_item *item)
{
	*l = (struct state_large){.job = {.run = read_large, .done = take_large},
				  .agent = a,
				  .item = *item,
				  .is_away = true};
	worker_add(a->reader, &l->job);
}

static void load_object(struct agent *a, struct state_loading *l,
			const struct world_text_item *item)
{
	if (!feed_expect(a, item->source) && !watch_expect(a->watch, item->source)) {
		log_debug("state: not of this --config, forgotten", "file=%s line=%u",
			  log_quote(item->source), item->document.line);
		l->is_same = false;
	} else if (item->document.len > LARGE_BYTES) {
		give_large(a, &l->large, item);
	} else {
		l->is_same &= put_object(a, l, item, world_saved_read(&item->document));
	}
}

/* What the helper made comes in where the loading stopped for it. False: it is at it. */
static bool take_what_came_back(struct agent *a, struct state_loading *l)
{
	if (l->large.is_back) {
		l->is_same &= put_object(a, l, &l->large.item, TAKE_PTR(l->large.object));
		l->large.is_back = false;
	}
	return !l->large.is_away;
}

/* False: there is none, or none that can be used. */
static bool open_shard(const struct agent *a, struct state_loading *l)
{
	char name[STATE_NAME_BYTES];
	size_t len;
	int r;

	l->arena = arena_new();
	l->is_same = true;
	state_shard_name(l->shard, name);
	r = file_read(state_path(l->arena, a, name), FILE_MAX_BYTES, &l->text, &len);
	if (r == 0 && world_text_open(l->text, len, &l->walk))
		return true;
	if (r != -ENOENT && r != -ENOTDIR)
		set_aside(a, l, name);
	return false;
}

static void close_shard(struct state_loading *l)
{
	l->arena = arena_free(l->arena);
	free(TAKE_PTR(l->text));
}

bool state_loading_is_over(const struct state_loading *l)
{
	return l->shard == WORLD_SHARDS;
}

/* The rest of a shard; false: the time was over before. */
static bool load_shard(struct agent *a, struct state_loading *l, nsec_t until)
{
	struct world_text_item item;

	while (world_text_next(&l->walk, l->arena, &item)) {
		load_object(a, l, &item);
		if (l->large.is_away || clock_now() >= until)
			return false;
	}
	l->hashes[l->shard] =
		l->is_same ? world_shard_hash(a->world, l->shard) : STATE_SHARD_CHANGED;
	return true;
}

bool state_loading_on(struct agent *a, struct state_loading *l, nsec_t until)
{
	struct world_stale found;

	if (state_loading_is_over(l))
		return true;
	if (!take_what_came_back(a, l))
		return false;
	while (l->shard < WORLD_SHARDS) {
		if ((l->text || open_shard(a, l)) && !load_shard(a, l, until))
			return false;
		close_shard(l);
		l->shard++;
	}
	found = world_stale(a->world);
	if (found.objects > 0)
		log_info("state: objects of the last run", "objects=%zu files=%zu", found.objects,
			 found.sources);
	return true;
}

void state_loading_done(struct state_loading *l)
{
	assert(!l->large.is_away);
	close_shard(l);
	l->large.object = api_object_free(l->large.object);
}
