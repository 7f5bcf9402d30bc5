// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The table behind lb_drops.h. A reason added to enum lb_drop without words here does not compile:
 * the table's length is asserted, and each entry is placed by its reason's own name.
 */
#include "lb/lb_drops.h"

#include "base/mem.h"

#include <linux/types.h>

#include "bpf/abi.h"

static const struct {
	const char *name, *text;
	bool goes_on;
} drops[] = {
	[LB_DROP_NONE] = {"none", "not dropped", true},
	[LB_DROP_UNKNOWN_PORT] = {"unknown_port", "sent to a VIP of ours at a port not served",
				  false},
	[LB_DROP_NO_BACKEND] = {"no_backend", "the service has no backend that is ready", false},
	[LB_DROP_TUPLE_TAKEN] =
		{"tuple_taken",
		 "the client's port already talks to every candidate backend through "
		 "another VIP",
		 false},
	[LB_DROP_FRAGMENT] = {"fragment",
			      "an IP fragment that came before the first of its packet, or is of "
			      "neither TCP, UDP nor SCTP",
			      false},
	[LB_DROP_MALFORMED] = {"malformed", "truncated or inconsistent headers", false},
	[LB_DROP_PROTOCOL] = {"protocol", "neither TCP, UDP, SCTP nor ICMP", false},
	[LB_DROP_ICMP] = {"icmp", "an echo that is refused, or an ICMP error about no flow of ours",
			  false},
	[LB_DROP_TTL] = {"ttl", "no hop was left on the way to a real server", false},
	[LB_DROP_REPLY_MISS] = {"reply_miss",
				"from a backend, but no answer to a flow of ours: its pod was "
				"reached directly, or the flow was forgotten",
				true},
	[LB_DROP_REPLY_FRAGMENT] =
		{"reply_fragment",
		 "an answer in IP fragments, of which all but the first, of SCTP "
		 "all, leave with the backend's own address; counted once",
		 true},
	[LB_DROP_FLOW_EVICTED] = {"flow_evicted",
				  "an established flow lost its entry to a new one: the flow table "
				  "is too small",
				  true},
	[LB_DROP_EXTENSION] = {"extension",
			       "IPv6 extension headers: more than six, one in the wrong place, or "
			       "a source route with segments left",
			       false},
	[LB_DROP_PAUSED] = {"paused", "would have begun a flow at a Service that is paused", false},
	[LB_DROP_SOURCE] = {"source", "from outside of the Service's loadBalancerSourceRanges",
			    false},
	[LB_DROP_DENIED] = {"denied", "from a source that is denied by spec.dataplane.deny", false},
	[LB_DROP_UNRECORDED] = {"unrecorded",
				"began a flow without an entry: more began at its Service than "
				"newFlows allows",
				true},
	[LB_DROP_SOURCE_RATE] = {"source_rate",
				 "a SYN beyond newFlows, of a source that sent more of them than "
				 "newFlowsPerSource",
				 false},
	[LB_DROP_UNPROVEN] = {"unproven",
			      "a SYN beyond newFlows, whose source was asked to prove that it is "
			      "there",
			      false},
	[LB_DROP_PROVEN] = {"proven", "a reset by which a source proved that it is there", true},
	[LB_DROP_BEYOND] = {"beyond",
			    "would have begun a flow beyond newFlows at a backend that is under "
			    "the same flood through another VIP or port",
			    false},
	[LB_DROP_RATE] = {"rate", "more packets a second than the Service's rate limit", false},
	[LB_DROP_SCTP_FRAGMENT] = {"sctp_fragment",
				   "SCTP in IP fragments, whose checksum cannot follow it to a "
				   "backend with another port than the Service's",
				   false},
	[LB_DROP_REPLY_NO_WAY] = {"reply_no_way",
				  "answers to clients behind a VRF, whose routes do not lead to "
				  "them",
				  false},
	[LB_DROP_BLACKHOLE] = {"blackhole", "to an address that is a blackhole on demand", false},
	[LB_DROP_TUNNEL_SOURCE] = {"tunnel_source",
				   "to this node's end of the tunnels, from an address that is no "
				   "other node's",
				   false},
	[LB_DROP_TUNNEL_VERSION] = {"tunnel_version",
				    "from another node, in a form that is not understood here",
				    false},
	[LB_DROP_TUNNEL_TARGET] = {"tunnel_target",
				   "from another node, for no backend of a VIP that is here",
				   false},
	[LB_DROP_TUNNEL_ECN] =
		{"tunnel_ecn",
		 "marked as congested on its way between nodes, but of a sender that "
		 "does not know such marks",
		 false},
	[LB_DROP_TOO_BIG] = {"too_big",
			     "larger than the way to its backend's node; the sender is told so, if "
			     "it forbids fragments",
			     false},
	[LB_DROP_NO_NEXT_HOP] = {"no_next_hop", "no way to its backend's node is known", false},
	[LB_DROP_HOPS] =
		{"hops",
		 "of a flow that nobody knows; its owner was not looked for on other nodes, "
		 "as too many were",
		 true},
	[LB_DROP_NAT_PORTS] =
		{"nat_ports",
		 "of a new flow to a backend for which no source port is left (forwarding nat)",
		 false},
	[LB_DROP_NO_ANSWER] = {"no_answer",
			       "dropped for want of a backend without telling the client, as too "
			       "many were told",
			       true},
};
_Static_assert(ARRAY_SIZE(drops) == LB_N_DROPS, "every reason has its words");

size_t lb_drop_count(void)
{
	return LB_N_DROPS;
}

const char *lb_drop_name(size_t reason)
{
	return reason < LB_N_DROPS ? drops[reason].name : NULL;
}

const char *lb_drop_text(size_t reason)
{
	return reason < LB_N_DROPS ? drops[reason].text : NULL;
}

bool lb_drop_is_lost(size_t reason)
{
	return reason < LB_N_DROPS && !drops[reason].goes_on;
}
