/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments as both programs meet them: xdp_lb those to a VIP, tc_reply those of an answer. The
 * first goes the usual way and enters what it found for those that follow (fragment_table.h).
 */
#pragma once

#include "maps.h"

#include "common.h"
#include "flow.h"
#include "fragment_table.h"

/* What a packet is of. */
enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

/*
 * What else is in a key. IPv6 has no protocol in its own (RFC 8200 4.5), nor need later fragments
 * say the same one.
 */
#define FRAGMENT_WORD(family, proto, domain)                                                       \
	(((family) == FAMILY_V4 ? (proto) : LB_EXT_FRAGMENT) | (__u32)(domain) << 8)
#define FRAGMENT_OF_ANSWER (1u << 24)

struct fragment_key {
	__u32 saddr[4];
	__u32 daddr[4];
	__be32 id; /* IPv4: its 16 bits as they lie in the header */
	__u32 word;
};

static __always_inline __u16 fragment_age(void)
{
	return (__u16)(bpf_jiffies64() >> ((age_shift - 14) & 63));
}

static __always_inline __u64 fragment_hash(const struct fragment_key *key)
{
	if (addr_is_v4(key->saddr) && addr_is_v4(key->daddr))
		return lb_flow_hash_v4(flow_secret(), key->saddr[3], key->daddr[3], key->id,
				       key->word);
	return lb_flow_hash(flow_secret(), key->saddr, key->daddr, key->id, key->word);
}

static __always_inline struct lb_fragment_line *fragment_line(__u64 hash)
{
	__u32 at = lb_fragment_line_of(hash);

	return bpf_map_lookup_elem(&fragments, &at);
}

/* Whose the packet is that a first fragment begins. False: it could not be entered. */
__noinline bool fragment_enter(const struct fragment_key *key, __u32 target, __u8 gen)
{
	struct lb_fragment_line *line;
	__u16 now = fragment_age();
	__u64 hash;

	if (!key)
		return false;
	hash = fragment_hash(key);
	line = fragment_line(hash);
	return line && lb_fragment_enter(line, hash, lb_fragment_rest(target, gen, 0, now), now);
}

/* What the first fragment said; false: none was seen. */
static __always_inline bool fragment_find(const struct fragment_key *key, __u64 *ret_rest)
{
	__u64 hash = fragment_hash(key);
	struct lb_fragment_line *line = fragment_line(hash);
	struct lb_fragment *way;

	way = line ? lb_fragment_find(line, hash, fragment_age(), ret_rest) : NULL;
	if (!way)
		return false;
	lb_fragment_follow(way, *ret_rest);
	return true;
}
