// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fake/fake_deny.h"

#include "base/prefixes.h"

#include <assert.h>

static void begin(struct fake_deny *x)
{
	struct ip_prefix all[FAKE_DENY_MAX];

	memcpy(all, x->set, sizeof(all));
	lb_deny_free(x->d);
	x->d = lb_deny_new(x->bits, &x->uplinks);
	lb_deny_adopt(x->d, all, x->n);
}

struct fake_deny *fake_deny_new(void)
{
	struct fake_deny *x = xcalloc(1, sizeof(*x));

	x->uplinks.words = x->words;
	return x;
}

struct fake_deny *fake_deny_free(struct fake_deny *x)
{
	if (x)
		lb_deny_free(x->d);
	free(x);
	return NULL;
}

void fake_deny_restart(struct fake_deny *x)
{
	if (x->d)
		begin(x);
}

size_t fake_deny_apply(struct fake_deny *x, const struct plan *plan, size_t n_max)
{
	struct ip_prefix next[2 * FAKE_DENY_MAX];
	struct lb_deny_step s;
	size_t done = 0;

	if (!x->d && plan->n_denied == 0)
		return 0;
	if (!x->d)
		begin(x);
	lb_deny_want(x->d, plan->denied, plan->n_denied, plan->keeps_denied);
	while (done < n_max && lb_deny_next(x->d, n_max - done, &s)) {
		x->n = s.is_put ? prefixes_union(x->set, x->n, s.items, s.n, next)
				: prefixes_minus(x->set, x->n, s.items, s.n, next);
		assert(x->n <= FAKE_DENY_MAX);
		memcpy(x->set, next, x->n * sizeof(*next));
		lb_deny_done(x->d, &s, s.n);
		done += s.n;
	}
	assert(lb_deny_count(x->d) == x->n);
	return done;
}
