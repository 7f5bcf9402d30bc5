// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A listening socket is made anew where its peers change: in the moment between a router may be
 * refused, and it dials again, as we do. TTL security (RFC 5082) is on the socket itself if all of
 * its peers have it, so that a handshake from afar gets no answer; else it is set on the accepted
 * connection, whose sender had to hear our answer, too.
 */
#include "agent/listening.h"

#include "agent/peer_index.h"
#include "agent/peers_inside.h"
#include "base/hash.h"
#include "bgp/bgp_notification.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/tcp.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 32

static bool is_wanted(const struct agent_peer *p, enum ip_family family)
{
	return p->config.listen && ip_addr_is_v4(&p->config.address) == (family == IP_V4);
}

/* Of all that the socket is made from; 0: of no peer. */
static uint64_t hash_of(const struct agent_peers *all, enum ip_family family)
{
	uint64_t h = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct plan_peer *c = &all->items[i]->config;

		if (!is_wanted(all->items[i], family))
			continue;
		h = hash_bytes(h + 1, &c->address, sizeof(c->address));
		h = hash_bytes(h, c->password ? c->password : (const uint8_t *)"", c->password_len);
		h = hash_u64(h, c->ttl_security);
		h += h == 0;
	}
	return h;
}

static void close_listener(struct listener *l)
{
	loop_fd_free(TAKE_PTR(l->watch));
	if (l->fd >= 0)
		close(TAKE_FD(l->fd));
}

static struct agent_peer *peer_of(const struct agent_peers *all, const struct tcp_end *end)
{
	return agent_peers_find(all, &end->addr, "", end->device);
}

/* False: it is nobody's, or its peer has one already. */
static bool take(struct agent_peers *all, int fd, const struct tcp_end *end, nsec_t now)
{
	struct agent_peer *p = peer_of(all, end);
	bool taken;

	if (!p)
		unnumbered_met(all, end, now);
	if (!p || !p->config.listen)
		return false;
	if (tcp_accepted_ttl(fd, &end->addr, p->config.ttl, p->config.ttl_security) < 0)
		return false;
	taken = bgp_peer_accept(p->bgp, now);
	if (taken)
		link_accepted(&p->links[BGP_SLOT_ACCEPTED], fd, now);
	peer_pump(p, now);
	return taken;
}

/* RFC 4486 4: with a word, which is lost where what the other end has said is still unread. */
static void reject(int fd)
{
	const struct bgp_error rejected = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_REJECTED);
	uint8_t buf[BGP_HEADER_LEN + 2];
	const size_t len = bgp_notification_encode(buf, sizeof(buf), &rejected);

	assert(len == sizeof(buf));
	(void)!tcp_write(fd, buf, len);
	close(fd);
}

static void on_listener(void *ctx, bool readable, bool writable)
{
	struct listener *l = ctx;
	struct agent_peers *all = l->all;
	const nsec_t now = loop_now(all->loop);
	struct tcp_end end;

	(void)readable, (void)writable;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		const int fd = tcp_accept(l->fd, &end);

		if (fd < 0)
			return;
		if (take(all, fd, &end, now)) {
			all->listening.accepted++;
			continue;
		}
		all->listening.refused++;
		reject(fd);
	}
}

/* The fewest hops that all of its peers allow; 0: one of them allows any number. */
static uint8_t hops_of(const struct agent_peers *all, enum ip_family family)
{
	uint8_t most = 0;

	for (size_t i = 0; i < all->n; i++) {
		const uint8_t hops = all->items[i]->config.ttl_security;

		if (!is_wanted(all->items[i], family))
			continue;
		if (hops == 0)
			return 0;
		most = hops > most ? hops : most;
	}
	return most;
}

static int open_listener(struct agent_peers *all, enum ip_family family)
{
	struct listener *l = &all->listening.of[family];
	const int fd = tcp_listen(family == IP_V4, all->listening.port, hops_of(all, family));

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < all->n; i++) {
		const struct plan_peer *c = &all->items[i]->config;
		int r;

		if (!is_wanted(all->items[i], family) || !c->password ||
		    ip_addr_is_none(&c->address)) /* a router that was not heard yet */
			continue;
		r = tcp_set_md5(fd, &c->address, c->password, c->password_len);
		if (r < 0) { /* rather none than one that takes unsigned connections */
			close(fd);
			return r;
		}
	}
	l->fd = fd;
	l->watch = loop_fd_new(all->loop, "sessions", fd, on_listener, l);
	loop_fd_want(l->watch, true, false);
	return 0;
}

static void apply_family(struct agent_peers *all, enum ip_family family, nsec_t now)
{
	struct listener *l = &all->listening.of[family];
	const uint64_t want = hash_of(all, family);
	const int before = l->error;

	if (want == l->made_for && now < l->retry_at)
		return;
	close_listener(l);
	l->made_for = want;
	l->error = want ? open_listener(all, family) : 0;
	l->retry_at = l->error ? nsec_add(now, LISTENING_RETRY_NS) : NSEC_NEVER;
	if (l->error && l->error != before)
		log_warn("bgp: cannot listen", "port=%u family=%s error=%s", all->listening.port,
			 family == IP_V4 ? "IPv4" : "IPv6", log_quote(strerror(-l->error)));
	else if (want && !l->error)
		log_info("bgp: listening", "port=%u family=%s", all->listening.port,
			 family == IP_V4 ? "IPv4" : "IPv6");
	all->changed |= l->error != before;
}

void listening_init(struct agent_peers *all)
{
	all->listening.port = 179;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		all->listening.of[f] =
			(struct listener){.all = all, .fd = -1, .retry_at = NSEC_NEVER};
}

void listening_apply(struct agent_peers *all, nsec_t now)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		apply_family(all, f, now);
}

nsec_t listening_tick(struct agent_peers *all, nsec_t now)
{
	nsec_t deadline = NSEC_NEVER;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		if (now >= all->listening.of[f].retry_at)
			apply_family(all, f, now);
		deadline = nsec_min(deadline, all->listening.of[f].retry_at);
	}
	return deadline;
}

void listening_done(struct agent_peers *all)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		close_listener(&all->listening.of[f]);
}
