// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One text at a time, part by part, and the picture from the same answers. Between two parts the
 * plan may be another one: what was asked for is a copy.
 */
#include "agent/agent.h"
#include "agent/page_files.h"
#include "agent/page_rates.h"
#include "agent/show.h"
#include "base/graph.h"
#include "lb/lb_drops.h"
#include "plan/plan_metrics.h"
#include "sys/bpf_dataplane.h"

#include <errno.h>

#define MAX_TEXT    (4u << 20)
#define COUNT_PIECE 256 /* backends whose counters are read in a turn */

struct agent_page {
	struct page_server *server; /* owned */
	int error;                  /* of the server, as it was told */

	struct page_rates rates;
	struct page_counts counts; /* of the sample that is being taken */
	size_t counted;            /* backends of it */
	nsec_t sample_at;

	struct strbuf text;               /* owned; of what is being told */
	cJSON *status, *peers, *services; /* owned; NULL: not asked for yet */
	size_t part;                      /* that is next */
	nsec_t tell_at;
};

/* --- samples ---------------------------------------------------------------------------------- */

/* A piece of the counters; true: that was the last. */
static bool count(const struct bpf_dataplane *dp, struct agent_page *p)
{
	const size_t all = bpf_dataplane_n_counts(dp);
	struct bpf_packets piece[COUNT_PIECE];
	size_t n = all > p->counted ? all - p->counted : 0;

	n = n < COUNT_PIECE ? n : COUNT_PIECE;
	if (n > 0)
		bpf_dataplane_counts(dp, p->counted, n, piece);
	for (size_t i = 0; i < n; i++) {
		p->counts.packets += piece[i].packets;
		p->counts.bytes += piece[i].bytes;
	}
	p->counted += n;
	return p->counted >= all;
}

/* Returns when to go on. */
static nsec_t sample(struct agent *a, struct agent_page *p, nsec_t now)
{
	uint64_t drops[64];
	size_t n;

	if (now < p->sample_at)
		return p->sample_at;
	if (a->dataplane) {
		if (!count(a->dataplane, p))
			return now;
		n = bpf_dataplane_drops(a->dataplane, drops, ARRAY_SIZE(drops));
		for (size_t i = 1; i < n && i < ARRAY_SIZE(drops); i++)
			p->counts.drops += lb_drop_is_lost(i) ? drops[i] : 0;
		p->counts.flows = bpf_dataplane_flow_usage(a->dataplane).living;
	}
	page_rates_add(&p->rates, a->dataplane ? &p->counts : NULL, now);
	p->counts = (struct page_counts){0};
	p->counted = 0;
	p->sample_at = nsec_add(now, PAGE_RATES_STEP_NS);
	return p->sample_at;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void add(struct agent_page *p, const char *key, const cJSON *body)
{
	char *text = cJSON_PrintUnformatted(body);

	strbuf_printf(&p->text, "%s\"%s\":", p->text.len ? "," : "{", key);
	strbuf_add(&p->text, text);
	free(text);
}

static void add_status(const struct agent *a, struct agent_page *p)
{
	p->status = show_status(a);
	add(p, "status", p->status);
}

static void add_peers(const struct agent *a, struct agent_page *p)
{
	p->peers = show_peers(a, &(struct show_filter){.name = NULL});
	add(p, "peers", p->peers);
}

static void add_problems(const struct agent *a, struct agent_page *p)
{
	cJSON *body = show_problems(a, &(struct show_filter){.name = NULL});

	add(p, "problems", body);
	cJSON_Delete(body);
}

static void add_routes(const struct agent *a, struct agent_page *p)
{
	struct show_cursor c = {.is_over = false};
	cJSON *body = show_routes(a, &(struct show_filter){.name = NULL}, &c);

	add(p, "routes", body);
	cJSON_Delete(body);
}

static void add_services(const struct agent *a, struct agent_page *p)
{
	struct show_cursor c = {.is_over = false};

	p->services = show_services(a, &(struct show_filter){.name = NULL}, &c);
	add(p, "services", p->services);
	if (c.is_over)
		return;
	/* Of a list that is not whole the picture cannot say how many more there are. */
	while (cJSON_GetArraySize(p->services) > GRAPH_VIPS)
		cJSON_DeleteItemFromArray(p->services, GRAPH_VIPS);
}

static void add_rates(const struct agent *a, struct agent_page *p)
{
	cJSON *body = page_rates_show(&p->rates);

	(void)a;
	add(p, "rates", body);
	cJSON_Delete(body);
}

static void draw(const struct agent *a, struct agent_page *p)
{
	struct strbuf svg;

	(void)a;
	strbuf_init(&svg, MAX_TEXT);
	graph_svg(p->status, p->peers, p->services, &svg);
	page_server_draw(p->server, svg.data, svg.len);
}

static void (*const parts[])(const struct agent *a, struct agent_page *p) = {
	add_status, add_peers, add_problems, add_routes, add_services, add_rates, draw,
};

static void end_text(struct agent_page *p)
{
	strbuf_done(&p->text);
	strbuf_init(&p->text, MAX_TEXT);
	cJSON_Delete(TAKE_PTR(p->status));
	cJSON_Delete(TAKE_PTR(p->peers));
	cJSON_Delete(TAKE_PTR(p->services));
	p->part = 0;
}

/* Returns when to go on. A plan that is being prepared may name objects that are gone. */
static nsec_t tell(const struct agent *a, struct agent_page *p, nsec_t now)
{
	if (page_server_watchers(p->server) == 0) {
		if (p->part > 0)
			end_text(p);
		page_server_draw(p->server, NULL, 0);
		return NSEC_NEVER;
	}
	if (a->preparing || !a->current)
		return NSEC_NEVER; /* the loop comes here again when that is over */
	if (now < p->tell_at)
		return p->tell_at;
	parts[p->part++](a, p);
	if (p->part < ARRAY_SIZE(parts))
		return now;
	strbuf_add(&p->text, "}");
	if (!p->text.truncated)
		page_server_tell(p->server, p->text.data, p->text.len);
	end_text(p);
	p->tell_at = nsec_add(now, PAGE_TELL_NS);
	return p->tell_at;
}

/* --- the agent's side ------------------------------------------------------------------------- */

/* Whether it is served is a problem, or none any more: of the next plan. */
static void note_error(struct agent *a)
{
	const int error = page_server_error(a->page->server);

	if (error != a->page->error)
		agent_input_changed(&a->inputs, INPUT_SINKS);
	a->page->error = error;
}

void page_apply(struct agent *a, nsec_t now)
{
	const struct api_listen want = plan_page_address(a->world, a->options->node);
	const struct http_address at = {.addr = want.addr, .port = want.port};

	page_server_listen(a->page->server, want.is_off ? NULL : &at, now);
	note_error(a);
}

nsec_t page_step(struct agent *a, nsec_t now)
{
	struct agent_page *p = a->page;
	nsec_t next;

	loop_doing(a->loop, "status page");
	next = nsec_min(sample(a, p, now), tell(a, p, now));
	next = nsec_min(next, page_server_tick(p->server, now));
	note_error(a);
	return next;
}

void page_problems(const struct agent *a, struct problems *list)
{
	const int error = a->page ? a->page->error : 0;
	const bool taken = error == -EADDRINUSE;
	const struct object_ref ref = {.kind = "Agent", .name = a->options->node};
	const struct problem_text text = {
		.field = "spec.statusPage.address",
		.reason = taken ? "StatusPagePortTaken" : "StatusPageFailed",
		.remedy = taken ? "end who has it (ss -ltnp), or write another one, or off, into "
				  "spec.statusPage.address"
				: "write an address of this node into spec.statusPage.address, or "
				  "off",
	};

	if (error)
		problem_add(list, SEVERITY_INFO, &ref, &text,
			    "the status page is not served: %s; it is tried again every %u s",
			    taken ? "somebody else has the port" : strerror(-error),
			    (unsigned)(HTTP_RETRY_NS / NSEC_PER_SEC));
}

void page_start(struct agent *a)
{
	struct agent_page *p = xcalloc(1, sizeof(*p));

	a->page = p;
	p->server = page_server_new(a->loop, page_files, PAGE_N_FILES);
	strbuf_init(&p->text, MAX_TEXT);
}

void page_stop(struct agent *a)
{
	struct agent_page *p = a->page;

	if (!p)
		return;
	end_text(p);
	strbuf_done(&p->text);
	page_server_free(p->server);
	free(p);
	a->page = NULL;
}
