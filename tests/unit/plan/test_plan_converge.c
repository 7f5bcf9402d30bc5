// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The property that carries the design (DESIGN 1, observe - compute - diff - apply): whatever
 * worlds came by, in whatever order sinks failed, the sinks reach in a few rounds exactly the state
 * that a node would reach which saw only the last world. On the way, at every step: a prefix is
 * announced to nobody new unless a VIP under it is programmed and tested, and no peer holds a route
 * to a VIP that was deleted; and an edit with an error moves nothing at all. Each run is repeated
 * from its seed, which a failure prints.
 */
#include "base/rng.h"
#include "base/strbuf.h"
#include "fake/plan_fixture.h"
#include "unit/rounds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { N_SERVICES = 8, N_PEERS = 3, N_ADVERTS = 3, N_STEPS = 40 };
#define N_SEEDS test_rounds(20)

/* --- random worlds ---------------------------------------------------------------------------- */

/* What the world holds, so that a second node can be shown the same. */
struct scenario {
	struct rng rng;
	struct fixture *f;
	char *texts[3][N_SERVICES]; /* kind, number: body or NULL; owned */
};
enum { ADVERT, SERVICE, SLICE };
static const char *const kinds[] = {"BGPAdvertisement", "Service", "EndpointSlice"};

static void name_of(unsigned number, char name[16])
{
	(void)snprintf(name, 16, "n%u", number);
}

static void put_text(struct fixture *f, unsigned kind, unsigned number, const char *text)
{
	char name[16], meta[64] = "";

	name_of(number, name);
	if (kind == SLICE)
		(void)snprintf(meta, sizeof(meta), "labels: {kubernetes.io/service-name: %s}",
			       name);
	fixture_object(f, kinds[kind], name, meta, text);
}

/* Takes over `text`; NULL: the object goes. */
static void put_object(struct scenario *s, unsigned kind, unsigned number, char *text)
{
	char name[16];

	name_of(number, name);
	free(s->texts[kind][number]);
	s->texts[kind][number] = text;
	if (text)
		put_text(s->f, kind, number, text);
	else
		fixture_drop(s->f, kinds[kind], name);
}

static unsigned below(struct scenario *s, unsigned n)
{
	return (unsigned)rng_below(&s->rng, n);
}

static char *random_advert(struct scenario *s)
{
	static const char *const peers[] = {"", ", peers: [p0]", ", peers: [p1, p2]"};
	static const unsigned lengths[] = {24, 28, 32, 32};
	char text[160];

	(void)snprintf(text, sizeof(text),
		       "spec: {aggregationLength: %u, localPref: %u, communities: [\"1:%u\"]%s}",
		       lengths[below(s, 4)], 100 * below(s, 3), below(s, 3), peers[below(s, 3)]);
	return xstrdup(text);
}

static char *random_service(struct scenario *s)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "spec: {type: LoadBalancer, externalTrafficPolicy: %s, ports: "
		       "[{name: a, port: %u, protocol: TCP}, {name: b, port: 90, protocol: UDP}]}",
		       below(s, 2) ? "Local" : "Cluster", 80 + below(s, 2));
	return xstrdup(text);
}

static char *random_slice(struct scenario *s)
{
	static const char *const conditions[] = {
		"", "", ", conditions: {ready: false, serving: true, terminating: true}",
		", conditions: {ready: false, serving: false}"};
	struct strbuf b;

	strbuf_init(&b, 1 << 16);
	strbuf_add(&b, "addressType: IPv4\nports: [{name: a, port: 8080, protocol: TCP}, "
		       "{name: b, port: 9090, protocol: UDP}]\nendpoints: [");
	for (unsigned i = 0; i < 4; i++)
		if (below(s, 2))
			strbuf_printf(&b, "{addresses: [10.244.0.%u], nodeName: node-%c%s}, ",
				      i + 1, below(s, 3) ? 'a' : 'b', conditions[below(s, 4)]);
	strbuf_add(&b, "]");
	return b.data; /* the buffer goes to the scenario */
}

static void mutate_sinks(struct scenario *s)
{
	struct fixture *f = s->f;

	switch (below(s, 5)) {
	case 0:
		f->store.fail_every = below(s, 4);
		break;
	case 1:
		f->store.fail_tests = below(s, 2);
		f->store.per_turn = below(s, 3);
		break;
	case 2:
		f->device_failure = below(s, 3) ? NULL : "taken by somebody else";
		break;
	case 3:
		f->synced = below(s, 4) != 0;
		break;
	default:
		if (f->n_peers)
			f->peers[below(s, (unsigned)f->n_peers)].stuck = below(s, 2);
		break;
	}
}

static void flap_peer(struct scenario *s)
{
	struct fixture_peer *p;

	if (s->f->n_peers == 0)
		return;
	p = &s->f->peers[below(s, (unsigned)s->f->n_peers)];
	p->down = !p->down;
	if (p->down)
		bgp_rib_session_down(p->rib);
}

static void mutate(struct scenario *s)
{
	const unsigned service = below(s, N_SERVICES);

	switch (below(s, 8)) {
	case 0:
		put_object(s, SERVICE, service, below(s, 3) ? random_service(s) : NULL);
		break;
	case 1:
	case 2:
	case 3:
		put_object(s, SLICE, service, below(s, 5) ? random_slice(s) : NULL);
		break;
	case 4:
		put_object(s, ADVERT, below(s, N_ADVERTS), below(s, 4) ? random_advert(s) : NULL);
		break;
	case 5:
		flap_peer(s);
		break;
	case 6:
		mutate_sinks(s);
		break;
	default:
		s->f->now += below(s, 30) * NSEC_PER_SEC;
		break;
	}
}

static void put_fixed_objects(struct fixture *f)
{
	static const char *const peers[N_PEERS] = {
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}",
		"spec: {myASN: 64512, peerASN: 64512, peerAddress: 10.0.0.1, vrf: red}",
		"spec: {myASN: 64512, peerASN: 64514, peerAddress: 10.0.0.3}",
	};
	static const char *const names[N_PEERS] = {"p0", "p1", "p2"};

	fixture_add_vrf(f, 10, "red", 1000, 3);
	for (unsigned i = 0; i < N_PEERS; i++)
		fixture_object(f, "BGPPeer", names[i], "", peers[i]);
	fixture_object(f, "IPAddressPool", "pool", "", "spec: {addresses: [192.168.100.0/24]}");
}

static struct scenario scenario_new(uint64_t seed)
{
	struct scenario s = {.f = fixture_new()};

	rng_seed(&s.rng, seed);
	put_fixed_objects(s.f);
	for (unsigned i = 0; i < N_SERVICES; i++) {
		put_object(&s, SERVICE, i, random_service(&s));
		put_object(&s, SLICE, i, random_slice(&s));
	}
	put_object(&s, ADVERT, 0, random_advert(&s));
	return s;
}

static void scenario_done(struct scenario *s)
{
	for (size_t kind = 0; kind < 3; kind++)
		for (size_t i = 0; i < N_SERVICES; i++)
			free(s->texts[kind][i]);
	fixture_free(s->f);
}

/* --- what must hold at every step ------------------------------------------------------------ */

/* In the peer's own VRF. */
static bool served(const struct fake_store *store, const struct plan_peer *peer,
		   const struct ip_prefix *prefix, bool tested)
{
	for (size_t i = 0; i < store->n; i++) {
		const struct fake_frontend *f = &store->items[i];

		if (f->key.port != 0 && ip_prefix_has(prefix, &f->key.addr) &&
		    f->key.domain == peer->domain && (f->tested || !tested))
			return true;
	}
	return false;
}

static bool has_route(const struct fixture_peer *p, const struct ip_prefix *prefix)
{
	struct bgp_rib_route route;
	size_t pos = 0;

	while (p && bgp_rib_next(p->rib, &pos, &route))
		if (ip_prefix_cmp(&route.prefix, prefix) == 0)
			return route.advertised;
	return false;
}

/* Before a plan is applied: what it newly announces is programmed and tested already. */
static bool only_served_routes_enter(struct fixture *f)
{
	for (size_t i = 0; i < f->plan.n_routes; i++) {
		const struct plan_route *r = &f->plan.routes[i];

		for (size_t k = 0; !r->hold && k < f->plan.n_peers; k++)
			if ((r->peers >> k & 1) &&
			    !has_route(fixture_peer(f, f->plan.peers[k].key.name), &r->prefix) &&
			    !served(&f->store, &f->plan.peers[k], &r->prefix, true))
				return false;
	}
	return true;
}

/* After it was applied: what peers hold leads to something that is programmed. */
static bool no_route_leads_nowhere(const struct fixture *f)
{
	for (size_t i = 0; i < f->n_peers; i++) {
		struct bgp_rib_route route;
		size_t pos = 0;

		while (bgp_rib_next(f->peers[i].rib, &pos, &route))
			if (route.advertised &&
			    !served(&f->store, fixture_plan_peer(f, f->peers[i].name),
				    &route.prefix, false))
				return false;
	}
	return true;
}

static bool step_holds(struct fixture *f)
{
	fixture_plan(f);
	if (!only_served_routes_enter(f))
		return false;
	fixture_apply(f);
	return no_route_leads_nowhere(f) && f->store.n_orphans == 0;
}

/* --- where it ends ---------------------------------------------------------------------------- */

/* Everything works again and time goes by, until nothing is left to do or to wait for. */
static bool comes_to_rest(struct fixture *f)
{
	/* The last drain began now at the latest; its frontend leaves after it. */
	const nsec_t end = f->now + PLAN_DRAIN_DEFAULT_NS + PLAN_UNHELD_NS;

	f->store.fail_every = 0;
	f->store.fail_tests = false;
	f->store.per_turn = 0;
	f->device_failure = NULL;
	f->synced = true;
	for (size_t i = 0; i < f->n_peers; i++)
		f->peers[i].down = f->peers[i].stuck = false;
	while (f->now <= end) {
		if (fixture_converge(f, 8) == 8)
			return false;
		if (f->deadline == NSEC_NEVER)
			return f->ledger.n_drains + f->ledger.n_leaving == 0;
		if (f->deadline <= f->now)
			return false; /* it asks to be woken for what is due already */
		f->now = f->deadline;
	}
	return false;
}

static bool same_stores(const struct fake_store *a, const struct fake_store *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (lb_key_cmp(&a->items[i].key, &b->items[i].key) != 0 ||
		    a->items[i].table != b->items[i].table ||
		    a->items[i].flags != b->items[i].flags)
			return false;
	return true;
}

static bool same_ribs(const struct bgp_rib *a, const struct bgp_rib *b)
{
	struct bgp_rib_route x = {0}, y = {0};
	size_t at_a = 0, at_b = 0;

	while (bgp_rib_next(a, &at_a, &x))
		if (!bgp_rib_next(b, &at_b, &y) || ip_prefix_cmp(&x.prefix, &y.prefix) != 0 ||
		    !x.advertised || !y.advertised ||
		    bgp_attrs_cmp(x.advertised, y.advertised) != 0)
			return false;
	return !bgp_rib_next(b, &at_b, &y);
}

static bool same_end(struct fixture *a, struct fixture *b)
{
	if (!same_stores(&a->store, &b->store) || a->n_peers != b->n_peers)
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!same_ribs(a->peers[i].rib, fixture_peer(b, a->peers[i].name)->rib))
			return false;
	return true;
}

/* A node that never saw anything but the scenario's last world. */
static struct fixture *fresh_node(const struct scenario *s)
{
	struct fixture *f = fixture_new();

	put_fixed_objects(f);
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned i = 0; i < N_SERVICES; i++)
			if (s->texts[kind][i])
				put_text(f, kind, i, s->texts[kind][i]);
	return f;
}

static void random_histories_end_where_a_fresh_node_ends(void **state)
{
	size_t n_routes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct scenario s = scenario_new(seed);
		struct fixture *fresh;

		for (unsigned step = 0; step < N_STEPS; step++) {
			mutate(&s);
			if (!step_holds(s.f))
				fail_msg("seed %llu: broken at step %u", (unsigned long long)seed,
					 step);
		}
		fresh = fresh_node(&s);
		if (!comes_to_rest(s.f) || !comes_to_rest(fresh))
			fail_msg("seed %llu: never comes to rest", (unsigned long long)seed);
		if (!same_end(s.f, fresh))
			fail_msg("seed %llu: ends elsewhere", (unsigned long long)seed);
		n_routes += s.f->plan.n_routes;
		fixture_free(fresh);
		scenario_done(&s);
	}
	assert_true(n_routes > N_SEEDS); /* the worlds were not all empty */
}

/* All objects that come and go, as one text; the caller's to free. */
static char *last_world(const struct scenario *s)
{
	struct strbuf b;

	strbuf_init(&b, 1 << 20);
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned i = 0; i < N_SERVICES; i++)
			strbuf_printf(&b, "%s\n", s->texts[kind][i] ? s->texts[kind][i] : "none");
	return b.data;
}

/* Whichever call fails, the last world is the same, and so is the node that saw nothing else. */
static void every_single_failing_call_is_made_good(void **state)
{
	/* A history half as long has half as many calls. */
	const unsigned n_steps = test_rounds(N_STEPS / 2) < N_STEPS ? N_STEPS / 2 : N_STEPS;
	struct fixture *fresh = NULL;
	char *last = NULL;
	size_t n_calls = 1;

	(void)state;
	for (size_t n = 1; n <= n_calls; n++) {
		struct scenario s = scenario_new(7);
		char *text;

		s.f->store.fail_at = n;
		for (unsigned step = 0; step < n_steps; step++) {
			mutate(&s);
			s.f->store.fail_every = 0;
			if (!step_holds(s.f))
				fail_msg("call %zu failed: broken at step %u", n, step);
		}
		text = last_world(&s);
		if (!fresh) {
			fresh = fresh_node(&s);
			last = xstrdup(text);
			assert_true(comes_to_rest(fresh));
		}
		assert_string_equal(text, last);
		if (!comes_to_rest(s.f) || !same_end(s.f, fresh))
			fail_msg("call %zu failed: ends elsewhere", n);
		n_calls = s.f->store.n_calls;
		free(text);
		scenario_done(&s);
	}
	assert_true(n_calls > N_SERVICES * 4);
	fixture_free(fresh);
	free(last);
}

/* Removing Services at random times: no /32 is ever held by a peer without its frontend. */
static void random_removal_never_deletes_what_a_peer_still_routes_to(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct scenario s = scenario_new(seed);

		put_object(&s, ADVERT, 0, xstrdup("spec: {}"));
		fixture_converge(s.f, 10);
		for (unsigned i = 0; i < N_SERVICES; i++) {
			struct fixture_peer *p = &s.f->peers[below(&s, N_PEERS)];

			put_object(&s, SERVICE, i, NULL);
			p->stuck = !p->stuck;
			if (!step_holds(s.f))
				fail_msg("seed %llu: broken", (unsigned long long)seed);
			s.f->now += below(&s, 4) * NSEC_PER_SEC;
		}
		if (!comes_to_rest(s.f) || s.f->store.n != 0)
			fail_msg("seed %llu: something stays", (unsigned long long)seed);
		scenario_done(&s);
	}
}

/* --- edits with errors ------------------------------------------------------------------------ */

static bool same_routes(const struct plan *a, const struct plan *b)
{
	if (a->n_routes != b->n_routes)
		return false;
	for (size_t i = 0; i < a->n_routes; i++) {
		const struct plan_route *x = &a->routes[i], *y = &b->routes[i];

		if (ip_prefix_cmp(&x->prefix, &y->prefix) != 0 || x->peers != y->peers ||
		    x->hold != y->hold ||
		    (!x->hold && bgp_attrs_cmp(&a->attrs[x->attrs], &b->attrs[y->attrs]) != 0))
			return false;
	}
	return true;
}

static bool same_plans(const struct plan *a, const struct plan *b)
{
	if (a->n_peers != b->n_peers || a->n_frontends != b->n_frontends ||
	    a->n_devices != b->n_devices || !same_routes(a, b))
		return false;
	for (size_t i = 0; i < a->n_peers; i++)
		if (!ip_addr_equal(&a->peers[i].address, &b->peers[i].address) ||
		    a->peers[i].bgp.remote_asn != b->peers[i].bgp.remote_asn)
			return false;
	for (size_t i = 0; i < a->n_frontends; i++)
		if (lb_key_cmp(&a->frontends[i].lb.key, &b->frontends[i].lb.key) != 0 ||
		    a->frontends[i].lb.table != b->frontends[i].lb.table ||
		    a->frontends[i].hold != b->frontends[i].hold)
			return false;
	return true;
}

/*
 * The plan for the same inputs but one; it is not applied. Names are not compared: they are the
 * world's, and may be gone with a version.
 */
static bool plan_stays(struct fixture *f)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan before = f->plan; /* its arena is the next but one to be used, but of these: */
	struct bgp_attrs *attrs = arena_array_of(arena, before.n_attrs, struct bgp_attrs);

	for (size_t i = 0; i < before.n_attrs; i++)
		attrs[i] = bgp_attrs_copy(arena, &before.attrs[i]);
	before.attrs = attrs;
	before.routes =
		arena_memdup(arena, before.routes, before.n_routes * sizeof(*before.routes));
	before.frontends = arena_memdup(arena, before.frontends,
					before.n_frontends * sizeof(*before.frontends));
	fixture_plan(f);
	return same_plans(&before, &f->plan);
}

/* Breaks an object that was good; what is in force, and so s->texts, stays. False: the plan moved.
 */
static bool break_advert(struct scenario *s)
{
	static const char *const broken[] = {
		"spec: {communities: [nonsense], aggregationLength: 24}",
		"spec: {communities: [\"1:2:3\"], peers: [p0]}",
		"spec: {peers: [p9]}",
		"spec: {ipAddressPools: [pol], localPref: 900}",
		"spec: {aggregationLength: 9, nodeSelectors: [{matchLabels: {a: b}}]}",
		"spec: {aggregationLength: 99}",
		"spec: [",
	};
	const unsigned advert = below(s, N_ADVERTS);

	if (!s->texts[ADVERT][advert])
		return true;
	put_text(s->f, ADVERT, advert, broken[below(s, ARRAY_SIZE(broken))]);
	return plan_stays(s->f);
}

static bool break_peer(struct scenario *s)
{
	static const char *const broken[] = {
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, vrf: green}",
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, password: \"secretref:x\"}",
		"spec: {myASN: 64512, peerASN: 64999, peerAddress: 10.0.0.3}",
		"spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0}",
	};

	fixture_object(s->f, "BGPPeer", "p0", "", broken[below(s, ARRAY_SIZE(broken))]);
	return plan_stays(s->f);
}

static void edits_with_errors_never_move_the_plan(void **state)
{
	size_t n_routes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct scenario s = scenario_new(seed);
		struct fixture *fresh;

		for (unsigned step = 0; step < N_STEPS; step++) {
			mutate(&s);
			s.f->synced = true;
			if (!step_holds(s.f))
				fail_msg("seed %llu: broken at step %u", (unsigned long long)seed,
					 step);
			fixture_plan(s.f);
			if (!plan_stays(s.f) || !break_advert(&s) ||
			    (below(&s, 4) == 0 && !break_peer(&s)))
				fail_msg("seed %llu: the plan moved at step %u",
					 (unsigned long long)seed, step);
			n_routes += s.f->plan.n_routes;
		}
		fresh = fresh_node(&s);
		if (!comes_to_rest(s.f) || !comes_to_rest(fresh) || !same_end(s.f, fresh))
			fail_msg("seed %llu: ends elsewhere", (unsigned long long)seed);
		fixture_free(fresh);
		scenario_done(&s);
	}
	assert_true(n_routes > N_SEEDS * N_STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_histories_end_where_a_fresh_node_ends),
		cmocka_unit_test(every_single_failing_call_is_made_good),
		cmocka_unit_test(random_removal_never_deletes_what_a_peer_still_routes_to),
		cmocka_unit_test(edits_with_errors_never_move_the_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
