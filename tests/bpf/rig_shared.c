// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Services that are shared with the kernel, and the flows that the kernel has. */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

static struct lb_kernel_flow key_of(const struct frame_spec *s)
{
	struct lb_kernel_flow key = {
		.client_port = htons(s->sport), .port = htons(s->dport), .proto = s->proto};

	frame_address((uint8_t *)key.client, s->src);
	frame_address((uint8_t *)key.vip, s->dst);
	return key;
}

void rig_add_kernel_flow(struct rig *r, const struct frame_spec *s)
{
	struct lb_kernel_flow key = key_of(s);
	uint32_t state = LB_KERNEL_FLOW_OPEN;

	rig_must(bpf_map_update_elem(rig_chunk(r, RIG_KERNEL_FLOWS_MAP, 0), &key, &state, BPF_ANY),
		 "add a flow of the kernel");
}

int rig_kernel_flow(struct rig *r, const struct frame_spec *s)
{
	struct lb_kernel_flow key = key_of(s);
	uint32_t state;

	if (bpf_map_lookup_elem(rig_chunk(r, RIG_KERNEL_FLOWS_MAP, 0), &key, &state) != 0)
		return -1;
	return (int)state;
}

static void set_flags(struct rig *r, uint32_t slot, uint32_t flags)
{
	int fd = bpf_map__fd(r->xdp->maps.services);
	struct lb_service s;

	rig_must(bpf_map_lookup_elem(fd, &slot, &s), "read slot");
	s.live &= ~(LB_LIVE_FLAGS_MASK << LB_LIVE_FLAGS_SHIFT);
	s.live |= (uint64_t)flags << LB_LIVE_FLAGS_SHIFT;
	rig_must(bpf_map_update_elem(fd, &slot, &s, BPF_ANY), "write slot");
}

void rig_set_flags(struct rig *r, const struct rig_service *s, uint32_t flags)
{
	rig_need_for(r, flags);
	set_flags(r, rig_slot(r, s), flags);
}

void rig_set_vip_flags(struct rig *r, uint32_t vip, uint32_t flags)
{
	const struct rig_service s = {.vip = vip};

	set_flags(r, rig_slot(r, &s), flags);
}
