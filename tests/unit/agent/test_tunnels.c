// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * agent/tunnels.h: other nodes are asked over the network whether they are there, from this node's
 * own ends, and what they say makes a plan due. What of it means what is tunnel_prober.h's.
 */
#include "agent/tunnels.h"

#include "agent_rig.h"
#include "lb/lb_echo.h"
#include "plan/tunnel_prober.h"
#include "sys/echo_socket.h"

#include <poll.h>

static const struct agent_plan *before;

static bool is_planned(const struct agent_rig *rig)
{
	return rig->agent.current != before;
}

/* What the other node's program says to the request that comes. */
static void answer(struct agent *a, int fd)
{
	const nsec_t give_up = clock_now() + RIG_PATIENCE_S * NSEC_PER_SEC;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	uint8_t data[LB_ECHO_BYTES + 1];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	ssize_t n;

	do {
		(void)tunnels_tick(a, clock_now());
		(void)poll(&readable, 1, 10);
		n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	} while (n < 0 && clock_now() < give_up);
	assert_int_equal(n, LB_ECHO_BYTES);
	data[8] = 2; /* an answer: behind GUE's four octets and the magic */
	assert_int_equal(sendto(fd, data, LB_ECHO_BYTES, 0, (struct sockaddr *)&from, len),
			 LB_ECHO_BYTES);
}

static void a_node_is_asked_from_this_ones_end_and_heard(void **state)
{
	static const char *const texts[IP_N_FAMILIES][2] = {
		[IP_V4] = {"10.7.0.1", "10.7.0.2"}, [IP_V6] = {"fd07::1", "fd07::2"}};

	(void)state;
	for (enum ip_family f = 0; f < IP_N_FAMILIES; f++) {
		struct agent_rig *rig = rig_new();
		struct agent *a = &rig->agent;
		struct plan_remote remote = {.node = "other"};
		struct plan plan = {.remotes = &remote, .n_remotes = 1};
		int fd;

		assert_int_equal(
			system("ip addr add 10.7.0.1/32 dev lo && ip addr add 10.7.0.2/32 dev lo &&"
			       " ip addr add fd07::1/128 dev lo nodad &&"
			       " ip addr add fd07::2/128 dev lo nodad"),
			0);
		assert_true(ip_addr_parse(texts[f][0], &plan.tunnel_ends[f]));
		assert_true(ip_addr_parse(texts[f][1], &remote.addr));
		fd = echo_socket_open(&remote.addr, LB_ECHO_PORT);
		assert_true(fd >= 0);
		before = NULL;
		rig_start(rig);
		RIG_WAIT(rig, is_planned);
		tunnels_apply(a, &plan, clock_now());
		answer(a, fd);
		before = a->current;
		RIG_WAIT(rig, is_planned);
		close(fd);
		rig_free(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_asked_from_this_ones_end_and_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
