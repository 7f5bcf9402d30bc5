// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Echo packets of BFD in the programs: sent back to the peers of sessions that say so, as they came
 * but for one hop, and to nobody else.
 */
#include "bpf/bfd_bed.h"

#define HOPS 255

/* As FRR 8.4 sends them, to our address. */
static struct frame_spec echo(void)
{
	return (struct frame_spec){.src = PEER,
				   .dst = LOCAL,
				   .sport = 49153,
				   .dport = LB_BFD_ECHO_PORT,
				   .proto = IPPROTO_UDP,
				   .ttl = HOPS,
				   .payload = 50};
}

static struct lb_bfd reflecting(void)
{
	struct lb_bfd e = bfd_session();

	e.told.flags = LB_BFD_REFLECTS;
	return e;
}

static void put(struct bed *x, const struct lb_bfd *e)
{
	rig_set_bfd(x->rig, PLACE, e);
	rig_add_echo(x->rig, PEER, e->told.ifindex, PLACE);
}

static void expect_back(struct bed *x, const struct frame_spec *s, const struct frame_spec *back)
{
	const uint64_t before = rig_bfd(x->rig, PLACE).n_reflected;
	struct frame_spec want = *back;

	want.ttl = HOPS - 1;
	want.turned = true;
	frame_make(&x->want, &want);
	assert_int_equal(bed_xdp(x, s), XDP_TX);
	assert_true(frame_is_valid(&x->out));
	assert_true(frame_equal(&x->out, &x->want));
	assert_int_equal(rig_bfd(x->rig, PLACE).n_reflected, before + 1);
}

static void expect_none(struct bed *x, const struct frame_spec *s)
{
	const uint64_t before = rig_bfd(x->rig, PLACE).n_reflected;

	assert_int_equal(bed_xdp(x, s), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
	assert_int_equal(rig_bfd(x->rig, PLACE).n_reflected, before);
}

static struct frame_spec turned(const struct frame_spec *s)
{
	struct frame_spec ret = *s;

	ret.src = s->dst;
	ret.dst = s->src;
	ret.sport = s->dport;
	ret.dport = s->sport;
	return ret;
}

static void one_to_us_goes_back_to_its_sender(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_bfd e = reflecting();
	struct frame_spec s = echo(), back = turned(&s);

	put(x, &e);
	expect_back(x, &s, &back);
	s.sport = LB_BFD_ECHO_PORT;
	back = turned(&s);
	expect_back(x, &s, &back);
	/* Whatever is in it. */
	s.bare = back.bare = true;
	expect_back(x, &s, &back);
	s.bare = back.bare = false;
	s.payload = back.payload = 1400;
	expect_back(x, &s, &back);
}

/* RFC 5881 4: the destination is the sender's own address, and the packet is forwarded. */
static void one_to_the_sender_itself_is_forwarded(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_bfd e = reflecting();
	struct frame_spec s = echo();

	put(x, &e);
	s.dst = PEER;
	expect_back(x, &s, &s);
}

static void sessions_of_one_device_reflect_there_alone(void **state)
{
	struct bed *x = bed_begin(state);
	struct lb_bfd e = reflecting();
	const struct frame_spec s = echo(), back = turned(&s);

	e.told.ifindex = RIG_IFINDEX + 1;
	put(x, &e);
	expect_none(x, &s);
	e.told.ifindex = RIG_IFINDEX;
	put(x, &e);
	expect_back(x, &s, &back);
}

static void nobody_elses_packet_comes_back(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_bfd e = reflecting();
	struct frame_spec s = echo();

	expect_none(x, &s);
	put(x, &e);
	s.src = PEER + 1;
	expect_none(x, &s);
	s = echo();
	s.dst = LOCAL + 1;
	expect_none(x, &s);
	s = echo();
	s.ttl = HOPS - 1; /* one that came back, or from afar */
	expect_none(x, &s);
	s = echo();
	s.dport = LB_BFD_ECHO_PORT + 1;
	expect_none(x, &s);
	s = echo();
	s.vlan = 7;
	expect_none(x, &s);
	s = echo();
	s.options = 1;
	expect_none(x, &s);
	s = echo();
	s.frag = 0x2000;
	expect_none(x, &s);
	/* Nor one to many. */
	s = echo();
	frame_make(&x->in, &s);
	x->in.bytes[0] |= 1;
	assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	assert_true(frame_equal(&x->in, &x->out));
}

/* The row of the peer outlives what it stands for, or another session has its place now. */
static void nothing_comes_back_where_the_session_does_not_say_so(void **state)
{
	struct bed *x = bed_begin(state);
	const struct frame_spec s = echo(), back = turned(&s);
	struct lb_bfd e = bfd_answering();

	put(x, &e);
	expect_none(x, &s);
	e = reflecting();
	e.version = 1;
	put(x, &e);
	expect_none(x, &s);
	e = reflecting();
	e.valid_until = now_ns() - 1;
	put(x, &e);
	expect_none(x, &s);
	e = reflecting();
	frame_address((uint8_t *)e.told.peer, PEER + 1);
	put(x, &e);
	expect_none(x, &s);
	rig_add_echo(x->rig, PEER, 0, LB_BFD_SESSIONS);
	expect_none(x, &s);
	e = reflecting();
	put(x, &e);
	expect_back(x, &s, &back);
}

static void one_that_is_cut_short_is_left_alone(void **state)
{
	struct bed *x = bed_begin(state);
	const struct lb_bfd e = reflecting();
	struct frame_spec s = echo();

	put(x, &e);
	s.bare = true;
	frame_make(&x->in, &s);
	for (size_t len = FRAME_IP; len < FRAME_IP + frame_ip_len() + 8; len++) {
		x->in.len = len;
		assert_int_equal(rig_xdp(x->rig, &x->in, &x->out), XDP_PASS);
	}
}

#define CLAIM(f) CLAIM_BOTH(f, bfd_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(one_to_us_goes_back_to_its_sender),
		CLAIM(one_to_the_sender_itself_is_forwarded),
		CLAIM(sessions_of_one_device_reflect_there_alone),
		CLAIM(nobody_elses_packet_comes_back),
		CLAIM(nothing_comes_back_where_the_session_does_not_say_so),
		CLAIM(one_that_is_cut_short_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
