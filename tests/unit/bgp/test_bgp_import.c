// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Which prefixes a policy accepts: rules, what is reserved, what is blocked, default routes. */
#include "bgp/bgp_import.h"
#include "unit/bgp/update_made.h"

static struct ip_range range(const char *text)
{
	struct ip_range r;

	if (!ip_range_parse(text, &r))
		fail_msg("%s", text);
	return r;
}

#define RULE(text, f, t)                                                                           \
	{                                                                                          \
		.prefix = prefix(text), .from = (f), .to = (t)                                     \
	}

static enum bgp_verdict judge(const struct bgp_import *i, const char *text)
{
	const struct ip_prefix p = prefix(text);
	const char *what;
	const enum bgp_verdict v = bgp_import_judge(i, &p, &what);

	assert_true((v == BGP_RESERVED) == (what != NULL));
	return v;
}

static void nothing_is_accepted_by_default(void **state)
{
	const struct bgp_import nothing = {.max_prefixes = 10};

	(void)state;
	assert_true(bgp_import_is_nothing(&nothing));
	assert_int_equal(judge(&nothing, "10.0.0.0/8"), BGP_NOT_ASKED_FOR);
	assert_int_equal(judge(&nothing, "::/0"), BGP_NOT_ASKED_FOR);
}

static void a_rule_says_prefix_and_lengths(void **state)
{
	const struct bgp_import_rule rules[] = {RULE("10.0.0.0/8", 16, 24),
						RULE("192.0.2.0/24", 24, 24),
						RULE("2001:db8::/32", 32, 48)};
	const struct bgp_import i = {.rules = rules, .n_rules = ARRAY_SIZE(rules)};
	static const struct {
		const char *prefix;
		enum bgp_verdict want;
	} cases[] = {
		{"10.0.0.0/8", BGP_NOT_ASKED_FOR},    {"10.1.0.0/15", BGP_NOT_ASKED_FOR},
		{"10.1.0.0/16", BGP_ACCEPTED},        {"10.1.2.0/24", BGP_ACCEPTED},
		{"10.1.2.0/25", BGP_NOT_ASKED_FOR},   {"11.0.0.0/16", BGP_NOT_ASKED_FOR},
		{"192.0.2.0/24", BGP_ACCEPTED},       {"192.0.2.0/25", BGP_NOT_ASKED_FOR},
		{"192.0.0.0/16", BGP_NOT_ASKED_FOR},  {"2001:db8::/32", BGP_ACCEPTED},
		{"2001:db8:1::/48", BGP_ACCEPTED},    {"2001:db8:1::/49", BGP_NOT_ASKED_FOR},
		{"2001:db9::/32", BGP_NOT_ASKED_FOR},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
		assert_int_equal(judge(&i, cases[k].prefix), cases[k].want);
}

static void what_is_reserved_is_neither_covered_nor_entered(void **state)
{
	const struct bgp_reserved reserved[] = {{range("10.244.0.0/16"), "pods"},
						{range("192.0.2.1-192.0.2.1"), "peer"},
						{range("fd00::/64"), "pods"}};
	const struct bgp_import i = {.all = true, .reserved = reserved, .n_reserved = 3};

	(void)state;
	assert_int_equal(judge(&i, "10.0.0.0/8"), BGP_RESERVED);
	assert_int_equal(judge(&i, "10.244.0.0/16"), BGP_RESERVED);
	assert_int_equal(judge(&i, "10.244.3.0/24"), BGP_RESERVED);
	assert_int_equal(judge(&i, "10.243.0.0/16"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "10.245.0.0/16"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "192.0.2.0/30"), BGP_RESERVED);
	assert_int_equal(judge(&i, "192.0.2.2/31"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "192.0.2.1/32"), BGP_RESERVED);
	assert_int_equal(judge(&i, "fd00::/8"), BGP_RESERVED);
	assert_int_equal(judge(&i, "fd00:0:0:1::/64"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "0.0.0.0/0"), BGP_DEFAULT_ROUTE);
	assert_int_equal(judge(&i, "::/0"), BGP_DEFAULT_ROUTE);
	assert_int_equal(judge(&i, "0.0.0.0/1"), BGP_RESERVED);
}

static void only_who_names_it_in_so_many_words_gets_it(void **state)
{
	const struct bgp_import_rule rules[] = {RULE("0.0.0.0/0", 0, 32), RULE("10.0.0.0/8", 8, 8),
						RULE("::/0", 0, 0)};
	const struct bgp_reserved reserved[] = {{range("10.244.0.0/16"), "pods"}};
	struct bgp_import i = {.rules = rules, .n_rules = 3, .reserved = reserved, .n_reserved = 1};
	const struct ip_prefix blocked = prefix("10.0.0.0/7");

	(void)state;
	assert_int_equal(judge(&i, "0.0.0.0/0"), BGP_DEFAULT_ROUTE); /* "any length" names none */
	assert_int_equal(judge(&i, "::/0"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "10.0.0.0/8"), BGP_ACCEPTED);
	assert_int_equal(judge(&i, "10.244.0.0/16"), BGP_RESERVED);
	i.blocked = &blocked;
	i.n_blocked = 1;
	assert_int_equal(judge(&i, "10.0.0.0/8"), BGP_BLOCKED); /* which wins over everything */
	assert_int_equal(judge(&i, "12.0.0.0/8"), BGP_ACCEPTED);
}

static void a_copy_is_equal_and_its_own(void **state)
{
	struct bgp_import_rule rules[] = {RULE("10.0.0.0/8", 16, 24)};
	struct bgp_reserved reserved[] = {{range("10.244.0.0/16"), "pods"},
					  {range("10.246.0.0/16"), "pods"}};
	struct ip_prefix blocked[] = {prefix("127.0.0.0/8")};
	const struct bgp_import i = {.rules = rules,
				     .n_rules = 1,
				     .reserved = reserved,
				     .n_reserved = 2,
				     .blocked = blocked,
				     .n_blocked = 1,
				     .max_prefixes = 7};
	struct arena *arena = arena_new();
	const struct bgp_import copy = bgp_import_copy(arena, &i);

	(void)state;
	assert_true(bgp_import_equal(&i, &copy));
	rules[0].to = 25;
	assert_false(bgp_import_equal(&i, &copy));
	rules[0].to = 24;
	blocked[0].len = 9;
	assert_false(bgp_import_equal(&i, &copy));
	blocked[0].len = 8;
	reserved[1].what = "nodes";
	assert_false(bgp_import_equal(&i, &copy));
	reserved[1].what = "pods";
	reserved[1].range.last.b[15] = 1;
	assert_false(bgp_import_equal(&i, &copy));
	arena_free(arena);
}

/* Against a search that tries every range. */
static void a_search_finds_what_trying_all_finds(void **state)
{
	struct bgp_reserved reserved[64];
	struct bgp_import i = {.all = true, .reserved = reserved};
	struct rng rng = octets_rng(__func__);

	(void)state;
	for (int round = 0; round < 300; round++) {
		uint32_t at = 0x01000000;

		i.n_reserved = rng_below(&rng, ARRAY_SIZE(reserved));
		for (size_t k = 0; k < i.n_reserved; k++) {
			const uint32_t first = at + 1 + (uint32_t)rng_below(&rng, 1u << 20);

			at = first + (uint32_t)rng_below(&rng, 1u << 18);
			reserved[k] = (struct bgp_reserved){
				{ip_addr_from_v4(first), ip_addr_from_v4(at)}, "x"};
		}
		for (int k = 0; k < 100; k++) {
			const struct ip_addr a =
				ip_addr_from_v4(0x01000000 + (uint32_t)rng_below(&rng, 1u << 26));
			const struct ip_prefix p =
				ip_prefix_of(&a, 8 + (uint8_t)rng_below(&rng, 25));
			bool want = false;
			const char *what;

			for (size_t j = 0; j < i.n_reserved; j++)
				want |= ip_prefix_has(&p, &reserved[j].range.first) ||
					ip_range_has(&reserved[j].range, &p.addr);
			assert_int_equal(bgp_import_judge(&i, &p, &what) == BGP_RESERVED, want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_accepted_by_default),
		cmocka_unit_test(a_rule_says_prefix_and_lengths),
		cmocka_unit_test(what_is_reserved_is_neither_covered_nor_entered),
		cmocka_unit_test(only_who_names_it_in_so_many_words_gets_it),
		cmocka_unit_test(a_copy_is_equal_and_its_own),
		cmocka_unit_test(a_search_finds_what_trying_all_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
