// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is asked of the API server: each kind with the place where it is served, and what of an
 * object somebody reads. Everything else is dropped before it is kept or sent on: what changes
 * there (a heartbeat, managedFields) costs nobody anything.
 */
#pragma once

#include <stdbool.h>

/*
 * In the order in which the agent is told of them: endpoints last, for they need all others. Behind
 * them are those that are written and read back, of which it is told nothing.
 */
enum kube_kind {
	KUBE_NODE,
	KUBE_NAMESPACE,
	KUBE_CONFIG,
	KUBE_POOL,
	KUBE_COMMUNITY,
	KUBE_BFD_PROFILE,
	KUBE_SECRET,
	KUBE_PEER,
	KUBE_FRR,
	KUBE_ADVERTISEMENT,
	KUBE_L2_ADVERTISEMENT,
	KUBE_SERVICE,
	KUBE_SLICE,
	KUBE_N_TOLD,
	KUBE_SERVICE_STATUS = KUBE_N_TOLD,
	KUBE_CONFIGURATION,
	KUBE_SESSION,
	KUBE_N_KINDS,
};

struct kube_resource {
	const char *kind, *plural;
	const char *group_version; /* "v1", "metallb.io/v1beta2" */
	bool is_ours_only;  /* asked for in our own namespace, which takes a Role and no more */
	bool is_custom;     /* of a CRD, which may not be there */
	bool is_many;       /* there may be thousands: its pictures are lists, each in one answer */
	bool is_own;        /* written by this node, and asked for only as far as it was */
	bool keeps_status;  /* for whoever writes it, apart from what the agent is told */
	const char *select; /* of the query, as it is sent; NULL: all of them */
	/*
	 * What is kept beside the metadata, as paths with dots in which lists are transparent; NULL
	 * at the end. A path keeps all below it.
	 */
	const char *const *keep;
	const char *const *label_prefixes; /* only labels of these are kept; NULL: all */
};

const struct kube_resource *kube_resource(enum kube_kind kind);

/* The label of what a node has written, and its value: the node's name, or a number for it where it
 * is too long for a label. */
#define KUBE_NODE_LABEL  "lodestone.io/node"
#define KUBE_LABEL_BYTES 63
const char *kube_node_label(const char *node, char ret[KUBE_LABEL_BYTES + 1]);

/* The same for all kinds: of the metadata, and which annotations by their prefixes. */
extern const char *const kube_keep_metadata[];
extern const char *const kube_keep_own_metadata[]; /* of those that are written */
extern const char *const kube_keep_annotations[];
