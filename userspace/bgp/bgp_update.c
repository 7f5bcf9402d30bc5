// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Decoding UPDATE with the error classes of RFC 7606.
 *
 * First the three parts of the message are cut (RFC 4271 4.3); prefixes that cannot be found are
 * the one thing that always resets. Then one pass over the attributes consults a table: expected
 * flags, lengths, what a wrong length means, a reader. Every finding goes through found(), which
 * keeps the worst class and what to say about it; reading goes on behind a bad attribute, since a
 * later one may be worse (RFC 7606 3h). At the end come the rules about the message as a whole:
 * mandatory attributes (3d), attributes without a prefix (5.2), End-of-RIB (RFC 4724 2).
 *
 * Invariants: nothing is allocated or written but *ret and *ret_error; each attribute is read
 * through a cursor of exactly its value; attributes that are not in the table are never looked
 * into.
 */
#include "bgp/bgp_update.h"

#include "base/mem.h"

#include <assert.h>

_Static_assert(BGP_UPDATE_OK < BGP_UPDATE_ATTRIBUTE_DISCARD &&
		       BGP_UPDATE_ATTRIBUTE_DISCARD < BGP_UPDATE_TREAT_AS_WITHDRAW &&
		       BGP_UPDATE_TREAT_AS_WITHDRAW < BGP_UPDATE_RESET,
	       "the worst finding is the greatest");

/* One attribute of the list, and the octets of it with its header, which are a NOTIFICATION's data.
 */
struct attribute {
	uint8_t flags, type;
	struct rcur value, whole;
};

struct decoder {
	const struct bgp_update_session *session;
	struct bgp_update *u;
	struct bgp_error *error;
	enum bgp_update_result result;
	uint8_t subcode; /* of the worst finding so far */
	struct rcur subcode_data;
	bool seen[256];     /* attribute types */
	bool has_reachable; /* prefixes in the NLRI field or in MP_REACH */
	bool has_other;     /* path attributes other than MP_UNREACH */
	bool mp_eor;        /* MP_UNREACH without prefixes */
};

struct finding {
	enum bgp_update_result result;
	uint8_t subcode;
	const char *reason;
};

/* Keeps the worst; of equals the first. Octets of `a` become the data of a NOTIFICATION. */
static void found(struct decoder *d, const struct attribute *a, const struct finding *f)
{
	assert(f->result != BGP_UPDATE_OK && f->reason);
	if (f->result == BGP_UPDATE_ATTRIBUTE_DISCARD)
		d->u->n_discarded++;
	if (f->result <= d->result)
		return;
	d->result = f->result;
	d->subcode = f->subcode;
	d->subcode_data = a ? a->whole : (struct rcur){0};
	d->u->bad_attr = a ? a->type : 0;
	d->u->reason = f->reason;
}

static void found_withdraw(struct decoder *d, const struct attribute *a, uint8_t subcode,
			   const char *reason)
{
	found(d, a, &(struct finding){BGP_UPDATE_TREAT_AS_WITHDRAW, subcode, reason});
}

static void found_reset(struct decoder *d, const struct attribute *a, uint8_t subcode,
			const char *reason)
{
	found(d, a, &(struct finding){BGP_UPDATE_RESET, subcode, reason});
}

/* --- readers of attributes: the value's length suits the table -------------------------------- */

static void read_origin(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;
	uint8_t origin = rcur_u8(&v);

	if (origin > 2) {
		found_withdraw(d, a, BGP_UPDATE_INVALID_ORIGIN, "ORIGIN value undefined");
		return;
	}
	d->u->has_origin = true;
	d->u->origin = origin;
}

/* One segment; NULL or why it is malformed (RFC 7606 7.2, RFC 7607, RFC 9774). */
static const char *read_segment(struct decoder *d, struct rcur *v)
{
	uint8_t type = rcur_u8(v), n = rcur_u8(v);
	struct rcur numbers = rcur_sub(v, (size_t)n * (d->session->as4 ? 4 : 2));

	if (v->failed)
		return "AS_PATH segment overruns the attribute";
	if (n == 0)
		return "AS_PATH segment of length 0";
	if (type == BGP_AS_SET || type == BGP_AS_CONFED_SET)
		return "AS_SET in AS_PATH";
	if (type == BGP_AS_CONFED_SEQUENCE && !d->session->is_ibgp)
		return "confederation segment from outside"; /* RFC 5065 5 */
	if (type != BGP_AS_SEQUENCE && type != BGP_AS_CONFED_SEQUENCE)
		return "AS_PATH segment type undefined";
	for (unsigned i = 0; i < n; i++) {
		uint32_t asn = d->session->as4 ? rcur_u32(&numbers) : rcur_u16(&numbers);

		if (asn == 0)
			return "AS 0 in AS_PATH";
		d->u->origin_asn = asn;
	}
	if (type == BGP_AS_SEQUENCE)
		d->u->n_as_path += n;
	return NULL;
}

static void read_as_path(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;

	while (rcur_left(&v) > 0) {
		const char *reason = read_segment(d, &v);

		if (reason) {
			found_withdraw(d, a, BGP_UPDATE_MALFORMED_AS_PATH, reason);
			return;
		}
	}
	d->u->has_as_path = true;
	d->u->as_path = a->value;
}

/* RFC 4271 6.3: not unspecified, loopback, multicast or reserved. */
static bool is_host_address(const struct ip_addr *a)
{
	return ip_addr_is_unicast(a) && !ip_addr_is_loopback(a) &&
	       !(ip_addr_is_v4(a) && a->b[12] >= 240);
}

static void read_next_hop(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;
	struct ip_addr addr = ip_addr_from_v4(rcur_u32(&v));

	if (!is_host_address(&addr)) {
		found_withdraw(d, a, BGP_UPDATE_INVALID_NEXT_HOP, "NEXT_HOP is no host address");
		return;
	}
	d->u->has_next_hop = true;
	d->u->next_hop = addr;
}

static void read_med(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;

	d->u->has_med = true;
	d->u->med = rcur_u32(&v);
}

static void read_local_pref(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;

	d->u->has_local_pref = true;
	d->u->local_pref = rcur_u32(&v);
}

/* RFC 7606 7.7: the length depends on the session; RFC 7607: nor is AS 0 allowed here. */
static void read_aggregator(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;
	uint32_t asn = d->session->as4 ? rcur_u32(&v) : rcur_u16(&v);

	if (rcur_left(&v) != 4 || asn == 0)
		found(d, a,
		      &(struct finding){BGP_UPDATE_ATTRIBUTE_DISCARD, BGP_UPDATE_ATTRIBUTE_LENGTH,
					"AGGREGATOR malformed"});
}

static void read_originator_id(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;

	d->u->originator_id = rcur_u32(&v);
}

static void read_cluster_list(struct decoder *d, const struct attribute *a)
{
	d->u->cluster_list = a->value;
}

/* RFC 6793 4.1: from a peer with 4-octet numbers it is to be ignored; 6: so is a malformed one. */
static void read_as4_path(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;

	while (!d->session->as4 && rcur_left(&v) > 0) {
		const uint8_t type = rcur_u8(&v), n = rcur_u8(&v);

		(void)rcur_bytes(&v, 4 * (size_t)n);
		if (v.failed || n == 0 || type != BGP_AS_SEQUENCE)
			return;
	}
	if (!d->session->as4)
		d->u->as4_path = a->value;
}

static void read_communities(struct decoder *d, const struct attribute *a)
{
	d->u->communities = a->value;
}

static void read_large_communities(struct decoder *d, const struct attribute *a)
{
	d->u->large_communities = a->value;
}

static void read_ext_communities(struct decoder *d, const struct attribute *a)
{
	d->u->ext_communities = a->value;
}

/* RFC 9234 5; whoever has no role cannot tell. Only routes that go down again are to have it. */
static void read_only_to_customer(struct decoder *d, const struct attribute *a)
{
	const struct bgp_update_session *s = d->session;
	struct rcur v = a->value;
	const uint32_t asn = rcur_u32(&v);

	if (!s->has_role || s->is_ibgp)
		return;
	d->u->is_leak = s->role == BGP_ROLE_PROVIDER || s->role == BGP_ROLE_RS ||
			(s->role == BGP_ROLE_PEER && asn != s->remote_asn);
}

/*
 * RFC 4760 3, RFC 2545 3, RFC 8950 4: octets of a next hop; RFC 7606 7.11: with another length the
 * prefixes behind it are not to be trusted.
 */
static bool mp_next_hop_suits(enum bgp_family family, size_t len)
{
	return len == 16 || len == 32 || (len == 4 && family == BGP_IPV4_UNICAST);
}

/* The first address of a next hop; the second is a link-local one. */
static void read_mp_next_hop(struct decoder *d, struct rcur v)
{
	struct bgp_update *u = d->u;

	if (rcur_left(&v) == 4) {
		u->mp_next_hop = ip_addr_from_v4(rcur_u32(&v));
		return;
	}
	memcpy(u->mp_next_hop.b, rcur_bytes(&v, sizeof(u->mp_next_hop.b)),
	       sizeof(u->mp_next_hop.b));
	if (rcur_left(&v) == 0)
		return;
	memcpy(u->mp_link_local.b, rcur_bytes(&v, sizeof(u->mp_link_local.b)),
	       sizeof(u->mp_link_local.b));
	if (!ip_addr_is_link_local(&u->mp_link_local))
		u->mp_link_local = (struct ip_addr){.b = {0}};
}

/* The prefixes of one attribute; false: malformed. *ret stays empty if they are not the session's.
 */
static bool read_mp_prefixes(struct decoder *d, enum bgp_family family, struct rcur v,
			     struct bgp_update_mp *ret)
{
	size_t n;

	if (!bgp_nlri_count(v, family, &n))
		return false;
	if (bgp_families_has(d->session->families, family))
		*ret = (struct bgp_update_mp){.family = family, .nlri = v, .n = n};
	return true;
}

static void read_mp_reach(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value, next_hop;
	uint16_t afi = rcur_u16(&v);
	uint8_t safi = rcur_u8(&v);
	enum bgp_family family;
	bool is_known = bgp_family_of(afi, safi, &family);

	next_hop = rcur_sub(&v, rcur_u8(&v));
	(void)rcur_u8(&v); /* reserved */
	if (v.failed || (is_known && !mp_next_hop_suits(family, rcur_left(&next_hop)))) {
		found_reset(d, a, BGP_UPDATE_OPTIONAL_ATTRIBUTE, "MP_REACH_NLRI unreadable");
		return;
	}
	d->has_reachable |= rcur_left(&v) > 0;
	if (!is_known)
		return;
	if (!read_mp_prefixes(d, family, v, &d->u->mp_reach)) {
		found_reset(d, a, BGP_UPDATE_OPTIONAL_ATTRIBUTE, "MP_REACH_NLRI prefix malformed");
		return;
	}
	read_mp_next_hop(d, next_hop);
	if (!is_host_address(&d->u->mp_next_hop))
		found_withdraw(d, a, BGP_UPDATE_INVALID_NEXT_HOP,
			       "next hop in MP_REACH_NLRI is no host address");
}

static void read_mp_unreach(struct decoder *d, const struct attribute *a)
{
	struct rcur v = a->value;
	uint16_t afi = rcur_u16(&v);
	uint8_t safi = rcur_u8(&v);
	enum bgp_family family;

	if (v.failed) {
		found_reset(d, a, BGP_UPDATE_OPTIONAL_ATTRIBUTE, "MP_UNREACH_NLRI unreadable");
		return;
	}
	if (bgp_family_of(afi, safi, &family) &&
	    !read_mp_prefixes(d, family, v, &d->u->mp_unreach)) {
		found_reset(d, a, BGP_UPDATE_OPTIONAL_ATTRIBUTE,
			    "MP_UNREACH_NLRI prefix malformed");
		return;
	}
	d->mp_eor = rcur_left(&v) == 0;
	d->u->eor_afi = afi;
	d->u->eor_safi = safi;
}

/* --- the table ------------------------------------------------------------------------------- */

#define CLASS_BITS (BGP_ATTR_OPTIONAL | BGP_ATTR_TRANSITIVE)
#define WELL_KNOWN BGP_ATTR_TRANSITIVE
#define TRANSITIVE CLASS_BITS
#define OPTIONAL   BGP_ATTR_OPTIONAL
#define WITHDRAW   BGP_UPDATE_TREAT_AS_WITHDRAW
#define DISCARD    BGP_UPDATE_ATTRIBUTE_DISCARD
#define ANY_LEN    UINT16_MAX

static const struct attribute_rule {
	uint8_t type, flags;
	bool internal_only; /* from an external peer: discarded unread (RFC 7606 7.5, 7.9, 7.10) */
	uint16_t min, max;  /* octets of the value */
	uint16_t unit;      /* which are a multiple of this */
	enum bgp_update_result on_length;
	void (*read)(struct decoder *d, const struct attribute *a);
} attribute_rules[] = {
	{BGP_ATTR_ORIGIN, WELL_KNOWN, false, 1, 1, 1, WITHDRAW, read_origin},
	{BGP_ATTR_AS_PATH, WELL_KNOWN, false, 0, ANY_LEN, 1, WITHDRAW, read_as_path},
	{BGP_ATTR_NEXT_HOP, WELL_KNOWN, false, 4, 4, 1, WITHDRAW, read_next_hop},
	{BGP_ATTR_MED, OPTIONAL, false, 4, 4, 1, WITHDRAW, read_med},
	{BGP_ATTR_LOCAL_PREF, WELL_KNOWN, true, 4, 4, 1, WITHDRAW, read_local_pref},
	{BGP_ATTR_ATOMIC_AGGREGATE, WELL_KNOWN, false, 0, 0, 1, DISCARD, NULL},
	{BGP_ATTR_AGGREGATOR, TRANSITIVE, false, 6, 8, 2, DISCARD, read_aggregator},
	{BGP_ATTR_COMMUNITIES, TRANSITIVE, false, 4, ANY_LEN, 4, WITHDRAW, read_communities},
	{BGP_ATTR_ORIGINATOR_ID, OPTIONAL, true, 4, 4, 1, WITHDRAW, read_originator_id},
	{BGP_ATTR_CLUSTER_LIST, OPTIONAL, true, 4, ANY_LEN, 4, WITHDRAW, read_cluster_list},
	{BGP_ATTR_MP_REACH, OPTIONAL, false, 0, ANY_LEN, 1, WITHDRAW, read_mp_reach},
	{BGP_ATTR_MP_UNREACH, OPTIONAL, false, 0, ANY_LEN, 1, WITHDRAW, read_mp_unreach},
	{BGP_ATTR_EXT_COMMUNITIES, TRANSITIVE, false, 8, ANY_LEN, 8, WITHDRAW,
	 read_ext_communities},
	{BGP_ATTR_AS4_PATH, TRANSITIVE, false, 0, ANY_LEN, 1, DISCARD, read_as4_path},
	{BGP_ATTR_AS4_AGGREGATOR, TRANSITIVE, false, 0, ANY_LEN, 1, DISCARD, NULL},
	{BGP_ATTR_IPV6_EXT_COMMUNITIES, TRANSITIVE, false, 20, ANY_LEN, 20, WITHDRAW, NULL},
	{BGP_ATTR_LARGE_COMMUNITIES, TRANSITIVE, false, 12, ANY_LEN, 12, WITHDRAW,
	 read_large_communities},
	{BGP_ATTR_ONLY_TO_CUSTOMER, TRANSITIVE, false, 4, 4, 1, WITHDRAW, read_only_to_customer},
};

static const struct attribute_rule *rule_find(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(attribute_rules); i++)
		if (attribute_rules[i].type == type)
			return &attribute_rules[i];
	return NULL;
}

static bool length_suits(const struct attribute_rule *rule, size_t len)
{
	return len >= rule->min && len <= rule->max && len % rule->unit == 0;
}

/* --- the attribute list ---------------------------------------------------------------------- */

/*
 * RFC 7606 3g: the first instance counts; but for the two attributes that hold prefixes, which then
 * could not be told apart. True: this is a second instance and was dealt with.
 */
static bool is_repeated(struct decoder *d, const struct attribute *a)
{
	if (!d->seen[a->type]) {
		d->seen[a->type] = true;
		return false;
	}
	if (a->type == BGP_ATTR_MP_REACH || a->type == BGP_ATTR_MP_UNREACH)
		found_reset(d, a, BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST,
			    "MP_REACH_NLRI or MP_UNREACH_NLRI repeated");
	else
		found(d, a,
		      &(struct finding){DISCARD, BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST,
					"attribute repeated"});
	return true;
}

static void read_attribute(struct decoder *d, const struct attribute *a)
{
	const struct attribute_rule *rule = rule_find(a->type);

	if (a->type != BGP_ATTR_MP_UNREACH)
		d->has_other = true;
	if (is_repeated(d, a))
		return;
	if (!rule) {
		if (!(a->flags & BGP_ATTR_OPTIONAL))
			found_reset(d, a, BGP_UPDATE_UNRECOGNIZED_WELL_KNOWN,
				    "unknown well-known attribute");
		return;
	}
	if (rule->internal_only && !d->session->is_ibgp) {
		found(d, a,
		      &(struct finding){DISCARD, BGP_UPDATE_OPTIONAL_ATTRIBUTE,
					"attribute of internal sessions from an external peer"});
		return;
	}
	/* RFC 7606 3c; what holds prefixes is read nevertheless, it may prove to be unreadable. */
	if ((a->flags & CLASS_BITS) != rule->flags)
		found_withdraw(d, a, BGP_UPDATE_ATTRIBUTE_FLAGS, "attribute flags in conflict");
	if (!length_suits(rule, rcur_left(&a->value)))
		found(d, a,
		      &(struct finding){rule->on_length, BGP_UPDATE_ATTRIBUTE_LENGTH,
					"attribute length wrong"});
	else if (rule->read)
		rule->read(d, a);
	assert(rcur_left(&a->value) <= rcur_left(&a->whole));
}

/* RFC 7606 4: an attribute that does not fit the list ends it; the prefixes behind it are found. */
static bool next_attribute(struct decoder *d, struct rcur *list, struct attribute *ret)
{
	const uint8_t *start = list->at;
	size_t len;

	if (rcur_left(list) == 0)
		return false;
	ret->flags = rcur_u8(list);
	ret->type = rcur_u8(list);
	len = ret->flags & BGP_ATTR_EXTENDED ? rcur_u16(list) : rcur_u8(list);
	ret->value = rcur_sub(list, len);
	if (list->failed) {
		d->has_other = true;
		found_withdraw(d, NULL, BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST,
			       "attribute overruns the list");
		return false;
	}
	ret->whole = rcur_init(start, (size_t)(list->at - start));
	return true;
}

/* --- the message as a whole ------------------------------------------------------------------ */

/* RFC 7606 3d; RFC 4271 5 for NEXT_HOP and 5.1.5 for LOCAL_PREF. */
static void check_mandatory(struct decoder *d)
{
	const struct {
		uint8_t type;
		bool is_mandatory;
	} checks[] = {
		{BGP_ATTR_ORIGIN, d->has_reachable},
		{BGP_ATTR_AS_PATH, d->has_reachable},
		{BGP_ATTR_NEXT_HOP, rcur_left(&d->u->nlri) > 0},
		{BGP_ATTR_LOCAL_PREF, d->has_reachable && d->session->is_ibgp},
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct attribute missing = {
			.type = checks[i].type,
			.whole = rcur_init(&checks[i].type, 1),
		};

		if (checks[i].is_mandatory && !d->seen[checks[i].type])
			found_withdraw(d, &missing, BGP_UPDATE_MISSING_WELL_KNOWN,
				       "mandatory attribute missing");
	}
}

/*
 * RFC 7606 5.2: attributes, but nothing reachable, and an error that would withdraw: one cannot be
 * sure to have found the prefixes.
 */
static void check_no_nlri(struct decoder *d)
{
	if (d->result == BGP_UPDATE_TREAT_AS_WITHDRAW && d->has_other && !d->has_reachable)
		d->result = BGP_UPDATE_RESET;
}

static void check_end_of_rib(struct decoder *d, bool has_attributes)
{
	struct bgp_update *u = d->u;

	if (u->n_announced > 0 || u->n_withdrawn > 0 || d->has_other || d->result != BGP_UPDATE_OK)
		return;
	if (!has_attributes) {
		u->is_end_of_rib = true;
		u->eor_afi = BGP_AFI_IPV4;
		u->eor_safi = BGP_SAFI_UNICAST;
	} else {
		u->is_end_of_rib = d->mp_eor;
	}
}

/* The message's own fields are read whatever the session is of, to find what else there is. */
static void leave_out_ipv4(struct decoder *d)
{
	struct bgp_update *u = d->u;

	if (bgp_families_has(d->session->families, BGP_IPV4_UNICAST))
		return;
	u->nlri = (struct rcur){0};
	u->withdrawn = (struct rcur){0};
	u->n_announced = u->mp_reach.n;
	u->n_withdrawn = u->mp_unreach.n;
}

static void decode_parts(struct decoder *d, struct rcur body)
{
	struct bgp_update *u = d->u;
	struct attribute a;
	struct rcur list;
	bool has_attributes;

	u->withdrawn = rcur_sub(&body, rcur_u16(&body));
	list = rcur_sub(&body, rcur_u16(&body));
	u->nlri = body;
	if (body.failed) {
		found_reset(d, NULL, BGP_UPDATE_MALFORMED_ATTRIBUTE_LIST,
			    "withdrawn or attribute length beyond the message");
		return;
	}
	if (!bgp_nlri_count(u->withdrawn, BGP_IPV4_UNICAST, &u->n_withdrawn) ||
	    !bgp_nlri_count(u->nlri, BGP_IPV4_UNICAST, &u->n_announced)) {
		found_reset(d, NULL, BGP_UPDATE_INVALID_NETWORK_FIELD, "prefix malformed");
		return;
	}
	d->has_reachable = u->n_announced > 0;
	has_attributes = rcur_left(&list) > 0;
	while (next_attribute(d, &list, &a))
		read_attribute(d, &a);
	u->n_announced += u->mp_reach.n;
	u->n_withdrawn += u->mp_unreach.n;
	check_mandatory(d);
	check_no_nlri(d);
	check_end_of_rib(d, has_attributes);
	leave_out_ipv4(d);
}

enum bgp_update_result bgp_update_decode(struct rcur body, const struct bgp_update_session *s,
					 struct bgp_update *ret, struct bgp_error *ret_error)
{
	struct decoder d = {.session = s, .u = ret};

	*ret = (struct bgp_update){0};
	decode_parts(&d, body);
	assert((d.result == BGP_UPDATE_OK) == (ret->reason == NULL));
	assert(!ret->is_end_of_rib || d.result == BGP_UPDATE_OK);
	if (d.result == BGP_UPDATE_RESET)
		*ret_error = bgp_error_with(BGP_ERROR_UPDATE, d.subcode, d.subcode_data.at,
					    rcur_left(&d.subcode_data));
	return d.result;
}
