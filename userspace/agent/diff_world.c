// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is read here is what the agent reads at a start: the saved world, then the texts that are
 * there. An object of the edit that is wrong leaves the version in force that is saved.
 */
#include "agent/diff_world.h"

#include "agent/feed_names.h"
#include "agent/state_world.h"
#include "agent/world_text.h"
#include "base/limits.h"
#include "sys/files.h"
#include "sys/watch.h"

#include <errno.h>
#include <sys/stat.h>

static int complain(const char *path, int error)
{
	fprintf(stderr, "lodestoned: %s: %s\n", path, strerror(-error));
	return error;
}

/* --- the edit --------------------------------------------------------------------------------- */

struct edit {
	const char *path, *config; /* the edit's; and --config, without slashes at its end */
	bool is_folder;
	struct arena *arena;
	struct world *alone; /* of a file: its objects and nothing else */
	struct world *put;   /* where the texts of the folder that is read go */
	const char *put_as;  /* the folder that they are taken for */
	int error;           /* of reading it */
};

/* The text of a file or of standard input; the caller frees it. */
static int read_text(const char *path, char **ret, size_t *ret_len)
{
	struct strbuf text;
	char chunk[16384];
	size_t n;

	if (strcmp(path, "-") != 0)
		return file_read(path, LIMIT_FILE_BYTES, ret, ret_len);
	strbuf_init(&text, LIMIT_FILE_BYTES);
	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		strbuf_add_len(&text, chunk, n);
	if (text.truncated || ferror(stdin)) {
		n = text.truncated;
		strbuf_done(&text);
		return n ? -EFBIG : -EIO;
	}
	*ret = text.data ? text.data : xstrdup("");
	*ret_len = text.len;
	return 0;
}

/* The source in the agent's folder that stands for a file of this one. */
static const char *source_of(const struct edit *e, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_printf(e->arena, "%s/%s", e->put_as, slash ? slash + 1 : path);
}

static void on_file(void *ctx, struct watch_file *file)
{
	struct edit *e = ctx;

	if (file->event == WATCH_CHANGED)
		world_put_source(e->put, source_of(e, file->path), file->text, file->len);
	else if (file->event == WATCH_FAILED)
		e->error = complain(file->path, file->err);
}

/* Its files, taken for those of the agent's folder. */
static int put_folder(struct edit *e, const char *folder, struct world *w)
{
	struct watch *watch = NULL;
	int r = watch_new(&(struct watch_args){.path = folder}, &watch);

	if (r < 0)
		return complain(folder, r);
	e->put = w;
	e->error = 0;
	(void)watch_scan(watch, 0, true, &(struct watch_reader){.tell = on_file, .ctx = e});
	watch_free(watch);
	return e->error;
}

static int put_file(struct edit *e, const char *source, struct world *w)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r;

	r = read_text(e->path, &text, &len);
	if (r < 0)
		return complain(e->path, r);
	e->alone = world_new();
	world_put_source(e->alone, source, text, len);
	world_put_source(w, source, text, len);
	return 0;
}

/* --- the saved world -------------------------------------------------------------------------- */

static bool is_under(const char *source, const char *folder)
{
	const size_t len = strlen(folder);

	return strncmp(source, folder, len) == 0 && (source[len] == '/' || source[len] == '\0');
}

/* What an object of the edit takes the place of. */
static bool is_replaced(const struct edit *e, const struct api_object *o)
{
	return e->alone && world_find(e->alone, o->meta.kind, o->meta.ns, o->meta.name);
}

/* Into both worlds; of the second what the edit leaves. */
static void restore(struct edit *e, struct diff_worlds *w, const struct world_text_item *item)
{
	struct api_object *o = world_saved_read(&item->document);

	if (!o)
		return; /* the agent has said so */
	world_saved_put(w->from, item->source, o);
	o = world_saved_read(&item->document);
	if (is_replaced(e, o))
		api_object_free(o);
	else
		world_saved_put(w->to, item->source, o);
	if (strncmp(item->source, FEED_PREFIX, strlen(FEED_PREFIX)) == 0)
		w->cluster = FEED_PREFIX;
}

/* True: there was a shard to be read. */
static bool restore_shard(struct edit *e, struct diff_worlds *w, const char *state, unsigned shard)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	_cleanup_(freep) char *text = NULL;
	struct world_text_walk walk;
	struct world_text_item item;
	char name[STATE_NAME_BYTES];
	size_t len;

	state_shard_name(shard, name);
	if (file_read(arena_printf(scratch, "%s/%s", state, name), 2 * LIMIT_CONFIG_BYTES, &text,
		      &len) < 0 ||
	    !world_text_open(text, len, &walk))
		return false;
	while (world_text_next(&walk, scratch, &item))
		restore(e, w, &item);
	return true;
}

static int restore_all(struct edit *e, struct diff_worlds *w, const char *state)
{
	const char *world = arena_printf(e->arena, "%s/world", state);
	size_t n = 0;

	if (access(world, R_OK | X_OK) < 0) {
		const int error = -errno;

		fprintf(stderr,
			"lodestoned: %s: %s; the agent keeps there what it knows, for root: is one "
			"running with this --state?\n",
			world, strerror(errno));
		return error;
	}
	for (unsigned shard = 0; shard < WORLD_SHARDS; shard++)
		n += restore_shard(e, w, state, shard);
	return n > 0 ? 0 : complain(world, -ENODATA);
}

/* --- both ------------------------------------------------------------------------------------- */

/* Sources of the agent's folder that are no file of this one. */
static void drop_others(const struct edit *e, const char *folder, struct world *w)
{
	const char **gone = NULL;
	size_t n = 0, cap = 0;

	for (enum api_kind kind = 0; kind < API_N_KINDS; kind++) {
		const struct world_list all = world_list(w, kind);

		for (size_t i = 0; i < all.n; i++) {
			const char *source = all.items[i]->meta.file;
			const char *name = strrchr(source, '/');

			if (is_under(source, e->config) && name &&
			    access(arena_printf(e->arena, "%s%s", folder, name), F_OK) < 0)
				*(const char **)arena_push(e->arena, &gone, &n, &cap,
							   sizeof(*gone)) =
					arena_strdup(e->arena, source);
		}
	}
	for (size_t i = 0; i < n; i++)
		world_drop_source(w, gone[i]);
}

/* A folder: what is wrong in the agent's own is no news, so that is read, too. */
static int edit_folder(struct edit *e, struct diff_worlds *w, const char *state)
{
	int r = restore_all(e, w, state);

	e->put_as = e->config;
	w->source = e->config;
	if (r == 0)
		r = put_folder(e, e->config, w->from);
	if (r == 0)
		r = put_folder(e, e->path, w->to);
	if (r == 0) {
		drop_others(e, e->config, w->from);
		drop_others(e, e->path, w->to);
	}
	return r;
}

/* Nothing is edited: both are the same. */
static int edit_nothing(struct edit *e, struct diff_worlds *w, const char *state)
{
	w->source = "";
	return restore_all(e, w, state);
}

/* A file is of the API server if others are: it is what kubectl is to apply. */
static int edit_file(struct edit *e, struct diff_worlds *w, const struct options *options)
{
	int r;

	w->source = arena_printf(e->arena, "%s%s", options->feed ? FEED_PREFIX : "", e->path);
	r = put_file(e, w->source, w->to);
	return r < 0 ? r : restore_all(e, w, options->state);
}

int diff_worlds_load(const struct options *options, struct arena *arena, struct diff_worlds *ret)
{
	struct edit e = {.path = options->file, .arena = arena};
	struct stat st;
	size_t len;
	int r;

	*ret = (struct diff_worlds){.from = world_new(), .to = world_new()};
	e.is_folder = e.path && stat(e.path, &st) == 0 && S_ISDIR(st.st_mode);
	if (e.is_folder && !options->config) {
		fprintf(stderr, "lodestoned: a folder is compared with --config, which is not "
				"given\n");
		return -EINVAL;
	}
	e.config = arena_strdup(arena, options->config ? options->config : "");
	for (len = strlen(e.config); len > 1 && e.config[len - 1] == '/'; len--)
		e.config = arena_strndup(arena, e.config, len - 1);
	r = e.is_folder ? edit_folder(&e, ret, options->state)
	    : e.path    ? edit_file(&e, ret, options)
			: edit_nothing(&e, ret, options->state);
	world_free(e.alone);
	return r;
}

void diff_worlds_done(struct diff_worlds *w)
{
	world_free(w->from);
	world_free(w->to);
}
