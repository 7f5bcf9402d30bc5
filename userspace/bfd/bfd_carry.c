// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The peer's packet is made again from what the session has learnt of it: so whatever the session
 * knows is in it, and a packet that differs has something that the session is to learn.
 */
#include "bfd/bfd_carry.h"

static bool can_carry(const struct bfd_session *s)
{
	return s->state == BFD_UP && s->remote.state == BFD_UP && !s->config.is_multihop &&
	       s->config.auth.type == BFD_AUTH_NONE;
}

bool bfd_session_carry(const struct bfd_session *s, struct bfd_carry *ret)
{
	const struct bfd_remote *r = &s->remote;
	const struct bfd_packet heard = {.diag = r->diag,
					 .state = r->state,
					 .demand = r->has_demand,
					 .independent = r->is_independent,
					 .detect_mult = r->terms.detect_mult,
					 .my_discriminator = r->discriminator,
					 .your_discriminator = s->discriminator,
					 .min_tx_us = r->terms.min_tx_us,
					 .min_rx_us = r->terms.min_rx_us,
					 .min_echo_rx_us = r->min_echo_rx_us};

	if (!can_carry(s))
		return false;
	bfd_packet_encode(ret->heard, &heard, 0);
	ret->detection = bfd_session_detection(s);
	return true;
}

void bfd_session_seen(struct bfd_session *s, nsec_t at)
{
	if (s->state == BFD_UP && at > s->heard_at)
		s->heard_at = at;
}
