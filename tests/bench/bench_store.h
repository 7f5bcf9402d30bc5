// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* A store for benches of the plan: it has what is actual, and counts what it is told. */
#pragma once

#include "plan/plan.h"
#include "plan/sink.h"

struct bench_store {
	const struct plan_actual *actual; /* borrowed */
	size_t n_told;
};

static inline int bench_store_put(void *ctx, nsec_t now, const struct lb_frontend *f)
{
	struct bench_store *s = ctx;

	(void)now, (void)f;
	s->n_told++;
	return 0;
}

static inline int bench_store_del(void *ctx, nsec_t now, const struct lb_key *key)
{
	(void)ctx, (void)now, (void)key;
	return -1; /* nothing is to go */
}

static inline int bench_store_test(void *ctx, nsec_t now, const struct lb_key *key)
{
	(void)ctx, (void)now, (void)key;
	return 0;
}

static inline void bench_store_dump(void *ctx, struct arena *arena, const struct lb_actual **ret,
				    size_t *ret_n)
{
	const struct bench_store *s = ctx;

	(void)arena;
	*ret = s->actual->frontends;
	*ret_n = s->actual->n_frontends;
}

static inline struct lb_store bench_store_of(struct bench_store *s)
{
	static const struct lb_store_ops ops = {
		.put = bench_store_put,
		.del = bench_store_del,
		.test = bench_store_test,
		.dump = bench_store_dump,
	};

	return (struct lb_store){.ops = &ops, .ctx = s};
}
