// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * In quiet the agent gives back what only a plan or a look at all files needed, and goes on as
 * before.
 */
#include "show_rig.h"

#include "agent/peers_inside.h"
#include "sys/memory.h"

#include <sys/mman.h>

/* Pages of what sessions are read and written through. */
static size_t n_resident(const struct agent_rig *rig)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t begin = (uintptr_t)rig->agent.peers.scratch;
	size_t n = 0;

	for (uintptr_t at = begin / page * page + page; at + page <= begin + PEERS_SCRATCH_BYTES;
	     at += page) {
		unsigned char is_in = 0;

		assert_int_equal(mincore((void *)at, page, &is_in), 0);
		n += is_in & 1;
	}
	return n;
}

static bool has_given_back(const struct agent_rig *rig)
{
	return n_resident(rig) == 0;
}

static bool has_two(const struct agent_rig *rig)
{
	return rig->router->announced == 2;
}

static void use_all(struct agent_rig *rig)
{
	memset(rig->agent.peers.scratch, 1, PEERS_SCRATCH_BYTES);
	assert_true(n_resident(rig) > 10);
}

static void after_a_plan_and_after_a_look_without_one(void **state)
{
	struct agent_rig *rig = rig_announcing();

	(void)state;
	use_all(rig);
	RIG_WAIT(rig, has_given_back);
	/* The files are looked at every five seconds. */
	use_all(rig);
	RIG_WAIT(rig, has_given_back);
	rig_write(rig, "s3.yaml", RIG_SERVICE("s3"));
	RIG_WAIT(rig, has_two);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_plan_and_after_a_look_without_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
