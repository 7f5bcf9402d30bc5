// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Routes from peers through a whole agent into the kernel. What is decided and told in pieces is
 * interrupted by everything else that happens: peers that go and come, sessions that are lost,
 * routes that change. In the end the kernel has what follows from what each router has said last.
 */
#include "agent_rig.h"
#include "base/rng.h"
#include "sys/rtnl_fib.h"
#include "unit/bgp/octets.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdatomic.h>

#define N_ROUTERS  3
#define N_PREFIXES 4000 /* more than is decided in a turn */
#define RUN_MAX    500  /* prefixes that are said at once */
#define N_EVENTS   200
#define N_FAULTY   30 /* ... between faults that begin and end */

struct feed {
	struct router *router;
	unsigned connections; /* that were begun */
	bool said[N_PREFIXES];
	bool is_configured;
	uint8_t out[1 << 17]; /* what the socket has not taken yet */
	size_t n_out;
};
static struct feed feeds[N_ROUTERS];
static struct rng events;
static unsigned n_events;

/* --- faults ---------------------------------------------------------------------------------- */

/* Netlink messages so far, of all threads; of which number and its multiples none gets through. */
static atomic_uint n_messages, fails_at;

static bool fails_now(void)
{
	const unsigned n = ++n_messages, at = fails_at;

	return at > 0 && n % at == 0;
}

/* In the place of libmnl's, by which all that is sent and received goes. */
ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t len)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (fails_now()) {
		errno = ENOBUFS;
		return -1;
	}
	return sendto(mnl_socket_get_fd(s), buf, len, 0, (const struct sockaddr *)&kernel,
		      sizeof(kernel));
}

/* What cannot be received is lost, as when the socket has no room for it. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	const ssize_t n = recv(mnl_socket_get_fd(s), buf, size, 0);

	if (n <= 0 || !fails_now())
		return n;
	errno = ENOBUFS;
	return -1;
}

/* --- routers --------------------------------------------------------------------------------- */

static struct ip_prefix prefix_of(size_t i)
{
	const struct ip_addr a = ip_addr_from_v4(0x0b000000 + (uint32_t)i);

	return ip_prefix_of(&a, 32);
}

/* Beyond the routers' own addresses, on the link d0. */
static struct ip_addr next_hop_of(size_t router)
{
	return ip_addr_from_v4(0x0a090002 + (uint32_t)router);
}

static void feed_turn(struct feed *f)
{
	ssize_t n;

	router_turn(f->router);
	if (f->router->connections != f->connections || f->router->fd < 0) {
		f->connections = f->router->connections;
		memset(f->said, 0, sizeof(f->said));
		f->n_out = 0;
	}
	if (f->router->fd < 0 || f->n_out == 0)
		return;
	n = send(f->router->fd, f->out, f->n_out, MSG_NOSIGNAL);
	if (n <= 0)
		return;
	f->n_out -= (size_t)n;
	memmove(f->out, f->out + n, f->n_out);
}

static void feed_say(struct feed *f, size_t first, size_t n, bool is_there)
{
	const struct bgp_update_session session = {
		.local_asn = ROUTER_ASN,
		.remote_asn = NODE_ASN,
		.as4 = true,
		.families = {1},
		.local = {.ipv4 = next_hop_of((size_t)(f - feeds))}};
	static const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP};
	struct ip_prefix prefixes[RUN_MAX];

	if (f->router->fd < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		prefixes[i] = prefix_of(first + i);
		f->said[first + i] = is_there;
	}
	for (size_t at = 0, taken; at < n; at += taken) {
		const struct bgp_update_batch batch = {.family = BGP_IPV4_UNICAST,
						       .attrs = is_there ? &attrs : NULL,
						       .prefixes = prefixes + at,
						       .n = n - at};

		assert_true(f->n_out + BGP_MESSAGE_MAX < sizeof(f->out));
		f->n_out += bgp_update_encode(f->out + f->n_out, sizeof(f->out) - f->n_out,
					      &session, &batch, &taken);
	}
}

static void configure(const struct agent_rig *rig, size_t i, bool is_there)
{
	char name[16], text[512] = "# none\n";

	snprintf(name, sizeof(name), "peer%zu.yaml", i);
	if (is_there)
		snprintf(text, sizeof(text),
			 "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\n"
			 "metadata: {name: r%zu, namespace: metallb-system}\n"
			 "spec: {myASN: 64513, peerASN: 64512, peerAddress: 10.0.0.%zu,"
			 " peerPort: 1790, sourceAddress: 10.0.0.1, routerID: 10.0.0.1,"
			 " connectTime: 1s, enableGracefulRestart: %s}\n",
			 i, i + 2, i == 0 ? "true" : "false");
	rig_write(rig, name, text);
	feeds[i].is_configured = is_there;
}

/* --- the world ------------------------------------------------------------------------------- */

static struct agent_rig *begin(void)
{
	struct agent_rig *rig = rig_new();

	assert_int_equal(system("ip link add d0 type veth peer name d1;"
				" ip addr add 10.9.0.1/24 dev d0; ip link set d0 up;"
				" ip link set d1 up; ip addr add 10.0.0.3/32 dev lo;"
				" ip addr add 10.0.0.4/32 dev lo"),
			 0);
	memset(feeds, 0, sizeof(feeds));
	n_events = 0;
	rig_remove(rig, "peer.yaml");
	rig_write(rig, "receive.yaml",
		  "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\n"
		  "metadata: {name: r, namespace: frr-k8s-system}\n"
		  "spec: {bgp: {routers: [{asn: 64513, neighbors: [\n"
		  "  {address: 10.0.0.2, asn: 64512, toReceive: {allowed: {mode: all}}},\n"
		  "  {address: 10.0.0.3, asn: 64512, toReceive: {allowed: {mode: all}}},\n"
		  "  {address: 10.0.0.4, asn: 64512, toReceive: {allowed: {mode: all}}}]}]}}\n");
	for (size_t i = 0; i < N_ROUTERS; i++) {
		feeds[i].router = i == 0 ? rig->router : router_new_at(ROUTER_ADDR + (uint32_t)i);
		configure(rig, i, true);
	}
	rig_start(rig);
	return rig;
}

static void end(struct agent_rig *rig)
{
	for (size_t i = 1; i < N_ROUTERS; i++)
		router_free(feeds[i].router);
	rig_free(rig);
}

static bool turn_all(void)
{
	bool all_are_up = true;

	for (size_t i = 0; i < N_ROUTERS; i++) {
		feed_turn(&feeds[i]);
		all_are_up &= feeds[i].router->fd >= 0 && feeds[i].n_out == 0;
	}
	return all_are_up;
}

static struct fib_counts counts(const struct agent_rig *rig)
{
	return fib_counts(rig->agent.receiving.fib);
}

static size_t n_in_the_kernel(void)
{
	FILE *ip = popen("ip -4 route show table 19800 2>/dev/null | grep -c '^11[.]'", "r");
	size_t n;

	assert_non_null(ip);
	assert_int_equal(fscanf(ip, "%zu", &n), 1);
	(void)pclose(ip);
	return n;
}

/* As each router has said last. */
static bool is_right(const struct agent_rig *rig, size_t i)
{
	const struct ip_prefix prefix = prefix_of(i);
	struct fib_hops hops;
	size_t n = 0;
	int error;
	const enum fib_state state =
		fib_state(rig->agent.receiving.fib, 19800, &prefix, &hops, &error);

	for (size_t k = 0; k < N_ROUTERS; k++) {
		const struct ip_addr hop = next_hop_of(k);

		if (!feeds[k].is_configured || !feeds[k].said[i])
			continue;
		if (n >= hops.n || !ip_addr_equal(&hops.items[n++].gateway, &hop))
			return false;
	}
	return hops.n == n && state == (n > 0 ? FIB_PLACED : FIB_NONE);
}

static bool all_is_right(const struct agent_rig *rig)
{
	size_t n = 0;

	if (!turn_all() || counts(rig).n_waiting > 0)
		return false;
	for (size_t i = 0; i < N_PREFIXES; i++) {
		if (!is_right(rig, i))
			return false;
		n += feeds[0].said[i] || feeds[1].said[i] || feeds[2].said[i];
	}
	return counts(rig).n_placed == n;
}

/* --- tests ----------------------------------------------------------------------------------- */

static bool all_are_connected(const struct agent_rig *rig)
{
	(void)rig;
	return turn_all();
}

static bool has_all_of_one(const struct agent_rig *rig)
{
	(void)turn_all();
	return counts(rig).n_placed == N_PREFIXES;
}

static bool has_none(const struct agent_rig *rig)
{
	const struct fib_counts c = counts(rig);

	(void)turn_all();
	return c.n_wanted + c.n_waiting == 0;
}

static void say_all(struct feed *f)
{
	for (size_t i = 0; i < N_PREFIXES; i += RUN_MAX)
		feed_say(f, i, RUN_MAX, true);
}

static void a_peer_that_goes_takes_its_routes_along(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	say_all(&feeds[1]);
	RIG_WAIT(rig, has_all_of_one);
	assert_int_equal(n_in_the_kernel(), N_PREFIXES);
	configure(rig, 1, false);
	RIG_WAIT(rig, has_none);
	assert_int_equal(n_in_the_kernel(), 0);
	end(rig);
}

/* Its configuration begins another session, to which the router says nothing any more. */
static void a_peer_that_begins_anew_does_so_without_routes(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	say_all(&feeds[0]);
	RIG_WAIT(rig, has_all_of_one);
	configure(rig, 1, true);
	rig_write(rig, "peer0.yaml", RIG_PEER);
	RIG_WAIT(rig, has_none);
	assert_int_equal(n_in_the_kernel(), 0);
	end(rig);
}

/* The prefix 7, by way of another next hop than the router's. */
static void feed_say_by(struct feed *f, uint32_t next_hop)
{
	const struct bgp_update_session session = {.local_asn = ROUTER_ASN,
						   .remote_asn = NODE_ASN,
						   .as4 = true,
						   .families = {1},
						   .local = {.ipv4 = ip_addr_from_v4(next_hop)}};
	static const struct bgp_attrs attrs = {.origin = BGP_ORIGIN_IGP};
	const struct ip_prefix prefix = prefix_of(7);
	const struct bgp_update_batch batch = {
		.family = BGP_IPV4_UNICAST, .attrs = &attrs, .prefixes = &prefix, .n = 1};
	size_t taken;

	f->n_out += bgp_update_encode(f->out + f->n_out, sizeof(f->out) - f->n_out, &session,
				      &batch, &taken);
	assert_int_equal(taken, 1);
}

/* The network's broadcast address, where the kernel follows no route to. */
#define NO_NEXT_HOP 0x0a0900ff

static bool refusal_is_told(const struct agent_rig *rig)
{
	(void)turn_all();
	return rig_problem(rig, "RoutesRefused");
}

static bool has_all_others(const struct agent_rig *rig)
{
	(void)rig;
	(void)turn_all();
	return n_in_the_kernel() == N_PREFIXES - 1;
}

static bool has_all_and_tells_nothing(const struct agent_rig *rig)
{
	return has_all_of_one(rig) && !rig_problem(rig, "RoutesRefused");
}

/* It costs none of the others, and is over when the router says something better. */
static void a_route_that_the_kernel_refuses_is_told(void **state)
{
	struct agent_rig *rig = begin();
	const struct problem *p;

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	say_all(&feeds[1]);
	feed_say_by(&feeds[1], NO_NEXT_HOP);
	RIG_WAIT(rig, refusal_is_told);
	p = rig_problem(rig, "RoutesRefused");
	assert_int_equal(p->severity, SEVERITY_WARNING);
	assert_string_equal(p->object.kind, "Node");
	assert_string_equal(p->object.name, "node");
	assert_non_null(strstr(p->message, " of 4000 received routes are not installed: "));
	assert_non_null(strstr(p->remedy, "lodectl show routes --received"));
	RIG_WAIT(rig, has_all_others); /* some are still on their way then */
	feed_say(&feeds[1], 7, 1, true);
	RIG_WAIT(rig, has_all_and_tells_nothing);
	assert_int_equal(n_in_the_kernel(), N_PREFIXES);
	end(rig);
}

#define LATER_NEXT_HOP 0x0a0a0002 /* 10.10.0.2, on no network of this node yet */

static enum fib_state state_of_seventh(const struct agent_rig *rig)
{
	const struct ip_prefix prefix = prefix_of(7);
	struct fib_hops hops;
	int error;

	return fib_state(rig->agent.receiving.fib, 19800, &prefix, &hops, &error);
}

static bool seventh_is_accepted(const struct agent_rig *rig)
{
	(void)turn_all();
	return bgp_rib_in_counts(bgp_peer_rib_in(rig->agent.peers.items[1]->bgp)).n_accepted == 1;
}

static bool seventh_is_placed(const struct agent_rig *rig)
{
	(void)turn_all();
	return state_of_seventh(rig) == FIB_PLACED;
}

static bool seventh_is_gone(const struct agent_rig *rig)
{
	(void)turn_all();
	return state_of_seventh(rig) == FIB_NONE;
}

/* The router says nothing anew: what is different is an address of this node alone. */
static void a_next_hop_is_found_once_its_network_is_there(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	feed_say_by(&feeds[1], LATER_NEXT_HOP);
	RIG_WAIT(rig, seventh_is_accepted);
	assert_int_equal(state_of_seventh(rig), FIB_NONE);
	assert_int_equal(system("ip addr add 10.10.0.1/24 dev d0"), 0);
	RIG_WAIT(rig, seventh_is_placed);
	assert_int_equal(system("ip addr del 10.10.0.1/24 dev d0"), 0);
	RIG_WAIT(rig, seventh_is_gone);
	end(rig);
}

/* Another takes its place. The kernel is not asked the way to a next hop on a link. */
static void a_next_hop_is_lost_with_its_network(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	feed_say(&feeds[1], 7, 1, true);
	RIG_WAIT(rig, seventh_is_placed);
	assert_int_equal(system("ip addr add 10.11.0.1/24 dev d0; ip addr del 10.9.0.1/24 dev d0"),
			 0);
	RIG_WAIT(rig, seventh_is_gone);
	end(rig);
}

/* With an address or a link the kernel lets routes go, and may tell nobody. */
static void once_the_node_is_another_the_kernel_is_looked_at_soon(void **state)
{
	struct agent_rig *rig = begin();
	struct agent_receiving *r = &rig->agent.receiving;
	const nsec_t now = clock_now(), later = now + 40 * NSEC_PER_SEC;

	(void)state;
	RIG_WAIT(rig, all_are_connected);
	r->look_at = later;
	receiving_apply(&rig->agent, &rig->agent.current->plan, now);
	assert_int_equal(r->look_at, later);
	r->seen = ~r->seen; /* as if it were */
	receiving_apply(&rig->agent, &rig->agent.current->plan, now);
	assert_int_equal(r->look_at, now + NSEC_PER_SEC);
	end(rig);
}

/* Something happens while what happened before is still worked off. */
static void do_something(const struct agent_rig *rig)
{
	struct feed *f = &feeds[rng_below(&events, N_ROUTERS)];
	const size_t n = 1 + rng_below(&events, RUN_MAX);
	const uint64_t what = rng_below(&events, 20);

	if (what < 12 && f->n_out < sizeof(f->out) / 2)
		feed_say(f, rng_below(&events, N_PREFIXES - n), n, true);
	else if (what < 16 && f->n_out < sizeof(f->out) / 2)
		feed_say(f, rng_below(&events, N_PREFIXES - n), n, false);
	else if (what == 16 && f->n_out == 0 && f->router->fd >= 0)
		say_all(f);
	else if (what == 17)
		router_hang_up(f->router);
	else if (what == 18)
		configure(rig, (size_t)(f - feeds), !f->is_configured);
}

static bool enough_happened(const struct agent_rig *rig)
{
	(void)turn_all();
	do_something(rig);
	return ++n_events == N_EVENTS;
}

static void pieces_among_other_news_come_to_what_was_said_last(void **state)
{
	struct agent_rig *rig = begin();

	(void)state;
	events = octets_rng(__func__);
	RIG_WAIT(rig, all_are_connected);
	for (size_t i = 0; i < N_ROUTERS; i++)
		say_all(&feeds[i]);
	RIG_WAIT(rig, enough_happened);
	for (size_t i = 0; i < N_ROUTERS; i++)
		configure(rig, i, true);
	RIG_WAIT(rig, all_is_right);
	assert_int_equal(n_in_the_kernel(), counts(rig).n_placed);
	end(rig);
}

static bool some_happened(const struct agent_rig *rig)
{
	(void)turn_all();
	if (rig->turns % 8 == 0) /* there is time to do what is to be done, and to fail at it */
		do_something(rig);
	return rig->turns >= 8 * N_FAULTY;
}

static struct agent_receiving *looked_at;

/* A look is due once a minute; here as soon as the one before is over. */
static bool all_is_right_by_looks(const struct agent_rig *rig)
{
	if (all_is_right(rig))
		return !rtnl_fib_is_away(rig->agent.receiving.rtnl);
	looked_at->look_at = 0;
	return false;
}

static bool has_looked_again(const struct agent_rig *rig)
{
	(void)turn_all();
	return !rig->agent.receiving.is_looking && looked_at->look_at > clock_now() &&
	       !rtnl_fib_is_away(rig->agent.receiving.rtnl);
}

/*
 * Of all threads' messages every one is lost, every second, every fourth and so on, among all that
 * happens: looks, changes, ways to next hops, news. When they get through again all is as was said
 * last, and another look finds nothing to do.
 */
static void whatever_message_was_lost_routes_come_to_what_was_said_last(void **state)
{
	struct agent_rig *rig = begin();
	unsigned n_runs = 0;
	bool was_hit = true;

	(void)state;
	events = octets_rng(__func__);
	looked_at = &rig->agent.receiving;
	RIG_WAIT(rig, all_are_connected);
	/* These routers say no End-of-RIB: for two minutes a route whose answer was lost would be
	 * taken for an earlier process's. */
	fib_sweep(rig->agent.receiving.fib);
	for (unsigned n = 1; was_hit; n *= 2) {
		uint64_t repaired;

		n_messages = 0;
		fails_at = n;
		rig->turns = 0;
		RIG_WAIT(rig, some_happened);
		was_hit = n_messages >= n;
		fails_at = 0;
		for (size_t i = 0; i < N_ROUTERS; i++)
			configure(rig, i, true);
		RIG_WAIT(rig, all_is_right_by_looks);
		assert_int_equal(n_in_the_kernel(), counts(rig).n_placed);
		repaired = counts(rig).n_repaired;
		looked_at->look_at = 0;
		RIG_WAIT(rig, has_looked_again);
		assert_int_equal(counts(rig).n_repaired, repaired);
		assert_true(all_is_right(rig));
		n_runs++;
	}
	assert_true(n_runs > 5);
	end(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_goes_takes_its_routes_along),
		cmocka_unit_test(a_peer_that_begins_anew_does_so_without_routes),
		cmocka_unit_test(a_route_that_the_kernel_refuses_is_told),
		cmocka_unit_test(a_next_hop_is_found_once_its_network_is_there),
		cmocka_unit_test(a_next_hop_is_lost_with_its_network),
		cmocka_unit_test(once_the_node_is_another_the_kernel_is_looked_at_soon),
		cmocka_unit_test(pieces_among_other_news_come_to_what_was_said_last),
		cmocka_unit_test(whatever_message_was_lost_routes_come_to_what_was_said_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
