// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "turns_net.h"

#include "base/mem.h"
#include "bench_agent.h"
#include "sys/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPALIVE_MS 10000

static pid_t router = -1;
static int updates = -1;

void turns_net_ip(const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command), "ip %s", arguments);
	if (system(command) != 0)
		bench_fail(command);
}

/* --- the router ------------------------------------------------------------------------------ */

/* RFC 4271 4.2: AS 64513, hold time 90 s; RFC 5492 and 6793: four octets for AS numbers. */
static const uint8_t open_message[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0,    43,   1,    4,    0xfc, 0x01, 0,    90,   192,  0,    2,    1,    14,   2,
	12,   1,    4,    0,    1,    0,    1,    65,   4,    0,    0,    0xfc, 0x01,
};
static const uint8_t keepalive_message[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    19,   4,
};

/* How many prefixes; RFC 4271 4.3. */
static uint16_t count(const uint8_t *data, size_t len)
{
	uint16_t n = 0;

	for (size_t i = 0; i < len; i += 1 + (data[i] + 7u) / 8)
		n++;
	return n;
}

/* Tells who asked of an UPDATE with this body, which was read at that time. */
static void tell_update(int tell, const uint8_t *body, size_t len, nsec_t at)
{
	struct turns_update u = {.at = at};
	size_t withdrawn = (size_t)body[0] << 8 | body[1], attrs;

	attrs = (size_t)body[2 + withdrawn] << 8 | body[3 + withdrawn];
	u.n_withdrawn = count(body + 2, withdrawn);
	u.n_announced = count(body + 4 + withdrawn + attrs, len - 4 - withdrawn - attrs);
	if (u.n_announced + u.n_withdrawn > 0)
		(void)!write(tell, &u, sizeof(u)); /* full: nobody reads */
}

/* The agent's own messages are well formed: its tests say so. Returns what is left. */
static size_t read_messages(uint8_t *data, size_t n, int tell)
{
	const nsec_t at = clock_now();
	size_t i = 0;

	while (n - i >= sizeof(keepalive_message)) {
		const size_t len = (size_t)data[i + 16] << 8 | data[i + 17];

		if (n - i < len)
			break;
		if (data[i + 18] == 2)
			tell_update(tell, data + i + 19, len - 19, at);
		i += len;
	}
	memmove(data, data + i, n - i);
	return n - i;
}

static void serve(int fd, int tell)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t data[65536];
	nsec_t due = 0;
	size_t n = 0;

	if (write(fd, open_message, sizeof(open_message)) < 0)
		return;
	for (;;) {
		ssize_t r;

		if (clock_now() >= due) {
			if (write(fd, keepalive_message, sizeof(keepalive_message)) < 0)
				return;
			due = clock_now() + KEEPALIVE_MS * NSEC_PER_MSEC;
		}
		if (poll(&p, 1, KEEPALIVE_MS) <= 0)
			continue;
		r = read(fd, data + n, sizeof(data) - n);
		if (r <= 0)
			return;
		n = read_messages(data, n + (size_t)r, tell);
	}
}

static void serve_beside(int fd, int tell)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid < 0)
		bench_fail("fork");
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
			serve(fd, tell);
		_exit(0);
	}
	close(fd);
}

static int listen_at_bgp(void)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(179)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) != 0 ||
	    listen(fd, 4) != 0)
		bench_fail("router");
	return fd;
}

/* Says over the pipe that its namespace is there, and hears that the cable is in it. */
static void run_router(int told, int tell, int tell_updates)
{
	char go;
	int fd;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || unshare(CLONE_NEWNET) != 0)
		bench_fail("router");
	if (write(tell, "n", 1) != 1 || read(told, &go, 1) != 1)
		bench_fail("router");
	turns_net_ip("addr add " TURNS_ROUTER "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_2 "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_3 "/24 dev eth1");
	turns_net_ip("addr add " TURNS_ROUTER_4 "/24 dev eth1");
	turns_net_ip("link set eth1 up");
	fd = listen_at_bgp();
	(void)setpriority(PRIO_PROCESS, 0, -20); /* refused: there is more noise */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int session = accept(fd, NULL, NULL);

		if (session >= 0)
			serve_beside(session, tell_updates);
	}
}

static void start_router(void)
{
	int to[2], from[2], told[2];
	char ready, command[64];

	/* Who does not read of updates stops nobody: what does not fit is not told. */
	if (pipe(to) != 0 || pipe(from) != 0 || pipe2(told, O_NONBLOCK | O_CLOEXEC) != 0)
		bench_fail("pipe");
	updates = told[0];
	router = fork();
	if (router < 0)
		bench_fail("fork");
	if (router == 0)
		run_router(to[0], from[1], told[1]);
	if (read(from[0], &ready, 1) != 1)
		bench_fail("router");
	snprintf(command, sizeof(command), "link set eth1 netns %d", (int)router);
	turns_net_ip(command);
	if (write(to[1], "g", 1) != 1)
		bench_fail("router");
}

/* --- namespaces ------------------------------------------------------------------------------ */

bool turns_net_enter(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	while (umount2("/sys/fs/bpf", MNT_DETACH) == 0)
		;
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) != 0)
		return false;
	turns_net_ip("link set lo up");
	turns_net_ip("link add eth0 type veth peer name eth1");
	start_router();
	turns_net_ip("addr add 192.0.2.2/24 dev eth0");
	turns_net_ip("link set eth0 up");
	return true;
}

void turns_net_leave(void)
{
	if (router > 0 && kill(router, SIGKILL) == 0)
		(void)waitpid(router, NULL, 0);
}

bool turns_net_update(struct turns_update *ret, int timeout_ms)
{
	struct pollfd p = {.fd = updates, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0 && read(updates, ret, sizeof(*ret)) == sizeof(*ret);
}

/* --- tables ---------------------------------------------------------------------------------- */

void turns_net_add_routes(size_t n)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		bench_fail("ip");
	for (size_t i = 0; i < n; i++)
		fprintf(ip, "route add 100.%zu.%zu.%zu/30 via " TURNS_ROUTER "\n", 64 + (i >> 14),
			i >> 6 & 255, (i & 63) << 2);
	if (pclose(ip) != 0)
		bench_fail("ip route");
}

static void put_tuple(struct nlmsghdr *m, uint16_t type, uint32_t from, uint32_t to,
		      const uint16_t ports[2])
{
	struct nlattr *tuple = mnl_attr_nest_start(m, type), *part;

	part = mnl_attr_nest_start(m, CTA_TUPLE_IP);
	mnl_attr_put_u32(m, CTA_IP_V4_SRC, htonl(from));
	mnl_attr_put_u32(m, CTA_IP_V4_DST, htonl(to));
	mnl_attr_nest_end(m, part);
	part = mnl_attr_nest_start(m, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(m, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(m, CTA_PROTO_SRC_PORT, htons(ports[0]));
	mnl_attr_put_u16(m, CTA_PROTO_DST_PORT, htons(ports[1]));
	mnl_attr_nest_end(m, part);
	mnl_attr_nest_end(m, tuple);
}

static int add_flow(struct mnl_socket *s, uint32_t i)
{
	const uint16_t there[] = {(uint16_t)(1024 + i % 60000), 443}, back[] = {443, there[0]};
	const uint32_t client = 0x64400000 + i / 60000, server = 0xcb007101;
	char buf[512], answer[512];
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	const struct nlmsgerr *error;
	struct nfgenmsg *family;
	struct nlattr *info, *tcp;

	m->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	m->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	family = mnl_nlmsg_put_extra_header(m, sizeof(*family));
	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	put_tuple(m, CTA_TUPLE_ORIG, client, server, there);
	put_tuple(m, CTA_TUPLE_REPLY, server, client, back);
	mnl_attr_put_u32(m, CTA_TIMEOUT, htonl(3600));
	info = mnl_attr_nest_start(m, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(m, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(m, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(m, tcp);
	mnl_attr_nest_end(m, info);
	if (mnl_socket_sendto(s, m, m->nlmsg_len) < 0 ||
	    mnl_socket_recvfrom(s, answer, sizeof(answer)) < 0)
		return -errno;
	error = mnl_nlmsg_get_payload((const struct nlmsghdr *)answer);
	return error->error;
}

int turns_net_add_flows(size_t n)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	int error = 0;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) != 0)
		error = -errno;
	for (size_t i = 0; error == 0 && i < n; i++)
		error = add_flow(s, (uint32_t)i);
	(void)mnl_socket_close(s);
	return error;
}
