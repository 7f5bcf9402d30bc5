// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The folder of a watch: inotify on it, and what it holds. An event marks a file as one to be read
 * even though its stat looks the same (two writes within one tick of the kernel's clock); what it
 * says of the file is not believed.
 *
 * IN_MODIFY is not asked for: a writer that has the file open is not done, IN_CLOSE_WRITE says when
 * it is. "Cannot be seen" is not "gone": when the folder itself cannot be read, or is missing, that
 * is one failure, and every file stays in force.
 */
#include "sys/watch_inside.h"

#include <errno.h>
#include <sys/inotify.h>

#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

#define NAMES_AT_ONCE 256 /* read between two looks at the clock: a fraction of a millisecond */

/* --- what happens to it ---------------------------------------------------------------------- */

static void mark_all(struct watch *w)
{
	w->wants_all = true;
	watch_entries_stir_all(&w->entries);
	for (size_t i = 0; i < w->entries.n; i++)
		w->entries.items[i].is_dirty = true;
}

/*
 * A name that is none of ours may be what a link leads to, if there is one (else it is mostly an
 * editor's, beside the file that it will be); what happens to the folder concerns all.
 */
static void take_event(struct watch *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		mark_all(w);
	if (event->wd == w->wd && (event->mask & IN_IGNORED))
		w->wd = -1; /* the folder was deleted or unmounted */
	if (event->len == 0 || w->only || (w->has_links && !watch_name_is_listed(event->name)))
		w->wants_all = true;
	if (event->len > 0 &&
	    (w->only ? strcmp(event->name, w->only) == 0 : watch_name_is_listed(event->name))) {
		watch_entries_stir(&w->entries, event->name);
		w->some_at = 0;
		w->named.is_new = true;
	}
}

void watch_take_events(struct watch *w)
{
	char buf[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got;

	while ((got = read(w->fd, buf, sizeof(buf))) > 0 || (got < 0 && errno == EINTR)) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event = (const void *)(buf + at);

			take_event(w, event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

static bool is_place(const struct watch_place *f, const struct stat *st)
{
	return f->ino == st->st_ino && (f->any_dev || f->dev == st->st_dev);
}

int watch_follow_folder(struct watch *w)
{
	struct stat st;

	if (stat(w->dir, &st) != 0)
		return -errno;
	if (w->wd >= 0 && is_place(&w->watched, &st))
		return 0;
	if (w->wd >= 0)
		(void)inotify_rm_watch(w->fd, w->wd); /* may have gone with its folder */
	w->wd = inotify_add_watch(w->fd, w->dir, EVENTS);
	if (w->wd < 0)
		return -errno;
	w->watched = (struct watch_place){.dev = st.st_dev, .ino = st.st_ino};
	w->wants_all = true;
	return 0;
}

/* --- what is in it --------------------------------------------------------------------------- */

/* The folder that was read holds none of the files that are known, and is not where they were. */
static bool is_unmounted(const struct watch *w, const struct watch_names *names,
			 const struct stat *st)
{
	return names->n == 0 && w->entries.n > 0 && !is_place(&w->home, st);
}

void watch_listing_done(struct watch_listing *l)
{
	if (l->dir)
		(void)closedir(l->dir); /* only read from */
	arena_free(l->names.arena);
	*l = (struct watch_listing){0};
}

static int read_on(const struct watch_turn *s, struct watch_listing *l)
{
	const struct dirent *d;

	while ((errno = 0, d = readdir(l->dir))) {
		if (watch_name_is_listed(d->d_name)) {
			watch_names_add(&l->names, d->d_name);
			l->has_links |= d->d_type == DT_LNK || d->d_type == DT_UNKNOWN;
		}
		if (++l->n_read % NAMES_AT_ONCE == 0 && watch_is_enough(s))
			return -EINPROGRESS;
	}
	return -errno;
}

static int list_folder(const struct watch_turn *s)
{
	struct watch *w = s->w;
	struct watch_listing *l = &w->listing;
	struct stat st;
	int err;

	if (!l->dir) {
		l->dir = opendir(w->dir);
		if (!l->dir)
			return -errno;
		l->names.arena = arena_new();
	}
	err = read_on(s, l);
	if (err < 0)
		return err;
	if (fstat(dirfd(l->dir), &st) != 0)
		return -errno;
	if (is_unmounted(w, &l->names, &st))
		return -ENOMEDIUM;
	w->home = (struct watch_place){.dev = st.st_dev, .ino = st.st_ino};
	w->has_links = l->has_links;
	watch_entries_merge(&w->entries, &l->names);
	return 0;
}

static bool knows_file(const struct watch *w)
{
	return w->entries.n > 0 &&
	       (w->entries.items[0].is_reported || w->entries.items[0].is_expected);
}

/* Whether the one file is there, its own stat will tell. */
static int list_one(struct watch *w)
{
	struct stat file, dir;
	bool is_there = stat(w->path, &file) == 0 || errno != ENOENT;

	if (stat(w->dir, &dir) != 0)
		return -errno;
	if (!is_there && w->home.ino != 0 && !is_place(&w->home, &dir) && knows_file(w))
		return -ENOMEDIUM;
	if (is_there)
		w->home = (struct watch_place){.dev = dir.st_dev, .ino = dir.st_ino};
	(void)watch_entries_get(&w->entries, w->only);
	return 0;
}

int watch_list(const struct watch_turn *s)
{
	int err = s->w->only ? list_one(s->w) : list_folder(s);

	if (err != -EINPROGRESS)
		watch_listing_done(&s->w->listing);
	return err;
}
