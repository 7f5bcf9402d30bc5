// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From world, kernel and sinks to the arguments of plan_compute. Nothing is decided here: what the
 * sinks confirm and what the kernel says is passed on as it is.
 */
#include "agent/inputs.h"

#include "agent/agent.h"
#include "agent/state.h"
#include "plan/ipam.h"
#include "sys/bpf_dataplane.h"
#include "sys/conntrack.h"
#include "sys/log.h"
#include "sys/netlink.h"

#include <errno.h>

/* --- what conntrack holds ----------------------------------------------------------------------
 */

static bool is_programmed(const struct plan_actual *actual, const struct ip_addr *vip)
{
	for (size_t i = 0; i < actual->n_frontends; i++)
		if (ip_addr_equal(&actual->frontends[i].key.addr, vip))
			return true;
	return false;
}

/* Asks conntrack about the VIPs that are about to be served: only these can be taken over. */
static void ask_conntrack(struct agent_plan *p)
{
	struct ip_addr *vips = arena_array_of(p->arena, p->addresses.n, struct ip_addr);
	struct plan_taken *taken = NULL;
	size_t n = 0, n_taken = 0;
	int r;

	for (size_t i = 0; i < p->addresses.n; i++)
		if (!is_programmed(&p->actual, &p->addresses.items[i].addr))
			vips[n++] = p->addresses.items[i].addr;
	if (n == 0)
		return;
	r = conntrack_translated(vips, n, p->arena, &taken, &n_taken);
	if (r < 0 && r != -EOPNOTSUPP)
		log_warn("conntrack: cannot be read", "error=%s", log_quote(strerror(-r)));
	if (r < 0)
		return;
	p->node.taken = taken;
	p->node.n_taken = n_taken;
}

/* --- compute -----------------------------------------------------------------------------------
 */

static void gather_actual(struct agent *a, struct agent_plan *p)
{
	struct plan_actual *actual = &p->actual;

	*actual = (struct plan_actual){.dataplane_failure = a->dataplane_failure};
	agent_peers_actual(&a->peers, p->arena, &actual->peers, &actual->n_peers);
	if (a->dataplane) {
		struct lb_store store = bpf_dataplane_store(a->dataplane);

		store.ops->dump(store.ctx, p->arena, &actual->frontends, &actual->n_frontends);
		bpf_dataplane_devices(a->dataplane, p->arena, &actual->devices, &actual->n_devices);
	}
}

void inputs_compute(struct agent *a, struct agent_plan *p, nsec_t now, struct arena *ledger_arena,
		    struct plan_ledger *ret_ledger)
{
	struct plan_inputs in = {
		.world = a->world,
		.addresses = &p->addresses,
		.node = &p->node,
		.actual = &p->actual,
		.settings = &a->settings,
		.synced = true, /* files and netlink are read synchronously before the first plan */
	};

	p->problems = (struct problems){.arena = p->arena};
	problems_append(&p->problems, world_problems(a->world));
	ipam_compute(a->world, &a->settings, &a->given, p->arena, &p->addresses, &p->problems);
	state_note_addresses(a, &p->addresses);
	p->node = *netlink_node(a->netlink);
	gather_actual(a, p);
	ask_conntrack(p);
	plan_compute(&in, &a->ledger, now, p->arena, &p->plan, ret_ledger, &a->plan_at);
	state_copy_ledger(ledger_arena, ret_ledger);
	problems_append(&p->problems, &p->plan.problems);
	problems_sort(&p->problems);
}
