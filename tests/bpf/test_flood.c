// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * A flood at one VIP: established flows keep their entries, and flows to other VIPs begin. Beyond
 * the rate of its service a flow begins without an entry and gets one when it lives.
 */
#include "bpf/flood_bed.h"

/* The answer's source, after tc_reply: is it turned to the service? */
static void expect_turned(struct bed *x, const struct frame_spec *req, uint8_t flags, bool turned)
{
	struct frame_spec s = {.src = rig_backend_addr(0),
			       .dst = req->src,
			       .sport = RIG_BACKEND_PORT,
			       .dport = req->sport,
			       .proto = req->proto,
			       .tcp_flags = flags};

	frame_make(&x->in, &s);
	(void)rig_tc(x->rig, &x->in, &x->out);
	if (turned) {
		s.src = req->dst;
		s.sport = req->dport;
	}
	frame_make(&x->want, &s);
	assert_true(frame_equal(&x->out, &x->want));
}

/* --- what a flood costs ------------------------------------------------------------------------*/

/* The rig's flow table as the headers of the programs reach it. */
typedef struct rig *flow_table_t;
static uint32_t flow_table_lines(flow_table_t t)
{
	return rig_n_lines(t);
}
static struct lb_flow_line *flow_line_at(flow_table_t t, uint32_t index)
{
	return rig_line(t, index);
}
static flow_table_t flow_table_left(flow_table_t t)
{
	(void)t;
	return NULL;
}
static void flow_moved(uint64_t rest)
{
	(void)rest;
}
#include "bpf/flow_insert.h"

#define WAYS   (LB_FLOW_CHUNK * LB_FLOW_WAYS)
#define COMING 4000u

/* Splitmix64; never a hash that means something else. */
static uint64_t next_hash(uint64_t *random)
{
	uint64_t x = *random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	x ^= x >> 31;
	return x > LB_FLOW_FREE ? x : LB_FLOW_FREE + 1;
}

/* Entries of n flows in this state, with their hashes. */
static void fill(struct bed *x, uint64_t *random, uint64_t *hashes, unsigned n, unsigned state)
{
	struct frame_spec s = bed_request(&x->other, 1, TCP_SYN_FLAG);
	const struct lb_flow *like;

	assert_int_equal(send_spec(x, &s), XDP_PASS);
	like = rig_flow(x->rig, &s, 0);
	for (unsigned i = 0; i < n; i++) {
		struct lb_flow_new entry = {
			.hash = next_hash(random),
			.rest = lb_rest(like->slot, like->row, like->backend,
					lb_flow_state(state, false, 1), like->age),
			.now = like->age,
		};

		hashes[i] = entry.hash;
		assert_int_equal(lb_flow_insert(x->rig, &entry), LB_FLOW_MADE);
	}
}

/* A flow that lives: begun, answered, and its backend has spoken. */
static void comes_and_goes(struct bed *x, uint32_t i)
{
	struct frame_spec req = syn_from(&x->other, 10 * 60000 + i);

	assert_int_equal(send_spec(x, &req), XDP_PASS);
	bed_answer(x, &req, 0, TCP_SYN_FLAG | TCP_ACK_FLAG);
	bed_answer(x, &req, 0, TCP_ACK_FLAG);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &req, 0)), LB_FLOW_ESTABLISHED);
	bed_answer(x, &req, 0, TCP_FIN_FLAG | TCP_ACK_FLAG);
}

/* A table that is full: one half is established, the rest is a flood's. */
static void a_flood_at_half_load_evicts_nobody_and_others_begin(void **state)
{
	struct bed *x = bed_begin(state);
	uint64_t *half = calloc(WAYS / 2, sizeof(*half)), *rest = calloc(WAYS, sizeof(*rest));
	uint64_t random = 1;

	fill(x, &random, half, WAYS / 2, LB_FLOW_ESTABLISHED);
	fill(x, &random, rest, WAYS, LB_FLOW_NEW);
	assert_true(rig_n_flows(x->rig) > WAYS / 20 * 19);
	for (uint32_t i = 0; i < COMING; i++) {
		struct frame_spec flood = syn_from(&x->tcp, 2 * i);

		assert_int_equal(send_spec(x, &flood), XDP_PASS);
		flood.src++;
		assert_int_equal(send_spec(x, &flood), XDP_PASS);
		comes_and_goes(x, i);
	}
	assert_int_equal(rig_drops(x->rig, LB_DROP_FLOW_EVICTED), 0);
	for (uint32_t i = 0; i < WAYS / 2; i++) {
		__u64 entry = 0;

		assert_non_null(lb_flow_find(x->rig, half[i], &entry));
		assert_int_equal(lb_rest_state(entry), LB_FLOW_ESTABLISHED);
	}
	free(half);
	free(rest);
}

/* --- the rate ----------------------------------------------------------------------------------*/

static void beyond_its_rate_a_flow_begins_without_an_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	assert_null(rig_flow(x->rig, &s, 0));
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 1);
	assert_int_equal(rig_new_flows(x->rig, &x->tcp), RATE);
}

static void without_a_rate_every_flow_has_an_entry(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint32_t i = 0; i < 100; i++) {
		struct frame_spec s = syn_from(&x->tcp, i);

		assert_int_equal(send_spec(x, &s), XDP_PASS);
		assert_non_null(rig_flow(x->rig, &s, 0));
	}
	assert_int_equal(rig_new_flows(x->rig, &x->tcp), 0);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 0);
}

static void others_have_a_rate_of_their_own(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->other, 1000, TCP_SYN_FLAG);

	rig_set_limit(x->rig, &x->other, RATE);
	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	assert_non_null(rig_flow(x->rig, &s, 0));
}

static void who_has_an_entry_pays_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_set_limit(x->rig, &x->tcp, RATE);
	for (unsigned i = 0; i < 3 * RATE; i++)
		expect_given_to_backend(x, &s);
	assert_int_equal(rig_new_flows(x->rig, &x->tcp), 1);
	s.tcp_flags = TCP_ACK_FLAG;
	for (unsigned i = 0; i < 3 * RATE; i++) {
		s.sport++; /* of a settled row: nobody asks for its entry */
		expect_given_to_backend(x, &s);
	}
	assert_int_equal(rig_new_flows(x->rig, &x->tcp), 1);
}

/* --- answers without an entry ---------------------------------------------------------------- */

static void a_syn_ack_without_an_entry_is_turned_and_makes_none(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	expect_turned(x, &s, TCP_RST_FLAG, true);
	expect_turned(x, &s, TCP_RST_FLAG | TCP_ACK_FLAG, true);
	assert_null(rig_flow(x->rig, &s, 0));
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 0);
}

static void a_flow_that_lives_gets_its_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	s.tcp_flags = TCP_ACK_FLAG;
	expect_given_to_backend(x, &s);
	assert_null(rig_flow(x->rig, &s, 0));
	expect_turned(x, &s, TCP_ACK_FLAG, true);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_ESTABLISHED);
	rig_age_unrecorded(x->rig, 2);
	expect_turned(x, &s, TCP_ACK_FLAG, true);
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
}

static void a_fin_makes_an_entry_that_closes(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	expect_turned(x, &s, TCP_FIN_FLAG | TCP_ACK_FLAG, true);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_CLOSING);
}

static void udp_gets_its_entry_with_the_first_answer(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->udp, 1000, 0);

	use_up(x, &x->udp);
	expect_given_to_backend(x, &s);
	expect_given_to_backend(x, &s);
	assert_null(rig_flow(x->rig, &s, 0));
	expect_turned(x, &s, 0, true);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_ANSWERED);
	expect_turned(x, &s, 0, true);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_ESTABLISHED);
	expect_given_to_backend(x, &s);
	assert_int_equal(rig_drops(x->rig, LB_DROP_UNRECORDED), 2);
}

/* Pods also answer who speaks to them without us. */
static void who_was_never_seen_is_not_turned(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), direct;

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	direct = s;
	direct.sport = 1001;
	expect_turned(x, &direct, TCP_SYN_FLAG | TCP_ACK_FLAG, false);
	expect_turned(x, &direct, TCP_ACK_FLAG, false);
	assert_null(rig_flow(x->rig, &direct, 0));
	assert_int_equal(rig_drops(x->rig, LB_DROP_REPLY_MISS), 2);
}

static void it_is_remembered_for_this_turn_and_the_next(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	rig_age_unrecorded(x->rig, 1);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	rig_age_unrecorded(x->rig, 1);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, false);
	expect_given_to_backend(x, &s); /* it sends once more, and is known again */
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
}

/* The backend's answers to the two could not be told apart. */
static void the_second_front_end_of_a_backend_is_dropped(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec one = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	struct frame_spec two = bed_request(&x->other, 1001, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	use_up(x, &x->other);
	expect_given_to_backend(x, &one);
	assert_int_equal(send_spec(x, &two), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_BEYOND), 1);
	expect_turned(x, &one, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	rig_age_unrecorded(x->rig, 1);
	assert_int_equal(send_spec(x, &two), XDP_DROP);
	rig_age_unrecorded(x->rig, 1);
	expect_given_to_backend(x, &two); /* nothing is left of the first one's */
	expect_turned(x, &two, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	assert_int_equal(send_spec(x, &one), XDP_DROP);
}

static void a_service_that_moves_to_its_other_slot_goes_on(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	rig_move_service(x->rig, &x->tcp);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
	use_up(x, &x->tcp);
	s.sport++;
	expect_given_to_backend(x, &s);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, true);
}

static void another_service_in_the_slot_gets_no_answers(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	rig_set_service_id(x->rig, &x->tcp, x->tcp.id + 1);
	expect_turned(x, &s, TCP_SYN_FLAG | TCP_ACK_FLAG, false);
}

static void nobody_is_asked_for_at_a_backend_that_is_not_first(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG), taken;

	taken = s;
	taken.dst = x->other.vip;
	taken.dport = x->other.port;
	rig_add_backend(x->rig, &x->tcp, 1);
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){0, 1}, 2, 0);
	expect_given_to_backend(x, &taken); /* the tuple is another VIP's */
	use_up(x, &x->tcp);
	assert_int_equal(send_spec(x, &s), XDP_DROP);
	assert_int_equal(rig_drops(x->rig, LB_DROP_BEYOND), 1);
	assert_int_equal(rig_unsettled(x->rig, &x->tcp), 0);
}

/* The row changed between the first packet and the answer. */
static void an_answer_of_a_later_candidate_marks_the_row(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	rig_add_backend(x->rig, &x->tcp, 1);
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){1, 0}, 2, LB_ROW_UNSETTLED);
	expect_turned(x, &s, TCP_ACK_FLAG, true);
	assert_int_equal(rig_flow_state(rig_flow(x->rig, &s, 0)), LB_FLOW_ESTABLISHED);
	assert_int_equal(rig_marked(x->rig, &x->tcp), 1);
	s.tcp_flags = TCP_ACK_FLAG;
	expect_given_to_backend(x, &s);
}

static void an_answer_of_no_candidate_is_turned_without_an_entry(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	use_up(x, &x->tcp);
	expect_given_to_backend(x, &s);
	rig_add_backend(x->rig, &x->tcp, 1);
	rig_set_rows(x->rig, &x->tcp, (const unsigned[]){1}, 1, 0);
	expect_turned(x, &s, TCP_ACK_FLAG, true);
	assert_null(rig_flow(x->rig, &s, 0));
}

static void with_affinity_the_row_is_the_clients(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
	const struct lb_flow *entry;

	rig_set_flags(x->rig, &x->tcp, LB_SVC_AFFINITY);
	expect_given_to_backend(x, &s);
	entry = rig_flow(x->rig, &s, 0);
	use_up(x, &x->tcp);
	s.sport++;
	expect_given_to_backend(x, &s);
	expect_turned(x, &s, TCP_ACK_FLAG, true);
	assert_int_equal(rig_flow(x->rig, &s, 0)->row, entry->row);
	assert_int_equal(rig_flow(x->rig, &s, 0)->slot, entry->slot);
	assert_int_equal(rig_flow(x->rig, &s, 0)->backend, entry->backend);
}

static void a_row_of_the_entry_is_the_one_of_its_packets(void **state)
{
	struct bed *x = bed_begin(state);

	for (uint16_t i = 0; i < 50; i++) {
		struct frame_spec s = bed_request(&x->tcp, (uint16_t)(1000 + i), TCP_SYN_FLAG);
		uint16_t row;

		rig_set_limit(x->rig, &x->tcp, 0);
		expect_given_to_backend(x, &s);
		row = rig_flow(x->rig, &s, 0)->row;
		rig_forget_flows(x->rig);
		rig_set_limit(x->rig, &x->tcp, 1);
		send_spec(x, &(struct frame_spec){.src = CLIENT + 1,
						  .dst = VIP,
						  .sport = 1,
						  .dport = 80,
						  .proto = IPPROTO_TCP,
						  .tcp_flags = TCP_SYN_FLAG});
		expect_given_to_backend(x, &s);
		assert_null(rig_flow(x->rig, &s, 0));
		expect_turned(x, &s, TCP_ACK_FLAG, true);
		assert_int_equal(rig_flow(x->rig, &s, 0)->row, row);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_V4(a_flood_at_half_load_evicts_nobody_and_others_begin, setup),
		CLAIM(beyond_its_rate_a_flow_begins_without_an_entry),
		CLAIM(without_a_rate_every_flow_has_an_entry),
		CLAIM(others_have_a_rate_of_their_own),
		CLAIM(who_has_an_entry_pays_nothing),
		CLAIM(a_syn_ack_without_an_entry_is_turned_and_makes_none),
		CLAIM(a_flow_that_lives_gets_its_entry),
		CLAIM(a_fin_makes_an_entry_that_closes),
		CLAIM(udp_gets_its_entry_with_the_first_answer),
		CLAIM(who_was_never_seen_is_not_turned),
		CLAIM(it_is_remembered_for_this_turn_and_the_next),
		CLAIM(the_second_front_end_of_a_backend_is_dropped),
		CLAIM(a_service_that_moves_to_its_other_slot_goes_on),
		CLAIM(another_service_in_the_slot_gets_no_answers),
		CLAIM(nobody_is_asked_for_at_a_backend_that_is_not_first),
		CLAIM(an_answer_of_a_later_candidate_marks_the_row),
		CLAIM(an_answer_of_no_candidate_is_turned_without_an_entry),
		CLAIM(with_affinity_the_row_is_the_clients),
		CLAIM(a_row_of_the_entry_is_the_one_of_its_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
