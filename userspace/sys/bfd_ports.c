// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Without a quiet socket, or where it cannot be steered, every packet wakes the thread.
 */
#include "sys/bfd_ports.h"

#include "sys/clock.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define QUIET(port) (BFD_PORTS + (port))
/* Packets of one session in two seconds at the least interval are what a socket has room for. */
#define QUIET_NS (2 * NSEC_PER_SEC)

static struct bfd_port port_of(const struct bfd_world *w, size_t port)
{
	return (struct bfd_port){.family = port % 2 ? IP_V6 : IP_V4,
				 .is_multihop = port % BFD_PORTS >= 2,
				 .vrf = w->vrf};
}

static void world_init(struct bfd_world *w)
{
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < ARRAY_SIZE(w->fds); i++)
		w->fds[i] = -1;
}

static void world_close(struct bfd_world *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->fds); i++)
		if (w->fds[i] >= 0)
			(void)close(w->fds[i]);
	world_init(w);
}

void bfd_ports_init(struct bfd_ports *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < BFD_WORLDS; i++)
		world_init(&p->worlds[i]);
}

/* At each wake-up the thread looks at these alone: the worlds lie in many lines of memory. */
static void note_quiet(struct bfd_ports *p)
{
	_Static_assert(BFD_EVENTS_MAX <= 64, "a bit for each");
	p->quiet = 0;
	p->n_quiet = 0;
	for (size_t k = 0; k < BFD_EVENTS_MAX; k++) {
		const size_t n = p->worlds[k / BFD_PORTS].n_quiet[k % BFD_PORTS];

		p->quiet |= (uint64_t)(n > 0) << k;
		p->n_quiet += n;
	}
}

void bfd_ports_close(struct bfd_ports *p)
{
	for (size_t i = 0; i < BFD_WORLDS; i++)
		world_close(&p->worlds[i]);
	note_quiet(p);
}

/* Another daemon may have it, and give it back. */
static bool open_port(struct bfd_ports *p, size_t world, size_t i, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = world * BFD_PORTS + i};
	struct bfd_world *w = &p->worlds[world];
	const struct bfd_port port = port_of(w, i);
	int fd = bfd_socket_listen(&port);

	w->fds[i] = fd;
	w->errors[i] = fd < 0 ? fd : 0;
	w->read_at[i] = w->read_at[QUIET(i)] = clock_now();
	if (fd < 0)
		return false;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
	w->fds[QUIET(i)] = bfd_socket_listen_beside(fd, &port);
	/* Left there until something is quiet, a Down of that time would end a session. */
	if (w->fds[QUIET(i)] >= 0)
		p->strays |= UINT64_C(1) << event.data.u64;
	p->quiet_at = w->read_at[i];
	return true;
}

/* Of a VRF, or of none; NULL: there are too many. */
static struct bfd_world *world_of(struct bfd_ports *p, uint32_t vrf)
{
	struct bfd_world *free_one = NULL;

	if (vrf == 0)
		return &p->worlds[0];
	for (size_t i = 1; i < BFD_WORLDS; i++) {
		struct bfd_world *w = &p->worlds[i];

		if (w->is_used && w->vrf == vrf)
			return w;
		if (!w->is_used && !free_one)
			free_one = w;
	}
	return free_one;
}

void bfd_ports_open(struct bfd_ports *p, int epoll_fd, struct bfd_set *set)
{
	bool is_new = false;

	p->worlds[0].is_used = true; /* first, whether or not a session is in it */
	for (size_t i = 0; i < bfd_set_count(set); i++) {
		const uint32_t vrf = bfd_set_at(set, i)->config.vrf;
		struct bfd_world *w = world_of(p, vrf);

		if (w) {
			w->is_used = true;
			w->vrf = vrf;
		}
	}
	for (size_t k = 0; k < BFD_EVENTS_MAX; k++) {
		const struct bfd_world *w = &p->worlds[k / BFD_PORTS];

		if (w->is_used && w->fds[k % BFD_PORTS] < 0)
			is_new |= open_port(p, k / BFD_PORTS, k % BFD_PORTS, epoll_fd);
	}
	if (is_new)
		bfd_ports_steer(p, set);
}

int bfd_ports_error(const struct bfd_ports *p, size_t port)
{
	for (size_t i = 0; i < BFD_WORLDS; i++)
		if (p->worlds[i].is_used && p->worlds[i].errors[port])
			return p->worlds[i].errors[port];
	return 0;
}

/* While one is not Up, its peer's Up is news. */
static bool is_quiet_at(const struct bfd_session *s, const struct bfd_port *port)
{
	return s->state == BFD_UP && s->config.is_multihop == port->is_multihop &&
	       s->config.vrf == port->vrf && ip_family_of(&s->config.peer) == port->family;
}

static size_t quiet_of(struct bfd_set *set, const struct bfd_port *port, uint32_t ret[BFD_STEERED])
{
	size_t n = 0;

	for (size_t i = 0; i < bfd_set_count(set); i++)
		if (is_quiet_at(bfd_set_at(set, i), port))
			ret[n++] = bfd_set_at(set, i)->discriminator;
	return n;
}

static void steer(struct bfd_world *w, struct bfd_set *set)
{
	uint32_t discriminators[BFD_STEERED];

	for (size_t i = 0; i < BFD_PORTS; i++) {
		const struct bfd_port port = port_of(w, i);
		const size_t n = quiet_of(set, &port, discriminators);

		if (w->fds[QUIET(i)] >= 0 && bfd_socket_steer(w->fds[i], discriminators, n) == 0)
			w->n_quiet[i] = n;
	}
}

static bool has_session(struct bfd_set *set, uint32_t vrf)
{
	for (size_t i = 0; i < bfd_set_count(set); i++)
		if (bfd_set_at(set, i)->config.vrf == vrf)
			return true;
	return false;
}

void bfd_ports_steer(struct bfd_ports *p, struct bfd_set *set)
{
	for (size_t i = 0; i < BFD_WORLDS; i++) {
		struct bfd_world *w = &p->worlds[i];

		if (!w->is_used)
			continue;
		if (i > 0 && !has_session(set, w->vrf))
			world_close(w);
		else
			steer(w, set);
	}
	note_quiet(p);
}

static void read_socket(struct bfd_ports *p, struct bfd_world *w, size_t i, bfd_ports_cb cb,
			void *ctx)
{
	const struct bfd_port port = port_of(w, i);
	size_t n;

	if (w->fds[i] < 0)
		return;
	do {
		const nsec_t now = clock_now();

		n = bfd_socket_read(w->fds[i], &port, w->read_at[i], p->batch);
		for (size_t k = 0; k < n; k++)
			cb(ctx, &p->batch[k], now);
		if (n < BFD_BATCH)
			w->read_at[i] = now;
	} while (n == BFD_BATCH);
}

void bfd_ports_read(struct bfd_ports *p, size_t event, bfd_ports_cb cb, void *ctx)
{
	read_socket(p, &p->worlds[event / BFD_PORTS], event % BFD_PORTS, cb, ctx);
}

void bfd_ports_read_quiet(struct bfd_ports *p, bfd_ports_cb cb, void *ctx)
{
	for (uint64_t left = p->quiet | p->strays; left != 0; left &= left - 1) {
		const size_t k = (size_t)__builtin_ctzll(left);

		read_socket(p, &p->worlds[k / BFD_PORTS], QUIET(k % BFD_PORTS), cb, ctx);
	}
	p->strays = 0;
	p->quiet_at = clock_now();
}

nsec_t bfd_ports_deadline(const struct bfd_ports *p)
{
	if (p->strays != 0)
		return p->quiet_at;
	return p->n_quiet > 0 ? nsec_add(p->quiet_at, QUIET_NS / p->n_quiet) : NSEC_NEVER;
}

void bfd_ports_read_all(struct bfd_ports *p, bfd_ports_cb cb, void *ctx)
{
	bfd_ports_read_quiet(p, cb, ctx);
	for (size_t k = 0; k < BFD_EVENTS_MAX; k++)
		bfd_ports_read(p, k, cb, ctx);
}
