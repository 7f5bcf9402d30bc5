// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A sorted array: peers are few and change seldom, connections are looked up often. The plan gives
 * a session to one BGPPeer only, so no two peers are at one place.
 */
#include "agent/peer_index.h"

#include "base/sorted.h"

struct place {
	const struct ip_addr *address;
	const char *vrf, *interface;
};

static struct place place_of(const struct agent_peer *p)
{
	return (struct place){&p->config.address, p->key.vrf, p->key.interface};
}

static int place_cmp(const void *key, const void *item)
{
	const struct place *a = key, b = place_of(*(struct agent_peer *const *)item);
	int c = ip_addr_cmp(a->address, b.address);

	if (c == 0)
		c = strcmp(a->vrf, b.vrf);
	return c ? c : strcmp(a->interface, b.interface);
}

static int item_cmp(const void *a, const void *b)
{
	const struct place place = place_of(*(struct agent_peer *const *)a);

	return place_cmp(&place, b);
}

void peer_index_build(struct agent_peers *all)
{
	free(all->index);
	all->index = xcalloc(all->n + 1, sizeof(struct agent_peer *));
	for (size_t i = 0; i < all->n; i++)
		all->index[i] = all->items[i];
	qsort(all->index, all->n, sizeof(*all->index), item_cmp);
}

struct agent_peer *agent_peers_find(const struct agent_peers *all, const struct ip_addr *address,
				    const char *vrf, const char *interface)
{
	const struct place place = {address, vrf, interface};
	struct agent_peer **found =
		sorted_find(&place, all->index, all->n, sizeof(*all->index), place_cmp);

	return found ? *found : NULL;
}
