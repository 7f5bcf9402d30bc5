// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What a watch knows of each file, sorted by name, and how the names of a listing are merged into
 * it. Only sys/watch.c uses this.
 */
#pragma once

#include "base/arena.h"
#include "base/nsec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What tells whether a file may have changed: a hash of which it is, its size and its times; not 0.
 */
uint64_t watch_stamp_of(const struct stat *st);

/* A file called so is read; in a folder if it is not hidden, either. */
bool watch_name_is_yaml(const char *name);
bool watch_name_is_listed(const char *name);

struct watch_entry {
	char *name;     /* owned */
	uint64_t stamp; /* 0: it was not read */
	uint64_t hash;  /* of the reported content */
	nsec_t gone_at; /* when its absence counts; NSEC_NEVER: it is there */
	uint32_t len;   /* of the reported content: files have a limit far below */
	int16_t err;    /* reported failure, 0 = none */
	bool is_reported : 1;
	bool is_expected : 1; /* an earlier run knew it */
	bool is_dirty : 1;    /* read it, whatever its stamp says */
	bool is_repeated : 1; /* report it, whatever its content */
	bool is_gone : 1;     /* it was reported so, and leaves the list */
};

struct watch_entries {
	struct watch_entry *items; /* owned */
	size_t n, cap;
	/* Outside of these indices none is dirty or waited for; `to` may be beyond the last. */
	size_t from, to;
	size_t cursor; /* of a pass: stays with its entry when others come and go */
	bool any_gone; /* one is, and has not left the list */
};

/* Adds a name at the end; sort before anything else is asked. */
struct watch_entry *watch_entries_push(struct watch_entries *e, const char *name);
/* By name; a name that was pushed twice is one entry. */
void watch_entries_sort(struct watch_entries *e);
/* By name; added in its place if it is not there. */
struct watch_entry *watch_entries_get(struct watch_entries *e, const char *name);
/* As watch_entries_get; and it is dirty. */
void watch_entries_stir(struct watch_entries *e, const char *name);
/* That any may be dirty or waited for. */
void watch_entries_stir_all(struct watch_entries *e);
/* Those that are gone for good leave the list. */
void watch_entries_forget_gone(struct watch_entries *e);
void watch_entries_done(struct watch_entries *e);

/* Names of one listing; they live as long as the arena. */
struct watch_names {
	struct arena *arena;
	const char **items;
	size_t n, cap;
};
void watch_names_add(struct watch_names *names, const char *name);
/* Adds those that are new. */
void watch_entries_merge(struct watch_entries *e, struct watch_names *names);
