// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * `lodectl status` for people: one line a part, each a label and a sentence. Lines that would say
 * that nothing is the matter (no drops, no failure, not stale) are left out; what is the matter is
 * named, and so is the command that says more.
 */
#include "cli/render.h"

#include "cli/cell.h"
#include "cli/table.h"

#define LINE_MAX_BYTES 4096u

static const cJSON *get(const cJSON *o, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* Adds a cell's text, or "?" if the agent did not say. */
static void add_cell(struct strbuf *line, cell_fn *cell, const cJSON *o, const char *key)
{
	size_t before = line->len;

	cell(line, o, key);
	if (line->len == before)
		strbuf_add(line, "?");
}

static void add_value(struct strbuf *line, const cJSON *o, const char *key)
{
	add_cell(line, cell_value, o, key);
}

static void add_stale(struct strbuf *line, const cJSON *body)
{
	strbuf_add(line, "; ");
	add_value(line, body, "staleObjects");
	strbuf_add(line, " objects of ");
	add_value(line, body, "staleSources");
	strbuf_add(line, " files are those of the last run");
}

static enum tone state_tone(const cJSON *body)
{
	const char *state = cJSON_GetStringValue(get(body, "state"));

	return state ? tone_of(state) : TONE_NONE;
}

static void add_node(struct table *t, const cJSON *body)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, body, "node");
	strbuf_add(&line, ": ");
	add_value(&line, body, "state");
	strbuf_add(&line, ", up ");
	add_cell(&line, cell_duration, body, "uptimeSeconds");
	strbuf_add(&line, ", version ");
	add_value(&line, body, "version");
	if (cJSON_IsTrue(get(body, "stale")))
		add_stale(&line, body);
	table_add_line_toned(t, "Node", &line, state_tone(body));
}

/* "2 of 3 established" */
static void add_part(struct table *t, const char *label, const cJSON *o, const char *done)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, o, done);
	strbuf_add(&line, " of ");
	add_value(&line, o, "total");
	strbuf_printf(&line, " %s", done);
	table_add_line_toned(t, label, &line,
			     cJSON_Compare(get(o, "total"), get(o, done), true) ? TONE_NONE
										: TONE_WARN);
}

/* --- what is not well, by name --- */

static const char *text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(get(o, key));

	return text && text[0] ? text : NULL;
}

static void add_more(struct table *t, const char *label, const cJSON *unwell, const char *key)
{
	struct strbuf line;

	if (!(cJSON_GetNumberValue(get(unwell, key)) > 0))
		return;
	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, unwell, key);
	strbuf_add(&line, " more");
	table_add_line(t, label, &line);
}

/* "router-b: Connect; refused by 192.168.1.2" */
static void add_unwell_peers(struct table *t, const cJSON *unwell)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, get(unwell, "peers"))
	{
		const char *vrf = text_of(o, "vrf"), *error = text_of(o, "lastError");
		struct strbuf line;

		strbuf_init(&line, LINE_MAX_BYTES);
		add_value(&line, o, "name");
		if (vrf)
			strbuf_printf(&line, " in VRF %s", vrf);
		strbuf_add(&line, ": ");
		add_value(&line, o, "state");
		if (error)
			strbuf_printf(&line, "; %s", error);
		table_add_line_toned(t, "Peer", &line, TONE_WARN);
	}
	add_more(t, "Peer", unwell, "morePeers");
}

/* "2 noEndpoints: no endpoint is ready, on any node; shop/web" */
static void add_unwell_services(struct table *t, const cJSON *unwell)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, get(unwell, "services"))
	{
		const bool is_one = !(cJSON_GetNumberValue(get(o, "ports")) > 1);
		struct strbuf line;

		strbuf_init(&line, LINE_MAX_BYTES);
		add_value(&line, o, "ports");
		strbuf_add(&line, " ");
		add_value(&line, o, "reason");
		strbuf_add(&line, ": ");
		add_value(&line, o, "meaning");
		strbuf_add(&line, is_one ? "; " : "; such as ");
		add_value(&line, o, "namespace");
		strbuf_add(&line, "/");
		add_value(&line, o, "name");
		table_add_line(t, "Withheld", &line);
	}
	add_more(t, "Withheld", unwell, "moreReasons");
}

/* As lodectl show problems has it, in a line. */
static void add_unwell_problems(struct table *t, const cJSON *unwell)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, get(unwell, "problems"))
	{
		const char *severity = text_of(o, "severity"), *ns = text_of(o, "namespace");
		const char *field = text_of(o, "field"), *remedy = text_of(o, "remedy");
		const bool is_error = severity && strcmp(severity, "error") == 0;
		struct strbuf line;

		strbuf_init(&line, LINE_MAX_BYTES);
		add_value(&line, o, "kind");
		strbuf_printf(&line, " %s%s", ns ? ns : "", ns ? "/" : "");
		add_value(&line, o, "name");
		strbuf_printf(&line, ": %s%s", field ? field : "", field ? ": " : "");
		add_value(&line, o, "message");
		if (remedy)
			strbuf_printf(&line, "; %s", remedy);
		table_add_line_toned(t, is_error ? "Error" : "Warning", &line,
				     is_error ? TONE_BAD : TONE_WARN);
	}
}

/* Which commands say more of what is not well; no line where all is. */
static void add_next(struct table *t, const cJSON *body)
{
	const cJSON *unwell = get(body, "unwell"), *problems = get(body, "problems");
	const cJSON *peer = cJSON_GetArrayItem(get(unwell, "peers"), 0);
	const cJSON *service = cJSON_GetArrayItem(get(unwell, "services"), 0);
	const bool is_ok = text_of(body, "state") && strcmp(text_of(body, "state"), "ok") == 0;
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	if (peer) {
		strbuf_add(&line, "lodectl explain peer ");
		add_value(&line, peer, "name");
	}
	if (service && !is_ok) {
		strbuf_printf(&line, "%slodectl explain service ", line.len ? "; " : "");
		add_value(&line, service, "namespace");
		strbuf_add(&line, "/");
		add_value(&line, service, "name");
	}
	if (unwell && (cJSON_GetNumberValue(get(problems, "error")) > 0 ||
		       cJSON_GetNumberValue(get(problems, "warning")) > 0))
		strbuf_printf(&line, "%slodectl show problems", line.len ? "; " : "");
	if (line.len)
		table_add_line(t, "Next", &line);
	else
		strbuf_done(&line);
}

/* Only where there are some. */
static void add_other_nodes(struct table *t, const cJSON *o)
{
	if (cJSON_GetNumberValue(get(o, "total")) > 0)
		add_part(t, "Tunnels", o, "answering");
}

static void add_device(struct table *t, const cJSON *device)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, device, "name");
	strbuf_add(&line, ": XDP ");
	add_value(&line, device, "xdp");
	if (cJSON_IsString(get(device, "mode"))) {
		strbuf_add(&line, " (");
		add_value(&line, device, "mode");
		strbuf_add(&line, ")");
	}
	strbuf_add(&line, ", tc ");
	add_value(&line, device, "tc");
	if (get(device, "nat")) {
		strbuf_add(&line, ", nat ");
		add_value(&line, device, "nat");
	}
	if (cJSON_IsString(get(device, "failure"))) {
		strbuf_add(&line, "; ");
		add_value(&line, device, "failure");
	}
	table_add_line_toned(t, "Device", &line,
			     cJSON_IsString(get(device, "failure")) ? TONE_BAD : TONE_NONE);
}

static void add_flows(struct table *t, const cJSON *o)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, o, "flows");
	strbuf_add(&line, ", ");
	add_value(&line, o, "established");
	strbuf_add(&line, " of them established, of ");
	add_value(&line, o, "size");
	if (cJSON_IsTrue(get(o, "growing")))
		strbuf_add(&line, "; the table is growing");
	table_add_line(t, "Flows", &line);
}

static void add_denied(struct table *t, const cJSON *o)
{
	const double n = cJSON_GetNumberValue(get(o, "prefixes"));
	const double wanted = cJSON_GetNumberValue(get(o, "wanted"));
	struct strbuf line;

	if (!(n + wanted > 0))
		return;
	strbuf_init(&line, LINE_MAX_BYTES);
	strbuf_printf(&line, "%.0f prefixes", n);
	if (n < wanted || n > wanted)
		strbuf_printf(&line, ", to be %.0f", wanted);
	table_add_line(t, "Denied", &line);
}

static void add_dataplane(struct table *t, const cJSON *o)
{
	const cJSON *device;
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, o, "mode");
	if (cJSON_IsTrue(get(o, "programsAdopted")))
		strbuf_add(&line, ", adopted from the run before");
	if (cJSON_IsString(get(o, "failure"))) {
		strbuf_add(&line, "; ");
		add_value(&line, o, "failure");
	}
	table_add_line_toned(t, "Data plane", &line,
			     cJSON_IsString(get(o, "failure")) ? TONE_BAD : TONE_NONE);
	cJSON_ArrayForEach(device, get(o, "devices")) add_device(t, device);
	if (cJSON_IsObject(get(o, "flowTable")))
		add_flows(t, get(o, "flowTable"));
	if (cJSON_IsObject(get(o, "denied")))
		add_denied(t, get(o, "denied"));
}

static void add_observes(struct table *t)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	strbuf_add(&line, "looks on: nothing is announced, forwarded or written");
	table_add_line(t, "Observes", &line);
}

/* "drained by lodectl"; "draining by its Node, 41s left at most" */
static void add_drain(struct table *t, const cJSON *o)
{
	const bool by_node = cJSON_IsTrue(get(o, "byNode"));
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, o, "state");
	if (cJSON_IsTrue(get(o, "byCommand")))
		strbuf_add(&line, by_node ? " by lodectl and by its Node" : " by lodectl");
	else if (by_node)
		strbuf_add(&line, " by its Node");
	if (cJSON_IsNumber(get(o, "drainSeconds"))) {
		strbuf_add(&line, ", ");
		cell_duration(&line, o, "drainSeconds");
		strbuf_add(&line, " left at most");
	}
	table_add_line(t, "Drain", &line);
}

static void add_drops(struct table *t, const cJSON *drops)
{
	struct strbuf line;
	const cJSON *count;

	strbuf_init(&line, LINE_MAX_BYTES);
	cJSON_ArrayForEach(count, drops)
	{
		if (!(cJSON_GetNumberValue(count) > 0))
			continue;
		strbuf_printf(&line, "%s%s ", line.len ? ", " : "", count->string);
		add_value(&line, drops, count->string);
	}
	if (line.len)
		table_add_line(t, "Drops", &line);
	else
		strbuf_done(&line);
}

/* What is no drop needs a word of what it is. */
static void add_passed(struct table *t, const cJSON *body)
{
	const cJSON *passed = get(body, "passed"), *count;
	struct strbuf line;

	cJSON_ArrayForEach(count, passed)
	{
		if (!(cJSON_GetNumberValue(count) > 0))
			continue;
		strbuf_init(&line, LINE_MAX_BYTES);
		strbuf_printf(&line, "%s ", count->string);
		add_value(&line, passed, count->string);
		strbuf_add(&line, ": ");
		add_value(&line, get(body, "meanings"), count->string);
		table_add_line(t, "Passed", &line);
	}
}

static void add_problems(struct table *t, const cJSON *body)
{
	static const char *const severities[] = {"error", "warning", "info"};
	const cJSON *o = get(body, "problems");
	double foreign = cJSON_GetNumberValue(get(body, "foreignObjects"));
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
		strbuf_add(&line, i ? ", " : "");
		add_value(&line, o, severities[i]);
		strbuf_printf(&line, " %s", severities[i]);
	}
	table_add_line_toned(t, "Problems", &line,
			     cJSON_GetNumberValue(get(o, "error")) > 0     ? TONE_BAD
			     : cJSON_GetNumberValue(get(o, "warning")) > 0 ? TONE_WARN
									   : TONE_NONE);
	if (!(foreign > 0))
		return;
	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, body, "foreignObjects");
	strbuf_add(&line, " of kinds that are not ours, ignored");
	table_add_line(t, "Objects", &line);
}

/* Only what there is: a node that receives nothing has no line. */
static void add_kernel_routes(struct table *t, const cJSON *o)
{
	const cJSON *received = get(o, "received"), *holes = get(o, "blackholes");
	struct strbuf line;

	if (cJSON_GetNumberValue(get(received, "total")) > 0)
		add_part(t, "Received", received, "installed");
	if (!(cJSON_GetNumberValue(get(received, "repaired")) +
		      cJSON_GetNumberValue(get(holes, "repaired")) >
	      0))
		return;
	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, received, "repaired");
	strbuf_add(&line, " received routes, ");
	add_value(&line, holes, "repaired");
	strbuf_add(&line,
		   " blackholes and rules: somebody took them away, and they were put again");
	table_add_line(t, "Repaired", &line);
}

/* "rows 2048 of 67108864, backends 4 of ..." */
static void add_maps(struct table *t, const cJSON *maps)
{
	const cJSON *map;
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	cJSON_ArrayForEach(map, maps)
	{
		const double part = cJSON_GetNumberValue(get(map, "used")) * 100 /
				    cJSON_GetNumberValue(get(map, "max"));

		strbuf_printf(&line, "%s%s %.1f %%", line.len ? ", " : "", map->string, part);
	}
	table_add_line(t, "Tables full", &line);
}

static void add_routes(struct table *t, const cJSON *o)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	add_value(&line, o, "advertised");
	strbuf_add(&line, " advertised, ");
	add_value(&line, o, "received");
	strbuf_add(&line, " received");
	table_add_line(t, "Routes", &line);
}

void render_status(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct table t = {.arena = arena, .n_columns = 2, .has_colour = args->has_colour};
	const cJSON *unwell = get(body, "unwell");

	add_node(&t, body);
	if (cJSON_IsTrue(get(body, "observes")))
		add_observes(&t);
	add_part(&t, "Peers", get(body, "peers"), "established");
	add_unwell_peers(&t, unwell);
	add_other_nodes(&t, get(body, "otherNodes"));
	if (cJSON_GetNumberValue(get(get(body, "bfdSessions"), "total")) > 0)
		add_part(&t, "BFD", get(body, "bfdSessions"), "up");
	if (cJSON_IsObject(get(body, "routes")))
		add_routes(&t, get(body, "routes"));
	add_part(&t, "Services", get(body, "services"), "announced");
	add_unwell_services(&t, unwell);
	add_dataplane(&t, get(body, "dataplane"));
	if (cJSON_IsObject(get(body, "maps")))
		add_maps(&t, get(body, "maps"));
	if (cJSON_IsObject(get(body, "drain")))
		add_drain(&t, get(body, "drain"));
	add_drops(&t, get(body, "drops"));
	add_passed(&t, body);
	add_kernel_routes(&t, get(body, "kernelRoutes"));
	add_problems(&t, body);
	add_unwell_problems(&t, unwell);
	add_next(&t, body);
	table_print(&t, out);
}

void render_blackhole(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	const cJSON *peers = get(body, "peers"), *ends = get(body, "endsInSeconds"), *peer;
	const char *prefix = cJSON_GetStringValue(get(body, "prefix"));
	const char *reason = cJSON_GetStringValue(get(body, "reason"));

	if (args->removes) {
		strbuf_printf(out, "%s is no blackhole by command any more\n", args->name);
		return;
	}
	strbuf_printf(out, "packets to %s are dropped", prefix ? prefix : args->name);
	if (cJSON_IsNumber(ends))
		strbuf_printf(out, " for %.0f seconds", ends->valuedouble);
	strbuf_add(out, "; routers that are told:");
	cJSON_ArrayForEach(peer, peers) strbuf_printf(out, " %s", cJSON_GetStringValue(peer));
	if (cJSON_GetArraySize(peers) == 0)
		strbuf_add(out, " none yet (lodestone.io/rtbh at the BGPPeer asks for it)");
	strbuf_add(out, "\n");
	if (reason)
		strbuf_printf(out, "%s\n", reason);
}

void render_log(const cJSON *body, struct strbuf *out)
{
	const cJSON *line;

	cJSON_ArrayForEach(line, get(body, "lines"))
	{
		const char *text = cJSON_GetStringValue(line);

		strbuf_printf(out, "%s\n", text ? text : "");
	}
}

void render_log_level(const struct cli_args *args, const cJSON *body, struct strbuf *out)
{
	cell_value(out, body, "level");
	if (args->name) {
		strbuf_add(out, " is logged from now on, until the next start or log-level ");
		cell_value(out, body, "before");
	}
	strbuf_add(out, "\n");
}

void render_drain(const cJSON *body, struct strbuf *out)
{
	if (cJSON_IsTrue(get(body, "byCommand")))
		strbuf_add(out,
			   "this node leaves the network; \"lodectl status\" says how far it is\n");
	else if (cJSON_IsTrue(get(body, "byNode")))
		strbuf_add(
			out,
			"the annotation lodestone.io/drain, or a taint, of the Node still drains it\n");
	else
		strbuf_add(out, "this node serves and announces again\n");
}
