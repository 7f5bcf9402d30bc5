// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Peers by interface over a cable with both ends in the test's network namespace: who is heard,
 * what is said, and that a session follows its router.
 */
#include "agent/unnumbered.h"
#include "bgp/nd_message.h"
#include "peers_rig.h"
#include "sys/icmp6.h"

#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>

static const struct ip_addr node = {.b = {0xfe, 0x80, [15] = 0xa}};
static const struct ip_addr router = {.b = {0xfe, 0x80, [15] = 0xb}};
static const struct ip_addr other = {.b = {0xfe, 0x80, [15] = 0xc}};

/* eth0 is the node's end, r0 the router's, at which `nd` listens. */
struct cable {
	struct rig *rig;
	int nd, at_r0;
};

static void the_router_listens_on(struct cable *c, const struct ip_addr *a)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_port = htons(ROUTER_PORT),
				  .sin6_scope_id = (uint32_t)c->at_r0};
	int one = 1;

	memcpy(&at.sin6_addr, a->b, sizeof(a->b));
	close(c->rig->router->listener);
	c->rig->router->listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(
		setsockopt(c->rig->router->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)),
		0);
	assert_int_equal(bind(c->rig->router->listener, (const struct sockaddr *)&at, sizeof(at)),
			 0);
	assert_int_equal(listen(c->rig->router->listener, 4), 0);
}

/* The router's end and its sockets are in a network namespace of their own. */
static void make_cable(struct cable *c)
{
	char command[200];
	const int ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const pid_t child = fork(); /* stays in ours, which has its pid for a name */

	if (child == 0)
		for (;;)
			pause();
	assert_true(ours >= 0 && child > 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	(void)snprintf(command, sizeof(command),
		       "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad;"
		       " ip link add r0 type veth peer name eth0 netns %d;"
		       " ip addr add fe80::b/64 dev r0 nodad; ip addr add fe80::c/64 dev r0 nodad;"
		       " ip link set r0 up",
		       (int)child);
	assert_int_equal(system(command), 0);
	c->at_r0 = (int)if_nametoindex("r0");
	c->nd = icmp6_open();
	assert_true(c->nd >= 0 && c->at_r0 > 0);
	icmp6_join(c->nd, c->at_r0);
	the_router_listens_on(c, &router);
	assert_int_equal(setns(ours, CLONE_NEWNET), 0);
	close(ours);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	assert_int_equal(system("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad;"
				" ip addr add fe80::a/64 dev eth0 nodad; ip link set eth0 up;"
				" for i in $(seq 200); do" /* the carrier */
				" ip -6 route get ff02::1 oif eth0 >/dev/null 2>&1 && break;"
				" sleep 0.02; done"),
			 0);
}

static struct cable cable_new(void)
{
	struct cable c = {.rig = rig_new()};

	make_cable(&c);
	c.rig->network = c.rig->peers.network = worker_new(c.rig->loop);
	c.rig->router->families.bits = BGP_FAMILY_BIT(BGP_IPV6_UNICAST);
	c.rig->peer.bgp.families = c.rig->router->families;
	c.rig->peer.key.interface = "eth0";
	c.rig->peer.address = (struct ip_addr){{0}};
	c.rig->peer.source = node;
	c.rig->peer.ifindex = (int)if_nametoindex("eth0");
	c.rig->n_fds++;
	return c;
}

static void cable_free(struct cable *c)
{
	rig_free(c->rig);
	close(c->nd);
}

/* How many of the kind have come to the router from the node. */
static unsigned came(const struct cable *c, enum nd_kind kind)
{
	uint8_t buf[64];
	struct icmp6_from from;
	unsigned n = 0;
	ssize_t len;

	while ((len = icmp6_receive(c->nd, buf, sizeof(buf), &from)) > 0) {
		enum nd_kind is;

		n += from.ifindex == c->at_r0 && ip_addr_equal(&from.addr, &node) &&
		     nd_message_decode(buf, (size_t)len, &from.addr, from.hop_limit, &is) &&
		     is == kind;
	}
	return n;
}

static void advertise(const struct cable *c, const struct ip_addr *from)
{
	uint8_t buf[ND_MESSAGE_MAX];
	const size_t len = nd_message_encode(buf, ND_ADVERTISEMENT);

	assert_int_equal(icmp6_send(c->nd, c->at_r0, from, ICMP6_ALL_NODES, buf, len), 0);
}

static void turn(struct cable *c)
{
	c->rig->turns = 0;
	WAIT_FOR(c->rig, has_turned);
}

static bool is_heard(const struct rig *rig)
{
	return rig->peers.unnumbered.heard;
}

static void assert_router_is(const struct cable *c, const struct ip_addr *want)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct plan_node n = {0};

	unnumbered_routers(&c->rig->peers.unnumbered, arena, &n);
	assert_int_equal(n.routers.n, want ? 1 : 0);
	if (!want)
		return;
	assert_int_equal(n.routers.items[0].ifindex, c->rig->peer.ifindex);
	assert_true(ip_addr_equal(&n.routers.items[0].addr, want));
}

static void a_link_is_spoken_on_while_it_has_an_address_of_ours(void **state)
{
	struct cable c = cable_new();

	(void)state;
	c.rig->peer.source = (struct ip_addr){{0}};
	apply(c.rig, 0);
	turn(&c);
	assert_int_equal(c.rig->peers.unnumbered.fd, -1);
	assert_int_equal(came(&c, ND_ADVERTISEMENT), 0);
	c.rig->peer.source = node;
	apply(c.rig, 0);
	turn(&c);
	assert_true(c.rig->peers.unnumbered.fd >= 0);
	assert_int_equal(came(&c, ND_ADVERTISEMENT), 1);
	apply(c.rig, 0); /* the same again is no new beginning */
	turn(&c);
	assert_int_equal(came(&c, ND_ADVERTISEMENT), 0);
	c.rig->peer.source = (struct ip_addr){{0}};
	apply(c.rig, 0);
	assert_int_equal(c.rig->peers.unnumbered.fd, -1);
	cable_free(&c);
}

static void who_is_there_is_asked(void **state)
{
	struct cable c = cable_new();

	(void)state;
	apply(c.rig, 0);
	turn(&c);
	assert_int_equal(came(&c, ND_SOLICITATION), 1);
	cable_free(&c);
}

static void a_router_is_heard_and_forgotten_with_its_link(void **state)
{
	struct cable c = cable_new();

	(void)state;
	apply(c.rig, 0);
	turn(&c);
	assert_router_is(&c, NULL);
	assert_non_null(strstr(bgp_peer_info(c.rig->peers.items[0]->bgp).last_error,
			       "no router advertisement"));
	advertise(&c, &router);
	WAIT_FOR(c.rig, is_heard);
	assert_router_is(&c, &router);
	advertise(&c, &other); /* there is no session yet */
	turn(&c);
	assert_router_is(&c, &other);
	c.rig->peer.source = (struct ip_addr){{0}};
	apply(c.rig, 0);
	assert_router_is(&c, NULL);
	c.rig->peer.source = node;
	apply(c.rig, 0);
	assert_router_is(&c, NULL);
	cable_free(&c);
}

/* As the plan does: what was heard is the address. */
static void follow(struct cable *c, const struct ip_addr *address)
{
	c->rig->peer.address = *address;
	apply(c->rig, 0);
}

static void the_session_follows_its_router(void **state)
{
	struct cable c = cable_new();

	(void)state;
	apply(c.rig, 0);
	turn(&c);
	follow(&c, &router);
	WAIT_FOR(c.rig, heard_end_of_rib);
	assert_true(is_up(c.rig));
	advertise(&c, &router);
	WAIT_FOR(c.rig, is_heard);
	advertise(&c, &other); /* the session is up: it is left for nobody */
	turn(&c);
	assert_router_is(&c, &router);
	c.rig->peers.urgent = false;
	follow(&c, &other);
	assert_true(is_down(c.rig) && c.rig->peers.urgent);
	turn(&c);
	assert_int_equal(c.rig->router->notification.code, 0); /* lost, not ended */
	c.rig->router->end_of_ribs = 0;
	follow(&c, &router);
	WAIT_FOR(c.rig, heard_end_of_rib);
	assert_true(c.rig->router->open.gr.forwarding.bits != 0); /* what it has it may keep */
	cable_free(&c);
}

/* However late the router is heard: it is told that this process follows one that it knew. */
static void a_restart_is_told_to_a_router_that_is_heard_late(void **state)
{
	struct cable c = cable_new();

	(void)state;
	c.rig->peers.restarted = c.rig->peers.forwarding_preserved = true;
	apply(c.rig, 0);
	c.rig->peers.restarted = false; /* the first complete plan is applied */
	turn(&c);
	follow(&c, &router);
	WAIT_FOR(c.rig, heard_end_of_rib);
	assert_true(c.rig->router->open.gr.restarting);
	assert_true(c.rig->router->open.gr.forwarding.bits != 0);
	follow(&c, &other);
	c.rig->router->end_of_ribs = 0;
	follow(&c, &router);
	WAIT_FOR(c.rig, heard_end_of_rib);
	assert_false(c.rig->router->open.gr.restarting); /* it was told all */
	cable_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_spoken_on_while_it_has_an_address_of_ours),
		cmocka_unit_test(who_is_there_is_asked),
		cmocka_unit_test(a_router_is_heard_and_forgotten_with_its_link),
		cmocka_unit_test(the_session_follows_its_router),
		cmocka_unit_test(a_restart_is_told_to_a_router_that_is_heard_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
