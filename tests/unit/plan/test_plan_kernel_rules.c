// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Rules as the kernel has them: which group one is of, which are ours, by each of their parts, and
 * whether those that lead to received routes are there.
 */
#include "fake/fake_kernel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void priorities_have_their_group(void **state)
{
	static const struct {
		uint32_t priority;
		enum ip_family family;
		unsigned group;
	} cases[] = {
		{195, IP_V4, 0},
		{196, IP_V4, KERNEL_GROUP_TO_POD},
		{197, IP_V4, 0},
		{199, IP_V4, 0},
		{200, IP_V4, KERNEL_GROUP_VRF + 32},
		{201, IP_V4, KERNEL_GROUP_VRF + 32},
		{202, IP_V4, KERNEL_GROUP_VRF + 31},
		{263, IP_V4, KERNEL_GROUP_VRF + 1},
		{264, IP_V4, 0},
		{200, IP_V6, KERNEL_GROUP_VRF + 128},
		{455, IP_V6, KERNEL_GROUP_VRF + 1},
		{456, IP_V6, 0},
		{19599, IP_V4, 0},
		{19600, IP_V4, 32},
		{19663, IP_V4, 1},
		{19664, IP_V4, 0},
		{19855, IP_V6, 1},
		{19856, IP_V6, 0},
		{19899, IP_V4, 0},
		{19900, IP_V4, KERNEL_GROUP_RECEIVED},
		{19901, IP_V6, KERNEL_GROUP_RECEIVED},
		{19902, IP_V4, 0},
		{32799, IP_V4, 0},
		{32800, IP_V6, KERNEL_GROUP_FROM_POD},
		{32801, IP_V4, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kernel_rule r = {.family = cases[i].family,
					      .priority = cases[i].priority};

		assert_int_equal(kernel_rule_group(&r), cases[i].group);
	}
}

/* --- whose a rule is -------------------------------------------------------------------------- */

static bool is_ours(const struct kernel_rule *r)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kernel_rule rule = *r;
	const struct kernel_picture have = {.rules = &rule, .n_rules = 1};

	return kernel_ours(arena, &have).n_rules == 1;
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix ret;

	assert_true(ip_prefix_parse(text, &ret));
	return ret;
}

/* One thing of it is another; 0 to 10. False: it is that already. */
static bool change(struct kernel_rule *r, unsigned what)
{
	const struct kernel_rule before = *r;

	switch (what) {
	case 0:
		r->protocol = 4;
		return true;
	case 1:
		r->odd = true;
		return true;
	case 2:
		r->iif = r->iif[0] ? "" : "eth9";
		return true;
	case 3:
		r->from = prefix_of("198.51.100.0/24");
		return true;
	case 4:
		r->to = prefix_of("198.51.100.0/24");
		return true;
	case 5:
		r->ipproto = r->ipproto ? 0 : 6;
		return true;
	case 6:
		r->sport = r->sport ? 0 : 80;
		return true;
	case 7:
		r->table = 77;
		break;
	case 8:
		r->suppress = 31;
		break;
	case 9:
		r->suppress = -1;
		break;
	default:
		r->priority += 50000;
		break;
	}
	return before.table != r->table || before.suppress != r->suppress ||
	       before.priority != r->priority;
}

static void what_differs_in_anything_is_somebody_elses(void **state)
{
	const struct kernel_rule base = {
		.family = IP_V4, .iif = "", .suppress = -1, .protocol = KERNEL_PROTOCOL};
	struct kernel_rule rules[8];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = base;
	/* Of a length, of one in a VRF, of received routes: two each; to a pod and from it. */
	rules[n].priority = 19616, rules[n].iif = "eth0", rules[n].table = KERNEL_MAIN;
	rules[n++].suppress = 23;
	rules[n].priority = 19617, rules[n].iif = "eth0", rules[n++].table = 19624;
	rules[n].priority = 216, rules[n].iif = "eth1", rules[n].table = 1000;
	rules[n++].suppress = 23;
	rules[n].priority = 217, rules[n].iif = "eth1", rules[n++].table = 1961000024;
	rules[n].priority = 19900, rules[n].table = KERNEL_MAIN, rules[n++].suppress = 0;
	rules[n].priority = 19901, rules[n++].table = 19800;
	rules[n].priority = 196, rules[n].iif = "eth1", rules[n].table = KERNEL_MAIN;
	rules[n++].to = prefix_of("10.244.1.11/32");
	rules[n].priority = 32800, rules[n].from = prefix_of("10.244.1.11/32");
	rules[n].ipproto = 6, rules[n].sport = 80, rules[n++].table = 1000;
	assert_int_equal(n, ARRAY_SIZE(rules));
	for (size_t i = 0; i < n; i++) {
		assert_true(is_ours(&rules[i]));
		for (unsigned what = 0; what <= 10; what++) {
			struct kernel_rule r = rules[i];
			/* Which table a VRF has is its owner's affair. */
			const bool may = what == 7 && (i == 2 || i == 7);

			if (change(&r, what) && is_ours(&r) != may)
				fail_msg("rule %u, changed in %u", rules[i].priority, what);
		}
	}
}

/* Of both families, once the rules that lead to received routes are there, and as long as. */
static void received_routes_are_led_to_by_two_rules_of_each_family(void **state)
{
	struct fake_kernel *k = xcalloc(1, sizeof(*k));
	const struct kernel_sink sink = fake_kernel_sink(k);
	struct plan_blackholes want = {.receives = true};
	struct kernel_state s;

	(void)state;
	kernel_state_init(&s);
	k->fails_at = 2;
	kernel_pass(&s, &sink, &want, SIZE_MAX);
	assert_int_equal(s.n_failed, 1);
	assert_int_equal(kernel_receives(&s, IP_V4) + kernel_receives(&s, IP_V6), 1);
	k->fails_at = 0;
	kernel_pass(&s, &sink, &want, SIZE_MAX);
	assert_true(kernel_receives(&s, IP_V4) && kernel_receives(&s, IP_V6));
	want.receives = false;
	kernel_pass(&s, &sink, &want, SIZE_MAX);
	assert_false(kernel_receives(&s, IP_V4) || kernel_receives(&s, IP_V6));
	assert_int_equal(k->n_rules, 0);
	kernel_state_done(&s);
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(priorities_have_their_group),
		cmocka_unit_test(what_differs_in_anything_is_somebody_elses),
		cmocka_unit_test(received_routes_are_led_to_by_two_rules_of_each_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
