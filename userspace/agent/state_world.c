// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Saving goes in rounds. A round compares, shard by shard, the hash of what is to be saved with
 * that of what the file holds, and writes the files that differ; a file that takes longer than one
 * turn is gone on with in the next. When its shard changes meanwhile, it is begun again, since its
 * place in the shard means nothing any more.
 *
 * What an object becomes when its source cannot be seen is not decided here: the world holds it as
 * long as nobody can say that it is gone, and what the world holds is saved.
 */
#include "agent/state_world.h"

#include "agent/agent.h"
#include "agent/apply.h"
#include "agent/state_files.h"
#include "agent/state_world_load.h"
#include "base/limits.h"
#include "sys/files.h"

#include <errno.h>
#include <inttypes.h>

#define ROUND_NS    (1 * NSEC_PER_SEC)
#define CALM_NS     (20 * NSEC_PER_MSEC)
#define TURN_BYTES  (1u << 20)
#define FILE_COST   (TURN_BYTES / 2) /* some file systems write out what is renamed over: 4 ms */
#define FOLDER_NAME "world/folder.yaml"

/* The file that is being written. */
struct draft {
	struct file_draft file;
	struct world_text text;
	struct world_place at;
	uint64_t hash; /* of its shard when it was begun */
};

struct saved_world {
	struct state_loading loading; /* nothing is saved before that is through */
	uint64_t folder;              /* as saved */
	uint64_t generation; /* of the world, when the round began; STATE_SHARD_CHANGED: none did */
	nsec_t round_at;     /* no round before */
	nsec_t calm_at;      /* ... nor before that: what changed last has had its way */
	nsec_t since;        /* the first change that is not saved; 0: none is seen */
	uint64_t seen;       /* generation of the world at the last look */
	unsigned shard;      /* of the round; WORLD_SHARDS: none is under way */
	struct draft draft;
	int error; /* -errno of the last round; 0: it went well */
};

/* --- the folder ------------------------------------------------------------------------------- */

static const char *folder_text(struct arena *arena, const struct agent *a, uint64_t inode)
{
	return arena_printf(arena, "# %s\ninode: %" PRIu64 "\n", a->options->config, inode);
}

static void load_folder(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	size_t len;
	_cleanup_(freep) char *text = state_read(a, FOLDER_NAME, &len);
	const char *at = text ? strstr(text, "\ninode: ") : NULL;
	uint64_t inode;

	if (!at || sscanf(at, "\ninode: %" SCNu64, &inode) != 1)
		return;
	if (strcmp(text, folder_text(scratch, a, inode)) != 0)
		return; /* of another --config */
	a->saved->folder = inode;
	watch_set_folder(a->watch, inode);
}

/* --- loading ---------------------------------------------------------------------------------- */

bool state_load_world_on(struct agent *a, nsec_t until)
{
	return state_loading_on(a, &a->saved->loading, until);
}

void state_load_world_all(struct agent *a)
{
	while (!state_load_world_on(a, NSEC_NEVER))
		worker_finish(a->reader);
}

bool state_load_world_is_away(const struct agent *a)
{
	return a->saved && a->saved->loading.large.is_away;
}

void state_load_world(struct agent *a)
{
	a->saved = xcalloc(1, sizeof(*a->saved));
	a->saved->shard = WORLD_SHARDS;
	a->saved->generation = STATE_SHARD_CHANGED;
	load_folder(a);
}

void state_world_done(struct agent *a)
{
	if (a->saved) {
		file_draft_discard(&a->saved->draft.file);
		state_loading_done(&a->saved->loading);
	}
	free(TAKE_PTR(a->saved));
}

struct saved_damage state_world_damage(const struct agent *a)
{
	return a->saved ? a->saved->loading.damage : (struct saved_damage){0};
}

int state_world_error(const struct agent *a)
{
	return a->saved ? a->saved->error : 0;
}

/* --- saving ----------------------------------------------------------------------------------- */

static bool is_folder_saved(const struct agent *a)
{
	return a->saved->folder == watch_folder(a->watch);
}

static int make_folder(const struct agent *a, struct arena *scratch)
{
	int r = dir_make(a->options->state, 0750);

	return r < 0 ? r : dir_make(state_path(scratch, a, "world"), 0700);
}

static int begin_draft(struct agent *a, const char *path)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct draft *d = &a->saved->draft;
	int r = make_folder(a, scratch);

	d->at = (struct world_place){0};
	d->hash = world_shard_hash(a->world, a->saved->shard);
	return r < 0 ? r : file_draft_begin(&d->file, path, 0600);
}

/* Writes up to a turn's worth; *ret_done: that was the rest. */
static int go_on(struct agent *a, size_t *left, bool *ret_done)
{
	struct draft *d = &a->saved->draft;
	const struct api_object *o = NULL;
	struct strbuf out;
	int r;

	strbuf_init(&out, TURN_BYTES + 2 * LIMIT_DOCUMENT_BYTES);
	if (d->at.source == 0 && d->at.object == 0)
		world_text_begin(&out, &d->text);
	while (out.len < *left && (o = world_shard_next(a->world, a->saved->shard, &d->at)))
		world_text_add(&out, &d->text, o);
	*ret_done = !o && out.len < *left;
	if (*ret_done)
		world_text_end(&out, &d->text);
	*left -= out.len < *left ? out.len : *left;
	r = file_draft_add(&d->file, out.data, out.len);
	strbuf_done(&out);
	return r;
}

static int remove_file(const char *path)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Brings the file of the round's shard to what the world holds, as far as a turn goes. */
static int save_shard(struct agent *a, const char *path, size_t *left)
{
	struct saved_world *s = a->saved;
	uint64_t hash = world_shard_hash(a->world, s->shard);
	bool done = true;
	int r = 0;

	if (s->draft.file.path && s->draft.hash != hash)
		file_draft_discard(&s->draft.file);
	if (hash == 0) {
		r = remove_file(path);
	} else {
		if (!s->draft.file.path)
			r = begin_draft(a, path);
		if (r == 0)
			r = go_on(a, left, &done);
		if (r < 0)
			file_draft_discard(&s->draft.file);
		else if (done)
			r = file_draft_commit(&s->draft.file);
	}
	if (r == 0 && done)
		s->loading.hashes[s->shard] = hash;
	return r;
}

static int save_folder(struct agent *a)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *text = folder_text(scratch, a, watch_folder(a->watch));
	int r = 0;

	if (is_folder_saved(a))
		return 0;
	r = make_folder(a, scratch);
	if (r == 0)
		r = file_write_atomic(state_path(scratch, a, FOLDER_NAME), text, strlen(text),
				      0600);
	if (r == 0)
		a->saved->folder = watch_folder(a->watch);
	return r;
}

/* Goes on with the round; the cost of a file is bounded as that of its bytes is. */
static int go_on_with_round(struct agent *a, size_t left)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct saved_world *s = a->saved;
	char name[STATE_NAME_BYTES];
	int r = 0;

	while (r == 0 && left > 0 && s->shard < WORLD_SHARDS) {
		if (world_shard_hash(a->world, s->shard) == s->loading.hashes[s->shard]) {
			file_draft_discard(&s->draft.file);
			s->shard++;
			continue;
		}
		state_shard_name(s->shard, name);
		r = save_shard(a, state_path(scratch, a, name), &left);
		left -= left < FILE_COST ? left : FILE_COST;
	}
	return r;
}

static bool is_under_way(const struct saved_world *s)
{
	return s->shard < WORLD_SHARDS;
}

/* Begins a round or goes on with one. */
static void save_some(struct agent *a, nsec_t now, size_t bytes)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct saved_world *s = a->saved;
	int r = 0;

	if (!is_under_way(s)) {
		s->round_at = nsec_add(now, ROUND_NS);
		s->generation = world_generation(a->world);
		s->shard = 0;
		r = save_folder(a);
	}
	if (r == 0)
		r = go_on_with_round(a, bytes);
	state_note(a, &s->error, state_path(scratch, a, "world"), r);
	if (r < 0) {
		s->shard = WORLD_SHARDS;
		s->generation = STATE_SHARD_CHANGED;
	}
}

bool state_world_is_saved(const struct agent *a)
{
	return state_loading_is_over(&a->saved->loading) && !is_under_way(a->saved) &&
	       a->saved->generation == world_generation(a->world) && is_folder_saved(a);
}

/*
 * To make a file may take as long as all that follows from a change: an address that is written and
 * comes back, its route. So a round begins when for a moment nothing has changed and nothing was
 * programmed; where something always does, after a second.
 */
static nsec_t round_begins_at(struct agent *a, nsec_t now)
{
	struct saved_world *s = a->saved;
	const uint64_t generation = world_generation(a->world);

	if (s->since == 0)
		s->since = now;
	if (s->seen != generation || apply_is_under_way(a))
		s->calm_at = nsec_min(nsec_add(now, CALM_NS), nsec_add(s->since, ROUND_NS));
	s->seen = generation;
	return s->round_at > s->calm_at ? s->round_at : s->calm_at;
}

nsec_t state_tick_world(struct agent *a, nsec_t now)
{
	struct saved_world *s = a->saved;

	if (!state_loading_is_over(&s->loading))
		return NSEC_NEVER;
	if (is_under_way(s) || (!state_world_is_saved(a) && now >= round_begins_at(a, now))) {
		s->since = 0;
		save_some(a, now, TURN_BYTES);
	}
	if (is_under_way(s))
		return now;
	return state_world_is_saved(a) ? NSEC_NEVER : round_begins_at(a, now);
}

void state_save_world(struct agent *a, nsec_t now)
{
	if (!state_loading_is_over(&a->saved->loading))
		return; /* what is there is what would be written */
	do
		save_some(a, now, SIZE_MAX);
	while (is_under_way(a->saved));
}
