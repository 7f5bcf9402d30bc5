// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A copy of a peer's configuration holds nothing of the plan it was made from.
 */
#include "agent/peer_config.h"

#include "unit/plan/peer_sample.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static void copy_outlives_what_it_was_made_from(void **state)
{
	uint8_t password[] = "secret";
	char name[] = "r";
	const struct api_object object = {.text_len = 0};
	struct plan_peer from = sample(), copy;

	(void)state;
	from.key.name = name;
	from.password = password;
	from.object = &object;
	peer_config_copy(&copy, &from);
	name[0] = 'x';
	password[0] = 'x';
	assert_string_equal(copy.key.name, "r");
	assert_memory_equal(copy.password, "secret", 6);
	assert_null(copy.object); /* nothing to copy: it is the world's */
	peer_config_done(&copy);
	assert_null(copy.password);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_outlives_what_it_was_made_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
