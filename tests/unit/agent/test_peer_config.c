// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A copy of a peer's configuration holds nothing of the plan it was made from.
 */
#include "agent/peer_config.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static struct plan_peer sample(void)
{
	struct plan_peer p = {.key = {"r", "blue", "eth0"},
			      .port = 179,
			      .ttl = 1,
			      .password = (const uint8_t *)"secret",
			      .password_len = 6,
			      .bgp = {.local_asn = 64513, .remote_asn = 64512, .hold_s = 90}};

	p.address = ip_addr_from_v4(0x0a000002);
	return p;
}

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
