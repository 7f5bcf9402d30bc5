/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the cold half of xdp_lb works on: packet and flow, of either family. They lie in a value per
 * CPU and not on the stack, whose 512 bytes a chain of calls has for itself; the common case never
 * looks it up. Whoever turns cold does so once and hands it on.
 *
 * It is written before it is read, by one packet at a time: the program runs to its end on its CPU
 * before the next packet does. The one exception is a test run, which a packet from the wire may
 * interrupt: a self-test that turned cold may be answered wrongly, and is repeated.
 */
#pragma once

#include "vmlinux.h"

#include "bytes_xdp.h"
#include "common.h"
#include "flow_entry.h"
#include "quote.h"

/*
 * One packet's flow and the service it belongs to; or the flow that an ICMP error quotes, the way
 * its client sent it. It holds no pointers and no padding, since global functions take it: the
 * verifier looks at each of them once, by itself, and knows nothing of what the memory behind an
 * argument holds.
 */
struct flow {
	__u64 row;                /* as read once */
	__u64 live;               /* of the service, as read once */
	struct lb_flow_new entry; /* that it is to have (admit.h) */
	__u32 service_id;
	__u32 row_index; /* over all rows */
	__u32 saddr[4];
	__u32 daddr[4];
	__be16 sport;
	__be16 dport;
	__u16 slot;   /* of the service */
	__u16 row_in; /* number of the row within the service */
	__u8 proto;
	__u8 tcp_flags;
	__u8 age;
	__u8 zero;
	__u16 l4_off; /* in the frame; of a packet of its own */
	__u16 domain; /* where a service is still to be looked up */
};
_Static_assert(sizeof(struct flow) == 96, "no padding in struct flow");

/* Of the packet itself, even where the flow is one that it quotes. Offsets are those in the frame.
 */
struct cold_packet {
	__u32 saddr[4];
	__u32 daddr[4];
	__u32 ip_off;
	__u32 l4_off;
	__u32 end; /* of the IP packet, by its own length */
	__be32 fragment_id;
	__u8 family;
	__u8 proto;
	__u8 fragment; /* enum fragment */
	__u8 zero;
};

/* What is asked of xdp_tunnel; of the scratch value the packet is filled in, and what is said here.
 */
enum tunnel_what {
	TUNNEL_PACKET,  /* nothing is filled in yet but row, slot and live word of the flow */
	TUNNEL_KNOWN,   /* nothing but `backend`, which is on another node */
	TUNNEL_CHOOSE,  /* the flow: its backend is to be found */
	TUNNEL_ERROR,   /* the flow that an ICMP error is about: the same */
	TUNNEL_BACKEND, /* `backend`, which is on another node */
	TUNNEL_SEND,    /* the same, and `tunnel` */
	TUNNEL_BACK,    /* `tunnel`, to the node that it came from */
};

/* What is asked of xdp_nat beside TUNNEL_ERROR and what follows it: a packet to this node's own
 * address may be of one of its flows, or an ICMP error about one. */
#define NAT_ANSWER 0x100u
#define NAT_ERROR  0x101u

/* A flow whose source is translated (nat_table.h). */
struct lb_nat_wish {
	struct lb_nat is;
	__u64 hash;           /* where there is room: what is to be written, */
	__u64 seen;           /* and what is there */
	__u32 rank;           /* 0: there is no room; */
	__u32 room, room_way; /* else its line and way */
	__u32 line, way;      /* of the flow */
	__be16 port;          /* that it leaves by */
	__u16 mtu;            /* of the way back, as all that follows */
	__u32 ifindex, zero;
	__u64 neighbour, own; /* MAC addresses */
};

struct lb_scratch {
	struct flow flow;
	struct cold_packet packet;
	struct quote quote; /* of an ICMP error */
	__u32 answer[32];   /* what reject.h quotes */
	__u32 vip_flags;    /* LB_SVC_* of the VIP's own slot */
	struct lb_tunnel_data
		tunnel; /* what goes with the packet to another node, or came with it */
	struct lb_nat_wish nat;
	__u32 what;        /* enum tunnel_what, or NAT_* */
	__u32 backend;     /* index over all backends: whose the packet is, if that is known */
	__u32 from;        /* number of the node that it came from, of a tunnel's packet */
	__u16 n_long;      /* SYNs that are to go the long way (at_once.h), */
	__u16 n_long_next; /* and how many once these have; they alone are kept */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lb_scratch);
} scratch SEC(".maps");

/* Never NULL, but the verifier does not know that. */
static __always_inline struct lb_scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

/* The packet is the agent's self-test. */
static __always_inline bool scratch_is_test(const struct lb_scratch *s)
{
	const __u32 *saddr = s->packet.saddr;

	return !saddr[3] && (addr_is_v4(saddr) || !(saddr[0] | saddr[1] | saddr[2]));
}
