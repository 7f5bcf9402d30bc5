// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * When the timers of the programs wake the agent, in real time: no test asks how soon, only what
 * happened when enough time was over, and that nothing did before. What is to be over is long
 * enough that an emulated machine with little of a processor is not late for it.
 */
#include "bpf/bfd_bed.h"

#include <poll.h>

static void wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

static uint64_t timed_at(struct bed *x)
{
	return rig_bfd(x->rig, PLACE).timed_at;
}

/* A session that is answered for now; the agent is to send so long after that. */
static void answer(struct bed *x, uint64_t interval, uint64_t detection, uint16_t flags)
{
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	e.told.interval_ns = interval;
	e.told.detection_ns = detection;
	e.told.flags |= flags;
	rig_set_bfd(x->rig, PLACE, &e);
	(void)rig_bfd_woken(x->rig);
	assert_int_equal(bed_xdp(x, &p.spec), XDP_TX);
}

/* By and by: the machine may be busy. */
static void expect_woken(struct bed *x)
{
	struct rig_woken w = {.n = 0};

	for (unsigned i = 0; i < 500 && w.n == 0; i++) {
		wait_ms(10);
		w = rig_bfd_woken(x->rig);
	}
	assert_int_equal(w.n, 1);
	assert_int_equal(w.place, PLACE);
	assert_int_equal(timed_at(x), 0);
}

static void an_answer_is_waited_for_one_interval_or_two(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e;

	answer(x, 5 * SECOND, 60 * SECOND, 0);
	e = rig_bfd(x->rig, PLACE);
	assert_int_equal(e.timed_at, e.answered_at + 5 * SECOND);
	answer(x, 5 * SECOND, 60 * SECOND, LB_BFD_PATIENT);
	e = rig_bfd(x->rig, PLACE);
	assert_int_equal(e.timed_at, e.answered_at + 10 * SECOND);
	/* Silence is sooner. */
	answer(x, 5 * SECOND, 7 * SECOND, LB_BFD_PATIENT);
	e = rig_bfd(x->rig, PLACE);
	assert_int_equal(e.timed_at, e.seen_at + 7 * SECOND);
	assert_int_equal(rig_bfd_woken(x->rig).n, 0);
}

static void the_agent_is_woken_once_when_the_time_is_over(void **state)
{
	struct bed *x = bed_begin(state);

	answer(x, 20 * MS, 60 * SECOND, 0);
	assert_true(timed_at(x) != 0);
	expect_woken(x);
	wait_ms(100);
	assert_int_equal(rig_bfd_woken(x->rig).n, 0);
	/* And again after the next answer. */
	answer(x, 20 * MS, 60 * SECOND, 0);
	expect_woken(x);
}

static void silence_wakes_it_too(void **state)
{
	struct bed *x = bed_begin(state);

	answer(x, 20 * SECOND, 300 * MS, 0);
	expect_woken(x);
}

/* The agent has sent itself, or another packet came, meanwhile. */
static void what_is_put_off_wakes_nobody_yet(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e;

	answer(x, SECOND, 60 * SECOND, 0);
	e = rig_bfd(x->rig, PLACE);
	e.told.interval_ns = 30 * SECOND; /* the timer is to find it so */
	e.sent_at = now_ns() + SECOND;
	rig_set_bfd(x->rig, PLACE, &e);
	for (unsigned i = 0; i < 1000 && timed_at(x) == e.timed_at; i++)
		wait_ms(10);
	assert_int_equal(rig_bfd_woken(x->rig).n, 0);
	assert_in_range(timed_at(x), e.sent_at + 30 * SECOND, e.sent_at + 31 * SECOND);
}

/* While the agent writes, the timer comes again. */
static void half_a_session_is_not_judged(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e;

	answer(x, 300 * MS, 60 * SECOND, 0);
	e = rig_bfd(x->rig, PLACE);
	e.version |= 1;
	rig_set_bfd(x->rig, PLACE, &e);
	wait_ms(450);
	assert_int_equal(rig_bfd_woken(x->rig).n, 0);
	assert_true(timed_at(x) != 0);
	e.version++;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_woken(x);
}

static void of_a_session_that_is_taken_back_nobody_is_told(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e;

	answer(x, 300 * MS, 60 * SECOND, 0);
	e = rig_bfd(x->rig, PLACE);
	e.valid_until = 0;
	rig_set_bfd(x->rig, PLACE, &e);
	for (unsigned i = 0; i < 500 && timed_at(x) != 0; i++)
		wait_ms(10);
	assert_int_equal(timed_at(x), 0);
	assert_int_equal(rig_bfd_woken(x->rig).n, 0);
}

/* The ring fills up when nobody reads it, and is read again. */
static void an_agent_that_reads_late_has_missed_nothing_that_counts(void **state)
{
	struct bed *x = bed_begin(state);

	for (unsigned i = 0; i < 20; i++) {
		struct lb_bfd e = bfd_answering();
		struct bfd_frame p;

		bfd_make(&p);
		e.told.interval_ns = MS;
		rig_set_bfd(x->rig, PLACE, &e);
		assert_int_equal(bed_xdp(x, &p.spec), XDP_TX);
		for (unsigned k = 0; k < 500 && timed_at(x) != 0; k++)
			wait_ms(2);
		assert_int_equal(timed_at(x), 0);
	}
	wait_ms(20);
	assert_true(rig_bfd_woken(x->rig).n >= 19);
	answer(x, 20 * MS, 60 * SECOND, 0);
	expect_woken(x);
}

#define CLAIM(f) CLAIM_BOTH(f, bfd_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_answer_is_waited_for_one_interval_or_two),
		CLAIM(the_agent_is_woken_once_when_the_time_is_over),
		CLAIM(silence_wakes_it_too),
		CLAIM(what_is_put_off_wakes_nobody_yet),
		CLAIM(half_a_session_is_not_judged),
		CLAIM(of_a_session_that_is_taken_back_nobody_is_told),
		CLAIM(an_agent_that_reads_late_has_missed_nothing_that_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
