// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fake/fake_kernel.h"

#include <assert.h>
#include <errno.h>

/* As far as the scope goes. */
static bool is_in(const struct kernel_scope *scope, const struct kernel_route *r)
{
	bool is_in = kernel_is_our_table(r->table) ||
		     (scope->everything && r->protocol == KERNEL_PROTOCOL && r->blackhole);

	for (size_t i = 0; i < scope->n; i++)
		is_in |= scope->tables[i] == r->table;
	return is_in;
}

static int dump(void *ctx, const struct kernel_scope *scope, struct arena *arena,
		struct kernel_picture *ret)
{
	const struct fake_kernel *k = ctx;

	for (size_t i = 1; i < scope->n; i++)
		assert(scope->tables[i - 1] < scope->tables[i]);
	if (k->deaf)
		return -EPERM;
	*ret = (struct kernel_picture){
		.routes = arena_array_of(arena, k->n_routes, struct kernel_route),
		.rules = arena_memdup(arena, k->rules, k->n_rules * sizeof(*k->rules)),
		.n_rules = k->n_rules};
	for (size_t i = 0; i < k->n_routes; i++)
		if (is_in(scope, &k->routes[i]))
			ret->routes[ret->n_routes++] = k->routes[i];
	return 0;
}

static bool same_place(const struct kernel_route *a, const struct kernel_route *b)
{
	return a->table == b->table && a->metric == b->metric && ip_prefix_cmp(&a->to, &b->to) == 0;
}

static int put_route(struct fake_kernel *k, const struct kernel_route *r)
{
	for (size_t i = 0; i < k->n_routes; i++)
		if (same_place(&k->routes[i], r))
			return -EEXIST;
	assert(k->n_routes < FAKE_KERNEL_MAX);
	k->routes[k->n_routes++] = *r;
	return 0;
}

static int del_route(struct fake_kernel *k, const struct kernel_route *r)
{
	for (size_t i = 0; i < k->n_routes; i++) {
		const struct kernel_route *have = &k->routes[i];

		if (!same_place(have, r) || have->protocol != r->protocol ||
		    have->blackhole != r->blackhole)
			continue;
		memmove(&k->routes[i], &k->routes[i + 1],
			(k->n_routes - i - 1) * sizeof(*k->routes));
		k->n_routes--;
		return 0;
	}
	return -ESRCH;
}

static bool alike(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->table == b->table &&
	       strcmp(a->iif, b->iif) == 0 && ip_prefix_cmp(&a->from, &b->from) == 0 &&
	       ip_prefix_cmp(&a->to, &b->to) == 0 && a->ipproto == b->ipproto &&
	       a->sport == b->sport;
}

/* As long as the kernel, whatever becomes of who said it. */
static const char *name_of(struct fake_kernel *k, const char *name)
{
	size_t i = 0;

	if (!name[0])
		return "";
	while (k->names[i][0] && strcmp(k->names[i], name) != 0)
		i++;
	assert(i + 1 < ARRAY_SIZE(k->names));
	(void)snprintf(k->names[i], sizeof(k->names[i]), "%s", name);
	return k->names[i];
}

static int put_rule(struct fake_kernel *k, const struct kernel_rule *r)
{
	for (size_t i = 0; i < k->n_rules; i++)
		if (alike(&k->rules[i], r) && k->rules[i].suppress == r->suppress &&
		    k->rules[i].odd == r->odd)
			return -EEXIST;
	assert(k->n_rules < FAKE_KERNEL_MAX);
	k->rules[k->n_rules] = *r;
	k->rules[k->n_rules++].iif = name_of(k, r->iif);
	return 0;
}

static int del_rule(struct fake_kernel *k, const struct kernel_rule *r)
{
	for (size_t i = 0; i < k->n_rules; i++) {
		if (!alike(&k->rules[i], r))
			continue;
		memmove(&k->rules[i], &k->rules[i + 1], (k->n_rules - i - 1) * sizeof(*k->rules));
		k->n_rules--;
		return 0;
	}
	return -ENOENT;
}

static int do_op(struct fake_kernel *k, const struct kernel_op *op)
{
	switch (op->verb) {
	case KERNEL_PUT_ROUTE:
		return put_route(k, &op->route);
	case KERNEL_DEL_ROUTE:
		return del_route(k, &op->route);
	case KERNEL_PUT_RULE:
		return put_rule(k, &op->rule);
	case KERNEL_DEL_RULE:
		return del_rule(k, &op->rule);
	}
	return -EINVAL;
}

static void apply(void *ctx, const struct kernel_op *ops, size_t n, int *errors)
{
	struct fake_kernel *k = ctx;
	bool is_lost = false;

	for (size_t i = 0; i < n; i++) {
		k->n_ops++;
		is_lost |= k->n_ops == k->lost_at;
		errors[i] = k->n_ops == k->fails_at ? -EPERM : do_op(k, &ops[i]);
		if (is_lost)
			errors[i] = -ENOBUFS;
	}
}

struct kernel_sink fake_kernel_sink(struct fake_kernel *k)
{
	static const struct kernel_ops ops = {.dump = dump, .apply = apply};

	return (struct kernel_sink){.ops = &ops, .ctx = k};
}
