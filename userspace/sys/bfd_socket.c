// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Sockets of BFD. The kernel stamps arrivals with wall time; they are put on the monotonic clock by
 * what both clocks say when the batch is read.
 */
#include "sys/bfd_socket.h"

#include "sys/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define FIRST_PORT   49152
#define TRIES        64
#define TOS_CS6      0xc0 /* RFC 4594: network control */
#define CONTROL_ROOM 256
#define CLOCKS_TRIES 8
#define CLOCKS_NS    (20 * NSEC_PER_USEC) /* between them at most */
/*
 * What 256 sessions are sent at the least interval while the thread gets no processor for a tenth
 * of a second. The default has room for 277 packets of any size; what came in time and found no
 * room would be silence.
 */
#define RECEIVE_ROOM (2 << 20) /* which the kernel doubles */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t make_address(enum ip_family family, const struct ip_addr *a, uint16_t port,
			      uint32_t ifindex, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family == IP_V4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		if (!ip_addr_is_none(a))
			ret->v4.sin_addr.s_addr = htonl(ip_addr_v4(a));
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, a->b, sizeof(a->b));
	if (ip_addr_is_link_local(a))
		ret->v6.sin6_scope_id = ifindex;
	return sizeof(ret->v6);
}

static struct ip_addr address_of(const union address *a)
{
	struct ip_addr ret;

	if (a->any.sa_family == AF_INET)
		return ip_addr_from_v4(ntohl(a->v4.sin_addr.s_addr));
	memcpy(ret.b, &a->v6.sin6_addr, sizeof(ret.b));
	return ret;
}

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static int new_socket(enum ip_family family)
{
	int fd = socket(family == IP_V4 ? AF_INET : AF_INET6,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int fail(int fd)
{
	int error = errno;

	(void)close(fd);
	return -error;
}

/* ---- receive --------------------------------------------------------------------------------- */

static bool ask_for_ways(int fd, enum ip_family family)
{
	/* Without the right to more there is what net.core.rmem_max allows, which is a delay less.
	 */
	if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_ROOM))
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_ROOM);
	if (!set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1))
		return false;
	if (family == IP_V4)
		return set(fd, IPPROTO_IP, IP_PKTINFO, 1) && set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
	       set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
	       set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

static bool bind_to(int fd, const struct bfd_port *port)
{
	static const struct ip_addr none;
	union address a;
	socklen_t len = make_address(port->family, &none,
				     port->is_multihop ? BFD_MULTIHOP_PORT : BFD_PORT, 0, &a);

	return bind(fd, &a.any, len) == 0;
}

/*
 * To the kernel a port without a device is one of every device, unless both sockets would share.
 * Said after the first is bound, so that it finds out who else has the port.
 */
static bool enter_vrf(int fd, const struct bfd_port *port)
{
	return port->vrf == 0 || (set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)port->vrf) &&
				  set(fd, SOL_SOCKET, SO_REUSEADDR, 1));
}

int bfd_socket_listen(const struct bfd_port *port)
{
	int fd = new_socket(port->family);

	if (fd < 0)
		return fd;
	if (!ask_for_ways(fd, port->family) || !enter_vrf(fd, port) || !bind_to(fd, port) ||
	    !set(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return fail(fd);
	return fd;
}

/* The program sees the payload, and says which socket of the port, in the order of their bind(). */
int bfd_socket_steer(int fd, const uint32_t *discriminators, size_t n)
{
	struct sock_filter code[2 * BFD_STEERED + 6] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1), /* too short: 0 */
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BFD_UP << 6, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8),
	};
	struct sock_fprog program = {.len = 5, .filter = code};

	assert(n <= BFD_STEERED);
	for (size_t i = 0; i < n; i++) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   discriminators[i], 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
		       ? -errno
		       : 0;
}

/*
 * SO_REUSEPORT after the first is bound, so that it finds out who else has the port. The kernel
 * takes a program only when both are.
 */
int bfd_socket_listen_beside(int fd, const struct bfd_port *port)
{
	int beside = new_socket(port->family);

	if (beside < 0)
		return beside;
	if (!ask_for_ways(beside, port->family) || !enter_vrf(beside, port) ||
	    !set(beside, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1) ||
	    !set(beside, SOL_SOCKET, SO_REUSEPORT, 1) || !bind_to(beside, port) ||
	    bfd_socket_steer(fd, NULL, 0) < 0)
		return fail(beside);
	return beside;
}

/*
 * Who loses the processor in between, for as long as others want it, reads again: by so much a
 * packet would seem to have come later than it did, and a peer that speaks to have been silent
 * before.
 */
struct bfd_clocks bfd_clocks_read(void)
{
	struct bfd_clocks ret;

	for (unsigned i = 0; i < CLOCKS_TRIES; i++) {
		const nsec_t before = clock_now();
		struct timespec ts = {0};

		(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
		ret.now = clock_now();
		ret.wall = (nsec_t)ts.tv_sec * NSEC_PER_SEC + (nsec_t)ts.tv_nsec;
		if (ret.now - before < CLOCKS_NS)
			break;
	}
	return ret;
}

nsec_t bfd_clocks_put(const struct bfd_clocks *c, const struct timespec *stamp, nsec_t since)
{
	nsec_t wall = (nsec_t)stamp->tv_sec * NSEC_PER_SEC + (nsec_t)stamp->tv_nsec;
	nsec_t age = c->wall > wall ? c->wall - wall : 0;

	return age > c->now - since ? since : c->now - age;
}

static void read_control(struct msghdr *m, const struct bfd_clocks *clocks, nsec_t since,
			 struct bfd_arrival *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int ttl;

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec stamp;

			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			ret->at = bfd_clocks_put(clocks, &stamp, since);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			ret->ttl = (uint8_t)ttl;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			ret->ifindex = (uint32_t)info.ipi_ifindex;
			ret->destination = ip_addr_from_v4(ntohl(info.ipi_addr.s_addr));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			ret->ifindex = info.ipi6_ifindex;
			memcpy(ret->destination.b, &info.ipi6_addr, sizeof(ret->destination.b));
		}
	}
}

size_t bfd_socket_read(int fd, const struct bfd_port *port, nsec_t since,
		       struct bfd_datagram ret[BFD_BATCH])
{
	struct mmsghdr messages[BFD_BATCH];
	union address from[BFD_BATCH];
	struct iovec data[BFD_BATCH];
	char control[BFD_BATCH][CONTROL_ROOM];
	struct bfd_clocks clocks;
	int n;

	for (size_t i = 0; i < BFD_BATCH; i++) {
		data[i] = (struct iovec){ret[i].data, sizeof(ret[i].data)};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
							   .msg_namelen = sizeof(from[i]),
							   .msg_iov = &data[i],
							   .msg_iovlen = 1,
							   .msg_control = control[i],
							   .msg_controllen = sizeof(control[i])}};
	}
	n = recvmmsg(fd, messages, BFD_BATCH, MSG_DONTWAIT, NULL);
	clocks = bfd_clocks_read();
	for (int i = 0; i < n; i++) {
		ret[i].len = messages[i].msg_len;
		ret[i].arrival = (struct bfd_arrival){.at = clocks.now,
						      .source = address_of(&from[i]),
						      .vrf = port->vrf,
						      .is_multihop = port->is_multihop};
		read_control(&messages[i].msg_hdr, &clocks, since, &ret[i].arrival);
	}
	return n > 0 ? (size_t)n : 0;
}

/* ---- send ------------------------------------------------------------------------------------ */

static bool shape(int fd, enum ip_family family, const struct bfd_config *c)
{
	const uint32_t device = c->ifindex ? c->ifindex : c->vrf;

	if (device != 0 && !set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)device))
		return false;
	if (family == IP_V4)
		return set(fd, IPPROTO_IP, IP_TTL, BFD_TTL) && set(fd, IPPROTO_IP, IP_TOS, TOS_CS6);
	return set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, BFD_TTL) &&
	       set(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6);
}

static bool bind_port(int fd, enum ip_family family, const struct bfd_config *c, struct rng *rng,
		      uint16_t *port)
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint16_t p =
			*port ? *port : (uint16_t)(FIRST_PORT + rng_below(rng, 65536 - FIRST_PORT));
		union address a;
		socklen_t len = make_address(family, &c->local, p, c->ifindex, &a);

		if (bind(fd, &a.any, len) == 0) {
			*port = p;
			return true;
		}
		if (errno != EADDRINUSE)
			return false;
		*port = 0; /* somebody has taken it meanwhile */
	}
	return false;
}

int bfd_socket_connect(const struct bfd_config *config, struct rng *rng, uint16_t *port,
		       struct ip_addr *ret_local)
{
	enum ip_family family = ip_family_of(&config->peer);
	int fd = new_socket(family);
	union address peer, local;
	socklen_t local_len = sizeof(local);
	socklen_t len = make_address(family, &config->peer,
				     config->is_multihop ? BFD_MULTIHOP_PORT : BFD_PORT,
				     config->ifindex, &peer);

	if (fd < 0)
		return fd;
	if (!shape(fd, family, config) || !bind_port(fd, family, config, rng, port) ||
	    connect(fd, &peer.any, len) < 0 || getsockname(fd, &local.any, &local_len) < 0)
		return fail(fd);
	*ret_local = address_of(&local);
	return fd;
}

/* A refusal by the peer's host (ICMP) is told by the next send, which then has not sent. */
int bfd_socket_send(int fd, const uint8_t *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	if (n < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH))
		n = send(fd, data, len, MSG_NOSIGNAL);
	return n < 0 ? -errno : 0;
}
