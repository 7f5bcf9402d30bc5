// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * strict: true refuses what MetalLB refuses of a BGPPeer and this agent otherwise bears: numbers
 * without a unit as times, a BFDProfile that is not there, a second peer to one router, another own
 * AS or router id than older peers of this node have. It is an error of that peer alone, and its
 * last good version stays in force.
 */
#include "plan/plan_peers.h"

static const char *own_text(struct peers_build *b, const struct peer_candidate *c)
{
	return arena_printf(b->arena, "%s (strict)", peer_consequence(c));
}

static bool has_units(struct peers_build *b, const struct peer_candidate *c)
{
	const char *timer = c->spec->bare_timer;

	if (!timer)
		return true;
	peer_problem(
		b, SEVERITY_ERROR, c, timer, "BareNumber", "write it with its unit, as in \"90s\"",
		"is a number without a unit, which the API server refuses; %s", own_text(b, c));
	return false;
}

static bool has_profile(struct peers_build *b, const struct peer_candidate *c)
{
	const char *name = plan_text(c->spec->bfd_profile);
	const struct object_list all =
		plan_objects(b->in->world, b->env->settings, API_BFD_PROFILE, b->arena, NULL);

	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, name) == 0)
			return true;
	if (name[0] == '\0')
		return true;
	peer_problem(b, SEVERITY_ERROR, c, "spec.bfdProfile", "BFDProfileMissing",
		     "create the BFDProfile, or correct the name", "there is no BFDProfile %s; %s",
		     name, own_text(b, c));
	return false;
}

/* Of those before it, which are in force: the first that it contradicts. */
static const struct peer_candidate *contradicted(const struct peers_build *b,
						 const struct peer_candidate *c, bool *ret_asn)
{
	for (const struct peer_candidate *o = b->items; o < c; o++) {
		const bool same_vrf = strcmp(plan_text(o->spec->vrf), plan_text(c->spec->vrf)) == 0;

		if (!o->started)
			continue;
		*ret_asn = same_vrf && o->spec->my_asn != c->spec->my_asn;
		if (*ret_asn || o->spec->router_id != c->spec->router_id)
			return o;
	}
	return NULL;
}

static bool agrees(struct peers_build *b, const struct peer_candidate *c)
{
	bool asn = false;
	const struct peer_candidate *o = contradicted(b, c, &asn);

	if (!o)
		return true;
	peer_problem(b, SEVERITY_ERROR, c, asn ? "spec.myASN" : "spec.routerID", "PeersDiffer",
		     "give all peers of a node one value",
		     "differs from that of BGPPeer %s, which is in force here; %s",
		     o->object->meta.name, own_text(b, c));
	return false;
}

/* An alias of another peer's session: MetalLB takes one peer for an address in a VRF. */
static bool is_alone(struct peers_build *b, const struct peer_candidate *c)
{
	if (!c->owner)
		return true;
	peer_problem(b, SEVERITY_ERROR, c, "spec.peerAddress", "DuplicatePeer",
		     "keep one BGPPeer for each router and node",
		     "BGPPeer %s has the session with this router; %s", c->owner->object->meta.name,
		     own_text(b, c));
	return false;
}

bool peer_is_strict(struct peers_build *b, const struct peer_candidate *c)
{
	bool ok = has_units(b, c);

	ok = has_profile(b, c) && ok;
	ok = is_alone(b, c) && ok;
	return agrees(b, c) && ok;
}
