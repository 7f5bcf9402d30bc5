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

/* Every term about one key: In and NotIn with each set of values but none, Exists, DoesNotExist. */
enum { N_VALUES = 3, N_SETS = (1 << N_VALUES) - 1, N_TERMS = 2 * N_SETS + 2 };

static struct selector_term term_number(int i, const char *values[N_VALUES])
{
	static const char *const all[N_VALUES] = {"a", "b", "c"};
	struct selector_term t = {.key = "k", .values = values};

	if (i >= 2 * N_SETS) {
		t.op = i == 2 * N_SETS ? SELECTOR_EXISTS : SELECTOR_DOES_NOT_EXIST;
		return t;
	}
	t.op = i < N_SETS ? SELECTOR_IN : SELECTOR_NOT_IN;
	for (int v = 0; v < N_VALUES; v++)
		if ((i % N_SETS + 1) >> v & 1)
			values[t.n_values++] = all[v];
	return t;
}

/* Of all labels that tell these terms apart: none, each of the values, and another. */
static bool implies_by_trial(const struct selector *a, const struct selector *b)
{
	static const char *const values[] = {"a", "b", "c", "other"};
	static const struct labels none = {NULL, 0};
	bool ret = !selector_matches(a, &none) || selector_matches(b, &none);

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const struct label label = {"k", values[i]};
		const struct labels labels = {&label, 1};

		ret &= !selector_matches(a, &labels) || selector_matches(b, &labels);
	}
	return ret;
}

static void one_term_implies_another_exactly_where_it_does(void **state)
{
	(void)state;
	for (int i = 0; i < N_TERMS; i++)
		for (int k = 0; k < N_TERMS; k++) {
			const char *x[N_VALUES], *y[N_VALUES];
			const struct selector_term s = term_number(i, x), t = term_number(k, y);
			const struct selector a = {&s, 1}, b = {&t, 1};

			if (selector_implies(&a, &b) != implies_by_trial(&a, &b))
				fail_msg("terms %d and %d", i, k);
		}
}

/* What is found of several terms is so; not all that is so is found. */
static void terms_imply_together_what_each_does(void **state)
{
	static const struct selector everything = {NULL, 0};
	int n_found = 0;

	(void)state;
	for (int i = 0; i < N_TERMS * N_TERMS; i++)
		for (int k = 0; k < N_TERMS; k++) {
			const char *x[N_VALUES], *y[N_VALUES], *z[N_VALUES];
			const struct selector_term two[] = {term_number(i / N_TERMS, x),
							    term_number(i % N_TERMS, y)};
			const struct selector_term one = term_number(k, z);
			const struct selector a = {two, 2}, b = {&one, 1};

			if (selector_implies(&a, &b)) {
				assert_true(implies_by_trial(&a, &b));
				n_found++;
			}
			if (selector_implies(&b, &a))
				assert_true(implies_by_trial(&b, &a));
			assert_true(selector_implies(&a, &everything));
		}
	assert_true(n_found > 0);
	assert_false(selector_implies(
		&everything,
		&(struct selector){&(struct selector_term){.key = "k", .op = SELECTOR_EXISTS}, 1}));
}

static void terms_about_other_keys_imply_nothing(void **state)
{
	const struct selector_term s = {.key = "x", .op = SELECTOR_EXISTS};
	const struct selector_term t = {.key = "y", .op = SELECTOR_EXISTS};

	(void)state;
	assert_false(selector_implies(&(struct selector){&s, 1}, &(struct selector){&t, 1}));
}

static void lists_are_equal_where_one_after_the_other_is(void **state)
{
	(void)state;
	for (int i = 0; i < N_TERMS; i++)
		for (int k = 0; k < N_TERMS; k++) {
			const char *x[N_VALUES], *y[N_VALUES];
			const struct selector_term s = term_number(i, x), t = term_number(k, y);
			const struct selector a[] = {{&s, 1}, {NULL, 0}},
					      b[] = {{&t, 1}, {NULL, 0}};
			const struct selector turned[] = {{NULL, 0}, {&t, 1}};

			assert_int_equal(selectors_equal(&(struct selectors){a, 2},
							 &(struct selectors){b, 2}),
					 i == k);
			assert_false(selectors_equal(&(struct selectors){a, 2},
						     &(struct selectors){turned, 2}));
			assert_false(selectors_equal(&(struct selectors){a, 1},
						     &(struct selectors){b, 2}));
		}
	assert_true(selectors_equal(&(struct selectors){NULL, 0}, &(struct selectors){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_found_by_key),
		cmocka_unit_test(operators_follow_kubernetes),
		cmocka_unit_test(terms_are_anded_and_no_term_matches_all),
		cmocka_unit_test(selectors_are_ored_and_the_caller_says_what_empty_means),
		cmocka_unit_test(one_term_implies_another_exactly_where_it_does),
		cmocka_unit_test(terms_imply_together_what_each_does),
		cmocka_unit_test(terms_about_other_keys_imply_nothing),
		cmocka_unit_test(lists_are_equal_where_one_after_the_other_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
