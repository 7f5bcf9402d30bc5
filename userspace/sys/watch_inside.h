// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a watch is made of, for the three files of it: watch.c (its life, and a scan as a pass over
 * the files), watch_folder.c (what happens to the folder, and what is in it), watch_compare.c (one
 * file, compared with what was reported).
 */
#pragma once

#include "sys/watch.h"
#include "sys/watch_entries.h"

/* Which folder it is. */
struct watch_place {
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
	struct watch_place watched; /* by wd */
	struct watch_place home;    /* where files were seen last */
	int fd, wd;
	int err; /* reported failure of the folder itself */

	bool has_links;              /* some entry may be one */
	bool wants_all, wants_force; /* of the next pass */
	nsec_t all_at;               /* ... it goes over all files from then on anyway */
	nsec_t some_at;              /* before then no entry needs a look by itself */
	uint64_t n_walked;
	struct {
		bool is_on, all, force;
		bool is_exact; /* what is missing is gone: nothing is ever taken away to be replaced
				*/
		bool is_asked; /* ... as far as that was asked in this pass */
		size_t at;     /* entries before it were looked at */
	} pass;
};

/* What one call of watch_scan carries around. */
struct watch_turn {
	struct watch *w;
	nsec_t now;
	const struct watch_reader *reader;
};

/* --- watch_folder.c --- */

/* What inotify has to say: which entries are dirty, and whether all files need a look. */
void watch_take_events(struct watch *w);
/* Watches the folder that the path leads to now; a link may lead elsewhere than before. 0 or
 * -errno. */
int watch_follow_folder(struct watch *w);
/* Merges what is in the folder into the entries. 0 or -errno: the entries are untouched. */
int watch_list(struct watch *w);

/* --- watch_compare.c --- */

void watch_report(const struct watch_turn *s, struct watch_file *file);
/* Reports what is different of a file, or sets e->is_gone: it leaves the entries. */
void watch_compare(const struct watch_turn *s, struct watch_entry *e);
