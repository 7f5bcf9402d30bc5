// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* cli/endpoint: what is one, and what is not. */
#include "cli/endpoint.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void addresses_with_ports_and_protocols(void **state)
{
	static const struct {
		const char *text, *address;
		uint16_t port;
		const char *protocol;
	} good[] = {
		{"192.0.2.1", "192.0.2.1", 0, "TCP"},
		{"192.0.2.1:80", "192.0.2.1", 80, "TCP"},
		{"192.0.2.1:53/udp", "192.0.2.1", 53, "UDP"},
		{"192.0.2.1/SCTP", "192.0.2.1", 0, "SCTP"},
		{"2001:db8::1", "2001:db8::1", 0, "TCP"},
		{"2001:db8::1/UDP", "2001:db8::1", 0, "UDP"},
		{"[2001:db8::1]:65535", "2001:db8::1", 65535, "TCP"},
		{"[::1]:1/Udp", "::1", 1, "UDP"},
		{"[::1]", "::1", 0, "TCP"},
	};
	static const char *const bad[] = {
		"",
		"web",
		"192.0.2.1:",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1:8o",
		"192.0.2.1:80/",
		"192.0.2.1:80/icmp",
		"192.0.2.1:80/tc",
		"[192.0.2.1]:80",
		"[::1:80",
		"[::1]80",
		"[]:80",
		":80",
		"192.0.2:80",
		"192.0.2.1:99999999999999999999",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
	};
	struct endpoint e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!endpoint_parse(good[i].text, &e))
			fail_msg("%s is refused", good[i].text);
		assert_string_equal(e.address, good[i].address);
		assert_int_equal(e.port, good[i].port);
		assert_string_equal(e.protocol, good[i].protocol);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (endpoint_parse(bad[i], &e))
			fail_msg("%s is accepted", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_with_ports_and_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
