// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The pod's own sockets as witness: a connection that only its socket still knows, no entry of the
 * flow table, must find its pod behind a candidate that is not the first. A child in a network
 * namespace of its own is the pod; connections are made inside it, over its loopback, between the
 * addresses that the packets carry. Both namespaces are without a name and end with their
 * processes. Each test runs in both families.
 */
#include "bpf/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VIP         0xc6336401
#define CLIENT      0xcb007107
#define CLIENT_PORT 45000
#define POD         1u /* the backend that is the pod: second candidate */
#define POD_NSID    7

struct fixture {
	struct rig *rig;
	struct rig_service tcp;
	pid_t pod;
	int from_pod, to_pod;
};

/* --- the pod ---------------------------------------------------------------------------------- */

static void in_pod(int result)
{
	if (result < 0)
		_exit(1);
}

/* Of either family; returns its length. */
static socklen_t endpoint(struct sockaddr_storage *ret, uint32_t addr, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (frame_family() == AF_INET) {
		v4.sin_addr.s_addr = htonl(addr);
		memcpy(ret, &v4, sizeof(v4));
		return sizeof(v4);
	}
	frame_address(v6.sin6_addr.s6_addr, addr);
	memcpy(ret, &v6, sizeof(v6));
	return sizeof(v6);
}

/* What SIOCSIFADDR takes for IPv6 (linux/ipv6.h, which does not go with netinet/in.h). */
struct ipv6_ifreq {
	struct in6_addr addr;
	uint32_t prefix_len;
	int ifindex;
};

static void add_address_v6(uint32_t addr)
{
	struct ipv6_ifreq req = {.prefix_len = 128, .ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	frame_address(req.addr.s6_addr, addr);
	in_pod(ioctl(fd, SIOCSIFADDR, &req));
	close(fd);
}

/* The loopback device, by a label of it, is up and gets one more address. */
static void add_address(int fd, const char *label, uint32_t addr)
{
	struct sockaddr_storage storage;
	struct ifreq req = {0};

	memcpy(req.ifr_name, label, strlen(label));
	if (frame_family() == AF_INET) {
		(void)endpoint(&storage, addr, 0);
		memcpy(&req.ifr_addr, &storage, sizeof(req.ifr_addr));
		in_pod(ioctl(fd, SIOCSIFADDR, &req));
	}
	req.ifr_name[2] = frame_family() == AF_INET ? req.ifr_name[2] : 0;
	req.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	in_pod(ioctl(fd, SIOCSIFFLAGS, &req));
	if (frame_family() == AF_INET6)
		add_address_v6(addr);
}

/* An address of IPv6 may be used a moment after it was given, once nobody else has it (RFC
 * 4862 5.4). */
static void bind_to(int fd, const struct sockaddr_storage *to, socklen_t len)
{
	int tries = 500, result;

	while ((result = bind(fd, (const struct sockaddr *)to, len)) < 0 &&
	       errno == EADDRNOTAVAIL && tries-- > 0)
		usleep(10000);
	in_pod(result);
}

/* A listener, and one connection to it from the client's address and port. */
static void make_connection(void)
{
	int listener = socket(frame_family(), SOCK_STREAM, 0);
	int client = socket(frame_family(), SOCK_STREAM, 0);
	struct sockaddr_storage pod, from;
	socklen_t len = endpoint(&pod, rig_backend_addr(POD), RIG_BACKEND_PORT);

	(void)endpoint(&from, CLIENT, CLIENT_PORT);
	add_address(listener, "lo", rig_backend_addr(POD));
	add_address(listener, "lo:1", CLIENT);
	bind_to(listener, &pod, len);
	in_pod(listen(listener, 8));
	bind_to(client, &from, len);
	in_pod(connect(client, (struct sockaddr *)&pod, len));
	in_pod(accept(listener, NULL, NULL));
}

static void pod_main(int to_parent, int from_parent)
{
	char byte = 0;

	in_pod(prctl(PR_SET_PDEATHSIG, SIGKILL));
	in_pod(unshare(CLONE_NEWNET));
	make_connection();
	in_pod((int)write(to_parent, &byte, 1));
	(void)!read(from_parent, &byte, 1); /* until the parent is done */
	_exit(0);
}

/* --- the node --------------------------------------------------------------------------------- */

/* Gives a process's network namespace a number in ours (RTM_NEWNSID), as a veth pair would. */
static int name_namespace(pid_t pid, int nsid)
{
	struct {
		struct nlmsghdr nlh;
		struct rtgenmsg gen;
		char pad[3];
		struct nlattr pid_attr;
		uint32_t pid;
		struct nlattr nsid_attr;
		int32_t nsid;
	} req = {
		.nlh = {.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_NEWNSID,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.pid_attr = {.nla_len = 8, .nla_type = NETNSA_PID},
		.pid = (uint32_t)pid,
		.nsid_attr = {.nla_len = 8, .nla_type = NETNSA_NSID},
		.nsid = nsid,
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
	} ack = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &req, sizeof(req), 0) < 0 || recv(fd, &ack, sizeof(ack), 0) < 0)
		return -errno;
	close(fd);
	return ack.err.error;
}

static int setup(void **state)
{
	const unsigned in_order[] = {0, POD};
	struct fixture *x = calloc(1, sizeof(*x));
	int up[2], down[2];
	const char *why;
	char byte;

	frame_use_family(*state ? AF_INET6 : AF_INET);
	*state = x;
	assert_return_code(unshare(CLONE_NEWNET), errno);
	x->rig = rig_new(&why);
	if (!x->rig) {
		print_message("BPF is refused here (%s): nothing of the data plane is tested\n",
			      why);
		return 0;
	}
	assert_return_code(pipe(up), errno);
	assert_return_code(pipe(down), errno);
	x->pod = fork();
	assert_return_code(x->pod, errno);
	if (!x->pod) {
		close(up[0]);
		close(down[1]); /* else it would wait for itself */
		pod_main(up[1], down[0]);
	}
	close(up[1]);
	close(down[0]);
	x->from_pod = up[0];
	x->to_pod = down[1];
	assert_int_equal(read(x->from_pod, &byte, 1), 1);
	assert_int_equal(name_namespace(x->pod, POD_NSID), 0);

	x->tcp = (struct rig_service){.vip = VIP, .port = 80, .proto = IPPROTO_TCP};
	rig_add_vip(x->rig, VIP, 0);
	rig_add_service(x->rig, &x->tcp);
	rig_add_backend(x->rig, &x->tcp, 0);
	rig_add_backend(x->rig, &x->tcp, POD);
	rig_set_rows(x->rig, &x->tcp, in_order, 2, LB_ROW_UNSETTLED);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	if (x->pod > 0) {
		close(x->to_pod);
		close(x->from_pod);
		waitpid(x->pod, NULL, 0);
	}
	rig_free(x->rig);
	free(x);
	return 0;
}

static struct fixture *begin(void **state)
{
	struct fixture *x = *state;

	if (!x->rig)
		skip();
	return x;
}

/* Which backend an established packet from this port goes to. */
static unsigned packet_from(struct fixture *x, uint16_t sport, struct frame_spec *spec)
{
	struct frame in, out;

	*spec = (struct frame_spec){.src = CLIENT,
				    .dst = VIP,
				    .sport = sport,
				    .dport = 80,
				    .proto = IPPROTO_TCP,
				    .tcp_flags = TCP_ACK_FLAG};
	frame_make(&in, spec);
	assert_int_equal(rig_xdp(x->rig, &in, &out), XDP_PASS);
	return frame_dst(&out) - (rig_backend_addr(0) & 0xff);
}

static void a_connection_known_to_its_socket_alone_finds_its_pod(void **state)
{
	struct fixture *x = begin(state);
	struct frame_spec spec;

	rig_set_nsid(x->rig, &x->tcp, POD, POD_NSID + 1);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), POD);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &spec, POD)), LB_FLOW_ESTABLISHED);
	assert_null(rig_flow(x->rig, &spec, 0));
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), POD);
}

static void a_listener_is_no_witness(void **state)
{
	struct fixture *x = begin(state);
	struct frame_spec spec;

	rig_set_nsid(x->rig, &x->tcp, POD, POD_NSID + 1);
	assert_int_equal(packet_from(x, CLIENT_PORT + 1, &spec), 0);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
}

/* Where some of a service's backends may be on other nodes the choice is another one. */
static void of_a_service_of_many_nodes_the_sockets_here_are_asked_too(void **state)
{
	struct fixture *x = begin(state);
	struct frame_spec spec;

	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE);
	rig_set_nsid(x->rig, &x->tcp, POD, POD_NSID + 1);
	assert_int_equal(packet_from(x, CLIENT_PORT + 1, &spec), 0); /* a listener */
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), POD);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &spec, POD)), LB_FLOW_ESTABLISHED);
	assert_null(rig_flow(x->rig, &spec, 0));
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), POD);
}

static void without_the_namespace_there_is_no_witness(void **state)
{
	struct fixture *x = begin(state);
	struct frame_spec spec;

	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), 0);
}

/* Whatever else is in the row's word. */
static void a_pod_that_is_no_candidate_is_not_asked(void **state)
{
	const unsigned others[] = {0, 2, 3, 4};
	struct fixture *x = begin(state);
	struct frame_spec spec;

	rig_set_nsid(x->rig, &x->tcp, POD, POD_NSID + 1);
	for (unsigned i = 2; i <= 4; i++)
		rig_add_backend(x->rig, &x->tcp, i);
	rig_set_rows(x->rig, &x->tcp, others, 4, LB_ROW_UNSETTLED);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), 0);
	assert_null(rig_flow(x->rig, &spec, POD));
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
}

static void a_wrong_namespace_is_no_witness(void **state)
{
	struct fixture *x = begin(state);
	struct frame_spec spec;

	rig_set_nsid(x->rig, &x->tcp, POD, POD_NSID + 2);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), 0);
	rig_set_nsid(x->rig, &x->tcp, POD, (uint32_t)LB_BE_NSID_SELF);
	assert_int_equal(packet_from(x, CLIENT_PORT, &spec), 0);
}

#define CLAIM(f)                                                                                   \
	{#f ", IPv4", f, setup, teardown, NULL},                                                   \
	{                                                                                          \
#f ", IPv6", f, setup, teardown, (void *)(size_t)AF_INET6                          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_connection_known_to_its_socket_alone_finds_its_pod),
		CLAIM(a_listener_is_no_witness),
		CLAIM(of_a_service_of_many_nodes_the_sockets_here_are_asked_too),
		CLAIM(without_the_namespace_there_is_no_witness),
		CLAIM(a_pod_that_is_no_candidate_is_not_asked),
		CLAIM(a_wrong_namespace_is_no_witness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
