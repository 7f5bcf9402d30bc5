// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* What receiving routes asks of peers: that they say what waits, and that one begins anew. */
#include "agent/peers_inside.h"

#include "sys/log.h"

void agent_peers_pump(struct agent_peers *all, nsec_t now)
{
	for (size_t i = 0; i < all->n; i++)
		peer_pump(all->items[i], now);
}

void agent_peer_begin_again(struct agent_peer *p, nsec_t now)
{
	log_info("bgp: the peer cannot be asked for its routes again: a new session", "peer=%s",
		 p->key.name);
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_RECONFIGURED);
	peer_pump(p, now);
	bgp_peer_notify(p->bgp, now, BGP_SLOT_DIALLED, BGP_NOTE_START);
	peer_pump(p, now);
}
