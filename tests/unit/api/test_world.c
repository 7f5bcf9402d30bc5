// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * api/world: sources, last good versions, generations.
 */
#include "api/world.h"

#include "unit/api/api_test.h"

#define NS(name) "apiVersion: v1\nkind: Namespace\nmetadata: {name: '" name "'}\n---\n"
#define NS_LABEL(name, l)                                                                          \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: '" name "', labels: {l: " l "}}\n---\n"
#define NS_BAD(name)                                                                               \
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: '" name "', labels: 1}\n---\n"
#define BROKEN "{[\n---\n"

static struct world *setup_world(const char *source, const char *text)
{
	struct world *w = world_new();

	world_put_source(w, source, text, strlen(text));
	return w;
}

static void put(struct world *w, const char *source, const char *text)
{
	world_put_source(w, source, text, strlen(text));
}

/* Names of all Namespaces, joined. */
static char *names(const struct world *w)
{
	struct world_list list = world_list(w, API_NAMESPACE);
	struct strbuf s;

	strbuf_init(&s, 4096);
	strbuf_add(&s, "");
	for (size_t i = 0; i < list.n; i++)
		strbuf_printf(&s, "%s%s", i ? " " : "", list.items[i]->meta.name);
	return s.data ? s.data : xstrdup("");
}

static void assert_names(const struct world *w, const char *want)
{
	_cleanup_(freep) char *got = names(w);

	assert_string_equal(got, want);
}

static void assert_problems(const struct world *w, const char *want)
{
	_cleanup_(freep) char *got = problems_text(world_problems(w));

	assert_string_equal(got, want);
}

static const char *label(const struct world *w, const char *name)
{
	return labels_get(&world_find(w, API_NAMESPACE, "", name)->meta.labels, "l");
}

static void a_source_is_replaced_as_a_whole(void **state)
{
	struct world *w = setup_world("a", NS("x") NS("y"));

	(void)state;
	assert_names(w, "x y");
	put(w, "b", NS("z"));
	put(w, "a", NS("y") NS("q"));
	assert_names(w, "q y z");
	assert_null(world_find(w, API_NAMESPACE, "", "x"));
	world_drop_source(w, "b");
	world_drop_source(w, "never");
	assert_names(w, "q y");
	put(w, "a", "");
	assert_names(w, "");
	assert_problems(w, "");
	world_free(w);
}

static void a_wrong_version_leaves_the_last_good_one_in_force(void **state)
{
	struct world *w = setup_world("a", NS_LABEL("x", "one") NS("y"));

	(void)state;
	put(w, "a", NS_BAD("x") NS("y"));
	assert_names(w, "x y");
	assert_string_equal(label(w, "x"), "one");
	assert_problems(w, "error WrongType metadata.labels:3\ninfo LastGoodInForce -:1");
	put(w, "a", NS_BAD("x")); /* still wrong, and y is gone for good */
	assert_names(w, "x");
	assert_string_equal(label(w, "x"), "one");
	put(w, "a", NS_LABEL("x", "two"));
	assert_string_equal(label(w, "x"), "two");
	assert_problems(w, "");
	put(w, "a", NS_BAD("new"));
	assert_names(w, "");
	world_free(w);
}

static void an_unreadable_document_keeps_what_nothing_else_names(void **state)
{
	struct world *w = setup_world("a", NS_LABEL("x", "one") NS_LABEL("y", "one"));

	(void)state;
	put(w, "a", NS_LABEL("x", "two") BROKEN);
	assert_names(w, "x y");
	assert_string_equal(label(w, "x"), "two");
	assert_string_equal(label(w, "y"), "one");
	assert_problems(w, "error BadYAML line 5:5\ninfo LastGoodInForce -:5");
	put(w, "a", BROKEN);
	assert_names(w, "x y");
	put(w, "a", NS("x"));
	assert_names(w, "x");
	assert_problems(w, "");
	world_free(w);
}

static void objects_that_lack_their_separator_stay_what_they_were(void **state)
{
	static const char joined[] =
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: x, labels: {l: two}}\n"
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: z, labels: {l: two}}\n";
	struct world *w = setup_world("a", NS_LABEL("x", "one") NS_LABEL("z", "one") NS("gone"));

	(void)state;
	put(w, "a", joined);
	assert_names(w, "x z");
	assert_string_equal(label(w, "x"), "one");
	assert_string_equal(label(w, "z"), "one");
	assert_problems(w, "error MissingSeparator line 4:4\n"
			   "info LastGoodInForce -:1\ninfo LastGoodInForce -:5");
	world_free(w);
}

static void a_source_keeps_only_its_own_objects(void **state)
{
	struct world *w = setup_world("a", NS("x"));

	(void)state;
	put(w, "b", NS("y"));
	put(w, "b", BROKEN);
	world_drop_source(w, "a");
	assert_names(w, "y");
	world_drop_source(w, "b");
	assert_names(w, "");
	assert_problems(w, "");
	world_free(w);
}

static void of_doubles_the_first_source_wins_and_the_next_takes_over(void **state)
{
	struct world *w = setup_world("b.yaml", NS_LABEL("x", "b"));

	(void)state;
	put(w, "c.yaml", NS_LABEL("x", "c"));
	assert_string_equal(label(w, "x"), "b");
	put(w, "a.yaml", NS("other") NS_LABEL("x", "a"));
	assert_string_equal(label(w, "x"), "a");
	assert_names(w, "other x");
	assert_problems(w, "error DefinedTwice -:1\nerror DefinedTwice -:1");
	assert_string_equal(world_problems(w)->items[0].message,
			    "defined more than once: a.yaml:5 is used, b.yaml:1 is not");
	world_drop_source(w, "a.yaml");
	assert_string_equal(label(w, "x"), "b");
	world_drop_source(w, "b.yaml");
	assert_string_equal(label(w, "x"), "c");
	assert_problems(w, "");
	world_free(w);
}

static void of_doubles_in_one_file_the_first_line_wins(void **state)
{
	struct world *w = setup_world("a", NS_LABEL("x", "one") NS_LABEL("x", "two"));

	(void)state;
	assert_names(w, "x");
	assert_string_equal(label(w, "x"), "one");
	assert_problems(w, "error DefinedTwice -:5");
	world_free(w);
}

static void the_generation_moves_with_content_alone(void **state)
{
	struct world *w = setup_world("a", NS("x"));
	uint64_t before = world_generation(w);
	const struct api_object *x = world_find(w, API_NAMESPACE, "", "x");

	(void)state;
	put(w, "a", NS("x"));
	put(w, "a", NS("x") "# comment\n");
	put(w, "empty", "");
	assert_true(world_generation(w) == before);
	assert_ptr_equal(world_find(w, API_NAMESPACE, "", "x"), x);
	put(w, "a", "\n" NS("x")); /* its line is part of every problem about it */
	assert_true(world_generation(w) > before);
	before = world_generation(w);
	put(w, "a", "\n" NS_LABEL("x", "one"));
	assert_true(world_generation(w) > before);
	before = world_generation(w);
	put(w, "a", "\n" NS_LABEL("x", "one") BROKEN);
	assert_true(world_generation(w) > before);
	before = world_generation(w);
	world_drop_source(w, "a");
	assert_true(world_generation(w) > before);
	world_free(w);
}

static void a_problem_of_the_caller_stays_until_the_source_is_put(void **state)
{
	struct world *w = setup_world("a", NS("x"));
	uint64_t before = world_generation(w);

	(void)state;
	world_source_problem(w, "a", "Unreadable", "permission denied", "chmod it");
	assert_true(world_generation(w) > before);
	before = world_generation(w);
	world_source_problem(w, "a", "Unreadable", "permission denied", "chmod it");
	assert_true(world_generation(w) == before);
	world_source_problem(w, "b", "TooLarge", "too large", "split it");
	assert_problems(w, "error Unreadable -:0\nerror TooLarge -:0");
	assert_names(w, "x");
	put(w, "a", NS("x"));
	assert_problems(w, "error TooLarge -:0");
	world_drop_source(w, "b");
	assert_problems(w, "");
	world_free(w);
}

static void foreign_objects_are_counted_by_source(void **state)
{
	struct world *w = setup_world("a", "apiVersion: v1\nkind: Pod\n");

	(void)state;
	put(w, "b", "apiVersion: v1\nkind: Pod\n---\napiVersion: apps/v1\nkind: Deployment\n");
	assert_int_equal(world_foreign(w), 3);
	world_drop_source(w, "b");
	assert_int_equal(world_foreign(w), 1);
	world_free(w);
}

static void what_may_be_hidden_is_known_by_kind(void **state)
{
	struct world *w = setup_world("a", NS("x"));

	(void)state;
	assert_false(world_may_hide(w, API_SERVICE));
	put(w, "b",
	    "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: none}]}\n");
	assert_true(world_may_hide(w, API_SERVICE));
	assert_false(world_may_hide(w, API_IP_ADDRESS_POOL));
	put(w, "b", "kind: [unclosed\n");
	assert_true(world_may_hide(w, API_IP_ADDRESS_POOL));
	put(w, "b", NS("y"));
	assert_false(world_may_hide(w, API_SERVICE));
	world_source_problem(w, "c", "Unreadable", "permission denied", "chmod it");
	assert_true(world_may_hide(w, API_SERVICE));
	world_drop_source(w, "c");
	assert_false(world_may_hide(w, API_SERVICE));
	world_free(w);
}

static void an_empty_world_answers(void **state)
{
	struct world *w = world_new();

	(void)state;
	assert_int_equal(world_list(w, API_SERVICE).n, 0);
	assert_int_equal(world_slices(w, "a", "b").n, 0);
	assert_null(world_find(w, API_SERVICE, "a", "b"));
	assert_int_equal(world_problems(w)->n, 0);
	assert_int_equal(world_foreign(w), 0);
	world_free(w);
	assert_null(world_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_replaced_as_a_whole),
		cmocka_unit_test(a_wrong_version_leaves_the_last_good_one_in_force),
		cmocka_unit_test(an_unreadable_document_keeps_what_nothing_else_names),
		cmocka_unit_test(objects_that_lack_their_separator_stay_what_they_were),
		cmocka_unit_test(a_source_keeps_only_its_own_objects),
		cmocka_unit_test(of_doubles_the_first_source_wins_and_the_next_takes_over),
		cmocka_unit_test(of_doubles_in_one_file_the_first_line_wins),
		cmocka_unit_test(the_generation_moves_with_content_alone),
		cmocka_unit_test(a_problem_of_the_caller_stays_until_the_source_is_put),
		cmocka_unit_test(foreign_objects_are_counted_by_source),
		cmocka_unit_test(what_may_be_hidden_is_known_by_kind),
		cmocka_unit_test(an_empty_world_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
