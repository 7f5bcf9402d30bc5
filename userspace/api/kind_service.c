// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Service (core v1), as far as it matters to balancing. A source range that is none refuses the
 * whole object, since without it the Service would be closed to whom it names, or open to all; so
 * is the annotation that had ranges before there was a field. A Service without a spec is accepted:
 * it is how addresses given earlier are saved (api/emit.h).
 */
#include "api/decode.h"
#include "base/limits.h"

#define LEGACY_PREFIX    "metallb.universe.tf/"
#define UNKNOWN_PORTS    "lodestone.io/unknown-ports"
#define RATE_LIMIT       "lodestone.io/rate-limit"
#define ROWS             "lodestone.io/rows"
#define MIN_ROWS         2048
#define MAX_ROWS         65536
#define MAX_RATE         100000000 /* packets a second, what bpf/rate.h counts exactly enough */
#define NEW_FLOWS        "lodestone.io/new-flows"
#define SOURCE_CHECK     "lodestone.io/source-check"
#define SOURCE_RANGES    "service.beta.kubernetes.io/load-balancer-source-ranges"
#define PROXY_LABEL      "service.kubernetes.io/service-proxy-name"
#define MAX_PORT         65535
#define AFFINITY_TIMEOUT 10800 /* the API server's default */
#define MAX_AFFINITY     86400

struct raw_port {
	const char *name;
	uint16_t port, node_port;
	int protocol;
	struct api_int_or_text target;
};

struct raw_ingress {
	struct ip_addr ip;
};

struct raw_service {
	const char *type, *cluster_ip, *lb_class;
	int policy_local, affinity, ip_family_policy;
	uint32_t affinity_timeout_s;
	uint16_t health_port;
	const struct raw_port *ports;
	size_t n_ports;
	struct ip_addr lb_ip;
	const struct ip_prefix *source_ranges;
	size_t n_source_ranges;
	const struct raw_ingress *ingress;
	size_t n_ingress;
	struct api_strings cluster_ips;
	const int *ip_families;
	size_t n_ip_families;
};

#define IN_RAW(m)         API_AT(struct raw_service, m)
#define IN_RAW_LIST(m, n) API_LIST_AT(struct raw_service, m, n)

static const struct api_word protocol_words[] = {
	{"TCP", API_TCP},
	{"UDP", API_UDP},
	{"SCTP", API_SCTP},
	{NULL, 0},
};
static const struct api_word policy_words[] = {{"Cluster", false}, {"Local", true}, {NULL, 0}};
static const struct api_word affinity_words[] = {{"None", false}, {"ClientIP", true}, {NULL, 0}};
enum family_policy { NOT_SAID, SINGLE_STACK, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK };
static const struct api_word family_policy_words[] = {
	{"SingleStack", SINGLE_STACK},
	{"PreferDualStack", PREFER_DUAL_STACK},
	{"RequireDualStack", REQUIRE_DUAL_STACK},
	{NULL, 0},
};
static const struct api_word family_words[] = {{"IPv4", IP_V4}, {"IPv6", IP_V6}, {NULL, 0}};

static const struct api_field port_fields[] = {
	{.name = "name", .type = API_TYPE_STRING, API_AT(struct raw_port, name)},
	{.name = "port",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = MAX_PORT,
	 API_AT(struct raw_port, port),
	 .required = API_ALL},
	{.name = "nodePort",
	 .type = API_TYPE_INT,
	 .max = MAX_PORT,
	 API_AT(struct raw_port, node_port)},
	{.name = "protocol",
	 .type = API_TYPE_ENUM,
	 .words = protocol_words,
	 API_AT(struct raw_port, protocol)},
	{.name = "targetPort",
	 .type = API_TYPE_INT_OR_TEXT,
	 .max = MAX_PORT,
	 API_AT(struct raw_port, target)},
};
static const struct raw_port port_defaults = {.name = "", .protocol = API_TCP};
static const struct api_table port_table =
	API_TABLE(struct raw_port, port_fields, .defaults = &port_defaults);

static const struct api_field client_ip_fields[] = {
	{.name = "timeoutSeconds",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = MAX_AFFINITY,
	 IN_RAW(affinity_timeout_s)},
};
static const struct api_table client_ip_table = API_TABLE(struct raw_service, client_ip_fields);
static const struct api_field affinity_fields[] = {
	{.name = "clientIP", .type = API_TYPE_STRUCT, .table = &client_ip_table},
};
static const struct api_table affinity_table = API_TABLE(struct raw_service, affinity_fields);

static const struct api_field spec_fields[] = {
	{.name = "type", .type = API_TYPE_STRING, .flags = API_FIELD_NOT_KEPT, IN_RAW(type)},
	{.name = "selector", .type = API_TYPE_ANY},
	{.name = "clusterIP",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_NOT_KEPT,
	 IN_RAW(cluster_ip)},
	{.name = "loadBalancerClass", .type = API_TYPE_STRING, IN_RAW(lb_class)},
	{.name = "externalTrafficPolicy",
	 .type = API_TYPE_ENUM,
	 .words = policy_words,
	 IN_RAW(policy_local)},
	{.name = "healthCheckNodePort", .type = API_TYPE_INT, .max = MAX_PORT, IN_RAW(health_port)},
	{.name = "sessionAffinity",
	 .type = API_TYPE_ENUM,
	 .words = affinity_words,
	 IN_RAW(affinity)},
	{.name = "sessionAffinityConfig", .type = API_TYPE_STRUCT, .table = &affinity_table},
	{.name = "ports",
	 .type = API_TYPE_STRUCT,
	 .table = &port_table,
	 IN_RAW_LIST(ports, n_ports)},
	{.name = "loadBalancerIP", .type = API_TYPE_ADDRESS, IN_RAW(lb_ip)},
	{.name = "loadBalancerSourceRanges",
	 .type = API_TYPE_PREFIX,
	 IN_RAW_LIST(source_ranges, n_source_ranges)},
	{.name = "clusterIPs",
	 .type = API_TYPE_STRING,
	 .flags = API_FIELD_NOT_KEPT,
	 IN_RAW_LIST(cluster_ips.items, cluster_ips.n)},
	{.name = "ipFamilies",
	 .type = API_TYPE_ENUM,
	 .words = family_words,
	 IN_RAW_LIST(ip_families, n_ip_families)},
	{.name = "ipFamilyPolicy",
	 .type = API_TYPE_ENUM,
	 .words = family_policy_words,
	 IN_RAW(ip_family_policy)},
};
static const struct api_table spec_table = API_TABLE(struct raw_service, spec_fields);

/* An ingress may hold a host name alone. */
static const struct api_field ingress_fields[] = {
	{.name = "ip", .type = API_TYPE_ADDRESS, API_AT(struct raw_ingress, ip)},
};
static const struct api_table ingress_table = API_TABLE(struct raw_ingress, ingress_fields);
static const struct api_field balancer_fields[] = {
	{.name = "ingress",
	 .type = API_TYPE_STRUCT,
	 .table = &ingress_table,
	 IN_RAW_LIST(ingress, n_ingress)},
};
static const struct api_table balancer_table = API_TABLE(struct raw_service, balancer_fields);
static const struct api_field status_fields[] = {
	{.name = "loadBalancer", .type = API_TYPE_STRUCT, .table = &balancer_table},
};
static const struct api_table status_table = API_TABLE(struct raw_service, status_fields);

static const struct api_field service_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &spec_table},
	{.name = "status", .type = API_TYPE_STRUCT, .table = &status_table},
};
static const struct raw_service service_defaults = {.affinity_timeout_s = AFFINITY_TIMEOUT};
static const struct api_table service_table =
	API_TABLE(struct raw_service, service_fields, .defaults = &service_defaults);

/* One note an object, whatever the number of annotations (ruling 23). */
static void note_legacy_annotation(struct api_decoder *d, const struct labels *annotations)
{
	for (size_t i = 0; i < annotations->n; i++) {
		const char *key = annotations->items[i].key;

		if (strncmp(key, LEGACY_PREFIX, strlen(LEGACY_PREFIX)) != 0)
			continue;
		api_note(d, arena_printf(d->arena, "metadata.annotations[%s]", key),
			 "DeprecatedAnnotation",
			 arena_printf(d->arena, "write metallb.io/%s", key + strlen(LEGACY_PREFIX)),
			 "the prefix metallb.universe.tf/ is deprecated; it works on");
		return;
	}
}

/* KEP-2447: whoever is named there is to serve it, and nobody else. */
static void check_proxy(struct api_decoder *d, struct api_object *o)
{
	o->service.is_of_other_proxy = labels_get(&o->meta.labels, PROXY_LABEL) != NULL;
	if (o->service.is_of_other_proxy && o->service.is_load_balancer)
		api_note(d, "metadata.labels[" PROXY_LABEL "]", "OtherProxy",
			 "remove the label to have the Service served and announced",
			 "the label gives the Service to another proxy: it is left alone");
}

/* The API server takes one for type LoadBalancer with policy Local only. */
static void set_health_port(struct api_decoder *d, const struct raw_service *in,
			    struct api_service *s)
{
	if (in->policy_local)
		s->health_port = in->health_port;
	else if (in->health_port)
		api_note(d, "spec.healthCheckNodePort", "NoEffect",
			 "remove it, or write externalTrafficPolicy: Local",
			 "health checks ask for the endpoints of one node: with policy Cluster "
			 "nothing answers there");
}

/* The whole of the text is digits, and few enough of them. */
static bool parse_new_flows(const char *text, uint32_t *ret)
{
	uint32_t sum = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		sum = sum * 10 + (uint32_t)(*text - '0');
		if (sum > LIMIT_NEW_FLOWS)
			return false;
	}
	*ret = sum;
	return true;
}

static void set_new_flows(struct api_decoder *d, struct api_object *o)
{
	const char *value = labels_get(&o->meta.annotations, NEW_FLOWS);

	o->service.has_new_flows = value;
	if (value && !parse_new_flows(value, &o->service.new_flows))
		api_refuse(d, "metadata.annotations[" NEW_FLOWS "]", "BadValue",
			   "write how many a second, such as \"20000\", or \"0\" for any number",
			   "\"%s\" is no number from 0 to %u", value, LIMIT_NEW_FLOWS);
	if (!labels_get(&o->meta.annotations, SOURCE_CHECK))
		return;
	o->service.source_check =
		api_annotation_is_true(d, o, SOURCE_CHECK) ? API_CHECK_YES : API_CHECK_NO;
}

/* "5000", "200k" or "1M"; 0: neither. */
static int64_t rate_of(const char *text)
{
	const char unit = text[strspn(text, "0123456789")];
	const int64_t factor = unit == 'k' ? 1000 : unit == 'M' ? 1000000 : 1;
	int64_t ret = 0;

	if (*text == unit || (unit && (factor == 1 || text[strlen(text) - 1] != unit)))
		return 0;
	for (; *text != unit; text++) {
		ret = 10 * ret + (*text - '0');
		if (ret > MAX_RATE)
			return 0;
	}
	return ret * factor > MAX_RATE || (unit && text[1]) ? 0 : ret * factor;
}

static void set_rate_limit(struct api_decoder *d, struct api_object *o)
{
	const char *value = labels_get(&o->meta.annotations, RATE_LIMIT);

	if (!value)
		return;
	o->service.rate_limit = (uint32_t)rate_of(value);
	if (o->service.rate_limit == 0)
		api_refuse(d, "metadata.annotations[" RATE_LIMIT "]", "BadValue",
			   "write packets a second, from 1 to 100 million, such as \"5000\", "
			   "\"200k\" or \"1M\"; without a limit, remove the annotation",
			   "\"%s\" is no number of packets a second", value);
}

static void set_rows(struct api_decoder *d, struct api_object *o)
{
	uint32_t rows = 0;

	if (!api_annotation_number(d, o, ROWS, MIN_ROWS, MAX_ROWS, &rows))
		return;
	o->service.rows_log2 = (uint8_t)__builtin_ctz(rows);
	if (rows & (rows - 1))
		api_refuse(d, "metadata.annotations[" ROWS "]", "BadValue",
			   "write 2048, 4096, 8192, 16384, 32768 or 65536",
			   "%u rows is no power of two", rows);
}

/* One range of the annotation's, with blanks around it. */
static void add_range(struct api_decoder *d, const char *text, size_t len, struct ip_prefix *to)
{
	const char *range;

	for (; len && strchr(" \t", *text); len--)
		text++;
	while (len && strchr(" \t", text[len - 1]))
		len--;
	range = arena_printf(d->arena, "%.*s", (int)len, text);
	if (!ip_prefix_parse(range, to))
		api_refuse(d, "metadata.annotations[" SOURCE_RANGES "]", "BadPrefix",
			   "write prefixes such as 192.0.2.0/24, with commas between them",
			   "\"%s\" is not an IP prefix", range);
}

/* The field goes before the annotation, and an empty annotation is none, as for cloud providers. */
static void set_ranges(struct api_decoder *d, const struct raw_service *in, struct api_object *o)
{
	const char *text = labels_get(&o->meta.annotations, SOURCE_RANGES);
	struct ip_prefix *ranges;
	size_t n = 1;

	o->service.source_ranges = in->source_ranges;
	o->service.n_source_ranges = in->n_source_ranges;
	if (in->n_source_ranges || !text || text[strspn(text, " \t")] == '\0')
		return;
	for (const char *at = text; *at; at++)
		n += *at == ',';
	ranges = arena_array_of(d->arena, n, struct ip_prefix);
	for (size_t i = 0; i < n; i++) {
		const size_t len = strcspn(text, ",");

		add_range(d, text, len, &ranges[i]);
		text += len + 1;
	}
	o->service.source_ranges = ranges;
	o->service.n_source_ranges = n;
}

static void set_ports(struct api_decoder *d, const struct raw_service *in, struct api_service *s)
{
	struct api_service_port *ports =
		arena_array_of(d->arena, in->n_ports, struct api_service_port);

	for (size_t i = 0; i < in->n_ports; i++) {
		const struct raw_port *p = &in->ports[i];

		ports[i] = (struct api_service_port){
			.name = p->name,
			.port = p->port,
			.node_port = p->node_port,
			.protocol = (enum api_protocol)p->protocol,
			.target_name = p->target.text,
			.target_port = (uint16_t)p->target.number,
		};
	}
	s->ports = ports;
	s->n_ports = in->n_ports;
}

static bool same_port(const struct api_service_port *x, const struct api_service_port *y)
{
	return x->port == y->port && x->protocol == y->protocol;
}

/* Equal ones in the order of the list, so that the later one is told. */
static int port_cmp(const void *a, const void *b)
{
	const struct api_service_port *const *x = a, *const *y = b;

	if ((*x)->port != (*y)->port)
		return (*x)->port < (*y)->port ? -1 : 1;
	if ((*x)->protocol != (*y)->protocol)
		return (*x)->protocol < (*y)->protocol ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

static void check_ports(struct api_decoder *d, const struct api_service *s)
{
	const struct api_service_port **sorted =
		arena_array_of(d->scratch, s->n_ports, const struct api_service_port *);

	if (s->is_load_balancer && s->n_ports == 0)
		api_refuse(d, "spec.ports", "MissingField", "add a port",
			   "a Service of type LoadBalancer needs at least one port");
	for (size_t i = 0; i < s->n_ports; i++)
		sorted[i] = &s->ports[i];
	qsort(sorted, s->n_ports, sizeof(*sorted), port_cmp);
	for (size_t i = 1; i < s->n_ports; i++)
		if (sorted[i]->port != 0 && same_port(sorted[i - 1], sorted[i]))
			api_refuse(d,
				   arena_printf(d->arena, "spec.ports[%zu].port",
						(size_t)(sorted[i] - s->ports)),
				   "DuplicateItem", "remove one of them",
				   "port %u stands there twice for one protocol", sorted[i]->port);
}

static void set_ingress(struct api_decoder *d, const struct raw_service *in, struct api_service *s)
{
	struct ip_addr *ingress = arena_array_of(d->arena, in->n_ingress, struct ip_addr);

	for (size_t i = 0; i < in->n_ingress; i++)
		if (!ip_addr_is_none(&in->ingress[i].ip))
			ingress[s->n_ingress++] = in->ingress[i].ip;
	s->ingress = ingress;
}

static void add_family(struct api_families *to, enum ip_family family)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->items[i] == family)
			return;
	to->items[to->n++] = family;
}

/*
 * As the API server fills them in (KEP-563). The cluster's addresses say what a Service really has,
 * also where it prefers two families and the cluster has one; from a file there may be none.
 */
static void set_families(struct api_decoder *d, const struct raw_service *in, struct api_service *s)
{
	struct api_families *to = &s->families;
	const enum family_policy policy = (enum family_policy)in->ip_family_policy;
	struct ip_addr a;
	bool has_cluster;

	for (size_t i = 0; i < in->cluster_ips.n; i++)
		if (in->cluster_ips.items[i] && ip_addr_parse(in->cluster_ips.items[i], &a)) {
			add_family(to, ip_family_of(&a));
			s->cluster_ips[ip_family_of(&a)] = a;
		}
	has_cluster = to->n > 0;
	for (size_t i = 0; i < in->n_ip_families && !has_cluster; i++)
		add_family(to, (enum ip_family)in->ip_families[i]);
	to->all = policy == REQUIRE_DUAL_STACK || (policy == NOT_SAID && to->n > 1);
	if (policy == REQUIRE_DUAL_STACK || (policy == PREFER_DUAL_STACK && !has_cluster))
		for (enum ip_family f = 0; f < IP_N_FAMILIES; f++)
			add_family(to, f);
	if (policy != SINGLE_STACK)
		return;
	if (to->n == 0)
		add_family(to, IP_V4);
	if (to->n > 1)
		api_note(d, "spec.ipFamilies", "SingleStack",
			 "name one family, or write PreferDualStack or RequireDualStack",
			 "names two families, but ipFamilyPolicy is SingleStack: the first counts");
	to->n = 1;
}

/* The labels themselves nobody asks for, and of Services there are many: none is kept. */
static uint64_t pods_of(const struct api_decoder *d)
{
	const struct api_value *spec = api_value_get(d->root, "spec");
	const struct api_value *selector = spec ? api_value_get(spec, "selector") : NULL;

	return selector && selector->n > 0 ? selector->hash | 1 : 0;
}

/* What its routes say, before what the advertisements do. */
static void set_route(struct api_decoder *d, struct api_object *o)
{
	const struct api_wishes wishes = {
		.communities = api_annotation_list(d, o, "lodestone.io/communities"),
		.peers = api_annotation_list(d, o, "lodestone.io/peers"),
	};
	uint32_t prepend = 0;

	o->service.has_med =
		api_annotation_number(d, o, "lodestone.io/med", 0, UINT32_MAX, &o->service.med);
	if (api_annotation_number(d, o, "lodestone.io/prepend", 1, LIMIT_PREPEND, &prepend))
		o->service.prepend = (uint8_t)prepend;
	if (wishes.communities.n || wishes.peers.n)
		o->service.wishes = arena_memdup(d->arena, &wishes, sizeof(wishes));
}

static void finish_service(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_service *in = raw;
	struct api_service *s = &o->service;

	s->is_load_balancer = in->type && strcmp(in->type, "LoadBalancer") == 0;
	s->is_headless = in->cluster_ip && strcmp(in->cluster_ip, "None") == 0;
	s->lb_class = in->lb_class;
	s->policy_local = in->policy_local;
	s->pods = pods_of(d);
	set_health_port(d, in, s);
	s->affinity_client_ip = in->affinity;
	s->affinity_timeout_s = in->affinity_timeout_s;
	s->lb_ip = in->lb_ip;
	set_ranges(d, in, o);
	set_families(d, in, s);
	set_ports(d, in, s);
	set_ingress(d, in, s);
	check_ports(d, s);
	o->service.is_paused = api_annotation_is_true(d, o, "lodestone.io/pause");
	o->service.is_blackhole = api_annotation_is_true(d, o, "lodestone.io/blackhole");
	s->unknown_port = api_annotation_word(d, o, UNKNOWN_PORTS, api_unknown_port_words);
	s->forwarding = api_annotation_word(d, o, API_FORWARDING, api_forwarding_words);
	set_rate_limit(d, o);
	set_new_flows(d, o);
	set_rows(d, o);
	set_route(d, o);
	check_proxy(d, o);
	note_legacy_annotation(d, &o->meta.annotations);
}

static const char *const service_rules[] = {
	"Only Services of type LoadBalancer count that are not headless, of our class (--lb-class; without it those that have none), and not labelled service.kubernetes.io/service-proxy-name.",
	"A source range that cannot be read refuses the Service.",
	NULL,
};
static const struct api_annotation_row service_annotations[] = {
	{"metallb.io/ip-allocated-from-pool", "name of a pool",
	 "which pool the address in status is of, as MetalLB writes it"},
	{"metallb.io/address-pool", "name of a pool", "the only pool that its address may be of"},
	{"metallb.io/loadBalancerIPs", "addresses with commas, one of each family",
	 "the addresses that it asks for; not together with spec.loadBalancerIP"},
	{"metallb.io/allow-shared-ip", "a key", "Services of one key may share an address"},
	{"service.beta.kubernetes.io/load-balancer-source-ranges", "prefixes with commas",
	 "as spec.loadBalancerSourceRanges, where that is not set"},
	{"lodestone.io/pause", "true, false", "no connection begins"},
	{"lodestone.io/blackhole", "true, false",
	 "all packets to its addresses are dropped, and routers that ask for it (lodestone.io/rtbh "
	 "at the BGPPeer) are told to drop them (RFC 7999)"},
	{"lodestone.io/unknown-ports", "drop, reject, pass",
	 "what becomes of ports of its address that nobody has"},
	{API_FORWARDING, "auto, nat, dsr-l2, dsr-ipip, dsr-gue",
	 "how packets get to endpoints that are on no node, before what its pool says (dataplane.md)"},
	{"lodestone.io/new-flows", "0 to 16000000",
	 "entries for new flows a second; 0: any number"},
	{"lodestone.io/source-check", "true, false",
	 "beyond that, TCP only from sources that have proven that they are there"},
	{"lodestone.io/rate-limit", "1 to 100000000, also 200k, 1M",
	 "packets a second for its address"},
	{ROWS, "2048, 4096, 8192, 16384, 32768, 65536",
	 "rows of its table: more lose fewer flows where many backends change; unset: 2048"},
	{"lodestone.io/med", "0 to 4294967295",
	 "the MED of its routes, whatever advertisements say"},
	{"lodestone.io/communities", "communities with commas, also rt:, soo: and lb:",
	 "communities of its routes, beside those of advertisements"},
	{"lodestone.io/peers", "names of BGPPeers with commas",
	 "of those that advertisements name, the ones to tell"},
	{"lodestone.io/prepend", "1 to 10", "own AS numbers more in the path, on eBGP"},
	{0},
};

const struct api_schema api_schema_service = {
	.kind = API_SERVICE,
	.group = "",
	.versions = {"v1"},
	.table = &service_table,
	.default_ns = "default",
	.is_lenient = true,
	.finish = finish_service,
	.rules = service_rules,
	.annotations = service_annotations,
};
