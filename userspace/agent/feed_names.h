// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sources of the world that are objects of the API server, by name ("kube:Service/shop/web"):
 * which of them the feeder has named since it connected, so that a complete picture tells what is
 * gone, and which of them have a change that is not in the world yet.
 */
#pragma once

#include "plan/service_events.h"

struct kube_text;

#define FEED_PREFIX "kube:"

struct feed_names;

/* One name; whoever has a pointer to it may read and set the flags. */
struct feed_name {
	bool is_seen;    /* since the last feed_names_unsee() */
	unsigned round;  /* in which it was changed last */
	uint64_t wished; /* hash of what was asked to be written of it since then; 0: nothing */
	struct service_told told; /* in events, if it is a Service */
	const char *text;
};

struct feed_names *feed_names_new(void);
struct feed_names *feed_names_free(struct feed_names *n);

/* The name of an object's source, on the heap. The namespace may be empty. */
char *feed_name_make(const char *kind, const struct kube_text *ns, const struct kube_text *name);

/* The name, added if it is not there. */
struct feed_name *feed_names_get(struct feed_names *n, const char *text);
void feed_names_drop(struct feed_names *n, const char *text);
size_t feed_names_count(const struct feed_names *n);

/* None has been seen. */
void feed_names_unsee(struct feed_names *n);

/* All of them, in no particular order; NULL behind the last. None may be added or dropped
 * meanwhile. */
struct feed_name *feed_names_first(const struct feed_names *n);
struct feed_name *feed_names_next(const struct feed_name *name);
bool feed_name_is_of(const struct feed_name *name, const char *kind);
