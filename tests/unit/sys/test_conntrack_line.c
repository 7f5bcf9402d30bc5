// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/conntrack_line: lines of /proc/net/nf_conntrack as kernels print them, and what is none.
 */
#include "sys/conntrack_line.h"

#include "sys_test.h"

struct line_case {
	const char *line, *src, *dst, *reply_src;
	uint16_t sport, dport, reply_sport;
	uint8_t proto;
	bool is_answered, has_ended;
};

static const struct line_case cases[] = {
	{"ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40001 [ASSURED] mark=0 zone=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 40000, 80, 8080, 6, true, false},
	{"ipv4     2 tcp      6 57 TIME_WAIT src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40000 [ASSURED] mark=0 zone=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 40000, 80, 8080, 6, true, true},
	{"ipv4     2 tcp      6 9 CLOSE src=10.0.0.9 dst=192.0.2.1 sport=40000 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=8080 dport=40000 mark=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 40000, 80, 8080, 6, true, true},
	{"ipv4     2 tcp      6 50 CLOSE_WAIT src=10.0.0.9 dst=192.0.2.1 sport=1 dport=80 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=65535 dport=1 mark=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 1, 80, 65535, 6, true, false},
	{"ipv4     2 udp      17 28 src=10.0.0.9 dst=192.0.2.1 sport=53 dport=54 packets=1 bytes=60 "
	 "[UNREPLIED] src=10.244.0.5 dst=10.0.0.9 sport=55 dport=53 packets=0 bytes=0 mark=0 use=2",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 53, 54, 55, 17, false, false},
	{"ipv6     10 tcp      6 300 ESTABLISHED src=2001:0db8:0000:0000:0000:0000:0000:0009 "
	 "dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=1 dport=80 "
	 "src=fd00:0000:0000:0000:0000:0000:0000:0005 "
	 "dst=2001:0db8:0000:0000:0000:0000:0000:0009 sport=80 dport=1 [ASSURED] use=1\n",
	 "2001:db8::9", "2001:db8::1", "fd00::5", 1, 80, 80, 6, true, false},
	{"ipv4     2 sctp     132 209 ESTABLISHED src=10.0.0.9 dst=192.0.2.1 sport=9 dport=3868 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=3869 dport=9 [ASSURED] mark=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 9, 3868, 3869, 132, true, false},
	{"ipv4     2 sctp     132 9 CLOSED src=10.0.0.9 dst=192.0.2.1 sport=9 dport=3868 "
	 "src=10.244.0.5 dst=10.0.0.9 sport=3869 dport=9 mark=0 use=2\n",
	 "10.0.0.9", "192.0.2.1", "10.244.0.5", 9, 3868, 3869, 132, true, true},
};

static void assert_addr(const struct ip_addr *addr, const char *text)
{
	char buf[IP_ADDR_TEXT];

	assert_string_equal(ip_addr_text(addr, buf), text);
}

static void lines_of_the_kernel_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct line_case *c = &cases[i];
		struct conntrack_line entry;

		assert_true(conntrack_line_parse(c->line, &entry));
		assert_addr(&entry.src, c->src);
		assert_addr(&entry.dst, c->dst);
		assert_addr(&entry.reply_src, c->reply_src);
		assert_int_equal(entry.sport, c->sport);
		assert_int_equal(entry.dport, c->dport);
		assert_int_equal(entry.reply_sport, c->reply_sport);
		assert_int_equal(entry.proto, c->proto);
		assert_int_equal(entry.is_answered, c->is_answered);
		assert_int_equal(entry.has_ended, c->has_ended);
	}
}

#define BEGIN "ipv4 2 tcp 6 9 X "
#define PORTS " sport=1 dport=2 sport=3 dport=4"

static void other_lines_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		BEGIN "src= dst= src= dst=" PORTS,
		BEGIN "src=1.2.3.4 dst=1.2.3.5" PORTS,
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6" PORTS,
		BEGIN "src=1.2.3.4 dst=1.2.3.500 src=1.2.3.6 dst=1.2.3.4" PORTS,
		BEGIN "xsrc=1.2.3.4 xdst=1.2.3.5 xsrc=1.2.3.6 xdst=1.2.3.4" PORTS,
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4",
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4 sport=1 dport=2",
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4 sport=1 dport=65536 "
		      "sport=3 dport=4",
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4 sport=1 dport=2 "
		      "sport=-3 dport=4",
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4 sport=1 dport=2x "
		      "sport=3 dport=4",
		"ipv4 2 tcp 256 9 X src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4" PORTS,
		"ipv4 2 tcp six 9 X src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4" PORTS,
		"src=11111111111111111111111111111111111111111111111111111111111111111111111111111111",
	};
	struct conntrack_line entry;

	(void)state;
	assert_true(conntrack_line_parse(
		BEGIN "src=1.2.3.4 dst=1.2.3.5 src=1.2.3.6 dst=1.2.3.4" PORTS, &entry));
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
