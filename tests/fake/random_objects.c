// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
#include "fake/random_objects.h"

static unsigned below(struct random_set *s, unsigned n)
{
	return (unsigned)rng_below(&s->rng, n);
}

static const char *pick(struct random_set *s, const char *const *list, unsigned n)
{
	return list[below(s, n)];
}
#define PICK(s, list) pick((s), (list), ARRAY_SIZE(list))
/* Mostly the first, with which an object does what it is for. */
#define PICK_PLAIN(s, list) (below(s, 12) ? *(list) : PICK(s, list))

static const char *const selectors[] = {
	"{}",
	"{matchLabels: {app: a}}",
	"{matchExpressions: [{key: app, operator: Exists}]}",
	"{matchLabels: {kubernetes.io/hostname: node-a}}",
	"{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [node-b]}]}",
};

static void make_pool(struct random_set *s, struct random_object *m)
{
	static const char *const ranges[] = {"192.168.100.0/24", "192.168.100.128-192.168.101.5",
					     "10.0.0.0/30", "\"2001:db8::/120\"",
					     "192.168.200.7/32, \"2001:db8:1::/64\""};
	static const char *const more[] = {
		"", ", autoAssign: false", ", avoidBuggyIPs: true",
		", serviceAllocation: {priority: 3, namespaces: [default]}"};

	m->kind = "IPAddressPool";
	snprintf(m->body, sizeof(m->body), "spec: {addresses: [%s]%s}", PICK_PLAIN(s, ranges),
		 PICK_PLAIN(s, more));
}

static void make_peer(struct random_set *s, struct random_object *m)
{
	static const char *const more[] = {"",
					   ", dualStackAddressFamily: true",
					   ", password: word",
					   ", passwordSecret: {name: n0}",
					   ", bfdProfile: n1",
					   ", holdTime: 3s",
					   ", routerID: 10.9.9.9",
					   ", enableGracefulRestart: true"};

	m->kind = "BGPPeer";
	snprintf(m->body, sizeof(m->body),
		 "spec: {myASN: 64512, peerASN: %u, peerAddress: %s%u, nodeSelectors: [%s]%s}",
		 64512 + below(s, 2), below(s, 8) ? "10.0.0." : "fd00::", 1 + below(s, 3),
		 PICK_PLAIN(s, selectors), PICK_PLAIN(s, more));
}

static void make_advert(struct random_set *s, struct random_object *m)
{
	static const char *const more[] = {"",
					   ", aggregationLength: 24",
					   ", aggregationLength: 30, aggregationLengthV6: 64",
					   ", communities: [n0, no-export]",
					   ", communities: [\"64512:1\", alias]",
					   ", peers: [n0, n9]",
					   ", ipAddressPools: [n1]",
					   ", asPathPrepend: 2",
					   ", serviceSelectors: [{matchLabels: {app: a}}]"};

	m->kind = "BGPAdvertisement";
	snprintf(m->body, sizeof(m->body), "spec: {localPref: %u, nodeSelectors: [%s]%s}",
		 below(s, 3) * 100, PICK_PLAIN(s, selectors), below(s, 2) ? *more : PICK(s, more));
}

static void make_community(struct random_set *s, struct random_object *m)
{
	m->kind = "Community";
	snprintf(m->body, sizeof(m->body),
		 "spec: {communities: [{name: alias, value: \"64512:%u\"}, {name: b, value: %s}]}",
		 below(s, 2), below(s, 2) ? "no-advertise" : "\"large:1:2:3\"");
}

static void make_service(struct random_set *s, struct random_object *m)
{
	static const char *const more[] = {
		"",
		", loadBalancerIP: 192.168.100.7",
		", ipFamilies: [IPv6]",
		", ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv4, IPv6]",
		", sessionAffinity: ClientIP",
		", loadBalancerSourceRanges: [10.0.0.0/8]"};
	static const char *const notes[] = {"",
					    ", annotations: {metallb.io/allow-shared-ip: k}",
					    ", annotations: {metallb.io/address-pool: n0}",
					    ", annotations: {lodestone.io/med: \"5\"}",
					    ", annotations: {lodestone.io/prepend: \"3\"}",
					    ", annotations: {lodestone.io/communities: \"b\"}",
					    ", annotations: {lodestone.io/peers: n0}"};

	m->kind = "Service";
	snprintf(m->meta, sizeof(m->meta), "labels: {app: %c}%s", 'a' + below(s, 2),
		 below(s, 2) ? *notes : PICK(s, notes));
	snprintf(m->body, sizeof(m->body),
		 "spec: {type: %s, externalTrafficPolicy: %s, ports: [{port: %u, protocol: %s}]%s}",
		 below(s, 16) ? "LoadBalancer" : "ClusterIP", below(s, 2) ? "Local" : "Cluster",
		 80 + below(s, 2), below(s, 8) ? "TCP" : "UDP", PICK_PLAIN(s, more));
}

/* The name of an object of that kind, if there is one: what refers to it mostly hits. */
static const char *name_of(struct random_set *s, const char *kind)
{
	const char *ret = "n9";
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i].kind, kind) == 0 && below(s, ++n) == 0)
			ret = s->items[i].name;
	return ret;
}

static void make_slice(struct random_set *s, struct random_object *m)
{
	m->kind = "EndpointSlice";
	snprintf(m->meta, sizeof(m->meta), "labels: {kubernetes.io/service-name: %s}",
		 name_of(s, "Service"));
	snprintf(
		m->body, sizeof(m->body),
		"addressType: IPv4\nports: [{name: \"\", port: 8080, protocol: TCP}]\n"
		"endpoints: [{addresses: [10.244.0.%u], nodeName: node-%c, conditions: {ready: %s}}]",
		1 + below(s, 5), below(s, 4) ? 'a' : 'b' + below(s, 2),
		below(s, 8) ? "true" : "false");
}

static void make_config(struct random_set *s, struct random_object *m)
{
	static const char *const specs[] = {"strict: true", "dataplane: {mode: \"off\"}",
					    "bgp: {defaultLocalPref: 7, ebgpLocalPref: med}",
					    "bgp: {linkBandwidth: auto}, drainSeconds: 1"};

	m->kind = "LodestoneConfig";
	snprintf(m->name, sizeof(m->name), "%s", below(s, 2) ? "default" : "node-a");
	snprintf(m->body, sizeof(m->body), "spec: {%s}", PICK(s, specs));
}

static void name_node(struct random_set *s, struct random_object *m, unsigned which)
{
	m->kind = "Node";
	snprintf(m->name, sizeof(m->name), "node-%c", 'a' + which);
	snprintf(m->meta, sizeof(m->meta), "labels: {kubernetes.io/hostname: %s}", m->name);
	snprintf(m->body, sizeof(m->body),
		 "status: {addresses: [{type: InternalIP, address: %s%u}]}",
		 below(s, 8) ? "10.0.0." : "fd00::", 10 + which);
}

static void make_this_node(struct random_set *s, struct random_object *m)
{
	name_node(s, m, 0);
}

static void make_node(struct random_set *s, struct random_object *m)
{
	name_node(s, m, below(s, 3));
}

static void make_other(struct random_set *s, struct random_object *m)
{
	static const char *const kinds[] = {"Secret", "BFDProfile", "Namespace"};

	m->kind = PICK(s, kinds);
	if (strcmp(m->kind, "Secret") == 0)
		snprintf(m->body, sizeof(m->body), "stringData: {password: key}");
}

static void make_object(struct random_set *s, struct random_object *m)
{
	static void (*const makers[])(struct random_set *, struct random_object *) = {
		make_pool,    make_pool,    make_peer,  make_advert,    make_advert,
		make_service, make_slice,   make_slice, make_community, make_config,
		make_other,   make_service, make_node};

	/* Mostly there is something to announce, and a way to do it. */
	static void (*const first[])(struct random_set *, struct random_object *) = {
		make_pool,  make_peer,  make_advert, make_service,   make_service, make_slice,
		make_slice, make_slice, make_peer,   make_this_node, make_node};

	*m = (struct random_object){.kind = ""};
	snprintf(m->name, sizeof(m->name), "n%u", below(s, 4) ? below(s, 4) : 0);
	if (s->n < ARRAY_SIZE(first) && below(s, 16))
		first[s->n](s, m);
	else
		makers[below(s, ARRAY_SIZE(makers))](s, m);
}

struct random_set random_set(uint64_t seed)
{
	struct random_set s = {.n = 0};
	size_t n;

	rng_seed(&s.rng, seed);
	n = 8 + below(&s, RANDOM_OBJECTS_MAX - 8);
	for (size_t tries = 0; s.n < n && tries < 4 * n; tries++) {
		struct random_object *m = &s.items[s.n];
		bool is_new = true;

		make_object(&s, m);
		for (size_t i = 0; i < s.n; i++)
			is_new &= strcmp(s.items[i].kind, m->kind) != 0 ||
				  strcmp(s.items[i].name, m->name) != 0;
		s.n += is_new;
	}
	return s;
}

void random_put(struct fixture *f, const struct random_object *m)
{
	fixture_object(f, m->kind, m->name, m->meta, m->body);
}
