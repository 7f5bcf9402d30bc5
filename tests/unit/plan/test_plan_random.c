// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Random sets of objects of all kinds, thousands of them: whatever they are, the plan is made
 * and comes to rest, applying it twice does nothing, the order in which objects were read does not
 * matter, and an object that is wrong yields the plan of the rest, and of what it was when it was
 * right. That a plan made with a cache is the one from nothing the fixture checks after each.
 */
#include "base/rng.h"
#include "fake/plan_fixture.h"
#include "plan/plan_difference.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_SEEDS = 1000, N_OBJECTS_MAX = 20 };

struct made {
	const char *kind;
	char name[8], meta[200], body[400];
};
struct set {
	struct rng rng;
	struct made items[N_OBJECTS_MAX];
	size_t n;
};

static unsigned below(struct set *s, unsigned n)
{
	return (unsigned)rng_below(&s->rng, n);
}

static const char *pick(struct set *s, const char *const *list, unsigned n)
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

static void make_pool(struct set *s, struct made *m)
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

static void make_peer(struct set *s, struct made *m)
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

static void make_advert(struct set *s, struct made *m)
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

static void make_community(struct set *s, struct made *m)
{
	m->kind = "Community";
	snprintf(m->body, sizeof(m->body),
		 "spec: {communities: [{name: alias, value: \"64512:%u\"}, {name: b, value: %s}]}",
		 below(s, 2), below(s, 2) ? "no-advertise" : "\"large:1:2:3\"");
}

static void make_service(struct set *s, struct made *m)
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
static const char *name_of(struct set *s, const char *kind)
{
	const char *ret = "n9";
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->items[i].kind, kind) == 0 && below(s, ++n) == 0)
			ret = s->items[i].name;
	return ret;
}

static void make_slice(struct set *s, struct made *m)
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

static void make_config(struct set *s, struct made *m)
{
	static const char *const specs[] = {"strict: true", "dataplane: {mode: \"off\"}",
					    "bgp: {defaultLocalPref: 7, ebgpLocalPref: med}",
					    "bgp: {linkBandwidth: auto}, drainSeconds: 1"};

	m->kind = "LodestoneConfig";
	snprintf(m->name, sizeof(m->name), "%s", below(s, 2) ? "default" : "node-a");
	snprintf(m->body, sizeof(m->body), "spec: {%s}", PICK(s, specs));
}

static void name_node(struct set *s, struct made *m, unsigned which)
{
	m->kind = "Node";
	snprintf(m->name, sizeof(m->name), "node-%c", 'a' + which);
	snprintf(m->meta, sizeof(m->meta), "labels: {kubernetes.io/hostname: %s}", m->name);
	snprintf(m->body, sizeof(m->body),
		 "status: {addresses: [{type: InternalIP, address: %s%u}]}",
		 below(s, 8) ? "10.0.0." : "fd00::", 10 + which);
}

static void make_this_node(struct set *s, struct made *m)
{
	name_node(s, m, 0);
}

static void make_node(struct set *s, struct made *m)
{
	name_node(s, m, below(s, 3));
}

static void make_other(struct set *s, struct made *m)
{
	static const char *const kinds[] = {"Secret", "BFDProfile", "Namespace"};

	m->kind = PICK(s, kinds);
	if (strcmp(m->kind, "Secret") == 0)
		snprintf(m->body, sizeof(m->body), "stringData: {password: key}");
}

static void make_object(struct set *s, struct made *m)
{
	static void (*const makers[])(struct set *, struct made *) = {
		make_pool,    make_pool,    make_peer,  make_advert,    make_advert,
		make_service, make_slice,   make_slice, make_community, make_config,
		make_other,   make_service, make_node};

	/* Mostly there is something to announce, and a way to do it. */
	static void (*const first[])(struct set *, struct made *) = {
		make_pool,  make_peer,  make_advert, make_service,   make_service, make_slice,
		make_slice, make_slice, make_peer,   make_this_node, make_node};

	*m = (struct made){.kind = ""};
	snprintf(m->name, sizeof(m->name), "n%u", below(s, 4) ? below(s, 4) : 0);
	if (s->n < ARRAY_SIZE(first) && below(s, 16))
		first[s->n](s, m);
	else
		makers[below(s, ARRAY_SIZE(makers))](s, m);
}

/* One name once. */
static struct set make_set(uint64_t seed)
{
	struct set s = {.n = 0};
	size_t n;

	rng_seed(&s.rng, seed);
	n = 8 + below(&s, N_OBJECTS_MAX - 8);
	for (size_t tries = 0; s.n < n && tries < 4 * n; tries++) {
		struct made *m = &s.items[s.n];
		bool is_new = true;

		make_object(&s, m);
		for (size_t i = 0; i < s.n; i++)
			is_new &= strcmp(s.items[i].kind, m->kind) != 0 ||
				  strcmp(s.items[i].name, m->name) != 0;
		s.n += is_new;
	}
	return s;
}

/* Of the other nodes some answer. */
static struct fixture *new_fixture(uint64_t seed)
{
	struct fixture *f = fixture_new();

	f->remotes[0] = (struct plan_actual_remote){ip_addr_from_v4(0x0a00000b), seed % 4};
	f->remotes[1] = (struct plan_actual_remote){ip_addr_from_v4(0x0a00000c), seed / 4 % 4};
	f->n_remotes = 2;
	return f;
}

static void put(struct fixture *f, const struct made *m)
{
	fixture_object(f, m->kind, m->name, m->meta, m->body);
}

static void come_to_rest(struct fixture *f, uint64_t seed)
{
	if (fixture_converge(f, 50) == 50)
		fail_msg("seed %llu: never comes to rest", (unsigned long long)seed);
}

/* They are of two worlds. */
static const struct plan_peer *without_objects(struct arena *arena, const struct plan *p)
{
	struct plan_peer *ret = arena_memdup(arena, p->peers, p->n_peers * sizeof(*ret));

	for (size_t i = 0; i < p->n_peers; i++)
		ret[i].object = NULL;
	return ret;
}

/* But for problems, if they are not to be looked at. */
static const char *difference(const struct fixture *a, const struct fixture *b, bool problems)
{
	struct plan x = a->plan, y = b->plan;
	struct arena *arena = arena_new();
	const char *ret;

	x.peers = without_objects(arena, &x);
	y.peers = without_objects(arena, &y);
	if (!problems)
		x.problems = y.problems = (struct problems){0};
	ret = plan_difference(&(struct plan_result){&x, &a->ledger, a->deadline},
			      &(struct plan_result){&y, &b->ledger, b->deadline});
	arena_free(arena);
	return ret;
}

/* It has a target on another node. */
static bool tunnelled(const struct fixture *f)
{
	for (size_t i = 0; i < f->plan.n_frontends; i++)
		for (size_t k = 0; k < f->plan.frontends[i].lb.n_targets; k++)
			if (!ip_addr_is_none(&f->plan.frontends[i].lb.targets[k].node))
				return true;
	return false;
}

static void the_order_of_reading_does_not_matter(void **state)
{
	size_t n_announce = 0, n_frontends = 0, n_tunnelled = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct set s = make_set(seed);
		struct fixture *f = new_fixture(seed), *g = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			put(f, &s.items[i]);
			put(g, &s.items[s.n - 1 - i]);
		}
		come_to_rest(f, seed);
		come_to_rest(g, seed);
		what = difference(f, g, true);
		if (what)
			fail_msg("seed %llu: by order differs: %s", (unsigned long long)seed, what);
		fixture_plan(f);
		if (fixture_apply(f) != 0)
			fail_msg("seed %llu: applying twice does something",
				 (unsigned long long)seed);
		n_announce += f->plan.n_routes > 0;
		n_frontends += f->plan.n_frontends;
		n_tunnelled += tunnelled(f);
		fixture_free(f);
		fixture_free(g);
	}
	assert_true(n_announce > N_SEEDS / 2 && n_frontends > N_SEEDS);
	assert_true(n_tunnelled > N_SEEDS / 40);
}

/* What its decoder refuses, but can tell whose it is. */
static void put_bad(struct fixture *f, const struct made *m)
{
	fixture_object(f, m->kind, m->name, "creationTimestamp: yesterday", m->body);
}

static void a_bad_object_yields_the_plan_of_the_rest(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct set s = make_set(N_SEEDS + seed);
		const size_t bad = below(&s, (unsigned)s.n);
		struct fixture *f = new_fixture(seed), *rest = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			if (i == bad)
				put_bad(f, &s.items[i]);
			else
				put(f, &s.items[i]);
			if (i != bad)
				put(rest, &s.items[i]);
		}
		come_to_rest(f, seed);
		come_to_rest(rest, seed);
		what = difference(f, rest, false);
		if (what)
			fail_msg("seed %llu: with a bad %s differs: %s", (unsigned long long)seed,
				 s.items[bad].kind, what);
		assert_true(problems_count(world_problems(f->world), SEVERITY_ERROR) > 0);
		fixture_free(f);
		fixture_free(rest);
	}
}

/* It was right once: then the plan is that of the rest and of what it was. */
static void a_bad_object_that_was_right_goes_on_as_it_was(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS / 2; seed++) {
		struct set s = make_set(2 * N_SEEDS + seed);
		const size_t bad = below(&s, (unsigned)s.n);
		struct fixture *f = new_fixture(seed), *good = new_fixture(seed);
		const char *what;

		for (size_t i = 0; i < s.n; i++) {
			put(f, &s.items[i]);
			put(good, &s.items[i]);
		}
		come_to_rest(f, seed);
		put_bad(f, &s.items[bad]);
		come_to_rest(f, seed);
		come_to_rest(good, seed);
		what = difference(f, good, false);
		if (what)
			fail_msg("seed %llu: with a bad %s that was right differs: %s",
				 (unsigned long long)seed, s.items[bad].kind, what);
		assert_true(problems_count(world_problems(f->world), SEVERITY_ERROR) > 0);
		fixture_free(f);
		fixture_free(good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_reading_does_not_matter),
		cmocka_unit_test(a_bad_object_yields_the_plan_of_the_rest),
		cmocka_unit_test(a_bad_object_that_was_right_goes_on_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
