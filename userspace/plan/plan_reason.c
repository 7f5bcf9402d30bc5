// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "plan/plan_reason.h"

#include <assert.h>
#include <string.h>

static const struct plan_reason all[] = {
	{"notLoadBalancer", "it is of type LoadBalancer, and ours",
	 "it is not of type LoadBalancer, or headless, or of another load balancer's class"},
	{"noIPAllocated", "it has an address", "it has no address"},
	{"nodeAddress", "no node or router is reached by the address",
	 "a node or router is reached by the address"},
	{"ipNotAllowed", "a pool holds the address", "no pool holds the address"},
	{"advertisementHeldBack", "an advertisement of the pool is in force on this node",
	 "each advertisement of the pool for this node is in error and held back"},
	{"notOwner", "an advertisement of the pool selects this node",
	 "no advertisement of the pool selects this node"},
	{"noMatchingAdvertisement", "one of them selects the Service",
	 "none of them selects the Service"},
	{"conflictingAdvertisements", "they agree about localPref",
	 "they differ in localPref for the same peer, which strict: true refuses"},
	{"nodeNetworkUnavailable", "the node's network is available",
	 "the condition NetworkUnavailable of this Node is True"},
	{"nodeLabeledExcludeBalancers", "the node is not excluded by its label",
	 "this Node is labelled node.kubernetes.io/exclude-from-external-load-balancers"},
	{"noMatchingPeer", "an advertisement names a peer of this node",
	 "no advertisement that applies, or not the Service, names a peer of this node"},
	{"familyNotCarried", "a session carries the address's family",
	 "the session carries no routes of the address's family"},
	{"vrfMissing", "a peer of it has no VRF, or one that is there",
	 "it is for peers in VRFs, and this node has none of these"},
	{"noEndpoints", "an endpoint is ready", "no endpoint is ready, on any node"},
	{"noLocalEndpoints", "an endpoint is ready on this node",
	 "no endpoint is ready on this node"},
	{"noReachableEndpoints", "an endpoint is ready here or on a node that answers",
	 "endpoints are ready, but none here or on a node to which a tunnel leads and that answers"},
	{"portConflict", "no older Service has the port",
	 "an older Service has this address and port"},
	{"conntrackHoldsFlows", "the kernel has no flows in the way",
	 "conntrack was not asked yet, or the kernel has more flows of it than there is room for"},
	{"nodeDrained", "the node is not drained", "the node is drained"},
	{"nodeObserves", "the node does more than look on",
	 "the node only looks on: the route is planned, and no session begun"},
	{"dataPlaneLeaving", "the data plane is not being left",
	 "the data plane is being left to the kernel"},
	{"dataPlaneNotReady", "the data plane is attached",
	 "the device by which the peer's traffic arrives is not attached, or failed"},
	{"notProgrammed", "the address is programmed and passed its test",
	 "the address is on its way into the data plane"},
	{"blackholeNotTried", "its prefix's blackhole was placed, or was tried to be",
	 "the blackhole of its prefix is placed first"},
	{"sourcesIncomplete", "all sources are complete",
	 "a source has not delivered its first picture: what the router has stays as it is"},
	{"tooManyCommunities", "the route's communities have room",
	 "the route would carry too many communities: it stays as it is"},
	{"communityUnknown", "the Service's communities are known",
	 "a community of the Service's annotation is not known: the route stays as it is"},
	{"noSession", "there is a session", "there is no session"},
	{"notSentYet", "the route was sent", "the session has not taken the route yet"},
	{"announced", "it is announced", "it is announced"},
	{0},
};

const struct plan_reason *plan_reasons(void)
{
	return all;
}

const struct plan_reason *plan_reason_find(const char *word)
{
	const struct plan_reason *r = all;

	while (r->word && strcmp(r->word, word) != 0)
		r++;
	assert(r->word);
	return r;
}
