// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Fuzzes the UPDATE decoder without a header in the way: the first octet chooses the session, the
 * rest is a body. Besides memory safety it demands that counts and walks agree, that a good
 * announcement has its mandatory attributes, and that what was decoded, encoded again, decodes to
 * the same.
 */
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"
#include "bgp/bgp_update.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 1024

struct lists {
	struct ip_prefix prefixes[ROOM];
	uint32_t communities[64];
	struct large_community large[64];
};

static size_t walk(struct rcur c, enum bgp_family family, struct ip_prefix *out, size_t cap)
{
	struct ip_prefix p;
	size_t n = 0;

	while (bgp_nlri_next(&c, family, &p)) {
		if (n < cap)
			out[n] = p;
		n++;
	}
	return n;
}

/* The first communities of both kinds; the values need not be sorted for the encoder. */
static struct bgp_attrs attrs_of(struct bgp_update *u, struct lists *l)
{
	struct bgp_attrs a = {
		.origin = (enum bgp_origin)u->origin,
		.has_med = u->has_med,
		.med = u->med,
		.has_local_pref = u->has_local_pref,
		.local_pref = u->local_pref,
		.next_hop = u->next_hop,
		.communities = l->communities,
		.large = l->large,
	};

	while (rcur_left(&u->communities) > 0 && a.n_communities < ARRAY_SIZE(l->communities))
		l->communities[a.n_communities++] = rcur_u32(&u->communities);
	while (rcur_left(&u->large_communities) > 0 && a.n_large < ARRAY_SIZE(l->large)) {
		struct large_community *c = &l->large[a.n_large++];

		c->global = rcur_u32(&u->large_communities);
		c->local1 = rcur_u32(&u->large_communities);
		c->local2 = rcur_u32(&u->large_communities);
	}
	return a;
}

/* What was announced, by one message's own field or by MP_REACH, encoded and decoded again. */
static void check_again(struct bgp_update *u, const struct bgp_update_session *s, struct lists *l,
			enum bgp_family family, size_t n)
{
	struct bgp_attrs a = attrs_of(u, l);
	struct bgp_update_batch batch = {.family = family, .attrs = &a, .prefixes = l->prefixes};
	uint8_t buf[BGP_MESSAGE_MAX];
	struct bgp_frame frame;
	struct bgp_error error;
	struct bgp_update again;
	size_t len, taken;
	struct lists *other = xcalloc(1, sizeof(*other));
	bool in_mp;

	batch.n = n < ROOM ? n : ROOM;
	len = bgp_update_encode(buf, sizeof(buf), s, &batch, &taken);
	assert(bgp_header_parse(buf, len, BGP_MESSAGE_MAX, &frame, &error) == BGP_FRAME_MESSAGE);
	assert(bgp_update_decode(frame.body, s, &again, &error) == BGP_UPDATE_OK);
	in_mp = again.mp_reach.n > 0;
	assert(!in_mp || again.mp_reach.family == family);
	assert(walk(in_mp ? again.mp_reach.nlri : again.nlri, family, other->prefixes, ROOM) ==
	       taken);
	assert(taken <= batch.n && again.n_announced == taken);
	assert(memcmp(other->prefixes, l->prefixes, taken * sizeof(*l->prefixes)) == 0);
	assert(again.has_med == u->has_med && again.med == u->med);
	assert(again.origin == u->origin);
	assert(ip_addr_equal(in_mp ? &again.mp_next_hop : &again.next_hop, &a.next_hop));
	assert(rcur_left(&again.communities) == a.n_communities * 4);
	assert(rcur_left(&again.large_communities) == a.n_large * 12);
	free(other);
}

/* In each way that the message can hold prefixes the walk finds as many as were counted. */
static void check_counts(const struct bgp_update *u, struct lists *l)
{
	const struct bgp_update_mp *in = &u->mp_reach, *out = &u->mp_unreach;

	assert(walk(in->nlri, in->family, l->prefixes, ROOM) == in->n);
	assert(walk(out->nlri, out->family, l->prefixes, ROOM) == out->n);
	assert(walk(u->withdrawn, BGP_IPV4_UNICAST, l->prefixes, ROOM) + out->n == u->n_withdrawn);
	assert(walk(u->nlri, BGP_IPV4_UNICAST, l->prefixes, ROOM) + in->n == u->n_announced);
	assert(!u->is_end_of_rib || u->n_withdrawn + u->n_announced == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_update_session s = {.local_asn = 4200000001};
	_cleanup_(freep) struct lists *l = xcalloc(1, sizeof(*l));
	struct bgp_update u;
	struct bgp_error error = {0};
	enum bgp_update_result r;
	size_t n;

	if (size == 0)
		return 0;
	s.as4 = data[0] & 1;
	s.is_ibgp = data[0] & 2;
	s.families.bits = (data[0] >> 2) & (BGP_FAMILY_BIT(BGP_N_FAMILIES) - 1);
	r = bgp_update_decode(rcur_init(data + 1, size - 1), &s, &u, &error);
	assert((r == BGP_UPDATE_OK) == (u.reason == NULL));
	assert((r == BGP_UPDATE_RESET) == (error.code == BGP_ERROR_UPDATE));
	if (r == BGP_UPDATE_RESET)
		return 0;
	check_counts(&u, l);
	if (r == BGP_UPDATE_TREAT_AS_WITHDRAW || u.n_announced == 0)
		return 0;
	assert(u.has_origin && u.has_as_path);
	n = walk(u.nlri, BGP_IPV4_UNICAST, l->prefixes, ROOM);
	assert(n == 0 || u.has_next_hop);
	if (n > 0)
		check_again(&u, &s, l, BGP_IPV4_UNICAST, n);
	n = walk(u.mp_reach.nlri, u.mp_reach.family, l->prefixes, ROOM);
	if (n > 0 && bgp_family_of_addr(&u.mp_next_hop) == u.mp_reach.family) {
		u.next_hop = u.mp_next_hop;
		check_again(&u, &s, l, u.mp_reach.family, n);
	}
	return 0;
}
