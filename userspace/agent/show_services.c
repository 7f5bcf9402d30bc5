// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Services as JSON: the plan's view of each frontend with the packets and bytes the data plane
 * counted.
 */
#include "agent/agent.h"
#include "agent/show.h"
#include "agent/show_backends.h"
#include "base/hash.h"
#include "base/sorted.h"
#include "sys/bpf_dataplane.h"

/* The store's dump, sorted by key. */
struct show_frontends {
	const struct lb_actual *items;
	size_t n;
};

static uint8_t protocol_number(const char *text)
{
	return strcmp(text, "UDP") == 0 ? API_UDP : strcmp(text, "TCP") == 0 ? API_TCP : API_SCTP;
}

struct lb_key show_key_of(const struct plan_service *s)
{
	return (struct lb_key){
		.addr = s->vip.addr,
		.domain = s->vip.domain,
		.port = s->port,
		.proto = protocol_number(s->protocol),
	};
}

/* What the data plane holds and counted of one frontend, if it is known there. */
struct counts {
	struct bpf_counter total;
	bool known;
	const struct lb_target *targets; /* sorted, in the order of `each` */
	struct bpf_counting each;
};

static int cmp_key(const void *key, const void *item)
{
	const struct lb_actual *f = item;

	return lb_key_cmp(key, &f->key);
}

static int cmp_target(const void *key, const void *item)
{
	return lb_target_cmp(key, item);
}

/* Of a Service that is gone on with the total was told. */
static struct counts count(const struct agent *a, const struct plan_service *s,
			   struct arena *scratch, const struct show_frontends *stored, bool goes_on)
{
	const struct lb_key key = show_key_of(s);
	const struct lb_actual *f =
		sorted_find(&key, stored->items, stored->n, sizeof(*stored->items), cmp_key);
	struct counts c = {.known = false};

	if (!f)
		return c;
	c.targets = f->targets;
	c.known = bpf_dataplane_counting(a->dataplane, &key, scratch, &c.each) &&
		  c.each.n == f->n_targets &&
		  (goes_on || bpf_dataplane_count(a->dataplane, &key, &c.total, NULL, 0));
	return c;
}

void show_add_counter(cJSON *o, const struct bpf_counter *c)
{
	if (c) {
		cJSON_AddNumberToObject(o, "packets", (double)c->packets);
		cJSON_AddNumberToObject(o, "bytes", (double)c->bytes);
		cJSON_AddNumberToObject(o, "flows", (double)c->flows);
	} else {
		cJSON_AddNullToObject(o, "packets");
		cJSON_AddNullToObject(o, "bytes");
		cJSON_AddNullToObject(o, "flows");
	}
}

static cJSON *backend_json(const struct agent *a, const struct plan_service_backend *b,
			   const struct counts *c)
{
	const struct lb_target key = {.addr = b->addr, .port = b->port};
	const struct lb_target *target = NULL;
	cJSON *o = cJSON_CreateObject();
	struct bpf_counter counter;
	char text[IP_ADDR_TEXT];

	if (c->known)
		target = sorted_find(&key, c->targets, c->each.n, sizeof(key), cmp_target);
	if (target)
		counter = bpf_dataplane_counter(a->dataplane, &c->each,
						(size_t)(target - c->targets));

	cJSON_AddStringToObject(o, "address", ip_addr_text(&b->addr, text));
	cJSON_AddNumberToObject(o, "port", b->port);
	show_add_text(o, "node", b->node);
	show_add_text(o, "forwarding", b->way);
	cJSON_AddStringToObject(o, "state", b->state);
	show_add_left(o, b->drains_until);
	show_add_counter(o, target ? &counter : NULL);
	return o;
}

/* Those behind `within`, at most so many; the cursor is open if there are more. */
static void add_backends(cJSON *list, const struct agent *a, const struct plan_service *s,
			 const struct counts *counts, struct show_cursor *c, size_t max)
{
	for (size_t n = 0; c->within < s->n_backends && n < max; n++) {
		const struct plan_service_backend b = plan_backend_at(s, c->within++);

		cJSON_AddItemToArray(list, backend_json(a, &b, counts));
	}
	c->is_open = c->within < s->n_backends;
}

void show_add_frontend(cJSON *o, const struct plan_service *s)
{
	char text[IP_ADDR_TEXT];

	show_add_text(o, "namespace", s->ns);
	show_add_text(o, "name", s->name);
	show_add_text(o, "vip",
		      ip_addr_is_none(&s->vip.addr) ? NULL : ip_addr_text(&s->vip.addr, text));
	cJSON_AddNumberToObject(o, "port", s->port);
	cJSON_AddStringToObject(o, "protocol", s->protocol);
}

/* Its list of backends is yet to come. */
static cJSON *service_json(const struct plan_service *s, const struct counts *c)
{
	cJSON *o = cJSON_CreateObject();

	show_add_frontend(o, s);
	if (s->health_port)
		cJSON_AddNumberToObject(o, "healthCheckNodePort", s->health_port);
	else
		cJSON_AddNullToObject(o, "healthCheckNodePort");
	cJSON_AddBoolToObject(o, "paused", s->paused);
	if (s->rate_limit)
		cJSON_AddNumberToObject(o, "rateLimit", s->rate_limit);
	else
		cJSON_AddNullToObject(o, "rateLimit");
	cJSON_AddBoolToObject(o, "announced", s->announced);
	show_add_text(o, "reason", s->reason);
	show_add_counter(o, c->known ? &c->total : NULL);
	if (c->known)
		cJSON_AddNumberToObject(o, "newFlows", (double)c->total.begun);
	else
		cJSON_AddNullToObject(o, "newFlows");
	return o;
}

uint64_t show_service_hash(const struct plan_service *s)
{
	uint64_t h = hash_bytes(HASH_INIT, s->ns, strlen(s->ns) + 1);

	h = hash_bytes(h, s->name, strlen(s->name) + 1);
	h = hash_bytes(h, &s->vip, sizeof(s->vip));
	h = hash_bytes(h, &s->port, sizeof(s->port));
	return hash_bytes(h, s->protocol, strlen(s->protocol));
}

/* Behind the last one that was told, wherever a plan has it by now. */
static size_t find_next(const struct plan *plan, const struct show_cursor *c)
{
	if (!c->is_begun)
		return 0;
	if (c->at <= plan->n_services && show_service_hash(&plan->services[c->at - 1]) == c->last)
		return c->at;
	for (size_t i = 0; i < plan->n_services; i++)
		if (show_service_hash(&plan->services[i]) == c->last)
			return i + 1;
	return c->at < plan->n_services ? c->at : plan->n_services;
}

/* The rest of the last Service, or some of it; nothing if it is gone meanwhile. */
static void go_on(cJSON *out, const struct agent *a, size_t next, struct show_cursor *c,
		  struct arena *scratch, const struct show_frontends *stored)
{
	const struct plan_service *s = next > 0 ? &a->current->plan.services[next - 1] : NULL;
	struct counts counts;

	c->is_open = false;
	if (!s || show_service_hash(s) != c->last)
		return;
	counts = count(a, s, scratch, stored, true);
	add_backends(out, a, s, &counts, c, SHOW_PIECE);
}

static void tell(cJSON *out, const struct agent *a, const struct plan_service *s,
		 struct show_cursor *c, size_t max, struct arena *scratch,
		 const struct show_frontends *stored)
{
	const struct counts counts = count(a, s, scratch, stored, false);
	cJSON *o = service_json(s, &counts);

	c->within = 0;
	add_backends(cJSON_AddArrayToObject(o, "backends"), a, s, &counts, c, max);
	cJSON_AddItemToArray(out, o);
}

cJSON *show_services(const struct agent *a, const struct show_filter *filter, struct show_cursor *c)
{
	_cleanup_(arena_freep) struct arena *scratch = arena_new();
	const struct plan *plan = &a->current->plan;
	struct show_frontends stored = {0};
	cJSON *out = cJSON_CreateArray();
	size_t i = find_next(plan, c), told = 0;

	if (a->dataplane) {
		const struct lb_store store = bpf_dataplane_store(a->dataplane);

		store.ops->dump(store.ctx, scratch, &stored.items, &stored.n);
	}
	if (c->is_open) {
		go_on(out, a, i, c, scratch, &stored);
		told = SHOW_PIECE;
	}
	for (; i < plan->n_services && told < SHOW_PIECE; i++) {
		const struct plan_service *s = &plan->services[i];

		c->is_begun = true;
		if (!show_matches(filter->name, s->name) || !show_matches(filter->ns, s->ns) ||
		    !show_matches_vip(filter, &s->vip.addr))
			continue;
		tell(out, a, s, c, SHOW_PIECE - told, scratch, &stored);
		told += 1 + s->n_backends;
	}
	c->is_over = i == plan->n_services && !c->is_open;
	c->at = i;
	c->last = i > 0 ? show_service_hash(&plan->services[i - 1]) : 0;
	return out;
}
