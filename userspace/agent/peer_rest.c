// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers that are to have no session for now: while the node is drained, once the router has let go
 * of our routes; and while it only looks on, at once. Both may be so, and then one is dialled when
 * neither is any more.
 */
#include "agent/peers_inside.h"

static void begin_again(struct agent_peer *p, nsec_t now)
{
	p->trying_since = now;
	if (!p->is_held && !p->is_drained)
		bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_START);
	peer_pump(p, now);
	p->all->changed = true;
}

/*
 * It has none of our routes and was told that these are all, or it never came: a router that may
 * hold routes of an earlier session is still to hear of it.
 */
static bool has_let_go(const struct agent_peer *p, nsec_t now)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);

	if (info.state != BGP_ESTABLISHED)
		return p->stale_until <= now;
	return info.end_of_rib_sent && info.routes_advertised == 0 && !peer_has_tail(p);
}

static void end_drained(struct agent_peer *p, nsec_t now)
{
	p->is_drained = true;
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_DRAINED);
	peer_pump(p, now);
	p->stale_until = 0; /* nothing was there to be kept, and a Cease would end it */
	p->all->changed = true;
}

nsec_t agent_peers_drain(struct agent_peers *all, bool drained, nsec_t now)
{
	nsec_t next = NSEC_NEVER;

	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];

		if (!drained && p->is_drained) {
			p->is_drained = false;
			begin_again(p, now);
		} else if (drained && !p->is_drained && has_let_go(p, now))
			end_drained(p, now);
		else if (drained && !p->is_drained && p->stale_until > now)
			next = nsec_min(next, p->stale_until);
	}
	return next;
}

void peers_hold(struct agent_peers *all, bool holds, nsec_t now)
{
	all->holds = holds;
	for (size_t i = 0; i < all->n; i++) {
		struct agent_peer *p = all->items[i];

		if (p->is_held == holds)
			continue;
		p->is_held = holds;
		peer_history_add(&p->history, now,
				 holds ? "the node only looks on" : "the node announces again");
		if (holds)
			bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_STOP);
		begin_again(p, now);
		if (holds)
			p->stale_until = 0; /* a Cease ends that */
	}
}
