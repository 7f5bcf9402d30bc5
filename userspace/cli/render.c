// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Renderers. Keys are those of DESIGN 10; a body that is not of the expected shape renders as an
 * empty list, while json and yaml show whatever there is.
 */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"
#include "cli/yaml.h"

#define MAX_COLUMNS    12
#define CELL_MAX_BYTES 4096u

struct column {
	const char *title; /* NULL ends the list */
	const char *key;
	cell_fn *cell;
	bool wide; /* only with -o wide */
};

/* Routes that were sent to us have a table of their own. */
#define RECEIVED (CLI_BLACKHOLES + 1)

/* The widest column is last: it is not padded. */
static const struct column columns[][MAX_COLUMNS + 1] =
	{
		[CLI_PEERS] =
			{
				{"NAME", "name", cell_value, false},
				{"ADDRESS", "address", cell_address, false},
				{"VRF", "vrf", cell_value, true},
				{"INTERFACE", "interface", cell_value, true},
				{"ASN", "asn", cell_value, false},
				{"STATE", "state", cell_value, false},
				{"UPTIME", "uptimeSeconds", cell_duration, false},
				{"HOLD", "holdTime", cell_value, true},
				{"BFD", "bfd", cell_value, false},
				{"SENT", "routesAdvertised", cell_value, false},
				{"RECEIVED", "routesReceived", cell_value, true},
				{"LAST ERROR", "lastError", cell_value, false},
			},
		[CLI_ROUTES] =
			{
				{"PREFIX", "prefix", cell_value, false},
				{"NEXT HOP", "nextHop", cell_value, false},
				{"AS PATH", "asPath", cell_value, false},
				{"LOCAL PREF", "localPref", cell_value, false},
				{"MED", "med", cell_value, true},
				{"PEERS", "peers", cell_value, false},
				{"LARGE COMMUNITIES", "largeCommunities", cell_value, true},
				{"COMMUNITIES", "communities", cell_value, false},
			},
		[RECEIVED] =
			{
				{"PREFIX", "prefix", cell_value, false},
				{"NEXT HOP", "nextHop", cell_value, false},
				{"AS PATH", "asPath", cell_value, false},
				{"LOCAL PREF", "localPref", cell_value, true},
				{"MED", "med", cell_value, true},
				{"PEERS", "peers", cell_value, false},
				{"COMMUNITIES", "communities", cell_value, true},
				{"TABLE", "table", cell_value, true},
				{"STALE", "stale", cell_value, true},
				{"ACCEPTED", "accepted", cell_value, false},
				{"INSTALLED", "installed", cell_value, false},
				{"REASON", "reason", cell_value, false},
			},
		[CLI_SERVICES] =
			{
				{"NAMESPACE", "namespace", cell_value, false},
				{"NAME", "name", cell_value, false},
				{"VIP", "vip", cell_value, false},
				{"PORT", "port", cell_value, false},
				{"PROTOCOL", "protocol", cell_value, false},
				{"BACKENDS", "backends", cell_backends, false},
				{"FLOWS", "flows", cell_value, false},
				{"PACKETS", "packets", cell_value, true},
				{"BYTES", "bytes", cell_value, true},
				{"ANNOUNCED", "announced", cell_value, false},
				{"REASON", "reason", cell_value, false},
			},
		[CLI_BACKENDS] =
			{
				{"NAMESPACE", "namespace", cell_value, false},
				{"NAME", "name", cell_value, false},
				{"VIP", "vip", cell_value, false},
				{"PORT", "port", cell_value, false},
				{"PROTOCOL", "protocol", cell_value, true},
				{"BACKEND", "address", cell_value, false},
				{"PORT", "backendPort", cell_value, false},
				{"NODE", "node", cell_value, true},
				{"FLOWS", "flows", cell_value, false},
				{"PACKETS", "packets", cell_value, true},
				{"BYTES", "bytes", cell_value, true},
				{"STATE", "state", cell_state, false},
			},
		[CLI_POOLS] =
			{
				{"NAME", "name", cell_value, false},
				{"TOTAL", "total", cell_value, false},
				{"USED", "used", cell_value, false},
				{"AUTO-ASSIGN", "autoAssign", cell_value, false},
				{"ADDRESSES", "addresses", cell_value, false},
			},
		[CLI_BFD] =
			{
				{"PEER", "peer", cell_value, false},
				{"ADDRESS", "address", cell_value, false},
				{"STATE", "state", cell_value, false},
				{"DETECT MS", "detectMillis", cell_value, false},
				{"TX MS", "txMillis", cell_value, false},
				{"FLAPS", "flaps", cell_value, false},
				{"RECEIVED", "packetsReceived", cell_value, true},
				{"SENT", "packetsSent", cell_value, true},
				{"XDP", "xdp", cell_value, true},
				{"REMOTE", "remoteState", cell_value, true},
				{"REMOTE DIAGNOSTIC", "remoteDiagnostic", cell_value, true},
				{"DIAGNOSTIC", "diagnostic", cell_value, false},
			},
		[CLI_BLACKHOLES] =
			{
				{"PREFIX", "prefix", cell_value, false},
				{"PLACED", "placed", cell_value, false},
				{"TABLE", "table", cell_value, false},
				{"UPLINKS", "uplinks", cell_value, false},
				{"BY", "by", cell_value, false},
				{"ENDS IN", "endsInSeconds", cell_duration, false},
				{"TOLD", "peers", cell_value, false},
				{"DROPPED", "droppedPackets", cell_value, false},
				{"REASON", "reason", cell_value, false},
			},
		[CLI_PROBLEMS] =
			{
				{"SEVERITY", "severity", cell_value, false},
				{"SINCE", "since", cell_time, true},
				{"REASON", "reason", cell_value, true},
				{"SOURCE", "source", cell_value, true},
				{"OBJECT", "name", cell_object, false},
				{"FIELD", "field", cell_value, false},
				{"MESSAGE", "message", cell_advice, false},
			},
};

static bool is_shown(const struct column *c, bool wide)
{
	return wide || !c->wide;
}

static void add_row(struct table *t, const struct column *list, bool wide, const cJSON *row)
{
	for (const struct column *c = list; c->title; c++) {
		struct strbuf cell;

		if (!is_shown(c, wide))
			continue;
		strbuf_init(&cell, CELL_MAX_BYTES);
		c->cell(&cell, row, c->key);
		table_add(t, cell.data);
		strbuf_done(&cell);
	}
}

static void render_list(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct column *list = columns[args->received ? RECEIVED : (int)args->what];
	bool wide = args->format == CLI_WIDE;
	struct table t = {.arena = arena};
	const cJSON *row;

	if (!cJSON_IsArray(body) || !body->child) {
		strbuf_printf(out, "no %s\n", cli_what_text(args->what));
		return;
	}
	for (const struct column *c = list; c->title; c++)
		t.n_columns += is_shown(c, wide);
	for (const struct column *c = list; c->title; c++)
		if (is_shown(c, wide))
			table_add(&t, c->title);
	cJSON_ArrayForEach(row, body) add_row(&t, list, wide, row);
	table_print(&t, out);
	if (args->what == CLI_PEERS && args->name)
		cJSON_ArrayForEach(row, body) render_peer(row, out);
}

static void render_json(const cJSON *body, struct strbuf *out)
{
	char *text = cJSON_Print(body);

	if (!text)
		abort(); /* out of memory */
	strbuf_add(out, text);
	strbuf_add(out, "\n");
	cJSON_free(text);
}

void render(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	switch (args->format) {
	case CLI_JSON:
		render_json(body, out);
		return;
	case CLI_YAML:
		yaml_print(body, out);
		return;
	case CLI_TABLE:
	case CLI_WIDE:
		break;
	}
	if (args->command == CLI_STATUS)
		render_status(body, out);
	else if (args->command == CLI_EXPLAIN)
		render_explain(args, body, out);
	else if (args->command == CLI_PREFLIGHT)
		render_preflight(body, out);
	else if (args->command == CLI_MIGRATE)
		render_migrate(args, body, out);
	else if (args->command == CLI_BLACKHOLE)
		render_blackhole(args, body, out);
	else if (args->command == CLI_DRAIN || args->command == CLI_UNDRAIN)
		render_drain(body, out);
	else
		render_list(args, body, out);
}
