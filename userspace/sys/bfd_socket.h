// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sockets of BFD: two to receive for each port and family, bound to no address, with what the
 * kernel knows of a packet's way; and one to send for each session, connected, from a port of its
 * own (RFC 5881 4: 49152 to 65535, the same for the life of a session), TTL 255, marked CS6.
 */
#pragma once

#include "base/rng.h"
#include "bfd/bfd_session.h"

#define BFD_PORT          3784 /* RFC 5881 4 */
#define BFD_MULTIHOP_PORT 4784 /* RFC 5883 5 */

/* Which of the four sockets to receive, of those of a VRF. */
struct bfd_port {
	enum ip_family family;
	bool is_multihop;
	uint32_t vrf; /* the VRF's device; 0: in none */
};

/*
 * A socket that does not block, or -errno: EADDRINUSE if another daemon has the port. That of no
 * VRF is opened before those of VRFs, which the kernel lets have the same port only then.
 */
int bfd_socket_listen(const struct bfd_port *port) must_check;

/*
 * A second socket to receive, at the port of the first one, for what can wait to be read. Nothing
 * comes to it until bfd_socket_steer() says so. Fd, or -errno.
 */
int bfd_socket_listen_beside(int fd, const struct bfd_port *port) must_check;

/*
 * From now on packets with one of these in Your Discriminator that say Up, without Poll and Final,
 * come to the second socket; whatever else comes, to the first. n at most BFD_STEERED. 0 or -errno:
 * then it is as it was.
 */
#define BFD_STEERED 1024
int bfd_socket_steer(int fd, const uint32_t *discriminators, size_t n) must_check;

/*
 * A connected socket from config.local (none: the kernel's choice) to config.peer, on
 * config.ifindex, else in config.vrf, if that is not 0. A *port of 0 is drawn, else it is used
 * again. Fd, or -errno. Sets *ret_local.
 */
int bfd_socket_connect(const struct bfd_config *config, struct rng *rng, uint16_t *port,
		       struct ip_addr *ret_local) must_check;

/* 0, or -errno of what was not sent. */
int bfd_socket_send(int fd, const uint8_t *data, size_t len) must_check;

#define BFD_BATCH 16

struct bfd_datagram {
	struct bfd_arrival arrival; /* .at by the kernel's stamp, never before `since` */
	uint8_t data[BFD_PACKET_MAX + 4];
	size_t len;
};

/*
 * Reads up to BFD_BATCH datagrams without waiting; how many. `since`: what is there now has not
 * been there at that time; it keeps a wall clock that was set from moving an arrival.
 */
size_t bfd_socket_read(int fd, const struct bfd_port *port, nsec_t since,
		       struct bfd_datagram ret[BFD_BATCH]);

/* Both clocks at one time, by which a stamp of the kernel's wall clock is put on ours; not before
 * `since`. */
struct bfd_clocks {
	nsec_t now, wall;
};
struct bfd_clocks bfd_clocks_read(void);
struct timespec;
nsec_t bfd_clocks_put(const struct bfd_clocks *c, const struct timespec *stamp, nsec_t since);
