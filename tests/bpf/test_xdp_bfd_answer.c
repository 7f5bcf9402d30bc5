// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * BFD in the programs: which packets of a peer are answered for the agent, how, how often, and that
 * two programs that face each other keep no session alive.
 */
#include "bpf/bfd_bed.h"

/* The answer to what bfd_make() makes; flags beside C. */
static void expect_answer(struct bed *x, const struct bfd_frame *p, uint8_t flags)
{
	struct bfd_frame want;

	bfd_make(&want);
	want.spec.src = LOCAL;
	want.spec.dst = PEER;
	want.spec.sport = PORT;
	want.spec.turned = true;
	our_packet(want.data);
	want.data[1] |= flags;
	frame_make(&x->want, &want.spec);
	assert_int_equal(bed_xdp(x, &p->spec), XDP_TX);
	assert_true(frame_is_valid(&x->out));
	assert_true(frame_equal(&x->out, &x->want));
}

static void expect_none(struct bed *x, const struct bfd_frame *p)
{
	const uint64_t answered = rig_bfd(x->rig, PLACE).n_answered;

	assert_int_equal(bed_xdp(x, &p->spec), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
	assert_int_equal(rig_bfd(x->rig, PLACE).n_answered, answered);
}

static void a_due_answer_is_our_packet_to_whom_it_came_from(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering(), after;
	struct bfd_frame p;
	uint64_t before = now_ns();

	bfd_make(&p);
	rig_set_bfd(x->rig, PLACE, &e);
	expect_answer(x, &p, 0);
	after = rig_bfd(x->rig, PLACE);
	assert_int_equal(after.n_answered, 1);
	assert_int_equal(after.n_seen, 1);
	assert_in_range(after.answered_at, before, now_ns());
	assert_int_equal(after.answered_at, after.seen_at);
	assert_memory_equal(&after.told, &e.told, sizeof(e.told));
}

static void a_poll_is_answered_by_a_final_and_a_final_by_nothing(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	p.data[1] |= F_BIT;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_none(x, &p);
	p.data[1] ^= F_BIT | P_BIT;
	expect_answer(x, &p, F_BIT);
}

/* Every sum is right, whatever the packet says: many discriminators and intervals. */
static void sums_are_right_whatever_we_say(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	for (uint32_t i = 0; i < 200; i++) {
		e.told.answer[1] = i * 0x9e3779b9;
		e.told.answer[4] = i == 0 ? 0xffffffff : ~i * 0x85ebca6b;
		e.told.source_port = (uint16_t)(i * 331);
		rig_set_bfd(x->rig, PLACE, &e);
		assert_int_equal(bed_xdp(x, &p.spec), XDP_TX);
		assert_true(frame_is_valid(&x->out));
	}
}

static void one_is_due_after_three_quarters_of_the_interval(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	e.sent_at = now_ns() - 10 * SECOND; /* of 20 */
	rig_set_bfd(x->rig, PLACE, &e);
	expect_none(x, &p);
	e.answered_at = e.sent_at;
	e.sent_at = 0;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_none(x, &p);
	e.answered_at = now_ns() - 15 * SECOND;
	e.sent_at = e.answered_at - SECOND;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_answer(x, &p, 0);
	/* And that was one. */
	expect_none(x, &p);
	p.data[1] |= P_BIT;
	expect_none(x, &p);
	assert_int_equal(rig_bfd(x->rig, PLACE).n_seen, 3);
	/* A time of the agent's that is ahead of ours is no reason. */
	e.sent_at = now_ns() + SECOND;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_none(x, &p);
}

/* Three packets that came long after our last one, and only then. */
static void nobody_is_answered_before_its_clock_is_proven(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	e.n_proofs = 0;
	e.sent_at = now_ns() - 4 * SECOND; /* less than a quarter of 20: may be an answer */
	rig_set_bfd(x->rig, PLACE, &e);
	for (unsigned i = 0; i < 10; i++)
		expect_none(x, &p);
	assert_int_equal(rig_bfd(x->rig, PLACE).n_proofs, 0);
	e.sent_at = now_ns() - 15 * SECOND;
	rig_set_bfd(x->rig, PLACE, &e);
	for (unsigned i = 0; i < LB_BFD_PROOF; i++) {
		expect_none(x, &p);
		assert_int_equal(rig_bfd(x->rig, PLACE).n_proofs, i + 1);
	}
	expect_answer(x, &p, 0);
	assert_int_equal(rig_bfd(x->rig, PLACE).n_proofs, LB_BFD_PROOF);
}

static void nothing_is_answered_without_the_agents_leave(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering();
	struct bfd_frame p;

	bfd_make(&p);
	e.told.flags = LB_BFD_REFLECTS;
	rig_set_bfd(x->rig, PLACE, &e);
	expect_none(x, &p);
	e = bfd_answering();
	rig_set_bfd(x->rig, PLACE, &e);
	/* Nor to a frame that was sent to many. */
	frame_make(&x->in, &p.spec);
	x->in.bytes[0] |= 1;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
}

/* The peer's session, looked after by the same program. */
static struct lb_bfd facing(uint64_t interval)
{
	struct lb_bfd e = bfd_answering();

	frame_address((uint8_t *)e.told.peer, LOCAL);
	frame_address((uint8_t *)e.told.local, PEER);
	our_packet((uint8_t *)e.told.heard);
	peers_packet((uint8_t *)e.told.answer);
	e.told.interval_ns = interval;
	return e;
}

/* Both agents are gone, both clocks were proven, and a packet is under way. */
static void two_programs_do_not_answer_each_other(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering(), other = facing(20 * SECOND);
	struct bfd_frame p;

	other.sent_at = now_ns();
	rig_set_bfd(x->rig, PLACE, &e);
	rig_set_bfd(x->rig, FACING, &other);
	bfd_make(&p);
	expect_answer(x, &p, 0);
	/* Which arrives at the other end at once, and is no reason for one more. */
	x->in = x->out;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_int_equal(rig_bfd(x->rig, FACING).n_seen, 1);
	assert_int_equal(rig_bfd(x->rig, FACING).n_answered, 0);
}

#define SHORT (10 * MS)

/* A frame comes to the end at this place; counts the answer, if there is one. */
static void give(struct bed *x, uint32_t place, const struct frame *f, uint64_t *last, unsigned *n)
{
	uint64_t at;

	if (rig_xdp(x->rig, f, &x->out) != XDP_TX)
		return;
	at = rig_bfd(x->rig, place).answered_at;
	assert_true(*last == 0 || at - *last >= SHORT / 4 * 3);
	*last = at;
	(*n)++;
}

/* Packets that never cease, at both ends, are no storm. */
static void no_flood_makes_more_answers_than_one_in_three_quarters_of_an_interval(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = bfd_answering(), other = facing(SHORT);
	uint64_t began = now_ns(), last[2] = {0, 0};
	unsigned n[2] = {0, 0};
	struct bfd_frame p;
	struct frame theirs, ours;

	e.told.interval_ns = SHORT;
	rig_set_bfd(x->rig, PLACE, &e);
	rig_set_bfd(x->rig, FACING, &other);
	bfd_make(&p);
	frame_make(&theirs, &p.spec);
	give(x, PLACE, &theirs, &last[0], &n[0]);
	assert_int_equal(n[0], 1);
	ours = x->out;
	/* On a machine that is kept busy these are few: until both have been given twice. */
	while (now_ns() < began + 10 * SHORT || n[0] < 2 || n[1] < 2) {
		give(x, PLACE, &theirs, &last[0], &n[0]);
		give(x, FACING, &ours, &last[1], &n[1]);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, bfd_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_due_answer_is_our_packet_to_whom_it_came_from),
		CLAIM(a_poll_is_answered_by_a_final_and_a_final_by_nothing),
		CLAIM(sums_are_right_whatever_we_say),
		CLAIM(one_is_due_after_three_quarters_of_the_interval),
		CLAIM(nobody_is_answered_before_its_clock_is_proven),
		CLAIM(nothing_is_answered_without_the_agents_leave),
		CLAIM(two_programs_do_not_answer_each_other),
		CLAIM(no_flood_makes_more_answers_than_one_in_three_quarters_of_an_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
