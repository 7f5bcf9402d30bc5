// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* Structs are compared by fields, since their padding may differ; what is one byte string, whole.
 */
#include "plan/plan_difference.h"

#include "plan/plan_backends.h"
#include "plan/plan_ledger.h"
#include "plan/plan_peer_change.h"
#include "plan/plan_vlans.h"

typedef bool same_item(const void *a, const void *b);

static bool same_array(const void *a, size_t n_a, const void *b, size_t n_b, size_t size,
		       same_item *same)
{
	const char *x = a, *y = b;

	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!same(x + i * size, y + i * size))
			return false;
	return true;
}
#define SAME(a, b, list, n, same)                                                                  \
	same_array((a)->list, (a)->n, (b)->list, (b)->n, sizeof(*(a)->list), same)

static bool same_bytes(const void *a, size_t n_a, const void *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a) == 0);
}
#define SAME_BYTES(a, b, list, n)                                                                  \
	same_bytes((a)->list, (a)->n * sizeof(*(a)->list), (b)->list, (b)->n * sizeof(*(b)->list))

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_key(const struct lb_key *a, const struct lb_key *b)
{
	return lb_key_cmp(a, b) == 0;
}

/* --- items of a plan ------------------------------------------------------------------------- */

static bool same_peer(const void *a, const void *b)
{
	return plan_peer_same(a, b);
}

bool plan_import_equal(const struct plan_import *a, const struct plan_import *b)
{
	return a->table == b->table && bgp_import_equal(&a->policy, &b->policy);
}

static bool same_import(const void *a, const void *b)
{
	return plan_import_equal(a, b);
}

static bool same_attrs(const void *a, const void *b)
{
	return bgp_attrs_cmp(a, b) == 0;
}

static bool same_route(const void *a, const void *b)
{
	const struct plan_route *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix) == 0 && x->attrs == y->attrs &&
	       x->peers == y->peers && x->hold == y->hold;
}

static bool same_target(const void *a, const void *b)
{
	const struct lb_target *x = a, *y = b;

	return ip_addr_equal(&x->addr, &y->addr) && ip_addr_equal(&x->node, &y->node) &&
	       x->way == y->way && x->owner == y->owner && x->port == y->port &&
	       x->weight == y->weight && x->state == y->state;
}

static bool same_frontend(const void *a, const void *b)
{
	const struct plan_frontend *x = a, *y = b;
	const struct lb_frontend *f = &x->lb, *g = &y->lb;

	return same_key(&f->key, &g->key) && f->seed == g->seed && f->rows_log2 == g->rows_log2 &&
	       f->flags == g->flags && f->table == g->table && f->ranges_name == g->ranges_name &&
	       f->affinity_s == g->affinity_s && f->limit == g->limit &&
	       SAME(f, g, targets, n_targets, same_target) && x->hold == y->hold &&
	       x->leaving == y->leaving;
}

bool plan_next_hop_equal(const struct plan_next_hop *x, const struct plan_next_hop *y)
{
	return x->uplink == y->uplink && ip_addr_equal(&x->node, &y->node) &&
	       ip_addr_equal(&x->source, &y->source) && x->ifindex == y->ifindex &&
	       x->on_link == y->on_link && x->nat == y->nat && x->by_tc == y->by_tc &&
	       x->mtu == y->mtu && memcmp(x->mac, y->mac, sizeof(x->mac)) == 0 &&
	       memcmp(x->own_mac, y->own_mac, sizeof(x->own_mac)) == 0;
}

static bool same_way_end(const void *a, const void *b)
{
	const struct plan_way_end *x = a, *y = b;

	return ip_addr_equal(&x->addr, &y->addr) && ip_addr_equal(&x->source, &y->source) &&
	       x->by_any == y->by_any;
}

static bool same_next_hop(const void *a, const void *b)
{
	return plan_next_hop_equal(a, b);
}

static bool same_discard(const void *a, const void *b)
{
	const struct plan_discard *x = a, *y = b;

	return lb_discard_cmp(&x->what, &y->what) == 0 && x->is_wanted == y->is_wanted &&
	       x->by_command == y->by_command && x->peers == y->peers && same_text(x->ns, y->ns) &&
	       same_text(x->name, y->name);
}

static bool same_rate(const void *a, const void *b)
{
	const struct plan_rate *x = a, *y = b;

	return plan_vip_equal(&x->vip, &y->vip) && x->packets == y->packets;
}

static bool same_denied(const void *a, const void *b)
{
	const struct lb_denied *x = a, *y = b;

	return x->name == y->name && x->n == y->n;
}

static bool same_begin(const void *a, const void *b)
{
	const struct plan_begin *x = a, *y = b;

	return plan_vip_equal(&x->vip, &y->vip) && x->takes == y->takes &&
	       x->programmed == y->programmed && x->waits == y->waits;
}

bool plan_device_equal(const struct plan_device *a, const struct plan_device *b)
{
	return a->ifindex == b->ifindex && same_text(a->name, b->name) && a->xdp == b->xdp &&
	       a->tc == b->tc && a->nat == b->nat && a->allow_generic == b->allow_generic &&
	       a->domain == b->domain && a->vrf == b->vrf && plan_vlans_equal(a, b);
}

static bool same_device(const void *a, const void *b)
{
	const struct plan_device *x = a, *y = b;

	return plan_device_equal(x, y) && x->tunnels == y->tunnels;
}

static bool same_made_vrf(const void *a, const void *b)
{
	const struct plan_made_vrf *x = a, *y = b;

	return same_text(x->name, y->name) && x->table == y->table && same_text(x->ns, y->ns) &&
	       same_text(x->peer, y->peer);
}

static bool same_health(const void *a, const void *b)
{
	const struct plan_health *x = a, *y = b;

	return x->port == y->port && same_text(x->ns, y->ns) && same_text(x->name, y->name) &&
	       x->endpoints == y->endpoints && x->is_serving == y->is_serving;
}

static bool same_backends(const struct plan_service *a, const struct plan_service *b)
{
	if (a->n_backends != b->n_backends)
		return false;
	for (size_t i = 0; i < a->n_backends; i++) {
		const struct plan_service_backend x = plan_backend_at(a, i);
		const struct plan_service_backend y = plan_backend_at(b, i);

		if (!ip_addr_equal(&x.addr, &y.addr) || x.port != y.port ||
		    !same_text(x.node, y.node) || !same_text(x.state, y.state) ||
		    !same_text(x.way, y.way) || x.drains_until != y.drains_until)
			return false;
	}
	return true;
}

static bool same_service(const void *a, const void *b)
{
	const struct plan_service *x = a, *y = b;

	return same_text(x->ns, y->ns) && same_text(x->name, y->name) &&
	       plan_vip_equal(&x->vip, &y->vip) && x->port == y->port &&
	       same_text(x->protocol, y->protocol) && same_backends(x, y) &&
	       x->health_port == y->health_port && x->paused == y->paused &&
	       x->rate_limit == y->rate_limit && x->n_local_ready == y->n_local_ready &&
	       x->announced == y->announced && same_text(x->reason, y->reason);
}

static bool same_problem(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	const struct object_ref *o = &x->object, *p = &y->object;

	return x->severity == y->severity && same_text(o->kind, p->kind) &&
	       same_text(o->ns, p->ns) && same_text(o->name, p->name) &&
	       same_text(o->uid, p->uid) && same_text(o->file, p->file) && o->line == p->line &&
	       same_text(x->field, y->field) && same_text(x->reason, y->reason) &&
	       same_text(x->message, y->message) && same_text(x->remedy, y->remedy) &&
	       x->line == y->line;
}

/* --- items of a ledger ----------------------------------------------------------------------- */

static bool same_drain(const void *a, const void *b)
{
	const struct plan_drain *x = a, *y = b;

	return same_key(&x->frontend, &y->frontend) && same_target(&x->target, &y->target) &&
	       x->until == y->until;
}

static bool same_leaving(const void *a, const void *b)
{
	const struct plan_leaving *x = a, *y = b;

	return same_key(&x->frontend, &y->frontend) && x->unheld_since == y->unheld_since;
}

static bool same_waiting(const void *a, const void *b)
{
	const struct plan_waiting *x = a, *y = b;

	return ip_prefix_cmp(&x->prefix, &y->prefix) == 0 && x->since == y->since;
}

static bool same_string(const void *a, const void *b)
{
	return same_text(*(const char *const *)a, *(const char *const *)b);
}

static bool same_strings(const struct api_strings *a, const struct api_strings *b)
{
	return SAME(a, b, items, n, same_string);
}

static bool same_prefix(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b) == 0;
}

static bool same_vrf_blackhole(const void *a, const void *b)
{
	return plan_vrf_blackhole_cmp(a, b) == 0;
}

static bool same_vrf(const void *a, const void *b)
{
	const struct plan_vrf *x = a, *y = b;

	return same_text(x->name, y->name) && x->domain == y->domain &&
	       x->is_member == y->is_member;
}

static bool same_pod(const void *a, const void *b)
{
	const struct plan_vrf_pod *x = a, *y = b;

	return plan_vrf_pod_cmp(a, b) == 0 && x->is_own == y->is_own;
}

static bool same_blackholes(const struct plan_blackholes *a, const struct plan_blackholes *b)
{
	return SAME(a, b, prefixes, n, same_prefix) &&
	       SAME(a, b, uplinks, n_uplinks, same_string) && a->receives == b->receives &&
	       SAME(a, b, in_vrfs, n_in_vrfs, same_vrf_blackhole) &&
	       SAME(a, b, vrfs, n_vrfs, same_vrf) && SAME(a, b, pods, n_pods, same_pod);
}

static bool same_good(const void *a, const void *b)
{
	const struct plan_good *x = a, *y = b;

	for (size_t i = 0; i < ARRAY_SIZE(x->pools); i++)
		if (!same_strings(&x->pools[i], &y->pools[i]))
			return false;
	return x->kind == y->kind && same_text(x->ns, y->ns) && same_text(x->name, y->name) &&
	       x->hash == y->hash && same_text(x->text, y->text) &&
	       SAME_BYTES(x, y, communities, n_communities) && SAME_BYTES(x, y, large, n_large) &&
	       SAME_BYTES(x, y, extended, n_extended) && SAME_BYTES(x, y, password, password_len);
}

static bool same_address(const void *a, const void *b)
{
	const struct plan_address *x = a, *y = b;

	return same_text(x->ns, y->ns) && same_text(x->name, y->name) &&
	       ip_addr_equal(&x->addr, &y->addr) && same_text(x->pool, y->pool);
}

/* --- all together ---------------------------------------------------------------------------- */

bool plan_same_problems(const struct problems *a, const struct problems *b)
{
	return SAME(a, b, items, n, same_problem);
}

static bool same_remote(const void *a, const void *b)
{
	const struct plan_remote *x = a, *y = b;

	return ip_addr_equal(&x->addr, &y->addr) && same_text(x->node, y->node) &&
	       x->state == y->state;
}

static const char *arrays_difference(const struct plan *a, const struct plan *b)
{
	if (!SAME(a, b, peers, n_peers, same_peer))
		return "peers";
	if (!SAME(a, b, imports, n_peers, same_import))
		return "imports";
	if (!SAME(a, b, attrs, n_attrs, same_attrs))
		return "attrs";
	if (!SAME(a, b, routes, n_routes, same_route))
		return "routes";
	if (!SAME(a, b, frontends, n_frontends, same_frontend))
		return "frontends";
	if (!SAME(a, b, begins, n_begins, same_begin))
		return "begins";
	if (!SAME(a, b, remotes, n_remotes, same_remote) ||
	    memcmp(a->tunnel_ends, b->tunnel_ends, sizeof(a->tunnel_ends)) != 0)
		return "remotes";
	if (!SAME(a, b, way_ends, n_way_ends, same_way_end))
		return "way_ends";
	if (!SAME(a, b, next_hops, n_next_hops, same_next_hop))
		return "next_hops";
	if (a->nat_port != b->nat_port)
		return "nat_port";
	if (!SAME(a, b, rates, n_rates, same_rate))
		return "rates";
	if (!SAME(a, b, discards, n_discards, same_discard))
		return "discards";
	if (!same_blackholes(&a->blackholes, &b->blackholes))
		return "blackholes";
	if (!SAME(a, b, denied, n_denied, same_denied) || a->keeps_denied != b->keeps_denied)
		return "denied";
	if (!SAME(a, b, devices, n_devices, same_device))
		return "devices";
	if (!SAME(a, b, services, n_services, same_service))
		return "services";
	if (!SAME(a, b, made_vrfs, n_made_vrfs, same_made_vrf))
		return "made_vrfs";
	if (!SAME(a, b, health, n_health, same_health))
		return "health";
	return NULL;
}

static const char *rest_difference(const struct plan *a, const struct plan *b)
{
	if (a->end_of_rib != b->end_of_rib)
		return "end_of_rib";
	if (a->dataplane != b->dataplane)
		return "dataplane";
	if (a->leaves != b->leaves || a->drained != b->drained ||
	    a->drained_by_node != b->drained_by_node)
		return "drained";
	if (a->observes != b->observes || a->stands_back != b->stands_back)
		return "observes";
	if (a->leaving != b->leaving)
		return "leaving";
	if (a->strange != b->strange || a->strange_may_go != b->strange_may_go)
		return "strange";
	if (a->drain_ns != b->drain_ns)
		return "drain_ns";
	if (a->flow_entries != b->flow_entries)
		return "flow_entries";
	return plan_same_problems(&a->problems, &b->problems) ? NULL : "problems";
}

static const char *ledger_difference(const struct plan_ledger *a, const struct plan_ledger *b)
{
	if (!SAME(a, b, drains, n_drains, same_drain))
		return "ledger.drains";
	if (!SAME(a, b, leaving, n_leaving, same_leaving))
		return "ledger.leaving";
	if (!SAME(a, b, waiting, n_waiting, same_waiting))
		return "ledger.waiting";
	if (a->router_id != b->router_id)
		return "ledger.router_id";
	if (!same_strings(&a->pools, &b->pools))
		return "ledger.pools";
	return SAME(a, b, good, n_good, same_good) ? NULL : "ledger.good";
}

const char *plan_difference(const struct plan_result *a, const struct plan_result *b)
{
	const char *ret = arrays_difference(a->plan, b->plan);

	if (!ret)
		ret = rest_difference(a->plan, b->plan);
	if (!ret)
		ret = ledger_difference(a->ledger, b->ledger);
	return ret || a->deadline == b->deadline ? ret : "deadline";
}

const char *plan_addresses_difference(const struct plan_addresses *a,
				      const struct plan_addresses *b)
{
	if (!SAME(a, b, items, n, same_address))
		return "addresses";
	return same_strings(&a->pools, &b->pools) ? NULL : "pools";
}
