// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Packets between nodes, put together octet by octet and with no code of the programs. */
#pragma once

#include "bpf/bed.h"
#include "bpf/rig_nodes.h"

#include "bpf/wire.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#define THERE 0x0a090001 /* the other node's end */
#define HERE  0x0a090002
#define NODE  77u /* number of the first */
#define MTU   1500

/* What goes between Ethernet and the client's packet. */
struct tunnel_spec {
	int family; /* AF_INET or AF_INET6, of the outer header */
	uint32_t src, dst;
	uint8_t tos, gue_first,
		gue_flags; /* first octet, if not 0, in place of what belongs there */
	uint8_t version, at, flags, hops; /* version 0: 1 */
	const unsigned *backends;         /* named: one, or four with LB_TUNNEL_ASK; NULL: 0 */
	uint8_t proto;                    /* of what follows the outer header; 0: UDP */
};

static inline uint8_t *put_u16(uint8_t *at, size_t value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

static inline size_t tunnel_ip_len(int family)
{
	return family == AF_INET ? 20 : 40;
}

static inline size_t tunnel_data_len(const struct tunnel_spec *t)
{
	const size_t n = t->flags & LB_TUNNEL_ASK ? 4 : 1;

	return (4 + n * (bed_is_v6() ? 18 : 6) + 3) / 4 * 4;
}

static inline uint8_t *put_data(uint8_t *at, const struct tunnel_spec *t)
{
	const unsigned none[] = {0}, *named = t->backends ? t->backends : none;
	const unsigned n = t->flags & LB_TUNNEL_ASK ? 4 : 1;
	uint8_t *const end = at + tunnel_data_len(t);

	memset(at, 0, tunnel_data_len(t));
	*at++ = t->version ? t->version : 1;
	*at++ = t->at;
	*at++ = t->flags;
	*at++ = t->hops;
	for (unsigned i = 0; i < n; i++) {
		uint8_t addr[16];

		frame_address(addr, rig_backend_addr(named[i]));
		memcpy(at, bed_is_v6() ? addr : addr + 12, bed_is_v6() ? 16 : 4);
		at += bed_is_v6() ? 16 : 4;
	}
	for (unsigned i = 0; i < n; i++)
		at = put_u16(at, RIG_BACKEND_PORT);
	return end;
}

static inline uint8_t *put_outer_ip(uint8_t *ip, const struct tunnel_spec *t, size_t l4)
{
	uint8_t src[16], dst[16];

	rig_node_address(src, t->family, t->src);
	rig_node_address(dst, t->family, t->dst);
	memset(ip, 0, 40);
	if (t->family == AF_INET6) {
		ip[0] = (uint8_t)(0x60 | t->tos >> 4);
		ip[1] = (uint8_t)(t->tos << 4);
		put_u16(ip + 4, l4);
		ip[6] = t->proto ? t->proto : IPPROTO_UDP;
		ip[7] = 64;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, dst, 16);
		return ip + 40;
	}
	ip[0] = 0x45;
	ip[1] = t->tos;
	put_u16(ip + 2, 20 + l4);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = t->proto ? t->proto : IPPROTO_UDP;
	memcpy(ip + 12, src + 12, 4);
	memcpy(ip + 16, dst + 12, 4);
	put_u16(ip + 10, (uint16_t)~frame_sum(0, ip, 20));
	return ip + 20;
}

static inline uint8_t *put_ethernet(uint8_t *at, int family)
{
	memcpy(at, rig_neighbour, 6);
	memcpy(at + 6, rig_own, 6);
	return put_u16(at + 12, family == AF_INET ? 0x0800 : 0x86dd);
}

/* The packet of an untagged frame as it goes between nodes; source port and flow label are 0. */
static inline void tunnel_make(struct frame *to, const struct frame *inner,
			       const struct tunnel_spec *t)
{
	const size_t len = inner->len - FRAME_IP, data = tunnel_data_len(t);
	uint8_t *at = put_ethernet(to->bytes, t->family);

	at = put_outer_ip(at, t, 8 + 4 + data + len);
	at = put_u16(at, 0);
	at = put_u16(at, LB_GUE_PORT);
	at = put_u16(at, 8 + 4 + data + len);
	at = put_u16(at, 0);
	*at++ = t->gue_first ? t->gue_first : (uint8_t)(data / 4);
	*at++ = bed_is_v6() ? 41 : 4;
	at = put_u16(at, t->gue_flags);
	at = put_data(at, t);
	memcpy(at, &inner->bytes[FRAME_IP], len);
	to->len = (size_t)(at + len - to->bytes);
}

/* Takes out of a frame from here what is not foreseen: the flow's own port and label. */
static inline uint16_t tunnel_take_port(struct frame *f, int family)
{
	uint8_t *udp = &f->bytes[FRAME_IP + tunnel_ip_len(family)];
	const uint16_t port = (uint16_t)(udp[0] << 8 | udp[1]);

	udp[0] = udp[1] = 0;
	if (family == AF_INET6) {
		f->bytes[FRAME_IP + 1] &= 0xf0;
		f->bytes[FRAME_IP + 2] = f->bytes[FRAME_IP + 3] = 0;
	}
	return port;
}
