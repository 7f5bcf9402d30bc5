// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What our OPEN offers, and how much less of it after a peer has refused it. An old or strict
 * speaker answers 2/4 to any optional parameter, or 2/7 to a capability (RFC 5492 3, 5): the next
 * OPEN goes without, so that there is a session with less instead of none.
 */
#pragma once

#include "bgp/bgp_error.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"

/* What is held back. Zero: nothing. Plain to copy. */
struct bgp_offer {
	bool plain;                   /* all optional parameters: bare BGP-4 */
	uint16_t capabilities;        /* bits of bgp_offer.c */
	struct bgp_families families; /* never all of them */
};

/* The OPEN of a configuration; `gr` is what it says of graceful restart, unless that is held back.
 */
struct bgp_open bgp_offer_open(const struct bgp_offer *o, const struct bgp_peer_config *config,
			       const struct bgp_graceful_restart *gr);

/*
 * Holds back more, as a NOTIFICATION received in answer to `sent` asks: what a 2/7 lists, if it
 * lists something that we offered; where it lists nothing, first all that a session can do without,
 * then everything, as after 2/4. False: there is nothing to be gained, *o is as it was.
 */
bool bgp_offer_less(struct bgp_offer *o, const struct bgp_open *sent,
		    const struct bgp_error *refusal) must_check;

/* "without enhanced route refresh, role", for the operator; "" if nothing is held back. */
#define BGP_OFFER_TEXT 160
const char *bgp_offer_text(const struct bgp_offer *o, char buf[BGP_OFFER_TEXT]);
