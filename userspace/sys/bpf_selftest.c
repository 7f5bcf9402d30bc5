// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The smallest frame that is an established packet: Ethernet, IPv4 or IPv6, TCP with ACK (or UDP,
 * or SCTP with data), checksums right, so that what comes out can be checked by summing up again.
 */
#include "sys/bpf_selftest.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#define SOURCE_PORT 1
#define SCTP_LEAST  16 /* its header and a chunk's; the checksum lies at 8 */
#define PAYLOAD     8  /* to the 60 bytes an Ethernet frame has at least */
#define FRAME_MAX   (sizeof(struct ethhdr) + sizeof(struct ip6_hdr) + sizeof(struct tcphdr) + PAYLOAD)

/* A frame, and what is known of it beforehand. */
struct frame {
	const struct lb_key *key;
	size_t ip_len; /* of the IP header */
	size_t len;    /* from there to the end */
	union {
		struct ethhdr eth;
		uint8_t bytes[FRAME_MAX];
	} u;
};

static const uint8_t *ip_of(const struct frame *f)
{
	return &f->u.bytes[sizeof(f->u.eth)];
}

static const uint8_t *l4_of(const struct frame *f)
{
	return ip_of(f) + f->ip_len;
}

static bool is_v4(const struct frame *f)
{
	return ip_addr_is_v4(&f->key->addr);
}

/* RFC 1071: 0xffff over data that holds its own right checksum. */
static uint32_t sum_words(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (; len > 1; at += 2, len -= 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	if (len)
		sum += (uint32_t)at[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* With the addresses, which lie at the end of both headers. */
static uint32_t l4_sum(const struct frame *f)
{
	const size_t addresses =
		is_v4(f) ? 2 * sizeof(struct in_addr) : 2 * sizeof(struct in6_addr);
	const size_t len = f->len - f->ip_len;
	const uint32_t pseudo =
		sum_words((uint32_t)(f->key->proto + len), l4_of(f) - addresses, addresses);

	return sum_words(pseudo, l4_of(f), len);
}

/* CRC32c as it lies in a packet whose own is 0 (RFC 9260 appendix A). */
static uint32_t sctp_crc(const struct frame *f)
{
	const size_t len = f->len - f->ip_len;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= l4_of(f)[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return htole32(~crc);
}

/* Whether the transport's checksum is right. */
static bool is_summed(const struct frame *f)
{
	struct frame without = *f;
	uint8_t *own = &without.u.bytes[sizeof(f->u.eth) + f->ip_len + 8];
	uint32_t crc;

	if (f->key->proto != IPPROTO_SCTP)
		return l4_sum(f) == 0xffff;
	memcpy(&crc, own, sizeof(crc));
	memset(own, 0, sizeof(crc));
	return crc == sctp_crc(&without);
}

static uint16_t checksum(uint32_t sum)
{
	return htons((uint16_t)~sum);
}

/* From the unspecified address. */
static void build_ip(struct frame *f)
{
	struct iphdr v4 = {.version = 4, .ihl = sizeof(v4) / 4, .ttl = 64};
	struct ip6_hdr v6 = {.ip6_flow = htonl(6u << 28)};

	if (!is_v4(f)) {
		v6.ip6_plen = htons((uint16_t)(f->len - sizeof(v6)));
		v6.ip6_nxt = f->key->proto;
		v6.ip6_hlim = 64;
		memcpy(&v6.ip6_dst, f->key->addr.b, sizeof(v6.ip6_dst));
		memcpy(&f->u.bytes[sizeof(f->u.eth)], &v6, sizeof(v6));
		return;
	}
	v4.protocol = f->key->proto;
	v4.daddr = htonl(ip_addr_v4(&f->key->addr));
	v4.tot_len = htons((uint16_t)f->len);
	v4.check = checksum(sum_words(0, &v4, sizeof(v4)));
	memcpy(&f->u.bytes[sizeof(f->u.eth)], &v4, sizeof(v4));
}

static void build_l4(struct frame *f)
{
	uint8_t *l4 = &f->u.bytes[sizeof(f->u.eth) + f->ip_len];
	struct tcphdr tcp = {.source = htons(SOURCE_PORT),
			     .dest = htons(f->key->port),
			     .doff = sizeof(tcp) / 4,
			     .ack = 1};
	struct udphdr udp = {.source = htons(SOURCE_PORT),
			     .dest = htons(f->key->port),
			     .len = htons((uint16_t)(f->len - f->ip_len))};

	if (f->key->proto == IPPROTO_SCTP) {
		const uint16_t ports[] = {htons(SOURCE_PORT), htons(f->key->port)};
		uint32_t crc;

		memcpy(l4, ports, sizeof(ports));
		crc = sctp_crc(f);
		memcpy(&l4[8], &crc, sizeof(crc));
	} else if (f->key->proto == IPPROTO_TCP) {
		memcpy(l4, &tcp, sizeof(tcp));
		tcp.check = checksum(l4_sum(f));
		memcpy(l4, &tcp, sizeof(tcp));
	} else {
		memcpy(l4, &udp, sizeof(udp));
		udp.check = checksum(l4_sum(f));
		memcpy(l4, &udp, sizeof(udp));
	}
}

static size_t l4_len(uint8_t proto)
{
	if (proto == IPPROTO_SCTP)
		return SCTP_LEAST;
	return proto == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
}

static void build(struct frame *f, const struct lb_key *key)
{
	const bool v4 = ip_addr_is_v4(&key->addr);

	*f = (struct frame){.key = key};
	f->ip_len = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	f->len = f->ip_len + l4_len(key->proto) + PAYLOAD;
	f->u.eth.h_proto = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
	build_ip(f);
	build_l4(f);
}

/* Where a frame goes. */
static struct ip_addr destination(const struct frame *f)
{
	struct ip_addr addr;
	uint32_t v4;

	if (is_v4(f)) {
		memcpy(&v4, l4_of(f) - sizeof(v4), sizeof(v4));
		return ip_addr_from_v4(ntohl(v4));
	}
	memcpy(addr.b, l4_of(f) - sizeof(addr.b), sizeof(addr.b));
	return addr;
}

static int check(const struct frame *out, const struct lb_actual *frontend)
{
	const struct ip_addr addr = destination(out);
	struct udphdr l4; /* the ports are at the same place in all of them */
	uint16_t port;

	memcpy(&l4, l4_of(out), sizeof(l4));
	port = ntohs(l4.dest);
	if (ip_addr_equal(&addr, &frontend->key.addr) && port == frontend->key.port)
		return -ECOMM;
	if ((is_v4(out) && sum_words(0, ip_of(out), out->ip_len) != 0xffff) || !is_summed(out))
		return -EBADMSG;
	for (size_t i = 0; i < frontend->n_targets; i++)
		if (ip_addr_equal(&addr, &frontend->targets[i].addr) &&
		    port == frontend->targets[i].port)
			return 0;
	return -EBADMSG;
}

/* Some of its targets are on other nodes, where no self-test goes. */
static bool is_spread(const struct lb_actual *frontend)
{
	for (size_t i = 0; i < frontend->n_targets; i++)
		if (!ip_addr_is_none(&frontend->targets[i].node))
			return true;
	return false;
}

int bpf_selftest(int prog_fd, const struct lb_actual *frontend, int ifindex)
{
	struct frame in, out;
	struct xdp_md ctx = {.ingress_ifindex = (uint32_t)ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in.u.bytes, .data_out = out.u.bytes,
		    .repeat = 1);
	int error;

	build(&in, &frontend->key);
	out = in; /* what is known of it beforehand is the same */
	opts.data_size_in = opts.data_size_out = (uint32_t)(sizeof(in.u.eth) + in.len);
	ctx.data_end = opts.data_size_in;
	if (ifindex != 0) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	error = bpf_prog_test_run_opts(prog_fd, &opts);
	if (error != 0)
		return error;
	if (opts.retval == XDP_DROP && is_spread(frontend))
		return 0;
	if (frontend->n_targets == 0) /* nobody it could be delivered to */
		return opts.retval == XDP_DROP ? 0 : -ECOMM;
	return opts.retval == XDP_PASS ? check(&out, frontend) : -ECOMM;
}
