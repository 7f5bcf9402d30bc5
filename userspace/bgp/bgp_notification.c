// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * NOTIFICATION: encoding, and text for humans. All names of codes and subcodes are one table, so a
 * code that is added to bgp_wire.h gets its text here and nowhere else. What a peer wrote into a
 * shutdown communication ends up in logs and terminals: it is escaped so that it cannot move a
 * cursor, colour a line or fake a second one (RFC 9003 4).
 */
#include "bgp/bgp_notification.h"

#include "bgp/bgp_msg.h"
#include "bgp/bgp_open.h"
#include "bgp/bgp_peer.h"

#include <assert.h>

#define SHUTDOWN_MAX 255
_Static_assert(1 + SHUTDOWN_MAX <= BGP_ERROR_DATA_MAX, "the text and its length octet are data");
_Static_assert(4 * SHUTDOWN_MAX < BGP_SHUTDOWN_TEXT, "each octet may become \\xNN");

static const struct {
	uint8_t code, subcode;
	const char *text;
} names[] = {
	/* RFC 4271 4.5 */
	{1, 0, "Message Header Error"},
	{1, 1, "Message Header Error/Connection Not Synchronized"},
	{1, 2, "Message Header Error/Bad Message Length"},
	{1, 3, "Message Header Error/Bad Message Type"},
	{2, 0, "OPEN Message Error"},
	{2, 1, "OPEN Message Error/Unsupported Version Number"},
	{2, 2, "OPEN Message Error/Bad Peer AS"},
	{2, 3, "OPEN Message Error/Bad BGP Identifier"},
	{2, 4, "OPEN Message Error/Unsupported Optional Parameter"},
	{2, 5, "OPEN Message Error/Authentication Failure"},
	{2, 6, "OPEN Message Error/Unacceptable Hold Time"},
	{2, 7, "OPEN Message Error/Unsupported Capability"}, /* RFC 5492 */
	{2, 11, "OPEN Message Error/Role Mismatch"},         /* RFC 9234 */
	{3, 0, "UPDATE Message Error"},
	{3, 1, "UPDATE Message Error/Malformed Attribute List"},
	{3, 2, "UPDATE Message Error/Unrecognized Well-known Attribute"},
	{3, 3, "UPDATE Message Error/Missing Well-known Attribute"},
	{3, 4, "UPDATE Message Error/Attribute Flags Error"},
	{3, 5, "UPDATE Message Error/Attribute Length Error"},
	{3, 6, "UPDATE Message Error/Invalid ORIGIN Attribute"},
	{3, 7, "UPDATE Message Error/AS Routing Loop"},
	{3, 8, "UPDATE Message Error/Invalid NEXT_HOP Attribute"},
	{3, 9, "UPDATE Message Error/Optional Attribute Error"},
	{3, 10, "UPDATE Message Error/Invalid Network Field"},
	{3, 11, "UPDATE Message Error/Malformed AS_PATH"},
	{4, 0, "Hold Timer Expired"},
	{5, 0, "Finite State Machine Error"},
	/* RFC 6608 */
	{5, 1, "Finite State Machine Error/Unexpected Message in OpenSent"},
	{5, 2, "Finite State Machine Error/Unexpected Message in OpenConfirm"},
	{5, 3, "Finite State Machine Error/Unexpected Message in Established"},
	/* RFC 4486, 8538, 9384 */
	{6, 0, "Cease"},
	{6, 1, "Cease/Maximum Number of Prefixes Reached"},
	{6, 2, "Cease/Administrative Shutdown"},
	{6, 3, "Cease/Peer De-configured"},
	{6, 4, "Cease/Administrative Reset"},
	{6, 5, "Cease/Connection Rejected"},
	{6, 6, "Cease/Other Configuration Change"},
	{6, 7, "Cease/Connection Collision Resolution"},
	{6, 8, "Cease/Out of Resources"},
	{6, 9, "Cease/Hard Reset"},
	{6, 10, "Cease/BFD Down"},
	/* RFC 7313 */
	{7, 0, "ROUTE-REFRESH Message Error"},
	{7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"},
	{8, 0, "Send Hold Timer Expired"}, /* RFC 9687 */
};

struct bgp_error bgp_error_shutdown(uint8_t subcode, const char *text)
{
	struct bgp_error e = bgp_error_make(BGP_ERROR_CEASE, subcode);
	size_t len = text ? strlen(text) : 0;

	assert(subcode == BGP_CEASE_SHUTDOWN || subcode == BGP_CEASE_RESET);
	if (len > SHUTDOWN_MAX) {
		len = SHUTDOWN_MAX;
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	}
	e.data[0] = (uint8_t)len;
	if (len > 0)
		memcpy(e.data + 1, text, len);
	e.data_len = (uint16_t)(len + 1);
	return e;
}

size_t bgp_notification_encode(uint8_t *buf, size_t cap, const struct bgp_error *e)
{
	struct wcur w = wcur_init(buf, cap);

	bgp_message_start(&w, BGP_NOTIFICATION);
	wcur_u8(&w, e->code);
	wcur_u8(&w, e->subcode);
	if (e->data_len > 0)
		wcur_bytes(&w, e->data, e->data_len);
	return bgp_message_end(&w);
}

bool bgp_notification_decode(struct rcur body, struct bgp_error *ret)
{
	uint8_t code = rcur_u8(&body), subcode = rcur_u8(&body);

	if (body.failed)
		return false;
	*ret = bgp_error_with(code, subcode, body.at, rcur_left(&body));
	return true;
}

const char *bgp_notification_text(uint8_t code, uint8_t subcode)
{
	const char *text = "Unknown";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].code != code)
			continue;
		if (names[i].subcode == subcode)
			return names[i].text;
		if (names[i].subcode == 0)
			text = names[i].text;
	}
	return text;
}

/* --- capabilities ---------------------------------------------------------------------------- */

static const struct {
	uint16_t afi;
	uint8_t safi;
	const char *text;
} families[] = {
	{BGP_AFI_IPV4, BGP_SAFI_UNICAST, "IPv4 unicast"},
	{BGP_AFI_IPV6, BGP_SAFI_UNICAST, "IPv6 unicast"},
	{BGP_AFI_IPV4, 2, "IPv4 multicast"},
	{BGP_AFI_IPV6, 2, "IPv6 multicast"},
	{BGP_AFI_IPV4, 4, "IPv4 labelled unicast"},
	{BGP_AFI_IPV6, 4, "IPv6 labelled unicast"},
	{BGP_AFI_IPV4, 128, "IPv4 VPN"},
	{BGP_AFI_IPV6, 128, "IPv6 VPN"},
	{25, 70, "EVPN"},
};

static const struct {
	uint8_t code;
	const char *text;
} capabilities[] = {
	{BGP_CAP_ROUTE_REFRESH, "route refresh"},
	{BGP_CAP_EXTENDED_NEXT_HOP, "extended next hop"},
	{BGP_CAP_EXTENDED_MESSAGE, "extended messages"},
	{BGP_CAP_ROLE, "role"},
	{BGP_CAP_GRACEFUL_RESTART, "graceful restart"},
	{BGP_CAP_AS4, "4-octet AS number"},
	{BGP_CAP_ENHANCED_REFRESH, "enhanced route refresh"},
	{BGP_CAP_LONG_LIVED_GR, "long-lived graceful restart"},
	{BGP_CAP_BFD_STRICT, "BFD strict mode"},
	{BGP_CAP_ROUTE_REFRESH_OLD, "route refresh (128)"},
};

/* One capability of a list. */
struct capability {
	uint8_t code;
	uint16_t afi; /* of a family */
	uint8_t safi;
};

static void capability_name(const struct capability *c, char *buf, size_t size)
{
	const char *name = NULL;

	for (size_t i = 0; c->code == BGP_CAP_MULTIPROTOCOL && i < ARRAY_SIZE(families); i++)
		if (families[i].afi == c->afi && families[i].safi == c->safi)
			name = families[i].text;
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].code == c->code)
			name = capabilities[i].text;
	if (name)
		(void)snprintf(buf, size, "%s", name);
	else if (c->code == BGP_CAP_MULTIPROTOCOL)
		(void)snprintf(buf, size, "AFI %u SAFI %u", c->afi, c->safi);
	else
		(void)snprintf(buf, size, "capability %u", c->code);
}

static bool is_offered(const struct bgp_open *open, const struct capability *c)
{
	enum bgp_family family;

	switch (c->code) {
	case BGP_CAP_MULTIPROTOCOL:
		return bgp_family_of(c->afi, c->safi, &family) &&
		       bgp_families_has(open->families, family);
	case BGP_CAP_ROUTE_REFRESH:
		return open->route_refresh;
	case BGP_CAP_ENHANCED_REFRESH:
		return open->enhanced_refresh;
	case BGP_CAP_EXTENDED_NEXT_HOP:
		return open->extended_next_hop;
	case BGP_CAP_EXTENDED_MESSAGE:
		return open->extended_message;
	case BGP_CAP_ROLE:
		return open->has_role;
	case BGP_CAP_GRACEFUL_RESTART:
		return open->gr.present;
	case BGP_CAP_LONG_LIVED_GR:
		return open->llgr.present;
	case BGP_CAP_BFD_STRICT:
		return open->bfd_strict;
	case BGP_CAP_AS4:
		return open->has_as4;
	default:
		return false;
	}
}

size_t bgp_capabilities_of(const struct bgp_open *open, const char *ret[BGP_CAPABILITIES_MAX])
{
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(capabilities) <= BGP_CAPABILITIES_MAX, "room for all");
	for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
		const struct capability c = {.code = capabilities[i].code};

		if (is_offered(open, &c))
			ret[n++] = capabilities[i].text;
	}
	return n;
}

/* False at the end of the list, or where it is broken. */
static bool next_capability(struct rcur *list, struct capability *ret)
{
	struct rcur value;

	*ret = (struct capability){.code = rcur_u8(list)};
	value = rcur_sub(list, rcur_u8(list));
	if (ret->code == BGP_CAP_MULTIPROTOCOL) {
		ret->afi = rcur_u16(&value);
		(void)rcur_u8(&value); /* reserved */
		ret->safi = rcur_u8(&value);
	}
	return !list->failed;
}

const char *bgp_capabilities_text(const struct bgp_error *e, const struct bgp_open *ours,
				  char buf[BGP_CAPABILITIES_TEXT])
{
	static const char more[] = "; ...";
	struct rcur list = rcur_init(e->data, e->data_len);
	struct capability c;
	size_t at = 0;

	if (e->code != BGP_ERROR_OPEN || e->subcode != BGP_OPEN_UNSUPPORTED_CAPABILITY)
		return NULL;
	while (next_capability(&list, &c)) {
		const char *side = !ours                  ? "not offered by the peer"
				   : is_offered(ours, &c) ? "not taken by the peer"
							  : "not offered by this node";
		char name[32], word[96];
		size_t len;

		capability_name(&c, name, sizeof(name));
		len = (size_t)snprintf(word, sizeof(word), "%s%s: %s", at > 0 ? "; " : "", name,
				       side);
		if (at + len + sizeof(more) > BGP_CAPABILITIES_TEXT) {
			memcpy(buf + at, more, sizeof(more));
			return buf;
		}
		memcpy(buf + at, word, len + 1);
		at += len;
		assert(len < sizeof(word) && at < BGP_CAPABILITIES_TEXT);
	}
	return at > 0 ? buf : NULL;
}

/* --- shutdown communication ------------------------------------------------------------------ */

/* The least code point that a UTF-8 sequence of so many octets may encode (RFC 3629 3). */
static const uint32_t utf8_least[] = {0, 0, 0x80, 0x800, 0x10000};

static size_t utf8_sequence_len(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc0 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf8 ? 4 : 0;
}

static bool code_point_is_printable(uint32_t cp, size_t n)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) /* C0, DEL, C1 */
		return false;
	if (cp >= 0xd800 && cp < 0xe000) /* surrogates */
		return false;
	if ((cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069)) /* line separators, changes of direction */
		return false;
	return cp >= utf8_least[n] && cp < 0x110000;
}

/* Octets of the printable character at p, or 0 if there is none. */
static size_t printable_len(const uint8_t *p, size_t left)
{
	size_t n = utf8_sequence_len(p[0]);
	uint32_t cp;

	if (n == 0 || n > left)
		return 0;
	cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	return code_point_is_printable(cp, n) ? n : 0;
}

const char *bgp_shutdown_text(const struct bgp_error *e, char buf[BGP_SHUTDOWN_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = e->data + 1;
	size_t left, n, at = 0;

	if (e->code != BGP_ERROR_CEASE ||
	    (e->subcode != BGP_CEASE_SHUTDOWN && e->subcode != BGP_CEASE_RESET))
		return NULL;
	if (e->data_len == 0 || e->data[0] == 0 || e->data[0] >= e->data_len)
		return NULL;
	for (left = e->data[0]; left > 0; left -= n, p += n) {
		n = printable_len(p, left);
		if (n > 0) {
			memcpy(buf + at, p, n);
			at += n;
			continue;
		}
		n = 1;
		buf[at++] = '\\';
		buf[at++] = 'x';
		buf[at++] = hex[*p >> 4];
		buf[at++] = hex[*p & 0xf];
	}
	assert(at < BGP_SHUTDOWN_TEXT);
	buf[at] = '\0';
	return buf;
}

/* --- in all ---------------------------------------------------------------------------------- */

/* As RFC 9234 4.2 calls them. */
static const char *role_text(uint8_t role)
{
	static const char *const texts[] = {
		[BGP_ROLE_PROVIDER] = "provider",   [BGP_ROLE_RS] = "rs",
		[BGP_ROLE_RS_CLIENT] = "rs-client", [BGP_ROLE_CUSTOMER] = "customer",
		[BGP_ROLE_PEER] = "peer",
	};

	return role < ARRAY_SIZE(texts) ? texts[role] : "unknown";
}

const char *bgp_open_refused_text(const struct bgp_error *e, const struct bgp_open *open,
				  const struct bgp_peer_config *config,
				  char buf[BGP_CAPABILITIES_TEXT])
{
	char want[32];

	if (e->code == BGP_ERROR_OPEN && e->subcode == BGP_OPEN_ROLE_MISMATCH) {
		(void)snprintf(
			buf, BGP_CAPABILITIES_TEXT,
			"the peer has the role %s, which does not go with ours, %s (RFC 9234)",
			role_text(open->role), role_text(config->role));
		return buf;
	}
	if (e->code != BGP_ERROR_OPEN || e->subcode != BGP_OPEN_BAD_PEER_AS)
		return bgp_capabilities_text(e, NULL, buf);
	(void)snprintf(want, sizeof(want), "AS %u", config->remote_asn);
	(void)snprintf(buf, BGP_CAPABILITIES_TEXT,
		       "the peer says it is AS %u, and %s is configured", open->asn,
		       config->any_external   ? "any but ours"
		       : config->any_internal ? "our own AS"
					      : want);
	return buf;
}

struct bgp_error bgp_error_hard_reset(const struct bgp_error *cease)
{
	struct bgp_error e = bgp_error_make(BGP_ERROR_CEASE, BGP_CEASE_HARD_RESET);
	const size_t len =
		cease->data_len < BGP_ERROR_DATA_MAX - 2 ? cease->data_len : BGP_ERROR_DATA_MAX - 2;

	e.data[0] = cease->code;
	e.data[1] = cease->subcode;
	memcpy(e.data + 2, cease->data, len);
	e.data_len = (uint16_t)(len + 2);
	return e;
}

static bool is_hard_reset(const struct bgp_error *e)
{
	return e->code == BGP_ERROR_CEASE && e->subcode == BGP_CEASE_HARD_RESET && e->data_len >= 2;
}

/* What the name does not say; NULL: nothing more. */
static const char *detail_of(const struct bgp_error *e, const struct bgp_open *ours,
			     char buf[BGP_SHUTDOWN_TEXT])
{
	char families_buf[BGP_FAMILIES_TEXT];

	if (e->code == BGP_ERROR_CEASE)
		return bgp_shutdown_text(e, buf);
	if (e->code != BGP_ERROR_OPEN)
		return NULL;
	if (e->subcode == BGP_OPEN_BAD_PEER_AS)
		(void)snprintf(buf, BGP_SHUTDOWN_TEXT,
			       "this node says it is AS %u, the peer expects another", ours->asn);
	else if (e->subcode == BGP_OPEN_BAD_BGP_ID)
		(void)snprintf(
			buf, BGP_SHUTDOWN_TEXT,
			"this node's router id is %u.%u.%u.%u; another neighbour of the peer "
			"or the peer itself may have it, too",
			ours->router_id >> 24, ours->router_id >> 16 & 255,
			ours->router_id >> 8 & 255, ours->router_id & 255);
	else if (e->subcode != BGP_OPEN_UNSUPPORTED_CAPABILITY)
		return NULL;
	else if (!bgp_capabilities_text(e, ours, buf))
		(void)snprintf(buf, BGP_SHUTDOWN_TEXT,
			       "which one it does not say; this node offers %s",
			       bgp_families_text(ours->families, families_buf));
	return buf;
}

const char *bgp_received_text(const struct bgp_error *e, const struct bgp_open *ours,
			      char buf[BGP_RECEIVED_TEXT])
{
	char detail_buf[BGP_SHUTDOWN_TEXT];
	const char *detail, *within = "";
	struct bgp_error inner = *e;

	_Static_assert(BGP_CAPABILITIES_TEXT <= BGP_SHUTDOWN_TEXT, "one room for all details");
	if (is_hard_reset(e)) {
		inner = bgp_error_with(e->data[0], e->data[1], e->data + 2, e->data_len - 2u);
		within = bgp_notification_text(inner.code, inner.subcode);
	}
	detail = detail_of(&inner, ours, detail_buf);
	(void)snprintf(buf, BGP_RECEIVED_TEXT, "%s%s%s%s%s",
		       bgp_notification_text(e->code, e->subcode), within[0] ? " for " : "", within,
		       detail ? ": " : "", detail ? detail : "");
	return buf;
}
