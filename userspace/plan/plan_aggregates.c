// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * An aggregate attracts more than the VIPs under it. Where a router or a node is under it as well,
 * it may draw that machine's traffic here: whoever asked for it may have meant that, so it is
 * announced, and told once for each advertisement and family.
 */
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

struct covered {
	const struct api_object *advert;
	struct ip_prefix prefix;
	const struct plan_own_address *own;
};

static int cmp_covered(const void *a, const void *b)
{
	const struct covered *x = a, *y = b;
	int cmp = strcmp(x->advert->meta.name, y->advert->meta.name);

	if (cmp == 0)
		cmp = strcmp(plan_text(x->advert->meta.ns), plan_text(y->advert->meta.ns));
	if (cmp == 0)
		cmp = ip_prefix_cmp(&x->prefix, &y->prefix);
	return cmp ? cmp : ip_addr_cmp(&x->own->addr, &y->own->addr);
}

static struct covered *find_covered(struct plan_draft *d, size_t *ret_n)
{
	struct covered *list = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < d->arranged->by_prefix.n; i++) {
		const struct plan_claim *c = arranged_claim(&d->arranged->by_prefix, i)->claim;

		if (!c->more || !c->more->under)
			continue;
		plan_draft_stir(d, &c->vip.addr);
		for (size_t k = 0; k < c->by->n; k++)
			if (plan_claim_peers(&d->env, c, c->by->items[k]->peers))
				*(struct covered *)arena_push(d->arena, &list, &n, &cap,
							      sizeof(*list)) = (struct covered){
					c->by->items[k]->object, c->prefix, c->more->under};
	}
	*ret_n = plan_sort_unique(list, n, sizeof(*list), cmp_covered);
	return list;
}

void plan_draft_aggregates(struct plan_draft *d)
{
	char prefix[IP_PREFIX_TEXT], addr[IP_ADDR_TEXT];
	size_t n;
	const struct covered *list = find_covered(d, &n);

	for (size_t i = 0; i < n; i++) {
		const enum ip_family family = ip_family_of(&list[i].prefix.addr);
		const char *field = plan_aggregation_field(family);

		if (i > 0 && list[i].advert == list[i - 1].advert &&
		    ip_family_of(&list[i - 1].prefix.addr) == family)
			continue;
		object_problem(&d->plan->problems, SEVERITY_WARNING, list[i].advert, field,
			       "CoversNodeAddress",
			       arena_printf(d->arena,
					    "use a longer %s, or a pool without such addresses",
					    field + strlen("spec.")),
			       "%s is announced, and %s under it is %s",
			       ip_prefix_text(&list[i].prefix, prefix),
			       ip_addr_text(&list[i].own->addr, addr), list[i].own->owner);
	}
}
