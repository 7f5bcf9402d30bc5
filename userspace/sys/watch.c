// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Watching configuration. Every scan lists the folder and compares; inotify's events are used only
 * as a reason to scan and to mark files by name whose content must be read again even though their
 * stat looks the same (two writes within one tick of the kernel's clock). So a lost event costs at
 * most WATCH_RESCAN_NS.
 *
 * IN_MODIFY is not asked for: a writer that has the file open is not done, IN_CLOSE_WRITE says when
 * it is. The stat is taken before the content is read, so that what changes in between differs at
 * the next scan. "Cannot be seen" is not "gone": when the folder itself cannot be read, or is
 * missing, that is one failure, and every file stays in force.
 */
#include "sys/watch.h"

#include "base/hash.h"
#include "base/limits.h"
#include "sys/files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define RETRY_NS NSEC_PER_SEC /* for a folder that cannot be read */
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* What tells whether a file may have changed. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified_at, changed_at;
};

struct entry {
	char *name; /* owned */
	struct stamp stamp;
	uint64_t hash; /* of the reported content */
	size_t len;
	nsec_t gone_at; /* when its absence counts; NSEC_NEVER: it is there */
	int err;        /* reported failure, 0 = none */
	bool is_reported;
	bool is_listed; /* seen in this scan */
	bool is_dirty;  /* read it, whatever its stamp says */
};

struct watch {
	char *path;       /* owned; as given, without slashes at the end */
	char *dir;        /* owned; the folder to watch */
	const char *only; /* the one file's name, borrowed from path; NULL: every *.yaml */
	struct entry *entries;
	size_t n, cap;
	struct stamp dir_stamp; /* of the folder that wd watches */
	int fd, wd;
	int err; /* reported failure of the folder itself */
};

/* What one scan carries around. */
struct scan {
	struct watch *w;
	nsec_t now;
	bool force;
	watch_cb cb;
	void *ctx;
};

/* --- life
 * ----------------------------------------------------------------------------------------- */

static bool has_yaml_suffix(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/* A path that is not there yet is a file if it is called like one. */
static bool is_one_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? !S_ISDIR(st.st_mode) : has_yaml_suffix(path);
}

static char *trimmed(const char *path)
{
	char *copy = xstrdup(path);
	size_t len = strlen(copy);

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	return copy;
}

static void set_folder(struct watch *w)
{
	const char *slash = strrchr(w->path, '/');

	if (!is_one_file(w->path)) {
		w->dir = xstrdup(w->path);
		return;
	}
	w->only = slash ? slash + 1 : w->path;
	w->dir = slash ? xstrdup(w->path) : xstrdup(".");
	if (slash)
		w->dir[slash == w->path ? 1 : slash - w->path] = '\0';
}

int watch_new(const char *path, struct watch **ret)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;

	if (fd < 0)
		return -errno;
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->wd = -1;
	w->path = trimmed(path);
	set_folder(w);
	*ret = w;
	return 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n; i++)
		free(w->entries[i].name);
	free(w->entries);
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

/* --- entries
 * -------------------------------------------------------------------------------------- */

/* Where the name is or would be inserted. */
static size_t entry_place(const struct watch *w, const char *name)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(w->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *entry_find(struct watch *w, const char *name)
{
	size_t i = entry_place(w, name);

	return i < w->n && strcmp(w->entries[i].name, name) == 0 ? &w->entries[i] : NULL;
}

static struct entry *entry_add(struct watch *w, const char *name)
{
	size_t i = entry_place(w, name);

	(void)xpush(&w->entries, &w->n, &w->cap, sizeof(*w->entries));
	memmove(&w->entries[i + 1], &w->entries[i], (w->n - 1 - i) * sizeof(*w->entries));
	w->entries[i] = (struct entry){.name = xstrdup(name), .gone_at = NSEC_NEVER};
	return &w->entries[i];
}

static void entry_remove(struct watch *w, size_t i)
{
	free(w->entries[i].name);
	memmove(&w->entries[i], &w->entries[i + 1], (w->n - 1 - i) * sizeof(*w->entries));
	w->n--;
}

static void entry_path(const struct watch *w, const struct entry *e, char path[PATH_MAX])
{
	if (w->only)
		(void)snprintf(path, PATH_MAX, "%s", w->path);
	else
		(void)snprintf(path, PATH_MAX, "%s/%s", w->path, e->name);
}

/* --- inotify
 * -------------------------------------------------------------------------------------- */

static void mark_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->entries[i].is_dirty = true;
}

static void take_event(struct watch *w, const struct inotify_event *event)
{
	struct entry *e;

	if (event->mask & IN_Q_OVERFLOW)
		mark_all(w);
	if (event->wd == w->wd && (event->mask & IN_IGNORED))
		w->wd = -1; /* the folder was deleted or unmounted */
	if (event->len == 0 || event->name[0] == '\0')
		return;
	e = entry_find(w, event->name);
	if (e)
		e->is_dirty = true;
}

static void take_events(struct watch *w)
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

static void stamp_of(const struct stat *st, struct stamp *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->dev = st->st_dev;
	ret->ino = st->st_ino;
	ret->size = st->st_size;
	ret->modified_at = st->st_mtim;
	ret->changed_at = st->st_ctim;
}

/* Watches the folder that the path leads to now; a link may lead elsewhere than at the last scan.
 */
static int follow_folder(struct watch *w)
{
	struct stat st;

	if (stat(w->dir, &st) != 0)
		return -errno;
	if (w->wd >= 0 && w->dir_stamp.dev == st.st_dev && w->dir_stamp.ino == st.st_ino)
		return 0;
	if (w->wd >= 0)
		(void)inotify_rm_watch(w->fd, w->wd); /* may have gone with its folder */
	w->wd = inotify_add_watch(w->fd, w->dir, EVENTS);
	if (w->wd < 0)
		return -errno;
	stamp_of(&st, &w->dir_stamp);
	return 0;
}

/* --- listing
 * -------------------------------------------------------------------------------------- */

/* Marks an entry as listed, or adds it; known files go before new ones when there are too many. */
static int list_name(struct watch *w, const char *name)
{
	struct entry *e = entry_find(w, name);

	if (!e && w->n >= LIMIT_FILES)
		return -E2BIG;
	if (!e)
		e = entry_add(w, name);
	e->is_listed = true;
	return 0;
}

static int list_folder(struct watch *w)
{
	DIR *dir = opendir(w->dir);
	const struct dirent *d;
	int err = 0;

	if (!dir)
		return -errno;
	while ((errno = 0, d = readdir(dir))) {
		if (d->d_name[0] == '.' || !has_yaml_suffix(d->d_name))
			continue;
		int r = list_name(w, d->d_name);
		if (r < 0)
			err = r;
	}
	if (errno != 0)
		err = -errno;
	(void)closedir(dir); /* only read from */
	return err;
}

static int list(struct watch *w)
{
	int err = follow_folder(w);

	for (size_t i = 0; i < w->n; i++)
		w->entries[i].is_listed = false;
	if (err < 0)
		return err;
	/* Whether the one file is there, its stat will tell. */
	return w->only ? list_name(w, w->only) : list_folder(w);
}

/* --- comparing
 * ------------------------------------------------------------------------------------ */

static void report(const struct scan *s, const struct watch_file *file)
{
	s->cb(s->ctx, file);
}

static void fail(const struct scan *s, struct entry *e, const char *path, int err)
{
	e->gone_at = NSEC_NEVER;
	if (e->err == err)
		return;
	e->err = err;
	report(s, &(struct watch_file){.event = WATCH_FAILED, .path = path, .err = err});
}

/* True once the file has been missing or empty for long enough. */
static bool is_overdue(const struct scan *s, struct entry *e)
{
	if (e->gone_at == NSEC_NEVER)
		e->gone_at = nsec_add(s->now, WATCH_GONE_NS);
	return s->now >= e->gone_at;
}

static void take_text(const struct scan *s, struct entry *e, const char *path, const char *text,
		      size_t len)
{
	uint64_t hash = hash_bytes(HASH_INIT, text, len);
	bool same = e->is_reported && e->err == 0 && e->len == len && e->hash == hash;

	e->hash = hash;
	e->len = len;
	e->err = 0;
	e->is_reported = true;
	if (!same)
		report(s, &(struct watch_file){
				  .event = WATCH_CHANGED, .path = path, .text = text, .len = len});
}

static void read_entry(const struct scan *s, struct entry *e, const char *path,
		       const struct stamp *stamp)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int err = file_read(path, LIMIT_FILE_BYTES, &text, &len);

	if (err == -ENOENT)
		return; /* replaced right now; the stamp stays old, the next scan sees what came */
	if (err < 0) {
		e->stamp = *stamp;
		e->is_dirty = false;
		fail(s, e, path, err);
		return;
	}
	if (len == 0 && e->is_reported && e->len > 0 && !is_overdue(s, e))
		return;
	e->stamp = *stamp;
	e->is_dirty = false;
	e->gone_at = NSEC_NEVER;
	take_text(s, e, path, text, len);
}

/* False: the entry is gone for good. */
static bool check_missing(const struct scan *s, struct entry *e, const char *path)
{
	bool was_told = e->is_reported || e->err != 0;

	/* The one file was asked for by name: that it never was there is worth telling. */
	if (s->w->only && !e->is_reported) {
		fail(s, e, path, -ENOENT);
		return true;
	}
	if (was_told && !is_overdue(s, e))
		return true;
	if (was_told)
		report(s, &(struct watch_file){.event = WATCH_GONE, .path = path});
	return false;
}

static bool check_entry(const struct scan *s, struct entry *e)
{
	char path[PATH_MAX];
	struct stamp stamp;
	struct stat st;

	entry_path(s->w, e, path);
	if (!e->is_listed)
		return check_missing(s, e, path);
	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return check_missing(s, e, path);
		fail(s, e, path, -errno);
		return true;
	}
	stamp_of(&st, &stamp);
	if (!s->force && !e->is_dirty && memcmp(&stamp, &e->stamp, sizeof(stamp)) == 0)
		e->gone_at = NSEC_NEVER;
	else
		read_entry(s, e, path, &stamp);
	return true;
}

static void tell_folder(const struct scan *s, int err)
{
	struct watch *w = s->w;

	if (err == w->err)
		return;
	w->err = err;
	report(s, &(struct watch_file){.event = err < 0 ? WATCH_FAILED : WATCH_RECOVERED,
				       .path = w->dir,
				       .err = err});
}

static nsec_t next_scan(const struct watch *w, nsec_t now)
{
	nsec_t next = nsec_add(now, w->err < 0 ? RETRY_NS : WATCH_RESCAN_NS);

	for (size_t i = 0; i < w->n; i++)
		next = nsec_min(next, w->entries[i].gone_at);
	return next;
}

nsec_t watch_scan(struct watch *w, nsec_t now, bool force, watch_cb cb, void *ctx)
{
	struct scan s = {.w = w, .now = now, .force = force, .cb = cb, .ctx = ctx};
	int err;

	take_events(w);
	err = list(w);
	tell_folder(&s, err);
	if (err < 0 && err != -E2BIG) {
		/* Nothing was seen, so nothing is known to be missing. */
		for (size_t i = 0; i < w->n; i++)
			w->entries[i].gone_at = NSEC_NEVER;
		return next_scan(w, now);
	}
	for (size_t i = 0; i < w->n;) {
		if (check_entry(&s, &w->entries[i]))
			i++;
		else
			entry_remove(w, i);
	}
	return next_scan(w, now);
}
