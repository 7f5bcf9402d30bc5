/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * A frame as a fuzzer looks at it, before and after: which headers it has, and whether checksums
 * are right, computed anew over all that they cover.
 */
#pragma once

struct shape {
	const __u8 *frame;
	unsigned len, off; /* where the IP header lies */
	const struct iphdr *v4;
	const struct ipv6hdr *v6;
};

/* Of a frame with at most two tags that has a whole IP header. */
static struct shape shape_of(const __u8 *frame, unsigned len)
{
	struct shape s = {.frame = frame, .len = len, .off = 14};
	__be16 type;

	for (unsigned tags = 0; len >= s.off + 8; tags++, s.off += 4) {
		__builtin_memcpy(&type, frame + s.off - 2, sizeof(type));
		if (tags == 2 || !vlan_is_tag(type))
			break;
	}
	if (len >= s.off + sizeof(struct iphdr) && type == bpf_htons(ETH_P_IP))
		s.v4 = (const void *)(frame + s.off);
	if (len >= s.off + sizeof(struct ipv6hdr) && type == bpf_htons(ETH_P_IPV6))
		s.v6 = (const void *)(frame + s.off);
	return s;
}

static __u16 folded(__u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __u64 sum_of(const __u8 *bytes, unsigned len)
{
	__u64 sum = 0;

	for (unsigned i = 0; i < len; i++)
		sum += i & 1 ? (__u64)bytes[i] << 8 : bytes[i];
	return sum;
}

static bool has_right_header(const struct shape *s)
{
	unsigned len = (s->frame[s->off] & 15) * 4u;

	return len >= sizeof(struct iphdr) && len <= s->len - s->off &&
	       folded(sum_of(s->frame + s->off, len)) == 0xffff;
}

/* What lies behind the IP header, by the packet's own length. */
struct payload {
	const __u8 *at;
	unsigned len, check_at; /* where the checksum is */
	__u64 pseudo;           /* the sum of what else it covers */
	__u8 proto;
};

/* Behind IPv6's extension headers; false: in pieces, or not there. */
static bool payload_behind(const struct shape *s, unsigned *off, __u8 *proto)
{
	while (*proto == 0 || *proto == 43 || *proto == 44 || *proto == 60) {
		const __u8 *head = s->frame + *off;

		if (*off + 8 > s->len || (*proto == 44 && (head[2] || head[3] & ~6)))
			return false;
		*off += *proto == 44 ? 8u : (head[1] + 1u) * 8;
		*proto = head[0];
	}
	return true;
}

/* False: there is none, not all of it, or only a piece. */
static bool payload_of(const struct shape *s, struct payload *ret)
{
	const __u8 *ip = s->frame + s->off;
	unsigned off, all;

	if (s->v6 && ip[0] >> 4 == 6) {
		off = s->off + sizeof(struct ipv6hdr);
		all = off + bpf_ntohs(s->v6->payload_len);
		ret->proto = s->v6->nexthdr;
		ret->pseudo = sum_of(ip + 8, 32);
		if (!payload_behind(s, &off, &ret->proto))
			return false;
	} else if (s->v4 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 &&
		   !(s->v4->frag_off & bpf_htons(IP_FRAGMENT))) {
		off = s->off + (ip[0] & 15) * 4u;
		all = s->off + bpf_ntohs(s->v4->tot_len);
		ret->proto = s->v4->protocol;
		ret->pseudo = sum_of(ip + 12, 8);
	} else {
		return false;
	}
	if (all > s->len || all < off + 8)
		return false;
	ret->at = s->frame + off;
	ret->len = all - off;
	ret->pseudo += bpf_htons(ret->proto) + bpf_htons((__u16)ret->len);
	if (ret->proto == IPPROTO_ICMP)
		ret->pseudo = 0;
	ret->check_at = ret->proto == IPPROTO_TCP ? 16 : ret->proto == IPPROTO_UDP ? 6 : 2;
	return ret->check_at + 2 <= ret->len;
}

static bool is_summed(const struct payload *p, bool v4)
{
	return p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP ||
	       p->proto == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* RFC 9260 appendix A, bit by bit. */
static bool has_right_crc(const struct payload *p)
{
	__u32 crc = ~0u, have = 0;

	if (p->len < 12)
		return false;
	for (unsigned i = 0; i < p->len; i++) {
		crc ^= i < 8 || i >= 12 ? p->at[i] : 0;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & (0u - (crc & 1)));
	}
	for (unsigned i = 0; i < 4; i++)
		have |= (__u32)p->at[8 + i] << 8 * i;
	return have == ~crc;
}

/* The checksum of TCP, UDP, ICMP or SCTP is there, and right. */
static bool has_right_payload(const struct shape *s)
{
	struct payload p;

	if (!payload_of(s, &p))
		return false;
	if (p.proto == IPPROTO_SCTP)
		return has_right_crc(&p);
	if (!is_summed(&p, s->v4) ||
	    (p.proto == IPPROTO_UDP && !p.at[p.check_at] && !p.at[p.check_at + 1]))
		return false;
	return folded(sum_of(p.at, p.len) + p.pseudo) == 0xffff;
}
