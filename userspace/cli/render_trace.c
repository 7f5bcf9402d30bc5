// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* `lodectl trace` for people: the checks in their order, the row, and who has the flow. */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"

#define LINE_MAX_BYTES 4096u

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void add_steps(struct table *t, const cJSON *steps)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, steps)
	{
		const bool holds = cJSON_IsTrue(get(s, "holds"));
		struct strbuf line;

		table_add_toned(t, holds ? "ok" : "no", holds ? TONE_GOOD : TONE_BAD);
		strbuf_init(&line, LINE_MAX_BYTES);
		cell_value(&line, s, "message");
		table_add(t, line.data);
		strbuf_done(&line);
	}
}

static void add_node(struct strbuf *line, const cJSON *pod)
{
	if (!cJSON_IsString(get(pod, "node")))
		return;
	strbuf_add(line, " on ");
	cell_value(line, pod, "node");
}

/* As what a flow comes there, and to where its answers come back. */
static void add_nat(struct strbuf *line, const cJSON *nat)
{
	if (!cJSON_IsObject(nat))
		return;
	strbuf_add(line, ", from ");
	cell_value(line, nat, "address");
	strbuf_add(line, " port ");
	cell_value(line, nat, "port");
	strbuf_add(line, " and back there: ");
	cell_value(line, nat, "entry");
}

static void add_pod(struct strbuf *line, const cJSON *pod)
{
	const char *entry = cJSON_GetStringValue(get(pod, "entry"));

	cell_value(line, pod, "address");
	strbuf_add(line, " port ");
	cell_value(line, pod, "port");
	add_node(line, pod);
	strbuf_add(line, ", ");
	cell_value(line, pod, "state");
	if (entry)
		strbuf_printf(line, ", has the flow: %s", entry);
	add_nat(line, get(pod, "nat"));
}

static void add_row(struct table *t, const cJSON *body)
{
	const cJSON *pod;
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	cell_value(&line, body, "row");
	strbuf_add(&line, " of ");
	cell_value(&line, body, "rows");
	strbuf_add(&line, cJSON_IsTrue(get(body, "settled")) ? ", settled" : ", not settled");
	table_add_line(t, "row", &line);
	cJSON_ArrayForEach(pod, get(body, "candidates"))
	{
		strbuf_init(&line, LINE_MAX_BYTES);
		add_pod(&line, pod);
		table_add_line(t, "pod", &line);
	}
}

/* How packets get there, if it is not here. */
static void add_way(struct strbuf *line, const cJSON *pod)
{
	const char *way = cJSON_GetStringValue(get(pod, "forwarding"));

	if (way && way[0])
		strbuf_printf(line, ", by %s%s", strcmp(way, "tunnel") == 0 ? "the " : "", way);
}

static void add_chosen(struct table *t, const cJSON *body)
{
	const cJSON *chosen = get(body, "chosen");
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	if (cJSON_IsObject(chosen)) {
		cell_value(&line, chosen, "address");
		strbuf_add(&line, " port ");
		cell_value(&line, chosen, "port");
		add_node(&line, chosen);
		add_way(&line, chosen);
	} else {
		strbuf_add(&line, "nobody");
	}
	strbuf_add(&line, ": ");
	cell_value(&line, body, "reason");
	table_add_line_toned(t, "goes to", &line, cJSON_IsObject(chosen) ? TONE_NONE : TONE_BAD);
}

static void add_entries(struct table *t, const cJSON *body)
{
	const int n = cJSON_GetArraySize(get(body, "entersAt"));
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	cell_value(&line, body, "entersAt");
	strbuf_add(&line, n == 0   ? "no node announces it"
			  : n == 1 ? ": no other node is known to announce it"
				   : ": whichever of them the router's hash chooses");
	table_add_line(t, "enters at", &line);
}

void render_trace(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = 2, .has_colour = args->has_colour};
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	strbuf_printf(&line, "%s to %s", args->from, args->to);
	if (cJSON_IsString(get(body, "name"))) {
		strbuf_add(&line, ", Service ");
		cell_value(&line, body, "namespace");
		strbuf_add(&line, "/");
		cell_value(&line, body, "name");
	}
	strbuf_add(&line, ", on node ");
	cell_value(&line, body, "node");
	table_add_line(&t, "trace", &line);
	if (cJSON_IsArray(get(body, "entersAt")))
		add_entries(&t, body);
	add_steps(&t, get(body, "steps"));
	if (cJSON_IsNumber(get(body, "row"))) {
		add_row(&t, body);
		add_chosen(&t, body);
	}
	table_print(&t, out);
}
