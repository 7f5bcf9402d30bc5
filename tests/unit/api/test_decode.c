// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/decode: the engine on a table of its own: rows, defaults, versions, paths, hashes.
 */
#include "api/decode.h"

#include "unit/api/api_test.h"

struct inner {
	int64_t n;
	const char *text;
};
struct outer {
	int64_t a, b;
	bool former;
	struct inner one;
	const struct inner *many;
	size_t n_many;
	int set;
};

static const struct api_field inner_fields[] = {
	{.name = "n", .type = API_TYPE_INT, .min = 1, .max = 9, API_AT(struct inner, n)},
	{.name = "text", .type = API_TYPE_STRING, API_AT(struct inner, text), .required = API_V2},
};
static const struct inner inner_defaults = {.n = 5};
static const struct api_table inner_table =
	API_TABLE(struct inner, inner_fields, .defaults = &inner_defaults);
static const struct api_field outer_fields[] = {
	{.name = "alpha", .type = API_TYPE_INT, .max = 100, API_AT(struct outer, a), .bit = 4},
	{.name = "newer",
	 .type = API_TYPE_INT,
	 .max = 100,
	 API_AT(struct outer, b),
	 .versions = API_V2},
	{.name = "former",
	 .type = API_TYPE_BOOL,
	 .flags = API_FIELD_NO_EFFECT,
	 API_AT(struct outer, former)},
	{.name = "ignored", .flags = API_FIELD_IGNORED},
	{.name = "one", .type = API_TYPE_STRUCT, .table = &inner_table, API_AT(struct outer, one)},
	{.name = "many",
	 .type = API_TYPE_STRUCT,
	 .table = &inner_table,
	 .flags = API_FIELD_UNIQUE,
	 API_LIST_AT(struct outer, many, n_many)},
};
static const struct outer outer_defaults = {.a = 7, .one.n = 6};
static const struct api_table outer_table =
	API_TABLE(struct outer, outer_fields, .defaults = &outer_defaults,
		  .set_at = offsetof(struct outer, set));

struct result {
	struct arena *arena;
	struct outer outer;
	struct problems problems;
	char *text;
	size_t n_errors;
	uint64_t hash;
};

static const struct api_schema schema = {.group = "test", .versions = {"v1", "v2"}};

static struct result run(const char *yaml, unsigned version)
{
	struct result r = {.arena = arena_new()};
	const struct api_yaml_text in = {.text = yaml, .len = strlen(yaml), .first_line = 1};
	struct api_yaml_error error;
	struct api_value *root;
	struct api_decoder d = {.arena = r.arena,
				.scratch = r.arena,
				.problems = &r.problems,
				.schema = &schema,
				.version = version,
				.api_version = "test/v1"};

	r.problems.arena = r.arena;
	assert_int_equal(api_yaml_parse(r.arena, &in, &root, &error), API_YAML_OK);
	d.root = root;
	api_decode_map(&d, &outer_table, root, &r.outer);
	problems_sort(&r.problems);
	r.text = problems_text(&r.problems);
	r.n_errors = d.n_errors;
	r.hash = d.hash;
	return r;
}

static void done(struct result *r)
{
	free(r->text);
	arena_free(r->arena);
}

static void rows_decide_what_is_written_where(void **state)
{
	struct result r = run("alpha: 1\nnewer: 2\none: {n: 3, text: x}\n"
			      "many:\n- {text: w}\n- {n: 4, text: z}\n",
			      API_V2);

	(void)state;
	assert_string_equal(r.text, "");
	assert_int_equal(r.outer.a, 1);
	assert_int_equal(r.outer.b, 2);
	assert_int_equal(r.outer.set, 4);
	assert_int_equal(r.outer.one.n, 3);
	assert_string_equal(r.outer.one.text, "x");
	assert_int_equal(r.outer.n_many, 2);
	assert_int_equal(r.outer.many[0].n, 5); /* the item's default */
	assert_int_equal(r.outer.many[1].n, 4);
	done(&r);
}

static void absent_null_and_wrong_leave_the_default(void **state)
{
	static const char *const texts[] = {"{}", "alpha: ~", "alpha: x", "alpha: 101"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct result r = run(texts[i], API_V1);

		assert_int_equal(r.outer.a, 7);
		assert_int_equal(r.outer.one.n, 6);
		assert_int_equal(r.n_errors, i >= 2);
		done(&r);
	}
}

static void every_complaint_has_path_and_line(void **state)
{
	static const struct {
		const char *yaml;
		unsigned version;
		const char *want;
	} cases[] = {
		{"many:\n- n: 1\n- n: 0\n", API_V1, "error OutOfRange many[1].n:3"},
		{"many:\n- n: 1\n", API_V2, "error MissingField many[0].text:2"},
		{"many: {}\n", API_V1, "error WrongType many:1"},
		{"many: [x]\n", API_V1, "error WrongType many[0]:1"},
		{"many:\n- {n: 1, text: a}\n- {text: a, n: 1}\n", API_V1,
		 "error DuplicateItem many:3"},
		{"alpha: 1\nalpha: 2\n", API_V1, "error DuplicateKey alpha:2"},
		{"one: {n: 1, n: 2}\n", API_V1, "error DuplicateKey one.n:1"},
		{"newer: 1\n", API_V1, "warning UnknownField newer:1"},
		{"one: {m: 1}\n", API_V1, "warning UnknownField one.m:1"},
		{"former: true\n", API_V1, "info NoEffect former:1"},
		{"former: false\n", API_V1, ""},
		{"ignored: {any: [thing]}\n", API_V1, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result r = run(cases[i].yaml, cases[i].version);

		assert_string_equal(r.text, cases[i].want);
		done(&r);
	}
}

static void an_unknown_field_is_told_the_nearest(void **state)
{
	static const struct {
		const char *yaml, *remedy;
	} cases[] = {
		{"Alpha: 1\n", "write alpha if that is meant"},
		{"alpa: 1\n", "write alpha if that is meant"},
		{"zzzzz: 1\n", "remove it"},
		{"newer: 1\n", "write apiVersion: test/v2, which has it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result r = run(cases[i].yaml, API_V1);

		assert_int_equal(r.problems.n, 1);
		assert_int_equal(r.n_errors, 0);
		assert_string_equal(r.problems.items[0].remedy, cases[i].remedy);
		done(&r);
	}
}

static void the_hash_counts_known_fields_only(void **state)
{
	struct result r[] = {
		run("alpha: 1\none: {n: 2}\n", API_V1),
		run("one: {n: 2, zzz: 3}\nalpha: 1\nignored: 4\nzzz: 5\n", API_V1),
		run("alpha: 2\none: {n: 2}\n", API_V1),
		run("alpha: 1\none: {n: 3}\n", API_V1),
		run("alpha: 1\nmany: [{n: 2}]\n", API_V1),
		run("alpha: 1\nmany: [{n: 2, zzz: 1}]\n", API_V1),
		run("many: [{n: 2}, {n: 4}]\n", API_V1),
		run("many: [{n: 3}, {n: 4}]\n", API_V1),
		run("many: [{n: 4}, {n: 2}]\n", API_V1),
		run("many: [{n: 4}]\n", API_V1),
	};

	(void)state;
	assert_true(r[0].hash == r[1].hash);
	assert_false(r[0].hash == r[2].hash);
	assert_false(r[0].hash == r[3].hash);
	assert_true(r[4].hash == r[5].hash);
	/* Each item of a list, and where it stands. */
	for (size_t i = 6; i < ARRAY_SIZE(r); i++)
		for (size_t k = 6; k < i; k++)
			assert_false(r[i].hash == r[k].hash);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		done(&r[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_decide_what_is_written_where),
		cmocka_unit_test(absent_null_and_wrong_leave_the_default),
		cmocka_unit_test(every_complaint_has_path_and_line),
		cmocka_unit_test(an_unknown_field_is_told_the_nearest),
		cmocka_unit_test(the_hash_counts_known_fields_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
