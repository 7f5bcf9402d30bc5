// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A frame is told by its outer tag and by the device it comes in by, which is a port of the uplink
 * if that is a bond: native XDP runs there. So a VLAN has a row for each of them, and a bond in a
 * VRF has one for each port.
 *
 * Two things the programs cannot see, and each is a problem of its own: a tag that the driver has
 * taken out of the frame, and an inner tag that names another world than the outer one.
 */
#include "plan/plan_vlans.h"

#include "plan/plan_draft.h"
#include "plan/plan_links.h"

#include <assert.h>

struct vlans_build {
	struct plan_draft *d;
	const struct plan_node *node;
	struct plan_vlan *items;
	size_t n, cap;
};

static void add(struct vlans_build *b, int ifindex, uint16_t tag, uint16_t domain)
{
	struct plan_vlan *v = arena_push(b->d->arena, &b->items, &b->n, &b->cap, sizeof(*v));

	assert(ifindex > 0);
	*v = (struct plan_vlan){.ifindex = ifindex, .tag = tag, .domain = domain};
}

static int cmp_vlan(const void *a, const void *b)
{
	const struct plan_vlan *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
	return (x->tag > y->tag) - (x->tag < y->tag);
}

static bool is_port_of(const struct plan_link *link, const struct plan_link *bond)
{
	return bond->bond && link->master == bond->ifindex;
}

static void add_everywhere(struct vlans_build *b, const struct plan_link *uplink, uint16_t tag,
			   uint16_t domain)
{
	add(b, uplink->ifindex, tag, domain);
	for (size_t i = 0; i < b->node->n_links; i++)
		if (is_port_of(&b->node->links[i], uplink))
			add(b, b->node->links[i].ifindex, tag, domain);
}

/* Frames without a tag of their own world are the uplink's, by whichever port they come in. */
static void add_ports(struct vlans_build *b, const struct plan_link *uplink, uint16_t domain)
{
	for (size_t i = 0; i < b->node->n_links; i++)
		if (is_port_of(&b->node->links[i], uplink))
			add(b, b->node->links[i].ifindex, 0, domain);
}

/* VLANs within this one, of which frames have two tags. */
static void look_inside(struct plan_draft *d, const struct plan_link *outer, uint16_t domain)
{
	const struct plan_node *node = d->in->node;

	for (size_t i = 0; i < node->n_links; i++) {
		const struct plan_link *inner = &node->links[i];
		const struct object_ref ref = {.kind = "Interface", .name = inner->name};
		const struct problem_text text = {
			.reason = "VlanInVlan",
			.remedy =
				"put both into one VRF, or give the inner one an uplink of its own",
		};

		if (inner->tag && inner->lower == outer->ifindex &&
		    plan_link_domain(node, inner) != domain)
			problem_add(
				&d->plan->problems, SEVERITY_WARNING, &ref, &text,
				"it is in another VRF than %s, below it; of two tags XDP goes by "
				"the outer one",
				outer->name);
	}
}

static bool strips_tags(const struct plan_node *node, const struct plan_link *uplink)
{
	bool ret = uplink->strips_tags && !uplink->bond;

	for (size_t i = 0; i < node->n_links; i++)
		ret |= is_port_of(&node->links[i], uplink) && node->links[i].strips_tags;
	return ret;
}

static void say_stripped(struct plan_draft *d, const struct plan_link *uplink)
{
	const struct object_ref ref = {.kind = "Interface", .name = uplink->name};
	const struct problem_text text = {
		.reason = "VlanTagsStripped",
		.remedy = "ethtool -K DEVICE rx-vlan-offload off, on each port if it is a bond",
	};

	problem_add(&d->plan->problems, SEVERITY_WARNING, &ref, &text,
		    "VLANs on it are in VRFs, but its driver takes tags out of frames: XDP "
		    "serves them as if they had none");
}

void plan_draft_vlans(struct plan_draft *d, struct plan_device *p)
{
	struct vlans_build b = {.d = d, .node = d->in->node};
	const struct plan_link *uplink = plan_link_find(b.node, p->ifindex);
	bool has_worlds = false;

	assert(!p->vlans && p->n_vlans == 0);
	if (uplink && p->domain)
		add_ports(&b, uplink, p->domain);
	for (size_t i = 0; uplink && i < b.node->n_links; i++) {
		const struct plan_link *link = &b.node->links[i];
		const uint16_t domain = plan_link_domain(b.node, link);

		if (!link->tag || link->lower != p->ifindex)
			continue;
		look_inside(d, link, domain);
		if (domain == p->domain)
			continue;
		add_everywhere(&b, uplink, link->tag, domain);
		has_worlds = true;
	}
	if (b.n)
		qsort(b.items, b.n, sizeof(*b.items), cmp_vlan);
	if (has_worlds && strips_tags(b.node, uplink))
		say_stripped(d, uplink);
	p->vlans = b.items;
	p->n_vlans = b.n;
}

bool plan_vlans_equal(const struct plan_device *a, const struct plan_device *b)
{
	if (a->n_vlans != b->n_vlans)
		return false;
	for (size_t i = 0; i < a->n_vlans; i++)
		if (a->vlans[i].ifindex != b->vlans[i].ifindex ||
		    a->vlans[i].tag != b->vlans[i].tag || a->vlans[i].domain != b->vlans[i].domain)
			return false;
	return true;
}
