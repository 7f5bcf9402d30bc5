// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Two merges, of routes and of rules, between what is wanted and what of the picture is ours. A
 * group in which somebody else is counts as not wanted.
 */
#include "plan/plan_kernel.h"

#include "plan/plan_sort.h"

#include <assert.h>

/* --- order ----------------------------------------------------------------------------------- */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

int kernel_route_cmp(const void *a, const void *b)
{
	const struct kernel_route *x = a, *y = b;
	int cmp = ORDER(x->table, y->table);

	if (cmp == 0)
		cmp = ip_prefix_cmp(&x->to, &y->to);
	if (cmp == 0)
		cmp = ORDER(x->metric, y->metric);
	if (cmp == 0)
		cmp = ORDER(x->protocol, y->protocol);
	return cmp ? cmp : x->blackhole - y->blackhole;
}

static int cmp_condition(const struct kernel_rule *x, const struct kernel_rule *y)
{
	int cmp = ip_prefix_cmp(&x->from, &y->from);

	if (cmp == 0)
		cmp = ip_prefix_cmp(&x->to, &y->to);
	if (cmp == 0)
		cmp = ORDER(x->ipproto, y->ipproto);
	return cmp ? cmp : ORDER(x->sport, y->sport);
}

static int cmp_rule(const void *a, const void *b)
{
	const struct kernel_rule *x = a, *y = b;
	int cmp = ORDER(x->family, y->family);

	if (cmp == 0)
		cmp = ORDER(x->priority, y->priority);
	if (cmp == 0)
		cmp = ORDER(x->table, y->table);
	if (cmp == 0)
		cmp = ORDER(x->suppress, y->suppress);
	if (cmp == 0)
		cmp = strcmp(x->iif, y->iif);
	if (cmp == 0)
		cmp = cmp_condition(x, y);
	if (cmp == 0)
		cmp = ORDER(x->protocol, y->protocol);
	return cmp ? cmp : x->odd - y->odd;
}

void kernel_picture_sort(struct kernel_picture *p)
{
	p->n_routes =
		plan_sort_unique(p->routes, p->n_routes, sizeof(*p->routes), kernel_route_cmp);
	p->n_rules = plan_sort_unique(p->rules, p->n_rules, sizeof(*p->rules), cmp_rule);
}

int plan_vrf_blackhole_cmp(const void *a, const void *b)
{
	const struct plan_vrf_blackhole *x = a, *y = b;
	const int cmp = ip_prefix_cmp(&x->prefix, &y->prefix);

	return cmp ? cmp : ORDER(x->domain, y->domain);
}

int plan_vrf_pod_cmp(const void *a, const void *b)
{
	const struct plan_vrf_pod *x = a, *y = b;
	int cmp = ORDER(x->domain, y->domain);

	if (cmp == 0)
		cmp = ip_addr_cmp(&x->addr, &y->addr);
	if (cmp == 0)
		cmp = ORDER(x->proto, y->proto);
	return cmp ? cmp : ORDER(x->port, y->port);
}

/* --- groups ---------------------------------------------------------------------------------- */

bool kernel_table_is_for(uint32_t table, uint16_t *ret_domain, uint8_t *ret_len)
{
	const uint32_t behind = table - KERNEL_VRF_TABLES;

	if (kernel_is_our_table(table)) {
		*ret_domain = 0;
		*ret_len = (uint8_t)(table - KERNEL_TABLES);
		return true;
	}
	if (table < KERNEL_VRF_TABLES || behind / 1000 == 0 || behind / 1000 >= UINT16_MAX ||
	    behind % 1000 == 0 || behind % 1000 > 128)
		return false;
	*ret_domain = (uint16_t)(behind / 1000);
	*ret_len = (uint8_t)(behind % 1000);
	return true;
}

uint32_t kernel_table_of(uint16_t domain, uint8_t len)
{
	assert(len > 0 && len <= 128);
	return domain ? KERNEL_VRF_TABLES + 1000u * domain + len : KERNEL_TABLES + len;
}

uint16_t kernel_route_group(const struct kernel_route *r)
{
	uint16_t domain;
	uint8_t len;

	if (!kernel_table_is_for(r->table, &domain, &len))
		return 0;
	return (uint16_t)(domain ? KERNEL_GROUP_VRF + len : len);
}

/* Of a family of 32 bits the priorities behind the last pair are nobody's. */
static uint16_t length_at(const struct kernel_rule *r, uint32_t first)
{
	const uint8_t bits = ip_family_bits(r->family);
	const uint32_t pair = (r->priority - first) / 2;

	return pair < bits ? (uint16_t)(bits - pair) : 0;
}

uint16_t kernel_rule_group(const struct kernel_rule *r)
{
	uint16_t len = 0;

	if (r->priority == KERNEL_RECEIVED_RULES || r->priority == KERNEL_RECEIVED_RULES + 1)
		return KERNEL_GROUP_RECEIVED;
	if (r->priority == KERNEL_TO_POD)
		return KERNEL_GROUP_TO_POD;
	if (r->priority == KERNEL_FROM_POD)
		return KERNEL_GROUP_FROM_POD;
	if (r->priority - KERNEL_RULES < 256)
		return length_at(r, KERNEL_RULES);
	if (r->priority - KERNEL_VRF_RULES < 256)
		len = length_at(r, KERNEL_VRF_RULES);
	return (uint16_t)(len ? KERNEL_GROUP_VRF + len : 0);
}

static bool is_host(const struct kernel_rule *r, const struct ip_prefix *p)
{
	return p->len == ip_family_bits(r->family) && ip_family_of(&p->addr) == r->family;
}

static bool has_no_condition(const struct kernel_rule *r)
{
	return r->from.len == 0 && r->to.len == 0 && r->ipproto == 0 && r->sport == 0;
}

/* One of a pair for blackholes of a length; in a VRF main's place is its table's, whichever. */
static bool is_of_pair(const struct kernel_rule *r, uint32_t first, uint8_t len)
{
	const bool in_vrf = first == KERNEL_VRF_RULES;
	uint16_t domain;
	uint8_t its_len;

	if (!has_no_condition(r) || r->iif[0] == '\0')
		return false;
	if ((r->priority - first) % 2 == 0)
		return (in_vrf || r->table == KERNEL_MAIN) && r->suppress == len - 1;
	return r->suppress == -1 && kernel_table_is_for(r->table, &domain, &its_len) &&
	       its_len == len && (domain != 0) == in_vrf;
}

static bool is_receiving_rule(const struct kernel_rule *r)
{
	if (r->iif[0] != '\0' || !has_no_condition(r))
		return false;
	if (r->priority == KERNEL_RECEIVED_RULES)
		return r->table == KERNEL_MAIN && r->suppress == 0;
	return r->table == KERNEL_RECEIVED_TABLE && r->suppress == -1;
}

/* As kernel_want() makes it, for whatever device and pod. */
static bool is_our_rule(const struct kernel_rule *r)
{
	const uint16_t group = kernel_rule_group(r);

	if (group == 0 || r->protocol != KERNEL_PROTOCOL || r->odd)
		return false;
	if (group == KERNEL_GROUP_RECEIVED)
		return is_receiving_rule(r);
	if (group == KERNEL_GROUP_TO_POD)
		return r->iif[0] != '\0' && is_host(r, &r->to) && r->from.len == 0 &&
		       r->ipproto == 0 && r->sport == 0 && r->table == KERNEL_MAIN &&
		       r->suppress == -1;
	if (group == KERNEL_GROUP_FROM_POD)
		return r->iif[0] == '\0' && is_host(r, &r->from) && r->to.len == 0 &&
		       r->ipproto != 0 && r->sport != 0 && r->suppress == -1;
	if (group > KERNEL_GROUP_VRF)
		return is_of_pair(r, KERNEL_VRF_RULES, (uint8_t)(group - KERNEL_GROUP_VRF));
	return is_of_pair(r, KERNEL_RULES, (uint8_t)group);
}

/* Whatever its metric: FRR's zebra, which takes it for its own, may put another in its place. */
static bool is_our_route(const struct kernel_route *r)
{
	uint16_t domain;
	uint8_t len;

	return kernel_table_is_for(r->table, &domain, &len) && r->protocol == KERNEL_PROTOCOL &&
	       r->blackhole && r->to.len == len;
}

struct kernel_picture kernel_ours(struct arena *arena, const struct kernel_picture *have)
{
	struct kernel_picture ret = {
		.routes = arena_array_of(arena, have->n_routes, struct kernel_route),
		.rules = arena_array_of(arena, have->n_rules, struct kernel_rule)};

	for (size_t i = 0; i < have->n_routes; i++)
		if (is_our_route(&have->routes[i]))
			ret.routes[ret.n_routes++] = have->routes[i];
	for (size_t i = 0; i < have->n_rules; i++)
		if (is_our_rule(&have->rules[i]))
			ret.rules[ret.n_rules++] = have->rules[i];
	return ret;
}

/* --- clashes --------------------------------------------------------------------------------- */

const char *kernel_clash_text(const struct kernel_clash *c, char buf[KERNEL_CLASH_TEXT])
{
	char prefix[IP_PREFIX_TEXT];

	assert(!c->rule == (c->route != NULL)); /* one of both */
	if (c->rule)
		snprintf(buf, KERNEL_CLASH_TEXT, "an %s rule of protocol %u at priority %u%s%s",
			 ip_family_text(c->family), c->rule->protocol, c->rule->priority,
			 c->rule->iif[0] ? " for " : "", c->rule->iif);
	else
		snprintf(buf, KERNEL_CLASH_TEXT, "a route to %s of protocol %u in table %u",
			 ip_prefix_text(&c->route->to, prefix), c->route->protocol,
			 c->route->table);
	return buf;
}

struct changes_build {
	const struct kernel_picture *want, *have, *before;
	struct arena *arena;
	bool wanted[IP_N_FAMILIES][KERNEL_GROUPS], clashes[IP_N_FAMILIES][KERNEL_GROUPS];
	size_t cap_ops, cap_clashes;
	struct kernel_changes *ret;
};

static void add_clash(struct changes_build *b, const struct kernel_clash *c)
{
	assert(c->group > 0 && c->group < KERNEL_GROUPS);
	if (!b->wanted[c->family][c->group] || b->clashes[c->family][c->group])
		return;
	b->clashes[c->family][c->group] = true;
	*(struct kernel_clash *)arena_push(b->arena, &b->ret->clashes, &b->ret->n_clashes,
					   &b->cap_clashes, sizeof(*c)) = *c;
}

static void find_clashes(struct changes_build *b)
{
	for (size_t i = 0; i < b->want->n_routes; i++) {
		const struct kernel_route *r = &b->want->routes[i];

		assert(is_our_route(r)); /* or we should not know it again */
		b->wanted[ip_family_of(&r->to.addr)][kernel_route_group(r)] = true;
	}
	for (size_t i = 0; i < b->want->n_rules; i++) {
		const struct kernel_rule *r = &b->want->rules[i];

		assert(is_our_rule(r));
		b->wanted[r->family][kernel_rule_group(r)] = true;
	}
	for (size_t i = 0; i < b->have->n_rules; i++) {
		const struct kernel_rule *r = &b->have->rules[i];

		if (kernel_rule_group(r) && !is_our_rule(r))
			add_clash(b, &(struct kernel_clash){.family = r->family,
							    .group = kernel_rule_group(r),
							    .rule = r});
	}
	for (size_t i = 0; i < b->have->n_routes; i++) {
		const struct kernel_route *r = &b->have->routes[i];

		if (kernel_route_group(r) && !is_our_route(r))
			add_clash(b, &(struct kernel_clash){.family = ip_family_of(&r->to.addr),
							    .group = kernel_route_group(r),
							    .route = r});
	}
}

/* --- operations ------------------------------------------------------------------------------ */

/*
 * The kernel takes the first rule that is like the one to be deleted, without looking at whose it
 * is: one that cannot be told from somebody else's stays.
 */
static bool is_shadowed(const struct changes_build *b, const struct kernel_rule *rule)
{
	for (size_t i = 0; i < b->have->n_rules; i++) {
		const struct kernel_rule *r = &b->have->rules[i];

		if (!is_our_rule(r) && r->family == rule->family && r->priority == rule->priority &&
		    strcmp(r->iif, rule->iif) == 0 && cmp_condition(r, rule) == 0)
			return true;
	}
	return false;
}

static struct kernel_op *add_op(struct changes_build *b, enum kernel_verb verb)
{
	struct kernel_op *op =
		arena_push(b->arena, &b->ret->ops, &b->ret->n, &b->cap_ops, sizeof(*op));

	op->verb = verb;
	op->rule.iif = "";
	return op;
}

static void change_rule(struct changes_build *b, const struct diff_step *step)
{
	const struct kernel_picture *before = b->before;
	struct kernel_op *op;

	if (step->op == DIFF_ADD) {
		op = add_op(b, KERNEL_PUT_RULE);
		op->rule = *(const struct kernel_rule *)step->want;
		op->is_repair = sorted_find(&op->rule, before->rules, before->n_rules,
					    sizeof(op->rule), cmp_rule);
	} else if (!is_shadowed(b, step->have)) {
		add_op(b, KERNEL_DEL_RULE)->rule = *(const struct kernel_rule *)step->have;
	}
}

static void change_route(struct changes_build *b, const struct diff_step *step)
{
	const struct kernel_picture *before = b->before;
	struct kernel_op *op;

	if (step->op == DIFF_ADD) {
		op = add_op(b, KERNEL_PUT_ROUTE);
		op->route = *(const struct kernel_route *)step->want;
		op->is_repair = sorted_find(&op->route, before->routes, before->n_routes,
					    sizeof(op->route), kernel_route_cmp);
	} else {
		add_op(b, KERNEL_DEL_ROUTE)->route = *(const struct kernel_route *)step->have;
	}
}

static bool always_same(const void *want, const void *have)
{
	(void)want;
	(void)have;
	return true; /* all that they have is in their keys */
}

/* What is wanted of the groups in which nobody else is. */
static struct kernel_picture placeable(const struct changes_build *b)
{
	const struct kernel_picture *want = b->want;
	struct kernel_picture ret = {
		.routes = arena_array_of(b->arena, want->n_routes, struct kernel_route),
		.rules = arena_array_of(b->arena, want->n_rules, struct kernel_rule)};

	for (size_t i = 0; i < want->n_routes; i++) {
		const struct kernel_route *r = &want->routes[i];

		if (!b->clashes[ip_family_of(&r->to.addr)][kernel_route_group(r)])
			ret.routes[ret.n_routes++] = *r;
	}
	for (size_t i = 0; i < want->n_rules; i++) {
		const struct kernel_rule *r = &want->rules[i];

		if (!b->clashes[r->family][kernel_rule_group(r)])
			ret.rules[ret.n_rules++] = *r;
	}
	return ret;
}

static void change_all(struct changes_build *b)
{
	const struct kernel_picture want = placeable(b), have = kernel_ours(b->arena, b->have);
	struct diff rules = {.want = {want.rules, want.n_rules, sizeof(*want.rules)},
			     .have = {have.rules, have.n_rules, sizeof(*have.rules)},
			     .cmp = cmp_rule,
			     .same = always_same};
	struct diff routes = {.want = {want.routes, want.n_routes, sizeof(*want.routes)},
			      .have = {have.routes, have.n_routes, sizeof(*have.routes)},
			      .cmp = kernel_route_cmp,
			      .same = always_same};
	struct diff_step step;

	while (diff_next(&rules, &step))
		change_rule(b, &step);
	while (diff_next(&routes, &step))
		change_route(b, &step);
}

/* Of a pair of rules the second leads to blackholes: it comes last and goes first. */
int kernel_op_cmp(const void *a, const void *b)
{
	const struct kernel_op *x = a, *y = b;

	if (x->verb != y->verb)
		return ORDER(x->verb, y->verb);
	switch (x->verb) {
	case KERNEL_DEL_RULE:
		return cmp_rule(&y->rule, &x->rule);
	case KERNEL_PUT_RULE:
		return cmp_rule(&x->rule, &y->rule);
	case KERNEL_DEL_ROUTE:
	case KERNEL_PUT_ROUTE:
		break;
	}
	return kernel_route_cmp(&x->route, &y->route);
}

void kernel_changes(const struct kernel_picture *want, const struct kernel_picture *have,
		    const struct kernel_picture *before, struct arena *arena,
		    struct kernel_changes *ret)
{
	struct changes_build b = {
		.want = want, .have = have, .before = before, .arena = arena, .ret = ret};

	*ret = (struct kernel_changes){0};
	find_clashes(&b);
	change_all(&b);
	plan_sort(ret->ops, ret->n, sizeof(*ret->ops), kernel_op_cmp);
}
