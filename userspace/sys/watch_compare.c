// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One file of a watch, compared with what was reported of it. The stat is taken before the content
 * is read, so that what changes in between differs at the next scan.
 */
#include "sys/watch_inside.h"

#include "base/hash.h"
#include "sys/files.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* The kubelet's link to the files it wrote last: it is moved, so no file is away meanwhile. */
#define KUBELET_DATA "..data"

void watch_report(const struct watch_turn *s, struct watch_file *file)
{
	s->w->look.has_found |= !s->w->named.is_on;
	s->reader->tell(s->reader->ctx, file);
}

static void fail(const struct watch_turn *s, struct watch_entry *e, const char *path, int err)
{
	e->gone_at = NSEC_NEVER;
	if (e->err == err)
		return;
	e->err = (int16_t)err;
	watch_report(s, &(struct watch_file){.event = WATCH_FAILED, .path = path, .err = err});
}

/* True once the file has been missing or empty for long enough. */
static bool is_overdue(const struct watch_turn *s, struct watch_entry *e)
{
	if (e->gone_at == NSEC_NEVER)
		e->gone_at = nsec_add(s->now, WATCH_GONE_NS);
	return s->now >= e->gone_at;
}

/* What a file takes of all_bytes, so that the number of files is bounded, too. */
static uint64_t room_of(uint64_t len)
{
	return len > WATCH_PAGE ? len : WATCH_PAGE;
}

static uint64_t entry_room(const struct watch_entry *e)
{
	return e->is_reported ? room_of(e->len) : 0;
}

static bool has_room(const struct watch *w, const struct watch_entry *e, size_t len)
{
	return w->all_bytes - entry_room(e) + room_of(len) <= w->max_all_bytes;
}

static void take_text(const struct watch_turn *s, struct watch_entry *e, const char *path,
		      char **text, size_t len)
{
	uint64_t hash = hash_bytes(HASH_INIT, *text, len);
	struct watch_file file = {.event = WATCH_CHANGED, .path = path, .len = len};
	bool same = e->is_reported && !e->is_repeated && e->err == 0 && e->len == len &&
		    e->hash == hash;

	s->w->all_bytes += room_of(len) - entry_room(e);
	e->hash = hash;
	assert(len <= UINT32_MAX);
	e->len = (uint32_t)len;
	e->err = 0;
	e->is_reported = true;
	e->is_repeated = false;
	if (same)
		return;
	file.text = TAKE_PTR(*text);
	watch_report(s, &file);
	free(file.text); /* unless it was taken */
}

/* Empty at once, where there was something: most likely it is just being written. */
static bool is_emptied(const struct watch_entry *e, size_t len)
{
	return len == 0 && (e->is_reported ? e->len > 0 : e->is_expected);
}

static void read_entry(const struct watch_turn *s, struct watch_entry *e, const char *path,
		       const struct stat *st)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int err = -EDQUOT;

	if (has_room(s->w, e, (size_t)st->st_size))
		err = file_read(path, s->w->max_file_bytes, &text, &len);
	if (err == -ENOENT)
		return; /* replaced right now; the stamp stays old, the next scan sees what came */
	if (err == 0 && !has_room(s->w, e, len))
		err = -EDQUOT;
	if (err == 0 && is_emptied(e, len) && !is_overdue(s, e))
		return;
	e->stamp = watch_stamp_of(st);
	e->is_dirty = err == -EDQUOT; /* until there is room */
	if (err < 0) {
		fail(s, e, path, err);
		return;
	}
	e->gone_at = NSEC_NEVER;
	take_text(s, e, path, &text, len);
}

static bool holds(const struct watch *w, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", w->dir, name);

	return n < PATH_MAX && access(path, F_OK) == 0;
}

/* Asked once a pass, and only if something is missing. */
static bool is_exact(struct watch *w)
{
	if (!w->is_exact_known)
		w->is_exact = holds(w, KUBELET_DATA) || holds(w, WATCH_EXACT);
	w->is_exact_known = true;
	return w->is_exact;
}

/* False: the entry is gone for good. */
static bool check_missing(const struct watch_turn *s, struct watch_entry *e, const char *path)
{
	bool was_told = e->is_reported || e->is_expected || e->err != 0;

	/* The one file was asked for by name: that it never was there is worth telling. */
	if (s->w->only && !e->is_reported) {
		fail(s, e, path, -ENOENT);
		return true;
	}
	if (was_told && !is_exact(s->w) && !is_overdue(s, e))
		return true;
	if (was_told)
		watch_report(s, &(struct watch_file){.event = WATCH_GONE, .path = path});
	return false;
}

static void entry_path(const struct watch *w, const struct watch_entry *e, char path[PATH_MAX])
{
	if (w->only)
		(void)snprintf(path, PATH_MAX, "%s", w->path);
	else
		(void)snprintf(path, PATH_MAX, "%s/%s", w->path[1] ? w->path : "", e->name);
}

/* The folder has a link, which the listing may not have seen. */
static void note_link(struct watch *w)
{
	w->has_links = w->listing.has_links = true;
}

static bool is_unchanged(const struct watch *w, const struct watch_entry *e, const struct stat *st)
{
	const bool force = w->look.force && !w->named.is_on;

	return !force && !e->is_dirty && e->stamp == watch_stamp_of(st);
}

/* False: the entry is gone for good. */
static bool check_entry(const struct watch_turn *s, struct watch_entry *e)
{
	struct watch *w = s->w;
	char path[PATH_MAX];
	struct stat st;
	int err;

	entry_path(w, e, path);
	if (w->named.is_on && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		note_link(w);
	err = stat(path, &st) == 0 ? 0 : -errno;
	if (err == 0 && is_unchanged(w, e, &st)) {
		e->gone_at = NSEC_NEVER;
		return true;
	}
	w->look.is_asking = w->look.asks && !w->named.is_on;
	if (w->look.is_asking)
		return true;
	if (err == -ENOENT)
		return check_missing(s, e, path);
	if (err < 0)
		fail(s, e, path, err);
	else
		read_entry(s, e, path, &st);
	return true;
}

void watch_compare(const struct watch_turn *s, struct watch_entry *e)
{
	e->is_gone = !check_entry(s, e);
	if (!e->is_gone)
		return;
	s->w->entries.any_gone = true;
	s->w->all_bytes -= entry_room(e);
}
