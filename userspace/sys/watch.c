// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Watching configuration. A scan is a pass over the files: over all of them, after listing the
 * folder, or over those alone that inotify named or that are waited for. A lost event costs at most
 * WATCH_RESCAN_NS.
 */
#include "sys/watch_inside.h"

#include "base/limits.h"
#include "sys/files.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>

#define RETRY_NS NSEC_PER_SEC /* for a folder that cannot be read */

/* --- life ------------------------------------------------------------------------------------ */

static char *trimmed(const char *path)
{
	char *copy = xstrdup(path);
	size_t len = strlen(copy);

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	return copy;
}

/* What to watch: the folder the path names, or the one that holds the file it names. */
static void set_folder(struct watch *w, bool is_one_file)
{
	const char *slash = strrchr(w->path, '/');

	free(w->dir);
	w->only = NULL;
	if (!is_one_file) {
		w->dir = xstrdup(w->path);
		return;
	}
	w->only = slash ? slash + 1 : w->path;
	w->dir = slash ? xstrdup(w->path) : xstrdup(".");
	if (slash)
		w->dir[slash == w->path ? 1 : slash - w->path] = '\0';
}

int watch_new(const struct watch_args *args, struct watch **ret)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;
	struct stat st;

	if (fd < 0)
		return -errno;
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->wd = -1;
	w->wants_all = true;
	w->path = trimmed(args->path);
	w->max_file_bytes = args->max_file_bytes ? args->max_file_bytes : LIMIT_FILE_BYTES;
	w->max_all_bytes = args->max_all_bytes ? args->max_all_bytes : LIMIT_CONFIG_BYTES;
	/* A path that is not there yet is a file if it is called like one. */
	w->is_guess = stat(w->path, &st) != 0;
	set_folder(w, w->is_guess ? watch_name_is_yaml(w->path) : !S_ISDIR(st.st_mode));
	*ret = w;
	return 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	watch_entries_done(&w->entries);
	fd_closep(&w->fd);
	free(w->dir);
	free(w->path);
	free(w);
	return NULL;
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

/* --- what an earlier run knew ---------------------------------------------------------------- */

/* The name of a file that is reported by this path; NULL if there is none. */
static const char *name_in(const struct watch *w, const char *path)
{
	size_t len = w->path[1] ? strlen(w->path) : 0;
	const char *name = path + len + 1;

	if (w->only)
		return strcmp(path, w->path) == 0 ? w->only : NULL;
	if (strncmp(path, w->path, len) != 0 || path[len] != '/')
		return NULL;
	return watch_name_is_listed(name) && !strchr(name, '/') ? name : NULL;
}

bool watch_expect(struct watch *w, const char *path)
{
	const char *name = name_in(w, path);

	/* Whether a path that is not there is one file, its earlier run has seen. */
	if (!name && w->is_guess && w->entries.n == 0) {
		set_folder(w, !w->only);
		name = name_in(w, path);
		if (!name)
			set_folder(w, !w->only);
	}
	if (!name)
		return false;
	watch_entries_push(&w->entries, name)->is_expected = true;
	w->is_unsorted = true;
	return true;
}

uint64_t watch_folder(const struct watch *w)
{
	return w->home.ino;
}

void watch_set_folder(struct watch *w, uint64_t inode)
{
	w->home = (struct watch_place){.ino = inode, .any_dev = true};
}

/* --- what comes of a scan -------------------------------------------------------------------- */

static void tell_folder(const struct watch_turn *s, int err)
{
	struct watch *w = s->w;

	if (err == w->err)
		return;
	w->err = err;
	watch_report(s, &(struct watch_file){.event = err < 0 ? WATCH_FAILED : WATCH_RECOVERED,
					     .path = w->dir,
					     .err = err});
}

static nsec_t next_scan(struct watch *w, nsec_t now)
{
	nsec_t next = w->err < 0 ? nsec_add(now, RETRY_NS) : w->all_at;
	struct watch_entries *all = &w->entries;
	size_t from = SIZE_MAX, to = 0;

	w->some_at = NSEC_NEVER;
	for (size_t i = all->from; i < all->n && i < all->to; i++) {
		const struct watch_entry *e = &all->items[i];

		w->n_walked++;
		if (!e->is_dirty && e->gone_at == NSEC_NEVER)
			continue;
		next = nsec_min(next, e->gone_at);
		w->some_at = nsec_min(w->some_at, e->is_dirty ? 0 : e->gone_at);
		from = i < from ? i : from;
		to = i + 1;
	}
	all->from = from;
	all->to = to;
	return next;
}

/* --- passes ---------------------------------------------------------------------------------- */

/* 0, or what the folder fails with. */
static int begin_pass(const struct watch_turn *s)
{
	struct watch *w = s->w;
	int err;

	if (w->is_unsorted)
		watch_entries_sort(&w->entries);
	w->is_unsorted = false;
	watch_take_events(w);
	err = watch_follow_folder(w);
	w->pass.all = w->wants_all || w->wants_force || w->err < 0 || s->now >= w->all_at;
	w->pass.force = w->wants_force;
	w->pass.is_exact = w->pass.is_asked = false;
	if (err == 0 && w->pass.all)
		err = watch_list(w);
	w->pass.at = w->pass.all ? 0 : w->entries.from;
	tell_folder(s, err);
	if (err < 0)
		return err;
	w->pass.is_on = true;
	w->wants_all = w->wants_force = false;
	if (w->pass.all)
		w->all_at = nsec_add(s->now, WATCH_RESCAN_NS);
	return 0;
}

/* Compares entry by entry; false: it is enough for now. */
static bool go_on(const struct watch_turn *s)
{
	struct watch *w = s->w;

	while (w->pass.at < w->entries.n && (w->pass.all || w->pass.at < w->entries.to)) {
		struct watch_entry *e = &w->entries.items[w->pass.at++];

		w->n_walked++;
		if (!w->pass.all && !e->is_dirty && s->now < e->gone_at)
			continue;
		e->is_listed |= !w->pass.all; /* its own stat will tell */
		watch_compare(s, e);
		if (s->reader->is_enough && s->reader->is_enough(s->reader->ctx) &&
		    w->pass.at < w->entries.n)
			return false;
	}
	return true;
}

nsec_t watch_scan(struct watch *w, nsec_t now, bool force, const struct watch_reader *reader)
{
	const struct watch_turn s = {.w = w, .now = now, .reader = reader};

	const bool begins = !w->pass.is_on;

	w->wants_force |= force;
	if (begins && begin_pass(&s) < 0) {
		/* Nothing was seen, so nothing is known to be missing. */
		for (size_t i = 0; i < w->entries.n; i++)
			w->entries.items[i].gone_at = NSEC_NEVER;
		w->wants_force = false;
		return next_scan(w, now);
	}
	/* What happened concerns no file: an editor has made one beside that which it will be. */
	if (begins && !w->pass.all && now < w->some_at) {
		w->pass.is_on = false;
		return nsec_min(w->all_at, w->some_at);
	}
	if (!go_on(&s))
		return now;
	w->pass.is_on = false;
	watch_entries_forget_gone(&w->entries);
	return w->wants_force ? now : next_scan(w, now);
}

bool watch_is_through(const struct watch *w)
{
	return !w->pass.is_on && !w->wants_force;
}

uint64_t watch_walked(const struct watch *w)
{
	return w->n_walked;
}

void watch_repeat(struct watch *w)
{
	watch_entries_stir_all(&w->entries);
	for (size_t i = 0; i < w->entries.n; i++)
		w->entries.items[i].is_dirty = w->entries.items[i].is_repeated = true;
	w->some_at = 0;
}
