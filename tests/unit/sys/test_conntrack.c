// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/conntrack: flows that the kernel really tracks, in a fresh network namespace. nftables
 * rewrites the destinations of some VIPs, as kube-proxy would, and leaves others alone.
 */
#include "sys/conntrack.h"

#include "plan/plan_vip.h"
#include "refuse.h"
#include "sys/tcp.h"
#include "sys_test.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define VIP       "192.0.2.1"
#define PLAIN_VIP "192.0.2.2"
#define IDLE_VIP  "192.0.2.3"
#define VIP6      "fd00::1"
#define N_FLOWS   5

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		fail_msg("%s is not an address", text);
	return a;
}

static int setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int teardown(void **state)
{
	*state = arena_free(*state);
	return 0;
}

static void begin(void)
{
	netns_enter();
	run("ip addr add " VIP "/32 dev lo && ip addr add " PLAIN_VIP "/32 dev lo &&"
	    " ip addr add " IDLE_VIP "/32 dev lo && ip addr add " VIP6 "/128 dev lo nodad");
	run("nft -f - <<'END'\n"
	    "table ip t { chain o { type nat hook output priority -100;\n"
	    " ip daddr " VIP " tcp dport 80 dnat to 127.0.0.1:8080\n"
	    " ip daddr " VIP " udp dport 53 dnat to 127.0.0.1:8053\n"
	    " ip daddr " VIP " sctp dport 3868 dnat to 127.0.0.1:3869\n"
	    " ip daddr " IDLE_VIP " tcp dport 80 dnat to 127.0.0.1:8080\n }\n }\n"
	    "table ip6 t { chain o { type nat hook output priority -100;\n"
	    " ip6 daddr " VIP6 " tcp dport 80 dnat to [::1]:8080\n }\n }\n"
	    "END");
}

static int listener(const char *address, uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!is_v4)
		assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	assert_int_equal(is_v4 ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4))
			       : bind(fd, (const struct sockaddr *)&v6, sizeof(v6)),
			 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int dial(const char *address)
{
	struct tcp_dial args = {.remote = addr(address), .port = 80};
	int fd = tcp_dial(&args);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	assert_true(fd >= 0);
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_int_equal(tcp_dial_result(fd), 0);
	return fd;
}

/* Closed by a reset: the entry's state is CLOSE at once. */
static void reset(int fd)
{
	struct linger off = {.l_onoff = 1};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off)), 0);
	close(fd);
}

/* How many flows of a VIP there are, and how many of them live. */
struct counts {
	size_t all, living;
};

static struct counts count(struct arena *a, const char *vip)
{
	/* Not sorted, one twice. */
	const struct plan_vip vips[] = {
		{addr(VIP6), 0},     {addr(PLAIN_VIP), 0}, {addr(VIP), 0},
		{addr(IDLE_VIP), 0}, {addr(VIP), 2},
	};
	const struct ip_addr wanted = addr(vip);
	struct counts ret = {0};
	struct conntrack_flow *flows;
	size_t n;

	assert_int_equal(conntrack_flows(vips, ARRAY_SIZE(vips), a, &flows, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (!ip_addr_equal(&flows[i].vip, &wanted))
			continue;
		ret.all++;
		ret.living += flows[i].lives;
	}
	return ret;
}

static void check_flows(void **state)
{
	int servers[3], fds[N_FLOWS + 2];

	assert_int_equal(count(*state, VIP).all, 0);
	servers[0] = listener("127.0.0.1", 8080);
	servers[1] = listener("::1", 8080);
	servers[2] = listener(PLAIN_VIP, 80);
	for (int i = 0; i < N_FLOWS; i++)
		fds[i] = dial(VIP);
	fds[N_FLOWS] = dial(PLAIN_VIP);
	fds[N_FLOWS + 1] = dial(VIP6);
	assert_int_equal(count(*state, VIP).living, N_FLOWS);
	assert_int_equal(count(*state, VIP6).living, 1);
	assert_int_equal(count(*state, PLAIN_VIP).living, 1); /* a process of this host has it */
	assert_int_equal(count(*state, IDLE_VIP).all, 0);
	/* Flows that have ended are nobody's any more, but they were there. */
	reset(fds[0]);
	reset(fds[1]);
	reset(fds[N_FLOWS + 1]);
	assert_int_equal(count(*state, VIP).living, N_FLOWS - 2);
	assert_int_equal(count(*state, VIP).all, N_FLOWS);
	assert_int_equal(count(*state, VIP6).living, 0);
	for (int i = 2; i <= N_FLOWS; i++)
		close(fds[i]);
	for (int i = 0; i < 3; i++)
		close(servers[i]);
}

static void flows_to_the_vips_are_told_and_whether_they_live(void **state)
{
	begin();
	check_flows(state);
}

static void without_ctnetlink_the_same_is_read_from_proc(void **state)
{
	begin();
	if (access("/proc/net/nf_conntrack", R_OK) != 0)
		skip();
	refuse(__NR_socket, 2, NETLINK_NETFILTER, EPROTONOSUPPORT);
	assert_int_equal(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), -1);
	check_flows(state);
}

static int datagram(const char *to_address, uint16_t *ret_port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)}, mine;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(mine);

	assert_int_equal(inet_pton(AF_INET, to_address, &to.sin_addr), 1);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&mine, &len), 0);
	*ret_port = ntohs(mine.sin_port);
	return fd;
}

/* Between client and VIP, or the server's answer: one chunk whose tags are 7 and 9. */
static void send_chunk(bool answers, uint8_t tag, uint8_t type, uint8_t len)
{
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(VIP)},
				 server = {.sin_family = AF_INET,
					   .sin_addr.s_addr = inet_addr("127.0.0.1")};
	const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
	const uint16_t sport = answers ? 3869 : 1000, dport = answers ? 1000 : 3868;
	uint8_t packet[32] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8),
			      (uint8_t)dport};

	packet[7] = tag;
	packet[12] = type;
	packet[15] = len;
	packet[19] = answers ? 9 : 7; /* INIT and its answer: the tag, and a stream each way */
	packet[25] = packet[27] = 1;
	assert_true(fd >= 0);
	if (answers)
		assert_int_equal(bind(fd, (const struct sockaddr *)&server, sizeof(server)), 0);
	assert_int_equal(sendto(fd, packet, 12u + len, 0, (const struct sockaddr *)&to, sizeof(to)),
			 12 + len);
	close(fd);
}

/* Its state is CLOSED before INIT is answered, too: until then nothing has begun. */
static void associations_are_told_and_whether_they_live(void **state)
{
	const struct {
		bool answers;
		uint8_t tag, type, len;
		bool lives;
	} chunks[] = {{false, 0, 1, 20, false}, {true, 7, 2, 20, true}, {false, 9, 6, 4, false}};
	const struct plan_vip vip = {addr(VIP), 0};

	begin();
	run("nft add chain ip t i '{ type filter hook input priority 0; }' &&"
	    " nft add rule ip t i ip protocol sctp drop");
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct conntrack_flow *flows;
		size_t n;

		send_chunk(chunks[i].answers, chunks[i].tag, chunks[i].type, chunks[i].len);
		assert_int_equal(conntrack_flows(&vip, 1, *state, &flows, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(flows[0].proto, IPPROTO_SCTP);
		assert_int_equal(flows[0].client_port, 1000);
		assert_int_equal(flows[0].port, 3868);
		assert_int_equal(flows[0].lives, chunks[i].lives);
	}
}

static void a_flow_is_told_as_its_client_sends_it(void **state)
{
	const struct plan_vip vips[] = {{addr(VIP6), 0}, {addr(VIP), 0}};
	const struct ip_addr v4 = addr(VIP), v6 = addr(VIP6);
	int server, fds[2];
	struct conntrack_flow *flows;
	uint16_t port;
	size_t n;

	begin();
	server = listener("::1", 8080);
	fds[0] = datagram(VIP, &port);
	fds[1] = dial(VIP6);
	assert_int_equal(conntrack_flows(vips, 2, *state, &flows, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++) {
		const bool is_udp = flows[i].proto == IPPROTO_UDP;

		assert_true(flows[i].lives);
		assert_int_equal(flows[i].port, is_udp ? 53 : 80);
		assert_true(ip_addr_equal(&flows[i].vip, is_udp ? &v4 : &v6));
		assert_int_equal(ip_addr_is_v4(&flows[i].client), is_udp);
		if (is_udp)
			assert_int_equal(flows[i].client_port, port);
		else
			assert_int_equal(flows[i].proto, IPPROTO_TCP);
	}
	close(fds[0]);
	close(fds[1]);
	close(server);
}

/* Nobody translates it and nobody answers: what it waits for is us. */
static void what_nobody_has_does_not_live(void **state)
{
	uint16_t port;
	int fd;

	begin();
	fd = datagram(PLAIN_VIP, &port);
	assert_int_equal(count(*state, PLAIN_VIP).all, 1);
	assert_int_equal(count(*state, PLAIN_VIP).living, 0);
	close(fd);
}

/* Larger than one datagram of the dump. */
static void many_flows_are_all_told(void **state)
{
	uint16_t port;

	begin();
	for (int i = 0; i < 2000; i++)
		close(datagram(VIP, &port));
	/* A port used again finds its entry still there. */
	assert_in_range(count(*state, VIP).living, 1500, 2000);
}

static void no_vips_are_no_question(void **state)
{
	struct conntrack_flow *flows = NULL;
	size_t n = 9;

	assert_int_equal(conntrack_flows(NULL, 0, *state, &flows, &n), 0);
	assert_int_equal(n, 0);
}

static void settings_are_those_of_the_namespace(void **state)
{
	struct conntrack_limits limits;
	uint16_t port;

	(void)state;
	begin();
	close(datagram(VIP, &port));
	run("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=1");
	assert_int_equal(conntrack_limits(&limits), 0);
	assert_false(limits.is_strict);
	assert_true(limits.count >= 1 && limits.count < limits.max);
	run("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0");
	assert_int_equal(conntrack_limits(&limits), 0);
	assert_true(limits.is_strict);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void it_is_nearly_full_from_four_fifths_on_and_stays_so_for_a_while(void **state)
{
	static const struct {
		uint64_t count;
		bool fresh, again; /* if it was not, and if it was */
	} table[] = {{0, false, false},  {149, false, false}, {150, false, true},
		     {159, false, true}, {160, true, true},   {200, true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct conntrack_limits l = {.count = table[i].count, .max = 200};

		assert_int_equal(conntrack_is_nearly_full(&l, false), table[i].fresh);
		assert_int_equal(conntrack_is_nearly_full(&l, true), table[i].again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_nearly_full_from_four_fifths_on_and_stays_so_for_a_while),
		TEST(no_vips_are_no_question),
		TEST(flows_to_the_vips_are_told_and_whether_they_live),
		TEST(associations_are_told_and_whether_they_live),
		TEST(a_flow_is_told_as_its_client_sends_it),
		TEST(what_nobody_has_does_not_live),
		TEST(many_flows_are_all_told),
		TEST(settings_are_those_of_the_namespace),
		/* The last of all, since nothing brings ctnetlink back. */
		TEST(without_ctnetlink_the_same_is_read_from_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
