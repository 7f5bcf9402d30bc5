// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Limits of packets a second, from the rows that fragments have for status. A limit is a VIP's: of
 * Services that share one and ask for different limits the lowest counts, and the others are told.
 */
#include "plan/plan_draft.h"
#include "plan/plan_sort.h"

static int cmp_row(const void *a, const void *b)
{
	const struct plan_service *x = *(const struct plan_service *const *)a;
	const struct plan_service *y = *(const struct plan_service *const *)b;
	int cmp = plan_vip_cmp(&x->vip, &y->vip);

	if (cmp == 0)
		cmp = (x->rate_limit > y->rate_limit) - (x->rate_limit < y->rate_limit);
	if (cmp == 0)
		cmp = strcmp(x->ns, y->ns);
	return cmp ? cmp : strcmp(x->name, y->name);
}

static void tell(struct plan_draft *d, const struct plan_service *row,
		 const struct plan_service *lowest)
{
	const struct object_ref ref = {.kind = "Service", .ns = row->ns, .name = row->name};
	const struct problem_text text = {
		.field = "metadata.annotations[lodestone.io/rate-limit]",
		.reason = "RateLimitShared",
		.remedy = "give both the same limit, or addresses of their own",
	};
	char vip[IP_ADDR_TEXT];

	problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &text,
		    "%s is shared with Service %s/%s, whose limit is lower and counts: %u packets "
		    "a second, not %u",
		    ip_addr_text(&row->vip.addr, vip), lowest->ns, lowest->name, lowest->rate_limit,
		    row->rate_limit);
}

/* Rows with an address of Services with a limit, by VIP, the lowest first. */
static const struct plan_service **list_rows(struct plan_draft *d, size_t *ret_n)
{
	const struct plan_arrangement *a = d->arranged;
	const struct plan_service **rows = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; (i = arranged_marked(a, PLAN_MARK_RATE, i)) < a->n; i++)
		for (size_t k = 0; k < d->fragments[i]->n_ports; k++) {
			const struct plan_service *row = &a->rows[a->first_row[i] + k];

			if (!ip_addr_is_none(&row->vip.addr))
				*(const struct plan_service **)arena_push(d->arena, &rows, &n, &cap,
									  sizeof(*rows)) = row;
		}
	plan_sort(rows, n, sizeof(*rows), cmp_row);
	*ret_n = n;
	return rows;
}

static bool is_of_same(const struct plan_service *a, const struct plan_service *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->ns, b->ns) == 0;
}

void plan_draft_rates(struct plan_draft *d)
{
	size_t n, n_rates = 0;
	const struct plan_service **rows = list_rows(d, &n), *lowest = NULL;
	struct plan_rate *rates = arena_array_of(d->arena, n, struct plan_rate);

	for (size_t i = 0; i < n; i++) {
		if (!lowest || !plan_vip_equal(&lowest->vip, &rows[i]->vip)) {
			lowest = rows[i];
			rates[n_rates++] = (struct plan_rate){lowest->vip, lowest->rate_limit};
		} else if (rows[i]->rate_limit != lowest->rate_limit &&
			   !is_of_same(rows[i - 1], rows[i])) {
			tell(d, rows[i], lowest);
		}
	}
	d->plan->rates = rates;
	d->plan->n_rates = n_rates;
}
