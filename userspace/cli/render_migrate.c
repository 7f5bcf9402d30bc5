// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table of `migrate diff`: a line for each route and Service that is not the same (with wide
 * for each), and a sentence with the counts.
 */
#include "cli/cell.h"
#include "cli/render.h"
#include "cli/table.h"

#define CELL_MAX_BYTES 4096u

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* A value, or "none": a cell that is empty would be read as not known. */
static void add_side(struct strbuf *out, const char *who, const cJSON *side, const char *key)
{
	const size_t before = out->len + strlen(who) + 1;

	strbuf_printf(out, "%s ", who);
	cell_value(out, side, key);
	if (out->len == before)
		strbuf_add(out, "none");
}

/* "communities: theirs 64512:100, ours none; med: theirs 5, ours 0" */
static void add_route(struct strbuf *out, const cJSON *row)
{
	const cJSON *theirs = get(row, "theirs"), *ours = get(row, "ours"), *differs;
	const char *between = "";

	if (!cJSON_IsObject(theirs))
		strbuf_add(out, "only the agent would announce it");
	else if (!cJSON_IsObject(ours))
		strbuf_add(out, "the agent would not announce it");
	cJSON_ArrayForEach(differs, get(row, "differs"))
	{
		const char *key = cJSON_GetStringValue(differs);

		strbuf_printf(out, "%s%s: ", between, key);
		add_side(out, "theirs", theirs, key);
		strbuf_add(out, ", ");
		add_side(out, "ours", ours, key);
		between = "; ";
	}
}

static void add_service(struct strbuf *out, const cJSON *row)
{
	cell_value(out, row, "kind");
	strbuf_add(out, ": ");
	add_side(out, "theirs", row, "theirs");
	strbuf_add(out, ", ");
	add_side(out, "ours", row, "ours");
}

static void add_cell(struct table *t, const cJSON *row, const char *key)
{
	struct strbuf cell;

	strbuf_init(&cell, CELL_MAX_BYTES);
	cell_value(&cell, row, key);
	table_add(t, cell.data);
	strbuf_done(&cell);
}

static void add_rows(struct table *t, const cJSON *rows, bool wide, const char *name,
		     void say(struct strbuf *out, const cJSON *row))
{
	const cJSON *row;

	cJSON_ArrayForEach(row, rows)
	{
		const char *result = cJSON_GetStringValue(get(row, "result"));
		struct strbuf cell;

		if (!wide && result && strcmp(result, "equal") == 0)
			continue;
		add_cell(t, row, "result");
		add_cell(t, row, name);
		add_cell(t, row, "peer");
		strbuf_init(&cell, CELL_MAX_BYTES);
		say(&cell, row);
		table_add(t, cell.data);
		strbuf_done(&cell);
	}
}

static void add_count(struct strbuf *out, const cJSON *diff, const char *key, const char *behind)
{
	cell_value(out, diff, key);
	strbuf_printf(out, " %s%s", key, behind);
}

void render_migrate(const struct cli_args *args, const cJSON *diff, struct strbuf *out)
{
	static const char *const titles[] = {"RESULT", "WHAT", "PEER", "DIFFERENCE"};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = ARRAY_SIZE(titles)};

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&t, titles[i]);
	add_rows(&t, get(diff, "routes"), args->format == CLI_WIDE, "prefix", add_route);
	add_rows(&t, get(diff, "services"), args->format == CLI_WIDE, "service", add_service);
	if (t.n > ARRAY_SIZE(titles))
		table_print(&t, out);
	add_count(out, diff, "equal", ", ");
	add_count(out, diff, "missing", ", ");
	add_count(out, diff, "extra", ", ");
	add_count(out, diff, "different", ": node ");
	cell_value(out, diff, "node");
	if (get(diff, "compared") && get(diff, "compared")->child) {
		strbuf_add(out, ", BGPPeer ");
		cell_value(out, diff, "compared");
	}
	if (get(diff, "notCompared") && get(diff, "notCompared")->child) {
		strbuf_add(out, "; not in what was given: ");
		cell_value(out, diff, "notCompared");
	}
	strbuf_add(out, "\n");
}
