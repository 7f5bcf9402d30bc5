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
	return (int)frame_dst(&out) - (int)(rig_backend_addr(0) & 0xff);
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

/* The flow's entry with a backend, or NULL. */
static struct lb_flow *entry_of(struct bed *x, const struct rig_service *s, uint16_t sport,
				unsigned backend)
{
	struct frame_spec spec = bed_request(s, sport, 0);

	return rig_flow(x->rig, &spec, backend);
}

static unsigned state_of(struct bed *x, const struct rig_service *s, uint16_t sport,
			 unsigned backend)
{
	return rig_flow_state(entry_of(x, s, sport, backend));
}

static void answer(struct bed *x, const struct rig_service *s, uint16_t sport, unsigned backend,
		   uint8_t flags)
{
	struct frame_spec spec = bed_request(s, sport, 0);

	bed_answer(x, &spec, backend, flags);
}

/* --- settled rows ----------------------------------------------------------------------------- */

static void settled_rows_take_the_first_candidate_whatever_the_entries_say(void **state)
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
		rig_set_mixed_rows(x->rig, &x->tcp, 4, 0, 0);
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
	const uint64_t v4[] = {0x4425bc4ba91a6e4f, 0x6b5e7c795fe63e7d};
	const uint64_t v6[] = {0xdda7612be9f2ca65, 0x56e97a9c7b2f61d2};
	struct bed *x = bed_begin(state);
	const uint64_t *golden = bed_is_v6() ? v6 : v4;
	struct rig_service s = {.vip = 0x12345678 - RIG_SEED, .port = 80, .proto = IPPROTO_TCP};

	rig_add_vip(x->rig, s.vip, 0);
	for (unsigned sticky = 0; sticky < 2; sticky++) {
		s.flags = sticky ? LB_SVC_AFFINITY : 0;
		rig_add_service(x->rig, &s);
		for (unsigned i = 0; i < 256; i++)
			rig_add_backend(x->rig, &s, i);
		rig_set_mixed_rows(x->rig, &s, 256, 0, 0);
		assert_int_equal(deliver(x, &s, 40000, TCP_ACK_FLAG), golden[sticky] >> 56);
	}
}

static void flows_spread_evenly_over_rows(void **state)
{
	struct bed *x = bed_begin(state);
	unsigned count[4] = {0};

	rig_set_mixed_rows(x->rig, &x->tcp, 4, 0, 0);
	for (uint16_t port = 1; port <= 4000; port++)
		count[ack(x, port)]++;
	for (int i = 0; i < 4; i++)
		assert_in_range(count[i], 850, 1150);
}

/* --- entries of settled rows ------------------------------------------------------------------ */

static void a_first_packet_makes_an_entry_that_names_all(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;

	syn(x, 1000);
	e = entry_of(x, &x->tcp, 1000, 0);
	assert_non_null(e);
	assert_int_equal(e->slot, rig_slot(x->rig, &x->tcp));
	assert_in_range(e->row, 0, 255);
	assert_int_equal(e->backend, 0);
	assert_int_equal(e->state, LB_FLOW_NEW | 1 << LB_FLOW_GEN_SHIFT);
	datagram(x, 1000);
	e = entry_of(x, &x->udp, 1000, 0);
	assert_non_null(e);
	assert_int_equal(e->slot, rig_slot(x->rig, &x->udp));
	assert_int_equal(e->state, LB_FLOW_NEW | LB_FLOW_UDP | 1 << LB_FLOW_GEN_SHIFT);
	assert_int_equal(rig_n_flows(x->rig), 2);
}

/* Not even the age: that is the backend's to move. */
static void later_packets_of_a_connection_touch_no_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow before, *e;

	syn(x, 1000);
	e = entry_of(x, &x->tcp, 1000, 0);
	bed_make_silent(e, 50);
	before = *e;
	for (int i = 0; i < 3; i++)
		ack(x, 1000);
	assert_memory_equal(&before, e, sizeof(before));
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void a_repeated_syn_keeps_its_entry_young(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;

	syn(x, 1000);
	e = entry_of(x, &x->tcp, 1000, 0);
	for (int unsettled = 0; unsettled < 2; unsettled++) {
		uint8_t age = e->age;

		rig_set_rows(x->rig, &x->tcp, in_order, 4, unsettled ? LB_ROW_UNSETTLED : 0);
		bed_make_silent(e, 2);
		syn(x, 1000);
		assert_int_equal(rig_n_flows(x->rig), 1);
		assert_in_range((uint8_t)(e->age - age), 0, 1);
		assert_int_equal(rig_flow_state(e), LB_FLOW_NEW);
	}
}

/* A late copy of its SYN, or one that somebody forged, costs a connection nothing. */
static void a_syn_makes_no_established_connection_new(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	answer(x, &x->tcp, 1000, 0, TCP_ACK_FLAG);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_ESTABLISHED);
	syn(x, 1000);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_ESTABLISHED);
}

static void a_reset_from_the_client_closes_its_entry(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	answer(x, &x->tcp, 1000, 0, TCP_ACK_FLAG);
	deliver(x, &x->tcp, 1000, TCP_RST_FLAG);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_CLOSING);
	syn(x, 1000);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_NEW);
}

static void a_reset_closes_no_entry_of_another_front_end(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	deliver(x, &x->other, 1000, TCP_RST_FLAG);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_NEW);
}

static void datagrams_keep_their_entry_young_and_bring_it_back(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;

	datagram(x, 1000);
	e = entry_of(x, &x->udp, 1000, 0);
	answer(x, &x->udp, 1000, 0, 0);
	answer(x, &x->udp, 1000, 0, 0);
	assert_int_equal(rig_flow_state(e), LB_FLOW_ESTABLISHED);
	for (int unsettled = 0; unsettled < 2; unsettled++) {
		uint8_t age = e->age;

		rig_set_rows(x->rig, &x->udp, in_order, 4, unsettled ? LB_ROW_UNSETTLED : 0);
		bed_make_silent(e, 3);
		datagram(x, 1000);
		assert_in_range((uint8_t)(e->age - age), 0, 1);
		assert_int_equal(rig_flow_state(e), LB_FLOW_ESTABLISHED);
	}
	rig_forget_flows(x->rig);
	datagram(x, 1000);
	assert_int_equal(state_of(x, &x->udp, 1000, 0), LB_FLOW_NEW);
}

/* Of a table filled three times over, by one address of a bad neighbourhood. */
static void a_flood_drives_out_no_established_flow(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec flood = bed_request(&x->tcp, 1, TCP_SYN_FLAG);
	struct frame out;

	for (uint16_t port = 1000; port < 1100; port++) {
		syn(x, port);
		answer(x, &x->tcp, port, 0, TCP_ACK_FLAG);
	}
	for (unsigned i = 0; i < 200000; i++) {
		flood.src = 0x0b000000 + (i >> 8);
		flood.sport = (uint16_t)(1 + (i & 0xff));
		frame_make(&x->in, &flood);
		assert_int_equal(rig_xdp(x->rig, &x->in, &out), XDP_PASS);
	}
	for (uint16_t port = 1000; port < 1100; port++)
		assert_int_equal(state_of(x, &x->tcp, port, 0), LB_FLOW_ESTABLISHED);
	assert_in_range(rig_n_flows(x->rig), 60000, 65536);
	assert_int_equal(rig_drops(x->rig, LB_DROP_FLOW_EVICTED), 0);
}

/* Twice as many established flows as there are places: each that had to go is counted. */
static void a_living_flow_that_loses_its_entry_is_counted(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1, TCP_SYN_FLAG);
	const unsigned n = 100000;
	struct frame out;

	for (unsigned i = 0; i < n; i++) {
		s.src = 0x0b000000 + (i >> 8);
		s.sport = (uint16_t)(1 + (i & 0xff));
		frame_make(&x->in, &s);
		assert_int_equal(rig_xdp(x->rig, &x->in, &out), XDP_PASS);
		bed_answer(x, &s, 0, TCP_ACK_FLAG);
	}
	assert_int_equal(rig_n_flows(x->rig) + rig_drops(x->rig, LB_DROP_FLOW_EVICTED), n);
	assert_in_range(rig_n_flows(x->rig), 64000, 65536);
}

/* --- unsettled rows --------------------------------------------------------------------------- */

static void change_rows(struct bed *x, struct rig_service *s, const unsigned *candidates)
{
	rig_set_rows(x->rig, s, candidates, 4, LB_ROW_UNSETTLED);
}

/* Every other line is full of established flows of row 7, each with room in its second line. */
static void fill_every_other_line(struct bed *x, uint8_t age)
{
	const struct lb_flow like = {.slot = (uint16_t)rig_slot(x->rig, &x->tcp),
				     .row = 7,
				     .state = LB_FLOW_ESTABLISHED | 1 << LB_FLOW_GEN_SHIFT,
				     .age = age};

	for (unsigned i = 0; i < rig_n_lines(x->rig); i += 2)
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++) {
			struct lb_flow *e = &rig_line(x->rig, i)->way[way];

			*e = like;
			e->hash = (way + 1ull) << 60 | (i + 1ull) << 32 | i;
		}
}

/* The agent's walk may have missed an entry that changed its place meanwhile. */
static void an_entry_that_moves_marks_its_row_if_that_is_not_settled(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned unsettled = 0; unsettled < 2; unsettled++) {
		rig_forget_flows(x->rig);
		rig_set_rows(x->rig, &x->tcp, in_order, 4, unsettled ? LB_ROW_UNSETTLED : 0);
		syn(x, 1000);
		fill_every_other_line(x, entry_of(x, &x->tcp, 1000, 0)->age);
		for (uint16_t port = 1001; port < 1100; port++)
			assert_int_equal(syn(x, port), 0);
		assert_int_equal(rig_marked(x->rig, &x->tcp), unsettled);
		assert_int_equal(rig_drops(x->rig, LB_DROP_FLOW_EVICTED), 0);
	}
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

/* As a service that has got a slot of its own name for the flow, or whose rows are counted anew. */
static void what_an_entry_says_of_its_row_is_put_right(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e, was;

	syn(x, 1000);
	e = entry_of(x, &x->tcp, 1000, 0);
	was = *e;
	e->row = (uint16_t)(e->row + 1);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(ack(x, 1000), 0);
	assert_memory_equal(e, &was, sizeof(was));
}

static void a_service_that_moved_to_its_other_slot_has_its_flows(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_flow *e;
	unsigned old;

	syn(x, 1000);
	old = rig_slot(x->rig, &x->tcp);
	rig_move_service(x->rig, &x->tcp);
	assert_int_not_equal(rig_slot(x->rig, &x->tcp), old);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(ack(x, 1000), 0);
	e = entry_of(x, &x->tcp, 1000, 0);
	assert_int_equal(e->slot, rig_slot(x->rig, &x->tcp));
}

static void a_connection_that_ended_is_the_owner_only_if_no_other_is(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	answer(x, &x->tcp, 1000, 0, TCP_FIN_FLAG | TCP_ACK_FLAG);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(ack(x, 1000), 0);
	assert_int_equal(syn(x, 1000), 3);
	assert_int_equal(ack(x, 1000), 3);
	change_rows(x, &x->tcp, in_order);
	assert_int_equal(ack(x, 1000), 3);
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

	change_rows(x, &x->tcp, in_order);
	assert_int_equal(ack(x, 1000), 0);
	assert_int_equal(state_of(x, &x->tcp, 1000, 0), LB_FLOW_NEW);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
	change_rows(x, &x->tcp, reversed);
	assert_int_equal(ack(x, 1000), 0);
}

static void an_entry_of_another_vip_or_generation_says_nothing(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->other, 1000, TCP_SYN_FLAG);
	syn(x, 1001);
	change_rows(x, &x->tcp, reversed);
	rig_set_backend(x->rig, &x->tcp, 0, BACKEND | LB_BE_READY, 2);
	assert_int_equal(ack(x, 1000), 3);
	assert_int_equal(ack(x, 1001), 3);
}

/* --- front ends that meet --------------------------------------------------------------------- */

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
	assert_int_equal(rig_marked(x->rig, &x->other), 1);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 0);
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

static void the_tuple_of_a_closed_or_silent_flow_may_be_taken(void **state)
{
	struct bed *x = bed_begin(state);

	syn(x, 1000);
	deliver(x, &x->tcp, 1000, TCP_RST_FLAG);
	assert_int_equal(deliver(x, &x->other, 1000, TCP_SYN_FLAG), 0);
	for (uint16_t port = 1001; port < 1005; port++) {
		bool established = port > 1002, silent = port % 2;
		unsigned lives = established ? LB_FLOW_AGES : LB_FLOW_AGES_SHORT;

		syn(x, port);
		if (established)
			answer(x, &x->tcp, port, 0, TCP_ACK_FLAG);
		bed_make_silent(entry_of(x, &x->tcp, port, 0), lives + silent);
		assert_int_equal(deliver(x, &x->other, port, TCP_SYN_FLAG), silent ? 0 : 1);
		if (silent)
			assert_int_equal(entry_of(x, &x->other, port, 0)->slot,
					 rig_slot(x->rig, &x->other));
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_TUPLE_TAKEN), 0);
}

/* Whatever service was there before: for the client and the backend it is the same connection. */
static void the_tuple_of_a_former_service_of_this_vip_may_be_taken(void **state)
{
	struct bed *x = bed_begin(state);
	unsigned old = rig_slot(x->rig, &x->tcp);

	syn(x, 1000);
	rig_move_service(x->rig, &x->tcp);
	rig_set_service_id(x->rig, &x->tcp, 77);
	assert_int_equal(syn(x, 1000), 0);
	assert_int_not_equal(entry_of(x, &x->tcp, 1000, 0)->slot, old);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

static void the_same_front_end_may_use_its_tuple_again(void **state)
{
	struct bed *x = bed_begin(state);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(syn(x, 1000), 0);
		assert_int_equal(ack(x, 1000), 0);
	}
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(settled_rows_take_the_first_candidate_whatever_the_entries_say),
		CLAIM(affinity_gives_all_ports_of_a_client_one_row),
		CLAIM(the_row_of_a_flow_is_the_one_that_all_nodes_compute),
		CLAIM(flows_spread_evenly_over_rows),
		CLAIM(a_first_packet_makes_an_entry_that_names_all),
		CLAIM(later_packets_of_a_connection_touch_no_entry),
		CLAIM(a_repeated_syn_keeps_its_entry_young),
		CLAIM(a_syn_makes_no_established_connection_new),
		CLAIM(a_reset_from_the_client_closes_its_entry),
		CLAIM(a_reset_closes_no_entry_of_another_front_end),
		CLAIM(datagrams_keep_their_entry_young_and_bring_it_back),
		CLAIM(a_flood_drives_out_no_established_flow),
		CLAIM(a_living_flow_that_loses_its_entry_is_counted),
		CLAIM(an_entry_that_moves_marks_its_row_if_that_is_not_settled),
		CLAIM(a_known_flow_keeps_its_backend_when_its_row_changes),
		CLAIM(what_an_entry_says_of_its_row_is_put_right),
		CLAIM(a_service_that_moved_to_its_other_slot_has_its_flows),
		CLAIM(a_connection_that_ended_is_the_owner_only_if_no_other_is),
		CLAIM(a_syn_keeps_a_ready_backend_and_leaves_a_draining_one),
		CLAIM(a_new_generation_forgets_the_flows_of_the_old),
		CLAIM(a_flow_that_nobody_knows_goes_to_the_first_and_stays),
		CLAIM(an_entry_of_another_vip_or_generation_says_nothing),
		CLAIM(two_vips_meeting_on_one_client_port_get_two_backends),
		CLAIM(a_meeting_passes_over_backends_that_are_not_ready),
		CLAIM(when_every_candidate_is_taken_the_packet_is_dropped),
		CLAIM(the_tuple_of_a_closed_or_silent_flow_may_be_taken),
		CLAIM(the_tuple_of_a_former_service_of_this_vip_may_be_taken),
		CLAIM(the_same_front_end_may_use_its_tuple_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
