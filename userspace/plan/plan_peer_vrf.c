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

bool peer_vrf_is_edited_well(struct peers_build *b, const struct peer_candidate *c)
{
	if (!c->last.good || !is_asked(c) || vrf_of(b, c) ||
	    strcmp(c->spec->vrf, plan_text(c->last.object->peer.vrf)) == 0)
		return true;
	missing(b, c, peer_consequence(c));
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
		missing(b, c, "the session begins once it is there");
		return;
	}
	if (is_too_high(b, c, vrf))
		return;
	c->peer.vrf = vrf->ifindex;
	c->peer.table = vrf->table;
	c->peer.domain = (uint16_t)vrf->table;
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
