// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The BFD session of a BGPPeer, from the BFDProfile that it names. One that is not there costs the
 * BGP session nothing: it runs on its hold timer, and the operator is told. Of several BGPPeers for
 * one router the one that owns the session has the say; what another asks for counts where it is
 * stricter, since whoever wrote it counts on it.
 */
#include "plan/plan_peers.h"

#define US_PER_MS 1000

static const struct api_bfd_profile *find_profile(const struct peers_build *b, const char *name)
{
	const struct object_list all =
		plan_objects(b->in->world, b->env->settings, API_BFD_PROFILE, b->arena, NULL);

	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i]->meta.name, name) == 0)
			return &all.items[i]->bfd;
	return NULL;
}

/*
 * As FRR judges it, whose sessions are to fit: an eBGP session over several hops, or an iBGP one to
 * a router that is on no link of ours.
 */
static bool is_multihop(const struct peers_build *b, const struct peer_candidate *c)
{
	const struct plan_peer *p = &c->peer;

	if (c->spec->ebgp_multihop || c->spec->ttl_security > 1)
		return true;
	return peer_is_internal(c->spec) && p->ifindex != 0 &&
	       !peer_is_shared(b->in->node, p->ifindex, &p->address);
}

static struct plan_bfd from_profile(const struct peers_build *b, const struct peer_candidate *c,
				    const struct api_bfd_profile *profile)
{
	return (struct plan_bfd){
		.is_wanted = true,
		.is_multihop = is_multihop(b, c),
		.is_passive = profile->passive_mode,
		.minimum_ttl = profile->minimum_ttl,
		.terms = {profile->transmit_ms * US_PER_MS, profile->receive_ms * US_PER_MS,
			  profile->detect_multiplier},
		.echo_us = profile->echo_mode && !is_multihop(b, c) ? profile->echo_ms * US_PER_MS
								    : 0};
}

#define BFD_AUTH   "metadata.annotations[lodestone.io/bfd-auth]"
#define BFD_STRICT "metadata.annotations[lodestone.io/bfd-strict]"

/*
 * The key of the session, none if none is asked for. False: it cannot be had, and a session that
 * anybody could forge is not what was asked for.
 */
static bool set_key(struct peers_build *b, const struct peer_candidate *c, struct plan_bfd *bfd)
{
	const struct api_bfd_auth *auth = &c->spec->bfd_auth;
	struct peer_secret s = {.name = auth->secret,
				.field = BFD_AUTH,
				.consequence = "the session runs without BFD"};
	size_t most;

	if (auth->type == BFD_AUTH_NONE)
		return true;
	if (!peer_secret_read(b, c, &s))
		return false;
	bfd->auth.type = (enum bfd_auth_type)auth->type;
	bfd->auth.id = auth->key_id;
	most = bfd_auth_key_max(bfd->auth.type);
	if (s.len == 0 || s.len > most) {
		peer_problem(b, SEVERITY_ERROR, c, BFD_AUTH, "InvalidPassword",
			     arena_printf(b->arena, "use a key of 1 to %zu bytes", most),
			     "the password of Secret %s has %zu bytes; %s", s.name, s.len,
			     s.consequence);
		return false;
	}
	bfd->auth.len = (uint8_t)s.len;
	memcpy(bfd->auth.key, s.key, s.len);
	return true;
}

static void no_effect(struct peers_build *b, const struct peer_candidate *c, const char *field)
{
	peer_problem(b, SEVERITY_WARNING, c, field, "NoEffect",
		     "set bfdProfile, or remove the annotation",
		     "does nothing: the BGPPeer names no BFDProfile");
}

static void profile_missing(struct peers_build *b, const struct peer_candidate *c, const char *name,
			    const char *consequence)
{
	peer_problem(b, SEVERITY_WARNING, c, "spec.bfdProfile", "BFDProfileMissing",
		     "create the BFDProfile, or correct the name", "there is no BFDProfile %s%s",
		     name, consequence);
}

void peer_bfd_check(struct peers_build *b, const struct peer_candidate *c)
{
	const char *name = plan_text(c->object->peer.bfd_profile);

	if (name[0] && !find_profile(b, name))
		profile_missing(b, c, name, "");
}

void peer_bfd_resolve(struct peers_build *b, struct peer_candidate *c)
{
	const char *name = plan_text(c->spec->bfd_profile);
	const struct api_bfd_profile *profile;
	struct plan_bfd bfd;

	if (name[0] == '\0') {
		if (c->spec->bfd_auth.type != BFD_AUTH_NONE)
			no_effect(b, c, BFD_AUTH);
		if (c->spec->bfd_strict)
			no_effect(b, c, BFD_STRICT);
		return;
	}
	profile = find_profile(b, name);
	if (!profile) {
		profile_missing(b, c, name, "; the session runs without BFD");
		return;
	}
	if (profile->echo_mode && is_multihop(b, c))
		peer_problem(b, SEVERITY_INFO, c, "spec.bfdProfile", "NoEffect",
			     "nothing to do: control packets detect by themselves",
			     "echoMode of BFDProfile %s: there is no echo over several hops (RFC "
			     "5883 4)",
			     name);
	bfd = from_profile(b, c, profile);
	if (!set_key(b, c, &bfd))
		return;
	/* By interface: once its router was heard; in a VRF: once that is there. */
	if (!ip_addr_is_none(&c->peer.address) && c->peer.table != 0 && !b->env->observes)
		c->peer.bfd = bfd;
}

static uint64_t detection_of(const struct plan_bfd *bfd)
{
	return bfd->is_wanted ? (uint64_t)bfd->terms.min_rx_us * bfd->terms.detect_mult
			      : UINT64_MAX;
}

static bool same_terms(const struct plan_bfd *a, const struct plan_bfd *b)
{
	return a->is_wanted == b->is_wanted && a->is_passive == b->is_passive &&
	       a->minimum_ttl == b->minimum_ttl && a->echo_us == b->echo_us &&
	       bfd_terms_same(&a->terms, &b->terms);
}

static struct peer_candidate *owner_of(struct peers_build *b, const struct peer_candidate *c)
{
	return &b->items[c->owner - b->items];
}

static void share_terms(struct peers_build *b, const struct peer_candidate *c,
			struct peer_candidate *owner)
{
	const struct bfd_auth_key auth = owner->peer.bfd.auth;
	const bool is_stricter = detection_of(&c->peer.bfd) < detection_of(&owner->peer.bfd);

	if (same_terms(&c->peer.bfd, &owner->peer.bfd))
		return;
	peer_problem(b, SEVERITY_WARNING, c, "spec.bfdProfile", "BFDProfileDiffers",
		     "name one BFDProfile in all BGPPeers of a router",
		     "BGPPeer %s asks for another BFD session with the router; that of %s is used, "
		     "which detects sooner",
		     owner->object->meta.name,
		     is_stricter ? c->object->meta.name : owner->object->meta.name);
	if (!is_stricter)
		return;
	owner->peer.bfd = c->peer.bfd;
	owner->peer.bfd.auth = auth;
}

/* One that signs is stricter than one that does not; of two keys the owner's counts. */
static void share_key(struct peers_build *b, const struct peer_candidate *c,
		      struct peer_candidate *owner)
{
	struct bfd_auth_key *auth = &owner->peer.bfd.auth;
	const bool is_stricter = auth->type == BFD_AUTH_NONE;

	if (bfd_auth_key_same(&c->peer.bfd.auth, auth))
		return;
	peer_problem(b, SEVERITY_WARNING, c, BFD_AUTH, "BFDAuthDiffers",
		     "write the same annotation in all BGPPeers of a router",
		     "BGPPeer %s signs its BFD otherwise; the key of %s is used",
		     owner->object->meta.name,
		     is_stricter ? c->object->meta.name : owner->object->meta.name);
	if (is_stricter)
		*auth = c->peer.bfd.auth;
}

/* Of an owner whose key cannot be had: then there is no session rather than one without a key. */
static bool is_kept_back(const struct peer_candidate *owner)
{
	return !owner->peer.bfd.is_wanted && owner->spec->bfd_auth.type != BFD_AUTH_NONE &&
	       plan_text(owner->spec->bfd_profile)[0] != '\0';
}

static void share(struct peers_build *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct peer_candidate *c = &b->items[i], *owner;

		if (!c->aliased || plan_text(c->spec->bfd_profile)[0] == '\0')
			continue;
		owner = owner_of(b, c);
		c->peer.address = owner->peer.address;
		c->peer.ifindex = owner->peer.ifindex;
		c->peer.table = owner->peer.table;
		peer_bfd_resolve(b, c);
		if (!c->peer.bfd.is_wanted || is_kept_back(owner))
			continue;
		share_terms(b, c, owner);
		share_key(b, c, owner);
		owner->waits_for_bfd |= c->spec->bfd_strict;
	}
}

/* One that has no BFD session after all does not wait for it. */
static void set_strict(struct peers_build *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct peer_candidate *c = &b->items[i];

		if (c->started)
			c->peer.bgp.bfd_strict =
				c->peer.bfd.is_wanted && (c->spec->bfd_strict || c->waits_for_bfd);
	}
}

void peer_bfd_share(struct peers_build *b)
{
	share(b);
	set_strict(b);
}
