// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is in place is computed, not asked for again: what the dump had, with what was done since.
 * An operation that failed leaves its group unplaced, and the next pass begins with a dump anyway.
 */
#include "plan/plan_kernel_pass.h"

#include "base/sorted.h"
#include "plan/plan_sort.h"

#include <assert.h>
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

struct kernel_pass {
	struct arena *arena;          /* of the pass alone; owned */
	struct plan_blackholes asked; /* by which names and VRFs they are wanted; no prefixes */
	struct kernel_scope scope;
	struct kernel_picture want, before, have;
	struct kernel_changes changes;
	int error; /* of the dump */
	int *errors;
	bool clashes[IP_N_FAMILIES][KERNEL_GROUPS];
	int rule_errors[IP_N_FAMILIES][KERNEL_GROUPS]; /* one of each group's rules */
};

static void note_failures(struct kernel_pass *p, struct kernel_state *s)
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
	assert(s->n_repaired <= s->n_done && s->n_done + s->n_failed <= p->changes.n);
	s->repaired += s->n_repaired;
	for (size_t i = 0; i < p->changes.n_clashes; i++) {
		const struct kernel_clash *c = &p->changes.clashes[i];

		p->clashes[c->family][c->group] = true;
	}
}

/* What became of it; 0: it was not tried, or done. */
static int error_of(const struct kernel_pass *p, const struct kernel_op *op)
{
	const struct kernel_op *found =
		sorted_find(op, p->changes.ops, p->changes.n, sizeof(*found), kernel_op_cmp);

	return found ? p->errors[found - p->changes.ops] : 0;
}

static int route_error(const struct kernel_pass *p, const struct kernel_route *route)
{
	const struct kernel_op op = {.verb = KERNEL_PUT_ROUTE, .route = *route};

	return error_of(p, &op);
}

static int rule_error(const struct kernel_pass *p, const struct kernel_rule *rule)
{
	const struct kernel_op op = {.verb = KERNEL_PUT_RULE, .rule = *rule};

	return error_of(p, &op);
}

static int cmp_blackhole(const void *a, const void *b)
{
	const struct kernel_blackhole *x = a, *y = b;

	const int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	return cmp ? cmp : (x->domain > y->domain) - (x->domain < y->domain);
}

static struct kernel_blackhole judge(const struct kernel_pass *p, const struct kernel_route *route)
{
	const enum ip_family family = ip_family_of(&route->to.addr);
	const uint16_t group = kernel_route_group(route);
	struct kernel_blackhole ret = {.prefix = route->to};
	int error;
	uint8_t len;

	(void)kernel_table_is_for(route->table, &ret.domain, &len);
	if (p->clashes[family][group])
		return ret;
	error = route_error(p, route);
	assert(error <= 0 && error >= INT16_MIN);
	ret.has_route = error == 0 && route->metric == KERNEL_METRIC;
	if (p->rule_errors[family][group])
		error = p->rule_errors[family][group];
	ret.error = (int16_t)error;
	ret.is_placed = error == 0;
	return ret;
}

/* Nothing could be looked at, so it is there if it was. */
static struct kernel_blackhole unseen(const struct kernel_state *s,
				      const struct kernel_route *route)
{
	struct kernel_blackhole ret = {.prefix = route->to, .error = (int16_t)s->error};
	const struct kernel_blackhole *was;
	uint8_t len;

	assert(s->error < 0);
	(void)kernel_table_is_for(route->table, &ret.domain, &len);
	was = sorted_find(&ret, s->blackholes, s->n_blackholes, sizeof(*was), cmp_blackhole);
	ret.has_route = was && was->has_route;
	return ret;
}

/* Ours and there, as far as they are wanted, as what was last known is until it can be looked at.
 */
static void keep_rules(struct kernel_state *s, const struct kernel_pass *p)
{
	const struct kernel_rule *from = s->error ? s->rules : p->want.rules;
	const size_t n = s->error ? s->n_rules : p->want.n_rules;
	struct kernel_rule *rules = arena_array_of(s->arena, n, struct kernel_rule);

	s->n_rules = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kernel_rule *r = &from[i];

		if (!s->error &&
		    (p->clashes[r->family][kernel_rule_group(r)] || rule_error(p, r) != 0))
			continue;
		rules[s->n_rules] = *r;
		rules[s->n_rules++].iif = arena_strdup(s->arena, r->iif);
	}
	s->rules = rules;
}

static void keep_clashes(const struct kernel_pass *p, struct kernel_state *s)
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

static int cmp_table(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Where something of ours may lie in VRFs: what is wanted, and what could not be taken away. */
static void keep_tables(struct kernel_state *s, const struct kernel_pass *p)
{
	const size_t before = s->error ? s->n_tables : 0;
	uint32_t *tables =
		arena_array_of(p->arena, p->want.n_routes + p->changes.n + before, uint32_t);
	size_t n = 0;

	for (size_t i = 0; i < before; i++)
		tables[n++] = s->tables[i];
	for (size_t i = 0; i < p->want.n_routes; i++)
		tables[n++] = p->want.routes[i].table;
	for (size_t i = 0; i < p->changes.n; i++)
		if (p->changes.ops[i].verb == KERNEL_DEL_ROUTE && p->errors[i] != 0)
			tables[n++] = p->changes.ops[i].route.table;
	s->n_tables = plan_sort_unique(tables, n, sizeof(*tables), cmp_table);
	while (s->n_tables > 0 && kernel_is_our_table(tables[0])) { /* they come first */
		tables++;
		s->n_tables--;
	}
	s->tables = arena_memdup(s->arena, tables, s->n_tables * sizeof(*tables));
}

static void keep_vrfs(struct kernel_state *s, const struct plan_blackholes *want)
{
	struct plan_vrf *vrfs = arena_memdup(s->arena, want->vrfs, want->n_vrfs * sizeof(*vrfs));

	for (size_t i = 0; i < want->n_vrfs; i++)
		vrfs[i].name = arena_strdup(s->arena, vrfs[i].name);
	s->vrfs = vrfs;
	s->n_vrfs = want->n_vrfs;
}

/* What the pass found out, in a new arena, for what could not be looked at is as in the old one. */
static void keep(struct kernel_state *s, const struct kernel_pass *p)
{
	const struct plan_blackholes *want = &p->asked;
	struct arena *old = s->arena;
	struct kernel_blackhole *blackholes;
	const size_t n = p->want.n_routes;
	const char **uplinks;

	s->arena = arena_new();
	keep_rules(s, p);
	blackholes = arena_array_of(s->arena, n, struct kernel_blackhole);
	for (size_t i = 0; i < n; i++)
		blackholes[i] =
			s->error ? unseen(s, &p->want.routes[i]) : judge(p, &p->want.routes[i]);
	plan_sort(blackholes, n, sizeof(*blackholes), cmp_blackhole);
	s->blackholes = blackholes;
	s->n_blackholes = n;
	uplinks = arena_array_of(s->arena, want->n_uplinks, const char *);
	for (size_t i = 0; i < want->n_uplinks; i++)
		uplinks[i] = arena_strdup(s->arena, want->uplinks[i]);
	s->uplinks = uplinks;
	s->n_uplinks = want->n_uplinks;
	keep_vrfs(s, want);
	keep_tables(s, p);
	keep_clashes(p, s);
	arena_free(old);
}

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The devices that rules of ours are for. */
static void read_devices(const struct kernel_picture *ours, struct arena *arena,
			 struct plan_blackholes *ret)
{
	const char **uplinks = arena_array_of(arena, ours->n_rules, const char *);
	struct plan_vrf *vrfs = arena_array_of(arena, ours->n_rules, struct plan_vrf);
	size_t n_uplinks = 0, n_vrfs = 0;

	for (size_t i = 0; i < ours->n_rules; i++) {
		const struct kernel_rule *r = &ours->rules[i];
		struct plan_vrf vrf = {.name = r->iif, .is_member = r->family == IP_V4};
		uint8_t len;

		if (r->iif[0] == '\0')
			continue;
		if (kernel_rule_group(r) <= KERNEL_GROUP_VRF)
			uplinks[n_uplinks++] = r->iif;
		else if (kernel_table_is_for(r->table, &vrf.domain, &len))
			vrfs[n_vrfs++] = vrf;
	}
	ret->n_uplinks = plan_sort_unique(uplinks, n_uplinks, sizeof(*uplinks), cmp_text);
	ret->uplinks = uplinks;
	ret->n_vrfs = plan_sort_unique(vrfs, n_vrfs, sizeof(*vrfs), cmp_text);
	ret->vrfs = vrfs;
}

struct kernel_pass *kernel_adoption_new(void)
{
	struct arena *arena = arena_new();
	struct kernel_pass *p = arena_alloc(arena, 1, sizeof(*p));

	*p = (struct kernel_pass){.arena = arena, .scope.everything = true};
	return p;
}

/* What is there is what was wanted. */
static void take_for_wanted(struct kernel_pass *p)
{
	if (p->error)
		return;
	p->want = kernel_ours(p->arena, &p->have);
	read_devices(&p->want, p->arena, &p->asked);
}

/* Those of VRFs that are to be in use, or were: there are too many to look into all. */
static struct kernel_scope scope_of(const struct kernel_pass *p, const struct kernel_state *s)
{
	uint32_t *tables = arena_array_of(p->arena, p->want.n_routes + s->n_tables, uint32_t);
	struct kernel_scope ret = {.tables = tables};

	for (size_t i = 0; i < s->n_tables; i++)
		tables[ret.n++] = s->tables[i];
	for (size_t i = 0; i < p->want.n_routes; i++)
		if (!kernel_is_our_table(p->want.routes[i].table))
			tables[ret.n++] = p->want.routes[i].table;
	ret.n = plan_sort_unique(tables, ret.n, sizeof(*tables), cmp_table);
	return ret;
}

static void do_some(struct kernel_pass *p, const struct kernel_sink *sink, size_t n_max)
{
	const size_t n = p->changes.n < n_max ? p->changes.n : n_max;

	p->errors = arena_array_of(p->arena, p->changes.n, int);
	for (size_t i = n; i < p->changes.n; i++)
		p->errors[i] = -EINPROGRESS;
	if (n > 0)
		sink->ops->apply(sink->ctx, p->changes.ops, n, p->errors);
}

/* What was last known to be ours and in place. */
static struct kernel_picture placed(const struct kernel_state *s, struct arena *arena)
{
	struct kernel_picture ret = {
		.routes = arena_array_of(arena, s->n_blackholes, struct kernel_route),
		.rules = arena_memdup(arena, s->rules, s->n_rules * sizeof(*s->rules)),
		.n_rules = s->n_rules};

	for (size_t i = 0; i < s->n_blackholes; i++)
		if (s->blackholes[i].has_route)
			ret.routes[ret.n_routes++] = kernel_blackhole_route(
				&s->blackholes[i].prefix, s->blackholes[i].domain);
	kernel_picture_sort(&ret);
	return ret;
}

/* What a pass needs of it: the plan may go meanwhile. */
static void copy_asked(struct kernel_pass *p, const struct plan_blackholes *want)
{
	struct plan_vrf *vrfs = arena_memdup(p->arena, want->vrfs, want->n_vrfs * sizeof(*vrfs));
	const char **uplinks = arena_array_of(p->arena, want->n_uplinks, const char *);

	for (size_t i = 0; i < want->n_vrfs; i++)
		vrfs[i].name = arena_strdup(p->arena, vrfs[i].name);
	for (size_t i = 0; i < want->n_uplinks; i++)
		uplinks[i] = arena_strdup(p->arena, want->uplinks[i]);
	p->asked = *want;
	p->asked.vrfs = vrfs;
	p->asked.uplinks = uplinks;
	p->want = kernel_want(p->arena, &p->asked);
	p->asked.prefixes = NULL;
	p->asked.in_vrfs = NULL;
	p->asked.pods = NULL;
	p->asked.n = p->asked.n_in_vrfs = p->asked.n_pods = 0;
}

struct kernel_pass *kernel_pass_new(const struct kernel_state *s,
				    const struct plan_blackholes *want)
{
	struct arena *arena = arena_new();
	struct kernel_pass *p = arena_alloc(arena, 1, sizeof(*p));

	*p = (struct kernel_pass){.arena = arena};
	copy_asked(p, want);
	p->scope = scope_of(p, s);
	p->before = placed(s, arena);
	return p;
}

void kernel_pass_run(struct kernel_pass *p, const struct kernel_sink *sink, size_t n_max)
{
	p->error = sink->ops->dump(sink->ctx, &p->scope, p->arena, &p->have);
	if (p->error)
		return;
	kernel_picture_sort(&p->have);
	if (p->scope.everything)
		return;
	kernel_changes(&p->want, &p->have, &p->before, p->arena, &p->changes);
	do_some(p, sink, n_max);
}

void kernel_pass_end(struct kernel_state *s, struct kernel_pass *p)
{
	s->n_done = s->n_failed = s->n_repaired = 0;
	s->first_error = 0;
	s->is_under_way = false;
	s->error = p->error;
	if (p->scope.everything)
		take_for_wanted(p);
	else if (p->error == 0)
		note_failures(p, s);
	/* An adoption that failed leaves things as they are: nothing is known. */
	if (!p->scope.everything || p->error == 0)
		keep(s, p);
	arena_free(p->arena);
}

bool kernel_adopt(struct kernel_state *s, const struct kernel_sink *sink)
{
	struct kernel_pass *p = kernel_adoption_new();

	kernel_pass_run(p, sink, 0);
	kernel_pass_end(s, p);
	return s->error == 0;
}

void kernel_pass(struct kernel_state *s, const struct kernel_sink *sink,
		 const struct plan_blackholes *want, size_t n_max)
{
	struct kernel_pass *p = kernel_pass_new(s, want);

	kernel_pass_run(p, sink, n_max);
	kernel_pass_end(s, p);
}

static size_t count_in_vrfs(const struct kernel_state *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_blackholes; i++)
		n += s->blackholes[i].domain != 0;
	return n;
}

/* It is left, which may be done before it is known to be. */
static bool goes(const struct kernel_pass *under_way, const struct kernel_blackhole *b)
{
	const struct kernel_route route = kernel_blackhole_route(&b->prefix, b->domain);
	const struct kernel_picture *want = under_way ? &under_way->want : NULL;

	return want &&
	       !sorted_find(&route, want->routes, want->n_routes, sizeof(route), kernel_route_cmp);
}

struct plan_blackholes kernel_tried(const struct kernel_state *s,
				    const struct kernel_pass *under_way, struct arena *arena)
{
	const size_t n_in_vrfs = count_in_vrfs(s);
	struct ip_prefix *prefixes =
		arena_array_of(arena, s->n_blackholes - n_in_vrfs, struct ip_prefix);
	struct plan_vrf_blackhole *in_vrfs =
		arena_array_of(arena, n_in_vrfs, struct plan_vrf_blackhole);
	const char **uplinks = arena_array_of(arena, s->n_uplinks, const char *);
	struct plan_blackholes ret = {.prefixes = prefixes,
				      .uplinks = uplinks,
				      .n_uplinks = s->n_uplinks,
				      .in_vrfs = in_vrfs};

	for (size_t i = 0; i < s->n_blackholes; i++) {
		const struct kernel_blackhole *b = &s->blackholes[i];

		if (b->error == -EINPROGRESS || goes(under_way, b))
			continue;
		if (b->domain)
			in_vrfs[ret.n_in_vrfs++] = (struct plan_vrf_blackhole){.prefix = b->prefix,
									       .domain = b->domain};
		else
			prefixes[ret.n++] = b->prefix;
	}
	for (size_t i = 0; i < s->n_uplinks; i++)
		uplinks[i] = arena_strdup(arena, s->uplinks[i]);
	return ret;
}

bool kernel_receives(const struct kernel_state *s, enum ip_family family)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		n += s->rules[i].family == family &&
		     kernel_rule_group(&s->rules[i]) == KERNEL_GROUP_RECEIVED;
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

/* What is not placed for it: "blackholes for IPv4 prefixes of length 24 (...)". */
static const char *group_text(const struct kernel_clash *c, char *buf, size_t size)
{
	const char *family = ip_family_text(c->family);
	const unsigned bits = ip_family_bits(c->family), len = c->group - KERNEL_GROUP_VRF;

	if (c->group == KERNEL_GROUP_TO_POD)
		snprintf(buf, size, "%s rules from VRFs to pods (priority %u)", family,
			 KERNEL_TO_POD);
	else if (c->group == KERNEL_GROUP_FROM_POD)
		snprintf(buf, size, "%s rules from pods to VRFs (priority %u)", family,
			 KERNEL_FROM_POD);
	else if (c->group > KERNEL_GROUP_VRF)
		snprintf(buf, size,
			 "blackholes in VRFs for %s prefixes of length %u (priorities %u and the "
			 "next)",
			 family, len, KERNEL_VRF_RULES + 2 * (bits - len));
	else
		snprintf(buf, size,
			 "blackholes for %s prefixes of length %u (table %u, priorities %u and the "
			 "next)",
			 family, c->group, KERNEL_TABLES + c->group,
			 KERNEL_RULES + 2 * (bits - c->group));
	return buf;
}

static void clash_problem(const struct kernel_clash *c, const char *node, struct problems *list)
{
	const struct object_ref ref = {.kind = "Node", .name = node};
	const bool is_of_pods = c->group >= KERNEL_GROUP_TO_POD; /* of the two */
	char clash[KERNEL_CLASH_TEXT], group[KERNEL_CLASH_TEXT];
	const struct problem_text text = {
		.field = is_of_pods ? "spec.vrf" : "blackholes",
		.reason = c->rule ? "RulePriorityTaken" : "RouteTableTaken",
		.remedy = is_of_pods ? "give that rule another priority"
			  : c->rule  ? "give that rule another priority, or set "
				       "spec.netlink.blackholes: off"
				     : "move that route into another table, or set "
				       "spec.netlink.blackholes: off",
	};

	problem_add(list, SEVERITY_WARNING, &ref, &text,
		    "%s is in the way of our %s; they are not placed", kernel_clash_text(c, clash),
		    group_text(c, group, sizeof(group)));
}

void kernel_clash_problems(const struct kernel_state *s, const char *node, struct problems *list)
{
	for (size_t i = 0; i < s->n_clashes; i++)
		if (s->clashes[i].group == KERNEL_GROUP_RECEIVED)
			receiving_clash_problem(&s->clashes[i], node, list);
		else
			clash_problem(&s->clashes[i], node, list);
}
