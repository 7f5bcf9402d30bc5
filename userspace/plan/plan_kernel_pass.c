// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is in place is computed, not asked for again: what the dump had, with what was done since.
 * An operation that failed leaves its group unplaced, and the next pass begins with a dump anyway.
 */
#include "plan/plan_kernel_pass.h"

#include "base/sorted.h"
#include "plan/plan_sort.h"

#include <errno.h>

void kernel_state_init(struct kernel_state *s)
{
	*s = (struct kernel_state){.arena = arena_new()};
}

void kernel_state_done(struct kernel_state *s)
{
	arena_free(s->arena);
	*s = (struct kernel_state){0};
}

struct pass {
	struct arena *arena; /* of the pass alone */
	struct kernel_picture want, have;
	struct kernel_changes changes;
	int *errors;
	bool clashes[IP_N_FAMILIES][KERNEL_GROUPS];
	int rule_errors[IP_N_FAMILIES][KERNEL_GROUPS]; /* one of each group's rules */
};

static void note_failures(struct pass *p, struct kernel_state *s)
{
	for (size_t i = 0; i < p->changes.n; i++) {
		const struct kernel_op *op = &p->changes.ops[i];

		if (p->errors[i] == 0) {
			s->n_done++;
			s->n_repaired += op->is_repair;
			continue;
		}
		if (p->errors[i] == -EINPROGRESS) {
			s->is_under_way = true;
		} else {
			s->n_failed++;
			s->first_error = s->first_error ? s->first_error : p->errors[i];
		}
		if (op->verb == KERNEL_PUT_RULE)
			p->rule_errors[op->rule.family][kernel_rule_group(&op->rule)] =
				p->errors[i];
	}
	s->repaired += s->n_repaired;
	for (size_t i = 0; i < p->changes.n_clashes; i++) {
		const struct kernel_clash *c = &p->changes.clashes[i];

		p->clashes[c->family][c->len] = true;
	}
}

/* What became of it; 0: it was not tried, or done. */
static int error_of(const struct pass *p, const struct kernel_op *op)
{
	const struct kernel_op *found =
		sorted_find(op, p->changes.ops, p->changes.n, sizeof(*found), kernel_op_cmp);

	return found ? p->errors[found - p->changes.ops] : 0;
}

static int route_error(const struct pass *p, const struct kernel_route *route)
{
	const struct kernel_op op = {.verb = KERNEL_PUT_ROUTE, .route = *route};

	return error_of(p, &op);
}

static int rule_error(const struct pass *p, const struct kernel_rule *rule)
{
	const struct kernel_op op = {.verb = KERNEL_PUT_RULE, .rule = *rule};

	return error_of(p, &op);
}

static struct kernel_blackhole judge(const struct pass *p, int dump_error,
				     const struct kernel_route *route)
{
	const enum ip_family family = ip_family_of(&route->to.addr);
	struct kernel_blackhole ret = {.prefix = route->to};

	if (p->clashes[family][route->to.len])
		return ret;
	ret.error = dump_error ? dump_error : p->rule_errors[family][route->to.len];
	if (ret.error == 0)
		ret.error = route_error(p, route);
	ret.is_placed = ret.error == 0;
	return ret;
}

/* Ours and there, as far as it is wanted: what of it is missing next time, somebody took away. */
static struct kernel_picture placed(const struct pass *p)
{
	struct kernel_picture ret = {
		.routes = arena_array_of(p->arena, p->want.n_routes, struct kernel_route),
		.rules = arena_array_of(p->arena, p->want.n_rules, struct kernel_rule)};

	for (size_t i = 0; i < p->want.n_routes; i++) {
		const struct kernel_route *r = &p->want.routes[i];

		if (!p->clashes[ip_family_of(&r->to.addr)][r->to.len] && route_error(p, r) == 0)
			ret.routes[ret.n_routes++] = *r;
	}
	for (size_t i = 0; i < p->want.n_rules; i++) {
		const struct kernel_rule *r = &p->want.rules[i];

		if (!p->clashes[r->family][kernel_rule_group(r)] && rule_error(p, r) == 0)
			ret.rules[ret.n_rules++] = *r;
	}
	return ret;
}

static void keep_clashes(const struct pass *p, struct kernel_state *s)
{
	s->n_clashes = p->changes.n_clashes;
	s->clashes = arena_memdup(s->arena, p->changes.clashes, s->n_clashes * sizeof(*s->clashes));
	for (size_t i = 0; i < s->n_clashes; i++) {
		struct kernel_clash *c = &s->clashes[i];
		struct kernel_rule *rule;

		if (!c->rule) {
			c->route = arena_memdup(s->arena, c->route, sizeof(*c->route));
			continue;
		}
		rule = arena_memdup(s->arena, c->rule, sizeof(*rule));
		rule->iif = arena_strdup(s->arena, rule->iif);
		c->rule = rule;
	}
}

static int cmp_blackhole(const void *a, const void *b)
{
	const struct kernel_blackhole *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix);
}

/* What the pass found out, in a new arena, for the names in the old one may be wanted still. */
static void keep(struct kernel_state *s, const struct pass *p, const struct plan_blackholes *want)
{
	struct arena *old = s->arena;
	struct kernel_blackhole *blackholes;
	const struct kernel_picture now = s->error ? s->placed : placed(p);
	const char **uplinks;

	s->arena = arena_new();
	s->placed = kernel_picture_copy(s->arena, &now);
	s->n_blackholes = p->want.n_routes;
	blackholes = arena_array_of(s->arena, s->n_blackholes, struct kernel_blackhole);
	for (size_t i = 0; i < s->n_blackholes; i++)
		blackholes[i] = judge(p, s->error, &p->want.routes[i]);
	plan_sort(blackholes, s->n_blackholes, sizeof(*blackholes), cmp_blackhole);
	s->blackholes = blackholes;
	uplinks = arena_array_of(s->arena, want->n_uplinks, const char *);
	for (size_t i = 0; i < want->n_uplinks; i++)
		uplinks[i] = arena_strdup(s->arena, want->uplinks[i]);
	s->uplinks = uplinks;
	s->n_uplinks = want->n_uplinks;
	keep_clashes(p, s);
	arena_free(old);
}

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool kernel_adopt(struct kernel_state *s, const struct kernel_sink *sink)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct pass p = {.arena = arena};
	struct plan_blackholes as = {0};
	const char **uplinks;

	s->error = sink->ops->dump(sink->ctx, arena, &p.have);
	if (s->error)
		return false;
	kernel_picture_sort(&p.have);
	p.want = kernel_ours(arena, &p.have);
	uplinks = arena_array_of(arena, p.want.n_rules, const char *);
	for (size_t i = 0; i < p.want.n_rules; i++)
		if (p.want.rules[i].iif[0] != '\0')
			uplinks[as.n_uplinks++] = p.want.rules[i].iif;
	as.n_uplinks = plan_sort_unique(uplinks, as.n_uplinks, sizeof(*uplinks), cmp_text);
	as.uplinks = uplinks;
	keep(s, &p, &as);
	return true;
}

static void do_some(struct pass *p, const struct kernel_sink *sink, size_t n_max)
{
	const size_t n = p->changes.n < n_max ? p->changes.n : n_max;

	p->errors = arena_array_of(p->arena, p->changes.n, int);
	for (size_t i = n; i < p->changes.n; i++)
		p->errors[i] = -EINPROGRESS;
	if (n > 0)
		sink->ops->apply(sink->ctx, p->changes.ops, n, p->errors);
}

void kernel_pass(struct kernel_state *s, const struct kernel_sink *sink,
		 const struct plan_blackholes *want, size_t n_max)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct pass p = {.arena = arena};

	s->n_done = s->n_failed = s->n_repaired = 0;
	s->first_error = 0;
	s->is_under_way = false;
	p.want = kernel_want(arena, want);
	s->error = sink->ops->dump(sink->ctx, arena, &p.have);
	if (s->error == 0) {
		kernel_picture_sort(&p.have);
		kernel_changes(&p.want, &p.have, &s->placed, arena, &p.changes);
		do_some(&p, sink, n_max);
		note_failures(&p, s);
	}
	keep(s, &p, want);
}

struct plan_blackholes kernel_tried(const struct kernel_state *s, struct arena *arena)
{
	struct ip_prefix *prefixes = arena_array_of(arena, s->n_blackholes, struct ip_prefix);
	const char **uplinks = arena_array_of(arena, s->n_uplinks, const char *);
	size_t n = 0;

	for (size_t i = 0; i < s->n_blackholes; i++)
		if (s->blackholes[i].error != -EINPROGRESS)
			prefixes[n++] = s->blackholes[i].prefix;
	for (size_t i = 0; i < s->n_uplinks; i++)
		uplinks[i] = arena_strdup(arena, s->uplinks[i]);
	return (struct plan_blackholes){
		.prefixes = prefixes, .n = n, .uplinks = uplinks, .n_uplinks = s->n_uplinks};
}

bool kernel_receives(const struct kernel_state *s, enum ip_family family)
{
	size_t n = 0;

	for (size_t i = 0; i < s->placed.n_rules; i++)
		n += s->placed.rules[i].family == family &&
		     kernel_rule_group(&s->placed.rules[i]) == KERNEL_GROUP_RECEIVED;
	return n == 2;
}

/* --- problems -------------------------------------------------------------------------------- */

static void receiving_clash_problem(const struct kernel_clash *c, const char *node,
				    struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = node};
	char clash[KERNEL_CLASH_TEXT];
	const struct problem_text text = {
		.field = "received routes",
		.reason = "RulePriorityTaken",
		.remedy = "give that rule another priority",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "%s is in the way of ours, which lead to received %s routes (priorities %u and "
		    "the next, table %u); they are not followed",
		    kernel_clash_text(c, clash), ip_family_text(c->family), KERNEL_RECEIVED_RULES,
		    KERNEL_RECEIVED_TABLE);
}

static void clash_problem(const struct kernel_clash *c, const char *node, struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = node};
	char clash[KERNEL_CLASH_TEXT];
	const struct problem_text text = {
		.field = "blackholes",
		.reason = c->rule ? "RulePriorityTaken" : "RouteTableTaken",
		.remedy = c->rule ? "give that rule another priority, or set "
				    "spec.netlink.blackholes: off"
				  : "move that route into another table, or set "
				    "spec.netlink.blackholes: off",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "%s is in the way of our blackholes for %s prefixes of length %u (table %u, "
		    "priorities %u and the next); they are not placed",
		    kernel_clash_text(c, clash), ip_family_text(c->family), c->len,
		    KERNEL_TABLES + c->len,
		    KERNEL_RULES + 2 * (unsigned)(ip_family_bits(c->family) - c->len));
}

void kernel_clash_problems(const struct kernel_state *s, const char *node, struct problems *list)
{
	for (size_t i = 0; i < s->n_clashes; i++)
		if (s->clashes[i].len == KERNEL_GROUP_RECEIVED)
			receiving_clash_problem(&s->clashes[i], node, list);
		else
			clash_problem(&s->clashes[i], node, list);
}
