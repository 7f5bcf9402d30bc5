// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Status, pools and problems as JSON.
 */
#include "agent/show.h"
#include "agent/show_bfd.h"

#include "agent/agent.h"
#include "agent/drain.h"
#include "agent/feed.h"
#include "lb/lb_drops.h"
#include "sys/bpf_dataplane.h"
#include "sys/clock.h"

void show_add_text(cJSON *to, const char *key, const char *text)
{
	if (text && text[0])
		cJSON_AddStringToObject(to, key, text);
	else
		cJSON_AddNullToObject(to, key);
}

int show_matches(const char *filter, const char *text)
{
	return !filter || (text && strcmp(filter, text) == 0);
}

/* --- problems --------------------------------------------------------------------------------- */

cJSON *show_problem(const struct agent *a, const struct problem *p)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	unsigned line = p->line ? p->line : p->object.line;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "severity", severity_text(p->severity));
	show_add_text(o, "kind", p->object.kind);
	show_add_text(o, "namespace", p->object.ns);
	show_add_text(o, "name", p->object.name);
	show_add_text(o, "field", p->field);
	show_add_text(o, "reason", p->reason);
	show_add_text(o, "message", p->message);
	show_add_text(o, "remedy", p->remedy);
	show_add_text(o, "source",
		      p->object.file ? arena_printf(scratch, "%s:%u", p->object.file, line) : NULL);
	cJSON_AddNumberToObject(o, "since", (double)problem_log_since(&a->problem_log, p));
	return o;
}

cJSON *show_problems(const struct agent *a, const struct show_filter *filter)
{
	const struct problems *list = &a->current->problems;
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < list->n; i++)
		if (show_matches(filter->name, list->items[i].object.name) &&
		    show_matches(filter->ns, list->items[i].object.ns))
			cJSON_AddItemToArray(out, show_problem(a, &list->items[i]));
	return out;
}

/* --- pools ------------------------------------------------------------------------------------ */

static cJSON *range_json(const struct ip_range *r)
{
	char first[IP_ADDR_TEXT], last[IP_ADDR_TEXT], text[2 * IP_ADDR_TEXT + 1];

	snprintf(text, sizeof(text), "%s-%s", ip_addr_text(&r->first, first),
		 ip_addr_text(&r->last, last));
	return cJSON_CreateString(text);
}

static cJSON *pool_json(const struct agent *a, const struct api_object *o)
{
	const struct plan_addresses *given = &a->current->addresses;
	cJSON *out = cJSON_CreateObject();
	double total[IP_N_FAMILIES] = {0}, used[IP_N_FAMILIES] = {0};
	cJSON *ranges;

	cJSON_AddStringToObject(out, "name", o->meta.name);
	ranges = cJSON_AddArrayToObject(out, "addresses");
	for (size_t i = 0; i < o->pool.n_ranges; i++) {
		cJSON_AddItemToArray(ranges, range_json(&o->pool.ranges[i]));
		total[ip_family_of(&o->pool.ranges[i].first)] +=
			(double)ip_range_count(&o->pool.ranges[i]);
	}
	for (size_t i = 0; i < given->n; i++)
		used[ip_family_of(&given->items[i].addr)] +=
			strcmp(given->items[i].pool, o->meta.name) == 0;
	cJSON_AddNumberToObject(out, "total", total[IP_V4] + total[IP_V6]);
	cJSON_AddNumberToObject(out, "used", used[IP_V4] + used[IP_V6]);
	cJSON_AddNumberToObject(out, "totalIPv4", total[IP_V4]);
	cJSON_AddNumberToObject(out, "usedIPv4", used[IP_V4]);
	cJSON_AddNumberToObject(out, "totalIPv6", total[IP_V6]);
	cJSON_AddNumberToObject(out, "usedIPv6", used[IP_V6]);
	cJSON_AddBoolToObject(out, "autoAssign", o->pool.auto_assign);
	return out;
}

cJSON *show_pools(const struct agent *a, const struct show_filter *filter)
{
	struct world_list pools = world_list(a->world, API_IP_ADDRESS_POOL);
	cJSON *out = cJSON_CreateArray();

	for (size_t i = 0; i < pools.n; i++)
		if (show_matches(filter->name, pools.items[i]->meta.name))
			cJSON_AddItemToArray(out, pool_json(a, pools.items[i]));
	return out;
}

/* --- status ----------------------------------------------------------------------------------- */

static size_t peers_established(const struct agent *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->peers.n; i++)
		n += bgp_peer_info(a->peers.items[i]->bgp).state == BGP_ESTABLISHED;
	return n;
}

static cJSON *device_json(const struct agent *a, const struct plan_device *want)
{
	const struct plan_actual *actual = &a->current->actual;
	const struct plan_actual_device *have = NULL;
	cJSON *o = cJSON_CreateObject();

	for (size_t i = 0; i < actual->n_devices; i++)
		if (actual->devices[i].ifindex == want->ifindex)
			have = &actual->devices[i];
	cJSON_AddStringToObject(o, "name", want->name);
	cJSON_AddBoolToObject(o, "xdp", have && have->xdp);
	cJSON_AddBoolToObject(o, "tc", have && have->tc);
	if (want->nat)
		cJSON_AddBoolToObject(o, "nat", have && have->nat);
	show_add_text(o, "mode", !have || !have->xdp ? NULL : have->generic ? "generic" : "native");
	show_add_text(o, "failure", have ? have->failure : NULL);
	return o;
}

static bool device_failed(const struct agent *a)
{
	const struct plan_actual *actual = &a->current->actual;

	for (size_t i = 0; i < actual->n_devices; i++)
		if (actual->devices[i].failure)
			return true;
	return false;
}

/* In flows: `size` is what it is made for, half of its places. */
static void add_flow_table(const struct agent *a, cJSON *to)
{
	struct lb_flow_usage usage;
	cJSON *o;

	if (!a->dataplane) {
		cJSON_AddNullToObject(to, "flowTable");
		return;
	}
	usage = bpf_dataplane_flow_usage(a->dataplane);
	o = cJSON_AddObjectToObject(to, "flowTable");
	cJSON_AddNumberToObject(o, "size", usage.places / 2);
	cJSON_AddNumberToObject(o, "flows", usage.living);
	cJSON_AddNumberToObject(o, "established", usage.established);
	cJSON_AddBoolToObject(o, "growing", usage.growing);
}

static void add_denied(const struct agent *a, cJSON *to)
{
	size_t n, wanted;
	cJSON *o;

	if (!a->dataplane) {
		cJSON_AddNullToObject(to, "denied");
		return;
	}
	n = bpf_dataplane_denied(a->dataplane, &wanted);
	o = cJSON_AddObjectToObject(to, "denied");
	cJSON_AddNumberToObject(o, "prefixes", (double)n);
	cJSON_AddNumberToObject(o, "wanted", (double)wanted);
}

static void add_dataplane(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *o = cJSON_AddObjectToObject(to, "dataplane");
	const char *failure;
	cJSON *devices;

	cJSON_AddStringToObject(o, "mode",
				plan->dataplane ? "xdp"
				: plan->leaving ? "leaving"
						: "off");
	devices = cJSON_AddArrayToObject(o, "devices");
	for (size_t i = 0; i < plan->n_devices; i++)
		cJSON_AddItemToArray(devices, device_json(a, &plan->devices[i]));
	cJSON_AddBoolToObject(o, "programsAdopted", a->adopted);
	cJSON_AddBoolToObject(o, "farPrograms",
			      a->dataplane && bpf_dataplane_has_far(a->dataplane, &failure));
	add_flow_table(a, o);
	add_denied(a, o);
	show_add_text(o, "failure", a->dataplane_failure);
}

void show_add_counts(cJSON *to, const uint64_t *counts, size_t n)
{
	cJSON *drops = cJSON_AddObjectToObject(to, "drops");
	cJSON *passed = cJSON_AddObjectToObject(to, "passed");
	cJSON *meanings = cJSON_AddObjectToObject(to, "meanings");

	for (size_t i = 1; i < n; i++) {
		cJSON_AddNumberToObject(lb_drop_is_lost(i) ? drops : passed, lb_drop_name(i),
					(double)counts[i]);
		cJSON_AddStringToObject(meanings, lb_drop_name(i), lb_drop_text(i));
	}
}

static void add_counts(const struct agent *a, cJSON *to)
{
	uint64_t counts[64];
	size_t n = 0;

	if (a->dataplane)
		n = bpf_dataplane_drops(a->dataplane, counts, ARRAY_SIZE(counts));
	show_add_counts(to, counts, n < ARRAY_SIZE(counts) ? n : ARRAY_SIZE(counts));
}

static void add_services(const struct agent *a, cJSON *to)
{
	const struct plan *plan = &a->current->plan;
	cJSON *o = cJSON_AddObjectToObject(to, "services");
	double announced = 0;

	for (size_t i = 0; i < plan->n_services; i++)
		announced += plan->services[i].announced;
	cJSON_AddNumberToObject(o, "total", (double)plan->n_services);
	cJSON_AddNumberToObject(o, "announced", announced);
}

void show_add_left(cJSON *to, nsec_t until)
{
	const nsec_t now = clock_now();

	if (until == 0)
		cJSON_AddNullToObject(to, "drainSeconds");
	else
		cJSON_AddNumberToObject(to, "drainSeconds",
					(double)((until > now ? until - now : 0) / NSEC_PER_SEC));
}

static double millis(nsec_t ns)
{
	return (double)ns / (double)NSEC_PER_MSEC;
}

/* Whose first complete picture is waited for: until all have delivered it nothing is withdrawn. */
static void add_sources(const struct agent *a, cJSON *to)
{
	cJSON *all = cJSON_AddArrayToObject(to, "sources");

	for (size_t i = 0; i < a->inputs.n_sources; i++) {
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "name", a->inputs.sources[i].name);
		cJSON_AddBoolToObject(o, "complete", a->inputs.sources[i].is_complete);
		cJSON_AddItemToArray(all, o);
	}
}

/* Of all peers together. */
static void add_sessions(const struct agent *a, cJSON *to)
{
	double advertised = 0, received = 0, bfd = 0, up = 0;
	cJSON *o;

	for (size_t i = 0; i < a->peers.n; i++) {
		const struct bgp_peer_info info = bgp_peer_info(a->peers.items[i]->bgp);
		const char *state = show_bfd_state(a, a->peers.items[i]);

		advertised += (double)info.routes_advertised;
		received += (double)info.routes_received;
		bfd += strcmp(state, "None") != 0;
		up += strcmp(state, "Up") == 0;
	}
	o = cJSON_AddObjectToObject(to, "routes");
	cJSON_AddNumberToObject(o, "advertised", advertised);
	cJSON_AddNumberToObject(o, "received", received);
	o = cJSON_AddObjectToObject(to, "bfdSessions");
	cJSON_AddNumberToObject(o, "total", bfd);
	cJSON_AddNumberToObject(o, "up", up);
}

/* Entries of the tables in use, of how many there may be. */
static void add_maps(const struct agent *a, cJSON *to)
{
	struct bpf_usage u;
	cJSON *all, *o;

	if (!a->dataplane) {
		cJSON_AddNullToObject(to, "maps");
		return;
	}
	u = bpf_dataplane_usage(a->dataplane);
	all = cJSON_AddObjectToObject(to, "maps");
	o = cJSON_AddObjectToObject(all, "rows");
	cJSON_AddNumberToObject(o, "used", (double)u.rows);
	cJSON_AddNumberToObject(o, "max", (double)u.max_rows);
	o = cJSON_AddObjectToObject(all, "backends");
	cJSON_AddNumberToObject(o, "used", (double)u.backends);
	cJSON_AddNumberToObject(o, "max", (double)u.max_backends);
}

cJSON *show_status(const struct agent *a)
{
	const struct problems *problems = &a->current->problems;
	const struct world_stale stale = world_stale(a->world);
	size_t errors = problems_count(problems, SEVERITY_ERROR);
	size_t established = peers_established(a);
	const struct plan *plan = &a->current->plan;
	const bool missing = established < a->peers.n && !plan->drained && !plan->observes;
	const struct options *options = a->options;
	const struct loop_turn turn = loop_longest_turn(a->loop);
	bool failing = a->dataplane_failure || device_failed(a);
	cJSON *out = cJSON_CreateObject();
	cJSON *o;

	cJSON_AddStringToObject(out, "node", options->node);
	o = cJSON_AddObjectToObject(out, "paths");
	show_add_text(o, "config", options->config);
	show_add_text(o, "state", options->state);
	show_add_text(o, "pin", options->pin);
	show_add_text(o, "feed", options->feed);
	show_add_text(out, "namespace", options->ns);
	show_add_text(out, "lbClass", options->lb_class);
	cJSON_AddStringToObject(out, "version", LODESTONE_VERSION);
	cJSON_AddNumberToObject(out, "uptimeSeconds",
				(double)((clock_now() - a->started_at) / NSEC_PER_SEC));
	cJSON_AddNumberToObject(out, "monotonicMillis", millis(clock_now()));
	cJSON_AddNumberToObject(out, "longestTurnMillis", millis(turn.length));
	o = cJSON_AddObjectToObject(out, "longestTurn");
	cJSON_AddNumberToObject(o, "millis", millis(turn.length));
	show_add_text(o, "what", turn.what);
	cJSON_AddStringToObject(out, "state", errors || missing || failing ? "degraded" : "ok");
	cJSON_AddBoolToObject(out, "observes", plan->observes);
	o = cJSON_AddObjectToObject(out, "peers");
	cJSON_AddNumberToObject(o, "total", (double)a->peers.n);
	cJSON_AddNumberToObject(o, "established", (double)established);
	show_other_nodes(a, out);
	add_sessions(a, out);
	add_services(a, out);
	add_dataplane(a, out);
	add_maps(a, out);
	show_bfd_thread(a, out);
	drain_show(a, out);
	add_counts(a, out);
	show_kernel_routes(a, out);
	o = cJSON_AddObjectToObject(out, "problems");
	cJSON_AddNumberToObject(o, "error", (double)errors);
	cJSON_AddNumberToObject(o, "warning", (double)problems_count(problems, SEVERITY_WARNING));
	cJSON_AddNumberToObject(o, "info", (double)problems_count(problems, SEVERITY_INFO));
	show_unwell(a, out);
	show_objects(a, out);
	cJSON_AddNumberToObject(out, "foreignObjects", (double)world_foreign(a->world));
	cJSON_AddBoolToObject(out, "stale", stale.objects > 0);
	cJSON_AddNumberToObject(out, "staleObjects", (double)stale.objects);
	cJSON_AddNumberToObject(out, "staleSources", (double)stale.sources);
	add_sources(a, out);
	cJSON_AddItemToObject(out, "feed", feed_show(a, clock_now()));
	return out;
}
