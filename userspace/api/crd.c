// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The list of api/crd.h. Rules are CEL as the API server has it since 1.31 (with isIP and isCIDR);
 * what a rule may cost is bounded, so lists whose items are looked at have a bound, far above what
 * anybody writes. A rule never looks at another object: those that would have to are problems of
 * the plan.
 */
#include "api/crd.h"

#define MAX_ITEMS 4096
#define MAX_TEXT  128

const struct api_word api_selector_words[] = {
	{"In", 0}, {"NotIn", 1}, {"Exists", 2}, {"DoesNotExist", 3}, {NULL, 0}};

/* --- status ----------------------------------------------------------------------------------- */

#define ROW(n, t, ...)                                                                             \
	{                                                                                          \
		.name = (n), .type = API_TYPE_##t, __VA_ARGS__                                     \
	}
#define ROWS(f)                                                                                    \
	{                                                                                          \
		.fields = (f), .n = ARRAY_SIZE(f)                                                  \
	}
#define MUST .required = API_ALL

static const struct api_word condition_words[] = {
	{"True", 0}, {"False", 1}, {"Unknown", 2}, {NULL, 0}};
static const struct api_field condition_fields[] = {
	ROW("type", STRING, MUST),
	ROW("status", ENUM, .words = condition_words, MUST),
	ROW("observedGeneration", INT, .max = INT64_MAX),
	ROW("lastTransitionTime", TIME, MUST),
	ROW("reason", STRING, MUST),
	ROW("message", STRING, MUST),
};
const struct api_table api_table_condition = ROWS(condition_fields);
#define CONDITIONS ROW("conditions", STRUCT, .is_list = true, .table = &api_table_condition)

static const struct api_field plain_fields[] = {CONDITIONS};
static const struct api_table plain_status = ROWS(plain_fields);

static const struct api_field pool_status_fields[] = {
	ROW("assignedIPv4", INT, .max = INT64_MAX),
	ROW("assignedIPv6", INT, .max = INT64_MAX),
	ROW("availableIPv4", INT, .max = INT64_MAX),
	ROW("availableIPv6", INT, .max = INT64_MAX),
	CONDITIONS,
};
static const struct api_table pool_status = ROWS(pool_status_fields);

static const struct api_field service_peer_fields[] = {
	ROW("node", STRING),
	ROW("serviceName", STRING),
	ROW("serviceNamespace", STRING),
	ROW("peers", STRING, .is_list = true),
};
static const struct api_table service_status = ROWS(service_peer_fields);

static const struct api_word result_words[] = {
	{"Valid", 0}, {"Invalid", 1}, {"Unknown", 2}, {NULL, 0}};
static const struct api_field state_fields[] = {
	ROW("result", ENUM, .words = result_words),
	ROW("errorSummary", STRING),
	CONDITIONS,
};
static const struct api_table state_status = ROWS(state_fields);

static const struct api_field session_fields[] = {
	ROW("node", STRING),
	ROW("peer", STRING),
	ROW("vrf", STRING),
	ROW("bgpStatus", STRING),
	ROW("bfdStatus", STRING),
	ROW("since", TIME),
	ROW("routesAdvertised", INT, .max = INT64_MAX),
	ROW("routesReceived", INT, .max = INT64_MAX),
	ROW("lastError", STRING),
};
static const struct api_table session_status = ROWS(session_fields);

/* --- L2Advertisement: stored, so that manifests which have one apply -------------------------- */

static const struct api_field preferred_fields[] = {
	ROW("weight", INT, .min = 1, .max = 100, MUST),
	ROW("preference", SELECTOR, MUST),
};
static const struct api_table preferred_table = ROWS(preferred_fields);
static const struct api_field l2_fields[] = {
	ROW("ipAddressPools", STRING, .is_list = true),
	ROW("ipAddressPoolSelectors", SELECTOR, .is_list = true),
	ROW("nodeSelectors", SELECTOR, .is_list = true),
	ROW("preferredNodeSelectors", STRUCT, .is_list = true, .table = &preferred_table),
	ROW("serviceSelectors", SELECTOR, .is_list = true),
	ROW("interfaces", STRING, .is_list = true),
};
static const struct api_table l2_spec = ROWS(l2_fields);

/* --- columns ---------------------------------------------------------------------------------- */

#define AGE                                                                                        \
	{                                                                                          \
		"Age", "date", ".metadata.creationTimestamp", .is_wide = false                     \
	}
#define READY(wide)                                                                                \
	{                                                                                          \
		"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", wide         \
	}

static const struct api_column pool_columns[] = {
	{"Auto Assign", "boolean", ".spec.autoAssign", false},
	{"Avoid Buggy IPs", "boolean", ".spec.avoidBuggyIPs", false},
	{"Addresses", "string", ".spec.addresses", false},
	{"Assigned", "integer", ".status.assignedIPv4", false},
	{"Available", "integer", ".status.availableIPv4", false},
	{"Assigned IPv6", "integer", ".status.assignedIPv6", true},
	{"Available IPv6", "integer", ".status.availableIPv6", true},
	{0},
};
static const struct api_column peer_columns[] = {
	{"Address", "string", ".spec.peerAddress", false},
	{"ASN", "string", ".spec.peerASN", false},
	{"BFD Profile", "string", ".spec.bfdProfile", false},
	{"Multi Hops", "string", ".spec.ebgpMultiHop", false},
	{"VRF", "string", ".spec.vrf", false},
	READY(false),
	{"Own ASN", "string", ".spec.myASN", true},
	{"Interface", "string", ".spec.interface", true},
	{0},
};
static const struct api_column advertisement_columns[] = {
	{"IPAddressPools", "string", ".spec.ipAddressPools", false},
	{"IPAddressPool Selectors", "string", ".spec.ipAddressPoolSelectors", false},
	{"Peers", "string", ".spec.peers", false},
	READY(false),
	{"Node Selectors", "string", ".spec.nodeSelectors", true},
	{"Communities", "string", ".spec.communities", true},
	{"Local Pref", "integer", ".spec.localPref", true},
	{0},
};
static const struct api_column community_columns[] = {
	{"Aliases", "string", ".spec.communities[*].name", false}, AGE, {0}};
static const struct api_column bfd_columns[] = {
	{"Passive Mode", "boolean", ".spec.passiveMode", false},
	{"Transmit Interval", "integer", ".spec.transmitInterval", false},
	{"Receive Interval", "integer", ".spec.receiveInterval", false},
	{"Multiplier", "integer", ".spec.detectMultiplier", false},
	{0},
};
static const struct api_column l2_columns[] = {
	{"IPAddressPools", "string", ".spec.ipAddressPools", false},
	{"IPAddressPool Selectors", "string", ".spec.ipAddressPoolSelectors", false},
	{"Interfaces", "string", ".spec.interfaces", false},
	{"Node Selectors", "string", ".spec.nodeSelectors", true},
	{0},
};
static const struct api_column service_columns[] = {
	{"Node", "string", ".status.node", false},
	{"Service Name", "string", ".status.serviceName", false},
	{"Service Namespace", "string", ".status.serviceNamespace", false},
	{"Peers", "string", ".status.peers", false},
	{0},
};
static const struct api_column state_columns[] = {
	{"Result", "string", ".status.result", false},
	{"ErrorSummary", "string", ".status.errorSummary", false},
	AGE,
	{0},
};
static const struct api_column session_columns[] = {
	{"Node", "string", ".status.node", false},
	{"Peer", "string", ".status.peer", false},
	{"VRF", "string", ".status.vrf", false},
	{"BGP", "string", ".status.bgpStatus", false},
	{"BFD", "string", ".status.bfdStatus", false},
	{"Since", "date", ".status.since", false},
	{"Routes", "integer", ".status.routesAdvertised", false},
	{"Received", "integer", ".status.routesReceived", true},
	{"Last Error", "string", ".status.lastError", true},
	{0},
};
static const struct api_column config_columns[] = {
	{"Mode", "string", ".spec.dataplane.mode", false},
	{"Uplinks", "string", ".spec.dataplane.uplinks", false},
	{"Listen", "boolean", ".spec.bgp.listen", false},
	{"Strict", "boolean", ".spec.strict", false},
	AGE,
	{0},
};

/* --- rules ------------------------------------------------------------------------------------ */

#define HAS(f) "(has(self." f ") && self." f " != '')"
/* The two halves of a range. The cost of substring() is bounded by its text, that of split() is
 * not. */
#define FIRST    "self.substring(0, self.indexOf('-')).trim()"
#define LAST     "self.substring(self.indexOf('-') + 1).trim()"
#define IS_RANGE "(self.contains('-') && isIP(" FIRST ") && isIP(" LAST "))"
/* Of an IPv4 range the eight parts, as o: a list of one binds a name. There is no order of
 * addresses in CEL. */
#define IPV4  " *[0-9]{1,3}([.][0-9]{1,3}){3} *"
#define PARTS "[self.replace(' ', '').replace('-', '.').split('.')]"
#define AS_NUMBER(a, b, c, d)                                                                      \
	"((int(o[" #a "]) * 256 + int(o[" #b "])) * 256 + int(o[" #c "])) * 256 + int(o[" #d "])"

static const struct api_bound pool_bounds[] = {
	{"spec.addresses", MAX_ITEMS, 0, 0},
	{"spec.addresses[]", 0, MAX_TEXT, 0},
	{0},
};
static const struct api_default pool_defaults[] = {
	{"spec.autoAssign", "true", 0},
	{"spec.avoidBuggyIPs", "false", 0},
	{0},
};
static const struct api_cel pool_cel[] = {
	{.at = "spec.addresses[]",
	 .rule = "isCIDR(self.trim()) || " IS_RANGE,
	 .message = "neither a CIDR nor a range of two addresses; write 198.51.100.0/24 or "
		    "198.51.100.10-198.51.100.20"},
	{.at = "spec.addresses[]",
	 .rule = "!" IS_RANGE " || ip(" FIRST ").family() == ip(" LAST ").family()",
	 .message = "a range from one address family to the other; write one range for each"},
	{.at = "spec.addresses[]",
	 .rule = "!self.matches('^" IPV4 "-" IPV4 "$') || " PARTS
		 ".all(o, " AS_NUMBER(0, 1, 2, 3) " <= " AS_NUMBER(4, 5, 6, 7) ")",
	 .message = "the range ends before it begins; write the lower address first"},
	{0},
};

/* As api_parse_duration() takes them. In files a number without a unit is seconds; here it is no
 * text. */
#define DURATION         "^(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$"
#define DURATION_RULE    "self == '' || self.matches('" DURATION "')"
#define DURATION_MESSAGE "not a duration; write for instance 90s or 1m30s"
#define IS_TIMER(f)      "(has(self." f ") && self." f ".matches('" DURATION "'))"
#define TIMER(f)         "duration(self." f ")"
#define HOLD_RULE                                                                                  \
	"!" IS_TIMER("holdTime") " || " TIMER("holdTime") " < duration('1s')"                      \
							  " || " TIMER(                            \
								  "holdTime") " >= duration('3s')"
#define KEEPALIVE_RULE                                                                             \
	"!" IS_TIMER("holdTime") " || !" IS_TIMER("keepaliveTime") " || " TIMER(                   \
		"keepaliveTime") " <= " TIMER("holdTime")
#define CONNECT_RULE                                                                               \
	"!" IS_TIMER("connectTime") " || (" TIMER(                                                 \
		"connectTime") ".getMilliseconds() % 1000 == 0"                                    \
			       " && " TIMER(                                                       \
				       "connectTime") " >= duration('1s')"                         \
						      " && " TIMER(                                \
							      "connectTime") " <= duration('65535s'))"
#define ADDRESS_RULE(f, what)                                                                      \
	{                                                                                          \
		.at = "spec." f, .rule = "self == '' || isIP(self)",                               \
		.message = "not an IP address; write " what                                        \
	}

static const struct api_bound peer_bounds[] = {
	{"spec.peerAddress", 0, MAX_TEXT, 0},
	{"spec.sourceAddress", 0, MAX_TEXT, 0},
	{"spec.routerID", 0, MAX_TEXT, 0},
	{"spec.holdTime", 0, MAX_TEXT, 0},
	{"spec.keepaliveTime", 0, MAX_TEXT, 0},
	{"spec.connectTime", 0, MAX_TEXT, API_V2},
	{0},
};
static const struct api_default peer_defaults[] = {
	{"spec.peerPort", "179", API_V2},
	{0},
};
static const struct api_cel peer_cel[] = {
	ADDRESS_RULE("peerAddress", "the router's"),
	ADDRESS_RULE("sourceAddress", "one of the node's own"),
	ADDRESS_RULE("routerID", "an IPv4 address"),
	{.at = "spec.holdTime", .rule = DURATION_RULE, .message = DURATION_MESSAGE},
	{.at = "spec.keepaliveTime", .rule = DURATION_RULE, .message = DURATION_MESSAGE},
	{.at = "spec.connectTime",
	 .rule = DURATION_RULE,
	 .message = DURATION_MESSAGE,
	 .versions = API_V2},
	{.at = "spec",
	 .rule = HAS("peerAddress") " || " HAS("interface"),
	 .message = "neither peerAddress nor interface is set; set one of them",
	 .field = ".peerAddress",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = "!(" HAS("peerAddress") " && " HAS("interface") ")",
	 .message = "cannot be set together with peerAddress; remove one of them",
	 .field = ".interface",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = "(has(self.peerASN) && self.peerASN != 0) || " HAS("dynamicASN"),
	 .message = "is missing or 0, and dynamicASN is not set; set peerASN, or dynamicASN",
	 .field = ".peerASN",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = "self.peerASN != 0",
	 .message = "is 0; write the router's AS number",
	 .field = ".peerASN",
	 .versions = API_V1},
	{.at = "spec",
	 .rule = "!(has(self.peerASN) && self.peerASN != 0 && " HAS("dynamicASN") ")",
	 .message = "cannot be set together with peerASN; remove one of them",
	 .field = ".dynamicASN",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = "!(has(self.ebgpMultiHop) && self.ebgpMultiHop && has(self.peerASN) && "
		 "self.peerASN == self.myASN)",
	 .message = "set for an iBGP peer, which may be any number of hops away; remove "
		    "ebgpMultiHop",
	 .field = ".ebgpMultiHop"},
	{.at = "spec",
	 .rule = "!(has(self.passwordSecret) && has(self.passwordSecret.name) && "
		 "self.passwordSecret.name != '' && " HAS("password") ")",
	 .message = "cannot be set together with password; remove one of them",
	 .field = ".passwordSecret",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = HOLD_RULE,
	 .message = "must be 0 or at least 3s (RFC 4271 4.2); write 0s, or 3s or more",
	 .field = ".holdTime"},
	{.at = "spec",
	 .rule = KEEPALIVE_RULE,
	 .message = "longer than holdTime; write a third of holdTime",
	 .field = ".keepaliveTime",
	 .versions = API_V2},
	{.at = "spec",
	 .rule = CONNECT_RULE,
	 .message = "must be whole seconds from 1s to 65535s; round it",
	 .field = ".connectTime",
	 .versions = API_V2},
	{.at = "spec.enableGracefulRestart",
	 .rule = "self == oldSelf",
	 .message = "cannot be changed in place, for the session would be lost; delete the BGPPeer "
		    "and create it again",
	 .versions = API_V2},
	{0},
};

static const struct api_default advertisement_defaults[] = {
	{"spec.aggregationLength", "32", 0},
	{0},
};
static const struct api_cel advertisement_cel[] = {
	{.at = "spec",
	 .rule = "!has(self.serviceSelectors) || self.serviceSelectors.size() == 0 || "
		 "((!has(self.aggregationLength) || self.aggregationLength == 32) && "
		 "(!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))",
	 .message = "needs routes of single addresses (aggregationLength 32, aggregationLengthV6 "
		    "128); remove the aggregation lengths, or the serviceSelectors",
	 .field = ".serviceSelectors"},
	{0},
};

static const struct api_bound community_bounds[] = {
	{"spec.communities", MAX_ITEMS, 0, 0},
	{"spec.communities[].value", 0, MAX_TEXT, 0},
	{0},
};
static const struct api_cel community_cel[] = {
	{.at = "spec.communities[].value",
	 .rule = "self.matches('^[0-9]{1,5}:[0-9]{1,5}$') ? [self.split(':')].all(p, int(p[0]) <= "
		 "65535 && int(p[1]) <= 65535) : self.matches('^large(:[0-9]{1,10}){3}$') ? "
		 "[self.split(':')].all(p, int(p[1]) <= 4294967295 && int(p[2]) <= 4294967295 && "
		 "int(p[3]) <= 4294967295) : "
		 "self.lowerAscii().replace('_', '-') in ['internet', 'no-export', "
		 "'no-advertise', 'no-export-subconfed', 'local-as', 'no-peer', 'blackhole', "
		 "'graceful-shutdown', 'accept-own', 'llgr-stale', 'no-llgr']",
	 .message = "not a community; write \"64512:100\" with parts up to 65535, "
		    "\"large:64512:1:2\", or a name such as no-export"},
	{0},
};

static const struct api_bound config_bounds[] = {
	{"spec.dataplane.deny", MAX_ITEMS, 0, 0},
	{"spec.dataplane.deny[]", 0, MAX_TEXT, 0},
	{"spec.bgp.routerID", 0, MAX_TEXT, 0},
	{0},
};
static const struct api_cel config_cel[] = {
	{.at = "spec.dataplane.deny[]",
	 .rule = "isCIDR(self) || isIP(self)",
	 .message = "neither a prefix nor an address; write for instance 198.51.100.0/24"},
	{.at = "spec.bgp.routerID",
	 .rule = "self == '' || (isIP(self) && ip(self).family() == 4)",
	 .message = "not an IPv4 address; write one, or remove the field"},
	{0},
};

#define FIXED(f)                                                                                   \
	{                                                                                          \
		.at = "status." f, .rule = "self == oldSelf",                                      \
		.message = "cannot be changed; delete the object and write another"                \
	}
static const struct api_cel service_cel[] = {
	FIXED("node"), FIXED("serviceName"), FIXED("serviceNamespace"), {0}};

/* --- the list --------------------------------------------------------------------------------- */

const struct api_crd api_crds[] = {
	{.schema = &api_schema_pool,
	 .plural = "ipaddresspools",
	 .about = "Addresses that Services of type LoadBalancer are given.",
	 .status = &pool_status,
	 .columns = pool_columns,
	 .cel = pool_cel,
	 .defaults = pool_defaults,
	 .bounds = pool_bounds},
	{.schema = &api_schema_peer,
	 .plural = "bgppeers",
	 .about = "A router that the nodes have a BGP session with.",
	 .status = &plain_status,
	 .columns = peer_columns,
	 .cel = peer_cel,
	 .defaults = peer_defaults,
	 .bounds = peer_bounds},
	{.schema = &api_schema_advertisement,
	 .plural = "bgpadvertisements",
	 .about = "Which addresses are announced, from which nodes, to which routers, and how.",
	 .status = &plain_status,
	 .columns = advertisement_columns,
	 .cel = advertisement_cel,
	 .defaults = advertisement_defaults},
	{.schema = &api_schema_community,
	 .plural = "communities",
	 .about = "Names of BGP communities.",
	 .status = &plain_status,
	 .columns = community_columns,
	 .cel = community_cel,
	 .bounds = community_bounds},
	{.schema = &api_schema_bfd_profile,
	 .plural = "bfdprofiles",
	 .about = "Timers of BFD sessions.",
	 .status = &plain_status,
	 .columns = bfd_columns},
	{.kind = "L2Advertisement",
	 .group = "metallb.io",
	 .version = "v1beta1",
	 .spec = &l2_spec,
	 .plural = "l2advertisements",
	 .about = "Stored and not acted on: announcements are by BGP alone.",
	 .status = &plain_status,
	 .columns = l2_columns},
	{.kind = "ServiceBGPStatus",
	 .group = "metallb.io",
	 .version = "v1beta1",
	 .plural = "servicebgpstatuses",
	 .about = "To which routers a node announces a Service; written by the agents.",
	 .status = &service_status,
	 .columns = service_columns,
	 .cel = service_cel},
	{.kind = "ConfigurationState",
	 .group = "metallb.io",
	 .version = "v1beta1",
	 .plural = "configurationstates",
	 .about = "Whether a node could use all objects; written by the agents.",
	 .status = &state_status,
	 .columns = state_columns},
	{.schema = &api_schema_config,
	 .plural = "lodestoneconfigs",
	 .about = "Settings of all nodes (the object default), or of the node of its name.",
	 .status = &plain_status,
	 .columns = config_columns,
	 .cel = config_cel,
	 .bounds = config_bounds},
	{.kind = "BGPSessionState",
	 .group = "lodestone.io",
	 .version = "v1alpha1",
	 .plural = "bgpsessionstates",
	 .about = "The session of a node with a router; written by the agents.",
	 .status = &session_status,
	 .columns = session_columns},
	{.schema = &api_schema_frr_configuration,
	 .plural = "frrconfigurations",
	 .about = "Of frr-k8s' object the part about routes to be received.",
	 .status = NULL,
	 .is_open = true},
};
const size_t api_n_crds = ARRAY_SIZE(api_crds);
