// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows that nobody here knows, of rows that are not settled: their owner is asked for from node to
 * node, and a packet that nobody knows goes to the first candidate for good.
 */
#include "bpf/tunnel_bed.h"

/* All four candidates, of which those in `remote` (bits) are on the other node; unsettled. */
static struct bed *begin(void **state, unsigned remote)
{
	struct bed *x = bed_begin(state);

	tunnel_begin(x, AF_INET);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
	rig_set_rows(x->rig, &x->udp, tunnel_in_order, 4, LB_ROW_UNSETTLED);
	for (unsigned i = 0; i < 4; i++) {
		if (!(remote >> i & 1))
			continue;
		rig_set_remote(x->rig, &x->tcp, i, NODE);
		rig_set_remote(x->rig, &x->udp, i, NODE);
	}
	return x;
}

static void an_unknown_flow_is_asked_for_at_the_firsts_node(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct frame_spec udp = bed_request(&x->udp, 40000, 0);
	const struct tunnel_spec want = tunnel_asks(0, 0);

	assert_int_equal(bed_xdp(x, &ack), XDP_TX);
	tunnel_expect_sent(x, &ack, &want);
	assert_int_equal(bed_xdp(x, &udp), XDP_TX);
	tunnel_expect_sent(x, &udp, &want);
	assert_int_equal(rig_n_flows(x->rig), 0); /* nothing is known of them here */
}

/* Those that are here come first, in the order of the row. */
static void who_is_here_is_asked_here(void **state)
{
	struct bed *x = begin(state, 1u << 2);
	struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec want = tunnel_asks(2, 0);

	assert_int_equal(bed_xdp(x, &ack), XDP_TX);
	tunnel_expect_sent(x, &ack, &want);
}

/* --- silent nodes ------------------------------------------------------------------------------
 */

#define OTHER_NODE 78u
#define FAR        0x0a090003 /* its end */

static const uint64_t known = LB_NODE_IN_USE | LB_NODE_KNOWN;

/* ... and of those candidates the ones in `far` are on a third node, of this state. */
static struct bed *begin_far(void **state, unsigned remote, unsigned far, uint64_t node_state)
{
	struct bed *x = begin(state, remote);
	const struct rig_hop h = tunnel_hop(AF_INET);

	rig_add_node(x->rig, OTHER_NODE, AF_INET, FAR, 1);
	rig_set_hop(x->rig, OTHER_NODE, 0, &h);
	rig_set_node_state(x->rig, OTHER_NODE, node_state);
	for (unsigned i = 0; i < 4; i++)
		if (far >> i & 1) {
			rig_set_remote(x->rig, &x->tcp, i, OTHER_NODE);
			rig_set_remote(x->rig, &x->udp, i, OTHER_NODE);
		}
	return x;
}

static void expect_asked(struct bed *x, const struct tunnel_spec *want)
{
	const struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct frame_spec udp = bed_request(&x->udp, 40000, 0);

	assert_int_equal(bed_xdp(x, &ack), XDP_TX);
	tunnel_expect_sent(x, &ack, want);
	assert_int_equal(bed_xdp(x, &udp), XDP_TX);
	tunnel_expect_sent(x, &udp, want);
}

/* A question to a node that is dead is lost, and with it a packet of a flow that lives elsewhere.
 */
static void of_a_flow_that_goes_on_nobody_is_asked_who_is_silent(void **state)
{
	struct bed *x = begin_far(state, 0xf, 1, known);
	const struct tunnel_spec want = tunnel_asks(1, 0);

	expect_asked(x, &want);
}

/* Who leaves says so, and still knows its flows. */
static void who_leaves_is_asked(void **state)
{
	struct bed *x = begin_far(state, 0xf, 1, known | LB_NODE_LEAVES);
	struct tunnel_spec want = tunnel_asks(0, 0);

	want.dst = FAR;
	expect_asked(x, &want);
}

/* It may hear what is not answered. */
static void where_all_are_silent_the_first_is_asked(void **state)
{
	struct bed *x = begin_far(state, 0xf, 1, known);
	struct tunnel_spec want = tunnel_asks(0, 0);

	want.dst = FAR;
	rig_set_node_state(x->rig, NODE, known);
	expect_asked(x, &want);
}

/* Nobody who was asked knows it: so it may be one's who could not be. */
static void what_nobody_knows_is_a_silent_candidates(void **state)
{
	struct bed *x = begin_far(state, 0, 2, known);
	const struct frame_spec ack = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(0, 0));
	struct tunnel_spec want = tunnel_for_good(1);

	want.dst = FAR;
	want.backends = &tunnel_in_order[1];
	assert_int_equal(tunnel_xdp(x, &ack, &ask), XDP_TX);
	tunnel_expect_sent(x, &ack, &want);
	rig_set_node_state(x->rig, OTHER_NODE, known | LB_NODE_USABLE);
	want = tunnel_asks(1, 1); /* it can be asked */
	assert_int_equal(tunnel_xdp(x, &ack, &ask), XDP_TX);
	tunnel_expect_sent(x, &ack, &want);
}

/* What has begun at it goes on: it may be heard there. */
static void a_flow_that_is_known_to_be_a_silent_nodes_goes_there(void **state)
{
	struct bed *x = begin_far(state, 0xf, 1, known | LB_NODE_USABLE);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct tunnel_spec want = tunnel_for_good(0);

	want.dst = FAR;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	rig_set_node_state(x->rig, OTHER_NODE, known);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
}

/* --- and others ------------------------------------------------------------------------------- */

/* A SYN begins a flow, whoever had one before: nobody is asked. */
static void what_begins_is_the_firsts(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec syn = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec want = tunnel_for_good(0);

	assert_int_equal(bed_xdp(x, &syn), XDP_TX);
	tunnel_expect_sent(x, &syn, &want);
}

/* It has been on its way for long enough: nobody is told. */
static void who_knows_the_flow_has_it(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, LB_TUNNEL_HOPS_MAX));
	struct tunnel_spec named = tunnel_from(AF_INET);

	named.backends = &tunnel_in_order[2]; /* it began at backend 2, which is here */
	assert_int_equal(tunnel_xdp(x, &req, &named), XDP_PASS);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
	tunnel_expect_given(x, &req, 2);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* The node that asked is told, by the packet; what it remembers it asks for no more. */
static void who_knows_the_flow_tells_who_asked(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0));
	struct tunnel_spec named = tunnel_from(AF_INET), told = tunnel_for_good(1);

	named.backends = told.backends = &tunnel_in_order[2];
	told.flags = LB_TUNNEL_TOLD;
	assert_int_equal(tunnel_xdp(x, &req, &named), XDP_PASS);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &told);
	assert_int_equal(rig_n_flows(x->rig), 1);
	req.tcp_flags = TCP_RST_FLAG; /* nothing is to be remembered */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
}

static void who_is_told_remembers_and_sends_it_there(void **state)
{
	struct bed *x = begin(state, 0xf);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec told = tunnel_there(tunnel_for_good(1)), want = tunnel_for_good(2),
			   later = tunnel_for_good(0);

	told.flags = LB_TUNNEL_TOLD;
	told.backends = want.backends = later.backends = &tunnel_in_order[2];
	assert_int_equal(tunnel_xdp(x, &req, &told), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	assert_int_equal(rig_n_flows(x->rig), 1);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1); /* its row has another first */
	assert_int_equal(bed_xdp(x, &req), XDP_TX); /* the client's next one: nobody is asked */
	tunnel_expect_sent(x, &req, &later);
	req.sport++;
	told.backends = want.backends = tunnel_in_order;
	assert_int_equal(tunnel_xdp(x, &req, &told), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	assert_int_equal(rig_n_flows(x->rig), 2);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1); /* and this flow is the first's */
}

/* What is known here stays: whoever forges that he was asked gains nothing. */
static void who_is_told_otherwise_than_he_knows_goes_by_what_he_knows(void **state)
{
	struct bed *x = begin(state, 0xf);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	const struct tunnel_spec first = tunnel_for_good(0);
	struct tunnel_spec told = tunnel_there(tunnel_for_good(1));

	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	req.tcp_flags = TCP_ACK_FLAG;
	told.flags = LB_TUNNEL_TOLD;
	told.backends = &tunnel_in_order[2];
	assert_int_equal(tunnel_xdp(x, &req, &told), XDP_TX);
	assert_int_equal(bed_xdp(x, &req), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
}

/* It names who is here, or nobody: it was no answer to this node. */
static void who_is_told_of_himself_drops_it(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	struct tunnel_spec told = tunnel_there(tunnel_for_good(1));

	told.flags = LB_TUNNEL_TOLD;
	told.backends = &tunnel_in_order[2];
	tunnel_expect_drop(x, &req, &told, LB_DROP_TUNNEL_TARGET);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* In a settled row nobody asked, so there is nothing to remember; and a SYN is no answer. */
static void what_was_not_asked_is_not_remembered(void **state)
{
	struct bed *x = begin(state, 0xf);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct tunnel_spec told = tunnel_there(tunnel_for_good(1));

	told.flags = LB_TUNNEL_TOLD;
	told.backends = &tunnel_in_order[2];
	assert_int_equal(tunnel_xdp(x, &req, &told), XDP_TX);
	assert_int_equal(rig_n_flows(x->rig), 0);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, 0);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(tunnel_xdp(x, &req, &told), XDP_TX);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* A row that has forgotten whose flows it has says so; who is here is found by his entry, though
 * nobody named him. */
static void who_is_not_named_is_found_where_he_is(void **state)
{
	static const unsigned without[] = {0, 1, 3, 3};
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_SYN_FLAG);
	struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0)), back = tunnel_for_good(1);
	struct tunnel_spec named = tunnel_from(AF_INET), told = tunnel_for_good(1);

	named.backends = told.backends = &tunnel_in_order[2];
	told.flags = LB_TUNNEL_TOLD;
	ask.backends = without;
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	assert_int_equal(tunnel_xdp(x, &req, &named), XDP_PASS);
	rig_set_rows(x->rig, &x->tcp, without, 3, LB_ROW_UNSETTLED);
	req.tcp_flags = TCP_ACK_FLAG;
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &back); /* nobody knows it: it is the first's */
	rig_set_rows(x->rig, &x->tcp, without, 3, LB_ROW_UNSETTLED | LB_ROW_BEYOND);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &told);
}

/* Another node has the next candidate: it is who asks that asks him, too, and so is told at last.
 */
static void who_does_not_sends_it_back_to_who_asks(void **state)
{
	struct bed *x = begin(state, 1u << 2 | 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct rig_hop h = tunnel_hop(AF_INET);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 0)), back = tunnel_asks(2, 1),
				 asked = tunnel_there(tunnel_asks(2, 1));
	struct tunnel_spec on = tunnel_asks(2, 2);

	rig_add_node(x->rig, NODE + 1, AF_INET, THERE + 1, 0);
	rig_set_hop(x->rig, NODE + 1, 0, &h);
	rig_set_remote(x->rig, &x->tcp, 2, NODE + 1);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &back);
	on.dst = THERE + 1; /* as who asks does it, when it is back with him */
	assert_int_equal(tunnel_xdp(x, &req, &asked), XDP_TX);
	tunnel_expect_sent(x, &req, &on);
	assert_int_equal(rig_n_flows(x->rig), 0);
}

/* Nobody behind it knows it either: the first has it, where he is, and an entry then. */
static void what_nobody_knows_is_the_firsts_for_good(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 1)), want = tunnel_for_good(2);
	const struct tunnel_spec back = tunnel_there(tunnel_for_good(2));

	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	x = begin(state, 1u << 1);
	rig_set_backend(x->rig, &x->tcp, 0, LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL, 1);
	assert_int_equal(tunnel_xdp(x, &req, &back), XDP_PASS);
	tunnel_expect_given(x, &req, 0);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_NEW);
}

/* Backends 0, 1 and 3 are the row's, of which 1 and 3 are here; 2 drains on a third node. */
static const unsigned others[] = {0, 1, 3, 3}, others_last[] = {0, 1, 3, 2};
static struct bed *begin_others(void **state, struct tunnel_spec *ret_ask,
				struct tunnel_spec *ret_on)
{
	const struct rig_hop h = tunnel_hop(AF_INET);
	struct bed *x = begin(state, 1);

	rig_add_node(x->rig, NODE + 1, AF_INET, THERE + 1, 0);
	rig_set_hop(x->rig, NODE + 1, 0, &h);
	for (unsigned i = 0; i < 2; i++) {
		const struct rig_service *s = i ? &x->udp : &x->tcp;

		rig_set_rows(x->rig, s, others, 3, LB_ROW_UNSETTLED);
		rig_set_region(x->rig, s, LB_BACKEND_UNIT);
		rig_set_remote_draining(x->rig, s, 2, NODE + 1);
	}
	*ret_ask = tunnel_there(tunnel_asks(1, 1));
	ret_ask->backends = others;
	*ret_on = tunnel_asks(3, 2);
	ret_on->backends = others_last;
	ret_on->dst = THERE + 1;
	return x;
}

/* No candidate knows it, so who drains on a node that was not asked is; before the first has it. */
static void who_drains_on_another_node_is_asked_then(void **state)
{
	struct tunnel_spec ask, on, first = tunnel_for_good(LB_TUNNEL_HOPS_MAX);
	struct bed *x = begin_others(state, &ask, &on);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &on);
	assert_int_equal(rig_n_flows(x->rig), 0);
	ask.hops = LB_TUNNEL_HOPS_MAX - 2;
	on.hops = LB_TUNNEL_HOPS_MAX - 1;
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &on);
	ask.hops = LB_TUNNEL_HOPS_MAX - 1; /* one is left, by which the first gets it */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	ask.hops = 1;
	first.hops = 2;
	rig_use_up_hops(x->rig);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	assert_int_equal(rig_drops(x->rig, LB_DROP_HOPS), 1);
}

/* Its node was asked for a candidate, or it takes new flows and is no older than those of the row.
 */
static void who_was_asked_or_is_ready_is_not_asked_then(void **state)
{
	struct tunnel_spec ask, on, first = tunnel_for_good(2);
	struct bed *x = begin_others(state, &ask, &on);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	rig_set_region(x->rig, &x->tcp, 2); /* it lies behind that */
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
	rig_set_remote(x->rig, &x->tcp, 2, NODE + 1);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	for (unsigned i = 0; i < 2; i++) { /* of the first, or of one in the middle */
		x = begin_others(state, &ask, &on);
		if (i)
			rig_set_remote(x->rig, &x->tcp, 1, NODE + 1);
		else
			rig_set_remote_draining(x->rig, &x->tcp, 2, NODE);
		ask.at = 2;
		assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
		tunnel_expect_sent(x, &req, &first);
	}
}

/* Of a flow of datagrams each packet may be the first, and resets and what begins need no owner. */
static void only_connections_are_asked_for_then(void **state)
{
	struct tunnel_spec ask, on, first = tunnel_for_good(2);
	struct bed *x = begin_others(state, &ask, &on);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);

	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
	req = bed_request(&x->tcp, 40000, TCP_RST_FLAG);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &first);
}

/* All candidates are here and nobody knows it. */
static void the_first_has_it_at_once_if_he_is_here(void **state)
{
	struct bed *x = begin(state, 0);
	struct frame_spec req = bed_request(&x->udp, 40000, 0);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(1, 1));

	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
	tunnel_expect_given(x, &req, 0);
	assert_non_null(rig_flow(x->rig, &req, 0));
}

/* Another front end has that client's port at the first: the next who is here has the flow. */
static void what_nobody_knows_is_the_nexts_where_the_firsts_tuple_is_taken(void **state)
{
	struct bed *x = begin(state, 0);
	struct frame_spec first = bed_request(&x->udp, 1000, 0), req;
	const struct tunnel_spec named = tunnel_from(AF_INET);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(0, LB_TUNNEL_HOPS_MAX));

	bed_add(x, &x->other, 54, IPPROTO_UDP, 4);
	rig_set_rows(x->rig, &x->other, tunnel_in_order, 4, LB_ROW_UNSETTLED);
	req = bed_request(&x->other, 1000, 0);
	assert_int_equal(tunnel_xdp(x, &first, &named), XDP_PASS);
	tunnel_expect_given(x, &first, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
		tunnel_expect_given(x, &req, 1);
	}
	assert_int_equal(rig_marked(x->rig, &x->other), 1);
	assert_int_equal(rig_n_flows(x->rig), 2);
}

/* However it is forged, a packet is sent on so often and no more. */
static void there_are_so_many_hops_and_no_more(void **state)
{
	struct bed *x = begin(state, 0xf);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);

	for (uint8_t at = 0; at < 4; at++) {
		const struct tunnel_spec ask = tunnel_there(tunnel_asks(at, LB_TUNNEL_HOPS_MAX));

		tunnel_expect_drop(x, &req, &ask, LB_DROP_TUNNEL_TARGET);
	}
}

/* A processor sends on so many at a time; beyond that they are the first's. */
static void without_a_token_it_is_the_firsts(void **state)
{
	struct bed *x = begin(state, 1u << 2);
	struct frame_spec req = bed_request(&x->tcp, 40000, TCP_ACK_FLAG);
	const struct tunnel_spec ask = tunnel_there(tunnel_asks(0, 0)), want = tunnel_asks(2, 1);

	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_TX);
	tunnel_expect_sent(x, &req, &want);
	assert_int_equal(rig_drops(x->rig, LB_DROP_HOPS), 0);
	rig_use_up_hops(x->rig);
	assert_int_equal(tunnel_xdp(x, &req, &ask), XDP_PASS);
	tunnel_expect_given(x, &req, 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_HOPS), 1);
}

/* An ICMP error about such a flow goes the same way. */
static void errors_find_the_owner_too(void **state)
{
	struct bed *x = begin(state, 1);
	struct frame_spec sent = {
		.src = VIP, .dst = CLIENT, .sport = 80, .dport = 40000, .proto = IPPROTO_TCP};
	struct frame_spec error = {.src = 0x0a0b0c0d,
				   .dst = VIP,
				   .proto = bed_icmp(),
				   .icmp_type = bed_is_v6() ? 2 : 3};
	const struct tunnel_spec want = tunnel_asks(0, 0);
	struct frame quoted;

	frame_make(&quoted, &sent);
	error.quote = &quoted;
	error.quote_len = (uint16_t)(frame_ip_len() + 20);
	error.payload = error.quote_len;
	assert_int_equal(bed_xdp(x, &error), XDP_TX);
	tunnel_expect_sent(x, &error, &want);
	rig_set_rows(x->rig, &x->tcp, tunnel_in_order, 4, 0);
	assert_int_equal(bed_xdp(x, &error), XDP_TX);
	tunnel_expect_sent(x, &error,
			   &(struct tunnel_spec){.family = AF_INET, .src = HERE, .dst = THERE});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(of_a_flow_that_goes_on_nobody_is_asked_who_is_silent, tunnel_setup),
		CLAIM_BOTH(who_leaves_is_asked, tunnel_setup),
		CLAIM_BOTH(where_all_are_silent_the_first_is_asked, tunnel_setup),
		CLAIM_BOTH(what_nobody_knows_is_a_silent_candidates, tunnel_setup),
		CLAIM_BOTH(a_flow_that_is_known_to_be_a_silent_nodes_goes_there, tunnel_setup),
		CLAIM_BOTH(an_unknown_flow_is_asked_for_at_the_firsts_node, tunnel_setup),
		CLAIM_BOTH(who_is_here_is_asked_here, tunnel_setup),
		CLAIM_BOTH(what_begins_is_the_firsts, tunnel_setup),
		CLAIM_BOTH(who_knows_the_flow_has_it, tunnel_setup),
		CLAIM_BOTH(who_knows_the_flow_tells_who_asked, tunnel_setup),
		CLAIM_BOTH(who_is_told_remembers_and_sends_it_there, tunnel_setup),
		CLAIM_BOTH(who_is_told_otherwise_than_he_knows_goes_by_what_he_knows, tunnel_setup),
		CLAIM_BOTH(who_is_told_of_himself_drops_it, tunnel_setup),
		CLAIM_BOTH(what_was_not_asked_is_not_remembered, tunnel_setup),
		CLAIM_BOTH(who_is_not_named_is_found_where_he_is, tunnel_setup),
		CLAIM_BOTH(who_does_not_sends_it_back_to_who_asks, tunnel_setup),
		CLAIM_BOTH(what_nobody_knows_is_the_firsts_for_good, tunnel_setup),
		CLAIM_BOTH(who_drains_on_another_node_is_asked_then, tunnel_setup),
		CLAIM_BOTH(who_was_asked_or_is_ready_is_not_asked_then, tunnel_setup),
		CLAIM_BOTH(only_connections_are_asked_for_then, tunnel_setup),
		CLAIM_BOTH(the_first_has_it_at_once_if_he_is_here, tunnel_setup),
		CLAIM_BOTH(what_nobody_knows_is_the_nexts_where_the_firsts_tuple_is_taken,
			   tunnel_setup),
		CLAIM_BOTH(there_are_so_many_hops_and_no_more, tunnel_setup),
		CLAIM_BOTH(without_a_token_it_is_the_firsts, tunnel_setup),
		CLAIM_BOTH(errors_find_the_owner_too, tunnel_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
