// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Community text. Literals are digits and colons only: no signs, no spaces, no hexadecimal, so that
 * whatever is not one of these shapes can still be the name of an alias. The names are those that
 * IANA registers for RFC 1997 communities and that routers' configurations use.
 */
#include "base/community.h"

#include "base/addr.h"

#include <assert.h>
#include <strings.h>

/* Several names of one value: the first is the one that is printed. */
static const struct {
	const char *name;
	uint32_t value;
} well_known[] = {
	{"internet", 0},
	{"no-export", COMMUNITY_NO_EXPORT},       /* RFC 1997 */
	{"no-advertise", COMMUNITY_NO_ADVERTISE}, /* RFC 1997 */
	{"no-export-subconfed", UINT32_C(0xffffff03)},
	{"local-as", UINT32_C(0xffffff03)},
	{"no-peer", UINT32_C(0xffffff04)},                  /* RFC 3765 */
	{"blackhole", UINT32_C(0xffff029a)},                /* RFC 7999 */
	{"graceful-shutdown", COMMUNITY_GRACEFUL_SHUTDOWN}, /* RFC 8326 */
	{"accept-own", UINT32_C(0xffff0001)},               /* RFC 7611 */
	{"llgr-stale", UINT32_C(0xffff0006)},               /* RFC 9494 */
	{"no-llgr", UINT32_C(0xffff0007)},                  /* RFC 9494 */
};

#define LARGE_PREFIX "large:"
#define MAX_PARTS    3

/* Case-insensitive, and '_' counts as '-'. */
static bool name_equal(const char *text, const char *name)
{
	for (; *text && *name; text++, name++) {
		char c = *text == '_' ? '-' : *text;

		if (strncasecmp(&c, name, 1) != 0)
			return false;
	}
	return *text == *name;
}

static bool find_name(const char *text, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(well_known); i++) {
		if (name_equal(text, well_known[i].name)) {
			*ret = well_known[i].value;
			return true;
		}
	}
	return false;
}

/* Saturates one past the largest part there is, so that any number of digits can be judged. */
static uint64_t parse_digits(const char *text, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n && v <= UINT32_MAX; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	return v;
}

/* Splits "1:2:3" and returns how many parts it has; 0 if it has another shape or more parts. */
static size_t parse_parts(const char *text, uint64_t parts[MAX_PARTS])
{
	for (size_t n = 0; n < MAX_PARTS;) {
		size_t len = strspn(text, "0123456789");

		if (len == 0)
			return 0;
		parts[n++] = parse_digits(text, len);
		if (!text[len])
			return n;
		if (text[len] != ':')
			return 0;
		text += len + 1;
	}
	return 0;
}

static bool all_at_most(const uint64_t *parts, size_t n, uint64_t max)
{
	for (size_t i = 0; i < n; i++)
		if (parts[i] > max)
			return false;
	return true;
}

static enum community_parse parse_large(const char *text, struct community *ret)
{
	uint64_t p[MAX_PARTS];

	if (parse_parts(text, p) != 3)
		return COMMUNITY_NOT_A_VALUE;
	if (!all_at_most(p, 3, UINT32_MAX))
		return COMMUNITY_OUT_OF_RANGE;
	*ret = (struct community){
		.type = COMMUNITY_LARGE,
		.large = {(uint32_t)p[0], (uint32_t)p[1], (uint32_t)p[2]},
	};
	return COMMUNITY_OK;
}

enum community_parse community_parse(const char *text, struct community *ret)
{
	uint64_t p[MAX_PARTS];
	uint32_t value;
	size_t n;

	if (find_name(text, &value)) {
		*ret = (struct community){.type = COMMUNITY_STANDARD, .standard = value};
		return COMMUNITY_OK;
	}
	if (strncmp(text, LARGE_PREFIX, strlen(LARGE_PREFIX)) == 0)
		return parse_large(text + strlen(LARGE_PREFIX), ret);
	n = parse_parts(text, p);
	if (n < 2)
		return COMMUNITY_NOT_A_VALUE;
	if (!all_at_most(p, n, n == 3 ? UINT32_MAX : UINT16_MAX))
		return COMMUNITY_OUT_OF_RANGE;
	if (n == 3)
		return COMMUNITY_LARGE_BARE;
	*ret = (struct community){
		.type = COMMUNITY_STANDARD,
		.standard = (uint32_t)p[0] << 16 | (uint32_t)p[1],
	};
	return COMMUNITY_OK;
}

/* --- extended ------------------------------------------------------------------------------- */

#define SUBTYPE_TARGET    0x02 /* RFC 4360 4 */
#define SUBTYPE_ORIGIN    0x03 /* RFC 4360 5 */
#define SUBTYPE_BANDWIDTH 0x04 /* draft-ietf-idr-link-bandwidth */

#define BANDWIDTH_PREFIX "lb:"
#define BANDWIDTH_MAX    4000000 /* Mb/s: so much is told from one more or less by 24 bits */
#define OCTETS_OF_MBIT   125000

enum administrator { OF_AS2 = 0x00, OF_IPV4 = 0x01, OF_AS4 = 0x02, OF_LINK = 0x40 };

static uint64_t extended(enum administrator type, uint64_t subtype, uint64_t high, uint64_t low)
{
	const int low_bits = type == OF_AS2 || type == OF_LINK ? 32 : 16;

	assert(low >> low_bits == 0 && high >> (48 - low_bits) == 0);
	return (uint64_t)type << 56 | subtype << 48 | high << low_bits | low;
}

/* "192.0.2.1:100" */
static enum community_parse parse_of_address(const char *text, uint64_t subtype, uint64_t *ret)
{
	const char *colon = strchr(text, ':');
	char address[IP_ADDR_TEXT];
	struct ip_addr a;
	uint64_t low;

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return COMMUNITY_NOT_A_VALUE;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(colon - text), text);
	if (!ip_addr_parse(address, &a) || !ip_addr_is_v4(&a) || colon[1] == '\0' ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return COMMUNITY_NOT_A_VALUE;
	low = parse_digits(colon + 1, strlen(colon + 1));
	if (low > UINT16_MAX)
		return COMMUNITY_OUT_OF_RANGE;
	*ret = extended(OF_IPV4, subtype, ip_addr_v4(&a), low);
	return COMMUNITY_OK;
}

static enum community_parse parse_of_as(const uint64_t p[2], uint64_t subtype, uint64_t *ret)
{
	const bool wide = p[0] > UINT16_MAX;

	if (p[0] > UINT32_MAX || p[1] > (wide ? UINT16_MAX : UINT32_MAX))
		return COMMUNITY_OUT_OF_RANGE;
	*ret = extended(wide ? OF_AS4 : OF_AS2, subtype, p[0], p[1]);
	return COMMUNITY_OK;
}

uint64_t community_bandwidth(uint16_t asn, float octets)
{
	uint32_t bits;

	_Static_assert(sizeof(octets) == sizeof(bits), "IEEE 754, single precision");
	memcpy(&bits, &octets, sizeof(bits));
	return extended(OF_LINK, SUBTYPE_BANDWIDTH, asn, bits);
}

bool community_is_bandwidth(uint64_t extended)
{
	return extended >> 48 == (OF_LINK << 8 | SUBTYPE_BANDWIDTH);
}

static uint32_t mbits_of(uint64_t bandwidth)
{
	const uint32_t bits = (uint32_t)bandwidth;
	float octets;

	memcpy(&octets, &bits, sizeof(octets));
	return (uint32_t)((double)octets / OCTETS_OF_MBIT + 0.5);
}

static enum community_parse parse_bandwidth(const char *text, struct community *ret)
{
	uint64_t p[MAX_PARTS];

	if (parse_parts(text, p) != 2)
		return COMMUNITY_NOT_A_VALUE;
	if (p[0] > UINT16_MAX || p[1] == 0 || p[1] > BANDWIDTH_MAX)
		return COMMUNITY_OUT_OF_RANGE;
	*ret = (struct community){
		.type = COMMUNITY_EXTENDED,
		.extended = community_bandwidth((uint16_t)p[0], (float)(p[1] * OCTETS_OF_MBIT)),
	};
	return COMMUNITY_OK;
}

enum community_parse community_parse_extended(const char *text, struct community *ret)
{
	static const struct {
		const char *prefix;
		uint64_t subtype;
	} kinds[] = {{"rt:", SUBTYPE_TARGET}, {"soo:", SUBTYPE_ORIGIN}};

	if (strncmp(text, BANDWIDTH_PREFIX, strlen(BANDWIDTH_PREFIX)) == 0)
		return parse_bandwidth(text + strlen(BANDWIDTH_PREFIX), ret);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const size_t len = strlen(kinds[i].prefix);
		enum community_parse outcome;
		uint64_t p[MAX_PARTS], value = 0;

		if (strncmp(text, kinds[i].prefix, len) != 0)
			continue;
		outcome = parse_parts(text + len, p) == 2
				  ? parse_of_as(p, kinds[i].subtype, &value)
				  : parse_of_address(text + len, kinds[i].subtype, &value);
		if (outcome == COMMUNITY_OK)
			*ret = (struct community){.type = COMMUNITY_EXTENDED, .extended = value};
		return outcome;
	}
	return COMMUNITY_NOT_A_VALUE;
}

const char *route_community_text(uint64_t c, char buf[COMMUNITY_TEXT])
{
	const unsigned type = (unsigned)(c >> 56), subtype = c >> 48 & 0xff;
	const char *kind = subtype == SUBTYPE_TARGET ? "rt" : "soo";
	const struct ip_addr a = ip_addr_from_v4((uint32_t)(c >> 16));
	char text[IP_ADDR_TEXT];

	buf[0] = '\0';
	if (community_is_bandwidth(c))
		(void)snprintf(buf, COMMUNITY_TEXT, BANDWIDTH_PREFIX "%u:%u",
			       (unsigned)(c >> 32 & 0xffff), mbits_of(c));
	if (subtype != SUBTYPE_TARGET && subtype != SUBTYPE_ORIGIN)
		return buf;
	if (type == OF_AS2)
		(void)snprintf(buf, COMMUNITY_TEXT, "%s:%u:%u", kind, (unsigned)(c >> 32 & 0xffff),
			       (uint32_t)c);
	else if (type == OF_AS4)
		(void)snprintf(buf, COMMUNITY_TEXT, "%s:%u:%u", kind, (uint32_t)(c >> 16),
			       (unsigned)(c & 0xffff));
	else if (type == OF_IPV4)
		(void)snprintf(buf, COMMUNITY_TEXT, "%s:%s:%u", kind, ip_addr_text(&a, text),
			       (unsigned)(c & 0xffff));
	return buf;
}

/* --- order and text ------------------------------------------------------------------------- */

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

int large_community_cmp(const struct large_community *a, const struct large_community *b)
{
	int order = compare(a->global, b->global);

	if (order == 0)
		order = compare(a->local1, b->local1);
	return order ? order : compare(a->local2, b->local2);
}

int community_cmp(const struct community *a, const struct community *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == COMMUNITY_EXTENDED)
		return a->extended < b->extended ? -1 : a->extended > b->extended;
	assert(a->type == COMMUNITY_STANDARD || a->type == COMMUNITY_LARGE);
	return a->type == COMMUNITY_STANDARD ? compare(a->standard, b->standard)
					     : large_community_cmp(&a->large, &b->large);
}

const char *community_text(uint32_t standard, char buf[COMMUNITY_TEXT])
{
	(void)snprintf(buf, COMMUNITY_TEXT, "%u:%u", standard >> 16, standard & 0xffff);
	return buf;
}

const char *large_community_text(const struct large_community *c, char buf[COMMUNITY_TEXT])
{
	_Static_assert(COMMUNITY_TEXT >= sizeof("4294967295:4294967295:4294967295"), "it fits");
	(void)snprintf(buf, COMMUNITY_TEXT, "%u:%u:%u", c->global, c->local1, c->local2);
	return buf;
}

const char *extended_community_text(uint64_t c, char buf[COMMUNITY_TEXT])
{
	(void)snprintf(buf, COMMUNITY_TEXT, "0x%016llx", (unsigned long long)c);
	return buf;
}

const char *community_name(uint32_t standard)
{
	for (size_t i = 0; i < ARRAY_SIZE(well_known); i++)
		if (well_known[i].value == standard)
			return well_known[i].name;
	return NULL;
}

/* 65535:65281..65284: no-export, no-advertise, no-export-subconfed, no-peer. */
bool community_limits_propagation(uint32_t standard)
{
	return standard >= COMMUNITY_NO_EXPORT && standard <= UINT32_C(0xffffff04);
}
