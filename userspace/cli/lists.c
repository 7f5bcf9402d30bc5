// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Rates are those of the agent's clock: answers may come late, and this program reads none. */
#include "cli/lists.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static double number_of(const cJSON *o, const char *key)
{
	return cJSON_GetNumberValue(get(o, key)); /* NaN: there is none */
}

double list_rate(double now, double before, const cJSON *status, const cJSON *status_before)
{
	const double millis =
		number_of(status, "monotonicMillis") - number_of(status_before, "monotonicMillis");

	return millis > 0 && now >= before ? (now - before) * 1000 / millis : (double)NAN;
}

/* --- sorting lists ---------------------------------------------------------------------------- */

typedef int compare_fn(const cJSON *a, const cJSON *b);

struct placed {
	cJSON *item;
	size_t place; /* what is equal stays in its order */
};

static int compare_placed(const void *a_, const void *b_, void *compare)
{
	const struct placed *a = a_, *b = b_;
	const int c = (*(compare_fn **)compare)(a->item, b->item);

	return c ? c : (a->place > b->place) - (a->place < b->place);
}

static void sort(cJSON *list, compare_fn *compare)
{
	const size_t n = (size_t)cJSON_GetArraySize(list);
	struct placed *items = xcalloc(n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = (struct placed){cJSON_DetachItemFromArray(list, 0), i};
	qsort_r(items, n, sizeof(*items), compare_placed, &compare);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, items[i].item);
	free(items);
}

/* More comes first, and what is not known last. */
static int by_number(const cJSON *a, const cJSON *b, const char *key)
{
	const double x = number_of(a, key), y = number_of(b, key);

	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x < y) - (x > y);
}

/* --- drops ------------------------------------------------------------------------------------ */

static void add_reasons(cJSON *to, const cJSON *status, const cJSON *before, const char *key)
{
	const cJSON *count;

	cJSON_ArrayForEach(count, get(status, key))
	{
		cJSON *row = cJSON_CreateObject();
		const double rate =
			list_rate(count->valuedouble, number_of(get(before, key), count->string),
				  status, before);
		const char *meaning =
			cJSON_GetStringValue(get(get(status, "meanings"), count->string));

		cJSON_AddStringToObject(row, "reason", count->string);
		cJSON_AddBoolToObject(row, "lost", strcmp(key, "drops") == 0);
		cJSON_AddNumberToObject(row, "packets", count->valuedouble);
		if (isnan(rate))
			cJSON_AddNullToObject(row, "perSecond");
		else
			cJSON_AddNumberToObject(row, "perSecond", rate);
		cJSON_AddStringToObject(row, "meaning", meaning ? meaning : "");
		cJSON_AddItemToArray(to, row);
	}
}

static int compare_drops(const cJSON *a, const cJSON *b)
{
	int c = cJSON_IsTrue(get(b, "lost")) - cJSON_IsTrue(get(a, "lost"));

	c = c ? c : by_number(a, b, "perSecond");
	return c ? c : by_number(a, b, "packets");
}

cJSON *list_drops(const cJSON *status, const cJSON *before)
{
	cJSON *ret = cJSON_CreateArray();

	add_reasons(ret, status, before, "drops");
	add_reasons(ret, status, before, "passed");
	sort(ret, compare_drops);
	return ret;
}

/* --- flows ------------------------------------------------------------------------------------ */

static int compare_flows(const cJSON *a, const cJSON *b)
{
	return by_number(a, b, "flows");
}

static bool is_same_frontend(const cJSON *a, const cJSON *b)
{
	static const char *const keys[] = {"namespace", "name", "vip", "port", "protocol"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!cJSON_Compare(get(a, keys[i]), get(b, keys[i]), true))
			return false;
	return true;
}

/* Backends of a frontend stand together, as the agent tells them. */
static double flows_of_frontend(const cJSON *first)
{
	double sum = 0;

	for (const cJSON *row = first; row && is_same_frontend(row, first); row = row->next)
		if (cJSON_IsNumber(get(row, "flows")))
			sum += number_of(row, "flows");
	return sum;
}

cJSON *list_flows(const cJSON *backends)
{
	cJSON *ret = cJSON_CreateArray();
	const cJSON *row, *first = NULL;
	double all = 0;

	cJSON_ArrayForEach(row, backends)
	{
		cJSON *copy;

		if (!first || !is_same_frontend(row, first)) {
			first = row;
			all = flows_of_frontend(first);
		}
		if (!(number_of(row, "flows") > 0))
			continue;
		copy = cJSON_Duplicate(row, true);
		cJSON_AddNumberToObject(copy, "percent", number_of(row, "flows") * 100 / all);
		cJSON_AddItemToArray(ret, copy);
	}
	sort(ret, compare_flows);
	return ret;
}

static bool is_announced(const cJSON *addresses)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, addresses) if (cJSON_IsTrue(get(one, "announced"))) return true;
	return false;
}

void list_entries(cJSON *trace, const cJSON *explained)
{
	const cJSON *node;
	cJSON *list;

	if (!explained) {
		cJSON_AddNullToObject(trace, "entersAt");
		return;
	}
	list = cJSON_AddArrayToObject(trace, "entersAt");
	if (is_announced(get(explained, "addresses")))
		cJSON_AddItemToArray(list, cJSON_Duplicate(get(explained, "node"), true));
	cJSON_ArrayForEach(node, get(explained, "otherNodes"))
	{
		if (cJSON_IsTrue(get(node, "announces")))
			cJSON_AddItemToArray(list, cJSON_Duplicate(get(node, "node"), true));
	}
}
