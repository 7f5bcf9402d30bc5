// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Reads wishes (metallb.md 2.1, 2.5). IPv4 only: a Service that wants no IPv4 address gets none,
 * and is told.
 *
 * A wish that cannot be read or cannot be fulfilled is an error of the Service, and takes nothing
 * away from it: what it has it keeps.
 */
#include "plan/ipam_wish.h"

#include "base/sorted.h"

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

void ipam_faults_tell(const struct ipam_wishes *w, const struct ipam_claimant *c)
{
	char text[IP_ADDR_TEXT];

	for (const struct ipam_fault *f = c->faults; f; f = f->next)
		ipam_problem(w, SEVERITY_ERROR, c, f->field, f->reason, f->remedy, "%s%s%s",
			     f->message, c->pool ? "; meanwhile the Service keeps " : "",
			     c->pool ? ip_addr_text(&c->addr, text) : "");
}

static void bad_request(struct ipam_wishes *w, struct ipam_claimant *c, const char *message)
{
	c->refused = true;
	ipam_fault_add(w, c,
		       &(struct ipam_fault){.field = "metadata.annotations",
					    .reason = "InvalidRequest",
					    .remedy = "name one IPv4 address",
					    .message = message});
}

/* --- what a Service wants ------------------------------------------------------------------- */

static bool wants_ipv4(const struct api_service *s)
{
	return s->ip_families.n == 0 || plan_strings_have(&s->ip_families, "IPv4");
}

/* One entry of loadBalancerIPs. */
static void add_requested(struct ipam_wishes *w, struct ipam_claimant *c, const char *text)
{
	struct ip_addr a;

	if (!ip_addr_parse(text, &a))
		bad_request(w, c,
			    arena_printf(w->problems->arena,
					 "loadBalancerIPs: %s is not an address", text));
	else if (!ip_addr_is_v4(&a))
		ipam_problem(w, SEVERITY_INFO, c, "metadata.annotations", "NotSupportedYet",
			     "nothing to do: IPv4 works without it",
			     "the IPv6 address in loadBalancerIPs is not acted on yet");
	else if (!ip_addr_is_none(&c->requested))
		bad_request(w, c, "loadBalancerIPs names more than one IPv4 address");
	else
		c->requested = a;
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
	else if (by_spec && ip_addr_is_v4(&o->service.lb_ip))
		c->requested = o->service.lb_ip;
	else if (by_spec)
		ipam_problem(w, SEVERITY_INFO, c, "spec.loadBalancerIP", "NotSupportedYet",
			     "nothing to do: IPv4 works without it",
			     "IPv6 addresses are not acted on yet");
	if (c->refused)
		c->requested = (struct ip_addr){0};
	assert(!c->refused || c->faults); /* refused is told */
	assert(ip_addr_is_none(&c->requested) || ip_addr_is_v4(&c->requested));
}

/* --- what it has ---------------------------------------------------------------------------- */

static int cmp_given(const void *key, const void *item)
{
	const struct api_object *o = key;
	const struct plan_address *a = item;
	const int cmp = strcmp(plan_text(o->meta.ns), plan_text(a->ns));

	return cmp ? cmp : strcmp(o->meta.name, a->name);
}

/* What stands in the object counts before what was given here. */
static void read_owned(const struct ipam_wishes *w, struct ipam_claimant *c)
{
	const struct api_service *s = &c->object->service;
	const struct plan_address *given =
		sorted_find(c->object, w->given->items, w->given->n, sizeof(*given), cmp_given);

	for (size_t i = 0; i < s->n_ingress && !c->in_object; i++) {
		c->in_object = ip_addr_is_v4(&s->ingress[i]);
		c->owned = c->in_object ? s->ingress[i] : c->owned;
	}
	c->owned_pool = "";
	if (!c->in_object && given && ip_addr_is_v4(&given->addr)) {
		c->owned = given->addr;
		c->given = given;
	}
	if (given && ip_addr_equal(&given->addr, &c->owned))
		c->owned_pool = plan_text(given->pool);
	if (c->in_object && api_annotation(&c->object->meta, "ip-allocated-from-pool"))
		c->owned_pool = api_annotation(&c->object->meta, "ip-allocated-from-pool");
}

static void read_claimant(struct ipam_wishes *w, const struct api_object *o)
{
	struct ipam_claimant *c = &w->items[w->n];
	const char *key = api_annotation(&o->meta, "allow-shared-ip");

	c->object = o;
	if (!wants_ipv4(&o->service)) {
		ipam_problem(w, SEVERITY_INFO, c, "spec.ipFamilies", "NotSupportedYet",
			     "let the Service have IPv4, too", "IPv6 addresses are not given yet");
		return;
	}
	w->n++;
	c->pool_wish = api_annotation(&o->meta, "address-pool");
	c->sharing_key = key && key[0] ? key : NULL;
	read_request(w, c);
	read_owned(w, c);
}

/* --- sharing -------------------------------------------------------------------------------- */

static int cmp_sharing(const void *a, const void *b)
{
	const struct ipam_claimant *const *x = a, *const *y = b;
	const int cmp = strcmp((*x)->sharing_key, (*y)->sharing_key);

	return cmp ? cmp : (*x)->object->service.policy_local - (*y)->object->service.policy_local;
}

/* metallb.md 2.6. That Local Services share their selector as well is left to the user. */
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

void ipam_wishes_read(struct ipam_wishes *w, const struct world *world,
		      const struct plan_settings *settings)
{
	const struct world_list services = world_list(world, API_SERVICE);

	w->items = arena_array_of(w->problems->arena, services.n, struct ipam_claimant);
	for (size_t i = 0; i < services.n; i++)
		if (plan_service_is_ours(settings, services.items[i]))
			read_claimant(w, services.items[i]);
	number_sharing(w);
}
