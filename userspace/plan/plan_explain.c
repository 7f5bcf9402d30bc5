// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services and addresses: the checks of the fragment, made once more with a trace; then what the
 * draft knows of each claim and peer. A way says that it is planned exactly if the plan's rows have
 * its prefix for its peer.
 */
#include "plan/plan_explain.h"

#include "plan/plan_claims.h"
#include "plan/plan_draft.h"
#include "plan/plan_reason.h"

#include <assert.h>

struct explain_build {
	const struct plan_draft *d;
	struct plan_explain *ret;
	struct plan_explained *item;
	const struct plan_fragment *fragment; /* of the Service */
	uint32_t number;                      /* its */
};

void plan_step_add(struct arena *arena, struct plan_steps *to, const struct plan_step *step)
{
	*(struct plan_step *)arena_push(arena, &to->items, &to->n, &to->cap, sizeof(*to->items)) =
		*step;
}

static void add_check(struct plan_steps *to, struct arena *arena, const char *reason, bool fails)
{
	const struct plan_reason *r = plan_reason_find(reason);
	const struct plan_step step = {.reason = fails ? reason : NULL,
				       .message = fails ? r->fails : r->holds};

	assert(step.message); /* a check has words for both ways */
	plan_step_add(arena, to, &step);
}

/* --- advertisements -------------------------------------------------------------------------- */

static struct plan_step judge(const struct plan_draft *d, const struct env_advert *a,
			      const struct api_object *service, const struct env_pool *pool,
			      enum ip_family family)
{
	struct plan_step step = {.kind = "BGPAdvertisement", .name = a->object->meta.name};

	switch (plan_advert_fate(a, pool->object, family)) {
	case ADVERT_OTHER_POOL:
		step.reason = "otherPool";
		step.message =
			arena_printf(d->arena, "does not select pool %s", pool->object->meta.name);
		return step;
	case ADVERT_OTHER_NODE:
		step.reason = "notOwner";
		step.message = "its nodeSelectors do not select this node";
		return step;
	case ADVERT_HELD_BACK:
		step.reason = "advertisementHeldBack";
		step.message = "is in error and held back";
		return step;
	case ADVERT_ANNOUNCES:
		break;
	}
	if (!plan_advert_takes(a, service)) {
		step.reason = "noMatchingAdvertisement";
		step.message = "its serviceSelectors do not select the Service";
		return step;
	}
	step.message = arena_printf(d->arena,
				    a->spec->aggregation[family] < ip_family_bits(family) &&
						    plan_claims_lead(&d->env, service)
					    ? "announces /%u of it, and the address itself where "
					      "nothing longer leads to it: policy Local"
					    : "announces /%u of it",
				    a->spec->aggregation[family]);
	return step;
}

static void add_adverts(const struct explain_build *b, const struct env_pool *pool)
{
	const struct plan_draft *d = b->d;

	for (size_t i = 0; pool && i < d->env.n_adverts; i++) {
		const struct plan_step step = judge(d, &d->env.adverts[i], b->fragment->service,
						    pool, ip_family_of(&b->item->addr));

		plan_step_add(d->arena, &b->item->adverts, &step);
	}
}

/* --- ways ------------------------------------------------------------------------------------ */

static void add_way(const struct explain_build *b, const struct plan_way *way, const char *reason)
{
	struct plan_ways *to = &b->item->ways;
	struct plan_way *w = arena_push(b->d->arena, &to->items, &to->n, &to->cap, sizeof(*w));

	*w = *way;
	w->reason = reason;
	w->message = plan_reason_find(reason)->fails;
	assert(!w->announced || w->planned);
}

/* What of the VIP takes new flows is on other nodes alone, and none of them answers, so far. */
static bool is_unreached(const struct plan_draft *d, const struct arranged_claim *c)
{
	const struct draft_port *ports = plan_draft_claiming(d, c);
	bool ret = false;

	for (size_t i = 0; i < c->claim->n_ports; i++)
		ret |= ports[i].unreached || ports[i].unasked;
	return ret && plan_draft_gate(d, &c->claim->vip) != GATE_OPEN;
}

/* Why a claim is not planned for the peer, by what the draft found out; it was not admitted. */
static const char *why_not_admitted(const struct plan_draft *d, const struct arranged_claim *c,
				    size_t peer)
{
	const uint64_t bit = UINT64_C(1) << peer;

	if (!plan_draft_keeps(d, c))
		return "portConflict";
	if (d->env.drained)
		return "nodeDrained";
	if (d->plan->leaving)
		return "dataPlaneLeaving";
	if (!(plan_draft_reach(d, c->claim) & bit))
		return "familyNotCarried";
	if (plan_draft_claiming(d, c)->left_out)
		return "conntrackHoldsFlows";
	if (!((d->peers_open | d->peers_stale) & bit))
		return "dataPlaneNotReady";
	if (is_unreached(d, c))
		return "noReachableEndpoints";
	return plan_draft_lacks_blackhole(d, c->claim) ? "blackholeNotTried" : "notProgrammed";
}

static bool is_planned(const struct plan_draft *d, const struct plan_claim *c, uint64_t bit)
{
	return plan_draft_reach(d, c) & bit && plan_draft_announces(d, &c->prefix, bit);
}

static const char *way_reason(const struct plan_draft *d, const struct arranged_claim *c,
			      size_t peer, bool planned)
{
	const uint64_t bit = UINT64_C(1) << peer;
	const bool have = plan_draft_advertised(d, d->peers[peer], &c->claim->prefix);
	const struct service_attrs *own = plan_claim_own(c->claim);

	assert(peer < d->env.n_peers);
	if (planned && !plan_draft_reaches(d, peer))
		return plan_draft_unsent(d);
	if (planned)
		return have ? "announced" : "notSentYet";
	if (!plan_draft_keeps(d, c) || !(plan_draft_admitted(d, c->claim, have ? bit : 0) & bit))
		return why_not_admitted(d, c, peer);
	if (!d->in->synced)
		return "sourcesIncomplete";
	return own && own->is_unresolved ? "communityUnknown" : "tooManyCommunities";
}

static void add_claim(const struct explain_build *b, const struct plan_claim *claim,
		      const struct env_advert *advert, size_t peer)
{
	const struct plan_draft *d = b->d;
	const struct arranged_claim c = {.at.fragment = b->number, .claim = claim};
	struct plan_way way = {
		.peer = d->env.peers[peer].key.name,
		.advertisement = advert->object->meta.name,
		.prefix = claim->prefix,
		.planned = is_planned(d, claim, UINT64_C(1) << peer),
	};
	const char *reason = way_reason(d, &c, peer, way.planned);

	way.announced = strcmp(reason, "announced") == 0;
	add_way(b, &way, reason);
}

/* The reason of an address that gets no claim by itself: its own, else that of the peer. */
static const char *unclaimed_reason(const struct explain_build *b, uint64_t bit,
				    const struct env_pool *pool)
{
	const struct plan_service *row = NULL;

	for (size_t i = 0; i < b->fragment->n_ports; i++) {
		const struct plan_service *r = &b->fragment->ports[i].row;

		if (ip_addr_equal(&r->vip.addr, &b->item->addr) && (!row || r->announced))
			row = r;
	}
	if (row && !row->announced)
		return row->reason;
	for (size_t i = 0; pool && i < b->d->env.n_adverts; i++) {
		const struct env_advert *a = &b->d->env.adverts[i];

		if (a->peers & bit && plan_advert_takes(a, b->fragment->service) &&
		    plan_advert_fate(a, pool->object, ip_family_of(&b->item->addr)) ==
			    ADVERT_ANNOUNCES)
			return b->d->env.carriers[ip_family_of(&b->item->addr)] & bit
				       ? "vrfMissing"
				       : "familyNotCarried";
	}
	return "noMatchingPeer";
}

static bool group_has(const struct env_group *g, const struct env_advert *a)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->items[i] == a)
			return true;
	return false;
}

/*
 * The address's claims by the advertisement in the peer's VRF; true: the Service leaves the peer
 * out of one.
 */
static bool add_claims(const struct explain_build *b, const struct env_advert *a, size_t peer)
{
	const uint64_t bit = UINT64_C(1) << peer;
	bool excluded = false;

	for (size_t i = 0; i < b->fragment->n_claims; i++) {
		const struct plan_claim *c = &b->fragment->claims[i];
		const struct service_attrs *own = plan_claim_own(c);

		if (!ip_addr_equal(&c->vip.addr, &b->item->addr) || !group_has(c->by, a) ||
		    (c->more && c->more->without & bit) ||
		    c->vip.domain != b->d->env.peers[peer].domain)
			continue;
		if (own && own->excluded & bit)
			excluded = true;
		else if (plan_claim_peers(&b->d->env, c, a->peers))
			add_claim(b, c, a, peer);
	}
	return excluded;
}

static void add_peer(const struct explain_build *b, const struct env_pool *pool, size_t peer)
{
	const struct plan_env *env = &b->d->env;
	const uint64_t bit = UINT64_C(1) << peer;
	const size_t before = b->item->ways.n;
	bool excluded = false;

	for (size_t i = 0; i < env->n_adverts; i++)
		if (env->adverts[i].peers & bit)
			excluded |= add_claims(b, &env->adverts[i], peer);
	if (b->item->ways.n == before)
		add_way(b, &(struct plan_way){.peer = env->peers[peer].key.name},
			excluded ? "noMatchingPeer" : unclaimed_reason(b, bit, pool));
}

/* --- one address of a Service ---------------------------------------------------------------- */

/* The row of status that says how the address is: one that is announced, if any is. */
static const struct plan_service *row_of(const struct explain_build *b)
{
	const struct plan_draft *d = b->d;
	const uint32_t first = d->arranged->first_row[b->number];
	const struct plan_service *ret = NULL;

	for (uint32_t i = first; i < d->arranged->first_row[b->number + 1]; i++) {
		const struct plan_service *r = &d->plan->services[i];

		if (ip_addr_equal(&r->vip.addr, &b->item->addr) &&
		    (!ret || (r->announced && !ret->announced)))
			ret = r;
	}
	return ret;
}

/* What the fragment met, and where it met nothing, what came after it. */
static void add_checks(const struct explain_build *b, const struct plan_trace *trace)
{
	struct plan_explained *item = b->item;
	bool failed = false;

	for (size_t i = 0; i < trace->n; i++) {
		const struct plan_note *n = &trace->items[i];

		if (!ip_addr_equal(&n->addr, &item->addr))
			continue;
		add_check(&item->checks, b->d->arena, n->reason, n->fails);
		failed |= n->fails;
	}
	if (!failed && !item->announced)
		add_check(&item->checks, b->d->arena, item->reason, true);
}

static struct plan_explained *new_item(const struct explain_build *b, const struct ip_addr *addr)
{
	struct plan_explain *ret = b->ret;
	struct plan_explained *item =
		arena_push(b->d->arena, &ret->items, &ret->n, &ret->cap, sizeof(*item));

	*item = (struct plan_explained){
		.ns = plan_text(b->fragment->service->meta.ns),
		.name = b->fragment->service->meta.name,
		.addr = *addr,
	};
	return item;
}

static void explain_address(struct explain_build *b, const struct plan_service_input *input,
			    const struct plan_address *a)
{
	const struct plan_draft *d = b->d;
	const uint32_t *rows = &d->arranged->first_row[b->number];
	const struct env_pool *pool = a ? plan_env_pool(&d->env, plan_text(a->pool)) : NULL;
	const struct plan_service *row;

	if (b->ret->n == PLAN_EXPLAIN_ADDRESSES) {
		b->ret->n_left_out++;
		return;
	}
	b->item = new_item(b, a ? &a->addr : &(struct ip_addr){.b = {0}});
	b->item->pool = pool ? pool->object->meta.name : NULL;
	row = row_of(b);
	b->item->announced = row && row->announced;
	b->item->reason = row ? row->reason : "noIPAllocated";
	add_checks(b, input->trace);
	add_adverts(b, pool);
	for (size_t i = 0; i < d->env.n_peers; i++)
		add_peer(b, pool, i);
	if (b->ret->what != EXPLAIN_PEER)
		plan_explain_forwarding(d, input, &d->plan->services[rows[0]], rows[1] - rows[0],
					b->item);
}

static bool find_fragment(struct explain_build *b, const struct api_object *service)
{
	for (uint32_t i = 0; i < b->d->arranged->n; i++) {
		if (b->d->fragments[i]->service != service)
			continue;
		b->fragment = b->d->fragments[i];
		b->number = i;
		return true;
	}
	return false;
}

struct plan_service_input plan_explain_input(const struct plan_draft *d,
					     const struct api_object *service)
{
	const struct plan_addresses *all = d->in->addresses;
	struct plan_service_input ret = {.service = service};

	plan_service_input_slices(d->in->world, &ret);
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->items[i].name, service->meta.name) == 0 &&
		    strcmp(plan_text(all->items[i].ns), plan_text(service->meta.ns)) == 0 &&
		    ret.n_addresses++ == 0)
			ret.addresses = &all->items[i];
	return ret;
}

/* All its addresses, or the one alone that is asked for. */
static void explain_service(const struct plan_draft *d, const struct api_object *service,
			    const struct ip_addr *only)
{
	struct explain_build b = {.d = d, .ret = d->in->explain};
	struct plan_service_input input = plan_explain_input(d, service);
	struct plan_trace trace = {0};

	if (!find_fragment(&b, service))
		return;
	input.trace = &trace;
	(void)plan_service(&d->env, &input, d->arena); /* for its trace */
	for (size_t i = 0; i < input.n_addresses; i++)
		if (!only || ip_addr_equal(only, &input.addresses[i].addr))
			explain_address(&b, &input, &input.addresses[i]);
	if (input.n_addresses == 0)
		explain_address(&b, &input, NULL);
}

/* --- what is asked for ----------------------------------------------------------------------- */

static void ask_service(const struct plan_draft *d, struct plan_explain *ret)
{
	const struct api_object *o = world_find(d->in->world, API_SERVICE, ret->ns, ret->name);
	bool ours;

	if (!o)
		return;
	ret->found = true;
	ours = plan_service_is_ours(d->in->settings, o);
	add_check(&ret->steps, d->arena, "notLoadBalancer", !ours);
	if (!ours)
		return;
	explain_service(d, o, NULL);
	plan_explain_nodes(d, o, ret);
}

static void ask_pools(const struct plan_draft *d, struct plan_explain *ret)
{
	for (size_t i = 0; i < d->env.n_pools; i++) {
		const struct api_object *o = d->env.pools[i].object;
		const struct plan_step step = {
			.kind = "IPAddressPool", .name = o->meta.name, .message = "holds it"};

		for (size_t k = 0; k < o->pool.n_ranges; k++)
			if (ip_range_has(&o->pool.ranges[k], &ret->addr)) {
				plan_step_add(d->arena, &ret->steps, &step);
				ret->found = true;
			}
	}
}

/* Routes that cover it: its own, and aggregates also where no Service has it. */
static void ask_routes(const struct plan_draft *d, struct plan_explain *ret)
{
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < d->plan->n_routes; i++) {
		const struct plan_route *r = &d->plan->routes[i];

		if (!ip_prefix_has(&r->prefix, &ret->addr))
			continue;
		for (uint64_t left = r->peers; left; left &= left - 1) {
			const struct plan_step step = {
				.kind = "BGPPeer",
				.name = d->env.peers[__builtin_ctzll(left)].key.name,
				.message = arena_printf(d->arena,
							r->hold ? "keeps the route %s for now"
								: "is to have the route %s",
							ip_prefix_text(&r->prefix, text)),
			};

			plan_step_add(d->arena, &ret->steps, &step);
		}
	}
}

static void ask_address(const struct plan_draft *d, struct plan_explain *ret)
{
	const struct plan_own_address *own = plan_own_find(&d->env.own, 0, &ret->addr);
	const struct plan_addresses *all = d->in->addresses;
	size_t n = 0;

	ret->found = own;
	if (own)
		plan_step_add(d->arena, &ret->steps,
			      &(struct plan_step){
				      .reason = "nodeAddress",
				      .message = arena_printf(d->arena, "it is %s", own->owner)});
	ask_pools(d, ret);
	for (size_t i = 0; i < all->n; i++) {
		const struct plan_address *a = &all->items[i];
		const struct api_object *o = NULL;

		if (ip_addr_equal(&a->addr, &ret->addr))
			o = world_find(d->in->world, API_SERVICE, plan_text(a->ns), a->name);
		if (!o)
			continue;
		n++;
		explain_service(d, o, &a->addr);
	}
	ret->found |= n > 0;
	if (n == 0)
		plan_step_add(d->arena, &ret->steps,
			      &(struct plan_step){.reason = "noService",
						  .message = "no Service has the address"});
	ask_routes(d, ret);
}

/* What all Services' addresses are to that peer. */
static void ask_peer(const struct plan_draft *d, struct plan_explain *ret)
{
	plan_explain_peer(d, ret);
	for (uint32_t i = 0; ret->found && i < d->arranged->n; i++)
		if (ret->n < PLAN_EXPLAIN_ADDRESSES)
			explain_service(d, d->fragments[i]->service, NULL);
		else
			ret->n_left_out++;
	for (size_t i = 0; i < ret->n; i++) {
		struct plan_ways *ways = &ret->items[i].ways;
		size_t n = 0;

		for (size_t k = 0; k < ways->n; k++)
			if (strcmp(ways->items[k].peer, ret->name) == 0)
				ways->items[n++] = ways->items[k];
		ways->n = n;
	}
}

void plan_draft_explain(const struct plan_draft *d)
{
	struct plan_explain *ret = d->in->explain;

	switch (ret->what) {
	case EXPLAIN_SERVICE:
		ask_service(d, ret);
		return;
	case EXPLAIN_ADDRESS:
		ask_address(d, ret);
		return;
	case EXPLAIN_PEER:
		ask_peer(d, ret);
		return;
	}
}
