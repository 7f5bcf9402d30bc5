// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "turns_net.h"

#include "base/mem.h"
#include "bench_agent.h"
#include "turns_router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

void turns_net_ip(const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command), "ip %s", arguments);
	if (system(command) != 0)
		bench_fail(command);
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
	turns_router_start();
	turns_net_ip("addr add 192.0.2.2/24 dev eth0");
	turns_net_ip("link set eth0 up");
	return true;
}

void turns_net_leave(void)
{
	turns_router_stop();
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

void turns_net_add_links(size_t n, size_t n_addrs)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		bench_fail("ip");
	for (size_t i = 0; i < n / 2; i++)
		fprintf(ip, "link add one%zu type veth peer name two%zu\n", i, i);
	for (size_t i = 0; i < n_addrs; i++)
		fprintf(ip, "addr add 100.127.%zu.%zu/32 dev one%zu\n", i >> 8, i & 255,
			i % (n / 2));
	if (pclose(ip) != 0)
		bench_fail("ip link");
}

void turns_net_add_rules(size_t n)
{
	FILE *v4 = popen("ip -4 -batch -", "w"), *v6 = popen("ip -6 -batch -", "w");

	if (!v4 || !v6)
		bench_fail("ip");
	for (size_t i = 0; i < n; i++) {
		fprintf(v4, "rule add from 100.126.%zu.%zu lookup main priority 1000\n", i >> 8,
			i & 255);
		fprintf(v6, "rule add from 2001:db8::%zx lookup main priority 1000\n", i);
	}
	if (pclose(v4) != 0 || pclose(v6) != 0)
		bench_fail("ip rule");
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
