// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the files that plan the BGP sessions share: a BGPPeer that is for this node, on its way to a
 * session. plan_peers.c says which of them get one, plan_peer_session.c what it is like,
 * plan_peer_link.c between which addresses if the peer is known by its interface, plan_peer_vrf.c
 * in which VRF,
 * plan_peer_hops.c what its routes' next hops are, plan_peer_password.c what it is signed with.
 */
#pragma once

#include "plan/plan_good.h"

struct peer_candidate {
	const struct api_object *object; /* as it is now: its name and problems */
	const struct api_peer *spec;     /* the version in force: the object's, or the last good */
	struct plan_last last;
	bool is_last;                       /* ... which of them */
	const struct peer_candidate *owner; /* of the session, NULL: itself */
	uint64_t bit;                       /* of the session, once it is known */
	bool aliased, started, surplus;     /* surplus: there are too many sessions already */
	bool waits_for_bfd;                 /* one that stands for it asks for that */
	struct plan_peer peer;
};

struct peers_build {
	const struct plan_inputs *in;
	struct arena *arena;
	struct plan_env *env;
	struct peer_candidate *items; /* by rank, then oldest first */
	size_t n;
	struct plan_made_vrf *made_vrfs; /* that are to be made; no name twice */
	size_t n_made_vrfs, cap_made_vrfs;
};

#define peer_problem(b, severity, c, ...)                                                          \
	object_problem(&(b)->env->problems, severity, (c)->object, __VA_ARGS__)

/* What an error means for the session, to end a message with. */
static inline const char *peer_consequence(const struct peer_candidate *c)
{
	return c->last.good ? "its last good version stays in force" : "the session is not started";
}

static inline bool peer_is_internal(const struct api_peer *spec)
{
	if (spec->dynamic_asn != API_ASN_FIXED)
		return spec->dynamic_asn == API_ASN_INTERNAL;
	return spec->my_asn == spec->peer_asn;
}

/*
 * Ruling 4: the password that c->spec asks for, into c->peer; none is asked for: none. False: it
 * cannot be had, which is a problem of the peer.
 */
bool peer_password_resolve(struct peers_build *b, struct peer_candidate *c);

struct peer_secret {
	const char *name, *field; /* of the Secret, and of c->object, which names it */
	const char *consequence;  /* what a problem ends with */
	const uint8_t *key;       /* its key `password`, without a line end; of the world */
	size_t len;
};
/* Fills s->key and s->len. False: there is none, which is a problem of the peer. */
bool peer_secret_read(struct peers_build *b, const struct peer_candidate *c, struct peer_secret *s);

/* With strict: true: false, and a problem: MetalLB refuses it. */
bool peer_is_strict(struct peers_build *b, const struct peer_candidate *c);
/* False, and a problem: it asks for something that no session can be given yet. */
bool peer_session_is_supported(struct peers_build *b, const struct peer_candidate *c);
/* False, and a problem: an edit names an address that is not this node's, and the one before is. */
bool peer_session_has_source(struct peers_build *b, const struct peer_candidate *c);
/* False, and a problem: an edit names a VRF that is not there. */
bool peer_vrf_is_edited_well(struct peers_build *b, const struct peer_candidate *c);
/* The VRF, table and domain of c->peer; a problem where the VRF cannot be used. */
void peer_vrf_set(struct peers_build *b, struct peer_candidate *c);
/* The device is in the peer's VRF, as far as it names one that is there. */
bool peer_vrf_reaches(const struct peers_build *b, const struct peer_candidate *c, int ifindex);
/* The same of the peer's interface; else a problem. */
bool peer_vrf_has(struct peers_build *b, const struct peer_candidate *c,
		  const struct plan_link *link);
/* The ends of c->peer, which is known by its interface; a problem where they cannot be had. */
void peer_link_ends(struct peers_build *b, struct peer_candidate *c);
/* The first link-local IPv6 address of the device; none: it has none. */
struct ip_addr peer_link_local_of(const struct plan_node *node, int ifindex);
/* The families of c->peer and the next hops of their routes; a problem where there is none. */
void peer_session_hops(struct peers_build *b, struct peer_candidate *c);
/* Our end is on a link with that address, which is reached by the device. */
bool peer_is_shared(const struct plan_node *node, int ifindex, const struct ip_addr *peer);
/* Only tells, of a peer that is held back, what its session would lack besides. */
void peer_bfd_check(struct peers_build *b, const struct peer_candidate *c);
/* c->peer.bfd, from the profile that the peer names; a problem where there is none. */
void peer_bfd_resolve(struct peers_build *b, struct peer_candidate *c);
/* The sessions of owners, where those that stand for them ask for something else; and who waits. */
void peer_bfd_share(struct peers_build *b);
/* c->peer from c->spec, but for the password; router id 0: the node's own is to be put there. */
void peer_session_fill(struct peers_build *b, struct peer_candidate *c);
