// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * From the plan's targets to namespaces. A target without one (a process of this host, an address
 * behind a device that has no peer) is left out: its flows have the reply table as their only
 * witness.
 */
#include "agent/pods.h"

#include "base/sorted.h"
#include "sys/bpf_dataplane.h"
#include "sys/netlink.h"

static int cmp_addr(const void *a, const void *b)
{
	return ip_addr_cmp(a, b);
}

static int cmp_pod(const void *key, const void *item)
{
	const struct lb_nsid *pod = item;

	return ip_addr_cmp(key, &pod->addr);
}

/* Addresses of all targets, sorted, without doubles. */
static struct ip_addr *targets(const struct plan *plan, struct arena *scratch, size_t *ret_n)
{
	struct ip_addr *all;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < plan->n_frontends; i++)
		n += plan->frontends[i].lb.n_targets;
	all = arena_array_of(scratch, n, struct ip_addr);
	n = 0;
	for (size_t i = 0; i < plan->n_frontends; i++)
		for (size_t k = 0; k < plan->frontends[i].lb.n_targets; k++)
			all[n++] = plan->frontends[i].lb.targets[k].addr;
	qsort(all, n, sizeof(*all), cmp_addr);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !ip_addr_equal(&all[kept - 1], &all[i]))
			all[kept++] = all[i];
	*ret_n = kept;
	return all;
}

void pods_tell(struct pods *pods, const struct plan *plan, struct netlink *nl,
	       struct bpf_dataplane *dp, bool anew)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	struct lb_nsid *found;
	struct ip_addr *all;
	size_t n_all, n = 0;

	all = targets(plan, scratch, &n_all);
	found = xcalloc(n_all + 1, sizeof(*found));
	for (size_t i = 0; i < n_all; i++) {
		const struct lb_nsid *known = anew ? NULL
						   : sorted_find(&all[i], pods->items, pods->n,
								 sizeof(*pods->items), cmp_pod);
		int nsid = known ? (int)known->nsid : netlink_pod_nsid(nl, &all[i]);

		if (nsid >= 0)
			found[n++] = (struct lb_nsid){.addr = all[i], .nsid = (uint32_t)nsid};
	}
	free(pods->items);
	pods->items = found;
	pods->n = n;
	bpf_dataplane_set_nsids(dp, found, n);
}

void pods_done(struct pods *pods)
{
	free(pods->items);
	*pods = (struct pods){0};
}
