// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The passes over pools, for who takes any address. What a Service has not yet it gets from one
 * pool, in all the families that it wants (metallb.md 2.4): beside an address that it has, from the
 * pool of that. If no pool has both, a Service that prefers two takes the primary family alone, or
 * else the other; one that requires both waits.
 */
#include "plan/ipam_inside.h"

#include <assert.h>

/* --- what is told --------------------------------------------------------------------------- */

static const char *families_text(unsigned families)
{
	if (families == IPAM_FAMILY(IP_V4))
		return ip_family_text(IP_V4);
	return families == IPAM_FAMILY(IP_V6) ? ip_family_text(IP_V6) : "IPv4 and IPv6";
}

static void report_empty(struct ipam *ipam, struct ipam_claimant *c, unsigned families,
			 const char *where)
{
	const struct ipam_fault fault = {
		.reason = "PoolExhausted",
		.remedy = arena_printf(ipam->arena,
				       "add %s addresses to the pool, or remove Services that are "
				       "not needed",
				       families_text(families)),
		.message = arena_printf(ipam->arena, "no free %s address in %s",
					families_text(families), where),
	};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

/* Once, though each family may ask. */
static void report_unknown(struct ipam *ipam, struct ipam_claimant *c, const char *message)
{
	static const char reason[] = "UnknownPool";
	const struct ipam_fault fault = {
		.field = ipam_pool_field(&ipam->wishes, c),
		.reason = reason,
		.remedy = "correct the annotation, or the pool's serviceAllocation",
		.message = message,
	};

	for (const struct ipam_fault *f = c->faults; f; f = f->next)
		if (strcmp(f->reason, reason) == 0)
			return;
	ipam_fault_add(&ipam->wishes, c, &fault);
}

static void report_no_pool(struct ipam *ipam, struct ipam_claimant *c)
{
	const struct ipam_fault fault = {
		.reason = "NoPool",
		.remedy = "create an IPAddressPool, or set autoAssign on one",
		.message = "no pool gives addresses to this Service",
	};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

/* --- from one pool -------------------------------------------------------------------------- */

/* The sets of families to try one after the other: the first that a pool has an address for. */
struct tries {
	unsigned families[3];
	size_t n;
};

static struct tries tries_of(const struct ipam_claimant *c, unsigned families)
{
	const unsigned primary = IPAM_FAMILY(c->primary);
	struct tries ret = {.families = {families}, .n = 1};

	assert(families != 0);
	if (c->all || (families & (families - 1)) == 0)
		return ret;
	ret.families[ret.n++] = primary;
	ret.families[ret.n++] = families & ~primary;
	return ret;
}

/* Returns the families that it took an address of. */
static unsigned take_from(struct ipam *ipam, struct ipam_claimant *c, struct ipam_pool *p,
			  unsigned families)
{
	const struct tries tries = tries_of(c, families);

	for (size_t i = 0; i < tries.n; i++)
		if (ipam_uses_take(&ipam->uses, c, p, tries.families[i]))
			return tries.families[i];
	return 0;
}

/* A Service that has an address, and prefers two, does without the other one. */
static bool does_without(const struct ipam_claimant *c)
{
	return !c->all && (c->parts[IP_V4].pool || c->parts[IP_V6].pool);
}

struct ipam_pool *ipam_pool_wished(struct ipam *ipam, struct ipam_claimant *c)
{
	struct ipam_pool *p = ipam_pool_named(&ipam->pools, c->pool_wish);

	if (p && ipam_pool_admits(&ipam->pools, p, c->object))
		return p;
	report_unknown(
		ipam, c,
		arena_printf(ipam->arena,
			     p ? "pool %s does not serve this Service" : "there is no pool %s",
			     c->pool_wish));
	return NULL;
}

/* From the pool that is asked for; the families that it took an address of. */
static unsigned take_wished(struct ipam *ipam, struct ipam_claimant *c, unsigned families,
			    bool moves)
{
	struct ipam_pool *p = ipam_pool_wished(ipam, c);
	struct arena *arena = ipam->arena;
	unsigned taken;

	if (!p)
		return 0;
	taken = take_from(ipam, c, p, families);
	if (taken != families && (moves || !does_without(c)))
		report_empty(ipam, c, ipam_uses_lacking(&ipam->uses, c, p, families & ~taken),
			     arena_printf(arena, "pool %s", p->name));
	return taken;
}

/* --- third pass: a certain pool ------------------------------------------------------------- */

static unsigned moving(const struct ipam_claimant *c)
{
	unsigned ret = 0;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		ret |= c->parts[f].moves ? IPAM_FAMILY(f) : 0;
	return ret;
}

/* What a Service left. */
struct left {
	struct ipam_claimant *c;
	struct ip_addr addr;
};

static void move_one(struct ipam *ipam, struct ipam_claimant *c, struct left *list, size_t *n)
{
	const struct ip_addr before[] = {c->parts[IP_V4].addr, c->parts[IP_V6].addr};
	const unsigned wishes = moving(c), moved = take_wished(ipam, c, wishes, true);

	assert((moved & ~wishes) == 0);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (moved & IPAM_FAMILY(f))
			list[(*n)++] = (struct left){c, before[f]};
}

/* What they leave is given back when all have moved, so that the search goes forward only. */
void ipam_move_to_wished(struct ipam *ipam)
{
	struct left *list;
	size_t n_moving = 0, n = 0;

	for (size_t i = 0; i < ipam->wishes.n; i++)
		n_moving += moving(&ipam->wishes.items[i]) != 0;
	if (n_moving == 0)
		return;
	list = arena_array_of(ipam->arena, IP_N_FAMILIES * n_moving, struct left);
	ipam_uses_rewind(&ipam->uses);
	for (size_t i = 0; i < ipam->wishes.n; i++)
		if (moving(&ipam->wishes.items[i]))
			move_one(ipam, &ipam->wishes.items[i], list, &n);
	for (size_t i = 0; i < n; i++)
		ipam_uses_drop(&ipam->uses, list[i].c, &list[i].addr);
}

/* --- fourth pass: any address --------------------------------------------------------------- */

/* From the first pool that has them, of those that give to the Service; false: none has. */
static bool take_first(struct ipam *ipam, struct ipam_claimant *c, unsigned families, size_t *ret_n)
{
	struct ipam_pool *p;
	size_t at = 0;

	*ret_n = ipam->pools.n_open;
	for (; (p = ipam_pools_pinned(&ipam->pools, c->object, &at)); ++*ret_n)
		if (ipam_uses_take(&ipam->uses, c, p, families))
			return true;
	return ipam_uses_take_open(&ipam->uses, c, families);
}

static void take_where_there_is(struct ipam *ipam, struct ipam_claimant *c, unsigned families)
{
	const struct tries tries = tries_of(c, families);
	size_t n_pools = 0;

	for (size_t i = 0; i < tries.n; i++)
		if (take_first(ipam, c, tries.families[i], &n_pools))
			return;
	if (n_pools)
		report_empty(ipam, c, families,
			     families & (families - 1) ? "any one pool that may serve this Service"
						       : "any pool that may serve this Service");
	else
		report_no_pool(ipam, c);
}

/* Beside the address that it has, of the same pool. */
static void take_beside(struct ipam *ipam, struct ipam_claimant *c, const struct ipam_pool *with,
			unsigned families)
{
	struct ipam_pool *p = &ipam->pools.items[with->age];

	assert(p == with);
	if (!ipam_uses_take(&ipam->uses, c, p, families) && c->all)
		report_empty(ipam, c, families, arena_printf(ipam->arena, "pool %s", p->name));
}

/* Families it wants and has no address of; *ret_with: the pool of an address that it has. */
static unsigned lacking(const struct ipam_claimant *c, const struct ipam_pool **ret_with)
{
	unsigned ret = 0;

	*ret_with = NULL;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const struct ipam_part *part = &c->parts[f];

		if (part->pool)
			*ret_with = part->pool;
		else if (part->wanted && ip_addr_is_none(&part->requested))
			ret |= IPAM_FAMILY(f);
	}
	return ret;
}

/* It gets nothing while it waits, nor one of two that it requires if the other is refused. */
static bool must_wait(const struct ipam_claimant *c)
{
	bool waits = c->refused;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const struct ipam_part *part = &c->parts[f];

		waits |= part->waits;
		waits |= c->all && !part->pool && !ip_addr_is_none(&part->requested);
	}
	return waits;
}

void ipam_take_any(struct ipam *ipam, struct ipam_claimant *c)
{
	const struct ipam_pool *with;
	const unsigned families = lacking(c, &with);

	if (families == 0 || c->only_keeps || must_wait(c))
		return;
	if (c->pool_wish)
		(void)take_wished(ipam, c, families, false);
	else if (with)
		take_beside(ipam, c, with, families);
	else
		take_where_there_is(ipam, c, families);
}
