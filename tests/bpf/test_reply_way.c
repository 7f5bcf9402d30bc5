// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Answers of a VIP in another domain than that of the device by which they leave: each is sent
 * where that domain's routes lead, or dropped. A device of a network namespace of the test's own
 * stands for the VRF; to the programs it is a number whose routes are asked.
 */
#include "bpf/bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>

#define NEXT     (-1) /* TCX_NEXT, TC_ACT_UNSPEC */
#define DROP     2
#define REDIRECT 7
#define RED      9          /* the domain */
#define STRANGER 0xcb007109 /* a client to whom no route leads */

static const char *address(char text[INET6_ADDRSTRLEN], uint32_t v4)
{
	uint8_t bytes[16];

	frame_address(bytes, v4);
	return bed_is_v6() ? inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN)
			   : inet_ntop(AF_INET, bytes + 12, text, INET6_ADDRSTRLEN);
}

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* ip, with the family that the test is of. */
static void ip(const char *what)
{
	char command[256];

	snprintf(command, sizeof(command), "ip %s %s", bed_is_v6() ? "-6" : "-4", what);
	run(command);
}

/* Both services are the red domain's, too, whose VRF is red0, by which the client is reached. */
static int setup(void **state)
{
	const unsigned first[] = {0};
	char text[INET6_ADDRSTRLEN], route[128];
	struct bed *x = bed_make(state, 0, 0);
	struct rig_service *const services[] = {&x->tcp, &x->udp};

	if (!x->rig)
		return 0;
	assert_return_code(unshare(CLONE_NEWNET), errno);
	run("ip link add red0 type veth peer name red1 && ip link set red0 up &&"
	    " ip link set red1 up && echo 1 >/proc/sys/net/ipv4/conf/all/forwarding &&"
	    " echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	snprintf(route, sizeof(route), "route add %s dev red0", address(text, CLIENT));
	ip(route);
	rig_set_vrf(x->rig, RED, if_nametoindex("red0"));
	for (size_t i = 0; i < 2; i++) {
		*services[i] = (struct rig_service){.vip = VIP,
						    .port = services[i]->port,
						    .proto = services[i]->proto,
						    .domain = RED};
		rig_add_service(x->rig, services[i]);
		rig_add_backend(x->rig, services[i], 0);
		rig_set_rows(x->rig, services[i], first, 1, 0);
	}
	return 0;
}

/* A request comes in by the red domain, and its answer leaves by a device of this one, turned. */
static void expect(struct bed *x, const struct frame_spec *req, uint16_t leaves_by, int verdict)
{
	struct frame_spec in = {.src = rig_backend_addr(0),
				.dst = req->src,
				.sport = RIG_BACKEND_PORT,
				.dport = req->sport,
				.proto = req->proto,
				.tcp_flags = req->proto == IPPROTO_TCP ? TCP_ACK_FLAG : 0};
	struct frame_spec out = in;

	out.src = req->dst;
	out.sport = req->dport;
	rig_set_domain(x->rig, RED);
	frame_make(&x->in, req);
	rig_xdp(x->rig, &x->in, &x->out);
	rig_set_domain(x->rig, leaves_by);
	frame_make(&x->in, &in);
	frame_make(&x->want, &out);
	assert_int_equal(rig_tc(x->rig, &x->in, &x->out), verdict);
	assert_true(frame_equal(&x->out, &x->want));
}

static void an_answer_that_strays_is_sent_into_its_domain(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	const struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	expect(x, &tcp, 0, REDIRECT);
	expect(x, &udp, 0, REDIRECT);
	expect(x, &udp, RED + 1, REDIRECT);
	expect(x, &tcp, RED, NEXT);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_NO_WAY), 0);
}

static void without_a_way_it_is_dropped_and_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	req.src = STRANGER;
	expect(x, &req, 0, DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_NO_WAY), 1);
	expect(x, &req, RED, NEXT);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_NO_WAY), 1);
}

static void rules_that_ask_for_the_protocol_are_told_it(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	const struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	ip("rule add pref 10 ipproto 17 prohibit");
	expect(x, &tcp, 0, REDIRECT);
	expect(x, &udp, 0, DROP);
	ip("rule add pref 5 ipproto 6 prohibit");
	expect(x, &tcp, 0, DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_NO_WAY), 2);
}

static void of_a_domain_whose_vrf_is_not_known_it_goes_as_it_was_to_go(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_del_vrf(x->rig, RED);
	expect(x, &req, 0, NEXT);
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_NO_WAY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(an_answer_that_strays_is_sent_into_its_domain, setup),
		CLAIM_BOTH(without_a_way_it_is_dropped_and_counted, setup),
		CLAIM_BOTH(rules_that_ask_for_the_protocol_are_told_it, setup),
		CLAIM_BOTH(of_a_domain_whose_vrf_is_not_known_it_goes_as_it_was_to_go, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
