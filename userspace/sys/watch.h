// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Watches the configuration: a folder's *.yaml and *.yml files (not those below it, nor hidden
 * ones) or one file of any name. Scans read what changed and call back with its text; inotify only
 * says when to scan and where to look first, so the ways in which editors, git, cp, sed -i and the
 * kubelet (the ..data link) replace files are all the same to it. A scan may take several turns. A
 * file that vanishes, or is suddenly empty, is reported only once it has been so for WATCH_GONE_NS:
 * most are just being replaced. What inotify cannot see (a link whose target outside the folder
 * changes) is found within WATCH_RESCAN_NS.
 *
 * A file that vanishes is reported at once where the folder says that files are never away while
 * they are replaced: it holds the kubelet's ..data link, or a file of the name WATCH_EXACT.
 *
 * What cannot be seen is not gone. A folder that cannot be read, or that holds no such file
 * although files of it are known and is not the folder they were in (its volume is not mounted), is
 * one failure, and nothing else is told; that holds for what an earlier run knew, too
 * (watch_expect).
 */
#pragma once

#include "base/mem.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_EXACT     ".replaced-by-rename"
#define WATCH_GONE_NS   (200 * NSEC_PER_MSEC)
#define WATCH_RESCAN_NS (5 * NSEC_PER_SEC)

struct watch;

enum watch_event {
	WATCH_CHANGED,   /* new, or with new content: text, len */
	WATCH_GONE,      /* was reported CHANGED or FAILED before and is no longer there */
	WATCH_FAILED,    /* cannot be read: err; a former content may stay in force */
	WATCH_RECOVERED, /* the watched path itself (see path) works again after a FAILED */
};

/* All borrowed for the time of the call. */
struct watch_file {
	enum watch_event event;
	const char *path; /* FOLDER/NAME; in a failure of the folder itself, the folder */
	char *text;       /* NUL-terminated; may hold NULs inside; the callback may take it */
	size_t len;
	/*
	 * -errno. -EFBIG: the file is larger than it may be. -EDQUOT: all files together are, so
	 * this one's content is not taken. -ENOMEDIUM, of the folder: no file is in it, and it is
	 * another one.
	 */
	int err;
};

/* Who is told, and who says when it is enough for one turn. */
struct watch_reader {
	void (*tell)(void *ctx, struct watch_file *file);
	bool (*is_enough)(void *ctx); /* asked again and again; NULL: never */
	void *ctx;
};

struct watch_args {
	const char *path;       /* need not exist; slashes at its end do not count */
	size_t max_file_bytes;  /* 0: LIMIT_FILE_BYTES */
	uint64_t max_all_bytes; /* 0: LIMIT_CONFIG_BYTES; a file counts as WATCH_PAGE at least */
};
#define WATCH_PAGE 4096

/* Begins to watch; nothing is read yet. 0 or -errno of inotify. */
int watch_new(const struct watch_args *args, struct watch **ret) must_check;
struct watch *watch_free(struct watch *w);

/*
 * Before the first scan: an earlier run knew this file, so it is told as GONE if it is not there.
 * False: it is no file that this watch would report.
 */
bool watch_expect(struct watch *w, const char *path);

/*
 * The inode number of the folder in which files were seen last, 0 if none were; the device is left
 * out because it may change with a boot. watch_set_folder says before the first scan what it was in
 * an earlier run.
 */
uint64_t watch_folder(const struct watch *w);
void watch_set_folder(struct watch *w, uint64_t inode);

/* To be watched for reading; then watch_scan. */
int watch_fd(const struct watch *w);

/*
 * Goes over the files and calls back, in order of the names, for what is different from what was
 * reported before. To be called first for the initial state, then when the fd is readable and when
 * the returned deadline is there: that is `now` when it was enough before all were looked at. What
 * inotify named is looked at alone; all files are every WATCH_RESCAN_NS and when anything else
 * happened in the folder. `force`: read every file again even if it looks unchanged (SIGHUP); a
 * file with the same content is not reported all the same. After a FAILED of a file, the next
 * successful reading is always reported as CHANGED. Returns the next deadline, never NSEC_NEVER.
 */
nsec_t watch_scan(struct watch *w, nsec_t now, bool force, const struct watch_reader *reader);
/* Nothing is left to look at. */
bool watch_is_through(const struct watch *w);
/*
 * What was told is a picture of the folder: nothing is left to look at, or nothing that has to do
 * with it. A look at all files that is taken because of the time alone gives way to files that
 * inotify names, as long as it has found nothing.
 */
bool watch_is_whole(const struct watch *w);

/* How often a scan has gone by a file so far, whether it had a look at it or not: its cost. */
uint64_t watch_walked(const struct watch *w);

/* The next scan reads and reports every file again, changed or not. */
void watch_repeat(struct watch *w);
