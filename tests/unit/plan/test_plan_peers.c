// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which sessions a node runs and with what: rulings 4, 10, 12 and 13 of metallb.md 7. A password
 * that was ordered and cannot be had holds its peer back, and no password is ever in a text.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char secret_body[] = "type: Opaque\nstringData: {password: s3cr3t}";

static void peer(struct fixture *f, const char *name, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena, "spec: {myASN: 64512, %s}", spec));
	arena_free(arena);
}

static void assert_password(struct fixture *f, const char *name, const char *want)
{
	const struct plan_peer *p = fixture_plan_peer(f, name);

	assert_non_null(p);
	assert_int_equal(p->password_len, strlen(want));
	assert_memory_equal(p->password, want, strlen(want));
}

static void assert_no_text_has(struct fixture *f, const char *word)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < f->plan.problems.n; i++)
		assert_null(strstr(problem_line(arena, &f->plan.problems.items[i]), word));
	arena_free(arena);
}

static void password_names_a_secret_if_there_is_one_else_it_is_literal(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, password: bgp-auth");
	fixture_plan(f);
	assert_password(f, "r1", "bgp-auth");
	assert_int_equal(fixture_problem(f, "PasswordLiteral", "r1")->severity, SEVERITY_INFO);
	assert_no_text_has(f, "bgp-auth");

	fixture_object(f, "Secret", "bgp-auth", "", secret_body);
	fixture_plan(f);
	assert_password(f, "r1", "s3cr3t");
	assert_int_equal(fixture_problem(f, "PasswordResolvedFromSecret", "r1")->severity,
			 SEVERITY_INFO);
	assert_no_text_has(f, "s3cr3t");
}

static void missing_password_secret_holds_the_peer_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1",
	     "peerASN: 64513, peerAddress: 10.0.0.1, passwordSecret: {name: gone}, "
	     "bfdProfile: gone");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.2");
	fixture_plan(f);
	assert_null(fixture_plan_peer(f, "r1"));
	assert_non_null(fixture_plan_peer(f, "r2"));
	assert_int_equal(fixture_problem(f, "SecretMissing", "r1")->severity, SEVERITY_ERROR);
	assert_int_equal(fixture_count(f, "BFDProfileMissing"), 1); /* told beside it */

	fixture_object(f, "Secret", "gone", "", secret_body);
	fixture_plan(f);
	assert_password(f, "r1", "s3cr3t");
	assert_int_equal(fixture_problem(f, "SecretType", "r1")->severity, SEVERITY_WARNING);

	fixture_object(f, "Secret", "gone", "",
		       "type: kubernetes.io/basic-auth\nstringData: {password: s3cr3t}");
	fixture_plan(f);
	assert_null(fixture_problem(f, "SecretType", NULL));
}

static void one_line_end_of_a_password_is_dropped_and_said(void **state)
{
	static const struct {
		const char *body, *want, *field;
	} cases[] = {
		{"data: {password: a2V5Cg==}", "key", "data[password]"},
		{"data: {password: a2V5DQo=}", "key", "data[password]"},
		{"data: {password: a2V5Cgo=}", "key\n", "data[password]"},
		{"data: {password: a2V5DQ==}", "key\r", NULL},
		{"data: {password: a2V5}", "key", NULL},
		{"stringData: {password: \"key\\n\"}", "key", "stringData[password]"},
		{"stringData: {password: \"key \"}", "key ", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct problem *p;

		fixture_object(f, "Secret", "auth", "", cases[i].body);
		peer(f, "r1",
		     "peerASN: 64513, peerAddress: 10.0.0.1, "
		     "passwordSecret: {name: auth}");
		peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.2, password: auth");
		fixture_plan(f);
		assert_password(f, "r1", cases[i].want);
		assert_password(f, "r2", cases[i].want);
		p = fixture_problem(f, "LineEndDropped", "auth");
		assert_int_equal(fixture_count(f, "LineEndDropped"), cases[i].field ? 1 : 0);
		if (p)
			assert_string_equal(p->field, cases[i].field);
		assert_no_text_has(f, "key\"");
	}
}

static void a_password_of_nothing_but_a_line_end_is_none(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "Secret", "auth", "", "data: {password: DQo=}");
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, passwordSecret: {name: auth}");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.2, password: \"\\n\"");
	fixture_plan(f);
	assert_int_equal(fixture_count(f, "InvalidPassword"), 2);
	assert_null(fixture_plan_peer(f, "r1"));
}

static void a_secret_that_is_no_peers_password_is_not_looked_at(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "Secret", "app", "", "data: {password: a2V5Cg==}");
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, password: \"lit\\n\"");
	fixture_plan(f);
	assert_password(f, "r1", "lit");
	assert_null(fixture_problem(f, "LineEndDropped", "app"));
	assert_int_equal(fixture_problem(f, "LineEndDropped", "r1")->severity, SEVERITY_INFO);
}

static void secretref_prefix_never_falls_back_to_a_literal(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, password: \"secretref:auth\"");
	fixture_plan(f);
	assert_null(fixture_plan_peer(f, "r1"));
	fixture_object(f, "Secret", "auth", "", secret_body);
	fixture_plan(f);
	assert_password(f, "r1", "s3cr3t");
}

static void oldest_peer_of_a_router_owns_the_session_and_lends_its_name(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.1, password: other");
	peer(f, "r3", "peerASN: 64999, peerAddress: 10.0.0.1");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r2]}");
	fixture_converge(f, 10);
	assert_int_equal(f->plan.n_peers, 1);
	assert_null(fixture_plan_peer(f, "r1")->password);
	assert_int_equal(fixture_problem(f, "DuplicatePeer", "r2")->severity, SEVERITY_WARNING);
	assert_int_equal(fixture_problem(f, "DuplicatePeer", "r3")->severity, SEVERITY_ERROR);
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));

	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [r3]}");
	fixture_converge(f, 10);
	assert_null(fixture_problem(f, "UnknownPeer", NULL));
	assert_string_equal(fixture_service(f, "web")->reason, "noMatchingPeer");
}

static void age_decides_who_owns_before_the_name_does(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BGPPeer", "a", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}");
	fixture_object(f, "BGPPeer", "b", "creationTimestamp: \"2024-01-01T00:00:00Z\"",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}");
	fixture_plan(f);
	assert_non_null(fixture_plan_peer(f, "b"));
	assert_non_null(fixture_problem(f, "DuplicatePeer", "a"));
}

static void what_a_session_has_no_use_for_is_told(void **state)
{
	static const struct {
		const char *annotation, *value, *asn, *more;
		bool is_told;
	} cases[] = {
		{"ebgp-local-pref", "med", "64512", "", true},
		{"ebgp-local-pref", "med", "64513", "", false},
		{"role", "customer", "64512", "", true},
		{"role", "customer", "64513", "", false},
		{"llgr", "1h", "64513", "", true},
		{"llgr", "1h", "64513", ", enableGracefulRestart: true", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		const struct problem *p;
		char meta[128], spec[160], field[128];

		(void)snprintf(meta, sizeof(meta), "annotations: {lodestone.io/%s: %s}",
			       cases[i].annotation, cases[i].value);
		(void)snprintf(spec, sizeof(spec),
			       "spec: {myASN: 64512, peerASN: %s, peerAddress: 10.0.0.1%s}",
			       cases[i].asn, cases[i].more);
		(void)snprintf(field, sizeof(field), "metadata.annotations[lodestone.io/%s]",
			       cases[i].annotation);
		fixture_object(f, "BGPPeer", "r1", meta, spec);
		fixture_plan(f);
		assert_non_null(fixture_plan_peer(f, "r1"));
		p = fixture_problem(f, "NoEffect", "r1");
		assert_int_equal(p != NULL, cases[i].is_told);
		if (p)
			assert_string_equal(p->field, field);
	}
}

static void source_address_is_used_only_if_it_is_local(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, sourceAddress: 10.0.1.10");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.2, sourceAddress: 10.9.9.9");
	fixture_plan(f);
	assert_int_equal(ip_addr_v4(&fixture_plan_peer(f, "r1")->source), 0x0a00010a);
	assert_true(ip_addr_is_none(&fixture_plan_peer(f, "r2")->source));
	assert_null(fixture_problem(f, "SourceAddressNotLocal", "r1"));
	assert_non_null(fixture_problem(f, "SourceAddressNotLocal", "r2"));
}

/* The gates and the devices go by it. */
static void a_peer_has_the_device_of_the_way_to_it(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct ip_addr net = ip_addr_from_v4(0x0a010000);

	(void)state;
	f->by_eth1 = ip_prefix_of(&net, 16);
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.1.0.1");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->ifindex, 2);
	assert_int_equal(fixture_plan_peer(f, "r2")->ifindex, 3);
	f->no_route = true;
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->ifindex, 0);
}

static void one_router_id_for_two_nodes_is_replaced_unless_strict(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, routerID: 1.2.3.4");
	fixture_object(f, "Node", "node-a", "", "");
	fixture_object(f, "Node", "node-b", "", "");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "RouterIdShared", "r1"));
	assert_int_equal(fixture_plan_peer(f, "r1")->bgp.router_id, 0x0a00000a);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {strict: true}");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bgp.router_id, 0x01020304);
}

static void ttl_follows_multihop_and_kind_of_session(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "direct", "peerASN: 64513, peerAddress: 10.0.0.1");
	peer(f, "hops", "peerASN: 64513, peerAddress: 10.0.0.2, ebgpMultiHop: true");
	peer(f, "inner", "peerASN: 64512, peerAddress: 10.0.0.3");
	peer(f, "dynamic", "dynamicASN: internal, peerAddress: 10.0.0.4");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "direct")->ttl, 1);
	assert_int_equal(fixture_plan_peer(f, "hops")->ttl, 255);
	assert_int_equal(fixture_plan_peer(f, "inner")->ttl, 255);
	assert_int_equal(fixture_plan_peer(f, "dynamic")->ttl, 255);
	assert_int_equal(fixture_plan_peer(f, "direct")->ttl_security, 0);
	fixture_object(f, "BGPPeer", "near", "annotations: {lodestone.io/ttl-security: \"2\"}",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.5}");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "near")->ttl, 255);
	assert_int_equal(fixture_plan_peer(f, "near")->ttl_security, 2);
	assert_true(fixture_plan_peer(f, "dynamic")->bgp.any_internal);
	assert_int_equal(fixture_plan_peer(f, "dynamic")->bgp.remote_asn, 0);
}

/* By the setting for all peers of the node, or by one peer's annotation. */
static void routers_may_dial_where_it_is_asked_for(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1");
	fixture_object(f, "BGPPeer", "r2", "annotations: {lodestone.io/listen: \"true\"}",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->listen);
	assert_true(fixture_plan_peer(f, "r2")->listen);
	fixture_object(f, "LodestoneConfig", "default", "", "spec: {bgp: {listen: true}}");
	fixture_plan(f);
	assert_true(fixture_plan_peer(f, "r1")->listen);
	assert_true(fixture_plan_peer(f, "r2")->listen);
}

static void session_parameters_come_from_the_object(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan_peer *p;

	(void)state;
	peer(f, "r1",
	     "peerASN: 64513, peerAddress: 10.0.0.1, peerPort: 1179, holdTime: 30s, "
	     "keepaliveTime: 10s, connectTime: 5s, enableGracefulRestart: true");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.2");
	fixture_plan(f);
	p = fixture_plan_peer(f, "r1");
	assert_int_equal(p->port, 1179);
	assert_int_equal(p->bgp.hold_s, 30);
	assert_int_equal(p->bgp.keepalive_s, 10);
	assert_int_equal(p->bgp.connect_s, 5);
	assert_true(p->bgp.graceful_restart);
	assert_int_equal(p->bgp.restart_time_s, 120);
	assert_false(p->bgp.restarted);
	p = fixture_plan_peer(f, "r2");
	assert_int_equal(p->port, 179);
	assert_int_equal(p->bgp.hold_s, 90);
	assert_int_equal(p->bgp.keepalive_s, 30);
	assert_false(p->bgp.graceful_restart);

	fixture_object(f, "LodestoneConfig", "default", "",
		       "spec: {bgp: {gracefulRestart: false}}");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->bgp.graceful_restart);
}

/* Of the two ends: what the OPEN says is ours, and what the router's may say. */
static void as_numbers_come_from_the_object(void **state)
{
	static const struct {
		const char *spec;
		uint32_t local, remote;
		bool external, internal;
	} cases[] = {
		{"peerASN: 64513", 64512, 64513, false, false},
		{"peerASN: 64513, localASN: 4200000001", 4200000001, 64513, false, false},
		{"peerASN: 64512", 64512, 64512, false, false},
		{"dynamicASN: external", 64512, 0, true, false},
		{"dynamicASN: external, localASN: 64999", 64999, 0, true, false},
		{"dynamicASN: internal", 64512, 0, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(fixture_freep) struct fixture *f = fixture_new();
		_cleanup_(arena_freep) struct arena *arena = arena_new();
		const struct bgp_peer_config *c;

		peer(f, "r1", arena_printf(arena, "peerAddress: 10.0.0.1, %s", cases[i].spec));
		fixture_plan(f);
		c = &fixture_plan_peer(f, "r1")->bgp;
		assert_int_equal(c->local_asn, cases[i].local);
		assert_int_equal(c->remote_asn, cases[i].remote);
		assert_int_equal(c->any_external, cases[i].external);
		assert_int_equal(c->any_internal, cases[i].internal);
	}
}

static void what_is_not_supported_yet_is_not_started_and_said(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	peer(f, "six", "peerASN: 64513, peerAddress: \"fe80::1\"");
	fixture_plan(f);
	assert_int_equal(f->plan.n_peers, 0);
	assert_non_null(fixture_problem(f, "LinkLocalAddress", "six"));
}

static void peer_for_other_nodes_is_known_but_not_run(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();

	(void)state;
	peer(f, "far",
	     "peerASN: 64513, peerAddress: 10.0.0.9, "
	     "nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]");
	fixture_object(f, "BGPAdvertisement", "adv", "", "spec: {peers: [far, r1]}");
	fixture_plan(f);
	assert_null(fixture_plan_peer(f, "far"));
	assert_null(fixture_problem(f, "UnknownPeer", NULL));
	assert_true(fixture_service(f, "web")->announced);
}

static void refused_peer_is_a_warning_with_its_error(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct fixture_peer *p = fixture_peer(f, "r1");
	const struct problem *problem;

	(void)state;
	p->down = true;
	p->trying_since = f->now;
	p->last_error = "OPEN refused: bad peer AS";
	p->refusals = 2;
	fixture_plan(f);
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL));
	p->refusals = 3;
	fixture_plan(f);
	problem = fixture_problem(f, "PeerNotEstablished", "r1");
	assert_string_equal(problem->message,
			    "no session with 10.0.0.1 port 179: OPEN refused: bad peer AS");
	assert_int_equal(problem->severity, SEVERITY_WARNING);
	p->down = false;
	fixture_plan(f);
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL));
}

/* A SYN that nobody answers is one attempt, however long it takes. */
static void silent_peer_is_a_warning_after_ten_seconds(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_announced();
	struct fixture_peer *p = fixture_peer(f, "r1");

	(void)state;
	p->down = true;
	p->trying_since = f->now;
	fixture_plan(f);
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL));
	assert_int_equal(f->deadline, f->now + PLAN_SILENT_NS);
	f->now += PLAN_SILENT_NS - 1;
	fixture_plan(f);
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL));
	f->now++;
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "PeerNotEstablished", "r1"));
	assert_true(f->deadline > f->now);
	p->last_error = "no answer to SYN";
	fixture_plan(f);
	assert_non_null(strstr(fixture_problem(f, "PeerNotEstablished", "r1")->message, "SYN"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_names_a_secret_if_there_is_one_else_it_is_literal),
		cmocka_unit_test(missing_password_secret_holds_the_peer_back),
		cmocka_unit_test(one_line_end_of_a_password_is_dropped_and_said),
		cmocka_unit_test(a_password_of_nothing_but_a_line_end_is_none),
		cmocka_unit_test(a_secret_that_is_no_peers_password_is_not_looked_at),
		cmocka_unit_test(secretref_prefix_never_falls_back_to_a_literal),
		cmocka_unit_test(oldest_peer_of_a_router_owns_the_session_and_lends_its_name),
		cmocka_unit_test(age_decides_who_owns_before_the_name_does),
		cmocka_unit_test(what_a_session_has_no_use_for_is_told),
		cmocka_unit_test(source_address_is_used_only_if_it_is_local),
		cmocka_unit_test(a_peer_has_the_device_of_the_way_to_it),
		cmocka_unit_test(one_router_id_for_two_nodes_is_replaced_unless_strict),
		cmocka_unit_test(ttl_follows_multihop_and_kind_of_session),
		cmocka_unit_test(routers_may_dial_where_it_is_asked_for),
		cmocka_unit_test(session_parameters_come_from_the_object),
		cmocka_unit_test(as_numbers_come_from_the_object),
		cmocka_unit_test(what_is_not_supported_yet_is_not_started_and_said),
		cmocka_unit_test(peer_for_other_nodes_is_known_but_not_run),
		cmocka_unit_test(refused_peer_is_a_warning_with_its_error),
		cmocka_unit_test(silent_peer_is_a_warning_after_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
