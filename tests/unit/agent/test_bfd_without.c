// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGP that came up again without its BFD: told when it has lasted, for as long as it lasts. A
 * program of its own, since that takes ten seconds.
 */
#include "bfd_rig.h"

static bool is_told(const struct agent_rig *rig)
{
	const struct problem *p = rig_problem(rig, "BFDDown");

	return p && strstr(p->message, "BGP runs without it");
}

static bool is_no_problem(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDDown") == NULL;
}

static void bgp_without_bfd_is_told_until_bfd_is_up_again(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_not_up);
	RIG_WAIT(rig, has_bgp);
	RIG_WAIT(rig, is_told);
	/* Nothing happens to BGP, so it is BFD alone that says so. */
	router_says(rig, fd, BFD_DOWN);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, is_no_problem);
	assert_true(is_up(rig) && has_bgp(rig));
	end(rig, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bgp_without_bfd_is_told_until_bfd_is_up_again),
	};

	return cmocka_run_group_tests_name("bfd_without", tests, NULL, NULL);
}
