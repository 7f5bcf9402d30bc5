/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources of what begins beyond the rate of its service (new_flows.h): so many SYNs of each are let
 * in in a window of a second. And where the service asks for it (LB_LIMIT_CHECK), TCP of none that
 * has not proven that it is there (source_check.h).
 */
#pragma once

#include "vmlinux.h"

#include "bytes_xdp.h"
#include "common.h"
#include "flow.h"
#include "scratch.h"
#include "source_table.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * LB_SOURCE_WORDS);
	__type(key, __u32);
	__type(value, __u32);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LB_PROVEN_LINES);
	__type(key, __u32);
	__type(value, struct lb_proven_line);
} proven SEC(".maps");

/* About a second. */
static __always_inline __u32 sources_window(void)
{
	return (__u32)(bpf_jiffies64() >> ((age_shift - 6) & 63));
}

/* The unit of cookies: about 64 seconds. */
static __always_inline __u32 sources_when(void)
{
	return (__u32)(bpf_jiffies64() >> (age_shift & 63));
}

/* Of an IPv4 address, or the half of an IPv6 one that a site has as a whole. */
__noinline __u64 sources_hash(const struct flow *f)
{
	const __u32 nobody[4] = {};
	__u32 site[4] = {};

	if (!f)
		return 0;
	site[0] = f->saddr[0];
	site[1] = f->saddr[1];
	if (addr_is_v4(f->daddr))
		addr_copy(site, f->saddr);
	return lb_flow_hash(flow_secret(), nobody, site, 0, 0);
}

/* One more SYN of this source, of which there may be so many. */
static __always_inline bool sources_take(__u64 hash, __u32 most)
{
	__u32 at[2] = {lb_source_place(hash, 0), lb_source_place(hash, 1)};
	__u32 *first = bpf_map_lookup_elem(&sources, &at[0]);
	__u32 *second = bpf_map_lookup_elem(&sources, &at[1]);

	return !most || !first || !second ||
	       lb_source_take(first, second, (__u16)sources_window(), most);
}

static __always_inline struct lb_proven_line *sources_proven_line(__u64 hash)
{
	__u32 line = (__u32)hash % LB_PROVEN_LINES;

	return bpf_map_lookup_elem(&proven, &line);
}

static __always_inline bool sources_has_proven(__u64 hash)
{
	struct lb_proven_line *line = sources_proven_line(hash);

	return line && lb_proven_has(line, hash, (__u16)sources_window());
}

/* Why the SYN of a flow beyond the rate is not let in. */
__noinline int sources_ask(const struct flow *f, __u32 limit)
{
	struct lb_config *c;
	__u32 zero = 0;
	__u64 hash;

	if (!f)
		return LB_DROP_NONE;
	hash = sources_hash(f);
	c = bpf_map_lookup_elem(&config, &zero);
	if (!sources_take(hash, c ? READ_ONCE(c->source_flows) : 0))
		return LB_DROP_SOURCE_RATE;
	if (limit & LB_LIMIT_CHECK && f->proto == IPPROTO_TCP && !sources_has_proven(hash))
		return LB_DROP_UNPROVEN;
	return LB_DROP_NONE;
}

/* The cookie of a flow; a function of its own, for it is long and asked for in many places. */
__noinline int sources_cookie(const struct flow *f, __u32 when)
{
	const struct lb_flow_keys *keys = flow_secret();
	__u64 key[2] = {keys->cookie[0], keys->cookie[1]};

	if (!f)
		return 0;
	return (int)lb_source_cookie(key, f->saddr, f->sport, f->slot, when);
}

/* The reset proves that its source is there: it answers a SYN-ACK that asked for that. */
__noinline bool sources_prove(struct xdp_md *ctx, const struct flow *f)
{
	struct lb_proven_line *line;
	struct lb_new_flows *n;
	__u32 slot, when = sources_when();
	__be32 seq = 0;
	__u64 hash;

	if (!f)
		return false;
	slot = f->slot;
	n = bpf_map_lookup_elem(&new_flows, &slot);
	if (!n || !(READ_ONCE(n->limit) & LB_LIMIT_CHECK) ||
	    !lb_bytes_read(ctx, f->l4_off + __builtin_offsetof(struct tcphdr, seq), &seq,
			   sizeof(seq)))
		return false;
	if (!lb_source_answers((__u32)sources_cookie(f, when), bpf_ntohl(seq)) &&
	    !lb_source_answers((__u32)sources_cookie(f, when - 1), bpf_ntohl(seq)))
		return false;
	hash = sources_hash(f);
	line = sources_proven_line(hash);
	if (line)
		lb_proven_add(line, hash, (__u16)sources_window());
	return true;
}
