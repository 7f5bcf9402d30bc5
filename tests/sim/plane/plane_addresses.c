// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Addresses, seen from outside, by family. Nothing in this world shares one or asks for one, and
 * pools do not change: so whoever has an address keeps it for as long as he wants one of its
 * family, over crashes too; nobody else has it; and all that a Service has is of one pool.
 */
#include "sim/plane/plane.h"

static const char *text_of(const struct plan_address *a)
{
	static char text[IP_ADDR_TEXT + 64]; /* for one message only */
	char addr[IP_ADDR_TEXT];

	(void)snprintf(text, sizeof(text), "%s of %s", ip_addr_text(&a->addr, addr), a->name);
	return text;
}

/* What nothing is said about is IPv4 here. */
static bool wants(const struct api_object *service, enum ip_family family)
{
	const struct api_families *f = &service->service.families;

	for (size_t i = 0; i < f->n; i++)
		if (f->items[i] == family)
			return true;
	return f->n == 0 && family == IP_V4;
}

static bool holds(const struct api_object *pool, const struct ip_addr *a)
{
	for (size_t i = 0; pool && i < pool->pool.n_ranges; i++)
		if (ip_range_has(&pool->pool.ranges[i], a))
			return true;
	return false;
}

static const struct api_object *service_of(const struct plane *p, const struct plan_address *a)
{
	return world_find(p->f->world, API_SERVICE, a->ns, a->name);
}

static bool still_has(const struct plan_addresses *all, const struct plan_address *a)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].name, a->name) == 0 &&
		    ip_addr_equal(&all->items[i].addr, &a->addr))
			return true;
	return false;
}

static void check_one(struct plane *p, size_t i)
{
	const struct plan_addresses *all = &p->f->addresses;
	const struct plan_address *a = &all->items[i];
	const struct api_object *o = service_of(p, a);

	if (!o || !wants(o, ip_family_of(&a->addr)))
		plane_violation(p, "%s is not wanted", text_of(a));
	if (!holds(world_find(p->f->world, API_IP_ADDRESS_POOL, "metallb-system", a->pool),
		   &a->addr))
		plane_violation(p, "%s is not of pool %s", text_of(a), a->pool);
	for (size_t k = 0; k < i; k++) {
		const struct plan_address *b = &all->items[k];

		if (ip_addr_equal(&a->addr, &b->addr))
			plane_violation(p, "%s is of %s, too", text_of(a), b->name);
		if (strcmp(a->name, b->name) != 0)
			continue;
		if (ip_family_of(&a->addr) == ip_family_of(&b->addr))
			plane_violation(p, "%s is the second of its family", text_of(a));
		if (strcmp(a->pool, b->pool) != 0)
			plane_violation(p, "%s is of pool %s, the other of %s", text_of(a), a->pool,
					b->pool);
	}
}

void plane_check_addresses(struct plane *p)
{
	if (!p->f->synced)
		return;
	for (size_t i = 0; i < p->f->addresses.n; i++) {
		check_one(p, i);
		p->stats.ipv6 += !ip_addr_is_v4(&p->f->addresses.items[i].addr);
	}
	for (size_t i = 0; i < p->given.n; i++) {
		const struct plan_address *a = &p->given.items[i];
		const struct api_object *o = service_of(p, a);

		if (o && wants(o, ip_family_of(&a->addr)) && !still_has(&p->f->addresses, a))
			plane_violation(p, "%s is taken away", text_of(a));
	}
}

void plane_check_served(struct plane *p)
{
	char text[IP_ADDR_TEXT];

	for (size_t i = 0; i < p->f->store.n; i++) {
		const struct fake_frontend *f = &p->f->store.items[i];

		for (size_t k = 0; k < f->n_targets; k++)
			if (ip_family_of(&f->targets[k].addr) != ip_family_of(&f->key.addr))
				plane_violation(p, "%s has a backend of another family",
						ip_addr_text(&f->key.addr, text));
	}
}
