// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/tcp: dialling a listener over the loopback device of a fresh network namespace, with right
 * and wrong keys, TTL security, marking and devices; and what the errors are called.
 */
#include "sys/tcp.h"

#include "sys_test.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define PORT 1179

static const uint8_t key[] = "64512-secret", other_key[] = "64512-Secret";

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static void set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

static int get_int(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static socklen_t fill(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		v6->sin6_scope_id = if_nametoindex("lo");
	return sizeof(*v6);
}

/* A listener; with a key it wants signatures from the client's address. */
static int listener(const char *address, const char *client, const uint8_t *md5)
{
	struct sockaddr_storage a;
	socklen_t len = fill(address, PORT, &a);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (md5) {
		struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)strlen((const char *)md5)};

		(void)fill(client, 0, &sig.tcpm_addr);
		memcpy(sig.tcpm_key, md5, sig.tcpm_keylen);
		assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)), 0);
	}
	if (bind(fd, (const struct sockaddr *)&a, len) != 0)
		fail_msg("bind %s: %s", address, strerror(errno));
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int wait_result(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	(void)poll(&p, 1, ms);
	return tcp_dial_result(fd);
}

/* Dials, waits for the outcome and closes. */
static int outcome(const struct tcp_dial *args, int ms)
{
	int fd = tcp_dial(args), result;

	if (fd < 0)
		return fd;
	result = wait_result(fd, ms);
	close(fd);
	return result;
}

static void with_password(struct tcp_dial *args, const uint8_t *password)
{
	args->md5 = password;
	args->md5_len = strlen((const char *)password);
}

static void begin(void)
{
	netns_enter();
	/* One SYN more, and then the attempt has failed: about three seconds. */
	run("echo 1 >/proc/sys/net/ipv4/tcp_syn_retries && ip addr add fd00::1/128 dev lo nodad &&"
	    " ip addr add fe80::1/64 dev lo nodad && ip addr add 10.0.0.1/32 dev lo");
	/* Without nodad nobody may bind to them yet; routes to them the kernel makes when it comes
	 * to it. */
	run("for i in $(seq 250); do ip route get fe80::1 dev lo >/dev/null 2>&1 &&"
	    " ip route get fd00::1 >/dev/null 2>&1 && exit 0; sleep 0.02; done; exit 1");
}

static void a_dialled_connection_carries_bytes_both_ways(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "fd00::1", "fe80::1"};
	char buf[16];

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct tcp_dial args = {.remote = addr(addresses[i]),
					.port = PORT,
					.ifindex = (int)if_nametoindex("lo")};
		int server = listener(addresses[i], NULL, NULL), fd = tcp_dial(&args), peer;

		assert_true(fd >= 0);
		assert_int_equal(wait_result(fd, 1000), 0);
		peer = accept(server, NULL, NULL);
		assert_true(peer >= 0);
		assert_int_equal(tcp_read(fd, buf, sizeof(buf)), -EAGAIN);
		assert_int_equal(tcp_write(fd, "open", 4), 4);
		assert_int_equal(tcp_read(peer, buf, sizeof(buf)), 4);
		assert_memory_equal(buf, "open", 4);
		assert_int_equal(tcp_write(peer, "hi", 2), 2);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_int_equal(tcp_read(fd, buf, sizeof(buf)), 2);
		close(peer);
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_int_equal(tcp_read(fd, buf, sizeof(buf)), 0);
		close(fd);
		close(server);
	}
}

static void writing_ends_with_eagain_when_full_and_with_epipe_when_closed(void **state)
{
	static const char zeros[65536];
	struct tcp_dial args = {.remote = addr("127.0.0.1"), .port = PORT};
	int server, fd, peer;
	ssize_t put;

	(void)state;
	begin();
	server = listener("127.0.0.1", NULL, NULL);
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(wait_result(fd, 1000), 0);
	peer = accept(server, NULL, NULL);
	do
		put = tcp_write(fd, zeros, sizeof(zeros));
	while (put > 0);
	assert_int_equal(put, -EAGAIN);
	close(peer); /* with unread bytes: a reset */
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(tcp_read(fd, (char[8]){0}, 8), -ECONNRESET);
	assert_int_equal(tcp_write(fd, "x", 1), -EPIPE);
	close(fd);
	close(server);
}

static void the_right_password_connects(void **state)
{
	struct tcp_dial args = {.remote = addr("10.0.0.1"), .port = PORT};
	int server;

	(void)state;
	begin();
	args.local = addr("127.0.0.2");
	server = listener("10.0.0.1", "127.0.0.2", key);
	with_password(&args, key);
	assert_int_equal(outcome(&args, 1000), 0);
	close(server);
	args = (struct tcp_dial){.remote = addr("fd00::1"), .port = PORT};
	with_password(&args, key);
	server = listener("fd00::1", "fd00::1", key);
	assert_int_equal(outcome(&args, 1000), 0);
	close(server);
}

static void a_wrong_missing_or_needless_password_gets_no_answer(void **state)
{
	struct tcp_dial args = {.remote = addr("127.0.0.1"), .port = PORT};
	int server, fds[3];

	(void)state;
	begin();
	server = listener("127.0.0.1", "127.0.0.1", key);
	fds[0] = tcp_dial(&args);
	with_password(&args, other_key);
	fds[1] = tcp_dial(&args);
	/* Nobody listens: the kernel's refusal is not signed, so it is not believed. */
	args.port = PORT + 1;
	fds[2] = tcp_dial(&args);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(tcp_dial_result(fds[i]), -EINPROGRESS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(wait_result(fds[i], 10000), -ETIMEDOUT);
		close(fds[i]);
	}
	close(server);
	/* A listener that knows no password drops what is signed. */
	server = listener("127.0.0.1", NULL, NULL);
	args.port = PORT;
	assert_int_equal(outcome(&args, 300), -EINPROGRESS);
	close(server);
}

static bool arrives(int from, int to, int ms)
{
	struct pollfd p = {.fd = to, .events = POLLIN};
	char buf[4];

	assert_int_equal(tcp_write(from, "abc", 3), 3);
	if (poll(&p, 1, ms) != 1)
		return false;
	assert_int_equal(tcp_read(to, buf, sizeof(buf)), 3);
	return true;
}

/* Each side drops what the other signs with another key, and sends its own again. */
static void a_living_connection_takes_another_password_or_none(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "fd00::1"};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		const struct ip_addr remote = addr(addresses[i]);
		struct tcp_dial args = {.remote = remote, .port = PORT};
		int server = listener(addresses[i], addresses[i], key), fd, peer;
		struct pollfd p;

		with_password(&args, key);
		fd = tcp_dial(&args);
		assert_true(fd >= 0);
		assert_int_equal(wait_result(fd, 1000), 0);
		peer = accept(server, NULL, NULL);
		assert_true(arrives(fd, peer, 1000));
		assert_int_equal(tcp_set_md5(fd, &remote, other_key, sizeof(other_key) - 1), 0);
		assert_false(arrives(fd, peer, 100));
		assert_int_equal(tcp_set_md5(peer, &remote, other_key, sizeof(other_key) - 1), 0);
		p = (struct pollfd){.fd = peer, .events = POLLIN};
		assert_int_equal(poll(&p, 1, 5000), 1); /* what was not taken then */
		assert_int_equal(tcp_read(peer, (char[8]){0}, 8), 3);
		assert_true(arrives(peer, fd, 1000));
		assert_int_equal(tcp_set_md5(fd, &remote, NULL, 0), 0);
		assert_int_equal(tcp_set_md5(fd, &remote, NULL, 0), 0); /* none to take away */
		assert_int_equal(tcp_set_md5(peer, &remote, NULL, 0), 0);
		assert_true(arrives(fd, peer, 1000));
		assert_int_equal(tcp_set_md5(fd, &remote, key, TCP_MD5_KEY_MAX + 1), -EINVAL);
		assert_int_equal(tcp_set_md5(fd, &remote, key, 0), -EINVAL);
		close(peer);
		close(fd);
		close(server);
	}
}

static void a_port_without_a_listener_refuses(void **state)
{
	struct tcp_dial args = {.remote = addr("127.0.0.1"), .port = PORT};

	(void)state;
	begin();
	assert_int_equal(outcome(&args, 1000), -ECONNREFUSED);
	args.remote = addr("fd00::1");
	assert_int_equal(outcome(&args, 1000), -ECONNREFUSED);
}

static void ttl_security_refuses_an_answer_that_came_from_farther_away(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "fd00::1"};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct tcp_dial args = {.remote = addr(addresses[i]), .port = PORT, .gtsm_hops = 1};
		int server = listener(addresses[i], NULL, NULL);

		assert_int_equal(outcome(&args, 300), -EINPROGRESS);
		if (i == 0)
			set_int(server, IPPROTO_IP, IP_TTL, 255);
		else
			set_int(server, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
		assert_int_equal(outcome(&args, 1000), 0);
		if (i == 0)
			set_int(server, IPPROTO_IP, IP_TTL, 253);
		else
			set_int(server, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 253);
		args.gtsm_hops = 2;
		assert_int_equal(outcome(&args, 300), -EINPROGRESS);
		args.gtsm_hops = 3;
		assert_int_equal(outcome(&args, 1000), 0);
		close(server);
	}
}

static void a_listener_with_ttl_security_hears_nobody_who_is_farther_away(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "fd00::1"};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		const struct tcp_listen_args how = {.v4 = i == 0, .port = PORT, .gtsm_hops = 2};
		struct tcp_dial args = {.remote = addr(addresses[i]), .port = PORT, .ttl = 253};
		int server = tcp_listen(&how);

		assert_true(server >= 0);
		assert_int_equal(outcome(&args, 300), -EINPROGRESS);
		args.ttl = 254;
		assert_int_equal(outcome(&args, 1000), 0);
		close(server);
	}
}

static bool is_within(int ms, int fd, bool unacknowledged)
{
	while (tcp_is_unacknowledged(fd) != unacknowledged && ms-- > 0)
		(void)poll(NULL, 0, 1);
	return ms >= 0;
}

static void what_the_other_kernel_has_not_acknowledged_is_told(void **state)
{
	const struct tcp_dial args = {.remote = addr("127.0.0.1"), .port = PORT};
	int server, fd;

	(void)state;
	begin();
	server = listener("127.0.0.1", NULL, NULL);
	fd = tcp_dial(&args);
	assert_int_equal(wait_result(fd, 1000), 0);
	assert_false(tcp_is_unacknowledged(fd));
	assert_int_equal(tcp_write(fd, "x", 1), 1);
	assert_true(is_within(1000, fd, false));

	set_int(fd, IPPROTO_IP, IP_MINTTL, 255); /* its acknowledgements are dropped from now on */
	assert_int_equal(tcp_write(fd, "y", 1), 1);
	assert_true(is_within(1000, fd, true));
	(void)poll(NULL, 0, 20);
	assert_true(tcp_is_unacknowledged(fd));
	set_int(fd, IPPROTO_IP, IP_MINTTL, 0);
	assert_true(is_within(5000, fd, false)); /* it is sent again */
	close(fd);
	close(server);
	assert_false(tcp_is_unacknowledged(-1));
}

static void packets_are_marked_and_carry_the_ttl(void **state)
{
	struct tcp_dial args = {.remote = addr("127.0.0.1"), .port = PORT, .ttl = 1};
	int fd;

	(void)state;
	begin();
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(get_int(fd, IPPROTO_IP, IP_TTL), 1);
	assert_int_equal(get_int(fd, IPPROTO_IP, IP_TOS), 0xc0);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_PRIORITY), 6);
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_SNDBUF), 2 * 256 * 1024);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	args.gtsm_hops = 1; /* RFC 5082: what the other side accepts is 255 only */
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(get_int(fd, IPPROTO_IP, IP_TTL), 255);
	close(fd);
	args.remote = addr("fd00::1");
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(get_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 255);
	close(fd);
	args.gtsm_hops = 0;
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(get_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 1);
	assert_int_equal(get_int(fd, IPPROTO_IPV6, IPV6_TCLASS), 0xc0);
	close(fd);
}

static void the_source_address_is_the_one_asked_for(void **state)
{
	struct tcp_dial args = {
		.remote = addr("10.0.0.1"), .local = addr("127.0.0.3"), .port = PORT};
	struct ip_addr local;
	char text[IP_ADDR_TEXT];
	int server, fd;

	(void)state;
	begin();
	server = listener("10.0.0.1", NULL, NULL);
	fd = tcp_dial(&args);
	assert_true(fd >= 0);
	assert_int_equal(wait_result(fd, 1000), 0);
	assert_int_equal(tcp_local(fd, &local), 0);
	assert_string_equal(ip_addr_text(&local, text), "127.0.0.3");
	close(fd);
	close(server);
	args.local = addr("192.0.2.99");
	assert_int_equal(tcp_dial(&args), -EADDRNOTAVAIL);
	args = (struct tcp_dial){.remote = addr("fd00::1"), .port = PORT};
	fd = tcp_dial(&args);
	assert_int_equal(tcp_local(fd, &local), 0);
	assert_string_equal(ip_addr_text(&local, text), "fd00::1");
	close(fd);
	assert_int_equal(tcp_local(0x7fff, &local), -EBADF);
}

/* Without a packet: nobody listens there. */
static void the_source_that_a_connection_would_have(void **state)
{
	struct tcp_dial args = {.remote = addr("10.0.0.1"), .port = PORT};
	struct ip_addr source = {0};
	char text[IP_ADDR_TEXT];

	(void)state;
	begin();
	assert_int_equal(tcp_source(&args, &source), 0);
	assert_string_equal(ip_addr_text(&source, text), "10.0.0.1");
	args.local = addr("127.0.0.3");
	assert_int_equal(tcp_source(&args, &source), 0);
	assert_string_equal(ip_addr_text(&source, text), "127.0.0.3");
	args.local = addr("192.0.2.99");
	assert_int_equal(tcp_source(&args, &source), -EADDRNOTAVAIL);
	assert_string_equal(ip_addr_text(&source, text), "127.0.0.3");
	args = (struct tcp_dial){.remote = addr("fd00::1"), .port = PORT, .device = "lo"};
	assert_int_equal(tcp_source(&args, &source), 0);
	assert_string_equal(ip_addr_text(&source, text), "fd00::1");
	args.device = "no-such-device";
	assert_int_equal(tcp_source(&args, &source), -ENODEV);
	args = (struct tcp_dial){.remote = addr("198.51.100.1"), .port = PORT};
	assert_int_equal(tcp_source(&args, &source), -ENETUNREACH);
	args.port = 0;
	assert_int_equal(tcp_source(&args, &source), -EINVAL);
}

static void what_cannot_even_begin_is_an_error_at_once(void **state)
{
	struct tcp_dial good = {.remote = addr("127.0.0.1"), .port = PORT}, args;

	(void)state;
	begin();
	args = good;
	args.port = 0;
	assert_int_equal(tcp_dial(&args), -EINVAL);
	args = good;
	args.remote = (struct ip_addr){0};
	assert_int_equal(tcp_dial(&args), -EINVAL);
	args = good;
	args.local = addr("fd00::1");
	assert_int_equal(tcp_dial(&args), -EINVAL);
	args = good;
	args.md5 = key;
	args.md5_len = TCP_MD5_KEY_MAX + 1;
	assert_int_equal(tcp_dial(&args), -EINVAL);
	args = good;
	args.device = "no-such-dev";
	assert_int_equal(tcp_dial(&args), -ENODEV);
	args = good;
	args.remote = addr("203.0.113.1");
	assert_int_equal(tcp_dial(&args), -ENETUNREACH);
	args = good;
	args.device = "lo";
	assert_int_equal(outcome(&args, 1000), -ECONNREFUSED);
	/* None of them left a descriptor behind. */
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_in_range(fd, 3, 20);
	close(fd);
}

static void errors_have_words_whatever_their_sign(void **state)
{
	(void)state;
	assert_string_equal(tcp_error_text(-ECONNREFUSED), tcp_error_text(ECONNREFUSED));
	assert_non_null(strstr(tcp_error_text(-ECONNREFUSED), "nothing listens"));
	assert_non_null(strstr(tcp_error_text(ETIMEDOUT), "MD5"));
	assert_non_null(strstr(tcp_error_text(-ENETUNREACH), "no route"));
	assert_string_equal(tcp_error_text(EXDEV), strerrordesc_np(EXDEV));
	assert_string_equal(tcp_error_text(123456), "unknown error");
	assert_string_equal(tcp_error_text(0), "no error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dialled_connection_carries_bytes_both_ways),
		cmocka_unit_test(writing_ends_with_eagain_when_full_and_with_epipe_when_closed),
		cmocka_unit_test(the_right_password_connects),
		cmocka_unit_test(a_wrong_missing_or_needless_password_gets_no_answer),
		cmocka_unit_test(a_port_without_a_listener_refuses),
		cmocka_unit_test(a_living_connection_takes_another_password_or_none),
		cmocka_unit_test(ttl_security_refuses_an_answer_that_came_from_farther_away),
		cmocka_unit_test(a_listener_with_ttl_security_hears_nobody_who_is_farther_away),
		cmocka_unit_test(what_the_other_kernel_has_not_acknowledged_is_told),
		cmocka_unit_test(packets_are_marked_and_carry_the_ttl),
		cmocka_unit_test(the_source_address_is_the_one_asked_for),
		cmocka_unit_test(the_source_that_a_connection_would_have),
		cmocka_unit_test(what_cannot_even_begin_is_an_error_at_once),
		cmocka_unit_test(errors_have_words_whatever_their_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
