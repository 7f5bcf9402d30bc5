// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Adj-RIB-In: a table of prefixes and a queue of those that changed.
 *
 * A route that goes while its prefix waits in the queue stays in the table without a path until it
 * is taken, so the queue holds each prefix once and names nothing that is not in the table. All
 * that changes a route goes through set_route(), which counts it anew and queues it if what is
 * accepted under its prefix is another path than before.
 *
 * What concerns all routes at once is only marked at once: routes that go are as good as away from
 * then on, and are let go in a walk through the table, in which a new policy judges the others. It
 * goes from the end of the array to its beginning, and routes keep their places: what comes
 * meanwhile is behind it, or takes a free place before it and is looked at once more.
 *
 * A route over the limit that is kept is accepted once there is room, by such a walk as well; which
 * of several is nobody's promise. Of those that are not kept only their number is known: when a
 * tenth of the limit is free again they are asked for, so that a peer near its limit is not asked
 * for each change.
 */
#include "bgp/bgp_rib_in.h"

#include "base/prefix_queue.h"
#include "base/prefix_table.h"
#include "bgp/bgp_malformed.h"
#include "bgp/bgp_path.h"
#include "bgp/bgp_update.h"

#include <assert.h>

struct in_route {
	struct ip_prefix prefix;
	uint8_t verdict; /* enum bgp_verdict */
	bool is_stale, is_queued;
	bool is_leaving;             /* it is gone, but has its path and is counted nowhere */
	const struct bgp_path *path; /* NULL: it is gone */
};

struct bgp_rib_in {
	struct prefix_table table; /* of routes */
	struct prefix_queue changed;
	struct bgp_paths paths;
	struct arena *arena; /* owned; holds import */
	struct bgp_import import;
	size_t n_by[BGP_N_VERDICTS]; /* with a path */
	size_t n_stale, n_not_kept;
	struct bgp_malformed malformed;
	size_t walk;     /* the routes before this one are still to be looked at */
	bool is_whole;   /* that walk is for all of them, not only for those over the limit */
	bool walk_again; /* ... and once more from the end */
	bool has_lost;   /* of those that are not kept some were over the limit only */
	bool has_missed; /* something was not kept, for whatever reason, since all was asked for */
};

struct bgp_rib_in *bgp_rib_in_new(uint64_t seed)
{
	struct bgp_rib_in *rib = xcalloc(1, sizeof(*rib));

	prefix_table_init(&rib->table, sizeof(struct in_route), seed);
	bgp_paths_init(&rib->paths, seed);
	rib->arena = arena_new();
	return rib;
}

struct bgp_rib_in *bgp_rib_in_free(struct bgp_rib_in *rib)
{
	if (!rib)
		return NULL;
	prefix_table_done(&rib->table);
	prefix_queue_done(&rib->changed);
	bgp_paths_done(&rib->paths);
	bgp_malformed_done(&rib->malformed);
	arena_free(rib->arena);
	free(rib);
	return NULL;
}

struct bgp_malformed *bgp_rib_in_malformed(struct bgp_rib_in *rib)
{
	return &rib->malformed;
}

bool bgp_rib_in_is_open(const struct bgp_rib_in *rib)
{
	return !bgp_import_is_nothing(&rib->import);
}

/* --- one route ------------------------------------------------------------------------------- */

static size_t n_rejected(const struct bgp_rib_in *rib)
{
	size_t n = 0;

	for (enum bgp_verdict v = BGP_ACCEPTED + 1; v < BGP_N_VERDICTS; v++)
		n += rib->n_by[v];
	return n;
}

static bool is_there(const struct in_route *r)
{
	return r->path && !r->is_leaving;
}

static const struct bgp_path *accepted_path(const struct in_route *r)
{
	return is_there(r) && r->verdict == BGP_ACCEPTED ? r->path : NULL;
}

static void queue(struct bgp_rib_in *rib, struct in_route *r)
{
	if (!r->is_queued)
		prefix_queue_push(&rib->changed, &r->prefix);
	r->is_queued = true;
}

static void count(struct bgp_rib_in *rib, const struct in_route *r)
{
	rib->n_stale += r->is_stale;
	rib->n_by[r->verdict]++;
}

static void uncount(struct bgp_rib_in *rib, const struct in_route *r)
{
	rib->n_stale -= r->is_stale;
	rib->n_by[r->verdict]--;
}

/* Gives the route another state, of which it takes the path; it may cease to exist. */
static void set_route(struct bgp_rib_in *rib, struct in_route *r, struct in_route to)
{
	const struct in_route before = *r;

	if (is_there(&before))
		uncount(rib, &before);
	if (to.path)
		count(rib, &to);
	r->verdict = to.verdict;
	r->is_stale = to.is_stale;
	r->is_leaving = false;
	r->path = to.path;
	/* That it was leaving was told to nobody yet. */
	if (accepted_path(&before) != accepted_path(r) ||
	    (before.is_leaving && before.verdict == BGP_ACCEPTED))
		queue(rib, r);
	if (before.path != to.path)
		bgp_paths_put(&rib->paths, before.path);
	if (!r->path && !r->is_queued)
		prefix_table_remove(&rib->table, r);
}

static void remove_route(struct bgp_rib_in *rib, struct in_route *r)
{
	set_route(rib, r, (struct in_route){.path = NULL});
}

/* By policy, by what the route is, and last by the number of those that are accepted already. */
static enum bgp_verdict judge(const struct bgp_rib_in *rib, const struct ip_prefix *prefix,
			      const struct bgp_path *path, bool is_in)
{
	const char *what;
	enum bgp_verdict v = bgp_import_judge(&rib->import, prefix, &what);

	if (v != BGP_ACCEPTED)
		return v;
	if (path->fault != BGP_ACCEPTED)
		return path->fault;
	if (!is_in && rib->n_by[BGP_ACCEPTED] >= rib->import.max_prefixes)
		return BGP_OVER_LIMIT;
	return BGP_ACCEPTED;
}

static void miss(struct bgp_rib_in *rib, enum bgp_verdict v)
{
	rib->n_not_kept++;
	rib->has_missed = true;
	rib->has_lost |= v == BGP_OVER_LIMIT;
}

static void announce(struct bgp_rib_in *rib, const struct ip_prefix *prefix,
		     const struct bgp_path *path)
{
	struct in_route *r = prefix_table_find(&rib->table, prefix);
	const bool is_in = r && accepted_path(r);
	const enum bgp_verdict v = judge(rib, prefix, path, is_in);

	if ((!r || !is_there(r)) && v != BGP_ACCEPTED && n_rejected(rib) >= BGP_REJECTED_MAX) {
		miss(rib, v);
		return;
	}
	if (!r)
		r = prefix_table_add(&rib->table, prefix);
	path = bgp_paths_get(&rib->paths, path);
	if (r->path == path)
		bgp_paths_put(&rib->paths, path); /* used by it already */
	set_route(rib, r, (struct in_route){.verdict = (uint8_t)v, .path = path});
}

static void withdraw(struct bgp_rib_in *rib, const struct ip_prefix *prefix)
{
	struct in_route *r = prefix_table_find(&rib->table, prefix);

	if (r && is_there(r))
		remove_route(rib, r);
	else if (rib->n_not_kept > 0)
		rib->n_not_kept--;
}

/* --- the walk -------------------------------------------------------------------------------- */

static bool can_fill_up(const struct bgp_rib_in *rib)
{
	return rib->n_by[BGP_OVER_LIMIT] > 0 && rib->n_by[BGP_ACCEPTED] < rib->import.max_prefixes;
}

static bool is_walking(const struct bgp_rib_in *rib)
{
	return rib->walk > 0 && (rib->is_whole || can_fill_up(rib));
}

static void walk_all(struct bgp_rib_in *rib)
{
	if (rib->walk > 0 && rib->is_whole) {
		rib->walk_again = true;
		return;
	}
	rib->walk = rib->table.n;
	rib->is_whole = true;
}

/* There may be room: routes that were over the limit are accepted, as many as there is room for. */
static void fill_up(struct bgp_rib_in *rib)
{
	if (rib->walk > 0 || !can_fill_up(rib))
		return;
	rib->walk = rib->table.n;
	rib->is_whole = false;
}

/* Until the walk is over more may be accepted than the limit allows now. */
static void judge_anew(struct bgp_rib_in *rib, struct in_route *r)
{
	const size_t n_others = rib->n_by[BGP_ACCEPTED] - (r->verdict == BGP_ACCEPTED);
	struct in_route to = *r;

	to.verdict = (uint8_t)judge(rib, &r->prefix, r->path, true);
	if (to.verdict == BGP_ACCEPTED && n_others >= rib->import.max_prefixes)
		to.verdict = BGP_OVER_LIMIT;
	if (to.verdict != r->verdict)
		set_route(rib, r, to);
}

static void visit(struct bgp_rib_in *rib, struct in_route *r)
{
	if (r->is_leaving)
		remove_route(rib, r);
	else if (r->path && (rib->is_whole || r->verdict == BGP_OVER_LIMIT))
		judge_anew(rib, r);
}

static void end_walk(struct bgp_rib_in *rib)
{
	assert(!rib->is_whole || rib->walk_again ||
	       rib->n_by[BGP_ACCEPTED] <= rib->import.max_prefixes);
	rib->walk = 0;
	if (rib->walk_again)
		walk_all(rib);
	rib->walk_again = false;
	fill_up(rib);
}

size_t bgp_rib_in_go_on(struct bgp_rib_in *rib, size_t n_max)
{
	size_t n = 0;

	if (rib->walk > rib->table.n)
		rib->walk = rib->table.n;
	for (; n < n_max && is_walking(rib); n++) {
		struct in_route *r = prefix_table_at(&rib->table, --rib->walk);

		if (r)
			visit(rib, r);
	}
	if (!is_walking(rib))
		end_walk(rib);
	return n;
}

/* --- many ------------------------------------------------------------------------------------ */

/* Calls for each route that is there, from the last to the first. */
#define FOR_EACH_ROUTE(rib, i, r)                                                                  \
	for (size_t i = (rib)->table.n; i-- > 0;)                                                  \
		for (struct in_route *r = prefix_table_at(&(rib)->table, i); r && is_there(r);     \
		     r = NULL)

bool bgp_rib_in_set_import(struct bgp_rib_in *rib, const struct bgp_import *import)
{
	bool ask;

	if (bgp_import_equal(&rib->import, import))
		return false;
	ask = !bgp_rib_in_is_open(rib) || rib->has_missed;
	arena_reset(rib->arena);
	rib->import = bgp_import_copy(rib->arena, import);
	if (!bgp_rib_in_is_open(rib)) {
		for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++)
			bgp_rib_in_drop(rib, f);
		return false;
	}
	walk_all(rib);
	if (ask) {
		rib->has_missed = rib->has_lost = false;
		rib->n_not_kept = 0;
	}
	return ask;
}

static bool is_of(const struct in_route *r, enum bgp_family family)
{
	return bgp_family_of_addr(&r->prefix.addr) == family;
}

static void leave(struct bgp_rib_in *rib, struct in_route *r)
{
	uncount(rib, r);
	r->is_stale = false;
	r->is_leaving = true;
}

void bgp_rib_in_sweep(struct bgp_rib_in *rib, enum bgp_family family)
{
	if (rib->n_stale == 0)
		return;
	FOR_EACH_ROUTE(rib, i, r)
	{
		if (r->is_stale && is_of(r, family))
			leave(rib, r);
	}
	walk_all(rib);
}

void bgp_rib_in_stale(struct bgp_rib_in *rib, enum bgp_family family)
{
	bgp_rib_in_sweep(rib, family);
	FOR_EACH_ROUTE(rib, i, r)
	{
		rib->n_stale += !r->is_stale && is_of(r, family);
		r->is_stale |= is_of(r, family);
	}
}

void bgp_rib_in_drop(struct bgp_rib_in *rib, enum bgp_family family)
{
	FOR_EACH_ROUTE(rib, i, r)
	{
		if (is_of(r, family))
			leave(rib, r);
	}
	rib->n_not_kept = 0;
	rib->has_lost = rib->has_missed = false;
	walk_all(rib);
}

bool bgp_rib_in_has_room_again(struct bgp_rib_in *rib)
{
	const size_t max = rib->import.max_prefixes;

	if (!rib->has_lost || rib->n_by[BGP_ACCEPTED] > max - max / 10)
		return false;
	rib->has_lost = rib->has_missed = false;
	rib->n_not_kept = 0;
	return true;
}

/* --- UPDATEs --------------------------------------------------------------------------------- */

static void withdraw_all(struct bgp_rib_in *rib, struct rcur nlri, enum bgp_family family)
{
	struct ip_prefix prefix;

	while (bgp_nlri_next(&nlri, family, &prefix))
		withdraw(rib, &prefix);
}

static void announce_all(struct bgp_rib_in *rib, struct rcur nlri, enum bgp_family family,
			 const struct bgp_path *path)
{
	struct ip_prefix prefix;

	while (bgp_nlri_next(&nlri, family, &prefix))
		announce(rib, &prefix, path);
}

void bgp_rib_in_learn(struct bgp_rib_in *rib, const struct bgp_update *u,
		      const struct bgp_update_session *s)
{
	struct bgp_path_room room;
	struct bgp_path path;

	if (!bgp_rib_in_is_open(rib))
		return;
	withdraw_all(rib, u->withdrawn, BGP_IPV4_UNICAST);
	withdraw_all(rib, u->mp_unreach.nlri, u->mp_unreach.family);
	if (rcur_left(&u->nlri) > 0) {
		path = bgp_path_of(u, s, false, &room);
		announce_all(rib, u->nlri, BGP_IPV4_UNICAST, &path);
	}
	if (u->mp_reach.n > 0) {
		path = bgp_path_of(u, s, true, &room);
		announce_all(rib, u->mp_reach.nlri, u->mp_reach.family, &path);
	}
	fill_up(rib);
}

void bgp_rib_in_unlearn(struct bgp_rib_in *rib, const struct bgp_update *u)
{
	if (!bgp_rib_in_is_open(rib))
		return;
	withdraw_all(rib, u->withdrawn, BGP_IPV4_UNICAST);
	withdraw_all(rib, u->nlri, BGP_IPV4_UNICAST);
	withdraw_all(rib, u->mp_unreach.nlri, u->mp_unreach.family);
	withdraw_all(rib, u->mp_reach.nlri, u->mp_reach.family);
	fill_up(rib);
}

/* --- looking --------------------------------------------------------------------------------- */

bool bgp_rib_in_take(struct bgp_rib_in *rib, struct ip_prefix *ret)
{
	struct in_route *r;

	if (!prefix_queue_pop(&rib->changed, ret))
		return false;
	r = prefix_table_find(&rib->table, ret);
	assert(r && r->is_queued);
	r->is_queued = false;
	if (!r->path)
		prefix_table_remove(&rib->table, r);
	return true;
}

bool bgp_rib_in_has_changed(const struct bgp_rib_in *rib)
{
	return rib->changed.n > 0 || rib->walk > 0;
}

void bgp_rib_in_retake(struct bgp_rib_in *rib)
{
	FOR_EACH_ROUTE(rib, i, r)
	{
		if (accepted_path(r))
			queue(rib, r);
	}
}

const struct bgp_path *bgp_rib_in_accepted(const struct bgp_rib_in *rib,
					   const struct ip_prefix *prefix)
{
	const struct in_route *r = prefix_table_find(&rib->table, prefix);

	return r ? accepted_path(r) : NULL;
}

struct bgp_rib_in_counts bgp_rib_in_counts(const struct bgp_rib_in *rib)
{
	struct bgp_rib_in_counts ret = {
		.n_accepted = rib->n_by[BGP_ACCEPTED],
		.n_stale = rib->n_stale,
		.n_not_kept = rib->n_not_kept,
		.n_paths = rib->paths.n,
		.is_over_limit = rib->has_lost || rib->n_by[BGP_OVER_LIMIT] > 0,
	};

	memcpy(ret.n_by, rib->n_by, sizeof(ret.n_by));
	return ret;
}

bool bgp_rib_in_next(const struct bgp_rib_in *rib, size_t *pos, struct bgp_rib_in_route *ret)
{
	const struct in_route *r;

	do
		r = prefix_table_in_order(&rib->table, (*pos)++);
	while (r && !is_there(r));
	if (!r)
		return false;
	*ret = (struct bgp_rib_in_route){.prefix = r->prefix,
					 .verdict = r->verdict,
					 .is_stale = r->is_stale,
					 .path = r->path};
	if (r->verdict == BGP_RESERVED)
		(void)bgp_import_judge(&rib->import, &r->prefix, &ret->what);
	return true;
}

size_t bgp_rib_in_behind(const struct bgp_rib_in *rib, const struct ip_prefix *prefix)
{
	return prefix_table_behind(&rib->table, prefix);
}
