// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses, prefixes and ranges. Text goes through inet_pton and inet_ntop (strict dotted quads
 * and RFC 4291 text in, RFC 5952 text out); arithmetic is done on 128-bit integers, which holds
 * both families because IPv4 is kept in its mapped form: 10.0.0.0/8 has 96 + 8 fixed bits.
 *
 * An IPv6 prefix never contains an IPv4 address, although ::/0 does cover the mapped form: the two
 * are separate routing tables. For the same reason prefix text may not use the mapped form.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>

typedef unsigned __int128 u128;

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

const char *ip_family_text(enum ip_family family)
{
	return family == IP_V4 ? "IPv4" : "IPv6";
}

static u128 to_int(const struct ip_addr *a)
{
	uint64_t halves[2];

	memcpy(halves, a->b, sizeof(halves));
	return (u128)be64toh(halves[0]) << 64 | be64toh(halves[1]);
}

static struct ip_addr from_int(u128 v)
{
	const uint64_t halves[2] = {htobe64((uint64_t)(v >> 64)), htobe64((uint64_t)v)};
	struct ip_addr ret;

	memcpy(ret.b, halves, sizeof(halves));
	return ret;
}

/* The n lowest bits set, n up to 128. */
static u128 low_bits(unsigned n)
{
	return n >= 128 ? ~(u128)0 : ((u128)1 << n) - 1;
}

struct ip_addr ip_addr_from_v4(uint32_t host_order)
{
	return from_int((u128)0xffff << 32 | host_order);
}

uint32_t ip_addr_v4(const struct ip_addr *a)
{
	assert(ip_addr_is_v4(a));
	return (uint32_t)to_int(a);
}

bool ip_addr_parse(const char *text, struct ip_addr *ret)
{
	struct ip_addr a;

	if (inet_pton(AF_INET6, text, a.b) != 1) {
		if (inet_pton(AF_INET, text, a.b + sizeof(mapped)) != 1)
			return false;
		memcpy(a.b, mapped, sizeof(mapped));
	}
	*ret = a;
	return true;
}

/* inet_ntop() does it by printf, which metrics would call thousands of times in a row. */
static const char *v4_text(const uint8_t octets[4], char buf[IP_ADDR_TEXT])
{
	char *at = buf;

	for (int i = 0; i < 4; i++) {
		if (octets[i] >= 100)
			*at++ = (char)('0' + octets[i] / 100);
		if (octets[i] >= 10)
			*at++ = (char)('0' + octets[i] / 10 % 10);
		*at++ = (char)('0' + octets[i] % 10);
		*at++ = i < 3 ? '.' : '\0';
	}
	return buf;
}

const char *ip_addr_text(const struct ip_addr *a, char buf[IP_ADDR_TEXT])
{
	const char *text = ip_addr_is_v4(a) ? v4_text(a->b + sizeof(mapped), buf)
					    : inet_ntop(AF_INET6, a->b, buf, IP_ADDR_TEXT);

	assert(text);
	return text;
}

struct ip_addr ip_addr_next(const struct ip_addr *a)
{
	return from_int(to_int(a) + 1);
}

struct ip_addr ip_addr_before(const struct ip_addr *a)
{
	return from_int(to_int(a) - 1);
}

uint8_t ip_addr_bits(const struct ip_addr *a)
{
	return ip_family_bits(ip_family_of(a));
}

/* Bits of the address that a prefix of this length leaves free. */
static unsigned host_bits(const struct ip_addr *a, uint8_t len)
{
	assert(len <= ip_addr_bits(a));
	return (unsigned)ip_addr_bits(a) - len;
}

bool ip_addr_is_link_local(const struct ip_addr *a)
{
	if (ip_addr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool ip_addr_is_loopback(const struct ip_addr *a)
{
	static const struct ip_addr v6 = {.b = {[15] = 1}};

	return ip_addr_is_v4(a) ? a->b[12] == 127 : ip_addr_equal(a, &v6);
}

bool ip_addr_is_unicast(const struct ip_addr *a)
{
	if (!ip_addr_is_v4(a))
		return !ip_addr_is_none(a) && a->b[0] != 0xff;
	return a->b[12] != 0 && (a->b[12] & 0xf0) != 0xe0 && ip_addr_v4(a) != UINT32_MAX;
}

struct ip_prefix ip_prefix_of(const struct ip_addr *a, uint8_t len)
{
	uint8_t bits = ip_addr_bits(a);

	if (len > bits)
		len = bits;
	return (struct ip_prefix){
		.addr = from_int(to_int(a) & ~low_bits(host_bits(a, len))),
		.len = len,
	};
}

/* One to three digits, no sign, no leading zero: anything else is not a prefix length. */
static bool parse_len(const char *text, unsigned max, uint8_t *ret)
{
	size_t n = strspn(text, "0123456789");
	unsigned v = 0;

	if (n == 0 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	if (v > max)
		return false;
	*ret = (uint8_t)v;
	return true;
}

/* Parses text[0..len) as an address, without the spaces round it. */
static bool parse_part(const char *text, size_t len, struct ip_addr *ret)
{
	char buf[IP_ADDR_TEXT];

	for (; len && *text == ' '; len--)
		text++;
	while (len && text[len - 1] == ' ')
		len--;
	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = 0;
	return ip_addr_parse(buf, ret);
}

bool ip_prefix_parse(const char *text, struct ip_prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct ip_addr a;
	uint8_t len;

	if (!slash || strchr(text, ' ') || !parse_part(text, (size_t)(slash - text), &a))
		return false;
	if (ip_addr_is_v4(&a) && memchr(text, ':', (size_t)(slash - text)))
		return false;
	if (!parse_len(slash + 1, ip_addr_bits(&a), &len))
		return false;
	*ret = ip_prefix_of(&a, len);
	return true;
}

const char *ip_prefix_text(const struct ip_prefix *p, char buf[IP_PREFIX_TEXT])
{
	size_t n = strlen(ip_addr_text(&p->addr, buf));

	_Static_assert(IP_PREFIX_TEXT >= IP_ADDR_TEXT + sizeof("/128") - 1, "the longest fits");
	(void)snprintf(buf + n, IP_PREFIX_TEXT - n, "/%u", p->len);
	return buf;
}

struct ip_range ip_prefix_range(const struct ip_prefix *p)
{
	const unsigned skipped = 128u - ip_addr_bits(&p->addr);
	struct ip_range ret = {p->addr, p->addr};

	for (unsigned bit = skipped + p->len; bit < 128; bit++)
		ret.last.b[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return ret;
}

bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a)
{
	struct ip_addr network;

	if (ip_addr_is_v4(&p->addr) != ip_addr_is_v4(a))
		return false;
	network = ip_prefix_of(a, p->len).addr;
	return ip_addr_equal(&network, &p->addr);
}

static struct ip_range range_of_prefix(const struct ip_prefix *p)
{
	u128 host = low_bits(host_bits(&p->addr, p->len));

	return (struct ip_range){.first = p->addr, .last = from_int(to_int(&p->addr) | host)};
}

bool ip_range_parse(const char *text, struct ip_range *ret)
{
	const char *dash = strchr(text, '-');
	struct ip_prefix p;
	struct ip_range r;

	if (!dash) {
		if (!ip_prefix_parse(text, &p))
			return false;
		/* The last of ::/80 is of IPv4, mapped. */
		r = range_of_prefix(&p);
		if (ip_addr_is_v4(&r.first) != ip_addr_is_v4(&r.last))
			return false;
		*ret = r;
		return true;
	}
	if (!parse_part(text, (size_t)(dash - text), &r.first) ||
	    !parse_part(dash + 1, strlen(dash + 1), &r.last))
		return false;
	if (ip_addr_is_v4(&r.first) != ip_addr_is_v4(&r.last) || ip_addr_cmp(&r.first, &r.last) > 0)
		return false;
	*ret = r;
	return true;
}

bool ip_range_has(const struct ip_range *r, const struct ip_addr *a)
{
	return ip_addr_is_v4(&r->first) == ip_addr_is_v4(a) && ip_addr_cmp(&r->first, a) <= 0 &&
	       ip_addr_cmp(a, &r->last) <= 0;
}

bool ip_range_overlaps(const struct ip_range *a, const struct ip_range *b)
{
	return ip_addr_is_v4(&a->first) == ip_addr_is_v4(&b->first) &&
	       ip_addr_cmp(&a->first, &b->last) <= 0 && ip_addr_cmp(&b->first, &a->last) <= 0;
}

/* Free bits of the largest CIDR block that starts at `at` and does not reach past `last`. */
static unsigned block_bits(u128 at, u128 last, unsigned max)
{
	unsigned n = 0;

	while (n < max && (at & low_bits(n + 1)) == 0 && at + low_bits(n + 1) <= last)
		n++;
	return n;
}

uint8_t ip_range_shortest_cidr(const struct ip_range *r)
{
	u128 at = to_int(&r->first), last = to_int(&r->last);
	unsigned bits = ip_addr_bits(&r->first), widest = 0;

	assert(at <= last); /* or it would be passed, and never met */
	for (;;) {
		unsigned n = block_bits(at, last, bits);

		if (n > widest)
			widest = n;
		if (at + low_bits(n) == last)
			return (uint8_t)(bits - widest);
		at += low_bits(n) + 1;
	}
}

uint64_t ip_range_count(const struct ip_range *r)
{
	u128 span = to_int(&r->last) - to_int(&r->first);

	assert(ip_addr_cmp(&r->first, &r->last) <= 0);
	return span >= UINT64_MAX ? UINT64_MAX : (uint64_t)span + 1;
}
