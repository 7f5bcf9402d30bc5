// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Which backend a flow gets from xdp_lb: new flows, known flows, drained and reused backends, front
 * ends that meet on one client port, and what is remembered for the agent and for tc_reply. Which
 * backend it was shows in the packet's new destination.
 */
#include "bpf/bed.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BACKEND (LB_BE_IN_USE | LB_BE_LOCAL)
#define NOBODY  (-1)

static const unsigned in_order[] = {0, 1, 2, 3}, reversed[] = {3, 2, 1, 0};

/* Two TCP services and one of UDP in front of the same four backends. */
static int setup(void **state)
{
	struct bed *x = bed_make(state, 4, 0);

	if (x->rig)
		bed_add(x, &x->other, 443, IPPROTO_TCP, 4);
	return 0;
}

/* Sends one packet; the backend that got it, or NOBODY if it was dropped. */
static int deliver(struct bed *x, const struct rig_service *s, uint16_t sport, uint8_t flags)
{
	struct frame_spec spec = bed_request(s, sport, flags);
	struct frame in, out;

	frame_make(&in, &spec);
	if (rig_xdp(x->rig, &in, &out) != XDP_PASS)
		return NOBODY;
	assert_true(frame_is_valid(&out));
	return (int)out.bytes[FRAME_IP + 19] - (int)(rig_backend_addr(0) & 0xff);
}

static int syn(struct bed *x, uint16_t sport)
{
	return deliver(x, &x->tcp, sport, TCP_SYN_FLAG);
}

static int ack(struct bed *x, uint16_t sport)
{
	return deliver(x, &x->tcp, sport, TCP_ACK_FLAG);
}

static int datagram(struct bed *x, uint16_t sport)
{
	return deliver(x, &x->udp, sport, 0);
}

static bool reply_of(struct bed *x, enum rig_table t, const struct rig_service *s, uint16_t sport,
		     unsigned backend, struct lb_reply *ret)
{
	struct frame_spec spec = bed_request(s, sport, 0);
	struct lb_reply_key key = rig_reply_key(&spec, backend);

	return rig_reply_get(x->rig, t, &key, ret);
}

static void age_reply(struct bed *x, enum rig_table t, const struct rig_service *s, uint16_t sport,
		      unsigned by)
{
	struct frame_spec spec = bed_request(s, sport, 0);
	struct lb_reply_key key = rig_reply_key(&spec, 0);
	struct lb_reply r;

	assert_true(rig_reply_get(x->rig, t, &key, &r));
	r.age = (uint16_t)(r.age - by);
	rig_reply_set(x->rig, t, &key, &r);
}

/* --- settled rows --------------------------------------------------------------------------------
 */

static void settled_rows_take_the_first_candidate_whatever_the_cache_says(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(syn(x, 1000), 0);
	assert_int_equal(datagram(x, 1000), 0);
	rig_set_rows(x->rig, &x->tcp, reversed, 4, 0);
	rig_set_rows(x->rig, &x->udp, reversed, 4, 0);
	assert_int_equal(ack(x, 1000), 3);
	assert_int_equal(ack(x, 1000), 3);
	assert_int_equal(syn(x, 1000), 3);
	assert_int_equal(datagram(x, 1000), 3);
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
	assert_int_equal(rig_late(x->rig, &x->tcp), 0);
}

static void affinity_gives_all_ports_of_a_client_one_row(void **state)
{
	struct bed *x = bed_begin(state);
	unsigned rows_used[2] = {0};

	/* Row i has backend i % 4 first: without affinity a client's ports see several. */
	for (int sticky = 0; sticky < 2; sticky++) {
		unsigned seen = 0;

		x->tcp.flags = sticky ? LB_SVC_AFFINITY : 0;
		rig_add_service(x->rig, &x->tcp);
		for (unsigned i = 0; i < 4; i++)
			rig_add_backend(x->rig, &x->tcp, i);
		rig_set_mixed_rows(x->rig, &x->tcp, 4, 0);
		for (uint16_t port = 1; port < 200; port++)
			seen |= 1u << ack(x, port);
		rows_used[sticky] = (unsigned)__builtin_popcount(seen);
	}
	assert_int_equal(rows_used[0], 4);
	assert_int_equal(rows_used[1], 1);
}

/*
 * The golden vectors of tests/unit/lb/test_wire.c, as the program computes them: the seed of this
 * VIP's service is 0x12345678, and each row has a backend of its own.
 */
static void the_row_of_a_flow_is_the_one_that_all_nodes_compute(void **state)
{
	const unsigned golden[] = {0x4425bc4ba91a6e4f >> 56, 0x6b5e7c795fe63e7d >> 56};
	struct bed *x = bed_begin(state);
	struct rig_service s = {.vip = 0x12345678 - RIG_SEED, .port = 80, .proto = IPPROTO_TCP};

	rig_add_vip(x->rig, s.vip, 0);
	for (unsigned sticky = 0; sticky < 2; sticky++) {
		s.flags = sticky ? LB_SVC_AFFINITY : 0;
		rig_add_service(x->rig, &s);
		for (unsigned i = 0; i < 256; i++)
			rig_add_backend(x->rig, &s, i);
		rig_set_mixed_rows(x->rig, &s, 256, 0);
		assert_int_equal(deliver(x, &s, 40000, TCP_ACK_FLAG), golden[sticky]);
	}
}

static void flows_spread_evenly_over_rows(void **state)
{
	struct bed *x = bed_begin(state);
	unsigned count[4] = {0};

	rig_set_mixed_rows(x->rig, &x->tcp, 4, 0);
	for (uint16_t port = 1; port <= 4000; port++)
		count[ack(x, port)]++;
	for (int i = 0; i < 4; i++)
		assert_in_range(count[i], 850, 1150);
}

static void the_second_packet_promotes_the_reply(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_reply r;

	syn(x, 1000);
	assert_true(reply_of(x, RIG_REPLY_NEW, &x->tcp, 1000, 0, &r));
	ack(x, 1000);
	assert_false(reply_of(x, RIG_REPLY_NEW, &x->tcp, 1000, 0, &r));
	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &r));
	assert_int_equal(r.service_id, x->tcp.id);
}

static void new_flows_take_free_ways_first(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint16_t port = 1000; port < 1008; port++)
		syn(x, port);
	for (uint16_t port = 1000; port < 1008; port++) {
		struct frame_spec spec = bed_request(&x->tcp, port, 0);

		assert_non_null(rig_flow(x->rig, &spec, x->tcp.id, NULL));
	}
}

/* Flows that were seen twice, until one has to enter at the last way. */
static void in_a_full_line_the_second_packet_leaves_the_last_way(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec;
	unsigned way = 0;
	uint16_t port;

	for (port = 1000; way != LB_FLOW4_WAYS - 1; port++) {
		assert_in_range(port, 1000, 1200);
		ack(x, (uint16_t)(port - 1));
		syn(x, port);
		spec = bed_request(&x->tcp, port, 0);
		assert_non_null(rig_flow(x->rig, &spec, x->tcp.id, &way));
	}
	ack(x, (uint16_t)(port - 1));
	assert_non_null(rig_flow(x->rig, &spec, x->tcp.id, &way));
	assert_int_not_equal(way, LB_FLOW4_WAYS - 1);
}

static void the_third_packet_does_nothing_more(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_reply r;

	syn(x, 1000);
	ack(x, 1000);
	age_reply(x, RIG_REPLY, &x->tcp, 1000, 5);
	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &r));
	ack(x, 1000);
	struct lb_reply after;

	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &after));
	assert_memory_equal(&r, &after, sizeof(r));
}

static void a_flood_of_first_packets_evicts_no_flow_seen_twice(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec = bed_request(&x->tcp, 1000, 0);
	struct lb_reply r;

	syn(x, 1000);
	ack(x, 1000);
	for (unsigned i = 0; i < 20000; i++)
		syn(x, (uint16_t)(2000 + i));
	assert_non_null(rig_flow(x->rig, &spec, x->tcp.id, NULL));
	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &r));
	assert_int_equal(rig_reply_len(x->rig, RIG_REPLY), 1);
}

static void a_reset_from_the_client_closes_its_reply(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_reply r;

	syn(x, 1000);
	ack(x, 1000);
	deliver(x, &x->tcp, 1000, TCP_RST_FLAG);
	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &r));
	assert_int_equal(r.flags, LB_REPLY_CLOSED);
	syn(x, 1000);
	assert_true(reply_of(x, RIG_REPLY, &x->tcp, 1000, 0, &r));
	assert_int_equal(r.flags, 0);
}

static void the_second_datagram_promotes_the_reply(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_reply r;

	datagram(x, 1000);
	assert_true(reply_of(x, RIG_REPLY_NEW, &x->udp, 1000, 0, &r));
	datagram(x, 1000);
	assert_false(reply_of(x, RIG_REPLY_NEW, &x->udp, 1000, 0, &r));
	assert_true(reply_of(x, RIG_REPLY, &x->udp, 1000, 0, &r));
}

static void an_evicted_udp_reply_comes_back_with_the_next_age(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec = bed_request(&x->udp, 1000, 0);
	struct lb_reply_key key = rig_reply_key(&spec, 0);
	struct lb_flow4 *flow;
	struct lb_reply r;

	datagram(x, 1000);
	datagram(x, 1000);
	rig_reply_del(x->rig, RIG_REPLY, &key);
	flow = rig_flow(x->rig, &spec, x->udp.id, NULL);
	assert_non_null(flow);
	flow->age--;
	datagram(x, 1000);
	assert_true(reply_of(x, RIG_REPLY, &x->udp, 1000, 0, &r));
	assert_int_equal(r.vip[3], htonl(VIP));
}

/* --- unsettled rows ------------------------------------------------------------------------------
 */

static void change_rows(struct bed *x, struct rig_service *s, const unsigned *candidates)
{
	rig_set_rows(x->rig, s, candidates, 4, LB_ROW_UNSETTLED);
}

static void a_known_flow_keeps_its_backend_when_its_row_changes(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	datagram(x, 1000);
	change_rows(x, &x->tcp, reversed);
	change_rows(x, &x->udp, reversed);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ack(x, 1000), 0);
		assert_int_equal(datagram(x, 1000), 0);
	}
	assert_int_equal(syn(x, 2000), 3);
	assert_int_equal(datagram(x, 2000), 3);
}

static void a_flow_outlives_its_place_in_the_row(void **state)
{
	const unsigned without[] = {3, 2, 1};
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	rig_set_rows(x->rig, &x->tcp, without, 3, LB_ROW_UNSETTLED);
	assert_int_equal(ack(x, 1000), 0);
}

static void delivery_to_a_later_candidate_is_stamped(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(rig_late(x->rig, &x->tcp), 0);
	assert_int_equal(ack(x, 2000), 3);
	assert_int_equal(rig_late(x->rig, &x->tcp), 0);
	assert_int_equal(ack(x, 1000), 0);
	assert_int_not_equal(rig_late(x->rig, &x->tcp), 0);
}

static void a_syn_keeps_a_ready_backend_and_leaves_a_draining_one(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(syn(x, 1000), 0);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND, 1);
	assert_int_equal(ack(x, 1000), 0);
	assert_int_equal(syn(x, 1000), 3);
	assert_int_equal(ack(x, 1000), 3);
}

static void a_new_generation_forgets_the_flows_of_the_old(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	ack(x, 1000);
	datagram(x, 1000);
	change_rows(x, &x->tcp, reversed);
	change_rows(x, &x->udp, reversed);
	assert_int_equal(ack(x, 1000), 0);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND | LB_BE_READY, 2);
	rig_set_backend(x->rig, &x->udp, 0, BACKEND | LB_BE_READY, 2);
	assert_int_equal(ack(x, 1000), 3);
	assert_int_equal(datagram(x, 1000), 3);
}

static void a_flow_that_nobody_knows_goes_to_the_first_and_stays(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec = bed_request(&x->tcp, 1000, 0);
	struct lb_reply r;

	change_rows(x, &x->tcp, in_order);
	assert_int_equal(ack(x, 1000), 0);
	assert_non_null(rig_flow(x->rig, &spec, x->tcp.id, NULL));
	assert_true(reply_of(x, RIG_REPLY_NEW, &x->tcp, 1000, 0, &r));
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(ack(x, 1000), 0);
}

static void the_reply_table_is_a_witness_for_a_flow_the_cache_lost(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000); /* only in reply_new */
	syn(x, 1001);
	ack(x, 1001); /* in reply */
	datagram(x, 1000);
	change_rows(x, &x->tcp, reversed);
	change_rows(x, &x->udp, reversed);
	rig_forget_flows(x->rig);
	assert_int_equal(ack(x, 1000), 0);
	assert_int_equal(ack(x, 1001), 0);
	assert_int_equal(datagram(x, 1000), 0);
	assert_int_equal(ack(x, 1002), 3);
}

static void a_reply_of_another_vip_or_generation_is_no_witness(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->other, 1000, TCP_SYN_FLAG);
	syn(x, 1001);
	change_rows(x, &x->tcp, reversed);
	rig_forget_flows(x->rig);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND | LB_BE_READY, 2);
	assert_int_equal(ack(x, 1000), 3);
	assert_int_equal(ack(x, 1001), 3);
}

static void a_new_connection_never_asks_the_witnesses(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	change_rows(x, &x->tcp, reversed);
	rig_forget_flows(x->rig);
	assert_int_equal(syn(x, 1000), 3);
}

/* --- front ends that meet ------------------------------------------------------------------------
 */

static void two_vips_meeting_on_one_client_port_get_two_backends(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(syn(x, 1000), 0);
	assert_int_equal(deliver(x, &x->other, 1000, TCP_SYN_FLAG), 1);
	assert_int_equal(rig_unsettled(x->rig, &x->other), 1);
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ack(x, 1000), 0);
		assert_int_equal(deliver(x, &x->other, 1000, TCP_ACK_FLAG), 1);
	}
	assert_int_not_equal(rig_late(x->rig, &x->other), 0);
	assert_int_equal(rig_late(x->rig, &x->tcp), 0);
}

static void a_meeting_passes_over_backends_that_are_not_ready(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	rig_set_backend(x->rig, &x->other, 1, BACKEND, 1);
	assert_int_equal(deliver(x, &x->other, 1000, TCP_SYN_FLAG), 2);
}

static void when_every_candidate_is_taken_the_packet_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	const unsigned only[] = {0};

	syn(x, 1000);
	rig_set_rows(x->rig, &x->other, only, 1, 0);
	assert_int_equal(deliver(x, &x->other, 1000, TCP_SYN_FLAG), NOBODY);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUPLE_TAKEN), 1);
	assert_int_equal(deliver(x, &x->other, 1001, TCP_SYN_FLAG), 0);
}

static void the_key_of_a_closed_or_silent_flow_may_be_taken(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_reply r;

	syn(x, 1000);
	deliver(x, &x->tcp, 1000, TCP_RST_FLAG);
	assert_int_equal(deliver(x, &x->other, 1000, TCP_SYN_FLAG), 0);
	syn(x, 1001);
	age_reply(x, RIG_REPLY_NEW, &x->tcp, 1001, LB_AGES_TCP + 1);
	assert_int_equal(deliver(x, &x->other, 1001, TCP_SYN_FLAG), 0);
	assert_true(reply_of(x, RIG_REPLY_NEW, &x->tcp, 1001, 0, &r));
	assert_int_equal(r.vip_port, htons(443));
	syn(x, 1002);
	age_reply(x, RIG_REPLY_NEW, &x->tcp, 1002, LB_AGES_TCP - 10);
	assert_int_equal(deliver(x, &x->other, 1002, TCP_SYN_FLAG), 1);
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUPLE_TAKEN), 0);
}

static void the_same_front_end_may_use_its_key_again(void **state)
{
	struct bed *x = bed_begin(state);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(syn(x, 1000), 0);
		assert_int_equal(ack(x, 1000), 0);
	}
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
	assert_int_equal(rig_reply_len(x->rig, RIG_REPLY) + rig_reply_len(x->rig, RIG_REPLY_NEW),
			 1);
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(settled_rows_take_the_first_candidate_whatever_the_cache_says),
		CLAIM(affinity_gives_all_ports_of_a_client_one_row),
		CLAIM(the_row_of_a_flow_is_the_one_that_all_nodes_compute),
		CLAIM(flows_spread_evenly_over_rows),
		CLAIM(the_second_packet_promotes_the_reply),
		CLAIM(new_flows_take_free_ways_first),
		CLAIM(in_a_full_line_the_second_packet_leaves_the_last_way),
		CLAIM(the_third_packet_does_nothing_more),
		CLAIM(a_flood_of_first_packets_evicts_no_flow_seen_twice),
		CLAIM(a_reset_from_the_client_closes_its_reply),
		CLAIM(the_second_datagram_promotes_the_reply),
		CLAIM(an_evicted_udp_reply_comes_back_with_the_next_age),
		CLAIM(a_known_flow_keeps_its_backend_when_its_row_changes),
		CLAIM(a_flow_outlives_its_place_in_the_row),
		CLAIM(delivery_to_a_later_candidate_is_stamped),
		CLAIM(a_syn_keeps_a_ready_backend_and_leaves_a_draining_one),
		CLAIM(a_new_generation_forgets_the_flows_of_the_old),
		CLAIM(a_flow_that_nobody_knows_goes_to_the_first_and_stays),
		CLAIM(the_reply_table_is_a_witness_for_a_flow_the_cache_lost),
		CLAIM(a_reply_of_another_vip_or_generation_is_no_witness),
		CLAIM(a_new_connection_never_asks_the_witnesses),
		CLAIM(two_vips_meeting_on_one_client_port_get_two_backends),
		CLAIM(a_meeting_passes_over_backends_that_are_not_ready),
		CLAIM(when_every_candidate_is_taken_the_packet_is_dropped),
		CLAIM(the_key_of_a_closed_or_silent_flow_may_be_taken),
		CLAIM(the_same_front_end_may_use_its_key_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
