// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * UPDATE (RFC 4271 4.3) for unicast of both families: IPv4 in the message's own fields, IPv6 in
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760), and IPv4 there, too, where its next hop is an IPv6
 * address (RFC 8950). Decoding classifies errors as RFC 7606 asks: no malformed UPDATE ends a
 * session unless its prefixes cannot be found or the RFC demands it, and the class is the result,
 * not a side effect. The decoder counts prefixes and yields views: mostly nothing of it is kept
 * (bgp/bgp_rib_in.h). Unknown optional attributes are never looked into (most CVEs of the field
 * live there). Encoding adds to a set of attributes what depends on the session and packs as many
 * prefixes with it as a message takes.
 */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"
#include "bgp/bgp_error.h"
#include "bgp/bgp_family.h"
#include "bgp/bgp_nlri.h"
#include "bgp/bgp_wire.h"

struct bgp_attrs;

/* What of a session the codec has to know. */
struct bgp_update_session {
	uint32_t local_asn, remote_asn;
	uint32_t router_id; /* our own */
	bool is_ibgp;
	bool has_role;          /* ours, on eBGP: whether the peer said one, too, is no matter */
	uint8_t role;           /* enum bgp_role */
	bool as4;               /* both sides sent capability 65: AS_PATH has 4-octet numbers */
	bool graceful_shutdown; /* for encoding: this node is about to leave (RFC 8326) */
	struct bgp_families families; /* both sides listed; for decoding */
	bool extended_next_hop;       /* both sides sent RFC 8950's capability for IPv4 unicast */
	struct bgp_next_hops local;   /* our addresses of the connection; for encoding */
};

/* In rising order of severity; the worst of an UPDATE counts (RFC 7606 2, 3). */
enum bgp_update_result {
	BGP_UPDATE_OK,
	BGP_UPDATE_ATTRIBUTE_DISCARD, /* good, but for n_discarded attributes that are to be ignored
				       */
	BGP_UPDATE_TREAT_AS_WITHDRAW, /* all prefixes of it count as withdrawn */
	BGP_UPDATE_RESET,             /* send the NOTIFICATION and close */
};

/* Prefixes in MP_REACH or MP_UNREACH, of a family of the session; else an empty cursor. */
struct bgp_update_mp {
	enum bgp_family family;
	struct rcur nlri; /* for bgp_nlri_next() */
	size_t n;
};

/* A decoded UPDATE. Cursors are views into the input, absent attributes are empty cursors. */
struct bgp_update {
	size_t n_announced, n_withdrawn; /* prefixes of the session's families, wherever they are */
	struct rcur nlri, withdrawn;     /* the message's own fields: IPv4 */
	struct bgp_update_mp mp_reach, mp_unreach;
	bool is_leak;       /* what it announces should not come from there (RFC 9234 5) */
	bool is_end_of_rib; /* RFC 4724 2; then the family follows */
	uint16_t eor_afi;
	uint8_t eor_safi;
	unsigned n_discarded; /* attributes ignored because they are malformed or out of place */
	uint8_t bad_attr;     /* type of the attribute that made the result worse than OK, or 0 */
	const char *reason;   /* constant text why, NULL if OK */

	/* Attributes, valid with BGP_UPDATE_OK and _ATTRIBUTE_DISCARD. */
	bool has_origin, has_as_path, has_next_hop, has_med, has_local_pref;
	uint8_t origin;
	uint32_t med, local_pref;
	uint32_t origin_asn, n_as_path; /* last ASN of the path, or 0; its length */
	struct ip_addr next_hop;
	struct ip_addr mp_next_hop;   /* of mp_reach; none: not of the session's */
	struct ip_addr mp_link_local; /* the second of two (RFC 2545 3); none */
	uint32_t originator_id;       /* RFC 4456 8; 0: none */
	struct rcur as_path, communities, large_communities; /* values, lengths checked */
	struct rcur as4_path; /* of a 2-octet peer, segments checked (RFC 6793) */
	struct rcur cluster_list;
	struct rcur ext_communities;
};

/*
 * Decodes an UPDATE's body (what bgp_header_parse() yields). Fills *ret in every case; *ret_error
 * only with BGP_UPDATE_RESET. RFC 7606 as a list (numbers are its sections):
 * reset: 3/1 withdrawn or attribute length beyond the message, MP_REACH or MP_UNREACH twice (3g);
 * 3/2 unknown well-known attribute; 3/9 MP_REACH or MP_UNREACH unreadable (5.3); 3/10 a prefix
 * longer than its family's addresses or cut off (5.3); and what would be treat-as-withdraw when the
 * UPDATE has attributes but no reachable prefix (5.2), with the subcode of that error.
 * treat-as-withdraw: an attribute overruns the list (4), wrong flags (3c), a mandatory attribute is
 * missing (3d), ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST or any sort
 * of communities malformed (7.1-7.5, 7.8-7.10, 7.14, 7.15, RFC 8092 5), Only to Customer malformed
 * (RFC 9234 5), AS 0 (RFC 7607) or a set
 * (RFC 9774) in AS_PATH, a next hop that is no host's address (RFC 4271 6.3), in NEXT_HOP or in
 * MP_REACH. attribute discard: ATOMIC_AGGREGATE or AGGREGATOR malformed (7.6, 7.7); LOCAL_PREF,
 * ORIGINATOR_ID or CLUSTER_LIST from an external peer; a second instance of an attribute (3g).
 * Only to Customer from a customer or route server's client, or of another AS from a peer, makes it
 * a leak, which is no error (RFC 9234 5).
 * MP_REACH and MP_UNREACH of families that we know are checked, whether they are the session's or
 * not; what is not the session's does not count (RFC 4760 7).
 */
enum bgp_update_result bgp_update_decode(struct rcur body, const struct bgp_update_session *s,
					 struct bgp_update *ret,
					 struct bgp_error *ret_error) must_check;

/* Equal work for some prefixes, as bgp_rib_take() yields it. */
struct bgp_update_batch {
	enum bgp_family family;
	const struct bgp_attrs *attrs;    /* NULL: withdraw */
	const struct ip_prefix *prefixes; /* of the family */
	size_t n;                         /* at least 1 */
};

/*
 * That routes of the family have a next hop on this session: an address of ours of the family, or,
 * of IPv4 where RFC 8950 is agreed, an IPv6 one. Without, they can be withdrawn, not announced.
 */
bool bgp_update_has_next_hop(const struct bgp_update_session *s, enum bgp_family family);

/* That they have the same, link-local address and all. */
bool bgp_update_same_next_hop(const struct bgp_update_session *a,
			      const struct bgp_update_session *b, enum bgp_family family);

/* The first that such a route with these attributes says; none: there is none. */
struct ip_addr bgp_update_next_hop(const struct bgp_update_session *s, enum bgp_family family,
				   const struct bgp_attrs *attrs);

/*
 * Writes one UPDATE with as many of the prefixes as fit into cap octets; cap at least
 * BGP_MESSAGE_MAX, and no message is made longer than cap or BGP_MESSAGE_MAX_EXTENDED. Returns its
 * length; *ret_taken
 * (>= 1) says how many prefixes it holds: call again for the rest. Added here: AS_PATH (eBGP: own
 * ASN 1 + prepend times, toward a 2-octet peer as AS_TRANS and AS4_PATH, RFC 6793; iBGP: empty),
 * the next hop (the set's if it is of the family, or ours; RFC 2545 3: behind a global IPv6 one the
 * link-local one, if it is known), LOCAL_PREF on iBGP only (100 if the set has none, RFC 4271
 * 5.1.5), Only to Customer with our AS where our role is provider, route server or peer (RFC 9234
 * 5). MP_REACH goes before all other attributes (RFC 7606 5.1). To announce needs
 * bgp_update_has_next_hop(), or a set that has one.
 */
size_t bgp_update_encode(uint8_t *buf, size_t cap, const struct bgp_update_session *s,
			 const struct bgp_update_batch *batch, size_t *ret_taken);

/*
 * A family's End-of-RIB (RFC 4724 2): of IPv4 unicast an empty UPDATE, of others an empty
 * MP_UNREACH; at most BGP_END_OF_RIB_MAX octets. 0 if cap is too small.
 */
#define BGP_END_OF_RIB_MAX 29
size_t bgp_end_of_rib_encode(uint8_t *buf, size_t cap, enum bgp_family family);
