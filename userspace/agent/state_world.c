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
#include "agent/state_files.h"
#include "agent/world_text.h"
#include "base/limits.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/log.h"

#include <errno.h>
#include <inttypes.h>

#define ROUND_NS       (1 * NSEC_PER_SEC)
#define TURN_BYTES     (1u << 20)
#define FILE_COST      (TURN_BYTES / 2) /* some file systems write out what is renamed over: 4 ms */
#define CHANGED        UINT64_MAX       /* of a file that does not hold what the world does */
#define FILE_MAX_BYTES (2 * LIMIT_CONFIG_BYTES) /* one file may hold all objects, in more words */
#define FOLDER_NAME    "world/folder.yaml"
#define NAME_BYTES     32

/* The file that is being written. */
struct draft {
	struct file_draft file;
	struct world_text text;
	struct world_place at;
	uint64_t hash; /* of its shard when it was begun */
};

/* What is being read back; nothing is saved before that is through. */
struct loading {
	unsigned shard; /* WORLD_SHARDS: all were */
	struct arena *arena;
	char *text; /* owned, of the shard's file; NULL: not opened */
	struct world_text_walk walk;
	bool is_same; /* so far the file holds what the world does */
};

struct saved_world {
	struct loading loading;
	uint64_t hashes[WORLD_SHARDS]; /* of what the files hold; 0: there is none */
	uint64_t folder;               /* as saved */
	uint64_t generation;           /* of the world, when the round began; CHANGED: none did */
	nsec_t round_at;               /* no round before */
	unsigned shard;                /* of the round; WORLD_SHARDS: none is under way */
	struct draft draft;
	struct saved_damage damage;
	int error; /* -errno of the last round; 0: it went well */
};

static void shard_name(unsigned shard, char name[NAME_BYTES])
{
	(void)snprintf(name, NAME_BYTES, "world/%02x.yaml", shard);
}

/* --- the folder ---------------------------------------------------------------------------------
 */

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

/* --- loading ------------------------------------------------------------------------------------
 */

/* Kept for a human, and out of the way of what will be saved. */
static void set_aside(struct agent *a, const char *name)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const char *path = state_path(scratch, a, name);
	const char *aside = arena_printf(scratch, "%s.bad", path);

	a->saved->damage.files++;
	if (rename(path, aside) < 0)
		log_err("state: cannot be set aside", "file=%s error=%s", log_quote(path),
			log_quote(strerror(errno)));
	else
		log_err("state: is damaged, set aside", "file=%s", log_quote(aside));
}

/* True if the file holds the object as the world now does. */
static bool load_object(struct agent *a, unsigned shard, const struct world_text_item *item)
{
	if (!watch_expect(a->watch, item->source)) {
		log_debug("state: not of this --config, forgotten", "file=%s line=%u",
			  log_quote(item->source), item->document.line);
		return false;
	}
	if (world_restore(a->world, item->source, &item->document))
		return world_shard_of(item->source) == shard;
	log_warn("state: an object of the last run is not right any more", "file=%s line=%u",
		 log_quote(item->source), item->document.line);
	a->saved->damage.objects++;
	return false;
}

/* False: there is none, or none that can be used. */
static bool open_shard(struct agent *a)
{
	struct loading *l = &a->saved->loading;
	char name[NAME_BYTES];
	size_t len;
	int r;

	l->arena = arena_new();
	l->is_same = true;
	shard_name(l->shard, name);
	r = file_read(state_path(l->arena, a, name), FILE_MAX_BYTES, &l->text, &len);
	if (r == 0 && world_text_open(l->text, len, &l->walk))
		return true;
	if (r != -ENOENT && r != -ENOTDIR)
		set_aside(a, name);
	return false;
}

static void close_shard(struct loading *l)
{
	l->arena = arena_free(l->arena);
	free(TAKE_PTR(l->text));
}

static bool is_loaded(const struct saved_world *s)
{
	return s->loading.shard == WORLD_SHARDS;
}

/* The rest of a shard; false: the time was over before. */
static bool load_shard(struct agent *a, nsec_t until)
{
	struct loading *l = &a->saved->loading;
	struct world_text_item item;

	while (world_text_next(&l->walk, l->arena, &item)) {
		l->is_same &= load_object(a, l->shard, &item);
		if (clock_now() >= until)
			return false;
	}
	a->saved->hashes[l->shard] = l->is_same ? world_shard_hash(a->world, l->shard) : CHANGED;
	return true;
}

bool state_load_world_on(struct agent *a, nsec_t until)
{
	struct loading *l = &a->saved->loading;
	struct world_stale found;

	if (is_loaded(a->saved))
		return true;
	while (l->shard < WORLD_SHARDS) {
		if ((l->text || open_shard(a)) && !load_shard(a, until))
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

void state_load_world(struct agent *a)
{
	a->saved = xcalloc(1, sizeof(*a->saved));
	a->saved->shard = WORLD_SHARDS;
	a->saved->generation = CHANGED;
	load_folder(a);
}

void state_world_done(struct agent *a)
{
	if (a->saved) {
		file_draft_discard(&a->saved->draft.file);
		close_shard(&a->saved->loading);
	}
	free(TAKE_PTR(a->saved));
}

struct saved_damage state_world_damage(const struct agent *a)
{
	return a->saved ? a->saved->damage : (struct saved_damage){0};
}

int state_world_error(const struct agent *a)
{
	return a->saved ? a->saved->error : 0;
}

/* --- saving -------------------------------------------------------------------------------------
 */

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
		s->hashes[s->shard] = hash;
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
	char name[NAME_BYTES];
	int r = 0;

	while (r == 0 && left > 0 && s->shard < WORLD_SHARDS) {
		if (world_shard_hash(a->world, s->shard) == s->hashes[s->shard]) {
			file_draft_discard(&s->draft.file);
			s->shard++;
			continue;
		}
		shard_name(s->shard, name);
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
		s->generation = CHANGED;
	}
}

bool state_world_is_saved(const struct agent *a)
{
	return is_loaded(a->saved) && !is_under_way(a->saved) &&
	       a->saved->generation == world_generation(a->world) && is_folder_saved(a);
}

nsec_t state_tick_world(struct agent *a, nsec_t now)
{
	struct saved_world *s = a->saved;

	if (!is_loaded(s))
		return NSEC_NEVER;
	if (is_under_way(s) || (!state_world_is_saved(a) && now >= s->round_at))
		save_some(a, now, TURN_BYTES);
	if (is_under_way(s))
		return now;
	return state_world_is_saved(a) ? NSEC_NEVER : s->round_at;
}

void state_save_world(struct agent *a, nsec_t now)
{
	if (!is_loaded(a->saved))
		return; /* what is there is what would be written */
	do
		save_some(a, now, SIZE_MAX);
	while (is_under_way(a->saved));
}
