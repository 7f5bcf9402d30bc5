// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Flows whose backend is no candidate of their row any more: found where the row's word says that
 * there may be some, and only there.
 */
#include "bpf/bed.h"

#include <linux/bpf.h>

#define NOBODY (-1)
#define BEYOND (LB_ROW_UNSETTLED | LB_ROW_BEYOND)

static const unsigned others[] = {3, 2, 1};

static int setup(void **state)
{
	struct bed *x = bed_make(state, 4, 0);

	if (x->rig) {
		rig_set_region(x->rig, &x->tcp, LB_BACKEND_UNIT);
		rig_set_region(x->rig, &x->udp, LB_BACKEND_UNIT);
	}
	return 0;
}

static int deliver(struct bed *x, const struct rig_service *s, uint8_t flags)
{
	struct frame_spec spec = bed_request(s, 1000, flags);
	struct frame in, out;

	frame_make(&in, &spec);
	if (rig_xdp(x->rig, &in, &out) != XDP_PASS)
		return NOBODY;
	for (unsigned i = 0; i < 4; i++) {
		spec.dst = rig_backend_addr(i);
		spec.dport = RIG_BACKEND_PORT;
		frame_make(&in, &spec);
		if (frame_equal(&in, &out))
			return (int)i;
	}
	fail_msg("it goes to no backend");
	return NOBODY;
}

static struct lb_flow *entry(struct bed *x, const struct rig_service *s)
{
	struct frame_spec spec = bed_request(s, 1000, 0);

	return rig_flow(x->rig, &spec, 0);
}

static void change_rows(struct bed *x, uint64_t bits)
{
	rig_set_rows(x->rig, &x->tcp, others, 3, bits);
	rig_set_rows(x->rig, &x->udp, others, 3, bits);
}

static void a_flow_keeps_a_backend_that_is_no_candidate(void **state)
{
	struct bed *x = bed_begin(state);

	assert_int_equal(deliver(x, &x->tcp, TCP_SYN_FLAG), 0);
	assert_int_equal(deliver(x, &x->udp, 0), 0);
	change_rows(x, BEYOND);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 0);
		assert_int_equal(deliver(x, &x->udp, 0), 0);
	}
	assert_int_equal(rig_n_flows(x->rig), 2);
}

static void where_the_row_does_not_say_so_nobody_is_asked(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->tcp, TCP_SYN_FLAG);
	change_rows(x, LB_ROW_UNSETTLED);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 3);
}

static void a_candidate_goes_before_all_others(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->tcp, TCP_SYN_FLAG);
	change_rows(x, LB_ROW_UNSETTLED);
	deliver(x, &x->tcp, TCP_ACK_FLAG);
	change_rows(x, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 3);
}

static void a_new_connection_looks_for_nobody(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->tcp, TCP_SYN_FLAG);
	change_rows(x, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, TCP_SYN_FLAG), 3);
}

static void one_that_ended_is_found_if_no_other_is(void **state)
{
	struct bed *x = bed_begin(state);
	struct frame_spec spec = bed_request(&x->tcp, 1000, 0);

	deliver(x, &x->tcp, TCP_SYN_FLAG);
	bed_answer(x, &spec, 0, TCP_FIN_FLAG | TCP_ACK_FLAG);
	change_rows(x, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 0);
}

static void an_unknown_flow_goes_to_the_first(void **state)
{
	struct bed *x = bed_begin(state);

	change_rows(x, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 3);
	assert_int_equal(deliver(x, &x->udp, 0), 3);
}

static void another_generation_or_service_is_no_owner(void **state)
{
	struct bed *x = bed_begin(state);

	deliver(x, &x->tcp, TCP_SYN_FLAG);
	deliver(x, &x->udp, 0);
	change_rows(x, BEYOND);
	rig_set_backend(x->rig, &x->tcp, 0, LB_BE_IN_USE | LB_BE_LOCAL | LB_BE_READY, 2);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 3);
	entry(x, &x->udp)->slot ^= 1;
	assert_int_equal(deliver(x, &x->udp, 0), 3);
}

/* It may have been made shorter than the rows were written for. */
static void no_backend_behind_the_region_is_asked(void **state)
{
	struct bed *x = bed_begin(state);
	const unsigned to_three[] = {3}, without[] = {0, 1, 2};

	rig_set_rows(x->rig, &x->tcp, to_three, 1, 0);
	assert_int_equal(deliver(x, &x->tcp, TCP_SYN_FLAG), 3);
	rig_set_rows(x->rig, &x->tcp, without, 3, BEYOND);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 3);
	rig_set_region(x->rig, &x->tcp, 3);
	assert_int_equal(deliver(x, &x->tcp, TCP_ACK_FLAG), 0);
}

#define CLAIM(f) CLAIM_BOTH(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_flow_keeps_a_backend_that_is_no_candidate),
		CLAIM(where_the_row_does_not_say_so_nobody_is_asked),
		CLAIM(a_candidate_goes_before_all_others),
		CLAIM(a_new_connection_looks_for_nobody),
		CLAIM(one_that_ended_is_found_if_no_other_is),
		CLAIM(an_unknown_flow_goes_to_the_first),
		CLAIM(another_generation_or_service_is_no_owner),
		CLAIM(no_backend_behind_the_region_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
