// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Blackholes: what is wanted as routes and rules, and passes over a kernel in memory, with random
 * plans, random things of others, and messages that fail or are lost.
 */
#include "base/rng.h"
#include "fake/fake_kernel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RUNS 400

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix ret;

	assert_true(ip_prefix_parse(text, &ret));
	return ret;
}

/* "blackhole 10.0.0.0/8 table 19608, ..." and "19648: eth0 main>7, 19649: eth0 19608". */
static const char *routes_text(struct arena *arena, const struct kernel_route *r, size_t n)
{
	const char *ret = "";
	char prefix[IP_PREFIX_TEXT];

	for (size_t i = 0; i < n; i++)
		ret = arena_printf(arena, "%s%s%s@%u", ret, i ? " " : "",
				   ip_prefix_text(&r[i].to, prefix), r[i].table);
	return ret;
}

static const char *rules_text(struct arena *arena, const struct kernel_rule *r, size_t n)
{
	const char *ret = "";

	for (size_t i = 0; i < n; i++)
		ret = arena_printf(arena, "%s%sv%c %u:%s>%u/%d", ret, i ? " " : "",
				   r[i].family == IP_V4 ? '4' : '6', r[i].priority, r[i].iif,
				   r[i].table, r[i].suppress);
	return ret;
}

static void a_group_has_a_table_and_two_rules_for_each_uplink(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct ip_prefix prefixes[] = {prefix_of("10.0.0.0/8"), prefix_of("192.0.2.0/24"),
					     prefix_of("192.0.3.0/24"), prefix_of("192.0.3.1/32"),
					     prefix_of("2001:db8::/64")};
	const char *const uplinks[] = {"eth0", "eth1"};
	const struct plan_blackholes b = {.prefixes = prefixes,
					  .n = ARRAY_SIZE(prefixes),
					  .uplinks = uplinks,
					  .n_uplinks = 2};
	const struct kernel_picture p = kernel_want(arena, &b);

	(void)state;
	assert_string_equal(routes_text(arena, p.routes, p.n_routes),
			    "10.0.0.0/8@19608 192.0.2.0/24@19624 192.0.3.0/24@19624 "
			    "192.0.3.1/32@19632 2001:db8::/64@19664");
	assert_string_equal(rules_text(arena, p.rules, p.n_rules),
			    "v4 19600:eth0>254/31 v4 19600:eth1>254/31 "
			    "v4 19601:eth0>19632/-1 v4 19601:eth1>19632/-1 "
			    "v4 19616:eth0>254/23 v4 19616:eth1>254/23 "
			    "v4 19617:eth0>19624/-1 v4 19617:eth1>19624/-1 "
			    "v4 19648:eth0>254/7 v4 19648:eth1>254/7 "
			    "v4 19649:eth0>19608/-1 v4 19649:eth1>19608/-1 "
			    "v6 19728:eth0>254/63 v6 19728:eth1>254/63 "
			    "v6 19729:eth0>19664/-1 v6 19729:eth1>19664/-1");
}

/* --- passes ---------------------------------------------------------------------------------- */

struct bed {
	struct fake_kernel *k; /* owned */
	struct kernel_sink sink;
	struct kernel_state s;
	struct ip_prefix prefixes[16];
	const char *uplinks[4];
	struct plan_blackholes want;
};

static void bed_begin(struct bed *b)
{
	*b = (struct bed){.k = xcalloc(1, sizeof(*b->k))};
	b->sink = fake_kernel_sink(b->k);
	b->want = (struct plan_blackholes){.prefixes = b->prefixes, .uplinks = b->uplinks};
	kernel_state_init(&b->s);
}

static void bed_end(struct bed *b)
{
	kernel_state_done(&b->s);
	free(b->k);
}

static void want_one(struct bed *b, const char *prefix)
{
	b->prefixes[0] = prefix_of(prefix);
	b->uplinks[0] = "eth0";
	b->want.n = b->want.n_uplinks = 1;
}

static void pass(struct bed *b)
{
	kernel_pass(&b->s, &b->sink, &b->want, SIZE_MAX);
}

static void restart(struct bed *b)
{
	kernel_state_done(&b->s);
	kernel_state_init(&b->s);
}

static void what_is_there_is_adopted(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	pass(&b);
	assert_int_equal(b.s.n_done, 3);
	assert_true(b.s.blackholes[0].is_placed);
	restart(&b);
	pass(&b);
	assert_int_equal(b.s.n_done, 0);
	assert_true(b.s.blackholes[0].is_placed);
	restart(&b); /* or is told of before anything is done */
	assert_true(kernel_adopt(&b.s, &b.sink));
	assert_int_equal(b.s.n_blackholes, 1);
	assert_int_equal(ip_prefix_cmp(&b.s.blackholes[0].prefix, &b.prefixes[0]), 0);
	assert_true(b.s.blackholes[0].is_placed);
	assert_int_equal(b.s.n_uplinks, 1);
	assert_string_equal(b.s.uplinks[0], "eth0");
	b.want.n = 0;
	restart(&b); /* nor does it matter who placed what goes */
	pass(&b);
	assert_int_equal(b.s.n_done, 3);
	assert_int_equal(b.k->n_routes + b.k->n_rules, 0);
	bed_end(&b);
}

static void what_somebody_took_away_is_put_again_and_counted(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	pass(&b);
	b.k->n_routes = 0;
	b.k->n_rules--;
	pass(&b);
	assert_int_equal(b.s.n_repaired, 2);
	assert_int_equal(b.s.repaired, 2);
	assert_int_equal(b.k->n_routes + b.k->n_rules, 3);
	pass(&b);
	assert_int_equal(b.s.n_repaired, 0);
	assert_int_equal(b.s.repaired, 2);
	/* What is new is no repair, nor is what failed before. */
	b.prefixes[1] = prefix_of("192.0.3.0/24");
	b.want.n = 2;
	b.k->fails_at = b.k->n_ops + 1;
	pass(&b);
	pass(&b);
	assert_true(b.s.blackholes[1].is_placed);
	assert_int_equal(b.s.repaired, 2);
	bed_end(&b);
}

/* As FRR's zebra does, which takes protocol 196 for its own and installs with its own metric. */
static void a_route_that_came_back_with_another_metric_is_replaced(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	pass(&b);
	b.k->routes[0].metric = 20;
	pass(&b);
	assert_int_equal(b.s.n_clashes, 0);
	assert_int_equal(b.s.n_repaired, 1);
	assert_int_equal(b.k->n_routes, 1);
	assert_int_equal(b.k->routes[0].metric, KERNEL_METRIC);
	bed_end(&b);
}

static void a_clash_names_both_sides_and_ends_with_its_cause(void **state)
{
	static const struct kernel_rule rule = {.family = IP_V4,
						.priority = 19617,
						.table = 77,
						.suppress = -1,
						.iif = "eth9",
						.protocol = 3};
	struct kernel_route route = {.table = 19624, .metric = 5, .protocol = 4};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems problems = {.arena = arena};
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	pass(&b);
	route.to = prefix_of("198.51.100.0/24");
	b.k->routes[b.k->n_routes++] = route;
	pass(&b);
	assert_int_equal(b.k->n_routes, 1); /* theirs */
	assert_int_equal(b.k->n_rules, 0);
	assert_false(b.s.blackholes[0].is_placed);
	kernel_clash_problems(&b.s, "node-a", &problems);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.items[0].reason, "RouteTableTaken");
	assert_string_equal(problems.items[0].message,
			    "a route to 198.51.100.0/24 of protocol 4 in table 19624 is in the way "
			    "of our blackholes for IPv4 prefixes of length 24 (table 19624, "
			    "priorities 19616 and the next); they are not placed");
	b.k->n_routes = 0;
	b.k->rules[b.k->n_rules++] = rule;
	pass(&b);
	problems.n = 0;
	kernel_clash_problems(&b.s, "node-a", &problems);
	assert_string_equal(problems.items[0].reason, "RulePriorityTaken");
	assert_non_null(strstr(problems.items[0].message,
			       "an IPv4 rule of protocol 3 at priority 19617 for eth9 is in"));
	b.k->n_rules = 0;
	pass(&b);
	problems.n = 0;
	kernel_clash_problems(&b.s, "node-a", &problems);
	assert_int_equal(problems.n, 0);
	assert_true(b.s.blackholes[0].is_placed);
	bed_end(&b);
}

/* The kernel deletes the first rule that is like ours, whose protocol it does not ask for. */
static void a_rule_that_only_its_owner_tells_from_ours_survives(void **state)
{
	struct kernel_rule theirs;
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	pass(&b);
	theirs = b.k->rules[1];
	theirs.protocol = 3;
	theirs.suppress = 4;
	memmove(&b.k->rules[1], &b.k->rules[0], 2 * sizeof(theirs));
	b.k->rules[0] = theirs;
	b.k->n_rules++;
	b.want.n = 0;
	pass(&b);
	pass(&b);
	assert_int_equal(b.k->n_rules, 2);
	assert_int_equal(b.k->rules[0].protocol, 3);
	memmove(&b.k->rules[0], &b.k->rules[1], sizeof(theirs));
	b.k->n_rules--;
	pass(&b);
	assert_int_equal(b.k->n_rules, 0);
	bed_end(&b);
}

static void a_kernel_that_cannot_be_asked_is_left_alone(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_one(&b, "192.0.2.0/24");
	b.k->deaf = true;
	pass(&b);
	assert_int_equal(b.k->n_ops, 0);
	assert_int_equal(b.s.error, -EPERM);
	assert_int_equal(b.s.blackholes[0].error, -EPERM);
	assert_false(b.s.blackholes[0].is_placed);
	b.k->deaf = false;
	pass(&b);
	assert_int_equal(b.s.error, 0);
	assert_true(b.s.blackholes[0].is_placed);
	/* Nor does it make us forget what was there. */
	b.k->deaf = true;
	b.k->n_routes = 0;
	pass(&b);
	b.k->deaf = false;
	pass(&b);
	assert_int_equal(b.s.n_repaired, 1);
	bed_end(&b);
}

/* --- random ---------------------------------------------------------------------------------- */

static const char *const devices[] = {"eth0", "eth1", "eth2", "bond0"};

static struct ip_prefix random_prefix(struct rng *r)
{
	/* Few lengths, so that groups are shared and others' things meet ours. */
	static const uint8_t lens4[] = {1, 8, 24, 32}, lens6[] = {1, 24, 64, 128};
	char text[IP_ADDR_TEXT];
	struct ip_addr a;
	const bool is_v4 = rng_below(r, 2);

	if (is_v4)
		snprintf(text, sizeof(text), "%u.0.2.1", (unsigned)(10 + rng_below(r, 4)));
	else
		snprintf(text, sizeof(text), "2001:db8:%u::1", (unsigned)rng_below(r, 4));
	assert_true(ip_addr_parse(text, &a));
	return ip_prefix_of(&a, is_v4 ? lens4[rng_below(r, 4)] : lens6[rng_below(r, 4)]);
}

static int cmp_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

static void random_want(struct bed *b, struct rng *r)
{
	size_t n = 0;

	b->want.n = rng_below(r, 8);
	for (size_t i = 0; i < b->want.n; i++)
		b->prefixes[i] = random_prefix(r);
	qsort(b->prefixes, b->want.n, sizeof(*b->prefixes), cmp_prefix);
	for (size_t i = 0; i < b->want.n; i++)
		if (n == 0 || ip_prefix_cmp(&b->prefixes[n - 1], &b->prefixes[i]) != 0)
			b->prefixes[n++] = b->prefixes[i];
	b->want.n = n;
	b->want.n_uplinks = 0;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (rng_below(r, 2))
			b->uplinks[b->want.n_uplinks++] = devices[i];
}

static void add_foreign_route(struct fake_kernel *k, struct rng *r)
{
	struct kernel_route route = {.to = random_prefix(r),
				     .metric = rng_below(r, 2) ? KERNEL_METRIC : 0,
				     .protocol = rng_below(r, 2) ? 4 : 0,
				     .blackhole = rng_below(r, 2)};

	route.table = rng_below(r, 2) ? KERNEL_TABLES + route.to.len
				      : KERNEL_TABLES + 1 + (uint32_t)rng_below(r, 128);
	for (size_t i = 0; i < k->n_routes; i++)
		if (k->routes[i].table == route.table && k->routes[i].metric == route.metric &&
		    ip_prefix_cmp(&k->routes[i].to, &route.to) == 0)
			return;
	k->routes[k->n_routes++] = route;
}

static void add_foreign_rule(struct fake_kernel *k, struct rng *r)
{
	const struct ip_prefix prefix = random_prefix(r);
	const enum ip_family family = ip_family_of(&prefix.addr);
	struct kernel_rule rule = {
		.family = family,
		.priority = KERNEL_RULES + 2u * (uint32_t)(ip_family_bits(family) - prefix.len) +
			    (uint32_t)rng_below(r, 2),
		.table = rng_below(r, 2) ? KERNEL_MAIN : KERNEL_TABLES + prefix.len,
		.suppress = rng_below(r, 2) ? prefix.len - 1 : -1,
		.iif = rng_below(r, 4) ? devices[rng_below(r, 4)] : "",
		.odd = rng_below(r, 2)};

	/* Somebody with our number, but not in our form, is somebody else as well. */
	rule.protocol = rule.odd && rng_below(r, 2) ? KERNEL_PROTOCOL : 3;
	if (k->n_rules > 0 && rng_below(r, 2)) { /* very much like one that is there */
		rule = k->rules[rng_below(r, k->n_rules)];
		rule.protocol = 3;
		rule.suppress = 4;
	}
	/* Before the others: it is what the kernel finds first. */
	memmove(&k->rules[1], &k->rules[0], k->n_rules++ * sizeof(rule));
	k->rules[0] = rule;
}

/* What others have; ours are all that is left. */
static struct kernel_picture foreign(struct arena *arena, const struct fake_kernel *k)
{
	struct kernel_picture ret = {
		.routes = arena_array_of(arena, k->n_routes, struct kernel_route),
		.rules = arena_array_of(arena, k->n_rules, struct kernel_rule)};

	for (size_t i = 0; i < k->n_routes; i++)
		if (k->routes[i].protocol != KERNEL_PROTOCOL)
			ret.routes[ret.n_routes++] = k->routes[i];
	for (size_t i = 0; i < k->n_rules; i++)
		if (k->rules[i].protocol != KERNEL_PROTOCOL || k->rules[i].odd)
			ret.rules[ret.n_rules++] = k->rules[i];
	kernel_picture_sort(&ret);
	return ret;
}

static void assert_same_picture(struct arena *arena, const struct kernel_picture *a,
				const struct kernel_picture *b)
{
	assert_string_equal(routes_text(arena, a->routes, a->n_routes),
			    routes_text(arena, b->routes, b->n_routes));
	assert_string_equal(rules_text(arena, a->rules, a->n_rules),
			    rules_text(arena, b->rules, b->n_rules));
}

static bool has_clash(const struct bed *b, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < b->s.n_clashes; i++)
		if (b->s.clashes[i].group == prefix->len &&
		    b->s.clashes[i].family == ip_family_of(&prefix->addr))
			return true;
	return false;
}

/* All that is wanted and meets nobody is there, and of ours nothing else but what cannot go. */
static void assert_converged(const struct bed *b)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct kernel_picture want = kernel_want(arena, &b->want);
	size_t n_routes = 0;

	for (size_t i = 0; i < want.n_routes; i++) {
		bool found = false;

		for (size_t k = 0; k < b->k->n_routes; k++)
			found |= b->k->routes[k].protocol == KERNEL_PROTOCOL &&
				 b->k->routes[k].table == want.routes[i].table &&
				 ip_prefix_cmp(&b->k->routes[k].to, &want.routes[i].to) == 0;
		assert_int_equal(found, !has_clash(b, &want.routes[i].to));
		n_routes += found;
	}
	for (size_t k = 0; k < b->k->n_routes; k++)
		n_routes -= b->k->routes[k].protocol == KERNEL_PROTOCOL;
	assert_int_equal(n_routes, 0);
	assert_int_equal(b->s.n_blackholes, b->want.n);
	for (size_t i = 0; i < b->want.n; i++) {
		assert_int_equal(ip_prefix_cmp(&b->s.blackholes[i].prefix, &b->want.prefixes[i]),
				 0);
		assert_int_equal(b->s.blackholes[i].is_placed, !has_clash(b, &b->want.prefixes[i]));
	}
}

static void assert_rules(const struct bed *b)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct kernel_picture want = kernel_want(arena, &b->want);

	for (size_t i = 0; i < want.n_rules; i++) {
		const struct kernel_rule *r = &want.rules[i];
		const uint8_t len = (uint8_t)kernel_rule_group(r);
		const struct ip_prefix group = {.addr = r->family == IP_V4 ? ip_addr_from_v4(0)
									   : (struct ip_addr){{1}},
						.len = len};
		const char *text = rules_text(arena, r, 1);
		bool found = false;

		for (size_t k = 0; k < b->k->n_rules; k++)
			found |= b->k->rules[k].protocol == KERNEL_PROTOCOL &&
				 strcmp(rules_text(arena, &b->k->rules[k], 1), text) == 0;
		assert_true(found || has_clash(b, &group));
	}
}

static void assert_spares(const struct bed *b, const struct kernel_picture *theirs)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct kernel_picture now = foreign(arena, b->k);

	assert_same_picture(arena, &now, theirs);
}

/*
 * Some state of an earlier run, things that others put in our tables and at our priorities, another
 * plan: one pass, and a second has nothing to do. Nothing of others is missing afterwards.
 */
static void random_kernels_and_plans_converge_in_one_pass(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct kernel_picture theirs;
		struct rng r;
		struct bed b;

		rng_seed(&r, seed);
		bed_begin(&b);
		random_want(&b, &r);
		pass(&b);
		if (rng_below(&r, 2))
			restart(&b);
		for (size_t n = rng_below(&r, 4); n > 0; n--)
			add_foreign_route(b.k, &r);
		for (size_t n = rng_below(&r, 4); n > 0; n--)
			add_foreign_rule(b.k, &r);
		if (b.k->n_rules > 0 && rng_below(&r, 2)) /* and somebody took one away */
			b.k->rules[0] = b.k->rules[--b.k->n_rules];
		theirs = foreign(arena, b.k);
		random_want(&b, &r);
		pass(&b);
		assert_int_equal(b.s.n_failed, 0);
		assert_converged(&b);
		assert_rules(&b);
		assert_spares(&b, &theirs);
		pass(&b);
		assert_int_equal(b.s.n_done + b.s.n_failed, 0);
		assert_converged(&b);
		/* Once others have gone nothing of theirs is in the way. */
		b.k->n_routes = b.k->n_rules = 0;
		pass(&b);
		b.want.n = 0;
		pass(&b);
		assert_int_equal(b.k->n_routes + b.k->n_rules, 0);
		bed_end(&b);
	}
}

/* A few operations at a time come to the same, and nothing is told to be there before it is. */
static void what_is_done_in_pieces_converges_as_well(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		size_t n_max, n_tried = 0, n_passes = 0;
		struct rng r;
		struct bed b;

		rng_seed(&r, seed);
		bed_begin(&b);
		random_want(&b, &r);
		pass(&b);
		random_want(&b, &r);
		n_max = 1 + rng_below(&r, 5);
		do {
			kernel_pass(&b.s, &b.sink, &b.want, n_max);
			assert_true(b.s.n_done <= n_max);
			assert_true(n_passes == 0 || kernel_tried(&b.s, NULL, arena).n >= n_tried);
			n_tried = kernel_tried(&b.s, NULL, arena).n;
			assert_true(n_passes++ < 200);
		} while (b.s.is_under_way);
		assert_int_equal(n_tried, b.want.n);
		for (size_t i = 0; i < b.want.n_uplinks; i++)
			assert_string_equal(kernel_tried(&b.s, NULL, arena).uplinks[i],
					    b.want.uplinks[i]);
		assert_int_equal(b.s.repaired, 0);
		assert_converged(&b);
		assert_rules(&b);
		bed_end(&b);
	}
}

/* The n-th is refused, or from it on no answer comes: then it says so, and the next pass does it.
 */
static void a_fault_at_any_message_costs_a_pass(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		for (size_t at = 1;; at++) {
			struct rng r;
			struct bed b;
			size_t n_ops;

			rng_seed(&r, seed);
			bed_begin(&b);
			random_want(&b, &r);
			pass(&b);
			random_want(&b, &r);
			*(seed % 2 ? &b.k->fails_at : &b.k->lost_at) = b.k->n_ops + at;
			n_ops = b.k->n_ops;
			pass(&b);
			n_ops = b.k->n_ops - n_ops;
			assert_int_equal(b.s.n_failed > 0, at <= n_ops);
			b.k->lost_at = 0;
			pass(&b);
			assert_int_equal(b.s.n_failed, 0);
			assert_int_equal(b.s.repaired, 0);
			assert_converged(&b);
			bed_end(&b);
			if (at > n_ops)
				break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_a_table_and_two_rules_for_each_uplink),
		cmocka_unit_test(what_is_there_is_adopted),
		cmocka_unit_test(what_somebody_took_away_is_put_again_and_counted),
		cmocka_unit_test(a_route_that_came_back_with_another_metric_is_replaced),
		cmocka_unit_test(a_clash_names_both_sides_and_ends_with_its_cause),
		cmocka_unit_test(a_rule_that_only_its_owner_tells_from_ours_survives),
		cmocka_unit_test(a_kernel_that_cannot_be_asked_is_left_alone),
		cmocka_unit_test(random_kernels_and_plans_converge_in_one_pass),
		cmocka_unit_test(what_is_done_in_pieces_converges_as_well),
		cmocka_unit_test(a_fault_at_any_message_costs_a_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
