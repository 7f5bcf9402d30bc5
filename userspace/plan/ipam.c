// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Gives addresses to Services (DESIGN 4, metallb.md 2). Three passes, each in namespace/name order,
 * so that agents which read the same folder choose alike: those who keep what they have, those who
 * ask for a certain address, those who take any. An address somebody has is never taken away for
 * somebody else's wish; it is lost only when no pool holds it any more, or its Service asks for
 * another.
 *
 * IPv4 only: a Service that wants no IPv4 address gets none, and is told.
 */
#include "plan/ipam.h"

#include "base/hash.h"
#include "base/sorted.h"
#include "plan/ipam_pools.h"

struct claimant {
	const struct api_object *object; /* NULL: a Service that cannot be seen (reserve_unseen) */
	struct ip_addr requested; /* by annotation or spec.loadBalancerIP; none: any will do */
	struct ip_addr owned;     /* status.ingress, else what was given earlier */
	const struct plan_address *given; /* the latter; NULL = nothing */
	const char *pool_wish;            /* annotation address-pool */
	const char *sharing_key;          /* NULL = none */
	bool refused;                     /* its wish cannot be read; said already */
	bool in_object;      /* the address stands in the object: other agents see it, too */
	struct ip_addr addr; /* the result */
	const char *pool;
	struct claimant *next_user; /* of the same address */
};

struct ipam {
	const struct plan_addresses *given;
	struct problems *problems;
	bool complete; /* what is not in the world is not there */
	struct ipam_pools pools;
	struct claimant *items; /* by namespace, name */
	size_t n;
	struct claimant *
		*users; /* hash table by address, open addressing; n_slots a power of two */
	size_t n_slots;
};

#define ipam_problem(ipam, severity, c, ...)                                                       \
	object_problem((ipam)->problems, severity, (c)->object, __VA_ARGS__)

/* --- who uses an address -------------------------------------------------------------------- */

static struct claimant **users_of(const struct ipam *ipam, const struct ip_addr *a)
{
	size_t i = hash_bytes(HASH_INIT, a, sizeof(*a)) & (ipam->n_slots - 1);

	while (ipam->users[i] && !ip_addr_equal(&ipam->users[i]->addr, a))
		i = (i + 1) & (ipam->n_slots - 1);
	return &ipam->users[i];
}

static bool ports_clash(const struct api_service *a, const struct api_service *b)
{
	for (size_t i = 0; i < a->n_ports; i++)
		for (size_t k = 0; k < b->n_ports; k++)
			if (a->ports[i].port == b->ports[k].port &&
			    a->ports[i].protocol == b->ports[k].protocol)
				return true;
	return false;
}

/* metallb.md 2.6. That Local Services share their selector as well is left to the user. */
static bool may_share(const struct claimant *a, const struct claimant *b)
{
	const struct api_service *x, *y;

	if (!a->object) /* it had the address together with those that had it before */
		return ip_addr_equal(&a->addr, &b->owned);
	x = &a->object->service;
	y = &b->object->service;
	return a->sharing_key && b->sharing_key && strcmp(a->sharing_key, b->sharing_key) == 0 &&
	       x->policy_local == y->policy_local && !ports_clash(x, y);
}

/* Who is in the way, or NULL. */
static const struct claimant *in_the_way(const struct ipam *ipam, const struct claimant *c,
					 const struct ip_addr *a)
{
	for (const struct claimant *u = *users_of(ipam, a); u; u = u->next_user)
		if (!may_share(u, c))
			return u;
	return NULL;
}

static void use(struct ipam *ipam, struct claimant *c, const struct ip_addr *a)
{
	struct claimant **head = users_of(ipam, a);

	c->addr = *a;
	c->next_user = *head;
	*head = c;
}

static void give(struct ipam *ipam, struct claimant *c, const struct ip_addr *a,
		 const struct ipam_pool *p)
{
	use(ipam, c, a);
	c->pool = p->object->meta.name;
}

/* --- what a Service wants ------------------------------------------------------------------- */

static bool wants_ipv4(const struct api_service *s)
{
	return s->ip_families.n == 0 || plan_strings_have(&s->ip_families, "IPv4");
}

static void bad_request(struct ipam *ipam, struct claimant *c, const char *message)
{
	c->refused = true;
	ipam_problem(ipam, SEVERITY_ERROR, c, "metadata.annotations", "InvalidRequest",
		     "name one IPv4 address", "%s", message);
}

/* One entry of loadBalancerIPs. */
static void add_requested(struct ipam *ipam, struct claimant *c, const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		bad_request(ipam, c,
			    arena_printf(ipam->problems->arena,
					 "loadBalancerIPs: %s is not an address", text));
	else if (!ip_addr_is_v4(&a))
		ipam_problem(ipam, SEVERITY_INFO, c, "metadata.annotations", "NotSupportedYet",
			     "nothing to do: IPv4 works without it",
			     "the IPv6 address in loadBalancerIPs is not acted on yet");
	else if (!ip_addr_is_none(&c->requested))
		bad_request(ipam, c, "loadBalancerIPs names more than one IPv4 address");
	else
		c->requested = a;
}

static void read_annotation(struct ipam *ipam, struct claimant *c, const char *list)
{
	struct arena *arena = ipam->problems->arena;

	while (*list) {
		const size_t len = strcspn(list, ",");
		const size_t lead = strspn(list, " ");
		const char *entry = list + lead;
		size_t n = lead < len ? len - lead : 0;

		while (n && entry[n - 1] == ' ')
			n--;
		if (n)
			add_requested(ipam, c, arena_strndup(arena, entry, n));
		list += len + (list[len] == ',');
	}
}

static void read_request(struct ipam *ipam, struct claimant *c)
{
	const struct api_object *o = c->object;
	const char *list = api_annotation(&o->meta, "loadBalancerIPs");
	const bool by_spec = !ip_addr_is_none(&o->service.lb_ip);

	if (list && by_spec)
		bad_request(ipam, c, "both loadBalancerIPs and spec.loadBalancerIP are set");
	else if (list)
		read_annotation(ipam, c, list);
	else if (by_spec && ip_addr_is_v4(&o->service.lb_ip))
		c->requested = o->service.lb_ip;
	else if (by_spec)
		ipam_problem(ipam, SEVERITY_INFO, c, "spec.loadBalancerIP", "NotSupportedYet",
			     "nothing to do: IPv4 works without it",
			     "IPv6 addresses are not acted on yet");
}

static int cmp_given(const void *key, const void *item)
{
	const struct api_object *o = key;
	const struct plan_address *a = item;
	const int cmp = strcmp(plan_text(o->meta.ns), plan_text(a->ns));

	return cmp ? cmp : strcmp(o->meta.name, a->name);
}

static void read_owned(struct ipam *ipam, struct claimant *c)
{
	const struct api_service *s = &c->object->service;
	const struct plan_address *given;

	for (size_t i = 0; i < s->n_ingress; i++)
		if (ip_addr_is_v4(&s->ingress[i])) {
			c->owned = s->ingress[i];
			c->in_object = true;
			return;
		}
	given = sorted_find(c->object, ipam->given->items, ipam->given->n, sizeof(*given),
			    cmp_given);
	if (!given || !ip_addr_is_v4(&given->addr))
		return;
	c->owned = given->addr;
	c->given = given;
}

static void read_claimant(struct ipam *ipam, const struct api_object *o)
{
	struct claimant *c = &ipam->items[ipam->n];
	const char *key = api_annotation(&o->meta, "allow-shared-ip");

	c->object = o;
	if (!wants_ipv4(&o->service)) {
		ipam_problem(ipam, SEVERITY_INFO, c, "spec.ipFamilies", "NotSupportedYet",
			     "let the Service have IPv4, too", "IPv6 addresses are not given yet");
		return;
	}
	ipam->n++;
	c->pool_wish = api_annotation(&o->meta, "address-pool");
	c->sharing_key = key && key[0] ? key : NULL;
	read_request(ipam, c);
	read_owned(ipam, c);
}

/* --- a certain address ---------------------------------------------------------------------- */

/* Why the Service may not have the address, or NULL. *ret_pool: the pool that holds it. */
static const char *objection(const struct ipam *ipam, const struct claimant *c,
			     const struct ip_addr *a, const char **ret_message,
			     struct ipam_pool **ret_pool)
{
	struct arena *arena = ipam->problems->arena;
	struct ipam_pool *p = ipam_pool_of(&ipam->pools, a);
	const struct claimant *user;
	char text[IP_ADDR_TEXT];

	ip_addr_text(a, text);
	*ret_pool = p;
	*ret_message = arena_printf(arena, "no pool that may serve this Service holds %s", text);
	if (!p || !ipam_pool_admits(&ipam->pools, p, c->object))
		return "AddressNotInPool";
	if (c->pool_wish && strcmp(c->pool_wish, p->object->meta.name) != 0) {
		*ret_message = arena_printf(arena, "%s is in pool %s, but address-pool names %s",
					    text, p->object->meta.name, c->pool_wish);
		return "AddressNotInPool";
	}
	if (ipam_pool_avoids(p, a)) {
		*ret_message = arena_printf(arena, "pool %s avoids %s (avoidBuggyIPs)",
					    p->object->meta.name, text);
		return "AddressAvoided";
	}
	user = in_the_way(ipam, c, a);
	if (!user)
		return NULL;
	*ret_message =
		user->object
			? arena_printf(arena, "%s belongs to Service %s/%s", text,
				       plan_text(user->object->meta.ns), user->object->meta.name)
			: arena_printf(arena, "%s is kept for Service %s/%s, which cannot be read",
				       text, user->given->ns, user->given->name);
	return "AddressTaken";
}

/* The pool may stand in a document that cannot be read: another address would be a change. */
static bool waits_for_pool(struct ipam *ipam, struct claimant *c)
{
	char text[IP_ADDR_TEXT];

	if (ipam->complete || !c->given || ipam_pool_named(&ipam->pools, c->given->pool))
		return false;
	c->refused = true;
	ipam_problem(ipam, SEVERITY_WARNING, c, "status.loadBalancer", "AddressKept",
		     "correct the documents that cannot be read",
		     "%s is kept for the Service until pool %s can be read again",
		     ip_addr_text(&c->owned, text), c->given->pool);
	return true;
}

/* First pass: what one has, one keeps, unless one asks for something else. */
static void keep_owned(struct ipam *ipam, struct claimant *c)
{
	const char *reason, *message;
	struct ipam_pool *p;

	if (c->refused || ip_addr_is_none(&c->owned))
		return;
	if (!ip_addr_is_none(&c->requested) && !ip_addr_equal(&c->requested, &c->owned))
		return;
	reason = objection(ipam, c, &c->owned, &message, &p);
	if (!reason)
		give(ipam, c, &c->owned, p);
	else if (ip_addr_is_none(&c->requested) && !waits_for_pool(ipam, c))
		ipam_problem(ipam, SEVERITY_WARNING, c, "status.loadBalancer", "AddressCleared",
			     "nothing; or give the address back to a pool that may serve it",
			     "the Service loses its address: %s", message);
}

/* Second pass: a wish is fulfilled or refused, never replaced by another address. */
static void fulfil_request(struct ipam *ipam, struct claimant *c)
{
	const char *reason, *message;
	struct ipam_pool *p;

	if (c->refused || c->pool || ip_addr_is_none(&c->requested))
		return;
	reason = objection(ipam, c, &c->requested, &message, &p);
	if (!reason)
		give(ipam, c, &c->requested, p);
	else
		ipam_problem(ipam, SEVERITY_ERROR, c, NULL, reason,
			     "request another address, or none", "%s", message);
}

/* --- any address ---------------------------------------------------------------------------- */

static bool is_free(const struct ipam *ipam, const struct ipam_pool *p, const struct claimant *c,
		    const struct ip_addr *a)
{
	return !ipam_pool_avoids(p, a) && ipam_pool_of(&ipam->pools, a) == p &&
	       !in_the_way(ipam, c, a);
}

/* The lowest free address of a range from *at on; *at is left there, or at none past the end. */
static bool scan_range(const struct ipam *ipam, const struct ipam_pool *p, const struct claimant *c,
		       const struct ip_range *r, struct ip_addr *at)
{
	if (!ip_addr_is_v4(&r->first))
		return false;
	if (ip_addr_is_none(at))
		*at = r->first;
	while (!is_free(ipam, p, c, at)) {
		if (ip_addr_equal(at, &r->last))
			return false;
		*at = ip_addr_next(at);
	}
	return true;
}

/*
 * Nothing is given back while addresses are given, so the search goes on where the last one ended.
 * A Service that may share begins anew, as what others cannot have may do for it.
 */
static bool take_from(struct ipam *ipam, struct claimant *c, struct ipam_pool *p)
{
	const struct api_pool *spec = &p->object->pool;
	size_t i = c->sharing_key ? 0 : p->at_range;
	struct ip_addr at = c->sharing_key ? (struct ip_addr){0} : p->at;
	bool found = false;

	for (; i < spec->n_ranges; i++) {
		found = scan_range(ipam, p, c, &spec->ranges[i], &at);
		if (found)
			break;
		at = (struct ip_addr){0};
	}
	if (!c->sharing_key) {
		p->at_range = i;
		p->at = at;
	}
	if (found)
		give(ipam, c, &at, p);
	return found;
}

static void report_empty(struct ipam *ipam, const struct claimant *c, const char *where)
{
	ipam_problem(ipam, SEVERITY_ERROR, c, NULL, "PoolExhausted",
		     "add addresses to the pool, or remove Services that are not needed",
		     "no free address in %s", where);
}

static void take_wished(struct ipam *ipam, struct claimant *c)
{
	struct ipam_pool *p = ipam_pool_named(&ipam->pools, c->pool_wish);

	if (!p || !ipam_pool_admits(&ipam->pools, p, c->object))
		ipam_problem(ipam, SEVERITY_ERROR, c, "metadata.annotations", "UnknownPool",
			     "correct the annotation address-pool, or the pool's serviceAllocation",
			     p ? "pool %s does not serve this Service" : "there is no pool %s",
			     c->pool_wish);
	else if (!take_from(ipam, c, p))
		report_empty(ipam, c, arena_printf(ipam->problems->arena, "pool %s", c->pool_wish));
}

/* Third pass. */
static void take_any(struct ipam *ipam, struct claimant *c, struct ipam_pool **scratch)
{
	size_t n;

	if (c->refused || c->pool || !ip_addr_is_none(&c->requested))
		return;
	if (c->pool_wish) {
		take_wished(ipam, c);
		return;
	}
	n = ipam_pools_for(&ipam->pools, c->object, scratch);
	for (size_t i = 0; i < n; i++)
		if (take_from(ipam, c, scratch[i]))
			return;
	if (n)
		report_empty(ipam, c, "any pool that may serve this Service");
	else
		ipam_problem(ipam, SEVERITY_ERROR, c, NULL, "NoPool",
			     "create an IPAddressPool, or set autoAssign on one",
			     "no pool gives addresses to this Service");
}

/* --- all together --------------------------------------------------------------------------- */

static void warn_given_here(struct ipam *ipam, const struct claimant *c)
{
	const bool in_object = c->in_object && ip_addr_equal(&c->addr, &c->owned);
	char text[IP_ADDR_TEXT];

	if (!c->pool || in_object || !ip_addr_is_none(&c->requested))
		return;
	ipam_problem(ipam, SEVERITY_WARNING, c, NULL, "AddressGivenHere",
		     "write it into the Service (annotation metallb.io/loadBalancerIPs)",
		     "%s was given by this agent; another agent may choose otherwise",
		     ip_addr_text(&c->addr, text));
}

static void read_services(struct ipam *ipam, const struct world *world,
			  const struct plan_settings *settings, struct arena *arena)
{
	const struct world_list services = world_list(world, API_SERVICE);

	ipam->items = arena_array_of(arena, services.n + 1, struct claimant);
	for (ipam->n_slots = 16; ipam->n_slots < 2 * (services.n + ipam->given->n);)
		ipam->n_slots *= 2;
	ipam->users = arena_array_of(arena, ipam->n_slots, struct claimant *);
	for (size_t i = 0; i < services.n; i++)
		if (plan_service_is_ours(settings, services.items[i]))
			read_claimant(ipam, services.items[i]);
}

/*
 * Addresses given earlier to Services that are not there, when it is not certain that they are
 * gone: nobody else gets them meanwhile.
 */
static void reserve_unseen(struct ipam *ipam, const struct world *world, struct arena *arena)
{
	struct claimant *unseen = arena_array_of(arena, ipam->given->n, struct claimant);

	for (size_t i = 0; i < ipam->given->n; i++) {
		const struct plan_address *given = &ipam->given->items[i];

		if (world_find(world, API_SERVICE, given->ns, given->name))
			continue;
		unseen[i].given = given;
		use(ipam, &unseen[i], &given->addr);
	}
}

bool ipam_is_complete(const struct world *world)
{
	return !world_may_hide(world, API_SERVICE) && !world_may_hide(world, API_IP_ADDRESS_POOL);
}

static void write_result(const struct ipam *ipam, struct arena *arena, struct plan_addresses *ret)
{
	struct plan_address *items = arena_array_of(arena, ipam->n, struct plan_address);
	size_t n = 0;

	for (size_t i = 0; i < ipam->n; i++) {
		const struct claimant *c = &ipam->items[i];

		if (c->pool)
			items[n++] = (struct plan_address){.ns = plan_text(c->object->meta.ns),
							   .name = c->object->meta.name,
							   .addr = c->addr,
							   .pool = c->pool};
	}
	*ret = (struct plan_addresses){.items = items, .n = n};
}

void ipam_compute(const struct world *world, const struct plan_settings *settings,
		  const struct plan_addresses *given, struct arena *arena,
		  struct plan_addresses *ret, struct problems *problems)
{
	struct ipam ipam = {
		.given = given, .problems = problems, .complete = ipam_is_complete(world)};
	struct ipam_pool **scratch;

	ipam_pools_build(world, settings, arena, problems, &ipam.pools);
	scratch = arena_array_of(arena, ipam.pools.n, struct ipam_pool *);
	read_services(&ipam, world, settings, arena);
	if (!ipam.complete)
		reserve_unseen(&ipam, world, arena);
	for (size_t i = 0; i < ipam.n; i++)
		keep_owned(&ipam, &ipam.items[i]);
	for (size_t i = 0; i < ipam.n; i++)
		fulfil_request(&ipam, &ipam.items[i]);
	for (size_t i = 0; i < ipam.n; i++)
		take_any(&ipam, &ipam.items[i], scratch);
	for (size_t i = 0; i < ipam.n && world_list(world, API_NODE).n > 1; i++)
		warn_given_here(&ipam, &ipam.items[i]);
	write_result(&ipam, arena, ret);
}
