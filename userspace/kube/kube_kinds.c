// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table of kube/kube_kinds.h. BGPPeer is asked for as v1beta2, in which it is stored: the older
 * version goes through MetalLB's conversion webhook, which need not be there. Services and slices
 * that are for others to serve (headless ones, KEP-2447) are left out by the server.
 */
#include "kube/kube_kinds.h"

#include "base/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* !service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name */
#define SERVED                                                                                     \
	"labelSelector=%21service.kubernetes.io%2Fheadless%2C"                                     \
	"%21service.kubernetes.io%2Fservice-proxy-name"
/*
 * Of what may hold a password: what never does, and may be large, is left out by the server. Not
 * only basic-auth, for users have Opaque ones, too; of any only the password is kept.
 */
#define PASSWORDS                                                                                  \
	"fieldSelector=type%21%3Dhelm.sh%2Frelease.v1%2Ctype%21%3Dkubernetes.io%2Ftls%2C"          \
	"type%21%3Dkubernetes.io%2Fservice-account-token%2C"                                       \
	"type%21%3Dkubernetes.io%2Fdockerconfigjson"

const char *const kube_keep_metadata[] = {"metadata.name",
					  "metadata.namespace",
					  "metadata.uid",
					  "metadata.creationTimestamp",
					  "metadata.labels",
					  "metadata.annotations",
					  NULL};
const char *const kube_keep_own_metadata[] = {"metadata.name", "metadata.namespace",
					      "metadata.labels", "metadata.ownerReferences.uid",
					      NULL};
const char *const kube_keep_annotations[] = {
	"metallb.io/", "metallb.universe.tf/", "lodestone.io/",
	"service.beta.kubernetes.io/load-balancer-source-ranges", NULL};

static const char *const keep_none[] = {NULL};
static const char *const keep_spec[] = {"spec", NULL};
static const char *const keep_node[] = {
	"spec.podCIDRs",          "spec.taints.key",          "status.addresses",
	"status.conditions.type", "status.conditions.status", NULL};
static const char *const keep_secret[] = {"type", "data.password", NULL};
static const char *const keep_service[] = {"spec.type",
					   "spec.selector",
					   "spec.clusterIP",
					   "spec.clusterIPs",
					   "spec.ipFamilies",
					   "spec.ipFamilyPolicy",
					   "spec.ports",
					   "spec.loadBalancerClass",
					   "spec.loadBalancerIP",
					   "spec.loadBalancerSourceRanges",
					   "spec.externalTrafficPolicy",
					   "spec.healthCheckNodePort",
					   "spec.sessionAffinity",
					   "spec.sessionAffinityConfig",
					   "status.loadBalancer",
					   NULL};
static const char *const keep_slice[] = {"addressType",
					 "ports",
					 "endpoints.addresses",
					 "endpoints.conditions",
					 "endpoints.nodeName",
					 "endpoints.hints",
					 NULL};

static const char *const keep_slice_labels[] = {"kubernetes.io/", NULL};

#define METALLB(k, p, version)                                                                     \
	{                                                                                          \
		.kind = (k), .plural = (p), .group_version = "metallb.io/" version,                \
		.is_ours_only = true, .is_custom = true, .keep = keep_spec, .keeps_status = true   \
	}
#define OWN(k, p, version)                                                                         \
	{                                                                                          \
		.kind = (k), .plural = (p), .group_version = version, .is_ours_only = true,        \
		.is_custom = true, .keep = keep_none, .keeps_status = true, .is_own = true         \
	}

static const struct kube_resource resources[] = {
	[KUBE_NODE] = {.kind = "Node", .plural = "nodes", .group_version = "v1", .keep = keep_node},
	[KUBE_NAMESPACE] = {.kind = "Namespace",
			    .plural = "namespaces",
			    .group_version = "v1",
			    .keep = keep_none},
	[KUBE_CONFIG] = {.kind = "LodestoneConfig",
			 .plural = "lodestoneconfigs",
			 .group_version = "lodestone.io/v1alpha1",
			 .is_ours_only = true,
			 .is_custom = true,
			 .keep = keep_spec},
	[KUBE_POOL] = METALLB("IPAddressPool", "ipaddresspools", "v1beta1"),
	[KUBE_COMMUNITY] = METALLB("Community", "communities", "v1beta1"),
	[KUBE_BFD_PROFILE] = METALLB("BFDProfile", "bfdprofiles", "v1beta1"),
	[KUBE_SECRET] = {.kind = "Secret",
			 .plural = "secrets",
			 .group_version = "v1",
			 .is_ours_only = true,
			 .select = PASSWORDS,
			 .keep = keep_secret},
	[KUBE_PEER] = METALLB("BGPPeer", "bgppeers", "v1beta2"),
	[KUBE_FRR] = {.kind = "FRRConfiguration",
		      .plural = "frrconfigurations",
		      .group_version = "frrk8s.metallb.io/v1beta1",
		      .is_ours_only = true,
		      .is_custom = true,
		      .keep = keep_spec},
	[KUBE_ADVERTISEMENT] = METALLB("BGPAdvertisement", "bgpadvertisements", "v1beta1"),
	[KUBE_L2_ADVERTISEMENT] = METALLB("L2Advertisement", "l2advertisements", "v1beta1"),
	[KUBE_SERVICE] = {.kind = "Service",
			  .plural = "services",
			  .group_version = "v1",
			  .is_many = true,
			  .select = SERVED,
			  .keep = keep_service},
	[KUBE_SLICE] = {.kind = "EndpointSlice",
			.plural = "endpointslices",
			.group_version = "discovery.k8s.io/v1",
			.is_many = true,
			.select = SERVED,
			.keep = keep_slice,
			.label_prefixes = keep_slice_labels},
	[KUBE_SERVICE_STATUS] = OWN("ServiceBGPStatus", "servicebgpstatuses", "metallb.io/v1beta1"),
	[KUBE_CONFIGURATION] =
		OWN("ConfigurationState", "configurationstates", "metallb.io/v1beta1"),
	[KUBE_SESSION] = OWN("BGPSessionState", "bgpsessionstates", "lodestone.io/v1alpha1"),
};
_Static_assert(sizeof(resources) / sizeof(resources[0]) == KUBE_N_KINDS, "a row for each kind");

const struct kube_resource *kube_resource(enum kube_kind kind)
{
	assert((unsigned)kind < KUBE_N_KINDS);
	return &resources[kind];
}

const char *kube_node_label(const char *node, char ret[KUBE_LABEL_BYTES + 1])
{
	const int len = snprintf(ret, KUBE_LABEL_BYTES + 1, "%s", node);

	if (len > KUBE_LABEL_BYTES)
		(void)snprintf(ret, KUBE_LABEL_BYTES + 1, "%016" PRIx64, hash_str(HASH_INIT, node));
	return ret;
}
