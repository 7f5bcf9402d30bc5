// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Watching configuration. There are two passes over the files. One goes over those that inotify
 * named or that are waited for. The other, a look, lists the folder and goes over all; a lost event
 * costs at most WATCH_RESCAN_NS, when it is taken anyway.
 *
 * What a look finds is told in one piece with what it finds later: of a folder that was changed as
 * a whole (the kubelet's link) half is no picture. But most looks are of routine, find nothing, and
 * take many turns: what inotify names meanwhile is told at once, as if it had been before the look,
 * as long as that has found nothing and nothing else happened in the folder.
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
	watch_listing_done(&w->listing);
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

static void begin_named(const struct watch_turn *s)
{
	struct watch *w = s->w;

	w->named = (struct watch_named){.is_on = true, .at = w->entries.from};
	w->is_exact_known = false;
}

static void begin_look(const struct watch_turn *s, bool is_routine)
{
	struct watch *w = s->w;

	w->look = (struct watch_look){
		.is_on = true, .is_routine = is_routine, .force = w->wants_force};
	w->named.is_new &= is_routine;
	w->wants_all = w->wants_force = false;
	w->is_exact_known = false;
	w->entries.cursor = 0;
	w->all_at = nsec_add(s->now, WATCH_RESCAN_NS);
}

/* Nothing but single files was named, or the time is up. */
static bool is_routine(const struct watch *w)
{
	return !w->wants_all && !w->wants_force && w->err == 0;
}

/* Nothing is under way: whether something is to be. 0, or what the folder fails with. */
static int begin(const struct watch_turn *s)
{
	struct watch *w = s->w;
	int err;

	if (w->is_unsorted)
		watch_entries_sort(&w->entries);
	w->is_unsorted = false;
	watch_take_events(w);
	err = watch_follow_folder(w);
	if (err < 0)
		return err;
	if (is_routine(w) && s->now >= w->some_at)
		begin_named(s);
	if (!is_routine(w) || s->now >= w->all_at)
		begin_look(s, is_routine(w));
	return 0;
}

/* What is named goes before the rest of a look that has found nothing. */
static bool gives_way(const struct watch *w)
{
	return w->look.is_on && w->look.is_routine && !w->look.has_found;
}

/* By turns, so that the look comes to its end. */
static void begin_named_within_look(const struct watch_turn *s)
{
	struct watch *w = s->w;

	if (w->look.is_next)
		return;
	watch_take_events(w);
	if (!w->named.is_new)
		return;
	w->wants_all |= watch_follow_folder(w) < 0;
	if (is_routine(w))
		begin_named(s);
}

/* Compares entry by entry; false: it is enough for now. */
static bool go_on_named(const struct watch_turn *s)
{
	struct watch *w = s->w;

	while (w->named.at < w->entries.n && w->named.at < w->entries.to) {
		struct watch_entry *e = &w->entries.items[w->named.at++];

		w->n_walked++;
		if (!e->is_dirty && s->now < e->gone_at)
			continue;
		watch_compare(s, e);
		if (w->named.at < w->entries.n && watch_is_enough(s))
			return false;
	}
	w->named.is_on = false;
	w->look.is_next = true;
	watch_entries_forget_gone(&w->entries);
	return true;
}

/* Something is different: false if inotify has named files meanwhile, which go first. */
static bool is_to_read(struct watch *w)
{
	if (!w->look.is_asking)
		return true;
	w->look.asks = w->look.is_asking = false;
	watch_take_events(w);
	return !w->named.is_new || !is_routine(w);
}

static bool compare_all(const struct watch_turn *s)
{
	struct watch *w = s->w;

	while (w->entries.cursor < w->entries.n) {
		w->n_walked++;
		watch_compare(s, &w->entries.items[w->entries.cursor]);
		if (w->look.is_asking) {
			if (!is_to_read(w))
				return false;
			continue; /* the same again */
		}
		if (++w->entries.cursor < w->entries.n && watch_is_enough(s))
			return false;
	}
	return true;
}

/* 0: it is through. -EINPROGRESS, or what the folder fails with. */
static int go_on_look(const struct watch_turn *s)
{
	struct watch *w = s->w;

	w->look.asks = gives_way(w) && !w->look.is_next;
	w->look.is_next = false;
	if (!w->look.is_listed) {
		int err = watch_list(s);

		if (err < 0)
			return err;
		tell_folder(s, 0);
		w->look.is_listed = true;
	}
	if (!compare_all(s))
		return -EINPROGRESS;
	w->look.is_on = false;
	watch_entries_forget_gone(&w->entries);
	return 0;
}

/* Nothing was seen, so nothing is known to be missing. */
static nsec_t fail_folder(const struct watch_turn *s, int err)
{
	struct watch *w = s->w;

	tell_folder(s, err);
	for (size_t i = 0; i < w->entries.n; i++)
		w->entries.items[i].gone_at = NSEC_NEVER;
	w->look.is_on = w->wants_force = false;
	return next_scan(w, s->now);
}

nsec_t watch_scan(struct watch *w, nsec_t now, bool force, const struct watch_reader *reader)
{
	const struct watch_turn s = {.w = w, .now = now, .reader = reader};
	int err = 0;

	w->wants_force |= force;
	if (!w->named.is_on && !w->look.is_on)
		err = begin(&s);
	else if (!w->named.is_on && gives_way(w))
		begin_named_within_look(&s);
	if (err < 0)
		return fail_folder(&s, err);
	if (!w->named.is_on && !w->look.is_on)
		return nsec_min(w->all_at, w->some_at); /* what happened concerns no file */
	if (w->named.is_on) {
		nsec_t next = go_on_named(&s) ? next_scan(w, now) : now;

		if (w->named.is_on || !w->look.is_on)
			return next;
		if (watch_is_enough(&s))
			return now;
	}
	err = go_on_look(&s);
	if (err == -EINPROGRESS)
		return now;
	if (err < 0)
		return fail_folder(&s, err);
	return watch_is_through(w) ? next_scan(w, now) : now;
}

/* A folder that cannot be read is tried again later. */
static bool is_another_due(const struct watch *w)
{
	return w->wants_force || (w->err == 0 && (w->wants_all || w->named.is_new));
}

bool watch_is_through(const struct watch *w)
{
	return !w->named.is_on && !w->look.is_on && !is_another_due(w);
}

bool watch_is_whole(const struct watch *w)
{
	return !w->named.is_on && (w->look.is_on ? gives_way(w) : !is_another_due(w));
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
