// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What the plan is told of a BGP session, and when.
 */
#include "peers_rig.h"

#include "agent/peers_inside.h"
#include "bgp/bgp_conn.h"
#include "errors.h"

#include <fcntl.h>

static bool all_written(const struct rig *rig)
{
	return n_advertised(rig) == N_ROUTES;
}
static bool heard_all(const struct rig *rig)
{
	return rig->router->announced == N_ROUTES;
}
static bool heard_a_change(const struct rig *rig)
{
	return rig->router->announced == 4 && rig->router->withdrawn == 1 && n_advertised(rig) == 3;
}
static bool heard_it_again(const struct rig *rig)
{
	return rig->router->announced == 7 && n_advertised(rig) == 3;
}
static bool all_gone(const struct rig *rig)
{
	return n_advertised(rig) == 0;
}
static bool is_refused(const struct rig *rig)
{
	return actual(rig).refusals >= 3;
}
static bool came_again(const struct rig *rig)
{
	return rig->router->connections == 2;
}

static void routes_reach_the_router_and_are_confirmed(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(rig->router->announced, 3);
	assert_int_equal(n_advertised(rig), 3);
	assert_int_equal(actual(rig).refusals, 0);
	rig_free(rig);
}

static unsigned count_of(const char *text, const char *words)
{
	unsigned n = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		n++;
	}
	return n;
}

static void the_log_names_the_routes_that_an_update_changes(void **state)
{
	static const uint32_t community = 64512u << 16 | 100;
	struct rig *rig = rig_new();
	const char *text;
	int errors;

	(void)state;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(n_advertised(rig), 3);
	log_init(LOG_LEVEL_INFO, false);
	errors = errors_begin();
	rig->routes[2].prefix = rig->routes[3].prefix;
	apply(rig, 3);
	WAIT_FOR(rig, heard_a_change);
	text = errors_end(errors);
	assert_int_equal(count_of(text, "bgp: announce"), 1);
	assert_int_equal(count_of(text, "bgp: withdraw"), 1);
	assert_non_null(strstr(text, "prefix=192.0.0.3/32 community"));
	assert_non_null(strstr(text, "prefix=192.0.0.2/32"));
	assert_int_equal(count_of(text, "bgp: routes that are advertised now"), 1);
	assert_non_null(strstr(text, "routes=3"));

	/* Other attributes, and nothing else. */
	errors = errors_begin();
	rig->attrs.communities = &community;
	rig->attrs.n_communities = 1;
	apply(rig, 3);
	WAIT_FOR(rig, heard_it_again);
	text = errors_end(errors);
	assert_int_equal(count_of(text, "bgp: announce"), 3);
	assert_int_equal(count_of(text, "community=64512:100"), 3);
	assert_int_equal(count_of(text, "bgp: withdraw"), 0);
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
	assert_true(rig->peers.changed); /* that plan did not see what it may keep stale */
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
	assert_int_equal(n_advertised(rig), 0);
	rig->router->reads = true;
	WAIT_FOR(rig, all_written);

	rig->router->reads = false;
	apply(rig, 0);
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	assert_int_equal(n_advertised(rig), N_ROUTES);
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
	assert_int_equal(n_advertised(rig), 0);
	assert_true(rig->peers.urgent);
	assert_true(rig->changes > 0);
	WAIT_FOR(rig, came_again);
	WAIT_FOR(rig, is_up);
	rig_free(rig);
}

/* What was left of an UPDATE is no part of the next connection. */
static void a_session_that_broke_within_an_update_begins_anew(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	apply(rig, 0);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->router->reads = false;
	apply(rig, N_ROUTES);
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	router_hang_up(rig->router);
	WAIT_FOR(rig, is_down);
	rig->router->reads = true;
	WAIT_FOR(rig, all_written);
	assert_int_equal(rig->router->connections, 2);
	WAIT_FOR(rig, heard_all);
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
	rig->peer.bgp.connect_s = 1; /* each time, in place of ever longer */
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

/*
 * So that nobody waits for minutes: from now on this process reads a monotonic clock that is so far
 * ahead. False: the kernel has no time namespaces.
 */
static bool time_passes(unsigned s)
{
	static long ahead;
	char offset[64];
	int fd = unshare(CLONE_NEWTIME) == 0 ? open("/proc/self/timens_offsets", O_WRONLY) : -1;
	int len = snprintf(offset, sizeof(offset), "monotonic %ld 0", ahead + s);

	if (fd < 0)
		return false;
	assert_int_equal(write(fd, offset, (size_t)len), len);
	close(fd);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	assert_int_equal(setns(fd, CLONE_NEWTIME), 0);
	close(fd);
	ahead += s;
	return true;
}

/* 12 KB of UPDATEs, more than the kernel holds of both sides: so it took something new. */
static bool heard_more(const struct rig *rig)
{
	return rig->router->announced >= rig->heard + 4000;
}

/* RFC 9687: what counts is that the kernel takes something, not that all is told. */
static void a_router_that_reads_slowly_is_kept_and_one_that_does_not_read_is_left(void **state)
{
	(void)state;
	for (int reads = 1; reads >= 0; reads--) {
		const unsigned end = reads ? BGP_SEND_HOLD_MIN_S + 60 : 2 * BGP_SEND_HOLD_MIN_S;
		struct rig *rig = rig_new();
		uint8_t buf[BGP_MESSAGE_MAX];
		unsigned s;

		apply(rig, 0);
		WAIT_FOR(rig, heard_end_of_rib);
		rig->router->reads = false;
		apply(rig, N_ROUTES);
		rig->turns = 0;
		WAIT_FOR(rig, is_stuck);
		for (s = 0; s < end && is_up(rig); s += 60) {
			if (!time_passes(60)) {
				rig_free(rig);
				skip();
			}
			router_say(rig->router, buf, bgp_keepalive_encode(buf, sizeof(buf)));
			rig->turns = 0;
			WAIT_FOR(rig, has_turned);
			if (!reads)
				continue;
			rig->heard = rig->router->announced;
			rig->router->reads = true;
			WAIT_FOR(rig, heard_more);
			rig->router->reads = false;
		}
		assert_int_equal(is_up(rig), reads);
		assert_true(s >= BGP_SEND_HOLD_MIN_S);
		assert_true(n_advertised(rig) < N_ROUTES);
		rig_free(rig);
	}
}

/*
 * An agent that was stopped for longer than the hold time, as a machine that sleeps is, asks what
 * lies in the socket before it gives a session up.
 */
static void what_waits_in_the_socket_keeps_a_session_over_a_stall(void **state)
{
	(void)state;
	for (int says = 1; says >= 0; says--) {
		struct rig *rig = rig_new();
		uint8_t buf[BGP_MESSAGE_MAX];

		apply(rig, 0);
		WAIT_FOR(rig, heard_end_of_rib);
		if (!time_passes(100)) {
			rig_free(rig);
			skip();
		}
		if (says)
			router_say(rig->router, buf, bgp_keepalive_encode(buf, sizeof(buf)));
		rig->turns = 0;
		WAIT_FOR(rig, has_turned);
		assert_int_equal(is_up(rig), says);
		rig_free(rig);
	}
}

/* The clock of the test is ahead of the loop's, so that nobody waits. */
static void silence_is_explained_after_three_seconds(void **state)
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
			router_demands(rig->router->listener, "s3cr3t");
		}
		rig->peer.bgp.connect_s = 60;
		apply(rig, 0);
		dialled = clock_now();
		assert_in_range(actual(rig).trying_since, begun, dialled);
		WAIT_FOR(rig, has_turned);
		rig->peers.changed = false;
		assert_in_range(agent_peers_tick(&rig->peers, begun), begun + PEERS_SILENT_NS,
				dialled + PEERS_SILENT_NS);
		(void)agent_peers_tick(&rig->peers, begun + PEERS_SILENT_NS - 1);
		assert_null(actual(rig).last_error);
		assert_false(rig->peers.changed);
		(void)agent_peers_tick(&rig->peers, dialled + PEERS_SILENT_NS);
		error = bgp_peer_info(rig->peers.items[0]->bgp).last_error;
		assert_non_null(error);
		assert_non_null(strstr(error, says[i]));
		assert_true(rig->peers.changed);
		rig->peers.changed = false;
		(void)agent_peers_tick(&rig->peers, dialled + PEERS_SILENT_NS + 1);
		assert_false(rig->peers.changed); /* once */
		rig_free(rig);
	}
}

static const char *last_error(const struct rig *rig)
{
	return bgp_peer_info(rig->peers.items[0]->bgp).last_error;
}
static bool has_error(const struct rig *rig)
{
	return last_error(rig) != NULL;
}

/* The kernel has asked for the neighbour in vain, for three seconds. */
static bool has_no_answer(const struct rig *rig)
{
	return rig->peers.items[0]->has_no_answer;
}

/* Each within the time of one attempt: who cannot be reached, and why. */
static void a_session_that_cannot_come_up_says_why(void **state)
{
	static const struct {
		const char *what, *says;
	} cases[] = {
		{"port", "connection refused"},
		{"route", "no route to the peer's address"},
		{"neighbour", "or it is not on this link, and the BGPPeer needs ebgpMultiHop"},
		{"source", "the source address is not an address of this node"},
		{"asn", "the peer says it is AS 65000, and AS 64512 is configured"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *what = cases[i].what;
		struct rig *rig = rig_new();

		if (strcmp(what, "port") == 0)
			rig->peer.port = 9;
		rig->router->refuses = strcmp(what, "asn") == 0;
		if (strcmp(what, "route") == 0 || strcmp(what, "neighbour") == 0)
			rig->peer.address = ip_addr_from_v4(0x0a000107), rig->peer.ttl = 1;
		if (strcmp(what, "neighbour") == 0)
			assert_int_equal(system("ip link add d0 type veth peer name d1 &&"
						" ip link set d0 up && ip link set d1 up &&"
						" ip route add 10.0.1.0/24 dev d0"),
					 0);
		if (strcmp(what, "source") == 0)
			rig->peer.source = ip_addr_from_v4(0x0a000009);
		apply(rig, 0);
		if (strcmp(what, "neighbour") == 0)
			WAIT_FOR(rig, has_no_answer);
		else
			WAIT_FOR(rig, has_error);
		if (!strstr(last_error(rig), cases[i].says))
			fail_msg("%s: %s", what, last_error(rig));
		rig_free(rig);
	}
}

static unsigned n_tries;
static bool tried_again(const struct rig *rig)
{
	return rig->router->connections > n_tries;
}

/* The pause of an hour is not waited for once there is a way. */
static void who_can_be_reached_again_is_dialled_at_once(void **state)
{
	const struct plan_link links[] = {{.ifindex = 1, .name = "lo", .up = true}};
	struct plan_route_to way = {.to = ip_addr_from_v4(ROUTER_ADDR), .ifindex = 1};
	const struct plan_node node = {
		.links = links, .n_links = 1, .routes_to = &way, .n_routes_to = 1};
	struct rig *rig = rig_new();

	(void)state;
	rig->router->refuses = true;
	rig->peer.bgp.connect_s = 3600;
	apply(rig, 0);
	WAIT_FOR(rig, has_error);
	n_tries = rig->router->connections;
	agent_peers_node(&rig->peers, &node, clock_now());
	WAIT_FOR(rig, tried_again);
	n_tries = rig->router->connections;
	rig->turns = 0;
	agent_peers_node(&rig->peers, &node, clock_now()); /* which was there before */
	WAIT_FOR(rig, has_turned);
	assert_int_equal(rig->router->connections, n_tries);
	way.ifindex = 0; /* no way, and again one */
	agent_peers_node(&rig->peers, &node, clock_now());
	way.ifindex = 1;
	agent_peers_node(&rig->peers, &node, clock_now());
	WAIT_FOR(rig, tried_again);
	rig_free(rig);
}

static bool dials(const struct rig *rig)
{
	return rig->peers.items[0]->links[BGP_SLOT_DIALLED].fd >= 0;
}

static void who_did_not_answer_is_dialled_when_a_neighbour_appears(void **state)
{
	struct rig *rig = rig_new();
	nsec_t now;

	(void)state;
	assert_int_equal(system("ip link add d0 type veth peer name d1 && ip link set d0 up &&"
				" ip link set d1 up && ip route add 10.0.1.0/24 dev d0"),
			 0);
	rig->peer.address = ip_addr_from_v4(0x0a000107);
	rig->peer.bgp.connect_s = 60;
	apply(rig, 0);
	WAIT_FOR(rig, has_no_answer);
	assert_false(dials(rig));
	now = clock_now();
	agent_peers_neighbours(&rig->peers, now);
	assert_true(dials(rig));
	WAIT_FOR(rig, has_no_answer);
	router_hang_up(rig->router);
	agent_peers_neighbours(&rig->peers, now); /* not twice in a second */
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
		cmocka_unit_test(the_log_names_the_routes_that_an_update_changes),
		cmocka_unit_test(only_updates_and_sessions_are_a_change_for_the_plan),
		cmocka_unit_test(a_session_that_comes_up_is_a_change),
		cmocka_unit_test(what_the_kernel_has_not_taken_is_not_confirmed),
		cmocka_unit_test(a_lost_session_confirms_nothing_and_is_urgent),
		cmocka_unit_test(a_session_that_broke_within_an_update_begins_anew),
		cmocka_unit_test(a_session_that_broke_leaves_stale_routes_until_end_of_rib),
		cmocka_unit_test(a_restart_leaves_stale_routes_until_end_of_rib),
		cmocka_unit_test(refusals_count_attempts_that_failed),
		cmocka_unit_test(what_waits_in_the_socket_keeps_a_session_over_a_stall),
		cmocka_unit_test(
			a_router_that_reads_slowly_is_kept_and_one_that_does_not_read_is_left),
		cmocka_unit_test(silence_is_explained_after_three_seconds),
		cmocka_unit_test(a_session_that_cannot_come_up_says_why),
		cmocka_unit_test(who_can_be_reached_again_is_dialled_at_once),
		cmocka_unit_test(who_did_not_answer_is_dialled_when_a_neighbour_appears),
		cmocka_unit_test(restart_and_forwarding_bits_are_what_the_agent_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
