// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * No mishap ends a session: of a peer the last good version stays in force with the password it had
 * then, over a restart too, and what runs already is never taken over by what comes along.
 */
#include "mishap.h"

/* --- peers ---------------------------------------------------------------------------------- */

#define PEER(spec) "spec: {myASN: 64512, peerASN: 64513, " spec "}"

static const char secret_body[] = "type: kubernetes.io/basic-auth\nstringData: {password: s3cr3t}";

static struct fixture *with_secret(const char *password)
{
	struct fixture *f = fixture_announced();
	struct arena *arena = arena_new();

	fixture_object(f, "Secret", "auth", "", secret_body);
	fixture_object(f, "BGPPeer", "r1", "",
		       arena_printf(arena, PEER("peerAddress: 10.0.0.1, %s"), password));
	fixture_object(f, "BGPPeer", "r2", "", PEER("peerAddress: 10.0.0.2, peerPort: 1179"));
	fixture_converge(f, 10);
	arena_free(arena);
	return f;
}

static void assert_r1_runs(struct fixture *f, const char *password)
{
	const struct plan_peer *p = fixture_plan_peer(f, "r1");
	struct arena *arena = arena_new();

	assert_non_null(p);
	assert_int_equal(ip_addr_v4(&p->address), 0x0a000001);
	assert_int_equal(p->port, 179);
	assert_int_equal(p->bgp.remote_asn, 64513);
	assert_int_equal(p->password_len, strlen(password));
	assert_memory_equal(p->password, password, strlen(password));
	assert_non_null(fixture_held(f, "r1", VIP "/32"));
	for (size_t i = 0; i < f->plan.problems.n; i++)
		assert_null(strstr(problem_line(arena, &f->plan.problems.items[i]), "s3cr3t"));
	arena_free(arena);
}

static void secret_gone(struct fixture *f)
{
	fixture_drop(f, "Secret", "auth");
}
static void key_gone(struct fixture *f)
{
	fixture_object(f, "Secret", "auth", "",
		       "type: kubernetes.io/basic-auth\nstringData: {passwort: s3cr3t}");
}
static void key_empty(struct fixture *f)
{
	fixture_object(f, "Secret", "auth", "",
		       "type: kubernetes.io/basic-auth\nstringData: {password: \"\"}");
}
static void secret_misnamed(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "",
		       PEER("peerAddress: 10.0.0.1, passwordSecret: {name: auht}"));
}
static void vrf(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "", PEER("peerAddress: 10.0.0.1, vrf: red"));
}
static void address_of_another(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "", PEER("peerAddress: 10.0.0.2"));
}
static void link_local(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "", PEER("peerAddress: \"fe80::1\""));
}
static void foreign_source(struct fixture *f)
{
	fixture_object(f, "BGPPeer", "r1", "",
		       PEER("peerAddress: 10.0.0.1, sourceAddress: 10.9.9.9, holdTime: 30s"));
}

static const struct mishap peer_mishaps[] = {
	{secret_gone, "SecretMissing", "r1", IN_FORCE},
	{key_gone, "SecretMissing", "r1", IN_FORCE},
	{key_empty, "InvalidPassword", "r1", IN_FORCE},
	{secret_misnamed, "SecretMissing", "r1", IN_FORCE},
	{vrf, "VrfMissing", "r1", IN_FORCE},
	{link_local, "LinkLocalAddress", "r1", IN_FORCE},
	{address_of_another, "DuplicatePeer", "r1", IN_FORCE},
	{foreign_source, "SourceAddressNotLocal", "r1", IN_FORCE},
};

static const char *const by_secret[] = {"passwordSecret: {name: auth}", "password: auth",
					"password: \"secretref:auth\""};

static void no_mishap_of_a_peer_ends_its_session(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peer_mishaps) * ARRAY_SIZE(by_secret); i++) {
		const struct mishap *m = &peer_mishaps[i / ARRAY_SIZE(by_secret)];
		_cleanup_(fixture_freep) struct fixture *f =
			with_secret(by_secret[i % ARRAY_SIZE(by_secret)]);

		assert_r1_runs(f, "s3cr3t");
		m->happens(f);
		for (int k = 0; k < 3; k++) {
			fixture_plan(f);
			(void)fixture_apply(f);
			assert_r1_runs(f, "s3cr3t");
			assert_int_equal(f->plan.n_peers, 2);
		}
		assert_int_equal(fixture_plan_peer(f, "r1")->bgp.hold_s, 90);
		assert_said(f, m);
		restart(f);
		assert_r1_runs(f, "s3cr3t");
		assert_said(f, m);
	}
}

static void peer_that_is_right_again_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peer_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

		peer_mishaps[i].happens(f);
		fixture_converge(f, 10);
		fixture_object(f, "Secret", "auth", "",
			       "type: kubernetes.io/basic-auth\nstringData: {password: other}");
		fixture_object(f, "BGPPeer", "r1", "",
			       PEER("peerAddress: 10.0.0.1, passwordSecret: {name: auth}, "
				    "holdTime: 30s"));
		fixture_converge(f, 10);
		assert_r1_runs(f, "other");
		assert_int_equal(fixture_plan_peer(f, "r1")->bgp.hold_s, 30);
		assert_null(fixture_problem(f, peer_mishaps[i].reason, "r1"));
	}
}

static void peer_that_was_never_good_is_held_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

	(void)state;
	fixture_object(f, "BGPPeer", "r3", "",
		       PEER("peerAddress: 10.0.0.3, passwordSecret: {name: gone}"));
	fixture_converge(f, 10);
	assert_null(fixture_plan_peer(f, "r3"));
	assert_non_null(strstr(fixture_problem(f, "SecretMissing", "r3")->message, "not started"));
}

static void password_that_is_taken_out_is_out(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

	(void)state;
	fixture_object(f, "BGPPeer", "r1", "", PEER("peerAddress: 10.0.0.1"));
	fixture_converge(f, 10);
	assert_int_equal(fixture_plan_peer(f, "r1")->password_len, 0);
	assert_null(fixture_plan_peer(f, "r1")->password);
}

static void literal_that_changes_is_taken(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_secret("password: plain");

	(void)state;
	assert_r1_runs(f, "plain");
	fixture_object(f, "BGPPeer", "r1", "", PEER("peerAddress: 10.0.0.1, password: plainer"));
	fixture_converge(f, 10);
	assert_r1_runs(f, "plainer");
}

static void peer_that_is_for_other_nodes_now_is_gone(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

	(void)state;
	fixture_object(f, "BGPPeer", "r1", "",
		       PEER("peerAddress: 10.0.0.1, nodeSelectors: [{matchLabels: {a: b}}]"));
	fixture_converge(f, 10);
	assert_null(fixture_plan_peer(f, "r1"));
	assert_int_equal(n_good(f, API_BGP_PEER), 1);
}

/* As with addresses: what was there first is older, whatever its name. */
static void newcomer_takes_no_session_over(void **state)
{
	static const char *const newcomers[] = {
		PEER("peerAddress: 10.0.0.1"),
		"spec: {myASN: 64512, peerASN: 64999, peerAddress: 10.0.0.1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(newcomers); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

		fixture_object(f, "BGPPeer", "a", "", newcomers[i]);
		fixture_converge(f, 10);
		assert_r1_runs(f, "s3cr3t");
		assert_null(fixture_plan_peer(f, "a"));
		assert_non_null(
			strstr(fixture_problem(f, "DuplicatePeer", "a")->message, "here already"));
		fixture_drop(f, "BGPPeer", "r1");
		fixture_converge(f, 10);
		assert_non_null(fixture_plan_peer(f, "a"));
	}
}

/* ... not even while the one that runs has an error. */
static void newcomer_takes_no_session_over_from_a_last_good_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peer_mishaps); i++) {
		_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

		peer_mishaps[i].happens(f);
		fixture_object(f, "BGPPeer", "a", "", PEER("peerAddress: 10.0.0.1"));
		fixture_converge(f, 10);
		assert_r1_runs(f, "s3cr3t");
		assert_null(fixture_plan_peer(f, "a"));
	}
}

static void edit_of_an_older_peer_takes_no_session_over(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = with_secret(by_secret[0]);

	(void)state;
	fixture_object(f, "BGPPeer", "r2", "creationTimestamp: \"2024-01-01T00:00:00Z\"",
		       PEER("peerAddress: 10.0.0.2, peerPort: 1179"));
	fixture_object(f, "BGPPeer", "r1", "creationTimestamp: \"2024-01-02T00:00:00Z\"",
		       PEER("peerAddress: 10.0.0.1, passwordSecret: {name: auth}"));
	fixture_converge(f, 10);
	fixture_object(f, "BGPPeer", "r2", "creationTimestamp: \"2024-01-01T00:00:00Z\"",
		       PEER("peerAddress: 10.0.0.1, peerPort: 1179"));
	fixture_converge(f, 10);
	assert_r1_runs(f, "s3cr3t");
	assert_int_equal(ip_addr_v4(&fixture_plan_peer(f, "r2")->address), 0x0a000002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_mishap_of_a_peer_ends_its_session),
		cmocka_unit_test(peer_that_is_right_again_is_taken),
		cmocka_unit_test(peer_that_was_never_good_is_held_back),
		cmocka_unit_test(password_that_is_taken_out_is_out),
		cmocka_unit_test(literal_that_changes_is_taken),
		cmocka_unit_test(peer_that_is_for_other_nodes_now_is_gone),
		cmocka_unit_test(newcomer_takes_no_session_over),
		cmocka_unit_test(newcomer_takes_no_session_over_from_a_last_good_version),
		cmocka_unit_test(edit_of_an_older_peer_takes_no_session_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
