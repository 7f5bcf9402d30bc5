// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The first node that answers is what the others are held against: with two kinds nobody can say
 * which is the right one, but that there are two, and who is which, can be seen.
 */
#include "cli/kubectl_same.h"

#include "cli/cell.h"
#include "cli/table.h"

#define CELL_MAX_BYTES 256u

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void add_cell(struct table *t, const cJSON *o, const char *key)
{
	struct strbuf cell;

	strbuf_init(&cell, CELL_MAX_BYTES);
	cell_value(&cell, o, key);
	table_add(t, cell.data);
	strbuf_done(&cell);
}

static bool is_like(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(get(a, "version"), get(b, "version"), true) &&
	       cJSON_Compare(get(get(a, "objects"), "fingerprint"),
			     get(get(b, "objects"), "fingerprint"), true);
}

bool kubectl_same(const cJSON *all, struct strbuf *out)
{
	static const char *const titles[] = {"NODE",        "VERSION", "CONFIGURED",
					     "FINGERPRINT", "STATE",   "SAME"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = ARRAY_SIZE(titles)};
	const cJSON *one, *first = NULL;
	int n_other = 0;

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	cJSON_ArrayForEach(one, all)
	{
		const bool answers = cJSON_IsString(get(one, "version"));

		if (answers && !first)
			first = one;
		add_cell(&t, one, "asked");
		add_cell(&t, one, "version");
		add_cell(&t, get(one, "objects"), "configured");
		add_cell(&t, get(one, "objects"), "fingerprint");
		add_cell(&t, one, "state");
		table_add(&t, !answers ? "no answer" : is_like(first, one) ? "yes" : "no");
		n_other += !answers || !is_like(first, one);
	}
	table_print(&t, out);
	if (n_other == 0)
		strbuf_printf(out, "%d nodes run and know the same\n", cJSON_GetArraySize(all));
	else
		strbuf_printf(out, "%d of %d nodes are not as the first that answers\n", n_other,
			      cJSON_GetArraySize(all));
	return n_other == 0;
}
