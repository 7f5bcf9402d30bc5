// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Packets of TCP connections through the programs of a data plane under test. */
#pragma once

#include "bpf_look.h"

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t payload[6];
} __attribute__((packed));

struct ends {
	uint32_t saddr, daddr; /* host order */
	uint16_t sport, dport;
};

enum packet_flags { PACKET_ACK = 1, PACKET_SYN = 2, PACKET_RST = 4 };

/* Through a program; what became of it, and its verdict. */
static inline uint32_t through(int fd, const struct ends *e, unsigned flags, struct packet *out)
{
	struct packet in = {.eth.h_proto = htons(ETH_P_IP)};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = out, .data_size_out = sizeof(*out), .repeat = 1);

	in.ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP};
	in.ip.tot_len = htons(sizeof(in) - sizeof(in.eth));
	in.ip.saddr = htonl(e->saddr);
	in.ip.daddr = htonl(e->daddr);
	in.tcp = (struct tcphdr){.doff = 5,
				 .syn = !!(flags & PACKET_SYN),
				 .ack = !!(flags & PACKET_ACK),
				 .rst = !!(flags & PACKET_RST)};
	in.tcp.source = htons(e->sport);
	in.tcp.dest = htons(e->dport);
	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
	return opts.retval;
}
