// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Dialling and moving bytes. Everything that shapes the handshake (MD5 key, TTL, device, marking)
 * is set before connect: a SYN without it would be dropped by the other side or be refused by a
 * filter. SO_PRIORITY comes after IP_TOS, which resets it. The send buffer is fixed at 256 KiB
 * instead of tuned by the kernel: what is in it is out of our hands, and the plan's gates count on
 * that being little. IPv4 addresses use AF_INET sockets, never mapped ones on AF_INET6, because
 * keys, TTL and marking are options of the family.
 */
#include "sys/tcp.h"

#include "sys/files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* linux/in6.h has it, but does not go together with netinet/in.h everywhere. */
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

#define SEND_BUFFER_BYTES (256 * 1024)
#define BACKLOG           64   /* more wait in the kernel for nobody: we accept at once */
#define TOS_CS6           0xc0 /* RFC 2474, RFC 4594: network control */
#define PRIORITY_CONTROL  6    /* the highest that needs no privilege */

_Static_assert(sizeof(((struct tcp_end *)NULL)->device) == IFNAMSIZ, "a device's name");
_Static_assert(TCP_MD5_KEY_MAX == TCP_MD5SIG_MAXKEYLEN, "the kernel's limit");

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static socklen_t make_address(const struct ip_addr *a, uint16_t port, int ifindex,
			      union socket_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (ip_addr_is_v4(a)) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		ret->v4.sin_addr.s_addr = htonl(ip_addr_v4(a));
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(port);
	memcpy(&ret->v6.sin6_addr, a->b, sizeof(a->b));
	if (IN6_IS_ADDR_LINKLOCAL(&ret->v6.sin6_addr))
		ret->v6.sin6_scope_id = (uint32_t)ifindex;
	return sizeof(ret->v6);
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* Above net.core.wmem_max only with the privilege; without it the kernel caps it, which is fine. */
static int set_send_buffer(int fd)
{
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER_BYTES) == 0)
		return 0;
	return set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES);
}

static int set_ttl(int fd, bool v4, const struct tcp_dial *args)
{
	int ttl = args->gtsm_hops ? 255 : args->ttl;
	int least = 256 - args->gtsm_hops;
	int err = 0;

	if (args->gtsm_hops)
		err = v4 ? set_option(fd, IPPROTO_IP, IP_MINTTL, least)
			 : set_option(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, least);
	if (err < 0 || ttl == 0)
		return err;
	return v4 ? set_option(fd, IPPROTO_IP, IP_TTL, ttl)
		  : set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
}

static int set_marking(int fd, bool v4)
{
	int err = v4 ? set_option(fd, IPPROTO_IP, IP_TOS, TOS_CS6)
		     : set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, TOS_CS6);

	return err < 0 ? err : set_option(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
}

int tcp_set_md5(int fd, const struct ip_addr *remote, const uint8_t *md5, size_t len)
{
	struct tcp_md5sig key = {.tcpm_keylen = (uint16_t)(md5 ? len : 0)};
	union socket_address peer;
	socklen_t peer_len = make_address(remote, 0, 0, &peer);
	int err;

	if (md5 && (len == 0 || len > TCP_MD5_KEY_MAX))
		return -EINVAL;
	memcpy(&key.tcpm_addr, &peer, peer_len);
	if (md5)
		memcpy(key.tcpm_key, md5, len);
	err = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)) == 0 ? 0 : -errno;
	explicit_bzero(&key, sizeof(key));
	return err == -ENOENT && !md5 ? 0 : err; /* there was none */
}

static int set_md5(int fd, const struct tcp_dial *args)
{
	return args->md5 ? tcp_set_md5(fd, &args->remote, args->md5, args->md5_len) : 0;
}

static int set_device(int fd, const char *device)
{
	if (!device)
		return 0;
	if (strlen(device) >= IFNAMSIZ)
		return -EINVAL;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) == 0
		       ? 0
		       : -errno;
}

static int set_options(int fd, bool v4, const struct tcp_dial *args)
{
	int err = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (err == 0)
		err = set_send_buffer(fd);
	if (err == 0)
		err = set_ttl(fd, v4, args);
	if (err == 0)
		err = set_marking(fd, v4);
	if (err == 0)
		err = set_device(fd, args->device);
	if (err == 0)
		err = set_md5(fd, args);
	return err;
}

/* The port is chosen by connect, so that it need not be free for every peer at once. */
static int bind_local(int fd, const struct tcp_dial *args)
{
	union socket_address local;
	socklen_t len;
	int err;

	if (ip_addr_is_none(&args->local))
		return 0;
	err = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (err < 0)
		return err;
	len = make_address(&args->local, 0, args->ifindex, &local);
	return bind(fd, &local.any, len) == 0 ? 0 : -errno;
}

static int begin_connect(int fd, const struct tcp_dial *args)
{
	union socket_address remote;
	socklen_t len = make_address(&args->remote, args->port, args->ifindex, &remote);

	if (connect(fd, &remote.any, len) == 0 || errno == EINPROGRESS)
		return 0;
	return -errno;
}

static bool are_valid(const struct tcp_dial *args)
{
	if (ip_addr_is_none(&args->remote) || args->port == 0)
		return false;
	return ip_addr_is_none(&args->local) ||
	       ip_addr_is_v4(&args->local) == ip_addr_is_v4(&args->remote);
}

int tcp_dial(const struct tcp_dial *args)
{
	bool v4 = ip_addr_is_v4(&args->remote);
	_cleanup_(fd_closep) int fd = -1;
	int err;

	if (!are_valid(args))
		return -EINVAL;
	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = set_options(fd, v4, args);
	if (err == 0)
		err = bind_local(fd, args);
	if (err == 0)
		err = begin_connect(fd, args);
	return err < 0 ? err : TAKE_FD(fd);
}

int tcp_source(const struct tcp_dial *args, struct ip_addr *ret)
{
	_cleanup_(fd_closep) int fd = -1;
	int err;

	if (!are_valid(args))
		return -EINVAL;
	fd = socket(ip_addr_is_v4(&args->remote) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return -errno;
	err = set_device(fd, args->device);
	if (err == 0)
		err = bind_local(fd, args);
	if (err == 0)
		err = begin_connect(fd, args);
	return err < 0 ? err : tcp_local(fd, ret);
}

int tcp_listen(const struct tcp_listen_args *args)
{
	const struct tcp_dial like = {
		.ttl = 255, .gtsm_hops = args->gtsm_hops, .device = args->device};
	const bool v4 = args->v4;
	union socket_address any = {.any.sa_family = v4 ? AF_INET : AF_INET6};
	_cleanup_(fd_closep) int fd = -1;
	int err;

	fd = socket(any.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = set_option(fd, SOL_SOCKET, SO_REUSEADDR,
			 1); /* over connections of a former process */
	if (err == 0 && !v4)
		err = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (err == 0)
		err = set_options(fd, v4, &like);
	if (err < 0)
		return err;
	if (v4)
		any.v4.sin_port = htons(args->port);
	else
		any.v6.sin6_port = htons(args->port);
	if (bind(fd, &any.any, v4 ? sizeof(any.v4) : sizeof(any.v6)) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return -errno;
	return TAKE_FD(fd);
}

static void read_end(const union socket_address *a, struct tcp_end *ret)
{
	*ret = (struct tcp_end){.device = ""};
	if (a->any.sa_family == AF_INET) {
		ret->addr = ip_addr_from_v4(ntohl(a->v4.sin_addr.s_addr));
		return;
	}
	memcpy(ret->addr.b, &a->v6.sin6_addr, sizeof(ret->addr.b));
	if (a->v6.sin6_scope_id && !if_indextoname(a->v6.sin6_scope_id, ret->device))
		ret->device[0] = '\0';
}

int tcp_accept(int listener, struct tcp_end *ret)
{
	union socket_address a;
	socklen_t len = sizeof(a);
	int fd;

	do
		fd = accept4(listener, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return -errno;
	read_end(&a, ret);
	return fd;
}

int tcp_accepted_ttl(int fd, const struct ip_addr *remote, uint8_t ttl, uint8_t gtsm_hops)
{
	const struct tcp_dial like = {.ttl = ttl, .gtsm_hops = gtsm_hops};

	return set_ttl(fd, ip_addr_is_v4(remote), &like);
}

int tcp_dial_result(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);
	int err = 0;
	socklen_t err_len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len) != 0)
		return -errno;
	if (err != 0)
		return -err;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return -errno;
	return info.tcpi_state == TCP_SYN_SENT ? -EINPROGRESS : 0;
}

bool tcp_is_unacknowledged(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_unacked > 0;
}

bool tcp_has_dropped(int fd)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 || len < sizeof(info) ||
	       info[SK_MEMINFO_DROPS] > 0;
}

int tcp_local(int fd, struct ip_addr *ret)
{
	union socket_address a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) != 0)
		return -errno;
	if (a.any.sa_family == AF_INET)
		*ret = ip_addr_from_v4(ntohl(a.v4.sin_addr.s_addr));
	else if (a.any.sa_family == AF_INET6)
		memcpy(ret->b, &a.v6.sin6_addr, sizeof(ret->b));
	else
		return -EAFNOSUPPORT;
	return 0;
}

ssize_t tcp_read(int fd, void *buf, size_t cap)
{
	ssize_t got;

	do
		got = recv(fd, buf, cap, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t tcp_write(int fd, const void *buf, size_t len)
{
	ssize_t put;

	do
		put = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -errno : put;
}

int tcp_end(int fd)
{
	return shutdown(fd, SHUT_WR) == 0 ? 0 : -errno;
}

struct error_text {
	int err;
	const char *text;
};

static const struct error_text error_texts[] = {
	{ECONNREFUSED, "connection refused (nothing listens on the peer's port, or the peer does "
		       "not know this address)"},
	{ETIMEDOUT, "no answer (peer down, packets filtered, or the MD5 passwords differ; with a "
		    "password also when nothing listens on the peer's port)"},
	{EHOSTUNREACH, "host unreachable (no answer to ARP or neighbour discovery, or a router "
		       "says so)"},
	{ENETUNREACH, "network unreachable (no route to the peer's address)"},
	{ECONNRESET, "connection reset by the peer"},
	{EPIPE, "connection closed by the peer"},
	{EADDRNOTAVAIL, "the source address is not an address of this node"},
	{ENODEV, "the interface or VRF does not exist"},
	{ENOPROTOOPT, "this kernel has no TCP MD5 signatures (CONFIG_TCP_MD5SIG)"},
	{EPERM, "not permitted (a capability is missing, or a firewall rule refuses)"},
	{EACCES, "not permitted (a route or a firewall rule prohibits)"},
	{EINVAL, "address, password or interface cannot be used together"},
	{EINPROGRESS, "still connecting"},
};

const char *tcp_error_text(int err)
{
	int code = err < 0 ? -err : err;
	const char *text;

	if (code == 0)
		return "no error";
	for (size_t i = 0; i < ARRAY_SIZE(error_texts); i++)
		if (error_texts[i].err == code)
			return error_texts[i].text;
	text = strerrordesc_np(code);
	return text ? text : "unknown error";
}
