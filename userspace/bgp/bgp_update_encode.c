// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Encoding UPDATEs: a set of attributes once, and behind it as many prefixes as fit (RFC 4271 4.3).
 *
 * A set is the same for all peers; what the session adds is added here: AS_PATH (RFC 4271 5.1.2,
 * RFC 6793 4.2.2 toward a peer with 2-octet AS numbers), NEXT_HOP, LOCAL_PREF on internal sessions
 * only (5.1.5). Attributes are written in ascending order of their type, as RFC 4271 5 recommends.
 * A message announces or withdraws, never both: the rib yields one kind of work at a time.
 *
 * Invariant: at least one prefix fits behind any set, because the plan bounds communities
 * (LIMIT_COMMUNITIES) far below BGP_MESSAGE_MAX.
 */
#include "bgp/bgp_update.h"

#include "base/limits.h"
#include "bgp/bgp_attrs.h"
#include "bgp/bgp_msg.h"

#include <assert.h>

#define DEFAULT_LOCAL_PREF 100
#define SEGMENT_MAX        255 /* AS numbers in one segment */

#define WELL_KNOWN BGP_ATTR_TRANSITIVE
#define OPTIONAL   BGP_ATTR_OPTIONAL
#define TRANSITIVE (BGP_ATTR_OPTIONAL | BGP_ATTR_TRANSITIVE)

/* The longest path twice (AS_PATH, AS4_PATH), communities of the largest kind, and all the rest. */
_Static_assert(BGP_HEADER_LEN + 4 + 2 * (4 + 2 * 2 + 256 * 4) + LIMIT_COMMUNITIES * 12 + 100 <
		       BGP_MESSAGE_MAX,
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

static void write_communities(struct wcur *w, const struct bgp_attrs *a)
{
	if (a->n_communities == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_COMMUNITIES, a->n_communities * 4);
	for (size_t i = 0; i < a->n_communities; i++)
		wcur_u32(w, a->communities[i]);
}

/* RFC 4360 2; of both kinds, transitive across ASes or not: the type says which. */
static void write_extended_communities(struct wcur *w, const struct bgp_attrs *a)
{
	if (a->n_extended == 0)
		return;
	write_attr_header(w, TRANSITIVE, BGP_ATTR_EXT_COMMUNITIES, a->n_extended * 8);
	for (size_t i = 0; i < a->n_extended; i++) {
		wcur_u32(w, (uint32_t)(a->extended[i] >> 32));
		wcur_u32(w, (uint32_t)a->extended[i]);
	}
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

static void write_attrs(struct wcur *w, const struct bgp_update_session *s,
			const struct bgp_attrs *a)
{
	const struct ip_addr *next_hop =
		ip_addr_is_none(&a->next_hop) ? &s->local.ipv4 : &a->next_hop;
	size_t n_path = path_len(s, a);

	assert(ip_addr_is_v4(next_hop));
	assert(a->n_communities + a->n_extended + a->n_large <= LIMIT_COMMUNITIES);
	write_attr_header(w, WELL_KNOWN, BGP_ATTR_ORIGIN, 1);
	wcur_u8(w, (uint8_t)a->origin);
	write_as_path(w, s, n_path);
	write_u32_attr(w, WELL_KNOWN, BGP_ATTR_NEXT_HOP, ip_addr_v4(next_hop));
	if (a->has_med)
		write_u32_attr(w, OPTIONAL, BGP_ATTR_MED, a->med);
	if (s->is_ibgp)
		write_u32_attr(w, WELL_KNOWN, BGP_ATTR_LOCAL_PREF,
			       a->has_local_pref ? a->local_pref : DEFAULT_LOCAL_PREF);
	write_communities(w, a);
	write_extended_communities(w, a);
	write_as4_path(w, s, n_path);
	write_large_communities(w, a);
}

/* Writes prefixes until `reserve` octets are left of the room; returns how many. */
static size_t write_prefixes(struct wcur *w, const struct bgp_update_batch *b, size_t reserve)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		const struct ip_prefix *p = &b->prefixes[i];
		size_t octets = (p->len + 7u) / 8;

		assert(ip_addr_is_v4(&p->addr) && p->len <= 32);
		if (w->failed || wcur_room(w) < 1 + octets + reserve)
			break;
		wcur_u8(w, p->len);
		wcur_bytes(w, p->addr.b + 12, octets);
	}
	return i;
}

/* Patches the 16-bit length at `offset` to what was written behind it. */
static void patch_length(struct wcur *w, size_t offset)
{
	assert(wcur_len(w) - offset - 2 <= UINT16_MAX);
	wcur_patch_u16(w, offset, (uint16_t)(wcur_len(w) - offset - 2));
}

size_t bgp_update_encode(uint8_t *buf, size_t cap, const struct bgp_update_session *s,
			 const struct bgp_update_batch *batch, size_t *ret_taken)
{
	struct wcur w =
		wcur_init(buf, cap < BGP_MESSAGE_MAX_EXTENDED ? cap : BGP_MESSAGE_MAX_EXTENDED);
	size_t offset = BGP_HEADER_LEN, taken;

	assert(cap >= BGP_MESSAGE_MAX && batch->n > 0);
	bgp_message_start(&w, BGP_UPDATE);
	wcur_u16(&w, 0);
	if (!batch->attrs) {
		taken = write_prefixes(&w, batch, 2);
		patch_length(&w, offset);
		wcur_u16(&w, 0);
	} else {
		offset = wcur_len(&w);
		wcur_u16(&w, 0);
		write_attrs(&w, s, batch->attrs);
		patch_length(&w, offset);
		taken = write_prefixes(&w, batch, 0);
	}
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
