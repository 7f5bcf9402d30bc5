// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routers that dial: over real sockets, signed or not, from the right place or not, once or a
 * thousand times.
 */
#include "peers_rig.h"

#define PORT     1179
#define N_MANY   1000
#define STRANGER 0x7f000001 /* 127.0.0.1 */

/* A rig whose router is not listening: sessions come up only if it dials. */
static struct rig *listening_rig(void)
{
	struct rig *rig = rig_new();

	rig->peers.listening.port = PORT;
	rig->peer.listen = true;
	rig->peer.port = 9;
	rig->peer.bgp.connect_s = 60;
	return rig;
}

/* Begins to connect from that address; the fd is nonblocking. */
static int begin_dial(uint32_t from, const char *password)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
	struct sockaddr_in remote = {.sin_family = AF_INET,
				     .sin_port = htons(PORT),
				     .sin_addr.s_addr = htonl(NODE_ADDR)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (password) {
		struct tcp_md5sig sig = {.tcpm_keylen = (uint16_t)strlen(password)};

		memcpy(&sig.tcpm_addr, &remote, sizeof(remote));
		memcpy(sig.tcpm_key, password, strlen(password));
		assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &sig, sizeof(sig)), 0);
	}
	assert_int_equal(bind(fd, (const struct sockaddr *)&local, sizeof(local)), 0);
	if (connect(fd, (const struct sockaddr *)&remote, sizeof(remote)) != 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static int outcome(int fd)
{
	socklen_t len = sizeof(int);
	int err = -1;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	return err;
}

/* The connection is the router's from now on. */
static void router_dials(struct rig *rig, const char *password)
{
	rig->router->fd = begin_dial(ROUTER_ADDR, password);
	rig->turns = 0;
	WAIT_FOR(rig, has_turned);
	router_greet(rig->router);
}

static void a_router_that_dials_gets_a_session(void **state)
{
	struct rig *rig = listening_rig();

	(void)state;
	apply(rig, 3);
	router_dials(rig, NULL);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(bgp_peer_info(rig->peers.items[0]->bgp).slot, BGP_SLOT_ACCEPTED);
	assert_int_equal(rig->router->announced, 3);
	assert_int_equal(rig->peers.listening.accepted, 1);
	rig_free(rig);
}

static void nobody_listens_unless_a_peer_asks_for_it(void **state)
{
	struct rig *rig = listening_rig();
	int fd;

	(void)state;
	rig->peer.listen = false;
	apply(rig, 0);
	fd = begin_dial(ROUTER_ADDR, NULL);
	assert_int_equal(outcome(fd), ECONNREFUSED);
	close(fd);
	rig->peer.listen = true; /* which ends no session and begins none */
	apply(rig, 0);
	fd = begin_dial(ROUTER_ADDR, NULL);
	assert_int_equal(outcome(fd), 0);
	close(fd);
	rig->peer.listen = false;
	apply(rig, 0);
	fd = begin_dial(ROUTER_ADDR, NULL);
	assert_int_equal(outcome(fd), ECONNREFUSED);
	close(fd);
	rig_free(rig);
}

static void a_session_outlives_the_end_of_listening(void **state)
{
	struct rig *rig = listening_rig();

	(void)state;
	apply(rig, 3);
	router_dials(rig, NULL);
	WAIT_FOR(rig, heard_end_of_rib);
	rig->peer.listen = false;
	apply(rig, 3);
	rig->turns = 0;
	WAIT_FOR(rig, has_turned);
	assert_true(is_up(rig));
	rig_free(rig);
}

static bool all_were_looked_at(const struct rig *rig)
{
	return rig->peers.listening.accepted + rig->peers.listening.refused >= N_MANY;
}

/* However many come: of strangers none is held, of the router one; and its session comes up. */
static void a_thousand_connections_hold_no_more_than_one(void **state)
{
	const uint32_t from[] = {STRANGER, ROUTER_ADDR};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(from); k++) {
		struct rig *rig = listening_rig();
		int *fds = xcalloc(N_MANY, sizeof(*fds));
		size_t before;

		apply(rig, 3);
		rig->turns = 0;
		WAIT_FOR(rig, has_turned);
		before = count_fds();
		for (size_t i = 0; i < N_MANY; i++) {
			fds[i] = begin_dial(from[k], NULL);
			if (i % 32 == 0) {
				rig->turns = 29;
				WAIT_FOR(rig, has_turned);
			}
		}
		WAIT_FOR(rig, all_were_looked_at);
		assert_int_equal(rig->peers.listening.accepted, k);
		assert_int_equal(count_fds(), before + N_MANY + k);
		for (size_t i = 0; i < N_MANY; i++)
			close(fds[i]);
		rig->turns = 0;
		WAIT_FOR(rig, has_turned);
		assert_int_equal(count_fds(), before);
		router_dials(rig, NULL);
		WAIT_FOR(rig, heard_end_of_rib);
		free(fds);
		rig_free(rig);
	}
}

static bool one_was_refused(const struct rig *rig)
{
	return rig->peers.listening.refused == 1;
}

/* RFC 4486. */
static void a_stranger_is_told_that_he_is_rejected(void **state)
{
	struct rig *rig = listening_rig();
	uint8_t buf[64];
	struct bgp_frame f;
	struct bgp_error e;
	ssize_t n;
	int fd;

	(void)state;
	apply(rig, 3);
	fd = begin_dial(STRANGER, NULL);
	WAIT_FOR(rig, one_was_refused);
	n = recv(fd, buf, sizeof(buf), 0);
	assert_int_equal(n, 21);
	assert_int_equal(bgp_header_parse(buf, (size_t)n, BGP_MESSAGE_MAX, &f, &e),
			 BGP_FRAME_MESSAGE);
	assert_int_equal(f.type, BGP_NOTIFICATION);
	assert_true(bgp_notification_decode(f.body, &e));
	assert_int_equal(e.code, BGP_ERROR_CEASE);
	assert_int_equal(e.subcode, BGP_CEASE_REJECTED);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 0);
	close(fd);
	rig_free(rig);
}

/* The key is on the socket before the SYN comes; another one counts from then on. */
static void only_who_signs_with_the_password_is_heard(void **state)
{
	static const char *const wrong[] = {NULL, "other", "secret"};
	struct rig *rig = listening_rig();
	int fds[ARRAY_SIZE(wrong)];

	(void)state;
	rig->peer.password = (const uint8_t *)"s3cr3t";
	rig->peer.password_len = 6;
	apply(rig, 3);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		fds[i] = begin_dial(ROUTER_ADDR, wrong[i]);
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	assert_int_equal(rig->peers.listening.accepted + rig->peers.listening.refused, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		close(fds[i]);
	router_dials(rig, "s3cr3t");
	WAIT_FOR(rig, heard_end_of_rib);
	router_hang_up(rig->router);
	WAIT_FOR(rig, is_down);
	rig->peer.password = (const uint8_t *)"other";
	rig->peer.password_len = 5;
	apply(rig, 3);
	rig->router->end_of_ribs = 0;
	router_dials(rig, "other");
	WAIT_FOR(rig, heard_end_of_rib);
	rig_free(rig);
}

/* RFC 5082: from afar there is not even an answer to the SYN. */
static void ttl_security_holds_for_who_dials(void **state)
{
	struct rig *rig = listening_rig();
	int near = 255, fd;

	(void)state;
	rig->peer.ttl_security = 1;
	apply(rig, 3);
	fd = begin_dial(ROUTER_ADDR, NULL); /* with the system's TTL of 64 */
	rig->turns = 0;
	WAIT_FOR(rig, is_stuck);
	assert_int_equal(rig->peers.listening.accepted + rig->peers.listening.refused, 0);
	close(fd);
	assert_int_equal(system("echo 255 >/proc/sys/net/ipv4/ip_default_ttl"), 0);
	router_dials(rig, NULL);
	assert_int_equal(setsockopt(rig->router->fd, IPPROTO_IP, IP_TTL, &near, sizeof(near)), 0);
	WAIT_FOR(rig, heard_end_of_rib);
	rig_free(rig);
}

static bool is_accepted(const struct rig *rig)
{
	return is_up(rig) && bgp_peer_info(rig->peers.items[0]->bgp).slot == BGP_SLOT_ACCEPTED;
}

/* RFC 4724 4.2: it has lost the session that we still believe in. */
static void a_router_that_comes_anew_replaces_its_session(void **state)
{
	struct rig *rig = listening_rig();
	int old;

	(void)state;
	rig->peer.port = ROUTER_PORT;
	apply(rig, 3);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_false(is_accepted(rig));
	old = rig->router->fd;
	rig->router->n_got = rig->router->at = 0;
	rig->router->announced = rig->router->end_of_ribs = 0;
	router_dials(rig, NULL);
	WAIT_FOR(rig, is_accepted);
	WAIT_FOR(rig, heard_end_of_rib);
	assert_int_equal(rig->router->announced, 3);
	close(old);
	rig_free(rig);
}

/* Somebody else has the port: it is told, the sessions that we dial are none the worse, and later
 * it is tried again. */
static void a_port_that_is_taken_is_told_and_tried_again(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct rig *rig = listening_rig();
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(other, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(other, 1), 0);
	rig->peer.port = ROUTER_PORT;
	apply(rig, 3);
	assert_int_equal(rig->peers.listening.of[IP_V4].error, -EADDRINUSE);
	assert_int_equal(rig->peers.listening.of[IP_V6].error, 0); /* no peer there */
	WAIT_FOR(rig, heard_end_of_rib);
	close(other);
	rig->peers.changed = false;
	(void)agent_peers_tick(&rig->peers, clock_now() + LISTENING_RETRY_NS);
	assert_int_equal(rig->peers.listening.of[IP_V4].error, 0);
	assert_true(rig->peers.changed);
	rig_free(rig);
}

/* And one that cannot be opened is told once. */
static void one_listener_is_for_all_peers_of_a_vrf(void **state)
{
	struct rig *rig = listening_rig();
	static const struct peer_key keys[] = {
		{"a", "red", ""}, {"b", "red", ""}, {"c", "red", ""}, {"d", "blue", ""}};
	struct plan_peer peers[ARRAY_SIZE(keys)];
	const struct listening *l = &rig->peers.listening;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		peers[i] = rig->peer;
		peers[i].key = keys[i];
		peers[i].vrf = 1; /* a device's number, but not of such a name */
		peers[i].address = ip_addr_from_v4(ROUTER_ADDR + 1 + (uint32_t)i);
	}
	rig->plan.peers = peers;
	rig->plan.n_peers = ARRAY_SIZE(peers);
	agent_peers_apply(&rig->peers, &rig->plan, clock_now());
	assert_string_equal(listening_at(l, IP_N_FAMILIES)->vrf, "red");
	assert_string_equal(listening_at(l, IP_N_FAMILIES + 1)->vrf, "blue");
	assert_null(listening_at(l, IP_N_FAMILIES + 2));
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_that_dials_gets_a_session),
		cmocka_unit_test(nobody_listens_unless_a_peer_asks_for_it),
		cmocka_unit_test(a_session_outlives_the_end_of_listening),
		cmocka_unit_test(a_thousand_connections_hold_no_more_than_one),
		cmocka_unit_test(a_stranger_is_told_that_he_is_rejected),
		cmocka_unit_test(only_who_signs_with_the_password_is_heard),
		cmocka_unit_test(ttl_security_holds_for_who_dials),
		cmocka_unit_test(a_router_that_comes_anew_replaces_its_session),
		cmocka_unit_test(a_port_that_is_taken_is_told_and_tried_again),
		cmocka_unit_test(one_listener_is_for_all_peers_of_a_vrf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
