// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Both lists are sorted, and one merge walks them side by side. */
#include "base/route_diff.h"

/* --- words ------------------------------------------------------------------------------------ */

static int cmp_word(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct words words_make(const char **items, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(items, n, sizeof(*items), cmp_word);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(items[kept - 1], items[i]) != 0)
			items[kept++] = items[i];
	return (struct words){items, kept};
}

bool words_equal(const struct words *a, const struct words *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

const char *difference_text(enum difference d)
{
	static const char *const texts[N_DIFFERENCES] = {
		[SAME] = "equal",
		[MISSING] = "missing",
		[EXTRA] = "extra",
		[DIFFERENT] = "different",
	};

	return texts[d];
}

/* --- routes ----------------------------------------------------------------------------------- */

const char *route_says_text(unsigned bit)
{
	static const char *const texts[ROUTE_N_SAYS] = {
		"nextHop",     "asPath",           "localPref",          "med",
		"communities", "largeCommunities", "extendedCommunities"};

	return texts[__builtin_ctz(bit)];
}

static int cmp_route(const void *a, const void *b)
{
	const struct route_said *x = a, *y = b;
	const int cmp = strcmp(x->peer, y->peer);

	return cmp ? cmp : ip_prefix_cmp(&x->prefix, &y->prefix);
}

/* What both know and say otherwise. */
static unsigned differs(const struct route_said *a, const struct route_said *b)
{
	unsigned ret = 0;

	if (!ip_addr_equal(&a->next_hop, &b->next_hop))
		ret |= ROUTE_SAYS_NEXT_HOP;
	if (strcmp(a->path ? a->path : "", b->path ? b->path : "") != 0)
		ret |= ROUTE_SAYS_PATH;
	if (a->local_pref != b->local_pref)
		ret |= ROUTE_SAYS_LOCAL_PREF;
	if (a->med != b->med)
		ret |= ROUTE_SAYS_MED;
	if (!words_equal(&a->communities, &b->communities))
		ret |= ROUTE_SAYS_COMMUNITIES;
	if (!words_equal(&a->large, &b->large))
		ret |= ROUTE_SAYS_LARGE;
	if (!words_equal(&a->extended, &b->extended))
		ret |= ROUTE_SAYS_EXTENDED;
	return ret & a->known & b->known;
}

static int count_bits(unsigned bits)
{
	int n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* Of one peer and prefix the one of which most is known comes first. */
static int cmp_known(const void *a, const void *b)
{
	const struct route_said *x = a, *y = b;
	const int cmp = cmp_route(a, b);

	return cmp ? cmp : count_bits(y->known) - count_bits(x->known);
}

/* Sorted, and one of each peer and prefix. */
static size_t sort_routes(struct route_said *list, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(list, n, sizeof(*list), cmp_known);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || cmp_route(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	return kept;
}

/* Which of two lists goes on: below 0 the first, above it the second, 0 both. */
static int next_of(const void *a, const void *b, int cmp(const void *, const void *))
{
	if (!a || !b)
		return a ? -1 : 1;
	return cmp(a, b);
}

size_t route_diff(struct route_said *theirs, size_t n_theirs, struct route_said *ours,
		  size_t n_ours, struct arena *arena, struct route_difference **ret)
{
	struct route_difference *all;
	size_t n = 0, t = 0, o = 0;

	n_theirs = sort_routes(theirs, n_theirs);
	n_ours = sort_routes(ours, n_ours);
	all = arena_array_of(arena, n_theirs + n_ours, struct route_difference);
	while (t < n_theirs || o < n_ours) {
		const struct route_said *their = t < n_theirs ? &theirs[t] : NULL;
		const struct route_said *our = o < n_ours ? &ours[o] : NULL;
		const int cmp = next_of(their, our, cmp_route);
		struct route_difference *d = &all[n++];

		d->theirs = cmp <= 0 ? their : NULL;
		d->ours = cmp >= 0 ? our : NULL;
		d->differs = cmp == 0 ? differs(their, our) : 0;
		d->what = cmp < 0 ? MISSING : cmp > 0 ? EXTRA : d->differs ? DIFFERENT : SAME;
		t += cmp <= 0;
		o += cmp >= 0;
	}
	*ret = all;
	return n;
}

/* --- words by name ---------------------------------------------------------------------------- */

static int cmp_named(const void *a, const void *b)
{
	const struct named_words *x = a, *y = b;

	return strcmp(x->name, y->name);
}

size_t words_diff(struct named_words *theirs, size_t n_theirs, struct named_words *ours,
		  size_t n_ours, struct arena *arena, struct words_difference **ret)
{
	struct words_difference *all =
		arena_array_of(arena, n_theirs + n_ours, struct words_difference);
	size_t n = 0, t = 0, o = 0;

	if (n_theirs > 0)
		qsort(theirs, n_theirs, sizeof(*theirs), cmp_named);
	if (n_ours > 0)
		qsort(ours, n_ours, sizeof(*ours), cmp_named);
	while (t < n_theirs || o < n_ours) {
		const struct named_words *their = t < n_theirs ? &theirs[t] : NULL;
		const struct named_words *our = o < n_ours ? &ours[o] : NULL;
		const int cmp = next_of(their, our, cmp_named);
		struct words_difference *d = &all[n++];

		d->theirs = cmp <= 0 ? their : NULL;
		d->ours = cmp >= 0 ? our : NULL;
		d->what = cmp < 0                                   ? MISSING
			  : cmp > 0                                 ? EXTRA
			  : words_equal(&their->words, &our->words) ? SAME
								    : DIFFERENT;
		t += cmp <= 0;
		o += cmp >= 0;
	}
	*ret = all;
	return n;
}
