// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The ports of BFD, open while there are sessions, in each VRF that has some, each with two
 * sockets. What only says that a session is Up as it was comes to the quiet one, and wakes nobody:
 * it is read with whatever wakes the thread, which sends as often as it hears, and before anybody
 * is declared silent, since the time of arrival is the kernel's. So a session costs half the
 * wake-ups. A packet without the session's own discriminator is never among them: nobody who cannot
 * see ours fills that socket.
 */
#pragma once

#include "bfd/bfd_set.h"
#include "sys/bfd_socket.h"

#define BFD_PORTS  4  /* control packets, by family, single hop and multihop */
#define BFD_WORLDS 16 /* VRFs that have sessions, and what is in none, which is the first */

struct bfd_world {
	uint32_t vrf;
	bool is_used;
	int fds[2 * BFD_PORTS];        /* owned, -1: not open; the quiet ones behind the others */
	nsec_t read_at[2 * BFD_PORTS]; /* it was empty then */
	int errors[BFD_PORTS];         /* -errno of who could not be had; 0: it is open */
	size_t n_quiet[BFD_PORTS];     /* sessions whose packets come to the quiet socket */
};
struct bfd_ports {
	struct bfd_world worlds[BFD_WORLDS];
	/* Of all n_quiet: which ports have some, by the number of their event, and their sum. */
	uint64_t quiet;
	size_t n_quiet;
	/* Whose quiet socket may have what is not quiet, since it was not steered at first. */
	uint64_t strays;
	nsec_t quiet_at; /* all of those were read last */
	struct bfd_datagram batch[BFD_BATCH];
};

/* What came, until the next is asked for. */
typedef void (*bfd_ports_cb)(void *ctx, const struct bfd_datagram *d, nsec_t now);

void bfd_ports_init(struct bfd_ports *p);
void bfd_ports_close(struct bfd_ports *p);
/*
 * Opens those that are not and that a session needs; an fd of a port that is to wake the thread is
 * given to epoll with a number below BFD_EVENTS_MAX as data. A VRF beyond BFD_WORLDS gets none.
 */
#define BFD_EVENTS_MAX (BFD_WORLDS * BFD_PORTS)
void bfd_ports_open(struct bfd_ports *p, int epoll_fd, struct bfd_set *set);
/* After every change of which sessions there are, and which are Up: closes those that none needs.
 */
void bfd_ports_steer(struct bfd_ports *p, struct bfd_set *set);

/* Of a port, in whichever VRF it is: -errno; 0: it is open. */
int bfd_ports_error(const struct bfd_ports *p, size_t port);

/* Reads what epoll told of until there is no more, so that all that comes later arrives after
 * read_at. */
void bfd_ports_read(struct bfd_ports *p, size_t event, bfd_ports_cb cb, void *ctx);
/* The same with what wakes nobody. */
void bfd_ports_read_quiet(struct bfd_ports *p, bfd_ports_cb cb, void *ctx);
/* When that is to be done at the latest, so that there is room for all that may come. */
nsec_t bfd_ports_deadline(const struct bfd_ports *p);
/* Everything, in the order in which a session's packets came. */
void bfd_ports_read_all(struct bfd_ports *p, bfd_ports_cb cb, void *ctx);
