// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "agent/page_rates.h"

#include <math.h>

static float rate_of(uint64_t before, uint64_t after, nsec_t length)
{
	if (after < before || length <= 0)
		return NAN;
	return (float)((double)(after - before) * (double)NSEC_PER_SEC / (double)length);
}

void page_rates_add(struct page_rates *r, const struct page_counts *counts, nsec_t now)
{
	const nsec_t length = now - r->last_at;
	const bool is_next = r->has_last && counts;

	r->of[r->next].packets = is_next ? rate_of(r->last.packets, counts->packets, length) : NAN;
	r->of[r->next].bits = is_next ? 8 * rate_of(r->last.bytes, counts->bytes, length) : NAN;
	r->of[r->next].drops = is_next ? rate_of(r->last.drops, counts->drops, length) : NAN;
	r->of[r->next].flows = counts ? (float)counts->flows : NAN;
	r->next = (r->next + 1) % PAGE_RATES;
	r->n += r->n < PAGE_RATES;
	r->has_last = counts != NULL;
	r->last_at = now;
	if (counts)
		r->last = *counts;
}

/* Rounded: nothing is seen of more digits. */
static void add_number(cJSON *to, float value)
{
	cJSON_AddItemToArray(to, isnan(value)
					 ? cJSON_CreateNull()
					 : cJSON_CreateNumber((double)(uint64_t)(value + 0.5f)));
}

cJSON *page_rates_show(const struct page_rates *r)
{
	cJSON *out = cJSON_CreateObject();
	cJSON *packets, *bits, *drops, *flows;

	cJSON_AddNumberToObject(out, "stepSeconds", PAGE_RATES_STEP_NS / NSEC_PER_SEC);
	packets = cJSON_AddArrayToObject(out, "packets");
	bits = cJSON_AddArrayToObject(out, "bits");
	drops = cJSON_AddArrayToObject(out, "drops");
	flows = cJSON_AddArrayToObject(out, "flows");
	for (size_t i = 0; i < r->n; i++) {
		const size_t at = (r->next + PAGE_RATES - r->n + i) % PAGE_RATES;

		add_number(packets, r->of[at].packets);
		add_number(bits, r->of[at].bits);
		add_number(drops, r->of[at].drops);
		add_number(flows, r->of[at].flows);
	}
	return out;
}
