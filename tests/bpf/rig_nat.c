// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The table of flows whose source is translated, and the range of its ports. */
#include "bpf/rig_nodes.h"
#include "bpf/rig_private.h"

#include "bpf/nat_ports.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

void rig_set_nat_range(struct rig *r, uint16_t first, uint32_t count)
{
	const struct lb_tunnel t = {.nat = lb_nat_range(first, count)};
	const uint32_t zero = 0;

	rig_need_far(r);
	rig_must(bpf_map_update_elem(bpf_map__fd(r->xdp->maps.tunnel), &zero, &t, BPF_ANY),
		 "write tunnel");
}

void rig_set_nat(struct rig *r, uint16_t first, uint32_t count)
{
	rig_chunk(r, RIG_NAT_MAP, 0);
	rig_set_nat_range(r, first, count);
}

/* Mapped for as long as the process lives. */
struct lb_nat_line *rig_nat_line(struct rig *r, uint32_t line)
{
	struct lb_nat_line *lines =
		mmap(NULL, LB_NAT_LINES * sizeof(*lines), PROT_READ | PROT_WRITE, MAP_SHARED,
		     rig_chunk(r, RIG_NAT_MAP, 0), 0);

	rig_must(lines == MAP_FAILED ? -1 : 0, "map the table of translated flows");
	return &lines[line];
}

int rig_tc_nat(struct rig *r, const struct frame *in, struct frame *out)
{
	return rig_run(rig_need_tc_nat(r), in, out);
}
