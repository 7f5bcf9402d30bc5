// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A data plane on the bench: both programs loaded, maps small and filled by hand, packets put
 * through by BPF_PROG_TEST_RUN. Independent of userspace/lb on purpose: what is tested is the
 * meaning that abi.h gives to the maps, not what our own store writes there.
 *
 * The process is bound to one CPU, so that counters and scratch are those of one. Nothing is pinned
 * and nothing is attached; all of it goes with the process.
 */
#pragma once

#include "bpf/frame.h"

#include <linux/types.h>

#include "bpf/abi.h"

#define RIG_IFINDEX 1 /* test runs come in by the loopback device */

/* A service of the rig. Its backends are rig_backend(i); its rows are all alike. */
struct rig_service {
	uint32_t vip; /* host order, as ports below */
	uint16_t port;
	uint8_t proto;
	uint16_t domain;
	uint32_t flags;         /* LB_SVC_* */
	uint32_t ranges;        /* with LB_SVC_RANGES: the set */
	uint16_t affinity;      /* with LB_SVC_AFFINITY: how long, as in abi.h */
	uint32_t id;            /* 0: the next one */
	uint8_t rows_log2;      /* 0: 8, that is 256 rows */
	uint32_t rows_base;     /* in rows; filled in */
	uint32_t backends_base; /* in backends; filled in */
};

struct rig;

/*
 * NULL: BPF is refused here, and *ret_why says how; the test is to be skipped. The first has one
 * chunk of flows, and may have been another test's, its maps empty; the second is loaded now.
 */
struct rig *rig_new(const char **ret_why);
struct rig *rig_new_sized(unsigned flow_chunks, const char **ret_why);
struct rig *rig_free(struct rig *r);

/* Adds the VIP's own slot with these flags, and its bit. */
void rig_add_vip(struct rig *r, uint32_t vip, uint32_t flags);
/* Adds a service of empty rows; service ids count from 1, its row seed is its VIP + RIG_SEED. */
#define RIG_SEED 0x1234
void rig_add_service(struct rig *r, struct rig_service *s);
/* The slot that the service is in; moves it to its other one, as the agent does, where it stays;
 * gives it another id, as if it were another service; takes it out. */
unsigned rig_slot(struct rig *r, const struct rig_service *s);
void rig_move_service(struct rig *r, const struct rig_service *s);
void rig_set_service_id(struct rig *r, const struct rig_service *s, uint32_t id);
void rig_del_service(struct rig *r, const struct rig_service *s);
/* Another set of ranges than it was added with. */
void rig_set_ranges(struct rig *r, const struct rig_service *s, uint32_t set);
/* Another time of affinity. */
void rig_set_affinity(struct rig *r, const struct rig_service *s, uint16_t affinity);
/* Adds the range of this length, in bits of the family, to a set; or takes it out. */
void rig_add_range(struct rig *r, uint32_t set, uint32_t v4, unsigned len);
void rig_del_range(struct rig *r, uint32_t set, uint32_t v4, unsigned len);
/*
 * Denied sources: the flag in all words of `uplinks`; the bit that an address has; and both, with
 * the prefix of this length. Taking a prefix out leaves flag and bit.
 */
void rig_set_denies(struct rig *r, bool denies);
void rig_set_deny_bit(struct rig *r, uint32_t v4, bool set);
void rig_deny(struct rig *r, uint32_t v4, unsigned len);
void rig_undeny(struct rig *r, uint32_t v4, unsigned len);
/*
 * A blackhole of this length, whose drops are counted at this place; its bits in `vip_bits` are
 * only those of the addresses that are made to have one.
 */
void rig_add_blackhole(struct rig *r, uint32_t v4, unsigned len, uint16_t domain, uint32_t place);
void rig_del_blackhole(struct rig *r, uint32_t v4, unsigned len, uint16_t domain);
void rig_set_vip_bit(struct rig *r, uint32_t v4);
uint64_t rig_blackhole_drops(struct rig *r, uint32_t place);
/* The VIP has a limit of so many packets a second, of which `used_ns` are used up in advance. */
void rig_set_rate(struct rig *r, uint32_t vip, uint16_t domain, uint32_t packets, uint64_t used_ns);
/* Length of its region of backends; 0 at first. */
void rig_set_region(struct rig *r, const struct rig_service *s, uint32_t n);
/*
 * Addresses are those of frame_address(), in the family of frame_use_family().
 * Backend i of the service: address 10.1.0.(1 + i), port 8080, generation 1, ready.
 */
void rig_add_backend(struct rig *r, const struct rig_service *s, unsigned i);
uint32_t rig_backend_addr(unsigned i);
#define RIG_BACKEND_PORT 8080
/* Changes the state word of a backend. */
void rig_set_backend(struct rig *r, const struct rig_service *s, unsigned i, uint8_t flags,
		     uint8_t gen);
void rig_set_nsid(struct rig *r, const struct rig_service *s, unsigned i, uint32_t nsid);
/* All rows become this word: candidates as indices, n of them. */
void rig_set_rows(struct rig *r, const struct rig_service *s, const unsigned *candidates,
		  unsigned n, uint64_t bits);
/* Row i has backend i % n alone; or, with a lead, backend (i + lead) % n and then i % n. */
void rig_set_mixed_rows(struct rig *r, const struct rig_service *s, unsigned n, unsigned lead,
			uint64_t bits);
/* How many rows are unsettled, and how many are marked. */
unsigned rig_unsettled(struct rig *r, const struct rig_service *s);
unsigned rig_marked(struct rig *r, const struct rig_service *s);

/* Verdicts of the programs; *out is the packet afterwards. */
int rig_xdp(struct rig *r, const struct frame *in, struct frame *out);
int rig_tc(struct rig *r, const struct frame *in, struct frame *out);
int rig_tc_nat(struct rig *r, const struct frame *in, struct frame *out);

uint64_t rig_drops(struct rig *r, enum lb_drop reason);
struct lb_counter rig_count(struct rig *r, const struct rig_service *s, unsigned i);

/*
 * The flow table: the entry by which the flow of a frame_spec is known with backend i, to look at
 * or to change; NULL: there is none.
 */
struct lb_flow *rig_flow(struct rig *r, const struct frame_spec *s, unsigned i);
/* That by which a client keeps backend i of the service. */
struct lb_flow *rig_affine(struct rig *r, const struct rig_service *s, uint32_t client, unsigned i);
unsigned rig_flow_state(const struct lb_flow *entry); /* LB_FLOW_*; of NULL: 0 */
unsigned rig_n_flows(struct rig *r);
void rig_forget_flows(struct rig *r);
/* Which chunks of these are the table, as in lb_config.flows; at first all of them. */
void rig_set_table(struct rig *r, uint64_t word);
/* All lines, chunk by chunk; rig_n_lines() of them. */
unsigned rig_n_lines(const struct rig *r);
struct lb_flow_line *rig_line(struct rig *r, unsigned i);

/*
 * What is shared with the kernel: other flags for a service or a VIP's own slot; a flow that the
 * kernel has, and what state it is in, LB_KERNEL_FLOW_*, -1: it has none.
 */
void rig_set_flags(struct rig *r, const struct rig_service *s, uint32_t flags);
void rig_set_vip_flags(struct rig *r, uint32_t vip, uint32_t flags);
void rig_add_kernel_flow(struct rig *r, const struct frame_spec *s);
int rig_kernel_flow(struct rig *r, const struct frame_spec *s);

/* What the agent says of new flows in the service's slot: LB_LIMIT_*; how many it counts. */
void rig_set_limit(struct rig *r, const struct rig_service *s, uint32_t limit);
/* ... and of each source's SYNs beyond it. */
void rig_set_source_flows(struct rig *r, uint32_t n);
uint32_t rig_new_flows(struct rig *r, const struct rig_service *s);
/* Flows of it that have begun. */
uint64_t rig_begun(struct rig *r, const struct rig_service *s);
/* From here on rigs are made whose clock of windows and turns stands still, as good as. */
void rig_stop_clock(void);
/* Lets so many turns of unrecorded flows pass, by making them so much older. */
void rig_age_unrecorded(struct rig *r, unsigned turns);

/* A BFD session's entry, written and read whole. */
void rig_set_bfd(struct rig *r, uint32_t place, const struct lb_bfd *e);
struct lb_bfd rig_bfd(struct rig *r, uint32_t place);
/* Whose echo packets are that session's. */
/* How often the timers of BFD woke the agent since this was asked last, and for which place. */
struct rig_woken {
	unsigned n;
	uint32_t place;
};
struct rig_woken rig_bfd_woken(struct rig *r);
void rig_add_echo(struct rig *r, uint32_t peer, uint32_t ifindex, uint32_t place);

void rig_set_domain(struct rig *r, uint16_t domain);
/* A device's word in `uplinks`, so far behind the place of RIG_IFINDEX; and that place's reach. */
void rig_set_uplink(struct rig *r, uint32_t ifindex, uint32_t behind, uint16_t domain);
void rig_set_reach(struct rig *r, uint32_t reach);
/* The word of a VLAN on RIG_IFINDEX, so far behind its place, which reaches just there; as abi.h
 * says. */
void rig_set_vlan(struct rig *r, uint32_t tag, uint32_t behind, uint16_t domain);
/* The device whose routes lead to a domain's clients; or none is known. */
void rig_set_vrf(struct rig *r, uint32_t domain, uint32_t ifindex);
void rig_del_vrf(struct rig *r, uint32_t domain);
void rig_add_backend_port(struct rig *r, unsigned i, uint8_t proto);
void rig_clear_backend_bits(struct rig *r);
/* What a program costs before its first packet. */
enum rig_program { RIG_XDP, RIG_TC };
struct rig_size {
	uint32_t verified;     /* instructions that the verifier went through */
	uint32_t instructions; /* that it consists of, as the kernel runs it */
	uint32_t machine_bytes;
	double load_ms; /* CPU time of the load, with the maps that it makes */
};
struct rig_size rig_size(const struct rig *r, enum rig_program which);
