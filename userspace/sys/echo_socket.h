// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The sockets by which this node asks others for their tunnel's echo, and agents tell each other of
 * unsettled rows: UDP from its own end of the tunnels, so that who is asked knows whom it answers,
 * without a checksum as what is tunnelled, so that what drops one drops the other.
 */
#pragma once

#include "base/addr.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Nonblocking and the caller's. `own` is an address of this node; port 0: any. Or -errno. */
int echo_socket_open(const struct ip_addr *own, uint16_t port) must_check;

/* To that port of an address of the same family. 0 or -errno: -EAGAIN, -ENETUNREACH and others. */
int echo_socket_send(int fd, const struct ip_addr *to, uint16_t port, const void *data,
		     size_t len) must_check;

/*
 * The next datagram, cut off at cap, and whose it is; of another port than `port` none is told.
 * -EAGAIN: none is there; another -errno: an error that came in place of one.
 */
ssize_t echo_socket_receive(int fd, uint16_t port, void *buf, size_t cap,
			    struct ip_addr *ret_from) must_check;
