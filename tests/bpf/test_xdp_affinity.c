// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Affinity: whom a client's new flows go to when backends have changed, and which packets make it
 * so. The bed's services get rows of which each client has one for all of its ports.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>

#define BACKEND  (LB_BE_IN_USE | LB_BE_LOCAL)
#define NOBODY   (-1)
#define TIME     20 /* ages */
#define BEYOND   (LB_ROW_UNSETTLED | LB_ROW_BEYOND)
#define STRANGER (CLIENT + 1)

static const unsigned in_order[] = {0, 1, 2, 3}, reversed[] = {3, 2, 1, 0};

static void be_sticky(struct bed *x, struct rig_service *s)
{
	s->flags = LB_SVC_AFFINITY;
	s->affinity = TIME;
	rig_add_service(x->rig, s);
	for (unsigned i = 0; i < 4; i++)
		rig_add_backend(x->rig, s, i);
	rig_set_rows(x->rig, s, in_order, 4, 0);
	rig_set_region(x->rig, s, LB_BACKEND_UNIT);
}

static int setup(void **state)
{
	struct bed *x = bed_make(state, 4, 0);

	if (!x->rig)
		return 0;
	be_sticky(x, &x->tcp);
	be_sticky(x, &x->udp);
	bed_add(x, &x->other, 443, IPPROTO_TCP, 4);
	be_sticky(x, &x->other);
	return 0;
}

/* One packet of a client; the backend that got it, or NOBODY if it was dropped. */
static int deliver_from(struct bed *x, uint32_t client, const struct rig_service *s, uint16_t sport,
			uint8_t flags)
{
	struct frame_spec spec = bed_request(s, sport, flags);
	struct frame in, out;

	spec.src = client;
	frame_make(&in, &spec);
	if (rig_xdp(x->rig, &in, &out) != XDP_PASS)
		return NOBODY;
	return (int)frame_dst(&out) - (int)(rig_backend_addr(0) & 0xff);
}

static int deliver(struct bed *x, const struct rig_service *s, uint16_t sport, uint8_t flags)
{
	return deliver_from(x, CLIENT, s, sport, flags);
}

static void answer(struct bed *x, const struct rig_service *s, uint16_t sport, unsigned backend,
		   uint8_t flags)
{
	struct frame_spec spec = bed_request(s, sport, 0);

	bed_answer(x, &spec, backend, flags);
}

/* A connection, or an exchange of datagrams, that is established; whose it is. */
static int connect_to(struct bed *x, const struct rig_service *s, uint16_t sport)
{
	const uint8_t syn = s->proto == IPPROTO_TCP ? TCP_SYN_FLAG : 0;
	const int backend = deliver(x, s, sport, syn);

	if (backend == NOBODY)
		return NOBODY;
	answer(x, s, sport, (unsigned)backend, syn | TCP_ACK_FLAG);
	answer(x, s, sport, (unsigned)backend, TCP_ACK_FLAG);
	return backend;
}

static struct lb_flow *kept(struct bed *x, const struct rig_service *s, unsigned i)
{
	return rig_affine(x->rig, s, CLIENT, i);
}

static void change_rows(struct bed *x, const unsigned *candidates, unsigned n, uint64_t bits)
{
	const struct rig_service *all[] = {&x->tcp, &x->udp, &x->other};

	for (unsigned i = 0; i < 3; i++)
		rig_set_rows(x->rig, all[i], candidates, n, bits);
}

/* --- what makes it so ------------------------------------------------------------------------- */

static void a_flow_that_is_established_is_noted_for_its_client(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_flow *e, *flow;
	struct frame_spec spec = bed_request(&x->tcp, 1000, 0);

	assert_int_equal(deliver(x, &x->tcp, 1000, TCP_SYN_FLAG), 0);
	answer(x, &x->tcp, 1000, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	assert_null(kept(x, &x->tcp, 0));
	assert_int_equal(rig_n_flows(x->rig), 1);
	answer(x, &x->tcp, 1000, 0, TCP_ACK_FLAG);
	e = kept(x, &x->tcp, 0);
	flow = rig_flow(x->rig, &spec, 0);
	assert_non_null(e);
	assert_int_equal(e->slot, rig_slot(x->rig, &x->tcp));
	assert_int_equal(e->row, flow->row);
	assert_int_equal(e->backend, 0);
	assert_int_equal(e->state, LB_FLOW_AFFINE | 1 << LB_FLOW_GEN_SHIFT);
	assert_in_range((uint8_t)(e->age - flow->age), 0, 1);
	assert_int_equal(rig_n_flows(x->rig), 2);
}

static void datagrams_count_when_they_are_answered_twice(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(deliver(x, &x->udp, 1000, 0), 0);
	answer(x, &x->udp, 1000, 0, 0);
	assert_null(kept(x, &x->udp, 0));
	answer(x, &x->udp, 1000, 0, 0);
	assert_int_equal(rig_flow_state(kept(x, &x->udp, 0)), LB_FLOW_AFFINE);
}

static void all_ports_of_a_client_share_one_entry(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint16_t port = 1000; port < 1100; port++)
		assert_int_equal(connect_to(x, &x->tcp, port), 0);
	assert_int_equal(rig_n_flows(x->rig), 101);
}

static void without_affinity_nothing_is_noted(void **state)
{
	struct bed *x = bed_begin(state);

	bed_add(x, &x->tcp, 8080, IPPROTO_TCP, 4);
	assert_int_equal(connect_to(x, &x->tcp, 1000), 0);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void only_a_flow_that_begins_makes_it_young(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;
	uint8_t old;

	connect_to(x, &x->tcp, 1000);
	e = kept(x, &x->tcp, 0);
	bed_make_silent(e, 5);
	old = e->age;
	answer(x, &x->tcp, 1000, 0, TCP_ACK_FLAG);
	deliver(x, &x->tcp, 1000, TCP_ACK_FLAG);
	assert_int_equal(e->age, old);
	connect_to(x, &x->tcp, 1001);
	assert_in_range((uint8_t)(e->age - old), 5, 6);
}

static void ages_are_long_where_the_time_is(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;

	rig_set_affinity(x->rig, &x->tcp, LB_AFFINITY_LONG | TIME);
	connect_to(x, &x->tcp, 1000);
	e = kept(x, &x->tcp, 0);
	assert_int_equal(e->state, LB_FLOW_AFFINE | LB_FLOW_LONG | 1 << LB_FLOW_GEN_SHIFT);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	bed_make_silent(e, TIME);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 0);
	bed_make_silent(e, 2);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 3);
}

/* First packets alone, of clients that are nobody: each has the one entry that every flow has. */
static void a_flood_makes_no_more_entries_than_flows(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint32_t i = 0; i < 2000; i++) {
		struct frame_spec spec = bed_request(&x->tcp, 1000, 0);

		assert_int_equal(deliver_from(x, STRANGER + i, &x->tcp, 1000, TCP_SYN_FLAG), 0);
		spec.src = STRANGER + i;
		bed_answer(x, &spec, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	}
	assert_int_equal(rig_n_flows(x->rig), 2000);
}

/* Flows have all of both lines that the entry may lie in. */
static void where_no_place_is_free_nobody_loses_one(void **state)
{
	struct bed *x = bed_begin(state);
	const unsigned n = rig_n_lines(x->rig) * LB_FLOW_WAYS;

	deliver(x, &x->tcp, 1000, TCP_SYN_FLAG);
	for (unsigned i = 0; i < rig_n_lines(x->rig); i++)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
			struct lb_flow *e = &rig_line(x->rig, i)->way[way];

			if (e->hash <= LB_FLOW_FREE)
				*e = (struct lb_flow){.hash = 99 + i, .state = LB_FLOW_NEW};
		}
	answer(x, &x->tcp, 1000, 0, TCP_ACK_FLAG);
	assert_null(kept(x, &x->tcp, 0));
	assert_int_equal(rig_n_flows(x->rig), n);
	rig_forget_flows(x->rig);
	connect_to(x, &x->tcp, 1000);
	assert_non_null(kept(x, &x->tcp, 0));
}

/* --- whom a client keeps ---------------------------------------------------------------------- */

static void new_flows_go_where_the_last_one_went(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	connect_to(x, &x->udp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	for (uint16_t port = 2000; port < 2010; port++) {
		assert_int_equal(deliver(x, &x->tcp, port, TCP_SYN_FLAG), 0);
		assert_int_equal(deliver(x, &x->tcp, port, TCP_ACK_FLAG), 0);
		assert_int_equal(deliver(x, &x->udp, port, 0), 0);
	}
	assert_int_equal(deliver_from(x, STRANGER, &x->tcp, 2000, TCP_SYN_FLAG), 3);
	assert_int_equal(deliver_from(x, STRANGER, &x->udp, 2000, 0), 3);
}

/* What goes elsewhere than the row says is not to be overlooked by the walk. */
static void a_flow_of_a_kept_backend_marks_its_row(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, in_order, 4, LB_ROW_UNSETTLED);
	deliver(x, &x->tcp, 2000, TCP_SYN_FLAG);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	deliver(x, &x->tcp, 2001, TCP_SYN_FLAG);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
}

static void a_settled_row_asks_nobody(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, 0);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 3);
}

static void it_is_over_when_its_time_is(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	e = kept(x, &x->tcp, 0);
	bed_make_silent(e, TIME);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 0);
	bed_make_silent(e, 2);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 3);
	rig_set_affinity(x->rig, &x->tcp, TIME + 2);
	assert_int_equal(deliver(x, &x->tcp, 2002, TCP_SYN_FLAG), 0);
}

/* As one CPU's answer may, behind another's look at the clock. */
static void one_noted_a_moment_later_counts(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	kept(x, &x->tcp, 0)->age++;
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 0);
}

static void who_takes_no_new_flow_loses_its_clients_for_good(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND, 1);
	assert_int_equal(deliver(x, &x->tcp, 1000, TCP_ACK_FLAG), 0);
	assert_int_equal(connect_to(x, &x->tcp, 2000), 3);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND | LB_BE_READY, 1);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 3);
	change_rows(x, in_order, 4, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->tcp, 2002, TCP_SYN_FLAG), 3);
}

static void a_new_generation_has_no_clients_yet(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND | LB_BE_READY, 2);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 3);
}

static void of_two_the_later_one_counts(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, 0);
	assert_int_equal(connect_to(x, &x->tcp, 1001), 3);
	for (unsigned i = 0; i < 2; i++) {
		change_rows(x, i ? in_order : reversed, 4, LB_ROW_UNSETTLED);
		kept(x, &x->tcp, 0)->age = (uint8_t)(kept(x, &x->tcp, 3)->age - 1);
		assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 3);
		rig_forget_flows(x->rig);
		change_rows(x, in_order, 4, 0);
		connect_to(x, &x->tcp, 1000);
		change_rows(x, reversed, 4, 0);
		connect_to(x, &x->tcp, 1001);
	}
	kept(x, &x->tcp, 3)->age = (uint8_t)(kept(x, &x->tcp, 0)->age - 1);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 0);
}

/* As kube-proxy has it: by service port. */
static void each_service_has_its_own(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	assert_int_equal(connect_to(x, &x->other, 2000), 3);
	assert_int_equal(deliver(x, &x->udp, 2000, 0), 3);
	assert_int_equal(deliver(x, &x->tcp, 3000, TCP_SYN_FLAG), 0);
	change_rows(x, in_order, 4, LB_ROW_UNSETTLED);
	assert_int_equal(connect_to(x, &x->other, 3001), 3);
	assert_int_equal(connect_to(x, &x->tcp, 3002), 0);
	rig_set_service_id(x->rig, &x->other, x->other.id + 0x10000);
	assert_int_equal(deliver(x, &x->other, 3003, TCP_SYN_FLAG), 0);
}

static void one_that_is_no_candidate_is_kept_where_the_row_says_so(void **state)
{
	static const unsigned others[] = {3, 2, 1};
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, others, 3, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 3);
	change_rows(x, others, 3, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 0);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_ACK_FLAG), 0);
	assert_int_equal(deliver_from(x, STRANGER, &x->tcp, 2002, TCP_SYN_FLAG), 3);
}

/* Two front ends meet on one client port: the flow goes elsewhere, and its client with it. */
static void a_tuple_that_is_taken_is_not_kept(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	connect_to(x, &x->other, 2000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), 3);
	assert_int_equal(deliver(x, &x->tcp, 2001, TCP_SYN_FLAG), 0);
}

static void no_flow_begins_where_it_is_paused(void **state)
{
	struct bed *x = bed_begin(state);

	connect_to(x, &x->tcp, 1000);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	rig_set_flags(x->rig, &x->tcp, LB_SVC_AFFINITY | LB_SVC_PAUSED);
	assert_int_equal(deliver(x, &x->tcp, 2000, TCP_SYN_FLAG), NOBODY);
	assert_int_equal(deliver(x, &x->tcp, 1000, TCP_ACK_FLAG), 0);
}

/* An entry of a port that some stacks send from is a flow's as any other. */
static void port_zero_is_a_port(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(connect_to(x, &x->udp, 0), 0);
	assert_int_equal(rig_n_flows(x->rig), 2);
	change_rows(x, reversed, 4, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->udp, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_flow_that_is_established_is_noted_for_its_client, setup),
		CLAIM_BOTH(datagrams_count_when_they_are_answered_twice, setup),
		CLAIM_BOTH(all_ports_of_a_client_share_one_entry, setup),
		CLAIM_BOTH(without_affinity_nothing_is_noted, setup),
		CLAIM_BOTH(only_a_flow_that_begins_makes_it_young, setup),
		CLAIM_BOTH(ages_are_long_where_the_time_is, setup),
		CLAIM_BOTH(a_flood_makes_no_more_entries_than_flows, setup),
		CLAIM_BOTH(where_no_place_is_free_nobody_loses_one, setup),
		CLAIM_BOTH(new_flows_go_where_the_last_one_went, setup),
		CLAIM_BOTH(a_flow_of_a_kept_backend_marks_its_row, setup),
		CLAIM_BOTH(a_settled_row_asks_nobody, setup),
		CLAIM_BOTH(it_is_over_when_its_time_is, setup),
		CLAIM_BOTH(one_noted_a_moment_later_counts, setup),
		CLAIM_BOTH(who_takes_no_new_flow_loses_its_clients_for_good, setup),
		CLAIM_BOTH(a_new_generation_has_no_clients_yet, setup),
		CLAIM_BOTH(of_two_the_later_one_counts, setup),
		CLAIM_BOTH(each_service_has_its_own, setup),
		CLAIM_BOTH(one_that_is_no_candidate_is_kept_where_the_row_says_so, setup),
		CLAIM_BOTH(a_tuple_that_is_taken_is_not_kept, setup),
		CLAIM_BOTH(no_flow_begins_where_it_is_paused, setup),
		CLAIM_BOTH(port_zero_is_a_port, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
