// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Neighbour discovery on one link with one router at its other end: when we advertise ourselves,
 * when we ask who is there, and who was heard. Advertised at once, every 3 to 10 s, and when
 * somebody asks (RFC 4861 6.2.4, 6.2.6); asked at once and ever more seldom, until a router is
 * heard (RFC 4861 6.3.7, RFC 7559). Begun anew whenever the link comes up.
 */
#pragma once

#include "base/nsec.h"
#include "base/rng.h"
#include "bgp/nd_message.h"

struct nd_link {
	struct rng rng;
	struct ip_addr router; /* its link-local address; none: nobody was heard */
	nsec_t advertise_at, advertised_at;
	nsec_t solicit_at, solicit_wait; /* NSEC_NEVER: a router was heard */
};

/* The link is up and has an address of ours; nobody was heard on it. */
void nd_link_start(struct nd_link *l, uint64_t seed, nsec_t now);

/*
 * A message came. `is_used`: there is a session with l->router, which is then left for no other
 * one. True: it is another router than before.
 */
bool nd_link_receive(struct nd_link *l, nsec_t now, enum nd_kind kind, const struct ip_addr *from,
		     bool is_used) must_check;

/* What is due now, one message a call. False: nothing. */
bool nd_link_transmit(struct nd_link *l, nsec_t now, enum nd_kind *ret) must_check;

nsec_t nd_link_deadline(const struct nd_link *l);
