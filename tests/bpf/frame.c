// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds frames field by field in network order and sums them in full (RFC 1071). Nothing here is
 * shared with the code under test.
 */
#include "bpf/frame.h"

#include <netinet/in.h>
#include <string.h>

#include <arpa/inet.h>

#define IP_HEADER    20
#define IPV6_HEADER  40
#define EXT_FRAGMENT 44
#define EXT_DSTOPTS  60

static int speaks = AF_INET;

void frame_use_family(int family)
{
	speaks = family;
}

int frame_family(void)
{
	return speaks;
}

static bool is_v6(void)
{
	return speaks == AF_INET6;
}

void frame_address(uint8_t to[16], uint32_t v4)
{
	const uint32_t prefix = v4 ? 0x20010db8 : 0;
	uint32_t words[4] = {0, 0, htonl(0xffff), htonl(v4)};

	if (is_v6()) {
		words[0] = htonl(prefix ^ (v4 & 0xff) << 8);
		words[1] = htonl(v4 * 0x9e3779b1u);
		words[2] = htonl(v4 * 0x85ebca77u);
	}
	memcpy(to, words, sizeof(words));
}

static void put8(struct frame *f, uint8_t v)
{
	f->bytes[f->len++] = v;
}

static void put16(struct frame *f, uint16_t v)
{
	put8(f, (uint8_t)(v >> 8));
	put8(f, (uint8_t)v);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, (uint16_t)(v >> 16));
	put16(f, (uint16_t)v);
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t frame_sum(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint16_t l4_header(const struct frame_spec *s)
{
	return s->proto == IPPROTO_TCP ? 20 : s->proto == IPPROTO_SCTP ? 16 : 8;
}

/* IPv6 says so by a header, IPv4 always has a word for it. */
static bool has_fragment_header(const struct frame_spec *s)
{
	return is_v6() && s->frag & 0x3fff;
}

size_t frame_l3_len(const struct frame_spec *s)
{
	if (!is_v6())
		return IP_HEADER + 4u * s->options;
	return IPV6_HEADER + s->extension_len + 8u * s->options + (has_fragment_header(s) ? 8u : 0);
}

static uint16_t payload(const struct frame_spec *s)
{
	if (s->quote)
		return s->quote_len;
	if (s->bare)
		return 0;
	return s->payload ? s->payload : 20;
}

static void put_ethernet(struct frame *f, const struct frame_spec *s)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	for (size_t i = 0; i < sizeof(macs); i++)
		put8(f, macs[s->turned ? (i + 6) % 12 : i]);
	if (s->vlan) {
		put16(f, 0x8100);
		put16(f, s->vlan);
	}
	put16(f, is_v6() ? 0x86dd : 0x0800);
}

static void put_ipv4(struct frame *f, const struct frame_spec *s)
{
	uint16_t ihl = (uint16_t)(IP_HEADER + 4 * s->options);
	size_t at = f->len;

	put8(f, (uint8_t)(0x40 | ihl / 4));
	put8(f, 0);
	put16(f, (uint16_t)(ihl + l4_header(s) + payload(s)));
	put16(f, 0x1234);
	put16(f, s->frag);
	put8(f, s->ttl ? s->ttl : 64);
	put8(f, s->proto);
	put16(f, 0);
	put32(f, s->src);
	put32(f, s->dst);
	for (unsigned i = 0; i < s->options; i++)
		put32(f, 0x01010101); /* no operation */
	set16(&f->bytes[at + 10], (uint16_t)~frame_sum(0, &f->bytes[at], ihl));
}

/* The headers that follow, last first: each names the next. */
static void put_extensions(struct frame *f, const struct frame_spec *s)
{
	uint8_t after_options = has_fragment_header(s) ? EXT_FRAGMENT : s->proto;
	size_t at = f->len;

	for (size_t i = 0; i < s->extension_len; i++)
		put8(f, s->extension[i]);
	if (s->extension_len)
		f->bytes[at + s->extension_last] = s->options ? EXT_DSTOPTS : after_options;
	for (unsigned i = 0; i < 8u * s->options; i++)
		put8(f, i == 0   ? after_options
			: i == 1 ? (uint8_t)(s->options - 1)
				 : 0); /* padding of one byte each */
	if (!has_fragment_header(s))
		return;
	put8(f, s->proto);
	put8(f, 0);
	put16(f, (uint16_t)((s->frag & 0x1fff) << 3 | (s->frag & 0x2000 ? 1 : 0)));
	put32(f, 0x12345678);
}

static void put_ipv6(struct frame *f, const struct frame_spec *s)
{
	uint8_t addr[16];

	put32(f, 0x60012345);
	put16(f, (uint16_t)(frame_l3_len(s) - IPV6_HEADER + l4_header(s) + payload(s)));
	put8(f, s->extension_len         ? s->extension_first
		: s->options             ? EXT_DSTOPTS
		: has_fragment_header(s) ? EXT_FRAGMENT
					 : s->proto);
	put8(f, s->ttl ? s->ttl : 64);
	frame_address(addr, s->src);
	for (unsigned i = 0; i < sizeof(addr); i++)
		put8(f, addr[i]);
	frame_address(addr, s->dst);
	for (unsigned i = 0; i < sizeof(addr); i++)
		put8(f, addr[i]);
	put_extensions(f, s);
}

static void put_l4(struct frame *f, const struct frame_spec *s)
{
	if (s->proto == IPPROTO_TCP) {
		put16(f, s->sport);
		put16(f, s->dport);
		put32(f, 0x01020304);
		put32(f, 0x0a0b0c0d);
		put8(f, 0x50);
		put8(f, s->tcp_flags ? s->tcp_flags : TCP_ACK_FLAG);
		put16(f, 0x7000);
		put32(f, 0);
	} else if (s->proto == IPPROTO_UDP) {
		put16(f, s->sport);
		put16(f, s->dport);
		put16(f, (uint16_t)(8 + payload(s)));
		put16(f, 0);
	} else if (s->proto == IPPROTO_SCTP) {
		put16(f, s->sport);
		put16(f, s->dport);
		put32(f, 0x0badcafe);
		put32(f, 0);
		put8(f, s->chunk);
		put8(f, 0);
		put16(f, (uint16_t)(4 + payload(s)));
	} else {
		put8(f, s->icmp_type);
		put8(f, 0);
		put16(f, 0);
		put32(f, 0x00070001);
	}
	for (unsigned i = 0; i < payload(s); i++)
		put8(f, s->quote  ? s->quote->bytes[FRAME_IP + i]
			: s->data ? s->data[i]
				  : (uint8_t)(i * 7 + 3));
}

/* IPv6's pseudo header is the same sum over longer addresses (RFC 8200 8.1). */
static uint32_t pseudo_sum(const uint8_t *ip, uint8_t proto, size_t len)
{
	return is_v6() ? frame_sum((uint32_t)(proto + len), ip + 8, 32)
		       : frame_sum((uint32_t)(proto + len), ip + 12, 8);
}

uint32_t frame_pseudo_sum(const struct frame_spec *s, size_t len)
{
	uint8_t ip[IPV6_HEADER] = {0};

	if (s->proto == IPPROTO_ICMP)
		return 0;
	frame_address(&ip[8], s->src);
	frame_address(&ip[24], s->dst);
	return frame_sum((uint32_t)(s->proto + len), ip + 8, 32);
}

static size_t check_at(uint8_t proto)
{
	return proto == IPPROTO_TCP ? 16 : proto == IPPROTO_UDP ? 6 : 2;
}

static void set_l4_check(struct frame *f, const struct frame_spec *s, size_t ip, size_t l4)
{
	bool plain = s->proto == IPPROTO_ICMP;
	size_t len = f->len - l4;
	uint16_t check = (uint16_t)~frame_sum(plain ? 0 : pseudo_sum(&f->bytes[ip], s->proto, len),
					      &f->bytes[l4], len);

	if (s->proto == IPPROTO_UDP && !check)
		check = 0xffff;
	set16(&f->bytes[l4 + check_at(s->proto)], check);
}

/* CRC32c, a bit at a time (RFC 9260 appendix A), which is sent with its lowest octet first. */
static void set_crc(struct frame *f, size_t l4)
{
	uint32_t crc = ~0u;

	for (size_t i = l4; i < f->len; i++) {
		crc ^= f->bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	for (size_t i = 0; i < 4; i++)
		f->bytes[l4 + 8 + i] = (uint8_t)(crc >> 8 * i);
}

void frame_make(struct frame *f, const struct frame_spec *s)
{
	size_t ip, l4;

	f->len = 0;
	put_ethernet(f, s);
	ip = f->len;
	if (is_v6())
		put_ipv6(f, s);
	else
		put_ipv4(f, s);
	l4 = f->len;
	put_l4(f, s);
	if (s->proto == IPPROTO_TCP || s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6 ||
	    (s->proto == IPPROTO_UDP && !s->no_udp_checksum))
		set_l4_check(f, s, ip, l4);
	if (s->proto == IPPROTO_SCTP)
		set_crc(f, l4);
}

/* The words of IPv4 in the header, those of IPv6 in a header of their own. */
static void put_fragment_words(struct frame *f, uint16_t offset, bool more, uint32_t id)
{
	uint8_t *ip = &f->bytes[FRAME_IP];
	size_t ihl = (ip[0] & 0xfu) * 4u;

	if (is_v6()) {
		put8(f, ip[6]);
		ip[6] = EXT_FRAGMENT;
		put8(f, 0);
		put16(f, (uint16_t)(offset | more));
		put32(f, id);
		return;
	}
	set16(&ip[4], (uint16_t)id);
	set16(&ip[6], (uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
	set16(&ip[10], 0);
	set16(&ip[10], (uint16_t)~frame_sum(0, ip, ihl));
}

void frame_cut(struct frame *f, const struct frame *whole, size_t offset, size_t len, uint32_t id)
{
	size_t l3 = is_v6() ? IPV6_HEADER : (whole->bytes[FRAME_IP] & 0xfu) * 4u;
	size_t from = FRAME_IP + l3 + offset, left = whole->len - from;
	bool more = len < left;

	len = more ? len : left;
	f->len = FRAME_IP + l3;
	memcpy(f->bytes, whole->bytes, f->len);
	frame_set_bytes(f, (uint16_t)(l3 + (is_v6() ? 8 : 0) + len));
	put_fragment_words(f, (uint16_t)offset, more, id);
	memcpy(&f->bytes[f->len], &whole->bytes[from], len);
	f->len += len;
}

size_t frame_ip_len(void)
{
	return is_v6() ? IPV6_HEADER : IP_HEADER;
}

/* IPv4 counts its header in, IPv6 does not. */
uint16_t frame_bytes(const struct frame *f)
{
	const uint8_t *at = &f->bytes[FRAME_IP + (is_v6() ? 4 : 2)];

	return (uint16_t)((at[0] << 8 | at[1]) + (is_v6() ? IPV6_HEADER : 0));
}

void frame_set_bytes(struct frame *f, uint16_t bytes)
{
	set16(&f->bytes[FRAME_IP + (is_v6() ? 4 : 2)],
	      (uint16_t)(bytes - (is_v6() ? IPV6_HEADER : 0)));
}

uint8_t frame_dst(const struct frame *f)
{
	return f->bytes[FRAME_IP + frame_ip_len() - 1];
}

bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* The transport's header; extension headers are those that put_extensions() makes. */
static size_t transport(const uint8_t *ip, uint8_t *ret_proto)
{
	size_t at = is_v6() ? IPV6_HEADER : (size_t)(ip[0] & 0xf) * 4;

	*ret_proto = ip[is_v6() ? 6 : 9];
	while (is_v6() && *ret_proto == EXT_DSTOPTS) {
		*ret_proto = ip[at];
		at += 8u * (ip[at + 1] + 1u);
	}
	return at;
}

bool frame_is_valid(const struct frame *f)
{
	const uint8_t *ip = &f->bytes[FRAME_IP];
	uint8_t proto;
	size_t l4 = transport(ip, &proto), len = f->len - FRAME_IP - l4;

	if (!is_v6() && frame_sum(0, ip, l4) != 0xffff)
		return false;
	if (proto == IPPROTO_UDP && !ip[l4 + 6] && !ip[l4 + 7])
		return true;
	return frame_sum(pseudo_sum(ip, proto, len), ip + l4, len) == 0xffff;
}
