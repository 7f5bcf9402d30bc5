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

static enum ip_family family_of(const struct plan_peer *c)
{
	return ip_addr_is_v4(&c->address) ? IP_V4 : IP_V6;
}

/* Not in a VRF that is not there. */
static bool listens(const struct plan_peer *c)
{
	return c->listen && (c->key.vrf[0] == '\0' || c->vrf != 0);
}

static bool is_wanted(const struct listener *l, const struct agent_peer *p)
{
	const struct plan_peer *c = &p->config;

	return !p->is_held && listens(c) && family_of(c) == l->family &&
	       strcmp(c->key.vrf, l->vrf) == 0;
}

/* Of all that the socket is made from; 0: of no peer. */
static uint64_t hash_of(const struct listener *l)
{
	const struct agent_peers *all = l->all;
	uint64_t h = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct plan_peer *c = &all->items[i]->config;

		if (!is_wanted(l, all->items[i]))
			continue;
		h = hash_u64(h, (uint64_t)c->vrf);
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

/* False: it is nobody's, or its peer has one already. */
static bool take(const struct listener *l, int fd, const struct tcp_end *end, nsec_t now)
{
	struct agent_peers *all = l->all;
	struct agent_peer *p = agent_peers_find(all, &end->addr, l->vrf, end->device);
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
		if (take(l, fd, &end, now)) {
			all->listening.accepted++;
			continue;
		}
		all->listening.refused++;
		reject(fd);
	}
}

/* The fewest hops that all of its peers allow; 0: one of them allows any number. */
static uint8_t hops_of(const struct listener *l)
{
	const struct agent_peers *all = l->all;
	uint8_t most = 0;

	for (size_t i = 0; i < all->n; i++) {
		const uint8_t hops = all->items[i]->config.ttl_security;

		if (!is_wanted(l, all->items[i]))
			continue;
		if (hops == 0)
			return 0;
		most = hops > most ? hops : most;
	}
	return most;
}

static int open_listener(struct listener *l)
{
	struct agent_peers *all = l->all;
	const struct tcp_listen_args args = {.v4 = l->family == IP_V4,
					     .port = all->listening.port,
					     .gtsm_hops = hops_of(l),
					     .device = l->vrf[0] ? l->vrf : NULL};
	const int fd = tcp_listen(&args);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < all->n; i++) {
		const struct plan_peer *c = &all->items[i]->config;
		int r;

		if (!is_wanted(l, all->items[i]) || !c->password ||
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

static void apply(struct listener *l, nsec_t now)
{
	struct agent_peers *all = l->all;
	const uint64_t want = hash_of(l);
	const int before = l->error;

	if (want == l->made_for && now < l->retry_at)
		return;
	close_listener(l);
	l->made_for = want;
	l->error = want ? open_listener(l) : 0;
	l->retry_at = l->error ? nsec_add(now, LISTENING_RETRY_NS) : NSEC_NEVER;
	if (l->error && l->error != before)
		log_warn("bgp: cannot listen", "port=%u family=%s vrf=%s error=%s",
			 all->listening.port, ip_family_text(l->family), log_quote(l->vrf),
			 log_quote(strerror(-l->error)));
	else if (want && !l->error)
		log_info("bgp: listening", "port=%u family=%s vrf=%s", all->listening.port,
			 ip_family_text(l->family), log_quote(l->vrf));
	all->changed |= l->error != before;
}

void listening_init(struct agent_peers *all)
{
	all->listening = (struct listening){.port = 179};
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		all->listening.of[f] = (struct listener){
			.all = all, .family = f, .fd = -1, .retry_at = NSEC_NEVER};
}

static bool is_there(const struct listening *all, const struct plan_peer *c)
{
	for (size_t i = 0; i < all->n_in_vrfs; i++)
		if (all->in_vrfs[i]->family == family_of(c) &&
		    strcmp(all->in_vrfs[i]->vrf, c->key.vrf) == 0)
			return true;
	return false;
}

static void add_in_vrf(struct agent_peers *all, const struct plan_peer *c)
{
	struct listening *l = &all->listening;
	struct listener **at;

	if (!listens(c) || c->key.vrf[0] == '\0' || is_there(l, c))
		return;
	at = xpush(&l->in_vrfs, &l->n_in_vrfs, &l->cap_in_vrfs, sizeof(struct listener *));
	*at = xcalloc(1, sizeof(**at));
	**at = (struct listener){
		.all = all, .family = family_of(c), .fd = -1, .retry_at = NSEC_NEVER};
	(void)snprintf((*at)->vrf, sizeof((*at)->vrf), "%s", c->key.vrf);
}

static void drop_unused(struct listening *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_in_vrfs; i++)
		if (l->in_vrfs[i]->made_for)
			l->in_vrfs[n++] = l->in_vrfs[i];
		else
			free(l->in_vrfs[i]);
	l->n_in_vrfs = n;
}

void listening_apply(struct agent_peers *all, nsec_t now)
{
	for (size_t i = 0; i < all->n; i++)
		add_in_vrf(all, &all->items[i]->config);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		apply(&all->listening.of[f], now);
	for (size_t i = 0; i < all->listening.n_in_vrfs; i++)
		apply(all->listening.in_vrfs[i], now);
	drop_unused(&all->listening);
}

static nsec_t tick(struct listener *l, nsec_t now)
{
	if (now >= l->retry_at)
		apply(l, now);
	return l->retry_at;
}

nsec_t listening_tick(struct agent_peers *all, nsec_t now)
{
	nsec_t deadline = NSEC_NEVER;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		deadline = nsec_min(deadline, tick(&all->listening.of[f], now));
	for (size_t i = 0; i < all->listening.n_in_vrfs; i++)
		deadline = nsec_min(deadline, tick(all->listening.in_vrfs[i], now));
	return deadline;
}

const struct listener *listening_at(const struct listening *l, size_t i)
{
	if (i < IP_N_FAMILIES)
		return &l->of[i];
	return i - IP_N_FAMILIES < l->n_in_vrfs ? l->in_vrfs[i - IP_N_FAMILIES] : NULL;
}

void listening_done(struct agent_peers *all)
{
	struct listening *l = &all->listening;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		close_listener(&l->of[f]);
	for (size_t i = 0; i < l->n_in_vrfs; i++) {
		close_listener(l->in_vrfs[i]);
		free(l->in_vrfs[i]);
	}
	free(TAKE_PTR(l->in_vrfs));
	l->n_in_vrfs = l->cap_in_vrfs = 0;
}
