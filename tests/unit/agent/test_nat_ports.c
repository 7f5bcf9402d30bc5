// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Source ports of forwarding nat beside those that the kernel gives programs. */
#include "agent/nat_ports.h"

#include "agent/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define N 16384

static void ranges_meet_where_they_have_a_port_in_common(void **state)
{
	(void)state;
	assert_false(nat_ports_meet(16384, N, 32768, 60999)); /* as both are at first */
	assert_true(nat_ports_meet(16385, N, 32768, 60999));
	assert_true(nat_ports_meet(16384, N, 32767, 60999));
	assert_true(nat_ports_meet(16384, N, 1024, 65535));
	assert_true(nat_ports_meet(40000, N, 32768, 60999));
	assert_true(nat_ports_meet(49152, N, 1024, 49152));
	assert_false(nat_ports_meet(49152, N, 1024, 49151));
	assert_true(nat_ports_meet(49152, N, 65535, 65535));
}

static void what_is_not_known_or_asked_for_meets_nothing(void **state)
{
	(void)state;
	assert_false(nat_ports_meet(0, N, 1, 65535));
	assert_false(nat_ports_meet(16384, N, 0, 0));
}

/* --- that are used up ------------------------------------------------------------------------- */

#define AT (1000 * NSEC_PER_SEC)

/* What is said of an agent whose plan has this range. */
static bool says(const struct agent_nat_ports *n, uint16_t first, nsec_t now, const char *reason)
{
	const struct options options = {.node = "node-a"};
	_cleanup_(freep) struct agent *a = xcalloc(1, sizeof(*a));
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct problems list = {.arena = arena};
	bool ret = false;

	a->options = &options;
	a->plans[0].plan.nat_port = first;
	a->current = &a->plans[0];
	a->nat_ports = *n;
	nat_ports_problems(a, now, &list);
	for (size_t i = 0; i < list.n; i++)
		ret |= strcmp(list.items[i].reason, reason) == 0;
	return ret;
}

static void who_is_refused_for_want_of_a_port_is_told_for_a_minute(void **state)
{
	struct agent_nat_ports n = {.look_at = 0};

	(void)state;
	nat_ports_note(&n, 7, AT); /* the first look, at what a former agent may have seen */
	assert_false(says(&n, 16384, AT, "NatPortsUsedUp"));
	n.look_at = AT + 10 * NSEC_PER_SEC;
	nat_ports_note(&n, 7, AT + 10 * NSEC_PER_SEC);
	assert_false(says(&n, 16384, AT + 10 * NSEC_PER_SEC, "NatPortsUsedUp"));
	nat_ports_note(&n, 8, AT + 20 * NSEC_PER_SEC);
	assert_true(says(&n, 16384, AT + 20 * NSEC_PER_SEC, "NatPortsUsedUp"));
	assert_false(says(&n, 0, AT + 20 * NSEC_PER_SEC, "NatPortsUsedUp")); /* nobody asks */
	nat_ports_note(&n, 8, AT + 30 * NSEC_PER_SEC);
	assert_true(says(&n, 16384, AT + 80 * NSEC_PER_SEC - 1, "NatPortsUsedUp"));
	assert_false(says(&n, 16384, AT + 80 * NSEC_PER_SEC, "NatPortsUsedUp"));
}

static void ports_that_programs_may_get_are_told(void **state)
{
	const struct agent_nat_ports n = {.local_first = 32768, .local_last = 60999};

	(void)state;
	assert_false(says(&n, 16384, AT, "NatPortsShared"));
	assert_true(says(&n, 40000, AT, "NatPortsShared"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_meet_where_they_have_a_port_in_common),
		cmocka_unit_test(what_is_not_known_or_asked_for_meets_nothing),
		cmocka_unit_test(who_is_refused_for_want_of_a_port_is_told_for_a_minute),
		cmocka_unit_test(ports_that_programs_may_get_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
