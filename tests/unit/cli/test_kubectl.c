// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* cli/kubectl: what is its own of a line, whose pods are read, and by which name it is called. */
#include "cli/kubectl.h"

#include "cli/kubectl_same.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void own_options_stand_anywhere(void **state)
{
	static const char *const lines[][7] = {
		{"kubectl-lodestone", "--node", "n1", "show", "peers", "-ojson", NULL},
		{"x", "show", "--node=n1", "peers", "-ojson", NULL},
		{"x", "show", "peers", "-ojson", "--node", "n1", NULL},
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct kubectl_line l;
		int argc = 0;

		while (lines[i][argc])
			argc++;
		assert_null(kubectl_split(arena, argc, lines[i], &l));
		assert_string_equal(l.node, "n1");
		assert_string_equal(l.in, "metallb-system");
		assert_false(l.all_nodes);
		assert_int_equal(l.argc, 4);
		assert_string_equal(l.argv[0], "lodectl");
		assert_string_equal(l.argv[1], "show");
		assert_string_equal(l.argv[2], "peers");
		assert_string_equal(l.argv[3], "-ojson");
		assert_null(l.argv[4]);
	}
}

static void options_that_say_nothing_are_refused(void **state)
{
	static const char *const lines[][5] = {
		{"x", "--node", NULL},
		{"x", "--node=", NULL},
		{"x", "--agents-in", NULL},
		{"x", "--all-nodes", "--node", "n1", NULL},
	};
	static const char *const good[] = {"x", "--all-nodes", "--agents-in=a", "--nodes"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kubectl_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		int argc = 0;

		while (lines[i][argc])
			argc++;
		assert_non_null(kubectl_split(arena, argc, lines[i], &l));
	}
	assert_null(kubectl_split(arena, ARRAY_SIZE(good), good, &l));
	assert_true(l.all_nodes);
	assert_null(l.node);
	assert_string_equal(l.in, "a");
	assert_string_equal(l.argv[1], "--nodes"); /* lodectl's, which refuses it */
}

static void pods_are_read_line_by_line(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kubectl_pod *pods;

	(void)state;
	assert_int_equal(kubectl_pods(arena, "", &pods), 0);
	assert_int_equal(kubectl_pods(arena, "No resources\nfound\n\n", &pods), 1);
	assert_int_equal(
		kubectl_pods(arena, "n1   pod-a\nn2 pod-b  \n\nalone\n n3 x\nn4 last", &pods), 3);
	assert_string_equal(pods[0].node, "n1");
	assert_string_equal(pods[0].name, "pod-a");
	assert_string_equal(pods[1].name, "pod-b");
	assert_string_equal(pods[2].node, "n4");
	assert_string_equal(pods[2].name, "last");
}

static bool same(const char *json, const char *says)
{
	cJSON *all = cJSON_Parse(json);
	struct strbuf out;
	bool ret;

	assert_non_null(all);
	strbuf_init(&out, 1 << 16);
	ret = kubectl_same(all, &out);
	assert_non_null(strstr(out.data, says));
	strbuf_done(&out);
	cJSON_Delete(all);
	return ret;
}

#define NODE(name, version, print)                                                                 \
	"{\"asked\":\"" name "\",\"version\":\"" version "\",\"state\":\"ok\",\"objects\":{"       \
	"\"configured\":7,\"fingerprint\":\"" print "\"}}"

static void nodes_that_differ_are_told(void **state)
{
	(void)state;
	assert_true(same("[" NODE("a", "1", "f") "," NODE("b", "1", "f") "]",
			 "b      1         7            f             ok      yes\n"
			 "2 nodes run and know the same\n"));
	assert_false(
		same("[" NODE("a", "1", "f") "," NODE("b", "1", "e") "," NODE("c", "1", "f") "]",
		     "b      1         7            e             ok      no\n"));
	assert_false(same("[" NODE("a", "1", "f") "," NODE("b", "2", "f") "]",
			  "1 of 2 nodes are not as the first that answers\n"));
	assert_false(same("[{\"asked\":\"a\"}," NODE("b", "1", "f") "]",
			  "a      -         -            -             -       no answer\n"));
	assert_false(same("[{\"asked\":\"a\"}]", "1 of 1 nodes"));
}

static void the_name_decides(void **state)
{
	(void)state;
	assert_true(kubectl_is_asked("kubectl-lodestone"));
	assert_true(kubectl_is_asked("/usr/bin/kubectl-lodestone"));
	assert_false(kubectl_is_asked("lodectl"));
	assert_false(kubectl_is_asked("/kubectl-lodestone/lodectl"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_options_stand_anywhere),
		cmocka_unit_test(options_that_say_nothing_are_refused),
		cmocka_unit_test(pods_are_read_line_by_line),
		cmocka_unit_test(nodes_that_differ_are_told),
		cmocka_unit_test(the_name_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
