// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is said where the kernel refuses a program that is loaded at the first need. What the data
 * plane says of it is a word of the test's here; that it says so is
 * tests/unit/sys/test_bpf_far.c's.
 */
#include "agent/agent.h"
#include "agent/problems_own.h"

#include "sys/bpf_dataplane.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct {
	bool has_far;
	const char *failure;
} kernel;

/* In place of the data plane's. */
bool bpf_dataplane_has_far(const struct bpf_dataplane *dp, const char **ret_failure)
{
	(void)dp;
	*ret_failure = kernel.failure;
	return kernel.has_far;
}

static size_t n_problems(const struct agent *a, struct problems *list)
{
	list->n = 0;
	problems_own_add(a, NSEC_PER_SEC, list);
	return list->n;
}

static void a_refused_program_is_named_with_its_reason(void **state)
{
	const struct options options = {.node = "node", .state = "/s"};
	struct agent a = {.options = &options};
	struct problems list = {.arena = arena_new()};

	(void)state;
	kernel.failure = "the program xdp_tunnel: Argument list too long";
	assert_int_equal(n_problems(&a, &list), 0); /* there is no data plane */
	a.dataplane = (struct bpf_dataplane *)&kernel;
	assert_int_equal(n_problems(&a, &list), 1);
	assert_string_equal(list.items[0].object.kind, "DataPlane");
	assert_string_equal(list.items[0].reason, "ProgramsRefused");
	assert_int_equal(list.items[0].severity, SEVERITY_ERROR);
	assert_string_equal(list.items[0].message,
			    "nothing is sent to other nodes and servers: the program xdp_tunnel: "
			    "Argument list too long");
	kernel.has_far = true;
	assert_int_equal(n_problems(&a, &list), 0);
	kernel.has_far = false;
	kernel.failure = NULL; /* nothing has needed them */
	assert_int_equal(n_problems(&a, &list), 0);
	arena_free(list.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_program_is_named_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
