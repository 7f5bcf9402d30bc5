// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BGPPeer, v1beta1 and v1beta2 (metallb.md 1.2; rulings 8 and 9). One set of rows serves both: a
 * row names the versions that have it. v1beta1 cannot tell a timer of 0 from none, so 0 is none
 * there.
 *
 * Timers are derived here: of two, the one not given follows from the other (RFC 4271 10: keepalive
 * is a third of hold), and with neither they are 90 s and 30 s. Hold 0 means no keepalives at all
 * (RFC 4271 4.2). Whether a password is a literal or the name of a Secret is the planner's question
 * (ruling 4).
 */
#include "api/decode.h"
#include "api/scalar.h"
#include "base/limits.h"
#include "base/nsec.h"

#include <assert.h>

#define ABSENT        (-1)
#define HOLD_S        90
#define KEEPALIVE_S   30
#define MIN_HOLD_S    3 /* RFC 4271 4.2 */
#define MAX_TIMER_S   UINT16_MAX
#define MAX_PORT      16384 /* MetalLB's ceiling */
#define BGP_PORT      179
#define MAX_IF_NAME   15 /* IFNAMSIZ without NUL */
#define MAX_HOPS      254
#define MAX_LLGR_S    0xffffff /* 24 bits, RFC 9494 3 */
#define MAX_VRF_TABLE 65534    /* a domain has 16 bits */
#define ANNOTATION    "lodestone.io/"

struct raw_peer {
	struct api_peer peer;
	struct ip_addr router_id;
	int64_t hold_ns, keepalive_ns, connect_ns;
	int dynamic_asn;
	bool disable_mp;
};

#define IN_PEER(m) API_AT(struct raw_peer, peer.m)
#define IN_RAW(m)  API_AT(struct raw_peer, m)

static const struct api_word dynamic_words[] = {
	{"internal", API_ASN_INTERNAL},
	{"external", API_ASN_EXTERNAL},
	{NULL, 0},
};

static const struct api_field secret_fields[] = {
	{.name = "name", .type = API_TYPE_STRING, IN_PEER(password_secret)},
	/* always MetalLB's own */
	{.name = "namespace", .type = API_TYPE_STRING, .flags = API_FIELD_IGNORED},
};
static const struct api_table secret_table = API_TABLE(struct raw_peer, secret_fields);

static const struct api_field spec_fields[] = {
	{.name = "myASN",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = UINT32_MAX,
	 IN_PEER(my_asn),
	 .required = API_ALL},
	{.name = "peerASN",
	 .type = API_TYPE_INT,
	 .max = UINT32_MAX,
	 IN_PEER(peer_asn),
	 .required = API_V1},
	{.name = "dynamicASN",
	 .type = API_TYPE_ENUM,
	 .words = dynamic_words,
	 IN_RAW(dynamic_asn),
	 .versions = API_V2},
	{.name = "localASN",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = UINT32_MAX,
	 IN_PEER(local_asn),
	 .versions = API_V2},
	{.name = "peerAddress", .type = API_TYPE_ADDRESS, IN_PEER(address), .required = API_V1},
	{.name = "interface",
	 .type = API_TYPE_STRING,
	 .max = MAX_IF_NAME,
	 IN_PEER(interface),
	 .versions = API_V2},
	{.name = "sourceAddress", .type = API_TYPE_ADDRESS, IN_PEER(source_address)},
	{.name = "peerPort",
	 .type = API_TYPE_INT,
	 .max = MAX_PORT, /* 0 = default */
	 IN_PEER(port),
	 .versions = API_V1},
	{.name = "peerPort",
	 .type = API_TYPE_INT,
	 .min = 1,
	 .max = MAX_PORT,
	 IN_PEER(port),
	 .versions = API_V2},
	{.name = "holdTime", .type = API_TYPE_DURATION, .max = MAX_TIMER_S, IN_RAW(hold_ns)},
	{.name = "keepaliveTime",
	 .type = API_TYPE_DURATION,
	 .max = MAX_TIMER_S,
	 IN_RAW(keepalive_ns)},
	{.name = "connectTime",
	 .type = API_TYPE_DURATION,
	 .min = 1,
	 .max = MAX_TIMER_S,
	 IN_RAW(connect_ns),
	 .versions = API_V2},
	{.name = "routerID",
	 .type = API_TYPE_ADDRESS,
	 .flags = API_FIELD_ANY_ADDRESS, /* RFC 6286 2.1 */
	 IN_RAW(router_id)},
	{.name = "nodeSelectors",
	 .type = API_TYPE_SELECTOR,
	 API_LIST_AT(struct raw_peer, peer.node_selectors.items, peer.node_selectors.n)},
	{.name = "password",
	 .type = API_TYPE_STRING,
	 .max = LIMIT_PASSWORD_BYTES,
	 IN_PEER(password)},
	{.name = "passwordSecret",
	 .type = API_TYPE_STRUCT,
	 .table = &secret_table,
	 .versions = API_V2},
	{.name = "bfdProfile", .type = API_TYPE_STRING, IN_PEER(bfd_profile)},
	{.name = "enableGracefulRestart",
	 .type = API_TYPE_BOOL,
	 IN_PEER(graceful_restart),
	 .versions = API_V2},
	{.name = "ebgpMultiHop", .type = API_TYPE_BOOL, IN_PEER(ebgp_multihop)},
	{.name = "vrf",
	 .type = API_TYPE_STRING,
	 .max = MAX_IF_NAME,
	 IN_PEER(vrf),
	 .versions = API_V2},
	{.name = "disableMP",
	 .type = API_TYPE_BOOL,
	 .flags = API_FIELD_NO_EFFECT,
	 IN_RAW(disable_mp),
	 .versions = API_V2},
	{.name = "dualStackAddressFamily",
	 .type = API_TYPE_BOOL,
	 IN_PEER(dual_stack),
	 .versions = API_V2},
};
static const struct api_table spec_table = API_TABLE(struct raw_peer, spec_fields);

static const struct api_field peer_fields[] = {
	API_OBJECT_ROWS,
	{.name = "spec", .type = API_TYPE_STRUCT, .table = &spec_table, .required = API_ALL},
	{.name = "status", .flags = API_FIELD_IGNORED},
};
static const struct raw_peer peer_defaults = {
	.hold_ns = ABSENT,
	.keepalive_ns = ABSENT,
	.connect_ns = ABSENT,
	.dynamic_asn = API_ASN_FIXED,
};
static const struct api_table peer_table =
	API_TABLE(struct raw_peer, peer_fields, .defaults = &peer_defaults);

static bool is_given(const struct api_decoder *d, const char *field)
{
	const struct api_value *spec = api_value_get(d->root, "spec");

	return spec && api_value_get(spec, field);
}

static void check_asn(struct api_decoder *d, const struct api_peer *p)
{
	bool is_ibgp =
		p->dynamic_asn == API_ASN_INTERNAL || (p->my_asn != 0 && p->peer_asn == p->my_asn);

	if (p->dynamic_asn == API_ASN_FIXED && p->peer_asn == 0 &&
	    !api_failed(d, "spec.dynamicASN"))
		api_refuse(d, "spec.peerASN", "MissingField", "set peerASN, or dynamicASN",
			   "%s, and dynamicASN is not set",
			   is_given(d, "peerASN") ? "is 0" : "is missing");
	if (p->dynamic_asn != API_ASN_FIXED && p->peer_asn != 0)
		api_refuse(d, "spec.dynamicASN", "Exclusive", "remove one of them",
			   "cannot be set together with peerASN");
	if (p->local_asn && is_ibgp)
		api_refuse(d, "spec.localASN", "Exclusive", "remove localASN",
			   "set for an iBGP peer, both of whose ends are in one AS");
	else if (p->local_asn && p->local_asn == p->peer_asn)
		api_refuse(d, "spec.localASN", "Exclusive", "choose another, or remove localASN",
			   "is peerASN, too: to the router the session would be within its AS");
	if (p->ebgp_multihop && is_ibgp)
		api_refuse(d, "spec.ebgpMultiHop", "Exclusive", "remove ebgpMultiHop",
			   "set for an iBGP peer, which may be any number of hops away");
}

static void check_address(struct api_decoder *d, const struct api_peer *p)
{
	bool has_address = !ip_addr_is_none(&p->address);

	if (has_address == !!p->interface && !api_failed(d, "spec.peerAddress") &&
	    !api_failed(d, "spec.interface"))
		api_refuse(d, has_address ? "spec.interface" : "spec.peerAddress",
			   has_address ? "Exclusive" : "MissingField",
			   has_address ? "remove one of them" : "set one of them",
			   has_address ? "cannot be set together with peerAddress"
				       : "neither peerAddress nor interface is set");
	if (has_address && !ip_addr_is_none(&p->source_address) &&
	    ip_addr_is_v4(&p->address) != ip_addr_is_v4(&p->source_address))
		api_refuse(d, "spec.sourceAddress", "FamilyMismatch",
			   "write an address of the same family as peerAddress",
			   "IPv4 and IPv6 cannot be mixed in one session");
	if (p->password && p->password_secret)
		api_refuse(d, "spec.passwordSecret", "Exclusive", "remove one of them",
			   "cannot be set together with password");
}

/* Whole seconds of a timer, ABSENT if it was not given (in v1beta1: also if it is 0). */
static int64_t timer_s(const struct api_decoder *d, int64_t ns)
{
	if (ns < 0 || (ns == 0 && d->version == API_V1))
		return ABSENT;
	return ns / (int64_t)NSEC_PER_SEC;
}

/* Ruling 8: "90" is taken for seconds, which only a strict reader minds. */
static void note_bare(const struct api_decoder *d, struct api_peer *p)
{
	static const struct {
		const char *name, *field;
	} timers[] = {{"holdTime", "spec.holdTime"},
		      {"keepaliveTime", "spec.keepaliveTime"},
		      {"connectTime", "spec.connectTime"}};
	const struct api_value *spec = api_value_get(d->root, "spec"), *v;

	for (size_t i = 0; spec && i < ARRAY_SIZE(timers) && !p->bare_timer; i++) {
		v = api_value_get(spec, timers[i].name);
		if (v && v->type == API_VALUE_SCALAR && v->is_plain && v->len > 0 &&
		    strspn(v->text, "0123456789") == v->len)
			p->bare_timer = timers[i].field;
	}
}

static void set_timers(struct api_decoder *d, const struct raw_peer *in, struct api_peer *p)
{
	int64_t hold = timer_s(d, in->hold_ns), keepalive = timer_s(d, in->keepalive_ns);

	if (hold == ABSENT && keepalive == ABSENT) {
		hold = HOLD_S;
		keepalive = KEEPALIVE_S;
	} else if (hold == ABSENT) {
		hold = keepalive * 3;
	} else if (keepalive == ABSENT) {
		keepalive = hold / 3;
	}
	if (api_failed(d, "spec.holdTime"))
		; /* nothing to compare with */
	else if (hold > MAX_TIMER_S)
		api_refuse(d, "spec.keepaliveTime", "OutOfRange", "set holdTime, or a shorter time",
			   "three times %llds is more than a hold time can be (65535s)",
			   (long long)keepalive);
	else if (hold != 0 && hold < MIN_HOLD_S)
		api_refuse(d, "spec.holdTime", "OutOfRange", "write 0, or 3s or more",
			   "is %llds, must be 0 or at least 3s (RFC 4271 4.2)", (long long)hold);
	else if (keepalive > hold)
		api_refuse(d, "spec.keepaliveTime", "OutOfRange", "write a third of holdTime",
			   "is %llds, longer than holdTime (%llds)", (long long)keepalive,
			   (long long)hold);
	/* What does not fit was refused, here or by its row. */
	assert(d->n_errors > 0 || (hold >= 0 && hold <= MAX_TIMER_S));
	assert(d->n_errors > 0 || (keepalive >= 0 && keepalive <= hold));
	assert(d->n_errors > 0 || hold == 0 || hold >= MIN_HOLD_S);
	p->hold_s = (uint16_t)hold;
	p->keepalive_s = (uint16_t)keepalive;
	if (in->connect_ns == ABSENT)
		return;
	if (in->connect_ns % (int64_t)NSEC_PER_SEC)
		api_refuse(d, "spec.connectTime", "BadDuration", "round it",
			   "must be whole seconds");
	assert(d->n_errors > 0 || in->connect_ns / (int64_t)NSEC_PER_SEC <= MAX_TIMER_S);
	p->connect_s = (uint16_t)(in->connect_ns / (int64_t)NSEC_PER_SEC);
}

/* "1" to "254"; 0: neither. */
static uint8_t hops_of(const char *text)
{
	unsigned hops = 0;

	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || hops > MAX_HOPS)
			return 0;
		hops = 10 * hops + (unsigned)(*at - '0');
	}
	return hops <= MAX_HOPS ? (uint8_t)hops : 0;
}

static void set_ttl_security(struct api_decoder *d, const struct api_object *o, struct api_peer *p)
{
	const char *value = labels_get(&o->meta.annotations, ANNOTATION "ttl-security");

	if (!value)
		return;
	p->ttl_security = hops_of(value);
	if (p->ttl_security == 0)
		api_refuse(
			d, "metadata.annotations[" ANNOTATION "ttl-security]", "BadValue",
			"write \"1\" for a router on the same link; without the check, remove the "
			"annotation",
			"\"%s\" is no number of hops from 1 to %d", value, MAX_HOPS);
}

/* As RFC 9234 4.1 names and numbers them: of this node, towards the router. */
static void set_role(struct api_decoder *d, const struct api_object *o, struct api_peer *p)
{
	static const struct {
		const char *word;
		uint8_t role;
	} roles[] = {{"provider", 0}, {"rs", 1}, {"rs-client", 2}, {"customer", 3}, {"peer", 4}};
	const char *value = labels_get(&o->meta.annotations, ANNOTATION "role");

	for (size_t i = 0; value && i < ARRAY_SIZE(roles); i++) {
		if (strcmp(value, roles[i].word) != 0)
			continue;
		p->has_role = true;
		p->role = roles[i].role;
	}
	if (value && !p->has_role)
		api_refuse(d, "metadata.annotations[" ANNOTATION "role]", "BadValue",
			   "write \"customer\" towards a provider or a router of one's own, "
			   "\"rs-client\" towards a route server, \"peer\", \"provider\" or "
			   "\"rs\"",
			   "\"%s\" is none of the roles of RFC 9234", value);
}

static void set_long_lived(struct api_decoder *d, const struct api_object *o, struct api_peer *p)
{
	const char *value = labels_get(&o->meta.annotations, ANNOTATION "llgr");
	int64_t ns = 0;

	if (!value)
		return;
	if (!api_parse_duration(value, &ns) || ns < (int64_t)NSEC_PER_SEC ||
	    ns / (int64_t)NSEC_PER_SEC > MAX_LLGR_S)
		api_refuse(d, "metadata.annotations[" ANNOTATION "llgr]", "BadDuration",
			   "write a duration such as \"1h\"",
			   "\"%s\" is no duration from 1s to %ds", value, MAX_LLGR_S);
	else
		p->llgr_s = (uint32_t)(ns / (int64_t)NSEC_PER_SEC);
}

static void set_pref_as(struct api_decoder *d, const struct api_object *o, struct api_peer *p)
{
	const char *value = labels_get(&o->meta.annotations, ANNOTATION "ebgp-local-pref");

	if (!value)
		return;
	for (const struct api_word *w = api_pref_as_words; w->text; w++)
		if (strcmp(value, w->text) == 0) {
			p->has_pref_as = true;
			p->pref_as = (enum api_pref_as)w->value;
		}
	if (!p->has_pref_as)
		api_refuse(d, "metadata.annotations[" ANNOTATION "ebgp-local-pref]", "BadValue",
			   "write \"none\", \"prepend\" or \"med\"",
			   "\"%s\" is neither none nor prepend nor med", value);
}

static uint8_t bfd_auth_type_of(const char *word, size_t len)
{
	static const char *const words[] = {"simple", "keyed-md5", "meticulous-keyed-md5",
					    "keyed-sha1", "meticulous-keyed-sha1"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return (uint8_t)(i + 1);
	return 0;
}

/* "0" to "255", up to a colon; the text behind that, NULL: it is none. */
static const char *parse_key_id(const char *text, uint8_t *ret)
{
	unsigned id = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9' && id <= UINT8_MAX; at++)
		id = 10 * id + (unsigned)(*at - '0');
	if (at == text || *at != ':' || id > UINT8_MAX)
		return NULL;
	*ret = (uint8_t)id;
	return at + 1;
}

/* TYPE:KEYID:SECRET */
static void set_bfd_auth(struct api_decoder *d, const struct api_object *o, struct api_peer *p)
{
	const char *value = labels_get(&o->meta.annotations, ANNOTATION "bfd-auth");
	const char *colon = value ? strchr(value, ':') : NULL, *secret = NULL;
	struct api_bfd_auth auth = {0};

	if (!value)
		return;
	if (colon) {
		auth.type = bfd_auth_type_of(value, (size_t)(colon - value));
		secret = parse_key_id(colon + 1, &auth.key_id);
	}
	auth.secret = secret;
	if (auth.type != 0 && secret && secret[0] != '\0')
		p->bfd_auth = auth;
	else
		api_refuse(d, "metadata.annotations[" ANNOTATION "bfd-auth]", "BadValue",
			   "write TYPE:KEYID:SECRET, such as "
			   "\"meticulous-keyed-sha1:1:NAME-OF-A-SECRET\"",
			   !colon || auth.type == 0
				   ? "begins with none of simple, keyed-md5, meticulous-keyed-md5, "
				     "keyed-sha1, meticulous-keyed-sha1"
			   : !secret ? "has no key id from 0 to 255 behind the type"
				     : "names no Secret behind the key id");
}

static void finish_peer(struct api_decoder *d, const void *raw, struct api_object *o)
{
	const struct raw_peer *in = raw;
	struct api_peer *p = &o->peer;

	*p = in->peer;
	p->dynamic_asn = (enum api_dynamic_asn)in->dynamic_asn;
	p->port = p->port ? p->port : BGP_PORT;
	if (p->interface && p->interface[0] == '\0') /* as absent */
		p->interface = NULL;
	check_asn(d, p);
	check_address(d, p);
	api_router_id(d, "spec.routerID", &in->router_id, &p->router_id);
	set_timers(d, in, p);
	note_bare(d, p);
	set_ttl_security(d, o, p);
	set_role(d, o, p);
	set_long_lived(d, o, p);
	set_pref_as(d, o, p);
	set_bfd_auth(d, o, p);
	p->bfd_strict = api_annotation_is_true(d, o, ANNOTATION "bfd-strict");
	p->listen = api_annotation_is_true(d, o, ANNOTATION "listen");
	p->rtbh = api_annotation_is_true(d, o, ANNOTATION "rtbh");
	p->max_prefixes = API_MAX_PREFIXES_DEFAULT;
	(void)api_annotation_number(d, o, ANNOTATION "max-prefixes", 1, LIMIT_ADJ_RIB_IN,
				    &p->max_prefixes);
	(void)api_annotation_number(d, o, ANNOTATION "create-vrf", 1, MAX_VRF_TABLE,
				    &p->create_vrf);
}

static const char *const peer_rules[] = {
	"One of peerAddress and interface is set. One of peerASN and dynamicASN is set.",
	"myASN equal to peerASN, or dynamicASN internal, is iBGP: then neither localASN nor ebgpMultiHop is set. localASN is not peerASN.",
	"peerPort is 179 unless it is set.",
	"Without holdTime and keepaliveTime they are 90s and 30s; of one alone the other is three times or a third of it. holdTime is 0 or 3s and more, keepaliveTime no longer than holdTime. In v1beta1 0 counts as unset. A number without a unit is taken for seconds.",
	"connectTime is of whole seconds.",
	"sourceAddress is of the family of peerAddress.",
	"password and passwordSecret exclude each other. A password that is the name of a Secret with the key password, or secretref:NAME, stands for that.",
	NULL,
};
static const struct api_annotation_row peer_annotations[] = {
	{"lodestone.io/ttl-security", "1 to 254",
	 "packets from a router that is more hops away are dropped (RFC 5082)"},
	{"lodestone.io/role", "customer, rs-client",
	 "the role that the OPEN says, on eBGP (RFC 9234)"},
	{"lodestone.io/llgr", "a duration, 1s to 16777215s",
	 "long-lived graceful restart (RFC 9494), with graceful restart only"},
	{"lodestone.io/ebgp-local-pref", "none, med, prepend",
	 "what localPref becomes on eBGP, in place of the setting"},
	{"lodestone.io/listen", "true, false", "the router may dial this node, too"},
	{"lodestone.io/rtbh", "true, false",
	 "the router is told of blackholes on demand: routes with the community BLACKHOLE (RFC 7999)"},
	{"lodestone.io/max-prefixes", "1 to 1000000",
	 "of its routes no more are accepted at the same time; 10000 unless it is said"},
	{"lodestone.io/create-vrf", "1 to 65534",
	 "the VRF that spec.vrf names is made with this table if it is not there"},
	{"lodestone.io/bfd-auth", "TYPE:KEYID:SECRET",
	 "BFD packets are signed with the key password of that Secret (RFC 5880 6.7); types: "
	 "simple, keyed-md5, meticulous-keyed-md5, keyed-sha1, meticulous-keyed-sha1"},
	{"lodestone.io/bfd-strict", "true, false",
	 "the session is not Established before BFD is Up (capability 74)"},
	{0},
};

const struct api_schema api_schema_peer = {
	.kind = API_BGP_PEER,
	.group = "metallb.io",
	.versions = {"v1beta1", "v1beta2"},
	.table = &peer_table,
	.default_ns = "",
	.finish = finish_peer,
	.rules = peer_rules,
	.annotations = peer_annotations,
};
