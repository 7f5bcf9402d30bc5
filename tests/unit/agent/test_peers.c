// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * The driver of the BGP sessions over real sockets, with a plan made by hand: what the plan is told
 * of a session, and when.
 */
#include "agent/peers.h"

#include "plan/plan_peer_change.h"
#include "router.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/loop.h"

#include <dirent.h>

#define WAIT_NS  (20 * NSEC_PER_SEC)
#define N_ROUTES 100000 /* more than the kernel takes at once */

struct rig {
	struct router *router;
	struct loop *loop;
	struct agent_peers peers;
	struct plan plan;
	struct plan_peer peer;
	struct bgp_attrs attrs;
	struct plan_route *routes;
	bool (*until)(const struct rig *rig);
	nsec_t give_up;
	bool reached;
	unsigned turns, changes; /* turns after which `changed` was set */
	size_t n_fds;            /* at the beginning: as many are open at the end */
};

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct rig *rig_new(void)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));

	log_init(LOG_LEVEL_ERR, false);
	own_network();
	rig->n_fds = count_fds();
	rig->router = router_new();
	rig->loop = loop_new();
	agent_peers_init(&rig->peers, rig->loop, 7);
	rig->peer = (struct plan_peer){.key = {"r", "", ""},
				       .port = ROUTER_PORT,
				       .ttl = 255,
				       .bgp = {.local_asn = NODE_ASN,
					       .remote_asn = ROUTER_ASN,
					       .families = {BGP_FAMILY_BIT(BGP_IPV4_UNICAST)},
					       .router_id = NODE_ADDR,
					       .hold_s = 90,
					       .keepalive_s = 30,
					       .graceful_restart = true,
					       .restart_time_s = 120}};
	rig->peer.address = ip_addr_from_v4(ROUTER_ADDR);
	rig->peer.source = ip_addr_from_v4(NODE_ADDR);
	rig->routes = xcalloc(N_ROUTES, sizeof(*rig->routes));
	for (uint32_t i = 0; i < N_ROUTES; i++) {
		struct ip_addr addr = ip_addr_from_v4(0xc0000000 + i);

		rig->routes[i].prefix = ip_prefix_of(&addr, 32);
		rig->routes[i].peers = 1;
	}
	rig->plan = (struct plan){.peers = &rig->peer,
				  .n_peers = 1,
				  .attrs = &rig->attrs,
				  .n_attrs = 1,
				  .routes = rig->routes,
				  .end_of_rib = true};
	return rig;
}

static void rig_free(struct rig *rig)
{
	agent_peers_done(&rig->peers);
	loop_free(rig->loop);
	router_free(rig->router);
	assert_int_equal(count_fds(), rig->n_fds);
	free(rig->routes);
	free(rig);
}

static void apply(struct rig *rig, size_t n_routes)
{
	rig->plan.n_routes = n_routes;
	agent_peers_apply(&rig->peers, &rig->plan, clock_now());
	agent_peers_apply_routes(&rig->peers, &rig->plan, clock_now());
}

static nsec_t step(void *ctx, nsec_t now)
{
	struct rig *rig = ctx;

	router_turn(rig->router);
	rig->turns++;
	rig->changes += rig->peers.changed;
	rig->peers.changed = false;
	rig->reached = rig->until(rig);
	if (rig->reached || now > rig->give_up)
		loop_stop(rig->loop);
	return nsec_min(agent_peers_tick(&rig->peers, now), now + NSEC_PER_MSEC);
}

/* Runs until it holds. */
static void wait_for(struct rig *rig, bool (*until)(const struct rig *rig), const char *what)
{
	rig->until = until;
	rig->give_up = clock_now() + WAIT_NS;
	assert_int_equal(loop_run(rig->loop, step, rig), 0);
	if (!rig->reached)
		fail_msg("not within %u s: %s", (unsigned)(WAIT_NS / NSEC_PER_SEC), what);
}
#define WAIT_FOR(rig, until) wait_for(rig, until, #until)

static struct plan_actual_peer actual(const struct rig *rig)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct plan_actual_peer *list;
	struct plan_actual_peer ret;
	size_t n;

	agent_peers_actual(&rig->peers, arena, &list, &n);
	assert_int_equal(n, 1);
	ret = list[0];
	ret.advertised = NULL;
	return ret;
}

static bool is_up(const struct rig *rig)
{
	return actual(rig).established;
}
static bool is_down(const struct rig *rig)
{
	return !actual(rig).established;
}
static bool heard_end_of_rib(const struct rig *rig)
{
	return rig->router->end_of_ribs > 0;
}
static bool all_written(const struct rig *rig)
{
	return actual(rig).n_advertised == N_ROUTES;
}
static bool all_gone(const struct rig *rig)
{
	return actual(rig).n_advertised == 0;
}
static bool is_stuck(const struct rig *rig)
{
	return rig->turns > 300;
}
static bool is_refused(const struct rig *rig)
{
	return actual(rig).refusals >= 3;
}
static bool came_again(const struct rig *rig)
{
	return rig->router->connections == 2;
}

static bool has_turned(const struct rig *rig)
{
	return rig->turns > 30;
}
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

static void routes_reach_the_router_and_are_confirmed(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(rig->router->announced, 3);
	assert_int_equal(actual(rig).n_advertised, 3);
	assert_int_equal(actual(rig).refusals, 0);
	rig_free(rig);
}

/* Else every KEEPALIVE would cost a plan. */
static void only_updates_and_sessions_are_a_change_for_the_plan(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->peer.bgp.hold_s = 3;
	rig->peer.bgp.keepalive_s = 1;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->turns = rig->changes = rig->router->keepalives = 0;
	while (rig->router->keepalives < 2) {
		uint8_t buf[BGP_MESSAGE_MAX];

		rig->turns = 0;
		WAIT_FOR(rig, is_stuck);
		router_say(rig->router, buf, bgp_keepalive_encode(buf, sizeof(buf)));
	}
	assert_int_equal(rig->changes, 0);
	rig_free(rig);
}

/* Without an UPDATE, too: the plan waits for sessions before it says that all is told. */
static void a_session_that_comes_up_is_a_change(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->plan.end_of_rib = false;
	apply(rig, 0);
	rig->peers.changed = false;
	WAIT_FOR(rig, is_up);
	assert_int_equal(bgp_peer_info(rig->peers.items[0]->bgp).updates_sent, 0);
	assert_int_equal(rig->changes, 1);
	rig_free(rig);
}

/* Gate 2: a VIP stays until the kernel has taken the withdrawal, not until it was encoded. */
static void what_the_kernel_has_not_taken_is_not_confirmed(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	apply(rig, 0);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->router->reads = false;
	apply(rig, N_ROUTES);
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	assert_int_equal(actual(rig).n_advertised, 0);
	rig->router->reads = true;
	WAIT_FOR(rig, all_written);

	rig->router->reads = false;
	apply(rig, 0);
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	assert_int_equal(actual(rig).n_advertised, N_ROUTES);
	rig->changes = 0;
	rig->router->reads = true;
	WAIT_FOR(rig, all_gone);
	assert_true(rig->changes > 0);
	rig_free(rig);
}

static void a_lost_session_confirms_nothing_and_is_urgent(void **state)
{
	struct rig *rig = rig_new();
	nsec_t before;

	(void)state;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->peers.urgent = false;
	rig->changes = 0;
	before = loop_now(rig->loop);
	router_hang_up(rig->router);
	assert_int_equal(actual(rig).trying_since, NSEC_NEVER);
	WAIT_FOR(rig, is_down);
	assert_true(actual(rig).trying_since > before);
	assert_int_equal(actual(rig).n_advertised, 0);
	assert_true(rig->peers.urgent);
	assert_true(rig->changes > 0);
	WAIT_FOR(rig, came_again);
	WAIT_FOR(rig, is_up);
	rig_free(rig);
}

static bool has_no_stale_routes(const struct rig *rig)
{
	return actual(rig).stale_until == 0;
}

/* A router that keeps stale routes has them until it is told what is left. */
static void a_session_that_broke_leaves_stale_routes_until_end_of_rib(void **state)
{
	(void)state;
	for (int graceful = 0; graceful < 2; graceful++) {
		struct rig *rig = rig_new();
		nsec_t down_at;

		rig->peer.bgp.graceful_restart = graceful;
		apply(rig, 3);
		assert_int_equal(actual(rig).stale_until, 0);
		WAIT_FOR(rig, heard_end_of_rib);
		assert_int_equal(actual(rig).stale_until, 0);
		down_at = clock_now();
		router_hang_up(rig->router);
		WAIT_FOR(rig, is_down);
		if (graceful)
			assert_in_range(actual(rig).stale_until, down_at + 120 * NSEC_PER_SEC,
					clock_now() + 120 * NSEC_PER_SEC);
		else
			assert_int_equal(actual(rig).stale_until, 0);
		WAIT_FOR(rig, came_again);
		WAIT_FOR(rig, is_up);
		WAIT_FOR(rig, has_no_stale_routes);
		rig_free(rig);
	}
}

static void a_restart_leaves_stale_routes_until_end_of_rib(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->peers.restarted = true;
	rig->plan.end_of_rib = false;
	apply(rig, 3);
	rig->peers.restarted = false; /* which counts for peers begun from now on */
	WAIT_FOR(rig, is_up);
	assert_in_range(actual(rig).stale_until, clock_now(), clock_now() + 120 * NSEC_PER_SEC);
	rig->plan.end_of_rib = true;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(actual(rig).stale_until, 0);
	rig_free(rig);
}

static void refusals_count_attempts_that_failed(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->router->refuses = true;
	apply(rig, 0);
	assert_int_equal(actual(rig).refusals, 0); /* the first attempt is under way */
	WAIT_FOR(rig, is_refused);
	assert_in_range(rig->router->connections, 3, 4); /* the fourth is under way */
	assert_non_null(actual(rig).last_error);
	assert_true(rig->changes > 0);
	rig->router->refuses = false;
	WAIT_FOR(rig, is_up);
	assert_int_equal(actual(rig).refusals, 0);
	rig_free(rig);
}

/* The clock of the test is ahead of the loop's, so that nobody waits. */
static void silence_is_explained_after_ten_seconds(void **state)
{
	static const char *const says[] = {"it has another MD5 password, or none",
					   "it demands an MD5 password"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++) {
		struct rig *rig = rig_new();
		nsec_t begun = clock_now(), dialled;
		const char *error;

		if (i == 0) { /* only one of the two has a password */
			rig->peer.password = (const uint8_t *)"s3cr3t";
			rig->peer.password_len = 6;
		} else {
			router_demands(rig->router, "s3cr3t");
		}
		rig->peer.bgp.connect_s = 60;
		apply(rig, 0);
		dialled = clock_now();
		assert_in_range(actual(rig).trying_since, begun, dialled);
		WAIT_FOR(rig, has_turned);
		rig->peers.changed = false;
		assert_in_range(agent_peers_tick(&rig->peers, begun), begun + PLAN_SILENT_NS,
				dialled + PLAN_SILENT_NS);
		(void)agent_peers_tick(&rig->peers, begun + PLAN_SILENT_NS - 1);
		assert_null(actual(rig).last_error);
		assert_false(rig->peers.changed);
		(void)agent_peers_tick(&rig->peers, dialled + PLAN_SILENT_NS);
		error = bgp_peer_info(rig->peers.items[0]->bgp).last_error;
		assert_non_null(error);
		assert_non_null(strstr(error, says[i]));
		assert_true(rig->peers.changed);
		rig->peers.changed = false;
		(void)agent_peers_tick(&rig->peers, dialled + PLAN_SILENT_NS + 1);
		assert_false(rig->peers.changed); /* once */
		rig_free(rig);
	}
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
	router_demands(rig->router, "s3cr3t");
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

static void restart_and_forwarding_bits_are_what_the_agent_says(void **state)
{
	(void)state;
	for (int restarted = 0; restarted < 2; restarted++) {
		for (int preserved = 0; preserved < 2; preserved++) {
			struct rig *rig = rig_new();

			rig->peers.restarted = restarted;
			rig->peers.forwarding_preserved = preserved;
			apply(rig, 3);
			WAIT_FOR(rig, heard_end_of_rib);
			assert_true(rig->router->open.gr.present);
			assert_int_equal(rig->router->open.gr.restarting, restarted);
			assert_int_equal(
				bgp_families_has(rig->router->open.gr.forwarding, BGP_IPV4_UNICAST),
				restarted && preserved);
			rig_free(rig);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_reach_the_router_and_are_confirmed),
		cmocka_unit_test(only_updates_and_sessions_are_a_change_for_the_plan),
		cmocka_unit_test(a_session_that_comes_up_is_a_change),
		cmocka_unit_test(what_the_kernel_has_not_taken_is_not_confirmed),
		cmocka_unit_test(a_lost_session_confirms_nothing_and_is_urgent),
		cmocka_unit_test(a_session_that_broke_leaves_stale_routes_until_end_of_rib),
		cmocka_unit_test(a_restart_leaves_stale_routes_until_end_of_rib),
		cmocka_unit_test(refusals_count_attempts_that_failed),
		cmocka_unit_test(silence_is_explained_after_ten_seconds),
		cmocka_unit_test(a_planned_restart_says_nothing_and_a_stop_says_cease),
		cmocka_unit_test(a_change_says_other_configuration_and_a_removal_deconfigured),
		cmocka_unit_test(a_change_costs_the_session_what_the_table_says),
		cmocka_unit_test(a_router_that_is_behind_hears_why),
		cmocka_unit_test(a_new_session_does_not_wait_for_the_old_one_to_be_closed),
		cmocka_unit_test(a_change_while_it_dials_dials_anew),
		cmocka_unit_test(restart_and_forwarding_bits_are_what_the_agent_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
