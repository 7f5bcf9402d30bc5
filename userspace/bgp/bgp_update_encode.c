// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Encoding UPDATEs: a set of attributes once, and behind it as many prefixes as fit (RFC 4271 4.3).
 *
 * A set is the same for all peers; what the session adds is added here: AS_PATH (RFC 4271 5.1.2,
 * RFC 6793 4.2.2 toward a peer with 2-octet AS numbers), the next hop, LOCAL_PREF on internal
 * sessions only (5.1.5). Attributes are written in ascending order of their type, as RFC 4271 5
 * recommends, but for MP_REACH, which goes first (RFC 7606 5.1). A message announces or withdraws
 * prefixes of one family, never both: the rib yields one kind of work at a time.
 *
 * Invariant: at least one prefix fits behind any set, because the plan bounds communities
 * (LIMIT_COMMUNITIES) far below BGP_MESSAGE_MAX.
 */
#include "bgp/bgp_update.h"

#include "base/limits.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_LOCAL_PREF 100
#define SEGMENT_MAX        255 /* AS numbers in one segment */

#define WELL_KNOWN BGP_ATTR_TRANSITIVE
#define OPTIONAL   BGP_ATTR_OPTIONAL
#define TRANSITIVE (BGP_ATTR_OPTIONAL | BGP_ATTR_TRANSITIVE)

/* The longest path twice (AS_PATH, AS4_PATH), communities of the largest kind, and all the rest. */
#define ATTRS_MAX (2 * (4 + 2 * 2 + 256 * 4) + LIMIT_COMMUNITIES * 12 + 60)
/* MP_REACH without its prefixes: header, AFI, SAFI, two addresses with their length, reserved. */
#define MP_REACH_MAX (4 + 3 + 1 + 32 + 1)
_Static_assert(BGP_HEADER_LEN + 4 + ATTRS_MAX + MP_REACH_MAX + BGP_NLRI_MAX <= BGP_MESSAGE_MAX,
	       "a prefix fits behind any set");

static void write_attr_header(struct wcur *w, uint8_t flags, enum bgp_attr_type type, size_t len)
{
	assert(len <= UINT16_MAX);
	if (len > UINT8_MAX) {
		wcur_u8(w, flags | BGP_ATTR_EXTENDED);
		wcur_u8(w, (uint8_t)type);
		wcur_u16(w, (uint16_t)len);
	} else {
		wcur_u8(w, flags);
		wcur_u8(w, (uint8_t)type);
		wcur_u8(w, (uint8_t)len);
	}
}

static void write_u32_attr(struct wcur *w, uint8_t flags, enum bgp_attr_type type, uint32_t value)
{
	write_attr_header(w, flags, type, 4);
	wcur_u32(w, value);
}

/* An AS_SEQUENCE of n times the same number, in as many segments as that takes. */
static void write_as_sequence(struct wcur *w, uint32_t asn, size_t n, bool as4)
{
	while (n > 0) {
		size_t k = n < SEGMENT_MAX ? n : SEGMENT_MAX;

		wcur_u8(w, BGP_AS_SEQUENCE);
		wcur_u8(w, (uint8_t)k);
		for (size_t i = 0; i < k; i++) {
			if (as4)
				wcur_u32(w, asn);
			else
				wcur_u16(w, (uint16_t)asn);
		}
		n -= k;
	}
}

static size_t as_sequence_len(size_t n, bool as4)
{
	size_t segments = (n + SEGMENT_MAX - 1) / SEGMENT_MAX;

	return 2 * segments + n * (as4 ? 4 : 2);
}

/* Our own number, as often as it is in the path: none on internal sessions (RFC 4271 5.1.2). */
static size_t path_len(const struct bgp_update_session *s, const struct bgp_attrs *a)
{
	return s->is_ibgp ? 0 : 1u + a->prepend;
}

static void write_as_path(struct wcur *w, const struct bgp_update_session *s, size_t n)
{
	bool mappable = s->as4 || s->local_asn <= UINT16_MAX;

	write_attr_header(w, WELL_KNOWN, BGP_ATTR_AS_PATH, as_sequence_len(n, s->as4));
	write_as_sequence(w, mappable ? s->local_asn : BGP_AS_TRANS, n, s->as4);
}

/* RFC 6793 4.2.2: only if AS_PATH had to say AS_TRANS. */
static void write_as4_path(struct wcur *w, const struct bgp_update_session *s, size_t n)
{
	if (s->as4 || s->local_asn <= UINT16_MAX || n == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_AS4_PATH, as_sequence_len(n, true));
	write_as_sequence(w, s->local_asn, n, true);
}

/* With GRACEFUL_SHUTDOWN (RFC 8326), if it is to be there and is not. In no order: they are a set.
 */
static void write_communities(struct wcur *w, const struct bgp_update_session *s,
			      const struct bgp_attrs *a)
{
	bool more = s->graceful_shutdown;

	for (size_t i = 0; i < a->n_communities; i++)
		more &= a->communities[i] != BGP_COMMUNITY_GRACEFUL_SHUTDOWN;
	if (a->n_communities + more == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_COMMUNITIES, (a->n_communities + more) * 4);
	for (size_t i = 0; i < a->n_communities; i++)
		wcur_u32(w, a->communities[i]);
	if (more)
		wcur_u32(w, BGP_COMMUNITY_GRACEFUL_SHUTDOWN);
}

/* RFC 8326 4.2: within our own AS who is about to leave is the last choice. */
static uint32_t local_pref(const struct bgp_update_session *s, const struct bgp_attrs *a)
{
	if (s->graceful_shutdown)
		return 0;
	return a->has_local_pref ? a->local_pref : DEFAULT_LOCAL_PREF;
}

static void write_extended(struct wcur *w, uint64_t c)
{
	wcur_u32(w, (uint32_t)(c >> 32));
	wcur_u32(w, (uint32_t)c);
}

static void write_bandwidth(struct wcur *w, uint32_t asn, uint32_t units)
{
	write_extended(w, community_bandwidth(asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)asn,
					      (float)units * BGP_BANDWIDTH_UNIT));
}

/* RFC 4360 2; of both kinds, transitive across ASes or not: the type says which. */
static void write_extended_communities(struct wcur *w, const struct bgp_update_session *s,
				       const struct bgp_attrs *a)
{
	const size_t n = a->n_extended + (a->bandwidth > 0);

	if (n == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_EXT_COMMUNITIES, n * 8);
	for (size_t i = 0; i < a->n_extended; i++)
		write_extended(w, a->extended[i]);
	if (a->bandwidth > 0)
		write_bandwidth(w, s->local_asn, a->bandwidth);
}

static void write_large_communities(struct wcur *w, const struct bgp_attrs *a)
{
	if (a->n_large == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_LARGE_COMMUNITIES, a->n_large * 12);
	for (size_t i = 0; i < a->n_large; i++) {
		wcur_u32(w, a->large[i].global);
		wcur_u32(w, a->large[i].local1);
		wcur_u32(w, a->large[i].local2);
	}
}

/*
 * RFC 9234 5: what we announce goes down the hierarchy from here, or to a peer, who may pass it on
 * to customers only.
 */
static void write_only_to_customer(struct wcur *w, const struct bgp_update_session *s)
{
	const bool goes_down =
		s->role == BGP_ROLE_PROVIDER || s->role == BGP_ROLE_RS || s->role == BGP_ROLE_PEER;

	if (s->has_role && !s->is_ibgp && goes_down)
		write_u32_attr(w, TRANSITIVE, BGP_ATTR_ONLY_TO_CUSTOMER, s->local_asn);
}

/* --- next hops ------------------------------------------------------------------------------- */

/* What one family's routes have of a set of attributes on a session. */
struct hops {
	struct ip_addr first;
	struct ip_addr link_local; /* behind a global one (RFC 2545 3), or none */
	bool in_mp_reach;
};

static struct ip_addr ipv6_hop(const struct bgp_next_hops *local)
{
	return ip_addr_is_none(&local->ipv6) ? local->ipv6_link_local : local->ipv6;
}

/* Those of routes whose set names none. */
static struct hops own_hops(const struct bgp_update_session *s, enum bgp_family family)
{
	struct hops h = {.first = s->local.ipv4};

	if (family != BGP_IPV4_UNICAST || (ip_addr_is_none(&h.first) && s->extended_next_hop)) {
		h.first = ipv6_hop(&s->local);
		if (!ip_addr_is_none(&s->local.ipv6))
			h.link_local = s->local.ipv6_link_local;
	}
	return h;
}

bool bgp_update_has_next_hop(const struct bgp_update_session *s, enum bgp_family family)
{
	const struct hops h = own_hops(s, family);

	return !ip_addr_is_none(&h.first);
}

bool bgp_update_same_next_hop(const struct bgp_update_session *a,
			      const struct bgp_update_session *b, enum bgp_family family)
{
	const struct hops x = own_hops(a, family), y = own_hops(b, family);

	return ip_addr_equal(&x.first, &y.first) && ip_addr_equal(&x.link_local, &y.link_local);
}

static struct hops hops_of(const struct bgp_update_session *s, enum bgp_family family,
			   const struct bgp_attrs *a)
{
	struct hops h = own_hops(s, family);

	if (!ip_addr_is_none(&a->next_hop) && bgp_family_of_addr(&a->next_hop) == family)
		h = (struct hops){.first = a->next_hop};
	h.in_mp_reach = family != BGP_IPV4_UNICAST || !ip_addr_is_v4(&h.first);
	return h;
}

struct ip_addr bgp_update_next_hop(const struct bgp_update_session *s, enum bgp_family family,
				   const struct bgp_attrs *attrs)
{
	return hops_of(s, family, attrs).first;
}

/* --- attributes ------------------------------------------------------------------------------ */

/* All of them but MP_REACH. */
static void write_attrs(struct wcur *w, const struct bgp_update_session *s,
			const struct bgp_attrs *a, const struct hops *hops)
{
	size_t n_path = path_len(s, a);

	assert(a->n_communities + a->n_extended + a->n_large <= LIMIT_COMMUNITIES);
	write_attr_header(w, WELL_KNOWN, BGP_ATTR_ORIGIN, 1);
	wcur_u8(w, (uint8_t)a->origin);
	write_as_path(w, s, n_path);
	if (!hops->in_mp_reach)
		write_u32_attr(w, WELL_KNOWN, BGP_ATTR_NEXT_HOP, ip_addr_v4(&hops->first));
	if (a->has_med)
		write_u32_attr(w, OPTIONAL, BGP_ATTR_MED, a->med);
	if (s->is_ibgp)
		write_u32_attr(w, WELL_KNOWN, BGP_ATTR_LOCAL_PREF, local_pref(s, a));
	write_communities(w, s, a);
	write_extended_communities(w, s, a);
	write_as4_path(w, s, n_path);
	write_large_communities(w, a);
	write_only_to_customer(w, s);
}

/* Patches the 16-bit length at `offset` to what was written behind it. */
static void patch_length(struct wcur *w, size_t offset)
{
	assert(wcur_len(w) - offset - 2 <= UINT16_MAX);
	wcur_patch_u16(w, offset, (uint16_t)(wcur_len(w) - offset - 2));
}

/* Starts an attribute that holds prefixes; returns where its length is. */
static size_t start_mp(struct wcur *w, enum bgp_attr_type type, enum bgp_family family)
{
	size_t length;

	wcur_u8(w, OPTIONAL | BGP_ATTR_EXTENDED);
	wcur_u8(w, (uint8_t)type);
	length = wcur_len(w);
	wcur_u16(w, 0);
	wcur_u16(w, bgp_family_afi(family));
	wcur_u8(w, bgp_family_safi(family));
	return length;
}

/* With as many prefixes as leave `reserve` octets of the message; returns how many. */
static size_t write_mp_reach(struct wcur *w, const struct bgp_update_batch *b,
			     const struct hops *hops, size_t reserve)
{
	bool two = !ip_addr_is_none(&hops->link_local);
	size_t length = start_mp(w, BGP_ATTR_MP_REACH, b->family), n;

	wcur_u8(w, two ? 32 : 16);
	wcur_bytes(w, hops->first.b, 16);
	if (two)
		wcur_bytes(w, hops->link_local.b, 16);
	wcur_u8(w, 0);
	n = bgp_nlri_write(w, b->family, b->prefixes, b->n, reserve);
	patch_length(w, length);
	return n;
}

static size_t write_mp_unreach(struct wcur *w, const struct bgp_update_batch *b)
{
	size_t length = start_mp(w, BGP_ATTR_MP_UNREACH, b->family), n;

	n = bgp_nlri_write(w, b->family, b->prefixes, b->n, 0);
	patch_length(w, length);
	return n;
}

/* --- messages -------------------------------------------------------------------------------- */

static size_t write_withdrawal(struct wcur *w, const struct bgp_update_batch *b)
{
	size_t offset = wcur_len(w), taken;

	wcur_u16(w, 0);
	if (b->family == BGP_IPV4_UNICAST) { /* also what was announced by MP_REACH */
		taken = bgp_nlri_write(w, b->family, b->prefixes, b->n, 2);
		patch_length(w, offset);
		wcur_u16(w, 0);
		return taken;
	}
	offset = wcur_len(w);
	wcur_u16(w, 0);
	taken = write_mp_unreach(w, b);
	patch_length(w, offset);
	return taken;
}

static size_t write_announcement(struct wcur *w, const struct bgp_update_session *s,
				 const struct bgp_update_batch *b)
{
	const struct hops hops = hops_of(s, b->family, b->attrs);
	uint8_t list[ATTRS_MAX];
	struct wcur attrs = wcur_init(list, sizeof(list));
	size_t offset, taken = 0;

	assert(!ip_addr_is_none(&hops.first));
	write_attrs(&attrs, s, b->attrs, &hops);
	assert(!attrs.failed);
	wcur_u16(w, 0); /* nothing is withdrawn */
	offset = wcur_len(w);
	wcur_u16(w, 0);
	if (hops.in_mp_reach)
		taken = write_mp_reach(w, b, &hops, wcur_len(&attrs));
	wcur_bytes(w, list, wcur_len(&attrs));
	patch_length(w, offset);
	if (!hops.in_mp_reach)
		taken = bgp_nlri_write(w, b->family, b->prefixes, b->n, 0);
	return taken;
}

size_t bgp_update_encode(uint8_t *buf, size_t cap, const struct bgp_update_session *s,
			 const struct bgp_update_batch *batch, size_t *ret_taken)
{
	struct wcur w =
		wcur_init(buf, cap < BGP_MESSAGE_MAX_EXTENDED ? cap : BGP_MESSAGE_MAX_EXTENDED);
	size_t taken;

	assert(cap >= BGP_MESSAGE_MAX && batch->n > 0);
	bgp_message_start(&w, BGP_UPDATE);
	taken = batch->attrs ? write_announcement(&w, s, batch) : write_withdrawal(&w, batch);
	assert(!w.failed && taken > 0 && taken <= batch->n);
	*ret_taken = taken;
	return bgp_message_end(&w);
}

size_t bgp_end_of_rib_encode(uint8_t *buf, size_t cap, enum bgp_family family)
{
	struct wcur w = wcur_init(buf, cap);
	size_t offset;

	bgp_message_start(&w, BGP_UPDATE);
	wcur_u16(&w, 0);
	offset = wcur_len(&w);
	wcur_u16(&w, 0);
	if (family != BGP_IPV4_UNICAST) {
		write_attr_header(&w, OPTIONAL, BGP_ATTR_MP_UNREACH, 3);
		wcur_u16(&w, bgp_family_afi(family));
		wcur_u8(&w, bgp_family_safi(family));
	}
	if (w.failed)
		return 0;
	assert(wcur_len(&w) <= BGP_END_OF_RIB_MAX);
	patch_length(&w, offset);
	return bgp_message_end(&w);
}
