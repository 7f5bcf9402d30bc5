// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/conntrack_line: lines of /proc/net/nf_conntrack as kernels print them, and what is none.
 */
#include "sys/conntrack_line.h"

#include "sys_test.h"

struct line_case {
	const char *line, *orig_dst, *reply_src;
	bool has_ended;
};

static const struct line_case cases[] = {
	{"ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2\n",
	 "192.0.2.1", "10.244.0.5", false},
	{"ipv4     2 tcp      6 57 TIME_WAIT src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2\n",
	 "192.0.2.1", "10.244.0.5", true},
	{"ipv4     2 tcp      6 9 CLOSE src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40000 mark=0 use=2\n",
	 "192.0.2.1", "10.244.0.5", true},
	{"ipv4     2 tcp      6 50 CLOSE_WAIT src=10.0.0.9 dst=192.0.2.1 sport=1 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=1 mark=0 use=2\n",
	 "192.0.2.1", "10.244.0.5", false},
	{"ipv4     2 udp      17 28 src=10.0.0.9 dst=192.0.2.1 sport=53 dport=53 packets=1 bytes=60 "
	 "[UNREPLIED] src=10.244.0.5 dst=10.0.0.9 sport=53 dport=53 packets=0 bytes=0 mark=0 use=2",
	 "192.0.2.1", "10.244.0.5", false},
	{"ipv6     10 tcp      6 300 ESTABLISHED src=2001:0db8:0000:0000:0000:0000:0000:0009 "
	 "dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=1 dport=80 "
	 "src=fd00:0000:0000:0000:0000:0000:0000:0005 "
	 "dst=2001:0db8:0000:0000:0000:0000:0000:0009 sport=80 dport=1 [ASSURED] use=1\n",
	 "2001:db8::1", "fd00::5", false},
};

static void lines_of_the_kernel_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct conntrack_line entry;
		char text[IP_ADDR_TEXT];

		assert_true(conntrack_line_parse(cases[i].line, &entry));
		assert_string_equal(ip_addr_text(&entry.orig_dst, text), cases[i].orig_dst);
		assert_string_equal(ip_addr_text(&entry.reply_src, text), cases[i].reply_src);
		assert_int_equal(entry.has_ended, cases[i].has_ended);
	}
}

static void other_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"src= dst= src= dst=",
		"src=1.2.3.4 dst=1.2.3.5",
		"src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6",
		"src=1.2.3.4 dst=1.2.3.500 src=1.2.3.6 dst=1.2.3.4",
		"xsrc=1.2.3.4 xdst=1.2.3.5 xsrc=1.2.3.6 xdst=1.2.3.4",
		"src=11111111111111111111111111111111111111111111111111111111111111111111111111111111",
	};
	struct conntrack_line entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(conntrack_line_parse(lines[i], &entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_kernel_are_read),
		cmocka_unit_test(other_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
