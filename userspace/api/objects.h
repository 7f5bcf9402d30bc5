// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The objects the agent reads, as typed structs: MetalLB's kinds, the Kubernetes kinds beside them
 * and LodestoneConfig (DESIGN 4, metallb.md 1). They are what the decoder makes and the planner
 * reads; only fields that mean something to us are here. An object owns one arena with everything
 * it points to but the name of its source, and never changes once made: a new version is a new
 * object.
 *
 * Absent: pointers NULL, counts 0, addresses all zero, numbers as said at the field.
 */
#pragma once

#include "api/objects_config.h"
#include "api/objects_frr.h"
#include "api/objects_kube.h"
#include "base/addr.h"
#include "base/arena.h"
#include "base/problem.h"
#include "base/selector.h"

#include <stdbool.h>
#include <stdint.h>

enum api_kind {
	API_BGP_ADVERTISEMENT,
	API_BGP_PEER,
	API_BFD_PROFILE,
	API_COMMUNITY,
	API_ENDPOINT_SLICE,
	API_ENDPOINTS, /* its name alone: that it is there, and not read, is worth saying */
	API_FRR_CONFIGURATION,
	API_IP_ADDRESS_POOL,
	API_LODESTONE_CONFIG,
	API_NAMESPACE,
	API_NODE,
	API_SECRET,
	API_SERVICE,
	API_N_KINDS,
};

/* "IPAddressPool" and so on. */
const char *api_kind_text(enum api_kind kind);

struct api_meta {
	enum api_kind kind;
	unsigned line;
	const char *ns, *name, *uid;
	struct labels labels, annotations;
	int64_t created_s; /* creationTimestamp, seconds since 1970; 0 = absent = oldest */
	const char *file;  /* borrowed from the source; NULL: from the API server */
};

/* --- metallb.io ------------------------------------------------------------------------------ */

struct api_pool {
	const struct ip_range *ranges; /* in list order, which is allocation order */
	size_t n_ranges;
	bool auto_assign; /* default true */
	bool avoid_buggy;
	bool has_service_allocation;
	uint8_t forwarding; /* enum api_forwarding: annotation lodestone.io/forwarding */
	int priority;       /* 0 = last */
	struct api_strings namespaces;
	struct selectors namespace_selectors, service_selectors;
};

enum api_dynamic_asn { API_ASN_FIXED, API_ASN_INTERNAL, API_ASN_EXTERNAL };

/* Authentication of BFD, by an annotation. */
struct api_bfd_auth {
	uint8_t type; /* as RFC 5880 4.1 numbers them; 0: none */
	uint8_t key_id;
	const char *secret; /* name; the key is its key `password` */
};

struct api_peer {
	uint32_t my_asn, peer_asn;
	enum api_dynamic_asn dynamic_asn;
	uint32_t local_asn; /* 0 = none */
	struct ip_addr address, source_address;
	const char *interface, *vrf;  /* NULL = none */
	uint16_t port;                /* default 179 */
	uint16_t hold_s, keepalive_s; /* derived and defaulted: 90/30 when neither is given */
	uint16_t connect_s;           /* 0 = our own backoff */
	const char *bare_timer;       /* field of one that has no unit (ruling 8), or NULL */
	uint32_t router_id;           /* host order; 0 = unset */
	struct selectors node_selectors;
	const char *password;        /* literal or the name of a Secret: ruling 4 */
	const char *password_secret; /* passwordSecret.name */
	const char *bfd_profile;
	bool graceful_restart, ebgp_multihop, dual_stack;
	bool has_role;   /* these by annotations */
	uint8_t role;    /* as RFC 9234 numbers them: what this node is towards the router */
	uint32_t llgr_s; /* 0 = none */
	bool listen;     /* the router may dial, too */
	bool rtbh;       /* it is told of blackholes */
	struct api_bfd_auth bfd_auth;
	bool bfd_strict;  /* BGP waits for BFD */
	bool has_pref_as; /* else the configuration's counts */
	enum api_pref_as pref_as;
	uint8_t ttl_security;  /* hops, at most (RFC 5082); 0 = any */
	uint32_t create_vrf;   /* the table of the VRF, which is made if it is not there; 0: no */
	uint32_t max_prefixes; /* accepted from it at the same time, by default: */
#define API_MAX_PREFIXES_DEFAULT 10000u
};

struct api_advertisement {
	uint8_t aggregation[IP_N_FAMILIES]; /* length of its prefixes; default 32, 128 */
	uint32_t local_pref, med;           /* 0 = unset; annotation lodestone.io/med */
	bool has_med;
	uint8_t as_path_prepend; /* 0 = none */
	/* Unresolved text; those of an annotation may be extended ones, too. */
	struct api_strings communities, more_communities;
	struct api_strings pools, peers;
	struct selectors pool_selectors, node_selectors, service_selectors;
};

struct api_alias {
	const char *name, *value;
};
struct api_community {
	const struct api_alias *items;
	size_t n;
};

struct api_bfd_profile {
	uint32_t receive_ms, transmit_ms, echo_ms;
	uint8_t detect_multiplier, minimum_ttl;
	bool echo_mode, passive_mode;
};

struct api_object {
	struct arena *arena; /* owns this struct and all it points to */
	struct api_meta meta;
	uint64_t hash;    /* of the content but file and line: equal objects have equal hashes */
	const char *text; /* one line of YAML that makes the object again, of Services and
			     EndpointSlices packed (api/text_pack.h); NULL: longer than can be read
			   */
	uint64_t text_hash;
	unsigned text_len;
	unsigned document; /* of its source's text, in which it stands (api/world_source.c) */
	bool is_stale;     /* of an earlier run, and not seen in its source since */
	union {            /* as much of it is there as the kind takes */
		struct api_pool pool;
		struct api_peer peer;
		struct api_advertisement advertisement;
		struct api_community community;
		struct api_bfd_profile bfd;
		struct api_service service;
		struct api_slice slice;
		struct api_node node;
		struct api_secret secret;
		struct api_config config;
		struct api_frr frr;
	};
};

/* Frees the object with its arena; api_object_free(NULL) does nothing and returns NULL. */
struct api_object *api_object_free(struct api_object *o);

/*
 * The one object of a document, such as api_object.text, decoded into the arena: it is given back
 * with that, not by api_object_free. NULL: no object without an error, or several.
 */
const struct api_object *api_decode_object(struct arena *arena, const char *text, size_t len);

/* The reference a problem about the object carries; borrows the object's strings. */
struct object_ref api_object_ref(const struct api_object *o);

/* Age order of DESIGN 4: creation time (absent first), kind, namespace, name. Oldest first. */
int api_object_age_cmp(const struct api_object *a, const struct api_object *b);

/* An annotation's value by its name under metallb.io/, with the legacy metallb.universe.tf/ prefix
 * as second choice; NULL if neither is there. */
const char *api_annotation(const struct api_meta *meta, const char *name);
/* The key that it stands under, or NULL. */
const char *api_annotation_key(const struct api_meta *meta, const char *name);
