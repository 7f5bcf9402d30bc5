// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * LodestoneConfig (DESIGN 10): the object `default`, and one named after a node that overrides it
 * field by field. So each row sets a bit, and nothing here fills in a default; but for the list of
 * denied sources, of which there may be many that add up. The decoded struct is that of
 * api/objects.h itself, its sections flattened.
 */
#include "api/decode.h"
#include "base/limits.h"
#include "base/prefixes.h"

#define MIN_FLOW_ENTRIES 1024
#define MAX_FLOW_ENTRIES (16 << 20) /* as many as the tables may have */

struct raw_config {
	struct api_config config;
	struct ip_addr router_id;
	struct ip_prefix *deny;
	size_t n_deny;
	struct ip_addr *next_hops;
	size_t n_next_hops;
	struct api_strings communities;
	const char *metrics_address, *status_page_address;
};

#define IN_CONFIG(m) API_AT(struct raw_config, config.m)
#define IN_RAW(m)    API_AT(struct raw_config, m)

static const struct api_word mode_words[] = {
	{"auto", API_MODE_AUTO},
	{"native", API_MODE_NATIVE},
	{"generic", API_MODE_GENERIC},
	{"off", API_MODE_OFF},
	{NULL, 0},
};
const struct api_word api_forwarding_words[] = {
	{"auto", API_FORWARD_AUTO},         {"nat", API_FORWARD_NAT},
	{"dsr-ipip", API_FORWARD_DSR_IPIP}, {"dsr-gue", API_FORWARD_DSR_GUE},
	{"dsr-l2", API_FORWARD_DSR_L2},     {NULL, 0},
};
const struct api_word api_unknown_port_words[] = {
	{"drop", API_UNKNOWN_DROP},
	{"reject", API_UNKNOWN_REJECT},
	{"pass", API_UNKNOWN_PASS},
	{NULL, 0},
};
static const struct api_word icmp_echo_words[] = {
	{"answer", API_ECHO_ANSWER},
	{"drop", API_ECHO_DROP},
	{"pass", API_ECHO_PASS},
	{NULL, 0},
};
const struct api_word api_pref_as_words[] = {
	{"none", API_PREF_AS_NONE},
	{"med", API_PREF_AS_MED},
	{"prepend", API_PREF_AS_PREPEND},
	{NULL, 0},
};
static const struct api_word blackholes_words[] = {
	{"aggregates", API_BLACKHOLES_AGGREGATES},
	{"all", API_BLACKHOLES_ALL},
	{"off", API_BLACKHOLES_OFF},
	{NULL, 0},
};
static const struct api_word auto_words[] = {{"auto", 1}, {"off", 0}, {NULL, 0}};

static const struct api_field dataplane_fields[] = {
	{.name = "mode",
	 .type = API_TYPE_ENUM,
	 .words = mode_words,
	 IN_CONFIG(mode),
	 .bit = API_CONFIG_MODE},
	{.name = "uplinks",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 .max = 15,
	 API_LIST_AT(struct raw_config, config.uplinks.items, config.uplinks.n),
	 .bit = API_CONFIG_UPLINKS},
	{.name = "forwarding",
	 .type = API_TYPE_ENUM,
	 .words = api_forwarding_words,
	 IN_CONFIG(forwarding),
	 .bit = API_CONFIG_FORWARDING},
	{.name = "natPort",
	 .type = API_TYPE_INT,
	 .min = 1024,
	 .max = 65536 - LIMIT_NAT_PORTS,
	 IN_CONFIG(nat_port),
	 .bit = API_CONFIG_NAT_PORT},
	{.name = "unknownPort",
	 .type = API_TYPE_ENUM,
	 .words = api_unknown_port_words,
	 IN_CONFIG(unknown_port),
	 .bit = API_CONFIG_UNKNOWN_PORT},
	{.name = "icmpEcho",
	 .type = API_TYPE_ENUM,
	 .words = icmp_echo_words,
	 IN_CONFIG(icmp_echo),
	 .bit = API_CONFIG_ICMP_ECHO},
	{.name = "flowEntries",
	 .type = API_TYPE_INT,
	 .min = MIN_FLOW_ENTRIES,
	 .max = MAX_FLOW_ENTRIES,
	 IN_CONFIG(flow_entries),
	 .bit = API_CONFIG_FLOW_ENTRIES},
	{.name = "newFlows",
	 .type = API_TYPE_INT,
	 .max = LIMIT_NEW_FLOWS,
	 IN_CONFIG(new_flows),
	 .bit = API_CONFIG_NEW_FLOWS},
	{.name = "newFlowsPerSource",
	 .type = API_TYPE_INT,
	 .max = UINT16_MAX,
	 IN_CONFIG(new_flows_per_source),
	 .bit = API_CONFIG_NEW_FLOWS_PER_SOURCE},
	{.name = "sourceCheck",
	 .type = API_TYPE_BOOL,
	 IN_CONFIG(source_check),
	 .bit = API_CONFIG_SOURCE_CHECK},
	{.name = "topologyHints",
	 .type = API_TYPE_BOOL,
	 IN_CONFIG(topology_hints),
	 .bit = API_CONFIG_TOPOLOGY_HINTS},
	{.name = "deny",
	 .type = API_TYPE_PREFIX,
	 .flags = API_FIELD_APART,
	 API_LIST_AT(struct raw_config, deny, n_deny)},
};
static const struct api_field bgp_fields[] = {
	{.name = "listen", .type = API_TYPE_BOOL, IN_CONFIG(listen), .bit = API_CONFIG_LISTEN},
	{.name = "defaultLocalPref",
	 .type = API_TYPE_INT,
	 .max = UINT32_MAX,
	 IN_CONFIG(default_local_pref),
	 .bit = API_CONFIG_DEFAULT_LOCAL_PREF},
	{.name = "ebgpLocalPref",
	 .type = API_TYPE_ENUM,
	 .words = api_pref_as_words,
	 IN_CONFIG(pref_as),
	 .bit = API_CONFIG_PREF_AS},
	{.name = "gracefulRestart",
	 .type = API_TYPE_BOOL,
	 IN_CONFIG(graceful_restart),
	 .bit = API_CONFIG_GRACEFUL_RESTART},
	{.name = "routerID",
	 .type = API_TYPE_ADDRESS,
	 .flags = API_FIELD_ANY_ADDRESS, /* RFC 6286 2.1 */
	 IN_RAW(router_id),
	 .bit = API_CONFIG_ROUTER_ID},
	{.name = "linkBandwidth",
	 .type = API_TYPE_ENUM,
	 .words = auto_words,
	 IN_CONFIG(link_bandwidth),
	 .bit = API_CONFIG_LINK_BANDWIDTH},
};
static const struct api_field netlink_fields[] = {
	{.name = "blackholes",
	 .type = API_TYPE_ENUM,
	 .words = blackholes_words,
	 IN_CONFIG(blackholes),
	 .bit = API_CONFIG_BLACKHOLES},
	{.name = "alwaysBlock",
	 .type = API_TYPE_PREFIX,
	 API_LIST_AT(struct raw_config, config.always_block, config.n_always_block),
	 .bit = API_CONFIG_ALWAYS_BLOCK},
};
static const struct api_field rtbh_fields[] = {
	{.name = "nextHops",
	 .type = API_TYPE_ADDRESS,
	 API_LIST_AT(struct raw_config, next_hops, n_next_hops),
	 .bit = API_CONFIG_RTBH_NEXT_HOPS},
	{.name = "communities",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_UNIQUE,
	 API_LIST_AT(struct raw_config, communities.items, communities.n),
	 .bit = API_CONFIG_RTBH_COMMUNITIES},
};
static const struct api_field metrics_fields[] = {
	{.name = "address",
	 .type = API_TYPE_STRING,
	 IN_RAW(metrics_address),
	 .bit = API_CONFIG_METRICS},
};
static const struct api_field status_page_fields[] = {
	{.name = "address",
	 .type = API_TYPE_STRING,
	 IN_RAW(status_page_address),
	 .bit = API_CONFIG_STATUS_PAGE},
};

/* The sections share one struct, so that their bits do. */
#define SECTION(f)                                                                                 \
	API_TABLE(struct raw_config, f, .set_at = offsetof(struct raw_config, config.set))
static const struct api_table dataplane_table = SECTION(dataplane_fields);
static const struct api_table bgp_table = SECTION(bgp_fields);
static const struct api_table netlink_table = SECTION(netlink_fields);
static const struct api_table rtbh_table = SECTION(rtbh_fields);
static const struct api_table metrics_table = SECTION(metrics_fields);
static const struct api_table status_page_table = SECTION(status_page_fields);

static const struct api_field spec_fields[] = {
	{.name = "dataplane", .type = API_TYPE_STRUCT, .table = &dataplane_table},
	{.name = "bgp", .type = API_TYPE_STRUCT, .table = &bgp_table},
	{.name = "netlink", .type = API_TYPE_STRUCT, .table = &netlink_table},
	{.name = "rtbh", .type = API_TYPE_STRUCT, .table = &rtbh_table},
	{.name = "metrics", .type = API_TYPE_STRUCT, .table = &metrics_table},
	{.name = "statusPage", .type = API_TYPE_STRUCT, .table = &status_page_table},
	{.name = "strict", .type = API_TYPE_BOOL, IN_CONFIG(strict), .bit = API_CONFIG_STRICT},
	{.name = "observe", .type = API_TYPE_BOOL, IN_CONFIG(observe), .bit = API_CONFIG_OBSERVE},
	{.name = "drainSeconds",
	 .type = API_TYPE_INT,
	 .max = LIMIT_DRAIN_S,
	 IN_CONFIG(drain_s),
	 .bit = API_CONFIG_DRAIN},
};
static const struct api_table spec_table = SECTION(spec_fields);

static const struct api_field config_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &spec_table},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct api_table config_table = API_TABLE(struct raw_config, config_fields);

/* --- spec.rtbh -------------------------------------------------------------------------------- */

static void set_next_hops(struct api_decoder *d, const struct raw_config *in, struct api_rtbh *ret)
{
	for (size_t i = 0; i < in->n_next_hops; i++) {
		const struct ip_addr *a = &in->next_hops[i];
		const enum ip_family family = ip_family_of(a);
		const char *field = arena_printf(d->arena, "spec.rtbh.nextHops[%zu]", i);

		if (ip_addr_is_loopback(a) || ip_addr_is_link_local(a))
			api_refuse(d, field, "BadValue",
				   "write an address that the routers discard, such as 192.0.2.1",
				   "is of one host or link only: no router takes it as a next hop");
		else if (!ip_addr_is_none(&ret->next_hops[family]))
			api_refuse(d, field, "BadValue", "write one of each family",
				   "is the second %s address", ip_family_text(family));
		else
			ret->next_hops[family] = *a;
	}
}

static int cmp_standard(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int cmp_large(const void *a, const void *b)
{
	return large_community_cmp(a, b);
}

static void set_communities(struct api_decoder *d, const struct raw_config *in,
			    struct api_rtbh *ret)
{
	const size_t n = in->communities.n;
	uint32_t *standard = arena_array_of(d->arena, n, uint32_t);
	struct large_community *large = arena_array_of(d->arena, n, struct large_community);

	for (size_t i = 0; i < n; i++) {
		const char *text = in->communities.items[i];
		struct community c = {0};

		if (!text) /* is no text, which was told */
			continue;
		if (community_parse(text, &c) != COMMUNITY_OK)
			api_refuse(d, arena_printf(d->arena, "spec.rtbh.communities[%zu]", i),
				   "BadCommunity",
				   "write \"64512:666\", \"large:64512:1:2\" or a name such as "
				   "no-export; aliases do not count here",
				   "\"%s\" is not a community", text);
		else if (c.type == COMMUNITY_STANDARD)
			standard[ret->n_communities++] = c.standard;
		else
			large[ret->n_large++] = c.large;
	}
	if (n > LIMIT_COMMUNITIES - 1)
		api_refuse(d, "spec.rtbh.communities", "TooManyCommunities",
			   "attach fewer communities", "has more than %d with BLACKHOLE",
			   LIMIT_COMMUNITIES);
	if (ret->n_communities > 0)
		qsort(standard, ret->n_communities, sizeof(*standard), cmp_standard);
	if (ret->n_large > 0)
		qsort(large, ret->n_large, sizeof(*large), cmp_large);
	ret->communities = standard;
	ret->large = large;
}

/* --- spec.metrics ----------------------------------------------------------------------------- */

static bool parse_port(const char *text, uint16_t *ret)
{
	unsigned value = 0;
	size_t n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && n < 6; n++)
		value = value * 10 + (unsigned)(text[n] - '0');
	*ret = (uint16_t)value;
	return n > 0 && text[n] == '\0' && value > 0 && value <= UINT16_MAX;
}

/* "off", an address, ":PORT", "ADDRESS:PORT" or "[ADDRESS]:PORT"; of IPv6 only the last has one. */
static bool parse_listen(const char *text, struct api_listen *ret)
{
	const bool is_bracketed = text[0] == '[';
	const char *end = is_bracketed ? strchr(text, ']') : strrchr(text, ':');
	char address[IP_ADDR_TEXT];
	size_t len;

	*ret = (struct api_listen){.is_off = strcmp(text, "off") == 0};
	if (ret->is_off || ip_addr_parse(text, &ret->addr))
		return true;
	if (!end || (is_bracketed && end[1] != ':') ||
	    !parse_port(end + 1 + is_bracketed, &ret->port))
		return false;
	len = (size_t)(end - text) - is_bracketed;
	if (len == 0)
		return !is_bracketed;
	if (len >= sizeof(address))
		return false;
	memcpy(address, text + is_bracketed, len);
	address[len] = '\0';
	return ip_addr_parse(address, &ret->addr) && is_bracketed == !ip_addr_is_v4(&ret->addr);
}

static void set_listen(struct api_decoder *d, const char *field, const char *remedy,
		       const char *address, struct api_listen *ret)
{
	if (address && parse_listen(address, ret))
		return;
	if (address)
		api_refuse(d, field, "BadValue", remedy, "\"%s\" is no address with a port",
			   address);
	*ret = (struct api_listen){.port = 0};
}

static void finish_config(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_config *in = raw;

	o->config = in->config;
	o->config.deny = in->deny;
	o->config.n_deny = prefixes_make(in->deny, in->n_deny);
	set_next_hops(d, in, &o->config.rtbh);
	set_communities(d, in, &o->config.rtbh);
	set_listen(d, "spec.metrics.address",
		   "write \":7472\", \"192.0.2.1:7472\", \"[2001:db8::1]:7472\" or \"off\"",
		   in->metrics_address, &o->config.metrics);
	set_listen(d, "spec.statusPage.address",
		   "write \"127.0.0.1:17480\", \"192.0.2.1:17480\", \"[::1]:17480\" or \"off\"",
		   in->status_page_address, &o->config.status_page);
	api_router_id(d, "spec.bgp.routerID", &in->router_id, &o->config.router_id);
}

static const char *const config_rules[] = {
	"The object default is for all nodes; one of the name of a node goes before it, field by field. Of default.NAME and NODE.NAME spec.dataplane.deny alone is read, and lists add up.",
	"rtbh is what routes of blackholes say beside the community BLACKHOLE: one next hop of each family, and communities, which are no aliases. Not set: the next hop 100::1 for IPv6 (RFC 6666), the session's own address for IPv4, and no-export.",
	"Not set: mode auto, the uplinks are the devices on the ways to the peers, natPort 16384, unknownPort drop, icmpEcho answer, newFlows 100000, newFlowsPerSource 500, defaultLocalPref 100, blackholes aggregates, drainSeconds 60, and what the BGPPeer says of graceful restart.",
	"With observe: true everything is planned and nothing done: no session is dialled or accepted, nothing is attached, no address given; lodectl migrate diff compares. The label lodestone.io/announces of a Node, true or false, goes before it; in default it keeps addresses from being given whatever labels say.",
	"metrics.address is where metrics are answered for, all addresses and port 7472 if nothing is said: \":PORT\", \"ADDRESS\", \"ADDRESS:PORT\", \"[IPv6]:PORT\", or \"off\".",
	"statusPage.address is where the status page is served, 127.0.0.1 and port 17480 if nothing is said, written likewise; \":PORT\" is that port of 127.0.0.1. Whoever reaches it reads what lodectl shows, and can change nothing.",
	NULL,
};

const struct api_schema api_schema_config = {
	.kind = API_LODESTONE_CONFIG,
	.group = "lodestone.io",
	.versions = {"v1alpha1"},
	.table = &config_table,
	.default_ns = "",
	.is_cluster_scoped = true,
	.finish = finish_config,
	.rules = config_rules,
};
