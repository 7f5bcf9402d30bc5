// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What feed.c does and feed_show.c shows. Nobody else includes this.
 */
#pragma once

#include "agent/feed_names.h"
#include "agent/feed_reported.h"
#include "agent/source_changes.h"
#include "api/objects.h"
#include "base/strbuf.h"
#include "kube/kube_frame.h"
#include "kube/kube_state.h"
#include "sys/unix_listener.h"

struct agent;

#define FEED_OUT_BYTES (4u << 20)

/* As it was told on this connection, or on the last if there is none. */
struct feed_kind {
	char name[UINT8_MAX + 1];
	bool is_complete;
	enum kube_state state;
	char why[KUBE_WHY_BYTES + 1];
};

/*
 * What was told, on its way into the world. Services and their endpoints go a way of their own:
 * they are most of it and come last, and what they are planned by need not wait for them.
 */
struct feed_way {
	struct source_changes changes;
	unsigned round; /* so many such ways, from 1 */
	char **gone;    /* owned, as the strings: names in these changes */
	size_t n_gone, cap_gone;
};
enum { FEED_SETTINGS, FEED_SERVICES, FEED_N_WAYS };

struct agent_feed {
	struct unix_listener listener;
	struct loop_fd *listener_watch, *watch; /* owned */
	int fd;                                 /* owned; -1: no feeder is there */
	nsec_t since;                           /* it is there, or not */
	bool is_greeted;
	uint16_t foreign_version; /* of the last feeder, if it was not ours; 0: it was */
	struct strbuf in;         /* of it nothing is taken yet */

	struct feed_kind kinds[KUBE_FEED_KINDS];
	size_t n_kinds;
	bool is_open;    /* what an earlier run saved is in the world */
	bool was_whole;  /* once, the picture was */
	nsec_t whole_by; /* until then it is waited for */

	struct feed_names *names; /* owned */
	struct feed_way ways[FEED_N_WAYS];
	bool is_read_due; /* there is something to decode, whatever becomes of the world */
	bool is_blocked;  /* the next frame is for a world that has what is on its way */
	nsec_t until;     /* of the turn's time */

	bool is_unallocated; /* nobody says what Services are to have, for this node: */
	char unallocated_why[KUBE_WHY_BYTES + 1];
	bool is_holder;      /* it is us who say what Services are to have... */
	bool is_holder_told; /* ... once all that was told before is in the world */
	uint64_t n_updates;  /* puts and gones ever */
	uint64_t n_told;     /* ... of this connection, */
	uint64_t n_seen;     /* ... and of these in the world */
	struct strbuf out;   /* what is asked for; not written yet from `sent` on */
	size_t sent;
	size_t n_wished;  /* names of which something was asked for */
	nsec_t wished_at; /* the last of it */
	uint64_t content; /* generation of what was wanted when nothing was to be asked */
	bool is_behind;   /* there was no room there for all of it */

	struct feed_reported *reported; /* owned */
	bool is_report_due;             /* a plan was made since the last */
	nsec_t report_at;               /* ... and it is not told before */
};

/* Nothing that was told is still on its way. */
bool feed_has_arrived(const struct agent_feed *f);
/* What is asked for, to the feeder (feed_wishes.c). False: it cannot be written to any more. */
bool feed_wishes_write(struct agent *a) must_check;
/* It is told of another version: what was asked for was by the former. */
void feed_wishes_told(struct agent_feed *f, struct feed_name *name);
/* A plan was made that may have something to tell of (feed_report.c). */
void feed_report_due(struct agent_feed *f, nsec_t now);
/* Reports how this node is, by the current plan (feed_status.c). True: all of it. */
bool feed_status_report(struct agent *a, struct arena *arena, nsec_t now) must_check;
/* Asks for something to be written of an object. */
void feed_wish(struct agent_feed *f, const struct api_object *o, enum kube_wish what,
	       const char *text);
/* There is room for so many more. */
bool feed_has_room(const struct agent_feed *f, size_t n);
/* Another allocates: the feeder has forgotten what was asked for. */
void feed_wishes_lost(struct agent_feed *f);
/* The connection is gone: nothing was asked for on the next one. */
void feed_wishes_forget(struct agent_feed *f);
