// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Reads the map's keys, lets lb/lb_kernel_flows.h compute the change, and makes it. */
#include "sys/bpf_kernel_flows.h"

#include "plan/plan_sort.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

static struct lb_kernel_flow key_of(const struct conntrack_flow *f)
{
	struct lb_kernel_flow key = {.client_port = __builtin_bswap16(f->client_port),
				     .port = __builtin_bswap16(f->port),
				     .proto = f->proto};

	memcpy(key.client, f->client.b, sizeof(key.client));
	memcpy(key.vip, f->vip.b, sizeof(key.vip));
	return key;
}

static int read_keys(int fd, struct arena *arena, struct lb_kernel_keys *ret)
{
	struct lb_kernel_flow key, *last = NULL;
	size_t cap = 0;

	*ret = (struct lb_kernel_keys){.n = 0};
	while (fd >= 0 && bpf_map_get_next_key(fd, last, &key) == 0) {
		last = arena_push(arena, &ret->items, &ret->n, &cap, sizeof(*last));
		*last = key;
	}
	return fd < 0 || errno == ENOENT ? 0 : -errno;
}

/* --- by VIP ----------------------------------------------------------------------------------- */

static int cmp_address(const void *key, const void *item)
{
	return memcmp(key, ((const struct plan_taken *)item)->vip.addr.b,
		      sizeof(((struct ip_addr *)0)->b));
}

/* Where the items of a VIP's address begin, one for each of its domains; n: there are none. */
static size_t first_of(const struct plan_taken *items, size_t n, const void *address)
{
	const size_t i = plan_lower_bound(address, items, n, sizeof(*items), cmp_address);

	return i < n && cmp_address(address, &items[i]) == 0 ? i : n;
}

static struct plan_taken *items_of(const struct bpf_kernel_flows_args *args, struct arena *arena)
{
	struct plan_taken *items = arena_array_of(arena, args->n_begins, struct plan_taken);

	for (size_t i = 0; i < args->n_begins; i++)
		items[i] = (struct plan_taken){.vip = args->begins[i].vip,
					       .programmed = args->begins[i].programmed};
	return items;
}

/* What was seen, and whether it is to be entered. */
static struct lb_kernel_seen *seen_of(const struct bpf_kernel_flows_args *args, struct arena *arena,
				      struct plan_taken *items)
{
	struct lb_kernel_seen *seen = arena_array_of(arena, args->n_flows, struct lb_kernel_seen);
	const size_t n = args->n_begins;

	for (size_t k = 0; k < args->n_flows; k++) {
		const struct conntrack_flow *f = &args->flows[k];

		seen[k] = (struct lb_kernel_seen){.key = key_of(f), .lives = f->lives};
		for (size_t i = first_of(items, n, f->vip.b);
		     i < n && ip_addr_equal(&items[i].vip.addr, &f->vip); i++) {
			items[i].seen = true;
			seen[k].enter |= args->begins[i].takes;
		}
	}
	return seen;
}

static void count(struct plan_taken *items, size_t n, const struct lb_kernel_flow *key, bool is_in)
{
	for (size_t i = first_of(items, n, key->vip);
	     i < n && cmp_address(key->vip, &items[i]) == 0; i++) {
		items[i].flows += is_in;
		items[i].out += !is_in;
	}
}

/* Flows of a VIP that nobody asks about are of no use. */
static void delete_others(const struct bpf_kernel_flows_args *args, const struct plan_taken *items,
			  struct lb_kernel_keys *stay)
{
	size_t kept = 0;

	for (size_t k = 0; k < stay->n; k++) {
		const struct lb_kernel_flow *key = &stay->items[k];

		if (first_of(items, args->n_begins, key->vip) < args->n_begins)
			stay->items[kept++] = *key;
		else
			(void)bpf_map_delete_elem(args->fd, key);
	}
	stay->n = kept;
}

int bpf_kernel_flows_bring(const struct bpf_kernel_flows_args *args, struct arena *arena,
			   struct plan_taken **ret, struct lb_kernel_keys *ret_missed)
{
	struct plan_taken *items = items_of(args, arena);
	const uint32_t state = LB_KERNEL_FLOW_OPEN;
	struct lb_kernel_change change;
	struct lb_kernel_keys have;
	int error = read_keys(args->fd, arena, &have);

	if (error != 0)
		return error;
	lb_kernel_flows_change(&have, seen_of(args, arena, items), args->n_flows, &args->missed,
			       arena, &change);
	for (size_t i = 0; i < change.del.n; i++)
		(void)bpf_map_delete_elem(args->fd, &change.del.items[i]);
	delete_others(args, items, &change.stay);
	for (size_t i = 0; i < change.stay.n; i++)
		count(items, args->n_begins, &change.stay.items[i], true);
	for (size_t i = 0; i < change.add.n; i++)
		count(items, args->n_begins, &change.add.items[i],
		      bpf_map_update_elem(args->fd, &change.add.items[i], &state, BPF_NOEXIST) ==
			      0);
	*ret = items;
	*ret_missed = change.missed;
	return 0;
}
