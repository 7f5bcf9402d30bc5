// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which devices get which programs (DESIGN 7.1): XDP and tc on the uplinks, tc on the devices by
 * which a reply can leave as well. Uplinks are those that LodestoneConfig names, else the devices
 * of the routes to the peers; never the loopback. A peer whose route is missing says nothing about
 * its uplink, and a name that no interface has may be a typing error: as long as there is one,
 * devices that are attached stay so, because detaching cuts traffic. So they do before the first
 * complete picture (gate complete), and with `mode: off` as long as something is programmed or a
 * router may still send.
 *
 * The device with the address that others tunnel to has both as well (plan_remote.c).
 *
 * Also here: whether the data plane can deliver, which gate 1 asks, and the problems of devices.
 */
#include "base/limits.h"
#include "plan/plan_draft.h"
#include "plan/plan_links.h"
#include "plan/plan_sort.h"
#include "plan/plan_vlans.h"

#include <assert.h>
#include <inttypes.h>

struct devices_build {
	struct plan_draft *d;
	struct plan_device *items;
	size_t n, cap;
};

static struct plan_device *put_device(struct devices_build *b, int ifindex, const char *name)
{
	const struct plan_node *node = b->d->in->node;
	const struct plan_link *vrf;
	struct plan_device *p = NULL;

	assert(ifindex > 0 && name);
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].ifindex == ifindex)
			p = &b->items[i];
	if (!p)
		p = arena_push(b->d->arena, &b->items, &b->n, &b->cap, sizeof(*p));
	p->ifindex = ifindex;
	p->name = name;
	p->domain = plan_link_domain(node, plan_link_find(node, ifindex));
	vrf = plan_link_vrf(node, plan_link_find(node, ifindex));
	p->vrf = vrf ? vrf->ifindex : 0;
	p->allow_generic |= b->d->env.config.mode == API_MODE_GENERIC;
	return p;
}

static void add_device(struct devices_build *b, int ifindex, bool xdp)
{
	const struct plan_link *link = plan_link_find(b->d->in->node, ifindex);
	struct plan_device *p;

	if (!link || strcmp(link->name, "lo") == 0 || link->raw)
		return;
	p = put_device(b, ifindex, link->name);
	p->xdp |= xdp;
	p->tc = true;
}

/* As it is, whatever the settings are now: in generic mode, too, or with one program only. */
static void keep_attached(struct devices_build *b)
{
	const struct plan_actual *actual = b->d->in->actual;

	for (size_t i = 0; i < actual->n_devices; i++) {
		const struct plan_actual_device *a = &actual->devices[i];
		struct plan_device *p;

		if (!a->xdp && !a->tc && !a->nat)
			continue;
		p = put_device(b, a->ifindex, a->name);
		p->xdp |= a->xdp;
		p->tc |= a->tc;
		p->nat |= a->nat;
		p->allow_generic |= a->generic;
	}
}

/* --- what cannot be served ------------------------------------------------------------------- */

/* "eth0, eth1": what a bridge consists of. */
static const char *ports_of(const struct plan_draft *d, const struct plan_link *bridge)
{
	const struct plan_node *node = d->in->node;
	const char *ret = "";

	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].master == bridge->ifindex)
			ret = arena_printf(d->arena, "%s%s%s", ret, ret[0] ? ", " : "",
					   node->links[i].name);
	return ret[0] ? ret : "none so far";
}

static void say_unservable(struct plan_draft *d, const struct plan_link *link)
{
	const struct object_ref ref = {.kind = "Interface", .name = link->name};
	const struct problem_text raw = {
		.reason = "UplinkWithoutEthernet",
		.remedy = "name the interface by which packets come in spec.dataplane.uplinks, or "
			  "set spec.dataplane.mode: off (BGP only; the kernel or the CNI forwards)",
	};
	const struct problem_text bridge = {
		.reason = "UplinkIsBridge",
		.remedy = arena_printf(d->arena,
				       "name the port that leads to the router in "
				       "spec.dataplane.uplinks (ports: %s), or set "
				       "spec.dataplane.mode: generic (slower)",
				       ports_of(d, link)),
	};

	if (link->raw)
		problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &raw,
			    "its packets have no Ethernet header, and XDP serves none without: "
			    "what it would attract is not announced");
	else
		problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &bridge,
			    "it is a bridge, which has no native XDP: what it would attract is not "
			    "announced");
}

/* The default route leads by it: nothing turns answers that do as well. */
static void say_raw_way(struct plan_draft *d, int ifindex)
{
	const struct plan_link *link = plan_link_find(d->in->node, ifindex);
	const struct object_ref ref = {.kind = "Interface", .name = link ? link->name : NULL};
	const struct problem_text text = {
		.reason = "DefaultRouteWithoutEthernet",
		.remedy = "let answers leave by the interface that requests come in by",
	};

	if (link && link->raw && d->env.n_peers)
		problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &text,
			    "a default route leads by it, and its packets have no Ethernet header: "
			    "answers that leave by it keep the address of the pod");
}

static bool is_named(const struct plan_draft *d, const struct plan_link *link)
{
	const struct api_strings *names = &d->env.config.uplinks;

	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], link->name) == 0)
			return true;
	return false;
}

static bool has_named_uplinks(const struct plan_draft *d)
{
	return d->env.config.set & API_CONFIG_UPLINKS && d->env.config.uplinks.n;
}

/* --- uplinks --------------------------------------------------------------------------------- */

/* False: some interface is missing, which may be a slip of the pen. */
static bool named_uplinks(struct devices_build *b)
{
	const struct api_strings *names = &b->d->env.config.uplinks;
	bool complete = true;

	for (size_t i = 0; i < names->n; i++) {
		const struct plan_link *link = plan_link_named(b->d->in->node, names->items[i]);

		if (link && plan_draft_is_servable(b->d, link))
			add_device(b, link->ifindex, true);
		else if (link)
			say_unservable(b->d, link);
		else
			object_problem(&b->d->plan->problems, SEVERITY_ERROR,
				       b->d->env.config_object, "spec.dataplane.uplinks",
				       "UplinkMissing", "correct the name, or create the interface",
				       "this node has no interface %s; what is attached stays so",
				       names->items[i]);
		complete &= link != NULL;
	}
	return complete;
}

/* The device whose frames are those of the way to the peer. */
static const struct plan_link *carrier_of(const struct plan_draft *d, const struct plan_peer *p)
{
	return plan_link_carrier(d->in->node, p->ifindex);
}

/* Told once for all peers behind it. */
static void say_unservable_once(struct plan_draft *d, size_t peer)
{
	const struct plan_link *carrier = carrier_of(d, &d->env.peers[peer]);

	for (size_t i = 0; i < peer; i++)
		if (carrier_of(d, &d->env.peers[i]) == carrier)
			return;
	say_unservable(d, carrier);
}

/*
 * False: the route to some peer is not known. A VLAN has no native XDP, and needs none: its frames
 * come in by the device below.
 */
static bool default_uplinks(struct devices_build *b)
{
	bool complete = true;

	for (size_t i = 0; i < b->d->env.n_peers; i++) {
		const int ifindex = b->d->env.peers[i].ifindex;
		const struct plan_link *carrier = carrier_of(b->d, &b->d->env.peers[i]);

		complete &= ifindex != 0;
		if (!carrier)
			continue;
		add_device(b, ifindex, false);
		if (plan_draft_is_servable(b->d, carrier))
			add_device(b, carrier->ifindex, true);
		else
			say_unservable_once(b->d, i);
	}
	return complete;
}

/* By what is there already it is an uplink. */
static void add_tunnel_device(struct devices_build *b, int ifindex)
{
	const struct plan_link *carrier = plan_link_carrier(b->d->in->node, ifindex);
	const struct plan_device *known = NULL;

	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].ifindex == carrier->ifindex && b->items[i].xdp)
			known = &b->items[i];
	add_device(b, ifindex, false);
	if (known)
		return;
	add_device(b, carrier->ifindex, true);
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].ifindex == carrier->ifindex)
			b->items[i].tunnels = true;
}

static void tunnel_devices(struct devices_build *b)
{
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		const int ifindex = plan_draft_tunnel_device(b->d, f);

		if (ifindex)
			add_tunnel_device(b, ifindex);
	}
}

static int cmp_device(const void *a, const void *b)
{
	const struct plan_device *x = a, *y = b;

	return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static const struct plan_actual_device *actual_device(const struct plan_draft *d, int ifindex)
{
	for (size_t i = 0; i < d->in->actual->n_devices; i++)
		if (d->in->actual->devices[i].ifindex == ifindex)
			return &d->in->actual->devices[i];
	return NULL;
}

static void device_failure(struct plan_draft *d, const struct plan_device *p,
			   const struct plan_actual_device *a)
{
	const struct object_ref ref = {.kind = "Interface", .name = p->name};
	const struct problem_text text = {
		.reason = a->failure_reason ? a->failure_reason : "AttachFailed",
		.remedy = a->remedy,
	};

	problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &text, "%s", a->failure);
}

/*
 * A device that is still to be attached (unknown to the sink) keeps routes from being announced,
 * but withdraws none. One that is known and not attached, or failed, lets traffic by.
 */
static enum vip_gate device_gate(const struct plan_draft *d, const struct plan_device *p)
{
	const struct plan_actual_device *a = actual_device(d, p->ifindex);

	if (!a)
		return GATE_STALE;
	return a->xdp && a->tc && !a->failure ? GATE_OPEN : GATE_CLOSED;
}

/* The worst of all uplinks: for a peer of which it is not known by which its traffic arrives. */
static enum vip_gate worst_gate(const struct plan_draft *d)
{
	enum vip_gate worst = GATE_OPEN;
	size_t n = 0;

	_Static_assert(GATE_CLOSED < GATE_STALE && GATE_STALE < GATE_OPEN,
		       "the worst is the least");

	for (size_t i = 0; i < d->plan->n_devices; i++) {
		const struct plan_device *p = &d->plan->devices[i];

		if (!p->xdp || p->tunnels)
			continue;
		n++;
		worst = device_gate(d, p) < worst ? device_gate(d, p) : worst;
	}
	return n ? worst : GATE_CLOSED;
}

static const struct plan_device *find_uplink(const struct plan_draft *d, int ifindex)
{
	for (size_t i = 0; i < d->plan->n_devices; i++)
		if (d->plan->devices[i].xdp && !d->plan->devices[i].tunnels &&
		    d->plan->devices[i].ifindex == ifindex)
			return &d->plan->devices[i];
	return NULL;
}

/*
 * Traffic that a peer attracts arrives by the device of the route to it, or what is below that, if
 * it is an uplink.
 */
static enum vip_gate peer_gate(const struct plan_draft *d, const struct plan_peer *peer)
{
	const struct plan_link *carrier = carrier_of(d, peer);
	const struct plan_device *uplink = find_uplink(d, peer->ifindex);

	if (!uplink && carrier)
		uplink = find_uplink(d, carrier->ifindex);
	if (!uplink && carrier && !plan_draft_is_servable(d, carrier) &&
	    (!has_named_uplinks(d) || is_named(d, carrier)))
		return GATE_CLOSED;
	return uplink ? device_gate(d, uplink) : worst_gate(d);
}

/* Gate 1, for the devices: so an uplink that fails costs the peers behind it and no others. */
static void judge(struct plan_draft *d)
{
	for (size_t i = 0; i < d->plan->n_devices; i++) {
		const struct plan_actual_device *a = actual_device(d, d->plan->devices[i].ifindex);

		if (a && a->failure)
			device_failure(d, &d->plan->devices[i], a);
	}
	assert(d->env.n_peers <= LIMIT_PEERS); /* a bit for each */
	d->peers_open = d->peers_stale = 0;
	for (size_t i = 0; i < d->env.n_peers && !d->in->actual->dataplane_failure; i++) {
		const enum vip_gate gate = peer_gate(d, &d->env.peers[i]);

		d->peers_open |= (uint64_t)(gate == GATE_OPEN) << i;
		d->peers_stale |= (uint64_t)(gate == GATE_STALE) << i;
	}
}

static void dataplane_problems(struct plan_draft *d, size_t n_devices)
{
	const struct object_ref ref = {.kind = "DataPlane", .name = d->in->settings->node_name};
	const struct problem_text failed = {
		.reason = "DataPlaneFailed",
		.remedy = "repair what was refused, or set spec.dataplane.mode: off",
	};
	const struct problem_text without = {
		.reason = "NoUplink",
		.remedy =
			"name spec.dataplane.uplinks in LodestoneConfig, or add a route to the peers",
	};

	if (d->in->actual->dataplane_failure)
		problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &failed, "%s",
			    d->in->actual->dataplane_failure);
	else if (n_devices == 0 && d->env.n_peers)
		problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &without,
			    "no interface to attach to: nothing is announced");
}

/* In a VRF without a peer: no Service has an address there. */
static void say_in_vrf(struct plan_draft *d, const struct plan_device *p)
{
	const struct plan_link *vrf =
		plan_link_vrf(d->in->node, plan_link_find(d->in->node, p->ifindex));
	const struct object_ref ref = {.kind = "Interface", .name = p->name};
	const struct problem_text text = {
		.reason = "UplinkInVrf",
		.remedy = "write its name into spec.vrf of a BGPPeer, or name an uplink that is in "
			  "no VRF",
	};

	problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &text,
		    "it is in VRF %s, in which no BGPPeer of this node is and so no Service has an "
		    "address: what comes in by it is the kernel's",
		    vrf->name);
}

static bool is_default_device(const struct plan_node *node, int ifindex)
{
	for (size_t i = 0; i < node->n_default_devices; i++)
		if (node->default_devices[i] == ifindex)
			return true;
	return false;
}

/*
 * The kernel drops what comes from a client to whom the device's table has another way, or none. In
 * a VRF it is the VRF's setting that counts, by whichever of its devices a packet came.
 */
static void say_strict(struct plan_draft *d, const struct plan_link *uplink)
{
	const struct plan_link *vrf = plan_link_vrf(d->in->node, uplink);
	const struct plan_link *link = vrf ? vrf : uplink;
	const struct object_ref ref = {.kind = "Interface", .name = link->name};
	const struct problem_text text = {
		.reason = "StrictReversePath",
		.remedy = arena_printf(d->arena, "sysctl -w net.ipv4.conf.%s.rp_filter=2",
				       link->name),
	};

	if (link->strict_source && !is_default_device(d->in->node, uplink->ifindex))
		problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &text,
			    "rp_filter is strict, and the default route does not lead by %s: the "
			    "kernel drops what comes from clients to whom it has another way",
			    uplink->name);
}

/* Once for each device that peers are reached by. */
static void strict_problems(struct plan_draft *d)
{
	for (size_t i = 0; i < d->env.n_peers; i++) {
		const int ifindex = d->env.peers[i].ifindex;
		const struct plan_link *link = plan_link_find(d->in->node, ifindex);
		bool is_said = false;

		for (size_t k = 0; k < i; k++)
			is_said |= d->env.peers[k].ifindex == ifindex;
		if (link && !is_said)
			say_strict(d, link);
	}
}

/* The tables hold connections, so they keep the size that they were made with. */
static void size_problem(struct plan_draft *d)
{
	const uint32_t have = d->in->actual->flow_entries, want = d->env.config.flow_entries;

	if (!d->env.flow_entries_object || have == 0 || have == want)
		return;
	object_problem(&d->plan->problems, SEVERITY_WARNING, d->env.flow_entries_object,
		       "spec.dataplane.flowEntries", "FlowEntriesNotApplied",
		       "it applies from the next boot of the node on; or sooner: set "
		       "spec.dataplane.mode to off until the data plane was left, and back",
		       "%u flows are asked for; the tables in use were made for %u, and are kept",
		       want, have);
}

static void leaving_problem(struct plan_draft *d)
{
	const char *why = d->env.drained    ? "the node is drained"
			  : d->env.observes ? "the node only looks on"
					    : "mode is off";
	const struct plan_actual *actual = d->in->actual;
	const struct object_ref ref = {.kind = "DataPlane", .name = d->in->settings->node_name};
	const struct problem_text failed = {
		.reason = "DataPlaneFailed",
		.remedy = "give the agent what was refused, or run lodestoned --cleanup, which "
			  "cuts the connections that are left",
	};
	const struct problem_text strange = {
		.reason = "DataPlaneLeaving",
		.remedy = "wait: then it is replaced and the routes announced again",
	};
	const struct problem_text leaving = {
		.reason = "DataPlaneLeaving",
		.remedy =
			d->env.drained
				? "wait: then the programs are detached"
				: "wait: then the programs are detached and the routes announced again",
	};

	if (d->plan->strange)
		problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &strange,
			    "what is pinned is of version %u of the maps and goes on forwarding; "
			    "routes are withdrawn, and the connections that it serves have %" PRIu64
			    " s to end",
			    actual->strange_abi, d->env.drain_ns / NSEC_PER_SEC);
	else if (actual->dataplane_failure)
		problem_add(&d->plan->problems, SEVERITY_ERROR, &ref, &failed,
			    "%s, but programs of a former run are there and cannot be "
			    "taken over, so nothing is announced: %s",
			    why, actual->dataplane_failure);
	else
		problem_add(&d->plan->problems, SEVERITY_INFO, &ref, &leaving,
			    "%s: routes are withdrawn, and the connections that XDP "
			    "serves have %" PRIu64 " s to end",
			    why, d->env.drain_ns / NSEC_PER_SEC);
}

/* Something of ours is in the kernel that is to go. */
static void leave_devices(struct plan_draft *d, struct devices_build *b)
{
	if (d->in->actual->n_frontends || !d->in->synced || plan_draft_stale_until(d))
		keep_attached(b);
	leaving_problem(d);
}

static void want_devices(struct plan_draft *d, struct devices_build *b)
{
	const struct plan_node *node = d->in->node;
	bool complete = true;

	if (has_named_uplinks(d))
		complete = named_uplinks(b);
	else
		complete = default_uplinks(b);
	for (size_t i = 0; i < node->n_default_devices; i++) {
		add_device(b, node->default_devices[i], false);
		say_raw_way(d, node->default_devices[i]);
	}
	tunnel_devices(b);
	if (!complete || !d->in->synced)
		keep_attached(b);
	dataplane_problems(d, b->n);
	strict_problems(d);
	size_problem(d);
}

void plan_draft_devices(struct plan_draft *d)
{
	struct devices_build b = {.d = d};

	d->plan->strange = d->in->actual->strange_abi != 0;
	d->plan->dataplane = d->env.dataplane && !d->plan->strange;
	d->plan->leaving = !d->plan->dataplane && d->in->actual->pinned;
	d->plan->leaves = d->env.leaves;
	d->plan->drained = d->env.drained;
	d->plan->drained_by_node = d->env.drained_by_node;
	d->plan->observes = d->env.observes;
	d->plan->stands_back = d->env.stands_back;
	d->plan->flow_entries = d->env.config.flow_entries;
	d->plan->drain_ns = d->env.drain_ns;
	d->peers_open = UINT64_MAX;
	if (d->plan->leaving)
		leave_devices(d, &b);
	else if (d->plan->dataplane)
		want_devices(d, &b);
	for (size_t i = 0; i < b.n; i++)
		if (b.items[i].xdp && b.items[i].domain &&
		    !plan_env_peers_in(&d->env, b.items[i].domain))
			say_in_vrf(d, &b.items[i]);
	if (b.n)
		qsort(b.items, b.n, sizeof(*b.items), cmp_device);
	for (size_t i = 0; i < b.n; i++)
		if (b.items[i].xdp)
			plan_draft_vlans(d, &b.items[i]);
	d->plan->devices = b.items;
	d->plan->n_devices = b.n;
	if (d->plan->dataplane)
		judge(d);
	assert((d->peers_open & d->peers_stale) == 0);
}
