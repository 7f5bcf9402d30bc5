// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Builds frames field by field in network order and sums them in full (RFC 1071). Nothing here is
 * shared with the code under test.
 */
#include "bpf/frame.h"

#include <netinet/in.h>
#include <string.h>

#define IP_HEADER 20

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
	return s->proto == IPPROTO_TCP ? 20 : 8;
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
	put16(f, 0x0800);
}

static void put_ip(struct frame *f, const struct frame_spec *s)
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
	} else {
		put8(f, s->icmp_type);
		put8(f, 0);
		put16(f, 0);
		put32(f, 0x00070001);
	}
	for (unsigned i = 0; i < payload(s); i++)
		put8(f, s->quote ? s->quote->bytes[FRAME_IP + i] : (uint8_t)(i * 7 + 3));
}

static uint32_t pseudo_sum(const uint8_t *ip, uint8_t proto, size_t len)
{
	return frame_sum((uint32_t)(proto + len), ip + 12, 8);
}

void frame_make(struct frame *f, const struct frame_spec *s)
{
	size_t ip, l4, len;
	uint16_t check;

	f->len = 0;
	put_ethernet(f, s);
	ip = f->len;
	put_ip(f, s);
	l4 = f->len;
	put_l4(f, s);
	len = f->len - l4;
	if (s->proto == IPPROTO_TCP) {
		check = (uint16_t)~frame_sum(pseudo_sum(&f->bytes[ip], s->proto, len),
					     &f->bytes[l4], len);
		set16(&f->bytes[l4 + 16], check);
	} else if (s->proto == IPPROTO_UDP && !s->no_udp_checksum) {
		check = (uint16_t)~frame_sum(pseudo_sum(&f->bytes[ip], s->proto, len),
					     &f->bytes[l4], len);
		set16(&f->bytes[l4 + 6], check ? check : 0xffff);
	} else if (s->proto == IPPROTO_ICMP) {
		set16(&f->bytes[l4 + 2], (uint16_t)~frame_sum(0, &f->bytes[l4], len));
	}
}

bool frame_equal(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

bool frame_is_valid(const struct frame *f)
{
	const uint8_t *ip = &f->bytes[FRAME_IP];
	size_t ihl = (size_t)(ip[0] & 0xf) * 4, len = f->len - FRAME_IP - ihl;

	if (frame_sum(0, ip, ihl) != 0xffff)
		return false;
	if (ip[9] == IPPROTO_UDP && !ip[ihl + 6] && !ip[ihl + 7])
		return true;
	return frame_sum(pseudo_sum(ip, ip[9], len), ip + ihl, len) == 0xffff;
}
