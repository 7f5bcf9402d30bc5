// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a watch is made of, for the three files of it: watch.c (its life, and the passes over the
 * files), watch_folder.c (what happens to the folder, and what is in it), watch_compare.c (one
 * file, compared with what was reported).
 */
#pragma once

#include "sys/watch.h"
#include "sys/watch_entries.h"

#include <dirent.h>

/* Which folder it is. */
struct watch_place {
	dev_t dev;
	ino_t ino; /* 0: none */
	bool any_dev;
};

/* The names in the folder, read some at a time. */
struct watch_listing {
	DIR *dir;                 /* owned; NULL: none is under way */
	struct watch_names names; /* and their arena is owned */
	size_t n_read;
	bool has_links;
};

/* A pass over all files, after listing the folder. */
struct watch_look {
	bool is_on, force;
	bool is_listed;  /* the entries are all there is */
	bool is_routine; /* nothing but the time is the reason */
	bool has_found;  /* something, which goes together with what it finds yet */
	bool is_next;    /* files were named and went first: now it goes on */
	/* A file is different: has inotify named it? Until that is known it is not read. */
	bool asks, is_asking;
};

/* A pass over the files that inotify named or that are waited for. */
struct watch_named {
	bool is_on;
	size_t at;   /* entries before it were looked at */
	bool is_new; /* inotify named a file since the last one began */
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
	struct watch_place watched; /* by wd */
	struct watch_place home;    /* where files were seen last */
	int fd, wd;
	int err; /* reported failure of the folder itself */

	bool has_links;              /* some entry may be one */
	bool wants_all, wants_force; /* another look, and what it is to be like */
	nsec_t all_at;               /* ... which is taken from then on anyway */
	nsec_t some_at;              /* before then no entry needs a look by itself */
	uint64_t n_walked;
	struct watch_named named; /* goes first */
	struct watch_look look;
	struct watch_listing listing;
	bool is_exact; /* what is missing is gone: nothing is ever taken away to be replaced */
	bool is_exact_known; /* ... as far as that was asked since a pass began */
};

/* What one call of watch_scan carries around. */
struct watch_turn {
	struct watch *w;
	nsec_t now;
	const struct watch_reader *reader;
};

static inline bool watch_is_enough(const struct watch_turn *s)
{
	return s->reader->is_enough && s->reader->is_enough(s->reader->ctx);
}

/* --- watch_folder.c --- */

/* What inotify has to say: which entries are dirty, and whether all files need a look. */
void watch_take_events(struct watch *w);
/* Watches the folder that the path leads to now; a link may lead elsewhere than before. 0 or
 * -errno. */
int watch_follow_folder(struct watch *w);
/*
 * Merges what is in the folder into the entries. -EINPROGRESS: it was enough, call again. Another
 * -errno: the folder cannot be read, and the entries are untouched.
 */
int watch_list(const struct watch_turn *s);
void watch_listing_done(struct watch_listing *l);

/* --- watch_compare.c --- */

void watch_report(const struct watch_turn *s, struct watch_file *file);
/*
 * Reports what is different of a file, or sets e->is_gone: it leaves the entries. A look that asks
 * reports nothing, and is asking (struct watch_look).
 */
void watch_compare(const struct watch_turn *s, struct watch_entry *e);
