// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The passes over certain addresses: what a Service has, and what it asks for. Each family by
 * itself; the rules are in ipam.c.
 */
#include "plan/ipam_inside.h"

#include <assert.h>

/* Of the pools that hold an address the one that gave it to this Service, else the oldest. */
static const struct ipam_pool *pool_by_right(const struct ipam *ipam, const struct ipam_part *part,
					     const struct ip_addr *a)
{
	const struct ipam_pool *p = ipam_pool_named(&ipam->pools, part->owned_pool);

	if (p && ip_addr_equal(a, &part->owned) && ipam_pool_range(p, a))
		return p;
	return ipam_pool_of(&ipam->pools, a);
}

/* The pool that has the say: of an address in use the one that its users have it from. */
static const struct ipam_pool *pool_of(const struct ipam *ipam, const struct ipam_part *part,
				       const struct ip_addr *a)
{
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, a);

	return known && known->users ? known->pool : pool_by_right(ipam, part, a);
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

static const struct ipam_claimant *in_the_way(const struct ipam *ipam, struct ipam_claimant *c,
					      const struct ip_addr *a)
{
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, a);

	/* It had the address together with those that had it before. */
	if (known && known->unseen && !ip_addr_equal(&ipam_part_of(c, a)->owned, a))
		return known->unseen;
	return ipam_uses_in_the_way(&ipam->uses, c, a);
}

/* Why the Service may not have the address; reason NULL: it may. */
struct objection {
	const char *reason, *message;
	const struct ipam_pool *pool; /* that has the say */
};

static struct objection objection(const struct ipam *ipam, struct ipam_claimant *c,
				  const struct ip_addr *a)
{
	const struct plan_own_address *own = plan_own_find(&ipam->own, 0, a);
	const struct ipam_pool *p = pool_of(ipam, ipam_part_of(c, a), a);
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

/* Two wishes that contradict each other: this address, and a pool that does not hold it. */
static struct objection contradiction(const struct ipam *ipam, const struct ipam_claimant *c,
				      const struct ipam_part *part, const struct ipam_pool *p)
{
	char text[IP_ADDR_TEXT];

	return (struct objection){
		"AddressNotInPool",
		arena_printf(ipam->arena, "%s is in pool %s, but address-pool names %s",
			     ip_addr_text(&part->requested, text), p->name, c->pool_wish),
		p};
}

static void refuse(struct ipam *ipam, struct ipam_claimant *c, const struct objection *why)
{
	const struct ipam_fault fault = {.field = ipam_request_field(&ipam->wishes, c),
					 .reason = why->reason,
					 .remedy = "request another address, or none",
					 .message = why->message};

	ipam_fault_add(&ipam->wishes, c, &fault);
}

/* --- first pass: what one has, one keeps ---------------------------------------------------- */

/*
 * The pool may stand in a document that cannot be read: another address would be a change. Of what
 * the object says without naming a pool that may be any.
 */
static bool waits_for_pool(struct ipam *ipam, struct ipam_claimant *c, struct ipam_part *part)
{
	const bool is_named = part->owned_pool[0] != '\0';
	char text[IP_ADDR_TEXT];

	if (ipam->complete || (!part->given && !part->in_object) ||
	    (is_named && ipam_pool_named(&ipam->pools, part->owned_pool)))
		return false;
	part->waits = true;
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, "status.loadBalancer", "AddressKept",
		     "correct the documents that cannot be read",
		     "%s is kept for the Service until %s%s can be read again",
		     ip_addr_text(&part->owned, text), is_named ? "pool " : "all documents",
		     part->owned_pool);
	return true;
}

/* A node that is reached by the address would be lost: that is worse than to lose the address. */
static void lose(const struct ipam *ipam, const struct ipam_claimant *c, const struct ip_addr *a,
		 const struct objection *why)
{
	if (plan_own_find(&ipam->own, 0, a)) {
		ipam_problem(&ipam->wishes, SEVERITY_ERROR, c, "status.loadBalancer", "NodeAddress",
			     "nothing; or give that machine another address",
			     "the Service loses its address: %s", why->message);
		return;
	}
	ipam_problem(&ipam->wishes, SEVERITY_WARNING, c, "status.loadBalancer", "AddressCleared",
		     "nothing; or give the address back to a pool that may serve it",
		     "the Service loses its address: %s", why->message);
}

static void keep_part(struct ipam *ipam, struct ipam_claimant *c, struct ipam_part *part)
{
	const bool asks = !ip_addr_is_none(&part->requested);
	struct objection why;

	if (ip_addr_is_none(&part->owned) ||
	    (asks && !ip_addr_equal(&part->requested, &part->owned)))
		return;
	why = objection(ipam, c, &part->owned);
	if (why.reason) {
		if (!asks && !waits_for_pool(ipam, c, part))
			lose(ipam, c, &part->owned, &why);
		return;
	}
	ipam_uses_add(&ipam->uses, c, &part->owned, why.pool);
	part->moves = !asks && !c->refused && ipam_wishes_other_pool(c, why.pool);
	if (asks && ipam_wishes_other_pool(c, why.pool)) {
		why = contradiction(ipam, c, part, why.pool);
		refuse(ipam, c, &why);
	}
}

void ipam_keep_owned(struct ipam *ipam, struct ipam_claimant *c)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		keep_part(ipam, c, &c->parts[f]);
}

/* --- second pass: a certain address --------------------------------------------------------- */

/*
 * A wish is fulfilled or refused, never replaced by another address. False: no pool has the address
 * at all, so nothing is said yet of the pool that it may ask for besides.
 */
static bool fulfil_request(struct ipam *ipam, struct ipam_claimant *c, struct ipam_part *part)
{
	struct objection why;

	if (part->pool || ip_addr_is_none(&part->requested))
		return true;
	why = objection(ipam, c, &part->requested);
	if (why.pool && ipam_wishes_other_pool(c, why.pool))
		why = contradiction(ipam, c, part, why.pool);
	if (why.reason) {
		refuse(ipam, c, &why);
		return why.pool;
	}
	ipam_uses_add(&ipam->uses, c, &part->requested, why.pool);
	part->by_wish = true;
	return true;
}

static void fulfil_requests_of(struct ipam *ipam, struct ipam_claimant *c)
{
	bool has_pool = true;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		has_pool &= fulfil_request(ipam, c, &c->parts[f]);
	if (!has_pool && c->pool_wish)
		(void)ipam_pool_wished(ipam, c); /* told beside the other fault */
}

/* Takes back what a wish was given: the address that is its owner's. */
static struct ipam_part *take_back(struct ipam *ipam, struct ipam_claimant *c,
				   const struct ip_addr *a, const struct ipam_claimant *owner)
{
	const struct objection why = {"AddressTaken", taken_message(ipam, a, owner), NULL};
	struct ipam_part *part = ipam_part_of(c, a);

	assert(part->by_wish && part->pool);
	ipam_uses_drop(&ipam->uses, c, a);
	part->pool = NULL;
	part->by_wish = false;
	refuse(ipam, c, &why);
	return part;
}

/* True if nobody is in the way there but Services that have the address by a wish. */
static bool may_take_back(const struct ipam *ipam, const struct ipam_claimant *c,
			  const struct ipam_part *part)
{
	const struct ip_addr *a = &part->owned;
	const struct ipam_pool *p = pool_by_right(ipam, part, a);
	const struct ipam_address *known = ipam_uses_find(&ipam->uses, a);

	if (plan_own_find(&ipam->own, 0, a) || !known || !p ||
	    !ipam_pool_admits(&ipam->pools, p, c->object) || ipam_pool_avoids(p, a))
		return false;
	for (const struct ipam_user *u = known->users; u; u = u->next)
		if (!ipam_part_of(u->claimant, a)->by_wish && !ipam_may_share(u->claimant, c))
			return false;
	return true;
}

/* A wish that failed. */
struct failed {
	struct ipam_claimant *c;
	struct ipam_part *part;
};

/*
 * Its wish failed, so it stays where it was. Whoever got that address by a wish of his own
 * meanwhile has to go back himself: they are put on the list.
 */
static void fall_back(struct ipam *ipam, const struct failed *f, struct failed *list, size_t *n)
{
	const struct ip_addr *a = &f->part->owned;
	struct ipam_claimant *user;
	struct objection why;

	if (may_take_back(ipam, f->c, f->part))
		while ((user = ipam_uses_in_the_way(&ipam->uses, f->c, a)))
			list[(*n)++] = (struct failed){user, take_back(ipam, user, a, f->c)};
	why = objection(ipam, f->c, a);
	if (why.reason)
		lose(ipam, f->c, a, &why);
	else
		ipam_uses_add(&ipam->uses, f->c, a, why.pool);
}

static size_t count_requests(const struct ipam_wishes *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			n += !ip_addr_is_none(&w->items[i].parts[f].requested);
	return n;
}

/* The list: wishes that failed or were taken back. None comes onto it twice. */
void ipam_fulfil_requests(struct ipam *ipam)
{
	const struct ipam_wishes *w = &ipam->wishes;
	struct failed *list = arena_array_of(ipam->arena, count_requests(w), struct failed);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		fulfil_requests_of(ipam, &w->items[i]);
	for (size_t i = 0; i < w->n; i++)
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
			struct ipam_part *part = &w->items[i].parts[f];

			assert(!part->by_wish || part->pool);
			if (!ip_addr_is_none(&part->requested) && !part->pool)
				list[n++] = (struct failed){&w->items[i], part};
		}
	for (size_t i = 0; i < n; i++)
		if (!ip_addr_is_none(&list[i].part->owned) &&
		    !ip_addr_equal(&list[i].part->owned, &list[i].part->requested))
			fall_back(ipam, &list[i], list, &n);
	assert(n <= count_requests(w));
}
