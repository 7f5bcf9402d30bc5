// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What of VRFs is in the kernel's routing: rules to and from pods, blackholes of each VRF by
 * itself; and passes that place, adopt and remove it, beside what is of others.
 */
#include "base/rng.h"
#include "fake/fake_kernel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RUNS 300

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix ret;

	assert_true(ip_prefix_parse(text, &ret));
	return ret;
}

static struct ip_addr addr_of(const char *text)
{
	struct ip_addr ret;

	assert_true(ip_addr_parse(text, &ret));
	return ret;
}

static const char *rule_text(struct arena *arena, const struct kernel_rule *r)
{
	char from[IP_PREFIX_TEXT], to[IP_PREFIX_TEXT];

	return arena_printf(arena, "%u:%s%s %s%s%s%s%s%u:%u>%u/%d", r->priority,
			    r->iif[0] ? " iif " : "", r->iif, r->from.len ? "from " : "",
			    r->from.len ? ip_prefix_text(&r->from, from) : "",
			    r->to.len ? "to " : "", r->to.len ? ip_prefix_text(&r->to, to) : "",
			    r->from.len ? " " : "", r->ipproto, r->sport, r->table, r->suppress);
}

struct bed {
	struct fake_kernel *k; /* owned */
	struct kernel_sink sink;
	struct kernel_state s;
	struct plan_vrf_blackhole holes[8];
	struct plan_vrf_pod pods[8];
	struct plan_vrf vrfs[4];
	struct plan_blackholes want;
};

static void bed_begin(struct bed *b)
{
	*b = (struct bed){.k = xcalloc(1, sizeof(*b->k)),
			  .vrfs = {{"blue", 1001, false},
				   {"eth5", 1000, true},
				   {"eth6", 1001, true},
				   {"red", 1000, false}}};
	b->sink = fake_kernel_sink(b->k);
	b->want = (struct plan_blackholes){
		.in_vrfs = b->holes, .pods = b->pods, .vrfs = b->vrfs, .n_vrfs = 4};
	kernel_state_init(&b->s);
}

static void bed_end(struct bed *b)
{
	kernel_state_done(&b->s);
	free(b->k);
}

static void pass(struct bed *b)
{
	kernel_pass(&b->s, &b->sink, &b->want, SIZE_MAX);
	assert_int_equal(b->s.error, 0);
	assert_int_equal(b->s.n_failed, 0);
}

/* One aggregate in both, one pod with two ports in red. */
static void want_some(struct bed *b)
{
	b->holes[0] = (struct plan_vrf_blackhole){prefix_of("192.0.2.0/24"), 1000};
	b->holes[1] = (struct plan_vrf_blackhole){prefix_of("192.0.2.0/24"), 1001};
	b->want.n_in_vrfs = 2;
	b->pods[0] = (struct plan_vrf_pod){1000, 6, 80, addr_of("10.244.0.5"), false};
	b->pods[1] = (struct plan_vrf_pod){1000, 17, 53, addr_of("10.244.0.5"), false};
	b->want.n_pods = 2;
}

static void rules_lead_to_pods_and_back_and_blackholes_are_each_vrfs_own(void **state)
{
	static const char *const expected[] = {
		"196: iif eth5 to 10.244.0.5/320:0>254/-1",
		"216: iif eth5 0:0>1000/23",
		"216: iif eth6 0:0>1001/23",
		"217: iif eth5 0:0>1961000024/-1",
		"217: iif eth6 0:0>1961001024/-1",
		"32800: from 10.244.0.5/32 6:80>1000/-1",
		"32800: from 10.244.0.5/32 17:53>1000/-1",
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kernel_picture p;
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_some(&b);
	p = kernel_want(arena, &b.want);
	assert_int_equal(p.n_rules, ARRAY_SIZE(expected));
	for (size_t i = 0; i < p.n_rules; i++)
		assert_string_equal(rule_text(arena, &p.rules[i]), expected[i]);
	b.pods[0].is_own = b.pods[1].is_own =
		true; /* then it is the local table that leads there */
	p = kernel_want(arena, &b.want);
	assert_int_equal(p.n_rules, ARRAY_SIZE(expected) - 1);
	assert_string_equal(rule_text(arena, &p.rules[0]), expected[1]);
	assert_int_equal(p.n_routes, 2);
	assert_int_equal(p.routes[0].table, 1961000024);
	assert_int_equal(p.routes[1].table, 1961001024);
	bed_end(&b);
}

static void a_table_says_whose_it_is(void **state)
{
	uint16_t domain = 0;
	uint8_t len = 0;

	(void)state;
	for (unsigned d = 0; d < UINT16_MAX; d += d < 300 ? 1 : 97)
		for (unsigned l = 1; l <= 128; l++) {
			assert_true(kernel_table_is_for(kernel_table_of((uint16_t)d, (uint8_t)l),
							&domain, &len));
			assert_int_equal(domain, d);
			assert_int_equal(len, l);
		}
	assert_false(kernel_table_is_for(KERNEL_MAIN, &domain, &len));
	assert_false(kernel_table_is_for(1000, &domain, &len));
	assert_false(kernel_table_is_for(KERNEL_VRF_TABLES + 24, &domain, &len));
	assert_false(kernel_table_is_for(KERNEL_VRF_TABLES + 1000 + 129, &domain, &len));
	assert_false(
		kernel_table_is_for(KERNEL_VRF_TABLES + 1000u * UINT16_MAX + 24, &domain, &len));
	assert_false(kernel_table_is_for(UINT32_MAX, &domain, &len));
}

static void what_is_there_is_adopted_and_goes_wholly(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_some(&b);
	pass(&b);
	assert_int_equal(b.s.n_done, 9);
	assert_true(b.s.blackholes[0].is_placed && b.s.blackholes[1].is_placed);
	pass(&b);
	assert_int_equal(b.s.n_done, 0);

	kernel_state_done(&b.s);
	kernel_state_init(&b.s);
	assert_true(kernel_adopt(&b.s, &b.sink));
	assert_int_equal(b.s.n_blackholes, 2);
	assert_int_equal(b.s.blackholes[0].domain, 1000);
	assert_int_equal(b.s.n_vrfs, 2);
	assert_int_equal(b.s.n_uplinks, 0);
	assert_string_equal(b.s.vrfs[0].name, "eth5");
	assert_int_equal(b.s.vrfs[0].domain, 1000);
	pass(&b);
	assert_int_equal(b.s.n_done, 0);
	assert_int_equal(b.s.repaired, 0);

	b.want = (struct plan_blackholes){.n = 0};
	pass(&b);
	assert_int_equal(b.k->n_routes + b.k->n_rules, 0);
	bed_end(&b);
}

/* An agent died between its routes and its rules: no rule names the table. */
static void a_table_that_no_rule_names_is_found_by_who_adopts(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	b.k->routes[b.k->n_routes++] = (struct kernel_route){.table = kernel_table_of(1000, 24),
							     .to = prefix_of("192.0.2.0/24"),
							     .metric = KERNEL_METRIC,
							     .protocol = KERNEL_PROTOCOL,
							     .blackhole = true};
	assert_true(kernel_adopt(&b.s, &b.sink));
	pass(&b);
	assert_int_equal(b.k->n_routes, 0);
	bed_end(&b);
}

/* The VRF is gone, and what its device was named in goes with it; nobody has to remember. */
static void a_vrf_that_goes_leaves_nothing(void **state)
{
	struct bed b;

	(void)state;
	bed_begin(&b);
	want_some(&b);
	pass(&b);
	b.vrfs[1] = b.vrfs[2]; /* blue and eth6 alone */
	b.want.n_vrfs = 2;
	b.holes[0] = b.holes[1];
	b.want.n_in_vrfs = 1;
	b.want.n_pods = 0;
	pass(&b);
	assert_int_equal(b.k->n_routes, 1);
	assert_int_equal(b.k->n_rules, 2);
	for (size_t i = 0; i < b.k->n_rules; i++)
		assert_string_equal(b.k->rules[i].iif, "eth6");
	bed_end(&b);
}

static void a_rule_of_somebody_else_is_named_and_stays(void **state)
{
	const struct kernel_rule theirs = {.family = IP_V4,
					   .priority = KERNEL_TO_POD,
					   .table = 77,
					   .suppress = -1,
					   .iif = "eth9",
					   .protocol = 4};
	struct problems list = {.arena = arena_new()};
	struct bed b;

	(void)state;
	bed_begin(&b);
	b.k->rules[b.k->n_rules++] = theirs;
	want_some(&b);
	pass(&b);
	assert_int_equal(b.s.n_clashes, 1);
	kernel_clash_problems(&b.s, "node-a", &list);
	assert_string_equal(list.items[0].message,
			    "an IPv4 rule of protocol 4 at priority 196 for eth9 is in the way of "
			    "our IPv4 rules from VRFs to pods (priority 196); they are not placed");
	assert_int_equal(b.k->n_rules, 7); /* theirs, and all but the one to the pod */
	b.want = (struct plan_blackholes){.n = 0};
	pass(&b);
	assert_int_equal(b.k->n_rules, 1);
	assert_int_equal(b.k->rules[0].table, 77);
	arena_free(list.arena);
	bed_end(&b);
}

/* --- random ---------------------------------------------------------------------------------- */

static void random_want(struct bed *b, struct rng *r)
{
	static const char *const prefixes[] = {"192.0.2.0/24", "198.51.0.0/16", "2001:db8::/64"};
	static const char *const pods[] = {"10.244.0.5", "10.244.0.6", "fd00::5"};
	size_t n = 0;

	b->want.n_vrfs = 4;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		for (uint16_t d = 1000; d <= 1001; d++)
			if (rng_below(r, 2))
				b->holes[n++] =
					(struct plan_vrf_blackhole){prefix_of(prefixes[i]), d};
	b->want.n_in_vrfs = n;
	n = 0;
	for (uint16_t d = 1000; d <= 1001; d++)
		for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
			if (rng_below(r, 2))
				b->pods[n++] =
					(struct plan_vrf_pod){d, 6, 80, addr_of(pods[i]), false};
	b->want.n_pods = n;
}

/* Ours in the kernel is exactly what is wanted. */
static void assert_is_wanted(const struct bed *b, size_t n_others)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct kernel_picture want = kernel_want(arena, &b->want);

	assert_int_equal(b->k->n_routes, want.n_routes);
	assert_int_equal(b->k->n_rules, want.n_rules + n_others);
	for (size_t i = 0; i < want.n_rules; i++) {
		const char *text = rule_text(arena, &want.rules[i]);
		bool found = false;

		for (size_t k = 0; k < b->k->n_rules; k++)
			found |= strcmp(rule_text(arena, &b->k->rules[k]), text) == 0;
		assert_true(found);
	}
}

static void random_wishes_are_met_in_one_pass_whatever_fails_before(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct rng r;
		struct bed b;

		print_message("seed %lu\n", (unsigned long)seed);
		rng_seed(&r, seed);
		bed_begin(&b);
		b.k->rules[b.k->n_rules++] = (struct kernel_rule){
			.family = IP_V4, .priority = 1000, .table = 0, .suppress = -1, .iif = ""};
		for (int i = 0; i < 4; i++) {
			random_want(&b, &r);
			b.k->fails_at = b.k->n_ops + 1 + rng_below(&r, 8);
			kernel_pass(&b.s, &b.sink, &b.want, SIZE_MAX);
			b.k->fails_at = 0;
			if (rng_below(&r, 2)) { /* another process */
				kernel_state_done(&b.s);
				kernel_state_init(&b.s);
				assert_true(kernel_adopt(&b.s, &b.sink));
			}
			pass(&b);
			assert_is_wanted(&b, 1);
			pass(&b);
			assert_int_equal(b.s.n_done, 0);
		}
		bed_end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_lead_to_pods_and_back_and_blackholes_are_each_vrfs_own),
		cmocka_unit_test(a_table_says_whose_it_is),
		cmocka_unit_test(what_is_there_is_adopted_and_goes_wholly),
		cmocka_unit_test(a_table_that_no_rule_names_is_found_by_who_adopts),
		cmocka_unit_test(a_vrf_that_goes_leaves_nothing),
		cmocka_unit_test(a_rule_of_somebody_else_is_named_and_stays),
		cmocka_unit_test(random_wishes_are_met_in_one_pass_whatever_fails_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
