/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VLAN tags that lie in the frame: one (802.1Q, or 802.1ad alone) or two (802.1ad outside, as the
 * standard has it, or any mixture, as others do). A tag that the card or the stack keeps beside the
 * frame is not there to be read and not in the way: the kernel sorts the packet by it afterwards.
 */
#pragma once

#include "common.h"

#define VLAN_TAGS_BYTES (2 * sizeof(struct vlan_hdr))
#define VLAN_TAGS_MASK  (3 * sizeof(struct vlan_hdr)) /* one, two or none */

static __always_inline bool vlan_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* The VLAN that a tag of this EtherType names, as `uplinks` knows it (abi.h). */
static __always_inline __u32 vlan_tag(const struct vlan_hdr *tag, __be16 ethertype)
{
	__u32 vid = bpf_ntohs(tag->h_vlan_TCI) & LB_TAG_VID;

	return vid | (ethertype == bpf_htons(ETH_P_8021AD) ? LB_TAG_8021AD : 0);
}

/*
 * The EtherType behind a tag, or behind two, and *off moved behind them. VLAN_TAGS_BYTES can be
 * read at `tag`. A third one is left: its EtherType is nobody's.
 */
static __always_inline __be16 vlan_skip(const struct vlan_hdr *tag, __u32 *off)
{
	__be16 ethertype = tag->h_vlan_encapsulated_proto;

	*off += sizeof(*tag);
	if (!vlan_is_tag(ethertype))
		return ethertype;
	*off += sizeof(*tag);
	return tag[1].h_vlan_encapsulated_proto;
}
