// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A session in other hands: what somebody needs to know of it to look after it while its driver
 * gets no processor, what the session hears from there, and how another session goes on with it
 * when its driver has died.
 */
#pragma once

#include "bfd/bfd_session.h"

struct bfd_carry {
	uint8_t heard[BFD_PACKET_BYTES]; /* the peer's packet as it is, without P and F */
	uint8_t said[BFD_PACKET_BYTES];  /* ours, without P and F, with C */
	nsec_t interval, detection;      /* bfd_session_interval() and _detection() */
	bool may_answer; /* such packets of the peer may be answered by ours, for those that are due
			  */
	bool is_patient; /* two intervals may pass after our last packet, else one */
	bool may_reflect; /* and its echo packets be sent back */
};

/*
 * True, and *ret filled in, while the session can be looked after: a single hop in no VRF, without
 * authentication, Up at both ends.
 */
bool bfd_session_carry(const struct bfd_session *s, struct bfd_carry *ret);

/*
 * Two intervals may pass after our last packet before the driver sends one itself: when two of the
 * peer's were lost, or one if no more may be. A peer for whom another sends, too, may have no clock
 * but ours.
 */
bool bfd_session_is_patient(const struct bfd_session *s);

/* What another session had said and heard last, and when. */
struct bfd_left {
	struct bfd_packet said, heard;
	nsec_t heard_at;
	uint64_t n_answered; /* as in bfd_session_carried() */
};
