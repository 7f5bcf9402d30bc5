// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Renderers. Keys are those of DESIGN 10; a body that is not of the expected shape renders as an
 * empty list, while json and yaml show whatever there is.
 */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"
#include "cli/yaml.h"

#define MAX_COLUMNS    16
#define CELL_MAX_BYTES 4096u

struct column {
	const char *title; /* NULL ends the list */
	const char *key;
	cell_fn *cell;
	bool wide;     /* only with -o wide */
	bool is_toned; /* a state, in its colour */
};

/* Routes that were sent to us have a table of their own. */
#define RECEIVED (CLI_CHANGES + 1)

/* The widest column is last: it is not padded. */
static const struct column columns[][MAX_COLUMNS + 1] =
	{
		[CLI_PEERS] =
			{
				{"NAME", "name", cell_value, false, false},
				{"ADDRESS", "address", cell_address, false, false},
				{"VRF", "vrf", cell_value, true, false},
				{"INTERFACE", "interface", cell_value, true, false},
				{"ASN", "asn", cell_value, false, false},
				{"STATE", "state", cell_value, false, true},
				{"UPTIME", "uptimeSeconds", cell_duration, false, false},
				{"HOLD", "holdTime", cell_value, true, false},
				{"BFD", "bfd", cell_value, false, true},
				{"SENT", "routesAdvertised", cell_value, false, false},
				{"RECEIVED", "routesReceived", cell_value, true, false},
				{"LAST ERROR", "lastError", cell_value, false, false},
			},
		[CLI_ROUTES] =
			{
				{"PREFIX", "prefix", cell_value, false, false},
				{"NEXT HOP", "nextHop", cell_value, false, false},
				{"AS PATH", "asPath", cell_value, false, false},
				{"LOCAL PREF", "localPref", cell_value, false, false},
				{"MED", "med", cell_value, true, false},
				{"PEERS", "peers", cell_value, false, false},
				{"LARGE COMMUNITIES", "largeCommunities", cell_value, true, false},
				{"COMMUNITIES", "communities", cell_value, false, false},
			},
		[RECEIVED] =
			{
				{"PREFIX", "prefix", cell_value, false, false},
				{"NEXT HOP", "nextHop", cell_value, false, false},
				{"AS PATH", "asPath", cell_value, false, false},
				{"LOCAL PREF", "localPref", cell_value, true, false},
				{"MED", "med", cell_value, true, false},
				{"PEERS", "peers", cell_value, false, false},
				{"COMMUNITIES", "communities", cell_value, true, false},
				{"TABLE", "table", cell_value, true, false},
				{"STALE", "stale", cell_value, true, false},
				{"ACCEPTED", "accepted", cell_value, false, true},
				{"INSTALLED", "installed", cell_value, false, true},
				{"REASON", "reason", cell_value, false, false},
			},
		[CLI_SERVICES] =
			{
				{"NAMESPACE", "namespace", cell_value, false, false},
				{"NAME", "name", cell_value, false, false},
				{"VIP", "vip", cell_value, false, false},
				{"PORT", "port", cell_value, false, false},
				{"PROTOCOL", "protocol", cell_value, false, false},
				{"BACKENDS", "backends", cell_backends, false, false},
				{"FLOWS", "flows", cell_value, false, false},
				{"NEW FLOWS", "newFlows", cell_value, true, false},
				{"PACKETS", "packets", cell_value, true, false},
				{"BYTES", "bytes", cell_value, true, false},
				{"ANNOUNCED", "announced", cell_value, false, true},
				{"REASON", "reason", cell_value, false, false},
			},
		[CLI_BACKENDS] =
			{
				{"NAMESPACE", "namespace", cell_value, false, false},
				{"NAME", "name", cell_value, false, false},
				{"VIP", "vip", cell_value, false, false},
				{"PORT", "port", cell_value, false, false},
				{"PROTOCOL", "protocol", cell_value, true, false},
				{"BACKEND", "address", cell_value, false, false},
				{"PORT", "backendPort", cell_value, false, false},
				{"NODE", "node", cell_value, true, false},
				{"FORWARDING", "forwarding", cell_value, true, false},
				{"FLOWS", "flows", cell_value, false, false},
				{"PACKETS", "packets", cell_value, true, false},
				{"BYTES", "bytes", cell_value, true, false},
				{"STATE", "state", cell_state, false, true},
			},
		[CLI_POOLS] =
			{
				{"NAME", "name", cell_value, false, false},
				{"TOTAL", "total", cell_value, false, false},
				{"USED", "used", cell_value, false, false},
				{"AUTO-ASSIGN", "autoAssign", cell_value, false, false},
				{"ADDRESSES", "addresses", cell_value, false, false},
			},
		[CLI_BFD] =
			{
				{"PEER", "peer", cell_value, false, false},
				{"ADDRESS", "address", cell_value, false, false},
				{"STATE", "state", cell_value, false, true},
				{"DETECT MS", "detectMillis", cell_value, false, false},
				{"TX MS", "txMillis", cell_value, false, false},
				{"FLAPS", "flaps", cell_value, false, false},
				{"RECEIVED", "packetsReceived", cell_value, true, false},
				{"SENT", "packetsSent", cell_value, true, false},
				{"XDP", "xdp", cell_value, true, false},
				{"REMOTE", "remoteState", cell_value, true, false},
				{"REMOTE DIAGNOSTIC", "remoteDiagnostic", cell_value, true, false},
				{"DIAGNOSTIC", "diagnostic", cell_value, false, false},
			},
		[CLI_BLACKHOLES] =
			{
				{"PREFIX", "prefix", cell_value, false, false},
				{"PLACED", "placed", cell_value, false, true},
				{"TABLE", "table", cell_value, false, false},
				{"UPLINKS", "uplinks", cell_value, false, false},
				{"BY", "by", cell_value, false, false},
				{"ENDS IN", "endsInSeconds", cell_duration, false, false},
				{"TOLD", "peers", cell_value, false, false},
				{"DROPPED", "droppedPackets", cell_value, false, false},
				{"REASON", "reason", cell_value, false, false},
			},
		[CLI_DROP_REASONS] =
			{
				{"REASON", "reason", cell_value, false, false},
				{"LOST", "lost", cell_value, false, false},
				{"PACKETS", "packets", cell_value, false, false},
				{"PER SECOND", "perSecond", cell_decimal, false, false},
				{"MEANING", "meaning", cell_value, false, false},
			},
		[CLI_LIVING_FLOWS] =
			{
				{"NAMESPACE", "namespace", cell_value, false, false},
				{"NAME", "name", cell_value, false, false},
				{"VIP", "vip", cell_value, false, false},
				{"PORT", "port", cell_value, false, false},
				{"PROTOCOL", "protocol", cell_value, false, false},
				{"BACKEND", "address", cell_value, false, false},
				{"PORT", "backendPort", cell_value, false, false},
				{"NODE", "node", cell_value, true, false},
				{"PACKETS", "packets", cell_value, true, false},
				{"FLOWS", "flows", cell_value, false, false},
				{"PERCENT", "percent", cell_decimal, false, false},
				{"STATE", "state", cell_state, false, true},
			},
		[CLI_NODES] =
			{
				{"NAME", "name", cell_value, false, false},
				{"ADDRESS", "address", cell_value, false, false},
				{"SELF", "self", cell_value, true, false},
				{"ECHO", "echo", cell_value, false, true},
				{"SINCE", "sinceSeconds", cell_duration, false, false},
				{"RTT US", "roundTripMicros", cell_value, false, false},
				{"ASKED", "asked", cell_value, true, false},
				{"ANSWERED", "answered", cell_value, true, false},
				{"VERSION", "tunnelVersion", cell_value, false, false},
				{"RECIPE", "recipeVersion", cell_value, true, false},
				{"MTU", "mtu", cell_value, false, false},
				{"PACKETS", "packets", cell_value, false, false},
				{"BYTES", "bytes", cell_value, true, false},
				{"UPLINKS", "uplinks", cell_value, false, false},
				{"AGENT HEARD", "agentHeard", cell_value, true, false},
				{"UNSETTLED", "unsettledRows", cell_value, true, false},
			},
		[CLI_CHANGES] =
			{
				{"CHANGE", "change", cell_value, false, false},
				{"KIND", "kind", cell_value, false, false},
				{"NAME", "name", cell_value, false, false},
				{"PEERS", "peers", cell_value, false, false},
				{"WHAT", "message", cell_value, false, false},
			},
		[CLI_PROBLEMS] =
			{
				{"SEVERITY", "severity", cell_value, false, true},
				{"SINCE", "since", cell_time, true, false},
				{"REASON", "reason", cell_value, true, false},
				{"SOURCE", "source", cell_value, true, false},
				{"OBJECT", "name", cell_object, false, false},
				{"FIELD", "field", cell_value, false, false},
				{"MESSAGE", "message", cell_advice, false, false},
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
		table_add_toned(t, cell.data,
				c->is_toned && cell.data ? tone_of(cell.data) : TONE_NONE);
		strbuf_done(&cell);
	}
}

/* Reasons for which nothing was ever dropped are told to who wants to see all. */
static bool is_left_out(const struct cli_args *args, const cJSON *row)
{
	return args->what == CLI_DROP_REASONS && args->format == CLI_TABLE &&
	       !(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(row, "packets")) > 0);
}

/* That there is none, and of which: a name or filter that fits nothing is not the same as nothing.
 */
static void render_none(const struct cli_args *args, struct strbuf *out)
{
	const struct {
		const char *option, *value;
	} asked[] = {
		{"", args->name},
		{"-n ", args->ns},
		{"--peer ", args->peer},
		{"--vrf ", args->vrf},
		{"--service ", args->service},
		{"--prefix ", args->prefix},
	};
	bool is_first = true;

	if (args->what == CLI_DROP_REASONS) {
		strbuf_add(out, "nothing was dropped\n");
		return;
	}
	strbuf_printf(out, "no %s",
		      args->what == CLI_BFD ? "BFD sessions" : cli_what_text(args->what));
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		if (!asked[i].value)
			continue;
		strbuf_printf(out, "%s%s%s", is_first ? " for " : " ", asked[i].option,
			      asked[i].value);
		is_first = false;
	}
	strbuf_add(out, is_first ? "\n" : "; without it all are listed\n");
}

static void render_list(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct column *list = columns[args->received ? RECEIVED : (int)args->what];
	bool wide = args->format == CLI_WIDE;
	struct table t = {.arena = arena, .has_colour = args->has_colour};
	const cJSON *row;

	if (!cJSON_IsArray(body) || !body->child) {
		render_none(args, out);
		return;
	}
	for (const struct column *c = list; c->title; c++)
		t.n_columns += is_shown(c, wide);
	for (const struct column *c = list; c->title; c++)
		if (is_shown(c, wide))
			table_add(&t, c->title);
	cJSON_ArrayForEach(row, body) if (!is_left_out(args, row)) add_row(&t, list, wide, row);
	if (t.n == t.n_columns) {
		render_none(args, out);
		return;
	}
	table_print(&t, out);
	if (args->what == CLI_LIVING_FLOWS)
		strbuf_add(out,
			   "\nwhose flows these are is not told: entries hold hashes of addresses "
			   "and ports; \"lodectl trace\" looks for one\n");
	if (args->what == CLI_PEERS && args->name)
		cJSON_ArrayForEach(row, body) render_peer(row, out);
}

/* What an edit would change, and the objects that it is of. */
static void render_changes(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	const cJSON *changes = cJSON_GetObjectItemCaseSensitive(body, "changes");
	const cJSON *objects = cJSON_GetObjectItemCaseSensitive(body, "objects");
	const int n = cJSON_GetArraySize(changes);

	if (n > 0)
		render_list(args, changes, out);
	cell_value(out, body, "node");
	if (n > 0)
		strbuf_printf(out, ": %d change%s; ", n, n > 1 ? "s" : "");
	else
		strbuf_add(out, ": nothing that this node does would change; ");
	if (args->dry_run) {
		cell_value(out, body, "flows");
		strbuf_printf(
			out, " flow%s here now, whose end is waited for, at most ",
			cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(body, "flows")) == 1
				? " lives"
				: "s live");
		cell_duration(out, body, "drainSeconds");
		strbuf_add(out, "\n");
		return;
	}
	strbuf_add(out, "objects: ");
	cell_value(out, objects, "added");
	strbuf_add(out, " new, ");
	cell_value(out, objects, "changed");
	strbuf_add(out, " changed, ");
	cell_value(out, objects, "removed");
	strbuf_add(out, " gone\n");
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
		render_status(args, body, out);
	else if (args->command == CLI_EXPLAIN)
		render_explain(args, body, out);
	else if (args->command == CLI_PREFLIGHT)
		render_preflight(args, body, out);
	else if (args->command == CLI_MIGRATE)
		render_migrate(args, body, out);
	else if (args->command == CLI_CONFIG_DIFF || args->dry_run)
		render_changes(args, body, out);
	else if (args->command == CLI_TRACE)
		render_trace(args, body, out);
	else if (args->command == CLI_LOG)
		render_log(body, out);
	else if (args->command == CLI_LOG_LEVEL)
		render_log_level(args, body, out);
	else if (args->command == CLI_BLACKHOLE)
		render_blackhole(args, body, out);
	else if (args->command == CLI_DRAIN || args->command == CLI_UNDRAIN)
		render_drain(body, out);
	else
		render_list(args, body, out);
}
