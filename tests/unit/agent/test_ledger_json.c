// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ledger survives a restart of the agent, and nothing of it survives a reboot.
 */
#include "agent/ledger_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BOOT UINT64_C(0xfedcba9876543210)

static struct plan_drain drain(uint32_t backend, nsec_t until)
{
	struct plan_drain d = {0};

	d.frontend.addr = ip_addr_from_v4(0xc0a86401);
	d.frontend.port = 443;
	d.frontend.proto = 6;
	d.frontend.domain = 7;
	d.target.addr = ip_addr_from_v4(backend);
	d.target.port = 8443;
	d.target.state = LB_BACKEND_DRAINING;
	d.until = until;
	return d;
}

static void drains_come_back_as_they_were(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_drain drains[] = {drain(0x0a000001, 5), drain(0x0a000002, NSEC_NEVER - 1)};
	struct plan_ledger in = {.drains = drains, .n_drains = 2}, out;
	_cleanup_(freep) char *text = ledger_to_json(&in, BOOT);

	(void)state;
	assert_true(ledger_from_json(text, strlen(text), BOOT, arena, &out));
	assert_int_equal(out.n_drains, 2);
	assert_memory_equal(out.drains, drains, sizeof(drains));
}

static void another_boot_reads_as_empty(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_drain drains[] = {drain(0x0a000001, 5)};
	struct plan_ledger in = {.drains = drains, .n_drains = 1}, out;
	_cleanup_(freep) char *text = ledger_to_json(&in, BOOT);

	(void)state;
	assert_true(ledger_from_json(text, strlen(text), BOOT + 1, arena, &out));
	assert_int_equal(out.n_drains, 0);
}

static void what_is_cut_or_foreign_is_refused_and_empty(void **state)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_drain drains[] = {drain(0x0a000001, 5)};
	struct plan_ledger in = {.drains = drains, .n_drains = 1}, out;
	_cleanup_(freep) char *text = ledger_to_json(&in, BOOT);

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		assert_false(ledger_from_json(text, len, BOOT, arena, &out));
		assert_int_equal(out.n_drains, 0);
	}
	assert_false(ledger_from_json("[]", 2, BOOT, arena, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drains_come_back_as_they_were),
		cmocka_unit_test(another_boot_reads_as_empty),
		cmocka_unit_test(what_is_cut_or_foreign_is_refused_and_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
