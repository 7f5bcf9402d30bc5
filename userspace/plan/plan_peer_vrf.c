// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The VRF of a BGPPeer (spec.vrf): the device that its sockets are bound to, the table whose routes
 * lead to the router, and the domain that tells its VIPs from the same addresses elsewhere, which
 * is the table's number. A VRF that is not there, or cannot be used, costs no other peer anything:
 * the session waits for it, and no VIP is in its domain meanwhile.
 */
#include "plan/plan_kernel.h"
#include "plan/plan_links.h"
#include "plan/plan_peers.h"

static bool is_asked(const struct peer_candidate *c)
{
	return plan_text(c->spec->vrf)[0] != '\0';
}

/* The VRF itself, or NULL: it names none, or none that is there. */
static const struct plan_link *vrf_of(const struct peers_build *b, const struct peer_candidate *c)
{
	const struct plan_link *link =
		is_asked(c) ? plan_link_named(b->in->node, c->spec->vrf) : NULL;

	return link && link->table ? link : NULL;
}

static void missing(struct peers_build *b, const struct peer_candidate *c, const char *consequence)
{
	const char *name = c->spec->vrf;

	if (plan_link_named(b->in->node, name))
		peer_problem(b, SEVERITY_ERROR, c, "spec.vrf", "VrfMissing",
			     "correct the name, or give that interface another one",
			     "interface %s of this node is no VRF; %s", name, consequence);
	else
		peer_problem(b, SEVERITY_ERROR, c, "spec.vrf", "VrfMissing",
			     arena_printf(b->arena,
					  "ip link add %s type vrf table TABLE && ip link set %s "
					  "up, and ip link set DEVICE master %s for each uplink",
					  name, name, name),
			     "this node has no VRF %s; %s", name, consequence);
}

/* --- one that is to be made ------------------------------------------------------------------ */

#define CREATE_VRF "metadata.annotations[lodestone.io/create-vrf]"

static const struct plan_made_vrf *wished(const struct peers_build *b, const char *name)
{
	for (size_t i = 0; i < b->n_made_vrfs; i++)
		if (strcmp(b->made_vrfs[i].name, name) == 0)
			return &b->made_vrfs[i];
	return NULL;
}

/* Who has the table that the VRF is to be made with; NULL: nobody here does. */
static const char *whose_table(const struct peers_build *b, uint32_t table)
{
	const struct plan_node *node = b->in->node;

	if (table + 1 >= KERNEL_MAIN && table <= KERNEL_MAIN + 1) /* default, main, local */
		return "one of the kernel's own";
	if (kernel_is_our_table(table) || table == KERNEL_RECEIVED_TABLE)
		return "one in which this agent keeps routes";
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].table == table)
			return arena_printf(b->arena, "that of VRF %s", node->links[i].name);
	for (size_t i = 0; i < b->n_made_vrfs; i++)
		if (b->made_vrfs[i].table == table)
			return arena_printf(b->arena, "that of VRF %s, which BGPPeer %s asks for",
					    b->made_vrfs[i].name, b->made_vrfs[i].peer);
	return NULL;
}

/* That it has another table than this peer asks for, in whose words, is a problem. */
static void compare_table(struct peers_build *b, const struct peer_candidate *c, uint32_t table,
			  const char *whose)
{
	if (!c->spec->create_vrf || c->spec->create_vrf == table)
		return;
	peer_problem(
		b, SEVERITY_WARNING, c, CREATE_VRF, "VrfTableDiffers",
		arena_printf(b->arena,
			     "write %u; or ip link del %s, and it is made again with table %u, "
			     "without interfaces",
			     table, c->spec->vrf, c->spec->create_vrf),
		"table %u is asked for, and VRF %s has table %u%s; it is used as it is",
		c->spec->create_vrf, c->spec->vrf, table, whose);
}

/* True: it is to be made, by us; else a problem was said where that is asked for. */
static bool wish(struct peers_build *b, const struct peer_candidate *c)
{
	const struct plan_made_vrf *other = wished(b, c->spec->vrf);
	const char *whose;

	if (other) {
		compare_table(b, c, other->table,
			      arena_printf(b->arena, ", which BGPPeer %s asks for", other->peer));
		return true;
	}
	whose = whose_table(b, c->spec->create_vrf);
	if (whose) {
		peer_problem(b, SEVERITY_ERROR, c, CREATE_VRF, "VrfTableTaken",
			     "write the number of a table that is free",
			     "table %u is %s; VRF %s is not made with it", c->spec->create_vrf,
			     whose, c->spec->vrf);
		return false;
	}
	*(struct plan_made_vrf *)arena_push(b->arena, &b->made_vrfs, &b->n_made_vrfs,
					    &b->cap_made_vrfs, sizeof(*b->made_vrfs)) =
		(struct plan_made_vrf){.name = c->spec->vrf,
				       .table = c->spec->create_vrf,
				       .ns = plan_text(c->object->meta.ns),
				       .peer = c->object->meta.name};
	return true;
}

/* It is not there: is made if that is asked for, and else who made it would help. */
static void await(struct peers_build *b, const struct peer_candidate *c, const char *consequence)
{
	const bool is_name_free = !plan_link_named(b->in->node, c->spec->vrf);

	if (c->spec->create_vrf && is_name_free && wish(b, c))
		peer_problem(b, SEVERITY_INFO, c, "spec.vrf", "VrfMissing",
			     "wait: it is made; then ip link set DEVICE master VRF for each uplink",
			     "this node has no VRF %s yet; %s", c->spec->vrf, consequence);
	else
		missing(b, c, consequence);
}

/* Its number is the domain's, of 16 bits. */
static bool is_too_high(struct peers_build *b, const struct peer_candidate *c,
			const struct plan_link *vrf)
{
	if (vrf->table < PLAN_NO_DOMAIN)
		return false;
	peer_problem(b, SEVERITY_ERROR, c, "spec.vrf", "VrfTableTooHigh",
		     arena_printf(b->arena, "make VRF %s with a table below %u", vrf->name,
				  PLAN_NO_DOMAIN),
		     "VRF %s has table %u, and no VIP can be told apart by a number so high; the "
		     "session is not started",
		     vrf->name, vrf->table);
	return true;
}

static bool is_empty(const struct plan_node *node, const struct plan_link *vrf)
{
	for (size_t i = 0; i < node->n_links; i++)
		if (node->links[i].master == vrf->ifindex)
			return false;
	return true;
}

bool peer_vrf_is_edited_well(struct peers_build *b, const struct peer_candidate *c)
{
	if (!c->last.good || !is_asked(c) || vrf_of(b, c) ||
	    strcmp(c->spec->vrf, plan_text(c->last.object->peer.vrf)) == 0)
		return true;
	await(b, c, peer_consequence(c));
	return false;
}

void peer_vrf_set(struct peers_build *b, struct peer_candidate *c)
{
	const struct plan_link *vrf = vrf_of(b, c);

	c->peer.table = is_asked(c) ? 0 : KERNEL_MAIN;
	c->peer.domain = is_asked(c) ? PLAN_NO_DOMAIN : 0;
	if (!is_asked(c))
		return;
	if (!vrf) {
		await(b, c, "the session begins once it is there");
		return;
	}
	if (is_too_high(b, c, vrf))
		return;
	c->peer.vrf = vrf->ifindex;
	c->peer.table = vrf->table;
	c->peer.domain = (uint16_t)vrf->table;
	compare_table(b, c, vrf->table, "");
	if (is_empty(b->in->node, vrf))
		peer_problem(b, SEVERITY_WARNING, c, "spec.vrf", "VrfEmpty",
			     arena_printf(b->arena, "ip link set DEVICE master %s for each uplink",
					  vrf->name),
			     "no interface is in VRF %s: no router is reached in it", vrf->name);
	if (!vrf->up)
		peer_problem(b, SEVERITY_ERROR, c, "spec.vrf", "VrfDown",
			     arena_printf(b->arena, "ip link set %s up", vrf->name),
			     "VRF %s is down: nothing is received in it", vrf->name);
}

bool peer_vrf_reaches(const struct peers_build *b, const struct peer_candidate *c, int ifindex)
{
	const struct plan_link *vrf = vrf_of(b, c);

	return !vrf || plan_link_vrf(b->in->node, plan_link_find(b->in->node, ifindex)) == vrf;
}

bool peer_vrf_has(struct peers_build *b, const struct peer_candidate *c,
		  const struct plan_link *link)
{
	if (!is_asked(c))
		return true;
	if (c->peer.vrf && peer_vrf_reaches(b, c, link->ifindex))
		return true;
	if (c->peer.vrf)
		peer_problem(b, SEVERITY_ERROR, c, "spec.interface", "InterfaceNotInVrf",
			     arena_printf(b->arena, "ip link set %s master %s", link->name,
					  c->spec->vrf),
			     "interface %s is not in VRF %s; the session begins once it is",
			     link->name, c->spec->vrf);
	return false;
}
