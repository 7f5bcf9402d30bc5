// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* agent/page_rates: rates of counters, gaps, and an hour of them. */
#include "agent/page_rates.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

/* Two kilobytes, as said. */
_Static_assert(sizeof(struct page_rates) < 2100, "page_rates is larger than it says");

static void expect(const struct page_rates *r, const char *want)
{
	cJSON *shown = page_rates_show(r);
	char *text = cJSON_PrintUnformatted(shown);

	assert_string_equal(text, want);
	cJSON_free(text);
	cJSON_Delete(shown);
}

static void add(struct page_rates *r, uint64_t packets, uint64_t bytes, uint64_t drops, nsec_t at)
{
	const struct page_counts c = {packets, bytes, drops, 7};

	page_rates_add(r, &c, at * NSEC_PER_SEC);
}

static void a_rate_is_a_difference_over_time(void **state)
{
	struct page_rates r = {.n = 0};

	(void)state;
	expect(&r, "{\"stepSeconds\":30,\"packets\":[],\"bits\":[],\"drops\":[],\"flows\":[]}");
	add(&r, 1000, 100000, 5, 100);
	add(&r, 1300, 160000, 5, 130);
	add(&r, 1301, 160000, 50, 140);
	expect(&r, "{\"stepSeconds\":30,\"packets\":[null,10,0],\"bits\":[null,16000,0],"
		   "\"drops\":[null,0,5],\"flows\":[7,7,7]}");
}

/* Each counter has its own; a time that stands still has none. */
static void what_is_not_known_is_a_gap(void **state)
{
	struct page_rates r = {.n = 0};

	(void)state;
	add(&r, 1000, 1000, 1000, 0);
	add(&r, 900, 1030, 1000, 30);
	page_rates_add(&r, NULL, 60 * NSEC_PER_SEC);
	add(&r, 2000, 2000, 2000, 90);
	add(&r, 2030, 2000, 2000, 120);
	add(&r, 3000, 3000, 3000, 120);
	expect(&r, "{\"stepSeconds\":30,\"packets\":[null,null,null,null,1,null],"
		   "\"bits\":[null,8,null,null,0,null],\"drops\":[null,0,null,null,0,null],"
		   "\"flows\":[7,7,null,7,7,7]}");
}

static void an_hour_is_kept(void **state)
{
	struct page_rates r = {.n = 0};
	cJSON *shown, *packets;

	(void)state;
	for (uint64_t i = 0; i <= PAGE_RATES + 2; i++)
		add(&r, 30 * i * i, 0, 0, (nsec_t)(30 * i));
	shown = page_rates_show(&r);
	packets = cJSON_GetObjectItem(shown, "packets");
	assert_int_equal(cJSON_GetArraySize(packets), PAGE_RATES);
	/* of the i-th step: i squared less (i - 1) squared */
	for (int i = 0; i < PAGE_RATES; i++)
		assert_int_equal(cJSON_GetArrayItem(packets, i)->valueint, 2 * (i + 3) - 1);
	cJSON_Delete(shown);
	assert_int_equal(PAGE_RATES * PAGE_RATES_STEP_NS, 3600 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_a_difference_over_time),
		cmocka_unit_test(what_is_not_known_is_a_gap),
		cmocka_unit_test(an_hour_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
