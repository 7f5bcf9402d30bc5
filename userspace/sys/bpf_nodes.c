// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The tables know nodes and ways (lb/lb_nodes.h); here is what is beside them: chunks when they are
 * asked for, and the map of devices that packets are redirected to, of which the kernel holds
 * devices and gives them up by itself when they go.
 */
#include "sys/bpf_nodes.h"

#include <bpf/bpf.h>
#include <errno.h>

struct bpf_nodes {
	int devices_fd; /* borrowed, as the next two */
	struct lb_tables *tables;
	struct bpf_grow *grow;
	uint32_t *devices; /* by which ways lead, as the map has them. Owned */
	size_t n_devices, cap_devices;
};

static void note_device(struct bpf_nodes *n, uint32_t ifindex)
{
	*(uint32_t *)xpush(&n->devices, &n->n_devices, &n->cap_devices, sizeof(*n->devices)) =
		ifindex;
}

struct bpf_nodes *bpf_nodes_new(int devices_fd, struct lb_tables *tables, struct bpf_grow *grow)
{
	struct bpf_nodes *n = xcalloc(1, sizeof(*n));
	uint32_t key, *before = NULL;

	*n = (struct bpf_nodes){.devices_fd = devices_fd, .tables = tables, .grow = grow};
	while (bpf_map_get_next_key(devices_fd, before, &key) == 0) {
		note_device(n, key);
		before = &n->devices[n->n_devices - 1];
	}
	return n;
}

struct bpf_nodes *bpf_nodes_free(struct bpf_nodes *n)
{
	if (!n)
		return NULL;
	free(n->devices);
	free(n);
	return NULL;
}

int bpf_nodes_tell(struct bpf_nodes *n, const struct lb_clock *c, const struct lb_node_told *items,
		   size_t n_items)
{
	int outcome;

	while ((outcome = lb_nodes_tell(lb_tables_nodes(n->tables), c, items, n_items)) > 0) {
		outcome = bpf_grow_for(n->grow, outcome, c->now);
		if (outcome != 0)
			return outcome;
	}
	return outcome;
}

/* --- devices ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct plan_next_hop *items, size_t n_items, uint32_t ifindex)
{
	for (size_t i = 0; i < n_items; i++)
		if (!items[i].by_tc && (uint32_t)items[i].ifindex == ifindex)
			return true;
	return false;
}

/* Those that no way leads by any more. */
static void drop_devices(struct bpf_nodes *n, const struct plan_next_hop *items, size_t n_items)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n_devices; i++) {
		if (is_wanted(items, n_items, n->devices[i]))
			n->devices[kept++] = n->devices[i];
		else
			(void)bpf_map_delete_elem(n->devices_fd, &n->devices[i]);
	}
	n->n_devices = kept;
}

static int add_device(struct bpf_nodes *n, uint32_t ifindex)
{
	size_t i = 0;

	while (i < n->n_devices && n->devices[i] != ifindex)
		i++;
	if (i < n->n_devices)
		return 0;
	if (bpf_map_update_elem(n->devices_fd, &ifindex, &ifindex, BPF_ANY) != 0)
		return -errno;
	note_device(n, ifindex);
	return 0;
}

/* --- ways ------------------------------------------------------------------------------------- */

static struct lb_hop_told told_of(const struct plan_next_hop *hop)
{
	struct lb_hop_told ret = {.node = hop->node,
				  .source = hop->source,
				  .uplink = (uint32_t)hop->uplink,
				  .ifindex = (uint32_t)hop->ifindex,
				  .on_link = hop->on_link,
				  .nat = hop->nat,
				  .mtu = hop->mtu};

	memcpy(ret.mac, hop->mac, sizeof(ret.mac));
	memcpy(ret.own_mac, hop->own_mac, sizeof(ret.own_mac));
	return ret;
}

/* Devices first: a way by one that is not in the map would drop what takes it. */
int bpf_nodes_set_hops(struct bpf_nodes *n, const struct lb_clock *c,
		       const struct plan_next_hop *items, size_t n_items)
{
	_cleanup_(freep) struct lb_hop_told *told = xcalloc(n_items, sizeof(*told));
	int outcome, error = 0;

	for (size_t i = 0; i < n_items; i++) {
		const int added = items[i].by_tc ? 0 : add_device(n, (uint32_t)items[i].ifindex);

		error = error ? error : added;
		told[i] = told_of(&items[i]);
	}
	while ((outcome = lb_nodes_set_hops(lb_tables_nodes(n->tables), c, told, n_items)) > 0) {
		outcome = bpf_grow_for(n->grow, outcome, c->now);
		if (outcome != 0)
			return outcome;
	}
	drop_devices(n, items, n_items);
	return error ? error : outcome;
}

/* The table before the range, without which nothing is looked for in it. */
int bpf_nodes_set_nat(struct bpf_nodes *n, nsec_t now, uint16_t first_port)
{
	const int error = first_port ? bpf_grow_nat(n->grow, now) : 0;

	return error ? error : lb_nodes_set_nat(lb_tables_nodes(n->tables), first_port);
}
