// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What it costs to load the programs. The agent loads them at each start and the self-tests wait
 * for it, so the verifier's work is held to a bar: it grows by factors, not by percents, when a
 * function that ought to be global (verified once, by itself) becomes static or inline. The bar is
 * on instructions, which are the same on a slow or a busy machine; the time is printed beside
 * them.
 */
#include "bpf/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define VERIFIED_MAX 40000
#define TRIES        3 /* the quickest counts */

static struct rig_size measure(enum rig_program which)
{
	struct rig_size best = {.load_ms = 1e9};

	for (int i = 0; i < TRIES; i++) {
		const char *why;
		struct rig *r = rig_new_sized(1, &why);
		struct rig_size size;

		if (!r)
			skip();
		size = rig_size(r, which);
		best = size.load_ms < best.load_ms ? size : best;
		rig_free(r);
	}
	return best;
}

static void expect_cheap(enum rig_program which, const char *name)
{
	struct rig_size size = measure(which);

	print_message("  %s: %u instructions verified, loaded in %.1f ms; %u instructions, %u "
		      "bytes of machine code\n",
		      name, size.verified, size.load_ms, size.instructions, size.machine_bytes);
	assert_in_range(size.verified, 1, VERIFIED_MAX);
}

static void xdp_lb_is_verified_in_time(void **state)
{
	(void)state;
	expect_cheap(RIG_XDP, "xdp_lb");
}

static void tc_reply_is_verified_in_time(void **state)
{
	(void)state;
	expect_cheap(RIG_TC, "tc_reply");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_lb_is_verified_in_time),
		cmocka_unit_test(tc_reply_is_verified_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
