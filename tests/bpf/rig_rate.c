// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Limits of VIPs. */
#include "bpf/rig.h"
#include "bpf/rig_private.h"

#include <bpf/bpf.h>
#include <time.h>

void rig_set_rate(struct rig *r, uint32_t vip, uint16_t domain, uint32_t packets, uint64_t used_ns)
{
	struct lb_rate_key key = {.domain = domain};
	struct lb_rate rate = {.packets = packets};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (used_ns)
		rate.until = ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + used_ns)
			     << 4;
	frame_address((uint8_t *)key.addr, vip);
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.rates), &key, &rate, BPF_ANY),
		 "set a rate");
}
