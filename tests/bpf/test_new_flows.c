// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows that begin are counted once each, at their service: by whatever way they were let in, with
 * an entry or without one, and no packet that follows, nor what is refused.
 */
#include "bpf/tunnel_bed.h"

static int setup(void **state)
{
	(void)bed_make(state, 4, 0);
	return 0;
}

static void each_flow_is_counted_once(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec tcp = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 1000, 0);

	for (unsigned i = 0; i < 20; i++) {
		tcp.sport = udp.sport = (uint16_t)(1000 + i);
		assert_int_equal(bed_xdp(x, &tcp), XDP_PASS);
		assert_int_equal(bed_xdp(x, &tcp), XDP_PASS); /* the client sends it again */
		assert_int_equal(bed_xdp(x, &udp), XDP_PASS);
		assert_int_equal(bed_xdp(x, &udp), XDP_PASS);
		tcp.tcp_flags = TCP_ACK_FLAG;
		assert_int_equal(bed_xdp(x, &tcp), XDP_PASS);
		tcp.tcp_flags = TCP_SYN_FLAG;
		assert_int_equal(rig_begun(x->rig, &x->tcp), i + 1);
		assert_int_equal(rig_begun(x->rig, &x->udp), i + 1);
	}
}

/* A packet of a settled row whose flow nobody knows begins nothing; one of an unsettled row does.
 */
static void what_is_in_the_middle_begins_where_it_gets_an_entry(void **state)
{
	const unsigned in_order[] = {0, 1, 2, 3};
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	assert_int_equal(rig_begun(x->rig, &x->tcp), 0);
	rig_set_rows(x->rig, &x->tcp, in_order, 4, LB_ROW_UNSETTLED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bed_xdp(x, &s), XDP_PASS);
		assert_int_equal(rig_begun(x->rig, &x->tcp), 1);
	}
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void those_beyond_the_limit_are_counted_and_those_refused_are_not(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_set_limit(x->rig, &x->tcp, 2);
	for (unsigned i = 0; i < 5; i++) {
		s.sport = (uint16_t)(1000 + i);
		assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	}
	assert_int_equal(rig_begun(x->rig, &x->tcp), 5);
	assert_true(rig_drops(x->rig, LB_DROP_UNRECORDED) > 0);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_CLOSED);
	s.sport = 2000;
	assert_int_equal(bed_xdp(x, &s), XDP_DROP);
	assert_int_equal(rig_begun(x->rig, &x->tcp), 5);
}

/* Here and there: each node counts what it lets in. */
static void a_flow_to_another_node_and_one_from_there_are_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec t = tunnel_from(AF_INET);

	tunnel_begin(x, AF_INET);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tunnel_xdp(x, &s, &t), XDP_PASS);
		assert_int_equal(rig_begun(x->rig, &x->tcp), 1);
	}
	rig_set_remote(x->rig, &x->tcp, 0, NODE);
	s.sport = 40001;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bed_xdp(x, &s), XDP_TX);
		assert_int_equal(rig_begun(x->rig, &x->tcp), 2);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(each_flow_is_counted_once),
		CLAIM(what_is_in_the_middle_begins_where_it_gets_an_entry),
		CLAIM(those_beyond_the_limit_are_counted_and_those_refused_are_not),
		CLAIM(a_flow_to_another_node_and_one_from_there_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
