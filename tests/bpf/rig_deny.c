// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Source ranges; and denied sources: the flag, the bits and the prefixes, each by itself. */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>
#include <string.h>
#include <sys/socket.h>

static struct lb_range range_of(uint32_t set, uint32_t v4, unsigned len)
{
	struct lb_range ret = {.set = set};

	ret.len = 32 + (frame_family() == AF_INET ? 96 : 0) + len;
	frame_address((uint8_t *)ret.addr, v4);
	return ret;
}

void rig_add_range(struct rig *r, uint32_t set, uint32_t v4, unsigned len)
{
	const struct lb_range range = range_of(set, v4, len);
	const uint32_t value = 0;

	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.ranges), &range, &value, BPF_ANY),
		 "add a range");
}

void rig_del_range(struct rig *r, uint32_t set, uint32_t v4, unsigned len)
{
	const struct lb_range range = range_of(set, v4, len);

	rig_must(bpf_map_delete_elem(bpf_map__fd(r->xdp->maps.ranges), &range), "remove a range");
}

static uint32_t set_of_family(void)
{
	return frame_family() == AF_INET ? LB_DENY_SET_V4 : LB_DENY_SET_V6;
}

void rig_set_denies(struct rig *r, bool denies)
{
	const int fd = bpf_map__fd(r->xdp->maps.uplinks);

	for (uint32_t key = 0; key < LB_UPLINKS; key++) {
		uint64_t word;

		rig_must(bpf_map_lookup_elem(fd, &key, &word), "read uplink");
		word = denies ? word | LB_UPLINK_DENIES : word & ~LB_UPLINK_DENIES;
		rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write uplink");
	}
}

void rig_set_deny_bit(struct rig *r, uint32_t v4, bool set)
{
	const int fd = bpf_map__fd(r->xdp->maps.deny_bits);
	uint16_t at[8];
	uint32_t bit, key;
	uint64_t word;

	frame_address((uint8_t *)at, v4);
	bit = frame_family() == AF_INET ? lb_deny_bit_v4(at[6]) : lb_deny_bit_v6(at[0], at[1]);
	key = bit / 64;
	rig_must(bpf_map_lookup_elem(fd, &key, &word), "read a word of bits");
	word = set ? word | UINT64_C(1) << bit % 64 : word & ~(UINT64_C(1) << bit % 64);
	rig_must(bpf_map_update_elem(fd, &key, &word, BPF_ANY), "write a word of bits");
}

void rig_deny(struct rig *r, uint32_t v4, unsigned len)
{
	rig_set_denies(r, true);
	rig_set_deny_bit(r, v4, true);
	rig_add_range(r, set_of_family(), v4, len);
}

void rig_undeny(struct rig *r, uint32_t v4, unsigned len)
{
	rig_del_range(r, set_of_family(), v4, len);
}
