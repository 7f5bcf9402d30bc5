// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Watching configuration. A scan is a pass over the files: over all of them, after listing the
 * folder, or over those alone that inotify named or that are waited for. An event marks a file as
 * one to be read even though its stat looks the same (two writes within one tick of the kernel's
 * clock); what it says of the file is not believed. So a lost event costs at most WATCH_RESCAN_NS.
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
#include "sys/watch_entries.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define RETRY_NS NSEC_PER_SEC /* for a folder that cannot be read */
/* The kubelet's link to the files it wrote last: it is moved, so no file is away meanwhile. */
#define KUBELET_DATA "..data"
#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/* Which folder it is. */
struct folder {
	dev_t dev;
	ino_t ino; /* 0: none */
	bool any_dev;
};

struct watch {
	char *path;       /* owned; as given, without slashes at the end */
	char *dir;        /* owned; the folder to watch */
	const char *only; /* the one file's name, borrowed from path; NULL: every *.yaml */
	bool is_guess;    /* the path is not there: whether it is one file is not known */
	size_t max_file_bytes;
	uint64_t max_all_bytes, all_bytes; /* of what was reported */
	struct watch_entries entries;
	bool is_unsorted;
	struct folder watched; /* by wd */
	struct folder home;    /* where files were seen last */
	int fd, wd;
	int err; /* reported failure of the folder itself */

	bool has_links;              /* some entry may be one */
	bool wants_all, wants_force; /* of the next pass */
	nsec_t all_at;               /* ... it goes over all files from then on anyway */
	nsec_t some_at;              /* before then no entry needs a look by itself */
	struct {
		bool is_on, all, force;
		bool is_exact; /* what is missing is gone: nothing is ever taken away to be replaced
				*/
		size_t at;     /* entries before it were looked at */
	} pass;
};

/* What one call carries around. */
struct scan {
	struct watch *w;
	nsec_t now;
	const struct watch_reader *reader;
};

/* --- life
 * ----------------------------------------------------------------------------------------- */

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

/* --- entries
 * -------------------------------------------------------------------------------------- */

static void entry_path(const struct watch *w, const struct watch_entry *e, char path[PATH_MAX])
{
	if (w->only)
		(void)snprintf(path, PATH_MAX, "%s", w->path);
	else
		(void)snprintf(path, PATH_MAX, "%s/%s", w->path[1] ? w->path : "", e->name);
}

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
	w->home = (struct folder){.ino = inode, .any_dev = true};
}

/* --- inotify
 * -------------------------------------------------------------------------------------- */

static void mark_all(struct watch *w)
{
	w->wants_all = true;
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
		watch_entries_get(&w->entries, event->name)->is_dirty = true;
		w->some_at = 0;
	}
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

static bool is_folder(const struct folder *f, const struct stat *st)
{
	return f->ino == st->st_ino && (f->any_dev || f->dev == st->st_dev);
}

/* Watches the folder that the path leads to now; a link may lead elsewhere than at the last scan.
 */
static int follow_folder(struct watch *w)
{
	struct stat st;

	if (stat(w->dir, &st) != 0)
		return -errno;
	if (w->wd >= 0 && is_folder(&w->watched, &st))
		return 0;
	if (w->wd >= 0)
		(void)inotify_rm_watch(w->fd, w->wd); /* may have gone with its folder */
	w->wd = inotify_add_watch(w->fd, w->dir, EVENTS);
	if (w->wd < 0)
		return -errno;
	w->watched = (struct folder){.dev = st.st_dev, .ino = st.st_ino};
	w->wants_all = true;
	return 0;
}

/* --- listing
 * -------------------------------------------------------------------------------------- */

/* The folder that was read holds none of the files that are known, and is not where they were. */
static bool is_unmounted(const struct watch *w, const struct watch_names *names,
			 const struct stat *st)
{
	return names->n == 0 && w->entries.n > 0 && !is_folder(&w->home, st);
}

static int read_folder(struct watch *w, DIR *dir, struct watch_names *names)
{
	const struct dirent *d;
	struct stat st;

	w->has_links = false;
	while ((errno = 0, d = readdir(dir))) {
		if (!watch_name_is_listed(d->d_name))
			continue;
		watch_names_add(names, d->d_name);
		w->has_links |= d->d_type == DT_LNK || d->d_type == DT_UNKNOWN;
	}
	if (errno != 0 || fstat(dirfd(dir), &st) != 0)
		return -errno;
	if (is_unmounted(w, names, &st))
		return -ENOMEDIUM;
	w->home = (struct folder){.dev = st.st_dev, .ino = st.st_ino};
	return 0;
}

static int list_folder(struct watch *w, struct watch_names *names)
{
	DIR *dir = opendir(w->dir);
	int err;

	if (!dir)
		return -errno;
	err = read_folder(w, dir, names);
	(void)closedir(dir); /* only read from */
	return err;
}

static bool knows_file(const struct watch *w)
{
	return w->entries.n > 0 &&
	       (w->entries.items[0].is_reported || w->entries.items[0].is_expected);
}

/* The one file counts as listed: whether it is there, its own stat will tell. */
static int list_one(struct watch *w, struct watch_names *names)
{
	struct stat file, dir;
	bool is_there = stat(w->path, &file) == 0 || errno != ENOENT;

	if (stat(w->dir, &dir) != 0)
		return -errno;
	if (!is_there && w->home.ino != 0 && !is_folder(&w->home, &dir) && knows_file(w))
		return -ENOMEDIUM;
	if (is_there)
		w->home = (struct folder){.dev = dir.st_dev, .ino = dir.st_ino};
	watch_names_add(names, w->only);
	return 0;
}

static int list(struct watch *w)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct watch_names names = {.arena = arena};
	int err = w->only ? list_one(w, &names) : list_folder(w, &names);

	if (err < 0)
		return err;
	watch_entries_merge(&w->entries, &names);
	return 0;
}

/* --- comparing
 * ------------------------------------------------------------------------------------ */

static void report(const struct scan *s, struct watch_file *file)
{
	s->reader->tell(s->reader->ctx, file);
}

static void fail(const struct scan *s, struct watch_entry *e, const char *path, int err)
{
	e->gone_at = NSEC_NEVER;
	if (e->err == err)
		return;
	e->err = err;
	report(s, &(struct watch_file){.event = WATCH_FAILED, .path = path, .err = err});
}

/* True once the file has been missing or empty for long enough. */
static bool is_overdue(const struct scan *s, struct watch_entry *e)
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

static void take_text(const struct scan *s, struct watch_entry *e, const char *path, char **text,
		      size_t len)
{
	uint64_t hash = hash_bytes(HASH_INIT, *text, len);
	struct watch_file file = {.event = WATCH_CHANGED, .path = path, .len = len};
	bool same = e->is_reported && !e->is_repeated && e->err == 0 && e->len == len &&
		    e->hash == hash;

	s->w->all_bytes += room_of(len) - entry_room(e);
	e->hash = hash;
	e->len = len;
	e->err = 0;
	e->is_reported = true;
	e->is_repeated = false;
	if (same)
		return;
	file.text = TAKE_PTR(*text);
	report(s, &file);
	free(file.text); /* unless it was taken */
}

/* Empty at once, where there was something: most likely it is just being written. */
static bool is_emptied(const struct watch_entry *e, size_t len)
{
	return len == 0 && (e->is_reported ? e->len > 0 : e->is_expected);
}

static void read_entry(const struct scan *s, struct watch_entry *e, const char *path,
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

/* False: the entry is gone for good. */
static bool check_missing(const struct scan *s, struct watch_entry *e, const char *path)
{
	bool was_told = e->is_reported || e->is_expected || e->err != 0;

	/* The one file was asked for by name: that it never was there is worth telling. */
	if (s->w->only && !e->is_reported) {
		fail(s, e, path, -ENOENT);
		return true;
	}
	if (was_told && !s->w->pass.is_exact && !is_overdue(s, e))
		return true;
	if (was_told)
		report(s, &(struct watch_file){.event = WATCH_GONE, .path = path});
	return false;
}

static bool check_entry(const struct scan *s, struct watch_entry *e)
{
	char path[PATH_MAX];
	struct stat st;

	entry_path(s->w, e, path);
	if (!e->is_listed)
		return check_missing(s, e, path);
	s->w->has_links |= !s->w->pass.all && lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return check_missing(s, e, path);
		fail(s, e, path, -errno);
		return true;
	}
	if (!s->w->pass.force && !e->is_dirty && e->stamp == watch_stamp_of(&st))
		e->gone_at = NSEC_NEVER;
	else
		read_entry(s, e, path, &st);
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

static nsec_t next_scan(struct watch *w, nsec_t now)
{
	nsec_t next = w->err < 0 ? nsec_add(now, RETRY_NS) : w->all_at;

	w->some_at = NSEC_NEVER;
	for (size_t i = 0; i < w->entries.n; i++) {
		const struct watch_entry *e = &w->entries.items[i];

		next = nsec_min(next, e->gone_at);
		w->some_at = nsec_min(w->some_at, e->is_dirty ? 0 : e->gone_at);
	}
	return next;
}

/* --- passes
 * --------------------------------------------------------------------------------------- */

static bool holds(const struct watch *w, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", w->dir, name);

	return n < PATH_MAX && access(path, F_OK) == 0;
}

/* 0, or what the folder fails with. */
static int begin_pass(const struct scan *s)
{
	struct watch *w = s->w;
	int err;

	if (w->is_unsorted)
		watch_entries_sort(&w->entries);
	w->is_unsorted = false;
	take_events(w);
	err = follow_folder(w);
	w->pass.all = w->wants_all || w->wants_force || w->err < 0 || s->now >= w->all_at;
	w->pass.force = w->wants_force;
	w->pass.is_exact = holds(w, KUBELET_DATA) || holds(w, WATCH_EXACT);
	w->pass.at = 0;
	if (err == 0 && w->pass.all)
		err = list(w);
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
static bool go_on(const struct scan *s)
{
	struct watch *w = s->w;

	while (w->pass.at < w->entries.n) {
		struct watch_entry *e = &w->entries.items[w->pass.at++];

		if (!w->pass.all && !e->is_dirty && s->now < e->gone_at)
			continue;
		e->is_listed |= !w->pass.all; /* its own stat will tell */
		e->is_gone = !check_entry(s, e);
		if (e->is_gone)
			w->all_bytes -= entry_room(e);
		if (s->reader->is_enough && s->reader->is_enough(s->reader->ctx) &&
		    w->pass.at < w->entries.n)
			return false;
	}
	return true;
}

nsec_t watch_scan(struct watch *w, nsec_t now, bool force, const struct watch_reader *reader)
{
	const struct scan s = {.w = w, .now = now, .reader = reader};

	w->wants_force |= force;
	if (!w->pass.is_on && begin_pass(&s) < 0) {
		/* Nothing was seen, so nothing is known to be missing. */
		for (size_t i = 0; i < w->entries.n; i++)
			w->entries.items[i].gone_at = NSEC_NEVER;
		w->wants_force = false;
		return next_scan(w, now);
	}
	/* What happened concerns no file: an editor has made one beside that which it will be. */
	if (w->pass.at == 0 && !w->pass.all && now < w->some_at) {
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

void watch_repeat(struct watch *w)
{
	for (size_t i = 0; i < w->entries.n; i++)
		w->entries.items[i].is_dirty = w->entries.items[i].is_repeated = true;
	w->some_at = 0;
}
