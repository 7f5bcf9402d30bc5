// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The checks stand in the order in which the programs make them, and the first that does not hold
 * is the last that is told. What is programmed is asked of the data plane, what it was programmed
 * from of the plan.
 */
#include "agent/ctl.h"

#include "agent/agent.h"
#include "agent/ctl_reply.h"
#include "agent/show.h"
#include "agent/show_backends.h"
#include "base/sorted.h"
#include "lb/lb_trace.h"
#include "sys/bpf_dataplane.h"

struct tracing {
	const struct agent *a;
	const struct plan_service *service; /* NULL: no Service has the VIP and port */
	const struct plan_frontend *frontend;
	struct lb_trace_flow flow;
	bool has_port; /* of the client */
	struct lb_trace found;
	cJSON *answer, *steps;
};

/* --- the question ----------------------------------------------------------------------------- */

static bool read_port(const cJSON *request, const char *key, uint16_t *ret)
{
	const double v = cJSON_GetNumberValue(cJSON_GetObjectItem(request, key));

	if (!(v >= 1 && v <= UINT16_MAX))
		return false;
	*ret = (uint16_t)v;
	return true;
}

static bool read_addr(const cJSON *request, const char *key, struct ip_addr *ret)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(request, key));

	return text && ip_addr_parse(text, ret);
}

static bool read_protocol(const cJSON *request, uint8_t *ret)
{
	static const struct {
		const char *text;
		uint8_t number;
	} all[] = {{"TCP", API_TCP}, {"UDP", API_UDP}, {"SCTP", API_SCTP}};
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(request, "protocol"));

	for (size_t i = 0; text && i < ARRAY_SIZE(all); i++) {
		if (strcmp(text, all[i].text) != 0)
			continue;
		*ret = all[i].number;
		return true;
	}
	return false;
}

static const char *read_flow(const cJSON *request, struct tracing *t)
{
	t->has_port = read_port(request, "clientPort", &t->flow.client_port);
	if (!read_addr(request, "client", &t->flow.client))
		return "the client is no IP address";
	if (!read_addr(request, "vip", &t->flow.key.addr) ||
	    !read_port(request, "port", &t->flow.key.port))
		return "the VIP is no address with a port";
	if (!read_protocol(request, &t->flow.key.proto))
		return "the protocol is none of TCP, UDP and SCTP";
	if (ip_family_of(&t->flow.client) != ip_family_of(&t->flow.key.addr))
		return "client and VIP are of two families";
	return NULL;
}

/* --- what is known of it ---------------------------------------------------------------------- */

static int cmp_frontend(const void *key, const void *item)
{
	return lb_key_cmp(key, &((const struct plan_frontend *)item)->lb.key);
}

/* The Service, and with it the routing world of the VIP. */
static void find_service(struct tracing *t)
{
	const struct plan *plan = &t->a->current->plan;

	for (size_t i = 0; i < plan->n_services && !t->service; i++) {
		const struct lb_key key = show_key_of(&plan->services[i]);

		if (ip_addr_equal(&key.addr, &t->flow.key.addr) && key.port == t->flow.key.port &&
		    key.proto == t->flow.key.proto) {
			t->service = &plan->services[i];
			t->flow.key.domain = key.domain;
		}
	}
	t->frontend = sorted_find(&t->flow.key, plan->frontends, plan->n_frontends,
				  sizeof(*plan->frontends), cmp_frontend);
}

static bool is_denied(const struct tracing *t)
{
	const struct plan *plan = &t->a->current->plan;

	for (size_t i = 0; i < plan->n_denied; i++)
		for (size_t k = 0; k < plan->denied[i].n; k++)
			if (ip_prefix_has(&plan->denied[i].sources[k], &t->flow.client))
				return true;
	return false;
}

static bool is_in_ranges(const struct tracing *t)
{
	for (size_t i = 0; t->frontend && i < t->frontend->lb.n_ranges; i++)
		if (ip_prefix_has(&t->frontend->lb.ranges[i], &t->flow.client))
			return true;
	return !(t->found.flags & LB_F_RANGES);
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Tells a check and returns whether it holds, so that the next one is worth looking at. */
static bool step(struct tracing *t, const char *check, bool holds, const char *well,
		 const char *ill)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "check", check);
	cJSON_AddBoolToObject(o, "holds", holds);
	cJSON_AddStringToObject(o, "message", holds ? well : ill);
	cJSON_AddItemToArray(t->steps, o);
	return holds;
}

static bool tell_checks(struct tracing *t)
{
	const bool pauses = t->found.flags & LB_F_PAUSED;

	return step(t, "dataplane", t->a->dataplane, "XDP serves on this node",
		    "XDP does not serve on this node: see status") &&
	       step(t, "source", !is_denied(t), "the client is on no list of deny",
		    "the client is on a list of deny: dropped (denied)") &&
	       step(t, "vip", t->found.has_vip || t->found.has_port, "the address is a VIP",
		    "the address is no VIP here: the packet is the kernel's") &&
	       step(t, "blackhole", !(t->found.flags & LB_F_BLACKHOLE),
		    "it lies under no blackhole",
		    "it lies under a blackhole on demand: dropped (blackhole)") &&
	       step(t, "port", t->found.has_port, "the port is served",
		    "no Service has that port there: unknownPort says what becomes of it") &&
	       step(t, "ranges", is_in_ranges(t), "the client may come",
		    "the client is in none of the Service's source ranges: dropped (source)") &&
	       step(t, "backends", t->found.n_rows > 0, "there are pods for it",
		    "there is no pod for it: dropped (no_backend)") &&
	       step(t, "begins", !(t->found.flags & (LB_F_CLOSED | LB_F_PAUSED)), "flows may begin",
		    pauses ? "the Service is paused: only flows that live go on"
			   : "no pod is ready: only flows that live go on");
}

static bool find_backend(const struct tracing *t, const struct lb_target *target,
			 struct plan_service_backend *ret)
{
	for (size_t i = 0; t->service && i < t->service->n_backends; i++) {
		*ret = plan_backend_at(t->service, i);
		if (ret->port == target->port && ip_addr_equal(&ret->addr, &target->addr))
			return true;
	}
	return false;
}

static const char *const entries[] = {
	[LB_TRACE_NO_ENTRY] = NULL,
	[LB_TRACE_NEW] = "new",
	[LB_TRACE_ESTABLISHED] = "established",
	[LB_TRACE_CLOSING] = "closing",
};

/* As what it is sent there, and who answers what. */
static cJSON *nat_json(const struct lb_trace_nat *n)
{
	cJSON *o = cJSON_CreateObject();
	char text[IP_ADDR_TEXT];

	cJSON_AddStringToObject(o, "address", ip_addr_text(&n->own, text));
	cJSON_AddNumberToObject(o, "port", n->port);
	show_add_text(o, "entry", entries[n->entry]);
	return o;
}

static cJSON *candidate_json(const struct tracing *t, const struct lb_trace_candidate *c)
{
	struct plan_service_backend b;
	const bool is_known = find_backend(t, &c->target, &b);
	cJSON *o = cJSON_CreateObject();
	char text[IP_ADDR_TEXT];

	cJSON_AddStringToObject(o, "address", ip_addr_text(&c->target.addr, text));
	cJSON_AddNumberToObject(o, "port", c->target.port);
	show_add_text(o, "node", is_known ? b.node : NULL);
	show_add_text(o, "state",
		      c->is_gone                            ? "gone"
		      : is_known                            ? b.state
		      : c->target.state == LB_BACKEND_READY ? "ready"
							    : "draining");
	show_add_text(o, "forwarding", is_known ? b.way : NULL);
	show_add_text(o, "entry", entries[c->entry]);
	if (c->nat.port)
		cJSON_AddItemToObject(o, "nat", nat_json(&c->nat));
	return o;
}

static const char *why(const struct tracing *t, bool begins)
{
	const struct lb_trace *f = &t->found;

	if (f->by_entry)
		return "the flow table has the flow with this pod";
	if (!begins)
		return "nobody gets what begins";
	if (f->is_settled)
		return f->candidates[0].entry == LB_TRACE_NO_ENTRY
			       ? "the row is settled: whatever comes by it is the first pod's"
			       : "the row is settled, and the flow table has the flow with its "
				 "first pod, too";
	if (t->flow.key.proto == API_TCP)
		return "no entry has the flow: a connection that lives is its whose socket knows "
		       "it, and what is new the first pod's";
	return "no entry has the flow: it is new, and the first pod's";
}

static void tell_row(struct tracing *t, bool begins)
{
	const struct lb_trace *f = &t->found;
	cJSON *list;

	cJSON_AddNumberToObject(t->answer, "row", f->row);
	cJSON_AddNumberToObject(t->answer, "rows", f->n_rows);
	cJSON_AddBoolToObject(t->answer, "settled", f->is_settled);
	list = cJSON_AddArrayToObject(t->answer, "candidates");
	for (size_t i = 0; i < f->n; i++)
		cJSON_AddItemToArray(list, candidate_json(t, &f->candidates[i]));
	if (f->chosen >= 0 && (begins || f->by_entry))
		cJSON_AddItemToObject(t->answer, "chosen",
				      candidate_json(t, &f->candidates[f->chosen]));
	else
		cJSON_AddNullToObject(t->answer, "chosen");
	show_add_text(t->answer, "reason", why(t, begins));
}

static void tell(struct tracing *t)
{
	const bool begins = tell_checks(t);
	const bool by_client = t->found.flags & LB_F_AFFINITY;

	/* Nothing is behind a check that does not hold, but for flows that live. */
	if (t->found.n_rows > 0 && (begins || t->found.flags & (LB_F_CLOSED | LB_F_PAUSED)) &&
	    step(t, "client-port", t->has_port || by_client, "client and ports lead to a row",
		 "the row depends on the client's port: --from IP:PORT")) {
		tell_row(t, begins);
		return;
	}
	cJSON_AddNullToObject(t->answer, "row");
	cJSON_AddNullToObject(t->answer, "rows");
	cJSON_AddNullToObject(t->answer, "settled");
	cJSON_AddArrayToObject(t->answer, "candidates");
	cJSON_AddNullToObject(t->answer, "chosen");
	cJSON_AddNullToObject(t->answer, "reason");
}

void ctl_trace(const struct agent *a, const cJSON *request, struct strbuf *reply)
{
	struct tracing t = {.a = a};
	const char *error = read_flow(request, &t);

	if (error) {
		ctl_refuse(reply, error);
		return;
	}
	find_service(&t);
	if (a->dataplane)
		bpf_dataplane_trace(a->dataplane, &t.flow, &t.found);
	t.answer = cJSON_CreateObject();
	cJSON_AddStringToObject(t.answer, "node", a->settings.node_name);
	show_add_text(t.answer, "namespace", t.service ? t.service->ns : NULL);
	show_add_text(t.answer, "name", t.service ? t.service->name : NULL);
	t.steps = cJSON_AddArrayToObject(t.answer, "steps");
	tell(&t);
	ctl_answer(reply, t.answer);
}
