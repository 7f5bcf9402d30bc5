// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One table of the capabilities that a session can do without. Families are apart: at least one is
 * always offered. The 4-octet AS number goes only with everything else.
 */
#include "bgp/bgp_offer.h"

#include "base/cursor.h"

#include <assert.h>

struct optional {
	uint8_t code;
	const char *text;
	void (*withhold)(struct bgp_open *open);
};

static void no_route_refresh(struct bgp_open *o)
{
	o->route_refresh = false;
}
static void no_enhanced_refresh(struct bgp_open *o)
{
	o->enhanced_refresh = false;
}
static void no_extended_message(struct bgp_open *o)
{
	o->extended_message = false;
}
static void no_extended_next_hop(struct bgp_open *o)
{
	o->extended_next_hop = false;
}
static void no_role(struct bgp_open *o)
{
	o->has_role = false;
}
/* Nor marks: RFC 7313 4 puts them behind End-of-RIB, which some send with graceful restart only. */
static void no_graceful_restart(struct bgp_open *o)
{
	o->gr = (struct bgp_graceful_restart){0};
	o->llgr = (struct bgp_long_lived){0};
	o->enhanced_refresh = false;
}
static void no_llgr(struct bgp_open *o)
{
	o->llgr = (struct bgp_long_lived){0};
}
static void no_bfd_strict(struct bgp_open *o)
{
	o->bfd_strict = false;
}

static const struct optional optional[] = {
	{BGP_CAP_ROUTE_REFRESH, "route refresh", no_route_refresh},
	{BGP_CAP_ENHANCED_REFRESH, "enhanced route refresh", no_enhanced_refresh},
	{BGP_CAP_EXTENDED_MESSAGE, "extended messages", no_extended_message},
	{BGP_CAP_EXTENDED_NEXT_HOP, "extended next hop", no_extended_next_hop},
	{BGP_CAP_ROLE, "role", no_role},
	{BGP_CAP_GRACEFUL_RESTART, "graceful restart", no_graceful_restart},
	{BGP_CAP_LONG_LIVED_GR, "long-lived graceful restart", no_llgr},
	{BGP_CAP_BFD_STRICT, "BFD strict mode", no_bfd_strict},
};
#define ALL_OPTIONAL ((uint16_t)((1u << ARRAY_SIZE(optional)) - 1))

struct bgp_open bgp_offer_open(const struct bgp_offer *o, const struct bgp_peer_config *config,
			       const struct bgp_graceful_restart *gr)
{
	struct bgp_open open = {.asn = config->local_asn,
				.hold_s = config->hold_s,
				.router_id = config->router_id,
				.plain = o->plain,
				.has_as4 = !o->plain,
				.families = config->families,
				.extended_next_hop = config->extended_next_hop,
				.route_refresh = true,
				.enhanced_refresh = gr->present,
				.extended_message = true,
				.has_role = config->has_role,
				.role = config->role,
				.gr = *gr,
				.bfd_strict = config->bfd_strict};

	if (gr->present && config->llgr_s > 0)
		open.llgr = (struct bgp_long_lived){.present = true,
						    .time_s = config->llgr_s,
						    .families = gr->families,
						    .forwarding = gr->forwarding};
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (o->plain || o->capabilities >> i & 1)
			optional[i].withhold(&open);
	if (o->plain)
		open.families = (struct bgp_families){BGP_FAMILY_BIT(BGP_IPV4_UNICAST)};
	else
		open.families.bits &= (uint8_t)~o->families.bits;
	open.gr.families = bgp_families_common(open.gr.families, open.families);
	open.gr.forwarding = bgp_families_common(open.gr.forwarding, open.families);
	open.llgr.families = bgp_families_common(open.llgr.families, open.families);
	open.llgr.forwarding = bgp_families_common(open.llgr.forwarding, open.families);
	assert(!bgp_families_is_empty(open.families));
	return open;
}

static bool is_sent(const struct bgp_open *sent, uint8_t code)
{
	struct bgp_open without = *sent;

	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (optional[i].code == code)
			optional[i].withhold(&without);
	return without.route_refresh != sent->route_refresh ||
	       without.enhanced_refresh != sent->enhanced_refresh ||
	       without.extended_message != sent->extended_message ||
	       without.extended_next_hop != sent->extended_next_hop ||
	       without.has_role != sent->has_role || without.gr.present != sent->gr.present ||
	       without.llgr.present != sent->llgr.present || without.bfd_strict != sent->bfd_strict;
}

/* Everything but bare BGP-4, which knows one family only. */
static bool go_plain(struct bgp_offer *o, const struct bgp_open *sent)
{
	if (sent->plain || !bgp_families_has(sent->families, BGP_IPV4_UNICAST))
		return false;
	o->plain = true;
	return true;
}

static void withhold_family(struct bgp_offer *o, struct rcur value, const struct bgp_open *sent)
{
	const uint16_t afi = rcur_u16(&value);
	struct bgp_families left = sent->families;
	enum bgp_family family;

	(void)rcur_u8(&value); /* reserved */
	if (!bgp_family_of(afi, rcur_u8(&value), &family) || value.failed)
		return;
	bgp_families_put(&left, family, false);
	left.bits &= (uint8_t)~o->families.bits;
	if (!bgp_families_is_empty(left) && bgp_families_has(sent->families, family))
		bgp_families_put(&o->families, family, true);
}

/* What a 2/7 lists and we had offered. */
static void withhold_listed(struct bgp_offer *o, struct rcur list, const struct bgp_open *sent)
{
	while (rcur_left(&list) > 0) {
		const uint8_t code = rcur_u8(&list);
		struct rcur value = rcur_sub(&list, rcur_u8(&list));

		if (list.failed)
			return;
		if (code == BGP_CAP_MULTIPROTOCOL)
			withhold_family(o, value, sent);
		for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
			if (optional[i].code == code && is_sent(sent, code))
				o->capabilities |= (uint16_t)(1u << i);
	}
}

bool bgp_offer_less(struct bgp_offer *o, const struct bgp_open *sent,
		    const struct bgp_error *refusal)
{
	const struct bgp_offer before = *o;

	if (refusal->code != BGP_ERROR_OPEN || sent->plain)
		return false;
	if (refusal->subcode == BGP_OPEN_UNSUPPORTED_PARAMETER)
		return go_plain(o, sent);
	if (refusal->subcode != BGP_OPEN_UNSUPPORTED_CAPABILITY)
		return false;
	if (refusal->data_len > 0)
		withhold_listed(o, rcur_init(refusal->data, refusal->data_len), sent);
	else if (o->capabilities != ALL_OPTIONAL)
		o->capabilities = ALL_OPTIONAL;
	else
		return go_plain(o, sent);
	return o->capabilities != before.capabilities ||
	       !bgp_families_equal(o->families, before.families);
}

static void add_word(char *buf, const char *word)
{
	const size_t len = strlen(buf);

	(void)snprintf(buf + len, BGP_OFFER_TEXT - len, "%s%s", len ? ", " : "without ", word);
}

const char *bgp_offer_text(const struct bgp_offer *o, char buf[BGP_OFFER_TEXT])
{
	char families[BGP_FAMILIES_TEXT];

	buf[0] = '\0';
	if (o->plain)
		add_word(buf, "any capability");
	for (size_t i = 0; i < ARRAY_SIZE(optional) && !o->plain; i++)
		if (o->capabilities >> i & 1)
			add_word(buf, optional[i].text);
	if (!bgp_families_is_empty(o->families) && !o->plain)
		add_word(buf, bgp_families_text(o->families, families));
	return buf;
}
