// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reads wishes (metallb.md 2.1, 2.5): which families a Service wants an address of, and in each
 * what it asks for and what it has.
 *
 * A wish that cannot be read or cannot be fulfilled is an error of the Service, and takes nothing
 * away from it: what it has it keeps.
 */
#include "plan/ipam_wish.h"

#include "plan/ipam.h"
#include "plan/plan_sort.h"

#include <assert.h>

/* --- faults --------------------------------------------------------------------------------- */

void ipam_fault_add(struct ipam_wishes *w, struct ipam_claimant *c, const struct ipam_fault *fault)
{
	struct ipam_fault *new = arena_memdup(w->problems->arena, fault, sizeof(*fault));
	struct ipam_fault **at = &c->faults;

	new->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = new;
}

static const char *annotation_field(const struct ipam_wishes *w, const char *key)
{
	return arena_printf(w->problems->arena, "metadata.annotations[%s]", key);
}

const char *ipam_pool_field(const struct ipam_wishes *w, const struct ipam_claimant *c)
{
	return annotation_field(w, api_annotation_key(&c->object->meta, "address-pool"));
}

const char *ipam_request_field(const struct ipam_wishes *w, const struct ipam_claimant *c)
{
	const char *key = api_annotation_key(&c->object->meta, "loadBalancerIPs");

	return key ? annotation_field(w, key) : "spec.loadBalancerIP";
}

/* "; meanwhile the Service keeps 10.1.0.5 and 2001:db8::5", or nothing. */
static const char *kept_text(const struct ipam_wishes *w, const struct ipam_claimant *c)
{
	const char *ret = "";
	char text[IP_ADDR_TEXT];

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		if (c->parts[f].pool)
			ret = arena_printf(w->problems->arena, "%s%s%s", ret,
					   ret[0] ? " and " : "; meanwhile the Service keeps ",
					   ip_addr_text(&c->parts[f].addr, text));
	return ret;
}

void ipam_faults_tell(const struct ipam_wishes *w, const struct ipam_claimant *c)
{
	for (const struct ipam_fault *f = c->faults; f; f = f->next)
		ipam_problem(w, SEVERITY_ERROR, c, f->field, f->reason, f->remedy, "%s%s",
			     f->message, kept_text(w, c));
}

static void bad_request(struct ipam_wishes *w, struct ipam_claimant *c, const char *message)
{
	c->refused = true;
	ipam_fault_add(w, c,
		       &(struct ipam_fault){.field = ipam_request_field(w, c),
					    .reason = "InvalidRequest",
					    .remedy = "name one address of each family",
					    .message = message});
}

/* --- what a Service wants ------------------------------------------------------------------- */

static void add_requested(struct ipam_wishes *w, struct ipam_claimant *c, const char *text)
{
	struct arena *arena = w->problems->arena;
	struct ipam_part *part;
	struct ip_addr a;

	if (!ip_addr_parse(text, &a) || ip_addr_is_none(&a)) {
		bad_request(w, c,
			    arena_printf(arena, "loadBalancerIPs: %s is not an address", text));
		return;
	}
	part = ipam_part_of(c, &a);
	if (ip_addr_is_none(&part->requested))
		part->requested = a;
	else
		bad_request(w, c,
			    arena_printf(arena, "loadBalancerIPs names more than one %s address",
					 ip_family_text(ip_family_of(&a))));
}

static void read_annotation(struct ipam_wishes *w, struct ipam_claimant *c, const char *list)
{
	struct arena *arena = w->problems->arena;

	while (*list) {
		const size_t len = strcspn(list, ",");
		const size_t lead = strspn(list, " ");
		const char *entry = list + lead;
		size_t n = lead < len ? len - lead : 0;

		while (n && entry[n - 1] == ' ')
			n--;
		if (n)
			add_requested(w, c, arena_strndup(arena, entry, n));
		list += len + (list[len] == ',');
	}
}

static void read_request(struct ipam_wishes *w, struct ipam_claimant *c)
{
	const struct api_object *o = c->object;
	const char *list = api_annotation(&o->meta, "loadBalancerIPs");
	const bool by_spec = !ip_addr_is_none(&o->service.lb_ip);

	if (list && by_spec)
		bad_request(w, c, "both loadBalancerIPs and spec.loadBalancerIP are set");
	else if (list)
		read_annotation(w, c, list);
	else if (by_spec)
		ipam_part_of(c, &o->service.lb_ip)->requested = o->service.lb_ip;
	for (enum ip_family f = 0; f < IP_N_FAMILIES && c->refused; f++)
		c->parts[f].requested = (struct ip_addr){0};
	assert(!c->refused || c->faults); /* refused is told */
}

/* --- what it has ---------------------------------------------------------------------------- */

static int cmp_given(const void *key, const void *item)
{
	const struct api_object *o = key;
	const struct plan_address *a = item;
	const int cmp = strcmp(plan_text(o->meta.ns), plan_text(a->ns));

	return cmp ? cmp : strcmp(o->meta.name, a->name);
}

/* What was given here: one address of each family at most. */
static void read_given(const struct ipam_wishes *w, struct ipam_claimant *c)
{
	const struct plan_addresses *given = w->given;
	size_t i = plan_lower_bound(c->object, given->items, given->n, sizeof(*given->items),
				    cmp_given);

	for (; i < given->n && cmp_given(c->object, &given->items[i]) == 0; i++) {
		struct ipam_part *part = ipam_part_of(c, &given->items[i].addr);

		if (!part->given)
			part->given = &given->items[i];
	}
}

/* What stands in the object counts before what was given here. */
static void read_owned(struct ipam_part *part, const struct api_object *o)
{
	const char *pool = api_annotation(&o->meta, "ip-allocated-from-pool");
	const struct plan_address *given = part->given;

	part->owned_pool = "";
	if (given && part->in_object && !ip_addr_equal(&given->addr, &part->owned))
		given = NULL;
	if (given) {
		part->owned = given->addr;
		part->owned_pool = plan_text(given->pool);
	}
	if (part->in_object) {
		part->given = NULL;
		part->owned_pool = pool ? pool : part->owned_pool;
	}
}

static void read_has(const struct ipam_wishes *w, struct ipam_claimant *c)
{
	const struct api_service *s = &c->object->service;

	for (size_t i = 0; i < s->n_ingress; i++) {
		struct ipam_part *part = ipam_part_of(c, &s->ingress[i]);

		if (!part->in_object)
			part->owned = s->ingress[i];
		part->in_object = true;
	}
	if (!c->only_keeps)
		read_given(w, c);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
		read_owned(&c->parts[f], c->object);
}

/* --- which families it wants ---------------------------------------------------------------- */

/* Nothing is said about it: what it asks for or has says it, else it is IPv4. */
static void want_unsaid(struct ipam_claimant *c)
{
	bool asks = false, has = false;

	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		asks |= !ip_addr_is_none(&c->parts[f].requested);
		has |= c->parts[f].in_object || (c->refused && c->parts[f].given);
	}
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		struct ipam_part *part = &c->parts[f];

		if (asks)
			part->wanted = !ip_addr_is_none(&part->requested);
		else if (has)
			part->wanted = !ip_addr_is_none(&part->owned);
		else
			part->wanted = f == IP_V4;
	}
}

static void want(struct ipam_wishes *w, struct ipam_claimant *c)
{
	const struct api_families *said = &c->object->service.families;
	char text[IP_ADDR_TEXT];

	c->all = said->all;
	c->primary = said->n ? said->items[0] : IP_V4;
	for (size_t i = 0; i < said->n; i++)
		c->parts[said->items[i]].wanted = true;
	if (said->n == 0)
		want_unsaid(c);
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		struct ipam_part *part = &c->parts[f];

		if (part->wanted)
			continue;
		if (!ip_addr_is_none(&part->requested))
			ipam_problem(w, SEVERITY_WARNING, c, "spec.ipFamilies", "FamilyNotWanted",
				     "let the Service have that family (ipFamilyPolicy), or do not "
				     "ask for the address",
				     "%s is asked for and not given: the Service is of the other "
				     "family alone",
				     ip_addr_text(&part->requested, text));
		*part = (struct ipam_part){0};
	}
}

bool ipam_is_clustered(const struct ipam_inputs *in, const struct api_object *o)
{
	return in->cluster && o->meta.file &&
	       strncmp(o->meta.file, in->cluster, strlen(in->cluster)) == 0;
}

static void read_claimant(struct ipam_wishes *w, const struct ipam_inputs *in,
			  const struct api_object *o)
{
	struct ipam_claimant *c = &w->items[w->n++];
	const char *key = api_annotation(&o->meta, "allow-shared-ip");

	c->object = o;
	c->is_clustered = ipam_is_clustered(in, o);
	c->only_keeps = in->only_written && c->is_clustered;
	c->sharing_key = key && key[0] ? key : NULL;
	if (!c->only_keeps) {
		c->pool_wish = api_annotation(&o->meta, "address-pool");
		read_request(w, c);
	}
	read_has(w, c);
	want(w, c);
}

/* --- sharing -------------------------------------------------------------------------------- */

static int cmp_sharing(const void *a, const void *b)
{
	const struct ipam_claimant *const *x = a, *const *y = b;
	const struct api_service *p = &(*x)->object->service, *q = &(*y)->object->service;
	int cmp = strcmp((*x)->sharing_key, (*y)->sharing_key);

	if (cmp == 0)
		cmp = p->policy_local - q->policy_local;
	if (cmp == 0 && p->policy_local)
		cmp = (p->pods > q->pods) - (p->pods < q->pods);
	return cmp;
}

/* metallb.md 2.6. With policy Local a node announces the address for whom it has pods of. */
static void number_sharing(struct ipam_wishes *w)
{
	struct ipam_claimant **all =
		arena_array_of(w->problems->arena, w->n, struct ipam_claimant *);
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->items[i].sharing_key)
			all[n++] = &w->items[i];
	qsort(all, n, sizeof(*all), cmp_sharing);
	for (size_t i = 0; i < n; i++) {
		const bool same = i > 0 && cmp_sharing(&all[i - 1], &all[i]) == 0;

		all[i]->sharing = same ? all[i - 1]->sharing : i + 1; /* 0: with nobody */
		assert(all[i]->sharing != 0);
	}
}

void ipam_wishes_read(struct ipam_wishes *w, const struct ipam_inputs *in)
{
	const struct world_list services = world_list(in->world, API_SERVICE);

	w->items = arena_array_of(w->problems->arena, services.n, struct ipam_claimant);
	for (size_t i = 0; i < services.n; i++)
		if (plan_service_is_ours(in->settings, services.items[i]))
			read_claimant(w, in, services.items[i]);
	number_sharing(w);
}
