// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Affinity where backends are on other nodes: whom a client keeps is known where that backend is,
 * so the first packet of a new flow asks there, if its row is not settled.
 */
#include "bpf/tunnel_bed.h"

#define TIME 20 /* ages */

static const uint64_t well = LB_NODE_IN_USE | LB_NODE_KNOWN | LB_NODE_USABLE;

static int setup(void **state)
{
	struct bed *x = bed_make(state, 4, 0);

	if (!x->rig)
		return 0;
	x->tcp.affinity = TIME;
	rig_add_service(x->rig, &x->tcp);
	for (unsigned i = 0; i < 4; i++)
		rig_add_backend(x->rig, &x->tcp, i);
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	return 0;
}

/* All four candidates of an unsettled row, of which those in `remote` (bits) are on the other node.
 */
static struct bed *begin(void **state, unsigned remote)
{
	struct bed *x = bed_begin(state);

	tunnel_begin(x, AF_INET);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_AFFINITY);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
	for (unsigned i = 0; i < 4; i++)
		if (remote >> i & 1)
			rig_set_remote(x->rig, &x->tcp, i, NODE);
	return x;
}

/* The client has had an established flow of backend i, which is here. */
static void be_kept(struct bed *x, unsigned i)
{
	const struct frame_spec req = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct tunnel_spec named = tunnel_from(AF_INET);

	named.backends = &tunnel_in_order[i];
	assert_int_equal(tunnel_xdp(x, &req, &named), XDP_PASS);
	bed_answer(x, &req, i, TCP_SYN_FLAG | TCP_ACK_FLAG);
	bed_answer(x, &req, i, TCP_ACK_FLAG);
	assert_non_null(rig_affine(x->rig, &x->tcp, CLIENT, i));
}

/* --- who asks --------------------------------------------------------------------------------- */

static void a_new_flow_asks_whom_its_client_keeps(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_asks(0, 0), first = tunnel_for_good(0);

	assert_int_equal(bed_xdp(x, &syn), XDP_TX);
	tunnel_expect_sent(x, &syn, &ask);
	assert_int_equal(rig_n_flows(x->rig), 0);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, 0);
	assert_int_equal(bed_xdp(x, &syn), XDP_TX);
	tunnel_expect_sent(x, &syn, &first); /* of a settled row all are the first's */
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void who_is_kept_here_is_not_asked_for(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	be_kept(x, 2);
	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), 3); /* backend 2 */
}

static void without_affinity_nobody_is_asked(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec first = tunnel_for_good(0);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE);
	assert_int_equal(bed_xdp(x, &syn), XDP_TX);
	tunnel_expect_sent(x, &syn, &first);
}

static void a_silent_node_is_not_asked(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	rig_set_node_state(x->rig, NODE, well & ~LB_NODE_USABLE);
	assert_int_equal(bed_xdp(x, &syn), XDP_PASS);
	assert_int_equal(frame_dst(&x->out), 2);
}

static void who_takes_no_new_flow_asks_for_none(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);

	rig_set_flags(x->rig, &x->tcp, LB_SVC_REMOTE | LB_SVC_AFFINITY | LB_SVC_CLOSED);
	assert_int_not_equal(bed_xdp(x, &syn), XDP_TX);
}

static void beyond_the_rate_nobody_is_asked(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_asks(0, 0), first = tunnel_for_good(0);

	rig_set_limit(x->rig, &x->tcp, 1);
	for (unsigned i = 0; i < 3; i++, syn.sport++) {
		assert_int_equal(bed_xdp(x, &syn), XDP_TX);
		tunnel_expect_sent(x, &syn, i == 0 ? &ask : &first);
	}
}

/* --- who is asked ----------------------------------------------------------------------------- */

static void who_is_kept_has_the_new_flow_and_all_that_follows(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0));
	struct tunnel_spec told = tunnel_for_good(1);

	be_kept(x, 2);
	for (unsigned i = 0; i < 2; i++) { /* also when it is sent again */
		assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
		tunnel_expect_given(x, &req, 2);
	}
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 2)), LB_FLOW_NEW);
	req.tcp_flags = TCP_ACK_FLAG;
	told.backends = &tunnel_in_order[2];
	told.flags = LB_TUNNEL_TOLD;
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &told);
}

static void a_flow_that_goes_on_is_not_its_clients_last_ones(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0)), first = tunnel_for_good(1);

	be_kept(x, 2);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
}

static void whom_nobody_keeps_is_the_firsts(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0)), first = tunnel_for_good(1);

	be_kept(x, 2);
	bed_make_silent(rig_affine(x->rig, &x->tcp, CLIENT, 2), TIME + 3); /* it was long ago */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	be_kept(x, 2);
	rig_set_backend(x->rig, &x->tcp, 2, LB_BE_IN_USE | LB_BE_LOCAL, 1); /* it drains */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
}

/* The first is on a node that does not answer: it is who follows, where that is, that has it. */
static void whom_nobody_keeps_goes_to_no_silent_node(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(2, 2)), first = tunnel_for_good(3);

	rig_add_node(x->rig, NODE + 1, AF_INET, THERE + 1, 0);
	rig_set_remote(x->rig, &x->tcp, 0, NODE + 1);
	rig_set_node_state(x->rig, NODE + 1, well & ~LB_NODE_USABLE);
	rig_set_backend(x->rig, &x->tcp, 1, LB_BE_IN_USE | LB_BE_LOCAL, 1);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
	tunnel_expect_given(x, &req, 2);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 2)), LB_FLOW_NEW);
	req.sport++;
	rig_set_remote(x->rig, &x->tcp, 1, NODE); /* who asked */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req,
			   &(struct tunnel_spec){.family = AF_INET,
						 .src = HERE,
						 .dst = THERE,
						 .hops = first.hops,
						 .backends = &tunnel_in_order[1]});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_new_flow_asks_whom_its_client_keeps, setup),
		CLAIM_BOTH(who_is_kept_here_is_not_asked_for, setup),
		CLAIM_BOTH(without_affinity_nobody_is_asked, setup),
		CLAIM_BOTH(a_silent_node_is_not_asked, setup),
		CLAIM_BOTH(who_takes_no_new_flow_asks_for_none, setup),
		CLAIM_BOTH(beyond_the_rate_nobody_is_asked, setup),
		CLAIM_BOTH(who_is_kept_has_the_new_flow_and_all_that_follows, setup),
		CLAIM_BOTH(a_flow_that_goes_on_is_not_its_clients_last_ones, setup),
		CLAIM_BOTH(whom_nobody_keeps_is_the_firsts, setup),
		CLAIM_BOTH(whom_nobody_keeps_goes_to_no_silent_node, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
