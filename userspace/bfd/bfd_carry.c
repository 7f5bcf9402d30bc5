// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The peer's packet is made again from what the session has learnt of it: so whatever the session
 * knows is in it, and a packet that differs has something that the session is to learn.
 */
#include "bfd/bfd_carry.h"

static bool can_carry(const struct bfd_session *s)
{
	return s->state == BFD_UP && s->remote.state == BFD_UP && !s->config.is_multihop &&
	       s->config.vrf == 0 && s->config.auth.type == BFD_AUTH_NONE && !s->key_is_due;
}

/*
 * The peer's packets come often enough to have the answers for a clock: at least as often as ours
 * are due. One that comes too soon for an answer makes two intervals of one, hence the multiplier.
 */
static bool is_clock(const struct bfd_session *s)
{
	uint32_t theirs =
		s->remote.terms.min_tx_us > s->rx_us ? s->remote.terms.min_tx_us : s->rx_us;

	return s->offered.detect_mult > 1 && theirs * NSEC_PER_USEC <= bfd_session_interval(s);
}

bool bfd_session_is_patient(const struct bfd_session *s)
{
	return s->offered.detect_mult > 2 && !s->remote.is_independent;
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
	struct bfd_packet said;

	if (!can_carry(s))
		return false;
	bfd_packet_encode(ret->heard, &heard, 0);
	said = bfd_session_packet(s);
	said.poll = false;
	said.independent = true;
	bfd_packet_encode(ret->said, &said, 0);
	ret->interval = bfd_session_interval(s);
	ret->detection = bfd_session_detection(s);
	ret->may_answer =
		!s->is_polling && !r->has_demand && ret->interval != NSEC_NEVER && is_clock(s);
	ret->is_patient = ret->may_answer && bfd_session_is_patient(s);
	ret->may_reflect = s->config.min_echo_rx_us > 0;
	return true;
}
