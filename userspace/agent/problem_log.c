// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Since when a problem has been there; one that stays is said once. Thousands of Services may have
 * the same kind of problem each, so those seen are sorted by hash.
 */
#include "agent/problem_log.h"

#include "base/hash.h"
#include "base/sorted.h"
#include "sys/clock.h"
#include "sys/log.h"

static uint64_t problem_hash(const struct problem *p)
{
	uint64_t h = hash_u64(HASH_INIT, p->severity);

	h = hash_str(h, p->object.kind);
	h = hash_str(h, p->object.ns);
	h = hash_str(h, p->object.name);
	h = hash_str(h, p->field);
	h = hash_str(h, p->reason);
	return hash_str(h, p->message);
}

static int cmp_hash(const void *key, const void *item)
{
	const uint64_t hash = *(const uint64_t *)key,
		       other = ((const struct problem_seen *)item)->hash;

	return (hash > other) - (hash < other);
}

static int cmp_seen(const void *a, const void *b)
{
	return cmp_hash(&((const struct problem_seen *)a)->hash, b);
}

/* Of those that were there before the list that is being noted. */
static struct problem_seen *find(const struct problem_log *log, uint64_t hash)
{
	return sorted_find(&hash, log->items, log->n_sorted, sizeof(*log->items), cmp_hash);
}

static void log_problem(enum severity severity, const char *event, const char *line)
{
	if (severity == SEVERITY_ERROR)
		log_err(event, "problem=%s", log_quote(line));
	else if (severity == SEVERITY_WARNING)
		log_warn(event, "problem=%s", log_quote(line));
	else
		log_info(event, "problem=%s", log_quote(line));
}

static void note(struct problem_log *log, const struct problem *p, struct arena *scratch,
		 int64_t wall_s)
{
	uint64_t hash = problem_hash(p);
	struct problem_seen *seen = find(log, hash);

	if (!seen) {
		seen = xpush(&log->items, &log->n, &log->cap, sizeof(*log->items));
		seen->hash = hash;
		seen->since_s = wall_s;
		seen->line = xstrdup(problem_line(scratch, p));
		log_problem(p->severity, "problem", seen->line);
	}
	seen->seen = true;
}

void problem_log_update(struct problem_log *log, const struct problems *now)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	int64_t wall_s = clock_wall_s();
	size_t kept = 0;

	for (size_t i = 0; i < log->n; i++)
		log->items[i].seen = false;
	for (size_t i = 0; i < now->n; i++)
		note(log, &now->items[i], scratch, wall_s);
	for (size_t i = 0; i < log->n; i++) {
		struct problem_seen *seen = &log->items[i];

		if (seen->seen) {
			log->items[kept++] = *seen;
			continue;
		}
		log_info("problem gone", "problem=%s", log_quote(seen->line));
		free(seen->line);
	}
	if (kept != log->n || kept != log->n_sorted)
		qsort(log->items, kept, sizeof(*log->items), cmp_seen);
	log->n = log->n_sorted = kept;
}

int64_t problem_log_since(const struct problem_log *log, const struct problem *p)
{
	const struct problem_seen *seen = find(log, problem_hash(p));

	return seen ? seen->since_s : 0;
}

void problem_log_done(struct problem_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->items[i].line);
	free(log->items);
	*log = (struct problem_log){0};
}
