// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/conntrack: flows that the kernel really tracks, in a fresh network namespace. nftables
 * rewrites the destinations of some VIPs, as kube-proxy would, and leaves others alone.
 */
#include "sys/conntrack.h"

#include "plan/plan.h"
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

static void query(struct arena *a, struct plan_taken **ret, size_t *ret_n)
{
	/* Not sorted, one twice. */
	struct plan_vip vips[] = {
		{addr(VIP6), 0},     {addr(PLAIN_VIP), 0}, {addr(VIP), 0},
		{addr(IDLE_VIP), 0}, {addr(VIP), 0},
	};

	assert_int_equal(conntrack_translated(vips, ARRAY_SIZE(vips), a, ret, ret_n), 0);
}

/* A UDP flow to the VIP, of a port of its own. */
static int udp_flow(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, VIP, &to.sin_addr), 1);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
	return fd;
}

static void check_counts(void **state)
{
	int servers[3], fds[N_FLOWS + 2];
	struct ip_addr vip = addr(VIP), vip6 = addr(VIP6);
	struct plan_taken *taken = NULL;
	size_t n = 9;

	query(*state, &taken, &n);
	assert_int_equal(n, 0);
	servers[0] = listener("127.0.0.1", 8080);
	servers[1] = listener("::1", 8080);
	servers[2] = listener(PLAIN_VIP, 80);
	for (int i = 0; i < N_FLOWS; i++)
		fds[i] = dial(VIP);
	fds[N_FLOWS] = dial(PLAIN_VIP);
	fds[N_FLOWS + 1] = dial(VIP6);
	query(*state, &taken, &n);
	assert_int_equal(n, 2);
	assert_true(plan_vip_cmp(&taken[0].vip, &taken[1].vip) < 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(taken[i].flows,
				 ip_addr_equal(&taken[i].vip.addr, &vip) ? N_FLOWS : 1);
	assert_true(ip_addr_equal(&taken[0].vip.addr, &vip6) ||
		    ip_addr_equal(&taken[1].vip.addr, &vip6));
	/* Flows that have ended are nobody's any more. */
	reset(fds[0]);
	reset(fds[1]);
	reset(fds[N_FLOWS + 1]);
	query(*state, &taken, &n);
	assert_int_equal(n, 1);
	assert_true(ip_addr_equal(&taken[0].vip.addr, &vip));
	assert_int_equal(taken[0].flows, N_FLOWS - 2);
	for (int i = 2; i <= N_FLOWS; i++)
		close(fds[i]);
	for (int i = 0; i < 3; i++)
		close(servers[i]);
}

static void translated_flows_are_counted_per_vip_and_others_are_not(void **state)
{
	begin();
	check_counts(state);
}

static void without_ctnetlink_the_same_is_read_from_proc(void **state)
{
	begin();
	if (access("/proc/net/nf_conntrack", R_OK) != 0)
		skip();
	refuse(__NR_socket, 2, NETLINK_NETFILTER, EPROTONOSUPPORT);
	assert_int_equal(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), -1);
	check_counts(state);
}

static void udp_flows_count_too(void **state)
{
	struct plan_taken *taken = NULL;
	size_t n = 0;
	int fd;

	begin();
	fd = udp_flow();
	query(*state, &taken, &n);
	assert_int_equal(n, 1);
	assert_int_equal(taken[0].flows, 1);
	close(fd);
}

/* Which domain a flow is of is not said, so it may be of each. */
static void flow_counts_for_its_address_in_every_domain(void **state)
{
	const struct plan_vip vips[] = {{addr(VIP), 2}, {addr(IDLE_VIP), 2}, {addr(VIP), 0}};
	struct plan_taken *taken = NULL;
	size_t n = 0;
	int fd;

	begin();
	fd = udp_flow();
	assert_int_equal(conntrack_translated(vips, ARRAY_SIZE(vips), *state, &taken, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(plan_vip_equal(&taken[i].vip, &vips[2 - 2 * i]));
		assert_int_equal(taken[i].flows, 1);
	}
	close(fd);
}

/* Larger than one datagram of the dump. */
static void many_flows_are_all_counted(void **state)
{
	struct plan_taken *taken = NULL;
	size_t n = 0;

	begin();
	for (int i = 0; i < 2000; i++)
		close(udp_flow());
	query(*state, &taken, &n);
	assert_int_equal(n, 1);
	/* A port used again finds its entry still there. */
	assert_in_range(taken[0].flows, 1500, 2000);
}

static void no_vips_are_no_question(void **state)
{
	struct plan_taken *taken = NULL;
	size_t n = 9;

	assert_int_equal(conntrack_translated(NULL, 0, *state, &taken, &n), 0);
	assert_int_equal(n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_vips_are_no_question),
		TEST(translated_flows_are_counted_per_vip_and_others_are_not),
		TEST(udp_flows_count_too),
		TEST(flow_counts_for_its_address_in_every_domain),
		TEST(many_flows_are_all_counted),
		TEST(without_ctnetlink_the_same_is_read_from_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
