// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is wrong, and what to do about it. One struct for every bad input of the agent: the decoder,
 * the planner and the sinks add to lists of these, and status, CLI, metric and log show the same
 * words. A problem costs its object and nothing else (DESIGN 1, "isolation of errors").
 */
#pragma once

#include "base/arena.h"

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

/* Which object: identity and where it was read. Strings are borrowed; any may be NULL. */
struct object_ref {
	const char *kind, *ns, *name, *uid;
	const char *file; /* NULL: not from a file */
	unsigned line;    /* of the object's first line, 1-based; 0: unknown */
};

struct problem {
	enum severity severity;
	struct object_ref object;
	const char *field;   /* "spec.peerASN", or NULL */
	const char *reason;  /* stable CamelCase word */
	const char *message; /* one sentence, without the remedy */
	const char *remedy;  /* what the operator does, or NULL */
	unsigned line;       /* of the field; 0: the object's */
};

/* Everything in the list is owned by its arena. */
struct problems {
	struct arena *arena;
	struct problem *items;
	size_t n, cap;
};

/* What to say, for problem_add: named fields, so that a call reads like the problem. */
struct problem_text {
	const char *field, *reason, *remedy;
	unsigned line;
};

/*
 * Adds a problem about an object; the format is the message. All strings, the reference's too, are
 * copied into the list's arena.
 */
void problem_add(struct problems *list, enum severity severity, const struct object_ref *object,
		 const struct problem_text *text, const char *fmt, ...) printf_like(5, 6);

/* Appends deep copies of all of `from`. */
void problems_append(struct problems *list, const struct problems *from);

/* The same without copying what they point to, which outlives the list. */
void problems_borrow(struct problems *list, const struct problems *from);

/* Order for display and diff: severity (error first), kind, namespace, name, field, reason. */
int problem_cmp(const struct problem *a, const struct problem *b);
void problems_sort(struct problems *list); /* also drops equal ones */
size_t problems_count(const struct problems *list, enum severity severity);

/* "error", "warning", "info". */
const char *severity_text(enum severity severity);

/*
 * The line of `--check` (DESIGN 10): FILE:LINE: KIND/NAME: FIELD: reason; remedy. From `arena`. A
 * path as NAME shares its first slash: File/etc/lodestone/peer.yaml.
 */
const char *problem_line(struct arena *arena, const struct problem *p);
