// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One table of the four ports. Without a quiet socket, or where it cannot be steered, every packet
 * wakes the thread.
 */
#include "sys/bfd_ports.h"

#include "sys/clock.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define QUIET(port) (BFD_PORTS + (port))
/* Packets of one session in two seconds at the least interval are what a socket has room for. */
#define QUIET_NS (2 * NSEC_PER_SEC)

static const struct bfd_port port_of[BFD_PORTS] = {
	{IP_V4, false}, {IP_V6, false}, {IP_V4, true}, {IP_V6, true}};

void bfd_ports_init(struct bfd_ports *p)
{
	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < ARRAY_SIZE(p->fds); i++)
		p->fds[i] = -1;
}

void bfd_ports_close(struct bfd_ports *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->fds); i++)
		if (p->fds[i] >= 0)
			(void)close(TAKE_FD(p->fds[i]));
	memset(p->n_quiet, 0, sizeof(p->n_quiet));
}

/* Another daemon may have it, and give it back. */
static bool open_port(struct bfd_ports *p, size_t port, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = port};
	int fd = bfd_socket_listen(&port_of[port]);

	p->fds[port] = fd;
	p->errors[port] = fd < 0 ? fd : 0;
	p->read_at[port] = p->read_at[QUIET(port)] = clock_now();
	if (fd < 0)
		return false;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
	p->fds[QUIET(port)] = bfd_socket_listen_beside(fd, &port_of[port]);
	return true;
}

void bfd_ports_open(struct bfd_ports *p, int epoll_fd, struct bfd_set *set)
{
	bool is_new = false;

	for (size_t i = 0; i < BFD_PORTS; i++)
		if (p->fds[i] < 0)
			is_new |= open_port(p, i, epoll_fd);
	if (is_new)
		bfd_ports_steer(p, set);
}

/* While one is not Up, its peer's Up is news. */
static bool is_quiet_at(const struct bfd_session *s, const struct bfd_port *port)
{
	return s->state == BFD_UP && s->config.is_multihop == port->is_multihop &&
	       ip_family_of(&s->config.peer) == port->family;
}

static size_t quiet_of(struct bfd_set *set, const struct bfd_port *port, uint32_t ret[BFD_STEERED])
{
	size_t n = 0;

	for (size_t i = 0; i < bfd_set_count(set); i++)
		if (is_quiet_at(bfd_set_at(set, i), port))
			ret[n++] = bfd_set_at(set, i)->discriminator;
	return n;
}

void bfd_ports_steer(struct bfd_ports *p, struct bfd_set *set)
{
	uint32_t discriminators[BFD_STEERED];

	for (size_t i = 0; i < BFD_PORTS; i++) {
		const size_t n = quiet_of(set, &port_of[i], discriminators);

		if (p->fds[QUIET(i)] >= 0 && bfd_socket_steer(p->fds[i], discriminators, n) == 0)
			p->n_quiet[i] = n;
	}
}

static void read_socket(struct bfd_ports *p, size_t i, bfd_ports_cb cb, void *ctx)
{
	size_t n;

	do {
		const nsec_t now = clock_now();

		n = bfd_socket_read(p->fds[i], &port_of[i % BFD_PORTS], p->read_at[i], p->batch);
		for (size_t k = 0; k < n; k++)
			cb(ctx, &p->batch[k], now);
		if (n < BFD_BATCH)
			p->read_at[i] = now;
	} while (n == BFD_BATCH);
}

void bfd_ports_read(struct bfd_ports *p, size_t port, bfd_ports_cb cb, void *ctx)
{
	if (p->fds[port] >= 0)
		read_socket(p, port, cb, ctx);
}

void bfd_ports_read_quiet(struct bfd_ports *p, bfd_ports_cb cb, void *ctx)
{
	for (size_t i = 0; i < BFD_PORTS; i++)
		if (p->n_quiet[i] > 0)
			read_socket(p, QUIET(i), cb, ctx);
	p->quiet_at = clock_now();
}

nsec_t bfd_ports_deadline(const struct bfd_ports *p)
{
	size_t n = 0;

	for (size_t i = 0; i < BFD_PORTS; i++)
		n += p->n_quiet[i];
	return n > 0 ? nsec_add(p->quiet_at, QUIET_NS / n) : NSEC_NEVER;
}

void bfd_ports_read_all(struct bfd_ports *p, bfd_ports_cb cb, void *ctx)
{
	bfd_ports_read_quiet(p, cb, ctx);
	for (size_t i = 0; i < BFD_PORTS; i++)
		bfd_ports_read(p, i, cb, ctx);
}
