// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * What BFD does to BGP: a whole agent, its thread and its session with the scripted router, whose
 * BFD is a socket that says what the test wants.
 */
#include "bfd_rig.h"
#include "errors.h"

static const struct plan_path *path(const struct agent_rig *rig)
{
	return &rig->agent.peers.items[0]->path;
}

static bool is_lost(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDDown") != NULL;
}

static bool is_not_lost(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDDown") == NULL;
}

static void silence_closes_bgp_with_cease_6_10(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	RIG_WAIT(rig, was_notified);
	assert_int_equal(rig->router->notification.code, 6);
	assert_int_equal(rig->router->notification.subcode, 10);
	assert_int_equal(line(rig)->flaps, 1);
	/* BGP does not wait for BFD. */
	RIG_WAIT(rig, has_bgp);
	assert_int_not_equal(state_of(rig), BFD_UP);
	end(rig, fd);
}

static void admin_down_of_the_router_closes_nothing(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	router_says(rig, fd, BFD_ADMIN_DOWN);
	RIG_WAIT(rig, is_not_up);
	assert_true(has_bgp(rig));
	assert_int_equal(rig->router->notification.code, 0);
	end(rig, fd);
}

static void the_plan_learns_that_the_way_is_lost_until_bfd_is_up_again(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	assert_int_equal(path(rig)->lost_at, 0);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_lost);
	assert_string_equal(rig_problem(rig, "BFDDown")->object.name, "r");
	assert_string_equal(path(rig)->reason, bfd_diag_text(BFD_DIAG_NEIGHBOUR_DOWN));
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	assert_int_not_equal(path(rig)->lost_at, 0);
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, is_up);
	assert_int_equal(path(rig)->lost_at, 0);
	RIG_WAIT(rig, is_not_lost);
	/* Out of use by the router: nothing is lost. */
	router_says(rig, fd, BFD_ADMIN_DOWN);
	RIG_WAIT(rig, is_not_up);
	assert_int_equal(path(rig)->lost_at, 0);
	end(rig, fd);
}

/* What BFD said has gone with it. */
static void a_way_that_is_lost_is_forgotten_with_the_profile(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_lost);
	rig_write(rig, "peer.yaml", PEER_WITHOUT);
	RIG_WAIT(rig, is_not_lost);
	assert_int_equal(path(rig)->lost_at, 0);
	end(rig, fd);
}

static void a_router_that_says_down_closes_bgp(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, was_notified);
	assert_int_equal(rig->router->notification.subcode, 10);
	assert_int_equal(line(rig)->changes[2].diag, BFD_DIAG_NEIGHBOUR_DOWN);
	end(rig, fd);
}

/* With both sides' reasons. */
static void up_and_down_are_logged(void **state)
{
	const char *said, *down;
	struct agent_rig *rig;
	int fd, before;

	(void)state;
	rig = rig_with_bfd(&fd);
	log_init(LOG_LEVEL_INFO, false);
	before = errors_begin();
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_not_up);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, is_up);
	said = errors_end(before);
	down = strstr(said, "level=warn msg=\"bfd: BFD session down\" address=10.0.0.2 state=Down"
			    " reason=\"neighbour signalled down\" remote=Down remoteReason=none"
			    " silentMillis=0.0\n");
	assert_non_null(down);
	assert_non_null(strstr(down, "level=info msg=\"bfd: BFD session up\" address=10.0.0.2\n"));
	assert_null(strstr(strchr(down, '\n'), "bfd: BFD session down"));
	end(rig, fd);
}

/* It would be missed after two seconds only. */
static void a_link_that_goes_down_is_path_down_at_once(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	assert_int_equal(system("ip link set lo down"), 0);
	RIG_WAIT(rig, is_not_up);
	assert_int_equal(line(rig)->changes[2].diag, BFD_DIAG_PATH_DOWN);
	assert_false(has_bgp(rig));
	assert_int_equal(system("ip link set lo up"), 0);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	end(rig, fd);
}

#define STRICT_PEER                                                                                \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: r, namespace: metallb-system,"                                           \
	" annotations: {lodestone.io/bfd-strict: \"true\"}}\n"                                     \
	"spec:\n  {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"           \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1, bfdProfile: fast}\n"

static bool waits_for_bfd(const struct agent_rig *rig)
{
	const struct bgp_peer_info info = bgp_peer_info(rig->agent.peers.items[0]->bgp);

	return info.state == BGP_OPEN_CONFIRM && info.last_error &&
	       strstr(info.last_error, "bfd-strict");
}

static bool is_waiting_peer(const struct agent_rig *rig)
{
	return is_known(rig) && waits_for_bfd(rig);
}

static void strict_bgp_waits_for_bfd_and_after_it_was_down_again(void **state)
{
	struct agent_rig *rig = rig_new();
	int fd;

	(void)state;
	rig_write(rig, "peer.yaml", STRICT_PEER);
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	RIG_WAIT(rig, is_waiting_peer);
	fd = router_bfd();
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	assert_true(waits_for_bfd(rig));
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, has_bgp);
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, was_notified);
	RIG_WAIT(rig, waits_for_bfd);
	/* The router takes BFD out of use, which is no reason to wait (RFC 5882 3.2). */
	router_says(rig, fd, BFD_INIT);
	router_says(rig, fd, BFD_ADMIN_DOWN);
	RIG_WAIT(rig, has_bgp);
	end(rig, fd);
}

static bool is_refused(const struct agent_rig *rig)
{
	struct bgp_peer_info info;

	if (!is_known(rig))
		return false;
	info = bgp_peer_info(rig->agent.peers.items[0]->bgp);
	return info.state == BGP_IDLE && info.last_error;
}

static unsigned n_attempts;
static bool is_tried_again(const struct agent_rig *rig)
{
	return rig->router->connections > n_attempts;
}

/* The pause of a minute before the next attempt is over once BFD has reached the router. */
static void bgp_is_tried_again_at_once_when_bfd_comes_up(void **state)
{
	struct agent_rig *rig = rig_new();
	int fd;

	(void)state;
	rig->router->refuses = true;
	rig_write(rig, "peer.yaml",
		  "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
		  "metadata: {name: r, namespace: metallb-system}\n"
		  "spec:\n  {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.2, peerPort: 1790,"
		  " sourceAddress: 10.0.0.1, routerID: 10.0.0.1, bfdProfile: fast,"
		  " connectTime: 60s}\n");
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	RIG_WAIT(rig, is_refused);
	n_attempts = rig->router->connections;
	fd = router_bfd();
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_init);
	assert_int_equal(rig->router->connections, n_attempts);
	router_says(rig, fd, BFD_UP);
	RIG_WAIT(rig, is_tried_again);
	end(rig, fd);
}

static bool is_mute_told(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDNobodyBegins") != NULL;
}

static bool is_mute_not_told(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDNobodyBegins") == NULL;
}

static void passive_and_nobody_begins_is_told_until_the_router_does(void **state)
{
	struct agent_rig *rig = rig_new();
	int fd;

	(void)state;
	rig_write(rig, "peer.yaml", PEER_WITH_BFD);
	rig_write(rig, "profile.yaml",
		  "apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {name: fast}\n"
		  "spec: {passiveMode: true}\n");
	rig_start(rig);
	RIG_WAIT(rig, is_known);
	RIG_WAIT(rig, is_mute_told);
	assert_string_equal(rig_problem(rig, "BFDNobodyBegins")->object.name, "r");
	fd = router_bfd();
	router_says(rig, fd, BFD_DOWN);
	RIG_WAIT(rig, is_mute_not_told);
	end(rig, fd);
}

static struct {
	const char *spec;
	uint32_t tx_ms, rx_ms, echo_ms;
	uint8_t multiplier, ttl;
	bool is_passive;
} const *wanted,
	profiles[] = {
		{"{transmitInterval: 60}", 60, 300, 0, 3, 254, false},
		{"{transmitInterval: 60, receiveInterval: 70}", 60, 70, 0, 3, 254, false},
		{"{transmitInterval: 60, receiveInterval: 70, detectMultiplier: 5}", 60, 70, 0, 5,
		 254, false},
		{"{transmitInterval: 60, receiveInterval: 70, detectMultiplier: 5, minimumTtl: 200}",
		 60, 70, 0, 5, 200, false},
		{"{receiveInterval: 70, minimumTtl: 200, passiveMode: true}", 300, 70, 0, 3, 200,
		 true},
		{"{receiveInterval: 70, passiveMode: true, echoMode: true}", 300, 70, 50, 3, 254,
		 true},
		{"{receiveInterval: 70, passiveMode: true, echoMode: true, echoInterval: 80}", 300,
		 70, 80, 3, 254, true},
		{"{}", 300, 300, 0, 3, 254, false},
};

/* The thread's own word. */
static bool is_as_wanted(const struct agent_rig *rig)
{
	const struct bfd_config *c = &line(rig)->report.session.config;

	return c->terms.min_tx_us == wanted->tx_ms * 1000 &&
	       c->terms.min_rx_us == wanted->rx_ms * 1000 &&
	       c->terms.detect_mult == wanted->multiplier && c->minimum_ttl == wanted->ttl &&
	       c->is_passive == wanted->is_passive && c->echo_tx_us == wanted->echo_ms * 1000 &&
	       c->min_echo_rx_us == wanted->echo_ms * 1000;
}

static void each_field_of_a_profile_that_changes_reaches_the_session(void **state)
{
	struct agent_rig *rig = rig_new();
	char text[512];

	(void)state;
	rig_write(rig, "peer.yaml", PEER_WITH_BFD);
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	RIG_WAIT(rig, is_known);
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		wanted = &profiles[i];
		(void)snprintf(
			text, sizeof(text),
			"apiVersion: metallb.io/v1beta1\nkind: BFDProfile\nmetadata: {name: fast}\nspec: %s\n",
			wanted->spec);
		rig_write(rig, "profile.yaml", text);
		RIG_WAIT(rig, is_as_wanted);
	}
	rig_free(rig);
}

static bool is_told(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDPortTaken") != NULL;
}

static bool is_not_told(const struct agent_rig *rig)
{
	return rig_problem(rig, "BFDPortTaken") == NULL;
}

static uint64_t wakes;

static bool is_reported_again(const struct agent_rig *rig)
{
	return rig->agent.bfd.how.wakes > wakes;
}

static void a_port_that_somebody_else_has_is_a_problem_as_long_as_it_is_so(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(3784)};
	struct agent_rig *rig = rig_new();
	int other = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), before;
	const char *words = "bfd: a port cannot be had";

	(void)state;
	assert_int_equal(bind(other, (struct sockaddr *)&any, sizeof(any)), 0);
	rig_write(rig, "peer.yaml", PEER_WITH_BFD);
	rig_write(rig, "profile.yaml", PROFILE);
	rig_start(rig);
	before = errors_begin();
	RIG_WAIT(rig, is_told);
	assert_non_null(strstr(errors_end(before), words));
	before = errors_begin();
	wakes = rig->agent.bfd.how.wakes;
	RIG_WAIT(rig, is_reported_again);
	assert_null(strstr(errors_end(before), words)); /* once, and not each second */
	(void)close(other);
	RIG_WAIT(rig, is_not_told);
	rig_free(rig);
}

#define SECOND_PEER                                                                                \
	"apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"                                          \
	"metadata: {name: s, namespace: metallb-system}\n"                                         \
	"spec:\n  {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.3, peerPort: 1790,"           \
	" sourceAddress: 10.0.0.1, routerID: 10.0.0.1, bfdProfile: fast}\n"

static bool are_two_known(const struct agent_rig *rig)
{
	for (size_t i = 0; i < rig->agent.peers.n; i++) {
		const struct agent_peer *p = rig->agent.peers.items[i];
		const struct bfd_line *l = agent_bfd_of(&rig->agent.bfd, p);

		if (!l || !l->is_reported)
			return false;
		assert_true(ip_addr_equal(&l->report.session.config.peer, &p->config.address));
	}
	return rig->agent.peers.n == 2;
}

static void each_peer_has_a_session_of_its_own(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	rig_write(rig, "second.yaml", SECOND_PEER);
	RIG_WAIT(rig, are_two_known);
	assert_true(is_up(rig)); /* of another nothing is told to it */
	rig_remove(rig, "second.yaml");
	RIG_WAIT(rig, is_known);
	assert_true(is_up(rig));
	end(rig, fd);
}

static bool carries_not(const struct agent_rig *rig)
{
	return rig->agent.bfd.how.carry_error != 0;
}

/* What is no memory is no map; the sessions go on without the programs. */
static void a_map_that_cannot_be_used_is_said_once(void **state)
{
	const char *words = "bfd: the programs cannot be told of sessions";
	struct agent_rig *rig;
	int fd, pipes[2], before;

	(void)state;
	rig = rig_with_bfd(&fd);
	log_init(LOG_LEVEL_WARN, false);
	assert_int_equal(pipe(pipes), 0);
	before = errors_begin();
	assert_true(
		bfd_engine_carry(rig->agent.bfd.engine, (struct bpf_bfd_fds){pipes[0], -1, -1}));
	RIG_WAIT(rig, carries_not);
	assert_non_null(strstr(errors_end(before), words));
	before = errors_begin();
	wakes = rig->agent.bfd.how.wakes;
	RIG_WAIT(rig, is_reported_again);
	assert_null(strstr(errors_end(before), words));
	assert_true(is_up(rig));
	(void)close(pipes[1]);
	end(rig, fd);
}

static bool has_no_line(const struct agent_rig *rig)
{
	return rig->agent.bfd.lines && !rig->agent.bfd.lines[0].is_used;
}

static bool is_none(const struct agent_rig *rig)
{
	return line(rig) == NULL;
}

static void a_profile_that_is_taken_away_leaves_the_session_while_bgp_runs(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	rig_write(rig, "peer.yaml", PEER_WITHOUT);
	RIG_WAIT(rig, is_none);
	assert_true(rig->agent.bfd.lines[0].is_used);
	assert_true(has_bgp(rig));
	/* It is missed, and nobody is told; then it has no reason to be. */
	RIG_WAIT(rig, has_no_line);
	assert_true(has_bgp(rig));
	assert_int_equal(rig->router->notification.code, 0);
	end(rig, fd);
}

static void a_peer_that_is_gone_takes_its_session_along(void **state)
{
	struct agent_rig *rig;
	int fd;

	(void)state;
	rig = rig_with_bfd(&fd);
	rig_remove(rig, "peer.yaml");
	RIG_WAIT(rig, has_no_line);
	end(rig, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_closes_bgp_with_cease_6_10),
		cmocka_unit_test(admin_down_of_the_router_closes_nothing),
		cmocka_unit_test(the_plan_learns_that_the_way_is_lost_until_bfd_is_up_again),
		cmocka_unit_test(a_way_that_is_lost_is_forgotten_with_the_profile),
		cmocka_unit_test(a_router_that_says_down_closes_bgp),
		cmocka_unit_test(up_and_down_are_logged),
		cmocka_unit_test(a_link_that_goes_down_is_path_down_at_once),
		cmocka_unit_test(strict_bgp_waits_for_bfd_and_after_it_was_down_again),
		cmocka_unit_test(bgp_is_tried_again_at_once_when_bfd_comes_up),
		cmocka_unit_test(passive_and_nobody_begins_is_told_until_the_router_does),
		cmocka_unit_test(each_field_of_a_profile_that_changes_reaches_the_session),
		cmocka_unit_test(a_port_that_somebody_else_has_is_a_problem_as_long_as_it_is_so),
		cmocka_unit_test(each_peer_has_a_session_of_its_own),
		cmocka_unit_test(a_map_that_cannot_be_used_is_said_once),
		cmocka_unit_test(a_profile_that_is_taken_away_leaves_the_session_while_bgp_runs),
		cmocka_unit_test(a_peer_that_is_gone_takes_its_session_along),
	};

	return cmocka_run_group_tests_name("bfd_lines", tests, NULL, NULL);
}
