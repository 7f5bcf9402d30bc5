// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The smallest frame that is an established packet: Ethernet, IPv4, TCP with ACK (or UDP),
 * checksums right, so that what comes out can be checked by summing up again.
 */
#include "sys/bpf_selftest.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#define SOURCE_PORT 1
#define PAYLOAD     8 /* to the 60 bytes an Ethernet frame has at least */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	} l4;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

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

static size_t l4_len(const struct frame *f)
{
	return ntohs(f->ip.tot_len) - sizeof(f->ip);
}

static uint32_t l4_sum(const struct frame *f)
{
	uint32_t pseudo = (uint32_t)(f->ip.protocol + l4_len(f));

	pseudo = sum_words(pseudo, &f->ip.saddr, 2 * sizeof(f->ip.saddr));
	return sum_words(pseudo, &f->l4, l4_len(f));
}

static uint16_t checksum(uint32_t sum)
{
	return htons((uint16_t)~sum);
}

static void build(struct frame *f, const struct lb_key *key)
{
	bool is_tcp = key->proto == IPPROTO_TCP;
	size_t len = is_tcp ? sizeof(f->l4.tcp) + PAYLOAD : sizeof(f->l4.udp) + PAYLOAD;

	*f = (struct frame){.eth.h_proto = htons(ETH_P_IP)};
	f->ip.version = 4;
	f->ip.ihl = sizeof(f->ip) / 4;
	f->ip.ttl = 64;
	f->ip.protocol = key->proto;
	f->ip.daddr = htonl(ip_addr_v4(&key->addr));
	f->ip.tot_len = htons((uint16_t)(sizeof(f->ip) + len));
	f->ip.check = checksum(sum_words(0, &f->ip, sizeof(f->ip)));
	if (is_tcp) {
		f->l4.tcp.source = htons(SOURCE_PORT);
		f->l4.tcp.dest = htons(key->port);
		f->l4.tcp.doff = sizeof(f->l4.tcp) / 4;
		f->l4.tcp.ack = 1;
		f->l4.tcp.check = checksum(l4_sum(f));
	} else {
		f->l4.udp.source = htons(SOURCE_PORT);
		f->l4.udp.dest = htons(key->port);
		f->l4.udp.len = htons((uint16_t)len);
		f->l4.udp.check = checksum(l4_sum(f));
	}
}

static int check(const struct frame *out, const struct lb_actual *frontend)
{
	struct ip_addr addr = ip_addr_from_v4(ntohl(out->ip.daddr));
	uint16_t port = ntohs(out->l4.udp.dest); /* at the same place in TCP */

	if (ip_addr_equal(&addr, &frontend->key.addr) && port == frontend->key.port)
		return -ECOMM;
	if (sum_words(0, &out->ip, sizeof(out->ip)) != 0xffff || l4_sum(out) != 0xffff)
		return -EBADMSG;
	for (size_t i = 0; i < frontend->n_targets; i++)
		if (ip_addr_equal(&addr, &frontend->targets[i].addr) &&
		    port == frontend->targets[i].port)
			return 0;
	return -EBADMSG;
}

int bpf_selftest(int prog_fd, const struct lb_actual *frontend, int ifindex)
{
	struct frame in, out = {.eth.h_proto = 0};
	struct xdp_md ctx = {.data_end = sizeof(in), .ingress_ifindex = (uint32_t)ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);
	int error;

	if (!ip_addr_is_v4(&frontend->key.addr))
		return -EAFNOSUPPORT;
	if (frontend->n_targets == 0)
		return -ENODATA;
	build(&in, &frontend->key);
	if (ifindex != 0) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	error = bpf_prog_test_run_opts(prog_fd, &opts);
	if (error != 0)
		return error;
	return opts.retval == XDP_PASS ? check(&out, frontend) : -ECOMM;
}
