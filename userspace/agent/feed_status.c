// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What is told of this node in objects: which Services it announces to whom, how its sessions are,
 * and whether it could use its configuration; and by who allocates, of pools how full they are and
 * of users' objects whether they are in force. Fields and words are those of MetalLB and frr-k8s.
 */
#include "agent/agent.h"
#include "agent/feed_inside.h"
#include "agent/show_bfd.h"
#include "base/hash.h"
#include "sys/clock.h"

#include <inttypes.h>

#define COUNT_EVERY_NS (30 * NSEC_PER_SEC) /* how many routes there are is told so often */
#define START_NS       (10 * NSEC_PER_SEC) /* until then more may be announced than is yet */
#define SUMMARY_MAX    5                   /* errors of the configuration that are named */
#define NAME_BYTES     254

struct round {
	struct agent *a;
	struct agent_feed *f;
	struct arena *arena;
	char label[KUBE_LABEL_BYTES + 1];    /* the node's */
	bool has_length[IP_N_FAMILIES][129]; /* routes of it are planned */
};

static void report(struct round *r, enum kube_report what, const char *ns, const char *name,
		   cJSON *labels, cJSON *status)
{
	feed_report(r->f->reported, r->f, &(struct feed_object){what, ns, name}, labels, status);
}

/* --- Services --------------------------------------------------------------------------------- */

static void note_lengths(struct round *r)
{
	const struct plan *plan = &r->a->current->plan;

	for (size_t i = 0; i < plan->n_routes; i++) {
		const struct ip_prefix *p = &plan->routes[i].prefix;

		r->has_length[ip_family_of(&p->addr)][p->len] = true;
	}
}

/* Peers that a route of that very prefix goes to, as bits. */
static uint64_t peers_of_prefix(const struct plan *plan, const struct ip_prefix *prefix)
{
	size_t low = 0, high = plan->n_routes;
	uint64_t peers = 0;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (ip_prefix_cmp(&plan->routes[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < plan->n_routes && ip_prefix_cmp(&plan->routes[low].prefix, prefix) == 0; low++)
		peers |= plan->routes[low].peers;
	return peers;
}

/* By whichever route; as with MetalLB those who share an aggregate name the same. */
static uint64_t peers_of_vip(const struct round *r, const struct ip_addr *vip)
{
	const bool *has_length = r->has_length[ip_family_of(vip)];
	uint64_t peers = 0;

	for (unsigned len = 0; len <= 128; len++) {
		const struct ip_prefix prefix =
			has_length[len] ? ip_prefix_of(vip, (uint8_t)len) : (struct ip_prefix){0};

		if (has_length[len])
			peers |= peers_of_prefix(&r->a->current->plan, &prefix);
	}
	return peers;
}

static bool is_peer(const struct plan *plan, size_t i, uint64_t peers)
{
	return peers >> i & 1 &&
	       (i == 0 || !(peers >> (i - 1) & 1) ||
		strcmp(plan->peers[i].key.name, plan->peers[i - 1].key.name) != 0);
}

static uint64_t hash_peers(const struct plan *plan, uint64_t hash, uint64_t peers)
{
	for (size_t i = 0; i < plan->n_peers; i++)
		if (is_peer(plan, i, peers))
			hash = hash_str(hash, plan->peers[i].key.name);
	return hash;
}

static cJSON *service_labels(const struct round *r, const char *ns, const char *name)
{
	cJSON *labels = cJSON_CreateObject();

	cJSON_AddStringToObject(labels, "metallb.io/node", r->label);
	cJSON_AddStringToObject(labels, "metallb.io/service-name", name);
	cJSON_AddStringToObject(labels, "metallb.io/service-namespace", ns);
	return labels;
}

static cJSON *service_status(const struct round *r, const char *ns, const char *name,
			     uint64_t peers)
{
	const struct plan *plan = &r->a->current->plan;
	cJSON *status = cJSON_CreateObject(), *list;

	cJSON_AddStringToObject(status, "node", r->a->settings.node_name);
	cJSON_AddStringToObject(status, "serviceName", name);
	cJSON_AddStringToObject(status, "serviceNamespace", ns);
	list = cJSON_AddArrayToObject(status, "peers");
	for (size_t i = 0; i < plan->n_peers; i++)
		if (is_peer(plan, i, peers))
			cJSON_AddItemToArray(list, cJSON_CreateString(plan->peers[i].key.name));
	return status;
}

static void report_service(struct round *r, const char *ns, const char *name, uint64_t peers)
{
	uint64_t key = hash_str(hash_str(HASH_INIT, r->a->settings.node_name), ns);
	char object[NAME_BYTES];
	struct feed_object o = {KUBE_REPORT_SERVICE, r->a->settings.ns, object};

	key = hash_str(key, name);
	(void)snprintf(object, sizeof(object), "bgp-%016" PRIx64, key);
	if (feed_report_is_due(r->f->reported, r->f, &o,
			       hash_peers(&r->a->current->plan, key, peers)))
		feed_report_say(r->f->reported, r->f, &o, service_labels(r, ns, name),
				service_status(r, ns, name, peers));
}

/* It is an object of the API server. */
static bool is_clustered(const struct round *r, const struct world_list *services, size_t *at,
			 const struct plan_service *row)
{
	for (; *at < services->n; ++*at) {
		const struct api_object *o = services->items[*at];
		int cmp = strcmp(o->meta.ns ? o->meta.ns : "", row->ns);

		if (cmp == 0)
			cmp = strcmp(o->meta.name, row->name);
		if (cmp >= 0)
			return cmp == 0 &&
			       strncmp(o->meta.file, r->a->cluster, strlen(r->a->cluster)) == 0;
	}
	return false;
}

/* Rows of a Service are neighbours. */
static void report_services(struct round *r)
{
	const struct plan *plan = &r->a->current->plan;
	const struct world_list services = world_list(r->a->world, API_SERVICE);
	size_t at = 0;
	uint64_t peers = 0;
	bool announced = false;

	note_lengths(r);
	for (size_t i = 0; i < plan->n_services; i++) {
		const struct plan_service *s = &plan->services[i], *next = s + 1;

		if (s->announced) {
			peers |= peers_of_vip(r, &s->vip.addr);
			announced = true;
		}
		if (i + 1 < plan->n_services && strcmp(s->name, next->name) == 0 &&
		    strcmp(s->ns, next->ns) == 0)
			continue;
		if (announced && is_clustered(r, &services, &at, s))
			report_service(r, s->ns, s->name, peers);
		peers = 0;
		announced = false;
	}
}

/* --- sessions --------------------------------------------------------------------------------- */

/* Since when it is so, and how many routes there are as of the last half minute. */
static void update_session(struct feed_session *s, const struct bgp_peer_info *info, nsec_t now)
{
	const nsec_t at = info->state == BGP_ESTABLISHED ? info->established_at : NSEC_NEVER;
	const bool is_other = s->since_at != at;

	if (is_other) {
		char stamp[CLOCK_STAMP_BYTES];

		s->since_at = at;
		(void)snprintf(s->since, sizeof(s->since), "%.19sZ", clock_stamp(stamp));
	}
	if (!is_other && now < nsec_add(s->counted_at, COUNT_EVERY_NS))
		return;
	s->counted_at = now;
	s->advertised = info->routes_advertised;
	s->received = info->routes_received;
}

/* The steps of an attempt follow each other too fast to be told. */
static const char *session_text(const struct agent_peer *p, const struct bgp_peer_info *info)
{
	if (info->state == BGP_ESTABLISHED)
		return bgp_state_text(BGP_ESTABLISHED);
	return bgp_state_text(p->is_drained || p->is_held ? BGP_IDLE : BGP_ACTIVE);
}

static cJSON *session_labels(const struct agent_peer *p)
{
	cJSON *labels = cJSON_CreateObject();

	if (strlen(p->key.name) <= KUBE_LABEL_BYTES)
		cJSON_AddStringToObject(labels, "lodestone.io/peer", p->key.name);
	if (strlen(p->key.vrf) <= KUBE_LABEL_BYTES)
		cJSON_AddStringToObject(labels, "lodestone.io/vrf", p->key.vrf);
	return labels;
}

static void report_session(struct round *r, const struct agent_peer *p, nsec_t now)
{
	const struct bgp_peer_info info = bgp_peer_info(p->bgp);
	const char *bfd = show_bfd_state(r->a, p);
	uint64_t key = hash_str(hash_str(HASH_INIT, p->key.name), p->key.vrf);
	cJSON *status = cJSON_CreateObject();
	char object[NAME_BYTES];
	struct feed_session *s;

	(void)snprintf(object, sizeof(object), "%s-%016" PRIx64, r->label,
		       hash_str(key, p->key.interface));
	s = feed_reported_session(r->f->reported, &(struct feed_object){KUBE_REPORT_SESSION,
									r->a->settings.ns, object});
	update_session(s, &info, now);
	cJSON_AddStringToObject(status, "node", r->a->settings.node_name);
	cJSON_AddStringToObject(status, "peer", p->key.name);
	cJSON_AddStringToObject(status, "vrf", p->key.vrf);
	cJSON_AddStringToObject(status, "bgpStatus", session_text(p, &info));
	cJSON_AddStringToObject(status, "bfdStatus", strcmp(bfd, "None") == 0 ? "N/A" : bfd);
	cJSON_AddStringToObject(status, "since", s->since);
	cJSON_AddNumberToObject(status, "routesAdvertised", (double)s->advertised);
	cJSON_AddNumberToObject(status, "routesReceived", (double)s->received);
	cJSON_AddStringToObject(status, "lastError", info.last_error ? info.last_error : "");
	report(r, KUBE_REPORT_SESSION, r->a->settings.ns, object, session_labels(p), status);
}

/* --- the configuration ------------------------------------------------------------------------ */

static void add_condition(cJSON *status, const char *type, bool is_true, const char *reason,
			  const char *message)
{
	cJSON *list = cJSON_AddArrayToObject(status, "conditions");
	cJSON *condition = cJSON_CreateObject();

	cJSON_AddStringToObject(condition, "type", type);
	cJSON_AddStringToObject(condition, "status", is_true ? "True" : "False");
	cJSON_AddStringToObject(condition, "reason", reason);
	cJSON_AddStringToObject(condition, "message", message);
	cJSON_AddItemToArray(list, condition);
}

/* Objects that say what the programs are to do; of the allocator's, pools alone. */
static bool is_configuration(const struct problem *p, bool is_allocators)
{
	static const char *const all[] = {
		"IPAddressPool", "BGPPeer", "BGPAdvertisement", "Community",
		"BFDProfile",    "Secret",  "FRRConfiguration", "LodestoneConfig",
	};

	if (p->severity != SEVERITY_ERROR || !p->object.kind)
		return false;
	for (size_t i = 0; i < (is_allocators ? 1 : ARRAY_SIZE(all)); i++)
		if (strcmp(p->object.kind, all[i]) == 0)
			return true;
	return false;
}

/* The first errors, one behind the other; "": there are none. */
static const char *summary(struct round *r, bool is_allocators)
{
	const struct problems *problems = &r->a->current->problems;
	const char *text = "";
	size_t n = 0;

	for (size_t i = 0; i < problems->n; i++) {
		const struct problem *p = &problems->items[i];

		if (is_configuration(p, is_allocators) && n++ < SUMMARY_MAX)
			text = arena_printf(r->arena, "%s%s%s/%s: %s%s%s", text, n > 1 ? "; " : "",
					    p->object.kind, p->object.name ? p->object.name : "",
					    p->field ? p->field : "", p->field ? ": " : "",
					    p->message);
	}
	return n <= SUMMARY_MAX ? text
				: arena_printf(r->arena, "%s; and %zu more", text, n - SUMMARY_MAX);
}

static void report_configuration(struct round *r, bool is_allocators)
{
	const char *errors = summary(r, is_allocators);
	const bool is_valid = *errors == '\0';
	cJSON *labels = cJSON_CreateObject(), *status = cJSON_CreateObject();
	char object[NAME_BYTES];

	(void)snprintf(object, sizeof(object), "speaker-%s", r->label);
	cJSON_AddStringToObject(labels, "metallb.io/component-type",
				is_allocators ? "controller" : "speaker");
	if (!is_allocators)
		cJSON_AddStringToObject(labels, "metallb.io/node-name", r->label);
	cJSON_AddStringToObject(status, "result", is_valid ? "Valid" : "Invalid");
	cJSON_AddStringToObject(status, "errorSummary", errors);
	add_condition(status, is_allocators ? "poolReconcilerValid" : "configReconcilerValid",
		      is_valid, is_valid ? "Reconciled" : "ConfigurationError", errors);
	report(r, is_allocators ? KUBE_REPORT_ALLOCATOR : KUBE_REPORT_CONFIGURATION,
	       r->a->settings.ns, is_allocators ? "controller" : object, labels, status);
}

/* --- users' objects --------------------------------------------------------------------------- */

static const struct problem *error_of(const struct agent *a, const struct api_object *o)
{
	const struct problems *problems = &a->current->problems;
	const struct object_ref ref = api_object_ref(o);

	for (size_t i = 0; i < problems->n; i++) {
		const struct problem *p = &problems->items[i];

		if (p->severity == SEVERITY_ERROR && p->object.kind && p->object.name &&
		    strcmp(p->object.kind, ref.kind) == 0 && strcmp(p->object.name, ref.name) == 0)
			return p;
	}
	return NULL;
}

static void add_ready(struct round *r, const struct api_object *o, cJSON *status)
{
	const struct problem *p = error_of(r->a, o);

	add_condition(status, "Ready", !p, p ? p->reason : "Accepted",
		      p ? arena_printf(r->arena, "%s%s%s%s%s", p->field ? p->field : "",
				       p->field ? ": " : "", p->message, p->remedy ? "; " : "",
				       p->remedy ? p->remedy : "")
			: "");
}

static void add_count(cJSON *status, const char *key, uint64_t count)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64,
		       count < INT64_MAX ? (int64_t)count : INT64_MAX);
	cJSON_AddRawToObject(status, key, text);
}

/* IPv4 addresses up to this one that end so. */
static uint64_t ending(uint64_t address, unsigned octet)
{
	return (address + 256 - octet) / 256;
}

static uint64_t v4_number(const struct ip_addr *a)
{
	return (uint64_t)a->b[12] << 24 | (uint64_t)a->b[13] << 16 | (uint64_t)a->b[14] << 8 |
	       a->b[15];
}

/* Addresses of the range that a Service may be given. */
static uint64_t range_size(const struct ip_range *range, bool avoids_buggy)
{
	uint64_t size = ip_range_count(range), first, last;

	if (!avoids_buggy || !ip_addr_is_v4(&range->first))
		return size;
	first = v4_number(&range->first);
	last = v4_number(&range->last);
	for (unsigned octet = 0; octet <= 255; octet += 255)
		size -= ending(last, octet) - (first > 0 ? ending(first - 1, octet) : 0);
	return size;
}

static void add_use(const struct round *r, const struct api_object *o, cJSON *status)
{
	const struct plan_addresses *given = &r->a->current->addresses;
	uint64_t total[IP_N_FAMILIES] = {0}, used[IP_N_FAMILIES] = {0};

	for (size_t i = 0; i < o->pool.n_ranges; i++) {
		const struct ip_range *range = &o->pool.ranges[i];
		uint64_t *of = &total[ip_family_of(&range->first)];

		if (__builtin_add_overflow(*of, range_size(range, o->pool.avoid_buggy), of))
			*of = UINT64_MAX;
	}
	for (size_t i = 0; i < given->n; i++)
		used[ip_family_of(&given->items[i].addr)] +=
			strcmp(given->items[i].pool, o->meta.name) == 0;
	for (enum ip_family f = IP_V4; f < IP_N_FAMILIES; f++) {
		add_count(status, f == IP_V4 ? "assignedIPv4" : "assignedIPv6", used[f]);
		add_count(status, f == IP_V4 ? "availableIPv4" : "availableIPv6",
			  total[f] > used[f] ? total[f] - used[f] : 0);
	}
}

static void report_objects(struct round *r, enum api_kind kind, enum kube_report what)
{
	const struct world_list objects = world_list(r->a->world, kind);

	for (size_t i = 0; i < objects.n; i++) {
		const struct api_object *o = objects.items[i];
		cJSON *status;

		if (strncmp(o->meta.file, r->a->cluster, strlen(r->a->cluster)) != 0 || !o->meta.ns)
			continue;
		status = cJSON_CreateObject();
		if (kind == API_IP_ADDRESS_POOL)
			add_use(r, o, status);
		add_ready(r, o, status);
		report(r, what, o->meta.ns, o->meta.name, NULL, status);
	}
}

bool feed_status_report(struct agent *a, struct arena *arena, nsec_t now)
{
	struct round r = {.a = a, .f = a->feed, .arena = arena};

	(void)kube_node_label(a->settings.node_name, r.label);
	feed_reported_begin(r.f->reported);
	if (!a->current->plan.observes)
		report_services(&r);
	for (size_t i = 0; i < a->peers.n; i++)
		report_session(&r, a->peers.items[i], now);
	if (!a->current->plan.observes)
		report_configuration(&r, false);
	if (r.f->is_holder && !a->current->plan.stands_back) {
		report_configuration(&r, true);
		report_objects(&r, API_IP_ADDRESS_POOL, KUBE_REPORT_POOL);
		report_objects(&r, API_BGP_PEER, KUBE_REPORT_PEER);
		report_objects(&r, API_BGP_ADVERTISEMENT, KUBE_REPORT_ADVERTISEMENT);
	}
	return feed_reported_end(r.f->reported, r.f, now >= nsec_add(a->started_at, START_NS));
}
