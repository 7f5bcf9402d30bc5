// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/nat_ports.h"

#include "agent/agent.h"
#include "base/limits.h"
#include "lb/lb_drops.h"
#include "sys/bpf_dataplane.h"
#include "sys/host.h"

#define LOOK_NS  (10 * NSEC_PER_SEC)
#define SHORT_NS (60 * NSEC_PER_SEC)

#define LOCAL_PORTS "/proc/sys/net/ipv4/ip_local_port_range"

bool nat_ports_meet(uint16_t first, uint16_t count, uint16_t local_first, uint16_t local_last)
{
	return first && local_first && first <= local_last && local_first < first + count;
}

/* What was counted before the first look may be long ago. */
void nat_ports_note(struct agent_nat_ports *n, uint64_t refused, nsec_t now)
{
	if (n->refused < refused && n->look_at > 0)
		n->short_until = nsec_add(now, SHORT_NS);
	n->refused = refused;
}

static void note_refused(struct agent *a, nsec_t now)
{
	uint64_t *counts = xcalloc(lb_drop_count(), sizeof(*counts));
	const size_t have = bpf_dataplane_drops(a->dataplane, counts, lb_drop_count());

	for (size_t i = 0; i < have; i++)
		if (strcmp(lb_drop_name(i), "nat_ports") == 0)
			nat_ports_note(&a->nat_ports, counts[i], now);
	free(counts);
}

void nat_ports_look(struct agent *a, nsec_t now)
{
	struct agent_nat_ports *n = &a->nat_ports;
	int range[2];

	if (now < n->look_at || !a->dataplane || !a->current || !a->current->plan.nat_port)
		return;
	note_refused(a, now);
	n->look_at = nsec_add(now, LOOK_NS);
	n->local_first = n->local_last = 0;
	if (host_numbers_in(LOCAL_PORTS, range, 2) == 2 && range[0] > 0 && range[1] <= UINT16_MAX) {
		n->local_first = (uint16_t)range[0];
		n->local_last = (uint16_t)range[1];
	}
}

void nat_ports_problems(const struct agent *a, nsec_t now, struct problems *list)
{
	const struct agent_nat_ports *n = &a->nat_ports;
	const uint16_t first = a->current ? a->current->plan.nat_port : 0;
	const struct object_ref ref = {.kind = "DataPlane", .name = a->options->node};
	const struct problem_text meet = {
		.field = "spec.dataplane.natPort",
		.reason = "NatPortsShared",
		.remedy = "name another natPort, so that the 16384 ports from there on are "
			  "outside of net.ipv4.ip_local_port_range, or change that",
	};
	const struct problem_text few = {
		.field = "spec.dataplane.natPort",
		.reason = "NatPortsUsedUp",
		.remedy = "add backends, since each may have as many flows as there are ports, or "
			  "announce the Service from more nodes",
	};

	if (nat_ports_meet(first, LIMIT_NAT_PORTS, n->local_first, n->local_last))
		problem_add(list, SEVERITY_WARNING, &ref, &meet,
			    "ports %u to %u are for forwarding nat, and the kernel gives programs "
			    "those from %u to %u: a connection of this node to a backend may lose "
			    "its answers to a client's",
			    first, first + LIMIT_NAT_PORTS - 1, n->local_first, n->local_last);
	if (first && now < n->short_until)
		problem_add(list, SEVERITY_WARNING, &ref, &few,
			    "new flows were dropped in the last minute, as no source port was "
			    "left for their backend (nat_ports)");
}
