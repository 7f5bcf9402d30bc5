// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is said of an attempt without an answer, and that the kernel's counters are read where they
 * are.
 */
#include "sys/tcp_silence.h"

#include "sys_test.h"

#include "sys/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static const uint8_t key[] = "64512-secret";

static void counters_are_found_by_their_names(void **state)
{
	static const struct {
		const char *text;
		struct tcp_drops want;
	} cases[] = {
		{"TcpExt: A TCPMD5NotFound TCPMD5Unexpected B TCPMD5Failure\n"
		 "TcpExt: 9 1 2 8 3\nIpExt: TCPMD5NotFound\nIpExt: 7\n",
		 {1, 2, 3, 0}},
		{"IpExt: TCPMD5NotFound\nIpExt: 7\nTcpExt: TCPMD5Failure A\nTcpExt: 5 6\n",
		 {0, 0, 5, 0}},
		{"TcpExt: TCPMD5Failure TCPMD5NotFound\nTcpExt: 5\n", {0, 0, 5, 0}},
		{"TcpExt: TCPMinTTLDrop TCPMD5NotFound\nTcpExt: 5 6\n", {6, 0, 0, 5}},
		{"TcpExt: TCPMD5FailureX XTCPMD5NotFound\nTcpExt: 5 6\n", {0}},
		{"TcpExt: TCPMD5Failure\n", {0}},
		{"TcpExt:\nTcpExt:\n", {0}},
		{"", {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tcp_drops got = tcp_drops_parse(cases[i].text);

		assert_int_equal(got.missing, cases[i].want.missing);
		assert_int_equal(got.unexpected, cases[i].want.unexpected);
		assert_int_equal(got.wrong, cases[i].want.wrong);
		assert_int_equal(got.far, cases[i].want.far);
	}
}

/* The answer has the usual TTL. */
static void one_with_ttl_security_drops_the_answer(const struct ip_addr *remote)
{
	const struct tcp_dial args = {.remote = *remote, .port = 1179, .gtsm_hops = 1};
	const int fd = tcp_dial(&args);

	assert_true(fd >= 0);
	for (int i = 0; i < 2000 && !tcp_has_dropped(fd); i++)
		(void)poll(NULL, 0, 1);
	assert_true(tcp_has_dropped(fd));
	assert_true(tcp_drops_now().far > 0);
	close(fd);
}

/*
 * Both sides are in one namespace here, so that what the listener drops is counted, too; but not
 * for the one who dials.
 */
static void kernel_counts_where_it_is_read(void **state)
{
	struct tcp_dial args = {.port = 1179, .md5 = key, .md5_len = sizeof(key) - 1};
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(1179)};
	struct tcp_drops before, now;
	int listener, fd;

	(void)state;
	netns_enter();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_true(ip_addr_parse("127.0.0.1", &args.remote));
	before = tcp_drops_now();
	assert_int_equal(before.unexpected, 0);
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	for (int i = 0; i < 2000 && (now = tcp_drops_now()).unexpected == 0; i++)
		(void)poll(NULL, 0, 1);
	assert_true(now.unexpected > 0);
	assert_false(tcp_has_dropped(fd));
	close(fd);
	one_with_ttl_security_drops_the_answer(&args.remote);
	close(listener);
}

static void what_rose_meanwhile_is_said(void **state)
{
	static const struct {
		struct tcp_attempt attempt;
		struct tcp_drops before, now;
		const char *says;
	} cases[] = {
		{{.has_key = true}, {5, 5, 5, 0}, {5, 5, 5, 0}, "another MD5 password, or none"},
		{{.has_key = false}, {5, 5, 5, 0}, {5, 5, 5, 0}, "demands an MD5 password"},
		{{.has_key = true}, {5, 5, 5, 0}, {6, 5, 5, 0}, "nothing listens"},
		{{.has_key = true}, {5, 5, 5, 0}, {6, 5, 6, 0}, "another MD5 password than ours"},
		{{.has_key = false}, {5, 5, 5, 0}, {5, 6, 5, 0}, "no password is configured here"},
		/* Of other sessions: this attempt cannot have had such an answer. */
		{{.has_key = false}, {5, 5, 5, 0}, {6, 5, 6, 0}, "demands an MD5 password"},
		{{.has_key = true}, {5, 5, 5, 0}, {5, 6, 5, 0}, "another MD5 password, or none"},
		{{.has_guard = true}, {5, 5, 5, 5}, {5, 5, 5, 6}, "too small a TTL"},
		{{.has_guard = true, .is_made = true},
		 {5, 5, 5, 5},
		 {5, 5, 5, 6},
		 "too small a TTL"},
		{{.is_made = true}, {5, 5, 5, 5}, {5, 5, 5, 6}, "does not answer our OPEN"},
		{{.has_guard = true, .is_made = true}, {0}, {0}, "does not answer our OPEN"},
		{{.has_key = true, .is_made = true}, {5, 5, 5, 0}, {5, 5, 6, 0}, "than ours"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_non_null(
			strstr(tcp_silence_text(&cases[i].attempt, &cases[i].before, &cases[i].now),
			       cases[i].says));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_found_by_their_names),
		cmocka_unit_test(kernel_counts_where_it_is_read),
		cmocka_unit_test(what_rose_meanwhile_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
