// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The table of `preflight`: what is wrong first, then the rest, each in the order of the agent. */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"

#define CELL_MAX_BYTES 1024u

static void add_cell(struct table *t, cell_fn *cell, const cJSON *row, const char *key)
{
	struct strbuf text;

	strbuf_init(&text, CELL_MAX_BYTES);
	cell(&text, row, key);
	table_add(t, text.data);
	strbuf_done(&text);
}

static void add_rows(struct table *t, const cJSON *lines, const char *state)
{
	const cJSON *row;

	cJSON_ArrayForEach(row, lines)
	{
		const char *is = cJSON_GetStringValue(cJSON_GetObjectItem(row, "state"));

		if (!is || strcmp(is, state) != 0)
			continue;
		table_add_toned(t, state, tone_of(state));
		add_cell(t, cell_value, row, "feature");
		add_cell(t, cell_value, row, "device");
		add_cell(t, cell_advice, row, "message");
	}
}

void render_preflight(const struct cli_args *args, const cJSON *lines, struct strbuf *out)
{
	static const char *const titles[] = {"STATE", "FEATURE", "DEVICE", "MESSAGE"};
	static const char *const states[] = {"problem", "warning", "ok"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {
		.arena = arena, .n_columns = ARRAY_SIZE(titles), .has_colour = args->has_colour};

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		add_rows(&t, lines, states[i]);
	table_print(&t, out);
}
