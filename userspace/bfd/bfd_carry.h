// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What somebody else needs to know of a session to look after it while its driver gets no
 * processor: which packet of the peer says nothing new, and for how long it may be silent.
 */
#pragma once

#include "bfd/bfd_session.h"

struct bfd_carry {
	uint8_t heard[BFD_PACKET_BYTES]; /* the peer's packet as it is, without P and F */
	nsec_t detection;
};

/*
 * True, and *ret filled in, while the session can be looked after: a single hop without
 * authentication, Up at both ends.
 */
bool bfd_session_carry(const struct bfd_session *s, struct bfd_carry *ret);

/*
 * The peer was heard at this time, which whoever looks after the session knows: such a packet as
 * bfd_session_carry() said, and none came after a silence of the detection time.
 */
void bfd_session_seen(struct bfd_session *s, nsec_t at);
