// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * TCP connections as BGP wants them: active open, nonblocking, with MD5 signatures (RFC 2385), TTL
 * security (RFC 5082), CS6 marking (RFC 4271 section 8, network control) and the device bound where
 * asked. It knows nothing of BGP. No callbacks: the caller watches the fd with the loop. All of it
 * works for IPv4 and IPv6; an address's family is its own (base/addr.h).
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TCP_MD5_KEY_MAX 80 /* the kernel's TCP_MD5SIG_MAXKEYLEN */

struct tcp_dial {
	struct ip_addr local; /* none: the kernel chooses */
	struct ip_addr remote;
	uint16_t port;      /* host order */
	const uint8_t *md5; /* borrowed; NULL: no signatures */
	size_t md5_len;     /* 1..TCP_MD5_KEY_MAX */
	uint8_t ttl;        /* of packets sent; 0: the system's default */
	uint8_t gtsm_hops;  /* RFC 5082: send with 255, accept from so far away; overrides ttl; 0:
			       any */
	const char *device; /* SO_BINDTODEVICE: a VRF or an interface; NULL: none */
	int ifindex;        /* scope of a link-local remote; 0: none */
};

/*
 * Begins to connect. Returns a nonblocking, close-on-exec fd that the caller owns (writable once
 * the attempt has an outcome, see tcp_dial_result), or -errno when it cannot even begin: -EINVAL
 * for arguments (families differ, key too long), -ENOPROTOOPT (kernel without TCP MD5), -ENODEV
 * (device), -EADDRNOTAVAIL (local), -ENETUNREACH, -EHOSTUNREACH, and others of connect(2).
 */
int tcp_dial(const struct tcp_dial *args) must_check;

/*
 * The address that such a connection would have here, if the kernel is to choose: nothing is sent.
 * 0 or -errno as above, *ret untouched then.
 */
int tcp_source(const struct tcp_dial *args, struct ip_addr *ret) must_check;

struct tcp_listen_args {
	bool v4;
	uint16_t port;      /* host order */
	uint8_t gtsm_hops;  /* as in struct tcp_dial, for the handshake; 0: any */
	const char *device; /* the VRF that connections come in by; NULL: none */
};
/*
 * Listens on every address of a family; the fd is nonblocking and the caller's. What it accepts is
 * marked and buffered as what is dialled, and of the same VRF. Keys are added by tcp_set_md5().
 * -errno, -EADDRINUSE above all.
 */
int tcp_listen(const struct tcp_listen_args *args) must_check;

/* The other end of a connection. */
struct tcp_end {
	struct ip_addr addr;
	char device[16]; /* of a link-local address; "" else */
};
/* A connection that came in, nonblocking and the caller's; -EAGAIN: none is there; -errno. */
int tcp_accept(int listener, struct tcp_end *ret) must_check;
/* TTL and TTL security of one that was accepted; as in struct tcp_dial. 0 or -errno. */
int tcp_accepted_ttl(int fd, const struct ip_addr *remote, uint8_t ttl,
		     uint8_t gtsm_hops) must_check;

/* Outcome of the attempt once the fd is writable: 0, or -errno. -EINPROGRESS: not yet. */
int tcp_dial_result(int fd) must_check;

/*
 * Another MD5 key for what comes from and goes to that address on a socket in any state, a
 * connected one too; md5 NULL: no signatures any more. 0, or -errno: -EINVAL for a key that is too
 * long, -ENOPROTOOPT for a kernel without TCP MD5.
 */
int tcp_set_md5(int fd, const struct ip_addr *remote, const uint8_t *md5, size_t len) must_check;

/* The other side's kernel has not acknowledged all that was sent; false where it cannot be told. */
bool tcp_is_unacknowledged(int fd);

/*
 * The kernel has dropped something that came for this socket: for its signature, its TTL or a full
 * buffer. True where it cannot be told.
 */
bool tcp_has_dropped(int fd);

/* The connection's own address. 0 or -errno; *ret untouched then. */
int tcp_local(int fd, struct ip_addr *ret) must_check;

/* Bytes read; 0: the peer closed its side; -EAGAIN: nothing there now; -errno. EINTR is retried. */
ssize_t tcp_read(int fd, void *buf, size_t cap) must_check;
/* Bytes the kernel took, maybe fewer than len; -EAGAIN: no room now; -errno. Never SIGPIPE. */
ssize_t tcp_write(int fd, const void *buf, size_t len) must_check;

/* Ends our side (FIN) behind what was written; the peer may go on. 0 or -errno. */
int tcp_end(int fd) must_check;

/*
 * What an errno (positive or negative) of these functions means to the operator of a BGP session,
 * in words. Static text; for an errno without own words the C library's.
 */
const char *tcp_error_text(int err);
