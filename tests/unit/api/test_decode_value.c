// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/decode_value and api/decode_selector: what each type takes, and what it says to the rest. The
 * values go through metadata and selectors of real kinds, where they are used.
 */
#include "unit/api/api_test.h"

#define HEAD "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\n"

static void text_must_be_text(void **state)
{
	static const struct {
		const char *value;
		bool good;
	} cases[] = {
		{"web", true},     {"\"true\"", true}, {"'1'", true},
		{"1234:1", true},  {"!!str no", true}, {"!!str 1", true},
		{"true", false},   {"1", false},       {"0x1F", false},
		{"no", false},     {"Yes", false},     {"on", false},
		{"OFF", false},    {"y", false},       {"\"no\"", true},
		{"1.5", false},    {"~", false},       {"[a]", false},
		{"{a: b}", false}, {"1e3", false},     {"|-\n      block", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		struct api_batch b = decode_text(
			arena_printf(arena, HEAD "metadata:\n  name: a\n  labels:\n    k: %s\n",
				     cases[i].value));

		if (b.n != cases[i].good)
			fail_msg("label value %s", cases[i].value);
		if (!cases[i].good) {
			assert_string_equal(b.problems.items[0].reason, "WrongType");
			assert_string_equal(b.problems.items[0].field, "metadata.labels[k]");
		}
		api_batch_done(&b);
	}
}

static void a_number_where_text_belongs_is_told_to_be_quoted(void **state)
{
	struct api_batch b = decode_text(HEAD "metadata: {name: 123}\n");

	(void)state;
	assert_int_equal(b.n, 0);
	assert_string_equal(b.problems.items[0].message, "is a number, must be text");
	assert_string_equal(b.problems.items[0].remedy, "quote it");
	api_batch_done(&b);
}

static void labels_are_sorted_and_not_doubled(void **state)
{
	struct api_batch b =
		decode_text(HEAD "metadata: {name: a, labels: {z: \"1\", a: \"2\", m: \"3\"}}\n");
	const struct labels *l = &only_object(&b)->meta.labels;
	struct api_case doubled = {"metadata: {name: a, labels: {z: x, z: w}}\n",
				   "error DuplicateKey metadata.labels[z]:3"};

	(void)state;
	assert_int_equal(l->n, 3);
	assert_string_equal(l->items[0].key, "a");
	assert_string_equal(l->items[2].key, "z");
	api_batch_done(&b);
	check_case(HEAD, &doubled);
}

static void selectors_must_make_sense(void **state)
{
	static const struct api_case cases[] = {
		{"[{matchExpressions: [{key: a, operator: In}]}]",
		 "error BadSelector spec.nodeSelectors[0]:5"},
		{"[{matchExpressions: [{key: a, operator: NotIn, values: []}]}]",
		 "error BadSelector spec.nodeSelectors[0]:5"},
		{"[{matchExpressions: [{key: a, operator: Exists, values: [b]}]}]",
		 "error BadSelector spec.nodeSelectors[0]:5"},
		{"[{matchExpressions: [{key: a, operator: in, values: [b]}]}]",
		 "error BadValue spec.nodeSelectors[0].matchExpressions[0].operator:5"},
		{"[{matchExpressions: [{operator: Exists}]}]",
		 "error MissingField spec.nodeSelectors[0].matchExpressions[0].key:5"},
		{"[{matchExpressions: [{key: a}]}]",
		 "error MissingField spec.nodeSelectors[0].matchExpressions[0].operator:5"},
		{"[{matchExpressions: [{key: a, operator: In, values: [b, b]}]}]",
		 "error DuplicateItem spec.nodeSelectors[0].matchExpressions[0].values:5"},
		{"[{matchLabels: {a: 1}}]",
		 "error WrongType spec.nodeSelectors[0].matchLabels[a]:5"},
		{"[{matchLabels: [a]}]", "error WrongType spec.nodeSelectors[0].matchLabels:5"},
		{"[a]", "error WrongType spec.nodeSelectors[0]:5"},
		{"[{matchlabels: {a: b}}]",
		 "warning UnknownField spec.nodeSelectors[0].matchlabels:5"},
		{"[{matchExpressions: [{key: a, operator: In, values: [b, ]}]}]", ""},
		{"[{matchExpressions: [{key: a, operator: In, values: [\"\"]}]}]", ""},
		{"[{matchExpressions: [{key: a, operator: In, values: [~]}]}]",
		 "error WrongType spec.nodeSelectors[0].matchExpressions[0].values[0]:5"},
		{"[{matchExpressions: [{key: a, operator: Exists}]}]", ""},
		{"[{}]", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_case(HEAD "metadata: {name: a}\nspec:\n  nodeSelectors: ", &cases[i]);
}

static void check_label_of_selector(const char *key, const char *value, bool good)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct api_case by_label = {
		arena_printf(arena, "[{matchLabels: {'%s': '%s'}}]", key, value),
		good ? "" : "error BadSelector spec.nodeSelectors[0]:5"};
	const struct api_case by_term = {
		arena_printf(arena,
			     "[{matchExpressions: [{key: '%s', operator: NotIn, values: ['%s']}]}]",
			     key, value),
		by_label.problems};

	check_case(HEAD "metadata: {name: a}\nspec:\n  nodeSelectors: ", &by_label);
	if (*key) /* else it is refused as missing */
		check_case(HEAD "metadata: {name: a}\nspec:\n  nodeSelectors: ", &by_term);
}

/* What no label can be: the API server has no object with it. */
static void selectors_name_labels_that_there_can_be(void **state)
{
	static const char good63[] =
		"a23456789012345678901234567890123456789012345678901234567890123";
	static const struct {
		const char *key, *value;
		bool good;
	} cases[] = {
		{"a", "b", true},
		{"A.b-c_d", "1.2-3_4", true},
		{"example.com/Rack", "", true},
		{"a-1.b/x", "B", true},
		{good63, good63, true},
		{"", "b", false},
		{"a b", "b", false},
		{"-a", "b", false},
		{"a_", "b", false},
		{"/a", "b", false},
		{"x/", "b", false},
		{"x/y/z", "b", false},
		{"Example.com/a", "b", false},
		{"example..com/a", "b", false},
		{".com/a", "b", false},
		{"com./a", "b", false},
		{"-x/a", "b", false},
		{"x-/a", "b", false},
		{"x-.y/a", "b", false},
		{"x.-y/a", "b", false},
		{"x_y/a", "b", false},
		{"a", "b c", false},
		{"a", "b/c", false},
		{"a", "-b", false},
		{"a", "b.", false},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *long64 = arena_printf(arena, "%sx", good63);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_label_of_selector(cases[i].key, cases[i].value, cases[i].good);
	check_label_of_selector(long64, "b", false);
	check_label_of_selector(arena_printf(arena, "%s.%s/a", good63, good63), "b", true);
	check_label_of_selector(
		arena_printf(arena, "%s.%s.%s.%s/a", good63, good63, good63, good63), "b", false);
	check_label_of_selector("a", long64, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_must_be_text),
		cmocka_unit_test(a_number_where_text_belongs_is_told_to_be_quoted),
		cmocka_unit_test(labels_are_sorted_and_not_doubled),
		cmocka_unit_test(selectors_must_make_sense),
		cmocka_unit_test(selectors_name_labels_that_there_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
