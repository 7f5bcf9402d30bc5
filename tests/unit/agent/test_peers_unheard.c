// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A router whose packets come with too small a TTL for our side's TTL security: the handshake is
 * made, since a listening socket sends with 255, and nothing behind it is heard.
 */
#include "unit/agent/peers_rig.h"

#include "agent/peers_inside.h"

#include <poll.h>

static const struct peer_link *link_of(const struct rig *rig)
{
	return &rig->peers.items[0]->links[BGP_SLOT_DIALLED];
}
static bool is_given_up(const struct rig *rig)
{
	return link_of(rig)->fd < 0;
}
static const char *last_error(const struct rig *rig)
{
	return bgp_peer_info(rig->peers.items[0]->bgp).last_error;
}

static void set_ttl(int fd, int ttl)
{
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
}

static void take_connection(struct router *r)
{
	for (int i = 0; i < 1000 && r->fd < 0; i++) {
		r->fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (r->fd < 0)
			(void)poll(NULL, 0, 1);
	}
	assert_true(r->fd >= 0);
}

/* The clock of the test is ahead of the loop's, so that nobody waits. */
static void tick_after(struct rig *rig, nsec_t ns)
{
	rig->peers.changed = false;
	(void)agent_peers_tick(&rig->peers, clock_now() + ns);
}

/* Its kernel's acknowledgement of our OPEN may come with the handshake's TTL still. */
static void a_router_that_is_not_heard_is_given_up_with_the_reason(void **state)
{
	(void)state;
	for (int has_heard_us = 0; has_heard_us < 2; has_heard_us++) {
		struct rig *rig = rig_new();

		rig->peer.ttl_security = 1;
		rig->peer.bgp.connect_s = 60;
		rig->router->reads = false;
		set_ttl(rig->router->listener, 255);
		apply(rig, 0);
		take_connection(rig->router);
		if (has_heard_us)
			WAIT_FOR(rig, has_turned);
		set_ttl(rig->router->fd, 64); /* far away from then on */
		router_greet(rig->router);
		rig->turns = 0;
		WAIT_FOR(rig, has_turned);
		assert_int_equal(bgp_peer_info(rig->peers.items[0]->bgp).state, BGP_OPEN_SENT);
		assert_null(last_error(rig));

		tick_after(rig, PEERS_SILENT_NS);
		assert_true(rig->peers.changed);
		assert_non_null(last_error(rig));
		assert_non_null(strstr(last_error(rig), "too small a TTL"));
		assert_false(is_given_up(rig));
		tick_after(rig, PEERS_SILENT_NS + 1);
		assert_false(rig->peers.changed); /* once */

		tick_after(rig, PEERS_UNHEARD_NS);
		assert_true(is_given_up(rig));
		assert_non_null(strstr(last_error(rig), "too small a TTL"));
		assert_int_equal(rig->router->connections, 1);
		rig_free(rig);
	}
}

/* Connected, and it says nothing: it may be slow, so it is waited for, but told. */
static void a_router_that_says_no_open_is_told_and_waited_for(void **state)
{
	struct rig *rig = rig_new();

	(void)state;
	rig->router->reads = false;
	rig->peer.bgp.connect_s = 60;
	apply(rig, 0);
	take_connection(rig->router);
	WAIT_FOR(rig, has_turned);
	/* For which the loop turns, if for nothing else. */
	assert_in_range(agent_peers_tick(&rig->peers, clock_now()), 1, link_of(rig)->silent_at);
	tick_after(rig, PEERS_SILENT_NS);
	assert_non_null(last_error(rig));
	assert_non_null(strstr(last_error(rig), "does not answer our OPEN"));
	tick_after(rig, PEERS_UNHEARD_NS);
	tick_after(rig, 2 * PEERS_UNHEARD_NS);
	assert_false(is_given_up(rig));
	router_greet(rig->router);
	WAIT_FOR(rig, is_up);
	assert_null(last_error(rig));
	rig_free(rig);
}

/* Which was told, and is no silence, however long it is until the next attempt. */
static void a_router_that_refuses_is_not_silent(void **state)
{
	struct rig *rig = rig_new();
	char before[128];

	(void)state;
	rig->peer.port = 9;
	rig->peer.bgp.connect_s = 60;
	apply(rig, 0);
	WAIT_FOR(rig, is_given_up);
	assert_non_null(last_error(rig));
	(void)snprintf(before, sizeof(before), "%s", last_error(rig));
	tick_after(rig, PEERS_SILENT_NS);
	assert_string_equal(last_error(rig), before);
	assert_false(rig->peers.changed);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_that_is_not_heard_is_given_up_with_the_reason),
		cmocka_unit_test(a_router_that_refuses_is_not_silent),
		cmocka_unit_test(a_router_that_says_no_open_is_told_and_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
