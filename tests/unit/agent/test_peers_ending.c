// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * How a BGP session ends: which changes of its configuration end it, what the router is told, and
 * that it hears it.
 */
#include "peers_rig.h"

#include "plan/plan_peer_change.h"

static bool nothing_is_closing(const struct rig *rig)
{
	return agent_peers_are_closed(&rig->peers);
}
static bool is_connected(const struct rig *rig)
{
	return bgp_peer_info(rig->peers.items[0]->bgp).state == BGP_OPEN_SENT;
}
static bool heard_notification(const struct rig *rig)
{
	return rig->router->notification.code != 0;
}

static void a_planned_restart_says_nothing_and_a_stop_says_cease(void **state)
{
	static const struct {
		enum bgp_note note;
		unsigned code, subcode;
	} cases[] = {{BGP_NOTE_RESTARTING, 0, 0}, {BGP_NOTE_STOP, 6, 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rig *rig = rig_new();

		apply(rig, 3);
		WAIT_FOR(rig, heard_end_of_rib);
		agent_peers_notify(&rig->peers, cases[i].note, clock_now());
		rig->turns = 0;
		WAIT_FOR(rig, is_stuck);
		assert_int_equal(rig->router->notification.code, cases[i].code);
		assert_int_equal(rig->router->notification.subcode, cases[i].subcode);
		assert_int_equal(rig->router->fd, -1);
		assert_int_equal(rig->router->connections, 1);
		rig_free(rig);
	}
}

/* Who asks for the drain is told of it by the next plan, also of a router that never came. */
static void the_end_of_a_drain_and_of_its_calling_off_are_changes(void **state)
{
	(void)state;
	for (int up = 0; up < 2; up++) {
		struct rig *rig = rig_new();

		apply(rig, 0);
		if (up)
			WAIT_FOR(rig, heard_end_of_rib);
		for (int drained = 1; drained >= 0; drained--) {
			rig->peers.changed = false;
			agent_peers_drain(&rig->peers, drained, clock_now());
			assert_true(rig->peers.changed);
			rig->peers.changed = false;
			agent_peers_drain(&rig->peers, drained, clock_now());
			assert_false(rig->peers.changed);
		}
		rig_free(rig);
	}
}

/* RFC 4486: a router, and who reads its log, can tell a change from the end. */
static void a_change_says_other_configuration_and_a_removal_deconfigured(void **state)
{
	(void)state;
	for (int removed = 0; removed < 2; removed++) {
		struct rig *rig = rig_new();

		apply(rig, 3);
		WAIT_FOR(rig, heard_end_of_rib);
		rig->peer.bgp.local_asn++;
		rig->plan.n_peers = !removed;
		apply(rig, 0);
		WAIT_FOR(rig, heard_notification);
		assert_int_equal(rig->router->notification.code, BGP_ERROR_CEASE);
		assert_int_equal(rig->router->notification.subcode,
				 removed ? BGP_CEASE_DECONFIGURED : BGP_CEASE_CONFIG_CHANGE);
		rig_free(rig);
	}
}

static void change_field(struct plan_peer *p, const struct peer_field *f)
{
	if (f->offset == offsetof(struct plan_peer, key))
		p->key.name = "s";
	else if (strncmp(f->name, "password", strlen("password")) == 0)
		p->password = (const uint8_t *)"s3cr3t", p->password_len = 6;
	else if (f->offset == offsetof(struct plan_peer, bgp.families))
		bgp_families_put(&p->bgp.families, BGP_IPV6_UNICAST, true);
	else
		((uint8_t *)p)[f->offset] ^= 1;
}

/* For each field: the session is closed, with Cease, exactly if the table says so. */
static void a_change_costs_the_session_what_the_table_says(void **state)
{
	const struct peer_field *fields;
	size_t n;

	(void)state;
	fields = plan_peer_fields(&n);
	for (size_t i = 0; i < n; i++) {
		struct rig *rig = rig_new();
		const bool reset = fields[i].action == PEER_RESET;

		apply(rig, 3);
		WAIT_FOR(rig, heard_end_of_rib);
		rig->peers.changed = false;
		change_field(&rig->peer, &fields[i]);
		apply(rig, 3);
		if (is_down(rig) != reset)
			fail_msg("%s: %s", fields[i].name, peer_action_text(fields[i].action));
		assert_int_equal(rig->peers.changed, fields[i].action != PEER_UNTOUCHED);
		if (reset)
			WAIT_FOR(rig, heard_notification);
		assert_int_equal(plan_peer_change(&rig->peers.items[0]->config, &rig->peer),
				 PEER_UNTOUCHED);
		rig_free(rig);
	}
}

/*
 * The router has said things that nobody will read, and has not read what it was sent: a plain
 * close() would throw away what is under way to it, and the reason first of all.
 */
static void a_router_that_is_behind_hears_why(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct rig *rig = rig_new();

		apply(rig, 0);
		WAIT_FOR(rig, heard_end_of_rib);
		rig->router->reads = false;
		apply(rig, N_ROUTES);
		rig->turns = 0;
		WAIT_FOR(rig, is_stuck);
		router_flood(rig->router);
		rig->router->floods = true;
		rig->peer.bgp.local_asn += how == 1;
		rig->plan.n_peers = how != 2;
		if (how == 0)
			agent_peers_notify(&rig->peers, BGP_NOTE_STOP, clock_now());
		else
			apply(rig, 0);
		rig->turns = 0;
		WAIT_FOR(rig, has_turned);
		rig->router->reads = true;
		WAIT_FOR(rig, heard_notification);
		assert_int_equal(rig->router->notification.code, BGP_ERROR_CEASE);
		WAIT_FOR(rig, nothing_is_closing);
		assert_false(rig->router->was_reset);
		rig_free(rig);
	}
}

static void a_new_session_does_not_wait_for_the_old_one_to_be_closed(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->router->reads = false;
	rig->peer.bgp.local_asn++;
	apply(rig, 3);
	assert_false(nothing_is_closing(rig));
	WAIT_FOR(rig, is_connected);
	assert_false(nothing_is_closing(rig));
	rig_free(rig);
}

/* The attempt that hangs is given up, and the next one is made as is wanted now. */
static void a_change_while_it_dials_dials_anew(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	router_demands(rig->router->listener, "s3cr3t");
	rig->peer.bgp.connect_s = 60;
	apply(rig, 0);
	rig->turns = 0;
	WAIT_FOR(rig, has_turned);
	assert_true(is_down(rig));
	rig->peer.password = (const uint8_t *)"s3cr3t";
	rig->peer.password_len = 6;
	apply(rig, 0);
	WAIT_FOR(rig, is_up);
	rig_free(rig);
}

static bool heard_six(const struct rig *rig)
{
	return rig->router->announced == 6;
}

/* What is sent between the two changes arrives after the second; a new session has the key, too. */
static void another_password_leaves_the_session_as_it_is(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	router_demands(rig->router->listener, "s3cr3t");
	rig->peer.password = (const uint8_t *)"s3cr3t";
	rig->peer.password_len = 6;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->peer.password = (const uint8_t *)"other";
	rig->peer.password_len = 5;
	apply(rig, 6);
	rig->turns = 0;
	WAIT_FOR(rig, has_turned);
	assert_int_equal(rig->router->announced, 3);
	router_demands(rig->router->listener, "other");
	router_demands(rig->router->fd, "other");
	WAIT_FOR(rig, heard_six);
	assert_true(is_up(rig));
	assert_int_equal(rig->router->connections, 1);
	assert_int_equal(bgp_peer_info(rig->peers.items[0]->bgp).flaps, 0);
	router_hang_up(rig->router);
	WAIT_FOR(rig, is_down);
	WAIT_FOR(rig, is_up);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_planned_restart_says_nothing_and_a_stop_says_cease),
		cmocka_unit_test(the_end_of_a_drain_and_of_its_calling_off_are_changes),
		cmocka_unit_test(a_change_says_other_configuration_and_a_removal_deconfigured),
		cmocka_unit_test(a_change_costs_the_session_what_the_table_says),
		cmocka_unit_test(a_router_that_is_behind_hears_why),
		cmocka_unit_test(a_new_session_does_not_wait_for_the_old_one_to_be_closed),
		cmocka_unit_test(a_change_while_it_dials_dials_anew),
		cmocka_unit_test(another_password_leaves_the_session_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
