// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The BFD session of a BGPPeer: what its profile and annotations ask for, that nothing of it
 * holds the BGP session back, and what follows from a way that it lost. No key is ever in a text.
 */
#include "fake/plan_fixture.h"
#include "plan/plan_explain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void peer(struct fixture *f, const char *name, const char *spec)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name, "",
		       arena_printf(arena, "spec: {myASN: 64512, %s}", spec));
	arena_free(arena);
}

static void assert_no_text_has(struct fixture *f, const char *word)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < f->plan.problems.n; i++)
		assert_null(strstr(problem_line(arena, &f->plan.problems.items[i]), word));
	arena_free(arena);
}

static void signed_peer(struct fixture *f, const char *name, const char *auth)
{
	struct arena *arena = arena_new();

	fixture_object(f, "BGPPeer", name,
		       arena_printf(arena, "annotations: {lodestone.io/bfd-auth: \"%s\"}", auth),
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
		       "bfdProfile: fast}");
	arena_free(arena);
}

static void bfd_profile_does_not_hold_the_session_back(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan_bfd *bfd;

	(void)state;
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->bfd.is_wanted);
	assert_int_equal(fixture_problem(f, "BFDProfileMissing", "r1")->severity, SEVERITY_WARNING);
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDProfileMissing", NULL));
	assert_null(fixture_problem(f, "NoEffect", NULL));
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.echo_us, 0);
	fixture_object(f, "BFDProfile", "fast", "", "spec: {echoMode: true, echoInterval: 70}");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.echo_us, 70000);
	assert_null(fixture_problem(f, "NoEffect", NULL));
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_plan(f);
	bfd = &fixture_plan_peer(f, "r1")->bfd;
	assert_true(bfd->is_wanted && !bfd->is_passive && !bfd->is_multihop);
	assert_int_equal(bfd->terms.min_tx_us, 300000);
	assert_int_equal(bfd->terms.min_rx_us, 300000);
	assert_int_equal(bfd->terms.detect_mult, 3);
}

static void every_field_of_a_bfd_profile_acts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct plan_bfd *bfd;

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "",
		       "spec: {transmitInterval: 20, receiveInterval: 30, detectMultiplier: 5,"
		       " passiveMode: true, minimumTtl: 200, echoMode: true}");
	peer(f, "r1",
	     "peerASN: 64513, peerAddress: 10.0.0.1, ebgpMultiHop: true, bfdProfile: fast");
	fixture_plan(f);
	bfd = &fixture_plan_peer(f, "r1")->bfd;
	assert_true(bfd->is_wanted && bfd->is_passive && bfd->is_multihop);
	assert_int_equal(bfd->minimum_ttl, 200);
	assert_int_equal(bfd->terms.min_tx_us, 20000);
	assert_int_equal(bfd->terms.min_rx_us, 30000);
	assert_int_equal(bfd->terms.detect_mult, 5);
	/* There is none over several hops. */
	assert_int_equal(bfd->echo_us, 0);
	assert_int_equal(fixture_problem(f, "NoEffect", "r1")->severity, SEVERITY_INFO);
}

static bool is_multihop(struct fixture *f, const char *name)
{
	return fixture_plan_peer(f, name)->bfd.is_multihop;
}

static void a_router_of_our_as_is_several_hops_away_if_it_is_on_no_link(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	peer(f, "near", "peerASN: 64512, peerAddress: 10.0.0.1, bfdProfile: fast");
	peer(f, "far", "peerASN: 64512, peerAddress: 172.16.0.1, bfdProfile: fast");
	peer(f, "other", "peerASN: 64513, peerAddress: 172.16.0.2, bfdProfile: fast");
	fixture_plan(f);
	assert_false(is_multihop(f, "near"));
	assert_true(is_multihop(f, "far"));
	assert_false(is_multihop(f, "other")); /* eBGP says so itself */
	f->no_route = true;                    /* where it is is not known */
	fixture_plan(f);
	assert_false(is_multihop(f, "far"));
}

static void the_key_of_bfd_comes_from_its_secret(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();
	const struct bfd_auth_key *auth;

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	signed_peer(f, "r1", "meticulous-keyed-sha1:9:bfd-key");
	fixture_plan(f);
	/* BGP runs, and BFD rather not at all than without the key. */
	assert_false(fixture_plan_peer(f, "r1")->bfd.is_wanted);
	assert_int_equal(fixture_problem(f, "SecretMissing", "r1")->severity, SEVERITY_ERROR);
	fixture_object(f, "Secret", "bfd-key", "",
		       "type: kubernetes.io/basic-auth\nstringData: {password: \"s3cr3t\\n\"}");
	fixture_plan(f);
	auth = &fixture_plan_peer(f, "r1")->bfd.auth;
	assert_int_equal(auth->type, BFD_AUTH_METICULOUS_SHA1);
	assert_int_equal(auth->id, 9);
	assert_int_equal(auth->len, 6);
	assert_memory_equal(auth->key, "s3cr3t", 6);
	assert_int_equal(fixture_count(f, "LineEndDropped"), 1);
	assert_no_text_has(f, "s3cr3t");
}

static void a_key_longer_than_its_type_is_refused(void **state)
{
	static const char seventeen[] = "type: kubernetes.io/basic-auth\n"
					"stringData: {password: 0123456789abcdefg}";
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_object(f, "Secret", "bfd-key", "", seventeen);
	signed_peer(f, "r1", "keyed-sha1:1:bfd-key");
	fixture_plan(f);
	assert_string_equal(bfd_auth_text(fixture_plan_peer(f, "r1")->bfd.auth.type), "keyed-sha1");
	assert_true(fixture_plan_peer(f, "r1")->bfd.is_wanted);
	signed_peer(f, "r1", "keyed-md5:1:bfd-key");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->bfd.is_wanted);
	assert_non_null(fixture_problem(f, "InvalidPassword", "r1"));
	assert_no_text_has(f, "0123456789abcdefg");
}

static void types_have_one_name_in_the_annotation_and_in_what_is_shown(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_object(f, "Secret", "k", "", "stringData: {password: key}");
	for (enum bfd_auth_type t = BFD_AUTH_SIMPLE; t <= BFD_AUTH_METICULOUS_SHA1; t++) {
		char auth[48];

		(void)snprintf(auth, sizeof(auth), "%s:1:k", bfd_auth_text(t));
		signed_peer(f, "r1", auth);
		fixture_plan(f);
		assert_int_equal(fixture_plan_peer(f, "r1")->bfd.auth.type, t);
	}
}

static void an_annotation_without_a_profile_says_that_it_signs_nothing(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BGPPeer", "r1", "annotations: {lodestone.io/bfd-auth: \"simple:1:k\"}",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1}");
	fixture_plan(f);
	assert_non_null(fixture_problem(f, "NoEffect", "r1"));
	assert_non_null(fixture_plan_peer(f, "r1"));
}

static void of_two_keys_for_one_router_the_owners_counts(void **state)
{
	static const char body[] = "type: kubernetes.io/basic-auth\nstringData: {password: key}";
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_object(f, "Secret", "k", "", body);
	signed_peer(f, "r1", "simple:1:k");
	signed_peer(f, "r2", "simple:2:k");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.auth.id, 1);
	assert_int_equal(fixture_problem(f, "BFDAuthDiffers", "r2")->severity, SEVERITY_WARNING);
	/* One that does not sign asks for less. */
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.auth.id, 2);
	/* The owner's key is gone: what it asked for is not done without by another's leave. */
	signed_peer(f, "r1", "simple:1:gone");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->bfd.is_wanted);
}

static void strict_is_asked_for_where_there_is_bfd(void **state)
{
	static const char meta[] = "annotations: {lodestone.io/bfd-strict: \"true\"}";
	static const char spec[] = "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1, "
				   "bfdProfile: fast}";
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BGPPeer", "r1", meta, spec);
	fixture_plan(f); /* a profile that is missing holds nothing back */
	assert_false(fixture_plan_peer(f, "r1")->bgp.bfd_strict);
	fixture_object(f, "BFDProfile", "fast", "", "spec: {}");
	fixture_plan(f);
	assert_true(fixture_plan_peer(f, "r1")->bgp.bfd_strict);
	/* One that stands for the session may ask for it, too. */
	fixture_object(f, "BGPPeer", "r1", "", spec);
	fixture_object(f, "BGPPeer", "r2", meta, spec);
	fixture_plan(f);
	assert_true(fixture_plan_peer(f, "r1")->bgp.bfd_strict);
	fixture_object(f, "BGPPeer", "r2", meta,
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_plan(f);
	assert_false(fixture_plan_peer(f, "r1")->bgp.bfd_strict);
	assert_false(fixture_plan_peer(f, "r2")->bgp.bfd_strict);
	assert_non_null(fixture_problem(f, "NoEffect", "r2"));
}

static void of_two_profiles_for_one_router_the_stricter_counts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = fixture_new();

	(void)state;
	fixture_object(f, "BFDProfile", "slow", "", "spec: {}");
	fixture_object(f, "BFDProfile", "fast", "", "spec: {receiveInterval: 50}");
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: slow");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: slow");
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDProfileDiffers", NULL));
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.terms.min_rx_us, 50000);
	assert_int_equal(fixture_problem(f, "BFDProfileDiffers", "r2")->severity, SEVERITY_WARNING);
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: fast");
	peer(f, "r2", "peerASN: 64513, peerAddress: 10.0.0.1, bfdProfile: slow");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.terms.min_rx_us, 50000);
	assert_non_null(fixture_problem(f, "BFDProfileDiffers", "r2"));
	peer(f, "r1", "peerASN: 64513, peerAddress: 10.0.0.1");
	fixture_plan(f);
	assert_int_equal(fixture_plan_peer(f, "r1")->bfd.terms.min_rx_us, 300000);
}

/* --- the way to the router, an input of its own ----------------------------------------------- */

static struct fixture *two_routers(void)
{
	struct fixture *f = fixture_announced();

	fixture_object(f, "BGPPeer", "r2", "",
		       "spec: {myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.2}");
	fixture_converge(f, 10);
	for (size_t i = 0; i < f->n_peers; i++)
		f->peers[i].established_at = f->now;
	f->now += NSEC_PER_SEC;
	return f;
}

static void lose(struct fixture *f, const char *name)
{
	fixture_peer(f, name)->path =
		(struct plan_path){.lost_at = f->now, .reason = "detection time expired"};
}

/* BGP's own word may come later; the plan is the same as soon as one of them has said it. */
static void a_way_that_bfd_lost_carries_nothing_though_bgp_is_established(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();

	(void)state;
	lose(f, "r1");
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced); /* one is enough */
	lose(f, "r2");
	fixture_plan(f);
	assert_false(fixture_service(f, "web")->announced);
	assert_string_equal(fixture_service(f, "web")->reason, "noSession");
	/* The routers may still send: what they have is served, and nothing is taken back. */
	assert_non_null(fixture_route(f, "192.168.100.0/32"));
	assert_non_null(fixture_frontend(f, "192.168.100.0", 80));
	fixture_peer(f, "r1")->down = fixture_peer(f, "r2")->down = true;
	fixture_plan(f);
	assert_string_equal(fixture_service(f, "web")->reason, "noSession");
	/* BGP is up again over that way, as it may be without BFD; then BFD is, too. */
	fixture_peer(f, "r1")->down = false;
	fixture_peer(f, "r1")->established_at = f->now;
	fixture_plan(f);
	assert_true(fixture_service(f, "web")->announced);
}

/* Before all is read nothing is taken back (gate 5), by a session that is about to be closed
 * either. */
static void what_a_lost_session_was_sent_is_held_as_anybody_elses(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();

	(void)state;
	f->synced = false;
	fixture_drop(f, "Service", "web");
	lose(f, "r1");
	fixture_plan(f);
	assert_true(fixture_route(f, "192.168.100.0/32")->hold);
	assert_int_equal(fixture_route(f, "192.168.100.0/32")->peers, 3);
}

static void a_way_that_bfd_lost_is_a_problem_at_once(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();
	const struct problem *problem;

	(void)state;
	lose(f, "r1");
	fixture_peer(f, "r1")->down = true;
	fixture_peer(f, "r1")->trying_since = f->now - 2 * PLAN_SILENT_NS;
	fixture_plan(f);
	problem = fixture_problem(f, "BFDDown", "r1");
	assert_int_equal(problem->severity, SEVERITY_WARNING);
	assert_string_equal(
		problem->message,
		"BFD with 10.0.0.1 is Down: detection time expired; there is no session");
	assert_non_null(strstr(problem->remedy, "the way to the router"));
	assert_null(fixture_problem(f, "BFDDown", "r2"));
	assert_null(fixture_problem(f, "PeerNotEstablished", NULL)); /* it is one thing */
	fixture_peer(f, "r1")->path = (struct plan_path){0};
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDDown", NULL));
	assert_non_null(fixture_problem(f, "PeerNotEstablished", "r1"));
}

static void bgp_that_runs_without_its_bfd_is_a_problem_if_it_lasts(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();
	struct fixture_peer *p = fixture_peer(f, "r1");
	const struct problem *problem;

	(void)state;
	lose(f, "r1");
	p->established_at = f->now;
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDDown", NULL));
	assert_int_equal(f->deadline, f->now + PLAN_SILENT_NS);
	f->now += PLAN_SILENT_NS - 1;
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDDown", NULL));
	f->now++;
	fixture_plan(f);
	problem = fixture_problem(f, "BFDDown", "r1");
	assert_string_equal(problem->message,
			    "BFD with 10.0.0.1 is Down: detection time expired; BGP runs without "
			    "it, and finds a dead path by its hold timer");
	assert_non_null(strstr(problem->remedy, "name no BFDProfile"));
	assert_string_equal(problem->field, "spec.bfdProfile");
}

static void bfd_is_why_there_is_no_session(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();
	struct plan_explain e = {.what = EXPLAIN_PEER, .ns = "default", .name = "r1"};

	(void)state;
	lose(f, "r1");
	f->explain = &e;
	fixture_plan(f);
	f->explain = NULL;
	assert_string_equal(e.steps.items[1].message, "BFD is Down: detection time expired");
	assert_string_equal(e.steps.items[1].reason, "noSession");
	assert_string_equal(e.items[0].ways.items[0].reason, "noSession");
}

static void a_drained_node_needs_no_way_to_its_routers(void **state)
{
	_cleanup_(fixture_freep) struct fixture *f = two_routers();

	(void)state;
	lose(f, "r1");
	f->settings.drained = true;
	fixture_plan(f);
	assert_null(fixture_problem(f, "BFDDown", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bfd_profile_does_not_hold_the_session_back),
		cmocka_unit_test(every_field_of_a_bfd_profile_acts),
		cmocka_unit_test(a_router_of_our_as_is_several_hops_away_if_it_is_on_no_link),
		cmocka_unit_test(the_key_of_bfd_comes_from_its_secret),
		cmocka_unit_test(a_key_longer_than_its_type_is_refused),
		cmocka_unit_test(types_have_one_name_in_the_annotation_and_in_what_is_shown),
		cmocka_unit_test(an_annotation_without_a_profile_says_that_it_signs_nothing),
		cmocka_unit_test(of_two_keys_for_one_router_the_owners_counts),
		cmocka_unit_test(strict_is_asked_for_where_there_is_bfd),
		cmocka_unit_test(of_two_profiles_for_one_router_the_stricter_counts),
		cmocka_unit_test(a_way_that_bfd_lost_carries_nothing_though_bgp_is_established),
		cmocka_unit_test(what_a_lost_session_was_sent_is_held_as_anybody_elses),
		cmocka_unit_test(a_way_that_bfd_lost_is_a_problem_at_once),
		cmocka_unit_test(bgp_that_runs_without_its_bfd_is_a_problem_if_it_lasts),
		cmocka_unit_test(bfd_is_why_there_is_no_session),
		cmocka_unit_test(a_drained_node_needs_no_way_to_its_routers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
