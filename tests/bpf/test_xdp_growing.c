// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows that live while the flow table grows: an entry lies in the table that is being left, in the
 * one that takes its place, or in both, and its flow goes to whom it names from each of them. Who
 * is known makes no entry, so their number tells that it was known and not only met the right
 * backend. Also where the table does not grow, but the entry lies in its second line.
 */
#include "bpf/bed.h"
#include "bpf/flow_hash.h"

#define TABLE(first, n) ((uint64_t)(first) << LB_FLOWS_FIRST_SHIFT | (n))
#define OLD_TABLE       TABLE(0, 1)
#define NEXT_TABLE      TABLE(1, 2)
#define BOTH            (OLD_TABLE << LB_FLOWS_LEFT_SHIFT | NEXT_TABLE)

static const unsigned orders[][2] = {{0, 1}, {1, 0}};

static int setup(void **state)
{
	const char *why = "";
	struct rig *rig = rig_new_sized(3, &why);

	(void)bed_make_on(state, rig, why, 2, 0);
	return 0;
}

static void begin_anew(struct bed *x)
{
	rig_forget_flows(x->rig);
	rig_set_rows(x->rig, &x->tcp, orders[0], 2, 0);
}

/* The connection of backend 0 is established, with its entry in this table. */
static struct frame_spec connect_in(struct bed *x, uint64_t table)
{
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);

	rig_set_table(x->rig, table);
	assert_int_equal(bed_xdp(x, &s), XDP_PASS);
	bed_answer(x, &s, 0, TCP_ACK_FLAG);
	s.tcp_flags = TCP_ACK_FLAG;
	return s;
}

static void expect_backend(struct bed *x, const struct frame_spec *s, unsigned i)
{
	const uint64_t before = rig_count(x->rig, &x->tcp, i).packets;

	assert_int_equal(bed_xdp(x, s), XDP_PASS);
	assert_int_equal(rig_count(x->rig, &x->tcp, i).packets, before + 1);
}

static void a_flow_is_known_in_either_table(void **state)
{
	struct bed *x = bed_begin(state);
	const uint64_t tables[] = {OLD_TABLE, NEXT_TABLE};

	for (unsigned order = 0; order < 2; order++)
		for (unsigned i = 0; i < 2; i++) {
			struct frame_spec s;

			begin_anew(x);
			s = connect_in(x, tables[i]);
			assert_int_equal(rig_n_flows(x->rig), 1);
			rig_set_table(x->rig, BOTH);
			rig_set_rows(x->rig, &x->tcp, orders[order], 2, LB_ROW_UNSETTLED);
			expect_backend(x, &s, 0);
			assert_int_equal(rig_n_flows(x->rig), 1);
		}
}

/* As between the agent's copying an entry and freeing it. */
static void and_in_both_at_once(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned order = 0; order < 2; order++) {
		struct frame_spec s;

		begin_anew(x);
		(void)connect_in(x, OLD_TABLE);
		s = connect_in(x, NEXT_TABLE);
		assert_int_equal(rig_n_flows(x->rig), 2);
		rig_set_table(x->rig, BOTH);
		rig_set_rows(x->rig, &x->tcp, orders[order], 2, LB_ROW_UNSETTLED);
		expect_backend(x, &s, 0);
		assert_int_equal(rig_n_flows(x->rig), 2);
	}
}

/* What an entry says of a backend that has become another one since is nothing. */
static void an_entry_of_another_generation_is_none(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = connect_in(x, OLD_TABLE);

	rig_set_table(x->rig, BOTH);
	rig_set_backend(x->rig, &x->tcp, 0, LB_BE_IN_USE | LB_BE_READY | LB_BE_LOCAL, 2);
	rig_set_rows(x->rig, &x->tcp, orders[1], 2, LB_ROW_UNSETTLED);
	expect_backend(x, &s, 1);
	rig_set_rows(x->rig, &x->tcp, orders[0], 2, LB_ROW_UNSETTLED);
	expect_backend(x, &s, 1);
}

/* Nobody knows it: it is the first candidate's, and recorded where new entries are made. */
static void a_flow_that_nobody_knows_begins_in_the_new_table(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec s = bed_request(&x->tcp, 1000, TCP_ACK_FLAG);

	rig_set_table(x->rig, BOTH);
	rig_set_rows(x->rig, &x->tcp, orders[1], 2, LB_ROW_UNSETTLED);
	expect_backend(x, &s, 1);
	assert_int_equal(rig_n_flows(x->rig), 1);
	rig_set_table(x->rig, NEXT_TABLE);
	rig_set_rows(x->rig, &x->tcp, orders[0], 2, LB_ROW_UNSETTLED);
	expect_backend(x, &s, 1);
	assert_int_equal(rig_n_flows(x->rig), 1);
}

/* Of settled rows, too: a SYN or a datagram that comes again makes no second entry, and the first
 * one of another flow makes one in the new table. */
static void what_begins_is_looked_for_in_the_table_that_is_left(void **state)
{
	struct bed *x = bed_begin(state);
	const uint64_t tables[] = {OLD_TABLE, NEXT_TABLE};

	rig_set_rows(x->rig, &x->udp, orders[0], 2, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct frame_spec syn = bed_request(&x->tcp, 1000, TCP_SYN_FLAG);
		struct frame_spec datagram = bed_request(&x->udp, 1000, 0);

		begin_anew(x);
		(void)connect_in(x, tables[i]);
		assert_int_equal(bed_xdp(x, &datagram), XDP_PASS);
		assert_int_equal(rig_n_flows(x->rig), 2);
		rig_set_table(x->rig, BOTH);
		for (unsigned times = 0; times < 2; times++) {
			expect_backend(x, &syn, 0);
			assert_int_equal(bed_xdp(x, &datagram), XDP_PASS);
			assert_int_equal(rig_n_flows(x->rig), 2);
		}
		syn.sport = datagram.sport = 1001;
		for (unsigned times = 0; times < 2; times++) {
			expect_backend(x, &syn, 0);
			assert_int_equal(bed_xdp(x, &datagram), XDP_PASS);
			assert_int_equal(rig_n_flows(x->rig), 4);
		}
		rig_set_table(x->rig, NEXT_TABLE);
		expect_backend(x, &syn, 0);
		assert_int_equal(bed_xdp(x, &datagram), XDP_PASS);
		assert_int_equal(rig_n_flows(x->rig), 4);
	}
}

/* All ways of the line that has the entry are somebody's, and the entry goes to its other one. */
static void a_flow_is_known_in_its_second_line(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned order = 0; order < 2; order++) {
		struct lb_flow_line *first;
		struct lb_flow *entry;
		struct frame_spec s;
		struct lb_flow copy;
		unsigned n;

		begin_anew(x);
		s = connect_in(x, NEXT_TABLE);
		entry = rig_flow(x->rig, &s, 0);
		assert_non_null(entry);
		first = rig_line(x->rig,
				 LB_FLOW_CHUNK + ((uint32_t)entry->hash & (2 * LB_FLOW_CHUNK - 1)));
		assert_ptr_equal(&first->way[0], entry);
		copy = *entry;
		for (unsigned way = 0; way < LB_FLOW_WAYS; way++)
			first->way[way].hash = 1000 + way;
		*rig_line(x->rig,
			  LB_FLOW_CHUNK + ((uint32_t)(copy.hash >> 32) & (2 * LB_FLOW_CHUNK - 1))) =
			(struct lb_flow_line){.way = {copy}};
		n = rig_n_flows(x->rig);
		rig_set_rows(x->rig, &x->tcp, orders[order], 2, LB_ROW_UNSETTLED);
		expect_backend(x, &s, 0);
		assert_int_equal(rig_n_flows(x->rig), n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM_BOTH(a_flow_is_known_in_either_table, setup),
		CLAIM_BOTH(and_in_both_at_once, setup),
		CLAIM_BOTH(an_entry_of_another_generation_is_none, setup),
		CLAIM_BOTH(a_flow_that_nobody_knows_begins_in_the_new_table, setup),
		CLAIM_BOTH(what_begins_is_looked_for_in_the_table_that_is_left, setup),
		CLAIM_BOTH(a_flow_is_known_in_its_second_line, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
