// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl explain` for people: what was asked for, then each address with its checks in order, who
 * has a say about it, to whom it goes, and which way its packets go on; what the other nodes do;
 * and the problems that concern it, in the words of `show problems`.
 */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"

#define CELL_MAX_BYTES 4096u

struct column {
	const char *title, *key;
	cell_fn *cell;
};

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* "holds" as the word before a sentence. */
static void cell_verdict(struct strbuf *out, const cJSON *row, const char *key)
{
	strbuf_add(out, cJSON_IsTrue(get(row, key)) ? "yes" : "no");
}

/* "reason: message" where it does not hold. */
static void cell_why(struct strbuf *out, const cJSON *row, const char *key)
{
	const char *reason = cJSON_GetStringValue(get(row, "reason"));

	if (reason && strcmp(reason, "announced") != 0)
		strbuf_printf(out, "%s: ", reason);
	cell_value(out, row, key);
}

/* "80/TCP" */
static void cell_port(struct strbuf *out, const cJSON *row, const char *key)
{
	cell_value(out, row, key);
	strbuf_add(out, "/");
	cell_value(out, row, "protocol");
}

static void add_titles(struct table *t, const struct column *columns)
{
	for (const struct column *c = columns; c->key; c++) {
		t->n_columns++;
		table_add(t, c->title);
	}
}

static void add_row(struct table *t, const struct column *columns, const cJSON *row)
{
	for (const struct column *c = columns; c->key; c++) {
		struct strbuf cell;

		strbuf_init(&cell, CELL_MAX_BYTES);
		c->cell(&cell, row, c->key);
		table_add(t, cell.data);
		strbuf_done(&cell);
	}
}

/* Nothing at all of an empty list. */
static void print_list(const cJSON *list, const struct column *columns, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena};
	const cJSON *row;

	if (!cJSON_IsArray(list) || !list->child)
		return;
	strbuf_add(out, "\n");
	add_titles(&t, columns);
	cJSON_ArrayForEach(row, list) add_row(&t, columns, row);
	table_print(&t, out);
}

static const struct column checks[] = {
	{"HOLDS", "holds", cell_verdict}, {"CHECK", "message", cell_why}, {0}};
static const struct column steps[] = {{"HOLDS", "holds", cell_verdict},
				      {"OBJECT", "name", cell_object},
				      {"CHECK", "message", cell_why},
				      {0}};
static const struct column adverts[] = {{"ADVERTISEMENT", "name", cell_value},
					{"APPLIES", "holds", cell_verdict},
					{"WHY", "message", cell_why},
					{0}};
static const struct column ways[] = {
	{"PEER", "peer", cell_value},        {"PREFIX", "prefix", cell_value},
	{"BY", "advertisement", cell_value}, {"ANNOUNCED", "announced", cell_verdict},
	{"WHY", "message", cell_why},        {0}};
static const struct column forwarding[] = {{"PORT", "port", cell_port},
					   {"WAY", "way", cell_value},
					   {"ENDPOINTS", "endpoints", cell_value},
					   {"TAKE NEW", "takeNewFlows", cell_value},
					   {"HOW", "message", cell_why},
					   {0}};
static const struct column nodes[] = {{"OTHER NODE", "node", cell_value},
				      {"ANNOUNCES", "announces", cell_verdict},
				      {"REASON", "reason", cell_value},
				      {"PEERS", "peers", cell_value},
				      {0}};
static const struct column problems[] = {{"SEVERITY", "severity", cell_value},
					 {"OBJECT", "name", cell_object},
					 {"FIELD", "field", cell_value},
					 {"MESSAGE", "message", cell_advice},
					 {0}};

static void add_cell(struct strbuf *out, const cJSON *row, const char *key, const char *none)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = 1};
	const char *text = cJSON_GetStringValue(get(row, key));

	table_add(&t, text && text[0] ? text : none); /* harmless on a terminal */
	strbuf_add(out, t.cells[0]);
}

static void print_address(const cJSON *a, struct strbuf *out)
{
	strbuf_add(out, "\n");
	add_cell(out, a, "vip", "no address");
	strbuf_add(out, " of Service ");
	add_cell(out, a, "namespace", "");
	strbuf_add(out, "/");
	add_cell(out, a, "name", "");
	strbuf_add(out, ", pool ");
	add_cell(out, a, "pool", "none");
	strbuf_add(out, ": ");
	add_cell(out, a, "reason", "");
	strbuf_add(out, "\n");
	print_list(get(a, "checks"), checks, out);
	print_list(get(a, "advertisements"), adverts, out);
	print_list(get(a, "peers"), ways, out);
	if (!cJSON_IsString(get(a, "policy")))
		return;
	strbuf_add(out, "\nPackets go on by ");
	add_cell(out, a, "policy", "");
	strbuf_add(out, "\n");
	print_list(get(a, "forwarding"), forwarding, out);
}

static void print_left_out(const cJSON *body, const char *key, const char *what, struct strbuf *out)
{
	const double n = cJSON_GetNumberValue(get(body, key));

	if (n > 0)
		strbuf_printf(out, "\n%.0f more %s are not told here\n", n, what);
}

void render_explain(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	const cJSON *a;

	if (!cJSON_IsTrue(get(body, "found"))) {
		strbuf_printf(out, "no %s %s is known on node ", args->explained, args->name);
		add_cell(out, body, "node", "");
		strbuf_printf(out, "; \"lodectl show %s\" lists those there are\n",
			      strcmp(args->explained, "peer") == 0 ? "peers" : "services");
		return;
	}
	strbuf_printf(out, "%s %s, on node ", args->explained, args->name);
	add_cell(out, body, "node", "");
	strbuf_add(out, "\n");
	print_list(get(body, "steps"), steps, out);
	cJSON_ArrayForEach(a, get(body, "addresses")) print_address(a, out);
	print_left_out(body, "addressesLeftOut", "addresses", out);
	print_list(get(body, "otherNodes"), nodes, out);
	print_left_out(body, "otherNodesLeftOut", "nodes", out);
	print_list(get(body, "problems"), problems, out);
}
