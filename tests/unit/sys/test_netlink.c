// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * sys/netlink and what is below it, against the real kernel: each test in a network namespace of
 * its own, so nothing outside is seen or touched.
 */
#include "netlink_rig.h"

#include "sys/loop.h"
#include "sys/netlink_pods.h"
#include "sys/worker.h"

#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

/* The kernel tells the carrier when it comes to it: once a second, if others' links change, too. */
static void wait_until_up(struct netlink *nl, const char *name)
{
	for (int i = 0; i < 500 && !link_named(netlink_node(nl), name)->up; i++) {
		poll(NULL, 0, 10);
		assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	}
	assert_true(link_named(netlink_node(nl), name)->up);
}

static void links_tell_their_name_index_and_state(void **state)
{
	struct netlink *nl = *state = begin();

	assert_int_equal(netlink_node(nl)->n_links, 0);
	run("ip link add lt0 type veth peer name lt0p; ip link set lt0p up; ip link add lt1 type veth peer name lt2;"
	    " ip link set lt0 up; ip link set lt1 up");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	const struct plan_node *node = netlink_node(nl);
	for (size_t i = 1; i < node->n_links; i++)
		assert_true(node->links[i - 1].ifindex < node->links[i].ifindex);
	const struct plan_link *lt0 = link_named(node, "lt0"), *lt1 = link_named(node, "lt1");
	assert_non_null(lt0);
	assert_non_null(lt1);
	assert_non_null(link_named(node, "lo"));
	assert_int_equal(lt0->ifindex, index_of("lt0"));
	wait_until_up(nl, "lt0");
	assert_false(link_named(netlink_node(nl), "lt1")->up); /* its other end is down */
	run("ip link set lt2 up");
	wait_until_up(nl, "lt1");
}

static void devices_without_ethernet_are_told(void **state)
{
	struct netlink *nl = *state = begin();

	if (system("ip tuntap add lt0 mode tun") != 0) {
		print_message("needs /dev/net/tun\n");
		skip();
	}
	run("ip link add lt1 type veth peer name lt2; ip link add lt3 type bridge");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_true(link_named(netlink_node(nl), "lt0")->raw);
	assert_false(link_named(netlink_node(nl), "lt1")->raw);
	assert_false(link_named(netlink_node(nl), "lt3")->raw);
	assert_true(link_named(netlink_node(nl), "lt3")->bridge);
	assert_false(link_named(netlink_node(nl), "lt0")->bridge);
	assert_false(link_named(netlink_node(nl), "lo")->raw);
}

static size_t count_addr(const struct plan_node *node, const char *text, uint8_t len, int ifindex)
{
	struct ip_addr a = addr(text);
	size_t n = 0;

	for (size_t i = 0; i < node->n_addrs; i++)
		n += ip_addr_equal(&node->addrs[i].addr, &a) && node->addrs[i].len == len &&
		     node->addrs[i].ifindex == ifindex;
	return n;
}

static void addresses_of_both_families_are_listed_once(void **state)
{
	struct netlink *nl = *state = begin();

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up &&"
	    " ip addr add 10.9.0.1/24 dev lt0 && ip addr add 10.9.0.7 peer 10.8.0.1/32 dev lt0 &&"
	    " ip addr add 2001:db8::7/64 dev lt0 nodad");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	const struct plan_node *node = netlink_node(nl);
	assert_int_equal(count_addr(node, "10.9.0.1", 24, index_of("lt0")), 1);
	/* Ours is the local end, not the other one. */
	assert_int_equal(count_addr(node, "10.9.0.7", 32, index_of("lt0")), 1);
	assert_int_equal(count_addr(node, "10.8.0.1", 32, index_of("lt0")), 0);
	assert_int_equal(count_addr(node, "2001:db8::7", 64, index_of("lt0")), 1);
	assert_int_equal(count_addr(node, "127.0.0.1", 8, index_of("lo")), 1);
	for (size_t i = 1; i < node->n_addrs; i++)
		assert_true(ip_addr_cmp(&node->addrs[i - 1].addr, &node->addrs[i].addr) <= 0);
}

/* Duplicate detection is made to take minutes. */
static void an_address_that_cannot_be_used_yet_is_not_listed(void **state)
{
	struct netlink *nl = *state = begin();

	run("ip link add lt0 type veth peer name lt0p &&"
	    " cd /proc/sys/net/ipv6/conf/lt0 && echo 1 >accept_dad && echo 200 >dad_transmits &&"
	    " ip link set lt0p up && ip link set lt0 up &&"
	    " ip addr add 2001:db8::7/64 dev lt0 && ip addr add 2001:db8::8/64 dev lt0 nodad");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(count_addr(netlink_node(nl), "2001:db8::7", 64, index_of("lt0")), 0);
	assert_int_equal(count_addr(netlink_node(nl), "2001:db8::8", 64, index_of("lt0")), 1);
}

static void devices_of_default_routes_of_all_tables_are_found(void **state)
{
	struct netlink *nl = *state = begin();
	const struct plan_node *node;

	run("for i in 0 1 2 3 4; do ip link add lt$i type veth peer name lt${i}p; ip link set lt${i}p up; ip link set lt$i up;"
	    " ip addr add 10.$i.0.1/24 dev lt$i; done");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	assert_int_equal(netlink_node(nl)->n_default_devices, 0);
	run("ip route add default via 10.3.0.2 && ip route add default via 10.0.0.2 table 77 &&"
	    " ip route add default metric 9 nexthop via 10.1.0.2 nexthop via 10.3.0.2 &&"
	    " ip -6 route add default dev lt4 && ip route add 10.77.0.0/16 via 10.2.0.2 &&"
	    " ip route add unreachable default metric 4000");
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	node = netlink_node(nl);
	assert_int_equal(node->n_default_devices, 4);
	assert_int_equal(node->n_gateways, 3); /* none by the last device */
	for (unsigned i = 0; i < 4; i++) {
		const char *device = (const char *const[]){"lt0", "lt1", "lt3", "lt4"}[i];
		const char *hop = (const char *const[]){"10.0.0.2", "10.1.0.2", "10.3.0.2", ""}[i];
		char text[IP_ADDR_TEXT];

		assert_int_equal(node->default_devices[i], index_of(device));
		if (i == 3)
			break;
		assert_int_equal(node->gateways[i].ifindex, index_of(device));
		assert_string_equal(ip_addr_text(&node->gateways[i].addr, text), hop);
	}
}

static const struct plan_route_to *way_to(const struct plan_node *node, const struct ip_addr *to)
{
	for (size_t i = 0; i < node->n_routes_to; i++)
		if (ip_addr_equal(&node->routes_to[i].to, to))
			return &node->routes_to[i];
	fail_msg("was not looked up");
	return NULL;
}

static void the_way_to_each_asked_address_is_looked_up(void **state)
{
	static const struct {
		const char *to, *device, *source;
	} cases[] = {
		{"10.9.0.2", "lt0", "10.9.0.1"},     {"10.7.0.9", "lt1", "10.7.0.1"},
		{"10.5.0.1", "lt1", "10.7.0.2"},     {"fd00::9", "lt1", "fd00::1"},
		{"198.51.100.1", "nowhere", "none"}, {"10.66.0.1", "nowhere", "none"},
		{"2001:db8::1", "nowhere", "none"},
	};
	struct netlink *nl = *state = begin();
	struct netlink_ask ask[ARRAY_SIZE(cases) + 1] = {0};
	const struct plan_node *node;

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up && ip addr add 10.9.0.1/24 dev lt0 &&"
	    " ip link add lt1 type veth peer name lt1p && ip link set lt1p up && ip link set lt1 up && ip addr add 10.7.0.1/24 dev lt1 &&"
	    " ip addr add 10.7.0.2/24 dev lt1 && ip addr add fd00::1/64 dev lt1 nodad &&"
	    " ip route add 10.5.0.0/24 via 10.7.0.9 src 10.7.0.2 &&"
	    " ip route add blackhole 10.66.0.0/16");
	for (size_t i = 0; i < ARRAY_SIZE(ask); i++)
		ask[i].to = addr(cases[i % ARRAY_SIZE(cases)].to);
	assert_int_equal(netlink_refresh(nl, ask, ARRAY_SIZE(ask)), 0);
	node = netlink_node(nl);
	assert_int_equal(node->n_routes_to, ARRAY_SIZE(cases));
	for (size_t i = 1; i < node->n_routes_to; i++)
		assert_true(ip_addr_cmp(&node->routes_to[i - 1].to, &node->routes_to[i].to) < 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct plan_route_to *way = way_to(node, &ask[i].to);
		char text[IP_ADDR_TEXT] = "none";

		assert_int_equal(way->ifindex, if_nametoindex(cases[i].device)); /* 0: none */
		if (!ip_addr_is_none(&way->source))
			(void)ip_addr_text(&way->source, text);
		assert_string_equal(text, cases[i].source);
	}
}

/* Gathers notifications until nothing more comes. */
static unsigned gather(struct netlink *nl)
{
	struct pollfd p = {.fd = netlink_fd(nl), .events = POLLIN};
	unsigned changed = 0;

	while (poll(&p, 1, 50) == 1)
		changed |= netlink_receive(nl);
	assert_int_equal(netlink_receive(nl), 0);
	return changed;
}

static void notifications_tell_what_changed(void **state)
{
	struct netlink *nl = *state = begin();
	const struct netlink_ask ask = {.to = addr("10.7.0.9")};

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up && ip addr add 10.9.0.1/24 dev lt0");
	assert_int_equal(netlink_refresh(nl, &ask, 1), 0);
	(void)gather(nl);
	run("ip route add default via 10.9.0.2");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE);
	run("ip route add 10.7.0.0/24 via 10.9.0.3");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE);
	run("ip route add 10.6.1.1/32 via 10.9.0.3");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE);
	run("ip addr add 10.5.0.1/24 dev lt0");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE);
	run("ip rule add from 10.5.0.0/24 lookup 77");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE | NETLINK_CHANGED_OURS);
	run("ip link set lt0 mtu 1400");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE | NETLINK_CHANGED_HOOKS);
	run("ip link del lt0");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE | NETLINK_CHANGED_HOOKS);
}

static void routes_that_lead_elsewhere_are_no_change(void **state)
{
	struct netlink *nl = *state = begin();
	const struct netlink_ask ask = {.to = addr("10.7.0.9")};

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up && ip addr add 10.9.0.1/24 dev lt0");
	assert_int_equal(netlink_refresh(nl, &ask, 1), 0);
	(void)gather(nl);
	run("for i in $(seq 1 100); do echo route add 172.16.$i.0/24 via 10.9.0.3; done |"
	    " ip -batch -");
	assert_int_equal(gather(nl), 0);
}

static void a_hook_that_is_taken_away_is_told(void **state)
{
	struct netlink *nl = *state = begin();

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up &&"
	    " tc qdisc add dev lt0 clsact &&"
	    " tc filter add dev lt0 egress protocol ip pref 5 bpf bytecode '1,6 0 0 0,'");
	(void)gather(nl);
	run("tc filter del dev lt0 egress protocol ip pref 5");
	assert_int_equal(gather(nl), NETLINK_CHANGED_HOOKS);
	run("tc qdisc del dev lt0 clsact");
	assert_int_equal(gather(nl), NETLINK_CHANGED_HOOKS);
}

static void lost_notifications_are_told_and_a_refresh_is_complete(void **state)
{
	struct netlink *nl = *state = begin();
	int bytes = 4096;

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up");
	(void)gather(nl);
	assert_int_equal(setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)),
			 0);
	run("for i in $(seq 1 200); do echo addr add 10.9.$i.1/24 dev lt0; done | ip -batch -");
	assert_true(gather(nl) & NETLINK_LOST);
	assert_int_equal(netlink_refresh(nl, NULL, 0), 0);
	for (int i = 1; i <= 200; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "10.9.%d.1", i);
		assert_int_equal(count_addr(netlink_node(nl), text, 24, index_of("lt0")), 1);
	}
	run("ip addr add 10.10.0.1/24 dev lt0");
	assert_int_equal(gather(nl), NETLINK_CHANGED_NODE);
}

static void the_generation_changes_exactly_with_the_content(void **state)
{
	struct netlink *nl = *state = begin();
	const struct netlink_ask ask[] = {{.to = addr("10.9.0.2")}, {.to = addr("10.8.0.2")}};
	const struct plan_link *links;
	unsigned last;

	run("ip link add lt0 type veth peer name lt0p && ip link set lt0p up && ip link set lt0 up && ip addr add 10.9.0.1/24 dev lt0");
	assert_int_equal(netlink_generation(nl), 0);
	assert_int_equal(netlink_refresh(nl, ask, 2), 0);
	last = netlink_generation(nl);
	assert_int_equal(last, 1);
	links = netlink_node(nl)->links;
	assert_int_equal(netlink_refresh(nl, ask, 2), 0);
	assert_int_equal(netlink_generation(nl), last);
	assert_ptr_equal(netlink_node(nl)->links, links);
	static const char *const changes[] = {
		"ip addr add 10.9.0.5/24 dev lt0",
		"ip route add 10.8.0.0/24 via 10.9.0.9",
		"ip route add default via 10.9.0.9",
		"ip link set lt0p down && ip link set lt0 down",
		"ip link set lt0 name lt9",
		"ip link del lt9",
	};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		run("%s", changes[i]);
		assert_int_equal(netlink_refresh(nl, ask, 2), 0);
		assert_int_not_equal(netlink_generation(nl), last);
		last = netlink_generation(nl);
	}
	assert_int_equal(netlink_refresh(nl, ask, 1), 0);
	assert_int_equal(netlink_generation(nl), last + 1);
}

/* More of everything than one datagram of a dump carries. */
static void a_node_with_thousands_of_routes_and_links_is_read(void **state)
{
	struct netlink *nl = *state = begin();
	const struct netlink_ask ask = {.to = addr("172.16.0.9")};

	run("{ for i in $(seq 1 300); do echo link add d$i type veth peer name d${i}p; done;"
	    " echo link set d1 up; echo link set d1p up; echo addr add 10.9.0.1/24 dev d1;"
	    " for i in $(seq 0 4999); do"
	    " echo route add 172.$((16 + i / 250 / 250)).$((i / 250 %% 250)).$((i %% 250))/32"
	    " via 10.9.0.3; done; echo route add default via 10.9.0.2; } | ip -batch -");
	assert_int_equal(netlink_refresh(nl, &ask, 1), 0);
	assert_true(netlink_node(nl)->n_links >= 301);
	assert_int_equal(netlink_node(nl)->n_default_devices, 1);
	assert_int_equal(netlink_node(nl)->default_devices[0], index_of("d1"));
	assert_int_equal(netlink_node(nl)->routes_to[0].ifindex, index_of("d1"));
}

/* --- the namespace of a pod ------------------------------------------------------------------ */

/* The id that this namespace has for another one, as the kernel tells it: NETNSA_NSID by fd. */
static int kernel_nsid(int ns_fd)
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg family;
		struct nlattr attr __attribute__((aligned(4)));
		int32_t fd;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETNSID,
			   .nlmsg_flags = NLM_F_REQUEST},
		.attr = {.nla_len = 8, .nla_type = NETNSA_FD},
		.fd = ns_fd,
	};
	char answer[512] __attribute__((aligned(4)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	assert_int_equal(send(fd, &request, sizeof(request), 0), sizeof(request));
	ssize_t got = recv(fd, answer, sizeof(answer), 0);
	close(fd);
	const struct nlmsghdr *m = (const struct nlmsghdr *)answer;
	assert_int_equal(m->nlmsg_type, RTM_NEWNSID);
	for (size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct rtgenmsg)); at < (size_t)got;) {
		const struct nlattr *attr = (const struct nlattr *)(answer + at);
		int32_t nsid;

		if (attr->nla_type == NETNSA_NSID) {
			memcpy(&nsid, attr + 1, sizeof(nsid));
			return nsid;
		}
		at += NLMSG_ALIGN(attr->nla_len);
	}
	fail_msg("no nsid in the answer");
	return -1;
}

static void move_to(int ns_fd)
{
	if (setns(ns_fd, CLONE_NEWNET) != 0)
		fail_msg("setns: %s", strerror(errno));
}

/* Makes a second namespace, moves `dev` there, gives it an address; returns the namespace. */
static int make_pod(const char *dev, const char *address)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), pod;

	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	pod = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(pod >= 0);
	move_to(home);
	run("ip link set %s netns /proc/%d/fd/%d", dev, (int)getpid(), pod);
	move_to(pod);
	run("ip link set lo up && ip addr add %s dev %s && ip link set %s up", address, dev, dev);
	move_to(home);
	close(home);
	return pod;
}

struct answer {
	struct ip_addr pod;
	int nsid;
	size_t n;
};

static void on_told(void *ctx, const struct ip_addr *pods, const int *nsids, size_t n)
{
	*(struct answer *)ctx = (struct answer){pods[n - 1], nsids[n - 1], n};
}

/* By the helper, among others of which nothing is known. */
static int nsid_of(const struct ip_addr *pod)
{
	struct loop *loop = loop_new();
	struct worker *worker = worker_new(loop);
	struct answer answer = {.n = 0};
	struct netlink_pods *pods = netlink_pods_new(
		&(struct netlink_pods_args){.worker = worker, .told = on_told, .ctx = &answer});
	struct ip_addr all[NETLINK_PODS_MAX];

	for (uint32_t i = 0; i < NETLINK_PODS_MAX; i++)
		all[i] = ip_addr_from_v4(0xc0000200 + i);
	all[NETLINK_PODS_MAX - 1] = *pod;
	netlink_pods_ask(pods, all, NETLINK_PODS_MAX);
	assert_int_equal(answer.n, 0);
	worker_finish(worker);
	assert_int_equal(answer.n, NETLINK_PODS_MAX);
	assert_true(ip_addr_equal(&answer.pod, pod));
	netlink_pods_ask(pods, pod, 1); /* and once more */
	worker_finish(worker);
	assert_int_equal(answer.n, 1);
	netlink_pods_free(pods);
	worker_free(worker);
	loop_free(loop);
	return answer.nsid;
}

static void the_nsid_of_a_pod_behind_a_veth_is_found(void **state)
{
	struct ip_addr pods[] = {addr("10.244.0.5"), addr("10.244.0.6"), addr("fd00::6")};
	int ns[2];

	*state = begin();
	run("ip link add lt0 type veth peer name p0 && ip link set lt0 up &&"
	    " ip link add lt1 type veth peer name p1 && ip link set lt1 up");
	ns[0] = make_pod("p0", "10.244.0.5/32");
	ns[1] = make_pod("p1", "10.244.0.6/32");
	run("ip route add 10.244.0.5 dev lt0 && ip route add 10.244.0.6 dev lt1 &&"
	    " ip -6 route add fd00::6 dev lt1");
	int first = nsid_of(&pods[0]), second = nsid_of(&pods[1]);
	assert_true(first >= 0 && second >= 0);
	assert_int_not_equal(first, second);
	assert_int_equal(first, kernel_nsid(ns[0]));
	assert_int_equal(second, kernel_nsid(ns[1]));
	assert_int_equal(nsid_of(&pods[2]), second);
	assert_int_equal(nsid_of(&pods[0]), first);
	close(ns[0]);
	close(ns[1]);
}

/* Carriers and addresses are told whenever the kernel comes to it. */
static bool neighbours_changed(struct netlink *nl)
{
	return netlink_receive(nl) & NETLINK_CHANGED_NEIGHBOURS;
}

static void the_nsid_of_a_pod_behind_a_bridge_is_found_once_it_has_spoken(void **state)
{
	struct netlink *nl = *state = begin();
	struct ip_addr pod = addr("10.244.0.5");
	int ns, other;

	run("ip link add br0 type bridge && ip link set br0 up && ip addr add 10.244.0.1/24 dev br0"
	    " && ip link add lt0 type veth peer name p0 && ip link set lt0 master br0 up &&"
	    " ip link add lt1 type veth peer name p1 && ip link set lt1 master br0 up");
	ns = make_pod("p0", "10.244.0.5/24");
	other = make_pod("p1", "10.244.0.6/24");
	assert_int_equal(nsid_of(&pod), -ENOENT);
	(void)netlink_receive(nl);
	run("ping -c 1 -W 5 10.244.0.5 >/dev/null");
	assert_true(neighbours_changed(nl));
	assert_int_equal(nsid_of(&pod), kernel_nsid(ns));
	/* What a bridge learns is told by itself, too; what is forgotten is nothing new. */
	run("bridge link set dev lt0 learning off && bridge link set dev lt1 learning off &&"
	    " ip neigh flush dev br0 && bridge fdb flush dev br0 2>/dev/null || true");
	(void)netlink_receive(nl);
	run("bridge fdb add 02:00:00:00:00:99 dev lt1 master static");
	assert_true(neighbours_changed(nl));
	run("bridge fdb del 02:00:00:00:00:99 dev lt1 master");
	assert_false(neighbours_changed(nl));
	run("ip neigh add 10.244.0.6 lladdr 02:00:00:00:00:99 nud stale dev br0");
	assert_false(neighbours_changed(nl));
	close(ns);
	close(other);
}

static void addresses_that_are_no_pods_have_no_nsid(void **state)
{
	struct ip_addr here = addr("10.1.0.1"), beside = addr("10.1.0.2"),
		       bridged = addr("10.2.0.2"), nowhere = addr("10.3.0.1");

	*state = begin();
	run("ip link add lt0 type veth peer name lt1 && ip link set lt0 up && ip link set lt1 up &&"
	    " ip addr add 10.1.0.1/24 dev lt0 && ip link add lt2 type bridge && ip link set lt2 up &&"
	    " ip addr add 10.2.0.1/24 dev lt2");
	assert_int_equal(nsid_of(&here), -ENOENT);
	assert_int_equal(nsid_of(&beside), -ENOENT); /* the pair is in one namespace */
	assert_int_equal(nsid_of(&bridged), -ENOENT);
	assert_int_equal(nsid_of(&nowhere), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(links_tell_their_name_index_and_state),
		TEST(devices_without_ethernet_are_told),
		TEST(addresses_of_both_families_are_listed_once),
		TEST(an_address_that_cannot_be_used_yet_is_not_listed),
		TEST(devices_of_default_routes_of_all_tables_are_found),
		TEST(the_way_to_each_asked_address_is_looked_up),
		TEST(notifications_tell_what_changed),
		TEST(routes_that_lead_elsewhere_are_no_change),
		TEST(a_hook_that_is_taken_away_is_told),
		TEST(lost_notifications_are_told_and_a_refresh_is_complete),
		TEST(the_generation_changes_exactly_with_the_content),
		TEST(a_node_with_thousands_of_routes_and_links_is_read),
		TEST(the_nsid_of_a_pod_behind_a_veth_is_found),
		TEST(the_nsid_of_a_pod_behind_a_bridge_is_found_once_it_has_spoken),
		TEST(addresses_that_are_no_pods_have_no_nsid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
