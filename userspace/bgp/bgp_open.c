// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * OPEN: decode, validate, encode (RFC 4271 4.2, 6.2; RFC 5492; RFC 9072).
 *
 * Every optional parameter gets a cursor of its own and every capability within it, too: an inner
 * length that overruns its outer one fails the inner cursor and cannot reach the next element (most
 * OPEN CVEs of the field are that mistake). The capabilities we know are one table of code, length
 * and reader. A capability may come several times, in one parameter or in many; for those that
 * carry one value the last counts (RFC 4724 3 asks it for graceful restart, RFC 5492 4 leaves the
 * rest open).
 */
#include "bgp/bgp_open.h"

#include "bgp/bgp_msg.h"

#include <assert.h>

#define GR_RESTARTING   0x8000
#define GR_NOTIFICATION 0x4000
#define GR_TIME_MASK    0x0fff
#define GR_FORWARDING   0x80
#define LLGR_TIME_MASK  0xffffffu

#define ANY_LEN (-1)

/* --- capabilities ---------------------------------------------------------------------------- */

static void read_multiprotocol(struct rcur v, struct bgp_open *o)
{
	uint16_t afi = rcur_u16(&v);
	enum bgp_family family;

	(void)rcur_u8(&v); /* reserved, RFC 4760 8 */
	o->has_multiprotocol = true;
	if (bgp_family_of(afi, rcur_u8(&v), &family))
		bgp_families_put(&o->families, family, true);
}

static void read_route_refresh(struct rcur v, struct bgp_open *o)
{
	(void)v;
	o->route_refresh = true;
}

static void read_enhanced_refresh(struct rcur v, struct bgp_open *o)
{
	(void)v;
	o->enhanced_refresh = true;
}

static void read_extended_message(struct rcur v, struct bgp_open *o)
{
	(void)v;
	o->extended_message = true;
}

/* Triples of AFI, SAFI (two octets here), next hop AFI; RFC 8950 4. None at all means nothing. */
static void read_extended_next_hop(struct rcur v, struct bgp_open *o)
{
	if (rcur_left(&v) % 6 != 0)
		return;
	while (rcur_left(&v) > 0) {
		uint16_t afi = rcur_u16(&v), safi = rcur_u16(&v), next_hop_afi = rcur_u16(&v);

		if (afi == BGP_AFI_IPV4 && safi == BGP_SAFI_UNICAST && next_hop_afi == BGP_AFI_IPV6)
			o->extended_next_hop = true;
	}
}

static void read_role(struct rcur v, struct bgp_open *o)
{
	o->has_role = true;
	o->role = rcur_u8(&v);
}

static void read_graceful_restart(struct rcur v, struct bgp_open *o)
{
	struct bgp_graceful_restart gr = {.present = true};
	uint16_t word = rcur_u16(&v);

	if (v.failed || rcur_left(&v) % 4 != 0)
		return;
	gr.restarting = word & GR_RESTARTING;
	gr.notification = word & GR_NOTIFICATION;
	gr.time_s = word & GR_TIME_MASK;
	while (rcur_left(&v) > 0) {
		uint16_t afi = rcur_u16(&v);
		uint8_t safi = rcur_u8(&v), flags = rcur_u8(&v);
		enum bgp_family family;

		if (!bgp_family_of(afi, safi, &family))
			continue;
		bgp_families_put(&gr.families, family, true);
		bgp_families_put(&gr.forwarding, family, flags & GR_FORWARDING);
	}
	o->gr = gr;
}

/* Tuples of AFI, SAFI, flags and a time of 24 bits; RFC 9494 3. */
static void read_long_lived(struct rcur v, struct bgp_open *o)
{
	struct bgp_long_lived l = {.present = true};

	if (rcur_left(&v) % 7 != 0)
		return;
	while (rcur_left(&v) > 0) {
		uint16_t afi = rcur_u16(&v);
		uint8_t safi = rcur_u8(&v);
		uint32_t word = rcur_u32(&v);
		enum bgp_family family;

		if (!bgp_family_of(afi, safi, &family))
			continue;
		bgp_families_put(&l.families, family, true);
		bgp_families_put(&l.forwarding, family, word >> 24 & GR_FORWARDING);
		if ((word & LLGR_TIME_MASK) > l.time_s)
			l.time_s = word & LLGR_TIME_MASK;
	}
	o->llgr = l;
}

static void read_bfd_strict(struct rcur v, struct bgp_open *o)
{
	(void)v;
	o->bfd_strict = true;
}

static void read_as4(struct rcur v, struct bgp_open *o)
{
	o->has_as4 = true;
	o->asn = rcur_u32(&v);
}

static const struct capability_rule {
	uint8_t code;
	int len; /* another length: taken as not sent, or an error if `required_len` */
	bool required_len;
	void (*read)(struct rcur value, struct bgp_open *o);
} capability_rules[] = {
	{BGP_CAP_MULTIPROTOCOL, 4, false, read_multiprotocol},
	{BGP_CAP_ROUTE_REFRESH, 0, false, read_route_refresh},
	{BGP_CAP_ROUTE_REFRESH_OLD, 0, false, read_route_refresh},
	{BGP_CAP_EXTENDED_NEXT_HOP, ANY_LEN, false, read_extended_next_hop},
	{BGP_CAP_EXTENDED_MESSAGE, 0, false, read_extended_message},
	{BGP_CAP_ROLE, 1, false, read_role},
	{BGP_CAP_GRACEFUL_RESTART, ANY_LEN, false, read_graceful_restart},
	{BGP_CAP_AS4, 4, true, read_as4},
	{BGP_CAP_ENHANCED_REFRESH, 0, false, read_enhanced_refresh},
	{BGP_CAP_LONG_LIVED_GR, ANY_LEN, false, read_long_lived},
	{BGP_CAP_BFD_STRICT, 0, false, read_bfd_strict},
};

static const struct capability_rule *capability_find(uint8_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(capability_rules); i++)
		if (capability_rules[i].code == code)
			return &capability_rules[i];
	return NULL;
}

static bool read_capability(uint8_t code, struct rcur value, struct bgp_open *o)
{
	const struct capability_rule *rule = capability_find(code);

	if (!rule)
		return true;
	if (rule->len != ANY_LEN && rcur_left(&value) != (size_t)rule->len)
		return !rule->required_len;
	rule->read(value, o);
	return true;
}

static bool read_capabilities(struct rcur c, struct bgp_open *o)
{
	while (!c.failed && rcur_left(&c) > 0) {
		uint8_t code = rcur_u8(&c);
		struct rcur value = rcur_sub(&c, rcur_u8(&c));

		if (c.failed || !read_capability(code, value, o))
			return false;
	}
	return !c.failed;
}

/* --- optional parameters --------------------------------------------------------------------- */

/* The parameters' cursor; *ret_extended: 16-bit lengths (RFC 9072 2). */
static struct rcur open_parameters(struct rcur *body, bool *ret_extended)
{
	size_t len = rcur_u8(body);
	struct rcur peek = *body;

	*ret_extended = len > 0 && rcur_u8(&peek) == BGP_PARAM_EXTENDED;
	if (*ret_extended) {
		*body = peek;
		len = rcur_u16(body);
	}
	return rcur_sub(body, len);
}

/* Subcode 0 covers a malformed parameter, 4 an unknown one (RFC 4271 6.2); -1: all is well. */
static int read_parameters(struct rcur c, bool extended, struct bgp_open *o)
{
	while (!c.failed && rcur_left(&c) > 0) {
		uint8_t type = rcur_u8(&c);
		size_t len = extended ? rcur_u16(&c) : rcur_u8(&c);
		struct rcur value = rcur_sub(&c, len);

		if (c.failed)
			break;
		if (type != BGP_PARAM_CAPABILITIES)
			return BGP_OPEN_UNSUPPORTED_PARAMETER;
		if (!read_capabilities(value, o))
			return BGP_OPEN_UNSPECIFIC;
	}
	return c.failed ? BGP_OPEN_UNSPECIFIC : -1;
}

bool bgp_open_decode(struct rcur body, struct bgp_open *ret, struct bgp_error *ret_error)
{
	static const uint8_t our_version[2] = {0, BGP_VERSION};
	struct bgp_open o = {0};
	struct rcur parameters;
	int subcode = BGP_OPEN_UNSPECIFIC;
	bool extended;

	if (rcur_u8(&body) != BGP_VERSION && !body.failed) {
		*ret_error = bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_VERSION,
					    our_version, sizeof(our_version));
		return false;
	}
	o.my_as = rcur_u16(&body);
	o.hold_s = rcur_u16(&body);
	o.router_id = rcur_u32(&body);
	parameters = open_parameters(&body, &extended);
	if (!body.failed && rcur_left(&body) == 0)
		subcode = read_parameters(parameters, extended, &o);
	if (subcode >= 0) {
		*ret_error = bgp_error_make(BGP_ERROR_OPEN, (uint8_t)subcode);
		return false;
	}
	if (!o.has_as4)
		o.asn = o.my_as;
	if (!o.has_multiprotocol) /* RFC 4760 8: then it is plain BGP-4 */
		bgp_families_put(&o.families, BGP_IPV4_UNICAST, true);
	/* Only listed families have a forwarding state. */
	assert((o.gr.forwarding.bits & ~o.gr.families.bits) == 0);
	assert(o.gr.time_s <= GR_TIME_MASK);
	*ret = o;
	return true;
}

/* --- validation ------------------------------------------------------------------------------ */

/* RFC 6793 4.1, 9; RFC 7607: a usable number, and a field that does not contradict it. */
static bool asn_is_sound(const struct bgp_open *o)
{
	if (o->asn == 0 || o->asn == BGP_AS_TRANS)
		return false;
	return o->my_as == BGP_AS_TRANS || o->my_as == o->asn;
}

static bool asn_is_expected(uint32_t asn, const struct bgp_open_expect *e)
{
	if (e->any_external || e->any_internal)
		return asn == e->local_asn ? e->any_internal : e->any_external;
	return asn == e->remote_asn;
}

static bool router_id_is_sound(const struct bgp_open *o, const struct bgp_open_expect *e)
{
	if (o->router_id == 0)
		return false;
	return o->asn != e->local_asn || o->router_id != e->local_router_id;
}

/* RFC 9234 4.2: what the other side has to say for what we say. */
static bool role_is_expected(const struct bgp_open *o, const struct bgp_open_expect *e)
{
	static const uint8_t goes_with[] = {
		[BGP_ROLE_PROVIDER] = BGP_ROLE_CUSTOMER, [BGP_ROLE_RS] = BGP_ROLE_RS_CLIENT,
		[BGP_ROLE_RS_CLIENT] = BGP_ROLE_RS,      [BGP_ROLE_CUSTOMER] = BGP_ROLE_PROVIDER,
		[BGP_ROLE_PEER] = BGP_ROLE_PEER,
	};

	if (!e->has_role || !o->has_role || o->asn == e->local_asn)
		return true;
	assert(e->role < ARRAY_SIZE(goes_with));
	return o->role == goes_with[e->role];
}

/* A capability 1 for each of the families. */
static void write_multiprotocol(struct wcur *w, struct bgp_families families)
{
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		if (!bgp_families_has(families, f))
			continue;
		wcur_u8(w, BGP_CAP_MULTIPROTOCOL);
		wcur_u8(w, 4);
		wcur_u16(w, bgp_family_afi(f));
		wcur_u8(w, 0);
		wcur_u8(w, bgp_family_safi(f));
	}
}

/* RFC 5492 5: the data lists the capabilities that we miss. */
static struct bgp_error no_common_family(struct bgp_families wanted)
{
	uint8_t list[6 * BGP_N_FAMILIES];
	struct wcur w = wcur_init(list, sizeof(list));

	write_multiprotocol(&w, wanted);
	assert(!w.failed && wcur_len(&w) > 0);
	return bgp_error_with(BGP_ERROR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY, list, wcur_len(&w));
}

bool bgp_open_validate(const struct bgp_open *open, const struct bgp_open_expect *expect,
		       struct bgp_error *ret_error)
{
	uint8_t subcode;

	assert(!bgp_families_is_empty(expect->families));
	if (!asn_is_sound(open) || !asn_is_expected(open->asn, expect)) {
		subcode = BGP_OPEN_BAD_PEER_AS;
	} else if (!router_id_is_sound(open, expect)) {
		subcode = BGP_OPEN_BAD_BGP_ID;
	} else if (open->hold_s > 0 && open->hold_s < BGP_HOLD_MIN_S) {
		subcode = BGP_OPEN_UNACCEPTABLE_HOLD_TIME;
	} else if (bgp_families_is_empty(bgp_families_common(open->families, expect->families))) {
		*ret_error = no_common_family(expect->families);
		return false;
	} else if (!role_is_expected(open, expect)) {
		subcode = BGP_OPEN_ROLE_MISMATCH;
	} else {
		return true;
	}
	*ret_error = bgp_error_make(BGP_ERROR_OPEN, subcode);
	return false;
}

/* --- encoding -------------------------------------------------------------------------------- */

static void write_empty_capability(struct wcur *w, uint8_t code, bool wanted)
{
	if (!wanted)
		return;
	wcur_u8(w, code);
	wcur_u8(w, 0);
}

static void write_graceful_restart(struct wcur *w, const struct bgp_graceful_restart *gr)
{
	uint16_t word = gr->time_s;
	size_t length;

	if (!gr->present)
		return;
	assert(gr->time_s <= GR_TIME_MASK);
	assert((gr->forwarding.bits & ~gr->families.bits) == 0);
	if (gr->restarting)
		word |= GR_RESTARTING;
	if (gr->notification)
		word |= GR_NOTIFICATION;
	wcur_u8(w, BGP_CAP_GRACEFUL_RESTART);
	length = wcur_len(w);
	wcur_u8(w, 0);
	wcur_u16(w, word);
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		if (!bgp_families_has(gr->families, f))
			continue;
		wcur_u16(w, bgp_family_afi(f));
		wcur_u8(w, bgp_family_safi(f));
		wcur_u8(w, bgp_families_has(gr->forwarding, f) ? GR_FORWARDING : 0);
	}
	if (!w->failed)
		wcur_patch_u8(w, length, (uint8_t)(wcur_len(w) - length - 1));
}

static void write_long_lived(struct wcur *w, const struct bgp_long_lived *l)
{
	size_t length;

	if (!l->present)
		return;
	assert(l->time_s <= LLGR_TIME_MASK && (l->forwarding.bits & ~l->families.bits) == 0);
	wcur_u8(w, BGP_CAP_LONG_LIVED_GR);
	length = wcur_len(w);
	wcur_u8(w, 0);
	for (enum bgp_family f = 0; f < BGP_N_FAMILIES; f++) {
		const bool kept = bgp_families_has(l->forwarding, f);

		if (!bgp_families_has(l->families, f))
			continue;
		wcur_u16(w, bgp_family_afi(f));
		wcur_u8(w, bgp_family_safi(f));
		wcur_u32(w, l->time_s | (kept ? (uint32_t)GR_FORWARDING << 24 : 0));
	}
	if (!w->failed)
		wcur_patch_u8(w, length, (uint8_t)(wcur_len(w) - length - 1));
}

static void write_capabilities(struct wcur *w, const struct bgp_open *o)
{
	write_multiprotocol(w, o->families);
	write_empty_capability(w, BGP_CAP_ROUTE_REFRESH, o->route_refresh);
	if (o->extended_next_hop) {
		wcur_u8(w, BGP_CAP_EXTENDED_NEXT_HOP);
		wcur_u8(w, 6);
		wcur_u16(w, BGP_AFI_IPV4);
		wcur_u16(w, BGP_SAFI_UNICAST);
		wcur_u16(w, BGP_AFI_IPV6);
	}
	write_empty_capability(w, BGP_CAP_EXTENDED_MESSAGE, o->extended_message);
	if (o->has_role) {
		wcur_u8(w, BGP_CAP_ROLE);
		wcur_u8(w, 1);
		wcur_u8(w, o->role);
	}
	write_graceful_restart(w, &o->gr);
	wcur_u8(w, BGP_CAP_AS4);
	wcur_u8(w, 4);
	wcur_u32(w, o->asn);
	write_empty_capability(w, BGP_CAP_ENHANCED_REFRESH, o->enhanced_refresh);
	write_long_lived(w, &o->llgr);
	write_empty_capability(w, BGP_CAP_BFD_STRICT, o->bfd_strict);
}

size_t bgp_open_encode(uint8_t *buf, size_t cap, const struct bgp_open *open)
{
	struct wcur w = wcur_init(buf, cap);
	size_t lengths; /* where the lengths of all parameters and of the one we send are */

	bgp_message_start(&w, BGP_OPEN);
	wcur_u8(&w, BGP_VERSION);
	wcur_u16(&w, open->asn > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)open->asn);
	wcur_u16(&w, open->hold_s);
	wcur_u32(&w, open->router_id);
	lengths = wcur_len(&w);
	wcur_u8(&w, 0);
	if (open->plain)
		return bgp_message_end(&w);
	wcur_u8(&w, BGP_PARAM_CAPABILITIES);
	wcur_u8(&w, 0);
	write_capabilities(&w, open);
	if (w.failed)
		return 0;
	/* A few dozen octets: RFC 9072's form is never needed here. */
	assert(wcur_len(&w) - lengths - 1 <= UINT8_MAX);
	wcur_patch_u8(&w, lengths, (uint8_t)(wcur_len(&w) - lengths - 1));
	wcur_patch_u8(&w, lengths + 2, (uint8_t)(wcur_len(&w) - lengths - 3));
	return bgp_message_end(&w);
}
