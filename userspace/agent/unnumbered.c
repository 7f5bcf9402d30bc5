// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Everything that decides is bgp/nd_link.c's; here is the socket, and which peer a link belongs to.
 * A session that is up is left by no advertisement: as long as it lives, its router is who it is.
 */
#include "agent/unnumbered.h"

#include "agent/peers_inside.h"
#include "sys/icmp6.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/tcp.h"

#include <assert.h>
#include <errno.h>

#define MESSAGES_A_TURN 64
#define MESSAGE_BYTES   1500 /* more than a link carries of options that we read past */

/* --- links and their peers -------------------------------------------------------------------- */

static struct unnumbered_link *find(const struct unnumbered *u, int ifindex)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->items[i].ifindex == ifindex)
			return &u->items[i];
	return NULL;
}

static bool is_spoken_for(const struct agent_peer *p)
{
	return !p->all->holds && p->key.interface[0] != '\0' && p->config.ifindex != 0 &&
	       !ip_addr_is_none(&p->config.source);
}

static struct agent_peer *peer_on(const struct agent_peers *all, int ifindex)
{
	for (size_t i = 0; i < all->n; i++)
		if (is_spoken_for(all->items[i]) && all->items[i]->config.ifindex == ifindex)
			return all->items[i];
	return NULL;
}

static bool is_used(const struct agent_peer *p)
{
	return bgp_peer_info(p->bgp).state == BGP_ESTABLISHED;
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* Of a router that is there all the time the session need not wait: it may have come back. */
static void heard_again(struct agent_peer *p, nsec_t now)
{
	if (p->links[BGP_SLOT_DIALLED].fd >= 0 || ip_addr_is_none(&p->config.address) ||
	    bgp_peer_info(p->bgp).state >= BGP_OPEN_SENT ||
	    now < nsec_add(p->nudged_at, NSEC_PER_SEC))
		return;
	p->nudged_at = now;
	peer_nudge(p, now, "its router advertises itself");
}

static void hear(struct agent_peers *all, struct unnumbered_link *l, enum nd_kind kind,
		 const struct ip_addr *from, nsec_t now)
{
	struct agent_peer *p = peer_on(all, l->ifindex);
	char text[IP_ADDR_TEXT];

	if (!p || ip_addr_equal(from, &l->own))
		return;
	if (nd_link_receive(&l->nd, now, kind, from, is_used(p))) {
		all->unnumbered.heard = true;
		log_info("bgp: router heard", "peer=%s interface=%s address=%s", p->key.name,
			 p->key.interface, ip_addr_text(from, text));
	} else if (kind == ND_ADVERTISEMENT) {
		heard_again(p, now);
	}
}

static void on_message(void *ctx, bool readable, bool writable)
{
	struct agent_peers *all = ctx;
	const nsec_t now = loop_now(all->loop);
	uint8_t buf[MESSAGE_BYTES];

	(void)readable, (void)writable;
	for (size_t i = 0; i < MESSAGES_A_TURN; i++) {
		struct icmp6_from from;
		struct unnumbered_link *l;
		enum nd_kind kind;
		const ssize_t n = icmp6_receive(all->unnumbered.fd, buf, sizeof(buf), &from);

		if (n < 0)
			return;
		l = find(&all->unnumbered, from.ifindex);
		if (l && nd_message_decode(buf, (size_t)n, &from.addr, from.hop_limit, &kind))
			hear(all, l, kind, &from.addr, now);
	}
}

void unnumbered_met(struct agent_peers *all, const struct tcp_end *end, nsec_t now)
{
	for (size_t i = 0; i < all->n && end->device[0] != '\0'; i++) {
		const struct agent_peer *p = all->items[i];
		struct unnumbered_link *l = find(&all->unnumbered, p->config.ifindex);

		if (l && p->config.listen && strcmp(p->key.interface, end->device) == 0)
			hear(all, l, ND_ADVERTISEMENT, &end->addr, now);
	}
}

void unnumbered_routers(const struct unnumbered *u, struct arena *arena, struct plan_node *node)
{
	struct plan_router *list = arena_array_of(arena, u->n, struct plan_router);
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++)
		if (!ip_addr_is_none(&u->items[i].nd.router))
			list[n++] =
				(struct plan_router){u->items[i].ifindex, u->items[i].nd.router};
	node->routers = (struct plan_routers){list, n};
}

/* --- the socket and the links ----------------------------------------------------------------- */

static void close_socket(struct agent_peers *all)
{
	struct unnumbered *u = &all->unnumbered;

	loop_fd_free(TAKE_PTR(u->watch));
	if (u->fd >= 0)
		icmp6_close_by(all->network, TAKE_FD(u->fd));
	u->error = 0;
	u->retry_at = NSEC_NEVER;
}

static void open_socket(struct agent_peers *all, nsec_t now)
{
	struct unnumbered *u = &all->unnumbered;
	const int before = u->error, fd = icmp6_open();

	u->error = fd < 0 ? fd : 0;
	u->retry_at = fd < 0 ? nsec_add(now, UNNUMBERED_RETRY_NS) : NSEC_NEVER;
	all->changed |= u->error != before;
	if (fd < 0) {
		if (u->error != before)
			log_warn("bgp: cannot hear routers", "error=%s",
				 log_quote(strerror(-u->error)));
		return;
	}
	u->fd = fd;
	u->watch = loop_fd_new(all->loop, "routers", fd, on_message, all);
	loop_fd_want(u->watch, true, false);
	for (size_t i = 0; i < u->n; i++)
		icmp6_join_by(all->network, fd, u->items[i].ifindex);
}

static int cmp_link(const void *a, const void *b)
{
	const struct unnumbered_link *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

/* As it was, with the router that was heard there, or begun anew. */
static void add_link(struct agent_peers *all, const struct plan_peer *c, struct unnumbered_link *to,
		     nsec_t now)
{
	const struct unnumbered_link *old = find(&all->unnumbered, c->ifindex);

	if (old && ip_addr_equal(&old->own, &c->source)) {
		*to = *old;
		return;
	}
	*to = (struct unnumbered_link){.ifindex = c->ifindex, .own = c->source};
	nd_link_start(&to->nd, rng_next(&all->rng), now);
	if (all->unnumbered.fd >= 0)
		icmp6_join_by(all->network, all->unnumbered.fd, c->ifindex);
}

void unnumbered_init(struct agent_peers *all)
{
	all->unnumbered = (struct unnumbered){.fd = -1, .retry_at = NSEC_NEVER};
}

void unnumbered_apply(struct agent_peers *all, nsec_t now)
{
	struct unnumbered *u = &all->unnumbered;
	struct unnumbered_link *items = xcalloc(all->n + 1, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (is_spoken_for(all->items[i]) &&
		    peer_on(all, all->items[i]->config.ifindex) == all->items[i])
			add_link(all, &all->items[i]->config, &items[n++], now);
	if (n > 0)
		qsort(items, n, sizeof(*items), cmp_link);
	free(u->items);
	u->items = items;
	u->n = n;
	if (n == 0)
		close_socket(all);
	else if (u->fd < 0 && u->retry_at == NSEC_NEVER)
		open_socket(all, now);
}

/* What cannot be sent now, as the link has just gone, is sent the next time. */
static void speak(const struct unnumbered *u, const struct unnumbered_link *l, enum nd_kind kind)
{
	uint8_t buf[ND_MESSAGE_MAX];
	const size_t len = nd_message_encode(buf, kind);
	const int r = icmp6_send(u->fd, l->ifindex, &l->own,
				 kind == ND_ADVERTISEMENT ? ICMP6_ALL_NODES : ICMP6_ALL_ROUTERS,
				 buf, len);

	if (r < 0)
		log_debug("bgp: cannot advertise", "ifindex=%d error=%s", l->ifindex,
			  log_quote(strerror(-r)));
}

nsec_t unnumbered_tick(struct agent_peers *all, nsec_t now)
{
	struct unnumbered *u = &all->unnumbered;
	nsec_t deadline = NSEC_NEVER;

	if (u->fd < 0 && now >= u->retry_at)
		open_socket(all, now);
	for (size_t i = 0; i < u->n && u->fd >= 0; i++) {
		enum nd_kind kind;

		while (nd_link_transmit(&u->items[i].nd, now, &kind))
			speak(u, &u->items[i], kind);
		assert(nd_link_deadline(&u->items[i].nd) > now);
		deadline = nsec_min(deadline, nd_link_deadline(&u->items[i].nd));
	}
	return nsec_min(deadline, u->retry_at);
}

void unnumbered_done(struct agent_peers *all)
{
	close_socket(all);
	free(all->unnumbered.items);
}
