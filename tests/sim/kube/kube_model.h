// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A model of the API server: objects of a few kinds with their history, replicas that lag behind,
 * compaction, and everything a server may answer instead of what was asked. What it says are real
 * bytes in chunks of any size; what it knows is kept so plainly that it can be believed.
 */
#pragma once

#include "base/nsec.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "kube/kube_watch.h"

#define MODEL_KINDS   3
#define MODEL_OBJECTS 12
#define MODEL_LOG     4096

struct model_event {
	unsigned kind, object;
	bool is_gone;
};

/* What the world does to it, in times of 1000 where it is a chance. */
struct model_faults {
	unsigned cut, refuse, compact, garble, end_early;
	bool has_watch_list; /* else it says that it has none */
	bool pages;          /* so few items a page that lists are cut */
	bool keeps_history;  /* no compaction, no replica behind another */
};

struct model {
	struct rng *rng; /* borrowed */
	struct model_faults faults;
	struct model_event log[MODEL_LOG]; /* its place + 1 is the version */
	unsigned now_at;                   /* the latest version */
	unsigned first_at;                 /* every replica has all up to this version */
	unsigned compacted_at;             /* what was before is not known any more */
	bool is_down, is_absent, is_forbidden;
	bool exists[MODEL_KINDS][MODEL_OBJECTS];
	unsigned changed_at[MODEL_KINDS][MODEL_OBJECTS]; /* version */
	unsigned deleted_at[MODEL_KINDS][MODEL_OBJECTS];
};

/* One request: what it was asked, and how far it has got. */
struct model_request {
	bool is_open, is_watch, is_ending, has_head;
	unsigned kind;
	int status;
	unsigned retry_s;
	unsigned at;       /* a watch has told all up to this version */
	struct strbuf out; /* not delivered yet */
	nsec_t mark_at, ends_at;
};

extern const enum kube_kind model_kinds[MODEL_KINDS];

void model_init(struct model *m, struct rng *rng, const struct model_faults *faults);
/* One object is made, changed or deleted. */
void model_change(struct model *m);
/* The custom kind goes, with its objects, or comes back. */
void model_set_absent(struct model *m, bool is_absent);

/* Answers a request; its target is a path with a query. */
void model_open(struct model *m, struct model_request *r, const char *target, nsec_t now);
/* What a watch has to tell meanwhile. */
void model_go_on(struct model *m, struct model_request *r, nsec_t now);
void model_close(struct model_request *r);
