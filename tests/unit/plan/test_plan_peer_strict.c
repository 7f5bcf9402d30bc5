// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * strict: true refuses what MetalLB refuses (metallb.md 7): each as an error of one object, without
 * strict none of it; and a last good version stays in force.
 */
#include "fake/plan_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void set_strict(struct fixture *f, bool strict)
{
	fixture_object(f, "LodestoneConfig", "default", "",
		       strict ? "spec: {strict: true}" : "spec: {strict: false}");
}

static void add_peer(struct fixture *f, const char *name, const char *spec)
{
	char body[300];

	snprintf(body, sizeof(body), "spec: {%s}", spec);
	fixture_object(f, "BGPPeer", name, "creationTimestamp: 2026-01-02T00:00:00Z", body);
}

#define R2 "myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2"

/* r1 is AS 64512, towards 64513 at 10.0.0.1. */
static const struct {
	const char *spec, *reason, *field;
} rows[] = {
	{R2 ", holdTime: 90", "BareNumber", "spec.holdTime"},
	{R2 ", keepaliveTime: 30", "BareNumber", "spec.keepaliveTime"},
	{R2 ", connectTime: 10", "BareNumber", "spec.connectTime"},
	{R2 ", holdTime: 0", "BareNumber", "spec.holdTime"},
	{R2 ", bfdProfile: nobody", "BFDProfileMissing", "spec.bfdProfile"},
	{R2 ", passwordSecret: {name: opaque}", "SecretType", "spec.passwordSecret"},
	{R2 ", routerID: 10.0.0.99", "PeersDiffer", "spec.routerID"},
	{"myASN: 64599, peerASN: 64513, peerAddress: 10.0.0.2", "PeersDiffer", "spec.myASN"},
	{"myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1", "DuplicatePeer",
	 "spec.peerAddress"},
};

static void what_metallb_refuses_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f = fixture_announced();
		const struct problem *p;

		fixture_object(f, "Secret", "opaque", "",
			       "type: Opaque\nstringData: {password: s3cr3t}");
		add_peer(f, "r2", rows[i].spec);
		set_strict(f, true);
		fixture_plan(f);
		p = fixture_problem(f, rows[i].reason, "r2");
		if (!p)
			fail_msg("%s: no %s", rows[i].spec, rows[i].reason);
		assert_int_equal(p->severity, SEVERITY_ERROR);
		assert_string_equal(p->field, rows[i].field);
		assert_null(fixture_plan_peer(f, "r2"));
		assert_non_null(fixture_plan_peer(f, "r1"));
		/* Its last good version is in force, and goes on after the edit. */
		add_peer(f, "r2", R2);
		assert_true(fixture_converge(f, 50) < 50);
		assert_non_null(fixture_plan_peer(f, "r2"));
		add_peer(f, "r2", rows[i].spec);
		assert_true(fixture_converge(f, 50) < 50);
		assert_int_equal(fixture_problem(f, rows[i].reason, "r2")->severity,
				 SEVERITY_ERROR);
		assert_non_null(fixture_plan_peer(f, "r2"));
		assert_int_equal(fixture_plan_peer(f, "r2")->bgp.local_asn, 64512);
		fixture_free(f);
	}
}

static void without_strict_it_is_borne(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *f = fixture_announced();

		fixture_object(f, "Secret", "opaque", "",
			       "type: Opaque\nstringData: {password: s3cr3t}");
		add_peer(f, "r2", rows[i].spec);
		set_strict(f, false);
		fixture_plan(f);
		for (size_t k = 0; k < f->plan.problems.n; k++)
			assert_int_not_equal(f->plan.problems.items[k].severity, SEVERITY_ERROR);
		fixture_free(f);
	}
}

static void numbers_with_units_and_a_quoted_zero_are_fine(void **state)
{
	static const char *const fine[] = {
		R2 ", holdTime: 90s, keepaliveTime: 1m",
		R2 ", holdTime: \"0\"",
		R2 ", bfdProfile: fast",
		R2 ", passwordSecret: {name: right}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct fixture *f = fixture_announced();

		fixture_object(f, "BFDProfile", "fast", "", "");
		fixture_object(f, "Secret", "right", "",
			       "type: kubernetes.io/basic-auth\nstringData: {password: s3cr3t}");
		add_peer(f, "r2", fine[i]);
		set_strict(f, true);
		fixture_plan(f);
		if (!fixture_plan_peer(f, "r2"))
			fail_msg("refused: %s", fine[i]);
		fixture_free(f);
	}
}

/* Also where a Secret has that name, and behind "secretref:". */
static void a_password_is_literal(void **state)
{
	static const char *const words[] = {"opaque", "secretref:opaque"};
	struct fixture *f = fixture_announced();

	(void)state;
	fixture_object(f, "Secret", "opaque", "", "type: Opaque\nstringData: {password: s3cr3t}");
	set_strict(f, true);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const struct plan_peer *p;
		char spec[200];

		snprintf(spec, sizeof(spec), R2 ", password: \"%s\"", words[i]);
		add_peer(f, "r2", spec);
		fixture_plan(f);
		p = fixture_plan_peer(f, "r2");
		assert_non_null(p);
		assert_int_equal(p->password_len, strlen(words[i]));
		assert_memory_equal(p->password, words[i], strlen(words[i]));
	}
	fixture_free(f);
}

/* The node's own LodestoneConfig has the last word. */
static void one_node_may_be_less_strict(void **state)
{
	struct fixture *f = fixture_announced();

	(void)state;
	set_strict(f, true);
	fixture_object(f, "LodestoneConfig", "node-a", "", "spec: {strict: false}");
	add_peer(f, "r2", rows[0].spec);
	fixture_object(f, "IPAddressPool", "overlapping", "creationTimestamp: 2026-01-02T00:00:00Z",
		       "spec: {addresses: [192.168.100.0/30]}");
	fixture_plan(f);
	assert_non_null(fixture_plan_peer(f, "r2"));
	assert_int_equal(fixture_problem(f, "OverlapsWith", NULL)->severity, SEVERITY_WARNING);
	fixture_drop(f, "LodestoneConfig", "node-a");
	fixture_plan(f);
	assert_int_equal(fixture_problem(f, "OverlapsWith", NULL)->severity, SEVERITY_ERROR);
	fixture_free(f);
}

/* The older pool has all it had; the newer gives nothing, not even what is its alone. */
static void a_pool_that_overlaps_is_not_used(void **state)
{
	struct fixture *f = fixture_announced();
	const struct problem *p;

	(void)state;
	fixture_object(f, "IPAddressPool", "wide", "creationTimestamp: 2026-01-02T00:00:00Z",
		       "spec: {addresses: [192.168.100.255/32, 192.168.200.0/24]}");
	fixture_add_service(f, "alone", "Local", "loadBalancerIP: 192.168.200.7");
	fixture_add_slice(f, "alone", "10.244.0.5@node-a");
	assert_true(fixture_converge(f, 50) < 50);
	assert_true(fixture_service(f, "alone")->announced);
	set_strict(f, true);
	assert_true(fixture_converge(f, 50) < 50);
	p = fixture_problem(f, "OverlapsWith", "wide");
	assert_non_null(p);
	assert_int_equal(p->severity, SEVERITY_ERROR);
	assert_false(fixture_service(f, "alone")->announced);
	assert_true(fixture_service(f, "web")->announced);
	fixture_object(f, "IPAddressPool", "wide", "creationTimestamp: 2026-01-02T00:00:00Z",
		       "spec: {addresses: [192.168.200.0/24]}");
	assert_true(fixture_converge(f, 50) < 50);
	assert_null(fixture_problem(f, "OverlapsWith", "wide"));
	assert_true(fixture_service(f, "alone")->announced);
	fixture_free(f);
}

/* echoMode beside an IPv6 pool: the advertisement that brings them together is refused. */
static void ipv6_is_not_announced_to_a_peer_with_echo_mode(void **state)
{
	static const char both[] = "spec: {}", v4[] = "spec: {ipAddressPools: [pool]}";
	static const char other_peer[] = "spec: {ipAddressPools: [six], peers: [r2]}";
	struct fixture *f = fixture_announced();
	const struct problem *p;

	(void)state;
	fixture_object(f, "BFDProfile", "echo", "", "spec: {echoMode: true}");
	fixture_object(f, "BGPPeer", "r1", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
		       "bfdProfile: echo}");
	fixture_object(f, "IPAddressPool", "six", "", "spec: {addresses: [\"2001:db8::/120\"]}");
	add_peer(f, "r2", R2);
	fixture_object(f, "BGPAdvertisement", "new", "", both);
	assert_true(fixture_converge(f, 50) < 50);
	assert_null(
		fixture_problem(f, "EchoModeWithIPv6", NULL)); /* echo is the session's affair */

	set_strict(f, true);
	fixture_drop(f, "BGPAdvertisement", "new");
	fixture_object(f, "BGPAdvertisement", "adv", "", v4);
	assert_true(fixture_converge(f, 50) < 50);
	assert_null(fixture_problem(f, "EchoModeWithIPv6", NULL));
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));

	fixture_object(f, "BGPAdvertisement", "adv", "", both); /* its last good one goes on */
	fixture_object(f, "BGPAdvertisement", "new", "", both);
	assert_true(fixture_converge(f, 50) < 50);
	assert_int_equal(fixture_count(f, "EchoModeWithIPv6"), 2);
	p = fixture_problem(f, "EchoModeWithIPv6", "new");
	assert_int_equal(p->severity, SEVERITY_ERROR);
	assert_string_equal(p->field, "spec.peers");
	assert_non_null(strstr(p->message, "pool six"));
	assert_non_null(strstr(p->message, "BGPPeer r1"));
	assert_non_null(strstr(p->message, "held back"));
	p = fixture_problem(f, "EchoModeWithIPv6", "adv");
	assert_non_null(strstr(p->message, "last good version"));
	assert_non_null(fixture_held(f, "r1", "192.168.100.0/32"));

	fixture_object(f, "BGPAdvertisement", "adv", "", v4);
	fixture_object(f, "BGPAdvertisement", "new", "", other_peer);
	assert_true(fixture_converge(f, 50) < 50);
	assert_int_equal(fixture_count(f, "EchoModeWithIPv6"), 0);
	fixture_object(f, "BGPAdvertisement", "new", "",
		       "spec: {nodeSelectors: [{matchLabels: {kubernetes.io/hostname: node-b}}]}");
	assert_true(fixture_converge(f, 50) < 50);
	assert_int_equal(fixture_count(f, "EchoModeWithIPv6"), 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_metallb_refuses_is_refused),
		cmocka_unit_test(without_strict_it_is_borne),
		cmocka_unit_test(numbers_with_units_and_a_quoted_zero_are_fine),
		cmocka_unit_test(a_password_is_literal),
		cmocka_unit_test(one_node_may_be_less_strict),
		cmocka_unit_test(a_pool_that_overlaps_is_not_used),
		cmocka_unit_test(ipv6_is_not_announced_to_a_peer_with_echo_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
