// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the plan says of itself. For random objects and failing sinks: an address is explained as on
 * its way to a peer exactly if the plan has that route for that peer; every other way names a
 * reason, which an independent look at the objects does not contradict; nothing of the plan is left
 * unexplained; and asking changes no plan (the fixture holds each against one that nobody asked).
 */
#include "plan/plan_explain.h"

#include "base/rng.h"
#include "fake/plan_fixture.h"
#include "plan/plan_reason.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_SERVICES = 6, N_STEPS = 24, N_SEEDS = 60 };

/* --- asking ------------------------------------------------------------------------------ */

static struct plan_explain ask(struct fixture *f, enum plan_explain_what what, const char *name)
{
	struct plan_explain ret = {.what = what, .ns = "default", .name = name};

	if (what == EXPLAIN_ADDRESS)
		assert_true(ip_addr_parse(name, &ret.addr));
	f->explain = &ret;
	fixture_plan(f);
	f->explain = NULL;
	return ret;
}

static const struct plan_way *way_to(const struct plan_explained *item, const char *peer)
{
	for (size_t i = 0; i < item->ways.n; i++)
		if (strcmp(item->ways.items[i].peer, peer) == 0)
			return &item->ways.items[i];
	return NULL;
}

static const char *failed_check(const struct plan_steps *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].reason)
			return s->items[i].reason;
	return NULL;
}

static const struct plan_step *step_of(const struct plan_steps *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].name && strcmp(s->items[i].name, name) == 0)
			return &s->items[i];
	return NULL;
}

/* --- the property ----------------------------------------------------------------------------- */

struct scenario {
	struct fixture *f;
	struct rng rng;
	char *texts[N_SERVICES]; /* of their endpoints; owned */
	unsigned *seen;          /* ways, by place of their reason in plan_reasons() */
};

static unsigned below(struct scenario *s, unsigned n)
{
	return (unsigned)rng_below(&s->rng, n);
}

static void put_advert(struct scenario *s, unsigned i)
{
	static const char *const peers[] = {"", ", peers: [p0]", ", peers: [p1, p2]",
					    ", peers: [nobody]"};
	static const char *const pools[] = {"", ", ipAddressPools: [four]",
					    ", ipAddressPools: [six, missing]"};
	static const char *const nodes[] = {
		"", "", ", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-a}}]",
		", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]"};
	static const char *const more[] = {"", ", aggregationLength: 24", ", aggregationLength: 16",
					   ", serviceSelectors: [{matchLabels: {app: a}}]",
					   ", communities: [unheard-of]"};
	char name[16], body[400];

	snprintf(name, sizeof(name), "a%u", i);
	snprintf(body, sizeof(body), "spec: {localPref: %u%s%s%s%s}", 100 * below(s, 3),
		 peers[below(s, 4)], pools[below(s, 3)], nodes[below(s, 4)], more[below(s, 5)]);
	if (below(s, 5))
		fixture_object(s->f, "BGPAdvertisement", name, "", body);
	else
		fixture_drop(s->f, "BGPAdvertisement", name);
}

static void put_peer(struct scenario *s, unsigned i)
{
	static const char *const more[] = {
		"",
		", dualStackAddressFamily: true",
		", passwordSecret: {name: missing}",
		", nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]",
		", vrf: red",
		", vrf: missing"};
	char name[16], body[300];

	snprintf(name, sizeof(name), "p%u", i);
	snprintf(body, sizeof(body), "spec: {myASN: 64512, peerASN: %u, peerAddress: %s%u%s}",
		 64512 + i % 2, i == 2 ? "fd00::" : "10.0.0.", i + 1, more[below(s, 6)]);
	if (below(s, 6))
		fixture_object(s->f, "BGPPeer", name, "", body);
	else
		fixture_drop(s->f, "BGPPeer", name);
}

static void put_service(struct scenario *s, unsigned i)
{
	static const char *const more[] = {
		"",
		", loadBalancerIP: 192.168.100.9",
		", loadBalancerIP: 10.9.9.9",
		", ipFamilies: [IPv6], ipFamilyPolicy: SingleStack",
		", ipFamilies: [IPv4, IPv6], ipFamilyPolicy: PreferDualStack",
		""};
	char name[16], body[300];

	snprintf(name, sizeof(name), "s%u", i);
	snprintf(body, sizeof(body),
		 "spec: {type: %s, externalTrafficPolicy: %s, ports: [{port: %u}]%s}",
		 below(s, 8) ? "LoadBalancer" : "ClusterIP", below(s, 2) ? "Local" : "Cluster",
		 80 + below(s, 2), more[below(s, 6)]);
	if (below(s, 6))
		fixture_object(s->f, "Service", name, below(s, 2) ? "labels: {app: a}" : "", body);
	else
		fixture_drop(s->f, "Service", name);
}

static void put_slice(struct scenario *s, unsigned i)
{
	static const char *const ends[] = {"", "10.244.0.5@node-a", "10.244.0.6@node-b",
					   "10.244.0.5@node-a 10.244.0.6@node-b",
					   "10.244.0.7@node-ax"};
	char name[16];

	snprintf(name, sizeof(name), "s%u", i);
	free(s->texts[i]);
	s->texts[i] = xstrdup(ends[below(s, 5)]);
	fixture_add_slice(s->f, name, s->texts[i]);
}

static void put_node(struct scenario *s)
{
	static const char *const labels[] = {
		"", "", ", node.kubernetes.io/exclude-from-external-load-balancers: x"};
	char meta[160];

	snprintf(meta, sizeof(meta), "labels: {kubernetes.io/hostname: node-a%s}",
		 labels[below(s, 3)]);
	fixture_object(s->f, "Node", "node-a", meta,
		       below(s, 6) ? ""
				   : "status: {conditions: [{type: NetworkUnavailable, "
				     "status: \"True\"}]}");
}

static void change(struct scenario *s)
{
	struct fixture *f = s->f;

	switch (below(s, 10)) {
	case 0:
	case 1:
		put_advert(s, below(s, 3));
		break;
	case 2:
		put_peer(s, below(s, 3));
		break;
	case 3:
	case 4:
		put_service(s, below(s, N_SERVICES));
		break;
	case 5:
		put_slice(s, below(s, N_SERVICES));
		break;
	case 6:
		put_node(s);
		break;
	case 7:
		f->store.fail_every = below(s, 3);
		f->store.fail_tests = below(s, 3) == 0;
		f->device_failure = below(s, 3) ? NULL : "taken by somebody else";
		f->synced = below(s, 5) != 0;
		f->settings.drained = f->settings.drain_told = below(s, 8) == 0;
		break;
	case 8:
		if (f->n_peers) {
			struct fixture_peer *p = &f->peers[below(s, (unsigned)f->n_peers)];

			p->down = !p->down;
			if (p->down)
				bgp_rib_session_down(p->rib);
			p->stuck = below(s, 2);
		}
		break;
	default:
		f->now += below(s, 20) * NSEC_PER_SEC;
		break;
	}
}

/* The plan's own word: a row that is no mere hold has the prefix for the peer. */
static bool has_route(const struct fixture *f, const struct ip_prefix *prefix, const char *peer)
{
	for (size_t i = 0; i < f->plan.n_routes; i++) {
		const struct plan_route *r = &f->plan.routes[i];

		if (r->hold || ip_prefix_cmp(&r->prefix, prefix) != 0)
			continue;
		for (size_t k = 0; k < f->plan.n_peers; k++)
			if (r->peers >> k & 1 && strcmp(f->plan.peers[k].key.name, peer) == 0)
				return true;
	}
	return false;
}

static const struct api_object *find(const struct fixture *f, enum api_kind kind, const char *ns,
				     const char *name)
{
	return world_find(f->world, kind, ns, name);
}

static bool names_peer(const struct api_advertisement *a, const char *peer)
{
	for (size_t i = 0; i < a->peers.n; i++)
		if (strcmp(a->peers.items[i], peer) == 0)
			return true;
	return a->peers.n == 0;
}

/* What an onlooker can tell of a reason from the objects alone. */
static void check_reason(struct scenario *s, const struct plan_explained *item,
			 const struct plan_way *w)
{
	const char *ends = s->texts[item->name[1] - '0'];
	const bool here = strstr(ends, "node-a") && !strstr(ends, "node-ax");

	if (strcmp(w->reason, "noEndpoints") == 0 || strcmp(w->reason, "noLocalEndpoints") == 0)
		assert_false(here && item->addr.b[0] == 0);
	if (strcmp(w->reason, "nodeDrained") == 0)
		assert_true(s->f->settings.drained);
	if (strcmp(w->reason, "sourcesIncomplete") == 0)
		assert_false(s->f->synced);
	if (strcmp(w->reason, "noIPAllocated") == 0)
		assert_true(ip_addr_is_none(&item->addr));
	if (strcmp(w->reason, "ipNotAllowed") == 0)
		assert_null(item->pool);
	assert_string_not_equal(w->reason, "tooManyCommunities");
	if (w->advertisement) {
		const struct api_object *a =
			find(s->f, API_BGP_ADVERTISEMENT, "metallb-system", w->advertisement);

		assert_non_null(a);
		assert_true(ip_prefix_has(&w->prefix, &item->addr));
		/* Else its last good version is in force. */
		assert_true(names_peer(&a->advertisement, w->peer) || s->f->ledger.n_good > 0);
	}
}

static void check_item(struct scenario *s, const struct plan_explained *item)
{
	struct fixture *f = s->f;
	const char *failed = failed_check(&item->checks);
	char text[IP_PREFIX_TEXT];

	assert_true(item->announced == (strcmp(item->reason, "announced") == 0));
	assert_true(item->announced == !failed);
	if (failed)
		assert_string_equal(failed, item->reason);
	for (size_t i = 0; i < f->plan.n_peers; i++)
		assert_non_null(way_to(item, f->plan.peers[i].key.name));
	for (size_t i = 0; i < item->ways.n; i++) {
		const struct plan_way *w = &item->ways.items[i];
		const bool planned = w->advertisement && has_route(f, &w->prefix, w->peer);

		assert_true(w->planned == planned);
		assert_true(w->announced == (strcmp(w->reason, "announced") == 0));
		s->seen[plan_reason_find(w->reason) - plan_reasons()]++;
		assert_true(w->message[0]);
		if (w->announced)
			assert_non_null(fixture_held(f, w->peer, ip_prefix_text(&w->prefix, text)));
		else
			check_reason(s, item, w);
	}
}

/* Each route of the plan is somebody's. */
static void cover(const struct fixture *f, const struct plan_explain *e, uint64_t *covered)
{
	for (size_t i = 0; i < e->n; i++)
		for (size_t k = 0; k < e->items[i].ways.n; k++) {
			const struct plan_way *w = &e->items[i].ways.items[k];

			for (size_t r = 0; w->planned && r < f->plan.n_routes; r++)
				for (size_t p = 0; p < f->plan.n_peers; p++)
					if (ip_prefix_cmp(&f->plan.routes[r].prefix, &w->prefix) ==
						    0 &&
					    strcmp(f->plan.peers[p].key.name, w->peer) == 0)
						covered[r] |= UINT64_C(1) << p;
		}
}

static void check_all(struct scenario *s)
{
	struct fixture *f = s->f;
	uint64_t covered[64] = {0};

	for (unsigned i = 0; i < N_SERVICES; i++) {
		const char name[] = {'s', (char)('0' + i), '\0'};
		const struct plan_explain e = ask(f, EXPLAIN_SERVICE, name);

		assert_true(e.found == !!find(f, API_SERVICE, "default", name));
		for (size_t k = 0; k < e.n; k++)
			check_item(s, &e.items[k]);
		cover(f, &e, covered);
	}
	assert_true(f->plan.n_routes <= 64);
	for (size_t r = 0; r < f->plan.n_routes; r++)
		if (!f->plan.routes[r].hold)
			assert_int_equal(f->plan.routes[r].peers & ~covered[r], 0);
}

/* Those that no random world here leads to are tried elsewhere, or cannot be a way's. */
static void check_seen(const unsigned *seen)
{
	static const char *const never[] = {"notLoadBalancer",     "conflictingAdvertisements",
					    "conntrackHoldsFlows", "dataPlaneLeaving",
					    "tooManyCommunities",  "communityUnknown",
					    "nodeAddress",         "ipNotAllowed",
					    "portConflict",        "nodeObserves"};

	for (const struct plan_reason *r = plan_reasons(); r->word; r++) {
		bool is_never = false;

		for (size_t i = 0; i < ARRAY_SIZE(never); i++)
			is_never |= strcmp(never[i], r->word) == 0;
		if (!is_never && seen[r - plan_reasons()] == 0)
			fail_msg("no random world led to %s", r->word);
	}
}

static void explained_is_what_is_planned(void **state)
{
	unsigned seen[64] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct scenario s = {.f = fixture_new(), .seen = seen};

		print_message("seed %lu\n", (unsigned long)seed);
		rng_seed(&s.rng, seed);
		fixture_add_vrf(s.f, 10, "red", 1000, 3);
		fixture_object(s.f, "IPAddressPool", "four", "",
			       "spec: {addresses: [192.168.100.0/24]}");
		fixture_object(s.f, "IPAddressPool", "six", "",
			       "spec: {addresses: [\"2001:db8::/120\"]}");
		fixture_object(s.f, "Node", "node-b", "labels: {kubernetes.io/hostname: node-b}",
			       "");
		for (unsigned i = 0; i < N_SERVICES; i++) {
			put_service(&s, i);
			put_slice(&s, i);
		}
		for (unsigned i = 0; i < 3; i++) {
			put_peer(&s, i);
			put_advert(&s, i);
		}
		for (unsigned i = 0; i < N_STEPS; i++) {
			change(&s);
			check_all(&s);
			(void)fixture_apply(s.f);
		}
		fixture_free(s.f);
		for (unsigned i = 0; i < N_SERVICES; i++)
			free(s.texts[i]);
	}
	check_seen(seen);
}

/* --- by hand ---------------------------------------------------------------------------------- */

static void a_service_says_each_check(void **state)
{
	struct fixture *f = fixture_announced();
	struct plan_explain e = ask(f, EXPLAIN_SERVICE, "web");
	const struct plan_explained *item = &e.items[0];

	(void)state;
	assert_true(e.found);
	assert_int_equal(e.n, 1);
	assert_true(item->announced);
	assert_string_equal(item->pool, "pool-a");
	assert_string_equal(item->checks.items[0].message,
			    "no node or router is reached by the address");
	assert_string_equal(item->checks.items[1].message, "a pool holds the address");
	assert_null(failed_check(&item->checks));
	assert_int_equal(item->ways.n, 1);
	assert_true(item->ways.items[0].announced);
	assert_string_equal(item->ways.items[0].peer, "r1");
	e = ask(f, EXPLAIN_SERVICE, "nobody");
	assert_false(e.found);
	fixture_add_slice(f, "web", "10.244.0.5@node-b");
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_string_equal(failed_check(&e.items[0].checks), "noLocalEndpoints");
	assert_string_equal(way_to(&e.items[0], "r1")->reason, "noLocalEndpoints");
	fixture_object(f, "Service", "inside", "", "spec: {type: ClusterIP, ports: [{port: 80}]}");
	e = ask(f, EXPLAIN_SERVICE, "inside");
	assert_true(e.found && e.n == 0);
	assert_string_equal(failed_check(&e.steps), "notLoadBalancer");
	fixture_free(f);
}

static void advertisements_say_why_they_do_not_count(void **state)
{
	struct fixture *f = fixture_announced();
	struct plan_explain e;
	const struct plan_steps *adverts;

	(void)state;
	fixture_object(f, "BGPAdvertisement", "elsewhere", "",
		       "spec: {nodeSelectors: [{matchLabels: {kubernetes.io/hostname: b}}]}");
	fixture_object(f, "BGPAdvertisement", "other", "", "spec: {ipAddressPools: [other]}");
	fixture_object(f, "BGPAdvertisement", "bad", "", "spec: {communities: [no-such]}");
	fixture_object(f, "BGPAdvertisement", "choosy", "",
		       "spec: {serviceSelectors: [{matchLabels: {app: x}}]}");
	e = ask(f, EXPLAIN_SERVICE, "web");
	adverts = &e.items[0].adverts;
	assert_string_equal(step_of(adverts, "elsewhere")->reason, "notOwner");
	assert_string_equal(step_of(adverts, "other")->reason, "otherPool");
	assert_string_equal(step_of(adverts, "bad")->reason, "advertisementHeldBack");
	assert_string_equal(step_of(adverts, "choosy")->reason, "noMatchingAdvertisement");
	assert_true(e.items[0].announced);
	fixture_free(f);
}

static void other_nodes_are_told(void **state)
{
	struct fixture *f = fixture_announced();
	struct plan_explain e;

	(void)state;
	fixture_object(f, "Node", "node-a", "labels: {kubernetes.io/hostname: node-a}", "");
	fixture_object(f, "Node", "node-b", "labels: {kubernetes.io/hostname: node-b}", "");
	fixture_object(f, "Node", "node-c",
		       "labels: {kubernetes.io/hostname: node-c, "
		       "node.kubernetes.io/exclude-from-external-load-balancers: \"\"}",
		       "");
	fixture_object(f, "Node", "node-d", "annotations: {lodestone.io/drain: \"true\"}", "");
	fixture_object(f, "Node", "node-e", "", "");
	fixture_add_slice(f, "web",
			  "10.244.0.5@node-a 10.244.0.6@node-b 10.244.0.7@node-c "
			  "10.244.0.8@node-d");
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_int_equal(e.n_nodes, 4);
	assert_string_equal(e.nodes[0].name, "node-b");
	assert_true(e.nodes[0].announces);
	assert_int_equal(e.nodes[0].peers.n, 1);
	assert_string_equal(e.nodes[0].peers.items[0], "r1");
	assert_string_equal(e.nodes[1].reason, "nodeLabeledExcludeBalancers");
	assert_string_equal(e.nodes[2].reason, "nodeDrained");
	assert_string_equal(e.nodes[3].reason, "noLocalEndpoints");
	assert_int_equal(e.nodes[3].peers.n, 0);
	fixture_free(f);
}

static void many_nodes_are_left_out(void **state)
{
	struct fixture *f = fixture_announced();
	struct plan_explain e;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < PLAN_EXPLAIN_NODES + 3; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		fixture_object(f, "Node", name, "", "");
	}
	e = ask(f, EXPLAIN_SERVICE, "web");
	assert_int_equal(e.n_nodes, PLAN_EXPLAIN_NODES);
	assert_int_equal(e.n_nodes_left_out, 3);
	fixture_free(f);
}

static void an_address_says_whose_it_is(void **state)
{
	struct fixture *f = fixture_announced();
	struct plan_explain e = ask(f, EXPLAIN_ADDRESS, "192.168.100.0");

	(void)state;
	assert_true(e.found);
	assert_int_equal(e.n, 1);
	assert_string_equal(e.items[0].name, "web");
	assert_string_equal(step_of(&e.steps, "pool-a")->message, "holds it");
	assert_string_equal(step_of(&e.steps, "r1")->message,
			    "is to have the route 192.168.100.0/32");
	e = ask(f, EXPLAIN_ADDRESS, "192.168.100.7");
	assert_true(e.found && e.n == 0);
	assert_string_equal(failed_check(&e.steps), "noService");
	e = ask(f, EXPLAIN_ADDRESS, "10.0.0.10");
	assert_true(e.found);
	assert_string_equal(e.steps.items[0].reason, "nodeAddress");
	e = ask(f, EXPLAIN_ADDRESS, "203.0.113.1");
	assert_false(e.found);
	fixture_free(f);
}

static void a_peer_says_what_it_gets(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_explain e = ask(f, EXPLAIN_PEER, "r1");

	(void)state;
	assert_true(e.found);
	assert_string_equal(e.steps.items[1].message, "the session is Established");
	assert_int_equal(e.n, 1);
	assert_int_equal(e.items[0].ways.n, 1);
	fixture_peer(f, "r1")->down = true;
	bgp_rib_session_down(fixture_peer(f, "r1")->rib);
	fixture_peer(f, "r1")->last_error = "no route to host";
	e = ask(f, EXPLAIN_PEER, "r1");
	assert_string_equal(e.steps.items[1].message, "there is no session: no route to host");
	assert_string_equal(e.items[0].ways.items[0].reason, "noSession");
	assert_false(ask(f, EXPLAIN_PEER, "r9").found);
	fixture_object(f, "BGPPeer", "r9", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9}");
	e = ask(f, EXPLAIN_PEER, "r9");
	assert_string_equal(e.steps.items[1].message, "there is no session yet");
}

static void a_peer_without_a_session_says_why(void **state)
{
	static const struct {
		const char *body, *reason;
	} rows[] = {
		{"myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9, nodeSelectors: "
		 "[{matchLabels: {a: b}}]",
		 "notOwner"},
		{"myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.9, passwordSecret: {name: x}",
		 "peerHeldBack"},
		{"myASN: 64512, peerASN: 64999, peerAddress: 10.0.0.1", "duplicatePeer"},
		{"myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f = fixture_announced();
		char body[200];
		struct plan_explain e;

		snprintf(body, sizeof(body), "spec: {%s}", rows[i].body);
		fixture_object(f, "BGPPeer", "r2", "creationTimestamp: 2026-01-01T00:00:00Z", body);
		e = ask(f, EXPLAIN_PEER, "r2");
		assert_true(e.found);
		if (rows[i].reason)
			assert_string_equal(e.steps.items[0].reason, rows[i].reason);
		else
			assert_true(strstr(e.steps.items[0].message, "BGPPeer r1") &&
				    e.items[0].ways.n == 1);
		fixture_free(f);
	}
}

static void many_addresses_are_left_out(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct plan_explain e;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < PLAN_EXPLAIN_ADDRESSES + 1; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		fixture_add_service(f, name, "Local", "");
	}
	e = ask(f, EXPLAIN_PEER, "r1");
	assert_int_equal(e.n, PLAN_EXPLAIN_ADDRESSES);
	assert_int_equal(e.n_left_out, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_says_each_check),
		cmocka_unit_test(advertisements_say_why_they_do_not_count),
		cmocka_unit_test(other_nodes_are_told),
		cmocka_unit_test(many_nodes_are_left_out),
		cmocka_unit_test(an_address_says_whose_it_is),
		cmocka_unit_test(a_peer_says_what_it_gets),
		cmocka_unit_test(a_peer_without_a_session_says_why),
		cmocka_unit_test(many_addresses_are_left_out),
		cmocka_unit_test(explained_is_what_is_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
