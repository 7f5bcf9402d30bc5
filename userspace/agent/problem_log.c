// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Since when a problem has been there; one that stays is said once. Thousands of Services may have
 * the same kind of problem each, so those seen are sorted by hash, and of what comes together with
 * one reason a few are told and the others counted.
 */
#include "agent/problem_log.h"

#include "base/hash.h"
#include "base/mem.h"
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

/* How many came together with one reason. */
struct come {
	const char *reason;
	size_t n;
};

/* One update. */
struct update {
	struct problem_log *log;
	struct arena *scratch;
	int64_t wall_s;
	struct come *come; /* owned */
	size_t n_come, cap_come;
};

/* There are a few dozen reasons; what comes by thousands is all of one. */
static size_t come_before(struct update *u, const char *reason)
{
	struct come *c;

	for (size_t i = 0; i < u->n_come; i++)
		if (strcmp(u->come[i].reason, reason) == 0)
			return u->come[i].n++;
	c = xpush(&u->come, &u->n_come, &u->cap_come, sizeof(*c));
	*c = (struct come){.reason = reason, .n = 1};
	return 0;
}

static void note(struct update *u, const struct problem *p)
{
	struct problem_log *log = u->log;
	uint64_t hash = problem_hash(p);
	struct problem_seen *seen = find(log, hash);

	if (!seen) {
		seen = xpush(&log->items, &log->n, &log->cap, sizeof(*log->items));
		*seen = (struct problem_seen){.hash = hash, .since_s = u->wall_s};
		if (come_before(u, p->reason) < PROBLEM_LOG_LINES) {
			seen->line = xstrdup(problem_line(u->scratch, p));
			log_problem(p->severity, "problem", seen->line);
		}
	}
	seen->seen = true;
}

static void tell_come(const struct update *u)
{
	for (size_t i = 0; i < u->n_come; i++)
		if (u->come[i].n > PROBLEM_LOG_LINES)
			log_warn("problem: there are more of this reason", "reason=%s more=%zu",
				 u->come[i].reason, u->come[i].n - PROBLEM_LOG_LINES);
}

/* Those that are gone are taken out. Returns how many are left. */
static size_t drop_gone(struct problem_log *log)
{
	size_t n_kept = 0, n_told = 0;

	for (size_t i = 0; i < log->n; i++) {
		struct problem_seen *seen = &log->items[i];

		if (seen->seen) {
			log->items[n_kept++] = *seen;
			continue;
		}
		if (seen->line && n_told < PROBLEM_LOG_LINES) {
			n_told++;
			log_info("problem gone", "problem=%s", log_quote(seen->line));
		}
		free(seen->line);
	}
	if (log->n - n_kept > n_told)
		log_info("problem gone: there were more", "more=%zu", log->n - n_kept - n_told);
	return n_kept;
}

void problem_log_update(struct problem_log *log, const struct problems *now)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct update u = {.log = log, .scratch = scratch, .wall_s = clock_wall_s()};
	size_t n_kept;

	for (size_t i = 0; i < log->n; i++)
		log->items[i].seen = false;
	for (size_t i = 0; i < now->n; i++)
		note(&u, &now->items[i]);
	tell_come(&u);
	free(u.come);
	n_kept = drop_gone(log);
	if (n_kept != log->n || n_kept != log->n_sorted)
		qsort(log->items, n_kept, sizeof(*log->items), cmp_seen);
	log->n = log->n_sorted = n_kept;
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
