// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Backends as JSON, a row for each of each frontend: first those of Services, in the order of the
 * plan, then those that frontends keep whose Service is gone, and which therefore have no name.
 */
#include "agent/show_backends.h"

#include "agent/agent.h"
#include "base/hash.h"
#include "base/sorted.h"
#include "sys/bpf_dataplane.h"

/* What rows are made of: a frontend of a Service, or one that is leaving. */
struct item {
	struct plan_service service; /* without a name: of none */
	bool matches;
};

/* What the data plane holds of one frontend; n is 0 if it does not have it. */
struct stored {
	const struct lb_target *targets; /* sorted */
	size_t n;
	struct bpf_counting counting;
};

static int cmp_key(const void *key, const void *item)
{
	return lb_key_cmp(key, &((const struct lb_actual *)item)->key);
}

static int cmp_leaving(const void *key, const void *item)
{
	return lb_key_cmp(key, &((const struct plan_leaving *)item)->frontend);
}

static int cmp_target(const void *key, const void *item)
{
	return lb_target_cmp(key, item);
}

static const char *protocol_text(uint8_t proto)
{
	return proto == API_TCP ? "TCP" : proto == API_UDP ? "UDP" : "SCTP";
}

/* As the plan says; 0: not known, or it does not leave yet. */
static nsec_t leaves_at(const struct agent *a, const struct lb_key *key)
{
	const struct plan_leaving *l =
		sorted_find(key, a->ledger.leaving, a->ledger.n_leaving, sizeof(*l), cmp_leaving);

	if (!l || l->unheld_since == NSEC_NEVER)
		return 0;
	return nsec_add(nsec_add(l->unheld_since, PLAN_UNHELD_NS), a->current->plan.drain_ns);
}

static struct plan_service service_of(const struct agent *a, const struct plan_frontend *f,
				      struct arena *arena)
{
	struct plan_service_backend *backends =
		arena_array_of(arena, f->lb.n_targets, struct plan_service_backend);
	struct plan_backends *all = arena_new_of(arena, struct plan_backends);
	const nsec_t until = leaves_at(a, &f->lb.key);

	*all = (struct plan_backends){.others = backends, .n_others = f->lb.n_targets};
	for (size_t i = 0; i < f->lb.n_targets; i++)
		backends[i] = (struct plan_service_backend){.addr = f->lb.targets[i].addr,
							    .port = f->lb.targets[i].port,
							    .node = a->settings.node_name,
							    .state = "draining",
							    .way = plan_way_text(&f->lb.targets[i]),
							    .drains_until = until};
	return (struct plan_service){.vip = plan_vip_of(&f->lb.key),
				     .port = f->lb.key.port,
				     .protocol = protocol_text(f->lb.key.proto),
				     .backends = all,
				     .n_backends = f->lb.n_targets};
}

static size_t n_items(const struct plan *plan)
{
	return plan->n_services + plan->n_frontends;
}

static uint64_t hash_at(const struct plan *plan, size_t i)
{
	if (i < plan->n_services)
		return show_service_hash(&plan->services[i]);
	return hash_bytes(HASH_INIT, &plan->frontends[i - plan->n_services].lb.key,
			  sizeof(struct lb_key));
}

static struct item item_at(const struct agent *a, const struct show_filter *filter, size_t i,
			   struct arena *arena)
{
	const struct plan *plan = &a->current->plan;
	struct item ret = {.matches = false};

	if (i < plan->n_services) {
		ret.service = plan->services[i];
		ret.matches = show_matches(filter->name, ret.service.name) &&
			      show_matches(filter->ns, ret.service.ns) &&
			      show_matches_vip(filter, &ret.service.vip.addr);
	} else if (plan->frontends[i - plan->n_services].leaving) {
		ret.service = service_of(a, &plan->frontends[i - plan->n_services], arena);
		ret.matches = !filter->name && !filter->ns &&
			      show_matches_vip(filter, &ret.service.vip.addr);
	}
	return ret;
}

static struct stored stored_of(const struct agent *a, const struct plan_service *s,
			       const struct lb_actual *all, size_t n, struct arena *arena)
{
	const struct lb_key key = show_key_of(s);
	const struct lb_actual *f = sorted_find(&key, all, n, sizeof(*all), cmp_key);
	struct stored ret = {.n = 0};

	if (f && bpf_dataplane_counting(a->dataplane, &key, arena, &ret.counting) &&
	    ret.counting.n == f->n_targets) {
		ret.targets = f->targets;
		ret.n = f->n_targets;
	}
	return ret;
}

static cJSON *row_json(const struct agent *a, const struct plan_service *s,
		       const struct plan_service_backend *b, const struct stored *stored)
{
	const struct lb_target key = {.addr = b->addr, .port = b->port};
	const struct lb_target *target =
		sorted_find(&key, stored->targets, stored->n, sizeof(key), cmp_target);
	cJSON *o = cJSON_CreateObject();
	struct bpf_counter counter;
	char text[IP_ADDR_TEXT];

	if (target)
		counter = bpf_dataplane_counter(a->dataplane, &stored->counting,
						(size_t)(target - stored->targets));
	show_add_frontend(o, s);
	cJSON_AddStringToObject(o, "address", ip_addr_text(&b->addr, text));
	cJSON_AddNumberToObject(o, "backendPort", b->port);
	show_add_text(o, "node", b->node);
	show_add_text(o, "forwarding", b->way);
	cJSON_AddStringToObject(o, "state", b->state);
	show_add_left(o, b->drains_until);
	show_add_counter(o, target ? &counter : NULL);
	return o;
}

/* The item that was told last, wherever a plan has it by now; it may not have been told wholly. */
static size_t find_begun(const struct plan *plan, struct show_cursor *c)
{
	const size_t n = n_items(plan);

	if (!c->is_begun || (c->at < n && hash_at(plan, c->at) == c->last))
		return c->at;
	for (size_t i = 0; i < n; i++)
		if (hash_at(plan, i) == c->last)
			return i;
	c->within = 0;
	return c->at < n ? c->at : n;
}

cJSON *show_backends(const struct agent *a, const struct show_filter *filter, struct show_cursor *c)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan *plan = &a->current->plan;
	const struct lb_actual *all = NULL;
	cJSON *out = cJSON_CreateArray();
	size_t n_all = 0, told = 0, i = find_begun(plan, c);

	if (a->dataplane) {
		const struct lb_store store = bpf_dataplane_store(a->dataplane);

		store.ops->dump(store.ctx, arena, &all, &n_all);
	}
	for (c->is_begun = true; i < n_items(plan) && told < SHOW_PIECE; i++, c->within = 0) {
		const struct item item = item_at(a, filter, i, arena);
		const struct plan_service *s = &item.service;
		struct stored stored;

		if (!item.matches)
			continue;
		stored = stored_of(a, s, all, n_all, arena);
		while (c->within < s->n_backends && told < SHOW_PIECE) {
			const struct plan_service_backend b = plan_backend_at(s, c->within++);

			cJSON_AddItemToArray(out, row_json(a, s, &b, &stored));
			told++;
		}
		if (c->within < s->n_backends)
			break;
	}
	c->at = i;
	c->is_over = i == n_items(plan);
	c->last = c->is_over ? 0 : hash_at(plan, i);
	return out;
}
