// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A copy of a peer's configuration holds nothing of the plan it was made from, and every field that
 * a session is made from counts when two are compared.
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
	struct plan_peer from = sample(), copy;

	(void)state;
	from.key.name = name;
	from.password = password;
	peer_config_copy(&copy, &from);
	name[0] = 'x';
	password[0] = 'x';
	assert_string_equal(copy.key.name, "r");
	assert_memory_equal(copy.password, "secret", 6);
	peer_config_done(&copy);
	assert_null(copy.password);
}

static void every_field_of_the_session_counts(void **state)
{
	struct plan_peer a = sample(), b[17];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = sample();
	b[n++].address = ip_addr_from_v4(0x0a000003);
	b[n++].source = ip_addr_from_v4(0x0a000003);
	b[n++].port++;
	b[n++].ttl = 255;
	b[n++].password = (const uint8_t *)"Secret";
	b[n++].password_len--;
	assert_true(peer_config_same_socket(&a, &b[n]));
	for (size_t i = 0; i < n; i++)
		assert_false(peer_config_same_socket(&a, &b[i]));
	b[n++].bgp.local_asn++;
	b[n++].bgp.remote_asn++;
	b[n++].bgp.any_external = true;
	b[n++].bgp.any_internal = true;
	b[n++].bgp.router_id++;
	b[n++].bgp.hold_s++;
	b[n++].bgp.keepalive_s++;
	b[n++].bgp.connect_s++;
	b[n++].bgp.graceful_restart = true;
	b[n++].bgp.restart_time_s++;
	bgp_families_put(&b[n++].bgp.families, BGP_IPV6_UNICAST, true);
	assert_int_equal(n, ARRAY_SIZE(b));
	for (size_t i = 0; i < n; i++)
		assert_false(peer_config_same(&a, &b[i]));
	b[0] = sample();
	assert_true(peer_config_same(&a, &b[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_outlives_what_it_was_made_from),
		cmocka_unit_test(every_field_of_the_session_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
