// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * See the header. Chained, so that a node stays where it is while the table of heads doubles.
 */
#include "plan/ipam_index.h"

#include "base/hash.h"

#include <assert.h>

struct ipam_index_node {
	uint64_t a, b;
	void *value;
	struct ipam_index_node *next;
};

static size_t slot_of(size_t n_slots, uint64_t a, uint64_t b)
{
	return hash_u64(hash_u64(HASH_INIT, a), b) & (n_slots - 1);
}

static struct ipam_index_node *find(const struct ipam_index *x, uint64_t a, uint64_t b)
{
	struct ipam_index_node *node;

	if (x->n_slots == 0)
		return NULL;
	node = x->slots[slot_of(x->n_slots, a, b)];
	while (node && (node->a != a || node->b != b))
		node = node->next;
	return node;
}

static void put(struct ipam_index *x, struct ipam_index_node *node)
{
	struct ipam_index_node **head = &x->slots[slot_of(x->n_slots, node->a, node->b)];

	node->next = *head;
	*head = node;
}

static void grow(struct ipam_index *x)
{
	const struct ipam_index old = *x;

	x->n_slots = old.n_slots ? 2 * old.n_slots : 64;
	assert((x->n_slots & (x->n_slots - 1)) == 0);
	x->slots = arena_array_of(x->arena, x->n_slots, struct ipam_index_node *);
	for (size_t i = 0; i < old.n_slots; i++)
		for (struct ipam_index_node *node = old.slots[i], *next; node; node = next) {
			next = node->next;
			put(x, node);
		}
}

void *ipam_index_get(const struct ipam_index *x, uint64_t a, uint64_t b)
{
	const struct ipam_index_node *node = find(x, a, b);

	return node ? node->value : NULL;
}

void **ipam_index_slot(struct ipam_index *x, uint64_t a, uint64_t b)
{
	struct ipam_index_node *node = find(x, a, b);

	if (node)
		return &node->value;
	if (x->n == x->n_slots)
		grow(x);
	node = arena_new_of(x->arena, struct ipam_index_node);
	node->a = a;
	node->b = b;
	put(x, node);
	x->n++;
	assert(x->n <= x->n_slots);
	return &node->value;
}
