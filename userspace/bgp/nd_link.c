// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Times are those of RFC 4861 10, the longest pause between advertisements is as short as the RFC
 * lets it be useful: a router that missed one is met by the next.
 */
#include "bgp/nd_link.h"

#include <assert.h>

#define ADVERTISE_MIN_NS    (3 * NSEC_PER_SEC) /* also between any two to all nodes */
#define ADVERTISE_MAX_NS    (10 * NSEC_PER_SEC)
#define ANSWER_MAX_NS       (500 * NSEC_PER_MSEC)
#define SOLICIT_WAIT_NS     (4 * NSEC_PER_SEC)
#define SOLICIT_WAIT_MAX_NS (64 * NSEC_PER_SEC)

void nd_link_start(struct nd_link *l, uint64_t seed, nsec_t now)
{
	*l = (struct nd_link){
		.advertise_at = now, .solicit_at = now, .solicit_wait = SOLICIT_WAIT_NS};
	rng_seed(&l->rng, seed);
}

/* A solicitation is answered soon, but all of them together by one advertisement. */
static void answer(struct nd_link *l, nsec_t now)
{
	nsec_t at = nsec_add(now, rng_below(&l->rng, ANSWER_MAX_NS));

	if (l->advertised_at && at < nsec_add(l->advertised_at, ADVERTISE_MIN_NS))
		at = nsec_add(l->advertised_at, ADVERTISE_MIN_NS);
	l->advertise_at = nsec_min(l->advertise_at, at);
}

bool nd_link_receive(struct nd_link *l, nsec_t now, enum nd_kind kind, const struct ip_addr *from,
		     bool is_used)
{
	if (kind == ND_SOLICITATION) {
		answer(l, now);
		return false;
	}
	assert(ip_addr_is_link_local(from) && !ip_addr_is_v4(from));
	l->solicit_at = NSEC_NEVER;
	if (ip_addr_equal(&l->router, from) || (is_used && !ip_addr_is_none(&l->router)))
		return false;
	l->router = *from;
	return true;
}

bool nd_link_transmit(struct nd_link *l, nsec_t now, enum nd_kind *ret)
{
	if (now >= l->advertise_at) {
		l->advertised_at = now;
		l->advertise_at = nsec_add(
			now,
			ADVERTISE_MIN_NS + rng_below(&l->rng, ADVERTISE_MAX_NS - ADVERTISE_MIN_NS));
		*ret = ND_ADVERTISEMENT;
		return true;
	}
	if (now >= l->solicit_at) {
		assert(ip_addr_is_none(&l->router));
		l->solicit_at = nsec_add(now, l->solicit_wait);
		l->solicit_wait = nsec_min(2 * l->solicit_wait, SOLICIT_WAIT_MAX_NS);
		*ret = ND_SOLICITATION;
		return true;
	}
	return false;
}

nsec_t nd_link_deadline(const struct nd_link *l)
{
	return nsec_min(l->advertise_at, l->solicit_at);
}
