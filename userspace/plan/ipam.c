// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Gives addresses to Services (DESIGN 4, metallb.md 2). Passes in namespace/name order each, so
 * that agents which read the same folder choose alike: those who keep what they have, those who ask
 * for a certain address, those who ask for another pool, those who take any.
 *
 * An address somebody has is never taken away for somebody else's wish, nor for a wish of its own
 * that fails: it is lost only when no pool holds it any more that admits the Service, or when its
 * Service gets another one by its wish. Two Services may swap addresses, because a wish may take
 * what its owner wishes to leave; if the owner must stay, it is the wish that gives way
 * (fall_back).
 */
#include "plan/ipam.h"

#include "plan/ipam_order.h"
#include "plan/ipam_wish.h"

struct ipam {
	struct arena *arena;
	struct ipam_wishes wishes;
	struct ipam_pools pools;
	struct ipam_uses uses;
	struct plan_own own;
	bool complete; /* what is not in the world is not there */
};

static void give(struct ipam *ipam, struct ipam_claimant *c, const struct ip_addr *a,
		 const struct ipam_pool *p)
{
	ipam_uses_add(&ipam->uses, c, a, p);
	c->addr = *a;
	c->pool = p;
}

/* --- a certain address ---------------------------------------------------------------------- */

/* Of the pools that hold an address the one that gave it to this Service, else the oldest. */
static const struct ipam_pool *pool_by_right(const struct ipam *ipam, const struct ipam_claimant *c,
					     const struct ip_addr *a)
{
	const struct ipam_pool *p = ipam_pool_named(&ipam->pools, c->owned_pool);

	if (p && ip_addr_equal(a, &c->owned) && ipam_pool_range(p, a))
		return p;
	return ipam_pool_of(&ipam->pools, a);
}

/* The pool that has the say: of an address in use the one that its users have it from. */
static const struct ipam_pool *pool_of(const struct ipam *ipam, const struct ipam_claimant *c,
				       const struct ip_addr *a)
{
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, a);

	return known && known->users ? known->pool : pool_by_right(ipam, c, a);
}

static const char *taken_message(const struct ipam *ipam, const struct ip_addr *a,
				 const struct ipam_claimant *by)
{
	char text[IP_ADDR_TEXT];

	ip_addr_text(a, text);
	if (by->object)
		return arena_printf(ipam->arena, "%s belongs to Service %s/%s", text,
				    plan_text(by->object->meta.ns), by->object->meta.name);
	return arena_printf(ipam->arena, "%s is kept for Service %s/%s, which cannot be read", text,
			    by->given->ns, by->given->name);
}

static const struct ipam_claimant *
in_the_way(const struct ipam *ipam, const struct ipam_claimant *c, const struct ip_addr *a)
{
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, a);

	/* It had the address together with those that had it before. */
	if (known && known->unseen && !ip_addr_equal(&c->owned, a))
		return known->unseen;
	return ipam_uses_in_the_way(&ipam->uses, c, a);
}

/* Why the Service may not have the address; reason NULL: it may. */
struct objection {
	const char *reason, *message;
	const struct ipam_pool *pool; /* that has the say */
};

static struct objection objection(const struct ipam *ipam, const struct ipam_claimant *c,
				  const struct ip_addr *a)
{
	const struct plan_own_address *own = plan_own_find(&ipam->own, a);
	const struct ipam_pool *p = pool_of(ipam, c, a);
	const struct ipam_claimant *user;
	char text[IP_ADDR_TEXT];

	ip_addr_text(a, text);
	if (own)
		return (struct objection){
			"NodeAddress", arena_printf(ipam->arena, "%s is %s", text, own->owner), p};
	if (!p || !ipam_pool_admits(&ipam->pools, p, c->object))
		return (struct objection){
			"AddressNotInPool",
			arena_printf(ipam->arena, "no pool that may serve this Service holds %s",
				     text),
			p};
	if (ipam_pool_avoids(p, a))
		return (struct objection){"AddressAvoided",
					  arena_printf(ipam->arena,
						       "pool %s avoids %s (avoidBuggyIPs)", p->name,
						       text),
					  p};
	user = in_the_way(ipam, c, a);
	if (user)
		return (struct objection){"AddressTaken", taken_message(ipam, a, user), p};
	return (struct objection){.pool = p};
}

static bool wishes_other_pool(const struct ipam_claimant *c, const struct ipam_pool *p)
{
	return c->pool_wish && strcmp(c->pool_wish, p->name) != 0;
}

/* Two wishes that contradict each other: this address, and a pool that does not hold it. */
static struct objection contradiction(const struct ipam *ipam, const struct ipam_claimant *c,
				      const struct ipam_pool *p)
{
	char text[IP_ADDR_TEXT];

	return (struct objection){
		"AddressNotInPool",
		arena_printf(ipam->arena, "%s is in pool %s, but address-pool names %s",
			     ip_addr_text(&c->requested, text), p->name, c->pool_wish),
		p};
}

static void refuse(struct ipam *ipam, struct ipam_claimant *c, const struct objection *why)
{
	const struct ipam_fault fault = {.reason = why->reason,
					 .remedy = "request another address, or none",
					 .message = why->message};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

/* --- first pass: what one has, one keeps ---------------------------------------------------- */

/* The pool may stand in a document that cannot be read: another address would be a change. */
static bool waits_for_pool(struct ipam *ipam, struct ipam_claimant *c)
{
	char text[IP_ADDR_TEXT];

	if (ipam->complete || !c->given || ipam_pool_named(&ipam->pools, c->given->pool))
		return false;
	c->waits = true;
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, "status.loadBalancer", "AddressKept",
		     "correct the documents that cannot be read",
		     "%s is kept for the Service until pool %s can be read again",
		     ip_addr_text(&c->owned, text), c->given->pool);
	return true;
}

/* A node that is reached by the address would be lost: that is worse than to lose the address. */
static void lose(const struct ipam *ipam, const struct ipam_claimant *c,
		 const struct objection *why)
{
	if (plan_own_find(&ipam->own, &c->owned)) {
		ipam_problem(&ipam->wishes, SEVERITY_ERROR, c, "status.loadBalancer", "NodeAddress",
			     "nothing; or give that machine another address",
			     "the Service loses its address: %s", why->message);
		return;
	}
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, "status.loadBalancer", "AddressCleared",
		     "nothing; or give the address back to a pool that may serve it",
		     "the Service loses its address: %s", why->message);
}

static void keep_owned(struct ipam *ipam, struct ipam_claimant *c)
{
	const bool asks = !ip_addr_is_none(&c->requested);
	struct objection why;

	if (ip_addr_is_none(&c->owned) || (asks && !ip_addr_equal(&c->requested, &c->owned)))
		return;
	why = objection(ipam, c, &c->owned);
	if (why.reason) {
		if (!asks && !waits_for_pool(ipam, c))
			lose(ipam, c, &why);
		return;
	}
	give(ipam, c, &c->owned, why.pool);
	c->moves = !asks && !c->refused && wishes_other_pool(c, why.pool);
	if (asks && wishes_other_pool(c, why.pool)) {
		why = contradiction(ipam, c, why.pool);
		refuse(ipam, c, &why);
	}
}

/* --- second pass: a certain address --------------------------------------------------------- */

/* A wish is fulfilled or refused, never replaced by another address. */
static void fulfil_request(struct ipam *ipam, struct ipam_claimant *c)
{
	struct objection why;

	if (c->pool || ip_addr_is_none(&c->requested))
		return;
	why = objection(ipam, c, &c->requested);
	if (why.pool && wishes_other_pool(c, why.pool))
		why = contradiction(ipam, c, why.pool);
	if (why.reason) {
		refuse(ipam, c, &why);
		return;
	}
	give(ipam, c, &c->requested, why.pool);
	c->by_wish = true;
}

/* Takes back what a wish was given. */
static void take_back(struct ipam *ipam, struct ipam_claimant *c, const struct ipam_claimant *owner)
{
	const struct objection why = {"AddressTaken", taken_message(ipam, &c->addr, owner), NULL};

	ipam_uses_drop(&ipam->uses, c, &c->addr);
	c->pool = NULL;
	c->by_wish = false;
	refuse(ipam, c, &why);
}

/* True if nobody is in the way there but Services that have the address by a wish. */
static bool may_take_back(const struct ipam *ipam, const struct ipam_claimant *c)
{
	const struct ipam_pool *p = pool_by_right(ipam, c, &c->owned);
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, &c->owned);

	if (plan_own_find(&ipam->own, &c->owned) || !known || !p ||
	    !ipam_pool_admits(&ipam->pools, p, c->object) || ipam_pool_avoids(p, &c->owned))
		return false;
	for (const struct ipam_user *u = known->users; u; u = u->next)
		if (!u->claimant->by_wish && !ipam_may_share(u->claimant, c))
			return false;
	return true;
}

/*
 * Its wish failed, so it stays where it was. Whoever got that address by a wish of his own
 * meanwhile has to go back himself: they are put on the list.
 */
static void fall_back(struct ipam *ipam, struct ipam_claimant *c, struct ipam_claimant **list,
		      size_t *n)
{
	struct ipam_claimant *user;
	struct objection why;

	if (may_take_back(ipam, c))
		while ((user = ipam_uses_in_the_way(&ipam->uses, c, &c->owned))) {
			take_back(ipam, user, c);
			list[(*n)++] = user;
		}
	why = objection(ipam, c, &c->owned);
	if (why.reason)
		lose(ipam, c, &why);
	else
		give(ipam, c, &c->owned, why.pool);
}

/* The list: those whose wish failed or was taken back. Nobody comes onto it twice. */
static void fulfil_requests(struct ipam *ipam)
{
	struct ipam_claimant **list =
		arena_array_of(ipam->arena, ipam->wishes.n, struct ipam_claimant *);
	size_t n = 0;

	for (size_t i = 0; i < ipam->wishes.n; i++)
		fulfil_request(ipam, &ipam->wishes.items[i]);
	for (size_t i = 0; i < ipam->wishes.n; i++) {
		struct ipam_claimant *c = &ipam->wishes.items[i];

		if (c->faults && !c->pool && !c->refused)
			list[n++] = c;
	}
	for (size_t i = 0; i < n; i++)
		if (!ip_addr_is_none(&list[i]->owned) &&
		    !ip_addr_equal(&list[i]->owned, &list[i]->requested))
			fall_back(ipam, list[i], list, &n);
}

/* --- third pass: a certain pool ------------------------------------------------------------- */

static void report_empty(struct ipam *ipam, struct ipam_claimant *c, const char *where)
{
	const struct ipam_fault fault = {
		.reason = "PoolExhausted",
		.remedy = "add addresses to the pool, or remove Services that are not needed",
		.message = arena_printf(ipam->arena, "no free address in %s", where),
	};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

static void report_unknown(struct ipam *ipam, struct ipam_claimant *c, const char *message)
{
	const struct ipam_fault fault = {
		.field = "metadata.annotations",
		.reason = "UnknownPool",
		.remedy = "correct the annotation address-pool, or the pool's serviceAllocation",
		.message = message,
	};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

static bool take_from(struct ipam *ipam, struct ipam_claimant *c, struct ipam_pool *p)
{
	if (!ipam_uses_take(&ipam->uses, c, p, &c->addr))
		return false;
	c->pool = p;
	return true;
}

/* False: it cannot be fulfilled, which is a fault. */
static bool take_wished(struct ipam *ipam, struct ipam_claimant *c)
{
	struct ipam_pool *p = ipam_pool_named(&ipam->pools, c->pool_wish);
	struct arena *arena = ipam->arena;

	if (!p)
		report_unknown(ipam, c, arena_printf(arena, "there is no pool %s", c->pool_wish));
	else if (!ipam_pool_admits(&ipam->pools, p, c->object))
		report_unknown(
			ipam, c,
			arena_printf(arena, "pool %s does not serve this Service", c->pool_wish));
	else if (take_from(ipam, c, p))
		return true;
	else
		report_empty(ipam, c, arena_printf(arena, "pool %s", c->pool_wish));
	return false;
}

/* What they leave is given back when all have moved, so that the search goes forward only. */
static void move_to_wished(struct ipam *ipam)
{
	struct ip_addr *left = arena_array_of(ipam->arena, ipam->wishes.n, struct ip_addr);

	ipam_uses_rewind(&ipam->uses);
	for (size_t i = 0; i < ipam->wishes.n; i++) {
		struct ipam_claimant *c = &ipam->wishes.items[i];
		const struct ip_addr before = c->addr;

		if (c->moves && take_wished(ipam, c))
			left[i] = before;
	}
	for (size_t i = 0; i < ipam->wishes.n; i++)
		if (!ip_addr_is_none(&left[i]))
			ipam_uses_drop(&ipam->uses, &ipam->wishes.items[i], &left[i]);
}

/* --- fourth pass: any address --------------------------------------------------------------- */

static void report_no_pool(struct ipam *ipam, struct ipam_claimant *c)
{
	const struct ipam_fault fault = {
		.reason = "NoPool",
		.remedy = "create an IPAddressPool, or set autoAssign on one",
		.message = "no pool gives addresses to this Service",
	};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

static void take_any(struct ipam *ipam, struct ipam_claimant *c)
{
	struct ipam_pool *p;
	size_t at = 0, n = ipam->pools.n_open;

	if (c->refused || c->waits || c->pool || !ip_addr_is_none(&c->requested))
		return;
	if (c->pool_wish) {
		(void)take_wished(ipam, c);
		return;
	}
	for (; (p = ipam_pools_pinned(&ipam->pools, c->object, &at)); n++)
		if (take_from(ipam, c, p))
			return;
	c->pool = ipam_uses_take_open(&ipam->uses, c, &c->addr);
	if (c->pool)
		return;
	if (n)
		report_empty(ipam, c, "any pool that may serve this Service");
	else
		report_no_pool(ipam, c);
}

/* --- all together --------------------------------------------------------------------------- */

static void warn_given_here(const struct ipam *ipam, const struct ipam_claimant *c)
{
	const bool in_object = c->in_object && ip_addr_equal(&c->addr, &c->owned);
	char text[IP_ADDR_TEXT];

	if (!c->pool || in_object || ip_addr_equal(&c->addr, &c->requested))
		return;
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, NULL, "AddressGivenHere",
		     "write it into the Service (annotation metallb.io/loadBalancerIPs)",
		     "%s was given by this agent; another agent may choose otherwise",
		     ip_addr_text(&c->addr, text));
}

/*
 * Addresses given earlier to Services that are not there, when it is not certain that they are
 * gone: nobody else gets them meanwhile.
 */
static void reserve_unseen(struct ipam *ipam, const struct world *world)
{
	const struct plan_addresses *given = ipam->wishes.given;
	struct ipam_claimant *unseen = arena_array_of(ipam->arena, given->n, struct ipam_claimant);

	for (size_t i = 0; i < given->n; i++) {
		const struct plan_address *a = &given->items[i];

		if (world_find(world, API_SERVICE, a->ns, a->name))
			continue;
		unseen[i].given = a;
		ipam_uses_reserve(&ipam->uses, &unseen[i], &a->addr);
	}
}

bool ipam_is_complete(const struct world *world)
{
	return !world_may_hide(world, API_SERVICE) && !world_may_hide(world, API_IP_ADDRESS_POOL);
}

static void write_result(const struct ipam *ipam, struct plan_addresses *ret)
{
	const struct ipam_wishes *w = &ipam->wishes;
	struct plan_address *items = arena_array_of(ipam->arena, w->n, struct plan_address);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct ipam_claimant *c = &w->items[i];

		if (c->pool)
			items[n++] = (struct plan_address){.ns = plan_text(c->object->meta.ns),
							   .name = c->object->meta.name,
							   .addr = c->addr,
							   .pool = c->pool->name};
	}
	*ret = (struct plan_addresses){.items = items, .n = n};
}

static void give_addresses(struct ipam *ipam)
{
	struct ipam_claimant *const items = ipam->wishes.items;
	const size_t n = ipam->wishes.n;

	for (size_t i = 0; i < n; i++)
		keep_owned(ipam, &items[i]);
	fulfil_requests(ipam);
	move_to_wished(ipam);
	ipam_uses_rewind(&ipam->uses);
	for (size_t i = 0; i < n; i++)
		take_any(ipam, &items[i]);
}

/* Of each pool the first few addresses that it holds but never gives. */
struct ungiven {
	size_t n;
	const char *text;
};

static void note_ungiven(struct ipam *ipam, const struct plan_own_address *own,
			 struct ungiven *list)
{
	const struct ipam_pool *p = ipam_pool_of(&ipam->pools, &own->addr);
	struct ungiven *ungiven = p ? &list[p->age] : NULL;
	char text[IP_ADDR_TEXT];

	if (!ungiven || own->loose || ++ungiven->n > 3)
		return;
	ungiven->text = arena_printf(
		ipam->arena, "%s%s%s is %s", ungiven->n > 1 ? ungiven->text : "",
		ungiven->n > 1 ? ", " : "", ip_addr_text(&own->addr, text), own->owner);
}

static void report_ungiven(struct ipam *ipam, struct problems *problems)
{
	struct ungiven *list = arena_array_of(ipam->arena, ipam->pools.n, struct ungiven);

	for (size_t i = 0; i < ipam->own.n; i++)
		note_ungiven(ipam, &ipam->own.items[i], list);
	for (size_t i = 0; i < ipam->pools.n; i++)
		if (list[i].n)
			object_problem(
				problems, SEVERITY_WARNING, ipam->pools.items[i].object,
				"spec.addresses", "HoldsNodeAddress",
				"nothing, as they are left out; or take them out of the pool",
				"addresses that no Service may have: %s%s", list[i].text,
				list[i].n > 3 ? ", and others" : "");
}

static void build(struct ipam *ipam, const struct ipam_inputs *in, struct problems *problems,
		  struct api_strings *ret_order)
{
	struct object_list pools =
		plan_objects(in->world, in->settings, API_IP_ADDRESS_POOL, ipam->arena, NULL);

	ipam_order(&pools, &in->pools, ipam->complete, ipam->arena, &pools, ret_order);
	ipam_pools_build(in->world, &pools, ipam->arena, problems, &ipam->pools);
	plan_own_build(in->world, in->node, ipam->arena, &ipam->own);
	report_ungiven(ipam, problems);
	ipam_uses_init(&ipam->uses, &ipam->pools, ipam->arena);
	ipam_uses_exclude(&ipam->uses, &ipam->own);
	ipam_wishes_read(&ipam->wishes, in->world, in->settings);
	if (!ipam->complete)
		reserve_unseen(ipam, in->world);
}

void ipam_compute(const struct ipam_inputs *in, struct arena *arena, struct plan_addresses *ret,
		  struct problems *problems)
{
	struct ipam ipam = {
		.arena = arena,
		.wishes = {.given = in->given, .problems = problems},
		.complete = in->synced && ipam_is_complete(in->world),
	};
	struct api_strings order;

	build(&ipam, in, problems, &order);
	give_addresses(&ipam);
	for (size_t i = 0; i < ipam.wishes.n; i++)
		ipam_faults_tell(&ipam.wishes, &ipam.wishes.items[i]);
	for (size_t i = 0; i < ipam.wishes.n && world_list(in->world, API_NODE).n > 1; i++)
		warn_given_here(&ipam, &ipam.wishes.items[i]);
	write_result(&ipam, ret);
	ret->pools = order;
}
