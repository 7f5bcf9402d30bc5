// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * base/selector: the truth table of the four operators, AND inside and OR between selectors.
 */
#include "base/selector.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static const struct label node_labels[] = {{"disk", "ssd"}, {"os", "linux"}, {"zone", ""}};
static const struct labels node = {node_labels, ARRAY_SIZE(node_labels)};
static const char *const ssd[] = {"nvme", "ssd"};
static const char *const hdd[] = {"hdd"};
static const char *const empty_value[] = {""};

static void labels_are_found_by_key(void **state)
{
	static const struct labels none = {NULL, 0};

	(void)state;
	assert_string_equal(labels_get(&node, "disk"), "ssd");
	assert_string_equal(labels_get(&node, "os"), "linux");
	assert_string_equal(labels_get(&node, "zone"), "");
	assert_null(labels_get(&node, "rack"));
	assert_null(labels_get(&node, "z"));
	assert_null(labels_get(&none, "disk"));
}

static void operators_follow_kubernetes(void **state)
{
	static const struct {
		struct selector_term term;
		bool matches;
	} cases[] = {
		{{"disk", SELECTOR_IN, ssd, 2}, true},
		{{"disk", SELECTOR_IN, hdd, 1}, false},
		{{"disk", SELECTOR_IN, NULL, 0}, false},
		{{"rack", SELECTOR_IN, hdd, 1}, false},
		{{"zone", SELECTOR_IN, empty_value, 1}, true},
		{{"rack", SELECTOR_IN, empty_value, 1}, false},
		{{"disk", SELECTOR_NOT_IN, ssd, 2}, false},
		{{"disk", SELECTOR_NOT_IN, hdd, 1}, true},
		{{"rack", SELECTOR_NOT_IN, hdd, 1}, true},
		{{"disk", SELECTOR_EXISTS, NULL, 0}, true},
		{{"zone", SELECTOR_EXISTS, NULL, 0}, true},
		{{"rack", SELECTOR_EXISTS, NULL, 0}, false},
		{{"disk", SELECTOR_DOES_NOT_EXIST, NULL, 0}, false},
		{{"rack", SELECTOR_DOES_NOT_EXIST, NULL, 0}, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector s = {&cases[i].term, 1};

		if (selector_matches(&s, &node) != cases[i].matches)
			fail_msg("case %zu", i);
	}
}

static void terms_are_anded_and_no_term_matches_all(void **state)
{
	static const struct selector_term terms[] = {
		{"os", SELECTOR_EXISTS, NULL, 0},
		{"disk", SELECTOR_IN, hdd, 1},
	};
	struct selector both = {terms, 2}, first = {terms, 1}, none = {NULL, 0};

	(void)state;
	assert_false(selector_matches(&both, &node));
	assert_true(selector_matches(&first, &node));
	assert_true(selector_matches(&none, &node));
}

static void selectors_are_ored_and_the_caller_says_what_empty_means(void **state)
{
	static const struct selector_term no = {"disk", SELECTOR_IN, hdd, 1};
	static const struct selector_term yes = {"os", SELECTOR_EXISTS, NULL, 0};
	static const struct selector items[] = {{&no, 1}, {&yes, 1}};
	struct selectors both = {items, 2}, only_no = {items, 1}, empty = {NULL, 0};

	(void)state;
	assert_true(selectors_match(&both, &node, false));
	assert_false(selectors_match(&only_no, &node, true));
	assert_true(selectors_match(&empty, &node, true));
	assert_false(selectors_match(&empty, &node, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_found_by_key),
		cmocka_unit_test(operators_follow_kubernetes),
		cmocka_unit_test(terms_are_anded_and_no_term_matches_all),
		cmocka_unit_test(selectors_are_ored_and_the_caller_says_what_empty_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
